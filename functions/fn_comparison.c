/* The operators = <> < <= > >=, IS [NOT] DISTINCT FROM and IS [NOT] NULL.
 *
 * Both sides are brought to their common type first. Flink converts nothing between text and
 * numbers, so that is refused; a text literal beside a point in time is read as one. Text compares
 * bytewise, which for UTF-8 is by code point; NaN equals nothing, as in Java.
 *
 * Cost: one loop per type; equal-length short strings compare as two words. */
#include "functions/kernel_internal.h"

#include "core/decimal.h"

/* The first word of a view is its length and prefix: most unequal strings differ there. */
static inline bool view_equal(StringView a, StringView b)
{
    uint64_t x[2];
    uint64_t y[2];
    memcpy(x, &a, 16);
    memcpy(y, &b, 16);
    if (x[0] != y[0])
        return false;
    return x[1] == y[1] ||
           (a.length > STRING_INLINE_MAX && memcmp(a.pointer, b.pointer, a.length) == 0);
}

#define COMPARED_TYPES(X)                                                                          \
    X(bool, uint8_t)                                                                               \
    X(i8, int8_t)                                                                                  \
    X(i16, int16_t)                                                                                \
    X(i32, int32_t)                                                                                \
    X(i64, int64_t)                                                                                \
    X(i128, int128_t)                                                                              \
    X(f32, float)                                                                                  \
    X(f64, double)

