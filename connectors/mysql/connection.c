/* Connections to MySQL and MariaDB, and what their errors mean for a job.
 *
 * Source of the error numbers: the servers' error reference; 2000 and above are the client
 * library's. */
#include "connectors/mysql/address.h"

#include <errmsg.h>
#include <inttypes.h>
#include <mysqld_error.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "core/arena.h"
#include "core/str.h"

/* ------------------------------------------------------------------ errors */

/* Numbers of newer servers that the client library's headers do not name. */
enum {
    NUMBER_STATEMENT_TIMEOUT_MARIADB = 1969,
    NUMBER_OFFLINE_MODE = 3032,
    NUMBER_STATEMENT_TIMEOUT_MYSQL = 3024,
    NUMBER_SERVER_NOT_AVAILABLE = 3168,
    NUMBER_CLIENT_TIMEOUT = 4031
};

/* The other side cannot be reached or went away: down, starting, shutting down, or it ended the
 * connection. */
static bool is_away(unsigned int number)
{
    switch (number) {
    case CR_CONNECTION_ERROR:
    case CR_CONN_HOST_ERROR:
    case CR_UNKNOWN_HOST: /* a name server may be away, and names come and go with containers */
    case CR_SERVER_GONE_ERROR:
    case CR_SERVER_LOST:
    case CR_SERVER_LOST_EXTENDED:
    case CR_SERVER_HANDSHAKE_ERR:
    case CR_IPSOCK_ERROR:
    case ER_SERVER_SHUTDOWN:
    case ER_NORMAL_SHUTDOWN:
    case ER_ABORTING_CONNECTION:
    case ER_NEW_ABORTING_CONNECTION:
    case ER_NET_READ_ERROR:
    case ER_NET_READ_INTERRUPTED:
    case ER_NET_ERROR_ON_WRITE:
    case ER_NET_WRITE_INTERRUPTED:
    case ER_CONNECTION_KILLED:
    case ER_QUERY_INTERRUPTED:
    case NUMBER_OFFLINE_MODE:
    case NUMBER_SERVER_NOT_AVAILABLE:
    case NUMBER_CLIENT_TIMEOUT:
        return true;
    default:
        return false;
    }
}

/* Others hold what is needed, for now. */
static bool is_busy(unsigned int number)
{
    switch (number) {
    case ER_CON_COUNT_ERROR:
    case ER_TOO_MANY_USER_CONNECTIONS:
    case ER_USER_LIMIT_REACHED:
    case ER_CANT_CREATE_THREAD:
    case ER_OUTOFMEMORY:
    case ER_OUT_OF_RESOURCES:
    case ER_LOCK_WAIT_TIMEOUT:
    case ER_LOCK_DEADLOCK:
    case ER_TABLE_DEF_CHANGED:
    case NUMBER_STATEMENT_TIMEOUT_MARIADB:
    case NUMBER_STATEMENT_TIMEOUT_MYSQL:
        return true;
    default:
        return false;
    }
}

/* A handshake that broke off may succeed later; a certificate that does not fit will not. */
static ErrorCode classify_tls(const char *text)
{
    return strcasestr(text, "certificate") != NULL || strcasestr(text, "not support") != NULL
               ? ERROR_ACCESS
               : ERROR_NETWORK;
}

ErrorCode mysql_error_class(unsigned int number, const char *text)
{
    if (is_away(number))
        return ERROR_NETWORK;
    if (is_busy(number))
        return ERROR_BUSY;
    switch (number) {
    case CR_SSL_CONNECTION_ERROR:
        return classify_tls(text);
    case ER_ACCESS_DENIED_ERROR:
    case ER_DBACCESS_DENIED_ERROR:
    case ER_TABLEACCESS_DENIED_ERROR:
    case ER_COLUMNACCESS_DENIED_ERROR:
    case ER_SPECIFIC_ACCESS_DENIED_ERROR:
    case ER_HOST_NOT_PRIVILEGED:
    case ER_HOST_IS_BLOCKED:
    case ER_NOT_SUPPORTED_AUTH_MODE:
        return ERROR_ACCESS;
    case ER_MASTER_FATAL_ERROR_READING_BINLOG:
        return ERROR_POSITION;
    case ER_NO_SUCH_TABLE:
    case ER_BAD_FIELD_ERROR:
        return ERROR_SCHEMA;
    default:
        return ERROR_IO;
    }
}

int64_t mysql_retry_delay_ms(uint32_t tries)
{
    return INT64_C(500) << (tries > 3 ? 3 : tries);
}

