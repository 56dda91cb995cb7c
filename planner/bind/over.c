/* Calls with OVER: which function, over which window, in which frame.
 *
 * Like an aggregate call, a call with OVER is noted in a list while the expressions of a SELECT are
 * bound and stands for itself as a column from OVER_COLUMN_BASE on; bind/over_node.c makes the
 * nodes that compute it. Its parts are bound over the rows of FROM, or of the groups: an aggregate
 * inside them is the one GROUP BY computes. */
#include <string.h>

#include "core/str.h"
#include "planner/bind/bind.h"

/* ------------------------------------------------------------------- the list */

uint32_t over_list_expressions(const OverList *list, const Expr **out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const OverSite *site = &list->sites[i];
        const Expr *const *parts[] = {site->args, site->partition, site->order, &site->filter};
        uint32_t counts[] = {site->arg_count, site->partition_count, site->order_count,
                             site->filter != NULL ? 1 : 0};
        for (uint32_t p = 0; p < array_count(parts); p++) {
            if (out != NULL && counts[p] != 0)
                memcpy(out + count, parts[p], sizeof(*out) * counts[p]);
            count += counts[p];
        }
    }
    return count;
}

void over_list_replace(OverList *list, const Expr *const *exprs)
{
    for (uint32_t i = 0; i < list->count; i++) {
        OverSite *site = &list->sites[i];
        const Expr **parts[] = {site->args, site->partition, site->order, &site->filter};
        uint32_t counts[] = {site->arg_count, site->partition_count, site->order_count,
                             site->filter != NULL ? 1 : 0};
        for (uint32_t p = 0; p < array_count(parts); p++) {
            if (counts[p] != 0)
                memcpy(parts[p], exprs, sizeof(*exprs) * counts[p]);
            exprs += counts[p];
        }
    }
}

static bool exprs_equal(const Expr *const *a, uint32_t a_count, const Expr *const *b,
                        uint32_t b_count)
{
    bool same = a_count == b_count;
    for (uint32_t i = 0; same && i < a_count; i++)
        same = expr_equal(a[i], b[i]);
    return same;
}

static bool bounds_equal(const PlanFrameBound *a, const PlanFrameBound *b)
{
    if (a->kind != b->kind || a->rows != b->rows || (a->distance == NULL) != (b->distance == NULL))
        return false;
    return a->distance == NULL || (type_equal(a->distance->type, b->distance->type) &&
                                   memcmp(a->distance->data, b->distance->data,
                                          physical_size(a->distance->type->physical)) == 0);
}

bool over_frames_equal(const PlanFrame *a, const PlanFrame *b)
{
    return a->by_rows == b->by_rows && bounds_equal(&a->start, &b->start) &&
           bounds_equal(&a->end, &b->end);
}

static bool sites_equal(const OverSite *a, const OverSite *b)
{
    if (strcmp(a->name, b->name) != 0 || a->ignore_nulls != b->ignore_nulls ||
        a->distinct != b->distinct || a->number != b->number ||
        (a->filter == NULL) != (b->filter == NULL) ||
        !exprs_equal(a->args, a->arg_count, b->args, b->arg_count) ||
        !exprs_equal(a->partition, a->partition_count, b->partition, b->partition_count) ||
        !exprs_equal(a->order, a->order_count, b->order, b->order_count) ||
        !over_frames_equal(&a->frame, &b->frame))
        return false;
    for (uint32_t i = 0; i < a->order_count; i++)
        if (a->order_keys[i].descending != b->order_keys[i].descending ||
            a->order_keys[i].nulls_last != b->order_keys[i].nulls_last)
            return false;
    return a->filter == NULL || expr_equal(a->filter, b->filter);
}

static uint32_t list_add(Arena *arena, OverList *list, const OverSite *site)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (sites_equal(&list->sites[i], site))
            return i;
    list->sites =
        arena_grow(arena, list->sites, sizeof(*list->sites), list->count, &list->capacity);
    list->sites[list->count] = *site;
    return list->count++;
}

/* -------------------------------------------------------------------- windows */

