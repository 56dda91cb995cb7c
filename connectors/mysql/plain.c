/* Connecting to a table, waiting for answers, rows into batches. */
#include "connectors/mysql/plain.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

/* How often who waits for an answer looks whether to give up. */
#define LOOK_EVERY_MS 100

/* --------------------------------------------------------------------- options */

static bool bad_url(const Option *url, Error *error)
{
    error_set(error, ERROR_OPTION, "option \"url\" has the value \"%s\"", url->value);
    error_hint(error, "Write jdbc:mysql://host:3306/database or jdbc:mariadb://host/database, "
                      "without parameters; TLS has options of its own.");
    return option_error_at(url, error);
}

/* jdbc:mysql://host[:port]/database */
static bool read_url(const Option *url, Arena *arena, MysqlPlace *place, Error *error)
{
    static const char *const schemes[] = {"jdbc:mysql://", "jdbc:mariadb://", "mysql://",
                                          "mariadb://"};
    const char *at = NULL;
    for (size_t i = 0; i < array_count(schemes) && at == NULL; i++)
        if (strncmp(url->value, schemes[i], strlen(schemes[i])) == 0)
            at = url->value + strlen(schemes[i]);
    const char *slash = at == NULL ? NULL : strchr(at, '/');
    if (slash == NULL || slash == at || slash[1] == '\0' || strpbrk(slash + 1, "/?") != NULL)
        return bad_url(url, error);
    const char *colon = memchr(at, ':', (size_t)(slash - at));
    const char *host_end = colon == NULL ? slash : colon;
    if (host_end == at)
        return bad_url(url, error);
    place->address.host = arena_str(arena, (Str){at, (size_t)(host_end - at)});
    place->database = arena_strdup(arena, slash + 1);
    if (colon == NULL)
        return true;
    char *end;
    unsigned long port = strtoul(colon + 1, &end, 10);
    if (end != slash || port < 1 || port > 65535)
        return bad_url(url, error);
    place->address.port = (uint32_t)port;
    return true;
}

bool mysql_place_of(const Options *options, Arena *arena, MysqlPlace *place, Error *error)
{
    *place = (MysqlPlace){
        .address = mysql_address_of(options, mysql_plain_options),
        .database = option_text(options, mysql_plain_options, "database-name"),
        .table = option_text(options, mysql_plain_options, "table-name"),
    };
    const Option *url = options_find(options, "url");
    if (url == NULL && (place->address.host == NULL || place->database == NULL)) {
        error_set(error, ERROR_OPTION, "option \"%s\" is missing for connector \"mysql\"",
                  place->address.host == NULL ? "hostname" : "database-name");
        return error_hint(error, "Give \"hostname\" and \"database-name\", or \"url\".");
    }
    if (url == NULL)
        return true;
    static const char *const others[] = {"hostname", "port", "database-name"};
    for (size_t i = 0; i < array_count(others); i++)
        if (options_find(options, others[i]) != NULL) {
            error_set(error, ERROR_OPTION, "options \"url\" and \"%s\" say the same", others[i]);
            error_hint(error, "Leave one of them out.");
            return option_error_at(url, error);
        }
    return read_url(url, arena, place, error);
}

/* ------------------------------------------------------------------ connecting */

bool mysql_plain_init(MysqlPlain *plain, const ScanInfo *scan, const TimeZone *zone, Error *error)
{
    *plain = (MysqlPlain){.scan = scan, .zone = zone, .arena = arena_new(1024)};
    const Options *options = scan->table->options;
    const char *server_zone = option_text(options, mysql_plain_options, "server-time-zone");
    bool good = mysql_place_of(options, plain->arena, &plain->place, error);
    if (good && server_zone != NULL) {
        plain->zone = time_zone_open(plain->arena, server_zone, error);
        good = plain->zone != NULL;
    }
    if (!good) {
        arena_free(plain->arena);
        plain->arena = NULL;
    }
    return good;
}

void mysql_plain_disconnect(MysqlPlain *plain)
{
    mysql_connection_close(plain->mysql);
    plain->mysql = NULL;
    arena_free(plain->schema_arena);
    plain->schema_arena = NULL;
    plain->schema = NULL;
}

void mysql_plain_deinit(MysqlPlain *plain)
{
    mysql_plain_disconnect(plain);
    arena_free(plain->arena);
}

bool mysql_plain_error(MysqlPlain *plain, const char *doing, Error *error)
{
    mysql_connection_error(plain->mysql, doing, error);
    if (error != NULL && error->code == ERROR_ACCESS)
        error_hint(error, "Check \"username\" and \"password\", and that the user has the SELECT "
                          "privilege on the table.");
    return false;
}

