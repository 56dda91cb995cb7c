/* The checkpoint store: opening, locking, its schema, and the errors of SQLite in our words.
 *
 * One process at a time holds a store for writing: a lock on the file beside it (flock, so it goes
 * with the process whatever kills it) whose content is the holder's process id.
 *
 * Durability is SQLite's: a rollback journal, synchronous = FULL. That writes the pages of chunks
 * once; a write-ahead log would write them twice. */
#include "state/checkpoint_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"

#define SUFFIX         ".weir-state"
#define APPLICATION_ID 0x57656972 /* "Weir" */
#define SCHEMA_VERSION 2          /* 1 had no parts of epochs that were not committed */
#define NAME_BYTES_MAX 100
/* Large pages: chunks are BLOBs of about a hundred kilobytes. */
#define PRAGMAS_NEW "PRAGMA page_size = 16384;"
#define PRAGMAS_WRITE                                                                              \
    "PRAGMA journal_mode = TRUNCATE; PRAGMA synchronous = FULL; PRAGMA cache_size = -32768;"       \
    "PRAGMA secure_delete = OFF;"

static const char *const schema_sql =
    "BEGIN IMMEDIATE;"
    /* Restorable points of the job. */
    "CREATE TABLE IF NOT EXISTS epoch("
    " epoch INTEGER PRIMARY KEY, job TEXT NOT NULL, completed_at_us INTEGER NOT NULL,"
    " completed_at TEXT NOT NULL, bytes INTEGER NOT NULL, parallelism INTEGER NOT NULL,"
    " max_parallelism INTEGER NOT NULL, manifest TEXT NOT NULL);"
    /* Keyed state: which operator keeps which table. */
    "CREATE TABLE IF NOT EXISTS operator_table("
    " id INTEGER PRIMARY KEY, operator TEXT NOT NULL, name TEXT NOT NULL,"
    " UNIQUE(operator, name));"
    /* Its chunks: the newest base of a key group and what follows it are its state. */
    "CREATE TABLE IF NOT EXISTS chunk("
    " id INTEGER PRIMARY KEY AUTOINCREMENT, operator_table INTEGER NOT NULL,"
    " key_group INTEGER NOT NULL, epoch INTEGER NOT NULL, is_base INTEGER NOT NULL,"
    " size INTEGER NOT NULL, bytes BLOB NOT NULL);"
    "CREATE INDEX IF NOT EXISTS chunk_by_key_group"
    " ON chunk(operator_table, key_group, id, epoch, is_base, size);"
    "CREATE INDEX IF NOT EXISTS chunk_by_epoch ON chunk(epoch);"
    /* What belongs to no key: positions of sources, pending rows of sinks. */
    "CREATE TABLE IF NOT EXISTS blob("
    " epoch INTEGER NOT NULL, operator TEXT NOT NULL, kind TEXT NOT NULL,"
    " subtask INTEGER NOT NULL, name BLOB NOT NULL, checksum INTEGER NOT NULL,"
    " bytes BLOB NOT NULL, PRIMARY KEY(epoch, operator, kind, subtask, name));"
    /* What a process left behind that was killed while it wrote an epoch. */
    "DELETE FROM blob WHERE epoch > (SELECT coalesce(max(epoch), 0) FROM epoch);"
    "DELETE FROM chunk WHERE epoch > (SELECT coalesce(max(epoch), 0) FROM epoch);"
    "PRAGMA application_id = 1466263922; PRAGMA user_version = 2;"
    "COMMIT;";

static_assert(APPLICATION_ID == 1466263922, "the schema writes the number it is checked by");

static void hint_start_over(Error *error)
{
    error_hint(error, "Start from an older epoch or a copy of the file, or start over with "
                      "--fresh.");
}

static bool is_directory(const char *path)
{
    struct stat found;
    return stat(path, &found) == 0 && S_ISDIR(found.st_mode);
}

/* Whether the file has a write-ahead log, as those of version 1: then SQLite writes beside it even
 * to read it. */
static bool has_log(const char *path)
{
    enum { READ_VERSION = 19, LOG = 2 }; /* of SQLite's file header */
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return false;
    bool has = fseek(file, READ_VERSION, SEEK_SET) == 0 && getc(file) == LOG;
    fclose(file);
    return has;
}

