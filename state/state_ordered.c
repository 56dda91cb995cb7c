/* ORDERED tables: key → sort key → record and payload, sort keys in memcmp order.
 *
 * The directory of keys leads to a StateTree, which heads a B+tree of pointers to entries
 * (state_ordered_tree.c). A tree goes when its last entry goes.
 *
 * Cost: an entry is 16 bytes, its record, sort key and payload, and 16 to 32 bytes of leaf; a tree
 * 40 bytes and its key. */
#include "state/state_ordered.h"

/* ------------------------------------------------------------------------- TTL
 *
 * A tree expires as a whole, when none of its entries was written for so long: who counts entries
 * by position could not do with some of them gone. Its time stands behind its head and is the
 * latest of the times its entries keep. */

static int64_t *tree_time(const StateTree *tree)
{
    return (int64_t *)(void *)(uintptr_t)(tree + 1);
}

bool state_ordered_is_expired(const StateTable *table, const StateHeader *header)
{
    return *tree_time(state_tree_of(table, header + 1)) <= table->expired_ms;
}

void state_ordered_written(StateTable *table, const StateHeader *header)
{
    *tree_time(state_tree_of(table, header + 1)) = table->store->now_ms;
}

void state_ordered_restored(StateTable *table, const void *record)
{
    int64_t *time = tree_time(state_tree_of(table, record));
    int64_t own = *state_time_of(table, state_header_of(record));
    *time = own > *time ? own : *time;
}

/* Gives back a tree that has expired; false when it has not. */
static bool drop_expired(StateTable *table, StateTree *tree)
{
    if (tree == NULL || table->ttl_ms == 0 || *tree_time(tree) > table->expired_ms)
        return false;
    while (!state_tree_remove(table, state_tree_last(tree)))
        continue;
    return true;
}

/* --------------------------------------------------------------------- finding */

static StateTree *find_any(StateTable *table, Str key, uint64_t hash, bool create)
{
    assert(table->kind == STATE_ORDERED);
    void *body;
    state_keys_find(table, &key, &hash, 1, create, &body, NULL);
    return body;
}

static StateTree *find_tree(StateTable *table, Str key, uint64_t hash, bool create)
{
    StateTree *tree = find_any(table, key, hash, create);
    if (tree == NULL || tree->size == 0 || !drop_expired(table, tree))
        return tree;
    return create ? find_any(table, key, hash, true) : NULL;
}

/* Trees of which nothing is left are none, also where one stands several times. */
static void drop_expired_trees(StateTable *table, StateTree **trees, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const StateTree *tree = trees[i];
        if (!drop_expired(table, trees[i]))
            continue;
        for (uint32_t k = i; k < count; k++)
            if (trees[k] == tree)
                trees[k] = NULL;
    }
}

static void find_trees(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                       bool create, StateTree **trees)
{
    assert(table->kind == STATE_ORDERED);
    void *bodies[256];
    for (uint32_t from = 0; from < count; from += array_count(bodies)) {
        uint32_t n = count - from < array_count(bodies) ? count - from : array_count(bodies);
        state_keys_find(table, keys + from, hashes + from, n, create, bodies, NULL);
        for (uint32_t i = 0; i < n; i++)
            trees[from + i] = bodies[i];
    }
}

void state_ordered_trees(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                         StateTree **trees)
{
    find_trees(table, keys, hashes, count, false, trees);
    if (table->ttl_ms != 0)
        drop_expired_trees(table, trees, count);
}

void state_ordered_make_trees(StateTable *table, const Str *keys, const uint64_t *hashes,
                              uint32_t count, StateTree **trees)
{
    assert(table->ttl_ms == 0);
    find_trees(table, keys, hashes, count, true, trees);
}

uint32_t state_tree_size(const StateTree *tree)
{
    return tree == NULL ? 0 : tree->size;
}

Str state_tree_sort_key(const StateTable *table, const void *record)
{
    return state_ordered_sort_key(table, state_ordered_of(record));
}

Str state_tree_payload(const StateTable *table, const void *record)
{
    const StateOrderedEntry *entry = state_ordered_of(record);
    Str sort_key = state_ordered_sort_key(table, entry);
    return (Str){sort_key.data + sort_key.length, entry->payload_bytes};
}

StateTree *state_tree_of(const StateTable *table, const void *record)
{
    return (StateTree *)(void *)(state_header_at(&table->records, state_ordered_of(record)->tree) +
                                 1);
}

/* ------------------------------------------------------------------- changing */

/* An entry with room for a sort key and a payload, of no tree yet. */
static StateOrderedEntry *entry_make(StateTable *table, uint32_t key_group, size_t sort_key_length,
                                     size_t payload_length)
{
    StateHeader *header =
        state_record_new(&table->records, table->prefix_bytes,
                         table->record_bytes + sort_key_length + payload_length, key_group);
    header->key_bytes = (uint32_t)sort_key_length;
    StateOrderedEntry *entry = state_ordered_entry_of(header);
    entry->payload_bytes = (uint32_t)payload_length;
    return entry;
}

