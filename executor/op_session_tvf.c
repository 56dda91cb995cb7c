/* SESSION in FROM: rows with the sessions they belong to.
 *
 * Contract: a session is given when the watermark reaches its last millisecond: its rows, all as
 * +I, by their times (equal ones as they came; of rows that may be taken back in an order of their
 * own), each with the session's start, end and last millisecond. Sessions of a key come in order.
 * Two rows exactly the gap apart are of one session. Rows taken back before that are not there: the
 * session may part, or end earlier. A row whose own session would be over is late, unless it comes
 * within the gap of a row whose session is not; so is one without a time.
 *
 * State: rows, by key and time; and per key when to look at it again, which is not after the end of
 * its first session.
 *
 * Cost: two searches a row; when a key is looked at, a walk along what has come to its first
 * session since. */
#include <stdlib.h>

#include "core/hash.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/window/slices.h"
#include "executor/window/time.h"

enum { TIME_BYTES = 8, TICK_US = 1000 };

/* What is kept of a key. */
typedef struct SessionKey {
    int64_t arrival; /* orders keys after a restore as before */
    int64_t wakes;   /* when to look at it again: the slice it is in */
    uint64_t place;  /* in that slice's list */
    int64_t checked; /* up to here its rows are one session; INT64_MIN: not known */
} SessionKey;

typedef struct SessionTvf {
    Operator base;
    /* Fixed. */
    const PlanSessionTvf *plan;
    uint32_t column_count; /* of the input */
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const RowLayout *row_layout;
    const Vector **vectors;
    StateTable *rows; /* key → time, number or row → copies, row */
    StateTable *keys; /* key → SessionKey */
    /* Changing. */
    WindowSlices slices; /* of SessionKey, by when they wake */
    int64_t progress;    /* window_progress of the watermark */
    int64_t next_arrival;
    uint64_t next_number;
    RowOutput output;
    Arena *scratch;
} SessionTvf;

/* One row on its way in. */
typedef struct SessionRow {
    Str key;
    uint64_t hash;
    Str row;
    int64_t time;
} SessionRow;

/* Big-endian with the sign turned, so that bytes compare as times do. */
static void write_time(int64_t time, char out[TIME_BYTES])
{
    uint64_t bits = __builtin_bswap64((uint64_t)time ^ UINT64_C(1) << 63);
    memcpy(out, &bits, TIME_BYTES);
}

static int64_t read_time(Str sort_key)
{
    uint64_t bits;
    memcpy(&bits, sort_key.data, TIME_BYTES);
    return (int64_t)(__builtin_bswap64(bits) ^ UINT64_C(1) << 63);
}

static bool is_closed(const SessionTvf *tvf, int64_t end)
{
    return end - TICK_US <= tvf->progress;
}

static StateTree *find_tree(const SessionTvf *tvf, Str key, uint64_t hash)
{
    StateTree *tree = NULL;
    state_ordered_trees(tvf->rows, &key, &hash, 1, &tree);
    return tree;
}

/* --------------------------------------------------------------------- when keys wake */

static void wake_at(SessionTvf *tvf, SessionKey *own, int64_t end)
{
    WindowSlice *slice = window_slices_get(&tvf->slices, end);
    own->wakes = end;
    own->place = window_slice_add(slice, own);
    state_touch(tvf->keys, own);
    if (slice->waits_at == WINDOW_SLICE_IDLE)
        window_slices_wait(&tvf->slices, slice, end);
}

static void stop_waiting(SessionTvf *tvf, const SessionKey *own)
{
    WindowSlice *slice = window_slices_find(&tvf->slices, own->wakes);
    if (window_slice_drop(slice, (uint32_t)own->place))
        window_slices_free(&tvf->slices, slice);
}

static void wake_before(SessionTvf *tvf, SessionKey *own, int64_t end)
{
    if (end >= own->wakes)
        return;
    stop_waiting(tvf, own);
    wake_at(tvf, own, end);
}

