/* Sessions: rows of a key of which none is further than the gap from the next.
 *
 * What follows is for rows that may be taken back; window/bucket.c is for the others. Each time at
 * which a key has rows is a slice of its own, which ends a gap later; a table keeps the key's times
 * in order. So a session is not state but a run of times: a row between two sessions joins them,
 * one taken back parts them again, and nothing is ever merged in vain. A session ends with the time
 * that has no other one within the gap behind it.
 *
 * Two times exactly the gap apart are one session. A row whose own window is closed is late, unless
 * it comes within the gap of a session still open.
 *
 * Cost: a search in the key's times a row; a merge per time when the session ends. State: a record
 * per key and time. */
#include "executor/window/internal.h"

enum { TIME_BYTES = 8 };

/* Big-endian with the sign turned, so that bytes compare as times do. */
static void write_time(int64_t time, char out[TIME_BYTES])
{
    uint64_t bits = __builtin_bswap64((uint64_t)time ^ UINT64_C(1) << 63);
    memcpy(out, &bits, TIME_BYTES);
}

static int64_t read_time(Str bytes)
{
    uint64_t bits;
    memcpy(&bits, bytes.data, TIME_BYTES);
    return (int64_t)(__builtin_bswap64(bits) ^ UINT64_C(1) << 63);
}

/* One key's times. */
typedef struct Times {
    StateTable *table;
    Str keys;
    uint64_t hash;
    int64_t gap;
} Times;

/* The nearest time before, if it is within the gap. */
static bool time_before(const Times *times, int64_t time, int64_t *found)
{
    char bytes[TIME_BYTES];
    Str key;
    write_time(time, bytes);
    if (state_ordered_before(times->table, times->keys, times->hash, (Str){bytes, TIME_BYTES},
                             &key) == NULL)
        return false;
    *found = read_time(key);
    return time - *found <= times->gap;
}

static bool time_after(const Times *times, int64_t time, int64_t *found)
{
    char bytes[TIME_BYTES];
    Str key;
    write_time(time, bytes);
    if (state_ordered_after(times->table, times->keys, times->hash, (Str){bytes, TIME_BYTES},
                            &key) == NULL)
        return false;
    *found = read_time(key);
    return *found - time <= times->gap;
}

void window_session_open(WindowAggregate *window)
{
    const OperatorContext *context = window->aggregate.base.context;
    StateSpec spec = {.name = "times",
                      .kind = STATE_ORDERED,
                      .record_bytes = sizeof(int64_t),
                      .description = "keys, event time -> rows"};
    window->times = state_table_declare(context->state, &spec);
}

/* ----------------------------------------------------------------- rows as they come */

/* A new row: false when it is late. */
static bool add_row(WindowAggregate *window, const Times *times, int64_t time)
{
    char bytes[TIME_BYTES];
    Str sort_key = {bytes, TIME_BYTES};
    write_time(time, bytes);
    if (window_is_closed(window, time + times->gap)) {
        int64_t near;
        bool joins = state_ordered_find(times->table, times->keys, times->hash, sort_key) != NULL ||
                     time_before(times, time, &near) || time_after(times, time, &near);
        if (!joins)
            return false;
    }
    int64_t *rows = state_ordered_put(times->table, times->keys, times->hash, sort_key, NULL);
    ++*rows;
    state_touch(times->table, rows);
    return true;
}

/* The time before may be the last of its session now: what it waited for may have passed. */
static void wake_before(WindowAggregate *window, const Times *times, int64_t time)
{
    int64_t before;
    if (!time_before(times, time, &before))
        return;
    WindowSlice *slice = window_slices_find(&window->slices, before + times->gap);
    if (slice != NULL && slice->waits_at == WINDOW_SLICE_IDLE)
        window_slices_wait(&window->slices, slice, slice->end);
}

/* A row taken back: false when it is not there. */
static bool take_row(WindowAggregate *window, const Times *times, int64_t time)
{
    char bytes[TIME_BYTES];
    Str sort_key = {bytes, TIME_BYTES};
    write_time(time, bytes);
    int64_t *rows = state_ordered_find(times->table, times->keys, times->hash, sort_key);
    if (rows == NULL)
        return false;
    if (--*rows != 0) {
        state_touch(times->table, rows);
        return true;
    }
    state_ordered_remove(times->table, times->keys, times->hash, sort_key);
    wake_before(window, times, time);
    return true;
}

void window_session_note(WindowAggregate *window, WindowBatch *batch)
{
    for (uint32_t i = 0; i < batch->work.count; i++) {
        if (batch->fates[i] != ROW_COUNTS)
            continue;
        Times times = {window->times, batch->keys[i], batch->hashes[i], window->shape.size_us};
        bool retraction = change_is_retraction(aggregate_kind(&batch->work, i));
        bool counts = retraction ? take_row(window, &times, batch->times[i])
                                 : add_row(window, &times, batch->times[i]);
        if (!counts)
            batch->fates[i] = window_is_closed(window, batch->ends[i]) ? ROW_LATE : ROW_OUTSIDE;
    }
}

