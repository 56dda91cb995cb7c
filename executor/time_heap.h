/* Records of state in the order in which their time comes: a binary heap.
 *
 * Derived from state: an operator fills it again after a restore. A record stays where it is while
 * it is in the heap. Cost: a push of a time that is later than the others is constant, the rest
 * logarithmic; 24 bytes a record. */
#ifndef EXECUTOR_TIME_HEAP_H
#define EXECUTOR_TIME_HEAP_H

#include "core/base.h"

typedef struct TimeHeapEntry {
    int64_t time_us;
    uint64_t order; /* among equal times */
    void *record;
} TimeHeapEntry;

typedef struct TimeHeap {
    TimeHeapEntry *entries;
    uint32_t count;
    uint32_t capacity;
} TimeHeap;

void time_heap_push(TimeHeap *heap, TimeHeapEntry entry);
TimeHeapEntry time_heap_pop(TimeHeap *heap);
/* INT64_MAX when it is empty. */
static inline int64_t time_heap_next(const TimeHeap *heap)
{
    return heap->count == 0 ? INT64_MAX : heap->entries[0].time_us;
}
void time_heap_deinit(TimeHeap *heap);

#endif
