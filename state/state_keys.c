/* The directory of keys: batched search and creation over the key groups' indexes.
 *
 * A batch goes in runs of PROBE_RUN keys through three passes, each of which starts the memory
 * reads of the next: bucket, first candidate record, comparison. In an index that is nearly full
 * one key in ten stands a bucket further on, which is a step of its own; a key whose first
 * candidate is not it takes the full probe, with the second candidate read ahead too.
 *
 * Cost: two overlapped cache misses a key; measured in bench. */
#include "state/state_internal.h"

/* Two cache lines a key must stay in the first-level cache between the passes. */
#define PROBE_RUN      128
#define LINE_BYTES     64
#define BUCKETS_BEHIND 2

static uint32_t hash_of_key(const StateTable *table, StateRef ref)
{
    const StateHeader *header = state_header_at(&table->records, ref);
    Str key = state_header_key(header, table->body_bytes);
    return (uint32_t)hash_bytes(key.data, key.length);
}

static StateHeader *find_one(const StateTable *table, const StateIndex *index, Str key,
                             uint32_t hash)
{
    StateProbe probe = state_probe_start(index, hash);
    StateRef ref;
    while (state_probe_next(&probe, &ref)) {
        StateHeader *header = state_header_at(&table->records, ref);
        Str found = state_header_key(header, table->body_bytes);
        if (found.length == key.length && state_bytes_equal(found.data, key.data, key.length))
            return header;
    }
    return NULL;
}

static StateHeader *create(StateTable *table, StateIndex *index, Str key, uint64_t hash)
{
    size_t bytes = table->body_bytes + key.length;
    StateHeader *header =
        state_record_new(&table->records, 0, bytes, state_key_group_of(table, hash));
    header->key_bytes = (uint32_t)key.length;
    if (key.length != 0)
        memcpy((char *)(header + 1) + table->body_bytes, key.data, key.length);
    state_index_insert(index, (uint32_t)hash, state_ref_of(header), table, hash_of_key);
    table->keys++;
    return header;
}

typedef struct Run {
    StateIndex *indexes[PROBE_RUN];
    StateHeader *candidates[PROBE_RUN];
    StateHome homes[PROBE_RUN];
    uint8_t on[PROBE_RUN]; /* keys that may stand behind their home */
    uint32_t on_count;
} Run;

static void read_homes(const StateTable *table, const uint64_t *hashes, uint32_t count, Run *run)
{
    for (uint32_t i = 0; i < count; i++) {
        StateIndex *index = &state_key_group(table, state_key_group_of(table, hashes[i]))->index;
        run->indexes[i] = index;
        run->candidates[i] = NULL;
        if (index->bucket_count == 0)
            continue;
        run->homes[i] = state_index_home(index, (uint32_t)hashes[i]);
        __builtin_prefetch(state_index_bucket(index, run->homes[i].bucket));
    }
}

/* The first record of the bucket that may be the key's, read ahead: as far as the key would. */
static StateHeader *read_candidate(const StateTable *table, const StateBucket *bucket,
                                   uint32_t matches, size_t key_bytes)
{
    StateHeader *header = state_header_at(&table->records, bucket->refs[__builtin_ctz(matches)]);
    const char *key = (const char *)(header + 1) + table->body_bytes;
    const char *last = key + key_bytes - 1;
    __builtin_prefetch(header);
    __builtin_prefetch(last);
    if (last - (const char *)header > LINE_BYTES)
        __builtin_prefetch(key);
    return header;
}

/* Where a key may stand that is neither at home nor in the bucket behind it. */
static void read_behind(const StateIndex *index, uint32_t bucket)
{
    for (uint32_t i = 0; i < BUCKETS_BEHIND && bucket + i < index->bucket_count; i++)
        __builtin_prefetch(state_index_bucket(index, bucket + i));
}

