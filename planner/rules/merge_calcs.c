/* A calc over a calc becomes one; a calc that changes nothing goes away; a calc over constant rows
 * is computed here and now.
 *
 * Two calcs stay two when the lower one computes something that is not the same each time, or when
 * the merged expressions would grow out of hand. */
#include "planner/logical.h"

/* Past this many nodes computing a thing once and reading it twice is better than one calc. */
#define MERGED_SIZE_MAX 2000

static uint32_t merged_size(const Expr *expr, const LogicalNode *lower, uint32_t limit)
{
    if (expr->kind == EXPR_COLUMN)
        return expr_size(lower->calc.projections[expr->column], limit);
    uint32_t size = 1;
    for (uint32_t i = 0; i < expr->arg_count && size < limit; i++)
        size += merged_size(expr->args[i], lower, limit - size);
    return size;
}

static bool can_merge(const LogicalNode *upper, const LogicalNode *lower)
{
    for (uint32_t i = 0; i < lower->schema->column_count; i++)
        if (!expr_is_deterministic(lower->calc.projections[i]))
            return false;
    uint32_t size = 0;
    if (upper->calc.filter != NULL)
        size += merged_size(upper->calc.filter, lower, MERGED_SIZE_MAX);
    for (uint32_t i = 0; i < upper->schema->column_count && size < MERGED_SIZE_MAX; i++)
        size += merged_size(upper->calc.projections[i], lower, MERGED_SIZE_MAX - size);
    return size < MERGED_SIZE_MAX;
}

static LogicalNode *merge(const PlannerContext *context, LogicalNode *upper)
{
    const LogicalNode *lower = upper->inputs[0];
    const Expr **projections =
        arena_new_array(context->arena, const Expr *, upper->schema->column_count + 1);
    for (uint32_t i = 0; i < upper->schema->column_count; i++) {
        const Expr *from = upper->calc.projections[i];
        projections[i] = expr_replace_columns(&context->site, from, lower->calc.projections);
    }
    const Expr *filters[2];
    uint32_t count = 0;
    if (lower->calc.filter != NULL)
        filters[count++] = lower->calc.filter;
    if (upper->calc.filter != NULL)
        filters[count++] =
            expr_replace_columns(&context->site, upper->calc.filter, lower->calc.projections);
    return logical_calc(context->arena, lower->inputs[0], expr_and(&context->site, filters, count),
                        projections, upper->schema, upper->place);
}

static bool is_identity(const LogicalNode *node)
{
    const Schema *input = node->inputs[0]->schema;
    if (node->calc.filter != NULL || input->column_count != node->schema->column_count)
        return false;
    for (uint32_t i = 0; i < input->column_count; i++)
        if (node->calc.projections[i]->kind != EXPR_COLUMN ||
            node->calc.projections[i]->column != i)
            return false;
    return schema_equal(input, node->schema);
}

/* The rows of a calc over values; NULL when they are not all constant. */
static LogicalNode *compute(const PlannerContext *context, const LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalValues *input = &node->inputs[0]->values;
    uint32_t columns = node->schema->column_count;
    LogicalNode *values = logical_new(arena, "values", node->schema, node->place);
    values->values.rows = arena_new_array(arena, const Expr **, input->row_count + 1);
    for (uint32_t r = 0; r < input->row_count; r++) {
        if (node->calc.filter != NULL) {
            const Expr *filter =
                expr_replace_columns(&context->site, node->calc.filter, input->rows[r]);
            if (!expr_is_literal(filter))
                return NULL;
            if (!expr_is_boolean(filter, true))
                continue;
        }
        const Expr **row = arena_new_array(arena, const Expr *, columns + 1);
        for (uint32_t c = 0; c < columns; c++) {
            row[c] =
                expr_replace_columns(&context->site, node->calc.projections[c], input->rows[r]);
            if (!expr_is_literal(row[c]))
                return NULL;
        }
        values->values.rows[values->values.row_count++] = row;
    }
    return values;
}

LogicalNode *rule_merge_calcs(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_merge_calcs(context, node->inputs[i]);
    if (!logical_is(copy, "calc"))
        return copy;
    while (logical_is(copy->inputs[0], "calc") && can_merge(copy, copy->inputs[0]))
        copy = merge(context, copy);
    if (copy->calc.filter != NULL && expr_is_boolean(copy->calc.filter, true))
        copy->calc.filter = NULL;
    if (logical_is(copy->inputs[0], "values")) {
        LogicalNode *values = compute(context, copy);
        if (values != NULL)
            return values;
    }
    return is_identity(copy) ? copy->inputs[0] : copy;
}
