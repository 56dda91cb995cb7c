/* x IN (v1, v2, …) with NULL as SQL has it: no match in a list with a NULL is NULL.
 *
 * A list of literals is prepared when the call is bound: sorted, so that a lookup is a binary
 * search, and a plain scan up to eight values. Other lists are compared value by value.
 * Cost: log2 of the list per row. */
#include "functions/kernel_internal.h"

#include <stdlib.h>

#define SCAN_MAX 8

typedef struct InList {
    const void *values; /* sorted, of the physical type */
    uint32_t count;
    bool has_null;
} InList;

#define LISTED_TYPES(X)                                                                            \
    X(bool, uint8_t)                                                                               \
    X(i8, int8_t)                                                                                  \
    X(i16, int16_t)                                                                                \
    X(i32, int32_t)                                                                                \
    X(i64, int64_t)                                                                                \
    X(i128, int128_t)                                                                              \
    X(f32, float)                                                                                  \
    X(f64, double)

#define ORDER_OF(tag, T)                                                                           \
    static int compare_##tag(const void *left, const void *right)                                  \
    {                                                                                              \
        T a;                                                                                       \
        T b;                                                                                       \
        memcpy(&a, left, sizeof(T));                                                               \
        memcpy(&b, right, sizeof(T));                                                              \
        return a < b ? -1 : a > b;                                                                 \
    }
LISTED_TYPES(ORDER_OF)

static int compare_view(const void *left, const void *right)
{
    return string_view_compare(left, right);
}

/* Answers for the rows whose x has a value; the rest is common to all types. */
#define IN_KERNEL(name, T, equal, compare)                                                         \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const InList *const list = call->data;                                                     \
        const T *const values = list->values;                                                      \
        const Vector *const x = call->args[0];                                                     \
        const T *const in = x->data;                                                               \
        uint8_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            if (vector_is_null(x, row)) {                                                          \
                kernel_put_null(call, row);                                                        \
                continue;                                                                          \
            }                                                                                      \
            const T a = in[vector_index(x, row)];                                                  \
            bool found = false;                                                                    \
            if (list->count > SCAN_MAX) {                                                          \
                found = bsearch(&a, values, list->count, sizeof(T), compare) != NULL;              \
            } else {                                                                               \
                for (uint32_t k = 0; k < list->count; k++) {                                       \
                    const T b = values[k];                                                         \
                    found = found || (equal);                                                      \
                }                                                                                  \
            }                                                                                      \
            if (!found && list->has_null)                                                          \
                kernel_put_null(call, row);                                                        \
            else                                                                                   \
                out[row] = found;                                                                  \
        }                                                                                          \
        return true;                                                                               \
    }
#define IN_KERNEL_OF(tag, T) IN_KERNEL(in_##tag, T, a == b, compare_##tag)
LISTED_TYPES(IN_KERNEL_OF)
IN_KERNEL(in_view, StringView, string_view_equal(&a, &b), compare_view)

typedef struct Listed {
    ScalarKernel kernel;
    int (*compare)(const void *left, const void *right);
} Listed;

#define LISTED(tag)                                                                                \
    {                                                                                              \
        in_##tag, compare_##tag                                                                    \
    }
static const Listed listed[PHYSICAL_ROW + 1] = {
    [PHYSICAL_BOOL] = LISTED(bool), [PHYSICAL_I8] = LISTED(i8),   [PHYSICAL_I16] = LISTED(i16),
    [PHYSICAL_I32] = LISTED(i32),   [PHYSICAL_I64] = LISTED(i64), [PHYSICAL_I128] = LISTED(i128),
    [PHYSICAL_F32] = LISTED(f32),   [PHYSICAL_F64] = LISTED(f64), [PHYSICAL_STRING] = LISTED(view),
};

/* Any list, value by value. */
static bool in_general(KernelCall *call, Error *error)
{
    const Vector *const x = call->args[0];
    uint8_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        bool found = false;
        bool unknown = vector_is_null(x, row);
        for (uint32_t k = 1; k < call->arg_count && !found; k++) {
            const Vector *const value = call->args[k];
            if (vector_is_null(value, row))
                unknown = true;
            else if (!vector_is_null(x, row))
                found =
                    vector_values_equal(x, vector_index(x, row), value, vector_index(value, row));
        }
        if (unknown && !found)
            kernel_put_null(call, row);
        else
            out[row] = found;
    }
    return true;
}

/* The list of literals, cast to the common type and sorted; NULL when one is no literal. */
static const InList *list_prepare(const FunctionSite *site, const Type *type)
{
    const size_t size = physical_size(type->physical);
    char *values = arena_alloc(site->arena, size * site->argument_count);
    InList *list = arena_new_one(site->arena, InList);
    for (uint32_t i = 1; i < site->argument_count; i++) {
        const Vector *value = bind_literal_as(site, i, type);
        if (value == NULL)
            return NULL;
        if (vector_is_null(value, 0))
            list->has_null = true;
        else
            memcpy(values + size * list->count++, value->data, size);
    }
    qsort(values, list->count, size, listed[type->physical].compare);
    list->values = values;
    return list;
}

static bool bind_in(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                    Error *error)
{
    if (site->argument_count < 2)
        return false;
    const Type **types = bind_begin(site, function, &type_null, out);
    const Type *common = types[0];
    for (uint32_t i = 1; i < site->argument_count; i++) {
        const Type *next = type_common(site->arena, common, types[i]);
        if (next == NULL) {
            error_set(error, ERROR_TYPE,
                      "implicit type conversion between %s and %s is not supported",
                      type_text(site->arena, common), type_text(site->arena, types[i]));
            return error_hint(error, "Convert the values of the IN list with CAST(… AS …).");
        }
        common = next;
    }
    for (uint32_t i = 0; i < site->argument_count; i++)
        types[i] = common;
    out->result = &type_boolean;
    const bool flat = listed[common->physical].kernel != NULL;
    out->data = flat ? list_prepare(site, common) : NULL;
    out->kernel = out->data != NULL ? listed[common->physical].kernel : in_general;
    if (!bind_any_nullable(site))
        out->result = type_with_nullable(site->arena, &type_boolean, false);
    return true;
}

static const ScalarFunction functions[] = {
    {"IN", "COMMON IN (COMMON...)", NULL, bind_in, FUNCTION_HIDDEN | FUNCTION_NULL_AWARE,
     "comparison", "Whether the value is one of the list."},
    {0},
};

extern const FunctionFamily fn_in;
const FunctionFamily fn_in = {functions};
