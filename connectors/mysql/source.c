/* The source: opening, giving batches, saying its position.
 *
 * Invariant: position() describes exactly what next() has returned. The base moves only when the
 * last batch decoded before it was taken. Threads: everything runs on the caller's thread; only
 * wake writes to an eventfd from another. */
#include "connectors/mysql/source.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "connectors/mysql_cdc.h"
#include "core/str.h"

/* How often a wait looks whether the job is to end. */
#define INTERRUPT_LOOK_US 50000

void mysql_source_notice(const MysqlSource *source, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    if (source->context.notice == NULL)
        return;
    va_start(arguments, format);
    vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    source->context.notice(source->context.notice_to, text);
}

MYSQL *mysql_source_control(MysqlSource *source, Error *error)
{
    if (source->control != NULL && mysql_ping(source->control) == 0)
        return source->control;
    mysql_connection_close(source->control);
    source->control = mysql_connection_open(&source->address, error);
    return source->control;
}

/* ------------------------------------------------------------------ building */

Batch *mysql_scan_builder(ScanState *scan)
{
    if (scan->builder == NULL) {
        scan->builder = batch_new(scan->info->schema, BATCH_ROWS_MAX);
        batch_kinds(scan->builder, BATCH_ROWS_MAX);
    }
    return scan->builder;
}

static void set_text(Batch *batch, Vector *vector, uint32_t from, uint32_t to, const char *text)
{
    if (text == NULL) {
        for (uint32_t row = from; row < to; row++)
            vector_set_null(vector, row, batch->arena);
        return;
    }
    StringView view = string_view_copy(batch->arena, text, strlen(text));
    for (uint32_t row = from; row < to; row++) {
        ((StringView *)vector->data)[row] = view;
        if (vector->validity != NULL)
            vector_set_valid(vector, row);
    }
}

void mysql_scan_metadata(const ScanState *scan, Batch *batch, uint32_t from, uint32_t to,
                         const RowOrigin *origin)
{
    const ScanInfo *info = scan->info;
    for (uint32_t i = 0; from < to && i < info->metadata_count; i++) {
        Vector *vector = &batch->columns[info->column_count + i];
        switch ((MysqlMetadata)info->metadata[i]) {
        case META_TABLE_NAME:
            set_text(batch, vector, from, to, origin->table);
            break;
        case META_DATABASE_NAME:
            set_text(batch, vector, from, to, origin->database);
            break;
        case META_OP_TS:
            for (uint32_t row = from; row < to; row++)
                ((int64_t *)vector->data)[row] = origin->op_ts_us;
            break;
        case META_ROW_KIND:
            for (uint32_t row = from; row < to; row++)
                ((StringView *)vector->data)[row] =
                    string_view_borrow(change_kind_text(batch_kind(batch, row)), 2);
            break;
        case META_GTID:
            set_text(batch, vector, from, to, origin->gtid);
            break;
        case META_BINLOG_FILE:
            set_text(batch, vector, from, to, origin->file);
            break;
        case META_BINLOG_POS:
            for (uint32_t row = from; row < to; row++)
                ((int64_t *)vector->data)[row] = (int64_t)origin->offset;
            break;
        }
    }
}

/* Where decoding stands: what is true when everything decoded was given. */
static void live_position(const MysqlSource *source, MysqlPosition *position, uint64_t *since,
                          XaList *prepared)
{
    const BinlogReader *reader = &source->reader;
    mysql_position_copy(position, &reader->tail);
    mysql_xa_list_copy(prepared, &reader->prepared);
    for (uint32_t i = 0; i < source->scan_count; i++)
        since[i] = source->scans[i].since + source->scans[i].skip;
}

void mysql_source_flush(MysqlSource *source)
{
    source->ready_count = source->ready_at = 0;
    for (uint32_t i = 0; i < source->scan_count; i++) {
        ScanState *scan = &source->scans[i];
        Batch *batch = scan->builder;
        if (batch == NULL || batch->row_count == 0)
            continue;
        if (scan->append_only)
            batch->kinds = NULL;
        source->ready[source->ready_count++] = (ReadyBatch){batch, i, false};
        scan->builder = NULL;
    }
    if (source->ready_count > 0)
        source->ready[source->ready_count - 1].last = true;
    live_position(source, &source->mark, source->mark_since, &source->mark_prepared);
}

