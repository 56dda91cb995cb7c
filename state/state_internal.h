/* What the files of state/ share: records in blocks, the index over keys, tables and key groups.
 *
 * A table keeps everything in 2 MiB blocks of 8-byte units, so that a record is known by a 32-bit
 * reference (block, unit) as well as by its address:
 *
 *     VALUE    header | record | key
 *     MAP      group:  header | StateGroup        | key        found by the index; two groups where
 *                                                              two tables stand beside each other
 *              entry:  links  | header | record | subkey | payload
 *              one that is only appended, packed: links | payload    (state_appends.c)
 *     ORDERED  tree:   header | StateTree         | key        found by the index
 *              entry:  links  | header | record | sort key | payload
 *
 * Invariant: the header stands directly before the record the outside knows, in every kind, so that
 * touching is the same for all: one bit in the block's bitmap of changed records, and a flag in the
 * header that says so. Bitmaps have a bit for about every piece, so that those of a large table
 * stay in the cache. */
#ifndef STATE_STATE_INTERNAL_H
#define STATE_STATE_INTERNAL_H

#include "core/buffer.h"
#include "core/hash.h"
#include "state/state.h"

#include <stdalign.h>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define STATE_BLOCK_BYTES  ((size_t)2 << 20)
#define STATE_UNIT_BYTES   8
#define STATE_BLOCK_UNITS  (STATE_BLOCK_BYTES / STATE_UNIT_BYTES)
#define STATE_UNIT_BITS    18
#define STATE_BLOCK_BITS   14
#define STATE_BLOCKS_MAX   (1u << STATE_BLOCK_BITS)
#define STATE_GROUP_BITS   15
#define STATE_GROUPS_MAX   (1u << STATE_GROUP_BITS)
#define STATE_SIZE_CLASSES 104
#define STATE_PERSISTED    (1u << 31) /* a chunk, handed over or begun, holds this record */
#define STATE_CHANGED      (1u << 30) /* the record's bit in its block's bitmap is set */
#define STATE_BUCKET_SLOTS 10

typedef uint32_t StateRef; /* block << STATE_UNIT_BITS | unit */

typedef struct StateHeader {
    uint32_t where;     /* block, key group, flags */
    uint32_t key_bytes; /* of the key, subkey or sort key behind the record */
} StateHeader;

static_assert(sizeof(StateHeader) == 8, "the record behind a header is aligned to 8");

/* ------------------------------------------------------------ state_records.c */

/* Freed pieces that a block knows: what was freed long ago is read ahead so far. */
#define STATE_FREE_AHEAD 4

/* What a freed piece holds until it is used again. Where a header was, be it the first thing of a
 * record or the second, its `where` is now without STATE_CHANGED. */
typedef struct StateFree {
    uint32_t behind; /* unit in the block of the piece STATE_FREE_AHEAD behind this one; 0: none */
    uint32_t unused;
    uint32_t changed; /* its bit of changed records is still set */
    uint32_t unused_too;
} StateFree;

static_assert(sizeof(StateFree) == 2 * sizeof(StateHeader), "fits into the smallest piece");

#define STATE_NO_BLOCK UINT32_MAX

/* Pieces of one size class, or one huge record. */
typedef struct StateBlock {
    char *base;
    size_t bytes;      /* more than STATE_BLOCK_BYTES when it holds one huge record */
    uint64_t *changed; /* a bit per granule: the record whose header is there has changed, or has
                        * gone since: the bit is the piece's, so that freeing does not look it up */
    uint64_t *live;    /* with a TTL, a bit per granule: the header of a record is there; or NULL */
    uint32_t words;    /* of each bitmap */
    uint8_t shift;     /* granules are of 1 << shift units; at most one header begins in each */
    bool any_changed;
    bool is_partial; /* in the list of its class: has room */
    uint32_t class;
    uint32_t piece_units;            /* 0: one huge record */
    uint32_t pieces;                 /* in use */
    size_t used;                     /* bytes that have been given out at least once */
    uint32_t free[STATE_FREE_AHEAD]; /* units of the freed pieces that come next; 0: none */
    uint32_t prev, next;             /* in the list of its class */
} StateBlock;

