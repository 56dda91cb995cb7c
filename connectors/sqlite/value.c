/* Values of SQLite as values of declared columns.
 *
 * A value is taken when it fits the declared type without loss; all else is an error that names
 * the value and the type. */
#include <math.h>
#include <stdio.h>

#include "connectors/sqlite/internal.h"
#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"

static const char *storage_name(int storage)
{
    static const char *const names[] = {"", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};
    return names[storage];
}

static bool bad_value(const Vector *vector, const char *what, Error *error)
{
    Buffer type = {0};
    type_print(vector->type, &type);
    error_set(error, ERROR_DATA, "%s does not fit type %s", what, buffer_text(&type));
    buffer_deinit(&type);
    return false;
}

static Str column_run(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return (Str){data == NULL ? "" : data, (size_t)sqlite3_column_bytes(statement, column)};
}

static bool store_integer(Vector *vector, uint32_t row, int64_t value, Error *error)
{
    const Type *type = vector->type;
    char text[64];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    int64_t bound = type->kind == TYPE_TINYINT                                        ? INT8_MAX
                    : type->kind == TYPE_SMALLINT                                     ? INT16_MAX
                    : type->kind == TYPE_BIGINT || type->kind == TYPE_INTERVAL_SECOND ? INT64_MAX
                                                                                      : INT32_MAX;
    if (type->kind == TYPE_BOOLEAN) {
        if (value != 0 && value != 1)
            return bad_value(vector, text, error);
        ((uint8_t *)vector->data)[row] = (uint8_t)value;
        return true;
    }
    if (value > bound || value < -bound - 1)
        return bad_value(vector, text, error);
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        ((int8_t *)vector->data)[row] = (int8_t)value;
        break;
    case PHYSICAL_I16:
        ((int16_t *)vector->data)[row] = (int16_t)value;
        break;
    case PHYSICAL_I32:
        ((int32_t *)vector->data)[row] = (int32_t)value;
        break;
    default:
        ((int64_t *)vector->data)[row] = value;
        break;
    }
    return true;
}

static bool store_real(Vector *vector, uint32_t row, double value)
{
    if (vector->type->kind == TYPE_FLOAT)
        ((float *)vector->data)[row] = (float)value;
    else
        ((double *)vector->data)[row] = value;
    return true;
}

static bool store_text(const TimeZone *zone, Vector *vector, uint32_t row, Str text, Arena *arena,
                       Error *error)
{
    if (str_utf8_valid_prefix(text) != text.length)
        return bad_value(vector, "text that is not UTF-8", error);
    if (type_is_bytes(vector->type)) {
        vector_set_str(vector, row, text, arena);
        return true;
    }
    return value_parse(vector, row, text, zone, arena, error);
}

/* DECIMAL from whatever SQLite keeps: its text is exact for integers, and the shortest that reads
 * back for reals. */
static bool store_decimal(Vector *vector, uint32_t row, Str text, Error *error)
{
    int128_t value;
    text = str_trim(text);
    if (!decimal_parse(text, vector->type->precision, vector->type->scale, &value)) {
        char shown[80];
        snprintf(shown, sizeof(shown), "\"%.*s\"", (int)(text.length > 60 ? 60 : text.length),
                 text.data);
        return bad_value(vector, shown, error);
    }
    if (vector->type->physical == PHYSICAL_I64)
        ((int64_t *)vector->data)[row] = (int64_t)value;
    else
        ((int128_t *)vector->data)[row] = value;
    return true;
}

bool sqlite_value_store(sqlite3_stmt *statement, int column, const TimeZone *zone, Vector *vector,
                        uint32_t row, Arena *arena, Error *error)
{
    const Type *type = vector->type;
    int storage = sqlite3_column_type(statement, column);
    if (storage == SQLITE_NULL) {
        if (!type->nullable)
            return bad_value(vector, "NULL", error);
        vector_set_null(vector, row, arena);
        return true;
    }
    bool is_integer = type_is_integer(type) || type->kind == TYPE_BOOLEAN ||
                      type->kind == TYPE_INTERVAL_MONTH || type->kind == TYPE_INTERVAL_SECOND;
    bool is_real = type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE;
    if (is_integer && storage == SQLITE_INTEGER)
        return store_integer(vector, row, sqlite3_column_int64(statement, column), error);
    if (is_real && (storage == SQLITE_INTEGER || storage == SQLITE_FLOAT))
        return store_real(vector, row, sqlite3_column_double(statement, column));
    if (storage == SQLITE_BLOB && type_is_bytes(type)) {
        vector_set_str(vector, row, column_run(statement, column), arena);
        return true;
    }
    if (storage == SQLITE_BLOB)
        return bad_value(vector, "a value stored as BLOB", error);
    if (storage == SQLITE_TEXT)
        return type->kind == TYPE_DECIMAL
                   ? store_decimal(vector, row, column_run(statement, column), error)
                   : store_text(zone, vector, row, column_run(statement, column), arena, error);
    /* A number where text or a decimal is wanted: its text. */
    Str text = {(const char *)sqlite3_column_text(statement, column), 0};
    text.length = (size_t)sqlite3_column_bytes(statement, column);
    if (type->kind == TYPE_DECIMAL)
        return store_decimal(vector, row, text, error);
    if (type_is_string(type))
        return store_text(zone, vector, row, text, arena, error);
    char what[64];
    snprintf(what, sizeof(what), "a value stored as %s", storage_name(storage));
    return bad_value(vector, what, error);
}
