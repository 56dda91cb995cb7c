/* Windows on the clock: which end a time belongs to, and when the watermark has passed it.
 *
 * Times are microseconds of the clock that the windows lie on: of TIMESTAMP as it stands, of
 * TIMESTAMP_LTZ the zone's clock, where a local time comes twice when clocks go back, and some
 * never when they go forward. A window that ends in the repeated hour closes the second time
 * round, one that ends in the missing hour when the clock jumps.
 *
 * Cost: a division a row that leaves the slice of the row before; one search of the zone's rules
 * per watermark. */
#ifndef EXECUTOR_WINDOW_TIME_H
#define EXECUTOR_WINDOW_TIME_H

#include "planner/plan.h"

/* Up to which local time the watermark has come: a window is closed when its last tick is not
 * after that. `zone` may be NULL. */
int64_t window_progress(const TimeZone *zone, int64_t watermark_us);

/* What windows of a kind are cut into: pieces none of which lies in a window by part only. */
typedef struct WindowShape {
    PlanWindowKind kind;
    int64_t size_us;
    int64_t slide_us;
    int64_t offset_us;
    int64_t slice_us; /* 0: each row is its own piece (SESSION, ATTACHED) */
} WindowShape;

WindowShape window_shape(const PlanWindow *window);
/* Of the slice that ends at `end`: the first and last end of windows that hold it. False when none
 * does (hops wider than the window). */
bool window_ends(const WindowShape *shape, int64_t end, int64_t *first, int64_t *last);
/* The end of the window after that. */
int64_t window_next(const WindowShape *shape, int64_t end);
/* Where the window that ends at `end` starts. */
int64_t window_start(const WindowShape *shape, int64_t end);

/* Times of rows on the windows' clock; those of NULLs mean nothing. */
void window_read_clock(const PlanWindow *window, const Vector *column, uint32_t count,
                       int64_t *out);

/* The end of the slice a time lies in. */
static inline int64_t window_slice_end(const WindowShape *shape, int64_t time_us)
{
    int64_t past = (time_us - shape->offset_us) % shape->slice_us;
    return time_us - past + (past < 0 ? 0 : shape->slice_us);
}

/* The same of many times, of which neighbours mostly lie in one slice. */
void window_slice_ends(const WindowShape *shape, const int64_t *times, uint32_t count,
                       int64_t *ends);

#endif
