/* MAP tables: key → subkey → record and payload, subkeys in the order they came.
 *
 * The directory of keys leads to a StateGroup, which heads a list of entries. Small groups are
 * scanned by the hash of the subkey, unless a filter of 64 bits in the group says that it is not
 * there; from INDEX_ENTRIES on a group has an index of its own.
 * Invariant: the filter has the bit of every entry, and of entries that went since the last scan
 * that found nothing; sequences grow along the list, so that a restore can bring entries, which
 * come in any order, back into theirs.
 *
 * Where entries are only appended they lie packed: see state_appends.c.
 *
 * Cost: an entry is 32 bytes, its record, subkey and payload; a group 32 bytes and its key. A new
 * subkey touches its group and the last entry, not those between. */
#include "state/state_internal.h"

#include <stdlib.h>

#define INDEX_ENTRIES 16

static_assert(offsetof(StateEntry, header) + sizeof(StateHeader) == sizeof(StateEntry),
              "the record stands directly behind the entry");

static char *entry_subkey(const StateTable *table, const StateEntry *entry)
{
    return (char *)(uintptr_t)(entry + 1) + table->record_bytes;
}

/* Bytes behind the header. */
static size_t entry_bytes(const StateTable *table, const StateEntry *entry)
{
    return (size_t)table->record_bytes + entry->header.key_bytes + entry->payload_bytes;
}

static uint32_t hash_of_subkey(Str subkey)
{
    return (uint32_t)hash_bytes(subkey.data, subkey.length);
}

static uint32_t hash_of_entry(const StateTable *table, const StateEntry *entry)
{
    return hash_of_subkey(state_entry_subkey(table, entry));
}

static uint32_t hash_of_ref(const StateTable *table, StateRef ref)
{
    return hash_of_entry(table, state_entry_at(table, ref));
}

Str state_entry_subkey(const StateTable *table, const StateEntry *entry)
{
    return (Str){entry_subkey(table, entry), entry->header.key_bytes};
}

bool state_map_is_packed(const StateTable *table)
{
    return table->only_appends;
}

Str state_entry_payload(const StateTable *table, const StateEntry *entry)
{
    if (table->only_appends)
        return state_appends_payload(entry);
    return (Str){entry_subkey(table, entry) + entry->header.key_bytes, entry->payload_bytes};
}

void *state_entry_record(const StateEntry *entry)
{
    return (void *)(uintptr_t)(entry + 1);
}

StateGroup *state_entry_group(const StateTable *table, const StateEntry *entry)
{
    if (table->only_appends)
        return state_appends_group(table, entry);
    return state_group_at(table, entry->group);
}

uint32_t state_map_size(const StateGroup *group)
{
    return group == NULL ? 0 : group->size;
}

/* The entry there, or the nearest one behind or before it that has not expired. */
static StateEntry *live_entry(const StateTable *table, StateRef ref, bool forward)
{
    if (table->only_appends)
        return state_appends_at(table, ref);
    StateEntry *entry = state_entry_at(table, ref);
    if (table->ttl_ms == 0)
        return entry;
    while (entry != NULL && state_is_expired(table, &entry->header))
        entry = state_entry_at(table, forward ? entry->next : entry->prev);
    return entry;
}

StateEntry *state_map_first(const StateTable *table, const StateGroup *group)
{
    return group == NULL ? NULL : live_entry(table, group->first, true);
}

StateEntry *state_map_last(const StateTable *table, const StateGroup *group)
{
    return group == NULL ? NULL : live_entry(table, group->last, false);
}

StateEntry *state_map_next(const StateTable *table, const StateEntry *entry)
{
    if (table->only_appends)
        return state_appends_next(table, entry);
    return live_entry(table, entry->next, true);
}

static bool entry_is(const StateTable *table, const StateEntry *entry, Str subkey, uint32_t hash)
{
    return entry->subkey_hash == hash >> 16 && entry->header.key_bytes == subkey.length &&
           state_bytes_equal(entry_subkey(table, entry), subkey.data, subkey.length);
}

/* By what an entry keeps of its subkey's hash. */
static uint64_t filter_bit(uint32_t upper)
{
    return UINT64_C(1) << (upper >> 10);
}

/* Scans the list; a scan that finds nothing has seen every entry, and so renews the filter. */
static StateEntry *scan(const StateTable *table, StateGroup *group, Str subkey, uint32_t hash)
{
    if ((group->filter & filter_bit(hash >> 16)) == 0)
        return NULL;
    uint64_t filter = 0;
    StateEntry *entry = state_entry_at(table, group->first);
    for (; entry != NULL; entry = state_entry_at(table, entry->next)) {
        if (entry_is(table, entry, subkey, hash))
            return entry;
        filter |= filter_bit(entry->subkey_hash);
    }
    group->filter = filter;
    return NULL;
}

