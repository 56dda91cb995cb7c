/* Sub-plans that several consumers read.
 *
 * Equal subtrees become one node before the rules that look at what consumers want, so that those
 * can treat a shared sub-plan as one: it is computed once, with what any of its consumers needs. A
 * sub-plan without state is not worth that; each consumer may have its own. */
#ifndef PLANNER_SHARES_H
#define PLANNER_SHARES_H

#include "planner/rules/rewrite.h"

/* Whether two nodes do the same, over inputs that do. */
bool logical_alike(const LogicalNode *a, const LogicalNode *b);
/* Makes equal nodes of the trees one, and the trees a graph. */
void logical_unify(const PlannerContext *context, LogicalNode **roots, uint32_t count);

typedef struct SharedNodes {
    LogicalNode **nodes; /* consumers before inputs; nodes[i]->share is i + 1 */
    uint32_t count;
} SharedNodes;

/* The nodes with several consumers that keep state, or have below them what does and is not shared
 * itself. Sets the mark `share` of every node of the graph, 0 for all others. */
SharedNodes shares_find(const PlannerContext *context, LogicalNode *const *roots, uint32_t count);

#endif
