/* JOIN: ON, USING, NATURAL, CROSS and the comma.
 *
 * The join node gets the whole condition; equalities become keys later (rules/extract_join_keys.c),
 * when filters have been pushed into it. Columns merged by USING come first in *, then the others
 * of the left side, then of the right. */
#include "planner/lookup.h"

#include <string.h>

static PlanJoinKind join_kind(AstJoinKind kind)
{
    switch (kind) {
    case AST_JOIN_LEFT:
        return PLAN_JOIN_LEFT;
    case AST_JOIN_RIGHT:
        return PLAN_JOIN_RIGHT;
    case AST_JOIN_FULL:
        return PLAN_JOIN_FULL;
    default:
        return PLAN_JOIN_INNER;
    }
}

static bool check_relations(const Binder *binder, const Scope *left, const Scope *right,
                            const AstTable *ast, Error *error)
{
    for (uint32_t r = 0; r < right->count; r++) {
        const char *name = right->columns[r].relation;
        for (uint32_t l = 0; name != NULL && l < left->count; l++) {
            if (left->columns[l].relation == NULL || strcmp(left->columns[l].relation, name) != 0)
                continue;
            error_set(error, ERROR_NAME, "\"%s\" stands twice in FROM", name);
            error_hint(error, "Give one of them an alias: %s AS %s2.", name, name);
            return bind_error_at(binder, error, ast->right->place);
        }
    }
    return true;
}

/* Both sides' columns as ON sees them: right ones behind the left ones. */
static Scope both_scopes(const Binder *binder, const Relation *left, const Relation *right)
{
    const PlannerContext *context = binder->context;
    Scope scope = {
        arena_new_array(context->arena, ScopeColumn, left->scope.count + right->scope.count + 1),
        left->scope.count + right->scope.count};
    memcpy(scope.columns, left->scope.columns, sizeof(ScopeColumn) * left->scope.count);
    for (uint32_t i = 0; i < right->scope.count; i++) {
        ScopeColumn *column = &scope.columns[left->scope.count + i];
        *column = right->scope.columns[i];
        column->expr = expr_shift_columns(&context->site, column->expr,
                                          (int64_t)left->node->schema->column_count);
    }
    return scope;
}

static int32_t find_visible(const Scope *scope, uint32_t from, uint32_t to, const char *name)
{
    for (uint32_t i = from; i < to; i++)
        if (!scope->columns[i].hidden && strcmp(scope->columns[i].name, name) == 0)
            return (int32_t)i;
    return -1;
}

/* The one column of a side that has the name; -1: none, -2: several, with the error. */
static int32_t find_merged(const Binder *binder, const AstTable *ast, const Scope *scope,
                           uint32_t from, uint32_t to, const char *name, Error *error)
{
    int32_t found = find_visible(scope, from, to, name);
    if (found < 0 ||
        (!scope->columns[found].repeated && find_visible(scope, (uint32_t)found + 1, to, name) < 0))
        return found;
    error_set(error, ERROR_NAME, "column \"%s\" of %s is ambiguous on the %s side", name,
              ast->natural ? "NATURAL JOIN" : "USING", from == 0 ? "left" : "right");
    error_hint(error, "Say with ON which columns are equal.");
    (void)bind_error_at(binder, error, ast->place);
    return -2;
}

