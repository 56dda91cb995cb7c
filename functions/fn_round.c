/* ROUND and TRUNCATE to a number of digits behind the point, or before it when negative.
 *
 * Integers and DECIMAL round half up, away from zero, and keep their type, but that a literal
 * number of digits shortens the scale of a DECIMAL. DOUBLE is rounded through its decimal text, so
 * that ROUND(0.285, 2) is 0.29 as a person expects. */
#include <math.h>

#include "core/decimal.h"
#include "functions/kernel_internal.h"

typedef struct RoundPlan {
    uint32_t scale;     /* of the argument */
    uint32_t to_scale;  /* of the result */
    uint32_t precision; /* of the result */
    bool cut;           /* TRUNCATE */
} RoundPlan;

/* value with everything below `unit` rounded or cut away. */
static int128_t round_to_unit(int128_t value, int128_t unit, bool cut)
{
    const int128_t rest = value % unit;
    const int128_t whole = value - rest;
    if (cut || (rest < 0 ? -rest : rest) < unit - (rest < 0 ? -rest : rest))
        return whole;
    return rest < 0 ? whole - unit : whole + unit;
}

/* Rounds an unscaled number at `digits`; past its ends nothing or everything is cut. */
static int128_t round_decimal(int128_t value, const RoundPlan *plan, int64_t digits)
{
    if (digits >= (int64_t)plan->scale)
        return value;
    const int64_t cut = (int64_t)plan->scale - digits;
    return cut > DECIMAL_PRECISION_MAX
               ? 0
               : round_to_unit(value, decimal_power10((uint32_t)cut), plan->cut);
}

static int64_t digits_of(const KernelCall *call, uint32_t row)
{
    return call->arg_count > 1 ? kernel_i32(call, 1, row) : 0;
}

#define ROUND_INTEGER(name, T)                                                                     \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const T *const in = call->args[0]->data;                                                   \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const T a = in[vector_index(call->args[0], row)];                                      \
            out[row] = (T)round_decimal(a, call->data, digits_of(call, row));                      \
        }                                                                                          \
        return true;                                                                               \
    }
ROUND_INTEGER(round_i8, int8_t)
ROUND_INTEGER(round_i16, int16_t)
ROUND_INTEGER(round_i32, int32_t)
ROUND_INTEGER(round_i64, int64_t)

#define ROUND_DECIMAL(name, In, Out)                                                               \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const RoundPlan *const plan = call->data;                                                  \
        const In *const in = call->args[0]->data;                                                  \
        Out *const out = call->out->data;                                                          \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const int128_t rounded =                                                               \
                round_decimal(in[vector_index(call->args[0], row)], plan, digits_of(call, row));   \
            int128_t value;                                                                        \
            if (decimal_rescale(rounded, plan->scale, plan->to_scale, &value) &&                   \
                decimal_fits(value, plan->precision))                                              \
                out[row] = (Out)value;                                                             \
            else                                                                                   \
                kernel_put_null(call, row);                                                        \
        }                                                                                          \
        return true;                                                                               \
    }
ROUND_DECIMAL(round_64_64, int64_t, int64_t)
ROUND_DECIMAL(round_64_128, int64_t, int128_t)
ROUND_DECIMAL(round_128_64, int128_t, int64_t)
ROUND_DECIMAL(round_128_128, int128_t, int128_t)

/* value × 10^digits, where it is a whole number or clearly on one side of a half: then the nearest
 * whole number divided by 10^digits is the exact answer, for both have few enough bits. False when
 * it is too close to call in binary. */
static bool round_quickly(double value, uint32_t digits, bool cut, double *out)
{
    static const double powers[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10};
    if (digits >= array_count(powers))
        return false;
    const double scaled = value * powers[digits];
    if (fabs(scaled) >= 0x1p40)
        return false;
    const double whole = trunc(scaled);
    const double fraction = fabs(scaled - whole);
    const double margin = 0x1p-10;
    const double edge = cut ? fmin(fraction, 1.0 - fraction) : fabs(fraction - 0.5);
    if (edge < margin && digits > 0)
        return false;
    *out = (cut ? whole : round(scaled)) / powers[digits];
    return true;
}

/* Numbers too large to have a fraction, and NaN, stay. A half is told from the number's decimal
 * text of up to 38 digits, where multiplying in binary would not be exact. */
