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

/* What XXH3 does with what it has mixed. */
static uint64_t finish(uint64_t mixed)
{
    mixed ^= mixed >> 37;
    mixed *= UINT64_C(0x165667919E3779F9);
    return mixed ^ mixed >> 32;
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
    return finish(mixed);
}

void hash_numbers(const uint64_t *numbers, uint32_t count, uint64_t *hashes)
{
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = hash_number(numbers[i]);
}

/* What XXH3 does with 17 to 32 bytes: the first sixteen and the last sixteen are mixed, two words
 * each. Written out for the same reason. */
typedef struct LongSecret {
    uint64_t words[4];
} LongSecret;

static uint64_t word_at(const void *bytes, size_t at)
{
    uint64_t word;
    memcpy(&word, (const char *)bytes + at, sizeof(word));
    return word;
}

static LongSecret long_secret(void)
{
    LongSecret secret;
    memcpy(secret.words, XXH3_kSecret, sizeof(secret.words));
    return secret;
}

static uint64_t fold(uint64_t first, uint64_t second)
{
    uint128_t product = (uint128_t)first * second;
    return (uint64_t)product ^ (uint64_t)(product >> 64);
}

static uint64_t length_part(size_t length)
{
    return length * UINT64_C(0x9E3779B185EBCA87);
}

void hash_number_pairs(const uint64_t *first, uint32_t first_mask, const uint64_t *second,
                       uint32_t second_mask, uint32_t count, uint64_t *hashes)
{
    enum { LENGTH = 1 + 2 * sizeof(uint64_t) };
    LongSecret secret = long_secret();
    for (uint32_t i = 0; i < count; i++) {
        uint64_t a = first[i & first_mask], b = second[i & second_mask];
        uint64_t head = fold(a << 8 ^ secret.words[0], (a >> 56 | b << 8) ^ secret.words[1]);
        uint64_t tail = fold(a ^ secret.words[2], b ^ secret.words[3]);
        hashes[i] = finish(length_part(LENGTH) + head + tail);
    }
}

void hash_numbers_in(Str row, const uint64_t *numbers, uint32_t count, uint64_t *hashes)
{
    assert(row.length > 16 && row.length <= 32);
    size_t tail_at = row.length - 16;
    LongSecret mixed = long_secret();
    mixed.words[0] ^= word_at(row.data, 0);
    mixed.words[1] ^= word_at(row.data, 8);
    mixed.words[2] ^= word_at(row.data, tail_at);
    mixed.words[3] ^= word_at(row.data, tail_at + 8);
    /* How much of the number the tail still has. */
    uint64_t mask = tail_at <= 8 ? ~UINT64_C(0) : 0;
    uint32_t shift = tail_at <= 8 ? (uint32_t)(tail_at - 1) * 8 : 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = numbers[i];
        uint64_t head = fold(mixed.words[0] ^ number << 8, mixed.words[1] ^ number >> 56);
        uint64_t tail = fold(mixed.words[2] ^ (number & mask) >> shift, mixed.words[3]);
        hashes[i] = finish(length_part(row.length) + head + tail);
    }
}
