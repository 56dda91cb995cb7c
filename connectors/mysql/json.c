/* Binary JSON (MySQL 5.7 and later) as the text the server itself gives.
 *
 *     value   type byte, then by type: numbers in place, strings with their length, objects and
 * arrays as count, size, entries (offset and length of keys; type and offset, or the value itself
 * when it is small), then keys and values
 *
 * Offsets count from the object's or array's count, two bytes each in the small form, four in the
 * large. Every offset is checked; nesting ends at the server's own limit.
 * Cost: one pass, written straight into the buffer. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/json_internal.h"
#include "connectors/mysql/value.h"
#include "core/decimal.h"

void mysql_json_print_string(const uint8_t *text, size_t length, Buffer *out)
{
    static const char escapes[] = "\b\f\n\r\t";
    static const char letters[] = "bfnrt";
    buffer_append_char(out, '"');
    for (size_t i = 0; i < length; i++) {
        char c = (char)text[i];
        const char *escape = c == '\0' ? NULL : strchr(escapes, c);
        if (c == '"' || c == '\\') {
            buffer_append_char(out, '\\');
            buffer_append_char(out, c);
        } else if (escape != NULL) {
            buffer_append_char(out, '\\');
            buffer_append_char(out, letters[escape - escapes]);
        } else if ((uint8_t)c < 0x20) {
            buffer_printf(out, "\\u%04x", (unsigned int)(uint8_t)c);
        } else {
            buffer_append_char(out, c);
        }
    }
    buffer_append_char(out, '"');
}

/* The fewest digits that read back as the same number. */
static int shortest_digits(double value, char *text, size_t size)
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(text, size, "%.*e", digits - 1, value);
        if (strtod(text, NULL) == value)
            return digits;
    }
    return 17;
}

/* As the servers print a double: plain between 1e-15 and 1e15, else with an exponent; whole numbers
 * keep ".0" so that they stay doubles. */
static void print_double(double value, Buffer *out)
{
    char text[40];
    int digits = shortest_digits(value, text, sizeof(text));
    const char *mark = strchr(text, 'e');
    int exponent = mark == NULL ? 0 : atoi(mark + 1);
    if (exponent >= 15 || exponent < -15) {
        size_t length = (size_t)(mark - text);
        buffer_append(out, text, length);
        buffer_printf(out, "e%d", exponent);
        return;
    }
    int behind = digits - 1 - exponent;
    if (behind <= 0)
        buffer_printf(out, "%.0f.0", value);
    else
        buffer_printf(out, "%.*f", behind, value);
}

/* Seven bits a byte, the lowest first. */
static bool read_length(JsonInput *input, size_t *length)
{
    uint64_t value = 0;
    for (size_t i = 0; i < 5 && i < input->length; i++) {
        value |= (uint64_t)(input->bytes[i] & 0x7F) << (7 * i);
        if ((input->bytes[i] & 0x80) != 0)
            continue;
        input->bytes += i + 1;
        input->length -= i + 1;
        *length = (size_t)value;
        return value <= input->length;
    }
    return false;
}

static void print_base64(const uint8_t *bytes, size_t length, Buffer *out)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        uint32_t group = (uint32_t)bytes[i] << 16;
        if (i + 1 < length)
            group |= (uint32_t)bytes[i + 1] << 8;
        if (i + 2 < length)
            group |= bytes[i + 2];
        buffer_append_char(out, letters[group >> 18]);
        buffer_append_char(out, letters[group >> 12 & 63]);
        buffer_append_char(out, i + 1 < length ? letters[group >> 6 & 63] : '=');
        buffer_append_char(out, i + 2 < length ? letters[group & 63] : '=');
    }
}

