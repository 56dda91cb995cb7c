/* Events of the binlog: keeps each one's place and deals it to who acts on it (capture.h). Nothing
 * is skipped silently: an event of unknown type ends the job unless its writer says it may be
 * ignored. */
#include <inttypes.h>
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/capture.h"
#include "connectors/mysql/source.h"

/* ------------------------------------------------------------------ places */

bool mysql_capture_place(const MysqlSource *source, Error *error)
{
    const BinlogReader *reader = &source->reader;
    return error_place(error, "binlog %s:%" PRIu64 "%s%s", reader->file, reader->event_offset,
                       reader->gtid_text[0] != '\0' ? ", transaction " : "", reader->gtid_text);
}

static bool on_rotate(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogRotate rotate;
    if (!binlog_read_rotate(event, &rotate, error))
        return false;
    memcpy(reader->file, rotate.file, sizeof(reader->file));
    reader->event_offset = rotate.offset;
    if (!reader->in_transaction) {
        memcpy(reader->tail.file, rotate.file, sizeof(reader->tail.file));
        reader->tail.offset = rotate.offset;
    }
    return true;
}

static bool on_heartbeat(MysqlSource *source, const BinlogEvent *event)
{
    BinlogReader *reader = &source->reader;
    BinlogRotate at;
    reader->caught_up = true;
    if (reader->in_transaction || !binlog_read_heartbeat(event, &at) ||
        strcmp(at.file, reader->file) != 0 || at.offset < reader->tail.offset)
        return true;
    reader->tail.offset = at.offset;
    reader->event_offset = at.offset;
    return true;
}

/* The GTIDs before a file, at its beginning: learned once, if the start did not know them. */
static bool on_gtid_list(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    if (reader->tail.gtids.flavour != GTID_NONE || reader->in_transaction)
        return true;
    GtidSet set = {0};
    bool good = event->type == EVENT_PREVIOUS_GTIDS ? binlog_read_previous_gtids(event, &set, error)
                                                    : binlog_read_gtid_list(event, &set, error);
    /* A MySQL server without GTIDs writes an empty list, which says nothing. */
    if (good && source->server.gtids)
        gtid_set_copy(&reader->tail.gtids, &set);
    gtid_set_deinit(&set);
    return good;
}

static bool unknown_event(const BinlogEvent *event, Error *error)
{
    if ((event->flags & EVENT_FLAG_IGNORABLE) != 0)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "the binlog has an event of unknown type %u", event->type);
    return error_hint(error, "The server is newer than this program knows; nothing is skipped "
                             "silently.");
}

static bool act_on(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    switch (event->type) {
    case EVENT_FORMAT_DESCRIPTION:
        mysql_capture_forget_maps(reader);
        return binlog_read_format(&reader->format, event, error);
    case EVENT_ROTATE:
        return on_rotate(source, event, error);
    case EVENT_HEARTBEAT:
    case EVENT_HEARTBEAT_V2:
        return on_heartbeat(source, event);
    case EVENT_GTID:
    case EVENT_GTID_TAGGED:
    case EVENT_MARIADB_GTID:
        return mysql_capture_gtid(source, event, error);
    case EVENT_ANONYMOUS_GTID:
        reader->in_transaction = false;
        mysql_capture_begin(reader, event);
        reader->standalone = true;
        return true;
    case EVENT_PREVIOUS_GTIDS:
    case EVENT_MARIADB_GTID_LIST:
        return on_gtid_list(source, event, error);
    case EVENT_QUERY:
    case EVENT_MARIADB_QUERY_COMPRESSED:
        return mysql_capture_query(source, event, error);
    case EVENT_XID:
        mysql_capture_end(source);
        return true;
    case EVENT_TABLE_MAP:
        return mysql_capture_table_map(source, event, error);
    case EVENT_XA_PREPARE:
        return mysql_capture_xa_prepare(source, event, error);
    case EVENT_TRANSACTION_PAYLOAD:
        return mysql_payload_begin(&source->reader, event, error);
    case EVENT_INCIDENT:
        error_set(error, ERROR_POSITION,
                  "the server says that changes are missing from its binlog");
        return error_hint(error, "Start the job afresh, from a new snapshot.");
    case EVENT_EXECUTE_LOAD_QUERY:
        error_set(error, ERROR_UNSUPPORTED, "LOAD DATA was logged as a statement");
        return error_hint(error, "Set binlog_format=ROW, also in sessions that changed it.");
    case EVENT_START_V3:
    case EVENT_STOP:
    case EVENT_INTVAR:
    case EVENT_RAND:
    case EVENT_USER_VAR:
    case EVENT_BEGIN_LOAD_QUERY:
    case EVENT_IGNORABLE:
    case EVENT_ROWS_QUERY:
    case EVENT_TRANSACTION_CONTEXT:
    case EVENT_VIEW_CHANGE:
    case EVENT_MARIADB_ANNOTATE_ROWS:
    case EVENT_MARIADB_CHECKPOINT:
    case EVENT_MARIADB_START_ENCRYPTION:
        return true;
    default:
        return binlog_is_rows(event->type) ? mysql_capture_rows_event(source, event, error)
                                           : unknown_event(event, error);
    }
}

