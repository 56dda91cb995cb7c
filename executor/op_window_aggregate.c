/* Aggregate over windows: per key and window one row, given when the window ends.
 *
 * Contract: a window is given once, as +I, when the watermark reaches its last millisecond; a
 * window without rows is not given. Windows are given in the order of their ends, the keys of one
 * in the order in which they first came. A row counts in every window that holds its time and is
 * still open; one that finds all of them closed is left out and counted as late. Rows taken back
 * (-U, -D) are taken out of the windows still open. A row without a time is left out and counted.
 *
 * Columnar: times become slices in one loop; rows of one key and slice are found inside the batch,
 * so that they ask the state for their group once, keys are encoded and hashed for the whole batch,
 * the groups found in one call, and every aggregate runs once over all rows. Windows that overlap
 * share slices: HOP and CUMULATE put slices together when a window ends.
 *
 * Cost: a hash a row, and one prefetched probe a group of the batch, or, where keys hardly repeat,
 * a row; a window of n slices costs n merges a key. State: a record per
 * key and slice, let go with the last window of the slice. */
#include "executor/window/merge.h"

#include <stdlib.h>

/* ---------------------------------------------------------------- rows to slices */

void window_read_times(const WindowAggregate *window, const Vector *column, uint32_t count,
                       int64_t *out)
{
    const TimeZone *zone = window->plan->window.zone;
    if (window->clock != NULL) {
        int64_t now = zone == NULL ? window->now_us : time_zone_to_local(zone, window->now_us);
        for (uint32_t i = 0; i < count; i++)
            out[i] = now;
        return;
    }
    window_read_clock(&window->plan->window, column, count, out);
}

/* The latest times of rows that stand for several, of sessions; others': their times. */
static const int64_t *read_lasts(const WindowAggregate *window, const Batch *in,
                                 const int64_t *times)
{
    const PlanAggregate *plan = window->aggregate.plan;
    if (!plan->merges || !window->in_buckets || window->clock != NULL)
        return times;
    enum { BEHIND_KEYS = 2 };
    int64_t *lasts = arena_alloc(window->aggregate.scratch, sizeof(int64_t) * in->row_count);
    window_read_times(window, &in->columns[plan->key_count + BEHIND_KEYS], in->row_count, lasts);
    return lasts;
}

static void find_ends(const WindowAggregate *window, WindowBatch *batch)
{
    const WindowShape *shape = &window->shape;
    uint32_t count = batch->work.count;
    switch (shape->kind) {
    case PLAN_WINDOW_ATTACHED:
        memcpy(batch->ends, batch->times, sizeof(int64_t) * count);
        break;
    case PLAN_WINDOW_SESSION:
        if (window->in_buckets) {
            window_slice_ends(shape, batch->times, count, batch->ends);
            break;
        }
        for (uint32_t i = 0; i < count; i++)
            batch->ends[i] = batch->times[i] + shape->size_us;
        break;
    default:
        window_slice_ends(shape, batch->times, count, batch->ends);
    }
}

static RowFate fate_of(const WindowAggregate *window, int64_t end)
{
    int64_t first, last;
    if (!window_ends(&window->shape, end, &first, &last))
        return ROW_OUTSIDE;
    return window_is_closed(window, last) ? ROW_LATE : ROW_COUNTS;
}

/* The keys of some rows, NULL: of all, and their hashes. */
static void encode_keys(WindowAggregate *window, WindowBatch *batch, const uint32_t *rows,
                        uint32_t count)
{
    Aggregate *aggregate = &window->aggregate;
    AggregateBatch *work = &batch->work;
    batch->keys = arena_alloc(work->arena, sizeof(Str) * count);
    batch->hashes = arena_alloc(work->arena, sizeof(uint64_t) * count);
    if (aggregate->plan->key_count == 0) {
        for (uint32_t i = 0; i < count; i++)
            batch->keys[i] = (Str){"", 0};
    } else {
        for (uint32_t k = 0; k < aggregate->plan->key_count; k++)
            aggregate->key_columns[k] = &work->in->columns[aggregate->plan->keys[k]];
        row_encode(aggregate->key_layout, aggregate->key_columns, rows, count, work->arena,
                   batch->keys);
    }
    if (rows != NULL)
        hash_many(batch->keys, count, batch->hashes);
    else
        key_hash_many(aggregate->key_hash, work->in, batch->keys, count, work->arena,
                      batch->hashes);
}