/* ------------------------------------------------------------------------------- rows */

/* The nearest row before the time, if it is within the gap. */
static bool find_before(const SessionTvf *tvf, const SessionRow *row, int64_t *time)
{
    char bytes[TIME_BYTES];
    Str found;
    write_time(row->time, bytes);
    if (state_ordered_before(tvf->rows, row->key, row->hash, (Str){bytes, TIME_BYTES}, &found) ==
        NULL)
        return false;
    *time = read_time(found);
    return row->time - *time <= tvf->plan->window.size_us;
}

/* Whether a row is kept that is within the gap. */
static bool joins(const SessionTvf *tvf, const SessionRow *row)
{
    int64_t near;
    StateCursor cursor;
    char bytes[TIME_BYTES];
    StateTree *tree = find_tree(tvf, row->key, row->hash);
    if (tree == NULL)
        return false;
    write_time(row->time, bytes);
    void *after = state_cursor_seek(tvf->rows, tree, (Str){bytes, TIME_BYTES}, &cursor);
    if (after != NULL &&
        read_time(state_tree_sort_key(tvf->rows, after)) - row->time <= tvf->plan->window.size_us)
        return true;
    return find_before(tvf, row, &near);
}

static Str sort_key_of(SessionTvf *tvf, const SessionRow *row)
{
    size_t behind = tvf->plan->retracts ? row->row.length : sizeof(uint64_t);
    char *bytes = arena_alloc(tvf->scratch, TIME_BYTES + behind);
    write_time(row->time, bytes);
    if (tvf->plan->retracts) {
        memcpy(bytes + TIME_BYTES, row->row.data, behind);
    } else {
        uint64_t number = __builtin_bswap64(tvf->next_number++);
        memcpy(bytes + TIME_BYTES, &number, sizeof(number));
    }
    return (Str){bytes, TIME_BYTES + behind};
}

/* False when the row is late. */
static bool add_row(SessionTvf *tvf, const SessionRow *row)
{
    int64_t end = row->time + tvf->plan->window.size_us;
    if (is_closed(tvf, end) && !joins(tvf, row))
        return false;
    StateTree *tree = find_tree(tvf, row->key, row->hash);
    bool is_first = tree == NULL ||
                    row->time < read_time(state_tree_sort_key(tvf->rows, state_tree_first(tree)));
    Str payload = tvf->plan->retracts ? (Str){"", 0} : row->row;
    uint64_t *copies =
        state_tree_put(tvf->rows, &tree, row->key, row->hash, sort_key_of(tvf, row), payload, NULL);
    ++*copies;
    state_touch(tvf->rows, copies);
    void *own;
    uint8_t created = 0;
    state_value_get_or_create(tvf->keys, &row->key, &row->hash, 1, &own, &created);
    SessionKey *session = own;
    if (is_first)
        session->checked = INT64_MIN;
    if (created != 0) {
        session->arrival = tvf->next_arrival++;
        wake_at(tvf, session, end);
    } else {
        wake_before(tvf, session, end);
    }
    state_touch(tvf->keys, session);
    return true;
}

/* False when the row is not there. */
static bool take_row(SessionTvf *tvf, const SessionRow *row)
{
    StateTree *tree = find_tree(tvf, row->key, row->hash);
    Str sort_key = sort_key_of(tvf, row);
    uint64_t *copies = tree == NULL ? NULL : state_tree_find(tvf->rows, tree, sort_key);
    if (copies == NULL)
        return false;
    if (--*copies != 0) {
        state_touch(tvf->rows, copies);
        return true;
    }
    void *own;
    state_value_get(tvf->keys, &row->key, &row->hash, 1, &own);
    SessionKey *session = own;
    if (state_tree_remove(tvf->rows, copies)) {
        stop_waiting(tvf, session);
        state_value_remove(tvf->keys, session);
        return true;
    }
    if (row->time <= session->checked)
        session->checked = INT64_MIN;
    state_touch(tvf->keys, session);
    /* The row before may be the last of its session now. */
    int64_t before;
    if (find_before(tvf, row, &before))
        wake_before(tvf, session, before + tvf->plan->window.size_us);
    return true;
}

