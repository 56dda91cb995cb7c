/* What the files of the aggregate share.
 *
 *     op_aggregate.c         groups, rows of a batch, the aggregates' updates
 *     aggregate/emit.c       which changes follow, in which order; output batches
 *     aggregate/distinct.c   DISTINCT: counts per value, masks of rows that count
 *     aggregate/bundle.c     mini-batch: each group that changed told once a bundle
 *     aggregate/merge.c      the second of two phases
 *     aggregate/local.c      groups inside one batch, for the first of two phases
 *     aggregate/groups.c     groups found, numbered, counted and given back
 *     aggregate/ordered.c    MIN and MAX over input that retracts: values in order
 *     aggregate/collected.c  ARRAY_AGG and its like: values as they came
 *
 * A group's record in the state table:
 *
 *     [rows, when the input retracts] [number, for DISTINCT over inserts]
 *     [order of arrival, for results at the end] [state of call 0] …
 *
 * Invariant: between batches (with mini-batch: between bundles) a group with a record has at least
 * one row. Within one a group may go and come back: its record stays, with a count of 0, until the
 * batch is done. */
#ifndef EXECUTOR_AGGREGATE_INTERNAL_H
#define EXECUTOR_AGGREGATE_INTERNAL_H

#include "core/hash.h"
#include "core/row.h"
#include "executor/key_hash.h"
#include "executor/operator.h"

typedef struct DistinctSet DistinctSet;
typedef struct OrderedValues OrderedValues;
typedef struct CollectedValues CollectedValues;
typedef struct AggregateBundle AggregateBundle;

/* One aggregate of the plan. */
typedef struct AggregateCall {
    const PlanAggregateCall *plan;
    uint32_t offset;            /* of its state in the group's record */
    DistinctSet *distinct;      /* NULL: counts every row */
    uint32_t distinct_slot;     /* which of the set's counters, by filter */
    OrderedValues *ordered;     /* NULL: kept in place */
    CollectedValues *collected; /* NULL likewise */
} AggregateCall;

/* AggregateMemory of the groups' table. */
typedef struct GroupMemory {
    AggregateMemory base;
    StateTable *table;
} GroupMemory;

#define AGGREGATE_NO_ROW UINT32_MAX

/* One batch on its way through: arrays by row. */
typedef struct AggregateBatch {
    Batch *in;
    uint32_t count;
    Str *keys;
    uint64_t *hashes;
    void **records;
    uint8_t *created; /* the row made its group */
    /* When the input retracts; else NULL. */
    int64_t *group_rows; /* rows of the group after this row */
    uint8_t *lived;      /* of merged rows: the group was there before; else NULL */
    uint8_t *counted;    /* 0: retraction for a group that is not there, to be ignored */
    bool any_ignored;
    uint32_t *previous; /* the row before of the same group, or AGGREGATE_NO_ROW; for `ordered` */
    /* The changes: by call, values before and after each row. */
    Vector *before;
    Vector *after;
    const uint8_t **active; /* by input column, what aggregate_active_rows has found */
    Arena *arena;           /* temporary */
    Batch *holder; /* owner of long strings in before and after; NULL: no call gives strings */
} AggregateBatch;

static inline Arena *aggregate_value_arena(const AggregateBatch *work)
{
    return work->holder != NULL ? work->holder->arena : work->arena;
}

static inline uint8_t aggregate_kind(const AggregateBatch *work, uint32_t row)
{
    return batch_kind(work->in, row);
}

static inline bool aggregate_is_counted(const AggregateBatch *work, uint32_t row)
{
    return work->counted == NULL || work->counted[row] != 0;
}

