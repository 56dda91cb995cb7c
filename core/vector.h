/* A column of values: a typed array, a validity bitmap, and a constant flag.
 *
 * Invariant: `data` holds physical_size(type) bytes per row (one row if `constant`); `validity` is
 * NULL when no value is NULL, else bit i of the little-endian words says whether row i has a value;
 * a constant vector uses row 0 for every row. The data of a NULL is zero or any valid value: a
 * kernel that cannot fail may compute over it.
 *
 * Strings are 16-byte views: length, then up to 12 bytes in place, or a 4-byte prefix and a pointer
 * to memory that the batch owns.
 *
 *     0      4        8               16
 *     length bytes 0..11                     length <= 12
 *     length prefix   pointer                length  > 12
 *
 * Bytes behind a short string are zero, so two views of short strings compare as two words. */
#ifndef CORE_VECTOR_H
#define CORE_VECTOR_H

#include <string.h>

#include "core/type.h"

#define STRING_INLINE_MAX 12

typedef struct StringView {
    uint32_t length;
    char prefix[4];
    union {
        char rest[8];
        const char *pointer;
    };
} StringView;

static_assert(sizeof(StringView) == 16, "a view is two words");

/* Where an ARRAY's, MULTISET's or MAP's elements lie in its children. */
typedef struct ListEntry {
    uint32_t offset;
    uint32_t length;
} ListEntry;

typedef struct Vector {
    const Type *type;
    bool constant;
    uint32_t capacity; /* rows there is room for in data */
    void *data;
    uint64_t *validity;
    struct Vector *children; /* type->field_count of them, NULL for flat types */
    uint32_t child_rows;     /* LIST: rows used in the children */
} Vector;

/* Where row `row` lies in the vector's arrays. */
static inline uint32_t vector_index(const Vector *vector, uint32_t row)
{
    return vector->constant ? 0 : row;
}

static inline bool vector_is_null(const Vector *vector, uint32_t row)
{
    if (vector->validity == NULL)
        return false;
    row = vector_index(vector, row);
    return (vector->validity[row >> 6] >> (row & 63) & 1) == 0;
}

/* Gives the vector room for `capacity` rows in the arena; no NULLs, data uninitialised (children of
 * nested types are made with it and grow by vector_list_append). */
void vector_init(Vector *vector, const Type *type, uint32_t capacity, Arena *arena);
/* A constant vector; its one value starts as NULL. */
void vector_init_constant(Vector *vector, const Type *type, Arena *arena);

/* Makes row NULL (the bitmap is made on first use, from the arena) and zeroes its data. */
void vector_set_null(Vector *vector, uint32_t row, Arena *arena);
/* Says that row has a value again. */
void vector_set_valid(Vector *vector, uint32_t row);
/* Forgets the elements of all lists, whose room the next ones take. */
void vector_clear_lists(Vector *vector);
/* NULLs among the first `rows` rows. */
uint32_t vector_count_nulls(const Vector *vector, uint32_t rows);

/* Up to STRING_INLINE_MAX bytes into a view of zeros, by words that overlap instead of a call. */
static inline void string_view_fill(StringView *view, const char *data, size_t length)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    uint64_t low = 0; /* the first eight bytes */
    uint32_t last = 0, prefix;
    if (length >= 8) {
        memcpy(&low, data, 8);
        memcpy(&last, data + length - 4, 4);
        last = (uint32_t)((uint64_t)last >> (8 * (STRING_INLINE_MAX - length)));
    } else if (length >= 4) {
        memcpy(&prefix, data, 4);
        memcpy(&last, data + length - 4, 4);
        low = prefix | (uint64_t)last >> (8 * (8 - length)) << 32;
        last = 0;
    } else if (length != 0) {
        low = (uint64_t)(uint8_t)data[0] | (uint64_t)(uint8_t)data[length / 2] << (length / 2 * 8) |
              (uint64_t)(uint8_t)data[length - 1] << ((length - 1) * 8);
    }
    prefix = (uint32_t)low;
    low = low >> 32 | (uint64_t)last << 32;
    memcpy(view->prefix, &prefix, sizeof(view->prefix));
    memcpy(view->rest, &low, sizeof(view->rest));
#else
    memset(view->prefix, 0, sizeof(view->prefix));
    memset(view->rest, 0, sizeof(view->rest));
    if (length != 0)
        memcpy((char *)view + 4, data, length);
#endif
}

/* A view of `text`; longer text than STRING_INLINE_MAX is borrowed. */
static inline StringView string_view_borrow(const char *data, size_t length)
{
    StringView view;
    view.length = (uint32_t)length;
    if (length <= STRING_INLINE_MAX) {
        string_view_fill(&view, data, length);
        return view;
    }
    memcpy(view.prefix, data, 4);
    view.pointer = data;
    return view;
}

/* The same, with longer text copied into the arena. */
StringView string_view_copy(Arena *arena, const char *data, size_t length);

/* The bytes of a view. Short ones lie inside the view, hence the pointer. */
static inline Str string_view_str(const StringView *view)
{
    const char *data = view->length <= STRING_INLINE_MAX ? (const char *)view + 4 : view->pointer;
    return (Str){data, view->length};
}

bool string_view_equal(const StringView *a, const StringView *b);
/* Bytewise order; for UTF-8 that is the order of code points. */
int string_view_compare(const StringView *a, const StringView *b);

/* Text or bytes of row `row` of a STRING-physical vector; not NULL. */
static inline Str vector_str(const Vector *vector, uint32_t row)
{
    return string_view_str((const StringView *)vector->data + vector_index(vector, row));
}

/* Stores a copy of the bytes (in the arena when long). */
void vector_set_str(Vector *vector, uint32_t row, Str value, Arena *arena);

/* Copies one value, NULL included, between vectors of the same physical type. With `arena` NULL
 * long strings are borrowed (the source must outlive the target), otherwise copied. */
void vector_copy_value(Vector *to, uint32_t to_row, const Vector *from, uint32_t from_row,
                       Arena *arena, bool borrow);

/* target row i = source row rows[i], for i < count; strings borrowed. The target is initialised by
 * the call with room for `count` (or made constant when the source is). */
void vector_gather(Vector *target, const Vector *source, const uint32_t *rows, uint32_t count,
                   Arena *arena);

/* The first `rows` rows, borrowing nothing; a constant stays one. */
void vector_copy(Vector *target, const Vector *source, uint32_t rows, Arena *arena);

/* A vector whose every row is the value of one row of another; borrows nothing. */
void vector_make_constant(Vector *target, const Vector *source, uint32_t row, Arena *arena);

/* LIST types: appends `length` element rows to the children's used part (growing them) and points
 * row's entry at them; the caller fills children[*].data from the returned offset on. */
uint32_t vector_list_append(Vector *vector, uint32_t row, uint32_t length, Arena *arena);

/* Whether all rows surely have one value. Cheap where they do not; says no where it would have to
 * look behind the values: NULLs, nested values, long texts that lie apart. */
bool vector_is_uniform(const Vector *vector, uint32_t rows);

/* NULL-safe equality and order of two values (NULL equals NULL and comes first; NaN equals NaN and
 * comes last; -0.0 equals 0.0). Types must have the same physical form and scale. */
bool vector_values_equal(const Vector *a, uint32_t a_row, const Vector *b, uint32_t b_row);
int vector_values_compare(const Vector *a, uint32_t a_row, const Vector *b, uint32_t b_row);

#endif
