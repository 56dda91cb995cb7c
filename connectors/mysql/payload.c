/* TRANSACTION_PAYLOAD: a transaction's events packed into one (MySQL 8.0.20 and later).
 *
 * The packed bytes are kept, their events unpacked one after the other: memory holds the packed
 * transaction and one event. */
#include <string.h>
#include <zstd.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/source.h"

#define EVENT_BYTES_MAX (1u << 30)

bool mysql_payload_begin(BinlogReader *reader, const BinlogEvent *event, Error *error)
{
    BinlogPayload payload;
    if (!binlog_read_payload(event, &payload, error))
        return false;
    buffer_clear(&reader->payload_packed);
    buffer_append(&reader->payload_packed, payload.bytes, payload.length);
    reader->payload_at = 0;
    reader->payload_active = true;
    reader->payload_zstd = payload.zstd;
    if (reader->payload_context == NULL)
        reader->payload_context = ZSTD_createDCtx();
    if (reader->payload_context == NULL)
        memory_exhausted(0);
    ZSTD_DCtx_reset(reader->payload_context, ZSTD_reset_session_only);
    return true;
}

/* Unpacks until the event buffer has `wanted` bytes; false at the end of the payload. */
static bool payload_fill(BinlogReader *reader, size_t wanted, bool *damaged)
{
    Buffer *event = &reader->payload_event;
    const Buffer *packed = &reader->payload_packed;
    while (event->length < wanted) {
        size_t left = packed->length - reader->payload_at;
        size_t room = wanted - event->length;
        char *target = buffer_reserve(event, room);
        if (!reader->payload_zstd) {
            size_t take = left < room ? left : room;
            if (take == 0)
                return false;
            memcpy(target, packed->data + reader->payload_at, take);
            reader->payload_at += take;
            event->length += take;
            continue;
        }
        ZSTD_inBuffer in = {packed->data, packed->length, reader->payload_at};
        ZSTD_outBuffer out = {target, room, 0};
        size_t result = ZSTD_decompressStream(reader->payload_context, &out, &in);
        *damaged = ZSTD_isError(result) != 0;
        if (*damaged || (out.pos == 0 && in.pos == reader->payload_at))
            return false;
        reader->payload_at = in.pos;
        event->length += out.pos;
    }
    return true;
}

bool mysql_payload_next(BinlogReader *reader, const uint8_t **bytes, size_t *length, bool *end,
                        Error *error)
{
    bool damaged = false;
    *end = false;
    buffer_clear(&reader->payload_event);
    if (!payload_fill(reader, EVENT_HEADER_BYTES, &damaged)) {
        if (damaged || reader->payload_event.length > 0)
            return binlog_malformed(EVENT_TRANSACTION_PAYLOAD, "it cannot be unpacked", error);
        *end = true;
        return true;
    }
    size_t size = (size_t)binlog_u((const uint8_t *)reader->payload_event.data + 9, 4);
    if (size < EVENT_HEADER_BYTES || size > EVENT_BYTES_MAX ||
        !payload_fill(reader, size, &damaged))
        return binlog_malformed(EVENT_TRANSACTION_PAYLOAD, "an event in it is cut", error);
    *bytes = (const uint8_t *)reader->payload_event.data;
    *length = size;
    return true;
}

void mysql_payload_close(BinlogReader *reader)
{
    ZSTD_freeDCtx(reader->payload_context);
    reader->payload_context = NULL;
    buffer_deinit(&reader->payload_packed);
    buffer_deinit(&reader->payload_event);
}
