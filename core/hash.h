/* The one hash of the engine: XXH3 over a key's canonical encoding (core/row.h).
 *
 * It decides key groups and so is part of the checkpoint format: it never changes. */
#ifndef CORE_HASH_H
#define CORE_HASH_H

#include "core/base.h"

/* The linker knows it by another name: libpg_query exports a hash_bytes of its own. */
uint64_t hash_bytes(const void *data, size_t bytes) __asm__("weir_hash_bytes");
/* The same for many ranges: hashes[i] = hash_bytes(keys[i]). */
void hash_many(const Str *keys, uint32_t count, uint64_t *hashes);
/* hashes[i] of the nine bytes of row i: 0, then number i, which is what a row of one number is. */
void hash_numbers(const uint64_t *numbers, uint32_t count, uint64_t *hashes);
/* The same of 17 bytes: 0, then number i & first_mask of the first, then i & second_mask of the
 * second; a mask is all bits, or 0 for what is the same in all rows. */
void hash_number_pairs(const uint64_t *first, uint32_t first_mask, const uint64_t *second,
                       uint32_t second_mask, uint32_t count, uint64_t *hashes);
/* The same of 17 to 32 bytes: those of `row`, of which bytes 1 to 8 are 0, with number i there. */
void hash_numbers_in(Str row, const uint64_t *numbers, uint32_t count, uint64_t *hashes);

/* Key group of a hash, and the worker among `parallelism` that owns a key group: contiguous ranges,
 * as in Flink, so a rescaled job moves few of them. */
static inline uint32_t hash_key_group(uint64_t hash, uint32_t max_parallelism)
{
    return (uint32_t)((hash >> 32) % max_parallelism);
}
/* The same for loops, where max_parallelism is a power of two: `mask` is one less. */
static inline uint32_t hash_key_group_masked(uint64_t hash, uint32_t mask)
{
    return (uint32_t)(hash >> 32) & mask;
}
static inline uint32_t key_group_owner(uint32_t key_group, uint32_t max_parallelism,
                                       uint32_t parallelism)
{
    return key_group * parallelism / max_parallelism;
}

#endif
