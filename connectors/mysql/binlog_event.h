/* Binlog events of MySQL 5.6 to 9 and MariaDB: framing inside a packet and the parts of each event
 * that change capture needs. No I/O; everything is read from bytes and bounded by them.
 *
 * Source of the layouts: facts measured on both servers, MySQL's "Replication Protocol" pages. */
#ifndef CONNECTORS_MYSQL_BINLOG_EVENT_H
#define CONNECTORS_MYSQL_BINLOG_EVENT_H

#include "connectors/mysql/position.h"
#include "core/arena.h"
#include "core/error.h"

typedef enum BinlogEventType {
    EVENT_START_V3 = 1,
    EVENT_QUERY = 2,
    EVENT_STOP = 3,
    EVENT_ROTATE = 4,
    EVENT_INTVAR = 5,
    EVENT_RAND = 13,
    EVENT_USER_VAR = 14,
    EVENT_FORMAT_DESCRIPTION = 15,
    EVENT_XID = 16,
    EVENT_BEGIN_LOAD_QUERY = 17,
    EVENT_EXECUTE_LOAD_QUERY = 18,
    EVENT_TABLE_MAP = 19,
    EVENT_WRITE_ROWS_V1 = 23,
    EVENT_UPDATE_ROWS_V1 = 24,
    EVENT_DELETE_ROWS_V1 = 25,
    EVENT_INCIDENT = 26,
    EVENT_HEARTBEAT = 27,
    EVENT_IGNORABLE = 28,
    EVENT_ROWS_QUERY = 29,
    EVENT_WRITE_ROWS_V2 = 30,
    EVENT_UPDATE_ROWS_V2 = 31,
    EVENT_DELETE_ROWS_V2 = 32,
    EVENT_GTID = 33,
    EVENT_ANONYMOUS_GTID = 34,
    EVENT_PREVIOUS_GTIDS = 35,
    EVENT_TRANSACTION_CONTEXT = 36,
    EVENT_VIEW_CHANGE = 37,
    EVENT_XA_PREPARE = 38,
    EVENT_PARTIAL_UPDATE_ROWS = 39,
    EVENT_TRANSACTION_PAYLOAD = 40,
    EVENT_HEARTBEAT_V2 = 41,
    EVENT_GTID_TAGGED = 42,
    EVENT_MARIADB_ANNOTATE_ROWS = 160,
    EVENT_MARIADB_CHECKPOINT = 161,
    EVENT_MARIADB_GTID = 162,
    EVENT_MARIADB_GTID_LIST = 163,
    EVENT_MARIADB_START_ENCRYPTION = 164,
    EVENT_MARIADB_QUERY_COMPRESSED = 165,
    EVENT_MARIADB_WRITE_ROWS_COMPRESSED_V1 = 166,
    EVENT_MARIADB_UPDATE_ROWS_COMPRESSED_V1 = 167,
    EVENT_MARIADB_DELETE_ROWS_COMPRESSED_V1 = 168,
    EVENT_MARIADB_WRITE_ROWS_COMPRESSED = 169,
    EVENT_MARIADB_UPDATE_ROWS_COMPRESSED = 170,
    EVENT_MARIADB_DELETE_ROWS_COMPRESSED = 171
} BinlogEventType;

#define EVENT_FLAG_ARTIFICIAL 0x20
#define EVENT_FLAG_IGNORABLE  0x80
#define EVENT_HEADER_BYTES    19

/* What a FORMAT_DESCRIPTION event says about the events behind it. */
typedef struct BinlogFormat {
    bool checksum;            /* four bytes of CRC32 end every event */
    uint8_t post_header[256]; /* length by type; 0 where the server names none */
    char server_version[51];
} BinlogFormat;

/* What holds before the first FORMAT_DESCRIPTION. */
void binlog_format_init(BinlogFormat *format);

typedef struct BinlogEvent {
    uint32_t timestamp; /* seconds since 1970, when the statement began */
    uint32_t server_id;
    uint32_t length;
    uint32_t end_offset; /* in the file; 0: not told */
    uint16_t flags;
    uint8_t type;
    const uint8_t *body; /* behind the header */
    const uint8_t *end;  /* without the checksum */
} BinlogEvent;

/* Reads the header of the event that fills `bytes`, and checks its checksum. */
bool binlog_event_read(const BinlogFormat *format, const uint8_t *bytes, size_t length,
                       BinlogEvent *event, Error *error) MUST_CHECK;
/* The same for a whole event without a checksum and a place: one of a payload. */
void binlog_event_inner(const uint8_t *bytes, size_t length, BinlogEvent *event);
const char *binlog_event_name(uint8_t type);

bool binlog_read_format(BinlogFormat *format, const BinlogEvent *event, Error *error) MUST_CHECK;

typedef struct BinlogRotate {
    char file[BINLOG_FILE_MAX + 1];
    uint64_t offset;
} BinlogRotate;
bool binlog_read_rotate(const BinlogEvent *event, BinlogRotate *rotate, Error *error) MUST_CHECK;

#define MARIADB_GTID_STANDALONE   0x01
#define MARIADB_GTID_DDL          0x20
#define MARIADB_GTID_PREPARED_XA  0x40
#define MARIADB_GTID_COMPLETED_XA 0x80