/* Names that USING lists or that NATURAL finds. */
static bool merged_names(const Binder *binder, const AstTable *ast, const Scope *scope,
                         uint32_t left_count, const char ***names, uint32_t *count, Error *error)
{
    *names =
        arena_new_array(binder->context->arena, const char *, scope->count + ast->using_count + 1);
    *count = 0;
    for (uint32_t i = 0; ast->natural && i < left_count; i++) {
        const char *name = scope->columns[i].name;
        if (scope->columns[i].hidden || find_visible(scope, left_count, scope->count, name) < 0)
            continue;
        if (find_merged(binder, ast, scope, 0, left_count, name, error) < 0 ||
            find_merged(binder, ast, scope, left_count, scope->count, name, error) < 0)
            return false;
        (*names)[(*count)++] = name;
    }
    for (uint32_t i = 0; i < ast->using_count; i++) {
        const char *name = ast->using_columns[i];
        for (uint32_t j = 0; j < i; j++) {
            if (strcmp(name, ast->using_columns[j]) != 0)
                continue;
            error_set(error, ERROR_NAME, "column \"%s\" stands twice in USING", name);
            return bind_error_at(binder, error, ast->place);
        }
        int32_t left = find_merged(binder, ast, scope, 0, left_count, name, error);
        int32_t right =
            left < 0 ? left
                     : find_merged(binder, ast, scope, left_count, scope->count, name, error);
        if (right == -2)
            return false;
        if (right < 0) {
            error_set(error, ERROR_NAME, "column \"%s\" of USING does not exist on the %s side",
                      name, left >= 0 ? "right" : "left");
            return bind_error_at(binder, error, ast->place);
        }
        (*names)[(*count)++] = name;
    }
    return true;
}

/* The scope after the merge, and the equalities that the merge stands for. */
static const Expr *merge_columns(Binder *binder, const AstTable *ast, PlanJoinKind kind,
                                 Scope *scope, uint32_t left_count, const char **names,
                                 uint32_t count, Error *error)
{
    const PlannerContext *context = binder->context;
    AstPlace place = bind_place(binder, ast->place);
    ScopeColumn *columns = arena_new_array(context->arena, ScopeColumn, scope->count + count + 1);
    const Expr **equalities = arena_new_array(context->arena, const Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        ScopeColumn *left = &scope->columns[find_visible(scope, 0, left_count, names[i])];
        ScopeColumn *right =
            &scope->columns[find_visible(scope, left_count, scope->count, names[i])];
        const Expr **args = arena_new_array(context->arena, const Expr *, 2);
        args[0] = left->expr;
        args[1] = right->expr;
        equalities[i] = expr_call(&context->site, "=", args, 2, place, error);
        if (equalities[i] == NULL)
            return NULL;
        const Expr *value = kind == PLAN_JOIN_RIGHT ? right->expr : left->expr;
        if (kind == PLAN_JOIN_FULL) {
            const Expr **sides = arena_new_array(context->arena, const Expr *, 2);
            sides[0] = left->expr;
            sides[1] = right->expr;
            ExprScope bind_scope = {.binder = binder, .scope = scope, .clause = "USING"};
            const Type *common =
                bind_common(&bind_scope, sides, 2, "the columns of USING", ast->place, error);
            if (common == NULL)
                return NULL;
            Expr *coalesce = arena_new_one(context->arena, Expr);
            *coalesce = (Expr){.kind = EXPR_COALESCE,
                               .type = type_with_nullable(context->arena, common, true),
                               .args = sides,
                               .arg_count = 2,
                               .sql_offset = place.offset,
                               .sql_length = place.length};
            value = coalesce;
        }
        left->hidden = right->hidden = true;
        columns[i] = (ScopeColumn){.name = left->name, .expr = value};
    }
    memcpy(columns + count, scope->columns, sizeof(*columns) * scope->count);
    scope->columns = columns;
    scope->count += count;
    return expr_and(&context->site, equalities, count);
}

/* The same value over the join's output, whose columns may be NULL where the side's were not. */
static const Expr *over_output(Arena *arena, const Expr *expr, const Schema *output)
{
    if (expr->kind == EXPR_LITERAL)
        return expr;
    Expr *copy = arena_memdup(arena, expr, sizeof(*expr));
    if (expr->kind == EXPR_COLUMN) {
        copy->type = output->columns[expr->column].type;
        return copy;
    }
    copy->args = arena_new_array(arena, const Expr *, expr->arg_count + 1);
    bool nullable = expr->type->nullable;
    for (uint32_t i = 0; i < expr->arg_count; i++) {
        copy->args[i] = over_output(arena, expr->args[i], output);
        nullable = nullable || (copy->args[i]->type->nullable && !expr->args[i]->type->nullable);
    }
    copy->type = type_with_nullable(arena, expr->type, nullable);
    return copy;
}

