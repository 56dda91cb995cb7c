/* Choices among the entries of an ORDERED key: the least, the greatest, by what the owner compares.
 *
 * Invariant: a node knows for each choice either nothing, or that no entry below it counts, or the
 * entry that is chosen of all below. What comes is compared with what is chosen already; when that
 * goes, the nodes above it know nothing until somebody asks.
 *
 * Cost: 8 bytes a node and choice; a comparison a node on the way when an entry comes; a range of
 * n entries some 2 * 32 * log32(n) comparisons at most, those for what is not known included once.
 */
#include "state/state_ordered.h"

/* Stands for: no entry below counts. */
static const StateOrderedEntry nothing;
#define CHOICE_NOTHING ((StateOrderedEntry *)(uintptr_t)&nothing)

void state_table_choose(StateTable *table, const StateChoices *choices)
{
    assert(table->kind == STATE_ORDERED && table->keys == 0);
    table->choices = *choices;
}

static bool counts(const StateTable *table, uint32_t choice, const StateOrderedEntry *entry)
{
    return table->choices.counts(table->choices.to, choice, entry + 1);
}

/* The one of both that is chosen; either may be nothing. */
static StateOrderedEntry *better(const StateTable *table, uint32_t choice, StateOrderedEntry *a,
                                 StateOrderedEntry *b)
{
    if (a == CHOICE_NOTHING || b == CHOICE_NOTHING)
        return a == CHOICE_NOTHING ? b : a;
    return table->choices.wins(table->choices.to, choice, b + 1, a + 1) ? b : a;
}

/* ------------------------------------------------------------------ keeping up */

static void come_below(const StateTable *table, StateNode *node, const StateOrderedEntry *entry)
{
    StateOrderedEntry **chosen = state_node_choices(node);
    StateOrderedEntry *new = (StateOrderedEntry *)(uintptr_t)entry;
    for (uint32_t i = 0; i < table->choices.count; i++)
        if (chosen[i] != STATE_CHOICE_UNKNOWN && counts(table, i, entry))
            chosen[i] = better(table, i, chosen[i], new);
}

void state_choices_come(const StateTable *table, const StateCursor *path,
                        const StateOrderedEntry *entry)
{
    for (uint32_t depth = 0; table->choices.count != 0 && depth <= path->depth; depth++)
        come_below(table, path->nodes[depth], entry);
}

void state_choices_come_last(const StateTable *table, const StateTree *tree,
                             const StateOrderedEntry *entry)
{
    if (table->choices.count == 0)
        return;
    StateNode *node = tree->root;
    come_below(table, node, entry);
    while (!node->is_leaf) {
        node = state_node_children(node)[node->count - 1];
        come_below(table, node, entry);
    }
}

void state_choices_go(const StateTable *table, const StateCursor *path,
                      const StateOrderedEntry *entry)
{
    for (uint32_t depth = 0; depth <= path->depth; depth++) {
        StateOrderedEntry **chosen = state_node_choices(path->nodes[depth]);
        for (uint32_t i = 0; i < table->choices.count; i++)
            if (chosen[i] == entry)
                chosen[i] = STATE_CHOICE_UNKNOWN;
    }
}

void state_choices_forget(const StateTable *table, StateNode *node)
{
    StateOrderedEntry **chosen = state_node_choices(node);
    for (uint32_t i = 0; i < table->choices.count; i++)
        chosen[i] = STATE_CHOICE_UNKNOWN;
}

/* ----------------------------------------------------------------------- asking */

static StateOrderedEntry *choose_below(const StateTable *table, StateNode *node, uint32_t choice);

static StateOrderedEntry *choose_slot(const StateTable *table, StateNode *node, uint32_t slot,
                                      uint32_t choice)
{
    if (!node->is_leaf)
        return choose_below(table, state_node_children(node)[slot], choice);
    StateOrderedEntry *entry = node->slots[slot].low;
    return counts(table, choice, entry) ? entry : CHOICE_NOTHING;
}

/* Of all entries below the node. */
static StateOrderedEntry *choose_below(const StateTable *table, StateNode *node, uint32_t choice)
{
    StateOrderedEntry **chosen = &state_node_choices(node)[choice];
    if (*chosen != STATE_CHOICE_UNKNOWN)
        return *chosen;
    StateOrderedEntry *best = CHOICE_NOTHING;
    for (uint32_t slot = 0; slot < node->count; slot++)
        best = better(table, choice, best, choose_slot(table, node, slot, choice));
    *chosen = best;
    return best;
}

/* Of the entries below the node, `size` of them, from its own position `first` to `end`. */
static StateOrderedEntry *choose_range(const StateTable *table, StateNode *node, uint32_t size,
                                       uint32_t choice, uint32_t first, uint32_t end)
{
    if (first == 0 && end >= size)
        return choose_below(table, node, choice);
    StateOrderedEntry *best = CHOICE_NOTHING;
    uint32_t at = 0;
    for (uint32_t slot = 0; slot < node->count && at < end; slot++) {
        uint32_t below = node->is_leaf ? 1 : state_node_sizes(node)[slot];
        uint32_t from = first > at ? first - at : 0;
        if (from < below && node->is_leaf)
            best = better(table, choice, best, choose_slot(table, node, slot, choice));
        else if (from < below)
            best = better(table, choice, best,
                          choose_range(table, state_node_children(node)[slot], below, choice, from,
                                       end - at));
        at += below;
    }
    return best;
}

void *state_tree_choose(const StateTable *table, const StateTree *tree, uint32_t choice,
                        uint32_t first, uint32_t end)
{
    assert(choice < table->choices.count);
    if (tree == NULL || first >= end || first >= tree->size)
        return NULL;
    state_tree_settle(tree);
    StateOrderedEntry *best = choose_range(table, tree->root, tree->size, choice, first, end);
    return best == CHOICE_NOTHING ? NULL : best + 1;
}
