/* datagen: made-up rows, random or counted, the same for the same seed.
 *
 * A value is a function of the seed, the column and the row's number, so that any row can be made
 * without those before it. Blocks of rows are dealt to the instances, each about as many as one
 * makes at once: so rows come nearly in order, at the rate asked for, whatever number of instances
 * a job goes on with. Dates, times and timestamps follow the clock, as in Flink.
 *
 * Cost: a loop per column and batch; a random BIGINT is two multiplications. */
#include "connectors/dealer.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/datagen_field.h"
#include "core/str.h"

static const OptionSpec options[] = {
    {.name = "rows-per-second",
     .type = OPTION_INTEGER,
     .fallback = "10000",
     .minimum = 1,
     .maximum = INT64_MAX,
     .doc = "Rows made per second, by all instances together."},
    {.name = "number-of-rows",
     .type = OPTION_INTEGER,
     .minimum = 0,
     .maximum = INT64_MAX,
     .doc = "Rows after which the source ends; without it and without a sequence it never does."},
    {.name = "seed",
     .type = OPTION_INTEGER,
     .fallback = "0",
     .doc = "Number that random values follow from."},
    {.name = "fields.#.kind",
     .type = OPTION_ENUM,
     .fallback = "random",
     .values = "random|sequence",
     .doc = "How the column's values are made."},
    {.name = "fields.#.min", .type = OPTION_TEXT, .doc = "Smallest random number."},
    {.name = "fields.#.max", .type = OPTION_TEXT, .doc = "Largest random number."},
    {.name = "fields.#.max-past",
     .type = OPTION_DURATION,
     .fallback = "0",
     .doc = "How far back random timestamps go."},
    {.name = "fields.#.length",
     .type = OPTION_INTEGER,
     .minimum = 1,
     .maximum = 1048576,
     .doc = "Length of random text or bytes: the type's, or 100."},
    {.name = "fields.#.var-len",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether the length is random too, from 1 on."},
    {.name = "fields.#.null-rate",
     .type = OPTION_DOUBLE,
     .fallback = "0",
     .doc = "Part of the values that is NULL, 0 to 1."},
    {.name = "fields.#.start", .type = OPTION_INTEGER, .doc = "First number of a sequence."},
    {.name = "fields.#.end", .type = OPTION_INTEGER, .doc = "Last number of a sequence."},
    {.name = NULL}};

/* Rows without an end: more than a machine makes in its life. */
#define ROWS_UNBOUNDED (UINT64_C(1) << 62)

static const Option *field_option(const Options *given, const char *column, const char *key)
{
    for (uint32_t i = 0; i < given->count; i++) {
        const char *name = given->items[i].key;
        size_t length = strlen(column);
        if (strncmp(name, "fields.", 7) == 0 && strncmp(name + 7, column, length) == 0 &&
            name[7 + length] == '.' && strcmp(name + 8 + length, key) == 0)
            return &given->items[i];
    }
    return NULL;
}

/* Refuses an option that the column's kind or type has no use for. */
static bool check_use(const Options *given, const Column *column, const char *key, bool is_used,
                      const char *why, Error *error)
{
    const Option *option = field_option(given, column->name, key);
    if (option == NULL || is_used)
        return true;
    error_set(error, ERROR_OPTION, "option \"%s\" %s", option->key, why);
    return option_error_at_key(option, error);
}

static bool check_uses(const Options *given, const Column *column, const DatagenField *field,
                       Error *error)
{
    const Type *type = column->type;
    bool is_number = datagen_is_number(type);
    bool is_text = type_is_string(type) || type_is_bytes(type);
    bool fixed = type->kind == TYPE_CHAR || type->kind == TYPE_BINARY;
    return check_use(given, column, "min", !field->is_sequence && is_number,
                     "is only for random numbers", error) &&
           check_use(given, column, "max", !field->is_sequence && is_number,
                     "is only for random numbers", error) &&
           check_use(given, column, "max-past", type_is_timestamp(type), "is only for timestamps",
                     error) &&
           check_use(given, column, "length", !field->is_sequence && is_text && !fixed,
                     "is only for random VARCHAR and VARBINARY", error) &&
           check_use(given, column, "var-len", !field->is_sequence && is_text && !fixed,
                     "is only for random VARCHAR and VARBINARY", error) &&
           check_use(given, column, "null-rate", !field->is_sequence, "is only for random values",
                     error) &&
           check_use(given, column, "start", field->is_sequence, "is only for sequences", error) &&
           check_use(given, column, "end", field->is_sequence, "is only for sequences", error);
}

static bool read_sequence(const Options *given, const Column *column, DatagenField *field,
                          Error *error)
{
    const Option *start = field_option(given, column->name, "start");
    const Option *end = field_option(given, column->name, "end");
    if (!datagen_can_count(column->type))
        return error_set(error, ERROR_OPTION,
                         "column \"%s\" cannot be a sequence: it is no number "
                         "and no text",
                         column->name);
    if (start == NULL || end == NULL) {
        error_set(error, ERROR_OPTION, "option \"fields.%s.%s\" is missing", column->name,
                  start == NULL ? "start" : "end");
        return error_hint(error, "A sequence needs its first and its last number.");
    }
    bool read = option_parse_integer(start->value, &field->start) &&
                option_parse_integer(end->value, &field->end);
    if (!read || field->start > field->end) {
        error_set(error, ERROR_OPTION, "option \"%s\" lies before the start of the sequence",
                  end->key);
        return option_error_at(end, error);
    }
    if (datagen_holds(column->type, field->start) && datagen_holds(column->type, field->end))
        return true;
    error_set(error, ERROR_OPTION, "the sequence of column \"%s\" does not fit its type",
              column->name);
    return option_error_at(end, error);
}

static bool read_bound(const Options *given, const Column *column, const char *key,
                       DatagenField *field, bool is_min, Error *error)
{
    const Option *option = field_option(given, column->name, key);
    if (option == NULL || datagen_set_bound(field, str_of(option->value), is_min))
        return true;
    Buffer type = {0};
    type_print(column->type, &type);
    error_set(error, ERROR_OPTION, "\"%s\" is no value of type %s for option \"%s\"", option->value,
              buffer_text(&type), option->key);
    buffer_deinit(&type);
    return option_error_at(option, error);
}

static bool read_random(const Options *given, const Column *column, DatagenField *field,
                        Error *error)
{
    if (!read_bound(given, column, "min", field, true, error) ||
        !read_bound(given, column, "max", field, false, error))
        return false;
    if (!datagen_bounds_hold(field))
        return error_set(error, ERROR_OPTION,
                         "option \"fields.%s.max\" is smaller than the smallest value",
                         column->name);
    const Option *option = field_option(given, column->name, "length");
    int64_t length = field->length;
    if (option != NULL && option_parse_integer(option->value, &length)) {
        if (length > column->type->length) {
            error_set(error, ERROR_OPTION, "option \"%s\" is larger than the type's %d",
                      option->key, column->type->length);
            return option_error_at(option, error);
        }
        field->length = (uint32_t)length;
    }
    option = field_option(given, column->name, "var-len");
    if (option != NULL)
        option_parse_boolean(option->value, &field->is_variable);
    option = field_option(given, column->name, "max-past");
    if (option != NULL)
        option_parse_duration_ms(option->value, &field->max_past_ms);
    option = field_option(given, column->name, "null-rate");
    if (option == NULL)
        return true;
    field->null_rate = strtod(option->value, NULL);
    if (!(field->null_rate >= 0 && field->null_rate <= 1)) {
        error_set(error, ERROR_OPTION, "option \"%s\" is not between 0 and 1", option->key);
        return option_error_at(option, error);
    }
    if (field->null_rate > 0 && !column->type->nullable) {
        error_set(error, ERROR_OPTION, "column \"%s\" is NOT NULL and has a \"null-rate\"",
                  column->name);
        return option_error_at(option, error);
    }
    return true;
}

static bool read_field(const TableInfo *table, uint32_t index, DatagenField *field, Error *error)
{
    const Column *column = &table->physical->columns[index];
    const Options *given = table->options;
    if (type_is_nested(column->type)) {
        error_set(error, ERROR_UNSUPPORTED, "datagen cannot make column \"%s\": its type is nested",
                  column->name);
        return error_hint(error, "Make flat columns and build the value in a query.");
    }
    datagen_field_init(field, column->type, (uint64_t)option_integer(given, options, "seed"),
                       index);
    const Option *kind = field_option(given, column->name, "kind");
    field->is_sequence = kind != NULL && text_equal_nocase(kind->value, "sequence");
    if (!check_uses(given, column, field, error))
        return false;
    return field->is_sequence ? read_sequence(given, column, field, error)
                              : read_random(given, column, field, error);
}

/* Every "fields.x.…" must name a column. */
static bool check_names(const TableInfo *table, Error *error)
{
    const Schema *schema = table->physical;
    for (uint32_t i = 0; i < table->options->count; i++) {
        const Option *option = &table->options->items[i];
        const char *rest = strrchr(option->key, '.');
        if (strncmp(option->key, "fields.", 7) != 0 || rest <= option->key + 6)
            continue;
        char name[256];
        size_t length = (size_t)(rest - option->key) - 7;
        length = length < sizeof(name) ? length : sizeof(name) - 1;
        memcpy(name, option->key + 7, length);
        name[length] = 0;
        if (schema_find(schema, name) >= 0)
            continue;
        error_set(error, ERROR_OPTION, "option \"%s\" names no column of table \"%s\"", option->key,
                  table->name);
        const char **names = memory_alloc((schema->column_count + 1) * sizeof(char *));
        for (uint32_t c = 0; c < schema->column_count; c++)
            names[c] = schema->columns[c].name;
        const char *nearest = str_nearest(name, names, schema->column_count);
        if (nearest != NULL)
            error_hint(error, "Did you mean \"%s\"?", nearest);
        memory_free(names);
        return option_error_at_key(option, error);
    }
    return true;
}

static bool datagen_check(const TableInfo *table, Error *error)
{
    if (!check_names(table, error))
        return false;
    for (uint32_t i = 0; i < table->physical->column_count; i++) {
        DatagenField field;
        if (!read_field(table, i, &field, error))
            return false;
    }
    return true;
}

/* Rows there will be: the shortest of number-of-rows and the sequences. */
static uint64_t total_rows(const TableInfo *table)
{
    uint64_t total = ROWS_UNBOUNDED;
    const Option *rows = options_find(table->options, "number-of-rows");
    int64_t number;
    if (rows != NULL && option_parse_integer(rows->value, &number))
        total = u64_min(total, (uint64_t)number);
    for (uint32_t i = 0; i < table->physical->column_count; i++) {
        DatagenField field;
        if (read_field(table, i, &field, NULL) && field.is_sequence)
            total = u64_min(total, (uint64_t)field.end - (uint64_t)field.start + 1);
    }
    return total;
}

static bool datagen_is_bounded(const TableInfo *table)
{
    return total_rows(table) < ROWS_UNBOUNDED;
}

static ChangeKinds datagen_kinds(const TableInfo *table)
{
    return CHANGES_INSERT_ONLY;
}

/* ------------------------------------------------------------------- source */

struct Source {
    const Schema *schema;
    const Clock *clock;
    const TimeZone *zone;
    DatagenField *fields; /* of the scan's columns */
    DealerHand hand;
    uint64_t total;
    uint32_t block_rows; /* as the job began with */
    uint64_t next;       /* row number, from 0 */
    uint64_t block_end;  /* of the block it makes rows of; not behind `next`: it has none */
    double rows_per_us;
    int64_t paced_from_us; /* rows due are counted from here */
    uint64_t paced_rows;   /* given since */
    uint64_t rows;
};

/* A pause of the job is made up for at most this much. */
#define CATCH_UP_US 1000000
/* Below this many rows a batch is not worth making unless the rate is low. */
#define BATCHES_PER_SECOND 100

/* Rows to make at once. */
static double least_rows(const Source *source)
{
    double least = source->rows_per_us * 1e6 / BATCHES_PER_SECOND;
    return least < 1 ? 1 : least > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : least;
}

/* What a block is belongs to the position: the rate may change. */
static bool find_block_rows(Source *source, const SourceContext *context, Error *error)
{
    source->block_rows = (uint32_t)least_rows(source);
    if (!context->is_restored || context->restored_count == 0)
        return true;
    Reader split = reader_of(context->restored[0].split);
    reader_u32(&split);
    source->block_rows = reader_u32(&split);
    return (!split.failed && source->block_rows != 0 && reader_done(&split)) ||
           error_set(error, ERROR_STATE, "the position of a datagen source cannot be read");
}

static void start_pace(Source *source)
{
    source->paced_from_us = clock_monotonic_us();
    source->paced_rows = 0;
}

static void datagen_close(Source *source)
{
    dealer_leave(&source->hand);
    memory_free(source->fields);
    memory_free(source);
}

static Source *datagen_open(const SourceContext *context, Error *error)
{
    const ScanInfo *scan = &context->scans[0];
    Source *source = memory_zalloc(sizeof(*source));
    source->schema = scan->schema;
    source->clock = context->clock;
    source->zone = context->zone;
    source->fields = memory_alloc((scan->column_count + 1) * sizeof(DatagenField));
    source->total = total_rows(scan->table);
    int64_t rate = option_integer(scan->table->options, options, "rows-per-second");
    source->rows_per_us = (double)rate / 1e6 / context->parallelism;
    bool opened = true;
    for (uint32_t i = 0; i < scan->column_count && opened; i++)
        opened = read_field(scan->table, scan->columns[i], &source->fields[i], error);
    start_pace(source);
    if (opened && find_block_rows(source, context, error) &&
        dealer_join(context, &source->hand, error))
        return source;
    datagen_close(source);
    return NULL;
}

/* Rows due by now, at most a batch. */
static uint32_t rows_due(Source *source, int64_t now_us)
{
    int64_t elapsed_us = now_us - source->paced_from_us;
    double due = (double)elapsed_us * source->rows_per_us - (double)source->paced_rows;
    double most = CATCH_UP_US * source->rows_per_us;
    if (due > most && due > BATCH_ROWS_MAX) {
        start_pace(source);
        return BATCH_ROWS_MAX;
    }
    return due < least_rows(source) ? 0 : due > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : (uint32_t)due;
}

static void sleep_until_due(Source *source, int64_t timeout_ms)
{
    double rows = (double)source->paced_rows + least_rows(source);
    double due_us = (double)source->paced_from_us + rows / source->rows_per_us;
    double wait_us = due_us - (double)clock_monotonic_us();
    if (wait_us > (double)timeout_ms * 1000)
        wait_us = (double)timeout_ms * 1000;
    if (wait_us > 0)
        clock_sleep_us((int64_t)wait_us + 1);
}

/* Whether there are rows to make, of the block it has or of another one. */
static bool has_rows(Source *source)
{
    uint64_t blocks = (source->total + source->block_rows - 1) / source->block_rows;
    DealerPiece piece;
    while (source->next >= u64_min(source->block_end, source->total)) {
        if (!dealer_take(&source->hand, blocks, &piece))
            return false;
        source->next = piece.number * source->block_rows + piece.offset;
        source->block_end = (piece.number + 1) * source->block_rows;
    }
    return true;
}

static SourceState datagen_next(Source *source, int64_t timeout_ms, Batch **batch, uint32_t *scan,
                                Error *error)
{
    if (!has_rows(source))
        return SOURCE_END;
    uint32_t rows = rows_due(source, clock_monotonic_us());
    if (rows == 0 && timeout_ms > 0) {
        sleep_until_due(source, timeout_ms);
        rows = rows_due(source, clock_monotonic_us());
    }
    if (rows == 0)
        return SOURCE_IDLE;
    rows = (uint32_t)u64_min(rows, u64_min(source->block_end, source->total) - source->next);
    *batch = batch_new(source->schema, rows);
    (*batch)->row_count = rows;
    *scan = 0;
    DatagenNow now = datagen_now(source->clock, source->zone);
    for (uint32_t i = 0; i < source->schema->column_count; i++)
        datagen_field_fill(&source->fields[i], source->next, rows, &now, &(*batch)->columns[i],
                           (*batch)->arena);
    source->next += rows;
    source->paced_rows += rows;
    source->rows += rows;
    return SOURCE_BATCH;
}

static bool datagen_position(Source *source, void (*add)(void *to, Str split, Str position),
                             void *to, Error *error)
{
    Buffer split = {0}, position = {0};
    /* Of a block that the last row cuts off the rest is saved too: there may be more of it. */
    bool has_rest = source->next < source->block_end;
    uint64_t number = source->next / source->block_rows;
    DealerPiece rest = {number, source->next - number * source->block_rows};
    buffer_append_u32(&split, source->hand.number);
    buffer_append_u32(&split, source->block_rows);
    dealer_save(&source->hand, &rest, has_rest, &position);
    add(to, (Str){split.data, split.length}, (Str){position.data, position.length});
    buffer_deinit(&split);
    buffer_deinit(&position);
    return true;
}

static void datagen_progress(Source *source, SourceProgress *out)
{
    *out = (SourceProgress){.rows = source->rows, .seconds_behind = -1};
    snprintf(out->position, sizeof(out->position), "row %llu", (unsigned long long)source->rows);
}

static const SourceClass source_class = {.open = datagen_open,
                                         .next = datagen_next,
                                         .position = datagen_position,
                                         .close = datagen_close,
                                         .progress = datagen_progress};

static bool is_even(const TableInfo *table, uint32_t parallelism)
{
    return true;
}

extern const Connector connector_datagen;
const Connector connector_datagen = {.name = "datagen",
                                     .doc = "Makes rows up: random values and sequences.",
                                     .options = options,
                                     .check = datagen_check,
                                     .source = &source_class,
                                     .source_kinds = datagen_kinds,
                                     .is_bounded = datagen_is_bounded,
                                     .source_is_even = is_even};
