/* The operators + - * / % on DECIMAL, also DECIMAL with integers.
 *
 * Result types are Flink's; a result that does not fit its precision is NULL. An operand is read as
 * it lies in memory, 64 or 128 bits wide, so that no cast to a common scale runs before.
 *
 * Cost: up to 18 digits everything is 64-bit arithmetic without any check, since the result type
 * leaves room; wider sums and products are checked only where the type cannot hold them all. */
#include "functions/kernel_internal.h"

#include "core/decimal.h"

/* What a kernel needs to know of the scales. */
typedef struct DecimalPlan {
    uint32_t left_scale;
    uint32_t right_scale;
    uint32_t scale;       /* of the result */
    uint32_t precision;   /* of the result */
    int128_t left_factor; /* bring both operands to the larger scale */
    int128_t right_factor;
    int64_t left_factor_64; /* the same for sums that fit 64 bits */
    int64_t right_factor_64;
} DecimalPlan;

#define PLAN ((const DecimalPlan *)call->data)

KERNEL_BINARY(add_64, int64_t, int64_t, int64_t,
              a * PLAN->left_factor_64 + b * PLAN->right_factor_64)
KERNEL_BINARY(subtract_64, int64_t, int64_t, int64_t,
              a * PLAN->left_factor_64 - b * PLAN->right_factor_64)
KERNEL_BINARY(multiply_64, int64_t, int64_t, int64_t, a *b)
/* Precisions up to 38 that the result type does hold: no check. */
KERNEL_BINARY(add_128, int64_t, int64_t, int128_t,
              (int128_t)a * PLAN->left_factor + (int128_t)b * PLAN->right_factor)
KERNEL_BINARY(subtract_128, int64_t, int64_t, int128_t,
              (int128_t)a * PLAN->left_factor - (int128_t)b * PLAN->right_factor)
KERNEL_BINARY(multiply_128, int64_t, int64_t, int128_t, (int128_t)a *b)
KERNEL_BINARY(multiply_128_64, int128_t, int64_t, int128_t, a *b)
KERNEL_BINARY(multiply_64_128, int64_t, int128_t, int128_t, a *b)
KERNEL_BINARY(multiply_128_128, int128_t, int128_t, int128_t, a *b)
KERNEL_UNARY(negate_64, int64_t, int64_t, -a)
KERNEL_UNARY(negate_128, int128_t, int128_t, -a)

static bool add_checked(int128_t a, int128_t b, const DecimalPlan *plan, int128_t *out)
{
    int128_t x;
    int128_t y;
    int128_t sum;
    if (__builtin_mul_overflow(a, plan->left_factor, &x) ||
        __builtin_mul_overflow(b, plan->right_factor, &y) || __builtin_add_overflow(x, y, &sum))
        return false;
    const uint32_t scale =
        plan->left_scale > plan->right_scale ? plan->left_scale : plan->right_scale;
    if (scale == plan->scale) {
        *out = sum;
        return true;
    }
    return decimal_rescale(sum, scale, plan->scale, out);
}

static bool subtract_checked(int128_t a, int128_t b, const DecimalPlan *plan, int128_t *out)
{
    return add_checked(a, -b, plan, out);
}

static bool multiply_checked(int128_t a, int128_t b, const DecimalPlan *plan, int128_t *out)
{
    return decimal_multiply(a, plan->left_scale, b, plan->right_scale, plan->scale, out);
}

static bool divide_checked(int128_t a, int128_t b, const DecimalPlan *plan, int128_t *out)
{
    return decimal_divide(a, plan->left_scale, b, plan->right_scale, plan->scale, out);
}

/* (a + b) mod divisor for a, b below it: 2 × 10^38 fits 128 bits without sign. */
static uint128_t add_modulo(uint128_t a, uint128_t b, uint128_t divisor)
{
    const uint128_t sum = a + b;
    return sum >= divisor ? sum - divisor : sum;
}

/* The remainder at the larger scale, built digit by digit so that it needs no more width than the
 * divisor; a divisor that leaves 128 bits is beyond every dividend. */
static bool modulo_checked(int128_t a, int128_t b, const DecimalPlan *plan, int128_t *out)
{
    int128_t scaled;
    if (__builtin_mul_overflow(b, plan->right_factor, &scaled)) {
        *out = a;
        return true;
    }
    const uint128_t divisor = scaled < 0 ? (uint128_t)-scaled : (uint128_t)scaled;
    uint128_t rest = (a < 0 ? (uint128_t)-a : (uint128_t)a) % divisor;
    for (uint32_t scale = plan->left_scale; scale < plan->right_scale; scale++) {
        const uint128_t twice = add_modulo(rest, rest, divisor);
        const uint128_t four = add_modulo(twice, twice, divisor);
        rest = add_modulo(add_modulo(four, four, divisor), twice, divisor);
    }
    *out = a < 0 ? -(int128_t)rest : (int128_t)rest;
    return true;
}

