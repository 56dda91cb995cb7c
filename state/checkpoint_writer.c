/* The writer thread: takes requests in order and writes the running epoch part by part.
 *
 * A part is one transaction. SQLite keeps in a journal what a transaction changes and writes new
 * pages once, to their place; parts are small enough to wait in its cache until they end, so that
 * readers are kept out only while one ends, and the disk is busy while the epoch runs. The last
 * part enters the epoch's number, and with that all of them count.
 *
 * A request is kept until the part it is in is committed. Where that fails because somebody else
 * holds the file or the disk is full, what is kept is written again later, at the latest with the
 * next epoch: an epoch is what changed since the one before that is durable, in as many pieces as
 * it took. Its parts that are committed already count with that epoch, too, since they are older.
 *
 * Invariant: the connection `writing` is used by this thread alone; nobody reads rows of an epoch
 * as long as no number as high is entered, and before such a number is begun again its rows are
 * removed. A failure while an epoch runs is kept and given to whoever commits it.
 *
 * Cost: adding copies nothing; the queue's bound makes workers wait when the disk does not keep up.
 * While nothing is asked for, the thread folds and purges (checkpoint_fold.c). */
#include "state/checkpoint_internal.h"
#include "state/state_chunk.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/hash.h"

/* A first base may be many times this; what waits beyond it waits in the operators' tables. */
#define QUEUE_BYTES_MAX ((size_t)256 << 20)
/* From here on nothing is copied ahead of its time, and what could not be written is tried again.
 */
#define QUEUE_BYTES_BEHIND ((size_t)96 << 20)
/* Maintenance goes first while less than this waits. */
#define QUEUE_BYTES_FEW ((size_t)48 << 20)
/* Of a part; the cache (checkpoint.c) is larger. */
#define PART_BYTES ((uint64_t)16 << 20)

/* ------------------------------------------------------------------- asking */

static void enqueue(CheckpointStore *store, WriteRequest *request)
{
    pthread_mutex_lock(&store->mutex);
    while (store->queued_bytes > QUEUE_BYTES_MAX)
        pthread_cond_wait(&store->finished, &store->mutex);
    store->queued_bytes += request->bytes;
    store->waiting += request->done != NULL;
    if (store->last != NULL)
        store->last->next = request;
    else
        store->first = request;
    store->last = request;
    pthread_cond_signal(&store->arrived);
    pthread_mutex_unlock(&store->mutex);
}

/* Sends a request and waits until the writer has done it. */
static bool ask(CheckpointStore *store, WriteKind kind, uint64_t epoch, CheckpointInfo *info,
                Error *error)
{
    bool done = false;
    bool succeeded = false;
    WriteRequest *request = memory_zalloc(sizeof(*request));
    request->kind = kind;
    request->epoch = epoch;
    request->info = info;
    request->error = error;
    request->done = &done;
    request->succeeded = &succeeded;
    enqueue(store, request);
    pthread_mutex_lock(&store->mutex);
    while (!done)
        pthread_cond_wait(&store->finished, &store->mutex);
    pthread_mutex_unlock(&store->mutex);
    return succeeded;
}

/* A request with room behind it; `*room` is where its strings go. */
static WriteRequest *request_new(WriteKind kind, size_t room_bytes, char **room)
{
    WriteRequest *request = memory_alloc(sizeof(*request) + room_bytes);
    memset(request, 0, sizeof(*request));
    request->kind = kind;
    request->bytes = sizeof(*request) + room_bytes;
    *room = (char *)(request + 1);
    return request;
}

static const char *place_bytes(char **room, const void *data, size_t bytes)
{
    char *at = *room;
    if (bytes != 0)
        memcpy(at, data, bytes);
    *room += bytes;
    return at;
}

static const char *place_text(char **room, const char *text)
{
    return place_bytes(room, text, strlen(text) + 1);
}

