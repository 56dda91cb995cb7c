/* SELECT: FROM, WHERE, GROUP BY, HAVING, the select list, DISTINCT, and the expressions of ORDER
 * BY.
 *
 * The tree it makes, from below: FROM; a filter for WHERE; the aggregate with its calc; a filter
 * for HAVING and the nodes of OVER; one calc with QUALIFY, or HAVING, and the select list; the
 * aggregate of DISTINCT. ORDER BY may name what the list does not show: such columns are appended
 * and taken off after sorting. */
#include "planner/bind/bind.h"

#include <stdio.h>
#include <string.h>

/* The select list while it is being bound: stars are spread, names given. */
typedef struct SelectList {
    const Expr **exprs;
    const char **names;
    bool *spread; /* by a star: what has the name of a column before it gets another one */
    uint32_t count;
} SelectList;

const char **bind_unique_names(Arena *arena, const char *const *names, uint32_t count)
{
    const char **unique = arena_new_array(arena, const char *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const char *name = names[i];
        uint32_t suffix = 0;
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(unique[j], name) != 0)
                continue;
            name = arena_printf(arena, "%s%u", names[i], suffix++);
            j = UINT32_MAX; /* from the start again */
        }
        unique[i] = name;
    }
    return unique;
}

/* Columns that have the name of a later one. What a star gives is later by another name: SELECT *
 * of a join has id and id0. NULL: none. */
static const bool *repeated_names(Arena *arena, const SelectList *list)
{
    bool *repeated = arena_new_array(arena, bool, list->count + 1);
    bool any = false;
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t first = 0;
        while (strcmp(list->names[first], list->names[i]) != 0)
            first++;
        if (first == i || list->spread[i])
            continue;
        repeated[first] = any = true;
    }
    return any ? repeated : NULL;
}

static uint32_t list_room(const AstSelect *select, const Scope *scope)
{
    uint32_t room = 1;
    for (uint32_t i = 0; i < select->item_count; i++)
        room += select->items[i].expr->kind == AST_STAR ? scope->count : 1;
    return room;
}

static bool bind_star(const ExprScope *scope, const AstExpr *ast, SelectList *list, Error *error)
{
    const Binder *binder = scope->binder;
    const char *relation =
        ast->name.part_count == 0 ? NULL : ast->name.parts[ast->name.part_count - 1];
    uint32_t before = list->count;
    for (uint32_t i = 0; i < scope->scope->count; i++) {
        const ScopeColumn *column = &scope->scope->columns[i];
        if (relation == NULL ? column->hidden
                             : column->relation == NULL || strcmp(column->relation, relation) != 0)
            continue;
        AstPlace at = bind_place(binder, ast->place);
        Expr *expr = arena_memdup(binder->context->arena, column->expr, sizeof(*column->expr));
        expr->sql_offset = at.offset;
        expr->sql_length = at.length;
        list->exprs[list->count] = expr;
        list->spread[list->count] = true;
        list->names[list->count++] = column->name;
    }
    if (list->count > before)
        return true;
    if (relation == NULL) {
        error_set(error, ERROR_NAME, "SELECT * needs a FROM");
    } else {
        error_set(error, ERROR_NAME, "table or alias \"%s\" is not in FROM", relation);
        error_hint(error, "A table that has an alias is known by its alias only.");
    }
    return bind_error_at(binder, error, ast->place);
}

static bool bind_items(ExprScope *scope, const AstSelect *select, SelectList *list, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    scope->clause = "SELECT";
    for (uint32_t i = 0; i < select->item_count; i++) {
        const AstSelectItem *item = &select->items[i];
        if (item->expr->kind == AST_STAR) {
            if (!bind_star(scope, item->expr, list, error))
                return false;
            continue;
        }
        const Expr *expr = bind_expr(scope, item->expr, error);
        if (expr == NULL)
            return false;
        const char *name;
        if (item->alias != NULL)
            name = arena_strdup(arena, item->alias);
        else if (item->expr->kind == AST_COLUMN || item->expr->kind == AST_FIELD)
            name = arena_strdup(arena, item->expr->name.parts[item->expr->name.part_count - 1]);
        else
            name = arena_printf(arena, "EXPR$%u", i);
        list->exprs[list->count] = expr;
        list->names[list->count++] = name;
    }
    return true;
}

