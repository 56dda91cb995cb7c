/* CAST and TRY_CAST: which pairs there are, and which Flink makes by itself.
 *
 * Numbers narrow by wrapping, as Java does; text that does not read as the target type is an error,
 * or NULL for TRY_CAST. The kernels stand in cast_number.c, cast_temporal.c and cast_text.c. */
#include "functions/cast_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/decimal.h"

#define DOC "The value converted to another type."
static const ScalarFunction cast_safe = {"CAST", "CAST(ANY AS TYPE)", NULL, NULL,
                                         0,      "conversion",        DOC};
static const ScalarFunction cast_nullable = {
    "CAST", "CAST(ANY AS TYPE)", NULL, NULL, FUNCTION_NULLABLE_RESULT, "conversion", DOC};
static const ScalarFunction cast_failing = {
    "CAST", "CAST(ANY AS TYPE)", NULL, NULL, FUNCTION_CAN_FAIL, "conversion", DOC};
static const ScalarFunction cast_trying = {
    "TRY_CAST", "TRY_CAST(ANY AS TYPE)", NULL, NULL, FUNCTION_NULLABLE_RESULT, "conversion", DOC};

bool cast_fail(KernelCall *call, uint32_t row, Error *error, const char *format, ...)
{
    const CastPlan *plan = call->data;
    if (plan->try_cast) {
        kernel_put_null(call, row);
        return true;
    }
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    call->error_row = row;
    error_set(error, ERROR_DATA, "%s", message);
    return error_hint(error, "TRY_CAST gives NULL instead of an error.");
}

#define COPY_KERNEL(name, T) KERNEL_UNARY(name, T, T, a)
COPY_KERNEL(copy_8, uint8_t)
COPY_KERNEL(copy_16, uint16_t)
COPY_KERNEL(copy_32, uint32_t)
COPY_KERNEL(copy_64, uint64_t)
COPY_KERNEL(copy_128, uint128_t)
COPY_KERNEL(copy_view, StringView)

static bool copy_nested(KernelCall *call, Error *error)
{
    const Vector *const from = call->args[0];
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        vector_copy_value(call->out, row, from, vector_index(from, row), call->arena, true);
    }
    return true;
}

static bool all_null(KernelCall *call, Error *error)
{
    for (uint32_t i = 0; i < call->row_count; i++)
        kernel_put_null(call, kernel_row(call, i));
    return true;
}

/* The value as it is, for types that differ in nullability or name only. */
static ScalarKernel copy_kernel(const Type *type)
{
    switch (type->physical) {
    case PHYSICAL_BOOL:
    case PHYSICAL_I8:
        return copy_8;
    case PHYSICAL_I16:
        return copy_16;
    case PHYSICAL_I32:
    case PHYSICAL_F32:
        return copy_32;
    case PHYSICAL_I64:
    case PHYSICAL_F64:
        return copy_64;
    case PHYSICAL_I128:
        return copy_128;
    case PHYSICAL_STRING:
        return copy_view;
    case PHYSICAL_LIST:
    case PHYSICAL_ROW:
        return copy_nested;
    }
    return NULL;
}

/* Nested values whose parts differ in nullability or in the names of fields only. */
static bool same_shape(const Type *from, const Type *to)
{
    if (!type_is_nested(from) || from->kind != to->kind || from->field_count != to->field_count)
        return type_equal_ignoring_null(from, to);
    for (uint32_t i = 0; i < from->field_count; i++) {
        if (!same_shape(from->fields[i].type, to->fields[i].type))
            return false;
    }
    return true;
}

static Cast cast_find(const Type *from, const Type *to);

static Cast cast_nested_find(const Type *from, const Type *to)
{
    if (from->kind != to->kind || from->field_count != to->field_count)
        return (Cast){0};
    Cast cast = {cast_nested_kernel, false, false};
    for (uint32_t i = 0; i < from->field_count; i++) {
        const Cast part = cast_find(from->fields[i].type, to->fields[i].type);
        if (part.kernel == NULL)
            return (Cast){0};
        cast.can_fail = cast.can_fail || part.can_fail;
    }
    return cast;
}

static Cast cast_find(const Type *from, const Type *to)
{
    if (from->kind == TYPE_NULL)
        return (Cast){all_null, false, true};
    if (same_shape(from, to))
        return (Cast){copy_kernel(to), false, false};
    if (type_is_nested(from) && type_is_nested(to))
        return cast_nested_find(from, to);
    Cast cast = cast_text_find(from, to);
    if (cast.kernel == NULL)
        cast = cast_number_find(from, to);
    if (cast.kernel == NULL)
        cast = cast_temporal_find(from, to);
    return cast;
}