static void encode(SessionTvf *tvf, const Batch *batch, Str *keys, uint64_t *hashes, Str *rows)
{
    const PlanSessionTvf *plan = tvf->plan;
    uint32_t count = batch->row_count;
    for (uint32_t k = 0; k < plan->partition_count; k++)
        tvf->vectors[k] = &batch->columns[plan->partition[k]];
    if (plan->partition_count != 0)
        row_encode(tvf->key_layout, tvf->vectors, NULL, count, tvf->scratch, keys);
    for (uint32_t i = 0; i < count && plan->partition_count == 0; i++)
        keys[i] = (Str){"", 0};
    key_hash_many(tvf->key_hash, batch, keys, count, tvf->scratch, hashes);
    for (uint32_t c = 0; c < tvf->column_count; c++)
        tvf->vectors[c] = &batch->columns[c];
    row_encode(tvf->row_layout, tvf->vectors, NULL, count, tvf->scratch, rows);
}

static bool session_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                          Error *error)
{
    SessionTvf *tvf = (SessionTvf *)op;
    Arena *arena = tvf->scratch;
    uint32_t count = batch->row_count, late_count = 0;
    arena_reset(arena);
    Str *keys = arena_alloc(arena, sizeof(Str) * (count + 1));
    Str *rows = arena_alloc(arena, sizeof(Str) * (count + 1));
    uint64_t *hashes = arena_alloc(arena, sizeof(uint64_t) * (count + 1));
    uint32_t *late = arena_alloc(arena, sizeof(uint32_t) * (count + 1));
    encode(tvf, batch, keys, hashes, rows);
    const Vector *times = &batch->columns[tvf->plan->window.time_column];
    const TimeZone *zone = tvf->plan->window.zone;
    for (uint32_t i = 0; i < count; i++) {
        int64_t time = ((const int64_t *)times->data)[vector_index(times, i)];
        SessionRow row = {keys[i], hashes[i], rows[i],
                          zone == NULL ? time : time_zone_to_local(zone, time)};
        bool is_late = vector_is_null(times, i);
        if (!is_late && change_is_retraction(batch_kind(batch, i)))
            is_late = !take_row(tvf, &row) && is_closed(tvf, row.time + tvf->plan->window.size_us);
        else if (!is_late)
            is_late = !add_row(tvf, &row);
        late[late_count] = i;
        late_count += is_late;
    }
    bool ok = late_count == 0 || emit_late(emitter, batch, late, late_count, error);
    batch_release(batch);
    return ok && state_store_check(op->context->state, error);
}

/* ----------------------------------------------------------------------- sessions end */

/* Where the first session ends, as far as its rows go. */
static int64_t find_last(const SessionTvf *tvf, const StateTree *tree, int64_t checked)
{
    char bytes[TIME_BYTES];
    StateCursor cursor;
    int64_t last = read_time(state_tree_sort_key(tvf->rows, state_tree_first(tree)));
    if (checked > last)
        last = checked;
    write_time(last, bytes);
    for (void *record = state_cursor_seek(tvf->rows, tree, (Str){bytes, TIME_BYTES}, &cursor);
         record != NULL; record = state_cursor_next(&cursor)) {
        int64_t time = read_time(state_tree_sort_key(tvf->rows, record));
        if (time - last > tvf->plan->window.size_us)
            break;
        last = time;
    }
    return last;
}

