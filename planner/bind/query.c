/* Queries: WITH, set operations, ORDER BY, LIMIT. */
#include "planner/bind/bind.h"

#include <string.h>

/* Far deeper than views and subqueries are nested, and far from the end of the stack. */
#define QUERY_DEPTH_MAX 500

/* LIMIT and OFFSET take a whole number. */
static bool bind_count(Binder *binder, const AstExpr *ast, const char *clause, uint64_t *count,
                       Error *error)
{
    Scope nothing = {NULL, 0};
    QueryList queries = {0};
    ExprScope scope = {.binder = binder, .scope = &nothing, .clause = clause, .queries = &queries};
    const Expr *expr = bind_expr(&scope, ast, error);
    /* There are no columns here, whatever was missed. */
    bool misses = expr == NULL && error->code == ERROR_NAME;
    if (misses || (expr != NULL && !expr_is_literal(expr))) {
        error_set(error, ERROR_TYPE, "%s must be a constant", clause);
        error_hint(error, "The first rows by a number in a column: WHERE "
                          "ROW_NUMBER() OVER (…) <= that column, in a query around it.");
        return bind_error_at(binder, error, ast->place);
    }
    if (expr == NULL)
        return false;
    int64_t value = -1;
    if (!expr_is_null_literal(expr)) {
        if (expr->type->kind == TYPE_INT)
            value = ((const int32_t *)expr->literal->data)[0];
        else if (expr->type->kind == TYPE_BIGINT)
            value = ((const int64_t *)expr->literal->data)[0];
    }
    if (value < 0) {
        error_set(error, ERROR_TYPE, "%s must be a whole number that is not negative", clause);
        return bind_error_at(binder, error, ast->place);
    }
    *count = (uint64_t)value;
    return true;
}

static void *refuse_endless_sort(const Binder *binder, AstPlace place, Error *error)
{
    error_set(error, ERROR_UNSUPPORTED, "a continuous query cannot ORDER BY without LIMIT");
    error_detail(error, "A row that belongs in front of those already given may always come.");
    error_hint(error, "Add LIMIT to keep the first rows up to date, or SET "
                      "'execution.runtime-mode' = 'batch' to sort bounded tables.");
    bind_error_at(binder, error, place);
    return NULL;
}

/* The node that sorts, or keeps the first rows; NULL with the error. */
static LogicalNode *sort_node(Binder *binder, const AstQuery *query, LogicalNode *node,
                              const BoundOrder *order, const LogicalLimit *limit, Error *error)
{
    AstPlace place = query->order_by[0].expr->place;
    bool bounded = binder->context->config->bounded_run;
    bool endless = !bounded && query->limit == NULL && limit->offset == 0;
    bool in_time = endless && !order->keys[0].descending &&
                   logical_time(node, order->keys[0].column) == TIME_EVENT;
    if (endless && !in_time) /* a query around it does not see the order of its rows */
        return binder->query_depth > 1 ? node : refuse_endless_sort(binder, place, error);
    const char *op = bounded ? "sort" : in_time ? "temporal_sort" : "rank";
    LogicalNode *sort = logical_new_unary(binder->context->arena, op, node->schema, node,
                                          bind_place(binder, place));
    if (bounded || in_time)
        sort->sort = (LogicalSort){order->keys, order->key_count, limit->offset, limit->limit};
    else
        sort->rank = (LogicalRank){.function = PLAN_RANK_ROW_NUMBER,
                                   .order = order->keys,
                                   .order_count = order->key_count,
                                   .first = limit->offset + 1,
                                   .last = limit->limit > UINT64_MAX - limit->offset
                                               ? UINT64_MAX
                                               : limit->offset + limit->limit,
                                   .last_column = -1,
                                   .is_sort = true};
    if (query->kind == AST_QUERY_SELECT)
        bind_apply_late(binder, query->select, sort);
    return sort;
}

