/* MAP tables: key → subkey → record and payload, subkeys in the order they came.
 *
 * The directory of keys leads to a StateGroup, which heads a list of entries. Small groups are
 * scanned by the hash of the subkey, unless a filter of 64 bits in the group says that it is not
 * there; from INDEX_ENTRIES on a group has an index of its own.
 * Invariant: the filter has the bit of every entry, and of entries that went since the last scan
 * that found nothing; sequences grow along the list, so that a restore can bring entries, which
 * come in any order, back into theirs.
 *
 * Cost: an entry is 48 bytes, its record, subkey and payload; a group 40 bytes and its key. A new
 * subkey touches its group and the last entry, not those between. */
#include "state/state_internal.h"

#include <stdlib.h>

#define INDEX_ENTRIES 16
/* Of a sequence, as the subkey of what is appended. */
#define SEQUENCE_BYTES 6

static_assert(offsetof(StateEntry, header) + sizeof(StateHeader) == sizeof(StateEntry),
              "the record stands directly behind the entry");

static char *entry_subkey(const StateEntry *entry)
{
    return (char *)(uintptr_t)(entry + 1) + (size_t)entry->record_units * STATE_UNIT_BYTES;
}

/* Bytes behind the header. */
static size_t entry_bytes(const StateEntry *entry)
{
    return (size_t)entry->record_units * STATE_UNIT_BYTES + entry->header.key_bytes +
           entry->payload_bytes;
}

static uint32_t hash_of_entry(const StateTable *table, StateRef ref)
{
    return state_entry_of(state_header_at(&table->records, ref))->subkey_hash;
}

Str state_entry_subkey(const StateEntry *entry)
{
    return (Str){entry_subkey(entry), entry->header.key_bytes};
}

Str state_entry_payload(const StateEntry *entry)
{
    return (Str){entry_subkey(entry) + entry->header.key_bytes, entry->payload_bytes};
}

void *state_entry_record(const StateEntry *entry)
{
    return (void *)(uintptr_t)(entry + 1);
}

StateGroup *state_entry_group(const StateEntry *entry)
{
    return entry->group;
}

uint32_t state_map_size(const StateGroup *group)
{
    return group == NULL ? 0 : group->size;
}

/* With a TTL the group's body is followed by its table, for the time that now is. */
static const StateTable *timed_table(const StateGroup *group)
{
    return group->timed ? *(const StateTable *const *)(const void *)(group + 1) : NULL;
}

/* The entry, or the nearest one behind or before it that has not expired. */
static StateEntry *live_entry(const StateTable *table, StateEntry *entry, bool forward)
{
    while (entry != NULL && state_is_expired(table, &entry->header))
        entry = forward ? entry->next : entry->prev;
    return entry;
}

StateEntry *state_map_first(const StateGroup *group)
{
    if (group == NULL || !group->timed)
        return group == NULL ? NULL : group->first;
    return live_entry(timed_table(group), group->first, true);
}

StateEntry *state_map_last(const StateGroup *group)
{
    if (group == NULL || !group->timed)
        return group == NULL ? NULL : group->last;
    return live_entry(timed_table(group), group->last, false);
}

StateEntry *state_map_next(const StateEntry *entry)
{
    if (!entry->group->timed)
        return entry->next;
    return live_entry(timed_table(entry->group), entry->next, true);
}

/* Gives back what has expired at the head of the group; false when that was all of it. */
static bool drop_expired_head(StateTable *table, StateGroup *group)
{
    while (state_is_expired(table, &group->first->header))
        if (state_map_remove(table, group->first))
            return false;
    return true;
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
    void *bodies[256];
    for (uint32_t from = 0; from < count; from += array_count(bodies)) {
        uint32_t n = count - from < array_count(bodies) ? count - from : array_count(bodies);
        state_keys_find(table, keys + from, hashes + from, n, false, bodies, NULL);
        for (uint32_t i = 0; i < n; i++) {
            groups[from + i] = bodies[i];
        }
    }
    if (table->ttl_ms != 0)
        drop_expired(table, groups, count);
}

