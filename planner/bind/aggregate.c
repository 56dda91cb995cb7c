/* Aggregate calls and the node that computes them.
 *
 * The expressions of a SELECT are bound over its input first; an aggregate call in them is noted in
 * a list and stands for itself as a column from AGGREGATE_COLUMN_BASE on. Then the aggregate node
 * is made, over a calc that computes keys, arguments and filters once each, and the expressions are
 * rewritten to its output: what equals a group key becomes that column, and a column that is left
 * over is the error of a column that must be grouped by. */
#include "planner/bind/bind.h"
#include "planner/windows.h"

#include <string.h>

static uint32_t list_add(Arena *arena, AggregateList *list, const AggregateSite *site)
{
    for (uint32_t i = 0; i < list->count; i++) {
        const AggregateSite *known = &list->sites[i];
        bool same = strcmp(known->name, site->name) == 0 && known->arg_count == site->arg_count &&
                    known->distinct == site->distinct &&
                    (known->filter == NULL) == (site->filter == NULL) &&
                    (site->filter == NULL || expr_equal(known->filter, site->filter));
        for (uint32_t a = 0; same && a < site->arg_count; a++)
            same = expr_equal(known->args[a], site->args[a]);
        if (same)
            return i;
    }
    list->sites =
        arena_grow(arena, list->sites, sizeof(*list->sites), list->count, &list->capacity);
    list->sites[list->count] = *site;
    return list->count++;
}

static bool check_place(const ExprScope *scope, const AstExpr *ast, Error *error)
{
    if (scope->aggregates == NULL) {
        error_set(error, ERROR_SYNTAX, "aggregate function %s is not allowed in %s", ast->function,
                  scope->clause);
        error_hint(error, "Aggregate in a subquery, or filter groups with HAVING.");
        return bind_error_at(scope->binder, error, ast->place);
    }
    if (scope->in_aggregate) {
        error_set(error, ERROR_SYNTAX, "aggregate function %s is inside another one",
                  ast->function);
        error_hint(error, "Compute the inner one in a subquery in FROM.");
        return bind_error_at(scope->binder, error, ast->place);
    }
    return true;
}

/* What is collected is one value: two arguments that are kept together are a ROW. */
static bool pair_arguments(const ExprScope *scope, AggregateSite *site, Error *error)
{
    static const struct {
        const char *name;
        uint32_t second; /* the argument that goes with the first */
    } pairs[] = {{"JSON_OBJECTAGG", 1}, {"PERCENTILE", 2}};
    const PlannerContext *context = scope->binder->context;
    bool paired = true;
    for (size_t p = 0; p < array_count(pairs); p++) {
        const uint32_t second = pairs[p].second;
        if (strcmp(site->name, pairs[p].name) != 0 || site->arg_count <= second)
            continue;
        const Expr **pair = arena_new_array(context->arena, const Expr *, 2);
        pair[0] = site->args[0];
        pair[1] = site->args[second];
        site->args[0] = expr_call(&context->site, "ROW", pair, 2, site->place, error);
        for (uint32_t i = second + 1; i < site->arg_count; i++)
            site->args[i - 1] = site->args[i];
        site->arg_count--;
        paired = site->args[0] != NULL;
    }
    return paired;
}

/* ARRAY_AGG(x IGNORE NULLS) takes the rows where x is not NULL; the others do so by themselves. */
static bool ignore_nulls(const ExprScope *scope, AggregateSite *site, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    if (strcmp(site->name, "ARRAY_AGG") != 0 || site->arg_count == 0)
        return true;
    const Expr *parts[2];
    parts[0] = expr_call(&context->site, "IS NOT NULL", site->args, 1, site->place, error);
    parts[1] = site->filter;
    if (parts[0] == NULL)
        return false;
    site->filter =
        site->filter == NULL ? parts[0] : expr_and(&context->site, parts, array_count(parts));
    return true;
}

