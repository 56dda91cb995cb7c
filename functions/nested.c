/* Lists of elements: building them, finding equal ones, their types. See nested_internal.h. */
#include "functions/nested_internal.h"

#include "core/hash.h"

Element *element_room(KernelCall *call, uint32_t count)
{
    return arena_alloc(call->arena, sizeof(Element) * ((size_t)count + 1));
}

void list_put(KernelCall *call, uint32_t row, const Element *elements, uint32_t count)
{
    uint32_t offset = vector_list_append(call->out, row, count, call->arena);
    for (uint32_t i = 0; i < count; i++)
        vector_copy_value(&call->out->children[0], offset + i, elements[i].vector, elements[i].row,
                          call->arena, true);
}

void element_put(KernelCall *call, uint32_t row, Element element)
{
    vector_copy_value(call->out, row, element.vector, element.row, call->arena, true);
}

/* ------------------------------------------------------------------------ set */

void element_set_init(ElementSet *set, KernelCall *call, uint32_t room)
{
    uint32_t slots = 8;
    while (slots < room * 2)
        slots *= 2;
    *set = (ElementSet){.layout = call->data,
                        .elements = element_room(call, room),
                        .slots = arena_zalloc(call->arena, sizeof(uint32_t) * slots),
                        .mask = slots - 1};
}

void element_set_deinit(ElementSet *set)
{
    buffer_deinit(&set->bytes);
}

/* The slot of the element, or the free one where it would go. */
static uint32_t *find_slot(ElementSet *set, Element element)
{
    const Vector *columns[] = {element.vector};
    buffer_clear(&set->bytes);
    row_encode_one(set->layout, columns, element.row, &set->bytes);
    uint32_t at = (uint32_t)hash_bytes(set->bytes.data, set->bytes.length) & set->mask;
    while (set->slots[at] != 0 && !element_equal(set->elements[set->slots[at] - 1], element))
        at = (at + 1) & set->mask;
    return &set->slots[at];
}

bool element_set_add(ElementSet *set, Element element)
{
    uint32_t *slot = find_slot(set, element);
    if (*slot != 0)
        return false;
    set->elements[set->count++] = element;
    *slot = set->count;
    return true;
}

bool element_set_has(ElementSet *set, Element element)
{
    return *find_slot(set, element) != 0;
}

uint32_t element_set_number(ElementSet *set, Element element)
{
    return *find_slot(set, element) - 1;
}

/* ---------------------------------------------------------------------- types */

const Type *array_type(Arena *arena, const Type *element, bool nullable)
{
    const TypeField field = {NULL, element};
    return type_new_nested(arena, TYPE_ARRAY, nullable, &field, 1);
}

const Type **bind_begin_nested(const FunctionSite *site, const ScalarFunction *function,
                               TypeKind kind, BoundFunction *out)
{
    const Type **types = bind_begin(site, function, &type_null, out);
    return site->argument_count != 0 && types[0]->kind == kind ? types : NULL;
}

const Type *bind_common_element(const FunctionSite *site, const Type **types, uint32_t other,
                                bool is_array)
{
    if (is_array && types[other]->kind != TYPE_ARRAY)
        return NULL;
    const Type *mine = array_element_type(types[0]);
    const Type *theirs = is_array ? array_element_type(types[other]) : types[other];
    const Type *common = type_common(site->arena, mine, theirs);
    if (common == NULL)
        return NULL;
    common = type_with_nullable(site->arena, common, mine->nullable || theirs->nullable);
    /* Arrays that have the type already are not converted for the sake of NULLs. */
    if (!type_equal_ignoring_null(mine, common))
        types[0] = array_type(site->arena, common, types[0]->nullable);
    if (!type_equal_ignoring_null(theirs, common))
        types[other] = is_array ? array_type(site->arena, common, types[other]->nullable)
                                : type_with_nullable(site->arena, common, types[other]->nullable);
    return common;
}
