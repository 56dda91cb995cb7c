/* Queries inside expressions become joins.
 *
 *     EXISTS, IN       alone in WHERE: SEMI or ANTI join; elsewhere a MARK join
 *     NOT IN, IN with  as above, with a LEFT join to one row per group of the query that tells
 *     NULLs            whether there is a row at all and whether there is a NULL among them
 *     a value          LEFT join that takes one row; what COUNT is over no rows is put in there
 *     = ANY, > ALL     as a value: of the least and the greatest the query has
 *     LATERAL          INNER or LEFT join
 *
 * Invariant: a join put on a node keeps the node's columns where they are. */
#include "planner/bind/bind.h"
#include "planner/rules/decorrelate.h"

#include <string.h>

/* --------------------------------------------------------------------- linking */

static bool has_column(const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (has_column(expr->args[i]))
            return true;
    return false;
}

/* The column a condition equates with outer values; -1: it says something else. */
static int64_t link_column(const Expr *expr)
{
    if (!expr_is_equality(expr))
        return -1;
    for (uint32_t side = 0; side < 2; side++)
        if (expr->args[side]->kind == EXPR_COLUMN && !has_column(expr->args[1 - side]))
            return expr->args[side]->column;
    return -1;
}

/* What a caller can do with the conditions of a query besides equalities, and with a row that is
 * there even where the query reads none. */
typedef struct LinkNeeds {
    bool any_condition;
    bool defaults;
} LinkNeeds;

static bool link_query(Binder *binder, const OuterFrame *frame, LogicalNode **around,
                       LogicalNode *query, LinkNeeds needs, LinkedQuery *out, Error *error)
{
    OuterSlots slots = {frame->slots, frame->slot_count};
    if (decorrelate_pull(binder->context, slots, query, out)) {
        bool fits = needs.defaults || out->defaults == NULL;
        for (uint32_t i = 0; i < out->condition_count && !needs.any_condition; i++)
            fits = fits && link_column(out->conditions[i]) >= 0;
        if (fits)
            return true;
    }
    LogicalNode *rows = bind_one_row(binder, query->place);
    if (slots.count != 0)
        rows = *around = decorrelate_share(binder->context->arena, *around);
    return decorrelate_domain(binder->context, slots, rows, frame->values, query, out, error);
}

/* The conditions over the columns of a join of `left` with the linked query. */
static const Expr *link_conditions(Binder *binder, const OuterFrame *frame, const LogicalNode *left,
                                   const LinkedQuery *linked, const Expr *more)
{
    const PlannerContext *context = binder->context;
    OuterSlots slots = {frame->slots, frame->slot_count};
    const Expr **parts = arena_new_array(context->arena, const Expr *, linked->condition_count + 2);
    uint32_t count = 0;
    for (uint32_t i = 0; i < linked->condition_count; i++)
        parts[count++] = outer_replace(context, slots, linked->conditions[i], frame->values,
                                       (int64_t)left->schema->column_count);
    if (more != NULL)
        parts[count++] = more;
    return expr_and(&context->site, parts, count);
}

static LogicalNode *join_linked(Binder *binder, PlanJoinKind kind, LogicalNode *left,
                                const QuerySite *site, const LinkedQuery *linked, const Expr *more)
{
    return logical_join(binder->context->arena, kind, left, linked->node,
                        link_conditions(binder, site->frame, left, linked, more), site->place);
}

/* A projected column on top of the node's. */
static LogicalNode *with_column(Arena *arena, LogicalNode *node, const Expr *expr, const char *name)
{
    uint32_t count = node->schema->column_count;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 2);
    const char **names = arena_new_array(arena, const char *, count + 2);
    memcpy(projections, logical_identity(arena, node->schema), sizeof(*projections) * count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = node->schema->columns[i].name;
    projections[count] = expr;
    names[count] = name;
    return logical_calc(arena, node, NULL, projections,
                        logical_schema(arena, projections, names, count + 1), node->place);
}

/* ------------------------------------------------------------------ expressions */

const Expr *bind_call1(Binder *binder, const char *name, const Expr *arg, AstPlace place)
{
    const PlannerContext *context = binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, 1);
    args[0] = arg;
    Error none;
    error_clear(&none);
    const Expr *call = expr_call(&context->site, name, args, 1, place, &none);
    assert(call != NULL);
    return call;
}

const Expr *bind_choose(Binder *binder, const Expr *when, const Expr *then, const Expr *other)
{
    const PlannerContext *context = binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, 3);
    args[0] = when;
    args[1] = then;
    args[2] = other;
    const Type *type = type_with_nullable(context->arena, then->type,
                                          then->type->nullable || other->type->nullable);
    return expr_new(&context->site, EXPR_CASE, type, args, 3, expr_place(when));
}

