/* COUNT: of rows, or of rows where every argument has a value.
 *
 * The state is the count itself. Cost: an addition per row. */
#include "functions/aggregate_internal.h"

typedef struct CountState {
    int64_t count;
} CountState;

static void count_put(const void *data, const CountState *state, Vector *out, uint32_t row,
                      Arena *arena)
{
    ((int64_t *)out->data)[row] = state->count;
}

static bool any_null(const AggregateUpdate *update, uint32_t argument_count, uint32_t row)
{
    for (uint32_t k = 0; k < argument_count; k++) {
        if (vector_is_null(update->args[k], row))
            return true;
    }
    return false;
}

/* Rows that only come, all of which have values. */
static void count_inserts(const AggregateUpdate *update)
{
    int64_t *const before = update->before == NULL ? NULL : update->before->data;
    int64_t *const after = update->after == NULL ? NULL : update->after->data;
    uint8_t *const *const states = update->states;
    const uint8_t *const active = update->active;
    const uint32_t rows = update->row_count;
    if (before == NULL && after == NULL) {
        for (uint32_t row = 0; row < rows; row++)
            ((CountState *)(void *)states[row])->count += active == NULL || active[row] != 0;
        return;
    }
    for (uint32_t row = 0; row < rows; row++) {
        CountState *const state = (CountState *)(void *)states[row];
        const int64_t count = state->count;
        state->count = count + (active == NULL || active[row] != 0);
        if (before != NULL)
            before[row] = count;
        if (after != NULL)
            after[row] = state->count;
    }
}

/* data: the number of arguments. */
static bool count_update(const AggregateUpdate *update, Error *error)
{
    uint32_t arguments = *(const uint32_t *)update->data;
    while (arguments != 0 && update->args[arguments - 1]->validity == NULL)
        arguments--;
    if (arguments == 0 && update->kinds == NULL && update->group_rows == NULL) {
        count_inserts(update);
        return true;
    }
    for (uint32_t row = 0; row < update->row_count; row++) {
        CountState *const state = (CountState *)(void *)update->states[row];
        if (update->before != NULL)
            count_put(NULL, state, update->before, row, update->arena);
        if (update_counts(update, row) && !any_null(update, arguments, row))
            state->count += update_retracts(update, row) ? -1 : 1;
        if (update_empties(update, row))
            state->count = 0;
        if (update->after != NULL)
            count_put(NULL, state, update->after, row, update->arena);
    }
    return true;
}

AGGREGATE_RESULT(count_result, CountState, count_put)

static bool count_merge(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                        Error *error)
{
    ((CountState *)(void *)to)->count += ((const CountState *)(const void *)from)->count;
    return true;
}

static bool count_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                       BoundAggregate *out, Error *error)
{
    aggregate_begin(function, site, &type_null, out);
    uint32_t *arguments = arena_new_one(site->arena, uint32_t);
    /* Arguments that cannot be NULL need no look. */
    *arguments = bind_any_nullable(site) ? site->argument_count : 0;
    out->result = type_with_nullable(site->arena, &type_bigint, false);
    out->state_bytes = sizeof(CountState);
    out->update = count_update;
    out->result_of = count_result;
    out->merge = count_merge;
    out->merges_changes = true;
    out->data = arguments;
    return true;
}

/* ------------------------------------------------- counts of parts added up */

static inline void sum0_apply(CountState *state, int64_t value, bool retracts,
                              const AggregateUpdate *update)
{
    state->count += retracts ? -value : value;
}

static void sum0_empty(CountState *state, const AggregateUpdate *update)
{
    state->count = 0;
}

AGGREGATE_UPDATE(sum0_update, CountState, int64_t, sum0_apply, count_put, sum0_empty)

static bool sum0_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                      BoundAggregate *out, Error *error)
{
    if (site->argument_count != 1)
        return false;
    if (aggregate_begin(function, site, &type_bigint, out)[0]->kind != TYPE_BIGINT)
        return false;
    out->result = type_with_nullable(site->arena, &type_bigint, false);
    out->state_bytes = sizeof(CountState);
    out->update = sum0_update;
    out->result_of = count_result;
    out->merge = count_merge;
    out->merges_changes = true;
    return true;
}

static const AggregateFunction functions[] = {
    {"COUNT", "(ANY...) -> BIGINT", count_bind, 0,
     "The number of rows, or of rows where the arguments are not NULL."},
    {"$SUM0", "(BIGINT) -> BIGINT", sum0_bind, FUNCTION_HIDDEN,
     "The sum of what parts of a group have counted; 0 without parts."},
    {0},
};

extern const AggregateFamily agg_count;
const AggregateFamily agg_count = {functions};
