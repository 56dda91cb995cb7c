/* Decorrelating by domain (see rules/decorrelate.h): a query is computed for every different
 * combination of the outer values it looks at.
 *
 * Each node shows its own columns first and behind them those of the domain. Where nothing below
 * looks outside, the domain is joined in; a filter above that compares the two makes an equi-join
 * of it. Groups are per combination, and an aggregate without GROUP BY has a row for each.
 *
 * Cost: one walk; while running, a DISTINCT over the outer values. */
#include "planner/rules/decorrelate.h"

#include <string.h>

typedef struct Domain {
    const PlannerContext *context;
    OuterSlots slots;
    LogicalNode *rows; /* a column per slot; without slots: one row */
} Domain;

static LogicalNode *spread(const Domain *domain, LogicalNode *node, Error *error);

/* The condition that two sets of domain columns are the same. */
static const Expr *same_domain(const Domain *domain, const LogicalNode *left, uint32_t left_at,
                               const LogicalNode *right, uint32_t right_at)
{
    const PlannerContext *context = domain->context;
    const Expr **parts = arena_new_array(context->arena, const Expr *, domain->slots.count + 1);
    Error none;
    error_clear(&none);
    for (uint32_t i = 0; i < domain->slots.count; i++) {
        const Expr **args = arena_new_array(context->arena, const Expr *, 2);
        args[0] = expr_column(context->arena, left_at + i, left->schema->columns[left_at + i].type,
                              (AstPlace){-1, 0});
        args[1] = expr_column(context->arena, left->schema->column_count + right_at + i,
                              right->schema->columns[right_at + i].type, (AstPlace){-1, 0});
        parts[i] =
            expr_call(&context->site, "IS NOT DISTINCT FROM", args, 2, (AstPlace){-1, 0}, &none);
        assert(parts[i] != NULL);
    }
    return expr_and(&context->site, parts, domain->slots.count);
}

/* The slots as columns from `at` on. */
static const Expr *over_domain(const Domain *domain, const Expr *expr, uint32_t at)
{
    Arena *arena = domain->context->arena;
    const Expr **values = arena_new_array(arena, const Expr *, domain->slots.count + 1);
    for (uint32_t i = 0; i < domain->slots.count; i++)
        values[i] =
            expr_column(arena, at + i, domain->rows->schema->columns[i].type, expr_place(expr));
    return outer_replace(domain->context, domain->slots, expr, values, 0);
}

static LogicalNode *spread_calc(const Domain *domain, LogicalNode *node, Error *error)
{
    Arena *arena = domain->context->arena;
    LogicalNode *input = spread(domain, node->inputs[0], error);
    if (input == NULL)
        return NULL;
    uint32_t at = node->inputs[0]->schema->column_count;
    uint32_t own = node->schema->column_count;
    uint32_t count = own + domain->slots.count;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    const char **names = arena_new_array(arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const Column *column =
            i < own ? &node->schema->columns[i] : &input->schema->columns[at + i - own];
        names[i] = column->name;
        projections[i] = i < own
                             ? over_domain(domain, node->calc.projections[i], at)
                             : expr_column(arena, at + i - own, column->type, (AstPlace){-1, 0});
    }
    const Expr *filter =
        node->calc.filter == NULL ? NULL : over_domain(domain, node->calc.filter, at);
    LogicalNode *calc = logical_calc(arena, input, filter, projections,
                                     logical_schema(arena, projections, names, count), node->place);
    return calc;
}

/* -------------------------------------------------------------------- joins */

/* Which sides of a join must show the domain. */
static void sides_to_spread(const Domain *domain, const LogicalNode *node, bool *sides)
{
    PlanJoinKind kind = node->join.kind;
    for (uint32_t s = 0; s < 2; s++)
        sides[s] = outer_in_tree(domain->slots, node->inputs[s]);
    /* A side whose rows stay without a match stays for every combination. */
    if (kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL || logical_is_half_join(kind))
        sides[0] = true;
    if (kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL)
        sides[1] = true;
    if (!sides[0] && !sides[1])
        sides[0] = true;
}

static const Expr *first_not_null(const PlannerContext *context, const Expr *a, const Expr *b,
                                  const Type *type)
{
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] = a;
    args[1] = b;
    return expr_new(&context->site, EXPR_COALESCE, type, args, 2, (AstPlace){-1, 0});
}

