/* The nodes of OVER: which calls share one, in which order they stand.
 *
 * Calls with one partition and one order share a node, whatever their frames: they share its rows
 * in state as well. Nodes with one partition stand together, so that rows move once; those that
 * only rank stand on top, where a filter on the rank can make a Top-N of them. Below the lowest
 * node a calc computes what partitions, orders and arguments need beyond columns. */
#include "planner/bind/bind.h"

#include <string.h>

/* The columns over nodes read: the input's, then computed ones. */
typedef struct InputList {
    const Expr **exprs;
    uint32_t count;
    uint32_t own; /* the input's */
} InputList;

static uint32_t input_add(InputList *list, const Expr *expr)
{
    if (expr->kind == EXPR_COLUMN)
        return expr->column;
    for (uint32_t i = list->own; i < list->count; i++)
        if (expr_equal(list->exprs[i], expr))
            return i;
    list->exprs[list->count] = expr;
    return list->count++;
}

/* Calls of one window, and where it stands among the nodes. */
typedef struct OverGroup {
    LogicalOver over;
    uint32_t *sites; /* of the list, by call */
    bool ranks_only;
    bool placed;
} OverGroup;

static bool partitions_equal(const LogicalOver *a, const LogicalOver *b)
{
    return a->partition_count == b->partition_count &&
           (a->partition_count == 0 ||
            memcmp(a->partition, b->partition, sizeof(*a->partition) * a->partition_count) == 0);
}

static bool windows_equal(const LogicalOver *a, const LogicalOver *b)
{
    if (!partitions_equal(a, b) || a->order_count != b->order_count)
        return false;
    for (uint32_t i = 0; i < a->order_count; i++)
        if (a->order[i].column != b->order[i].column ||
            a->order[i].descending != b->order[i].descending ||
            a->order[i].nulls_last != b->order[i].nulls_last)
            return false;
    return true;
}

/* A column of the partition, or one that came before, decides nothing in the order. A distance is
 * along the one column there is, so that one stays. */
static bool order_needs(const OverSite *site, const LogicalOver *over, uint32_t column,
                        bool is_literal)
{
    if (site->frame.start.distance != NULL || site->frame.end.distance != NULL)
        return true;
    for (uint32_t i = 0; i < over->partition_count; i++)
        if (over->partition[i] == column)
            return false;
    for (uint32_t i = 0; i < over->order_count; i++)
        if (over->order[i].column == column)
            return false;
    return !is_literal;
}

static LogicalOver window_of(Arena *arena, const OverSite *site, InputList *inputs)
{
    LogicalOver over = {0};
    uint32_t *partition = arena_new_array(arena, uint32_t, site->partition_count + 1);
    for (uint32_t i = 0; i < site->partition_count; i++)
        partition[i] = input_add(inputs, site->partition[i]);
    ColumnSet set = column_set_new(arena, partition, site->partition_count);
    over.partition = arena_new_array(arena, uint32_t, set.count + 1);
    if (set.count != 0)
        memcpy(over.partition, set.columns, sizeof(*set.columns) * set.count);
    over.partition_count = set.count;
    over.order = arena_new_array(arena, PlanSortKey, site->order_count + 1);
    for (uint32_t i = 0; i < site->order_count; i++) {
        const Expr *expr = site->order[i];
        PlanSortKey key = site->order_keys[i];
        key.column = input_add(inputs, expr);
        if (order_needs(site, &over, key.column, expr_is_literal(expr)))
            over.order[over.order_count++] = key;
    }
    return over;
}

static LogicalOverCall call_of(Arena *arena, const OverSite *site, InputList *inputs)
{
    LogicalOverCall call = {.name = site->name,
                            .window = site->window,
                            .arguments = arena_new_array(arena, uint32_t, site->arg_count + 1),
                            .argument_types = site->arg_types,
                            .literals = site->literals,
                            .argument_count = site->arg_count,
                            .filter = -1,
                            .distinct = site->distinct,
                            .ignore_nulls = site->ignore_nulls,
                            .number = site->number,
                            .frame = site->frame,
                            .type = site->type,
                            .place = site->place};
    for (uint32_t i = 0; i < site->arg_count; i++)
        call.arguments[i] = input_add(inputs, site->args[i]);
    if (site->filter != NULL)
        call.filter = (int32_t)input_add(inputs, site->filter);
    return call;
}

static bool only_ranks(const OverSite *site)
{
    return site->window != NULL && site->window->kind <= WINDOW_DENSE_RANK;
}

