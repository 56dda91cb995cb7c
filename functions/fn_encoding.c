/* Codes of characters, hexadecimal, binary and base 64, and what kind of text a text is. */
#include <utf8proc.h>

#include "core/decimal.h"
#include "core/str.h"
#include "functions/kernel_internal.h"

static bool ascii_kernel(KernelCall *call, Error *error)
{
    int32_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        utf8proc_int32_t point = 0;
        if (text.length > 0)
            (void)utf8proc_iterate((const utf8proc_uint8_t *)text.data,
                                   (utf8proc_ssize_t)text.length, &point);
        out[row] = point;
    }
    return true;
}

/* Codes beyond 255 start over at 0, negative ones give the empty text. */
static bool chr_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const int64_t code = kernel_i64(call, 0, row);
        char bytes[STRING_INLINE_MAX];
        const utf8proc_ssize_t length =
            code < 0
                ? 0
                : utf8proc_encode_char((utf8proc_int32_t)(code & 0xFF), (utf8proc_uint8_t *)bytes);
        kernel_put_str(call, row, (Str){bytes, (size_t)length});
    }
    return true;
}

/* Digits of a number, `bits` bits each. */
static bool number_rows(KernelCall *call, uint32_t bits)
{
    static const char digits[] = "0123456789ABCDEF";
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        uint64_t rest = (uint64_t)kernel_i64(call, 0, row);
        char text[64];
        char *at = text + sizeof(text);
        do {
            *--at = digits[rest & ((1u << bits) - 1)];
            rest >>= bits;
        } while (rest != 0);
        const size_t length = (size_t)(text + sizeof(text) - at);
        memcpy(text_writer_reserve(&writer, length), at, length);
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

static bool hex_number_kernel(KernelCall *call, Error *error)
{
    return number_rows(call, 4);
}

static bool bin_kernel(KernelCall *call, Error *error)
{
    return number_rows(call, 1);
}

static bool hex_text_kernel(KernelCall *call, Error *error)
{
    static const char digits[] = "0123456789ABCDEF";
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        char *to = text_writer_reserve(&writer, 2 * text.length);
        for (size_t k = 0; k < text.length; k++) {
            to[2 * k] = digits[(uint8_t)text.data[k] >> 4];
            to[2 * k + 1] = digits[(uint8_t)text.data[k] & 15];
        }
        kernel_put_view(call, row, text_writer_take(&writer, 2 * text.length));
    }
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    const char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* An odd number of digits has a 0 before the first. */
static bool unhex_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        char *to = text_writer_reserve(&writer, text.length / 2 + 1);
        size_t length = 0;
        bool valid = true;
        for (size_t k = 0; k < text.length && valid;) {
            const bool alone = k == 0 && text.length % 2 == 1;
            const int high = alone ? 0 : hex_value(text.data[k++]);
            const int low = hex_value(text.data[k++]);
            valid = high >= 0 && low >= 0;
            to[length++] = (char)(valid ? high * 16 + low : 0);
        }
        if (valid)
            kernel_put_view(call, row, text_writer_take(&writer, length));
        else
            kernel_put_null(call, row);
    }
    return true;
}

static const char base64_digits[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static bool to_base64_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        const size_t length = (text.length + 2) / 3 * 4;
        char *to = text_writer_reserve(&writer, length);
        for (size_t k = 0; k < text.length; k += 3) {
            uint32_t word = 0;
            for (size_t b = 0; b < 3; b++)
                word = word << 8 | (k + b < text.length ? (uint8_t)text.data[k + b] : 0);
            for (uint32_t d = 0; d < 4; d++)
                *to++ = k + d > text.length ? '=' : base64_digits[word >> (18 - 6 * d) & 63];
        }
        kernel_put_view(call, row, text_writer_take(&writer, length));
    }
    return true;
}

static int base64_value(char c)
{
    const char *at = c == '\0' ? NULL : strchr(base64_digits, c);
    return at == NULL ? -1 : (int)(at - base64_digits);
}

