/* limit: the first rows in order of arrival; rows move up when one of them goes. One worker. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_limit;

static bool limit_equal(const LogicalNode *a, const LogicalNode *b)
{
    return a->limit.offset == b->limit.offset && a->limit.limit == b->limit.limit;
}

static bool limit_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    node->loose_pairs = node->parts_updates = false;
    if (node->changes != CHANGE_CLASS_INSERT)
        node->changes = CHANGE_CLASS_INSERT | CHANGE_CLASS_DELETE;
    if (node->limit.limit <= 1)
        traits_add_key(context->arena, &node->traits, (ColumnSet){0, NULL});
    return true;
}

static bool limit_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanLimit *spec = arena_new_one(context->arena, PlanLimit);
    *spec = (PlanLimit){node->limit.offset, node->limit.limit, lower_state_ttl(context, node, 0)};
    node->plan->spec = spec;
    lower_single(node);
    Buffer label = {0};
    buffer_printf(&label, "Limit(offset=[%llu]", (unsigned long long)spec->offset);
    if (spec->limit != UINT64_MAX)
        buffer_printf(&label, ", fetch=[%llu]", (unsigned long long)spec->limit);
    buffer_append_char(&label, ')');
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = arena_printf(context->arena, "%s, %s",
                                     traits_retracts(node->inputs[0]) ? "every row of the input"
                                                                      : "a count of the rows seen",
                                     lower_ttl_of(context, spec->state_ttl_ms));
    return true;
}

static void limit_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    buffer_printf(text, "|%llu|%llu", (unsigned long long)node->limit.offset,
                  (unsigned long long)node->limit.limit);
    if (traits_retracts(node->inputs[0]))
        buffer_append_text(text, "|retracts");
    lower_identify_rows(node, text);
    lower_identify_as_input(node);
    node->row_identity = hash_bytes(text->data, text->length);
}

static void limit_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "LIMIT");
}

const NodeClass node_limit = {
    .op = "limit",
    .equal = limit_equal,
    .derive = limit_derive,
    .time = lower_time_of_input,
    .needs_before = lower_needs_before,
    .lower = limit_lower,
    .identify = limit_identify,
    .describe = limit_describe,
    .prune = prune_through,
};
