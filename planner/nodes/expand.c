/* expand: every row once per grouping set, for the aggregate above it.
 *
 * A row stays a row of each set, so what is unique is unique with the set's id. The halves of an
 * update stand apart, a set's halves between them. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_expand;

static bool expand_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalExpand *x = &a->expand, *y = &b->expand;
    return x->passed_count == y->passed_count && x->key_count == y->key_count &&
           x->set_count == y->set_count &&
           memcmp(x->passed, y->passed, sizeof(*x->passed) * x->passed_count) == 0 &&
           memcmp(x->keys, y->keys, sizeof(*x->keys) * x->key_count) == 0 &&
           memcmp(x->ids, y->ids, sizeof(*x->ids) * x->set_count) == 0;
}

static bool expand_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    node->changes = input->changes;
    node->loose_pairs = true;
    node->parts_updates = input->parts_updates;
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    return true;
}

static TimeKind expand_time(const LogicalNode *node, uint32_t column)
{
    if (column >= node->expand.passed_count)
        return TIME_NONE; /* a key may be NULL */
    return logical_time(node->inputs[0], node->expand.passed[column]);
}

static void print_set(const LogicalNode *node, int64_t id, Buffer *out)
{
    const LogicalExpand *expand = &node->expand;
    const Schema *input = node->inputs[0]->schema;
    buffer_append_char(out, '{');
    for (uint32_t i = 0; i < expand->passed_count; i++)
        buffer_printf(out, "%s, ", input->columns[expand->passed[i]].name);
    for (uint32_t k = 0; k < expand->key_count; k++) {
        bool out_of_set = (id >> (expand->key_count - 1 - k) & 1) != 0;
        const char *name = node->schema->columns[expand->passed_count + k].name;
        const char *from = out_of_set ? "null" : input->columns[expand->keys[k]].name;
        buffer_append_text(out, from);
        if (strcmp(from, name) != 0)
            buffer_printf(out, " AS %s", name);
        buffer_append_text(out, ", ");
    }
    buffer_printf(out, "%lld AS $e}", (long long)id);
}

static bool expand_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalExpand *expand = &node->expand;
    PlanExpand *spec = arena_new_one(context->arena, PlanExpand);
    *spec = (PlanExpand){expand->passed,    expand->passed_count, expand->keys,
                         expand->key_count, expand->ids,          expand->set_count};
    node->plan->spec = spec;
    Buffer label = {0};
    buffer_append_text(&label, "Expand(projects=[");
    for (uint32_t s = 0; s < expand->set_count; s++) {
        if (s != 0)
            buffer_append_text(&label, ", ");
        print_set(node, expand->ids[s], &label);
    }
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void expand_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalExpand *expand = &node->expand;
    const uint64_t *input = node->inputs[0]->column_identities;
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t k = 0; k < expand->key_count; k++)
        identity_append(text, input[expand->keys[k]]);
    for (uint32_t s = 0; s < expand->set_count; s++)
        buffer_printf(text, "|%lld", (long long)expand->ids[s]);
    node->row_identity = hash_bytes(text->data, text->length);
    for (uint32_t i = 0; i < expand->passed_count; i++)
        columns[i] = input[expand->passed[i]];
    for (uint32_t i = expand->passed_count; i < count; i++) {
        Buffer column = {0};
        buffer_append(&column, text->data, text->length);
        buffer_printf(&column, "|key %u", i - expand->passed_count);
        columns[i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    node->column_identities = columns;
}

static void expand_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "GROUPING SETS");
}

static Pruned prune_expand(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    const LogicalExpand *expand = &node->expand;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    memset(keep + expand->passed_count, true, count - expand->passed_count);
    uint32_t kept = 0;
    uint32_t *map = prune_kept(arena, keep, count, &kept);
    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    for (uint32_t i = 0; i < expand->passed_count; i++)
        used[expand->passed[i]] = used[expand->passed[i]] || keep[i];
    for (uint32_t k = 0; k < expand->key_count; k++)
        used[expand->keys[k]] = true;
    Pruned input = prune_input(pruning, node->inputs[0], used);
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->schema = prune_schema(arena, node->schema, map, kept);
    copy->expand.passed_count = 0;
    copy->expand.passed = arena_new_array(arena, uint32_t, expand->passed_count + 1);
    for (uint32_t i = 0; i < expand->passed_count; i++)
        if (keep[i])
            copy->expand.passed[copy->expand.passed_count++] = input.map[expand->passed[i]];
    copy->expand.keys = prune_columns(arena, expand->keys, expand->key_count, input.map);
    return (Pruned){copy, map};
}

/* Keys that every set has are what they were. */
static int64_t expand_filter_column(const LogicalNode *node, uint32_t column)
{
    const LogicalExpand *expand = &node->expand;
    if (column < expand->passed_count)
        return expand->passed[column];
    uint32_t key = column - expand->passed_count;
    if (key >= expand->key_count)
        return -1;
    for (uint32_t s = 0; s < expand->set_count; s++)
        if ((expand->ids[s] >> (expand->key_count - 1 - key) & 1) != 0)
            return -1;
    return expand->keys[key];
}

const NodeClass node_expand = {
    .op = "expand",
    .equal = expand_equal,
    .derive = expand_derive,
    .time = expand_time,
    .passes_before = true,
    .needs_before = lower_passes_need,
    .lower = expand_lower,
    .identify = expand_identify,
    .describe = expand_describe,
    .prune = prune_expand,
    .filter_column = expand_filter_column,
    .is_light = true,
};
