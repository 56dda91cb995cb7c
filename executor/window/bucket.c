/* Sessions of rows that are never taken back.
 *
 * Time is cut into buckets as wide as the gap: all rows of a key in one bucket belong to one
 * session, and only neighbours can belong to the same. So a slice is a bucket, its record knows its
 * first and its last time, and a session is a run of neighbours of which none is further than the
 * gap from the next. A record waits where its session would end if it were the last of its run;
 * when that time comes and rows have come since, it waits anew.
 *
 * Cost: as TUMBLE with windows of the gap, and a probe or two a bucket when it is over. State: a
 * record per key and bucket. */
#include "executor/window/internal.h"

/* Behind the WindowRecord. */
typedef struct BucketRecord {
    int64_t first; /* times of its rows */
    int64_t last;
    int64_t waits; /* the end by which it stands in a slice's list; NO_SLICE: in none */
} BucketRecord;

#define NO_SLICE INT64_MIN

uint32_t window_bucket_bytes(void)
{
    return sizeof(BucketRecord);
}

static BucketRecord *bucket_of(const WindowAggregate *window, void *record)
{
    return (BucketRecord *)(void *)(window_record(window, record) + 1);
}

/* The key's record of another bucket; NULL: it has none. `text` is memory for the key. */
static void *find_bucket(const WindowAggregate *window, Str keys, uint64_t hash, int64_t end,
                         Buffer *text)
{
    buffer_clear(text);
    buffer_append_str(text, keys);
    buffer_append(text, &end, sizeof(end));
    Str key = {text->data, text->length};
    uint64_t group = window_group_hash(hash, key);
    void *record;
    state_value_get(window->aggregate.groups, &key, &group, 1, &record);
    return record;
}

/* ----------------------------------------------------------------- rows as they come */

bool window_bucket_joins(const WindowAggregate *window, const WindowBatch *batch, uint32_t row,
                         Buffer *text)
{
    Str keys = batch->keys[row];
    uint64_t hash = batch->hashes[row];
    int64_t gap = window->shape.size_us, end = batch->ends[row];
    if (find_bucket(window, keys, hash, end, text) != NULL)
        return true;
    void *before = find_bucket(window, keys, hash, end - gap, text);
    if (before != NULL && batch->times[row] - bucket_of(window, before)->last <= gap)
        return true;
    void *after = find_bucket(window, keys, hash, end + gap, text);
    return after != NULL && bucket_of(window, after)->first - batch->lasts[row] <= gap;
}

void window_bucket_note(WindowAggregate *window, const WindowBatch *batch)
{
    const AggregateBatch *work = &batch->work;
    for (uint32_t i = 0; i < work->count; i++) {
        BucketRecord *bucket = bucket_of(window, work->records[i]);
        int64_t first = batch->times[i], last = batch->lasts[i];
        if (work->created[i])
            *bucket = (BucketRecord){first, last, NO_SLICE};
        bucket->first = first < bucket->first ? first : bucket->first;
        bucket->last = last > bucket->last ? last : bucket->last;
    }
    for (uint32_t i = 0; i < work->count; i++)
        if (work->created[i])
            window_bucket_wait(window, work->records[i]);
}

void window_bucket_wait(WindowAggregate *window, void *record)
{
    BucketRecord *bucket = bucket_of(window, record);
    bucket->waits = bucket->last + window->shape.size_us;
    window_wait(window, record, bucket->waits);
}

/* -------------------------------------------------------------------- sessions that end */

static void drop(WindowAggregate *window, void *record)
{
    BucketRecord *bucket = bucket_of(window, record);
    if (bucket->waits != NO_SLICE)
        window_stop_waiting(window, record, bucket->waits);
    bucket->waits = NO_SLICE;
}

/* Lists the run that ends with the record, earliest first. */
static void list_run(WindowSessions *all, void *record, Str keys, uint64_t hash, int64_t end)
{
    WindowAggregate *window = all->window;
    int64_t gap = window->shape.size_us, over = bucket_of(window, record)->last + gap;
    buffer_clear(&all->times);
    for (void *next = record; next != NULL;) {
        int64_t first = bucket_of(window, next)->first;
        buffer_append(&all->times, &next, sizeof(next));
        end -= gap;
        next = find_bucket(window, keys, hash, end, &all->text);
        if (next != NULL && first - bucket_of(window, next)->last > gap)
            next = NULL;
    }
    void *const *run = (void *const *)(const void *)all->times.data;
    for (size_t i = all->times.length / sizeof(void *); i-- > 0;)
        buffer_append(&all->records, &run[i], sizeof(void *));
    uint32_t count = (uint32_t)(all->times.length / sizeof(void *));
    window_sessions_add(all, bucket_of(window, run[count - 1])->first, over);
}

void window_bucket_find(WindowSessions *all, WindowSlice *slice)
{
    WindowAggregate *window = all->window;
    int64_t gap = window->shape.size_us, now = slice->end;
    bool gone = slice->gone == slice->count;
    for (uint32_t i = 0, count = slice->count; i < count && !gone; i++) {
        void *record = slice->records[i];
        if (record == NULL)
            continue;
        Str key = state_value_key(window->aggregate.groups, record);
        Str keys = window_group_keys(window, key);
        uint64_t hash = hash_bytes(keys.data, keys.length);
        int64_t end = window_group_time(window, key, 0);
        BucketRecord *bucket = bucket_of(window, record);
        void *after = find_bucket(window, keys, hash, end + gap, &all->text);
        bool is_last = after == NULL || bucket_of(window, after)->first - bucket->last > gap;
        if (is_last && bucket->last + gap == now) {
            list_run(all, record, keys, hash, end);
            continue;
        }
        /* The last of this list takes the slice with it. */
        gone = slice->gone + 1 == slice->count;
        drop(window, record);
        if (is_last)
            window_bucket_wait(window, record);
    }
}

void window_bucket_forget(WindowSessions *all)
{
    WindowAggregate *window = all->window;
    void *const *records = (void *const *)(const void *)all->records.data;
    size_t count = all->records.length / sizeof(void *);
    for (size_t i = 0; i < count; i++) {
        drop(window, records[i]);
        window_forget(window, records[i]);
    }
}