bool checkpoint_sql_error(const CheckpointStore *store, sqlite3 *database, const char *doing,
                          Error *error)
{
    int last = errno; /* of a COMMIT that fails SQLite does not keep it */
    int code = database == NULL ? SQLITE_NOMEM : sqlite3_errcode(database) & 0xFF;
    const char *text = database == NULL ? "out of memory" : sqlite3_errmsg(database);
    switch (code) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        error_set(error, ERROR_STATE, "checkpoint store \"%s\" is corrupt", store->path);
        error_detail(error, "SQLite says while %s: %s.", doing, text);
        hint_start_over(error);
        return false;
    case SQLITE_FULL:
        error_set(error, ERROR_IO, "could not write checkpoint store \"%s\": no space left on disk",
                  store->path);
        return error_hint(error, "Make room, or set \"execution.checkpointing.dir\" to another "
                                 "disk; the epoch before is whole.");
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_PERM:
        error_set(error, ERROR_IO, "could not open checkpoint store \"%s\": %s", store->path,
                  is_directory(store->path) ? "it is a directory" : text);
        if (has_log(store->path))
            return error_hint(error, "An earlier version wrote it, and reads it only where it may "
                                     "write: copy it into a folder of yours.");
        return error_hint(error, "Check the permissions of the file and its directory.");
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        error_set(error, ERROR_BUSY, "checkpoint store \"%s\" is held by another program",
                  store->path);
        return error_hint(error, "Close other programs that read or write the file, such as "
                                 "sqlite3; to look at it for long, copy it.");
    default:
        break;
    }
    int system = database == NULL ? 0 : sqlite3_system_errno(database);
    if (system == 0)
        system = last;
    bool disk = code == SQLITE_IOERR;
    error_set(error, ERROR_IO, "checkpoint store \"%s\" failed while %s: %s", store->path, doing,
              disk && system != 0 ? strerror(system) : text);
    if (!disk)
        return false;
    return error_hint(error, "Check the disk of \"execution.checkpointing.dir\"; the epoch before "
                             "is whole.");
}