/* The blocks of one size class that have room. */
typedef struct StateClass {
    uint32_t first, last;
    uint32_t blocks; /* of the class, full ones too */
    uint32_t empty;  /* without a piece in use */
} StateClass;

typedef struct StateRecords {
    StateBlock *blocks;
    char **bases; /* of the blocks, close together: each link between records goes through one */
    uint32_t block_count;
    uint32_t block_capacity;
    bool marks_live;         /* the table has a TTL */
    uint32_t prefix_units;   /* before the header of what is marked */
    uint32_t huge_page_gap;  /* blocks that go without a huge page before the next one tries */
    uint32_t huge_page_wait; /* how many of them are still to come */
    StateClass classes[STATE_SIZE_CLASSES];
    uint32_t *free_blocks; /* numbers of blocks that were given back */
    uint32_t free_block_count;
    uint64_t live_bytes;
    uint64_t huge_texts;    /* texts outside the blocks */
    uint64_t changed_count; /* bits that are set in the bitmaps of changed records */
    uint64_t churn;         /* changed records that went before a chunk held them (StateCopy) */
} StateRecords;

void state_records_deinit(StateRecords *records);
/* A zeroed record: `prefix` bytes, the header, `bytes` bytes; returns the header, with its block
 * and key group set. */
StateHeader *state_record_new(StateRecords *records, size_t prefix, size_t bytes,
                              uint32_t key_group);
void state_record_free(StateRecords *records, StateHeader *header, size_t prefix, size_t bytes);
/* With a TTL: the sweep finds the record. */
void state_record_mark_live(StateRecords *records, const StateHeader *header);
/* A block without pieces, for what stands in it one behind the other from STATE_RUN_FIRST on:
 * `used` says how far. Room for so many bytes at least. */
#define STATE_RUN_FIRST 64
uint32_t state_run_new(StateRecords *records, size_t bytes, bool is_first);
/* Whether a record of either size takes the same room. */
bool state_record_fits(size_t old_bytes, size_t new_bytes);
/* Whether there is a record where a bit of changed ones was set; that bit has been cleared. */
bool state_record_is_there(const StateRecords *records, StateHeader *header);
char *state_text_new(StateRecords *records, size_t bytes);
void state_text_free(StateRecords *records, char *text, size_t bytes);

static inline StateRef state_ref_of(const StateHeader *header)
{
    uint32_t unit = (uint32_t)(((uintptr_t)header & (STATE_BLOCK_BYTES - 1)) / STATE_UNIT_BYTES);
    return (header->where & (STATE_BLOCKS_MAX - 1)) << STATE_UNIT_BITS | unit;
}

static inline StateHeader *state_header_at(const StateRecords *records, StateRef ref)
{
    return (StateHeader *)(void *)(records->bases[ref >> STATE_UNIT_BITS] +
                                   (size_t)(ref & (STATE_BLOCK_UNITS - 1)) * STATE_UNIT_BYTES);
}

static inline uint32_t state_header_group(const StateHeader *header)
{
    return header->where >> STATE_BLOCK_BITS & (STATE_GROUPS_MAX - 1);
}

/* The bit of the bitmaps that stands for the header. */
static inline uint32_t state_mark_of(const StateBlock *block, const StateHeader *header)
{
    uint32_t unit = (uint32_t)(((uintptr_t)header & (STATE_BLOCK_BYTES - 1)) / STATE_UNIT_BYTES);
    return unit >> block->shift;
}

/* The header that a bit of the block of that number stands for. */
StateRef state_marked_ref(const StateRecords *records, uint32_t number, uint32_t bit);

/* The header is near when a record was just changed, its bit in the bitmap is not: it is written
 * once between two snapshots. */
static inline void state_record_touch(StateRecords *records, const StateHeader *header)
{
    if ((header->where & STATE_CHANGED) != 0)
        return;
    ((StateHeader *)(uintptr_t)header)->where |= STATE_CHANGED;
    StateBlock *block = &records->blocks[header->where & (STATE_BLOCKS_MAX - 1)];
    uint32_t bit = state_mark_of(block, header);
    block->changed[bit >> 6] |= UINT64_C(1) << (bit & 63);
    block->any_changed = true;
    records->changed_count++;
}