#define COMPARISON_KERNELS(tag, T)                                                                 \
    KERNEL_BINARY(equal_##tag, T, T, uint8_t, a == b)                                              \
    KERNEL_BINARY(unequal_##tag, T, T, uint8_t, a != b)                                            \
    KERNEL_BINARY(less_##tag, T, T, uint8_t, a < b)                                                \
    KERNEL_BINARY(less_equal_##tag, T, T, uint8_t, a <= b)                                         \
    KERNEL_BINARY(greater_##tag, T, T, uint8_t, a > b)                                             \
    KERNEL_BINARY(greater_equal_##tag, T, T, uint8_t, a >= b)
COMPARED_TYPES(COMPARISON_KERNELS)

KERNEL_BINARY(equal_view, StringView, StringView, uint8_t, view_equal(a, b))
KERNEL_BINARY(unequal_view, StringView, StringView, uint8_t, !view_equal(a, b))
KERNEL_BINARY(less_view, StringView, StringView, uint8_t, string_view_compare(&a, &b) < 0)
KERNEL_BINARY(less_equal_view, StringView, StringView, uint8_t, string_view_compare(&a, &b) <= 0)
KERNEL_BINARY(greater_view, StringView, StringView, uint8_t, string_view_compare(&a, &b) > 0)
KERNEL_BINARY(greater_equal_view, StringView, StringView, uint8_t, string_view_compare(&a, &b) >= 0)

/* Nested values, through the one comparison of core. */
#define NESTED_KERNEL(name, expression)                                                            \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        (void)error;                                                                               \
        uint8_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            out[row] = expression;                                                                 \
        }                                                                                          \
        return true;                                                                               \
    }
NESTED_KERNEL(equal_nested, vector_values_equal(call->args[0], row, call->args[1], row))
NESTED_KERNEL(unequal_nested, !vector_values_equal(call->args[0], row, call->args[1], row))

/* DECIMALs whose common type would need more than 38 digits: whole parts, then fractions brought to
 * the same scale. */
typedef struct DecimalScales {
    uint32_t left;
    uint32_t right;
} DecimalScales;

static int compare_wide(int128_t a, int128_t b, const DecimalScales *scales)
{
    const int128_t a_unit = decimal_power10(scales->left);
    const int128_t b_unit = decimal_power10(scales->right);
    const int128_t a_whole = a / a_unit;
    const int128_t b_whole = b / b_unit;
    if (a_whole != b_whole)
        return a_whole < b_whole ? -1 : 1;
    const uint32_t scale = scales->left > scales->right ? scales->left : scales->right;
    const int128_t a_part = a % a_unit * decimal_power10(scale - scales->left);
    const int128_t b_part = b % b_unit * decimal_power10(scale - scales->right);
    return a_part < b_part ? -1 : a_part > b_part;
}

KERNEL_BINARY(equal_wide, int128_t, int128_t, uint8_t, compare_wide(a, b, call->data) == 0)
KERNEL_BINARY(unequal_wide, int128_t, int128_t, uint8_t, compare_wide(a, b, call->data) != 0)
KERNEL_BINARY(less_wide, int128_t, int128_t, uint8_t, compare_wide(a, b, call->data) < 0)
KERNEL_BINARY(less_equal_wide, int128_t, int128_t, uint8_t, compare_wide(a, b, call->data) <= 0)
KERNEL_BINARY(greater_wide, int128_t, int128_t, uint8_t, compare_wide(a, b, call->data) > 0)
KERNEL_BINARY(greater_equal_wide, int128_t, int128_t, uint8_t, compare_wide(a, b, call->data) >= 0)

typedef struct ComparisonKernels {
    ScalarKernel of[PHYSICAL_ROW + 1];
    ScalarKernel wide;
} ComparisonKernels;

#define KERNELS_OF(operation)                                                                      \
    [PHYSICAL_BOOL] = operation##_bool, [PHYSICAL_I8] = operation##_i8,                            \
    [PHYSICAL_I16] = operation##_i16, [PHYSICAL_I32] = operation##_i32,                            \
    [PHYSICAL_I64] = operation##_i64, [PHYSICAL_I128] = operation##_i128,                          \
    [PHYSICAL_F32] = operation##_f32, [PHYSICAL_F64] = operation##_f64,                            \
    [PHYSICAL_STRING] = operation##_view
static const ComparisonKernels equal_kernels = {
    {KERNELS_OF(equal), [PHYSICAL_LIST] = equal_nested, [PHYSICAL_ROW] = equal_nested}, equal_wide};
static const ComparisonKernels unequal_kernels = {
    {KERNELS_OF(unequal), [PHYSICAL_LIST] = unequal_nested, [PHYSICAL_ROW] = unequal_nested},
    unequal_wide};
static const ComparisonKernels less_kernels = {{KERNELS_OF(less)}, less_wide};
static const ComparisonKernels less_equal_kernels = {{KERNELS_OF(less_equal)}, less_equal_wide};
static const ComparisonKernels greater_kernels = {{KERNELS_OF(greater)}, greater_wide};
static const ComparisonKernels greater_equal_kernels = {{KERNELS_OF(greater_equal)},
                                                        greater_equal_wide};

static bool is_point(const Type *type)
{
    return type->kind >= TYPE_DATE && type->kind <= TYPE_TIMESTAMP_LTZ;
}

/* Text that a user wrote beside a point in time: read now, so that a mistake shows now. */
static const Type *common_with_literal(const FunctionSite *site, uint32_t text, Error *error)
{
    const Type *point = site->argument_types[1 - text];
    Str literal;
    if (!bind_literal_text(site, text, &literal)) {
        error_set(error, ERROR_TYPE, "implicit type conversion between %s is not supported",
                  bind_arguments_text(site));
        error_hint(error, "Convert the text with CAST(… AS %s).",
                   type_text(site->arena, type_with_nullable(site->arena, point, true)));
        return NULL;
    }
    if (bind_literal_as(site, text, point) != NULL)
        return point;
    error_set(error, ERROR_TYPE, "\"%.*s\" is not a %s", (int)u64_min(literal.length, 100),
              literal.data, type_text(site->arena, type_with_nullable(site->arena, point, true)));
    error_hint(error, "Write it as DATE 'YYYY-MM-DD', TIME 'HH:MM:SS' or "
                      "TIMESTAMP 'YYYY-MM-DD HH:MM:SS'.");
    return NULL;
}

/* The type both sides are compared in; NULL with an error when there is none. */
static const Type *comparison_type(const ScalarFunction *function, const FunctionSite *site,
                                   Error *error)
{
    const Type *a = site->argument_types[0];
    const Type *b = site->argument_types[1];
    const Type *common = type_common(site->arena, a, b);
    if (common != NULL)
        return common;
    if (type_is_string(a) && is_point(b))
        return common_with_literal(site, 0, error);
    if (is_point(a) && type_is_string(b))
        return common_with_literal(site, 1, error);
    error_set(error, ERROR_TYPE, "implicit type conversion between %s and %s is not supported",
              type_text(site->arena, a), type_text(site->arena, b));
    error_hint(error, "Convert one side of \"%s\" with CAST(… AS …).", function->name);
    return NULL;
}

/* Both exact numbers with more digits in common than a DECIMAL has. */
static bool bind_wide(const FunctionSite *site, const Type **types, ScalarKernel kernel,
                      BoundFunction *out)
{
    if (!type_is_numeric(types[0]) || !type_is_numeric(types[1]) ||
        (types[0]->kind != TYPE_DECIMAL && types[1]->kind != TYPE_DECIMAL))
        return false;
    const Type a = decimal_type_of(types[0]);
    const Type b = decimal_type_of(types[1]);
    if (a.kind != TYPE_DECIMAL || b.kind != TYPE_DECIMAL)
        return false;
    const int scale = a.scale > b.scale ? a.scale : b.scale;
    const int a_digits = a.precision - a.scale;
    const int b_digits = b.precision - b.scale;
    if ((a_digits > b_digits ? a_digits : b_digits) + scale <= DECIMAL_PRECISION_MAX)
        return false;
    DecimalScales *scales = arena_new_one(site->arena, DecimalScales);
    *scales = (DecimalScales){a.scale, b.scale};
    types[0] = type_new(site->arena, TYPE_DECIMAL, true, DECIMAL_PRECISION_MAX, a.scale);
    types[1] = type_new(site->arena, TYPE_DECIMAL, true, DECIMAL_PRECISION_MAX, b.scale);
    out->data = scales;
    out->kernel = kernel;
    return true;
}

static bool bind_comparison(const ScalarFunction *function, const FunctionSite *site,
                            const ComparisonKernels *kernels, BoundFunction *out, Error *error)
{
    if (site->argument_count != 2)
        return false;
    const Type **types = bind_begin(site, function, &type_null, out);
    out->result = &type_boolean;
    if (bind_wide(site, types, kernels->wide, out))
        return true;
    const Type *common = comparison_type(function, site, error);
    if (common == NULL)
        return false;
    out->kernel = kernels->of[common->physical];
    if (out->kernel == NULL) {
        error_set(error, ERROR_TYPE, "values of type %s have no order",
                  type_text(site->arena, common));
        return error_hint(error, "They can be compared with = and <> only.");
    }
    for (uint32_t i = 0; i < 2; i++) {
        const bool as_it_is =
            types[i]->physical == PHYSICAL_STRING && common->physical == PHYSICAL_STRING;
        if (!as_it_is)
            types[i] = common;
    }
    return true;
}

#define COMPARISON_BINDER(operation)                                                               \
    static bool bind_##operation(const ScalarFunction *function, const FunctionSite *site,         \
                                 BoundFunction *out, Error *error)                                 \
    {                                                                                              \
        return bind_comparison(function, site, &operation##_kernels, out, error);                  \
    }
COMPARISON_BINDER(equal)
COMPARISON_BINDER(unequal)
COMPARISON_BINDER(less)
COMPARISON_BINDER(less_equal)
COMPARISON_BINDER(greater)
COMPARISON_BINDER(greater_equal)

/* NULL-safe equality: the plain kernel over all rows, then the rows where a side is NULL. The plain
 * kernels of = cannot fail, and the data behind a NULL is a valid value. */
static bool distinct_run(KernelCall *call, bool distinct, Error *error)
{
    const BoundFunction *equal = call->data;
    KernelCall inner = *call;
    inner.data = equal->data;
    if (!equal->kernel(&inner, error))
        return false;
    uint8_t *const out = call->out->data;
    const Vector *const a = call->args[0];
    const Vector *const b = call->args[1];
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const bool a_null = vector_is_null(a, row);
        const bool b_null = vector_is_null(b, row);
        const bool same = a_null || b_null ? a_null && b_null : out[row] != 0;
        out[row] = same != distinct;
    }
    return true;
}

static bool is_distinct(KernelCall *call, Error *error)
{
    return distinct_run(call, true, error);
}

static bool is_not_distinct(KernelCall *call, Error *error)
{
    return distinct_run(call, false, error);
}

static bool bind_distinctness(const ScalarFunction *function, const FunctionSite *site,
                              ScalarKernel kernel, BoundFunction *out, Error *error)
{
    BoundFunction *equal = arena_new_one(site->arena, BoundFunction);
    if (!bind_comparison(function, site, &equal_kernels, equal, error))
        return false;
    *out = *equal;
    out->kernel = kernel;
    out->data = equal;
    out->result = type_with_nullable(site->arena, &type_boolean, false);
    return true;
}

static bool bind_distinct(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_distinctness(function, site, is_distinct, out, error);
}

static bool bind_not_distinct(const ScalarFunction *function, const FunctionSite *site,
                              BoundFunction *out, Error *error)
{
    return bind_distinctness(function, site, is_not_distinct, out, error);
}

static bool is_null(KernelCall *call, Error *error)
{
    uint8_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        out[row] = vector_is_null(call->args[0], row);
    }
    return true;
}

static bool is_not_null(KernelCall *call, Error *error)
{
    uint8_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        out[row] = !vector_is_null(call->args[0], row);
    }
    return true;
}

static bool bind_null_test(const ScalarFunction *function, const FunctionSite *site,
                           ScalarKernel kernel, BoundFunction *out)
{
    if (site->argument_count != 1)
        return false;
    bind_begin(site, function, &type_null, out);
    out->result = type_with_nullable(site->arena, &type_boolean, false);
    out->kernel = kernel;
    return true;
}

static bool bind_is_null(const ScalarFunction *function, const FunctionSite *site,
                         BoundFunction *out, Error *error)
{
    return bind_null_test(function, site, is_null, out);
}

static bool bind_is_not_null(const ScalarFunction *function, const FunctionSite *site,
                             BoundFunction *out, Error *error)
{
    return bind_null_test(function, site, is_not_null, out);
}

#define AWARE (FUNCTION_HIDDEN | FUNCTION_NULL_AWARE)
static const ScalarFunction functions[] = {
    {"=", "COMMON = COMMON", NULL, bind_equal, FUNCTION_HIDDEN, "comparison",
     "Whether both values are equal."},
    {"<>", "COMMON <> COMMON", NULL, bind_unequal, FUNCTION_HIDDEN, "comparison",
     "Whether the values differ."},
    {"<", "COMMON < COMMON", NULL, bind_less, FUNCTION_HIDDEN, "comparison",
     "Whether the first value is less."},
    {"<=", "COMMON <= COMMON", NULL, bind_less_equal, FUNCTION_HIDDEN, "comparison",
     "Whether the first value is less or equal."},
    {">", "COMMON > COMMON", NULL, bind_greater, FUNCTION_HIDDEN, "comparison",
     "Whether the first value is greater."},
    {">=", "COMMON >= COMMON", NULL, bind_greater_equal, FUNCTION_HIDDEN, "comparison",
     "Whether the first value is greater or equal."},
    {"IS DISTINCT FROM", "COMMON IS DISTINCT FROM COMMON", NULL, bind_distinct, AWARE, "comparison",
     "Whether the values differ, where NULL equals NULL."},
    {"IS NOT DISTINCT FROM", "COMMON IS NOT DISTINCT FROM COMMON", NULL, bind_not_distinct, AWARE,
     "comparison", "Whether the values are equal, where NULL equals NULL."},
    {"IS NULL", "ANY IS NULL", NULL, bind_is_null, AWARE, "comparison",
     "Whether there is no value."},
    {"IS NOT NULL", "ANY IS NOT NULL", NULL, bind_is_not_null, AWARE, "comparison",
     "Whether there is a value."},
    {0},
};

extern const FunctionFamily fn_comparison;
const FunctionFamily fn_comparison = {functions};
