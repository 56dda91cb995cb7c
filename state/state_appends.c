/* MAP tables whose entries only come: nothing is looked for by subkey, changed or removed.
 *
 * The entries of all keys stand one behind the other in blocks of their own, each with a link to
 * the next one of its key, in the order in which they came. So what changed since a snapshot is the
 * end of that row, and where an entry stands is its number: it is its subkey and its sequence in a
 * chunk, where such a table looks like any other. What a restore brings has its number with it, and
 * what comes then is numbered behind all of that.
 *
 * Invariant: numbers grow along the blocks, and along the list of each key. An entry that went
 * (only a restore takes one back) has no group and is in no list.
 *
 * Cost: 12 bytes an entry, its payload, rounded up to 8; memory is written in order. */
#include "state/state_internal.h"

#include <stdlib.h>

/* How many entries are linked at once: the ends of their lists are read together. */
#define APPEND_RUN 128
/* How far ahead of what a snapshot takes its memory is read. */
#define TAKE_AHEAD 4096

typedef struct StateAppended {
    StateRef next;  /* 0 behind the last */
    StateRef group; /* 0: it went */
    uint32_t bytes; /* of the payload, and whether its number stands before that */
} StateAppended;

#define HAS_NUMBER (1u << 31)

static StateAppended *appended_at(const StateTable *table, StateRef ref)
{
    return (StateAppended *)(void *)state_header_at(&table->records, ref);
}

static size_t payload_at(const StateAppended *entry)
{
    return sizeof(*entry) + ((entry->bytes & HAS_NUMBER) != 0 ? sizeof(uint64_t) : 0);
}

static Str payload_of(const StateAppended *entry)
{
    return (Str){(const char *)entry + payload_at(entry), entry->bytes & ~HAS_NUMBER};
}

static size_t entry_bytes(const StateAppended *entry)
{
    return size_round_up(payload_at(entry) + (entry->bytes & ~HAS_NUMBER), STATE_UNIT_BYTES);
}

/* Of the entry in the n-th block. */
static uint64_t number_of(const StateTable *table, uint32_t nth, const StateAppended *entry,
                          size_t offset)
{
    uint64_t number;
    if ((entry->bytes & HAS_NUMBER) == 0)
        return table->appends.first_number + ((uint64_t)nth << STATE_UNIT_BITS) +
               offset / STATE_UNIT_BYTES;
    memcpy(&number, entry + 1, sizeof(number));
    return number;
}

/* ------------------------------------------------------------------------- reading */

StateEntry *state_appends_at(const StateTable *table, StateRef ref)
{
    return ref == 0 ? NULL : (StateEntry *)(void *)appended_at(table, ref);
}

StateEntry *state_appends_next(const StateTable *table, const StateEntry *entry)
{
    return state_appends_at(table, ((const StateAppended *)(const void *)entry)->next);
}

Str state_appends_payload(const StateEntry *entry)
{
    return payload_of((const StateAppended *)(const void *)entry);
}

StateGroup *state_appends_group(const StateTable *table, const StateEntry *entry)
{
    return state_group_at(table, ((const StateAppended *)(const void *)entry)->group);
}

/* ----------------------------------------------------------------------- appending */

/* The block that has room for so many bytes. A larger one has it for one entry alone, whatever is
 * left behind that: a reference reaches no further than the usual size. */
static uint32_t open_block(StateTable *table, size_t bytes)
{
    StateAppends *appends = &table->appends;
    if (appends->block_count != 0) {
        uint32_t number = appends->blocks[appends->block_count - 1];
        const StateBlock *block = &table->records.blocks[number];
        if (block->used + bytes <= STATE_BLOCK_BYTES)
            return number;
    }
    if ((appends->block_count & (appends->block_count - 1)) == 0)
        appends->blocks = memory_realloc(
            appends->blocks,
            sizeof(uint32_t) * (appends->block_count == 0 ? 1 : 2 * (size_t)appends->block_count));
    uint32_t number = state_run_new(&table->records, bytes, appends->block_count == 0);
    appends->blocks[appends->block_count++] = number;
    return number;
}

