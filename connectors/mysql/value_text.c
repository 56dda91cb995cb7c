/* What SELECT answers, as values: the snapshot's side of mysql/value.h.
 *
 * The session runs in UTC and utf8mb4, so the text needs no conversion. FLOAT is selected as a
 * double (the server cuts its own text to six digits), BIT arrives as its bytes. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/value.h"
#include "core/decimal.h"
#include "core/str.h"

static void append_quoted(Buffer *sql, const char *name)
{
    buffer_append_char(sql, '`');
    for (; *name != '\0'; name++) {
        if (*name == '`')
            buffer_append_char(sql, '`');
        buffer_append_char(sql, *name);
    }
    buffer_append_char(sql, '`');
}

void mysql_column_select(const MysqlColumn *column, Buffer *sql)
{
    append_quoted(sql, column->name);
    bool fixed_digits = column->class == CLASS_DOUBLE && strchr(column->type_text, '(') != NULL;
    if (column->class == CLASS_FLOAT || fixed_digits)
        buffer_append_text(sql, "+0e0");
}

static bool bad_text(const MysqlColumn *column, Str text, Error *error)
{
    return error_set(error, ERROR_DATA, "column \"%s\" of type %s has the value \"%.*s\"",
                     column->name, column->type_text, (int)(text.length > 100 ? 100 : text.length),
                     text.data);
}

static bool parse_integer(Str text, MysqlValue *value)
{
    bool negative = text.length > 0 && text.data[0] == '-';
    size_t at = negative ? 1 : 0;
    uint64_t number = 0;
    if (at == text.length || text.length > 21)
        return false;
    for (; at < text.length; at++) {
        uint32_t digit = (uint32_t)(uint8_t)text.data[at] - '0';
        if (digit > 9)
            return false;
        number = number * 10 + digit;
    }
    if (negative) {
        value->kind = VALUE_INT;
        value->i = (int64_t)(0 - number);
    } else {
        value->kind = VALUE_UINT;
        value->u = number;
    }
    return true;
}

static bool parse_double(Str text, MysqlValue *value)
{
    char copy[400];
    if (text.length == 0 || text.length >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = '\0';
    char *end = NULL;
    value->d = strtod(copy, &end);
    return *end == '\0';
}

/* `count` digits at `*at`; -1 when they are none. */
static int32_t take_digits(Str text, size_t *at, size_t count)
{
    int32_t number = 0;
    if (text.length - *at < count)
        return -1;
    for (size_t i = 0; i < count; i++) {
        uint32_t digit = (uint32_t)(uint8_t)text.data[*at + i] - '0';
        if (digit > 9)
            return -1;
        number = number * 10 + (int32_t)digit;
    }
    *at += count;
    return number;
}

static bool take(Str text, size_t *at, char wanted)
{
    if (*at >= text.length || text.data[*at] != wanted)
        return false;
    (*at)++;
    return true;
}

static bool parse_date(Str text, size_t *at, CivilDate *civil)
{
    civil->year = take_digits(text, at, 4);
    if (civil->year < 0 || !take(text, at, '-'))
        return false;
    civil->month = take_digits(text, at, 2);
    if (civil->month < 0 || !take(text, at, '-'))
        return false;
    civil->day = take_digits(text, at, 2);
    return civil->day >= 0;
}

/* :mm:ss[.ffffff] behind the hours, to the end of the text. */
static bool parse_clock(Str text, size_t at, uint32_t hours, int64_t *micros)
{
    if (!take(text, &at, ':'))
        return false;
    int32_t minutes = take_digits(text, &at, 2);
    if (minutes < 0 || !take(text, &at, ':'))
        return false;
    int32_t seconds = take_digits(text, &at, 2);
    if (seconds < 0)
        return false;
    uint32_t fraction = 0;
    if (take(text, &at, '.')) {
        uint32_t digits = 0;
        for (; at < text.length && digits < 6; digits++) {
            int32_t digit = take_digits(text, &at, 1);
            if (digit < 0)
                return false;
            fraction = fraction * 10 + (uint32_t)digit;
        }
        for (; digits < 6; digits++)
            fraction *= 10;
    }
    *micros = mysql_time_micros(false, hours, (uint32_t)minutes, (uint32_t)seconds, fraction);
    return at == text.length;
}

static bool parse_datetime(Str text, bool utc, MysqlValue *value)
{
    CivilDate civil = {0};
    size_t at = 0;
    int64_t micros = 0;
    if (!parse_date(text, &at, &civil) || !take(text, &at, ' '))
        return false;
    int32_t hours = take_digits(text, &at, 2);
    if (hours < 0 || !parse_clock(text, at, (uint32_t)hours, &micros))
        return false;
    if (!civil_is_valid(civil)) {
        value->kind = VALUE_NULL;
        return true;
    }
    value->kind = utc ? VALUE_TIMESTAMP : VALUE_DATETIME;
    value->i = date_from_civil(civil) * MICROS_PER_DAY + micros;
    return true;
}

static bool parse_time(Str text, MysqlValue *value)
{
    size_t at = 0;
    bool negative = take(text, &at, '-');
    uint32_t hours = 0;
    size_t digits = 0;
    while (at < text.length && text.data[at] >= '0' && text.data[at] <= '9' && digits < 4) {
        hours = hours * 10 + (uint32_t)(text.data[at] - '0');
        at++;
        digits++;
    }
    value->kind = VALUE_TIME;
    if (digits == 0 || !parse_clock(text, at, hours, &value->i))
        return false;
    if (negative)
        value->i = -value->i;
    return true;
}

