/* Queries inside expressions: IN (query), EXISTS (query), > ALL (query), (query) as a value.
 *
 * While an expression is bound, a query in it is bound as well and noted in a list; an EXPR_QUERY
 * stands for its value. When the rows the expression is over are known, the queries are joined in
 * (bind/subquery_join.c), each behind the columns there are, and their values put in place. Queries
 * inside aggregate calls and group keys are joined in below the aggregate, the others above.
 *
 * Names that a query does not find in its own FROM are looked for in the queries around it: such a
 * column is an EXPR_OUTER until the join takes it away. */
#include "planner/bind/bind.h"

#include <string.h>

LogicalNode *bind_inner_query(Binder *binder, const ExprScope *around, const AstQuery *query,
                              OuterFrame **frame, Error *error)
{
    OuterFrame *own = arena_new_one(binder->context->arena, OuterFrame);
    own->scope = around->scope;
    own->aggregates = around->in_aggregate ? NULL : around->aggregates;
    own->outer = binder->outer;
    binder->outer = own;
    LogicalNode *node = bind_query(binder, query, error);
    binder->outer = own->outer;
    *frame = own;
    return node;
}

static uint32_t list_add(Arena *arena, QueryList *list, const QuerySite *site)
{
    list->sites =
        arena_grow(arena, list->sites, sizeof(*list->sites), list->count, &list->capacity);
    list->sites[list->count] = *site;
    return list->count++;
}

/* The same query is noted once, so that expressions with it are equal. */
static uint32_t list_note(const Binder *binder, QueryList *list, QuerySite *site)
{
    int64_t known = queries_find(binder, list, site);
    if (known < 0)
        return list_add(binder->context->arena, list, site);
    QuerySite *same = &list->sites[known];
    same->in_group = same->in_group || site->in_group;
    same->above = same->above || site->above;
    return (uint32_t)known;
}

/* IN looks for as many values as the query has columns; a value is of one column. */
static bool check_columns(const ExprScope *scope, const AstExpr *ast, const QuerySite *site,
                          Error *error)
{
    uint32_t columns = site->query->schema->column_count;
    uint32_t wanted = site->kind == QUERY_SITE_IN ? site->compared_count : 1;
    if (site->kind == QUERY_SITE_EXISTS || columns == wanted)
        return true;
    if (site->kind == QUERY_SITE_ALL) {
        error_set(error, ERROR_TYPE, "%s %s compares one value, not %u columns", ast->function,
                  ast->negated ? "ALL" : "ANY", columns);
    } else if (site->kind == QUERY_SITE_SCALAR) {
        error_set(error, ERROR_TYPE, "a query used as a value has %u columns instead of one",
                  columns);
    } else {
        error_set(error, ERROR_TYPE, "IN compares %u value%s with %u column%s", wanted,
                  wanted == 1 ? "" : "s", columns, columns == 1 ? "" : "s");
        error_hint(error, "Write as many values in parentheses as the query has columns.");
    }
    return bind_error_at(scope->binder, error, ast->place);
}

static bool bind_compared(ExprScope *scope, const AstExpr *ast, QuerySite *site, Error *error)
{
    AstExpr **items = ast->args;
    site->compared_count = ast->arg_count;
    if (ast->arg_count == 1 && ast->args[0]->kind == AST_ROW) {
        items = ast->args[0]->args;
        site->compared_count = ast->args[0]->arg_count;
    }
    site->compared =
        arena_new_array(scope->binder->context->arena, const Expr *, site->compared_count + 1);
    bool bound = true;
    for (uint32_t i = 0; i < site->compared_count && bound; i++) {
        site->compared[i] = bind_expr(scope, items[i], error);
        bound = site->compared[i] != NULL;
    }
    return bound;
}

