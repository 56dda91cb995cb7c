/* What the files of window functions along a time attribute share.
 *
 *   op_time_over.c      the operator: rows wait for their time, leave in order, are forgotten
 *   over/time_over_value.c   the values of the calls for rows whose time has come
 *   time_over_stack.c   MIN and MAX of frames that slide
 *
 * Rows of a partition are numbered from 0 as they leave. A call that looks at rows before the last
 * ones finds them in `history` by their number, and remembers the first row of its last frame. */
#ifndef EXECUTOR_OVER_TIME_OVER_H
#define EXECUTOR_OVER_TIME_OVER_H

#include "core/row.h"
#include "executor/key_hash.h"
#include "executor/operator.h"
#include "executor/over/distinct.h"

typedef struct TimeOverCall {
    const PlanOverCall *plan;
    bool by_rows;         /* frames end with the row itself, not with its equals */
    bool looks_back;      /* reads the history */
    uint32_t from_offset; /* in the partition's record: u64, the first row of the last frame */
    uint32_t fold_offset;
    /* MIN and MAX of frames that slide: see time_over_stack.c. */
    bool is_stack;
    uint32_t middle_offset; /* in the partition's record */
    uint32_t suffix_offset; /* in the history's */
    int64_t distance_us;    /* of RANGE ... PRECEDING */
    /* Columns of the history to decode into; NULL for those that the call does not read. */
    Vector **decode;
    const Vector **args;
    const Vector *filter;
    OverDistinct *seen; /* DISTINCT over bounded frames: what it has met in one; else NULL */
} TimeOverCall;

/* What is kept of a partition; behind it what the calls keep. */
typedef struct TimeOverPartition {
    uint64_t rows;   /* that have left */
    uint64_t groups; /* of equal ones */
    int64_t last_us; /* time of the last */
} TimeOverPartition;

typedef struct TimeOverMemory {
    AggregateMemory base;
    StateTable *table;
    Arena *arena;
} TimeOverMemory;

/* Rows whose time has come, in the order in which they leave; equal ones of a partition stand
 * together. */
typedef struct TimeOverWork {
    Batch *out; /* the input's columns are filled */
    uint32_t count;
    uint32_t capacity;
    Str *keys;
    uint64_t *hashes;
    int64_t *times;
    uint32_t *peers; /* first of the rows equal to this one */
    TimeOverPartition **partitions;
    uint64_t *numbers;
    StateTree **history;
} TimeOverWork;

typedef struct TimeOver {
    Operator base;
    /* Fixed. */
    const PlanTimeOver *plan;
    uint32_t own; /* columns of the input */
    uint32_t order_column;
    bool waits;        /* rows do not leave at once */
    bool late_by_mark; /* at or before the watermark is late; else before the partition's last */
    int64_t reach_us;  /* a partition is forgotten when its rows are that old; negative: never */
    const RowLayout *layout;
    const RowLayout *partition_layout;
    const KeyHash *key_hash;
    StateTable *waiting;    /* partition → order, arrival → time, row */
    StateTable *pending;    /* partition → what it waits for */
    StateTable *partitions; /* partition → TimeOverPartition, folds */
    OverValues *values;     /* of DISTINCT calls over other frames */
    StateTable *history;    /* partition → number → time, columns that calls read; NULL: none */
    const RowLayout *kept_layout;
    uint32_t *kept; /* columns of the input in the history */
    uint32_t kept_count;
    TimeOverCall *calls;
    uint32_t call_count;
    TimeOverMemory memory;         /* of folds in state */
    TimeOverMemory history_memory; /* of folds in the history */
    TimeOverMemory scratch_memory; /* of folds that are made for one row */
    /* Changing. */
    struct TimeOverQueue *queue;
    TimeOverWork work;
    Arena *scratch; /* of a call, of the work that is gathered */
    Arena *run;     /* while the values of a work are made */
} TimeOver;

/* Declares the tables of the calls; their layout is fixed from here on. */
void time_over_open_calls(TimeOver *over);
/* Numbers the rows of the work, fills the calls' columns, forgets rows that no frame needs. */
bool time_over_run(TimeOver *over, TimeOverWork *work, Error *error) MUST_CHECK;
/* The calls' columns for MIN and MAX of frames that slide. */
bool time_over_run_stack(TimeOver *over, const TimeOverCall *call, TimeOverWork *work, Vector *out,
                         Error *error) MUST_CHECK;
/* What both ways share: the last of the rows equal to row `row` of the work, the number of the
 * first row of its frame, its place in the history; rows first <= number < end added to a fold. */
uint32_t time_over_last_peer(const TimeOverWork *work, uint32_t row);
uint64_t time_over_frame_start(const TimeOver *over, const TimeOverCall *call,
                               const TimeOverWork *work, uint32_t row);
void *time_over_seek(const TimeOver *over, const StateTree *tree, uint64_t number,
                     StateCursor *cursor);
bool time_over_fold(TimeOver *over, const TimeOverCall *call, const StateTree *tree, uint64_t first,
                    uint64_t end, uint8_t *fold, AggregateMemory *memory, Error *error) MUST_CHECK;
static inline uint64_t *time_over_number(TimeOverPartition *partition, uint32_t offset)
{
    return (uint64_t *)(void *)((uint8_t *)partition + offset);
}
/* Forgets a partition. */
void time_over_forget(TimeOver *over, Str key, uint64_t hash);

#endif