static uint32_t list_rows(const WindowBatch *batch, RowFate fate, uint32_t count, uint32_t *rows)
{
    uint32_t listed = 0;
    for (uint32_t i = 0; i < count; i++) {
        rows[listed] = i;
        listed += batch->fates[i] == fate;
    }
    return listed;
}

/* Goes on with the rows that count; tells of those that came too late. */
static bool keep_rows(const WindowAggregate *window, WindowBatch *batch, Emitter *emitter,
                      Error *error)
{
    AggregateBatch *work = &batch->work;
    uint32_t *rows = arena_alloc(work->arena, sizeof(uint32_t) * (work->count + 1));
    uint32_t late = list_rows(batch, ROW_LATE, work->count, rows);
    if (late != 0 && !emit_late(emitter, work->in, rows, late, error))
        return false;
    uint32_t count = list_rows(batch, ROW_COUNTS, work->count, rows);
    if (count == work->count)
        return true;
    for (uint32_t i = 0; i < count; i++) {
        batch->times[i] = batch->times[rows[i]];
        batch->ends[i] = batch->ends[rows[i]];
    }
    Batch *kept = batch_gather(work->in, rows, count);
    batch_release(work->in);
    work->in = kept;
    work->count = count;
    batch->keys = NULL;
    batch->lasts = read_lasts(window, kept, batch->times);
    return true;
}

/* A row whose own session would be over is late, unless it joins one that is not. */
static bool may_be_late(const WindowAggregate *window, int64_t time)
{
    return window_is_closed(window, time + window->shape.size_us);
}

static void judge_buckets(WindowAggregate *window, WindowBatch *batch)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < batch->work.count; i++) {
        if (batch->fates[i] != ROW_COUNTS || !may_be_late(window, batch->lasts[i]))
            continue;
        if (batch->keys == NULL)
            encode_keys(window, batch, NULL, batch->work.count);
        if (!window_bucket_joins(window, batch, i, &text))
            batch->fates[i] = ROW_LATE;
    }
    buffer_deinit(&text);
}

/* Finds the rows' slices, and leaves out the rows that belong to none still open. */
static bool admit(WindowAggregate *window, WindowBatch *batch, Emitter *emitter, Error *error)
{
    AggregateBatch *work = &batch->work;
    const Vector *column = &work->in->columns[window->plan->window.time_column];
    batch->times = arena_alloc(work->arena, sizeof(int64_t) * work->count);
    batch->ends = arena_alloc(work->arena, sizeof(int64_t) * work->count);
    batch->fates = arena_zalloc(work->arena, work->count);
    window_read_times(window, column, work->count, batch->times);
    batch->lasts = read_lasts(window, work->in, batch->times);
    find_ends(window, batch);
    bool is_session = window->shape.kind == PLAN_WINDOW_SESSION;
    for (uint32_t i = 0; i < work->count; i++) {
        if (window->clock == NULL && column->validity != NULL && vector_is_null(column, i))
            batch->fates[i] = ROW_LATE;
        else if (!is_session)
            batch->fates[i] = (uint8_t)fate_of(window, batch->ends[i]);
    }
    if (window->in_buckets) {
        judge_buckets(window, batch);
    } else if (is_session) {
        encode_keys(window, batch, NULL, batch->work.count);
        window_session_note(window, batch);
    }
    return keep_rows(window, batch, emitter, error);
}

/* --------------------------------------------------------------------- groups */

static bool is_one_slice(const WindowBatch *batch)
{
    int64_t difference = 0;
    for (uint32_t i = 0; i < batch->work.count; i++)
        difference |= batch->ends[i] ^ batch->ends[0];
    return difference == 0;
}

/* Groups the rows inside the batch; false: each row has to look for its group. */
static bool find_alike(WindowAggregate *window, const WindowBatch *batch, LocalGroups *alike)
{
    const AggregateBatch *work = &batch->work;
    LocalKeys keys = window->alike;
    if (window->aggregate.plan->merges || work->count == 1 || local_trial_pauses(&window->trial))
        return false;
    for (uint32_t k = 0; k < window->aggregate.plan->key_count; k++)
        keys.columns[k] = &work->in->columns[window->aggregate.plan->keys[k]];
    if (window->shape.kind == PLAN_WINDOW_ATTACHED)
        keys.columns[keys.column_count - 1] = &work->in->columns[window->plan->window.start_column];
    keys.numbers = is_one_slice(batch) ? NULL : batch->ends;
    if (!local_groups_find(alike, &keys, work->count, work->arena))
        return false;
    local_trial_judge(&window->trial, work->count, alike->count);
    return true;
}