/* Finds or binds one ORDER BY item: by ordinal, by output name, else over the input. */
bool bind_order_item(ExprScope *scope, const AstOrderItem *item, const Schema *output,
                     const bool *repeated, const Expr *const *outputs, const Expr **expr,
                     int32_t *column, Error *error)
{
    const AstExpr *ast = item->expr;
    *column = -1;
    *expr = NULL;
    if (ast->kind == AST_NUMBER && memchr(ast->text, '.', ast->text_length) == NULL) {
        unsigned ordinal = 0;
        if (sscanf(ast->text, "%u", &ordinal) != 1 || ordinal == 0 ||
            ordinal > output->column_count) {
            error_set(error, ERROR_NAME, "ORDER BY %s: the select list has %u columns", ast->text,
                      output->column_count);
            return bind_error_at(scope->binder, error, ast->place);
        }
        *column = (int32_t)ordinal - 1;
        return true;
    }
    if (ast->kind == AST_COLUMN && ast->name.part_count == 1) {
        *column = schema_find(output, ast->name.parts[0]);
        if (*column >= 0 && repeated != NULL && repeated[*column]) {
            bind_ambiguous(&(Scope){NULL, 0}, ast->name.parts[0], error);
            return bind_error_at(scope->binder, error, ast->place);
        }
        if (*column >= 0)
            return true;
    }
    scope->clause = "ORDER BY";
    *expr = bind_expr(scope, ast, error);
    if (*expr == NULL)
        return false;
    for (uint32_t i = 0; outputs != NULL && i < output->column_count; i++) {
        if (outputs[i] != NULL && expr_equal(outputs[i], *expr)) {
            *column = (int32_t)i;
            return true;
        }
    }
    return true;
}

/* Appends what ORDER BY needs beyond the select list and notes the sort keys. */
static bool bind_order(ExprScope *scope, const AstQuery *query, SelectList *list, BoundOrder *order,
                       Error *error)
{
    Arena *arena = scope->binder->context->arena;
    order->visible = list->count;
    order->key_count = query->order_count;
    order->keys = arena_new_array(arena, PlanSortKey, query->order_count + 1);
    const Schema *output = logical_schema(arena, list->exprs, list->names, list->count);
    for (uint32_t i = 0; i < query->order_count; i++) {
        const AstOrderItem *item = &query->order_by[i];
        const Expr *expr = NULL;
        int32_t column = -1;
        if (!bind_order_item(scope, item, output, order->repeated, list->exprs, &expr, &column,
                             error))
            return false;
        if (column < 0) {
            if (query->select->distinct) {
                error_set(error, ERROR_SYNTAX,
                          "with SELECT DISTINCT, ORDER BY can only use selected columns");
                return bind_error_at(scope->binder, error, item->expr->place);
            }
            column = (int32_t)list->count;
            list->exprs[list->count] = expr;
            list->names[list->count++] = arena_printf(arena, "$sort%u", i);
        }
        /* NULL counts as the smallest value unless the user says otherwise. */
        bool last = item->nulls_given ? item->nulls_last : item->descending;
        order->keys[i] = (PlanSortKey){(uint32_t)column, item->descending, last};
    }
    return true;
}

static bool bind_from(Binder *binder, const AstSelect *select, AstPlace place, Relation *from,
                      Error *error)
{
    if (select->from != NULL)
        return bind_table(binder, select->from, from, error);
    from->node = bind_one_row(binder, place);
    from->scope = (Scope){NULL, 0};
    return true;
}

