/* Unique keys and upsert keys: sets of columns, and how they travel through projections.
 *
 * A unique key tells the rows of a result apart. It is an upsert key as well while all changes of
 * one of its values come one after the other: an exchange by other columns parts them, for a row
 * that moves from one worker to another may be taken back after it was shown anew. Every upsert key
 * is a unique key.
 *
 * A key of no columns says that there is at most one row. Kept are a few short keys, none of which
 * contains another: enough to choose join state and to compare with a sink's primary key. */
#include "planner/logical.h"

#include <string.h>

/* More keys than this are not followed; a query with more ways to name a row has not been seen. */
#define KEYS_MAX 8

ColumnSet column_set_new(Arena *arena, const uint32_t *columns, uint32_t count)
{
    uint32_t *sorted = arena_new_array(arena, uint32_t, count + 1);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = kept;
        while (at > 0 && sorted[at - 1] > columns[i])
            at--;
        if (at > 0 && sorted[at - 1] == columns[i])
            continue;
        memmove(sorted + at + 1, sorted + at, sizeof(*sorted) * (kept - at));
        sorted[at] = columns[i];
        kept++;
    }
    return (ColumnSet){kept, sorted};
}

bool column_set_contains(ColumnSet set, ColumnSet part)
{
    uint32_t at = 0;
    for (uint32_t i = 0; i < part.count; i++) {
        while (at < set.count && set.columns[at] < part.columns[i])
            at++;
        if (at == set.count || set.columns[at] != part.columns[i])
            return false;
    }
    return true;
}

bool column_set_equal(ColumnSet a, ColumnSet b)
{
    return a.count == b.count &&
           (a.count == 0 || memcmp(a.columns, b.columns, sizeof(*a.columns) * a.count) == 0);
}

ColumnSet column_set_union(Arena *arena, ColumnSet a, ColumnSet b, uint32_t shift_b)
{
    uint32_t *columns = arena_new_array(arena, uint32_t, a.count + b.count + 1);
    for (uint32_t i = 0; i < a.count; i++)
        columns[i] = a.columns[i];
    for (uint32_t i = 0; i < b.count; i++)
        columns[a.count + i] = b.columns[i] + shift_b;
    return column_set_new(arena, columns, a.count + b.count);
}

/* Adds to a list in which no key contains another. */
static void list_add(Arena *arena, ColumnSet **list, uint32_t *count, ColumnSet key)
{
    ColumnSet *keys = arena_new_array(arena, ColumnSet, KEYS_MAX + 1);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < *count; i++) {
        if (column_set_contains(key, (*list)[i]))
            return; /* nothing new: the shorter one says more */
        if (!column_set_contains((*list)[i], key))
            keys[kept++] = (*list)[i];
    }
    if (kept < KEYS_MAX)
        keys[kept++] = key;
    *list = keys;
    *count = kept;
}

void traits_add_unique_key(Arena *arena, StreamTraits *traits, ColumnSet key)
{
    list_add(arena, &traits->unique_keys, &traits->unique_key_count, key);
}

void traits_add_key(Arena *arena, StreamTraits *traits, ColumnSet key)
{
    traits_add_unique_key(arena, traits, key);
    list_add(arena, &traits->upsert_keys, &traits->upsert_key_count, key);
}

void traits_copy_keys(Arena *arena, StreamTraits *to, const StreamTraits *from)
{
    for (uint32_t i = 0; i < from->unique_key_count; i++)
        traits_add_unique_key(arena, to, from->unique_keys[i]);
    for (uint32_t i = 0; i < from->upsert_key_count; i++)
        list_add(arena, &to->upsert_keys, &to->upsert_key_count, from->upsert_keys[i]);
}

void traits_widen_keys(Arena *arena, StreamTraits *traits, ColumnSet columns)
{
    StreamTraits found = *traits;
    traits->unique_keys = traits->upsert_keys = NULL;
    traits->unique_key_count = traits->upsert_key_count = 0;
    for (uint32_t i = 0; i < found.unique_key_count; i++)
        traits_add_unique_key(arena, traits,
                              column_set_union(arena, found.unique_keys[i], columns, 0));
    for (uint32_t i = 0; i < found.upsert_key_count; i++)
        traits_add_key(arena, traits, column_set_union(arena, found.upsert_keys[i], columns, 0));
}

static bool map_key(Arena *arena, ColumnSet key, const uint32_t *map, ColumnSet *out)
{
    uint32_t *columns = arena_new_array(arena, uint32_t, key.count + 1);
    for (uint32_t c = 0; c < key.count; c++) {
        columns[c] = map[key.columns[c]];
        if (columns[c] == UINT32_MAX)
            return false;
    }
    *out = column_set_new(arena, columns, key.count);
    return true;
}

void traits_map_unique_keys(Arena *arena, StreamTraits *to, const StreamTraits *from,
                            const uint32_t *map)
{
    ColumnSet key;
    for (uint32_t i = 0; i < from->unique_key_count; i++)
        if (map_key(arena, from->unique_keys[i], map, &key))
            traits_add_unique_key(arena, to, key);
}

void traits_map_keys(Arena *arena, StreamTraits *to, const StreamTraits *from, const uint32_t *map)
{
    ColumnSet key;
    traits_map_unique_keys(arena, to, from, map);
    for (uint32_t i = 0; i < from->upsert_key_count; i++)
        if (map_key(arena, from->upsert_keys[i], map, &key))
            list_add(arena, &to->upsert_keys, &to->upsert_key_count, key);
}
