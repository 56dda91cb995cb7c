/* The index: from the hash of a key to references of records, in buckets of one cache line.
 *
 * A key lives in its home bucket or, when that is full, in the next one with room; every bucket it
 * passed counts it, so that a search stops where nobody went on and removal leaves no tombstones.
 * The number of buckets need not be a power of two: growing by half keeps the load between 0.53 and
 * 0.8, which is 8 to 12 bytes a key.
 *
 * A tag is 16 bits of the hash: a few of those that tell the home, and what comes below them. With
 * the bucket it says what the hash is but for its lowest bits, so that growing goes through the
 * index alone, in order; the record is asked where the new home would depend on bits that the tag
 * lacks, and by all keys when too few are left below the home, once in sixteen times the size.
 *
 * A small index is one array. A large one lies in segments, pieces of the table's blocks: these are
 * huge pages, without which most probes would miss the TLB too, and it grows where it lies. Homes
 * keep the order of the hashes, so a key only ever moves up; going from the last bucket to the
 * first, what is moved finds its new bucket done, and no memory is touched but the new segments.
 *
 * Cost: one cache line a probe, one more for the record. Growing moves the buckets of one key group
 * (state_internal.h), mostly without a look at a record. */
#include "state/state_internal.h"

#include <stdlib.h>

/* Keys per bucket at which the index grows, of STATE_BUCKET_SLOTS. */
#define LOAD 8
/* Of a tag: the bits above those that a home ends with when the tag is chosen; by them a key that
 * stands behind its home is known. And how many must be left below. */
#define TAG_BITS       16
#define TAG_BITS_ABOVE 5
#define TAG_BITS_BELOW 7

/* How many bits of a hash come before the tag; `skip` as long as that serves. */
static uint8_t choose_skip(uint32_t bucket_count, uint8_t skip)
{
    uint32_t home_bits = 31 - (uint32_t)__builtin_clz(bucket_count);
    bool knows_home = skip == 0 || home_bits >= skip + (uint32_t)TAG_BITS_ABOVE;
    if (knows_home && home_bits + TAG_BITS_BELOW <= skip + (uint32_t)TAG_BITS)
        return skip;
    uint32_t chosen = home_bits > TAG_BITS_ABOVE ? home_bits - TAG_BITS_ABOVE : 0;
    return (uint8_t)(chosen < 32 - TAG_BITS ? chosen : 32 - TAG_BITS);
}

static uint32_t segments_of(uint32_t bucket_count)
{
    return (bucket_count + STATE_SEGMENT_BUCKETS - 1) / STATE_SEGMENT_BUCKETS;
}

/* Empty buckets at the end of a large index. */
static void add_segments(StateIndex *index, uint32_t bucket_count, StateTable *table)
{
    uint32_t from = segments_of(index->bucket_count), to = segments_of(bucket_count);
    index->segments = memory_realloc(index->segments, to * sizeof(StateBucket *));
    for (uint32_t i = from; i < to; i++)
        index->segments[i] = state_segment_new(&table->records);
    table->index_bytes += (to - from) * sizeof(StateBucket *);
    index->bucket_count = bucket_count;
}

static StateIndex index_new(uint32_t bucket_count, uint8_t skip, StateTable *table)
{
    StateIndex index = {.skip = choose_skip(bucket_count, skip)};
    if (bucket_count > STATE_SEGMENT_BUCKETS) {
        add_segments(&index, bucket_count, table);
        return index;
    }
    size_t bytes = (size_t)bucket_count * sizeof(StateBucket);
    index.buckets = aligned_alloc(sizeof(StateBucket), bytes);
    if (index.buckets == NULL)
        memory_exhausted(bytes);
    memset(index.buckets, 0, bytes);
    index.bucket_count = bucket_count;
    table->index_bytes += bytes;
    return index;
}