static bool bind_where(Binder *binder, const AstSelect *select, Relation *from, Error *error)
{
    if (select->where == NULL)
        return true;
    QueryList queries = {0};
    ExprScope scope = {.binder = binder,
                       .scope = &from->scope,
                       .clause = "WHERE",
                       .select = select,
                       .queries = &queries};
    const Expr *filter = bind_condition(&scope, select->where, error);
    if (filter == NULL)
        return false;
    from->node = queries_filter(binder, &queries, from->node, filter, error);
    return from->node != NULL;
}

/* Everything a SELECT computes, before it is put over the aggregate. */
typedef struct SelectParts {
    SelectList list;
    GroupBy groups;
    const Expr *having;
    const Expr *qualify;
    AggregateList aggregates;
    OverList overs;
    QueryList queries;
} SelectParts;

/* With grouping sets a column may be NULL where a set leaves it out, whatever its table says. */
static Scope scope_of_groups(Arena *arena, const AstSelect *select, const Scope *from)
{
    bool plain = true;
    for (uint32_t i = 0; i < select->group_count; i++)
        plain = plain && select->group_by[i].kind == AST_GROUP_EXPR;
    Scope scope = *from;
    if (plain)
        return scope;
    scope.columns = arena_memdup(arena, from->columns, sizeof(*from->columns) * from->count);
    for (uint32_t i = 0; i < from->count; i++) {
        Expr *expr = arena_memdup(arena, from->columns[i].expr, sizeof(*expr));
        expr->type = type_with_nullable(arena, expr->type, true);
        scope.columns[i].expr = expr;
    }
    return scope;
}

/* QUALIFY sees the columns of FROM and, where none has the name, the aliases of the list. */
static bool bind_qualify(ExprScope *scope, const AstSelect *select, SelectParts *parts,
                         Error *error)
{
    Arena *arena = scope->binder->context->arena;
    const Scope *from = scope->scope;
    Scope both = {arena_new_array(arena, ScopeColumn, from->count + parts->list.count + 1),
                  from->count};
    if (from->count != 0)
        memcpy(both.columns, from->columns, sizeof(*both.columns) * from->count);
    for (uint32_t i = 0; i < parts->list.count; i++) {
        bool taken = false;
        for (uint32_t c = 0; c < from->count && !taken; c++)
            taken = strcmp(from->columns[c].name, parts->list.names[i]) == 0;
        if (!taken)
            both.columns[both.count++] =
                (ScopeColumn){.name = parts->list.names[i], .expr = parts->list.exprs[i]};
    }
    scope->scope = &both;
    scope->clause = "QUALIFY";
    parts->qualify = bind_condition(scope, select->qualify, error);
    scope->scope = from;
    if (parts->qualify == NULL)
        return false;
    if (parts->overs.count != 0)
        return true;
    error_set(error, ERROR_SYNTAX, "QUALIFY needs a window function");
    error_hint(error, "Filter rows with WHERE, groups with HAVING.");
    return bind_error_at(scope->binder, error, select->qualify->place);
}