static bool give_row(SessionTvf *tvf, const void *record, int64_t start, int64_t end, Error *error)
{
    const TimeZone *zone = tvf->plan->window.zone;
    Str sort_key = state_tree_sort_key(tvf->rows, record);
    Str row = tvf->plan->retracts ? (Str){sort_key.data + TIME_BYTES, sort_key.length - TIME_BYTES}
                                  : state_tree_payload(tvf->rows, record);
    uint32_t own = tvf->column_count;
    for (uint64_t copy = 0; copy < *(const uint64_t *)record; copy++) {
        uint32_t to;
        if (!row_output_add(&tvf->output, CHANGE_INSERT, &to, error))
            return false;
        row_output_decode(&tvf->output, to, tvf->row_layout, row, 0);
        ((int64_t *)tvf->output.columns[own]->data)[to] = start;
        ((int64_t *)tvf->output.columns[own + 1]->data)[to] = end;
        ((int64_t *)tvf->output.columns[own + 2]->data)[to] =
            zone == NULL ? end - 1000 : time_zone_to_utc(zone, end - 1000);
    }
    return true;
}

/* Gives and forgets the rows up to `last`; true in *gone when the key has no other. */
static bool give_session(SessionTvf *tvf, StateTree *tree, int64_t last, bool *gone, Error *error)
{
    StateCursor cursor;
    uint64_t count = 0;
    int64_t start = read_time(state_tree_sort_key(tvf->rows, state_tree_first(tree)));
    int64_t end = last + tvf->plan->window.size_us;
    for (void *record = state_cursor_at(tree, 0, &cursor);
         record != NULL && read_time(state_tree_sort_key(tvf->rows, record)) <= last;
         record = state_cursor_next(&cursor)) {
        if (!give_row(tvf, record, start, end, error))
            return false;
        count++;
    }
    for (*gone = false; count > 0; count--)
        *gone = state_tree_remove(tvf->rows, state_tree_first(tree));
    return true;
}

/* Gives the sessions of a key that are over; the key waits for its next one, or goes. */
static bool look_at(SessionTvf *tvf, SessionKey *own, Error *error)
{
    Str key = state_value_key(tvf->keys, own);
    StateTree *tree = find_tree(tvf, key, hash_bytes(key.data, key.length));
    int64_t last = find_last(tvf, tree, own->checked);
    while (is_closed(tvf, last + tvf->plan->window.size_us)) {
        bool gone;
        if (!give_session(tvf, tree, last, &gone, error))
            return false;
        if (gone) {
            state_value_remove(tvf->keys, own);
            return true;
        }
        last = find_last(tvf, tree, INT64_MIN);
    }
    own->checked = last;
    wake_at(tvf, own, last + tvf->plan->window.size_us);
    return true;
}

static bool session_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    SessionTvf *tvf = (SessionTvf *)op;
    if (tvf->plan->final_only && watermark_us != INT64_MAX)
        return true;
    tvf->progress = window_progress(tvf->plan->window.zone, watermark_us);
    row_output_start(&tvf->output, NULL, 0, 0, emitter);
    bool ok = true;
    WindowSlice *first;
    while (ok && (first = window_slices_first(&tvf->slices)) != NULL &&
           is_closed(tvf, first->next)) {
        WindowSlice *slice = window_slices_pop(&tvf->slices);
        for (uint32_t i = 0; i < slice->count && ok; i++)
            if (slice->records[i] != NULL)
                ok = look_at(tvf, slice->records[i], error);
        window_slices_free(&tvf->slices, slice);
    }
    ok = ok && row_output_finish(&tvf->output, error);
    row_output_discard(&tvf->output);
    return ok;
}

/* -------------------------------------------------------------------------- lifetime */

typedef struct Collected {
    SessionKey **keys;
    size_t count;
} Collected;

static void collect(void *to, void *record)
{
    Collected *all = to;
    all->keys[all->count++] = record;
}

static int compare_arrival(const void *a, const void *b)
{
    int64_t left = (*(SessionKey *const *)a)->arrival, right = (*(SessionKey *const *)b)->arrival;
    return (left > right) - (left < right);
}

