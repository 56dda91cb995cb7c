/* Aggregate over windows that are given more than once: early, on time, and again for late rows.
 *
 * Contract, per key and window: what it holds is given when it is fired: +I the first time, -U +U
 * when it is another than the last time, -D when no row is left of it, nothing when it is the same.
 * It is fired
 *
 *     before its end     early: with every row, or every so often on the clock from its first row
 * on at its end         when the watermark (the clock) reaches its last millisecond after its end
 * for rows up to `lateness` late: with every one, or, once it has been given on time, every so
 * often on the clock from the first of them on
 *
 * and once more when it is let go, `lateness` after its end, so that no late row that counted is
 * left untold. A row later than that for all of its windows is left out and counted as late.
 *
 * Each window has a record of its own: overlapping ones share nothing, for each of them can be
 * fired by a row. State: a record per key and window, and what was last given of it.
 *
 * Cost: a probe a row and window; a fired window is computed and compared. Rows that fire go
 * through one by one, others as a batch. */
#include <stdlib.h>

#include "executor/row_output.h"
#include "executor/row_slot.h"
#include "executor/window/internal.h"

#define NEVER INT64_MAX

/* Behind the WindowRecord. */
typedef struct LiveRecord {
    int64_t fires_us; /* on the clock; NEVER: not by it */
    int64_t on_time;  /* it has been given at its end */
    uint64_t place;   /* in the list of those that fire then */
} LiveRecord;

typedef struct WindowLive {
    WindowAggregate window;
    /* Fixed. */
    const PlanWindowEmit *plan;
    bool wants_before;
    const RowLayout *row_layout;
    RowSlotShape shown_shape;
    StateTable *shown; /* key and window → what was last given */
    /* Changing. */
    WindowSlices timers; /* groups by when they fire */
    RowOutput output;
    Arena *rows; /* of rows being given */
} WindowLive;

static LiveRecord *live_record(const WindowLive *live, void *record)
{
    return (LiveRecord *)(void *)(window_record(&live->window, record) + 1);
}

static Str group_key(const WindowLive *live, void *record)
{
    return state_value_key(live->window.aggregate.groups, record);
}

static uint64_t group_hash(const WindowLive *live, Str key)
{
    Str keys = window_group_keys(&live->window, key);
    return window_group_hash(hash_bytes(keys.data, keys.length), key);
}

/* ---------------------------------------------------------------------------- timers */

static void fire_at(WindowLive *live, void *record, int64_t at_us)
{
    WindowSlice *slice = window_slices_get(&live->timers, at_us);
    LiveRecord *own = live_record(live, record);
    own->fires_us = at_us;
    own->place = window_slice_add(slice, record);
    state_touch(live->window.aggregate.groups, record);
    if (slice->waits_at == WINDOW_SLICE_IDLE)
        window_slices_wait(&live->timers, slice, at_us);
}

static void stop_timer(WindowLive *live, void *record)
{
    LiveRecord *own = live_record(live, record);
    if (own->fires_us == NEVER)
        return;
    WindowSlice *slice = window_slices_find(&live->timers, own->fires_us);
    own->fires_us = NEVER;
    if (window_slice_drop(slice, (uint32_t)own->place))
        window_slices_free(&live->timers, slice);
}

static void wake(WindowLive *live)
{
    const WindowSlice *first = window_slices_first(&live->timers);
    if (first != NULL)
        operator_wake_at(live->window.aggregate.base.context, first->next);
    if (live->window.clock != NULL)
        window_clock_wake(&live->window);
}

/* ----------------------------------------------------------------------------- firing */

static bool has_rows(const WindowLive *live, const void *record)
{
    return !live->window.plan->aggregate.input_retracts || *(const int64_t *)record != 0;
}

/* What was last given of a group; NULL: nothing. */
static void *find_shown(const WindowLive *live, Str key, uint64_t hash)
{
    void *slot;
    state_value_get(live->shown, &key, &hash, 1, &slot);
    return slot;
}

static bool give_old(WindowLive *live, uint8_t kind, const void *slot, Error *error)
{
    return row_output_encoded_row(&live->output, kind, live->row_layout,
                                  row_slot_get(&live->shown_shape, slot), error);
}

