/* JSON objects to rows.
 *
 * Fields are matched by name; the guess that they come in the order of the columns costs one
 * compare when it is right. Of fields with the same name the last one counts. */
#include "formats/json_internal.h"

#include <stdio.h>

#include "core/decimal.h"
#include "core/str.h"

#define OPTION_KEY_MAX 96
/* Digits kept behind the point of a whole number written as 1.5e3 before they are cut off. */
#define CUT_SCALE 10

static const char *setting_key(char *key, const char *prefix, const char *name)
{
    snprintf(key, OPTION_KEY_MAX, "%s.%s", prefix, name);
    return key;
}

void json_settings_read(const Options *options, const OptionSpec *specs, const char *prefix,
                        JsonSettings *settings)
{
    char key[OPTION_KEY_MAX];
    const char *form =
        option_text(options, specs, setting_key(key, prefix, "timestamp-format.standard"));
    const char *mode = option_text(options, specs, setting_key(key, prefix, "map-null-key.mode"));
    *settings = (JsonSettings){
        .timestamp_form = text_equal_nocase(form, "SQL") ? TIMESTAMP_FORM_SQL : TIMESTAMP_FORM_ISO,
        .map_null_key = text_equal_nocase(mode, "FAIL")   ? MAP_NULL_KEY_FAIL
                        : text_equal_nocase(mode, "DROP") ? MAP_NULL_KEY_DROP
                                                          : MAP_NULL_KEY_LITERAL,
        .map_null_literal =
            str_of(option_text(options, specs, setting_key(key, prefix, "map-null-key.literal"))),
    };
    settings->ignore_parse_errors =
        option_boolean(options, specs, setting_key(key, prefix, "ignore-parse-errors"));
    settings->decimal_plain =
        option_boolean(options, specs, setting_key(key, prefix, "encode.decimal-as-plain-number"));
    settings->ignore_null_fields =
        option_boolean(options, specs, setting_key(key, prefix, "encode.ignore-null-fields"));
}

static bool type_fits_json(const Type *type)
{
    if (type->kind == TYPE_MULTISET || type->kind == TYPE_NULL)
        return false;
    if (type->kind == TYPE_MAP && !type_is_string(type->fields[0].type))
        return false;
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!type_fits_json(type->fields[i].type))
            return false;
    return true;
}

bool json_check_schema(const FormatContext *context, const char *format, Error *error)
{
    for (uint32_t c = 0; c < context->schema->column_count; c++) {
        const Column *column = &context->schema->columns[c];
        if (type_fits_json(column->type))
            continue;
        Buffer text = {0};
        type_print(column->type, &text);
        error_set(error, ERROR_UNSUPPORTED, "format \"%s\" cannot hold column \"%s\" of type %s",
                  format, column->name, buffer_text(&text));
        buffer_deinit(&text);
        return error_hint(error, "JSON has no MULTISET, and keys of a MAP must be strings.");
    }
    return true;
}

/* ------------------------------------------------------------------ values */

/* Where a nested value goes. */
typedef struct ValueTarget {
    JsonRows *rows;
    Vector *vector;
    uint32_t row;
    bool *seen; /* ROW: fields met, where missing ones are an error */
} ValueTarget;

static bool read_value(JsonRows *rows, Vector *vector, uint32_t row, JsonValue *value);

static bool value_error(JsonRows *rows, const Vector *vector, const char *what)
{
    Buffer text = {0};
    type_print(vector->type, &text);
    error_set(rows->error, ERROR_DATA, "cannot read JSON %s as %s", what, buffer_text(&text));
    buffer_deinit(&text);
    return false;
}

static bool set_null(JsonRows *rows, Vector *vector, uint32_t row, const char *why)
{
    if (vector->type->nullable) {
        vector_set_null(vector, row, rows->batch->arena);
        return true;
    }
    error_set(rows->error, ERROR_DATA, "the type is NOT NULL, but the field is %s", why);
    return error_hint(rows->error, "Declare the column without NOT NULL, or set the option "
                                   "ignore-parse-errors of the format to 'true'.");
}

/* A whole number written with an exponent, cut off behind the point like any other. */
static bool read_exponent_integer(JsonRows *rows, Vector *vector, uint32_t row, Str text)
{
    int128_t value;
    if (!decimal_parse(text, DECIMAL_PRECISION_MAX, CUT_SCALE, &value))
        return value_error(rows, vector, "number");
    Buffer plain = {0};
    decimal_print(value / decimal_power10(CUT_SCALE), 0, &plain);
    bool good = format_text_read(vector, row, (Str){plain.data, plain.length},
                                 rows->settings->timestamp_form, rows->context->zone,
                                 rows->batch->arena, rows->error);
    buffer_deinit(&plain);
    return good;
}

