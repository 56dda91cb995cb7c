/* Mathematical functions: powers, logarithms, angles, rounding of numbers, random numbers.
 *
 * What the functions of the C library make of a value outside their domain stands: NaN or infinity,
 * as in Java. Cost: one library call per row. */
#include <math.h>
#include <sys/random.h>

#include "core/decimal.h"
#include "functions/kernel_internal.h"

/* Functions of one DOUBLE. */
#define DOUBLE_FUNCTIONS(X)                                                                        \
    X(sqrt, sqrt(a))                                                                               \
    X(ln, log(a))                                                                                  \
    X(log10, log10(a))                                                                             \
    X(log2, log2(a))                                                                               \
    X(exp, exp(a))                                                                                 \
    X(sin, sin(a))                                                                                 \
    X(cos, cos(a))                                                                                 \
    X(tan, tan(a))                                                                                 \
    X(cot, 1.0 / tan(a))                                                                           \
    X(asin, asin(a))                                                                               \
    X(acos, acos(a))                                                                               \
    X(atan, atan(a))                                                                               \
    X(sinh, sinh(a))                                                                               \
    X(cosh, cosh(a))                                                                               \
    X(tanh, tanh(a))                                                                               \
    X(degrees, a / M_PI * 180.0)                                                                   \
    X(radians, a / 180.0 * M_PI)
#define DOUBLE_KERNEL(name, expression) KERNEL_UNARY(name##_kernel, double, double, expression)
DOUBLE_FUNCTIONS(DOUBLE_KERNEL)

KERNEL_BINARY(power_kernel, double, double, double, pow(a, b))
KERNEL_BINARY(atan2_kernel, double, double, double, atan2(a, b))
KERNEL_BINARY(log_base_kernel, double, double, double, log(b) / log(a))

/* ABS and SIGN keep the type; the smallest integer is its own absolute value. */
#define SIGNED_TYPES(X)                                                                            \
    X(i8, int8_t, uint32_t)                                                                        \
    X(i16, int16_t, uint32_t)                                                                      \
    X(i32, int32_t, uint32_t)                                                                      \
    X(i64, int64_t, uint64_t)                                                                      \
    X(i128, int128_t, uint128_t)
