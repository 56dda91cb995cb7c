/* Memory reads of trees that are started before they are waited for.
 *
 * What leads to what is read in steps, each for all trees before the next: a step waits for memory
 * once, not once a tree. */
#include "state/state_ordered.h"

static void prefetch_entry(const StateOrderedEntry *entry)
{
    __builtin_prefetch(entry);
    __builtin_prefetch((const char *)entry + 64);
}

void state_trees_prefetch_last(StateTree *const *trees, uint32_t count)
{
    enum { AHEAD = 16 };
    for (uint32_t i = 0; i < count + 2 * AHEAD; i++) {
        if (i < count && trees[i] != NULL)
            __builtin_prefetch(trees[i]->last);
        if (i >= AHEAD && i - AHEAD < count && trees[i - AHEAD] != NULL) {
            const StateNode *leaf = trees[i - AHEAD]->last;
            for (uint32_t slot = 3; slot < leaf->count + 1u; slot += 4)
                __builtin_prefetch(&leaf->slots[slot]);
        }
        if (i >= 2 * AHEAD && trees[i - 2 * AHEAD] != NULL) {
            const StateNode *leaf = trees[i - 2 * AHEAD]->last;
            prefetch_entry(leaf->slots[leaf->count - 1].low);
        }
    }
}

/* The slot that is likely to hold the entry at a distance from the end: a leaf before the last is
 * most often full. NULL: further away. */
static const StateSlot *slot_from_end(const StateTree *tree, uint32_t distance)
{
    const StateNode *last = tree->last, *before = tree->before;
    if (distance < last->count)
        return &last->slots[last->count - 1 - distance];
    uint32_t beyond = distance - last->count + 1;
    if (before == NULL || beyond > STATE_NODE_SLOTS)
        return NULL;
    return &before->slots[STATE_NODE_SLOTS - beyond];
}

void state_trees_prefetch_ends(StateTree *const *trees, uint32_t count, uint32_t distance)
{
    for (uint32_t i = 0; i < count; i++)
        if (trees[i] != NULL)
            __builtin_prefetch(trees[i]->last);
    for (uint32_t i = 0; i < count; i++) {
        if (trees[i] == NULL)
            continue;
        const StateNode *last = trees[i]->last;
        __builtin_prefetch(&last->slots[last->count]);
        __builtin_prefetch(&last->slots[last->count - 1]);
        if (distance != 0 && distance < trees[i]->size)
            __builtin_prefetch(slot_from_end(trees[i], distance));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (trees[i] == NULL)
            continue;
        const StateNode *last = trees[i]->last;
        prefetch_entry(last->slots[last->count - 1].low);
        const StateSlot *slot = NULL;
        if (distance != 0 && distance < trees[i]->size)
            slot = slot_from_end(trees[i], distance);
        if (slot != NULL)
            prefetch_entry(slot->low);
    }
}

/* ---------------------------------------------------------------- around a place */

enum { LINE = 64, TOGETHER = 16 };

static void prefetch_bytes(const void *from, size_t bytes)
{
    for (const char *line = from, *end = line + bytes; line < end; line += LINE)
        __builtin_prefetch(line);
}

/* Where the search for a sort key has come to: a node, and its place among its siblings. */
typedef struct Ahead {
    StateNode *node; /* NULL: nothing more to do */
    StateNode *parent;
    uint32_t slot;
    uint64_t head;
} Ahead;

/* Slots of the node that stand before the head, or are equal to it. */
static uint32_t slots_up_to(const StateNode *node, uint64_t head)
{
    uint32_t low = 0, high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (node->slots[middle].head <= head)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void start(Ahead *ahead, const StateTree *tree, Str sort_key)
{
    *ahead = (Ahead){.head = state_sort_head(sort_key)};
    if (tree == NULL || tree->last->slots[tree->last->count - 1].head < ahead->head)
        return;
    ahead->node = tree->root;
    prefetch_bytes(tree->root, 3 * LINE);
    if (tree->size <= STATE_NODE_SLOTS)
        return;
    const StateSlot *children = tree->root->slots + STATE_NODE_SLOTS;
    prefetch_bytes(children, 2 * LINE);
}

/* From an inner node to the child; its siblings too where entries around the place may be there. */
static void step_down(Ahead *ahead, uint32_t before, uint32_t behind)
{
    StateNode *node = ahead->node;
    uint32_t slot = slots_up_to(node, ahead->head);
    slot = slot == 0 ? 0 : slot - 1;
    StateNode *const *children = state_node_children(node);
    *ahead = (Ahead){children[slot], node, slot, ahead->head};
    prefetch_bytes(children[slot], sizeof(StateNode) + STATE_NODE_SLOTS * sizeof(StateSlot));
    if (slot != 0 && before != 0) {
        uint32_t size = state_node_sizes(node)[slot - 1];
        uint32_t count = size < before ? size : before;
        __builtin_prefetch(children[slot - 1]);
        if (size <= STATE_NODE_SLOTS)
            prefetch_bytes(children[slot - 1]->slots + size - count, count * sizeof(StateSlot));
    }
    if (slot + 1 < node->count && behind != 0)
        prefetch_bytes(children[slot + 1], sizeof(StateNode) + behind * sizeof(StateSlot));
}

static void prefetch_entries(const StateNode *leaf, uint32_t first, uint32_t end)
{
    for (uint32_t slot = first; slot < end; slot++)
        prefetch_entry(leaf->slots[slot].low);
}

static uint32_t at_most(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

static void prefetch_around(const Ahead *ahead, uint32_t before, uint32_t behind)
{
    const StateNode *leaf = ahead->node;
    uint32_t place = slots_up_to(leaf, ahead->head);
    uint32_t here = at_most(before, place), there = at_most(behind, leaf->count - place);
    prefetch_entries(leaf, place - here, place + there);
    if (ahead->parent == NULL)
        return;
    StateNode *const *children = state_node_children(ahead->parent);
    if (here < before && ahead->slot != 0) {
        const StateNode *left = children[ahead->slot - 1];
        prefetch_entries(left, left->count - at_most(before - here, left->count), left->count);
    }
    if (there < behind && ahead->slot + 1 < ahead->parent->count) {
        const StateNode *right = children[ahead->slot + 1];
        prefetch_entries(right, 0, at_most(behind - there, right->count));
    }
}

static void look_around(StateTree *const *trees, const Str *sort_keys, uint32_t count,
                        uint32_t before, uint32_t behind)
{
    Ahead aheads[TOGETHER];
    for (uint32_t i = 0; i < count; i++)
        start(&aheads[i], trees[i], sort_keys[i]);
    for (bool any = true; any;) {
        any = false;
        for (uint32_t i = 0; i < count; i++) {
            if (aheads[i].node == NULL || aheads[i].node->is_leaf)
                continue;
            step_down(&aheads[i], before, behind);
            any = true;
        }
    }
    for (uint32_t i = 0; i < count; i++)
        if (aheads[i].node != NULL)
            prefetch_around(&aheads[i], before, behind);
}

void state_trees_prefetch_around(StateTree *const *trees, const Str *sort_keys, uint32_t count,
                                 uint32_t before, uint32_t behind)
{
    for (uint32_t first = 0; first < count; first += TOGETHER)
        look_around(trees + first, sort_keys + first, at_most(count - first, TOGETHER), before,
                    behind);
}
