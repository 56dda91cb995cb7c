/* The groups of MAP tables: where the entries of a key are found.
 *
 * Two tables of a store may stand beside each other: a key has one place in one directory, the
 * first one's, with a group of each table, so that one search finds both. What happens to a key
 * mostly asks for both, as in a join.
 *
 * Invariant: a key is in the directory while one of its groups has an entry, and from when it is
 * made for one to be put until that is done. To whoever reads, a group without entries is none.
 *
 * Cost: as a search in state_keys.c; the groups lie side by side. */
#include "state/state_internal.h"

#define RUN 256

static void *body_of(const StateTable *table, StateGroup *group)
{
    return group - table->place;
}

static StateGroup *group_in(const StateTable *table, void *body)
{
    return body == NULL ? NULL : (StateGroup *)body + table->place;
}

/* For who reads. */
static StateGroup *filled_group(const StateTable *table, void *body)
{
    StateGroup *group = group_in(table, body);
    return group == NULL || group->size == 0 ? NULL : group;
}

StateHeader *state_group_header(const StateTable *table, const StateGroup *group)
{
    return state_header_of(group - table->place);
}

Str state_group_key(const StateTable *table, const StateGroup *group)
{
    return state_keys_key(table->directory, group - table->place);
}

StateGroup *state_group_make(StateTable *table, Str key, uint64_t hash)
{
    void *body;
    state_keys_find(table->directory, &key, &hash, 1, true, &body, NULL);
    return group_in(table, body);
}

StateGroup *state_group_find(StateTable *table, Str key, uint64_t hash)
{
    void *body;
    state_keys_find(table->directory, &key, &hash, 1, false, &body, NULL);
    return filled_group(table, body);
}

void state_groups_make(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                       StateGroup **groups, StateGroup **beside)
{
    void *bodies[RUN];
    assert(count <= RUN);
    state_keys_find(table->directory, keys, hashes, count, true, bodies, NULL);
    for (uint32_t i = 0; i < count; i++) {
        groups[i] = group_in(table, bodies[i]);
        if (beside != NULL)
            beside[i] = filled_group(table->beside, bodies[i]);
    }
}

void state_group_remove(StateTable *table, StateGroup *group)
{
    assert(group->size == 0);
    *group = (StateGroup){0};
    if (table->beside == NULL || group_in(table->beside, body_of(table, group))->size == 0)
        state_keys_remove(table->directory, body_of(table, group));
}

void state_groups_each(StateTable *table,
                       void (*each)(void *to, StateTable *table, StateGroup *group), void *to)
{
    const StateTable *directory = table->directory;
    uint32_t key_groups = table->store->last_key_group - table->store->first_key_group + 1;
    for (uint32_t g = 0; g < key_groups; g++) {
        const StateIndex *index = &directory->key_groups[g].index;
        for (uint32_t i = 0; i < index->bucket_count; i++)
            for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++) {
                const StateBucket *bucket = state_index_bucket(index, i);
                if (bucket->tags[slot] == 0)
                    continue;
                StateGroup *group = filled_group(
                    table, state_header_at(&directory->records, bucket->refs[slot]) + 1);
                if (group != NULL)
                    each(to, table, group);
            }
    }
}

/* Gives back what has expired at the head of the group; false when that was all of it. */
static bool drop_expired_head(StateTable *table, StateGroup *group)
{
    for (;;) {
        StateEntry *first = state_entry_at(table, group->first);
        if (!state_is_expired(table, &first->header))
            return true;
        if (state_map_remove(table, first))
            return false;
    }
}

/* Groups of which nothing is left are none, also where one stands several times. */
static void drop_expired(StateTable *table, StateGroup **groups, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        StateGroup *group = groups[i];
        if (group == NULL || drop_expired_head(table, group))
            continue;
        for (uint32_t k = i; k < count; k++)
            if (groups[k] == group)
                groups[k] = NULL;
    }
}

void state_map_groups(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                      StateGroup **groups)
{
    assert(table->kind == STATE_MAP);
    void *bodies[RUN];
    for (uint32_t from = 0; from < count; from += RUN) {
        uint32_t n = count - from < RUN ? count - from : RUN;
        state_keys_find(table->directory, keys + from, hashes + from, n, false, bodies, NULL);
        for (uint32_t i = 0; i < n; i++)
            groups[from + i] = filled_group(table, bodies[i]);
    }
    if (table->ttl_ms != 0)
        drop_expired(table, groups, count);
}

bool state_map_is_beside(const StateTable *table, const StateTable *other)
{
    return table->beside == other;
}

void state_map_groups_beside(StateTable *table, const Str *keys, const uint64_t *hashes,
                             const uint8_t *makes, uint32_t count, StateGroup **groups,
                             StateGroup **beside)
{
    void *bodies[RUN];
    for (uint32_t from = 0; from < count; from += RUN) {
        uint32_t n = count - from < RUN ? count - from : RUN;
        state_keys_find_some(table->directory, keys + from, hashes + from, n, makes + from, bodies);
        for (uint32_t i = 0; i < n; i++) {
            groups[from + i] = group_in(table, bodies[i]);
            beside[from + i] = filled_group(table->beside, bodies[i]);
        }
    }
}

/* ------------------------------------------------------------------------ tables */

void state_table_put_beside(StateTable *table, StateTable *first)
{
    assert(first->keys == 0 && first->place == 0 && first->beside == NULL);
    table->directory = first;
    table->place = 1;
    table->beside = first;
    first->beside = table;
    first->body_bytes = 2 * sizeof(StateGroup);
}