/* -------------------------------------------------------------- state_index.c */

/* One cache line: ten slots of a 16-bit tag (0: free) and a reference. */
typedef struct StateBucket {
    uint16_t tags[STATE_BUCKET_SLOTS];
    uint8_t passed; /* keys that found this bucket full and went on; 255 stays */
    uint8_t unused[3];
    StateRef refs[STATE_BUCKET_SLOTS];
} StateBucket;

static_assert(sizeof(StateBucket) == 64, "a bucket is a cache line");

/* Of a large index: so many buckets are a piece of the table's blocks. */
#define STATE_SEGMENT_BITS    9
#define STATE_SEGMENT_BUCKETS (1u << STATE_SEGMENT_BITS)
#define STATE_SEGMENT_BYTES   (STATE_SEGMENT_BUCKETS * sizeof(StateBucket))

/* A key that stands behind its home, until that is reached. */
typedef struct StateWaiting {
    uint32_t hash;
    StateRef ref;
    uint32_t until; /* the bucket after which it is placed */
} StateWaiting;

/* A large index on its way to a larger number of homes. */
typedef struct StateGrowth {
    uint32_t homes;    /* as many as there were */
    uint32_t frontier; /* keys whose home among those is below it are below it, and as they were */
    uint32_t owed;     /* buckets to move before long */
    uint32_t reach;    /* as in the index, of what is below the frontier */
    uint8_t skip;      /* likewise */
    StateWaiting *waiting; /* none between two steps */
    uint32_t waiting_count;
    uint32_t waiting_capacity;
} StateGrowth;

typedef struct StateIndex {
    StateBucket *buckets;   /* of a small index; else NULL */
    StateBucket **segments; /* of a large one */
    StateGrowth *growth;    /* NULL: all keys have been moved */
    uint32_t homes;
    uint32_t bucket_count; /* of a large one there are some more behind the homes */
    uint32_t used;
    uint32_t reach; /* buckets that a key stands behind its home, at most */
    uint8_t skip;   /* upper bits of a hash that are not in its tag */
} StateIndex;

static inline StateBucket *state_index_bucket(const StateIndex *index, uint32_t bucket)
{
    if (index->buckets != NULL)
        return index->buckets + bucket;
    return index->segments[bucket >> STATE_SEGMENT_BITS] + (bucket & (STATE_SEGMENT_BUCKETS - 1));
}

/* The hash by which a record was entered, for growing. Its low 32 bits are what the index uses. */
typedef uint32_t (*StateHashOf)(const StateTable *table, StateRef ref);

/* Zeroed, for a large index; given back as a text. */
StateBucket *state_segment_new(StateRecords *records);
/* What changes an index counts its bytes in the table. */
void state_index_deinit(StateIndex *index, StateTable *table);
/* Enters a record that is not there yet. */
void state_index_insert(StateIndex *index, uint32_t hash, StateRef ref, StateTable *table,
                        StateHashOf hash_of);
/* Room for `more` records, so that entering them does not grow it. */
void state_index_reserve(StateIndex *index, uint32_t more, StateTable *table, StateHashOf hash_of);
void state_index_remove(StateIndex *index, uint32_t hash, StateRef ref);
void state_index_replace(StateIndex *index, uint32_t hash, StateRef from, StateRef to);

/* Goes through the references whose tag is the hash's, nearest first. */
typedef struct StateProbe {
    const StateIndex *index;
    uint32_t bucket;
    uint32_t visited;
    uint32_t matches; /* a bit per slot of the bucket that is still to be looked at */
    uint16_t tag;
} StateProbe;

static inline uint16_t state_tag_of(uint32_t hash, uint8_t skip)
{
    uint16_t tag = (uint16_t)(hash << skip >> 16);
    return tag == 0 ? 1 : tag;
}

static inline uint32_t state_home_among(uint32_t homes, uint32_t hash)
{
    return (uint32_t)((uint64_t)hash * homes >> 32);
}

