/* What the files of the over operator share.
 *
 *   op_over.c      the operator: rows in, changed rows out
 *   over/order.h   the sort keys of rows, and distances between positions
 *   over/frame.c   positions: equal rows, ends of frames, which rows a change can reach
 *   over/fold.c    aggregates of frames, kept beside each row
 *   over/value.c   the value of a call for a row
 *   over/choice.c  MIN and MAX of frames with two ends; passing over rows
 *   over/distinct.c  which values of DISTINCT calls were there before
 *   over/append.c  rows that come behind all others, many at once
 *   over/shift.c   rows whose frames a change moves by one row, many at once
 *   over/ahead.c   memory reads for rows that come in between
 *
 * A partition is a tree of rows in order; a position counts from 0. The record of a row holds the
 * results it was given last, so that what is taken back is what was shown, and the folds that the
 * results of its neighbours are made from:
 *
 *     u64 bit c: result c is NULL | results, 8 or 16 bytes each | folds
 *
 * Texts and nested results lie outside of it.
 */
#ifndef EXECUTOR_OVER_OVER_H
#define EXECUTOR_OVER_OVER_H

#include "core/row.h"
#include "core/sort_key.h"
#include "executor/over/distinct.h"
#include "executor/over/order.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/row_ties.h"

/* MIN and MAX of frames with two ends: the row that has it. Values that pass over rows: the first
 * row of some that counts, or the last. */
typedef enum OverChoiceKind {
    OVER_CHOICE_NONE,
    OVER_CHOICE_LEAST,
    OVER_CHOICE_GREATEST,
    OVER_CHOICE_FIRST,
    OVER_CHOICE_LAST
} OverChoiceKind;

typedef struct OverChoice {
    OverChoiceKind kind;
    uint32_t number; /* among the table's choices */
    /* While one change is applied: what was chosen of a frame, for the next one. */
    bool is_known;
    void *record; /* NULL: none */
    uint32_t position;
    uint32_t first, end;
    Vector kept; /* a value to compare with */
} OverChoice;

typedef struct OverCall {
    const PlanOverCall *plan;
    uint32_t number; /* its bit and its column */
    uint32_t result_offset;
    uint32_t result_bytes;
    bool result_is_text;
    /* A nested result is a text too: one encoded column; else NULL. */
    const RowLayout *nested;
    uint32_t fold_offset;
    /* One row of the arguments and the filter, to decode into; NULL for columns not wanted. */
    Vector **decode;
    const Vector **args;
    const Vector *filter;
    Vector value; /* the result at hand, in row 0 */
    /* Of rows that come at the end (over/append.c): how far behind the row stands the one that is
     * looked at too; whether it is OverAppend's to make. */
    uint32_t distance;
    Vector results; /* of a run */
    OverChoice choice;
    /* DISTINCT: what it has met in the frame, or that Over.values knows it; else neither. */
    OverDistinct *seen;
    bool by_values;
} OverCall;

/* A fold outside of state: its long texts lie in buffers that are used again. */
typedef struct OverScratch {
    AggregateMemory memory;
    uint8_t *bytes;
    const OverCall *call;
    Buffer *texts;
} OverScratch;

/* The same memory slot for folds in state. */
typedef struct OverMemory {
    AggregateMemory memory;
    StateTable *rows;
} OverMemory;

/* Rows at most that are appended at once. */
#define OVER_RUN 128

/* A place of a hash per partition in a run: at most one row of it is in there. */
#define OVER_SEEN 4096

