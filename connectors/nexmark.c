/* nexmark: the events of the Nexmark benchmark, the same for the same seed.
 *
 * Blocks of events are dealt to the instances as they ask for them (connectors/dealer.h), so a job
 * goes on at any parallelism, and the rows of a table do not depend on it. An instance reads its
 * blocks in order of event number, so its rows come in order of time.
 *
 * Cost: see nexmark/generator.c; fields that no query reads are not made. */
#include "connectors/connector.h"

#include <stdio.h>
#include <string.h>

#include "connectors/dealer.h"
#include "connectors/nexmark/generator.h"
#include "core/str.h"

static const OptionSpec options[] = {
    {.name = "events.num",
     .type = OPTION_INTEGER,
     .fallback = "0",
     .maximum = INT64_MAX,
     .doc = "Events after which the source ends; 0: never."},
    {.name = "first-event.rate",
     .type = OPTION_INTEGER,
     .fallback = "10000",
     .minimum = 1,
     .maximum = 1000000000,
     .doc = "Events per second of event time."},
    {.name = "next-event.rate",
     .type = OPTION_INTEGER,
     .minimum = 1,
     .maximum = 1000000000,
     .doc = "Must be as \"first-event.rate\": the rate does not change."},
    {.name = "rate.shape",
     .type = OPTION_ENUM,
     .fallback = "SQUARE",
     .values = "SQUARE|SINE",
     .doc = "How one rate turns into the other; both are alike, so it has no effect."},
    {.name = "rate.period",
     .type = OPTION_DURATION,
     .fallback = "600 s",
     .doc = "How often one rate turns into the other; both are alike, so it has no effect."},
    {.name = "rate.limited",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Must be false: \"max-emit-speed\" = 'false' limits the rate."},
    {.name = "person.proportion",
     .type = OPTION_INTEGER,
     .fallback = "1",
     .maximum = 1000000,
     .doc = "Persons in a round of events."},
    {.name = "auction.proportion",
     .type = OPTION_INTEGER,
     .fallback = "3",
     .maximum = 1000000,
     .doc = "Auctions in a round of events."},
    {.name = "bid.proportion",
     .type = OPTION_INTEGER,
     .fallback = "46",
     .maximum = 1000000,
     .doc = "Bids in a round of events."},
    {.name = "person.avg-size",
     .type = OPTION_BYTES,
     .fallback = "200 b",
     .maximum = 16777216,
     .doc = "Bytes a person is padded to, on average."},
    {.name = "auction.avg-size",
     .type = OPTION_BYTES,
     .fallback = "500 b",
     .maximum = 16777216,
     .doc = "Bytes an auction is padded to, on average."},
    {.name = "bid.avg-size",
     .type = OPTION_BYTES,
     .fallback = "100 b",
     .maximum = 16777216,
     .doc = "Bytes a bid is padded to, on average, its channel and url not counted."},
    {.name = "bid.hot-ratio.auctions",
     .type = OPTION_INTEGER,
     .fallback = "2",
     .minimum = 1,
     .maximum = 1000000,
     .doc = "One in so many bids goes to an auction that is not the hot one."},
    {.name = "bid.hot-ratio.bidders",
     .type = OPTION_INTEGER,
     .fallback = "4",
     .minimum = 1,
     .maximum = 1000000,
     .doc = "One in so many bids comes from a bidder who is not the hot one."},
    {.name = "auction.hot-ratio.sellers",
     .type = OPTION_INTEGER,
     .fallback = "4",
     .minimum = 1,
     .maximum = 1000000,
     .doc = "One in so many auctions comes from a seller who is not the hot one."},
    {.name = "stop-at",
     .type = OPTION_INTEGER,
     .fallback = "-1",
     .minimum = -1,
     .maximum = INT64_MAX,
     .doc = "Stop after so many events although \"events.num\" is larger; -1: do not."},
    {.name = "keep-alive",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether the source goes on without rows when it has given its last."},
    {.name = "max-emit-speed",
     .type = OPTION_BOOLEAN,
     .fallback = "true",
     .doc = "Whether events come as fast as they can be made, or as their times say."},
    {.name = "seed",
     .type = OPTION_INTEGER,
     .fallback = "0",
     .doc = "Number that the values of all events follow from."},
    {.name = "base-time",
     .type = OPTION_TEXT,
     .fallback = "2025-01-01 00:00:00",
     .doc = "Time the events start at."},
    {.name = NULL}};

#define INSTANCES_MAX 64
#define BLOCK_EVENTS  BATCH_ROWS_MAX
#define ENDLESS       (UINT64_C(1) << 62)

static const char *const kind_columns[NEXMARK_KINDS] = {"person", "auction", "bid"};

/* -------------------------------------------------------------------- table */

static bool option_error(const Options *given, const char *key, Error *error)
{
    const Option *option = options_find(given, key);
    return option == NULL ? false : option_error_at(option, error);
}

static bool field_fits(const NexmarkField *field, const Type *type)
{
    switch (field->form) {
    case NEXMARK_BIGINT:
        return type->kind == TYPE_BIGINT;
    case NEXMARK_TIME:
        return type->kind == TYPE_TIMESTAMP && type->precision >= 3 &&
               type->physical == PHYSICAL_I64;
    case NEXMARK_TEXT:
        break;
    }
    return type->kind == TYPE_VARCHAR;
}

static const char *const form_names[] = {"BIGINT", "STRING", "TIMESTAMP(3)"};

static const NexmarkField *find_field(NexmarkKind kind, const char *name, uint32_t *index)
{
    const NexmarkField *fields = nexmark_fields(kind);
    for (*index = 0; fields[*index].name != NULL; (*index)++)
        if (strcmp(fields[*index].name, name) == 0)
            return &fields[*index];
    return NULL;
}

static bool check_row(const Column *column, NexmarkKind kind, Error *error)
{
    if (column->type->kind != TYPE_ROW)
        return error_set(error, ERROR_TYPE, "column \"%s\" of a nexmark table must be a ROW",
                         column->name);
    for (uint32_t i = 0; i < column->type->field_count; i++) {
        const TypeField *given = &column->type->fields[i];
        uint32_t index;
        const NexmarkField *field = find_field(kind, given->name, &index);
        if (field == NULL) {
            error_set(error, ERROR_NAME, "%s has no field \"%s\"", column->name, given->name);
            const char *names[NEXMARK_FIELDS_MAX];
            const NexmarkField *all = nexmark_fields(kind);
            uint32_t count = 0;
            for (; all[count].name != NULL; count++)
                names[count] = all[count].name;
            const char *nearest = str_nearest(given->name, names, count);
            return nearest == NULL ? false : error_hint(error, "Did you mean \"%s\"?", nearest);
        }
        if (!field_fits(field, given->type))
            return error_set(error, ERROR_TYPE, "field \"%s\" of %s must be of type %s",
                             given->name, column->name, form_names[field->form]);
    }
    return true;
}

static int32_t kind_of_column(const char *name)
{
    for (int32_t kind = 0; kind < NEXMARK_KINDS; kind++)
        if (strcmp(name, kind_columns[kind]) == 0)
            return kind;
    return -1;
}

static bool check_columns(const TableInfo *table, Error *error)
{
    for (uint32_t i = 0; i < table->physical->column_count; i++) {
        const Column *column = &table->physical->columns[i];
        int32_t kind = kind_of_column(column->name);
        if (kind >= 0) {
            if (!check_row(column, (NexmarkKind)kind, error))
                return false;
        } else if (strcmp(column->name, "event_type") != 0) {
            error_set(error, ERROR_NAME, "a nexmark table has no column \"%s\"", column->name);
            return error_hint(error, "Its columns are event_type, person, auction and bid.");
        } else if (column->type->kind != TYPE_INT) {
            return error_set(error, ERROR_TYPE, "column \"event_type\" must be of type INT");
        }
    }
    return true;
}

static bool read_base_time(const Options *given, int64_t *base_ms, Error *error)
{
    const char *text = option_text(given, options, "base-time");
    DateTime base;
    if (datetime_parse((Str){text, strlen(text)}, &base)) {
        *base_ms = datetime_to_micros(base) / 1000;
        return true;
    }
    error_set(error, ERROR_OPTION, "option \"base-time\" is no timestamp: \"%s\"", text);
    option_error(given, "base-time", error);
    return error_hint(error, "Write it as 2025-01-01 00:00:00.");
}

static bool check_rates(const Options *given, Error *error)
{
    const Option *next = options_find(given, "next-event.rate");
    if (next != NULL && option_integer(given, options, "next-event.rate") !=
                            option_integer(given, options, "first-event.rate")) {
        error_set(error, ERROR_OPTION,
                  "option \"next-event.rate\" differs from \"first-event.rate\"");
        option_error(given, "next-event.rate", error);
        return error_hint(error, "Give both the same value: the rate does not change.");
    }
    if (option_boolean(given, options, "rate.limited")) {
        error_set(error, ERROR_OPTION, "option \"rate.limited\" is not supported");
        option_error(given, "rate.limited", error);
        return error_hint(error, "Set 'max-emit-speed' = 'false' instead.");
    }
    return true;
}

static bool nexmark_check(const TableInfo *table, Error *error)
{
    const Options *given = table->options;
    int64_t base_ms;
    if (!check_columns(table, error) || !read_base_time(given, &base_ms, error) ||
        !check_rates(given, error))
        return false;
    if (option_integer(given, options, "person.proportion") +
            option_integer(given, options, "auction.proportion") +
            option_integer(given, options, "bid.proportion") ==
        0)
        return error_set(error, ERROR_OPTION,
                         "the proportions of person, auction and bid are all 0");
    return true;
}

/* Events there will be. */
static uint64_t total_events(const TableInfo *table)
{
    int64_t events = option_integer(table->options, options, "events.num");
    int64_t stop = option_integer(table->options, options, "stop-at");
    uint64_t total = events == 0 ? ENDLESS : (uint64_t)events;
    return stop < 0 ? total : u64_min(total, (uint64_t)stop);
}

static bool nexmark_is_bounded(const TableInfo *table)
{
    return total_events(table) < ENDLESS && !option_boolean(table->options, options, "keep-alive");
}

static ChangeKinds nexmark_kinds(const TableInfo *table)
{
    return CHANGES_INSERT_ONLY;
}

/* ------------------------------------------------------------------- source */

/* Vectors that batches borrow: nobody else does when the source is the only owner, and then they
 * are filled again, while they are near and most of what is NULL in them stays so. */
typedef struct Frame {
    Batch *batch; /* NULL: not made yet */
    NexmarkRows rows;
} Frame;

/* Batches on their way at a time that vectors are kept for; and rows that are worth it. */
#define FRAMES_MAX       8
#define FRAME_ROWS_LEAST 256

struct Source {
    const ScanInfo *scan;
    const Clock *clock;
    NexmarkGenerator *generator;
    DealerHand hand;
    uint64_t next;      /* event number, from 1 */
    uint64_t block_end; /* of the block it reads: its last event; before `next`: it reads none */
    uint64_t last;      /* number of the last event of all */
    bool keep_alive;
    bool is_paced;
    int64_t paced_from_us; /* clock and event time of the first event given */
    int64_t paced_from_ms;
    uint64_t rows;
    Frame frames[FRAMES_MAX];
};

static NexmarkConfig read_config(const Options *given)
{
    NexmarkConfig config = {
        .seed = (uint64_t)option_integer(given, options, "seed"),
        .rate = (uint32_t)option_integer(given, options, "first-event.rate"),
        .hot_auctions = (uint32_t)option_integer(given, options, "bid.hot-ratio.auctions"),
        .hot_bidders = (uint32_t)option_integer(given, options, "bid.hot-ratio.bidders"),
        .hot_sellers = (uint32_t)option_integer(given, options, "auction.hot-ratio.sellers")};
    static const char *const shares[] = {"person.proportion", "auction.proportion",
                                         "bid.proportion"};
    static const char *const sizes[] = {"person.avg-size", "auction.avg-size", "bid.avg-size"};
    for (uint32_t kind = 0; kind < NEXMARK_KINDS; kind++) {
        config.shares[kind] = (uint32_t)option_integer(given, options, shares[kind]);
        config.sizes[kind] = (uint64_t)option_integer(given, options, sizes[kind]);
    }
    return config;
}

static void nexmark_close(Source *source)
{
    dealer_leave(&source->hand);
    for (uint32_t i = 0; i < FRAMES_MAX; i++)
        batch_release(source->frames[i].batch);
    nexmark_generator_free(source->generator);
    memory_free(source);
}

static Source *nexmark_open(const SourceContext *context, Error *error)
{
    const TableInfo *table = context->scans[0].table;
    Source *source = memory_zalloc(sizeof(*source));
    source->scan = &context->scans[0];
    source->clock = context->clock;
    source->last = total_events(table);
    source->keep_alive =
        option_boolean(table->options, options, "keep-alive") && !context->bounded_run;
    source->is_paced = !option_boolean(table->options, options, "max-emit-speed");
    NexmarkConfig config = read_config(table->options);
    source->next = 1;
    if (!read_base_time(table->options, &config.base_ms, error) ||
        !dealer_join(context, &source->hand, error)) {
        nexmark_close(source);
        return NULL;
    }
    source->generator = nexmark_generator_new(&config);
    return source;
}

/* Whether there are events to read, in the block it has or in another one. */
static bool has_events(Source *source)
{
    uint64_t blocks = (source->last + BLOCK_EVENTS - 1) / BLOCK_EVENTS;
    DealerPiece piece;
    while (source->next > u64_min(source->block_end, source->last)) {
        if (!dealer_take(&source->hand, blocks, &piece))
            return false;
        source->next = piece.number * BLOCK_EVENTS + piece.offset + 1;
        source->block_end = (piece.number + 1) * BLOCK_EVENTS;
    }
    return true;
}

/* How many of `count` events from `number` on are due; the first call starts the clock. */
static uint32_t count_due(Source *source, uint64_t number, uint32_t count)
{
    if (!source->is_paced)
        return count;
    int64_t now_us = source->clock->now_us(source->clock);
    if (source->paced_from_us == 0) {
        source->paced_from_us = now_us;
        source->paced_from_ms = nexmark_time_ms(source->generator, number);
    }
    int64_t due_ms = source->paced_from_ms + (now_us - source->paced_from_us) / 1000;
    uint32_t due = 0, end = count;
    while (due < end) { /* times do not go back, so the bound can be searched for */
        uint32_t middle = due + (end - due) / 2;
        if (nexmark_time_ms(source->generator, number + middle) <= due_ms)
            due = middle + 1;
        else
            end = middle;
    }
    return due;
}

/* Vectors for what the scan reads; the rest of a ROW is NULL throughout. */
static void place_row(const Source *source, uint32_t column, NexmarkKind kind, uint32_t rows,
                      Batch *batch, NexmarkRows *out)
{
    Vector *vector = &batch->columns[column];
    const Type *type = source->scan->schema->columns[column].type;
    uint64_t wanted = scan_fields(source->scan, column);
    *vector = (Vector){.type = type, .capacity = rows};
    vector->data = arena_alloc(batch->arena, 1);
    vector->children = arena_new_array(batch->arena, Vector, type->field_count + 1);
    out->rows[kind] = vector;
    for (uint32_t i = 0; i < type->field_count; i++) {
        Vector *child = &vector->children[i];
        uint32_t index;
        find_field(kind, type->fields[i].name, &index);
        if (i < 64 && (wanted >> i & 1) == 0) {
            vector_init_constant(child, type->fields[i].type, batch->arena);
            continue;
        }
        vector_init(child, type->fields[i].type, rows, batch->arena);
        out->fields[kind][index] = child;
    }
}

static void make_frame(const Source *source, uint32_t rows, Frame *frame)
{
    const Schema *schema = source->scan->schema;
    *frame = (Frame){.batch = batch_new_bare(schema)};
    Batch *batch = frame->batch;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        int32_t kind = kind_of_column(schema->columns[i].name);
        if (kind >= 0) {
            place_row(source, i, (NexmarkKind)kind, rows, batch, &frame->rows);
        } else {
            vector_init(&batch->columns[i], schema->columns[i].type, rows, batch->arena);
            frame->rows.event_type = &batch->columns[i];
        }
    }
    batch_hold(batch, batch_retain(nexmark_pool(source->generator)));
}

