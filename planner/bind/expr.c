/* Expressions: types found, operators bound, casts put in.
 *
 * Lazy forms (AND, OR, CASE, COALESCE) are nodes of their own; IF, IFNULL and NULLIF become them in
 * bind/call.c. Cost: one visit per node of the tree. */
#include "planner/bind/bind.h"

/* Deeper than any person writes, and far from the end of the stack. */
#define EXPRESSION_DEPTH_MAX 1000

const Expr *bind_condition(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const Expr *expr = bind_expr(scope, ast, error);
    if (expr == NULL)
        return NULL;
    if (expr->type->kind == TYPE_NULL)
        return expr_cast(&scope->binder->context->site, expr, &type_boolean, CAST_IMPLICIT, error);
    if (expr->type->kind != TYPE_BOOLEAN) {
        error_set(error, ERROR_TYPE, "%s must be BOOLEAN, not %s", scope->clause,
                  type_text(scope->binder->context->arena, expr->type));
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    return expr;
}

const Type *bind_common(const ExprScope *scope, const Expr **exprs, uint32_t count,
                        const char *what, AstPlace place, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Type *common = exprs[0]->type;
    for (uint32_t i = 1; i < count; i++) {
        const Type *next = type_common(context->arena, common, exprs[i]->type);
        if (next == NULL) {
            error_set(error, ERROR_TYPE, "%s have no type in common: %s and %s", what,
                      type_text(context->arena, common), type_text(context->arena, exprs[i]->type));
            error_hint(error, "CAST one of them to the type of the other.");
            bind_error_at(scope->binder, error,
                          exprs[i]->sql_offset >= 0 ? expr_place(exprs[i]) : place);
            return NULL;
        }
        common = next;
    }
    for (uint32_t i = 0; i < count; i++) {
        exprs[i] = expr_cast(&context->site, exprs[i], common, CAST_IMPLICIT, error);
        if (exprs[i] == NULL)
            return NULL;
    }
    return common;
}

/* AND and OR: every argument a condition. */
static const Expr *bind_logic(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, ast->arg_count + 1);
    bool nullable = false;
    const char *clause = scope->clause;
    scope->clause = ast->kind == AST_AND ? "argument of AND" : "argument of OR";
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        args[i] = bind_condition(scope, ast->args[i], error);
        if (args[i] == NULL)
            return NULL;
        nullable = nullable || args[i]->type->nullable;
    }
    scope->clause = clause;
    return expr_new(&context->site, ast->kind == AST_AND ? EXPR_AND : EXPR_OR,
                    type_with_nullable(context->arena, &type_boolean, nullable), args,
                    ast->arg_count, bind_place(scope->binder, ast->place));
}

static const Expr *negate(const ExprScope *scope, const Expr *expr, bool negated, AstPlace place,
                          Error *error)
{
    if (expr == NULL || !negated)
        return expr;
    const Expr **args = arena_new_array(scope->binder->context->arena, const Expr *, 1);
    args[0] = expr;
    return expr_call(&scope->binder->context->site, "NOT", args, 1,
                     bind_place(scope->binder, place), error);
}

static const Expr *bind_not(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const char *clause = scope->clause;
    scope->clause = "argument of NOT";
    const Expr *arg = bind_condition(scope, ast->args[0], error);
    scope->clause = clause;
    return negate(scope, arg, true, ast->place, error);
}

static const Expr *bind_case(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    uint32_t results = ast->arg_count / 2 + 1;
    const Expr **args = arena_new_array(context->arena, const Expr *, ast->arg_count + 1);
    const Expr **values = arena_new_array(context->arena, const Expr *, results + 1);
    const char *clause = scope->clause;
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        bool is_when = i % 2 == 0 && i + 1 < ast->arg_count;
        scope->clause = is_when ? "condition of WHEN" : clause;
        args[i] = is_when ? bind_condition(scope, ast->args[i], error)
                          : bind_expr(scope, ast->args[i], error);
        if (args[i] == NULL)
            return NULL;
        if (!is_when)
            values[i / 2] = args[i];
    }
    scope->clause = clause;
    const Type *common =
        bind_common(scope, values, results, "the results of CASE", ast->place, error);
    if (common == NULL)
        return NULL;
    bool nullable = false;
    for (uint32_t i = 0; i < results; i++) {
        args[i + 1 == results ? ast->arg_count - 1 : i * 2 + 1] = values[i];
        nullable = nullable || values[i]->type->nullable;
    }
    return expr_new(&context->site, EXPR_CASE, type_with_nullable(context->arena, common, nullable),
                    args, ast->arg_count, bind_place(scope->binder, ast->place));
}

