/* Positions in a server's binlog: file and offset, MySQL GTID sets, MariaDB GTID positions.
 *
 * Text: MySQL "uuid:1-5:7,uuid:tag:3", MariaDB "0-1-100,1-1-7". A MySQL set is a set of intervals
 * per uuid and tag; a MariaDB position is the last sequence number per domain, whatever the server
 * that wrote it. Sets of different flavours are never compared.
 *
 * Ownership: a GtidSet and a MysqlPosition own heap memory; zero-initialised is empty. */
#ifndef CONNECTORS_MYSQL_POSITION_H
#define CONNECTORS_MYSQL_POSITION_H

#include "core/buffer.h"
#include "core/error.h"

typedef enum GtidFlavour { GTID_NONE, GTID_MYSQL, GTID_MARIADB } GtidFlavour;

#define GTID_TAG_MAX 32

/* One transaction's identity. */
typedef struct Gtid {
    GtidFlavour flavour;
    uint8_t uuid[16];           /* MySQL */
    char tag[GTID_TAG_MAX + 1]; /* MySQL 8.3 and later; else empty */
    uint32_t domain;            /* MariaDB */
    uint32_t server;            /* MariaDB */
    uint64_t sequence;
} Gtid;

typedef struct GtidInterval {
    uint64_t first;
    uint64_t last; /* inclusive */
} GtidInterval;

/* Intervals of one uuid and tag, sorted, with gaps between them. */
typedef struct GtidSource {
    uint8_t uuid[16];
    char tag[GTID_TAG_MAX + 1];
    GtidInterval *intervals;
    uint32_t count;
    uint32_t capacity;
} GtidSource;

typedef struct GtidDomain {
    uint32_t domain;
    uint32_t server;
    uint64_t sequence;
} GtidDomain;

typedef struct GtidSet {
    GtidFlavour flavour; /* GTID_NONE: nothing known */
    GtidSource *sources; /* MySQL */
    GtidDomain *domains; /* MariaDB */
    uint32_t count;
    uint32_t capacity;
} GtidSet;

void gtid_set_deinit(GtidSet *set);
void gtid_set_copy(GtidSet *to, const GtidSet *from); /* frees what `to` held */
/* Reads the text form; `flavour` says which is expected. White space is allowed. */
bool gtid_set_parse(GtidSet *set, GtidFlavour flavour, Str text, Error *error) MUST_CHECK;
/* Which of the two the text looks like; GTID_NONE: neither. */
GtidFlavour gtid_text_flavour(Str text);
void gtid_set_print(const GtidSet *set, Buffer *out);
/* Nothing happens to a set of no or another flavour: what is not known stays unknown. */
void gtid_set_add(GtidSet *set, const Gtid *gtid);
/* The same for many numbers of the source that `gtid` names (MySQL only). */
void gtid_set_add_interval(GtidSet *set, const Gtid *gtid, uint64_t first, uint64_t last);
bool gtid_set_contains(const GtidSet *set, const Gtid *gtid);
/* Whether everything of `part` is in `whole`. */
bool gtid_set_includes(const GtidSet *whole, const GtidSet *part);
/* The form COM_BINLOG_DUMP_GTID takes; tags have none there. */
void gtid_set_encode_mysql(const GtidSet *set, Buffer *out);
void gtid_print(const Gtid *gtid, Buffer *out);
bool gtid_equal(const Gtid *a, const Gtid *b);

#define BINLOG_FILE_MAX 255

typedef struct MysqlPosition {
    char file[BINLOG_FILE_MAX + 1]; /* "": the beginning of the first file */
    uint64_t offset;
    GtidSet gtids; /* everything before this position, if known */
    /* What to pass over in the transaction that follows: events from its BEGIN on, then changes of
     * the next rows event. Asked for by the user, gone with the end of that transaction. */
    uint64_t skip_events;
    uint64_t skip_rows;
} MysqlPosition;

void mysql_position_deinit(MysqlPosition *position);
void mysql_position_copy(MysqlPosition *to, const MysqlPosition *from);
/* Order by file and offset: file names by their number. */
int mysql_position_compare(const MysqlPosition *a, const MysqlPosition *b);
int mysql_file_compare(const char *a, const char *b);
/* "mysql-bin.000003:4711 (gtids)". */
void mysql_position_print(const MysqlPosition *position, Buffer *out);
/* The binary form that checkpoints keep. */
void mysql_position_write(const MysqlPosition *position, Buffer *out);
bool mysql_position_read(MysqlPosition *position, Reader *reader, Error *error) MUST_CHECK;

#endif
