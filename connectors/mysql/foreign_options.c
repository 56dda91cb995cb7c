/* Options that job files written for Flink CDC carry and that are not options of this connector:
 * properties of Debezium and of the JDBC driver, and hints for a way of reading that is not the one
 * here. Each has a meaning here, or is what is done anyway, or has no effect and a notice says so,
 * or is refused with the reason. None is taken silently.
 *
 * Sources: the documentation of Flink CDC, Debezium's MySQL connector and MySQL Connector/J. */
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql_cdc.h"
#include "core/str.h"

typedef enum ForeignUse {
    USE_AS_IS,    /* the listed values are what is done; others are refused */
    USE_MAPPED,   /* read below in place of `own` */
    USE_NO_EFFECT /* the reason goes into a notice */
} ForeignUse;

typedef struct ForeignOption {
    const char *key;
    ForeignUse use;
    const char *values; /* allowed; NULL: any */
    const char *own;    /* the connector's option that says the same */
    const char *reason; /* as a sentence's end: "has no effect: …" */
} ForeignOption;

#define BY_DECLARATION "the declared type of a column decides"
#define READ_AT_ONCE   "rows and events are taken from the socket as they arrive"
#define NO_HISTORY     "no schema history is kept, tables are described in the checkpoint"
#define UTC_SESSIONS   "sessions run in UTC; \"server-time-zone\" says how TIMESTAMP is shown"
#define TEXT_IS_UTF8   "text is always converted from its column's character set to UTF-8"
#define ONE_READER     "a snapshot is read by one connection, at one position"

