/* Fields of a ROW that are read above a watermark are taken out below it, so that the ROW itself
 * need not pass through and its source makes only what is read.
 *
 *     calc(bid.price)             calc(bid.price)
 *       watermark         →         watermark
 *         calc(bid)                   calc(bid, bid.price as a column)
 *
 * The whole ROW goes away with the columns that nobody uses. Runs over the graph: calcs that read
 * one watermark still do, so that a table's event time is computed once however many views cut
 * fields from it. Cost: linear in the expressions, and the nodes once a watermark. */
#include "planner/logical.h"

#include <string.h>

typedef struct FieldList {
    const Expr **paths; /* over the columns of the watermark */
    uint32_t count;
    uint32_t capacity;
} FieldList;

/* A field of a column, or a field of such. */
static bool is_path(const Expr *expr)
{
    while (expr->kind == EXPR_FIELD)
        expr = expr->args[0];
    return expr->kind == EXPR_COLUMN;
}

static uint32_t find_path(const FieldList *list, const Expr *path)
{
    uint32_t i = 0;
    while (i < list->count && !expr_equal(list->paths[i], path))
        i++;
    return i;
}

static void collect(Arena *arena, FieldList *list, const Expr *expr)
{
    if (expr->kind != EXPR_FIELD || !is_path(expr)) {
        for (uint32_t i = 0; i < expr->arg_count; i++)
            collect(arena, list, expr->args[i]);
        return;
    }
    if (find_path(list, expr) < list->count)
        return;
    list->paths =
        arena_grow(arena, list->paths, sizeof(*list->paths), list->count, &list->capacity);
    list->paths[list->count++] = expr;
}

/* Paths become the columns from `first` on. */
static const Expr *replace(const PlannerContext *context, const FieldList *list, uint32_t first,
                           const Expr *expr)
{
    if (expr->kind == EXPR_FIELD && is_path(expr)) {
        uint32_t at = find_path(list, expr);
        return expr_column(context->arena, first + at, expr->type, expr_place(expr));
    }
    const Expr **args = arena_new_array(context->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = replace(context, list, first, expr->args[i]);
    return expr_with_args(&context->site, expr, args);
}

/* `below`, which may be a calc already, with the paths as further columns. */
static LogicalNode *with_fields(const PlannerContext *context, LogicalNode *below,
                                const FieldList *list)
{
    Arena *arena = context->arena;
    bool is_calc = logical_is(below, "calc");
    const Schema *schema = below->schema;
    uint32_t count = schema->column_count + list->count;
    const Expr *const *old = is_calc ? below->calc.projections : logical_identity(arena, schema);
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    const char **names = arena_new_array(arena, const char *, count + 1);
    for (uint32_t i = 0; i < schema->column_count; i++) {
        projections[i] = old[i];
        names[i] = schema->columns[i].name;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        Buffer name = {0};
        expr_print(list->paths[i], schema, &name);
        projections[schema->column_count + i] =
            expr_replace_columns(&context->site, list->paths[i], old);
        names[schema->column_count + i] = label_take(arena, &name);
    }
    LogicalNode *calc =
        logical_calc(arena, is_calc ? below->inputs[0] : below, is_calc ? below->calc.filter : NULL,
                     projections, logical_schema(arena, projections, names, count), below->place);
    return calc;
}

static void collect_calc(Arena *arena, FieldList *list, const LogicalNode *calc)
{
    if (calc->calc.filter != NULL)
        collect(arena, list, calc->calc.filter);
    for (uint32_t i = 0; i < calc->schema->column_count; i++)
        collect(arena, list, calc->calc.projections[i]);
}

static void replace_calc(const PlannerContext *context, const FieldList *list, uint32_t first,
                         LogicalNode *calc)
{
    Arena *arena = context->arena;
    if (calc->calc.filter != NULL)
        calc->calc.filter = replace(context, list, first, calc->calc.filter);
    const Expr **projections = arena_new_array(arena, const Expr *, calc->schema->column_count + 1);
    for (uint32_t i = 0; i < calc->schema->column_count; i++)
        projections[i] = replace(context, list, first, calc->calc.projections[i]);
    calc->calc.projections = projections;
}

/* The watermark with the fields that calcs read of it, for these: one for all of them. Who else
 * reads it keeps it as it is. */
static void push(const PlannerContext *context, const LogicalOrder *order,
                 const LogicalNode *watermark)
{
    Arena *arena = context->arena;
    LogicalNode **calcs = arena_new_array(arena, LogicalNode *, order->count + 1);
    uint32_t count = 0;
    FieldList list = {0};
    for (uint32_t n = 0; n < order->count; n++) {
        LogicalNode *node = order->nodes[n];
        if (!logical_is(node, "calc") || node->inputs[0] != watermark)
            continue;
        calcs[count++] = node;
        collect_calc(arena, &list, node);
    }
    if (list.count == 0)
        return;
    LogicalNode *wider = arena_memdup(arena, watermark, sizeof(*watermark));
    wider->inputs = arena_new_array(arena, LogicalNode *, 1);
    wider->inputs[0] = with_fields(context, watermark->inputs[0], &list);
    wider->schema = wider->inputs[0]->schema;
    for (uint32_t i = 0; i < count; i++) {
        calcs[i]->inputs[0] = wider;
        replace_calc(context, &list, watermark->schema->column_count, calcs[i]);
    }
}

void rule_push_fields(const PlannerContext *context, LogicalNode *const *roots, uint32_t count)
{
    LogicalOrder order = logical_order(context, roots, count);
    for (uint32_t n = 0; n < order.count; n++)
        if (logical_is(order.nodes[n], "watermark"))
            push(context, &order, order.nodes[n]);
}
