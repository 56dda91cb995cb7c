/* Decorrelating by moving conditions up (see rules/decorrelate.h).
 *
 * On the way up each node shows its own columns first and behind them those that the conditions
 * look at. An equality between an outer value and a value of the query is a link: its inner side
 * becomes a column, by which groups on the way are grouped as well. Any other condition can pass
 * only filters, projections and joins. Cost: one walk, which makes each node anew. */
#include "planner/rules/decorrelate.h"

#include <string.h>

typedef struct Pull {
    const PlannerContext *context;
    OuterSlots slots;
} Pull;

static bool pull(const Pull *pulling, LogicalNode *node, LinkedQuery *out);

/* ------------------------------------------------------ calcs that carry more */

/* A calc being made over `input`: its own columns, then what conditions need. */
typedef struct Carrier {
    const Pull *pulling;
    const LogicalNode *input;
    const Expr **exprs;
    const char **names;
    uint32_t count;
    uint32_t capacity;
    const Expr **conditions;
    uint32_t condition_count;
    uint32_t condition_capacity;
} Carrier;

static uint32_t carrier_add(Carrier *carrier, const Expr *expr, const char *name)
{
    Arena *arena = carrier->pulling->context->arena;
    uint32_t capacity = carrier->capacity; /* of both */
    carrier->exprs =
        arena_grow(arena, carrier->exprs, sizeof(*carrier->exprs), carrier->count, &capacity);
    carrier->names = arena_grow(arena, carrier->names, sizeof(*carrier->names), carrier->count,
                                &carrier->capacity);
    carrier->exprs[carrier->count] = expr;
    carrier->names[carrier->count] =
        name != NULL ? name : arena_printf(arena, "$link%u", carrier->count);
    return carrier->count++;
}

/* Where the value stands already, or behind the others. */
static const Expr *carrier_column(Carrier *carrier, const Expr *expr)
{
    uint32_t at = 0;
    while (at < carrier->count && !expr_equal(carrier->exprs[at], expr))
        at++;
    if (at == carrier->count)
        at = carrier_add(carrier, expr, NULL);
    return expr_column(carrier->pulling->context->arena, at, expr->type, expr_place(expr));
}

static bool has_column(const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (has_column(expr->args[i]))
            return true;
    return false;
}

/* The argument of a link that is the query's: 0 or 1; else -1. */
static int link_side(const Pull *pulling, const Expr *expr)
{
    if (!expr_is_equality(expr) || !expr_is_deterministic(expr))
        return -1;
    for (int side = 0; side < 2; side++)
        if (!has_column(expr->args[1 - side]) && has_column(expr->args[side]) &&
            !outer_in_expr(pulling->slots, expr->args[side]))
            return side;
    return -1;
}