static const Expr *int_literal(Arena *arena, int32_t value)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, type_with_nullable(arena, &type_int, false), arena);
    vector_set_valid(vector, 0);
    ((int32_t *)vector->data)[0] = value;
    return expr_literal(arena, vector, (AstPlace){-1, 0});
}

const Expr *bind_output_column(Arena *arena, const LogicalNode *node, uint32_t column,
                               AstPlace place)
{
    return expr_column(arena, column, node->schema->columns[column].type, place);
}

/* The global MAX, or MAX per key, of a node's first column: keys first. */
static LogicalNode *max_of_first(Arena *arena, LogicalNode *node, uint32_t key_count)
{
    const Type *type = type_with_nullable(arena, node->schema->columns[0].type, key_count == 0);
    LogicalAggregateCall *call = arena_new_one(arena, LogicalAggregateCall);
    const Type **types = arena_new_array(arena, const Type *, 1);
    types[0] = node->schema->columns[0].type;
    *call = (LogicalAggregateCall){.name = "MAX",
                                   .arguments = arena_new_array(arena, uint32_t, 1),
                                   .argument_types = types,
                                   .argument_count = 1,
                                   .filter = -1,
                                   .type = type,
                                   .place = node->place};
    Column *columns = arena_new_array(arena, Column, key_count + 1);
    uint32_t *keys = arena_new_array(arena, uint32_t, key_count + 1);
    for (uint32_t i = 0; i < key_count; i++) {
        keys[i] = i + 1;
        columns[i] = node->schema->columns[i + 1];
    }
    columns[key_count] = (Column){"$max", type};
    LogicalNode *aggregate = logical_new_unary(
        arena, "aggregate", schema_new(arena, columns, key_count + 1), node, node->place);
    aggregate->aggregate.keys = keys;
    aggregate->aggregate.key_count = key_count;
    aggregate->aggregate.calls = call;
    aggregate->aggregate.call_count = 1;
    return aggregate;
}

/* ---------------------------------------------------------------------- EXISTS */

/* How many rows a query has does not matter to EXISTS: LIMIT above zero says nothing. */
static LogicalNode *without_limit(LogicalNode *query)
{
    for (;;) {
        bool keeps_one = false;
        if (logical_is(query, "limit"))
            keeps_one = query->limit.offset == 0 && query->limit.limit != 0;
        else if (logical_is(query, "sort"))
            keeps_one = query->sort.offset == 0 && query->sort.limit != 0;
        else if (logical_is(query, "rank"))
            keeps_one = query->rank.is_sort && query->rank.first == 1 && query->rank.last != 0;
        if (!keeps_one)
            return query;
        query = query->inputs[0];
    }
}

/* One row if the node has any. */
static LogicalNode *one_if_any(Binder *binder, LogicalNode *node)
{
    Arena *arena = binder->context->arena;
    const Expr **projections = arena_new_array(arena, const Expr *, 1);
    const char *name = "$one";
    projections[0] = int_literal(arena, 1);
    LogicalNode *ones = logical_calc(arena, node, NULL, projections,
                                     logical_schema(arena, projections, &name, 1), node->place);
    LogicalNode *max = max_of_first(arena, ones, 0);
    /* A bounded run has a row of NULL where there is none. */
    return logical_filter(arena, max,
                          bind_call1(binder, "IS NOT NULL",
                                     bind_output_column(arena, max, 0, node->place), node->place));
}

/* Joins the query in as SEMI, ANTI or MARK; `always` when every row has a match. */
static bool join_exists(Binder *binder, QuerySite *site, PlanJoinKind kind, LogicalNode **node,
                        bool *always, Error *error)
{
    LinkedQuery linked;
    if (!link_query(binder, site->frame, node, without_limit(site->query), (LinkNeeds){true, true},
                    &linked, error))
        return false;
    *always = linked.defaults != NULL;
    if (*always)
        return true;
    if (linked.condition_count == 0)
        linked.node = one_if_any(binder, linked.node);
    *node = join_linked(binder, kind, *node, site, &linked, NULL);
    return true;
}

/* -------------------------------------------------------------------------- IN */

typedef struct InJoin {
    LinkedQuery linked;
    const Expr **equal; /* over the columns of a join of both */
    const bool *unsure; /* whether a comparison may be NULL */
    uint32_t unsure_count;
} InJoin;