/* Numbers go on behind the highest there is. */
static void see_numbers(void *to, StateTree *tree)
{
    SessionTvf *tvf = to;
    StateCursor cursor;
    for (void *record = state_cursor_at(tree, 0, &cursor); record != NULL;
         record = state_cursor_next(&cursor)) {
        uint64_t number;
        memcpy(&number, state_tree_sort_key(tvf->rows, record).data + TIME_BYTES, sizeof(number));
        number = __builtin_bswap64(number);
        if (number >= tvf->next_number)
            tvf->next_number = number + 1;
    }
}

static bool session_restored(Operator *op, Error *error)
{
    SessionTvf *tvf = (SessionTvf *)op;
    if (!tvf->plan->final_only)
        tvf->progress = window_progress(tvf->plan->window.zone, op->context->time->watermark_us);
    Collected all = {memory_alloc(sizeof(SessionKey *) * (state_table_keys(tvf->keys) + 1)), 0};
    state_value_each(tvf->keys, collect, &all);
    if (all.count != 0)
        qsort(all.keys, all.count, sizeof(SessionKey *), compare_arrival);
    for (size_t i = 0; i < all.count; i++) {
        wake_at(tvf, all.keys[i], all.keys[i]->wakes);
        tvf->next_arrival = all.keys[i]->arrival + 1;
    }
    memory_free(all.keys);
    if (!tvf->plan->retracts)
        state_trees_each(tvf->rows, see_numbers, tvf);
    return true;
}

static void declare_tables(SessionTvf *tvf, const Schema *schema)
{
    Arena *arena = tvf->base.context->arena;
    Buffer text = {0};
    buffer_printf(&text, "keys, event time, %s -> ", tvf->plan->retracts ? "row" : "number, row");
    for (uint32_t c = 0; c < schema->column_count; c++) {
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", schema->columns[c].name);
        type_print(schema->columns[c].type, &text);
    }
    StateSpec rows = {.name = "rows",
                      .kind = STATE_ORDERED,
                      .record_bytes = sizeof(uint64_t),
                      .description = arena_strdup(arena, buffer_text(&text))};
    buffer_deinit(&text);
    StateSpec keys = {.name = "keys",
                      .kind = STATE_VALUE,
                      .record_bytes = sizeof(SessionKey),
                      .description = "keys -> arrival, when it is looked at, checked up to"};
    tvf->rows = state_table_declare(tvf->base.context->state, &rows);
    tvf->keys = state_table_declare(tvf->base.context->state, &keys);
}

static Operator *session_open(const OperatorContext *context, Error *error)
{
    const PlanSessionTvf *plan = context->node->spec;
    const Schema *schema = context->node->inputs[0].node->schema;
    SessionTvf *tvf = arena_new_one(context->arena, SessionTvf);
    tvf->base.context = context;
    tvf->plan = plan;
    tvf->column_count = schema->column_count;
    tvf->key_layout =
        row_layout_of_columns(context->arena, schema, plan->partition, plan->partition_count);
    tvf->key_hash = key_hash_new(context->arena, &context->node->inputs[0], plan->partition,
                                 plan->partition_count);
    tvf->row_layout = row_layout_of_schema(context->arena, schema);
    tvf->vectors = arena_new_array(context->arena, const Vector *,
                                   schema->column_count + plan->partition_count + 1);
    declare_tables(tvf, schema);
    tvf->progress = INT64_MIN;
    row_output_init(&tvf->output, context);
    tvf->scratch = arena_new((size_t)1 << 18);
    return &tvf->base;
}

static void session_close(Operator *op)
{
    SessionTvf *tvf = (SessionTvf *)op;
    window_slices_deinit(&tvf->slices);
    arena_free(tvf->scratch);
}

extern const OperatorClass op_session_tvf;
const OperatorClass op_session_tvf = {
    .name = "session_tvf",
    .open = session_open,
    .batch = session_batch,
    .watermark = session_watermark,
    .restored = session_restored,
    .close = session_close,
};
