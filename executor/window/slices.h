/* Slices that wait for their window: which records each holds, and which window ends first.
 *
 * A slice is a piece of time; windows that overlap share slices. It lists its records, one per key,
 * in the order they came, and stands in a heap by the end of the next window it belongs to.
 *
 * Derived from state: rebuilt after a restore. Invariant: a record knows its position in its
 * slice's list, so that it can be taken out without a search; a slice without records is freed.
 * Cost: an append a record, a heap step a slice. */
#ifndef EXECUTOR_WINDOW_SLICES_H
#define EXECUTOR_WINDOW_SLICES_H

#include "core/base.h"

typedef struct WindowSlice {
    int64_t end;
    int64_t next;   /* end of the next window with this slice */
    void **records; /* NULL where one has gone */
    uint32_t count;
    uint32_t capacity;
    uint32_t gone;
    uint32_t waits_at; /* in the heap, or WINDOW_SLICE_IDLE */
} WindowSlice;

#define WINDOW_SLICE_IDLE UINT32_MAX

typedef struct WindowSlices {
    WindowSlice **heap;
    uint32_t heap_count;
    uint32_t heap_capacity;
    WindowSlice **table; /* open addressing by end */
    uint32_t table_mask; /* 0: no table yet */
    uint32_t count;
} WindowSlices;

void window_slices_deinit(WindowSlices *slices);
WindowSlice *window_slices_find(const WindowSlices *slices, int64_t end);
/* Made when missing, idle. */
WindowSlice *window_slices_get(WindowSlices *slices, int64_t end);
void window_slices_free(WindowSlices *slices, WindowSlice *slice);

/* Makes an idle slice wait for the window that ends at `next`. */
void window_slices_wait(WindowSlices *slices, WindowSlice *slice, int64_t next);
/* The slice whose window ends first; NULL: none waits. */
static inline WindowSlice *window_slices_first(const WindowSlices *slices)
{
    return slices->heap_count == 0 ? NULL : slices->heap[0];
}
/* Takes the first out of the heap. */
WindowSlice *window_slices_pop(WindowSlices *slices);

/* Returns the position. */
uint32_t window_slice_add(WindowSlice *slice, void *record);
/* Takes a record out of the list; true when that was the last. */
static inline bool window_slice_drop(WindowSlice *slice, uint32_t position)
{
    slice->records[position] = NULL;
    return ++slice->gone == slice->count;
}

#endif
