/* What both ways of decorrelating share (see rules/decorrelate.h). Cost: a walk per question. */
#include "planner/rules/decorrelate.h"

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
    if (logical_is(node, "unnest") && node->unnest.condition != NULL &&
        outer_in_expr(slots, node->unnest.condition))
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
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = outer_replace(context, slots, expr->args[i], values, shift);
    return expr_with_args(&context->site, expr, args);
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

uint32_t decorrelate_empty_sets(Arena *arena, const LogicalNode *node, int64_t **ids)
{
    uint32_t count = 0;
    if (!logical_is(node, "aggregate") || !logical_is(node->inputs[0], "expand"))
        return 0;
    const LogicalExpand *expand = &node->inputs[0]->expand;
    const int64_t no_keys = ((int64_t)1 << expand->key_count) - 1;
    if (ids != NULL)
        *ids = arena_new_array(arena, int64_t, expand->set_count + 1);
    for (uint32_t s = 0; s < expand->set_count; s++) {
        if ((expand->ids[s] & no_keys) != no_keys)
            continue;
        if (ids != NULL)
            (*ids)[count] = expand->ids[s];
        count++;
    }
    return count;
}

bool decorrelate_has_row(const LogicalNode *node)
{
    while (logical_is(node, "calc"))
        node = node->inputs[0];
    if (!logical_is(node, "aggregate"))
        return false;
    return node->aggregate.key_count == 0 ||
           (node->aggregate.empty_set_count == 0 && decorrelate_empty_sets(NULL, node, NULL) != 0);
}

LogicalNode *decorrelate_rank(Arena *arena, LogicalNode *node)
{
    LogicalSort sort;
    if (logical_is(node, "sort"))
        sort = node->sort;
    else if (logical_is(node, "limit"))
        sort = (LogicalSort){.offset = node->limit.offset, .limit = node->limit.limit};
    else
        return node;
    if (sort.offset == 0 && sort.limit == UINT64_MAX)
        return decorrelate_rank(arena, node->inputs[0]);
    LogicalNode *rank =
        logical_new_unary(arena, "rank", node->schema, node->inputs[0], node->place);
    bool ends = sort.limit <= UINT64_MAX - sort.offset;
    rank->rank = (LogicalRank){.function = PLAN_RANK_ROW_NUMBER,
                               .order = sort.keys,
                               .order_count = sort.key_count,
                               .first = sort.offset + 1,
                               .last = ends ? sort.offset + sort.limit : UINT64_MAX,
                               .last_column = -1};
    return rank;
}

LogicalNode *decorrelate_parted(Arena *arena, const LogicalNode *node, LogicalNode *input,
                                const uint32_t *columns, uint32_t count)
{
    bool is_rank = logical_is(node, "rank");
    uint32_t old_count = is_rank ? node->rank.partition_count : node->over.partition_count;
    const uint32_t *old = is_rank ? node->rank.partition : node->over.partition;
    uint32_t *partition = arena_new_array(arena, uint32_t, old_count + count + 1);
    if (old_count != 0)
        memcpy(partition, old, sizeof(*old) * old_count);
    uint32_t partition_count = old_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = 0;
        while (at < partition_count && partition[at] != columns[i])
            at++;
        if (at == partition_count)
            partition[partition_count++] = columns[i];
    }
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 1);
    copy->inputs[0] = input;
    if (is_rank) {
        copy->rank.partition = partition;
        copy->rank.partition_count = partition_count;
        copy->rank.is_sort = false;
    } else {
        copy->over.partition = partition;
        copy->over.partition_count = partition_count;
    }
    /* It shows its input's columns, then its own. */
    uint32_t own_input = node->inputs[0]->schema->column_count;
    uint32_t own = node->schema->column_count;
    uint32_t given = input->schema->column_count;
    uint32_t total = given + own - own_input;
    Column *shown = arena_new_array(arena, Column, total + 1);
    uint32_t *positions = arena_new_array(arena, uint32_t, total + 1);
    memcpy(shown, input->schema->columns, sizeof(Column) * given);
    for (uint32_t i = 0; i < total; i++) {
        if (i >= given)
            shown[i] = node->schema->columns[own_input + i - given];
        positions[i] = i < own_input ? i : i < own ? given + i - own_input : i - own + own_input;
    }
    copy->schema = schema_new(arena, shown, total);
    return logical_pick(arena, copy, positions, total);
}

bool expr_is_equality(const Expr *expr)
{
    return expr->kind == EXPR_CALL && expr->arg_count == 2 && expr->call.function != NULL &&
           (strcmp(expr->call.function->name, "=") == 0 ||
            strcmp(expr->call.function->name, "IS NOT DISTINCT FROM") == 0);
}
