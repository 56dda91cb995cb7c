/* Aggregates of a query around: HAVING EXISTS (SELECT 1 FROM u WHERE u.most < SUM(t.v)).
 *
 * A call belongs to the innermost query of which it looks at a column: as one that looks only at
 * columns of a query around is the same for all rows of a group there, it is computed there, and to
 * the query inside it is a value like any other column around. A call that looks at no column, as
 * COUNT(*), belongs to the innermost query that may have an aggregate where it stands.
 *
 * The arguments are bound where they are written. If the call turns out to belong further out, they
 * are put back over the rows of that query, and what their columns had left as references of the
 * query inside is forgotten. */
#include "planner/bind/bind.h"
#include "planner/rules/decorrelate.h"

/* What the parts of a call look at. */
typedef struct Looks {
    bool own;   /* columns of the query it stands in */
    bool outer; /* a slot of a frame */
} Looks;

static void look(const Expr *expr, Looks *looks)
{
    looks->own = looks->own || expr->kind == EXPR_COLUMN || expr->kind == EXPR_QUERY;
    looks->outer = looks->outer || expr->kind == EXPR_OUTER;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        look(expr->args[i], looks);
}

static bool looks_at(const AggregateSite *site, OuterSlots slots)
{
    for (uint32_t i = 0; i < site->arg_count; i++)
        if (outer_in_expr(slots, site->args[i]))
            return true;
    return site->filter != NULL && outer_in_expr(slots, site->filter);
}

/* The frame whose query is around the one the call stands in and that the call belongs to. */
static OuterFrame *find_frame(const ExprScope *scope, const AggregateSite *site)
{
    Looks looks = {false, false};
    for (uint32_t i = 0; i < site->arg_count; i++)
        look(site->args[i], &looks);
    if (site->filter != NULL)
        look(site->filter, &looks);
    bool may_be_own = scope->aggregates != NULL && !scope->in_aggregate;
    if (looks.own || (!looks.outer && may_be_own))
        return NULL;
    OuterFrame *frame = scope->binder->outer;
    while (frame != NULL &&
           (looks.outer ? !looks_at(site, (OuterSlots){frame->slots, frame->slot_count})
                        : frame->aggregates == NULL))
        frame = frame->outer;
    return frame;
}

void home_note(const Binder *binder, AggregateHome *home)
{
    uint32_t count = 0;
    for (const OuterFrame *frame = binder->outer; frame != NULL; frame = frame->outer)
        count++;
    home->slots = arena_new_array(binder->context->arena, uint32_t, count + 1);
    count = 0;
    for (const OuterFrame *frame = binder->outer; frame != NULL; frame = frame->outer)
        home->slots[count++] = frame->slot_count;
}

/* What the name of a selected column may stand for, besides a value of a row. */
static bool has_above(const Expr *expr)
{
    if (expr->kind == EXPR_QUERY || (expr->kind == EXPR_COLUMN && expr->column >= OVER_COLUMN_BASE))
        return true;
    for (uint32_t i = 0; i < expr->arg_count; i++)
        if (has_above(expr->args[i]))
            return true;
    return false;
}

/* The site over the rows of the frame's query; whether it holds nothing that stands above those. */
static bool move_out(const PlannerContext *context, OuterFrame *frame, AggregateSite *site)
{
    OuterSlots slots = {frame->slots, frame->slot_count};
    bool plain = true;
    for (uint32_t i = 0; i < site->arg_count; i++) {
        site->args[i] = outer_replace(context, slots, site->args[i], frame->values, 0);
        plain = plain && !has_above(site->args[i]);
    }
    if (site->filter != NULL) {
        site->filter = outer_replace(context, slots, site->filter, frame->values, 0);
        plain = plain && !has_above(site->filter);
    }
    return plain;
}

bool home_find(const ExprScope *scope, const AstExpr *ast, AggregateSite *site, AggregateHome *home,
               Error *error)
{
    const Binder *binder = scope->binder;
    home->frame = find_frame(scope, site);
    if (home->frame == NULL)
        return true;
    if (home->frame->aggregates == NULL) {
        error_set(error, ERROR_UNSUPPORTED,
                  "aggregate function %s looks only at columns of the query around", ast->function);
        error_detail(error, "It is that query's, which may have no aggregate where this query "
                            "stands.");
        error_hint(error, "Compute it there, in a subquery in FROM.");
        return bind_error_at(binder, error, ast->place);
    }
    home->list = home->frame->aggregates;
    if (!move_out(binder->context, home->frame, site)) {
        error_set(error, ERROR_SYNTAX, "aggregate function %s is inside another one",
                  ast->function);
        error_hint(error, "Compute the inner one in a subquery in FROM.");
        return bind_error_at(binder, error, ast->place);
    }
    uint32_t n = 0;
    for (const OuterFrame *frame = binder->outer; frame != home->frame; frame = frame->outer)
        n++;
    home->frame->slot_count = home->slots[n];
    return true;
}
