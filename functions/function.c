/* Looking functions up by name and trying their overloads.
 *
 * Invariant: names compare without case; overloads are tried in table order and the first that fits
 * wins. Cost: a linear search over a few hundred names per call in a statement, none while running.
 */
#include "functions/kernel_internal.h"

#include <stdarg.h>
#include <stdio.h>

#include "core/str.h"
#include "functions/aggregate.h"
#include "functions/user.h"

extern const FunctionFamily *const function_families[];

const ScalarFunction *function_at(uint32_t index)
{
    for (const FunctionFamily *const *family = function_families; *family != NULL; family++) {
        for (const ScalarFunction *function = (*family)->functions; function->name != NULL;
             function++) {
            if (index-- == 0)
                return function;
        }
    }
    return NULL;
}

/* A walk over what a statement can call: what is built in, then the session's own. */
typedef struct Callables {
    const UserFunctions *own;
    uint32_t index;
    uint32_t own_index;
} Callables;

static const ScalarFunction *callables_next(Callables *at)
{
    const ScalarFunction *function = function_at(at->index);
    if (function != NULL) {
        at->index++;
        return function;
    }
    const UserFunction *own = user_function_at(at->own, at->own_index++);
    return own == NULL ? NULL : &own->base;
}

/* Up to here text counts as short when something is looked for in it. */
#define FIND_SHORT 256

/* Sets what follows from the function's flags once types and kernel are chosen. */
static void bind_finish(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out)
{
    out->function = function;
    out->argument_count = site->argument_count;
    if ((function->flags & FUNCTION_NULL_AWARE) != 0)
        return;
    const bool nullable =
        (function->flags & FUNCTION_NULLABLE_RESULT) != 0 || bind_any_nullable(site);
    if (out->result->nullable != nullable)
        out->result = type_with_nullable(site->arena, out->result, nullable);
}

static bool function_try(const ScalarFunction *function, const FunctionSite *site,
                         BoundFunction *out, Error *error)
{
    *out = (BoundFunction){0};
    if (function->bind != NULL) {
        if (!function->bind(function, site, out, error))
            return false;
    } else {
        if (!signature_bind(function->signature, site, function, out))
            return false;
        out->kernel = function->kernel;
    }
    bind_finish(function, site, out);
    return true;
}

static bool function_unknown(const char *name, const FunctionSite *site, Error *error)
{
    /* What else is written like a call. */
    const char *candidates[1024] = {"TUMBLE", "HOP", "CUMULATE", "SESSION", "UNNEST"};
    size_t count = 5;
    const AggregateFunction *aggregate;
    for (uint32_t i = 0; (aggregate = aggregate_at(i)) != NULL && count < array_count(candidates);
         i++)
        candidates[count++] = aggregate->name;
    Callables all = {.own = site->own};
    const ScalarFunction *function;
    while ((function = callables_next(&all)) != NULL && count < array_count(candidates)) {
        if ((function->flags & FUNCTION_HIDDEN) == 0)
            candidates[count++] = function->name;
    }
    error_set(error, ERROR_NAME, "function \"%s\" does not exist", name);
    const char *nearest = str_nearest(name, candidates, count);
    if (nearest != NULL)
        return error_hint(error, "Did you mean \"%s\"?", nearest);
    return error_hint(error,
                      "SHOW FUNCTIONS lists what there is; CREATE FUNCTION loads one of your own.");
}

static bool function_misfit(const ScalarFunction *first, const FunctionSite *site, Error *error)
{
    const bool hidden = (first->flags & FUNCTION_HIDDEN) != 0;
    error_set(error, ERROR_TYPE, "%s \"%s\" does not take (%s)", hidden ? "operator" : "function",
              first->name, bind_arguments_text(site));
    Buffer signatures = {0};
    Callables all = {.own = site->own};
    const ScalarFunction *function;
    while ((function = callables_next(&all)) != NULL) {
        if (!text_equal_nocase(function->name, first->name))
            continue;
        buffer_printf(&signatures, "%s%s%s", signatures.length == 0 ? "" : "; ",
                      hidden || function->signature[0] != '(' ? "" : function->name,
                      function->signature);
    }
    error_detail(error, "It can be used as %s.", buffer_text(&signatures));
    buffer_deinit(&signatures);
    return error_hint(error, "Convert an argument with CAST(… AS …).");
}

bool function_bind(const char *name, const FunctionSite *site, BoundFunction *out, Error *error)
{
    const ScalarFunction *first = NULL;
    Callables all = {.own = site->own};
    const ScalarFunction *function;
    while ((function = callables_next(&all)) != NULL) {
        if (!text_equal_nocase(function->name, name))
            continue;
        if (first == NULL)
            first = function;
        Error attempt = {0};
        if (function_try(function, site, out, &attempt))
            return true;
        if (attempt.code != ERROR_NONE) {
            if (error != NULL)
                *error = attempt;
            return false;
        }
    }
    return first == NULL ? function_unknown(name, site, error)
                         : function_misfit(first, site, error);
}

bool kernel_fail(KernelCall *call, uint32_t row, Error *error, ErrorCode code, const char *format,
                 ...)
{
    char message[512];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(message, sizeof(message), format, arguments);
    va_end(arguments);
    call->error_row = row;
    return error_set(error, code, "%s", message);
}

char *text_writer_grow(TextWriter *writer, size_t bytes)
{
    const size_t piece = bytes < 8192 ? 16384 : bytes + 1;
    writer->next = arena_alloc(writer->arena, piece);
    writer->end = writer->next + piece;
    return writer->next;
}

size_t utf8_offset(Str text, size_t index)
{
    size_t offset = 0;
    while (index > 0 && offset < text.length) {
        offset += utf8_step(text.data[offset]);
        index--;
    }
    return offset < text.length ? offset : text.length;
}

/* One byte is looked for with memchr; more of them by their first byte, which in short text beats
 * the preparation that memmem does. */
size_t str_find_from(Str text, Str needle, size_t from)
{
    if (from > text.length || needle.length > text.length - from)
        return SIZE_MAX;
    if (needle.length == 0)
        return from;
    const char *at = text.data + from;
    const char *const last = text.data + (text.length - needle.length);
    if (needle.length > 1 && text.length - from > FIND_SHORT) {
        at = memmem(at, text.length - from, needle.data, needle.length);
        return at == NULL ? SIZE_MAX : (size_t)(at - text.data);
    }
    while (at <= last) {
        at = memchr(at, needle.data[0], (size_t)(last - at) + 1);
        if (at == NULL)
            return SIZE_MAX;
        if (needle.length == 1 || memcmp(at, needle.data, needle.length) == 0)
            return (size_t)(at - text.data);
        at++;
    }
    return SIZE_MAX;
}
