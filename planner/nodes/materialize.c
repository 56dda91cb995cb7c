/* materialize: in front of a sink whose primary key is not the key the rows are known by. Keeps the
 * rows that share a sink key in order of arrival and shows the last of them. */
#include "planner/nodes/lower.h"

extern const NodeClass node_materialize;

static bool only_comes(const LogicalNode *node)
{
    return node->inputs[0]->changes == CHANGE_CLASS_INSERT;
}

static bool materialize_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    bool is_first = node->key.conflict == PLAN_CONFLICT_NOTHING && only_comes(node);
    node->changes = is_first           ? CHANGE_CLASS_INSERT
                    : only_comes(node) ? CHANGE_CLASS_INSERT | CHANGE_CLASS_UPDATE
                                       : CHANGE_CLASS_ALL;
    node->traits.bounded = node->inputs[0]->traits.bounded;
    node->traits.rowtime = -1;
    traits_add_key(context->arena, &node->traits, node->key.key);
    return true;
}

static bool materialize_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanMaterialize *spec = arena_new_one(context->arena, PlanMaterialize);
    spec->key = node->key.key;
    spec->upsert_key = node->key.upsert_key;
    spec->conflict = node->key.conflict;
    spec->state_ttl_ms = lower_state_ttl(context, node, 0);
    node->plan->spec = spec;
    lower_hash(&node->plan->inputs[0], spec->key.columns, spec->key.count);
    Buffer label = {0};
    buffer_append_text(&label, "SinkMaterializer(primaryKey=[");
    label_columns(node->schema, spec->key.columns, spec->key.count, &label);
    buffer_append_text(&label, "], inputUpsertKey=[");
    label_columns(node->schema, spec->upsert_key.columns, spec->upsert_key.count, &label);
    static const char *const conflicts[] = {"", ", conflict=[NOTHING]", ", conflict=[ERROR]"};
    buffer_printf(&label, "]%s)", conflicts[spec->conflict]);
    node->plan->label = label_take(context->arena, &label);
    const char *kept = !only_comes(node)                         ? "every row that is not deleted"
                       : spec->conflict == PLAN_CONFLICT_NOTHING ? "the first row"
                       : spec->conflict == PLAN_CONFLICT_ERROR   ? "the first and the last row"
                                                                 : "the last row";
    node->plan->state =
        arena_printf(context->arena, "%s, by the sink's primary key, %s; it is there because %s",
                     kept, lower_ttl_of(context, spec->state_ttl_ms), node->key.why);
    return true;
}

static void materialize_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const uint64_t *columns = node->inputs[0]->column_identities;
    for (uint32_t i = 0; i < node->key.key.count; i++)
        identity_append(text, columns[node->key.key.columns[i]]);
    buffer_append_char(text, '|');
    for (uint32_t i = 0; i < node->key.upsert_key.count; i++)
        identity_append(text, columns[node->key.upsert_key.columns[i]]);
    /* The list is the same whichever of its rows is shown, but what was shown is not. */
    if (node->key.conflict == PLAN_CONFLICT_NOTHING)
        buffer_append_text(text, "|first");
    lower_identify_rows(node, text);
    lower_identify_as_input(node);
}

static void materialize_describe(const LogicalNode *node, Buffer *out)
{
    static const char *const names[] = {"DEDUPLICATE", "NOTHING", "ERROR"};
    buffer_printf(out, "ON CONFLICT DO %s", names[node->key.conflict]);
}

const NodeClass node_materialize = {
    .op = "materialize",
    .equal = lower_equal_never,
    .derive = materialize_derive,
    .needs_before = lower_needs_before,
    .lower = materialize_lower,
    .identify = materialize_identify,
    .describe = materialize_describe,
};
