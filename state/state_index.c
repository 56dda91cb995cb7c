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
 * A small index is one array, where what finds no room at the end goes on at the start. A large one
 * lies in segments, pieces of the table's blocks: these are huge pages, without which most probes
 * would miss the TLB too. It has buckets behind its last home, and it grows where it lies, little
 * by little while keys come: homes keep the order of the hashes, so a key only ever moves up; going
 * from the last bucket to the first, what is moved finds its new bucket done, and no memory is
 * touched but the new segments. In between a frontier divides the buckets: what has its old home
 * below it is found as before, all else as it will be.
 *
 * Cost: one cache line a probe, one more for the record. Growing moves a few buckets for
 * each key that comes, in runs of GROWTH_STEP, so that no batch waits for a large index; mostly
 * without a look at a record. */
#include "state/state_internal.h"

#include <stdlib.h>

/* Keys per bucket at which the index grows, of STATE_BUCKET_SLOTS. */
#define LOAD 8
/* Of a tag: the bits above those that a home ends with when the tag is chosen; by them a key that
 * stands behind its home is known. And how many must be left below. */
#define TAG_BITS       16
#define TAG_BITS_ABOVE 5
#define TAG_BITS_BELOW 7

/* Buckets behind the last home of a large index, at least. */
#define TAIL_MIN 8
/* Buckets that are moved for a key that comes, also where each record is asked; together; and read
 * ahead of the one at hand. */
#define GROWTH_PACE        8
#define GROWTH_PACE_ASKING 2
#define GROWTH_STEP        256
#define MOVE_AHEAD         16
/* An index that gets fewer homes is moved at once, in well under a millisecond. A larger one begins
 * while a part of its room is left: keys still come to buckets that have not been moved. */
#define GRADUAL_HOMES 8192
#define GRADUAL_PART  16
/* Keys between two looks at whether a growth is near: when one in so many keys is still to come. */
#define PREPARE_PACE 64
#define PREPARE_PART 8

/* How many bits of a hash come before the tag; `skip` as long as that serves. */
static uint8_t choose_skip(uint32_t homes, uint8_t skip)
{
    uint32_t home_bits = 31 - (uint32_t)__builtin_clz(homes);
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
    if (to <= from)
        return;
    index->segments = memory_realloc(index->segments, to * sizeof(StateBucket *));
    for (uint32_t i = from; i < to; i++)
        index->segments[i] = state_segment_new(&table->records);
    table->index_bytes += (to - from) * sizeof(StateBucket *);
    index->bucket_count = to * STATE_SEGMENT_BUCKETS;
}

static StateIndex index_new(uint32_t homes, uint8_t skip, StateTable *table)
{
    StateIndex index = {.homes = homes, .skip = choose_skip(homes, skip)};
    if (homes > STATE_SEGMENT_BUCKETS) {
        add_segments(&index, homes + TAIL_MIN, table);
        return index;
    }
    size_t bytes = (size_t)homes * sizeof(StateBucket);
    index.buckets = aligned_alloc(sizeof(StateBucket), bytes);
    if (index.buckets == NULL)
        memory_exhausted(bytes);
    memset(index.buckets, 0, bytes);
    index.bucket_count = homes;
    table->index_bytes += bytes;
    return index;
}

static void growth_free(StateIndex *index)
{
    if (index->growth != NULL)
        memory_free(index->growth->waiting);
    memory_free(index->growth);
    index->growth = NULL;
}

