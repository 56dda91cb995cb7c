/* Snapshots: what changed since the last one, copied out key group by key group, in parts.
 *
 * Each key group has a chunk that grows: records that changed are appended in the order of memory,
 * which the bitmaps of the blocks tell, and the going of a record that a chunk holds is appended
 * when it happens. So a chunk is a log, and so are the chunks of a key group one after the other:
 * whatever is copied early and changes or goes later stands in it again, behind. That is why
 * records can be copied before the barrier, a few at a time between two batches: what is left for
 * the barrier, when the worker stands still, is what changed since.
 *
 * Copying ahead all the time is no more work where records are written once, as in most joins;
 * where they change or go soon it is (is_wasteful), and such a table waits until the barrier is
 * near.
 *
 * Invariant: a record without STATE_CHANGED is in the log as it is. A bit that is set in a block
 * means that its any_changed is set, except in the block that is being gathered.
 * Cost: a scan of about one bit per record, and one copy of each changed record, its memory
 * read ahead; nothing is written to disk here, and no chunk is copied. */
#include "state/state_chunk.h"
#include "state/state_internal.h"

/* A chunk ends here and another goes on: few enough rows in the store, little memory in all. */
#define CHUNK_BYTES ((size_t)112 << 10)
/* Above it, for the record that passes it. */
#define CHUNK_ROOM ((size_t)124 << 10)
/* Records that are gathered at once, and how far ahead their memory is read: their own, then what
 * they lead to. */
#define GATHERED       512
#define TAKEN          64
#define READ_AHEAD     20
#define READ_AHEAD_TWO 10
/* Bytes behind a chunk's end that are read ahead, at most. */
#define ENDS_AHEAD 512
/* One in so many may be copied in vain; fewer records than that say nothing. */
#define WASTE_SHARE  4
#define WASTE_IGNORE 4096

/* ------------------------------------------------------------------------ chunks */

static void start_chunk(const StateTable *table, StateKeyGroup *group)
{
    StateChunkHead head = {.kind = table->kind,
                           .is_base = !group->has_base,
                           .timed = table->ttl_ms != 0,
                           .string_count = table->string_count,
                           .key_group = (uint32_t)(group - table->key_groups) +
                                        table->store->first_key_group,
                           .record_bytes = table->record_bytes,
                           .table = {table->name, strlen(table->name)}};
    /* What was full will be full again. */
    if (group->chunk_room >= CHUNK_BYTES)
        buffer_reserve(&group->chunk, CHUNK_ROOM);
    state_chunk_start(&group->chunk, &head);
    group->chunk_is_base = head.is_base;
    group->has_base = true;
}

static void forget_chunk(StateKeyGroup *group)
{
    group->chunk_room = group->chunk.length;
    group->chunk_items = 0;
    group->chunk_removed = 0;
    group->chunk_replaced = 0;
}

void state_chunk_drop(StateKeyGroup *group)
{
    forget_chunk(group);
    buffer_deinit(&group->chunk);
}

static void hand_over(const StateTable *table, StateKeyGroup *group, StateChunkAdd *add, void *to)
{
    state_chunk_set_counts(&group->chunk, group->chunk_removed, group->chunk_items);
    StateChunk chunk = {.table = table->name,
                        .key_group =
                            (uint32_t)(group - table->key_groups) + table->store->first_key_group,
                        .is_base = group->chunk_is_base,
                        .bytes = {group->chunk.data, group->chunk.length},
                        .buffer = &group->chunk,
                        .replaced_bytes = group->chunk_replaced};
    forget_chunk(group);
    add(to, &chunk);
    buffer_deinit(&group->chunk);
}

/* Starts the memory reads of the place where an item as long as the last one would come: there are
 * too many chunks for the machine to see that each of them grows. */
static void prefetch_end(const Buffer *chunk, size_t last)
{
    const char *end = chunk->data + chunk->length;
    for (size_t at = 0; at < last + 64 && at < ENDS_AHEAD; at += 64)
        __builtin_prefetch(end + at, 1);
    __asm__ volatile("" ::: "memory");
}

