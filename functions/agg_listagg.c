/* LISTAGG(text [, separator]): the texts in the order they came.
 *
 * While rows only come the state is the text so far, owned by the state table; when rows can go the
 * operator keeps the texts. Cost: each row copies the whole, so a group of n rows costs n² bytes;
 * it is bounded by TEXT_BYTES_MAX. */
#include "functions/aggregate_internal.h"

typedef struct ListState {
    int64_t present;
    StringView text;
} ListState;

/* data: the separator. */
static void list_put(const void *data, const ListState *state, Vector *out, uint32_t row,
                     Arena *arena)
{
    if (state->present == 0)
        vector_set_null(out, row, arena);
    else
        vector_set_str(out, row, string_view_str(&state->text), arena);
}

static bool too_long(Error *error)
{
    return error_set(error, ERROR_LIMIT, "LISTAGG made a text longer than %u bytes",
                     TEXT_BYTES_MAX);
}

/* `joined` is memory used again for every row. */
static bool list_append(ListState *state, Str separator, Str value, Buffer *joined,
                        AggregateMemory *memory, Error *error)
{
    if (state->present == 0) {
        memory->assign(memory, &state->text, value);
        state->present = 1;
        return true;
    }
    const Str text = string_view_str(&state->text);
    if (text.length + separator.length + value.length > TEXT_BYTES_MAX)
        return too_long(error);
    buffer_clear(joined);
    buffer_append_str(joined, text);
    buffer_append_str(joined, separator);
    buffer_append_str(joined, value);
    memory->assign(memory, &state->text, (Str){joined->data, joined->length});
    return true;
}

static void list_empty(ListState *state, AggregateMemory *memory)
{
    memory->assign(memory, &state->text, (Str){"", 0});
    *state = (ListState){0};
}

static bool list_update(const AggregateUpdate *update, Error *error)
{
    const Str *separator = update->data;
    const Vector *const arg = update->args[0];
    Buffer joined = {0};
    bool done = true;
    for (uint32_t row = 0; row < update->row_count && done; row++) {
        ListState *const state = (ListState *)(void *)update->states[row];
        if (update->before != NULL)
            list_put(NULL, state, update->before, row, update->arena);
        if (update_counts(update, row) && !vector_is_null(arg, row))
            done = list_append(state, *separator, vector_str(arg, row), &joined, update->memory,
                               error);
        if (update_empties(update, row))
            list_empty(state, update->memory);
        if (update->after != NULL)
            list_put(NULL, state, update->after, row, update->arena);
    }
    buffer_deinit(&joined);
    return done;
}

static bool list_merge(const void *data, uint8_t *to, const uint8_t *from, AggregateMemory *memory,
                       Error *error)
{
    const Str *separator = data;
    const ListState *other = (const ListState *)(const void *)from;
    if (other->present == 0)
        return true;
    Buffer joined = {0};
    bool done = list_append((ListState *)(void *)to, *separator, string_view_str(&other->text),
                            &joined, memory, error);
    buffer_deinit(&joined);
    return done;
}

AGGREGATE_RESULT(list_result, ListState, list_put)

/* The whole at once, of texts that were kept. */
static bool list_make(const void *data, const Vector *values, uint32_t count, Vector *out,
                      uint32_t row, Arena *arena, Error *error)
{
    const Str *separator = data;
    if (count == 0) {
        vector_set_null(out, row, arena);
        return true;
    }
    Buffer joined = {0};
    for (uint32_t i = 0; i < count && joined.length <= TEXT_BYTES_MAX; i++) {
        if (i != 0)
            buffer_append_str(&joined, *separator);
        buffer_append_str(&joined, vector_str(values, i));
    }
    const bool fits = joined.length <= TEXT_BYTES_MAX;
    if (fits)
        vector_set_str(out, row, (Str){joined.data, joined.length}, arena);
    buffer_deinit(&joined);
    return fits || too_long(error);
}

static bool list_bind(const AggregateFunction *function, const FunctionSite *site, bool retracting,
                      BoundAggregate *out, Error *error)
{
    static const uint32_t text_offset[] = {offsetof(ListState, text)};
    if (site->argument_count < 1 || site->argument_count > 2)
        return false;
    const Type **types = aggregate_begin(function, site, &type_string, out);
    Str *separator = arena_new_one(site->arena, Str);
    *separator = STR(",");
    if (!type_is_string(types[0]) || (site->argument_count > 1 && !type_is_string(types[1])))
        return false;
    if (site->argument_count > 1 && !bind_literal_text(site, 1, separator)) {
        error_set(error, ERROR_UNSUPPORTED, "the separator of LISTAGG must be a literal");
        return error_hint(error, "Write LISTAGG(x, ', ').");
    }
    separator->data = arena_memdup(site->arena, separator->data, separator->length);
    out->result = &type_string;
    if (retracting) {
        out->keeps = AGGREGATE_KEEPS_ALL;
        out->make = list_make;
        out->data = separator;
        return true;
    }
    out->state_bytes = sizeof(ListState);
    out->string_offsets = text_offset;
    out->string_count = 1;
    out->update = list_update;
    out->result_of = list_result;
    out->merge = list_merge;
    out->merges_slowly = true;
    out->data = separator;
    return true;
}

static const AggregateFunction functions[] = {
    {"LISTAGG", "(STRING, STRING?) -> STRING", list_bind, 0,
     "The texts joined by the separator, by default a comma, in the order they came."},
    {0},
};

extern const AggregateFamily agg_listagg;
const AggregateFamily agg_listagg = {functions};
