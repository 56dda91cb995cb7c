/* Snapshots: what changed since the last one, copied out key group by key group.
 *
 * The bitmaps of the blocks say which records changed; they are sorted by key group (a counting
 * sort) and encoded. Removed records that an earlier snapshot holds were logged when they went.
 *
 * Cost: a scan of one bit per 8 bytes of state, and a copy of each changed record, its memory read
 * ahead; nothing is written to disk here. */
#include "state/state_chunk.h"
#include "state/state_internal.h"

/* A chunk ends here and another goes on, so that one BLOB stays far below SQLite's bound. */
#define CHUNK_BYTES ((size_t)16 << 20)
/* Records ahead of the one being read: a few cache misses in flight. */
#define READ_AHEAD 12

typedef struct Snapshot {
    StateTable *table;
    void (*add)(void *to, const StateChunk *chunk);
    void *to;
    Buffer chunk;
    Buffer value;
    StateRef *refs;   /* changed records, by key group */
    uint32_t *starts; /* where each key group's begin; one more at the end */
} Snapshot;

void state_log_removed(StateTable *table, const StateHeader *header, Str key, Str subkey)
{
    if ((header->where & STATE_PERSISTED) == 0)
        return;
    StateKeyGroup *group = state_key_group(table, state_header_group(header));
    state_chunk_append_identity(&group->removed, key, subkey);
    group->removed_count++;
}

static uint32_t changed_words(const StateBlock *block)
{
    return block->bytes == STATE_BLOCK_BYTES ? STATE_BLOCK_UNITS / 64 : 8;
}

/* References of all changed records, in the order of memory; clears the bitmaps. The records' flags
 * are cleared where they are appended. */
static void collect(StateRecords *records, Buffer *refs)
{
    for (uint32_t number = 0; number < records->block_count; number++) {
        StateBlock *block = &records->blocks[number];
        if (block->base == NULL || !block->any_changed)
            continue;
        block->any_changed = false;
        for (uint32_t word = 0; word < changed_words(block); word++) {
            uint64_t bits = block->changed[word];
            if (bits == 0)
                continue;
            block->changed[word] = 0;
            StateRef *to = (StateRef *)(void *)buffer_reserve(refs, 64 * sizeof(StateRef));
            uint32_t count = 0;
            for (; bits != 0; bits &= bits - 1)
                to[count++] =
                    number << STATE_UNIT_BITS | (word * 64 + (uint32_t)__builtin_ctzll(bits));
            refs->length += count * sizeof(StateRef);
        }
    }
}

static void sort_by_key_group(Snapshot *snapshot, const StateRef *refs, uint32_t count)
{
    const StateTable *table = snapshot->table;
    const StateRecords *records = &table->records;
    uint32_t first = table->store->first_key_group;
    uint32_t groups = table->store->last_key_group - first + 1;
    uint16_t *group_of = memory_alloc((count + 1) * sizeof(uint16_t));
    snapshot->starts = memory_zalloc((groups + 2) * sizeof(uint32_t));
    snapshot->refs = memory_alloc((count + 1) * sizeof(StateRef));
    uint32_t *starts = snapshot->starts + 1; /* ends up one slot on: becomes starts by filling */
    for (uint32_t i = 0; i < count; i++) {
        if (i + READ_AHEAD < count)
            __builtin_prefetch(state_header_at(records, refs[i + READ_AHEAD]));
        uint32_t group = state_header_group(state_header_at(records, refs[i])) - first;
        group_of[i] = (uint16_t)group;
        starts[group + 1]++;
    }
    for (uint32_t group = 0; group < groups; group++)
        starts[group + 1] += starts[group];
    for (uint32_t i = 0; i < count; i++)
        snapshot->refs[starts[group_of[i]]++] = refs[i];
    memory_free(group_of);
}

/* The record as it is stored: no addresses, the long texts behind it. */
static void append_record(const StateTable *table, const void *record, Buffer *out)
{
    size_t at = out->length;
    buffer_append(out, record, table->record_bytes);
    for (uint32_t i = 0; i < table->string_count; i++) {
        StringView view;
        memcpy(&view, (const char *)record + table->string_offsets[i], sizeof(view));
        if (view.length <= STRING_INLINE_MAX)
            continue;
        memset(out->data + at + table->string_offsets[i] + offsetof(StringView, pointer), 0,
               sizeof(view.pointer));
        buffer_append(out, view.pointer, view.length);
    }
}