static uint64_t payload_bytes(const StateTable *table, const StateHeader *header)
{
    if (table->kind == STATE_VALUE)
        return 0;
    return table->kind == STATE_MAP ? state_entry_of(header)->payload_bytes
                                    : state_ordered_entry_of(header)->payload_bytes;
}

void state_log_removed(StateTable *table, const StateHeader *header, Str key, Str subkey)
{
    if ((header->where & STATE_PERSISTED) == 0)
        return;
    StateKeyGroup *group = state_key_group(table, state_header_group(header));
    if (group->chunk.length == 0)
        start_chunk(table, group);
    size_t before = group->chunk.length;
    state_chunk_append_removed(&group->chunk, key, subkey);
    group->chunk_removed++;
    /* Itself too: a base has no place for it. */
    group->chunk_replaced +=
        2 * (group->chunk.length - before) + table->record_bytes + payload_bytes(table, header);
    table->copy.removed++;
}

/* ----------------------------------------------------------------------- records */

static size_t long_text_bytes(const StateTable *table, const void *record)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < table->string_count; i++) {
        StringView view;
        memcpy(&view, (const char *)record + table->string_offsets[i], sizeof(view));
        if (view.length > STRING_INLINE_MAX)
            bytes += view.length;
    }
    return bytes;
}

/* The record as it is stored: no addresses, the long texts behind it; returns the end. */
static char *put_record(const StateTable *table, const void *record, char *at)
{
    if (table->record_bytes != 0)
        memcpy(at, record, table->record_bytes);
    char *next = at + table->record_bytes;
    for (uint32_t i = 0; i < table->string_count; i++) {
        StringView view;
        memcpy(&view, (const char *)record + table->string_offsets[i], sizeof(view));
        if (view.length <= STRING_INLINE_MAX)
            continue;
        memset(at + table->string_offsets[i] + offsetof(StringView, pointer), 0,
               sizeof(view.pointer));
        memcpy(next, view.pointer, view.length);
        next += view.length;
    }
    return next;
}

static void put_item(const StateTable *table, const StateHeader *header, Buffer *out)
{
    const void *record = header + 1;
    Str key, subkey = {0}, payload = {0};
    uint64_t sequence;
    const uint64_t *has_sequence = NULL;
    if (table->kind == STATE_VALUE) {
        key = state_header_key(header, table->body_bytes);
    } else if (table->kind == STATE_MAP) {
        const StateEntry *entry = state_entry_of(header);
        key = state_group_key(table, state_entry_group(table, entry));
        subkey = state_entry_subkey(table, entry);
        payload = state_entry_payload(table, entry);
        sequence = entry->sequence;
        has_sequence = &sequence;
    } else {
        key = state_keys_key(table, state_tree_of(table, record));
        subkey = state_header_key(header, table->record_bytes);
        payload = state_tree_payload(table, record);
    }
    size_t texts = table->string_count == 0 ? 0 : long_text_bytes(table, record);
    char *at = state_chunk_append_item(out, key, subkey, has_sequence,
                                       table->record_bytes + texts + payload.length);
    at = put_record(table, record, at);
    if (payload.length != 0)
        memcpy(at, payload.data, payload.length);
}

static StateKeyGroup *append_item(StateTable *table, StateHeader *header)
{
    StateKeyGroup *group = state_key_group(table, state_header_group(header));
    if (group->chunk.length == 0)
        start_chunk(table, group);
    size_t before = group->chunk.length;
    put_item(table, header, &group->chunk);
    prefetch_end(&group->chunk, group->chunk.length - before);
    group->chunk_items++;
    if ((header->where & STATE_PERSISTED) != 0) {
        group->chunk_replaced += group->chunk.length - before;
        table->copy.recopied++;
    }
    header->where = (header->where | STATE_PERSISTED) & ~STATE_CHANGED;
    return group;
}

