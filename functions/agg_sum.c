/* SUM and AVG.
 *
 * The state counts the values beside their sum, so that a sum is NULL again when the last one is
 * taken away. SUM(INT) is an INT that wraps, as Flink's; AVG(INT) an INT, cut towards zero.
 * DECIMAL sums are kept exactly, beyond 128 bits too, so a sum that was too large for 38 digits
 * (and NULL) is right again when it shrinks. Cost: an addition or two per row. */
#include "functions/aggregate_internal.h"

#include "core/decimal.h"

/* Integers and floating point. A sum of integers is kept in 64 bits and cut to the result's width:
 * wrapping twice is wrapping once. */
typedef struct IntegerSum {
    int64_t count;
    uint64_t sum;
} IntegerSum;

typedef struct FloatSum {
    int64_t count;
    double sum;
} FloatSum;

/* DECIMAL up to 18 digits: no count of rows can leave 128 bits. */
typedef struct DecimalSum {
    int64_t count;
    Wide sum;
} DecimalSum;

/* DECIMAL above: 192 bits, the high word signed. */
typedef struct WideSum {
    int64_t count;
    Wide low;
    int64_t high;
} WideSum;

static void integer_empty(IntegerSum *state, const AggregateUpdate *update)
{
    *state = (IntegerSum){0};
}

static void float_empty(FloatSum *state, const AggregateUpdate *update)
{
    *state = (FloatSum){0};
}

static void decimal_empty(DecimalSum *state, const AggregateUpdate *update)
{
    *state = (DecimalSum){0};
}

static void wide_empty(WideSum *state, const AggregateUpdate *update)
{
    *state = (WideSum){0};
}

static inline void integer_apply(IntegerSum *state, int64_t value, bool retracts,
                                 const AggregateUpdate *update)
{
    state->count += retracts ? -1 : 1;
    state->sum += retracts ? 0 - (uint64_t)value : (uint64_t)value;
}

/* A group without values is 0 exactly, whatever rounding left behind. */
static inline void float_apply(FloatSum *state, double value, bool retracts,
                               const AggregateUpdate *update)
{
    state->count += retracts ? -1 : 1;
    state->sum = state->count == 0 ? 0 : state->sum + (retracts ? -value : value);
}

static inline void decimal_apply(DecimalSum *state, int64_t value, bool retracts,
                                 const AggregateUpdate *update)
{
    state->count += retracts ? -1 : 1;
    const int128_t sum = wide_get(state->sum);
    state->sum = wide_of(retracts ? sum - value : sum + value);
}

static inline void wide_add(WideSum *state, uint128_t low, int64_t high)
{
    const uint128_t sum = (uint128_t)wide_get(state->low) + low;
    state->high = (int64_t)((uint64_t)state->high + (uint64_t)high + (sum < low ? 1 : 0));
    state->low = wide_of((int128_t)sum);
}

static inline void wide_apply(WideSum *state, int128_t value, bool retracts,
                              const AggregateUpdate *update)
{
    state->count += retracts ? -1 : 1;
    const int128_t change = retracts ? -value : value;
    wide_add(state, (uint128_t)change, change < 0 ? -1 : 0);
}

/* Whether the sum fits 38 digits; then *out is it. */
static bool wide_value(const WideSum *state, int128_t *out)
{
    const int128_t low = wide_get(state->low);
    *out = low;
    return state->high == (low < 0 ? -1 : 0) && decimal_fits(low, DECIMAL_PRECISION_MAX);
}

/* Results. */
#define INTEGER_PUT(tag, T)                                                                        \
    static inline void sum_put_##tag(const void *data, const IntegerSum *state, Vector *out,       \
                                     uint32_t row, Arena *arena)                                   \
    {                                                                                              \
        if (state->count == 0)                                                                     \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            ((T *)out->data)[row] = (T)state->sum;                                                 \
    }                                                                                              \
    static inline void avg_put_##tag(const void *data, const IntegerSum *state, Vector *out,       \
                                     uint32_t row, Arena *arena)                                   \
    {                                                                                              \
        if (state->count == 0)                                                                     \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            ((T *)out->data)[row] = (T)((int64_t)state->sum / state->count);                       \
    }
