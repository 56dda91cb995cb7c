/* mini_batch: above a node whose rows change by key, where table.exec.mini-batch.enabled asks to
 * tell a bundle of changes as one. It wants -U, to see when a row is what it was before. */
#include "planner/lower.h"

extern const NodeClass node_mini_batch;

/* Kinds of node whose results change by a key that is known here, and the key: the first columns of
 * an aggregate, the key of the others. */
static bool folding_key(const PlannerContext *context, const LogicalNode *node, ColumnSet *key)
{
    if (logical_is(node, "normalize")) {
        *key = node->key.key;
        return true;
    }
    if (!logical_is(node, "aggregate") || node->aggregate.part == AGGREGATE_PARTIAL)
        return false; /* what stands above a part has its bundle */
    uint32_t count = node->aggregate.key_count;
    uint32_t *columns = arena_new_array(context->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = i;
    *key = (ColumnSet){count, columns};
    return true;
}

static bool check_options(const PlannerConfig *config, Error *error)
{
    if (config->mini_batch_latency_ms > 0 && config->mini_batch_size > 0)
        return true;
    bool latency = config->mini_batch_latency_ms <= 0;
    error_set(error, ERROR_OPTION, "table.exec.mini-batch.enabled needs %s",
              latency ? "table.exec.mini-batch.allow-latency" : "table.exec.mini-batch.size");
    return latency
               ? error_hint(error, "SET 'table.exec.mini-batch.allow-latency' = '1 s': the "
                                   "longest a change may wait.")
               : error_hint(error, "SET 'table.exec.mini-batch.size' = '5000': the most changes "
                                   "that may wait.");
}

/* Parts of one group change one after the other: without bundles each step would be told. */
static bool check_split(const PlannerContext *context, const LogicalOrder *order, Error *error)
{
    for (uint32_t n = 0; n < order->count && context->config->split_distinct; n++) {
        const LogicalNode *node = order->nodes[n];
        if (!logical_is(node, "aggregate") || node->aggregate.part != AGGREGATE_FINAL)
            continue;
        error_set(error, ERROR_OPTION,
                  "table.optimizer.distinct-agg.split.enabled needs "
                  "table.exec.mini-batch.enabled");
        error_hint(error, "Spread over workers, the parts of a group are put together once a "
                          "bundle.");
        return error_at(error, node->place.offset, node->place.length);
    }
    return true;
}

bool mini_batch_insert(const PlannerContext *context, LogicalNode **roots, uint32_t count,
                       Error *error)
{
    LogicalOrder order = logical_order(context, roots, count);
    if (context->config->bounded_run)
        return true;
    if (!context->config->mini_batch)
        return check_split(context, &order, error);
    if (!check_options(context->config, error))
        return false;
    LogicalNode **above = arena_new_array(context->arena, LogicalNode *, order.count + 1);
    for (uint32_t n = 0; n < order.count; n++) {
        LogicalNode *node = order.nodes[n];
        node->visit = n; /* its place in `above`; the next walk sets the mark anew */
        for (uint32_t i = 0; i < node->input_count; i++)
            node->inputs[i] = above[node->inputs[i]->visit];
        ColumnSet key;
        above[n] = node;
        if (!folding_key(context, node, &key))
            continue;
        above[n] = logical_new_unary(context->arena, "mini_batch", node->schema, node, node->place);
        above[n]->key.key = key;
        above[n]->since = node->since;
    }
    for (uint32_t n = 0; n < order.count; n++)
        order.nodes[n]->visit = 0;
    return true;
}

static bool mini_batch_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    node->loose_pairs = node->parts_updates = false;
    node->traits.folds = true;
    return true;
}

static bool mini_batch_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanMiniBatch *spec = arena_new_one(context->arena, PlanMiniBatch);
    spec->key = node->key.key;
    spec->size = context->config->mini_batch_size;
    spec->latency_ms = context->config->mini_batch_latency_ms;
    spec->keeps_alive = lower_state_ttl(context, node->inputs[0], 0) > 0;
    node->plan->spec = spec;
    node->plan->parallelism = node->inputs[0]->plan->parallelism;
    Buffer label = {0};
    buffer_append_text(&label, "MiniBatch(key=[");
    label_columns(node->schema, spec->key.columns, spec->key.count, &label);
    buffer_printf(&label, "], size=[%lld], latency=[%lld ms])", (long long)spec->size,
                  (long long)spec->latency_ms);
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void mini_batch_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    lower_identify_as_input(node);
}

static void mini_batch_describe(const LogicalNode *node, Buffer *out)
{
    node->inputs[0]->class->describe(node->inputs[0], out);
}

const NodeClass node_mini_batch = {
    .op = "mini_batch",
    .equal = lower_equal_never,
    .derive = mini_batch_derive,
    .time = lower_time_of_input,
    .needs_before = lower_needs_before,
    .lower = mini_batch_lower,
    .identify = mini_batch_identify,
    .describe = mini_batch_describe,
};
