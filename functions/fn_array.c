/* Functions over one array, element by element. Elements are equal as IS NOT DISTINCT FROM says:
 * NULL equals NULL. Cost: linear in the elements, sorting n log n. */
#include <stdlib.h>

#include "functions/nested_internal.h"

/* Runs `body` for each row with `entry`, the row's first argument. */
#define ARRAY_KERNEL(name, body)                                                                   \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const ListEntry entry = list_of(call, 0, row);                                         \
            body                                                                                   \
        }                                                                                          \
        return true;                                                                               \
    }

/* Position from 0 of the first element that equals argument 1; the length when there is none. */
static uint32_t array_find(const KernelCall *call, ListEntry entry, uint32_t row)
{
    const Element needle = argument_element(call, 1, row);
    uint32_t at = 0;
    while (at < entry.length && !element_equal(list_element(call, 0, 0, entry, at), needle))
        at++;
    return at;
}

static void array_contains(KernelCall *call, uint32_t row, ListEntry entry)
{
    ((uint8_t *)call->out->data)[row] = array_find(call, entry, row) < entry.length;
}

static void array_position(KernelCall *call, uint32_t row, ListEntry entry)
{
    const uint32_t at = array_find(call, entry, row);
    ((int32_t *)call->out->data)[row] = at < entry.length ? (int32_t)at + 1 : 0;
}

static void array_remove(KernelCall *call, uint32_t row, ListEntry entry)
{
    const Element needle = argument_element(call, 1, row);
    Element *kept = element_room(call, entry.length);
    uint32_t count = 0;
    for (uint32_t e = 0; e < entry.length; e++) {
        kept[count] = list_element(call, 0, 0, entry, e);
        count += !element_equal(kept[count], needle);
    }
    list_put(call, row, kept, count);
}

/* The array with argument 1 before or behind its elements. */
static void array_add(KernelCall *call, uint32_t row, ListEntry entry, bool first)
{
    Element *all = element_room(call, entry.length + 1);
    for (uint32_t e = 0; e < entry.length; e++)
        all[e + first] = list_element(call, 0, 0, entry, e);
    all[first ? 0 : entry.length] = argument_element(call, 1, row);
    list_put(call, row, all, entry.length + 1);
}

static void array_reverse(KernelCall *call, uint32_t row, ListEntry entry)
{
    Element *all = element_room(call, entry.length);
    for (uint32_t e = 0; e < entry.length; e++)
        all[entry.length - 1 - e] = list_element(call, 0, 0, entry, e);
    list_put(call, row, all, entry.length);
}

/* Offsets count from 1, negative ones from the end; both ends are part of the result. */
static void array_slice(KernelCall *call, uint32_t row, ListEntry entry)
{
    const int64_t length = entry.length;
    int64_t start = kernel_i64(call, 1, row);
    int64_t end = call->arg_count > 2 ? kernel_i64(call, 2, row) : length;
    start = start < 0 ? start + length + 1 : start;
    end = end < 0 ? end + length + 1 : end;
    start = start < 1 ? 1 : start;
    end = end > length ? length : end;
    const uint32_t count = end < start ? 0 : (uint32_t)(end - start + 1);
    Element *kept = element_room(call, count);
    for (uint32_t e = 0; e < count; e++)
        kept[e] = list_element(call, 0, 0, entry, (uint32_t)(start - 1) + e);
    list_put(call, row, kept, count);
}

static void array_extreme(KernelCall *call, uint32_t row, ListEntry entry, int sign)
{
    Element best = {NULL, 0};
    for (uint32_t e = 0; e < entry.length; e++) {
        const Element next = list_element(call, 0, 0, entry, e);
        if (element_is_null(next))
            continue;
        if (best.vector == NULL ||
            vector_values_compare(next.vector, next.row, best.vector, best.row) * sign > 0)
            best = next;
    }
    if (best.vector == NULL)
        kernel_put_null(call, row);
    else
        element_put(call, row, best);
}

typedef struct SortOrder {
    bool descending;
    bool nulls_last;
} SortOrder;

static int sort_compare(const void *left, const void *right, void *context)
{
    const Element *a = left, *b = right;
    const SortOrder *order = context;
    const bool a_null = element_is_null(*a), b_null = element_is_null(*b);
    if (a_null || b_null)
        return (a_null ? (order->nulls_last ? 1 : -1) : 0) +
               (b_null ? (order->nulls_last ? -1 : 1) : 0);
    const int compared = vector_values_compare(a->vector, a->row, b->vector, b->row);
    if (compared != 0)
        return order->descending ? -compared : compared;
    return (a->row > b->row) - (a->row < b->row);
}