#define FLOAT_PUT(tag, T)                                                                          \
    static inline void sum_put_##tag(const void *data, const FloatSum *state, Vector *out,         \
                                     uint32_t row, Arena *arena)                                   \
    {                                                                                              \
        if (state->count == 0)                                                                     \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            ((T *)out->data)[row] = (T)state->sum;                                                 \
    }                                                                                              \
    static inline void avg_put_##tag(const void *data, const FloatSum *state, Vector *out,         \
                                     uint32_t row, Arena *arena)                                   \
    {                                                                                              \
        if (state->count == 0)                                                                     \
            vector_set_null(out, row, arena);                                                      \
        else                                                                                       \
            ((T *)out->data)[row] = (T)(state->sum / (double)state->count);                        \
    }
INTEGER_PUT(i8, int8_t)
INTEGER_PUT(i16, int16_t)
INTEGER_PUT(i32, int32_t)
INTEGER_PUT(i64, int64_t)
FLOAT_PUT(f32, float)
FLOAT_PUT(f64, double)

/* data of DECIMAL: scales of the argument and of the result. */
typedef struct DecimalScales {
    uint32_t from;
    uint32_t to;
} DecimalScales;

/* The result is 128 bits wide: SUM and AVG of DECIMAL have 38 digits. */
static void decimal_store(bool valid, int128_t value, Vector *out, uint32_t row, Arena *arena)
{
    if (valid)
        ((int128_t *)out->data)[row] = value;
    else
        vector_set_null(out, row, arena);
}

static bool decimal_average(int128_t sum, int64_t count, const DecimalScales *scales, int128_t *out)
{
    return decimal_divide(sum, scales->from, count, 0, scales->to, out) &&
           decimal_fits(*out, DECIMAL_PRECISION_MAX);
}

static void sum_put_decimal(const void *data, const DecimalSum *state, Vector *out, uint32_t row,
                            Arena *arena)
{
    const int128_t sum = wide_get(state->sum);
    decimal_store(state->count != 0 && decimal_fits(sum, DECIMAL_PRECISION_MAX), sum, out, row,
                  arena);
}

static void avg_put_decimal(const void *data, const DecimalSum *state, Vector *out, uint32_t row,
                            Arena *arena)
{
    int128_t average = 0;
    const bool valid =
        state->count != 0 && decimal_average(wide_get(state->sum), state->count, data, &average);
    decimal_store(valid, average, out, row, arena);
}

static void sum_put_wide(const void *data, const WideSum *state, Vector *out, uint32_t row,
                         Arena *arena)
{
    int128_t sum = 0;
    const bool valid = state->count != 0 && wide_value(state, &sum);
    decimal_store(valid, sum, out, row, arena);
}

static void avg_put_wide(const void *data, const WideSum *state, Vector *out, uint32_t row,
                         Arena *arena)
{
    int128_t sum = 0;
    int128_t average = 0;
    const bool valid = state->count != 0 && wide_value(state, &sum) &&
                       decimal_average(sum, state->count, data, &average);
    decimal_store(valid, average, out, row, arena);
}

