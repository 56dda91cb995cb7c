/* Queries in ON of an outer join.
 *
 * A query there says something of a pair of rows, but nearly always it looks at one of the two
 * only: then its value is joined to that side before, as a column behind the side's own, and the
 * condition of the join reads it. While sides grow, columns of the right one are numbered from a
 * base of their own. A query that looks at both is joined to the pairs of an inner join; rows of
 * which no pair is left are found by an ANTI join with those. */
#include "planner/bind/bind.h"
#include "planner/rules/decorrelate.h"

#define RIGHT_BASE UINT32_C(0x10000000)

/* Columns from `from` on move by `by`. */
static const Expr *move_columns(const PlannerContext *context, const Expr *expr, uint32_t from,
                                int64_t by)
{
    if (expr->kind == EXPR_COLUMN)
        return expr->column < from ? expr : expr_shift_columns(&context->site, expr, by);
    const Expr **args = arena_new_array(context->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = move_columns(context, expr->args[i], from, by);
    return expr_with_args(&context->site, expr, args);
}

void queries_mark_used(const QueryList *queries, const Expr *expr, bool *used)
{
    if (expr->kind == EXPR_COLUMN)
        used[expr->column] = true;
    if (expr->kind == EXPR_QUERY) {
        const QuerySite *site = &queries->sites[expr->column];
        for (uint32_t i = 0; i < site->compared_count; i++)
            queries_mark_used(queries, site->compared[i], used);
        for (uint32_t i = 0; i < site->frame->slot_count; i++)
            queries_mark_used(queries, site->frame->values[i], used);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        queries_mark_used(queries, expr->args[i], used);
}

static bool any_of(const bool *used, uint32_t from, uint32_t to)
{
    bool any = false;
    for (uint32_t i = from; i < to; i++)
        any = any || used[i];
    return any;
}

static void move_site(const PlannerContext *context, QuerySite *site, uint32_t from, int64_t by)
{
    for (uint32_t i = 0; i < site->compared_count; i++)
        site->compared[i] = move_columns(context, site->compared[i], from, by);
    for (uint32_t i = 0; i < site->frame->slot_count; i++)
        site->frame->values[i] = move_columns(context, site->frame->values[i], from, by);
}

static bool join_to_side(Binder *binder, QuerySite *site, uint32_t side, LogicalNode *sides[2],
                         Error *error)
{
    const PlannerContext *context = binder->context;
    if (side == 1)
        move_site(context, site, RIGHT_BASE, -(int64_t)RIGHT_BASE);
    if (!query_join_in(binder, site, &sides[side], error))
        return false;
    if (side == 1)
        site->value = move_columns(context, site->value, 0, RIGHT_BASE);
    return true;
}

/* ------------------------------------------------------ of one side each */

static bool join_to_sides(Binder *binder, QueryList *queries, const uint32_t *side_of,
                          LogicalNode *sides[2], const Expr **on, Error *error)
{
    const PlannerContext *context = binder->context;
    uint32_t left = sides[0]->schema->column_count;
    for (uint32_t i = 0; i < queries->count; i++)
        move_site(context, &queries->sites[i], left, (int64_t)RIGHT_BASE - left);
    for (uint32_t i = 0; i < queries->count; i++) {
        QuerySite *site = &queries->sites[i];
        for (uint32_t c = 0; c < site->compared_count; c++)
            site->compared[c] = queries_replace(binder, queries, site->compared[c]);
        if (!join_to_side(binder, site, side_of[i], sides, error))
            return false;
    }
    const Expr *moved = move_columns(context, *on, left, (int64_t)RIGHT_BASE - left);
    *on = move_columns(context, queries_replace(binder, queries, moved), RIGHT_BASE,
                       (int64_t)sides[0]->schema->column_count - RIGHT_BASE);
    return true;
}

/* The join without the columns that the queries have put behind a side's own. */
static LogicalNode *own_columns(Arena *arena, LogicalNode *join, LogicalNode *const own[2])
{
    uint32_t left = own[0]->schema->column_count, right = own[1]->schema->column_count;
    uint32_t right_at = join->inputs[0]->schema->column_count;
    uint32_t *columns = arena_new_array(arena, uint32_t, left + right + 1);
    for (uint32_t i = 0; i < left + right; i++)
        columns[i] = i < left ? i : right_at + i - left;
    return logical_pick(arena, join, columns, left + right);
}

/* ------------------------------------------------------------ of both sides */

/* The rows of a side without a pair, the other side's columns NULL. Rows that are equal in what ON
 * looks at have the same pairs, so pairs are looked for by those columns. */
static LogicalNode *without_pair(Binder *binder, const JoinPairs *join, LogicalNode *pairs,
                                 uint32_t side, Error *error)
{
    const PlannerContext *context = binder->context;
    Arena *arena = context->arena;
    uint32_t all = join->counts[0] + join->counts[1];
    uint32_t first = side == 0 ? 0 : join->counts[0], own = join->counts[side];
    const Expr **same = arena_new_array(arena, const Expr *, own + 1);
    uint32_t count = 0;
    for (uint32_t c = 0; c < own; c++) {
        if (!join->used[first + c])
            continue;
        const Expr **args = arena_new_array(arena, const Expr *, 2);
        args[0] = bind_output_column(arena, join->sides[side], c, pairs->place);
        args[1] = expr_column(arena, own + first + c, pairs->schema->columns[first + c].type,
                              pairs->place);
        same[count] =
            expr_call(&context->site, "IS NOT DISTINCT FROM", args, 2, pairs->place, error);
        if (same[count++] == NULL)
            return NULL;
    }
    LogicalNode *alone = logical_join(arena, PLAN_JOIN_ANTI, join->sides[side], pairs,
                                      expr_and(&context->site, same, count), pairs->place);
    const Expr **projections = arena_new_array(arena, const Expr *, all + 1);
    const char **names = arena_new_array(arena, const char *, all + 1);
    for (uint32_t c = 0; c < all; c++) {
        bool is_own = c >= first && c < first + own;
        names[c] = pairs->schema->columns[c].name;
        projections[c] = is_own ? bind_output_column(arena, alone, c - first, pairs->place)
                                : expr_null(arena, pairs->schema->columns[c].type, pairs->place);
    }
    return logical_calc(arena, alone, NULL, projections,
                        logical_schema(arena, projections, names, all), pairs->place);
}

LogicalNode *bind_join_pairs(Binder *binder, QueryList *queries, const JoinPairs *join,
                             const Expr *on, Error *error)
{
    Arena *arena = binder->context->arena;
    uint32_t count = join->counts[0] + join->counts[1];
    LogicalNode *pairs = queries_filter(binder, queries, join->node, on, error);
    if (pairs == NULL)
        return NULL;
    uint32_t *columns = arena_new_array(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = i;
    pairs = decorrelate_share(arena, logical_pick(arena, pairs, columns, count));
    LogicalNode *node = logical_new(arena, "union", join->schema, pairs->place);
    node->inputs = arena_new_array(arena, LogicalNode *, 3);
    node->inputs[node->input_count++] = pairs;
    for (uint32_t s = 0; s < 2; s++) {
        if (join->kind != PLAN_JOIN_FULL &&
            join->kind != (s == 0 ? PLAN_JOIN_LEFT : PLAN_JOIN_RIGHT))
            continue;
        LogicalNode *alone = without_pair(binder, join, pairs, s, error);
        if (alone == NULL)
            return NULL;
        node->inputs[node->input_count++] = alone;
    }
    return node;
}

static LogicalNode *join_pairs(Binder *binder, QueryList *queries, PlanJoinKind kind,
                               LogicalNode *const sides[2], const Expr *on, bool *used,
                               AstPlace place, Error *error)
{
    Arena *arena = binder->context->arena;
    JoinPairs join = {.kind = kind,
                      .schema =
                          logical_join_schema(arena, kind, sides[0]->schema, sides[1]->schema),
                      .used = used};
    for (uint32_t s = 0; s < 2; s++) {
        join.sides[s] = decorrelate_share(arena, sides[s]);
        join.counts[s] = sides[s]->schema->column_count;
    }
    join.node = logical_join(arena, PLAN_JOIN_INNER, join.sides[0], join.sides[1], NULL, place);
    return bind_join_pairs(binder, queries, &join, on, error);
}

LogicalNode *bind_on_queries(Binder *binder, QueryList *queries, PlanJoinKind kind,
                             LogicalNode *sides[2], const Expr *on, const int64_t *ttl_ms,
                             AstPlace place, Error *error)
{
    Arena *arena = binder->context->arena;
    LogicalNode *own[2] = {sides[0], sides[1]};
    uint32_t left = sides[0]->schema->column_count;
    uint32_t count = left + sides[1]->schema->column_count;
    uint32_t *side_of = arena_new_array(arena, uint32_t, queries->count + 1);
    for (uint32_t i = 0; i < queries->count; i++) {
        Expr site = {.kind = EXPR_QUERY, .column = i};
        bool *used = arena_new_array(arena, bool, count + 1);
        queries_mark_used(queries, &site, used);
        side_of[i] = any_of(used, 0, left) ? 0 : 1;
        if (side_of[i] == 0 && any_of(used, left, count)) {
            queries_mark_used(queries, on, used);
            return join_pairs(binder, queries, kind, sides, on, used, place, error);
        }
    }
    if (!join_to_sides(binder, queries, side_of, sides, &on, error))
        return NULL;
    LogicalNode *join = logical_join(arena, kind, sides[0], sides[1], on, place);
    join->hint_ttl_ms[0] = ttl_ms[0];
    join->hint_ttl_ms[1] = ttl_ms[1];
    return own_columns(arena, join, own);
}
