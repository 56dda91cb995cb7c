/* Filters move towards the sources: below projections, into join conditions and to the sides of
 * joins, below GROUP BY where they only look at keys, into every input of UNION, INTERSECT and
 * EXCEPT.
 *
 * A filter moves only where the result stays the same: to the preserved side of an outer join when
 * it comes from WHERE, to the other side when it comes from ON. One that may raise an error does
 * not pass a join, where it would see rows that the join drops; one that gives another answer each
 * time does not move at all. Cost: one walk, a substitution per conjunct and node. */
#include "planner/logical.h"

#include <string.h>

/* Substituting projections into a filter that is larger than this is not worth it. */
#define PUSHED_SIZE_MAX 2000

typedef struct Conjuncts {
    const Expr **items;
    uint32_t count;
    uint32_t capacity;
} Conjuncts;

static void conjuncts_add(Arena *arena, Conjuncts *list, const Expr *expr)
{
    uint32_t more = expr_count_conjuncts(expr);
    if (list->count + more > list->capacity) {
        uint32_t capacity = (list->count + more) * 2;
        const Expr **grown = arena_new_array(arena, const Expr *, capacity);
        if (list->count != 0)
            memcpy(grown, list->items, sizeof(*grown) * list->count);
        list->items = grown;
        list->capacity = capacity;
    }
    list->count += expr_conjuncts(expr, list->items + list->count);
}

static LogicalNode *filter_above(const PlannerContext *context, LogicalNode *node,
                                 const Conjuncts *list)
{
    if (list->count == 0)
        return node;
    return logical_filter(context->arena, node, expr_and(&context->site, list->items, list->count));
}

static LogicalNode *push(const PlannerContext *context, LogicalNode *node, const Conjuncts *list);

/* --------------------------------------------------------------------- calc */

static bool can_substitute(const PlannerContext *context, const LogicalNode *calc,
                           const Expr *filter)
{
    uint32_t count = calc->schema->column_count;
    bool *used = arena_new_array(context->arena, bool, count + 1);
    expr_mark_columns(filter, used);
    uint32_t size = expr_size(filter, PUSHED_SIZE_MAX);
    for (uint32_t i = 0; i < count && size < PUSHED_SIZE_MAX; i++) {
        if (!used[i])
            continue;
        if (!expr_is_deterministic(calc->calc.projections[i]))
            return false;
        size += expr_size(calc->calc.projections[i], PUSHED_SIZE_MAX);
    }
    return size < PUSHED_SIZE_MAX;
}

static LogicalNode *push_calc(const PlannerContext *context, LogicalNode *node,
                              const Conjuncts *list)
{
    if (node->calc.whole) {
        Conjuncts none = {0};
        LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
        copy->inputs = arena_new_array(context->arena, LogicalNode *, 1);
        copy->inputs[0] = push(context, node->inputs[0], &none);
        return filter_above(context, copy, list);
    }
    Conjuncts below = {0}, above = {0}, here = {0};
    if (node->calc.filter != NULL) {
        Conjuncts own = {0};
        conjuncts_add(context->arena, &own, node->calc.filter);
        for (uint32_t i = 0; i < own.count; i++)
            conjuncts_add(context->arena, expr_is_deterministic(own.items[i]) ? &below : &here,
                          own.items[i]);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!can_substitute(context, node, list->items[i])) {
            conjuncts_add(context->arena, &above, list->items[i]);
            continue;
        }
        conjuncts_add(context->arena, &below,
                      expr_replace_columns(&context->site, list->items[i], node->calc.projections));
    }
    LogicalNode *copy =
        logical_calc(context->arena, push(context, node->inputs[0], &below),
                     here.count == 0 ? NULL : expr_and(&context->site, here.items, here.count),
                     node->calc.projections, node->schema, node->place);
    return filter_above(context, copy, &above);
}

/* --------------------------------------------------------------------- join */

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

static LogicalNode *push_join(const PlannerContext *context, LogicalNode *node,
                              const Conjuncts *list)
{
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
        copy->inputs[s] = push(context, node->inputs[s], &sides.to[s]);
    copy->join.condition = expr_and(&context->site, sides.condition.items, sides.condition.count);
    return filter_above(context, copy, &sides.above);
}

/* ------------------------------------------------------------------- others */

static LogicalNode *push_aggregate(const PlannerContext *context, LogicalNode *node,
                                   const Conjuncts *list)
{
    uint32_t count = node->schema->column_count;
    uint32_t *map = arena_new_array(context->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        map[i] = i < node->aggregate.key_count ? node->aggregate.keys[i] : UINT32_MAX;
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        bool *used = arena_new_array(context->arena, bool, count + 1);
        expr_mark_columns(list->items[i], used);
        bool any = false, only_keys = true;
        for (uint32_t c = 0; c < count; c++) {
            any = any || used[c];
            only_keys = only_keys && (!used[c] || c < node->aggregate.key_count);
        }
        bool has_input = node->aggregate.empty_set_count == 0; /* no row is there without input */
        if (any && only_keys && has_input && expr_is_deterministic(list->items[i]) &&
            !expr_can_fail(list->items[i]))
            conjuncts_add(context->arena, &below,
                          expr_map_columns(&context->site, list->items[i], map));
        else
            conjuncts_add(context->arena, &above, list->items[i]);
    }
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, 1);
    copy->inputs[0] = push(context, node->inputs[0], &below);
    return filter_above(context, copy, &above);
}

