/* The binlog connection.
 *
 * libmariadb connects, encrypts and logs in; then this file reads packets from the socket itself
 * into one large buffer, so that an event is parsed where it arrived and a wait can be ended from
 * outside. Over TLS the bytes come from OpenSSL's session instead (mysql/tls.h). Only where the
 * library encrypts with something else is its own packet reader used, whose waits last as long as
 * the heartbeat.
 *
 * Invariant: between two calls at most one event is borrowed from the buffer.
 * Cost: a system call per 256 KiB, no copy but when the buffer's end is reached. */
#include "connectors/mysql/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "connectors/mysql/tls.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/str.h"

#define READ_BYTES      (256u << 10)
#define PACKET_MAX      0xFFFFFFu
#define EVENT_BYTES_MAX (UINT64_C(1) << 30)
/* Missed heartbeats after which a connection counts as dead. */
#define HEARTBEATS_MISSED    3
#define COM_BINLOG_DUMP_GTID 0x1e

struct MysqlStream {
    MYSQL *mysql;
    int fd;
    int wake_fd;
    void *tls;            /* NULL: in clear text, or through the library */
    bool through_library; /* TLS that this file cannot read */
    int64_t silence_ms;   /* longest silence that is believed */
    int64_t last_heard_us;
    /* Bytes read and not yet given: start <= end <= capacity. */
    uint8_t *buffer;
    size_t start;
    size_t end;
    size_t capacity;
    Buffer joined; /* an event of several packets */
    bool joined_given;
};

/* -------------------------------------------------------------------- dump */

static bool set_session(MYSQL *mysql, const StreamRequest *request, int64_t heartbeat_ms,
                        Error *error)
{
    char sql[512];
    /* Announces that checksums are understood; events keep the ones they were written with. */
    if (!mysql_connection_run(mysql,
                              "SET @master_binlog_checksum='NONE', "
                              "@source_binlog_checksum='NONE'",
                              error))
        return false;
    snprintf(sql, sizeof(sql),
             "SET @master_heartbeat_period=%" PRId64 ", @source_heartbeat_period=%" PRId64,
             heartbeat_ms * 1000000, heartbeat_ms * 1000000);
    if (!mysql_connection_run(mysql, sql, error))
        return false;
    if (request->server->mariadb)
        return mysql_connection_run(mysql,
                                    "SET @mariadb_slave_capability=4, "
                                    "@slave_gtid_strict_mode=0, "
                                    "@slave_gtid_ignore_duplicates=0",
                                    error);
    /* Two readers with one uuid would end each other. */
    return mysql_connection_run(mysql, "SET @slave_uuid=UUID(), @replica_uuid=@slave_uuid", error);
}

static void put_u32(Buffer *out, uint32_t value)
{
    buffer_append_u32(out, value);
}

static void put_u16(Buffer *out, uint16_t value)
{
    buffer_append_u8(out, (uint8_t)value);
    buffer_append_u8(out, (uint8_t)(value >> 8));
}

