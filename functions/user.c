/* Functions of the user's own: binding by their types, and the kernel that calls them.
 *
 * Invariant: what a function gives is checked before anything else sees it: text is UTF-8, points
 * in time and decimals lie in their type's range, NULL comes only where the signature allows it.
 * Cost: one indirect call a batch, results zeroed before it and looked at behind it. */
#include "functions/user.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/decimal.h"
#include "core/str.h"
#include "functions/kernel_internal.h"
#include "functions/temporal_internal.h"

struct UserFunctions {
    Arena *arena;
    UserFunction **functions; /* in the order they were added */
    uint32_t count;
    uint32_t capacity;
};

/* What the vectors of a batch and the public header both say of values must be the same. */
static_assert(sizeof(WeirString) == sizeof(StringView) &&
                  offsetof(WeirString, tail) == offsetof(StringView, pointer),
              "WeirString is a view");

/* ------------------------------------------------------------------ the set */

UserFunctions *user_functions_new(void)
{
    UserFunctions *set = memory_zalloc(sizeof(*set));
    set->arena = arena_new(4096);
    return set;
}

void user_functions_free(UserFunctions *set)
{
    if (set == NULL)
        return;
    for (uint32_t i = 0; i < set->count; i++) {
        const UserFunction *function = set->functions[i];
        if (function->destroy != NULL)
            function->destroy(function->own.user);
    }
    memory_free(set->functions);
    arena_free(set->arena);
    memory_free(set);
}

Arena *user_functions_arena(UserFunctions *set)
{
    return set->arena;
}

uint32_t user_functions_remove(UserFunctions *set, const char *name)
{
    uint32_t removed = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        UserFunction *function = set->functions[i];
        if (function->removed || !text_equal_nocase(function->base.name, name))
            continue;
        function->removed = true;
        removed++;
    }
    return removed;
}

const UserFunction *user_function_at(const UserFunctions *set, uint32_t index)
{
    for (uint32_t i = 0; set != NULL && i < set->count; i++) {
        if (!set->functions[i]->removed && index-- == 0)
            return set->functions[i];
    }
    return NULL;
}

const UserFunction *user_function_find(const UserFunctions *set, const char *name)
{
    const UserFunction *function;
    for (uint32_t i = 0; (function = user_function_at(set, i)) != NULL; i++) {
        if (text_equal_nocase(function->base.name, name))
            return function;
    }
    return NULL;
}

/* ------------------------------------------------------------------ binding */

/* The type the argument becomes, or NULL when it does not fit. */
static const Type *parameter_fit(const UserParameter *parameter, const Type *given)
{
    const Type *wanted = parameter->type;
    bool nullable = given->nullable || given->kind == TYPE_NULL;
    if (nullable && !wanted->nullable)
        return NULL;
    if (type_is_string(given) && type_is_string(wanted))
        return given; /* no cast between lengths */
    if (type_is_bytes(given) && type_is_bytes(wanted))
        return given;
    return cast_is_implicit(given, wanted) ? wanted : NULL;
}

static bool user_bind(const ScalarFunction *base, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    (void)error;
    const UserFunction *function = (const UserFunction *)(const void *)base;
    uint32_t required = 0;
    bool repeated = false;
    for (uint32_t i = 0; i < function->parameter_count; i++) {
        required += function->parameters[i].optional ? 0 : 1;
        repeated = repeated || function->parameters[i].repeated;
    }
    if (site->argument_count < required ||
        (!repeated && site->argument_count > function->parameter_count))
        return false;
    const Type **types = bind_begin(site, base, &type_null, out);
    for (uint32_t i = 0; i < site->argument_count; i++) {
        uint32_t last = function->parameter_count - 1;
        types[i] =
            parameter_fit(&function->parameters[i < last ? i : last], site->argument_types[i]);
        if (types[i] == NULL)
            return false;
    }
    out->result = function->result;
    out->kernel = base->kernel;
    out->data = function;
    return true;
}

/* ------------------------------------------------------------------ running */

/* A call as the function sees it, and what its host functions need. */
typedef struct UserCall {
    WeirCall call; /* first: the host gets it back */
    const UserFunction *function;
    KernelCall *kernel;
    Error *error;
    bool failed;
} UserCall;

static void *host_allocate(WeirCall *call, size_t bytes)
{
    return arena_alloc(((UserCall *)(void *)call)->kernel->arena, bytes);
}

static void host_set_null(WeirCall *call, uint32_t row)
{
    kernel_put_null(((UserCall *)(void *)call)->kernel, row);
}

static bool host_fail(WeirCall *call, uint32_t row, const char *format, ...)
{
    UserCall *user = (UserCall *)(void *)call;
    if (user->failed)
        return false;
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    user->failed = true;
    return kernel_fail(user->kernel, row, user->error, ERROR_DATA, "function \"%s\": %s",
                       user->function->base.name, message);
}

static const WeirHost host = {host_allocate, host_set_null, host_fail};

