/* Time over: window functions along a time attribute, over rows that only come.
 *
 * Contract: every row leaves once, as +I, with the values of its calls, and never changes. Along an
 * event time a row waits until the watermark reaches it; rows leave in order of time, those of one
 * time by partition, in a partition by the further order keys and then as they came. Where a frame
 * is not bounded, a row at or before the watermark is late; where all are, one that is not after
 * the last that left of its partition. On the clock a row leaves at once, behind those that came
 * before it; but where RANGE has a distance, rows of one millisecond are equal and leave when it is
 * over.
 *
 * State: the rows that wait, in order; per partition the folds of frames that grow or slide, and
 * the columns that calls read of rows still in a frame. Where all frames are bounded by RANGE a
 * partition is forgotten when its rows are one and a half times as old. A heap of what partitions
 * wait for is made again after a restore.
 *
 * Cost: a tree step into and out of waiting a row, a heap step per time and partition; values are
 * made for many rows at once (over/time_over_value.c). */
#include "core/hash.h"
#include "core/sort_key.h"
#include "executor/time_heap.h"
#include "executor/over/time_over.h"
#include "executor/vector_rows.h"

/* What a partition waits for. It stays as long as the heap has an entry of it. */
typedef struct Pending {
    int64_t leaves_at_us; /* when its first waiting row leaves; INT64_MAX: none waits */
    int64_t forgotten_at_us;
    uint64_t is_forgotten; /* forgotten_at_us counts */
    uint64_t entries;      /* in the heap */
} Pending;

struct TimeOverQueue {
    TimeHeap heap;
    uint64_t arrival; /* of rows that wait */
    int64_t clock_us; /* the latest time that was given to a row */
    Str *forget;      /* partitions, while time moves on */
    uint32_t forget_count;
    uint32_t forget_capacity;
    Arena *forget_keys;
    Buffer key;
    Emitter *emitter; /* during one call */
};

/* ------------------------------------------------------------------ rows that leave */

static void work_reserve(TimeOver *over, uint32_t capacity)
{
    TimeOverWork *work = &over->work;
    Arena *arena = over->scratch;
    *work = (TimeOverWork){.capacity = capacity};
    work->keys = arena_new_array(arena, Str, capacity);
    work->hashes = arena_new_array(arena, uint64_t, capacity);
    work->times = arena_new_array(arena, int64_t, capacity);
    work->peers = arena_new_array(arena, uint32_t, capacity);
    work->partitions = arena_new_array(arena, TimeOverPartition *, capacity);
    work->numbers = arena_new_array(arena, uint64_t, capacity);
    work->history = arena_new_array(arena, StateTree *, capacity);
}

/* Passes a batch on in parts that consumers take. */
static bool emit_parts(const TimeOver *over, Batch *out, Emitter *emitter, Error *error)
{
    uint32_t limit = over->base.context->batch_rows;
    if (out->row_count <= limit)
        return emit(emitter, out, error);
    uint32_t *rows = arena_new_array(over->scratch, uint32_t, limit);
    bool ok = true;
    for (uint32_t from = 0; ok && from < out->row_count; from += limit) {
        uint32_t count = out->row_count - from < limit ? out->row_count - from : limit;
        for (uint32_t i = 0; i < count; i++)
            rows[i] = from + i;
        ok = emit(emitter, batch_gather(out, rows, count), error);
    }
    batch_release(out);
    return ok;
}

static bool leave(TimeOver *over, Error *error)
{
    TimeOverWork *work = &over->work;
    Batch *out = work->out;
    if (out == NULL)
        return true;
    work->out = NULL;
    if (work->count == 0) {
        batch_release(out);
        return true;
    }
    out->row_count = work->count;
    work->out = out;
    bool ok =
        time_over_run(over, work, error) && state_store_check(over->base.context->state, error);
    work->out = NULL;
    work->count = 0;
    if (ok)
        return emit_parts(over, out, over->queue->emitter, error);
    batch_release(out);
    return false;
}

static void work_drop(TimeOver *over)
{
    batch_release(over->work.out);
    over->work.out = NULL;
    over->work.count = 0;
}

/* ------------------------------------------------------------------------ the heap */

