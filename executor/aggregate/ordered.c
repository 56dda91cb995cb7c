/* MIN and MAX over input that retracts: every group keeps its values in order, with a count each.
 *
 * State: ORDERED, group's key → sort key of the value → count. The answer is the first or last.
 *
 * Invariant: a value has a record exactly while its count is above zero; a group that ends takes
 * all its values with it. NULLs are not kept. Cost: one search a row; the answer is looked up only
 * when a group first shows in a batch and when the value that was the answer has gone. */
#include "core/sort_key.h"
#include "executor/aggregate/internal.h"

struct OrderedValues {
    uint32_t argument; /* input column */
    bool last;         /* the answer is the last value, not the first */
    bool timed;        /* there is a state TTL */
    StateTable *table;
    Buffer encoded; /* sort keys of the batch at hand */
    Str *extremes;  /* by row: the answer's sort key behind it; NULL data: none */
    Str *values;    /* by row */
};

static const SortOrder ascending = {false, false};

OrderedValues *ordered_values_open(Aggregate *aggregate, const PlanAggregateCall *call,
                                   uint32_t number)
{
    const OperatorContext *context = aggregate->base.context;
    const Column *column = &context->node->inputs[0].node->schema->columns[call->arguments[0]];
    assert(call->argument_count == 1);
    OrderedValues *ordered = arena_new_one(context->arena, OrderedValues);
    ordered->argument = call->arguments[0];
    ordered->last = call->call.ordered_last;
    ordered->timed = aggregate->plan->state_ttl_ms != 0;
    StateSpec spec = {
        .name = arena_printf(context->arena, "ordered%u", number),
        .kind = STATE_ORDERED,
        .record_bytes = sizeof(int64_t),
        .description = arena_printf(context->arena, "%s %s -> count", column->name,
                                    type_text(context->arena, column->type)),
        .ttl_ms = aggregate->plan->state_ttl_ms,
    };
    ordered->table = state_table_declare(context->state, &spec);
    return ordered;
}

void ordered_values_close(OrderedValues *ordered)
{
    buffer_deinit(&ordered->encoded);
}

/* The answer's sort key in state; its bytes are the table's. */
static Str find_extreme(const OrderedValues *ordered, Str key, uint64_t hash)
{
    Str found = {NULL, 0};
    if (ordered->last)
        state_ordered_last(ordered->table, key, hash, &found);
    else
        state_ordered_first(ordered->table, key, hash, &found);
    return found;
}

/* The values of a group live as long as the group, also while rows come that bring none. */
static void keep_alive(const OrderedValues *ordered, const AggregateBatch *work, uint32_t row)
{
    void *record = state_ordered_first(ordered->table, work->keys[row], work->hashes[row], NULL);
    if (record != NULL)
        state_touch(ordered->table, record);
}

/* The same, in memory that stays while state changes. */
static Str copy_extreme(const OrderedValues *ordered, const AggregateBatch *work, uint32_t row)
{
    Str found = find_extreme(ordered, work->keys[row], work->hashes[row]);
    if (found.data != NULL)
        found.data = arena_memdup(work->arena, found.data, found.length);
    return found;
}

static void write_value(Str sort_key, Vector *out, uint32_t row, Arena *arena)
{
    if (sort_key.data == NULL)
        vector_set_null(out, row, arena);
    else
        sort_key_read(&sort_key, ascending, out, row, arena);
}

void ordered_values_read(OrderedValues *ordered, Str key, uint64_t hash, Vector *out, uint32_t row,
                         Arena *arena)
{
    write_value(find_extreme(ordered, key, hash), out, row, arena);
}

/* Sort keys of the rows that count; the others get none. */
static void encode_values(OrderedValues *ordered, const AggregateBatch *work, const uint8_t *active)
{
    const Vector *argument = &work->in->columns[ordered->argument];
    ordered->values = arena_alloc(work->arena, sizeof(Str) * work->count);
    ordered->extremes = arena_alloc(work->arena, sizeof(Str) * work->count);
    buffer_clear(&ordered->encoded);
    for (uint32_t row = 0; row < work->count; row++) {
        size_t start = ordered->encoded.length;
        if ((active == NULL || active[row]) && !vector_is_null(argument, row))
            sort_key_append(&ordered->encoded, argument, row, ascending);
        ordered->values[row].length = ordered->encoded.length - start;
    }
    const char *next = ordered->encoded.data;
    for (uint32_t row = 0; row < work->count; row++) {
        ordered->values[row].data = ordered->values[row].length == 0 ? NULL : next;
        next += ordered->values[row].length;
    }
}

