/* Values kept inside a group's own state, for aggregates whose answer is made of all of them, where
 * rows only come: windows, which answer once.
 *
 * The state's text is the values as sort keys, one behind the other, with room behind them that
 * doubles, so that a value is written once; a state that was copied is never written in place (only
 * updates do that, and they see a group's own state), merging makes a new text.
 *
 * Invariant: the first `used` bytes of the text are `count` values in the order they came.
 * Cost: a row appends its value; an answer reads all values of the group. */
#include "core/buffer.h"
#include "core/sort_key.h"
#include "functions/aggregate_internal.h"

typedef struct KeptState {
    uint64_t count;
    uint64_t used;
    StringView text;
} KeptState;

typedef struct KeptPlan {
    const char *name;
    const Type *type; /* of the values */
    bool keeps_nulls;
    const void *data;
    bool (*make)(const void *data, const Vector *values, uint32_t count, Vector *out, uint32_t row,
                 Arena *arena, Error *error);
} KeptPlan;

static const SortOrder ascending = {false, false};

static Str kept_values(const KeptState *state)
{
    return (Str){string_view_str(&state->text).data, state->used};
}

/* Appends encoded values; `room` is memory used again. */
static bool kept_append(KeptState *state, Str values, uint64_t count, bool owned, Buffer *room,
                        const char *name, AggregateMemory *memory, Error *error)
{
    const Str text = string_view_str(&state->text);
    const uint64_t used = state->used + values.length;
    if (used > TEXT_BYTES_MAX)
        return error_set(error, ERROR_LIMIT, "%s keeps more than %u bytes of values in a window",
                         name, TEXT_BYTES_MAX);
    if (owned && used <= text.length) {
        memcpy((char *)(uintptr_t)text.data + state->used, values.data, values.length);
    } else {
        uint64_t capacity = 32;
        while (owned && capacity < used)
            capacity *= 2;
        buffer_clear(room);
        buffer_append(room, text.data, state->used);
        buffer_append_str(room, values);
        while (owned && room->length < capacity)
            buffer_append_char(room, '\0');
        memory->assign(memory, &state->text, (Str){room->data, room->length});
    }
    state->used = used;
    state->count += count;
    return true;
}

/* `scratch` is memory used again. */
static bool kept_put(const KeptPlan *plan, const KeptState *state, Vector *out, uint32_t row,
                     Arena *arena, Arena *scratch, Error *error)
{
    arena_reset(scratch);
    const uint32_t count = (uint32_t)state->count;
    Str rest = kept_values(state);
    Vector values;
    vector_init(&values, plan->type, count + 1, scratch);
    for (uint32_t i = 0; i < count; i++)
        sort_key_read(&rest, ascending, &values, i, scratch);
    return plan->make(plan->data, &values, count, out, row, arena, error);
}

static void kept_empty(KeptState *state, AggregateMemory *memory)
{
    memory->assign(memory, &state->text, (Str){"", 0});
    *state = (KeptState){0};
}

static bool kept_update(const AggregateUpdate *update, Error *error)
{
    const KeptPlan *plan = update->data;
    const Vector *const arg = update->args[0];
    Buffer value = {0}, room = {0};
    bool gives = update->before != NULL || update->after != NULL;
    Arena *scratch = gives ? arena_new((size_t)1 << 12) : NULL;
    bool done = true;
    for (uint32_t row = 0; row < update->row_count && done; row++) {
        KeptState *const state = (KeptState *)(void *)update->states[row];
        if (update->before != NULL)
            done = kept_put(plan, state, update->before, row, update->arena, scratch, error);
        if (done && update_counts(update, row) &&
            (plan->keeps_nulls || !vector_is_null(arg, row))) {
            buffer_clear(&value);
            sort_key_append(&value, arg, row, ascending);
            done = kept_append(state, (Str){value.data, value.length}, 1, true, &room, plan->name,
                               update->memory, error);
        }
        if (update_empties(update, row))
            kept_empty(state, update->memory);
        if (done && update->after != NULL)
            done = kept_put(plan, state, update->after, row, update->arena, scratch, error);
    }
    buffer_deinit(&value);
    buffer_deinit(&room);
    if (gives)
        arena_free(scratch);
    return done;
}

static bool kept_merge(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                       Error *error)
{
    const KeptPlan *plan = data;
    const KeptState *other = (const KeptState *)(const void *)from;
    if (other->count == 0)
        return true;
    Buffer room = {0};
    const bool done = kept_append((KeptState *)(void *)to, kept_values(other), other->count, false,
                                  &room, plan->name, memory, error);
    buffer_deinit(&room);
    return done;
}

static bool kept_result(const void *data, uint8_t *const *states, uint32_t count, Vector *out,
                        Arena *arena, Error *error)
{
    Arena *scratch = arena_new((size_t)1 << 12);
    bool done = true;
    for (uint32_t i = 0; i < count && done; i++)
        done = kept_put(data, (const KeptState *)(const void *)states[i], out, i, arena, scratch,
                        error);
    arena_free(scratch);
    return done;
}

void aggregate_keep_in_state(BoundAggregate *bound, Arena *arena)
{
    static const uint32_t text_offset[] = {offsetof(KeptState, text)};
    KeptPlan *plan = arena_new_one(arena, KeptPlan);
    *plan = (KeptPlan){.name = bound->function->name,
                       .type = bound->argument_types[0],
                       .keeps_nulls = bound->keeps_nulls,
                       .data = bound->data,
                       .make = bound->make};
    bound->keeps = AGGREGATE_KEEPS_NONE;
    bound->state_bytes = sizeof(KeptState);
    bound->string_offsets = text_offset;
    bound->string_count = 1;
    bound->update = kept_update;
    bound->result_of = kept_result;
    bound->merge = kept_merge;
    bound->merges_slowly = true;
    bound->data = plan;
}
