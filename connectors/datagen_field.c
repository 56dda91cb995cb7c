/* The values of one made-up column: a mix of seed and row number, brought into the column's range.
 *
 * Cost: a tight loop per physical type; text is made 16 characters per mixed word. */
#include "connectors/datagen_field.h"

#include <float.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/decimal.h"
#include "core/option.h"

#define GOLDEN             UINT64_C(0x9E3779B97F4A7C15)
#define NULL_SALT          UINT64_C(0xA5A5A5A55A5A5A5A)
#define LENGTH_SALT        UINT64_C(0xC3C3C3C33C3C3C3C)
#define DEFAULT_LENGTH     100
#define INTERVAL_MONTH_MAX 120000
#define INTERVAL_MS_MAX    (INT64_C(86400000) * 3650000)

/* Steele and others' SplitMix64: every bit of the input reaches every bit of the output. */
static inline uint64_t mix(uint64_t seed, uint64_t row)
{
    uint64_t z = seed + (row + 1) * GOLDEN;
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

/* 0 <= result < bound, from the high bits. */
static inline uint64_t below(uint64_t random, uint64_t bound)
{
    return (uint64_t)((uint128_t)random * bound >> 64);
}

static inline double unit(uint64_t random)
{
    return (double)(random >> 11) * 0x1p-53;
}

DatagenNow datagen_now(const Clock *clock, const TimeZone *zone)
{
    int64_t utc_us = clock->now_us(clock);
    return (DatagenNow){utc_us, zone == NULL ? utc_us : time_zone_to_local(zone, utc_us)};
}

/* ------------------------------------------------------------------- ranges */

static void integer_range(const Type *type, int128_t *min, int128_t *max)
{
    uint32_t bits = type->kind == TYPE_TINYINT    ? 8
                    : type->kind == TYPE_SMALLINT ? 16
                    : type->kind == TYPE_INT      ? 32
                                                  : 64;
    *max = ((int128_t)1 << (bits - 1)) - 1;
    *min = -*max - 1;
}

void datagen_field_init(DatagenField *field, const Type *type, uint64_t seed, uint32_t index)
{
    *field = (DatagenField){.type = type, .seed = mix(seed, index)};
    switch (type->kind) {
    case TYPE_DECIMAL:
        field->max = decimal_power10(type->precision) - 1;
        field->min = -field->max;
        break;
    case TYPE_FLOAT:
        field->real_max = FLT_MAX;
        field->real_min = -FLT_MAX;
        break;
    case TYPE_DOUBLE:
        field->real_max = DBL_MAX;
        field->real_min = -DBL_MAX;
        break;
    case TYPE_INTERVAL_MONTH:
        field->max = INTERVAL_MONTH_MAX;
        break;
    case TYPE_INTERVAL_SECOND:
        field->max = INTERVAL_MS_MAX;
        break;
    default:
        integer_range(type, &field->min, &field->max);
        break;
    }
    field->length = DEFAULT_LENGTH;
    bool is_text = type_is_string(type) || type_is_bytes(type);
    if (is_text && type->length != TYPE_LENGTH_MAX)
        field->length = (uint32_t)type->length;
}

bool datagen_is_number(const Type *type)
{
    return type_is_numeric(type) || type->kind == TYPE_INTERVAL_MONTH ||
           type->kind == TYPE_INTERVAL_SECOND;
}

bool datagen_can_count(const Type *type)
{
    return type_is_numeric(type) || type_is_string(type);
}

bool datagen_holds(const Type *type, int64_t number)
{
    if (type_is_integer(type)) {
        int128_t min, max;
        integer_range(type, &min, &max);
        return number >= min && number <= max;
    }
    if (type->kind == TYPE_DECIMAL)
        return decimal_fits(number, type->precision - type->scale);
    if (!type_is_string(type))
        return true;
    char text[32];
    return snprintf(text, sizeof(text), "%lld", (long long)number) <= type->length;
}

bool datagen_set_bound(DatagenField *field, Str text, bool is_min)
{
    const Type *type = field->type;
    char copy[64];
    if (text.length >= sizeof(copy))
        return false;
    memcpy(copy, text.data, text.length);
    copy[text.length] = 0;
    if (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) {
        char *end;
        double value = strtod(copy, &end);
        double most = type->kind == TYPE_FLOAT ? FLT_MAX : DBL_MAX;
        *(is_min ? &field->real_min : &field->real_max) = value;
        return text.length != 0 && *end == 0 && value >= -most && value <= most;
    }
    int128_t *bound = is_min ? &field->min : &field->max;
    if (type->kind == TYPE_DECIMAL)
        return decimal_parse(text, type->precision, type->scale, bound);
    int64_t value;
    if (!option_parse_integer(copy, &value))
        return false;
    *bound = value;
    if (type->kind == TYPE_INTERVAL_MONTH)
        return value >= INT32_MIN && value <= INT32_MAX;
    return type->kind == TYPE_INTERVAL_SECOND || datagen_holds(type, value);
}

bool datagen_bounds_hold(const DatagenField *field)
{
    return field->min <= field->max && field->real_min <= field->real_max;
}

/* ------------------------------------------------------------------ numbers */

#define INTEGER_FILLS(X) X(i8, int8_t) X(i16, int16_t) X(i32, int32_t) X(i64, int64_t)

#define INTEGER_FILL(name, ctype)                                                                  \
    static void fill_##name(const DatagenField *field, uint64_t first, uint32_t count,             \
                            int64_t factor, ctype *out)                                            \
    {                                                                                              \
        uint64_t span = (uint64_t)(field->max - field->min);                                       \
        int64_t min = (int64_t)field->min;                                                         \
        if (field->is_sequence) {                                                                  \
            for (uint32_t i = 0; i < count; i++)                                                   \
                out[i] = (ctype)((field->start + (int64_t)(first + i)) * factor);                  \
        } else if (span == UINT64_MAX) {                                                           \
            for (uint32_t i = 0; i < count; i++)                                                   \
                out[i] = (ctype)mix(field->seed, first + i);                                       \
        } else {                                                                                   \
            for (uint32_t i = 0; i < count; i++)                                                   \
                out[i] = (ctype)((uint64_t)min + below(mix(field->seed, first + i), span + 1));    \
        }                                                                                          \
    }