/* Events that the user asked to pass over at the start are counted from BEGIN on, which is the
 * first; their rows are dropped. */
static bool dispatch(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    bool drop = reader->skipping && binlog_is_rows(event->type);
    if (!drop && !act_on(source, event, error))
        return false;
    if (reader->skipping && (event->flags & EVENT_FLAG_ARTIFICIAL) == 0 &&
        event->type != EVENT_HEARTBEAT && event->type != EVENT_HEARTBEAT_V2)
        reader->skipping = --reader->skip_events > 0;
    return true;
}

/* Offsets in events have 32 bits, files can be larger: the next one is never before the last. */
static uint64_t widen_offset(uint64_t before, uint32_t end_offset)
{
    uint64_t offset = (before & ~UINT64_C(0xFFFFFFFF)) | end_offset;
    return offset < before && before > UINT32_MAX / 2 ? offset + (UINT64_C(1) << 32) : offset;
}

bool mysql_capture_advance(BinlogReader *reader, const BinlogEvent *event)
{
    bool moves = (event->flags & EVENT_FLAG_ARTIFICIAL) == 0 && event->type != EVENT_HEARTBEAT &&
                 event->type != EVENT_HEARTBEAT_V2 && event->type != EVENT_ROTATE;
    if (moves && event->end_offset != 0)
        reader->event_offset = widen_offset(reader->event_offset, event->end_offset);
    else if (moves && event->type != EVENT_FORMAT_DESCRIPTION)
        reader->event_offset += event->length;
    return moves;
}

/* One event of the stream itself: keeps the place, then acts on it. */
bool mysql_capture_event(MysqlSource *source, const uint8_t *bytes, size_t length, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogEvent event;
    if (!binlog_event_read(&reader->format, bytes, length, &event, error))
        return false;
    reader->timestamp = event.timestamp;
    bool moves = mysql_capture_advance(reader, &event);
    if (reader->filling != NULL && (event.type == EVENT_TABLE_MAP || binlog_is_rows(event.type))) {
        /* Its checksum was verified: stored without, for the replay reads none. */
        mysql_xa_store(reader->filling, bytes, (size_t)(event.end - bytes));
        return true;
    }
    if (!dispatch(source, &event, error))
        return false;
    if (moves && !reader->in_transaction && reader->event_offset > reader->tail.offset &&
        strcmp(reader->tail.file, reader->file) == 0)
        reader->tail.offset = reader->event_offset;
    return true;
}

/* An event inside a payload or of a replayed XA transaction: no checksum, no place of its own. */
bool mysql_capture_inner(MysqlSource *source, const uint8_t *bytes, size_t length, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogEvent event;
    if (length < EVENT_HEADER_BYTES)
        return binlog_malformed(0, "no whole header", error);
    binlog_event_inner(bytes, length, &event);
    reader->timestamp = event.timestamp;
    if (reader->filling != NULL && (event.type == EVENT_TABLE_MAP || binlog_is_rows(event.type))) {
        mysql_xa_store(reader->filling, bytes, length);
        return true;
    }
    return dispatch(source, &event, error);
}
