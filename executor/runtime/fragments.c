/* Cutting a plan into fragments: a union of node groups, grown along the edges in plan order.
 *
 * Every node starts as a group of its own; scans that share a source are joined first. Then each
 * edge that needs no movement joins its two groups unless that would break an invariant of
 * runtime/fragments.h. Cost: quadratic in the plan's nodes, which are few; nothing here runs per
 * row. */
#include "executor/runtime/fragments.h"

#include <string.h>

typedef struct Cutter {
    const Plan *plan;
    Arena *arena;
    uint32_t *parallelism; /* copies of each node */
    uint32_t *group;       /* of each node: the smallest id in it */
    uint32_t known;        /* nodes whose edges are decided: 0..known-1 */
} Cutter;

bool node_is_fed(const PlanNode *node)
{
    return strcmp(node->op, "scan") == 0 && ((const PlanScan *)node->spec)->is_fed;
}

bool node_is_source(const PlanNode *node)
{
    if (strcmp(node->op, "values") == 0)
        return true;
    return strcmp(node->op, "scan") == 0 && !((const PlanScan *)node->spec)->is_fed;
}

static bool node_blocks(const PlanNode *node)
{
    if (strcmp(node->op, "scan") != 0)
        return false;
    const PlanScan *scan = node->spec;
    return !scan->is_fed && scan->connector->source_blocks;
}

static uint32_t bounded(uint32_t parallelism, uint32_t bound)
{
    return bound != 0 && bound < parallelism ? bound : parallelism;
}

static uint32_t node_parallelism(const Cutter *cutter, const PlanNode *node, uint32_t job)
{
    if (node->parallelism == 1 || strcmp(node->op, "values") == 0 || node_is_fed(node))
        return 1;
    if (node->input_count == 0)
        return bounded(bounded(job, node->parallelism),
                       ((const PlanScan *)node->spec)->connector->source_parallelism);
    uint32_t widest = 1;
    bool hashed = false;
    for (uint32_t i = 0; i < node->input_count; i++) {
        const PlanInput *input = &node->inputs[i];
        uint32_t width = cutter->parallelism[input->node->id];
        if (input->distribution == DISTRIBUTE_SINGLE)
            return 1;
        hashed = hashed || input->distribution == DISTRIBUTE_HASH;
        widest = width > widest ? width : widest;
    }
    if (hashed)
        widest = job;
    if (strcmp(node->op, "sink") == 0) {
        const PlanSink *sink = node->spec;
        if (sink->connector != NULL)
            widest = bounded(widest, sink->connector->sink_parallelism);
    }
    return bounded(widest, node->parallelism);
}

/* Whether rows may go along this edge by a direct call. */
static bool edge_can_chain(const Cutter *cutter, const PlanNode *node, const PlanInput *input)
{
    uint32_t width = cutter->parallelism[node->id];
    if (cutter->parallelism[input->node->id] != width || node_blocks(input->node))
        return false;
    return width == 1 || input->distribution == DISTRIBUTE_ANY || input->stays;
}

static bool group_has_source(const Cutter *cutter, uint32_t group)
{
    for (uint32_t i = 0; i < cutter->known; i++)
        if (cutter->group[i] == group && node_is_source(cutter->plan->nodes[i]))
            return true;
    return false;
}

static void join_groups(Cutter *cutter, uint32_t a, uint32_t b)
{
    uint32_t low = a < b ? a : b;
    for (uint32_t i = 0; i < cutter->plan->node_count; i++)
        if (cutter->group[i] == a || cutter->group[i] == b)
            cutter->group[i] = low;
}

/* Marks the groups from which `target` can be reached over channels, going backwards. True when
 * `target` is among them: a cycle. */
static bool reaches_itself(const Cutter *cutter, uint32_t target, bool *marked)
{
    memset(marked, 0, cutter->plan->node_count * sizeof(bool));
    bool grown = true;
    bool first = true;
    while (grown) {
        grown = false;
        for (uint32_t i = 0; i < cutter->known; i++) {
            const PlanNode *node = cutter->plan->nodes[i];
            uint32_t to = cutter->group[i];
            if (!(first && to == target) && !marked[to])
                continue;
            for (uint32_t k = 0; k < node->input_count; k++) {
                uint32_t from = cutter->group[node->inputs[k].node->id];
                bool inside = from == to && edge_can_chain(cutter, node, &node->inputs[k]);
                if (!inside && !marked[from]) {
                    marked[from] = true;
                    grown = true;
                }
            }
        }
        if (first) {
            /* The target's own inputs are marked now; from here on only marked groups count. */
            first = false;
            grown = true;
        }
    }
    return marked[target];
}

