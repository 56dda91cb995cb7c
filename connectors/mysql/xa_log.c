/* Prepared XA transactions that this reader did not see being prepared: their events are read from
 * the server's binlog over a connection of its own, while the one that is followed waits.
 *
 * One that a checkpoint names is read from its place on. One that was prepared before the job's
 * start is looked for, file by file backwards; in a file the last transaction of that identity
 * counts, since an identity may be used again.
 *
 * Cost: every byte of the binlog between the two places, once, and only when it has to be. */
#include <inttypes.h>
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/source.h"
#include "core/str.h"

/* How long a silent server is waited for before looking whether the job is to end. */
#define SILENCE_MS 1000

typedef struct XaLog {
    MysqlSource *source;
    BinlogReader reader; /* place, format and payload; the rest is not used */
    uint64_t group;      /* where the transaction being read begins */
    const BinlogXid *wanted;
    XaTransaction *found;
} XaLog;

static void log_deinit(XaLog *log)
{
    mysql_stream_close(log->reader.stream);
    mysql_xa_release(log->reader.filling);
    mysql_payload_close(&log->reader);
    buffer_deinit(&log->reader.scratch);
}

static bool is_wanted(const XaLog *log, const BinlogXid *xid)
{
    return xid->length == log->wanted->length &&
           memcmp(xid->bytes, log->wanted->bytes, xid->length) == 0;
}

static void group_begins(XaLog *log, const BinlogEvent *event)
{
    uint64_t end = log->reader.event_offset;
    log->group = end >= event->length ? end - event->length : 0;
    mysql_xa_release(log->reader.filling);
    log->reader.filling = NULL;
}

static void group_fills(XaLog *log, const BinlogXid *xid)
{
    mysql_xa_release(log->reader.filling);
    log->reader.filling = mysql_xa_new(xid);
}

static void group_is_prepared(XaLog *log, const BinlogXid *xid)
{
    XaTransaction *filling = log->reader.filling;
    log->reader.filling = NULL;
    if (filling == NULL || xid->one_phase || !is_wanted(log, xid)) {
        mysql_xa_release(filling);
        return;
    }
    filling->xid = *xid;
    memcpy(filling->start.file, log->reader.file, sizeof(filling->start.file));
    filling->start.offset = log->group;
    mysql_xa_release(log->found);
    log->found = filling;
}

static bool log_query(XaLog *log, const BinlogEvent *event, Error *error)
{
    BinlogQuery query;
    BinlogXid xid = {.length = 0};
    if (!binlog_read_query(event, &query, &log->reader.scratch, error))
        return false;
    StatementKind kind = mysql_statement_kind(query.sql);
    if (kind != STATEMENT_XA_START && kind != STATEMENT_XA_PREPARE)
        return true;
    if (!binlog_xid_parse(query.sql, &xid))
        return binlog_malformed(event->type, "its XA identifier cannot be read", error);
    if (kind == STATEMENT_XA_START)
        group_fills(log, &xid);
    else
        group_is_prepared(log, &xid);
    return true;
}

static bool log_gtid(XaLog *log, const BinlogEvent *event, Error *error)
{
    const BinlogXid none = {.length = 0};
    Gtid gtid;
    uint8_t flags = 0;
    if (!binlog_read_gtid(event, &gtid, &flags, error))
        return false;
    group_begins(log, event);
    if (event->type == EVENT_MARIADB_GTID && (flags & MARIADB_GTID_PREPARED_XA) != 0)
        group_fills(log, &none);
    return true;
}

static bool log_act(XaLog *log, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &log->reader;
    BinlogRotate rotate;
    BinlogXid xid;
    switch (event->type) {
    case EVENT_FORMAT_DESCRIPTION:
        return binlog_read_format(&reader->format, event, error);
    case EVENT_ROTATE:
        if (!binlog_read_rotate(event, &rotate, error))
            return false;
        memcpy(reader->file, rotate.file, sizeof(reader->file));
        reader->event_offset = rotate.offset;
        return true;
    case EVENT_ANONYMOUS_GTID:
        group_begins(log, event);
        return true;
    case EVENT_GTID:
    case EVENT_GTID_TAGGED:
    case EVENT_MARIADB_GTID:
        return log_gtid(log, event, error);
    case EVENT_QUERY:
    case EVENT_MARIADB_QUERY_COMPRESSED:
        return log_query(log, event, error);
    case EVENT_XA_PREPARE:
        if (!binlog_read_xa_prepare(event, &xid, error))
            return false;
        group_is_prepared(log, &xid);
        return true;
    default:
        if (reader->filling != NULL &&
            (event->type == EVENT_TABLE_MAP || binlog_is_rows(event->type)))
            mysql_xa_store(reader->filling, event->body - EVENT_HEADER_BYTES,
                           (size_t)(event->end - event->body) + EVENT_HEADER_BYTES);
        return true;
    }
}

static bool log_payload(XaLog *log, const BinlogEvent *packed, Error *error)
{
    BinlogReader *reader = &log->reader;
    if (!mysql_payload_begin(reader, packed, error))
        return false;
    for (;;) {
        BinlogEvent event;
        const uint8_t *bytes = NULL;
        size_t length = 0;
        bool end = false;
        if (!mysql_payload_next(reader, &bytes, &length, &end, error))
            return false;
        if (end)
            return true;
        binlog_event_inner(bytes, length, &event);
        if (!log_act(log, &event, error))
            return false;
    }
}

