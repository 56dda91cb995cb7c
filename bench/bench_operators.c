/* How fast single operators are: rows per CPU second through one operator alone, one thread, state
 * in memory, output thrown away.
 *
 *     bench_operators [million rows [all|aggregate|top|over|middle|set|sink [fresh]]]
 *
 * The batches are made before the clock starts, so what is measured is the operator: encoding and
 * hashing keys, finding state, updating it, building output batches. State and what the loops by
 * hand keep lie in memory that was written before (bench/touched_memory.h); with `fresh` in what
 * the system hands out, clearing and fetching it included. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/operator_harness.h"
#include "bench/touched_memory.h"

/* What ten million rows need by hand and in the operator, both at once. */
#define TOUCHED_BYTES       ((size_t)4 << 30)
#define MATERIALIZE_BATCHES 256

extern const OperatorClass op_aggregate, op_rank, op_deduplicate, op_over, op_set_operation,
    op_materialize;

/* The same by hand: groups in an open hash; changes go to a ring. */
typedef struct HandGroup {
    int64_t key, count, sum;
} HandGroup;

static double hand_aggregate(uint64_t rows, bool retracts, Batch *const *batches, HandGroup *groups,
                             uint64_t mask)
{
    static int64_t ring[1 << 12][4];
    uint64_t out = 0;
    double start = cpu_us();
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        const int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(groups + (scramble((uint64_t)key[i]) & mask), 1);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t at = scramble((uint64_t)key[i]) & mask;
            while (groups[at].count != 0 && groups[at].key != key[i])
                at = (at + 1) & mask;
            HandGroup *group = &groups[at];
            int64_t *go = ring[out & 4095];
            go[0] = 1, go[1] = key[i], go[2] = group->count, go[3] = group->sum;
            out += group->count != 0;
            group->key = key[i];
            group->count += retracts ? -1 : 1;
            group->sum += retracts ? -value[i] : value[i];
            int64_t *come = ring[out++ & 4095];
            come[0] = 2, come[1] = key[i], come[2] = group->count, come[3] = group->sum;
        }
    }
    return (double)rows / (cpu_us() - start);
}

static void bench_aggregate(uint64_t rows, uint64_t keys, bool retracts)
{
    Arena *arena = arena_new(4096);
    PlanAggregateCall calls[2];
    bench_count_and_sum(arena, retracts, calls);
    PlanAggregate plan = {.keys = first_column,
                          .key_count = 1,
                          .calls = calls,
                          .call_count = 2,
                          .input_retracts = retracts};
    const Column columns[] = {
        {"k", &type_bigint}, {"n", calls[0].call.result}, {"s", calls[1].call.result}};
    const Schema output = {3, columns};
    Bench *bench = bench_open(&op_aggregate, &plan, &output);
    uint64_t mask = 1;
    while (mask < keys * 2)
        mask *= 2;
    HandGroup *groups = touched_new(mask * sizeof(HandGroup));
    Batch **warm = make_batches(keys, keys, true, 0);
    double hand_building = hand_aggregate(keys, false, warm, groups, mask - 1);
    double building = feed(bench, &op_aggregate, 0, warm, keys);
    Batch **batches = make_batches(rows, keys, false, 1);
    double hand = hand_aggregate(rows, false, batches, groups, mask - 1);
    bench->emitter.rows = 0;
    double speed = feed(bench, &op_aggregate, 0, batches, rows);
    printf("aggregate COUNT, SUM, %8llu keys, %s: %6.2f M rows/s in, %6.2f M changes/s out; new "
           "groups %6.2f M/s; %.1f bytes a group; by hand %6.2f M rows/s, new groups %6.2f M/s\n",
           (unsigned long long)keys, retracts ? "retracting " : "insert-only", speed,
           speed * (double)bench->emitter.rows / (double)rows, building,
           (double)state_store_bytes(bench->context.state) / (double)keys, hand, hand_building);
    free(warm);
    free(batches);
    touched_free(groups, mask * sizeof(HandGroup));
    bench_close(bench, &op_aggregate);
    arena_free(arena);
}

/* ------------------------------------------------------------------ first and last rows */

/* Values that only grow: each row is the best of its key so far. Every key comes once, in no order,
 * and then again; or, not `serial`, any key does. */