static void push(TimeOver *over, Pending *pending, int64_t at_us, uint64_t order)
{
    pending->entries++;
    time_heap_push(&over->queue->heap, (TimeHeapEntry){at_us, order, pending});
}

/* When a row of that time leaves. */
static int64_t leaving_time(const TimeOver *over, int64_t time_us)
{
    return over->plan->on_clock ? time_us + 1000 : time_us;
}

static void row_waits(TimeOver *over, Pending *pending, int64_t time_us, uint64_t arrival)
{
    int64_t at_us = leaving_time(over, time_us);
    if (at_us >= pending->leaves_at_us && pending->entries != 0)
        return;
    pending->leaves_at_us = at_us;
    push(over, pending, at_us, arrival);
}

/* Rows of the partition have left: it is forgotten one and a half times its reach later, said anew
 * only when that would be too early. */
static void plan_to_forget(TimeOver *over, Pending *pending, int64_t last_us)
{
    if (over->reach_us < 0 || over->reach_us > INT64_MAX / 4)
        return;
    if (pending->is_forgotten != 0 && pending->forgotten_at_us > last_us + over->reach_us)
        return;
    pending->is_forgotten = 1;
    pending->forgotten_at_us = last_us + over->reach_us + over->reach_us / 2 + 1000;
    state_touch(over->pending, pending);
    push(over, pending, pending->forgotten_at_us, 0);
}

/* ---------------------------------------------------------------------- rows come */

/* Of the rows at hand. */
typedef struct Arrivals {
    const Batch *in;
    Str *keys;
    uint64_t *hashes;
    int64_t *times;
    uint32_t *rows; /* that are not late */
    uint32_t count;
} Arrivals;

static void find_keys(TimeOver *over, Arrivals *in)
{
    uint32_t n = in->in->row_count;
    const PlanOver *plan = &over->plan->over;
    in->keys = arena_new_array(over->scratch, Str, n);
    in->hashes = arena_new_array(over->scratch, uint64_t, n);
    in->times = arena_new_array(over->scratch, int64_t, n);
    in->rows = arena_new_array(over->scratch, uint32_t, n);
    const Vector **columns =
        arena_new_array(over->scratch, const Vector *, (size_t)plan->partition_count + 1);
    for (uint32_t k = 0; k < plan->partition_count; k++)
        columns[k] = &in->in->columns[plan->partition[k]];
    if (plan->partition_count != 0)
        row_encode(over->partition_layout, columns, NULL, n, over->scratch, in->keys);
    else
        for (uint32_t i = 0; i < n; i++)
            in->keys[i] = (Str){"", 0};
    key_hash_many(over->key_hash, in->in, in->keys, n, over->scratch, in->hashes);
}

static void find_times(TimeOver *over, Arrivals *in)
{
    if (over->plan->on_clock) {
        int64_t now_us = over->base.context->environment->batch_time_us;
        now_us -= ((now_us % 1000) + 1000) % 1000;
        if (over->queue->clock_us < now_us)
            over->queue->clock_us = now_us;
        for (uint32_t i = 0; i < in->in->row_count; i++)
            in->times[i] = over->queue->clock_us;
        return;
    }
    const Vector *time = &in->in->columns[over->order_column];
    for (uint32_t i = 0; i < in->in->row_count; i++)
        in->times[i] = ((const int64_t *)time->data)[vector_index(time, i)];
}

/* Sends late rows on their way; the others are left in `rows`. */
static bool sort_out_late(TimeOver *over, Arrivals *in, Emitter *emitter, Error *error)
{
    uint32_t n = in->in->row_count, late_count = 0;
    if (over->plan->on_clock) {
        for (; in->count < n; in->count++)
            in->rows[in->count] = in->count;
        return true;
    }
    void **partitions = NULL;
    if (!over->late_by_mark) {
        partitions = arena_new_array(over->scratch, void *, n);
        state_value_get(over->partitions, in->keys, in->hashes, n, partitions);
    }
    const Vector *time = &in->in->columns[over->order_column];
    int64_t watermark_us = over->base.context->time->watermark_us;
    uint32_t *late = arena_new_array(over->scratch, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        const TimeOverPartition *partition = partitions == NULL ? NULL : partitions[i];
        bool is_late = vector_is_null(time, i);
        if (over->late_by_mark)
            is_late = is_late || in->times[i] <= watermark_us;
        else
            is_late = is_late || (partition != NULL && in->times[i] <= partition->last_us);
        late[late_count] = in->rows[in->count] = i;
        late_count += is_late;
        in->count += !is_late;
    }
    return late_count == 0 || emit_late(emitter, in->in, late, late_count, error);
}

