/* From logical trees to the plan: rules, shared sub-plans, stream properties, lowering.
 *
 * The order of the rules matters: filters move before keys are taken from conditions, keys are
 * there before unused columns go, and calcs are merged when no rule makes new ones. Then equal
 * subtrees become one node, which is how WITH entries, views and scans used twice run once. */
#include <string.h>

#include "planner/shares.h"

static void set_since(LogicalNode *node, uint64_t since)
{
    node->since = since;
    for (uint32_t i = 0; i < node->input_count; i++)
        set_since(node->inputs[i], since);
}

/* Marks every tree with the epoch its INSERT joined at. */
static void mark_since(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    const PlannerConfig *config = context->config;
    for (uint32_t r = 0; r < count; r++)
        set_since(roots[r], r < config->since_count ? config->since[r] : 0);
}

/* Makes equal sub-plans one, as far as their INSERTs joined together. */
static void unify(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    mark_since(context, roots, count); /* rules have made nodes */
    logical_unify(context, roots, count);
}

static void rewrite(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    unify(context, roots, count);
    rule_push_filters(context, roots, count);
    for (uint32_t r = 0; r < count; r++) {
        roots[r] = rule_rank(context, roots[r]);
        roots[r] = rule_extract_join_keys(context, roots[r]);
        roots[r] = rule_windows(context, roots[r]);
        roots[r] = rule_interval_join(context, roots[r]);
    }
    unify(context, roots, count);
    rule_prune_columns(context, roots, count);
    for (uint32_t r = 0; r < count; r++) {
        roots[r] = rule_multi_join(context, roots[r]);
        roots[r] = rule_merge_calcs(context, roots[r]);
    }
    unify(context, roots, count);
    rule_push_fields(context, roots, count);
    rule_prune_columns(context, roots, count);
    for (uint32_t r = 0; r < count; r++) {
        roots[r] = rule_lookup_join(context, rule_merge_calcs(context, roots[r]));
        roots[r] = rule_split_distinct(context, roots[r]);
    }
    mark_since(context, roots, count);
    rule_share_scans(context, roots, count);
    for (uint32_t r = 0; r < count; r++)
        roots[r] = rule_merge_calcs(context, roots[r]);
    unify(context, roots, count);
}

static PlanNode *plan_node(const PlannerContext *context, LogicalNode *node, uint32_t id)
{
    PlanNode *plan = arena_new_one(context->arena, PlanNode);
    plan->id = id;
    plan->op = node->class->op;
    plan->uid = "";
    plan->schema = node->schema;
    plan->input_count = node->input_count;
    plan->inputs = arena_new_array(context->arena, PlanInput, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        plan->inputs[i].node = node->inputs[i]->plan;
    plan->traits = node->traits;
    plan->sql_offset = node->place.offset;
    return plan;
}

Plan *plan_build(const PlannerContext *context, LogicalNode **roots, uint32_t count, Str sql,
                 int64_t sql_start, Error *error)
{
    for (uint32_t r = 0; r < count; r++)
        if (logical_is(roots[r], "sink"))
            roots[r]->sink.number = r;
    rewrite(context, roots, count);
    logical_find_late(context, roots, count);
    if (!traits_derive(context, roots, count, error))
        return NULL;
    LogicalOrder order = logical_order(context, roots, count);
    rule_read_fields(context, &order);
    Plan *plan = arena_new_one(context->arena, Plan);
    plan->arena = context->arena;
    plan->node_count = order.count;
    plan->nodes = arena_new_array(context->arena, PlanNode *, order.count + 1);
    plan->max_parallelism = context->config->max_parallelism;
    plan->sql = (Str){arena_str(context->arena, sql), sql.length};
    plan->sql_start = sql_start;
    for (uint32_t n = 0; n < order.count; n++) {
        LogicalNode *node = order.nodes[n];
        node->plan = plan->nodes[n] = plan_node(context, node, n);
        if (!node->class->lower(context, node, error))
            return NULL;
    }
    plan_place(context, &order);
    plan_identify(context, &order);
    return plan;
}

void plan_free(Plan *plan)
{
    if (plan != NULL)
        arena_free(plan->arena);
}