/* Where a search for a hash begins, and what it looks for. */
typedef struct StateHome {
    uint32_t bucket;
    uint16_t tag;
} StateHome;

static inline StateHome state_index_home(const StateIndex *index, uint32_t hash)
{
    const StateGrowth *growth = index->growth;
    uint32_t homes = index->homes;
    uint8_t skip = index->skip;
    if (__builtin_expect(growth != NULL, 0)) {
        /* Without a branch that nobody could foresee. */
        uint32_t below = 0 - (uint32_t)(state_home_among(growth->homes, hash) < growth->frontier);
        homes ^= (homes ^ growth->homes) & below;
        skip = (uint8_t)(skip ^ ((skip ^ growth->skip) & below));
    }
    return (StateHome){state_home_among(homes, hash), state_tag_of(hash, skip)};
}

/* Bits 0..9: slots whose tag is `tag`. */
static inline uint32_t state_bucket_match(const StateBucket *bucket, uint16_t tag)
{
#if defined(__SSE2__)
    const __m128i *words = (const __m128i *)(const void *)bucket->tags;
    const __m128i wanted = _mm_set1_epi16((short)tag);
    __m128i first = _mm_cmpeq_epi16(_mm_load_si128(words), wanted);
    __m128i last = _mm_cmpeq_epi16(_mm_load_si128(words + 1), wanted);
    uint32_t equal = (uint32_t)_mm_movemask_epi8(_mm_packs_epi16(first, last));
    return equal & ((1u << STATE_BUCKET_SLOTS) - 1);
#else
    uint32_t equal = 0;
    for (uint32_t slot = 0; slot < STATE_BUCKET_SLOTS; slot++)
        equal |= (uint32_t)(bucket->tags[slot] == tag) << slot;
    return equal;
#endif
}

static inline StateProbe state_probe_start(const StateIndex *index, uint32_t hash)
{
    StateProbe probe = {.index = index};
    if (index->bucket_count != 0) {
        StateHome home = state_index_home(index, hash);
        probe.bucket = home.bucket;
        probe.tag = home.tag;
        probe.matches = state_bucket_match(state_index_bucket(index, home.bucket), home.tag);
    }
    return probe;
}

static inline bool state_probe_next(StateProbe *probe, StateRef *ref)
{
    const StateIndex *index = probe->index;
    if (index->bucket_count == 0)
        return false;
    while (probe->matches == 0) {
        if (state_index_bucket(index, probe->bucket)->passed == 0 ||
            ++probe->visited == index->bucket_count)
            return false;
        probe->bucket = probe->bucket + 1 == index->bucket_count ? 0 : probe->bucket + 1;
        probe->matches = state_bucket_match(state_index_bucket(index, probe->bucket), probe->tag);
    }
    uint32_t slot = (uint32_t)__builtin_ctz(probe->matches);
    probe->matches &= probe->matches - 1;
    *ref = state_index_bucket(index, probe->bucket)->refs[slot];
    return true;
}

/* -------------------------------------------------------------------- tables */

typedef struct StateKeyGroup {
    alignas(64) StateIndex index; /* in one cache line: every probe reads it */
    Buffer chunk; /* begun: what was copied and which persisted records went, in order */
    uint32_t chunk_items;
    uint32_t chunk_removed;
    uint64_t chunk_replaced; /* bytes of older chunks that it makes useless, about */
    size_t chunk_room;       /* what the chunk before took */
    bool chunk_is_base;
    bool has_base; /* a base of it was begun or restored: from now on deltas */
} StateKeyGroup;

/* Copying ahead of a snapshot: where it goes on, and whether it pays. Counters of this epoch and,
 * halved each time, of those before. */
typedef struct StateCopy {
    uint32_t block;
    uint32_t word;
    uint64_t copied;   /* records */
    uint64_t recopied; /* of those, the ones an older chunk has already */
    uint64_t removed;  /* records that went though a chunk has them */
} StateCopy;

