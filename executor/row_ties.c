/* Which of many rows with one sort key a row is: see row_ties.h.
 *
 * Invariant: the tree of a group has an entry for each of its rows, hash and arrival big-endian, so
 * that those of equal rows stand together in the order they came. */
#include "executor/row_ties.h"

#include "core/hash.h"

struct RowTies {
    StateStore *store;
    StateTable *table;
    bool expires;
    Buffer key; /* of the group looked at */
};

#define ENTRY_BYTES (2 * sizeof(uint64_t))

RowTies *row_ties_new(Arena *arena, int64_t ttl_ms)
{
    static const StateConfig config = {.owner = "ties", .max_parallelism = 1};
    const StateSpec spec = {
        .name = "ties", .kind = STATE_ORDERED, .description = "sort key -> rows", .ttl_ms = ttl_ms};
    RowTies *ties = arena_new_one(arena, RowTies);
    ties->store = state_store_new(&config);
    ties->table = state_table_declare(ties->store, &spec);
    ties->expires = ttl_ms != 0;
    return ties;
}

void row_ties_free(RowTies *ties)
{
    if (ties == NULL)
        return;
    buffer_deinit(&ties->key);
    state_store_free(ties->store);
}

void row_ties_advance(RowTies *ties, int64_t now_us)
{
    if (ties != NULL && ties->expires)
        state_store_advance(ties->store, now_us / 1000);
}

static Str group_key(RowTies *ties, const RowTiesGroup *group)
{
    uint64_t length = group->partition.length;
    buffer_clear(&ties->key);
    buffer_append(&ties->key, &length, sizeof(length));
    buffer_append_str(&ties->key, group->partition);
    buffer_append_str(&ties->key, group->sort_key);
    return (Str){ties->key.data, ties->key.length};
}

static StateTree *find_group(RowTies *ties, const RowTiesGroup *group)
{
    if (state_table_keys(ties->table) == 0)
        return NULL;
    Str key = group_key(ties, group);
    uint64_t hash = hash_bytes(key.data, key.length);
    StateTree *tree;
    state_ordered_trees(ties->table, &key, &hash, 1, &tree);
    return tree;
}

static Str entry_of(Str row, uint64_t arrival, char *bytes)
{
    uint64_t parts[2] = {__builtin_bswap64(hash_bytes(row.data, row.length)),
                         __builtin_bswap64(arrival)};
    memcpy(bytes, parts, ENTRY_BYTES);
    return (Str){bytes, ENTRY_BYTES};
}

bool row_ties_has(RowTies *ties, const RowTiesGroup *group)
{
    return find_group(ties, group) != NULL;
}

void row_ties_add(RowTies *ties, const RowTiesGroup *group, Str row, uint64_t arrival)
{
    char bytes[ENTRY_BYTES];
    Str key = group_key(ties, group);
    StateTree *tree = NULL;
    state_tree_put(ties->table, &tree, key, hash_bytes(key.data, key.length),
                   entry_of(row, arrival, bytes), (Str){"", 0}, NULL);
}

/* Rows that a group had in a former life. */
static void drop_group(RowTies *ties, StateTree *tree)
{
    while (!state_tree_remove(ties->table, state_tree_last(tree)))
        continue;
}

void row_ties_come(RowTies *ties, const RowTiesGroup *group, Str row, uint64_t arrival, bool begins)
{
    if (begins && !ties->expires)
        return;
    StateTree *tree = find_group(ties, group);
    if (tree != NULL && begins)
        drop_group(ties, tree);
    else if (tree != NULL)
        row_ties_add(ties, group, row, arrival);
}

void row_ties_go(RowTies *ties, const RowTiesGroup *group, Str row, uint64_t arrival)
{
    char bytes[ENTRY_BYTES];
    const StateTree *tree = find_group(ties, group);
    void *record = state_tree_find(ties->table, tree, entry_of(row, arrival, bytes));
    if (record != NULL)
        state_tree_remove(ties->table, record);
}

bool row_ties_find(RowTies *ties, const RowTiesGroup *group, Str row, bool last, uint64_t *arrival)
{
    char bytes[ENTRY_BYTES];
    StateCursor cursor;
    const StateTree *tree = find_group(ties, group);
    Str entry = entry_of(row, last ? UINT64_MAX : 0, bytes);
    if (tree == NULL)
        return false;
    const void *record = state_cursor_seek(ties->table, tree, entry, &cursor);
    if (last)
        record = state_cursor_previous(&cursor);
    if (record == NULL)
        return false;
    uint64_t parts[2];
    memcpy(parts, state_tree_sort_key(ties->table, record).data, ENTRY_BYTES);
    *arrival = __builtin_bswap64(parts[1]);
    return memcmp(parts, bytes, sizeof(uint64_t)) == 0;
}
