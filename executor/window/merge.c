/* Windows of several slices: their groups put together, key by key.
 *
 * Each record of a slice is read once, and what it holds is added to its key's entry there and
 * then: entries lie one after the other in memory, with short keys in them, so that what follows
 * (finding a key again, giving the row) touches no record. Records are taken a block at a time,
 * memory being asked for ahead of each step.
 *
 * The windows of CUMULATE only grow, so what is put together stays from one to the next, and a
 * slice is read once in all. Invariant: what stays is what its slices hold; a change of one of them
 * throws it away. It is derived, so a restore begins without.
 *
 * Cost: a probe and a merge a record; memory of an entry a key, kept for the next window while that
 * is about as large. */
#include "executor/window/merge.h"

enum { BLOCK = 32, KEY_BYTES = 24, ENTRIES_LEAST = 1024 };

/* In front of an entry's copy of the record. */
typedef struct MergeHeader {
    uint32_t hash;
    uint32_t key_bytes; /* more than KEY_BYTES: the key is `record`'s */
    union {
        char key[KEY_BYTES];
        void *record;
    };
} MergeHeader;

static MergeHeader *header_at(const WindowMerge *merge, uint32_t index)
{
    return (MergeHeader *)(void *)(merge->entries + (size_t)index * merge->entry_bytes);
}

void *window_merge_record(const WindowMerge *merge, uint32_t index)
{
    return header_at(merge, index) + 1;
}

Str window_merge_key(const WindowAggregate *window, uint32_t index)
{
    const MergeHeader *header = header_at(&window->merge, index);
    if (header->key_bytes <= KEY_BYTES)
        return (Str){header->key, header->key_bytes};
    return window_group_keys(window, state_value_key(window->aggregate.groups, header->record));
}

/* -------------------------------------------------------------------------- memory */

void window_merge_free(WindowMerge *merge)
{
    memory_free(merge->entries);
    memory_free(merge->slots);
    if (merge->texts != NULL)
        arena_free(merge->texts);
    *merge = (WindowMerge){.entry_bytes = merge->entry_bytes};
}

/* Begins anew; gives memory back where the last window needed far less than there is. */
static void clear(WindowMerge *merge)
{
    enum { SHARE = 8 };
    if (merge->capacity > ENTRIES_LEAST && merge->count < merge->capacity / SHARE)
        window_merge_free(merge);
    merge->count = 0;
    merge->holds = false;
    if (merge->slots != NULL)
        memset(merge->slots, 0, sizeof(uint32_t) * ((size_t)merge->mask + 1));
    if (merge->texts != NULL)
        arena_reset(merge->texts);
}

static void grow(WindowMerge *merge)
{
    merge->capacity = merge->capacity == 0 ? ENTRIES_LEAST : merge->capacity * 2;
    merge->entries = memory_realloc(merge->entries, (size_t)merge->capacity * merge->entry_bytes);
    memory_free(merge->slots);
    merge->mask = merge->capacity * 2 - 1;
    merge->slots = memory_zalloc(sizeof(uint32_t) * ((size_t)merge->mask + 1));
    for (uint32_t i = 0; i < merge->count; i++) {
        uint32_t at = header_at(merge, i)->hash & merge->mask;
        while (merge->slots[at] != 0)
            at = (at + 1) & merge->mask;
        merge->slots[at] = i + 1;
    }
}

static void assign_text(AggregateMemory *memory, StringView *slot, Str value)
{
    WindowMerge *merge = ((MergeMemory *)memory)->merge;
    if (merge->texts == NULL)
        merge->texts = arena_new((size_t)1 << 16);
    *slot = string_view_copy(merge->texts, value.data, value.length);
}

/* -------------------------------------------------------------------------- merging */

static bool has_key(const WindowAggregate *window, const MergeHeader *header, uint32_t hash,
                    Str keys)
{
    if (header->hash != hash || header->key_bytes != keys.length)
        return false;
    if (keys.length <= KEY_BYTES)
        return memcmp(header->key, keys.data, keys.length) == 0;
    Str other =
        window_group_keys(window, state_value_key(window->aggregate.groups, header->record));
    return memcmp(other.data, keys.data, keys.length) == 0;
}

static void add_entry(WindowAggregate *window, uint32_t at, void *record, uint32_t hash, Str keys)
{
    WindowMerge *merge = &window->merge;
    MergeHeader *header = header_at(merge, merge->count);
    header->hash = hash;
    header->key_bytes = (uint32_t)keys.length;
    if (keys.length <= KEY_BYTES)
        memcpy(header->key, keys.data, keys.length);
    else
        header->record = record;
    memcpy(header + 1, record, window->aggregate.record_bytes);
    merge->slots[at] = ++merge->count;
}

