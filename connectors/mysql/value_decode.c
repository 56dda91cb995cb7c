/* Row images of the binlog to values, type by type.
 *
 * Invariant: a value is read only when all its bytes lie before `end`.
 * Cost: one switch per value; text in UTF-8 is borrowed from the event. */
#include <inttypes.h>
#include <string.h>
#include <zlib.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/value.h"
#include "core/decimal.h"

/* Bytes that hold a group's 0 to 9 digits. */
static const uint8_t decimal_bytes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

static uint32_t decimal_size(uint32_t precision, uint32_t scale)
{
    uint32_t whole = precision - scale;
    return whole / 9 * 4 + decimal_bytes[whole % 9] + scale / 9 * 4 + decimal_bytes[scale % 9];
}

static uint64_t big_endian(const uint8_t *bytes, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++)
        value = value << 8 | bytes[i];
    return value;
}

static uint32_t fraction_bytes(uint32_t digits)
{
    return (digits + 1) / 2;
}

/* Bytes of the length in front of a string that holds up to `max` bytes. */
static uint32_t length_bytes(uint32_t max)
{
    return max < 256 ? 1 : 2;
}

/* Length of the length, for types that have one; 0 for the others. */
static uint32_t prefix_bytes(const TableMapColumn *map)
{
    switch (map->type) {
    case MYSQL_VARCHAR:
    case MYSQL_VAR_STRING:
    case MYSQL_VARCHAR_COMPRESSED:
    case MYSQL_STRING:
        return length_bytes(map->metadata);
    case MYSQL_TINY_BLOB:
        return 1;
    case MYSQL_MEDIUM_BLOB:
        return 3;
    case MYSQL_LONG_BLOB:
        return 4;
    case MYSQL_BLOB:
    case MYSQL_GEOMETRY:
    case MYSQL_JSON:
    case MYSQL_VECTOR:
    case MYSQL_BLOB_COMPRESSED:
        return map->metadata;
    default:
        return 0;
    }
}

/* Size of types whose size does not depend on the value; -1: it does, -2: not known. */
static int64_t fixed_bytes(const TableMapColumn *map)
{
    switch (map->type) {
    case MYSQL_NULL:
    case MYSQL_TYPED_ARRAY:
        return 0;
    case MYSQL_TINY:
    case MYSQL_YEAR:
        return 1;
    case MYSQL_SHORT:
        return 2;
    case MYSQL_INT24:
    case MYSQL_DATE:
    case MYSQL_TIME_OLD:
        return 3;
    case MYSQL_LONG:
    case MYSQL_FLOAT:
    case MYSQL_TIMESTAMP_OLD:
        return 4;
    case MYSQL_LONGLONG:
    case MYSQL_DOUBLE:
    case MYSQL_DATETIME_OLD:
        return 8;
    case MYSQL_TIMESTAMP2:
        return map->metadata > 6 ? -2 : 4 + (int64_t)fraction_bytes(map->metadata);
    case MYSQL_DATETIME2:
        return map->metadata > 6 ? -2 : 5 + (int64_t)fraction_bytes(map->metadata);
    case MYSQL_TIME2:
        return map->metadata > 6 ? -2 : 3 + (int64_t)fraction_bytes(map->metadata);
    case MYSQL_BIT: {
        uint32_t bits = map->metadata & 0xFF;
        uint32_t bytes = map->metadata >> 8;
        return bits > 7 || bytes > 8 ? -2 : (int64_t)bytes + (bits > 0);
    }
    case MYSQL_NEWDECIMAL: {
        uint32_t precision = map->metadata & 0xFF;
        uint32_t scale = map->metadata >> 8;
        return precision == 0 || precision > 81 || scale > precision
                   ? -2
                   : (int64_t)decimal_size(precision, scale);
    }
    case MYSQL_ENUM:
    case MYSQL_SET:
        return map->metadata == 0 || map->metadata > 8 ? -2 : map->metadata;
    default: {
        uint32_t prefix = prefix_bytes(map);
        return prefix >= 1 && prefix <= 4 ? -1 : -2;
    }
    }
}

int64_t mysql_value_fixed_bytes(const TableMapColumn *map)
{
    return fixed_bytes(map);
}