static Batch **make_growing(uint64_t rows, uint64_t keys, uint64_t from, bool serial)
{
    Batch **batches = make_batches(rows, keys, serial, 3);
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++)
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            ((int64_t *)batches[b]->columns[1].data)[i] = (int64_t)(from + b * BATCH_ROWS_MAX + i);
    return batches;
}

/* The same by hand: keys in an open hash, the best values of each in an array; changes go to a
 * ring. */
typedef struct HandSlot {
    int64_t key;
    uint32_t count;
    int64_t values[];
} HandSlot;

static double hand_top(uint64_t rows, uint64_t keys, uint32_t best, Batch *const *batches,
                       char *slots, uint64_t mask)
{
    static int64_t ring[1 << 12][3];
    size_t slot_bytes = sizeof(HandSlot) + best * sizeof(int64_t);
    uint64_t out = 0;
    double start = cpu_us();
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        const int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(slots + (scramble((uint64_t)key[i]) & mask) * slot_bytes);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t at = scramble((uint64_t)key[i]) & mask;
            HandSlot *slot = (HandSlot *)(void *)(slots + at * slot_bytes);
            while (slot->count != 0 && slot->key != key[i]) {
                at = (at + 1) & mask;
                slot = (HandSlot *)(void *)(slots + at * slot_bytes);
            }
            slot->key = key[i];
            uint32_t end = slot->count;
            if (end == best && slot->values[end - 1] >= value[i])
                continue;
            if (end == best) {
                int64_t *gone = ring[out++ & 4095];
                gone[0] = 3, gone[1] = key[i], gone[2] = slot->values[--end];
            }
            for (; end > 0 && slot->values[end - 1] < value[i]; end--)
                slot->values[end] = slot->values[end - 1];
            slot->values[end] = value[i];
            slot->count += slot->count < best;
            int64_t *come = ring[out++ & 4095];
            come[0] = 0, come[1] = key[i], come[2] = value[i];
        }
    }
    (void)keys;
    return (double)rows / (cpu_us() - start);
}

/* Top-10 (`best` 10) or the last row (1): filled up, then every row gets in and one falls out. */
static void bench_top(uint64_t state_rows, uint32_t best)
{
    static const PlanSortKey order[] = {{1, true, true}};
    PlanRank rank = {.partition = first_column,
                     .partition_count = 1,
                     .order = order,
                     .order_count = 1,
                     .first = 1,
                     .last = best,
                     .last_column = -1};
    PlanDeduplicate last = {.key = first_column, .key_count = 1, .order = order, .order_count = 1};
    const OperatorClass *class = best == 1 ? &op_deduplicate : &op_rank;
    uint64_t keys = state_rows / best, rows = (uint64_t)2 << 20, mask = 1;
    Bench *bench =
        bench_open(class, best == 1 ? (const void *)&last : (const void *)&rank, &input_schema);
    while (mask < keys * 2)
        mask *= 2;
    size_t slot_bytes = sizeof(HandSlot) + best * sizeof(int64_t);
    char *slots = touched_new(mask * slot_bytes);
    double fill = 0, hand_fill = 0;
    for (uint64_t done = 0; done < state_rows; done += keys) {
        Batch **warm = make_growing(keys, keys, done, true);
        hand_fill = hand_top(keys, keys, best, warm, slots, mask - 1);
        fill = feed(bench, class, 0, warm, keys);
        free(warm);
    }
    Batch **batches = make_growing(rows, keys, state_rows * 2, false);
    double hand = hand_top(rows, keys, best, batches, slots, mask - 1);
    bench->emitter.rows = 0;
    double speed = feed(bench, class, 0, batches, rows);
    printf("%s, %5.1f M rows kept: %6.2f M rows/s in, %6.2f M changes/s out; filling %6.2f M/s; "
           "%.1f bytes a row; by hand %6.2f M/s, filling %6.2f M/s\n",
           best == 1 ? "last row" : "top 10  ", (double)state_rows / 1e6, speed,
           speed * (double)bench->emitter.rows / (double)rows, fill,
           (double)state_store_bytes(bench->context.state) / (double)state_rows, hand, hand_fill);
    free(batches);
    touched_free(slots, mask * slot_bytes);
    bench_close(bench, class);
}

/* ---------------------------------------------------------------------------- windows */

/* A key's rows by hand: their number, the sum of all and of the last eleven. */
typedef struct HandWindow {
    int64_t key;
    int64_t count, sum, of_last;
    int64_t last[11];
} HandWindow;

