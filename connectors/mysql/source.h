/* One change-capture source: all tables that a job declares on one server, over one binlog
 * connection.
 *
 *     mysql/source.c    open, next, position, close: the SourceClass
 *     mysql/tables.c    which physical tables there are, whether they fit, how their rows map
 *     mysql/snapshot.c  reads what is there, in parts (snapshot_part.c), each with the exact
 *                       position it was true at
 *     mysql/follow.c    follows the binlog: connecting, reading, trying again
 *     mysql/capture.c   what its events mean: transactions, rows, XA, statements
 *     mysql/state.c     positions for checkpoints
 *
 * A snapshot part is one consistent read of the server, true at one binlog position. Usually there
 * is one for all tables; a crash or a lost connection in the middle begins another from the last
 * key that was given. So a table has bounds: up to this key it was read in that part. A change of a
 * row counts when its transaction lies behind the part the row's key was read in.
 *
 * What was given to the engine is described by a base (a transaction boundary of the binlog) and,
 * per scan, how many rows behind the base were given already; a restart reads from the base again
 * and passes over that many. */
#ifndef CONNECTORS_MYSQL_SOURCE_H
#define CONNECTORS_MYSQL_SOURCE_H

#include <stdio.h>

#include "connectors/connector.h"
#include "connectors/mysql/binlog_rows.h"
#include "connectors/mysql/schema.h"
#include "connectors/mysql/stream.h"

/* The connector's metadata columns, in its order. */
typedef enum MysqlMetadata {
    META_TABLE_NAME,
    META_DATABASE_NAME,
    META_OP_TS,
    META_ROW_KIND,
    META_GTID,
    META_BINLOG_FILE,
    META_BINLOG_POS
} MysqlMetadata;

typedef enum StartMode {
    START_INITIAL,
    START_EARLIEST,
    START_LATEST,
    START_SPECIFIC,
    START_TIMESTAMP,
    START_SNAPSHOT
} StartMode;

typedef struct ScanState {
    const ScanInfo *info;
    const char *identity; /* of the declared table, in checkpoints */
    TablePattern *pattern;
    const TimeZone *zone;
    bool append_only;
    bool compact_json;
    const char *key_column; /* to read by, in place of the table's key; NULL: that */
    Batch *builder;
    uint64_t since; /* rows decoded since the base */
    uint64_t skip;  /* rows to pass over: given before the restart */
} ScanState;

typedef enum TableState { TABLE_PENDING, TABLE_READING, TABLE_READY } TableState;

/* Up to this key (all: the whole rest) rows were read in part `part`. */
typedef struct KeyBound {
    uint32_t part;
    bool all;
    Buffer key; /* a literal per key column, each ended by a zero byte */
} KeyBound;

/* A physical table as one scan captures it. */
typedef struct CapturedTable {
    ScanState *scan;
    uint32_t scan_index;
    char *database;
    char *name;
    Arena *arena; /* of the schema */
    MysqlTable *schema;
    TableState state;
    bool key_repeats; /* the key's values are not unique: it was chosen by the user */
    bool touched;     /* rows of it were given */
    bool stale;       /* a statement may have changed it: look again before the next row */
    bool cascades;    /* a foreign key of it has CASCADE or SET NULL */
    bool cascade_told;
    KeyBound *bounds;
    uint32_t bound_count;
} CapturedTable;

/* A TABLE_MAP of a captured table, and how its rows map for each scan that wants them. */
typedef struct MapBinding {
    CapturedTable *table;
    RowPlan plan;
    RowPlan key_plan; /* for comparing with bounds */
} MapBinding;

typedef struct MapEntry {
    uint64_t id;
    Buffer body; /* of the event: an equal one needs no work */
    Arena *arena;
    TableMap *map;
    MapBinding *bindings;
    uint32_t binding_count;
    bool awaited; /* mapped, and no rows came yet; of tables with cascades only */
} MapEntry;

/* Where decoding stands inside a rows event. */
typedef struct RowsCursor {
    bool active;
    RowsEvent rows;
    MapEntry *entry;
    uint32_t binding;
    const uint8_t *at;
    uint32_t change;   /* number of the change at `at` */
    uint32_t skip;     /* so many first changes do not count */
    uint8_t *verdicts; /* per change when keys must be compared: bit 0 before, bit 1 after counts */
    bool binding_ready;
    int64_t op_ts_us;
} RowsCursor;

