/* What the parts of capturing share: capture.c deals events out, the other files act on theirs.
 *
 *   capture.c               any event: its place, and whose it is
 *   capture_maps.c          TABLE_MAP: which table the rows of a number are of
 *   capture_rows.c          rows events to change batches
 *   capture_transactions.c  where transactions begin and end; XA transactions
 *   capture_statements.c    statements: what they may do to a captured table */
#ifndef CONNECTORS_MYSQL_CAPTURE_H
#define CONNECTORS_MYSQL_CAPTURE_H

#include "connectors/mysql/source.h"

/* ---- table maps */

/* NULL when no TABLE_MAP of that number came. */
MapEntry *mysql_capture_find_map(const BinlogReader *reader, uint64_t id);
bool mysql_capture_table_map(MysqlSource *source, const BinlogEvent *event,
                             Error *error) MUST_CHECK;
/* A statement that maps a child of a foreign key and has no rows of it changed the parent: the
 * server itself may have changed rows of the child, and logs none of that. Said once, with its
 * place. */
void mysql_capture_tell_cascades(MysqlSource *source);

/* ---- rows */

/* Sets the cursor to the event's rows; `mysql_capture_rows` gives them. */
bool mysql_capture_rows_event(MysqlSource *source, const BinlogEvent *event,
                              Error *error) MUST_CHECK;

/* ---- transactions */

void mysql_capture_begin(BinlogReader *reader, const BinlogEvent *event);
/* Where the transaction at hand begins, without GTIDs. */
MysqlPosition mysql_capture_start(const BinlogReader *reader);
bool mysql_capture_gtid(MysqlSource *source, const BinlogEvent *event, Error *error) MUST_CHECK;
/* Rows from here to its PREPARE are kept until it is decided. */
void mysql_capture_xa_begin(BinlogReader *reader, const BinlogXid *xid);
void mysql_capture_xa_prepared(MysqlSource *source, const BinlogXid *xid);
bool mysql_capture_xa_decided(MysqlSource *source, const BinlogXid *xid, bool commit,
                              Error *error) MUST_CHECK;
bool mysql_capture_xa_prepare(MysqlSource *source, const BinlogEvent *event,
                              Error *error) MUST_CHECK;

/* ---- statements */

bool mysql_capture_query(MysqlSource *source, const BinlogEvent *event, Error *error) MUST_CHECK;

#endif