/* -------------------------------------------------------------------- sessions that end */

void window_sessions_add(WindowSessions *all, int64_t start, int64_t end)
{
    uint32_t records = (uint32_t)(all->records.length / sizeof(void *));
    buffer_append(&all->starts, &records, sizeof(records));
    buffer_append(&all->firsts, &start, sizeof(start));
    buffer_append(&all->ends, &end, sizeof(end));
    all->results.count++;
}

static void list_times(WindowSessions *all, const Times *times, int64_t last)
{
    buffer_clear(&all->times);
    int64_t time = last;
    do
        buffer_append(&all->times, &time, sizeof(time));
    while (time_before(times, time, &time));
}

/* Finds the records of the listed times, earliest first. */
static void list_session(WindowSessions *all, const Times *times)
{
    WindowAggregate *window = all->window;
    const int64_t *list = (const int64_t *)(const void *)all->times.data;
    uint32_t count = (uint32_t)(all->times.length / sizeof(int64_t));
    size_t bytes = times->keys.length + sizeof(int64_t);
    buffer_clear(&all->text);
    char *text = buffer_reserve(&all->text, bytes);
    memcpy(text, times->keys.data, times->keys.length);
    for (uint32_t i = count; i-- > 0;) {
        int64_t end = list[i] + times->gap;
        memcpy(text + times->keys.length, &end, sizeof(end));
        Str key = {text, bytes};
        uint64_t hash = window_group_hash(times->hash, key);
        void *record;
        state_value_get(window->aggregate.groups, &key, &hash, 1, &record);
        assert(record != NULL);
        buffer_append(&all->records, &record, sizeof(record));
    }
    window_sessions_add(all, list[count - 1], list[0] + times->gap);
}

/* Forgets the times and records of all sessions given. */
static void forget(WindowSessions *all, int64_t gap)
{
    WindowAggregate *window = all->window;
    void *const *records = (void *const *)(const void *)all->records.data;
    size_t count = all->records.length / sizeof(void *);
    for (size_t i = 0; i < count; i++) {
        Str key = state_value_key(window->aggregate.groups, records[i]);
        Str keys = window_group_keys(window, key);
        int64_t end = window_group_time(window, key, 0);
        char bytes[TIME_BYTES];
        write_time(end - gap, bytes);
        state_ordered_remove(window->times, keys, hash_bytes(keys.data, keys.length),
                             (Str){bytes, TIME_BYTES});
        window_remove(window, records[i], end);
    }
}

static void find_sessions(WindowSessions *all, WindowSlice *slice)
{
    WindowAggregate *window = all->window;
    int64_t gap = window->shape.size_us;
    for (uint32_t i = 0; i < slice->count; i++) {
        if (slice->records[i] == NULL)
            continue;
        Str key = state_value_key(window->aggregate.groups, slice->records[i]);
        Str keys = window_group_keys(window, key);
        Times times = {window->times, keys, hash_bytes(keys.data, keys.length), gap};
        int64_t later;
        if (time_after(&times, slice->end - gap, &later))
            continue;
        list_times(all, &times, slice->end - gap);
        list_session(all, &times);
    }
}

bool window_session_fire(WindowAggregate *window, Emitter *emitter, Error *error)
{
    WindowSessions all = {.window = window};
    uint32_t zero = 0;
    buffer_append(&all.starts, &zero, sizeof(zero));
    uint32_t limit = window->aggregate.base.context->batch_rows;
    WindowSlice *first;
    do
        (window->in_buckets ? window_bucket_find
                            : find_sessions)(&all, window_slices_pop(&window->slices));
    while (all.results.count < limit && (first = window_slices_first(&window->slices)) != NULL &&
           window_is_closed(window, first->next));
    all.results.starts = (uint32_t *)(void *)all.starts.data;
    all.results.records = (void **)(void *)all.records.data;
    all.results.window_starts = (int64_t *)(void *)all.firsts.data;
    all.results.window_ends = (int64_t *)(void *)all.ends.data;
    bool ok = window_emit(window, &all.results, emitter, error);
    if (window->in_buckets)
        window_bucket_forget(&all);
    else
        forget(&all, window->shape.size_us);
    buffer_deinit(&all.records);
    buffer_deinit(&all.starts);
    buffer_deinit(&all.firsts);
    buffer_deinit(&all.ends);
    buffer_deinit(&all.times);
    buffer_deinit(&all.text);
    return ok;
}
