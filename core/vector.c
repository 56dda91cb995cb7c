/* Vectors: storage, NULLs, copying, comparing.
 *
 * Nested values: a LIST's rows point into child vectors that grow by doubling; a ROW's children
 * have a row for each of its own. A gathered or borrowed LIST shares the children of its source
 * with `capacity` cut to what is used, so that appending to it moves to memory of its own first. */
#include "core/vector.h"

#include <math.h>
#include <stdlib.h>

#define LIST_FIRST_ROWS 16

static size_t validity_words(uint32_t rows)
{
    return ((size_t)rows + 63) / 64;
}

static void *vector_slot(const Vector *vector, uint32_t row, size_t size)
{
    return (char *)vector->data + size * row;
}

void vector_init(Vector *vector, const Type *type, uint32_t capacity, Arena *arena)
{
    *vector = (Vector){.type = type, .capacity = capacity};
    size_t size = physical_size(type->physical);
    vector->data = arena_alloc(arena, size * capacity);
    if (type->field_count == 0)
        return;
    vector->children = arena_new_array(arena, Vector, type->field_count);
    bool is_list = type->physical == PHYSICAL_LIST;
    for (uint32_t i = 0; i < type->field_count; i++)
        vector_init(&vector->children[i], type->fields[i].type, is_list ? 0 : capacity, arena);
    if (is_list)
        memset(vector->data, 0, size * capacity);
}

void vector_init_constant(Vector *vector, const Type *type, Arena *arena)
{
    vector_init(vector, type, 1, arena);
    vector->constant = true;
    vector_set_null(vector, 0, arena);
}

