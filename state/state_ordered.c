/* ORDERED tables: key → sort key → record, sort keys in memcmp order.
 *
 * The directory of keys leads to a StateOrderedGroup: a B+tree of pointers to entries. A leaf
 * starts with room for LEAF_FIRST pointers and doubles up to NODE_SLOTS, because most keys have
 * few. Invariant: an inner node's lows[i] is the smallest entry under children[i]; no node is empty
 * but the root of an empty group, which goes with its group.
 *
 * Cost: log32(n) nodes a search, each with a binary search that reads entries; an entry is 16
 * bytes, its record and sort key, and 8 to 16 bytes of leaf. */
#include "state/state_internal.h"

#define NODE_SLOTS 32
#define LEAF_FIRST 4
/* Siblings whose sum is at most this become one. */
#define MERGE_SLOTS (NODE_SLOTS * 3 / 4)
#define HEIGHT_MAX  16

struct StateNode {
    uint16_t count;
    uint16_t capacity;
    bool is_leaf;
    /* Leaf: the entries. Inner: smallest entry below each child; the children follow. */
    StateOrderedEntry *lows[];
};

static StateNode **node_children(StateNode *node)
{
    return (StateNode **)(void *)(node->lows + node->capacity);
}

static size_t node_bytes(bool is_leaf, uint32_t capacity)
{
    return sizeof(StateNode) + capacity * sizeof(void *) * (is_leaf ? 1 : 2);
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

static Str entry_sort_key(const StateTable *table, const StateOrderedEntry *entry)
{
    return state_header_key(&entry->header, table->record_bytes);
}

static int compare(const StateTable *table, Str sort_key, const StateOrderedEntry *entry)
{
    Str other = entry_sort_key(table, entry);
    size_t common = sort_key.length < other.length ? sort_key.length : other.length;
    int order = common == 0 ? 0 : memcmp(sort_key.data, other.data, common);
    if (order != 0)
        return order;
    return (sort_key.length > other.length) - (sort_key.length < other.length);
}

/* Slots of the node whose entry is before the sort key (or equal to it, with `or_equal`). */
static uint32_t count_before(const StateTable *table, const StateNode *node, Str sort_key,
                             bool or_equal)
{
    uint32_t low = 0;
    uint32_t high = node->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        int order = compare(table, sort_key, node->lows[middle]);
        if (order > 0 || (or_equal && order == 0))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static StateOrderedGroup *find_group(StateTable *table, Str key, uint64_t hash, bool create)
{
    assert(table->kind == STATE_ORDERED);
    void *body;
    state_keys_find(table, &key, &hash, 1, create, &body, NULL);
    return body;
}

/* The path from the root to a leaf: the node and the slot taken at each level. */
typedef struct Path {
    StateNode *nodes[HEIGHT_MAX];
    uint32_t slots[HEIGHT_MAX];
    uint32_t depth; /* of the leaf */
} Path;

/* Down to the leaf where the sort key is or would be. */
static void descend(const StateTable *table, const StateOrderedGroup *group, Str sort_key,
                    Path *path)
{
    StateNode *node = group->root;
    path->depth = 0;
    while (!node->is_leaf) {
        uint32_t slot = count_before(table, node, sort_key, true);
        slot = slot == 0 ? 0 : slot - 1;
        path->nodes[path->depth] = node;
        path->slots[path->depth] = slot;
        node = node_children(node)[slot];
        path->depth++;
        assert(path->depth < HEIGHT_MAX);
    }
    path->nodes[path->depth] = node;
    path->slots[path->depth] = count_before(table, node, sort_key, false);
}

/* The entry at the path's leaf slot when it has the sort key. */
static StateOrderedEntry *entry_at(const StateTable *table, const Path *path, Str sort_key)
{
    const StateNode *leaf = path->nodes[path->depth];
    uint32_t slot = path->slots[path->depth];
    if (slot < leaf->count && compare(table, sort_key, leaf->lows[slot]) == 0)
        return leaf->lows[slot];
    return NULL;
}

/* Corrects the smallest entries above a leaf whose first slot changed. */
static void lift_low(const Path *path, uint32_t depth)
{
    while (depth > 0 && path->nodes[depth]->count != 0) {
        StateOrderedEntry *low = path->nodes[depth]->lows[0];
        depth--;
        path->nodes[depth]->lows[path->slots[depth]] = low;
        if (path->slots[depth] != 0)
            return;
    }
}

/* ------------------------------------------------------------------ insertion */

static void node_open_slot(StateNode *node, uint32_t slot)
{
    memmove(node->lows + slot + 1, node->lows + slot, (node->count - slot) * sizeof(void *));
    if (!node->is_leaf) {
        StateNode **children = node_children(node);
        memmove(children + slot + 1, children + slot, (node->count - slot) * sizeof(void *));
    }
    node->count++;
}

static StateNode *leaf_double(StateTable *table, StateNode *leaf)
{
    StateNode *larger = node_new(table, true, leaf->capacity * 2u);
    memcpy(larger->lows, leaf->lows, leaf->count * sizeof(void *));
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
    memcpy(right->lows, node->lows + keep, right->count * sizeof(void *));
    if (!node->is_leaf)
        memcpy(node_children(right), node_children(node) + keep, right->count * sizeof(void *));
    node->count = (uint16_t)keep;
    return right;
}

static void grow_root(StateTable *table, StateOrderedGroup *group, StateNode *right)
{
    StateNode *root = node_new(table, false, NODE_SLOTS);
    root->count = 2;
    root->lows[0] = group->root->lows[0];
    root->lows[1] = right->lows[0];
    node_children(root)[0] = group->root;
    node_children(root)[1] = right;
    group->root = root;
    group->height++;
}

static void insert_at(StateTable *table, StateOrderedGroup *group, Path *path,
                      StateOrderedEntry *entry)
{
    StateNode *child = NULL; /* a new right sibling to enter one level up */
    StateOrderedEntry *low = entry;
    for (uint32_t depth = path->depth;; depth--) {
        StateNode *node = path->nodes[depth];
        uint32_t slot = path->slots[depth] + (child == NULL ? 0 : 1);
        if (node->count == node->capacity && node->capacity < NODE_SLOTS) {
            node = leaf_double(table, node);
            path->nodes[depth] = node;
            if (depth == 0)
                group->root = node;
            else
                node_children(path->nodes[depth - 1])[path->slots[depth - 1]] = node;
        }
        StateNode *right = NULL;
        StateNode *target = node;
        if (node->count == NODE_SLOTS) {
            right = node_split(table, node, slot == NODE_SLOTS);
            if (slot > node->count) {
                slot -= node->count;
                target = right;
            }
        }
        node_open_slot(target, slot);
        target->lows[slot] = low;
        if (child != NULL)
            node_children(target)[slot] = child;
        if (target == node && slot == 0)
            lift_low(path, depth);
        if (right == NULL)
            return;
        if (depth == 0) {
            grow_root(table, group, right);
            return;
        }
        child = right;
        low = right->lows[0];
    }
}

static StateOrderedEntry *put(StateTable *table, Str key, uint64_t hash, Str sort_key,
                              bool *created)
{
    StateOrderedGroup *group = find_group(table, key, hash, true);
    if (group->root == NULL) {
        group->root = node_new(table, true, LEAF_FIRST);
        group->height = 1;
    }
    Path path;
    descend(table, group, sort_key, &path);
    StateOrderedEntry *entry = entry_at(table, &path, sort_key);
    *created = entry == NULL;
    if (entry != NULL)
        return entry;
    StateHeader *header = state_record_new(&table->records, table->prefix_bytes,
                                           table->record_bytes + sort_key.length,
                                           state_header_group(state_header_of(group)));
    header->key_bytes = (uint32_t)sort_key.length;
    if (sort_key.length != 0)
        memcpy((char *)(header + 1) + table->record_bytes, sort_key.data, sort_key.length);
    entry = state_ordered_entry_of(header);
    entry->group = group;
    insert_at(table, group, &path, entry);
    group->size++;
    return entry;
}

void *state_ordered_put(StateTable *table, Str key, uint64_t hash, Str sort_key, bool *created)
{
    bool is_new;
    StateOrderedEntry *entry = put(table, key, hash, sort_key, &is_new);
    if (is_new)
        state_record_touch(&table->records, &entry->header);
    if (created != NULL)
        *created = is_new;
    return entry + 1;
}

void *state_ordered_restore(StateTable *table, Str key, uint64_t hash, Str sort_key)
{
    bool is_new;
    return put(table, key, hash, sort_key, &is_new) + 1;
}

/* -------------------------------------------------------------------- removal */

static void node_close_slot(StateNode *node, uint32_t slot)
{
    node->count--;
    memmove(node->lows + slot, node->lows + slot + 1, (node->count - slot) * sizeof(void *));
    if (!node->is_leaf) {
        StateNode **children = node_children(node);
        memmove(children + slot, children + slot + 1, (node->count - slot) * sizeof(void *));
    }
}

/* Moves everything of the child right of `slot` into the child at `slot`, when it has the room. */
static bool merge_right(StateTable *table, StateNode *parent, uint32_t slot)
{
    if (slot + 1 >= parent->count)
        return false;
    StateNode *left = node_children(parent)[slot];
    StateNode *right = node_children(parent)[slot + 1];
    if (left->count + right->count > MERGE_SLOTS || left->count + right->count > left->capacity)
        return false;
    memcpy(left->lows + left->count, right->lows, right->count * sizeof(void *));
    if (!left->is_leaf)
        memcpy(node_children(left) + left->count, node_children(right),
               right->count * sizeof(void *));
    left->count = (uint16_t)(left->count + right->count);
    node_free(table, right);
    node_close_slot(parent, slot + 1);
    return true;
}

/* Takes the path's leaf slot out, and nodes that became empty or fit into a sibling with it. */
static void remove_at(StateTable *table, StateOrderedGroup *group, const Path *path)
{
    uint32_t depth = path->depth;
    node_close_slot(path->nodes[depth], path->slots[depth]);
    if (path->slots[depth] == 0)
        lift_low(path, depth);
    for (; depth > 0; depth--) {
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
            break;
        }
    }
    while (!group->root->is_leaf && group->root->count == 1) {
        StateNode *root = group->root;
        group->root = node_children(root)[0];
        group->height--;
        node_free(table, root);
    }
}

void state_ordered_remove(StateTable *table, Str key, uint64_t hash, Str sort_key)
{
    StateOrderedGroup *group = find_group(table, key, hash, false);
    if (group == NULL)
        return;
    Path path;
    descend(table, group, sort_key, &path);
    StateOrderedEntry *entry = entry_at(table, &path, sort_key);
    if (entry == NULL)
        return;
    state_log_removed(table, &entry->header, state_keys_key(table, group), sort_key);
    remove_at(table, group, &path);
    state_strings_free(table, entry + 1);
    state_record_free(&table->records, &entry->header, table->prefix_bytes,
                      table->record_bytes + entry->header.key_bytes);
    if (--group->size != 0)
        return;
    node_free(table, group->root);
    state_keys_remove(table, group);
}

/* --------------------------------------------------------------------- search */

void *state_ordered_find(StateTable *table, Str key, uint64_t hash, Str sort_key)
{
    const StateOrderedGroup *group = find_group(table, key, hash, false);
    if (group == NULL)
        return NULL;
    Path path;
    descend(table, group, sort_key, &path);
    StateOrderedEntry *entry = entry_at(table, &path, sort_key);
    return entry == NULL ? NULL : entry + 1;
}

static void *give(const StateTable *table, StateOrderedEntry *entry, Str *sort_key)
{
    if (entry == NULL)
        return NULL;
    if (sort_key != NULL)
        *sort_key = entry_sort_key(table, entry);
    return entry + 1;
}

/* The outermost entry under a node. */
static StateOrderedEntry *edge(StateNode *node, bool last)
{
    while (!node->is_leaf)
        node = node_children(node)[last ? node->count - 1 : 0];
    return node->lows[last ? node->count - 1 : 0];
}

void *state_ordered_first(StateTable *table, Str key, uint64_t hash, Str *sort_key)
{
    const StateOrderedGroup *group = find_group(table, key, hash, false);
    return group == NULL ? NULL : give(table, edge(group->root, false), sort_key);
}

void *state_ordered_last(StateTable *table, Str key, uint64_t hash, Str *sort_key)
{
    const StateOrderedGroup *group = find_group(table, key, hash, false);
    return group == NULL ? NULL : give(table, edge(group->root, true), sort_key);
}

void *state_ordered_after(StateTable *table, Str key, uint64_t hash, Str sort_key, Str *found)
{
    const StateOrderedGroup *group = find_group(table, key, hash, false);
    if (group == NULL)
        return NULL;
    Path path;
    descend(table, group, sort_key, &path);
    const StateNode *leaf = path.nodes[path.depth];
    uint32_t slot = path.slots[path.depth];
    if (entry_at(table, &path, sort_key) != NULL)
        slot++;
    if (slot < leaf->count)
        return give(table, leaf->lows[slot], found);
    for (uint32_t depth = path.depth; depth > 0; depth--) {
        StateNode *node = path.nodes[depth - 1];
        if (path.slots[depth - 1] + 1 < node->count)
            return give(table, edge(node_children(node)[path.slots[depth - 1] + 1], false), found);
    }
    return NULL;
}

void *state_ordered_before(StateTable *table, Str key, uint64_t hash, Str sort_key, Str *found)
{
    const StateOrderedGroup *group = find_group(table, key, hash, false);
    if (group == NULL)
        return NULL;
    Path path;
    descend(table, group, sort_key, &path);
    const StateNode *leaf = path.nodes[path.depth];
    if (path.slots[path.depth] != 0)
        return give(table, leaf->lows[path.slots[path.depth] - 1], found);
    for (uint32_t depth = path.depth; depth > 0; depth--) {
        StateNode *node = path.nodes[depth - 1];
        if (path.slots[depth - 1] != 0)
            return give(table, edge(node_children(node)[path.slots[depth - 1] - 1], true), found);
    }
    return NULL;
}

/* ----------------------------------------------------------------- whole trees */

static void each_below(StateTable *table, StateNode *node,
                       void (*each)(StateTable *table, StateHeader *header))
{
    for (uint32_t i = 0; i < node->count; i++) {
        if (node->is_leaf)
            each(table, &node->lows[i]->header);
        else
            each_below(table, node_children(node)[i], each);
    }
}

void state_ordered_each(StateTable *table, StateOrderedGroup *group,
                        void (*each)(StateTable *table, StateHeader *header))
{
    each_below(table, group->root, each);
}
