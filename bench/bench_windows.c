/* How fast the aggregate over windows is: rows per CPU second through the operator alone, one
 * thread, state in memory, output thrown away; beside each figure a loop written by hand for it.
 *
 *     bench_windows [million rows [name]]
 *
 * Events come 200,000 to a second of event time, up to 100 ms out of order, keys at random; the
 * watermark follows each batch, 100 ms behind. COUNT(*) and SUM(v) per key and window. */
#include "bench/operator_harness.h"

extern const OperatorClass op_window_aggregate;

enum { EVENTS_PER_SECOND = 200000, DISORDER_US = 100000 };
#define SECOND INT64_C(1000000)

/* --------------------------------------------------------------------- events */

static const Column event_columns[] = {
    {"k", &type_bigint}, {"v", &type_bigint}, {"t", &type_timestamp_3}};
static const Schema event_schema = {3, event_columns};

static Events make_events(uint64_t rows, uint64_t keys)
{
    Events events = events_new(rows);
    for (uint64_t b = 0; b < events.count; b++) {
        Batch *batch = batch_new(&event_schema, BATCH_ROWS_MAX);
        int64_t now = 0;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t n = b * BATCH_ROWS_MAX + i;
            now = (int64_t)n * (SECOND / EVENTS_PER_SECOND) + DISORDER_US;
            int64_t at = now - (int64_t)(scramble(n + 7) % DISORDER_US);
            ((int64_t *)batch->columns[0].data)[i] = (int64_t)(scramble(n) % keys);
            ((int64_t *)batch->columns[1].data)[i] = (int64_t)(n & 1023);
            ((int64_t *)batch->columns[2].data)[i] = at - at % 1000;
        }
        batch->row_count = BATCH_ROWS_MAX;
        events.batches[b] = batch;
        events.watermarks[b] = now - DISORDER_US - 1000;
    }
    return events;
}

/* -------------------------------------------------------------------- by hand */

typedef struct HandGroup {
    int64_t key; /* + 1; 0: free */
    int64_t count;
    int64_t sum;
    int64_t start, last; /* of a session */
} HandGroup;

/* One slice: an open hash by key. */
typedef struct HandSlice {
    HandGroup *groups;
    int64_t end;
} HandSlice;

static HandGroup *hand_find(HandGroup *groups, uint64_t mask, int64_t key)
{
    uint64_t at = scramble((uint64_t)key) & mask;
    while (groups[at].key != 0 && groups[at].key != key + 1)
        at = (at + 1) & mask;
    groups[at].key = key + 1;
    return &groups[at];
}

static volatile int64_t hand_ring[4096][4];

static void hand_give(uint64_t *out, int64_t key, int64_t count, int64_t sum, int64_t end)
{
    volatile int64_t *row = hand_ring[(*out)++ & 4095];
    row[0] = key, row[1] = count, row[2] = sum, row[3] = end;
}

/* Gives the window that ends at `end`: of `slices` slices, put together in `merged`. */
static void hand_window(HandSlice *ring, uint32_t ring_size, int64_t end, int64_t slice,
                        uint32_t slices, HandGroup *merged, uint64_t mask, uint64_t *out)
{
    memset(merged, 0, sizeof(*merged) * (mask + 1));
    for (uint32_t s = 0; s < slices; s++) {
        HandSlice *from = &ring[(uint64_t)(end / slice - s) % ring_size];
        if (from->end != end - s * slice)
            continue;
        for (uint64_t at = 0; at <= mask; at++) {
            if (from->groups[at].key == 0)
                continue;
            HandGroup *to = hand_find(merged, mask, from->groups[at].key - 1);
            to->count += from->groups[at].count;
            to->sum += from->groups[at].sum;
        }
    }
    for (uint64_t at = 0; at <= mask; at++)
        if (merged[at].key != 0)
            hand_give(out, merged[at].key, merged[at].count, merged[at].sum, end);
}

static double hand_slices(const Events *events, const PlanWindow *plan, uint64_t keys,
                          uint64_t *out)
{
    enum { RING = 8 };
    int64_t slice = plan->kind == PLAN_WINDOW_TUMBLE ? plan->size_us : plan->slide_us;
    uint32_t most = (uint32_t)(plan->size_us / slice);
    uint64_t mask = 1;
    while (mask < keys * 2)
        mask *= 2;
    HandSlice ring[RING];
    for (uint32_t s = 0; s < RING; s++)
        ring[s] = (HandSlice){memory_zalloc(sizeof(HandGroup) * mask), 0};
    HandGroup *merged = memory_zalloc(sizeof(HandGroup) * mask);
    int64_t next = slice;
    double start = cpu_us();
    for (uint64_t b = 0; b < events->count; b++) {
        const int64_t *key = events->batches[b]->columns[0].data;
        const int64_t *value = events->batches[b]->columns[1].data;
        const int64_t *time = events->batches[b]->columns[2].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            HandSlice *into = &ring[(uint64_t)(time[i] / slice + 1) % RING];
            __builtin_prefetch(&into->groups[scramble((uint64_t)key[i]) & (mask - 1)]);
        }
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            int64_t end = (time[i] / slice + 1) * slice;
            HandSlice *into = &ring[(uint64_t)(end / slice) % RING];
            if (into->end != end) {
                memset(into->groups, 0, sizeof(HandGroup) * mask);
                into->end = end;
            }
            HandGroup *group = hand_find(into->groups, mask - 1, key[i]);
            group->count++;
            group->sum += value[i];
        }
        for (; next - 1000 <= events->watermarks[b]; next += slice) {
            uint32_t slices = plan->kind == PLAN_WINDOW_CUMULATE
                                  ? (uint32_t)((next / slice - 1) % most) + 1
                                  : most;
            hand_window(ring, RING, next, slice, slices, merged, mask - 1, out);
        }
    }
    double speed = (double)events_rows(events) / (cpu_us() - start);
    for (uint32_t s = 0; s < RING; s++)
        memory_free(ring[s].groups);
    memory_free(merged);
    return speed;
}

