/* What compiling and running an expression share: registers, steps, blocks.
 *
 * A block is a list of steps that run for the same rows. The steps of a lazy construct keep blocks
 * of their own for what only some rows need:
 *
 *     CASE WHEN a = 1 THEN f(b) WHEN g(b) THEN b ELSE 0 END
 *
 *     main block   r2 <- =(r0, 1)      every row
 *                  r6 <- CASE
 *       arm 0      condition r2, in the main block     value block  r3 <- f(r1)
 *       arm 1      condition block  r4 <- g(r1)        value block  r1, nothing to run
 *       else       value block  constant, nothing to run
 *
 * Invariant: a register is set at most once in a run. A block's rows are among those of its parent,
 * and the parent's steps so far have run: so a block may use every register its ancestors set. */
#ifndef EXECUTOR_EXPRESSION_INTERNAL_H
#define EXECUTOR_EXPRESSION_INTERNAL_H

#include "executor/expression/expression.h"

/* Rows a block runs for: rows[0..count), or 0..count-1 when rows is NULL. */
typedef struct RowSelection {
    const uint32_t *rows;
    uint32_t count;
} RowSelection;

static inline uint32_t selection_row(RowSelection selection, uint32_t i)
{
    return selection.rows == NULL ? i : selection.rows[i];
}

typedef struct Step Step;

typedef struct Block {
    struct Block *parent;
    Step *steps;
    uint32_t step_count;
    uint32_t step_capacity;
    uint32_t result; /* register */
} Block;

/* One arm of a lazy step. AND, OR and COALESCE have only values; CASE's last arm only a value. */
typedef struct Arm {
    Block *condition;
    Block *value;
} Arm;

struct Step {
    const Expr *expr;
    uint32_t output;
    /* Calls and fields: the argument registers; calls: room for their vectors while running. */
    const uint32_t *inputs;
    const Vector **args;
    bool dense; /* may run over NULLs: cannot fail, and everything has a fixed width */
    /* The rest. The first operand of AND, OR and COALESCE is an arm whose block has no steps, and
     * so may others of AND and OR be. */
    Arm *arms;
    uint32_t arm_count;
};

typedef struct ColumnRegister {
    uint32_t register_index;
    uint32_t column;
} ColumnRegister;

struct ExpressionProgram {
    const Schema *input;
    FunctionEnvironment *environment;
    Block *main;
    const uint32_t *results; /* registers */
    uint32_t result_count;
    const Expr *const *expressions;
    uint32_t register_count;
    const Vector **constants; /* by register; NULL where the register is computed */
    const ColumnRegister *columns;
    uint32_t column_count;
    /* By register: whether the vector itself may become a result and so lies in the caller's
     * arena. Others lie in scratch unless they hold strings, which results may borrow. */
    bool *escapes;
    Arena *scratch; /* reset by each run */
};

/* One run over one batch. */
typedef struct ExpressionRun {
    ExpressionProgram *program;
    const Batch *input;
    Arena *arena;
    const Vector **registers;
} ExpressionRun;

/* An uninitialised register's vector with room for every row of the batch. */
Vector *expression_new_vector(ExpressionRun *run, uint32_t output, const Type *type);
bool expression_run_block(ExpressionRun *run, const Block *block, RowSelection selection,
                          Error *error) MUST_CHECK;
/* Steps that are not calls: AND, OR, CASE, COALESCE. */
bool expression_run_lazy(ExpressionRun *run, const Step *step, RowSelection selection,
                         Error *error) MUST_CHECK;

/* Splits the selection by a BOOLEAN vector: rows where it is TRUE, and the others, whose list may
 * be NULL; returns how many are TRUE. Each list has room for the selection; without the others rows
 * may be selected in place. */
uint32_t expression_split(const Vector *condition, RowSelection selection, uint32_t *is_true,
                          uint32_t *others);

#endif