typedef struct Over {
    Operator base;
    /* Fixed. */
    const PlanOver *plan;
    uint32_t own; /* columns of the input */
    const RowLayout *layout;
    const RowLayout *partition_layout;
    const KeyHash *key_hash;
    const Vector **columns;
    const Vector **partition_columns;
    StateTable *rows;
    StateTable *partitions; /* final_only: those there are */
    OverValues *values;     /* of DISTINCT calls over frames that start with the partition */
    OverCall *calls;
    uint32_t call_count;
    OverMemory memory;
    RowTies *ties;
    bool wants_peers;
    bool appends;             /* every call can be made for rows at the end, many at once */
    bool appends_ties;        /* rows equal to the last one too */
    uint32_t append_distance; /* the longest that a call looks back at one row */
    bool shifts;              /* every call slides over rows to both sides of the current one */
    /* Rows around a changed one that are read ahead. */
    uint32_t ahead_before, ahead_behind;
    /* Changing. */
    uint64_t run;
    uint64_t *seen; /* number of the run that last had such a hash */
    Buffer sort_keys;
    OverScratch scratch_fold;
    Vector order_value; /* one value of the ordered column */
    Buffer key;
    Buffer bound;
    Buffer nested; /* an encoded result */
    RowOutput output;
    Arena *scratch; /* for a batch */
    Arena *made;    /* for a row: its results in OverCall.value, what folding needs */
} Over;

/* A batch while it is applied. */
typedef struct OverBatch {
    Batch *in;
    Str *rows;
    Str *sort_keys; /* order columns, and room for the arrival, which counts in the length */
    Str *keys;      /* of partitions */
    uint64_t *hashes;
    StateTree **trees;
    uint32_t first, end; /* rows whose trees are known; NULL where there was none, or it went */
    uint32_t ahead;      /* rows before it were read ahead, or need not be */
} OverBatch;

/* A partition while one change is applied. */
typedef struct OverSite {
    Over *over;
    StateTree *tree;
    uint32_t rows;     /* in the tree */
    uint32_t position; /* of the changed row, or of the one behind it when it went */
    bool is_there;     /* the changed row is in the tree */
    bool is_end;       /* of a bounded run: no row has its folds yet */
    Str order_key;     /* of the changed row, without its arrival */
    Str row;           /* the changed row */
    Str partition;     /* its key */
} OverSite;

/* The row whose value is wanted, and what is known from the row before. */
typedef struct OverRow {
    uint32_t position;
    void *record;
    void *previous;                  /* record of the row before; NULL: first */
    uint32_t peers_start, peers_end; /* of its equals, itself included; where calls want them */
} OverRow;

/* Rows of a partition whose value a change may have changed: first <= position < end. */
typedef struct OverReach {
    uint32_t first;
    uint32_t end;
} OverReach;

static inline Str over_order_key(const Over *over, const void *record)
{
    Str key = state_tree_sort_key(over->rows, record);
    key.length -= OVER_ARRIVAL_BYTES;
    return key;
}

static inline bool over_are_peers(const Over *over, const void *a, const void *b)
{
    return over_keys_equal(over_order_key(over, a), over_order_key(over, b));
}

/* --------------------------------------------------------------- over/frame.c */

/* First position whose row is equal to or behind the key; the first behind all equal rows. */
uint32_t over_seek_first(const OverSite *site, Str order_key);
uint32_t over_seek_end(const OverSite *site, Str order_key);
/* Whether the call looks at equal rows. */
bool over_wants_peers(const PlanOverCall *plan);
/* Fills the peers of a row where calls want them; `known` is the row before with its peers, or
 * NULL; `cursor` stands at the row, or is NULL. */
void over_find_peers(const OverSite *site, OverRow *row, const OverRow *known,
                     const StateCursor *cursor);
/* Start and end of the frame of a row; start <= end. */
OverReach over_frame(const OverSite *site, const PlanFrame *frame, const OverRow *row);
/* RANGE: the first position of a bound along the key, and the first behind it. */
uint32_t over_range_first(const OverSite *site, const PlanFrameBound *bound, Str order_key);
uint32_t over_range_end(const OverSite *site, const PlanFrameBound *bound, Str order_key);
/* Rows that look at the changed row, or over it at others. */
OverReach over_frame_reach(const OverSite *site, const PlanFrame *frame);

/* ---------------------------------------------------------------- over/fold.c */

void over_scratch_open(Over *over);
void over_scratch_close(Over *over);
/* to = from; the texts through the memory of `to`. */
void over_fold_copy(const OverCall *call, AggregateMemory *memory, uint8_t *to,
                    const uint8_t *from);
