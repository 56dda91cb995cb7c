/* The second of two phases: states of rows that were added up elsewhere are merged into groups.
 *
 * Contract: as that of the aggregate, folded: what a group was before a batch's first row for it,
 * and what it is after the last. Values before are therefore read before anything is merged, values
 * after when all is. Cost: a merge a row and call, and two reads of the result. */
#include "executor/aggregate/internal.h"

/* ------------------------------------------------------------ states as bytes */

uint32_t aggregate_states_bytes(const PlanAggregate *plan)
{
    uint32_t bytes = 0;
    for (uint32_t c = 0; c < plan->call_count; c++)
        bytes += plan->calls[c].call.state_bytes;
    return bytes;
}

static StringView *state_string(const BoundAggregate *call, uint8_t *state, uint32_t number)
{
    return (StringView *)(void *)(state + call->string_offsets[number]);
}

/* The states, then the long texts that they refer to, in the same order. */
void aggregate_states_encode(const PlanAggregate *plan, const uint8_t *states, Buffer *out)
{
    buffer_append(out, states, aggregate_states_bytes(plan));
    for (uint32_t c = 0; c < plan->call_count; c++) {
        const BoundAggregate *call = &plan->calls[c].call;
        for (uint32_t s = 0; s < call->string_count; s++) {
            Str text = string_view_str(
                (const StringView *)(const void *)(states + call->string_offsets[s]));
            if (text.length > STRING_INLINE_MAX)
                buffer_append_str(out, text);
        }
        states += call->state_bytes;
    }
}

void aggregate_states_decode(const PlanAggregate *plan, Str encoded, uint8_t *states)
{
    size_t bytes = aggregate_states_bytes(plan);
    const char *texts = encoded.data + bytes;
    memcpy(states, encoded.data, bytes);
    for (uint32_t c = 0; c < plan->call_count; c++) {
        const BoundAggregate *call = &plan->calls[c].call;
        for (uint32_t s = 0; s < call->string_count; s++) {
            StringView *view = state_string(call, states, s);
            if (view->length <= STRING_INLINE_MAX)
                continue;
            uint32_t length = view->length;
            *view = string_view_borrow(texts, length);
            texts += length;
        }
        states += call->state_bytes;
    }
}

/* -------------------------------------------------------------------- merging */

void aggregate_count_merged(const Aggregate *aggregate, AggregateBatch *work)
{
    uint32_t n = work->count;
    const int64_t *changes = work->in->columns[aggregate->plan->key_count + 1].data;
    const Vector *column = &work->in->columns[aggregate->plan->key_count + 1];
    work->group_rows = arena_alloc(work->arena, sizeof(int64_t) * n);
    work->counted = arena_alloc(work->arena, n);
    work->lived = arena_alloc(work->arena, n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t *rows = work->records[i];
        int64_t after = *rows + changes[vector_index(column, i)];
        work->lived[i] = *rows > 0;
        work->counted[i] = *rows > 0 || after > 0;
        *rows = after > 0 ? after : 0;
        work->group_rows[i] = *rows;
        work->any_ignored = work->any_ignored || !work->counted[i];
    }
}

static bool read_results(const Aggregate *aggregate, AggregateBatch *work, Vector *columns,
                         Error *error)
{
    uint32_t n = work->count;
    uint8_t **states = arena_alloc(work->arena, sizeof(uint8_t *) * n);
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++) {
        const AggregateCall *call = &aggregate->calls[c];
        const BoundAggregate *bound = &call->plan->call;
        for (uint32_t i = 0; i < n; i++)
            states[i] = (uint8_t *)work->records[i] + call->offset;
        vector_init(&columns[c], bound->result, n, work->arena);
        if (!bound->result_of(bound->data, states, n, &columns[c], aggregate_value_arena(work),
                              error))
            return false;
    }
    return true;
}

static bool merge_row(Aggregate *aggregate, const AggregateBatch *work, uint32_t row,
                      uint8_t *states, Error *error)
{
    uint8_t *record = work->records[row];
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++) {
        const AggregateCall *call = &aggregate->calls[c];
        const BoundAggregate *bound = &call->plan->call;
        if (!bound->merge(bound->data, record + call->offset,
                          states + (call->offset - aggregate->header_bytes),
                          &aggregate->memory.base, error))
            return false;
    }
    /* Calls whose groups may end hold no strings: ordered_when_retracting is not merged. */
    if (work->group_rows != NULL && work->group_rows[row] == 0)
        memset(record + aggregate->header_bytes, 0, aggregate_states_bytes(aggregate->plan));
    return true;
}

bool aggregate_merge(Aggregate *aggregate, AggregateBatch *work, Error *error)
{
    const Vector *partials = &work->in->columns[aggregate->plan->key_count];
    uint8_t *states = arena_alloc(work->arena, aggregate_states_bytes(aggregate->plan) + 8);
    if (work->before != NULL && !read_results(aggregate, work, work->before, error))
        return false;
    for (uint32_t row = 0; row < work->count; row++) {
        if (!aggregate_is_counted(work, row))
            continue;
        aggregate_states_decode(aggregate->plan, vector_str(partials, row), states);
        if (!merge_row(aggregate, work, row, states, error))
            return false;
    }
    return work->after == NULL || read_results(aggregate, work, work->after, error);
}
