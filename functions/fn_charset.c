/* Text in other encodings: ENCODE, DECODE, IS_VALID_UTF8, MAKE_VALID_UTF8.
 *
 * The encodings are those that every Java has. What an encoding has no code for becomes "?", bytes
 * that mean nothing in it become U+FFFD, as Java replaces them.
 * Cost: one pass over a row's text, character by character; UTF-8 is only checked. */
#include <utf8proc.h>

#include "core/str.h"
#include "functions/kernel_internal.h"

#define REPLACEMENT 0xFFFD

typedef enum Charset {
    CHARSET_ASCII,
    CHARSET_LATIN1,
    CHARSET_UTF8,
    CHARSET_UTF16BE,
    CHARSET_UTF16LE,
    CHARSET_UTF16 /* with a byte order mark */
} Charset;

static bool charset_of(KernelCall *call, uint32_t row, Charset *charset, Error *error)
{
    static const struct {
        const char *name;
        Charset charset;
    } names[] = {
        {"UTF-8", CHARSET_UTF8},       {"UTF8", CHARSET_UTF8},         {"US-ASCII", CHARSET_ASCII},
        {"ASCII", CHARSET_ASCII},      {"ISO-8859-1", CHARSET_LATIN1}, {"LATIN1", CHARSET_LATIN1},
        {"UTF-16BE", CHARSET_UTF16BE}, {"UTF-16LE", CHARSET_UTF16LE},  {"UTF-16", CHARSET_UTF16}};
    const Str name = kernel_str(call, 1, row);
    for (size_t i = 0; i < array_count(names); i++)
        if (str_equal_nocase(name, str_of(names[i].name))) {
            *charset = names[i].charset;
            return true;
        }
    kernel_fail(call, row, error, ERROR_DATA, "unknown character set \"%.*s\"",
                (int)u64_min(name.length, 60), name.data);
    return error_hint(error, "There are US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE, UTF-16.");
}

static void append_unit(Buffer *out, uint32_t unit, bool little)
{
    buffer_append_char(out, (char)(little ? unit & 0xFF : unit >> 8));
    buffer_append_char(out, (char)(little ? unit >> 8 : unit & 0xFF));
}

static void encode_point(Charset charset, uint32_t point, Buffer *out)
{
    const bool little = charset == CHARSET_UTF16LE;
    if (charset == CHARSET_ASCII || charset == CHARSET_LATIN1) {
        buffer_append_char(out,
                           point < (charset == CHARSET_ASCII ? 0x80 : 0x100) ? (char)point : '?');
    } else if (point < 0x10000) {
        append_unit(out, point, little);
    } else {
        append_unit(out, 0xD800 | (point - 0x10000) >> 10, little);
        append_unit(out, 0xDC00 | ((point - 0x10000) & 0x3FF), little);
    }
}

static void encode(Charset charset, Str text, Buffer *out)
{
    if (charset == CHARSET_UTF16 && text.length != 0)
        append_unit(out, 0xFEFF, false);
    for (size_t at = 0; at < text.length;) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t bytes = utf8proc_iterate(
            (const utf8proc_uint8_t *)text.data + at, (utf8proc_ssize_t)(text.length - at), &point);
        encode_point(charset, bytes < 0 ? REPLACEMENT : (uint32_t)point, out);
        at += bytes < 0 ? 1 : (size_t)bytes;
    }
}

static void append_point(Buffer *out, uint32_t point)
{
    const utf8proc_ssize_t bytes =
        utf8proc_encode_char((utf8proc_int32_t)point, (utf8proc_uint8_t *)buffer_reserve(out, 4));
    out->length += (size_t)bytes;
}

/* Well-formed stretches as they are, U+FFFD for each byte that is not. */
static void make_valid(Str text, Buffer *out)
{
    while (text.length != 0) {
        const size_t valid = str_utf8_valid_prefix(text);
        buffer_append_str(out, (Str){text.data, valid});
        if (valid == text.length)
            return;
        append_point(out, REPLACEMENT);
        text = (Str){text.data + valid + 1, text.length - valid - 1};
    }
}

