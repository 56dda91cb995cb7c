/* calc: filter, then projection. Keys survive where their columns are passed on as they are.
 *
 * A filter on columns that an update may change can drop the new row while the old one was passed:
 * so it needs -U, unless it looks at columns of one upsert key only, which an update leaves alone.
 */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_calc;

/* Substituting projections into a filter that is larger than this is not worth it. */
#define PUSHED_SIZE_MAX 2000

static bool calc_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalCalc *x = &a->calc, *y = &b->calc;
    if ((x->filter == NULL) != (y->filter == NULL))
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

static uint32_t integer_digits(const Type *type)
{
    switch (type->kind) {
    case TYPE_TINYINT:
        return 3;
    case TYPE_SMALLINT:
        return 5;
    case TYPE_INT:
        return 10;
    case TYPE_BIGINT:
        return 19;
    default:
        return 0;
    }
}

/* Whether different values of the one type stay different values of the other. */
static bool cast_keeps_apart(const Type *from, const Type *to)
{
    uint32_t digits = integer_digits(from);
    if (digits == 0)
        return false;
    if (integer_digits(to) != 0)
        return integer_digits(to) >= digits;
    if (to->kind == TYPE_DECIMAL)
        return (uint32_t)(to->precision - to->scale) >= digits;
    return to->kind == TYPE_VARCHAR && (uint32_t)to->length > digits; /* and a sign */
}

/* The input column that the projection is, as it stands or under a wider type; -1: none. */
static int64_t source_column(const Expr *expr, bool *is_cast)
{
    *is_cast = false;
    if (expr->kind == EXPR_COLUMN)
        return expr->column;
    if (expr->kind != EXPR_CALL || expr->arg_count != 1 || expr->args[0]->kind != EXPR_COLUMN ||
        expr->call.function == NULL || strcmp(expr->call.function->name, "CAST") != 0 ||
        !cast_keeps_apart(expr->args[0]->type, expr->type))
        return -1;
    *is_cast = true;
    return expr->args[0]->column;
}

/* Where each input column went, a plain one rather than a cast one or the other way round. */
static uint32_t *column_map(const PlannerContext *context, const LogicalNode *node,
                            bool prefer_cast)
{
    uint32_t count = node->inputs[0]->schema->column_count;
    uint32_t *map = arena_new_array(context->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        map[i] = UINT32_MAX;
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < node->schema->column_count; i++) {
            bool is_cast = false;
            int64_t column = source_column(node->calc.projections[i], &is_cast);
            if (column >= 0 && is_cast == (prefer_cast == (pass == 0)) && map[column] == UINT32_MAX)
                map[column] = i;
        }
    }
    return map;
}

static TimeKind calc_time(const LogicalNode *node, uint32_t column)
{
    const Expr *expr = node->calc.projections[column];
    if (expr->kind == EXPR_COLUMN)
        return logical_time(node->inputs[0], expr->column);
    bool is_clock = expr->kind == EXPR_CALL && expr->call.function != NULL &&
                    strcmp(expr->call.function->name, "PROCTIME") == 0;
    return is_clock ? TIME_PROCESSING : TIME_NONE;
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

static bool calc_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    traits_map_keys(context->arena, &node->traits, &input->traits,
                    column_map(context, node, false));
    traits_map_keys(context->arena, &node->traits, &input->traits, column_map(context, node, true));
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    node->changes = input->changes;
    node->loose_pairs = input->loose_pairs;
    node->parts_updates = input->parts_updates;
    if (node->calc.filter == NULL || (input->changes & CHANGE_CLASS_UPDATE) == 0 ||
        filter_on_upsert_key(context, node))
        return true;
    /* Of an update whose one half is filtered out the other becomes an insert or a delete, if the
     * two are seen together. */
    node->changes = CHANGE_CLASS_ALL;
    node->parts_updates = node->parts_updates || input->loose_pairs;
    return true;
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

static int64_t calc_column_of_input(const LogicalNode *node, uint32_t input, uint32_t column)
{
    for (uint32_t i = 0; i < node->schema->column_count; i++) {
        const Expr *expr = node->calc.projections[i];
        if (expr->kind == EXPR_COLUMN && expr->column == column)
            return i;
    }
    return -1;
}

static void calc_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, node->calc.filter == NULL ? "SELECT" : "WHERE");
}

