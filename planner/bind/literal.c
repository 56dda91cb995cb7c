/* Literals to constant vectors, with the types Flink gives them: 1 is INT NOT NULL, 3000000000
 * BIGINT, anything longer DECIMAL; 1.5 is DECIMAL(2, 1), 1e0 DOUBLE, 'abc' CHAR(3). */
#include "planner/bind/bind.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"

static Vector *constant(Arena *arena, const Type *type)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, type, arena);
    vector_set_valid(vector, 0);
    return vector;
}

static const Expr *bind_decimal(const ExprScope *scope, const AstExpr *ast, Str text, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    uint32_t digits = 0, scale = 0;
    bool after_point = false;
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '.') {
            after_point = true;
            continue;
        }
        digits++;
        scale += after_point ? 1 : 0;
    }
    if (digits > DECIMAL_PRECISION_MAX) {
        error_set(error, ERROR_TYPE, "the number has %u digits, more than DECIMAL's %d", digits,
                  DECIMAL_PRECISION_MAX);
        error_hint(error, "Write it with an exponent to have a DOUBLE.");
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    const Type *type = type_new(arena, TYPE_DECIMAL, false, (int32_t)digits, (int32_t)scale);
    Vector *vector = constant(arena, type);
    int128_t value = 0;
    if (!decimal_parse(text, digits, scale, &value)) {
        error_set(error, ERROR_SYNTAX, "\"%.*s\" is not a number", (int)text.length, text.data);
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    if (type->physical == PHYSICAL_I64)
        ((int64_t *)vector->data)[0] = (int64_t)value;
    else
        memcpy(vector->data, &value, sizeof(value));
    return expr_literal(arena, vector, bind_place(scope->binder, ast->place));
}

static const Expr *bind_double(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    char *end = NULL;
    errno = 0;
    double value = strtod(ast->text, &end);
    if (end == ast->text || *end != '\0' || (errno == ERANGE && (value > 1 || value < -1))) {
        error_set(error, ERROR_SYNTAX, "\"%s\" is not a DOUBLE", ast->text);
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    Vector *vector = constant(arena, type_with_nullable(arena, &type_double, false));
    ((double *)vector->data)[0] = value;
    return expr_literal(arena, vector, bind_place(scope->binder, ast->place));
}

static const Expr *bind_number(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    Str text = {ast->text, ast->text_length};
    if (memchr(text.data, 'e', text.length) != NULL || memchr(text.data, 'E', text.length) != NULL)
        return bind_double(scope, ast, error);
    if (memchr(text.data, '.', text.length) != NULL)
        return bind_decimal(scope, ast, text, error);
    int64_t value = 0;
    for (size_t i = 0; i < text.length; i++) {
        int64_t digit = text.data[i] - '0';
        if (digit < 0 || digit > 9 || value > (INT64_MAX - digit) / 10)
            return bind_decimal(scope, ast, text, error);
        value = value * 10 + digit;
    }
    bool is_int = value <= INT32_MAX;
    Vector *vector =
        constant(arena, type_with_nullable(arena, is_int ? &type_int : &type_bigint, false));
    if (is_int)
        ((int32_t *)vector->data)[0] = (int32_t)value;
    else
        ((int64_t *)vector->data)[0] = value;
    return expr_literal(arena, vector, bind_place(scope->binder, ast->place));
}

static const Expr *bind_characters(const ExprScope *scope, const AstExpr *ast, TypeKind kind)
{
    Arena *arena = scope->binder->context->arena;
    Str text = {ast->text, ast->text_length};
    size_t length = kind == TYPE_CHAR ? str_utf8_length(text) : text.length;
    /* There is no CHAR(0): the empty text is as in Flink a CHAR(0) in name only. */
    const Type *type = type_new(arena, kind, false, (int32_t)length, 0);
    Vector *vector = constant(arena, type);
    vector_set_str(vector, 0, text, arena);
    return expr_literal(arena, vector, bind_place(scope->binder, ast->place));
}

static const Expr *bind_typed(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    const Type *type =
        type_with_nullable(context->arena, type_copy(context->arena, ast->type), false);
    Vector *vector = constant(context->arena, type);
    if (!value_parse(vector, 0, (Str){ast->text, ast->text_length}, context->config->zone,
                     context->arena, error)) {
        bind_error_at(scope->binder, error, ast->place);
        return NULL;
    }
    return expr_literal(context->arena, vector, bind_place(scope->binder, ast->place));
}

static const Expr *bind_interval(const ExprScope *scope, const AstExpr *ast)
{
    Arena *arena = scope->binder->context->arena;
    const Type *type = type_with_nullable(arena, type_copy(arena, ast->type), false);
    Vector *vector = constant(arena, type);
    if (type->kind == TYPE_INTERVAL_MONTH)
        ((int32_t *)vector->data)[0] = (int32_t)ast->interval_value;
    else
        ((int64_t *)vector->data)[0] = ast->interval_value;
    return expr_literal(arena, vector, bind_place(scope->binder, ast->place));
}

const Expr *bind_literal(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    AstPlace place = bind_place(scope->binder, ast->place);
    switch (ast->kind) {
    case AST_NULL:
        return expr_null(arena, &type_null, place);
    case AST_BOOLEAN:
        return expr_boolean(arena, ast->boolean, place);
    case AST_NUMBER:
        return bind_number(scope, ast, error);
    case AST_STRING:
        return bind_characters(scope, ast, TYPE_CHAR);
    case AST_BYTES:
        return bind_characters(scope, ast, TYPE_BINARY);
    case AST_TYPED:
        return bind_typed(scope, ast, error);
    default:
        return bind_interval(scope, ast);
    }
}
