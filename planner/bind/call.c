/* Calls of functions and operators by name.
 *
 * IF, IFNULL, NULLIF and COALESCE become CASE and COALESCE nodes here, because a function gets all
 * its arguments computed and these must not compute what they do not need. */
#include "planner/bind/bind.h"

#include <string.h>

#include "core/str.h"

static bool check_count(const ExprScope *scope, const AstExpr *ast, uint32_t minimum,
                        uint32_t maximum, const char *usage, Error *error)
{
    if (ast->arg_count >= minimum && ast->arg_count <= maximum)
        return true;
    error_set(error, ERROR_TYPE, "%s does not take %u argument%s", ast->function, ast->arg_count,
              ast->arg_count == 1 ? "" : "s");
    error_hint(error, "It is used as %s.", usage);
    return bind_error_at(scope->binder, error, ast->place);
}

static bool makes_json(const AstExpr *ast)
{
    return ast->kind == AST_CALL &&
           (strcmp(ast->function, "JSON_OBJECT") == 0 || strcmp(ast->function, "JSON_ARRAY") == 0);
}

/* JSON inside JSON: the outer function is told that this value is no plain text. */
static const Expr *bind_json_value(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const bool wraps = ast->kind == AST_CALL && strcmp(ast->function, "JSON") == 0;
    if (wraps && !check_count(scope, ast, 1, 1, "JSON(text)", error))
        return NULL;
    const Expr **args = arena_new_array(scope->binder->context->arena, const Expr *, 1);
    args[0] = bind_expr(scope, wraps ? ast->args[0] : ast, error);
    if (args[0] == NULL || !(wraps || makes_json(ast)))
        return args[0];
    return expr_call(&scope->binder->context->site, "JSON", args, 1,
                     bind_place(scope->binder, ast->place), error);
}

static const Expr *refuse_json(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    error_set(error, ERROR_SYNTAX, "JSON(…) stands only inside JSON_OBJECT or JSON_ARRAY");
    error_hint(error, "JSON text elsewhere is a STRING as it is.");
    bind_error_at(scope->binder, error, ast->place);
    return NULL;
}

static const Expr **bind_args(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const bool json = makes_json(ast);
    const Expr **args =
        arena_new_array(scope->binder->context->arena, const Expr *, ast->arg_count + 1);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        args[i] = json ? bind_json_value(scope, ast->args[i], error)
                       : bind_expr(scope, ast->args[i], error);
        if (args[i] == NULL)
            return NULL;
    }
    return args;
}

/* CASE WHEN when THEN then ELSE other END, the arms cast to their common type. */
static const Expr *make_case(const ExprScope *scope, const Expr *when, const Expr *then,
                             const Expr *other, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr *arms[] = {then, other};
    const Type *common = bind_common(
        scope, arms, 2, arena_printf(context->arena, "the results of %s", ast->function),
        ast->place, error);
    if (common == NULL)
        return NULL;
    const Expr **args = arena_new_array(context->arena, const Expr *, 3);
    args[0] = when;
    args[1] = arms[0];
    args[2] = arms[1];
    bool nullable = arms[0]->type->nullable || arms[1]->type->nullable;
    return expr_new(&context->site, EXPR_CASE, type_with_nullable(context->arena, common, nullable),
                    args, 3, bind_place(scope->binder, ast->place));
}

static const Expr *bind_if(ExprScope *scope, const AstExpr *ast, Error *error)
{
    if (!check_count(scope, ast, 3, 3, "IF(condition, value, other value)", error))
        return NULL;
    const char *clause = scope->clause;
    scope->clause = "condition of IF";
    const Expr *when = bind_condition(scope, ast->args[0], error);
    scope->clause = clause;
    const Expr *then = when == NULL ? NULL : bind_expr(scope, ast->args[1], error);
    const Expr *other = then == NULL ? NULL : bind_expr(scope, ast->args[2], error);
    return other == NULL ? NULL : make_case(scope, when, then, other, ast, error);
}

static const Expr *bind_nullif(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (!check_count(scope, ast, 2, 2, "NULLIF(value, value that means NULL)", error))
        return NULL;
    const Expr **args = bind_args(scope, ast, error);
    if (args == NULL)
        return NULL;
    const Expr *value = args[0];
    const Expr *equal =
        expr_call(&context->site, "=", args, 2, bind_place(scope->binder, ast->place), error);
    if (equal == NULL)
        return NULL;
    const Expr *null = expr_null(context->arena, value->type, expr_place(value));
    return make_case(scope, equal, null, value, ast, error);
}

static const Expr *bind_coalesce(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    bool is_ifnull = strcmp(ast->function, "IFNULL") == 0;
    if (!check_count(scope, ast, is_ifnull ? 2 : 1, is_ifnull ? 2 : UINT32_MAX,
                     is_ifnull ? "IFNULL(value, value instead of NULL)"
                               : "COALESCE(value, value, …)",
                     error))
        return NULL;
    const Expr **args = bind_args(scope, ast, error);
    if (args == NULL)
        return NULL;
    const Type *common = bind_common(
        scope, args, ast->arg_count,
        arena_printf(context->arena, "the arguments of %s", ast->function), ast->place, error);
    if (common == NULL)
        return NULL;
    bool nullable = true;
    for (uint32_t i = 0; i < ast->arg_count; i++)
        nullable = nullable && args[i]->type->nullable;
    return expr_new(&context->site, EXPR_COALESCE,
                    type_with_nullable(context->arena, common, nullable), args, ast->arg_count,
                    bind_place(scope->binder, ast->place));
}