static StateEntry *find(const StateTable *table, StateGroup *group, Str subkey, uint32_t hash)
{
    if (!group->indexed)
        return scan(table, group, subkey, hash);
    StateProbe probe = state_probe_start(group->index, hash);
    StateRef ref;
    while (state_probe_next(&probe, &ref)) {
        StateEntry *entry = state_entry_at(table, ref);
        if (entry_is(table, entry, subkey, hash))
            return entry;
    }
    return NULL;
}

StateEntry *state_map_find(StateTable *table, StateGroup *group, Str subkey)
{
    StateEntry *entry = group == NULL ? NULL : find(table, group, subkey, hash_of_subkey(subkey));
    return entry == NULL || state_is_expired(table, &entry->header) ? NULL : entry;
}

typedef struct EachGroup {
    void (*each)(void *to, StateGroup *group);
    void *to;
} EachGroup;

static void call_each(void *to, StateTable *table, StateGroup *group)
{
    const EachGroup *call = to;
    call->each(call->to, group);
}

void state_map_each(StateTable *table, void (*each)(void *to, StateGroup *group), void *to)
{
    EachGroup call = {each, to};
    state_groups_each(table, call_each, &call);
}

static void index_add(StateTable *table, StateGroup *group, const StateEntry *entry)
{
    state_index_insert(group->index, hash_of_entry(table, entry), state_ref_of(&entry->header),
                       table, hash_of_ref);
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
        const StateEntry *each = state_entry_at(table, group->first);
        for (; each != NULL; each = state_entry_at(table, each->next))
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

static void link_last(const StateTable *table, StateGroup *group, StateEntry *entry)
{
    StateRef ref = state_ref_of(&entry->header);
    entry->next = 0;
    entry->prev = group->last;
    if (group->last == 0)
        group->first = ref;
    else
        state_entry_at(table, group->last)->next = ref;
    group->last = ref;
}

/* Puts `before` where `entry` is for who goes backward, and `after` for who goes forward. */
static void relink(const StateTable *table, StateGroup *group, const StateEntry *entry,
                   StateRef before, StateRef after)
{
    if (entry->next != 0)
        state_entry_at(table, entry->next)->prev = before;
    else
        group->last = before;
    if (entry->prev != 0)
        state_entry_at(table, entry->prev)->next = after;
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
    entry->subkey_hash = (uint16_t)(hash >> 16);
    entry->payload_bytes = (uint32_t)payload.length;
    char *to = entry_subkey(table, entry);
    if (subkey.length != 0)
        memcpy(to, subkey.data, subkey.length);
    if (payload.length != 0)
        memcpy(to + subkey.length, payload.data, payload.length);
    return entry;
}

static uint64_t next_sequence(const StateTable *table, const StateGroup *group)
{
    return group->last == 0 ? 0 : (uint64_t)state_entry_at(table, group->last)->sequence + 1;
}

/* A new entry at the end of the list, not yet in filter or index. */
static StateEntry *link_new(StateTable *table, StateGroup *group, Str subkey, uint32_t hash,
                            Str payload)
{
    const StateHeader *header = state_group_header(table, group);
    StateEntry *entry = entry_new(table, state_header_group(header), subkey, hash, payload);
    entry->group = state_ref_of(header);
    entry->sequence = next_sequence(table, group) & 0xFFFFFFFFFFFF;
    link_last(table, group, entry);
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

StateEntry *state_map_put(StateTable *table, StateGroup **group, Str key, uint64_t hash, Str subkey,
                          Str payload, bool *created)
{
    assert(table->kind == STATE_MAP && !table->only_appends);
    if (*group == NULL)
        *group = state_group_make(table, key, hash);
    uint32_t subkey_hash = hash_of_subkey(subkey);
    StateEntry *entry = find(table, *group, subkey, subkey_hash);
    if (entry != NULL && state_is_expired(table, &entry->header)) {
        if (state_map_remove(table, entry))
            *group = state_group_make(table, key, hash);
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
        *group = state_group_make(table, key, hash);
    if (table->only_appends)
        return state_appends_add(table, *group, payload);
    uint64_t sequence = next_sequence(table, *group);
    Str subkey = {(const char *)&sequence, STATE_SEQUENCE_BYTES};
    StateEntry *entry = link_new(table, *group, subkey, hash_of_subkey(subkey), payload);
    index_free(table, *group); /* a restore made it, to put later chunks over earlier ones */
    state_written(table, &entry->header);
    return entry;
}

/* Puts `to`, a copy, where `from` is in list and index. */
static void replace_entry(StateTable *table, StateEntry *from, StateEntry *to)
{
    StateGroup *group = state_entry_group(table, from);
    StateRef ref = state_ref_of(&to->header);
    relink(table, group, from, ref, ref);
    if (group->indexed)
        state_index_replace(group->index, hash_of_entry(table, from), state_ref_of(&from->header),
                            ref);
}

static StateEntry *move_entry(StateTable *table, StateEntry *entry, Str payload)
{
    StateEntry *moved = entry_new(table, state_header_group(&entry->header),
                                  state_entry_subkey(table, entry), 0, payload);
    moved->subkey_hash = entry->subkey_hash;
    moved->next = entry->next;
    moved->prev = entry->prev;
    moved->group = entry->group;
    moved->sequence = entry->sequence;
    moved->header.where |= entry->header.where & STATE_PERSISTED;
    if (table->record_bytes != 0)
        memcpy(state_entry_record(moved), state_entry_record(entry), table->record_bytes);
    replace_entry(table, entry, moved);
    state_record_free(&table->records, &entry->header, table->prefix_bytes,
                      entry_bytes(table, entry));
    return moved;
}

StateEntry *state_map_set_payload(StateTable *table, StateEntry *entry, Str payload)
{
    assert(table->kind == STATE_MAP && !table->only_appends);
    size_t whole = table->prefix_bytes + sizeof(StateHeader);
    size_t old_bytes = whole + entry_bytes(table, entry);
    size_t new_bytes = old_bytes - entry->payload_bytes + payload.length;
    if (state_record_fits(old_bytes, new_bytes)) {
        if (payload.length != 0)
            memmove(entry_subkey(table, entry) + entry->header.key_bytes, payload.data,
                    payload.length);
        entry->payload_bytes = (uint32_t)payload.length;
    } else {
        entry = move_entry(table, entry, payload);
    }
    state_written(table, &entry->header);
    return entry;
}

bool state_map_remove(StateTable *table, StateEntry *entry)
{
    assert(table->kind == STATE_MAP && !table->only_appends);
    StateGroup *group = state_entry_group(table, entry);
    state_log_removed(table, &entry->header, state_group_key(table, group),
                      state_entry_subkey(table, entry));
    if (group->indexed)
        state_index_remove(group->index, hash_of_entry(table, entry), state_ref_of(&entry->header));
    relink(table, group, entry, entry->prev, entry->next);
    state_strings_free(table, state_entry_record(entry));
    state_record_free(&table->records, &entry->header, table->prefix_bytes,
                      entry_bytes(table, entry));
    if (--group->size != 0)
        return false;
    index_free(table, group);
    state_group_remove(table, group);
    return true;
}

/* ------------------------------------------------------------------ restore */

void *state_map_restore(StateTable *table, Str key, uint64_t hash, Str subkey, uint64_t sequence,
                        Str payload)
{
    StateGroup *group = state_group_make(table, key, hash);
    uint32_t subkey_hash = hash_of_subkey(subkey);
    StateEntry *entry = find(table, group, subkey, subkey_hash);
    if (entry == NULL)
        entry = append(table, group, subkey, subkey_hash, payload);
    else
        entry = state_map_set_payload(table, entry, payload);
    entry->sequence = sequence & 0xFFFFFFFFFFFF;
    const StateEntry *prev = state_entry_at(table, entry->prev);
    const StateEntry *next = state_entry_at(table, entry->next);
    bool in_order = (prev == NULL || prev->sequence < entry->sequence) &&
                    (next == NULL || entry->sequence < next->sequence);
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

static void sort_group(const StateTable *table, StateGroup *group)
{
    StateEntry **entries = memory_alloc(group->size * sizeof(StateEntry *));
    uint32_t count = 0;
    StateEntry *entry = state_entry_at(table, group->first);
    for (; entry != NULL; entry = state_entry_at(table, entry->next))
        entries[count++] = entry;
    qsort(entries, count, sizeof(entries[0]), compare_sequences);
    group->first = group->last = 0;
    for (uint32_t i = 0; i < count; i++)
        link_last(table, group, entries[i]);
    group->unsorted = false;
    memory_free(entries);
}

static void sort_if_unsorted(void *to, StateTable *table, StateGroup *group)
{
    if (group->unsorted && table->only_appends)
        state_appends_sort(table, group);
    else if (group->unsorted)
        sort_group(table, group);
}

void state_map_restore_end(StateTable *table)
{
    if (table->restore_unsorted)
        state_groups_each(table, sort_if_unsorted, NULL);
    table->restore_unsorted = false;
}

static void close_group(void *to, StateTable *table, StateGroup *group)
{
    index_free(table, group);
}

void state_map_close(StateTable *table)
{
    if (table->group_indexes != 0)
        state_groups_each(table, close_group, NULL);
}