static bool bind_parts(Binder *binder, const AstQuery *query, const Relation *from,
                       SelectParts *parts, BoundOrder *order, Error *error)
{
    const AstSelect *select = query->select;
    Arena *arena = binder->context->arena;
    const Scope columns = scope_of_groups(arena, select, &from->scope);
    ExprScope scope = {.binder = binder, .scope = &columns, .queries = &parts->queries};
    parts->queries.in_group = true;
    if (!bind_group_by(&scope, select, &parts->groups, error))
        return false;
    parts->queries.in_group = false;
    scope.aggregates = &parts->aggregates;
    scope.groups = &parts->groups;
    parts->aggregates.global = (parts->groups.key_count == 0 && parts->groups.window == NULL) ||
                               parts->groups.set_count > 1;
    scope.overs = &parts->overs;
    parts->overs.windows = select->windows;
    parts->overs.window_count = select->window_count;
    uint32_t room = list_room(select, &from->scope) + query->order_count;
    parts->list = (SelectList){arena_new_array(arena, const Expr *, room),
                               arena_new_array(arena, const char *, room),
                               arena_new_array(arena, bool, room), 0};
    if (!bind_items(&scope, select, &parts->list, error))
        return false;
    if (select->having != NULL) {
        scope.clause = "HAVING";
        scope.select = select;
        scope.overs = NULL;
        parts->having = bind_condition(&scope, select->having, error);
        scope.select = NULL;
        scope.overs = &parts->overs;
        if (parts->having == NULL)
            return false;
    }
    if (select->qualify != NULL && !bind_qualify(&scope, select, parts, error))
        return false;
    order->repeated = repeated_names(arena, &parts->list);
    parts->list.names = bind_unique_names(arena, parts->list.names, parts->list.count);
    /* Room for the names of sort columns. */
    const char **names = arena_new_array(arena, const char *, room);
    memcpy(names, parts->list.names, sizeof(*names) * parts->list.count);
    parts->list.names = names;
    return bind_order(&scope, query, &parts->list, order, error);
}

/* All expressions that stand above the aggregate, in one array: the list, HAVING, QUALIFY, what
 * queries inside look at, and what the calls with OVER are made of. */
static const Expr **gather(Arena *arena, const SelectParts *parts, uint32_t *count)
{
    uint32_t most = parts->list.count + over_list_expressions(&parts->overs, NULL) +
                    queries_take(&parts->queries, NULL);
    const Expr **exprs = arena_new_array(arena, const Expr *, most + 3);
    memcpy(exprs, parts->list.exprs, sizeof(*exprs) * parts->list.count);
    *count = parts->list.count;
    if (parts->having != NULL)
        exprs[(*count)++] = parts->having;
    if (parts->qualify != NULL)
        exprs[(*count)++] = parts->qualify;
    *count += queries_take(&parts->queries, exprs + *count);
    *count += over_list_expressions(&parts->overs, exprs + *count);
    return exprs;
}

static void scatter(SelectParts *parts, const Expr **exprs)
{
    uint32_t at = parts->list.count;
    parts->list.exprs = exprs;
    if (parts->having != NULL)
        parts->having = exprs[at++];
    if (parts->qualify != NULL)
        parts->qualify = exprs[at++];
    at += queries_give(&parts->queries, exprs + at);
    over_list_replace(&parts->overs, exprs + at);
}

/* Queries below the aggregate and those above it are joined in apart. */
static void part_group_queries(Binder *binder, SelectParts *parts)
{
    uint32_t count = 0;
    QueryList queries = parts->queries;
    parts->queries = (QueryList){0}; /* nothing but the expressions themselves */
    const Expr **exprs = gather(binder->context->arena, parts, &count);
    queries_part(binder, &queries, &parts->groups, exprs, count);
    scatter(parts, exprs);
    parts->queries = queries;
}

/* Queries inside aggregate calls and group keys go below the aggregate. */
static bool join_group_queries(Binder *binder, SelectParts *parts, LogicalNode **node, Error *error)
{
    QueryList *queries = &parts->queries;
    if (!queries_join(binder, queries, QUERIES_IN_GROUPS, node, error))
        return false;
    for (uint32_t i = 0; i < parts->groups.key_count; i++)
        parts->groups.keys[i] = queries_replace(binder, queries, parts->groups.keys[i]);
    for (uint32_t i = 0; i < parts->aggregates.count; i++) {
        AggregateSite *site = &parts->aggregates.sites[i];
        for (uint32_t a = 0; a < site->arg_count; a++)
            site->args[a] = queries_replace(binder, queries, site->args[a]);
        if (site->filter != NULL)
            site->filter = queries_replace(binder, queries, site->filter);
    }
    return true;
}