static const Expr *bind_current_database(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (!check_count(scope, ast, 0, 0, "CURRENT_DATABASE()", error))
        return NULL;
    return expr_text(context->arena, str_of(DATABASE_NAME), bind_place(scope->binder, ast->place));
}

static const Expr *refuse_modifiers(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    const char *what = ast->distinct ? "DISTINCT" : ast->filter != NULL ? "FILTER" : "*";
    error_set(error, ERROR_SYNTAX, "%s is only for aggregate functions, which %s is not", what,
              ast->function);
    bind_error_at(scope->binder, error, ast->place);
    return NULL;
}

/* An unknown name is the likelier mistake where the arguments are none of a function: it is said
 * first. */
static bool is_unknown(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    FunctionSite nothing = {NULL, NULL, 0, context->site.zone, context->arena, context->site.own};
    BoundFunction bound;
    Error unknown;
    error_clear(&unknown);
    if (function_bind(ast->function, &nothing, &bound, &unknown) || unknown.code != ERROR_NAME)
        return false;
    *error = unknown;
    bind_error_at(scope->binder, error, ast->place);
    return true;
}

static bool takes_table(const AstExpr *ast)
{
    for (uint32_t i = 0; i < ast->arg_count; i++)
        if (ast->args[i]->kind == AST_TABLE_ARGUMENT || ast->args[i]->kind == AST_DESCRIPTOR)
            return true;
    return false;
}

const Expr *bind_call(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (ast->over != NULL)
        return bind_over_call(scope, ast, error);
    if (aggregate_exists(ast->function))
        return bind_aggregate_call(scope, ast, error);
    if (bind_is_grouping(ast->function))
        return bind_grouping_call(scope, ast, error);
    if (bind_is_group_window(ast) || bind_is_window_property(ast->function))
        return bind_window_property(scope, ast, error);
    if (window_function_find(ast->function) != NULL) {
        error_set(error, ERROR_SYNTAX, "window function %s needs OVER", ast->function);
        error_hint(error, "Write %s(…) OVER (PARTITION BY … ORDER BY …).", ast->function);
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    if (ast->distinct || ast->star || ast->filter != NULL) {
        return is_unknown(scope, ast, error) ? NULL : refuse_modifiers(scope, ast, error);
    }
    if (strcmp(ast->function, "IF") == 0)
        return bind_if(scope, ast, error);
    if (strcmp(ast->function, "NULLIF") == 0)
        return bind_nullif(scope, ast, error);
    if (strcmp(ast->function, "COALESCE") == 0 || strcmp(ast->function, "IFNULL") == 0)
        return bind_coalesce(scope, ast, error);
    if (strcmp(ast->function, "JSON") == 0)
        return refuse_json(scope, ast, error);
    if (strcmp(ast->function, "CURRENT_DATABASE") == 0)
        return bind_current_database(scope, ast, error);
    if (takes_table(ast) && is_unknown(scope, ast, error))
        return NULL;
    const Expr **args = bind_args(scope, ast, error);
    if (args == NULL)
        return NULL;
    if (strcmp(ast->function, "CURRENT_WATERMARK") == 0 && ast->arg_count == 1 &&
        !bind_need_time(scope, args[0], true, "CURRENT_WATERMARK", ast->args[0]->place, error))
        return NULL;
    return expr_call(&context->site, ast->function, args, ast->arg_count,
                     bind_place(scope->binder, ast->place), error);
}

bool planner_has_function(const char *name)
{
    static const char *const forms[] = {
        "ARRAY", "CAST",    "COALESCE", "CUMULATE", "DESCRIPTOR",       "EXISTS",   "EXTRACT",
        "HOP",   "IF",      "IFNULL",   "MAP",      "NULLIF",           "OVERLAPS", "POSITION",
        "ROW",   "SESSION", "TRY_CAST", "TUMBLE",   "SOURCE_WATERMARK", "UNNEST"};
    char upper[64] = "";
    for (size_t i = 0; name[i] != '\0' && i < sizeof(upper) - 1; i++)
        upper[i] = (char)(name[i] >= 'a' && name[i] <= 'z' ? name[i] - 32 : name[i]);
    for (size_t i = 0; i < array_count(forms); i++)
        if (strcmp(forms[i], upper) == 0)
            return true;
    const ScalarFunction *function;
    for (uint32_t i = 0; (function = function_at(i)) != NULL; i++)
        if (text_equal_nocase(function->name, name))
            return true;
    return aggregate_exists(name) || window_function_find(name) != NULL ||
           bind_is_grouping(upper) || bind_is_window_property(upper);
}