static StateKeyGroup *append_taken(const StateTable *table, const StateTaken *taken)
{
    StateKeyGroup *group =
        state_key_group(table, state_header_group(state_group_header(table, taken->group)));
    if (group->chunk.length == 0)
        start_chunk(table, group);
    size_t before = group->chunk.length;
    Str subkey = {(const char *)&taken->number, STATE_SEQUENCE_BYTES};
    char *at = state_chunk_append_item(&group->chunk, state_group_key(table, taken->group), subkey,
                                       &taken->number, taken->payload.length);
    if (taken->payload.length != 0)
        memcpy(at, taken->payload.data, taken->payload.length);
    prefetch_end(&group->chunk, group->chunk.length - before);
    group->chunk_items++;
    return group;
}

/* --------------------------------------------------------------------- gathering */

/* Takes references of changed records from where the last call ended; false when there was no room
 * for all of the block's. */
static bool gather_block(StateTable *table, StateRef *refs, uint32_t max, uint32_t *count)
{
    StateCopy *copy = &table->copy;
    StateBlock *block = &table->records.blocks[copy->block];
    if (copy->word == 0)
        block->any_changed = false;
    for (; copy->word < block->words; copy->word++) {
        uint64_t bits = block->changed[copy->word];
        for (; bits != 0 && *count < max; bits &= bits - 1)
            refs[(*count)++] = state_marked_ref(&table->records, copy->block,
                                                copy->word * 64 + (uint32_t)__builtin_ctzll(bits));
        block->changed[copy->word] = bits;
        if (bits != 0) {
            block->any_changed = true;
            return false;
        }
    }
    return true;
}

/* Up to `max` of the changed records, and where they were; fewer only if there are no more. Clears
 * their bits, not their flags. */
static uint32_t gather(StateTable *table, StateRef *refs, uint32_t max)
{
    StateRecords *records = &table->records;
    StateCopy *copy = &table->copy;
    uint32_t count = 0;
    if (max > records->changed_count)
        max = (uint32_t)records->changed_count;
    while (count < max) {
        if (copy->block >= records->block_count)
            copy->block = copy->word = 0;
        const StateBlock *block = &records->blocks[copy->block];
        bool skip = block->base == NULL || !block->any_changed;
        if (!skip && !gather_block(table, refs, max, &count))
            break;
        copy->block++;
        copy->word = 0;
    }
    records->changed_count -= count;
    return count;
}

static void prefetch_lines(const void *from)
{
    __builtin_prefetch(from);
    __builtin_prefetch((const char *)from + 64);
    /* The compiler takes a function that only prefetches for doing nothing, and drops it. */
    __asm__ volatile("" ::: "memory");
}

static void prefetch_record(const StateTable *table, StateRef ref)
{
    const StateHeader *header = state_header_at(&table->records, ref);
    prefetch_lines((const char *)header - table->prefix_bytes);
}

/* What the record leads to: the key it is under, its first long text. */
static void prefetch_behind(const StateTable *table, const StateHeader *header)
{
    if ((header->where & STATE_CHANGED) == 0)
        return; /* it went */
    if (table->kind == STATE_MAP)
        prefetch_lines(state_header_at(&table->directory->records, state_entry_of(header)->group));
    else if (table->kind == STATE_ORDERED)
        prefetch_lines(state_header_at(&table->records, state_ordered_entry_of(header)->tree));
    if (table->string_count == 0)
        return;
    StringView view;
    memcpy(&view, (const char *)(header + 1) + table->string_offsets[0], sizeof(view));
    if (view.length > STRING_INLINE_MAX)
        prefetch_lines(view.pointer);
}

/* What was appended: its memory is in order, and that of the keys was read ahead. */
static uint32_t copy_appended(StateTable *table, uint32_t max, StateChunkAdd *add, void *to)
{
    StateTaken taken[TAKEN];
    uint32_t count = state_appends_take(table, taken, max < TAKEN ? max : TAKEN);
    for (uint32_t i = 0; i < count; i++) {
        StateKeyGroup *group = append_taken(table, &taken[i]);
        if (group->chunk.length >= CHUNK_BYTES)
            hand_over(table, group, add, to);
    }
    table->copy.copied += count;
    return count;
}

