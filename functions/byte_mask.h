/* Where a byte stands in text, 16 bytes at a time: for loops over many short pieces, where a call
 * for each costs more than the search. */
#ifndef FUNCTIONS_BYTE_MASK_H
#define FUNCTIONS_BYTE_MASK_H

#include <string.h>

#include "core/base.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

#define BYTE_MASK_BYTES 16

/* Bit i says whether byte i is the one. */
static inline uint32_t byte_mask_16(const char *data, char byte)
{
#if defined(__SSE2__)
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)data);
    return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8(byte)));
#else
    uint32_t mask = 0;
    for (uint32_t i = 0; i < BYTE_MASK_BYTES; i++)
        mask |= (uint32_t)(data[i] == byte) << i;
    return mask;
#endif
}

/* The same for the bytes of the text from `at`, which lies in it, on; fewer at its end. */
static inline uint32_t byte_mask(Str text, size_t at, char byte)
{
    const size_t left = text.length - at;
    if (left >= BYTE_MASK_BYTES)
        return byte_mask_16(text.data + at, byte);
    if (text.length >= BYTE_MASK_BYTES)
        return byte_mask_16(text.data + text.length - BYTE_MASK_BYTES, byte) >>
               (BYTE_MASK_BYTES - left);
    char padded[BYTE_MASK_BYTES] = {0};
    memcpy(padded, text.data + at, left);
    return byte_mask_16(padded, byte) & ((UINT32_C(1) << left) - 1);
}

#endif