/* Brings the folds of a forward or backward call up to date after the change; `*last` is the
 * outermost row whose fold changed, or the position before (behind) the changed row when none did.
 */
bool over_fold_along(OverSite *site, const OverCall *call, int64_t *last, Error *error) MUST_CHECK;
/* Makes the fold of a sliding call for the row from that of the row before. */
bool over_fold_slide(OverSite *site, const OverCall *call, const OverRow *row,
                     Error *error) MUST_CHECK;
/* The result of the row's frame, to call->value. */
bool over_fold_value(OverSite *site, OverCall *call, const OverRow *row, Error *error) MUST_CHECK;
/* A row has come, or is about to go: its values are entered where DISTINCT calls know them. */
void over_enter_values(Over *over, const void *record);
void over_leave_values(Over *over, const void *record);
/* Decodes the call's arguments from a row; whether its filter lets the row count. */
bool over_decode_row(const Over *over, const OverCall *call, Str row);
bool over_decode(const Over *over, const OverCall *call, const void *record);
/* The arguments of many rows, and which of them its filter lets count, if it has one. */
const Vector **over_decode_many(const Over *over, const OverCall *call, const Str *rows,
                                uint32_t count, Arena *arena, uint8_t *active);

/* --------------------------------------------------------------- over/value.c */

/* The rows whose value of the call may have changed; `last` as above. */
OverReach over_reach(const OverSite *site, const OverCall *call, int64_t last);
/* NTILE: the first row from a position on that may have come into another group by the change: only
 * rows where a group begins or ends do. */
uint32_t over_tile_edge(const OverSite *site, const OverCall *call, uint32_t position);
/* The call's value for the row, to call->value; sliding folds are up to date. */
bool over_value(OverSite *site, OverCall *call, const OverRow *row, Error *error) MUST_CHECK;
/* Results in a record. */
bool over_result_differs(Over *over, const OverCall *call, const void *record);
void over_result_store(Over *over, const OverCall *call, void *record);
/* What is kept of a result that is a text; valid until the next one. */
Str over_result_text(Over *over, const OverCall *call, const Vector *results, uint32_t row);
void over_result_read(const OverCall *call, const void *record, Vector *to, uint32_t row,
                      Arena *arena);

/* The tree of a row's partition, which another row of the batch may have made or taken away. */
StateTree *over_tree_of(Over *over, const OverBatch *work, uint32_t row);

/* -------------------------------------------------------------- over/choice.c */

/* Tells the table of rows what is chosen among them. */
void over_choices_open(Over *over);
/* A change begins: what was chosen before counts no more. */
void over_choices_start(Over *over);
/* The row of the frame that has its least or greatest value; NULL: none has one. */
void *over_choose(const OverSite *site, OverCall *call, OverReach frame);
/* The first or last of the rows that counts; NULL: none does. */
void *over_choose_outer(const OverSite *site, const OverCall *call, OverReach rows);

/* -------------------------------------------------------------- over/append.c */

/* Finds out whether rows can be appended. */
void over_append_open(Over *over);
/* Takes rows from `first` on that come at the end of different partitions, all before `end`, and
 * gives them with their results; how many. */
bool over_append_rows(Over *over, OverBatch *work, uint32_t first, uint32_t end, uint32_t *taken,
                      Error *error) MUST_CHECK;

/* --------------------------------------------------------------- over/shift.c */

/* Finds out whether all frames are moved by one row by a change. */
void over_shift_open(Over *over);
/* A row has come: brings the folds of those before it up to date. */
bool over_shift_before(OverSite *site, const OverReach *reaches, Error *error) MUST_CHECK;
/* The folds of all others; gives the rows whose results the change changed. */
bool over_shift_others(OverSite *site, const OverReach *reaches, Error *error) MUST_CHECK;

/* --------------------------------------------------------------- over/ahead.c */

/* Finds out how far around a row calls look. */
void over_ahead_open(Over *over);
/* Starts the memory reads of a row that is applied alone, and of some that follow before `end`. */
void over_look_ahead(const Over *over, OverBatch *work, uint32_t row, uint32_t end);

#endif