static bool entry_is(const StateEntry *entry, Str subkey, uint32_t hash)
{
    return entry->subkey_hash == hash && entry->header.key_bytes == subkey.length &&
           state_bytes_equal(entry_subkey(entry), subkey.data, subkey.length);
}

static uint64_t filter_bit(uint32_t hash)
{
    return UINT64_C(1) << (hash >> 26);
}

/* Scans the list; a scan that finds nothing has seen every entry, and so renews the filter. */
static StateEntry *scan(StateGroup *group, Str subkey, uint32_t hash)
{
    if ((group->filter & filter_bit(hash)) == 0)
        return NULL;
    uint64_t filter = 0;
    for (StateEntry *entry = group->first; entry != NULL; entry = entry->next) {
        if (entry_is(entry, subkey, hash))
            return entry;
        filter |= filter_bit(entry->subkey_hash);
    }
    group->filter = filter;
    return NULL;
}

static StateEntry *find(const StateTable *table, StateGroup *group, Str subkey, uint32_t hash)
{
    if (!group->indexed)
        return scan(group, subkey, hash);
    StateProbe probe = state_probe_start(group->index, hash);
    StateRef ref;
    while (state_probe_next(&probe, &ref)) {
        StateEntry *entry = state_entry_of(state_header_at(&table->records, ref));
        if (entry_is(entry, subkey, hash))
            return entry;
    }
    return NULL;
}

static uint32_t hash_of_subkey(Str subkey)
{
    return (uint32_t)hash_bytes(subkey.data, subkey.length);
}

StateEntry *state_map_find(StateTable *table, StateGroup *group, Str subkey)
{
    StateEntry *entry = group == NULL ? NULL : find(table, group, subkey, hash_of_subkey(subkey));
    return entry == NULL || state_is_expired(table, &entry->header) ? NULL : entry;
}

void state_map_each(StateTable *table, void (*each)(void *to, StateGroup *group), void *to)
{
    uint32_t groups = table->store->last_key_group - table->store->first_key_group + 1;
    for (uint32_t g = 0; g < groups; g++) {
        const StateIndex *index = &table->key_groups[g].index;
        for (uint32_t i = 0; i < index->bucket_count; i++)
            for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
                if (state_index_bucket(index, i)->tags[slot] != 0)
                    each(to, (StateGroup *)(void *)(state_header_at(
                                                        &table->records,
                                                        state_index_bucket(index, i)->refs[slot]) +
                                                    1));
    }
}

static void index_add(StateTable *table, StateGroup *group, const StateEntry *entry)
{
    state_index_insert(group->index, entry->subkey_hash, state_ref_of(&entry->header), table,
                       hash_of_entry);
}

/* Enters an entry that is in the list into the group's filter or index, making that when it is
 * time. */
static void index_entry(StateTable *table, StateGroup *group, const StateEntry *entry)
{
    if (group->indexed) {
        index_add(table, group, entry);
    } else if (group->size < INDEX_ENTRIES) {
        group->filter |= filter_bit(entry->subkey_hash);
    } else {
        group->index = memory_zalloc(sizeof(StateIndex));
        group->indexed = true;
        table->index_bytes += sizeof(StateIndex);
        table->group_indexes++;
        for (const StateEntry *each = group->first; each != NULL; each = each->next)
            index_add(table, group, each);
    }
}

static void index_free(StateTable *table, StateGroup *group)
{
    if (!group->indexed)
        return;
    table->index_bytes -= sizeof(StateIndex);
    state_index_deinit(group->index, table);
    memory_free(group->index);
    group->filter = 0;
    group->indexed = false;
    table->group_indexes--;
}

static void link_last(StateGroup *group, StateEntry *entry)
{
    entry->next = NULL;
    entry->prev = group->last;
    if (group->last == NULL)
        group->first = entry;
    else
        group->last->next = entry;
    group->last = entry;
}

/* Puts `before` where `entry` is for who goes backward, and `after` for who goes forward. */
static void relink(StateGroup *group, const StateEntry *entry, StateEntry *before,
                   StateEntry *after)
{
    if (entry->next != NULL)
        entry->next->prev = before;
    else
        group->last = before;
    if (entry->prev != NULL)
        entry->prev->next = after;
    else
        group->first = after;
}

