/* Values as Flink's CAST to STRING writes them.
 *
 * A MULTISET is shown as {element=count}, equal elements together, in their order. */
#include "core/value_text.h"

#include <stdlib.h>

#include "core/decimal.h"
#include "core/float_text.h"

#define MILLIS_PER_DAY  INT64_C(86400000)
#define NANOS_PER_MILLI INT64_C(1000000)
#define MONTHS_PER_YEAR 12

static void print_timestamp(const Type *type, const void *data, uint32_t index,
                            const TimeZone *zone, Buffer *out)
{
    DateTime datetime;
    if (type->physical == PHYSICAL_I64)
        datetime = datetime_from_micros(((const int64_t *)data)[index]);
    else
        datetime = datetime_from_nanos(((const int128_t *)data)[index]);
    if (type->kind == TYPE_TIMESTAMP_LTZ && zone != NULL) {
        int64_t below_micro = datetime.nanos % 1000;
        datetime = datetime_from_micros(time_zone_to_local(zone, datetime_to_micros(datetime)));
        datetime.nanos += below_micro;
    }
    datetime_print(datetime, type->precision, out);
}

static void print_interval_month(int32_t months, Buffer *out)
{
    uint32_t size = months < 0 ? 0 - (uint32_t)months : (uint32_t)months;
    buffer_append_char(out, months < 0 ? '-' : '+');
    buffer_append_padded(out, size / MONTHS_PER_YEAR, 1);
    buffer_append_char(out, '-');
    buffer_append_padded(out, size % MONTHS_PER_YEAR, 2);
}

static void print_interval_second(int64_t millis, Buffer *out)
{
    uint64_t size = millis < 0 ? 0 - (uint64_t)millis : (uint64_t)millis;
    buffer_append_char(out, millis < 0 ? '-' : '+');
    buffer_append_padded(out, size / MILLIS_PER_DAY, 1);
    buffer_append_char(out, ' ');
    time_print((int64_t)(size % MILLIS_PER_DAY) * NANOS_PER_MILLI, 3, out);
}

static void print_bytes(Str bytes, Buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    char *to = buffer_reserve(out, 2 * bytes.length + 3);
    *to++ = 'x';
    *to++ = '\'';
    for (size_t i = 0; i < bytes.length; i++) {
        *to++ = digits[(uint8_t)bytes.data[i] >> 4];
        *to++ = digits[(uint8_t)bytes.data[i] & 15];
    }
    *to = '\'';
    out->length += 2 * bytes.length + 3;
}

static void print_float(const Vector *vector, uint32_t index, Buffer *out)
{
    char *to = buffer_reserve(out, FLOAT_TEXT_MAX);
    if (vector->type->physical == PHYSICAL_F32)
        out->length += float_text_print_f32(((const float *)vector->data)[index], to);
    else
        out->length += float_text_print_f64(((const double *)vector->data)[index], to);
}

static void print_array(const Vector *vector, ListEntry list, const TimeZone *zone, Buffer *out)
{
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < list.length; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        value_print(&vector->children[0], list.offset + i, zone, out);
    }
    buffer_append_char(out, ']');
}

static void print_map(const Vector *vector, ListEntry list, const TimeZone *zone, Buffer *out)
{
    buffer_append_char(out, '{');
    for (uint32_t i = 0; i < list.length; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        value_print(&vector->children[0], list.offset + i, zone, out);
        buffer_append_char(out, '=');
        value_print(&vector->children[1], list.offset + i, zone, out);
    }
    buffer_append_char(out, '}');
}

static int element_compare(const void *left, const void *right, void *context)
{
    const Vector *elements = context;
    return vector_values_compare(elements, *(const uint32_t *)left, elements,
                                 *(const uint32_t *)right);
}

