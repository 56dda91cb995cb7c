/* How fast joins over time are: rows of both sides per CPU second through the operator alone, one
 * thread, state in memory, output thrown away; beside each figure a loop written by hand for it.
 *
 *     bench_time_joins [million rows [window|interval]]
 *
 * Events come 200,000 to a second of event time, half of them on each side, in order, keys at
 * random; the watermark follows each batch. The window, and the distance in time, are such that a
 * key has one row of each side in it on the average. */
#include "bench/operator_harness.h"

extern const OperatorClass op_window_join, op_interval_join;

enum { EVENTS_PER_SECOND = 200000 };
#define SECOND INT64_C(1000000)

/* --------------------------------------------------------------------- events */

enum { KEY, VALUE, TIME, WINDOW_START, WINDOW_END };
static const Column event_columns[] = {{"k", &type_bigint},
                                       {"v", &type_bigint},
                                       {"t", &type_timestamp_3},
                                       {"s", &type_timestamp_3},
                                       {"e", &type_timestamp_3}};
static const Schema event_schema = {5, event_columns};

static const int64_t *column(const Batch *batch, uint32_t number)
{
    return batch->columns[number].data;
}

static int64_t last_time(const Batch *batch)
{
    return column(batch, TIME)[BATCH_ROWS_MAX - 1];
}

static Events make_events(uint64_t rows, uint64_t keys, int64_t window_us)
{
    Events events = events_new(rows);
    for (uint64_t b = 0; b < events.count; b++) {
        Batch *batch = batch_new(&event_schema, BATCH_ROWS_MAX);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t n = b * BATCH_ROWS_MAX + i;
            int64_t at = (int64_t)n * (SECOND / EVENTS_PER_SECOND);
            at -= at % 1000;
            ((int64_t *)batch->columns[KEY].data)[i] = (int64_t)(scramble(n) % keys);
            ((int64_t *)batch->columns[VALUE].data)[i] = (int64_t)(n & 1023);
            ((int64_t *)batch->columns[TIME].data)[i] = at;
            ((int64_t *)batch->columns[WINDOW_START].data)[i] = at - at % window_us;
            ((int64_t *)batch->columns[WINDOW_END].data)[i] = at - at % window_us + window_us;
        }
        batch->row_count = BATCH_ROWS_MAX;
        events.batches[b] = batch;
        events.watermarks[b] = last_time(batch) - 1000;
    }
    return events;
}

/* -------------------------------------------------------------------- by hand */

typedef struct HandRow {
    int64_t key;
    int64_t value;
    int64_t time;
    uint32_t next; /* of the same hash, from 1 */
} HandRow;

/* One side's rows, in chains by hash. */
typedef struct HandSide {
    HandRow *rows;
    uint32_t *heads;
    uint64_t count;
} HandSide;

static volatile int64_t hand_ring[4096][4];

static void hand_give(uint64_t *out, const HandRow *left, const HandRow *right)
{
    volatile int64_t *row = hand_ring[(*out)++ & 4095];
    row[0] = left->key, row[1] = left->value, row[2] = right->key, row[3] = right->value;
}

static HandSide hand_side(uint64_t rows, uint64_t mask)
{
    return (HandSide){memory_alloc(sizeof(HandRow) * rows),
                      memory_zalloc(sizeof(uint32_t) * (mask + 1)), 0};
}

static void hand_free(HandSide *side)
{
    memory_free(side->rows);
    memory_free(side->heads);
}

static void hand_add(HandSide *side, const Batch *batch, uint32_t i, uint64_t mask)
{
    int64_t key = column(batch, KEY)[i];
    uint32_t *head = &side->heads[scramble((uint64_t)key) & mask];
    side->rows[side->count++] =
        (HandRow){key, column(batch, VALUE)[i], column(batch, TIME)[i], *head};
    *head = (uint32_t)side->count;
}

/* Pairs of a window that is over; both sides begin anew. */
static void hand_window(HandSide sides[2], uint64_t mask, uint64_t *out)
{
    for (uint64_t l = 0; l < sides[0].count; l++) {
        const HandRow *left = &sides[0].rows[l];
        uint32_t at = sides[1].heads[scramble((uint64_t)left->key) & mask];
        for (; at != 0; at = sides[1].rows[at - 1].next)
            if (sides[1].rows[at - 1].key == left->key)
                hand_give(out, left, &sides[1].rows[at - 1]);
    }
    for (uint32_t s = 0; s < 2; s++) {
        memset(sides[s].heads, 0, sizeof(uint32_t) * (mask + 1));
        sides[s].count = 0;
    }
}

static double hand_windows(const Events *events, uint64_t mask, uint64_t *out)
{
    uint64_t rows = events_rows(events);
    HandSide sides[2] = {hand_side(rows, mask), hand_side(rows, mask)};
    int64_t end = column(events->batches[0], WINDOW_END)[0];
    double start = cpu_us();
    for (uint64_t b = 0; b < events->count; b++) {
        const Batch *batch = events->batches[b];
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            if (column(batch, WINDOW_END)[i] != end)
                hand_window(sides, mask, out);
            end = column(batch, WINDOW_END)[i];
            hand_add(&sides[b % 2], batch, i, mask);
        }
    }
    hand_window(sides, mask, out);
    double speed = (double)rows / (cpu_us() - start);
    hand_free(&sides[0]);
    hand_free(&sides[1]);
    return speed;
}