/* An XA transaction that is prepared; shared by the lists of it. */
typedef struct XaTransaction {
    uint32_t references;
    BinlogXid xid;
    MysqlPosition start; /* the boundary before it in the binlog */
    bool loaded;         /* its events are here; else the binlog has them, behind `start` */
    Buffer events;       /* length and bytes of each, until spilled */
    FILE *spill;         /* an unnamed file, when they got large */
    uint64_t spilled;
} XaTransaction;

/* The transactions that are prepared and not decided, as of a position. */
typedef struct XaList {
    XaTransaction **items;
    uint32_t count;
    uint32_t capacity;
} XaList;

/* A batch that is ready, and what is true once it was given. */
typedef struct ReadyBatch {
    Batch *batch;
    uint32_t scan;
    bool last; /* of its group */
} ReadyBatch;

typedef struct SnapshotReader {
    MYSQL *mysql;
    MYSQL_RES *result;
    bool asked; /* the query is sent, its answer not yet read */
    CapturedTable *table;
    uint32_t part;
    uint32_t *columns; /* physical column of each selected expression */
    uint32_t *keys;    /* where the key's columns stand in the answer; part of `columns` */
    uint32_t column_count;
    uint64_t rows_expected;
    uint64_t rows;
    bool measured;
    bool in_part;
    uint32_t lock_tries; /* that found the tables held by others */
    int64_t lock_since_us;
    uint64_t table_rows;  /* of the table, in this part */
    uint64_t table_limit; /* as many rows as this part takes; 0: all */
    bool carried;         /* a row was fetched and belongs to the next batch */
    MYSQL_ROW row;
    Buffer last_key; /* of the row before, where the key's values repeat */
    bool unsettled;  /* rows were given that no key bounds */
} SnapshotReader;

typedef struct BinlogReader {
    MysqlStream *stream;
    BinlogFormat format;
    MysqlPosition tail; /* the last transaction boundary that was decoded */
    bool in_transaction;
    uint64_t event_offset; /* end of the last event, in the current file */
    char file[BINLOG_FILE_MAX + 1];
    uint64_t transaction_start;
    Gtid gtid;
    bool has_gtid;
    bool standalone;
    bool gtid_is_xa;
    char gtid_text[100];
    uint32_t timestamp;   /* of the current event */
    uint64_t skip_events; /* still to pass over; see MysqlPosition */
    uint64_t skip_rows;
    bool skipping; /* the transaction to pass over events of has begun */
    int64_t last_event_us;
    bool caught_up;
    int64_t given_us; /* when the last batch was; see linger in mysql/follow.c */
    uint32_t crowded; /* batches that came close upon another */
    bool lingered;
    MapEntry **maps;
    uint32_t map_count;
    uint32_t map_capacity;
    bool awaits; /* an entry is awaited */
    RowsCursor cursor;
    Buffer scratch;      /* unpacked rows */
    Buffer text_scratch; /* converted text */
    /* TRANSACTION_PAYLOAD being read. */
    void *payload_context;
    Buffer payload_packed;
    size_t payload_at;
    Buffer payload_event;
    bool payload_active;
    bool payload_zstd;
    /* XA. */
    XaList prepared; /* as of the tail */
    XaTransaction *filling;
    XaTransaction *replaying;
    size_t replay_at;      /* in its events that are in memory */
    uint64_t replay_spill; /* bytes of its file still to come */
    Buffer replay_event;
    uint32_t decided_at; /* seconds: when it was committed */
    uint32_t retries;
    int64_t retry_at_us;
} BinlogReader;

typedef struct MysqlSource {
    Arena *arena;
    SourceContext context;
    MysqlAddress address;
    MysqlServer server;
    MYSQL *control;
    const char *split; /* name of the position in checkpoints */
    StartMode mode;
    bool add_tables;     /* scan.newly-added-table.enabled */
    uint64_t chunk_rows; /* rows of a table in one part of the snapshot; 0: all */
    uint32_t server_id;
    int64_t heartbeat_ms;
    uint32_t max_retries;
    int wake_fd;

    ScanState *scans;
    uint32_t scan_count;
    CapturedTable **tables;
    uint32_t table_count;
    uint32_t table_capacity;

    MysqlPosition *parts;
    uint32_t part_count;
    bool snapshot_done;
    SnapshotReader snapshot;
    uint32_t snapshot_retries;
    int64_t snapshot_retry_at_us;

    bool base_known;
    uint32_t start_timestamp; /* rows of earlier events do not count; 0: all do */
    BinlogReader reader;

    /* What was given: everything before `base` but what was then prepared, and of each scan
     * `since[i]` rows behind it. */
    MysqlPosition base;
    uint64_t *base_since;
    XaList base_prepared;
    MysqlPosition mark; /* the same once the ready batches are given too */
    uint64_t *mark_since;
    XaList mark_prepared;
    ReadyBatch *ready;
    uint32_t ready_count;
    uint32_t ready_at;
    uint64_t rows_given;
    bool ended;
} MysqlSource;

