/* Windows in GROUP BY: TUMBLE, HOP and SESSION over a time attribute, and the functions that show
 * where a window starts and ends.
 *
 * The window is no key and has no value; it makes the aggregate one over windows, which gives start
 * and end as columns behind the aggregates. TUMBLE_START and the like must repeat the arguments of
 * the window and become these columns. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

typedef struct WindowName {
    const char *name;
    PlanWindowKind kind;
    uint32_t intervals;
    const char *usage;
} WindowName;

static const WindowName names[] = {
    {"TUMBLE", PLAN_WINDOW_TUMBLE, 1, "TUMBLE(time, INTERVAL size)"},
    {"HOP", PLAN_WINDOW_HOP, 2, "HOP(time, INTERVAL slide, INTERVAL size)"},
    {"SESSION", PLAN_WINDOW_SESSION, 1, "SESSION(time, INTERVAL gap)"},
};

static const struct {
    const char *suffix;
    PlanWindowProperty property;
} suffixes[] = {
    {"_START", PLAN_WINDOW_START},
    {"_END", PLAN_WINDOW_END},
    {"_ROWTIME", PLAN_WINDOW_TIME},
    {"_PROCTIME", PLAN_WINDOW_CLOCK},
};

/* The window function of that name; with `length` of its beginning only. */
static const WindowName *find_name(const char *function, size_t length)
{
    for (size_t i = 0; i < array_count(names); i++)
        if (strlen(names[i].name) == length && strncmp(names[i].name, function, length) == 0)
            return &names[i];
    return NULL;
}

static const WindowName *find_property(const char *function, PlanWindowProperty *property)
{
    for (size_t i = 0; i < array_count(suffixes); i++) {
        size_t length = strlen(function), tail = strlen(suffixes[i].suffix);
        if (length <= tail || strcmp(function + length - tail, suffixes[i].suffix) != 0)
            continue;
        *property = suffixes[i].property;
        return find_name(function, length - tail);
    }
    return NULL;
}

bool bind_is_group_window(const AstExpr *ast)
{
    return ast->kind == AST_CALL && ast->over == NULL &&
           find_name(ast->function, strlen(ast->function)) != NULL;
}

bool bind_is_window_property(const char *function)
{
    PlanWindowProperty property;
    return find_property(function, &property) != NULL;
}

/* ------------------------------------------------------------------- arguments */

/* A positive constant interval, in microseconds. */
static bool bind_interval(ExprScope *scope, const AstExpr *ast, const char *function, int64_t *out,
                          Error *error)
{
    const Expr *expr = bind_expr(scope, ast, error);
    if (expr == NULL)
        return false;
    if (expr->type->kind == TYPE_INTERVAL_MONTH) {
        error_set(error, ERROR_TYPE, "%s does not take an interval of months or years", function);
        error_hint(error, "Months differ in length: use days, INTERVAL '30' DAY, or group by "
                          "DATE_FORMAT(time, 'yyyy-MM').");
        return bind_error_at(scope->binder, error, ast->place);
    }
    if (expr->type->kind != TYPE_INTERVAL_SECOND || expr->literal == NULL ||
        vector_is_null(expr->literal, 0)) {
        error_set(error, ERROR_TYPE, "%s needs a constant interval here", function);
        error_hint(error, "Write it as INTERVAL '10' MINUTE.");
        return bind_error_at(scope->binder, error, ast->place);
    }
    int64_t milliseconds = *(const int64_t *)expr->literal->data;
    if (milliseconds <= 0 || milliseconds > INT64_C(36500) * 86400000) {
        error_set(error, ERROR_TYPE, "the interval of %s must be %s", function,
                  milliseconds <= 0 ? "greater than zero" : "at most 36500 days");
        return bind_error_at(scope->binder, error, ast->place);
    }
    *out = milliseconds * 1000;
    return true;
}

static bool check_arguments(const ExprScope *scope, const AstExpr *ast, const WindowName *name,
                            Error *error)
{
    bool bad = ast->star || ast->distinct || ast->filter != NULL;
    if (!bad && ast->arg_count == name->intervals + 1)
        return true;
    error_set(error, ERROR_TYPE, "%s takes a time attribute and %u interval%s", ast->function,
              name->intervals, name->intervals == 1 ? "" : "s");
    error_hint(error, "It is used as GROUP BY %s.", name->usage);
    return bind_error_at(scope->binder, error, ast->place);
}

/* A bounded run, which knows all rows before it gives a window, takes any time. */
static bool check_time(const ExprScope *scope, const Expr *time, const AstExpr *ast, Error *error)
{
    AstPlace place = ast->args[0]->place;
    if (!scope->binder->context->config->bounded_run)
        return bind_need_time(scope, time, false, ast->function, place, error);
    if (type_is_timestamp(time->type) && time->type->precision <= 3)
        return true;
    error_set(error, ERROR_TYPE, "the time of %s must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), not %s",
              ast->function, type_text(scope->binder->context->arena, time->type));
    return bind_error_at(scope->binder, error, place);
}