/* GTID, GTID_TAGGED and MariaDB's GTID; `flags` are MariaDB's. */
bool binlog_read_gtid(const BinlogEvent *event, Gtid *gtid, uint8_t *flags,
                      Error *error) MUST_CHECK;
/* PREVIOUS_GTIDS: adds to the set. */
bool binlog_read_previous_gtids(const BinlogEvent *event, GtidSet *set, Error *error) MUST_CHECK;
/* MARIADB_GTID_LIST: what stands before this file. */
bool binlog_read_gtid_list(const BinlogEvent *event, GtidSet *set, Error *error) MUST_CHECK;

typedef struct BinlogQuery {
    Str database;
    Str sql;
    uint64_t sql_mode;
    bool has_sql_mode;
} BinlogQuery;
/* QUERY and MariaDB's compressed form, whose text is unpacked into `scratch`. */
bool binlog_read_query(const BinlogEvent *event, BinlogQuery *query, Buffer *scratch,
                       Error *error) MUST_CHECK;

/* Identity of an XA transaction: format, then both parts. Compared as bytes. */
typedef struct BinlogXid {
    uint8_t bytes[4 + 128];
    uint32_t length;
    bool one_phase;
} BinlogXid;
bool binlog_read_xa_prepare(const BinlogEvent *event, BinlogXid *xid, Error *error) MUST_CHECK;
/* The xid of "XA START|END|PREPARE|COMMIT|ROLLBACK X'..',X'..',n" in a QUERY event. */
bool binlog_xid_parse(Str sql, BinlogXid *xid) MUST_CHECK;

/* --------------------------------------------------------- tables and rows */

typedef struct TableMapColumn {
    uint8_t type;      /* ENUM and SET resolved from STRING */
    uint16_t metadata; /* as the type wants it: see mysql/value.h */
    bool nullable;
    /* From the optional metadata; NULL or false when it is not there. */
    bool has_sign;
    bool is_unsigned;
    const char *name;  /* binlog_row_metadata=FULL */
    const Str *labels; /* of ENUM and SET, in the column's charset */
    uint32_t label_count;
} TableMapColumn;

typedef struct TableMap {
    uint64_t id;
    const char *database;
    const char *table;
    uint32_t column_count;
    TableMapColumn *columns;
    bool has_names;
} TableMap;

#define TABLE_ID_DUMMY UINT64_C(0xFFFFFF)

/* The id alone, for a quick look before the event is read whole. */
bool binlog_table_id(const BinlogFormat *format, const BinlogEvent *event, uint64_t *id,
                     Error *error) MUST_CHECK;
/* Everything of a TABLE_MAP, in the arena. */
TableMap *binlog_read_table_map(const BinlogFormat *format, const BinlogEvent *event, Arena *arena,
                                Error *error) MUST_CHECK;

typedef enum RowsKind { ROWS_WRITE, ROWS_UPDATE, ROWS_DELETE } RowsKind;

typedef struct RowsEvent {
    uint64_t table_id;
    RowsKind kind;
    bool partial_json; /* PARTIAL_UPDATE_ROWS */
    bool statement_end;
    uint32_t column_count;
    const uint8_t *present;       /* bitmaps: columns of the (before) image, */
    const uint8_t *present_after; /* and of an UPDATE's after image */
    const uint8_t *rows;
    const uint8_t *end;
} RowsEvent;

static inline bool binlog_is_rows(uint8_t type)
{
    return (type >= EVENT_WRITE_ROWS_V1 && type <= EVENT_DELETE_ROWS_V1) ||
           (type >= EVENT_WRITE_ROWS_V2 && type <= EVENT_DELETE_ROWS_V2) ||
           type == EVENT_PARTIAL_UPDATE_ROWS ||
           (type >= EVENT_MARIADB_WRITE_ROWS_COMPRESSED_V1 &&
            type <= EVENT_MARIADB_DELETE_ROWS_COMPRESSED);
}

/* Rows of a compressed event are unpacked into `scratch`. */
bool binlog_read_rows(const BinlogFormat *format, const BinlogEvent *event, Buffer *scratch,
                      RowsEvent *rows, Error *error) MUST_CHECK;

/* TRANSACTION_PAYLOAD: how its events are packed, and the packed bytes. */
typedef struct BinlogPayload {
    bool zstd;
    uint64_t unpacked_bytes;
    const uint8_t *bytes;
    size_t length;
} BinlogPayload;
bool binlog_read_payload(const BinlogEvent *event, BinlogPayload *payload, Error *error) MUST_CHECK;

/* The file offset a HEARTBEAT tells (32 or 64 bits), and its file; false when it tells none. */
bool binlog_read_heartbeat(const BinlogEvent *event, BinlogRotate *at);

/* Reads MySQL's length-encoded integer; moves *at, false past the end. */
bool binlog_read_packed(const uint8_t **at, const uint8_t *end, uint64_t *value) MUST_CHECK;

static inline uint64_t binlog_u(const uint8_t *bytes, uint32_t count)
{
    uint64_t value = 0;
    for (uint32_t i = 0; i < count; i++)
        value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

#endif