/* Arguments and filter of a call, bound over the input's rows. */
static bool bind_parts(ExprScope *scope, const AstExpr *ast, AggregateSite *site, Error *error)
{
    Arena *arena = scope->binder->context->arena;
    site->arg_count = ast->star ? 0 : ast->arg_count;
    site->args = arena_new_array(arena, const Expr *, site->arg_count + 1);
    bool was_inside = scope->in_aggregate;
    scope->in_aggregate = true;
    bool bound = true;
    for (uint32_t i = 0; bound && i < site->arg_count; i++) {
        site->args[i] = bind_expr(scope, ast->args[i], error);
        bound = site->args[i] != NULL;
    }
    if (bound && ast->filter != NULL) {
        const char *clause = scope->clause;
        scope->clause = "FILTER";
        site->filter = bind_condition(scope, ast->filter, error);
        scope->clause = clause;
        bound = site->filter != NULL;
    }
    scope->in_aggregate = was_inside;
    return bound && pair_arguments(scope, site, error) &&
           (!ast->ignore_nulls || ignore_nulls(scope, site, error));
}

/* Queries in an aggregate go below the groups, also those of a selected column that is named. */
static void note_queries(const ExprScope *scope, const Expr *expr)
{
    if (expr->kind == EXPR_QUERY) {
        QuerySite *site = &scope->queries->sites[expr->column];
        site->in_group = true;
        for (uint32_t i = 0; i < site->compared_count; i++)
            note_queries(scope, site->compared[i]);
        for (uint32_t i = 0; i < site->frame->slot_count; i++)
            note_queries(scope, site->frame->values[i]);
    }
    for (uint32_t i = 0; i < expr->arg_count; i++)
        note_queries(scope, expr->args[i]);
}

/* The name of a selected column may stand for what is computed of the groups. */
static bool check_level(const ExprScope *scope, const AstExpr *ast, const AggregateSite *site,
                        Error *error)
{
    const QueryList none = {0};
    const QueryList *list = scope->queries == NULL ? &none : scope->queries;
    bool looks = site->filter != NULL && queries_look_above(list, site->filter, true);
    for (uint32_t i = 0; i < site->arg_count; i++)
        looks = looks || queries_look_above(list, site->args[i], true);
    if (looks) {
        error_set(error, ERROR_SYNTAX, "aggregate function %s looks at what is computed of groups",
                  ast->function);
        error_hint(error, "Compute the inner one in a subquery in FROM.");
        return bind_error_at(scope->binder, error, ast->place);
    }
    for (uint32_t i = 0; i < site->arg_count; i++)
        note_queries(scope, site->args[i]);
    if (site->filter != NULL)
        note_queries(scope, site->filter);
    return true;
}

