/* Plain tables of MySQL and MariaDB, read by SELECT: what lookups and scans share. */
#ifndef CONNECTORS_MYSQL_PLAIN_H
#define CONNECTORS_MYSQL_PLAIN_H

#include "connectors/lookup.h"
#include "connectors/mysql/address.h"
#include "connectors/mysql/schema.h"

extern const OptionSpec mysql_plain_options[];
extern const SourceClass mysql_source_class;
extern const struct LookupClass mysql_lookup_class;

/* Where a table is, from its options. */
typedef struct MysqlPlace {
    MysqlAddress address;
    const char *database;
    const char *table;
} MysqlPlace;
bool mysql_place_of(const Options *options, Arena *arena, MysqlPlace *place,
                    Error *error) MUST_CHECK;

/* A connection to one table, and how its columns become those of a scan. */
typedef struct MysqlPlain {
    /* Fixed. */
    const ScanInfo *scan;
    MysqlPlace place;
    const TimeZone *zone;
    bool (*stopped)(void *to); /* whether to give up waiting; NULL: never */
    void *stopped_to;
    Arena *arena;
    /* While connected. */
    MYSQL *mysql; /* NULL: not connected */
    Arena *schema_arena;
    MysqlTable *schema;
    uint32_t *columns; /* of the schema, by column of the scan */
} MysqlPlain;

bool mysql_plain_init(MysqlPlain *plain, const ScanInfo *scan, const TimeZone *zone,
                      Error *error) MUST_CHECK;
void mysql_plain_deinit(MysqlPlain *plain);
/* Connects, and checks the declared columns against the server's. */
bool mysql_plain_connect(MysqlPlain *plain, Error *error) MUST_CHECK;
void mysql_plain_disconnect(MysqlPlain *plain);
/* Appends SELECT, the scan's columns and FROM; `more`: further expressions, or NULL. */
void mysql_plain_select(const MysqlPlain *plain, const char *more, Buffer *sql);
/* Sends a query and waits for the head of its answer. */
bool mysql_plain_ask(MysqlPlain *plain, const Buffer *sql, Error *error) MUST_CHECK;
/* Appends a row of the answer to the batch. */
bool mysql_plain_store(const MysqlPlain *plain, MYSQL_ROW row, const unsigned long *lengths,
                       Batch *batch, Error *error) MUST_CHECK;
/* The connection's last error, with what to check. */
bool mysql_plain_error(MysqlPlain *plain, const char *doing, Error *error);

#endif
