/* Text to values, as Flink's CAST from STRING reads them: white space around is dropped, a whole
 * number may carry a fraction that is cut off, timestamps are cut to their precision. */
#include "core/value_text.h"

#include <inttypes.h>

#include "core/decimal.h"
#include "core/float_text.h"
#include "core/str.h"

/* Longest piece of the text that an error quotes. */
#define QUOTE_MAX 100

#define NANOS_PER_MILLI INT64_C(1000000)
#define MILLIS_PER_DAY  INT64_C(86400000)

static bool parse_boolean(Str text, bool *out)
{
    static const char *const yes[] = {"true", "t", "yes", "y", "1"};
    static const char *const no[] = {"false", "f", "no", "n", "0"};
    for (size_t i = 0; i < array_count(yes); i++) {
        *out = true;
        if (str_equal_nocase(text, str_of(yes[i])))
            return true;
        *out = false;
        if (str_equal_nocase(text, str_of(no[i])))
            return true;
    }
    return false;
}

/* "12", "-7", "1.234" (cut to 1), within the bounds. */
static bool parse_integer(Str text, int64_t least, int64_t most, int64_t *out)
{
    size_t at = 0;
    bool negative = text.length != 0 && text.data[0] == '-';
    if (text.length != 0 && (text.data[0] == '-' || text.data[0] == '+'))
        at++;
    uint64_t value = 0;
    bool digits = false;
    for (; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++) {
        digits = true;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.data[at] - '0'), &value))
            return false;
    }
    if (at < text.length && text.data[at] == '.')
        for (at++; at < text.length && text.data[at] >= '0' && text.data[at] <= '9'; at++)
            digits = true;
    if (!digits || at != text.length)
        return false;
    uint64_t bound = negative ? 0 - (uint64_t)least : (uint64_t)most;
    if (value > bound)
        return false;
    *out = (int64_t)(negative ? 0 - value : value);
    return true;
}

static int64_t cut_nanos(int64_t nanos, uint32_t precision)
{
    int64_t unit = 1;
    for (uint32_t i = precision; i < 9; i++)
        unit *= 10;
    return nanos - nanos % unit;
}

static bool parse_timestamp(const Type *type, Str text, const TimeZone *zone, void *data,
                            uint32_t row)
{
    DateTime datetime;
    if (!datetime_parse(text, &datetime))
        return false;
    datetime.nanos = cut_nanos(datetime.nanos, type->precision);
    if (type->kind == TYPE_TIMESTAMP_LTZ && zone != NULL) {
        int64_t below_micro = datetime.nanos % 1000;
        datetime = datetime_from_micros(time_zone_to_utc(zone, datetime_to_micros(datetime)));
        datetime.nanos += below_micro;
    }
    if (type->physical == PHYSICAL_I64)
        ((int64_t *)data)[row] = datetime_to_micros(datetime);
    else
        ((int128_t *)data)[row] = datetime_to_nanos(datetime);
    return true;
}

/* Splits off a sign; the rest starts with a digit, so that no second sign hides in it. */
static bool take_sign(Str *text, bool *negative)
{
    *negative = text->length != 0 && text->data[0] == '-';
    if (text->length != 0 && (text->data[0] == '-' || text->data[0] == '+')) {
        text->data++;
        text->length--;
    }
    return text->length != 0 && text->data[0] >= '0' && text->data[0] <= '9';
}

/* "+1-02": years and months. */
static bool parse_interval_month(Str text, int32_t *out)
{
    bool negative;
    if (!take_sign(&text, &negative))
        return false;
    const char *dash = memchr(text.data, '-', text.length);
    if (dash == NULL)
        return false;
    Str years_text = {text.data, (size_t)(dash - text.data)};
    Str months_text = {dash + 1, text.length - years_text.length - 1};
    int64_t years, months;
    if (!parse_integer(years_text, 0, INT32_MAX / 12, &years) ||
        !parse_integer(months_text, 0, 11, &months) || years * 12 + months > INT32_MAX)
        return false;
    *out = (int32_t)(negative ? -(years * 12 + months) : years * 12 + months);
    return true;
}

/* "+1 02:03:04.005": days and a time. */
static bool parse_interval_second(Str text, int64_t *out)
{
    bool negative;
    if (!take_sign(&text, &negative))
        return false;
    const char *space = memchr(text.data, ' ', text.length);
    if (space == NULL)
        return false;
    Str days_text = {text.data, (size_t)(space - text.data)};
    int64_t days, nanos;
    if (!parse_integer(days_text, 0, INT64_MAX / MILLIS_PER_DAY - 1, &days) ||
        !time_parse((Str){space + 1, text.length - days_text.length - 1}, &nanos))
        return false;
    int64_t millis = days * MILLIS_PER_DAY + nanos / NANOS_PER_MILLI;
    *out = negative ? -millis : millis;
    return true;
}

