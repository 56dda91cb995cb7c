/* calc: filter, then projection. Keys survive where their columns are passed on as they are.
 *
 * A filter on columns that an update may change can drop the new row while the old one was passed:
 * so it needs -U, unless it looks at columns of one upsert key only, which an update leaves alone.
 */
#include "planner/lower.h"

extern const NodeClass node_calc;

static bool calc_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalCalc *x = &a->calc, *y = &b->calc;
    if ((x->filter == NULL) != (y->filter == NULL) || x->rowtime != y->rowtime)
        return false;
    if (x->filter != NULL &&
        (!expr_equal(x->filter, y->filter) || !expr_is_deterministic(x->filter)))
        return false;
    for (uint32_t i = 0; i < a->schema->column_count; i++)
        if (!expr_equal(x->projections[i], y->projections[i]) ||
            !expr_is_deterministic(x->projections[i]))
            return false;
    return true;
}

static bool calc_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    uint32_t *map = arena_new_array(context->arena, uint32_t, input->schema->column_count + 1);
    for (uint32_t i = 0; i < input->schema->column_count; i++)
        map[i] = UINT32_MAX;
    for (uint32_t i = 0; i < node->schema->column_count; i++) {
        const Expr *expr = node->calc.projections[i];
        if (expr->kind == EXPR_COLUMN && map[expr->column] == UINT32_MAX)
            map[expr->column] = i;
    }
    traits_map_keys(context->arena, &node->traits, &input->traits, map);
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = node->calc.rowtime;
    if (node->calc.rowtime < 0 && input->traits.rowtime >= 0)
        node->traits.rowtime = (int32_t)map[input->traits.rowtime]; /* UINT32_MAX is -1 */
    node->changes = input->changes;
    node->parts_updates = input->parts_updates;
    /* Of an update whose one half is filtered out the other becomes an insert or a delete. */
    if (node->calc.filter != NULL && (input->changes & CHANGE_CLASS_UPDATE) != 0)
        node->changes = CHANGE_CLASS_ALL;
    return true;
}

static bool filter_on_upsert_key(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalNode *input = node->inputs[0];
    uint32_t count = input->schema->column_count;
    bool *used = arena_new_array(context->arena, bool, count + 1);
    expr_mark_columns(node->calc.filter, used);
    uint32_t *columns = arena_new_array(context->arena, uint32_t, count + 1);
    uint32_t used_count = 0;
    for (uint32_t i = 0; i < count; i++)
        if (used[i])
            columns[used_count++] = i;
    ColumnSet filter = {used_count, columns};
    for (uint32_t i = 0; i < input->traits.upsert_key_count; i++)
        if (column_set_contains(input->traits.upsert_keys[i], filter))
            return expr_is_deterministic(node->calc.filter);
    return false;
}

static bool calc_needs_before(const PlannerContext *context, const LogicalNode *node,
                              uint32_t input)
{
    if (node->traits.wants_before)
        return true;
    return node->calc.filter != NULL && !filter_on_upsert_key(context, node);
}

static bool calc_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    PlanCalc *spec = arena_new_one(context->arena, PlanCalc);
    spec->filter = node->calc.filter;
    spec->projections = node->calc.projections;
    spec->split_updates =
        node->calc.filter != NULL && (input->traits.kinds & CHANGES_OF(CHANGE_UPDATE_BEFORE)) != 0;
    node->plan->spec = spec;

    Buffer label = {0};
    buffer_append_text(&label, "Calc(select=[");
    for (uint32_t i = 0; i < node->schema->column_count; i++) {
        const Expr *expr = spec->projections[i];
        const char *name = node->schema->columns[i].name;
        if (i != 0)
            buffer_append_text(&label, ", ");
        size_t start = label.length;
        expr_print(expr, input->schema, &label);
        bool same = label.length - start == strlen(name) &&
                    memcmp(label.data + start, name, strlen(name)) == 0;
        if (!same)
            buffer_printf(&label, " AS %s", name);
    }
    buffer_append_char(&label, ']');
    if (spec->filter != NULL) {
        buffer_append_text(&label, ", where=[");
        expr_print(spec->filter, input->schema, &label);
        buffer_append_char(&label, ']');
    }
    buffer_append_char(&label, ')');
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void calc_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalNode *input = node->inputs[0];
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    if (node->calc.filter != NULL)
        identity_append_expr(text, node->calc.filter, input->column_identities);
    /* Rows are what passes the filter, whatever is computed from them. */
    node->row_identity =
        node->calc.filter == NULL ? input->row_identity : hash_bytes(text->data, text->length);
    for (uint32_t i = 0; i < count; i++) {
        columns[i] = identity_of_expr(node->calc.projections[i], input->column_identities);
        identity_append(text, columns[i]);
    }
    node->column_identities = columns;
}

static void calc_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, node->calc.filter == NULL ? "SELECT" : "WHERE");
}

const NodeClass node_calc = {
    .op = "calc",
    .equal = calc_equal,
    .derive = calc_derive,
    .passes_before = true,
    .needs_before = calc_needs_before,
    .lower = calc_lower,
    .identify = calc_identify,
    .describe = calc_describe,
};