/* A new entry at the end of the group's list; its payload is still to be written. */
static StateAppended *link_new(StateTable *table, StateGroup *group, size_t payload,
                               const uint64_t *has_number)
{
    if (payload >= HAS_NUMBER)
        memory_exhausted(payload);
    size_t numbers = has_number != NULL ? sizeof(*has_number) : 0;
    size_t bytes = size_round_up(sizeof(StateAppended) + numbers + payload, STATE_UNIT_BYTES);
    uint32_t number = open_block(table, bytes);
    StateBlock *block = &table->records.blocks[number];
    StateAppended *entry = (StateAppended *)(void *)(block->base + block->used);
    StateRef ref = number << STATE_UNIT_BITS | (uint32_t)(block->used / STATE_UNIT_BYTES);
    block->used += bytes;
    *entry = (StateAppended){0, state_ref_of(state_group_header(table, group)),
                             (uint32_t)payload | (has_number != NULL ? HAS_NUMBER : 0)};
    if (has_number != NULL)
        memcpy(entry + 1, has_number, sizeof(*has_number));
    if (group->last == 0)
        group->first = ref;
    else
        appended_at(table, group->last)->next = ref;
    group->last = ref;
    group->size++;
    table->records.live_bytes += bytes;
    table->records.changed_count++;
    table->appends.count++;
    return entry;
}

StateEntry *state_appends_add(StateTable *table, StateGroup *group, Str payload)
{
    StateAppended *entry = link_new(table, group, payload.length, NULL);
    if (payload.length != 0)
        memcpy(entry + 1, payload.data, payload.length);
    return (StateEntry *)(void *)entry;
}

void state_map_append_rows(StateTable *table, const Str *keys, const uint64_t *hashes,
                           uint32_t count, Str *payloads, StateGroup **beside)
{
    assert(table->only_appends);
    StateGroup *groups[APPEND_RUN];
    for (uint32_t from = 0; from < count; from += APPEND_RUN) {
        uint32_t n = count - from < APPEND_RUN ? count - from : APPEND_RUN;
        state_groups_make(table, keys + from, hashes + from, n, groups,
                          beside == NULL ? NULL : beside + from);
        for (uint32_t i = 0; i < n; i++) {
            const StateGroup *group = groups[i];
            if (group->last != 0)
                __builtin_prefetch(appended_at(table, group->last), 1);
        }
        for (uint32_t i = 0; i < n; i++) {
            StateAppended *entry = link_new(table, groups[i], payloads[from + i].length, NULL);
            payloads[from + i].data = (char *)(entry + 1);
        }
    }
}

/* ------------------------------------------------------------------------ snapshot */

/* What is taken was written a while ago: the length of an entry, which says where the next one is,
 * is waited for unless it is read well before. */
static void read_ahead(const StateBlock *block, size_t from, size_t to)
{
    for (size_t at = size_round_up(from, 64); at < to && at + TAKE_AHEAD < block->used; at += 64)
        __builtin_prefetch(block->base + at + TAKE_AHEAD);
    __asm__ volatile("" ::: "memory"); /* or the compiler drops it */
}

/* The entry behind the last one that was taken; NULL: there is none. */
static StateAppended *take_next(StateTable *table, uint64_t *number)
{
    StateAppends *appends = &table->appends;
    while (appends->taken_block < appends->block_count) {
        uint32_t nth = appends->taken_block;
        const StateBlock *block = &table->records.blocks[appends->blocks[nth]];
        size_t at = appends->taken_bytes;
        if (at == 0)
            at = STATE_RUN_FIRST;
        if (at < block->used) {
            StateAppended *entry = (StateAppended *)(void *)(block->base + at);
            *number = number_of(table, nth, entry, at);
            appends->taken_bytes = at + entry_bytes(entry);
            read_ahead(block, at, appends->taken_bytes);
            return entry;
        }
        if (nth + 1 == appends->block_count) {
            appends->taken_bytes = at;
            return NULL;
        }
        appends->taken_block++;
        appends->taken_bytes = 0;
    }
    return NULL;
}