int64_t mysql_value_bytes(const TableMapColumn *map, const uint8_t *at, const uint8_t *end)
{
    int64_t bytes = fixed_bytes(map);
    if (bytes == -1) {
        uint32_t prefix = prefix_bytes(map);
        if ((size_t)(end - at) < prefix)
            return -1;
        bytes = prefix + (int64_t)binlog_u(at, prefix);
    }
    return bytes < 0 || bytes > end - at ? -1 : bytes;
}

/* ---------------------------------------------------------------- numbers */

static void decode_integer(const MysqlColumn *column, const uint8_t *at, uint32_t bytes,
                           MysqlValue *value)
{
    uint64_t raw = binlog_u(at, bytes);
    if (column->is_unsigned) {
        value->kind = VALUE_UINT;
        value->u = raw;
        return;
    }
    uint32_t shift = 64 - 8 * bytes;
    value->kind = VALUE_INT;
    value->i = (int64_t)(raw << shift) >> shift;
}

/* Digits of up to 9 per group, the first one short; the sign is the inverted top bit, and a
 * negative number has all its bytes inverted. */
static void decode_decimal(uint32_t precision, uint32_t scale, const uint8_t *at, uint32_t bytes,
                           Buffer *scratch, MysqlValue *value)
{
    uint8_t copy[48];
    memcpy(copy, at, bytes);
    bool negative = (copy[0] & 0x80) == 0;
    copy[0] ^= 0x80;
    for (uint32_t i = 0; negative && i < bytes; i++)
        copy[i] = (uint8_t)~copy[i];
    uint32_t whole = precision - scale;
    uint32_t groups[20];
    uint8_t digits[20];
    uint32_t count = 0;
    if (whole % 9 != 0)
        digits[count++] = (uint8_t)(whole % 9);
    for (uint32_t i = 0; i < whole / 9 + scale / 9; i++)
        digits[count++] = 9;
    if (scale % 9 != 0)
        digits[count++] = (uint8_t)(scale % 9);
    const uint8_t *next = copy;
    for (uint32_t i = 0; i < count; i++) {
        groups[i] = (uint32_t)big_endian(next, decimal_bytes[digits[i]]);
        next += decimal_bytes[digits[i]];
    }
    if (precision <= DECIMAL_PRECISION_MAX) {
        static const int64_t powers[] = {1,      10,      100,      1000,      10000,
                                         100000, 1000000, 10000000, 100000000, 1000000000};
        int128_t number = 0;
        for (uint32_t i = 0; i < count; i++)
            number = number * powers[digits[i]] + groups[i];
        value->kind = VALUE_DECIMAL;
        value->scale = (uint8_t)scale;
        value->decimal = negative ? -number : number;
        return;
    }
    char text[200];
    size_t length = 0;
    for (uint32_t i = 0; i < count && length < 180; i++) {
        uint32_t group = groups[i];
        for (int digit = digits[i] - 1; digit >= 0; digit--) {
            text[length + (size_t)digit] = (char)('0' + group % 10);
            group /= 10;
        }
        length += digits[i];
    }
    size_t first = 0;
    while (first + 1 < whole && text[first] == '0')
        first++;
    buffer_clear(scratch);
    if (negative)
        buffer_append_char(scratch, '-');
    if (whole == 0)
        buffer_append_char(scratch, '0');
    buffer_append(scratch, text + first, whole - first);
    if (scale > 0) {
        buffer_append_char(scratch, '.');
        buffer_append(scratch, text + whole, scale);
    }
    value->kind = VALUE_DIGITS;
    value->text = (Str){scratch->data, scratch->length};
}

/* --------------------------------------------------------------- temporal */

/* Fraction of a second in microseconds, from the digits that are stored. */
static uint32_t fraction_micros(uint64_t stored, uint32_t digits)
{
    static const uint32_t factors[] = {0, 10000, 10000, 100, 100, 1, 1};
    return (uint32_t)stored * factors[digits];
}

static void set_datetime(MysqlValue *value, uint64_t year, uint64_t month, uint64_t day,
                         int64_t micros_of_day)
{
    CivilDate civil = {(int32_t)year, (int32_t)month, (int32_t)day};
    if (!civil_is_valid(civil)) {
        value->kind = VALUE_NULL;
        return;
    }
    value->kind = VALUE_DATETIME;
    value->i = date_from_civil(civil) * MICROS_PER_DAY + micros_of_day;
}