/* Tells what a group has become: row `row` of the batch, encoded `now`. */
static bool tell(WindowLive *live, void *record, uint32_t row, Str now, Error *error)
{
    Str key = group_key(live, record);
    uint64_t hash = group_hash(live, key);
    void *slot = find_shown(live, key, hash);
    if (!has_rows(live, record)) {
        if (slot == NULL)
            return true;
        bool ok = give_old(live, CHANGE_DELETE, slot, error);
        row_slot_clear(&live->shown_shape, live->shown, slot);
        state_value_remove(live->shown, slot);
        return ok;
    }
    uint8_t kind = CHANGE_INSERT;
    if (slot != NULL) {
        Str before = row_slot_get(&live->shown_shape, slot);
        if (before.length == now.length && memcmp(before.data, now.data, now.length) == 0)
            return true;
        if (live->wants_before && !give_old(live, CHANGE_UPDATE_BEFORE, slot, error))
            return false;
        kind = CHANGE_UPDATE_AFTER;
    } else {
        state_value_get_or_create(live->shown, &key, &hash, 1, &slot, NULL);
    }
    row_slot_set(&live->shown_shape, live->shown, slot, now);
    state_touch(live->shown, slot);
    return row_output_input_row(&live->output, kind, row, error);
}

/* Fires some groups, at most a batch of them. */
static bool fire_some(WindowLive *live, void **records, uint32_t count, Emitter *emitter,
                      Error *error)
{
    WindowAggregate *window = &live->window;
    const Schema *schema = window->aggregate.base.context->node->schema;
    Arena *arena = live->rows;
    arena_reset(arena);
    WindowResults results = {.count = count, .records = records};
    results.starts = arena_alloc(arena, sizeof(uint32_t) * (count + 1));
    results.window_starts = arena_alloc(arena, sizeof(int64_t) * count);
    results.window_ends = arena_alloc(arena, sizeof(int64_t) * count);
    for (uint32_t i = 0; i < count; i++) {
        results.starts[i] = i;
        results.window_ends[i] = window_group_time(window, group_key(live, records[i]), 0);
        results.window_starts[i] = results.window_ends[i] - window->shape.size_us;
    }
    results.starts[count] = count;
    Batch *batch = batch_new(schema, count);
    if (!window_write(window, &results, 0, count, batch, error)) {
        batch_release(batch);
        return false;
    }
    const Vector **columns = arena_new_array(arena, const Vector *, schema->column_count + 1);
    for (uint32_t c = 0; c < schema->column_count; c++)
        columns[c] = &batch->columns[c];
    Str *encoded = arena_alloc(arena, sizeof(Str) * count);
    row_encode(live->row_layout, columns, NULL, count, arena, encoded);
    row_output_start(&live->output, batch, 0, schema->column_count, emitter);
    bool ok = true;
    for (uint32_t i = 0; i < count && ok; i++)
        ok = tell(live, records[i], i, encoded[i], error);
    ok = ok && row_output_finish(&live->output, error);
    row_output_discard(&live->output);
    batch_release(batch);
    return ok;
}

static bool fire_records(WindowLive *live, void **records, uint32_t count, Emitter *emitter,
                         Error *error)
{
    for (uint32_t from = 0; from < count; from += BATCH_ROWS_MAX) {
        uint32_t some = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        if (!fire_some(live, records + from, some, emitter, error))
            return false;
    }
    return true;
}