/* Joins the node with the group of one of its inputs unless an invariant forbids it. */
static void try_join(Cutter *cutter, const PlanNode *node, const PlanInput *input)
{
    uint32_t own = cutter->group[node->id];
    uint32_t other = cutter->group[input->node->id];
    if (own == other)
        return;
    if (group_has_source(cutter, own))
        return;
    if (group_has_source(cutter, other)) {
        for (uint32_t i = 0; i < node->input_count; i++)
            if (cutter->group[node->inputs[i].node->id] != other ||
                !edge_can_chain(cutter, node, &node->inputs[i]))
                return;
        if (own != node->id)
            return;
    }
    size_t bytes = cutter->plan->node_count * sizeof(uint32_t);
    uint32_t *before = arena_memdup(cutter->arena, cutter->group, bytes);
    bool *marked = arena_new_array(cutter->arena, bool, cutter->plan->node_count);
    join_groups(cutter, own, other);
    if (reaches_itself(cutter, cutter->group[node->id], marked))
        memcpy(cutter->group, before, bytes);
}

static void join_shared_scans(Cutter *cutter)
{
    const Plan *plan = cutter->plan;
    for (uint32_t i = 0; i < plan->node_count; i++) {
        if (!node_is_source(plan->nodes[i]) || strcmp(plan->nodes[i]->op, "scan") != 0)
            continue;
        const PlanScan *a = plan->nodes[i]->spec;
        for (uint32_t j = 0; j < i && a->share_key != NULL; j++) {
            if (!node_is_source(plan->nodes[j]) || strcmp(plan->nodes[j]->op, "scan") != 0)
                continue;
            const PlanScan *b = plan->nodes[j]->spec;
            if (b->share_key != NULL && a->connector == b->connector &&
                strcmp(a->share_key, b->share_key) == 0) {
                join_groups(cutter, cutter->group[i], cutter->group[j]);
                /* One source has one number of copies. */
                cutter->parallelism[i] = cutter->parallelism[j];
                break;
            }
        }
    }
}

static void collect_edges(const Cutter *cutter, FragmentGraph *graph)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < cutter->plan->node_count; i++)
        count += cutter->plan->nodes[i]->input_count;
    graph->edges = arena_new_array(cutter->arena, FragmentEdge, count);
    for (uint32_t i = 0; i < cutter->plan->node_count; i++) {
        const PlanNode *node = cutter->plan->nodes[i];
        for (uint32_t k = 0; k < node->input_count; k++) {
            const PlanInput *input = &node->inputs[k];
            FragmentEdge *edge = &graph->edges[graph->edge_count++];
            *edge = (FragmentEdge){.from = input->node->id, .to = i, .input = k};
            if (cutter->group[edge->from] == cutter->group[i])
                edge->kind = EDGE_CHAIN;
            else if (input->distribution == DISTRIBUTE_HASH && cutter->parallelism[i] > 1)
                edge->kind = EDGE_HASH;
            else
                edge->kind = EDGE_FORWARD;
            edge->keys = &input->keys;
            edge->late = input->late;
        }
    }
}

static void collect_fragments(const Cutter *cutter, FragmentGraph *graph)
{
    uint32_t count = cutter->plan->node_count;
    graph->fragments = arena_new_array(cutter->arena, Fragment, count);
    graph->fragment_of = arena_new_array(cutter->arena, uint32_t, count);
    for (uint32_t i = 0; i < count; i++) {
        if (cutter->group[i] == i) {
            Fragment *made = &graph->fragments[graph->fragment_count];
            made->parallelism = cutter->parallelism[i];
            made->nodes = arena_new_array(cutter->arena, uint32_t, count);
            graph->fragment_of[i] = graph->fragment_count++;
        }
        uint32_t at = graph->fragment_of[cutter->group[i]];
        Fragment *fragment = &graph->fragments[at];
        graph->fragment_of[i] = at;
        fragment->nodes[fragment->node_count++] = i;
        fragment->has_source = fragment->has_source || node_is_source(cutter->plan->nodes[i]);
    }
}

const FragmentGraph *fragments_build(Arena *arena, const Plan *plan, uint32_t parallelism)
{
    Cutter cutter = {
        .plan = plan,
        .arena = arena,
        .parallelism = arena_new_array(arena, uint32_t, plan->node_count),
        .group = arena_new_array(arena, uint32_t, plan->node_count),
    };
    for (uint32_t i = 0; i < plan->node_count; i++) {
        assert(plan->nodes[i]->id == i);
        cutter.group[i] = i;
        cutter.parallelism[i] = node_parallelism(&cutter, plan->nodes[i], parallelism);
    }
    join_shared_scans(&cutter);
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        /* Again, as sharing may have changed what stands before it. */
        if (node->input_count > 0)
            cutter.parallelism[i] = node_parallelism(&cutter, node, parallelism);
        cutter.known = i + 1;
        for (uint32_t k = 0; k < node->input_count; k++)
            if (edge_can_chain(&cutter, node, &node->inputs[k]))
                try_join(&cutter, node, &node->inputs[k]);
    }
    FragmentGraph *graph = arena_new_one(arena, FragmentGraph);
    collect_edges(&cutter, graph);
    collect_fragments(&cutter, graph);
    return graph;
}
