/* Following the binlog: connecting, reading on, giving what is ready, trying again.
 *
 * Invariant: after a lost connection reading begins at the base, and what was decoded and not given
 * is decoded again. Cost: none for each event but the call. */
#include <inttypes.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/clock.h"
#include "core/str.h"

/* Longest that one call reads events nobody wants. */
#define BUSY_MS 50
/* Least time between two batches that are not full, once so many came sooner. */
#define BATCHES_APART_US 300
#define CROWD_BATCHES    10

static bool connect_stream(MysqlSource *source, Error *error)
{
    BinlogReader *reader = &source->reader;
    /* What was decoded and not given is read again. */
    mysql_position_copy(&reader->tail, &source->base);
    memcpy(reader->file, source->base.file, sizeof(reader->file));
    reader->event_offset = source->base.offset;
    for (uint32_t i = 0; i < source->scan_count; i++) {
        source->scans[i].since = 0;
        source->scans[i].skip = source->base_since[i];
    }
    binlog_format_init(&reader->format);
    reader->in_transaction = false;
    reader->has_gtid = false;
    reader->standalone = false;
    reader->gtid_text[0] = '\0';
    reader->skip_events = source->base.skip_events;
    reader->skip_rows = source->base.skip_rows;
    reader->skipping = false;
    mysql_xa_list_copy(&reader->prepared, &source->base_prepared);
    reader->payload_active = false;
    reader->cursor.active = false;
    mysql_capture_forget_maps(reader);
    StreamRequest request = {.address = &source->address,
                             .server = &source->server,
                             .from = &source->base,
                             .server_id = source->server_id,
                             .heartbeat_ms = source->heartbeat_ms,
                             .wake_fd = source->wake_fd};
    reader->stream = mysql_stream_open(&request, error);
    return reader->stream != NULL;
}

static void forget_stream(MysqlSource *source)
{
    BinlogReader *reader = &source->reader;
    mysql_stream_close(reader->stream);
    reader->stream = NULL;
    for (uint32_t i = 0; i < source->scan_count; i++) {
        batch_release(source->scans[i].builder);
        source->scans[i].builder = NULL;
    }
    for (uint32_t i = source->ready_at; i < source->ready_count; i++)
        batch_release(source->ready[i].batch);
    source->ready_count = source->ready_at = 0;
    mysql_xa_release(reader->filling);
    mysql_xa_release(reader->replaying);
    reader->filling = reader->replaying = NULL;
    memory_free(reader->cursor.verdicts);
    reader->cursor.verdicts = NULL;
    reader->cursor.active = false;
}

/* A lost connection: another try later, up to the limit; everything else ends the job. */
static bool survive(MysqlSource *source, const Error *cause, Error *error)
{
    BinlogReader *reader = &source->reader;
    forget_stream(source);
    if (!error_retryable(cause) || reader->retries >= source->max_retries) {
        if (error != NULL)
            *error = *cause;
        return false;
    }
    int64_t delay_us = mysql_retry_delay_ms(reader->retries) * 1000;
    reader->retries++;
    reader->retry_at_us = clock_monotonic_us() + delay_us;
    mysql_source_notice(source, "%s; trying again in %" PRId64 " ms", cause->message,
                        delay_us / 1000);
    return true;
}

/* Adds where reading could begin instead. */
static void name_earliest(MysqlSource *source, Error *error)
{
    MYSQL *mysql = mysql_source_control(source, NULL);
    MysqlPosition earliest = {0};
    if (mysql != NULL && mysql_server_earliest(mysql, &earliest, NULL)) {
        Buffer asked = {0};
        mysql_position_print(&source->base, &asked);
        error_detail(error,
                     "The position asked for is %s; the earliest the server still has is "
                     "%s:%" PRIu64 ".",
                     buffer_text(&asked), earliest.file, earliest.offset);
        buffer_deinit(&asked);
    }
    mysql_position_deinit(&earliest);
    error_hint(error, "Start the job afresh, from a new snapshot, and let the server keep its "
                      "binlog longer (binlog_expire_logs_seconds, expire_logs_days).");
}

static bool any_built(const MysqlSource *source)
{
    for (uint32_t i = 0; i < source->scan_count; i++) {
        const Batch *batch = source->scans[i].builder;
        if (batch != NULL && batch->row_count > 0)
            return true;
    }
    return false;
}

typedef enum StepState { STEP_AGAIN, STEP_NOTHING, STEP_LOST, STEP_FAILED } StepState;

