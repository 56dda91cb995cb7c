/* What the files of the window join share.
 *
 *     op_window_join.c     rows as they come: late ones, which window's they are
 *     window_join_fire.c   windows that end: pairs, pads, state let go
 *
 * State: MAP, keys (the window's bounds among them) → entries:
 *
 *     ""                       anchor: its place in the window's list | AnchorPayload
 *     side, number             1 | row        rows that only come, numbered as they do
 *     side, row                copies         rows that may be taken back
 *
 * Invariant: the anchor is the first entry of its group, and goes with the last row. */
#ifndef EXECUTOR_WINDOW_JOIN_H
#define EXECUTOR_WINDOW_JOIN_H

#include "core/row.h"
#include "executor/expression.h"
#include "executor/operator.h"
#include "executor/window_slices.h"
#include "executor/window_time.h"

typedef struct WindowJoinSide {
    const Schema *schema;
    const uint32_t *keys;
    const RowLayout *key_layout;
    const RowLayout *row_layout;
    bool keeps_lone; /* a row without a match is shown */
} WindowJoinSide;

typedef struct WindowJoin {
    Operator base;
    /* Fixed. */
    const PlanWindowJoin *plan;
    WindowJoinSide sides[2];
    bool counts; /* rows may be taken back: equal ones are one entry */
    const Schema *pair_schema;
    ExpressionProgram *condition;
    bool *is_read; /* columns of a pair that the condition reads */
    StateTable *table;
    /* Changing. */
    WindowSlices slices; /* of anchors */
    int64_t progress;    /* window_progress of the watermark */
    int64_t next_arrival;
    Arena *scratch; /* of a batch */
    Arena *firing;  /* of some groups of a window that ends */
} WindowJoin;

typedef struct AnchorPayload {
    int64_t arrival; /* orders groups after a restore as before */
    int64_t end;     /* of the window */
    int64_t is_lone; /* its key matches nothing */
} AnchorPayload;

enum { WINDOW_TICK_US = 1000 };

static inline AnchorPayload window_join_anchor(const StateEntry *anchor)
{
    AnchorPayload payload;
    memcpy(&payload, state_entry_payload(anchor).data, sizeof(payload));
    return payload;
}

static inline bool window_join_is_closed(const WindowJoin *join, int64_t end)
{
    return end - WINDOW_TICK_US <= join->progress;
}

/* Gives the windows that the watermark has passed, in the order of their ends, and forgets them. */
bool window_join_fire(WindowJoin *join, Emitter *emitter, Error *error) MUST_CHECK;

#endif
