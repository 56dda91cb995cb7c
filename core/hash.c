/* XXH3, inlined so that short keys cost a few instructions. */
#include "core/hash.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

uint64_t hash_bytes(const void *data, size_t bytes)
{
    return XXH3_64bits(data, bytes);
}

void hash_many(const Str *keys, uint32_t count, uint64_t *hashes)
{
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = XXH3_64bits(keys[i].data, keys[i].length);
}

void hash_numbers(const uint64_t *numbers, uint32_t count, uint64_t *hashes)
{
    char row[1 + sizeof(*numbers)] = {0};
    for (uint32_t i = 0; i < count; i++) {
        memcpy(row + 1, &numbers[i], sizeof(numbers[i]));
        hashes[i] = XXH3_64bits(row, sizeof(row));
    }
}