static const Type *site_type(Arena *arena, const QuerySite *site)
{
    const Schema *schema = site->query->schema;
    if (site->kind == QUERY_SITE_SCALAR)
        return type_with_nullable(arena, schema->columns[0].type, true);
    bool nullable = false;
    if (site->kind == QUERY_SITE_ALL)
        return type_with_nullable(arena, &type_boolean, true);
    for (uint32_t i = 0; site->kind == QUERY_SITE_IN && i < site->compared_count; i++)
        nullable =
            nullable || site->compared[i]->type->nullable || schema->columns[i].type->nullable;
    return type_with_nullable(arena, &type_boolean, nullable);
}

static QuerySiteKind site_kind(const AstExpr *ast)
{
    switch (ast->kind) {
    case AST_IN_QUERY:
        return QUERY_SITE_IN;
    case AST_COMPARE_QUERY:
        return QUERY_SITE_ALL;
    case AST_EXISTS:
        return QUERY_SITE_EXISTS;
    default:
        return QUERY_SITE_SCALAR;
    }
}

const Expr *bind_subquery(ExprScope *scope, const AstExpr *ast, Error *error)
{
    Binder *binder = scope->binder;
    const PlannerContext *context = binder->context;
    if (scope->queries == NULL)
        return bind_refuse(binder, ast->place, error, "a query in this place",
                           "Put the query into FROM and join with it.");
    bool in_group = scope->queries->in_group || scope->in_aggregate;
    QuerySite site = {.kind = site_kind(ast),
                      .in_group = in_group,
                      .above = !in_group,
                      .place = bind_place(binder, ast->place)};
    if (ast->arg_count != 0 && !bind_compared(scope, ast, &site, error))
        return NULL;
    site.query = bind_inner_query(binder, scope, ast->query, &site.frame, error);
    if (site.query == NULL || !check_columns(scope, ast, &site, error))
        return NULL;
    bool negated = ast->negated;
    if (site.kind == QUERY_SITE_ALL) {
        site.query = bind_extremes(binder, site.query);
        site.comparison = negated ? ast->function : bind_opposite(ast->function);
        negated = !negated; /* ANY is what ALL of the opposite is not */
    }
    site.type = site_type(context->arena, &site);
    uint32_t number = list_note(binder, scope->queries, &site);

    Expr *expr = arena_new_one(context->arena, Expr);
    *expr = (Expr){.kind = EXPR_QUERY,
                   .type = site.type,
                   .column = number,
                   .sql_offset = site.place.offset,
                   .sql_length = site.place.length};
    if (!negated)
        return expr;
    const Expr **args = arena_new_array(context->arena, const Expr *, 1);
    args[0] = expr;
    return expr_call(&context->site, "NOT", args, 1, site.place, error);
}

/* ----------------------------------------------------------- putting values in */

