/* Walking the tree of an ORDERED key: by order, by position.
 *
 * A cursor is the path from the root to an entry. Cost: a step is an addition within a leaf; a
 * search by position adds up the sizes it passes. */
#include "state/state_ordered.h"

void *state_cursor_record(const StateCursor *cursor)
{
    return cursor->nodes[cursor->depth]->slots[cursor->slots[cursor->depth]].low + 1;
}

/* Down from `depth`, whose node and slot are set, along one edge. */
static void follow_edge(StateCursor *cursor, uint32_t depth, bool last)
{
    StateNode *node = cursor->nodes[depth];
    while (!node->is_leaf) {
        node = state_node_children(node)[cursor->slots[depth]];
        depth++;
        cursor->nodes[depth] = node;
        cursor->slots[depth] = (uint16_t)(last ? node->count - 1 : 0);
    }
    cursor->depth = depth;
}

/* Entries lie far apart: those some steps on are read before it is their turn. */
#define AHEAD 4

static void read_ahead(const StateNode *leaf, uint32_t slot)
{
    if (slot >= leaf->count)
        return;
    const char *entry = (const char *)leaf->slots[slot].low;
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 64);
}

/* The cursor has come to another leaf. */
static void read_first(const StateNode *leaf)
{
    for (uint32_t slot = 0; slot < AHEAD; slot++)
        read_ahead(leaf, slot);
}

void *state_cursor_peek(const StateCursor *cursor)
{
    const StateNode *leaf = cursor->nodes[cursor->depth];
    uint32_t slot = cursor->slots[cursor->depth] + 1u;
    if (slot < leaf->count)
        return leaf->slots[slot].low + 1;
    StateCursor next = *cursor;
    return state_cursor_next(&next);
}

void *state_cursor_next(StateCursor *cursor)
{
    uint32_t depth = cursor->depth;
    uint32_t slot = ++cursor->slots[depth];
    const StateNode *leaf = cursor->nodes[depth];
    if (slot < leaf->count) {
        read_ahead(leaf, slot + AHEAD);
        return leaf->slots[slot].low + 1;
    }
    cursor->slots[depth]--;
    while (cursor->slots[depth] + 1u >= cursor->nodes[depth]->count) {
        if (depth == 0)
            return NULL;
        depth--;
    }
    cursor->slots[depth]++;
    follow_edge(cursor, depth, false);
    read_first(cursor->nodes[cursor->depth]);
    return state_cursor_record(cursor);
}

void *state_cursor_previous(StateCursor *cursor)
{
    uint32_t depth = cursor->depth;
    if (cursor->slots[depth] != 0) {
        uint32_t slot = --cursor->slots[depth];
        const StateNode *leaf = cursor->nodes[depth];
        if (slot >= AHEAD)
            read_ahead(leaf, slot - AHEAD);
        return leaf->slots[slot].low + 1;
    }
    while (cursor->slots[depth] == 0) {
        if (depth == 0)
            return NULL;
        depth--;
    }
    cursor->slots[depth]--;
    follow_edge(cursor, depth, true);
    return state_cursor_record(cursor);
}

void *state_cursor_seek(const StateTable *table, const StateTree *tree, Str sort_key,
                        StateCursor *cursor)
{
    if (tree == NULL)
        return NULL;
    state_tree_descend(table, tree, sort_key, cursor);
    if (cursor->slots[cursor->depth] < cursor->nodes[cursor->depth]->count)
        return state_cursor_record(cursor);
    StateCursor end = *cursor;
    cursor->slots[cursor->depth]--;
    void *record = state_cursor_next(cursor);
    if (record == NULL)
        *cursor = end;
    return record;
}

void *state_cursor_place(const StateTable *table, const StateTree *tree, Str sort_key,
                         StateCursor *cursor, uint64_t *head)
{
    if (tree == NULL || tree->size == 0)
        return NULL;
    state_tree_descend(table, tree, sort_key, cursor);
    const StateNode *leaf = cursor->nodes[cursor->depth];
    uint32_t slot = cursor->slots[cursor->depth];
    if (slot != 0) {
        *head = leaf->slots[slot - 1].head;
        return leaf->slots[slot - 1].low + 1;
    }
    if (cursor->depth == 0)
        return NULL;
    StateCursor before = *cursor;
    void *record = state_cursor_previous(&before);
    if (record != NULL)
        *head = before.nodes[before.depth]->slots[before.slots[before.depth]].head;
    return record;
}