static bool log_interrupted(const XaLog *log, Error *error)
{
    const SourceContext *context = &log->source->context;
    if (context->interrupted == NULL || !context->interrupted(context->interrupted_to))
        return false;
    error_set(error, ERROR_CANCELLED, "cancelled while reading an XA transaction");
    return true;
}

static bool log_ended(const XaLog *log, const MysqlPosition *end)
{
    MysqlPosition now = {.offset = log->reader.event_offset};
    memcpy(now.file, log->reader.file, sizeof(now.file));
    return now.file[0] != '\0' && mysql_position_compare(&now, end) >= 0;
}

/* Reads from one position up to another; `first`: no further than the first that is found. */
static bool log_read(XaLog *log, const MysqlPosition *from, const MysqlPosition *end, bool first,
                     Error *error)
{
    BinlogReader *reader = &log->reader;
    /* A number of its own: with the other reader's the server would end that one. */
    StreamRequest request = {.address = &log->source->address,
                             .server = &log->source->server,
                             .from = from,
                             .server_id = mysql_source_random_id(),
                             .heartbeat_ms = SILENCE_MS,
                             .wake_fd = -1};
    binlog_format_init(&reader->format);
    reader->stream = mysql_stream_open(&request, error);
    bool good = reader->stream != NULL;
    for (uint32_t round = 0; good && !log_ended(log, end) && !(first && log->found != NULL);
         round++) {
        const uint8_t *bytes = NULL;
        size_t length = 0;
        StreamState state = mysql_stream_next(reader->stream, SILENCE_MS, &bytes, &length, error);
        if ((state == STREAM_IDLE || (round & 4095) == 0) && log_interrupted(log, error))
            return false;
        if (state == STREAM_IDLE)
            continue;
        BinlogEvent event;
        good = state == STREAM_EVENT &&
               binlog_event_read(&reader->format, bytes, length, &event, error);
        if (!good)
            break;
        mysql_capture_advance(reader, &event);
        good = event.type == EVENT_TRANSACTION_PAYLOAD ? log_payload(log, &event, error)
                                                       : log_act(log, &event, error);
    }
    return good;
}

/* Where the decision that is being acted on begins. */
static MysqlPosition decision(const MysqlSource *source)
{
    MysqlPosition at = {.offset = source->reader.transaction_start};
    memcpy(at.file, source->reader.file, sizeof(at.file));
    return at;
}

bool mysql_xa_load(MysqlSource *source, XaTransaction *transaction, Error *error)
{
    XaLog log = {.source = source, .wanted = &transaction->xid};
    MysqlPosition end = decision(source);
    bool good = log_read(&log, &transaction->start, &end, true, error);
    log_deinit(&log);
    if (good && log.found == NULL) {
        Buffer place = {0};
        mysql_position_print(&transaction->start, &place);
        error_set(error, ERROR_POSITION,
                  "an XA transaction is committed whose rows are not where they were: %s",
                  buffer_text(&place));
        error_hint(error, "Start the job afresh, from a new snapshot.");
        buffer_deinit(&place);
        return false;
    }
    if (!good) {
        mysql_xa_release(log.found);
        return error_prefix(error, "reading an XA transaction's rows again: ");
    }
    /* Others may refer to this one: it takes over what was read. */
    XaTransaction *read = log.found;
    Buffer events = transaction->events;
    transaction->events = read->events;
    read->events = events;
    transaction->spill = read->spill;
    transaction->spilled = read->spilled;
    transaction->loaded = true;
    read->spill = NULL;
    mysql_xa_release(read);
    return true;
}

/* Names of the server's binlog files up to the one with the decision. */
static uint32_t list_files(MysqlSource *source, const char *last, Arena *arena, const char ***files,
                           Error *error)
{
    MYSQL *mysql = mysql_source_control(source, error);
    MYSQL_RES *result =
        mysql == NULL ? NULL : mysql_connection_query(mysql, "SHOW BINARY LOGS", error);
    if (result == NULL)
        return 0;
    uint32_t count = 0;
    *files = arena_new_array(arena, const char *, mysql_num_rows(result));
    MYSQL_ROW row = NULL;
    while ((row = mysql_fetch_row(result)) != NULL) {
        if (mysql_file_compare(row[0], last) <= 0)
            (*files)[count++] = arena_strdup(arena, row[0]);
    }
    mysql_free_result(result);
    return count;
}

XaTransaction *mysql_xa_search(MysqlSource *source, const BinlogXid *xid, Error *error)
{
    Arena *arena = arena_new(1024);
    MysqlPosition end = decision(source);
    XaTransaction *found = NULL;
    const char **files = NULL;
    uint32_t count = list_files(source, end.file, arena, &files, error);
    mysql_source_notice(source,
                        "an XA transaction is committed at %s:%" PRIu64
                        " that was prepared before reading began; looking for its rows in the "
                        "binlog before",
                        end.file, end.offset);
    for (bool good = true; good && found == NULL && count > 0; count--) {
        XaLog log = {.source = source, .wanted = xid};
        MysqlPosition from = {.offset = 4};
        snprintf(from.file, sizeof(from.file), "%s", files[count - 1]);
        good = log_read(&log, &from, &end, false, error);
        log_deinit(&log);
        found = log.found;
        end = from;
    }
    arena_free(arena);
    return found;
}
