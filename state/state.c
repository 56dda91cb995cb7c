/* The store of an operator instance and what its tables have in common.
 *
 * Invariant: a table's key groups are exactly those of its store; every record of a table is found
 * through the index of its key's group. */
#include "state/state_internal.h"

#include <stdlib.h>

/* Blocks of a table from which on state_store_check refuses; the rest is room to get there. */
#define BLOCKS_LIMIT (STATE_BLOCKS_MAX - STATE_BLOCKS_MAX / 8)

StateStore *state_store_new(const StateConfig *config)
{
    assert(config->max_parallelism > 0 && config->max_parallelism <= STATE_GROUPS_MAX);
    assert(config->first_key_group <= config->last_key_group);
    assert(config->last_key_group < config->max_parallelism);
    StateStore *store = memory_zalloc(sizeof(*store));
    store->owner = memory_strdup(config->owner == NULL ? "" : config->owner);
    store->max_parallelism = config->max_parallelism;
    store->first_key_group = config->first_key_group;
    store->last_key_group = config->last_key_group;
    store->memory_limit_bytes = config->memory_limit_bytes;
    return store;
}

uint32_t state_store_key_groups(const StateStore *store, uint32_t *last)
{
    *last = store->last_key_group;
    return store->first_key_group;
}

static uint32_t key_group_count(const StateStore *store)
{
    return store->last_key_group - store->first_key_group + 1;
}

static void free_texts(StateTable *table, StateHeader *header)
{
    state_strings_free(table, header + 1);
}

static void table_free(StateTable *table)
{
    if (table->records.huge_texts != 0)
        state_each_record(table, free_texts);
    if (table->kind == STATE_MAP)
        state_map_close(table);
    for (uint32_t i = 0; i < key_group_count(table->store); i++) {
        state_index_deinit(&table->key_groups[i].index, table);
        buffer_deinit(&table->key_groups[i].chunk);
    }
    free(table->key_groups);
    memory_free(table->appends.blocks);
    state_records_deinit(&table->records);
    memory_free(table->name);
    memory_free(table->description);
    memory_free(table->string_offsets);
    memory_free(table);
}

void state_store_free(StateStore *store)
{
    if (store == NULL)
        return;
    /* A table may need the directory of one that was declared before it. */
    for (uint32_t i = store->table_count; i-- > 0;)
        table_free(store->tables[i]);
    memory_free(store->tables);
    memory_free(store->owner);
    memory_free(store);
}

static void set_layout(StateTable *table)
{
    switch (table->kind) {
    case STATE_VALUE:
        table->body_bytes = table->record_bytes;
        break;
    case STATE_MAP:
        table->body_bytes = sizeof(StateGroup);
        table->prefix_bytes = offsetof(StateEntry, header);
        break;
    case STATE_ORDERED:
        table->body_bytes = sizeof(StateTree) + (table->ttl_ms != 0 ? sizeof(int64_t) : 0);
        table->prefix_bytes = offsetof(StateOrderedEntry, header);
        break;
    }
}

StateTable *state_table_declare(StateStore *store, const StateSpec *spec)
{
    assert(spec->record_bytes % STATE_UNIT_BYTES == 0);
    assert(spec->record_bytes / STATE_UNIT_BYTES <= UINT16_MAX);
    StateTable *table = memory_zalloc(sizeof(*table));
    table->store = store;
    table->name = memory_strdup(spec->name);
    table->description = memory_strdup(spec->description == NULL ? "" : spec->description);
    table->kind = spec->kind;
    table->record_bytes = spec->record_bytes;
    table->string_count = spec->string_count;
    if (spec->string_count != 0) {
        table->string_offsets = memory_alloc(spec->string_count * sizeof(uint32_t));
        memcpy(table->string_offsets, spec->string_offsets, spec->string_count * sizeof(uint32_t));
    }
    if (spec->ttl_ms > 0) {
        table->ttl_ms = spec->ttl_ms;
        table->time_at = table->record_bytes;
        table->record_bytes += (uint32_t)sizeof(int64_t);
        table->records.marks_live = true;
        table->expired_ms = INT64_MIN;
        table->sweep.shrink_group = key_group_count(store);
    }
    table->only_appends = spec->only_appends && table->record_bytes == 0;
    table->directory = table;
    set_layout(table);
    bool is_beside = spec->beside != NULL && table->ttl_ms == 0 && spec->beside->ttl_ms == 0;
    if (is_beside)
        state_table_put_beside(table, spec->beside);
    table->records.prefix_units = table->prefix_bytes / STATE_UNIT_BYTES;
    uint32_t max = store->max_parallelism;
    table->key_group_mask = (max & (max - 1)) == 0 ? max - 1 : 0;
    size_t groups_bytes = key_group_count(store) * sizeof(StateKeyGroup);
    table->key_groups = aligned_alloc(alignof(StateKeyGroup), groups_bytes);
    if (table->key_groups == NULL)
        memory_exhausted(groups_bytes);
    memset(table->key_groups, 0, groups_bytes);
    store->tables = memory_realloc(store->tables, (store->table_count + 1) * sizeof(StateTable *));
    store->tables[store->table_count++] = table;
    return table;
}