#define SIGNED_KERNELS(tag, T, U)                                                                  \
    KERNEL_UNARY(abs_##tag, T, T, a < 0 ? (U)0 - (U)a : (U)a)                                      \
    KERNEL_UNARY(sign_##tag, T, T, (a > 0) - (a < 0))
SIGNED_TYPES(SIGNED_KERNELS)
KERNEL_UNARY(abs_f32, float, float, fabsf(a))
KERNEL_UNARY(abs_f64, double, double, fabs(a))
KERNEL_UNARY(sign_f32, float, float, a > 0 ? 1 : a < 0 ? -1 : a)
KERNEL_UNARY(sign_f64, double, double, a > 0 ? 1 : a < 0 ? -1 : a)
KERNEL_UNARY(floor_f32, float, float, floorf(a))
KERNEL_UNARY(floor_f64, double, double, floor(a))
KERNEL_UNARY(ceil_f32, float, float, ceilf(a))
KERNEL_UNARY(ceil_f64, double, double, ceil(a))
KERNEL_UNARY(same_8, uint8_t, uint8_t, a)
KERNEL_UNARY(same_16, uint16_t, uint16_t, a)
KERNEL_UNARY(same_32, uint32_t, uint32_t, a)
KERNEL_UNARY(same_64, uint64_t, uint64_t, a)

typedef ScalarKernel KernelTable[PHYSICAL_ROW + 1];
#define KERNELS_OF(operation)                                                                      \
    {                                                                                              \
        [PHYSICAL_I8] = operation##_i8, [PHYSICAL_I16] = operation##_i16,                          \
        [PHYSICAL_I32] = operation##_i32, [PHYSICAL_I64] = operation##_i64,                        \
        [PHYSICAL_I128] = operation##_i128, [PHYSICAL_F32] = operation##_f32,                      \
        [PHYSICAL_F64] = operation##_f64                                                           \
    }
#define WHOLE_KERNELS_OF(operation)                                                                \
    {                                                                                              \
        [PHYSICAL_I8] = same_8, [PHYSICAL_I16] = same_16, [PHYSICAL_I32] = same_32,                \
        [PHYSICAL_I64] = same_64, [PHYSICAL_F32] = operation##_f32,                                \
        [PHYSICAL_F64] = operation##_f64                                                           \
    }
static const KernelTable abs_kernels = KERNELS_OF(abs);
static const KernelTable sign_kernels = KERNELS_OF(sign);
static const KernelTable floor_kernels = WHOLE_KERNELS_OF(floor);
static const KernelTable ceil_kernels = WHOLE_KERNELS_OF(ceil);

static bool bind_by_type(const ScalarFunction *function, const FunctionSite *site,
                         const KernelTable kernels, BoundFunction *out)
{
    if (site->argument_count != 1)
        return false;
    const Type **types = bind_begin(site, function, &type_int, out);
    if (!type_is_numeric(types[0]))
        return false;
    out->result = types[0];
    out->kernel = kernels[types[0]->physical];
    return out->kernel != NULL;
}

static bool bind_abs(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    return bind_by_type(function, site, abs_kernels, out);
}

/* The sign of a DECIMAL is a DECIMAL of its scale, of which ±1 are ±10^scale. */
#define PLACES ((const RoundPlan *)call->data)
typedef struct RoundPlan {
    uint32_t scale;
    int128_t unit; /* 10 to the number of digits cut off */
} RoundPlan;

KERNEL_UNARY(sign_decimal_64, int64_t, int64_t, (int64_t)PLACES->unit *(int64_t)((a > 0) - (a < 0)))
KERNEL_UNARY(sign_decimal_128, int128_t, int128_t, PLACES->unit *((a > 0) - (a < 0)))

static bool bind_sign(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    if (!bind_by_type(function, site, sign_kernels, out))
        return false;
    if (out->result->kind != TYPE_DECIMAL)
        return true;
    RoundPlan *plan = arena_new_one(site->arena, RoundPlan);
    plan->unit = decimal_power10(out->result->scale);
    out->data = plan;
    /* DECIMAL(s, s) has no room for 1: one digit more. */
    if (out->result->precision == out->result->scale)
        return false;
    out->kernel = out->result->physical == PHYSICAL_I64 ? sign_decimal_64 : sign_decimal_128;
    return true;
}

/* FLOOR and CEIL of DECIMAL(p, s) are DECIMAL(p, 0); of whole numbers the number. */
static int128_t floor_units(int128_t value, int128_t unit)
{
    const int128_t quotient = value / unit;
    return value % unit < 0 ? quotient - 1 : quotient;
}

#define WHOLE_DECIMAL(tag, In, out_tag, Out)                                                       \
    KERNEL_UNARY(floor_##tag##_##out_tag, In, Out, floor_units(a, PLACES->unit))                   \
    KERNEL_UNARY(ceil_##tag##_##out_tag, In, Out, -floor_units(-(int128_t)a, PLACES->unit))
WHOLE_DECIMAL(64, int64_t, 64, int64_t)
WHOLE_DECIMAL(128, int128_t, 128, int128_t)

static bool bind_whole(const ScalarFunction *function, const FunctionSite *site,
                       const KernelTable kernels, const ScalarKernel decimals[2],
                       BoundFunction *out)
{
    if (site->argument_count != 1)
        return false;
    const Type *type = site->argument_types[0];
    if (type->kind != TYPE_DECIMAL)
        return bind_by_type(function, site, kernels, out);
    bind_begin(site, function, &type_int, out);
    RoundPlan *plan = arena_new_one(site->arena, RoundPlan);
    plan->unit = decimal_power10(type->scale);
    out->data = plan;
    out->result = type_new(site->arena, TYPE_DECIMAL, true, type->precision, 0);
    out->kernel = decimals[type->physical == PHYSICAL_I128];
    return true;
}

static bool bind_floor(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    static const ScalarKernel decimals[2] = {floor_64_64, floor_128_128};
    return bind_whole(function, site, floor_kernels, decimals, out);
}

static bool bind_ceil(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    static const ScalarKernel decimals[2] = {ceil_64_64, ceil_128_128};
    return bind_whole(function, site, ceil_kernels, decimals, out);
}

/* Random numbers: xoroshiro-like state per call of the kernel, seeded by the system. */
typedef struct Random {
    uint64_t state;
} Random;

static Random random_seeded(void)
{
    Random random = {0};
    if (getrandom(&random.state, sizeof(random.state), 0) != (ssize_t)sizeof(random.state))
        random.state = (uint64_t)clock_monotonic_us();
    return random;
}

/* SplitMix64: every 64-bit number once per period. */
static uint64_t random_next(Random *random)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static bool rand_kernel(KernelCall *call, Error *error)
{
    Random random = random_seeded();
    double *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++)
        out[kernel_row(call, i)] = (double)(random_next(&random) >> 11) * 0x1.0p-53;
    return true;
}

static bool rand_integer_kernel(KernelCall *call, Error *error)
{
    Random random = random_seeded();
    int32_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const int32_t bound = kernel_i32(call, 0, row);
        if (bound <= 0)
            return kernel_fail(call, row, error, ERROR_DATA,
                               "the bound of RAND_INTEGER must be positive, not %d", bound);
        out[row] = (int32_t)((uint128_t)random_next(&random) * (uint32_t)bound >> 64);
    }
    return true;
}

/* Version 4: random but for the version and variant digits. */
static bool uuid_kernel(KernelCall *call, Error *error)
{
    static const char hex[] = "0123456789abcdef";
    Random random = random_seeded();
    Random other = random_seeded();
    TextWriter writer = text_writer_of(call);
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint64_t words[2] = {random_next(&random), random_next(&other)};
        words[0] = (words[0] & ~UINT64_C(0xF000)) | UINT64_C(0x4000);
        words[1] = (words[1] >> 2) | UINT64_C(1) << 63;
        char *to = text_writer_reserve(&writer, 36);
        uint32_t at = 0;
        for (uint32_t digit = 0; digit < 32; digit++) {
            if (digit == 8 || digit == 12 || digit == 16 || digit == 20)
                to[at++] = '-';
            to[at++] = hex[words[digit / 16] >> (60 - 4 * (digit % 16)) & 15];
        }
        kernel_put_view(call, kernel_row(call, i), text_writer_take(&writer, at));
    }
    return true;
}

static bool pi_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        ((double *)call->out->data)[kernel_row(call, i)] = M_PI;
    return true;
}