static bool no_column(const MysqlPlain *plain, const char *name, Error *error)
{
    const char *names[1024];
    size_t count = 0;
    for (uint32_t i = 0; i < plain->schema->column_count && count < array_count(names); i++)
        names[count++] = plain->schema->columns[i].name;
    error_set(error, ERROR_SCHEMA, "table \"%s.%s\" has no column \"%s\"", plain->place.database,
              plain->place.table, name);
    const char *nearest = str_nearest(name, names, count);
    if (nearest != NULL)
        error_hint(error, "Did you mean \"%s\"?", nearest);
    return false;
}

static bool check_columns(MysqlPlain *plain, Error *error)
{
    const ScanInfo *scan = plain->scan;
    plain->columns = arena_new_array(plain->schema_arena, uint32_t, scan->column_count + 1);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        const Column *column = &scan->table->physical->columns[scan->columns[i]];
        int32_t found = mysql_table_find(plain->schema, column->name);
        if (found < 0)
            return no_column(plain, column->name, error);
        plain->columns[i] = (uint32_t)found;
        if (!mysql_type_check(&plain->schema->columns[found], column->type, error))
            return error_prefix(error, "table \"%s.%s\": ", plain->place.database,
                                plain->place.table);
    }
    return true;
}

bool mysql_plain_connect(MysqlPlain *plain, Error *error)
{
    plain->mysql = mysql_connection_open(&plain->place.address, error);
    if (plain->mysql == NULL) {
        if (error->code == ERROR_ACCESS && error->hint[0] != '\0' &&
            strstr(error->hint, "REPLICATION") != NULL)
            error_hint(error, "Check \"username\" and \"password\".");
        return false;
    }
    plain->schema_arena = arena_new(4096);
    plain->schema = mysql_table_load(plain->mysql, plain->place.database, plain->place.table,
                                     plain->schema_arena, error);
    if (plain->schema != NULL && check_columns(plain, error))
        return true;
    mysql_plain_disconnect(plain);
    return false;
}

/* --------------------------------------------------------------------- asking */

void mysql_plain_select(const MysqlPlain *plain, const char *more, Buffer *sql)
{
    buffer_append_text(sql, "SELECT ");
    const char *separator = "";
    for (uint32_t i = 0; i < plain->scan->column_count; i++) {
        buffer_append_text(sql, separator);
        mysql_column_select(&plain->schema->columns[plain->columns[i]], sql);
        separator = ", ";
    }
    if (more != NULL && more[0] != '\0')
        buffer_printf(sql, "%s%s", separator, more);
    else if (plain->scan->column_count == 0)
        buffer_append_text(sql, "1");
    buffer_append_text(sql, " FROM ");
    mysql_append_quoted(sql, plain->place.database);
    buffer_append_char(sql, '.');
    mysql_append_quoted(sql, plain->place.table);
}

bool mysql_plain_ask(MysqlPlain *plain, const Buffer *sql, Error *error)
{
    if (mysql_send_query(plain->mysql, sql->data, (unsigned long)sql->length) != 0)
        return mysql_plain_error(plain, "query the server", error);
    struct pollfd answer = {.fd = (int)mysql_get_socket(plain->mysql), .events = POLLIN};
    while (poll(&answer, 1, LOOK_EVERY_MS) == 0)
        if (plain->stopped != NULL && plain->stopped(plain->stopped_to)) {
            mysql_plain_disconnect(plain);
            return error_set(error, ERROR_CANCELLED, "the job is being cancelled");
        }
    return mysql_read_query_result(plain->mysql) == 0 ||
           mysql_plain_error(plain, "query the server", error);
}

bool mysql_plain_store(const MysqlPlain *plain, MYSQL_ROW row, const unsigned long *lengths,
                       Batch *batch, Error *error)
{
    for (uint32_t i = 0; i < plain->scan->column_count; i++) {
        const MysqlColumn *column = &plain->schema->columns[plain->columns[i]];
        MysqlValue value = {.kind = VALUE_NULL};
        if ((row[i] != NULL &&
             !mysql_value_parse(column, (Str){row[i], lengths[i]}, &value, error)) ||
            !mysql_value_store(column, &value, plain->zone, &batch->columns[i], batch->row_count,
                               batch->arena, error))
            return error_prefix(error, "table \"%s.%s\": ", plain->place.database,
                                plain->place.table);
    }
    batch->row_count++;
    return true;
}