typedef struct Aggregate {
    Operator base;
    /* Fixed. */
    const PlanAggregate *plan;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const Vector **key_columns; /* by key, of the batch at hand */
    AggregateCall *calls;
    DistinctSet **distinct_sets;
    uint32_t distinct_count;
    uint32_t header_bytes;
    uint32_t record_bytes;
    bool numbers_groups; /* for DISTINCT over inserts */
    StateTable *groups;
    GroupMemory memory;
    bool has_ordered;        /* or collected */
    bool gives_strings;      /* a call's result may need memory */
    bool counts_rows;        /* rows only come, and a call counts them: each changes the result */
    AggregateBundle *bundle; /* NULL: what a batch changes is told at once */
    bool by_window;          /* groups go as a whole, though the input need not retract */
    /* Changing. */
    Arena *scratch; /* reset by each batch */
    int64_t next_arrival;
    uint64_t last_number; /* of a group */
} Aggregate;

/* ---------------------------------------------------------- aggregate/groups.c */

/* Encodes the keys and finds the groups' records, new ones numbered. */
void aggregate_find_groups(Aggregate *aggregate, AggregateBatch *work);
/* The hidden count of rows per group, after each row. */
void aggregate_count_rows(const Aggregate *aggregate, AggregateBatch *work);
/* Gives back the groups that have no row left. */
void aggregate_remove_empty(Aggregate *aggregate, const AggregateBatch *work);
/* A group that has a row even without input; it comes last if nothing made it before. */
void aggregate_make_group(Aggregate *aggregate, Str key);
/* After a restore: where the numbers go on. */
void aggregate_see_groups(Aggregate *aggregate);

/* ----------------------------------------------------------- aggregate/merge.c */

/* As aggregate_count_rows and aggregate_update, of rows that a local phase has made. */
void aggregate_count_merged(const Aggregate *aggregate, AggregateBatch *work);
bool aggregate_merge(Aggregate *aggregate, AggregateBatch *work, Error *error) MUST_CHECK;

/* What such a row says of its group's calls, to be read while it lasts: the states at the offsets
 * at which they lie behind a header. Appends to the buffer, reads into `states`. */
void aggregate_states_encode(const PlanAggregate *plan, const uint8_t *states, Buffer *out);
void aggregate_states_decode(const PlanAggregate *plan, Str encoded, uint8_t *states);
/* Bytes of the states of all calls. */
uint32_t aggregate_states_bytes(const PlanAggregate *plan);

/* -------------------------------------------------------------- op_aggregate.c
 *
 * What the aggregate over windows (window/internal.h) has in common with it. */

/* Lays records out behind a header of `header_bytes` and declares the tables; the header begins
 * with the count of rows when the input retracts. */
void aggregate_setup(Aggregate *aggregate, const OperatorContext *context,
                     const PlanAggregate *plan, uint32_t header_bytes, bool by_window);
void aggregate_teardown(Aggregate *aggregate);
/* Runs every call over the batch, whose groups are found and counted. */
bool aggregate_update(Aggregate *aggregate, AggregateBatch *work, Error *error) MUST_CHECK;

/* ------------------------------------------------------------- aggregate/emit.c */

/* First and last counted row of each group, by order of first appearance. */
typedef struct GroupSpans {
    uint32_t count;
    uint32_t *first;
    uint32_t *last;
} GroupSpans;

/* `previous` (may be NULL) gets for each row the row before of the same group. */
GroupSpans aggregate_find_spans(const AggregateBatch *work, uint32_t *previous);

/* Passes on what the batch changed. */
bool aggregate_emit_changes(Aggregate *aggregate, AggregateBatch *work, Emitter *emitter,
                            Error *error) MUST_CHECK;
/* Whether a group that was there and still is need not be compared with itself before. */
bool aggregate_gives_always(const Aggregate *aggregate);
/* What every call gives for the groups of these records; strings are copied to the arena. */
bool aggregate_read_values(const Aggregate *aggregate, void **records, uint32_t count,
                           Vector *columns, Arena *arena, Error *error) MUST_CHECK;