static Str waiting_key(TimeOver *over, const Arrivals *in, uint32_t row)
{
    Buffer *key = &over->queue->key;
    const PlanOver *plan = &over->plan->over;
    buffer_clear(key);
    if (over->plan->on_clock) {
        uint64_t time = __builtin_bswap64((uint64_t)in->times[row]);
        buffer_append(key, &time, sizeof(time));
    }
    for (uint32_t k = 0; k < plan->order_count && !over->plan->on_clock; k++)
        sort_key_append(key, &in->in->columns[plan->order[k].column], row,
                        (SortOrder){plan->order[k].descending, plan->order[k].nulls_last});
    uint64_t arrival = __builtin_bswap64(over->queue->arrival);
    buffer_append(key, &arrival, sizeof(arrival));
    return (Str){key->data, key->length};
}

static void keep_waiting(TimeOver *over, const Arrivals *in)
{
    Arena *scratch = over->scratch;
    uint32_t n = in->count;
    Str *keys = arena_new_array(scratch, Str, n), *rows = arena_new_array(scratch, Str, n);
    uint64_t *hashes = arena_new_array(scratch, uint64_t, n);
    const Vector **columns = arena_new_array(scratch, const Vector *, (size_t)over->own + 1);
    for (uint32_t c = 0; c < over->own; c++)
        columns[c] = &in->in->columns[c];
    row_encode(over->layout, columns, in->rows, n, scratch, rows);
    for (uint32_t i = 0; i < n; i++) {
        keys[i] = in->keys[in->rows[i]];
        hashes[i] = in->hashes[in->rows[i]];
    }
    void **pending = arena_new_array(scratch, void *, n);
    StateTree **trees = arena_new_array(scratch, StateTree *, n);
    state_value_get_or_create(over->pending, keys, hashes, n, pending, NULL);
    state_ordered_trees(over->waiting, keys, hashes, n, trees);
    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = in->rows[i];
        int64_t *time = state_tree_put(over->waiting, &trees[i], keys[i], hashes[i],
                                       waiting_key(over, in, row), rows[i], NULL);
        *time = in->times[row];
        row_waits(over, pending[i], in->times[row], over->queue->arrival++);
    }
    if (over->plan->on_clock)
        operator_wake_at(over->base.context, time_heap_next(&over->queue->heap));
}

/* Rows that leave as they come: the batch goes on, with columns more. */
static bool pass_on(TimeOver *over, const Arrivals *in, Batch *batch, Error *error)
{
    const Schema *schema = over->base.context->node->schema;
    uint32_t n = batch->row_count;
    work_reserve(over, n);
    TimeOverWork *work = &over->work;
    work->out = batch_new_bare(schema);
    work->count = n;
    for (uint32_t c = 0; c < over->own; c++)
        work->out->columns[c] = batch->columns[c];
    for (uint32_t c = over->own; c < schema->column_count; c++)
        vector_init(&work->out->columns[c], schema->columns[c].type, n, work->out->arena);
    batch_hold(work->out, batch_retain(batch));
    work->keys = in->keys;
    work->hashes = in->hashes;
    work->times = in->times;
    for (uint32_t i = 0; i < n; i++)
        work->peers[i] = i;
    return leave(over, error);
}

static bool time_over_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    TimeOver *over = (TimeOver *)op;
    Arrivals in = {.in = batch};
    arena_reset(over->scratch);
    over->queue->emitter = emitter;
    bool ok = true;
    if (batch->row_count != 0) {
        find_keys(over, &in);
        find_times(over, &in);
        ok = sort_out_late(over, &in, emitter, error);
    }
    if (ok && in.count != 0 && !over->waits)
        ok = pass_on(over, &in, batch, error);
    else if (ok && in.count != 0)
        keep_waiting(over, &in);
    work_drop(over);
    batch_release(batch);
    return ok;
}