static const Expr *bind_cast(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr *arg = bind_expr(scope, ast->args[0], error);
    if (arg == NULL)
        return NULL;
    const Type *to = type_copy(context->arena, ast->type);
    const Expr *cast =
        expr_cast(&context->site, arg, to, ast->try_cast ? CAST_TRY : CAST_EXPLICIT, error);
    if (cast == NULL)
        bind_error_at(scope->binder, error, ast->place);
    return cast;
}

static AstExpr *ast_node(Arena *arena, AstExprKind kind, AstExpr **args, uint32_t count,
                         AstPlace place)
{
    AstExpr *expr = arena_new_one(arena, AstExpr);
    *expr = (AstExpr){.kind = kind, .place = place, .args = args, .arg_count = count};
    return expr;
}

/* (a, b) IN ((1, 2), (3, 4)): a = 1 AND b = 2 OR a = 3 AND b = 4. */
static const Expr *bind_in_rows(ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    const AstExpr *left = ast->args[0];
    uint32_t width = left->arg_count;
    AstExpr **rows = arena_new_array(arena, AstExpr *, ast->arg_count);
    for (uint32_t i = 1; i < ast->arg_count; i++) {
        const AstExpr *row = ast->args[i];
        if (row->kind != AST_ROW || row->arg_count != width || width == 0) {
            error_set(error, ERROR_TYPE, "a row of %u values is compared with something else",
                      width);
            error_hint(error, "Write lists in IN with as many values as there are on its left.");
            bind_error_at(scope->binder, error, row->place);
            return NULL;
        }
        AstExpr **equal = arena_new_array(arena, AstExpr *, width + 1);
        for (uint32_t c = 0; c < width; c++) {
            AstExpr **sides = arena_new_array(arena, AstExpr *, 2);
            sides[0] = left->args[c];
            sides[1] = row->args[c];
            equal[c] = ast_node(arena, AST_CALL, sides, 2, row->args[c]->place);
            equal[c]->function = "=";
        }
        rows[i - 1] = width == 1 ? equal[0] : ast_node(arena, AST_AND, equal, width, row->place);
    }
    uint32_t count = ast->arg_count - 1;
    const AstExpr *any = count == 1 ? rows[0] : ast_node(arena, AST_OR, rows, count, ast->place);
    return negate(scope, bind_expr(scope, any, error), ast->negated, ast->place, error);
}

static const Expr *bind_in_list(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (ast->args[0]->kind == AST_ROW)
        return bind_in_rows(scope, ast, error);
    const Expr **args = arena_new_array(context->arena, const Expr *, ast->arg_count + 1);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        args[i] = bind_expr(scope, ast->args[i], error);
        if (args[i] == NULL)
            return NULL;
    }
    if (bind_common(scope, args, ast->arg_count, "the values compared by IN", ast->place, error) ==
        NULL)
        return NULL;
    const Expr *in = expr_call(&context->site, "IN", args, ast->arg_count,
                               bind_place(scope->binder, ast->place), error);
    return negate(scope, in, ast->negated, ast->place, error);
}

/* left >= low AND left <= high; `left` is one shared subtree, which the executor runs once. */
static const Expr *between(ExprScope *scope, const Expr *const *parts, AstPlace place, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr **both = arena_new_array(context->arena, const Expr *, 2);
    for (uint32_t i = 0; i < 2; i++) {
        const Expr **args = arena_new_array(context->arena, const Expr *, 2);
        args[0] = parts[0];
        args[1] = parts[i + 1];
        both[i] = expr_call(&context->site, i == 0 ? ">=" : "<=", args, 2,
                            bind_place(scope->binder, place), error);
        if (both[i] == NULL)
            return NULL;
    }
    bool nullable = both[0]->type->nullable || both[1]->type->nullable;
    return expr_new(&context->site, EXPR_AND,
                    type_with_nullable(context->arena, &type_boolean, nullable), both, 2,
                    bind_place(scope->binder, place));
}

