/* What several slices hold together, by key (see window/merge.c). */
#ifndef EXECUTOR_WINDOW_MERGE_H
#define EXECUTOR_WINDOW_MERGE_H

#include "executor/window/internal.h"

/* Texts of merged states: in memory of the merge. */
typedef struct MergeMemory {
    AggregateMemory base;
    WindowMerge *merge;
} MergeMemory;

void window_merge_open(WindowAggregate *window);
void window_merge_free(WindowMerge *merge);
/* Puts the slices of the window start .. end together. */
bool window_merge_slices(WindowAggregate *window, int64_t start, int64_t end,
                         WindowSlice *const *slices, uint32_t count, Error *error) MUST_CHECK;
/* The window has been given: memory that nothing is waiting for goes back. */
void window_merge_done(WindowAggregate *window);
/* Rows have come, or gone, in these slices. */
void window_merge_note(WindowAggregate *window, const int64_t *ends, uint32_t count);
/* The record of an entry, and its encoded keys. */
void *window_merge_record(const WindowMerge *merge, uint32_t index);
Str window_merge_key(const WindowAggregate *window, uint32_t index);

#endif
