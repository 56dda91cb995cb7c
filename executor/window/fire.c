/* Windows that end: their slices put together, their rows given, their state let go.
 *
 * A window of one slice is read from its groups' records as they are. A window of several first
 * finds, per key, the groups of its slices (a hash table over the records at hand, made anew for
 * each window), then merges them in scratch memory a few rows at a time, so that what is merged
 * stays in the cache.
 *
 * Cost: a probe and a merge per key and slice; nothing is written to state. */
#include "executor/window/merge.h"

/* ----------------------------------------------------------------------- forget */

bool window_stop_waiting(WindowAggregate *window, void *record, int64_t end)
{
    WindowSlice *slice = window_slices_find(&window->slices, end);
    bool last = window_slice_drop(slice, window_record(window, record)->position);
    if (last)
        window_slices_free(&window->slices, slice);
    return last;
}

void window_forget(WindowAggregate *window, void *record)
{
    Aggregate *aggregate = &window->aggregate;
    if (aggregate->distinct_count != 0 || aggregate->has_ordered) {
        Str key = state_value_key(aggregate->groups, record);
        Str keys = window_group_keys(window, key);
        uint64_t hash = window_group_hash(hash_bytes(keys.data, keys.length), key);
        for (uint32_t s = 0; s < aggregate->distinct_count; s++)
            distinct_set_forget(aggregate->distinct_sets[s], key, hash);
        for (uint32_t c = 0; c < aggregate->plan->call_count; c++)
            if (aggregate->calls[c].ordered != NULL)
                ordered_values_forget(aggregate->calls[c].ordered, key, hash);
    }
    state_value_remove(aggregate->groups, record);
}

bool window_remove(WindowAggregate *window, void *record, int64_t end)
{
    bool last = window_stop_waiting(window, record, end);
    window_forget(window, record);
    return last;
}

/* ------------------------------------------------------------------------- rows */

/* Strings of merged states: in memory that goes with the chunk. */
typedef struct ScratchMemory {
    AggregateMemory base;
    Arena *arena;
} ScratchMemory;

static void scratch_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    *slot = string_view_copy(((ScratchMemory *)memory)->arena, value.data, value.length);
}

/* Some of the results, on their way into one batch. */
typedef struct Chunk {
    WindowAggregate *window;
    const WindowResults *results;
    uint32_t from;
    uint32_t count;
    AggregateParts parts; /* keys only where a call needs them */
    Arena *arena;
    ScratchMemory memory;
} Chunk;

static void *chunk_record(const Chunk *chunk, uint32_t result)
{
    return chunk->results->records[chunk->results->starts[chunk->from + result]];
}

/* Keys and hashes of the groups, for calls that keep values outside the record. */
static void find_parts(Chunk *chunk)
{
    const Aggregate *aggregate = &chunk->window->aggregate;
    const uint32_t *starts = chunk->results->starts + chunk->from;
    uint32_t total = starts[chunk->count] - starts[0];
    uint32_t *own = arena_alloc(chunk->arena, sizeof(uint32_t) * (chunk->count + 1));
    Str *keys = arena_alloc(chunk->arena, sizeof(Str) * total);
    uint64_t *hashes = arena_alloc(chunk->arena, sizeof(uint64_t) * total);
    for (uint32_t i = 0; i <= chunk->count; i++)
        own[i] = starts[i] - starts[0];
    for (uint32_t i = 0; i < total; i++) {
        keys[i] = state_value_key(aggregate->groups, chunk->results->records[starts[0] + i]);
        Str part = window_group_keys(chunk->window, keys[i]);
        hashes[i] = window_group_hash(hash_bytes(part.data, part.length), keys[i]);
    }
    chunk->parts = (AggregateParts){chunk->count, own, keys, hashes};
}

