/* Rows as bytes: see the header for the form.
 *
 * A batch is encoded in passes, each over one column: lengths of strings and nested values, places
 * of the rows, slots, string bytes. A fixed-width row needs only the places and the slots; rows of
 * one text are copies of the first with other slots.
 *
 * A nested value as a string: LIST is a u32 count, then for each entry its values one after
 * another; ROW is its values. A value in there is a byte (0 NULL, 1 value) and, unless NULL, its
 * slot and for strings the bytes; nested again the same form without a length. Entries of MULTISET
 * and MAP are sorted by their bytes, so that equal ones have equal bytes. */
#include "core/row.h"

#include <stdlib.h>

#include "core/hash.h"

#define NULL_BYTE_BITS 8

typedef struct RowSlot {
    const Type *type;
    uint32_t offset; /* from the start of the row */
    uint32_t bytes;
} RowSlot;

struct RowLayout {
    uint32_t count;
    uint32_t null_bytes;
    uint32_t fixed_bytes; /* null bits and slots */
    bool variable;
    RowSlot slots[];
};

static bool type_is_variable(const Type *type)
{
    return type->physical == PHYSICAL_STRING || type_is_nested(type);
}

const RowLayout *row_layout_new(Arena *arena, const Type *const *types, uint32_t count)
{
    RowLayout *layout = arena_zalloc(arena, sizeof(RowLayout) + count * sizeof(RowSlot));
    layout->count = count;
    layout->null_bytes = (count + NULL_BYTE_BITS - 1) / NULL_BYTE_BITS;
    uint32_t offset = layout->null_bytes;
    for (uint32_t i = 0; i < count; i++) {
        bool variable = type_is_variable(types[i]);
        uint32_t bytes =
            variable ? (uint32_t)sizeof(uint32_t) : (uint32_t)physical_size(types[i]->physical);
        layout->slots[i] = (RowSlot){types[i], offset, bytes};
        layout->variable = layout->variable || variable;
        offset += bytes;
    }
    layout->fixed_bytes = offset;
    return layout;
}

const RowLayout *row_layout_of_schema(Arena *arena, const Schema *schema)
{
    const Type **types = arena_new_array(arena, const Type *, schema->column_count);
    for (uint32_t i = 0; i < schema->column_count; i++)
        types[i] = schema->columns[i].type;
    return row_layout_new(arena, types, schema->column_count);
}

const RowLayout *row_layout_of_columns(Arena *arena, const Schema *schema, const uint32_t *columns,
                                       uint32_t count)
{
    const Type **types = arena_new_array(arena, const Type *, count + 1);
    for (uint32_t i = 0; i < count; i++)
        types[i] = schema->columns[columns[i]].type;
    return row_layout_new(arena, types, count);
}

uint32_t row_layout_fixed_bytes(const RowLayout *layout)
{
    return layout->variable ? 0 : layout->fixed_bytes;
}

uint32_t row_layout_column_count(const RowLayout *layout)
{
    return layout->count;
}

/* One number for each value: -0.0 + 0.0 is 0.0, and every NaN is the positive quiet one. */
static double canonical_f64(double value)
{
    return value != value ? __builtin_nan("") : value + 0.0;
}

static float canonical_f32(float value)
{
    return value != value ? __builtin_nanf("") : value + 0.0F;
}

/* Copies a fixed-width value in its canonical form. */
static void slot_write(PhysicalType physical, char *to, const void *data, uint32_t index)
{
    switch (physical) {
    case PHYSICAL_BOOL:
        *to = ((const uint8_t *)data)[index] != 0;
        break;
    case PHYSICAL_F32: {
        float value = canonical_f32(((const float *)data)[index]);
        memcpy(to, &value, sizeof(value));
        break;
    }
    case PHYSICAL_F64: {
        double value = canonical_f64(((const double *)data)[index]);
        memcpy(to, &value, sizeof(value));
        break;
    }
    default: {
        size_t size = physical_size(physical);
        memcpy(to, (const char *)data + size * index, size);
    }
    }
}