/* Columns of a FULL join's domain: from whichever side has the row. */
static LogicalNode *either_domain(const Domain *domain, LogicalNode *join, uint32_t own_left,
                                  uint32_t right_at, uint32_t own_right)
{
    const PlannerContext *context = domain->context;
    Arena *arena = context->arena;
    uint32_t own = own_left + own_right;
    uint32_t count = own + domain->slots.count;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    const char **names = arena_new_array(arena, const char *, count + 1);
    const Expr **identity = logical_identity(arena, join->schema);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i < own_left ? i : i < own ? right_at + i - own_left : own_left + i - own;
        names[i] = join->schema->columns[at].name;
        projections[i] = identity[at];
        if (i < own)
            continue;
        projections[i] = first_not_null(
            context, identity[at], identity[right_at + own_right + i - own], identity[at]->type);
    }
    return logical_calc(arena, join, NULL, projections,
                        logical_schema(arena, projections, names, count), join->place);
}

/* Left columns, right columns, domain. */
static LogicalNode *arrange_join(const Domain *domain, const LogicalNode *node, LogicalNode *join,
                                 const bool *spreads)
{
    uint32_t own[2] = {node->inputs[0]->schema->column_count,
                       node->inputs[1]->schema->column_count};
    uint32_t right_at = join->inputs[0]->schema->column_count;
    if (node->join.kind == PLAN_JOIN_FULL)
        return either_domain(domain, join, own[0], right_at, own[1]);
    bool is_half = logical_is_half_join(node->join.kind);
    uint32_t shown = is_half ? node->schema->column_count - own[0] : own[1];
    bool from_right = !spreads[0] || node->join.kind == PLAN_JOIN_RIGHT;
    uint32_t count = own[0] + shown + domain->slots.count;
    uint32_t *columns = arena_new_array(domain->context->arena, uint32_t, count + 1);
    uint32_t at = 0;
    for (uint32_t i = 0; i < own[0]; i++)
        columns[at++] = i;
    for (uint32_t i = 0; i < shown; i++)
        columns[at++] = right_at + i;
    for (uint32_t i = 0; i < domain->slots.count; i++)
        columns[at++] = (from_right ? right_at + own[1] : own[0]) + i;
    return logical_pick(domain->context->arena, join, columns, count);
}

static LogicalNode *spread_join(const Domain *domain, LogicalNode *node, Error *error)
{
    const PlannerContext *context = domain->context;
    Arena *arena = context->arena;
    bool spreads[2];
    sides_to_spread(domain, node, spreads);
    LogicalNode *sides[2];
    uint32_t own[2];
    for (uint32_t s = 0; s < 2; s++) {
        own[s] = node->inputs[s]->schema->column_count;
        sides[s] = spreads[s] ? spread(domain, node->inputs[s], error) : node->inputs[s];
        if (sides[s] == NULL)
            return NULL;
    }
    uint32_t left = sides[0]->schema->column_count;
    const Expr *parts[2];
    uint32_t count = 0;
    if (node->join.condition != NULL) {
        uint32_t *map = arena_new_array(arena, uint32_t, own[0] + own[1] + 1);
        for (uint32_t i = 0; i < own[0] + own[1]; i++)
            map[i] = i < own[0] ? i : left + i - own[0];
        parts[count++] =
            over_domain(domain, expr_map_columns(&context->site, node->join.condition, map),
                        spreads[0] ? own[0] : left + own[1]);
    }
    if (spreads[0] && spreads[1])
        parts[count++] = same_domain(domain, sides[0], own[0], sides[1], own[1]);
    LogicalNode *join = logical_join(arena, node->join.kind, sides[0], sides[1],
                                     expr_and(&context->site, parts, count), node->place);
    join->join.single = node->join.single;
    memcpy(join->hint_ttl_ms, node->hint_ttl_ms, sizeof(join->hint_ttl_ms));
    return arrange_join(domain, node, join, spreads);
}

/* ------------------------------------------------------------------- others */

