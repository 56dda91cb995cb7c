/* Text that events are cut from, and the table prices come from; from the seed alone. */
#ifndef CONNECTORS_NEXMARK_POOLS_H
#define CONNECTORS_NEXMARK_POOLS_H

#include "core/batch.h"

#define NEXMARK_CHANNELS     10000
#define NEXMARK_HOT_CHANNELS 4
#define NEXMARK_EXTRA_BYTES  (1u << 20)
#define NEXMARK_WORDS_BYTES  (1u << 16)
#define NEXMARK_FIRST_NAMES  11
#define NEXMARK_LAST_NAMES   9
#define NEXMARK_CITIES       10
#define NEXMARK_STATES       6
/* Longest padding that is cut in one piece. */
#define NEXMARK_EXTRA_MAX (NEXMARK_EXTRA_BYTES / 2)

typedef struct NexmarkPools {
    Arena *arena;
    uint64_t seed;
    char *extra; /* padding; NULL: not made yet */
    char *words; /* letters and blanks */
    bool has_channels;
    StringView names[NEXMARK_FIRST_NAMES * NEXMARK_LAST_NAMES];
    StringView cities[NEXMARK_CITIES];
    StringView states[NEXMARK_STATES];
    /* Ordinary channels, then the hot ones; with has_channels. */
    StringView channels[NEXMARK_CHANNELS + NEXMARK_HOT_CHANNELS];
    StringView urls[NEXMARK_CHANNELS + NEXMARK_HOT_CHANNELS];
    /* 10 to the power of 6 × (the digit's share of 1), for each of the four 8-bit digits of a
     * 32-bit fraction; 40 fraction bits for the first digit, 62 for the others. */
    uint64_t powers[4][256];
} NexmarkPools;

/* Everything is in the arena. Padding and channels, which take most of the time, are made when they
 * are first asked for; they do not depend on when that is. */
NexmarkPools *nexmark_pools_new(Arena *arena, uint64_t seed);
void nexmark_pools_need_extra(NexmarkPools *pools);
void nexmark_pools_need_channels(NexmarkPools *pools);

/* Steele and others' SplitMix64: every bit of the input reaches every bit of the output. */
static inline uint64_t nexmark_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* Draw `index` of the stream `state`. */
static inline uint64_t nexmark_draw(uint64_t state, uint32_t index)
{
    return nexmark_mix(state + (index + 1) * UINT64_C(0x9E3779B97F4A7C15));
}

/* 0 … bound - 1 from the high bits of a 32-bit draw; what is left is a draw again. */
static inline uint32_t nexmark_below(uint32_t *draw, uint32_t bound)
{
    uint64_t product = (uint64_t)*draw * bound;
    *draw = (uint32_t)product;
    return (uint32_t)(product >> 32);
}

/* Whole cents from 100 to 100,000,000, log-uniform: floor(100 × 10^(6u) + 1/2) in integers, so that
 * it is the same on every machine. */
static inline int64_t nexmark_price(const NexmarkPools *pools, uint32_t draw)
{
    uint128_t power = pools->powers[0][draw >> 24];
    power = power * pools->powers[1][draw >> 16 & 255] >> 62;
    power = power * pools->powers[2][draw >> 8 & 255] >> 62;
    power = power * pools->powers[3][draw & 255] >> 62;
    return (int64_t)((power * 100 + (UINT64_C(1) << 39)) >> 40);
}

#endif
