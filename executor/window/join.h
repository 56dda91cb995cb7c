/* What the files of the window join share.
 *
 *     op_window_join.c     rows as they come: late ones, which window's they are
 *     window/join_fire.c   windows that end: pairs, pads, state let go
 *
 * State: MAP, keys (the window's bounds among them) → entries. Rows that only come:
 *
 *     side, number             row; numbered as they come
 *
 * rows that may be taken back:
 *
 *     ""                       WindowJoinRecord: the group's place in the window's list, its
 * arrival side, row                WindowJoinRecord: copies
 *
 * Invariant: the first entry of a group stays while the group does; the window lists it. */
#ifndef EXECUTOR_WINDOW_JOIN_H
#define EXECUTOR_WINDOW_JOIN_H

#include "core/row.h"
#include "executor/expression/expression.h"
#include "executor/key_hash.h"
#include "executor/operator.h"
#include "executor/window/slices.h"
#include "executor/window/time.h"

typedef struct WindowJoinSide {
    const Schema *schema;
    const uint32_t *keys;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
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
    WindowSlices slices;   /* of anchors */
    int64_t progress;      /* window_progress of the watermark */
    uint64_t next_arrival; /* of a row or, where they may be taken back, of a group */
    Arena *scratch;        /* of a batch */
    Arena *firing;         /* of some groups of a window that ends */
} WindowJoin;

/* The record of an entry, where rows may be taken back. */
typedef struct WindowJoinRecord {
    uint64_t count;   /* of a row: copies; of the first entry: place in the list */
    uint64_t arrival; /* of the first entry: orders groups after a restore as before */
} WindowJoinRecord;

enum { WINDOW_TICK_US = 1000 };

static inline WindowJoinRecord *window_join_record(const StateEntry *entry)
{
    return state_entry_record(entry);
}

/* The encoded row of an entry. */
static inline Str window_join_row(const WindowJoin *join, const StateEntry *entry)
{
    Str subkey = state_entry_subkey(join->table, entry);
    return join->counts ? (Str){subkey.data + 1, subkey.length - 1}
                        : state_entry_payload(join->table, entry);
}

static inline uint32_t window_join_side(const WindowJoin *join, const StateEntry *entry)
{
    return (uint8_t)state_entry_subkey(join->table, entry).data[0];
}

/* The first entry of the group that has a row. */
static inline const StateEntry *window_join_first(const WindowJoin *join, const StateEntry *anchor)
{
    return join->counts ? state_map_next(join->table, anchor) : anchor;
}

static inline uint64_t window_join_copies(const WindowJoin *join, const StateEntry *entry)
{
    return join->counts ? window_join_record(entry)->count : 1;
}

static inline bool window_join_is_closed(const WindowJoin *join, int64_t end)
{
    return end - WINDOW_TICK_US <= join->progress;
}

/* Gives the windows that the watermark has passed, in the order of their ends, and forgets them. */
bool window_join_fire(WindowJoin *join, Emitter *emitter, Error *error) MUST_CHECK;

#endif