int64_t mysql_time_micros(bool negative, uint32_t hours, uint32_t minutes, uint32_t seconds,
                          uint32_t micros)
{
    int64_t total = ((int64_t)hours * 60 + minutes) * 60 + seconds;
    total = total * MICROS_PER_SECOND + micros;
    return negative ? -total : total;
}

static void decode_date(const uint8_t *at, MysqlValue *value)
{
    uint64_t packed = binlog_u(at, 3);
    CivilDate civil = {(int32_t)(packed >> 9), (int32_t)(packed >> 5 & 15), (int32_t)(packed & 31)};
    value->kind = civil_is_valid(civil) ? VALUE_DATE : VALUE_NULL;
    if (value->kind == VALUE_DATE)
        value->i = date_from_civil(civil);
}

static void decode_datetime2(uint32_t digits, const uint8_t *at, MysqlValue *value)
{
    uint64_t packed = big_endian(at, 5) - UINT64_C(0x8000000000);
    uint64_t month = packed >> 22;
    uint64_t seconds = ((packed >> 12 & 31) * 60 + (packed >> 6 & 63)) * 60 + (packed & 63);
    uint32_t micros = fraction_micros(big_endian(at + 5, fraction_bytes(digits)), digits);
    set_datetime(value, month / 13, month % 13, packed >> 17 & 31,
                 (int64_t)seconds * MICROS_PER_SECOND + micros);
}

/* The whole number, fraction included, is stored with an offset, so negative times sort. */
static void decode_time2(uint32_t digits, const uint8_t *at, MysqlValue *value)
{
    uint32_t fraction = fraction_bytes(digits);
    uint32_t fraction_bits = 8 * fraction;
    int64_t packed = (int64_t)big_endian(at, 3 + fraction);
    packed -= INT64_C(0x800000) << fraction_bits;
    bool negative = packed < 0;
    uint64_t magnitude = (uint64_t)(negative ? -packed : packed);
    uint64_t whole = magnitude >> fraction_bits;
    uint64_t rest = magnitude & ((UINT64_C(1) << fraction_bits) - 1);
    value->kind = VALUE_TIME;
    value->i =
        mysql_time_micros(negative, (uint32_t)(whole >> 12 & 1023), (uint32_t)(whole >> 6 & 63),
                          (uint32_t)(whole & 63), fraction_micros(rest, digits));
}

static void decode_timestamp(uint64_t seconds, uint32_t micros, MysqlValue *value)
{
    /* Zero stands for '0000-00-00 00:00:00'. */
    value->kind = seconds == 0 && micros == 0 ? VALUE_NULL : VALUE_TIMESTAMP;
    value->i = (int64_t)seconds * MICROS_PER_SECOND + micros;
}

/* DATETIME before MySQL 5.6: decimal digits yyyymmddhhmmss. MariaDB's old form with a fraction
 * keeps its bytes big-endian; it has no type code of its own, but other sizes, and is not used by
 * default. */
static void decode_datetime_old(const uint8_t *at, MysqlValue *value)
{
    uint64_t packed = binlog_u(at, 8);
    uint64_t date = packed / 1000000;
    uint64_t time = packed % 1000000;
    uint64_t seconds = (time / 10000 * 60 + time / 100 % 100) * 60 + time % 100;
    set_datetime(value, date / 10000, date / 100 % 100, date % 100,
                 (int64_t)seconds * MICROS_PER_SECOND);
}

static void decode_time_old(const uint8_t *at, MysqlValue *value)
{
    int32_t packed = (int32_t)(binlog_u(at, 3) << 8) >> 8;
    bool negative = packed < 0;
    uint32_t time = (uint32_t)(negative ? -packed : packed);
    value->kind = VALUE_TIME;
    value->i = mysql_time_micros(negative, time / 10000, time / 100 % 100, time % 100, 0);
}

/* ---------------------------------------------------------- text and bytes */

