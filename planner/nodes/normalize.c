/* normalize: ChangelogNormalize, over a source that gives upserts or may repeat itself: keeps the
 * last row of each primary key and makes proper changes of what arrives. */
#include "planner/nodes/lower.h"

extern const NodeClass node_normalize;

static bool normalize_equal(const LogicalNode *a, const LogicalNode *b)
{
    return column_set_equal(a->key.key, b->key.key);
}

static bool normalize_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    node->loose_pairs = node->parts_updates = false;
    node->changes = CHANGE_CLASS_ALL;
    node->traits.folds = context->config->mini_batch;
    traits_add_key(context->arena, &node->traits, node->key.key);
    return true;
}

static bool normalize_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanNormalize *spec = arena_new_one(context->arena, PlanNormalize);
    spec->key = node->key.key;
    spec->state_ttl_ms = lower_state_ttl(context, node, 0);
    node->plan->spec = spec;
    lower_hash(&node->plan->inputs[0], spec->key.columns, spec->key.count);
    Buffer label = {0};
    buffer_append_text(&label, "ChangelogNormalize(key=[");
    label_columns(node->schema, spec->key.columns, spec->key.count, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = arena_printf(context->arena, "the last row of each primary key, %s",
                                     lower_ttl_of(context, spec->state_ttl_ms));
    return true;
}

static void normalize_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    for (uint32_t i = 0; i < node->key.key.count; i++)
        identity_append(text, node->inputs[0]->column_identities[node->key.key.columns[i]]);
    lower_identify_rows(node, text);
    lower_identify_as_input(node);
}

static void normalize_describe(const LogicalNode *node, Buffer *out)
{
    node->inputs[0]->class->describe(node->inputs[0], out);
}

const NodeClass node_normalize = {
    .op = "normalize",
    .equal = normalize_equal,
    .derive = normalize_derive,
    .time = lower_time_of_input,
    .needs_before = lower_needs_no_before,
    .lower = normalize_lower,
    .identify = normalize_identify,
    .describe = normalize_describe,
    .column_of_input = lower_column_stays,
};