/* Rows that are too old end a chain, for the newest stand first; they are never given back. */
static double hand_intervals(const Events *events, int64_t within, uint64_t mask, uint64_t *out)
{
    uint64_t rows = events_rows(events);
    HandSide sides[2] = {hand_side(rows, mask), hand_side(rows, mask)};
    double start = cpu_us();
    for (uint64_t b = 0; b < events->count; b++) {
        const Batch *batch = events->batches[b];
        const HandSide *other = &sides[1 - b % 2];
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(&other->heads[scramble((uint64_t)column(batch, KEY)[i]) & mask]);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            hand_add(&sides[b % 2], batch, i, mask);
            const HandRow *row = &sides[b % 2].rows[sides[b % 2].count - 1];
            uint32_t at = other->heads[scramble((uint64_t)row->key) & mask];
            for (; at != 0 && row->time - other->rows[at - 1].time <= within;
                 at = other->rows[at - 1].next)
                if (other->rows[at - 1].key == row->key)
                    hand_give(out, row, &other->rows[at - 1]);
        }
    }
    double speed = (double)rows / (cpu_us() - start);
    hand_free(&sides[0]);
    hand_free(&sides[1]);
    return speed;
}

/* ------------------------------------------------------------------ the operators */

static EventsRun run(const Events *events, const OperatorClass *class, const void *spec)
{
    Column columns[10];
    for (uint32_t c = 0; c < 10; c++)
        columns[c] = event_columns[c % 5];
    Schema output = {10, columns};
    return events_run(events, (BenchInput){&event_schema, CHANGES_INSERT_ONLY, 2}, class, spec,
                      &output, true);
}

static void print(const char *name, uint64_t keys, const Events *events, const EventsRun *run,
                  double hand, uint64_t hand_given)
{
    double rows = (double)events_rows(events);
    printf("%-22s %7llu keys: %6.2f M rows/s in, %5.2f rows out per row in; at most %5.0f MB; by "
           "hand %6.2f M/s (%.2f)\n",
           name, (unsigned long long)keys, run->speed, (double)run->rows_out / rows,
           (double)run->state_bytes / 1e6, hand, (double)hand_given / rows);
    fflush(stdout);
}

static void bench_windows(const Events *events, uint64_t keys, int64_t window_us, uint64_t mask)
{
    static const uint32_t columns[] = {KEY, WINDOW_START, WINDOW_END};
    static const bool null_matches[3];
    PlanWindowJoin plan = {.join = {.kind = PLAN_JOIN_INNER,
                                    .sides = {{.keys = columns}, {.keys = columns}},
                                    .key_count = 3,
                                    .null_matches = null_matches},
                           .end_key = 2};
    char name[64];
    uint64_t given = 0;
    EventsRun joined = run(events, &op_window_join, &plan);
    double hand = hand_windows(events, mask, &given);
    snprintf(name, sizeof(name), "window join %g s", (double)window_us / 1e6);
    print(name, keys, events, &joined, hand, given);
}

static void bench_intervals(const Events *events, uint64_t keys, int64_t within_us, uint64_t mask)
{
    static const uint32_t columns[] = {KEY};
    static const bool null_matches[1];
    PlanIntervalJoin plan = {.join = {.kind = PLAN_JOIN_INNER,
                                      .sides = {{.keys = columns}, {.keys = columns}},
                                      .key_count = 1,
                                      .null_matches = null_matches},
                             .times = {TIME, TIME},
                             .lower_us = -within_us,
                             .upper_us = within_us};
    char name[64];
    uint64_t given = 0;
    EventsRun joined = run(events, &op_interval_join, &plan);
    double hand = hand_intervals(events, within_us, mask, &given);
    snprintf(name, sizeof(name), "interval join +-%g s", (double)within_us / 1e6);
    print(name, keys, events, &joined, hand, given);
}

int main(int count, char **arguments)
{
    static const uint64_t keys[] = {10000, 1000000};
    uint64_t rows = (count > 1 ? strtoull(arguments[1], NULL, 10) : 6) << 20;
    const char *wanted = count > 2 ? arguments[2] : "";
    for (size_t k = 0; k < array_count(keys); k++) {
        /* Half of the events are of a side. */
        int64_t window_us = (int64_t)keys[k] * 2 * SECOND / EVENTS_PER_SECOND;
        uint64_t mask = 1;
        while (mask < keys[k] * 2)
            mask *= 2;
        Events events = make_events(rows, keys[k], window_us);
        if (strcmp(wanted, "interval") != 0)
            bench_windows(&events, keys[k], window_us, mask - 1);
        if (strcmp(wanted, "window") != 0)
            bench_intervals(&events, keys[k], window_us / 2, mask - 1);
        events_free(&events);
    }
    return 0;
}