/* Temporal values are packed: (((year * 13 + month) * 32 + day) * 2^17 + clock) * 2^24 + micros. */
static void print_temporal(uint8_t type, const uint8_t *bytes, Buffer *out)
{
    int64_t packed = (int64_t)binlog_u(bytes, 8);
    bool negative = packed < 0;
    uint64_t magnitude = negative ? 0 - (uint64_t)packed : (uint64_t)packed;
    uint32_t micros = (uint32_t)(magnitude & 0xFFFFFF);
    uint64_t whole = magnitude >> 24;
    uint32_t seconds = (uint32_t)(whole & 63);
    uint32_t minutes = (uint32_t)(whole >> 6 & 63);
    buffer_append_char(out, '"');
    if (type == MYSQL_TIME_OLD || type == MYSQL_TIME2) {
        mysql_time_print(
            mysql_time_micros(negative, (uint32_t)(whole >> 12 & 1023), minutes, seconds, micros),
            6, out);
    } else {
        uint64_t date = whole >> 17;
        uint64_t month = date >> 5;
        buffer_printf(out, "%04" PRIu64 "-%02" PRIu64 "-%02" PRIu64, month / 13, month % 13,
                      date & 31);
        if (type != MYSQL_DATE)
            buffer_printf(out, " %02u:%02u:%02u.%06u", (uint32_t)(whole >> 12 & 31), minutes,
                          seconds, micros);
    }
    buffer_append_char(out, '"');
}

static bool print_decimal(JsonInput input, Buffer *out)
{
    if (input.length < 2)
        return false;
    TableMapColumn map = {.type = MYSQL_NEWDECIMAL,
                          .metadata = (uint16_t)(input.bytes[0] | input.bytes[1] << 8)};
    MysqlColumn column = {.name = "", .class = CLASS_DECIMAL};
    const uint8_t *at = input.bytes + 2;
    MysqlValue value;
    Buffer scratch = {0};
    bool good =
        mysql_value_decode(&map, &column, &at, input.bytes + input.length, &scratch, &value, NULL);
    if (good && value.kind == VALUE_DECIMAL)
        decimal_print(value.decimal, value.scale, out);
    else if (good)
        buffer_append_str(out, value.text);
    buffer_deinit(&scratch);
    return good;
}

/* A value of a column type that JSON itself does not have. */
static bool print_opaque(JsonInput input, Buffer *out)
{
    size_t length = 0;
    if (input.length < 1)
        return false;
    uint8_t type = input.bytes[0];
    JsonInput rest = {input.bytes + 1, input.length - 1};
    if (!read_length(&rest, &length))
        return false;
    rest.length = length;
    switch (type) {
    case MYSQL_NEWDECIMAL:
        return print_decimal(rest, out);
    case MYSQL_DATE:
    case MYSQL_TIME_OLD:
    case MYSQL_DATETIME_OLD:
    case MYSQL_TIMESTAMP_OLD:
        if (length != 8)
            return false;
        print_temporal(type, rest.bytes, out);
        return true;
    default:
        buffer_printf(out, "\"base64:type%u:", type);
        print_base64(rest.bytes, length, out);
        buffer_append_char(out, '"');
        return true;
    }
}

/* Numbers and literals small enough stand in the entry itself. */
static bool is_inline(uint8_t type, bool large)
{
    return type == JSON_LITERAL || type == JSON_INT16 || type == JSON_UINT16 ||
           (large && (type == JSON_INT32 || type == JSON_UINT32));
}

bool mysql_json_open(JsonPiece piece, JsonContainer *container)
{
    bool large = piece.type == JSON_LARGE_OBJECT || piece.type == JSON_LARGE_ARRAY;
    bool object = piece.type == JSON_SMALL_OBJECT || piece.type == JSON_LARGE_OBJECT;
    uint32_t width = large ? 4 : 2;
    if (piece.input.length < 2 * width)
        return false;
    uint64_t count = binlog_u(piece.input.bytes, width);
    uint64_t size = binlog_u(piece.input.bytes + width, width);
    uint64_t key_bytes = object ? width + 2 : 0;
    if (size > piece.input.length || 2 * width + count * (key_bytes + width + 1) > size)
        return false;
    container->whole = (JsonInput){piece.input.bytes, (size_t)size};
    container->object = object;
    container->width = width;
    container->count = (uint32_t)count;
    container->keys = piece.input.bytes + 2 * width;
    container->values = container->keys + count * key_bytes;
    return true;
}

bool mysql_json_key(const JsonContainer *container, uint32_t i, Str *key)
{
    uint32_t width = container->width;
    const uint8_t *entry = container->keys + (uint64_t)i * (width + 2);
    uint64_t offset = binlog_u(entry, width);
    uint64_t length = binlog_u(entry + width, 2);
    size_t size = container->whole.length;
    if (offset > size || length > size - offset)
        return false;
    *key = (Str){(const char *)container->whole.bytes + offset, (size_t)length};
    return true;
}