const Expr *queries_replace(const Binder *binder, const QueryList *list, const Expr *expr)
{
    const PlannerContext *context = binder->context;
    if (list->count == 0)
        return expr;
    if (expr->kind == EXPR_QUERY && list->sites[expr->column].value != NULL)
        return list->sites[expr->column].value;
    const Expr **args = arena_new_array(context->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = queries_replace(binder, list, expr->args[i]);
    return expr_with_args(&context->site, expr, args);
}

static bool join_site(Binder *binder, QueryList *list, QuerySite *site, LogicalNode **node,
                      Error *error);

/* Queries inside an expression are joined in, one inside the other first. */
static bool join_nested(Binder *binder, QueryList *list, const Expr *expr, LogicalNode **node,
                        Error *error)
{
    if (expr->kind == EXPR_QUERY && list->sites[expr->column].value == NULL)
        return join_site(binder, list, &list->sites[expr->column], node, error);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (!join_nested(binder, list, expr->args[i], node, error))
            return false;
    return true;
}

/* What a site looks for and looks at, the queries in it joined in. */
static bool prepare_site(Binder *binder, QueryList *list, QuerySite *site, LogicalNode **node,
                         Error *error)
{
    const Expr **parts[2] = {site->compared, site->frame->values};
    const uint32_t counts[2] = {site->compared_count, site->frame->slot_count};
    for (uint32_t p = 0; p < 2; p++) {
        for (uint32_t i = 0; i < counts[p]; i++) {
            if (!join_nested(binder, list, parts[p][i], node, error))
                return false;
            parts[p][i] = queries_replace(binder, list, parts[p][i]);
        }
    }
    return true;
}

static bool join_site(Binder *binder, QueryList *list, QuerySite *site, LogicalNode **node,
                      Error *error)
{
    return prepare_site(binder, list, site, node, error) &&
           query_join_in(binder, site, node, error);
}

bool queries_look_above(const QueryList *list, const Expr *expr, bool groups)
{
    if (expr->kind == EXPR_COLUMN)
        return expr->column >= OVER_COLUMN_BASE && (groups || expr->column < GROUPING_COLUMN);
    bool looks = false;
    if (expr->kind == EXPR_QUERY) {
        const QuerySite *site = &list->sites[expr->column];
        for (uint32_t i = 0; site->value == NULL && i < site->compared_count; i++)
            looks = looks || queries_look_above(list, site->compared[i], groups);
        for (uint32_t i = 0; site->value == NULL && i < site->frame->slot_count; i++)
            looks = looks || queries_look_above(list, site->frame->values[i], groups);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        looks = looks || queries_look_above(list, expr->args[i], groups);
    return looks;
}

bool queries_join(Binder *binder, QueryList *list, QueryStage stage, LogicalNode **node,
                  Error *error)
{
    for (uint32_t i = 0; i < list->count; i++) {
        QuerySite *site = &list->sites[i];
        const Expr expr = {.kind = EXPR_QUERY, .column = i};
        if (site->value != NULL || (stage == QUERIES_IN_GROUPS && !site->in_group) ||
            (stage == QUERIES_BEFORE_OVERS && queries_look_above(list, &expr, false)))
            continue;
        if (!join_site(binder, list, site, node, error))
            return false;
    }
    return true;
}

uint32_t queries_take(const QueryList *list, const Expr **exprs)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < list->count; s++) {
        const QuerySite *site = &list->sites[s];
        if (site->value != NULL)
            continue;
        for (uint32_t i = 0; i < site->compared_count; i++, count++)
            if (exprs != NULL)
                exprs[count] = site->compared[i];
        for (uint32_t i = 0; i < site->frame->slot_count; i++, count++)
            if (exprs != NULL)
                exprs[count] = site->frame->values[i];
    }
    return count;
}

uint32_t queries_give(QueryList *list, const Expr *const *exprs)
{
    uint32_t count = 0;
    for (uint32_t s = 0; s < list->count; s++) {
        QuerySite *site = &list->sites[s];
        if (site->value != NULL)
            continue;
        for (uint32_t i = 0; i < site->compared_count; i++)
            site->compared[i] = exprs[count++];
        for (uint32_t i = 0; i < site->frame->slot_count; i++)
            site->frame->values[i] = exprs[count++];
    }
    return count;
}

/* ------------------------------------------------------ above and below groups */

typedef struct Parting {
    const Binder *binder;
    QueryList *list;
    const GroupBy *groups;
    uint32_t *numbers; /* by site: the one above that it becomes; 0: none yet */
    uint32_t known;    /* sites before */
} Parting;

static uint32_t part_site(Parting *parting, uint32_t number)
{
    Arena *arena = parting->binder->context->arena;
    if (number >= parting->known || !parting->list->sites[number].in_group)
        return number;
    if (parting->numbers[number] != 0)
        return parting->numbers[number];
    QuerySite copy = parting->list->sites[number];
    OuterFrame *frame = arena_memdup(arena, copy.frame, sizeof(*copy.frame));
    frame->values = arena_memdup(arena, frame->values, sizeof(*frame->values) * frame->slot_count);
    copy.frame = frame;
    copy.compared =
        arena_memdup(arena, copy.compared, sizeof(*copy.compared) * copy.compared_count);
    copy.in_group = false;
    return parting->numbers[number] = list_add(arena, parting->list, &copy);
}