/* At the end of a bounded run: every group's row, in order of arrival. */
bool aggregate_emit_groups(Aggregate *aggregate, Emitter *emitter, Error *error) MUST_CHECK;

/* ----------------------------------------------------------- aggregate/bundle.c */

AggregateBundle *aggregate_bundle_open(const Aggregate *aggregate);
void aggregate_bundle_close(AggregateBundle *bundle);
/* Adds a batch to the bundle, and ends it where it is large enough. */
bool aggregate_bundle_batch(Aggregate *aggregate, AggregateBatch *work, Emitter *emitter,
                            Error *error) MUST_CHECK;
/* Tells what the bundle, if there is one, has changed. */
bool aggregate_bundle_end(Aggregate *aggregate, Emitter *emitter, Error *error) MUST_CHECK;

/* --------------------------------------------------------- aggregate/distinct.c */

/* The set of the call's arguments, made when no call before had the same. */
DistinctSet *distinct_set_for(Aggregate *aggregate, const PlanAggregateCall *call, uint32_t *slot);
void distinct_set_open(Aggregate *aggregate, DistinctSet *set, uint32_t number);
/* Counts the batch's values. */
void distinct_set_update(Aggregate *aggregate, DistinctSet *set, AggregateBatch *work);
void distinct_set_close(DistinctSet *set);
/* Rows that bring a value for the first time or take it back for the last. */
const uint8_t *distinct_set_mask(const DistinctSet *set, uint32_t slot);
/* Forgets a group's values; of sets that keep them by group. */
void distinct_set_forget(DistinctSet *set, Str key, uint64_t hash);

/* Groups to be seen as one: part p holds parts[starts[p]] .. parts[starts[p + 1]]. */
typedef struct AggregateParts {
    uint32_t count;
    const uint32_t *starts; /* one more than count */
    const Str *keys;        /* by group */
    const uint64_t *hashes;
} AggregateParts;

/* Adds the values that stand in any group of a part, each once, to states[p]. */
bool distinct_set_merge(DistinctSet *set, const AggregateCall *call, const AggregateParts *parts,
                        uint8_t *const *states, AggregateMemory *memory, Arena *arena,
                        Error *error) MUST_CHECK;

/* ---------------------------------------------------------- aggregate/ordered.c */

OrderedValues *ordered_values_open(Aggregate *aggregate, const PlanAggregateCall *call,
                                   uint32_t number);
void ordered_values_close(OrderedValues *ordered);
/* As BoundAggregate.update; before and after may be NULL. */
void ordered_values_update(OrderedValues *ordered, const AggregateBatch *work,
                           const uint8_t *active, Vector *before, Vector *after);
/* The value of a group as it stands. */
void ordered_values_read(OrderedValues *ordered, Str key, uint64_t hash, Vector *out, uint32_t row,
                         Arena *arena);

/* The value over all groups of a part. */
void ordered_values_merge(OrderedValues *ordered, const AggregateParts *parts, uint32_t part,
                          Vector *out, uint32_t row, Arena *arena);
void ordered_values_forget(const OrderedValues *ordered, Str key, uint64_t hash);

/* -------------------------------------------------------- aggregate/collected.c */

CollectedValues *collected_values_open(Aggregate *aggregate, const PlanAggregateCall *call,
                                       uint32_t number);
void collected_values_close(CollectedValues *collected);
/* As BoundAggregate.update; before and after may be NULL. */
bool collected_values_update(CollectedValues *collected, const AggregateBatch *work,
                             const uint8_t *active, Vector *before, Vector *after,
                             Error *error) MUST_CHECK;
/* The value of a group as it stands. */
bool collected_values_read(CollectedValues *collected, Str key, uint64_t hash, Vector *out,
                           uint32_t row, Arena *arena, Error *error) MUST_CHECK;

/* Rows that a call counts: not ignored, and its filter TRUE. NULL: all. */
const uint8_t *aggregate_active_rows(AggregateBatch *work, int32_t filter);

#endif
