/* Values in text formats: numbers by hand, the rest through core/value_text.h. */
#include "formats/format_text.h"

#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"
#include "formats/format.h"

/* Digits that fit a positive int64 whatever they are. */
#define FAST_DIGITS       18
#define MICROS_PER_MINUTE (INT64_C(60) * MICROS_PER_SECOND)
#define QUOTE_MAX         100

static bool read_error(const Type *type, Str text, const char *why, Error *error)
{
    Buffer name = {0}, quoted = {0};
    type_print(type, &name);
    buffer_append_excerpt(&quoted, text, QUOTE_MAX);
    error_set(error, ERROR_DATA, "cannot read \"%s\" as %s%s", buffer_text(&quoted),
              buffer_text(&name), why);
    buffer_deinit(&name);
    buffer_deinit(&quoted);
    return false;
}

/* An optional minus and up to 18 digits. */
static bool read_short_integer(Str text, int64_t *out)
{
    bool negative = text.length != 0 && text.data[0] == '-';
    size_t start = negative ? 1 : 0;
    size_t digits = text.length - start;
    if (digits == 0 || digits > FAST_DIGITS)
        return false;
    int64_t value = 0;
    for (size_t i = start; i < text.length; i++) {
        uint32_t digit = (uint32_t)(uint8_t)text.data[i] - '0';
        if (digit > 9)
            return false;
        value = value * 10 + digit;
    }
    *out = negative ? -value : value;
    return true;
}

static bool store_integer(Vector *vector, uint32_t row, int64_t value)
{
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        ((int8_t *)vector->data)[row] = (int8_t)value;
        return value == (int8_t)value;
    case PHYSICAL_I16:
        ((int16_t *)vector->data)[row] = (int16_t)value;
        return value == (int16_t)value;
    case PHYSICAL_I32:
        ((int32_t *)vector->data)[row] = (int32_t)value;
        return value == (int32_t)value;
    default:
        ((int64_t *)vector->data)[row] = value;
        return true;
    }
}

/* "12.5" for DECIMAL(p <= 18, s >= 1): no rounding, no exponent. */
static bool read_short_decimal(const Type *type, Str text, int64_t *out)
{
    bool negative = text.length != 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    int64_t value = 0;
    uint32_t digits = 0, fraction = 0;
    bool point = false;
    for (; at < text.length; at++) {
        uint32_t digit = (uint32_t)(uint8_t)text.data[at] - '0';
        if (text.data[at] == '.' && !point) {
            point = true;
            continue;
        }
        if (digit > 9 || ++digits > FAST_DIGITS)
            return false;
        value = value * 10 + digit;
        fraction += point ? 1 : 0;
    }
    if (digits == 0 || fraction > type->scale || digits - fraction + type->scale > FAST_DIGITS)
        return false;
    for (; fraction < type->scale; fraction++)
        value *= 10;
    *out = negative ? -value : value;
    return decimal_fits(value, type->precision);
}

/* Takes "Z" or "+02:00" off the end; `micros` is how far the text is ahead of UTC. */
static bool take_offset(Str *text, int64_t *micros)
{
    *micros = 0;
    const char *end = text->data + text->length;
    if (text->length != 0 && (end[-1] == 'Z' || end[-1] == 'z')) {
        text->length--;
        return true;
    }
    /* A date alone is ten characters: its dashes are no signs of an offset. */
    if (text->length < 16 || (end[-6] != '+' && end[-6] != '-') || end[-3] != ':')
        return false;
    int64_t hours, minutes;
    if (!read_short_integer((Str){end - 5, 2}, &hours) ||
        !read_short_integer((Str){end - 2, 2}, &minutes) || hours > 18 || minutes > 59)
        return false;
    *micros = (hours * 60 + minutes) * MICROS_PER_MINUTE * (end[-6] == '-' ? -1 : 1);
    text->length -= 6;
    return true;
}

static bool form_fits(Str text, TimestampForm form)
{
    const char *separator = text.length == 0 ? NULL : memchr(text.data, 'T', text.length);
    if (form == TIMESTAMP_FORM_SQL)
        return separator == NULL;
    return form == TIMESTAMP_FORM_ANY || separator != NULL;
}

static bool read_timestamp(Vector *vector, uint32_t row, Str text, TimestampForm form,
                           const TimeZone *zone, Arena *arena, Error *error)
{
    const Type *type = vector->type;
    text = str_trim(text);
    if (!form_fits(text, form))
        return read_error(type, text,
                          form == TIMESTAMP_FORM_ISO ? ": no \"T\" between date and time"
                                                     : ": a \"T\" between date and time",
                          error) ||
               error_hint(error, "Set the option timestamp-format.standard of the format to '%s'.",
                          form == TIMESTAMP_FORM_ISO ? "SQL" : "ISO-8601");
    int64_t ahead;
    Str local = text;
    if (type->kind != TYPE_TIMESTAMP_LTZ || !take_offset(&local, &ahead))
        return value_parse(vector, row, text, zone, arena, error);
    if (!value_parse(vector, row, local, NULL, arena, error))
        return false;
    if (type->physical == PHYSICAL_I64)
        ((int64_t *)vector->data)[row] -= ahead;
    else
        ((int128_t *)vector->data)[row] -= (int128_t)ahead * 1000;
    return true;
}

static int base64_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '+' ? 62 : c == '/' ? 63 : -1;
}