static double hand_over(uint64_t rows, Batch *const *batches, HandWindow *slots, uint64_t mask)
{
    static int64_t ring[1 << 12][4];
    uint64_t out = 0;
    double start = cpu_us();
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        const int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(slots + (scramble((uint64_t)key[i]) & mask));
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t at = scramble((uint64_t)key[i]) & mask;
            while (slots[at].count != 0 && slots[at].key != key[i])
                at = (at + 1) & mask;
            HandWindow *slot = &slots[at];
            slot->key = key[i];
            slot->sum += value[i];
            slot->of_last += value[i] - slot->last[slot->count % 11];
            slot->last[slot->count++ % 11] = value[i];
            int64_t *come = ring[out++ & 4095];
            come[0] = key[i], come[1] = slot->count, come[2] = slot->sum, come[3] = slot->of_last;
        }
    }
    return (double)rows / (cpu_us() - start);
}

typedef enum OverKind { OVER_SUM_LAST, OVER_SUM_ALL, OVER_NUMBER } OverKind;

static const char *const over_names[] = {"SUM ROWS 10 PRECEDING", "SUM UNBOUNDED        ",
                                         "ROW_NUMBER           "};
static const PlanSortKey over_order[] = {{.column = 1}};
static const Column over_columns[] = {
    {"k", &type_bigint}, {"v", &type_bigint}, {"o", &type_bigint}};
static const Schema over_output = {3, over_columns};

static bool over_call(Arena *arena, OverKind kind, PlanOverCall *call)
{
    const Type *types[] = {&type_bigint};
    const Vector *literals[] = {NULL};
    FunctionSite site = {types, literals, 1, NULL, arena, NULL};
    Error error = {0};
    *call = (PlanOverCall){.kind = WINDOW_ROW_NUMBER, .filter = -1, .type = &type_bigint};
    if (kind == OVER_NUMBER)
        return true;
    call->kind = WINDOW_AGGREGATE;
    call->arguments = second_column;
    call->argument_count = 1;
    call->fold = kind == OVER_SUM_LAST ? PLAN_FOLD_SLIDE : PLAN_FOLD_FORWARD;
    call->frame.by_rows = kind == OVER_SUM_LAST;
    call->frame.start.kind =
        kind == OVER_SUM_LAST ? PLAN_BOUND_PRECEDING : PLAN_BOUND_UNBOUNDED_PRECEDING;
    call->frame.start.rows = 10;
    call->frame.end.kind = PLAN_BOUND_CURRENT_ROW;
    return aggregate_bind("SUM", &site, kind == OVER_SUM_LAST, &call->aggregate, &error);
}

/* The operator with one call, and a hundred rows a key to come. */
typedef struct OverCase {
    Arena *arena;
    PlanOverCall call;
    PlanOver plan;
    Bench *bench;
    uint64_t keys, mask; /* of a table by hand that is half full at most */
} OverCase;

static void over_case_open(OverCase *over, uint64_t state_rows, OverKind kind)
{
    over->arena = arena_new(4096);
    if (!over_call(over->arena, kind, &over->call))
        exit(1);
    over->plan = (PlanOver){first_column, 1, over_order, 1, &over->call, 1, 0, false};
    over->bench = bench_open(&op_over, &over->plan, &over_output);
    over->keys = state_rows / 100;
    uint64_t slots = 1;
    while (slots < over->keys * 2)
        slots *= 2;
    over->mask = slots - 1;
}

static void over_case_close(OverCase *over)
{
    bench_close(over->bench, &op_over);
    arena_free(over->arena);
}

/* A hundred rows a key, then two million of any key that come at the end of its rows. */
static void bench_over(uint64_t state_rows, OverKind kind)
{
    OverCase over;
    over_case_open(&over, state_rows, kind);
    uint64_t keys = over.keys, rows = (uint64_t)2 << 20;
    size_t slot_bytes = (over.mask + 1) * sizeof(HandWindow);
    HandWindow *slots = touched_new(slot_bytes);
    double fill = 0;
    for (uint64_t done = 0; done < state_rows; done += keys) {
        Batch **warm = make_growing(keys, keys, done, true);
        hand_over(keys, warm, slots, over.mask);
        fill = feed(over.bench, &op_over, 0, warm, keys);
        free(warm);
    }
    double bytes = (double)state_store_bytes(over.bench->context.state) / (double)state_rows;
    Batch **batches = make_growing(rows, keys, state_rows * 2, false);
    double hand = hand_over(rows, batches, slots, over.mask);
    double speed = feed(over.bench, &op_over, 0, batches, rows);
    printf("over %s, %5.1f M rows kept: %6.2f M changes/s; filling %6.2f M/s; %.1f bytes a row; "
           "by hand %6.2f M/s\n",
           over_names[kind], (double)state_rows / 1e6, speed, fill, bytes, hand);
    free(batches);
    touched_free(slots, slot_bytes);
    over_case_close(&over);
}