/* Groups by the domain as well; own columns first. */
static LogicalNode *spread_groups(const Domain *domain, LogicalNode *node, Error *error)
{
    Arena *arena = domain->context->arena;
    LogicalNode *input = spread(domain, node->inputs[0], error);
    if (input == NULL)
        return NULL;
    uint32_t keys = node->aggregate.key_count, more = domain->slots.count;
    uint32_t own = node->schema->column_count;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 1);
    copy->inputs[0] = input;
    copy->aggregate.keys = arena_new_array(arena, uint32_t, keys + more + 1);
    copy->aggregate.key_count = keys + more;
    Column *columns = arena_new_array(arena, Column, own + more + 1);
    uint32_t *positions = arena_new_array(arena, uint32_t, own + more + 1);
    for (uint32_t i = 0; i < keys; i++)
        copy->aggregate.keys[i] = node->aggregate.keys[i];
    for (uint32_t i = 0; i < more; i++) {
        uint32_t from = node->inputs[0]->schema->column_count + i;
        copy->aggregate.keys[keys + i] = from;
        columns[keys + i] = input->schema->columns[from];
        positions[own + i] = keys + i;
    }
    for (uint32_t i = 0; i < own; i++) {
        positions[i] = i < keys ? i : i + more;
        columns[positions[i]] = node->schema->columns[i];
    }
    copy->aggregate.empty_set_count = 0;
    copy->schema = schema_new(arena, columns, own + more);
    return logical_pick(arena, copy, positions, own + more);
}

static const Expr *zero_for_null(const PlannerContext *context, const Expr *value, const Type *type)
{
    Vector *zero = arena_new_one(context->arena, Vector);
    vector_init_constant(zero, type, context->arena);
    vector_set_valid(zero, 0);
    return first_not_null(context, value, expr_literal(context->arena, zero, (AstPlace){-1, 0}),
                          type);
}

/* Without GROUP BY each combination has a row: where nothing was read, COUNT is 0, others NULL. */
static LogicalNode *spread_global(const Domain *domain, LogicalNode *node, Error *error)
{
    const PlannerContext *context = domain->context;
    Arena *arena = context->arena;
    LogicalNode *groups = spread_groups(domain, node, error);
    if (groups == NULL)
        return NULL;
    uint32_t own = node->schema->column_count;
    uint32_t left = domain->rows->schema->column_count;
    LogicalNode *join =
        logical_join(arena, PLAN_JOIN_LEFT, domain->rows, groups,
                     same_domain(domain, domain->rows, 0, groups, own), node->place);
    uint32_t count = own + domain->slots.count;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    const char **names = arena_new_array(arena, const char *, count + 1);
    const Expr **identity = logical_identity(arena, join->schema);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = i < own ? left + i : i - own;
        names[i] = join->schema->columns[at].name;
        projections[i] = identity[at];
        if (i < own && !node->schema->columns[i].type->nullable)
            projections[i] = zero_for_null(context, identity[at], node->schema->columns[i].type);
    }
    return logical_calc(arena, join, NULL, projections,
                        logical_schema(arena, projections, names, count), node->place);
}

/* Each combination once for each set without keys: the combination, then the set's id. */
static LogicalNode *sets_without_keys(const Domain *domain, const LogicalNode *node)
{
    Arena *arena = domain->context->arena;
    LogicalExpand expand = {.passed_count = domain->rows->schema->column_count,
                            .keys = arena_new_array(arena, uint32_t, 1)};
    expand.set_count = decorrelate_empty_sets(arena, node, &expand.ids);
    expand.passed = arena_new_array(arena, uint32_t, expand.passed_count + 1);
    Column *columns = arena_new_array(arena, Column, expand.passed_count + 1);
    for (uint32_t i = 0; i < expand.passed_count; i++) {
        expand.passed[i] = i;
        columns[i] = domain->rows->schema->columns[i];
    }
    columns[expand.passed_count] = node->schema->columns[node->aggregate.key_count - 1];
    LogicalNode *out =
        logical_new_unary(arena, "expand", schema_new(arena, columns, expand.passed_count + 1),
                          domain->rows, node->place);
    out->expand = expand;
    return out;
}

/* The groups of grouping sets, joined FULL with `sets`: what a set without keys has is there, with
 * the counts 0, where it read nothing. */