/* HAVING with queries is a filter of its own; then the others are joined in. */
static bool join_list_queries(Binder *binder, SelectParts *parts, QueryStage stage,
                              LogicalNode **node, Error *error)
{
    QueryList *queries = &parts->queries;
    if (queries->count == 0)
        return true;
    if (parts->having != NULL)
        *node = queries_filter(binder, queries, *node, parts->having, error);
    parts->having = NULL;
    if (*node == NULL || !queries_join(binder, queries, stage, node, error))
        return false;
    uint32_t count = 0;
    const Expr **exprs = gather(binder->context->arena, parts, &count);
    for (uint32_t i = 0; i < count; i++)
        exprs[i] = queries_replace(binder, queries, exprs[i]);
    scatter(parts, exprs);
    return true;
}

static LogicalNode *put_aggregate(Binder *binder, LogicalNode *node, SelectParts *parts,
                                  AstPlace place, Error *error)
{
    uint32_t count = 0;
    part_group_queries(binder, parts);
    if (!join_group_queries(binder, parts, &node, error))
        return NULL;
    const Expr **exprs = gather(binder->context->arena, parts, &count);
    node = bind_aggregate_node(binder, node, &parts->groups, &parts->aggregates, exprs, count,
                               place, error);
    if (node != NULL)
        scatter(parts, exprs);
    return node;
}

/* HAVING chooses the groups that window functions see. */
static LogicalNode *put_overs(Binder *binder, LogicalNode *node, SelectParts *parts, AstPlace place)
{
    if (parts->having != NULL)
        node = logical_filter(binder->context->arena, node, parts->having);
    parts->having = NULL;
    uint32_t count = 0;
    const Expr **exprs = gather(binder->context->arena, parts, &count);
    count -= over_list_expressions(&parts->overs, NULL);
    node = bind_over_nodes(binder, node, &parts->overs, exprs, count, place);
    scatter(parts, exprs);
    return node;
}

static LogicalNode *bind_hinted(Binder *binder, const AstQuery *query, BoundOrder *order,
                                Error *error)
{
    const AstSelect *select = query->select;
    Arena *arena = binder->context->arena;
    AstPlace place = bind_place(binder, query->place);
    Relation from;
    if (!bind_hints(binder, select, error) || !bind_from(binder, select, place, &from, error))
        return NULL;
    const LogicalNode *below = from.node;
    if (!bind_where(binder, select, &from, error))
        return NULL;
    SelectParts parts;
    memset(&parts, 0, sizeof(parts));
    if (!bind_parts(binder, query, &from, &parts, order, error))
        return NULL;

    LogicalNode *node = from.node;
    if (select->has_group_by || select->having != NULL || parts.aggregates.count != 0) {
        node = put_aggregate(binder, node, &parts, place, error);
        if (node == NULL)
            return NULL;
    }
    if (!join_list_queries(binder, &parts, QUERIES_BEFORE_OVERS, &node, error))
        return NULL;
    if (parts.overs.count != 0) {
        node = put_overs(binder, node, &parts, place);
        if (!join_list_queries(binder, &parts, QUERIES_ALL, &node, error))
            return NULL;
    }
    const Schema *schema =
        logical_schema(arena, parts.list.exprs, parts.list.names, parts.list.count);
    node = logical_calc(arena, node, parts.qualify != NULL ? parts.qualify : parts.having,
                        parts.list.exprs, schema, place);
    if (select->distinct)
        node = bind_distinct(binder, node, place);
    bind_apply_ttl(binder, select, node, below);
    bind_apply_late(binder, select, node);
    return node;
}

LogicalNode *bind_select(Binder *binder, const AstQuery *query, BoundOrder *order, Error *error)
{
    const AstHint *hints = binder->hints;
    uint32_t count = binder->hint_count;
    LogicalNode *node = bind_hinted(binder, query, order, error);
    binder->hints = hints;
    binder->hint_count = count;
    return node;
}