static bool decode_text(const MysqlColumn *column, Str raw, Buffer *scratch, MysqlValue *value,
                        Error *error)
{
    value->kind = VALUE_TEXT;
    if (charset_to_utf8(column->charset, raw, scratch, &value->text))
        return true;
    return error_set(error, ERROR_DATA, "column \"%s\": text is not valid in character set %s",
                     column->name, column->charset_name == NULL ? "?" : column->charset_name);
}

bool mysql_value_change_json(const MysqlColumn *column, Str before, Str changes, Buffer *scratch,
                             MysqlValue *value, Error *error)
{
    buffer_clear(scratch);
    if (!mysql_json_print_changed(before, changes, scratch))
        return error_set(error, ERROR_DATA,
                         "column \"%s\": a part of a JSON value was logged that does not fit the "
                         "value before it",
                         column->name);
    value->kind = VALUE_TEXT;
    value->text = (Str){scratch->data, scratch->length};
    return true;
}

static bool decode_string(const TableMapColumn *map, const MysqlColumn *column, Str raw,
                          Buffer *scratch, MysqlValue *value, Error *error)
{
    if (column->class == CLASS_JSON && map->type == MYSQL_JSON) {
        buffer_clear(scratch);
        if (!mysql_json_print((const uint8_t *)raw.data, raw.length, scratch))
            return error_set(error, ERROR_DATA, "column \"%s\": malformed binary JSON",
                             column->name);
        value->kind = VALUE_TEXT;
        value->text = (Str){scratch->data, scratch->length};
        return true;
    }
    if (column->class == CLASS_UUID || column->class == CLASS_INET4 ||
        column->class == CLASS_INET6) {
        buffer_clear(scratch);
        if (!mysql_identity_print(column->class, raw, scratch))
            return error_set(error, ERROR_DATA, "column \"%s\": malformed %s", column->name,
                             column->type_text);
        value->kind = VALUE_TEXT;
        value->text = (Str){scratch->data, scratch->length};
        return true;
    }
    if (column->class != CLASS_BYTES && column->class != CLASS_GEOMETRY)
        return decode_text(column, raw, scratch, value, error);
    value->kind = VALUE_BYTES;
    value->text = raw;
    if (column->is_fixed_binary && raw.length < column->length) {
        buffer_clear(scratch);
        buffer_append_str(scratch, raw);
        size_t missing = column->length - raw.length;
        memset(buffer_reserve(scratch, missing), 0, missing);
        scratch->length += missing;
        value->text = (Str){scratch->data, scratch->length};
    }
    return true;
}

/* Inflates a compressed column: the header byte has the bytes of the size (bits 0 to 2), whether
 * zlib wraps it (3) and the method (8: zlib). */
static bool column_unpack(Str raw, Buffer *out)
{
    const uint8_t *bytes = (const uint8_t *)raw.data;
    uint32_t size_bytes = bytes[0] & 7;
    if (bytes[0] >> 4 != 8 || size_bytes == 0 || size_bytes > 4 || raw.length < 1 + size_bytes)
        return false;
    uint64_t size = big_endian(bytes + 1, size_bytes);
    if (size > (uint64_t)raw.length * 1100 + 64)
        return false;
    z_stream stream = {0};
    bool wrapped = (bytes[0] & 8) == 0;
    if (inflateInit2(&stream, wrapped ? MAX_WBITS : -MAX_WBITS) != Z_OK)
        return false;
    stream.next_in = (Bytef *)(bytes + 1 + size_bytes);
    stream.avail_in = (uInt)(raw.length - 1 - size_bytes);
    stream.next_out = (Bytef *)buffer_reserve(out, size + 1);
    stream.avail_out = (uInt)size + 1;
    int result = inflate(&stream, Z_FINISH);
    bool good = result == Z_STREAM_END && stream.total_out == size;
    inflateEnd(&stream);
    out->length += good ? size : 0;
    return good;
}