static void append_item(Snapshot *snapshot, StateHeader *header)
{
    const StateTable *table = snapshot->table;
    Buffer *out = &snapshot->chunk;
    buffer_clear(&snapshot->value);
    append_record(table, header + 1, &snapshot->value);
    if (table->kind == STATE_VALUE) {
        state_chunk_append_identity(out, state_header_key(header, table->body_bytes), (Str){0});
    } else if (table->kind == STATE_MAP) {
        const StateEntry *entry = state_entry_of(header);
        state_chunk_append_identity(out, state_keys_key(table, entry->group),
                                    state_entry_subkey(entry));
        buffer_append_u64(out, entry->sequence);
        buffer_append_str(&snapshot->value, state_entry_payload(entry));
    } else {
        const StateOrderedEntry *entry = state_ordered_entry_of(header);
        state_chunk_append_identity(out, state_keys_key(table, state_tree_of(table, entry + 1)),
                                    state_header_key(header, table->record_bytes));
        buffer_append_str(&snapshot->value, state_tree_payload(table, entry + 1));
    }
    state_chunk_append_varint(out, snapshot->value.length);
    buffer_append(out, snapshot->value.data, snapshot->value.length);
    header->where = (header->where | STATE_PERSISTED) & ~STATE_CHANGED;
}

static void hand_over(Snapshot *snapshot, const StateChunkHead *head)
{
    state_chunk_finish(&snapshot->chunk, head);
    StateChunk chunk = {.table = snapshot->table->name,
                        .key_group = head->key_group,
                        .is_base = head->is_base,
                        .bytes = {snapshot->chunk.data, snapshot->chunk.length}};
    snapshot->add(snapshot->to, &chunk);
}

static void snapshot_key_group(Snapshot *snapshot, uint32_t number)
{
    StateTable *table = snapshot->table;
    StateKeyGroup *group = &table->key_groups[number];
    uint32_t from = snapshot->starts[number];
    uint32_t to = snapshot->starts[number + 1];
    if (from == to && group->removed_count == 0)
        return;
    StateChunkHead head = {.kind = table->kind,
                           .is_base = !group->has_base,
                           .timed = table->ttl_ms != 0,
                           .string_count = table->string_count,
                           .key_group = number + table->store->first_key_group,
                           .record_bytes = table->record_bytes,
                           .removed_count = group->removed_count,
                           .table = {table->name, strlen(table->name)}};
    state_chunk_start(&snapshot->chunk, &head);
    buffer_append(&snapshot->chunk, group->removed.data, group->removed.length);
    for (uint32_t i = from; i < to; i++) {
        if (i + READ_AHEAD < to)
            __builtin_prefetch(state_header_at(&table->records, snapshot->refs[i + READ_AHEAD]));
        append_item(snapshot, state_header_at(&table->records, snapshot->refs[i]));
        head.item_count++;
        if (snapshot->chunk.length < CHUNK_BYTES)
            continue;
        hand_over(snapshot, &head);
        head.is_base = false;
        head.removed_count = head.item_count = 0;
        state_chunk_start(&snapshot->chunk, &head);
    }
    if (head.item_count != 0 || head.removed_count != 0)
        hand_over(snapshot, &head);
    group->has_base = true;
    buffer_deinit(&group->removed);
    group->removed_count = 0;
}

static void snapshot_table(Snapshot *snapshot)
{
    StateTable *table = snapshot->table;
    Buffer refs = {0};
    collect(&table->records, &refs);
    sort_by_key_group(snapshot, (const StateRef *)(const void *)refs.data,
                      (uint32_t)(refs.length / sizeof(StateRef)));
    buffer_deinit(&refs);
    uint32_t groups = table->store->last_key_group - table->store->first_key_group + 1;
    for (uint32_t group = 0; group < groups; group++)
        snapshot_key_group(snapshot, group);
    memory_free(snapshot->refs);
    memory_free(snapshot->starts);
}

void state_snapshot(StateStore *store, void (*add)(void *to, const StateChunk *chunk), void *to)
{
    Snapshot snapshot = {.add = add, .to = to};
    for (uint32_t i = 0; i < store->table_count; i++) {
        snapshot.table = store->tables[i];
        snapshot_table(&snapshot);
    }
    buffer_deinit(&snapshot.chunk);
    buffer_deinit(&snapshot.value);
}

static void mark_new(StateTable *table, StateHeader *header)
{
    header->where &= ~STATE_PERSISTED;
    state_record_touch(&table->records, header);
}

void state_snapshot_restart(StateStore *store)
{
    uint32_t groups = store->last_key_group - store->first_key_group + 1;
    for (uint32_t i = 0; i < store->table_count; i++) {
        StateTable *table = store->tables[i];
        state_each_record(table, mark_new);
        for (uint32_t group = 0; group < groups; group++) {
            table->key_groups[group].has_base = false;
            table->key_groups[group].removed_count = 0;
            buffer_deinit(&table->key_groups[group].removed);
        }
    }
}