/* The general loop: any widths, checked, overflow is NULL, a zero divisor an error if asked for. */
#define CHECKED_KERNEL(name, Left, Right, Out, compute, refuse_zero)                               \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const DecimalPlan *const plan = call->data;                                                \
        const Left *const left = call->args[0]->data;                                              \
        const Right *const right = call->args[1]->data;                                            \
        Out *const out = call->out->data;                                                          \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const int128_t a = left[vector_index(call->args[0], row)];                             \
            const int128_t b = right[vector_index(call->args[1], row)];                            \
            if (refuse_zero && b == 0)                                                             \
                return kernel_fail(call, row, error, ERROR_DATA, "division by zero");              \
            int128_t result;                                                                       \
            if (compute(a, b, plan, &result) && decimal_fits(result, plan->precision))             \
                out[row] = (Out)result;                                                            \
            else                                                                                   \
                kernel_put_null(call, row);                                                        \
        }                                                                                          \
        return true;                                                                               \
    }
#define CHECKED_KERNELS(operation, refuse_zero)                                                    \
    CHECKED_KERNEL(operation##_64_64_64, int64_t, int64_t, int64_t, operation##_checked,           \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_128_64_64, int128_t, int64_t, int64_t, operation##_checked,         \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_64_128_64, int64_t, int128_t, int64_t, operation##_checked,         \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_128_128_64, int128_t, int128_t, int64_t, operation##_checked,       \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_64_64_128, int64_t, int64_t, int128_t, operation##_checked,         \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_128_64_128, int128_t, int64_t, int128_t, operation##_checked,       \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_64_128_128, int64_t, int128_t, int128_t, operation##_checked,       \
                   refuse_zero)                                                                    \
    CHECKED_KERNEL(operation##_128_128_128, int128_t, int128_t, int128_t, operation##_checked,     \
                   refuse_zero)
CHECKED_KERNELS(add, false)
CHECKED_KERNELS(subtract, false)
CHECKED_KERNELS(multiply, false)
CHECKED_KERNELS(divide, true)
CHECKED_KERNELS(modulo, true)

