/* Plan nodes' parts by hand: schemas, expressions, bound aggregates. */
#ifndef TESTS_PLAN_BUILDER_H
#define TESTS_PLAN_BUILDER_H

#include <check.h>
#include <stdarg.h>
#include <string.h>

#include "core/str.h"
#include "planner/plan.h"

/* --------------------------------------------------------------------- types */

static inline const Type *test_type(Arena *arena, const char *name)
{
    static const struct {
        const char *name;
        const Type *type;
    } types[] = {
        {"BOOLEAN", &type_boolean},
        {"INT", &type_int},
        {"BIGINT", &type_bigint},
        {"DOUBLE", &type_double},
        {"STRING", &type_string},
        {"BYTES", &type_bytes},
        {"DATE", &type_date},
        {"TIMESTAMP", &type_timestamp_3},
        {"TIMESTAMP_LTZ", &type_timestamp_ltz_3},
    };
    for (size_t i = 0; i < array_count(types); i++)
        if (strcmp(types[i].name, name) == 0)
            return types[i].type;
    if (strcmp(name, "ARRAY<INT>") == 0)
        return type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, &type_int}, 1);
    ck_assert_msg(strcmp(name, "DECIMAL") == 0, "type %s", name);
    return type_new(arena, TYPE_DECIMAL, true, 10, 2);
}

/* "id BIGINT, name STRING"; DECIMAL is DECIMAL(10, 2), TIMESTAMP has milliseconds. */
static inline const Schema *test_schema(Arena *arena, const char *text)
{
    Column columns[32];
    uint32_t count = 0;
    char *copy = arena_strdup(arena, text), *rest = NULL;
    for (char *part = strtok_r(copy, ",", &rest); part != NULL; part = strtok_r(NULL, ",", &rest)) {
        char *space = NULL;
        char *name = strtok_r(part, " ", &space);
        columns[count++] = (Column){name, test_type(arena, strtok_r(NULL, " ", &space))};
    }
    return schema_new(arena, columns, count);
}

/* --------------------------------------------------------------- expressions */

static inline const Expr *test_column(Arena *arena, const Schema *schema, const char *name)
{
    int32_t column = schema_find(schema, name);
    ck_assert_msg(column >= 0, "column %s", name);
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = EXPR_COLUMN,
                   .type = schema->columns[column].type,
                   .sql_offset = -1,
                   .column = (uint32_t)column};
    return expr;
}

static inline const Expr *test_literal(Arena *arena, const Type *type)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, type, arena);
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = EXPR_LITERAL, .type = type, .sql_offset = -1, .literal = vector};
    return expr;
}

static inline const Expr *test_int(Arena *arena, int32_t value)
{
    const Expr *expr = test_literal(arena, &type_int);
    Vector *vector = (Vector *)(uintptr_t)expr->literal;
    vector_set_valid(vector, 0);
    *(int32_t *)vector->data = value;
    return expr;
}

static inline const Expr *test_text(Arena *arena, const char *value)
{
    const Expr *expr = test_literal(arena, &type_string);
    Vector *vector = (Vector *)(uintptr_t)expr->literal;
    vector_set_valid(vector, 0);
    vector_set_str(vector, 0, str_of(value), arena);
    return expr;
}

/* A call whose arguments already have the types it wants. */
static inline const Expr *test_call(Arena *arena, const char *name, uint32_t count, ...)
{
    const Expr **args = arena_new_array(arena, const Expr *, count + 1);
    const Type **types = arena_new_array(arena, const Type *, count + 1);
    const Vector **literals = arena_new_array(arena, const Vector *, count + 1);
    va_list list;
    va_start(list, count);
    for (uint32_t i = 0; i < count; i++) {
        args[i] = va_arg(list, const Expr *);
        types[i] = args[i]->type;
        literals[i] = args[i]->literal;
    }
    va_end(list);
    FunctionSite site = {types, literals, count, NULL, arena, NULL};
    Expr *expr = arena_new_one(arena, Expr);
    Error error = {0};
    *expr = (Expr){
        .kind = EXPR_CALL, .sql_offset = 7, .sql_length = 3, .args = args, .arg_count = count};
    ck_assert_msg(function_bind(name, &site, &expr->call, &error), "%s: %s", name, error.message);
    expr->type = expr->call.result;
    for (uint32_t i = 0; i < count; i++)
        ck_assert_msg(args[i]->type->physical == expr->call.argument_types[i]->physical,
                      "%s: argument %u needs a cast", name, i);
    return expr;
}

/* AND, OR, CASE, COALESCE. */
static inline const Expr *test_lazy(Arena *arena, ExprKind kind, const Type *type, uint32_t count,
                                    ...)
{
    const Expr **args = arena_new_array(arena, const Expr *, count + 1);
    va_list list;
    va_start(list, count);
    for (uint32_t i = 0; i < count; i++)
        args[i] = va_arg(list, const Expr *);
    va_end(list);
    Expr *expr = arena_new_one(arena, Expr);
    *expr = (Expr){.kind = kind, .type = type, .sql_offset = -1, .args = args, .arg_count = count};
    return expr;
}

/* Binds an aggregate over columns of the input. */
static inline PlanAggregateCall test_aggregate(Arena *arena, const Schema *schema, const char *name,
                                               const char *column, bool retracting)
{
    PlanAggregateCall call = {.filter = -1};
    const Type **types = arena_new_array(arena, const Type *, 1);
    const Vector **literals = arena_new_array(arena, const Vector *, 1);
    if (column != NULL) {
        uint32_t *arguments = arena_new_array(arena, uint32_t, 1);
        int32_t found = schema_find(schema, column);
        ck_assert_msg(found >= 0, "column %s", column);
        arguments[0] = (uint32_t)found;
        types[0] = schema->columns[found].type;
        call.arguments = arguments;
        call.argument_count = 1;
    }
    FunctionSite site = {types, literals, call.argument_count, NULL, arena, NULL};
    Error error = {0};
    ck_assert_msg(aggregate_bind(name, &site, retracting, &call.call, &error), "%s", error.message);
    return call;
}

static inline const uint32_t *test_columns(Arena *arena, uint32_t count, ...)
{
    uint32_t *columns = arena_new_array(arena, uint32_t, count + 1);
    va_list list;
    va_start(list, count);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = va_arg(list, uint32_t);
    va_end(list);
    return columns;
}

#endif
