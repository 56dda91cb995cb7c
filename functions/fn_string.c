/* Text taken as it is: joining, cutting, trimming, case and length.
 *
 * Characters are code points (Flink counts UTF-16 units, which differs beyond U+FFFF only).
 * Cost: SUBSTRING, LEFT, RIGHT and the TRIMs copy nothing; offsets in ASCII text are found without
 * a walk; case mapping of ASCII text is one pass over bytes. */
#include <utf8proc.h>

#include "core/str.h"
#include "functions/kernel_internal.h"

static bool concat_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        size_t length = 0;
        for (uint32_t k = 0; k < call->arg_count; k++)
            length += kernel_str(call, k, row).length;
        if (length > TEXT_BYTES_MAX)
            return kernel_fail(call, row, error, ERROR_LIMIT, "text longer than %u bytes",
                               TEXT_BYTES_MAX);
        char *to = text_writer_reserve(&writer, length);
        for (uint32_t k = 0; k < call->arg_count; k++) {
            const Str part = kernel_str(call, k, row);
            memcpy(to, part.data, part.length);
            to += part.length;
        }
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

/* Joins what has a value; only a NULL separator makes the result NULL. */
static bool concat_ws_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    const Vector *const separators = call->args[0];
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        if (vector_is_null(separators, row)) {
            kernel_put_null(call, row);
            continue;
        }
        const Str between = kernel_str(call, 0, row);
        size_t length = 0;
        for (uint32_t k = 1; k < call->arg_count; k++) {
            if (!vector_is_null(call->args[k], row))
                length += kernel_str(call, k, row).length + between.length;
        }
        if (length > TEXT_BYTES_MAX)
            return kernel_fail(call, row, error, ERROR_LIMIT, "text longer than %u bytes",
                               TEXT_BYTES_MAX);
        char *const start = text_writer_reserve(&writer, length);
        char *to = start;
        bool first = true;
        for (uint32_t k = 1; k < call->arg_count; k++) {
            if (vector_is_null(call->args[k], row))
                continue;
            const Str gap = first ? (Str){"", 0} : between;
            memcpy(to, gap.data, gap.length);
            to += gap.length;
            const Str part = kernel_str(call, k, row);
            memcpy(to, part.data, part.length);
            to += part.length;
            first = false;
        }
        kernel_put_view(call, row, text_writer_take(&writer, (size_t)(to - start)));
    }
    return true;
}

static bool bind_concat_ws(const ScalarFunction *function, const FunctionSite *site,
                           BoundFunction *out, Error *error)
{
    if (site->argument_count < 2 ||
        !signature_bind("(STRING, STRING...) -> STRING", site, function, out))
        return false;
    out->result = type_with_nullable(site->arena, &type_string, site->argument_types[0]->nullable);
    out->kernel = concat_ws_kernel;
    return true;
}

/* a || b keeps known lengths: VARCHAR(2) || VARCHAR(3) is VARCHAR(5). */
static bool bind_join(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    if (site->argument_count != 2)
        return false;
    const bool bytes =
        type_is_bytes(site->argument_types[0]) || type_is_bytes(site->argument_types[1]);
    const Type **types = bind_begin(site, function, bytes ? &type_bytes : &type_string, out);
    for (uint32_t i = 0; i < 2; i++) {
        if (bytes ? !type_is_bytes(types[i]) : !type_is_string(types[i]))
            return false;
    }
    const int64_t length = (int64_t)types[0]->length + types[1]->length;
    const bool fixed = types[0]->kind == types[1]->kind && types[0]->kind != TYPE_VARCHAR &&
                       types[0]->kind != TYPE_VARBINARY && length <= TYPE_LENGTH_MAX;
    const TypeKind varying = bytes ? TYPE_VARBINARY : TYPE_VARCHAR;
    out->result = type_new(site->arena, fixed ? types[0]->kind : varying, true,
                           (int32_t)(length < TYPE_LENGTH_MAX ? length : TYPE_LENGTH_MAX), 0);
    out->kernel = concat_kernel;
    return true;
}

static bool char_length_kernel(KernelCall *call, Error *error)
{
    int32_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        out[row] = (int32_t)str_utf8_length(kernel_str(call, 0, row));
    }
    return true;
}

/* Characters from..to of the text, as a range of its bytes. */
static Str str_characters(Str text, bool ascii, uint64_t from, uint64_t count)
{
    if (ascii) {
        const size_t start = (size_t)u64_min(from, text.length);
        return (Str){text.data + start, (size_t)u64_min(count, text.length - start)};
    }
    const size_t start = utf8_offset(text, (size_t)u64_min(from, text.length));
    const Str rest = {text.data + start, text.length - start};
    return (Str){rest.data, utf8_offset(rest, (size_t)u64_min(count, rest.length))};
}