void checkpoint_add_chunk(CheckpointStore *store, const char *uid, const StateChunk *chunk)
{
    char *room;
    WriteRequest *request = request_new(WRITE_CHUNK, strlen(uid) + strlen(chunk->table) + 2, &room);
    request->uid = place_text(&room, uid);
    request->name = place_text(&room, chunk->table);
    request->number = chunk->key_group;
    request->is_base = chunk->is_base;
    request->replaced_bytes = chunk->replaced_bytes;
    if (chunk->buffer != NULL) {
        request->owned = *chunk->buffer;
        *chunk->buffer = (Buffer){0};
    } else {
        buffer_append_str(&request->owned, chunk->bytes);
    }
    request->data = (Str){request->owned.data, request->owned.length};
    request->unsealed = chunk->buffer != NULL;
    request->bytes += request->owned.capacity;
    enqueue(store, request);
}

bool checkpoint_is_behind(CheckpointStore *store)
{
    pthread_mutex_lock(&store->mutex);
    bool behind = store->queued_bytes > QUEUE_BYTES_BEHIND;
    pthread_mutex_unlock(&store->mutex);
    return behind;
}

void checkpoint_add_blob(CheckpointStore *store, const char *uid, const char *kind,
                         uint32_t subtask, Str name, Str bytes)
{
    char *room;
    WriteRequest *request =
        request_new(WRITE_BLOB, strlen(uid) + strlen(kind) + 2 + name.length + bytes.length, &room);
    request->uid = place_text(&room, uid);
    request->name = place_text(&room, kind);
    request->number = subtask;
    request->key = (Str){place_bytes(&room, name.data, name.length), name.length};
    request->data = (Str){place_bytes(&room, bytes.data, bytes.length), bytes.length};
    enqueue(store, request);
}

static bool refuse_read_only(const CheckpointStore *store, Error *error)
{
    if (store->has_thread)
        return true;
    return error_set(error, ERROR_STATE, "checkpoint store \"%s\" is open for reading only",
                     store->path);
}

bool checkpoint_begin(CheckpointStore *store, uint64_t epoch, Error *error)
{
    if (!refuse_read_only(store, error))
        return false;
    if (store->begun_epoch != 0 || epoch <= store->committed_epoch)
        return error_set(error, ERROR_INTERNAL,
                         "epoch %llu cannot begin: epoch %llu is running, %llu is the newest",
                         (unsigned long long)epoch, (unsigned long long)store->begun_epoch,
                         (unsigned long long)store->committed_epoch);
    store->begun_epoch = epoch;
    char *room;
    WriteRequest *request = request_new(WRITE_BEGIN, 0, &room);
    request->epoch = epoch;
    enqueue(store, request);
    return true;
}

bool checkpoint_commit(CheckpointStore *store, CheckpointInfo *info, Error *error)
{
    if (!refuse_read_only(store, error))
        return false;
    if (store->begun_epoch != info->epoch)
        return error_set(error, ERROR_INTERNAL, "epoch %llu cannot be committed: %llu is running",
                         (unsigned long long)info->epoch, (unsigned long long)store->begun_epoch);
    bool committed = ask(store, WRITE_COMMIT, info->epoch, info, error);
    store->begun_epoch = 0;
    if (committed)
        store->committed_epoch = info->epoch;
    return committed;
}

bool checkpoint_rewind(CheckpointStore *store, uint64_t epoch, Error *error)
{
    if (!refuse_read_only(store, error))
        return false;
    if (store->begun_epoch != 0)
        return error_set(error, ERROR_INTERNAL, "epoch %llu is running",
                         (unsigned long long)store->begun_epoch);
    bool rewound = ask(store, WRITE_REWIND, epoch, NULL, error);
    if (rewound && store->committed_epoch > epoch)
        store->committed_epoch = epoch;
    return rewound;
}

void checkpoint_abort(CheckpointStore *store)
{
    if (store->has_thread)
        ask(store, WRITE_ABORT, 0, NULL, NULL);
    store->begun_epoch = 0;
}

