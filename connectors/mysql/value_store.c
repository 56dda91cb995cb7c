/* Values into the declared columns of a batch, and which combinations there are.
 *
 * Invariant: what mysql_type_check accepts, mysql_value_store can store but for values that do not
 * fit, and those are errors that name the value.
 * Cost: one switch per value; strings longer than a view's inline part are copied into the arena.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "connectors/mysql/value.h"
#include "core/decimal.h"

/* ------------------------------------------------------------ what goes with what */

static bool is_exact_number(TypeKind kind)
{
    return (kind >= TYPE_TINYINT && kind <= TYPE_BIGINT) || kind == TYPE_DECIMAL;
}

static bool is_approximate(TypeKind kind)
{
    return kind == TYPE_FLOAT || kind == TYPE_DOUBLE;
}

static bool class_fits(const MysqlColumn *column, const Type *declared)
{
    TypeKind kind = declared->kind;
    bool text = type_is_string(declared);
    switch (column->class) {
    case CLASS_INTEGER:
    case CLASS_YEAR:
        return kind == TYPE_BOOLEAN || is_exact_number(kind) || is_approximate(kind) || text;
    case CLASS_BIT:
        return kind == TYPE_BOOLEAN || is_exact_number(kind) || type_is_bytes(declared);
    case CLASS_DECIMAL:
        return kind == TYPE_DECIMAL || is_approximate(kind) || text ||
               (column->scale == 0 && is_exact_number(kind));
    case CLASS_FLOAT:
    case CLASS_DOUBLE:
        return is_approximate(kind);
    case CLASS_TEXT:
    case CLASS_ENUM:
    case CLASS_JSON:
    case CLASS_UUID:
    case CLASS_INET4:
    case CLASS_INET6:
        return text;
    case CLASS_SET:
        return text || (kind == TYPE_ARRAY && type_is_string(declared->fields[0].type));
    case CLASS_BYTES:
        return type_is_bytes(declared);
    case CLASS_GEOMETRY:
        return type_is_bytes(declared) || text;
    case CLASS_DATE:
        return kind == TYPE_DATE || text;
    case CLASS_TIME:
        return kind == TYPE_TIME || text;
    case CLASS_DATETIME:
        return kind == TYPE_TIMESTAMP || text;
    case CLASS_TIMESTAMP:
        return type_is_timestamp(declared) || text;
    case CLASS_UNKNOWN:
        break;
    }
    return false;
}

/* The declaration that always fits. */
static void suggest_type(const MysqlColumn *column, Buffer *out)
{
    static const char *const names[] = {
        [CLASS_INTEGER] = "BIGINT", [CLASS_YEAR] = "INT",      [CLASS_BIT] = "BYTES",
        [CLASS_FLOAT] = "FLOAT",    [CLASS_DOUBLE] = "DOUBLE", [CLASS_TEXT] = "STRING",
        [CLASS_BYTES] = "BYTES",    [CLASS_ENUM] = "STRING",   [CLASS_SET] = "STRING",
        [CLASS_JSON] = "STRING",    [CLASS_DATE] = "DATE",     [CLASS_GEOMETRY] = "STRING",
        [CLASS_UUID] = "STRING",    [CLASS_INET4] = "STRING",  [CLASS_INET6] = "STRING",
    };
    switch (column->class) {
    case CLASS_DECIMAL:
        if (column->precision > DECIMAL_PRECISION_MAX)
            buffer_append_text(out, "STRING");
        else
            buffer_printf(out, "DECIMAL(%u, %u)", column->precision, column->scale);
        return;
    case CLASS_TIME:
        buffer_printf(out, "TIME(%u)", column->precision);
        return;
    case CLASS_DATETIME:
        buffer_printf(out, "TIMESTAMP(%u)", column->precision);
        return;
    case CLASS_TIMESTAMP:
        buffer_printf(out, "TIMESTAMP_LTZ(%u)", column->precision);
        return;
    case CLASS_INTEGER:
        if (column->is_unsigned && strstr(column->type_text, "bigint") != NULL) {
            buffer_append_text(out, "DECIMAL(20, 0)");
            return;
        }
        break;
    default:
        break;
    }
    buffer_append_text(out, names[column->class]);
}