static const Expr *bind_between(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr *parts[3];
    for (uint32_t i = 0; i < 3; i++) {
        parts[i] = bind_expr(scope, ast->args[i], error);
        if (parts[i] == NULL)
            return NULL;
    }
    const Expr *result = between(scope, parts, ast->place, error);
    if (result != NULL && ast->symmetric) {
        const Expr *swapped[] = {parts[0], parts[2], parts[1]};
        const Expr **either = arena_new_array(context->arena, const Expr *, 2);
        either[0] = result;
        either[1] = between(scope, swapped, ast->place, error);
        if (either[1] == NULL)
            return NULL;
        bool nullable = either[0]->type->nullable || either[1]->type->nullable;
        result = expr_new(&context->site, EXPR_OR,
                          type_with_nullable(context->arena, &type_boolean, nullable), either, 2,
                          bind_place(scope->binder, ast->place));
    }
    return negate(scope, result, ast->negated, ast->place, error);
}

static const Expr *refuse_kind(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    const Binder *binder = scope->binder;
    switch (ast->kind) {
    case AST_STAR:
        error_set(error, ERROR_SYNTAX, "* is not allowed in %s", scope->clause);
        error_hint(error, "It stands in a select list or in COUNT(*).");
        bind_error_at(binder, error, ast->place);
        return NULL;
    case AST_NAMED_ARGUMENT:
        return bind_refuse(binder, ast->place, error, "a named argument",
                           "Give the arguments by position.");
    default:
        return bind_refuse(binder, ast->place, error, "a table or descriptor as an argument", NULL);
    }
}

static const Expr *bind_field_of(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const Expr *row = bind_expr(scope, ast->args[0], error);
    if (row == NULL)
        return NULL;
    return bind_field(scope->binder, row, ast->name.parts[0], ast->place, error);
}

/* ARRAY[…], MAP[…], ROW(…) and value[index]: functions with names of their own. */
static const Expr *bind_nested(ExprScope *scope, const AstExpr *ast, const char *function,
                               Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, ast->arg_count + 1);
    for (uint32_t i = 0; i < ast->arg_count; i++) {
        args[i] = bind_expr(scope, ast->args[i], error);
        if (args[i] == NULL)
            return NULL;
    }
    return expr_call(&context->site, function, args, ast->arg_count,
                     bind_place(scope->binder, ast->place), error);
}

static const Expr *bind_kind(ExprScope *scope, const AstExpr *ast, Error *error)
{
    switch (ast->kind) {
    case AST_COLUMN:
        return bind_column(scope, &ast->name, ast->place, error);
    case AST_NULL:
    case AST_BOOLEAN:
    case AST_NUMBER:
    case AST_STRING:
    case AST_BYTES:
    case AST_TYPED:
    case AST_INTERVAL:
        return bind_literal(scope, ast, error);
    case AST_CALL:
        return bind_call(scope, ast, error);
    case AST_AND:
    case AST_OR:
        return bind_logic(scope, ast, error);
    case AST_NOT:
        return bind_not(scope, ast, error);
    case AST_CASE:
        return bind_case(scope, ast, error);
    case AST_CAST:
        return bind_cast(scope, ast, error);
    case AST_IN_LIST:
        return bind_in_list(scope, ast, error);
    case AST_BETWEEN:
        return bind_between(scope, ast, error);
    case AST_FIELD:
        return bind_field_of(scope, ast, error);
    case AST_ARRAY:
        return bind_nested(scope, ast, "ARRAY", error);
    case AST_MAP:
        return bind_nested(scope, ast, "MAP", error);
    case AST_ROW:
        return bind_nested(scope, ast, "ROW", error);
    case AST_INDEX:
        return bind_nested(scope, ast, "[]", error);
    case AST_IN_QUERY:
    case AST_COMPARE_QUERY:
    case AST_EXISTS:
    case AST_SCALAR_QUERY:
        return bind_subquery(scope, ast, error);
    default:
        return refuse_kind(scope, ast, error);
    }
}

const Expr *bind_expr(ExprScope *scope, const AstExpr *ast, Error *error)
{
    if (scope->depth >= EXPRESSION_DEPTH_MAX) {
        error_set(error, ERROR_LIMIT, "expressions are nested more than %d deep",
                  EXPRESSION_DEPTH_MAX);
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    scope->depth++;
    const Expr *expr = bind_kind(scope, ast, error);
    scope->depth--;
    return bind_grouped(scope, expr);
}
