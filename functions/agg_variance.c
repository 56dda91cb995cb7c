/* VAR_POP, VAR_SAMP, STDDEV_POP, STDDEV_SAMP, and VARIANCE and STDDEV, which are the _SAMP ones.
 *
 * The state is count, sum and sum of squares, so values can be taken away as well. Integers are
 * computed exactly and cut to the argument's type, as Flink's rewriting to sums does; other numbers
 * in DOUBLE. Cost: a multiplication and two additions per row. */
#include <math.h>

#include "core/decimal.h"
#include "functions/aggregate_internal.h"

typedef struct IntegerMoments {
    int64_t count;
    Wide sum;
    Wide squares;
} IntegerMoments;

typedef struct FloatMoments {
    int64_t count;
    double sum;
    double squares;
} FloatMoments;

/* data: which of the four. */
typedef struct MomentPlan {
    bool sample;
    bool root;
} MomentPlan;

static void integer_empty(IntegerMoments *state, const AggregateUpdate *update)
{
    *state = (IntegerMoments){0};
}

static void float_empty(FloatMoments *state, const AggregateUpdate *update)
{
    *state = (FloatMoments){0};
}

static inline void integer_apply(IntegerMoments *state, int64_t value, bool retracts,
                                 const AggregateUpdate *update)
{
    const int128_t square = (int128_t)value * value;
    state->count += retracts ? -1 : 1;
    state->sum = wide_of(wide_get(state->sum) + (retracts ? -value : (int128_t)value));
    /* Unsigned: past 2^127 the squares wrap instead of being undefined. */
    const uint128_t squares = (uint128_t)wide_get(state->squares);
    state->squares =
        wide_of((int128_t)(retracts ? squares - (uint128_t)square : squares + (uint128_t)square));
}

static inline void float_apply(FloatMoments *state, double value, bool retracts,
                               const AggregateUpdate *update)
{
    state->count += retracts ? -1 : 1;
    state->sum += retracts ? -value : value;
    state->squares += retracts ? -value * value : value * value;
    if (state->count == 0)
        *state = (FloatMoments){0};
}

/* False when there are too few values. */
static bool integer_value(const MomentPlan *plan, const IntegerMoments *state, int128_t *out)
{
    const int64_t divisor = state->count - (plan->sample ? 1 : 0);
    if (divisor <= 0)
        return false;
    const int128_t sum = wide_get(state->sum);
    int128_t square;
    if (__builtin_mul_overflow(sum, sum, &square))
        return false;
    const int128_t variance = (wide_get(state->squares) - square / state->count) / divisor;
    *out = plan->root ? (int128_t)sqrt((double)variance) : variance;
    return true;
}

static bool float_value(const MomentPlan *plan, const FloatMoments *state, double *out)
{
    const double count = (double)state->count;
    const double divisor = count - (plan->sample ? 1.0 : 0.0);
    if (divisor <= 0)
        return false;
    /* What rounding left of no variance may be negative. */
    const double difference = state->squares - state->sum * state->sum / count;
    const double variance = (difference < 0 ? 0 : difference) / divisor;
    *out = plan->root ? sqrt(variance) : variance;
    return true;
}