/* -------------------------------------------------------------------- doing */

static bool step_done(CheckpointStore *store, sqlite3_stmt *statement, Error *error)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        checkpoint_sql_error(store, store->writing, "writing an epoch", error);
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
    return done;
}

static bool read_weights(CheckpointStore *store, Error *error)
{
    checkpoint_weights_free(store);
    store->is_stale = !checkpoint_weights_load(store, error);
    return !store->is_stale;
}

/* Removes what there is of younger epochs. */
static bool forget_after(CheckpointStore *store, uint64_t epoch, Error *error)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "BEGIN IMMEDIATE; DELETE FROM epoch WHERE epoch > %llu;"
             "DELETE FROM blob WHERE epoch > %llu; DELETE FROM chunk WHERE epoch > %llu; COMMIT",
             (unsigned long long)epoch, (unsigned long long)epoch, (unsigned long long)epoch);
    if (!checkpoint_exec(store, store->writing, sql, "going back to an older epoch", error)) {
        sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    store->has_leftovers = false;
    return read_weights(store, error);
}

/* So many bytes of requests are no more. */
static void leave_queue(CheckpointStore *store, size_t bytes)
{
    pthread_mutex_lock(&store->mutex);
    store->queued_bytes -= bytes;
    pthread_cond_broadcast(&store->finished);
    pthread_mutex_unlock(&store->mutex);
}

static size_t request_free(WriteRequest *request)
{
    size_t bytes = request->bytes;
    buffer_deinit(&request->owned);
    memory_free(request);
    return bytes;
}

/* Forgets what is kept, up to `end`. */
static void release_kept(CheckpointStore *store, const WriteRequest *end)
{
    size_t bytes = 0;
    while (store->kept != end) {
        WriteRequest *request = store->kept;
        store->kept = request->next;
        bytes += request_free(request);
    }
    if (end == NULL)
        store->last_kept = store->unwritten = NULL;
    store->kept_bytes -= bytes;
    leave_queue(store, bytes);
}

static void keep(CheckpointStore *store, WriteRequest *request)
{
    request->next = NULL;
    if (store->last_kept != NULL)
        store->last_kept->next = request;
    else
        store->kept = request;
    store->last_kept = request;
    if (store->unwritten == NULL)
        store->unwritten = request;
    store->kept_bytes += request->bytes;
}

/* The transaction begins with the first thing that is written: until then there is time for
 * maintenance. */
static bool ensure_transaction(CheckpointStore *store, Error *error)
{
    if (store->has_leftovers && !forget_after(store, store->newest_epoch, error))
        return false;
    if (store->is_stale && !read_weights(store, error))
        return false;
    if (!store->in_transaction) {
        store->in_transaction =
            checkpoint_exec(store, store->writing, "BEGIN IMMEDIATE", "beginning an epoch", error);
        store->part_bytes = 0;
    }
    return store->in_transaction;
}

static bool end_part(CheckpointStore *store, Error *error)
{
    if (!checkpoint_exec(store, store->writing, "COMMIT", "writing an epoch", error))
        return false;
    store->in_transaction = false;
    store->has_parts = true;
    release_kept(store, store->unwritten);
    return true;
}

/* After a failure: nothing of the transaction is written. What another try may cure leaves what is
 * kept; after anything else nobody knows what the disk has made of it. */
static void take_back(CheckpointStore *store)
{
    bool full = (sqlite3_errcode(store->writing) & 0xFF) == SQLITE_FULL;
    sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
    if (store->in_transaction)
        store->epoch_bytes -= store->part_bytes;
    store->in_transaction = false;
    store->is_stale = true;
    store->unwritten = store->kept;
    store->failed = true;
    if (store->failure.code == ERROR_BUSY || full)
        return;
    store->lost = true;
    release_kept(store, NULL);
}

