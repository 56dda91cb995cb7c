/* Statements in the binlog: those that frame transactions, and what others may do to a captured
 * table. A definition that changed is read again; rows that went without a trace end the job. */
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/capture.h"
#include "connectors/mysql/source.h"
#include "core/str.h"

static bool statement_stops(const CapturedTable *table, Str sql, const char *why, Error *error)
{
    error_set(error, ERROR_SCHEMA, "table \"%s.%s\" %s", table->database, table->name, why);
    error_detail(error, "The statement is: %.*s", (int)(sql.length > 400 ? 400 : sql.length),
                 sql.data);
    return false;
}

/* Partitions by system time: the one that can be dropped has no current row. */
static bool takes_only_history(MysqlSource *source, const CapturedTable *table)
{
    if (table->schema == NULL || table->schema->row_end < 0)
        return false;
    MYSQL *mysql = mysql_source_control(source, NULL);
    return mysql != NULL && mysql_table_partitions_history(mysql, table->schema);
}

static bool on_definition(MysqlSource *source, StatementKind kind, const BinlogQuery *query,
                          CapturedTable *table, Error *error)
{
    bool takes_rows =
        kind == STATEMENT_TRUNCATE || kind == STATEMENT_DROP_TABLE || kind == STATEMENT_DROP_ROWS;
    if (kind == STATEMENT_DROP_ROWS && takes_only_history(source, table))
        takes_rows = false;
    if (takes_rows && table->touched) {
        statement_stops(table, query->sql,
                        kind == STATEMENT_DROP_TABLE ? "was dropped on the server"
                                                     : "lost rows that the binlog does not name",
                        error);
        return error_hint(error, "Start the job afresh, from a new snapshot.");
    }
    if (takes_rows || !table->touched) {
        table->stale = true;
        return true;
    }
    Error inner = {0};
    if (mysql_captured_refresh(source, table, &inner)) {
        /* Plans point into the schema that was replaced. */
        table->stale = true;
        return true;
    }
    if (inner.code != ERROR_SCHEMA && inner.code != ERROR_TYPE) {
        if (error != NULL)
            *error = inner;
        return false;
    }
    statement_stops(table, query->sql, "no longer fits its declaration", error);
    error_prefix(error, "%s: ", inner.message);
    return error_hint(error, "Change the declaration to fit and start the job afresh.");
}

static bool on_other_statement(MysqlSource *source, StatementKind kind, const BinlogQuery *query,
                               Error *error)
{
    for (uint32_t i = 0; i < source->table_count; i++) {
        CapturedTable *table = source->tables[i];
        if (!mysql_statement_names(query->sql, query->database, table->database, table->name))
            continue;
        if (kind == STATEMENT_ROWS) {
            if (source->start_timestamp != 0 && source->reader.timestamp < source->start_timestamp)
                continue;
            statement_stops(table, query->sql,
                            "was changed by a statement that was not logged row "
                            "by row",
                            error);
            return error_hint(error, "Set binlog_format=ROW, also in sessions that changed it, and "
                                     "start again from a snapshot.");
        }
        MysqlPosition start = mysql_capture_start(&source->reader);
        const KeyBound *bound = NULL;
        /* What the snapshot was taken after is in it. */
        if (mysql_captured_visibility(source, table, &start,
                                      source->reader.has_gtid ? &source->reader.gtid : NULL,
                                      &bound) == ROWS_DROPPED)
            continue;
        if (!on_definition(source, kind, query, table, error))
            return false;
    }
    return true;
}

bool mysql_capture_query(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogQuery query;
    if (!binlog_read_query(event, &query, &reader->scratch, error))
        return false;
    StatementKind kind = mysql_statement_kind(query.sql);
    BinlogXid xid = {.length = 0};
    if (kind >= STATEMENT_XA_START && kind <= STATEMENT_XA_ROLLBACK &&
        !binlog_xid_parse(query.sql, &xid))
        return binlog_malformed(event->type, "its XA identifier cannot be read", error);
    switch (kind) {
    case STATEMENT_BEGIN:
        mysql_capture_begin(reader, event);
        reader->skipping = reader->skip_events > 0;
        reader->standalone = false;
        return true;
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK: /* what the binlog has before a ROLLBACK could not be rolled back */
        mysql_capture_end(source);
        return true;
    case STATEMENT_XA_START:
        mysql_capture_begin(reader, event);
        reader->standalone = false;
        mysql_capture_xa_begin(reader, &xid);
        return true;
    case STATEMENT_XA_END:
        return true;
    case STATEMENT_XA_PREPARE:
        mysql_capture_xa_prepared(source, &xid);
        return true;
    case STATEMENT_XA_COMMIT:
    case STATEMENT_XA_ROLLBACK:
        mysql_capture_begin(reader, event);
        return mysql_capture_xa_decided(source, &xid, kind == STATEMENT_XA_COMMIT, error);
    case STATEMENT_IGNORED:
        break;
    default: {
        bool alone = !reader->in_transaction || reader->standalone;
        mysql_capture_begin(reader, event);
        if (!on_other_statement(source, kind, &query, error))
            return false;
        /* CREATE TABLE … SELECT of MySQL 8 opens the transaction of its rows. */
        Str tail = str_trim(query.sql);
        Str opens = STR("START TRANSACTION");
        if (tail.length > opens.length &&
            str_equal_nocase((Str){tail.data + tail.length - opens.length, opens.length}, opens)) {
            reader->standalone = false;
            return true;
        }
        if (alone)
            mysql_capture_end(source);
        return true;
    }
    }
    if (reader->standalone)
        mysql_capture_end(source);
    return true;
}
