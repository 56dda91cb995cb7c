/* multi_join: several inputs joined on one key by one operator; the rows of each stay in state.
 *
 * Output keys: a unique key of every input together; an input with one row per join key adds
 * nothing to them. As in a join of two, they are upsert keys while rows of the key stay on one
 * worker. */
#include "planner/nodes/lower.h"

extern const NodeClass node_multi_join;

static bool multi_join_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalMultiJoin *x = &a->multi_join, *y = &b->multi_join;
    if (x->key_count != y->key_count)
        return false;
    for (uint32_t i = 0; i < a->input_count; i++) {
        if (x->is_left[i] != y->is_left[i] || x->hint_ttl_ms[i] != y->hint_ttl_ms[i])
            return false;
        for (uint32_t k = 0; k < x->key_count; k++)
            if (x->keys[i][k] != y->keys[i][k])
                return false;
    }
    return true;
}

static ColumnSet input_key(const PlannerContext *context, const LogicalNode *node, uint32_t input)
{
    return column_set_new(context->arena, node->multi_join.keys[input], node->multi_join.key_count);
}

/* A key of `list` that the columns contain. */
static bool contains_one(ColumnSet columns, const ColumnSet *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (column_set_contains(columns, list[i]))
            return true;
    return false;
}

/* The shortest unique key of the input, preferably one whose changes stay on one worker. */
static bool best_key(const PlannerContext *context, const LogicalNode *node, uint32_t input,
                     ColumnSet *best, bool *in_order)
{
    const StreamTraits *traits = &node->inputs[input]->traits;
    ColumnSet key = input_key(context, node, input);
    *in_order = false;
    bool found = false;
    for (uint32_t i = 0; i < traits->upsert_key_count; i++) {
        if (!column_set_contains(traits->upsert_keys[i], key) ||
            (found && traits->upsert_keys[i].count >= best->count))
            continue;
        *best = traits->upsert_keys[i];
        found = *in_order = true;
    }
    for (uint32_t i = 0; i < traits->unique_key_count && !*in_order; i++) {
        if (found && traits->unique_keys[i].count >= best->count)
            continue;
        *best = traits->unique_keys[i];
        found = true;
    }
    return found;
}

/* Adds a unique key of the input to `all`; false when it has none. */
static bool add_input(const PlannerContext *context, const LogicalNode *node, uint32_t input,
                      ColumnSet *all, bool *in_order)
{
    ColumnSet best = {0, NULL};
    bool keeps_order = false;
    uint32_t first = 0;
    if (!best_key(context, node, input, &best, &keeps_order))
        return false;
    for (uint32_t i = 0; i < input; i++)
        first += node->inputs[i]->schema->column_count;
    *all = column_set_union(context->arena, *all, best, first);
    *in_order = *in_order && keeps_order;
    return true;
}

static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    ColumnSet all = {0, NULL};
    bool in_order = true;
    bool is_told = false; /* an input that is never padded tells the rows apart */
    for (uint32_t i = 0; i < node->input_count; i++) {
        const StreamTraits *traits = &node->inputs[i]->traits;
        ColumnSet key = input_key(context, node, i);
        if (contains_one(key, traits->unique_keys, traits->unique_key_count)) {
            in_order = in_order && contains_one(key, traits->upsert_keys, traits->upsert_key_count);
            continue;
        }
        if (!add_input(context, node, i, &all, &in_order))
            return;
        is_told = is_told || !node->multi_join.is_left[i];
    }
    if (!is_told && !add_input(context, node, 0, &all, &in_order))
        return;
    if (in_order)
        traits_add_key(context->arena, &node->traits, all);
    else
        traits_add_unique_key(context->arena, &node->traits, all);
}

static bool all_inner(const LogicalNode *node)
{
    for (uint32_t i = 1; i < node->input_count; i++)
        if (node->multi_join.is_left[i])
            return false;
    return true;
}

/* Whether an update of the input is one of each combination it is in. */
static bool updates_in_place(const PlannerContext *context, const LogicalNode *node, uint32_t input)
{
    const LogicalNode *from = node->inputs[input];
    if ((from->changes & CHANGE_CLASS_UPDATE) == 0)
        return true;
    if (!all_inner(node) || from->parts_updates)
        return false;
    ColumnSet key = input_key(context, node, input);
    for (uint32_t i = 0; i < from->traits.upsert_key_count; i++)
        if (column_set_contains(from->traits.upsert_keys[i], key))
            return true;
    return false;
}

static bool multi_join_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->traits.bounded = lower_inputs_bounded(node);
    node->traits.rowtime = -1;
    node->loose_pairs = true;
    node->changes = all_inner(node) ? 0 : CHANGE_CLASS_ALL;
    for (uint32_t i = 0; i < node->input_count; i++) {
        node->changes |= node->inputs[i]->changes;
        node->parts_updates = node->parts_updates || !updates_in_place(context, node, i);
    }
    derive_keys(context, node);
    return true;
}

