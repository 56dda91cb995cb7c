/* Random values of every type, for tests that compare two ways of doing the same.
 *
 * The seed is printed by random_seed, and WEIR_TEST_SEED sets it, so that a failure can be
 * repeated. */
#ifndef TESTS_RANDOM_ROWS_H
#define TESTS_RANDOM_ROWS_H

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/batch.h"
#include "core/datetime.h"
#include "core/decimal.h"

typedef struct Random {
    uint64_t state;
} Random;

static inline uint64_t random_next(Random *random)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return z ^ z >> 31;
}

static inline uint32_t random_below(Random *random, uint32_t bound)
{
    return (uint32_t)(random_next(random) % bound);
}

static inline Random random_seed(const char *test)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("%s: WEIR_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    return (Random){seed};
}

static inline int64_t random_integer(Random *random, int bits)
{
    int64_t least = bits == 64 ? INT64_MIN : -(INT64_C(1) << (bits - 1));
    int64_t most = bits == 64 ? INT64_MAX : (INT64_C(1) << (bits - 1)) - 1;
    switch (random_below(random, 6)) {
    case 0:
        return least;
    case 1:
        return most;
    case 2:
        return (int64_t)random_below(random, 5) - 2;
    default:
        return (int64_t)random_next(random) >> (64 - bits);
    }
}

static inline double random_double(Random *random)
{
    static const double edges[] = {0.0, -0.0, 1.0, -1.5, 1e7, 1e-3, 9999999.0, 5e-324, 1.7e308};
    switch (random_below(random, 8)) {
    case 0:
        return edges[random_below(random, array_count(edges))];
    case 1:
        return random_below(random, 2) == 0 ? INFINITY : -INFINITY;
    case 2:
        return NAN;
    default: {
        uint64_t bits = random_next(random);
        double value;
        memcpy(&value, &bits, sizeof(value));
        return random_below(random, 2) == 0 ? (double)random_integer(random, 32) / 100 : value;
    }
    }
}

static inline int128_t random_decimal(Random *random, uint32_t precision)
{
    int128_t bound = decimal_power10(1 + random_below(random, precision));
    uint128_t bits = (uint128_t)random_next(random) << 64 | random_next(random);
    int128_t value = (int128_t)(bits % (uint128_t)bound);
    if (random_below(random, 8) == 0)
        value = bound - 1;
    return random_below(random, 2) == 0 ? value : -value;
}

/* Well-formed UTF-8 with what formats have to quote. */
static inline size_t random_text(Random *random, char *out, size_t characters)
{
    static const char *const pieces[] = {"a",
                                         "b",
                                         "Z",
                                         "0",
                                         " ",
                                         ",",
                                         "\"",
                                         "'",
                                         "\n",
                                         "\r",
                                         ";",
                                         "\\",
                                         "\xC3\xA9",
                                         "[",
                                         "]",
                                         "{",
                                         "=",
                                         "\t",
                                         "#",
                                         "\xE2\x82\xAC",
                                         "\xF0\x9F\x98\x80"};
    size_t length = 0;
    for (size_t i = 0; i < characters; i++) {
        const char *piece = pieces[random_below(random, array_count(pieces))];
        size_t bytes = strlen(piece);
        memcpy(out + length, piece, bytes);
        length += bytes;
    }
    return length;
}

static inline void random_string(Random *random, Vector *vector, uint32_t row, Arena *arena)
{
    const Type *type = vector->type;
    char text[256];
    size_t length =
        random_below(random, 4) == 0 ? 20 + random_below(random, 30) : random_below(random, 14);
    if ((int64_t)length > type->length)
        length = (size_t)type->length;
    if (type_is_string(type)) {
        length = random_text(random, text, length);
    } else {
        if (type->kind == TYPE_BINARY)
            length = (size_t)type->length;
        for (size_t i = 0; i < length; i++)
            text[i] = (char)(random_below(random, 3) == 0 ? 0 : random_next(random));
    }
    vector_set_str(vector, row, (Str){text, length}, arena);
}

/* Days of the years 1 to 9999. */
static inline int32_t random_day(Random *random)
{
    int32_t first = -719162, last = 2932896;
    switch (random_below(random, 8)) {
    case 0:
        return first;
    case 1:
        return last;
    case 2:
        return 0;
    default:
        return first + (int32_t)random_below(random, (uint32_t)(last - first + 1));
    }
}

static inline int128_t random_nanos(Random *random, uint32_t precision)
{
    int64_t unit = 1;
    for (uint32_t i = precision; i < 9; i++)
        unit *= 10;
    int64_t nanos = (int64_t)(random_next(random) % (uint64_t)NANOS_PER_DAY);
    return (int128_t)random_day(random) * NANOS_PER_DAY + nanos - nanos % unit;
}

static inline void random_value(Random *random, Vector *vector, uint32_t row, Arena *arena);