/* Puts the slice behind the keys of the rows looked for, and mixes the hashes. */
static void make_group_keys(const WindowAggregate *window, WindowBatch *batch, const uint32_t *rows,
                            uint32_t count)
{
    AggregateBatch *work = &batch->work;
    size_t bytes = 0;
    for (uint32_t i = 0; i < count; i++)
        bytes += batch->keys[i].length + window->suffix_bytes;
    char *text = arena_alloc(work->arena, bytes);
    bool attached = window->shape.kind == PLAN_WINDOW_ATTACHED;
    const Vector *starts = &work->in->columns[window->plan->window.start_column];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows == NULL ? i : rows[i];
        Str keys = batch->keys[i];
        work->keys[i] = (Str){text, keys.length + window->suffix_bytes};
        memcpy(text, keys.data, keys.length);
        memcpy(text + keys.length, &batch->ends[row], sizeof(int64_t));
        if (attached)
            memcpy(text + keys.length + sizeof(int64_t),
                   (const int64_t *)starts->data + vector_index(starts, row), sizeof(int64_t));
        text += work->keys[i].length;
    }
    hash_many(work->keys, count, work->hashes);
    for (uint32_t i = 0; i < count; i++)
        work->hashes[i] = (batch->hashes[i] >> 32 << 32) | (uint32_t)work->hashes[i];
}

/* What was found for the first row of each group is all its rows'. In place, from behind: no row
 * stands before its group. */
static void spread_groups(const WindowAggregate *window, AggregateBatch *work,
                          const LocalGroups *alike)
{
    bool by_key = window->aggregate.has_ordered || window->aggregate.distinct_count != 0;
    for (uint32_t i = work->count; i-- > 0;) {
        uint32_t group = alike->groups[i];
        work->records[i] = work->records[group];
        work->created[i] = work->created[group] & (alike->first[group] == i);
    }
    for (uint32_t i = work->count; by_key && i-- > 0;) {
        work->keys[i] = work->keys[alike->groups[i]];
        work->hashes[i] = work->hashes[alike->groups[i]];
    }
}

void window_find_groups(WindowAggregate *window, WindowBatch *batch)
{
    AggregateBatch *work = &batch->work;
    LocalGroups alike;
    bool repeats = find_alike(window, batch, &alike);
    uint32_t n = repeats ? alike.count : work->count;
    const uint32_t *rows = repeats ? alike.first : NULL;
    if (repeats || batch->keys == NULL)
        encode_keys(window, batch, rows, n);
    work->keys = arena_alloc(work->arena, sizeof(Str) * work->count);
    work->hashes = arena_alloc(work->arena, sizeof(uint64_t) * work->count);
    work->records = arena_alloc(work->arena, sizeof(void *) * work->count);
    work->created = arena_zalloc(work->arena, work->count);
    make_group_keys(window, batch, rows, n);
    state_value_get_or_create(window->aggregate.groups, work->keys, work->hashes, n, work->records,
                              work->created);
    for (uint32_t i = 0; i < n; i++) {
        state_touch(window->aggregate.groups, work->records[i]);
        if (!work->created[i])
            continue;
        WindowRecord *record = window_record(window, work->records[i]);
        record->arrival = window->aggregate.next_arrival++;
        record->key_hash = (uint32_t)batch->hashes[i];
    }
    if (repeats)
        spread_groups(window, work, &alike);
}

void window_wait(WindowAggregate *window, void *record, int64_t end)
{
    WindowSlice *slice = window_slices_get(&window->slices, end);
    window_record(window, record)->position = window_slice_add(slice, record);
    if (slice->waits_at != WINDOW_SLICE_IDLE)
        return;
    int64_t next, last;
    bool held = window_ends(&window->shape, end, &next, &last);
    assert(held);
    (void)held;
    /* A session that was bridged waits for its own end even when that has passed. */
    while (next < last && window_is_closed(window, next))
        next = window_next(&window->shape, next);
    window_slices_wait(&window->slices, slice, next);
}

static void enter_groups(WindowAggregate *window, const WindowBatch *batch)
{
    const AggregateBatch *work = &batch->work;
    for (uint32_t i = 0; i < work->count; i++) {
        if (work->created[i] && !window->in_buckets)
            window_wait(window, work->records[i], batch->ends[i]);
    }
    if (window->in_buckets)
        window_bucket_note(window, batch);
}

