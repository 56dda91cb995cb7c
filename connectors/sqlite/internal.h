/* What the files of the sqlite connector share: opening a file, names, errors in our words, and the
 * changes of an epoch. */
#ifndef CONNECTORS_SQLITE_INTERNAL_H
#define CONNECTORS_SQLITE_INTERNAL_H

#include <sqlite3.h>

#include "connectors/lookup.h"
#include "core/row.h"

extern const OptionSpec sqlite_options[];
extern const SourceClass sqlite_source_class;
extern const SinkClass sqlite_sink_class;
extern const struct LookupClass sqlite_lookup_class;

/* One table of one file. */
typedef struct SqliteTable {
    sqlite3 *database;
    const char *path;
    const char *name;
} SqliteTable;

/* Opens the file the options name; `create`: it may be missing. */
bool sqlite_table_open(SqliteTable *table, const Options *options, bool create,
                       Error *error) MUST_CHECK;
void sqlite_table_close(SqliteTable *table);
/* Words SQLite's last failure; returns false. */
bool sqlite_table_error(const SqliteTable *table, const char *doing, Error *error);
bool sqlite_table_exec(const SqliteTable *table, const char *sql, const char *doing,
                       Error *error) MUST_CHECK;
bool sqlite_table_prepare(const SqliteTable *table, const char *sql, const char *doing,
                          sqlite3_stmt **statement, Error *error) MUST_CHECK;
/* Whether the table (or view) exists; -1 on error. */
int sqlite_table_exists(const SqliteTable *table, Error *error);
/* Refuses a column that the file's table lacks, with the nearest there is. */
bool sqlite_table_check_column(const SqliteTable *table, const char *column,
                               Error *error) MUST_CHECK;
/* Appends a name in double quotes. */
void sqlite_append_name(Buffer *sql, const char *name);

/* sqlite/value.c: column `column` of the statement's row as a value of the vector's type. */
bool sqlite_value_store(sqlite3_stmt *statement, int column, const TimeZone *zone, Vector *vector,
                        uint32_t row, Arena *arena, Error *error) MUST_CHECK;

/* ------------------------------------------------------------ sqlite/wal.c */

/* Moves committed pages from the log into the file, so that no commit of the table's connection
 * waits for that. */
typedef struct SqliteKeeper SqliteKeeper;
SqliteKeeper *sqlite_keeper_new(const SqliteTable *table); /* NULL: it cannot be had */
void sqlite_keeper_free(SqliteKeeper *keeper, const SqliteTable *table); /* NULL is allowed */

/* -------------------------------------------------------- sqlite/changes.c */

typedef struct SqliteChange {
    uint64_t key_hash;
    uint64_t offset; /* of the encoded row in the rows */
    uint32_t length;
    uint32_t key_offset; /* into the keys */
    uint32_t key_length;
    bool is_delete;
} SqliteChange;

/* What an epoch does to the table. With a key: the last change per key. */
typedef struct SqliteChanges {
    SqliteChange *items;
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* by key: index + 1 of the item, 0: free */
    uint32_t slot_count;
    Buffer rows;
    Buffer keys;
    uint64_t garbage_bytes; /* of rows that a later change replaced */
} SqliteChanges;

void sqlite_changes_clear(SqliteChanges *changes);
void sqlite_changes_deinit(SqliteChanges *changes);
/* Adds a change; with a key of no bytes and `keyed` false each is kept. */
void sqlite_changes_add(SqliteChanges *changes, bool keyed, Str key, Str row, bool is_delete);
/* Adds those of a later epoch. */
void sqlite_changes_append(SqliteChanges *changes, bool keyed, const SqliteChanges *later);
size_t sqlite_changes_bytes(const SqliteChanges *changes);
void sqlite_changes_encode(const SqliteChanges *changes, Buffer *out);
/* Adds what was encoded; false when the bytes are no such thing. Without keys: nothing is folded.
 */
bool sqlite_changes_decode(SqliteChanges *changes, Reader *reader) MUST_CHECK;

#endif
