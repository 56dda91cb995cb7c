/* Filters move towards the sources: below projections, into join conditions and to the sides of
 * joins, below GROUP BY where they only look at keys, into every input of UNION, INTERSECT and
 * EXCEPT. What may pass a kind of node is its own to say: NodeClass.push, NodeClass.filter_column.
 *
 * A filter moves only where the result stays the same. One that gives another answer each time does
 * not move at all. A sub-plan with several consumers that keeps state stays one. Cost: one walk, a
 * substitution per conjunct and node. */
#include <string.h>

#include "planner/shares.h"

void conjuncts_add(Arena *arena, Conjuncts *list, const Expr *expr)
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

LogicalNode *push_above(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    if (list->count == 0)
        return node;
    return logical_filter(context->arena, node, expr_and(&context->site, list->items, list->count));
}

LogicalNode *push_inputs(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    LogicalNode *copy = arena_memdup(pushing->context->arena, node, sizeof(*node));
    copy->inputs = arena_new_array(pushing->context->arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = push_input(pushing, node->inputs[i], list);
    return copy;
}

/* A condition on columns that pass goes below as it is. */
static LogicalNode *push_by_column(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    uint32_t count = node->schema->column_count;
    uint32_t *map = arena_new_array(context->arena, uint32_t, count + 1);
    bool *passes = arena_new_array(context->arena, bool, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        int64_t to = node->class->filter_column(node, i);
        passes[i] = to >= 0;
        map[i] = passes[i] ? (uint32_t)to : 0;
    }
    Conjuncts below = {0}, above = {0};
    for (uint32_t i = 0; i < list->count; i++) {
        const Expr *expr = list->items[i];
        bool *used = arena_new_array(context->arena, bool, count + 1);
        expr_mark_columns(expr, used);
        bool any = false, all = true;
        for (uint32_t c = 0; c < count; c++) {
            any = any || used[c];
            all = all && (!used[c] || passes[c]);
        }
        if (any && all && push_may_move(expr))
            conjuncts_add(context->arena, &below, expr_map_columns(&context->site, expr, map));
        else
            conjuncts_add(context->arena, &above, expr);
    }
    return push_above(pushing, push_inputs(pushing, node, &below), &above);
}

static LogicalNode *push_node(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    if (node->class->push != NULL)
        return node->class->push(pushing, node, list);
    if (node->class->filter_column != NULL)
        return push_by_column(pushing, node, list);
    Conjuncts none = {0};
    return push_above(pushing, push_inputs(pushing, node, &none), list);
}

/* ---------------------------------------------------------------- shared nodes
 *
 * A shared node is left until all its consumers have been there. What all of them want is pushed
 * into it, and that at least one of their filters holds where that gets below what keeps state;
 * each consumer keeps the rest above. A consumer whose filter makes another node of it (a join
 * from a product, a Top-N from numbers) gets its own. */

/* Above this many consumers their filters are not put together. */
#define SHARED_FILTERS_MAX 8

typedef struct Demand {
    LogicalNode *place; /* becomes what the consumer reads */
    Conjuncts list;
    struct Demand *next;
} Demand;

struct PushShares {
    SharedNodes shared;
    Demand **demands; /* by shared node */
};

/* Whether a condition makes something better of what is below projections. */
static bool reshapes(const PlannerContext *context, const LogicalNode *node, const Expr *expr)
{
    bool *used = arena_new_array(context->arena, bool, node->schema->column_count + 1);
    expr_mark_columns(expr, used);
    while (logical_is(node, "calc") && node->calc.filter == NULL && !node->calc.whole) {
        const LogicalNode *input = node->inputs[0];
        bool *below = arena_new_array(context->arena, bool, input->schema->column_count + 1);
        for (uint32_t i = 0; i < node->schema->column_count; i++)
            if (used[i])
                expr_mark_columns(node->calc.projections[i], below);
        used = below;
        node = input;
    }
    return node->class->reshaped_by != NULL && node->class->reshaped_by(node, expr, used);
}

LogicalNode *push_input(const Pushing *pushing, LogicalNode *input, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    bool is_own = input->share == 0 || pushing->shares == NULL;
    for (uint32_t i = 0; i < list->count && !is_own; i++)
        is_own = reshapes(context, input, list->items[i]);
    if (is_own)
        return push_node(pushing, input, list);
    Demand *demand = arena_new_one(context->arena, Demand);
    demand->place = arena_memdup(context->arena, input, sizeof(*input));
    for (uint32_t i = 0; i < list->count; i++)
        conjuncts_add(context->arena, &demand->list, list->items[i]);
    Demand **first = &pushing->shares->demands[input->share - 1];
    demand->next = *first;
    *first = demand;
    return demand->place;
}

static bool conjuncts_have(const Conjuncts *list, const Expr *expr)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (expr_equal(list->items[i], expr))
            return true;
    return false;
}