/* Gives back the groups that have no row left; a group can stand at several rows. */
static void remove_empty_groups(WindowAggregate *window, const WindowBatch *batch)
{
    enum { MARKED = -1 };
    const AggregateBatch *work = &batch->work;
    if (work->group_rows == NULL)
        return;
    uint32_t *empty = arena_alloc(work->arena, sizeof(uint32_t) * work->count);
    uint32_t count = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        int64_t *rows = work->records[i];
        if (work->group_rows[i] != 0 || *rows != 0)
            continue;
        *rows = MARKED;
        empty[count++] = i;
    }
    for (uint32_t i = 0; i < count; i++)
        window_remove(window, work->records[empty[i]], batch->ends[empty[i]]);
}

static bool run_batch(WindowAggregate *window, WindowBatch *batch, Error *error)
{
    if (batch->work.count == 0)
        return true;
    window_find_groups(window, batch);
    window_merge_note(window, batch->ends, batch->work.count);
    enter_groups(window, batch);
    aggregate_count_rows(&window->aggregate, &batch->work);
    if (!aggregate_update(&window->aggregate, &batch->work, error))
        return false;
    remove_empty_groups(window, batch);
    return state_store_check(window->aggregate.base.context->state, error);
}

/* Takes the batch over. */
static bool take_rows(WindowAggregate *window, Batch *in, Emitter *emitter, Error *error)
{
    WindowBatch batch = {
        .work = {.in = in, .count = in->row_count, .arena = window->aggregate.scratch}};
    bool ok = admit(window, &batch, emitter, error) && run_batch(window, &batch, error);
    batch_release(batch.work.in);
    return ok;
}

static bool take_range(WindowAggregate *window, Batch *in, uint32_t from, uint32_t to,
                       Emitter *emitter, Error *error)
{
    if (from == to)
        return true;
    uint32_t *rows = arena_alloc(window->aggregate.scratch, sizeof(uint32_t) * (to - from));
    for (uint32_t i = from; i < to; i++)
        rows[i - from] = i;
    return take_rows(window, batch_gather(in, rows, to - from), emitter, error);
}

/* Sessions in buckets: whether a row is late may hang on the rows before it, so these go first.
 * Takes the batch over. */
static bool take_parts(WindowAggregate *window, Batch *in, Emitter *emitter, Error *error)
{
    const Vector *column = &in->columns[window->plan->window.time_column];
    int64_t *times = arena_alloc(window->aggregate.scratch, sizeof(int64_t) * in->row_count);
    window_read_times(window, column, in->row_count, times);
    const int64_t *lasts = read_lasts(window, in, times);
    uint32_t from = 0;
    bool ok = true;
    for (uint32_t i = 0; ok && i < in->row_count; i++) {
        if (vector_is_null(column, i) || !may_be_late(window, lasts[i]))
            continue;
        ok = take_range(window, in, from, i, emitter, error) &&
             take_range(window, in, i, i + 1, emitter, error);
        from = i + 1;
    }
    if (from == 0)
        return take_rows(window, in, emitter, error);
    ok = ok && take_range(window, in, from, in->row_count, emitter, error);
    batch_release(in);
    return ok;
}

static bool window_batch(Operator *op, uint32_t input, Batch *in, Emitter *emitter, Error *error)
{
    WindowAggregate *window = (WindowAggregate *)op;
    if (window->clock != NULL &&
        !window_clock_advance(window, operator_now_us(op->context), emitter, error)) {
        batch_release(in);
        return false;
    }
    arena_reset(window->aggregate.scratch);
    bool ok = window->in_buckets && window->clock == NULL ? take_parts(window, in, emitter, error)
                                                          : take_rows(window, in, emitter, error);
    if (window->clock != NULL)
        window_clock_wake(window);
    return ok;
}

static bool window_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    WindowAggregate *window = (WindowAggregate *)op;
    /* A bounded run knows no late rows: all windows are given when the input has ended. So are the
     * open ones of processing time: no row is lost. */
    bool waits = window->plan->aggregate.final_only || window->clock != NULL;
    if (waits && watermark_us != INT64_MAX)
        return true;
    window->progress = window_progress(window->plan->window.zone, watermark_us);
    return window->fire(window, emitter, error);
}

static bool window_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    return window_clock_advance((WindowAggregate *)op, now_us, emitter, error);
}

static bool window_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    WindowAggregate *window = (WindowAggregate *)op;
    if (window->clock != NULL)
        window_clock_save(window);
    return true;
}

/* ------------------------------------------------------------------- lifetime */

typedef struct Restored {
    void **records;
    size_t count;
} Restored;

static void collect(void *to, void *record)
{
    Restored *restored = to;
    restored->records[restored->count++] = record;
}