static void decode_utf16(Str bytes, bool little, Buffer *out)
{
    uint32_t high = 0; /* a first half that waits for its second */
    for (size_t at = 0; at + 1 < bytes.length; at += 2) {
        const uint32_t a = (uint8_t)bytes.data[at], b = (uint8_t)bytes.data[at + 1];
        const uint32_t unit = little ? b << 8 | a : a << 8 | b;
        const bool second = (unit & 0xFC00) == 0xDC00;
        if (high != 0 && second) {
            append_point(out, 0x10000 + ((high & 0x3FF) << 10 | (unit & 0x3FF)));
            high = 0;
            continue;
        }
        if (high != 0)
            append_point(out, REPLACEMENT);
        high = (unit & 0xFC00) == 0xD800 ? unit : 0;
        if (high == 0)
            append_point(out, second ? REPLACEMENT : unit);
    }
    if (high != 0 || bytes.length % 2 != 0)
        append_point(out, REPLACEMENT);
}

static void decode(Charset charset, Str bytes, Buffer *out)
{
    bool little = charset == CHARSET_UTF16LE;
    if (charset == CHARSET_UTF8) {
        make_valid(bytes, out);
    } else if (charset == CHARSET_ASCII || charset == CHARSET_LATIN1) {
        const uint32_t end = charset == CHARSET_ASCII ? 0x80 : 0x100;
        for (size_t i = 0; i < bytes.length; i++) {
            const uint32_t code = (uint8_t)bytes.data[i];
            append_point(out, code < end ? code : REPLACEMENT);
        }
    } else {
        const bool marked = charset == CHARSET_UTF16 && bytes.length >= 2;
        little = little || (marked && memcmp(bytes.data, "\xFF\xFE", 2) == 0);
        const bool skips = marked && (little || memcmp(bytes.data, "\xFE\xFF", 2) == 0);
        decode_utf16(skips ? (Str){bytes.data + 2, bytes.length - 2} : bytes, little, out);
    }
}

static bool convert_rows(KernelCall *call, void (*convert)(Charset charset, Str from, Buffer *to),
                         Error *error)
{
    Buffer text = {0};
    bool ok = true;
    for (uint32_t i = 0; i < call->row_count && ok; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str from = kernel_str(call, 0, row);
        Charset charset = CHARSET_UTF8;
        ok = charset_of(call, row, &charset, error);
        if (!ok)
            break;
        if (charset == CHARSET_UTF8 && str_utf8_valid_prefix(from) == from.length) {
            kernel_put_str(call, row, from);
            continue;
        }
        buffer_clear(&text);
        convert(charset, from, &text);
        kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
    }
    buffer_deinit(&text);
    return ok;
}

static bool encode_kernel(KernelCall *call, Error *error)
{
    return convert_rows(call, encode, error);
}

static bool decode_kernel(KernelCall *call, Error *error)
{
    return convert_rows(call, decode, error);
}

static bool is_valid_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str bytes = kernel_str(call, 0, row);
        ((uint8_t *)call->out->data)[row] = str_utf8_valid_prefix(bytes) == bytes.length;
    }
    return true;
}

static bool make_valid_kernel(KernelCall *call, Error *error)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        buffer_clear(&text);
        make_valid(kernel_str(call, 0, row), &text);
        kernel_put_view(call, row, string_view_copy(call->arena, text.data, text.length));
    }
    buffer_deinit(&text);
    return true;
}

#define CATEGORY "string"
static const ScalarFunction functions[] = {
    {"ENCODE", "(STRING, STRING) -> BYTES", encode_kernel, NULL, FUNCTION_CAN_FAIL, CATEGORY,
     "The text's bytes in a character set: US-ASCII, ISO-8859-1, UTF-8, UTF-16BE, UTF-16LE or "
     "UTF-16."},
    {"DECODE", "(BYTES, STRING) -> STRING", decode_kernel, NULL, FUNCTION_CAN_FAIL, CATEGORY,
     "The text of bytes in a character set, one of those that ENCODE has."},
    {"IS_VALID_UTF8", "(BYTES) -> BOOLEAN", is_valid_kernel, NULL, 0, CATEGORY,
     "Whether the bytes are well-formed UTF-8."},
    {"MAKE_VALID_UTF8", "(BYTES) -> STRING", make_valid_kernel, NULL, 0, CATEGORY,
     "The bytes as text; U+FFFD stands for each byte that is not well-formed UTF-8."},
    {0},
};

extern const FunctionFamily fn_charset;
const FunctionFamily fn_charset = {functions};