#define INTEGER_MOMENTS(tag, T)                                                                    \
    static inline void put_##tag(const void *data, const IntegerMoments *state, Vector *out,       \
                                 uint32_t row, Arena *arena)                                       \
    {                                                                                              \
        int128_t value;                                                                            \
        if (integer_value(data, state, &value))                                                    \
            ((T *)out->data)[row] = (T)value;                                                      \
        else                                                                                       \
            vector_set_null(out, row, arena);                                                      \
    }                                                                                              \
    AGGREGATE_UPDATE(update_##tag, IntegerMoments, T, integer_apply, put_##tag, integer_empty)     \
    AGGREGATE_RESULT(result_##tag, IntegerMoments, put_##tag)
INTEGER_MOMENTS(i8, int8_t)
INTEGER_MOMENTS(i16, int16_t)
INTEGER_MOMENTS(i32, int32_t)
INTEGER_MOMENTS(i64, int64_t)

#define FLOAT_MOMENTS(tag, T, In)                                                                  \
    static inline void put_##tag(const void *data, const FloatMoments *state, Vector *out,         \
                                 uint32_t row, Arena *arena)                                       \
    {                                                                                              \
        double value;                                                                              \
        if (float_value(data, state, &value))                                                      \
            ((T *)out->data)[row] = (T)value;                                                      \
        else                                                                                       \
            vector_set_null(out, row, arena);                                                      \
    }                                                                                              \
    AGGREGATE_UPDATE(update_##tag, FloatMoments, In, float_apply, put_##tag, float_empty)          \
    AGGREGATE_RESULT(result_##tag, FloatMoments, put_##tag)
FLOAT_MOMENTS(f32, float, float)
FLOAT_MOMENTS(f64, double, double)

/* DECIMAL: computed in DOUBLE, shown with 38 digits; NULL when it does not fit them. */
static void put_decimal(const void *data, const FloatMoments *state, Vector *out, uint32_t row,
                        Arena *arena)
{
    double value;
    int128_t unscaled;
    if (float_value(data, state, &value) &&
        decimal_from_double(value, out->type->precision, out->type->scale, &unscaled))
        ((int128_t *)out->data)[row] = unscaled;
    else
        vector_set_null(out, row, arena);
}
AGGREGATE_UPDATE(update_decimal, FloatMoments, double, float_apply, put_decimal, float_empty)
AGGREGATE_RESULT(result_decimal, FloatMoments, put_decimal)

static bool integer_merge(const void *data, uint8_t *to, const uint8_t *from,
                          AggregateMemory *memory, Error *error)
{
    IntegerMoments *into = (IntegerMoments *)(void *)to;
    const IntegerMoments *other = (const IntegerMoments *)(const void *)from;
    into->count += other->count;
    into->sum = wide_of(wide_get(into->sum) + wide_get(other->sum));
    into->squares = wide_of(
        (int128_t)((uint128_t)wide_get(into->squares) + (uint128_t)wide_get(other->squares)));
    return true;
}

static bool float_merge(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                        Error *error)
{
    FloatMoments *into = (FloatMoments *)(void *)to;
    const FloatMoments *other = (const FloatMoments *)(const void *)from;
    into->count += other->count;
    into->sum += other->sum;
    into->squares += other->squares;
    return true;
}

typedef struct MomentKernels {
    bool (*update)(const AggregateUpdate *update, Error *error);
    bool (*result)(const void *data, uint8_t *const *states, uint32_t count, Vector *out,
                   Arena *arena, Error *error);
} MomentKernels;

static bool bind_moments(const AggregateFunction *function, const FunctionSite *site,
                         const MomentPlan *plan, BoundAggregate *out)
{
    static const MomentKernels kernels[PHYSICAL_ROW + 1] = {
        [PHYSICAL_I8] = {update_i8, result_i8},    [PHYSICAL_I16] = {update_i16, result_i16},
        [PHYSICAL_I32] = {update_i32, result_i32}, [PHYSICAL_I64] = {update_i64, result_i64},
        [PHYSICAL_F32] = {update_f32, result_f32}, [PHYSICAL_F64] = {update_f64, result_f64},
    };
    static const MomentKernels decimal = {update_decimal, result_decimal};
    if (site->argument_count != 1)
        return false;
    const Type **types = aggregate_begin(function, site, &type_int, out);
    const Type *type = types[0];
    if (!type_is_numeric(type))
        return false;
    const MomentKernels *chosen = &kernels[type->physical];
    out->result = type_with_nullable(site->arena, type, true);
    if (type->kind == TYPE_DECIMAL) {
        types[0] = &type_double;
        out->result = type_new(site->arena, TYPE_DECIMAL, true, DECIMAL_PRECISION_MAX,
                               type->scale < 6 ? 6 : type->scale);
        chosen = &decimal;
    }
    const bool integer = type_is_integer(type);
    out->state_bytes = integer ? sizeof(IntegerMoments) : sizeof(FloatMoments);
    out->merge = integer ? integer_merge : float_merge;
    out->merges_changes = integer;
    out->merge_rounds = !integer;
    out->update = chosen->update;
    out->result_of = chosen->result;
    out->data = plan;
    return true;
}

#define MOMENT_BINDER(name, sample, root)                                                          \
    static bool bind_##name(const AggregateFunction *function, const FunctionSite *site,           \
                            bool retracting, BoundAggregate *out, Error *error)                    \
    {                                                                                              \
        static const MomentPlan plan = {sample, root};                                             \
        return bind_moments(function, site, &plan, out);                                           \
    }
MOMENT_BINDER(var_pop, false, false)
MOMENT_BINDER(var_samp, true, false)
MOMENT_BINDER(stddev_pop, false, true)
MOMENT_BINDER(stddev_samp, true, true)

#define NUMBER "(NUMERIC) -> NUMERIC"
static const AggregateFunction functions[] = {
    {"VAR_POP", NUMBER, bind_var_pop, 0, "The variance of all values, of the argument's type."},
    {"VAR_SAMP", NUMBER, bind_var_samp, 0,
     "The variance of a sample, of the argument's type; NULL of fewer than two values."},
    {"VARIANCE", NUMBER, bind_var_samp, 0, "The same as VAR_SAMP."},
    {"STDDEV_POP", NUMBER, bind_stddev_pop, 0,
     "The standard deviation of all values, of the argument's type."},
    {"STDDEV_SAMP", NUMBER, bind_stddev_samp, 0,
     "The standard deviation of a sample, of the argument's type; NULL of fewer than two values."},
    {"STDDEV", NUMBER, bind_stddev_samp, 0, "The same as STDDEV_SAMP."},
    {0},
};

extern const AggregateFamily agg_variance;
const AggregateFamily agg_variance = {functions};