static bool send_dump(MYSQL *mysql, const StreamRequest *request, Error *error)
{
    const MysqlPosition *from = request->from;
    const GtidSet *gtids = &from->gtids;
    Buffer body = {0};
    int command = COM_BINLOG_DUMP;
    bool good = true;
    if (gtids->flavour == GTID_MYSQL) {
        const uint16_t through_gtid = 4;
        Buffer set = {0};
        gtid_set_encode_mysql(gtids, &set);
        command = COM_BINLOG_DUMP_GTID;
        put_u16(&body, through_gtid);
        put_u32(&body, request->server_id);
        put_u32(&body, 0);
        buffer_append_u64(&body, 4);
        buffer_append_bytes(&body, (Str){set.data, set.length});
        buffer_deinit(&set);
    } else {
        bool by_gtid = gtids->flavour == GTID_MARIADB;
        if (by_gtid) {
            Buffer sql = {0};
            buffer_append_text(&sql, "SET @slave_connect_state='");
            gtid_set_print(gtids, &sql);
            buffer_append_char(&sql, '\'');
            good = mysql_connection_run(mysql, buffer_text(&sql), error);
            buffer_deinit(&sql);
        }
        if (good && !by_gtid && from->offset > UINT32_MAX)
            good = error_set(error, ERROR_POSITION,
                             "offset %" PRIu64 " of binlog file %s is past "
                             "what the protocol can ask for",
                             from->offset, from->file);
        put_u32(&body, by_gtid || from->offset < 4 ? 4 : (uint32_t)from->offset);
        put_u16(&body, 0);
        put_u32(&body, request->server_id);
        if (!by_gtid)
            buffer_append_text(&body, from->file);
    }
    if (good && mysql->methods->db_command(mysql, (enum enum_server_command)command, body.data,
                                           body.length, 1, NULL) != 0)
        good = mysql_connection_error(mysql, "ask for the binlog", error);
    buffer_deinit(&body);
    return good;
}

MysqlStream *mysql_stream_open(const StreamRequest *request, Error *error)
{
    MYSQL *mysql = mysql_connection_open(request->address, error);
    if (mysql == NULL)
        return NULL;
    MysqlStream *stream = memory_zalloc(sizeof(MysqlStream));
    stream->mysql = mysql;
    stream->fd = (int)mysql_get_socket(mysql);
    stream->wake_fd = request->wake_fd;
    /* Asked now for the heartbeat; the socket stops blocking when the dump is on its way. */
    stream->through_library = mysql_get_ssl_cipher(mysql) != NULL && !mysql_tls_is_known(mysql);
    /* Through the library a wait cannot be ended from outside, so the server speaks often. */
    int64_t heartbeat_ms = stream->through_library ? 500 : request->heartbeat_ms;
    stream->silence_ms = HEARTBEATS_MISSED * heartbeat_ms + 5000;
    stream->last_heard_us = clock_monotonic_us();
    stream->capacity = 2 * READ_BYTES;
    stream->buffer = memory_alloc(stream->capacity);
    if (!set_session(mysql, request, heartbeat_ms, error) || !send_dump(mysql, request, error)) {
        mysql_stream_close(stream);
        return NULL;
    }
    stream->tls = mysql_tls_session(mysql);
    return stream;
}

void mysql_stream_close(MysqlStream *stream)
{
    if (stream == NULL)
        return;
    /* The server goes on sending until the socket closes: no polite end is possible. */
    if (!stream->through_library && stream->tls == NULL)
        shutdown(stream->fd, SHUT_RDWR);
    mysql_connection_close(stream->mysql);
    memory_free(stream->buffer);
    buffer_deinit(&stream->joined);
    memory_free(stream);
}

/* ----------------------------------------------------------------- packets */

static bool stream_lost(Error *error, const char *why)
{
    error_set(error, ERROR_NETWORK, "the binlog connection was lost: %s", why);
    return error_hint(error, "The server may have restarted or closed the connection.");
}

/* An error packet: number, state, text. */
static bool server_error(const uint8_t *bytes, size_t length, Error *error)
{
    unsigned int number = length >= 3 ? (unsigned int)(bytes[1] | bytes[2] << 8) : 0;
    size_t at = length >= 9 && bytes[3] == '#' ? 9 : 3;
    int rest = length > at ? (int)(length - at) : 0;
    const char *text = (const char *)bytes + at;
    ErrorCode code = mysql_error_class(number, "");
    if (code == ERROR_ACCESS) {
        error_set(error, code, "the server refuses its binlog: %.*s", rest, text);
        return error_hint(error, "Grant REPLICATION SLAVE to the user (on MariaDB also named "
                                 "REPLICATION REPLICA).");
    }
    error_set(error, code, "the server ended the binlog: %.*s", rest, text);
    return error_detail(error, "The server's error number is %u.", number);
}