static bool read_text(JsonRows *rows, Vector *vector, uint32_t row, Str text)
{
    return format_text_read(vector, row, text, rows->settings->timestamp_form, rows->context->zone,
                            rows->batch->arena, rows->error);
}

static bool read_number(JsonRows *rows, Vector *vector, uint32_t row, JsonValue *value)
{
    Str text = json_value_number(value);
    const Type *type = vector->type;
    if (text.data == NULL) {
        text = json_value_token(value);
        return error_set(rows->error, ERROR_DATA, "\"%.*s\" is no JSON number",
                         (int)(text.length > 50 ? 50 : text.length), text.data);
    }
    if (!type_is_numeric(type) && !type_is_string(type))
        return value_error(rows, vector, "number");
    if (type_is_integer(type)) {
        if (format_text_read_integer(vector, row, text))
            return true;
        if (memchr(text.data, 'e', text.length) != NULL ||
            memchr(text.data, 'E', text.length) != NULL)
            return read_exponent_integer(rows, vector, row, text);
    }
    return read_text(rows, vector, row, text);
}

static bool read_element(void *context, JsonValue *value)
{
    ValueTarget *target = context;
    uint32_t at = vector_list_append(target->vector, target->row, 1, target->rows->batch->arena);
    return read_value(target->rows, &target->vector->children[0], at, value);
}

static bool read_entry(void *context, Str key, JsonValue *value)
{
    ValueTarget *target = context;
    uint32_t at = vector_list_append(target->vector, target->row, 1, target->rows->batch->arena);
    return read_text(target->rows, &target->vector->children[0], at, key) &&
           read_value(target->rows, &target->vector->children[1], at, value);
}

static bool read_row_field(void *context, Str key, JsonValue *value)
{
    ValueTarget *target = context;
    const Type *type = target->vector->type;
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (!str_equal(str_of(type->fields[i].name), key))
            continue;
        if (target->seen != NULL)
            target->seen[i] = true;
        return read_value(target->rows, &target->vector->children[i], target->row, value) ||
               error_prefix(target->rows->error, "field \"%s\": ", type->fields[i].name);
    }
    return true;
}

/* JSON_MALFORMED is left to the reader's problem, JSON_STOPPED has filled the error. */
static bool read_list(JsonRows *rows, Vector *vector, uint32_t row, JsonValue *value)
{
    ValueTarget target = {rows, vector, row, NULL};
    uint32_t offset = vector_list_append(vector, row, 0, rows->batch->arena);
    JsonStatus status = vector->type->kind == TYPE_MAP
                            ? json_value_object(value, read_entry, &target)
                            : json_value_array(value, read_element, &target);
    ((ListEntry *)vector->data)[row] = (ListEntry){offset, vector->child_rows - offset};
    return status == JSON_DONE;
}

static bool read_row(JsonRows *rows, Vector *vector, uint32_t row, JsonValue *value)
{
    const Type *type = vector->type;
    ValueTarget target = {rows, vector, row, NULL};
    if (rows->settings->fail_on_missing_field)
        target.seen = arena_new_array(rows->batch->arena, bool, type->field_count);
    vector_set_valid(vector, row);
    for (uint32_t i = 0; i < type->field_count; i++)
        vector_set_null(&vector->children[i], row, rows->batch->arena);
    if (json_value_object(value, read_row_field, &target) != JSON_DONE)
        return false;
    for (uint32_t i = 0; i < type->field_count; i++) {
        bool missing = target.seen != NULL && !target.seen[i];
        if (missing ||
            (!type->fields[i].type->nullable && vector_is_null(&vector->children[i], row)))
            return error_set(rows->error, ERROR_DATA, "field \"%s\" is missing",
                             type->fields[i].name);
    }
    return true;
}

static bool read_string(JsonRows *rows, Vector *vector, uint32_t row, JsonValue *value)
{
    Str text;
    if (type_is_nested(vector->type))
        return value_error(rows, vector, "string");
    return json_value_string(value, &text) && read_text(rows, vector, row, text);
}

