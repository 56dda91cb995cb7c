/* Finding and replacing text: positions, prefixes, REPLACE, TRANSLATE, SPLIT_INDEX.
 *
 * Positions count characters from 1; 0 says that there is none. */
#include "core/str.h"
#include "functions/byte_mask.h"
#include "functions/kernel_internal.h"

/* 1 + characters before the first match at or behind character `from`, or 0. */
static int32_t position_of(Str needle, Str text, int64_t from)
{
    if (from <= 0)
        return 0;
    const size_t start = from == 1 ? 0 : utf8_offset(text, (size_t)from - 1);
    const size_t found = str_find_from(text, needle, start);
    return found == SIZE_MAX ? 0 : 1 + (int32_t)str_utf8_length((Str){text.data, found});
}

#define POSITION_KERNEL(name, needle, text, from)                                                  \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        int32_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            out[row] =                                                                             \
                position_of(kernel_str(call, needle, row), kernel_str(call, text, row), from);     \
        }                                                                                          \
        return true;                                                                               \
    }
POSITION_KERNEL(position_kernel, 0, 1, 1)
POSITION_KERNEL(instr_kernel, 1, 0, 1)
POSITION_KERNEL(locate_kernel, 0, 1, call->arg_count > 2 ? kernel_i64(call, 2, row) : 1)

static bool starts_with_kernel(KernelCall *call, Error *error)
{
    uint8_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const Str part = kernel_str(call, 1, row);
        out[row] = part.length <= text.length && memcmp(text.data, part.data, part.length) == 0;
    }
    return true;
}

static bool ends_with_kernel(KernelCall *call, Error *error)
{
    uint8_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const Str part = kernel_str(call, 1, row);
        out[row] = part.length <= text.length &&
                   memcmp(text.data + text.length - part.length, part.data, part.length) == 0;
    }
    return true;
}

/* An empty search text lies before every character and at the end. */
static size_t next_match(Str text, Str search, size_t from, bool first)
{
    if (search.length > 0)
        return str_find_from(text, search, from);
    if (first)
        return 0;
    return from < text.length ? from + utf8_step(text.data[from]) : SIZE_MAX;
}

static size_t count_matches(Str text, Str search)
{
    size_t count = 0;
    size_t at = next_match(text, search, 0, true);
    while (at != SIZE_MAX) {
        count++;
        at = next_match(text, search, at + search.length, false);
    }
    return count;
}

static bool replace_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const Str search = kernel_str(call, 1, row);
        const Str with = kernel_str(call, 2, row);
        const size_t matches = count_matches(text, search);
        if (matches == 0) {
            kernel_put_str(call, row, text);
            continue;
        }
        const size_t length = text.length - matches * search.length + matches * with.length;
        if (length > TEXT_BYTES_MAX)
            return kernel_fail(call, row, error, ERROR_LIMIT, "text longer than %u bytes",
                               TEXT_BYTES_MAX);
        char *to = text_writer_reserve(&writer, length);
        size_t done = 0;
        size_t at = next_match(text, search, 0, true);
        while (at != SIZE_MAX) {
            memcpy(to, text.data + done, at - done);
            to += at - done;
            memcpy(to, with.data, with.length);
            to += with.length;
            done = at + search.length;
            at = next_match(text, search, done, false);
        }
        memcpy(to, text.data + done, text.length - done);
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

/* Each character that stands in `from` becomes the one at the same place in `to`, or goes. */
static bool translate_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const Str from = kernel_str(call, 1, row);
        const Str to = kernel_str(call, 2, row);
        if (text.length > TEXT_BYTES_MAX / 4)
            return kernel_fail(call, row, error, ERROR_LIMIT, "text longer than %u bytes",
                               TEXT_BYTES_MAX / 4);
        char *const out = text_writer_reserve(&writer, 4 * text.length);
        size_t length = 0;
        for (size_t at = 0; at < text.length;) {
            const size_t step = utf8_step(text.data[at]);
            Str character = {text.data + at, step};
            const size_t found = str_find_from(from, character, 0);
            if (found != SIZE_MAX) {
                const size_t index = str_utf8_length((Str){from.data, found});
                const size_t start = utf8_offset(to, index);
                character = start < to.length ? (Str){to.data + start, utf8_step(to.data[start])}
                                              : (Str){"", 0};
            }
            memcpy(out + length, character.data, character.length);
            length += character.length;
            at += step;
        }
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

/* The end of the part that starts at `from`, and where the next one starts. An empty delimiter
 * stands for any white space. */
