/* The right input of a lookup join goes into the join: the table's scan, and what the calcs above
 * it filter and compute, as expressions over the columns read. It runs when filters and columns
 * have found their places and before scans are shared, since nothing reads this one as a stream. */
#include "planner/lookup.h"

static void take_right(const PlannerContext *context, LogicalNode *join)
{
    const LogicalNode *node = join->inputs[1];
    struct LogicalLookup *lookup =
        arena_memdup(context->arena, join->join.lookup, sizeof(*join->join.lookup));
    lookup->right = node->schema;
    lookup->projections = logical_identity(context->arena, node->schema);
    const Expr *filter = NULL;
    for (; !logical_is(node, "scan"); node = node->inputs[0]) {
        if (!logical_is(node, "calc"))
            continue;
        const Expr **projections =
            arena_new_array(context->arena, const Expr *, lookup->right->column_count + 1);
        for (uint32_t i = 0; i < lookup->right->column_count; i++)
            projections[i] = expr_replace_columns(&context->site, lookup->projections[i],
                                                  node->calc.projections);
        lookup->projections = projections;
        const Expr *parts[2];
        uint32_t count = 0;
        if (filter != NULL)
            parts[count++] = expr_replace_columns(&context->site, filter, node->calc.projections);
        if (node->calc.filter != NULL)
            parts[count++] = node->calc.filter;
        filter = expr_and(&context->site, parts, count);
    }
    lookup->filter = filter;
    lookup->scan = node;
    join->join.lookup = lookup;
    join->input_count = 1;
}

LogicalNode *rule_lookup_join(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_lookup_join(context, node->inputs[i]);
    if (logical_is(copy, "lookup_join") && copy->input_count == 2)
        take_right(context, copy);
    return copy;
}