static bool read_value(JsonRows *rows, Vector *vector, uint32_t row, JsonValue *value)
{
    JsonKind kind = json_value_kind(value);
    const Type *type = vector->type;
    Str text;
    switch (kind) {
    case JSON_NULL:
        return set_null(rows, vector, row, "null");
    case JSON_TRUE:
    case JSON_FALSE:
        if (type->kind == TYPE_BOOLEAN) {
            ((uint8_t *)vector->data)[row] = kind == JSON_TRUE;
            vector_set_valid(vector, row);
            return true;
        }
        if (!type_is_string(type))
            return value_error(rows, vector, "boolean");
        return read_text(rows, vector, row, json_value_token(value));
    case JSON_NUMBER:
        return read_number(rows, vector, row, value);
    case JSON_STRING:
        return read_string(rows, vector, row, value);
    case JSON_OBJECT:
    case JSON_ARRAY:
        if (type_is_string(type)) /* as text */
            return json_value_raw(value, &text) && read_text(rows, vector, row, text);
        if (type->kind == TYPE_ROW && kind == JSON_OBJECT)
            return read_row(rows, vector, row, value);
        if ((type->kind == TYPE_MAP && kind == JSON_OBJECT) ||
            (type->kind == TYPE_ARRAY && kind == JSON_ARRAY))
            return read_list(rows, vector, row, value);
        return value_error(rows, vector, kind == JSON_OBJECT ? "object" : "array");
    default:
        return error_set(rows->error, ERROR_DATA, "value is no JSON");
    }
}

/* ------------------------------------------------------------------ rows */

void json_rows_init(JsonRows *rows, const FormatContext *context, const JsonSettings *settings)
{
    uint32_t count = context->schema->column_count;
    *rows = (JsonRows){.context = context, .settings = settings};
    rows->names = memory_alloc(sizeof(*rows->names) * count);
    rows->seen = memory_zalloc(sizeof(*rows->seen) * (count / 64 + 1));
    for (uint32_t c = 0; c < count; c++)
        rows->names[c] = str_of(context->schema->columns[c].name);
}

void json_rows_deinit(JsonRows *rows)
{
    memory_free(rows->names);
    memory_free(rows->seen);
}

void json_rows_start(JsonRows *rows, Batch *batch, uint32_t row, Error *error)
{
    rows->batch = batch;
    rows->row = row;
    rows->error = error;
    rows->next = 0;
    memset(rows->seen, 0, sizeof(*rows->seen) * (batch->column_count / 64 + 1));
}

static bool find_column(const JsonRows *rows, Str key, uint32_t *column)
{
    uint32_t count = rows->context->schema->column_count;
    if (rows->next < count && str_equal(rows->names[rows->next], key)) {
        *column = rows->next;
        return true;
    }
    for (uint32_t c = 0; c < count; c++)
        if (str_equal(rows->names[c], key)) {
            *column = c;
            return true;
        }
    return false;
}

bool json_rows_field(void *context, Str key, JsonValue *value)
{
    JsonRows *rows = context;
    uint32_t column;
    if (!find_column(rows, key, &column))
        return true;
    rows->next = column + 1;
    rows->seen[column / 64] |= UINT64_C(1) << (column % 64);
    return read_value(rows, &rows->batch->columns[column], rows->row, value) ||
           error_prefix(rows->error,
                        "column \"%s\": ", rows->context->schema->columns[column].name);
}

bool json_rows_finish(JsonRows *rows)
{
    uint32_t count = rows->context->schema->column_count;
    for (uint32_t c = 0; c < count; c++) {
        if ((rows->seen[c / 64] >> (c % 64) & 1) != 0)
            continue;
        const char *name = rows->context->schema->columns[c].name;
        if (rows->settings->fail_on_missing_field) {
            error_set(rows->error, ERROR_DATA, "field \"%s\" is missing", name);
            return error_hint(rows->error,
                              "Set the option json.fail-on-missing-field to 'false' to "
                              "have NULL for it.");
        }
        if (!set_null(rows, &rows->batch->columns[c], rows->row, "missing"))
            return error_prefix(rows->error, "column \"%s\": ", name);
    }
    return true;
}

JsonStatus json_rows_value(JsonRows *rows, JsonValue *value, Batch *batch, uint32_t row,
                           Error *error)
{
    json_rows_start(rows, batch, row, error);
    JsonStatus status = json_value_object(value, json_rows_field, rows);
    if (status != JSON_DONE)
        return status;
    return json_rows_finish(rows) ? JSON_DONE : JSON_STOPPED;
}