static int compare_arrival(const void *a, const void *b, void *of)
{
    int64_t left = window_record(of, *(void *const *)a)->arrival;
    int64_t right = window_record(of, *(void *const *)b)->arrival;
    return (left > right) - (left < right);
}

void **window_groups_by_arrival(WindowAggregate *window, size_t *count)
{
    Aggregate *aggregate = &window->aggregate;
    size_t total = state_table_keys(aggregate->groups);
    Restored all = {memory_alloc(sizeof(void *) * (total + 1)), 0};
    state_value_each(aggregate->groups, collect, &all);
    qsort_r(all.records, all.count, sizeof(void *), compare_arrival, window);
    if (all.count != 0)
        aggregate->next_arrival = window_record(window, all.records[all.count - 1])->arrival + 1;
    *count = all.count;
    return all.records;
}

static bool window_restored(Operator *op, Error *error)
{
    WindowAggregate *window = (WindowAggregate *)op;
    Aggregate *aggregate = &window->aggregate;
    if (window->clock != NULL)
        window_clock_restore(window);
    else if (!window->plan->aggregate.final_only)
        window->progress =
            window_progress(window->plan->window.zone, op->context->time->watermark_us);
    size_t count;
    void **records = window_groups_by_arrival(window, &count);
    for (size_t i = 0; i < count; i++) {
        Str key = state_value_key(aggregate->groups, records[i]);
        if (window->in_buckets)
            window_bucket_wait(window, records[i]);
        else
            window_wait(window, records[i], window_group_time(window, key, 0));
    }
    memory_free(records);
    if (window->clock != NULL)
        window_clock_wake(window);
    return true;
}

static void alike_setup(WindowAggregate *window)
{
    const OperatorContext *context = window->aggregate.base.context;
    const PlanAggregate *plan = window->aggregate.plan;
    bool attached = window->shape.kind == PLAN_WINDOW_ATTACHED;
    uint32_t count = plan->key_count + (attached ? 1 : 0);
    uint32_t *columns = arena_new_array(context->arena, uint32_t, count + 1);
    if (plan->key_count != 0)
        memcpy(columns, plan->keys, sizeof(uint32_t) * plan->key_count);
    if (attached)
        columns[plan->key_count] = window->plan->window.start_column;
    window->alike.column_count = count;
    window->alike.columns = arena_new_array(context->arena, const Vector *, count + 1);
    window->alike.layout = row_layout_of_columns(
        context->arena, context->node->inputs[0].node->schema, columns, count);
}

void window_setup(WindowAggregate *window, const OperatorContext *context, uint32_t extra_bytes)
{
    const PlanWindowAggregate *plan = context->node->spec;
    uint32_t header = (uint32_t)sizeof(WindowRecord) + extra_bytes +
                      (plan->aggregate.input_retracts ? (uint32_t)sizeof(int64_t) : 0);
    aggregate_setup(&window->aggregate, context, &plan->aggregate, header, true);
    window->plan = plan;
    window->fire = window_fire;
    window->shape = window_shape(&plan->window);
    window->suffix_bytes = sizeof(int64_t);
    if (plan->window.kind == PLAN_WINDOW_ATTACHED)
        window->suffix_bytes *= 2;
    if (plan->window.on_clock)
        window_clock_open(window);
    alike_setup(window);
    window->progress = INT64_MIN;
    window->firing = arena_new((size_t)1 << 16);
    window_merge_open(window);
}

void window_teardown(WindowAggregate *window)
{
    window_slices_deinit(&window->slices);
    window_merge_free(&window->merge);
    arena_free(window->firing);
    aggregate_teardown(&window->aggregate);
}

static Operator *window_open(const OperatorContext *context, Error *error)
{
    const PlanWindowAggregate *plan = context->node->spec;
    WindowAggregate *window = arena_new_one(context->arena, WindowAggregate);
    bool is_session = plan->window.kind == PLAN_WINDOW_SESSION;
    window->in_buckets = is_session && !plan->aggregate.input_retracts;
    window_setup(window, context, window->in_buckets ? window_bucket_bytes() : 0);
    if (window->in_buckets)
        window->shape.slice_us = plan->window.size_us;
    else if (is_session)
        window_session_open(window);
    return &window->aggregate.base;
}

static void window_close(Operator *op)
{
    window_teardown((WindowAggregate *)op);
}

const OperatorClass op_window_aggregate = {
    .name = "window_aggregate",
    .open = window_open,
    .batch = window_batch,
    .watermark = window_watermark,
    .alarm = window_alarm,
    .barrier = window_barrier,
    .restored = window_restored,
    .close = window_close,
};
