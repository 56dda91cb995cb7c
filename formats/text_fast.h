/* The usual text of values, read a word at a time: whole numbers of up to 16 digits, timestamps as
 * "2024-01-02 03:04:05" with no, three or six digits behind the point, short strings.
 *
 * What they refuse is left to format_text_read, which reads everything and says what is wrong.
 * TEXT_FAST_PADDING bytes from the start of the text on must be readable, whatever its length. */
#ifndef FORMATS_TEXT_FAST_H
#define FORMATS_TEXT_FAST_H

#include <endian.h>

#include "core/datetime.h"
#include "core/vector.h"

#define TEXT_FAST_PADDING 32

/* Which reader a column takes. */
typedef enum TextKind { TEXT_ANY, TEXT_I32, TEXT_I64, TEXT_STRING, TEXT_TIMESTAMP } TextKind;

static inline TextKind text_kind_of(const Type *type)
{
    switch (type->kind) {
    case TYPE_INT:
        return TEXT_I32;
    case TYPE_BIGINT:
        return TEXT_I64;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
        return TEXT_STRING;
    case TYPE_TIMESTAMP:
        return type->physical == PHYSICAL_I64 ? TEXT_TIMESTAMP : TEXT_ANY;
    default:
        return TEXT_ANY;
    }
}

/* The first byte is the lowest. */
static inline uint64_t text_fast_word(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof(word));
    return le64toh(word);
}

/* Whether every byte is at most 9. */
static inline bool text_fast_digits(uint64_t word)
{
    return ((word | (word + UINT64_C(0x7676767676767676))) & UINT64_C(0x8080808080808080)) == 0;
}

/* How many digits stand at the start, 16 or more are 16. */
static inline size_t text_fast_leading_digits(const char *data)
{
    for (size_t at = 0; at < 16; at += 8) {
        uint64_t word = text_fast_word(data + at) ^ UINT64_C(0x3030303030303030);
        uint64_t other =
            (word | ((word & UINT64_C(0x7F7F7F7F7F7F7F7F)) + UINT64_C(0x7676767676767676))) &
            UINT64_C(0x8080808080808080);
        if (other != 0)
            return at + (size_t)__builtin_ctzll(other) / 8;
    }
    return 16;
}

/* Eight digits as bytes 0 to 9, the first lowest. */
static inline uint64_t text_fast_eight(uint64_t word)
{
    word = word * 10 + (word >> 8); /* pairs, in every other byte */
    return ((word & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x000F424000000064) +
            ((word >> 16) & UINT64_C(0x000000FF000000FF)) * UINT64_C(0x0000271000000001)) >>
           32;
}

/* Up to 16 digits, a minus before them allowed. */
static inline bool text_fast_integer(const char *data, size_t length, int64_t *out)
{
    static const uint64_t powers[] = {1,      10,      100,      1000,     10000,
                                      100000, 1000000, 10000000, 100000000};
    bool negative = *data == '-';
    data += negative;
    length -= negative;
    if (length - 1 >= 16)
        return false;
    uint64_t word = text_fast_word(data) ^ UINT64_C(0x3030303030303030);
    uint64_t value;
    if (length <= 8) {
        word <<= 64 - 8 * length; /* zeros before the first digit */
        if (!text_fast_digits(word))
            return false;
        value = text_fast_eight(word);
    } else {
        uint64_t rest = text_fast_word(data + 8) ^ UINT64_C(0x3030303030303030);
        rest <<= 64 - 8 * (length - 8);
        if (!text_fast_digits(word) || !text_fast_digits(rest))
            return false;
        value = text_fast_eight(word) * powers[length - 8] + text_fast_eight(rest);
    }
    *out = negative ? -(int64_t)value : (int64_t)value;
    return true;
}

/* What stands between date and time, in bytes 0 to 7 of a pattern in which digits are zeros. */
static inline uint64_t text_fast_separator(uint64_t pattern, unsigned byte, char separator)
{
    return (pattern & ~(UINT64_C(0xFF) << (8 * byte))) | (uint64_t)(uint8_t)separator << (8 * byte);
}

/* Reads text that looks like the pattern, in which digits are zeros: byte i of the result is the
 * number made of digits i and i + 1. Anything else leaves a high bit in `*bad`. */
static inline uint64_t text_fast_pairs(const char *data, uint64_t pattern, uint64_t *bad)
{
    uint64_t difference = text_fast_word(data) ^ pattern;
    uint64_t signs = ((pattern ^ UINT64_C(0x3030303030303030)) + UINT64_C(0x7F7F7F7F7F7F7F7F)) &
                     UINT64_C(0x8080808080808080);
    /* Ten and more overflow where a digit stands, anything but zero where a sign does. */
    uint64_t margin = UINT64_C(0x7676767676767676) + (signs >> 7) * 9;
    *bad |= (difference + margin) | difference;
    return difference * 10 + (difference >> 8);
}