static bool parse_decimal(const MysqlColumn *column, Str text, MysqlValue *value)
{
    if (column->precision > DECIMAL_PRECISION_MAX) {
        value->kind = VALUE_DIGITS;
        value->text = text;
        return true;
    }
    value->kind = VALUE_DECIMAL;
    value->scale = column->scale;
    return decimal_parse(text, column->precision, column->scale, &value->decimal);
}

bool mysql_value_parse(const MysqlColumn *column, Str text, MysqlValue *value, Error *error)
{
    bool good = true;
    switch (column->class) {
    case CLASS_INTEGER:
    case CLASS_YEAR:
        good = parse_integer(text, value);
        break;
    case CLASS_BIT:
        value->kind = VALUE_UINT;
        value->u = 0;
        for (size_t i = 0; i < text.length; i++)
            value->u = value->u << 8 | (uint8_t)text.data[i];
        break;
    case CLASS_DECIMAL:
        good = parse_decimal(column, text, value);
        break;
    case CLASS_FLOAT:
        value->kind = VALUE_FLOAT;
        good = parse_double(text, value);
        break;
    case CLASS_DOUBLE:
        value->kind = VALUE_DOUBLE;
        good = parse_double(text, value);
        break;
    case CLASS_DATE: {
        CivilDate civil = {0};
        size_t at = 0;
        good = parse_date(text, &at, &civil) && at == text.length;
        value->kind = good && civil_is_valid(civil) ? VALUE_DATE : VALUE_NULL;
        if (value->kind == VALUE_DATE)
            value->i = date_from_civil(civil);
        break;
    }
    case CLASS_TIME:
        good = parse_time(text, value);
        break;
    case CLASS_DATETIME:
        good = parse_datetime(text, false, value);
        break;
    case CLASS_TIMESTAMP:
        good = parse_datetime(text, true, value);
        break;
    case CLASS_BYTES:
    case CLASS_GEOMETRY:
        value->kind = VALUE_BYTES;
        value->text = text;
        break;
    default:
        value->kind = VALUE_TEXT;
        value->text = text;
        break;
    }
    return good || bad_text(column, text, error);
}

/* ------------------------------------------------------------------ literals */

static void append_hex(Buffer *sql, Str bytes)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = buffer_reserve(sql, bytes.length * 2);
    for (size_t i = 0; i < bytes.length; i++) {
        out[2 * i] = digits[(uint8_t)bytes.data[i] >> 4];
        out[2 * i + 1] = digits[(uint8_t)bytes.data[i] & 15];
    }
    sql->length += bytes.length * 2;
}

/* Text in the column's own character set and collation: literals then compare as the column does.
 */
static void append_text_literal(const MysqlColumn *column, Str text, Buffer *sql)
{
    /* They compare as stored, not as their texts do. */
    if (column->class == CLASS_UUID || column->class == CLASS_INET4 ||
        column->class == CLASS_INET6) {
        buffer_printf(sql, "CAST('%.*s' AS %s)", (int)text.length, text.data,
                      column->class == CLASS_UUID    ? "UUID"
                      : column->class == CLASS_INET4 ? "INET4"
                                                     : "INET6");
        return;
    }
    buffer_append_text(sql, "CONVERT(_utf8mb4 X'");
    append_hex(sql, text);
    buffer_printf(sql, "' USING %s)", column->charset_name);
    if (column->collation != NULL)
        buffer_printf(sql, " COLLATE %s", column->collation);
}

bool mysql_value_literal(const MysqlColumn *column, const MysqlValue *value, Buffer *sql)
{
    switch (value->kind) {
    case VALUE_INT:
        buffer_printf(sql, "%" PRId64, value->i);
        return true;
    case VALUE_UINT:
        buffer_printf(sql, "%" PRIu64, value->u);
        return true;
    case VALUE_DECIMAL:
        decimal_print(value->decimal, value->scale, sql);
        return true;
    case VALUE_DIGITS:
        buffer_append_str(sql, value->text);
        return true;
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
        buffer_printf(sql, "%.17ge0", value->d);
        return true;
    case VALUE_TEXT:
        append_text_literal(column, value->text, sql);
        return true;
    case VALUE_BYTES:
        buffer_append_text(sql, "X'");
        append_hex(sql, value->text);
        buffer_append_char(sql, '\'');
        return true;
    case VALUE_DATE:
        buffer_append_text(sql, "CAST('");
        date_print((int32_t)value->i, sql);
        buffer_append_text(sql, "' AS DATE)");
        return true;
    case VALUE_TIME:
        buffer_append_text(sql, "CAST('");
        mysql_time_print(value->i, 6, sql);
        buffer_append_text(sql, "' AS TIME(6))");
        return true;
    case VALUE_DATETIME:
    case VALUE_TIMESTAMP:
        buffer_append_text(sql, "CAST('");
        datetime_print(datetime_from_micros(value->i), 6, sql);
        buffer_append_text(sql, "' AS DATETIME(6))");
        return true;
    case VALUE_NULL:
        break;
    }
    return false;
}