/* ------------------------------------------------------------------ their time comes */

static uint64_t arrival_of(const TimeOver *over, const void *waiting)
{
    Str key = state_tree_sort_key(over->waiting, waiting);
    uint64_t arrival;
    memcpy(&arrival, key.data + key.length - sizeof(arrival), sizeof(arrival));
    return __builtin_bswap64(arrival);
}

/* Which of the rows of a tree's first time came first: partitions leave in that order. */
static uint64_t first_arrival(const TimeOver *over, const StateTree *tree)
{
    StateCursor cursor;
    const int64_t *row = state_cursor_at(tree, 0, &cursor);
    int64_t time_us = *row;
    uint64_t first = arrival_of(over, row);
    if (over->plan->over.order_count == 1)
        return first;
    for (; row != NULL && *row == time_us; row = state_cursor_next(&cursor))
        if (arrival_of(over, row) < first)
            first = arrival_of(over, row);
    return first;
}

/* How many of a tree's first rows are equal in the order. */
static uint32_t count_peers(const TimeOver *over, const StateTree *tree)
{
    StateCursor cursor;
    const void *record = state_cursor_at(tree, 0, &cursor);
    Str first = state_tree_sort_key(over->waiting, record);
    first.length -= sizeof(uint64_t);
    uint32_t count = 0;
    for (; record != NULL; record = state_cursor_next(&cursor), count++) {
        Str key = state_tree_sort_key(over->waiting, record);
        if (key.length - sizeof(uint64_t) != first.length ||
            memcmp(key.data, first.data, first.length) != 0)
            break;
    }
    return count;
}

/* Moves the first `count` rows of a tree, all equal, into the work; the tree, or NULL. */
static StateTree *take_rows(TimeOver *over, StateTree *tree, Str key, uint64_t hash, uint32_t count)
{
    TimeOverWork *work = &over->work;
    Vector **columns = arena_new_array(over->scratch, Vector *, (size_t)over->own + 1);
    for (uint32_t c = 0; c < over->own; c++)
        columns[c] = &work->out->columns[c];
    uint32_t first = work->count;
    key.data = arena_memdup(over->scratch, key.data, key.length);
    for (uint32_t i = 0; i < count; i++) {
        int64_t *time = state_tree_first(tree);
        uint32_t row = work->count++;
        row_decode(over->layout, state_tree_payload(over->waiting, time), columns, row,
                   work->out->arena, false);
        work->keys[row] = key;
        work->hashes[row] = hash;
        work->times[row] = *time;
        work->peers[row] = first;
        if (state_tree_remove(over->waiting, time))
            return NULL;
    }
    return tree;
}

/* Makes room for rows that stay together. */
static bool make_room(TimeOver *over, uint32_t count, Error *error)
{
    uint32_t limit = over->base.context->batch_rows;
    TimeOverWork *work = &over->work;
    if (work->out != NULL && work->count + count <= work->capacity)
        return true;
    if (!leave(over, error))
        return false;
    arena_reset(over->scratch);
    work_reserve(over, count > limit ? count : limit);
    work->out = batch_new(over->base.context->node->schema, work->capacity);
    return true;
}

/* All rows of a partition that leave at that time. */
static bool take_time(TimeOver *over, Pending *pending, Str key, int64_t at_us, Error *error)
{
    uint64_t hash = hash_bytes(key.data, key.length);
    StateTree *tree = NULL;
    state_ordered_trees(over->waiting, &key, &hash, 1, &tree);
    int64_t last_us = 0;
    while (tree != NULL) {
        const int64_t *time = state_tree_first(tree);
        if (leaving_time(over, *time) > at_us)
            break;
        last_us = *time;
        uint32_t count = count_peers(over, tree);
        if (!make_room(over, count, error))
            return false;
        tree = take_rows(over, tree, key, hash, count);
    }
    pending->leaves_at_us = INT64_MAX;
    if (tree != NULL) {
        pending->leaves_at_us = leaving_time(over, *(const int64_t *)state_tree_first(tree));
        push(over, pending, pending->leaves_at_us, first_arrival(over, tree));
    }
    plan_to_forget(over, pending, last_us);
    return true;
}

