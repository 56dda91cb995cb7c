/* The operators + - * / % on numbers that are not DECIMAL, and MOD.
 *
 * Integers wrap as Java's do and INT / INT truncates; a division by zero is an error for exact
 * numbers and IEEE's infinity or NaN for approximate ones. DECIMAL is in fn_decimal.c, points in
 * time and intervals in fn_interval.c: their overloads stand in those families under the same
 * names, and each overload takes only its own types. */
#include <math.h>

#include "functions/kernel_internal.h"

/* Wrapping arithmetic is done on unsigned numbers at least as wide as the result. */
#define INTEGER_TYPES(X)                                                                           \
    X(i8, int8_t, uint32_t)                                                                        \
    X(i16, int16_t, uint32_t)                                                                      \
    X(i32, int32_t, uint32_t)                                                                      \
    X(i64, int64_t, uint64_t)

#define FLOAT_TYPES(X)                                                                             \
    X(f32, float)                                                                                  \
    X(f64, double)

#define INTEGER_KERNELS(tag, T, U)                                                                 \
    KERNEL_BINARY(add_##tag, T, T, T, (U)a + (U)b)                                                 \
    KERNEL_BINARY(subtract_##tag, T, T, T, (U)a - (U)b)                                            \
    KERNEL_BINARY(multiply_##tag, T, T, T, (U)a *(U)b)                                             \
    KERNEL_UNARY(negate_##tag, T, T, (U)0 - (U)a)
INTEGER_TYPES(INTEGER_KERNELS)

#define FLOAT_KERNELS(tag, T)                                                                      \
    KERNEL_BINARY(add_##tag, T, T, T, a + b)                                                       \
    KERNEL_BINARY(subtract_##tag, T, T, T, a - b)                                                  \
    KERNEL_BINARY(multiply_##tag, T, T, T, a *b)                                                   \
    KERNEL_BINARY(divide_##tag, T, T, T, a / b)                                                    \
    KERNEL_BINARY(modulo_##tag, T, T, T, fmod((double)a, (double)b))                               \
    KERNEL_UNARY(negate_##tag, T, T, -a)
FLOAT_TYPES(FLOAT_KERNELS)

/* x / -1 is computed as -x: the smallest number has no positive counterpart and wraps to itself. */
#define DIVIDING_KERNEL(name, T, U, expression, of_minus_one)                                      \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const T *const left = call->args[0]->data;                                                 \
        const T *const right = call->args[1]->data;                                                \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const T a = left[vector_index(call->args[0], row)];                                    \
            const T b = right[vector_index(call->args[1], row)];                                   \
            if (b == 0)                                                                            \
                return kernel_fail(call, row, error, ERROR_DATA, "division by zero");              \
            out[row] = (T)(b == -1 ? (T)(of_minus_one) : (T)(expression));                         \
        }                                                                                          \
        return true;                                                                               \
    }
#define DIVIDING_KERNELS(tag, T, U)                                                                \
    DIVIDING_KERNEL(divide_##tag, T, U, a / b, (U)0 - (U)a)                                        \
    DIVIDING_KERNEL(modulo_##tag, T, U, a % b, 0)
INTEGER_TYPES(DIVIDING_KERNELS)

#define KERNELS_OF(operation)                                                                      \
    {                                                                                              \
        [PHYSICAL_I8] = operation##_i8, [PHYSICAL_I16] = operation##_i16,                          \
        [PHYSICAL_I32] = operation##_i32, [PHYSICAL_I64] = operation##_i64,                        \
        [PHYSICAL_F32] = operation##_f32, [PHYSICAL_F64] = operation##_f64                         \
    }

typedef ScalarKernel KernelTable[PHYSICAL_ROW + 1];
static const KernelTable add_kernels = KERNELS_OF(add);
static const KernelTable subtract_kernels = KERNELS_OF(subtract);
static const KernelTable multiply_kernels = KERNELS_OF(multiply);
static const KernelTable divide_kernels = KERNELS_OF(divide);
static const KernelTable modulo_kernels = KERNELS_OF(modulo);
static const KernelTable negate_kernels = KERNELS_OF(negate);

/* An untyped NULL is taken as the type of the other side. */
static const Type *operand(const FunctionSite *site, uint32_t i)
{
    const Type *type = site->argument_types[i];
    if (type->kind != TYPE_NULL)
        return type;
    const Type *other = site->argument_types[site->argument_count - 1 - i];
    return other->kind != TYPE_NULL ? other : &type_int;
}

/* Whether both are numbers and none needs DECIMAL arithmetic. */
static bool operands_are_native(const FunctionSite *site)
{
    if (site->argument_count != 2)
        return false;
    const Type *a = operand(site, 0);
    const Type *b = operand(site, 1);
    if (!type_is_numeric(a) || !type_is_numeric(b))
        return false;
    const bool approximate = a->kind == TYPE_FLOAT || a->kind == TYPE_DOUBLE ||
                             b->kind == TYPE_FLOAT || b->kind == TYPE_DOUBLE;
    return approximate || (a->kind != TYPE_DECIMAL && b->kind != TYPE_DECIMAL);
}

static bool bind_common(const ScalarFunction *function, const FunctionSite *site,
                        const KernelTable kernels, BoundFunction *out)
{
    if (!operands_are_native(site))
        return false;
    const Type **types = bind_begin(site, function, &type_int, out);
    types[0] = types[1] = out->result =
        type_common_numeric(site->arena, operand(site, 0), operand(site, 1));
    out->kernel = kernels[out->result->physical];
    return true;
}

static bool bind_add(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    return bind_common(function, site, add_kernels, out);
}

static bool bind_subtract(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_common(function, site, subtract_kernels, out);
}

static bool bind_multiply(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_common(function, site, multiply_kernels, out);
}

/* Integer division can fail, the approximate one cannot: two overloads with different flags. */
static bool operands_are_integers(const FunctionSite *site)
{
    return site->argument_count == 2 && type_is_integer(operand(site, 0)) &&
           type_is_integer(operand(site, 1));
}

static bool bind_divide_integer(const ScalarFunction *function, const FunctionSite *site,
                                BoundFunction *out, Error *error)
{
    return operands_are_integers(site) && bind_common(function, site, divide_kernels, out);
}

static bool bind_divide_float(const ScalarFunction *function, const FunctionSite *site,
                              BoundFunction *out, Error *error)
{
    return !operands_are_integers(site) && bind_common(function, site, divide_kernels, out);
}

/* a % b of integers has b's type, as in Flink; a remainder always fits it. */
#define MODULO_NARROW(tag, T)                                                                      \
    static bool modulo_i64_to_##tag(KernelCall *call, Error *error)                                \
    {                                                                                              \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const int64_t b = kernel_i64(call, 1, row);                                            \
            if (b == 0)                                                                            \
                return kernel_fail(call, row, error, ERROR_DATA, "division by zero");              \
            out[row] = (T)(b == -1 ? 0 : kernel_i64(call, 0, row) % b);                            \
        }                                                                                          \
        return true;                                                                               \
    }
MODULO_NARROW(i8, int8_t)
MODULO_NARROW(i16, int16_t)
MODULO_NARROW(i32, int32_t)

static bool bind_modulo_integer(const ScalarFunction *function, const FunctionSite *site,
                                BoundFunction *out, Error *error)
{
    static const KernelTable narrow = {[PHYSICAL_I8] = modulo_i64_to_i8,
                                       [PHYSICAL_I16] = modulo_i64_to_i16,
                                       [PHYSICAL_I32] = modulo_i64_to_i32};
    if (!operands_are_integers(site) || !bind_common(function, site, modulo_kernels, out))
        return false;
    const Type *divisor = operand(site, 1);
    if (divisor->physical == out->result->physical)
        return true;
    const Type **types = out->argument_types;
    types[0] = types[1] = &type_bigint;
    out->result = divisor;
    out->kernel = narrow[divisor->physical];
    return true;
}

static bool bind_modulo_float(const ScalarFunction *function, const FunctionSite *site,
                              BoundFunction *out, Error *error)
{
    return !operands_are_integers(site) && bind_common(function, site, modulo_kernels, out);
}

static bool bind_negate(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (site->argument_count != 1)
        return false;
    const Type **types = bind_begin(site, function, &type_int, out);
    if (!type_is_numeric(types[0]) || types[0]->kind == TYPE_DECIMAL)
        return false;
    out->result = types[0];
    out->kernel = negate_kernels[types[0]->physical];
    return true;
}

#define HIDDEN FUNCTION_HIDDEN
#define FAILS  FUNCTION_CAN_FAIL
static const ScalarFunction functions[] = {
    {"+", "NUMERIC + NUMERIC", NULL, bind_add, HIDDEN, "arithmetic",
     "The sum; integers wrap around."},
    {"-", "NUMERIC - NUMERIC", NULL, bind_subtract, HIDDEN, "arithmetic",
     "The difference; integers wrap around."},
    {"*", "NUMERIC * NUMERIC", NULL, bind_multiply, HIDDEN, "arithmetic",
     "The product; integers wrap around."},
    {"/", "INTEGER / INTEGER", NULL, bind_divide_integer, HIDDEN | FAILS, "arithmetic",
     "The quotient, truncated towards zero; an error when the divisor is 0."},
    {"/", "NUMERIC / NUMERIC", NULL, bind_divide_float, HIDDEN, "arithmetic",
     "The quotient; infinity or NaN when the divisor is 0."},
    {"%", "INTEGER % INTEGER", NULL, bind_modulo_integer, HIDDEN | FAILS, "arithmetic",
     "The remainder, with the sign of the dividend; an error when the divisor is 0."},
    {"%", "NUMERIC % NUMERIC", NULL, bind_modulo_float, HIDDEN, "arithmetic",
     "The remainder, with the sign of the dividend."},
    {"MOD", "(INTEGER, INTEGER) -> INTEGER", NULL, bind_modulo_integer, FAILS, "arithmetic",
     "The remainder of a division, with the sign of the dividend and the type of the divisor."},
    {"MOD", "(NUMERIC, NUMERIC) -> NUMERIC", NULL, bind_modulo_float, 0, "arithmetic",
     "The remainder of a division of approximate numbers."},
    {"NEGATE", "- NUMERIC", NULL, bind_negate, HIDDEN, "arithmetic",
     "The number with the other sign; the smallest integer stays as it is."},
    {0},
};

extern const FunctionFamily fn_arithmetic;
const FunctionFamily fn_arithmetic = {functions};