static bool bind_condition_of(Binder *binder, const AstTable *ast, PlanJoinKind kind, Scope *scope,
                              uint32_t left_count, QueryList *queries, const Expr **condition,
                              Error *error)
{
    *condition = NULL;
    if (ast->natural || ast->using_count != 0) {
        const char **names = NULL;
        uint32_t count = 0;
        if (!merged_names(binder, ast, scope, left_count, &names, &count, error))
            return false;
        if (count == 0)
            return true;
        *condition = merge_columns(binder, ast, kind, scope, left_count, names, count, error);
        return *condition != NULL;
    }
    if (ast->on == NULL)
        return true;
    bool keeps_versions = kind != PLAN_JOIN_INNER && ast->right->as_of != NULL;
    ExprScope expr_scope = {.binder = binder,
                            .scope = scope,
                            .clause = "ON",
                            .queries = keeps_versions ? NULL : queries};
    *condition = bind_condition(&expr_scope, ast->on, error);
    return *condition != NULL;
}

/* ON TRUE or none. */
static bool joins_always(const AstTable *ast)
{
    bool is_true = ast->on == NULL || (ast->on->kind == AST_BOOLEAN && ast->on->boolean);
    return is_true && !ast->natural && ast->using_count == 0;
}

/* The right side, which may look at the left one when it is LATERAL. */
static bool bind_right(Binder *binder, const AstTable *ast, Relation *left, PlanJoinKind *kind,
                       Lateral *lateral, Relation *right, Error *error)
{
    const AstTable *table = ast->right;
    *lateral = (Lateral){0};
    AstTable now = *table;
    now.as_of = NULL; /* bound over the left side later */
    if (table->kind != AST_TABLE_QUERY || !table->lateral) {
        const Scope *beside = binder->beside;
        binder->beside = &left->scope;
        bool bound = bind_table(binder, &now, right, error);
        binder->beside = beside;
        return bound;
    }
    bool keeps_right = *kind == PLAN_JOIN_RIGHT || *kind == PLAN_JOIN_FULL;
    bool may_pad = !keeps_right && joins_always(ast);
    if (!bind_lateral(binder, left, table, may_pad, lateral, right, error))
        return false;
    if (lateral->is_correlated && keeps_right) {
        error_set(error, ERROR_SYNTAX,
                  "a LATERAL query that looks at the left side cannot be joined by RIGHT or FULL");
        error_hint(error, "Use LEFT JOIN LATERAL or the comma.");
        return bind_error_at(binder, error, table->place);
    }
    if (lateral->defaults != NULL)
        *kind = PLAN_JOIN_LEFT;
    return true;
}

/* FOR SYSTEM_TIME AS OF: which version of the right side's rows is meant. */
static bool bind_as_of(Binder *binder, const AstTable *ast, const Relation *left,
                       const Relation *right, LogicalNode *join, Error *error)
{
    const AstExpr *as_of = ast->right->as_of;
    if (as_of == NULL)
        return true;
    ExprScope scope = {.binder = binder, .scope = &left->scope, .clause = "FOR SYSTEM_TIME AS OF"};
    const Expr *time = bind_expr(&scope, as_of, error);
    if (time == NULL)
        return false;
    if (!bind_need_time(&scope, time, false, "FOR SYSTEM_TIME AS OF", as_of->place, error)) {
        if (bind_can_look_up(right->node))
            error_hint(
                error,
                "To look rows up as they are now, give the left table a column of processing "
                "time (proc AS PROCTIME()) and write FOR SYSTEM_TIME AS OF with it.");
        return false;
    }
    PlanJoinKind kind = join_kind(ast->join);
    if (kind != PLAN_JOIN_INNER && kind != PLAN_JOIN_LEFT) {
        error_set(error, ERROR_UNSUPPORTED, "a %s JOIN cannot be FOR SYSTEM_TIME AS OF",
                  kind == PLAN_JOIN_RIGHT ? "RIGHT" : "FULL");
        error_hint(error,
                   "Versions are looked up for rows of the left side: use JOIN or LEFT JOIN.");
        return bind_error_at(binder, error, ast->place);
    }
    if (bind_time_kind(&left->scope, time) == TIME_PROCESSING)
        return bind_lookup_join(binder, ast, right, join, error);
    int32_t version = logical_rowtime(right->node);
    if (version < 0) {
        error_set(error, ERROR_TYPE, "the right side of FOR SYSTEM_TIME AS OF has no event time");
        error_hint(error,
                   "Its rows need a time from which they hold: declare a PRIMARY KEY and "
                   "WATERMARK FOR a column in CREATE TABLE, and do not lose it in a view.%s",
                   bind_can_look_up(right->node)
                       ? " To look rows up as they are now, give the left table a column AS "
                         "PROCTIME() and use that."
                       : "");
        return bind_error_at(binder, error, ast->right->place);
    }
    LogicalInterval *times = arena_new_one(binder->context->arena, LogicalInterval);
    *times = (LogicalInterval){.time = TIME_EVENT, .times = {time->column, (uint32_t)version}};
    join->class = node_find("temporal_join");
    join->join.interval = times;
    return true;
}

