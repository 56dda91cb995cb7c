/* Making nested values and looking into them: ARRAY[…], MAP[…], ROW(…), a[i], m[k], CARDINALITY,
 * ELEMENT. */
#include "functions/nested_internal.h"

/* --------------------------------------------------------------- constructors */

static bool array_kernel(KernelCall *call, Error *error)
{
    Element *elements = element_room(call, call->arg_count);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        for (uint32_t a = 0; a < call->arg_count; a++)
            elements[a] = argument_element(call, a, row);
        list_put(call, row, elements, call->arg_count);
    }
    return true;
}

static bool bind_array(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    if (site->argument_count == 0 || !signature_bind("(COMMON...) -> COMMON", site, function, out))
        return false;
    const Type *element = type_with_nullable(site->arena, out->result, bind_any_nullable(site));
    out->result = array_type(site->arena, element, false);
    out->kernel = array_kernel;
    return true;
}

/* Of a key that comes twice the last value counts. */
static bool map_kernel(KernelCall *call, Error *error)
{
    const uint32_t pairs = call->arg_count / 2;
    uint32_t *kept = arena_alloc(call->arena, sizeof(uint32_t) * (pairs + 1));
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        uint32_t count = 0;
        for (uint32_t p = 0; p < pairs; p++) {
            uint32_t at = 0;
            while (at < count && !element_equal(argument_element(call, kept[at] * 2, row),
                                                argument_element(call, p * 2, row)))
                at++;
            kept[at] = p;
            count += at == count;
        }
        const uint32_t offset = vector_list_append(call->out, row, count, call->arena);
        for (uint32_t p = 0; p < count; p++)
            for (uint32_t part = 0; part < 2; part++)
                vector_copy_value(&call->out->children[part], offset + p,
                                  call->args[kept[p] * 2 + part], row, call->arena, true);
    }
    return true;
}

static bool bind_map(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    if (site->argument_count == 0 || site->argument_count % 2 != 0)
        return false;
    const Type **types = bind_begin(site, function, &type_null, out);
    TypeField parts[2] = {{NULL, types[0]}, {NULL, types[1]}};
    for (uint32_t i = 2; i < site->argument_count; i++) {
        parts[i % 2].type = type_common(site->arena, parts[i % 2].type, types[i]);
        if (parts[i % 2].type == NULL) {
            error_set(error, ERROR_TYPE, "the %s of MAP have no type in common",
                      i % 2 == 0 ? "keys" : "values");
            return error_hint(error, "CAST them to one type.");
        }
    }
    for (uint32_t i = 0; i < site->argument_count; i++)
        types[i] = type_with_nullable(site->arena, parts[i % 2].type, types[i]->nullable);
    out->result = type_new_nested(site->arena, TYPE_MAP, false, parts, 2);
    out->kernel = map_kernel;
    return true;
}

static bool row_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        vector_set_valid(call->out, kernel_row(call, i));
    for (uint32_t a = 0; a < call->arg_count; a++)
        for (uint32_t i = 0; i < call->row_count; i++) {
            const uint32_t row = kernel_row(call, i);
            vector_copy_value(&call->out->children[a], row, call->args[a], row, call->arena, true);
        }
    return true;
}

static bool bind_row(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    if (site->argument_count == 0)
        return false;
    const Type **types = bind_begin(site, function, &type_null, out);
    TypeField *fields = arena_new_array(site->arena, TypeField, site->argument_count);
    for (uint32_t i = 0; i < site->argument_count; i++)
        fields[i] = (TypeField){arena_printf(site->arena, "EXPR$%u", i), types[i]};
    out->result = type_new_nested(site->arena, TYPE_ROW, false, fields, site->argument_count);
    out->kernel = row_kernel;
    return true;
}

/* --------------------------------------------------------------------- access */

static bool array_at_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry entry = list_of(call, 0, row);
        const int64_t index = kernel_i64(call, 1, row);
        if (index < 1 || index > entry.length)
            kernel_put_null(call, row);
        else
            element_put(call, row, list_element(call, 0, 0, entry, (uint32_t)(index - 1)));
    }
    return true;
}

static bool map_at_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry entry = list_of(call, 0, row);
        const Element key = argument_element(call, 1, row);
        uint32_t at = 0;
        while (at < entry.length && !element_equal(list_element(call, 0, 0, entry, at), key))
            at++;
        if (at == entry.length)
            kernel_put_null(call, row);
        else
            element_put(call, row, list_element(call, 0, 1, entry, at));
    }
    return true;
}