/* Comparisons of what is looked for with the query's columns, over the join's columns. */
static bool compare_columns(Binder *binder, const QuerySite *site, const LogicalNode *left,
                            InJoin *in, Error *error)
{
    const PlannerContext *context = binder->context;
    uint32_t count = site->compared_count;
    in->equal = arena_new_array(context->arena, const Expr *, count + 1);
    ExprScope scope = {.binder = binder, .clause = "IN"};
    for (uint32_t i = 0; i < count; i++) {
        const Expr **args = arena_new_array(context->arena, const Expr *, 2);
        args[0] = site->compared[i];
        args[1] = expr_column(context->arena, left->schema->column_count + i,
                              in->linked.node->schema->columns[i].type, site->place);
        if (bind_common(&scope, args, 2, "the values compared by IN", site->place, error) == NULL)
            return false;
        in->equal[i] = expr_call(&context->site, "=", args, 2, site->place, error);
        if (in->equal[i] == NULL)
            return false;
    }
    return true;
}

static bool link_in(Binder *binder, const QuerySite *site, LogicalNode **left, bool needs_nulls,
                    InJoin *in, Error *error)
{
    bool *unsure = arena_new_array(binder->context->arena, bool, site->compared_count + 1);
    *in = (InJoin){.unsure = unsure};
    for (uint32_t i = 0; i < site->compared_count; i++) {
        unsure[i] =
            site->compared[i]->type->nullable || site->query->schema->columns[i].type->nullable;
        in->unsure_count += unsure[i] ? 1 : 0;
    }
    bool by_group = needs_nulls && in->unsure_count != 0 && site->compared_count == 1;
    return link_query(binder, site->frame, left, site->query, (LinkNeeds){!by_group, false},
                      &in->linked, error) &&
           compare_columns(binder, site, *left, in, error);
}

static const Expr *all_equal(Binder *binder, const QuerySite *site, const InJoin *in)
{
    return expr_and(&binder->context->site, in->equal, site->compared_count);
}

/* That no comparison says FALSE: where one may be NULL it counts as a match. */
static const Expr *none_differs(Binder *binder, const QuerySite *site, const InJoin *in)
{
    const PlannerContext *context = binder->context;
    const Expr **parts = arena_new_array(context->arena, const Expr *, site->compared_count + 1);
    for (uint32_t i = 0; i < site->compared_count; i++)
        parts[i] = in->unsure[i] ? bind_call1(binder, "IS NOT FALSE", in->equal[i], site->place)
                                 : in->equal[i];
    return expr_and(&context->site, parts, site->compared_count);
}

/* LEFT join with one row per group of the query: NULL where the query has no row, else 1 if its
 * column has a NULL, else 0. That value stands behind the node's columns. */
static const Expr *join_nulls(Binder *binder, const QuerySite *site, const LinkedQuery *linked,
                              LogicalNode **node)
{
    const PlannerContext *context = binder->context;
    Arena *arena = context->arena;
    uint32_t links = linked->condition_count;
    const Expr **projections = arena_new_array(arena, const Expr *, links + 2);
    const char **names = arena_new_array(arena, const char *, links + 2);
    const Expr **conditions = arena_new_array(arena, const Expr *, links + 1);
    projections[0] = bind_choose(binder,
                                 bind_call1(binder, "IS NULL",
                                            bind_output_column(arena, linked->node, 0, site->place),
                                            site->place),
                                 int_literal(arena, 1), int_literal(arena, 0));
    names[0] = "$null";
    uint32_t *map = arena_new_array(arena, uint32_t, linked->node->schema->column_count + 1);
    for (uint32_t i = 0; i < links; i++) {
        uint32_t column = (uint32_t)link_column(linked->conditions[i]);
        projections[i + 1] = bind_output_column(arena, linked->node, column, site->place);
        names[i + 1] = arena_printf(arena, "$key%u", i);
        map[column] = i;
        conditions[i] = expr_map_columns(&context->site, linked->conditions[i], map);
    }
    LogicalNode *calc =
        logical_calc(arena, linked->node, NULL, projections,
                     logical_schema(arena, projections, names, links + 1), site->place);
    LinkedQuery groups = {.node = max_of_first(arena, calc, links),
                          .conditions = conditions,
                          .condition_count = links};
    uint32_t at = (*node)->schema->column_count + links;
    *node = join_linked(binder, PLAN_JOIN_LEFT, *node, site, &groups, NULL);
    return bind_output_column(arena, *node, at, site->place);
}