static bool write_chunk(CheckpointStore *store, WriteRequest *request, Error *error)
{
    if (request->unsealed)
        state_chunk_seal(request->owned.data, request->owned.length);
    request->unsealed = false;
    OperatorTable *table = checkpoint_table(store, request->uid, request->name, error);
    if (table == NULL)
        return false;
    sqlite3_stmt *statement = store->statements.insert_chunk;
    sqlite3_bind_int64(statement, 1, table->id);
    sqlite3_bind_int64(statement, 2, request->number);
    sqlite3_bind_int64(statement, 3, (int64_t)store->running_epoch);
    sqlite3_bind_int(statement, 4, request->is_base);
    sqlite3_bind_int64(statement, 5, (int64_t)request->data.length);
    sqlite3_bind_blob64(statement, 6, request->data.data, request->data.length, SQLITE_STATIC);
    if (!step_done(store, statement, error))
        return false;
    checkpoint_weight_add(table, request->number, request->is_base, request->data.length,
                          request->replaced_bytes);
    store->epoch_bytes += request->data.length;
    store->part_bytes += request->data.length;
    store->wants_purge |= request->is_base;
    return true;
}

static bool write_blob(CheckpointStore *store, const WriteRequest *request, Error *error)
{
    sqlite3_stmt *statement = store->statements.insert_blob;
    uint64_t sum = hash_bytes(request->data.data, request->data.length);
    sqlite3_bind_int64(statement, 1, (int64_t)store->running_epoch);
    sqlite3_bind_text(statement, 2, request->uid, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, request->name, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 4, request->number);
    sqlite3_bind_blob64(statement, 5, request->key.data, request->key.length, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 6, (int64_t)sum);
    sqlite3_bind_blob64(statement, 7, request->data.data, request->data.length, SQLITE_STATIC);
    store->epoch_bytes += request->data.length;
    store->part_bytes += request->data.length;
    return step_done(store, statement, error);
}

/* Writes what is kept and not written; parts that are full are committed. */
static bool write_kept(CheckpointStore *store)
{
    Error *error = &store->failure;
    bool written = ensure_transaction(store, error);
    while (written && store->unwritten != NULL) {
        WriteRequest *request = store->unwritten;
        written = ensure_transaction(store, error) &&
                  (request->kind == WRITE_CHUNK ? write_chunk(store, request, error)
                                                : write_blob(store, request, error));
        if (!written)
            break;
        store->unwritten = request->next;
        if (store->part_bytes >= store->part_bytes_max)
            written = end_part(store, error);
    }
    store->failed = false;
    if (!written)
        take_back(store);
    return written;
}

static void begin(CheckpointStore *store, uint64_t epoch)
{
    store->running_epoch = epoch;
    store->epoch_bytes = 0;
    store->failed = store->lost = false;
    if (store->kept != NULL)
        write_kept(store);
}

/* Takes the request over. After a failure nothing is written until the epoch ends, or more is kept
 * than should be: a last try then. */
static void write_part(CheckpointStore *store, WriteRequest *request)
{
    keep(store, request);
    if (store->running_epoch == 0 || store->lost) {
        release_kept(store, NULL);
        return;
    }
    bool tries_again = store->failed;
    if (tries_again && store->kept_bytes < QUEUE_BYTES_BEHIND)
        return;
    if (write_kept(store) || !tries_again)
        return;
    store->lost = true;
    release_kept(store, NULL);
}

static void roll_back(CheckpointStore *store)
{
    store->running_epoch = 0;
    store->failed = store->lost = false;
    release_kept(store, NULL);
    if (!store->in_transaction && !store->has_parts)
        return;
    sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
    store->in_transaction = false;
    store->has_parts = false;
    /* The weights count rows that are gone now; the disk may have to wait for room. */
    store->has_leftovers = true;
    if (!forget_after(store, store->newest_epoch, NULL))
        store->wants_fold = store->wants_purge = false;
}

