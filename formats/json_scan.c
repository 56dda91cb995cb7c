/* Block scanners: the only file of the json format that knows the processor. */
#include "formats/json_scan.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

bool json_scan_portable(const char *data, size_t count, uint64_t *masks)
{
    uint8_t any = 0;
    for (size_t b = 0; b < count; b++) {
        uint64_t mask = 0;
        for (unsigned i = 0; i < JSON_BLOCK_BYTES; i++) {
            uint8_t c = (uint8_t)data[b * JSON_BLOCK_BYTES + i];
            any |= c;
            mask |= (uint64_t)(c == '"' || c == '\\' || c < ' ') << i;
        }
        masks[b] = mask;
    }
    return any < 0x80;
}

#if defined(__x86_64__)

__attribute__((target("avx2"))) static bool scan_avx2(const char *data, size_t count,
                                                      uint64_t *masks)
{
    const __m256i quote = _mm256_set1_epi8('"'), backslash = _mm256_set1_epi8('\\');
    const __m256i control = _mm256_set1_epi8(' ' - 1);
    __m256i any = _mm256_setzero_si256();
    for (size_t b = 0; b < count; b++) {
        uint64_t mask = 0;
        for (unsigned half = 0; half < JSON_BLOCK_BYTES; half += 32) {
            const void *from = data + b * JSON_BLOCK_BYTES + half;
            __m256i bytes = _mm256_loadu_si256(from);
            __m256i low = _mm256_cmpeq_epi8(_mm256_min_epu8(bytes, control), bytes);
            __m256i found = _mm256_or_si256(_mm256_cmpeq_epi8(bytes, quote),
                                            _mm256_cmpeq_epi8(bytes, backslash));
            any = _mm256_or_si256(any, bytes);
            mask |= (uint64_t)(uint32_t)_mm256_movemask_epi8(_mm256_or_si256(found, low)) << half;
        }
        masks[b] = mask;
    }
    return _mm256_movemask_epi8(any) == 0;
}

__attribute__((target("avx512f,avx512bw"))) static bool scan_avx512(const char *data, size_t count,
                                                                    uint64_t *masks)
{
    const __m512i quote = _mm512_set1_epi8('"'), backslash = _mm512_set1_epi8('\\');
    const __m512i space = _mm512_set1_epi8(' ');
    __m512i any = _mm512_setzero_si512();
    for (size_t b = 0; b < count; b++) {
        __m512i bytes = _mm512_loadu_si512(data + b * JSON_BLOCK_BYTES);
        any = _mm512_or_si512(any, bytes);
        masks[b] = _mm512_cmpeq_epi8_mask(bytes, quote) | _mm512_cmpeq_epi8_mask(bytes, backslash) |
                   _mm512_cmplt_epu8_mask(bytes, space);
    }
    return _mm512_movepi8_mask(any) == 0;
}

JsonScan json_scan_choose(void)
{
    if (__builtin_cpu_supports("avx512bw"))
        return scan_avx512;
    return __builtin_cpu_supports("avx2") ? scan_avx2 : json_scan_portable;
}

#else

JsonScan json_scan_choose(void)
{
    return json_scan_portable;
}

#endif
