/* Slices that wait for their window. */
#include "executor/window/slices.h"

#include "core/arena.h"

/* ---------------------------------------------------------------- by their end */

static uint32_t home(const WindowSlices *slices, int64_t end)
{
    uint64_t mixed = (uint64_t)end * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & slices->table_mask;
}

WindowSlice *window_slices_find(const WindowSlices *slices, int64_t end)
{
    if (slices->table == NULL)
        return NULL;
    uint32_t at = home(slices, end);
    while (slices->table[at] != NULL && slices->table[at]->end != end)
        at = (at + 1) & slices->table_mask;
    return slices->table[at];
}

static void put(WindowSlices *slices, WindowSlice *slice)
{
    uint32_t at = home(slices, slice->end);
    while (slices->table[at] != NULL)
        at = (at + 1) & slices->table_mask;
    slices->table[at] = slice;
}

static void reserve(WindowSlices *slices)
{
    uint32_t size = slices->table == NULL ? 0 : slices->table_mask + 1;
    if (slices->count * 2 < size)
        return;
    WindowSlice **old = slices->table;
    uint32_t larger = size == 0 ? 64 : size * 2;
    slices->table = memory_zalloc(sizeof(WindowSlice *) * larger);
    slices->table_mask = larger - 1;
    for (uint32_t i = 0; i < size; i++)
        if (old[i] != NULL)
            put(slices, old[i]);
    memory_free(old);
}

WindowSlice *window_slices_get(WindowSlices *slices, int64_t end)
{
    WindowSlice *slice = window_slices_find(slices, end);
    if (slice != NULL)
        return slice;
    reserve(slices);
    slice = memory_zalloc(sizeof(*slice));
    slice->end = end;
    slice->waits_at = WINDOW_SLICE_IDLE;
    put(slices, slice);
    slices->count++;
    return slice;
}

/* Closes the gap that a slice leaves in the run behind it. */
static void take_out(WindowSlices *slices, const WindowSlice *slice)
{
    uint32_t mask = slices->table_mask;
    uint32_t gap = home(slices, slice->end);
    while (slices->table[gap] != slice)
        gap = (gap + 1) & mask;
    for (uint32_t at = (gap + 1) & mask; slices->table[at] != NULL; at = (at + 1) & mask) {
        uint32_t wanted = home(slices, slices->table[at]->end);
        if (((at - wanted) & mask) < ((at - gap) & mask))
            continue;
        slices->table[gap] = slices->table[at];
        gap = at;
    }
    slices->table[gap] = NULL;
}

/* ---------------------------------------------------------------- by their window */

static bool comes_before(const WindowSlice *a, const WindowSlice *b)
{
    return a->next != b->next ? a->next < b->next : a->end < b->end;
}

static void place(WindowSlices *slices, uint32_t at, WindowSlice *slice)
{
    slices->heap[at] = slice;
    slice->waits_at = at;
}

static void rise(WindowSlices *slices, uint32_t at, WindowSlice *slice)
{
    while (at > 0 && comes_before(slice, slices->heap[(at - 1) / 2])) {
        place(slices, at, slices->heap[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    place(slices, at, slice);
}

static void sink(WindowSlices *slices, uint32_t at, WindowSlice *slice)
{
    for (;;) {
        uint32_t child = at * 2 + 1;
        if (child >= slices->heap_count)
            break;
        if (child + 1 < slices->heap_count &&
            comes_before(slices->heap[child + 1], slices->heap[child]))
            child++;
        if (!comes_before(slices->heap[child], slice))
            break;
        place(slices, at, slices->heap[child]);
        at = child;
    }
    place(slices, at, slice);
}

static void stop_waiting(WindowSlices *slices, WindowSlice *slice)
{
    uint32_t at = slice->waits_at;
    WindowSlice *last = slices->heap[--slices->heap_count];
    slice->waits_at = WINDOW_SLICE_IDLE;
    if (last == slice)
        return;
    if (at > 0 && comes_before(last, slices->heap[(at - 1) / 2]))
        rise(slices, at, last);
    else
        sink(slices, at, last);
}

void window_slices_wait(WindowSlices *slices, WindowSlice *slice, int64_t next)
{
    assert(slice->waits_at == WINDOW_SLICE_IDLE);
    if (slices->heap_count == slices->heap_capacity) {
        slices->heap_capacity = slices->heap_capacity == 0 ? 64 : slices->heap_capacity * 2;
        slices->heap = memory_realloc(slices->heap, sizeof(WindowSlice *) * slices->heap_capacity);
    }
    slice->next = next;
    rise(slices, slices->heap_count++, slice);
}

WindowSlice *window_slices_pop(WindowSlices *slices)
{
    WindowSlice *slice = slices->heap[0];
    stop_waiting(slices, slice);
    return slice;
}

/* -------------------------------------------------------------------- records */

uint32_t window_slice_add(WindowSlice *slice, void *record)
{
    if (slice->count == slice->capacity) {
        slice->capacity = slice->capacity == 0 ? 4 : slice->capacity * 2;
        slice->records = memory_realloc(slice->records, sizeof(void *) * slice->capacity);
    }
    slice->records[slice->count] = record;
    return slice->count++;
}

static void free_slice(WindowSlice *slice)
{
    memory_free(slice->records);
    memory_free(slice);
}

void window_slices_free(WindowSlices *slices, WindowSlice *slice)
{
    if (slice->waits_at != WINDOW_SLICE_IDLE)
        stop_waiting(slices, slice);
    take_out(slices, slice);
    slices->count--;
    free_slice(slice);
}

void window_slices_deinit(WindowSlices *slices)
{
    uint32_t size = slices->table == NULL ? 0 : slices->table_mask + 1;
    for (uint32_t i = 0; i < size; i++)
        if (slices->table[i] != NULL)
            free_slice(slices->table[i]);
    memory_free(slices->table);
    memory_free(slices->heap);
    *slices = (WindowSlices){0};
}