/* Positions count from 1, negative ones from the end; 0 is taken as 1. A negative length is NULL.
 */
static bool substring_kernel(KernelCall *call, Error *error)
{
    const bool whole = call->arg_count < 3;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const int64_t position = kernel_i64(call, 1, row);
        const int64_t length = whole ? INT64_MAX : kernel_i64(call, 2, row);
        if (length < 0) {
            kernel_put_null(call, row);
            continue;
        }
        const bool ascii = str_is_ascii(text);
        int64_t from = position > 0 ? position - 1 : 0;
        if (position < 0) {
            from = (int64_t)(ascii ? text.length : str_utf8_length(text)) + position;
            if (from < 0) {
                kernel_put_str(call, row, (Str){"", 0});
                continue;
            }
        }
        kernel_put_str(call, row, str_characters(text, ascii, (uint64_t)from, (uint64_t)length));
    }
    return true;
}

static bool left_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const int64_t count = kernel_i64(call, 1, row);
        kernel_put_str(
            call, row,
            str_characters(text, str_is_ascii(text), 0, count > 0 ? (uint64_t)count : 0));
    }
    return true;
}

static bool right_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const int64_t count = kernel_i64(call, 1, row);
        const bool ascii = str_is_ascii(text);
        const uint64_t length = ascii ? text.length : str_utf8_length(text);
        const uint64_t kept = u64_min(count > 0 ? (uint64_t)count : 0, length);
        kernel_put_str(call, row, str_characters(text, ascii, length - kept, kept));
    }
    return true;
}

/* Whether the code point at text[at] is among the characters. */
static bool among(Str characters, const char *at, size_t length)
{
    if (length == 1)
        return characters.length > 0 && memchr(characters.data, *at, characters.length) != NULL;
    return memmem(characters.data, characters.length, at, length) != NULL;
}

static Str trim_start(Str text, Str characters)
{
    while (text.length > 0) {
        const size_t step = utf8_step(text.data[0]);
        if (!among(characters, text.data, step))
            break;
        text = (Str){text.data + step, text.length - step};
    }
    return text;
}

static Str trim_end(Str text, Str characters)
{
    while (text.length > 0) {
        size_t start = text.length - 1;
        while (start > 0 && (text.data[start] & 0xC0) == 0x80)
            start--;
        if (!among(characters, text.data + start, text.length - start))
            break;
        text.length = start;
    }
    return text;
}

#define TRIM_KERNEL(name, expression)                                                              \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const Str text = kernel_str(call, 0, row);                                             \
            const Str set = call->arg_count > 1 ? kernel_str(call, 1, row) : (Str){" ", 1};        \
            kernel_put_str(call, row, expression);                                                 \
        }                                                                                          \
        return true;                                                                               \
    }
TRIM_KERNEL(trim_kernel, trim_end(trim_start(text, set), set))
TRIM_KERNEL(ltrim_kernel, trim_start(text, set))
TRIM_KERNEL(rtrim_kernel, trim_end(text, set))

#define SHARP_S 0xDF

/* Code points mapped one by one; a mapping may change how many bytes one takes. */
static size_t map_unicode(Str text, utf8proc_int32_t (*map)(utf8proc_int32_t), char *to)
{
    size_t length = 0;
    size_t at = 0;
    while (at < text.length) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t read = utf8proc_iterate(
            (const utf8proc_uint8_t *)text.data + at, (utf8proc_ssize_t)(text.length - at), &point);
        if (read <= 0) { /* bytes that are no UTF-8 stay what they are */
            to[length++] = text.data[at++];
            continue;
        }
        at += (size_t)read;
        if (point == SHARP_S && map == utf8proc_toupper) { /* as in Java, in as many bytes */
            to[length++] = 'S';
            to[length++] = 'S';
            continue;
        }
        length += (size_t)utf8proc_encode_char(map(point), (utf8proc_uint8_t *)to + length);
    }
    return length;
}

/* Changes the case of the letters from `first` to `last` in eight ASCII bytes. */
static inline uint64_t swap_case(uint64_t word, char first, char last)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    const uint64_t from = word + ones * (uint64_t)(0x80 - first);
    const uint64_t past = word + ones * (uint64_t)(0x80 - last - 1);
    return word ^ ((from & ~past & (ones * 0x80)) >> 2);
}