/* The states of a call, merged where a result has several groups. */
static bool merge_states(Chunk *chunk, const AggregateCall *call, uint8_t **states, Error *error)
{
    const BoundAggregate *bound = &call->plan->call;
    const WindowResults *results = chunk->results;
    for (uint32_t i = 0; i < chunk->count && results->merged; i++)
        states[i] =
            (uint8_t *)window_merge_record(&chunk->window->merge, chunk->from + i) + call->offset;
    for (uint32_t i = 0; i < chunk->count && !results->merged; i++) {
        uint32_t from = results->starts[chunk->from + i];
        uint32_t to = results->starts[chunk->from + i + 1];
        states[i] = (uint8_t *)results->records[from] + call->offset;
        if (to - from == 1)
            continue;
        states[i] = arena_memdup(chunk->arena, states[i], bound->state_bytes);
        for (uint32_t r = from + 1; r < to; r++)
            if (!bound->merge(bound->data, states[i], (uint8_t *)results->records[r] + call->offset,
                              &chunk->memory.base, error))
                return false;
    }
    return true;
}

static bool has_several(const Chunk *chunk)
{
    const uint32_t *starts = chunk->results->starts + chunk->from;
    return starts[chunk->count] - starts[0] != chunk->count;
}

static bool write_call(Chunk *chunk, const AggregateCall *call, Vector *out, Arena *arena,
                       Error *error)
{
    const BoundAggregate *bound = &call->plan->call;
    if (call->ordered != NULL) {
        for (uint32_t i = 0; i < chunk->count; i++)
            ordered_values_merge(call->ordered, &chunk->parts, i, out, i, arena);
        return true;
    }
    uint8_t **states = arena_alloc(chunk->arena, sizeof(uint8_t *) * chunk->count);
    if (call->distinct != NULL && has_several(chunk)) {
        for (uint32_t i = 0; i < chunk->count; i++)
            states[i] = arena_zalloc(chunk->arena, bound->state_bytes);
        if (!distinct_set_merge(call->distinct, call, &chunk->parts, states, &chunk->memory.base,
                                chunk->arena, error))
            return false;
    } else if (!merge_states(chunk, call, states, error)) {
        return false;
    }
    return bound->result_of(bound->data, states, chunk->count, out, arena, error);
}

static void write_property(const Chunk *chunk, PlanWindowProperty property, Vector *out)
{
    const WindowResults *results = chunk->results;
    const TimeZone *zone = chunk->window->plan->window.zone;
    int64_t *values = out->data;
    if (property == PLAN_WINDOW_CLOCK) {
        int64_t now = operator_now_us(chunk->window->aggregate.base.context);
        for (uint32_t i = 0; i < chunk->count; i++)
            values[i] = now - now % 1000;
        return;
    }
    const int64_t *each =
        property == PLAN_WINDOW_START ? results->window_starts : results->window_ends;
    int64_t same = property == PLAN_WINDOW_START ? results->start : results->end;
    for (uint32_t i = 0; i < chunk->count; i++)
        values[i] = each != NULL ? each[chunk->from + i] : same;
    if (property != PLAN_WINDOW_TIME)
        return;
    for (uint32_t i = 0; i < chunk->count; i++) {
        values[i] -= 1000;
        if (zone != NULL && out->type->kind == TYPE_TIMESTAMP_LTZ)
            values[i] = time_zone_to_utc(zone, values[i]);
    }
}