static bool read_base64(Vector *vector, uint32_t row, Str text, const TimeZone *zone, Arena *arena,
                        Error *error)
{
    size_t length = text.length;
    while (length != 0 && text.data[length - 1] == '=' && text.length - length < 2)
        length--;
    if (text.length % 4 != 0 || length % 4 == 1)
        return read_error(vector->type, text, ": no base64", error);
    char *bytes = arena_alloc(arena, length);
    size_t count = 0;
    uint32_t bits = 0, held = 0;
    for (size_t i = 0; i < length; i++) {
        int value = base64_value(text.data[i]);
        if (value < 0)
            return read_error(vector->type, text, ": no base64", error);
        held = held << 6 | (uint32_t)value;
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            bytes[count++] = (char)(held >> bits);
        }
    }
    return value_parse(vector, row, (Str){bytes, count}, zone, arena, error);
}

bool format_text_read_integer(Vector *vector, uint32_t row, Str text)
{
    int64_t number;
    if (!read_short_integer(text, &number) || !store_integer(vector, row, number))
        return false;
    vector_set_valid(vector, row);
    return true;
}

bool format_text_read(Vector *vector, uint32_t row, Str text, TimestampForm form,
                      const TimeZone *zone, Arena *arena, Error *error)
{
    const Type *type = vector->type;
    int64_t number;
    switch (type->kind) {
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        if (format_text_read_integer(vector, row, text))
            return true;
        break;
    case TYPE_DECIMAL:
        if (type->physical == PHYSICAL_I64 && read_short_decimal(type, text, &number)) {
            ((int64_t *)vector->data)[row] = number;
            vector_set_valid(vector, row);
            return true;
        }
        break;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
        if (str_utf8_valid_prefix(text) != text.length)
            return read_error(type, text, ": invalid UTF-8", error);
        break;
    case TYPE_BINARY:
    case TYPE_VARBINARY:
        return read_base64(vector, row, text, zone, arena, error);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        return read_timestamp(vector, row, text, form, zone, arena, error);
    default:
        break;
    }
    return value_parse(vector, row, text, zone, arena, error);
}

static void print_base64(Str bytes, Buffer *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    char *to = buffer_reserve(out, (bytes.length + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.length; i += 3) {
        size_t left = bytes.length - i;
        uint32_t group = (uint32_t)(uint8_t)bytes.data[i] << 16;
        group |= left > 1 ? (uint32_t)(uint8_t)bytes.data[i + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(uint8_t)bytes.data[i + 2] : 0;
        *to++ = digits[group >> 18];
        *to++ = digits[group >> 12 & 63];
        *to++ = left > 1 ? digits[group >> 6 & 63] : '=';
        *to++ = left > 2 ? digits[group & 63] : '=';
    }
    out->length = (size_t)(to - out->data);
}

/* BigDecimal.toString: an exponent when the first digit stands past the sixth place. */
static void print_decimal_scientific(int128_t value, uint32_t scale, Buffer *out)
{
    Buffer digits = {0};
    decimal_print(value < 0 ? -value : value, 0, &digits);
    int64_t exponent = (int64_t)digits.length - 1 - (int64_t)scale;
    if (exponent >= -6) {
        decimal_print(value, scale, out);
    } else {
        if (value < 0)
            buffer_append_char(out, '-');
        buffer_append_char(out, digits.data[0]);
        if (digits.length > 1) {
            buffer_append_char(out, '.');
            buffer_append(out, digits.data + 1, digits.length - 1);
        }
        buffer_append_char(out, 'E');
        buffer_append_i64(out, exponent);
    }
    buffer_deinit(&digits);
}

static void print_timestamp(const Vector *vector, uint32_t row, TimestampForm form, Buffer *out)
{
    size_t start = out->length;
    value_print(vector, row, NULL, out);
    if (form == TIMESTAMP_FORM_ISO) {
        char *space = memchr(out->data + start, ' ', out->length - start);
        if (space != NULL)
            *space = 'T';
    }
    if (vector->type->kind == TYPE_TIMESTAMP_LTZ)
        buffer_append_char(out, 'Z');
}

void format_text_print(const Vector *vector, uint32_t row, TimestampForm form,
                       bool decimal_scientific, Buffer *out)
{
    const Type *type = vector->type;
    if (type_is_bytes(type)) {
        print_base64(vector_str(vector, row), out);
    } else if (type_is_timestamp(type)) {
        print_timestamp(vector, row, form, out);
    } else if (type->kind == TYPE_DECIMAL && decimal_scientific) {
        uint32_t index = vector_index(vector, row);
        int128_t value = type->physical == PHYSICAL_I64 ? ((const int64_t *)vector->data)[index]
                                                        : ((const int128_t *)vector->data)[index];
        print_decimal_scientific(value, type->scale, out);
    } else if (type->kind == TYPE_BOOLEAN) {
        buffer_append_text(out, ((const uint8_t *)vector->data)[vector_index(vector, row)] != 0
                                    ? "true"
                                    : "false");
    } else {
        value_print(vector, row, NULL, out);
    }
}

uint64_t format_text_count_lines(Str text)
{
    uint64_t lines = 0;
    const char *end = text.data + text.length;
    for (const char *at = text.data; at != end;) {
        const char *found = memchr(at, '\n', (size_t)(end - at));
        if (found == NULL)
            break;
        lines++;
        at = found + 1;
    }
    return lines;
}

size_t format_text_behind(Str text, size_t from, char character)
{
    size_t before = from == 0 ? 0 : from - 1;
    if (before >= text.length)
        return RECORD_NOT_FOUND;
    const char *found = memchr(text.data + before, character, text.length - before);
    return found == NULL ? RECORD_NOT_FOUND : (size_t)(found - text.data) + 1;
}