bool mysql_connection_error(MYSQL *mysql, const char *doing, Error *error)
{
    unsigned int number = mysql_errno(mysql);
    ErrorCode code = mysql_error_class(number, mysql_error(mysql));
    error_set(error, code, "could not %s: %s", doing, mysql_error(mysql));
    error_detail(error, "The server's error number is %u.", number);
    if (number == ER_SPECIFIC_ACCESS_DENIED_ERROR)
        error_hint(error, "Grant the missing privilege to the user: change capture needs SELECT, "
                          "REPLICATION SLAVE, REPLICATION CLIENT and, on MySQL, RELOAD.");
    else if (code == ERROR_ACCESS)
        error_hint(error, "Check \"username\" and \"password\", and the user's grants: SELECT, "
                          "REPLICATION SLAVE, REPLICATION CLIENT and, on MySQL, RELOAD.");
    return false;
}

/* -------------------------------------------------------------- connecting */

static bool is_socket(const MysqlAddress *address)
{
    return address->host[0] == '/';
}

/* A handle with every option set, not yet connected. */
static MYSQL *make_handle(const MysqlAddress *address, bool encrypt, bool verify)
{
    MYSQL *mysql = mysql_init(NULL);
    if (mysql == NULL)
        memory_exhausted(sizeof(MYSQL));
    unsigned int seconds = (unsigned int)((address->connect_timeout_ms + 999) / 1000);
    unsigned int read_seconds = 3600;
    unsigned long packet_max = 1UL << 30;
    /* "localhost" must not mean a socket that the user did not name. */
    unsigned int protocol = is_socket(address) ? MYSQL_PROTOCOL_SOCKET : MYSQL_PROTOCOL_TCP;
    my_bool yes = 1;
    mysql_optionsv(mysql, MYSQL_OPT_CONNECT_TIMEOUT, &seconds);
    mysql_optionsv(mysql, MYSQL_OPT_READ_TIMEOUT, &read_seconds);
    mysql_optionsv(mysql, MYSQL_OPT_MAX_ALLOWED_PACKET, &packet_max);
    mysql_optionsv(mysql, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    mysql_optionsv(mysql, MYSQL_OPT_PROTOCOL, &protocol);
    if (!encrypt)
        return mysql;
    if (address->tls_ca != NULL)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CA, address->tls_ca);
    if (address->tls_cert != NULL)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_CERT, address->tls_cert);
    if (address->tls_key != NULL)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_KEY, address->tls_key);
    mysql_optionsv(mysql, MYSQL_OPT_SSL_ENFORCE, &yes);
    if (verify)
        mysql_optionsv(mysql, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &yes);
    return mysql;
}

/* Tries once; NULL with the error and the client library's number for it. */
static MYSQL *connect_once(const MysqlAddress *address, bool encrypt, bool verify,
                           unsigned int *number, Error *error)
{
    MYSQL *mysql = make_handle(address, encrypt, verify);
    const char *host = is_socket(address) ? NULL : address->host;
    const char *path = is_socket(address) ? address->host : NULL;
    if (mysql_real_connect(mysql, host, address->user, address->password, NULL, address->port, path,
                           0) != NULL)
        return mysql;
    *number = mysql_errno(mysql);
    mysql_connection_error(mysql, "connect to the server", error);
    if (*number == CR_SSL_CONNECTION_ERROR)
        error_hint(error, "Check \"tls.mode\", \"tls.ca\" and the server's certificate.");
    else if (is_away(*number))
        error_hint(error,
                   "Check \"hostname\" and \"port\" (%s:%" PRIu32 ") and that the server runs.",
                   address->host, address->port);
    mysql_close(mysql);
    return NULL;
}

/* Encrypted where the mode asks for it; "preferred" goes on in clear text with a server that speaks
 * no TLS this client accepts. A socket needs none. */
static MYSQL *connect_by_mode(const MysqlAddress *address, Error *error)
{
    const char *mode = address->tls_mode == NULL ? "preferred" : address->tls_mode;
    bool preferred = text_equal_nocase(mode, "preferred");
    bool verify = text_equal_nocase(mode, "verify-full");
    unsigned int number = 0;
    if (text_equal_nocase(mode, "disabled") || (preferred && is_socket(address)))
        return connect_once(address, false, false, &number, error);
    MYSQL *mysql = connect_once(address, true, verify, &number, error);
    /* The client library goes on in clear text where the server has no TLS at all. */
    if (mysql != NULL && !preferred && mysql_get_ssl_cipher(mysql) == NULL) {
        mysql_close(mysql);
        error_set(error, ERROR_ACCESS, "could not connect to the server: it does not offer TLS");
        error_hint(error, "Set up a certificate on the server, or allow clear text with "
                          "\"tls.mode\" = 'preferred'.");
        return NULL;
    }
    if (mysql != NULL || !preferred || number != CR_SSL_CONNECTION_ERROR)
        return mysql;
    error_clear(error);
    return connect_once(address, false, false, &number, error);
}