/* Bytes of base 64 text, or -1. Padding may be missing. */
static int64_t base64_decode(Str text, char *to)
{
    size_t digits = text.length;
    while (digits > 0 && text.length - digits < 2 && text.data[digits - 1] == '=')
        digits--;
    if (digits % 4 == 1 || (digits != text.length && text.length % 4 != 0))
        return -1;
    uint32_t word = 0;
    int64_t length = 0;
    for (size_t k = 0; k < digits; k++) {
        const int value = base64_value(text.data[k]);
        if (value < 0)
            return -1;
        word = word << 6 | (uint32_t)value;
        if (k % 4 != 0)
            to[length++] = (char)(word >> (6 - 2 * (k % 4)));
    }
    return length;
}

/* What decodes to bytes that are no UTF-8 is NULL, as there is no text for them. */
static bool from_base64_kernel(KernelCall *call, Error *error)
{
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const Str text = kernel_str(call, 0, row);
        char *to = text_writer_reserve(&writer, text.length);
        const int64_t length = base64_decode(text, to);
        if (length >= 0 && str_utf8_valid_prefix((Str){to, (size_t)length}) == (size_t)length)
            kernel_put_view(call, row, text_writer_take(&writer, (size_t)length));
        else
            kernel_put_null(call, row);
    }
    return true;
}

/* Whether every code point of a text that is not empty passes. */
static bool all_points(Str text, utf8proc_category_t first, utf8proc_category_t last)
{
    for (size_t at = 0; at < text.length;) {
        utf8proc_int32_t point;
        const utf8proc_ssize_t read = utf8proc_iterate(
            (const utf8proc_uint8_t *)text.data + at, (utf8proc_ssize_t)(text.length - at), &point);
        const utf8proc_category_t category =
            read <= 0 ? UTF8PROC_CATEGORY_CN : utf8proc_category(point);
        if (category < first || category > last)
            return false;
        at += (size_t)read;
    }
    return text.length > 0;
}

static bool text_is_number(Str text)
{
    int128_t value;
    return decimal_parse(str_trim(text), DECIMAL_PRECISION_MAX, 0, &value);
}

#define TEST_KERNEL(name, expression)                                                              \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        uint8_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const Str text = kernel_str(call, 0, row);                                             \
            out[row] = expression;                                                                 \
        }                                                                                          \
        return true;                                                                               \
    }
TEST_KERNEL(is_alpha_kernel, all_points(text, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO))
TEST_KERNEL(is_digit_kernel, all_points(text, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_ND))
TEST_KERNEL(is_decimal_kernel, text_is_number(text))

#define CATEGORY "string"
static const ScalarFunction functions[] = {
    {"ASCII", "(STRING) -> INT", ascii_kernel, NULL, 0, CATEGORY,
     "The code of the first character; 0 of the empty text."},
    {"CHR", "(BIGINT) -> STRING", chr_kernel, NULL, 0, CATEGORY,
     "The character with that code, from 0 to 255."},
    {"HEX", "(BIGINT) -> STRING", hex_number_kernel, NULL, 0, CATEGORY,
     "The integer in hexadecimal."},
    {"HEX", "(STRING|BYTES) -> STRING", hex_text_kernel, NULL, 0, CATEGORY,
     "The bytes in hexadecimal."},
    {"UNHEX", "(STRING) -> BYTES", unhex_kernel, NULL, FUNCTION_NULLABLE_RESULT, CATEGORY,
     "The bytes of a hexadecimal text; NULL if it is none."},
    {"BIN", "(BIGINT) -> STRING", bin_kernel, NULL, 0, CATEGORY, "The integer in binary."},
    {"TO_BASE64", "(STRING) -> STRING", to_base64_kernel, NULL, 0, CATEGORY,
     "The text in base 64."},
    {"FROM_BASE64", "(STRING) -> STRING", from_base64_kernel, NULL, FUNCTION_NULLABLE_RESULT,
     CATEGORY, "The text of a base 64 text; NULL if it is none."},
    {"IS_ALPHA", "(STRING) -> BOOLEAN", is_alpha_kernel, NULL, 0, "conditional",
     "Whether the text consists of letters."},
    {"IS_DIGIT", "(STRING) -> BOOLEAN", is_digit_kernel, NULL, 0, "conditional",
     "Whether the text consists of digits."},
    {"IS_DECIMAL", "(STRING) -> BOOLEAN", is_decimal_kernel, NULL, 0, "conditional",
     "Whether the text reads as a number."},
    {0},
};

extern const FunctionFamily fn_encoding;
const FunctionFamily fn_encoding = {functions};