void state_index_deinit(StateIndex *index, StateTable *table)
{
    uint32_t segments = index->segments == NULL ? 0 : segments_of(index->bucket_count);
    for (uint32_t i = 0; i < segments; i++)
        state_text_free(&table->records, (char *)index->segments[i], STATE_SEGMENT_BYTES);
    table->index_bytes -= index->buckets != NULL ? (size_t)index->bucket_count * sizeof(StateBucket)
                                                 : segments * sizeof(StateBucket *);
    memory_free(index->segments);
    free(index->buckets);
    *index = (StateIndex){0};
}

/* The first bucket with room from the key's home on, before `end`; or `end`. */
static uint32_t find_room(const StateIndex *index, uint32_t home, uint32_t end)
{
    uint32_t bucket = home;
    while (bucket < end && state_bucket_match(state_index_bucket(index, bucket), 0) == 0)
        bucket++;
    return bucket;
}

static void pass(const StateIndex *index, uint32_t from, uint32_t to)
{
    for (; from < to; from++) {
        StateBucket *passed = state_index_bucket(index, from);
        if (passed->passed != UINT8_MAX)
            passed->passed++;
    }
}

static void enter(const StateIndex *index, uint32_t bucket, uint32_t hash, StateRef ref)
{
    StateBucket *at = state_index_bucket(index, bucket);
    uint32_t slot = (uint32_t)__builtin_ctz(state_bucket_match(at, 0));
    at->tags[slot] = state_index_tag(index, hash);
    at->refs[slot] = ref;
}

static void place(StateIndex *index, uint32_t hash, StateRef ref)
{
    uint32_t home = state_index_home(index, hash);
    uint32_t bucket = find_room(index, home, index->bucket_count);
    pass(index, home, bucket);
    uint32_t reach = bucket - home;
    if (bucket == index->bucket_count) {
        bucket = find_room(index, 0, home);
        pass(index, 0, bucket);
        reach += bucket;
    }
    index->reach = reach > index->reach ? reach : index->reach;
    enter(index, bucket, hash, ref);
}

/* ------------------------------------------------------------------- all keys anew */

/* What is known of hashes while an index gets another size. */
typedef struct Rehash {
    const StateTable *table;
    StateHashOf hash_of;
    uint32_t old_count;
    uint32_t new_count;
    uint8_t skip;
    bool asks_records; /* tags are chosen anew, or keys stand too far behind their homes */
} Rehash;

static Rehash rehash_of(const StateIndex *index, uint32_t new_count, uint8_t new_skip,
                        const StateTable *table, StateHashOf hash_of)
{
    bool is_far =
        index->skip != 0 && ((uint64_t)index->reach + 2) << index->skip > index->bucket_count;
    return (Rehash){.table = table,
                    .hash_of = hash_of,
                    .old_count = index->bucket_count,
                    .new_count = new_count,
                    .skip = index->skip,
                    .asks_records = new_skip != index->skip || is_far};
}

static uint32_t home_among(uint32_t bucket_count, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * bucket_count >> 32);
}

/* The last hash at home in the bucket. */
static uint32_t last_hash(const Rehash *rehash, uint32_t bucket)
{
    return (uint32_t)(((((uint64_t)bucket + 1) << 32) - 1) / rehash->old_count);
}

/* The hash of a key in the bucket that ends with `last`, or one that has the same tag, the same
 * home and the same new home: the nearest at or before `last` that the tag allows. */
static uint32_t hash_in(const Rehash *rehash, uint32_t last, uint16_t tag, StateRef ref)
{
    if (rehash->asks_records || tag == 1) /* 1 stands for 0 too */
        return rehash->hash_of(rehash->table, ref);
    uint32_t below = 32 - TAG_BITS - rehash->skip;
    uint32_t step = rehash->skip == 0 ? 0 : UINT32_C(1) << (32 - rehash->skip);
    uint32_t first = (step == 0 ? 0 : last & (0 - step)) | (uint32_t)tag << below;
    if (first > last)
        first -= step; /* below 0 it stands behind a home at the end */
    uint32_t end = first | ((UINT32_C(1) << below) - 1);
    bool is_clear = home_among(rehash->old_count, first) == home_among(rehash->old_count, end) &&
                    home_among(rehash->new_count, first) == home_among(rehash->new_count, end);
    return is_clear ? first : rehash->hash_of(rehash->table, ref);
}

