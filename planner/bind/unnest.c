/* Table functions in FROM: UNNEST(list), and LATERAL TABLE(f(…)) for any f that gives a list.
 *
 * The list is one more column of a calc over what stands left in FROM (or over one row), and a node
 * above gives a row per element: the columns from the left, then those of the element, then its
 * number. Whatever the function, running it is the calc's work. */
#include "planner/bind/bind.h"
#include "planner/rules/decorrelate.h"

#include <string.h>

bool bind_is_table_function(const AstTable *ast)
{
    return ast->kind == AST_TABLE_FUNCTION && ast->call != NULL && !bind_is_window_tvf(ast->call);
}

/* The list that FROM asks for the elements of, over the rows of `left`; queries in it are joined to
 * those. */
static const Expr *bind_list(Binder *binder, Relation *left, const AstTable *ast, Error *error)
{
    const AstExpr *call = ast->call;
    QueryList queries = {0};
    ExprScope expr_scope = {
        .binder = binder, .scope = &left->scope, .clause = "FROM", .queries = &queries};
    bool unnests = strcmp(call->function, "UNNEST") == 0;
    if (unnests && call->arg_count != 1) {
        error_set(error, ERROR_TYPE, "UNNEST takes one ARRAY, MAP or MULTISET");
        bind_error_at(binder, error, call->place);
        return NULL;
    }
    const Expr *list = bind_expr(&expr_scope, unnests ? call->args[0] : call, error);
    if (list == NULL)
        return NULL;
    if (list->type->physical == PHYSICAL_LIST)
        return queries_join(binder, &queries, QUERIES_ALL, &left->node, error)
                   ? queries_replace(binder, &queries, list)
                   : NULL;
    error_set(error, ERROR_TYPE, "%s gives no table but a value of type %s",
              unnests ? "the argument of UNNEST" : call->function,
              type_text(binder->context->arena, list->type));
    error_hint(error, "In FROM may stand what is an ARRAY, a MAP or a MULTISET.");
    bind_error_at(binder, error, unnests ? call->args[0]->place : call->place);
    return NULL;
}

/* The columns of an element: fields of a ROW, key and value of a MAP, or the element itself. */
static uint32_t element_columns(Arena *arena, const Type *list, bool padded, Column **columns)
{
    const Type *element = list->fields[0].type;
    bool is_map = list->kind == TYPE_MAP, is_row = !is_map && element->kind == TYPE_ROW;
    uint32_t count = is_map ? 2 : is_row ? element->field_count : 1;
    *columns = arena_new_array(arena, Column, count + 2);
    for (uint32_t i = 0; i < count; i++) {
        const Type *type = is_map   ? list->fields[i].type
                           : is_row ? element->fields[i].type
                                    : element;
        bool nullable = type->nullable || padded || (is_row && element->nullable);
        const char *name = is_map   ? (i == 0 ? "KEY" : "VALUE")
                           : is_row ? element->fields[i].name
                                    : "EXPR$0";
        (*columns)[i] = (Column){name, type_with_nullable(arena, type, nullable)};
    }
    return count;
}

/* `left` with the list behind its columns. */
static LogicalNode *with_list(Arena *arena, LogicalNode *left, const Expr *list, AstPlace place)
{
    uint32_t count = left->schema->column_count;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 2);
    const char **names = arena_new_array(arena, const char *, count + 2);
    memcpy(projections, logical_identity(arena, left->schema), sizeof(*projections) * count);
    for (uint32_t i = 0; i < count; i++)
        names[i] = left->schema->columns[i].name;
    projections[count] = list;
    names[count] = "$list";
    return logical_calc(arena, left, NULL, projections,
                        logical_schema(arena, projections, names, count + 1), place);
}

static LogicalNode *unnest_node(Binder *binder, LogicalNode *left, const Expr *list,
                                const AstTable *ast, bool outer)
{
    Arena *arena = binder->context->arena;
    AstPlace place = bind_place(binder, ast->place);
    uint32_t passed = left->schema->column_count;
    Column *element;
    uint32_t element_count = element_columns(arena, list->type, outer, &element);
    if (ast->with_ordinality)
        element[element_count++] =
            (Column){"ORDINALITY", type_with_nullable(arena, &type_int, outer)};
    Column *columns = arena_new_array(arena, Column, passed + element_count + 1);
    LogicalUnnest unnest = {.passed = arena_new_array(arena, uint32_t, passed + 1),
                            .passed_count = passed,
                            .list = passed,
                            .ordinality = ast->with_ordinality,
                            .outer = outer};
    for (uint32_t i = 0; i < passed; i++) {
        unnest.passed[i] = i;
        columns[i] = left->schema->columns[i];
    }
    memcpy(columns + passed, element, sizeof(*element) * element_count);
    LogicalNode *node =
        logical_new_unary(arena, "unnest", schema_new(arena, columns, passed + element_count),
                          with_list(arena, left, list, place), place);
    node->unnest = unnest;
    return node;
}

