/* Entries of ORDERED tables whose bytes are written before their place is known, and what tells of
 * a sort key's place without a look at any entry.
 *
 * Cost: making an entry is an allocation, entering it a search less than state_tree_put. */
#ifndef STATE_STATE_ENTRIES_H
#define STATE_STATE_ENTRIES_H

#include <string.h>

#include "state/state.h"

/* The first bytes of a sort key as a number that sorts as they do: where the numbers of two differ,
 * so do these bytes. Sort keys begin with a byte that says whether there is a value, so that one
 * becomes two bits: 0, 1, 255, or something between, where nothing of what follows may count. */
#define STATE_HEAD_BYTES 9
static inline uint64_t state_sort_head(Str sort_key)
{
    uint64_t rest = 0;
    if (sort_key.length == 0)
        return 0;
    size_t behind = sort_key.length - 1;
    if (behind >= sizeof(rest))
        memcpy(&rest, sort_key.data + 1, sizeof(rest));
    else
        memcpy(&rest, sort_key.data + 1, behind);
    rest = __builtin_bswap64(rest) >> 2;
    uint64_t first = (uint8_t)sort_key.data[0];
    if (first <= 1)
        return first << 62 | rest;
    return first == UINT8_MAX ? UINT64_C(3) << 62 | rest : UINT64_C(2) << 62;
}

/* As state_ordered_trees, where each key that has no tree gets one without entries, for what is
 * entered into it before the operator gives back control. Of a table without a TTL. */
void state_ordered_make_trees(StateTable *table, const Str *keys, const uint64_t *hashes,
                              uint32_t count, StateTree **trees);

/* That of the last entry; the tree has one. */
uint64_t state_tree_last_head(const StateTree *tree);

/* The place where an entry of the sort key would be entered, for state_cursor_enter; there is none
 * of it yet. Returns the entry before that, with its head; NULL: none. */
void *state_cursor_place(const StateTable *table, const StateTree *tree, Str sort_key,
                         StateCursor *cursor, uint64_t *head);

/* An entry that is in no tree yet, for a key of this hash, with a sort key and a payload of these
 * lengths; the payload's bytes are the caller's to write. Before the operator gives back control,
 * or a snapshot is made, it is entered or discarded. */
void *state_entry_new(StateTable *table, uint64_t hash, size_t sort_key_length,
                      size_t payload_length, char **payload);
void state_entry_discard(StateTable *table, void *record);
/* As state_cursor_put, of such an entry; the sort key has the length that was said. */
void state_cursor_enter(StateTable *table, StateTree **tree, Str key, uint64_t hash,
                        StateCursor *cursor, Str sort_key, void *record);

#endif
