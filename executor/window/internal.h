/* What the files of the aggregate over windows share.
 *
 *     op_window_aggregate.c   rows to slices: late rows, groups, updates
 *     window/fire.c           windows that end: slices put together, rows given, state let go
 *     window/merge.c          slices of a window put together in memory
 *     window/session.c        sessions: which rows belong together
 *     window/bucket.c         the same for rows that are never taken back
 *     window/slices.c         slices in memory, and which window ends first
 *     op_window_live.c        windows that are given early, late and again
 *     window/clock.c          processing time
 *     window/time.c           windows on the clock
 *
 * Groups are those of the aggregate (aggregate/internal.h) by key and slice. The key of a group is
 * the encoded keys and, behind them, the slice's end (of attached windows: end and start), eight
 * bytes each. Its record starts with:
 *
 *     [rows, when the input retracts] WindowRecord */
#ifndef EXECUTOR_WINDOW_INTERNAL_H
#define EXECUTOR_WINDOW_INTERNAL_H

#include "executor/aggregate/local.h"
#include "executor/window/slices.h"
#include "executor/window/time.h"

typedef struct WindowRecord {
    int64_t arrival;   /* orders groups after a restore as before */
    uint32_t position; /* in its slice's list; set anew by a restore */
    uint32_t key_hash; /* lower half of the hash of the keys */
} WindowRecord;

/* Several slices put together (window/merge.c). */
typedef struct WindowMerge {
    uint32_t entry_bytes;
    char *entries; /* a key each */
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* entries by hash, from 1 */
    uint32_t mask;
    Arena *texts;       /* of merged states; NULL: none yet */
    int64_t start, end; /* the window that is put together */
    bool holds;         /* it still is what the slices hold */
} WindowMerge;

typedef struct WindowAggregate WindowAggregate;
struct WindowAggregate {
    Aggregate aggregate;
    /* Fixed. */
    const PlanWindowAggregate *plan;
    WindowShape shape;
    uint32_t suffix_bytes; /* of a group's key, behind the encoded keys */
    bool merges;           /* all that a group holds is in its record */
    bool in_buckets;       /* SESSION of rows that are never taken back */
    StateTable *times;     /* other SESSION: keys → time → rows with it */
    StateTable *clock;     /* processing time: how far it has come; NULL: event time */
    LocalKeys alike;       /* what rows of one slice share a group by */
    /* Changing. */
    bool (*fire)(WindowAggregate *window, Emitter *emitter, Error *error);
    WindowSlices slices;
    int64_t progress; /* window_progress of the watermark, or of the clock */
    int64_t now_us;   /* the clock, when it was last looked at */
    Arena *firing;    /* reset by each window that ends */
    WindowMerge merge;
    LocalTrial trial;
};

/* What becomes of a row: it counts, or no window has it, or it came too late. */
typedef enum RowFate { ROW_COUNTS, ROW_OUTSIDE, ROW_LATE } RowFate;

/* One batch: what there is by row besides the aggregate's arrays. */
typedef struct WindowBatch {
    AggregateBatch work;
    int64_t *times; /* on the windows' clock */
    /* The latest, of rows that a local phase has made; else the same. */
    const int64_t *lasts;
    int64_t *ends;    /* of the slice */
    Str *keys;        /* encoded keys, without the slice; by row until groups are found */
    uint64_t *hashes; /* of those */
    uint8_t *fates;   /* RowFate */
} WindowBatch;

static inline WindowRecord *window_record(const WindowAggregate *window, void *record)
{
    uint32_t offset = window->plan->aggregate.input_retracts ? (uint32_t)sizeof(int64_t) : 0;
    return (WindowRecord *)(void *)((char *)record + offset);
}

/* A group's key: the encoded keys and the slice's end behind them. */
static inline Str window_group_keys(const WindowAggregate *window, Str key)
{
    return (Str){key.data, key.length - window->suffix_bytes};
}

static inline int64_t window_group_time(const WindowAggregate *window, Str key, uint32_t index)
{
    int64_t time;
    memcpy(&time, key.data + key.length - window->suffix_bytes + index * sizeof(time),
           sizeof(time));
    return time;
}

/* The hash of a group from that of its keys, which chooses the key group. */
static inline uint64_t window_group_hash(uint64_t keys_hash, Str key)
{
    return (keys_hash >> 32 << 32) | (uint32_t)hash_bytes(key.data, key.length);
}

/* Whether the watermark has passed the window that ends there. */
static inline bool window_is_closed(const WindowAggregate *window, int64_t end)
{
    return end - window->plan->window.tick_us <= window->progress;
}

