/* The tree of an ORDERED key, shared by the state_ordered files: see state_ordered_tree.c. */
#ifndef STATE_STATE_ORDERED_H
#define STATE_STATE_ORDERED_H

#include "state/state_entries.h"
#include "state/state_internal.h"

/* Of a full node. */
#define STATE_NODE_SLOTS 32

/* An entry, and the first bytes of its sort key as a number that sorts as they do. */
typedef struct StateSlot {
    StateOrderedEntry *low;
    uint64_t head;
} StateSlot;

struct StateNode {
    uint16_t count;
    uint16_t capacity;
    bool is_leaf;
    /* Leaf: the entries. Inner: the smallest entry below each child; then the children, then how
     * many entries are below each. Last, for each choice of the table, what is chosen of all
     * entries below (state_ordered_choice.c). */
    StateSlot slots[];
};

static inline StateNode **state_node_children(StateNode *node)
{
    return (StateNode **)(void *)(node->slots + node->capacity);
}

static inline uint32_t *state_node_sizes(StateNode *node)
{
    return (uint32_t *)(void *)(state_node_children(node) + node->capacity);
}

/* What a node knows of a choice: nothing yet, that there is nothing to choose, or the entry. */
#define STATE_CHOICE_UNKNOWN ((StateOrderedEntry *)NULL)

static inline StateOrderedEntry **state_node_choices(StateNode *node)
{
    void *end = node->is_leaf ? (void *)(node->slots + node->capacity)
                              : (void *)(state_node_sizes(node) + node->capacity);
    return end;
}

/* state_ordered_choice.c: keeping them right. The entry has come below these nodes; goes from below
 * them; what is below the node is not known any more. */
void state_choices_come(const StateTable *table, const StateCursor *path,
                        const StateOrderedEntry *entry);
void state_choices_come_last(const StateTable *table, const StateTree *tree,
                             const StateOrderedEntry *entry);
void state_choices_go(const StateTable *table, const StateCursor *path,
                      const StateOrderedEntry *entry);
void state_choices_forget(const StateTable *table, StateNode *node);

/* Bytes behind an entry's header. */
static inline size_t state_ordered_bytes(const StateTable *table, const StateOrderedEntry *entry)
{
    return table->record_bytes + (size_t)entry->header.key_bytes + entry->payload_bytes;
}

static inline Str state_ordered_sort_key(const StateTable *table, const StateOrderedEntry *entry)
{
    return state_header_key(&entry->header, table->record_bytes);
}

static inline StateOrderedEntry *state_ordered_of(const void *record)
{
    return state_ordered_entry_of(state_header_of(record));
}

/* Counts what was put behind the last entry, all the way up: whoever reads sizes asks for it. */
void state_tree_settle(const StateTree *tree);
/* Puts the entry behind all others. */
void state_tree_push(StateTable *table, StateTree *tree, StateOrderedEntry *entry);
/* Down to the leaf where the sort key is or would be; the slot is that of the first entry that is
 * not before it, which may be one behind the leaf's last. */
void state_tree_descend(const StateTable *table, const StateTree *tree, Str sort_key,
                        StateCursor *path);
/* The entry at the path's end when it has the sort key, else NULL. */
StateOrderedEntry *state_tree_entry_at(const StateTable *table, const StateCursor *path,
                                       Str sort_key);
/* Enters the entry where the path of its sort key ends. */
void state_tree_insert_at(StateTable *table, StateTree *tree, StateCursor *path,
                          StateOrderedEntry *entry);
/* Takes out what is at the path's end. */
void state_tree_remove_at(StateTable *table, StateTree *tree, const StateCursor *path);
/* Puts another entry with the same sort key in the place where the path ends. */
void state_tree_replace_at(const StateTable *table, const StateCursor *path,
                           StateOrderedEntry *entry);
/* Gives back the nodes of a tree that has become empty. */
void state_tree_drop(StateTable *table, StateTree *tree);

#endif