static bool take_ready(MysqlSource *source, Batch **batch, uint32_t *scan)
{
    if (source->ready_at == source->ready_count)
        return false;
    ReadyBatch *ready = &source->ready[source->ready_at++];
    *batch = ready->batch;
    *scan = ready->scan;
    source->rows_given += ready->batch->row_count;
    if (ready->last) {
        mysql_position_copy(&source->base, &source->mark);
        mysql_xa_list_copy(&source->base_prepared, &source->mark_prepared);
        memcpy(source->base_since, source->mark_since, source->scan_count * sizeof(uint64_t));
    } else {
        source->base_since[ready->scan] += ready->batch->row_count;
    }
    return true;
}

/* ------------------------------------------------------------------- opening */

uint32_t mysql_source_random_id(void)
{
    uint32_t random = 0;
    if (getrandom(&random, sizeof(random), 0) != sizeof(random))
        random = (uint32_t)clock_monotonic_us();
    return random | 0x40000000u;
}

/* A second reader of the server takes the next number of the range; past its end it takes one by
 * chance: two readers with one number would drive each other out. */
static uint32_t choose_server_id(const SourceContext *context, const char *option)
{
    unsigned long own = (unsigned long)context->readers_before * context->parallelism;
    if (option != NULL) {
        char *end = NULL;
        unsigned long first = strtoul(option, &end, 10);
        unsigned long last = *end == '-' ? strtoul(end + 1, NULL, 10) : first;
        if (own == 0 || first + own + context->subtask <= last)
            return (uint32_t)(first + own + context->subtask);
    }
    return mysql_source_random_id();
}

static bool open_scans(MysqlSource *source, Error *error)
{
    const SourceContext *context = &source->context;
    source->scan_count = context->scan_count;
    source->scans = arena_new_array(source->arena, ScanState, context->scan_count);
    source->base_since = arena_new_array(source->arena, uint64_t, context->scan_count);
    source->mark_since = arena_new_array(source->arena, uint64_t, context->scan_count);
    source->ready = arena_new_array(source->arena, ReadyBatch, context->scan_count);
    for (uint32_t i = 0; i < context->scan_count; i++) {
        ScanState *scan = &source->scans[i];
        scan->info = &context->scans[i];
        const TableInfo *table = scan->info->table;
        uint32_t occurrence = 0;
        for (uint32_t k = 0; k < i; k++)
            occurrence += strcmp(context->scans[k].table->name, table->name) == 0;
        scan->identity = arena_printf(source->arena, "%s#%u", table->name, occurrence);
        scan->append_only = option_boolean(table->options, mysql_cdc_options,
                                           "scan.read-changelog-as-append-only.enabled");
        scan->compact_json =
            option_boolean(table->options, mysql_cdc_options, "use.legacy.json.format");
        scan->key_column = option_text(table->options, mysql_cdc_options,
                                       "scan.incremental.snapshot.chunk.key-column");
        scan->zone = context->zone;
        const char *zone = option_text(table->options, mysql_cdc_options, "server-time-zone");
        if (zone != NULL) {
            scan->zone = time_zone_open(source->arena, zone, error);
            if (scan->zone == NULL)
                return false;
        }
        scan->pattern = table_pattern_new(
            source->arena, option_text(table->options, mysql_cdc_options, "database-name"),
            option_text(table->options, mysql_cdc_options, "table-name"), error);
        if (scan->pattern == NULL)
            return false;
    }
    return true;
}

static void read_options(MysqlSource *source)
{
    const Options *options = source->context.scans[0].table->options;
    const OptionSpec *specs = mysql_cdc_options;
    source->address = mysql_address_of(options, specs);
    /* The same, as a job file of Flink CDC may say it. */
    int64_t timeout_ms = mysql_foreign_ms(options, "connect.timeout");
    if (timeout_ms >= 0)
        source->address.connect_timeout_ms = timeout_ms;
    const char *tls = mysql_foreign_tls(options);
    if (tls != NULL)
        source->address.tls_mode = tls;
    source->max_retries = (uint32_t)option_integer(options, specs, "connect.max-retries");
    source->heartbeat_ms = option_duration_ms(options, specs, "heartbeat.interval");
    int64_t heartbeat_ms = mysql_foreign_ms(options, "heartbeat.interval");
    if (heartbeat_ms >= 0)
        source->heartbeat_ms = heartbeat_ms;
    source->add_tables = option_boolean(options, specs, "scan.newly-added-table.enabled");
    source->mode = mysql_cdc_start_mode(options);
    bool in_chunks = option_boolean(options, specs, "scan.incremental.snapshot.enabled");
    source->chunk_rows =
        in_chunks ? (uint64_t)option_integer(options, specs, "scan.incremental.snapshot.chunk.size")
                  : 0;
    source->server_id =
        choose_server_id(&source->context, option_text(options, specs, "server-id"));
}

