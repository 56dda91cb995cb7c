/* Whether what an operator takes back was there: execution.check-changes.
 *
 * Behind an operator stands what all its changes so far add up to: with -U how often each row is
 * there, and for every upsert key how many rows have it. A row that is taken back without being
 * there, an insert of a key that is there, an update of one that is not: each is an error that
 * names the operator.
 *
 * Rows that upserts by key make of nothing (a table that gives +U without -U, on its way to where
 * it is normalized) are not looked at. A check begins with its job: it knows nothing of rows given
 * before a restore, so a restored job has none.
 *
 * Cost: memory for every row and key that is there, a few probes a row. */
#ifndef EXECUTOR_ROW_CHECK_H
#define EXECUTOR_ROW_CHECK_H

#include "planner/plan.h"

typedef struct RowCheck RowCheck;

/* Whether the changes of a node follow the rules at all; `follows[]` has the answers for the nodes
 * before it. */
bool row_check_applies(const PlanNode *node, const bool *follows);

RowCheck *row_check_new(const PlanNode *node);
void row_check_free(RowCheck *check); /* NULL is fine */
bool row_check_batch(RowCheck *check, const Batch *batch, Error *error) MUST_CHECK;

#endif
