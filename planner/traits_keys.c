/* Unique keys: sets of columns, and how they travel through projections.
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

static void set_keys(StreamTraits *traits, ColumnSet *keys, uint32_t count)
{
    traits->unique_keys = keys;
    traits->unique_key_count = count;
    /* Changes of one key keep their order on every way through a job, so a unique key is also one
     * by which a consumer may take a change for the successor of the last one. */
    traits->upsert_keys = keys;
    traits->upsert_key_count = count;
}

void traits_add_key(Arena *arena, StreamTraits *traits, ColumnSet key)
{
    ColumnSet *keys = arena_new_array(arena, ColumnSet, KEYS_MAX + 1);
    uint32_t count = 0;
    for (uint32_t i = 0; i < traits->unique_key_count; i++) {
        if (column_set_contains(key, traits->unique_keys[i]))
            return; /* nothing new: the shorter one says more */
        if (!column_set_contains(traits->unique_keys[i], key))
            keys[count++] = traits->unique_keys[i];
    }
    if (count < KEYS_MAX)
        keys[count++] = key;
    set_keys(traits, keys, count);
}

void traits_copy_keys(Arena *arena, StreamTraits *to, const StreamTraits *from)
{
    for (uint32_t i = 0; i < from->unique_key_count; i++)
        traits_add_key(arena, to, from->unique_keys[i]);
}

void traits_map_keys(Arena *arena, StreamTraits *to, const StreamTraits *from, const uint32_t *map)
{
    for (uint32_t i = 0; i < from->unique_key_count; i++) {
        ColumnSet key = from->unique_keys[i];
        uint32_t *columns = arena_new_array(arena, uint32_t, key.count + 1);
        bool all = true;
        for (uint32_t c = 0; c < key.count; c++) {
            columns[c] = map[key.columns[c]];
            all = all && columns[c] != UINT32_MAX;
        }
        if (all)
            traits_add_key(arena, to, column_set_new(arena, columns, key.count));
    }
}