/* MariaDB's COMPRESSED columns: a header byte, 0 for plain text behind it. */
static bool decode_compressed(const MysqlColumn *column, Str raw, Buffer *scratch,
                              MysqlValue *value, Error *error)
{
    Buffer plain = {0};
    bool good = true;
    if (raw.length == 0 || raw.data[0] == 0) {
        if (raw.length > 0)
            buffer_append(&plain, raw.data + 1, raw.length - 1);
    } else {
        good = column_unpack(raw, &plain);
    }
    if (!good) {
        error_set(error, ERROR_DATA, "column \"%s\": compressed value cannot be unpacked",
                  column->name);
    } else {
        Buffer converted = {0};
        Str text = {0};
        good = column->class == CLASS_BYTES ||
               charset_to_utf8(column->charset, (Str){plain.data, plain.length}, &converted, &text);
        if (column->class == CLASS_BYTES)
            text = (Str){plain.data, plain.length};
        if (good) {
            buffer_clear(scratch);
            buffer_append_str(scratch, text);
            value->kind = column->class == CLASS_BYTES ? VALUE_BYTES : VALUE_TEXT;
            value->text = (Str){scratch->data, scratch->length};
        } else {
            error_set(error, ERROR_DATA, "column \"%s\": text is not valid in its character set",
                      column->name);
        }
        buffer_deinit(&converted);
    }
    buffer_deinit(&plain);
    return good;
}

static bool decode_enum(const TableMapColumn *map, const MysqlColumn *column, const uint8_t *at,
                        MysqlValue *value, Error *error)
{
    uint64_t index = binlog_u(at, map->metadata);
    value->kind = VALUE_TEXT;
    value->text = (Str){"", 0};
    if (index == 0) /* what the server stores for a value that is none of the labels */
        return true;
    if (index > column->label_count)
        return error_set(error, ERROR_SCHEMA,
                         "column \"%s\": ENUM index %" PRIu64 " is past its %u labels",
                         column->name, index, column->label_count);
    value->text = column->labels[index - 1];
    return true;
}

static bool decode_set(const TableMapColumn *map, const MysqlColumn *column, const uint8_t *at,
                       Buffer *scratch, MysqlValue *value, Error *error)
{
    uint64_t bits = binlog_u(at, map->metadata);
    buffer_clear(scratch);
    for (uint32_t i = 0; i < 64 && bits >> i != 0; i++) {
        if ((bits >> i & 1) == 0)
            continue;
        if (i >= column->label_count)
            return error_set(error, ERROR_SCHEMA, "column \"%s\": SET bit %u is past its %u labels",
                             column->name, i, column->label_count);
        if (scratch->length > 0)
            buffer_append_char(scratch, ',');
        buffer_append_str(scratch, column->labels[i]);
    }
    value->kind = VALUE_TEXT;
    value->text = (Str){scratch->length == 0 ? "" : scratch->data, scratch->length};
    return true;
}

/* Types that are a number of some form; false: it is none. */
static bool decode_number(const TableMapColumn *map, const MysqlColumn *column, const uint8_t *at,
                          uint32_t bytes, Buffer *scratch, MysqlValue *value)
{
    float single = 0;
    switch (map->type) {
    case MYSQL_TINY:
    case MYSQL_SHORT:
    case MYSQL_INT24:
    case MYSQL_LONG:
    case MYSQL_LONGLONG:
        decode_integer(column, at, bytes, value);
        return true;
    case MYSQL_FLOAT:
        memcpy(&single, at, 4);
        value->kind = VALUE_FLOAT;
        value->d = (double)single;
        return true;
    case MYSQL_DOUBLE:
        value->kind = VALUE_DOUBLE;
        memcpy(&value->d, at, 8);
        return true;
    case MYSQL_NEWDECIMAL:
        decode_decimal(map->metadata & 0xFF, map->metadata >> 8, at, bytes, scratch, value);
        return true;
    case MYSQL_YEAR:
        value->kind = VALUE_INT;
        value->i = at[0] == 0 ? 0 : 1900 + at[0];
        return true;
    case MYSQL_BIT:
        value->kind = VALUE_UINT;
        value->u = big_endian(at, bytes);
        return true;
    case MYSQL_NULL:
        value->kind = VALUE_NULL;
        return true;
    default:
        return false;
    }
}

