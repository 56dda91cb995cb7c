/* Equalities between the two sides of a join become its keys.
 *
 * A key must be a column: one that is computed (CAST(a.x AS BIGINT) = b.y) is computed by a calc
 * below that side, and a calc above takes it off again. Keys of both sides have types whose equal
 * values have equal bytes. What is left of the condition stays as condition. */
#include "planner/logical.h"

#include <string.h>

typedef struct JoinKeys {
    const Expr **sides[2]; /* over the inputs' columns */
    bool *null_matches;
    uint32_t count;
    const Expr **rest;
    uint32_t rest_count;
} JoinKeys;

static bool is_call(const Expr *expr, const char *name)
{
    return expr->kind == EXPR_CALL && expr->arg_count == 2 && expr->call.function != NULL &&
           strcmp(expr->call.function->name, name) == 0;
}

/* Whether the expression looks at one side only: 0 or 1; else -1. */
static int side_of(const PlannerContext *context, const LogicalNode *join, const Expr *expr)
{
    uint32_t left = join->inputs[0]->schema->column_count;
    uint32_t count = left + join->inputs[1]->schema->column_count;
    bool *used = arena_new_array(context->arena, bool, count + 1);
    expr_mark_columns(expr, used);
    int side = -1;
    for (uint32_t i = 0; i < count; i++) {
        if (!used[i])
            continue;
        int here = i < left ? 0 : 1;
        if (side >= 0 && side != here)
            return -1;
        side = here;
    }
    return side;
}

static bool same_bytes(const Type *a, const Type *b)
{
    if (a->physical != b->physical)
        return false;
    if (a->kind == TYPE_DECIMAL || b->kind == TYPE_DECIMAL)
        return a->kind == b->kind && a->scale == b->scale;
    return type_is_string(a) == type_is_string(b) && type_is_numeric(a) == type_is_numeric(b);
}

/* Notes the equality as a key when it is one. */
static bool take_key(const PlannerContext *context, const LogicalNode *join, const Expr *expr,
                     JoinKeys *keys)
{
    bool null_matches = is_call(expr, "IS NOT DISTINCT FROM");
    if (!null_matches && !is_call(expr, "="))
        return false;
    int first = side_of(context, join, expr->args[0]);
    int second = side_of(context, join, expr->args[1]);
    if (first < 0 || second < 0 || first == second || !expr_is_deterministic(expr))
        return false;
    const Expr *parts[2] = {expr->args[first == 0 ? 0 : 1], expr->args[first == 0 ? 1 : 0]};
    if (!same_bytes(parts[0]->type, parts[1]->type)) {
        const Type *common = type_common(context->arena, parts[0]->type, parts[1]->type);
        Error ignored;
        error_clear(&ignored);
        for (uint32_t s = 0; s < 2; s++) {
            parts[s] = common == NULL
                           ? NULL
                           : expr_cast(&context->site, parts[s], common, CAST_IMPLICIT, &ignored);
            if (parts[s] == NULL)
                return false;
        }
    }
    int64_t left = join->inputs[0]->schema->column_count;
    parts[1] = expr_shift_columns(&context->site, parts[1], -left);
    for (uint32_t k = 0; k < keys->count; k++)
        if (keys->null_matches[k] == null_matches && expr_equal(keys->sides[0][k], parts[0]) &&
            expr_equal(keys->sides[1][k], parts[1]))
            return true; /* said twice */
    keys->sides[0][keys->count] = parts[0];
    keys->sides[1][keys->count] = parts[1];
    keys->null_matches[keys->count++] = null_matches;
    return true;
}

