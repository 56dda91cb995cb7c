/* local_aggregate: the first of two phases of an aggregate, in front of the exchange.
 *
 * The rows of a batch are added up where they are, one row per group, before they travel to the
 * worker that has the group; there the aggregate merges what comes. So many rows of few groups cost
 * little to send, and an aggregate without keys uses all workers. What is told is one change per
 * key and batch, so it is only where a bundle is one change anyway: with mini-batch, in bounded
 * runs, and where single changes cannot be seen (rules/fold_unseen.c). Every call must be one whose
 * states can be merged: DISTINCT, MIN and MAX over rows that go, and calls that keep all their
 * values are not.
 *
 * The state of the aggregate is the same with and without this node, and so is its identity: a job
 * may get a local phase or lose it: with one or without, its rows lie by the same keys. */
#include <string.h>

#include "planner/nodes/lower.h"

extern const NodeClass node_local_aggregate;

bool local_aggregate_merges(const PlanAggregateCall *call, bool retracts)
{
    const BoundAggregate *bound = &call->call;
    if (call->distinct || bound->merge == NULL || bound->merges_slowly ||
        bound->keeps != AGGREGATE_KEEPS_NONE)
        return false;
    return !retracts || (bound->merges_changes && !bound->ordered_when_retracting);
}

typedef enum Phases { ONE_PHASE, TWO_PHASES, MAYBE_TWO_PHASES } Phases;

static Phases phases_of(const PlannerConfig *config)
{
    if (config->agg_phase == NULL || strcmp(config->agg_phase, "ONE_PHASE") == 0)
        return ONE_PHASE;
    return strcmp(config->agg_phase, "TWO_PHASE") == 0 ? TWO_PHASES : MAYBE_TWO_PHASES;
}

bool local_aggregate_is_asked(const PlannerConfig *config)
{
    Phases phases = phases_of(config);
    return phases == TWO_PHASES || (phases == MAYBE_TWO_PHASES && config->parallelism >= 2);
}

static bool refuse(const LogicalNode *node, Error *error)
{
    error_set(error, ERROR_OPTION,
              "table.optimizer.agg-phase-strategy = TWO_PHASE needs table.exec.mini-batch.enabled");
    error_hint(error, "Without bundles every row's change is told, which two phases cannot do; "
                      "'AUTO' takes two phases where it can.");
    return error_at(error, node->place.offset, node->place.length);
}

/* Keys, states, and how many rows came. */
static const Schema *partial_schema(const PlannerContext *context, const LogicalNode *node,
                                    bool retracts)
{
    Arena *arena = context->arena;
    uint32_t keys = node->aggregate.key_count;
    Column *columns = arena_new_array(arena, Column, keys + 2);
    for (uint32_t k = 0; k < keys; k++)
        columns[k] = node->inputs[0]->schema->columns[node->aggregate.keys[k]];
    columns[keys] = (Column){"states", type_with_nullable(arena, &type_bytes, false)};
    columns[keys + 1] = (Column){"rows", type_with_nullable(arena, &type_bigint, false)};
    return schema_new(arena, columns, keys + (retracts ? 2 : 1));
}

bool local_aggregate_insert(const PlannerContext *context, LogicalNode *node, Error *error)
{
    Arena *arena = context->arena;
    LogicalAggregate *aggregate = &node->aggregate;
    bool retracts = node->inputs[0]->changes != CHANGE_CLASS_INSERT;
    const PlannerConfig *config = context->config;
    Phases phases = phases_of(config);
    if (phases == ONE_PHASE || aggregate->call_count == 0)
        return true;
    if (!config->mini_batch && !config->bounded_run && !aggregate->unseen)
        return phases != TWO_PHASES || refuse(node, error);
    if (phases == MAYBE_TWO_PHASES && config->parallelism < 2)
        return true;
    for (uint32_t c = 0; c < aggregate->call_count; c++) {
        PlanAggregateCall call;
        if (!lower_aggregate_call(context, node, c, retracts, &call, error))
            return false;
        if (!local_aggregate_merges(&call, retracts))
            return true;
    }
    LogicalNode *local =
        logical_new_unary(arena, "local_aggregate", partial_schema(context, node, retracts),
                          node->inputs[0], node->place);
    local->since = node->since;
    local->aggregate = *aggregate;
    node->inputs[0] = local;
    node->traits.folds = true;
    aggregate->keys = arena_new_array(arena, uint32_t, aggregate->key_count + 1);
    for (uint32_t k = 0; k < aggregate->key_count; k++)
        aggregate->keys[k] = k;
    return local->class->derive(context, local, error);
}

static bool local_aggregate_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = node->inputs[0]->traits.bounded;
    node->traits.rowtime = -1;
    return true;
}

static bool local_aggregate_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    PlanAggregate *spec = arena_new_one(context->arena, PlanAggregate);
    spec->keys = aggregate->keys;
    spec->key_count = aggregate->key_count;
    spec->call_count = aggregate->call_count;
    spec->calls = arena_new_array(context->arena, PlanAggregateCall, aggregate->call_count + 1);
    spec->input_retracts = traits_retracts(node->inputs[0]);
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        if (!lower_aggregate_call(context, node, i, spec->input_retracts, &spec->calls[i], error))
            return false;
    node->plan->spec = spec;
    Buffer label = {0};
    buffer_append_text(&label, "LocalGroupAggregate(");
    lower_aggregate_keys(node, &label);
    lower_aggregate_partials(node, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    return true;
}

/* The keys are what they are in the input, and the rows are the input's to whoever asks. */
static void local_aggregate_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalNode *input = node->inputs[0];
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t k = 0; k < node->aggregate.key_count; k++)
        columns[k] = input->column_identities[node->aggregate.keys[k]];
    for (uint32_t c = node->aggregate.key_count; c < count; c++)
        columns[c] = input->row_identity + c;
    node->column_identities = columns;
    node->row_identity = input->row_identity;
}

static void local_aggregate_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "GROUP BY");
}

const NodeClass node_local_aggregate = {
    .op = "local_aggregate",
    .equal = lower_aggregate_equal,
    .derive = local_aggregate_derive,
    .needs_before = lower_needs_before,
    .lower = local_aggregate_lower,
    .identify = local_aggregate_identify,
    .describe = local_aggregate_describe,
    .column_of_input = lower_aggregate_column_of_input,
};