static LogicalNode *sets_with_rows(const Domain *domain, const LogicalNode *node,
                                   LogicalNode *groups, LogicalNode *sets, const Expr *on)
{
    const PlannerContext *context = domain->context;
    Arena *arena = context->arena;
    LogicalNode *join = logical_join(arena, PLAN_JOIN_FULL, groups, sets, on, node->place);
    uint32_t own = node->schema->column_count, count = groups->schema->column_count;
    uint32_t id = node->aggregate.key_count - 1;
    uint32_t sets_id = count + sets->schema->column_count - 1;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    const char **names = arena_new_array(arena, const char *, count + 1);
    const Expr **identity = logical_identity(arena, join->schema);
    for (uint32_t i = 0; i < count; i++) {
        const Type *type = groups->schema->columns[i].type;
        names[i] = groups->schema->columns[i].name;
        projections[i] = identity[i];
        if (i == id || i >= own)
            projections[i] = first_not_null(context, identity[i],
                                            identity[i == id ? sets_id : count + i - own], type);
        else if (!type->nullable)
            projections[i] = zero_for_null(context, identity[i], type);
    }
    return logical_calc(arena, join, NULL, projections,
                        logical_schema(arena, projections, names, count), node->place);
}

static LogicalNode *spread_sets(const Domain *domain, LogicalNode *node, Error *error)
{
    const PlannerContext *context = domain->context;
    Arena *arena = context->arena;
    LogicalNode *groups = spread_groups(domain, node, error);
    if (groups == NULL)
        return NULL;
    uint32_t own = node->schema->column_count, id = node->aggregate.key_count - 1;
    LogicalNode *sets = sets_without_keys(domain, node);
    uint32_t sets_id = sets->schema->column_count - 1;
    const Expr **args = arena_new_array(arena, const Expr *, 2);
    args[0] = expr_column(arena, id, groups->schema->columns[id].type, (AstPlace){-1, 0});
    args[1] = expr_column(arena, groups->schema->column_count + sets_id,
                          sets->schema->columns[sets_id].type, (AstPlace){-1, 0});
    const Expr *parts[2];
    uint32_t count = 0;
    parts[count++] = expr_call(&context->site, "=", args, 2, (AstPlace){-1, 0}, error);
    if (parts[0] == NULL)
        return NULL;
    if (domain->slots.count != 0)
        parts[count++] = same_domain(domain, groups, own, sets, 0);
    return sets_with_rows(domain, node, groups, sets, expr_and(&context->site, parts, count));
}

static LogicalNode *spread_parted(const Domain *domain, LogicalNode *node, Error *error)
{
    Arena *arena = domain->context->arena;
    LogicalNode *input = spread(domain, node->inputs[0], error);
    if (input == NULL)
        return NULL;
    uint32_t *columns = arena_new_array(arena, uint32_t, domain->slots.count + 1);
    for (uint32_t i = 0; i < domain->slots.count; i++)
        columns[i] = node->inputs[0]->schema->column_count + i;
    return decorrelate_parted(arena, node, input, columns, domain->slots.count);
}

/* UNION ALL, INTERSECT and EXCEPT compare whole rows: with the domain they are per combination. */
static LogicalNode *spread_union(const Domain *domain, LogicalNode *node, Error *error)
{
    Arena *arena = domain->context->arena;
    uint32_t own = node->schema->column_count, more = domain->slots.count;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++) {
        copy->inputs[i] = spread(domain, node->inputs[i], error);
        if (copy->inputs[i] == NULL)
            return NULL;
    }
    Column *columns = arena_new_array(arena, Column, own + more + 1);
    memcpy(columns, node->schema->columns, sizeof(Column) * own);
    memcpy(columns + own, domain->rows->schema->columns, sizeof(Column) * more);
    copy->schema = schema_new(arena, columns, own + more);
    return copy;
}

/* The domain behind the columns that such a node passes on, and before those it makes. */
static LogicalNode *pass_domain(const Domain *domain, const LogicalNode *node, LogicalNode *input,
                                uint32_t **passed, uint32_t *passed_count)
{
    Arena *arena = domain->context->arena;
    uint32_t old = *passed_count, more = domain->slots.count, own = node->schema->column_count;
    uint32_t at = node->inputs[0]->schema->column_count;
    uint32_t *all = arena_new_array(arena, uint32_t, old + more + 1);
    Column *columns = arena_new_array(arena, Column, own + more + 1);
    if (old != 0)
        memcpy(all, *passed, sizeof(*all) * old);
    memcpy(columns, node->schema->columns, sizeof(*columns) * old);
    for (uint32_t i = 0; i < more; i++) {
        all[old + i] = at + i;
        columns[old + i] = input->schema->columns[at + i];
    }
    memcpy(columns + old + more, node->schema->columns + old, sizeof(*columns) * (own - old));
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 1);
    copy->inputs[0] = input;
    copy->schema = schema_new(arena, columns, own + more);
    *passed = all;
    *passed_count = old + more;
    return copy;
}

