/* Making nodes of the logical tree. */
#include "planner/logical.h"

#include <string.h>

extern const NodeClass *const node_table[];

const NodeClass *node_find(const char *op)
{
    uint32_t i = 0;
    while (node_table[i] != NULL && strcmp(node_table[i]->op, op) != 0)
        i++;
    assert(node_table[i] != NULL);
    return node_table[i];
}

LogicalNode *logical_new(Arena *arena, const char *op, const Schema *schema, AstPlace place)
{
    LogicalNode *node = arena_new_one(arena, LogicalNode);
    node->class = node_find(op);
    node->schema = schema;
    node->place = place;
    node->traits.rowtime = -1;
    return node;
}

LogicalNode *logical_new_unary(Arena *arena, const char *op, const Schema *schema,
                               LogicalNode *input, AstPlace place)
{
    LogicalNode *node = logical_new(arena, op, schema, place);
    node->inputs = arena_new_array(arena, LogicalNode *, 1);
    node->inputs[0] = input;
    node->input_count = 1;
    return node;
}

bool logical_is(const LogicalNode *node, const char *op)
{
    return strcmp(node->class->op, op) == 0;
}

TimeKind logical_time(const LogicalNode *node, uint32_t column)
{
    return node->class->time == NULL ? TIME_NONE : node->class->time(node, column);
}

int32_t logical_rowtime(const LogicalNode *node)
{
    for (uint32_t i = 0; i < node->schema->column_count; i++)
        if (logical_time(node, i) == TIME_EVENT)
            return (int32_t)i;
    return -1;
}

const Expr **logical_identity(Arena *arena, const Schema *schema)
{
    const Expr **exprs = arena_new_array(arena, const Expr *, schema->column_count + 1);
    for (uint32_t i = 0; i < schema->column_count; i++)
        exprs[i] = expr_column(arena, i, schema->columns[i].type, (AstPlace){-1, 0});
    return exprs;
}

const Schema *logical_schema(Arena *arena, const Expr *const *projections, const char *const *names,
                             uint32_t count)
{
    Column *columns = arena_new_array(arena, Column, count + 1);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (Column){names[i], projections[i]->type};
    return schema_new(arena, columns, count);
}

LogicalNode *logical_calc(Arena *arena, LogicalNode *input, const Expr *filter,
                          const Expr **projections, const Schema *schema, AstPlace place)
{
    LogicalNode *node = logical_new_unary(arena, "calc", schema, input, place);
    node->calc = (LogicalCalc){.filter = filter, .projections = projections};
    return node;
}

LogicalNode *logical_filter(Arena *arena, LogicalNode *input, const Expr *filter)
{
    return logical_calc(arena, input, filter, logical_identity(arena, input->schema), input->schema,
                        expr_place(filter));
}

const Schema *logical_join_schema(Arena *arena, PlanJoinKind kind, const Schema *left,
                                  const Schema *right)
{
    uint32_t count = left->column_count + right->column_count;
    Column *columns = arena_new_array(arena, Column, count + 1);
    if (logical_is_half_join(kind)) {
        memcpy(columns, left->columns, sizeof(Column) * left->column_count);
        columns[left->column_count] =
            (Column){"$match", type_with_nullable(arena, &type_boolean, false)};
        return schema_new(arena, columns, left->column_count + (kind == PLAN_JOIN_MARK ? 1u : 0u));
    }
    bool left_nullable = kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL;
    bool right_nullable = kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL;
    for (uint32_t i = 0; i < count; i++) {
        bool is_left = i < left->column_count;
        columns[i] = is_left ? left->columns[i] : right->columns[i - left->column_count];
        if (is_left ? left_nullable : right_nullable)
            columns[i].type = type_with_nullable(arena, columns[i].type, true);
    }
    return schema_new(arena, columns, count);
}

const Schema *logical_pair_schema(Arena *arena, const LogicalNode *join)
{
    return logical_join_schema(arena, PLAN_JOIN_INNER, join->inputs[0]->schema,
                               join->inputs[1]->schema);
}

LogicalNode *logical_join(Arena *arena, PlanJoinKind kind, LogicalNode *left, LogicalNode *right,
                          const Expr *condition, AstPlace place)
{
    LogicalNode *node = logical_new(
        arena, "join", logical_join_schema(arena, kind, left->schema, right->schema), place);
    node->input_count = 2;
    node->inputs = arena_new_array(arena, LogicalNode *, 2);
    node->inputs[0] = left;
    node->inputs[1] = right;
    node->join.kind = kind;
    node->join.condition = condition;
    return node;
}

LogicalNode *logical_scan(Arena *arena, const PlanTable *table, const bool *physical,
                          const bool *metadata, AstPlace place)
{
    const TableDef *def = table->def;
    const Schema *stored = table->info.physical;
    LogicalNode *node = logical_new(arena, "scan", NULL, place);
    LogicalScan *scan = &node->scan;
    scan->table = table;
    scan->columns = arena_new_array(arena, uint32_t, stored->column_count + 1);
    scan->metadata = arena_new_array(arena, uint32_t, def->column_count + 1);
    Column *columns = arena_new_array(arena, Column, stored->column_count + def->column_count + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < stored->column_count; i++) {
        if (!physical[i])
            continue;
        scan->columns[scan->column_count++] = i;
        columns[count++] = stored->columns[i];
    }
    for (uint32_t i = 0; i < def->column_count; i++) {
        if (def->columns[i].kind != AST_COLUMN_METADATA || !metadata[i])
            continue;
        scan->metadata[scan->metadata_count++] = i;
        const MetadataColumn *source = &table->connector->metadata[def->columns[i].metadata];
        columns[count++] = (Column){arena_strdup(arena, def->columns[i].name), source->type};
    }
    node->schema = schema_new(arena, columns, count);
    return node;
}

/* --------------------------------------------------------------------- walks */

static void order_visit(Arena *arena, LogicalNode *node, uint32_t visit, LogicalOrder *order)
{
    if (node->visit == visit)
        return;
    for (uint32_t i = 0; i < node->input_count; i++)
        order_visit(arena, node->inputs[i], visit, order);
    node->visit = visit;
    order->nodes =
        arena_grow(arena, order->nodes, sizeof(*order->nodes), order->count, &order->capacity);
    order->nodes[order->count++] = node;
}

LogicalOrder logical_order(const PlannerContext *context, LogicalNode *const *roots, uint32_t count)
{
    LogicalOrder order = {NULL, 0, 0};
    uint32_t visit = ++*context->visits;
    for (uint32_t i = 0; i < count; i++)
        order_visit(context->arena, roots[i], visit, &order);
    return order;
}

/* --------------------------------------------------------------------- labels */

void label_columns(const Schema *schema, const uint32_t *columns, uint32_t count, Buffer *out)
{
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(out, "%s%s", i == 0 ? "" : ", ",
                      schema->columns[columns == NULL ? i : columns[i]].name);
}

const char *label_take(Arena *arena, Buffer *buffer)
{
    const char *text = arena_str(arena, (Str){buffer->data, buffer->length});
    buffer_deinit(buffer);
    return text;
}