/* What is wrong with the value; NULL: nothing. */
static const char *value_fault(const Type *type, const Vector *out, uint32_t row)
{
    const int64_t micros_min = DAYS_MIN * MICROS_PER_DAY;
    const int64_t micros_max = (DAYS_MAX + INT64_C(1)) * MICROS_PER_DAY;
    int128_t wide = 0;
    if (type->physical == PHYSICAL_I32)
        wide = ((const int32_t *)out->data)[row];
    else if (type->physical == PHYSICAL_I64)
        wide = ((const int64_t *)out->data)[row];
    else if (type->physical == PHYSICAL_I128)
        wide = ((const int128_t *)out->data)[row];
    switch (type->kind) {
    case TYPE_BOOLEAN:
        return ((const uint8_t *)out->data)[row] <= 1 ? NULL : "a BOOLEAN that is neither 0 nor 1";
    case TYPE_VARCHAR:
    case TYPE_VARBINARY: {
        Str text = vector_str(out, row);
        if (text.length > TEXT_BYTES_MAX)
            return "text longer than 64 MB";
        bool broken = type->kind == TYPE_VARCHAR && str_utf8_valid_prefix(text) != text.length;
        return broken ? "text that is not UTF-8" : NULL;
    }
    case TYPE_DECIMAL:
        return decimal_fits(wide, type->precision) ? NULL : "more digits than its type has";
    case TYPE_DATE:
        return wide >= DAYS_MIN && wide <= DAYS_MAX ? NULL : "a date outside of 0001 to 9999";
    case TYPE_TIME:
        return wide >= 0 && wide < MICROS_PER_DAY / 1000 ? NULL : "a time outside of the day";
    case TYPE_TIMESTAMP:
    case TYPE_TIMESTAMP_LTZ: {
        int128_t unit = type->physical == PHYSICAL_I128 ? 1000 : 1;
        return wide >= micros_min * unit && wide < micros_max * unit
                   ? NULL
                   : "a time outside of the years 0001 to 9999";
    }
    default:
        return NULL;
    }
}

/* Whether every value of the type is one that may be. */
static bool any_value_is_fine(const Type *type)
{
    return (type->kind > TYPE_BOOLEAN && type->kind <= TYPE_DOUBLE) ||
           type->kind == TYPE_INTERVAL_MONTH || type->kind == TYPE_INTERVAL_SECOND;
}

static bool check_results(UserCall *user, const Type *type)
{
    const KernelCall *kernel = user->kernel;
    const Vector *out = kernel->out;
    bool null_is_fault = !user->function->result->nullable && out->validity != NULL;
    if (!null_is_fault && any_value_is_fine(type))
        return true;
    for (uint32_t i = 0; i < kernel->row_count; i++) {
        uint32_t row = kernel_row(kernel, i);
        bool is_null = vector_is_null(out, row);
        const char *fault = is_null ? NULL : value_fault(type, out, row);
        if (is_null && null_is_fault)
            fault = "NULL, though its signature says NOT NULL";
        if (fault != NULL)
            return host_fail(&user->call, row, "the result is %s", fault);
    }
    return true;
}

static bool user_kernel(KernelCall *call, Error *error)
{
    if (call->row_count == 0)
        return true;
    const UserFunction *function = call->data;
    WeirColumn few[8];
    WeirColumn *columns = few;
    if (call->arg_count > array_count(few))
        columns = arena_new_array(call->arena, WeirColumn, call->arg_count);
    for (uint32_t i = 0; i < call->arg_count; i++)
        columns[i] =
            (WeirColumn){call->args[i]->data, call->args[i]->validity, call->args[i]->constant};
    const Type *type = call->out->type;
    UserCall user = {
        .call = {.host = &host,
                 .user = function->own.user,
                 .argument_count = call->arg_count,
                 .row_count = call->row_count,
                 .rows = call->rows,
                 .arguments = columns,
                 .results = call->out->data},
        .function = function,
        .kernel = call,
        .error = error,
    };
    uint32_t rows =
        call->rows == NULL ? call->row_count : call->rows[call->row_count - 1] + UINT32_C(1);
    memset(call->out->data, 0, physical_size(type->physical) * rows);
    bool computed = function->own.compute(&user.call);
    if (!computed && !user.failed)
        host_fail(&user.call, kernel_row(call, 0), "it failed without saying why");
    return !user.failed && check_results(&user, type);
}

void user_functions_add(UserFunctions *set, UserFunction *function)
{
    const WeirFunction *own = &function->own;
    unsigned flags = FUNCTION_CAN_FAIL;
    if ((own->flags & WEIR_NOT_DETERMINISTIC) != 0)
        flags |= FUNCTION_NOT_DETERMINISTIC;
    if ((own->flags & WEIR_TAKES_NULL) != 0)
        flags |= FUNCTION_NULL_AWARE;
    if (function->result->nullable)
        flags |= FUNCTION_NULLABLE_RESULT;
    function->base = (ScalarFunction){own->name,
                                      own->signature,
                                      user_kernel,
                                      user_bind,
                                      flags,
                                      "user",
                                      own->doc == NULL ? "" : own->doc};
    if (set->count == set->capacity) {
        set->capacity = set->capacity == 0 ? 8 : set->capacity * 2;
        set->functions = memory_realloc(set->functions, sizeof(*set->functions) * set->capacity);
    }
    set->functions[set->count++] = function;
}
