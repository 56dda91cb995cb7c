/* What the files of the join share.
 *
 *     op_join.c     candidates, and which changes follow in which order
 *     join/side.c   the rows of one side, kept in one of four shapes
 *     join/pairs.c  the condition, for many pairs at once (other joins use it too)
 *     join/scan.c   without a key: rows tested against all of the other side
 *
 * How a side keeps its rows:
 *
 *     key unique   VALUE  key → [associations] | row              one row per key
 *     has unique   MAP    key → unique columns → [associations], payload row
 *     no unique    MAP    key → row → copies, [associations]
 *     appends      MAP    key → number → [associations], payload row
 *                         (packed rows where nothing is counted)
 *
 * Two sides that are both MAPs, without a TTL, stand beside each other: one search finds a key's
 * rows of both.
 *
 * Associations, kept where a side's rows are shown padded (or hidden) without a match, count the
 * rows of the other side that match this one. Copies of one row share them.
 *
 * Invariant: a batch of one side changes that side's rows, but only the association counts of the
 * other: so what the other side holds can be looked up for the whole batch at once. */
#ifndef EXECUTOR_JOIN_INTERNAL_H
#define EXECUTOR_JOIN_INTERNAL_H

#include "core/hash.h"
#include "executor/join/pairs.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

#define JOIN_NO_ROW UINT32_MAX

/* What is asked of a side. */
typedef enum JoinSideUse {
    JOIN_SIDE_PLAIN,
    JOIN_SIDE_COUNTS,  /* the matches of its rows */
    JOIN_SIDE_HAS_ROWS /* join_side_has_rows */
} JoinSideUse;

/* Rows whose state is brought near together: few enough that it is still there when they are
 * applied. */
#define JOIN_WARM_ROWS 256

/* A row of the other side under the key of a row at hand. */
typedef struct JoinCandidate {
    Str row;
    int64_t copies;
    int64_t *associations; /* NULL: this side does not count them */
    void *record;          /* to be touched when associations change */
} JoinCandidate;

typedef struct JoinSide {
    /* Fixed. */
    PlanJoinSideState shape;
    bool counts;           /* keeps associations */
    bool keeps_batches;    /* a batch's rows are kept all at once, before they are applied */
    uint32_t first_column; /* in the output and in pairs */
    uint32_t column_count;
    const uint32_t *keys;
    uint32_t key_count;
    ColumnSet unique;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const RowLayout *unique_layout;
    RowSlotShape slot;    /* its layout is that of the side's rows */
    uint32_t slot_offset; /* key unique: in the record */
    StateTable *table;
    /* Of the batch at hand, when this side is the input: arrays by row. */
    const Vector **columns; /* room for as many as any layout has */
    const Str *encoded;     /* rows */
    const Str *unique_keys;
    void **records;      /* key unique */
    StateGroup **groups; /* else: after the row, once that is applied */
    uint32_t *previous;  /* else: the row before with the same key, or JOIN_NO_ROW */
} JoinSide;

/* A batch's keys. Rows whose key never matches have matches[row] = 0 and no entry in the arrays
 * behind, which are by position. */
typedef struct JoinKeys {
    const Batch *in;
    const Str *keys; /* by row */
    const uint64_t *hashes;
    const uint8_t *matches; /* by row: 0 where a NULL keeps the key from matching */
    Arena *arena;
} JoinKeys;

/* What a side is opened with. */
typedef struct JoinSideSpec {
    const PlanJoinSide *plan;
    uint32_t key_count;
    uint32_t number;  /* of the input */
    const char *name; /* of its table */
    JoinSideUse use;
    const JoinSide *other; /* whose table its own may stand beside; NULL: none */
} JoinSideSpec;

void join_side_open(JoinSide *side, const OperatorContext *context, const JoinSideSpec *spec);

/* Encodes the batch's keys for the side. */
JoinKeys join_side_keys(JoinSide *side, const bool *null_matches, Batch *batch, Arena *arena);

/* As input: looks up the batch's own keys, or keeps its rows; join_side_finish removes what the
 * batch left empty. */
void join_side_prepare(JoinSide *side, const JoinKeys *keys);
void join_side_finish(JoinSide *side, const JoinKeys *keys);
/* Brings what `count` (at most JOIN_WARM_ROWS) rows will touch near, before they are applied. */
void join_side_warm(JoinSide *side, const Batch *in, uint32_t row, uint32_t count);
/* Adds a row. `associations` points at its count (NULL: not kept) until the side changes;
 * `is_additional` tells whether it came beside what was there rather than in its place. */
void join_side_add(JoinSide *side, const JoinKeys *keys, uint32_t row, int64_t **associations,
                   bool *is_additional);
/* Removes a row; false, and nothing done, when it is not there. */
bool join_side_retract(JoinSide *side, const JoinKeys *keys, uint32_t row);

/* With JOIN_SIDE_HAS_ROWS: whether it has a row under the row's key, before or after the row is
 * applied. */
bool join_side_has_rows(JoinSide *side, uint32_t row, bool is_applied);

/* As the other side: what it holds under each key of the batch. */
typedef struct JoinProbe {
    const JoinSide *side;
    void **records;
    StateGroup **groups;
    StateEntry *next_entry; /* where the row at hand goes on */
} JoinProbe;

JoinProbe join_side_probe(const JoinSide *side, const JoinKeys *keys);
/* Both at once: `own` is the input, the other side is looked up; one search where their tables
 * stand beside each other. */
JoinProbe join_sides_meet(JoinSide *own, const JoinSide *other, const JoinKeys *keys);
void join_probe_warm(const JoinProbe *probe, uint32_t row, uint32_t count);
/* The next candidate for the row, the first with `restart`; false: no more. */
bool join_probe_next(JoinProbe *probe, uint32_t row, bool restart, JoinCandidate *out);

/* A join without a key has a condition instead, tested for a block of rows at a time. */
#define JOIN_SCAN_ROWS 64

typedef struct JoinScan JoinScan;

typedef struct JoinScanBlock {
    const Batch *in;
    const JoinSide *own;
    const JoinSide *other;
    uint32_t row;
    uint32_t count; /* at most JOIN_SCAN_ROWS */
} JoinScanBlock;

/* In the arena, but for what join_scan_free gives back. The condition is that of the pairs. */
JoinScan *join_scan_new(Arena *arena, const JoinPairs *pairs);
void join_scan_free(JoinScan *scan);
void join_scan_trim(JoinScan *scan); /* after a batch: gives back what was much */
bool join_scan_block(JoinScan *scan, const JoinScanBlock *block, JoinProbe *probe,
                     Error *error) MUST_CHECK;
/* The next row that matches row `row` of the block, from *at on; NULL: no more. */
const JoinCandidate *join_scan_next(const JoinScan *scan, uint32_t row, size_t *at);

#endif
