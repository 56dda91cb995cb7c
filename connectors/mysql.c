/* mysql: plain tables of MySQL and MariaDB, read once or looked up.
 *
 * Connection options have the names they have in mysql-cdc; `url` is that of JDBC. Here database
 * and table are names, not patterns. */
#include "connectors/mysql/plain.h"

const OptionSpec mysql_plain_options[] = {
    {.name = "url",
     .type = OPTION_TEXT,
     .doc =
         "Server and database as jdbc:mysql://host:3306/database, in place of hostname, port and "
         "database-name."},
    {.name = "hostname",
     .type = OPTION_TEXT,
     .doc = "Name or address of the server, or the path of its socket."},
    MYSQL_ADDRESS_OPTIONS,
    {.name = "database-name", .type = OPTION_TEXT, .doc = "Database the table is in."},
    {.name = "table-name", .type = OPTION_TEXT, .required = true, .doc = "Table on the server."},
    {.name = NULL},
};

static bool check(const TableInfo *table, Error *error)
{
    MysqlPlace place;
    Arena *arena = arena_new(512);
    bool good = mysql_place_of(table->options, arena, &place, error);
    const char *zone = option_text(table->options, mysql_plain_options, "server-time-zone");
    good = good && (zone == NULL || time_zone_open(arena, zone, error) != NULL);
    arena_free(arena);
    return good;
}

static ChangeKinds source_kinds(const TableInfo *table)
{
    return CHANGES_INSERT_ONLY;
}

static bool is_bounded(const TableInfo *table)
{
    return true;
}

extern const Connector connector_mysql;
const Connector connector_mysql = {
    .name = "mysql",
    .doc =
        "A table of MySQL or MariaDB: read once, or looked up. For its changes there is mysql-cdc.",
    .options = mysql_plain_options,
    .check = check,
    .source = &mysql_source_class,
    .source_kinds = source_kinds,
    .is_bounded = is_bounded,
    .source_parallelism = 1,
    .source_blocks = true,
    .lookup = &mysql_lookup_class,
    .lookup_by_scan = true,
};
