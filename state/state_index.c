/* The index: from the hash of a key to references of records, in buckets of one cache line.
 *
 * A key lives in its home bucket or, when that is full, in the next one with room; every bucket it
 * passed counts it, so that a search stops where nobody went on and removal leaves no tombstones.
 * The number of buckets need not be a power of two: growing by half keeps the load between 0.53 and
 * 0.8, which is 6.7 to 10 bytes a key.
 *
 * Cost: one cache line a probe, one more for the record. Growing touches every record once, but
 * only those of one key group (state_internal.h). */
#include "state/state_internal.h"

#include <stdlib.h>

/* Keys per bucket at which the index grows, of STATE_BUCKET_SLOTS. */
#define LOAD_NUMERATOR   48
#define LOAD_DENOMINATOR 5

static StateBucket *buckets_new(uint32_t count)
{
    size_t bytes = (size_t)count * sizeof(StateBucket);
    StateBucket *buckets = aligned_alloc(sizeof(StateBucket), bytes);
    if (buckets == NULL)
        memory_exhausted(bytes);
    memset(buckets, 0, bytes);
    return buckets;
}

void state_index_deinit(StateIndex *index)
{
    free(index->buckets);
    *index = (StateIndex){0};
}

static void place(StateIndex *index, uint32_t hash, StateRef ref)
{
    uint32_t bucket = state_index_home(index, hash);
    for (;;) {
        StateBucket *at = &index->buckets[bucket];
        uint32_t room = state_bucket_match(at, 0);
        if (room != 0) {
            uint32_t slot = (uint32_t)__builtin_ctz(room);
            at->tags[slot] = state_index_tag(hash);
            at->refs[slot] = ref;
            return;
        }
        if (at->passed != UINT8_MAX)
            at->passed++;
        bucket = bucket + 1 == index->bucket_count ? 0 : bucket + 1;
    }
}

/* Buckets whose records are read ahead of the one being moved. */
#define READ_AHEAD 2

static void resize(StateIndex *index, uint32_t bucket_count, const StateTable *table,
                   StateHashOf hash_of)
{
    StateIndex larger = {.bucket_count = bucket_count, .used = index->used};
    larger.buckets = buckets_new(larger.bucket_count);
    uint32_t steps = index->bucket_count == 0 ? 0 : index->bucket_count + READ_AHEAD;
    for (uint32_t i = 0; i < steps; i++) {
        /* Not a function of its own: the compiler takes one that only prefetches for doing nothing,
         * and drops it. */
        const StateBucket *ahead = &index->buckets[i < index->bucket_count ? i : 0];
        for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
            if (ahead->tags[slot] != 0)
                __builtin_prefetch(state_header_at(&table->records, ahead->refs[slot]));
        if (i < READ_AHEAD)
            continue;
        const StateBucket *bucket = &index->buckets[i - READ_AHEAD];
        for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
            if (bucket->tags[slot] != 0)
                place(&larger, hash_of(table, bucket->refs[slot]), bucket->refs[slot]);
    }
    state_index_deinit(index);
    *index = larger;
}

static bool has_room(const StateIndex *index, uint64_t keys)
{
    return keys * LOAD_DENOMINATOR <= (uint64_t)index->bucket_count * LOAD_NUMERATOR;
}

void state_index_reserve(StateIndex *index, uint32_t more, const StateTable *table,
                         StateHashOf hash_of)
{
    uint64_t keys = (uint64_t)index->used + more;
    if (!has_room(index, keys))
        resize(index, (uint32_t)(keys * LOAD_DENOMINATOR / LOAD_NUMERATOR + 1), table, hash_of);
}

void state_index_shrink(StateIndex *index, const StateTable *table, StateHashOf hash_of)
{
    uint64_t slots = (uint64_t)index->bucket_count * STATE_BUCKET_SLOTS;
    if (index->used == 0)
        state_index_deinit(index);
    else if (slots > (uint64_t)index->used * 8 + 16ull * STATE_BUCKET_SLOTS)
        resize(index,
               (uint32_t)((uint64_t)index->used * 3 * LOAD_DENOMINATOR / 2 / LOAD_NUMERATOR + 1),
               table, hash_of);
}

void state_index_insert(StateIndex *index, uint32_t hash, StateRef ref, const StateTable *table,
                        StateHashOf hash_of)
{
    if (!has_room(index, (uint64_t)index->used + 1))
        resize(index, index->bucket_count + (index->bucket_count + 2) / 2, table, hash_of);
    place(index, hash, ref);
    index->used++;
}

/* The slot that holds the reference. Uncounts it from the buckets passed on the way when told to.
 */
static StateBucket *locate(StateIndex *index, uint32_t hash, StateRef ref, bool uncount,
                           uint32_t *slot)
{
    uint8_t tag = state_index_tag(hash);
    uint32_t bucket = state_index_home(index, hash);
    for (uint32_t visited = 0; visited < index->bucket_count; visited++) {
        StateBucket *at = &index->buckets[bucket];
        for (uint32_t matches = state_bucket_match(at, tag); matches != 0; matches &= matches - 1) {
            *slot = (uint32_t)__builtin_ctz(matches);
            if (at->refs[*slot] == ref)
                return at;
        }
        if (uncount && at->passed != UINT8_MAX)
            at->passed--;
        bucket = bucket + 1 == index->bucket_count ? 0 : bucket + 1;
    }
    assert(0 && "the record is not in the index");
    return NULL;
}

void state_index_remove(StateIndex *index, uint32_t hash, StateRef ref)
{
    uint32_t slot;
    StateBucket *bucket = locate(index, hash, ref, true, &slot);
    bucket->tags[slot] = 0;
    bucket->refs[slot] = 0;
    index->used--;
}

void state_index_replace(StateIndex *index, uint32_t hash, StateRef from, StateRef to)
{
    uint32_t slot;
    StateBucket *bucket = locate(index, hash, from, false, &slot);
    bucket->refs[slot] = to;
}