static int compare(Str a, Str b)
{
    int order = memcmp(a.data, b.data, a.length < b.length ? a.length : b.length);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

static Str insert_value(const OrderedValues *ordered, const AggregateBatch *work, uint32_t row,
                        Str extreme)
{
    Str value = ordered->values[row];
    int64_t *count =
        state_ordered_put(ordered->table, work->keys[row], work->hashes[row], value, NULL);
    ++*count;
    state_touch(ordered->table, count);
    if (extreme.data == NULL)
        return value;
    int order = compare(value, extreme);
    return (ordered->last ? order > 0 : order < 0) ? value : extreme;
}

static Str retract_value(const OrderedValues *ordered, const AggregateBatch *work, uint32_t row,
                         Str extreme)
{
    Str value = ordered->values[row];
    Str key = work->keys[row];
    uint64_t hash = work->hashes[row];
    int64_t *count = state_ordered_find(ordered->table, key, hash, value);
    if (count == NULL)
        return extreme;
    if (--*count != 0) {
        state_touch(ordered->table, count);
        return extreme;
    }
    state_ordered_remove(ordered->table, key, hash, value);
    bool was_answer = extreme.data != NULL && compare(value, extreme) == 0;
    return was_answer ? copy_extreme(ordered, work, row) : extreme;
}

/* Also when a group's last row has gone: drops what was never taken back properly. */
void ordered_values_forget(const OrderedValues *ordered, Str key, uint64_t hash)
{
    Buffer first = {0};
    Str found;
    while (state_ordered_first(ordered->table, key, hash, &found) != NULL) {
        buffer_clear(&first);
        buffer_append_str(&first, found);
        state_ordered_remove(ordered->table, key, hash, (Str){first.data, first.length});
    }
    buffer_deinit(&first);
}

void ordered_values_update(OrderedValues *ordered, const AggregateBatch *work,
                           const uint8_t *active, Vector *before, Vector *after)
{
    Arena *arena = aggregate_value_arena(work);
    encode_values(ordered, work, active);
    for (uint32_t row = 0; row < work->count; row++) {
        bool retraction = change_is_retraction(aggregate_kind(work, row));
        uint32_t previous = work->previous[row];
        Str old = previous == AGGREGATE_NO_ROW ? copy_extreme(ordered, work, row)
                                               : ordered->extremes[previous];
        Str now = old;
        if (ordered->values[row].data == NULL && ordered->timed)
            keep_alive(ordered, work, row);
        if (ordered->values[row].data != NULL)
            now = retraction ? retract_value(ordered, work, row, old)
                             : insert_value(ordered, work, row, old);
        if (retraction && work->group_rows[row] == 0 && aggregate_is_counted(work, row)) {
            ordered_values_forget(ordered, work->keys[row], work->hashes[row]);
            now = (Str){NULL, 0};
        }
        ordered->extremes[row] = now;
        if (before == NULL)
            continue;
        if (previous == AGGREGATE_NO_ROW)
            write_value(old, before, row, arena);
        else
            vector_copy_value(before, row, after, previous, arena, true);
        if (now.data == old.data)
            vector_copy_value(after, row, before, row, arena, true);
        else
            write_value(now, after, row, arena);
    }
}

void ordered_values_merge(OrderedValues *ordered, const AggregateParts *parts, uint32_t part,
                          Vector *out, uint32_t row, Arena *arena)
{
    Str best = {NULL, 0};
    for (uint32_t i = parts->starts[part]; i < parts->starts[part + 1]; i++) {
        Str found = find_extreme(ordered, parts->keys[i], parts->hashes[i]);
        if (found.data == NULL)
            continue;
        int order = best.data == NULL ? 0 : compare(found, best);
        if (best.data == NULL || (ordered->last ? order > 0 : order < 0))
            best = found;
    }
    write_value(best, out, row, arena);
}
