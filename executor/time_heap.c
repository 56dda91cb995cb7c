/* Records by time: a queue and a binary heap. */
#include "executor/time_heap.h"

#include "core/arena.h"

static bool comes_before(const TimeHeapEntry *a, const TimeHeapEntry *b)
{
    return a->time_us < b->time_us || (a->time_us == b->time_us && a->order < b->order);
}

/* ----------------------------------------------------------------------- queue */

static void queue_resize(TimeHeap *heap, uint32_t capacity)
{
    TimeHeapEntry *queue = memory_alloc(sizeof(TimeHeapEntry) * capacity);
    for (uint32_t i = 0; i < heap->queue_count; i++)
        queue[i] = heap->queue[(heap->queue_first + i) & (heap->queue_capacity - 1)];
    memory_free(heap->queue);
    heap->queue = queue;
    heap->queue_first = 0;
    heap->queue_capacity = capacity;
}

/* Whether the entry comes behind all of the queue, where it then stands. */
static bool queue_append(TimeHeap *heap, const TimeHeapEntry *entry)
{
    uint32_t mask = heap->queue_capacity - 1;
    if (heap->queue_count != 0 &&
        comes_before(entry, &heap->queue[(heap->queue_first + heap->queue_count - 1) & mask]))
        return false;
    if (heap->queue_count == heap->queue_capacity)
        queue_resize(heap, heap->queue_capacity == 0 ? 64 : heap->queue_capacity * 2);
    mask = heap->queue_capacity - 1;
    heap->queue[(heap->queue_first + heap->queue_count++) & mask] = *entry;
    return true;
}

/* Memory goes back once three quarters of it are empty. */
static TimeHeapEntry queue_pop(TimeHeap *heap)
{
    TimeHeapEntry first = heap->queue[heap->queue_first];
    heap->queue_first = (heap->queue_first + 1) & (heap->queue_capacity - 1);
    heap->queue_count--;
    if (heap->queue_capacity > 1024 && heap->queue_count < heap->queue_capacity / 4)
        queue_resize(heap, heap->queue_capacity / 2);
    return first;
}

/* ------------------------------------------------------------------------ heap */

static void heap_push(TimeHeap *heap, const TimeHeapEntry *entry)
{
    if (heap->heap_count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 64 : heap->capacity * 2;
        heap->entries = memory_realloc(heap->entries, sizeof(*entry) * heap->capacity);
    }
    uint32_t at = heap->heap_count++;
    while (at > 0 && comes_before(entry, &heap->entries[(at - 1) / 2])) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = *entry;
}

/* Gives memory back once three quarters of it are empty. */
static void heap_shrink(TimeHeap *heap)
{
    if (heap->capacity <= 1024 || heap->heap_count > heap->capacity / 4)
        return;
    heap->capacity /= 2;
    heap->entries = memory_realloc(heap->entries, sizeof(TimeHeapEntry) * heap->capacity);
}

static TimeHeapEntry heap_pop(TimeHeap *heap)
{
    TimeHeapEntry first = heap->entries[0];
    TimeHeapEntry moved = heap->entries[--heap->heap_count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= heap->heap_count)
            break;
        if (child + 1 < heap->heap_count &&
            comes_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!comes_before(&heap->entries[child], &moved))
            break;
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    if (heap->heap_count > 0)
        heap->entries[at] = moved;
    heap_shrink(heap);
    return first;
}

/* ------------------------------------------------------------------------ both */

void time_heap_push(TimeHeap *heap, TimeHeapEntry entry)
{
    heap->count++;
    if (!queue_append(heap, &entry))
        heap_push(heap, &entry);
}

TimeHeapEntry time_heap_pop(TimeHeap *heap)
{
    assert(heap->count > 0);
    heap->count--;
    if (heap->queue_count == 0)
        return heap_pop(heap);
    if (heap->heap_count != 0 && comes_before(&heap->entries[0], &heap->queue[heap->queue_first]))
        return heap_pop(heap);
    return queue_pop(heap);
}

void time_heap_deinit(TimeHeap *heap)
{
    memory_free(heap->entries);
    memory_free(heap->queue);
    *heap = (TimeHeap){0};
}