/* Buckets whose records are read ahead of the one being moved. */
#define READ_AHEAD 4

static void read_ahead(const Rehash *rehash, const StateBucket *bucket)
{
    const StateTable *table = rehash->table;
    for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS && rehash->asks_records; slot++) {
        if (bucket->tags[slot] == 0)
            continue;
        const StateHeader *header = state_header_at(&table->records, bucket->refs[slot]);
        __builtin_prefetch(header);
        __builtin_prefetch((const char *)(header + 1) + table->body_bytes);
        /* The compiler takes a function that only prefetches for doing nothing, and drops it. */
        __asm__ volatile("" ::: "memory");
    }
}

/* Into one of another size, by way of another index. */
static void rebuild(StateIndex *index, uint32_t bucket_count, StateTable *table,
                    StateHashOf hash_of)
{
    StateIndex other = index_new(bucket_count, index->skip, table);
    Rehash rehash = rehash_of(index, bucket_count, other.skip, table, hash_of);
    other.used = index->used;
    for (uint32_t i = 0; i < index->bucket_count + READ_AHEAD && index->used != 0; i++) {
        if (i < index->bucket_count)
            read_ahead(&rehash, state_index_bucket(index, i));
        if (i < READ_AHEAD)
            continue;
        const StateBucket *bucket = state_index_bucket(index, i - READ_AHEAD);
        uint32_t last = last_hash(&rehash, i - READ_AHEAD);
        for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
            if (bucket->tags[slot] != 0)
                place(&other, hash_in(&rehash, last, bucket->tags[slot], bucket->refs[slot]),
                      bucket->refs[slot]);
    }
    state_index_deinit(index, table);
    *index = other;
}

/* --------------------------------------------------------- growing where it lies */

/* A key that does not lie at home, until its home is reached. */
typedef struct Waiting {
    uint32_t hash;
    StateRef ref;
    uint32_t until; /* the bucket after which it is placed; WAIT_FOR_ALL */
} Waiting;

#define WAIT_FOR_ALL UINT32_MAX

typedef struct Growth {
    StateIndex *index;
    Rehash rehash;
    Waiting *waiting;
    uint32_t waiting_count;
    uint32_t waiting_capacity;
} Growth;

static void wait_until(Growth *growth, uint32_t hash, StateRef ref, uint32_t until)
{
    if (growth->waiting_count == growth->waiting_capacity) {
        growth->waiting_capacity = growth->waiting_capacity * 2 + 64;
        growth->waiting =
            memory_realloc(growth->waiting, growth->waiting_capacity * sizeof(Waiting));
    }
    growth->waiting[growth->waiting_count++] = (Waiting){hash, ref, until};
}

/* One whose new home, and all behind it, is done; what finds no room up to the last bucket would
 * come upon the first ones, which are not. */
static void place_done(Growth *growth, uint32_t hash, StateRef ref)
{
    StateIndex *index = growth->index;
    uint32_t home = state_index_home(index, hash);
    uint32_t bucket = find_room(index, home, index->bucket_count);
    if (bucket == index->bucket_count) {
        wait_until(growth, hash, ref, WAIT_FOR_ALL);
        return;
    }
    pass(index, home, bucket);
    index->reach = bucket - home > index->reach ? bucket - home : index->reach;
    enter(index, bucket, hash, ref);
}