static const ForeignOption foreign[] = {
    /* Of the connector, for its way of reading in parallel chunks. */
    {"scan.snapshot.fetch.size", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"connection.pool.size", USE_NO_EFFECT, NULL, NULL, ONE_READER},
    {"chunk-meta.group.size", USE_NO_EFFECT, NULL, NULL, ONE_READER},
    {"chunk-key.even-distribution.factor.upper-bound", USE_NO_EFFECT, NULL, NULL,
     "chunks are counted in rows"},
    {"chunk-key.even-distribution.factor.lower-bound", USE_NO_EFFECT, NULL, NULL,
     "chunks are counted in rows"},
    {"scan.incremental.close-idle-reader.enabled", USE_NO_EFFECT, NULL, NULL, ONE_READER},
    {"scan.incremental.snapshot.unbounded-chunk-first.enabled", USE_NO_EFFECT, NULL, NULL,
     "no chunk is held in memory"},
    {"scan.incremental.snapshot.backfill.skip", USE_NO_EFFECT, NULL, NULL,
     "a snapshot needs no backfill, and is exact"},
    {"scan.parse.online.schema.changes.enabled", USE_NO_EFFECT, NULL, NULL,
     "a table that gh-ost or pt-online-schema-change puts in place is always followed"},

    {"debezium.snapshot.mode", USE_MAPPED, "initial|initial_only|schema_only|no_data|never",
     "scan.startup.mode", NULL},
    {"debezium.heartbeat.interval.ms", USE_MAPPED, NULL, "heartbeat.interval", NULL},
    {"debezium.connect.timeout.ms", USE_MAPPED, NULL, "connect.timeout", NULL},
    {"debezium.database.ssl.mode", USE_MAPPED,
     "disabled|preferred|required|verify_ca|verify_identity", "tls.mode", NULL},
    {"debezium.snapshot.locking.mode", USE_AS_IS, "none|minimal|minimal_percona", NULL,
     "a lock is held only for the moment in which a position is noted, and only where the server "
     "does not tell the position itself"},
    {"debezium.snapshot.isolation.mode", USE_AS_IS, "repeatable_read", NULL,
     "a snapshot is one consistent read"},
    {"debezium.event.deserialization.failure.handling.mode", USE_AS_IS, "fail", NULL,
     "nothing is skipped"},
    {"debezium.inconsistent.schema.handling.mode", USE_AS_IS, "fail", NULL, "nothing is skipped"},
    {"debezium.binary.handling.mode", USE_AS_IS, "bytes", NULL,
     "TO_BASE64 and HEX make text of bytes in the query"},
    {"debezium.enable.time.adjuster", USE_AS_IS, "false", NULL,
     "years are given as the server has them"},
    {"debezium.tombstones.on.delete", USE_NO_EFFECT, NULL, NULL, "a deletion is a row of kind -D"},
    {"debezium.skipped.operations", USE_AS_IS, "none|t", NULL,
     "every change of a row is given; TRUNCATE stops the job"},
    {"debezium.decimal.handling.mode", USE_NO_EFFECT, "precise|string|double", NULL,
     BY_DECLARATION},
    {"debezium.bigint.unsigned.handling.mode", USE_NO_EFFECT, "precise|long", NULL, BY_DECLARATION},
    {"debezium.time.precision.mode", USE_NO_EFFECT, NULL, NULL, BY_DECLARATION},
    {"debezium.include.schema.changes", USE_NO_EFFECT, NULL, NULL,
     "statements that change a table are not rows"},
    {"debezium.include.query", USE_NO_EFFECT, NULL, NULL, "statements are not rows"},
    {"debezium.min.row.count.to.stream.result", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"debezium.snapshot.fetch.size", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"debezium.max.batch.size", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"debezium.max.queue.size", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"debezium.max.queue.size.in.bytes", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"debezium.poll.interval.ms", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"debezium.connect.keep.alive", USE_NO_EFFECT, NULL, NULL,
     "a connection without heartbeat is opened again"},
    {"debezium.connect.keep.alive.interval.ms", USE_NO_EFFECT, NULL, NULL,
     "a connection without heartbeat is opened again"},
    {"debezium.database.history", USE_NO_EFFECT, NULL, NULL, NO_HISTORY},
    {"debezium.database.history.*", USE_NO_EFFECT, NULL, NULL, NO_HISTORY},
    {"debezium.schema.history.internal", USE_NO_EFFECT, NULL, NULL, NO_HISTORY},
    {"debezium.schema.history.internal.*", USE_NO_EFFECT, NULL, NULL, NO_HISTORY},

    {"jdbc.properties.useSSL", USE_MAPPED, "true|false", "tls.mode", NULL},
    {"jdbc.properties.requireSSL", USE_MAPPED, "true|false", "tls.mode", NULL},
    {"jdbc.properties.verifyServerCertificate", USE_MAPPED, "true|false", "tls.mode", NULL},
    {"jdbc.properties.sslMode", USE_MAPPED, "DISABLED|PREFERRED|REQUIRED|VERIFY_CA|VERIFY_IDENTITY",
     "tls.mode", NULL},
    {"jdbc.properties.connectTimeout", USE_MAPPED, NULL, "connect.timeout", NULL},
    {"jdbc.properties.zeroDateTimeBehavior", USE_AS_IS, "convertToNull|CONVERT_TO_NULL", NULL,
     "a zero date is NULL"},
    {"jdbc.properties.allowPublicKeyRetrieval", USE_NO_EFFECT, "true|false", NULL,
     "the client library does what the server's authentication asks for"},
    {"jdbc.properties.serverTimezone", USE_NO_EFFECT, NULL, NULL, UTC_SESSIONS},
    {"jdbc.properties.connectionTimeZone", USE_NO_EFFECT, NULL, NULL, UTC_SESSIONS},
    {"jdbc.properties.useUnicode", USE_NO_EFFECT, NULL, NULL, TEXT_IS_UTF8},
    {"jdbc.properties.characterEncoding", USE_NO_EFFECT, NULL, NULL, TEXT_IS_UTF8},
    {"jdbc.properties.connectionCollation", USE_NO_EFFECT, NULL, NULL, TEXT_IS_UTF8},
    {"jdbc.properties.tinyInt1isBit", USE_NO_EFFECT, NULL, NULL, BY_DECLARATION},
    {"jdbc.properties.transformedBitIsBoolean", USE_NO_EFFECT, NULL, NULL, BY_DECLARATION},
    {"jdbc.properties.yearIsDateType", USE_NO_EFFECT, NULL, NULL, BY_DECLARATION},
    {"jdbc.properties.useCursorFetch", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"jdbc.properties.defaultFetchSize", USE_NO_EFFECT, NULL, NULL, READ_AT_ONCE},
    {"jdbc.properties.socketTimeout", USE_NO_EFFECT, NULL, NULL,
     "a silent server is noticed by its missing heartbeat"},
    {"jdbc.properties.tcpKeepAlive", USE_NO_EFFECT, NULL, NULL,
     "a silent server is noticed by its missing heartbeat"},
    {"jdbc.properties.autoReconnect", USE_NO_EFFECT, NULL, NULL,
     "\"connect.max-retries\" says how often a lost connection is opened again"},
    {"jdbc.properties.maxReconnects", USE_NO_EFFECT, NULL, NULL,
     "\"connect.max-retries\" says how often a lost connection is opened again"},
    {"jdbc.properties.useServerPrepStmts", USE_NO_EFFECT, NULL, NULL, "no statement is prepared"},
    {"jdbc.properties.cachePrepStmts", USE_NO_EFFECT, NULL, NULL, "no statement is prepared"},
    {"jdbc.properties.rewriteBatchedStatements", USE_NO_EFFECT, NULL, NULL, "nothing is written"},
    {"jdbc.properties.allowMultiQueries", USE_NO_EFFECT, NULL, NULL,
     "statements are sent one by one"},
    {"jdbc.properties.useInformationSchema", USE_NO_EFFECT, NULL, NULL,
     "tables are described by information_schema"},
};