static Pruned prune_calc(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    if (node->calc.whole)
        memset(keep, true, count);
    uint32_t kept = 0;
    uint32_t *map = prune_kept(arena, keep, count, &kept);
    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    if (node->calc.filter != NULL)
        expr_mark_columns(node->calc.filter, used);
    for (uint32_t i = 0; i < count; i++)
        if (keep[i])
            expr_mark_columns(node->calc.projections[i], used);
    Pruned input = prune_input(pruning, node->inputs[0], used);
    const Expr **projections = arena_new_array(arena, const Expr *, kept + 1);
    for (uint32_t i = 0; i < count; i++)
        if (keep[i])
            projections[map[i]] =
                expr_map_columns(&pruning->context->site, node->calc.projections[i], input.map);
    const Expr *filter = node->calc.filter == NULL ? NULL
                                                   : expr_map_columns(&pruning->context->site,
                                                                      node->calc.filter, input.map);
    LogicalNode *copy = logical_calc(arena, input.node, filter, projections,
                                     prune_schema(arena, node->schema, map, kept), node->place);
    return (Pruned){copy, map};
}

static bool can_substitute(const PlannerContext *context, const LogicalNode *calc,
                           const Expr *filter)
{
    uint32_t count = calc->schema->column_count;
    bool *used = arena_new_array(context->arena, bool, count + 1);
    expr_mark_columns(filter, used);
    uint32_t size = expr_size(filter, PUSHED_SIZE_MAX);
    for (uint32_t i = 0; i < count && size < PUSHED_SIZE_MAX; i++) {
        if (!used[i])
            continue;
        if (!expr_is_deterministic(calc->calc.projections[i]))
            return false;
        size += expr_size(calc->calc.projections[i], PUSHED_SIZE_MAX);
    }
    return size < PUSHED_SIZE_MAX;
}

static LogicalNode *push_calc(const Pushing *pushing, LogicalNode *node, const Conjuncts *list)
{
    const PlannerContext *context = pushing->context;
    if (node->calc.whole) {
        Conjuncts none = {0};
        LogicalNode *copy = arena_memdup(context->arena, node, sizeof(*node));
        copy->inputs = arena_new_array(context->arena, LogicalNode *, 1);
        copy->inputs[0] = push_input(pushing, node->inputs[0], &none);
        return push_above(pushing, copy, list);
    }
    Conjuncts below = {0}, above = {0}, here = {0};
    if (node->calc.filter != NULL) {
        Conjuncts own = {0};
        conjuncts_add(context->arena, &own, node->calc.filter);
        for (uint32_t i = 0; i < own.count; i++)
            conjuncts_add(context->arena, expr_is_deterministic(own.items[i]) ? &below : &here,
                          own.items[i]);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (!can_substitute(context, node, list->items[i])) {
            conjuncts_add(context->arena, &above, list->items[i]);
            continue;
        }
        conjuncts_add(context->arena, &below,
                      expr_replace_columns(&context->site, list->items[i], node->calc.projections));
    }
    LogicalNode *copy =
        logical_calc(context->arena, push_input(pushing, node->inputs[0], &below),
                     here.count == 0 ? NULL : expr_and(&context->site, here.items, here.count),
                     node->calc.projections, node->schema, node->place);
    return push_above(pushing, copy, &above);
}

const NodeClass node_calc = {
    .op = "calc",
    .equal = calc_equal,
    .derive = calc_derive,
    .time = calc_time,
    .passes_before = true,
    .needs_before = calc_needs_before,
    .lower = calc_lower,
    .identify = calc_identify,
    .describe = calc_describe,
    .column_of_input = calc_column_of_input,
    .prune = prune_calc,
    .push = push_calc,
    .is_light = true,
};
