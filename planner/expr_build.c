/* Making typed expressions.
 *
 * Binding a call here means: the function chooses its types, the arguments are cast to them
 * implicitly, and what is constant is folded at once, so that an outer function sees a literal
 * where the user wrote a constant expression. Cost: linear in the arguments. */
#include "planner/expr_build.h"

#include <string.h>

static Expr *make(Arena *arena, ExprKind kind, const Type *type, AstPlace place)
{
    Expr *expr = arena_new_one(arena, Expr);
    expr->kind = kind;
    expr->type = type;
    expr->sql_offset = place.offset;
    expr->sql_length = place.length;
    return expr;
}

const Expr *expr_column(Arena *arena, uint32_t column, const Type *type, AstPlace place)
{
    Expr *expr = make(arena, EXPR_COLUMN, type, place);
    expr->column = column;
    return expr;
}

const Expr *expr_literal(Arena *arena, const Vector *value, AstPlace place)
{
    assert(value->constant);
    Expr *expr = make(arena, EXPR_LITERAL, value->type, place);
    expr->literal = value;
    return expr;
}

const Expr *expr_null(Arena *arena, const Type *type, AstPlace place)
{
    Vector *value = arena_new_one(arena, Vector);
    vector_init_constant(value, type_with_nullable(arena, type, true), arena);
    return expr_literal(arena, value, place);
}

const Expr *expr_boolean(Arena *arena, bool value, AstPlace place)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, type_with_nullable(arena, &type_boolean, false), arena);
    vector_set_valid(vector, 0);
    ((uint8_t *)vector->data)[0] = value ? 1 : 0;
    return expr_literal(arena, vector, place);
}

const Expr *expr_text(Arena *arena, Str text, AstPlace place)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, type_with_nullable(arena, &type_string, false), arena);
    vector_set_valid(vector, 0);
    vector_set_str(vector, 0, text, arena);
    return expr_literal(arena, vector, place);
}

bool expr_is_boolean(const Expr *expr, bool value)
{
    return expr->kind == EXPR_LITERAL && expr->type->kind == TYPE_BOOLEAN &&
           !vector_is_null(expr->literal, 0) &&
           (((const uint8_t *)expr->literal->data)[0] != 0) == value;
}

const Expr *expr_new(const ExprSite *site, ExprKind kind, const Type *type, const Expr **args,
                     uint32_t arg_count, AstPlace place)
{
    Expr *expr = make(site->arena, kind, type, place);
    expr->args = args;
    expr->arg_count = arg_count;
    return rule_fold_constants(site, expr);
}

const Expr *expr_field(const ExprSite *site, const Expr *row, uint32_t field, AstPlace place)
{
    assert(row->type->kind == TYPE_ROW && field < row->type->field_count);
    const Type *type = row->type->fields[field].type;
    bool nullable = type->nullable || row->type->nullable;
    Expr *expr =
        make(site->arena, EXPR_FIELD, type_with_nullable(site->arena, type, nullable), place);
    expr->args = arena_new_array(site->arena, const Expr *, 1);
    expr->args[0] = row;
    expr->arg_count = 1;
    expr->field = field;
    return rule_fold_constants(site, expr);
}

bool expr_cast_needed(const Type *from, const Type *to)
{
    if (type_equal_ignoring_null(from, to))
        return false;
    if (type_is_string(from) && to->kind == TYPE_VARCHAR)
        return to->length < from->length;
    if (type_is_bytes(from) && to->kind == TYPE_VARBINARY)
        return to->length < from->length;
    return true;
}

const Expr *expr_cast(const ExprSite *site, const Expr *expr, const Type *to, CastMode mode,
                      Error *error)
{
    /* NULL of one type is NULL of any other: no kernel is needed. */
    if (expr_is_null_literal(expr) || expr->type->kind == TYPE_NULL)
        return expr_null(site->arena, to, expr_place(expr));
    if (!expr_cast_needed(expr->type, to))
        return expr;
    const Type *from[] = {expr->type};
    const Vector *literals[] = {expr->literal};
    FunctionSite function_site = {from, literals, 1, site->zone, site->arena, NULL};
    Expr *cast = make(site->arena, EXPR_CALL, NULL, expr_place(expr));
    if (!cast_bind(expr->type, to, mode, &function_site, &cast->call, error)) {
        error_at(error, expr->sql_offset, expr->sql_length);
        return NULL;
    }
    cast->args = arena_new_array(site->arena, const Expr *, 1);
    cast->args[0] = expr;
    cast->arg_count = 1;
    bool nullable = expr->type->nullable || mode == CAST_TRY || cast->call.result->nullable;
    cast->type = type_with_nullable(site->arena, to, nullable);
    return rule_fold_constants(site, cast);
}