static bool is_foreign(const char *key)
{
    return strncmp(key, "debezium.", 9) == 0 || strncmp(key, "jdbc.properties.", 16) == 0;
}

/* By name; the longest "….*" last in the table's groups, so the first match is the one. */
static const ForeignOption *find_foreign(const char *key)
{
    for (size_t i = 0; i < array_count(foreign); i++) {
        size_t length = strlen(foreign[i].key);
        bool prefix = foreign[i].key[length - 1] == '*';
        if (prefix ? strncmp(key, foreign[i].key, length - 1) == 0
                   : text_equal_nocase(key, foreign[i].key))
            return &foreign[i];
    }
    return NULL;
}

static bool is_listed(const char *values, const char *value)
{
    while (*values != '\0') {
        size_t length = strcspn(values, "|");
        if (str_equal_nocase((Str){values, length}, str_of(value)))
            return true;
        values += length + (values[length] == '|');
    }
    return false;
}

static bool refuse_unknown(const Option *option, Error *error)
{
    const char *names[array_count(foreign)];
    for (size_t i = 0; i < array_count(foreign); i++)
        names[i] = foreign[i].key;
    const char *nearest = str_nearest(option->key, names, array_count(foreign));
    error_set(error, ERROR_OPTION, "property \"%s\" has no counterpart in this connector",
              option->key);
    if (nearest != NULL)
        error_hint(error, "Leave it out; or did you mean \"%s\"?", nearest);
    else
        error_hint(error, "Leave it out, or say what it is for with the connector's own options.");
    return option_error_at_key(option, error);
}

static bool check_one(const Options *options, const Option *option, Error *error)
{
    const ForeignOption *known = find_foreign(option->key);
    int64_t number = 0;
    if (known == NULL)
        return !is_foreign(option->key) || refuse_unknown(option, error);
    if (known->values != NULL && !is_listed(known->values, option->value)) {
        error_set(error, ERROR_OPTION, "option \"%s\" cannot be \"%s\" here", option->key,
                  option->value);
        error_hint(error, "It can be: %s%s%s.", known->values, known->reason == NULL ? "" : "; ",
                   known->reason == NULL ? "" : known->reason);
        return option_error_at(option, error);
    }
    if (known->use != USE_MAPPED)
        return true;
    if (options_find(options, known->own) != NULL) {
        error_set(error, ERROR_OPTION, "options \"%s\" and \"%s\" say the same thing", option->key,
                  known->own);
        error_hint(error, "Give one of them.");
        return option_error_at_key(option, error);
    }
    if (known->values != NULL ||
        (option_parse_integer(option->value, &number) && number >= 0 && number <= INT64_C(3600000)))
        return true;
    error_set(error, ERROR_OPTION, "option \"%s\" has a bad value: \"%s\"", option->key,
              option->value);
    error_hint(error, "Use milliseconds from 0 to 3600000.");
    return option_error_at(option, error);
}