const Expr *bind_aggregate_call(ExprScope *scope, const AstExpr *ast, Error *error)
{
    const PlannerContext *context = scope->binder->context;
    OuterFrame *around = scope->binder->outer;
    if (around == NULL && !check_place(scope, ast, error))
        return NULL;
    AstPlace place = bind_place(scope->binder, ast->place);
    AggregateSite site = {.name = arena_strdup(context->arena, ast->function),
                          .distinct = ast->distinct,
                          .place = place};
    AggregateHome home = {.list = scope->aggregates};
    if (around != NULL)
        home_note(scope->binder, &home);
    if (!bind_parts(scope, ast, &site, error) ||
        (around != NULL && !home_find(scope, ast, &site, &home, error)) ||
        (around != NULL && home.frame == NULL && !check_place(scope, ast, error)) ||
        (home.frame == NULL && !check_level(scope, ast, &site, error)))
        return NULL;

    const Type **types = arena_new_array(context->arena, const Type *, site.arg_count + 1);
    const Vector **literals = arena_new_array(context->arena, const Vector *, site.arg_count + 1);
    for (uint32_t i = 0; i < site.arg_count; i++) {
        types[i] = site.args[i]->type;
        literals[i] = rule_constant_value(&context->site, site.args[i]);
    }
    FunctionSite function_site = {types,          literals, site.arg_count, context->site.zone,
                                  context->arena, NULL};
    site.arg_types = types;
    site.literals = literals;
    BoundAggregate bound;
    memset(&bound, 0, sizeof(bound));
    if (!aggregate_bind_keeping(site.name, &function_site, false, &bound, error)) {
        error_at(error, place.offset, place.length);
        return NULL;
    }
    for (uint32_t i = 0; i < site.arg_count && bound.argument_types != NULL; i++) {
        site.args[i] =
            expr_cast(&context->site, site.args[i], bound.argument_types[i], CAST_IMPLICIT, error);
        if (site.args[i] == NULL)
            return NULL;
    }
    /* A group may have no row that counts: then everything but COUNT is NULL. */
    bool may_be_empty = home.list->global || site.filter != NULL;
    bool is_count = strcmp(site.name, "COUNT") == 0;
    site.type = may_be_empty && !is_count ? type_with_nullable(context->arena, bound.result, true)
                                          : bound.result;
    uint32_t index = list_add(context->arena, home.list, &site);
    const Expr *value =
        expr_column(context->arena, AGGREGATE_COLUMN_BASE + index, site.type, place);
    return home.frame == NULL ? value
                              : bind_outer_value(scope->binder, home.frame, value, ast->place);
}

/* ------------------------------------------------------- the aggregate node */

/* Projections of the calc below: each expression once. */
typedef struct InputList {
    const Expr **exprs;
    uint32_t count;
} InputList;

static uint32_t input_add(InputList *list, const Expr *expr)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (expr_equal(list->exprs[i], expr))
            return i;
    list->exprs[list->count] = expr;
    return list->count++;
}

static void fill_calls(Arena *arena, const AggregateList *list, InputList *inputs,
                       LogicalAggregate *aggregate)
{
    aggregate->call_count = list->count;
    aggregate->calls = arena_new_array(arena, LogicalAggregateCall, list->count + 1);
    if (aggregate->key_count + list->count == 0) {
        /* GROUP BY () alone: rows must have a column, so the one group counts its rows. */
        aggregate->call_count = 1;
        aggregate->calls[0] =
            (LogicalAggregateCall){.name = "COUNT",
                                   .arguments = arena_new_array(arena, uint32_t, 1),
                                   .filter = -1,
                                   .type = type_with_nullable(arena, &type_bigint, false),
                                   .place = {-1, 0}};
    }
    for (uint32_t i = 0; i < list->count; i++) {
        const AggregateSite *site = &list->sites[i];
        LogicalAggregateCall *call = &aggregate->calls[i];
        call->name = site->name;
        call->argument_types = site->arg_types;
        call->literals = site->literals;
        call->argument_count = site->arg_count;
        call->arguments = arena_new_array(arena, uint32_t, site->arg_count + 1);
        for (uint32_t a = 0; a < site->arg_count; a++)
            call->arguments[a] = input_add(inputs, site->args[a]);
        call->filter = site->filter == NULL ? -1 : (int32_t)input_add(inputs, site->filter);
        call->distinct = site->distinct;
        call->type = site->type;
        call->place = site->place;
    }
}

static LogicalNode *input_calc(Arena *arena, LogicalNode *input, const InputList *inputs,
                               AstPlace place)
{
    const char **names = arena_new_array(arena, const char *, inputs->count + 1);
    for (uint32_t i = 0; i < inputs->count; i++)
        names[i] = inputs->exprs[i]->kind == EXPR_COLUMN
                       ? input->schema->columns[inputs->exprs[i]->column].name
                       : arena_printf(arena, "$f%u", i);
    names = bind_unique_names(arena, names, inputs->count);
    return logical_calc(arena, input, NULL, inputs->exprs,
                        logical_schema(arena, inputs->exprs, names, inputs->count), place);
}

