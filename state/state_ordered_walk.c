/* Walking the tree of an ORDERED key: by order, by position.
 *
 * A cursor is the path from the root to an entry. Cost: a step is an addition within a leaf; a
 * search by position adds up the sizes it passes. */
#include "state/state_ordered.h"

static void *cursor_record(const StateCursor *cursor)
{
    return cursor->nodes[cursor->depth]->lows[cursor->slots[cursor->depth]] + 1;
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

void *state_cursor_next(StateCursor *cursor)
{
    uint32_t depth = cursor->depth;
    while (cursor->slots[depth] + 1u >= cursor->nodes[depth]->count) {
        if (depth == 0)
            return NULL;
        depth--;
    }
    cursor->slots[depth]++;
    follow_edge(cursor, depth, false);
    return cursor_record(cursor);
}

void *state_cursor_previous(StateCursor *cursor)
{
    uint32_t depth = cursor->depth;
    while (cursor->slots[depth] == 0) {
        if (depth == 0)
            return NULL;
        depth--;
    }
    cursor->slots[depth]--;
    follow_edge(cursor, depth, true);
    return cursor_record(cursor);
}

void *state_cursor_seek(const StateTable *table, const StateTree *tree, Str sort_key,
                        StateCursor *cursor)
{
    if (tree == NULL)
        return NULL;
    state_tree_descend(table, tree, sort_key, cursor);
    if (cursor->slots[cursor->depth] < cursor->nodes[cursor->depth]->count)
        return cursor_record(cursor);
    StateCursor end = *cursor;
    cursor->slots[cursor->depth]--;
    void *record = state_cursor_next(cursor);
    if (record == NULL)
        *cursor = end;
    return record;
}

void *state_cursor_at(const StateTree *tree, uint32_t position, StateCursor *cursor)
{
    if (tree == NULL || position >= tree->size)
        return NULL;
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
    return cursor_record(cursor);
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

/* The outermost entry of a tree. */
static void *edge(const StateTree *tree, bool last)
{
    if (tree == NULL)
        return NULL;
    StateNode *node = tree->root;
    while (!node->is_leaf)
        node = state_node_children(node)[last ? node->count - 1 : 0];
    return node->lows[last ? node->count - 1 : 0] + 1;
}

void *state_tree_first(const StateTree *tree)
{
    return edge(tree, false);
}

void *state_tree_last(const StateTree *tree)
{
    return edge(tree, true);
}

void state_trees_prefetch_last(StateTree *const *trees, uint32_t count)
{
    enum { AHEAD = 16 };
    for (uint32_t i = 0; i < count + 2 * AHEAD; i++) {
        if (i < count && trees[i] != NULL)
            __builtin_prefetch(trees[i]->root);
        if (i >= AHEAD && i - AHEAD < count && trees[i - AHEAD] != NULL) {
            const char *root = (const char *)trees[i - AHEAD]->root;
            for (uint32_t line = 64; line <= 256; line += 64)
                __builtin_prefetch(root + line);
        }
        if (i >= 2 * AHEAD && trees[i - 2 * AHEAD] != NULL) {
            const StateNode *root = trees[i - 2 * AHEAD]->root;
            __builtin_prefetch(root->lows[root->count - 1]);
            __builtin_prefetch((const char *)root->lows[root->count - 1] + 64);
        }
    }
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
            each(table, &node->lows[i]->header);
        else
            each_below(table, state_node_children(node)[i], each);
    }
}

void state_ordered_each(StateTable *table, StateTree *tree,
                        void (*each)(StateTable *table, StateHeader *header))
{
    each_below(table, tree->root, each);
}