bool mysql_foreign_check(const Options *options, Error *error)
{
    for (uint32_t i = 0; i < options->count; i++) {
        if (!check_one(options, &options->items[i], error))
            return false;
    }
    return true;
}

void mysql_foreign_notices(const Options *options, void (*notice)(void *to, const char *text),
                           void *to)
{
    Buffer text = {0};
    for (uint32_t i = 0; notice != NULL && i < options->count; i++) {
        const Option *option = &options->items[i];
        const ForeignOption *known = find_foreign(option->key);
        if (known == NULL || known->use != USE_NO_EFFECT)
            continue;
        buffer_clear(&text);
        buffer_printf(&text, "option \"%s\" has no effect: %s", option->key, known->reason);
        notice(to, buffer_text(&text));
    }
    buffer_deinit(&text);
}

void mysql_foreign_digest(const Options *options, uint64_t *digest)
{
    for (uint32_t i = 0; i < options->count; i++) {
        const ForeignOption *known = find_foreign(options->items[i].key);
        if (known == NULL || known->use != USE_MAPPED)
            continue;
        for (const char *p = options->items[i].value; *p != '\0'; p++)
            *digest = (*digest ^ (uint8_t)*p) * UINT64_C(1099511628211);
    }
}

/* ------------------------------------------------------------------ mapped */

static const char *given(const Options *options, const char *key)
{
    for (uint32_t i = 0; i < options->count; i++) {
        if (text_equal_nocase(options->items[i].key, key))
            return options->items[i].value;
    }
    return NULL;
}

static bool is_true(const Options *options, const char *key)
{
    const char *value = given(options, key);
    return value != NULL && text_equal_nocase(value, "true");
}

const char *mysql_foreign_startup(const Options *options)
{
    const char *mode = given(options, "debezium.snapshot.mode");
    if (mode == NULL)
        return NULL;
    if (text_equal_nocase(mode, "initial_only"))
        return "snapshot";
    if (text_equal_nocase(mode, "schema_only") || text_equal_nocase(mode, "no_data"))
        return "latest-offset";
    return text_equal_nocase(mode, "never") ? "earliest-offset" : "initial";
}

const char *mysql_foreign_tls(const Options *options)
{
    const char *mode = given(options, "jdbc.properties.sslMode");
    if (mode == NULL)
        mode = given(options, "debezium.database.ssl.mode");
    if (mode != NULL) {
        if (text_equal_nocase(mode, "disabled"))
            return "disabled";
        if (text_equal_nocase(mode, "preferred"))
            return "preferred";
        return text_equal_nocase(mode, "required") ? "required" : "verify-full";
    }
    if (is_true(options, "jdbc.properties.verifyServerCertificate"))
        return "verify-full";
    if (is_true(options, "jdbc.properties.requireSSL"))
        return "required";
    const char *use = given(options, "jdbc.properties.useSSL");
    if (use == NULL)
        return NULL;
    return text_equal_nocase(use, "true") ? "required" : "disabled";
}

int64_t mysql_foreign_ms(const Options *options, const char *own)
{
    for (size_t i = 0; i < array_count(foreign); i++) {
        if (foreign[i].use != USE_MAPPED || foreign[i].values != NULL ||
            strcmp(foreign[i].own, own) != 0)
            continue;
        const char *value = given(options, foreign[i].key);
        if (value != NULL)
            return strtoll(value, NULL, 10);
    }
    return -1;
}