void *state_cursor_at(const StateTree *tree, uint32_t position, StateCursor *cursor)
{
    if (tree == NULL || position >= tree->size)
        return NULL;
    state_tree_settle(tree);
    StateNode *node = tree->root;
    for (cursor->depth = 0; !node->is_leaf; cursor->depth++) {
        uint32_t slot = 0;
        for (; position >= state_node_sizes(node)[slot]; slot++)
            position -= state_node_sizes(node)[slot];
        cursor->nodes[cursor->depth] = node;
        cursor->slots[cursor->depth] = (uint16_t)slot;
        node = state_node_children(node)[slot];
    }
    cursor->nodes[cursor->depth] = node;
    cursor->slots[cursor->depth] = (uint16_t)position;
    return state_cursor_record(cursor);
}

uint32_t state_cursor_position(const StateCursor *cursor)
{
    uint32_t position = cursor->slots[cursor->depth];
    for (uint32_t depth = 0; depth < cursor->depth; depth++)
        for (uint32_t slot = 0; slot < cursor->slots[depth]; slot++)
            position += state_node_sizes(cursor->nodes[depth])[slot];
    return position;
}

void *state_tree_at(const StateTree *tree, uint32_t position)
{
    StateCursor cursor;
    return state_cursor_at(tree, position, &cursor);
}

uint32_t state_tree_position(const StateTable *table, const StateTree *tree, Str sort_key)
{
    if (tree == NULL)
        return 0;
    StateCursor path;
    state_tree_descend(table, tree, sort_key, &path);
    return state_cursor_position(&path);
}

void *state_tree_first(const StateTree *tree)
{
    if (tree == NULL)
        return NULL;
    StateNode *node = tree->root;
    while (!node->is_leaf)
        node = state_node_children(node)[0];
    return node->slots[0].low + 1;
}

void *state_tree_last(const StateTree *tree)
{
    return tree == NULL ? NULL : tree->last->slots[tree->last->count - 1].low + 1;
}

uint64_t state_tree_last_head(const StateTree *tree)
{
    return tree->last->slots[tree->last->count - 1].head;
}

void *state_tree_from_end(const StateTree *tree, uint32_t distance)
{
    if (tree == NULL || distance >= tree->size)
        return NULL;
    const StateNode *last = tree->last, *before = tree->before;
    if (distance < last->count)
        return last->slots[last->count - 1 - distance].low + 1;
    uint32_t beyond = distance - last->count;
    if (before != NULL && beyond < before->count)
        return before->slots[before->count - 1 - beyond].low + 1;
    return state_tree_at(tree, tree->size - 1 - distance);
}

void state_trees_each(StateTable *table, void (*each)(void *to, StateTree *tree), void *to)
{
    uint32_t groups = table->store->last_key_group - table->store->first_key_group + 1;
    for (uint32_t g = 0; g < groups; g++) {
        const StateIndex *index = &table->key_groups[g].index;
        for (uint32_t i = 0; i < index->bucket_count; i++)
            for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
                if (state_index_bucket(index, i)->tags[slot] != 0)
                    each(to, (StateTree *)(void *)(state_header_at(
                                                       &table->records,
                                                       state_index_bucket(index, i)->refs[slot]) +
                                                   1));
    }
}

static void each_below(StateTable *table, StateNode *node,
                       void (*each)(StateTable *table, StateHeader *header))
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->is_leaf)
            each(table, &node->slots[i].low->header);
        else
            each_below(table, state_node_children(node)[i], each);
    }
}

void state_ordered_each(StateTable *table, StateTree *tree,
                        void (*each)(StateTable *table, StateHeader *header))
{
    each_below(table, tree->root, each);
}