static CastPlan *plan_new(const FunctionSite *site, const Type *from, const Type *to, CastMode mode)
{
    CastPlan *plan = arena_new_one(site->arena, CastPlan);
    plan->from = from;
    plan->to = to;
    plan->try_cast = mode == CAST_TRY;
    plan->from_scale = from->scale;
    plan->to_scale = to->scale;
    plan->precision = to->precision;
    plan->factor = to->kind == TYPE_DECIMAL ? decimal_power10(to->scale)
                   : type_is_timestamp(to)  ? decimal_power10(9u - to->precision)
                                            : 1;
    return plan;
}

/* The casts of the children, which there are. A child that fails fails the whole. */
static bool bind_children(CastPlan *plan, const FunctionSite *site, Error *error)
{
    const uint32_t count = plan->to->field_count;
    BoundFunction *parts = arena_new_array(site->arena, BoundFunction, count);
    for (uint32_t i = 0; i < count; i++)
        if (!cast_bind(plan->from->fields[i].type, plan->to->fields[i].type, CAST_EXPLICIT, site,
                       &parts[i], error))
            return false;
    plan->parts = parts;
    return true;
}

static bool no_cast(const Type *from, const Type *to, const FunctionSite *site, Error *error)
{
    error_set(error, ERROR_TYPE, "cannot cast %s to %s", type_text(site->arena, from),
              type_text(site->arena, to));
    if (type_is_numeric(from) && type_is_timestamp(to))
        return error_hint(error, "Use TO_TIMESTAMP_LTZ(number, precision) for seconds (0) or "
                                 "milliseconds (3) since 1970.");
    if (type_is_timestamp(from) && type_is_numeric(to))
        return error_hint(error, "Use UNIX_TIMESTAMP or TIMESTAMPDIFF.");
    return false;
}

bool cast_bind(const Type *from, const Type *to, CastMode mode, const FunctionSite *site,
               BoundFunction *out, Error *error)
{
    *out = (BoundFunction){0};
    if (mode == CAST_IMPLICIT && !cast_is_implicit(from, to)) {
        error_set(error, ERROR_TYPE, "implicit type conversion between %s and %s is not supported",
                  type_text(site->arena, from), type_text(site->arena, to));
        return error_hint(error, "Write CAST(… AS %s).",
                          type_text(site->arena, type_with_nullable(site->arena, to, true)));
    }
    const Cast cast = cast_find(from, to);
    if (cast.kernel == NULL)
        return no_cast(from, to, site, error);
    const bool tries = mode == CAST_TRY && cast.can_fail;
    out->function = tries              ? &cast_trying
                    : cast.can_fail    ? &cast_failing
                    : cast.can_be_null ? &cast_nullable
                                       : &cast_safe;
    out->result = type_with_nullable(
        site->arena, to, from->nullable || from->kind == TYPE_NULL || tries || cast.can_be_null);
    const Type **types = arena_new_array(site->arena, const Type *, 1);
    types[0] = from;
    out->argument_types = types;
    out->argument_count = 1;
    out->kernel = cast.kernel;
    CastPlan *plan = plan_new(site, from, to, mode);
    out->data = plan;
    return cast.kernel != cast_nested_kernel || bind_children(plan, site, error);
}

static bool nested_is_implicit(const Type *from, const Type *to)
{
    if (from->kind != to->kind || from->field_count != to->field_count)
        return false;
    for (uint32_t i = 0; i < from->field_count; i++) {
        if (!cast_is_implicit(from->fields[i].type, to->fields[i].type))
            return false;
    }
    return true;
}

/* Nothing narrows: integers widen, every number becomes DECIMAL or DOUBLE, integers and DECIMAL
 * FLOAT; text and bytes change length; TIMESTAMP and TIMESTAMP_LTZ become each other, and DATE and
 * TIME. */
bool cast_is_implicit(const Type *from, const Type *to)
{
    if (from->kind == TYPE_NULL)
        return true;
    if (type_is_nested(from) || type_is_nested(to))
        return nested_is_implicit(from, to);
    if (from->kind == to->kind)
        return true;
    if ((type_is_string(from) && type_is_string(to)) || (type_is_bytes(from) && type_is_bytes(to)))
        return true;
    if (type_is_numeric(from)) {
        if (to->kind == TYPE_DECIMAL || to->kind == TYPE_DOUBLE)
            return true;
        if (to->kind == TYPE_FLOAT)
            return type_is_integer(from) || from->kind == TYPE_DECIMAL;
        return type_is_integer(from) && type_is_integer(to) && from->kind < to->kind;
    }
    if (type_is_timestamp(from))
        return type_is_timestamp(to) || to->kind == TYPE_DATE || to->kind == TYPE_TIME;
    return false;
}