/* The condition on elements, which stand behind the domain now; that stands from `at` on. */
static const Expr *condition_behind(const Domain *domain, const LogicalNode *node, uint32_t at)
{
    const PlannerContext *context = domain->context;
    uint32_t count = node->schema->column_count;
    uint32_t *map = arena_new_array(context->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        map[i] = i < at ? i : i + domain->slots.count;
    return over_domain(domain, expr_map_columns(&context->site, node->unnest.condition, map), at);
}

/* Elements of lists, rows of grouping sets: made of one row each, so of one combination. */
static LogicalNode *spread_rows(const Domain *domain, LogicalNode *node, Error *error)
{
    Arena *arena = domain->context->arena;
    LogicalNode *input = spread(domain, node->inputs[0], error);
    if (input == NULL)
        return NULL;
    uint32_t own = node->schema->column_count, more = domain->slots.count;
    LogicalNode *copy;
    uint32_t old;
    if (logical_is(node, "unnest")) {
        LogicalUnnest unnest = node->unnest;
        old = unnest.passed_count;
        copy = pass_domain(domain, node, input, &unnest.passed, &unnest.passed_count);
        if (unnest.condition != NULL)
            unnest.condition = condition_behind(domain, node, old);
        copy->unnest = unnest;
    } else {
        LogicalExpand expand = node->expand;
        old = expand.passed_count;
        copy = pass_domain(domain, node, input, &expand.passed, &expand.passed_count);
        copy->expand = expand;
    }
    uint32_t *positions = arena_new_array(arena, uint32_t, own + more + 1);
    for (uint32_t i = 0; i < own + more; i++)
        positions[i] = i < old ? i : i < own ? i + more : i - own + old;
    return logical_pick(arena, copy, positions, own + more);
}

static LogicalNode *refuse(const LogicalNode *node, Error *error)
{
    Buffer what = {0};
    node->class->describe(node, &what);
    error_set(error, ERROR_UNSUPPORTED,
              "%s in a query that refers to columns outside of it is not supported yet",
              buffer_text(&what));
    error_hint(error, "Compute it for all rows in FROM and join with that.");
    error_at(error, node->place.offset, node->place.length);
    buffer_deinit(&what);
    return NULL;
}

/* Whether the query has one row for each combination, come what may. */
static bool is_complete(const LogicalNode *node)
{
    while (logical_is(node, "calc") && node->calc.filter == NULL)
        node = node->inputs[0];
    return logical_is(node, "aggregate") && node->aggregate.key_count == 0;
}

static LogicalNode *spread(const Domain *domain, LogicalNode *node, Error *error)
{
    if (!outer_in_tree(domain->slots, node) &&
        !(domain->slots.count == 0 && decorrelate_has_row(node))) {
        if (domain->slots.count == 0)
            return node;
        return logical_join(domain->context->arena, PLAN_JOIN_INNER, node, domain->rows, NULL,
                            node->place);
    }
    node = decorrelate_rank(domain->context->arena, node);
    if (logical_is(node, "calc"))
        return spread_calc(domain, node, error);
    if (logical_is(node, "join"))
        return spread_join(domain, node, error);
    if (logical_is(node, "aggregate") && decorrelate_empty_sets(domain->context->arena, node, NULL))
        return spread_sets(domain, node, error);
    if (logical_is(node, "aggregate"))
        return node->aggregate.key_count == 0 ? spread_global(domain, node, error)
                                              : spread_groups(domain, node, error);
    if (logical_is(node, "union") || logical_is(node, "set_operation"))
        return spread_union(domain, node, error);
    if (logical_is(node, "rank") || logical_is(node, "over"))
        return spread_parted(domain, node, error);
    if (logical_is(node, "unnest") || logical_is(node, "expand"))
        return spread_rows(domain, node, error);
    return refuse(node, error);
}

/* ------------------------------------------------------------------ the domain */

/* Whether some expression of the tree may be another each time. */
static bool is_random(const LogicalNode *node)
{
    if (logical_is(node, "join") && node->join.condition != NULL &&
        !expr_is_deterministic(node->join.condition))
        return true;
    if (logical_is(node, "unnest") && node->unnest.condition != NULL &&
        !expr_is_deterministic(node->unnest.condition))
        return true;
    if (logical_is(node, "calc")) {
        if (node->calc.filter != NULL && !expr_is_deterministic(node->calc.filter))
            return true;
        for (uint32_t i = 0; i < node->schema->column_count; i++)
            if (!expr_is_deterministic(node->calc.projections[i]))
                return true;
    }
    for (uint32_t i = 0; i < node->input_count; i++)
        if (is_random(node->inputs[i]))
            return true;
    return false;
}

LogicalNode *decorrelate_share(Arena *arena, LogicalNode *outer)
{
    const LogicalNode *node = outer;
    while (logical_is(node, "calc") && !node->calc.whole)
        node = node->inputs[0];
    if (logical_is(node, "scan") || logical_is(node, "values") || logical_is(node, "calc"))
        return outer;
    LogicalNode *whole = logical_calc(arena, outer, NULL, logical_identity(arena, outer->schema),
                                      outer->schema, outer->place);
    whole->calc.whole = true;
    return whole;
}

static LogicalNode *domain_rows(const PlannerContext *context, OuterSlots slots, LogicalNode *outer,
                                const Expr *const *values, Error *error)
{
    Arena *arena = context->arena;
    const Expr **projections = arena_memdup(arena, values, sizeof(*values) * slots.count);
    const char **names = arena_new_array(arena, const char *, slots.count + 1);
    uint32_t *keys = arena_new_array(arena, uint32_t, slots.count + 1);
    for (uint32_t i = 0; i < slots.count; i++) {
        names[i] = arena_printf(arena, "$outer%u", i);
        keys[i] = i;
    }
    const Schema *schema = logical_schema(arena, projections, names, slots.count);
    LogicalNode *calc = logical_calc(arena, outer, NULL, projections, schema, outer->place);
    LogicalNode *node = logical_new_unary(arena, "aggregate", schema, calc, outer->place);
    node->aggregate.keys = keys;
    node->aggregate.key_count = slots.count;
    node->aggregate.calls = arena_new_array(arena, LogicalAggregateCall, 1);
    /* Columns that nobody looks at, such as a processing time, do no harm. */
    LogicalNode *pruned = node;
    rule_prune_columns(context, &pruned, 1);
    if (is_random(pruned)) {
        error_set(error, ERROR_UNSUPPORTED,
                  "a query of this form cannot refer to rows that a function like RAND makes");
        error_hint(error, "Write those rows to a table first.");
        error_at(error, outer->place.offset, outer->place.length);
        return NULL;
    }
    return node;
}

bool decorrelate_domain(const PlannerContext *context, OuterSlots slots, LogicalNode *outer,
                        const Expr *const *values, LogicalNode *query, LinkedQuery *out,
                        Error *error)
{
    Domain domain = {context, slots, outer};
    if (slots.count != 0)
        domain.rows = domain_rows(context, slots, outer, values, error);
    if (domain.rows == NULL)
        return false;
    *out = (LinkedQuery){.node = spread(&domain, query, error), .is_complete = is_complete(query)};
    if (out->node == NULL)
        return false;
    uint32_t own = query->schema->column_count;
    out->conditions = arena_new_array(context->arena, const Expr *, slots.count + 1);
    out->condition_count = slots.count;
    for (uint32_t i = 0; i < slots.count; i++) {
        const Expr **args = arena_new_array(context->arena, const Expr *, 2);
        const Type *type = out->node->schema->columns[own + i].type;
        Expr *outer_value = arena_new_one(context->arena, Expr);
        *outer_value = (Expr){.kind = EXPR_OUTER,
                              .type = values[i]->type,
                              .column = slots.ids[i],
                              .sql_offset = values[i]->sql_offset,
                              .sql_length = values[i]->sql_length};
        args[0] = outer_value;
        args[1] = expr_column(context->arena, own + i, type, expr_place(values[i]));
        out->conditions[i] = expr_call(&context->site, "IS NOT DISTINCT FROM", args, 2,
                                       expr_place(values[i]), error);
        if (out->conditions[i] == NULL)
            return false;
    }
    return true;
}
