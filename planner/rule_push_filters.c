/* Filters move towards the sources: below projections, into join conditions and to the sides of
 * joins, below GROUP BY where they only look at keys, into every input of UNION, INTERSECT and
 * EXCEPT. What may pass a kind of node is its own to say: NodeClass.push, NodeClass.filter_column.
 *
 * A filter moves only where the result stays the same. One that gives another answer each time does
 * not move at all. Cost: one walk, a substitution per conjunct and node. */
#include <string.h>

#include "planner/rewrite.h"

void conjuncts_add(Arena *arena, Conjuncts *list, const Expr *expr)
{
    uint32_t more = expr_count_conjuncts(expr);
    if (list->count + more > list->capacity) {
        uint32_t capacity = (list->count + more) * 2;
        const Expr **grown = arena_new_array(arena, const Expr *, capacity);
        if (list->count != 0)
            memcpy(grown, list->items, sizeof(*grown) * list->count);
        list->items = grown;
        list->capacity = capacity;
    }
    list->count += expr_conjuncts(expr, list->items + list->count);
}

LogicalNode *push_above(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    if (list->count == 0)
        return node;
    return logical_filter(context->arena, node, expr_and(&context->site, list->items, list->count));
}

LogicalNode *push_inputs(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    LogicalNode *copy = arena_memdup(pushing->context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(pushing->context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = push_input(pushing, node->inputs[i], list);
    return copy;
}

/* A condition on columns that pass goes below as it is. */
static LogicalNode *push_by_column(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    uint32_t count = node->schema->column_count;
    uint32_t *map = arena_new_array(context->arena, uint32_t, count + 1);
    bool *passes = arena_new_array(context->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int64_t to = node->class->filter_column(node, i);
        passes[i] = to >= 0;
        map[i] = passes[i] ? (uint32_t)to : 0;
    }
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const Expr *expr = list->items[i];
        bool *used = arena_new_array(context->arena, bool, count + 1);
        expr_mark_columns(expr, used);
        bool any = false, all = true;
        for (uint32_t c = 0; c < count; c++) {
            any = any || used[c];
            all = all && (!used[c] || passes[c]);
        }
        if (any && all && push_may_move(expr))
            conjuncts_add(context->arena, &below, expr_map_columns(&context->site, expr, map));
        else
            conjuncts_add(context->arena, &above, expr);
    }
    return push_above(pushing, push_inputs(pushing, node, &below), &above);
}

LogicalNode *push_input(const Pushing *pushing, LogicalNode *input, const Conjuncts *list)
{
    if (input->class->push != NULL)
        return input->class->push(pushing, input, list);
    if (input->class->filter_column != NULL)
        return push_by_column(pushing, input, list);
    Conjuncts none = {0};
    return push_above(pushing, push_inputs(pushing, input, &none), list);
}

LogicalNode *rule_push_filters(const PlannerContext *context, LogicalNode *node)
{
    Pushing pushing = {context, NULL};
    Conjuncts none = {0};
    return push_input(&pushing, node, &none);
}
