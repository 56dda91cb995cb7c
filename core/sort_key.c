/* Order-preserving encoding of values.
 *
 * Nested values follow the same idea: every element of a LIST is led by 0x01 and the list closed by
 * 0x00, so that a shorter one comes first; entries of MULTISET and MAP are sorted by their bytes. A
 * value inside a nested one has its own presence byte (0x00 NULL, 0x01 value). */
#include "core/sort_key.h"

#include <stdlib.h>

#define KEY_NULL_FIRST 0x00
#define KEY_VALUE      0x01
#define KEY_NULL_LAST  0xFF
#define LIST_END       0x00
#define LIST_ELEMENT   0x01

static void append_big_endian(Buffer *out, uint64_t value, size_t bytes)
{
    char *to = buffer_reserve(out, bytes);
    for (size_t i = 0; i < bytes; i++)
        to[i] = (char)(value >> (8 * (bytes - 1 - i)));
    out->length += bytes;
}

static void append_signed(Buffer *out, int64_t value, size_t bytes)
{
    append_big_endian(out, (uint64_t)value ^ UINT64_C(1) << (8 * bytes - 1), bytes);
}

static void append_f64(Buffer *out, double value)
{
    value = value != value ? __builtin_nan("") : value + 0.0; /* one NaN, one zero */
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    append_big_endian(out, bits >> 63 != 0 ? ~bits : bits | UINT64_C(1) << 63, 8);
}

static void append_f32(Buffer *out, float value)
{
    value = value != value ? __builtin_nanf("") : value + 0.0F;
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    append_big_endian(out, bits >> 31 != 0 ? ~bits : bits | UINT32_C(1) << 31, 4);
}

static void append_string(Buffer *out, Str text)
{
    while (text.length != 0) {
        const char *zero = memchr(text.data, 0, text.length);
        size_t plain = zero == NULL ? text.length : (size_t)(zero - text.data);
        buffer_append(out, text.data, plain);
        text.data += plain;
        text.length -= plain;
        if (text.length != 0) {
            buffer_append(out, "\x00\xFF", 2);
            text.data++;
            text.length--;
        }
    }
    buffer_append(out, "\x00\x00", 2);
}

static void append_value(Buffer *out, const Vector *vector, uint32_t row);

static void append_nullable(Buffer *out, const Vector *vector, uint32_t row)
{
    bool null = vector_is_null(vector, row);
    buffer_append_char(out, null ? KEY_NULL_FIRST : KEY_VALUE);
    if (!null)
        append_value(out, vector, row);
}

static void append_entry(Buffer *out, const Vector *vector, uint32_t row)
{
    for (uint32_t c = 0; c < vector->type->field_count; c++)
        append_nullable(out, &vector->children[c], row);
}

