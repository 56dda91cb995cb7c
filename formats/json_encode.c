/* Rows to JSON objects. NaN and infinities, which JSON lacks, are strings, as are dates and times.
 */
#include "formats/json_internal.h"

#include <math.h>

#include "core/str.h"

static bool print_value(const Vector *vector, uint32_t row, const JsonSettings *settings,
                        Buffer *out, Error *error);

static bool is_bare(const Vector *vector, uint32_t index)
{
    switch (vector->type->kind) {
    case TYPE_BOOLEAN:
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_DECIMAL:
        return true;
    case TYPE_FLOAT:
        return isfinite(((const float *)vector->data)[index]);
    case TYPE_DOUBLE:
        return isfinite(((const double *)vector->data)[index]);
    default:
        return false;
    }
}

static void print_key(const Vector *map, uint32_t row, const JsonSettings *settings, Buffer *out)
{
    const Vector *keys = &map->children[0];
    Str key = vector_is_null(keys, row) ? settings->map_null_literal : vector_str(keys, row);
    json_print_string(key, out);
    buffer_append_char(out, ':');
}

static bool print_map(const Vector *vector, ListEntry list, const JsonSettings *settings,
                      Buffer *out, Error *error)
{
    buffer_append_char(out, '{');
    bool first = true;
    for (uint32_t i = list.offset; i < list.offset + list.length; i++) {
        if (vector_is_null(&vector->children[0], i)) {
            if (settings->map_null_key == MAP_NULL_KEY_DROP)
                continue;
            if (settings->map_null_key == MAP_NULL_KEY_FAIL) {
                error_set(error, ERROR_DATA, "cannot write a MAP with a NULL key as JSON");
                return error_hint(error, "Set the option map-null-key.mode of the format to 'DROP' "
                                         "or 'LITERAL'.");
            }
        }
        if (!first)
            buffer_append_char(out, ',');
        first = false;
        print_key(vector, i, settings, out);
        if (!print_value(&vector->children[1], i, settings, out, error))
            return false;
    }
    buffer_append_char(out, '}');
    return true;
}

static bool print_array(const Vector *vector, ListEntry list, const JsonSettings *settings,
                        Buffer *out, Error *error)
{
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < list.length; i++) {
        if (i != 0)
            buffer_append_char(out, ',');
        if (!print_value(&vector->children[0], list.offset + i, settings, out, error))
            return false;
    }
    buffer_append_char(out, ']');
    return true;
}

static bool print_field(const char *name, const Vector *vector, uint32_t row,
                        const JsonSettings *settings, bool *first, Buffer *out, Error *error)
{
    if (settings->ignore_null_fields && vector_is_null(vector, row))
        return true;
    if (!*first)
        buffer_append_char(out, ',');
    *first = false;
    json_print_string(str_of(name), out);
    buffer_append_char(out, ':');
    return print_value(vector, row, settings, out, error);
}

static bool print_fields(const Vector *vector, uint32_t index, const JsonSettings *settings,
                         Buffer *out, Error *error)
{
    const Type *type = vector->type;
    bool first = true;
    buffer_append_char(out, '{');
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!print_field(type->fields[i].name, &vector->children[i], index, settings, &first, out,
                         error))
            return false;
    buffer_append_char(out, '}');
    return true;
}

static bool print_value(const Vector *vector, uint32_t row, const JsonSettings *settings,
                        Buffer *out, Error *error)
{
    if (vector_is_null(vector, row)) {
        buffer_append_text(out, "null");
        return true;
    }
    const Type *type = vector->type;
    uint32_t index = vector_index(vector, row);
    if (type_is_string(type)) {
        json_print_string(vector_str(vector, row), out);
        return true;
    }
    if (type->kind == TYPE_MAP)
        return print_map(vector, ((const ListEntry *)vector->data)[index], settings, out, error);
    if (type->kind == TYPE_ARRAY)
        return print_array(vector, ((const ListEntry *)vector->data)[index], settings, out, error);
    if (type->kind == TYPE_ROW)
        return print_fields(vector, index, settings, out, error);
    bool bare = is_bare(vector, index);
    if (!bare)
        buffer_append_char(out, '"');
    format_text_print(vector, row, settings->timestamp_form, !settings->decimal_plain, out);
    if (!bare)
        buffer_append_char(out, '"');
    return true;
}

bool json_print_row(const Batch *batch, uint32_t row, const JsonSettings *settings, Buffer *out,
                    Error *error)
{
    bool first = true;
    buffer_append_char(out, '{');
    for (uint32_t c = 0; c < batch->column_count; c++) {
        const char *name = batch->schema->columns[c].name;
        if (!print_field(name, &batch->columns[c], row, settings, &first, out, error))
            return error_prefix(error, "column \"%s\": ", name);
    }
    buffer_append_char(out, '}');
    return true;
}
