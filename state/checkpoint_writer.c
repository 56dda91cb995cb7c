/* The writer thread: takes requests in order, keeps the running epoch in one open transaction.
 *
 * Invariant: the connection `writing` is used by this thread alone; an epoch is visible to anybody
 * only after COMMIT, which is one transaction with all it consists of. A failure while an epoch
 * runs is kept and given to whoever commits it.
 *
 * Cost: adding copies the bytes into the queue, whose bound makes workers wait when the disk does
 * not keep up. While nothing is asked for, the thread folds and purges (checkpoint_fold.c). */
#include "state/checkpoint_internal.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/hash.h"

/* A first base may be many times this; what waits beyond it waits in the operators' tables. */
#define QUEUE_BYTES_MAX ((size_t)256 << 20)

/* ------------------------------------------------------------------- asking */

static void enqueue(CheckpointStore *store, WriteRequest *request)
{
    pthread_mutex_lock(&store->mutex);
    while (store->queued_bytes > QUEUE_BYTES_MAX)
        pthread_cond_wait(&store->finished, &store->mutex);
    store->queued_bytes += request->bytes;
    if (store->last != NULL)
        store->last->next = request;
    else
        store->first = request;
    store->last = request;
    pthread_cond_signal(&store->arrived);
    pthread_mutex_unlock(&store->mutex);
}

/* Sends a request and waits until the writer has done it. */
static bool ask(CheckpointStore *store, WriteKind kind, uint64_t epoch, const CheckpointInfo *info,
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
    WriteRequest *request = request_new(
        WRITE_CHUNK, strlen(uid) + strlen(chunk->table) + 2 + chunk->bytes.length, &room);
    request->uid = place_text(&room, uid);
    request->name = place_text(&room, chunk->table);
    request->number = chunk->key_group;
    request->is_base = chunk->is_base;
    request->data =
        (Str){place_bytes(&room, chunk->bytes.data, chunk->bytes.length), chunk->bytes.length};
    enqueue(store, request);
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
    return refuse_read_only(store, error) && ask(store, WRITE_BEGIN, epoch, NULL, error);
}

bool checkpoint_commit(CheckpointStore *store, const CheckpointInfo *info, Error *error)
{
    return refuse_read_only(store, error) && ask(store, WRITE_COMMIT, info->epoch, info, error);
}

bool checkpoint_rewind(CheckpointStore *store, uint64_t epoch, Error *error)
{
    return refuse_read_only(store, error) && ask(store, WRITE_REWIND, epoch, NULL, error);
}

