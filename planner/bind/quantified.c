/* A value compared with every row of a query: > ALL (query), <= ANY (query).
 *
 * ANY is NOT ALL of the opposite comparison. ALL needs no row of the query by itself: it is FALSE
 * if it is for the least or the greatest value, else NULL if there is a NULL to compare with. So
 * the query becomes one row of four aggregates, kept up to date, and whoever compares joins with
 * it. */
#include "planner/bind/bind.h"

#include <string.h>

const char *bind_opposite(const char *comparison)
{
    static const char *const opposites[][2] = {{"=", "<>"}, {"<", ">="}, {">", "<="}};
    for (size_t i = 0; i < array_count(opposites); i++)
        for (uint32_t s = 0; s < 2; s++)
            if (strcmp(opposites[i][s], comparison) == 0)
                return opposites[i][1 - s];
    assert(false);
    return comparison;
}

enum { EXTREME_ROWS, EXTREME_VALUES, EXTREME_LEAST, EXTREME_GREATEST, EXTREMES };

LogicalNode *bind_extremes(Binder *binder, LogicalNode *query)
{
    static const char *const functions[EXTREMES] = {"COUNT", "COUNT", "MIN", "MAX"};
    static const char *const names[EXTREMES] = {"$rows", "$values", "$least", "$greatest"};
    Arena *arena = binder->context->arena;
    const Type *type = query->schema->columns[0].type;
    const Type *count = type_with_nullable(arena, &type_bigint, false);
    LogicalAggregateCall *calls = arena_new_array(arena, LogicalAggregateCall, EXTREMES);
    Column *columns = arena_new_array(arena, Column, EXTREMES);
    for (uint32_t i = 0; i < EXTREMES; i++) {
        const Type **types = arena_new_array(arena, const Type *, 1);
        types[0] = type;
        calls[i] = (LogicalAggregateCall){
            .name = functions[i],
            .arguments = arena_new_array(arena, uint32_t, 1),
            .argument_types = types,
            .argument_count = i == EXTREME_ROWS ? 0 : 1,
            .filter = -1,
            .type = i < EXTREME_LEAST ? count : type_with_nullable(arena, type, true),
            .place = query->place};
        columns[i] = (Column){names[i], calls[i].type};
    }
    LogicalNode *node = logical_new_unary(arena, "aggregate", schema_new(arena, columns, EXTREMES),
                                          query, query->place);
    node->aggregate.keys = arena_new_array(arena, uint32_t, 1);
    node->aggregate.calls = calls;
    node->aggregate.call_count = EXTREMES;
    return node;
}

static const Expr *compare(Binder *binder, const char *function, const Expr *a, const Expr *b,
                           AstPlace place, Error *error)
{
    const PlannerContext *context = binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] = a;
    args[1] = b;
    ExprScope scope = {.binder = binder, .clause = "ALL"};
    if (bind_common(&scope, args, 2, "the values compared", place, error) == NULL)
        return NULL;
    return expr_call(&context->site, function, args, 2, place, error);
}

const Expr *bind_all_value(Binder *binder, const QuerySite *site, const Expr *const *extremes,
                           Error *error)
{
    Arena *arena = binder->context->arena;
    AstPlace place = site->place;
    const Expr *value = site->compared[0];
    const Expr *null = expr_null(arena, &type_boolean, place);
    const Expr *no = expr_boolean(arena, false, place), *yes = expr_boolean(arena, true, place);
    const Expr *incomplete =
        compare(binder, "<", extremes[EXTREME_VALUES], extremes[EXTREME_ROWS], place, error);
    if (incomplete == NULL)
        return NULL;
    /* Complete, but without a least value: there is no row to compare with. */
    const Expr *none = bind_call1(binder, "IS NULL", extremes[EXTREME_LEAST], place);
    const Expr *result =
        bind_choose(binder, none, yes,
                    bind_choose(binder, bind_call1(binder, "IS NULL", value, place), null, yes));
    result = bind_choose(binder, incomplete, null, result);
    /* Above the greatest is above all; what differs from one end is not equal to all. */
    bool ends[2] = {site->comparison[0] != '>', site->comparison[0] != '<'};
    for (uint32_t i = 0; i < 2; i++) {
        if (!ends[i])
            continue;
        const Expr *holds =
            compare(binder, site->comparison, value, extremes[EXTREME_LEAST + i], place, error);
        if (holds == NULL)
            return NULL;
        result = bind_choose(binder, bind_call1(binder, "IS FALSE", holds, place), no, result);
    }
    return result;
}
