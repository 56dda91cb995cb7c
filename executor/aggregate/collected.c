/* ARRAY_AGG, COLLECT, and over input that retracts LISTAGG, FIRST_VALUE, LAST_VALUE: every group
 * keeps its values in the order they came.
 *
 * State, both ORDERED:
 *
 *     collected   group's key → number of arrival → the value, as a sort key
 *     arrivals    group's key → value, number     → nothing: where a value stands, when rows can go
 *
 * A retraction takes the value that came first among equal ones. The answer is made of the first
 * value, the last, or all.
 *
 * Invariant: the two tables hold the same entries. A group that ends takes all its values with it.
 * Cost: two searches a row; an answer of all values is as long as the group, for each row that
 * changes it. */
#include "core/sort_key.h"
#include "executor/aggregate/internal.h"

struct CollectedValues {
    const PlanAggregateCall *call;
    const Type *type; /* of the argument */
    bool timed;       /* there is a state TTL */
    StateTable *collected;
    StateTable *arrivals; /* NULL: no row can go */
    Buffer value;         /* sort key of the row at hand, and its number behind it */
    Arena *arena;         /* of one answer's values */
};

#define NUMBER_BYTES 8

static const SortOrder ascending = {false, false};

CollectedValues *collected_values_open(Aggregate *aggregate, const PlanAggregateCall *call,
                                       uint32_t number)
{
    const OperatorContext *context = aggregate->base.context;
    const Column *column = &context->node->inputs[0].node->schema->columns[call->arguments[0]];
    CollectedValues *collected = arena_new_one(context->arena, CollectedValues);
    collected->call = call;
    collected->type = column->type;
    collected->timed = aggregate->plan->state_ttl_ms != 0;
    StateSpec spec = {
        .name = arena_printf(context->arena, "collected%u", number),
        .kind = STATE_ORDERED,
        .description = arena_printf(context->arena, "arrival -> %s %s", column->name,
                                    type_text(context->arena, column->type)),
        .ttl_ms = aggregate->plan->state_ttl_ms,
    };
    collected->collected = state_table_declare(context->state, &spec);
    if (aggregate->plan->input_retracts) {
        spec.name = arena_printf(context->arena, "arrivals%u", number);
        spec.description = arena_printf(context->arena, "%s %s, arrival", column->name,
                                        type_text(context->arena, column->type));
        collected->arrivals = state_table_declare(context->state, &spec);
    }
    collected->arena = arena_new((size_t)1 << 12);
    return collected;
}

void collected_values_close(CollectedValues *collected)
{
    buffer_deinit(&collected->value);
    arena_free(collected->arena);
}

static StateTree *find_tree(StateTable *table, Str key, uint64_t hash)
{
    StateTree *tree;
    state_ordered_trees(table, &key, &hash, 1, &tree);
    return tree;
}

/* ------------------------------------------------------------------- answers */

static void read_value(const CollectedValues *collected, const void *record, Vector *values,
                       uint32_t row)
{
    Str payload = state_tree_payload(collected->collected, record);
    sort_key_read(&payload, ascending, values, row, collected->arena);
}

static bool write_answer(CollectedValues *collected, const StateTree *tree, Vector *out,
                         uint32_t row, Arena *arena, Error *error)
{
    const BoundAggregate *bound = &collected->call->call;
    uint32_t count = tree == NULL ? 0 : state_tree_size(tree);
    bool all = bound->keeps == AGGREGATE_KEEPS_ALL;
    arena_reset(collected->arena);
    Vector values;
    vector_init(&values, collected->type, all ? count + 1 : 1, collected->arena);
    if (!all && count != 0) {
        bool first = bound->keeps == AGGREGATE_KEEPS_FIRST;
        read_value(collected, first ? state_tree_first(tree) : state_tree_last(tree), &values, 0);
        count = 1;
    } else if (count != 0) {
        StateCursor cursor;
        void *record = state_cursor_at(tree, 0, &cursor);
        for (uint32_t i = 0; record != NULL; i++, record = state_cursor_next(&cursor))
            read_value(collected, record, &values, i);
    }
    return bound->make(bound->data, &values, count, out, row, arena, error);
}

bool collected_values_read(CollectedValues *collected, Str key, uint64_t hash, Vector *out,
                           uint32_t row, Arena *arena, Error *error)
{
    return write_answer(collected, find_tree(collected->collected, key, hash), out, row, arena,
                        error);
}

/* ------------------------------------------------------------------- changes */

static void number_append(Buffer *buffer, uint64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8)
        buffer_append_char(buffer, (char)(number >> shift));
}

