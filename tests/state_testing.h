/* What the tests of keyed state share: a random source, keys, and a bag of chunks. */
#ifndef TESTS_STATE_TESTING_H
#define TESTS_STATE_TESTING_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "core/hash.h"
#include "state/state_chunk.h"

typedef struct Random {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *random)
{
    uint64_t z = (random->state += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static inline uint32_t random_below(Random *random, uint32_t bound)
{
    return (uint32_t)(random_next(random) % bound);
}

/* A new seed each run, printed; SEED repeats a run. */
static inline Random random_start(const char *test)
{
    const char *given = getenv("SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("%s: SEED=%llu\n", test, (unsigned long long)seed);
    fflush(stdout);
    return (Random){seed};
}

/* A key of number n: lengths differ, some are empty or long. */
static inline Str test_key(char *buffer, uint32_t n)
{
    if (n == 0)
        return (Str){buffer, 0};
    int length = snprintf(buffer, 64, n % 3 == 0 ? "%u" : "key-%u", n);
    if (n % 7 == 0)
        length += snprintf(buffer + length, 64 - (size_t)length, "-and-more-behind-it-%09u", n);
    return (Str){buffer, (size_t)length};
}

typedef struct ChunkCopy {
    StateChunk chunk;
} ChunkCopy;

typedef struct Chunks {
    Arena *arena;
    ChunkCopy *items;
    uint32_t count;
    uint32_t capacity;
    size_t bytes;
} Chunks;

static inline Chunks chunks_new(void)
{
    return (Chunks){.arena = arena_new(4096)};
}

static inline void chunks_free(Chunks *chunks)
{
    arena_free(chunks->arena);
    free(chunks->items);
    *chunks = (Chunks){0};
}

static inline void chunks_add(void *to, const StateChunk *chunk)
{
    Chunks *chunks = to;
    if (chunks->count == chunks->capacity) {
        chunks->capacity = chunks->capacity * 2 + 64;
        chunks->items = memory_realloc(chunks->items, chunks->capacity * sizeof(ChunkCopy));
    }
    ChunkCopy *copy = &chunks->items[chunks->count++];
    copy->chunk = *chunk;
    copy->chunk.table = arena_strdup(chunks->arena, chunk->table);
    char *bytes = arena_memdup(chunks->arena, chunk->bytes.data, chunk->bytes.length);
    copy->chunk.bytes.data = bytes;
    copy->chunk.buffer = NULL;
    if (chunk->buffer != NULL)
        state_chunk_seal(bytes, chunk->bytes.length);
    chunks->bytes += chunk->bytes.length;
}

/* Folds the chunks of every key group of a table into one base each. */
static inline void chunks_fold(Chunks *chunks, uint32_t key_groups)
{
    Chunks folded = chunks_new();
    Buffer base = {0};
    Str *run = memory_alloc((chunks->count + 1) * sizeof(Str));
    for (uint32_t group = 0; group < key_groups; group++) {
        uint32_t count = 0;
        const char *table = NULL;
        for (uint32_t i = 0; i < chunks->count; i++) {
            if (chunks->items[i].chunk.key_group != group)
                continue;
            run[count++] = chunks->items[i].chunk.bytes;
            table = chunks->items[i].chunk.table;
        }
        if (count == 0)
            continue;
        Error error;
        ck_assert_msg(state_fold_chunks(run, count, &base, &error), "%s", error.message);
        chunks_add(&folded, &(StateChunk){.table = table,
                                          .key_group = group,
                                          .is_base = true,
                                          .bytes = {base.data, base.length}});
    }
    memory_free(run);
    buffer_deinit(&base);
    chunks_free(chunks);
    *chunks = folded;
}

static inline void chunks_restore(const Chunks *chunks, StateStore *store)
{
    Error error;
    for (uint32_t i = 0; i < chunks->count; i++)
        ck_assert_msg(state_restore(store, &chunks->items[i].chunk, &error), "%s", error.message);
    ck_assert_msg(state_restore_end(store, &error), "%s", error.message);
}

/* Copies a few changed records ahead of the snapshot, now and then. */
static inline void chunks_add_ahead(Chunks *chunks, StateStore *store, Random *random)
{
    if (random_below(random, 6) != 0)
        return;
    bool all = random_below(random, 4) != 0;
    uint32_t most = random_below(random, 20) == 0 ? 2000 : 1 + random_below(random, 3);
    uint64_t changed = state_store_changed(store, all);
    uint32_t copied = state_snapshot_ahead(store, most, all, chunks_add, chunks);
    ck_assert_uint_le(copied, most);
    ck_assert_int_eq(copied == 0, changed == 0);
    ck_assert(state_store_changed(store, true) + copied >= changed);
}

static inline StateStore *test_store(uint32_t max_parallelism, uint32_t first, uint32_t last)
{
    return state_store_new(&(StateConfig){.owner = "test",
                                          .max_parallelism = max_parallelism,
                                          .first_key_group = first,
                                          .last_key_group = last});
}

#endif