static bool bind_window(ExprScope *scope, const AstExpr *ast, const WindowName *name,
                        GroupWindow *out, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (!check_arguments(scope, ast, name, error))
        return false;
    out->name = name->name;
    out->place = bind_place(scope->binder, ast->place);
    out->time = bind_expr(scope, ast->args[0], error);
    if (out->time == NULL || !check_time(scope, out->time, ast, error))
        return false;
    PlanWindow *window = &out->window;
    window->kind = name->kind;
    window->on_clock = bind_time_kind(scope->scope, out->time) == TIME_PROCESSING;
    window->tick_us = 1000;
    window->zone = out->time->type->kind == TYPE_TIMESTAMP_LTZ ? context->site.zone : NULL;
    if (name->kind == PLAN_WINDOW_HOP &&
        !bind_interval(scope, ast->args[1], ast->function, &window->slide_us, error))
        return false;
    return bind_interval(scope, ast->args[name->intervals], ast->function, &window->size_us, error);
}

bool bind_group_window(ExprScope *scope, const AstExpr *ast, GroupBy *groups, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    if (groups->window != NULL) {
        error_set(error, ERROR_SYNTAX, "GROUP BY can have one window");
        error_hint(error, "Put the other one into a subquery in FROM.");
        return bind_error_at(scope->binder, error, ast->place);
    }
    groups->window = arena_new_one(arena, GroupWindow);
    return bind_window(scope, ast, find_name(ast->function, strlen(ast->function)), groups->window,
                       error);
}

/* ------------------------------------------------------------------ properties */

const char *bind_property_name(PlanWindowProperty property)
{
    return property == PLAN_WINDOW_START ? "window_start"
           : property == PLAN_WINDOW_END ? "window_end"
                                         : "window_time";
}

const Type *bind_property_type(Arena *arena, const GroupWindow *window, PlanWindowProperty property)
{
    TypeKind kind = TYPE_TIMESTAMP;
    if (property == PLAN_WINDOW_TIME || property == PLAN_WINDOW_CLOCK)
        kind = window->time->type->kind;
    return type_new(arena, kind, false, 3, 0);
}

static uint32_t add_property(GroupWindow *window, PlanWindowProperty property)
{
    for (uint32_t i = 0; i < window->property_count; i++)
        if (window->properties[i] == property)
            return i;
    window->properties[window->property_count] = property;
    return window->property_count++;
}

static bool has_window(const GroupWindow *a, const GroupWindow *b)
{
    return a->window.kind == b->window.kind && expr_equal(a->time, b->time) &&
           a->window.size_us == b->window.size_us && a->window.slide_us == b->window.slide_us;
}

/* A property without its window, or the window where it has no place. */
static const Expr *refuse(const ExprScope *scope, const AstExpr *ast, const WindowName *name,
                          Error *error)
{
    bool is_window = name == NULL;
    error_set(error, ERROR_SYNTAX, "%s is not allowed in %s", ast->function,
              scope->in_aggregate ? "an aggregate function" : scope->clause);
    if (is_window)
        error_hint(error,
                   "It stands in GROUP BY; %s_START(…) and %s_END(…) show the window. As a table "
                   "function it stands in FROM TABLE(%s(…)).",
                   ast->function, ast->function, ast->function);
    else
        error_hint(error, "It belongs to a query with GROUP BY %s.", name->usage);
    bind_error_at(scope->binder, error, ast->place);
    return NULL;
}

static const Expr *refuse_kind(const ExprScope *scope, const AstExpr *ast,
                               const GroupWindow *window, Error *error)
{
    bool on_clock = window->window.on_clock;
    error_set(error, ERROR_TYPE, "%s needs a window over %s time", ast->function,
              on_clock ? "event" : "processing");
    error_hint(error, "Use %s_%s.", window->name, on_clock ? "PROCTIME" : "ROWTIME");
    bind_error_at(scope->binder, error, ast->place);
    return NULL;
}

const Expr *bind_window_property(ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    PlanWindowProperty property = PLAN_WINDOW_START;
    const WindowName *name = find_property(ast->function, &property);
    if (name == NULL || scope->groups == NULL || scope->in_aggregate)
        return refuse(scope, ast, name, error);
    GroupWindow *window = scope->groups->window;
    if (window == NULL)
        return refuse(scope, ast, name, error);
    GroupWindow asked;
    memset(&asked, 0, sizeof(asked));
    if (!bind_window(scope, ast, name, &asked, error))
        return NULL;
    if (!has_window(window, &asked)) {
        error_set(error, ERROR_NAME, "%s does not fit the window of GROUP BY", ast->function);
        error_hint(error, "Give it the arguments that %s has in GROUP BY.", window->name);
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    if ((property == PLAN_WINDOW_TIME && window->window.on_clock) ||
        (property == PLAN_WINDOW_CLOCK && !window->window.on_clock))
        return refuse_kind(scope, ast, window, error);
    uint32_t column = add_property(window, property);
    return expr_column(arena, WINDOW_COLUMN_BASE + column,
                       bind_property_type(arena, window, property),
                       bind_place(scope->binder, ast->place));
}
