/* What a kind of node says to the two rules that go through all of them, and what it needs to say
 * it: which columns it can do without (rules/prune_columns.c), which filters may go below it
 * (rules/push_filters.c). Both are slots of NodeClass, and a kind without one is left as it is. */
#ifndef PLANNER_RULES_REWRITE_H
#define PLANNER_RULES_REWRITE_H

#include "planner/logical.h"

/* ------------------------------------------------------------------- columns */

#define COLUMN_GONE UINT32_MAX

struct Pruned {
    LogicalNode *node;
    uint32_t *map; /* where each of the old columns is; COLUMN_GONE */
};

struct Pruning {
    const PlannerContext *context;
    struct PruneShares *shares; /* the rule's own */
};

/* An input with the columns `needed` names, and maybe more. */
Pruned prune_input(const Pruning *pruning, LogicalNode *input, const bool *needed);
/* A map of that many columns, all gone or all where they were. */
uint32_t *prune_map(Arena *arena, uint32_t count, bool identity);
/* The map of the columns that `keep` names, after it has been given one at least. */
uint32_t *prune_kept(Arena *arena, bool *keep, uint32_t count, uint32_t *kept);
const Schema *prune_schema(Arena *arena, const Schema *schema, const uint32_t *map, uint32_t kept);
/* The node over another input. */
LogicalNode *prune_over(Arena *arena, const LogicalNode *node, LogicalNode *input);
/* The node with exactly the columns `keep` names, in their old order. */
LogicalNode *prune_exactly(const PlannerContext *context, Pruned pruned, const Schema *old,
                           const bool *keep);
/* map[columns[i]] for each. */
uint32_t *prune_columns(Arena *arena, const uint32_t *columns, uint32_t count, const uint32_t *map);
PlanSortKey *prune_order(Arena *arena, const PlanSortKey *order, uint32_t count,
                         const uint32_t *map);
/* Slot of nodes that pass all columns on and look at none. */
Pruned prune_through(const Pruning *pruning, LogicalNode *node, const bool *needed);

/* ------------------------------------------------------------------- filters */

struct Conjuncts {
    const Expr **items;
    uint32_t count;
    uint32_t capacity;
};

struct Pushing {
    const PlannerContext *context;
    struct PushShares *shares; /* the rule's own */
};

/* Adds what the expression is an AND of. */
void conjuncts_add(Arena *arena, Conjuncts *list, const Expr *expr);
/* An input below the conditions, each moved on as far as it goes. */
LogicalNode *push_input(const Pushing *pushing, LogicalNode *input, const Conjuncts *list);
/* The node over inputs that all have the conditions below. */
LogicalNode *push_inputs(const Pushing *pushing, LogicalNode *node, const Conjuncts *list);
LogicalNode *push_above(const Pushing *pushing, LogicalNode *node, const Conjuncts *list);
/* Whether rows that are dropped sooner or later are all the same to the condition. */
static inline bool push_may_move(const Expr *expr)
{
    return expr_is_deterministic(expr) && !expr_can_fail(expr);
}

/* ---------------------------------------------------------------------- joins
 *
 * rules/join_rewrites.c: slots of all kinds of joins of two inputs. */
Pruned join_prune(const Pruning *pruning, LogicalNode *node, const bool *needed);
LogicalNode *join_push(const Pushing *pushing, LogicalNode *node, const Conjuncts *list);
bool join_reshaped_by(const LogicalNode *node, const Expr *expr, const bool *used);
/* nodes/rank.c */
Pruned lower_rank_prune(const Pruning *pruning, LogicalNode *node, const bool *needed);
/* nodes/aggregate.c */
Pruned lower_aggregate_prune(const Pruning *pruning, LogicalNode *node, const bool *needed);

#endif