static void note_forgotten(TimeOver *over, Str key)
{
    struct TimeOverQueue *queue = over->queue;
    if (queue->forget_count == queue->forget_capacity) {
        queue->forget_capacity = queue->forget_capacity * 2 + 16;
        queue->forget = memory_realloc(queue->forget, sizeof(Str) * queue->forget_capacity);
    }
    key.data = arena_memdup(queue->forget_keys, key.data, key.length);
    queue->forget[queue->forget_count++] = key;
}

/* Those of the noted partitions for which nothing came in between. */
static void forget_noted(TimeOver *over)
{
    struct TimeOverQueue *queue = over->queue;
    for (uint32_t i = 0; i < queue->forget_count; i++) {
        Str key = queue->forget[i];
        uint64_t hash = hash_bytes(key.data, key.length);
        void *record;
        state_value_get(over->pending, &key, &hash, 1, &record);
        const Pending *pending = record;
        bool waits =
            pending != NULL && (pending->is_forgotten != 0 || pending->leaves_at_us != INT64_MAX);
        if (!waits)
            time_over_forget(over, key, hash);
    }
    queue->forget_count = 0;
    arena_reset(queue->forget_keys);
}

static bool heap_step(TimeOver *over, Error *error)
{
    TimeHeapEntry entry = time_heap_pop(&over->queue->heap);
    Pending *pending = entry.record;
    Str key = state_value_key(over->pending, pending);
    bool ok = true;
    pending->entries--;
    if (pending->is_forgotten != 0 && entry.time_us == pending->forgotten_at_us) {
        pending->is_forgotten = 0;
        note_forgotten(over, key);
    }
    if (entry.time_us == pending->leaves_at_us)
        ok = take_time(over, pending, key, entry.time_us, error);
    if (pending->entries == 0)
        state_value_remove(over->pending, pending);
    else
        state_touch(over->pending, pending);
    return ok;
}

static bool advance(TimeOver *over, int64_t to_us, Emitter *emitter, Error *error)
{
    if (time_heap_next(&over->queue->heap) > to_us)
        return true;
    arena_reset(over->scratch);
    over->queue->emitter = emitter;
    work_reserve(over, over->base.context->batch_rows);
    bool ok = true;
    while (ok && over->queue->heap.count != 0 && time_heap_next(&over->queue->heap) <= to_us)
        ok = heap_step(over, error);
    ok = ok && leave(over, error);
    work_drop(over);
    forget_noted(over);
    return ok;
}

static bool time_over_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    TimeOver *over = (TimeOver *)op;
    return over->plan->on_clock || advance(over, watermark_us, emitter, error);
}

static bool time_over_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    TimeOver *over = (TimeOver *)op;
    if (!over->plan->on_clock)
        return true;
    if (!advance(over, now_us, emitter, error))
        return false;
    operator_wake_at(op->context, time_heap_next(&over->queue->heap));
    return true;
}

/* On the clock nobody waits for a time that may not come. */
static bool time_over_end(Operator *op, Emitter *emitter, Error *error)
{
    TimeOver *over = (TimeOver *)op;
    return !over->plan->on_clock || !over->waits || advance(over, INT64_MAX, emitter, error);
}

/* ----------------------------------------------------------------------- lifetime */

static void wait_again(void *to, void *record)
{
    TimeOver *over = to;
    Pending *pending = record;
    Str key = state_value_key(over->pending, record);
    uint64_t hash = hash_bytes(key.data, key.length);
    StateTree *tree = NULL;
    StateCursor cursor;
    state_ordered_trees(over->waiting, &key, &hash, 1, &tree);
    pending->entries = 0;
    pending->leaves_at_us = INT64_MAX;
    if (tree != NULL)
        row_waits(over, pending, *(const int64_t *)state_tree_first(tree),
                  first_arrival(over, tree));
    const void *row = tree == NULL ? NULL : state_cursor_at(tree, 0, &cursor);
    for (; row != NULL; row = state_cursor_next(&cursor))
        if (arrival_of(over, row) >= over->queue->arrival)
            over->queue->arrival = arrival_of(over, row) + 1;
    if (pending->is_forgotten != 0)
        push(over, pending, pending->forgotten_at_us, 0);
}