static StateEntry *entry_new(StateTable *table, uint32_t key_group, Str subkey, uint32_t hash,
                             Str payload)
{
    StateHeader *header =
        state_record_new(&table->records, table->prefix_bytes,
                         table->record_bytes + subkey.length + payload.length, key_group);
    header->key_bytes = (uint32_t)subkey.length;
    state_born(table, header);
    StateEntry *entry = state_entry_of(header);
    entry->record_units = (uint16_t)(table->record_bytes / STATE_UNIT_BYTES);
    entry->subkey_hash = hash;
    entry->payload_bytes = (uint32_t)payload.length;
    char *to = entry_subkey(entry);
    if (subkey.length != 0)
        memcpy(to, subkey.data, subkey.length);
    if (payload.length != 0)
        memcpy(to + subkey.length, payload.data, payload.length);
    return entry;
}

static uint64_t next_sequence(const StateGroup *group)
{
    return group->last == NULL ? 0 : (uint64_t)group->last->sequence + 1;
}

/* A new entry at the end of the list, not yet in filter or index. */
static StateEntry *link_new(StateTable *table, StateGroup *group, Str subkey, uint32_t hash,
                            Str payload)
{
    uint32_t key_group = state_header_group(state_header_of(group));
    StateEntry *entry = entry_new(table, key_group, subkey, hash, payload);
    entry->group = group;
    entry->sequence = next_sequence(group) & 0xFFFFFFFFFFFF;
    link_last(group, entry);
    group->size++;
    return entry;
}

static StateEntry *append(StateTable *table, StateGroup *group, Str subkey, uint32_t hash,
                          Str payload)
{
    StateEntry *entry = link_new(table, group, subkey, hash, payload);
    index_entry(table, group, entry);
    return entry;
}

static StateGroup *group_of(StateTable *table, Str key, uint64_t hash)
{
    void *body;
    uint8_t created;
    state_keys_find(table, &key, &hash, 1, true, &body, &created);
    if (created != 0 && table->ttl_ms != 0) {
        StateGroup *group = body;
        group->timed = true;
        memcpy(group + 1, &table, sizeof(table));
    }
    return body;
}

StateEntry *state_map_put(StateTable *table, StateGroup **group, Str key, uint64_t hash, Str subkey,
                          Str payload, bool *created)
{
    assert(table->kind == STATE_MAP);
    if (*group == NULL)
        *group = group_of(table, key, hash);
    uint32_t subkey_hash = hash_of_subkey(subkey);
    StateEntry *entry = find(table, *group, subkey, subkey_hash);
    if (entry != NULL && state_is_expired(table, &entry->header)) {
        if (state_map_remove(table, entry))
            *group = group_of(table, key, hash);
        entry = NULL;
    }
    if (created != NULL)
        *created = entry == NULL;
    if (entry != NULL)
        return state_map_set_payload(table, entry, payload);
    entry = append(table, *group, subkey, subkey_hash, payload);
    state_written(table, &entry->header);
    return entry;
}

StateEntry *state_map_append(StateTable *table, StateGroup **group, Str key, uint64_t hash,
                             Str payload)
{
    assert(table->kind == STATE_MAP);
    if (*group == NULL)
        *group = group_of(table, key, hash);
    uint64_t sequence = next_sequence(*group);
    Str subkey = {(const char *)&sequence, SEQUENCE_BYTES};
    StateEntry *entry = link_new(table, *group, subkey, hash_of_subkey(subkey), payload);
    index_free(table, *group); /* a restore made it, to put later chunks over earlier ones */
    state_written(table, &entry->header);
    return entry;
}

/* Puts `to`, a copy, where `from` is in list and index. */
static void replace_entry(StateTable *table, StateEntry *from, StateEntry *to)
{
    StateGroup *group = from->group;
    relink(group, from, to, to);
    if (group->indexed)
        state_index_replace(group->index, from->subkey_hash, state_ref_of(&from->header),
                            state_ref_of(&to->header));
}