static void nested_append(Buffer *out, const Vector *vector, uint32_t index);

/* A value inside a nested one, with its presence byte. */
static void nested_append_value(Buffer *out, const Vector *vector, uint32_t row)
{
    bool null = vector_is_null(vector, row);
    buffer_append_char(out, null ? 0 : 1);
    if (null)
        return;
    const Type *type = vector->type;
    uint32_t index = vector_index(vector, row);
    if (type_is_nested(type)) {
        nested_append(out, vector, index);
    } else if (type->physical == PHYSICAL_STRING) {
        buffer_append_bytes(out, vector_str(vector, index));
    } else {
        size_t size = physical_size(type->physical);
        slot_write(type->physical, buffer_reserve(out, size), vector->data, index);
        out->length += size;
    }
}

static int str_order(const void *left, const void *right)
{
    const Str *a = left;
    const Str *b = right;
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->data, b->data, shorter);
    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

static void nested_append_sorted(Buffer *out, const Vector *vector, ListEntry entry)
{
    Buffer bytes = {0};
    Str *entries = memory_alloc(sizeof(*entries) * entry.length);
    size_t *ends = memory_alloc(sizeof(*ends) * entry.length);
    for (uint32_t i = 0; i < entry.length; i++) {
        for (uint32_t c = 0; c < vector->type->field_count; c++)
            nested_append_value(&bytes, &vector->children[c], entry.offset + i);
        ends[i] = bytes.length;
    }
    for (uint32_t i = 0; i < entry.length; i++) {
        size_t start = i == 0 ? 0 : ends[i - 1];
        entries[i] = (Str){bytes.data + start, ends[i] - start};
    }
    qsort(entries, entry.length, sizeof(*entries), str_order);
    for (uint32_t i = 0; i < entry.length; i++)
        buffer_append_str(out, entries[i]);
    memory_free(ends);
    memory_free(entries);
    buffer_deinit(&bytes);
}

static void nested_append(Buffer *out, const Vector *vector, uint32_t index)
{
    const Type *type = vector->type;
    if (type->physical == PHYSICAL_ROW) {
        for (uint32_t c = 0; c < type->field_count; c++)
            nested_append_value(out, &vector->children[c], index);
        return;
    }
    ListEntry entry = ((const ListEntry *)vector->data)[index];
    buffer_append_u32(out, entry.length);
    if (type->kind != TYPE_ARRAY) {
        nested_append_sorted(out, vector, entry);
        return;
    }
    for (uint32_t i = 0; i < entry.length; i++)
        nested_append_value(out, &vector->children[0], entry.offset + i);
}

static void nested_read(Reader *reader, Vector *to, uint32_t row, Arena *arena, bool borrow);

static void nested_read_value(Reader *reader, Vector *to, uint32_t row, Arena *arena, bool borrow)
{
    if (reader_u8(reader) == 0) {
        vector_set_null(to, row, arena);
        return;
    }
    const Type *type = to->type;
    vector_set_valid(to, row);
    if (type_is_nested(type)) {
        nested_read(reader, to, row, arena, borrow);
    } else if (type->physical == PHYSICAL_STRING) {
        Str text = reader_bytes(reader);
        ((StringView *)to->data)[row] = borrow ? string_view_borrow(text.data, text.length)
                                               : string_view_copy(arena, text.data, text.length);
    } else {
        size_t size = physical_size(type->physical);
        if ((size_t)(reader->end - reader->next) < size) {
            reader->failed = true;
            vector_set_null(to, row, arena);
            return;
        }
        memcpy((char *)to->data + size * row, reader->next, size);
        reader->next += size;
    }
}