/* Giving back what has expired: passes over the blocks, each spread over a part of the TTL. */
typedef struct StateSweep {
    int64_t pass_start_ms;
    uint32_t block; /* what comes next: a block, a unit in it */
    uint32_t unit;
    uint32_t shrink_group; /* then a key group whose index may shrink; key_group_count: done */
    bool active;
} StateSweep;

/* Entries that only come: where they stand, and how far snapshots have taken them. */
typedef struct StateAppends {
    uint32_t *blocks; /* as they were filled */
    uint32_t block_count;
    uint32_t taken_block; /* position in `blocks` */
    size_t taken_bytes;
    uint64_t count;
    uint64_t first_number; /* of what comes: behind all that was restored */
} StateAppends;

struct StateTable {
    StateStore *store;
    char *name;
    char *description;
    StateKind kind;
    uint32_t record_bytes; /* with the time of its last write behind it, if there is a TTL */
    uint32_t string_count;
    uint32_t *string_offsets;
    int64_t ttl_ms;     /* 0: none */
    int64_t expired_ms; /* records last written then or before have expired */
    uint32_t time_at;   /* where a record has the time; with a TTL */
    StateSweep sweep;
    StateCopy copy;
    bool restore_changed;    /* restored from a form with or without times: next come bases */
    uint32_t body_bytes;     /* between header and key of what the index finds */
    uint32_t prefix_bytes;   /* before the header of what is persisted */
    uint32_t key_group_mask; /* max_parallelism - 1 when that is a power of two, else 0 */
    uint64_t keys;
    uint64_t index_bytes;
    uint64_t group_indexes; /* MAP: groups that have one */
    StateRecords records;
    StateKeyGroup *key_groups; /* first_key_group..last_key_group */
    bool restore_unsorted;     /* MAP: a group's entries came out of order */
    bool only_appends;         /* MAP: packed */
    StateAppends appends;
    /* MAP (state_groups.c): whose directory its keys are in, and where in what that holds. */
    StateTable *directory;
    uint32_t place;
    StateTable *beside;   /* the other one with that directory; NULL: none */
    StateChoices choices; /* ORDERED */
};

struct StateStore {
    char *owner;
    uint32_t max_parallelism;
    uint32_t first_key_group;
    uint32_t last_key_group;
    uint64_t memory_limit_bytes;
    int64_t now_ms;
    bool is_held;
    StateTable **tables;
    uint32_t table_count;
};

/* Of a sequence, as the subkey of what is appended. */
#define STATE_SEQUENCE_BYTES 6

/* Entries are linked by reference: half as wide as an address. */
struct StateGroup {
    StateRef first; /* never 0: a group has an entry */
    StateRef last;
    union {
        uint64_t filter;   /* a bit for each subkey's hash: 0 where none has it */
        StateIndex *index; /* by subkey, once there are many */
    };
    uint32_t size;
    bool indexed;
    bool unsorted; /* while restoring: entries came out of order */
};

struct StateEntry {
    StateRef next; /* 0 behind the last: no entry's header begins a block */
    StateRef prev; /* 0 before the first */
    StateRef group;
    uint32_t payload_bytes;
    uint64_t sequence : 48;    /* grows along the list; what a restore sorts by */
    uint64_t subkey_hash : 16; /* its upper bits */
    StateHeader header;
};

static_assert(sizeof(StateEntry) == 32, "half a cache line, so that a short row is in the other");

struct StateTree {
    StateNode *root;   /* state_ordered.h */
    StateNode *last;   /* the leaf at the end, where most entries come and many are looked for */
    StateNode *before; /* the leaf before it; NULL: there is none, or it is not known */
    uint32_t size;
    uint32_t late; /* entries of `last` that the sizes in the nodes above do not count yet */
};

typedef struct StateOrderedEntry {
    StateRef tree; /* the header before it */
    uint32_t payload_bytes;
    StateHeader header;
} StateOrderedEntry;

static inline StateHeader *state_header_of(const void *record)
{
    return (StateHeader *)(uintptr_t)record - 1;
}

static inline StateEntry *state_entry_of(const StateHeader *header)
{
    return (StateEntry *)(void *)((char *)(uintptr_t)header - offsetof(StateEntry, header));
}