static uint32_t group_calls(Arena *arena, const OverList *list, InputList *inputs,
                            OverGroup *groups)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        const OverSite *site = &list->sites[i];
        LogicalOver window = window_of(arena, site, inputs);
        uint32_t at = 0;
        while (at < count && (!windows_equal(&groups[at].over, &window) ||
                              groups[at].over.call_count == PLAN_OVER_CALLS_MAX))
            at++;
        OverGroup *group = &groups[at];
        if (at == count) {
            count++;
            *group = (OverGroup){.over = window, .ranks_only = true};
            group->over.calls = arena_new_array(arena, LogicalOverCall, list->count + 1);
            group->sites = arena_new_array(arena, uint32_t, list->count + 1);
        }
        group->ranks_only = group->ranks_only && only_ranks(site);
        group->sites[group->over.call_count] = i;
        group->over.calls[group->over.call_count++] = call_of(arena, site, inputs);
    }
    return count;
}

/* The next group to stand on the node: of the same partition if there is one, ranks last. */
static OverGroup *next_group(OverGroup *groups, uint32_t count, const LogicalOver *below)
{
    OverGroup *best = NULL;
    uint32_t best_rank = UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        OverGroup *group = &groups[i];
        if (group->placed)
            continue;
        bool moves = below == NULL || !partitions_equal(&group->over, below);
        uint32_t rank = (group->ranks_only ? 2u : 0u) + (moves ? 1u : 0u);
        if (rank < best_rank) {
            best = group;
            best_rank = rank;
        }
    }
    best->placed = true;
    return best;
}

static LogicalNode *input_calc(Arena *arena, LogicalNode *input, const InputList *inputs,
                               AstPlace place)
{
    if (inputs->count == inputs->own)
        return input;
    const char **names = arena_new_array(arena, const char *, inputs->count + 1);
    for (uint32_t i = 0; i < inputs->count; i++)
        names[i] = i < inputs->own ? input->schema->columns[i].name
                                   : arena_printf(arena, "$w%u", i - inputs->own);
    return logical_calc(arena, input, NULL, inputs->exprs,
                        logical_schema(arena, inputs->exprs, names, inputs->count), place);
}

static LogicalNode *group_node(Arena *arena, LogicalNode *input, const OverGroup *group,
                               uint32_t *columns)
{
    const LogicalOver *over = &group->over;
    uint32_t own = input->schema->column_count;
    Column *all = arena_new_array(arena, Column, own + over->call_count + 1);
    memcpy(all, input->schema->columns, sizeof(*all) * own);
    for (uint32_t i = 0; i < over->call_count; i++) {
        all[own + i] = (Column){arena_printf(arena, "$o%u", group->sites[i]), over->calls[i].type};
        columns[group->sites[i]] = own + i;
    }
    const Schema *schema = schema_new(arena, all, own + over->call_count);
    LogicalNode *node = logical_new_unary(arena, "over", schema, input, over->calls[0].place);
    node->over = *over;
    return node;
}

/* The expression with the columns that hold the calls' values. */
static const Expr *place_calls(const ExprSite *site, const Expr *expr, const uint32_t *columns)
{
    if (expr->kind == EXPR_COLUMN)
        return expr->column < OVER_COLUMN_BASE
                   ? expr
                   : expr_column(site->arena, columns[expr->column - OVER_COLUMN_BASE], expr->type,
                                 expr_place(expr));
    if (expr->arg_count == 0)
        return expr;
    const Expr **args = arena_new_array(site->arena, const Expr *, expr->arg_count + 1);
    for (uint32_t i = 0; i < expr->arg_count; i++)
        args[i] = place_calls(site, expr->args[i], columns);
    return expr_with_args(site, expr, args);
}

LogicalNode *bind_over_nodes(Binder *binder, LogicalNode *input, const OverList *list,
                             const Expr **exprs, uint32_t expr_count, AstPlace place)
{
    Arena *arena = binder->context->arena;
    uint32_t own = input->schema->column_count;
    uint32_t most = own + over_list_expressions(list, NULL);
    InputList inputs = {arena_new_array(arena, const Expr *, most + 1), own, own};
    memcpy(inputs.exprs, logical_identity(arena, input->schema), sizeof(*exprs) * own);
    OverGroup *groups = arena_new_array(arena, OverGroup, list->count + 1);
    uint32_t group_count = group_calls(arena, list, &inputs, groups);

    uint32_t *columns = arena_new_array(arena, uint32_t, list->count + 1);
    LogicalNode *node = input_calc(arena, input, &inputs, place);
    const LogicalOver *below = NULL;
    for (uint32_t i = 0; i < group_count; i++) {
        const OverGroup *group = next_group(groups, group_count, below);
        below = &group->over;
        node = group_node(arena, node, group, columns);
    }
    for (uint32_t i = 0; i < expr_count; i++)
        exprs[i] = place_calls(&binder->context->site, exprs[i], columns);
    return node;
}
