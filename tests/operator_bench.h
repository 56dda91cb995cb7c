/* One operator on the bench: fed with literal changes, its output compared as text; in both, @07.5
 * is 1970-01-01 00:00:07.5.
 *
 * operator_emitter.h stands in for the runtime. */
#ifndef TESTS_OPERATOR_BENCH_H
#define TESTS_OPERATOR_BENCH_H

#include <check.h>
#include <stdlib.h>

#include "tests/suite.h"
#include "core/changelog_text.h"
#include "executor/operator.h"
#include "state/state_chunk.h"
#include "tests/change_fold.h"
#include "tests/change_times.h"
#include "tests/operator_emitter.h"
#include "tests/plan_builder.h"

/* Batch sizes every operator is tried with; the loop index of a test. */
static const uint32_t batch_sizes[] = {1, 3, 2048};

typedef struct Bench {
    Arena *arena;          /* of plan and test */
    Arena *instance_arena; /* of the operator */
    PlanNode node;
    PlanNode inputs[3];
    PlanInput plan_inputs[3];
    FunctionEnvironment environment;
    HandClock clock; /* stands at 0 */
    OperatorContext context;
    const OperatorClass *class;
    Operator *op;
    Emitter emitter;
    StateChunk *chunks; /* of all snapshots, oldest first */
    uint32_t chunk_count;
    uint32_t chunk_capacity;
} Bench;

static inline Bench *bench_new(uint32_t batch_rows)
{
    Bench *bench = memory_zalloc(sizeof(*bench));
    bench->arena = arena_new(1 << 16);
    bench->emitter.batch_rows = batch_rows;
    clock_hand_init(&bench->clock, 0);
    bench->environment.clock = &bench->clock.base;
    bench->environment.zone = time_zone_utc();
    bench->environment.watermark_us = INT64_MIN;
    operator_time_init(&bench->emitter.time);
    bench->node.traits = (StreamTraits){.kinds = CHANGES_ALL, .wants_before = true, .rowtime = -1};
    return bench;
}

static inline void bench_input(Bench *bench, const Schema *schema, ChangeKinds kinds)
{
    uint32_t i = bench->node.input_count++;
    bench->inputs[i] = (PlanNode){.id = i, .op = "test", .schema = schema, .traits.kinds = kinds};
    bench->plan_inputs[i] = (PlanInput){.node = &bench->inputs[i]};
    bench->node.inputs = bench->plan_inputs;
}

static inline void bench_start_instance(Bench *bench)
{
    Error error = {0};
    bench->instance_arena = arena_new(1 << 16);
    StateConfig config = {.owner = "test", .max_parallelism = 128, .last_key_group = 127};
    bench->context = (OperatorContext){
        .node = &bench->node,
        .parallelism = 1,
        .state = state_store_new(&config),
        .time = &bench->emitter.time,
        .environment = &bench->environment,
        .batch_rows = bench->emitter.batch_rows,
        .arena = bench->instance_arena,
    };
    bench->op = bench->class->open(&bench->context, &error);
    ck_assert_msg(bench->op != NULL, "%s", error.message);
}

static inline void bench_stop_instance(Bench *bench)
{
    if (bench->class->close != NULL)
        bench->class->close(bench->op);
    state_store_free(bench->context.state);
    arena_free(bench->instance_arena);
}

static inline void bench_open(Bench *bench, const OperatorClass *class, const Schema *output,
                              const void *spec)
{
    bench->class = class;
    bench->node.op = class->name;
    bench->node.schema = output;
    bench->node.spec = spec;
    bench_start_instance(bench);
}

static inline void bench_free(Bench *bench)
{
    bench_stop_instance(bench);
    buffer_deinit(&bench->emitter.text);
    arena_free(bench->arena);
    free(bench->chunks);
    free(bench);
}

static inline bool bench_try(Bench *bench, uint32_t input, Batch *batch, Error *error)
{
    return bench->class->batch(bench->op, input, batch, &bench->emitter, error);
}

/* Gives the operator lines of changes, in batches of the bench's size; a -U keeps its +U. */
static inline void bench_feed(Bench *bench, uint32_t input, const char *text)
{
    Error error = {0};
    Buffer times = bench_times(text);
    const char *lines = buffer_text(&times);
    const Schema *schema = bench->inputs[input].schema;
    Batch *batch = NULL;
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        if (batch == NULL)
            batch = batch_new(schema, bench->emitter.batch_rows + 1);
        ck_assert_msg(changelog_read_row(batch, (Str){lines, length}, NULL, &error), "%s: %.*s",
                      error.message, (int)length, lines);
        lines += length + (lines[length] == '\n');
        bool open_pair = batch_kind(batch, batch->row_count - 1) == CHANGE_UPDATE_BEFORE &&
                         strncmp(lines, "+U", 2) == 0;
        if (batch->row_count < bench->emitter.batch_rows || open_pair)
            continue;
        ck_assert_msg(bench_try(bench, input, batch, &error), "%s", error.message);
        batch = NULL;
    }
    if (batch != NULL)
        ck_assert_msg(bench_try(bench, input, batch, &error), "%s", error.message);
    buffer_deinit(&times);
}