static LogicalNode *push_inputs(const PlannerContext *context, LogicalNode *node,
                                const Conjuncts *list)
{
    LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = push(context, node->inputs[i], list);
    return copy;
}

/* A window function sees its whole partition: only what chooses partitions may go before it. */
static LogicalNode *push_over(const PlannerContext *context, LogicalNode *node,
                              const Conjuncts *list)
{
    const LogicalOver *over = &node->over;
    uint32_t count = node->schema->column_count;
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        bool *used = arena_new_array(context->arena, bool, count + 1);
        expr_mark_columns(list->items[i], used);
        uint32_t columns = 0, of_partition = 0;
        for (uint32_t c = 0; c < count; c++)
            columns += used[c];
        for (uint32_t c = 0; c < over->partition_count; c++)
            of_partition += used[over->partition[c]];
        bool moves = columns != 0 && columns == of_partition &&
                     expr_is_deterministic(list->items[i]) && !expr_can_fail(list->items[i]);
        conjuncts_add(context->arena, moves ? &below : &above, list->items[i]);
    }
    return filter_above(context, push_inputs(context, node, &below), &above);
}

static LogicalNode *push_union(const PlannerContext *context, LogicalNode *node,
                               const Conjuncts *list)
{
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++)
        conjuncts_add(context->arena, expr_is_deterministic(list->items[i]) ? &below : &above,
                      list->items[i]);
    return filter_above(context, push_inputs(context, node, &below), &above);
}

/* A row that one side does not show is not there for the other either. */
static LogicalNode *push_set_operation(const PlannerContext *context, LogicalNode *node,
                                       const Conjuncts *list)
{
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const Expr *expr = list->items[i];
        bool may_move = expr_is_deterministic(expr) && !expr_can_fail(expr);
        conjuncts_add(context->arena, may_move ? &below : &above, expr);
    }
    return filter_above(context, push_inputs(context, node, &below), &above);
}

/* What only looks at the rows themselves goes below their windows; of a session only what looks at
 * its keys, for the others decide which rows are one session. */
static LogicalNode *push_window_tvf(const PlannerContext *context, LogicalNode *node,
                                    const Conjuncts *list)
{
    const LogicalWindowTvf *tvf = &node->window_tvf;
    uint32_t own = node->inputs[0]->schema->column_count;
    bool *passes = arena_new_array(context->arena, bool, own + 4);
    for (uint32_t c = 0; c < own; c++)
        passes[c] = tvf->window.kind != PLAN_WINDOW_SESSION;
    for (uint32_t c = 0; c < tvf->partition_count; c++)
        passes[tvf->partition[c]] = true;
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        bool *used = arena_new_array(context->arena, bool, own + 4);
        expr_mark_columns(list->items[i], used);
        bool moves = expr_is_deterministic(list->items[i]) && !expr_can_fail(list->items[i]);
        for (uint32_t c = 0; c < own + 3; c++)
            moves = moves && (!used[c] || passes[c]);
        conjuncts_add(context->arena, moves ? &below : &above, list->items[i]);
    }
    return filter_above(context, push_inputs(context, node, &below), &above);
}

/* What looks at passed columns only is known before the list is taken apart. */
static LogicalNode *push_unnest(const PlannerContext *context, LogicalNode *node,
                                const Conjuncts *list)
{
    uint32_t count = node->schema->column_count, passed = node->unnest.passed_count;
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const Expr *expr = list->items[i];
        bool *used = arena_new_array(context->arena, bool, count + 1);
        expr_mark_columns(expr, used);
        bool may_move = expr_is_deterministic(expr) && !expr_can_fail(expr);
        for (uint32_t c = passed; c < count; c++)
            may_move = may_move && !used[c];
        if (may_move)
            expr = expr_map_columns(&context->site, expr, node->unnest.passed);
        conjuncts_add(context->arena, may_move ? &below : &above, expr);
    }
    return filter_above(context, push_inputs(context, node, &below), &above);
}

static LogicalNode *push(const PlannerContext *context, LogicalNode *node, const Conjuncts *list)
{
    if (logical_is(node, "calc"))
        return push_calc(context, node, list);
    if (logical_is(node, "join") || has_versions(node))
        return push_join(context, node, list);
    if (logical_is(node, "aggregate"))
        return push_aggregate(context, node, list);
    if (logical_is(node, "union"))
        return push_union(context, node, list);
    if (logical_is(node, "over"))
        return push_over(context, node, list);
    if (logical_is(node, "unnest"))
        return push_unnest(context, node, list);
    if (logical_is(node, "set_operation"))
        return push_set_operation(context, node, list);
    if (logical_is(node, "window_tvf"))
        return push_window_tvf(context, node, list);
    Conjuncts none = {0};
    return filter_above(context, push_inputs(context, node, &none), list);
}

LogicalNode *rule_push_filters(const PlannerContext *context, LogicalNode *node)
{
    Conjuncts none = {0};
    return push(context, node, &none);
}