static void nested_read(Reader *reader, Vector *to, uint32_t row, Arena *arena, bool borrow)
{
    const Type *type = to->type;
    if (type->physical == PHYSICAL_ROW) {
        for (uint32_t c = 0; c < type->field_count; c++)
            nested_read_value(reader, &to->children[c], row, arena, borrow);
        return;
    }
    uint32_t length = reader_u32(reader);
    if (length > (size_t)(reader->end - reader->next))
        length = 0; /* corrupt: every entry has at least a byte */
    uint32_t offset = vector_list_append(to, row, length, arena);
    for (uint32_t i = 0; i < length; i++)
        for (uint32_t c = 0; c < type->field_count; c++)
            nested_read_value(reader, &to->children[c], offset + i, arena, borrow);
}

/* The bytes of a variable column's value; a nested one's lie in `encoded`. */
static Str variable_value(const Vector *vector, uint32_t row, const Str *encoded, uint32_t i)
{
    if (vector_is_null(vector, row))
        return (Str){"", 0};
    return encoded != NULL ? encoded[i] : vector_str(vector, row);
}

/* Encodes the nested values of a column, once, so that their lengths are known. */
static Str *nested_encode(const Vector *vector, const uint32_t *rows, uint32_t count, Arena *arena)
{
    Str *encoded = arena_new_array(arena, Str, count);
    Buffer scratch = {0};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows == NULL ? i : rows[i];
        buffer_clear(&scratch);
        if (!vector_is_null(vector, row))
            nested_append(&scratch, vector, vector_index(vector, row));
        encoded[i] = (Str){arena_memdup(arena, scratch.data, scratch.length), scratch.length};
    }
    buffer_deinit(&scratch);
    return encoded;
}

#define ENCODE_SLOTS(name, type, convert)                                                          \
    static void encode_slots_##name(const type *data, uint32_t mask, const uint32_t *rows,         \
                                    uint32_t count, uint32_t offset, const Str *out)               \
    {                                                                                              \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            type value = convert(data[(rows == NULL ? i : rows[i]) & mask]);                       \
            memcpy((char *)(uintptr_t)out[i].data + offset, &value, sizeof(value));                \
        }                                                                                          \
    }

#define AS_IS(value)   (value)
#define AS_BOOL(value) ((value) != 0)
ENCODE_SLOTS(bool, uint8_t, AS_BOOL)
ENCODE_SLOTS(1, uint8_t, AS_IS)
ENCODE_SLOTS(2, uint16_t, AS_IS)
ENCODE_SLOTS(4, uint32_t, AS_IS)
ENCODE_SLOTS(8, uint64_t, AS_IS)
ENCODE_SLOTS(16, uint128_t, AS_IS)
ENCODE_SLOTS(f32, float, canonical_f32)
ENCODE_SLOTS(f64, double, canonical_f64)

