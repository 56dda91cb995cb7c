/* One operator on the bench: made from its spec, fed with batches, its output counted and thrown
 * away. Stands in for the runtime: it defines what operators pass rows on with. */
#ifndef BENCH_OPERATOR_HARNESS_H
#define BENCH_OPERATOR_HARNESS_H

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "executor/operator.h"

struct Emitter {
    uint64_t rows;
    uint64_t late;
};

bool emit(Emitter *emitter, Batch *batch, Error *error)
{
    emitter->rows += batch->row_count;
    batch_release(batch);
    return true;
}

bool emit_watermark(Emitter *emitter, int64_t watermark_us, Error *error)
{
    return true;
}

bool emit_late(Emitter *emitter, const Batch *batch, const uint32_t *rows, uint32_t count,
               Error *error)
{
    emitter->late += count;
    return true;
}

typedef struct Bench {
    Arena *arena;
    PlanNode node;
    PlanNode inputs[2];
    PlanInput plan_inputs[2];
    FunctionEnvironment environment;
    OperatorTime time;
    OperatorContext context;
    Operator *op;
    Emitter emitter;
} Bench;

/* What comes in on each of an operator's inputs. */
typedef struct BenchInput {
    const Schema *schema;
    ChangeKinds kinds;
    uint32_t count; /* inputs */
} BenchInput;

static const Column input_columns[] = {{"k", &type_bigint}, {"v", &type_bigint}};
static const Schema input_schema = {2, input_columns};
static const uint32_t first_column[] = {0}, second_column[] = {1};

/* COUNT(*) and SUM(v) over the columns above. */
static inline void bench_count_and_sum(Arena *arena, bool retracts, PlanAggregateCall calls[2])
{
    const Type *types[] = {&type_bigint};
    const Vector *literals[] = {NULL};
    Error error = {0};
    FunctionSite none = {types, literals, 0, NULL, arena, NULL},
                 one = {types, literals, 1, NULL, arena, NULL};
    calls[0] = calls[1] = (PlanAggregateCall){.filter = -1};
    if (!aggregate_bind("COUNT", &none, retracts, &calls[0].call, &error) ||
        !aggregate_bind("SUM", &one, retracts, &calls[1].call, &error))
        exit(1);
    calls[1].arguments = second_column;
    calls[1].argument_count = 1;
}

static inline Bench *bench_open_over(BenchInput input, const OperatorClass *class, const void *spec,
                                     const Schema *output)
{
    static const StateConfig config = {"bench", 128, 0, 127, 0};
    Bench *bench = memory_zalloc(sizeof(*bench));
    Error error = {0};
    bench->arena = arena_new(1 << 16);
    for (uint32_t i = 0; i < input.count; i++) {
        bench->inputs[i] = (PlanNode){.schema = input.schema, .traits.kinds = input.kinds};
        bench->plan_inputs[i] = (PlanInput){.node = &bench->inputs[i]};
    }
    bench->node =
        (PlanNode){.op = class->name,
                   .schema = output,
                   .inputs = bench->plan_inputs,
                   .input_count = input.count,
                   .traits = {.kinds = input.kinds, .wants_before = input.kinds == CHANGES_ALL},
                   .spec = spec};
    operator_time_init(&bench->time);
    bench->context = (OperatorContext){.node = &bench->node,
                                       .time = &bench->time,
                                       .parallelism = 1,
                                       .state = state_store_new(&config),
                                       .environment = &bench->environment,
                                       .batch_rows = BATCH_ROWS_MAX,
                                       .arena = bench->arena};
    bench->op = class->open(&bench->context, &error);
    if (bench->op == NULL) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    return bench;
}

/* Two inputs of a key and a value, which change. */
static inline Bench *bench_open(const OperatorClass *class, const void *spec, const Schema *output)
{
    return bench_open_over((BenchInput){&input_schema, CHANGES_ALL, 2}, class, spec, output);
}

static inline void bench_close(Bench *bench, const OperatorClass *class)
{
    class->close(bench->op);
    state_store_free(bench->context.state);
    arena_free(bench->arena);
    free(bench);
}