/* A key's rows in order by hand: what a row in between changes goes to a ring. */
#define MIDDLE_ROOM 190
typedef struct HandRows {
    int64_t key, count;
    int64_t values[MIDDLE_ROOM];
} HandRows;

/* The results of the rows from `from` on that change; before and after. */
static uint64_t hand_changes(const HandRows *slot, uint64_t from, OverKind kind, uint64_t out)
{
    static int64_t ring[1 << 12][4];
    uint64_t end = (uint64_t)slot->count;
    if (kind == OVER_SUM_LAST && from + 11 < end)
        end = from + 11;
    int64_t sum = 0, new = slot->values[from];
    uint64_t first = kind == OVER_SUM_ALL || from < 10 ? 0 : from - 10;
    for (uint64_t i = kind == OVER_NUMBER ? from : first; i < from; i++)
        sum += slot->values[i];
    for (uint64_t i = from; i < end; i++) {
        sum += slot->values[i];
        int64_t left = kind == OVER_SUM_LAST && i >= 11 ? slot->values[i - 11] : 0;
        if (i != from) {
            int64_t *go = ring[out++ & 4095];
            go[0] = 1, go[1] = slot->key, go[2] = slot->values[i];
            go[3] = kind == OVER_NUMBER ? (int64_t)i : sum - new + left;
        }
        int64_t *come = ring[out++ & 4095];
        come[0] = 2, come[1] = slot->key, come[2] = slot->values[i];
        come[3] = kind == OVER_NUMBER ? (int64_t)i + 1 : sum;
        if (kind == OVER_SUM_LAST && i >= 10)
            sum -= slot->values[i - 10];
    }
    return out;
}

/* Million changes a second; `fills`: nobody looks yet. */
static double hand_middle(uint64_t rows, Batch *const *batches, HandRows *slots, uint64_t mask,
                          OverKind kind, bool fills)
{
    uint64_t out = 0;
    double start = cpu_us();
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        const int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(slots + (scramble((uint64_t)key[i]) & mask));
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t at = scramble((uint64_t)key[i]) & mask;
            while (slots[at].count != 0 && slots[at].key != key[i])
                at = (at + 1) & mask;
            HandRows *slot = &slots[at];
            if (slot->count == MIDDLE_ROOM)
                continue;
            slot->key = key[i];
            uint64_t place = (uint64_t)slot->count++;
            for (; place > 0 && slot->values[place - 1] > value[i]; place--)
                slot->values[place] = slot->values[place - 1];
            slot->values[place] = value[i];
            out = fills ? out : hand_changes(slot, place, kind, out);
        }
    }
    return (double)out / (cpu_us() - start);
}

/* Rows of any key with values between those that are there. */
static Batch **make_between(uint64_t rows, uint64_t keys, uint64_t values)
{
    Batch **batches = make_batches(rows, keys, false, 7);
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++)
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            ((int64_t *)batches[b]->columns[1].data)[i] =
                (int64_t)(scramble(b * BATCH_ROWS_MAX + i + 12345) % values);
    return batches;
}

/* A hundred rows a key, then rows in between: each changes those behind it. */
static void bench_over_middle(uint64_t state_rows, OverKind kind)
{
    OverCase over;
    over_case_open(&over, state_rows, kind);
    uint64_t keys = over.keys, rows = (uint64_t)1 << 17;
    size_t slot_bytes = (over.mask + 1) * sizeof(HandRows);
    HandRows *slots = touched_new(slot_bytes);
    for (uint64_t done = 0; done < state_rows; done += keys) {
        Batch **warm = make_growing(keys, keys, done, true);
        hand_middle(keys, warm, slots, over.mask, kind, true);
        feed(over.bench, &op_over, 0, warm, keys);
        free(warm);
    }
    Batch **batches = make_between(rows, keys, state_rows);
    double hand = hand_middle(rows, batches, slots, over.mask, kind, false);
    over.bench->emitter.rows = 0;
    double speed = feed(over.bench, &op_over, 0, batches, rows);
    double each = (double)over.bench->emitter.rows / (double)rows;
    printf("over %s, %5.1f M rows kept, in between: %6.2f M changes/s, %.1f a row; by hand %6.2f "
           "M/s\n",
           over_names[kind], (double)state_rows / 1e6, speed * each, each, hand);
    free(batches);
    touched_free(slots, slot_bytes);
    over_case_close(&over);
}