static StepState step(MysqlSource *source, int64_t timeout_ms, bool *full, Error *error)
{
    BinlogReader *reader = &source->reader;
    const uint8_t *bytes = NULL;
    size_t length = 0;
    if (reader->cursor.active)
        return mysql_capture_rows(source, full, error) ? STEP_AGAIN : STEP_FAILED;
    if (reader->payload_active && reader->replaying == NULL) {
        bool end = false;
        if (!mysql_payload_next(reader, &bytes, &length, &end, error))
            return STEP_FAILED;
        if (end) {
            reader->payload_active = false;
            return STEP_AGAIN;
        }
        return mysql_capture_inner(source, bytes, length, error) ? STEP_AGAIN : STEP_FAILED;
    }
    if (reader->replaying != NULL) {
        bool end = false;
        if (!mysql_xa_next(reader, &bytes, &length, &end, error))
            return STEP_FAILED;
        if (!end)
            return mysql_capture_inner(source, bytes, length, error) ? STEP_AGAIN : STEP_FAILED;
        mysql_xa_list_remove(&reader->prepared, &reader->replaying->xid);
        mysql_xa_release(reader->replaying);
        reader->replaying = NULL;
        mysql_capture_end(source);
        return STEP_AGAIN;
    }
    if (reader->stream == NULL) {
        int64_t now = clock_monotonic_us();
        if (now < reader->retry_at_us) {
            int64_t wait_us = reader->retry_at_us - now;
            clock_sleep_us(wait_us < timeout_ms * 1000 ? wait_us : timeout_ms * 1000);
            return STEP_NOTHING;
        }
        return connect_stream(source, error) ? STEP_AGAIN : STEP_FAILED;
    }
    /* Nothing that is built waits for what has not arrived. */
    StreamState state = mysql_stream_next(reader->stream, 0, &bytes, &length, error);
    if (state == STREAM_IDLE && timeout_ms > 0 && !any_built(source))
        state = mysql_stream_next(reader->stream, timeout_ms, &bytes, &length, error);
    if (state == STREAM_IDLE)
        return STEP_NOTHING;
    if (state == STREAM_FAILED)
        return STEP_LOST;
    reader->retries = 0;
    reader->caught_up = false;
    if (!mysql_capture_event(source, bytes, length, error) ||
        (reader->cursor.active && !mysql_capture_rows(source, full, error)))
        return STEP_FAILED;
    /* The server has nothing: what is built is given now, also where a wait cannot time out (TLS).
     */
    return reader->caught_up ? STEP_NOTHING : STEP_AGAIN;
}

/* In the mode `snapshot` the binlog is read only up to the last part's position. */
static bool reached_end(const MysqlSource *source)
{
    const BinlogReader *reader = &source->reader;
    if (reader->in_transaction || source->part_count == 0)
        return false;
    return mysql_position_compare(&reader->tail, &source->parts[source->part_count - 1]) >= 0;
}

/* Where more arrives all the time, batches are not cut by every packet: after some that came close
 * upon each other, what is built waits until so much has passed since the last one. A change that
 * comes alone never waits. */
static bool linger(BinlogReader *reader)
{
    int64_t left_us = reader->given_us + BATCHES_APART_US - clock_monotonic_us();
    bool lingered = reader->lingered;
    reader->lingered = left_us > 0 && reader->crowded >= CROWD_BATCHES;
    if (reader->lingered)
        clock_sleep_us(left_us);
    else if (left_us > 0)
        reader->crowded++;
    else if (!lingered)
        reader->crowded = 0;
    return reader->lingered;
}

SourceState mysql_capture_next(MysqlSource *source, int64_t timeout_ms, Error *error)
{
    BinlogReader *reader = &source->reader;
    int64_t busy_until = clock_monotonic_us() + (timeout_ms + BUSY_MS) * 1000;
    Error cause; /* not cleared for each event: it is larger than most of them */
    error_clear(&cause);
    for (uint32_t round = 0;; round++) {
        bool full = false;
        if (source->mode == START_SNAPSHOT && reached_end(source)) {
            mysql_source_flush(source);
            source->ended = true;
            return SOURCE_END;
        }
        StepState state = step(source, timeout_ms, &full, &cause);
        if (state == STEP_LOST && error_retryable(&cause) && any_built(source)) {
            /* Whole rows that came before the connection went are given: a server that drops it
             * after every transaction must not keep the job where it is. The next read meets the
             * loss again. */
            mysql_source_flush(source);
            return SOURCE_BATCH;
        }
        if (state == STEP_LOST || state == STEP_FAILED) {
            if (cause.code == ERROR_POSITION && cause.detail[0] != '\0')
                name_earliest(source, &cause);
            else if (!error_retryable(&cause) && cause.code != ERROR_ACCESS &&
                     cause.place[0] == '\0')
                mysql_capture_place(source, &cause);
            if (!survive(source, &cause, error))
                return SOURCE_FAILED;
            return SOURCE_IDLE;
        }
        if (!full && state == STEP_NOTHING && any_built(source) && linger(reader))
            continue;
        if (full || (state == STEP_NOTHING && any_built(source))) {
            mysql_source_flush(source);
            reader->given_us = clock_monotonic_us();
            return SOURCE_BATCH;
        }
        if (state == STEP_NOTHING) {
            reader->caught_up = reader->stream != NULL;
            return SOURCE_IDLE;
        }
        if ((round & 255) == 255 && clock_monotonic_us() > busy_until) {
            if (!any_built(source))
                return SOURCE_IDLE;
            mysql_source_flush(source);
            return SOURCE_BATCH;
        }
    }
}

void mysql_capture_close(MysqlSource *source)
{
    BinlogReader *reader = &source->reader;
    forget_stream(source);
    mysql_capture_forget_maps(reader);
    memory_free(reader->maps);
    mysql_xa_list_deinit(&reader->prepared);
    mysql_payload_close(reader);
    buffer_deinit(&reader->scratch);
    buffer_deinit(&reader->text_scratch);
    buffer_deinit(&reader->replay_event);
    mysql_position_deinit(&reader->tail);
}