static StateEntry *move_entry(StateTable *table, StateEntry *entry, Str payload)
{
    StateEntry *moved = entry_new(table, state_header_group(&entry->header),
                                  state_entry_subkey(entry), entry->subkey_hash, payload);
    moved->next = entry->next;
    moved->prev = entry->prev;
    moved->group = entry->group;
    moved->sequence = entry->sequence;
    moved->header.where |= entry->header.where & STATE_PERSISTED;
    if (table->record_bytes != 0)
        memcpy(state_entry_record(moved), state_entry_record(entry), table->record_bytes);
    replace_entry(table, entry, moved);
    state_record_free(&table->records, &entry->header, table->prefix_bytes, entry_bytes(entry));
    return moved;
}

StateEntry *state_map_set_payload(StateTable *table, StateEntry *entry, Str payload)
{
    assert(table->kind == STATE_MAP);
    size_t whole = table->prefix_bytes + sizeof(StateHeader);
    size_t old_bytes = whole + entry_bytes(entry);
    size_t new_bytes = old_bytes - entry->payload_bytes + payload.length;
    if (state_record_fits(old_bytes, new_bytes)) {
        if (payload.length != 0)
            memmove(entry_subkey(entry) + entry->header.key_bytes, payload.data, payload.length);
        entry->payload_bytes = (uint32_t)payload.length;
    } else {
        entry = move_entry(table, entry, payload);
    }
    state_written(table, &entry->header);
    return entry;
}

bool state_map_remove(StateTable *table, StateEntry *entry)
{
    assert(table->kind == STATE_MAP);
    StateGroup *group = entry->group;
    state_log_removed(table, &entry->header, state_keys_key(table, group),
                      state_entry_subkey(entry));
    if (group->indexed)
        state_index_remove(group->index, entry->subkey_hash, state_ref_of(&entry->header));
    relink(group, entry, entry->prev, entry->next);
    state_strings_free(table, state_entry_record(entry));
    state_record_free(&table->records, &entry->header, table->prefix_bytes, entry_bytes(entry));
    if (--group->size != 0)
        return false;
    index_free(table, group);
    state_keys_remove(table, group);
    return true;
}

/* ------------------------------------------------------------------ restore */

void *state_map_restore(StateTable *table, Str key, uint64_t hash, Str subkey, uint64_t sequence,
                        Str payload)
{
    StateGroup *group = group_of(table, key, hash);
    uint32_t subkey_hash = hash_of_subkey(subkey);
    StateEntry *entry = find(table, group, subkey, subkey_hash);
    if (entry == NULL)
        entry = append(table, group, subkey, subkey_hash, payload);
    else
        entry = state_map_set_payload(table, entry, payload);
    entry->sequence = sequence & 0xFFFFFFFFFFFF;
    bool in_order = (entry->prev == NULL || entry->prev->sequence < entry->sequence) &&
                    (entry->next == NULL || entry->sequence < entry->next->sequence);
    if (!in_order) {
        group->unsorted = true;
        table->restore_unsorted = true;
    }
    return state_entry_record(entry);
}

static int compare_sequences(const void *a, const void *b)
{
    const StateEntry *left = *(StateEntry *const *)a;
    const StateEntry *right = *(StateEntry *const *)b;
    return (left->sequence > right->sequence) - (left->sequence < right->sequence);
}

static void sort_group(StateGroup *group)
{
    StateEntry **entries = memory_alloc(group->size * sizeof(StateEntry *));
    uint32_t count = 0;
    for (StateEntry *entry = group->first; entry != NULL; entry = entry->next)
        entries[count++] = entry;
    qsort(entries, count, sizeof(entries[0]), compare_sequences);
    group->first = group->last = NULL;
    for (uint32_t i = 0; i < count; i++)
        link_last(group, entries[i]);
    group->unsorted = false;
    memory_free(entries);
}

static void sort_if_unsorted(StateTable *table, void *body)
{
    StateGroup *group = body;
    if (group->unsorted)
        sort_group(group);
}

void state_map_restore_end(StateTable *table)
{
    if (table->restore_unsorted)
        state_keys_each(table, sort_if_unsorted);
    table->restore_unsorted = false;
}

static void close_group(StateTable *table, void *body)
{
    index_free(table, body);
}

void state_map_close(StateTable *table)
{
    if (table->group_indexes != 0)
        state_keys_each(table, close_group);
}