static int str_order(const void *left, const void *right)
{
    const Str *a = left;
    const Str *b = right;
    int order = memcmp(a->data, b->data, a->length < b->length ? a->length : b->length);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static void append_sorted(Buffer *out, const Vector *vector, ListEntry list)
{
    Buffer bytes = {0};
    Str *entries = memory_alloc(sizeof(*entries) * list.length);
    for (uint32_t i = 0; i < list.length; i++) {
        size_t start = bytes.length;
        append_entry(&bytes, vector, list.offset + i);
        entries[i].length = bytes.length - start;
    }
    const char *next = bytes.data;
    for (uint32_t i = 0; i < list.length; i++) {
        entries[i].data = next;
        next += entries[i].length;
    }
    qsort(entries, list.length, sizeof(*entries), str_order);
    for (uint32_t i = 0; i < list.length; i++) {
        buffer_append_char(out, LIST_ELEMENT);
        buffer_append_str(out, entries[i]);
    }
    memory_free(entries);
    buffer_deinit(&bytes);
}

static void append_list(Buffer *out, const Vector *vector, ListEntry list)
{
    if (vector->type->kind != TYPE_ARRAY && list.length != 0) {
        append_sorted(out, vector, list);
    } else {
        for (uint32_t i = 0; i < list.length; i++) {
            buffer_append_char(out, LIST_ELEMENT);
            append_entry(out, vector, list.offset + i);
        }
    }
    buffer_append_char(out, LIST_END);
}

/* The value of a row that is not NULL. */
static void append_value(Buffer *out, const Vector *vector, uint32_t row)
{
    uint32_t index = vector_index(vector, row);
    const void *data = vector->data;
    switch (vector->type->physical) {
    case PHYSICAL_BOOL:
        buffer_append_char(out, ((const uint8_t *)data)[index] != 0);
        break;
    case PHYSICAL_I8:
        append_signed(out, ((const int8_t *)data)[index], 1);
        break;
    case PHYSICAL_I16:
        append_signed(out, ((const int16_t *)data)[index], 2);
        break;
    case PHYSICAL_I32:
        append_signed(out, ((const int32_t *)data)[index], 4);
        break;
    case PHYSICAL_I64:
        append_signed(out, ((const int64_t *)data)[index], 8);
        break;
    case PHYSICAL_I128: {
        int128_t value = ((const int128_t *)data)[index];
        append_signed(out, (int64_t)(value >> 64), 8);
        append_big_endian(out, (uint64_t)value, 8);
        break;
    }
    case PHYSICAL_F32:
        append_f32(out, ((const float *)data)[index]);
        break;
    case PHYSICAL_F64:
        append_f64(out, ((const double *)data)[index]);
        break;
    case PHYSICAL_STRING:
        append_string(out, vector_str(vector, row));
        break;
    case PHYSICAL_LIST:
        append_list(out, vector, ((const ListEntry *)data)[index]);
        break;
    case PHYSICAL_ROW:
        append_entry(out, vector, index);
        break;
    }
}

void sort_key_append(Buffer *out, const Vector *vector, uint32_t row, SortOrder order)
{
    if (vector_is_null(vector, row)) {
        buffer_append_char(out, (char)(order.nulls_last ? KEY_NULL_LAST : KEY_NULL_FIRST));
        return;
    }
    buffer_append_char(out, KEY_VALUE);
    size_t start = out->length;
    append_value(out, vector, row);
    if (order.descending)
        for (size_t i = start; i < out->length; i++)
            out->data[i] = (char)~out->data[i];
}

/* ------------------------------------------------------------------------ many rows */

/* Whether every key has the same length and the column can be written by the loops below. */
static bool is_plain(const Vector *vector)
{
    PhysicalType physical = vector->type->physical;
    return vector->validity == NULL && (physical == PHYSICAL_I32 || physical == PHYSICAL_I64);
}

#define WRITE_PLAIN(name, T, U, swap)                                                              \
    static void write_##name(const SortKeyColumn *column, uint32_t rows, char *to, size_t stride)  \
    {                                                                                              \
        const T *values = column->vector->data;                                                    \
        uint32_t mask = column->vector->constant ? 0 : UINT32_MAX;                                 \
        U invert = column->order.descending ? (U) ~(U)0 : 0;                                       \
        invert ^= (U)1 << (8 * sizeof(U) - 1);                                                     \
        for (uint32_t row = 0; row < rows; row++, to += stride) {                                  \
            U bytes = swap((U)values[row & mask] ^ invert);                                        \
            *to = KEY_VALUE;                                                                       \
            memcpy(to + 1, &bytes, sizeof(bytes));                                                 \
        }                                                                                          \
    }
WRITE_PLAIN(i32, int32_t, uint32_t, __builtin_bswap32)
WRITE_PLAIN(i64, int64_t, uint64_t, __builtin_bswap64)

static void encode_plain(const SortKeyColumn *columns, uint32_t count, uint32_t rows, size_t stride,
                         uint32_t room, char *to)
{
    size_t at = 0;
    for (uint32_t c = 0; c < count; c++) {
        bool is_long = columns[c].vector->type->physical == PHYSICAL_I64;
        (is_long ? write_i64 : write_i32)(&columns[c], rows, to + at, stride);
        at += is_long ? 9 : 5;
    }
    for (uint32_t row = 0; row < rows; row++)
        memset(to + row * stride + at, 0, room);
}

void sort_key_encode(const SortKeyColumn *columns, uint32_t count, uint32_t rows, uint32_t room,
                     Buffer *out, Str *keys)
{
    size_t stride = room;
    bool plain = true;
    buffer_clear(out);
    for (uint32_t c = 0; c < count && plain; c++) {
        plain = is_plain(columns[c].vector);
        stride += columns[c].vector->type->physical == PHYSICAL_I64 ? 9 : 5;
    }
    if (plain) {
        encode_plain(columns, count, rows, stride, room, buffer_reserve(out, rows * stride + 1));
        out->length = rows * stride;
    }
    for (uint32_t row = 0; row < rows; row++) {
        keys[row].length = stride;
        if (plain)
            continue;
        size_t start = out->length;
        for (uint32_t c = 0; c < count; c++)
            sort_key_append(out, columns[c].vector, row, columns[c].order);
        memset(buffer_reserve(out, room + 1), 0, room);
        out->length += room;
        keys[row].length = out->length - start;
    }
    const char *next = out->data;
    for (uint32_t row = 0; row < rows; row++) {
        keys[row].data = next;
        next += keys[row].length;
    }
}

/* Reads bytes that may be inverted; short input reads as zeros. */
typedef struct KeyReader {
    const uint8_t *next;
    const uint8_t *end;
    uint8_t invert;
} KeyReader;

static uint8_t read_u8(KeyReader *reader)
{
    if (reader->next == reader->end)
        return 0;
    return *reader->next++ ^ reader->invert;
}

static uint64_t read_big_endian(KeyReader *reader, size_t bytes)
{
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; i++)
        value = value << 8 | read_u8(reader);
    return value;
}