/* Columns become columns of the calc, each carried if it is not there yet. */
static const Expr *carry_columns(Carrier *carrier, const Expr *expr)
{
    const PlannerContext *context = carrier->pulling->context;
    if (expr->kind == EXPR_COLUMN)
        return carrier_column(carrier, expr);
    const Expr **args = arena_new_array(context->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = carry_columns(carrier, expr->args[i]);
    return expr_with_args(&context->site, expr, args);
}

/* A condition over the input's columns goes on over the calc's. */
static void carrier_condition(Carrier *carrier, const Expr *expr)
{
    const PlannerContext *context = carrier->pulling->context;
    int side = link_side(carrier->pulling, expr);
    const Expr *carried;
    if (side >= 0) {
        const Expr **args = arena_memdup(context->arena, expr->args, sizeof(*args) * 2);
        args[side] = carrier_column(carrier, expr->args[side]);
        carried = expr_with_args(&context->site, expr, args);
    } else {
        carried = carry_columns(carrier, expr);
    }
    carrier->conditions =
        arena_grow(context->arena, carrier->conditions, sizeof(*carrier->conditions),
                   carrier->condition_count, &carrier->condition_capacity);
    carrier->conditions[carrier->condition_count++] = carried;
}

static void carrier_finish(Carrier *carrier, LogicalNode *input, const Expr *filter, AstPlace place,
                           LinkedQuery *out)
{
    Arena *arena = carrier->pulling->context->arena;
    out->node =
        logical_calc(arena, input, filter, carrier->exprs,
                     logical_schema(arena, carrier->exprs, carrier->names, carrier->count), place);
    out->conditions = carrier->conditions;
    out->condition_count = carrier->condition_count;
}

/* -------------------------------------------------------------------- calcs */

/* What the projections give for a row of defaults: literals, or false. */
static bool pull_defaults(const Pull *pulling, const LogicalNode *node, const LinkedQuery *in,
                          LinkedQuery *out)
{
    const PlannerContext *context = pulling->context;
    if (node->calc.filter != NULL)
        return false;
    uint32_t count = node->schema->column_count;
    out->defaults = arena_new_array(context->arena, const Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        out->defaults[i] =
            expr_replace_columns(&context->site, node->calc.projections[i], in->defaults);
        if (!expr_is_literal(out->defaults[i]))
            return false;
    }
    return true;
}

static bool pull_calc(const Pull *pulling, LogicalNode *node, LinkedQuery *out)
{
    const PlannerContext *context = pulling->context;
    LinkedQuery in;
    if (!pull(pulling, node->inputs[0], &in))
        return false;
    Carrier carrier = {.pulling = pulling, .input = in.node};
    for (uint32_t i = 0; i < node->schema->column_count; i++) {
        if (outer_in_expr(pulling->slots, node->calc.projections[i]))
            return false;
        carrier_add(&carrier, node->calc.projections[i], node->schema->columns[i].name);
    }
    uint32_t count = node->calc.filter == NULL ? 0 : expr_count_conjuncts(node->calc.filter);
    const Expr **parts = arena_new_array(context->arena, const Expr *, count + 1);
    if (count != 0)
        expr_conjuncts(node->calc.filter, parts);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (outer_in_expr(pulling->slots, parts[i]))
            carrier_condition(&carrier, parts[i]);
        else
            parts[kept++] = parts[i];
    }
    for (uint32_t i = 0; i < in.condition_count; i++)
        carrier_condition(&carrier, in.conditions[i]);
    *out = (LinkedQuery){0};
    if (in.defaults != NULL && !pull_defaults(pulling, node, &in, out))
        return false;
    carrier_finish(&carrier, in.node, expr_and(&context->site, parts, kept), node->place, out);
    return true;
}

/* -------------------------------------------------------------------- joins */

/* Whether conditions of the side may be asked after the join as well. */
static bool passes_side(PlanJoinKind kind, uint32_t side)
{
    if (kind == PLAN_JOIN_INNER)
        return true;
    if (kind == PLAN_JOIN_RIGHT)
        return side == 1;
    return kind != PLAN_JOIN_FULL && side == 0;
}

/* Splits the condition into what stays in the join and what looks outside; false where the latter
 * cannot leave. */
static const Expr *join_condition(const Pull *pulling, const LogicalNode *node, const uint32_t *map,
                                  Carrier *carrier, bool *fits)
{
    const PlannerContext *context = pulling->context;
    *fits = true;
    if (node->join.condition == NULL)
        return NULL;
    uint32_t count = expr_count_conjuncts(node->join.condition);
    const Expr **parts = arena_new_array(context->arena, const Expr *, count + 1);
    expr_conjuncts(node->join.condition, parts);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        const Expr *part = expr_map_columns(&context->site, parts[i], map);
        if (!outer_in_expr(pulling->slots, part)) {
            parts[kept++] = part;
            continue;
        }
        *fits = *fits && node->join.kind == PLAN_JOIN_INNER;
        if (*fits)
            carrier_condition(carrier, part);
    }
    return expr_and(&context->site, parts, kept);
}

