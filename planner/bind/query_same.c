/* Whether two queries inside expressions of one SELECT are the same: as GROUP BY (query) and the
 * select list with that query say the same thing twice.
 *
 * Bound in one place they have the same nodes; only the numbers of their references to the rows
 * around differ, so the one's are put for the other's first. Cost: a walk over the query for each
 * one before it that looks outside in the same way. */
#include <string.h>

#include "planner/bind/bind.h"
#include "planner/rules/decorrelate.h"
#include "planner/shares.h"

/* The tree with the references of `from` as those of `to`. */
static LogicalNode *renumbered(const PlannerContext *context, OuterSlots from,
                               const Expr *const *to, LogicalNode *node)
{
    if (!outer_in_tree(from, node))
        return node;
    Arena *arena = context->arena;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = renumbered(context, from, to, node->inputs[i]);
    if (logical_is(node, "join") && node->join.condition != NULL)
        copy->join.condition = outer_replace(context, from, node->join.condition, to, 0);
    if (logical_is(node, "unnest") && node->unnest.condition != NULL)
        copy->unnest.condition = outer_replace(context, from, node->unnest.condition, to, 0);
    if (!logical_is(node, "calc"))
        return copy;
    uint32_t count = node->schema->column_count;
    copy->calc.projections = arena_new_array(arena, const Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        copy->calc.projections[i] = outer_replace(context, from, node->calc.projections[i], to, 0);
    if (node->calc.filter != NULL)
        copy->calc.filter = outer_replace(context, from, node->calc.filter, to, 0);
    return copy;
}

static bool all_equal(const Expr *const *a, const Expr *const *b, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (!expr_equal(a[i], b[i]))
            return false;
    return true;
}

/* Columns that nobody looks at, such as a processing time, make no difference. */
static LogicalNode *pruned(const PlannerContext *context, QuerySite *site)
{
    if (site->pruned != NULL)
        return site->pruned;
    const Schema *schema = site->query->schema; /* all of it is looked at */
    site->pruned = logical_calc(context->arena, site->query, NULL,
                                logical_identity(context->arena, schema), schema, site->place);
    rule_prune_columns(context, &site->pruned, 1);
    return site->pruned;
}

/* With `same_text` also where the functions in a projection may give another value each time. */
static bool same_tree(const LogicalNode *a, const LogicalNode *b, bool same_text)
{
    if (a->input_count != b->input_count)
        return false;
    for (uint32_t i = 0; i < a->input_count; i++)
        if (!same_tree(a->inputs[i], b->inputs[i], same_text))
            return false;
    if (!same_text || !logical_is(a, "calc") || !logical_is(b, "calc"))
        return logical_alike(a, b);
    const Expr *filters[2] = {a->calc.filter, b->calc.filter};
    return schema_equal(a->schema, b->schema) && (filters[0] == NULL) == (filters[1] == NULL) &&
           (filters[0] == NULL || expr_equal(filters[0], filters[1])) &&
           all_equal(a->calc.projections, b->calc.projections, a->schema->column_count);
}

static bool same_query(const Binder *binder, QuerySite *a, QuerySite *b)
{
    const PlannerContext *context = binder->context;
    const OuterFrame *around = a->frame;
    uint32_t count = around->slot_count;
    if (a->kind != b->kind || a->compared_count != b->compared_count ||
        count != b->frame->slot_count ||
        (a->comparison != NULL && strcmp(a->comparison, b->comparison) != 0) ||
        !all_equal(a->compared, b->compared, a->compared_count) ||
        !all_equal(around->values, b->frame->values, count) ||
        !schema_equal(a->query->schema, b->query->schema))
        return false;
    const Expr **to = arena_new_array(context->arena, const Expr *, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        Expr *expr = arena_new_one(context->arena, Expr);
        *expr = (Expr){.kind = EXPR_OUTER,
                       .type = around->values[i]->type,
                       .column = around->slots[i],
                       .sql_offset = -1};
        to[i] = expr;
    }
    OuterSlots from = {b->frame->slots, count};
    /* A key of GROUP BY is what it says, even if it is another each time. */
    return same_tree(pruned(context, a), renumbered(context, from, to, pruned(context, b)),
                     a->in_group && !b->in_group);
}

int64_t queries_find(const Binder *binder, QueryList *list, QuerySite *site)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (same_query(binder, &list->sites[i], site))
            return i;
    return -1;
}