/* A session is given by the row that begins the key's next one: no timers at all. */
static double hand_sessions(const Events *events, int64_t gap, uint64_t keys, uint64_t *out)
{
    uint64_t mask = 1;
    while (mask < keys * 2)
        mask *= 2;
    HandGroup *groups = memory_zalloc(sizeof(HandGroup) * mask);
    double start = cpu_us();
    for (uint64_t b = 0; b < events->count; b++) {
        const int64_t *key = events->batches[b]->columns[0].data;
        const int64_t *value = events->batches[b]->columns[1].data;
        const int64_t *time = events->batches[b]->columns[2].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(&groups[scramble((uint64_t)key[i]) & (mask - 1)]);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            HandGroup *group = hand_find(groups, mask - 1, key[i]);
            if (group->count != 0 && time[i] - group->last > gap) {
                hand_give(out, key[i], group->count, group->sum, group->last + gap);
                group->count = group->sum = 0;
            }
            group->last = time[i] > group->last || group->count == 0 ? time[i] : group->last;
            group->count++;
            group->sum += value[i];
        }
    }
    double speed = (double)events_rows(events) / (cpu_us() - start);
    memory_free(groups);
    return speed;
}

/* ------------------------------------------------------------------- the operator */

static void bench_window(const char *name, PlanWindow window, const Events *events, uint64_t keys,
                         const char *wanted)
{
    if (strncmp(name, wanted, strlen(wanted)) != 0)
        return;
    static const PlanWindowProperty properties[] = {PLAN_WINDOW_END};
    Arena *arena = arena_new(4096);
    PlanAggregateCall calls[2];
    bench_count_and_sum(arena, false, calls);
    window.time_column = 2;
    window.tick_us = 1000;
    PlanWindowAggregate plan = {
        .aggregate = {.keys = first_column, .key_count = 1, .calls = calls, .call_count = 2},
        .window = window,
        .properties = properties,
        .property_count = 1};
    const Column columns[] = {{"k", &type_bigint},
                              {"n", calls[0].call.result},
                              {"s", calls[1].call.result},
                              {"e", &type_timestamp_3}};
    const Schema output = {4, columns};
    uint64_t given = 0;
    EventsRun run = events_run(events, (BenchInput){&event_schema, CHANGES_INSERT_ONLY, 1},
                               &op_window_aggregate, &plan, &output, false);
    double hand = window.kind == PLAN_WINDOW_SESSION
                      ? hand_sessions(events, window.size_us, keys, &given)
                      : hand_slices(events, &window, keys, &given);
    printf("%-16s %7llu keys: %6.2f M rows/s in, %5.2f rows out per row in; at most %5.0f MB; by "
           "hand %6.2f M/s\n",
           name, (unsigned long long)keys, run.speed,
           (double)run.rows_out / (double)events_rows(events), (double)run.state_bytes / 1e6, hand);
    fflush(stdout);
    arena_free(arena);
}

int main(int count, char **arguments)
{
    uint64_t rows = (count > 1 ? strtoull(arguments[1], NULL, 10) : 6) << 20;
    const char *wanted = count > 2 ? arguments[2] : "";
    static const uint64_t keys[] = {10000, 1000000};
    for (size_t k = 0; k < array_count(keys); k++) {
        Events events = make_events(rows, keys[k]);
        PlanWindow tumble = {.kind = PLAN_WINDOW_TUMBLE, .size_us = 10 * SECOND};
        PlanWindow hop = {.kind = PLAN_WINDOW_HOP, .size_us = 10 * SECOND, .slide_us = 2 * SECOND};
        PlanWindow cumulate = {
            .kind = PLAN_WINDOW_CUMULATE, .size_us = 10 * SECOND, .slide_us = 2 * SECOND};
        /* A key has an event every 50 ms, or every 5 s. */
        PlanWindow session = {.kind = PLAN_WINDOW_SESSION,
                              .size_us = k == 0 ? SECOND / 5 : 10 * SECOND};
        bench_window("TUMBLE 10 s", tumble, &events, keys[k], wanted);
        bench_window("HOP 10 s / 2 s", hop, &events, keys[k], wanted);
        bench_window("CUMULATE 10 / 2", cumulate, &events, keys[k], wanted);
        bench_window(k == 0 ? "SESSION 0.2 s" : "SESSION 10 s", session, &events, keys[k], wanted);
        events_free(&events);
    }
    return 0;
}