static bool pull_join(const Pull *pulling, LogicalNode *node, LinkedQuery *out)
{
    const PlannerContext *context = pulling->context;
    Arena *arena = context->arena;
    LinkedQuery sides[2];
    uint32_t own[2];
    for (uint32_t s = 0; s < 2; s++) {
        own[s] = node->inputs[s]->schema->column_count;
        sides[s] = (LinkedQuery){.node = node->inputs[s]};
        if (!outer_in_tree(pulling->slots, node->inputs[s]))
            continue;
        if (!passes_side(node->join.kind, s) || !pull(pulling, node->inputs[s], &sides[s]) ||
            sides[s].defaults != NULL)
            return false;
    }
    uint32_t left = sides[0].node->schema->column_count;
    uint32_t *map = arena_new_array(arena, uint32_t, own[0] + own[1] + 2);
    for (uint32_t i = 0; i < own[0] + own[1] + 1; i++)
        map[i] = i < own[0] ? i : left + i - own[0];

    LogicalNode *join =
        logical_join(arena, node->join.kind, sides[0].node, sides[1].node, NULL, node->place);
    join->join.single = node->join.single;
    memcpy(join->hint_ttl_ms, node->hint_ttl_ms, sizeof(join->hint_ttl_ms));
    Carrier carrier = {.pulling = pulling, .input = join};
    for (uint32_t i = 0; i < node->schema->column_count; i++)
        carrier_add(
            &carrier,
            expr_column(arena, map[i], join->schema->columns[map[i]].type, (AstPlace){-1, 0}),
            node->schema->columns[i].name);
    bool fits;
    join->join.condition = join_condition(pulling, node, map, &carrier, &fits);
    if (!fits)
        return false;
    for (uint32_t s = 0; s < 2; s++)
        for (uint32_t i = 0; i < sides[s].condition_count; i++)
            carrier_condition(&carrier, expr_shift_columns(&context->site, sides[s].conditions[i],
                                                           s == 0 ? 0 : (int64_t)left));
    *out = (LinkedQuery){0};
    carrier_finish(&carrier, join, NULL, node->place, out);
    return true;
}

/* ------------------------------------------------------------------- groups */

/* What a group without rows gives; false where that is not known. */
static bool global_defaults(Arena *arena, const LogicalNode *node, LinkedQuery *out)
{
    out->defaults = arena_new_array(arena, const Expr *, node->schema->column_count + 1);
    for (uint32_t i = 0; i < node->schema->column_count; i++) {
        const Type *type = node->schema->columns[i].type;
        if (type->nullable) {
            out->defaults[i] = expr_null(arena, type, (AstPlace){-1, 0});
            continue;
        }
        if (type->kind != TYPE_BIGINT)
            return false;
        Vector *zero = arena_new_one(arena, Vector);
        vector_init_constant(zero, type, arena);
        vector_set_valid(zero, 0);
        ((int64_t *)zero->data)[0] = 0;
        out->defaults[i] = expr_literal(arena, zero, (AstPlace){-1, 0});
    }
    return true;
}

/* The aggregate grouped by the links' columns too. `positions`: where its own columns are, then
 * where each condition's column is. */
static LogicalNode *grouped_by_links(const Pull *pulling, const LogicalNode *node,
                                     const LinkedQuery *in, const uint32_t *links,
                                     uint32_t *positions)
{
    Arena *arena = pulling->context->arena;
    uint32_t own_keys = node->aggregate.key_count;
    uint32_t own = node->schema->column_count;
    uint32_t most = own_keys + in->condition_count;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 1);
    copy->inputs[0] = in->node;
    copy->aggregate.keys = arena_new_array(arena, uint32_t, most + 1);
    memcpy(copy->aggregate.keys, node->aggregate.keys, sizeof(uint32_t) * own_keys);
    uint32_t count = own_keys;
    for (uint32_t i = 0; i < in->condition_count; i++) {
        uint32_t at = 0;
        while (at < count && copy->aggregate.keys[at] != links[i])
            at++;
        if (at == count)
            copy->aggregate.keys[count++] = links[i];
        positions[own + i] = at;
    }
    copy->aggregate.key_count = count;
    Column *columns = arena_new_array(arena, Column, own + count + 1);
    for (uint32_t i = 0; i < own; i++) {
        positions[i] = i < own_keys ? i : i - own_keys + count;
        columns[positions[i]] = node->schema->columns[i];
    }
    for (uint32_t i = own_keys; i < count; i++)
        columns[i] = in->node->schema->columns[copy->aggregate.keys[i]];
    copy->schema = schema_new(arena, columns, own + count - own_keys);
    return copy;
}