uint64_t state_store_bytes(const StateStore *store)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < store->table_count; i++)
        bytes += store->tables[i]->records.live_bytes + store->tables[i]->index_bytes;
    return bytes;
}

uint64_t state_store_reserved_bytes(const StateStore *store)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < store->table_count; i++) {
        const StateTable *table = store->tables[i];
        bytes += table->index_bytes;
        for (uint32_t b = 0; b < table->records.block_count; b++)
            bytes += table->records.blocks[b].bytes;
    }
    return bytes;
}

uint64_t state_store_keys(const StateStore *store)
{
    uint64_t keys = 0;
    for (uint32_t i = 0; i < store->table_count; i++)
        keys += store->tables[i]->keys;
    return keys;
}

uint64_t state_table_keys(const StateTable *table)
{
    return table->keys;
}

bool state_store_owns(const StateStore *store, uint64_t hash)
{
    uint32_t group = hash_key_group(hash, store->max_parallelism);
    return group >= store->first_key_group && group <= store->last_key_group;
}

bool state_store_check(const StateStore *store, Error *error)
{
    for (uint32_t i = 0; i < store->table_count; i++) {
        const StateTable *table = store->tables[i];
        if (table->records.block_count - table->records.free_block_count > BLOCKS_LIMIT) {
            error_set(error, ERROR_LIMIT, "state \"%s\" of operator \"%s\" is full", table->name,
                      store->owner);
            error_detail(error, "One instance of an operator keeps at most 28 GiB per table.");
            return error_hint(error, "Raise \"parallelism.default\" or set "
                                     "\"table.exec.state.ttl\" so that old state goes.");
        }
    }
    uint64_t bytes = state_store_bytes(store);
    if (store->memory_limit_bytes == 0 || bytes <= store->memory_limit_bytes)
        return true;
    error_set(error, ERROR_LIMIT, "operator \"%s\" keeps %.1f MiB of state and may keep %.1f MiB",
              store->owner, (double)bytes / 1048576, (double)store->memory_limit_bytes / 1048576);
    return error_hint(error, "Raise the memory limit of state, or set \"table.exec.state.ttl\" so "
                             "that old state goes.");
}

void state_touch(StateTable *table, void *record)
{
    state_written(table, state_header_of(record));
}

void state_string_assign(StateTable *table, StringView *slot, Str value)
{
    StringView old = *slot;
    if (value.length > STRING_INLINE_MAX) {
        char *text = state_text_new(&table->records, value.length);
        memcpy(text, value.data, value.length);
        *slot = string_view_borrow(text, value.length);
    } else {
        *slot = string_view_borrow(value.data, value.length);
    }
    if (old.length > STRING_INLINE_MAX)
        state_text_free(&table->records, (char *)(uintptr_t)old.pointer, old.length);
}

void state_strings_free(StateTable *table, void *record)
{
    for (uint32_t i = 0; i < table->string_count; i++) {
        StringView *view = (StringView *)(void *)((char *)record + table->string_offsets[i]);
        if (view->length > STRING_INLINE_MAX)
            state_text_free(&table->records, (char *)(uintptr_t)view->pointer, view->length);
        *view = (StringView){0};
    }
}

/* What state_each_record has to know below the directory of keys. */
typedef void (*EachRecord)(StateTable *table, StateHeader *header);

static void each_of_group(void *to, StateTable *table, StateGroup *group)
{
    assert(!table->only_appends);
    StateEntry *entry = state_entry_at(table, group->first);
    for (; entry != NULL; entry = state_entry_at(table, entry->next))
        (*(EachRecord *)to)(table, &entry->header);
}

void state_each_record(StateTable *table, EachRecord each)
{
    if (table->kind == STATE_MAP) {
        state_groups_each(table, each_of_group, &each);
        return;
    }
    for (uint32_t g = 0; g < key_group_count(table->store); g++) {
        const StateIndex *index = &table->key_groups[g].index;
        for (uint32_t i = 0; i < index->bucket_count; i++)
            for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++) {
                const StateBucket *bucket = state_index_bucket(index, i);
                if (bucket->tags[slot] == 0)
                    continue;
                StateHeader *header = state_header_at(&table->records, bucket->refs[slot]);
                if (table->kind == STATE_VALUE)
                    each(table, header);
                else
                    state_ordered_each(table, (StateTree *)(void *)(header + 1), each);
            }
    }
}

void state_describe(const StateStore *store, Buffer *out)
{
    for (uint32_t i = 0; i < store->table_count; i++)
        buffer_printf(out, "%s\t%s\n", store->tables[i]->name, store->tables[i]->description);
}
