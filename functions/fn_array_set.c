/* Arrays as sets: each element once, in the order of first appearance; NULL is an element. Cost:
 * linear in the elements, which are hashed. */
#include "functions/nested_internal.h"

static void add_all(KernelCall *call, uint32_t argument, uint32_t row, ElementSet *set)
{
    const ListEntry entry = list_of(call, argument, row);
    for (uint32_t e = 0; e < entry.length; e++)
        element_set_add(set, list_element(call, argument, 0, entry, e));
}

/* DISTINCT and UNION: what is in any argument. */
static bool union_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        uint32_t room = 0;
        for (uint32_t a = 0; a < call->arg_count; a++)
            room += list_of(call, a, row).length;
        ElementSet set;
        element_set_init(&set, call, room);
        for (uint32_t a = 0; a < call->arg_count; a++)
            add_all(call, a, row, &set);
        list_put(call, row, set.elements, set.count);
        element_set_deinit(&set);
    }
    return true;
}

/* Elements of the first array that are in the second, or are not. */
static void array_filter(KernelCall *call, uint32_t row, bool wanted)
{
    const ListEntry left = list_of(call, 0, row);
    ElementSet other, kept;
    element_set_init(&other, call, list_of(call, 1, row).length);
    element_set_init(&kept, call, left.length);
    add_all(call, 1, row, &other);
    for (uint32_t e = 0; e < left.length; e++) {
        const Element element = list_element(call, 0, 0, left, e);
        if (element_set_has(&other, element) == wanted)
            element_set_add(&kept, element);
    }
    list_put(call, row, kept.elements, kept.count);
    element_set_deinit(&other);
    element_set_deinit(&kept);
}

static bool intersect_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        array_filter(call, kernel_row(call, i), true);
    return true;
}

static bool except_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        array_filter(call, kernel_row(call, i), false);
    return true;
}

static bool bind_set(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    const char which = function->name[6]; /* ARRAY_Distinct, Union, Intersect, Except */
    if (types == NULL || site->argument_count != (which == 'D' ? 1 : 2))
        return false;
    const Type *element =
        which == 'D' ? array_element_type(types[0]) : bind_common_element(site, types, 1, true);
    if (element == NULL)
        return false;
    out->result = array_type(site->arena, element, true);
    out->kernel = which == 'I' ? intersect_kernel : which == 'E' ? except_kernel : union_kernel;
    out->data = row_layout_new(site->arena, &element, 1);
    return true;
}

static const ScalarFunction functions[] = {
    {"ARRAY_DISTINCT", "(ARRAY) -> ARRAY", NULL, bind_set, 0, "collection",
     "Each different element once."},
    {"ARRAY_UNION", "(ARRAY, ARRAY) -> ARRAY", NULL, bind_set, 0, "collection",
     "Each different element of the two arrays once."},
    {"ARRAY_INTERSECT", "(ARRAY, ARRAY) -> ARRAY", NULL, bind_set, 0, "collection",
     "Each different element that both arrays have once."},
    {"ARRAY_EXCEPT", "(ARRAY, ARRAY) -> ARRAY", NULL, bind_set, 0, "collection",
     "Each different element of the first array that the second has not."},
    {0},
};

extern const FunctionFamily fn_array_set;
const FunctionFamily fn_array_set = {functions};