#define SUMS(tag, State, T, apply, empty)                                                          \
    AGGREGATE_UPDATE(sum_update_##tag, State, T, apply, sum_put_##tag, empty)                      \
    AGGREGATE_UPDATE(avg_update_##tag, State, T, apply, avg_put_##tag, empty)                      \
    AGGREGATE_RESULT(sum_result_##tag, State, sum_put_##tag)                                       \
    AGGREGATE_RESULT(avg_result_##tag, State, avg_put_##tag)
SUMS(i8, IntegerSum, int8_t, integer_apply, integer_empty)
SUMS(i16, IntegerSum, int16_t, integer_apply, integer_empty)
SUMS(i32, IntegerSum, int32_t, integer_apply, integer_empty)
SUMS(i64, IntegerSum, int64_t, integer_apply, integer_empty)
SUMS(f32, FloatSum, float, float_apply, float_empty)
SUMS(f64, FloatSum, double, float_apply, float_empty)
SUMS(decimal, DecimalSum, int64_t, decimal_apply, decimal_empty)
SUMS(wide, WideSum, int128_t, wide_apply, wide_empty)

static bool integer_merge(const void *data, uint8_t *to, const uint8_t *from,
                          AggregateMemory *memory, Error *error)
{
    IntegerSum *into = (IntegerSum *)(void *)to;
    const IntegerSum *other = (const IntegerSum *)(const void *)from;
    into->count += other->count;
    into->sum += other->sum;
    return true;
}

static bool float_merge(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                        Error *error)
{
    FloatSum *into = (FloatSum *)(void *)to;
    const FloatSum *other = (const FloatSum *)(const void *)from;
    into->count += other->count;
    into->sum += other->sum;
    return true;
}

static bool decimal_merge(const void *data, uint8_t *to, const uint8_t *from,
                          AggregateMemory *memory, Error *error)
{
    DecimalSum *into = (DecimalSum *)(void *)to;
    const DecimalSum *other = (const DecimalSum *)(const void *)from;
    into->count += other->count;
    into->sum = wide_of(wide_get(into->sum) + wide_get(other->sum));
    return true;
}

static bool wide_merge(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                       Error *error)
{
    WideSum *into = (WideSum *)(void *)to;
    const WideSum *other = (const WideSum *)(const void *)from;
    into->count += other->count;
    wide_add(into, (uint128_t)wide_get(other->low), other->high);
    return true;
}

typedef struct SumKernels {
    bool (*update[2])(const AggregateUpdate *update, Error *error); /* SUM, AVG */
    bool (*result[2])(const void *data, uint8_t *const *states, uint32_t count, Vector *out,
                      Arena *arena, Error *error);
    bool (*merge)(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                  Error *error);
    uint32_t state_bytes;
} SumKernels;

#define SUM_KERNELS(tag, family, State)                                                            \
    {                                                                                              \
        {sum_update_##tag, avg_update_##tag}, {sum_result_##tag, avg_result_##tag},                \
            family##_merge, sizeof(State)                                                          \
    }
static const SumKernels native_kernels[PHYSICAL_ROW + 1] = {
    [PHYSICAL_I8] = SUM_KERNELS(i8, integer, IntegerSum),
    [PHYSICAL_I16] = SUM_KERNELS(i16, integer, IntegerSum),
    [PHYSICAL_I32] = SUM_KERNELS(i32, integer, IntegerSum),
    [PHYSICAL_I64] = SUM_KERNELS(i64, integer, IntegerSum),
    [PHYSICAL_F32] = SUM_KERNELS(f32, float, FloatSum),
    [PHYSICAL_F64] = SUM_KERNELS(f64, float, FloatSum),
};
static const SumKernels decimal_kernels[2] = {
    SUM_KERNELS(decimal, decimal, DecimalSum),
    SUM_KERNELS(wide, wide, WideSum),
};

static bool bind_sum(const AggregateFunction *function, const FunctionSite *site, bool average,
                     BoundAggregate *out)
{
    if (site->argument_count != 1)
        return false;
    const Type *type = aggregate_begin(function, site, &type_int, out)[0];
    if (!type_is_numeric(type))
        return false;
    const SumKernels *kernels = &native_kernels[type->physical];
    out->result = type_with_nullable(site->arena, type, true);
    if (type->kind == TYPE_DECIMAL) {
        DecimalScales *scales = arena_new_one(site->arena, DecimalScales);
        scales->from = type->scale;
        scales->to = average && type->scale < 6 ? 6 : type->scale;
        out->data = scales;
        out->result =
            type_new(site->arena, TYPE_DECIMAL, true, DECIMAL_PRECISION_MAX, (int32_t)scales->to);
        kernels = &decimal_kernels[type->physical == PHYSICAL_I128];
    }
    out->state_bytes = kernels->state_bytes;
    out->update = kernels->update[average];
    out->result_of = kernels->result[average];
    out->merge = kernels->merge;
    out->merges_changes = kernels->merge != float_merge;
    out->merge_rounds = kernels->merge == float_merge;
    return true;
}

static bool sum_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                     BoundAggregate *out, Error *error)
{
    return bind_sum(function, site, false, out);
}

static bool avg_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                     BoundAggregate *out, Error *error)
{
    return bind_sum(function, site, true, out);
}

static const AggregateFunction functions[] = {
    {"SUM", "(NUMERIC) -> NUMERIC", sum_bind, 0,
     "The sum of the values, of the argument's type (DECIMAL: 38 digits); NULL without values."},
    {"AVG", "(NUMERIC) -> NUMERIC", avg_bind, 0,
     "The mean of the values, of the argument's type (DECIMAL: 38 digits, at least 6 behind the "
     "point); NULL without values."},
    {0},
};

extern const AggregateFamily agg_sum;
const AggregateFamily agg_sum = {functions};
