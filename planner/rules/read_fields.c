/* Of a ROW column a source makes only the fields that somebody reads.
 *
 * Runs over the finished graph: a calc on a scan names the fields it reads; whoever else stands on
 * a scan reads all of it. Fields from the 64th on are always read. Cost: linear in the plan. */
#include "planner/logical.h"

#include <string.h>

#define ALL_FIELDS UINT64_MAX

static void mark_fields(const Expr *expr, uint64_t *fields)
{
    if (expr->kind == EXPR_COLUMN) {
        fields[expr->column] = ALL_FIELDS;
        return;
    }
    if (expr->kind == EXPR_FIELD && expr->args[0]->kind == EXPR_COLUMN && expr->field < 64) {
        fields[expr->args[0]->column] |= UINT64_C(1) << expr->field;
        return;
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        mark_fields(expr->args[i], fields);
}

static void mark_input(const LogicalNode *node, LogicalNode *scan)
{
    uint64_t *fields = scan->scan.fields;
    if (!logical_is(node, "calc")) {
        memset(fields, 0xFF, sizeof(*fields) * scan->schema->column_count);
        return;
    }
    if (node->calc.filter != NULL)
        mark_fields(node->calc.filter, fields);
    for (uint32_t i = 0; i < node->schema->column_count; i++)
        mark_fields(node->calc.projections[i], fields);
}

void rule_read_fields(const PlannerContext *context, const LogicalOrder *order)
{
    for (uint32_t n = 0; n < order->count; n++) {
        LogicalNode *node = order->nodes[n];
        if (logical_is(node, "scan"))
            node->scan.fields =
                arena_new_array(context->arena, uint64_t, node->schema->column_count + 1);
        for (uint32_t i = 0; i < node->input_count; i++)
            if (logical_is(node->inputs[i], "scan"))
                mark_input(node, node->inputs[i]);
    }
}