/* The same for dates and times. */
static bool decode_temporal(const TableMapColumn *map, const uint8_t *at, MysqlValue *value)
{
    uint32_t digits = map->metadata;
    switch (map->type) {
    case MYSQL_DATE:
        decode_date(at, value);
        return true;
    case MYSQL_TIME2:
        decode_time2(digits, at, value);
        return true;
    case MYSQL_DATETIME2:
        decode_datetime2(digits, at, value);
        return true;
    case MYSQL_TIMESTAMP2:
        decode_timestamp(big_endian(at, 4),
                         fraction_micros(big_endian(at + 4, fraction_bytes(digits)), digits),
                         value);
        return true;
    case MYSQL_TIME_OLD:
        decode_time_old(at, value);
        return true;
    case MYSQL_DATETIME_OLD:
        decode_datetime_old(at, value);
        return true;
    case MYSQL_TIMESTAMP_OLD:
        decode_timestamp(binlog_u(at, 4), 0, value);
        return true;
    default:
        return false;
    }
}

bool mysql_value_decode(const TableMapColumn *map, const MysqlColumn *column, const uint8_t **from,
                        const uint8_t *end, Buffer *scratch, MysqlValue *value, Error *error)
{
    const uint8_t *at = *from;
    int64_t bytes = mysql_value_bytes(map, at, end);
    if (bytes < 0)
        return error_set(error, ERROR_DATA, "malformed row image: column \"%s\" is cut",
                         column->name);
    *from = at + bytes;
    if (decode_number(map, column, at, (uint32_t)bytes, scratch, value) ||
        decode_temporal(map, at, value))
        return true;
    if (map->type == MYSQL_ENUM)
        return decode_enum(map, column, at, value, error);
    if (map->type == MYSQL_SET)
        return decode_set(map, column, at, scratch, value, error);
    uint32_t prefix = prefix_bytes(map);
    Str raw = {(const char *)at + prefix, (size_t)bytes - prefix};
    if (map->type == MYSQL_BLOB_COMPRESSED || map->type == MYSQL_VARCHAR_COMPRESSED)
        return decode_compressed(column, raw, scratch, value, error);
    return decode_string(map, column, raw, scratch, value, error);
}

bool mysql_column_matches(const MysqlColumn *column, const TableMapColumn *map)
{
    switch (map->type) {
    case MYSQL_TINY:
    case MYSQL_SHORT:
    case MYSQL_INT24:
    case MYSQL_LONG:
    case MYSQL_LONGLONG:
        return column->class == CLASS_INTEGER &&
               (!map->has_sign || map->is_unsigned == column->is_unsigned);
    case MYSQL_YEAR:
        return column->class == CLASS_YEAR;
    case MYSQL_BIT:
        return column->class == CLASS_BIT;
    case MYSQL_NEWDECIMAL:
        return column->class == CLASS_DECIMAL && column->precision == (map->metadata & 0xFF) &&
               column->scale == map->metadata >> 8;
    case MYSQL_FLOAT:
        return column->class == CLASS_FLOAT;
    case MYSQL_DOUBLE:
        return column->class == CLASS_DOUBLE;
    case MYSQL_DATE:
        return column->class == CLASS_DATE;
    case MYSQL_TIME2:
        return column->class == CLASS_TIME && column->precision == map->metadata;
    case MYSQL_TIME_OLD:
        return column->class == CLASS_TIME && column->precision == 0;
    case MYSQL_DATETIME2:
        return column->class == CLASS_DATETIME && column->precision == map->metadata;
    case MYSQL_DATETIME_OLD:
        return column->class == CLASS_DATETIME && column->precision == 0;
    case MYSQL_TIMESTAMP2:
        return column->class == CLASS_TIMESTAMP && column->precision == map->metadata;
    case MYSQL_TIMESTAMP_OLD:
        return column->class == CLASS_TIMESTAMP && column->precision == 0;
    case MYSQL_ENUM:
        return column->class == CLASS_ENUM;
    case MYSQL_SET:
        return column->class == CLASS_SET;
    case MYSQL_JSON:
        return column->class == CLASS_JSON;
    case MYSQL_GEOMETRY:
        return column->class == CLASS_GEOMETRY || column->class == CLASS_UNKNOWN;
    case MYSQL_VECTOR:
        return column->class == CLASS_BYTES || column->class == CLASS_UNKNOWN;
    default:
        return column->class == CLASS_TEXT || column->class == CLASS_BYTES ||
               column->class == CLASS_UUID || column->class == CLASS_INET4 ||
               column->class == CLASS_INET6 || column->class == CLASS_UNKNOWN;
    }
}