/* Names of the element's columns: those the user gave, else their own. */
static bool name_columns(Binder *binder, const AstTable *ast, const LogicalNode *node,
                         uint32_t first, Scope *scope, Error *error)
{
    Arena *arena = binder->context->arena;
    const char *relation = ast->alias == NULL ? NULL : arena_strdup(arena, ast->alias);
    scope->count = node->schema->column_count - first;
    scope->columns = arena_new_array(arena, ScopeColumn, scope->count + 1);
    if (ast->column_alias_count > scope->count) {
        error_set(error, ERROR_NAME, "%u column aliases for %u columns", ast->column_alias_count,
                  scope->count);
        return bind_error_at(binder, error, ast->place);
    }
    for (uint32_t i = 0; i < scope->count; i++) {
        const Column *column = &node->schema->columns[first + i];
        const char *name = i < ast->column_alias_count ? arena_strdup(arena, ast->column_aliases[i])
                                                       : column->name;
        scope->columns[i] =
            (ScopeColumn){.relation = relation,
                          .name = name,
                          .expr = expr_column(arena, first + i, column->type, (AstPlace){-1, 0})};
    }
    return true;
}

bool bind_table_function(Binder *binder, const AstTable *ast, Relation *out, Error *error)
{
    Relation row = {.node = bind_one_row(binder, bind_place(binder, ast->place))};
    const Expr *list = bind_list(binder, &row, ast, error);
    if (list == NULL)
        return false;
    out->node = unnest_node(binder, row.node, list, ast, false);
    return name_columns(binder, ast, out->node, row.node->schema->column_count, &out->scope, error);
}

static bool refuse_join(const Binder *binder, const AstTable *join, Error *error)
{
    if (join->join == AST_JOIN_RIGHT || join->join == AST_JOIN_FULL) {
        error_set(error, ERROR_UNSUPPORTED, "a table function cannot stand right of %s JOIN",
                  join->join == AST_JOIN_RIGHT ? "RIGHT" : "FULL");
        error_hint(error, "Its rows are made for each row of the left side: use CROSS JOIN or LEFT "
                          "JOIN … ON TRUE.");
        return bind_error_at(binder, error, join->right->place);
    }
    if (join->natural || join->using_count != 0) {
        error_set(error, ERROR_UNSUPPORTED, "a table function is not joined with USING");
        error_hint(error, "Use CROSS JOIN, and a condition in WHERE.");
        return bind_error_at(binder, error, join->right->place);
    }
    return true;
}

/* A condition with queries in it is asked of the pairs of row and element; rows without one, as
 * those of which no element is left, are found by what the list and the condition look at. */
static bool pair_elements(Binder *binder, const AstTable *join, const Relation *left,
                          const Expr *list, QueryList *queries, const Expr *on, Relation *out,
                          Error *error)
{
    Arena *arena = binder->context->arena;
    LogicalNode *rows = decorrelate_share(arena, left->node);
    JoinPairs pairs = {.kind = PLAN_JOIN_LEFT,
                       .sides = {rows, NULL},
                       .counts = {rows->schema->column_count, 0},
                       .node = unnest_node(binder, rows, list, join->right, false),
                       .schema = out->node->schema};
    uint32_t count = pairs.node->schema->column_count;
    pairs.counts[1] = count - pairs.counts[0];
    pairs.used = arena_new_array(arena, bool, count + 1);
    expr_mark_columns(list, pairs.used);
    queries_mark_used(queries, on, pairs.used);
    out->node = bind_join_pairs(binder, queries, &pairs, on, error);
    return out->node != NULL;
}

/* ON filters an inner join; with LEFT it says which elements count. */
static bool add_condition(Binder *binder, const AstTable *join, const Relation *left,
                          const Expr *list, Relation *out, Error *error)
{
    if (join->on == NULL)
        return true;
    QueryList queries = {0};
    ExprScope scope = {.binder = binder, .scope = &out->scope, .clause = "ON", .queries = &queries};
    const Expr *condition = bind_condition(&scope, join->on, error);
    if (condition == NULL)
        return false;
    if (expr_is_boolean(condition, true))
        return true;
    if (join->join == AST_JOIN_LEFT && queries.count != 0)
        return pair_elements(binder, join, left, list, &queries, condition, out, error);
    if (join->join == AST_JOIN_LEFT)
        out->node->unnest.condition = condition;
    else
        out->node = queries_filter(binder, &queries, out->node, condition, error);
    return out->node != NULL;
}

bool bind_table_function_join(Binder *binder, const AstTable *join, Relation *left, Relation *out,
                              Error *error)
{
    Arena *arena = binder->context->arena;
    const AstTable *ast = join->right;
    if (!refuse_join(binder, join, error))
        return false;
    const Expr *list = bind_list(binder, left, ast, error);
    if (list == NULL)
        return false;
    out->node = unnest_node(binder, left->node, list, ast, join->join == AST_JOIN_LEFT);
    Scope right;
    if (!name_columns(binder, ast, out->node, left->node->schema->column_count, &right, error))
        return false;
    out->scope.count = left->scope.count + right.count;
    out->scope.columns = arena_new_array(arena, ScopeColumn, out->scope.count + 1);
    if (left->scope.count != 0)
        memcpy(out->scope.columns, left->scope.columns, sizeof(ScopeColumn) * left->scope.count);
    memcpy(out->scope.columns + left->scope.count, right.columns,
           sizeof(ScopeColumn) * right.count);
    return add_condition(binder, join, left, list, out, error);
}