static bool multi_join_needs_before(const PlannerContext *context, const LogicalNode *node,
                                    uint32_t input)
{
    return node->traits.wants_before || !updates_in_place(context, node, input);
}

static const char *multi_join_label(const PlannerContext *context, const LogicalNode *node)
{
    Buffer label = {0};
    buffer_append_text(&label, "MultiJoin(joinTypes=[");
    for (uint32_t i = 1; i < node->input_count; i++)
        buffer_printf(&label, "%s%s", i == 1 ? "" : ", ",
                      node->multi_join.is_left[i] ? "LEFT" : "INNER");
    buffer_append_text(&label, "], keys=[");
    for (uint32_t i = 0; i < node->input_count; i++) {
        buffer_append_text(&label, i == 0 ? "(" : ", (");
        label_columns(node->inputs[i]->schema, node->multi_join.keys[i], node->multi_join.key_count,
                      &label);
        buffer_append_char(&label, ')');
    }
    buffer_append_text(&label, "], select=[");
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_append_text(&label, "])");
    return label_take(context->arena, &label);
}

static const char *multi_join_state(const PlannerContext *context, const LogicalNode *node,
                                    const PlanJoinSide *sides)
{
    Buffer text = {0};
    bool same = true;
    for (uint32_t i = 1; i < node->input_count; i++)
        same = same && sides[i].state_ttl_ms == sides[0].state_ttl_ms;
    buffer_printf(&text, "every row of each of its %u inputs", node->input_count);
    for (uint32_t i = 0; i < (same ? 1 : node->input_count); i++)
        buffer_printf(&text, "%s%s", i == 0 ? ", " : "; ",
                      lower_ttl_of(context, sides[i].state_ttl_ms));
    return label_take(context->arena, &text);
}

static bool multi_join_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    Arena *arena = context->arena;
    PlanMultiJoin *spec = arena_new_one(arena, PlanMultiJoin);
    PlanJoinSide *sides = arena_new_array(arena, PlanJoinSide, node->input_count);
    spec->is_left = node->multi_join.is_left;
    spec->sides = sides;
    spec->key_count = node->multi_join.key_count;
    for (uint32_t i = 0; i < node->input_count; i++) {
        lower_join_side(node->inputs[i], node->multi_join.keys[i], input_key(context, node, i),
                        &sides[i]);
        sides[i].state_ttl_ms = lower_ttl_of_hint(context, node->multi_join.hint_ttl_ms[i]);
        lower_hash(&node->plan->inputs[i], sides[i].keys, spec->key_count);
    }
    node->plan->spec = spec;
    node->plan->label = multi_join_label(context, node);
    node->plan->state = multi_join_state(context, node, sides);
    return true;
}

static void multi_join_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    uint32_t count = node->schema->column_count, at = 0;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t i = 0; i < node->input_count; i++) {
        buffer_append_text(text, node->multi_join.is_left[i] ? "|left" : "|inner");
        for (uint32_t k = 0; k < node->multi_join.key_count; k++)
            identity_append(text, node->inputs[i]->column_identities[node->multi_join.keys[i][k]]);
    }
    node->row_identity = hash_bytes(text->data, text->length);
    for (uint32_t i = 0; i < node->input_count; i++) {
        for (uint32_t c = 0; c < node->inputs[i]->schema->column_count; c++) {
            Buffer column = {0};
            identity_append(&column, node->row_identity);
            identity_append(&column, node->inputs[i]->column_identities[c]);
            buffer_printf(&column, "%u", i); /* inputs may be the same table */
            columns[at++] = hash_bytes(column.data, column.length);
            buffer_deinit(&column);
        }
    }
    node->column_identities = columns;
    lower_identify_rows(node, text);
    const PlanMultiJoin *spec = node->plan->spec;
    for (uint32_t i = 0; i < node->input_count; i++) {
        buffer_printf(text, "|%d", (int)spec->sides[i].state);
        for (uint32_t c = 0; c < spec->sides[i].unique.count; c++)
            identity_append(text,
                            node->inputs[i]->column_identities[spec->sides[i].unique.columns[c]]);
    }
}

static void multi_join_describe(const LogicalNode *node, Buffer *out)
{
    buffer_printf(out, "a JOIN of %u tables", node->input_count);
}

const NodeClass node_multi_join = {
    .op = "multi_join",
    .equal = multi_join_equal,
    .derive = multi_join_derive,
    .passes_before = true,
    .needs_before = multi_join_needs_before,
    .lower = multi_join_lower,
    .identify = multi_join_identify,
    .describe = multi_join_describe,
};
