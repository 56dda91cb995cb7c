/* SQL values as JSON text. */
#include "functions/json_value.h"

#include "core/json_text.h"
#include "core/str.h"
#include "core/value_text.h"

static void print_base64(Str bytes, Buffer *out)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    buffer_append_char(out, '"');
    for (size_t at = 0; at < bytes.length; at += 3) {
        const size_t left = bytes.length - at;
        uint32_t group = (uint32_t)(uint8_t)bytes.data[at] << 16;
        group |= left > 1 ? (uint32_t)(uint8_t)bytes.data[at + 1] << 8 : 0;
        group |= left > 2 ? (uint32_t)(uint8_t)bytes.data[at + 2] : 0;
        buffer_append_char(out, digits[group >> 18]);
        buffer_append_char(out, digits[group >> 12 & 63]);
        buffer_append_char(out, left > 1 ? digits[group >> 6 & 63] : '=');
        buffer_append_char(out, left > 2 ? digits[group & 63] : '=');
    }
    buffer_append_char(out, '"');
}

static void print_as_text(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out)
{
    Buffer text = {0};
    value_print(vector, row, zone, &text);
    json_print_string((Str){text.data, text.length}, out);
    buffer_deinit(&text);
}

/* Infinity and NaN are no JSON numbers. */
static void print_float(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out)
{
    const uint32_t index = vector_index(vector, row);
    const double value = vector->type->physical == PHYSICAL_F32
                             ? (double)((const float *)vector->data)[index]
                             : ((const double *)vector->data)[index];
    if (value - value == 0)
        value_print(vector, row, zone, out);
    else
        print_as_text(vector, row, zone, out);
}

static void print_list(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out)
{
    const ListEntry slice = ((const ListEntry *)vector->data)[vector_index(vector, row)];
    const bool map = vector->type->kind == TYPE_MAP;
    buffer_append_char(out, map ? '{' : '[');
    for (uint32_t i = 0; i < slice.length; i++) {
        if (i != 0)
            buffer_append_char(out, ',');
        if (map) {
            print_as_text(&vector->children[0], slice.offset + i, zone, out);
            buffer_append_char(out, ':');
        }
        json_print_value(&vector->children[map ? 1 : 0], slice.offset + i, zone, out);
    }
    buffer_append_char(out, map ? '}' : ']');
}

static void print_row(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out)
{
    const uint32_t index = vector_index(vector, row);
    buffer_append_char(out, '{');
    for (uint32_t f = 0; f < vector->type->field_count; f++) {
        if (f != 0)
            buffer_append_char(out, ',');
        json_print_string(str_of(vector->type->fields[f].name), out);
        buffer_append_char(out, ':');
        json_print_value(&vector->children[f], index, zone, out);
    }
    buffer_append_char(out, '}');
}

void json_print_value(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out)
{
    const Type *type = vector->type;
    if (vector_is_null(vector, row)) {
        buffer_append_text(out, "null");
        return;
    }
    switch (type->kind) {
    case TYPE_BOOLEAN:
        buffer_append_text(out, ((const uint8_t *)vector->data)[vector_index(vector, row)] != 0
                                    ? "true"
                                    : "false");
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        print_float(vector, row, zone, out);
        break;
    case TYPE_BINARY:
    case TYPE_VARBINARY:
        print_base64(vector_str(vector, row), out);
        break;
    case TYPE_ARRAY:
    case TYPE_MULTISET:
    case TYPE_MAP:
        print_list(vector, row, zone, out);
        break;
    case TYPE_ROW:
        print_row(vector, row, zone, out);
        break;
    default:
        if (type_is_numeric(type))
            value_print(vector, row, zone, out);
        else
            print_as_text(vector, row, zone, out);
    }
}
