/* CRC-32 by carry-less multiplication.
 *
 * The message is a polynomial over two elements; a register of 128 bits holds something that has
 * the same remainder as all that was read. Folding multiplies its halves with what x^128 and x^192
 * are modulo the polynomial and adds the next 16 bytes; at the end the register itself is reduced.
 * All of it in the reflected order of bits, where the lowest bit is the highest power.
 *
 * The length need not be a multiple of 16: zeros before a message do not change its remainder once
 * the first 32 bits are inverted, so the first block is filled up with them in front.
 *
 * Cost: some 10 cycles for 16 bytes, which is what events mostly are a few of; zlib needs two a
 * byte there. Machines without the instruction, and short messages, go to zlib. */
#include "connectors/mysql/crc.h"

#include <zlib.h>

#if defined(__x86_64__)
#include <immintrin.h>

/* Below this the set-up costs more than it saves. */
#define FOLD_LEAST 32

/* Long input goes through four registers, so that the multiplications overlap. */
#define LANES      4
#define LANE_BYTES ((size_t)16 * LANES)

/* x^n modulo the polynomial, reflected and shifted left by one. */
#define POWER_576  INT64_C(0x154442bd4)
#define POWER_512  INT64_C(0x1c6e41596)
#define POWER_192  INT64_C(0x1751997d0)
#define POWER_128  INT64_C(0x0ccaa009e)
#define POWER_64   INT64_C(0x163cd6124)
#define POLYNOMIAL INT64_C(0x1db710641)
#define QUOTIENT   INT64_C(0x1f7011641) /* x^64 divided by the polynomial */

__attribute__((target("pclmul,sse4.1"))) static __m128i load(const uint8_t *bytes)
{
    return _mm_loadu_si128((const __m128i *)(const void *)bytes);
}

/* The register as a checksum that has not been inverted at the end. */
__attribute__((target("pclmul,sse4.1"))) static uint32_t reduce(__m128i sum)
{
    const __m128i low32 = _mm_setr_epi32(-1, 0, -1, 0);
    __m128i power = _mm_set_epi64x(POWER_128, POWER_192);
    /* 128 to 96 bits, then to 64. */
    sum = _mm_xor_si128(_mm_srli_si128(sum, 8), _mm_clmulepi64_si128(sum, power, 0x10));
    __m128i high = _mm_srli_si128(sum, 4);
    sum = _mm_clmulepi64_si128(_mm_and_si128(sum, low32), _mm_set_epi64x(0, POWER_64), 0x00);
    sum = _mm_xor_si128(sum, high);
    /* Barrett: how often the polynomial goes into it, and what is left. */
    const __m128i barrett = _mm_set_epi64x(QUOTIENT, POLYNOMIAL);
    __m128i times = _mm_clmulepi64_si128(_mm_and_si128(sum, low32), barrett, 0x10);
    times = _mm_clmulepi64_si128(_mm_and_si128(times, low32), barrett, 0x00);
    return (uint32_t)_mm_extract_epi32(_mm_xor_si128(sum, times), 1);
}

__attribute__((target("pclmul,sse4.1"))) static __m128i fold(__m128i sum, __m128i powers,
                                                             __m128i next)
{
    __m128i low = _mm_clmulepi64_si128(sum, powers, 0x00);
    __m128i high = _mm_clmulepi64_si128(sum, powers, 0x11);
    return _mm_xor_si128(_mm_xor_si128(low, high), next);
}

/* Bytes moved up by so many, zeros behind them: what pshufb makes of an index from `shifts` + 16 -
 * count; and moved down, from `shifts` + 16 + count. */
static const uint8_t shifts[48] = {128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128,
                                   128, 128, 128, 128, 0,   1,   2,   3,   4,   5,   6,   7,
                                   8,   9,   10,  11,  12,  13,  14,  15,  128, 128, 128, 128,
                                   128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128};

/* At least 32 bytes. The first block takes what the others leave, behind zeros; the inverted bits
 * of the start may reach into the second. */
__attribute__((target("pclmul,sse4.1"))) static uint32_t fold_all(const uint8_t *bytes,
                                                                  size_t length)
{
    const __m128i next = _mm_set_epi64x(POWER_128, POWER_192);
    const __m128i next_lane = _mm_set_epi64x(POWER_512, POWER_576);
    const __m128i start = _mm_cvtsi32_si128(-1);
    const uint8_t *end = bytes + length;
    size_t taken = ((length - 1) & 15) + 1;
    __m128i sum = _mm_shuffle_epi8(_mm_xor_si128(load(bytes), start), load(shifts + taken));
    __m128i rest = _mm_shuffle_epi8(start, load(shifts + 16 + taken));
    bytes += taken;
    sum = fold(sum, next, _mm_xor_si128(load(bytes), rest));
    bytes += 16;
    if ((size_t)(end - bytes) >= 2 * LANE_BYTES) {
        __m128i lanes[LANES] = {sum, load(bytes), load(bytes + 16), load(bytes + 32)};
        bytes += LANE_BYTES - 16;
        for (; (size_t)(end - bytes) >= LANE_BYTES; bytes += LANE_BYTES)
            for (uint32_t i = 0; i < LANES; i++)
                lanes[i] = fold(lanes[i], next_lane, load(bytes + (size_t)16 * i));
        sum = lanes[0];
        for (uint32_t i = 1; i < LANES; i++)
            sum = fold(sum, next, lanes[i]);
    }
    for (; bytes != end; bytes += 16)
        sum = fold(sum, next, load(bytes));
    return ~reduce(sum);
}

uint32_t mysql_crc32(const uint8_t *bytes, size_t length)
{
    if (length < FOLD_LEAST || !__builtin_cpu_supports("pclmul") ||
        !__builtin_cpu_supports("sse4.1"))
        return (uint32_t)crc32_z(0, bytes, length);
    return fold_all(bytes, length);
}

#else

uint32_t mysql_crc32(const uint8_t *bytes, size_t length)
{
    return (uint32_t)crc32_z(0, bytes, length);
}

#endif