static bool e_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        ((double *)call->out->data)[kernel_row(call, i)] = M_E;
    return true;
}

#define CATEGORY "arithmetic"
#define OF_DOUBLE(name, kernel, doc)                                                               \
    {                                                                                              \
        name, "(DOUBLE) -> DOUBLE", kernel, NULL, 0, CATEGORY, doc                                 \
    }
static const ScalarFunction functions[] = {
    {"ABS", "(NUMERIC) -> same", NULL, bind_abs, 0, CATEGORY, "The absolute value."},
    {"SIGN", "(NUMERIC) -> same", NULL, bind_sign, 0, CATEGORY, "-1, 0 or 1."},
    {"FLOOR", "(NUMERIC) -> NUMERIC", NULL, bind_floor, 0, CATEGORY,
     "The greatest whole number that is not greater."},
    {"CEIL", "(NUMERIC) -> NUMERIC", NULL, bind_ceil, 0, CATEGORY,
     "The least whole number that is not less."},
    {"CEILING", "(NUMERIC) -> NUMERIC", NULL, bind_ceil, 0, CATEGORY, "The same as CEIL."},
    {"POWER", "(DOUBLE, DOUBLE) -> DOUBLE", power_kernel, NULL, 0, CATEGORY,
     "The first number to the power of the second."},
    OF_DOUBLE("SQRT", sqrt_kernel, "The square root."),
    OF_DOUBLE("EXP", exp_kernel, "e to the power of the number."),
    OF_DOUBLE("LN", ln_kernel, "The natural logarithm."),
    OF_DOUBLE("LOG10", log10_kernel, "The logarithm to base 10."),
    OF_DOUBLE("LOG2", log2_kernel, "The logarithm to base 2."),
    OF_DOUBLE("LOG", ln_kernel, "The natural logarithm."),
    {"LOG", "(DOUBLE, DOUBLE) -> DOUBLE", log_base_kernel, NULL, 0, CATEGORY,
     "The logarithm of the second number to the base of the first."},
    OF_DOUBLE("SIN", sin_kernel, "The sine."),
    OF_DOUBLE("COS", cos_kernel, "The cosine."),
    OF_DOUBLE("TAN", tan_kernel, "The tangent."),
    OF_DOUBLE("COT", cot_kernel, "The cotangent."),
    OF_DOUBLE("ASIN", asin_kernel, "The angle of a sine."),
    OF_DOUBLE("ACOS", acos_kernel, "The angle of a cosine."),
    OF_DOUBLE("ATAN", atan_kernel, "The angle of a tangent."),
    {"ATAN2", "(DOUBLE, DOUBLE) -> DOUBLE", atan2_kernel, NULL, 0, CATEGORY,
     "The angle of the point (second, first)."},
    OF_DOUBLE("SINH", sinh_kernel, "The hyperbolic sine."),
    OF_DOUBLE("COSH", cosh_kernel, "The hyperbolic cosine."),
    OF_DOUBLE("TANH", tanh_kernel, "The hyperbolic tangent."),
    OF_DOUBLE("DEGREES", degrees_kernel, "The angle in degrees of one in radians."),
    OF_DOUBLE("RADIANS", radians_kernel, "The angle in radians of one in degrees."),
    {"PI", "() -> DOUBLE", pi_kernel, NULL, 0, CATEGORY, "3.141592653589793."},
    {"E", "() -> DOUBLE", e_kernel, NULL, 0, CATEGORY, "2.718281828459045."},
    {"RAND", "() -> DOUBLE", rand_kernel, NULL, FUNCTION_NOT_DETERMINISTIC, CATEGORY,
     "A random number from 0 to below 1."},
    {"RAND_INTEGER", "(INT) -> INT", rand_integer_kernel, NULL,
     FUNCTION_NOT_DETERMINISTIC | FUNCTION_CAN_FAIL, CATEGORY,
     "A random integer from 0 to below the bound."},
    {"UUID", "() -> STRING", uuid_kernel, NULL, FUNCTION_NOT_DETERMINISTIC, CATEGORY,
     "A random UUID (version 4)."},
    {0},
};

extern const FunctionFamily fn_math;
const FunctionFamily fn_math = {functions};
