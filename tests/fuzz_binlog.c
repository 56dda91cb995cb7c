/* Any bytes through the binlog decoder: framing, the small events, table maps and rows into
 * batches.
 *
 * Hexadecimal digits in the input stand for bytes, anything else for itself, so that seeds are
 * text. Each event's own length, bounded by the input, says where the next one begins. */
#include "tests/fuzz_main.h"

#include <stdlib.h>

#include "connectors/mysql/source.h"
#include "core/changelog_text.h"
#include "tests/binlog_bytes.h"

const char *const fuzz_seeds[] = {
    BYTES_ROTATE BYTES_MARIADB_FORMAT BYTES_MARIADB_GTID_LIST BYTES_MARIADB_GTID BYTES_MARIADB_MAP
        BYTES_MARIADB_WRITE BYTES_MARIADB_UPDATE BYTES_XID,
    BYTES_ROTATE BYTES_MYSQL_FORMAT BYTES_MYSQL_PREVIOUS BYTES_MYSQL_GTID BYTES_MYSQL_BEGIN
        BYTES_MYSQL_MAP BYTES_MYSQL_WRITE BYTES_MYSQL_UPDATE,
    BYTES_MARIADB_MAP BYTES_MARIADB_WRITE,
    BYTES_MYSQL_MAP BYTES_MYSQL_UPDATE,
    "000000000000000000002000000001000000000000000b010061620c0102",
    NULL,
};

typedef struct Run {
    BinlogFormat format;
    Arena *arena;
    const TableMap *map;
    RowPlan plan;
    const Schema *schema;
    Buffer scratch;
    Buffer text;
} Run;

/* Rows as text, by this plan; how many were good is in `*count`. */
static void rows_text(Run *run, const RowPlan *plan, const RowsEvent *rows, Buffer *text,
                      uint32_t *count)
{
    const uint8_t *at = rows->rows, *before = at;
    Batch *batch = batch_new(run->schema, 16);
    Str keys[1];
    for (uint32_t i = 0; i < 16 && at < rows->end; i++) {
        bool part = rows->partial_json && i % 2 == 1;
        const uint8_t *start = at;
        bool good = part ? binlog_row_decode_partial(plan, before, &at, rows->end, batch,
                                                     batch->row_count, keys, &run->scratch, NULL)
                         : binlog_row_decode(plan, &at, rows->end, batch, batch->row_count, keys,
                                             &run->scratch, NULL);
        if (!good)
            break;
        before = start;
        batch->row_count++;
    }
    *count = batch->row_count;
    buffer_clear(text);
    changelog_print(batch, NULL, text);
    batch_release(batch);
}

/* Short ways and long ones must agree, also on what is wrong. */
static void compare_plans(Run *run, const RowsEvent *rows)
{
    Buffer other = {0};
    RowPlan general = bytes_general_plan(run->arena, &run->plan);
    uint32_t count = 0, general_count = 0;
    rows_text(run, &run->plan, rows, &run->text, &count);
    rows_text(run, &general, rows, &other, &general_count);
    if (count != general_count || strcmp(buffer_text(&run->text), buffer_text(&other)) != 0)
        abort();
    buffer_deinit(&other);
}

static void run_rows(Run *run, const BinlogEvent *event)
{
    RowsEvent rows;
    Buffer unpacked = {0};
    if (binlog_read_rows(&run->format, event, &unpacked, &rows, NULL) && run->map != NULL &&
        rows.column_count == run->map->column_count && binlog_rows_are_full(&rows)) {
        compare_plans(run, &rows);
        uint32_t ends[KEY_COLUMNS_MAX];
        const uint8_t *at = rows.rows;
        buffer_clear(&run->text);
        bool read = binlog_row_key_literals(&run->plan, &at, rows.end, &run->text, ends,
                                            &run->scratch, NULL);
        (void)read;
    }
    buffer_deinit(&unpacked);
}

static void run_query(Run *run, const BinlogEvent *event)
{
    BinlogQuery query;
    BinlogXid xid;
    Buffer unpacked = {0};
    if (binlog_read_query(event, &query, &unpacked, NULL)) {
        mysql_statement_kind(query.sql);
        mysql_statement_names(query.sql, query.database, "d", "t");
        bool read = binlog_xid_parse(query.sql, &xid);
        (void)read;
    }
    buffer_deinit(&unpacked);
}