static double round_double(double value, int64_t digits, bool cut)
{
    if (!isfinite(value) || digits > 18 || (digits >= 0 && fabs(value) >= 0x1p53))
        return value;
    if (digits < 0) {
        if (digits < -308)
            return 0;
        const double unit = pow(10.0, (double)-digits);
        return (cut ? trunc(value / unit) : round(value / unit)) * unit;
    }
    double quick;
    if (round_quickly(value, (uint32_t)digits, cut, &quick))
        return quick;
    int128_t scaled;
    if (!decimal_from_double(value, DECIMAL_PRECISION_MAX, 20, &scaled))
        return value;
    const RoundPlan plan = {20, 20, DECIMAL_PRECISION_MAX, cut};
    return decimal_to_double(round_decimal(scaled, &plan, digits), 20);
}

#define ROUND_FLOAT(name, T)                                                                       \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const RoundPlan *const plan = call->data;                                                  \
        const T *const in = call->args[0]->data;                                                   \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const T a = in[vector_index(call->args[0], row)];                                      \
            out[row] = (T)round_double((double)a, digits_of(call, row), plan->cut);                \
        }                                                                                          \
        return true;                                                                               \
    }
ROUND_FLOAT(round_f32, float)
ROUND_FLOAT(round_f64, double)

/* ROUND(DECIMAL(p, s), n): without n no fraction; with a literal n at most n digits of it, and room
 * for the digit that rounding up may add; otherwise the argument's type. */
static const Type *decimal_result(const FunctionSite *site, const Type *type, bool cut)
{
    int32_t digits = 0;
    if (site->argument_count > 1) {
        const Vector *literal = bind_literal_as(site, 1, &type_int);
        if (literal == NULL || vector_is_null(literal, 0))
            return type;
        digits = ((const int32_t *)literal->data)[0];
    }
    if (digits >= type->scale)
        return type;
    const int32_t scale = digits < 0 ? 0 : digits;
    const int32_t precision = type->precision - type->scale + scale + (cut ? 0 : 1);
    return type_new(site->arena, TYPE_DECIMAL, true,
                    precision > DECIMAL_PRECISION_MAX ? DECIMAL_PRECISION_MAX
                    : precision < 1                   ? 1
                                                      : precision,
                    scale);
}

static bool bind_rounding(const ScalarFunction *function, const FunctionSite *site, bool cut,
                          BoundFunction *out)
{
    static const ScalarKernel native[PHYSICAL_ROW + 1] = {
        [PHYSICAL_I8] = round_i8,   [PHYSICAL_I16] = round_i16, [PHYSICAL_I32] = round_i32,
        [PHYSICAL_I64] = round_i64, [PHYSICAL_F32] = round_f32, [PHYSICAL_F64] = round_f64,
    };
    static const ScalarKernel decimals[2][2] = {{round_64_64, round_64_128},
                                                {round_128_64, round_128_128}};
    if (!signature_bind("(NUMERIC, INT?) -> same", site, function, out))
        return false;
    const Type **types = out->argument_types;
    if (types[0]->kind == TYPE_NULL)
        types[0] = out->result = &type_int;
    RoundPlan *plan = arena_new_one(site->arena, RoundPlan);
    plan->cut = cut;
    out->data = plan;
    out->kernel = native[types[0]->physical];
    if (types[0]->kind != TYPE_DECIMAL)
        return true;
    out->result = decimal_result(site, types[0], cut);
    plan->scale = types[0]->scale;
    plan->to_scale = out->result->scale;
    plan->precision = out->result->precision;
    out->kernel =
        decimals[types[0]->physical == PHYSICAL_I128][out->result->physical == PHYSICAL_I128];
    return true;
}

static bool bind_round(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    return bind_rounding(function, site, false, out);
}

static bool bind_truncate(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_rounding(function, site, true, out);
}

static const ScalarFunction functions[] = {
    {"ROUND", "(NUMERIC, INT?) -> NUMERIC", NULL, bind_round, FUNCTION_NULLABLE_RESULT,
     "arithmetic", "The number rounded half up to so many digits behind the point, by default 0."},
    {"TRUNCATE", "(NUMERIC, INT?) -> NUMERIC", NULL, bind_truncate, FUNCTION_NULLABLE_RESULT,
     "arithmetic", "The number cut to so many digits behind the point, by default 0."},
    {0},
};

extern const FunctionFamily fn_round;
const FunctionFamily fn_round = {functions};
