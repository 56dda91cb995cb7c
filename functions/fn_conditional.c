/* IF, COALESCE, IFNULL, NULLIF, GREATEST, LEAST, ELT and TYPEOF.
 *
 * The planner turns calls of the first four into CASE and COALESCE nodes, so that an arm is
 * computed only for the rows that take it; the kernels here serve whoever binds them directly. */
#include "functions/kernel_internal.h"

static void copy_value(KernelCall *call, uint32_t row, const Vector *from)
{
    vector_copy_value(call->out, row, from, vector_index(from, row), call->arena, true);
}

static bool if_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const bool taken = !vector_is_null(call->args[0], row) && kernel_bool(call, 0, row);
        copy_value(call, row, call->args[taken ? 1 : 2]);
    }
    return true;
}

/* COALESCE and IFNULL: the first value there is. */
static bool coalesce_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        uint32_t k = 0;
        while (k + 1 < call->arg_count && vector_is_null(call->args[k], row))
            k++;
        copy_value(call, row, call->args[k]);
    }
    return true;
}

static bool nullif_kernel(KernelCall *call, Error *error)
{
    const Vector *const a = call->args[0];
    const Vector *const b = call->args[1];
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const bool same = !vector_is_null(a, row) && !vector_is_null(b, row) &&
                          vector_values_equal(a, vector_index(a, row), b, vector_index(b, row));
        if (same)
            kernel_put_null(call, row);
        else
            copy_value(call, row, a);
    }
    return true;
}

static bool bind_if(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                    Error *error)
{
    if (!signature_bind(function->signature, site, function, out))
        return false;
    const bool nullable = site->argument_types[1]->nullable || site->argument_types[2]->nullable;
    out->result = type_with_nullable(site->arena, out->result, nullable);
    out->kernel = if_kernel;
    return true;
}

static bool bind_coalesce(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    if (!signature_bind(function->signature, site, function, out))
        return false;
    bool nullable = true;
    for (uint32_t i = 0; i < site->argument_count; i++)
        nullable = nullable && (site->argument_types[i]->nullable ||
                                site->argument_types[i]->kind == TYPE_NULL);
    out->result = type_with_nullable(site->arena, out->result, nullable);
    out->kernel = coalesce_kernel;
    return true;
}

static bool bind_nullif(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (!signature_bind(function->signature, site, function, out))
        return false;
    out->result = type_with_nullable(site->arena, out->result, true);
    out->kernel = nullif_kernel;
    return true;
}

#define ORDERED_TYPES(X)                                                                           \
    X(bool, uint8_t)                                                                               \
    X(i8, int8_t)                                                                                  \
    X(i16, int16_t)                                                                                \
    X(i32, int32_t)                                                                                \
    X(i64, int64_t)                                                                                \
    X(i128, int128_t)                                                                              \
    X(f32, float)                                                                                  \
    X(f64, double)

#define EXTREME_KERNEL(name, T, condition)                                                         \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            T best = ((const T *)call->args[0]->data)[vector_index(call->args[0], row)];           \
            for (uint32_t k = 1; k < call->arg_count; k++) {                                       \
                const Vector *const arg = call->args[k];                                           \
                const T next = ((const T *)arg->data)[vector_index(arg, row)];                     \
                best = (condition) ? next : best;                                                  \
            }                                                                                      \
            out[row] = best;                                                                       \
        }                                                                                          \
        return true;                                                                               \
    }