static void encode_slots(const RowSlot *slot, const Vector *vector, const uint32_t *rows,
                         uint32_t count, const Str *out)
{
    uint32_t mask = vector->constant ? 0 : UINT32_MAX;
    const void *data = vector->data;
    switch (slot->type->physical) {
    case PHYSICAL_BOOL:
        encode_slots_bool(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_I8:
        encode_slots_1(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_I16:
        encode_slots_2(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_I32:
        encode_slots_4(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_I64:
        encode_slots_8(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_I128:
        encode_slots_16(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_F32:
        encode_slots_f32(data, mask, rows, count, slot->offset, out);
        break;
    case PHYSICAL_F64:
        encode_slots_f64(data, mask, rows, count, slot->offset, out);
        break;
    default:
        assert(false);
    }
}

/* Sets the bit and clears the slot of every row in which the column is NULL. */
static void encode_nulls(const RowSlot *slot, uint32_t column, const Vector *vector,
                         const uint32_t *rows, uint32_t count, const Str *out)
{
    if (vector->validity == NULL)
        return;
    for (uint32_t i = 0; i < count; i++) {
        if (!vector_is_null(vector, rows == NULL ? i : rows[i]))
            continue;
        char *to = (char *)(uintptr_t)out[i].data;
        to[column / NULL_BYTE_BITS] |= (char)(1 << (column % NULL_BYTE_BITS));
        memset(to + slot->offset, 0, slot->bytes);
    }
}

/* Lengths of the variable column added to out[i].length. */
static void add_lengths(const Vector *vector, const Str *encoded, const uint32_t *rows,
                        uint32_t count, Str *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i].length += variable_value(vector, rows == NULL ? i : rows[i], encoded, i).length;
}

/* Texts lie anywhere: so many rows ahead of the one that is written they are asked for. */
#define TEXTS_AHEAD 8

static void ask_for_text(const Vector *vector, uint32_t row)
{
    const StringView *view = (const StringView *)vector->data + vector_index(vector, row);
    if (view->length <= STRING_INLINE_MAX)
        return;
    __builtin_prefetch(view->pointer);
    __builtin_prefetch(view->pointer + view->length - 1);
}

/* Writes the column's lengths and bytes; out[i].length is where the row's next bytes go. */
static void encode_variable(const RowSlot *slot, const Vector *vector, const Str *encoded,
                            const uint32_t *rows, uint32_t count, Str *out)
{
    uint32_t asks = encoded == NULL && count > TEXTS_AHEAD ? count - TEXTS_AHEAD : 0;
    for (uint32_t i = 0; i < count; i++) {
        if (i < asks)
            ask_for_text(vector, rows == NULL ? i + TEXTS_AHEAD : rows[i + TEXTS_AHEAD]);
        Str value = variable_value(vector, rows == NULL ? i : rows[i], encoded, i);
        char *to = (char *)(uintptr_t)out[i].data;
        uint32_t length = (uint32_t)value.length;
        memcpy(to + slot->offset, &length, sizeof(length));
        memcpy(to + out[i].length, value.data, value.length);
        out[i].length += value.length;
    }
}

RowNested row_measure(const RowLayout *layout, const Vector *const *columns, const uint32_t *rows,
                      uint32_t count, Arena *arena, Str *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i].length = layout->fixed_bytes;
    if (!layout->variable)
        return NULL;
    const Str **nested = arena_new_array(arena, const Str *, layout->count);
    for (uint32_t c = 0; c < layout->count; c++) {
        if (type_is_nested(layout->slots[c].type))
            nested[c] = nested_encode(columns[c], rows, count, arena);
        if (type_is_variable(layout->slots[c].type))
            add_lengths(columns[c], nested[c], rows, count, out);
    }
    return nested;
}

/* Whether the rows differ in columns of fixed width only, and are enough to make use of it. */
static bool texts_are_uniform(const RowLayout *layout, const Vector *const *columns, uint32_t count)
{
    enum { ROWS_LEAST = 8 };
    if (!layout->variable || count < ROWS_LEAST)
        return false;
    for (uint32_t c = 0; c < layout->count; c++)
        if (type_is_variable(layout->slots[c].type) && !vector_is_uniform(columns[c], count))
            return false;
    return true;
}

/* Copies the first row for every row, by words: what a row writes too far the next one covers, and
 * behind the last there is room. */
static void repeat_row(Str first, uint32_t count, Arena *arena, Str *out)
{
    char *to = arena_alloc(arena, first.length * count + sizeof(uint64_t));
    for (uint32_t i = 0; i < count; i++) {
        out[i] = (Str){to, first.length};
        for (size_t at = 0; at < first.length; at += sizeof(uint64_t))
            memcpy(to + at, first.data + at, sizeof(uint64_t));
        to += first.length;
    }
}

/* Rows whose texts are the same: the first is encoded, and the others are it with other slots. */
static void encode_uniform(const RowLayout *layout, const Vector *const *columns, uint32_t count,
                           Arena *arena, Str *out)
{
    Str first;
    RowNested nested = row_measure(layout, columns, NULL, 1, arena, &first);
    char *bytes = arena_zalloc(arena, first.length + sizeof(uint64_t));
    first.data = bytes;
    row_write(layout, columns, NULL, 1, nested, &first);
    for (uint32_t c = 0; c < layout->count; c++)
        if (!type_is_variable(layout->slots[c].type))
            bytes[c / NULL_BYTE_BITS] &= (char)~(1 << (c % NULL_BYTE_BITS));
    repeat_row(first, count, arena, out);
    for (uint32_t c = 0; c < layout->count; c++) {
        if (type_is_variable(layout->slots[c].type))
            continue;
        encode_slots(&layout->slots[c], columns[c], NULL, count, out);
        encode_nulls(&layout->slots[c], c, columns[c], NULL, count, out);
    }
}

void row_encode(const RowLayout *layout, const Vector *const *columns, const uint32_t *rows,
                uint32_t count, Arena *arena, Str *out)
{
    if (rows == NULL && texts_are_uniform(layout, columns, count)) {
        encode_uniform(layout, columns, count, arena, out);
        return;
    }
    RowNested nested = row_measure(layout, columns, rows, count, arena, out);
    size_t total = 0;
    for (uint32_t i = 0; i < count; i++)
        total += out[i].length;
    char *next = arena_alloc(arena, total);
    for (uint32_t i = 0; i < count; i++) {
        out[i].data = next;
        next += out[i].length;
    }
    row_write(layout, columns, rows, count, nested, out);
}

void row_write(const RowLayout *layout, const Vector *const *columns, const uint32_t *rows,
               uint32_t count, RowNested nested, Str *out)
{
    bool by_word = layout->null_bytes <= 8 && layout->fixed_bytes >= 8; /* slots come behind */
    for (uint32_t i = 0; i < count; i++) {
        if (by_word)
            memset((char *)(uintptr_t)out[i].data, 0, 8);
        else
            memset((char *)(uintptr_t)out[i].data, 0, layout->null_bytes);
        out[i].length = layout->fixed_bytes;
    }
    for (uint32_t c = 0; c < layout->count; c++) {
        const RowSlot *slot = &layout->slots[c];
        if (type_is_variable(slot->type))
            encode_variable(slot, columns[c], nested[c], rows, count, out);
        else
            encode_slots(slot, columns[c], rows, count, out);
        encode_nulls(slot, c, columns[c], rows, count, out);
    }
}

/* Rows of one number each: hashed as they would be encoded. */
static void hash_one_column(const Vector *vector, uint32_t count, uint64_t *hashes)
{
    hash_numbers(vector->data, count, hashes);
    if (vector->validity == NULL)
        return;
    static const char null[1 + sizeof(uint64_t)] = {1};
    uint64_t of_null = hash_bytes(null, sizeof(null));
    for (uint32_t i = 0; i < count; i++)
        hashes[i] = vector_is_null(vector, i) ? of_null : hashes[i];
}

/* Two numbers, of which one may be the same in all rows. */
static bool hash_two_columns(const RowLayout *layout, const Vector *const *columns, uint32_t count,
                             uint64_t *hashes)
{
    if (layout->count != 2 || layout->slots[0].type->physical != PHYSICAL_I64 ||
        layout->slots[1].type->physical != PHYSICAL_I64 || columns[0]->validity != NULL ||
        columns[1]->validity != NULL)
        return false;
    hash_number_pairs(columns[0]->data, columns[0]->constant ? 0 : UINT32_MAX, columns[1]->data,
                      columns[1]->constant ? 0 : UINT32_MAX, count, hashes);
    return true;
}

/* A number, and behind it what is the same in all rows: they are the first with another number. */
static bool hash_number_in_row(const RowLayout *layout, const Vector *const *columns,
                               uint32_t count, Arena *arena, uint64_t *hashes)
{
    enum { BYTES_LEAST = 17, BYTES_MOST = 32 };
    if (layout->count < 2 || layout->null_bytes != 1 || layout->fixed_bytes > BYTES_MOST ||
        layout->slots[0].type->physical != PHYSICAL_I64 || columns[0]->validity != NULL ||
        columns[0]->constant)
        return false;
    for (uint32_t c = 1; c < layout->count; c++)
        if (!vector_is_uniform(columns[c], count))
            return false;
    Str first;
    row_encode(layout, columns, NULL, 1, arena, &first);
    if (first.length < BYTES_LEAST || first.length > BYTES_MOST)
        return false;
    memset((char *)(uintptr_t)first.data + layout->slots[0].offset, 0, sizeof(uint64_t));
    hash_numbers_in(first, columns[0]->data, count, hashes);
    return true;
}

bool row_hash_directly(const RowLayout *layout, const Vector *const *columns, uint32_t count,
                       Arena *arena, uint64_t *hashes)
{
    if (layout->count == 1 && layout->slots[0].type->physical == PHYSICAL_I64 &&
        !columns[0]->constant) {
        hash_one_column(columns[0], count, hashes);
        return true;
    }
    return hash_two_columns(layout, columns, count, hashes) ||
           hash_number_in_row(layout, columns, count, arena, hashes);
}

/* So many rows are written and hashed at a time, each with room for so long texts. */
#define HASH_ROWS       32
#define HASH_TEXT_BYTES 48

/* encode_variable for rows that lie apart: a short text is copied as a whole view is, whatever its
 * length. False: one is too long. */
static bool write_texts(const RowSlot *slot, const Vector *vector, uint32_t count, Str *out)
{
    const StringView *views = vector->data;
    uint32_t mask = vector->constant ? 0 : UINT32_MAX;
    for (uint32_t i = 0; i < count; i++) {
        const StringView *view = &views[i & mask];
        uint32_t length = view->length;
        if (length > HASH_TEXT_BYTES)
            return false;
        char *row = (char *)(uintptr_t)out[i].data, *text = row + out[i].length;
        memcpy(row + slot->offset, &length, sizeof(length));
        if (length <= STRING_INLINE_MAX)
            memcpy(text, (const char *)view + sizeof(length), STRING_INLINE_MAX);
        else
            memcpy(text, view->pointer, length);
        out[i].length += length;
    }
    return true;
}

/* Room for `rows` rows, their null bits clear; NULL: there are columns that need more. */
static char *hash_room(const RowLayout *layout, const Vector *const *columns, uint32_t rows,
                       Arena *arena, uint32_t *row_bytes)
{
    uint32_t texts = 0;
    for (uint32_t c = 0; c < layout->count; c++) {
        if (columns[c]->validity != NULL || type_is_nested(layout->slots[c].type))
            return NULL;
        texts += type_is_variable(layout->slots[c].type);
    }
    *row_bytes = layout->fixed_bytes + texts * HASH_TEXT_BYTES;
    bool is_long = *row_bytes > 4 * HASH_TEXT_BYTES;
    return is_long ? NULL : arena_zalloc(arena, (size_t)*row_bytes * rows);
}

/* Encodes a few rows at a time in the same place, where the bytes are not needed any more. */
static bool hash_in_place(const RowLayout *layout, const Vector *const *columns, uint32_t count,
                          Arena *arena, uint64_t *hashes)
{
    uint32_t row_bytes, most = count < HASH_ROWS ? count : HASH_ROWS;
    char *room = hash_room(layout, columns, most, arena, &row_bytes);
    if (room == NULL)
        return false;
    Str rows[HASH_ROWS];
    for (uint32_t i = 0; i < most; i++)
        rows[i].data = room + (size_t)row_bytes * i;
    for (uint32_t from = 0, n; from < count; from += n) {
        n = count - from < HASH_ROWS ? count - from : HASH_ROWS;
        for (uint32_t i = 0; i < n; i++)
            rows[i].length = layout->fixed_bytes;
        for (uint32_t c = 0; c < layout->count; c++) {
            const RowSlot *slot = &layout->slots[c];
            Vector part = *columns[c];
            if (!part.constant)
                part.data = (char *)part.data + physical_size(slot->type->physical) * from;
            if (!type_is_variable(slot->type))
                encode_slots(slot, &part, NULL, n, rows);
            else if (!write_texts(slot, &part, n, rows))
                return false;
        }
        hash_many(rows, n, hashes + from);
    }
    return true;
}

void row_hash(const RowLayout *layout, const Vector *const *columns, uint32_t count, Arena *arena,
              uint64_t *hashes)
{
    if (row_hash_directly(layout, columns, count, arena, hashes) ||
        hash_in_place(layout, columns, count, arena, hashes))
        return;
    Str *encoded = arena_alloc(arena, sizeof(Str) * count);
    row_encode(layout, columns, NULL, count, arena, encoded);
    hash_many(encoded, count, hashes);
}

void row_encode_one(const RowLayout *layout, const Vector *const *columns, uint32_t row,
                    Buffer *out)
{
    size_t start = out->length;
    memset(buffer_reserve(out, layout->fixed_bytes), 0, layout->fixed_bytes);
    out->length += layout->fixed_bytes;
    for (uint32_t c = 0; c < layout->count; c++) {
        const RowSlot *slot = &layout->slots[c];
        const Vector *vector = columns[c];
        if (vector_is_null(vector, row)) {
            out->data[start + c / NULL_BYTE_BITS] |= (char)(1 << (c % NULL_BYTE_BITS));
            continue;
        }
        uint32_t index = vector_index(vector, row);
        if (!type_is_variable(slot->type)) {
            slot_write(slot->type->physical, out->data + start + slot->offset, vector->data, index);
            continue;
        }
        size_t before = out->length;
        if (type_is_nested(slot->type))
            nested_append(out, vector, index);
        else
            buffer_append_str(out, vector_str(vector, index));
        uint32_t length = (uint32_t)(out->length - before);
        memcpy(out->data + start + slot->offset, &length, sizeof(length));
    }
}

bool row_is_null(const RowLayout *layout, Str encoded, uint32_t column)
{
    assert(column < layout->count && encoded.length >= layout->fixed_bytes);
    return ((uint8_t)encoded.data[column / NULL_BYTE_BITS] >> (column % NULL_BYTE_BITS) & 1) != 0;
}

bool row_has_null(const RowLayout *layout, Str encoded)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < layout->null_bytes; i++)
        any |= (uint8_t)encoded.data[i];
    return any != 0;
}

/* A value of fixed width; most are of eight or four bytes, for which no function is called. */
static void copy_slot(void *to, const char *from, uint32_t bytes)
{
    if (bytes == sizeof(uint64_t))
        memcpy(to, from, sizeof(uint64_t));
    else if (bytes == sizeof(uint32_t))
        memcpy(to, from, sizeof(uint32_t));
    else
        memcpy(to, from, bytes);
}

void row_decode(const RowLayout *layout, Str encoded, Vector *const *columns, uint32_t row,
                Arena *arena, bool borrow)
{
    assert(encoded.length >= layout->fixed_bytes);
    const char *tail = encoded.data + layout->fixed_bytes;
    for (uint32_t c = 0; c < layout->count; c++) {
        const RowSlot *slot = &layout->slots[c];
        Vector *to = columns[c];
        Str text = {tail, 0};
        if (type_is_variable(slot->type)) {
            uint32_t length;
            memcpy(&length, encoded.data + slot->offset, sizeof(length));
            text.length = length;
            tail += length;
            assert(tail <= encoded.data + encoded.length);
        }
        if (to == NULL)
            continue;
        if (row_is_null(layout, encoded, c)) {
            vector_set_null(to, row, arena);
            continue;
        }
        vector_set_valid(to, row);
        if (type_is_nested(slot->type)) {
            Reader reader = reader_of(text);
            nested_read(&reader, to, row, arena, borrow);
        } else if (slot->type->physical == PHYSICAL_STRING) {
            ((StringView *)to->data)[row] = borrow
                                                ? string_view_borrow(text.data, text.length)
                                                : string_view_copy(arena, text.data, text.length);
        } else {
            copy_slot((char *)to->data + (size_t)slot->bytes * row, encoded.data + slot->offset,
                      slot->bytes);
        }
    }
}

#define DECODE_SLOTS(name, type)                                                                   \
    static void decode_slots_##name(void *data, const uint32_t *to, const Str *encoded,            \
                                    uint32_t count, uint32_t offset)                               \
    {                                                                                              \
        for (uint32_t i = 0; i < count; i++)                                                       \
            memcpy((char *)data + sizeof(type) * (to == NULL ? i : to[i]),                         \
                   encoded[i].data + offset, sizeof(type));                                        \
    }
DECODE_SLOTS(1, uint8_t)
DECODE_SLOTS(2, uint16_t)
DECODE_SLOTS(4, uint32_t)
DECODE_SLOTS(8, uint64_t)
DECODE_SLOTS(16, uint128_t)

static void decode_slots(const RowSlot *slot, const Str *encoded, uint32_t count, Vector *vector,
                         const uint32_t *to)
{
    switch (slot->bytes) {
    case 1:
        decode_slots_1(vector->data, to, encoded, count, slot->offset);
        break;
    case 2:
        decode_slots_2(vector->data, to, encoded, count, slot->offset);
        break;
    case 4:
        decode_slots_4(vector->data, to, encoded, count, slot->offset);
        break;
    case 8:
        decode_slots_8(vector->data, to, encoded, count, slot->offset);
        break;
    case 16:
        decode_slots_16(vector->data, to, encoded, count, slot->offset);
        break;
    default:
        assert(false);
    }
}

/* Reads the strings or nested values that begin at tails[i], and moves those behind them. */
static void decode_variable(const RowSlot *slot, const Str *encoded, uint32_t count, Vector *vector,
                            const uint32_t *to, const char **tails, Arena *arena)
{
    bool is_nested = type_is_nested(slot->type);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length;
        memcpy(&length, encoded[i].data + slot->offset, sizeof(length));
        Str text = {tails[i], length};
        tails[i] += length;
        if (vector == NULL)
            continue;
        uint32_t row = to == NULL ? i : to[i];
        if (is_nested) {
            Reader reader = reader_of(text);
            nested_read(&reader, vector, row, arena, true);
        } else {
            ((StringView *)vector->data)[row] = string_view_borrow(text.data, text.length);
        }
    }
}