static bool time_over_restored(Operator *op, Error *error)
{
    TimeOver *over = (TimeOver *)op;
    if (!over->waits)
        return true;
    state_value_each(over->pending, wait_again, over);
    if (over->plan->on_clock && over->queue->heap.count != 0)
        operator_wake_at(op->context, time_heap_next(&over->queue->heap));
    return true;
}

/* What of the calls decides how rows wait, are late and are forgotten. */
static void look_at_calls(TimeOver *over)
{
    over->reach_us = 0;
    over->waits = !over->plan->on_clock;
    for (uint32_t c = 0; c < over->call_count; c++) {
        const TimeOverCall *call = &over->calls[c];
        const PlanFrameBound *start = &call->plan->frame.start;
        bool has_frame = call->plan->kind >= WINDOW_FIRST_VALUE;
        bool is_bounded = has_frame && start->kind != PLAN_BOUND_UNBOUNDED_PRECEDING;
        over->late_by_mark = over->late_by_mark || !is_bounded;
        over->waits = over->waits || start->distance != NULL;
        bool by_time = is_bounded && !call->plan->frame.by_rows;
        if (!by_time || over->reach_us < 0)
            over->reach_us = -1;
        else if (call->distance_us > over->reach_us)
            over->reach_us = call->distance_us;
    }
}

static void declare_waiting(TimeOver *over)
{
    const OperatorContext *context = over->base.context;
    const Schema *input = context->node->inputs[0].node->schema;
    Buffer text = {0};
    buffer_append_text(&text, "partition, order -> time");
    for (uint32_t c = 0; c < input->column_count; c++) {
        buffer_printf(&text, ", %s ", input->columns[c].name);
        type_print(input->columns[c].type, &text);
    }
    StateSpec waiting = {.name = "waiting",
                         .kind = STATE_ORDERED,
                         .record_bytes = sizeof(int64_t),
                         .description = arena_strdup(context->arena, buffer_text(&text))};
    StateSpec pending = {.name = "pending",
                         .kind = STATE_VALUE,
                         .record_bytes = sizeof(Pending),
                         .description = "partition -> when it is forgotten"};
    over->waiting = state_table_declare(context->state, &waiting);
    over->pending = state_table_declare(context->state, &pending);
    buffer_deinit(&text);
}

static Operator *time_over_open(const OperatorContext *context, Error *error)
{
    Arena *arena = context->arena;
    const Schema *input = context->node->inputs[0].node->schema;
    TimeOver *over = arena_new_one(arena, TimeOver);
    over->base.context = context;
    over->plan = context->node->spec;
    over->own = input->column_count;
    over->order_column = over->plan->over.order[0].column;
    over->layout = row_layout_of_schema(arena, input);
    uint32_t parts = over->plan->over.partition_count;
    over->partition_layout = row_layout_of_columns(arena, input, over->plan->over.partition, parts);
    over->key_hash =
        key_hash_new(arena, &context->node->inputs[0], over->plan->over.partition, parts);
    over->queue = arena_new_one(arena, struct TimeOverQueue);
    over->queue->clock_us = INT64_MIN;
    time_over_open_calls(over);
    look_at_calls(over);
    if (over->waits)
        declare_waiting(over);
    over->queue->forget_keys = arena_new((size_t)1 << 12);
    over->scratch = arena_new((size_t)1 << 18);
    over->run = arena_new((size_t)1 << 18);
    return &over->base;
}

static void time_over_close(Operator *op)
{
    TimeOver *over = (TimeOver *)op;
    work_drop(over);
    over_values_close(over->values);
    for (uint32_t c = 0; c < over->call_count; c++)
        if (over->calls[c].seen != NULL)
            over_distinct_close(over->calls[c].seen);
    time_heap_deinit(&over->queue->heap);
    memory_free(over->queue->forget);
    buffer_deinit(&over->queue->key);
    arena_free(over->queue->forget_keys);
    arena_free(over->scratch);
    arena_free(over->run);
}

extern const OperatorClass op_time_over;
const OperatorClass op_time_over = {
    .name = "time_over",
    .open = time_over_open,
    .batch = time_over_batch,
    .watermark = time_over_watermark,
    .alarm = time_over_alarm,
    .restored = time_over_restored,
    .end = time_over_end,
    .close = time_over_close,
};