/* nulls = number. */
static const Expr *equals(Binder *binder, const Expr *nulls, int32_t number, AstPlace place)
{
    const PlannerContext *context = binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] = nulls;
    args[1] = int_literal(context->arena, number);
    Error none;
    error_clear(&none);
    const Expr *call = expr_call(&context->site, "=", args, 2, place, &none);
    assert(call != NULL);
    return call;
}

static const Expr *either(Binder *binder, const Expr *a, const Expr *b)
{
    const PlannerContext *context = binder->context;
    const Expr **args = arena_new_array(context->arena, const Expr *, 2);
    args[0] = a;
    args[1] = b;
    return expr_new(
        &context->site, EXPR_OR,
        type_with_nullable(context->arena, &type_boolean, a->type->nullable || b->type->nullable),
        args, 2, expr_place(a));
}

/* NOT IN as a filter: no match, and no comparison that is NULL either. */
static bool filter_not_in(Binder *binder, QuerySite *site, LogicalNode **node, Error *error)
{
    const PlannerContext *context = binder->context;
    InJoin in;
    if (!link_in(binder, site, node, true, &in, error))
        return false;
    bool by_group = in.unsure_count != 0 && site->compared_count == 1;
    *node = join_linked(binder, PLAN_JOIN_ANTI, *node, site, &in.linked,
                        by_group ? all_equal(binder, site, &in) : none_differs(binder, site, &in));
    if (!by_group)
        return true;
    const Expr *nulls = join_nulls(binder, site, &in.linked, node);
    const Expr *certain[2] = {equals(binder, nulls, 0, site->place),
                              bind_call1(binder, "IS NOT NULL", site->compared[0], site->place)};
    *node = logical_filter(context->arena, *node,
                           either(binder, bind_call1(binder, "IS NULL", nulls, site->place),
                                  expr_and(&context->site, certain, 2)));
    return true;
}

/* IN as a value: TRUE, FALSE, or NULL when only a NULL keeps it from being FALSE. */
static bool join_in(Binder *binder, QuerySite *site, LogicalNode **node, Error *error)
{
    Arena *arena = binder->context->arena;
    InJoin in;
    if (!link_in(binder, site, node, true, &in, error))
        return false;
    uint32_t mark_at = (*node)->schema->column_count;
    *node =
        join_linked(binder, PLAN_JOIN_MARK, *node, site, &in.linked, all_equal(binder, site, &in));
    const Expr *mark = bind_output_column(arena, *node, mark_at, site->place);
    site->value = mark;
    if (in.unsure_count == 0)
        return true;
    const Expr *null = expr_null(arena, &type_boolean, site->place);
    const Expr *no = expr_boolean(arena, false, site->place);
    const Expr *unknown;
    if (site->compared_count == 1) {
        const Expr *nulls = join_nulls(binder, site, &in.linked, node);
        const Expr *one = either(binder, equals(binder, nulls, 1, site->place),
                                 bind_call1(binder, "IS NULL", site->compared[0], site->place));
        unknown = bind_choose(binder, bind_call1(binder, "IS NULL", nulls, site->place), no,
                              bind_choose(binder, one, null, no));
    } else {
        if (!compare_columns(binder, site, *node, &in, error))
            return false;
        uint32_t at = (*node)->schema->column_count;
        *node = join_linked(binder, PLAN_JOIN_MARK, *node, site, &in.linked,
                            none_differs(binder, site, &in));
        unknown = bind_choose(binder, bind_output_column(arena, *node, at, site->place), null, no);
    }
    site->value = bind_choose(binder, mark, expr_boolean(arena, true, site->place), unknown);
    return true;
}

/* ----------------------------------------------------------------------- values */

/* A column of the padded side, or what it is for a row that is there though none was read. `there`
 * is a column that is NULL only in padding. */
static const Expr *value_or_default(Binder *binder, const LogicalNode *join, uint32_t column,
                                    const Expr *there, const Expr *value, const Expr *other,
                                    AstPlace place)
{
    Arena *arena = binder->context->arena;
    const Expr *shown = bind_output_column(arena, join, column, place);
    if (other == NULL || expr_is_null_literal(other))
        return shown;
    const Expr *when = value->type->nullable ? there : shown;
    return bind_choose(binder, bind_call1(binder, "IS NOT NULL", when, place), shown, other);
}

