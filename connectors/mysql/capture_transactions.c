/* Where transactions begin and end, and those that are prepared first and decided later.
 *
 * Invariant: `tail` is a boundary between transactions. An XA transaction stays in the list of the
 * prepared ones until its last row was decoded. */
#include <stdio.h>
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/capture.h"
#include "connectors/mysql/source.h"

MysqlPosition mysql_capture_start(const BinlogReader *reader)
{
    MysqlPosition start = {.offset = reader->transaction_start};
    memcpy(start.file, reader->file, sizeof(start.file));
    return start;
}

void mysql_capture_begin(BinlogReader *reader, const BinlogEvent *event)
{
    if (reader->in_transaction)
        return;
    reader->in_transaction = true;
    reader->transaction_start =
        reader->event_offset >= event->length ? reader->event_offset - event->length : 0;
}

/* The tail moves behind the transaction. */
void mysql_capture_end(MysqlSource *source)
{
    BinlogReader *reader = &source->reader;
    if (reader->awaits)
        mysql_capture_tell_cascades(source);
    memcpy(reader->tail.file, reader->file, sizeof(reader->tail.file));
    reader->tail.offset = reader->event_offset;
    if (reader->has_gtid)
        gtid_set_add(&reader->tail.gtids, &reader->gtid);
    reader->tail.skip_events = reader->tail.skip_rows = 0;
    reader->skip_events = reader->skip_rows = 0;
    reader->skipping = false;
    reader->in_transaction = false;
    reader->has_gtid = false;
    reader->standalone = false;
    reader->gtid_is_xa = false;
    reader->gtid_text[0] = '\0';
    for (uint32_t i = 0; i < source->scan_count; i++)
        source->scans[i].since = 0;
}

void mysql_capture_xa_begin(BinlogReader *reader, const BinlogXid *xid)
{
    mysql_xa_release(reader->filling);
    reader->filling = mysql_xa_new(xid);
}

bool mysql_capture_gtid(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    uint8_t flags = 0;
    if (!binlog_read_gtid(event, &reader->gtid, &flags, error))
        return false;
    reader->in_transaction = false;
    mysql_capture_begin(reader, event);
    reader->has_gtid = true;
    bool mariadb = event->type == EVENT_MARIADB_GTID;
    /* On MySQL a statement outside BEGIN ends its transaction; on MariaDB a flag tells. */
    reader->standalone = mariadb ? (flags & MARIADB_GTID_STANDALONE) != 0 : true;
    /* There it takes the place of BEGIN, too. */
    reader->skipping = mariadb && !reader->standalone && reader->skip_events > 0;
    Buffer text = {0};
    gtid_print(&reader->gtid, &text);
    snprintf(reader->gtid_text, sizeof(reader->gtid_text), "%s", buffer_text(&text));
    buffer_deinit(&text);
    if (mariadb && (flags & MARIADB_GTID_PREPARED_XA) != 0) {
        /* Its identity comes with its end. */
        BinlogXid none = {.length = 0};
        mysql_capture_xa_begin(reader, &none);
    }
    return true;
}

void mysql_capture_xa_prepared(MysqlSource *source, const BinlogXid *xid)
{
    BinlogReader *reader = &source->reader;
    if (reader->filling == NULL)
        mysql_capture_xa_begin(reader, xid);
    XaTransaction *transaction = reader->filling;
    reader->filling = NULL;
    transaction->xid = *xid;
    mysql_position_copy(&transaction->start, &reader->tail);
    mysql_xa_list_add(&reader->prepared, transaction);
    mysql_xa_release(transaction);
    mysql_capture_end(source);
}

/* It was prepared before reading began: where the binlog has it, it is known from now on, also
 * when the connection is lost meanwhile. */
static XaTransaction *xa_from_log(MysqlSource *source, const BinlogXid *xid, Error *error)
{
    Error cause = {0};
    XaTransaction *transaction = mysql_xa_search(source, xid, &cause);
    if (transaction == NULL && cause.code == ERROR_NONE) {
        error_set(error, ERROR_POSITION,
                  "an XA transaction is committed that was prepared before the position this job "
                  "started from, and the server's binlog no longer has its rows");
        error_hint(error, "Start again from a snapshot while no XA transaction is prepared "
                          "(XA RECOVER lists them).");
        return NULL;
    }
    if (transaction == NULL) {
        if (error != NULL)
            *error = cause;
        return NULL;
    }
    mysql_xa_list_add(&source->reader.prepared, transaction);
    mysql_xa_list_add(&source->base_prepared, transaction);
    mysql_xa_list_add(&source->mark_prepared, transaction);
    mysql_xa_release(transaction);
    return transaction;
}

bool mysql_capture_xa_decided(MysqlSource *source, const BinlogXid *xid, bool commit, Error *error)
{
    BinlogReader *reader = &source->reader;
    /* Of a time that the user does not ask for. */
    bool before_start = source->start_timestamp != 0 && reader->timestamp < source->start_timestamp;
    if (!commit || before_start) {
        mysql_xa_list_remove(&reader->prepared, xid);
        mysql_capture_end(source);
        return true;
    }
    XaTransaction *transaction = mysql_xa_list_find(&reader->prepared, xid);
    if (transaction == NULL)
        transaction = xa_from_log(source, xid, error);
    if (transaction == NULL || (!transaction->loaded && !mysql_xa_load(source, transaction, error)))
        return false;
    reader->decided_at = reader->timestamp;
    transaction->references++;
    mysql_xa_replay(reader, transaction);
    return true;
}
bool mysql_capture_xa_prepare(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogXid xid;
    if (!binlog_read_xa_prepare(event, &xid, error))
        return false;
    if (!xid.one_phase) {
        mysql_capture_xa_prepared(source, &xid);
        return true;
    }
    /* Committed in one step: what was kept is given now. */
    BinlogReader *reader = &source->reader;
    if (reader->filling == NULL) {
        mysql_capture_end(source);
        return true;
    }
    reader->decided_at = reader->timestamp;
    mysql_xa_replay(reader, reader->filling);
    reader->filling = NULL;
    return true;
}