static inline uint32_t text_fast_byte(uint64_t word, unsigned byte)
{
    return (uint32_t)(word >> (8 * byte)) & 0xFF;
}

/* The date that was read last: the next is likely the same. Starts as zeros. */
typedef struct TextDate {
    uint32_t year, month, day;
    int64_t days; /* since 1970 */
} TextDate;

/* Goes to a date of the proleptic calendar; false when there is none. */
static inline bool text_fast_date(TextDate *date, uint32_t year, uint32_t month, uint32_t day)
{
    static const uint8_t lengths[] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    static const uint16_t before[] = {0, 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    if (year == date->year && month == date->month && day == date->day)
        return true;
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if (year == 0 || month == 0 || month > 12 || day == 0 ||
        day > lengths[month] + (leap && month == 2 ? 1u : 0u))
        return false;
    uint32_t past = year - 1;
    uint32_t days = past * 365 + past / 4 - past / 100 + past / 400 + before[month] + day;
    *date = (TextDate){year, month, day, (int64_t)days - 719163 + (leap && month > 2 ? 1 : 0)};
    return true;
}

/* Microseconds since 1970, cut to the precision; `separator` stands between date and time. */
static inline bool text_fast_timestamp(const char *data, size_t length, char separator,
                                       uint32_t precision, TextDate *last, int64_t *out)
{
    if (length != 23 && length != 19 && length != 26)
        return false;
    uint64_t bad = 0;
    uint64_t date = text_fast_pairs(data, text_fast_word("0000-00-"), &bad);
    uint64_t time = text_fast_pairs(
        data + 8, text_fast_separator(text_fast_word("00 00:00"), 2, separator), &bad);
    uint32_t second, fraction = 0;
    if (length == 19) {
        second = text_fast_byte(text_fast_pairs(data + 11, text_fast_word("00:00:00"), &bad), 6);
    } else {
        uint64_t rest = text_fast_pairs(data + 15, text_fast_word("0:00.000"), &bad);
        second = text_fast_byte(rest, 2);
        fraction = text_fast_byte(rest, 5) * 10000 + ((uint32_t)(uint8_t)data[22] - '0') * 1000;
    }
    if (length == 26) {
        uint64_t rest = text_fast_pairs(data + 18, text_fast_word("0.000000"), &bad);
        fraction = text_fast_byte(rest, 2) * 10000 + text_fast_byte(rest, 4) * 100 +
                   text_fast_byte(rest, 6);
    }
    uint32_t hour = text_fast_byte(time, 3), minute = text_fast_byte(time, 6);
    if ((bad & UINT64_C(0x8080808080808080)) != 0 || hour > 23 || minute > 59 || second > 59 ||
        !text_fast_date(last, text_fast_byte(date, 0) * 100 + text_fast_byte(date, 2),
                        text_fast_byte(date, 5), text_fast_byte(time, 0)))
        return false;
    if (precision < 3 || (precision < 6 && length == 26)) {
        static const uint32_t units[] = {1000000, 100000, 10000, 1000, 100, 10};
        fraction -= fraction % units[precision];
    }
    *out = ((last->days * 24 + hour) * 60 + minute) * 60 * MICROS_PER_SECOND +
           second * MICROS_PER_SECOND + fraction;
    return true;
}

/* A view of the text; what is longer than STRING_INLINE_MAX is borrowed. */
static inline StringView text_fast_view(const char *data, size_t length)
{
    /* From byte 12 - n on, n bytes of ones before zeros. */
    static const uint8_t ones[24] = {0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                     0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    StringView view;
    view.length = (uint32_t)length;
    if (length > STRING_INLINE_MAX) {
        memcpy(view.prefix, data, sizeof(view.prefix));
        view.pointer = data;
        return view;
    }
    uint32_t prefix, prefix_ones;
    uint64_t rest, rest_ones;
    memcpy(&prefix, data, sizeof(prefix));
    memcpy(&rest, data + sizeof(prefix), sizeof(rest));
    memcpy(&prefix_ones, ones + STRING_INLINE_MAX - length, sizeof(prefix_ones));
    memcpy(&rest_ones, ones + STRING_INLINE_MAX - length + sizeof(prefix), sizeof(rest_ones));
    prefix &= prefix_ones;
    rest &= rest_ones;
    memcpy(view.prefix, &prefix, sizeof(prefix));
    memcpy(view.rest, &rest, sizeof(rest));
    return view;
}

#endif
