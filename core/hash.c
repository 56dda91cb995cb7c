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

/* What XXH3 does with nine bytes, of which the first is 0: their first and last eight are mixed.
 * Written out, as bytes that have just been stored one by one are slow to read as words. */
static uint64_t hash_number(uint64_t number)
{
    uint64_t first = number << 8 ^ UINT64_C(0x6782737BEA4239B9);
    uint64_t last = number ^ UINT64_C(0xAF56BC3B0996523A);
    uint128_t product = (uint128_t)first * last;
    uint64_t mixed =
        9 + __builtin_bswap64(first) + last + ((uint64_t)product ^ (uint64_t)(product >> 64));
    mixed ^= mixed >> 37;
    mixed *= UINT64_C(0x165667919E3779F9);
    return mixed ^ mixed >> 32;
}

void hash_numbers(const uint64_t *numbers, uint32_t count, uint64_t *hashes)
{
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = hash_number(numbers[i]);
}
