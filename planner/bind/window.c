/* TUMBLE, HOP, CUMULATE and SESSION in FROM: rows with the windows they lie in.
 *
 * Arguments by position or by name; the table as TABLE t or bare, the time column as DESCRIPTOR(ts)
 * or bare. Whether the column is a time attribute is asked again when the plan is made, for a join
 * below may turn out to be a regular one. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

#define PARAMETERS_MAX 5

/* Parameters in order; `slide` and `step` are the same slot. */
typedef struct WindowForm {
    const char *name;
    PlanWindowKind kind;
    const char *usage;
    const char *parameters[PARAMETERS_MAX];
    uint32_t required;
} WindowForm;

static const WindowForm forms[] = {
    {"TUMBLE",
     PLAN_WINDOW_TUMBLE,
     "TUMBLE(TABLE t, DESCRIPTOR(ts), INTERVAL '1' MINUTE)",
     {"DATA", "TIMECOL", "SIZE", "OFFSET"},
     3},
    {"HOP",
     PLAN_WINDOW_HOP,
     "HOP(TABLE t, DESCRIPTOR(ts), slide INTERVAL '1' MINUTE, size INTERVAL '5' MINUTE)",
     {"DATA", "TIMECOL", "SLIDE", "SIZE", "OFFSET"},
     4},
    {"CUMULATE",
     PLAN_WINDOW_CUMULATE,
     "CUMULATE(TABLE t, DESCRIPTOR(ts), step INTERVAL '1' HOUR, size INTERVAL '1' DAY)",
     {"DATA", "TIMECOL", "STEP", "SIZE", "OFFSET"},
     4},
    {"SESSION",
     PLAN_WINDOW_SESSION,
     "SESSION(TABLE t PARTITION BY k, DESCRIPTOR(ts), INTERVAL '5' MINUTE)",
     {"DATA", "TIMECOL", "GAP"},
     3},
};

static const WindowForm *find_form(const AstExpr *call)
{
    for (size_t i = 0; i < array_count(forms); i++)
        if (strcmp(call->function, forms[i].name) == 0)
            return &forms[i];
    return NULL;
}

bool bind_is_window_tvf(const AstExpr *call)
{
    return call->kind == AST_CALL && find_form(call) != NULL;
}

/* ------------------------------------------------------------------- arguments */

static bool wrong_arguments(const Binder *binder, const WindowForm *form, AstPlace place,
                            Error *error)
{
    error_hint(error, "Write %s.", form->usage);
    return bind_error_at(binder, error, place);
}

static const char *type_name(const Binder *binder, const Type *type)
{
    Arena *arena = binder->context->arena;
    return type_text(arena, type_with_nullable(arena, type, true));
}

static int32_t find_parameter(const WindowForm *form, const char *name)
{
    for (uint32_t i = 0; i < PARAMETERS_MAX && form->parameters[i] != NULL; i++)
        if (text_equal_nocase(form->parameters[i], name))
            return (int32_t)i;
    return -1;
}

/* The arguments in the order of the parameters; NULL where one is left out. */
static bool sort_arguments(const Binder *binder, const WindowForm *form, const AstExpr *call,
                           const AstExpr **out, Error *error)
{
    uint32_t room = 0;
    while (room < PARAMETERS_MAX && form->parameters[room] != NULL)
        room++;
    for (uint32_t i = 0; i < call->arg_count; i++) {
        const AstExpr *argument = call->args[i];
        bool named = argument->kind == AST_NAMED_ARGUMENT;
        int32_t at = i < room ? (int32_t)i : -1;
        if (named)
            at = find_parameter(form, argument->name.parts[0]);
        if (at < 0 && named) {
            error_set(error, ERROR_NAME, "%s has no argument \"%s\"", form->name,
                      argument->name.parts[0]);
            return wrong_arguments(binder, form, argument->place, error);
        }
        if (at < 0) {
            error_set(error, ERROR_SYNTAX, "%s takes %u arguments at most, not %u", form->name,
                      room, call->arg_count);
            return wrong_arguments(binder, form, argument->place, error);
        }
        if (out[at] != NULL) {
            error_set(error, ERROR_SYNTAX, "argument %s of %s is given twice", form->parameters[at],
                      form->name);
            return wrong_arguments(binder, form, argument->place, error);
        }
        out[at] = named ? argument->args[0] : argument;
    }
    for (uint32_t i = 0; i < form->required; i++) {
        if (out[i] != NULL)
            continue;
        error_set(error, ERROR_SYNTAX, "%s needs argument %s", form->name, form->parameters[i]);
        return wrong_arguments(binder, form, call->place, error);
    }
    return true;
}

