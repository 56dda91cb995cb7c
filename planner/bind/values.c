/* VALUES, and the one row that SELECT without FROM reads.
 *
 * Rows of constants become a values node. A row that is no constant (CURRENT_TIMESTAMP, a query)
 * makes the whole a union of computed rows. */
#include "planner/bind/bind.h"

LogicalNode *bind_one_row(Binder *binder, AstPlace place)
{
    Arena *arena = binder->context->arena;
    Vector *zero = arena_new_one(arena, Vector);
    const Type *type = type_with_nullable(arena, &type_int, false);
    vector_init_constant(zero, type, arena);
    vector_set_valid(zero, 0);
    ((int32_t *)zero->data)[0] = 0;
    Column *column = arena_new_one(arena, Column);
    *column = (Column){"ZERO", type};
    LogicalNode *node = logical_new(arena, "values", schema_new(arena, column, 1), place);
    node->values.row_count = 1;
    node->values.rows = arena_new_array(arena, const Expr **, 1);
    node->values.rows[0] = arena_new_array(arena, const Expr *, 1);
    node->values.rows[0][0] = expr_literal(arena, zero, place);
    return node;
}

/* The cells of a row over what `*node` becomes: one row, and the queries in them. */
static bool bind_cells(Binder *binder, AstExpr *const *cells, uint32_t count, const Expr **out,
                       LogicalNode **node, Error *error)
{
    Scope nothing = {NULL, 0};
    QueryList queries = {0};
    ExprScope scope = {
        .binder = binder, .scope = &nothing, .clause = "VALUES", .queries = &queries};
    for (uint32_t c = 0; c < count; c++) {
        out[c] = bind_expr(&scope, cells[c], error);
        if (out[c] == NULL)
            return false;
    }
    if (!queries_join(binder, &queries, QUERIES_ALL, node, error))
        return false;
    for (uint32_t c = 0; c < count; c++)
        out[c] = queries_replace(binder, &queries, out[c]);
    return true;
}

/* The rows' cells, each over its own node. */
static const Expr ***bind_rows(Binder *binder, const AstQuery *query, uint32_t *columns,
                               LogicalNode **nodes, Error *error)
{
    Arena *arena = binder->context->arena;
    const Expr ***rows = arena_new_array(arena, const Expr **, query->value_count + 1);
    *columns = query->values[0]->kind == AST_ROW ? query->values[0]->arg_count : 1;
    for (uint32_t r = 0; r < query->value_count; r++) {
        const AstExpr *row = query->values[r];
        AstExpr *const *cells = row->kind == AST_ROW ? row->args : &query->values[r];
        uint32_t count = row->kind == AST_ROW ? row->arg_count : 1;
        if (count != *columns) {
            error_set(error, ERROR_TYPE, "row %u of VALUES has %u values, the first has %u", r + 1,
                      count, *columns);
            bind_error_at(binder, error, row->place);
            return NULL;
        }
        rows[r] = arena_new_array(arena, const Expr *, count + 1);
        nodes[r] = bind_one_row(binder, bind_place(binder, query->place));
        if (!bind_cells(binder, cells, count, rows[r], &nodes[r], error))
            return NULL;
    }
    return rows;
}

/* Casts every column to what its rows have in common; the type of the column. */
static const Type *unify_column(Binder *binder, const Expr ***rows, uint32_t row_count,
                                uint32_t column, AstPlace place, Error *error)
{
    Arena *arena = binder->context->arena;
    Scope nothing = {NULL, 0};
    ExprScope scope = {.binder = binder, .scope = &nothing, .clause = "VALUES"};
    const Expr **cells = arena_new_array(arena, const Expr *, row_count + 1);
    for (uint32_t r = 0; r < row_count; r++)
        cells[r] = rows[r][column];
    const Type *type = bind_common(
        &scope, cells, row_count,
        arena_printf(arena, "the rows of column %u of VALUES", column + 1), place, error);
    if (type == NULL)
        return NULL;
    bool nullable = false;
    for (uint32_t r = 0; r < row_count; r++) {
        rows[r][column] = cells[r];
        nullable = nullable || cells[r]->type->nullable;
    }
    return type_with_nullable(arena, type, nullable);
}

static bool all_constant(const Expr ***rows, uint32_t row_count, uint32_t columns)
{
    for (uint32_t r = 0; r < row_count; r++)
        for (uint32_t c = 0; c < columns; c++)
            if (!expr_is_literal(rows[r][c]))
                return false;
    return true;
}

LogicalNode *bind_values(Binder *binder, const AstQuery *query, Error *error)
{
    Arena *arena = binder->context->arena;
    AstPlace place = bind_place(binder, query->place);
    uint32_t count = 0;
    LogicalNode **nodes = arena_new_array(arena, LogicalNode *, query->value_count + 1);
    const Expr ***rows = bind_rows(binder, query, &count, nodes, error);
    if (rows == NULL)
        return NULL;
    Column *columns = arena_new_array(arena, Column, count + 1);
    for (uint32_t c = 0; c < count; c++) {
        const Type *type = unify_column(binder, rows, query->value_count, c, query->place, error);
        if (type == NULL)
            return NULL;
        columns[c] = (Column){arena_printf(arena, "EXPR$%u", c), type};
    }
    const Schema *schema = schema_new(arena, columns, count);
    if (all_constant(rows, query->value_count, count)) {
        LogicalNode *node = logical_new(arena, "values", schema, place);
        node->values.rows = rows;
        node->values.row_count = query->value_count;
        return node;
    }
    LogicalNode *node = logical_new(arena, "union", schema, place);
    node->input_count = query->value_count;
    node->inputs = arena_new_array(arena, LogicalNode *, query->value_count);
    for (uint32_t r = 0; r < query->value_count; r++)
        node->inputs[r] = logical_calc(arena, nodes[r], NULL, rows[r], schema, place);
    return query->value_count == 1 ? node->inputs[0] : node;
}
