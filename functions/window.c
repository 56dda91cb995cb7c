/* The table of window functions, and how their arguments are read. */
#include "functions/window.h"

#include "core/decimal.h"
#include "core/str.h"
#include "functions/kernel_internal.h"

static const WindowFunction functions[] = {
    {.name = "ROW_NUMBER",
     .signature = "() -> BIGINT",
     .kind = WINDOW_ROW_NUMBER,
     .doc = "Number of the row in its partition, from 1; equal rows by order of arrival."},
    {.name = "RANK",
     .signature = "() -> BIGINT",
     .kind = WINDOW_RANK,
     .doc = "1 and the number of rows that come before; equal rows have the same rank."},
    {.name = "DENSE_RANK",
     .signature = "() -> BIGINT",
     .kind = WINDOW_DENSE_RANK,
     .doc = "1 and the number of different values that come before."},
    {.name = "PERCENT_RANK",
     .signature = "() -> DOUBLE",
     .kind = WINDOW_PERCENT_RANK,
     .doc = "(RANK - 1) / (rows of the partition - 1), 0 for a single row."},
    {.name = "CUME_DIST",
     .signature = "() -> DOUBLE",
     .kind = WINDOW_CUME_DIST,
     .doc = "Rows up to this one and its equals, divided by the rows of the partition."},
    {.name = "NTILE",
     .signature = "(n INT) -> INT",
     .kind = WINDOW_NTILE,
     .doc = "Which of n groups of equal size the row falls into, from 1; the first ones are longer "
            "by a row where the rows do not divide."},
    {.name = "LAG",
     .signature = "(value ANY, rows INT?, default ANY?) -> ANY",
     .kind = WINDOW_LAG,
     .can_skip = true,
     .doc = "The value so many rows before (1), or the default (NULL) where there is none."},
    {.name = "LEAD",
     .signature = "(value ANY, rows INT?, default ANY?) -> ANY",
     .kind = WINDOW_LEAD,
     .can_skip = true,
     .doc = "The value so many rows after (1), or the default (NULL) where there is none."},
    {.name = "FIRST_VALUE",
     .signature = "(value ANY) -> ANY",
     .kind = WINDOW_FIRST_VALUE,
     .has_frame = true,
     .can_skip = true,
     .is_aggregate = true,
     .doc = "The first value of the frame that is not NULL."},
    {.name = "LAST_VALUE",
     .signature = "(value ANY) -> ANY",
     .kind = WINDOW_LAST_VALUE,
     .has_frame = true,
     .can_skip = true,
     .is_aggregate = true,
     .doc = "The last value of the frame that is not NULL."},
    {.name = "NTH_VALUE",
     .signature = "(value ANY, n INT) -> ANY",
     .kind = WINDOW_NTH_VALUE,
     .has_frame = true,
     .can_skip = true,
     .doc = "The value of the n-th row of the frame, from 1, or NULL where there is none."},
};

const WindowFunction *window_function_at(uint32_t index)
{
    return index < array_count(functions) ? &functions[index] : NULL;
}

const WindowFunction *window_function_find(const char *name)
{
    for (size_t i = 0; i < array_count(functions); i++)
        if (text_equal_nocase(functions[i].name, name))
            return &functions[i];
    return NULL;
}

const char *window_function_nearest(const char *name)
{
    const char *names[array_count(functions)];
    for (size_t i = 0; i < array_count(functions); i++)
        names[i] = functions[i].name;
    return str_nearest(name, names, array_count(names));
}

static bool window_misfit(const WindowFunction *function, const FunctionSite *site, Error *error)
{
    error_set(error, ERROR_TYPE, "function \"%s\" does not take (%s)", function->name,
              bind_arguments_text(site));
    return error_detail(error, "It can be used as %s%s.", function->name, function->signature);
}

