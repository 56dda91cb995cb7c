/* Nodes that work by windows take the place of those that would keep their rows for ever: an
 * aggregate, a join or a Top-N whose keys hold start and end of a window.
 *
 * Inputs come first, for such a node hands the windows on. A join needs both bounds of both sides
 * to be equal, and the same kind of windows there; what else it asks stays as it is. A bounded run,
 * whose results come at its end, and windows on the clock, which have no watermark, keep the plain
 * nodes. */
#include "planner/windows.h"

static LogicalNode *join_of(const PlannerContext *context, LogicalNode *join)
{
    LogicalWindowBounds bounds = {0};
    bool has[2] = {false, false};
    if (join->join.kind == PLAN_JOIN_MARK || join->join.single)
        return join;
    for (uint32_t k = 0; k < join->join.key_count; k++) {
        PlanWindowProperty property;
        uint32_t left = join->join.keys[0][k], right = join->join.keys[1][k];
        if (!window_columns_match(join->inputs[0], left, join->inputs[1], right, &property))
            continue;
        has[property] = true;
        if (property == PLAN_WINDOW_END) {
            bounds.end = k;
            window_bound_of(join->inputs[0], left, &property, &bounds.zone);
        }
    }
    if (!has[PLAN_WINDOW_START] || !has[PLAN_WINDOW_END])
        return join;
    join->class = node_find("window_join");
    join->join.window = arena_memdup(context->arena, &bounds, sizeof(bounds));
    return join;
}

static LogicalNode *rank_of(const PlannerContext *context, LogicalNode *rank)
{
    LogicalWindowBounds bounds = {0};
    bool has[2] = {false, false};
    for (uint32_t i = 0; i < rank->rank.partition_count; i++) {
        PlanWindowProperty property;
        const TimeZone *zone;
        if (!window_bound_of(rank->inputs[0], rank->rank.partition[i], &property, &zone))
            continue;
        has[property] = true;
        if (property == PLAN_WINDOW_END)
            bounds = (LogicalWindowBounds){i, zone};
    }
    if (!has[PLAN_WINDOW_START] || !has[PLAN_WINDOW_END])
        return rank;
    rank->class = node_find("window_rank");
    rank->rank.window = arena_memdup(context->arena, &bounds, sizeof(bounds));
    return rank;
}

LogicalNode *rule_windows(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_windows(context, node->inputs[i]);
    if (logical_is(copy, "aggregate"))
        return window_aggregate_of(context, copy);
    if (logical_is(copy, "join") && !context->config->bounded_run)
        return join_of(context, copy);
    if (logical_is(copy, "rank") && !context->config->bounded_run)
        return rank_of(context, copy);
    return copy;
}
