/* Restore: chunks back into tables.
 *
 * Invariant: until state_restore_end the store counts as being filled; after it nothing is marked
 * changed and everything counts as persisted, so the next snapshot is a delta.
 *
 * Cost: VALUE records are entered in batches, as in a running job; the others one by one. */
#include "state/state_chunk.h"
#include "state/state_internal.h"

#define RESTORE_BATCH 128

static StateTable *find_table(const StateStore *store, Str name)
{
    for (uint32_t i = 0; i < store->table_count; i++)
        if (strlen(store->tables[i]->name) == name.length &&
            memcmp(store->tables[i]->name, name.data, name.length) == 0)
            return store->tables[i];
    return NULL;
}

/* Bytes of a record without its time. */
static uint32_t value_bytes(uint32_t record_bytes, bool timed)
{
    return record_bytes - (timed ? (uint32_t)sizeof(int64_t) : 0);
}

static bool fits(const StateStore *store, const StateTable *table, const StateChunkHead *head,
                 Error *error)
{
    const char *what = NULL;
    if (table == NULL)
        what = "the job has no such state any more";
    else if (table->kind != head->kind)
        what = "it is of another kind now";
    else if (value_bytes(table->record_bytes, table->ttl_ms != 0) !=
                 value_bytes(head->record_bytes, head->timed) ||
             table->string_count != head->string_count)
        what = "its record has another form now";
    else if (head->key_group >= store->max_parallelism)
        what = "it was written with a larger maximum parallelism";
    if (what == NULL)
        return true;
    error_set(error, ERROR_STATE, "state \"%.*s\" of operator \"%s\" does not fit: %s",
              (int)head->table.length, head->table.data, store->owner, what);
    return error_hint(error, "Start over with --fresh, or undo the change of the query.");
}

/* Copies a stored record over a new or older one; false when the value is too short. A record that
 * comes without a time counts as written now. */
static bool load_record(StateTable *table, const StateChunkHead *head, void *record, Str value)
{
    if (value.length < head->record_bytes)
        return false;
    state_strings_free(table, record);
    uint32_t common =
        head->record_bytes < table->record_bytes ? head->record_bytes : table->record_bytes;
    if (common != 0)
        memcpy(record, value.data, common);
    if (table->ttl_ms != 0 && !head->timed)
        *state_time_of(table, state_header_of(record)) = table->store->now_ms;
    size_t next = head->record_bytes;
    bool whole = true;
    for (uint32_t i = 0; i < table->string_count; i++) {
        StringView *view = (StringView *)(void *)((char *)record + table->string_offsets[i]);
        if (view->length <= STRING_INLINE_MAX)
            continue;
        uint32_t length = view->length;
        *view = (StringView){0};
        if (!whole || value.length - next < length) {
            whole = false;
            continue;
        }
        state_string_assign(table, view, (Str){value.data + next, length});
        next += length;
    }
    state_header_of(record)->where |= STATE_PERSISTED;
    return whole && (table->kind != STATE_VALUE || next == value.length);
}

/* Bytes of the record and its long texts before the payload, or false. */
static bool record_length(const StateTable *table, const StateChunkHead *head, Str value,
                          size_t *length)
{
    *length = head->record_bytes;
    for (uint32_t i = 0; i < table->string_count && *length <= value.length; i++) {
        StringView view;
        memcpy(&view, value.data + table->string_offsets[i], sizeof(view));
        if (view.length > STRING_INLINE_MAX)
            *length += view.length;
    }
    return *length <= value.length;
}

/* The hash that leads the key into the key group it was in, which its owner may have chosen by less
 * than the whole key (state.h). */
static uint64_t hash_in_group(uint64_t hash, uint32_t key_group)
{
    return (uint64_t)key_group << 32 | (uint32_t)hash;
}

static void remove_item(StateTable *table, uint32_t key_group, const StateChunkItem *item)
{
    uint64_t hash = hash_in_group(hash_bytes(item->key.data, item->key.length), key_group);
    if (table->kind == STATE_ORDERED) {
        state_ordered_restore_removed(table, item->key, hash, item->subkey);
        return;
    }
    if (table->kind == STATE_VALUE) {
        void *body;
        state_keys_find(table, &item->key, &hash, 1, false, &body, NULL);
        if (body != NULL)
            state_value_remove(table, body);
        return;
    }
    StateGroup *group = state_group_find(table, item->key, hash);
    if (group == NULL)
        return;
    if (table->only_appends) {
        uint64_t number = 0;
        memcpy(&number, item->subkey.data,
               item->subkey.length < sizeof(number) ? item->subkey.length : sizeof(number));
        state_appends_restore_removed(table, group, number);
        return;
    }
    StateEntry *entry = state_map_find(table, group, item->subkey);
    if (entry != NULL)
        state_map_remove(table, entry);
}

typedef struct Batch {
    uint32_t count;
    Str keys[RESTORE_BATCH];
    Str values[RESTORE_BATCH];
    uint64_t hashes[RESTORE_BATCH];
    void *records[RESTORE_BATCH];
} Batch;

static bool load_batch(StateTable *table, const StateChunkHead *head, Batch *batch)
{
    uint32_t key_group = head->key_group;
    hash_many(batch->keys, batch->count, batch->hashes);
    for (uint32_t i = 0; i < batch->count; i++)
        batch->hashes[i] = hash_in_group(batch->hashes[i], key_group);
    state_keys_find(table, batch->keys, batch->hashes, batch->count, true, batch->records, NULL);
    for (uint32_t i = 0; i < batch->count; i++)
        if (!load_record(table, head, batch->records[i], batch->values[i]))
            return false;
    batch->count = 0;
    return true;
}

