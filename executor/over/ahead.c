/* Memory reads for rows that come in between others, or go.
 *
 * The rows of a partition lie far apart, as they came, so that a change waits for memory once for
 * each row that it looks at. Rows of different partitions do not wait for each other: so what some
 * of them will look at is read together, before the first of them is applied. Nothing but time
 * depends on it. Cost: a search by the first bytes of the sort key, and two lines a row around. */
#include "executor/over/over.h"

/* Rows that are read ahead together, and rows to a side of each: both at most; they shall stay in
 * the cache nearest until they are looked at. */
#define ROWS 8
#define SIDE 16
/* Whoever goes along the partition is read ahead for on the way (state_cursor_next). */
#define ALONG 8

typedef struct Sides {
    uint32_t before, behind;
} Sides;

/* Rows that are likely to be looked at when one of them comes or goes. */
static Sides sides_of(const PlanOverCall *plan)
{
    const PlanFrame *frame = &plan->frame;
    if (plan->kind == WINDOW_LAG || plan->kind == WINDOW_LEAD) {
        uint32_t rows = over_clip(plan->number, SIDE);
        return (Sides){rows, rows};
    }
    bool has_frame = plan->kind > WINDOW_LEAD;
    if (has_frame && plan->fold == PLAN_FOLD_BACKWARD)
        return (Sides){ALONG, 1};
    if (!has_frame || !frame->by_rows || plan->fold == PLAN_FOLD_FORWARD)
        return (Sides){1, ALONG};
    int64_t start = over_row_offset(&frame->start), end = over_row_offset(&frame->end);
    int64_t back = (start < 0 ? -start : 0) + (end > 0 ? end : 0);
    return (Sides){over_clip(back + 1, SIDE), over_clip(back, SIDE)};
}

void over_ahead_open(Over *over)
{
    over->ahead_before = over->ahead_behind = 1;
    for (uint32_t i = 0; i < over->call_count && !over->plan->final_only; i++) {
        Sides sides = sides_of(over->calls[i].plan);
        if (sides.before > over->ahead_before)
            over->ahead_before = sides.before;
        if (sides.behind > over->ahead_behind)
            over->ahead_behind = sides.behind;
    }
}

void over_look_ahead(const Over *over, OverBatch *work, uint32_t row, uint32_t end)
{
    if (row < work->ahead)
        return;
    uint32_t count = end - row < ROWS ? end - row : ROWS;
    for (uint32_t i = row; i < row + count; i++)
        over_write_arrival(work->sort_keys[i], UINT64_MAX);
    state_trees_prefetch_around(work->trees + row, work->sort_keys + row, count, over->ahead_before,
                                over->ahead_behind);
    work->ahead = row + count;
}
