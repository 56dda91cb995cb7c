/* Reading epochs back: their list, the chunks of an operator, its blobs.
 *
 * A key group's state at an epoch is the newest base that is not younger and every chunk behind it,
 * in the order they were written. */
#include "state/checkpoint_internal.h"

#include <string.h>

#include "core/hash.h"

static bool prepare(CheckpointStore *store, const char *sql, sqlite3_stmt **statement, Error *error)
{
    if (sqlite3_prepare_v2(store->reading, sql, -1, statement, NULL) == SQLITE_OK)
        return true;
    return checkpoint_sql_error(store, store->reading, "reading it", error);
}

static Str column_bytes(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return (Str){data == NULL ? "" : data, (size_t)sqlite3_column_bytes(statement, column)};
}

bool checkpoint_newest(CheckpointStore *store, uint64_t before, CheckpointInfo *out, Error *error)
{
    sqlite3_stmt *statement;
    memset(out, 0, sizeof(*out));
    if (!prepare(store,
                 "SELECT epoch, job, completed_at_us, bytes, parallelism, max_parallelism, manifest"
                 " FROM epoch WHERE epoch < ? ORDER BY epoch DESC LIMIT 1",
                 &statement, error))
        return false;
    sqlite3_bind_int64(statement, 1, before == 0 ? INT64_MAX : (int64_t)before);
    int result = sqlite3_step(statement);
    if (result == SQLITE_ROW) {
        out->epoch = (uint64_t)sqlite3_column_int64(statement, 0);
        Str job = column_bytes(statement, 1);
        size_t length = job.length < sizeof(out->job) ? job.length : sizeof(out->job) - 1;
        memcpy(out->job, job.data, length);
        out->completed_at_us = sqlite3_column_int64(statement, 2);
        out->bytes = (uint64_t)sqlite3_column_int64(statement, 3);
        out->parallelism = (uint32_t)sqlite3_column_int64(statement, 4);
        out->max_parallelism = (uint32_t)sqlite3_column_int64(statement, 5);
        buffer_clear(&store->manifest);
        buffer_append_str(&store->manifest, column_bytes(statement, 6));
        out->manifest = buffer_text(&store->manifest);
    }
    bool read = result == SQLITE_ROW || result == SQLITE_DONE;
    if (!read)
        checkpoint_sql_error(store, store->reading, "reading its epochs", error);
    sqlite3_finalize(statement);
    return read;
}

bool checkpoint_read_chunks(CheckpointStore *store, uint64_t epoch, const char *uid,
                            bool (*each)(void *to, const StateChunk *chunk, Error *error), void *to,
                            Error *error)
{
    sqlite3_stmt *statement;
    if (!prepare(store,
                 "SELECT t.name, c.key_group, c.is_base, c.bytes"
                 " FROM operator_table t CROSS JOIN chunk c ON c.operator_table = t.id"
                 " WHERE t.operator = ?1 AND c.epoch <= ?2 AND c.id >= coalesce("
                 "  (SELECT max(b.id) FROM chunk b WHERE b.operator_table = c.operator_table"
                 "    AND b.key_group = c.key_group AND b.is_base AND b.epoch <= ?2), 0)"
                 " ORDER BY t.id, c.key_group, c.id",
                 &statement, error))
        return false;
    sqlite3_bind_text(statement, 1, uid, -1, SQLITE_STATIC);
    sqlite3_bind_int64(statement, 2, (int64_t)epoch);
    bool going = true;
    int result;
    while (going && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        StateChunk chunk = {.table = (const char *)sqlite3_column_text(statement, 0),
                            .key_group = (uint32_t)sqlite3_column_int64(statement, 1),
                            .is_base = sqlite3_column_int(statement, 2) != 0,
                            .bytes = column_bytes(statement, 3)};
        going = each(to, &chunk, error);
        if (!going)
            error_place(error, "%s, epoch %llu, operator \"%s\"", store->path,
                        (unsigned long long)epoch, uid);
    }
    if (going && result != SQLITE_DONE)
        going = checkpoint_sql_error(store, store->reading, "reading state", error);
    sqlite3_finalize(statement);
    return going;
}

bool checkpoint_read_blobs(CheckpointStore *store, uint64_t epoch, const char *uid,
                           const char *kind,
                           bool (*each)(void *to, uint32_t subtask, Str name, Str bytes,
                                        Error *error),
                           void *to, Error *error)
{
    sqlite3_stmt *statement;
    if (!prepare(store,
                 "SELECT subtask, name, bytes, checksum FROM blob"
                 " WHERE epoch = ? AND operator = ? AND kind = ? ORDER BY subtask, name",
                 &statement, error))
        return false;
    sqlite3_bind_int64(statement, 1, (int64_t)epoch);
    sqlite3_bind_text(statement, 2, uid, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 3, kind, -1, SQLITE_STATIC);
    bool going = true;
    int result;
    while (going && (result = sqlite3_step(statement)) == SQLITE_ROW) {
        Str bytes = column_bytes(statement, 2);
        if ((int64_t)hash_bytes(bytes.data, bytes.length) == sqlite3_column_int64(statement, 3)) {
            going = each(to, (uint32_t)sqlite3_column_int64(statement, 0),
                         column_bytes(statement, 1), bytes, error);
            continue;
        }
        going = error_set(error, ERROR_STATE,
                          "checkpoint store \"%s\" is corrupt: the %s of operator \"%s\" in epoch "
                          "%llu cannot be read",
                          store->path, kind, uid, (unsigned long long)epoch);
        error_hint(error, "Start from an older epoch, or start over with --fresh.");
    }
    if (going && result != SQLITE_DONE)
        going = checkpoint_sql_error(store, store->reading, "reading positions", error);
    sqlite3_finalize(statement);
    return going;
}
