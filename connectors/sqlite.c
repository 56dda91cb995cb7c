/* sqlite: a table of an SQLite file as bounded source, for lookups, and as exactly-once sink.
 *
 * This file declares the connector and holds what they share. */
#include "connectors/sqlite/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "core/str.h"

/* How long another program's lock is waited for. */
#define BUSY_TIMEOUT_MS 10000

const OptionSpec sqlite_options[] = {
    {.name = "path", .type = OPTION_TEXT, .required = true, .doc = "The SQLite file."},
    {.name = "table-name",
     .type = OPTION_TEXT,
     .required = true,
     .doc = "The table in the file; a sink makes it when it is missing."},
    {.name = NULL}};

void sqlite_append_name(Buffer *sql, const char *name)
{
    buffer_append_char(sql, '"');
    for (; *name != 0; name++) {
        if (*name == '"')
            buffer_append_char(sql, '"');
        buffer_append_char(sql, *name);
    }
    buffer_append_char(sql, '"');
}

bool sqlite_table_error(const SqliteTable *table, const char *doing, Error *error)
{
    int code = table->database == NULL ? SQLITE_NOMEM : sqlite3_errcode(table->database) & 0xFF;
    const char *text = table->database == NULL ? "out of memory" : sqlite3_errmsg(table->database);
    switch (code) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        error_set(error, ERROR_BUSY, "SQLite file \"%s\" is locked by another program",
                  table->path);
        return error_hint(error,
                          "End what holds a transaction on the file (waited for %d s), or "
                          "put it in WAL mode: PRAGMA journal_mode = WAL.",
                          BUSY_TIMEOUT_MS / 1000);
    case SQLITE_FULL:
        error_set(error, ERROR_IO, "could not write SQLite file \"%s\": no space left on disk",
                  table->path);
        return error_hint(error, "Make room; nothing of the unfinished changes is in the file.");
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        error_set(error, ERROR_DATA, "\"%s\" is no SQLite file, or is corrupt", table->path);
        return error_detail(error, "SQLite says while %s: %s.", doing, text);
    case SQLITE_CANTOPEN:
    case SQLITE_READONLY:
    case SQLITE_PERM:
        error_set(error, ERROR_IO, "could not open SQLite file \"%s\": %s", table->path, text);
        return error_hint(error, "Check that its directory exists and that you may write to both.");
    case SQLITE_IOERR:
        if (sqlite3_system_errno(table->database) != 0)
            text = strerror(sqlite3_system_errno(table->database));
        error_set(error, ERROR_IO, "SQLite file \"%s\" failed while %s: %s", table->path, doing,
                  text);
        return error_hint(error, "Check its disk; nothing of the unfinished changes is in the "
                                 "file.");
    case SQLITE_CONSTRAINT:
        return error_set(error, ERROR_DATA, "SQLite table \"%s\" in \"%s\" refuses a row: %s",
                         table->name, table->path, text);
    default:
        return error_set(error, ERROR_IO, "SQLite table \"%s\" in \"%s\" failed while %s: %s",
                         table->name, table->path, doing, text);
    }
}

bool sqlite_table_exec(const SqliteTable *table, const char *sql, const char *doing, Error *error)
{
    if (sqlite3_exec(table->database, sql, NULL, NULL, NULL) == SQLITE_OK)
        return true;
    return sqlite_table_error(table, doing, error);
}

bool sqlite_table_prepare(const SqliteTable *table, const char *sql, const char *doing,
                          sqlite3_stmt **statement, Error *error)
{
    if (sqlite3_prepare_v3(table->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) ==
        SQLITE_OK)
        return true;
    return sqlite_table_error(table, doing, error);
}

