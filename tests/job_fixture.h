/* Plans built by hand, a source that replays and a sink that commits by epoch: what the tests of
 * the dataflow run jobs with, without SQL.
 *
 * The source "counter" gives rows (k, v, s) for v = 0, 1, 2, … up to `rows`, spread over four parts
 * (v modulo 4) which are its splits; k is v modulo `keys`. The sink "ledger" keeps in memory what a
 * database would keep on disk: rows become visible by commit only, once per epoch and instance. */
#ifndef TESTS_JOB_FIXTURE_H
#define TESTS_JOB_FIXTURE_H

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/changelog_text.h"
#include "core/clock.h"
#include "executor/runtime/job.h"

/* What outlives a job: the outside world. One test process, one world. */
typedef struct World {
    pthread_mutex_t lock;
    /* The source. */
    int64_t rows;
    int64_t keys;
    uint32_t batch_rows;
    bool endless;         /* stays idle at the end instead of ending */
    int64_t delay_us;     /* before each batch */
    int64_t calls;        /* of `next`, over all instances and attempts */
    int64_t fail_at_call; /* 0: never */
    ErrorCode fail_with;
    int64_t opened;
    uint32_t settle_every; /* batches of a source between two places it can go on from; 0: 1 */
    int64_t fail_opens;    /* so many of the first fail */
    int64_t acknowledged;  /* newest epoch */
    /* The sink. */
    Buffer visible;           /* changelog text of committed rows */
    char committed[4096][48]; /* "instance/epoch" */
    uint32_t committed_count;
    int64_t writes;
    int64_t fail_at_write;
    int64_t fail_at_commit;
    int64_t commits;
} World;

static World world;

/* A test uses what it needs of this file. */
#pragma GCC diagnostic ignored "-Wunused-function"
#pragma GCC diagnostic ignored "-Wunused-const-variable"

static const Column fixture_columns[] = {
    {"k", &type_bigint}, {"v", &type_bigint}, {"s", &type_string}};
static const Schema fixture_schema = {3, fixture_columns};

/* ------------------------------------------------------------------- source */

#define PARTS 4

typedef struct CounterSource {
    uint32_t first_part;
    uint32_t parallelism;
    int64_t next[PARTS]; /* rows of each part that were given */
    uint32_t part;
    uint32_t batches;
} CounterSource;

static Source *counter_open(const SourceContext *context, Error *error)
{
    pthread_mutex_lock(&world.lock);
    bool fails = world.fail_opens > 0;
    world.fail_opens -= fails;
    pthread_mutex_unlock(&world.lock);
    if (fails) {
        error_set(error, world.fail_with, "the counter is away");
        return NULL;
    }
    CounterSource *source = memory_zalloc(sizeof(*source));
    source->first_part = context->subtask;
    source->parallelism = context->parallelism;
    for (uint32_t i = 0; i < context->restored_count; i++) {
        uint32_t part = (uint32_t)(context->restored[i].split.data[0] - '0');
        Reader reader = reader_of(context->restored[i].position);
        source->next[part] = (int64_t)reader_u64(&reader);
    }
    pthread_mutex_lock(&world.lock);
    world.opened++;
    pthread_mutex_unlock(&world.lock);
    return (Source *)source;
}

static int64_t counter_part_rows(uint32_t part)
{
    return (world.rows - part + PARTS - 1) / PARTS;
}

static void counter_add(Batch *batch, int64_t value)
{
    uint32_t row = batch->row_count++;
    char text[64];
    int length =
        snprintf(text, sizeof(text), value % 3 == 0 ? "a longer text, number %lld" : "t%lld",
                 (long long)value);
    ((int64_t *)batch->columns[0].data)[row] = value % world.keys;
    ((int64_t *)batch->columns[1].data)[row] = value;
    if (value % 7 == 0)
        vector_set_null(&batch->columns[2], row, batch->arena);
    else
        vector_set_str(&batch->columns[2], row, (Str){text, (size_t)length}, batch->arena);
}

