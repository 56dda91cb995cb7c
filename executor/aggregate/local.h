/* Groups inside one batch: what the first of two phases adds rows up in, and what rows that share a
 * group look for it once by (aggregate/local.c).
 *
 * Nothing outlives the batch. A group is known by the hash of its keys and its first row; what is
 * found that way is compared, column by column, before it is believed. */
#ifndef EXECUTOR_AGGREGATE_LOCAL_H
#define EXECUTOR_AGGREGATE_LOCAL_H

#include "executor/aggregate/internal.h"

typedef struct LocalGroups {
    uint32_t count;
    uint32_t *first;  /* by group: its first row */
    uint32_t *groups; /* by row */
    uint8_t *states;  /* by group: those of all calls */
    uint32_t state_bytes;
} LocalGroups;

/* What rows are told apart by: columns, and besides them one number a row; NULL: none. */
typedef struct LocalKeys {
    const RowLayout *layout;
    const Vector **columns;
    uint32_t column_count;
    const int64_t *numbers;
} LocalKeys;

/* Groups the rows; false, with nothing done, when different keys have one hash. */
bool local_groups_find(LocalGroups *groups, const LocalKeys *keys, uint32_t rows, Arena *arena);
/* Every row a group of its own. */
void local_groups_each(LocalGroups *groups, uint32_t rows, Arena *arena);

/* Whether grouping batches pays, which is tried: after so many rows it pauses where it saves too
 * few of them, ever longer. Begins as zeros. */
typedef struct LocalTrial {
    uint32_t rows;
    uint32_t groups;
    uint32_t pause;  /* batches left */
    uint32_t paused; /* how long the last pause was */
} LocalTrial;

/* Whether the batch is one of a pause's. */
bool local_trial_pauses(LocalTrial *trial);
void local_trial_judge(LocalTrial *trial, uint32_t rows, uint32_t groups);

/* Adds all rows of the batch up, in states that begin empty. */
bool local_groups_update(LocalGroups *groups, const PlanAggregate *plan, AggregateBatch *work,
                         AggregateMemory *memory, Error *error) MUST_CHECK;
/* A column of the states of some groups, one after the other, in the arena of their batch. */
void local_groups_states(const LocalGroups *groups, const PlanAggregate *plan, uint32_t from,
                         uint32_t count, const Type *type, Vector *out, Arena *arena);

#endif
