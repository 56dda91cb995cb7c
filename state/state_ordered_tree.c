/* The B+tree below a key of an ORDERED table: pointers to entries, which do not move.
 *
 * A leaf starts with room for LEAF_FIRST pointers and doubles up to NODE_SLOTS, because most keys
 * have few. Invariant: an inner node's lows[i] is the smallest entry under children[i] and sizes[i]
 * the number of entries there; no node is empty but the root of an empty tree, which goes with its
 * group.
 *
 * Cost: log32(n) nodes a search, each with a binary search over the first eight bytes of the sort
 * keys, which lie in the node; entries are read where those are equal. 16 to 32 bytes of leaf an
 * entry. Positions cost one addition per slot passed. */
#include "state/state_ordered.h"

#define NODE_SLOTS 32
#define LEAF_FIRST 4
/* Siblings whose sum is at most this become one. */
#define MERGE_SLOTS (NODE_SLOTS * 3 / 4)

static size_t node_bytes(bool is_leaf, uint32_t capacity)
{
    size_t slot =
        sizeof(void *) + sizeof(uint64_t) + (is_leaf ? 0 : sizeof(void *) + sizeof(uint32_t));
    return sizeof(StateNode) + capacity * slot;
}

static StateNode *node_new(StateTable *table, bool is_leaf, uint32_t capacity)
{
    StateNode *node =
        (StateNode *)(void *)state_text_new(&table->records, node_bytes(is_leaf, capacity));
    node->count = 0;
    node->capacity = (uint16_t)capacity;
    node->is_leaf = is_leaf;
    return node;
}

static void node_free(StateTable *table, StateNode *node)
{
    state_text_free(&table->records, (char *)node, node_bytes(node->is_leaf, node->capacity));
}

static uint32_t node_size(StateNode *node)
{
    if (node->is_leaf)
        return node->count;
    uint32_t size = 0;
    for (uint32_t i = 0; i < node->count; i++)
        size += state_node_sizes(node)[i];
    return size;
}

/* Moves `count` slots of one node to another, or within one. */
static void node_move(StateNode *to, uint32_t to_slot, StateNode *from, uint32_t slot,
                      uint32_t count)
{
    memmove(to->lows + to_slot, from->lows + slot, count * sizeof(void *));
    memmove(state_node_heads(to) + to_slot, state_node_heads(from) + slot,
            count * sizeof(uint64_t));
    if (from->is_leaf)
        return;
    memmove(state_node_children(to) + to_slot, state_node_children(from) + slot,
            count * sizeof(void *));
    memmove(state_node_sizes(to) + to_slot, state_node_sizes(from) + slot,
            count * sizeof(uint32_t));
}

static int compare(const StateTable *table, Str sort_key, const StateOrderedEntry *entry)
{
    Str other = state_ordered_sort_key(table, entry);
    size_t common = sort_key.length < other.length ? sort_key.length : other.length;
    int order = common == 0 ? 0 : memcmp(sort_key.data, other.data, common);
    if (order != 0)
        return order;
    return (sort_key.length > other.length) - (sort_key.length < other.length);
}

/* The first eight bytes as a number that sorts as they do. */
static uint64_t head_of(Str sort_key)
{
    uint64_t head = 0;
    memcpy(&head, sort_key.data, sort_key.length < sizeof(head) ? sort_key.length : sizeof(head));
    return __builtin_bswap64(head);
}

static void set_low(const StateTable *table, StateNode *node, uint32_t slot,
                    StateOrderedEntry *entry)
{
    node->lows[slot] = entry;
    state_node_heads(node)[slot] = head_of(state_ordered_sort_key(table, entry));
}

