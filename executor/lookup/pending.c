/* Lookup join: the batches that wait for answers, in the order they came.
 *
 * Invariant: a batch leaves when it is answered and all before it have left, or, where rows may
 * pass others, when no watermark stands between. Cost: a hash table per batch finds its distinct
 * keys. */
#include "executor/lookup/operator.h"

#include <string.h>

void lookup_pending_free(LookupPending *pending)
{
    for (uint32_t i = 0; i < pending->need_count; i++)
        lookup_rows_release(pending->needs[i].rows);
    batch_release(pending->batch);
    arena_free(pending->arena);
}

/* A slot per distinct key of a batch. */
static uint32_t find_key(const LookupPending *pending, const uint32_t *slots, uint32_t mask,
                         uint32_t row, uint32_t *at)
{
    const LookupKeys *keys = &pending->keys;
    for (*at = (uint32_t)keys->hashes[row] & mask; slots[*at] != 0; *at = (*at + 1) & mask) {
        const LookupNeed *need = &pending->needs[slots[*at] - 1];
        if (need->hash == keys->hashes[row] && need->key.length == keys->keys[row].length &&
            memcmp(need->key.data, keys->keys[row].data, need->key.length) == 0)
            return slots[*at] - 1;
    }
    return LOOKUP_NONE;
}

static void find_needs(const LookupJoin *join, LookupPending *pending)
{
    const Batch *batch = pending->batch;
    Arena *arena = pending->arena;
    pending->keys = lookup_encode_left(join, batch, arena);
    pending->needs = arena_new_array(arena, LookupNeed, batch->row_count + 1);
    pending->need_of_row = arena_new_array(arena, uint32_t, batch->row_count + 1);
    uint32_t mask = 15;
    while (mask < batch->row_count * 2)
        mask = mask * 2 + 1;
    uint32_t *slots = arena_new_array(arena, uint32_t, mask + 1);
    for (uint32_t row = 0; row < batch->row_count; row++) {
        pending->need_of_row[row] = LOOKUP_NONE;
        if (!pending->keys.joins[row] || lookup_takes_back(join->plan, batch_kind(batch, row)))
            continue;
        uint32_t at;
        uint32_t need = find_key(pending, slots, mask, row, &at);
        if (need == LOOKUP_NONE) {
            need = pending->need_count++;
            slots[at] = need + 1;
            pending->needs[need] =
                (LookupNeed){pending->keys.keys[row], pending->keys.hashes[row], row, NULL, false};
        }
        pending->need_of_row[row] = need;
    }
}

LookupPending *lookup_pending_new(LookupJoin *join, Batch *batch)
{
    Arena *arena = arena_new(4096);
    LookupPending *pending = arena_new_one(arena, LookupPending);
    pending->arena = arena;
    pending->batch = batch;
    pending->retry_at_us = INT64_MAX;
    pending->watermark_us = INT64_MIN;
    pending->arrived_us = lookup_now_us(join);
    find_needs(join, pending);
    if (join->tail == NULL)
        join->head = pending;
    else
        join->tail->next = pending;
    join->tail = pending;
    join->pending_count++;
    return pending;
}

bool lookup_is_answered(const LookupPending *pending)
{
    return pending->questions == 0 && pending->retry_at_us == INT64_MAX;
}

static bool emit_pending(LookupJoin *join, LookupPending *pending, Emitter *emitter, Error *error)
{
    Batch *batch = pending->batch;
    lookup_output_start(&join->output);
    for (uint32_t row = 0; row < batch->row_count; row++) {
        if (pending->need_of_row[row] == LOOKUP_NONE)
            continue;
        const LookupRows *rows = pending->needs[pending->need_of_row[row]].rows;
        for (uint32_t i = 0; i < rows->count; i++)
            lookup_output_add(&join->output, (LookupMatch){row, LOOKUP_NONE, rows->rows[i]});
        if (lookup_output_is_full(&join->output) &&
            !lookup_output_emit(&join->output, batch, row + 1, &pending->keys, NULL, emitter,
                                error))
            return false;
    }
    pending->emitted = true;
    return lookup_output_emit(&join->output, batch, batch->row_count, &pending->keys, NULL, emitter,
                              error);
}

/* Emits what may go: answered batches from the head on, or, where order does not matter, all that
 * stand before the first watermark that has to wait. */
bool lookup_flush(LookupJoin *join, Emitter *emitter, Error *error)
{
    bool passes = join->plan->unordered;
    for (LookupPending *at = join->head; at != NULL && passes; at = at->next) {
        if (!at->emitted && lookup_is_answered(at) && !emit_pending(join, at, emitter, error))
            return false;
        passes = at->watermark_us == INT64_MIN;
    }
    while (join->head != NULL && (join->head->emitted || lookup_is_answered(join->head))) {
        LookupPending *head = join->head;
        int64_t watermark = head->watermark_us;
        bool good = head->emitted || emit_pending(join, head, emitter, error);
        join->head = head->next;
        if (join->head == NULL)
            join->tail = NULL;
        join->pending_count--;
        lookup_pending_free(head);
        if (!good || (watermark != INT64_MIN && !emit_watermark(emitter, watermark, error)))
            return false;
    }
    return true;
}
