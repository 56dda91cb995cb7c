/* ARRAY_AGG and COLLECT: all values of a group, which the operator keeps in the order they came. */
#include "functions/aggregate_internal.h"

/* A list of the values; none at all is NULL when `data` says so. */
static bool collect_make(const void *data, const Vector *values, uint32_t count, Vector *out,
                         uint32_t row, Arena *arena, Error *error)
{
    const bool *null_when_empty = data;
    if (count == 0 && *null_when_empty) {
        vector_set_null(out, row, arena);
        return true;
    }
    const uint32_t offset = vector_list_append(out, row, count, arena);
    for (uint32_t i = 0; i < count; i++)
        vector_copy_value(&out->children[0], offset + i, values, i, arena, false);
    return true;
}

static bool bind_list(const AggregateFunction *function, const FunctionSite *site, TypeKind kind,
                      BoundAggregate *out)
{
    static const bool null_when_empty = true, empty_when_empty = false;
    if (site->argument_count != 1)
        return false;
    const Type **types = aggregate_begin(function, site, &type_null, out);
    const bool is_array = kind == TYPE_ARRAY;
    const TypeField element = {NULL, is_array ? types[0]
                                              : type_with_nullable(site->arena, types[0], false)};
    out->result = type_new_nested(site->arena, kind, is_array, &element, 1);
    out->keeps = AGGREGATE_KEEPS_ALL;
    out->keeps_nulls = is_array;
    out->make = collect_make;
    out->data = is_array ? &null_when_empty : &empty_when_empty;
    return true;
}

static bool bind_array_agg(const AggregateFunction *function, const FunctionSite *site,
                           bool retracting, BoundAggregate *out, Error *error)
{
    return bind_list(function, site, TYPE_ARRAY, out);
}

static bool bind_collect(const AggregateFunction *function, const FunctionSite *site,
                         bool retracting, BoundAggregate *out, Error *error)
{
    return bind_list(function, site, TYPE_MULTISET, out);
}

static const AggregateFunction functions[] = {
    {"ARRAY_AGG", "(ANY) -> ARRAY", bind_array_agg, 0,
     "An array of the values in the order they came, NULL among them; NULL without rows."},
    {"COLLECT", "(ANY) -> MULTISET", bind_collect, 0,
     "A multiset of the values that are not NULL."},
    {0},
};

extern const AggregateFamily agg_collect;
const AggregateFamily agg_collect = {functions};
