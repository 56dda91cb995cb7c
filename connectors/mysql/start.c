/* Where reading begins when no snapshot is taken: the start modes of the declaration. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/str.h"

/* Long enough for a server to send the head of a file. */
#define HEAD_TIMEOUT_MS 10000

static const Option *find(const MysqlSource *source, const char *key)
{
    return options_find(source->scans[0].info->table->options, key);
}

static bool start_latest(MysqlSource *source, MYSQL *mysql, Error *error)
{
    if (!mysql_server_position(mysql, &source->server, &source->base, error))
        return false;
    mysql_server_gtids_at(mysql, &source->server, &source->base);
    return true;
}

static uint64_t skip_of(const MysqlSource *source, const char *key)
{
    const Option *option = find(source, key);
    return option == NULL ? 0 : strtoull(option->value, NULL, 10);
}

static bool start_specific(MysqlSource *source, Error *error)
{
    const Option *set = find(source, "scan.startup.specific-offset.gtid-set");
    const Option *file = find(source, "scan.startup.specific-offset.file");
    const Option *offset = find(source, "scan.startup.specific-offset.pos");
    source->base.skip_events = skip_of(source, "scan.startup.specific-offset.skip-events");
    source->base.skip_rows = skip_of(source, "scan.startup.specific-offset.skip-rows");
    if (set == NULL) {
        snprintf(source->base.file, sizeof(source->base.file), "%s", file->value);
        source->base.offset = strtoull(offset->value, NULL, 10);
        return true;
    }
    GtidFlavour wanted = source->server.mariadb ? GTID_MARIADB : GTID_MYSQL;
    if (!gtid_set_parse(&source->base.gtids, wanted, str_of(set->value), error)) {
        error_prefix(error, "the server is %s: ", source->server.mariadb ? "MariaDB" : "MySQL");
        return option_error_at(set, error);
    }
    if (!source->server.gtids) {
        error_set(error, ERROR_UNSUPPORTED, "the server has gtid_mode=OFF");
        return error_hint(error, "Start from a file and position instead.");
    }
    return true;
}

/* Seconds of the first event of a binlog file, 0 when it tells none. */
static bool first_timestamp(MysqlSource *source, const char *file, uint32_t *timestamp,
                            Error *error)
{
    MysqlPosition from = {.offset = 4};
    snprintf(from.file, sizeof(from.file), "%s", file);
    StreamRequest request = {.address = &source->address,
                             .server = &source->server,
                             .from = &from,
                             .server_id = source->server_id,
                             .heartbeat_ms = source->heartbeat_ms,
                             .wake_fd = -1};
    MysqlStream *stream = mysql_stream_open(&request, error);
    if (stream == NULL)
        return false;
    bool good = true;
    *timestamp = 0;
    for (int events = 0; good && *timestamp == 0 && events < 10; events++) {
        const uint8_t *bytes = NULL;
        size_t length = 0;
        StreamState state = mysql_stream_next(stream, HEAD_TIMEOUT_MS, &bytes, &length, error);
        good = state != STREAM_FAILED;
        if (state == STREAM_IDLE)
            break;
        if (good && length >= EVENT_HEADER_BYTES && bytes[4] == EVENT_FORMAT_DESCRIPTION)
            *timestamp = (uint32_t)binlog_u(bytes, 4);
    }
    mysql_stream_close(stream);
    return good;
}

/* The last file that begins before the time (another may begin in the same second); what comes
 * before the time in it is dropped. */
static bool start_timestamp(MysqlSource *source, MYSQL *mysql, Error *error)
{
    int64_t millis = strtoll(find(source, "scan.startup.timestamp-millis")->value, NULL, 10);
    uint32_t wanted = millis <= 0 ? 0 : (uint32_t)(millis / 1000);
    source->start_timestamp = wanted;
    MYSQL_RES *result = mysql_connection_query(mysql, "SHOW BINARY LOGS", error);
    if (result == NULL)
        return false;
    uint64_t low = 0;
    uint64_t high = mysql_num_rows(result);
    bool good = true;
    char file[BINLOG_FILE_MAX + 1] = "";
    while (good && low < high) {
        uint64_t middle = (low + high) / 2;
        uint32_t begins = 0;
        mysql_data_seek(result, middle);
        MYSQL_ROW row = mysql_fetch_row(result);
        good = row != NULL && first_timestamp(source, row[0], &begins, error);
        if (!good)
            break;
        if (begins < wanted || middle == 0) {
            snprintf(file, sizeof(file), "%s", row[0]);
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (good && file[0] == '\0') {
        mysql_data_seek(result, 0);
        MYSQL_ROW row = mysql_fetch_row(result);
        snprintf(file, sizeof(file), "%s", row == NULL ? "" : row[0]);
    }
    mysql_free_result(result);
    memcpy(source->base.file, file, sizeof(file));
    source->base.offset = 4;
    return good;
}

bool mysql_start_position(MysqlSource *source, Error *error)
{
    MYSQL *mysql = mysql_source_control(source, error);
    if (mysql == NULL)
        return false;
    switch (source->mode) {
    case START_EARLIEST:
        return mysql_server_earliest(mysql, &source->base, error);
    case START_LATEST:
        return start_latest(source, mysql, error);
    case START_SPECIFIC:
        return start_specific(source, error);
    case START_TIMESTAMP:
        return start_timestamp(source, mysql, error);
    case START_INITIAL:
    case START_SNAPSHOT:
        break;
    }
    return true;
}