/* Waits for the socket; 1 ready, 0 not, -1 failed. */
static int wait_ready(MysqlStream *stream, short events, int64_t timeout_ms)
{
    struct pollfd wait[2] = {{stream->fd, events, 0}, {stream->wake_fd, POLLIN, 0}};
    int count = stream->wake_fd >= 0 ? 2 : 1;
    int timeout = timeout_ms > 3600000 ? 3600000 : (int)timeout_ms;
    int ready = poll(wait, (nfds_t)count, timeout);
    if (ready < 0)
        return errno == EINTR ? 0 : -1;
    return wait[0].revents != 0;
}

/* Room behind `end` for `wanted` bytes from `start` on. */
static void make_room(MysqlStream *stream, size_t wanted)
{
    size_t held = stream->end - stream->start;
    if (stream->capacity - stream->start >= wanted && stream->end < stream->capacity)
        return;
    if (stream->start > 0) {
        memmove(stream->buffer, stream->buffer + stream->start, held);
        stream->start = 0;
        stream->end = held;
    }
    if (wanted > stream->capacity || stream->end == stream->capacity) {
        stream->capacity = size_round_up(wanted, READ_BYTES) + READ_BYTES;
        stream->buffer = memory_realloc(stream->buffer, stream->capacity);
    }
}

/* How long a call may wait; the clock is asked only when it has to. */
typedef struct Wait {
    int64_t timeout_ms;
    int64_t deadline_us; /* 0: not waited yet */
} Wait;

static int64_t wait_left_ms(Wait *wait, int64_t now_us)
{
    if (wait->deadline_us == 0)
        wait->deadline_us = now_us + wait->timeout_ms * 1000;
    return (wait->deadline_us - now_us + 999) / 1000;
}

/* What there is now, behind `end`: 1 some, 0 nothing (`*events` says what to wait for), -1 failed.
 */
static int receive(MysqlStream *stream, short *events, Error *error)
{
    uint8_t *at = stream->buffer + stream->end;
    size_t room = stream->capacity - stream->end;
    size_t got = 0;
    TlsState state = TLS_WAIT_READ;
    if (stream->tls != NULL) {
        state = mysql_tls_read(stream->tls, at, room, &got, error);
    } else {
        ssize_t count = -1;
        do
            count = recv(stream->fd, at, room, MSG_DONTWAIT);
        while (count < 0 && errno == EINTR);
        got = count > 0 ? (size_t)count : 0;
        state = count > 0 ? TLS_BYTES : count == 0 ? TLS_CLOSED : TLS_WAIT_READ;
        if (count < 0 && errno != EAGAIN && errno != EWOULDBLOCK) {
            stream_lost(error, strerror(errno));
            return -1;
        }
    }
    if (state == TLS_CLOSED)
        stream_lost(error, "the server closed it");
    if (state == TLS_CLOSED || state == TLS_FAILED)
        return -1;
    *events = state == TLS_WAIT_WRITE ? POLLOUT : POLLIN;
    if (state != TLS_BYTES)
        return 0;
    stream->end += got;
    stream->last_heard_us = clock_monotonic_us();
    return 1;
}

/* Until `wanted` bytes stand at `start`: 1 they do, 0 not in time, -1 failed. */
static int fill(MysqlStream *stream, size_t wanted, Wait *wait, Error *error)
{
    while (stream->end - stream->start < wanted) {
        make_room(stream, wanted);
        short events = POLLIN;
        int received = receive(stream, &events, error);
        if (received < 0)
            return -1;
        if (received > 0)
            continue;
        int64_t now = clock_monotonic_us();
        if (now - stream->last_heard_us > stream->silence_ms * 1000) {
            stream_lost(error, "no heartbeat arrived");
            return -1;
        }
        int64_t left_ms = wait_left_ms(wait, now);
        int ready = left_ms > 0 ? wait_ready(stream, events, left_ms) : 0;
        if (ready < 0) {
            stream_lost(error, strerror(errno));
            return -1;
        }
        if (ready == 0)
            return 0;
    }
    return 1;
}