static bool check_place(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    if (scope->in_over) {
        error_set(error, ERROR_SYNTAX, "window function %s is inside the window of another one",
                  ast->function);
        error_hint(error, "Compute the inner one in a subquery in FROM.");
    } else if (scope->in_aggregate) {
        error_set(error, ERROR_SYNTAX, "window function %s is inside an aggregate function",
                  ast->function);
        error_hint(error, "Compute the window function in a subquery in FROM.");
    } else if (scope->overs == NULL) {
        error_set(error, ERROR_SYNTAX, "window function %s is not allowed in %s", ast->function,
                  scope->clause);
        error_hint(error, "Filter its result with QUALIFY, or compute it in a subquery in FROM.");
    } else {
        return true;
    }
    return bind_error_at(scope->binder, error, ast->place);
}

/* Position of a window among the first `visible` of the WINDOW clause, or -1 with the error. */
static int64_t find_window(const ExprScope *scope, const char *name, uint32_t visible,
                           AstPlace place, Error *error)
{
    const OverList *list = scope->overs;
    const char **names = arena_new_array(scope->binder->context->arena, const char *, visible + 1);
    for (uint32_t i = 0; i < visible; i++) {
        names[i] = list->windows[i].name;
        if (strcmp(names[i], name) == 0)
            return i;
    }
    error_set(error, ERROR_NAME, "window \"%s\" does not exist", name);
    const char *near = str_nearest(name, names, visible);
    if (near != NULL)
        error_hint(error, "Did you mean \"%s\"?", near);
    else
        error_hint(error, "Define it behind FROM: WINDOW %s AS (PARTITION BY … ORDER BY …).", name);
    bind_error_at(scope->binder, error, place);
    return -1;
}

/* What a window may add to the one it builds on: an order, if that has none, and a frame. */
static bool add_to_base(const ExprScope *scope, const AstWindow *base, AstWindow *window,
                        Error *error)
{
    const char *twice = window->partition_count != 0                         ? "PARTITION BY"
                        : window->order_count != 0 && base->order_count != 0 ? "ORDER BY"
                                                                             : NULL;
    if (twice == NULL && !base->has_frame) {
        window->partition_by = base->partition_by;
        window->partition_count = base->partition_count;
        if (window->order_count == 0) {
            window->order_by = base->order_by;
            window->order_count = base->order_count;
        }
        return true;
    }
    if (twice != NULL)
        error_set(error, ERROR_SYNTAX, "window \"%s\" is given another %s", window->base, twice);
    else
        error_set(error, ERROR_SYNTAX, "window \"%s\" has a frame and cannot be added to",
                  window->base);
    error_hint(error, "Write the window out.");
    return bind_error_at(scope->binder, error, window->place);
}

/* A window with all that the windows it builds on say; a definition sees those before it. */
static bool resolve_window(const ExprScope *scope, const AstWindow *window, uint32_t visible,
                           AstWindow *out, Error *error)
{
    *out = *window;
    bool is_reference = window->name != NULL && visible == scope->overs->window_count;
    const char *name = is_reference ? window->name : window->base;
    if (name == NULL)
        return true;
    int64_t at = find_window(scope, name, visible, window->place, error);
    AstWindow base;
    if (at < 0 || !resolve_window(scope, &scope->overs->windows[at], (uint32_t)at, &base, error))
        return false;
    if (is_reference) {
        *out = base;
        return true;
    }
    return add_to_base(scope, &base, out, error);
}

static bool bind_window(ExprScope *scope, const AstWindow *window, OverSite *site, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    site->partition = arena_new_array(arena, const Expr *, window->partition_count + 1);
    site->order = arena_new_array(arena, const Expr *, window->order_count + 1);
    site->order_keys = arena_new_array(arena, PlanSortKey, window->order_count + 1);
    for (uint32_t i = 0; i < window->partition_count; i++) {
        const Expr *expr = bind_expr(scope, window->partition_by[i], error);
        if (expr == NULL)
            return false;
        if (!expr_is_literal(expr)) /* what is the same for all rows parts nothing */
            site->partition[site->partition_count++] = expr;
    }
    for (uint32_t i = 0; i < window->order_count; i++) {
        const AstOrderItem *item = &window->order_by[i];
        const Expr *expr = bind_expr(scope, item->expr, error);
        if (expr == NULL)
            return false;
        if (type_is_nested(expr->type)) {
            error_set(error, ERROR_TYPE, "values of type %s have no order",
                      type_text(arena, expr->type));
            return bind_error_at(scope->binder, error, item->expr->place);
        }
        bool last = item->nulls_given ? item->nulls_last : item->descending;
        site->order_keys[site->order_count] =
            (PlanSortKey){.descending = item->descending, .nulls_last = last};
        site->order[site->order_count++] = expr;
    }
    return true;
}