bool mysql_type_check(const MysqlColumn *column, const Type *declared, Error *error)
{
    if (column->class == CLASS_UNKNOWN) {
        error_set(error, ERROR_UNSUPPORTED, "column \"%s\" has the type %s, which is not read",
                  column->name, column->type_text);
        return error_hint(error, "Leave the column out of the table's declaration.");
    }
    bool charset_missing = column->charset == NULL && column->charset_name != NULL &&
                           (column->class == CLASS_TEXT || column->class == CLASS_JSON);
    if (charset_missing) {
        error_set(error, ERROR_UNSUPPORTED,
                  "column \"%s\" has the character set %s, which is not "
                  "known",
                  column->name, column->charset_name);
        return error_hint(error, "Leave the column out, or convert it to utf8mb4 on the server.");
    }
    if (class_fits(column, declared))
        return true;
    Buffer type = {0};
    Buffer better = {0};
    type_print(declared, &type);
    suggest_type(column, &better);
    error_set(error, ERROR_TYPE, "column \"%s\" is declared as %s but is %s on the server",
              column->name, buffer_text(&type), column->type_text);
    error_hint(error, "Declare it as %s.", buffer_text(&better));
    buffer_deinit(&type);
    buffer_deinit(&better);
    return false;
}

/* ------------------------------------------------------------------- storing */

typedef struct Target {
    const MysqlColumn *column;
    Vector *vector;
    uint32_t row;
    Arena *arena;
    Error *error;
} Target;

static bool out_of_range(const Target *to, const char *value)
{
    Buffer type = {0};
    type_print(to->vector->type, &type);
    error_set(to->error, ERROR_DATA, "column \"%s\": value %s does not fit %s", to->column->name,
              value, buffer_text(&type));
    buffer_deinit(&type);
    buffer_printf(&type, "Declare it as ");
    suggest_type(to->column, &type);
    error_hint(to->error, "%s.", buffer_text(&type));
    buffer_deinit(&type);
    return false;
}

static bool out_of_range_number(const Target *to, int128_t value, uint32_t scale)
{
    Buffer text = {0};
    decimal_print(value, scale, &text);
    out_of_range(to, buffer_text(&text));
    buffer_deinit(&text);
    return false;
}

static void store_text(const Target *to, Str text)
{
    vector_set_str(to->vector, to->row, text, to->arena);
}

static bool store_squeezed(const Target *to, Str json)
{
    Buffer text = {0};
    mysql_json_squeeze(json, &text);
    store_text(to, (Str){text.data, text.length});
    buffer_deinit(&text);
    return true;
}

static bool store_geometry(const Target *to, Str bytes)
{
    Buffer text = {0};
    bool good = mysql_geometry_print(bytes, &text);
    if (good)
        store_text(to, (Str){text.data, text.length});
    buffer_deinit(&text);
    return good ||
           error_set(to->error, ERROR_DATA, "column \"%s\": malformed geometry", to->column->name);
}

static bool store_decimal(const Target *to, int128_t value, uint32_t scale)
{
    const Type *type = to->vector->type;
    int128_t scaled = value;
    if ((scale != type->scale && !decimal_rescale(value, scale, type->scale, &scaled)) ||
        !decimal_fits(scaled, type->precision))
        return out_of_range_number(to, value, scale);
    if (type->physical == PHYSICAL_I64)
        ((int64_t *)to->vector->data)[to->row] = (int64_t)scaled;
    else
        ((int128_t *)to->vector->data)[to->row] = scaled;
    return true;
}

/* A whole number into any numeric type. */
static bool store_whole(const Target *to, int128_t value)
{
    void *data = to->vector->data;
    uint32_t row = to->row;
    switch (to->vector->type->kind) {
    case TYPE_BOOLEAN:
        ((uint8_t *)data)[row] = value != 0;
        return true;
    case TYPE_TINYINT:
        if (value < INT8_MIN || value > INT8_MAX)
            return out_of_range_number(to, value, 0);
        ((int8_t *)data)[row] = (int8_t)value;
        return true;
    case TYPE_SMALLINT:
        if (value < INT16_MIN || value > INT16_MAX)
            return out_of_range_number(to, value, 0);
        ((int16_t *)data)[row] = (int16_t)value;
        return true;
    case TYPE_INT:
        if (value < INT32_MIN || value > INT32_MAX)
            return out_of_range_number(to, value, 0);
        ((int32_t *)data)[row] = (int32_t)value;
        return true;
    case TYPE_BIGINT:
        if (value < INT64_MIN || value > INT64_MAX)
            return out_of_range_number(to, value, 0);
        ((int64_t *)data)[row] = (int64_t)value;
        return true;
    case TYPE_FLOAT:
        ((float *)data)[row] = (float)value;
        return true;
    case TYPE_DOUBLE:
        ((double *)data)[row] = (double)value;
        return true;
    case TYPE_DECIMAL:
        return store_decimal(to, value, 0);
    default: {
        Buffer text = {0};
        decimal_print(value, 0, &text);
        store_text(to, (Str){text.data, text.length});
        buffer_deinit(&text);
        return true;
    }
    }
}

