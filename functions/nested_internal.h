/* What the functions over ARRAY, MAP, MULTISET and ROW share: reading entries, building lists,
 * types. An element is a row of a child vector; results borrow the text of the arguments. */
#ifndef FUNCTIONS_NESTED_INTERNAL_H
#define FUNCTIONS_NESTED_INTERNAL_H

#include "core/row.h"
#include "functions/kernel_internal.h"

/* A value somewhere in a vector. */
typedef struct Element {
    const Vector *vector;
    uint32_t row;
} Element;

static inline bool element_is_null(Element element)
{
    return vector_is_null(element.vector, element.row);
}
static inline bool element_equal(Element a, Element b)
{
    return vector_values_equal(a.vector, a.row, b.vector, b.row);
}

/* Where the list of a row lies. */
static inline ListEntry list_of(const KernelCall *call, uint32_t argument, uint32_t row)
{
    const Vector *vector = call->args[argument];
    return ((const ListEntry *)vector->data)[vector_index(vector, row)];
}
static inline Element list_element(const KernelCall *call, uint32_t argument, uint32_t child,
                                   ListEntry entry, uint32_t i)
{
    return (Element){&call->args[argument]->children[child], entry.offset + i};
}
/* An argument that is no list, as an element. */
static inline Element argument_element(const KernelCall *call, uint32_t argument, uint32_t row)
{
    return (Element){call->args[argument], row};
}

/* Makes row's result a list of the elements. */
void list_put(KernelCall *call, uint32_t row, const Element *elements, uint32_t count);
/* The same of a MAP: keys and values of equal number; of a key that comes twice the last value
 * counts. call->data is the layout of a key. */
void map_put(KernelCall *call, uint32_t row, const Element *keys, const Element *values,
             uint32_t pairs);
/* The element as row's result. */
void element_put(KernelCall *call, uint32_t row, Element element);
/* Room for the elements of a row. */
Element *element_room(KernelCall *call, uint32_t count);

/* Elements of one type, each once, in the order they came. */
typedef struct ElementSet {
    const RowLayout *layout;
    Element *elements;
    uint32_t count;
    uint32_t *slots; /* number of an element plus one; 0: free */
    uint32_t mask;
    Buffer bytes;
} ElementSet;

/* Room for `room` elements, in the call's arena; call->data is the layout of an element. */
void element_set_init(ElementSet *set, KernelCall *call, uint32_t room);
void element_set_deinit(ElementSet *set);
/* False when it was there. */
bool element_set_add(ElementSet *set, Element element);
bool element_set_has(ElementSet *set, Element element);
/* Its place among the elements; it must be there. */
uint32_t element_set_number(ElementSet *set, Element element);

/* ---------------------------------------------------------------------- types */

const Type *array_type(Arena *arena, const Type *element, bool nullable);
static inline const Type *array_element_type(const Type *array)
{
    return array->fields[0].type;
}
/* The arguments' types, when the first is an ARRAY (or MAP); else NULL. */
const Type **bind_begin_nested(const FunctionSite *site, const ScalarFunction *function,
                               TypeKind kind, BoundFunction *out);
/* Makes arguments 0 and `other` fit: an ARRAY and a value or another ARRAY of its elements. Returns
 * the elements' type; NULL when there is none in common. */
const Type *bind_common_element(const FunctionSite *site, const Type **types, uint32_t other,
                                bool is_array);

#endif