static bool join_scalar(Binder *binder, QuerySite *site, LogicalNode **node, Error *error)
{
    Arena *arena = binder->context->arena;
    LinkedQuery linked;
    if (!link_query(binder, site->frame, node, site->query, (LinkNeeds){true, true}, &linked,
                    error))
        return false;
    uint32_t columns = site->query->schema->column_count;
    uint32_t there_at = linked.node->schema->column_count;
    bool has_default = false;
    for (uint32_t i = 0; linked.defaults != NULL && i < columns; i++)
        has_default = has_default || !expr_is_null_literal(linked.defaults[i]);
    if (has_default)
        linked.node =
            with_column(arena, linked.node, expr_boolean(arena, true, site->place), "$there");
    uint32_t left = (*node)->schema->column_count;
    PlanJoinKind kind = linked.is_complete ? PLAN_JOIN_INNER : PLAN_JOIN_LEFT;
    *node = join_linked(binder, kind, *node, site, &linked, NULL);
    (*node)->join.single = !linked.is_complete;
    const Expr *there =
        has_default ? bind_output_column(arena, *node, left + there_at, site->place) : NULL;
    const Expr **values = arena_new_array(arena, const Expr *, columns + 1);
    for (uint32_t i = 0; i < columns; i++)
        values[i] = value_or_default(
            binder, *node, left + i, there, bind_output_column(arena, linked.node, i, site->place),
            linked.defaults == NULL ? NULL : linked.defaults[i], site->place);
    site->value = values[0];
    if (site->kind == QUERY_SITE_ALL)
        site->value = bind_all_value(binder, site, values, error);
    return site->value != NULL;
}

/* ---------------------------------------------------------------------- LATERAL */

bool bind_lateral(Binder *binder, Relation *left, const AstTable *ast, bool may_pad,
                  Lateral *lateral, Relation *right, Error *error)
{
    Arena *arena = binder->context->arena;
    LinkedQuery linked;
    OuterFrame *frame = NULL;
    const ExprScope around = {.binder = binder, .scope = &left->scope};
    right->node = bind_inner_query(binder, &around, ast->query, &frame, error);
    if (right->node == NULL || !bind_rename(binder, ast, NULL, right, error) ||
        !link_query(binder, frame, &left->node, right->node, (LinkNeeds){true, may_pad}, &linked,
                    error))
        return false;
    *lateral = (Lateral){.is_correlated = frame->slot_count != 0, .defaults = linked.defaults};
    lateral->there = linked.node->schema->column_count;
    if (linked.defaults != NULL)
        linked.node = with_column(arena, linked.node, expr_boolean(arena, true, right->node->place),
                                  "$there");
    right->node = linked.node;
    lateral->condition = link_conditions(binder, frame, left->node, &linked, NULL);
    return true;
}

const Expr *lateral_value(Binder *binder, const Lateral *lateral, const LogicalNode *join,
                          uint32_t column)
{
    Arena *arena = binder->context->arena;
    uint32_t left = join->inputs[0]->schema->column_count;
    const Expr *there = bind_output_column(arena, join, left + lateral->there, join->place);
    const Expr *value = bind_output_column(arena, join->inputs[1], column, join->place);
    return value_or_default(binder, join, left + column, there, value, lateral->defaults[column],
                            join->place);
}

/* -------------------------------------------------------------------- all kinds */

bool query_join_in(Binder *binder, QuerySite *site, LogicalNode **node, Error *error)
{
    if (site->kind == QUERY_SITE_SCALAR || site->kind == QUERY_SITE_ALL)
        return join_scalar(binder, site, node, error);
    if (site->kind == QUERY_SITE_IN)
        return join_in(binder, site, node, error);
    Arena *arena = binder->context->arena;
    bool always = false;
    uint32_t mark_at = (*node)->schema->column_count;
    if (!join_exists(binder, site, PLAN_JOIN_MARK, node, &always, error))
        return false;
    site->value = always ? expr_boolean(arena, true, site->place)
                         : bind_output_column(arena, *node, mark_at, site->place);
    return true;
}

bool query_join_filter(Binder *binder, QuerySite *site, bool negated, LogicalNode **node,
                       Error *error)
{
    Arena *arena = binder->context->arena;
    site->value = expr_boolean(arena, !negated, site->place); /* of the rows that are left */
    if (site->kind == QUERY_SITE_EXISTS) {
        bool always = false;
        if (!join_exists(binder, site, negated ? PLAN_JOIN_ANTI : PLAN_JOIN_SEMI, node, &always,
                         error))
            return false;
        if (always && negated)
            *node = logical_filter(arena, *node, site->value);
        return true;
    }
    if (negated)
        return filter_not_in(binder, site, node, error);
    InJoin in;
    if (!link_in(binder, site, node, false, &in, error))
        return false;
    *node =
        join_linked(binder, PLAN_JOIN_SEMI, *node, site, &in.linked, all_equal(binder, site, &in));
    return true;
}
