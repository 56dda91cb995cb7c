/* A join whose condition bounds the distance between a time attribute of each side, from above and
 * from below, becomes an interval join, which need not keep its rows for ever.
 *
 * So does an inner join with a bound on the end of windows: rows of windows never come late, so
 * what the other side keeps for them may go with the watermark. A side with a time attribute only
 * may still have late rows, and what they match stays. Where a time to live says what stays, or a
 * source without rows is left behind by the watermark, it is a regular join.
 *
 * A bound compares time plus or minus a constant interval with the same of the other side. The
 * comparisons that bound are taken out of the condition; it is kept whole as well, for an input
 * that updates makes a regular join of it again. */
#include "planner/logical.h"

#include <string.h>

/* A time attribute moved by a constant. */
typedef struct MovedTime {
    uint32_t column; /* of the join */
    int64_t by_us;
} MovedTime;

typedef struct Bounds {
    bool found;
    TimeKind time;
    bool ends[2]; /* the time is the end of windows */
    uint32_t times[2];
    bool has_lower, has_upper;
    int64_t lower_us, upper_us;
} Bounds;

/* Whether a source may be left out of the watermark for a while. */
static bool has_idle_source(const PlannerContext *context, const LogicalNode *node)
{
    if (context->config->source_idle_ms > 0 ||
        (logical_is(node, "watermark") && node->watermark.idle_ms > 0))
        return true;
    for (uint32_t i = 0; i < node->input_count; i++)
        if (has_idle_source(context, node->inputs[i]))
            return true;
    return false;
}

/* Whether the column is the end of windows that are given once, on the watermark's clock: rows to
 * come have later ends than the watermark. */
static bool is_window_end(const PlannerContext *context, const LogicalNode *node, uint32_t column)
{
    if (logical_is(node, "calc")) {
        const Expr *expr = node->calc.projections[column];
        return expr->kind == EXPR_COLUMN && is_window_end(context, node->inputs[0], expr->column);
    }
    if (!logical_is(node, "window_aggregate"))
        return false;
    const LogicalWindowAggregate *window = &node->window_aggregate;
    uint32_t first = node->aggregate.key_count + node->aggregate.call_count;
    const Column *time = &node->inputs[0]->schema->columns[window->window.time_column];
    return column >= first && window->properties[column - first] == PLAN_WINDOW_END &&
           window->emit == NULL && !window->window.on_clock && window->window.zone == NULL &&
           time->type->kind == TYPE_TIMESTAMP && !has_idle_source(context, node);
}

/* The time kind of a side's column, as a bound sees it. */
static TimeKind bound_time(const PlannerContext *context, const LogicalNode *join, uint32_t side,
                           uint32_t column, bool *is_end)
{
    const LogicalNode *input = join->inputs[side];
    TimeKind time = logical_time(input, column);
    bool may_end = join->join.kind == PLAN_JOIN_INNER && context->config->state_ttl_ms == 0 &&
                   join->hint_ttl_ms[0] == 0 && join->hint_ttl_ms[1] == 0;
    *is_end = time == TIME_NONE && may_end && is_window_end(context, input, column);
    return *is_end ? TIME_EVENT : time;
}

static TimeKind side_time(const PlannerContext *context, const LogicalNode *join, uint32_t column)
{
    bool is_end;
    uint32_t left = join->inputs[0]->schema->column_count;
    return column < left ? bound_time(context, join, 0, column, &is_end)
                         : bound_time(context, join, 1, column - left, &is_end);
}

static bool is_call(const Expr *expr, const char *name)
{
    return expr->kind == EXPR_CALL && expr->call.function != NULL &&
           strcmp(expr->call.function->name, name) == 0;
}

static bool interval_of(const Expr *expr, int64_t *micros)
{
    return expr_is_literal(expr) && !expr_is_null_literal(expr) &&
           expr->type->kind == TYPE_INTERVAL_SECOND &&
           !__builtin_mul_overflow(((const int64_t *)expr->literal->data)[0], 1000, micros);
}

static bool moved_time(const PlannerContext *context, const LogicalNode *join, const Expr *expr,
                       MovedTime *out)
{
    if (expr->kind == EXPR_COLUMN) {
        *out = (MovedTime){expr->column, 0};
        return side_time(context, join, expr->column) != TIME_NONE;
    }
    bool adds = is_call(expr, "+"), takes = is_call(expr, "-");
    if ((!adds && !takes) || expr->arg_count != 2)
        return false;
    int64_t by = 0;
    const Expr *time = expr->args[0];
    if (!interval_of(expr->args[1], &by)) {
        if (takes || !interval_of(expr->args[0], &by))
            return false;
        time = expr->args[1];
    }
    return moved_time(context, join, time, out) &&
           (takes ? !__builtin_sub_overflow(out->by_us, by, &out->by_us)
                  : !__builtin_add_overflow(out->by_us, by, &out->by_us));
}