/* --------------------------------------------------------------------- frames */

static bool frame_error(const ExprScope *scope, const AstWindow *window, Error *error)
{
    return bind_error_at(scope->binder, error, window->place);
}

/* A distance in rows. */
static bool rows_distance(const ExprScope *scope, const Expr *expr, const AstExpr *ast,
                          int64_t *rows, Error *error)
{
    if (expr->type->kind == TYPE_INT) {
        *rows = ((const int32_t *)expr->literal->data)[0];
    } else if (expr->type->kind == TYPE_BIGINT) {
        *rows = ((const int64_t *)expr->literal->data)[0];
    } else {
        error_set(error, ERROR_TYPE, "ROWS counts in whole numbers, not in %s",
                  type_text(scope->binder->context->arena, expr->type));
        return bind_error_at(scope->binder, error, ast->place);
    }
    return true;
}

/* The type a distance along values of `key` is kept in; NULL: there is no distance between them. */
static const Type *distance_type(Arena *arena, const Type *key, const Type *distance)
{
    switch (key->kind) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        return type_is_integer(distance) ? type_with_nullable(arena, &type_bigint, false) : NULL;
    case TYPE_DECIMAL:
        if (!type_is_integer(distance) &&
            (distance->kind != TYPE_DECIMAL || distance->scale > key->scale))
            return NULL;
        return type_new(arena, TYPE_DECIMAL, false, DECIMAL_PRECISION_MAX, key->scale);
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return type_is_numeric(distance) ? type_with_nullable(arena, &type_double, false) : NULL;
    case TYPE_DATE:
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        if (distance->kind == TYPE_INTERVAL_MONTH)
            return distance;
        return distance->kind == TYPE_INTERVAL_SECOND ? distance : NULL;
    case TYPE_TIME:
        return distance->kind == TYPE_INTERVAL_SECOND ? distance : NULL;
    default:
        return NULL;
    }
}

static bool has_distance(const Type *key)
{
    return type_is_numeric(key) || key->kind == TYPE_DATE || key->kind == TYPE_TIME ||
           type_is_timestamp(key);
}

static bool vector_is_negative(const Vector *value)
{
    switch (value->type->physical) {
    case PHYSICAL_I32:
        return ((const int32_t *)value->data)[0] < 0;
    case PHYSICAL_I64:
        return ((const int64_t *)value->data)[0] < 0;
    case PHYSICAL_I128: {
        int128_t wide;
        memcpy(&wide, value->data, sizeof(wide));
        return wide < 0;
    }
    case PHYSICAL_F64:
        return !(((const double *)value->data)[0] >= 0);
    default:
        return false;
    }
}

static bool distance_error(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    return bind_error_at(scope->binder, error, ast->place);
}