/* [out is 128][right is 128][left is 128] */
typedef ScalarKernel KernelCube[2][2][2];
#define CUBE_OF(operation)                                                                         \
    {                                                                                              \
        {{operation##_64_64_64, operation##_128_64_64},                                            \
         {operation##_64_128_64, operation##_128_128_64}},                                         \
            {{operation##_64_64_128, operation##_128_64_128},                                      \
             {operation##_64_128_128, operation##_128_128_128}},                                   \
    }
static const KernelCube add_cube = CUBE_OF(add);
static const KernelCube subtract_cube = CUBE_OF(subtract);
static const KernelCube multiply_cube = CUBE_OF(multiply);
static const KernelCube divide_cube = CUBE_OF(divide);
static const KernelCube modulo_cube = CUBE_OF(modulo);

/* The operands of one call: as DECIMAL for the result type, as they lie in memory for the kernel.
 */
typedef struct Operands {
    Type left;
    Type right;
    bool left_wide;
    bool right_wide;
} Operands;

static const Type *operand(const FunctionSite *site, uint32_t i)
{
    const Type *type = site->argument_types[i];
    return type->kind == TYPE_NULL ? site->argument_types[1 - i] : type;
}

/* Integers narrower than 64 bits are cast to BIGINT; their DECIMAL type stays the narrower one. */
static bool operands_bind(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Operands *operands)
{
    if (site->argument_count != 2)
        return false;
    const Type *left = operand(site, 0);
    const Type *right = operand(site, 1);
    const bool exact = (left->kind == TYPE_DECIMAL || type_is_integer(left)) &&
                       (right->kind == TYPE_DECIMAL || type_is_integer(right));
    if (!exact || (left->kind != TYPE_DECIMAL && right->kind != TYPE_DECIMAL))
        return false;
    const Type **types = bind_begin(site, function, &type_null, out);
    types[0] = left->kind == TYPE_DECIMAL ? left : &type_bigint;
    types[1] = right->kind == TYPE_DECIMAL ? right : &type_bigint;
    operands->left = decimal_type_of(left);
    operands->right = decimal_type_of(right);
    operands->left_wide = types[0]->physical == PHYSICAL_I128;
    operands->right_wide = types[1]->physical == PHYSICAL_I128;
    return true;
}

static DecimalPlan *plan_new(const FunctionSite *site, const Operands *operands,
                             const BoundFunction *bound)
{
    DecimalPlan *plan = arena_new_one(site->arena, DecimalPlan);
    plan->left_scale = operands->left.scale;
    plan->right_scale = operands->right.scale;
    plan->scale = bound->result->scale;
    plan->precision = bound->result->precision;
    const uint32_t scale =
        plan->left_scale > plan->right_scale ? plan->left_scale : plan->right_scale;
    plan->left_factor = decimal_power10(scale - plan->left_scale);
    plan->right_factor = decimal_power10(scale - plan->right_scale);
    if (scale <= DECIMAL_PRECISION_I64) {
        plan->left_factor_64 = (int64_t)plan->left_factor;
        plan->right_factor_64 = (int64_t)plan->right_factor;
    }
    return plan;
}

static ScalarKernel cube_at(const KernelCube cube, const Operands *operands,
                            const BoundFunction *bound)
{
    return cube[bound->result->physical == PHYSICAL_I128][operands->right_wide]
               [operands->left_wide];
}

static int32_t max_i32(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

static int32_t min_i32(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static bool bind_sum(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     ScalarKernel narrow, ScalarKernel wide, const KernelCube cube)
{
    Operands o;
    if (!operands_bind(function, site, out, &o))
        return false;
    const int32_t scale = max_i32(o.left.scale, o.right.scale);
    const int32_t precision =
        max_i32(o.left.precision - o.left.scale, o.right.precision - o.right.scale) + scale + 1;
    out->result = decimal_type_adjusted(site->arena, precision, scale);
    out->data = plan_new(site, &o, out);
    if (o.left_wide || o.right_wide || precision > DECIMAL_PRECISION_MAX)
        out->kernel = cube_at(cube, &o, out);
    else
        out->kernel = precision <= DECIMAL_PRECISION_I64 ? narrow : wide;
    return true;
}

static bool bind_add(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    return bind_sum(function, site, out, add_64, add_128, add_cube);
}

static bool bind_subtract(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_sum(function, site, out, subtract_64, subtract_128, subtract_cube);
}

static bool bind_multiply(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    static const ScalarKernel unchecked[2][2] = {{multiply_128, multiply_128_64},
                                                 {multiply_64_128, multiply_128_128}};
    Operands o;
    if (!operands_bind(function, site, out, &o))
        return false;
    const int32_t precision = o.left.precision + o.right.precision + 1;
    out->result = decimal_type_adjusted(site->arena, precision, o.left.scale + o.right.scale);
    out->data = plan_new(site, &o, out);
    if (precision > DECIMAL_PRECISION_MAX)
        out->kernel = cube_at(multiply_cube, &o, out);
    else if (precision <= DECIMAL_PRECISION_I64)
        out->kernel = multiply_64;
    else
        out->kernel = unchecked[o.right_wide][o.left_wide];
    return true;
}

static bool bind_divide(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    Operands o;
    if (!operands_bind(function, site, out, &o))
        return false;
    const int32_t scale = max_i32(6, o.left.scale + o.right.precision + 1);
    const int32_t precision = o.left.precision - o.left.scale + o.right.scale + scale;
    out->result = decimal_type_adjusted(site->arena, precision, scale);
    out->data = plan_new(site, &o, out);
    out->kernel = cube_at(divide_cube, &o, out);
    return true;
}

static bool bind_modulo(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    Operands o;
    if (!operands_bind(function, site, out, &o))
        return false;
    const int32_t scale = max_i32(o.left.scale, o.right.scale);
    const int32_t precision =
        min_i32(o.left.precision - o.left.scale, o.right.precision - o.right.scale) + scale;
    if (scale == 0 && operand(site, 1)->kind == TYPE_DECIMAL)
        out->result = operand(site, 1);
    else if (scale == 0)
        out->result = type_new(site->arena, TYPE_DECIMAL, true, o.right.precision, 0);
    else
        out->result = decimal_type_adjusted(site->arena, max_i32(precision, 1), scale);
    out->data = plan_new(site, &o, out);
    out->kernel = cube_at(modulo_cube, &o, out);
    return true;
}

static bool bind_negate(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (site->argument_count != 1 || site->argument_types[0]->kind != TYPE_DECIMAL)
        return false;
    bind_begin(site, function, &type_null, out);
    out->result = site->argument_types[0];
    out->kernel = out->result->physical == PHYSICAL_I64 ? negate_64 : negate_128;
    return true;
}

/* NULL on overflow, so the result is nullable though no argument is. */
#define SUM   (FUNCTION_HIDDEN | FUNCTION_NULLABLE_RESULT)
#define RATIO (FUNCTION_HIDDEN | FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL)
static const ScalarFunction functions[] = {
    {"+", "DECIMAL + DECIMAL", NULL, bind_add, SUM, "arithmetic",
     "The exact sum; NULL when it does not fit 38 digits."},
    {"-", "DECIMAL - DECIMAL", NULL, bind_subtract, SUM, "arithmetic",
     "The exact difference; NULL when it does not fit 38 digits."},
    {"*", "DECIMAL * DECIMAL", NULL, bind_multiply, SUM, "arithmetic",
     "The product, rounded half up where the scale is cut; NULL when it does not fit 38 digits."},
    {"/", "DECIMAL / DECIMAL", NULL, bind_divide, RATIO, "arithmetic",
     "The quotient, rounded half up; an error when the divisor is 0."},
    {"%", "DECIMAL % DECIMAL", NULL, bind_modulo, RATIO, "arithmetic",
     "The remainder, with the sign of the dividend; an error when the divisor is 0."},
    {"MOD", "(DECIMAL, DECIMAL) -> DECIMAL", NULL, bind_modulo,
     FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL, "arithmetic",
     "The remainder of an exact division, with the sign of the dividend."},
    {"NEGATE", "- DECIMAL", NULL, bind_negate, FUNCTION_HIDDEN, "arithmetic",
     "The number with the other sign."},
    {0},
};

extern const FunctionFamily fn_decimal;
const FunctionFamily fn_decimal = {functions};
