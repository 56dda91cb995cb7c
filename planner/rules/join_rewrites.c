/* What joins of two inputs say to the rules on columns and filters.
 *
 * A filter goes to the preserved side of an outer join when it comes from WHERE, to the other side
 * when it comes from ON. One that may raise an error does not pass a join, where it would see rows
 * that the join drops. */
#include <string.h>

#include "planner/rules/decorrelate.h"
#include "planner/rules/rewrite.h"

/* -------------------------------------------------------------------- columns */

/* What is needed of both sides for the columns that are shown, the condition and the keys. */
static bool *join_used(Arena *arena, const LogicalNode *node, const bool *needed)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    uint32_t count = left + node->inputs[1]->schema->column_count;
    uint32_t shown = logical_is_half_join(node->join.kind) ? left : count;
    bool *used = arena_new_array(arena, bool, count + 1);
    memcpy(used, needed, shown);
    if (node->join.condition != NULL)
        expr_mark_columns(node->join.condition, used);
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        used[node->join.keys[0][k]] = true;
        used[left + node->join.keys[1][k]] = true;
    }
    const LogicalInterval *interval = node->join.interval;
    if (interval != NULL) {
        used[interval->times[0]] = used[left + interval->times[1]] = true;
        if (interval->whole != NULL)
            expr_mark_columns(interval->whole, used);
    }
    return used;
}

Pruned join_prune(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    uint32_t left = node->inputs[0]->schema->column_count;
    uint32_t count = left + node->inputs[1]->schema->column_count;
    bool *used = join_used(arena, node, needed);
    const LogicalInterval *interval = node->join.interval;
    Pruned sides[2] = {prune_input(pruning, node->inputs[0], used),
                       prune_input(pruning, node->inputs[1], used + left)};
    uint32_t new_left = sides[0].node->schema->column_count;
    uint32_t *map = prune_map(arena, count + 1, false);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t to = i < left ? sides[0].map[i] : sides[1].map[i - left];
        map[i] = to == COLUMN_GONE || i < left ? to : to + new_left;
    }
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 2);
    for (uint32_t s = 0; s < 2; s++) {
        copy->inputs[s] = sides[s].node;
        copy->join.keys[s] =
            prune_columns(arena, node->join.keys[s], node->join.key_count, sides[s].map);
    }
    if (node->join.condition != NULL)
        copy->join.condition = expr_map_columns(&pruning->context->site, node->join.condition, map);
    if (interval != NULL) {
        LogicalInterval *mapped = arena_memdup(arena, interval, sizeof(*interval));
        for (uint32_t s = 0; s < 2; s++)
            mapped->times[s] = sides[s].map[interval->times[s]];
        if (interval->whole != NULL)
            mapped->whole = expr_map_columns(&pruning->context->site, interval->whole, map);
        copy->join.interval = mapped;
    }
    copy->schema =
        logical_join_schema(arena, node->join.kind, sides[0].node->schema, sides[1].node->schema);
    /* Behind the left columns of a half join stands at most its mark, not the right side's. */
    if (logical_is_half_join(node->join.kind))
        map[left] = new_left;
    return (Pruned){copy, map};
}

/* -------------------------------------------------------------------- filters */

typedef struct JoinSides {
    Conjuncts to[2];
    Conjuncts condition;
    Conjuncts above;
} JoinSides;

/* 0: only left columns, 1: only right ones, 2: both, 3: none. */
static uint32_t side_of(const PlannerContext *context, const LogicalNode *join, const Expr *expr)
{
    uint32_t left = join->inputs[0]->schema->column_count;
    uint32_t count = left + join->inputs[1]->schema->column_count;
    bool *used = arena_new_array(context->arena, bool, count + 2);
    expr_mark_columns(expr, used);
    bool sides[2] = {false, false};
    for (uint32_t i = 0; i < count; i++)
        if (used[i])
            sides[i < left ? 0 : 1] = true;
    return sides[0] ? (sides[1] ? 2 : 0) : (sides[1] ? 1 : 3);
}

static void to_side(const PlannerContext *context, const LogicalNode *join, JoinSides *sides,
                    uint32_t side, const Expr *expr)
{
    int64_t shift = side == 0 ? 0 : -(int64_t)join->inputs[0]->schema->column_count;
    conjuncts_add(context->arena, &sides->to[side],
                  expr_shift_columns(&context->site, expr, shift));
}

/* Below a temporal join a filter would hide versions, and show older ones in their place. */
static bool has_versions(const LogicalNode *join)
{
    return logical_is(join, "temporal_join");
}

/* Conditions of WHERE may go to a side whose rows the join keeps as they are. */
static void place_where(const PlannerContext *context, const LogicalNode *join, JoinSides *sides,
                        const Expr *expr)
{
    uint32_t side = side_of(context, join, expr);
    PlanJoinKind kind = join->join.kind;
    bool kept[2] = {kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_LEFT || logical_is_half_join(kind),
                    (kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_RIGHT) && !has_versions(join)};
    bool may_move = expr_is_deterministic(expr) && !expr_can_fail(expr);
    if (side < 2 && kept[side] && may_move)
        to_side(context, join, sides, side, expr);
    else if (side == 2 && kind == PLAN_JOIN_INNER && expr_is_deterministic(expr))
        conjuncts_add(context->arena, &sides->condition, expr);
    else
        conjuncts_add(context->arena, &sides->above, expr);
}

/* Conditions of ON may go to a side whose rows are dropped when nothing matches. */
static void place_on(const PlannerContext *context, const LogicalNode *join, JoinSides *sides,
                     const Expr *expr)
{
    uint32_t side = side_of(context, join, expr);
    PlanJoinKind kind = join->join.kind;
    bool dropped[2] = {
        kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_SEMI,
        (kind == PLAN_JOIN_INNER || kind == PLAN_JOIN_LEFT || logical_is_half_join(kind)) &&
            !has_versions(join)};
    if (side < 2 && dropped[side] && expr_is_deterministic(expr) && !expr_can_fail(expr))
        to_side(context, join, sides, side, expr);
    else
        conjuncts_add(context->arena, &sides->condition, expr);
}

LogicalNode *join_push(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    JoinSides sides;
    memset(&sides, 0, sizeof(sides));
    Conjuncts on = {0};
    if (node->join.condition != NULL)
        conjuncts_add(context->arena, &on, node->join.condition);
    for (uint32_t i = 0; i < on.count; i++)
        place_on(context, node, &sides, on.items[i]);
    for (uint32_t i = 0; i < list->count; i++)
        place_where(context, node, &sides, list->items[i]);
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, 2);
    for (uint32_t s = 0; s < 2; s++)
        copy->inputs[s] = push_input(pushing, node->inputs[s], &sides.to[s]);
    copy->join.condition = expr_and(&context->site, sides.condition.items, sides.condition.count);
    return push_above(pushing, copy, &sides.above);
}

/* By the first equality of both sides, and by bounds on the distance of their times. */
bool join_reshaped_by(const LogicalNode *node, const Expr *expr, const bool *used)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    if (logical_is_half_join(node->join.kind))
        return false;
    bool sides[2] = {false, false}, times[2] = {false, false};
    for (uint32_t c = 0; c < node->schema->column_count; c++) {
        if (!used[c])
            continue;
        sides[c >= left] = true;
        times[c >= left] = times[c >= left] || logical_time(node, c) != TIME_NONE;
    }
    return (times[0] && times[1]) ||
           (sides[0] && sides[1] && node->join.condition == NULL && expr_is_equality(expr));
}