static LogicalNode *bind_sort(Binder *binder, const AstQuery *query, LogicalNode *node,
                              const BoundOrder *order, const LogicalLimit *limit, Error *error)
{
    Arena *arena = binder->context->arena;
    LogicalNode *sort = sort_node(binder, query, node, order, limit, error);
    if (sort == NULL || order->visible == node->schema->column_count)
        return sort;
    const Expr **projections = logical_identity(arena, node->schema);
    const Schema *schema = schema_new(arena, node->schema->columns, order->visible);
    return logical_calc(arena, sort, NULL, projections, schema, sort->place);
}

/* ORDER BY over VALUES and set operations sees the output columns only. */
static bool order_of_output(Binder *binder, const AstQuery *query, const LogicalNode *node,
                            BoundOrder *order, Error *error)
{
    Arena *arena = binder->context->arena;
    order->visible = node->schema->column_count;
    order->key_count = query->order_count;
    order->keys = arena_new_array(arena, PlanSortKey, query->order_count + 1);
    Scope columns;
    scope_of_node(arena, node, NULL, &columns);
    ExprScope scope = {.binder = binder, .scope = &columns, .clause = "ORDER BY"};
    const Expr **outputs = logical_identity(arena, node->schema);
    for (uint32_t i = 0; i < query->order_count; i++) {
        const AstOrderItem *item = &query->order_by[i];
        const Expr *expr = NULL;
        int32_t column = -1;
        if (!bind_order_item(&scope, item, node->schema, node->repeated, outputs, &expr, &column,
                             error))
            return false;
        if (column < 0) {
            bind_refuse(binder, item->expr->place, error,
                        "ORDER BY an expression after a set operation",
                        "Put the query into FROM and order outside.");
            return false;
        }
        bool last = item->nulls_given ? item->nulls_last : item->descending;
        order->keys[i] = (PlanSortKey){(uint32_t)column, item->descending, last};
    }
    return true;
}

static LogicalNode *bind_body(Binder *binder, const AstQuery *query, const bool **repeated,
                              Error *error)
{
    LogicalNode *node = NULL;
    BoundOrder order = {NULL, 0, 0, NULL};
    if (query->kind == AST_QUERY_SELECT)
        node = bind_select(binder, query, &order, error);
    else if (query->kind == AST_QUERY_VALUES)
        node = bind_values(binder, query, error);
    else
        node = bind_set(binder, query, error);
    if (node == NULL)
        return NULL;
    *repeated = query->kind == AST_QUERY_SELECT ? order.repeated : node->repeated;
    if (query->kind != AST_QUERY_SELECT && query->order_count != 0 &&
        !order_of_output(binder, query, node, &order, error))
        return NULL;

    LogicalLimit limit = {0, UINT64_MAX};
    if (query->limit != NULL && !bind_count(binder, query->limit, "LIMIT", &limit.limit, error))
        return NULL;
    if (query->offset != NULL && !bind_count(binder, query->offset, "OFFSET", &limit.offset, error))
        return NULL;
    if (query->order_count != 0)
        return bind_sort(binder, query, node, &order, &limit, error);
    if (query->limit == NULL && limit.offset == 0)
        return node;
    LogicalNode *node_limit = logical_new_unary(binder->context->arena, "limit", node->schema, node,
                                                bind_place(binder, query->place));
    node_limit->limit = limit;
    return node_limit;
}

LogicalNode *bind_query(Binder *binder, const AstQuery *query, Error *error)
{
    if (binder->query_depth >= QUERY_DEPTH_MAX) {
        error_set(error, ERROR_LIMIT, "queries are nested more than %d deep", QUERY_DEPTH_MAX);
        bind_error_at(binder, error, query->place);
        return NULL;
    }
    const WithFrame *outer = binder->with;
    for (uint32_t i = 0; i < query->with_count; i++) {
        WithFrame *frame = arena_new_one(binder->context->arena, WithFrame);
        frame->with = &query->with[i];
        frame->outer = binder->with;
        frame->around = binder->outer;
        binder->with = frame;
    }
    binder->query_depth++;
    const bool *repeated = NULL;
    LogicalNode *node = bind_body(binder, query, &repeated, error);
    if (node != NULL)
        node->repeated = repeated;
    binder->query_depth--;
    binder->with = outer;
    return node;
}