static void array_sort(KernelCall *call, uint32_t row, ListEntry entry)
{
    const bool ascending = call->arg_count < 2 || kernel_bool(call, 1, row);
    const bool nulls_first = call->arg_count < 3 ? ascending : kernel_bool(call, 2, row);
    SortOrder order = {!ascending, !nulls_first};
    Element *all = element_room(call, entry.length);
    for (uint32_t e = 0; e < entry.length; e++)
        all[e] = list_element(call, 0, 0, entry, e);
    qsort_r(all, entry.length, sizeof(*all), sort_compare, &order);
    list_put(call, row, all, entry.length);
}

static bool concat_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        uint32_t total = 0;
        for (uint32_t a = 0; a < call->arg_count; a++)
            total += list_of(call, a, row).length;
        Element *all = element_room(call, total);
        uint32_t count = 0;
        for (uint32_t a = 0; a < call->arg_count; a++) {
            const ListEntry entry = list_of(call, a, row);
            for (uint32_t e = 0; e < entry.length; e++)
                all[count++] = list_element(call, a, 0, entry, e);
        }
        list_put(call, row, all, count);
    }
    return true;
}

ARRAY_KERNEL(contains_kernel, array_contains(call, row, entry);)
ARRAY_KERNEL(position_kernel, array_position(call, row, entry);)
ARRAY_KERNEL(remove_kernel, array_remove(call, row, entry);)
ARRAY_KERNEL(append_kernel, array_add(call, row, entry, false);)
ARRAY_KERNEL(prepend_kernel, array_add(call, row, entry, true);)
ARRAY_KERNEL(reverse_kernel, array_reverse(call, row, entry);)
ARRAY_KERNEL(slice_kernel, array_slice(call, row, entry);)
ARRAY_KERNEL(max_kernel, array_extreme(call, row, entry, 1);)
ARRAY_KERNEL(min_kernel, array_extreme(call, row, entry, -1);)
ARRAY_KERNEL(sort_kernel, array_sort(call, row, entry);)

/* These take a NULL as a value to look for or to add, but give NULL for a NULL array. */
#define NULL_ARRAY_KERNEL(name, kernel)                                                            \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        return run_where_array(call, kernel, error);                                               \
    }

static bool run_where_array(KernelCall *call, ScalarKernel kernel, Error *error)
{
    if (call->args[0]->validity == NULL)
        return kernel(call, error);
    uint32_t *rows = arena_alloc(call->arena, sizeof(uint32_t) * (call->row_count + 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        if (vector_is_null(call->args[0], row))
            kernel_put_null(call, row);
        else
            rows[count++] = row;
    }
    KernelCall there = *call;
    there.rows = rows;
    there.row_count = count;
    const bool ok = kernel(&there, error);
    call->error_row = there.error_row;
    return ok;
}
NULL_ARRAY_KERNEL(contains_any, contains_kernel)
NULL_ARRAY_KERNEL(remove_any, remove_kernel)
NULL_ARRAY_KERNEL(append_any, append_kernel)
NULL_ARRAY_KERNEL(prepend_any, prepend_kernel)

/* -------------------------------------------------------------------- binding */

/* (ARRAY, element): the two brought to one element type. */
static const Type *bind_with_element(const ScalarFunction *function, const FunctionSite *site,
                                     BoundFunction *out, const Type **array)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count != 2)
        return NULL;
    const Type *element = bind_common_element(site, types, 1, false);
    *array = types[0];
    return element;
}

static bool bind_search(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    const Type *array;
    if (bind_with_element(function, site, out, &array) == NULL)
        return false;
    const bool is_position = function->name[6] == 'P';
    out->result =
        is_position ? &type_int : type_with_nullable(site->arena, &type_boolean, array->nullable);
    out->kernel = is_position ? position_kernel : contains_any;
    return true;
}

static bool bind_change(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    const Type *array;
    const Type *element = bind_with_element(function, site, out, &array);
    if (element == NULL)
        return false;
    const char which = function->name[6]; /* ARRAY_Append, ARRAY_Prepend, ARRAY_Remove */
    out->kernel = which == 'A' ? append_any : which == 'P' ? prepend_any : remove_any;
    out->result = which == 'R' ? array : array_type(site->arena, element, array->nullable);
    return true;
}