/* One that nobody borrows from; NULL: all are in use. */
static Frame *find_frame(Source *source)
{
    for (uint32_t i = 0; i < FRAMES_MAX; i++) {
        Frame *frame = &source->frames[i];
        if (frame->batch == NULL)
            make_frame(source, BATCH_ROWS_MAX, frame);
        if (!batch_is_shared(frame->batch))
            return frame;
    }
    return NULL;
}

static Batch *make_batch(Source *source, uint64_t first, uint32_t count)
{
    const Schema *schema = source->scan->schema;
    Batch *batch = batch_new_bare(schema);
    batch->row_count = count;
    Frame *frame = count < FRAME_ROWS_LEAST ? NULL : find_frame(source);
    Frame own;
    bool is_kept = frame != NULL;
    if (!is_kept) {
        frame = &own;
        make_frame(source, count, frame);
    }
    nexmark_fill(source->generator, first, count, &frame->rows, frame->batch->arena, batch->arena);
    memcpy(batch->columns, frame->batch->columns, sizeof(Vector) * schema->column_count);
    batch_hold(batch, is_kept ? batch_retain(frame->batch) : frame->batch);
    return batch;
}

static SourceState nexmark_next(Source *source, int64_t timeout_ms, Batch **batch, uint32_t *scan,
                                Error *error)
{
    if (!has_events(source)) {
        if (!source->keep_alive)
            return SOURCE_END;
        clock_sleep_us(timeout_ms * 1000);
        return SOURCE_IDLE;
    }
    uint64_t first = source->next;
    uint32_t count = (uint32_t)(u64_min(source->block_end, source->last) - first + 1);
    uint32_t due = count_due(source, first, count);
    if (due == 0) {
        int64_t wait_us = timeout_ms * 1000;
        clock_sleep_us(wait_us < 1000 ? wait_us : 1000);
        return SOURCE_IDLE;
    }
    *batch = make_batch(source, first, due);
    *scan = 0;
    source->next += due;
    source->rows += due;
    return SOURCE_BATCH;
}

