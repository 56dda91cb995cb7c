/* Savepoints: the newest epoch of a store as a file of its own.
 *
 * The copy is written beside its place, made durable, and renamed: it is there whole or not at all.
 * SQLite copies what an open reader sees, so the store may be in use meanwhile. */
#include "state/checkpoint_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool io_error(Error *error, const char *path, int reason)
{
    error_set(error, ERROR_IO, "could not write savepoint \"%s\": %s", path, strerror(reason));
    return error_hint(error, "Set \"execution.checkpointing.savepoint-dir\" to a directory with "
                             "room that you may write to.");
}

static bool make_durable(const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    bool done = fsync(file) == 0;
    return close(file) == 0 && done;
}

/* SQLite's copy of everything, without its free pages; by a connection of its own, since the
 * store's may be in the middle of reading. */
static bool copy_database(const CheckpointStore *store, const char *path, Error *error)
{
    sqlite3 *from = NULL;
    sqlite3_stmt *statement = NULL;
    bool done = sqlite3_open_v2(store->path, &from, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK &&
                sqlite3_busy_timeout(from, CHECKPOINT_WAITS_MS) == SQLITE_OK &&
                sqlite3_prepare_v2(from, "VACUUM INTO ?", -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_bind_text(statement, 1, path, -1, SQLITE_STATIC) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_DONE;
    /* Only the copy is written. */
    if (!done && (sqlite3_errcode(from) & 0xFF) == SQLITE_FULL)
        io_error(error, path, ENOSPC);
    else if (!done)
        checkpoint_sql_error(store, from, "copying it", error);
    sqlite3_finalize(statement);
    sqlite3_close(from);
    return done;
}

bool checkpoint_copy(CheckpointStore *store, const char *directory, Arena *arena, const char **path,
                     Error *error)
{
    CheckpointInfo info;
    if (!checkpoint_newest(store, 0, &info, error))
        return false;
    if (info.epoch == 0) {
        error_set(error, ERROR_STATE, "checkpoint store \"%s\" has no epoch to save", store->path);
        return false;
    }
    const char *slash = strrchr(store->path, '/');
    const char *name = slash == NULL ? store->path : slash + 1;
    const char *dot = strrchr(name, '.');
    *path = arena_printf(arena, "%s/%.*s-savepoint-%llu.weir-state", directory,
                         (int)(dot == NULL ? strlen(name) : (size_t)(dot - name)), name,
                         (unsigned long long)info.epoch);
    const char *part = arena_printf(arena, "%s.part", *path);
    if (unlink(part) != 0 && errno != ENOENT)
        return io_error(error, part, errno);
    if (!copy_database(store, part, error)) {
        unlink(part);
        return false;
    }
    if (!make_durable(part) || rename(part, *path) != 0 || !make_durable(directory))
        return io_error(error, *path, errno);
    return true;
}