static void decode_nulls(const RowLayout *layout, uint32_t column, const Str *encoded,
                         uint32_t count, Vector *vector, const uint32_t *to, Arena *arena)
{
    uint32_t byte = column / NULL_BYTE_BITS, bit = column % NULL_BYTE_BITS;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = to == NULL ? i : to[i];
        if (((uint8_t)encoded[i].data[byte] >> bit & 1) != 0)
            vector_set_null(vector, row, arena);
        else if (vector->validity != NULL)
            vector_set_valid(vector, row);
    }
}

/* Whether any of the rows has a NULL. */
static bool have_nulls(const RowLayout *layout, const Str *encoded, uint32_t count)
{
    uint8_t any = 0;
    for (uint32_t i = 0; i < count; i++)
        for (uint32_t b = 0; b < layout->null_bytes; b++)
            any |= (uint8_t)encoded[i].data[b];
    return any != 0;
}

void row_decode_rows(const RowLayout *layout, const Str *encoded, uint32_t count,
                     Vector *const *columns, const uint32_t *to, Arena *arena)
{
    bool nulls = have_nulls(layout, encoded, count);
    uint32_t end = layout->count; /* behind the last that is wanted */
    while (end != 0 && columns[end - 1] == NULL)
        end--;
    const char **tails = NULL;
    for (uint32_t c = 0; c < end; c++) {
        const RowSlot *slot = &layout->slots[c];
        if (type_is_variable(slot->type) && tails == NULL) {
            tails = arena_alloc(arena, sizeof(*tails) * (count + 1));
            for (uint32_t i = 0; i < count; i++)
                tails[i] = encoded[i].data + layout->fixed_bytes;
        }
        if (type_is_variable(slot->type))
            decode_variable(slot, encoded, count, columns[c], to, tails, arena);
        else if (columns[c] != NULL)
            decode_slots(slot, encoded, count, columns[c], to);
        if (columns[c] != NULL && (nulls || columns[c]->validity != NULL))
            decode_nulls(layout, c, encoded, count, columns[c], to, arena);
    }
}