static void bound_below(Bounds *bounds, int64_t micros)
{
    if (!bounds->has_lower || micros > bounds->lower_us)
        bounds->lower_us = micros;
    bounds->has_lower = true;
}

static void bound_above(Bounds *bounds, int64_t micros)
{
    if (!bounds->has_upper || micros < bounds->upper_us)
        bounds->upper_us = micros;
    bounds->has_upper = true;
}

/* Whether these are the two times that other comparisons bound. */
static bool same_times(const PlannerContext *context, const LogicalNode *join, Bounds *bounds,
                       uint32_t left, uint32_t right)
{
    bool ends[2];
    TimeKind time = bound_time(context, join, 0, left, &ends[0]);
    if (time == TIME_NONE || bound_time(context, join, 1, right, &ends[1]) != time)
        return false;
    const Type *a = join->inputs[0]->schema->columns[left].type;
    const Type *b = join->inputs[1]->schema->columns[right].type;
    if (a->kind != b->kind)
        return false;
    if (bounds->found)
        return bounds->times[0] == left && bounds->times[1] == right;
    bounds->found = true;
    bounds->time = time;
    bounds->times[0] = left;
    bounds->times[1] = right;
    memcpy(bounds->ends, ends, sizeof(ends));
    return true;
}

/* Takes a comparison into the bounds; false when it is something else. */
static bool take_bound(const PlannerContext *context, const LogicalNode *join, const Expr *expr,
                       Bounds *bounds)
{
    static const char *const operators[] = {"<", "<=", ">", ">=", "="};
    static const char *const mirrored[] = {">", ">=", "<", "<=", "="};
    MovedTime a, b;
    if (expr->kind != EXPR_CALL || expr->arg_count != 2 ||
        !moved_time(context, join, expr->args[0], &a) ||
        !moved_time(context, join, expr->args[1], &b))
        return false;
    size_t at = 0;
    while (at < array_count(operators) && !is_call(expr, operators[at]))
        at++;
    uint32_t left = join->inputs[0]->schema->column_count;
    bool is_mirrored = a.column >= left;
    MovedTime l = is_mirrored ? b : a, r = is_mirrored ? a : b;
    int64_t distance;
    if (at == array_count(operators) || l.column >= left || r.column < left ||
        __builtin_sub_overflow(r.by_us, l.by_us, &distance) ||
        !same_times(context, join, bounds, l.column, r.column - left))
        return false;
    /* left - right OP distance; event times are milliseconds. */
    const char *op = is_mirrored ? mirrored[at] : operators[at];
    if (op[0] == '>' || op[0] == '=')
        bound_below(bounds, strcmp(op, ">") == 0 ? distance + 1000 : distance);
    if (op[0] == '<' || op[0] == '=')
        bound_above(bounds, strcmp(op, "<") == 0 ? distance - 1000 : distance);
    return true;
}

static LogicalNode *bound_join(const PlannerContext *context, LogicalNode *join)
{
    LogicalJoin *spec = &join->join;
    uint32_t count = spec->condition == NULL ? 0 : expr_count_conjuncts(spec->condition);
    const Expr **parts = arena_new_array(context->arena, const Expr *, count + 1);
    if (count != 0)
        expr_conjuncts(spec->condition, parts);
    Bounds bounds = {.found = false};
    for (uint32_t k = 0; k < spec->key_count; k++) {
        if (same_times(context, join, &bounds, spec->keys[0][k], spec->keys[1][k])) {
            bound_below(&bounds, 0);
            bound_above(&bounds, 0);
        }
    }
    uint32_t rest = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!take_bound(context, join, parts[i], &bounds))
            parts[rest++] = parts[i];
    if (!bounds.has_lower || !bounds.has_upper)
        return join;
    bool is_exact = bounds.ends[0] || bounds.ends[1];
    LogicalInterval *interval = arena_new_one(context->arena, LogicalInterval);
    *interval =
        (LogicalInterval){.time = bounds.time,
                          .times = {bounds.times[0], bounds.times[1]},
                          .lower_us = bounds.lower_us,
                          .upper_us = bounds.upper_us,
                          .whole = spec->condition,
                          .is_exact = is_exact,
                          .keeps = {is_exact && !bounds.ends[1], is_exact && !bounds.ends[0]}};
    join->class = node_find("interval_join");
    spec->interval = interval;
    spec->condition = expr_and(&context->site, parts, rest);
    return join;
}

LogicalNode *rule_interval_join(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_interval_join(context, node->inputs[i]);
    bool pairs =
        logical_is(copy, "join") && !logical_is_half_join(copy->join.kind) && !copy->join.single;
    if (!pairs || copy->join.key_count == 0 || context->config->bounded_run)
        return copy;
    return bound_join(context, copy);
}
