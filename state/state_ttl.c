/* Records that expire: renewing them in place, and giving their memory back.
 *
 * Nothing depends on when that happens, because every search passes over what has expired. A pass
 * goes over the blocks in the order of memory, by the bitmaps that say where records begin, and
 * takes a PASSES-th of the TTL; each call does as much of it as is due, STEP_UNITS at most.
 * Then the indexes shrink, a key group a call.
 *
 * Invariant: the time of a table's last write is only ever compared with expired_ms, which moves
 * between batches and never back.
 * Cost: per record and pass a bit and, at worst, a line of memory in order; 8 bytes a record. */
#include "state/state_internal.h"

#define PASSES 8
/* A quarter of a MiB of state a call. */
#define STEP_UNITS ((uint64_t)32768)
/* How soon to look again whether a store is still held. */
#define HELD_PAUSE_MS 100

static uint32_t key_group_count(const StateStore *store)
{
    return store->last_key_group - store->first_key_group + 1;
}

void state_renew(StateTable *table, StateHeader *header)
{
    state_strings_free(table, header + 1);
    memset(header + 1, 0, table->record_bytes);
    state_written(table, header);
}

static void expire(StateTable *table, StateHeader *header)
{
    if (table->kind == STATE_VALUE)
        state_value_remove(table, header + 1);
    else if (table->kind == STATE_MAP)
        state_map_remove(table, state_entry_of(header));
    else
        state_tree_remove(table, header + 1);
}

/* The records that a word of the bitmap stands for. One that goes may take its block along. */
static void sweep_word(StateTable *table, uint32_t number, uint32_t word)
{
    uint64_t bits = table->records.blocks[number].live[word];
    for (; bits != 0; bits &= bits - 1) {
        StateRef ref =
            state_marked_ref(&table->records, number, word * 64 + (uint32_t)__builtin_ctzll(bits));
        StateHeader *header = state_header_at(&table->records, ref);
        if (state_is_expired(table, header))
            expire(table, header);
        if (table->records.blocks[number].base == NULL)
            return;
    }
}

/* Goes on by about `units`, to the pass's end at the furthest. */
static void sweep_some(StateTable *table, uint64_t units)
{
    StateSweep *sweep = &table->sweep;
    while (sweep->block < table->records.block_count) {
        const StateBlock *block = &table->records.blocks[sweep->block];
        uint32_t word_units = 64u << block->shift;
        if (block->base == NULL || sweep->unit >= block->words * word_units) {
            sweep->block++;
            sweep->unit = 0;
            continue;
        }
        if (units == 0)
            return;
        units -= units < word_units ? units : word_units;
        sweep_word(table, sweep->block, sweep->unit / word_units);
        sweep->unit += word_units;
    }
}

/* Units of the pass that should have been done by now. */
static uint64_t units_due(const StateTable *table, int64_t pass_ms)
{
    const StateSweep *sweep = &table->sweep;
    uint64_t all = table->records.block_count * (uint64_t)STATE_BLOCK_UNITS;
    uint64_t done = sweep->block * (uint64_t)STATE_BLOCK_UNITS + sweep->unit;
    int64_t elapsed = table->store->now_ms - sweep->pass_start_ms;
    uint64_t due =
        elapsed >= pass_ms ? all : (uint64_t)((double)all * (double)elapsed / (double)pass_ms);
    return due > done ? due - done : 0;
}

/* One step of the table's sweep; returns when the next is due. */
static int64_t sweep_table(StateTable *table)
{
    StateSweep *sweep = &table->sweep;
    int64_t now = table->store->now_ms;
    int64_t pass_ms = table->ttl_ms / PASSES > 0 ? table->ttl_ms / PASSES : 1;
    if (table->keys == 0 && !sweep->active)
        return INT64_MAX;
    if (!sweep->active) {
        if (now < sweep->pass_start_ms + pass_ms)
            return sweep->pass_start_ms + pass_ms;
        *sweep = (StateSweep){.pass_start_ms = now, .active = true};
    }
    if (sweep->block < table->records.block_count) {
        uint64_t due = units_due(table, pass_ms);
        sweep_some(table, due < STEP_UNITS ? due : STEP_UNITS);
    } else if (sweep->shrink_group < key_group_count(table->store)) {
        state_keys_shrink(table, table->store->first_key_group + sweep->shrink_group++);
    } else {
        sweep->active = false;
    }
    return now + (pass_ms < 16 ? 1 : pass_ms / 16);
}

void state_store_hold(StateStore *store, bool held)
{
    store->is_held = held;
}

int64_t state_store_advance(StateStore *store, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    /* A clock that was set back must not bring back what has expired. */
    if (now_ms > store->now_ms)
        store->now_ms = now_ms;
    for (uint32_t i = 0; i < store->table_count; i++) {
        StateTable *table = store->tables[i];
        if (table->ttl_ms == 0)
            continue;
        if (!store->is_held)
            table->expired_ms = store->now_ms - table->ttl_ms;
        int64_t at = store->is_held ? store->now_ms + HELD_PAUSE_MS : sweep_table(table);
        next = at < next ? at : next;
    }
    return next;
}