static inline StateOrderedEntry *state_ordered_entry_of(const StateHeader *header)
{
    return (StateOrderedEntry *)(void *)((char *)(uintptr_t)header -
                                         offsetof(StateOrderedEntry, header));
}

static inline StateEntry *state_entry_at(const StateTable *table, StateRef ref)
{
    return ref == 0 ? NULL : state_entry_of(state_header_at(&table->records, ref));
}

static inline StateGroup *state_group_at(const StateTable *table, StateRef ref)
{
    void *body = state_header_at(&table->directory->records, ref) + 1;
    return (StateGroup *)body + table->place;
}

/* The bytes behind the record: key, subkey or sort key. */
static inline Str state_header_key(const StateHeader *header, uint32_t body_bytes)
{
    return (Str){(const char *)(header + 1) + body_bytes, header->key_bytes};
}

/* 0 where eight bytes are the same. */
static inline uint64_t state_bytes_differ(const char *a, const char *b)
{
    uint64_t of_a, of_b;
    memcpy(&of_a, a, 8);
    memcpy(&of_b, b, 8);
    return of_a ^ of_b;
}

static inline bool state_bytes_equal(const char *a, const char *b, size_t bytes)
{
    if (bytes < 8 || bytes > 32)
        return bytes == 0 || memcmp(a, b, bytes) == 0;
    uint64_t differ = state_bytes_differ(a, b);
    differ |= state_bytes_differ(a + bytes - 8, b + bytes - 8);
    if (bytes > 16) {
        differ |= state_bytes_differ(a + 8, b + 8);
        differ |= state_bytes_differ(a + bytes - 16, b + bytes - 16);
    }
    return differ == 0;
}

static inline StateKeyGroup *state_key_group(const StateTable *table, uint32_t key_group)
{
    assert(key_group >= table->store->first_key_group && key_group <= table->store->last_key_group);
    return &table->key_groups[key_group - table->store->first_key_group];
}

static inline uint32_t state_key_group_of(const StateTable *table, uint64_t hash)
{
    if (table->key_group_mask != 0)
        return (uint32_t)(hash >> 32) & table->key_group_mask;
    return hash_key_group(hash, table->store->max_parallelism);
}

/* --------------------------------------------------------------- state_keys.c */

/* What the index holds for each key (the body behind the header), or NULL; with `create` made when
 * missing. */
void state_keys_find(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                     bool make, void **bodies, uint8_t *created);
/* The same, made only where makes[i] says so. */
void state_keys_find_some(StateTable *table, const Str *keys, const uint64_t *hashes,
                          uint32_t count, const uint8_t *makes, void **bodies);
/* Makes room for `more` keys of a key group. */
void state_keys_reserve(StateTable *table, uint32_t key_group, uint32_t more);
/* Takes the key out of the index and gives its record back. */
void state_keys_remove(StateTable *table, void *body);
static inline Str state_keys_key(const StateTable *table, const void *body)
{
    return state_header_key(state_header_of(body), table->body_bytes);
}

/* ------------------------------------------------------------------------ TTL */

static inline int64_t *state_time_of(const StateTable *table, const StateHeader *header)
{
    return (int64_t *)(void *)((char *)(uintptr_t)(header + 1) + table->time_at);
}

bool state_ordered_is_expired(const StateTable *table, const StateHeader *header);
void state_ordered_written(StateTable *table, const StateHeader *header);
/* The entry's time has been read back. */
void state_ordered_restored(StateTable *table, const void *record);

static inline bool state_is_expired(const StateTable *table, const StateHeader *header)
{
    if (table->ttl_ms == 0)
        return false;
    return table->kind == STATE_ORDERED ? state_ordered_is_expired(table, header)
                                        : *state_time_of(table, header) <= table->expired_ms;
}

/* The record was written now. */
static inline void state_written(StateTable *table, const StateHeader *header)
{
    if (table->ttl_ms != 0)
        *state_time_of(table, header) = table->store->now_ms;
    if (table->ttl_ms != 0 && table->kind == STATE_ORDERED)
        state_ordered_written(table, header);
    state_record_touch(&table->records, header);
}

