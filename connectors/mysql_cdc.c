/* The connector `mysql-cdc`: options, metadata columns and what they mean.
 *
 * Names and meanings of options follow Flink CDC's connector of the same name, which documents
 * them; what its options say about another way of reading is in mysql/foreign_options.c. */
#include "connectors/mysql_cdc.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

#define NO_EFFECT "Taken from job files of Flink CDC; has no effect here, which a notice says."

const OptionSpec mysql_cdc_options[] = {
    {.name = "connector", .type = OPTION_TEXT, .required = true, .doc = "mysql-cdc."},
    {.name = "hostname",
     .type = OPTION_TEXT,
     .required = true,
     .doc = "Name or address of the server, or the path of its socket."},
    MYSQL_ADDRESS_OPTIONS,
    {.name = "database-name",
     .type = OPTION_TEXT,
     .required = true,
     .doc = "Database, or a regular expression for several."},
    {.name = "table-name",
     .type = OPTION_TEXT,
     .required = true,
     .doc = "Table, or a regular expression for several with the declared columns."},
    {.name = "server-id",
     .type = OPTION_TEXT,
     .doc = "Number, or range as 5400-5408, by which the server knows the reader; default random."},
    {.name = "scan.startup.mode",
     .type = OPTION_ENUM,
     .fallback = "initial",
     .values = "initial|earliest-offset|latest-offset|specific-offset|timestamp|snapshot",
     .doc = "What to read first: what is there and then changes, changes from a place on, or only "
            "what is there."},
    {.name = "scan.startup.specific-offset.file",
     .type = OPTION_TEXT,
     .doc = "Binlog file to start from."},
    {.name = "scan.startup.specific-offset.pos",
     .type = OPTION_INTEGER,
     .minimum = 4,
     .maximum = UINT32_MAX,
     .doc = "Offset in the file to start from."},
    {.name = "scan.startup.specific-offset.gtid-set",
     .type = OPTION_TEXT,
     .doc = "GTID set (MySQL) or position (MariaDB) behind which to start."},
    {.name = "scan.startup.specific-offset.skip-events",
     .type = OPTION_INTEGER,
     .minimum = 0,
     .maximum = INT64_MAX,
     .doc = "Events of the first transaction to pass over, its BEGIN being the first."},
    {.name = "scan.startup.specific-offset.skip-rows",
     .type = OPTION_INTEGER,
     .minimum = 0,
     .maximum = INT64_MAX,
     .doc = "Changes of the first event with rows, behind the events passed over, to pass over."},
    {.name = "scan.startup.timestamp-millis",
     .type = OPTION_INTEGER,
     .minimum = 0,
     .maximum = INT64_C(4294967295000),
     .doc = "Milliseconds since 1970 to start from; the binlog knows whole seconds."},
    {.name = "scan.incremental.snapshot.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "true",
     .doc = "Whether a chunk size ends a part of the snapshot; false: it is one consistent read of "
            "all tables."},
    {.name = "scan.incremental.snapshot.chunk.size",
     .type = OPTION_INTEGER,
     .fallback = "0",
     .minimum = 0,
     .maximum = INT64_MAX,
     .doc = "Rows of a table read in one transaction, so that the server keeps no old versions of "
            "rows for long; 0: all."},
    {.name = "scan.incremental.snapshot.chunk.key-column",
     .type = OPTION_TEXT,
     .doc = "Column to read by instead of the primary or a unique key; its values may repeat."},
    {.name = "use.legacy.json.format",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether JSON of MySQL is given without spaces; else it is the server's own text."},
    {.name = "scan.snapshot.fetch.size", .type = OPTION_INTEGER, .doc = NO_EFFECT},
    {.name = "scan.incremental.snapshot.backfill.skip", .type = OPTION_BOOLEAN, .doc = NO_EFFECT},
    {.name = "scan.incremental.snapshot.unbounded-chunk-first.enabled",
     .type = OPTION_BOOLEAN,
     .doc = NO_EFFECT},
    {.name = "scan.incremental.close-idle-reader.enabled",
     .type = OPTION_BOOLEAN,
     .doc = NO_EFFECT},
    {.name = "scan.parse.online.schema.changes.enabled", .type = OPTION_BOOLEAN, .doc = NO_EFFECT},
    {.name = "connection.pool.size", .type = OPTION_INTEGER, .doc = NO_EFFECT},
    {.name = "chunk-meta.group.size", .type = OPTION_INTEGER, .doc = NO_EFFECT},
    {.name = "chunk-key.even-distribution.factor.upper-bound",
     .type = OPTION_DOUBLE,
     .doc = NO_EFFECT},
    {.name = "chunk-key.even-distribution.factor.lower-bound",
     .type = OPTION_DOUBLE,
     .doc = NO_EFFECT},
    {.name = "debezium.*",
     .type = OPTION_TEXT,
     .doc = "Property of Debezium, where it has a meaning here; others are refused."},
    {.name = "jdbc.properties.*",
     .type = OPTION_TEXT,
     .doc = "Property of the JDBC driver, where it has a meaning here; others are refused."},
    {.name = "scan.newly-added-table.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether a restored job takes a snapshot of tables that match since."},
    {.name = "scan.read-changelog-as-append-only.enabled",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Whether every change is given as an insertion; see the metadata column row_kind."},
    {.name = "connect.max-retries",
     .type = OPTION_INTEGER,
     .fallback = "3",
     .minimum = 0,
     .maximum = 1000000,
     .doc = "Tries to connect again, at the start and after a connection was lost, with growing "
            "pauses; then the job's restart strategy decides."},
    {.name = "heartbeat.interval",
     .type = OPTION_DURATION,
     .fallback = "30 s",
     .minimum = 0,
     .maximum = 3600000,
     .doc = "How often an idle server speaks, which also moves the position; 0: seldom."},
    {.name = NULL},
};

StartMode mysql_cdc_start_mode(const Options *options)
{
    static const struct {
        const char *name;
        StartMode mode;
    } modes[] = {
        {"initial", START_INITIAL},      {"earliest-offset", START_EARLIEST},
        {"latest-offset", START_LATEST}, {"specific-offset", START_SPECIFIC},
        {"timestamp", START_TIMESTAMP},  {"snapshot", START_SNAPSHOT},
    };
    const char *text = mysql_foreign_startup(options);
    if (text == NULL)
        text = option_text(options, mysql_cdc_options, "scan.startup.mode");
    for (size_t i = 0; i < array_count(modes); i++) {
        if (text_equal_nocase(text, modes[i].name))
            return modes[i].mode;
    }
    return START_INITIAL;
}

/* ------------------------------------------------------------------- checking */

static bool check_server_id(const Option *option, Error *error)
{
    char *end = NULL;
    unsigned long long first = strtoull(option->value, &end, 10);
    unsigned long long last = first;
    bool good = end != option->value && option->value[0] != '-';
    if (good && *end == '-') {
        const char *second = end + 1;
        last = strtoull(second, &end, 10);
        good = end != second;
    }
    if (good && *end == '\0' && first >= 1 && last <= UINT32_MAX && first <= last)
        return true;
    error_set(error, ERROR_OPTION, "option \"server-id\" has the value \"%s\"", option->value);
    error_hint(error, "Write a number from 1 to 4294967295 or a range such as 5400-5408.");
    return option_error_at(option, error);
}

static bool check_start(const TableInfo *table, Error *error)
{
    const Options *options = table->options;
    StartMode mode = mysql_cdc_start_mode(options);
    const Option *file = options_find(options, "scan.startup.specific-offset.file");
    const Option *offset = options_find(options, "scan.startup.specific-offset.pos");
    const Option *gtids = options_find(options, "scan.startup.specific-offset.gtid-set");
    const Option *timestamp = options_find(options, "scan.startup.timestamp-millis");
    const Option *skip = options_find(options, "scan.startup.specific-offset.skip-events");
    if (skip == NULL)
        skip = options_find(options, "scan.startup.specific-offset.skip-rows");
    if (mode == START_SPECIFIC) {
        if (gtids == NULL && (file == NULL || offset == NULL)) {
            error_set(error, ERROR_OPTION, "start mode \"specific-offset\" needs a place to start");
            return error_hint(error, "Give \"scan.startup.specific-offset.gtid-set\", or both "
                                     "\"scan.startup.specific-offset.file\" and "
                                     "\"scan.startup.specific-offset.pos\".");
        }
        if (gtids != NULL && gtid_text_flavour(str_of(gtids->value)) == GTID_NONE &&
            str_trim(str_of(gtids->value)).length > 0) {
            error_set(error, ERROR_OPTION, "invalid GTID set \"%s\"", gtids->value);
            error_hint(error, "Write a MySQL set as 3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5 or a "
                              "MariaDB position as 0-1-100.");
            return option_error_at(gtids, error);
        }
    } else if (file != NULL || offset != NULL || gtids != NULL || skip != NULL) {
        const Option *given = file != NULL     ? file
                              : offset != NULL ? offset
                              : gtids != NULL  ? gtids
                                               : skip;
        error_set(error, ERROR_OPTION, "option \"%s\" has no meaning in this start mode",
                  given->key);
        error_hint(error, "Set \"scan.startup.mode\" to 'specific-offset'.");
        return option_error_at_key(given, error);
    }
    if ((mode == START_TIMESTAMP) == (timestamp != NULL))
        return true;
    error_set(error, ERROR_OPTION,
              "start mode \"timestamp\" and option "
              "\"scan.startup.timestamp-millis\" go together");
    return timestamp == NULL ? false : option_error_at_key(timestamp, error);
}

static bool check(const TableInfo *table, Error *error)
{
    const Option *server_id = options_find(table->options, "server-id");
    if (server_id != NULL && !check_server_id(server_id, error))
        return false;
    if (!mysql_foreign_check(table->options, error) || !check_start(table, error))
        return false;
    Arena *arena = arena_new(1024);
    const TablePattern *pattern =
        table_pattern_new(arena, option_text(table->options, mysql_cdc_options, "database-name"),
                          option_text(table->options, mysql_cdc_options, "table-name"), error);
    arena_free(arena);
    return pattern != NULL;
}

/* ------------------------------------------------------------------- properties */

static const Type type_string_not_null = {.kind = TYPE_VARCHAR,
                                          .physical = PHYSICAL_STRING,
                                          .nullable = false,
                                          .length = TYPE_LENGTH_MAX};
static const Type type_op_ts = {
    .kind = TYPE_TIMESTAMP_LTZ, .physical = PHYSICAL_I64, .nullable = false, .precision = 3};
static const Type type_offset = {.kind = TYPE_BIGINT, .physical = PHYSICAL_I64, .nullable = false};

static const MetadataColumn metadata[] = {
    [META_TABLE_NAME] = {"table_name", &type_string_not_null, "Name of the row's table."},
    [META_DATABASE_NAME] = {"database_name", &type_string_not_null, "Name of its database."},
    [META_OP_TS] = {"op_ts", &type_op_ts,
                    "When the change was made; 1970-01-01 for rows of the snapshot."},
    [META_ROW_KIND] = {"row_kind", &type_string_not_null, "Kind of the change: +I, -U, +U or -D."},
    [META_GTID] = {"gtid", &type_string, "Identity of the change's transaction, if it has one."},
    [META_BINLOG_FILE] = {"binlog_file", &type_string_not_null,
                          "Binlog file of the change's transaction, or of the snapshot."},
    [META_BINLOG_POS] = {"binlog_pos", &type_offset,
                         "Where in the file the transaction begins, or the snapshot was taken."},
    {NULL, NULL, NULL},
};

static ChangeKinds source_kinds(const TableInfo *table)
{
    bool append_only = option_boolean(table->options, mysql_cdc_options,
                                      "scan.read-changelog-as-append-only.enabled");
    return append_only ? CHANGES_INSERT_ONLY : CHANGES_ALL;
}

static bool is_bounded(const TableInfo *table)
{
    return mysql_cdc_start_mode(table->options) == START_SNAPSHOT;
}

const char *mysql_cdc_share_key(const TableInfo *table, Arena *arena)
{
    /* Everything that one connection can have only one of. */
    static const char *const keys[] = {
        "username",
        "hostname",
        "port",
        "server-id",
        "scan.startup.mode",
        "scan.startup.specific-offset.file",
        "scan.startup.specific-offset.pos",
        "scan.startup.specific-offset.gtid-set",
        "scan.startup.specific-offset.skip-events",
        "scan.startup.specific-offset.skip-rows",
        "scan.startup.timestamp-millis",
        "scan.incremental.snapshot.enabled",
        "scan.incremental.snapshot.chunk.size",
        "scan.newly-added-table.enabled",
        "connect.timeout",
        "connect.max-retries",
        "heartbeat.interval",
        "tls.mode",
        "tls.ca",
        "tls.certificate",
        "tls.key",
    };
    uint64_t digest = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < array_count(keys); i++) {
        const char *value = option_text(table->options, mysql_cdc_options, keys[i]);
        for (const char *p = value == NULL ? "" : value; *p != '\0'; p++)
            digest = (digest ^ (uint8_t)*p) * UINT64_C(1099511628211);
        digest = (digest ^ 0xFF) * UINT64_C(1099511628211);
    }
    mysql_foreign_digest(table->options, &digest);
    return arena_printf(arena, "mysql-cdc %s@%s:%" PRId64 " %016" PRIx64,
                        option_text(table->options, mysql_cdc_options, "username"),
                        option_text(table->options, mysql_cdc_options, "hostname"),
                        option_integer(table->options, mysql_cdc_options, "port"), digest);
}

extern const Connector connector_mysql_cdc;
const Connector connector_mysql_cdc = {
    .name = "mysql-cdc",
    .doc = "Changes of MySQL and MariaDB tables: a snapshot, then the binlog.",
    .options = mysql_cdc_options,
    .metadata = metadata,
    .check = check,
    .source = &mysql_cdc_source,
    .source_kinds = source_kinds,
    .is_bounded = is_bounded,
    .source_parallelism = 1,
    .source_blocks = true,
    .share_key = mysql_cdc_share_key,
};