/* The thread's own time, so that other work on the machine disturbs less. */
static double cpu_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static uint64_t scramble(uint64_t n)
{
    n = (n ^ n >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    n = (n ^ n >> 27) * UINT64_C(0x94D049BB133111EB);
    return n ^ n >> 31;
}

/* Batches of rows (key below `keys`, value). With `serial` each key comes once, in
 * no order, and then again. */
static inline Batch **make_batches(uint64_t rows, uint64_t keys, bool serial, uint64_t seed)
{
    uint64_t count = (rows + BATCH_ROWS_MAX - 1) / BATCH_ROWS_MAX;
    Batch **batches = memory_zalloc(sizeof(Batch *) * count);
    for (uint64_t b = 0; b < count; b++) {
        Batch *batch = batch_new(&input_schema, BATCH_ROWS_MAX);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t n = b * BATCH_ROWS_MAX + i;
            uint64_t key =
                serial ? n % keys * UINT64_C(2654435761) % keys : scramble(n + seed) % keys;
            ((int64_t *)batch->columns[0].data)[i] = (int64_t)key;
            ((int64_t *)batch->columns[1].data)[i] = (int64_t)(n & 1023);
        }
        batch->row_count = BATCH_ROWS_MAX;
        batches[b] = batch;
    }
    return batches;
}

/* Feeds the batches and gives them back, which is off the clock: with the last of them so much may
 * be free that the C library returns it to the system, many times what a change costs. Million rows
 * a second of CPU time. */
static inline double feed(Bench *bench, const OperatorClass *class, uint32_t input, Batch **batches,
                          uint64_t rows)
{
    Error error = {0};
    uint64_t count = (rows + BATCH_ROWS_MAX - 1) / BATCH_ROWS_MAX;
    for (uint64_t b = 0; b < count; b++)
        batch_retain(batches[b]);
    double start = cpu_us();
    for (uint64_t b = 0; b < count; b++)
        if (!class->batch(bench->op, input, batches[b], &bench->emitter, &error)) {
            fprintf(stderr, "%s\n", error.message);
            exit(1);
        }
    double took = cpu_us() - start;
    for (uint64_t b = 0; b < count; b++)
        batch_release(batches[b]);
    return (double)(count * BATCH_ROWS_MAX) / took;
}

/* Batches that go to the operator's inputs in turn, each with a watermark behind it. */
typedef struct Events {
    Batch **batches;
    int64_t *watermarks;
    uint64_t count;
} Events;

static inline Events events_new(uint64_t rows)
{
    uint64_t count = (rows + BATCH_ROWS_MAX - 1) / BATCH_ROWS_MAX;
    return (Events){memory_zalloc(sizeof(Batch *) * count), memory_zalloc(sizeof(int64_t) * count),
                    count};
}

static inline void events_free(Events *events)
{
    for (uint64_t b = 0; b < events->count; b++)
        batch_release(events->batches[b]);
    memory_free(events->batches);
    memory_free(events->watermarks);
}

static inline uint64_t events_rows(const Events *events)
{
    return events->count * BATCH_ROWS_MAX;
}

/* What feeding an operator with events has shown. */
typedef struct EventsRun {
    double speed; /* million rows a second of CPU time */
    uint64_t rows_out;
    uint64_t state_bytes; /* at most */
} EventsRun;

/* Feeds a new operator with all of them; with `ends` the end of time comes behind. */
static inline EventsRun events_run(const Events *events, BenchInput input,
                                   const OperatorClass *class, const void *spec,
                                   const Schema *output, bool ends)
{
    Bench *bench = bench_open_over(input, class, spec, output);
    EventsRun run = {0};
    Error error = {0};
    bool ok = true;
    double start = cpu_us();
    for (uint64_t b = 0; ok && b < events->count; b++) {
        ok = class->batch(bench->op, (uint32_t)(b % input.count), batch_retain(events->batches[b]),
                          &bench->emitter, &error);
        bench->time.watermark_us = events->watermarks[b];
        ok = ok && class->watermark(bench->op, events->watermarks[b], &bench->emitter, &error);
        run.state_bytes = u64_max(run.state_bytes, state_store_bytes(bench->context.state));
    }
    if (ok && ends)
        ok = class->watermark(bench->op, INT64_MAX, &bench->emitter, &error);
    run.speed = (double)events_rows(events) / (cpu_us() - start);
    run.rows_out = bench->emitter.rows;
    if (!ok) {
        fprintf(stderr, "%s\n", error.message);
        exit(1);
    }
    bench_close(bench, class);
    return run;
}

#endif