static bool fire_slice(WindowLive *live, const WindowSlice *slice, Emitter *emitter, Error *error)
{
    Arena *arena = live->window.firing;
    arena_reset(arena);
    void **records = arena_alloc(arena, sizeof(void *) * (slice->count + 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < slice->count; i++)
        if (slice->records[i] != NULL)
            records[count++] = slice->records[i];
    return fire_records(live, records, count, emitter, error);
}

/* ------------------------------------------------------------------------ windows end */

static void forget(WindowLive *live, void *record)
{
    Str key = group_key(live, record);
    void *slot = find_shown(live, key, group_hash(live, key));
    stop_timer(live, record);
    if (slot != NULL) {
        row_slot_clear(&live->shown_shape, live->shown, slot);
        state_value_remove(live->shown, slot);
    }
    window_forget(&live->window, record);
}

/* The window's time is up: it is given on time, and goes, or waits for late rows. */
static bool end_slice(WindowLive *live, WindowSlice *slice, int64_t when, Emitter *emitter,
                      Error *error)
{
    if (!fire_slice(live, slice, emitter, error))
        return false;
    bool waits = when == slice->end && live->plan->lateness_us > 0;
    for (uint32_t i = 0; i < slice->count; i++) {
        void *record = slice->records[i];
        if (record == NULL)
            continue;
        if (waits) {
            stop_timer(live, record);
            live_record(live, record)->on_time = 1;
            state_touch(live->window.aggregate.groups, record);
        } else {
            forget(live, record);
        }
    }
    if (waits)
        window_slices_wait(&live->window.slices, slice, slice->end + live->plan->lateness_us);
    else
        window_slices_free(&live->window.slices, slice);
    return true;
}

static bool live_fire(WindowAggregate *window, Emitter *emitter, Error *error)
{
    WindowSlice *first;
    while ((first = window_slices_first(&window->slices)) != NULL &&
           window_is_closed(window, first->next)) {
        int64_t when = first->next;
        if (!end_slice((WindowLive *)window, window_slices_pop(&window->slices), when, emitter,
                       error))
            return false;
    }
    return true;
}

static void wait_for_end(WindowLive *live, void *record, int64_t end)
{
    WindowAggregate *window = &live->window;
    WindowSlice *slice = window_slices_get(&window->slices, end);
    window_record(window, record)->position = window_slice_add(slice, record);
    if (slice->waits_at != WINDOW_SLICE_IDLE)
        return;
    bool is_over = window_is_closed(window, end);
    window_slices_wait(&window->slices, slice, is_over ? end + live->plan->lateness_us : end);
}

/* ----------------------------------------------------------------------------- alarms */

static bool fire_timers(WindowLive *live, int64_t now_us, Emitter *emitter, Error *error)
{
    WindowSlice *first;
    while ((first = window_slices_first(&live->timers)) != NULL && first->next <= now_us) {
        WindowSlice *slice = window_slices_pop(&live->timers);
        if (!fire_slice(live, slice, emitter, error))
            return false;
        for (uint32_t i = 0; i < slice->count; i++) {
            void *record = slice->records[i];
            if (record == NULL)
                continue;
            LiveRecord *own = live_record(live, record);
            int64_t every = own->on_time != 0 ? live->plan->late_us : live->plan->early_us;
            /* Once for all the times that have gone by. */
            fire_at(live, record, slice->end + ((now_us - slice->end) / every + 1) * every);
        }
        window_slices_free(&live->timers, slice);
    }
    return true;
}

static bool live_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    WindowLive *live = (WindowLive *)op;
    bool ok = (live->window.clock == NULL ||
               window_clock_advance(&live->window, now_us, emitter, error)) &&
              fire_timers(live, now_us, emitter, error);
    wake(live);
    return ok;
}

/* ------------------------------------------------------------------------------- rows */

/* Rows, each with one of its windows. */
typedef struct Pieces {
    uint32_t *rows; /* of the batch */
    int64_t *ends;
    uint32_t count;
} Pieces;

static int64_t latest_end(const WindowLive *live, int64_t time_us)
{
    const WindowShape *shape = &live->window.shape;
    int64_t past = (time_us - shape->offset_us) % shape->slide_us;
    return time_us - past - (past < 0 ? shape->slide_us : 0) + shape->size_us;
}

static bool is_gone(const WindowLive *live, int64_t end)
{
    return window_is_closed(&live->window, end + live->plan->lateness_us);
}

/* Whether the row fires a window of its own accord. */
static bool fires_by_row(const WindowLive *live, int64_t end)
{
    return window_is_closed(&live->window, end) ? live->plan->late_us <= 0
                                                : live->plan->early_us == 0;
}

static void set_timer(WindowLive *live, void *record, int64_t end)
{
    LiveRecord *own = live_record(live, record);
    int64_t every =
        window_is_closed(&live->window, end) ? live->plan->late_us : live->plan->early_us;
    if (every > 0 && own->fires_us == NEVER)
        fire_at(live, record,
                operator_now_us(live->window.aggregate.base.context) / 1000 * 1000 + every);
}