/* The side with a column for each key; `columns` says which. */
static LogicalNode *side_with_keys(const PlannerContext *context, LogicalNode *input,
                                   const Expr *const *keys, uint32_t count, uint32_t *columns)
{
    Arena *arena = context->arena;
    uint32_t given = input->schema->column_count;
    const Expr **projections = arena_new_array(arena, const Expr *, given + count + 1);
    const char **names = arena_new_array(arena, const char *, given + count + 1);
    const Expr **identity = logical_identity(arena, input->schema);
    uint32_t total = given;
    for (uint32_t i = 0; i < given; i++) {
        projections[i] = identity[i];
        names[i] = input->schema->columns[i].name;
    }
    for (uint32_t k = 0; k < count; k++) {
        if (keys[k]->kind == EXPR_COLUMN) {
            columns[k] = keys[k]->column;
            continue;
        }
        columns[k] = total;
        names[total] = arena_printf(arena, "$key%u", k);
        projections[total++] = keys[k];
    }
    if (total == given)
        return input;
    return logical_calc(arena, input, NULL, projections,
                        logical_schema(arena, projections, names, total), input->place);
}

/* Takes the computed keys off again and puts the columns where they were. */
static LogicalNode *original_columns(const PlannerContext *context, LogicalNode *join,
                                     const LogicalNode *original, uint32_t left)
{
    Arena *arena = context->arena;
    uint32_t count = original->schema->column_count;
    uint32_t added = join->inputs[0]->schema->column_count - left;
    if (join->schema->column_count == count)
        return join;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        projections[i] = expr_column(arena, i < left ? i : i + added,
                                     original->schema->columns[i].type, (AstPlace){-1, 0});
    return logical_calc(arena, join, NULL, projections, original->schema, join->place);
}

static LogicalNode *extract(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    uint32_t count = expr_count_conjuncts(node->join.condition);
    const Expr **parts = arena_new_array(arena, const Expr *, count + 1);
    expr_conjuncts(node->join.condition, parts);
    JoinKeys keys = {.sides = {arena_new_array(arena, const Expr *, count + 1),
                               arena_new_array(arena, const Expr *, count + 1)},
                     .null_matches = arena_new_array(arena, bool, count + 1),
                     .rest = arena_new_array(arena, const Expr *, count + 1)};
    for (uint32_t i = 0; i < count; i++)
        if (!take_key(context, node, parts[i], &keys))
            keys.rest[keys.rest_count++] = parts[i];
    if (keys.count == 0)
        return node;

    uint32_t left = node->inputs[0]->schema->column_count;
    LogicalNode *join = arena_memdup(arena, node, sizeof(*node));
    join->inputs = arena_new_array(arena, LogicalNode *, 2);
    for (uint32_t s = 0; s < 2; s++) {
        join->join.keys[s] = arena_new_array(arena, uint32_t, keys.count + 1);
        join->inputs[s] =
            side_with_keys(context, node->inputs[s], keys.sides[s], keys.count, join->join.keys[s]);
    }
    join->join.key_count = keys.count;
    join->join.null_matches = keys.null_matches;
    join->schema = logical_join_schema(arena, node->join.kind, join->inputs[0]->schema,
                                       join->inputs[1]->schema);
    uint32_t pair_count = left + node->inputs[1]->schema->column_count;
    uint32_t *map = arena_new_array(arena, uint32_t, pair_count + 1);
    uint32_t added = join->inputs[0]->schema->column_count - left;
    for (uint32_t i = 0; i < pair_count; i++)
        map[i] = i < left ? i : i + added;
    const Expr *rest = expr_and(&context->site, keys.rest, keys.rest_count);
    join->join.condition = rest == NULL ? NULL : expr_map_columns(&context->site, rest, map);
    return original_columns(context, join, node, left);
}

LogicalNode *rule_extract_join_keys(const PlannerContext *context, LogicalNode *node)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_extract_join_keys(context, node->inputs[i]);
    if (!logical_is(copy, "join") && !logical_is(copy, "temporal_join") &&
        !logical_is(copy, "lookup_join"))
        return copy;
    copy->join.is_settled = true;
    if (copy->join.condition == NULL || copy->join.key_count != 0)
        return copy;
    return extract(context, copy);
}