void state_index_deinit(StateIndex *index, StateTable *table)
{
    uint32_t segments = index->segments == NULL ? 0 : segments_of(index->bucket_count);
    for (uint32_t i = 0; i < segments; i++)
        state_text_free(&table->records, (char *)index->segments[i], STATE_SEGMENT_BYTES);
    table->index_bytes -= index->buckets != NULL ? (size_t)index->bucket_count * sizeof(StateBucket)
                                                 : segments * sizeof(StateBucket *);
    growth_free(index);
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

static void enter(const StateIndex *index, uint32_t bucket, uint16_t tag, StateRef ref)
{
    StateBucket *at = state_index_bucket(index, bucket);
    uint32_t slot = (uint32_t)__builtin_ctz(state_bucket_match(at, 0));
    at->tags[slot] = tag;
    at->refs[slot] = ref;
}

/* At its new home, or behind that; returns where. */
static uint32_t place(StateIndex *index, uint32_t hash, StateRef ref, StateTable *table)
{
    uint32_t home = state_home_among(index->homes, hash);
    uint32_t bucket = find_room(index, home, index->bucket_count);
    pass(index, home, bucket);
    uint32_t reach = bucket - home;
    if (bucket == index->bucket_count && index->segments != NULL) {
        add_segments(index, bucket + 1, table);
    } else if (bucket == index->bucket_count) {
        bucket = find_room(index, 0, home);
        pass(index, 0, bucket);
        reach += bucket;
    }
    index->reach = reach > index->reach ? reach : index->reach;
    enter(index, bucket, state_tag_of(hash, index->skip), ref);
    return bucket;
}

/* ------------------------------------------------------------------- all keys anew */

/* What is known of hashes while an index gets another size. */
typedef struct Rehash {
    const StateTable *table;
    StateHashOf hash_of;
    uint32_t old_homes;
    uint32_t new_homes;
    uint8_t skip;
    bool asks_records; /* tags are chosen anew, or keys stand too far behind their homes */
} Rehash;

/* From so many homes and that skip, with keys so far behind their homes. */
static Rehash rehash_of(uint32_t old_homes, uint8_t skip, uint32_t reach, const StateIndex *to,
                        const StateTable *table, StateHashOf hash_of)
{
    bool is_far = skip != 0 && ((uint64_t)reach + 2) << skip > old_homes;
    return (Rehash){.table = table,
                    .hash_of = hash_of,
                    .old_homes = old_homes,
                    .new_homes = to->homes,
                    .skip = skip,
                    .asks_records = to->skip != skip || is_far};
}

/* The last hash at home in the bucket, or, behind the homes, of all. */
static uint32_t last_hash(const Rehash *rehash, uint32_t bucket)
{
    if (bucket >= rehash->old_homes)
        return UINT32_MAX;
    return (uint32_t)(((((uint64_t)bucket + 1) << 32) - 1) / rehash->old_homes);
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
    uint32_t before = rehash->old_homes, after = rehash->new_homes;
    bool is_clear = state_home_among(before, first) == state_home_among(before, end) &&
                    state_home_among(after, first) == state_home_among(after, end);
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

/* Free slots of the buckets that were filled last, by the end of their numbers. Keys come in about
 * the order of their homes, many to a bucket, and reading tags that were just written waits until
 * those have reached the cache. */
#define FILLS 16
typedef struct Fills {
    struct {
        uint32_t bucket;
        uint32_t free;
    } of[FILLS];
} Fills;

static void fills_init(Fills *fills)
{
    for (uint32_t i = 0; i < FILLS; i++)
        fills->of[i].bucket = UINT32_MAX;
}

/* As place, of many. */
static void place_next(StateIndex *index, Fills *fills, uint32_t hash, StateRef ref,
                       StateTable *table)
{
    uint32_t home = state_home_among(index->homes, hash);
    StateBucket *bucket = state_index_bucket(index, home);
    if (fills->of[home % FILLS].bucket != home) {
        fills->of[home % FILLS].bucket = home;
        fills->of[home % FILLS].free = state_bucket_match(bucket, 0);
    }
    uint32_t free_slots = fills->of[home % FILLS].free;
    if (free_slots == 0) {
        uint32_t other = place(index, hash, ref, table);
        fills->of[other % FILLS].bucket = UINT32_MAX;
        return;
    }
    uint32_t slot = (uint32_t)__builtin_ctz(free_slots);
    fills->of[home % FILLS].free = free_slots & (free_slots - 1);
    bucket->tags[slot] = state_tag_of(hash, index->skip);
    bucket->refs[slot] = ref;
}

/* Into one of another size, by way of another index. */
static void rebuild(StateIndex *index, uint32_t homes, StateTable *table, StateHashOf hash_of)
{
    assert(index->growth == NULL);
    StateIndex other = index_new(homes, index->skip, table);
    Rehash rehash = rehash_of(index->homes, index->skip, index->reach, &other, table, hash_of);
    other.used = index->used;
    Fills fills;
    fills_init(&fills);
    for (uint32_t i = 0; i < index->bucket_count + READ_AHEAD && index->used != 0; i++) {
        if (i < index->bucket_count)
            read_ahead(&rehash, state_index_bucket(index, i));
        if (i < READ_AHEAD)
            continue;
        const StateBucket *bucket = state_index_bucket(index, i - READ_AHEAD);
        uint32_t last = last_hash(&rehash, i - READ_AHEAD);
        for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
            if (bucket->tags[slot] != 0)
                place_next(&other, &fills,
                           hash_in(&rehash, last, bucket->tags[slot], bucket->refs[slot]),
                           bucket->refs[slot], table);
    }
    state_index_deinit(index, table);
    *index = other;
}

/* --------------------------------------------------------- growing where it lies */

static void wait_until(StateGrowth *growth, uint32_t hash, StateRef ref, uint32_t until)
{
    if (growth->waiting_count == growth->waiting_capacity) {
        growth->waiting_capacity = growth->waiting_capacity * 2 + 64;
        growth->waiting =
            memory_realloc(growth->waiting, growth->waiting_capacity * sizeof(StateWaiting));
    }
    growth->waiting[growth->waiting_count++] = (StateWaiting){hash, ref, until};
}

static void place_waiting(StateIndex *index, Fills *fills, uint32_t number, StateTable *table)
{
    StateGrowth *growth = index->growth;
    uint32_t count = growth->waiting_count;
    growth->waiting_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        StateWaiting waiting = growth->waiting[i];
        if (waiting.until == number)
            place_next(index, fills, waiting.hash, waiting.ref, table);
        else
            growth->waiting[growth->waiting_count++] = waiting;
    }
}

/* Its new home, and all behind that, is done. */
static void move_bucket(StateIndex *index, const Rehash *rehash, Fills *fills, uint32_t number,
                        StateTable *table)
{
    StateBucket *place_of = state_index_bucket(index, number);
    StateBucket old = *place_of;
    *place_of = (StateBucket){0};
    if (fills->of[number % FILLS].bucket == number)
        fills->of[number % FILLS].bucket = UINT32_MAX;
    uint32_t last = last_hash(rehash, number);
    for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++) {
        if (old.tags[slot] == 0)
            continue;
        uint32_t hash = hash_in(rehash, last, old.tags[slot], old.refs[slot]);
        uint32_t home = state_home_among(rehash->old_homes, hash);
        if (home < number)
            wait_until(index->growth, hash, old.refs[slot], home);
        else
            place_next(index, fills, hash, old.refs[slot], table);
    }
    place_waiting(index, fills, number, table);
}