/* What an expression over the input is over the aggregate's output. */
typedef struct Regroup {
    Binder *binder;
    const LogicalNode *node;
    const GroupBy *groups;
    const LogicalNode *input;
} Regroup;

static bool has_number(const GroupBy *groups)
{
    for (uint32_t i = 0; i < groups->key_count; i++)
        if (expr_is_literal(groups->keys[i]) && type_is_integer(groups->keys[i]->type))
            return true;
    return false;
}

static const Expr *regroup(const Regroup *to, const Expr *expr, Error *error)
{
    Arena *arena = to->binder->context->arena;
    const LogicalAggregate *aggregate = &to->node->aggregate;
    for (uint32_t i = 0; i < to->groups->key_count; i++)
        if (expr_equal(expr, to->groups->keys[i]) || expr_equal(expr, to->groups->bound[i]))
            return expr_column(arena, i, to->node->schema->columns[i].type, expr_place(expr));
    if (expr->kind == EXPR_LITERAL || expr->kind == EXPR_OUTER || expr->kind == EXPR_QUERY)
        return expr;
    if (expr->kind == EXPR_COLUMN) {
        if (expr->column == GROUPING_COLUMN)
            return expr_column(arena, to->groups->key_count, expr->type, expr_place(expr));
        if (expr->column >= OVER_COLUMN_BASE && expr->column < AGGREGATE_COLUMN_BASE)
            return expr; /* computed above the groups */
        if (expr->column >= WINDOW_COLUMN_BASE)
            return expr_column(arena,
                               aggregate->key_count + aggregate->call_count + expr->column -
                                   WINDOW_COLUMN_BASE,
                               expr->type, expr_place(expr));
        if (expr->column >= AGGREGATE_COLUMN_BASE)
            return expr_column(arena, aggregate->key_count + expr->column - AGGREGATE_COLUMN_BASE,
                               expr->type, expr_place(expr));
        error_set(error, ERROR_NAME,
                  "column \"%s\" must appear in GROUP BY or inside an aggregate function",
                  to->input->schema->columns[expr->column].name);
        error_hint(error, "%s",
                   has_number(to->groups)
                       ? "A number in GROUP BY is a constant, no place in the select list: write "
                         "the expression itself."
                       : "Add it to GROUP BY, or use MIN or MAX of it.");
        error_at(error, expr->sql_offset, expr->sql_length);
        return NULL;
    }
    const Expr **args = arena_new_array(arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        args[i] = regroup(to, expr->args[i], error);
        if (args[i] == NULL)
            return NULL;
    }
    return expr_with_args(&to->binder->context->site, expr, args);
}

static const Schema *aggregate_schema(Arena *arena, const LogicalNode *input,
                                      const LogicalAggregate *aggregate, const GroupWindow *window)
{
    uint32_t count = aggregate->key_count + aggregate->call_count;
    uint32_t more = window == NULL ? 0 : window->property_count;
    Column *columns = arena_new_array(arena, Column, count + more + 1);
    for (uint32_t i = 0; i < more; i++)
        columns[count + i] = (Column){bind_property_name(window->properties[i]),
                                      bind_property_type(arena, window, window->properties[i])};
    for (uint32_t i = 0; i < aggregate->key_count; i++)
        columns[i] = input->schema->columns[aggregate->keys[i]];
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        columns[aggregate->key_count + i] =
            (Column){arena_printf(arena, "EXPR$%u", i), aggregate->calls[i].type};
    return schema_new(arena, columns, count + more);
}

/* Grouping sets without keys have a row even where there is none to group, once all is known. */
static void note_empty_sets(Binder *binder, const GroupBy *groups, LogicalAggregate *aggregate)
{
    const int64_t no_keys = ((int64_t)1 << groups->key_count) - 1;
    if (!binder->context->config->bounded_run)
        return;
    aggregate->empty_sets = arena_new_array(binder->context->arena, int64_t, groups->set_count + 1);
    for (uint32_t s = 0; s < groups->set_count; s++)
        if ((groups->sets[s] & no_keys) == no_keys)
            aggregate->empty_sets[aggregate->empty_set_count++] = groups->sets[s];
}

