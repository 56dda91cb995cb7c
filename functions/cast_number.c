/* Casts among numbers and BOOLEAN, as Java makes them.
 *
 * Integers wrap when narrowed. A floating point number becomes the nearest integer towards zero,
 * NaN becomes 0, and what is beyond INT or BIGINT their last value; TINYINT and SMALLINT are then
 * cut from INT. A DECIMAL loses its fraction and wraps. What does not fit a DECIMAL is NULL. */
#include "functions/cast_internal.h"

#include <math.h>

#include "core/decimal.h"

static int32_t i32_of(double value)
{
    if (!(value == value))
        return 0;
    return value >= 2147483647.0 ? INT32_MAX : value <= -2147483648.0 ? INT32_MIN : (int32_t)value;
}

static int64_t i64_of(double value)
{
    if (!(value == value))
        return 0;
    return value >= 9223372036854775807.0    ? INT64_MAX
           : value <= -9223372036854775808.0 ? INT64_MIN
                                             : (int64_t)value;
}

/* From an integer, or BOOLEAN, of tag `from`. */
#define FROM_INTEGER(from, From)                                                                   \
    KERNEL_UNARY(from##_to_i8, From, int8_t, a)                                                    \
    KERNEL_UNARY(from##_to_i16, From, int16_t, a)                                                  \
    KERNEL_UNARY(from##_to_i32, From, int32_t, a)                                                  \
    KERNEL_UNARY(from##_to_i64, From, int64_t, a)                                                  \
    KERNEL_UNARY(from##_to_f32, From, float, a)                                                    \
    KERNEL_UNARY(from##_to_f64, From, double, a)                                                   \
    KERNEL_UNARY(from##_to_bool, From, uint8_t, a != 0)
FROM_INTEGER(bool, uint8_t)
FROM_INTEGER(i8, int8_t)
FROM_INTEGER(i16, int16_t)
FROM_INTEGER(i32, int32_t)
FROM_INTEGER(i64, int64_t)

#define FROM_FLOAT(from, From)                                                                     \
    KERNEL_UNARY(from##_to_i8, From, int8_t, i32_of((double)a))                                    \
    KERNEL_UNARY(from##_to_i16, From, int16_t, i32_of((double)a))                                  \
    KERNEL_UNARY(from##_to_i32, From, int32_t, i32_of((double)a))                                  \
    KERNEL_UNARY(from##_to_i64, From, int64_t, i64_of((double)a))                                  \
    KERNEL_UNARY(from##_to_f32, From, float, a)                                                    \
    KERNEL_UNARY(from##_to_f64, From, double, a)                                                   \
    KERNEL_UNARY(from##_to_bool, From, uint8_t, a != 0)
FROM_FLOAT(f32, float)
FROM_FLOAT(f64, double)

/* From a DECIMAL that is 64 or 128 bits wide. */
#define PLAN ((const CastPlan *)call->data)
#define FROM_DECIMAL(from, From)                                                                   \
    KERNEL_UNARY(from##_to_i8, From, int8_t, a / decimal_power10(PLAN->from_scale))                \
    KERNEL_UNARY(from##_to_i16, From, int16_t, a / decimal_power10(PLAN->from_scale))              \
    KERNEL_UNARY(from##_to_i32, From, int32_t, a / decimal_power10(PLAN->from_scale))              \
    KERNEL_UNARY(from##_to_i64, From, int64_t, a / decimal_power10(PLAN->from_scale))              \
    KERNEL_UNARY(from##_to_f32, From, float, decimal_to_double(a, PLAN->from_scale))               \
    KERNEL_UNARY(from##_to_f64, From, double, decimal_to_double(a, PLAN->from_scale))              \
    KERNEL_UNARY(from##_to_bool, From, uint8_t, a != 0)
FROM_DECIMAL(d64, int64_t)
FROM_DECIMAL(d128, int128_t)

/* To a DECIMAL. The first kernels are for targets with room for every value: no check. */
#define TO_ROOMY(from, From)                                                                       \
    KERNEL_UNARY(from##_to_d64, From, int64_t, (int64_t)a *(int64_t)PLAN->factor)                  \
    KERNEL_UNARY(from##_to_d128, From, int128_t, (int128_t)a * PLAN->factor)
TO_ROOMY(bool, uint8_t)
TO_ROOMY(i8, int8_t)
TO_ROOMY(i16, int16_t)
TO_ROOMY(i32, int32_t)
TO_ROOMY(i64, int64_t)

/* More whole digits and the same scale: only the width changes. */
KERNEL_UNARY(d64_widen_d64, int64_t, int64_t, a)
KERNEL_UNARY(d64_widen_d128, int64_t, int128_t, a)
KERNEL_UNARY(d128_widen_d128, int128_t, int128_t, a)

#define CHECKED_TO_DECIMAL(name, From, Out, convert)                                               \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const CastPlan *const plan = call->data;                                                   \
        const From *const in = call->args[0]->data;                                                \
        Out *const out = call->out->data;                                                          \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const From a = in[vector_index(call->args[0], row)];                                   \
            int128_t value;                                                                        \
            if (convert)                                                                           \
                out[row] = (Out)value;                                                             \
            else                                                                                   \
                kernel_put_null(call, row);                                                        \
        }                                                                                          \
        return true;                                                                               \
    }
#define EXACT                                                                                      \
    decimal_rescale((int128_t)a, plan->from_scale, plan->to_scale, &value) &&                      \
        decimal_fits(value, plan->precision)
#define APPROXIMATE decimal_from_double((double)a, plan->precision, plan->to_scale, &value)
#define CHECKED_EXACT(from, From)                                                                  \
    CHECKED_TO_DECIMAL(from##_checked_d64, From, int64_t, EXACT)                                   \
    CHECKED_TO_DECIMAL(from##_checked_d128, From, int128_t, EXACT)
#define CHECKED_APPROXIMATE(from, From)                                                            \
    CHECKED_TO_DECIMAL(from##_checked_d64, From, int64_t, APPROXIMATE)                             \
    CHECKED_TO_DECIMAL(from##_checked_d128, From, int128_t, APPROXIMATE)
CHECKED_EXACT(bool, uint8_t)
CHECKED_EXACT(i8, int8_t)
CHECKED_EXACT(i16, int16_t)
CHECKED_EXACT(i32, int32_t)
CHECKED_EXACT(i64, int64_t)
CHECKED_EXACT(d64, int64_t)
CHECKED_EXACT(d128, int128_t)
CHECKED_APPROXIMATE(f32, float)
CHECKED_APPROXIMATE(f64, double)

/* Rows of the table: what can be cast from; columns: the physical type cast to. */
typedef enum NumberForm {
    FORM_BOOL,
    FORM_I8,
    FORM_I16,
    FORM_I32,
    FORM_I64,
    FORM_F32,
    FORM_F64,
    FORM_D64,
    FORM_D128,
    FORM_NONE
} NumberForm;

#define NATIVE_ROW(from)                                                                           \
    {                                                                                              \
        [FORM_BOOL] = from##_to_bool, [FORM_I8] = from##_to_i8, [FORM_I16] = from##_to_i16,        \
        [FORM_I32] = from##_to_i32, [FORM_I64] = from##_to_i64, [FORM_F32] = from##_to_f32,        \
        [FORM_F64] = from##_to_f64, [FORM_D64] = from##_checked_d64,                               \
        [FORM_D128] = from##_checked_d128                                                          \
    }
static const ScalarKernel kernels[FORM_NONE][FORM_NONE] = {
    [FORM_BOOL] = NATIVE_ROW(bool), [FORM_I8] = NATIVE_ROW(i8),   [FORM_I16] = NATIVE_ROW(i16),
    [FORM_I32] = NATIVE_ROW(i32),   [FORM_I64] = NATIVE_ROW(i64), [FORM_F32] = NATIVE_ROW(f32),
    [FORM_F64] = NATIVE_ROW(f64),   [FORM_D64] = NATIVE_ROW(d64), [FORM_D128] = NATIVE_ROW(d128),
};
/* [form from][128 bits wide]: without a check. */
static const ScalarKernel roomy[FORM_NONE][2] = {
    [FORM_BOOL] = {bool_to_d64, bool_to_d128}, [FORM_I8] = {i8_to_d64, i8_to_d128},
    [FORM_I16] = {i16_to_d64, i16_to_d128},    [FORM_I32] = {i32_to_d64, i32_to_d128},
    [FORM_I64] = {i64_to_d64, i64_to_d128},    [FORM_D64] = {d64_widen_d64, d64_widen_d128},
    [FORM_D128] = {NULL, d128_widen_d128},
};

static NumberForm form_of(const Type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        return FORM_BOOL;
    case TYPE_TINYINT:
        return FORM_I8;
    case TYPE_SMALLINT:
        return FORM_I16;
    case TYPE_INT:
    case TYPE_INTERVAL_MONTH:
        return FORM_I32;
    case TYPE_BIGINT:
    case TYPE_INTERVAL_SECOND:
        return FORM_I64;
    case TYPE_FLOAT:
        return FORM_F32;
    case TYPE_DOUBLE:
        return FORM_F64;
    case TYPE_DECIMAL:
        return type->physical == PHYSICAL_I64 ? FORM_D64 : FORM_D128;
    default:
        return FORM_NONE;
    }
}

/* Whether every value of `from` fits the DECIMAL `to` as it is. */
static bool is_roomy(const Type *from, const Type *to)
{
    if (from->kind == TYPE_BOOLEAN)
        return to->precision > to->scale;
    if (!type_is_integer(from) && from->kind != TYPE_DECIMAL)
        return false;
    const Type exact = decimal_type_of(from);
    if (from->kind == TYPE_DECIMAL && from->scale != to->scale)
        return false;
    return exact.precision - exact.scale <= to->precision - to->scale;
}

Cast cast_number_find(const Type *from, const Type *to)
{
    const NumberForm source = form_of(from);
    const NumberForm target = form_of(to);
    const bool from_interval =
        from->kind == TYPE_INTERVAL_MONTH || from->kind == TYPE_INTERVAL_SECOND;
    const bool to_interval = to->kind == TYPE_INTERVAL_MONTH || to->kind == TYPE_INTERVAL_SECOND;
    if (source == FORM_NONE || target == FORM_NONE || (from_interval && !type_is_integer(to)) ||
        (to_interval && !type_is_integer(from)))
        return (Cast){0};
    if (to->kind == TYPE_DECIMAL && is_roomy(from, to))
        return (Cast){roomy[source][target == FORM_D128], false, false};
    return (Cast){kernels[source][target], false, to->kind == TYPE_DECIMAL};
}
