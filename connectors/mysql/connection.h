/* Connections to a server: opening, asking, and wording what went wrong. */
#ifndef CONNECTORS_MYSQL_CONNECTION_H
#define CONNECTORS_MYSQL_CONNECTION_H

#include <mysql.h>
#include <stdio.h>

#include "connectors/mysql/position.h"
#include "core/error.h"

typedef struct MysqlAddress {
    const char *host; /* a name, an address, or the path of a socket */
    uint32_t port;
    const char *user;
    const char *password;
    int64_t connect_timeout_ms;
    const char *tls_mode; /* disabled, preferred, required, verify-full */
    const char *tls_ca;
    const char *tls_cert;
    const char *tls_key;
} MysqlAddress;

typedef struct MysqlServer {
    bool mariadb;
    uint32_t version; /* 50624, 101119 */
    char version_text[64];
    uint64_t server_id;
    char uuid[40];       /* MySQL; "" on MariaDB */
    bool gtids;          /* every transaction has one */
    bool exact_snapshot; /* a consistent snapshot tells its binlog position (MariaDB, Percona) */
} MysqlServer;

/* A session in UTC and utf8mb4. */
MYSQL *mysql_connection_open(const MysqlAddress *address, Error *error) MUST_CHECK;
void mysql_connection_close(MYSQL *mysql); /* NULL is allowed */
/* The server can send no more: what is left of an answer need not be read. */
void mysql_connection_cut(MYSQL *mysql);

/* A statement whose rows, if any, are thrown away. */
bool mysql_connection_run(MYSQL *mysql, const char *sql, Error *error) MUST_CHECK;
/* The whole result of a query; mysql_free_result is the caller's. */
MYSQL_RES *mysql_connection_query(MYSQL *mysql, const char *sql, Error *error) MUST_CHECK;
/* What an error number of server or client library means for a job; `text` is its message. */
ErrorCode mysql_error_class(unsigned int number, const char *text);
/* The pause before another try, after so many. */
int64_t mysql_retry_delay_ms(uint32_t tries);
/* The last error of the connection, classified; returns false. */
bool mysql_connection_error(MYSQL *mysql, const char *doing, Error *error);

/* Who it is, and whether it writes what change capture needs. */
bool mysql_server_inspect(MYSQL *mysql, MysqlServer *server, Error *error) MUST_CHECK;
bool mysql_server_check(MYSQL *mysql, const MysqlServer *server, Error *error) MUST_CHECK;

/* Where the binlog ends now. */
bool mysql_server_position(MYSQL *mysql, const MysqlServer *server, MysqlPosition *position,
                           Error *error) MUST_CHECK;
/* The first file there still is. */
bool mysql_server_earliest(MYSQL *mysql, MysqlPosition *position, Error *error) MUST_CHECK;
/* MariaDB: the GTIDs before a file and offset; left unknown where the server cannot say. */
void mysql_server_gtids_at(MYSQL *mysql, const MysqlServer *server, MysqlPosition *position);

#endif
