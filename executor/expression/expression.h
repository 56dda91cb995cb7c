/* Expressions, compiled: a typed tree becomes a flat list of steps {kernel, inputs, output} that
 * run over a whole batch under a selection.
 *
 * Equal deterministic subtrees run once. Arms of AND, OR, CASE and COALESCE run only for the rows
 * that need them. A run-time error names the expression and the row.
 *
 * Cost: a step is one call per batch. The result of a bare column is the input's vector itself. */
#ifndef EXECUTOR_EXPRESSION_EXPRESSION_H
#define EXECUTOR_EXPRESSION_EXPRESSION_H

#include "planner/expr.h"

typedef struct ExpressionProgram ExpressionProgram;

/* Compiles several expressions over one input schema into one program that shares subtrees. */
ExpressionProgram *expression_compile(Arena *arena, const Expr *const *expressions, uint32_t count,
                                      const Schema *input, FunctionEnvironment *environment);

/* Runs over rows rows[0..row_count) (all rows of the batch when rows is NULL; then row_count is the
 * batch's). results[i] points at expression i's vector, indexed by the input's row numbers; only
 * the rows asked for are set. The vectors lie in `arena`, are the input's own columns, or are
 * literals of the plan; long strings in them may borrow from any of these. */
bool expression_run(ExpressionProgram *program, const Batch *input, const uint32_t *rows,
                    uint32_t row_count, Arena *arena, const Vector **results,
                    Error *error) MUST_CHECK;

/* Runs one BOOLEAN expression as a filter: writes the rows for which it is TRUE to `selected`
 * (room for row_count) and returns how many; -1 on error. */
int64_t expression_select(ExpressionProgram *program, const Batch *input, const uint32_t *rows,
                          uint32_t row_count, uint32_t *selected, Error *error) MUST_CHECK;

/* Sets is_read[c] for every input column c that the expression reads. */
void expression_mark_columns(const Expr *expr, bool *is_read);

#endif
