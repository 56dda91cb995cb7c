/* Functions over maps. Entries keep the order they were made in. */
#include "functions/nested_internal.h"

static void put_part(KernelCall *call, uint32_t row, uint32_t part)
{
    const ListEntry entry = list_of(call, 0, row);
    Element *all = element_room(call, entry.length);
    for (uint32_t e = 0; e < entry.length; e++)
        all[e] = list_element(call, 0, part, entry, e);
    list_put(call, row, all, entry.length);
}

static bool keys_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        put_part(call, kernel_row(call, i), 0);
    return true;
}

static bool values_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        put_part(call, kernel_row(call, i), 1);
    return true;
}

/* The map's entries as rows of two fields. */
static bool entries_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry entry = list_of(call, 0, row);
        const uint32_t offset = vector_list_append(call->out, row, entry.length, call->arena);
        Vector *rows = &call->out->children[0];
        for (uint32_t e = 0; e < entry.length; e++) {
            vector_set_valid(rows, offset + e);
            for (uint32_t part = 0; part < 2; part++)
                vector_copy_value(&rows->children[part], offset + e, &call->args[0]->children[part],
                                  entry.offset + e, call->arena, true);
        }
    }
    return true;
}

void map_put(KernelCall *call, uint32_t row, const Element *keys, const Element *values,
             uint32_t pairs)
{
    ElementSet set;
    element_set_init(&set, call, pairs);
    for (uint32_t p = 0; p < pairs; p++)
        element_set_add(&set, keys[p]);
    const Element **last = arena_alloc(call->arena, sizeof(*last) * ((size_t)set.count + 1));
    for (uint32_t p = 0; p < pairs; p++)
        last[element_set_number(&set, keys[p])] = &values[p];
    const uint32_t offset = vector_list_append(call->out, row, set.count, call->arena);
    for (uint32_t e = 0; e < set.count; e++) {
        vector_copy_value(&call->out->children[0], offset + e, set.elements[e].vector,
                          set.elements[e].row, call->arena, true);
        vector_copy_value(&call->out->children[1], offset + e, last[e]->vector, last[e]->row,
                          call->arena, true);
    }
    element_set_deinit(&set);
}

static bool from_arrays_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry keys = list_of(call, 0, row), values = list_of(call, 1, row);
        if (keys.length != values.length)
            return kernel_fail(call, row, error, ERROR_DATA,
                               "MAP_FROM_ARRAYS of %u keys and %u values", keys.length,
                               values.length);
        Element *all = element_room(call, keys.length * 2);
        for (uint32_t e = 0; e < keys.length; e++) {
            all[e] = list_element(call, 0, 0, keys, e);
            all[keys.length + e] = list_element(call, 1, 0, values, e);
        }
        map_put(call, row, all, all + keys.length, keys.length);
    }
    return true;
}

static bool map_union_kernel(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        uint32_t total = 0;
        for (uint32_t a = 0; a < call->arg_count; a++)
            total += list_of(call, a, row).length;
        Element *keys = element_room(call, total), *values = element_room(call, total);
        uint32_t count = 0;
        for (uint32_t a = 0; a < call->arg_count; a++) {
            const ListEntry entry = list_of(call, a, row);
            for (uint32_t e = 0; e < entry.length; e++, count++) {
                keys[count] = list_element(call, a, 0, entry, e);
                values[count] = list_element(call, a, 1, entry, e);
            }
        }
        map_put(call, row, keys, values, count);
    }
    return true;
}

/* -------------------------------------------------------------------- binding */

static bool bind_parts(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_MAP, out);
    if (types == NULL || site->argument_count != 1)
        return false;
    const char which = function->name[4]; /* MAP_Keys, MAP_Values, MAP_Entries */
    const Type *key = types[0]->fields[0].type, *value = types[0]->fields[1].type;
    const TypeField fields[] = {{"key", key}, {"value", value}};
    const Type *element = which == 'K'   ? key
                          : which == 'V' ? value
                                         : type_new_nested(site->arena, TYPE_ROW, false, fields, 2);
    out->result = array_type(site->arena, element, true);
    out->kernel = which == 'K' ? keys_kernel : which == 'V' ? values_kernel : entries_kernel;
    return true;
}

static bool bind_from_arrays(const ScalarFunction *function, const FunctionSite *site,
                             BoundFunction *out, Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_ARRAY, out);
    if (types == NULL || site->argument_count != 2 || types[1]->kind != TYPE_ARRAY)
        return false;
    const TypeField parts[] = {{NULL, array_element_type(types[0])},
                               {NULL, array_element_type(types[1])}};
    out->result = type_new_nested(site->arena, TYPE_MAP, true, parts, 2);
    out->data = row_layout_new(site->arena, &parts[0].type, 1);
    out->kernel = from_arrays_kernel;
    return true;
}

static bool bind_map_union(const ScalarFunction *function, const FunctionSite *site,
                           BoundFunction *out, Error *error)
{
    const Type **types = bind_begin_nested(site, function, TYPE_MAP, out);
    if (types == NULL)
        return false;
    const Type *common = types[0];
    for (uint32_t i = 1; i < site->argument_count && common != NULL; i++)
        common = types[i]->kind != TYPE_MAP ? NULL : type_common(site->arena, common, types[i]);
    if (common == NULL)
        return false;
    for (uint32_t i = 0; i < site->argument_count; i++)
        types[i] = type_with_nullable(site->arena, common, types[i]->nullable);
    out->result = common;
    out->data = row_layout_new(site->arena, &common->fields[0].type, 1);
    out->kernel = map_union_kernel;
    return true;
}

static const ScalarFunction functions[] = {
    {"MAP_KEYS", "(MAP) -> ARRAY", NULL, bind_parts, 0, "collection", "The keys."},
    {"MAP_VALUES", "(MAP) -> ARRAY", NULL, bind_parts, 0, "collection", "The values."},
    {"MAP_ENTRIES", "(MAP) -> ARRAY", NULL, bind_parts, 0, "collection",
     "The entries as rows (key, value)."},
    {"MAP_FROM_ARRAYS", "(ARRAY, ARRAY) -> MAP", NULL, bind_from_arrays, FUNCTION_CAN_FAIL,
     "collection", "A map of keys and values that stand at the same places."},
    {"MAP_UNION", "(MAP...) -> MAP", NULL, bind_map_union, 0, "collection",
     "The entries of all maps; of a key that comes more than once the last value."},
    {0},
};

extern const FunctionFamily fn_map;
const FunctionFamily fn_map = {functions};
