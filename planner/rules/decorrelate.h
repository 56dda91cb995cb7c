/* Queries inside a query: the references they make to columns of the query around go away, so that
 * a join can take their place.
 *
 * A reference is an EXPR_OUTER whose column is a slot number of the binder. Decorrelating a query
 * gives a tree without the slots at hand and conditions that connect its rows with the rows around:
 *
 *     pull     equalities with outer columns move up and become the join's keys, through filters,
 *              projections, joins and groups; the rest of such conditions becomes the join's
 *     domain   the different values of the outer columns are joined in below, and everything above
 *              is done for each of them: always right, at the price of one more DISTINCT in state
 *
 * Slots of other queries further out stay as they are: they are constants here. */
#ifndef PLANNER_RULES_DECORRELATE_H
#define PLANNER_RULES_DECORRELATE_H

#include "planner/logical.h"

/* References of one query to the one around it. */
typedef struct OuterSlots {
    const uint32_t *ids;
    uint32_t count;
} OuterSlots;

typedef struct LinkedQuery {
    LogicalNode *node;       /* the query's columns first, then what the conditions look at */
    const Expr **conditions; /* over node's columns and outer ones: all must hold */
    uint32_t condition_count;
    /* Values, for each of the query's columns, of the row it has where the node has none: it then
     * has exactly one row for every row outside. NULL: where the node has no row there is none. */
    const Expr **defaults;
    bool is_complete; /* the node itself has that row */
} LinkedQuery;

/* False where conditions cannot be moved up. */
bool decorrelate_pull(const PlannerContext *context, OuterSlots slots, LogicalNode *query,
                      LinkedQuery *out) MUST_CHECK;
/* `values` are the slots' values over the rows of `outer`. False with an error for what cannot be
 * done for each value on its own. */
bool decorrelate_domain(const PlannerContext *context, OuterSlots slots, LogicalNode *outer,
                        const Expr *const *values, LogicalNode *query, LinkedQuery *out,
                        Error *error) MUST_CHECK;

/* The rows around as decorrelate_domain wants them: it reads them a second time, so what keeps
 * state for them, or chooses among them, must be one. */
LogicalNode *decorrelate_share(Arena *arena, LogicalNode *outer);

/* Whether the expression, or any of a tree, looks at one of the slots. */
bool outer_in_expr(OuterSlots slots, const Expr *expr);
bool outer_in_tree(OuterSlots slots, const LogicalNode *node);
/* Slots become values[i], columns move by `shift`. */
const Expr *outer_replace(const PlannerContext *context, OuterSlots slots, const Expr *expr,
                          const Expr *const *values, int64_t shift);
/* Some of a node's columns, in the order given. */
LogicalNode *logical_pick(Arena *arena, LogicalNode *node, const uint32_t *columns, uint32_t count);
/* How many sets without keys an aggregate over grouping sets has, each of which is a row even where
 * it reads none; `ids` are theirs. */
uint32_t decorrelate_empty_sets(Arena *arena, const LogicalNode *node, int64_t **ids);
/* Whether it is such an aggregate or a global one, or calcs over it, and does not give that row by
 * itself. */
bool decorrelate_has_row(const LogicalNode *node);
/* A sort with LIMIT as the rank it is, for groups of rows; any other node as it stands. */
LogicalNode *decorrelate_rank(Arena *arena, LogicalNode *node);
/* An over or rank node over another input of which the first columns are those of its own, its
 * partitions parted by some of its columns as well. Own columns first, then the input's others. */
LogicalNode *decorrelate_parted(Arena *arena, const LogicalNode *node, LogicalNode *input,
                                const uint32_t *columns, uint32_t count);

/* Whether it is an equality (or IS NOT DISTINCT FROM). */
bool expr_is_equality(const Expr *expr);

#endif
