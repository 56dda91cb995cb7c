/* The B+tree below a key of an ORDERED table: pointers to entries, which do not move.
 *
 * A leaf starts with room for LEAF_FIRST pointers and doubles up to STATE_NODE_SLOTS, because most
 * keys have few. Invariant: an inner node's lows[i] is the smallest entry under children[i] and
 * sizes[i] the number of entries there; no node is empty but the root of an empty tree, which goes
 * with its group.
 *
 * The tree knows its last leaf. What is put behind all others touches that leaf only: nodes above
 * count it when somebody looks at their sizes.
 *
 * Cost: log32(n) nodes a search, each with a binary search over the first eight bytes of the sort
 * keys, which lie in the node; entries are read where those are equal. 16 to 32 bytes of leaf an
 * entry. Positions cost one addition per slot passed. */
#include "state/state_ordered.h"

#define LEAF_FIRST 4
/* Siblings whose sum is at most this become one. */
#define MERGE_SLOTS (STATE_NODE_SLOTS * 3 / 4)

static size_t node_bytes(const StateTable *table, bool is_leaf, uint32_t capacity)
{
    size_t slot = sizeof(StateSlot) + (is_leaf ? 0 : sizeof(void *) + sizeof(uint32_t));
    return sizeof(StateNode) + capacity * slot + table->choices.count * sizeof(void *);
}

static StateNode *node_new(StateTable *table, bool is_leaf, uint32_t capacity)
{
    StateNode *node =
        (StateNode *)(void *)state_text_new(&table->records, node_bytes(table, is_leaf, capacity));
    node->count = 0;
    node->capacity = (uint16_t)capacity;
    node->is_leaf = is_leaf;
    state_choices_forget(table, node);
    return node;
}

