/* unnest: a row per element of a list, or with `outer` one of NULLs where there is none.
 *
 * The elements of an updated row need not be as many as before, so halves of updates stand apart
 * and may lack the other. With their numbers rows are known by a key of the input's rows and the
 * number; the entries of a map by such a key and theirs. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_unnest;

static bool unnest_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalUnnest *x = &a->unnest, *y = &b->unnest;
    return x->passed_count == y->passed_count && x->list == y->list &&
           x->ordinality == y->ordinality && x->outer == y->outer &&
           (x->condition == NULL) == (y->condition == NULL) &&
           (x->condition == NULL ||
            (expr_equal(x->condition, y->condition) && expr_is_deterministic(x->condition))) &&
           memcmp(x->passed, y->passed, sizeof(*x->passed) * x->passed_count) == 0;
}

static const Type *list_type(const LogicalNode *node)
{
    return node->inputs[0]->schema->columns[node->unnest.list].type;
}

/* Keys of the input with the column that tells elements of one row apart. */
static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    const LogicalUnnest *unnest = &node->unnest;
    const LogicalNode *input = node->inputs[0];
    bool is_map = list_type(node)->kind == TYPE_MAP;
    if (!is_map && !unnest->ordinality)
        return;
    uint32_t which = is_map ? unnest->passed_count : node->schema->column_count - 1;
    uint32_t *map = arena_new_array(context->arena, uint32_t, input->schema->column_count + 1);
    for (uint32_t i = 0; i < input->schema->column_count; i++)
        map[i] = UINT32_MAX;
    for (uint32_t i = 0; i < unnest->passed_count; i++)
        map[unnest->passed[i]] = i;
    StreamTraits mapped;
    memset(&mapped, 0, sizeof(mapped));
    traits_map_keys(context->arena, &mapped, &input->traits, map);
    ColumnSet element = column_set_new(context->arena, &which, 1);
    for (uint32_t i = 0; i < mapped.unique_key_count; i++)
        traits_add_unique_key(context->arena, &node->traits,
                              column_set_union(context->arena, mapped.unique_keys[i], element, 0));
    for (uint32_t i = 0; i < mapped.upsert_key_count; i++)
        traits_add_key(context->arena, &node->traits,
                       column_set_union(context->arena, mapped.upsert_keys[i], element, 0));
}

static bool unnest_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    node->changes = input->changes;
    node->loose_pairs = true;
    node->parts_updates = (input->changes & CHANGE_CLASS_UPDATE) != 0;
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    derive_keys(context, node);
    return true;
}

static TimeKind unnest_time(const LogicalNode *node, uint32_t column)
{
    if (column >= node->unnest.passed_count)
        return TIME_NONE;
    return logical_time(node->inputs[0], node->unnest.passed[column]);
}

static bool unnest_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalUnnest *unnest = &node->unnest;
    const LogicalNode *input = node->inputs[0];
    PlanUnnest *spec = arena_new_one(context->arena, PlanUnnest);
    *spec = (PlanUnnest){unnest->passed,     unnest->passed_count, unnest->list,
                         unnest->ordinality, unnest->outer,        unnest->condition};
    node->plan->spec = spec;
    Buffer label = {0};
    const Expr *list = logical_is(input, "calc") ? input->calc.projections[unnest->list] : NULL;
    buffer_append_text(&label, "Correlate(invocation=[UNNEST(");
    if (list != NULL)
        expr_print(list, input->inputs[0]->schema, &label);
    else
        buffer_append_text(&label, input->schema->columns[unnest->list].name);
    buffer_printf(&label, ")%s], select=[", unnest->ordinality ? " WITH ORDINALITY" : "");
    label_columns(node->schema, NULL, node->schema->column_count, &label);
    buffer_printf(&label, "], joinType=[%s]", unnest->outer ? "LEFT" : "INNER");
    if (unnest->condition != NULL) {
        buffer_append_text(&label, ", condition=[");
        expr_print(unnest->condition, node->schema, &label);
        buffer_append_char(&label, ']');
    }
    buffer_append_char(&label, ')');
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void unnest_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalUnnest *unnest = &node->unnest;
    const uint64_t *input = node->inputs[0]->column_identities;
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    identity_append(text, input[unnest->list]);
    buffer_printf(text, "|%d", unnest->outer ? 1 : 0);
    for (uint32_t i = 0; i < count; i++) {
        if (i < unnest->passed_count) {
            columns[i] = input[unnest->passed[i]];
            continue;
        }
        bool is_number = unnest->ordinality && i + 1 == count;
        Buffer column = {0};
        identity_append(&column, input[unnest->list]);
        buffer_printf(&column, "|element %d", is_number ? -1 : (int)(i - unnest->passed_count));
        columns[i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    node->column_identities = columns;
    if (unnest->condition != NULL)
        identity_append_expr(text, unnest->condition, columns);
    node->row_identity = hash_bytes(text->data, text->length);
}

static void unnest_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "UNNEST");
}

static Pruned prune_unnest(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    const LogicalUnnest *unnest = &node->unnest;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    memset(keep + unnest->passed_count, true, count - unnest->passed_count);
    if (unnest->condition != NULL)
        expr_mark_columns(unnest->condition, keep);
    uint32_t kept = 0;
    uint32_t *map = prune_kept(arena, keep, count, &kept);
    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    used[unnest->list] = true;
    for (uint32_t i = 0; i < unnest->passed_count; i++)
        used[unnest->passed[i]] = used[unnest->passed[i]] || keep[i];
    Pruned input = prune_input(pruning, node->inputs[0], used);
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->schema = prune_schema(arena, node->schema, map, kept);
    if (unnest->condition != NULL)
        copy->unnest.condition = expr_map_columns(&pruning->context->site, unnest->condition, map);
    copy->unnest.list = input.map[unnest->list];
    copy->unnest.passed_count = 0;
    copy->unnest.passed = arena_new_array(arena, uint32_t, unnest->passed_count + 1);
    for (uint32_t i = 0; i < unnest->passed_count; i++)
        if (keep[i])
            copy->unnest.passed[copy->unnest.passed_count++] = input.map[unnest->passed[i]];
    return (Pruned){copy, map};
}

static int64_t unnest_filter_column(const LogicalNode *node, uint32_t column)
{
    return column < node->unnest.passed_count ? (int64_t)node->unnest.passed[column] : -1;
}

const NodeClass node_unnest = {
    .op = "unnest",
    .equal = unnest_equal,
    .derive = unnest_derive,
    .time = unnest_time,
    .passes_before = true,
    .needs_before = lower_needs_before,
    .lower = unnest_lower,
    .identify = unnest_identify,
    .describe = unnest_describe,
    .prune = prune_unnest,
    .filter_column = unnest_filter_column,
    .is_light = true,
};