INTEGER_FILLS(INTEGER_FILL)

static void fill_i128(const DatagenField *field, uint64_t first, uint32_t count, int128_t *out)
{
    int128_t factor = decimal_power10(field->type->scale);
    uint128_t span = (uint128_t)(field->max - field->min) + 1;
    for (uint32_t i = 0; i < count; i++) {
        if (field->is_sequence) {
            out[i] = ((int128_t)field->start + (int128_t)(first + i)) * factor;
            continue;
        }
        uint64_t high = mix(field->seed, first + i);
        uint128_t random = (uint128_t)high << 64 | mix(~field->seed, first + i);
        out[i] = field->min + (int128_t)(random % span);
    }
}

static inline double real_value(const DatagenField *field, uint64_t row)
{
    double part = unit(mix(field->seed, row));
    return field->real_min * (1 - part) + field->real_max * part;
}

#define REAL_FILLS(X) X(f32, float) X(f64, double)

#define REAL_FILL(name, ctype)                                                                     \
    static void fill_##name(const DatagenField *field, uint64_t first, uint32_t count, ctype *out) \
    {                                                                                              \
        for (uint32_t i = 0; i < count; i++)                                                       \
            out[i] = field->is_sequence ? (ctype)(field->start + (int64_t)(first + i))             \
                                        : (ctype)real_value(field, first + i);                     \
    }

REAL_FILLS(REAL_FILL)

static void fill_bool(const DatagenField *field, uint64_t first, uint32_t count, uint8_t *out)
{
    for (uint32_t i = 0; i < count; i++)
        out[i] = (uint8_t)(mix(field->seed, first + i) >> 63);
}

/* -------------------------------------------------------------------- times */

static int64_t floor_to(int64_t value, int64_t unit_of)
{
    int64_t rest = value % unit_of;
    return value - (rest < 0 ? rest + unit_of : rest);
}

static void fill_timestamp(const DatagenField *field, uint64_t first, uint32_t count,
                           const DatagenNow *now, Vector *vector)
{
    const Type *type = field->type;
    int64_t base = type->kind == TYPE_TIMESTAMP ? now->local_us : now->utc_us;
    uint64_t past_us = (uint64_t)field->max_past_ms * 1000 + 1;
    int64_t unit_us = 1;
    for (uint32_t digits = type->precision; digits < 6; digits++)
        unit_us *= 10;
    for (uint32_t i = 0; i < count; i++) {
        uint64_t back = past_us == 1 ? 0 : below(mix(field->seed, first + i), past_us);
        int64_t micros = floor_to(base - (int64_t)back, unit_us);
        if (type->physical == PHYSICAL_I64)
            ((int64_t *)vector->data)[i] = micros;
        else
            ((int128_t *)vector->data)[i] = (int128_t)micros * 1000;
    }
}