void checkpoint_abort(CheckpointStore *store)
{
    if (store->has_thread)
        ask(store, WRITE_ABORT, 0, NULL, NULL);
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

static bool begin(CheckpointStore *store, uint64_t epoch, Error *error)
{
    if (store->running_epoch != 0 || epoch <= store->newest_epoch)
        return error_set(error, ERROR_INTERNAL,
                         "epoch %llu cannot begin: epoch %llu is running, %llu is the newest",
                         (unsigned long long)epoch, (unsigned long long)store->running_epoch,
                         (unsigned long long)store->newest_epoch);
    if (!checkpoint_exec(store, store->writing, "BEGIN IMMEDIATE", "beginning an epoch", error))
        return false;
    store->running_epoch = epoch;
    store->epoch_bytes = 0;
    store->failed = false;
    return true;
}

static bool write_chunk(CheckpointStore *store, const WriteRequest *request, Error *error)
{
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
    checkpoint_weight_add(table, request->number, request->is_base, request->data.length);
    store->epoch_bytes += request->data.length;
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
    return step_done(store, statement, error);
}

/* Writes of a running epoch; after the first failure the rest is passed over. */
static void write_part(CheckpointStore *store, const WriteRequest *request)
{
    if (store->running_epoch == 0 || store->failed)
        return;
    store->failed = request->kind == WRITE_CHUNK ? !write_chunk(store, request, &store->failure)
                                                 : !write_blob(store, request, &store->failure);
}

static void roll_back(CheckpointStore *store)
{
    if (store->running_epoch == 0)
        return;
    sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
    store->running_epoch = 0;
    store->failed = false;
    /* The weights count rows that are gone now. */
    checkpoint_weights_free(store);
    if (!checkpoint_weights_load(store, NULL))
        store->wants_fold = store->wants_purge = false;
}

static bool insert_epoch(CheckpointStore *store, const CheckpointInfo *info, Error *error)
{
    int64_t at_us =
        info->completed_at_us != 0 ? info->completed_at_us : clock_system.now_us(&clock_system);
    time_t seconds = (time_t)(at_us / 1000000);
    struct tm utc;
    char text[64];
    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S UTC", gmtime_r(&seconds, &utc));
    sqlite3_stmt *statement = store->statements.insert_epoch;
    sqlite3_bind_int64(statement, 1, (int64_t)info->epoch);
    sqlite3_bind_text(statement, 2, info->job, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 3, at_us);
    sqlite3_bind_text(statement, 4, text, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 5, (int64_t)store->epoch_bytes);
    sqlite3_bind_int64(statement, 6, info->parallelism);
    sqlite3_bind_int64(statement, 7, info->max_parallelism);
    sqlite3_bind_text(statement, 8, info->manifest == NULL ? "" : info->manifest, -1,
                      SQLITE_STATIC);
    return step_done(store, statement, error);
}

static bool commit(CheckpointStore *store, const CheckpointInfo *info, Error *error)
{
    if (store->running_epoch != info->epoch)
        return error_set(error, ERROR_INTERNAL, "epoch %llu cannot be committed: %llu is running",
                         (unsigned long long)info->epoch, (unsigned long long)store->running_epoch);
    bool committed = !store->failed;
    if (store->failed && error != NULL)
        *error = store->failure;
    committed = committed && insert_epoch(store, info, error) &&
                checkpoint_exec(store, store->writing, "COMMIT", "making an epoch durable", error);
    if (!committed) {
        roll_back(store);
        return false;
    }
    store->running_epoch = 0;
    store->newest_epoch = info->epoch;
    store->wants_fold = true;
    store->wants_purge = true;
    return true;
}

static bool rewind_to(CheckpointStore *store, uint64_t epoch, Error *error)
{
    char sql[512];
    snprintf(sql, sizeof(sql),
             "BEGIN IMMEDIATE; DELETE FROM epoch WHERE epoch > %llu;"
             "DELETE FROM blob WHERE epoch > %llu; DELETE FROM chunk WHERE epoch > %llu; COMMIT",
             (unsigned long long)epoch, (unsigned long long)epoch, (unsigned long long)epoch);
    if (store->running_epoch != 0)
        return error_set(error, ERROR_INTERNAL, "epoch %llu is running",
                         (unsigned long long)store->running_epoch);
    if (!checkpoint_exec(store, store->writing, sql, "going back to an older epoch", error)) {
        sqlite3_exec(store->writing, "ROLLBACK", NULL, NULL, NULL);
        return false;
    }
    checkpoint_weights_free(store);
    return checkpoint_weights_load(store, error);
}

static bool perform(CheckpointStore *store, const WriteRequest *request)
{
    switch (request->kind) {
    case WRITE_BEGIN:
        return begin(store, request->epoch, request->error);
    case WRITE_CHUNK:
    case WRITE_BLOB:
        write_part(store, request);
        return true;
    case WRITE_COMMIT:
        return commit(store, request->info, request->error);
    case WRITE_ABORT:
    case WRITE_STOP:
        roll_back(store);
        return true;
    case WRITE_REWIND:
        return rewind_to(store, request->epoch, request->error);
    }
    return true;
}

/* ------------------------------------------------------------------- thread */

/* The next request; while there is none, maintenance. */
static WriteRequest *next_request(CheckpointStore *store)
{
    bool has_upkeep = true;
    for (;;) {
        pthread_mutex_lock(&store->mutex);
        while (store->first == NULL && !has_upkeep)
            pthread_cond_wait(&store->arrived, &store->mutex);
        WriteRequest *request = store->first;
        if (request != NULL) {
            store->first = request->next;
            if (store->first == NULL)
                store->last = NULL;
        }
        pthread_mutex_unlock(&store->mutex);
        if (request != NULL)
            return request;
        has_upkeep = store->running_epoch == 0 && checkpoint_maintain(store);
    }
}

static void finish_request(CheckpointStore *store, WriteRequest *request, bool succeeded)
{
    pthread_mutex_lock(&store->mutex);
    store->queued_bytes -= request->bytes;
    if (request->done != NULL) {
        *request->succeeded = succeeded;
        *request->done = true;
    }
    pthread_cond_broadcast(&store->finished);
    pthread_mutex_unlock(&store->mutex);
    memory_free(request);
}

static void *run(void *argument)
{
    CheckpointStore *store = argument;
    for (bool running = true; running;) {
        WriteRequest *request = next_request(store);
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