static bool bind_interval(Binder *binder, const WindowForm *form, uint32_t parameter,
                          const AstExpr *ast, int64_t *micros, Error *error)
{
    Scope nothing = {NULL, 0};
    const char *name = form->parameters[parameter];
    ExprScope scope = {.binder = binder, .scope = &nothing, .clause = "an interval of a window"};
    const Expr *expr = bind_expr(&scope, ast, error);
    if (expr == NULL)
        return false;
    bool is_offset = strcmp(name, "OFFSET") == 0;
    if (!expr_is_literal(expr) || expr_is_null_literal(expr) ||
        expr->type->kind != TYPE_INTERVAL_SECOND) {
        error_set(error, ERROR_TYPE,
                  "%s of %s must be a constant interval of days to seconds, not "
                  "%s",
                  name, form->name, type_name(binder, expr->type));
        if (expr->type->kind == TYPE_INTERVAL_MONTH)
            error_detail(error, "Months and years differ in length.");
        return wrong_arguments(binder, form, ast->place, error);
    }
    int64_t millis = ((const int64_t *)expr->literal->data)[0];
    if (millis <= 0 && !is_offset) {
        error_set(error, ERROR_TYPE, "%s of %s must be more than 0", name, form->name);
        return bind_error_at(binder, error, ast->place);
    }
    if (__builtin_mul_overflow(millis, 1000, micros) || millis > INT64_C(100000) * 86400000) {
        error_set(error, ERROR_LIMIT, "%s of %s is more than 100,000 days", name, form->name);
        return bind_error_at(binder, error, ast->place);
    }
    return true;
}

static bool bind_intervals(Binder *binder, const WindowForm *form, const AstExpr *const *arguments,
                           PlanWindow *window, Error *error)
{
    for (uint32_t i = 2; i < PARAMETERS_MAX && form->parameters[i] != NULL; i++) {
        const char *name = form->parameters[i];
        bool slides = strcmp(name, "SLIDE") == 0 || strcmp(name, "STEP") == 0;
        int64_t *out = slides                        ? &window->slide_us
                       : strcmp(name, "OFFSET") == 0 ? &window->offset_us
                                                     : &window->size_us;
        if (arguments[i] != NULL && !bind_interval(binder, form, i, arguments[i], out, error))
            return false;
    }
    if (window->slide_us != 0 && window->size_us % window->slide_us != 0) {
        error_set(error, ERROR_TYPE, "the size of %s must be a multiple of its %s", form->name,
                  form->kind == PLAN_WINDOW_HOP ? "slide" : "step");
        error_detail(
            error, "The size is %lld ms, the %s %lld ms.", (long long)(window->size_us / 1000),
            form->kind == PLAN_WINDOW_HOP ? "slide" : "step", (long long)(window->slide_us / 1000));
        error_hint(error, "The %s stands before the size.",
                   form->kind == PLAN_WINDOW_HOP ? "slide" : "step");
        return bind_error_at(binder, error, arguments[2]->place);
    }
    return true;
}

/* ------------------------------------------------------------- table and columns */

static LogicalNode *bind_data(Binder *binder, const WindowForm *form, const AstExpr *ast,
                              Scope *scope, Error *error)
{
    LogicalNode *node = NULL;
    if (ast->kind == AST_TABLE_ARGUMENT || ast->kind == AST_SCALAR_QUERY) {
        node = bind_query(binder, ast->query, error);
    } else if (ast->kind == AST_COLUMN) {
        AstTable table = {.kind = AST_TABLE_NAME, .place = ast->place, .name = ast->name};
        Relation relation;
        if (bind_table(binder, &table, &relation, error))
            node = relation.node;
    } else {
        error_set(error, ERROR_SYNTAX, "argument DATA of %s must be a table", form->name);
        wrong_arguments(binder, form, ast->place, error);
    }
    if (node != NULL)
        scope_of_node(binder->context->arena, node, NULL, scope);
    return node;
}

