/* Drives the mysql-cdc connector alone and prints what it gives; for the tests in tests/cdc.
 *
 *   cdc_probe -o key=value … -t 'name: id BIGINT NOT NULL KEY, v STRING; gtid, op_ts' …
 *             [--journal FILE] [--every BATCHES] [--until TEXT] [--idle MS] [--limit ROWS]
 *             [--progress 1] [--quiet 1] [--wake MS]
 *
 * Changes go to standard output, or to the journal: lines of changes and, after every few batches,
 * a line "=STATE" with the position. Started again, the probe drops what follows the last such line
 * and goes on from it, as a job with exactly-once sinks does after a crash. It ends when a change
 * contains the text, when nothing came for so long, after so many rows, or at the end of the input.
 * With --wake another thread wakes the idle source after so long, and the probe says when it was
 * heard. */
#include <ctype.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "connectors/connector.h"
#include "core/changelog_text.h"
#include "core/str.h"

#define TABLES_MAX  8
#define COLUMNS_MAX 100
#define OPTIONS_MAX 60

extern const Connector connector_mysql_cdc;

typedef struct Probe {
    Arena *arena;
    Option options[OPTIONS_MAX];
    uint32_t option_count;
    TableInfo tables[TABLES_MAX];
    ScanInfo scans[TABLES_MAX];
    Options table_options[TABLES_MAX];
    uint32_t table_count;
    const char *journal_path;
    FILE *out;
    uint32_t every;
    const char *until;
    int64_t idle_ms;
    uint64_t limit;
    Buffer restored;
    bool is_restored;
    bool progress;
    bool quiet;
    int64_t wake_ms;
} Probe;

static void fail(const char *what)
{
    fprintf(stderr, "cdc_probe: %s\n", what);
    exit(2);
}

/* --------------------------------------------------------------- the command line */

static const Type *parse_type(Arena *arena, const char *text, bool nullable)
{
    static const struct {
        const char *name;
        TypeKind kind;
        int32_t first;
        int32_t second;
    } types[] = {
        {"BOOLEAN", TYPE_BOOLEAN, 0, 0},
        {"TINYINT", TYPE_TINYINT, 0, 0},
        {"SMALLINT", TYPE_SMALLINT, 0, 0},
        {"INT", TYPE_INT, 0, 0},
        {"BIGINT", TYPE_BIGINT, 0, 0},
        {"FLOAT", TYPE_FLOAT, 0, 0},
        {"DOUBLE", TYPE_DOUBLE, 0, 0},
        {"DECIMAL", TYPE_DECIMAL, 10, 0},
        {"STRING", TYPE_VARCHAR, TYPE_LENGTH_MAX, 0},
        {"BYTES", TYPE_VARBINARY, TYPE_LENGTH_MAX, 0},
        {"DATE", TYPE_DATE, 0, 0},
        {"TIME", TYPE_TIME, 0, 0},
        {"TIMESTAMP", TYPE_TIMESTAMP, 6, 0},
        {"TIMESTAMP_LTZ", TYPE_TIMESTAMP_LTZ, 6, 0},
    };
    char name[64] = "";
    size_t length = strcspn(text, "( ");
    if (length < sizeof(name))
        memcpy(name, text, length);
    for (size_t i = 0; i < array_count(types); i++) {
        if (strcmp(types[i].name, name) != 0)
            continue;
        int first = types[i].first, second = types[i].second;
        const char *open = strchr(text, '(');
        if (open != NULL)
            sscanf(open, "(%d ,%d", &first, &second);
        if (open != NULL)
            sscanf(open, "(%d,%d", &first, &second);
        return type_new(arena, types[i].kind, nullable, first, second);
    }
    if (strcmp(name, "SET") == 0) {
        TypeField *field = arena_new_one(arena, TypeField);
        field->type = &type_string;
        return type_new_nested(arena, TYPE_ARRAY, nullable, field, 1);
    }
    fprintf(stderr, "type %s: ", text);
    fail("unknown type");
    return NULL;
}

static char *trim(char *text)
{
    while (isspace((unsigned char)*text))
        text++;
    for (char *end = text + strlen(text); end > text && isspace((unsigned char)end[-1]);)
        *--end = '\0';
    return text;
}

