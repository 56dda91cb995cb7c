/* Copying chosen rows between vectors, a typed loop for each width.
 *
 * Cost: a load and a store a row; a second pass over the rows only where the source has NULLs. */
#include "executor/vector_rows.h"

/* Values are copied by width, whatever their type. */
typedef uint8_t __attribute__((may_alias)) Bytes1;
typedef uint16_t __attribute__((may_alias)) Bytes2;
typedef uint32_t __attribute__((may_alias)) Bytes4;
typedef uint64_t __attribute__((may_alias)) Bytes8;
typedef struct __attribute__((may_alias)) Bytes16 {
    uint64_t words[2];
} Bytes16;

#define DEFINE_COPY(type)                                                                          \
    static void copy_##type(void *to, const uint32_t *to_rows, const Vector *from,                 \
                            const uint32_t *from_rows, uint32_t count)                             \
    {                                                                                              \
        type *target = to;                                                                         \
        const type *source = from->data;                                                           \
        if (from_rows == to_rows && from_rows != NULL && !from->constant) {                        \
            for (uint32_t i = 0; i < count; i++)                                                   \
                target[from_rows[i]] = source[from_rows[i]];                                       \
            return;                                                                                \
        }                                                                                          \
        for (uint32_t i = 0; i < count; i++) {                                                     \
            uint32_t row = from_rows == NULL ? i : from_rows[i];                                   \
            target[to_rows == NULL ? i : to_rows[i]] = source[vector_index(from, row)];            \
        }                                                                                          \
    }
DEFINE_COPY(Bytes1)
DEFINE_COPY(Bytes2)
DEFINE_COPY(Bytes4)
DEFINE_COPY(Bytes8)
DEFINE_COPY(Bytes16)

static void copy_nested(Vector *to, const uint32_t *to_rows, const Vector *from,
                        const uint32_t *from_rows, uint32_t count, Arena *arena)
{
    for (uint32_t i = 0; i < count; i++)
        vector_copy_value(to, to_rows == NULL ? i : to_rows[i], from,
                          from_rows == NULL ? i : from_rows[i], arena, true);
}

/* Whether any of the rows is NULL; of a column that is not constant. */
static bool has_null(const Vector *from, const uint32_t *rows, uint32_t count)
{
    if (rows == NULL)
        return vector_count_nulls(from, count) != 0;
    uint64_t valid = 1;
    for (uint32_t i = 0; i < count; i++)
        valid &= from->validity[rows[i] / 64] >> (rows[i] % 64);
    return (valid & 1) == 0;
}

static void copy_nulls(Vector *to, const uint32_t *to_rows, const Vector *from,
                       const uint32_t *from_rows, uint32_t count, Arena *arena)
{
    for (uint32_t i = 0; i < count; i++)
        if (vector_is_null(from, from_rows == NULL ? i : from_rows[i]))
            vector_set_null(to, to_rows == NULL ? i : to_rows[i], arena);
}

void vector_copy_rows(Vector *to, const uint32_t *to_rows, const Vector *from,
                      const uint32_t *from_rows, uint32_t count, Arena *arena)
{
    assert(to->type->physical == from->type->physical && !to->constant);
    if (type_is_nested(to->type)) {
        copy_nested(to, to_rows, from, from_rows, count, arena);
        return;
    }
    switch (physical_size(to->type->physical)) {
    case 1:
        copy_Bytes1(to->data, to_rows, from, from_rows, count);
        break;
    case 2:
        copy_Bytes2(to->data, to_rows, from, from_rows, count);
        break;
    case 4:
        copy_Bytes4(to->data, to_rows, from, from_rows, count);
        break;
    case 8:
        copy_Bytes8(to->data, to_rows, from, from_rows, count);
        break;
    default:
        copy_Bytes16(to->data, to_rows, from, from_rows, count);
        break;
    }
    if (from->validity != NULL && (from->constant || has_null(from, from_rows, count)))
        copy_nulls(to, to_rows, from, from_rows, count, arena);
}