/* A distance in values of the one ordered column. */
static bool range_distance(const ExprScope *scope, const OverSite *site, const Expr *expr,
                           const AstExpr *ast, const Vector **distance, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (site->order_count != 1) {
        error_set(error, ERROR_SYNTAX, "RANGE with a distance needs one column in ORDER BY, not %u",
                  site->order_count);
        error_hint(error, "ROWS counts rows instead of values.");
        return distance_error(scope, ast, error);
    }
    const Type *key = site->order[0]->type;
    if (!has_distance(key)) {
        error_set(error, ERROR_TYPE, "RANGE with a distance cannot order by a column of type %s",
                  type_text(context->arena, key));
        error_hint(error, "Order by a number, a date or a timestamp, or use ROWS.");
        return distance_error(scope, ast, error);
    }
    const Type *type = distance_type(context->arena, key, expr->type);
    if (type == NULL) {
        error_set(error, ERROR_TYPE, "RANGE over %s cannot go as far as a value of type %s",
                  type_text(context->arena, key), type_text(context->arena, expr->type));
        error_hint(error, type_is_numeric(key)
                              ? "Use a number without more digits than the ordered column has."
                              : "Use an INTERVAL.");
        return distance_error(scope, ast, error);
    }
    expr = expr_cast(&context->site, expr, type, CAST_EXPLICIT, error);
    if (expr == NULL)
        return distance_error(scope, ast, error);
    if (!expr_is_literal(expr) || expr_is_null_literal(expr)) {
        error_set(error, ERROR_LIMIT, "this distance is too large for %s",
                  type_text(context->arena, key));
        return distance_error(scope, ast, error);
    }
    *distance = expr->literal;
    int64_t day_ms = INT64_C(86400000);
    if (key->kind == TYPE_DATE && type->kind == TYPE_INTERVAL_SECOND &&
        ((const int64_t *)expr->literal->data)[0] % day_ms != 0) {
        error_set(error, ERROR_TYPE, "RANGE over DATE goes in whole days");
        error_hint(error, "CAST the column to TIMESTAMP to count hours.");
        return distance_error(scope, ast, error);
    }
    return true;
}

static bool bind_bound(ExprScope *scope, const OverSite *site, const AstWindow *window,
                       bool is_start, PlanFrameBound *bound, Error *error)
{
    const AstExpr *ast = is_start ? window->start_offset : window->end_offset;
    AstBoundKind kind = is_start ? window->frame_start : window->frame_end;
    *bound = (PlanFrameBound){.kind = (PlanBoundKind)kind};
    if (ast == NULL)
        return true;
    const Expr *expr = bind_expr(scope, ast, error);
    if (expr == NULL)
        return false;
    if (!expr_is_literal(expr) || expr_is_null_literal(expr)) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the distance of PRECEDING and FOLLOWING must be a "
                  "constant that is not NULL");
        return distance_error(scope, ast, error);
    }
    bool bound_ok = window->frame_rows
                        ? rows_distance(scope, expr, ast, &bound->rows, error)
                        : range_distance(scope, site, expr, ast, &bound->distance, error);
    if (!bound_ok)
        return false;
    if (bound->rows < 0 || (bound->distance != NULL && vector_is_negative(bound->distance))) {
        error_set(error, ERROR_TYPE, "the distance of PRECEDING and FOLLOWING cannot be negative");
        error_hint(error, "PRECEDING goes back, FOLLOWING ahead.");
        return distance_error(scope, ast, error);
    }
    return true;
}

/* a > b, of two distances of one kind. */
static bool distance_is_more(const PlanFrameBound *a, const PlanFrameBound *b)
{
    if (a->distance == NULL || b->distance == NULL)
        return a->rows > b->rows;
    const void *x = a->distance->data, *y = b->distance->data;
    if (!type_equal_ignoring_null(a->distance->type, b->distance->type))
        return false; /* months and days: shown by each row */
    switch (a->distance->type->physical) {
    case PHYSICAL_I32:
        return *(const int32_t *)x > *(const int32_t *)y;
    case PHYSICAL_I64:
        return *(const int64_t *)x > *(const int64_t *)y;
    case PHYSICAL_F64:
        return *(const double *)x > *(const double *)y;
    default: {
        int128_t first, second;
        memcpy(&first, x, sizeof(first));
        memcpy(&second, y, sizeof(second));
        return first > second;
    }
    }
}

static bool frame_is_empty(const PlanFrame *frame)
{
    const PlanFrameBound *start = &frame->start, *end = &frame->end;
    if (start->kind != end->kind)
        return start->kind > end->kind;
    if (start->kind == PLAN_BOUND_PRECEDING)
        return distance_is_more(end, start);
    return start->kind == PLAN_BOUND_FOLLOWING && distance_is_more(start, end);
}