/* Cuts at the next comma outside parentheses. */
static char *next_item(char **rest)
{
    char *start = *rest;
    int depth = 0;
    if (start == NULL || *start == '\0')
        return NULL;
    char *at = start;
    for (; *at != '\0' && (*at != ',' || depth > 0); at++)
        depth += *at == '(' ? 1 : *at == ')' ? -1 : 0;
    *rest = *at == '\0' ? at : at + 1;
    *at = '\0';
    return trim(start);
}

static bool cut_suffix(char *text, const char *suffix)
{
    size_t length = strlen(text), cut = strlen(suffix);
    if (length < cut || strcmp(text + length - cut, suffix) != 0)
        return false;
    text[length - cut] = '\0';
    trim(text);
    return true;
}

static void add_table(Probe *probe, const char *argument)
{
    Arena *arena = probe->arena;
    char *text = arena_strdup(arena, argument);
    char *colon = strchr(text, ':');
    if (colon == NULL || probe->table_count == TABLES_MAX)
        fail("-t wants 'name: columns; metadata'");
    *colon = '\0';
    char *metadata = strchr(colon + 1, ';');
    if (metadata != NULL)
        *metadata++ = '\0';
    Column *columns = arena_new_array(arena, Column, COLUMNS_MAX);
    uint32_t *keys = arena_new_array(arena, uint32_t, COLUMNS_MAX);
    uint32_t *indexes = arena_new_array(arena, uint32_t, COLUMNS_MAX);
    uint32_t *metadata_indexes = arena_new_array(arena, uint32_t, COLUMNS_MAX);
    uint32_t count = 0, key_count = 0, metadata_count = 0;
    char *rest = colon + 1, *item = NULL;
    while ((item = next_item(&rest)) != NULL && count < 60) {
        bool key = cut_suffix(item, "KEY");
        bool not_null = cut_suffix(trim(item), "NOT NULL");
        item = trim(item);
        char *space = strchr(item, ' ');
        if (space == NULL)
            fail("a column wants a name and a type");
        *space = '\0';
        if (key)
            keys[key_count++] = count;
        indexes[count] = count;
        columns[count++] = (Column){item, parse_type(arena, trim(space + 1), !not_null)};
    }
    TableInfo *table = &probe->tables[probe->table_count];
    table->name = trim(text);
    table->physical = schema_new(arena, columns, count);
    table->primary_key = keys;
    table->primary_key_count = key_count;
    uint32_t physical_count = count;
    while (metadata != NULL && (item = next_item(&metadata)) != NULL) {
        uint32_t i = 0;
        while (connector_mysql_cdc.metadata[i].key != NULL &&
               strcmp(connector_mysql_cdc.metadata[i].key, item) != 0)
            i++;
        if (connector_mysql_cdc.metadata[i].key == NULL)
            fail("unknown metadata column");
        metadata_indexes[metadata_count++] = i;
        columns[count++] = (Column){item, connector_mysql_cdc.metadata[i].type};
    }
    ScanInfo *scan = &probe->scans[probe->table_count++];
    scan->table = table;
    scan->columns = indexes;
    scan->column_count = physical_count;
    scan->metadata = metadata_indexes;
    scan->metadata_count = metadata_count;
    scan->schema = schema_new(arena, columns, count);
}

static void add_option(Probe *probe, const char *argument)
{
    char *text = arena_strdup(probe->arena, argument);
    char *equals = strchr(text, '=');
    if (equals == NULL || probe->option_count == OPTIONS_MAX)
        fail("-o wants key=value");
    *equals = '\0';
    probe->options[probe->option_count++] = (Option){text, equals + 1, -1, -1, -1, 0};
}

static void read_arguments(Probe *probe, int argc, char **argv)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *value = argv[i + 1];
        if (strcmp(argv[i], "-o") == 0)
            add_option(probe, value);
        else if (strcmp(argv[i], "-t") == 0)
            add_table(probe, value);
        else if (strcmp(argv[i], "--journal") == 0)
            probe->journal_path = value;
        else if (strcmp(argv[i], "--every") == 0)
            probe->every = (uint32_t)atoi(value);
        else if (strcmp(argv[i], "--until") == 0)
            probe->until = value;
        else if (strcmp(argv[i], "--idle") == 0)
            probe->idle_ms = atoll(value);
        else if (strcmp(argv[i], "--limit") == 0)
            probe->limit = (uint64_t)atoll(value);
        else if (strcmp(argv[i], "--progress") == 0)
            probe->progress = atoi(value) != 0;
        else if (strcmp(argv[i], "--wake") == 0)
            probe->wake_ms = atoll(value);
        else if (strcmp(argv[i], "--quiet") == 0)
            probe->quiet = atoi(value) != 0;
        else
            fail("unknown argument");
    }
}

