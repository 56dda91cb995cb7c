/* UNION, INTERSECT, EXCEPT: both sides brought to the columns' common types under the left's names.
 *
 * UNION ALL of several queries is one node; UNION is that with a group of all columns above. */
#include "planner/bind/bind.h"

#include <string.h>

static const char *set_name(const AstQuery *query)
{
    return query->set == AST_UNION ? "UNION" : query->set == AST_INTERSECT ? "INTERSECT" : "EXCEPT";
}

/* One side with the columns' common types. */
static LogicalNode *set_side(Binder *binder, LogicalNode *node, const Schema *schema, Error *error)
{
    const PlannerContext *context = binder->context;
    const Expr **projections = logical_identity(context->arena, node->schema);
    bool same = true;
    for (uint32_t i = 0; i < schema->column_count; i++) {
        if (!expr_cast_needed(node->schema->columns[i].type, schema->columns[i].type))
            continue;
        same = false;
        projections[i] = expr_cast(&context->site, projections[i], schema->columns[i].type,
                                   CAST_IMPLICIT, error);
        if (projections[i] == NULL) {
            error_at(error, node->place.offset, node->place.length);
            return NULL;
        }
    }
    return same ? node : logical_calc(context->arena, node, NULL, projections, schema, node->place);
}

/* Whether a column of the result can be NULL, given that it can on the one and the other side. */
static bool set_nullable(AstSetKind set, bool left, bool right)
{
    return set == AST_UNION ? left || right : set == AST_INTERSECT ? left && right : left;
}

static const Schema *set_schema(Binder *binder, const AstQuery *query, const LogicalNode *left,
                                const LogicalNode *right, Error *error)
{
    Arena *arena = binder->context->arena;
    const char *name = set_name(query);
    uint32_t count = left->schema->column_count;
    if (count != right->schema->column_count) {
        error_set(error, ERROR_TYPE, "the sides of %s have %u and %u columns", name, count,
                  right->schema->column_count);
        bind_error_at(binder, error, query->place);
        return NULL;
    }
    Column *columns = arena_new_array(arena, Column, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        const Type *a = left->schema->columns[i].type;
        const Type *b = right->schema->columns[i].type;
        const Type *common = type_common(arena, a, b);
        if (common == NULL) {
            error_set(error, ERROR_TYPE, "column %u of %s is %s on one side and %s on the other",
                      i + 1, name, type_text(arena, a), type_text(arena, b));
            error_hint(error, "CAST one of them to the type of the other.");
            bind_error_at(binder, error, query->place);
            return NULL;
        }
        bool nullable = set_nullable(query->set, a->nullable, b->nullable);
        columns[i] =
            (Column){left->schema->columns[i].name, type_with_nullable(arena, common, nullable)};
    }
    return schema_new(arena, columns, count);
}

static LogicalNode *bind_union(Binder *binder, const AstQuery *query, LogicalNode *left,
                               LogicalNode *right, const Schema *schema)
{
    Arena *arena = binder->context->arena;
    AstPlace place = bind_place(binder, query->place);
    LogicalNode *node = logical_new(arena, "union", schema, place);
    /* a UNION ALL b UNION ALL c is one node with three inputs. */
    bool flat = logical_is(left, "union");
    node->input_count = (flat ? left->input_count : 1) + 1;
    node->inputs = arena_new_array(arena, LogicalNode *, node->input_count);
    if (flat)
        memcpy(node->inputs, left->inputs, sizeof(*node->inputs) * left->input_count);
    else
        node->inputs[0] = left;
    node->inputs[node->input_count - 1] = right;
    return query->all ? node : bind_distinct(binder, node, place);
}

LogicalNode *bind_set(Binder *binder, const AstQuery *query, Error *error)
{
    Arena *arena = binder->context->arena;
    LogicalNode *left = bind_query(binder, query->left, error);
    LogicalNode *right = left == NULL ? NULL : bind_query(binder, query->right, error);
    if (right == NULL)
        return NULL;
    const Schema *schema = set_schema(binder, query, left, right, error);
    if (schema == NULL)
        return NULL;
    const bool *repeated = left->repeated;
    left = set_side(binder, left, schema, error);
    right = left == NULL ? NULL : set_side(binder, right, schema, error);
    if (right == NULL)
        return NULL;
    LogicalNode *node;
    if (query->set == AST_UNION) {
        node = bind_union(binder, query, left, right, schema);
        node->repeated = repeated;
        return node;
    }
    node = logical_new(arena, "set_operation", schema, bind_place(binder, query->place));
    node->input_count = 2;
    node->inputs = arena_new_array(arena, LogicalNode *, 2);
    node->inputs[0] = left;
    node->inputs[1] = right;
    node->set_operation = (LogicalSetOperation){query->set == AST_EXCEPT, query->all};
    node->repeated = repeated;
    return node;
}
