/* Records by time: whatever the order in which they are pushed, they come out by time and, where
 * that is equal, by order; memory goes back. */
#include "executor/time_heap.h"

#include "tests/suite.h"

#define ENTRIES 20000

static uint64_t next_random(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *state >> 33;
}

typedef struct Popped {
    int64_t time_us;
    uint64_t order;
    uint32_t count;
} Popped;

/* What comes out next is not before what came out, unless that was pushed since. */
static void pop_one(TimeHeap *heap, Popped *popped, bool only_pops)
{
    int64_t next = time_heap_next(heap);
    TimeHeapEntry entry = time_heap_pop(heap);
    ck_assert_int_eq(entry.time_us, next);
    ck_assert_uint_eq(*(uint64_t *)entry.record, entry.order);
    *(uint64_t *)entry.record = UINT64_MAX; /* once */
    if (only_pops && popped->count != 0)
        ck_assert(popped->time_us < entry.time_us ||
                  (popped->time_us == entry.time_us && popped->order < entry.order));
    *popped = (Popped){entry.time_us, entry.order, popped->count + 1};
}

/* How far from ascending the times are, in entries; the last: no order at all. */
static const uint32_t disorders[] = {0, 1, 30, ENTRIES};

START_TEST(entries_come_out_by_time)
{
    uint32_t disorder = disorders[_i];
    static uint64_t records[ENTRIES];
    uint64_t state = 7;
    TimeHeap heap = {.count = 0};
    Popped popped = {.count = 0};
    ck_assert_int_eq(time_heap_next(&heap), INT64_MAX);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        int64_t by = disorder == 0 ? 0 : (int64_t)(next_random(&state) % (disorder * 2));
        records[i] = i;
        time_heap_push(&heap, (TimeHeapEntry){i / 4 - by, i, &records[i]});
        if (i % 3 == 2)
            pop_one(&heap, &popped, false);
    }
    ck_assert_uint_eq(heap.count, ENTRIES - popped.count);
    popped.count = 0;
    uint32_t left = heap.count;
    while (heap.count != 0)
        pop_one(&heap, &popped, true);
    ck_assert_uint_eq(popped.count, left);
    ck_assert_int_eq(time_heap_next(&heap), INT64_MAX);
    ck_assert_uint_le(heap.capacity + heap.queue_capacity, 4096);
    time_heap_deinit(&heap);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("time_heap");
    tcase_add_loop_test(cases, entries_come_out_by_time, 0, 4);
    return test_run("time_heap", cases);
}
