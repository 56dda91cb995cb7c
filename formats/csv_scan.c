/* Block scanners: the only file of the csv format that knows the processor. */
#include "formats/csv_scan.h"

#include <string.h>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

#define LOW_BITS  UINT64_C(0x0101010101010101)
#define HIGH_BITS UINT64_C(0x8080808080808080)

/* 0x80 in every byte of the word that equals the byte of which `pattern` is made. Exact: no carry
 * leaves a byte, since the high bits are kept out of the addition. */
static uint64_t equal_bytes(uint64_t word, uint64_t pattern)
{
    uint64_t difference = word ^ pattern;
    uint64_t nonzero = ((difference & ~HIGH_BITS) + ~HIGH_BITS) | difference;
    return ~nonzero & HIGH_BITS;
}

uint64_t csv_scan_portable(const char *block, const CsvMarks *marks)
{
    uint64_t mask = 0;
    for (size_t i = 0; i < CSV_BLOCK_BYTES; i += sizeof(uint64_t)) {
        uint64_t word;
        memcpy(&word, block + i, sizeof(word));
        uint64_t found = 0;
        for (size_t m = 0; m < array_count(marks->bytes); m++)
            found |= equal_bytes(word, LOW_BITS * (uint8_t)marks->bytes[m]);
        /* Gathers the eight high bits into a byte. */
        mask |= ((found >> 7) * UINT64_C(0x0102040810204080) >> 56) << i;
    }
    return mask;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static uint32_t scan_half(const char *half, const CsvMarks *marks)
{
    __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)half);
    __m256i found = _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(marks->bytes[0]));
    for (size_t m = 1; m < array_count(marks->bytes); m++)
        found = _mm256_or_si256(found, _mm256_cmpeq_epi8(bytes, _mm256_set1_epi8(marks->bytes[m])));
    return (uint32_t)_mm256_movemask_epi8(found);
}

__attribute__((target("avx2"))) static uint64_t scan_avx2(const char *block, const CsvMarks *marks)
{
    return (uint64_t)scan_half(block + 32, marks) << 32 | scan_half(block, marks);
}

CsvScan csv_scan_choose(void)
{
    return __builtin_cpu_supports("avx2") ? scan_avx2 : csv_scan_portable;
}

#else

CsvScan csv_scan_choose(void)
{
    return csv_scan_portable;
}

#endif