/* Checks what was passed on since the last look. */
static inline void bench_expect(Bench *bench, const char *lines)
{
    Buffer times = bench_times(lines);
    ck_assert_str_eq(buffer_text(&bench->emitter.text), buffer_text(&times));
    buffer_deinit(&times);
    buffer_clear(&bench->emitter.text);
}

static inline void bench_check(Bench *bench, uint32_t input, const char *in, const char *out)
{
    bench_feed(bench, input, in);
    bench_expect(bench, out);
}

static inline void bench_end(Bench *bench)
{
    Error error = {0};
    if (bench->class->end != NULL)
        ck_assert_msg(bench->class->end(bench->op, &bench->emitter, &error), "%s", error.message);
}

/* Moves the combined watermark of the inputs, in milliseconds. */
static inline void bench_watermark(Bench *bench, int64_t watermark_ms)
{
    Error error = {0};
    OperatorTime *time = &bench->emitter.time;
    int64_t watermark_us = watermark_ms == INT64_MAX ? INT64_MAX : watermark_ms * 1000;
    if (watermark_us <= time->watermark_us)
        return;
    time->watermark_us = bench->environment.watermark_us = watermark_us;
    if (bench->class->watermark != NULL)
        ck_assert_msg(bench->class->watermark(bench->op, watermark_us, &bench->emitter, &error),
                      "%s", error.message);
}

/* Moves the clock, in milliseconds, and rings the alarm if it is due. */
static inline void bench_clock(Bench *bench, int64_t now_ms)
{
    Error error = {0};
    OperatorTime *time = &bench->emitter.time;
    clock_hand_set(&bench->clock, now_ms * 1000);
    bench->environment.batch_time_us = now_ms * 1000;
    if (time->alarm_us > now_ms * 1000)
        return;
    time->alarm_us = INT64_MAX;
    ck_assert_msg(bench->class->alarm(bench->op, now_ms * 1000, &bench->emitter, &error), "%s",
                  error.message);
}

static inline void bench_approach(Bench *bench)
{
    Error error = {0};
    ck_assert_msg(bench->class->approach(bench->op, &bench->emitter, &error), "%s", error.message);
}

static inline void bench_barrier(Bench *bench)
{
    Error error = {0};
    if (bench->class->barrier != NULL)
        ck_assert_msg(bench->class->barrier(bench->op, 1, &bench->emitter, &error), "%s",
                      error.message);
}

/* ------------------------------------------------------------------- restart */

static inline void bench_keep_chunk(void *to, const StateChunk *chunk)
{
    Bench *bench = to;
    if (bench->chunk_count == bench->chunk_capacity) {
        bench->chunk_capacity = bench->chunk_capacity * 2 + 64;
        bench->chunks = memory_realloc(bench->chunks, sizeof(StateChunk) * bench->chunk_capacity);
    }
    StateChunk *copy = &bench->chunks[bench->chunk_count++];
    *copy = *chunk;
    copy->table = arena_strdup(bench->arena, chunk->table);
    char *bytes = arena_memdup(bench->arena, chunk->bytes.data, chunk->bytes.length);
    state_chunk_seal(bytes, chunk->bytes.length);
    copy->bytes.data = bytes;
    copy->buffer = NULL;
}

/* Snapshots the state, throws the instance away and makes a new one from all snapshots so far. */
static inline void bench_restart(Bench *bench)
{
    Error error = {0};
    bench_barrier(bench);
    state_snapshot(bench->context.state, bench_keep_chunk, bench);
    bench_stop_instance(bench);
    bench->emitter.time.alarm_us = INT64_MAX;
    bench_start_instance(bench);
    for (uint32_t i = 0; i < bench->chunk_count; i++)
        ck_assert_msg(state_restore(bench->context.state, &bench->chunks[i], &error), "%s",
                      error.message);
    ck_assert_msg(state_restore_end(bench->context.state, &error), "%s", error.message);
    if (bench->class->restored != NULL)
        ck_assert_msg(bench->class->restored(bench->op, &error), "%s", error.message);
}

/* Moves what was passed on since the last look into the fold. */
static inline void bench_fold(Bench *bench, Fold *fold)
{
    fold_apply(fold, buffer_text(&bench->emitter.text));
    buffer_clear(&bench->emitter.text);
}

#endif
