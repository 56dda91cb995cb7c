/* Finding sub-plans that several consumers read (see shares.h). Cost: making nodes one compares
 * each with all others, kind and inputs first. */
#include "planner/shares.h"

#include <string.h>

bool logical_alike(const LogicalNode *a, const LogicalNode *b)
{
    if (a->class != b->class || a->since != b->since || a->hint_ttl_ms[0] != b->hint_ttl_ms[0] ||
        a->hint_ttl_ms[1] != b->hint_ttl_ms[1] || a->input_count != b->input_count ||
        !schema_equal(a->schema, b->schema))
        return false;
    if (a->late_table == NULL || b->late_table == NULL ? a->late_table != b->late_table
                                                       : strcmp(a->late_table, b->late_table) != 0)
        return false;
    return a->class->equal(a, b);
}

static bool nodes_equal(const LogicalNode *a, const LogicalNode *b)
{
    if (a->class != b->class || a->input_count != b->input_count)
        return false;
    for (uint32_t i = 0; i < a->input_count; i++)
        if (a->inputs[i] != b->inputs[i])
            return false;
    return logical_alike(a, b);
}

/* Inputs come first, so comparing pointers is enough. */
void logical_unify(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    LogicalOrder order = logical_order(context, roots, count);
    LogicalNode **same = arena_new_array(context->arena, LogicalNode *, order.count + 1);
    for (uint32_t n = 0; n < order.count; n++) {
        LogicalNode *node = order.nodes[n];
        node->visit = n; /* its place in `same`; the next walk sets the mark anew */
        for (uint32_t i = 0; i < node->input_count; i++)
            node->inputs[i] = same[node->inputs[i]->visit];
        same[n] = node;
        for (uint32_t earlier = 0; earlier < n; earlier++) {
            if (same[earlier] == order.nodes[earlier] && nodes_equal(order.nodes[earlier], node)) {
                same[n] = order.nodes[earlier];
                break;
            }
        }
    }
    for (uint32_t r = 0; r < count; r++)
        roots[r] = same[roots[r]->visit];
    for (uint32_t n = 0; n < order.count; n++)
        order.nodes[n]->visit = 0;
}

SharedNodes shares_find(const PlannerContext *context, LogicalNode *const *roots, uint32_t count)
{
    LogicalOrder order = logical_order(context, roots, count);
    uint32_t *consumers = arena_new_array(context->arena, uint32_t, order.count + 1);
    bool *keeps = arena_new_array(context->arena, bool, order.count + 1);
    for (uint32_t n = 0; n < order.count; n++)
        order.nodes[n]->share = n;
    for (uint32_t n = 0; n < order.count; n++)
        for (uint32_t i = 0; i < order.nodes[n]->input_count; i++)
            consumers[order.nodes[n]->inputs[i]->share]++;
    SharedNodes found = {arena_new_array(context->arena, LogicalNode *, order.count + 1), 0};
    for (uint32_t n = 0; n < order.count; n++) {
        const LogicalNode *node = order.nodes[n];
        keeps[n] = !node->class->is_light;
        for (uint32_t i = 0; i < node->input_count; i++)
            keeps[n] = keeps[n] || keeps[node->inputs[i]->share];
        if (!keeps[n] || consumers[n] < 2)
            continue;
        consumers[n] = UINT32_MAX;
        keeps[n] = false;
    }
    for (uint32_t n = order.count; n-- > 0;) {
        LogicalNode *node = order.nodes[n];
        node->share = 0;
        if (consumers[n] != UINT32_MAX)
            continue;
        found.nodes[found.count++] = node;
        node->share = found.count;
    }
    return found;
}