/* The bucket and those that its keys go to. */
static void move_ahead(const StateIndex *index, const Rehash *rehash, uint32_t number)
{
    __builtin_prefetch(state_index_bucket(index, number), 1);
    uint64_t scaled = (uint64_t)number * rehash->new_homes;
    uint32_t to = (uint32_t)(scaled / rehash->old_homes);
    if (to + 1 < index->bucket_count) {
        __builtin_prefetch(state_index_bucket(index, to), 1);
        __builtin_prefetch(state_index_bucket(index, to + 1), 1);
    }
    __asm__ volatile("" ::: "memory");
}

/* So many buckets, and on to where no key stands behind its home across the frontier. */
static void move_buckets(StateIndex *index, uint32_t count, StateTable *table, StateHashOf hash_of)
{
    StateGrowth *growth = index->growth;
    Rehash rehash = rehash_of(growth->homes, growth->skip, growth->reach, index, table, hash_of);
    uint32_t from = growth->frontier, to = from > count ? from - count : 0;
    for (uint32_t i = from; i > 0 && from - i < MOVE_AHEAD; i--)
        move_ahead(index, &rehash, i - 1);
    for (uint32_t i = from; i > 0 && from - i < READ_AHEAD; i--)
        read_ahead(&rehash, state_index_bucket(index, i - 1));
    Fills fills;
    fills_init(&fills);
    uint32_t number = from;
    while (number > to || growth->waiting_count != 0) {
        number--;
        if (number >= MOVE_AHEAD)
            move_ahead(index, &rehash, number - MOVE_AHEAD);
        if (number >= READ_AHEAD)
            read_ahead(&rehash, state_index_bucket(index, number - READ_AHEAD));
        move_bucket(index, &rehash, &fills, number, table);
    }
    growth->frontier = number;
    if (number == 0)
        growth_free(index);
}

static void finish_growth(StateIndex *index, StateTable *table, StateHashOf hash_of)
{
    if (index->growth != NULL)
        move_buckets(index, index->growth->frontier, table, hash_of);
}

static void begin_growth(StateIndex *index, uint32_t homes, StateTable *table)
{
    index->growth = memory_zalloc(sizeof(StateGrowth));
    *index->growth = (StateGrowth){.homes = index->homes,
                                   .frontier = index->bucket_count,
                                   .reach = index->reach,
                                   .skip = index->skip};
    add_segments(index, homes + TAIL_MIN, table);
    index->homes = homes;
    index->skip = choose_skip(homes, index->skip);
    index->reach = 0;
}

static void enlarge(StateIndex *index, uint32_t homes, StateTable *table, StateHashOf hash_of)
{
    finish_growth(index, table, hash_of);
    if (index->segments == NULL) {
        rebuild(index, homes, table, hash_of);
        return;
    }
    begin_growth(index, homes, table);
    if (homes < GRADUAL_HOMES)
        finish_growth(index, table, hash_of);
}