/* Copies up to `max` changed records into the chunks; hands over those that are full. */
static uint32_t copy_some(StateTable *table, uint32_t max, StateChunkAdd *add, void *to)
{
    if (table->only_appends)
        return copy_appended(table, max, add, to);
    StateRef refs[GATHERED];
    const StateRecords *records = &table->records;
    uint32_t count = gather(table, refs, max < GATHERED ? max : GATHERED), gone = 0;
    for (uint32_t i = 0; i < READ_AHEAD && i < count; i++)
        prefetch_record(table, refs[i]);
    for (uint32_t i = 0; i < count; i++) {
        if (i + READ_AHEAD < count)
            prefetch_record(table, refs[i + READ_AHEAD]);
        if (i + READ_AHEAD_TWO < count)
            prefetch_behind(table, state_header_at(records, refs[i + READ_AHEAD_TWO]));
        StateHeader *header = state_header_at(records, refs[i]);
        if (!state_record_is_there(records, header)) {
            gone++;
            continue;
        }
        StateKeyGroup *group = append_item(table, header);
        if (group->chunk.length >= CHUNK_BYTES)
            hand_over(table, group, add, to);
    }
    table->copy.copied += count - gone;
    return count;
}

/* ----------------------------------------------------------------------- calling */

static bool is_wasteful(const StateTable *table)
{
    const StateCopy *copy = &table->copy;
    uint64_t wasted = copy->recopied + copy->removed + table->records.churn;
    return wasted * WASTE_SHARE > copy->copied + WASTE_IGNORE;
}

uint32_t state_snapshot_ahead(StateStore *store, uint32_t max_records, bool all, StateChunkAdd *add,
                              void *to)
{
    uint32_t copied = 0;
    for (uint32_t i = 0; i < store->table_count; i++) {
        StateTable *table = store->tables[i];
        while (copied < max_records && table->records.changed_count != 0 &&
               (all || !is_wasteful(table)))
            copied += copy_some(table, max_records - copied, add, to);
    }
    return copied;
}

uint64_t state_store_changed(const StateStore *store, bool all)
{
    uint64_t changed = 0;
    for (uint32_t i = 0; i < store->table_count; i++)
        if (all || !is_wasteful(store->tables[i]))
            changed += store->tables[i]->records.changed_count;
    return changed;
}

static uint32_t group_count(const StateTable *table)
{
    return table->store->last_key_group - table->store->first_key_group + 1;
}

static void snapshot_table(StateTable *table, StateChunkAdd *add, void *to)
{
    while (table->records.changed_count != 0)
        copy_some(table, UINT32_MAX, add, to);
    for (uint32_t i = 0; i < group_count(table); i++)
        if (table->key_groups[i].chunk.length != 0)
            hand_over(table, &table->key_groups[i], add, to);
    table->copy.copied /= 2;
    table->copy.recopied /= 2;
    table->copy.removed /= 2;
    table->records.churn /= 2;
}

void state_snapshot(StateStore *store, StateChunkAdd *add, void *to)
{
    for (uint32_t i = 0; i < store->table_count; i++)
        snapshot_table(store->tables[i], add, to);
}

static void mark_new(StateTable *table, StateHeader *header)
{
    header->where &= ~STATE_PERSISTED;
    state_record_touch(&table->records, header);
}

void state_snapshot_restart(StateStore *store)
{
    for (uint32_t i = 0; i < store->table_count; i++) {
        StateTable *table = store->tables[i];
        if (table->only_appends)
            state_appends_mark(table, true);
        else
            state_each_record(table, mark_new);
        for (uint32_t group = 0; group < group_count(table); group++) {
            table->key_groups[group].has_base = false;
            state_chunk_drop(&table->key_groups[group]);
        }
    }
}
