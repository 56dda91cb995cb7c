/* Tables of a server as information_schema describes them, and which of them a declaration names.
 */
#ifndef CONNECTORS_MYSQL_SCHEMA_H
#define CONNECTORS_MYSQL_SCHEMA_H

#include "connectors/mysql/connection.h"
#include "connectors/mysql/value.h"

typedef struct MysqlTable {
    const char *database;
    const char *name;
    MysqlColumn *columns;
    uint32_t column_count;
    uint32_t *key; /* columns of the primary key, or of a unique one without NULL */
    uint32_t key_count;
    int32_t row_end; /* of a system-versioned table: what says that a row is history; or -1 */
    uint64_t rows_estimate;
    /* What the server said, a string per field of a column: kept in checkpoints. */
    const char *const *fields;
} MysqlTable;

/* In the arena. A table that does not exist: NULL with ERROR_SCHEMA. */
MysqlTable *mysql_table_load(MYSQL *mysql, const char *database, const char *name, Arena *arena,
                             Error *error) MUST_CHECK;
void mysql_table_write(const MysqlTable *table, Buffer *out);
MysqlTable *mysql_table_read(Reader *reader, Arena *arena, Error *error) MUST_CHECK;
/* Whether DROP PARTITION takes nothing but history from the table. */
bool mysql_table_partitions_history(MYSQL *mysql, const MysqlTable *table);
/* Column by name without case, as the servers compare, or -1. */
int32_t mysql_table_find(const MysqlTable *table, const char *name);

/* `database-name` and `table-name`: Java regular expressions for the whole name. */
typedef struct TablePattern TablePattern;
TablePattern *table_pattern_new(Arena *arena, const char *database, const char *table,
                                Error *error) MUST_CHECK;
bool table_pattern_matches(const TablePattern *pattern, const char *database, const char *table);

/* Calls `add` for every base table of the server outside its own schemas. */
bool mysql_tables_list(MYSQL *mysql, void (*add)(void *to, const char *database, const char *table),
                       void *to, Error *error) MUST_CHECK;

void mysql_append_quoted(Buffer *sql, const char *name); /* `name` */
void mysql_append_string(Buffer *sql, const char *text); /* 'text' */

#endif
