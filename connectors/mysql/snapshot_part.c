/* A part of the snapshot begins: a consistent read of the server, and the binlog position at which
 * it is true.
 *
 * MariaDB and Percona Server tell the position of a consistent snapshot. On MySQL, FLUSH TABLES …
 * WITH READ LOCK on the control connection stops writers for the milliseconds it takes to note the
 * position and to open the snapshot on another connection. (No weaker lock does on 5.6, and a
 * position noted without one is ahead of what SELECT sees.) The lock waits for transactions that
 * have used the tables, and whoever needs the tables next waits behind it; a transaction that holds
 * rows another one waits for would stop with them, and the server does not see that circle. So the
 * lock is asked for a second at a time, with pauses in which everyone goes on.
 *
 * Cost: a few questions to the server for each part. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/clock.h"
#include "core/str.h"

/* So long the tables may be held by others before that counts as an error. */
#define LOCK_PATIENCE_US 60000000

static SnapshotPart snapshot_told_position(MysqlSource *source, MYSQL *mysql,
                                           MysqlPosition *position, Error *error)
{
    if (!mysql_connection_run(mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT", error))
        return SNAPSHOT_PART_FAILED;
    MYSQL_RES *result =
        mysql_connection_query(mysql, "SHOW STATUS LIKE 'binlog_snapshot_%'", error);
    if (result == NULL)
        return SNAPSHOT_PART_FAILED;
    MYSQL_ROW row = NULL;
    while ((row = mysql_fetch_row(result)) != NULL) {
        if (text_equal_nocase(row[0], "binlog_snapshot_file"))
            snprintf(position->file, sizeof(position->file), "%s", row[1]);
        else if (text_equal_nocase(row[0], "binlog_snapshot_position"))
            position->offset = strtoull(row[1], NULL, 10);
    }
    mysql_free_result(result);
    if (position->file[0] == '\0' || position->offset == 0) {
        error_set(error, ERROR_UNSUPPORTED,
                  "the server does not tell the binlog position of its snapshot");
        return SNAPSHOT_PART_FAILED;
    }
    mysql_server_gtids_at(mysql, &source->server, position);
    return SNAPSHOT_PART_BEGUN;
}

/* Another try to lock the tables, unless others have held one for too long. */
static SnapshotPart lock_later(MysqlSource *source, Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    int64_t now_us = clock_monotonic_us();
    if (reader->lock_tries == 0)
        reader->lock_since_us = now_us;
    if (now_us - reader->lock_since_us > LOCK_PATIENCE_US) {
        reader->lock_tries = 0;
        error_hint(error, "A statement or an open transaction holds one of the tables: find it in "
                          "SHOW PROCESSLIST or information_schema.innodb_trx and end it, or start "
                          "when the server is less busy.");
        return SNAPSHOT_PART_FAILED;
    }
    int64_t delay_ms = mysql_retry_delay_ms(reader->lock_tries++);
    source->snapshot_retry_at_us = now_us + delay_ms * 1000;
    mysql_source_notice(source,
                        "the snapshot waits for a statement or transaction that holds one of the "
                        "tables, trying again in %" PRId64 " ms",
                        delay_ms);
    return SNAPSHOT_PART_LATER;
}

/* FLUSH TABLES of those that are to be read, each named once. */
static void append_flush(const MysqlSource *source, Buffer *sql)
{
    buffer_append_text(sql, "FLUSH TABLES ");
    bool first = true;
    for (uint32_t i = 0; i < source->table_count; i++) {
        const CapturedTable *table = source->tables[i];
        bool repeated = false;
        for (uint32_t k = 0; k < i; k++)
            repeated = repeated || (source->tables[k]->state != TABLE_READY &&
                                    strcmp(source->tables[k]->name, table->name) == 0 &&
                                    strcmp(source->tables[k]->database, table->database) == 0);
        if (table->state == TABLE_READY || repeated)
            continue;
        if (!first)
            buffer_append_text(sql, ", ");
        first = false;
        mysql_append_quoted(sql, table->database);
        buffer_append_char(sql, '.');
        mysql_append_quoted(sql, table->name);
    }
    buffer_append_text(sql, " WITH READ LOCK");
}

static SnapshotPart snapshot_under_lock(MysqlSource *source, MYSQL *mysql, MysqlPosition *position,
                                        Error *error)
{
    MYSQL *control = mysql_source_control(source, error);
    if (control == NULL || !mysql_connection_run(control, "SET SESSION lock_wait_timeout=1", error))
        return SNAPSHOT_PART_FAILED;
    Buffer sql = {0};
    append_flush(source, &sql);
    Error refused;
    bool locked = mysql_connection_run(control, buffer_text(&sql), &refused);
    buffer_deinit(&sql);
    if (!mysql_connection_run(control, "SET SESSION lock_wait_timeout=DEFAULT", error))
        return SNAPSHOT_PART_FAILED;
    if (!locked) {
        if (refused.code == ERROR_ACCESS)
            error_hint(&refused, "Grant RELOAD and LOCK TABLES to the user: the snapshot takes a "
                                 "read lock for the moment it notes the binlog position.");
        SnapshotPart state =
            refused.code == ERROR_BUSY ? lock_later(source, &refused) : SNAPSHOT_PART_FAILED;
        if (error != NULL)
            *error = refused;
        return state;
    }
    source->snapshot.lock_tries = 0;
    bool good = mysql_server_position(control, &source->server, position, error) &&
                mysql_connection_run(mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT", error);
    /* The error of the work counts, not that of giving the lock back. */
    if (!mysql_connection_run(control, "UNLOCK TABLES", good ? error : NULL))
        good = false;
    return good ? SNAPSHOT_PART_BEGUN : SNAPSHOT_PART_FAILED;
}

static bool open_connection(MysqlSource *source, Error *error)
{
    MYSQL *mysql = mysql_connection_open(&source->address, error);
    if (mysql == NULL)
        return false;
    source->snapshot.mysql = mysql;
    source->snapshot.in_part = false;
    return mysql_connection_run(mysql, "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
                                error);
}

SnapshotPart mysql_snapshot_part(MysqlSource *source, Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    MysqlPosition position = {0};
    if (reader->mysql == NULL && !open_connection(source, error))
        return SNAPSHOT_PART_FAILED;
    /* A read that is still open would keep FLUSH TABLES waiting. */
    if (!mysql_connection_run(reader->mysql, "COMMIT", error))
        return SNAPSHOT_PART_FAILED;
    SnapshotPart state = source->server.exact_snapshot
                             ? snapshot_told_position(source, reader->mysql, &position, error)
                             : snapshot_under_lock(source, reader->mysql, &position, error);
    if (state != SNAPSHOT_PART_BEGUN) {
        mysql_position_deinit(&position);
        return state;
    }
    source->parts = memory_realloc(source->parts, (source->part_count + 1) * sizeof(MysqlPosition));
    source->parts[source->part_count] = position;
    reader->part = source->part_count++;
    reader->in_part = true;
    return SNAPSHOT_PART_BEGUN;
}