/* The table's own name is its `table-name` unless an option says otherwise. */
static void give_options(Probe *probe)
{
    for (uint32_t i = 0; i < probe->table_count; i++) {
        Option *options = arena_new_array(probe->arena, Option, OPTIONS_MAX + 2);
        uint32_t count = 0;
        bool named = false;
        for (uint32_t k = 0; k < probe->option_count; k++) {
            options[count++] = probe->options[k];
            named = named || strcmp(probe->options[k].key, "table-name") == 0;
        }
        options[count++] = (Option){"connector", "mysql-cdc", -1, -1, -1, 0};
        if (!named)
            options[count++] = (Option){"table-name", probe->tables[i].name, -1, -1, -1, 0};
        probe->table_options[i] = (Options){count, options};
        probe->tables[i].options = &probe->table_options[i];
    }
}

/* -------------------------------------------------------------------- the journal */

static void read_journal(Probe *probe)
{
    FILE *file = fopen(probe->journal_path, "r+");
    if (file == NULL)
        return;
    char *line = NULL;
    size_t capacity = 0;
    ssize_t length = 0;
    long durable = 0;
    while ((length = getline(&line, &capacity, file)) > 0) {
        if (line[length - 1] != '\n' || strncmp(line, "=STATE ", 7) != 0)
            continue;
        durable = ftell(file);
        probe->is_restored = true;
        buffer_clear(&probe->restored);
        for (const char *p = line + 7; isxdigit((unsigned char)p[0]); p += 2) {
            char pair[3] = {p[0], p[1], '\0'};
            buffer_append_u8(&probe->restored, (uint8_t)strtoul(pair, NULL, 16));
        }
    }
    free(line);
    if (ftruncate(fileno(file), durable) != 0)
        fail("could not cut the journal");
    fclose(file);
}

static void write_state(void *to, Str split, Str position)
{
    FILE *out = to;
    (void)split;
    fputs("=STATE ", out);
    for (size_t i = 0; i < position.length; i++)
        fprintf(out, "%02x", (uint8_t)position.data[i]);
    fputs("\n", out);
}

/* ------------------------------------------------------------------------- running */

static void notice(void *to, const char *text)
{
    (void)to;
    fprintf(stderr, "notice: %s\n", text);
}

static int report(const Error *error)
{
    Buffer text = {0};
    error_print(error, &text);
    fprintf(stderr, "error (%s): %s\n", error_code_name(error->code), buffer_text(&text));
    buffer_deinit(&text);
    return 1;
}

static void print_progress(const Probe *probe, Source *source)
{
    SourceProgress progress;
    connector_mysql_cdc.source->progress(source, &progress);
    if (probe->progress)
        fprintf(stderr, "progress: rows %" PRIu64 " of %" PRIu64 ", snapshot %d, behind %.1f, %s\n",
                progress.rows, progress.rows_expected, progress.snapshot, progress.seconds_behind,
                progress.position);
}

/* Whether the run is over. */
static bool print_batch(const Probe *probe, const Batch *batch, uint32_t scan, uint64_t *rows)
{
    Buffer text = {0};
    bool over = false;
    for (uint32_t row = 0; row < batch->row_count && !probe->quiet; row++) {
        size_t start = text.length;
        if (probe->table_count > 1)
            buffer_printf(&text, "%s ", probe->tables[scan].name);
        changelog_print_row(batch, row, NULL, &text);
        buffer_append_char(&text, '\n');
        if (probe->until != NULL && strstr(buffer_text(&text) + start, probe->until) != NULL)
            over = true;
    }
    *rows += batch->row_count;
    fwrite(text.data, 1, text.length, probe->out);
    buffer_deinit(&text);
    return over || (probe->limit > 0 && *rows >= probe->limit);
}

/* ------------------------------------------------------------------------- waking */

typedef struct Waker {
    Source *source;
    int64_t after_ms;
    int64_t woken_us;
} Waker;

static void *wake_later(void *opaque)
{
    Waker *waker = opaque;
    clock_sleep_us(waker->after_ms * 1000);
    waker->woken_us = clock_monotonic_us();
    connector_mysql_cdc.source->wake(waker->source);
    return NULL;
}

