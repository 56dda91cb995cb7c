/* What both ways of decorrelating share (see decorrelate.h). Cost: a walk per question. */
#include "planner/decorrelate.h"

#include <string.h>

static int64_t find_slot(OuterSlots slots, const Expr *expr)
{
    for (uint32_t i = 0; expr->kind == EXPR_OUTER && i < slots.count; i++)
        if (slots.ids[i] == expr->column)
            return i;
    return -1;
}

bool outer_in_expr(OuterSlots slots, const Expr *expr)
{
    if (find_slot(slots, expr) >= 0)
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (outer_in_expr(slots, expr->args[i]))
            return true;
    return false;
}

bool outer_in_tree(OuterSlots slots, const LogicalNode *node)
{
    if (slots.count == 0)
        return false;
    if (logical_is(node, "calc")) {
        if (node->calc.filter != NULL && outer_in_expr(slots, node->calc.filter))
            return true;
        for (uint32_t i = 0; i < node->schema->column_count; i++)
            if (outer_in_expr(slots, node->calc.projections[i]))
                return true;
    }
    if (logical_is(node, "join") && node->join.condition != NULL &&
        outer_in_expr(slots, node->join.condition))
        return true;
    for (uint32_t i = 0; i < node->input_count; i++)
        if (outer_in_tree(slots, node->inputs[i]))
            return true;
    return false;
}

const Expr *outer_replace(const PlannerContext *context, OuterSlots slots, const Expr *expr,
                          const Expr *const *values, int64_t shift)
{
    int64_t slot = find_slot(slots, expr);
    if (slot >= 0)
        return values[slot];
    if (expr->kind == EXPR_COLUMN)
        return expr_shift_columns(&context->site, expr, shift);
    const Expr **args = arena_new_array(context->arena, const Expr *, expr->arg_count + 1);
    bool same = true;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        args[i] = outer_replace(context, slots, expr->args[i], values, shift);
        same = same && args[i] == expr->args[i];
    }
    return same ? expr : expr_with_args(&context->site, expr, args);
}

LogicalNode *logical_pick(Arena *arena, LogicalNode *node, const uint32_t *columns, uint32_t count)
{
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    const char **names = arena_new_array(arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const Column *column = &node->schema->columns[columns[i]];
        projections[i] = expr_column(arena, columns[i], column->type, (AstPlace){-1, 0});
        names[i] = column->name;
    }
    return logical_calc(arena, node, NULL, projections,
                        logical_schema(arena, projections, names, count), node->place);
}

bool expr_is_equality(const Expr *expr)
{
    return expr->kind == EXPR_CALL && expr->arg_count == 2 && expr->call.function != NULL &&
           (strcmp(expr->call.function->name, "=") == 0 ||
            strcmp(expr->call.function->name, "IS NOT DISTINCT FROM") == 0);
}