static size_t split_end(Str text, Str delimiter, size_t from, size_t *next)
{
    size_t end = SIZE_MAX;
    if (delimiter.length > 0) {
        end = str_find_from(text, delimiter, from);
    } else {
        for (size_t at = from; at < text.length && end == SIZE_MAX; at++) {
            if (text.data[at] == ' ' || (text.data[at] >= '\t' && text.data[at] <= '\r'))
                end = at;
        }
    }
    if (end == SIZE_MAX) {
        *next = SIZE_MAX;
        return text.length;
    }
    *next = end + (delimiter.length > 0 ? delimiter.length : 1);
    return end;
}

/* Part `index` of text that is not empty; false when there are fewer. */
static bool find_part(Str text, Str delimiter, int64_t index, Str *part)
{
    size_t from = 0, next = 0;
    for (; index > 0 && from != SIZE_MAX; index--)
        split_end(text, delimiter, from, &from);
    if (from == SIZE_MAX)
        return false;
    *part = (Str){text.data + from, split_end(text, delimiter, from, &next) - from};
    return true;
}

/* The same in one pass for a delimiter of one byte. */
static bool find_part_of_byte(Str text, char delimiter, int64_t index, Str *part)
{
    size_t from = 0;
    for (size_t base = 0; base < text.length; base += BYTE_MASK_BYTES) {
        for (uint32_t mask = byte_mask(text, base, delimiter); mask != 0; mask &= mask - 1) {
            const size_t at = base + (size_t)__builtin_ctz(mask);
            if (index == 0) {
                *part = (Str){text.data + from, at - from};
                return true;
            }
            index--;
            from = at + 1;
        }
    }
    *part = (Str){text.data + from, text.length - from};
    return index == 0;
}

static bool split_index_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const Str delimiter = kernel_str(call, 1, row);
        const int64_t index = kernel_i64(call, 2, row);
        Str part;
        if (index >= 0 && text.length != 0 &&
            (delimiter.length == 1 ? find_part_of_byte(text, delimiter.data[0], index, &part)
                                   : find_part(text, delimiter, index, &part)))
            kernel_put_str(call, row, part);
        else
            kernel_put_null(call, row);
    }
    return true;
}

#define CATEGORY "string"
static const ScalarFunction functions[] = {
    {"POSITION", "(STRING, STRING) -> INT", position_kernel, NULL, 0, CATEGORY,
     "Where the first text lies in the second, counted from 1; 0 if it does not. Written "
     "POSITION(a IN b)."},
    {"INSTR", "(STRING, STRING) -> INT", instr_kernel, NULL, 0, CATEGORY,
     "Where the second text lies in the first, counted from 1; 0 if it does not."},
    {"LOCATE", "(STRING, STRING, BIGINT?) -> INT", locate_kernel, NULL, 0, CATEGORY,
     "Where the first text lies in the second, at or behind a position; 0 if it does not."},
    {"STARTSWITH", "(STRING, STRING) -> BOOLEAN", starts_with_kernel, NULL, 0, CATEGORY,
     "Whether the first text starts with the second."},
    {"STARTSWITH", "(BYTES, BYTES) -> BOOLEAN", starts_with_kernel, NULL, 0, CATEGORY,
     "Whether the first bytes start with the second."},
    {"ENDSWITH", "(STRING, STRING) -> BOOLEAN", ends_with_kernel, NULL, 0, CATEGORY,
     "Whether the first text ends with the second."},
    {"ENDSWITH", "(BYTES, BYTES) -> BOOLEAN", ends_with_kernel, NULL, 0, CATEGORY,
     "Whether the first bytes end with the second."},
    {"REPLACE", "(STRING, STRING, STRING) -> STRING", replace_kernel, NULL, FUNCTION_CAN_FAIL,
     CATEGORY, "The first text with every occurrence of the second replaced by the third."},
    {"TRANSLATE", "(STRING, STRING, STRING) -> STRING", translate_kernel, NULL, FUNCTION_CAN_FAIL,
     CATEGORY,
     "The text with each character of the second argument replaced by the one at the same place "
     "in the third."},
    {"SPLIT_INDEX", "(STRING, STRING, BIGINT) -> STRING", split_index_kernel, NULL,
     FUNCTION_NULLABLE_RESULT, CATEGORY,
     "The part of that index, from 0, between delimiters; NULL if there are fewer."},
    {0},
};

extern const FunctionFamily fn_string_search;
const FunctionFamily fn_string_search = {functions};