void vector_set_null(Vector *vector, uint32_t row, Arena *arena)
{
    assert(row < vector->capacity);
    if (vector->validity == NULL) {
        size_t bytes = validity_words(vector->capacity) * sizeof(uint64_t);
        vector->validity = arena_alloc(arena, bytes);
        memset(vector->validity, 0xFF, bytes);
    }
    vector->validity[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    size_t size = physical_size(vector->type->physical);
    memset(vector_slot(vector, row, size), 0, size);
    if (vector->type->physical == PHYSICAL_ROW)
        for (uint32_t i = 0; i < vector->type->field_count; i++)
            vector_set_null(&vector->children[i], row, arena);
}

void vector_set_valid(Vector *vector, uint32_t row)
{
    if (vector->validity != NULL)
        vector->validity[row >> 6] |= UINT64_C(1) << (row & 63);
}

uint32_t vector_count_nulls(const Vector *vector, uint32_t rows)
{
    if (vector->validity == NULL)
        return 0;
    if (vector->constant)
        return (vector->validity[0] & 1) == 0 ? rows : 0;
    uint32_t valid = 0;
    for (uint32_t word = 0; word < rows / 64; word++)
        valid += (uint32_t)__builtin_popcountll(vector->validity[word]);
    if (rows % 64 != 0)
        valid += (uint32_t)__builtin_popcountll(vector->validity[rows / 64] &
                                                ((UINT64_C(1) << (rows % 64)) - 1));
    return rows - valid;
}

StringView string_view_copy(Arena *arena, const char *data, size_t length)
{
    assert(length <= UINT32_MAX);
    if (length > STRING_INLINE_MAX)
        data = arena_memdup(arena, data, length);
    return string_view_borrow(data, length);
}

bool string_view_equal(const StringView *a, const StringView *b)
{
    uint64_t a_words[2], b_words[2];
    memcpy(a_words, a, sizeof(a_words));
    memcpy(b_words, b, sizeof(b_words));
    if (a_words[0] != b_words[0])
        return false; /* length or the first four bytes differ */
    if (a->length <= STRING_INLINE_MAX)
        return a_words[1] == b_words[1];
    return a->pointer == b->pointer || memcmp(a->pointer, b->pointer, a->length) == 0;
}

int string_view_compare(const StringView *a, const StringView *b)
{
    int order = memcmp(a->prefix, b->prefix, sizeof(a->prefix));
    if (order != 0)
        return order < 0 ? -1 : 1; /* zeros behind a shorter one come first */
    Str left = string_view_str(a);
    Str right = string_view_str(b);
    size_t shorter = left.length < right.length ? left.length : right.length;
    order = shorter == 0 ? 0 : memcmp(left.data, right.data, shorter);
    if (order != 0)
        return order < 0 ? -1 : 1;
    return (left.length > right.length) - (left.length < right.length);
}

void vector_set_str(Vector *vector, uint32_t row, Str value, Arena *arena)
{
    assert(vector->type->physical == PHYSICAL_STRING && row < vector->capacity);
    ((StringView *)vector->data)[row] = string_view_copy(arena, value.data, value.length);
    vector_set_valid(vector, row);
}

/* Room for at least `capacity` rows, keeping the first `used`. */
static void vector_grow(Vector *vector, uint32_t used, uint32_t capacity, Arena *arena)
{
    if (capacity <= vector->capacity)
        return;
    size_t size = physical_size(vector->type->physical);
    void *data = arena_alloc(arena, size * capacity);
    if (size != 0 && used != 0)
        memcpy(data, vector->data, size * used);
    if (vector->type->physical == PHYSICAL_LIST)
        memset((char *)data + size * used, 0, size * (capacity - used));
    vector->data = data;
    if (vector->validity != NULL) {
        uint64_t *validity = arena_alloc(arena, validity_words(capacity) * sizeof(uint64_t));
        memset(validity, 0xFF, validity_words(capacity) * sizeof(uint64_t));
        memcpy(validity, vector->validity, validity_words(used) * sizeof(uint64_t));
        if (used % 64 != 0)
            validity[used / 64] |= ~UINT64_C(0) << (used % 64);
        vector->validity = validity;
    }
    vector->capacity = capacity;
    if (vector->type->physical == PHYSICAL_ROW)
        for (uint32_t i = 0; i < vector->type->field_count; i++)
            vector_grow(&vector->children[i], used, capacity, arena);
}

uint32_t vector_list_append(Vector *vector, uint32_t row, uint32_t length, Arena *arena)
{
    assert(vector->type->physical == PHYSICAL_LIST && row < vector->capacity);
    uint32_t offset = vector->child_rows;
    if (length > UINT32_MAX / 4 - offset)
        memory_exhausted(length);
    uint32_t needed = offset + length;
    for (uint32_t i = 0; i < vector->type->field_count; i++) {
        Vector *child = &vector->children[i];
        if (needed <= child->capacity)
            continue;
        uint32_t capacity =
            child->capacity < LIST_FIRST_ROWS ? LIST_FIRST_ROWS : child->capacity * 2;
        vector_grow(child, offset, capacity < needed ? needed : capacity, arena);
    }
    ((ListEntry *)vector->data)[row] = (ListEntry){offset, length};
    vector->child_rows = needed;
    vector_set_valid(vector, row);
    return offset;
}

void vector_clear_lists(Vector *vector)
{
    vector->child_rows = 0;
    for (uint32_t c = 0; vector->children != NULL && c < vector->type->field_count; c++)
        vector_clear_lists(&vector->children[c]);
}

void vector_copy_value(Vector *to, uint32_t to_row, const Vector *from, uint32_t from_row,
                       Arena *arena, bool borrow)
{
    assert(to->type->physical == from->type->physical && to_row < to->capacity);
    if (vector_is_null(from, from_row)) {
        vector_set_null(to, to_row, arena);
        return;
    }
    from_row = vector_index(from, from_row);
    vector_set_valid(to, to_row);
    switch (to->type->physical) {
    case PHYSICAL_STRING: {
        StringView view = ((const StringView *)from->data)[from_row];
        if (view.length > STRING_INLINE_MAX && !borrow && arena != NULL)
            view.pointer = arena_memdup(arena, view.pointer, view.length);
        ((StringView *)to->data)[to_row] = view;
        break;
    }
    case PHYSICAL_LIST: {
        ListEntry entry = ((const ListEntry *)from->data)[from_row];
        uint32_t offset = vector_list_append(to, to_row, entry.length, arena);
        for (uint32_t c = 0; c < to->type->field_count; c++)
            for (uint32_t i = 0; i < entry.length; i++)
                vector_copy_value(&to->children[c], offset + i, &from->children[c],
                                  entry.offset + i, arena, borrow);
        break;
    }
    case PHYSICAL_ROW:
        for (uint32_t c = 0; c < to->type->field_count; c++)
            vector_copy_value(&to->children[c], to_row, &from->children[c], from_row, arena,
                              borrow);
        break;
    default: {
        size_t size = physical_size(to->type->physical);
        memcpy(vector_slot(to, to_row, size), vector_slot(from, from_row, size), size);
    }
    }
}

/* Four at a time: what a loop costs besides is as much as what it does. */
#define GATHER(name, type)                                                                         \
    static void gather_##name(void *to, const void *from, const uint32_t *rows, uint32_t count)    \
    {                                                                                              \
        type *target = to;                                                                         \
        const type *source = from;                                                                 \
        uint32_t i = 0;                                                                            \
        for (; i + 4 <= count; i += 4) {                                                           \
            type a = source[rows[i]], b = source[rows[i + 1]];                                     \
            type c = source[rows[i + 2]], d = source[rows[i + 3]];                                 \
            target[i] = a;                                                                         \
            target[i + 1] = b;                                                                     \
            target[i + 2] = c;                                                                     \
            target[i + 3] = d;                                                                     \
        }                                                                                          \
        for (; i < count; i++)                                                                     \
            target[i] = source[rows[i]];                                                           \
    }
GATHER(1, uint8_t)
GATHER(2, uint16_t)
GATHER(4, uint32_t)
GATHER(8, uint64_t)
GATHER(16, int128_t)

static void gather_validity(Vector *target, const Vector *source, const uint32_t *rows,
                            uint32_t count, Arena *arena)
{
    if (source->validity == NULL)
        return;
    target->validity = arena_alloc(arena, validity_words(count) * sizeof(uint64_t));
    uint64_t all = ~UINT64_C(0);
    for (uint32_t base = 0; base < count; base += 64) {
        uint64_t word = ~UINT64_C(0);
        uint32_t bits = count - base < 64 ? count - base : 64;
        for (uint32_t i = 0; i < bits; i++) {
            uint32_t row = rows[base + i];
            uint64_t null = ~(source->validity[row >> 6] >> (row & 63)) & 1;
            word &= ~(null << i);
        }
        target->validity[base >> 6] = word;
        all &= word;
    }
    if (all == ~UINT64_C(0))
        target->validity = NULL;
}

/* Children shared with another vector: see the head of this file. */
static Vector *children_borrow(const Vector *source, Arena *arena)
{
    Vector *children =
        arena_memdup(arena, source->children, sizeof(Vector) * source->type->field_count);
    for (uint32_t i = 0; i < source->type->field_count; i++)
        children[i].capacity = source->child_rows;
    return children;
}

void vector_gather(Vector *target, const Vector *source, const uint32_t *rows, uint32_t count,
                   Arena *arena)
{
    if (source->constant) {
        vector_init(target, source->type, 1, arena);
        vector_copy_value(target, 0, source, 0, arena, true);
        target->constant = true;
        return;
    }
    const Type *type = source->type;
    size_t size = physical_size(type->physical);
    *target = (Vector){.type = type, .capacity = count};
    target->data = arena_alloc(arena, size * count);
    gather_validity(target, source, rows, count, arena);
    switch (size) {
    case 1:
        gather_1(target->data, source->data, rows, count);
        break;
    case 2:
        gather_2(target->data, source->data, rows, count);
        break;
    case 4:
        gather_4(target->data, source->data, rows, count);
        break;
    case 8:
        gather_8(target->data, source->data, rows, count);
        break;
    case 16:
        gather_16(target->data, source->data, rows, count);
        break;
    default:
        target->children = arena_new_array(arena, Vector, type->field_count);
        for (uint32_t i = 0; i < type->field_count; i++)
            vector_gather(&target->children[i], &source->children[i], rows, count, arena);
    }
    if (type->physical == PHYSICAL_LIST) {
        target->children = children_borrow(source, arena);
        target->child_rows = source->child_rows;
    }
}

void vector_copy(Vector *target, const Vector *source, uint32_t rows, Arena *arena)
{
    if (source->constant) {
        vector_make_constant(target, source, 0, arena);
        return;
    }
    const Type *type = source->type;
    vector_init(target, type, rows, arena);
    if (type_is_nested(type)) {
        for (uint32_t i = 0; i < rows; i++)
            vector_copy_value(target, i, source, i, arena, false);
        return;
    }
    size_t size = physical_size(type->physical);
    if (rows != 0)
        memcpy(target->data, source->data, size * rows);
    if (source->validity != NULL)
        target->validity =
            arena_memdup(arena, source->validity, validity_words(rows) * sizeof(uint64_t));
    if (type->physical != PHYSICAL_STRING)
        return;
    StringView *views = target->data;
    for (uint32_t i = 0; i < rows; i++) {
        if (vector_is_null(target, i))
            memset(&views[i], 0, sizeof(views[i]));
        else if (views[i].length > STRING_INLINE_MAX)
            views[i].pointer = arena_memdup(arena, views[i].pointer, views[i].length);
    }
}

void vector_make_constant(Vector *target, const Vector *source, uint32_t row, Arena *arena)
{
    vector_init(target, source->type, 1, arena);
    vector_copy_value(target, 0, source, row, arena, false);
    target->constant = true;
}

bool vector_is_uniform(const Vector *vector, uint32_t rows)
{
    if (vector->constant || rows <= 1)
        return true;
    if (vector->validity != NULL || type_is_nested(vector->type))
        return false;
    size_t size = physical_size(vector->type->physical);
    const char *data = vector->data;
    return memcmp(data, data + size, size * (rows - 1)) == 0;
}

/* Rows of a MULTISET's or MAP's entry, sorted, so that two with the same entries compare equal
 * whatever order they were built in. */
typedef struct EntrySort {
    const Vector *vector;
} EntrySort;

static int entry_compare(const Vector *a, uint32_t a_row, const Vector *b, uint32_t b_row)
{
    int order = 0;
    for (uint32_t c = 0; c < a->type->field_count && order == 0; c++)
        order = vector_values_compare(&a->children[c], a_row, &b->children[c], b_row);
    return order;
}

static int entry_sort_compare(const void *left, const void *right, void *context)
{
    const Vector *vector = ((const EntrySort *)context)->vector;
    return entry_compare(vector, *(const uint32_t *)left, vector, *(const uint32_t *)right);
}

static uint32_t *entry_rows(const Vector *vector, ListEntry entry)
{
    uint32_t *rows = memory_alloc(sizeof(*rows) * entry.length);
    for (uint32_t i = 0; i < entry.length; i++)
        rows[i] = entry.offset + i;
    EntrySort context = {vector};
    if (vector->type->kind != TYPE_ARRAY)
        qsort_r(rows, entry.length, sizeof(*rows), entry_sort_compare, &context);
    return rows;
}

static int list_compare(const Vector *a, ListEntry left, const Vector *b, ListEntry right)
{
    uint32_t *a_rows = entry_rows(a, left);
    uint32_t *b_rows = entry_rows(b, right);
    uint32_t shorter = left.length < right.length ? left.length : right.length;
    int order = 0;
    for (uint32_t i = 0; i < shorter && order == 0; i++)
        order = entry_compare(a, a_rows[i], b, b_rows[i]);
    memory_free(a_rows);
    memory_free(b_rows);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

static int double_compare(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) - isnan(b) > 0 ? 1 : isnan(a) - isnan(b) < 0 ? -1 : 0;
    return (a > b) - (a < b);
}

#define COMPARE_AS(type, a_slot, b_slot)                                                           \
    ((*(const type *)(a_slot) > *(const type *)(b_slot)) -                                         \
     (*(const type *)(a_slot) < *(const type *)(b_slot)))

int vector_values_compare(const Vector *a, uint32_t a_row, const Vector *b, uint32_t b_row)
{
    assert(a->type->physical == b->type->physical);
    int a_value = !vector_is_null(a, a_row);
    int b_value = !vector_is_null(b, b_row);
    if (!a_value || !b_value)
        return a_value - b_value;
    size_t size = physical_size(a->type->physical);
    a_row = vector_index(a, a_row);
    b_row = vector_index(b, b_row);
    const void *left = vector_slot(a, a_row, size);
    const void *right = vector_slot(b, b_row, size);
    switch (a->type->physical) {
    case PHYSICAL_BOOL:
        return (*(const uint8_t *)left != 0) - (*(const uint8_t *)right != 0);
    case PHYSICAL_I8:
        return COMPARE_AS(int8_t, left, right);
    case PHYSICAL_I16:
        return COMPARE_AS(int16_t, left, right);
    case PHYSICAL_I32:
        return COMPARE_AS(int32_t, left, right);
    case PHYSICAL_I64:
        return COMPARE_AS(int64_t, left, right);
    case PHYSICAL_I128:
        return COMPARE_AS(int128_t, left, right);
    case PHYSICAL_F32:
        return double_compare((double)*(const float *)left, (double)*(const float *)right);
    case PHYSICAL_F64:
        return double_compare(*(const double *)left, *(const double *)right);
    case PHYSICAL_STRING:
        return string_view_compare(left, right);
    case PHYSICAL_LIST:
        return list_compare(a, *(const ListEntry *)left, b, *(const ListEntry *)right);
    case PHYSICAL_ROW:
        return entry_compare(a, a_row, b, b_row);
    }
    return 0;
}

bool vector_values_equal(const Vector *a, uint32_t a_row, const Vector *b, uint32_t b_row)
{
    if (a->type->physical == PHYSICAL_STRING && !vector_is_null(a, a_row) &&
        !vector_is_null(b, b_row))
        return string_view_equal((const StringView *)a->data + vector_index(a, a_row),
                                 (const StringView *)b->data + vector_index(b, b_row));
    return vector_values_compare(a, a_row, b, b_row) == 0;
}