const Expr *expr_call(const ExprSite *site, const char *name, const Expr **args, uint32_t arg_count,
                      AstPlace place, Error *error)
{
    const Type **types = arena_new_array(site->arena, const Type *, arg_count + 1);
    const Vector **literals = arena_new_array(site->arena, const Vector *, arg_count + 1);
    for (uint32_t i = 0; i < arg_count; i++) {
        types[i] = args[i]->type;
        literals[i] = args[i]->literal;
    }
    FunctionSite function_site = {types, literals, arg_count, site->zone, site->arena, site->own};
    Expr *call = make(site->arena, EXPR_CALL, NULL, place);
    if (!function_bind(name, &function_site, &call->call, error)) {
        error_at(error, place.offset, place.length);
        return NULL;
    }
    const Expr **cast = arena_new_array(site->arena, const Expr *, arg_count + 1);
    for (uint32_t i = 0; i < arg_count; i++) {
        cast[i] = args[i];
        if (call->call.argument_types == NULL)
            continue;
        cast[i] = expr_cast(site, args[i], call->call.argument_types[i], CAST_EXPLICIT, error);
        if (cast[i] == NULL)
            return NULL;
    }
    call->type = call->call.result;
    call->args = cast;
    call->arg_count = arg_count;
    return rule_fold_constants(site, call);
}

const Expr *expr_with_args(const ExprSite *site, const Expr *expr, const Expr **args)
{
    if (expr->arg_count == 0 || memcmp(expr->args, args, sizeof(*args) * expr->arg_count) == 0)
        return expr;
    Expr *copy = arena_memdup(site->arena, expr, sizeof(*expr));
    copy->args = args;
    return rule_fold_constants(site, copy);
}

/* One walk serves all three ways of renaming columns. */
typedef struct ColumnChange {
    const Expr *const *replacements;
    const uint32_t *map;
    int64_t shift;
} ColumnChange;

static const Expr *change_columns(const ExprSite *site, const Expr *expr,
                                  const ColumnChange *change)
{
    if (expr->kind == EXPR_LITERAL)
        return expr;
    if (expr->kind == EXPR_COLUMN) {
        if (change->replacements != NULL) {
            assert(change->replacements[expr->column] != NULL);
            return change->replacements[expr->column];
        }
        Expr *copy = arena_memdup(site->arena, expr, sizeof(*expr));
        copy->column = change->map != NULL ? change->map[expr->column]
                                           : (uint32_t)((int64_t)expr->column + change->shift);
        assert(copy->column != UINT32_MAX);
        return copy;
    }
    const Expr **args = arena_new_array(site->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = change_columns(site, expr->args[i], change);
    return expr_with_args(site, expr, args);
}

const Expr *expr_replace_columns(const ExprSite *site, const Expr *expr,
                                 const Expr *const *replacements)
{
    return change_columns(site, expr, &(ColumnChange){.replacements = replacements});
}

const Expr *expr_map_columns(const ExprSite *site, const Expr *expr, const uint32_t *map)
{
    return change_columns(site, expr, &(ColumnChange){.map = map});
}

const Expr *expr_shift_columns(const ExprSite *site, const Expr *expr, int64_t by)
{
    return by == 0 ? expr : change_columns(site, expr, &(ColumnChange){.shift = by});
}

void expr_mark_columns(const Expr *expr, bool *used)
{
    if (expr->kind == EXPR_COLUMN)
        used[expr->column] = true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        expr_mark_columns(expr->args[i], used);
}

uint32_t expr_size(const Expr *expr, uint32_t limit)
{
    uint32_t size = 1;
    for (uint32_t i = 0; i < expr->arg_count && size < limit; i++)
        size += expr_size(expr->args[i], limit - size);
    return size;
}

bool expr_can_fail(const Expr *expr)
{
    if (expr->kind == EXPR_CALL &&
        (expr->call.function == NULL || (expr->call.function->flags & FUNCTION_CAN_FAIL) != 0))
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (expr_can_fail(expr->args[i]))
            return true;
    return false;
}

uint32_t expr_count_conjuncts(const Expr *expr)
{
    if (expr->kind != EXPR_AND)
        return 1;
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        count += expr_count_conjuncts(expr->args[i]);
    return count;
}

uint32_t expr_conjuncts(const Expr *expr, const Expr **out)
{
    if (expr->kind != EXPR_AND) {
        out[0] = expr;
        return 1;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        count += expr_conjuncts(expr->args[i], out + count);
    return count;
}

const Expr *expr_and(const ExprSite *site, const Expr **parts, uint32_t count)
{
    if (count == 0)
        return NULL;
    if (count == 1)
        return parts[0];
    bool nullable = false;
    for (uint32_t i = 0; i < count; i++)
        nullable = nullable || parts[i]->type->nullable;
    const Expr **args = arena_memdup(site->arena, parts, sizeof(*parts) * count);
    return expr_new(site, EXPR_AND, type_with_nullable(site->arena, &type_boolean, nullable), args,
                    count, expr_place(parts[0]));
}