/* Waits in `next` for far longer than it takes until the other thread wakes it. */
static int run_woken(const Probe *probe, Source *source)
{
    const SourceClass *class = connector_mysql_cdc.source;
    Waker waker = {source, probe->wake_ms, 0};
    pthread_t thread;
    Error error = {0};
    SourceState state = SOURCE_BATCH;
    Batch *batch = NULL;
    uint32_t scan = 0;
    /* Until it is quiet. */
    for (int quiet = 0; quiet < 2; quiet = state == SOURCE_BATCH ? 0 : quiet + 1) {
        state = class->next(source, 300, &batch, &scan, &error);
        batch_release(batch);
        if (state == SOURCE_FAILED)
            return report(&error);
    }
    if (pthread_create(&thread, NULL, wake_later, &waker) != 0)
        fail("no thread");
    state = class->next(source, 60000, &batch, &scan, &error);
    int64_t heard_us = clock_monotonic_us();
    pthread_join(thread, NULL);
    batch_release(batch);
    fprintf(probe->out, "woken %s after %" PRId64 " ms\n",
            state == SOURCE_IDLE ? "idle" : "otherwise", (heard_us - waker.woken_us) / 1000);
    return 0;
}

static int run(Probe *probe, Source *source)
{
    const SourceClass *class = connector_mysql_cdc.source;
    Error error = {0};
    uint64_t rows = 0;
    uint32_t batches = 0;
    int64_t last_us = clock_monotonic_us();
    bool over = false;
    bool seen = false;
    while (!over) {
        Batch *batch = NULL;
        uint32_t scan = 0;
        SourceState state = class->next(source, 50, &batch, &scan, &error);
        if (state == SOURCE_FAILED)
            return report(&error);
        if (state == SOURCE_BATCH) {
            seen = print_batch(probe, batch, scan, &rows) || seen;
            batch_release(batch);
            last_us = clock_monotonic_us();
            batches++;
        }
        /* Batches of other tables that belong to the same moment come before it is quiet. */
        over = state == SOURCE_END || (seen && (state != SOURCE_BATCH || probe->limit > 0)) ||
               (probe->idle_ms > 0 && clock_monotonic_us() - last_us > probe->idle_ms * 1000);
        bool checkpoint = over || (state == SOURCE_BATCH && batches % probe->every == 0);
        if (checkpoint && probe->journal_path != NULL && class->settled(source) &&
            !class->position(source, write_state, probe->out, &error))
            return report(&error);
        if (checkpoint || state != SOURCE_BATCH)
            fflush(probe->out);
    }
    print_progress(probe, source);
    return 0;
}

int main(int argc, char **argv)
{
    Probe probe = {.arena = arena_new(4096), .out = stdout, .every = 1};
    Error error = {0};
    read_arguments(&probe, argc, argv);
    if (probe.table_count == 0)
        fail("no table");
    give_options(&probe);
    for (uint32_t i = 0; i < probe.table_count; i++) {
        if (!options_check(probe.tables[i].options, "connector \"mysql-cdc\"",
                           connector_mysql_cdc.options, NULL, &error) ||
            !connector_mysql_cdc.check(&probe.tables[i], &error))
            return report(&error);
    }
    if (probe.journal_path != NULL) {
        read_journal(&probe);
        probe.out = fopen(probe.journal_path, "a");
        if (probe.out == NULL)
            fail("could not open the journal");
    }
    SplitPosition position = {STR("probe"), {probe.restored.data, probe.restored.length}};
    SourceContext context = {.scans = probe.scans,
                             .scan_count = probe.table_count,
                             .job = "probe",
                             .parallelism = 1,
                             .restored = &position,
                             .restored_count = probe.is_restored ? 1 : 0,
                             .is_restored = probe.is_restored,
                             .clock = &clock_system,
                             .zone = time_zone_utc(),
                             .notice = notice};
    Source *source = connector_mysql_cdc.source->open(&context, &error);
    int status = source == NULL      ? report(&error)
                 : probe.wake_ms > 0 ? run_woken(&probe, source)
                                     : run(&probe, source);
    if (source != NULL)
        connector_mysql_cdc.source->close(source);
    if (probe.out != stdout)
        fclose(probe.out);
    buffer_deinit(&probe.restored);
    arena_free(probe.arena);
    return status;
}