bool checkpoint_exec(const CheckpointStore *store, sqlite3 *database, const char *sql,
                     const char *doing, Error *error)
{
    if (sqlite3_exec(database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return checkpoint_sql_error(store, database, doing, error);
}

/* ------------------------------------------------------------------- names */

/* <directory>/<job>.weir-state; a name with other characters keeps apart by a hash of it. */
static char *path_of_job(const char *directory, const char *job)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/", directory);
    size_t length = strlen(job);
    bool changed = length == 0 || job[0] == '.' || job[0] == '-' || length > NAME_BYTES_MAX;
    for (size_t i = 0; i < length && i < NAME_BYTES_MAX; i++) {
        char c = job[i];
        bool safe = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '_' || (i != 0 && (c == '.' || c == '-'));
        changed |= !safe;
        buffer_append_char(&path, safe ? c : '_');
    }
    if (changed)
        buffer_printf(&path, "-%08x", (unsigned)hash_bytes(job, length));
    buffer_append_text(&path, SUFFIX);
    char *copy = memory_strdup(buffer_text(&path));
    buffer_deinit(&path);
    return copy;
}

bool checkpoint_make_directories(const char *directory, Error *error)
{
    char *path = memory_strdup(directory);
    bool made = true;
    for (char *at = path + 1; made && at[-1] != 0; at++) {
        if (*at != '/' && *at != 0)
            continue;
        char kept = *at;
        *at = 0;
        made = mkdir(path, 0777) == 0 || errno == EEXIST;
        *at = kept;
        if (kept == 0)
            break;
    }
    if (made && !is_directory(directory)) {
        made = false;
        errno = ENOTDIR;
    }
    if (!made) {
        error_set(error, ERROR_IO, "could not create checkpoint directory \"%s\": %s", directory,
                  strerror(errno));
        error_hint(error,
                   "Set \"execution.checkpointing.dir\", or for savepoints its savepoint-dir, "
                   "to a directory you may write to.");
    }
    memory_free(path);
    return made;
}

/* -------------------------------------------------------------------- lock */

static bool take_lock(CheckpointStore *store, Error *error)
{
    Buffer path = {0};
    buffer_printf(&path, "%s.lock", store->path);
    store->lock_fd = open(buffer_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    int reason = errno;
    buffer_deinit(&path);
    if (store->lock_fd < 0) {
        error_set(error, ERROR_IO, "could not lock checkpoint store \"%s\": %s", store->path,
                  strerror(reason));
        return error_hint(error, "Check the permissions of the file and its directory.");
    }
    char text[32];
    if (flock(store->lock_fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t length = pread(store->lock_fd, text, sizeof(text) - 1, 0);
        text[length < 0 ? 0 : length] = 0;
        error_set(error, ERROR_STATE,
                  "checkpoint store \"%s\" is in use by the process with id %ld", store->path,
                  strtol(text, NULL, 10));
        return error_hint(error, "Wait for that job or stop it, or give this one another "
                                 "\"pipeline.name\".");
    }
    int length = snprintf(text, sizeof(text), "%ld\n", (long)getpid());
    if (ftruncate(store->lock_fd, 0) != 0 ||
        pwrite(store->lock_fd, text, (size_t)length, 0) != length)
        return error_set(error, ERROR_IO, "could not write the lock of checkpoint store \"%s\": %s",
                         store->path, strerror(errno));
    return true;
}

/* The database goes first: without it SQLite passes over a journal or log, but without those what a
 * killed process left may be half of a transaction. */
static void remove_database(const char *path)
{
    static const char *const endings[] = {"", "-wal", "-shm", "-journal"};
    for (size_t i = 0; i < array_count(endings); i++) {
        Buffer name = {0};
        buffer_printf(&name, "%s%s", path, endings[i]);
        unlink(buffer_text(&name));
        buffer_deinit(&name);
    }
}

/* -------------------------------------------------------------------- open */

static bool read_number(const CheckpointStore *store, sqlite3 *database, const char *sql,
                        int64_t *number, Error *error)
{
    sqlite3_stmt *statement = NULL;
    bool read = sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK &&
                sqlite3_step(statement) == SQLITE_ROW;
    if (read)
        *number = sqlite3_column_int64(statement, 0);
    else
        checkpoint_sql_error(store, database, "opening it", error);
    sqlite3_finalize(statement);
    return read;
}

static bool check_application(const CheckpointStore *store, sqlite3 *database, Error *error)
{
    int64_t application;
    if (!read_number(store, database, "PRAGMA application_id", &application, error))
        return false;
    if (application != APPLICATION_ID) {
        error_set(error, ERROR_STATE, "\"%s\" is not a checkpoint store", store->path);
        return error_hint(error, "It is a database of another program: name another file, by "
                                 "\"execution.checkpointing.dir\" or \"pipeline.name\".");
    }
    return true;
}

static bool check_identity(const CheckpointStore *store, sqlite3 *database, Error *error)
{
    int64_t version;
    if (!check_application(store, database, error) ||
        !read_number(store, database, "PRAGMA user_version", &version, error))
        return false;
    if (version >= 1 && version <= SCHEMA_VERSION)
        return true;
    error_set(error, ERROR_STATE, "checkpoint store \"%s\" has version %lld", store->path,
              (long long)version);
    return error_hint(error, "This program reads versions 1 to %d.", SCHEMA_VERSION);
}

static bool open_database(const CheckpointStore *store, int flags, sqlite3 **database, Error *error)
{
    if (sqlite3_open_v2(store->path, database, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        return checkpoint_sql_error(store, *database, "opening it", error);
    sqlite3_busy_timeout(*database, CHECKPOINT_WAITS_MS);
    return true;
}

/* Whether the store has yet to be made: there is nothing, or what a process left that was killed
 * while it made it, a database without mark and tables. */
static bool needs_creating(const CheckpointStore *store, bool *is_new, Error *error)
{
    int64_t application, objects;
    if (!read_number(store, store->writing, "PRAGMA application_id", &application, error) ||
        !read_number(store, store->writing, "SELECT COUNT(*) FROM sqlite_master", &objects, error))
        return false;
    *is_new = application == 0 && objects == 0;
    return true;
}

/* What --fresh forgets: a store, whole or damaged, but no database of another program. */
static bool remove_store(CheckpointStore *store, Error *error)
{
    sqlite3 *database = NULL;
    struct stat found;
    int64_t objects = 0;
    bool refused = false;
    if (stat(store->path, &found) == 0) {
        bool read =
            open_database(store, SQLITE_OPEN_READWRITE, &database, error) &&
            read_number(store, database, "SELECT COUNT(*) FROM sqlite_master", &objects, error);
        refused = read ? objects != 0 && !check_application(store, database, error)
                       : error->code == ERROR_BUSY;
    }
    sqlite3_close(database);
    if (refused)
        return false;
    remove_database(store->path);
    return true;
}

static bool open_writing(CheckpointStore *store, Error *error)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    bool is_new = false;
    if (!open_database(store, flags, &store->writing, error) ||
        !needs_creating(store, &is_new, error) ||
        (is_new && !checkpoint_exec(store, store->writing, PRAGMAS_NEW, "creating it", error)) ||
        (!is_new && !check_identity(store, store->writing, error)) ||
        !checkpoint_exec(store, store->writing, PRAGMAS_WRITE, "opening it", error) ||
        !checkpoint_exec(store, store->writing, schema_sql, "creating its tables", error))
        return false;
    return checkpoint_weights_load(store, error) && checkpoint_writer_start(store, error);
}

static CheckpointStore *store_new(char *path, bool read_only, uint32_t retained)
{
    CheckpointStore *store = memory_zalloc(sizeof(*store));
    store->path = path;
    store->lock_fd = -1;
    store->read_only = read_only;
    store->retained = retained == 0 ? 1 : retained;
    pthread_mutex_init(&store->mutex, NULL);
    pthread_cond_init(&store->arrived, NULL);
    pthread_cond_init(&store->finished, NULL);
    return store;
}

/* A store for looking keeps one read transaction, so that what it shows belongs together however
 * long it is looked at. It may be written only to take back what a killed process has not ended. */
static bool open_reading(CheckpointStore *store, Error *error)
{
    if (!open_database(store, SQLITE_OPEN_READWRITE, &store->reading, error) ||
        !check_identity(store, store->reading, error))
        return false;
    return !store->read_only ||
           checkpoint_exec(store, store->reading, "BEGIN", "opening it", error);
}

CheckpointStore *checkpoint_open(const CheckpointConfig *config, Error *error)
{
    CheckpointStore *store =
        store_new(path_of_job(config->directory, config->job), config->read_only, config->retained);
    store->part_bytes_max = config->part_bytes;
    store->wait_ms = config->wait_ms;
    bool opened = true;
    if (!config->read_only) {
        opened = checkpoint_make_directories(config->directory, error) && take_lock(store, error);
        opened =
            opened && (!config->fresh || remove_store(store, error)) && open_writing(store, error);
    }
    if (opened && open_reading(store, error))
        return store;
    checkpoint_close(store);
    return NULL;
}

/* The one store in a directory. */
static char *find_in_directory(const char *directory, Error *error)
{
    DIR *listing = opendir(directory);
    if (listing == NULL) {
        error_set(error, ERROR_IO, "could not open directory \"%s\": %s", directory,
                  strerror(errno));
        return NULL;
    }
    Buffer path = {0};
    uint32_t count = 0;
    for (struct dirent *entry; (entry = readdir(listing)) != NULL;) {
        size_t length = strlen(entry->d_name);
        if (length < sizeof(SUFFIX) ||
            strcmp(entry->d_name + length - sizeof(SUFFIX) + 1, SUFFIX) != 0)
            continue;
        count++;
        buffer_clear(&path);
        buffer_printf(&path, "%s/%s", directory, entry->d_name);
    }
    closedir(listing);
    if (count == 1) {
        char *found = memory_strdup(buffer_text(&path));
        buffer_deinit(&path);
        return found;
    }
    error_set(error, ERROR_STATE, "directory \"%s\" holds %u checkpoint stores, not one", directory,
              count);
    error_hint(error, "Name the file: it ends in \"%s\".", SUFFIX);
    buffer_deinit(&path);
    return NULL;
}

CheckpointStore *checkpoint_open_path(const char *path, Error *error)
{
    struct stat found;
    if (stat(path, &found) != 0) {
        error_set(error, ERROR_IO, "could not open checkpoint store \"%s\": %s", path,
                  strerror(errno));
        return NULL;
    }
    char *file = S_ISDIR(found.st_mode) ? find_in_directory(path, error) : memory_strdup(path);
    if (file == NULL)
        return NULL;
    CheckpointStore *store = store_new(file, true, 1);
    if (open_reading(store, error))
        return store;
    checkpoint_close(store);
    return NULL;
}

void checkpoint_close(CheckpointStore *store)
{
    if (store == NULL)
        return;
    checkpoint_writer_stop(store);
    checkpoint_weights_free(store);
    sqlite3_close(store->reading);
    /* Leaves no journal beside the file. */
    if (store->writing != NULL)
        sqlite3_exec(store->writing, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    sqlite3_close(store->writing);
    if (store->lock_fd >= 0)
        close(store->lock_fd);
    pthread_mutex_destroy(&store->mutex);
    pthread_cond_destroy(&store->arrived);
    pthread_cond_destroy(&store->finished);
    buffer_deinit(&store->manifest);
    memory_free(store->path);
    memory_free(store);
}

const char *checkpoint_path(const CheckpointStore *store)
{
    return store->path;
}
