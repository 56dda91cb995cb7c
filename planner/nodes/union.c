/* union: UNION ALL. Nothing is unique any more; a time attribute stays one where all inputs agree.
 */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_union;

static TimeKind union_time(const LogicalNode *node, uint32_t column)
{
    TimeKind time = logical_time(node->inputs[0], column);
    for (uint32_t i = 1; i < node->input_count; i++)
        if (logical_time(node->inputs[i], column) != time)
            return TIME_NONE;
    return time;
}

static bool union_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->changes = 0;
    node->traits.bounded = lower_inputs_bounded(node);
    node->traits.rowtime = logical_rowtime(node);
    for (uint32_t i = 0; i < node->input_count; i++) {
        node->changes |= node->inputs[i]->changes;
        node->loose_pairs = node->loose_pairs || node->inputs[i]->loose_pairs;
        node->parts_updates = node->parts_updates || node->inputs[i]->parts_updates;
    }
    return true;
}

static bool union_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    Buffer label = {0};
    buffer_append_text(&label, "Union(all=[true], union=[");
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void union_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    node->row_identity = hash_bytes(text->data, text->length);
    for (uint32_t c = 0; c < count; c++) {
        Buffer column = {0};
        for (uint32_t i = 0; i < node->input_count; i++)
            identity_append(&column, node->inputs[i]->column_identities[c]);
        columns[c] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
        identity_append(text, columns[c]);
    }
    node->column_identities = columns;
}

static void union_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "UNION ALL");
}

static Pruned prune_union(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    uint32_t kept = 0;
    uint32_t *map = prune_kept(arena, keep, count, &kept);
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] =
            prune_exactly(pruning->context, prune_input(pruning, node->inputs[i], keep),
                          node->inputs[i]->schema, keep);
    copy->schema = prune_schema(arena, node->schema, map, kept);
    return (Pruned){copy, map};
}

static LogicalNode *push_union(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++)
        conjuncts_add(context->arena, expr_is_deterministic(list->items[i]) ? &below : &above,
                      list->items[i]);
    return push_above(pushing, push_inputs(pushing, node, &below), &above);
}

const NodeClass node_union = {
    .op = "union",
    .equal = lower_equal_always,
    .derive = union_derive,
    .time = union_time,
    .passes_before = true,
    .needs_before = lower_passes_need,
    .lower = union_lower,
    .identify = union_identify,
    .describe = union_describe,
    .prune = prune_union,
    .push = push_union,
    .is_light = true,
};
