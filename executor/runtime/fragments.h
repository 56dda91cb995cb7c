/* Fragments: the plan cut into the parts that one thread runs.
 *
 * An edge of the plan is a direct call (CHAIN) where producer and consumer have the same number of
 * copies and rows need not move, and a channel otherwise: HASH spreads rows by key, FORWARD keeps
 * producer copy i at consumer copy i modulo their number (which gathers all to one when the
 * consumer is single).
 *
 * Invariants:
 *  - the graph of fragments has no cycle (a cycle of bounded channels can stop for ever);
 *  - a fragment has either one source (several scans when they share it) and no channels, or only
 *    channels, so that a worker waits in one place;
 *  - a scan whose connector waits for I/O shares its thread with nothing but scans of its source.
 */
#ifndef EXECUTOR_RUNTIME_FRAGMENTS_H
#define EXECUTOR_RUNTIME_FRAGMENTS_H

#include "planner/plan.h"

typedef enum EdgeKind { EDGE_CHAIN, EDGE_FORWARD, EDGE_HASH } EdgeKind;

typedef struct FragmentEdge {
    uint32_t from; /* node ids */
    uint32_t to;
    uint32_t input; /* of `to` */
    EdgeKind kind;
    const ColumnSet *keys; /* HASH */
    bool late;             /* PlanInput.late */
} FragmentEdge;

typedef struct Fragment {
    uint32_t parallelism;
    uint32_t *nodes; /* ids, ascending, so inputs before consumers */
    uint32_t node_count;
    bool has_source;
} Fragment;

typedef struct FragmentGraph {
    Fragment *fragments; /* by their first node */
    uint32_t fragment_count;
    FragmentEdge *edges; /* by consumer, then input */
    uint32_t edge_count;
    uint32_t *fragment_of; /* by node id */
} FragmentGraph;

/* Whether the node reads by itself (a scan that is not fed, values): it needs a source loop. */
bool node_is_source(const PlanNode *node);
bool node_is_fed(const PlanNode *node);

const FragmentGraph *fragments_build(Arena *arena, const Plan *plan, uint32_t parallelism);

#endif