static bool bind_time_column(ExprScope *scope, const WindowForm *form, const AstExpr *ast,
                             LogicalWindowTvf *tvf, Error *error)
{
    Binder *binder = scope->binder;
    const AstExpr *column = ast;
    if (ast->kind == AST_DESCRIPTOR && ast->arg_count == 1)
        column = ast->args[0];
    if (column->kind != AST_COLUMN) {
        error_set(error, ERROR_SYNTAX, "argument TIMECOL of %s must be one column", form->name);
        return wrong_arguments(binder, form, ast->place, error);
    }
    const Expr *expr = bind_expr(scope, column, error);
    if (expr == NULL)
        return false;
    bool bounded = binder->context->config->bounded_run;
    if (bounded && (!type_is_timestamp(expr->type) || expr->type->precision > 3)) {
        error_set(error, ERROR_TYPE,
                  "the time of %s must be TIMESTAMP(3) or TIMESTAMP_LTZ(3), not "
                  "%s",
                  form->name, type_name(binder, expr->type));
        return bind_error_at(binder, error, column->place);
    }
    if (!bounded && !bind_need_time(scope, expr, false, form->name, column->place, error))
        return false;
    tvf->time = bind_time_kind(scope->scope, expr);
    tvf->window.time_column = expr->column;
    tvf->window.tick_us = 1000;
    tvf->window.zone =
        expr->type->kind == TYPE_TIMESTAMP_LTZ ? binder->context->config->zone : NULL;
    return true;
}

static bool bind_partition(ExprScope *scope, const WindowForm *form, const AstExpr *data,
                           LogicalWindowTvf *tvf, Error *error)
{
    Binder *binder = scope->binder;
    const AstWindow *over = data->over;
    if (data->kind != AST_TABLE_ARGUMENT || over == NULL)
        return true;
    if (over->order_count != 0) {
        error_set(error, ERROR_SYNTAX, "%s takes no ORDER BY: its rows go by their time",
                  form->name);
        return bind_error_at(binder, error, over->order_by[0].expr->place);
    }
    if (form->kind != PLAN_WINDOW_SESSION && over->partition_count != 0) {
        error_set(error, ERROR_SYNTAX, "%s takes no PARTITION BY", form->name);
        error_hint(error, "Its windows are the same for all rows; group by the columns instead.");
        return bind_error_at(binder, error, over->partition_by[0]->place);
    }
    tvf->partition = arena_new_array(binder->context->arena, uint32_t, over->partition_count + 1);
    for (uint32_t i = 0; i < over->partition_count; i++) {
        const Expr *expr = bind_expr(scope, over->partition_by[i], error);
        if (expr == NULL)
            return false;
        if (expr->kind != EXPR_COLUMN) {
            error_set(error, ERROR_SYNTAX, "PARTITION BY of %s takes columns only", form->name);
            error_hint(error, "Compute the column in a subquery: TABLE (SELECT …).");
            return bind_error_at(binder, error, over->partition_by[i]->place);
        }
        tvf->partition[tvf->partition_count++] = expr->column;
    }
    return true;
}

static const Schema *window_schema(Arena *arena, const LogicalNode *input, const PlanWindow *window)
{
    uint32_t count = input->schema->column_count;
    const Type *time = input->schema->columns[window->time_column].type;
    const Type *bound = type_new(arena, TYPE_TIMESTAMP, false, 3, 0);
    Column *columns = arena_new_array(arena, Column, count + 3);
    memcpy(columns, input->schema->columns, sizeof(*columns) * count);
    columns[count] = (Column){"window_start", bound};
    columns[count + 1] = (Column){"window_end", bound};
    columns[count + 2] = (Column){"window_time", type_new(arena, time->kind, false, 3, 0)};
    return schema_new(arena, columns, count + 3);
}

LogicalNode *bind_window_tvf(Binder *binder, const AstExpr *call, Error *error)
{
    Arena *arena = binder->context->arena;
    const WindowForm *form = find_form(call);
    const AstExpr *arguments[PARAMETERS_MAX] = {NULL};
    if (!sort_arguments(binder, form, call, arguments, error))
        return NULL;
    LogicalWindowTvf tvf = {.window = {.kind = form->kind}};
    Scope columns = {NULL, 0};
    LogicalNode *input = bind_data(binder, form, arguments[0], &columns, error);
    ExprScope scope = {.binder = binder, .scope = &columns, .clause = form->name};
    if (input == NULL || !bind_time_column(&scope, form, arguments[1], &tvf, error) ||
        !bind_partition(&scope, form, arguments[0], &tvf, error) ||
        !bind_intervals(binder, form, arguments, &tvf.window, error))
        return NULL;
    LogicalNode *node =
        logical_new_unary(arena, "window_tvf", window_schema(arena, input, &tvf.window), input,
                          bind_place(binder, call->place));
    node->window_tvf = tvf;
    return node;
}