/* Says what tree it belongs to and under which sort key. */
static void entry_place(StateTable *table, const StateTree *tree, StateOrderedEntry *entry,
                        Str sort_key)
{
    entry->tree = state_ref_of(state_header_of(tree));
    state_born(table, &entry->header);
    if (sort_key.length != 0)
        memcpy((char *)(entry + 1) + table->record_bytes, sort_key.data, sort_key.length);
}

static StateOrderedEntry *entry_new(StateTable *table, const StateTree *tree, Str sort_key,
                                    Str payload)
{
    StateOrderedEntry *entry = entry_make(table, state_header_group(state_header_of(tree)),
                                          sort_key.length, payload.length);
    entry_place(table, tree, entry, sort_key);
    if (payload.length != 0)
        memcpy((char *)(entry + 1) + table->record_bytes + sort_key.length, payload.data,
               payload.length);
    return entry;
}

static void entry_free(StateTable *table, StateOrderedEntry *entry)
{
    state_record_free(&table->records, &entry->header, table->prefix_bytes,
                      state_ordered_bytes(table, entry));
}

static StateOrderedEntry *set_payload(StateTable *table, const StateCursor *path,
                                      StateOrderedEntry *entry, Str payload)
{
    Str sort_key = state_ordered_sort_key(table, entry);
    size_t whole = table->prefix_bytes + sizeof(StateHeader);
    size_t old_bytes = whole + state_ordered_bytes(table, entry);
    if (state_record_fits(old_bytes, old_bytes - entry->payload_bytes + payload.length)) {
        if (payload.length != 0)
            memmove((char *)(uintptr_t)sort_key.data + sort_key.length, payload.data,
                    payload.length);
        entry->payload_bytes = (uint32_t)payload.length;
        return entry;
    }
    StateOrderedEntry *moved = entry_new(table, state_tree_of(table, entry + 1), sort_key, payload);
    moved->header.where |= entry->header.where & STATE_PERSISTED;
    if (table->record_bytes != 0)
        memcpy(moved + 1, entry + 1, table->record_bytes);
    state_tree_replace_at(table, path, moved);
    entry_free(table, entry);
    return moved;
}

static StateOrderedEntry *put(StateTable *table, StateTree *tree, Str sort_key, const Str *payload,
                              bool *created)
{
    StateCursor path;
    StateOrderedEntry *entry = NULL;
    if (tree->root != NULL) {
        state_tree_descend(table, tree, sort_key, &path);
        entry = state_tree_entry_at(table, &path, sort_key);
    }
    *created = entry == NULL;
    if (entry != NULL)
        return payload == NULL ? entry : set_payload(table, &path, entry, *payload);
    entry = entry_new(table, tree, sort_key, payload == NULL ? (Str){NULL, 0} : *payload);
    state_tree_insert_at(table, tree, &path, entry);
    return entry;
}

void *state_tree_put(StateTable *table, StateTree **tree, Str key, uint64_t hash, Str sort_key,
                     Str payload, bool *created)
{
    if (*tree == NULL)
        *tree = find_tree(table, key, hash, true);
    bool is_new;
    StateOrderedEntry *entry = put(table, *tree, sort_key, &payload, &is_new);
    state_written(table, &entry->header);
    if (created != NULL)
        *created = is_new;
    return entry + 1;
}

static bool remove_at(StateTable *table, StateTree *tree, const StateCursor *path,
                      StateOrderedEntry *entry)
{
    state_log_removed(table, &entry->header, state_keys_key(table, tree),
                      state_ordered_sort_key(table, entry));
    state_tree_remove_at(table, tree, path);
    state_strings_free(table, entry + 1);
    entry_free(table, entry);
    if (tree->size != 0)
        return false;
    state_tree_drop(table, tree);
    state_keys_remove(table, tree);
    return true;
}

void *state_cursor_put(StateTable *table, StateTree **tree, Str key, uint64_t hash,
                       StateCursor *cursor, Str sort_key, Str payload)
{
    if (*tree == NULL)
        *tree = find_tree(table, key, hash, true);
    StateOrderedEntry *entry = entry_new(table, *tree, sort_key, payload);
    state_tree_insert_at(table, *tree, cursor, entry);
    state_written(table, &entry->header);
    return entry + 1;
}

void *state_entry_new(StateTable *table, uint64_t hash, size_t sort_key_length,
                      size_t payload_length, char **payload)
{
    StateOrderedEntry *entry =
        entry_make(table, state_key_group_of(table, hash), sort_key_length, payload_length);
    *payload = (char *)(entry + 1) + table->record_bytes + sort_key_length;
    return entry + 1;
}

void state_entry_discard(StateTable *table, void *record)
{
    entry_free(table, state_ordered_of(record));
}