static const Expr *part_expr(Parting *parting, const Expr *expr)
{
    const PlannerContext *context = parting->binder->context;
    for (uint32_t i = 0; i < parting->groups->key_count; i++)
        if (expr_equal(expr, parting->groups->bound[i]))
            return expr;
    if (expr->kind == EXPR_QUERY) {
        Expr *copy = arena_memdup(context->arena, expr, sizeof(*expr));
        copy->column = part_site(parting, expr->column);
        return copy;
    }
    const Expr **args = arena_new_array(context->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = part_expr(parting, expr->args[i]);
    return expr_with_args(&context->site, expr, args);
}

void queries_part(const Binder *binder, QueryList *list, const GroupBy *groups, const Expr **exprs,
                  uint32_t count)
{
    Parting parting = {binder, list, groups,
                       arena_new_array(binder->context->arena, uint32_t, list->count + 1),
                       list->count};
    for (uint32_t i = 0; i < count; i++)
        exprs[i] = part_expr(&parting, exprs[i]);
    /* What they look for may hold others; the list grows. */
    for (uint32_t s = 0; s < list->count; s++) {
        for (uint32_t i = 0; !list->sites[s].in_group && i < list->sites[s].compared_count; i++) {
            const Expr *parted = part_expr(&parting, list->sites[s].compared[i]);
            list->sites[s].compared[i] = parted;
        }
    }
}

/* -------------------------------------------------------------------- filters */

static bool has_query(const Expr *expr)
{
    if (expr->kind == EXPR_QUERY)
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (has_query(expr->args[i]))
            return true;
    return false;
}

/* The site a conjunct consists of, if it is IN or EXISTS or its negation. */
static QuerySite *lone_site(QueryList *list, const Expr *expr, bool *negated)
{
    *negated = false;
    while (expr->kind == EXPR_CALL && expr->call.function != NULL && expr->arg_count == 1 &&
           strcmp(expr->call.function->name, "NOT") == 0) {
        *negated = !*negated;
        expr = expr->args[0];
    }
    if (expr->kind != EXPR_QUERY)
        return NULL;
    QuerySite *site = &list->sites[expr->column];
    return site->kind == QUERY_SITE_EXISTS || site->kind == QUERY_SITE_IN ? site : NULL;
}

LogicalNode *queries_filter(Binder *binder, QueryList *list, LogicalNode *node, const Expr *filter,
                            Error *error)
{
    const PlannerContext *context = binder->context;
    if (list->count == 0)
        return logical_filter(context->arena, node, filter);
    uint32_t count = expr_count_conjuncts(filter);
    const Expr **parts = arena_new_array(context->arena, const Expr *, count + 1);
    const Expr **plain = arena_new_array(context->arena, const Expr *, count + 1);
    expr_conjuncts(filter, parts);
    uint32_t plain_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (!has_query(parts[i]))
            plain[plain_count++] = parts[i];
    if (plain_count != 0)
        node = logical_filter(context->arena, node, expr_and(&context->site, plain, plain_count));
    for (uint32_t i = 0; i < count; i++) {
        if (!has_query(parts[i]))
            continue;
        bool negated;
        QuerySite *site = lone_site(list, parts[i], &negated);
        if (site != NULL) {
            if (!prepare_site(binder, list, site, &node, error) ||
                !query_join_filter(binder, site, negated, &node, error))
                return NULL;
            continue;
        }
        if (!join_nested(binder, list, parts[i], &node, error))
            return NULL;
        node = logical_filter(context->arena, node, queries_replace(binder, list, parts[i]));
    }
    return node;
}
