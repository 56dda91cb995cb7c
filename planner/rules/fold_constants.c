/* Constant folding: a call over constants runs its own kernel once, at planning.
 *
 * The value that planning computes is therefore the one a row would get. What may differ from row
 * to row (CURRENT_TIMESTAMP, RAND) stays, and so does a call that fails: SELECT 1 / 0 fails when a
 * row is computed, and not at all inside an arm of CASE that no row takes. */
#include "planner/expr_build.h"

/* The value of a call over literals, as a constant vector; NULL when there is none to be had now.
 */
static const Vector *compute(const ExprSite *site, const Expr *expr)
{
    const ScalarFunction *function = expr->call.function;
    unsigned flags = function == NULL ? (unsigned)FUNCTION_CAN_FAIL : function->flags;
    if ((flags & FUNCTION_NOT_DETERMINISTIC) != 0 || expr->call.kernel == NULL)
        return NULL;
    bool any_null = false;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (!expr_is_literal(expr->args[i]) || type_is_nested(expr->args[i]->type))
            return NULL;
        any_null = any_null || expr_is_null_literal(expr->args[i]);
    }
    Vector *value = arena_new_one(site->arena, Vector);
    vector_init_constant(value, expr->type, site->arena);
    if (any_null && (flags & FUNCTION_NULL_AWARE) == 0)
        return value;

    const Vector **args = arena_new_array(site->arena, const Vector *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = expr->args[i]->literal;
    Vector *out = arena_new_one(site->arena, Vector);
    vector_init(out, expr->type, 1, site->arena);
    FunctionEnvironment environment = {&clock_system, site->zone, 0, INT64_MIN};
    KernelCall call = {.args = args,
                       .arg_count = expr->arg_count,
                       .row_count = 1,
                       .out = out,
                       .arena = site->arena,
                       .data = expr->call.data,
                       .environment = &environment};
    Error ignored;
    error_clear(&ignored);
    if (!expr->call.kernel(&call, &ignored))
        return NULL;
    if (vector_is_null(out, 0))
        return value;
    vector_set_valid(value, 0);
    vector_copy_value(value, 0, out, 0, site->arena, false);
    return value;
}

static const Expr *fold_call(const ExprSite *site, const Expr *expr)
{
    const Vector *value = type_is_nested(expr->type) ? NULL : compute(site, expr);
    if (value == NULL)
        return expr;
    if (vector_is_null(value, 0))
        return expr_null(site->arena, expr->type, expr_place(expr));
    return expr_literal(site->arena, value, expr_place(expr));
}

const Vector *rule_constant_value(const ExprSite *site, const Expr *expr)
{
    if (expr_is_literal(expr))
        return expr->literal;
    return expr->kind == EXPR_CALL && type_is_nested(expr->type) ? compute(site, expr) : NULL;
}

/* AND without TRUE, OR without FALSE; FALSE or TRUE decide the whole. */
static const Expr *fold_logic(const ExprSite *site, const Expr *expr)
{
    bool neutral = expr->kind == EXPR_AND;
    const Expr **kept = arena_new_array(site->arena, const Expr *, expr->arg_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        /* Arms are evaluated from the left, so what stands right of a deciding constant never is;
         * what stands left of it may still fail and stays. */
        if (expr_is_boolean(expr->args[i], !neutral) && count == 0)
            return expr->args[i];
        if (!expr_is_boolean(expr->args[i], neutral))
            kept[count++] = expr->args[i];
    }
    if (count == expr->arg_count)
        return expr;
    if (count == 0)
        return expr_boolean(site->arena, neutral, expr_place(expr));
    if (count == 1)
        return kept[0];
    Expr *copy = arena_memdup(site->arena, expr, sizeof(*expr));
    copy->args = kept;
    copy->arg_count = count;
    return copy;
}

static const Expr *fold_case(const ExprSite *site, const Expr *expr)
{
    const Expr **kept = arena_new_array(site->arena, const Expr *, expr->arg_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i + 1 < expr->arg_count; i += 2) {
        const Expr *when = expr->args[i];
        if (expr_is_boolean(when, false) || expr_is_null_literal(when))
            continue;
        if (expr_is_boolean(when, true)) {
            if (count == 0)
                return expr->args[i + 1];
            kept[count++] = expr->args[i + 1];
            break;
        }
        kept[count++] = when;
        kept[count++] = expr->args[i + 1];
    }
    if (count == 0)
        return expr->args[expr->arg_count - 1];
    if (count % 2 == 0)
        kept[count++] = expr->args[expr->arg_count - 1];
    if (count == expr->arg_count)
        return expr;
    Expr *copy = arena_memdup(site->arena, expr, sizeof(*expr));
    copy->args = kept;
    copy->arg_count = count;
    return copy;
}

static const Expr *fold_coalesce(const ExprSite *site, const Expr *expr)
{
    const Expr **kept = arena_new_array(site->arena, const Expr *, expr->arg_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        if (expr_is_null_literal(expr->args[i]))
            continue;
        kept[count++] = expr->args[i];
        if (!expr->args[i]->type->nullable)
            break;
    }
    if (count == 0)
        return expr_null(site->arena, expr->type, expr_place(expr));
    if (count == 1)
        return kept[0];
    if (count == expr->arg_count)
        return expr;
    Expr *copy = arena_memdup(site->arena, expr, sizeof(*expr));
    copy->args = kept;
    copy->arg_count = count;
    return copy;
}

static const Expr *fold_field(const ExprSite *site, const Expr *expr)
{
    const Expr *row = expr->args[0];
    if (!expr_is_literal(row))
        return expr;
    if (expr_is_null_literal(row))
        return expr_null(site->arena, expr->type, expr_place(expr));
    Vector *value = arena_new_one(site->arena, Vector);
    vector_init_constant(value, expr->type, site->arena);
    vector_copy_value(value, 0, &row->literal->children[expr->field], 0, site->arena, false);
    return expr_literal(site->arena, value, expr_place(expr));
}

const Expr *rule_fold_constants(const ExprSite *site, const Expr *expr)
{
    switch (expr->kind) {
    case EXPR_COLUMN:
    case EXPR_LITERAL:
    case EXPR_OUTER:
    case EXPR_QUERY:
        return expr;
    case EXPR_CALL:
        return fold_call(site, expr);
    case EXPR_AND:
    case EXPR_OR:
        return fold_logic(site, expr);
    case EXPR_CASE:
        return fold_case(site, expr);
    case EXPR_COALESCE:
        return fold_coalesce(site, expr);
    case EXPR_FIELD:
        return fold_field(site, expr);
    }
    return expr;
}
