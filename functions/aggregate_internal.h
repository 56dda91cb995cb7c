/* The loop every aggregate shares, generated per argument type.
 *
 * Invariant: for each row, in order: the value before is written if asked for, the row is added or
 * taken away if it counts, the state is emptied when the group lost its last row, the value after
 * is written if asked for. So several changes of one group in a batch each show their own step. */
#ifndef FUNCTIONS_AGGREGATE_INTERNAL_H
#define FUNCTIONS_AGGREGATE_INTERNAL_H

#include "functions/aggregate.h"
#include "functions/kernel_internal.h"

/* Room that states take: fields are read and written through pointers to these structs, which hold
 * nothing that needs more than 8 bytes of alignment. */
typedef struct Wide {
    uint64_t low;
    uint64_t high;
} Wide;

static inline int128_t wide_get(Wide wide)
{
    return (int128_t)((uint128_t)wide.high << 64 | wide.low);
}

static inline Wide wide_of(int128_t value)
{
    return (Wide){(uint64_t)value, (uint64_t)((uint128_t)value >> 64)};
}

static inline bool update_counts(const AggregateUpdate *update, uint32_t row)
{
    return update->active == NULL || update->active[row] != 0;
}

static inline bool update_retracts(const AggregateUpdate *update, uint32_t row)
{
    return update->kinds != NULL && change_is_retraction(update->kinds[row]);
}

static inline bool update_empties(const AggregateUpdate *update, uint32_t row)
{
    return update->group_rows != NULL && update->group_rows[row] <= 0;
}

/* How many rows the loops without questions take, all or none: every row only comes and has a
 * value, and shows both its steps, or neither. */
static inline uint32_t update_plain_rows(const AggregateUpdate *update, bool shows)
{
    const bool plain = update->kinds == NULL && update->group_rows == NULL &&
                       update->active == NULL && (update->before != NULL) == shows &&
                       (update->after != NULL) == shows && update->args[0]->validity == NULL &&
                       !update->args[0]->constant;
    return plain ? update->row_count : 0;
}

/* static bool name(update, error): folds argument 0, of type T, into State.
 *   apply(State *, T value, bool retracts, const AggregateUpdate *)
 *   put(const void *data, const State *, Vector *out, uint32_t row, Arena *)
 *   empty(State *, const AggregateUpdate *) */
#define AGGREGATE_UPDATE(name, State, T, apply, put, empty)                                        \
    static bool name(const AggregateUpdate *update, Error *error)                                  \
    {                                                                                              \
        (void)error;                                                                               \
        const Vector *const arg = update->args[0];                                                 \
        const T *const values = arg->data;                                                         \
        uint8_t *const *const states = update->states;                                             \
        const uint32_t silent = update_plain_rows(update, false);                                  \
        const uint32_t shown = update_plain_rows(update, true);                                    \
        for (uint32_t row = 0; row < silent; row++)                                                \
            apply((State *)(void *)states[row], values[row], false, update);                       \
        for (uint32_t row = 0; row < shown; row++) {                                               \
            State *const state = (State *)(void *)states[row];                                     \
            put(update->data, state, update->before, row, update->arena);                          \
            apply(state, values[row], false, update);                                              \
            put(update->data, state, update->after, row, update->arena);                           \
        }                                                                                          \
        for (uint32_t row = silent + shown; row < update->row_count; row++) {                      \
            State *const state = (State *)(void *)states[row];                                     \
            if (update->before != NULL)                                                            \
                put(update->data, state, update->before, row, update->arena);                      \
            if (update_counts(update, row) && !vector_is_null(arg, row))                           \
                apply(state, values[vector_index(arg, row)], update_retracts(update, row),         \
                      update);                                                                     \
            if (update_empties(update, row))                                                       \
                empty(state, update);                                                              \
            if (update->after != NULL)                                                             \
                put(update->data, state, update->after, row, update->arena);                       \
        }                                                                                          \
        return true;                                                                               \
    }

/* static bool name(data, states, count, out, arena, error): the current values. */
#define AGGREGATE_RESULT(name, State, put)                                                         \
    static bool name(const void *data, uint8_t *const *states, uint32_t count, Vector *out,        \
                     Arena *arena, Error *error)                                                   \
    {                                                                                              \
        (void)error;                                                                               \
        for (uint32_t i = 0; i < count; i++)                                                       \
            put(data, (const State *)(const void *)states[i], out, i, arena);                      \
        return true;                                                                               \
    }

/* Starts a bound aggregate: types of the arguments as given, an untyped NULL as `null_as`. */
const Type **aggregate_begin(const AggregateFunction *function, const FunctionSite *site,
                             const Type *null_as, BoundAggregate *out);
/* An aggregate that wants all its values kept keeps them in its own state. */
void aggregate_keep_in_state(BoundAggregate *bound, Arena *arena);

#endif