/* What all want, and what is left for each to see to. */
static Conjuncts take_common(const PlannerContext *context, Demand *demands)
{
    Conjuncts common = {0};
    for (uint32_t i = 0; i < demands->list.count; i++) {
        const Expr *expr = demands->list.items[i];
        bool all = expr_is_deterministic(expr);
        for (const Demand *other = demands->next; other != NULL && all; other = other->next)
            all = conjuncts_have(&other->list, expr);
        if (all)
            conjuncts_add(context->arena, &common, expr);
    }
    for (Demand *demand = demands; demand != NULL; demand = demand->next) {
        Conjuncts rest = {0};
        for (uint32_t i = 0; i < demand->list.count; i++)
            if (!conjuncts_have(&common, demand->list.items[i]))
                conjuncts_add(context->arena, &rest, demand->list.items[i]);
        demand->list = rest;
    }
    return common;
}

/* Conditions that stand above the first node that is no calc, those of a join with it. */
static uint32_t count_on_top(const LogicalNode *node)
{
    uint32_t count = 0;
    for (; logical_is(node, "calc"); node = node->inputs[0])
        if (node->calc.filter != NULL)
            count += expr_count_conjuncts(node->calc.filter);
    if (logical_is(node, "join") && node->join.condition != NULL)
        count += expr_count_conjuncts(node->join.condition);
    return count;
}

/* Whether the condition gets below what keeps state, when it goes down with the others. */
static bool gets_below(const PlannerContext *context, LogicalNode *node, const Conjuncts *down,
                       const Expr *expr)
{
    if (!push_may_move(expr))
        return false;
    Pushing trial = {context, NULL};
    Conjuncts more = {0};
    for (uint32_t i = 0; i < down->count; i++)
        conjuncts_add(context->arena, &more, down->items[i]);
    uint32_t before = count_on_top(push_node(&trial, node, down));
    conjuncts_add(context->arena, &more, expr);
    return count_on_top(push_node(&trial, node, &more)) <= before;
}

static const Expr *either(const PlannerContext *context, const Expr *a, const Expr *b)
{
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] = a;
    args[1] = b;
    const Type *type =
        type_with_nullable(context->arena, &type_boolean, a->type->nullable || b->type->nullable);
    return expr_new(&context->site, EXPR_OR, type, args, 2, expr_place(b));
}

/* That any of them wants the row, as far as can be said early; NULL: somebody may want any. */
static const Expr *any_wants(const PlannerContext *context, LogicalNode *node,
                             const Demand *demands, const Conjuncts *down)
{
    const Expr *any = NULL;
    uint32_t count = 0;
    for (const Demand *demand = demands; demand != NULL; demand = demand->next) {
        Conjuncts early = {0};
        for (uint32_t i = 0; i < demand->list.count; i++)
            if (gets_below(context, node, down, demand->list.items[i]))
                conjuncts_add(context->arena, &early, demand->list.items[i]);
        if (early.count == 0 || ++count > SHARED_FILTERS_MAX)
            return NULL;
        const Expr *one = expr_and(&context->site, early.items, early.count);
        any = any == NULL ? one : either(context, any, one);
    }
    return any != NULL && gets_below(context, node, down, any) ? any : NULL;
}

static void settle(const Pushing *pushing, LogicalNode *node, Demand *demands)
{
    const PlannerContext *context = pushing->context;
    Conjuncts down = take_common(context, demands);
    const Expr *any = any_wants(context, node, demands, &down);
    if (any != NULL)
        conjuncts_add(context->arena, &down, any);
    LogicalNode *pushed = push_node(pushing, node, &down);
    for (Demand *demand = demands; demand != NULL; demand = demand->next)
        *demand->place = *push_above(pushing, pushed, &demand->list);
}

void rule_push_filters(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    struct PushShares shares = {.shared = shares_find(context, roots, count)};
    shares.demands = arena_new_array(context->arena, Demand *, shares.shared.count + 1);
    Pushing pushing = {context, &shares};
    Conjuncts none = {0};
    for (uint32_t r = 0; r < count; r++)
        roots[r] = push_node(&pushing, roots[r], &none);
    for (uint32_t s = 0; s < shares.shared.count; s++)
        if (shares.demands[s] != NULL)
            settle(&pushing, shares.shared.nodes[s], shares.demands[s]);
}
