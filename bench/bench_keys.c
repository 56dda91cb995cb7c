/* What a key of GROUP BY costs as keys grow many: COUNT and SUM per BIGINT through the aggregate
 * alone, every change given, beside the same by hand.
 *
 *     bench_keys [fresh] [million keys…]        1, 10 and 50 where none are named
 *
 * Two figures a size, in million rows per CPU second: making the keys, each once and in no order,
 * from an empty state; and changing them at random once all are there. By hand the table has its
 * size from the start, so growing does not count; what the table's growth costs the batch that
 * meets most of it is the longest batch. All memory was written before (bench/touched_memory.h);
 * with `fresh` the state's comes as the system hands it out, by which the kernel's clearing counts
 * as making. */
#include "bench/operator_harness.h"
#include "bench/touched_memory.h"

extern const OperatorClass op_aggregate;

/* Batches that are filled again and again, off the clock. */
enum { RING_BATCHES = 512 };
#define RING_ROWS ((uint64_t)RING_BATCHES * BATCH_ROWS_MAX)

static void fill_ring(Batch **ring, uint64_t from, uint64_t keys, bool serial)
{
    for (uint64_t b = 0; b < RING_BATCHES; b++) {
        int64_t *key = ring[b]->columns[0].data;
        for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
            uint64_t n = from + b * BATCH_ROWS_MAX + i;
            key[i] =
                (int64_t)(serial ? n % keys * UINT64_C(2654435761) % keys : scramble(n + 1) % keys);
        }
    }
}

/* -------------------------------------------------------------------- by hand */

typedef struct HandSlot {
    int64_t key; /* -1: free */
    int64_t sum;
    int64_t count;
} HandSlot;

typedef struct Hand {
    HandSlot *slots;
    uint64_t mask;
    int64_t changes[1 << 12][4]; /* a ring: kind, key, count, sum */
    uint64_t out;
} Hand;

static Hand *hand_new(uint64_t keys)
{
    Hand *hand = memory_zalloc(sizeof(*hand));
    hand->mask = 1024;
    while (hand->mask < keys * 2)
        hand->mask *= 2;
    size_t bytes = hand->mask * sizeof(HandSlot);
    hand->slots = touched_new(bytes);
    for (uint64_t i = 0; i < hand->mask; i++)
        hand->slots[i].key = -1;
    hand->mask--;
    return hand;
}

static void hand_batch(Hand *hand, const Batch *batch)
{
    const int64_t *key = batch->columns[0].data, *value = batch->columns[1].data;
    for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++)
        __builtin_prefetch(&hand->slots[scramble((uint64_t)key[i]) & hand->mask], 1);
    for (uint32_t i = 0; i < BATCH_ROWS_MAX; i++) {
        uint64_t at = scramble((uint64_t)key[i]) & hand->mask;
        while (hand->slots[at].key != key[i] && hand->slots[at].key != -1)
            at = (at + 1) & hand->mask;
        HandSlot *slot = &hand->slots[at];
        slot->key = key[i];
        if (slot->count != 0)
            memcpy(hand->changes[hand->out++ & 4095],
                   (int64_t[]){1, key[i], slot->count, slot->sum}, sizeof(hand->changes[0]));
        slot->count++;
        slot->sum += value[i];
        memcpy(hand->changes[hand->out++ & 4095], (int64_t[]){2, key[i], slot->count, slot->sum},
               sizeof(hand->changes[0]));
    }
}

/* ------------------------------------------------------------------- measuring */

typedef struct Spent {
    double weir_us;
    double hand_us;
    double longest_us; /* that a batch took */
} Spent;

static void run_ring(Bench *bench, Hand *hand, Batch **ring, Spent *spent)
{
    Error error = {0};
    double start = cpu_us();
    for (uint64_t b = 0; b < RING_BATCHES; b++)
        hand_batch(hand, ring[b]);
    spent->hand_us += cpu_us() - start;
    start = cpu_us();
    double last = start;
    for (uint64_t b = 0; b < RING_BATCHES; b++) {
        if (!op_aggregate.batch(bench->op, 0, batch_retain(ring[b]), &bench->emitter, &error))
            exit(1);
        double now = cpu_us();
        spent->longest_us = now - last > spent->longest_us ? now - last : spent->longest_us;
        last = now;
    }
    spent->weir_us += cpu_us() - start;
}

static void measure(Bench *bench, uint64_t keys, Batch **ring)
{
    Hand *hand = hand_new(keys);
    Spent made = {0}, changed = {0};
    uint64_t creating = (keys + RING_ROWS - 1) / RING_ROWS * RING_ROWS;
    for (uint64_t from = 0; from < creating; from += RING_ROWS) {
        fill_ring(ring, from, keys, true);
        run_ring(bench, hand, ring, &made);
    }
    uint64_t changing = 16 * RING_ROWS;
    for (uint64_t from = 0; from < changing; from += RING_ROWS) {
        fill_ring(ring, from, keys, false);
        run_ring(bench, hand, ring, &changed);
    }
    printf("GROUP BY, %3llu M keys: made %5.2f M rows/s (by hand %6.2f), changed %5.2f (%6.2f); "
           "longest batch %.1f ms, %.1f ms; %.1f bytes a key\n",
           (unsigned long long)(keys / 1000000), (double)creating / made.weir_us,
           (double)creating / made.hand_us, (double)changing / changed.weir_us,
           (double)changing / changed.hand_us, made.longest_us / 1000, changed.longest_us / 1000,
           (double)state_store_reserved_bytes(bench->context.state) / (double)keys);
    touched_free(hand->slots, (hand->mask + 1) * sizeof(HandSlot));
    free(hand);
}

static void bench_keys(uint64_t keys, Batch **ring)
{
    Arena *arena = arena_new(4096);
    PlanAggregateCall calls[2];
    bench_count_and_sum(arena, false, calls);
    PlanAggregate plan = {.keys = first_column, .key_count = 1, .calls = calls, .call_count = 2};
    const Column columns[] = {
        {"k", &type_bigint}, {"n", calls[0].call.result}, {"s", calls[1].call.result}};
    const Schema output = {3, columns};
    Bench *bench = bench_open(&op_aggregate, &plan, &output);
    measure(bench, keys, ring);
    bench_close(bench, &op_aggregate);
    arena_free(arena);
}

/* By hand at most 96 bytes a key, in a power of two; the state less, with a block for each class.
 */
static size_t memory_for(uint64_t keys)
{
    uint64_t slots = 1024;
    while (slots < keys * 2)
        slots *= 2;
    return slots * sizeof(HandSlot) + keys * 64 + ((size_t)64 << 20);
}

int main(int count, char **arguments)
{
    uint64_t sizes[16] = {1000000, 10000000, 50000000};
    uint32_t size_count = 0;
    bool is_fresh = count > 1 && strcmp(arguments[1], "fresh") == 0;
    for (int i = is_fresh ? 2 : 1; i < count && size_count < array_count(sizes); i++)
        sizes[size_count++] = strtoull(arguments[i], NULL, 10) * 1000000;
    size_count = size_count == 0 ? 3 : size_count;
    uint64_t most = 0;
    for (uint32_t i = 0; i < size_count; i++)
        most = u64_max(most, sizes[i]);
    Batch **ring = make_batches(RING_ROWS, RING_ROWS, true, 0);
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!is_fresh)
        touched_open(memory_for(most));
    printf("memory %s\n", is_fresh ? "as the system hands it out" : "written beforehand");
    for (uint32_t i = 0; i < size_count; i++)
        bench_keys(sizes[i], ring);
    return 0;
}