static void enter_groups(WindowLive *live, const WindowBatch *batch)
{
    const AggregateBatch *work = &batch->work;
    for (uint32_t i = 0; i < work->count; i++) {
        if (!work->created[i])
            continue;
        live_record(live, work->records[i])->fires_us = NEVER;
        wait_for_end(live, work->records[i], batch->ends[i]);
    }
}

/* A group that was made after its window's end has no timer: each of its rows fires it. */
static bool fires_now(const WindowLive *live, void *record, int64_t end)
{
    bool is_over = window_is_closed(&live->window, end);
    return fires_by_row(live, end) || (is_over && live_record(live, record)->on_time == 0);
}

/* Takes the rows in, and fires what they fire. */
static bool take_pieces(WindowLive *live, Batch *in, const Pieces *pieces, Emitter *emitter,
                        Error *error)
{
    WindowAggregate *window = &live->window;
    Arena *arena = window->aggregate.scratch;
    arena_reset(arena);
    WindowBatch batch = {.work = {.count = pieces->count, .arena = arena}, .ends = pieces->ends};
    batch.work.in = batch_gather(in, pieces->rows, pieces->count);
    window_find_groups(window, &batch);
    enter_groups(live, &batch);
    aggregate_count_rows(&window->aggregate, &batch.work);
    bool ok = aggregate_update(&window->aggregate, &batch.work, error) &&
              state_store_check(window->aggregate.base.context->state, error);
    uint32_t count = 0;
    for (uint32_t i = 0; i < pieces->count && ok; i++) {
        void *record = batch.work.records[i];
        if (fires_now(live, record, pieces->ends[i]))
            batch.work.records[count++] = record;
        else
            set_timer(live, record, pieces->ends[i]);
    }
    /* The records outlive what firing resets. */
    void **records = memory_alloc(sizeof(void *) * (count + 1));
    memcpy(records, batch.work.records, sizeof(void *) * count);
    batch_release(batch.work.in);
    ok = ok && fire_records(live, records, count, emitter, error);
    memory_free(records);
    return ok;
}

/* What a row means to its windows: how many of them still take it, and whether one is fired. */
typedef struct RowWindows {
    int64_t latest; /* its end */
    uint32_t count;
    bool fires;
    bool is_late;
} RowWindows;

static RowWindows windows_of(const WindowLive *live, int64_t time_us)
{
    const WindowShape *shape = &live->window.shape;
    RowWindows found = {.latest = latest_end(live, time_us)};
    found.is_late = found.latest > time_us;
    for (int64_t end = found.latest; end > time_us && !is_gone(live, end); end -= shape->slide_us) {
        found.count++;
        found.is_late = false;
        found.fires =
            found.fires || fires_by_row(live, end) || window_is_closed(&live->window, end);
    }
    return found;
}

static void add_windows(const WindowLive *live, Pieces *pieces, uint32_t row,
                        const RowWindows *windows)
{
    for (uint32_t i = 0; i < windows->count; i++) {
        pieces->rows[pieces->count] = row;
        pieces->ends[pieces->count++] = windows->latest - i * live->window.shape.slide_us;
    }
}

static Pieces pieces_new(uint32_t room)
{
    return (Pieces){memory_alloc(sizeof(uint32_t) * room), memory_alloc(sizeof(int64_t) * room), 0};
}

static void pieces_free(Pieces *pieces)
{
    memory_free(pieces->rows);
    memory_free(pieces->ends);
}

/* Gives the batch's rows, which have the times given, to their windows. */
static bool take_rows(WindowLive *live, Batch *in, const int64_t *times, Emitter *emitter,
                      Error *error)
{
    const WindowShape *shape = &live->window.shape;
    const Vector *column = &in->columns[live->window.plan->window.time_column];
    uint32_t most = (uint32_t)((shape->size_us - 1) / shape->slide_us) + 1;
    Pieces pieces = pieces_new(BATCH_ROWS_MAX + most);
    bool ok = true;
    for (uint32_t i = 0; i < in->row_count && ok; i++) {
        bool timed = live->window.clock != NULL || !vector_is_null(column, i);
        RowWindows windows = {.is_late = !timed};
        if (timed)
            windows = windows_of(live, times[i]);
        if (windows.is_late)
            ok = emit_late(emitter, in, &i, 1, error);
        if ((windows.fires || pieces.count + windows.count > BATCH_ROWS_MAX) && pieces.count != 0) {
            ok = ok && take_pieces(live, in, &pieces, emitter, error);
            pieces.count = 0;
        }
        add_windows(live, &pieces, i, &windows);
        if (windows.fires && ok) {
            ok = take_pieces(live, in, &pieces, emitter, error);
            pieces.count = 0;
        }
    }
    ok = ok && (pieces.count == 0 || take_pieces(live, in, &pieces, emitter, error));
    pieces_free(&pieces);
    return ok;
}