/* (ARRAY), giving an array of the same type or an element. */
static bool bind_one(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count != 1)
        return false;
    const bool reverses = function->name[6] == 'R';
    out->result = reverses ? types[0] : array_element_type(types[0]);
    out->kernel = reverses ? reverse_kernel : function->name[7] == 'A' ? max_kernel : min_kernel;
    return true;
}

static bool bind_slice(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count < 2 || site->argument_count > 3)
        return false;
    for (uint32_t i = 1; i < site->argument_count; i++) {
        if (!type_is_integer(types[i]) && types[i]->kind != TYPE_NULL)
            return false;
        types[i] = type_with_nullable(site->arena, &type_bigint, types[i]->nullable);
    }
    out->result = types[0];
    out->kernel = slice_kernel;
    return true;
}

static bool bind_sort(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count > 3)
        return false;
    for (uint32_t i = 1; i < site->argument_count; i++) {
        if (types[i]->kind != TYPE_BOOLEAN && types[i]->kind != TYPE_NULL)
            return false;
        types[i] = type_with_nullable(site->arena, &type_boolean, types[i]->nullable);
    }
    out->result = types[0];
    out->kernel = sort_kernel;
    return true;
}

static bool bind_concat(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL)
        return false;
    const Type *element = array_element_type(types[0]);
    for (uint32_t i = 1; i < site->argument_count; i++) {
        element = types[i]->kind != TYPE_ARRAY
                      ? NULL
                      : type_common(site->arena, element, array_element_type(types[i]));
        if (element == NULL)
            return false;
    }
    for (uint32_t i = 0; i < site->argument_count; i++)
        if (!type_equal_ignoring_null(array_element_type(types[i]), element))
            types[i] = array_type(site->arena, element, types[i]->nullable);
    out->result = array_type(site->arena, element, true);
    out->kernel = concat_kernel;
    return true;
}

#define NULL_AWARE FUNCTION_NULL_AWARE

static const ScalarFunction functions[] = {
    {"ARRAY_APPEND", "(ARRAY, element) -> ARRAY", NULL, bind_change, NULL_AWARE, "collection",
     "The array with the element behind the others."},
    {"ARRAY_PREPEND", "(ARRAY, element) -> ARRAY", NULL, bind_change, NULL_AWARE, "collection",
     "The array with the element before the others."},
    {"ARRAY_REMOVE", "(ARRAY, element) -> ARRAY", NULL, bind_change, NULL_AWARE, "collection",
     "The array without the elements that equal the value, which may be NULL."},
    {"ARRAY_CONTAINS", "(ARRAY, element) -> BOOLEAN", NULL, bind_search, NULL_AWARE, "collection",
     "Whether an element equals the value, which may be NULL."},
    {"ARRAY_POSITION", "(ARRAY, element) -> INT", NULL, bind_search, 0, "collection",
     "Where the value comes first, counted from 1; 0 when it does not come."},
    {"ARRAY_REVERSE", "(ARRAY) -> ARRAY", NULL, bind_one, 0, "collection",
     "The elements from the last to the first."},
    {"ARRAY_MAX", "(ARRAY) -> element", NULL, bind_one, FUNCTION_NULLABLE_RESULT, "collection",
     "The greatest element; NULL when there is none."},
    {"ARRAY_MIN", "(ARRAY) -> element", NULL, bind_one, FUNCTION_NULLABLE_RESULT, "collection",
     "The least element; NULL when there is none."},
    {"ARRAY_SLICE", "(ARRAY, INTEGER, INTEGER?) -> ARRAY", NULL, bind_slice, 0, "collection",
     "The elements from the one number to the other; negative numbers count from the end."},
    {"ARRAY_SORT", "(ARRAY, BOOLEAN?, BOOLEAN?) -> ARRAY", NULL, bind_sort, 0, "collection",
     "The elements in order: ascending unless the second argument is FALSE; NULL first when "
     "ascending, unless the third says otherwise."},
    {"ARRAY_CONCAT", "(ARRAY...) -> ARRAY", NULL, bind_concat, 0, "collection",
     "The elements of all arrays."},
    {0},
};

extern const FunctionFamily fn_array;
const FunctionFamily fn_array = {functions};