static void read_candidates(const StateTable *table, const Str *keys, uint32_t count, Run *run)
{
    run->on_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        const StateIndex *index = run->indexes[i];
        if (index->bucket_count == 0)
            continue;
        StateHome home = run->homes[i];
        const StateBucket *bucket = state_index_bucket(index, home.bucket);
        uint32_t matches = state_bucket_match(bucket, home.tag);
        if (matches != 0) {
            run->candidates[i] = read_candidate(table, bucket, matches, keys[i].length);
            matches &= matches - 1;
            if (matches != 0)
                read_candidate(table, bucket, matches, keys[i].length);
        } else if (bucket->passed != 0 && home.bucket + 1 < index->bucket_count) {
            __builtin_prefetch(state_index_bucket(index, home.bucket + 1));
            run->on[run->on_count++] = (uint8_t)i;
        }
    }
    for (uint32_t k = 0; k < run->on_count; k++) {
        uint32_t i = run->on[k];
        StateHome home = run->homes[i];
        const StateBucket *bucket = state_index_bucket(run->indexes[i], home.bucket + 1);
        uint32_t matches = state_bucket_match(bucket, home.tag);
        if (matches != 0)
            run->candidates[i] = read_candidate(table, bucket, matches, keys[i].length);
        else if (bucket->passed != 0)
            read_behind(run->indexes[i], home.bucket + 2);
    }
}

static void *finish_key(StateTable *table, const Run *run, uint32_t i, Str key, uint64_t hash,
                        bool make, uint8_t *created)
{
    StateHeader *header = run->candidates[i];
    if (header != NULL && header->key_bytes == key.length &&
        state_bytes_equal((const char *)(header + 1) + table->body_bytes, key.data, key.length))
        return header + 1;
    header = find_one(table, run->indexes[i], key, (uint32_t)hash);
    if (header == NULL && make) {
        header = create(table, run->indexes[i], key, hash);
        if (table->kind == STATE_VALUE)
            state_born(table, header);
        *created = 1;
    }
    return header == NULL ? NULL : header + 1;
}

/* `makes` says of each key what `make` says of all; NULL: nothing. */
static void find(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                 bool make, const uint8_t *makes, void **bodies, uint8_t *created)
{
    Run run;
    for (uint32_t from = 0; from < count; from += PROBE_RUN) {
        uint32_t n = count - from < PROBE_RUN ? count - from : PROBE_RUN;
        read_homes(table, hashes + from, n, &run);
        read_candidates(table, keys + from, n, &run);
        for (uint32_t i = 0; i < n; i++) {
            uint8_t is_new = 0;
            bool made = makes == NULL ? make : makes[from + i] != 0;
            bodies[from + i] =
                finish_key(table, &run, i, keys[from + i], hashes[from + i], made, &is_new);
            if (created != NULL)
                created[from + i] = is_new;
        }
    }
}

void state_keys_find(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                     bool make, void **bodies, uint8_t *created)
{
    find(table, keys, hashes, count, make, NULL, bodies, created);
}

void state_keys_find_some(StateTable *table, const Str *keys, const uint64_t *hashes,
                          uint32_t count, const uint8_t *makes, void **bodies)
{
    find(table, keys, hashes, count, false, makes, bodies, NULL);
}

void state_keys_reserve(StateTable *table, uint32_t key_group, uint32_t more)
{
    state_index_reserve(&state_key_group(table, key_group)->index, more, table, hash_of_key);
}

void state_keys_shrink(StateTable *table, uint32_t key_group)
{
    state_index_shrink(&state_key_group(table, key_group)->index, table, hash_of_key);
}

void state_keys_remove(StateTable *table, void *body)
{
    StateHeader *header = state_header_of(body);
    Str key = state_header_key(header, table->body_bytes);
    uint32_t hash = (uint32_t)hash_bytes(key.data, key.length);
    StateIndex *index = &state_key_group(table, state_header_group(header))->index;
    state_index_remove(index, hash, state_ref_of(header));
    table->keys--;
    state_record_free(&table->records, header, 0, table->body_bytes + key.length);
}