bool sqlite_table_open(SqliteTable *table, const Options *options, bool create, Error *error)
{
    *table = (SqliteTable){.path = option_text(options, sqlite_options, "path"),
                           .name = option_text(options, sqlite_options, "table-name")};
    struct stat found;
    bool exists = stat(table->path, &found) == 0;
    if (!exists && !create) {
        error_set(error, ERROR_IO, "could not open SQLite file \"%s\": %s", table->path,
                  strerror(errno));
        char *here = realpath(".", NULL);
        error_hint(error, "A relative path starts at \"%s\".", here == NULL ? "." : here);
        free(here);
        return false;
    }
    if (exists && !S_ISREG(found.st_mode))
        return error_set(error, ERROR_IO, "\"%s\" is no file", table->path);
    int flags = SQLITE_OPEN_NOMUTEX |
                (create ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE : SQLITE_OPEN_READONLY);
    bool opened = sqlite3_open_v2(table->path, &table->database, flags, NULL) == SQLITE_OK;
    if (!opened)
        sqlite_table_error(table, "opening it", error);
    else
        sqlite3_busy_timeout(table->database, BUSY_TIMEOUT_MS);
    /* Readers of a file that is ours from the start need not wait for its writer. */
    if (opened && create)
        opened = (exists && found.st_size != 0) ||
                 sqlite_table_exec(table, "PRAGMA journal_mode = WAL", "creating it", error);
    opened = opened && sqlite_table_exec(table, "PRAGMA synchronous = FULL", "opening it", error);
    if (!opened)
        sqlite_table_close(table);
    return opened;
}

void sqlite_table_close(SqliteTable *table)
{
    sqlite3_close(table->database);
    table->database = NULL;
}

int sqlite_table_exists(const SqliteTable *table, Error *error)
{
    sqlite3_stmt *statement;
    if (!sqlite_table_prepare(table,
                              "SELECT 1 FROM sqlite_master WHERE type IN ('table', 'view')"
                              " AND name = ? COLLATE NOCASE",
                              "reading its tables", &statement, error))
        return -1;
    sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
    int result = sqlite3_step(statement);
    if (result != SQLITE_ROW && result != SQLITE_DONE)
        sqlite_table_error(table, "reading its tables", error);
    sqlite3_finalize(statement);
    return result == SQLITE_ROW ? 1 : result == SQLITE_DONE ? 0 : -1;
}

#define NAMES_MAX 256

bool sqlite_table_check_column(const SqliteTable *table, const char *column, Error *error)
{
    sqlite3_stmt *statement;
    if (!sqlite_table_prepare(table, "SELECT name FROM pragma_table_info(?)", "reading its columns",
                              &statement, error))
        return false;
    sqlite3_bind_text(statement, 1, table->name, -1, SQLITE_STATIC);
    char *names[NAMES_MAX];
    uint32_t count = 0;
    bool found = false;
    while (!found && sqlite3_step(statement) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        found = text_equal_nocase(name, column);
        if (count < NAMES_MAX)
            names[count++] = memory_strdup(name);
    }
    sqlite3_finalize(statement);
    if (!found) {
        error_set(error, ERROR_SCHEMA, "SQLite table \"%s\" in \"%s\" has no column \"%s\"",
                  table->name, table->path, column);
        const char *nearest = str_nearest(column, (const char *const *)names, count);
        if (nearest != NULL)
            error_hint(error, "Did you mean \"%s\"?", nearest);
    }
    for (uint32_t i = 0; i < count; i++)
        memory_free(names[i]);
    return found;
}

/* ---------------------------------------------------------------- connector */

static bool sqlite_check(const TableInfo *info, Error *error)
{
    for (uint32_t i = 0; i < info->physical->column_count; i++) {
        const Column *column = &info->physical->columns[i];
        if (!type_is_nested(column->type))
            continue;
        Buffer type = {0};
        type_print(column->type, &type);
        error_set(error, ERROR_UNSUPPORTED, "column \"%s\" of type %s cannot be kept in SQLite",
                  column->name, buffer_text(&type));
        buffer_deinit(&type);
        return error_hint(error, "Keep its parts in columns of their own, or as text.");
    }
    return true;
}

static ChangeKinds source_kinds(const TableInfo *table)
{
    return CHANGES_INSERT_ONLY;
}

static ChangeKinds sink_kinds(const TableInfo *table)
{
    return table->primary_key_count == 0 ? CHANGES_INSERT_ONLY : CHANGES_UPSERT;
}

static bool is_bounded(const TableInfo *table)
{
    return true;
}

extern const Connector connector_sqlite;
const Connector connector_sqlite = {
    .name = "sqlite",
    .doc = "A table of an SQLite file: read once, looked up, written exactly once.",
    .options = sqlite_options,
    .check = sqlite_check,
    .source = &sqlite_source_class,
    .source_kinds = source_kinds,
    .is_bounded = is_bounded,
    .source_parallelism = 1,
    .lookup = &sqlite_lookup_class,
    .lookup_by_scan = true,
    .sink = &sqlite_sink_class,
    .sink_kinds = sink_kinds,
    .sink_parallelism = 1,
    .sink_keeps_last = true,
};