static bool merge_record(WindowAggregate *window, void *record, MergeMemory *memory, Error *error)
{
    WindowMerge *merge = &window->merge;
    Str keys = window_group_keys(window, state_value_key(window->aggregate.groups, record));
    uint32_t hash = window_record(window, record)->key_hash;
    uint32_t at = hash & merge->mask;
    while (merge->slots[at] != 0 &&
           !has_key(window, header_at(merge, merge->slots[at] - 1), hash, keys))
        at = (at + 1) & merge->mask;
    if (merge->slots[at] == 0) {
        add_entry(window, at, record, hash, keys);
        return true;
    }
    uint8_t *into = window_merge_record(merge, merge->slots[at] - 1);
    for (uint32_t c = 0; c < window->aggregate.plan->call_count; c++) {
        const AggregateCall *call = &window->aggregate.calls[c];
        const BoundAggregate *bound = &call->plan->call;
        if (!bound->merge(bound->data, into + call->offset, (const uint8_t *)record + call->offset,
                          &memory->base, error))
            return false;
    }
    return true;
}

/* What a block of records needs in memory, step by step: the records, then their slots, then the
 * entries these point at. Each step is asked for a block ahead of the next. */
static void warm_records(void *const *records, uint32_t count)
{
    enum { HEADER = 16, LINE = 64 };
    for (uint32_t i = 0; i < count; i++) {
        if (records[i] == NULL)
            continue;
        __builtin_prefetch((const char *)records[i] - HEADER);
        __builtin_prefetch((const char *)records[i] - HEADER + LINE);
    }
}

static void warm_slots(const WindowAggregate *window, void *const *records, uint32_t count)
{
    const WindowMerge *merge = &window->merge;
    for (uint32_t i = 0; i < count; i++)
        if (records[i] != NULL)
            __builtin_prefetch(
                &merge->slots[window_record(window, records[i])->key_hash & merge->mask]);
}

static void warm_entries(const WindowAggregate *window, void *const *records, uint32_t count)
{
    const WindowMerge *merge = &window->merge;
    for (uint32_t i = 0; i < count; i++) {
        if (records[i] == NULL)
            continue;
        uint32_t slot = merge->slots[window_record(window, records[i])->key_hash & merge->mask];
        if (slot == 0)
            continue;
        const char *entry = merge->entries + (size_t)(slot - 1) * merge->entry_bytes;
        __builtin_prefetch(entry);
        __builtin_prefetch(entry + merge->entry_bytes - 1);
    }
}

/* How much of a list there is in the block that begins at `from`. */
static uint32_t block_at(const WindowSlice *slice, uint32_t from)
{
    if (from >= slice->count)
        return 0;
    return slice->count - from < BLOCK ? slice->count - from : BLOCK;
}

static bool merge_slice(WindowAggregate *window, const WindowSlice *slice, Error *error)
{
    enum { STEPS = 3 };
    WindowMerge *merge = &window->merge;
    MergeMemory memory = {{assign_text}, merge};
    void *const *records = slice->records;
    for (uint32_t step = 0; step < STEPS; step++)
        warm_records(records + step * BLOCK, block_at(slice, step * BLOCK));
    for (uint32_t from = 0; from < slice->count; from += BLOCK) {
        uint32_t count = block_at(slice, from);
        uint32_t second = from + BLOCK, third = second + BLOCK, last = third + BLOCK;
        while (merge->count + BLOCK > merge->capacity)
            grow(merge);
        warm_records(records + last, block_at(slice, last));
        warm_slots(window, records + third, block_at(slice, third));
        warm_entries(window, records + second, block_at(slice, second));
        for (uint32_t i = from; i < from + count; i++)
            if (records[i] != NULL && !merge_record(window, records[i], &memory, error))
                return false;
    }
    return true;
}

bool window_merge_slices(WindowAggregate *window, int64_t start, int64_t end,
                         WindowSlice *const *slices, uint32_t count, Error *error)
{
    WindowMerge *merge = &window->merge;
    bool goes_on = merge->holds && merge->start == start && merge->end < end;
    if (!goes_on)
        clear(merge);
    for (uint32_t s = 0; s < count; s++)
        if ((!goes_on || slices[s]->end > merge->end) && !merge_slice(window, slices[s], error))
            return false;
    merge->start = start;
    merge->end = end;
    merge->holds =
        window->shape.kind == PLAN_WINDOW_CUMULATE && end != start + window->shape.size_us;
    return true;
}

void window_merge_done(WindowAggregate *window)
{
    if (!window->merge.holds && window->slices.count == 0)
        window_merge_free(&window->merge);
}

void window_merge_note(WindowAggregate *window, const int64_t *ends, uint32_t count)
{
    WindowMerge *merge = &window->merge;
    for (uint32_t i = 0; i < count && merge->holds; i++)
        merge->holds = ends[i] > merge->end;
}

void window_merge_open(WindowAggregate *window)
{
    const Aggregate *aggregate = &window->aggregate;
    uint32_t bytes = (uint32_t)sizeof(MergeHeader) + aggregate->record_bytes;
    window->merge.entry_bytes = (uint32_t)size_round_up(bytes, 8);
    window->merges = aggregate->distinct_count == 0 && !aggregate->has_ordered;
}