static void print_multiset(const Vector *vector, ListEntry list, const TimeZone *zone, Buffer *out)
{
    Vector *elements = &vector->children[0];
    uint32_t *rows = memory_alloc(sizeof(*rows) * list.length);
    for (uint32_t i = 0; i < list.length; i++)
        rows[i] = list.offset + i;
    qsort_r(rows, list.length, sizeof(*rows), element_compare, elements);
    buffer_append_char(out, '{');
    for (uint32_t i = 0, next; i < list.length; i = next) {
        for (next = i + 1; next < list.length; next++)
            if (!vector_values_equal(elements, rows[i], elements, rows[next]))
                break;
        if (i != 0)
            buffer_append_text(out, ", ");
        value_print(elements, rows[i], zone, out);
        buffer_append_char(out, '=');
        buffer_append_padded(out, next - i, 1);
    }
    buffer_append_char(out, '}');
    memory_free(rows);
}

static void print_row(const Vector *vector, uint32_t index, const TimeZone *zone, Buffer *out)
{
    buffer_append_char(out, '(');
    for (uint32_t i = 0; i < vector->type->field_count; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        value_print(&vector->children[i], index, zone, out);
    }
    buffer_append_char(out, ')');
}

static void print_nested(const Vector *vector, uint32_t index, const TimeZone *zone, Buffer *out)
{
    const ListEntry *lists = vector->data;
    switch (vector->type->kind) {
    case TYPE_ARRAY:
        print_array(vector, lists[index], zone, out);
        break;
    case TYPE_MAP:
        print_map(vector, lists[index], zone, out);
        break;
    case TYPE_MULTISET:
        print_multiset(vector, lists[index], zone, out);
        break;
    default:
        print_row(vector, index, zone, out);
    }
}

static void print_decimal(const Vector *vector, uint32_t index, Buffer *out)
{
    const Type *type = vector->type;
    int128_t value = type->physical == PHYSICAL_I64 ? ((const int64_t *)vector->data)[index]
                                                    : ((const int128_t *)vector->data)[index];
    decimal_print(value, type->scale, out);
}

void value_print(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out)
{
    if (vector_is_null(vector, row)) {
        buffer_append_text(out, "NULL");
        return;
    }
    const Type *type = vector->type;
    uint32_t index = vector_index(vector, row);
    const void *data = vector->data;
    switch (type->kind) {
    case TYPE_NULL:
        buffer_append_text(out, "NULL");
        break;
    case TYPE_BOOLEAN:
        buffer_append_text(out, ((const uint8_t *)data)[index] != 0 ? "TRUE" : "FALSE");
        break;
    case TYPE_TINYINT:
        buffer_append_i64(out, ((const int8_t *)data)[index]);
        break;
    case TYPE_SMALLINT:
        buffer_append_i64(out, ((const int16_t *)data)[index]);
        break;
    case TYPE_INT:
        buffer_append_i64(out, ((const int32_t *)data)[index]);
        break;
    case TYPE_BIGINT:
        buffer_append_i64(out, ((const int64_t *)data)[index]);
        break;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        print_float(vector, index, out);
        break;
    case TYPE_DECIMAL:
        print_decimal(vector, index, out);
        break;
    case TYPE_CHAR:
    case TYPE_VARCHAR:
        buffer_append_str(out, vector_str(vector, row));
        break;
    case TYPE_BINARY:
    case TYPE_VARBINARY:
        print_bytes(vector_str(vector, row), out);
        break;
    case TYPE_DATE:
        date_print(((const int32_t *)data)[index], out);
        break;
    case TYPE_TIME:
        time_print(((const int32_t *)data)[index] * NANOS_PER_MILLI, type->precision, out);
        break;
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ:
        print_timestamp(type, data, index, zone, out);
        break;
    case TYPE_INTERVAL_MONTH:
        print_interval_month(((const int32_t *)data)[index], out);
        break;
    case TYPE_INTERVAL_SECOND:
        print_interval_second(((const int64_t *)data)[index], out);
        break;
    default:
        print_nested(vector, index, zone, out);
    }
}
