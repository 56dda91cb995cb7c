/* temporal_sort: ORDER BY whose first key is an ascending event time, over rows that only come. One
 * worker; the watermark lets rows go. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_temporal_sort;

static bool temporal_equal(const LogicalNode *a, const LogicalNode *b)
{
    return node_find("sort")->equal(a, b);
}

static bool temporal_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    lower_derive_from_input(context, node);
    bool in_time = logical_time(input, node->sort.keys[0].column) == TIME_EVENT;
    if (in_time && input->changes == CHANGE_CLASS_INSERT)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "ORDER BY without LIMIT has no end to sort at");
    error_detail(error,
                 in_time ? "Rows of the input may be taken back after they were shown in order."
                         : "Its first key is no event time any more: a regular join has lost it.");
    error_hint(error, "Add LIMIT, or SET 'execution.runtime-mode' = 'batch' over bounded tables.");
    return error_at(error, node->place.offset, node->place.length);
}

static bool temporal_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanSort *spec = arena_new_one(context->arena, PlanSort);
    *spec = (PlanSort){node->sort.keys, node->sort.key_count, 0, UINT64_MAX};
    node->plan->spec = spec;
    lower_single(node);
    Buffer label = {0};
    buffer_append_text(&label, "TemporalSort(orderBy=[");
    for (uint32_t k = 0; k < spec->key_count; k++)
        buffer_printf(&label, "%s%s %s", k == 0 ? "" : ", ",
                      node->schema->columns[spec->keys[k].column].name,
                      spec->keys[k].descending ? "DESC" : "ASC");
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = "every row until the watermark reaches its time";
    return true;
}

static void temporal_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    node_find("sort")->identify(context, node, text);
}

static void temporal_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "ORDER BY");
}

static Pruned temporal_prune(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    return node_find("sort")->prune(pruning, node, needed);
}

const NodeClass node_temporal_sort = {
    .op = "temporal_sort",
    .equal = temporal_equal,
    .derive = temporal_derive,
    .time = lower_time_of_input,
    .needs_before = lower_needs_no_before,
    .lower = temporal_lower,
    .identify = temporal_identify,
    .describe = temporal_describe,
    .prune = temporal_prune,
};