static bool bind_frame(ExprScope *scope, const AstWindow *window, OverSite *site, Error *error)
{
    PlanFrame *frame = &site->frame;
    bool looks = site->window == NULL || site->window->has_frame;
    if (!looks) {
        if (!window->has_frame)
            return true;
        error_set(error, ERROR_SYNTAX, "%s takes no %s: it looks at the whole partition",
                  site->name, window->frame_rows ? "ROWS" : "RANGE");
        return frame_error(scope, window, error);
    }
    if (!window->has_frame) {
        frame->start.kind = PLAN_BOUND_UNBOUNDED_PRECEDING;
        frame->end.kind =
            site->order_count == 0 ? PLAN_BOUND_UNBOUNDED_FOLLOWING : PLAN_BOUND_CURRENT_ROW;
        return true;
    }
    frame->by_rows = window->frame_rows;
    const char *clause = scope->clause;
    scope->clause = "a window frame";
    bool bound = bind_bound(scope, site, window, true, &frame->start, error) &&
                 bind_bound(scope, site, window, false, &frame->end, error);
    scope->clause = clause;
    if (!bound)
        return false;
    if (frame->start.kind != PLAN_BOUND_UNBOUNDED_FOLLOWING &&
        frame->end.kind != PLAN_BOUND_UNBOUNDED_PRECEDING && !frame_is_empty(frame))
        return true;
    error_set(error, ERROR_SYNTAX, "the window frame ends before it starts");
    error_hint(error, "Write ROWS BETWEEN the earlier bound AND the later one.");
    return frame_error(scope, window, error);
}

/* No row may be in the frame: a sum is NULL then. */
static bool may_be_empty(const OverSite *site)
{
    return site->filter != NULL || site->frame.start.kind > PLAN_BOUND_CURRENT_ROW ||
           site->frame.end.kind < PLAN_BOUND_CURRENT_ROW;
}

/* ------------------------------------------------------------------ functions */

static bool bind_args(ExprScope *scope, const AstExpr *ast, OverSite *site, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    site->arg_count = ast->star ? 0 : ast->arg_count;
    site->args = arena_new_array(arena, const Expr *, site->arg_count + 1);
    for (uint32_t i = 0; i < site->arg_count; i++) {
        site->args[i] = bind_expr(scope, ast->args[i], error);
        if (site->args[i] == NULL)
            return false;
    }
    if (ast->filter == NULL)
        return true;
    const char *clause = scope->clause;
    scope->clause = "FILTER";
    site->filter = bind_condition(scope, ast->filter, error);
    scope->clause = clause;
    return site->filter != NULL;
}

static bool cast_args(const ExprScope *scope, const Type *const *types, uint32_t count,
                      OverSite *site, Error *error)
{
    for (uint32_t i = 0; types != NULL && i < count; i++) {
        site->args[i] =
            expr_cast(&scope->binder->context->site, site->args[i], types[i], CAST_IMPLICIT, error);
        if (site->args[i] == NULL)
            return false;
    }
    return true;
}

static bool bind_window_function(const ExprScope *scope, const AstExpr *ast,
                                 const FunctionSite *call, OverSite *site, Error *error)
{
    const WindowFunction *function = site->window;
    if (ast->star || ast->distinct || (ast->filter != NULL && !function->is_aggregate)) {
        error_set(error, ERROR_SYNTAX, "%s takes no %s", function->name,
                  ast->star       ? "*"
                  : ast->distinct ? "DISTINCT"
                                  : "FILTER");
        return bind_error_at(scope->binder, error, ast->place);
    }
    BoundWindow bound;
    if (!window_bind(function, call, &bound, error))
        return bind_error_at(scope->binder, error, ast->place);
    site->number = bound.number;
    site->type = bound.result;
    for (uint32_t i = 0; i < bound.argument_count; i++) {
        site->args[i] = site->args[bound.arguments[i]];
        site->literals[i] = site->literals[bound.arguments[i]];
    }
    site->arg_count = bound.argument_count;
    site->arg_types = bound.argument_types;
    /* As the aggregates of that name do. */
    site->ignore_nulls = ast->ignore_nulls || function->is_aggregate;
    return cast_args(scope, bound.argument_types, bound.argument_count, site, error);
}