/* A constant that is a whole number of `least` or more. */
static bool read_number(const WindowFunction *function, const FunctionSite *site, uint32_t argument,
                        int64_t least, const char *what, BoundWindow *out, Error *error)
{
    const Vector *literal = site->literals[argument];
    bool is_integer = type_is_integer(site->argument_types[argument]);
    if (literal == NULL && is_integer) {
        error_set(error, ERROR_UNSUPPORTED, "the %s of %s must be a constant", what,
                  function->name);
        return error_hint(error, "Write a number.");
    }
    if (literal == NULL || !is_integer || vector_is_null(literal, 0)) {
        error_set(error, ERROR_TYPE, "the %s of %s must be a whole number", what, function->name);
        return error_detail(error, "It can be used as %s%s.", function->name, function->signature);
    }
    switch (literal->type->physical) {
    case PHYSICAL_I8:
        out->number = ((const int8_t *)literal->data)[0];
        break;
    case PHYSICAL_I16:
        out->number = ((const int16_t *)literal->data)[0];
        break;
    case PHYSICAL_I32:
        out->number = ((const int32_t *)literal->data)[0];
        break;
    default:
        out->number = ((const int64_t *)literal->data)[0];
    }
    if (out->number >= least && out->number <= INT32_MAX)
        return true;
    error_set(error, ERROR_TYPE, "the %s of %s must be from %lld to %d", what, function->name,
              (long long)least, INT32_MAX);
    return false;
}

/* NULL without a type takes the type of the other value; alone it is a STRING. */
static bool bind_shift(const FunctionSite *site, BoundWindow *out, Error *error)
{
    const WindowFunction *function = out->function;
    if (site->argument_count < 1 || site->argument_count > 3)
        return window_misfit(function, site, error);
    out->number = 1;
    if (site->argument_count > 1 && !read_number(function, site, 1, 0, "distance", out, error))
        return false;
    const Type *type = site->argument_types[0];
    bool nullable = true;
    if (site->argument_count == 3) {
        const Type *other = site->argument_types[2];
        type = type_common(site->arena, site->argument_types[0], other);
        if (type == NULL) {
            error_set(error, ERROR_TYPE,
                      "value and default of %s have no type in common: %s and %s", function->name,
                      type_text(site->arena, site->argument_types[0]),
                      type_text(site->arena, other));
            return error_hint(error, "CAST one of them to the type of the other.");
        }
        nullable = site->argument_types[0]->nullable || other->nullable;
    }
    if (type->kind == TYPE_NULL)
        type = &type_string;
    uint32_t *arguments = arena_new_array(site->arena, uint32_t, 2);
    arguments[1] = 2;
    out->arguments = arguments;
    out->argument_count = site->argument_count == 3 ? 2 : 1;
    out->argument_types[0] = out->argument_types[1] = type;
    out->result = type_with_nullable(site->arena, type, nullable);
    return true;
}

static bool bind_pick(const FunctionSite *site, BoundWindow *out, Error *error)
{
    const WindowFunction *function = out->function;
    bool is_nth = function->kind == WINDOW_NTH_VALUE;
    if (site->argument_count != (is_nth ? 2 : 1))
        return window_misfit(function, site, error);
    if (is_nth && !read_number(function, site, 1, 1, "number", out, error))
        return false;
    const Type *type = site->argument_types[0];
    if (type->kind == TYPE_NULL)
        type = &type_string;
    out->arguments = arena_new_array(site->arena, uint32_t, 1);
    out->argument_count = 1;
    out->argument_types[0] = type;
    out->result = type;
    return true;
}

bool window_bind(const WindowFunction *function, const FunctionSite *site, BoundWindow *out,
                 Error *error)
{
    *out = (BoundWindow){.function = function,
                         .argument_types = arena_new_array(site->arena, const Type *, 2)};
    switch (function->kind) {
    case WINDOW_LAG:
    case WINDOW_LEAD:
        return bind_shift(site, out, error);
    case WINDOW_FIRST_VALUE:
    case WINDOW_LAST_VALUE:
    case WINDOW_NTH_VALUE:
        return bind_pick(site, out, error);
    case WINDOW_NTILE:
        out->result = type_with_nullable(site->arena, &type_int, false);
        if (site->argument_count != 1)
            return window_misfit(function, site, error);
        return read_number(function, site, 0, 1, "number of groups", out, error);
    default:
        if (site->argument_count != 0)
            return window_misfit(function, site, error);
        bool is_ratio = function->kind == WINDOW_PERCENT_RANK || function->kind == WINDOW_CUME_DIST;
        out->result =
            type_with_nullable(site->arena, is_ratio ? &type_double : &type_bigint, false);
        return true;
    }
}
