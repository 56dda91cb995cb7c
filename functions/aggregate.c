/* Looking aggregates up by name; the same rules as for scalar functions. */
#include "functions/aggregate_internal.h"

#include "core/str.h"

extern const AggregateFamily *const aggregate_families[];

/* Hidden ones, which only the planner makes calls of, among them. */
static const AggregateFunction *aggregate_any(uint32_t index, bool hidden)
{
    for (const AggregateFamily *const *family = aggregate_families; *family != NULL; family++) {
        for (const AggregateFunction *function = (*family)->functions; function->name != NULL;
             function++) {
            if ((hidden || (function->flags & FUNCTION_HIDDEN) == 0) && index-- == 0)
                return function;
        }
    }
    return NULL;
}

const AggregateFunction *aggregate_at(uint32_t index)
{
    return aggregate_any(index, false);
}

bool aggregate_exists(const char *name)
{
    const AggregateFunction *function;
    for (uint32_t i = 0; (function = aggregate_at(i)) != NULL; i++) {
        if (text_equal_nocase(function->name, name))
            return true;
    }
    return false;
}

const Type **aggregate_begin(const AggregateFunction *function, const FunctionSite *site,
                             const Type *null_as, BoundAggregate *out)
{
    const Type **types = arena_new_array(site->arena, const Type *, site->argument_count + 1);
    for (uint32_t i = 0; i < site->argument_count; i++) {
        types[i] = site->argument_types[i];
        if (types[i]->kind == TYPE_NULL)
            types[i] = null_as;
    }
    *out = (BoundAggregate){
        .function = function, .argument_types = types, .argument_count = site->argument_count};
    return types;
}

static bool aggregate_unknown(const char *name, Error *error)
{
    const char *candidates[256];
    size_t count = 0;
    const AggregateFunction *function;
    for (uint32_t i = 0; (function = aggregate_at(i)) != NULL && count < array_count(candidates);
         i++)
        candidates[count++] = function->name;
    error_set(error, ERROR_NAME, "aggregate function \"%s\" does not exist", name);
    const char *nearest = str_nearest(name, candidates, count);
    return nearest == NULL ? false : error_hint(error, "Did you mean \"%s\"?", nearest);
}

static bool aggregate_misfit(const AggregateFunction *first, const FunctionSite *site, Error *error)
{
    error_set(error, ERROR_TYPE, "function \"%s\" does not take (%s)", first->name,
              bind_arguments_text(site));
    return error_detail(error, "It can be used as %s%s.", first->name, first->signature);
}

bool aggregate_bind_keeping(const char *name, const FunctionSite *site, bool retracting,
                            BoundAggregate *out, Error *error)
{
    const AggregateFunction *first = NULL;
    const AggregateFunction *function;
    for (uint32_t i = 0; (function = aggregate_any(i, true)) != NULL; i++) {
        if (!text_equal_nocase(function->name, name))
            continue;
        first = first == NULL ? function : first;
        Error attempt = {0};
        if (function->bind(function, site, retracting, out, &attempt))
            return true;
        if (attempt.code != ERROR_NONE) {
            if (error != NULL)
                *error = attempt;
            return false;
        }
    }
    return first == NULL ? aggregate_unknown(name, error) : aggregate_misfit(first, site, error);
}

static bool aggregate_refuse_keeping(const BoundAggregate *bound, bool retracting, Error *error)
{
    const char *name = bound->function->name;
    if (!retracting) {
        error_set(error, ERROR_UNSUPPORTED, "%s is not supported over windows", name);
        return error_hint(error, "It is in a query that groups by keys, or not at all.");
    }
    error_set(error, ERROR_UNSUPPORTED,
              "%s over windows does not support input that is updated or deleted", name);
    return error_hint(error, "Grouped by keys it does; MIN and MAX do everywhere.");
}

bool aggregate_bind(const char *name, const FunctionSite *site, bool retracting,
                    BoundAggregate *out, Error *error)
{
    if (!aggregate_bind_keeping(name, site, retracting, out, error))
        return false;
    return out->keeps == AGGREGATE_KEEPS_NONE || aggregate_refuse_keeping(out, retracting, error);
}

bool aggregate_bind_in_state(const char *name, const FunctionSite *site, bool retracting,
                             BoundAggregate *out, Error *error)
{
    if (!aggregate_bind_keeping(name, site, retracting, out, error))
        return false;
    if (out->keeps == AGGREGATE_KEEPS_NONE)
        return true;
    if (retracting)
        return aggregate_refuse_keeping(out, retracting, error);
    aggregate_keep_in_state(out, site->arena);
    return true;
}