/* ------------------------------------------------------------------------- INTERSECT, EXCEPT */

/* Different rows, each key once; in one order, or in another that is far from it everywhere. */
static Batch **make_rows(uint64_t rows, uint64_t keys, bool mixed)
{
    Batch **batches = make_batches(rows, keys, true, 0);
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            key[i] = mixed ? key[i] * 1234567891 % (int64_t)keys : key[i];
            value[i] = key[i] & 1023;
        }
    }
    return batches;
}

/* By hand: rows in an open hash with a count for either side; changes go to a ring. */
typedef struct HandRow {
    int64_t key, value;
    int64_t counts[2];
} HandRow;

static double hand_set(uint64_t rows, uint32_t side, bool except, Batch *const *batches,
                       HandRow *slots, uint64_t mask)
{
    static int64_t ring[1 << 12][3];
    uint64_t out = 0;
    double start = cpu_us();
    for (uint64_t b = 0; b * BATCH_ROWS_MAX < rows; b++) {
        const int64_t *key = batches[b]->columns[0].data, *value = batches[b]->columns[1].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
            __builtin_prefetch(&slots[scramble((uint64_t)(key[i] * 31 + value[i])) & mask]);
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t at = scramble((uint64_t)(key[i] * 31 + value[i])) & mask;
            while (slots[at].counts[0] + slots[at].counts[1] != 0 &&
                   (slots[at].key != key[i] || slots[at].value != value[i]))
                at = (at + 1) & mask;
            HandRow *row = &slots[at];
            row->key = key[i];
            row->value = value[i];
            bool changes = (row->counts[1 - side] != 0) != (except && side == 0);
            if (++row->counts[side] != 1 || !changes)
                continue;
            int64_t *change = ring[out++ & 4095];
            change[0] = except && side == 1 ? 3 : 0, change[1] = key[i], change[2] = value[i];
        }
    }
    return (double)rows / (cpu_us() - start);
}

/* The left side is filled, then rows on the right find it, in another order: each is a change of
 * the result. */
static void bench_set(uint64_t state_rows, bool except)
{
    PlanSetOperation plan = {.except = except};
    uint64_t rows = (uint64_t)1 << 20, mask = 1;
    rows = rows < state_rows ? rows : state_rows;
    while (mask < state_rows * 2)
        mask *= 2;
    Bench *bench = bench_open(&op_set_operation, &plan, &input_schema);
    HandRow *slots = touched_new(mask * sizeof(HandRow));
    Batch **left = make_rows(state_rows, state_rows, false);
    Batch **right = make_rows(rows, state_rows, true);
    double hand_fill = hand_set(state_rows, 0, except, left, slots, mask - 1);
    double fill = feed(bench, &op_set_operation, 0, left, state_rows);
    double hand = hand_set(rows, 1, except, right, slots, mask - 1);
    double speed = feed(bench, &op_set_operation, 1, right, rows);
    printf("%s, %5.1f M rows kept: %6.2f M rows/s, filling %6.2f M/s; %.1f bytes a row; "
           "by hand %6.2f M/s, filling %6.2f M/s, %.1f bytes a row\n",
           except ? "except   " : "intersect", (double)state_rows / 1e6, speed, fill,
           (double)state_store_bytes(bench->context.state) / (double)state_rows, hand, hand_fill,
           (double)(mask * sizeof(HandRow)) / (double)state_rows);
    free(left);
    free(right);
    touched_free(slots, mask * sizeof(HandRow));
    bench_close(bench, &op_set_operation);
}

/* Rows of a sink key (k) and what they are known by (v); first all come, serially over the keys,
 * then one goes and another comes, with its kinds. */
