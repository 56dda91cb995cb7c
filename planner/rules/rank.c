/* A filter on ROW_NUMBER, RANK or DENSE_RANK becomes a Top-N, which keeps what the filter lets
 * through instead of numbering everything.
 *
 * The number must have an upper end: a constant, or a column of the partition. What else the filter
 * asks stays above. A range of one number shows it as a constant. Where other window functions
 * share the node they need every row, and nothing is changed. */
#include <string.h>

#include "planner/logical.h"

/* What the conjuncts ask of the number. */
typedef struct Range {
    uint64_t first;
    uint64_t last;
    int32_t last_column;
    uint64_t last_less;
} Range;

static bool is_column(const Expr *expr, uint32_t column)
{
    return expr->kind == EXPR_COLUMN && expr->column == column;
}

static bool read_integer(const Expr *expr, int64_t *value)
{
    if (!expr_is_literal(expr) || expr_is_null_literal(expr))
        return false;
    switch (expr->type->kind) {
    case TYPE_INT:
        *value = ((const int32_t *)expr->literal->data)[0];
        return true;
    case TYPE_BIGINT:
        *value = ((const int64_t *)expr->literal->data)[0];
        return true;
    default:
        return false;
    }
}

/* A column of the partition that is a whole number, maybe under a cast to BIGINT; -1: none. */
static int32_t partition_column(const LogicalOver *over, const Expr *expr)
{
    if (expr->kind == EXPR_CALL && expr->arg_count == 1 && expr->call.function != NULL &&
        strcmp(expr->call.function->name, "CAST") == 0 && expr->type->kind == TYPE_BIGINT)
        expr = expr->args[0];
    if (expr->kind != EXPR_COLUMN || expr->type->kind < TYPE_TINYINT ||
        expr->type->kind > TYPE_BIGINT)
        return -1;
    for (uint32_t i = 0; i < over->partition_count; i++)
        if (over->partition[i] == expr->column)
            return (int32_t)expr->column;
    return -1;
}

static void raise_first(Range *range, int64_t first)
{
    if (first > 0 && (uint64_t)first > range->first)
        range->first = (uint64_t)first;
}

static void lower_last(Range *range, int64_t last)
{
    uint64_t end = last < 0 ? 0 : (uint64_t)last;
    if (end < range->last)
        range->last = end;
}

/* number `operation` value. */
static bool take_constant(Range *range, const char *operation, int64_t value)
{
    if (value == INT64_MAX || value == INT64_MIN)
        return false;
    if (strcmp(operation, "=") == 0) {
        raise_first(range, value);
        lower_last(range, value);
    } else if (strcmp(operation, "<=") == 0) {
        lower_last(range, value);
    } else if (strcmp(operation, "<") == 0) {
        lower_last(range, value - 1);
    } else if (strcmp(operation, ">=") == 0) {
        raise_first(range, value);
    } else if (strcmp(operation, ">") == 0) {
        raise_first(range, value + 1);
    } else {
        return false;
    }
    return true;
}

static bool take_column(Range *range, const char *operation, int32_t column)
{
    bool less = strcmp(operation, "<") == 0;
    if (range->last_column >= 0 || (!less && strcmp(operation, "<=") != 0))
        return false;
    range->last_column = column;
    range->last_less = less ? 1 : 0;
    return true;
}

/* The comparison with its sides exchanged. */
static const char *mirrored(const char *operation)
{
    static const char *const pairs[][2] = {
        {"<", ">"}, {"<=", ">="}, {">", "<"}, {">=", "<="}, {"=", "="}};
    for (size_t i = 0; i < array_count(pairs); i++)
        if (strcmp(operation, pairs[i][0]) == 0)
            return pairs[i][1];
    return "";
}