/* Queries in ON of an inner join filter what it gives. */
static bool filter_by_queries(Binder *binder, QueryList *queries, const Expr *on,
                              LogicalNode **node, Error *error)
{
    *node = queries_filter(binder, queries, *node, on, error);
    return *node != NULL;
}

bool bind_join(Binder *binder, const AstTable *ast, Relation *out, Error *error)
{
    const PlannerContext *context = binder->context;
    Relation left, right;
    Lateral lateral;
    PlanJoinKind kind = join_kind(ast->join);
    int64_t ttl_ms[2] = {bind_state_ttl(binder, ast->left), bind_state_ttl(binder, ast->right)};
    if (!bind_table(binder, ast->left, &left, error))
        return false;
    if (bind_is_table_function(ast->right))
        return bind_table_function_join(binder, ast, &left, out, error);
    if (!bind_right(binder, ast, &left, &kind, &lateral, &right, error) ||
        !check_relations(binder, &left.scope, &right.scope, ast, error))
        return false;
    Scope scope = both_scopes(binder, &left, &right);
    const Expr *on = NULL;
    QueryList queries = {0};
    if (!bind_condition_of(binder, ast, kind, &scope, left.scope.count, &queries, &on, error))
        return false;
    const Expr *parts[2];
    uint32_t part_count = 0;
    if (lateral.condition != NULL)
        parts[part_count++] = lateral.condition;
    bool filters = kind == PLAN_JOIN_INNER && queries.count != 0;
    if (on != NULL && !filters)
        parts[part_count++] = on;
    const Expr *condition = expr_and(&context->site, parts, part_count);
    AstPlace place = bind_place(binder, ast->place);
    LogicalNode *sides[2] = {left.node, right.node};
    if (queries.count != 0 && !filters) {
        out->node = bind_on_queries(binder, &queries, kind, sides, condition, ttl_ms, place, error);
        if (out->node == NULL)
            return false;
    } else {
        out->node = logical_join(context->arena, kind, sides[0], sides[1], condition, place);
        out->node->hint_ttl_ms[0] = ttl_ms[0];
        out->node->hint_ttl_ms[1] = ttl_ms[1];
        out->node->join.is_multi = bind_multi_join(binder, ast);
    }
    if (!bind_as_of(binder, ast, &left, &right, out->node, error))
        return false;
    for (uint32_t i = 0; i < scope.count; i++)
        scope.columns[i].expr =
            over_output(context->arena, scope.columns[i].expr, out->node->schema);
    uint32_t first = scope.count - right.scope.count;
    for (uint32_t i = 0; lateral.defaults != NULL && i < right.scope.count; i++)
        scope.columns[first + i].expr = lateral_value(binder, &lateral, out->node, i);
    out->scope = scope;
    return !filters || filter_by_queries(binder, &queries, on, &out->node, error);
}