void mysql_source_notice(const MysqlSource *source, const char *format, ...) PRINTF_LIKE(2, 3);
/* The control connection, opened again when it was lost. */
MYSQL *mysql_source_control(MysqlSource *source, Error *error) MUST_CHECK;
/* Moves what the scans built to the ready batches. */
void mysql_source_flush(MysqlSource *source);
/* A number to present a reader by, away from those that people give their servers. */
uint32_t mysql_source_random_id(void);
/* Room for more rows in the scan's batch. */
Batch *mysql_scan_builder(ScanState *scan);
/* Writes the metadata columns of rows [from, to). */
typedef struct RowOrigin {
    const char *database;
    const char *table;
    int64_t op_ts_us;
    const char *gtid; /* NULL: none */
    const char *file;
    uint64_t offset;
} RowOrigin;
void mysql_scan_metadata(const ScanState *scan, Batch *batch, uint32_t from, uint32_t to,
                         const RowOrigin *origin);

/* mysql/tables.c */
CapturedTable *mysql_captured_add(MysqlSource *source, uint32_t scan, const char *database,
                                  const char *name);
CapturedTable *mysql_captured_find(MysqlSource *source, uint32_t scan, const char *database,
                                   const char *name);
bool mysql_tables_discover(MysqlSource *source, Error *error) MUST_CHECK;
/* Reads the table's schema from the server and checks it against the declaration. */
bool mysql_captured_refresh(MysqlSource *source, CapturedTable *table, Error *error) MUST_CHECK;
bool mysql_captured_check(const CapturedTable *table, Error *error) MUST_CHECK;
/* What the options ask of a schema just read, and the check. */
bool mysql_captured_prepare(CapturedTable *table, Error *error) MUST_CHECK;
/* The scans that want the mapped table, with plans. */
bool mysql_map_bind(MysqlSource *source, MapEntry *entry, Error *error) MUST_CHECK;
void mysql_captured_free(CapturedTable *table);
void mysql_bound_free(KeyBound *bound);
const char *mysql_bound_literal(const KeyBound *bound, uint32_t column);

typedef enum Visibility { ROWS_DROPPED, ROWS_COUNT, ROWS_BY_KEY } Visibility;
/* What to do with rows of a transaction that starts at `start`; BY_KEY: `*bound` is the last key
 * that was read before it. Closes bounds that lie behind. */
Visibility mysql_captured_visibility(MysqlSource *source, CapturedTable *table,
                                     const MysqlPosition *start, const Gtid *gtid,
                                     const KeyBound **bound);
/* For keys given as literals (key_count of them per row, ends with zero bytes): whether each is at
 * or before the bound, as the server compares. */
bool mysql_keys_compare(MysqlSource *source, const CapturedTable *table, const KeyBound *bound,
                        const Buffer *keys, uint32_t count, uint8_t *within,
                        Error *error) MUST_CHECK;

/* mysql/snapshot.c: the next batch, or IDLE, or END when all tables are read. */
SourceState mysql_snapshot_next(MysqlSource *source, int64_t timeout_ms, Batch **batch,
                                uint32_t *scan, Error *error);
void mysql_snapshot_close(MysqlSource *source);
/* mysql/snapshot_part.c: a consistent read from now on; the one before, if any, ends with it.
 * LATER: others hold the tables, and snapshot_retry_at_us says when to try again. */
typedef enum SnapshotPart {
    SNAPSHOT_PART_BEGUN,
    SNAPSHOT_PART_LATER,
    SNAPSHOT_PART_FAILED
} SnapshotPart;
SnapshotPart mysql_snapshot_part(MysqlSource *source, Error *error);
/* Whether what was given has an end that reading can go on behind. */
bool mysql_snapshot_settled(const MysqlSource *source);
void mysql_snapshot_progress(MysqlSource *source, SourceProgress *out);

/* mysql/follow.c: reads and decodes until something is ready. */
SourceState mysql_capture_next(MysqlSource *source, int64_t timeout_ms, Error *error);
void mysql_capture_close(MysqlSource *source);

/* mysql/capture.c: acts on an event of the stream; on one inside a payload or of a replayed XA
 * transaction, which has no checksum and no place of its own. */