static Batch **sink_rows(uint64_t *ids, uint64_t kept, uint64_t keys, uint64_t rows, bool fills)
{
    Batch **batches = make_batches(rows, keys, true, 0);
    uint64_t next = kept;
    for (uint64_t i = 0; i < rows; i++) {
        Batch *batch = batches[i / BATCH_ROWS_MAX];
        uint32_t row = (uint32_t)(i % BATCH_ROWS_MAX);
        uint64_t at = fills ? i : scramble(i / 2) % kept;
        if (fills)
            ids[at] = i;
        else if (i % 2 == 1)
            ids[at] = next++;
        ((int64_t *)batch->columns[0].data)[row] = (int64_t)(at % keys);
        ((int64_t *)batch->columns[1].data)[row] = (int64_t)ids[at];
        if (!fills)
            batch_kinds(batch, BATCH_ROWS_MAX)[row] =
                i % 2 == 0 ? CHANGE_UPDATE_BEFORE : CHANGE_UPDATE_AFTER;
    }
    return batches;
}

/* `per_key` rows under each key of a sink; known by a column or by all of them. */
static void bench_materialize(uint64_t per_key, bool has_upsert_key)
{
    uint64_t kept = (uint64_t)49 * BATCH_ROWS_MAX, keys = kept / per_key;
    uint64_t rows = (uint64_t)MATERIALIZE_BATCHES * BATCH_ROWS_MAX;
    PlanMaterialize plan = {.key = {1, first_column},
                            .upsert_key = {has_upsert_key ? 1 : 0, second_column}};
    uint64_t *ids = memory_zalloc(sizeof(uint64_t) * kept);
    Bench *bench = bench_open(&op_materialize, &plan, &input_schema);
    Batch **fill = sink_rows(ids, kept, keys, kept, true);
    Batch **changes = sink_rows(ids, kept, keys, rows, false);
    double filling = feed(bench, &op_materialize, 0, fill, kept);
    double bytes = (double)state_store_bytes(bench->context.state) / (double)kept;
    double speed = feed(bench, &op_materialize, 0, changes, rows);
    printf("materialize, %6llu rows a key, known by %s: %7.3f M rows/s, filling %7.3f M/s; "
           "%.1f bytes a row\n",
           (unsigned long long)per_key, has_upsert_key ? "a column   " : "all columns", speed,
           filling, bytes);
    memory_free(ids);
    free(fill);
    free(changes);
    bench_close(bench, &op_materialize);
}

static bool is_wanted(const char *only, const char *name)
{
    return only == NULL || strcmp(only, "all") == 0 || strcmp(only, name) == 0;
}

int main(int count, char **arguments)
{
    uint64_t rows = (count > 1 ? strtoull(arguments[1], NULL, 10) : 4) << 20;
    const char *only = count > 2 ? arguments[2] : NULL;
    bool is_fresh = count > 3 && strcmp(arguments[3], "fresh") == 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    memory_keep_freed(); /* as the program does */
    if (!is_fresh)
        touched_open(TOUCHED_BYTES);
    printf("memory %s\n", is_fresh ? "as the system hands it out" : "written beforehand");
    if (is_wanted(only, "aggregate")) {
        bench_aggregate(rows, 10000, true);
        bench_aggregate(rows, 1000000, true);
        bench_aggregate(rows, 10000000, true);
        bench_aggregate(rows, 1000000, false);
        bench_aggregate(rows, 10000000, false);
    }
    if (is_wanted(only, "top")) {
        bench_top(1000000, 10);
        bench_top(10000000, 10);
        bench_top(1000000, 1);
        bench_top(10000000, 1);
    }
    for (OverKind kind = OVER_SUM_LAST; is_wanted(only, "over") && kind <= OVER_NUMBER; kind++) {
        bench_over(1000000, kind);
        bench_over(10000000, kind);
    }
    for (OverKind kind = OVER_SUM_LAST; is_wanted(only, "middle") && kind <= OVER_NUMBER; kind++) {
        bench_over_middle(1000000, kind);
        bench_over_middle(10000000, kind);
    }
    for (int except = 0; is_wanted(only, "set") && except <= 1; except++) {
        bench_set(1000000, except != 0);
        bench_set(10000000, except != 0);
    }
    for (uint64_t per_key = 1; is_wanted(only, "sink") && per_key <= 100000; per_key *= 10) {
        bench_materialize(per_key, true);
        bench_materialize(per_key, false);
    }
    return 0;
}