static bool bind_aggregate(const ExprScope *scope, const AstExpr *ast, const FunctionSite *call,
                           OverSite *site, Error *error)
{
    BoundAggregate bound;
    memset(&bound, 0, sizeof(bound));
    if (!aggregate_bind_in_state(site->name, call, false, &bound, error))
        return bind_error_at(scope->binder, error, ast->place);
    site->type = bound.result;
    /* The least value is the same however often it is there. */
    site->distinct =
        ast->distinct && strcmp(site->name, "MIN") != 0 && strcmp(site->name, "MAX") != 0;
    return cast_args(scope, bound.argument_types, site->arg_count, site, error);
}

static bool bind_function(ExprScope *scope, const AstExpr *ast, OverSite *site, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Binder *binder = scope->binder;
    site->window = window_function_find(site->name);
    if (site->window == NULL && !aggregate_exists(site->name)) {
        error_set(error, ERROR_NAME, "%s is not a function that can be used with OVER",
                  ast->function);
        const char *near = window_function_nearest(ast->function);
        if (near != NULL)
            error_hint(error, "Did you mean %s?", near);
        else
            error_hint(error, "Use an aggregate function or a window function like ROW_NUMBER.");
        return bind_error_at(binder, error, ast->place);
    }
    if (ast->ignore_nulls && (site->window == NULL || !site->window->can_skip)) {
        error_set(error, ERROR_SYNTAX, "%s takes no IGNORE NULLS", ast->function);
        return bind_error_at(binder, error, ast->place);
    }
    if (!bind_args(scope, ast, site, error))
        return false;
    const Type **types = arena_new_array(context->arena, const Type *, site->arg_count + 1);
    const Vector **literals = arena_new_array(context->arena, const Vector *, site->arg_count + 1);
    for (uint32_t i = 0; i < site->arg_count; i++) {
        types[i] = site->args[i]->type;
        literals[i] = site->args[i]->literal;
    }
    site->arg_types = types;
    site->literals = literals;
    FunctionSite call = {types,          literals, site->arg_count, context->site.zone,
                         context->arena, NULL};
    return site->window != NULL ? bind_window_function(scope, ast, &call, site, error)
                                : bind_aggregate(scope, ast, &call, site, error);
}

/* The name of a selected column may stand for a window function. */
static bool check_parts(const ExprScope *scope, const AstExpr *ast, OverSite *site, Error *error)
{
    const OverList one = {.sites = site, .count = 1};
    uint32_t count = over_list_expressions(&one, NULL);
    const Expr **parts = arena_new_array(scope->binder->context->arena, const Expr *, count + 1);
    over_list_expressions(&one, parts);
    const QueryList none = {0};
    bool looks = false;
    for (uint32_t i = 0; i < count; i++)
        looks = looks || queries_look_above(scope->queries == NULL ? &none : scope->queries,
                                            parts[i], false);
    if (!looks)
        return true;
    error_set(error, ERROR_SYNTAX, "window function %s looks at the value of another one",
              ast->function);
    error_hint(error, "Compute the inner one in a subquery in FROM.");
    return bind_error_at(scope->binder, error, ast->place);
}

const Expr *bind_over_call(ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    if (!check_place(scope, ast, error))
        return NULL;
    AstWindow window;
    if (!resolve_window(scope, ast->over, scope->overs->window_count, &window, error))
        return NULL;
    OverSite site = {.name = arena_strdup(arena, ast->function),
                     .place = bind_place(scope->binder, ast->place)};
    const char *clause = scope->clause;
    scope->in_over = true;
    scope->clause = "OVER";
    bool bound = bind_function(scope, ast, &site, error) &&
                 bind_window(scope, &window, &site, error) &&
                 bind_frame(scope, &window, &site, error);
    scope->in_over = false;
    scope->clause = clause;
    if (!bound || !check_parts(scope, ast, &site, error))
        return NULL;
    bool is_count = site.window == NULL && strcmp(site.name, "COUNT") == 0;
    bool looks = site.window == NULL || site.window->has_frame;
    if ((looks && !is_count && may_be_empty(&site)) ||
        (site.window != NULL && site.window->kind == WINDOW_NTH_VALUE))
        site.type = type_with_nullable(arena, site.type, true);
    uint32_t index = list_add(arena, scope->overs, &site);
    return expr_column(arena, OVER_COLUMN_BASE + index, site.type, site.place);
}