static SourceState counter_next(Source *opaque, int64_t timeout_ms, Batch **out, uint32_t *scan,
                                Error *error)
{
    CounterSource *source = (CounterSource *)opaque;
    pthread_mutex_lock(&world.lock);
    bool fails = ++world.calls == world.fail_at_call;
    pthread_mutex_unlock(&world.lock);
    if (fails) {
        error_set(error, world.fail_with, "the counter broke");
        return SOURCE_FAILED;
    }
    if (world.delay_us > 0)
        clock_sleep_us(world.delay_us);
    for (uint32_t tries = 0; tries < PARTS; tries++) {
        uint32_t part = source->part++ % PARTS;
        if (part % source->parallelism != source->first_part ||
            source->next[part] == counter_part_rows(part))
            continue;
        Batch *batch = batch_new(&fixture_schema, world.batch_rows);
        while (batch->row_count < world.batch_rows && source->next[part] < counter_part_rows(part))
            counter_add(batch, source->next[part]++ * PARTS + part);
        *out = batch;
        *scan = 0;
        source->batches++;
        return SOURCE_BATCH;
    }
    if (!world.endless)
        return SOURCE_END;
    clock_sleep_us(timeout_ms * 1000);
    return SOURCE_IDLE;
}

static bool counter_settled(Source *opaque)
{
    const CounterSource *source = (const CounterSource *)opaque;
    return world.settle_every == 0 || source->batches % world.settle_every == 0;
}

static void counter_progress(Source *opaque, SourceProgress *out)
{
    *out = (SourceProgress){.seconds_behind = -1, .unsettled = !counter_settled(opaque)};
}

static bool counter_is_done(const CounterSource *source)
{
    for (uint32_t part = source->first_part; part < PARTS; part += source->parallelism)
        if (source->next[part] < counter_part_rows(part))
            return false;
    return true;
}

static bool counter_position(Source *opaque, void (*add)(void *to, Str split, Str position),
                             void *to, Error *error)
{
    CounterSource *source = (CounterSource *)opaque;
    ck_assert(counter_settled(opaque) || source->batches == 0 || counter_is_done(source));
    for (uint32_t part = 0; part < PARTS; part++) {
        if (part % source->parallelism != source->first_part)
            continue;
        char name = (char)('0' + part);
        Buffer position = {0};
        buffer_append_u64(&position, (uint64_t)source->next[part]);
        add(to, (Str){&name, 1}, (Str){position.data, position.length});
        buffer_deinit(&position);
    }
    return true;
}

static void counter_close(Source *source)
{
    memory_free(source);
}

static void counter_acknowledge(Source *source, uint64_t epoch)
{
    pthread_mutex_lock(&world.lock);
    if ((int64_t)epoch > world.acknowledged)
        world.acknowledged = (int64_t)epoch;
    pthread_mutex_unlock(&world.lock);
}

static const SourceClass counter_source = {
    .open = counter_open,
    .next = counter_next,
    .position = counter_position,
    .settled = counter_settled,
    .progress = counter_progress,
    .close = counter_close,
    .acknowledge = counter_acknowledge,
};

static bool counter_is_bounded(const TableInfo *table)
{
    return !world.endless;
}

static bool counter_is_even(const TableInfo *table, uint32_t parallelism)
{
    return true;
}

/* Copies of it run in the threads of the workers, or have threads of their own while endless. */
static const Connector counter = {.name = "counter",
                                  .source = &counter_source,
                                  .is_bounded = counter_is_bounded,
                                  .source_is_even = counter_is_even};
static const Connector blocking_counter = {
    .name = "counter", .source = &counter_source, .source_blocks = true, .source_parallelism = 1};

/* --------------------------------------------------------------------- sink */

typedef struct LedgerSink {
    uint32_t subtask;
    bool checkpointing;
    Buffer open;     /* written since the last prepare */
    Buffer prepared; /* of prepared_epoch, and of those before it that were declined */
    uint64_t prepared_epoch;
    Str *restored; /* of the restored epoch, by instance that wrote it */
    uint32_t restored_count;
    uint64_t restored_epoch;
} LedgerSink;

/* Makes rows visible unless they are already. */
static void ledger_show(uint32_t instance, uint64_t epoch, Str rows)
{
    char name[48];
    snprintf(name, sizeof(name), "%u/%llu", instance, (unsigned long long)epoch);
    pthread_mutex_lock(&world.lock);
    bool done = false;
    for (uint32_t i = 0; i < world.committed_count && !done; i++)
        done = strcmp(world.committed[i], name) == 0;
    if (!done) {
        ck_assert_uint_lt(world.committed_count, array_count(world.committed));
        memcpy(world.committed[world.committed_count++], name, sizeof(name));
        buffer_append_str(&world.visible, rows);
    }
    pthread_mutex_unlock(&world.lock);
}