static bool load_values(StateTable *table, StateChunkReader *chunk)
{
    Batch batch = {.count = 0};
    uint32_t count = chunk->head.removed_count + chunk->head.item_count;
    /* A delta mostly replaces. */
    if (chunk->head.is_base)
        state_keys_reserve(table, chunk->head.key_group, chunk->head.item_count);
    for (uint32_t i = 0; i < count; i++) {
        StateChunkItem item;
        if (!state_chunk_next(chunk, &item))
            return false;
        if (item.removed) {
            /* It may be in the batch. */
            if (!load_batch(table, &chunk->head, &batch))
                return false;
            remove_item(table, chunk->head.key_group, &item);
            continue;
        }
        batch.keys[batch.count] = item.key;
        batch.values[batch.count++] = item.value;
        if (batch.count == RESTORE_BATCH && !load_batch(table, &chunk->head, &batch))
            return false;
    }
    return load_batch(table, &chunk->head, &batch);
}

static bool load_entry(StateTable *table, const StateChunkHead *head, const StateChunkItem *item)
{
    uint64_t hash = hash_in_group(hash_bytes(item->key.data, item->key.length), head->key_group);
    size_t length;
    if (!record_length(table, head, item->value, &length))
        return false;
    Str payload = {item->value.data + length, item->value.length - length};
    if (table->only_appends) {
        state_appends_restore(table, state_group_make(table, item->key, hash), item->sequence,
                              payload);
        return true;
    }
    void *record =
        table->kind == STATE_MAP
            ? state_map_restore(table, item->key, hash, item->subkey, item->sequence, payload)
            : state_ordered_restore(table, item->key, hash, item->subkey, payload);
    if (!load_record(table, head, record, item->value))
        return false;
    if (table->kind == STATE_ORDERED && table->ttl_ms != 0)
        state_ordered_restored(table, record);
    return true;
}

static bool load_entries(StateTable *table, StateChunkReader *chunk)
{
    uint32_t count = chunk->head.removed_count + chunk->head.item_count;
    for (uint32_t i = 0; i < count; i++) {
        StateChunkItem item;
        if (!state_chunk_next(chunk, &item))
            return false;
        if (item.removed)
            remove_item(table, chunk->head.key_group, &item);
        else if (!load_entry(table, &chunk->head, &item))
            return false;
    }
    return true;
}

bool state_restore(StateStore *store, const StateChunk *chunk, Error *error)
{
    StateChunkReader reader;
    if (!state_chunk_open(chunk->bytes, &reader, error))
        return false;
    StateTable *table = find_table(store, reader.head.table);
    if (!fits(store, table, &reader.head, error))
        return false;
    if (reader.head.key_group < store->first_key_group ||
        reader.head.key_group > store->last_key_group)
        return true;
    bool whole =
        table->kind == STATE_VALUE ? load_values(table, &reader) : load_entries(table, &reader);
    if (!whole || !reader_done(&reader.reader))
        return state_chunk_corrupt(&reader.head, error);
    StateKeyGroup *group = state_key_group(table, reader.head.key_group);
    group->has_base = true;
    state_chunk_drop(group);
    if (reader.head.timed != (table->ttl_ms != 0))
        table->restore_changed = true;
    return true;
}

static void forget_block(const StateRecords *records, uint32_t number)
{
    StateBlock *block = &records->blocks[number];
    for (uint32_t word = 0; word < block->words; word++) {
        for (uint64_t bits = block->changed[word]; bits != 0; bits &= bits - 1) {
            uint32_t bit = word * 64 + (uint32_t)__builtin_ctzll(bits);
            StateHeader *header = state_header_at(records, state_marked_ref(records, number, bit));
            if (state_record_is_there(records, header))
                header->where &= ~STATE_CHANGED;
        }
        block->changed[word] = 0;
    }
    block->any_changed = false;
}

static void forget_changes(StateTable *table)
{
    for (uint32_t i = 0; i < table->records.block_count; i++)
        if (table->records.blocks[i].base != NULL && table->records.blocks[i].any_changed)
            forget_block(&table->records, i);
    uint32_t groups = table->store->last_key_group - table->store->first_key_group + 1;
    for (uint32_t group = 0; group < groups; group++)
        state_chunk_drop(&table->key_groups[group]);
    table->records.changed_count = 0;
    if (table->only_appends)
        state_appends_mark(table, false);
    table->records.churn = 0;
    table->copy = (StateCopy){0};
}

static void mark_changed(StateTable *table, StateHeader *header)
{
    state_record_touch(&table->records, header);
}

/* Deltas cannot follow a base of the other form. */
static void want_bases(StateTable *table)
{
    if (table->only_appends)
        state_appends_mark(table, true);
    else
        state_each_record(table, mark_changed);
    uint32_t groups = table->store->last_key_group - table->store->first_key_group + 1;
    for (uint32_t group = 0; group < groups; group++)
        table->key_groups[group].has_base = false;
    table->restore_changed = false;
}

bool state_restore_end(StateStore *store, Error *error)
{
    for (uint32_t i = 0; i < store->table_count; i++) {
        StateTable *table = store->tables[i];
        if (table->kind == STATE_MAP)
            state_map_restore_end(table);
        forget_changes(table);
        if (table->restore_changed)
            want_bases(table);
    }
    return state_store_check(store, error);
}