/* Leaves of what is kept what the next epoch takes along: state, but no positions and no rows of
 * sinks, which it brings itself. */
static void drop_blobs(CheckpointStore *store)
{
    WriteRequest *request = store->kept;
    size_t bytes = 0;
    store->kept = store->last_kept = store->unwritten = NULL;
    store->kept_bytes = 0;
    while (request != NULL) {
        WriteRequest *next = request->next;
        if (request->kind == WRITE_BLOB)
            bytes += request_free(request);
        else
            keep(store, request);
        request = next;
    }
    leave_queue(store, bytes);
}

/* Returns whether the next epoch has all that this one was to have. */
static bool decline(CheckpointStore *store)
{
    if (store->lost) {
        store->has_parts = true; /* whatever the disk has made of the last */
        roll_back(store);
        return false;
    }
    store->running_epoch = 0;
    store->failed = false;
    drop_blobs(store);
    return true;
}

static bool insert_epoch(CheckpointStore *store, CheckpointInfo *info, Error *error)
{
    if (info->completed_at_us == 0)
        info->completed_at_us = clock_system.now_us(&clock_system);
    info->bytes = store->epoch_bytes;
    time_t seconds = (time_t)(info->completed_at_us / 1000000);
    struct tm utc;
    char text[64];
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&seconds, &utc));
    sqlite3_stmt *statement = store->statements.insert_epoch;
    sqlite3_bind_int64(statement, 1, (int64_t)info->epoch);
    sqlite3_bind_text(statement, 2, info->job, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, info->completed_at_us);
    sqlite3_bind_text(statement, 4, text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, (int64_t)info->bytes);
    sqlite3_bind_int64(statement, 6, info->parallelism);
    sqlite3_bind_int64(statement, 7, info->max_parallelism);
    sqlite3_bind_text(statement, 8, info->manifest == NULL ? "" : info->manifest, -1,
                      SQLITE_STATIC);
    return step_done(store, statement, error);
}

static bool commit(CheckpointStore *store, CheckpointInfo *info, Error *error)
{
    bool committed = !store->failed && write_kept(store);
    if (committed) {
        committed = insert_epoch(store, info, &store->failure) &&
                    checkpoint_exec(store, store->writing, "COMMIT", "making an epoch durable",
                                    &store->failure);
        if (!committed)
            take_back(store);
    }
    if (!committed) {
        if (error != NULL)
            *error = store->failure;
        info->declined = decline(store);
        return false;
    }
    release_kept(store, NULL);
    store->running_epoch = 0;
    store->in_transaction = false;
    store->has_parts = false;
    store->newest_epoch = info->epoch;
    store->wants_fold = true;
    store->wants_purge = true;
    return true;
}

static bool perform(CheckpointStore *store, const WriteRequest *request)
{
    switch (request->kind) {
    case WRITE_BEGIN:
        begin(store, request->epoch);
        return true;
    case WRITE_CHUNK:
    case WRITE_BLOB:
        break; /* write_part */
    case WRITE_COMMIT:
        return commit(store, request->info, request->error);
    case WRITE_ABORT:
    case WRITE_STOP:
        roll_back(store);
        return true;
    case WRITE_REWIND:
        release_kept(store, NULL);
        return forget_after(store, request->epoch, request->error);
    }
    return true;
}

/* ------------------------------------------------------------------- thread */

/* Whether maintenance goes before what waits: little does, and nobody for an answer. Under the
 * mutex. */
static bool upkeep_is_first(const CheckpointStore *store)
{
    return store->first == NULL || (store->waiting == 0 && store->queued_bytes < QUEUE_BYTES_FEW);
}