static bool bind_at(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                    Error *error)
{
    const Type **types = bind_begin(site, function, &type_null, out);
    if (site->argument_count != 2)
        return false;
    if (types[0]->kind == TYPE_MAP) {
        const Type *key = types[0]->fields[0].type;
        if (types[1]->kind != TYPE_NULL && !cast_is_implicit(types[1], key)) {
            error_set(error, ERROR_TYPE, "the keys of the MAP are %s, not %s",
                      type_text(site->arena, type_with_nullable(site->arena, key, true)),
                      type_text(site->arena, type_with_nullable(site->arena, types[1], true)));
            return error_hint(error, "CAST the key to the type of the MAP's keys.");
        }
        types[1] = type_with_nullable(site->arena, key, types[1]->nullable);
        out->result = types[0]->fields[1].type;
        out->kernel = map_at_kernel;
        return true;
    }
    if (types[0]->kind != TYPE_ARRAY) {
        error_set(error, ERROR_TYPE, "only an ARRAY or a MAP has elements to take with [ ], not %s",
                  type_text(site->arena, type_with_nullable(site->arena, types[0], true)));
        return error_hint(error, "A field of a ROW is taken with a dot: r.name.");
    }
    if (!type_is_integer(types[1]) && types[1]->kind != TYPE_NULL)
        return error_set(error, ERROR_TYPE, "the index of an ARRAY must be a whole number");
    types[1] = type_with_nullable(site->arena, &type_bigint, types[1]->nullable);
    const Vector *index = bind_literal_as(site, 1, &type_bigint);
    if (index != NULL && !vector_is_null(index, 0) && ((const int64_t *)index->data)[0] < 1) {
        error_set(error, ERROR_TYPE, "the index of an ARRAY counts from 1");
        return error_hint(error, "The last element is a[CARDINALITY(a)].");
    }
    out->result = array_element_type(types[0]);
    out->kernel = array_at_kernel;
    return true;
}

static bool cardinality_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        ((int32_t *)call->out->data)[row] = (int32_t)list_of(call, 0, row).length;
    }
    return true;
}

static bool bind_cardinality(const ScalarFunction *function, const FunctionSite *site,
                             BoundFunction *out, Error *error)
{
    const Type **types = bind_begin(site, function, &type_null, out);
    if (site->argument_count != 1 || types[0]->physical != PHYSICAL_LIST)
        return false;
    out->result = &type_int;
    out->kernel = cardinality_kernel;
    return true;
}

static bool element_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry entry = list_of(call, 0, row);
        if (entry.length > 1)
            return kernel_fail(call, row, error, ERROR_DATA,
                               "ELEMENT of an array of %u elements: it must have one",
                               entry.length);
        if (entry.length == 0)
            kernel_put_null(call, row);
        else
            element_put(call, row, list_element(call, 0, 0, entry, 0));
    }
    return true;
}

static bool bind_element(const ScalarFunction *function, const FunctionSite *site,
                         BoundFunction *out, Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count != 1)
        return false;
    out->result = array_element_type(types[0]);
    out->kernel = element_kernel;
    return true;
}

#define OPERATOR (FUNCTION_HIDDEN | FUNCTION_NULL_AWARE)

static const ScalarFunction functions[] = {
    {"ARRAY", "ARRAY[COMMON, …]", NULL, bind_array, OPERATOR, "collection",
     "An array of the values."},
    {"MAP", "MAP[key, value, …]", NULL, bind_map, OPERATOR, "collection",
     "A map of keys to values."},
    {"ROW", "ROW(ANY, …)", NULL, bind_row, OPERATOR, "collection", "A row of the values."},
    {"[]", "ARRAY[INTEGER], MAP[key]", NULL, bind_at, FUNCTION_HIDDEN | FUNCTION_NULLABLE_RESULT,
     "collection", "An element of an array by its number, or the value of a key; NULL if none."},
    {"CARDINALITY", "(ARRAY|MAP|MULTISET) -> INT", NULL, bind_cardinality, 0, "collection",
     "How many elements there are."},
    {"ELEMENT", "(ARRAY) -> element", NULL, bind_element,
     FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL, "collection",
     "The one element of the array; NULL if it is empty, an error if there are more."},
    {0},
};

extern const FunctionFamily fn_nested;
const FunctionFamily fn_nested = {functions};