#define EXTREME_KERNELS(tag, T)                                                                    \
    EXTREME_KERNEL(greatest_##tag, T, next > best)                                                 \
    EXTREME_KERNEL(least_##tag, T, next < best)
ORDERED_TYPES(EXTREME_KERNELS)
EXTREME_KERNEL(greatest_view, StringView, string_view_compare(&next, &best) > 0)
EXTREME_KERNEL(least_view, StringView, string_view_compare(&next, &best) < 0)

#define KERNELS_OF(operation)                                                                      \
    {                                                                                              \
        [PHYSICAL_BOOL] = operation##_bool, [PHYSICAL_I8] = operation##_i8,                        \
        [PHYSICAL_I16] = operation##_i16, [PHYSICAL_I32] = operation##_i32,                        \
        [PHYSICAL_I64] = operation##_i64, [PHYSICAL_I128] = operation##_i128,                      \
        [PHYSICAL_F32] = operation##_f32, [PHYSICAL_F64] = operation##_f64,                        \
        [PHYSICAL_STRING] = operation##_view                                                       \
    }
static const ScalarKernel greatest_kernels[PHYSICAL_ROW + 1] = KERNELS_OF(greatest);
static const ScalarKernel least_kernels[PHYSICAL_ROW + 1] = KERNELS_OF(least);

static bool bind_extreme(const ScalarFunction *function, const FunctionSite *site,
                         const ScalarKernel *kernels, BoundFunction *out)
{
    if (!signature_bind(function->signature, site, function, out))
        return false;
    out->kernel = kernels[out->result->physical];
    return out->kernel != NULL;
}

static bool bind_greatest(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    return bind_extreme(function, site, greatest_kernels, out);
}

static bool bind_least(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    return bind_extreme(function, site, least_kernels, out);
}

/* The text of a number: only the one that is chosen may not be NULL. */
static bool elt_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const int64_t index = vector_is_null(call->args[0], row) ? 0 : kernel_i64(call, 0, row);
        if (index < 1 || index >= (int64_t)call->arg_count ||
            vector_is_null(call->args[index], row)) {
            kernel_put_null(call, row);
            continue;
        }
        vector_set_valid(call->out, row);
        kernel_put_str(call, row, kernel_str(call, (uint32_t)index, row));
    }
    return true;
}

/* What the argument's type is called was known when the call was bound. */
static bool typeof_kernel(KernelCall *call, Error *error)
{
    const Str *name = call->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        vector_set_valid(call->out, row);
        kernel_put_str(call, row, *name);
    }
    return true;
}

static bool bind_typeof(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (site->argument_count != 1)
        return false;
    bind_begin(site, function, &type_string, out);
    Buffer text = {0};
    type_print(site->argument_types[0], &text);
    Str *name = arena_new_one(site->arena, Str);
    *name = (Str){arena_strdup(site->arena, buffer_text(&text)), text.length};
    buffer_deinit(&text);
    out->result = type_with_nullable(site->arena, &type_string, false);
    out->kernel = typeof_kernel;
    out->data = name;
    return true;
}

static const ScalarFunction functions[] = {
    {"IF", "(BOOLEAN, COMMON, COMMON) -> COMMON", NULL, bind_if, FUNCTION_NULL_AWARE, "conditional",
     "The second argument where the first is TRUE, else the third."},
    {"COALESCE", "(COMMON...) -> COMMON", NULL, bind_coalesce, FUNCTION_NULL_AWARE, "conditional",
     "The first argument that is not NULL."},
    {"IFNULL", "(COMMON, COMMON) -> COMMON", NULL, bind_coalesce, FUNCTION_NULL_AWARE,
     "conditional", "The first argument, or the second where the first is NULL."},
    {"NULLIF", "(COMMON, COMMON) -> COMMON", NULL, bind_nullif, FUNCTION_NULL_AWARE, "conditional",
     "NULL where both arguments are equal, else the first."},
    {"GREATEST", "(COMMON...) -> COMMON", NULL, bind_greatest, 0, "conditional",
     "The greatest argument; NULL if any is NULL."},
    {"LEAST", "(COMMON...) -> COMMON", NULL, bind_least, 0, "conditional",
     "The least argument; NULL if any is NULL."},
    {"ELT", "(BIGINT, STRING...) -> STRING", elt_kernel, NULL,
     FUNCTION_NULL_AWARE | FUNCTION_NULLABLE_RESULT, "string",
     "The text of that number, the first is 1; NULL when there is none."},
    {"TYPEOF", "(ANY) -> STRING", NULL, bind_typeof, FUNCTION_NULL_AWARE, "conversion",
     "The type of the argument, as CREATE TABLE writes it."},
    {0},
};

extern const FunctionFamily fn_conditional;
const FunctionFamily fn_conditional = {functions};
