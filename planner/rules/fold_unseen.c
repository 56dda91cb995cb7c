/* Aggregates whose single changes nobody can see may tell one change per key and batch.
 *
 * That is so in front of a sink that keeps the last row of each key and shows nothing else
 * (Connector.sink_keeps_last), when the aggregate's keys are the sink's primary key, nothing but
 * projections and filters stand between, and nobody else reads on the way. Cost: a walk down from
 * each sink. */
#include "planner/logical.h"

static uint32_t consumers_of(const LogicalOrder *order, const LogicalNode *node)
{
    uint32_t consumers = 0;
    for (uint32_t n = 0; n < order->count; n++)
        for (uint32_t i = 0; i < order->nodes[n]->input_count; i++)
            consumers += order->nodes[n]->inputs[i] == node;
    return consumers;
}

/* Where the columns of a calc's output come from; false when one is computed. */
static bool trace(const LogicalNode *calc, uint32_t *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const Expr *from = calc->calc.projections[columns[i]];
        if (from->kind != EXPR_COLUMN)
            return false;
        columns[i] = from->column;
    }
    return true;
}

static void follow(const PlannerContext *context, const LogicalOrder *order,
                   const LogicalNode *sink)
{
    const TableInfo *info = &sink->sink.table->info;
    uint32_t count = info->primary_key_count;
    uint32_t *columns = arena_memdup(context->arena, info->primary_key, sizeof(*columns) * count);
    LogicalNode *node = sink->inputs[0];
    for (; consumers_of(order, node) == 1 && logical_is(node, "calc"); node = node->inputs[0])
        if (!trace(node, columns, count))
            return;
    if (!logical_is(node, "aggregate") || node->aggregate.part == AGGREGATE_PARTIAL ||
        consumers_of(order, node) != 1 || node->aggregate.key_count == 0)
        return;
    ColumnSet key = column_set_new(context->arena, columns, count);
    /* The keys are the first columns. */
    node->aggregate.unseen = key.count == node->aggregate.key_count &&
                             key.columns[key.count - 1] == node->aggregate.key_count - 1;
}

void rule_fold_unseen(const PlannerContext *context, const LogicalOrder *order)
{
    for (uint32_t n = 0; n < order->count; n++) {
        const LogicalNode *node = order->nodes[n];
        if (logical_is(node, "sink") && node->sink.table != NULL &&
            node->sink.table->info.primary_key_count != 0 &&
            node->sink.table->connector->sink_keeps_last)
            follow(context, order, node);
    }
}