/* Puts the node that makes the grouping sets below, and groups by what it gives. */
static LogicalNode *expand_input(Binder *binder, LogicalNode *calc, const GroupBy *groups,
                                 LogicalAggregate *aggregate, AstPlace place)
{
    uint32_t passed = calc->schema->column_count;
    LogicalNode *expand = bind_expand(binder, calc, aggregate->keys, groups, place);
    for (uint32_t i = 0; i <= groups->key_count; i++)
        aggregate->keys[i] = passed + i;
    aggregate->key_count = groups->key_count + 1;
    note_empty_sets(binder, groups, aggregate);
    return expand;
}

static void set_window(Binder *binder, const GroupWindow *window, InputList *inputs,
                       LogicalNode *node)
{
    LogicalWindowAggregate *out = &node->window_aggregate;
    Arena *arena = binder->context->arena;
    out->window = window->window;
    out->window.time_column = input_add(inputs, window->time);
    out->properties = arena_memdup(arena, window->properties, sizeof(window->properties));
    out->property_count = window->property_count;
    out->in_group_by = true;
    out->emit = window_emit_of(binder->context, &window->window);
}

LogicalNode *bind_aggregate_node(Binder *binder, LogicalNode *input, const GroupBy *groups,
                                 const AggregateList *list, const Expr **exprs, uint32_t expr_count,
                                 AstPlace place, Error *error)
{
    Arena *arena = binder->context->arena;
    uint32_t most = groups->key_count + 2;
    for (uint32_t i = 0; i < list->count; i++)
        most += list->sites[i].arg_count + 1;
    InputList inputs = {arena_new_array(arena, const Expr *, most), 0};
    LogicalAggregate aggregate = {.keys = arena_new_array(arena, uint32_t, groups->key_count + 2),
                                  .key_count = groups->key_count};
    for (uint32_t i = 0; i < groups->key_count; i++)
        aggregate.keys[i] = input_add(&inputs, groups->keys[i]);
    fill_calls(arena, list, &inputs, &aggregate);
    if (groups->window != NULL)
        input_add(&inputs, groups->window->time);
    if (inputs.count == 0) { /* COUNT(*) alone: any column will do */
        const Column *first = &input->schema->columns[0];
        input_add(&inputs, expr_column(arena, 0, first->type, (AstPlace){-1, 0}));
    }
    LogicalNode *calc = input_calc(arena, input, &inputs, place);
    if (groups->set_count > 1)
        calc = expand_input(binder, calc, groups, &aggregate, place);
    const GroupWindow *window = groups->window;
    LogicalNode *node =
        logical_new_unary(arena, window == NULL ? "aggregate" : "window_aggregate",
                          aggregate_schema(arena, calc, &aggregate, window), calc, place);
    node->aggregate = aggregate;
    if (window != NULL)
        set_window(binder, window, &inputs, node);
    Regroup to = {binder, node, groups, input};
    for (uint32_t i = 0; i < expr_count; i++) {
        exprs[i] = regroup(&to, exprs[i], error);
        if (exprs[i] == NULL)
            return NULL;
    }
    return node;
}

LogicalNode *bind_distinct(Binder *binder, LogicalNode *input, AstPlace place)
{
    Arena *arena = binder->context->arena;
    LogicalNode *node = logical_new_unary(arena, "aggregate", input->schema, input, place);
    node->aggregate.key_count = input->schema->column_count;
    node->aggregate.keys = arena_new_array(arena, uint32_t, input->schema->column_count + 1);
    for (uint32_t i = 0; i < input->schema->column_count; i++)
        node->aggregate.keys[i] = i;
    node->aggregate.calls = arena_new_array(arena, LogicalAggregateCall, 1);
    return node;
}