/* Rows that a foreign key changes in a child table are not in the binlog of most servers. */
static void warn_cascades(MysqlSource *source, MYSQL *mysql)
{
    MYSQL_RES *result =
        mysql_connection_query(mysql,
                               "SELECT CONSTRAINT_SCHEMA, TABLE_NAME, CONSTRAINT_NAME FROM "
                               "information_schema.REFERENTIAL_CONSTRAINTS WHERE DELETE_RULE IN "
                               "('CASCADE', 'SET NULL') OR "
                               "UPDATE_RULE IN ('CASCADE', 'SET NULL')",
                               NULL);
    if (result == NULL)
        return;
    MYSQL_ROW row = NULL;
    while ((row = mysql_fetch_row(result)) != NULL) {
        bool captured = false;
        for (uint32_t i = 0; i < source->scan_count; i++) {
            CapturedTable *table = mysql_captured_find(source, i, row[0], row[1]);
            if (table == NULL)
                continue;
            table->cascades = true;
            captured = true;
        }
        if (captured)
            mysql_source_notice(source,
                                "table \"%s.%s\": rows changed by foreign key \"%s\" (CASCADE or "
                                "SET NULL) do not appear in the binlog",
                                row[0], row[1], row[2]);
    }
    mysql_free_result(result);
}

/* The state is found by the tables in it: user, host and options may have changed since. */
static bool restore(MysqlSource *source, bool *restored, Error *error)
{
    const SourceContext *context = &source->context;
    for (uint32_t i = 0; i < context->restored_count; i++) {
        Str state = context->restored[i].position;
        if (!mysql_state_mentions(source, state))
            continue;
        if (*restored) {
            error_set(error, ERROR_STATE, "tables that were read apart are now read together");
            return error_hint(error, "Undo the change of the tables' options, or start the job "
                                     "afresh.");
        }
        *restored = true;
        if (!mysql_state_read(source, state, error))
            return false;
    }
    return true;
}

/* Whether the restored state knew the scan: then its tables that are new came into being later. */
static bool scan_was_known(const bool *known, const CapturedTable *table)
{
    return known[table->scan_index];
}

static bool open_tables(MysqlSource *source, bool restored, Error *error)
{
    uint32_t before = source->table_count;
    bool *known = arena_new_array(source->arena, bool, source->scan_count);
    for (uint32_t i = 0; i < before; i++)
        known[source->tables[i]->scan_index] = true;
    if (!mysql_tables_discover(source, error))
        return false;
    bool takes_snapshot = source->mode == START_INITIAL || source->mode == START_SNAPSHOT;
    for (uint32_t i = 0; i < source->table_count; i++) {
        CapturedTable *table = source->tables[i];
        bool is_new = i >= before;
        bool wanted = !restored || !scan_was_known(known, table) || source->add_tables;
        if (is_new && takes_snapshot && wanted)
            table->state = TABLE_PENDING;
        /* A restored schema is the one at the restored position; the rest is looked up now. */
        if (table->schema == NULL || table->state == TABLE_PENDING) {
            if (!mysql_captured_refresh(source, table, error))
                return false;
        } else if (!mysql_captured_prepare(table, error)) {
            return false;
        }
    }
    return true;
}

static bool open_server(MysqlSource *source, Error *error)
{
    MYSQL *mysql = mysql_source_control(source, error);
    if (mysql == NULL || !mysql_server_inspect(mysql, &source->server, error) ||
        !mysql_server_check(mysql, &source->server, error))
        return false;
    /* Refuses now what would fail after the snapshot: no privilege to see positions. */
    MysqlPosition now = {0};
    bool good = mysql_server_position(mysql, &source->server, &now, error);
    if (good && source->mode != START_SNAPSHOT) {
        /* And none to read the binlog: ask for it where it ends. With the reader's own number the
         * server would first wait for this connection to go when the reader comes. */
        StreamRequest request = {.address = &source->address,
                                 .server = &source->server,
                                 .from = &now,
                                 .server_id = mysql_source_random_id(),
                                 .heartbeat_ms = source->heartbeat_ms,
                                 .wake_fd = -1};
        const uint8_t *bytes = NULL;
        size_t length = 0;
        MysqlStream *stream = mysql_stream_open(&request, error);
        good = stream != NULL && mysql_stream_next(stream, source->address.connect_timeout_ms,
                                                   &bytes, &length, error) != STREAM_FAILED;
        mysql_stream_close(stream);
    }
    mysql_position_deinit(&now);
    return good;
}

