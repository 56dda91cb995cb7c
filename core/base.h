/* The few definitions every file shares: attributes, sizes, byte ranges.
 *
 * Source: none; everything here is a convention of this code base. */
#ifndef CORE_BASE_H
#define CORE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The result carries success or failure and must be looked at. */
#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(format_index, first_argument)                                                  \
    __attribute__((format(printf, format_index, first_argument)))

#define array_count(array) (sizeof(array) / sizeof((array)[0]))

/* GCC and clang offer 128-bit integers on every 64-bit target Weir builds for. */
__extension__ typedef __int128 int128_t;
__extension__ typedef unsigned __int128 uint128_t;

/* A borrowed range of bytes; no terminator, may be empty. Text is UTF-8. */
typedef struct Str {
    const char *data;
    size_t length;
} Str;

#define STR(literal) ((Str){"" literal "", sizeof(literal) - 1})

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline size_t size_round_up(size_t size, size_t multiple)
{
    return (size + multiple - 1) / multiple * multiple;
}

#endif
