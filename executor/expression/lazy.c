/* AND, OR, CASE and COALESCE: each arm runs only for the rows that still need it.
 *
 * Invariant: an arm with no rows does not run at all, so `CASE WHEN x <> 0 THEN 1 / x END` never
 * divides by zero. Where the first value takes every row its vector is handed on as it is.
 * Cost: one pass over the rows that are left, an arm. */
#include "executor/expression/internal.h"

#include "executor/vector_rows.h"

/* Copies the selected rows of an arm into the result. Strings stay borrowed from the arm. */
static void merge_rows(Vector *out, const Vector *from, RowSelection selection, Arena *arena)
{
    vector_copy_rows(out, selection.rows, from, selection.rows, selection.count, arena);
}

static uint32_t *row_list(ExpressionRun *run, uint32_t count)
{
    /* One more than can be kept: the split writes before it knows. */
    return arena_alloc(run->program->scratch, sizeof(uint32_t) * (count + 1));
}

/* Runs a block and returns its vector; NULL on error. */
static const Vector *run_operand(ExpressionRun *run, const Block *block, RowSelection selection,
                                 Error *error)
{
    if (!expression_run_block(run, block, selection, error))
        return NULL;
    return run->registers[block->result];
}

static bool is_plain(const Vector *vector)
{
    return vector->validity == NULL && !vector->constant;
}

/* Operands that are all there, for all rows and without NULL, need no choice of rows. */
static bool combine_plain(ExpressionRun *run, const Step *step, RowSelection selection)
{
    if (selection.rows != NULL)
        return false;
    for (uint32_t a = 0; a < step->arm_count; a++) {
        const Block *block = step->arms[a].value;
        if (block->step_count != 0 || !is_plain(run->registers[block->result]))
            return false;
    }
    uint8_t *out = expression_new_vector(run, step->output, step->expr->type)->data;
    const uint8_t *first = run->registers[step->arms[0].value->result]->data;
    for (uint32_t i = 0; i < selection.count; i++)
        out[i] = first[i] != 0;
    bool is_or = step->expr->kind == EXPR_OR;
    for (uint32_t a = 1; a < step->arm_count; a++) {
        const uint8_t *values = run->registers[step->arms[a].value->result]->data;
        for (uint32_t i = 0; i < selection.count; i++)
            out[i] = is_or ? out[i] | (values[i] != 0) : out[i] & (values[i] != 0);
    }
    return true;
}

/* Three-valued AND (deciding = false) and OR (deciding = true): the deciding value settles a row,
 * a NULL leaves it NULL unless a later operand decides. */
static bool run_connective(ExpressionRun *run, const Step *step, RowSelection selection,
                           Error *error)
{
    uint8_t deciding = step->expr->kind == EXPR_OR;
    const Vector *first = run_operand(run, step->arms[0].value, selection, error);
    if (first == NULL)
        return false;
    if (step->arm_count == 1) {
        run->registers[step->output] = first;
        return true;
    }
    if (combine_plain(run, step, selection))
        return true;
    Vector *out = expression_new_vector(run, step->output, step->expr->type);
    uint8_t *values = out->data;
    merge_rows(out, first, selection, run->arena);
    for (uint32_t a = 1; a < step->arm_count; a++) {
        uint32_t *rows = row_list(run, selection.count);
        uint32_t count = 0;
        for (uint32_t i = 0; i < selection.count; i++) {
            uint32_t row = selection_row(selection, i);
            rows[count] = row;
            count += values[row] != deciding || vector_is_null(out, row);
        }
        if (count == 0)
            return true;
        selection = (RowSelection){rows, count};
        const Vector *operand = run_operand(run, step->arms[a].value, selection, error);
        if (operand == NULL)
            return false;
        const uint8_t *operand_values = operand->data;
        for (uint32_t i = 0; i < count; i++) {
            uint32_t row = rows[i];
            if (vector_is_null(operand, row)) {
                vector_set_null(out, row, run->arena);
            } else if (operand_values[vector_index(operand, row)] == deciding) {
                vector_set_valid(out, row);
                values[row] = deciding;
            }
        }
    }
    return true;
}

/* Collects the values of arms. An arm that takes all rows of the step, or of all there is, becomes
 * the result itself. */
typedef struct Merge {
    ExpressionRun *run;
    const Step *step;
    uint32_t row_count;
    Vector *out;
} Merge;

static bool merge_arm(Merge *merge, const Block *value, RowSelection selection, Error *error)
{
    if (selection.count == 0)
        return true;
    const Vector *vector = run_operand(merge->run, value, selection, error);
    if (vector == NULL)
        return false;
    if (selection.count == merge->row_count) {
        merge->run->registers[merge->step->output] = vector;
        return true;
    }
    if (merge->out == NULL)
        merge->out =
            expression_new_vector(merge->run, merge->step->output, merge->step->expr->type);
    merge_rows(merge->out, vector, selection, merge->run->arena);
    return true;
}

static bool run_case(ExpressionRun *run, const Step *step, RowSelection selection, Error *error)
{
    Merge merge = {run, step, selection.count, NULL};
    uint32_t last = step->arm_count - 1;
    for (uint32_t a = 0; a < last && selection.count != 0; a++) {
        const Vector *condition = run_operand(run, step->arms[a].condition, selection, error);
        if (condition == NULL)
            return false;
        uint32_t *is_true = row_list(run, selection.count);
        uint32_t *others = row_list(run, selection.count);
        uint32_t true_count = expression_split(condition, selection, is_true, others);
        if (!merge_arm(&merge, step->arms[a].value, (RowSelection){is_true, true_count}, error))
            return false;
        selection = (RowSelection){others, selection.count - true_count};
    }
    return merge_arm(&merge, step->arms[last].value, selection, error);
}

static bool run_coalesce(ExpressionRun *run, const Step *step, RowSelection selection, Error *error)
{
    const Vector *first = run_operand(run, step->arms[0].value, selection, error);
    if (first == NULL)
        return false;
    if (first->validity == NULL || step->arm_count == 1) {
        run->registers[step->output] = first;
        return true;
    }
    Vector *out = expression_new_vector(run, step->output, step->expr->type);
    merge_rows(out, first, selection, run->arena);
    for (uint32_t a = 1; a < step->arm_count; a++) {
        uint32_t *rows = row_list(run, selection.count);
        uint32_t count = 0;
        for (uint32_t i = 0; i < selection.count; i++) {
            uint32_t row = selection_row(selection, i);
            rows[count] = row;
            count += vector_is_null(out, row);
        }
        if (count == 0)
            return true;
        selection = (RowSelection){rows, count};
        const Vector *operand = run_operand(run, step->arms[a].value, selection, error);
        if (operand == NULL)
            return false;
        for (uint32_t i = 0; i < count; i++)
            vector_set_valid(out, rows[i]);
        merge_rows(out, operand, selection, run->arena);
    }
    return true;
}

bool expression_run_lazy(ExpressionRun *run, const Step *step, RowSelection selection, Error *error)
{
    switch (step->expr->kind) {
    case EXPR_CASE:
        return run_case(run, step, selection, error);
    case EXPR_COALESCE:
        return run_coalesce(run, step, selection, error);
    default:
        return run_connective(run, step, selection, error);
    }
}