static uint64_t number_read(Str bytes)
{
    uint64_t number = 0;
    for (size_t i = 0; i < NUMBER_BYTES; i++)
        number = number << 8 | (uint8_t)bytes.data[i];
    return number;
}

static void add_value(CollectedValues *collected, StateTree **tree, Str key, uint64_t hash)
{
    uint64_t number = 0;
    if (*tree != NULL)
        number = number_read(state_tree_sort_key(collected->collected, state_tree_last(*tree))) + 1;
    size_t length = collected->value.length;
    number_append(&collected->value, number);
    const char *bytes = collected->value.data;
    state_tree_put(collected->collected, tree, key, hash, (Str){bytes + length, NUMBER_BYTES},
                   (Str){bytes, length}, NULL);
    if (collected->arrivals == NULL)
        return;
    StateTree *places = find_tree(collected->arrivals, key, hash);
    state_tree_put(collected->arrivals, &places, key, hash, (Str){bytes, length + NUMBER_BYTES},
                   (Str){"", 0}, NULL);
}

/* Takes back the first of the equal values; false when there is none. */
static bool take_value(CollectedValues *collected, StateTree **tree, Str key, uint64_t hash)
{
    Str value = {collected->value.data, collected->value.length};
    StateTree *places = find_tree(collected->arrivals, key, hash);
    StateCursor cursor;
    void *place =
        places == NULL ? NULL : state_cursor_seek(collected->arrivals, places, value, &cursor);
    if (place == NULL)
        return false;
    Str found = state_tree_sort_key(collected->arrivals, place);
    if (found.length != value.length + NUMBER_BYTES ||
        memcmp(found.data, value.data, value.length) != 0)
        return false;
    char number[NUMBER_BYTES];
    memcpy(number, found.data + value.length, NUMBER_BYTES);
    state_tree_remove(collected->arrivals, place);
    void *record = state_tree_find(collected->collected, *tree, (Str){number, NUMBER_BYTES});
    assert(record != NULL);
    if (state_tree_remove(collected->collected, record))
        *tree = NULL;
    return true;
}

static void end_tree(StateTable *table, Str key, uint64_t hash)
{
    StateTree *tree = find_tree(table, key, hash);
    while (tree != NULL)
        if (state_tree_remove(table, state_tree_first(tree)))
            tree = NULL;
}

/* The values of a group live as long as the group, also while rows come that bring none. */
static void keep_alive(StateTable *table, Str key, uint64_t hash)
{
    StateTree *tree = table == NULL ? NULL : find_tree(table, key, hash);
    if (tree != NULL)
        state_touch(table, state_tree_first(tree));
}

/* Applies row `row`; whether the values changed. */
static bool apply_row(CollectedValues *collected, const AggregateBatch *work, uint32_t row,
                      bool counts, StateTree **tree)
{
    Str key = work->keys[row];
    uint64_t hash = work->hashes[row];
    bool retraction = change_is_retraction(aggregate_kind(work, row));
    const Vector *argument = &work->in->columns[collected->call->arguments[0]];
    bool changed = false;
    if (counts && (collected->call->call.keeps_nulls || !vector_is_null(argument, row))) {
        buffer_clear(&collected->value);
        sort_key_append(&collected->value, argument, row, ascending);
        changed = !retraction || take_value(collected, tree, key, hash);
        if (!retraction)
            add_value(collected, tree, key, hash);
    }
    if (retraction && work->group_rows[row] == 0 && aggregate_is_counted(work, row)) {
        end_tree(collected->collected, key, hash);
        end_tree(collected->arrivals, key, hash);
        *tree = NULL;
        return true;
    }
    if (collected->timed) {
        keep_alive(collected->collected, key, hash);
        keep_alive(collected->arrivals, key, hash);
    }
    return changed;
}

bool collected_values_update(CollectedValues *collected, const AggregateBatch *work,
                             const uint8_t *active, Vector *before, Vector *after, Error *error)
{
    Arena *arena = aggregate_value_arena(work);
    for (uint32_t row = 0; row < work->count; row++) {
        uint32_t previous = work->previous[row];
        StateTree *tree = find_tree(collected->collected, work->keys[row], work->hashes[row]);
        if (before != NULL && previous != AGGREGATE_NO_ROW)
            vector_copy_value(before, row, after, previous, arena, true);
        else if (before != NULL && !write_answer(collected, tree, before, row, arena, error))
            return false;
        bool changed = apply_row(collected, work, row, active == NULL || active[row] != 0, &tree);
        if (before == NULL)
            continue;
        if (!changed)
            vector_copy_value(after, row, before, row, arena, true);
        else if (!write_answer(collected, tree, after, row, arena, error))
            return false;
    }
    return true;
}