static void fill_clock(const DatagenField *field, uint32_t count, const DatagenNow *now,
                       int32_t *out)
{
    int64_t day = floor_to(now->local_us, MICROS_PER_DAY);
    int32_t value = (int32_t)(day / MICROS_PER_DAY);
    if (field->type->kind == TYPE_TIME) {
        int64_t unit_ms = field->type->precision >= 3   ? 1
                          : field->type->precision == 2 ? 10
                          : field->type->precision == 1 ? 100
                                                        : 1000;
        value = (int32_t)floor_to((now->local_us - day) / 1000, unit_ms);
    }
    for (uint32_t i = 0; i < count; i++)
        out[i] = value;
}

/* --------------------------------------------------------------------- text */

/* Characters or bytes of one value; `length` is at most the room rounded up to 16. */
static void make_text(uint64_t seed, uint64_t row, bool is_text, uint32_t length, char *out)
{
    static const char digits[] = "0123456789abcdef";
    uint32_t step = is_text ? 16 : 8;
    for (uint32_t at = 0; at < length; at += step) {
        uint64_t word = mix(seed + at, row);
        uint32_t n = length - at < step ? length - at : step;
        for (uint32_t i = 0; i < n; i++) {
            out[at + i] = is_text ? digits[word & 15] : (char)word;
            word >>= is_text ? 4 : 8;
        }
    }
}

static void fill_text(const DatagenField *field, uint64_t first, uint32_t count, Vector *vector,
                      Arena *arena)
{
    StringView *views = vector->data;
    bool is_text = type_is_string(field->type);
    uint32_t room = field->is_sequence ? 24 : field->length;
    char *memory = arena_alloc(arena, (size_t)room * count);
    for (uint32_t i = 0; i < count; i++, memory += room) {
        uint32_t length = room;
        if (field->is_sequence) {
            length = (uint32_t)snprintf(memory, room, "%lld",
                                        (long long)(field->start + (int64_t)(first + i)));
        } else {
            if (field->is_variable)
                length = 1 + (uint32_t)below(mix(field->seed ^ LENGTH_SALT, first + i), room);
            make_text(field->seed, first + i, is_text, length, memory);
        }
        views[i] = string_view_borrow(memory, length);
    }
}

/* --------------------------------------------------------------------- NULL */

static void fill_nulls(const DatagenField *field, uint64_t first, uint32_t count, Vector *vector,
                       Arena *arena)
{
    for (uint32_t i = 0; i < count; i++)
        if (unit(mix(field->seed ^ NULL_SALT, first + i)) < field->null_rate)
            vector_set_null(vector, i, arena);
}

void datagen_field_fill(const DatagenField *field, uint64_t first, uint32_t count,
                        const DatagenNow *now, Vector *vector, Arena *arena)
{
    const Type *type = field->type;
    int64_t factor = type->kind == TYPE_DECIMAL && type->physical == PHYSICAL_I64
                         ? (int64_t)decimal_power10(type->scale)
                         : 1;
    if (type_is_timestamp(type)) {
        fill_timestamp(field, first, count, now, vector);
    } else if (type->kind == TYPE_DATE || type->kind == TYPE_TIME) {
        fill_clock(field, count, now, vector->data);
    } else {
        switch (type->physical) {
        case PHYSICAL_BOOL:
            fill_bool(field, first, count, vector->data);
            break;
        case PHYSICAL_I8:
            fill_i8(field, first, count, factor, vector->data);
            break;
        case PHYSICAL_I16:
            fill_i16(field, first, count, factor, vector->data);
            break;
        case PHYSICAL_I32:
            fill_i32(field, first, count, factor, vector->data);
            break;
        case PHYSICAL_I64:
            fill_i64(field, first, count, factor, vector->data);
            break;
        case PHYSICAL_I128:
            fill_i128(field, first, count, vector->data);
            break;
        case PHYSICAL_F32:
            fill_f32(field, first, count, vector->data);
            break;
        case PHYSICAL_F64:
            fill_f64(field, first, count, vector->data);
            break;
        case PHYSICAL_STRING:
            fill_text(field, first, count, vector, arena);
            break;
        case PHYSICAL_LIST:
        case PHYSICAL_ROW:
            assert(0 && "refused by datagen_check");
            break;
        }
    }
    if (field->null_rate > 0)
        fill_nulls(field, first, count, vector, arena);
}
