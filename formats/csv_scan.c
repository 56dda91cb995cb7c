/* Block scanners: the only file of the csv format that knows the processor. */
#include "formats/csv_scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LOW_BITS  UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

static CsvBlock block_of(uint64_t delimiters, uint64_t newlines, uint64_t quotes)
{
    return (CsvBlock){delimiters | newlines, newlines, quotes & ~newlines};
}

/* A bit for every byte of the word that equals the byte of which `pattern` is made. Exact: no carry
 * leaves a byte, since the high bits are kept out of the addition. */
static uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    uint64_t difference = word ^ pattern;
    uint64_t nonzero = ((difference & ~HIGH_BITS) + ~HIGH_BITS) | difference;
    /* Gathers the eight high bits into a byte. */
    return ((~nonzero & HIGH_BITS) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

bool csv_scan_portable(const char *data, size_t count, const CsvMarks *marks, CsvBlock *blocks)
{
    const uint64_t delimiter = LOW_BITS * (uint8_t)marks->delimiter;
    const uint64_t quote = LOW_BITS * (uint8_t)marks->quote;
    const uint64_t escape = LOW_BITS * (uint8_t)marks->escape;
    uint64_t any = 0;
    for (size_t b = 0; b < count; b++) {
        uint64_t delimiters = 0, newlines = 0, quotes = 0;
        for (size_t i = 0; i < CSV_BLOCK_BYTES; i += sizeof(uint64_t)) {
            uint64_t word;
            memcpy(&word, data + b * CSV_BLOCK_BYTES + i, sizeof(word));
            any |= word;
            delimiters |= equal_bytes(word, delimiter) << i;
            newlines |= equal_bytes(word, LOW_BITS * '\n') << i;
            quotes |= (equal_bytes(word, quote) | equal_bytes(word, escape)) << i;
        }
        blocks[b] = block_of(delimiters, newlines, quotes);
    }
    return (any & HIGH_BITS) == 0;
}

static bool has_in(const char *data, size_t length, const CsvSpecials *specials)
{
    for (size_t i = 0; i < length; i++)
        for (size_t s = 0; s < array_count(specials->bytes); s++)
            if (data[i] == specials->bytes[s])
                return true;
    return false;
}

#if defined(__SSE2__)

bool csv_scan_has(Str text, const CsvSpecials *specials)
{
    if (text.length < sizeof(__m128i))
        return has_in(text.data, text.length, specials);
    __m128i found = _mm_setzero_si128();
    for (size_t at = 0; at < text.length; at += sizeof(__m128i)) {
        /* The last load goes back a little. */
        size_t from = at + sizeof(__m128i) <= text.length ? at : text.length - sizeof(__m128i);
        __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(text.data + from));
        for (size_t s = 0; s < array_count(specials->bytes); s++)
            found = _mm_or_si128(found, _mm_cmpeq_epi8(bytes, _mm_set1_epi8(specials->bytes[s])));
    }
    return _mm_movemask_epi8(found) != 0;
}

#else

bool csv_scan_has(Str text, const CsvSpecials *specials)
{
    return has_in(text.data, text.length, specials);
}

#endif

#if defined(__x86_64__)

__attribute__((target("avx2"))) static bool scan_avx2(const char *data, size_t count,
                                                      const CsvMarks *marks, CsvBlock *blocks)
{
    const __m256i delimiter = _mm256_set1_epi8(marks->delimiter);
    const __m256i newline = _mm256_set1_epi8('\n');
    const __m256i quote = _mm256_set1_epi8(marks->quote);
    const __m256i escape = _mm256_set1_epi8(marks->escape);
    __m256i any = _mm256_setzero_si256();
    for (size_t b = 0; b < count; b++) {
        uint64_t delimiters = 0, newlines = 0, quotes = 0;
        for (unsigned half = 0; half < CSV_BLOCK_BYTES; half += 32) {
            const void *from = data + b * CSV_BLOCK_BYTES + half;
            __m256i bytes = _mm256_loadu_si256(from);
            __m256i quoting =
                _mm256_or_si256(_mm256_cmpeq_epi8(bytes, quote), _mm256_cmpeq_epi8(bytes, escape));
            any = _mm256_or_si256(any, bytes);
            delimiters |=
                (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, delimiter))
                << half;
            newlines |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_cmpeq_epi8(bytes, newline))
                        << half;
            quotes |= (uint64_t)(uint32_t)_mm256_movemask_epi8(quoting) << half;
        }
        blocks[b] = block_of(delimiters, newlines, quotes);
    }
    return _mm256_movemask_epi8(any) == 0;
}

__attribute__((target("avx512f,avx512bw"))) static bool
scan_avx512(const char *data, size_t count, const CsvMarks *marks, CsvBlock *blocks)
{
    const __m512i delimiter = _mm512_set1_epi8(marks->delimiter);
    const __m512i newline = _mm512_set1_epi8('\n');
    const __m512i quote = _mm512_set1_epi8(marks->quote);
    const __m512i escape = _mm512_set1_epi8(marks->escape);
    __m512i any = _mm512_setzero_si512();
    for (size_t b = 0; b < count; b++) {
        __m512i bytes = _mm512_loadu_si512(data + b * CSV_BLOCK_BYTES);
        any = _mm512_or_si512(any, bytes);
        blocks[b] = block_of(
            _mm512_cmpeq_epi8_mask(bytes, delimiter), _mm512_cmpeq_epi8_mask(bytes, newline),
            _mm512_cmpeq_epi8_mask(bytes, quote) | _mm512_cmpeq_epi8_mask(bytes, escape));
    }
    return _mm512_movepi8_mask(any) == 0;
}

CsvScan csv_scan_choose(void)
{
    if (__builtin_cpu_supports("avx512bw"))
        return scan_avx512;
    return __builtin_cpu_supports("avx2") ? scan_avx2 : csv_scan_portable;
}

#else

CsvScan csv_scan_choose(void)
{
    return csv_scan_portable;
}

#endif