static void run_event(Run *run, const BinlogEvent *event)
{
    GtidSet set = {0};
    Gtid gtid;
    BinlogRotate rotate;
    BinlogPayload payload;
    BinlogXid xid;
    uint8_t flags = 0;
    bool read = false;
    switch (event->type) {
    case EVENT_FORMAT_DESCRIPTION:
        read = binlog_read_format(&run->format, event, NULL);
        /* Mutated bytes have no right checksum: the rest is looked at without. */
        run->format.checksum = false;
        break;
    case EVENT_ROTATE:
        read = binlog_read_rotate(event, &rotate, NULL);
        break;
    case EVENT_HEARTBEAT:
    case EVENT_HEARTBEAT_V2:
        read = binlog_read_heartbeat(event, &rotate);
        break;
    case EVENT_GTID:
    case EVENT_GTID_TAGGED:
    case EVENT_MARIADB_GTID:
        read = binlog_read_gtid(event, &gtid, &flags, NULL);
        break;
    case EVENT_PREVIOUS_GTIDS:
        read = binlog_read_previous_gtids(event, &set, NULL);
        break;
    case EVENT_MARIADB_GTID_LIST:
        read = binlog_read_gtid_list(event, &set, NULL);
        break;
    case EVENT_QUERY:
    case EVENT_MARIADB_QUERY_COMPRESSED:
        run_query(run, event);
        break;
    case EVENT_XA_PREPARE:
        read = binlog_read_xa_prepare(event, &xid, NULL);
        break;
    case EVENT_TRANSACTION_PAYLOAD:
        read = binlog_read_payload(event, &payload, NULL);
        break;
    case EVENT_TABLE_MAP:
        run->map = binlog_read_table_map(&run->format, event, run->arena, NULL);
        if (run->map != NULL)
            run->schema = bytes_plan(run->arena, run->map, &run->plan);
        break;
    default:
        if (binlog_is_rows(event->type))
            run_rows(run, event);
        break;
    }
    (void)read;
    gtid_set_deinit(&set);
}

static void unhex(const uint8_t *data, size_t size, Buffer *out)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t at = 0; at < size; at++) {
        const char *high = data[at] == 0 ? NULL : strchr(digits, data[at]);
        const char *low = at + 1 < size && data[at + 1] != 0 ? strchr(digits, data[at + 1]) : NULL;
        if (high != NULL && low != NULL) {
            buffer_append_u8(out, (uint8_t)((high - digits) << 4 | (low - digits)));
            at++;
        } else {
            buffer_append_u8(out, data[at]);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Run run = {.arena = arena_new(1024)};
    Buffer bytes = {0};
    binlog_format_init(&run.format);
    unhex(data, size, &bytes);
    buffer_clear(&run.text);
    bool printed = mysql_json_print((const uint8_t *)bytes.data, bytes.length, &run.text);
    /* The same bytes as changes of [{"a": 1}, 7]. */
    static const char document[] = "\x02\x02\x00\x15\x00\x00\x0a\x00\x05\x07\x00"
                                   "\x01\x00\x0b\x00\x0a\x00\x01\x00\x05\x01\x00\x61";
    printed = mysql_json_print_changed((Str){document, sizeof(document) - 1},
                                       (Str){bytes.data, bytes.length}, &run.text);
    (void)printed;
    size_t at = 0;
    while (bytes.length - at >= EVENT_HEADER_BYTES) {
        uint8_t *start = (uint8_t *)bytes.data + at;
        size_t left = bytes.length - at;
        size_t length = (size_t)binlog_u(start + 9, 4);
        if (length < EVENT_HEADER_BYTES || length > left) {
            length = left;
            for (int i = 0; i < 4; i++)
                start[9 + i] = (uint8_t)(length >> (8 * i));
        }
        BinlogEvent event;
        /* A copy of its own, so that a read past the event is seen. */
        uint8_t *copy = malloc(length);
        if (copy == NULL)
            break;
        memcpy(copy, start, length);
        if (binlog_event_read(&run.format, copy, length, &event, NULL)) {
            if (length >= EVENT_HEADER_BYTES + 4 && event.type != EVENT_ROTATE &&
                event.type != EVENT_FORMAT_DESCRIPTION)
                event.end -= 4;
            run_event(&run, &event);
        }
        free(copy);
        at += length;
    }
    buffer_deinit(&bytes);
    buffer_deinit(&run.scratch);
    buffer_deinit(&run.text);
    arena_free(run.arena);
    return 0;
}