static void node_free(StateTable *table, StateNode *node)
{
    state_text_free(&table->records, (char *)node,
                    node_bytes(table, node->is_leaf, node->capacity));
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
    memmove(to->slots + to_slot, from->slots + slot, count * sizeof(StateSlot));
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

static void set_low(const StateTable *table, StateNode *node, uint32_t slot,
                    StateOrderedEntry *entry)
{
    node->slots[slot] = (StateSlot){entry, state_sort_head(state_ordered_sort_key(table, entry))};
}

/* Slots whose head is smaller; no branch depends on what is compared. */
static uint32_t count_smaller(const StateSlot *slots, uint32_t count, uint64_t head)
{
    uint32_t from = 0;
    while (count > 1) {
        uint32_t half = count / 2;
        from += half & -(uint32_t)(slots[from + half - 1].head < head);
        count -= half;
    }
    return from + (count == 1 && slots[from].head < head);
}

/* Slots of the node whose entry is before the sort key (or equal to it, with `or_equal`). */
static uint32_t count_before(const StateTable *table, StateNode *node, Str sort_key, bool or_equal)
{
    const StateSlot *slots = node->slots;
    uint64_t head = state_sort_head(sort_key);
    uint32_t low = count_smaller(slots, node->count, head);
    if (low == node->count || slots[low].head != head)
        return low;
    /* Among those whose first bytes are the same. */
    uint32_t high = node->count;
    if (head != UINT64_MAX)
        high = low + count_smaller(slots + low, node->count - low, head + 1);
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(table, sort_key, slots[middle].low);
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
    state_tree_settle(tree);
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
    if (slot < leaf->count && compare(table, sort_key, leaf->slots[slot].low) == 0)
        return leaf->slots[slot].low;
    return NULL;
}

/* Corrects the smallest entries above a node whose first slot changed. */
static void lift_low(const StateCursor *path, uint32_t depth)
{
    while (depth > 0 && path->nodes[depth]->count != 0) {
        StateNode *node = path->nodes[depth];
        depth--;
        path->nodes[depth]->slots[path->slots[depth]] = node->slots[0];
        if (path->slots[depth] != 0)
            return;
    }
}

void state_tree_replace_at(const StateTable *table, const StateCursor *path,
                           StateOrderedEntry *entry)
{
    for (uint32_t depth = 0; depth <= path->depth; depth++)
        state_choices_forget(table, path->nodes[depth]);
    path->nodes[path->depth]->slots[path->slots[path->depth]].low = entry;
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
    StateNode *right = node_new(table, node->is_leaf, STATE_NODE_SLOTS);
    right->count = (uint16_t)(node->count - keep);
    state_choices_forget(table, node);
    node_move(right, 0, node, keep, right->count);
    node->count = (uint16_t)keep;
    return right;
}

static void grow_root(StateTable *table, StateTree *tree, StateNode *right)
{
    StateNode *root = node_new(table, false, STATE_NODE_SLOTS);
    StateNode *children[2] = {tree->root, right};
    root->count = 2;
    for (uint32_t i = 0; i < 2; i++) {
        root->slots[i] = children[i]->slots[0];
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
    if (leaf->count != leaf->capacity || leaf->capacity == STATE_NODE_SLOTS)
        return;
    const StateNode *old = leaf;
    leaf = leaf_double(table, leaf);
    path->nodes[depth] = leaf;
    tree->last = tree->last == old ? leaf : tree->last;
    tree->before = tree->before == old ? leaf : tree->before;
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
    if (node->count == STATE_NODE_SLOTS) {
        right = node_split(table, node, slot == STATE_NODE_SLOTS);
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

/* A leaf was split: its right part came behind it. */
static void note_split(StateTree *tree, StateNode *leaf, StateNode *right)
{
    if (leaf == tree->last) {
        tree->before = leaf;
        tree->last = right;
    } else if (leaf == tree->before) {
        tree->before = right;
    }
}

/* Into a leaf that has room and nothing above it. */
static void enter_small(const StateTable *table, StateNode *leaf, uint32_t slot,
                        StateOrderedEntry *entry)
{
    for (uint32_t i = leaf->count; i > slot; i--)
        leaf->slots[i] = leaf->slots[i - 1];
    set_low(table, leaf, slot, entry);
    leaf->count++;
}

void state_tree_insert_at(StateTable *table, StateTree *tree, StateCursor *path,
                          StateOrderedEntry *entry)
{
    if (tree->root == NULL) {
        tree->root = node_new(table, true, LEAF_FIRST);
        tree->last = tree->root;
        *path = (StateCursor){.nodes = {tree->root}};
    }
    tree->size++;
    grow_leaf(table, tree, path);
    state_choices_come(table, path, entry);
    uint32_t depth = path->depth;
    StateNode *leaf = path->nodes[depth];
    if (depth == 0 && leaf->count < leaf->capacity) {
        enter_small(table, leaf, path->slots[0], entry);
        return;
    }
    StateNode *right = enter(table, path, depth, entry, NULL);
    if (right != NULL)
        note_split(tree, leaf, right);
    while (depth > 0 && right != NULL) {
        depth--;
        /* The left part's size is set before the slot may move to a sibling. */
        state_node_sizes(path->nodes[depth])[path->slots[depth]] =
            node_size(path->nodes[depth + 1]);
        right = enter(table, path, depth, right->slots[0].low, right);
    }
    if (right != NULL)
        grow_root(table, tree, right);
    while (depth > 0) {
        depth--;
        state_node_sizes(path->nodes[depth])[path->slots[depth]]++;
    }
}

/* Nodes above the leaf are not touched: its entries are counted there when somebody asks. */
void state_tree_push(StateTable *table, StateTree *tree, StateOrderedEntry *entry)
{
    StateNode *leaf = tree->last;
    if (tree->root != NULL && leaf->count < leaf->capacity) {
        set_low(table, leaf, leaf->count, entry);
        leaf->count++;
        tree->size++;
        state_choices_come_last(table, tree, entry);
        tree->late += leaf != tree->root;
        return;
    }
    StateCursor path = {.depth = 0};
    state_tree_settle(tree);
    for (StateNode *node = tree->root; node != NULL; path.depth++) {
        path.nodes[path.depth] = node;
        path.slots[path.depth] = (uint16_t)(node->is_leaf ? node->count : node->count - 1);
        if (node->is_leaf)
            break;
        node = state_node_children(node)[node->count - 1];
    }
    state_tree_insert_at(table, tree, &path, entry);
}

void state_tree_settle(const StateTree *tree)
{
    uint32_t late = tree->late;
    if (late == 0)
        return;
    for (StateNode *node = tree->root; !node->is_leaf;) {
        state_node_sizes(node)[node->count - 1] += late;
        node = state_node_children(node)[node->count - 1];
    }
    ((StateTree *)(uintptr_t)tree)->late = 0;
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
    state_choices_forget(table, left);
    state_node_sizes(parent)[slot] += state_node_sizes(parent)[slot + 1];
    node_free(table, right);
    node_close_slot(parent, slot + 1);
    return true;
}

/* Takes nodes away that became empty or fit into a sibling; whether there were any. */
static bool shrink_path(StateTable *table, const StateCursor *path)
{
    bool any = false;
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
            return any;
        }
        any = true;
    }
    return any;
}

static void find_last(StateTree *tree)
{
    StateNode *node = tree->root;
    while (!node->is_leaf)
        node = state_node_children(node)[node->count - 1];
    tree->last = node;
    tree->before = NULL;
}

void state_tree_remove_at(StateTable *table, StateTree *tree, const StateCursor *path)
{
    uint32_t depth = path->depth;
    tree->size--;
    state_choices_go(table, path, path->nodes[depth]->slots[path->slots[depth]].low);
    node_close_slot(path->nodes[depth], path->slots[depth]);
    if (path->slots[depth] == 0)
        lift_low(path, depth);
    for (uint32_t above = 0; above < depth; above++)
        state_node_sizes(path->nodes[above])[path->slots[above]]--;
    bool nodes_went = shrink_path(table, path);
    while (!tree->root->is_leaf && tree->root->count == 1) {
        StateNode *root = tree->root;
        tree->root = state_node_children(root)[0];
        node_free(table, root);
    }
    if (nodes_went)
        find_last(tree);
}

void state_tree_drop(StateTable *table, StateTree *tree)
{
    assert(tree->size == 0 && tree->root->is_leaf);
    node_free(table, tree->root);
}