bool mysql_json_child(const JsonContainer *container, uint32_t i, JsonPiece *child)
{
    uint32_t width = container->width;
    const JsonInput *whole = &container->whole;
    const uint8_t *entry = container->values + (uint64_t)i * (width + 1);
    child->type = entry[0];
    if (is_inline(child->type, width == 4)) {
        child->input = (JsonInput){entry + 1, width};
        return true;
    }
    uint64_t offset = binlog_u(entry + 1, width);
    if (offset >= whole->length)
        return false;
    child->input = (JsonInput){whole->bytes + offset, whole->length - offset};
    return true;
}

static bool print_container(JsonPiece piece, uint32_t depth, Buffer *out)
{
    JsonContainer container;
    if (depth > JSON_DEPTH_MAX || !mysql_json_open(piece, &container))
        return false;
    buffer_append_char(out, container.object ? '{' : '[');
    for (uint32_t i = 0; i < container.count; i++) {
        JsonPiece child;
        if (i > 0)
            buffer_append_text(out, ", ");
        if (container.object) {
            Str key;
            if (!mysql_json_key(&container, i, &key))
                return false;
            mysql_json_print_string((const uint8_t *)key.data, key.length, out);
            buffer_append_text(out, ": ");
        }
        if (!mysql_json_child(&container, i, &child) || !mysql_json_print_piece(child, depth, out))
            return false;
    }
    buffer_append_char(out, container.object ? '}' : ']');
    return true;
}

static bool print_literal(JsonInput input, Buffer *out)
{
    static const char *const names[] = {"null", "true", "false"};
    if (input.length < 1 || input.bytes[0] > 2)
        return false;
    buffer_append_text(out, names[input.bytes[0]]);
    return true;
}

/* The bytes a number of this type takes; 0 for other types. */
static uint32_t number_bytes(uint8_t type)
{
    switch (type) {
    case JSON_INT16:
    case JSON_UINT16:
        return 2;
    case JSON_INT32:
    case JSON_UINT32:
        return 4;
    case JSON_INT64:
    case JSON_UINT64:
    case JSON_DOUBLE:
        return 8;
    default:
        return 0;
    }
}

static void print_number(uint8_t type, uint64_t raw, Buffer *out)
{
    double number = 0;
    switch (type) {
    case JSON_INT16:
        buffer_printf(out, "%d", (int16_t)raw);
        break;
    case JSON_INT32:
        buffer_printf(out, "%" PRId32, (int32_t)raw);
        break;
    case JSON_INT64:
        buffer_printf(out, "%" PRId64, (int64_t)raw);
        break;
    case JSON_DOUBLE:
        memcpy(&number, &raw, 8);
        print_double(number, out);
        break;
    default:
        buffer_printf(out, "%" PRIu64, raw);
        break;
    }
}

bool mysql_json_print_piece(JsonPiece piece, uint32_t depth, Buffer *out)
{
    JsonInput input = piece.input;
    uint32_t bytes = number_bytes(piece.type);
    size_t length = 0;
    if (bytes > 0) {
        if (input.length < bytes)
            return false;
        print_number(piece.type, binlog_u(input.bytes, bytes), out);
        return true;
    }
    switch (piece.type) {
    case JSON_SMALL_OBJECT:
    case JSON_LARGE_OBJECT:
    case JSON_SMALL_ARRAY:
    case JSON_LARGE_ARRAY:
        return print_container(piece, depth + 1, out);
    case JSON_LITERAL:
        return print_literal(input, out);
    case JSON_STRING:
        if (!read_length(&input, &length))
            return false;
        mysql_json_print_string(input.bytes, length, out);
        return true;
    case JSON_OPAQUE:
        return print_opaque(input, out);
    default:
        return false;
    }
}

JsonPiece mysql_json_piece(Str bytes)
{
    static const uint8_t null_literal = 0;
    if (bytes.length == 0) /* what the server stores where a NOT NULL column was left out */
        return (JsonPiece){JSON_LITERAL, {&null_literal, 1}};
    const uint8_t *at = (const uint8_t *)bytes.data;
    return (JsonPiece){at[0], {at + 1, bytes.length - 1}};
}

bool mysql_json_print(const uint8_t *bytes, size_t length, Buffer *out)
{
    return mysql_json_print_piece(mysql_json_piece((Str){(const char *)bytes, length}), 0, out);
}
