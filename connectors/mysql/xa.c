/* XA transactions: the binlog has their rows when they are prepared, and the decision later,
 * perhaps much later and behind other transactions.
 *
 * A prepared transaction is known by its place in the binlog, and its place is part of every
 * checkpoint until it is decided. The events of those that were seen are kept, in memory up to
 * 8 MiB and then in an unnamed file; those of a restored one are read again when it is committed.
 *
 * Invariant: a list says what was prepared and not decided as of one position (the tail, the mark,
 * the base); a transaction lives as long as a list or a replay refers to it. Nearly always all
 * lists are empty and nothing here costs anything. */
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/source.h"

#define XA_MEMORY_MAX (8u << 20)

XaTransaction *mysql_xa_new(const BinlogXid *xid)
{
    XaTransaction *transaction = memory_zalloc(sizeof(XaTransaction));
    transaction->references = 1;
    transaction->xid = *xid;
    transaction->loaded = true;
    return transaction;
}

void mysql_xa_release(XaTransaction *transaction)
{
    if (transaction == NULL || --transaction->references > 0)
        return;
    buffer_deinit(&transaction->events);
    if (transaction->spill != NULL)
        fclose(transaction->spill);
    mysql_position_deinit(&transaction->start);
    memory_free(transaction);
}

void mysql_xa_store(XaTransaction *to, const uint8_t *bytes, size_t length)
{
    buffer_append_u32(&to->events, (uint32_t)length);
    buffer_append(&to->events, bytes, length);
    if (to->events.length < XA_MEMORY_MAX)
        return;
    if (to->spill == NULL)
        to->spill = tmpfile();
    /* Without room on disk it stays in memory, as long as that lasts. */
    if (to->spill != NULL && fseek(to->spill, (long)to->spilled, SEEK_SET) == 0 &&
        fwrite(to->events.data, 1, to->events.length, to->spill) == to->events.length) {
        to->spilled += to->events.length;
        buffer_clear(&to->events);
    }
}

/* ------------------------------------------------------------------- lists */

static bool same_xid(const BinlogXid *a, const BinlogXid *b)
{
    return a->length == b->length && memcmp(a->bytes, b->bytes, a->length) == 0;
}

static void list_clear(XaList *list)
{
    for (uint32_t i = 0; i < list->count; i++)
        mysql_xa_release(list->items[i]);
    list->count = 0;
}

static void list_append(XaList *list, XaTransaction *transaction)
{
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 4 : list->capacity * 2;
        list->items = memory_realloc(list->items, list->capacity * sizeof(XaTransaction *));
    }
    transaction->references++;
    list->items[list->count++] = transaction;
}

void mysql_xa_list_copy(XaList *to, const XaList *from)
{
    if (to->count == 0 && from->count == 0)
        return;
    /* What both have must not go in between. */
    XaList old = *to;
    *to = (XaList){0};
    for (uint32_t i = 0; i < from->count; i++)
        list_append(to, from->items[i]);
    mysql_xa_list_deinit(&old);
}

XaTransaction *mysql_xa_list_find(const XaList *list, const BinlogXid *xid)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (same_xid(&list->items[i]->xid, xid))
            return list->items[i];
    }
    return NULL;
}

void mysql_xa_list_remove(XaList *list, const BinlogXid *xid)
{
    for (uint32_t i = 0; i < list->count; i++) {
        if (!same_xid(&list->items[i]->xid, xid))
            continue;
        mysql_xa_release(list->items[i]);
        list->count--;
        memmove(list->items + i, list->items + i + 1, (list->count - i) * sizeof(XaTransaction *));
        return;
    }
}

void mysql_xa_list_add(XaList *list, XaTransaction *transaction)
{
    mysql_xa_list_remove(list, &transaction->xid);
    list_append(list, transaction);
}

void mysql_xa_list_deinit(XaList *list)
{
    list_clear(list);
    memory_free(list->items);
    *list = (XaList){0};
}

void mysql_xa_list_write(const XaList *list, Buffer *out)
{
    buffer_append_u32(out, list->count);
    for (uint32_t i = 0; i < list->count; i++) {
        const BinlogXid *xid = &list->items[i]->xid;
        buffer_append_bytes(out, (Str){(const char *)xid->bytes, xid->length});
        mysql_position_write(&list->items[i]->start, out);
    }
}

bool mysql_xa_list_read(XaList *list, Reader *reader, Error *error)
{
    uint32_t count = reader_u32(reader);
    for (uint32_t i = 0; i < count && !reader->failed; i++) {
        BinlogXid xid = {.length = 0};
        Str bytes = reader_bytes(reader);
        if (reader->failed || bytes.length > sizeof(xid.bytes))
            return error_set(error, ERROR_STATE,
                             "the checkpoint's list of XA transactions is damaged");
        memcpy(xid.bytes, bytes.data, bytes.length);
        xid.length = (uint32_t)bytes.length;
        XaTransaction *transaction = mysql_xa_new(&xid);
        transaction->loaded = false;
        bool good = mysql_position_read(&transaction->start, reader, error);
        if (good)
            mysql_xa_list_add(list, transaction);
        mysql_xa_release(transaction);
        if (!good)
            return false;
    }
    return true;
}

/* ------------------------------------------------------------------ replay */

void mysql_xa_replay(BinlogReader *reader, XaTransaction *transaction)
{
    reader->replaying = transaction;
    reader->replay_at = 0;
    reader->replay_spill = transaction->spilled;
    if (transaction->spill != NULL)
        rewind(transaction->spill);
}

/* The spilled part comes first, then what stayed in memory. */
bool mysql_xa_next(BinlogReader *reader, const uint8_t **bytes, size_t *length, bool *end,
                   Error *error)
{
    XaTransaction *from = reader->replaying;
    *end = false;
    if (reader->replay_spill > 0) {
        uint8_t head[4];
        bool good = fread(head, 1, 4, from->spill) == 4;
        *length = good ? (size_t)binlog_u(head, 4) : 0;
        buffer_clear(&reader->replay_event);
        char *target = buffer_reserve(&reader->replay_event, *length);
        if (!good || fread(target, 1, *length, from->spill) != *length)
            return error_set(error, ERROR_IO,
                             "the temporary file of an XA transaction cannot be read back");
        reader->replay_spill -= 4 + *length;
        *bytes = (const uint8_t *)target;
        return true;
    }
    *end = from->events.length - reader->replay_at < 4;
    if (*end)
        return true;
    const uint8_t *at = (const uint8_t *)from->events.data + reader->replay_at;
    *length = (size_t)binlog_u(at, 4);
    *bytes = at + 4;
    reader->replay_at += 4 + *length;
    return true;
}
