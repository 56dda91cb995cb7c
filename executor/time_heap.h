/* Records of state in the order in which their time comes: a queue for what is pushed in that
 * order, as most of a stream is, and a binary heap for the rest.
 *
 * Derived from state: an operator fills it again after a restore. A record stays where it is while
 * it is in the heap. Cost: constant in the queue, logarithmic in the heap; 24 bytes a record. */
#ifndef EXECUTOR_TIME_HEAP_H
#define EXECUTOR_TIME_HEAP_H

#include "core/base.h"

typedef struct TimeHeapEntry {
    int64_t time_us;
    uint64_t order; /* among equal times */
    void *record;
} TimeHeapEntry;

typedef struct TimeHeap {
    uint32_t count;         /* of both */
    TimeHeapEntry *entries; /* the heap */
    uint32_t heap_count;
    uint32_t capacity;
    TimeHeapEntry *queue; /* a ring, earliest first */
    uint32_t queue_first;
    uint32_t queue_count;
    uint32_t queue_capacity; /* 0 or a power of two */
} TimeHeap;

void time_heap_push(TimeHeap *heap, TimeHeapEntry entry);
TimeHeapEntry time_heap_pop(TimeHeap *heap);
/* INT64_MAX when it is empty. */
static inline int64_t time_heap_next(const TimeHeap *heap)
{
    int64_t next = heap->heap_count == 0 ? INT64_MAX : heap->entries[0].time_us;
    if (heap->queue_count != 0 && heap->queue[heap->queue_first].time_us < next)
        next = heap->queue[heap->queue_first].time_us;
    return next;
}
void time_heap_deinit(TimeHeap *heap);

#endif