/* Text of up to 12 ASCII bytes where it lies, zeros behind it included; false for any other. */
static inline bool swap_case_in_view(StringView *view, char first, char last)
{
    uint32_t prefix;
    uint64_t rest;
    memcpy(&prefix, view->prefix, sizeof(prefix));
    memcpy(&rest, view->rest, sizeof(rest));
    if (view->length > STRING_INLINE_MAX || ((rest | prefix) & UINT64_C(0x8080808080808080)) != 0)
        return false;
    prefix = (uint32_t)swap_case(prefix, first, last);
    rest = swap_case(rest, first, last);
    memcpy(view->prefix, &prefix, sizeof(prefix));
    memcpy(view->rest, &rest, sizeof(rest));
    return true;
}

#define CASE_KERNEL(name, first, last, map)                                                        \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        TextWriter writer = text_writer_of(call);                                                  \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            StringView view =                                                                      \
                ((const StringView *)call->args[0]->data)[vector_index(call->args[0], row)];       \
            if (swap_case_in_view(&view, first, last)) {                                           \
                kernel_put_view(call, row, view);                                                  \
                continue;                                                                          \
            }                                                                                      \
            const Str text = kernel_str(call, 0, row);                                             \
            const bool ascii = str_is_ascii(text);                                                 \
            char *const to = text_writer_reserve(&writer, ascii ? text.length : 4 * text.length);  \
            size_t length = text.length;                                                           \
            if (ascii) {                                                                           \
                for (size_t k = 0; k < text.length; k++) {                                         \
                    const char c = text.data[k];                                                   \
                    to[k] = (char)(c ^ (c >= first && c <= last ? 0x20 : 0));                      \
                }                                                                                  \
            } else {                                                                               \
                length = map_unicode(text, map, to);                                               \
            }                                                                                      \
            kernel_put_view(call, row, text_writer_take(&writer, length));                         \
        }                                                                                          \
        return true;                                                                               \
    }
CASE_KERNEL(upper_kernel, 'a', 'z', utf8proc_toupper)
CASE_KERNEL(lower_kernel, 'A', 'Z', utf8proc_tolower)

#define CATEGORY "string"
static const ScalarFunction functions[] = {
    {"||", "STRING || STRING", NULL, bind_join, FUNCTION_HIDDEN | FUNCTION_CAN_FAIL, CATEGORY,
     "Both texts, one behind the other."},
    {"CONCAT", "(STRING...) -> STRING", concat_kernel, NULL, FUNCTION_CAN_FAIL, CATEGORY,
     "All arguments, one behind the other; NULL if any is NULL."},
    {"CONCAT_WS", "(STRING, STRING...) -> STRING", NULL, bind_concat_ws,
     FUNCTION_NULL_AWARE | FUNCTION_CAN_FAIL, CATEGORY,
     "The arguments behind the first, joined by the first; NULLs are left out."},
    {"CHAR_LENGTH", "(STRING) -> INT", char_length_kernel, NULL, 0, CATEGORY,
     "The number of characters."},
    {"CHARACTER_LENGTH", "(STRING) -> INT", char_length_kernel, NULL, 0, CATEGORY,
     "The number of characters."},
    {"UPPER", "(STRING) -> STRING", upper_kernel, NULL, 0, CATEGORY, "The text in upper case."},
    {"LOWER", "(STRING) -> STRING", lower_kernel, NULL, 0, CATEGORY, "The text in lower case."},
    {"SUBSTRING", "(STRING, BIGINT, BIGINT?) -> STRING", substring_kernel, NULL,
     FUNCTION_NULLABLE_RESULT, CATEGORY,
     "The text from a position on, which counts from 1, or from the end when negative."},
    {"SUBSTR", "(STRING, BIGINT, BIGINT?) -> STRING", substring_kernel, NULL,
     FUNCTION_NULLABLE_RESULT, CATEGORY, "The same as SUBSTRING."},
    {"LEFT", "(STRING, BIGINT) -> STRING", left_kernel, NULL, 0, CATEGORY,
     "The first characters of the text."},
    {"RIGHT", "(STRING, BIGINT) -> STRING", right_kernel, NULL, 0, CATEGORY,
     "The last characters of the text."},
    {"TRIM", "(STRING, STRING?) -> STRING", trim_kernel, NULL, 0, CATEGORY,
     "The text without spaces, or the given characters, at both ends."},
    {"BTRIM", "(STRING, STRING?) -> STRING", trim_kernel, NULL, 0, CATEGORY, "The same as TRIM."},
    {"LTRIM", "(STRING, STRING?) -> STRING", ltrim_kernel, NULL, 0, CATEGORY,
     "The text without spaces, or the given characters, at its start."},
    {"RTRIM", "(STRING, STRING?) -> STRING", rtrim_kernel, NULL, 0, CATEGORY,
     "The text without spaces, or the given characters, at its end."},
    {0},
};

extern const FunctionFamily fn_string;
const FunctionFamily fn_string = {functions};