static void place_waiting(Growth *growth, uint32_t number)
{
    uint32_t count = growth->waiting_count;
    growth->waiting_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        Waiting waiting = growth->waiting[i];
        if (waiting.until == number)
            place_done(growth, waiting.hash, waiting.ref);
        else
            growth->waiting[growth->waiting_count++] = waiting;
    }
}

static void move_bucket(Growth *growth, uint32_t number)
{
    const Rehash *rehash = &growth->rehash;
    StateBucket *place_of = state_index_bucket(growth->index, number);
    StateBucket old = *place_of;
    *place_of = (StateBucket){0};
    uint32_t last = last_hash(rehash, number);
    for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++) {
        if (old.tags[slot] == 0)
            continue;
        uint32_t hash = hash_in(rehash, last, old.tags[slot], old.refs[slot]);
        uint32_t home = home_among(rehash->old_count, hash);
        if (home < number)
            wait_until(growth, hash, old.refs[slot], home);
        else
            place_done(growth, hash, old.refs[slot]);
    }
    place_waiting(growth, number);
}

static void grow(StateIndex *index, uint32_t bucket_count, StateTable *table, StateHashOf hash_of)
{
    uint32_t old_count = index->bucket_count;
    uint8_t skip = choose_skip(bucket_count, index->skip);
    Growth growth = {.index = index,
                     .rehash = rehash_of(index, bucket_count, skip, table, hash_of)};
    add_segments(index, bucket_count, table);
    index->skip = skip;
    index->reach = 0;
    for (uint32_t i = old_count; i-- > 0;) {
        if (i >= READ_AHEAD)
            read_ahead(&growth.rehash, state_index_bucket(index, i - READ_AHEAD));
        move_bucket(&growth, i);
    }
    for (uint32_t i = 0; i < growth.waiting_count; i++)
        place(index, growth.waiting[i].hash, growth.waiting[i].ref);
    memory_free(growth.waiting);
}

static void enlarge(StateIndex *index, uint32_t bucket_count, StateTable *table,
                    StateHashOf hash_of)
{
    if (index->segments != NULL)
        grow(index, bucket_count, table, hash_of);
    else
        rebuild(index, bucket_count, table, hash_of);
}

static bool has_room(const StateIndex *index, uint64_t keys)
{
    return keys <= (uint64_t)index->bucket_count * LOAD;
}

void state_index_reserve(StateIndex *index, uint32_t more, StateTable *table, StateHashOf hash_of)
{
    uint64_t keys = (uint64_t)index->used + more;
    if (!has_room(index, keys))
        enlarge(index, (uint32_t)(keys / LOAD + 1), table, hash_of);
}

void state_index_shrink(StateIndex *index, StateTable *table, StateHashOf hash_of)
{
    uint64_t slots = (uint64_t)index->bucket_count * STATE_BUCKET_SLOTS;
    if (index->used == 0)
        state_index_deinit(index, table);
    else if (slots > (uint64_t)index->used * 8 + 16ull * STATE_BUCKET_SLOTS)
        rebuild(index, (uint32_t)((uint64_t)index->used * 3 / (2 * LOAD) + 1), table, hash_of);
}

void state_index_insert(StateIndex *index, uint32_t hash, StateRef ref, StateTable *table,
                        StateHashOf hash_of)
{
    if (!has_room(index, (uint64_t)index->used + 1))
        enlarge(index, index->bucket_count + (index->bucket_count + 2) / 2, table, hash_of);
    place(index, hash, ref);
    index->used++;
}

/* The slot that holds the reference. Uncounts it from the buckets passed on the way when told to.
 */
static StateBucket *locate(StateIndex *index, uint32_t hash, StateRef ref, bool uncount,
                           uint32_t *slot)
{
    uint16_t tag = state_index_tag(index, hash);
    uint32_t bucket = state_index_home(index, hash);
    for (uint32_t visited = 0; visited < index->bucket_count; visited++) {
        StateBucket *at = state_index_bucket(index, bucket);
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