void state_cursor_enter(StateTable *table, StateTree **tree, Str key, uint64_t hash,
                        StateCursor *cursor, Str sort_key, void *record)
{
    if (*tree == NULL)
        *tree = find_tree(table, key, hash, true);
    StateOrderedEntry *entry = state_ordered_of(record);
    entry_place(table, *tree, entry, sort_key);
    state_tree_insert_at(table, *tree, cursor, entry);
    state_written(table, &entry->header);
}

void *state_tree_append(StateTable *table, StateTree **tree, Str key, uint64_t hash, Str sort_key,
                        Str payload)
{
    if (*tree == NULL)
        *tree = find_tree(table, key, hash, true);
    StateOrderedEntry *entry = entry_new(table, *tree, sort_key, payload);
    state_tree_push(table, *tree, entry);
    state_written(table, &entry->header);
    return entry + 1;
}

bool state_cursor_remove(StateTable *table, StateCursor *cursor)
{
    StateOrderedEntry *entry =
        cursor->nodes[cursor->depth]->slots[cursor->slots[cursor->depth]].low;
    return remove_at(table, state_tree_of(table, entry + 1), cursor, entry);
}

bool state_tree_remove(StateTable *table, void *record)
{
    StateOrderedEntry *entry = state_ordered_of(record);
    StateTree *tree = state_tree_of(table, record);
    StateCursor path;
    state_tree_descend(table, tree, state_ordered_sort_key(table, entry), &path);
    assert(path.nodes[path.depth]->slots[path.slots[path.depth]].low == entry);
    return remove_at(table, tree, &path, entry);
}

void *state_tree_find(const StateTable *table, const StateTree *tree, Str sort_key)
{
    if (tree == NULL)
        return NULL;
    StateCursor path;
    state_tree_descend(table, tree, sort_key, &path);
    StateOrderedEntry *entry = state_tree_entry_at(table, &path, sort_key);
    return entry == NULL ? NULL : entry + 1;
}

/* ------------------------------------------------------- by key and sort key */

void *state_ordered_put(StateTable *table, Str key, uint64_t hash, Str sort_key, bool *created)
{
    bool is_new;
    StateOrderedEntry *entry =
        put(table, find_tree(table, key, hash, true), sort_key, NULL, &is_new);
    if (is_new)
        state_written(table, &entry->header);
    if (created != NULL)
        *created = is_new;
    return entry + 1;
}

void *state_ordered_restore(StateTable *table, Str key, uint64_t hash, Str sort_key, Str payload)
{
    bool is_new;
    return put(table, find_any(table, key, hash, true), sort_key, &payload, &is_new) + 1;
}

void state_ordered_remove(StateTable *table, Str key, uint64_t hash, Str sort_key)
{
    if (find_tree(table, key, hash, false) != NULL)
        state_ordered_restore_removed(table, key, hash, sort_key);
}

void state_ordered_restore_removed(StateTable *table, Str key, uint64_t hash, Str sort_key)
{
    StateTree *tree = find_any(table, key, hash, false);
    if (tree == NULL)
        return;
    StateCursor path;
    state_tree_descend(table, tree, sort_key, &path);
    StateOrderedEntry *entry = state_tree_entry_at(table, &path, sort_key);
    if (entry != NULL)
        remove_at(table, tree, &path, entry);
}

void *state_ordered_find(StateTable *table, Str key, uint64_t hash, Str sort_key)
{
    return state_tree_find(table, find_tree(table, key, hash, false), sort_key);
}

static void *give(const StateTable *table, void *record, Str *sort_key)
{
    if (record != NULL && sort_key != NULL)
        *sort_key = state_tree_sort_key(table, record);
    return record;
}

void *state_ordered_first(StateTable *table, Str key, uint64_t hash, Str *sort_key)
{
    return give(table, state_tree_first(find_tree(table, key, hash, false)), sort_key);
}

void *state_ordered_last(StateTable *table, Str key, uint64_t hash, Str *sort_key)
{
    return give(table, state_tree_last(find_tree(table, key, hash, false)), sort_key);
}

void *state_ordered_after(StateTable *table, Str key, uint64_t hash, Str sort_key, Str *found)
{
    StateCursor cursor;
    void *record = state_cursor_seek(table, find_tree(table, key, hash, false), sort_key, &cursor);
    if (record != NULL && state_tree_entry_at(table, &cursor, sort_key) != NULL)
        record = state_cursor_next(&cursor);
    return give(table, record, found);
}

void *state_ordered_before(StateTable *table, Str key, uint64_t hash, Str sort_key, Str *found)
{
    StateTree *tree = find_tree(table, key, hash, false);
    StateCursor cursor;
    void *record = state_cursor_seek(table, tree, sort_key, &cursor);
    record = record == NULL ? state_tree_last(tree) : state_cursor_previous(&cursor);
    return give(table, record, found);
}