/* A record that has expired, as new. */
void state_renew(StateTable *table, StateHeader *header);
/* The record has just been made. */
static inline void state_born(StateTable *table, const StateHeader *header)
{
    if (table->ttl_ms != 0)
        state_record_mark_live(&table->records, header);
}
/* Fewer buckets where most stand empty. */
void state_keys_shrink(StateTable *table, uint32_t key_group);
void state_index_shrink(StateIndex *index, StateTable *table, StateHashOf hash_of);

/* -------------------------------------------------------------------- records */

/* Gives back the long texts of a record. */
void state_strings_free(StateTable *table, void *record);
/* Calls `each` with every record that a snapshot holds. */
void state_each_record(StateTable *table, void (*each)(StateTable *table, StateHeader *header));
void state_ordered_each(StateTable *table, StateTree *tree,
                        void (*each)(StateTable *table, StateHeader *header));
/* Writes into the key group's chunk that a persisted record goes. */
void state_log_removed(StateTable *table, const StateHeader *header, Str key, Str subkey);
/* Throws away what the key group's chunk holds. */
void state_chunk_drop(StateKeyGroup *group);

/* Entering records that come from a chunk; an equal identity is replaced. */
void *state_map_restore(StateTable *table, Str key, uint64_t hash, Str subkey, uint64_t sequence,
                        Str payload);
void *state_ordered_restore(StateTable *table, Str key, uint64_t hash, Str sort_key, Str payload);
/* Whether or not the tree counts as expired: what is newest of it may be still to come. */
void state_ordered_restore_removed(StateTable *table, Str key, uint64_t hash, Str sort_key);
/* Brings groups whose entries came out of order into the order of their sequences. */
void state_map_restore_end(StateTable *table);
void state_map_close(StateTable *table); /* gives back the groups' indexes */

/* ------------------------------------------------------------- state_groups.c */

/* What leads to a group of the table: its key's header and key. */
StateHeader *state_group_header(const StateTable *table, const StateGroup *group);
Str state_group_key(const StateTable *table, const StateGroup *group);
/* The group of a key, whether or not its entries have expired; NULL: it has none. */
StateGroup *state_group_find(StateTable *table, Str key, uint64_t hash);
/* The group of a key, made without an entry when missing; of up to 256, and of the table beside. */
StateGroup *state_group_make(StateTable *table, Str key, uint64_t hash);
void state_groups_make(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                       StateGroup **groups, StateGroup **beside);
/* A group without entries goes; the key, when that was all of it. */
void state_group_remove(StateTable *table, StateGroup *group);
void state_groups_each(StateTable *table,
                       void (*each)(void *to, StateTable *table, StateGroup *group), void *to);
/* Neither has a key yet. */
void state_table_put_beside(StateTable *table, StateTable *first);

/* ------------------------------------------------------------ state_appends.c */

/* What state_map_ functions do where entries are only appended. */
StateEntry *state_appends_at(const StateTable *table, StateRef ref);
StateEntry *state_appends_next(const StateTable *table, const StateEntry *entry);
Str state_appends_payload(const StateEntry *entry);
StateGroup *state_appends_group(const StateTable *table, const StateEntry *entry);
StateEntry *state_appends_add(StateTable *table, StateGroup *group, Str payload);

/* For a chunk: entries that no snapshot has taken yet, up to `max`; fewer only if there are no
 * more. What they lead to is read ahead. */
typedef struct StateTaken {
    StateGroup *group;
    Str payload;
    uint64_t number; /* its subkey, six bytes of it, and its sequence */
} StateTaken;
uint32_t state_appends_take(StateTable *table, StateTaken *taken, uint32_t max);
/* All entries count as changed, or none. */
void state_appends_mark(StateTable *table, bool changed);

/* Numbers come in any order; then what came so is sorted. */
void state_appends_restore(StateTable *table, StateGroup *group, uint64_t number, Str payload);
void state_appends_restore_removed(StateTable *table, StateGroup *group, uint64_t number);
void state_appends_sort(StateTable *table, StateGroup *group);

#endif