/* What nearly every whole number is: one that its column holds. False leaves it to store_whole. */
static bool store_fitting(const Vector *vector, uint32_t row, int64_t value)
{
    switch (vector->type->kind) {
    case TYPE_BIGINT:
        ((int64_t *)vector->data)[row] = value;
        return true;
    case TYPE_INT:
        ((int32_t *)vector->data)[row] = (int32_t)value;
        return value == (int32_t)value;
    default:
        return false;
    }
}

static bool store_fraction(const Target *to, int128_t value, uint32_t scale)
{
    const Type *type = to->vector->type;
    if (type->kind == TYPE_DECIMAL)
        return store_decimal(to, value, scale);
    if (type->kind == TYPE_DOUBLE) {
        ((double *)to->vector->data)[to->row] = decimal_to_double(value, scale);
        return true;
    }
    if (type->kind == TYPE_FLOAT) {
        ((float *)to->vector->data)[to->row] = (float)decimal_to_double(value, scale);
        return true;
    }
    if (!type_is_string(type)) /* whole numbers only: mysql_type_check saw to it */
        return store_whole(to, value);
    Buffer text = {0};
    decimal_print(value, scale, &text);
    store_text(to, (Str){text.data, text.length});
    buffer_deinit(&text);
    return true;
}

/* More than 38 digits: exact as text, else if it happens to fit. */
static bool store_digits(const Target *to, Str text)
{
    const Type *type = to->vector->type;
    int128_t value = 0;
    if (type_is_string(type)) {
        store_text(to, text);
        return true;
    }
    uint32_t scale = type->kind == TYPE_DECIMAL ? type->scale : to->column->scale;
    if (scale > DECIMAL_PRECISION_MAX)
        scale = DECIMAL_PRECISION_MAX;
    if (!decimal_parse(text, DECIMAL_PRECISION_MAX, scale, &value)) {
        char copy[100];
        size_t length = text.length < 99 ? text.length : 99;
        memcpy(copy, text.data, length);
        copy[length] = '\0';
        return out_of_range(to, copy);
    }
    return store_fraction(to, value, scale);
}

static bool store_float(const Target *to, double value)
{
    if (to->vector->type->kind == TYPE_FLOAT)
        ((float *)to->vector->data)[to->row] = (float)value;
    else
        ((double *)to->vector->data)[to->row] = value;
    return true;
}

void mysql_time_print(int64_t micros, uint32_t digits, Buffer *out)
{
    uint64_t magnitude = micros < 0 ? 0 - (uint64_t)micros : (uint64_t)micros;
    uint64_t seconds = magnitude / (uint64_t)MICROS_PER_SECOND;
    buffer_printf(out, "%s%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64, micros < 0 ? "-" : "",
                  seconds / 3600, seconds / 60 % 60, seconds % 60);
    if (digits == 0)
        return;
    char fraction[16];
    snprintf(fraction, sizeof(fraction), "%06" PRIu64, magnitude % (uint64_t)MICROS_PER_SECOND);
    buffer_append_char(out, '.');
    buffer_append(out, fraction, digits > 6 ? 6 : digits);
}

static bool store_time(const Target *to, int64_t micros)
{
    if (to->vector->type->kind == TYPE_TIME) {
        if (micros >= 0 && micros < MICROS_PER_DAY) {
            ((int32_t *)to->vector->data)[to->row] = (int32_t)(micros / 1000);
            return true;
        }
        Buffer text = {0};
        mysql_time_print(micros, to->column->precision, &text);
        out_of_range(to, buffer_text(&text));
        buffer_deinit(&text);
        return error_hint(to->error,
                          "A TIME of SQL is within a day; declare the column as STRING.");
    }
    Buffer text = {0};
    mysql_time_print(micros, to->column->precision, &text);
    store_text(to, (Str){text.data, text.length});
    buffer_deinit(&text);
    return true;
}

