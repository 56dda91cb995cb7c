/* The pairs a join finds for a batch, and its condition tested for all of them at once.
 *
 * A pair is a row of the batch and a row the other side keeps, encoded. The condition reads the
 * left columns, then the right ones, whichever side the batch came in on; only what it reads is
 * decoded. */
#ifndef EXECUTOR_JOIN_PAIRS_H
#define EXECUTOR_JOIN_PAIRS_H

#include "core/row.h"
#include "executor/expression/expression.h"
#include "executor/operator.h"

typedef struct JoinPairs {
    /* Fixed. */
    const Schema *schema;         /* the left input's columns, then the right one's */
    uint32_t left_count;          /* columns of the left input */
    ExpressionProgram *condition; /* NULL: holds for every pair */
    bool *is_read;                /* by column of the schema: whether the condition reads it */
    uint32_t capacity;
    /* Changing: pair i is row rows[i] of the batch and the kept row kept[i]. */
    uint32_t count;
    uint32_t *rows;
    Str *kept;
    uint8_t *holds; /* by pair, what join_pairs_check found */
    uint32_t *selected;
} JoinPairs;

/* For the two inputs of the operator's node; everything lies in the context's arena. */
void join_pairs_open(JoinPairs *pairs, const OperatorContext *context, const Expr *condition,
                     uint32_t capacity);

/* Sets holds[i] to 1 for the pairs that match, else to 0. `in` came in on the left side or on the
 * right one; `layout` is of the other side's rows. False: the condition failed. */
bool join_pairs_check(JoinPairs *pairs, const Batch *in, bool in_is_left, const RowLayout *layout,
                      Error *error) MUST_CHECK;

/* Parts of it: a batch of pairs without columns, and the decoding of one side's rows into it. */
Batch *join_pairs_batch(const JoinPairs *pairs, uint32_t count);
Vector **join_pairs_side(const JoinPairs *pairs, Batch *batch, bool left);

#endif