/* Bytes of the first `characters` code points. */
static Str cut_characters(Str text, int32_t characters)
{
    if (text.length <= (size_t)characters)
        return text;
    size_t at = 0;
    for (int32_t count = 0; at < text.length; at++) {
        bool starts = ((uint8_t)text.data[at] & 0xC0) != 0x80;
        if (starts && count++ == characters)
            break;
    }
    return (Str){text.data, at};
}

static void parse_bytes(Vector *vector, uint32_t row, Str text, Arena *arena)
{
    size_t length = (size_t)vector->type->length;
    if (vector->type->kind == TYPE_VARBINARY || text.length >= length) {
        if (text.length > length)
            text.length = length;
        vector_set_str(vector, row, text, arena);
        return;
    }
    char *padded = arena_zalloc(arena, length);
    if (text.length != 0)
        memcpy(padded, text.data, text.length);
    ((StringView *)vector->data)[row] = string_view_borrow(padded, length);
}

static bool parse_decimal(Vector *vector, uint32_t row, Str text)
{
    int128_t value;
    const Type *type = vector->type;
    if (!decimal_parse(text, type->precision, type->scale, &value))
        return false;
    if (type->physical == PHYSICAL_I64)
        ((int64_t *)vector->data)[row] = (int64_t)value;
    else
        ((int128_t *)vector->data)[row] = value;
    return true;
}

static bool parse_integer_type(Vector *vector, uint32_t row, Str text)
{
    int64_t value;
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        if (!parse_integer(text, INT8_MIN, INT8_MAX, &value))
            return false;
        ((int8_t *)vector->data)[row] = (int8_t)value;
        return true;
    case PHYSICAL_I16:
        if (!parse_integer(text, INT16_MIN, INT16_MAX, &value))
            return false;
        ((int16_t *)vector->data)[row] = (int16_t)value;
        return true;
    case PHYSICAL_I32:
        if (!parse_integer(text, INT32_MIN, INT32_MAX, &value))
            return false;
        ((int32_t *)vector->data)[row] = (int32_t)value;
        return true;
    default:
        return parse_integer(text, INT64_MIN, INT64_MAX, (int64_t *)vector->data + row);
    }
}

static bool parse_time(const Type *type, Str text, int32_t *out)
{
    int64_t nanos;
    if (!time_parse(text, &nanos))
        return false;
    *out = (int32_t)(cut_nanos(nanos, type->precision) / NANOS_PER_MILLI);
    return true;
}

/* Everything but strings and nested types; `text` is trimmed. */
static bool parse_scalar(Vector *vector, uint32_t row, Str text, const TimeZone *zone)
{
    void *data = vector->data;
    bool flag = false;
    switch (vector->type->kind) {
    case TYPE_BOOLEAN:
        if (!parse_boolean(text, &flag))
            return false;
        ((uint8_t *)data)[row] = flag;
        return true;
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
        return parse_integer_type(vector, row, text);
    case TYPE_FLOAT:
        return float_text_parse_f32(text.data, text.length, (float *)data + row);
    case TYPE_DOUBLE:
        return float_text_parse_f64(text.data, text.length, (double *)data + row);
    case TYPE_DECIMAL:
        return parse_decimal(vector, row, text);
    case TYPE_DATE:
        return date_parse(text, (int32_t *)data + row);
    case TYPE_TIME:
        return parse_time(vector->type, text, (int32_t *)data + row);
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        return parse_timestamp(vector->type, text, zone, data, row);
    case TYPE_INTERVAL_MONTH:
        return parse_interval_month(text, (int32_t *)data + row);
    case TYPE_INTERVAL_SECOND:
        return parse_interval_second(text, (int64_t *)data + row);
    default:
        return false;
    }
}

static bool parse_error(const Type *type, Str text, Error *error)
{
    Buffer name = {0}, quoted = {0};
    type_print(type, &name);
    buffer_append_excerpt(&quoted, text, QUOTE_MAX);
    error_set(error, type_is_nested(type) ? ERROR_UNSUPPORTED : ERROR_DATA,
              "cannot read \"%s\" as %s", buffer_text(&quoted), buffer_text(&name));
    buffer_deinit(&name);
    buffer_deinit(&quoted);
    return false;
}

bool value_parse(Vector *vector, uint32_t row, Str text, const TimeZone *zone, Arena *arena,
                 Error *error)
{
    assert(row < vector->capacity);
    const Type *type = vector->type;
    if (type_is_string(type)) {
        vector_set_str(vector, row, cut_characters(text, type->length), arena);
        return true;
    }
    if (type_is_bytes(type)) {
        vector_set_valid(vector, row);
        parse_bytes(vector, row, text, arena);
        return true;
    }
    if (!parse_scalar(vector, row, str_trim(text), zone))
        return parse_error(type, text, error);
    vector_set_valid(vector, row);
    return true;
}