bool mysql_capture_event(MysqlSource *source, const uint8_t *bytes, size_t length,
                         Error *error) MUST_CHECK;
bool mysql_capture_inner(MysqlSource *source, const uint8_t *bytes, size_t length,
                         Error *error) MUST_CHECK;
/* Decodes rows of the current event until a batch is full (`*full`) or the event is done. */
bool mysql_capture_rows(MysqlSource *source, bool *full, Error *error) MUST_CHECK;
/* Keeps the reader's place in the file: true when the event stands in it. */
bool mysql_capture_advance(BinlogReader *reader, const BinlogEvent *event);
/* The transaction being read is over. */
void mysql_capture_end(MysqlSource *source);
void mysql_capture_forget_maps(BinlogReader *reader);
/* Adds the place of the last event. */
bool mysql_capture_place(const MysqlSource *source, Error *error);

/* mysql/xa.c: transactions that are prepared and not yet decided. */
XaTransaction *mysql_xa_new(const BinlogXid *xid);
void mysql_xa_release(XaTransaction *transaction); /* NULL is allowed */
void mysql_xa_store(XaTransaction *to, const uint8_t *bytes, size_t length);
void mysql_xa_list_copy(XaList *to, const XaList *from);
/* Takes a reference of its own; another transaction of the same identity goes. */
void mysql_xa_list_add(XaList *list, XaTransaction *transaction);
XaTransaction *mysql_xa_list_find(const XaList *list, const BinlogXid *xid);
void mysql_xa_list_remove(XaList *list, const BinlogXid *xid);
void mysql_xa_list_deinit(XaList *list);
void mysql_xa_list_write(const XaList *list, Buffer *out);
bool mysql_xa_list_read(XaList *list, Reader *reader, Error *error) MUST_CHECK;
/* Begins to give a transaction's events again; takes the reference. */
void mysql_xa_replay(BinlogReader *reader, XaTransaction *transaction);
/* The next event of the transaction being replayed, or its end. */
bool mysql_xa_next(BinlogReader *reader, const uint8_t **bytes, size_t *length, bool *end,
                   Error *error) MUST_CHECK;

/* mysql/xa_log.c: what was prepared before reading began, from the binlog on another connection. */
/* Reads the events of a transaction that is known by its place. */
bool mysql_xa_load(MysqlSource *source, XaTransaction *transaction, Error *error) MUST_CHECK;
/* Looks for a transaction that was prepared before the start, file by file backwards; NULL when
 * the server's binlog has it not (*error is clear) or cannot be read. */
XaTransaction *mysql_xa_search(MysqlSource *source, const BinlogXid *xid, Error *error);

/* mysql/payload.c: the events inside a TRANSACTION_PAYLOAD. */
bool mysql_payload_begin(BinlogReader *reader, const BinlogEvent *event, Error *error) MUST_CHECK;
bool mysql_payload_next(BinlogReader *reader, const uint8_t **bytes, size_t *length, bool *end,
                        Error *error) MUST_CHECK;
void mysql_payload_close(BinlogReader *reader);

/* mysql/start.c: the base for the mode the user asked for; not for those that take a snapshot. */
bool mysql_start_position(MysqlSource *source, Error *error) MUST_CHECK;

/* mysql/state.c */
void mysql_state_write(const MysqlSource *source, Buffer *out);
/* Whether any of the source's scans is in the state. */
bool mysql_state_mentions(const MysqlSource *source, Str bytes);
bool mysql_state_read(MysqlSource *source, Str bytes, Error *error) MUST_CHECK;

/* mysql/statement.c: what a statement of the binlog does, as far as change capture must know. */
typedef enum StatementKind {
    STATEMENT_BEGIN,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_XA_START,
    STATEMENT_XA_END,
    STATEMENT_XA_PREPARE,
    STATEMENT_XA_COMMIT,
    STATEMENT_XA_ROLLBACK,
    STATEMENT_IGNORED, /* SAVEPOINT, SET, comments */
    STATEMENT_ROWS,    /* INSERT, UPDATE, DELETE, REPLACE, LOAD as text */
    STATEMENT_TRUNCATE,
    STATEMENT_DROP_TABLE,
    STATEMENT_DROP_ROWS, /* ALTER TABLE … DROP, TRUNCATE or EXCHANGE PARTITION */
    STATEMENT_OTHER      /* other definitions */
} StatementKind;
StatementKind mysql_statement_kind(Str sql);
/* Whether the text names the table, outside comments and strings. */
bool mysql_statement_names(Str sql, Str current_database, const char *database, const char *table);

#endif
