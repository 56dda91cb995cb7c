/* mini_batch: above a node whose rows change by key, where table.exec.mini-batch.enabled asks to
 * tell a bundle of changes as one. It wants -U, to see when a row is what it was before, unless the
 * row is a new one anyway. An aggregate needs none: it knows its groups and tells them once a
 * bundle by itself. */
#include "planner/nodes/lower.h"

extern const NodeClass node_mini_batch;

/* -------------------------------------------------------------------- by which key */

/* The least columns by which its rows are known and in order; NULL: none are. */
static const ColumnSet *least_key(const LogicalNode *node)
{
    const ColumnSet *least = NULL;
    for (uint32_t i = 0; i < node->traits.upsert_key_count; i++)
        if (least == NULL || node->traits.upsert_keys[i].count < least->count)
            least = &node->traits.upsert_keys[i];
    return least;
}

static bool is_folding_join(const LogicalNode *node)
{
    return logical_is(node, "multi_join") ||
           (logical_is(node, "join") && !logical_is_half_join(node->join.kind));
}

/* Kinds of node whose results change by a key that is known, and the key: the partition of the last
 * row of each, the upsert key of what a join gives. */
static bool folding_key(const PlannerContext *context, const LogicalNode *node, ColumnSet *key)
{
    if (node->changes == CHANGE_CLASS_INSERT)
        return false;
    if (logical_is(node, "normalize")) {
        *key = node->key.key;
        return true;
    }
    if (logical_is(node, "rank")) {
        *key = column_set_new(context->arena, node->rank.partition, node->rank.partition_count);
        return lower_rank_keeps_last(context, node);
    }
    if (is_folding_join(node)) {
        const ColumnSet *least = least_key(node);
        *key = least == NULL ? *key : *least;
        return least != NULL;
    }
    return false;
}

/* What stands above a part has its bundle. */
static bool bundles_itself(const LogicalNode *node)
{
    return logical_is(node, "aggregate") && node->aggregate.part != AGGREGATE_PARTIAL &&
           node->changes != CHANGE_CLASS_INSERT;
}

/* --------------------------------------------------------------------- which options */

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

static bool is_on(const PlannerContext *context)
{
    return context->config->mini_batch && !context->config->bounded_run;
}

/* ------------------------------------------------------------------------ where */

struct MiniBatches {
    const LogicalOrder *order;
    LogicalNode **above; /* by place in the order: what consumers of the node read */
    bool *versions;      /* likewise: a temporal join sees every version of its rows */
};

static uint32_t place_of(const MiniBatches *bundles, const LogicalNode *node)
{
    uint32_t at = 0;
    while (bundles->order->nodes[at] != node)
        at++;
    return at;
}

bool mini_batches_begin(const PlannerContext *context, const LogicalOrder *order, MiniBatches **out,
                        Error *error)
{
    if (is_on(context) && !check_options(context->config, error))
        return false;
    if (!context->config->mini_batch && !context->config->bounded_run &&
        !check_split(context, order, error))
        return false;
    MiniBatches *bundles = *out = arena_new_one(context->arena, MiniBatches);
    bundles->order = order;
    bundles->above = arena_new_array(context->arena, LogicalNode *, order->count + 1);
    bundles->versions = arena_new_array(context->arena, bool, order->count + 1);
    for (uint32_t n = order->count; n-- > 0 && is_on(context);) {
        const LogicalNode *node = order->nodes[n];
        for (uint32_t i = 0; i < node->input_count; i++)
            if (bundles->versions[n] || (logical_is(node, "temporal_join") && i == 1))
                bundles->versions[place_of(bundles, node->inputs[i])] = true;
    }
    return true;
}

void mini_batches_connect(const PlannerContext *context, const MiniBatches *bundles, uint32_t n)
{
    LogicalNode *node = bundles->order->nodes[n];
    for (uint32_t i = 0; i < node->input_count && is_on(context); i++)
        node->inputs[i] = bundles->above[place_of(bundles, node->inputs[i])];
}

static bool put_above(const PlannerContext *context, LogicalNode *input, ColumnSet key,
                      LogicalNode **out, Error *error)
{
    LogicalNode *node =
        logical_new_unary(context->arena, "mini_batch", input->schema, input, input->place);
    node->key.key = key;
    node->since = input->since;
    *out = node;
    return node->class->derive(context, node, error);
}

/* A join whose rows have no key, or one of several inputs, where a change of one is told with every
 * combination of the others: what comes into it is folded where that has a key. */
static bool fold_inputs(const PlannerContext *context, LogicalNode *join, Error *error)
{
    bool any = false;
    for (uint32_t i = 0; i < join->input_count; i++) {
        const LogicalNode *below = join->inputs[i];
        while (logical_is(below, "calc"))
            below = below->inputs[0];
        const ColumnSet *key = least_key(join->inputs[i]);
        bool is_folded = logical_is(below, "mini_batch") ||
                         (logical_is(below, "aggregate") && below->aggregate.bundles);
        if (key == NULL || is_folded || join->inputs[i]->changes == CHANGE_CLASS_INSERT)
            continue;
        if (!put_above(context, join->inputs[i], *key, &join->inputs[i], error))
            return false;
        any = true;
    }
    if (!any)
        return true;
    join->traits = (StreamTraits){0};
    join->loose_pairs = join->parts_updates = false;
    return join->class->derive(context, join, error);
}

bool mini_batches_put(const PlannerContext *context, MiniBatches *bundles, uint32_t n, Error *error)
{
    LogicalNode *node = bundles->order->nodes[n];
    ColumnSet key = {0, NULL};
    bundles->above[n] = node;
    if (!is_on(context) || bundles->versions[n])
        return true;
    if (bundles_itself(node))
        return node->aggregate.bundles = true;
    if (is_folding_join(node) && node->changes != CHANGE_CLASS_INSERT &&
        (logical_is(node, "multi_join") || least_key(node) == NULL) &&
        !fold_inputs(context, node, error))
        return false;
    return !folding_key(context, node, &key) ||
           put_above(context, node, key, &bundles->above[n], error);
}

/* ---------------------------------------------------------------------- the node */

static bool mini_batch_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    /* What came and went and came again in one bundle is an update; a -U alone is a -D. */
    if ((node->changes & CHANGE_CLASS_DELETE) != 0 || node->parts_updates)
        node->changes = CHANGE_CLASS_ALL;
    node->loose_pairs = node->parts_updates = false;
    node->traits.folds = true;
    return true;
}

/* Whether a row is what it was before is seen by -U only; where rows only come, the last row of
 * each is new with every one of them. */
static bool mini_batch_needs_before(const PlannerContext *context, const LogicalNode *node,
                                    uint32_t input)
{
    const LogicalNode *below = node->inputs[0];
    bool is_new = logical_is(below, "rank") && lower_rank_keeps_last(context, below) &&
                  below->inputs[0]->changes == CHANGE_CLASS_INSERT;
    return node->traits.wants_before || !is_new;
}

static bool mini_batch_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanMiniBatch *spec = arena_new_one(context->arena, PlanMiniBatch);
    spec->key = node->key.key;
    spec->size = context->config->mini_batch_size;
    spec->latency_ms = context->config->mini_batch_latency_ms;
    spec->halves = node->inputs[0]->loose_pairs || node->inputs[0]->parts_updates;
    spec->waits = node->inputs[0]->loose_pairs && !node->inputs[0]->parts_updates;
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
    .needs_before = mini_batch_needs_before,
    .lower = mini_batch_lower,
    .identify = mini_batch_identify,
    .describe = mini_batch_describe,
    .column_of_input = lower_column_stays,
};