static bool nexmark_position(Source *source, void (*add)(void *to, Str split, Str position),
                             void *to, Error *error)
{
    Buffer split = {0}, position = {0};
    /* Of a block that the last event cuts off the rest is saved too: there may be more of it. */
    bool has_rest = source->next <= source->block_end;
    uint64_t number = (source->next - 1) / BLOCK_EVENTS;
    DealerPiece rest = {number, source->next - 1 - number * BLOCK_EVENTS};
    buffer_append_u32(&split, source->hand.number);
    dealer_save(&source->hand, &rest, has_rest, &position);
    add(to, (Str){split.data, split.length}, (Str){position.data, position.length});
    buffer_deinit(&split);
    buffer_deinit(&position);
    return true;
}

static void nexmark_progress(Source *source, SourceProgress *out)
{
    *out = (SourceProgress){.rows = source->rows, .seconds_behind = -1};
    snprintf(out->position, sizeof(out->position), "event %llu", (unsigned long long)source->rows);
}

static const SourceClass source_class = {.open = nexmark_open,
                                         .next = nexmark_next,
                                         .position = nexmark_position,
                                         .close = nexmark_close,
                                         .progress = nexmark_progress};

static bool is_even(const TableInfo *table, uint32_t parallelism)
{
    return true;
}

extern const Connector connector_nexmark;
const Connector connector_nexmark = {.name = "nexmark",
                                     .doc = "Makes the events of the Nexmark benchmark up.",
                                     .options = options,
                                     .check = nexmark_check,
                                     .source = &source_class,
                                     .source_kinds = nexmark_kinds,
                                     .is_bounded = nexmark_is_bounded,
                                     .source_is_even = is_even,
                                     .source_parallelism = INSTANCES_MAX};