static inline void random_nested(Random *random, Vector *vector, uint32_t row, Arena *arena)
{
    const Type *type = vector->type;
    if (type->physical == PHYSICAL_ROW) {
        vector_set_valid(vector, row);
        for (uint32_t c = 0; c < type->field_count; c++)
            random_value(random, &vector->children[c], row, arena);
        return;
    }
    uint32_t length = random_below(random, 5);
    uint32_t offset = vector_list_append(vector, row, length, arena);
    for (uint32_t c = 0; c < type->field_count; c++)
        for (uint32_t i = 0; i < length; i++)
            random_value(random, &vector->children[c], offset + i, arena);
}

static inline void random_value(Random *random, Vector *vector, uint32_t row, Arena *arena)
{
    const Type *type = vector->type;
    if (type->kind == TYPE_NULL || (type->nullable && random_below(random, 5) == 0)) {
        vector_set_null(vector, row, arena);
        return;
    }
    vector_set_valid(vector, row);
    int128_t number = 0;
    if (type->kind == TYPE_DECIMAL)
        number = random_decimal(random, type->precision);
    else if (type_is_timestamp(type))
        number =
            random_nanos(random, type->precision) / (type->physical == PHYSICAL_I64 ? 1000 : 1);
    else if (type->kind == TYPE_DATE)
        number = random_day(random);
    else if (type->kind == TYPE_TIME)
        number = random_below(random, 86400) * (type->precision == 0 ? 1000 : 1);
    else if (type->physical <= PHYSICAL_I64)
        number = random_integer(random, 8 * (int)physical_size(type->physical));
    switch (type->physical) {
    case PHYSICAL_BOOL:
        ((uint8_t *)vector->data)[row] = number & 1;
        break;
    case PHYSICAL_I8:
        ((int8_t *)vector->data)[row] = (int8_t)number;
        break;
    case PHYSICAL_I16:
        ((int16_t *)vector->data)[row] = (int16_t)number;
        break;
    case PHYSICAL_I32:
        ((int32_t *)vector->data)[row] = (int32_t)number;
        break;
    case PHYSICAL_I64:
        ((int64_t *)vector->data)[row] = (int64_t)number;
        break;
    case PHYSICAL_I128:
        ((int128_t *)vector->data)[row] = number;
        break;
    case PHYSICAL_F32:
        ((float *)vector->data)[row] = (float)random_double(random);
        break;
    case PHYSICAL_F64:
        ((double *)vector->data)[row] = random_double(random);
        break;
    case PHYSICAL_STRING:
        random_string(random, vector, row, arena);
        break;
    default:
        random_nested(random, vector, row, arena);
    }
}

/* Columns of every flat type; with `nested` also of those made of others. */
static inline const Schema *random_schema(Arena *arena, bool nested)
{
    const Type *types[] = {
        &type_boolean,
        &type_tinyint,
        &type_smallint,
        &type_int,
        &type_bigint,
        &type_float,
        &type_double,
        type_new(arena, TYPE_DECIMAL, true, 10, 2),
        type_new(arena, TYPE_DECIMAL, true, 38, 10),
        &type_string,
        type_new(arena, TYPE_VARCHAR, false, 20, 0),
        &type_bytes,
        type_new(arena, TYPE_BINARY, true, 5, 0),
        &type_date,
        &type_time,
        type_new(arena, TYPE_TIME, true, 3, 0),
        type_new(arena, TYPE_TIMESTAMP, true, 0, 0),
        &type_timestamp_3,
        &type_timestamp_6,
        type_new(arena, TYPE_TIMESTAMP, true, 9, 0),
        &type_timestamp_ltz_3,
        type_new(arena, TYPE_TIMESTAMP_LTZ, false, 9, 0),
        type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, &type_string}, 1),
        type_new_nested(
            arena, TYPE_MAP, true,
            (TypeField[]){{NULL, type_new(arena, TYPE_INT, false, 0, 0)}, {NULL, &type_string}}, 2),
        NULL,
        NULL,
    };
    uint32_t count = array_count(types);
    types[count - 2] = type_new_nested(
        arena, TYPE_ROW, true,
        (TypeField[]){{"a", &type_bigint}, {"b", types[count - 4]}, {"c", &type_string}}, 3);
    types[count - 1] =
        type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, types[count - 2]}, 1);
    if (!nested)
        count -= 4;
    Column *columns = arena_new_array(arena, Column, count);
    for (uint32_t i = 0; i < count; i++)
        columns[i] = (Column){arena_printf(arena, "c%u", i), types[i]};
    return schema_new(arena, columns, count);
}

static inline Batch *random_batch(Random *random, const Schema *schema, uint32_t rows)
{
    Batch *batch = batch_new(schema, rows);
    for (uint32_t c = 0; c < batch->column_count; c++)
        for (uint32_t row = 0; row < rows; row++)
            random_value(random, &batch->columns[c], row, batch->arena);
    batch->row_count = rows;
    return batch;
}

#endif
