/* A binary heap of records by time. */
#include "executor/time_heap.h"

#include "core/arena.h"

static bool comes_before(const TimeHeapEntry *a, const TimeHeapEntry *b)
{
    return a->time_us < b->time_us || (a->time_us == b->time_us && a->order < b->order);
}

void time_heap_push(TimeHeap *heap, TimeHeapEntry entry)
{
    if (heap->count == heap->capacity) {
        heap->capacity = heap->capacity == 0 ? 64 : heap->capacity * 2;
        heap->entries = memory_realloc(heap->entries, sizeof(entry) * heap->capacity);
    }
    uint32_t at = heap->count++;
    while (at > 0 && comes_before(&entry, &heap->entries[(at - 1) / 2])) {
        heap->entries[at] = heap->entries[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    heap->entries[at] = entry;
}

/* Gives memory back once three quarters of it are empty. */
static void shrink(TimeHeap *heap)
{
    if (heap->capacity <= 1024 || heap->count > heap->capacity / 4)
        return;
    heap->capacity /= 2;
    heap->entries = memory_realloc(heap->entries, sizeof(TimeHeapEntry) * heap->capacity);
}

TimeHeapEntry time_heap_pop(TimeHeap *heap)
{
    assert(heap->count > 0);
    TimeHeapEntry first = heap->entries[0];
    TimeHeapEntry moved = heap->entries[--heap->count];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= heap->count)
            break;
        if (child + 1 < heap->count &&
            comes_before(&heap->entries[child + 1], &heap->entries[child]))
            child++;
        if (!comes_before(&heap->entries[child], &moved))
            break;
        heap->entries[at] = heap->entries[child];
        at = child;
    }
    if (heap->count > 0)
        heap->entries[at] = moved;
    shrink(heap);
    return first;
}

void time_heap_deinit(TimeHeap *heap)
{
    memory_free(heap->entries);
    *heap = (TimeHeap){0};
}
