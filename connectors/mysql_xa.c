/* XA transactions: the binlog has their rows when they are prepared, and the decision later,
 * perhaps much later and behind other transactions.
 *
 * The events of a prepared transaction are kept, in memory up to 8 MiB and then in an unnamed file;
 * the base of the source's position stays before the oldest prepared one, so a restart reads it
 * again. */
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql_source.h"

#define XA_MEMORY_MAX (8u << 20)

void mysql_xa_free(XaTransaction *transaction)
{
    if (transaction == NULL)
        return;
    buffer_deinit(&transaction->events);
    if (transaction->spill != NULL)
        fclose(transaction->spill);
    memory_free(transaction);
}

void mysql_xa_begin(BinlogReader *reader, const BinlogXid *xid)
{
    mysql_xa_free(reader->filling);
    reader->filling = memory_zalloc(sizeof(XaTransaction));
    reader->filling->xid = *xid;
}

void mysql_xa_store(BinlogReader *reader, const uint8_t *bytes, size_t length)
{
    XaTransaction *to = reader->filling;
    buffer_append_u32(&to->events, (uint32_t)length);
    buffer_append(&to->events, bytes, length);
    if (to->events.length < XA_MEMORY_MAX)
        return;
    if (to->spill == NULL)
        to->spill = tmpfile();
    /* Without room on disk it stays in memory, as long as that lasts. */
    if (to->spill != NULL &&
        fwrite(to->events.data, 1, to->events.length, to->spill) == to->events.length) {
        to->bytes += to->events.length;
        buffer_clear(&to->events);
    }
}

void mysql_xa_prepared(BinlogReader *reader)
{
    if (reader->filling == NULL)
        return;
    if (reader->prepared_count == reader->prepared_capacity) {
        reader->prepared_capacity =
            reader->prepared_capacity == 0 ? 4 : reader->prepared_capacity * 2;
        reader->prepared =
            memory_realloc(reader->prepared, reader->prepared_capacity * sizeof(XaTransaction *));
    }
    reader->prepared[reader->prepared_count++] = reader->filling;
    reader->filling = NULL;
}

XaTransaction *mysql_xa_take(BinlogReader *reader, const BinlogXid *xid)
{
    for (uint32_t i = 0; i < reader->prepared_count; i++) {
        XaTransaction *transaction = reader->prepared[i];
        if (transaction->xid.length != xid->length ||
            memcmp(transaction->xid.bytes, xid->bytes, xid->length) != 0)
            continue;
        memmove(reader->prepared + i, reader->prepared + i + 1,
                (reader->prepared_count - i - 1) * sizeof(XaTransaction *));
        reader->prepared_count--;
        if (transaction->spill != NULL)
            rewind(transaction->spill);
        return transaction;
    }
    return NULL;
}

/* The spilled part comes first, then what stayed in memory. */
bool mysql_xa_next(BinlogReader *reader, const uint8_t **bytes, size_t *length)
{
    XaTransaction *from = reader->replaying;
    uint8_t head[4];
    if (from->bytes > 0 && from->spill != NULL && fread(head, 1, 4, from->spill) == 4) {
        *length = (size_t)binlog_u(head, 4);
        from->bytes -= 4 + *length;
        buffer_clear(&reader->replay_event);
        char *target = buffer_reserve(&reader->replay_event, *length);
        if (fread(target, 1, *length, from->spill) != *length)
            return false;
        *bytes = (const uint8_t *)target;
        return true;
    }
    if (from->events.length - reader->replay_at < 4)
        return false;
    const uint8_t *at = (const uint8_t *)from->events.data + reader->replay_at;
    *length = (size_t)binlog_u(at, 4);
    *bytes = at + 4;
    reader->replay_at += 4 + *length;
    return true;
}