static bool live_batch(Operator *op, uint32_t input, Batch *in, Emitter *emitter, Error *error)
{
    WindowLive *live = (WindowLive *)op;
    WindowAggregate *window = &live->window;
    int64_t now_us = operator_now_us(op->context);
    bool ok = window->clock == NULL || (window_clock_advance(window, now_us, emitter, error) &&
                                        fire_timers(live, now_us, emitter, error));
    if (ok) {
        const Vector *column = &in->columns[window->plan->window.time_column];
        int64_t *times = arena_alloc(in->arena, sizeof(int64_t) * (in->row_count + 1));
        window_read_times(window, column, in->row_count, times);
        ok = take_rows(live, in, times, emitter, error);
    }
    batch_release(in);
    wake(live);
    return ok;
}

static bool live_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    WindowAggregate *window = (WindowAggregate *)op;
    /* The open windows of processing time are given when the input has ended: no row is lost. */
    if (window->clock != NULL && watermark_us != INT64_MAX)
        return true;
    window->progress = window_progress(window->plan->window.zone, watermark_us);
    return live_fire(window, emitter, error);
}

static bool live_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    WindowAggregate *window = (WindowAggregate *)op;
    if (window->clock != NULL)
        window_clock_save(window);
    return true;
}

/* --------------------------------------------------------------------------- lifetime */

static bool live_restored(Operator *op, Error *error)
{
    WindowLive *live = (WindowLive *)op;
    WindowAggregate *window = &live->window;
    if (window->clock != NULL)
        window_clock_restore(window);
    else
        window->progress =
            window_progress(window->plan->window.zone, op->context->time->watermark_us);
    size_t count;
    void **records = window_groups_by_arrival(window, &count);
    for (size_t i = 0; i < count; i++) {
        wait_for_end(live, records[i], window_group_time(window, group_key(live, records[i]), 0));
        if (live_record(live, records[i])->fires_us != NEVER)
            fire_at(live, records[i], live_record(live, records[i])->fires_us);
    }
    memory_free(records);
    wake(live);
    return true;
}

static Operator *live_open(const OperatorContext *context, Error *error)
{
    const Schema *schema = context->node->schema;
    WindowLive *live = arena_new_one(context->arena, WindowLive);
    window_setup(&live->window, context, sizeof(LiveRecord));
    live->window.fire = live_fire;
    if (live->window.shape.slide_us == 0)
        live->window.shape.slide_us = live->window.shape.size_us;
    live->plan = live->window.plan->emit;
    live->wants_before = context->node->traits.wants_before;
    live->row_layout = row_layout_of_schema(context->arena, schema);
    live->shown_shape = row_slot_shape(live->row_layout);
    static const uint32_t text_offset = 0;
    StateSpec spec = {.name = "shown",
                      .kind = STATE_VALUE,
                      .record_bytes = live->shown_shape.slot_bytes,
                      .string_offsets = &text_offset,
                      .string_count = live->shown_shape.fixed_bytes == 0 ? 1 : 0,
                      .description = row_slot_describe(context->arena, schema)};
    live->shown = state_table_declare(context->state, &spec);
    row_output_init(&live->output, context);
    live->rows = arena_new((size_t)1 << 16);
    return &live->window.aggregate.base;
}

static void live_close(Operator *op)
{
    WindowLive *live = (WindowLive *)op;
    window_slices_deinit(&live->timers);
    arena_free(live->rows);
    window_teardown(&live->window);
}

extern const OperatorClass op_window_live;
const OperatorClass op_window_live = {
    .name = "window_live",
    .open = live_open,
    .batch = live_batch,
    .watermark = live_watermark,
    .alarm = live_alarm,
    .barrier = live_barrier,
    .restored = live_restored,
    .close = live_close,
    .has_pairs = operator_makes_pairs,
};