/* A whole packet at `start`, its payload length in `*length`; not consumed. */
static int fill_packet(MysqlStream *stream, Wait *wait, size_t *length, Error *error)
{
    int state = fill(stream, 4, wait, error);
    if (state <= 0)
        return state;
    const uint8_t *head = stream->buffer + stream->start;
    *length = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
    return fill(stream, *length + 4, wait, error);
}

static StreamState next_from_socket(MysqlStream *stream, int64_t timeout_ms, const uint8_t **bytes,
                                    size_t *length, Error *error)
{
    Wait wait = {timeout_ms, 0};
    for (;;) {
        size_t payload = 0;
        int state = fill_packet(stream, &wait, &payload, error);
        if (state <= 0)
            return state == 0 ? STREAM_IDLE : STREAM_FAILED;
        const uint8_t *data = stream->buffer + stream->start + 4;
        stream->start += payload + 4;
        bool more = payload == PACKET_MAX;
        if (!more && stream->joined.length == 0) {
            *bytes = data;
            *length = payload;
            return STREAM_EVENT;
        }
        if (stream->joined.length + payload > EVENT_BYTES_MAX + 1) {
            error_set(error, ERROR_LIMIT, "a binlog event is larger than 1 GiB");
            return STREAM_FAILED;
        }
        buffer_append(&stream->joined, data, payload);
        if (!more) {
            *bytes = (const uint8_t *)stream->joined.data;
            *length = stream->joined.length;
            stream->joined_given = true;
            return STREAM_EVENT;
        }
    }
}

/* The usual case: a packet that has arrived whole and is an event alone. */
static bool next_is_here(MysqlStream *stream, const uint8_t **bytes, size_t *length)
{
    size_t held = stream->end - stream->start;
    if (held < 4 || stream->joined.length > 0)
        return false;
    const uint8_t *head = stream->buffer + stream->start;
    size_t payload = (size_t)head[0] | (size_t)head[1] << 8 | (size_t)head[2] << 16;
    if (payload == PACKET_MAX || held - 4 < payload)
        return false;
    *bytes = head + 4;
    *length = payload;
    stream->start += payload + 4;
    return true;
}

static StreamState next_from_library(MysqlStream *stream, const uint8_t **bytes, size_t *length,
                                     Error *error)
{
    unsigned long size = mysql_net_read_packet(stream->mysql);
    /* packet_error is 32 bits wide. */
    if ((uint32_t)size == UINT32_MAX) {
        mysql_connection_error(stream->mysql, "read the binlog", error);
        return STREAM_FAILED;
    }
    *bytes = stream->mysql->net.read_pos;
    *length = size;
    return STREAM_EVENT;
}

StreamState mysql_stream_next(MysqlStream *stream, int64_t timeout_ms, const uint8_t **bytes,
                              size_t *length, Error *error)
{
    StreamState state = STREAM_EVENT;
    if (stream->through_library) {
        state = next_from_library(stream, bytes, length, error);
    } else {
        /* What the last call gave is done with, unless a larger event is still being joined. */
        if (stream->joined_given) {
            buffer_clear(&stream->joined);
            stream->joined_given = false;
        }
        if (!next_is_here(stream, bytes, length))
            state = next_from_socket(stream, timeout_ms, bytes, length, error);
    }
    if (state != STREAM_EVENT)
        return state;
    if (*length == 0) {
        stream_lost(error, "an empty packet arrived");
        return STREAM_FAILED;
    }
    uint8_t mark = (*bytes)[0];
    if (mark == 0) {
        (*bytes)++;
        (*length)--;
        return STREAM_EVENT;
    }
    if (mark == 0xFF)
        server_error(*bytes, *length, error);
    else
        stream_lost(error, "the server has no more of it");
    return STREAM_FAILED;
}