MysqlAddress mysql_address_of(const Options *options, const OptionSpec *specs)
{
    return (MysqlAddress){
        .host = option_text(options, specs, "hostname"),
        .port = (uint32_t)option_integer(options, specs, "port"),
        .user = option_text(options, specs, "username"),
        .password = option_text(options, specs, "password"),
        .connect_timeout_ms = option_duration_ms(options, specs, "connect.timeout"),
        .tls_mode = option_text(options, specs, "tls.mode"),
        .tls_ca = option_text(options, specs, "tls.ca"),
        .tls_cert = option_text(options, specs, "tls.certificate"),
        .tls_key = option_text(options, specs, "tls.key"),
    };
}

MYSQL *mysql_connection_open(const MysqlAddress *address, Error *error)
{
    MYSQL *mysql = connect_by_mode(address, error);
    if (mysql == NULL)
        return NULL;
    if (!mysql_connection_run(mysql, "SET time_zone='+00:00'", error) ||
        !mysql_connection_run(mysql,
                              "SET SESSION sql_mode='', wait_timeout=86400, "
                              "net_write_timeout=3600, net_read_timeout=3600",
                              error)) {
        mysql_close(mysql);
        return NULL;
    }
    return mysql;
}

void mysql_connection_close(MYSQL *mysql)
{
    if (mysql != NULL)
        mysql_close(mysql);
}

void mysql_connection_cut(MYSQL *mysql)
{
    shutdown((int)mysql_get_socket(mysql), SHUT_RDWR);
}

bool mysql_connection_run(MYSQL *mysql, const char *sql, Error *error)
{
    if (mysql_real_query(mysql, sql, (unsigned long)strlen(sql)) != 0)
        return mysql_connection_error(mysql, "run a statement on the server", error);
    MYSQL_RES *result = mysql_store_result(mysql);
    if (result != NULL)
        mysql_free_result(result);
    return true;
}

MYSQL_RES *mysql_connection_query(MYSQL *mysql, const char *sql, Error *error)
{
    MYSQL_RES *result = NULL;
    if (mysql_real_query(mysql, sql, (unsigned long)strlen(sql)) == 0)
        result = mysql_store_result(mysql);
    if (result == NULL)
        mysql_connection_error(mysql, "query the server", error);
    return result;
}

/* -------------------------------------------------------------- the server */

/* The first row's first value, in a buffer of the caller; "" when there is none. */
static bool query_value(MYSQL *mysql, const char *sql, uint32_t column, Buffer *out, Error *error)
{
    buffer_clear(out);
    MYSQL_RES *result = mysql_connection_query(mysql, sql, error);
    if (result == NULL)
        return false;
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row != NULL && column < mysql_num_fields(result) && row[column] != NULL)
        buffer_append_text(out, row[column]);
    mysql_free_result(result);
    return true;
}

bool mysql_server_inspect(MYSQL *mysql, MysqlServer *server, Error *error)
{
    Buffer text = {0};
    memset(server, 0, sizeof(*server));
    bool good = query_value(mysql, "SELECT VERSION()", 0, &text, error);
    snprintf(server->version_text, sizeof(server->version_text), "%s", buffer_text(&text));
    server->mariadb = strstr(server->version_text, "MariaDB") != NULL;
    unsigned int major = 0, minor = 0, patch = 0;
    if (sscanf(server->version_text, "%u.%u.%u", &major, &minor, &patch) >= 2)
        server->version = major * 10000 + minor * 100 + patch;
    good = good && query_value(mysql, "SELECT @@server_id", 0, &text, error);
    server->server_id = strtoull(buffer_text(&text), NULL, 10);
    if (good && !server->mariadb) {
        good = query_value(mysql, "SELECT @@server_uuid", 0, &text, error);
        snprintf(server->uuid, sizeof(server->uuid), "%s", buffer_text(&text));
        good = good && query_value(mysql, "SELECT @@gtid_mode", 0, &text, error);
        server->gtids = text_equal_nocase(buffer_text(&text), "ON");
    }
    if (server->mariadb)
        server->gtids = true;
    good = good && query_value(mysql, "SHOW STATUS LIKE 'binlog_snapshot_file'", 0, &text, error);
    server->exact_snapshot = text.length > 0;
    buffer_deinit(&text);
    return good;
}