static uint64_t read_signed(KeyReader *reader, size_t bytes)
{
    return read_big_endian(reader, bytes) ^ UINT64_C(1) << (8 * bytes - 1);
}

static void read_string(KeyReader *reader, Vector *to, uint32_t row, Arena *arena)
{
    Buffer text = {0};
    while (reader->next != reader->end) {
        uint8_t byte = read_u8(reader);
        if (byte == 0 && read_u8(reader) == 0)
            break;
        buffer_append_char(&text, (char)byte);
    }
    vector_set_str(to, row, (Str){text.data, text.length}, arena);
    buffer_deinit(&text);
}

static void read_value(KeyReader *reader, Vector *to, uint32_t row, Arena *arena);

static void read_nullable(KeyReader *reader, Vector *to, uint32_t row, Arena *arena)
{
    if (read_u8(reader) == KEY_VALUE)
        read_value(reader, to, row, arena);
    else
        vector_set_null(to, row, arena);
}

/* Appends entries one by one: their number stands nowhere. */
static void read_list(KeyReader *reader, Vector *to, uint32_t row, Arena *arena)
{
    ListEntry list = {vector_list_append(to, row, 0, arena), 0};
    while (read_u8(reader) == LIST_ELEMENT) {
        uint32_t at = vector_list_append(to, row, 1, arena);
        for (uint32_t c = 0; c < to->type->field_count; c++)
            read_nullable(reader, &to->children[c], at, arena);
        list.length++;
    }
    ((ListEntry *)to->data)[row] = list;
}

static void read_value(KeyReader *reader, Vector *to, uint32_t row, Arena *arena)
{
    vector_set_valid(to, row);
    void *data = to->data;
    switch (to->type->physical) {
    case PHYSICAL_BOOL:
        ((uint8_t *)data)[row] = read_u8(reader);
        break;
    case PHYSICAL_I8:
        ((uint8_t *)data)[row] = (uint8_t)read_signed(reader, 1);
        break;
    case PHYSICAL_I16:
        ((uint16_t *)data)[row] = (uint16_t)read_signed(reader, 2);
        break;
    case PHYSICAL_I32:
        ((uint32_t *)data)[row] = (uint32_t)read_signed(reader, 4);
        break;
    case PHYSICAL_I64:
        ((uint64_t *)data)[row] = read_signed(reader, 8);
        break;
    case PHYSICAL_I128: {
        uint128_t high = read_signed(reader, 8);
        ((uint128_t *)data)[row] = high << 64 | read_big_endian(reader, 8);
        break;
    }
    case PHYSICAL_F32: {
        uint32_t bits = (uint32_t)read_big_endian(reader, 4);
        bits = bits >> 31 != 0 ? bits & ~(UINT32_C(1) << 31) : ~bits;
        memcpy((float *)data + row, &bits, sizeof(bits));
        break;
    }
    case PHYSICAL_F64: {
        uint64_t bits = read_big_endian(reader, 8);
        bits = bits >> 63 != 0 ? bits & ~(UINT64_C(1) << 63) : ~bits;
        memcpy((double *)data + row, &bits, sizeof(bits));
        break;
    }
    case PHYSICAL_STRING:
        read_string(reader, to, row, arena);
        break;
    case PHYSICAL_LIST:
        read_list(reader, to, row, arena);
        break;
    case PHYSICAL_ROW:
        for (uint32_t c = 0; c < to->type->field_count; c++)
            read_nullable(reader, &to->children[c], row, arena);
        break;
    }
}

void sort_key_read(Str *bytes, SortOrder order, Vector *to, uint32_t row, Arena *arena)
{
    KeyReader reader = {(const uint8_t *)bytes->data, (const uint8_t *)bytes->data + bytes->length,
                        0};
    bool null = read_u8(&reader) != KEY_VALUE;
    reader.invert = order.descending ? 0xFF : 0;
    if (null)
        vector_set_null(to, row, arena);
    else
        read_value(&reader, to, row, arena);
    bytes->length = (size_t)(reader.end - reader.next);
    bytes->data = (const char *)reader.next;
}
