/* set_operation: INTERSECT and EXCEPT over whole rows, distinct or with ALL.
 *
 * A row comes and goes as a whole, so no change is an update. What was unique on the left is unique
 * in the result, for INTERSECT also what was so on the right; but only the whole row keeps its
 * changes in order, since rows are spread by all their columns. With ALL even that takes a side
 * whose own changes come in order: else a row may come again before it goes, and is there twice. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_set_operation;

static bool set_equal(const LogicalNode *a, const LogicalNode *b)
{
    return a->set_operation.except == b->set_operation.except &&
           a->set_operation.all == b->set_operation.all;
}

static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    uint32_t count = node->schema->column_count;
    uint32_t *all = arena_new_array(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        all[i] = i;
    bool unique = !node->set_operation.all;
    for (uint32_t s = 0; s < (node->set_operation.except ? 1 : 2); s++) {
        const StreamTraits *side = &node->inputs[s]->traits;
        unique = unique || side->upsert_key_count != 0;
        traits_map_unique_keys(arena, &node->traits, side, all);
    }
    if (unique)
        traits_add_key(arena, &node->traits, column_set_new(arena, all, count));
}

static bool set_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    bool grows = !node->set_operation.except && node->inputs[0]->changes == CHANGE_CLASS_INSERT &&
                 node->inputs[1]->changes == CHANGE_CLASS_INSERT;
    node->changes = grows ? CHANGE_CLASS_INSERT : CHANGE_CLASS_INSERT | CHANGE_CLASS_DELETE;
    node->traits.bounded = lower_inputs_bounded(node);
    derive_keys(context, node);
    return true;
}

static bool set_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    uint32_t count = node->schema->column_count;
    PlanSetOperation *spec = arena_new_one(context->arena, PlanSetOperation);
    *spec = (PlanSetOperation){node->set_operation.except, node->set_operation.all,
                               context->config->state_ttl_ms};
    node->plan->spec = spec;
    Buffer label = {0};
    buffer_printf(&label, "%s(all=[%s], row=[", spec->except ? "Except" : "Intersect",
                  spec->all ? "true" : "false");
    label_columns(node->schema, NULL, count, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = arena_printf(
        context->arena, "two counts per different row of both sides, %s", lower_ttl_text(context));
    uint32_t *all = arena_new_array(context->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        all[i] = i;
    for (uint32_t s = 0; s < 2; s++)
        lower_hash(&node->plan->inputs[s], all, count);
    return true;
}

static void set_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    buffer_printf(text, "|%d|%d", node->set_operation.except ? 1 : 0,
                  node->set_operation.all ? 1 : 0);
    lower_identify_rows(node, text);
    node->row_identity = hash_bytes(text->data, text->length);
    for (uint32_t c = 0; c < count; c++) {
        Buffer column = {0};
        identity_append(&column, node->row_identity);
        buffer_printf(&column, "|%u", c);
        columns[c] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    node->column_identities = columns;
}

static void set_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, node->set_operation.except ? "EXCEPT" : "INTERSECT");
    if (node->set_operation.all)
        buffer_append_text(out, " ALL");
}

/* A row that one side does not show is not there for the other either. */
static int64_t set_filter_column(const LogicalNode *node, uint32_t column)
{
    return column;
}

const NodeClass node_set_operation = {
    .op = "set_operation",
    .equal = set_equal,
    .derive = set_derive,
    .needs_before = lower_needs_before,
    .lower = set_lower,
    .identify = set_identify,
    .describe = set_describe,
    .filter_column = set_filter_column,
};