/* Slots of the node whose entry is before the sort key (or equal to it, with `or_equal`). */
static uint32_t count_before(const StateTable *table, StateNode *node, Str sort_key, bool or_equal)
{
    const uint64_t *heads = state_node_heads(node);
    uint64_t head = head_of(sort_key);
    uint32_t low = 0;
    uint32_t high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = heads[middle] != head ? (head > heads[middle] ? 1 : -1)
                                          : compare(table, sort_key, node->lows[middle]);
        if (order > 0 || (or_equal && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

void state_tree_descend(const StateTable *table, const StateTree *tree, Str sort_key,
                        StateCursor *path)
{
    StateNode *node = tree->root;
    path->depth = 0;
    while (!node->is_leaf) {
        uint32_t slot = count_before(table, node, sort_key, true);
        slot = slot == 0 ? 0 : slot - 1;
        path->nodes[path->depth] = node;
        path->slots[path->depth] = (uint16_t)slot;
        node = state_node_children(node)[slot];
        path->depth++;
        assert(path->depth < STATE_TREE_HEIGHT_MAX);
    }
    path->nodes[path->depth] = node;
    path->slots[path->depth] = (uint16_t)count_before(table, node, sort_key, false);
}

StateOrderedEntry *state_tree_entry_at(const StateTable *table, const StateCursor *path,
                                       Str sort_key)
{
    const StateNode *leaf = path->nodes[path->depth];
    uint32_t slot = path->slots[path->depth];
    if (slot < leaf->count && compare(table, sort_key, leaf->lows[slot]) == 0)
        return leaf->lows[slot];
    return NULL;
}

/* Corrects the smallest entries above a node whose first slot changed. */
static void lift_low(const StateCursor *path, uint32_t depth)
{
    while (depth > 0 && path->nodes[depth]->count != 0) {
        StateNode *node = path->nodes[depth];
        depth--;
        path->nodes[depth]->lows[path->slots[depth]] = node->lows[0];
        state_node_heads(path->nodes[depth])[path->slots[depth]] = state_node_heads(node)[0];
        if (path->slots[depth] != 0)
            return;
    }
}

void state_tree_replace_at(const StateCursor *path, StateOrderedEntry *entry)
{
    path->nodes[path->depth]->lows[path->slots[path->depth]] = entry;
    if (path->slots[path->depth] == 0)
        lift_low(path, path->depth);
}

/* ------------------------------------------------------------------ insertion */

static StateNode *leaf_double(StateTable *table, StateNode *leaf)
{
    StateNode *larger = node_new(table, true, leaf->capacity * 2u);
    node_move(larger, 0, leaf, 0, leaf->count);
    larger->count = leaf->count;
    node_free(table, leaf);
    return larger;
}

/* Moves the upper part of a full node to a new one. Appending at the end, the usual way sort keys
 * grow, leaves the node full. */
static StateNode *node_split(StateTable *table, StateNode *node, bool at_end)
{
    uint32_t keep = at_end ? node->count - 1u : node->count / 2u;
    StateNode *right = node_new(table, node->is_leaf, NODE_SLOTS);
    right->count = (uint16_t)(node->count - keep);
    node_move(right, 0, node, keep, right->count);
    node->count = (uint16_t)keep;
    return right;
}

static void grow_root(StateTable *table, StateTree *tree, StateNode *right)
{
    StateNode *root = node_new(table, false, NODE_SLOTS);
    StateNode *children[2] = {tree->root, right};
    root->count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        root->lows[i] = children[i]->lows[0];
        state_node_heads(root)[i] = state_node_heads(children[i])[0];
        state_node_children(root)[i] = children[i];
        state_node_sizes(root)[i] = node_size(children[i]);
    }
    tree->root = root;
}

/* Room for one more slot in the path's leaf while it is small. */
static void grow_leaf(StateTable *table, StateTree *tree, StateCursor *path)
{
    uint32_t depth = path->depth;
    StateNode *leaf = path->nodes[depth];
    if (leaf->count != leaf->capacity || leaf->capacity == NODE_SLOTS)
        return;
    leaf = leaf_double(table, leaf);
    path->nodes[depth] = leaf;
    if (depth == 0)
        tree->root = leaf;
    else
        state_node_children(path->nodes[depth - 1])[path->slots[depth - 1]] = leaf;
}

/* Puts an entry, or a child with its smallest entry, into the node of the path at this depth; what
 * does not fit goes to a new right sibling, which is returned. */
static StateNode *enter(StateTable *table, const StateCursor *path, uint32_t depth,
                        StateOrderedEntry *low, StateNode *child)
{
    StateNode *node = path->nodes[depth];
    uint32_t slot = path->slots[depth] + (child == NULL ? 0u : 1u);
    StateNode *right = NULL;
    StateNode *target = node;
    if (node->count == NODE_SLOTS) {
        right = node_split(table, node, slot == NODE_SLOTS);
        if (slot > node->count) {
            slot -= node->count;
            target = right;
        }
    }
    node_move(target, slot + 1, target, slot, target->count - slot);
    target->count++;
    set_low(table, target, slot, low);
    if (child != NULL) {
        state_node_children(target)[slot] = child;
        state_node_sizes(target)[slot] = node_size(child);
    }
    if (target == node && slot == 0)
        lift_low(path, depth);
    return right;
}

void state_tree_insert_at(StateTable *table, StateTree *tree, StateCursor *path,
                          StateOrderedEntry *entry)
{
    if (tree->root == NULL) {
        tree->root = node_new(table, true, LEAF_FIRST);
        *path = (StateCursor){.nodes = {tree->root}};
    }
    tree->size++;
    grow_leaf(table, tree, path);
    uint32_t depth = path->depth;
    StateNode *right = enter(table, path, depth, entry, NULL);
    while (depth > 0 && right != NULL) {
        depth--;
        /* The left part's size is set before the slot may move to a sibling. */
        state_node_sizes(path->nodes[depth])[path->slots[depth]] =
            node_size(path->nodes[depth + 1]);
        right = enter(table, path, depth, right->lows[0], right);
    }
    if (right != NULL)
        grow_root(table, tree, right);
    while (depth > 0) {
        depth--;
        state_node_sizes(path->nodes[depth])[path->slots[depth]]++;
    }
}

/* -------------------------------------------------------------------- removal */

static void node_close_slot(StateNode *node, uint32_t slot)
{
    node->count--;
    node_move(node, slot, node, slot + 1, node->count - slot);
}

/* Moves everything of the child right of `slot` into the child at `slot`, when it has the room. */
static bool merge_right(StateTable *table, StateNode *parent, uint32_t slot)
{
    if (slot + 1 >= parent->count)
        return false;
    StateNode *left = state_node_children(parent)[slot];
    StateNode *right = state_node_children(parent)[slot + 1];
    if (left->count + right->count > MERGE_SLOTS || left->count + right->count > left->capacity)
        return false;
    node_move(left, left->count, right, 0, right->count);
    left->count = (uint16_t)(left->count + right->count);
    state_node_sizes(parent)[slot] += state_node_sizes(parent)[slot + 1];
    node_free(table, right);
    node_close_slot(parent, slot + 1);
    return true;
}

/* Takes nodes away that became empty or fit into a sibling. */
static void shrink_path(StateTable *table, const StateCursor *path)
{
    for (uint32_t depth = path->depth; depth > 0; depth--) {
        StateNode *node = path->nodes[depth];
        StateNode *parent = path->nodes[depth - 1];
        uint32_t slot = path->slots[depth - 1];
        if (node->count == 0) {
            node_free(table, node);
            node_close_slot(parent, slot);
            if (slot == 0)
                lift_low(path, depth - 1);
        } else if (!merge_right(table, parent, slot) &&
                   (slot == 0 || !merge_right(table, parent, slot - 1))) {
            return;
        }
    }
}

void state_tree_remove_at(StateTable *table, StateTree *tree, const StateCursor *path)
{
    uint32_t depth = path->depth;
    tree->size--;
    node_close_slot(path->nodes[depth], path->slots[depth]);
    if (path->slots[depth] == 0)
        lift_low(path, depth);
    for (uint32_t above = 0; above < depth; above++)
        state_node_sizes(path->nodes[above])[path->slots[above]]--;
    shrink_path(table, path);
    while (!tree->root->is_leaf && tree->root->count == 1) {
        StateNode *root = tree->root;
        tree->root = state_node_children(root)[0];
        node_free(table, root);
    }
}

void state_tree_drop(StateTable *table, StateTree *tree)
{
    assert(tree->size == 0 && tree->root->is_leaf);
    node_free(table, tree->root);
}
