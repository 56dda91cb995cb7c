/* Columns that nobody uses are not made: the scan reads only what some expression looks at.
 *
 * Each node is asked for some of its columns and answers with a node that has at least these, and a
 * map from old to new positions. Every node keeps one column or more, so that rows stay countable.
 * What a kind of node does without is its own to say: NodeClass.prune. A sub-plan with several
 * consumers stays one, with the columns that any of them needs. */
#include <string.h>

#include "planner/shares.h"

uint32_t *prune_map(Arena *arena, uint32_t count, bool identity)
{
    uint32_t *map = arena_new_array(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        map[i] = identity ? i : COLUMN_GONE;
    return map;
}

/* Gives `keep` one true entry at least, and the positions of those kept. */
uint32_t *prune_kept(Arena *arena, bool *keep, uint32_t count, uint32_t *kept)
{
    bool any = false;
    for (uint32_t i = 0; i < count; i++)
        any = any || keep[i];
    if (!any && count != 0)
        keep[0] = true;
    uint32_t *map = prune_map(arena, count, false);
    *kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (keep[i])
            map[i] = (*kept)++;
    return map;
}

const Schema *prune_schema(Arena *arena, const Schema *schema, const uint32_t *map, uint32_t kept)
{
    Column *columns = arena_new_array(arena, Column, kept + 1);
    for (uint32_t i = 0; i < schema->column_count; i++)
        if (map[i] != COLUMN_GONE)
            columns[map[i]] = schema->columns[i];
    return schema_new(arena, columns, kept);
}

LogicalNode *prune_over(Arena *arena, const LogicalNode *node, LogicalNode *input)
{
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 1);
    copy->inputs[0] = input;
    return copy;
}

/* The node with exactly the columns `keep` names, in their old order. */
LogicalNode *prune_exactly(const PlannerContext *context, Pruned pruned, const Schema *old,
                           const bool *keep)
{
    Arena *arena = context->arena;
    const Expr **projections = arena_new_array(arena, const Expr *, old->column_count + 1);
    const char **names = arena_new_array(arena, const char *, old->column_count + 1);
    uint32_t count = 0;
    bool same = true;
    for (uint32_t i = 0; i < old->column_count; i++) {
        if (!keep[i])
            continue;
        const Type *type = pruned.node->schema->columns[pruned.map[i]].type;
        same = same && pruned.map[i] == count;
        names[count] = old->columns[i].name;
        projections[count++] = expr_column(arena, pruned.map[i], type, (AstPlace){-1, 0});
    }
    if (same && count == pruned.node->schema->column_count)
        return pruned.node;
    return logical_calc(arena, pruned.node, NULL, projections,
                        logical_schema(arena, projections, names, count), pruned.node->place);
}

uint32_t *prune_columns(Arena *arena, const uint32_t *columns, uint32_t count, const uint32_t *map)
{
    uint32_t *mapped = arena_new_array(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        mapped[i] = map[columns[i]];
    return mapped;
}

PlanSortKey *prune_order(Arena *arena, const PlanSortKey *order, uint32_t count,
                         const uint32_t *map)
{
    PlanSortKey *mapped = arena_new_array(arena, PlanSortKey, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        mapped[i] = order[i];
        mapped[i].column = map[order[i].column];
    }
    return mapped;
}

Pruned prune_through(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Pruned input = prune_input(pruning, node->inputs[0], needed);
    LogicalNode *copy = prune_over(pruning->context->arena, node, input.node);
    copy->schema = input.node->schema;
    return (Pruned){copy, input.map};
}

/* Any other kind of node uses all columns of its inputs. */
static Pruned prune_nothing(const Pruning *pruning, LogicalNode *node)
{
    Arena *arena = pruning->context->arena;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t count = node->inputs[i]->schema->column_count;
        bool *all = arena_alloc(arena, count + 1);
        memset(all, true, count + 1);
        copy->inputs[i] =
            prune_exactly(pruning->context, prune_input(pruning, node->inputs[i], all),
                          node->inputs[i]->schema, all);
    }
    return (Pruned){copy, prune_map(arena, node->schema->column_count, true)};
}

static Pruned prune_node(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    if (node->class->prune != NULL)
        return node->class->prune(pruning, node, needed);
    return prune_nothing(pruning, node);
}

/* ---------------------------------------------------------------- shared nodes
 *
 * First all trees are pruned for the sake of what is asked of the shared nodes, consumers before
 * inputs; then for their own, each shared node once, with the columns that anyone asked for. */

struct PruneShares {
    SharedNodes shared;
    bool **needed; /* by shared node */
    Pruned *pruned;
    bool is_asking; /* the first of the two */
};

Pruned prune_input(const Pruning *pruning, LogicalNode *input, const bool *needed)
{
    if (input->share == 0)
        return prune_node(pruning, input, needed);
    struct PruneShares *shares = pruning->shares;
    uint32_t at = input->share - 1;
    uint32_t count = input->schema->column_count;
    if (shares->is_asking) {
        for (uint32_t i = 0; i < count; i++)
            shares->needed[at][i] = shares->needed[at][i] || needed[i];
        return (Pruned){input, prune_map(pruning->context->arena, count, true)};
    }
    if (shares->pruned[at].node == NULL)
        shares->pruned[at] = prune_node(pruning, input, shares->needed[at]);
    return shares->pruned[at];
}

void rule_prune_columns(const PlannerContext *context, LogicalNode **roots, uint32_t count)
{
    Arena *arena = context->arena;
    struct PruneShares shares = {.shared = shares_find(context, roots, count), .is_asking = true};
    shares.needed = arena_new_array(arena, bool *, shares.shared.count + 1);
    shares.pruned = arena_new_array(arena, Pruned, shares.shared.count + 1);
    for (uint32_t s = 0; s < shares.shared.count; s++)
        shares.needed[s] =
            arena_new_array(arena, bool, shares.shared.nodes[s]->schema->column_count + 1);
    Pruning pruning = {context, &shares};
    for (uint32_t r = 0; r < count && shares.shared.count != 0; r++)
        prune_nothing(&pruning, roots[r]);
    for (uint32_t s = 0; s < shares.shared.count; s++)
        prune_node(&pruning, shares.shared.nodes[s], shares.needed[s]);
    shares.is_asking = false;
    for (uint32_t r = 0; r < count; r++)
        roots[r] = prune_nothing(&pruning, roots[r]).node;
}