static void source_close(Source *opaque)
{
    MysqlSource *source = (MysqlSource *)opaque;
    if (source == NULL)
        return;
    mysql_snapshot_close(source);
    mysql_capture_close(source);
    mysql_connection_close(source->control);
    for (uint32_t i = 0; i < source->table_count; i++)
        mysql_captured_free(source->tables[i]);
    memory_free(source->tables);
    for (uint32_t i = 0; i < source->part_count; i++)
        mysql_position_deinit(&source->parts[i]);
    memory_free(source->parts);
    mysql_position_deinit(&source->base);
    mysql_position_deinit(&source->mark);
    mysql_xa_list_deinit(&source->base_prepared);
    mysql_xa_list_deinit(&source->mark_prepared);
    if (source->wake_fd >= 0)
        close(source->wake_fd);
    arena_free(source->arena);
}

static bool open_all(MysqlSource *source, Error *error)
{
    bool restored = false;
    if (!open_scans(source, error))
        return false;
    read_options(source);
    if (source->heartbeat_ms == 0) /* none asked for: then only to see that the server lives */
        source->heartbeat_ms = 60000;
    source->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (source->wake_fd < 0)
        return error_set(error, ERROR_IO, "could not make an eventfd");
    if (!open_server(source, error) || !restore(source, &restored, error) ||
        !open_tables(source, restored, error))
        return false;
    warn_cascades(source, source->control);
    bool takes_snapshot = source->mode == START_INITIAL || source->mode == START_SNAPSHOT;
    source->snapshot_done = false;
    if (!restored && !takes_snapshot) {
        source->base_known = true;
        return mysql_start_position(source, error);
    }
    return true;
}

static MysqlSource *open_once(const SourceContext *context, Error *error)
{
    Arena *arena = arena_new(8192);
    MysqlSource *source = arena_new_one(arena, MysqlSource);
    source->arena = arena;
    source->context = *context;
    source->wake_fd = -1;
    source->split = mysql_cdc_share_key(context->scans[0].table, arena);
    if (!open_all(source, error)) {
        source_close((Source *)source);
        return NULL;
    }
    return source;
}

typedef struct Notices {
    const SourceContext *context;
    Buffer said; /* each text, ended by a line feed */
} Notices;

static void say_once(void *to, const char *text)
{
    Notices *notices = to;
    if (strstr(buffer_text(&notices->said), text) != NULL)
        return;
    buffer_append_text(&notices->said, text);
    buffer_append_char(&notices->said, '\n');
    notices->context->notice(notices->context->notice_to, text);
}

/* Options of the tables that do nothing, each once. */
static void say_without_effect(const SourceContext *context)
{
    Notices notices = {.context = context};
    for (uint32_t i = 0; context->notice != NULL && i < context->scan_count; i++)
        mysql_foreign_notices(context->scans[i].table->options, say_once, &notices);
    buffer_deinit(&notices.said);
}

static bool is_interrupted(const SourceContext *context)
{
    return context->interrupted != NULL && context->interrupted(context->interrupted_to);
}

/* Waits before another try; false when the job is to end. */
static bool wait_before_retry(const SourceContext *context, const Error *cause, int64_t delay_ms)
{
    char text[sizeof(cause->message) + 64];
    snprintf(text, sizeof(text), "%s; trying again in %" PRId64 " ms", cause->message, delay_ms);
    if (context->notice != NULL)
        context->notice(context->notice_to, text);
    int64_t until = clock_monotonic_us() + delay_ms * 1000;
    for (int64_t now = clock_monotonic_us(); now < until; now = clock_monotonic_us()) {
        if (is_interrupted(context))
            return false;
        clock_sleep_us(until - now < INTERRUPT_LOOK_US ? until - now : INTERRUPT_LOOK_US);
    }
    return !is_interrupted(context);
}

/* A server that cannot be reached, or has no connection free, is tried again as often as
 * connect.max-retries says; what no try can cure is told at once. */