/* ------------------------------------------------------ op_window_aggregate.c */

/* Sets up all but the tables of sessions; `extra_bytes` come behind the WindowRecord. */
void window_setup(WindowAggregate *window, const OperatorContext *context, uint32_t extra_bytes);
void window_teardown(WindowAggregate *window);
/* The rows' times on the windows' clock; those of NULLs mean nothing. */
void window_read_times(const WindowAggregate *window, const Vector *column, uint32_t count,
                       int64_t *out);
/* Finds or makes the rows' groups by key and `ends`; new ones are told by `created`. The keys of
 * the rows are there afterwards where calls need them. */
void window_find_groups(WindowAggregate *window, WindowBatch *batch);
/* Records of all groups in the order in which they came; to be freed with memory_free. */
void **window_groups_by_arrival(WindowAggregate *window, size_t *count);

/* ------------------------------------------------------------ window/fire.c */

/* Windows that end together, each made of some records. */
typedef struct WindowResults {
    uint32_t count;
    uint32_t *starts; /* where each one's records begin; one more than count */
    void **records;
    bool merged;            /* instead of these: the entries of window->merge */
    int64_t *window_starts; /* NULL: all windows are start .. end */
    int64_t *window_ends;
    int64_t start;
    int64_t end;
} WindowResults;

/* Writes `count` results from `from` on into a batch of the node's schema. */
bool window_write(WindowAggregate *window, const WindowResults *results, uint32_t from,
                  uint32_t count, Batch *out, Error *error) MUST_CHECK;
bool window_emit(WindowAggregate *window, const WindowResults *results, Emitter *emitter,
                 Error *error) MUST_CHECK;
/* Gives all windows that the watermark has passed. */
bool window_fire(WindowAggregate *window, Emitter *emitter, Error *error) MUST_CHECK;
/* Puts a record into the slice that ends at `end`, which waits for the first of its windows still
 * open; takes it out again, true when the slice went with it. */
void window_wait(WindowAggregate *window, void *record, int64_t end);
bool window_stop_waiting(WindowAggregate *window, void *record, int64_t end);
/* Forgets a group that waits no more, and all that is kept for it. */
void window_forget(WindowAggregate *window, void *record);
/* Both; true when the slice went with it. */
bool window_remove(WindowAggregate *window, void *record, int64_t end);

/* ------------------------------------------------------------ window/clock.c */

void window_clock_open(WindowAggregate *window);
/* It is now that late: gives the windows that are over. */
bool window_clock_advance(WindowAggregate *window, int64_t now_us, Emitter *emitter,
                          Error *error) MUST_CHECK;
/* Asks to be woken at the end of the next window. */
void window_clock_wake(WindowAggregate *window);
/* Before a snapshot and after a restore. */
void window_clock_save(WindowAggregate *window);
void window_clock_restore(WindowAggregate *window);

/* ---------------------------------------------------------- window/session.c */

/* Sessions that are over, on their way out. */
typedef struct WindowSessions {
    WindowAggregate *window;
    WindowResults results;
    Buffer records; /* void * */
    Buffer starts;  /* uint32_t */
    Buffer firsts;  /* int64_t: where each session starts */
    Buffer ends;    /* int64_t */
    Buffer times;   /* of one session, latest first */
    Buffer text;    /* keys of one session's groups */
} WindowSessions;

/* The records listed since the last call are a session. */
void window_sessions_add(WindowSessions *all, int64_t start, int64_t end);

void window_session_open(WindowAggregate *window);
/* Notes the rows' times one after the other; settles the fates of rows that belong to no session.
 */
void window_session_note(WindowAggregate *window, WindowBatch *batch);
/* Gives the sessions that end first, and those that are over too, up to a batch of them. */
bool window_session_fire(WindowAggregate *window, Emitter *emitter, Error *error) MUST_CHECK;

/* ----------------------------------------------------------- window/bucket.c */

/* What a record has behind its WindowRecord. */
uint32_t window_bucket_bytes(void);
/* Whether a row belongs to a session that is there; `text` is memory. */
bool window_bucket_joins(const WindowAggregate *window, const WindowBatch *batch, uint32_t row,
                         Buffer *text);
/* Notes the times of rows whose groups are found. */
void window_bucket_note(WindowAggregate *window, const WindowBatch *batch);
void window_bucket_wait(WindowAggregate *window, void *record);
/* Lists the sessions that end with a record of the slice. */
void window_bucket_find(WindowSessions *all, WindowSlice *slice);
void window_bucket_forget(WindowSessions *all);

#endif