/* Keys that so many homes have room for before they become more. */
static uint64_t room_of(uint32_t homes)
{
    uint64_t room = (uint64_t)homes * LOAD;
    return homes < GRADUAL_HOMES ? room : room - room / GRADUAL_PART;
}

static uint32_t homes_for(uint64_t keys)
{
    uint64_t homes = keys / LOAD + 1;
    return (uint32_t)(homes < GRADUAL_HOMES ? homes : homes + homes / (GRADUAL_PART - 1) + 1);
}

void state_index_reserve(StateIndex *index, uint32_t more, StateTable *table, StateHashOf hash_of)
{
    uint64_t keys = (uint64_t)index->used + more;
    if (keys > room_of(index->homes)) {
        enlarge(index, homes_for(keys), table, hash_of);
        finish_growth(index, table, hash_of);
    }
}

void state_index_shrink(StateIndex *index, StateTable *table, StateHashOf hash_of)
{
    uint64_t slots = (uint64_t)index->bucket_count * STATE_BUCKET_SLOTS;
    if (index->used == 0) {
        state_index_deinit(index, table);
    } else if (slots > (uint64_t)index->used * 8 + 16ull * STATE_BUCKET_SLOTS) {
        finish_growth(index, table, hash_of);
        rebuild(index, (uint32_t)((uint64_t)index->used * 3 / (2 * LOAD) + 1), table, hash_of);
    }
}

/* Where it stood before the growth, unless that has been moved or is full; then more is moved. */
static bool place_below(StateIndex *index, uint32_t hash, StateRef ref, StateTable *table,
                        StateHashOf hash_of)
{
    StateGrowth *growth;
    while ((growth = index->growth) != NULL) {
        uint32_t home = state_home_among(growth->homes, hash);
        if (home >= growth->frontier)
            return false;
        uint32_t end = growth->frontier < growth->homes ? growth->frontier : growth->homes;
        uint32_t bucket = find_room(index, home, end);
        if (bucket == end) {
            move_buckets(index, GROWTH_STEP, table, hash_of);
            continue;
        }
        pass(index, home, bucket);
        growth->reach = bucket - home > growth->reach ? bucket - home : growth->reach;
        enter(index, bucket, state_tag_of(hash, growth->skip), ref);
        return true;
    }
    return false;
}

static uint32_t grown(uint32_t homes)
{
    return homes + (homes + 2) / 2;
}

/* Gets the memory that the next growth of a large index will need, a segment at a time. */
static void prepare_growth(StateIndex *index, StateTable *table)
{
    uint64_t room = room_of(index->homes), near = room - room / PREPARE_PART;
    if (index->segments == NULL || index->used <= near)
        return;
    uint64_t more = grown(index->homes) + TAIL_MIN - index->homes;
    uint64_t by_now = more * (index->used - near) / (room - near);
    if (index->bucket_count < index->homes + by_now)
        add_segments(index, index->bucket_count + 1, table);
}

static void grow_on(StateIndex *index, StateTable *table, StateHashOf hash_of)
{
    StateGrowth *growth = index->growth;
    growth->owed += growth->skip == index->skip ? GROWTH_PACE : GROWTH_PACE_ASKING;
    if (growth->owed < GROWTH_STEP)
        return;
    growth->owed = 0;
    move_buckets(index, GROWTH_STEP, table, hash_of);
}

void state_index_insert(StateIndex *index, uint32_t hash, StateRef ref, StateTable *table,
                        StateHashOf hash_of)
{
    if (index->used + UINT64_C(1) > room_of(index->homes))
        enlarge(index, grown(index->homes), table, hash_of);
    if (index->growth != NULL)
        grow_on(index, table, hash_of);
    else if (index->used % PREPARE_PACE == 0)
        prepare_growth(index, table);
    if (index->growth == NULL || !place_below(index, hash, ref, table, hash_of))
        place(index, hash, ref, table);
    index->used++;
}

/* The slot that holds the reference. Uncounts it from the buckets passed on the way when told to.
 */
static StateBucket *locate(StateIndex *index, uint32_t hash, StateRef ref, bool uncount,
                           uint32_t *slot)
{
    StateHome home = state_index_home(index, hash);
    uint32_t bucket = home.bucket;
    for (uint32_t visited = 0; visited < index->bucket_count; visited++) {
        StateBucket *at = state_index_bucket(index, bucket);
        for (uint32_t matches = state_bucket_match(at, home.tag); matches != 0;
             matches &= matches - 1) {
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