static Source *source_open(const SourceContext *context, Error *error)
{
    int64_t retries =
        option_integer(context->scans[0].table->options, mysql_cdc_options, "connect.max-retries");
    Error cause;
    if (!context->is_restored)
        say_without_effect(context);
    for (uint32_t tries = 0;; tries++) {
        error_clear(&cause);
        MysqlSource *source = open_once(context, &cause);
        if (source != NULL)
            return (Source *)source;
        if (!error_retryable(&cause) || tries >= retries)
            break;
        if (!wait_before_retry(context, &cause, mysql_retry_delay_ms(tries))) {
            error_set(&cause, ERROR_CANCELLED, "cancelled while waiting for the server");
            break;
        }
    }
    if (error != NULL)
        *error = cause;
    return NULL;
}

/* ----------------------------------------------------------------- next batch */

/* The snapshot is over: reading the binlog begins at its first part, unless it went on before. */
static void snapshot_over(MysqlSource *source)
{
    if (source->base_known || source->part_count == 0)
        return;
    mysql_position_copy(&source->base, &source->parts[0]);
    source->base_known = true;
}

static SourceState source_next(Source *opaque, int64_t timeout_ms, Batch **batch, uint32_t *scan,
                               Error *error)
{
    MysqlSource *source = (MysqlSource *)opaque;
    uint64_t woken = 0;
    *batch = NULL;
    if (take_ready(source, batch, scan))
        return SOURCE_BATCH;
    if (source->ended)
        return SOURCE_END;
    SourceState state = SOURCE_IDLE;
    if (!source->snapshot_done) {
        state = mysql_snapshot_next(source, timeout_ms, batch, scan, error);
        if (state == SOURCE_BATCH)
            source->rows_given += (*batch)->row_count;
        if (state == SOURCE_END) {
            snapshot_over(source);
            source->ended = source->mode == START_SNAPSHOT && source->part_count <= 1;
            state = source->ended ? SOURCE_END : SOURCE_IDLE;
        }
    } else {
        state = mysql_capture_next(source, timeout_ms, error);
        if (state != SOURCE_FAILED && take_ready(source, batch, scan))
            state = SOURCE_BATCH;
    }
    if (state == SOURCE_IDLE && read(source->wake_fd, &woken, sizeof(woken)) < 0)
        woken = 0;
    return state;
}

static bool nothing_waits(const MysqlSource *source)
{
    if (source->reader.stream == NULL || source->ready_at < source->ready_count)
        return false;
    for (uint32_t i = 0; i < source->scan_count; i++) {
        const Batch *batch = source->scans[i].builder;
        if (batch != NULL && batch->row_count > 0)
            return false;
    }
    return true;
}

static bool source_position(Source *opaque, void (*add)(void *to, Str split, Str position),
                            void *to, Error *error)
{
    MysqlSource *source = (MysqlSource *)opaque;
    Buffer out = {0};
    (void)error;
    if (nothing_waits(source))
        live_position(source, &source->base, source->base_since, &source->base_prepared);
    mysql_state_write(source, &out);
    add(to, str_of(source->split), (Str){out.data, out.length});
    buffer_deinit(&out);
    return true;
}

static bool source_settled(Source *opaque)
{
    return mysql_snapshot_settled((const MysqlSource *)opaque);
}

static void source_wake(Source *opaque)
{
    MysqlSource *source = (MysqlSource *)opaque;
    uint64_t one = 1;
    ssize_t written = write(source->wake_fd, &one, sizeof(one));
    (void)written;
}

static void source_progress(Source *opaque, SourceProgress *out)
{
    const MysqlSource *source = (const MysqlSource *)opaque;
    const BinlogReader *reader = &source->reader;
    memset(out, 0, sizeof(*out));
    out->rows = source->rows_given;
    out->seconds_behind = -1;
    mysql_snapshot_progress((MysqlSource *)source, out);
    if (!source->snapshot_done) {
        snprintf(out->position, sizeof(out->position), "snapshot");
        return;
    }
    if (reader->caught_up)
        out->seconds_behind = 0;
    else if (reader->timestamp != 0)
        out->seconds_behind = (double)source->context.clock->now_us(source->context.clock) / 1e6 -
                              (double)reader->timestamp;
    snprintf(out->position, sizeof(out->position), "%.200s:%" PRIu64, reader->file,
             reader->event_offset);
}

const SourceClass mysql_cdc_source = {
    .open = source_open,
    .next = source_next,
    .position = source_position,
    .settled = source_settled,
    .close = source_close,
    .wake = source_wake,
    .progress = source_progress,
};