static bool check_variable(MYSQL *mysql, const char *name, const char *wanted, const char *hint,
                           Error *error)
{
    Buffer text = {0};
    char sql[128];
    snprintf(sql, sizeof(sql), "SHOW GLOBAL VARIABLES LIKE '%s'", name);
    bool good = query_value(mysql, sql, 1, &text, error);
    /* A server that does not know the variable always behaves as wanted. */
    if (good && text.length > 0 && !text_equal_nocase(buffer_text(&text), wanted)) {
        error_set(error, ERROR_UNSUPPORTED, "the server has %s=%s, change capture needs %s", name,
                  buffer_text(&text), wanted);
        error_hint(error, "%s", hint);
        good = false;
    }
    buffer_deinit(&text);
    return good;
}

bool mysql_server_check(MYSQL *mysql, const MysqlServer *server, Error *error)
{
    if (server->version < 50600) {
        error_set(error, ERROR_UNSUPPORTED, "the server's version %s is too old",
                  server->version_text);
        return error_hint(error, "MySQL 5.6 or later and MariaDB 10.0 or later are read.");
    }
    return check_variable(mysql, "log_bin", "ON",
                          "Start the server with log_bin and a server_id: without a binlog it "
                          "keeps no changes.",
                          error) &&
           check_variable(mysql, "binlog_format", "ROW",
                          "Run SET GLOBAL binlog_format=ROW and set it in the server's "
                          "configuration; open sessions keep their old setting.",
                          error) &&
           check_variable(mysql, "binlog_row_image", "FULL",
                          "Run SET GLOBAL binlog_row_image=FULL and set it in the server's "
                          "configuration; open sessions keep their old setting.",
                          error);
}

void mysql_server_gtids_at(MYSQL *mysql, const MysqlServer *server, MysqlPosition *position)
{
    if (!server->mariadb)
        return;
    Buffer sql = {0};
    Buffer text = {0};
    buffer_printf(&sql, "SELECT BINLOG_GTID_POS('%s', %" PRIu64 ")", position->file,
                  position->offset);
    if (query_value(mysql, buffer_text(&sql), 0, &text, NULL) && text.length > 0 &&
        !gtid_set_parse(&position->gtids, GTID_MARIADB, (Str){text.data, text.length}, NULL))
        gtid_set_deinit(&position->gtids);
    buffer_deinit(&sql);
    buffer_deinit(&text);
}

bool mysql_server_position(MYSQL *mysql, const MysqlServer *server, MysqlPosition *position,
                           Error *error)
{
    bool renamed = !server->mariadb && server->version >= 80200;
    MYSQL_RES *result = mysql_connection_query(
        mysql, renamed ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS", error);
    if (result == NULL) {
        if (error != NULL && error->code == ERROR_ACCESS)
            error_hint(error, "Grant REPLICATION CLIENT (on MariaDB also BINLOG MONITOR) to the "
                              "user.");
        return false;
    }
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row == NULL || row[0] == NULL || row[1] == NULL) {
        mysql_free_result(result);
        error_set(error, ERROR_UNSUPPORTED, "the server writes no binlog");
        return error_hint(error, "Start it with log_bin and a server_id.");
    }
    snprintf(position->file, sizeof(position->file), "%s", row[0]);
    position->offset = strtoull(row[1], NULL, 10);
    gtid_set_deinit(&position->gtids);
    bool good = true;
    if (!server->mariadb && server->gtids && mysql_num_fields(result) >= 5 && row[4] != NULL)
        good = gtid_set_parse(&position->gtids, GTID_MYSQL, str_of(row[4]), error);
    mysql_free_result(result);
    return good;
}

bool mysql_server_earliest(MYSQL *mysql, MysqlPosition *position, Error *error)
{
    Buffer text = {0};
    bool good = query_value(mysql, "SHOW BINARY LOGS", 0, &text, error);
    gtid_set_deinit(&position->gtids);
    snprintf(position->file, sizeof(position->file), "%s", buffer_text(&text));
    position->offset = 4;
    if (good && text.length == 0)
        good = error_set(error, ERROR_UNSUPPORTED, "the server writes no binlog");
    buffer_deinit(&text);
    return good;
}
