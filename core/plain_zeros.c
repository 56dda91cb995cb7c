/* See plain_zeros.h. Looking is a branchless pass; only a column that has a -0.0 is copied. */
#include "core/plain_zeros.h"

#include <string.h>

static bool has_numbers(const Type *type)
{
    if (type->physical == PHYSICAL_F32 || type->physical == PHYSICAL_F64)
        return true;
    for (uint32_t i = 0; i < type->field_count; i++)
        if (has_numbers(type->fields[i].type))
            return true;
    return false;
}

const uint32_t *plain_zeros_columns(Arena *arena, const Schema *schema, uint32_t *count)
{
    uint32_t *columns = arena_new_array(arena, uint32_t, schema->column_count + 1);
    *count = 0;
    for (uint32_t i = 0; i < schema->column_count; i++)
        if (has_numbers(schema->columns[i].type))
            columns[(*count)++] = i;
    return columns;
}

/* Whether one of the numbers is the bit pattern of -0.0. */
static bool find_f64(const double *values, uint32_t count)
{
    const uint64_t minus = UINT64_C(1) << 63;
    uint64_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t bits;
        memcpy(&bits, &values[i], sizeof(bits));
        found |= (uint64_t)(bits == minus);
    }
    return found != 0;
}

static bool find_f32(const float *values, uint32_t count)
{
    const uint32_t minus = UINT32_C(1) << 31;
    uint32_t found = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t bits;
        memcpy(&bits, &values[i], sizeof(bits));
        found |= (uint32_t)(bits == minus);
    }
    return found != 0;
}

static bool find(const Vector *vector, uint32_t rows)
{
    uint32_t count = vector->constant ? (rows != 0) : rows;
    if (vector->type->physical == PHYSICAL_F64)
        return find_f64(vector->data, count);
    if (vector->type->physical == PHYSICAL_F32)
        return find_f32(vector->data, count);
    if (vector->children == NULL)
        return false;
    uint32_t below = vector->type->physical == PHYSICAL_ROW ? count : vector->child_rows;
    for (uint32_t i = 0; i < vector->type->field_count; i++)
        if (has_numbers(vector->type->fields[i].type) && find(&vector->children[i], below))
            return true;
    return false;
}

/* Puts the numbers into memory of their own: others may look at the old one. */
static void replace(Vector *vector, uint32_t rows, Arena *arena)
{
    uint32_t count = vector->constant ? (rows != 0) : rows;
    if (vector->type->physical == PHYSICAL_F64) {
        double *values = arena_alloc(arena, sizeof(double) * (count + 1));
        for (uint32_t i = 0; i < count; i++)
            values[i] = ((const double *)vector->data)[i] + 0.0;
        vector->data = values;
        vector->capacity = count;
    } else if (vector->type->physical == PHYSICAL_F32) {
        float *values = arena_alloc(arena, sizeof(float) * (count + 1));
        for (uint32_t i = 0; i < count; i++)
            values[i] = ((const float *)vector->data)[i] + 0.0F;
        vector->data = values;
        vector->capacity = count;
    } else if (vector->children != NULL) {
        uint32_t fields = vector->type->field_count;
        uint32_t below = vector->type->physical == PHYSICAL_ROW ? count : vector->child_rows;
        vector->children = arena_memdup(arena, vector->children, sizeof(Vector) * fields);
        for (uint32_t i = 0; i < fields; i++)
            if (has_numbers(vector->type->fields[i].type))
                replace(&vector->children[i], below, arena);
    }
}

Batch *plain_zeros(Batch *batch, const uint32_t *columns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!find(&batch->columns[columns[i]], batch->row_count))
            continue;
        if (batch_is_shared(batch)) {
            Batch *view = batch_view(batch);
            batch_release(batch);
            batch = view;
        }
        replace(&batch->columns[columns[i]], batch->row_count, batch->arena);
    }
    return batch;
}
