/* Which values of DISTINCT calls were there before. */
#ifndef EXECUTOR_OVER_DISTINCT_H
#define EXECUTOR_OVER_DISTINCT_H

#include "core/row.h"
#include "executor/operator.h"

/* ------------------------------------------------- frames that are folded anew */

/* Values met in the frame at hand. */
typedef struct OverDistinct OverDistinct;

/* For arguments that are these columns of the input; lives in the arena, holds memory besides. */
OverDistinct *over_distinct_open(Arena *arena, const Schema *input, const uint32_t *arguments,
                                 uint32_t count);
void over_distinct_close(OverDistinct *seen);
/* A frame begins: nothing was met. */
void over_distinct_start(OverDistinct *seen);
/* Whether row `row` of the arguments has values that were not met before. */
bool over_distinct_add(OverDistinct *seen, const Vector *const *args, uint32_t row);

/* ------------------------------------------ frames that start with the partition */

/* In state, for all such calls of a node: per partition the values, each with the places of the
 * rows that have it. */
typedef struct OverValues OverValues;

/* Declares the table; NULL where no call needs it, which the others take for nothing to do. */
OverValues *over_values_open(const OperatorContext *context, const PlanOver *plan);
void over_values_close(OverValues *values);
/* What follows is about this partition; the key must stay. */
void over_values_partition(OverValues *values, Str key, uint64_t hash);
/* A row with these arguments (in row 0) stands at the place, or stands there no more. NULL: the
 * call's filter keeps it out. Places sort as the rows do. */
void over_values_put(OverValues *values, uint32_t call, const Vector *const *args, Str place);
void over_values_remove(OverValues *values, uint32_t call, const Vector *const *args, Str place);
/* Whether no row with these arguments stands before the place. */
bool over_values_is_first(OverValues *values, uint32_t call, const Vector *const *args, Str place);
/* Rows that come in their order and never go need no places: whether row `row` of the arguments
 * has values that none had before, which it has from now on. NULL is false. */
bool over_values_meet(OverValues *values, uint32_t call, const Vector *const *args, uint32_t row);

#endif