static Sink *ledger_open(const SinkContext *context, Error *error)
{
    LedgerSink *sink = memory_zalloc(sizeof(*sink));
    sink->subtask = context->subtask;
    sink->checkpointing = context->checkpointing;
    sink->restored_epoch = context->restored_epoch;
    if (context->subtask == 0) {
        /* The first instance finishes for all that there were. */
        sink->restored_count = context->restored_count;
        sink->restored = memory_zalloc(sizeof(Str) * (context->restored_count + 1));
        for (uint32_t i = 0; i < context->restored_count; i++) {
            Str rows = context->restored[i];
            char *copy = memory_alloc(rows.length + 1);
            if (rows.length > 0)
                memcpy(copy, rows.data, rows.length);
            sink->restored[i] = (Str){copy, rows.length};
        }
    }
    return (Sink *)sink;
}

static bool ledger_write(Sink *opaque, const Batch *batch, Error *error)
{
    LedgerSink *sink = (LedgerSink *)opaque;
    pthread_mutex_lock(&world.lock);
    bool fails = ++world.writes == world.fail_at_write;
    pthread_mutex_unlock(&world.lock);
    if (fails)
        return error_set(error, ERROR_NETWORK, "the ledger broke");
    changelog_print(batch, NULL, &sink->open);
    if (!sink->checkpointing) {
        pthread_mutex_lock(&world.lock);
        buffer_append(&world.visible, sink->open.data, sink->open.length);
        pthread_mutex_unlock(&world.lock);
        buffer_clear(&sink->open);
    }
    return true;
}

static bool ledger_prepare(Sink *opaque, uint64_t epoch, Buffer *pending, Error *error)
{
    LedgerSink *sink = (LedgerSink *)opaque;
    buffer_append(&sink->prepared, sink->open.data, sink->open.length);
    buffer_append(pending, sink->prepared.data, sink->prepared.length);
    buffer_clear(&sink->open);
    sink->prepared_epoch = epoch;
    return true;
}

static bool ledger_commit(Sink *opaque, uint64_t epoch, Error *error)
{
    LedgerSink *sink = (LedgerSink *)opaque;
    pthread_mutex_lock(&world.lock);
    bool fails = ++world.commits == world.fail_at_commit;
    pthread_mutex_unlock(&world.lock);
    if (fails)
        return error_set(error, ERROR_NETWORK, "the ledger could not commit");
    if (epoch == sink->restored_epoch) {
        for (uint32_t i = 0; i < sink->restored_count; i++)
            ledger_show(i, epoch, sink->restored[i]);
        return true;
    }
    ck_assert_uint_eq(epoch, sink->prepared_epoch);
    ledger_show(sink->subtask, epoch, (Str){sink->prepared.data, sink->prepared.length});
    buffer_clear(&sink->prepared);
    return true;
}

static bool ledger_finish(Sink *opaque, Error *error)
{
    LedgerSink *sink = (LedgerSink *)opaque;
    if (sink->checkpointing)
        ck_assert_uint_eq(sink->open.length, 0);
    return true;
}

static void ledger_close(Sink *opaque)
{
    LedgerSink *sink = (LedgerSink *)opaque;
    for (uint32_t i = 0; i < sink->restored_count; i++)
        memory_free((char *)sink->restored[i].data);
    memory_free(sink->restored);
    buffer_deinit(&sink->open);
    buffer_deinit(&sink->prepared);
    memory_free(sink);
}

static const SinkClass ledger_sink = {
    .open = ledger_open,
    .write = ledger_write,
    .prepare = ledger_prepare,
    .commit = ledger_commit,
    .finish = ledger_finish,
    .close = ledger_close,
};

static const Connector ledger = {.name = "ledger", .sink = &ledger_sink};

/* -------------------------------------------------------------------- plans */

static Plan *fixture_plan(uint32_t max_parallelism)
{
    Arena *arena = arena_new(4096);
    Plan *plan = arena_new_one(arena, Plan);
    plan->arena = arena;
    plan->nodes = arena_new_array(arena, PlanNode *, 32);
    plan->max_parallelism = max_parallelism;
    return plan;
}