/* The column of the query that each condition is a link to; false where one is none. */
static bool link_columns(const Pull *pulling, const LinkedQuery *in, uint32_t *links)
{
    for (uint32_t i = 0; i < in->condition_count; i++) {
        int side = link_side(pulling, in->conditions[i]);
        if (side < 0 || in->conditions[i]->args[side]->kind != EXPR_COLUMN)
            return false;
        links[i] = in->conditions[i]->args[side]->column;
    }
    return true;
}

static bool pull_aggregate(const Pull *pulling, LogicalNode *node, LinkedQuery *out)
{
    const PlannerContext *context = pulling->context;
    Arena *arena = context->arena;
    LinkedQuery in;
    if (decorrelate_empty_sets(arena, node, NULL) != 0 || !pull(pulling, node->inputs[0], &in) ||
        in.defaults != NULL)
        return false;
    uint32_t *links = arena_new_array(arena, uint32_t, in.condition_count + 1);
    if (!link_columns(pulling, &in, links))
        return false;
    uint32_t own = node->schema->column_count;
    uint32_t *positions = arena_new_array(arena, uint32_t, own + in.condition_count + 1);
    LogicalNode *grouped = grouped_by_links(pulling, node, &in, links, positions);
    *out = (LinkedQuery){.conditions = arena_new_array(arena, const Expr *, in.condition_count + 1),
                         .condition_count = in.condition_count,
                         .node = logical_pick(arena, grouped, positions, own + in.condition_count)};
    for (uint32_t i = 0; i < in.condition_count; i++) {
        int side = link_side(pulling, in.conditions[i]);
        const Expr **args = arena_memdup(arena, in.conditions[i]->args, sizeof(*args) * 2);
        args[side] = expr_column(arena, own + i, args[side]->type, expr_place(args[side]));
        out->conditions[i] = expr_with_args(&context->site, in.conditions[i], args);
    }
    return node->aggregate.key_count != 0 || global_defaults(arena, node, out);
}

/* Window functions and Top-N: the links part the partitions. */
static bool pull_parted(const Pull *pulling, LogicalNode *node, LinkedQuery *out)
{
    const PlannerContext *context = pulling->context;
    LinkedQuery in;
    if (!pull(pulling, node->inputs[0], &in) || in.defaults != NULL)
        return false;
    uint32_t *links = arena_new_array(context->arena, uint32_t, in.condition_count + 1);
    if (!link_columns(pulling, &in, links))
        return false;
    *out = (LinkedQuery){
        .node = decorrelate_parted(context->arena, node, in.node, links, in.condition_count),
        .conditions = arena_new_array(context->arena, const Expr *, in.condition_count + 1),
        .condition_count = in.condition_count};
    uint32_t own_input = node->inputs[0]->schema->column_count;
    uint32_t given = in.node->schema->column_count;
    uint32_t *map = arena_new_array(context->arena, uint32_t, given + 1);
    for (uint32_t i = 0; i < given; i++)
        map[i] = i < own_input ? i : i - own_input + node->schema->column_count;
    for (uint32_t i = 0; i < in.condition_count; i++)
        out->conditions[i] = expr_map_columns(&context->site, in.conditions[i], map);
    return true;
}

static bool pull(const Pull *pulling, LogicalNode *node, LinkedQuery *out)
{
    *out = (LinkedQuery){.node = node};
    if (!outer_in_tree(pulling->slots, node) && !decorrelate_has_row(node))
        return true;
    node = decorrelate_rank(pulling->context->arena, node);
    if (logical_is(node, "rank") || logical_is(node, "over"))
        return pull_parted(pulling, node, out);
    if (logical_is(node, "calc"))
        return pull_calc(pulling, node, out);
    if (logical_is(node, "join"))
        return pull_join(pulling, node, out);
    if (logical_is(node, "aggregate"))
        return pull_aggregate(pulling, node, out);
    return false;
}

bool decorrelate_pull(const PlannerContext *context, OuterSlots slots, LogicalNode *query,
                      LinkedQuery *out)
{
    Pull pulling = {context, slots};
    return pull(&pulling, query, out);
}