uint32_t state_appends_take(StateTable *table, StateTaken *taken, uint32_t max)
{
    uint32_t count = 0;
    while (count < max) {
        uint64_t number;
        const StateAppended *entry = take_next(table, &number);
        if (entry == NULL)
            break;
        if (entry->group == 0)
            continue;
        StateGroup *group = state_group_at(table, entry->group);
        __builtin_prefetch(state_group_header(table, group));
        __builtin_prefetch(group + 1);
        taken[count++] = (StateTaken){group, payload_of(entry), number};
    }
    table->records.changed_count -= count;
    return count;
}

void state_appends_mark(StateTable *table, bool changed)
{
    StateAppends *appends = &table->appends;
    table->records.changed_count = changed ? appends->count : 0;
    appends->taken_block = 0;
    appends->taken_bytes = 0;
    if (!changed && appends->block_count != 0) {
        appends->taken_block = appends->block_count - 1;
        appends->taken_bytes = table->records.blocks[appends->blocks[appends->taken_block]].used;
    }
}

/* ------------------------------------------------------------------------- restore */

void state_appends_restore(StateTable *table, StateGroup *group, uint64_t number, Str payload)
{
    uint64_t last = 0;
    if (group->last != 0)
        memcpy(&last, appended_at(table, group->last) + 1, sizeof(last));
    if (group->last != 0 && last >= number) {
        group->unsorted = true;
        table->restore_unsorted = true;
    }
    StateAppended *entry = link_new(table, group, payload.length, &number);
    if (payload.length != 0)
        memcpy((char *)entry + payload_at(entry), payload.data, payload.length);
    if (number >= table->appends.first_number)
        table->appends.first_number = number + 1;
}

/* Takes the entry out of what snapshots see; the list is the caller's. */
static void forget(StateTable *table, StateAppended *entry)
{
    entry->group = 0;
    table->appends.count--;
    table->records.changed_count--;
}

void state_appends_restore_removed(StateTable *table, StateGroup *group, uint64_t number)
{
    StateRef previous = 0;
    for (StateRef ref = group->first; ref != 0;) {
        StateAppended *entry = appended_at(table, ref);
        uint64_t its;
        memcpy(&its, entry + 1, sizeof(its));
        if (its != number) {
            previous = ref;
            ref = entry->next;
            continue;
        }
        if (previous == 0)
            group->first = entry->next;
        else
            appended_at(table, previous)->next = entry->next;
        if (group->last == ref)
            group->last = previous;
        forget(table, entry);
        if (--group->size == 0)
            state_group_remove(table, group);
        return;
    }
}

typedef struct Numbered {
    uint64_t number;
    StateRef ref;
    uint32_t place; /* in which the restore brought it */
} Numbered;

static int compare_numbered(const void *a, const void *b)
{
    const Numbered *left = a, *right = b;
    if (left->number != right->number)
        return left->number < right->number ? -1 : 1;
    return (left->place > right->place) - (left->place < right->place);
}

/* Of several entries with one number, the last one that came holds. */
void state_appends_sort(StateTable *table, StateGroup *group)
{
    Numbered *all = memory_alloc(sizeof(*all) * group->size);
    uint32_t count = 0;
    for (StateRef ref = group->first; ref != 0; ref = appended_at(table, ref)->next) {
        all[count] = (Numbered){.ref = ref, .place = count};
        memcpy(&all[count++].number, appended_at(table, ref) + 1, sizeof(uint64_t));
    }
    qsort(all, count, sizeof(*all), compare_numbered);
    group->first = group->last = group->size = 0;
    for (uint32_t i = 0; i < count; i++) {
        StateAppended *entry = appended_at(table, all[i].ref);
        entry->next = 0;
        if (i + 1 < count && all[i + 1].number == all[i].number) {
            forget(table, entry);
            continue;
        }
        if (group->last == 0)
            group->first = all[i].ref;
        else
            appended_at(table, group->last)->next = all[i].ref;
        group->last = all[i].ref;
        group->size++;
    }
    group->unsorted = false;
    memory_free(all);
}