static PlanNode *fixture_node(Plan *plan, const char *op, const void *spec, ChangeKinds kinds)
{
    PlanNode *node = arena_new_one(plan->arena, PlanNode);
    node->id = plan->node_count;
    node->op = op;
    node->uid = arena_printf(plan->arena, "%s-%u", op, node->id);
    node->label = arena_printf(plan->arena, "%s(%u)", op, node->id);
    node->schema = &fixture_schema;
    node->inputs = arena_new_array(plan->arena, PlanInput, 4);
    node->spec = spec;
    node->sql_offset = -1;
    node->traits.kinds = kinds;
    node->traits.wants_before = (kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    node->traits.rowtime = -1;
    plan->nodes[plan->node_count++] = node;
    return node;
}

static void fixture_input(PlanNode *node, PlanNode *from, Distribution distribution)
{
    static const uint32_t first_column[] = {0};
    node->inputs[node->input_count++] =
        (PlanInput){.node = from, .distribution = distribution, .keys = {1, first_column}};
}

static PlanNode *fixture_scan(Plan *plan, const char *table, const Connector *connector,
                              ChangeKinds kinds)
{
    static const uint32_t all_columns[] = {0, 1, 2};
    PlanScan *scan = arena_new_one(plan->arena, PlanScan);
    TableInfo *info = arena_new_one(plan->arena, TableInfo);
    info->name = table;
    info->physical = &fixture_schema;
    scan->connector = connector;
    scan->is_fed = connector == NULL;
    scan->scan = (ScanInfo){
        .table = info, .columns = all_columns, .column_count = 3, .schema = &fixture_schema};
    return fixture_node(plan, "scan", scan, kinds);
}

/* A keyed, stateful node: the last row per k. */
static PlanNode *fixture_normalize(Plan *plan, PlanNode *from)
{
    static const uint32_t first_column[] = {0};
    PlanNormalize *spec = arena_new_one(plan->arena, PlanNormalize);
    spec->key = (ColumnSet){1, first_column};
    PlanNode *node = fixture_node(plan, "normalize", spec, CHANGES_ALL);
    fixture_input(node, from, DISTRIBUTE_HASH);
    return node;
}

static PlanNode *fixture_union(Plan *plan, PlanNode *a, PlanNode *b)
{
    PlanNode *node = fixture_node(plan, "union", NULL, a->traits.kinds);
    fixture_input(node, a, DISTRIBUTE_ANY);
    if (b != NULL)
        fixture_input(node, b, DISTRIBUTE_ANY);
    return node;
}

static PlanSink *fixture_sink(Plan *plan, PlanNode *from, const Connector *connector)
{
    PlanSink *sink = arena_new_one(plan->arena, PlanSink);
    sink->connector = connector;
    sink->table.name = "out";
    sink->table.physical = &fixture_schema;
    sink->sink_id = "out";
    sink->takes = CHANGES_ALL;
    PlanNode *node = fixture_node(plan, "sink", sink, from->traits.kinds);
    fixture_input(node, from, DISTRIBUTE_ANY);
    return sink;
}

/* --------------------------------------------------------------- what came out */

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines of a text, sorted, as one text; the caller frees it. */
static char *sorted_lines(const char *text)
{
    char *copy = memory_strdup(text);
    size_t count = 0;
    for (const char *c = copy; *c != '\0'; c++)
        count += *c == '\n';
    char **lines = memory_zalloc((count + 1) * sizeof(*lines));
    size_t at = 0;
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        lines[at++] = line;
    qsort(lines, at, sizeof(*lines), compare_lines);
    Buffer out = {0};
    for (size_t i = 0; i < at; i++)
        buffer_printf(&out, "%s\n", lines[i]);
    memory_free(lines);
    memory_free(copy);
    buffer_text(&out);
    return out.data;
}

/* Reads rows of the fixture's schema, a line each. */
static Batch *fixture_batch(const char *text)
{
    Batch *batch = batch_new(&fixture_schema, BATCH_ROWS_MAX);
    while (*text != '\0') {
        size_t length = strcspn(text, "\n");
        Error error;
        ck_assert_msg(changelog_read_row(batch, (Str){text, length}, NULL, &error), "%s",
                      error.message);
        text += length + (text[length] == '\n');
    }
    return batch;
}

/* A fresh folder for checkpoints. */
static const char *fixture_directory(void)
{
    static char path[64];
    snprintf(path, sizeof(path), "/tmp/weir-test-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(path));
    return path;
}

static void fixture_remove(const char *directory)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf %s", directory);
    ck_assert_int_eq(system(command), 0);
}

static void fixture_reset(void)
{
    buffer_deinit(&world.visible);
    memset(&world, 0, sizeof(world));
    pthread_mutex_init(&world.lock, NULL);
    world.keys = 10;
    world.batch_rows = 64;
    world.fail_with = ERROR_NETWORK;
}

#endif