/* Cut to the declared digits. */
static void store_timestamp(const Target *to, int64_t micros)
{
    static const int64_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    const Type *type = to->vector->type;
    if (type->precision < 6) {
        int64_t unit = units[type->precision];
        int64_t rest = micros % unit;
        micros -= rest < 0 ? rest + unit : rest;
    }
    if (type->physical == PHYSICAL_I64)
        ((int64_t *)to->vector->data)[to->row] = micros;
    else
        ((int128_t *)to->vector->data)[to->row] = (int128_t)micros * 1000;
}

static bool store_datetime(const Target *to, const MysqlValue *value, const TimeZone *zone)
{
    const Type *type = to->vector->type;
    int64_t micros = value->i;
    if (value->kind == VALUE_TIMESTAMP && type->kind != TYPE_TIMESTAMP_LTZ)
        micros = time_zone_to_local(zone == NULL ? time_zone_utc() : zone, micros);
    if (type_is_timestamp(type)) {
        store_timestamp(to, micros);
        return true;
    }
    Buffer text = {0};
    datetime_print(datetime_from_micros(micros), to->column->precision, &text);
    store_text(to, (Str){text.data, text.length});
    buffer_deinit(&text);
    return true;
}

static bool store_date(const Target *to, int32_t days)
{
    if (to->vector->type->kind == TYPE_DATE) {
        ((int32_t *)to->vector->data)[to->row] = days;
        return true;
    }
    Buffer text = {0};
    date_print(days, &text);
    store_text(to, (Str){text.data, text.length});
    buffer_deinit(&text);
    return true;
}

/* BIT(n) as bytes: the lowest first, as change events of Debezium and Flink carry it. */
static bool store_bits(const Target *to, uint64_t bits)
{
    if (!type_is_bytes(to->vector->type))
        return store_whole(to, bits);
    char bytes[8];
    uint32_t count = (to->column->length + 7) / 8;
    for (uint32_t i = 0; i < count && i < 8; i++)
        bytes[i] = (char)(bits >> (8 * i));
    store_text(to, (Str){bytes, count > 8 ? 8 : count});
    return true;
}

static bool store_set(const Target *to, Str text)
{
    Vector *vector = to->vector;
    uint32_t count = text.length == 0 ? 0 : 1;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == ',';
    uint32_t first = vector_list_append(vector, to->row, count, to->arena);
    size_t start = 0;
    for (uint32_t i = 0; i < count; i++) {
        size_t end = start;
        while (end < text.length && text.data[end] != ',')
            end++;
        vector_set_str(&vector->children[0], first + i, (Str){text.data + start, end - start},
                       to->arena);
        start = end + 1;
    }
    return true;
}

static bool store_null(const Target *to)
{
    if (to->vector->type->nullable) {
        vector_set_null(to->vector, to->row, to->arena);
        return true;
    }
    error_set(to->error, ERROR_DATA, "column \"%s\" is declared NOT NULL but a row has no value",
              to->column->name);
    return error_hint(to->error,
                      "Declare the column without NOT NULL. Dates with a zero part count "
                      "as NULL.");
}

bool mysql_value_store(const MysqlColumn *column, const MysqlValue *value, const TimeZone *zone,
                       Vector *vector, uint32_t row, Arena *arena, Error *error)
{
    Target to = {column, vector, row, arena, error};
    if (value->kind == VALUE_NULL)
        return store_null(&to);
    if (vector->validity != NULL)
        vector_set_valid(vector, row);
    switch (value->kind) {
    case VALUE_INT:
        return store_fitting(vector, row, value->i) || store_whole(&to, value->i);
    case VALUE_UINT:
        return column->class == CLASS_BIT ? store_bits(&to, value->u) : store_whole(&to, value->u);
    case VALUE_DECIMAL:
        return store_fraction(&to, value->decimal, value->scale);
    case VALUE_DIGITS:
        return store_digits(&to, value->text);
    case VALUE_FLOAT:
    case VALUE_DOUBLE:
        return store_float(&to, value->d);
    case VALUE_TEXT:
        if (vector->type->kind == TYPE_ARRAY)
            return store_set(&to, value->text);
        if (column->is_compact && column->class == CLASS_JSON)
            return store_squeezed(&to, value->text);
        store_text(&to, value->text);
        return true;
    case VALUE_BYTES:
        if (column->class == CLASS_GEOMETRY && type_is_string(vector->type))
            return store_geometry(&to, value->text);
        store_text(&to, value->text);
        return true;
    case VALUE_DATE:
        return store_date(&to, (int32_t)value->i);
    case VALUE_TIME:
        return store_time(&to, value->i);
    default:
        return store_datetime(&to, value, zone);
    }
}