/* Whether the conjunct is part of the range now. */
static bool take(const LogicalOver *over, const Expr *expr, uint32_t number, Range *range)
{
    if (expr->kind != EXPR_CALL || expr->arg_count != 2 || expr->call.function == NULL)
        return false;
    const char *operation = expr->call.function->name;
    const Expr *other = expr->args[1];
    if (is_column(other, number)) {
        operation = mirrored(operation);
        other = expr->args[0];
    } else if (!is_column(expr->args[0], number)) {
        return false;
    }
    int64_t value;
    if (read_integer(other, &value))
        return take_constant(range, operation, value);
    int32_t column = partition_column(over, other);
    return column >= 0 && take_column(range, operation, column);
}

/* ------------------------------------------------------------------------- rewrite */

static bool is_rank(const LogicalNode *node)
{
    return logical_is(node, "over") && node->over.call_count == 1 &&
           node->over.calls[0].window != NULL &&
           node->over.calls[0].window->kind <= WINDOW_DENSE_RANK;
}

static LogicalNode *make_rank(const PlannerContext *context, const LogicalNode *over,
                              const Range *range)
{
    static const PlanRankFunction functions[] = {PLAN_RANK_ROW_NUMBER, PLAN_RANK_RANK,
                                                 PLAN_RANK_DENSE_RANK};
    LogicalNode *input = over->inputs[0];
    LogicalNode *node = logical_new_unary(context->arena, "rank", over->schema, input, over->place);
    node->rank = (LogicalRank){
        .function = functions[over->over.calls[0].window->kind],
        .partition = over->over.partition,
        .partition_count = over->over.partition_count,
        .order = over->over.order,
        .order_count = over->over.order_count,
        .first = range->first,
        .last = range->last,
        .last_column = range->last_column,
        .last_less = range->last_less,
        .with_number = true,
    };
    node->late_table = over->late_table;
    return node;
}

/* Where the number can only be one, it is a constant. */
static LogicalNode *hide_constant(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalRank *rank = &node->rank;
    const Schema *schema = node->schema;
    if (rank->function != PLAN_RANK_ROW_NUMBER || rank->first != rank->last ||
        rank->last_column >= 0)
        return node;
    uint32_t number = schema->column_count - 1;
    node->rank.with_number = false;
    node->schema = node->inputs[0]->schema;
    const Expr **projections = arena_new_array(arena, const Expr *, schema->column_count);
    memcpy(projections, logical_identity(arena, node->schema), sizeof(*projections) * number);
    Vector *value = arena_new_one(arena, Vector);
    vector_init_constant(value, schema->columns[number].type, arena);
    ((int64_t *)value->data)[0] = (int64_t)rank->first;
    vector_set_valid(value, 0);
    projections[number] = expr_literal(arena, value, node->place);
    return logical_calc(arena, node, NULL, projections, schema, node->place);
}

static LogicalNode *rewrite_filter(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalNode *over = node->inputs[0];
    uint32_t number = over->schema->column_count - 1;
    uint32_t count = expr_count_conjuncts(node->calc.filter);
    const Expr **parts = arena_new_array(arena, const Expr *, count + 1);
    expr_conjuncts(node->calc.filter, parts);
    Range range = {.first = 1, .last = UINT64_MAX, .last_column = -1};
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!take(&over->over, parts[i], number, &range))
            parts[kept++] = parts[i];
    if (range.last == UINT64_MAX && range.last_column < 0)
        return node;
    if (range.last != UINT64_MAX && range.last_column >= 0)
        return node;
    LogicalNode *rank = hide_constant(context, make_rank(context, over, &range));
    const Expr *filter = kept == 0 ? NULL : expr_and(&context->site, parts, kept);
    return logical_calc(arena, rank, filter, node->calc.projections, node->schema, node->place);
}

LogicalNode *rule_rank(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_rank(context, node->inputs[i]);
    if (!logical_is(copy, "calc") || copy->calc.filter == NULL || !is_rank(copy->inputs[0]))
        return copy;
    return rewrite_filter(context, copy);
}
