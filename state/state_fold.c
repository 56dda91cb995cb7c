/* Folding: a base and its deltas, oldest first, become one base.
 *
 * Works on bytes alone: an item is known by its identity, the newest wins, and what survives is
 * copied as it stands. Runs on the checkpoint's writer thread, so that it costs the job nothing but
 * a core's idle time.
 *
 * Cost: an index of 16 bytes per item over all chunks, given back at the end. */
#include "core/hash.h"
#include "state/state_chunk.h"

#include <string.h>

#include "core/arena.h"

typedef struct FoldSlot {
    const char *item; /* NULL: free */
    uint32_t identity_bytes;
    uint32_t whole_bytes; /* 0: removed */
} FoldSlot;

typedef struct Fold {
    FoldSlot *slots;
    uint64_t mask;
    StateChunkHead head;
} Fold;

static FoldSlot *slot_of(const Fold *fold, Str identity)
{
    uint64_t at = hash_bytes(identity.data, identity.length) & fold->mask;
    for (;; at = (at + 1) & fold->mask) {
        FoldSlot *slot = &fold->slots[at];
        if (slot->item == NULL || (slot->identity_bytes == identity.length &&
                                   memcmp(slot->item, identity.data, identity.length) == 0))
            return slot;
    }
}

static void set_slot(const Fold *fold, const StateChunkItem *item, size_t whole_bytes)
{
    FoldSlot *slot = slot_of(fold, item->identity);
    slot->item = item->identity.data;
    slot->identity_bytes = (uint32_t)item->identity.length;
    slot->whole_bytes = (uint32_t)whole_bytes;
}

static bool fold_chunk(Fold *fold, Str bytes, Error *error)
{
    StateChunkReader chunk;
    if (!state_chunk_open(bytes, &chunk, error))
        return false;
    StateChunkItem item;
    uint32_t entries = chunk.head.removed_count + chunk.head.item_count;
    for (uint32_t i = 0; i < entries; i++) {
        if (!state_chunk_next(&chunk, &item))
            return state_chunk_corrupt(&chunk.head, error);
        set_slot(fold, &item, item.removed ? 0 : item.whole.length);
    }
    return true;
}

/* Room for every identity of every chunk, at a load of at most a half; the heads must agree. */
static bool fold_start(Fold *fold, const Str *chunks, uint32_t count, Error *error)
{
    uint64_t items = 0;
    for (uint32_t i = 0; i < count; i++) {
        StateChunkReader chunk;
        if (!state_chunk_open(chunks[i], &chunk, error))
            return false;
        if (i == 0)
            fold->head = chunk.head;
        else if (chunk.head.kind != fold->head.kind ||
                 chunk.head.key_group != fold->head.key_group ||
                 chunk.head.record_bytes != fold->head.record_bytes)
            return state_chunk_corrupt(&chunk.head, error);
        items += (uint64_t)chunk.head.removed_count + chunk.head.item_count;
    }
    uint64_t slots = 16;
    while (slots < items * 2)
        slots *= 2;
    fold->mask = slots - 1;
    fold->slots = memory_zalloc(slots * sizeof(FoldSlot));
    return true;
}

bool state_fold_chunks(const Str *chunks, uint32_t count, Buffer *base, Error *error)
{
    Fold fold = {0};
    buffer_clear(base);
    if (count == 0)
        return true;
    if (!fold_start(&fold, chunks, count, error))
        return false;
    bool whole = true;
    for (uint32_t i = 0; i < count && whole; i++)
        whole = fold_chunk(&fold, chunks[i], error);
    if (whole) {
        fold.head.is_base = true;
        fold.head.removed_count = 0;
        fold.head.item_count = 0;
        state_chunk_start(base, &fold.head);
        for (uint64_t i = 0; i <= fold.mask; i++) {
            if (fold.slots[i].item == NULL || fold.slots[i].whole_bytes == 0)
                continue;
            buffer_append(base, fold.slots[i].item, fold.slots[i].whole_bytes);
            fold.head.item_count++;
        }
        state_chunk_set_counts(base, 0, fold.head.item_count);
        state_chunk_seal(base->data, base->length);
    }
    memory_free(fold.slots);
    return whole;
}