/* The next request; while there is none, or time for it, maintenance. */
static WriteRequest *next_request(CheckpointStore *store)
{
    bool has_upkeep = !store->in_transaction && !store->has_parts;
    for (;;) {
        pthread_mutex_lock(&store->mutex);
        while (store->first == NULL && !has_upkeep)
            pthread_cond_wait(&store->arrived, &store->mutex);
        WriteRequest *request = NULL;
        if (!has_upkeep || !upkeep_is_first(store)) {
            request = store->first;
            store->first = request->next;
            if (store->first == NULL)
                store->last = NULL;
            store->waiting -= request->done != NULL;
        }
        pthread_mutex_unlock(&store->mutex);
        if (request != NULL)
            return request;
        has_upkeep = checkpoint_maintain(store);
    }
}

static void finish_request(CheckpointStore *store, WriteRequest *request, bool succeeded)
{
    if (request->done != NULL) {
        pthread_mutex_lock(&store->mutex);
        *request->succeeded = succeeded;
        *request->done = true;
        pthread_mutex_unlock(&store->mutex);
    }
    leave_queue(store, request_free(request));
}

static void *run(void *argument)
{
    CheckpointStore *store = argument;
    for (bool running = true; running;) {
        WriteRequest *request = next_request(store);
        if (request->kind == WRITE_CHUNK || request->kind == WRITE_BLOB) {
            write_part(store, request);
            continue;
        }
        running = request->kind != WRITE_STOP;
        bool succeeded = perform(store, request);
        if (!running) {
            /* Folding can wait for the next start; what is not retained should not stay. */
            store->wants_fold = false;
            while (checkpoint_maintain(store))
                continue;
        }
        finish_request(store, request, succeeded);
    }
    return NULL;
}

static bool prepare(CheckpointStore *store, const char *sql, sqlite3_stmt **statement, Error *error)
{
    if (sqlite3_prepare_v3(store->writing, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
        SQLITE_OK)
        return true;
    return checkpoint_sql_error(store, store->writing, "opening it", error);
}

bool checkpoint_writer_start(CheckpointStore *store, Error *error)
{
    store->committed_epoch = store->newest_epoch;
    if (store->part_bytes_max == 0)
        store->part_bytes_max = PART_BYTES;
    if (store->wait_ms != 0)
        sqlite3_busy_timeout(store->writing, (int)store->wait_ms);
    WriterStatements *statements = &store->statements;
    bool prepared =
        prepare(store,
                "INSERT INTO chunk(operator_table, key_group, epoch, is_base, size, bytes)"
                " VALUES(?, ?, ?, ?, ?, ?)",
                &statements->insert_chunk, error) &&
        prepare(store, "INSERT INTO blob VALUES(?, ?, ?, ?, ?, ?, ?)", &statements->insert_blob,
                error) &&
        prepare(store, "INSERT INTO epoch VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                &statements->insert_epoch, error) &&
        prepare(store, "INSERT INTO operator_table(operator, name) VALUES(?, ?)",
                &statements->insert_table, error) &&
        prepare(store,
                "SELECT bytes FROM chunk WHERE operator_table = ?1 AND key_group = ?2 AND id >="
                " coalesce((SELECT max(id) FROM chunk WHERE operator_table = ?1"
                "  AND key_group = ?2 AND is_base), 0) ORDER BY id",
                &statements->select_run, error);
    if (!prepared)
        return false;
    if (pthread_create(&store->thread, NULL, run, store) != 0)
        return error_set(error, ERROR_LIMIT, "could not start the checkpoint writer's thread");
    store->has_thread = true;
    return true;
}

void checkpoint_writer_stop(CheckpointStore *store)
{
    if (store->has_thread) {
        ask(store, WRITE_STOP, 0, NULL, NULL);
        pthread_join(store->thread, NULL);
        store->has_thread = false;
    }
    sqlite3_finalize(store->statements.insert_chunk);
    sqlite3_finalize(store->statements.insert_blob);
    sqlite3_finalize(store->statements.insert_epoch);
    sqlite3_finalize(store->statements.insert_table);
    sqlite3_finalize(store->statements.select_run);
    store->statements = (WriterStatements){0};
}