static bool write_chunk(Chunk *chunk, Batch *out, Error *error)
{
    WindowAggregate *window = chunk->window;
    const Aggregate *aggregate = &window->aggregate;
    const PlanAggregate *plan = aggregate->plan;
    Vector **keys = arena_new_array(chunk->arena, Vector *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        keys[k] = &out->columns[k];
    for (uint32_t i = 0; i < chunk->count && plan->key_count != 0; i++) {
        Str key = chunk->results->merged
                      ? window_merge_key(window, chunk->from + i)
                      : window_group_keys(
                            window, state_value_key(aggregate->groups, chunk_record(chunk, i)));
        row_decode(aggregate->key_layout, key, keys, i, out->arena, false);
    }
    if (aggregate->has_ordered || aggregate->distinct_count != 0)
        find_parts(chunk);
    for (uint32_t c = 0; c < plan->call_count; c++)
        if (!write_call(chunk, &aggregate->calls[c], &out->columns[plan->key_count + c], out->arena,
                        error))
            return false;
    for (uint32_t p = 0; p < window->plan->property_count; p++)
        write_property(chunk, window->plan->properties[p],
                       &out->columns[plan->key_count + plan->call_count + p]);
    out->row_count = chunk->count;
    return true;
}

bool window_write(WindowAggregate *window, const WindowResults *results, uint32_t from,
                  uint32_t count, Batch *out, Error *error)
{
    Arena *arena = window->aggregate.scratch;
    arena_reset(arena);
    Chunk chunk = {.window = window,
                   .results = results,
                   .from = from,
                   .count = count,
                   .arena = arena,
                   .memory = {{scratch_assign}, arena}};
    return write_chunk(&chunk, out, error);
}

bool window_emit(WindowAggregate *window, const WindowResults *results, Emitter *emitter,
                 Error *error)
{
    const OperatorContext *context = window->aggregate.base.context;
    uint32_t limit = context->batch_rows == 0 ? 1 : context->batch_rows;
    limit = limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    for (uint32_t from = 0; from < results->count; from += limit) {
        uint32_t count = results->count - from < limit ? results->count - from : limit;
        Batch *out = batch_new(context->node->schema, count);
        if (!window_write(window, results, from, count, out, error)) {
            batch_release(out);
            return false;
        }
        if (!emit(emitter, out, error))
            return false;
    }
    return true;
}

/* ------------------------------------------------------------- windows of slices */

/* The slices of a window: their records, by key. */
typedef struct Gathering {
    WindowAggregate *window;
    uint32_t total;
    void **records;    /* of all slices, one slice after the other */
    uint32_t *results; /* which result each belongs to */
    void **first;      /* by result, its first record */
    uint32_t *sizes;   /* by result */
    uint32_t count;
} Gathering;

static void list_records(Gathering *all, WindowSlice *const *slices, uint32_t slice_count)
{
    Arena *arena = all->window->firing;
    uint32_t room = 0;
    for (uint32_t s = 0; s < slice_count; s++)
        room += slices[s]->count - slices[s]->gone;
    all->records = arena_alloc(arena, sizeof(void *) * (room + 1));
    for (uint32_t s = 0; s < slice_count; s++)
        for (uint32_t i = 0; i < slices[s]->count; i++)
            if (slices[s]->records[i] != NULL)
                all->records[all->total++] = slices[s]->records[i];
}

static bool has_keys(const WindowAggregate *window, void *record, Str keys)
{
    Str other = window_group_keys(window, state_value_key(window->aggregate.groups, record));
    return other.length == keys.length && memcmp(other.data, keys.data, keys.length) == 0;
}

/* Numbers the results by the order in which their keys come. */
static void match_keys(Gathering *all)
{
    enum { READ_AHEAD = 12 };
    WindowAggregate *window = all->window;
    Arena *arena = window->firing;
    all->results = arena_alloc(arena, sizeof(uint32_t) * all->total);
    all->first = arena_alloc(arena, sizeof(void *) * all->total);
    all->sizes = arena_zalloc(arena, sizeof(uint32_t) * all->total);
    uint32_t mask = 1;
    while (mask < all->total * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(arena, sizeof(uint32_t) * mask);
    mask--;
    for (uint32_t i = 0; i < all->total; i++) {
        if (i + READ_AHEAD < all->total)
            __builtin_prefetch(all->records[i + READ_AHEAD]);
        void *record = all->records[i];
        Str keys = window_group_keys(window, state_value_key(window->aggregate.groups, record));
        uint32_t hash = window_record(window, record)->key_hash;
        uint32_t at = hash & mask;
        while (slots[at] != 0) {
            void *other = all->first[slots[at] - 1];
            if (window_record(window, other)->key_hash == hash && has_keys(window, other, keys))
                break;
            at = (at + 1) & mask;
        }
        if (slots[at] == 0) {
            all->first[all->count] = record;
            slots[at] = ++all->count;
        }
        all->results[i] = slots[at] - 1;
        all->sizes[slots[at] - 1]++;
    }
}

/* Records of one result next to each other, older slices first. */
static void order_records(const Gathering *all, WindowResults *out)
{
    Arena *arena = all->window->firing;
    out->count = all->count;
    out->starts = arena_alloc(arena, sizeof(uint32_t) * (all->count + 1));
    out->records = arena_alloc(arena, sizeof(void *) * (all->total + 1));
    uint32_t *next = arena_alloc(arena, sizeof(uint32_t) * (all->count + 1));
    uint32_t sum = 0;
    for (uint32_t i = 0; i < all->count; i++) {
        out->starts[i] = next[i] = sum;
        sum += all->sizes[i];
    }
    out->starts[all->count] = sum;
    for (uint32_t i = 0; i < all->total; i++)
        out->records[next[all->results[i]]++] = all->records[i];
}

/* Each record a result of its own. */
static void take_records(const Gathering *all, WindowResults *out)
{
    Arena *arena = all->window->firing;
    out->count = all->total;
    out->records = all->records;
    out->starts = arena_alloc(arena, sizeof(uint32_t) * (all->total + 1));
    for (uint32_t i = 0; i <= all->total; i++)
        out->starts[i] = i;
    if (all->window->shape.kind != PLAN_WINDOW_ATTACHED)
        return;
    out->window_starts = arena_alloc(arena, sizeof(int64_t) * (all->total + 1));
    for (uint32_t i = 0; i < all->total; i++) {
        Str key = state_value_key(all->window->aggregate.groups, all->records[i]);
        out->window_starts[i] = window_group_time(all->window, key, 1);
    }
}

static bool give_window(WindowAggregate *window, int64_t end, WindowSlice *const *slices,
                        uint32_t slice_count, Emitter *emitter, Error *error)
{
    Gathering all = {.window = window};
    WindowResults results = {.start = window_start(&window->shape, end), .end = end};
    bool grows = window->shape.kind == PLAN_WINDOW_CUMULATE &&
                 window->shape.slide_us != window->shape.size_us;
    if (window->merges && (slice_count > 1 || grows)) {
        if (!window_merge_slices(window, results.start, end, slices, slice_count, error))
            return false;
        results.merged = true;
        results.count = window->merge.count;
        return window_emit(window, &results, emitter, error);
    }
    list_records(&all, slices, slice_count);
    if (slice_count == 1) {
        take_records(&all, &results);
    } else {
        match_keys(&all);
        order_records(&all, &results);
    }
    return window_emit(window, &results, emitter, error);
}

static void forget_slice(WindowAggregate *window, WindowSlice *slice)
{
    /* The last record takes the slice with it. */
    bool gone = false;
    for (uint32_t i = 0; !gone; i++)
        if (slice->records[i] != NULL)
            gone = window_remove(window, slice->records[i], slice->end);
}

/* Gives the window that ends first; its slices wait for their next one or go. */
static bool fire_first(WindowAggregate *window, Emitter *emitter, Error *error)
{
    Arena *arena = window->firing;
    arena_reset(arena);
    int64_t end = window_slices_first(&window->slices)->next;
    uint32_t count = 0, capacity = 16;
    WindowSlice **slices = arena_alloc(arena, sizeof(WindowSlice *) * capacity);
    WindowSlice *first;
    while ((first = window_slices_first(&window->slices)) != NULL && first->next == end) {
        if (count == capacity) {
            WindowSlice **more = arena_alloc(arena, sizeof(WindowSlice *) * capacity * 2);
            memcpy(more, slices, sizeof(WindowSlice *) * capacity);
            slices = more;
            capacity *= 2;
        }
        slices[count++] = window_slices_pop(&window->slices);
    }
    if (!give_window(window, end, slices, count, emitter, error))
        return false;
    for (uint32_t i = 0; i < count; i++) {
        int64_t earliest, last;
        bool held = window_ends(&window->shape, slices[i]->end, &earliest, &last);
        int64_t next = window_next(&window->shape, end);
        if (held && next <= last && window->shape.slide_us != 0)
            window_slices_wait(&window->slices, slices[i], next);
        else
            forget_slice(window, slices[i]);
    }
    window_merge_done(window);
    return true;
}

bool window_fire(WindowAggregate *window, Emitter *emitter, Error *error)
{
    WindowSlice *first;
    while ((first = window_slices_first(&window->slices)) != NULL &&
           window_is_closed(window, first->next)) {
        bool given = window->shape.kind == PLAN_WINDOW_SESSION
                         ? window_session_fire(window, emitter, error)
                         : fire_first(window, emitter, error);
        if (!given)
            return false;
    }
    return true;
}
