/* Binlog events from captured bytes of both servers and from events made by hand. */
#include <check.h>
#include <stdlib.h>

#include "core/changelog_text.h"
#include "core/str.h"
#include "tests/binlog_bytes.h"
#include "tests/suite.h"

/* Reads the event; fails the test when it cannot be read. */
static BinlogEvent event_of(const BinlogFormat *format, const char *hex, Buffer *bytes)
{
    BinlogEvent event;
    Error error = {0};
    buffer_clear(bytes);
    bytes_append(bytes, hex);
    ck_assert_msg(
        binlog_event_read(format, (const uint8_t *)bytes->data, bytes->length, &event, &error),
        "%s", error.message);
    return event;
}

static BinlogFormat format_of(const char *hex)
{
    BinlogFormat format;
    Buffer bytes = {0};
    Error error = {0};
    binlog_format_init(&format);
    BinlogEvent event = event_of(&format, hex, &bytes);
    ck_assert_msg(binlog_read_format(&format, &event, &error), "%s", error.message);
    buffer_deinit(&bytes);
    return format;
}

START_TEST(test_format)
{
    BinlogFormat mariadb = format_of(BYTES_MARIADB_FORMAT);
    ck_assert(mariadb.checksum);
    ck_assert_str_eq(mariadb.server_version, "10.11.19-MariaDB-0+deb12u1-log");
    ck_assert_uint_eq(mariadb.post_header[EVENT_TABLE_MAP], 8);
    BinlogFormat mysql = format_of(BYTES_MYSQL_FORMAT);
    ck_assert(mysql.checksum);
    ck_assert_str_eq(mysql.server_version, "5.6.24-log");
    ck_assert_uint_eq(mysql.post_header[EVENT_WRITE_ROWS_V2], 10);
}
END_TEST

START_TEST(test_rotate)
{
    BinlogFormat format;
    BinlogRotate rotate;
    Buffer bytes = {0};
    binlog_format_init(&format);
    BinlogEvent event = event_of(&format, BYTES_ROTATE, &bytes);
    ck_assert(binlog_read_rotate(&event, &rotate, NULL));
    ck_assert_str_eq(rotate.file, "binlog.000016");
    ck_assert_uint_eq(rotate.offset, 4);
    ck_assert_uint_eq(event.flags, EVENT_FLAG_ARTIFICIAL);
    buffer_deinit(&bytes);
}
END_TEST

START_TEST(test_checksum)
{
    BinlogFormat format = format_of(BYTES_MARIADB_FORMAT);
    Buffer bytes = {0};
    bytes_append(&bytes, BYTES_MARIADB_WRITE);
    for (size_t i = 0; i < bytes.length; i++) {
        BinlogEvent event;
        Error error = {0};
        bytes.data[i] ^= 0x10;
        ck_assert(!binlog_event_read(&format, (const uint8_t *)bytes.data, bytes.length, &event,
                                     &error) ||
                  event.type == EVENT_FORMAT_DESCRIPTION);
        bytes.data[i] ^= 0x10;
    }
    buffer_deinit(&bytes);
}
END_TEST

START_TEST(test_gtids)
{
    BinlogFormat mariadb = format_of(BYTES_MARIADB_FORMAT);
    BinlogFormat mysql = format_of(BYTES_MYSQL_FORMAT);
    Buffer bytes = {0};
    Buffer text = {0};
    Gtid gtid;
    GtidSet set = {0};
    uint8_t flags = 0;
    BinlogEvent event = event_of(&mariadb, BYTES_MARIADB_GTID, &bytes);
    ck_assert(binlog_read_gtid(&event, &gtid, &flags, NULL));
    gtid_print(&gtid, &text);
    ck_assert_str_eq(buffer_text(&text), "0-1-30");
    ck_assert_uint_eq(flags, 0x0c);
    event = event_of(&mysql, BYTES_MYSQL_GTID, &bytes);
    ck_assert(binlog_read_gtid(&event, &gtid, &flags, NULL));
    buffer_clear(&text);
    gtid_print(&gtid, &text);
    ck_assert_str_eq(buffer_text(&text), "65efa632-e5fa-11f1-a92b-02fc00000001:16");
    event = event_of(&mysql, BYTES_MYSQL_PREVIOUS, &bytes);
    ck_assert(binlog_read_previous_gtids(&event, &set, NULL));
    buffer_clear(&text);
    gtid_set_print(&set, &text);
    ck_assert_str_eq(buffer_text(&text), "65efa632-e5fa-11f1-a92b-02fc00000001:1-15");
    gtid_set_deinit(&set);
    event = event_of(&mariadb, BYTES_MARIADB_GTID_LIST, &bytes);
    ck_assert(binlog_read_gtid_list(&event, &set, NULL));
    buffer_clear(&text);
    gtid_set_print(&set, &text);
    ck_assert_str_eq(buffer_text(&text), "0-1-29");
    gtid_set_deinit(&set);
    buffer_deinit(&bytes);
    buffer_deinit(&text);
}
END_TEST

/* An event made by hand: a header without checksum around the body. */
static void make_event(Buffer *out, uint8_t type, Str body)
{
    buffer_clear(out);
    buffer_append_u32(out, 1700000000);
    buffer_append_u8(out, type);
    buffer_append_u32(out, 1);
    buffer_append_u32(out, (uint32_t)(EVENT_HEADER_BYTES + body.length));
    buffer_append_u32(out, 0);
    buffer_append_u8(out, 0);
    buffer_append_u8(out, 0);
    buffer_append_str(out, body);
}

static BinlogEvent made_event(const BinlogFormat *format, uint8_t type, const char *hex,
                              Buffer *bytes)
{
    Buffer body = {0};
    BinlogEvent event;
    bytes_append(&body, hex);
    make_event(bytes, type, (Str){body.data, body.length});
    buffer_deinit(&body);
    ck_assert(binlog_event_read(format, (const uint8_t *)bytes->data, bytes->length, &event, NULL));
    return event;
}

START_TEST(test_tagged_gtid)
{
    BinlogFormat format;
    Buffer bytes = {0};
    Buffer text = {0};
    Gtid gtid;
    uint8_t flags = 0;
    binlog_format_init(&format);
    /* Version 1, a size, the last needed field; flags; a uuid of 0x01 … 0x0f and 0xff, which takes
     * two bytes; sequence 300; tag "abc". */
    BinlogEvent event = made_event(&format, EVENT_GTID_TAGGED,
                                   "024a06"
                                   "0000"
                                   "02"
                                   "02040608"
                                   "0a0c0e10"
                                   "12141618"
                                   "1a1c1efd03"
                                   "04"
                                   "6109"
                                   "06"
                                   "06616263",
                                   &bytes);
    ck_assert(binlog_read_gtid(&event, &gtid, &flags, NULL));
    gtid_print(&gtid, &text);
    ck_assert_str_eq(buffer_text(&text), "01020304-0506-0708-090a-0b0c0d0e0fff:abc:300");
    buffer_deinit(&bytes);
    buffer_deinit(&text);
}
END_TEST

static void check_rows(const char *format_hex, const char *map_hex, const char *rows_hex,
                       const char *wanted)
{
    BinlogFormat format = format_of(format_hex);
    Arena *arena = arena_new(1024);
    Buffer map_bytes = {0}, row_bytes = {0}, scratch = {0}, text = {0};
    BinlogEvent event = event_of(&format, map_hex, &map_bytes);
    Error error = {0};
    TableMap *map = binlog_read_table_map(&format, &event, arena, &error);
    ck_assert_msg(map != NULL, "%s", error.message);
    ck_assert_str_eq(map->database, "d");
    ck_assert_str_eq(map->table, "t");
    ck_assert_uint_eq(map->column_count, 4);
    map->columns[0].is_unsigned = true;
    event = event_of(&format, rows_hex, &row_bytes);
    RowsEvent rows;
    ck_assert(binlog_read_rows(&format, &event, &scratch, &rows, &error));
    ck_assert_uint_eq(rows.table_id, map->id);
    ck_assert(binlog_rows_are_full(&rows));
    ck_assert(rows.statement_end);
    RowPlan plan;
    const Schema *schema = bytes_plan(arena, map, &plan);
    Batch *batch = batch_new(schema, 8);
    const uint8_t *at = rows.rows;
    while (at < rows.end) {
        ck_assert_msg(binlog_row_decode(&plan, &at, rows.end, batch, batch->row_count, NULL,
                                        &scratch, &error),
                      "%s", error.message);
        batch->row_count++;
    }
    changelog_print(batch, NULL, &text);
    ck_assert_str_eq(buffer_text(&text), wanted);
    /* The long way gives the same. */
    RowPlan general = bytes_general_plan(arena, &plan);
    batch->row_count = 0;
    for (at = rows.rows; at < rows.end; batch->row_count++)
        ck_assert(binlog_row_decode(&general, &at, rows.end, batch, batch->row_count, NULL,
                                    &scratch, &error));
    buffer_clear(&text);
    changelog_print(batch, NULL, &text);
    ck_assert_str_eq(buffer_text(&text), wanted);
    batch_release(batch);
    /* Cut anywhere, a row is an error and nothing is read behind it. */
    for (const uint8_t *end = rows.rows; end < rows.end; end++) {
        Batch *cut = batch_new(schema, 8);
        at = rows.rows;
        while (at < end && binlog_row_decode(&plan, &at, end, cut, 0, NULL, &scratch, NULL))
            ck_assert(at <= end);
        batch_release(cut);
    }
    buffer_deinit(&map_bytes);
    buffer_deinit(&row_bytes);
    buffer_deinit(&scratch);
    buffer_deinit(&text);
    arena_free(arena);
}

#define WRITTEN                                                                                    \
    "+I[1, x, -12345.67891, 2024-02-29 12:30:45.987000]\n+I[4294967295, NULL, NULL, NULL]\n"
#define UPDATED                                                                                    \
    "+I[1, x, -12345.67891, 2024-02-29 12:30:45.987000]\n"                                         \
    "+I[2, yy, -12345.67891, 2024-02-29 12:30:45.987000]\n"

START_TEST(test_rows)
{
    check_rows(BYTES_MARIADB_FORMAT, BYTES_MARIADB_MAP, BYTES_MARIADB_WRITE, WRITTEN);
    check_rows(BYTES_MARIADB_FORMAT, BYTES_MARIADB_MAP, BYTES_MARIADB_UPDATE, UPDATED);
    check_rows(BYTES_MYSQL_FORMAT, BYTES_MYSQL_MAP, BYTES_MYSQL_WRITE, WRITTEN);
    check_rows(BYTES_MYSQL_FORMAT, BYTES_MYSQL_MAP, BYTES_MYSQL_UPDATE, UPDATED);
}
END_TEST

START_TEST(test_minimal_image)
{
    BinlogFormat format = format_of(BYTES_MYSQL_FORMAT);
    Buffer bytes = {0}, scratch = {0};
    RowsEvent rows;
    format.checksum = false;
    /* Before: the key alone; after: one column. */
    BinlogEvent event = made_event(&format, EVENT_UPDATE_ROWS_V2,
                                   "470000000000"
                                   "0100"
                                   "0200"
                                   "04"
                                   "f1"
                                   "f2"
                                   "00",
                                   &bytes);
    ck_assert(binlog_read_rows(&format, &event, &scratch, &rows, NULL));
    ck_assert(!binlog_rows_are_full(&rows));
    buffer_deinit(&bytes);
    buffer_deinit(&scratch);
}
END_TEST

START_TEST(test_query)
{
    BinlogFormat format = format_of(BYTES_MYSQL_FORMAT);
    Buffer bytes = {0}, scratch = {0};
    BinlogQuery query;
    BinlogEvent event = event_of(&format, BYTES_MYSQL_BEGIN, &bytes);
    ck_assert(binlog_read_query(&event, &query, &scratch, NULL));
    ck_assert(str_equal(query.sql, STR("BEGIN")));
    ck_assert_uint_eq(query.database.length, 0);
    ck_assert(query.has_sql_mode);
    ck_assert_uint_eq(query.sql_mode, 0x40000000);
    buffer_deinit(&bytes);
    buffer_deinit(&scratch);
}
END_TEST

START_TEST(test_full_metadata)
{
    BinlogFormat format = format_of(BYTES_MYSQL_FORMAT);
    Arena *arena = arena_new(1024);
    Buffer bytes = {0};
    Error error = {0};
    format.checksum = false;
    /* INT UNSIGNED `a`, SET `s` ('x','yy'), ENUM `e` ('k'); an unknown field in between. */
    BinlogEvent event = made_event(&format, EVENT_TABLE_MAP,
                                   "470000000000"
                                   "0100"
                                   "0164"
                                   "00"
                                   "0174"
                                   "00"
                                   "03"
                                   "03fefe"
                                   "04"
                                   "f801f701"
                                   "06"
                                   "01"
                                   "01"
                                   "80"
                                   "0c"
                                   "01"
                                   "e0"
                                   "04"
                                   "06"
                                   "016101730165"
                                   "05"
                                   "06"
                                   "020178027979"
                                   "06"
                                   "03"
                                   "01016b",
                                   &bytes);
    TableMap *map = binlog_read_table_map(&format, &event, arena, &error);
    ck_assert_msg(map != NULL, "%s", error.message);
    ck_assert(map->has_names);
    ck_assert_str_eq(map->columns[0].name, "a");
    ck_assert(map->columns[0].has_sign && map->columns[0].is_unsigned);
    ck_assert_uint_eq(map->columns[1].type, MYSQL_SET);
    ck_assert_uint_eq(map->columns[1].label_count, 2);
    ck_assert(str_equal(map->columns[1].labels[1], STR("yy")));
    ck_assert_uint_eq(map->columns[2].type, MYSQL_ENUM);
    ck_assert(str_equal(map->columns[2].labels[0], STR("k")));
    ck_assert(!map->columns[0].nullable && map->columns[1].nullable && map->columns[2].nullable);
    buffer_deinit(&bytes);
    arena_free(arena);
}
END_TEST

START_TEST(test_xid)
{
    BinlogFormat format;
    Buffer bytes = {0};
    BinlogXid from_event, from_text;
    binlog_format_init(&format);
    BinlogEvent event = made_event(&format, EVENT_XA_PREPARE,
                                   "00"
                                   "03000000"
                                   "01000000"
                                   "01000000"
                                   "6162",
                                   &bytes);
    ck_assert(binlog_read_xa_prepare(&event, &from_event, NULL));
    ck_assert(binlog_xid_parse(STR("XA COMMIT X'61',X'62',3"), &from_text));
    ck_assert_uint_eq(from_event.length, from_text.length);
    ck_assert(memcmp(from_event.bytes, from_text.bytes, from_text.length) == 0);
    /* The same bytes, divided otherwise, are another transaction. */
    ck_assert(binlog_xid_parse(STR("XA COMMIT X'6162',X'',3"), &from_text));
    ck_assert(memcmp(from_event.bytes, from_text.bytes, from_text.length) != 0);
    ck_assert(!binlog_xid_parse(STR("XA COMMIT 'plain'"), &from_text));
    buffer_deinit(&bytes);
}
END_TEST

START_TEST(test_payload)
{
    BinlogFormat format;
    Buffer bytes = {0};
    BinlogPayload payload;
    binlog_format_init(&format);
    BinlogEvent event = made_event(&format, EVENT_TRANSACTION_PAYLOAD,
                                   "020100"
                                   "030120"
                                   "010103"
                                   "00"
                                   "aabbcc",
                                   &bytes);
    ck_assert(binlog_read_payload(&event, &payload, NULL));
    ck_assert(payload.zstd);
    ck_assert_uint_eq(payload.unpacked_bytes, 32);
    ck_assert_uint_eq(payload.length, 3);
    ck_assert_uint_eq(payload.bytes[0], 0xaa);
    event = made_event(&format, EVENT_TRANSACTION_PAYLOAD,
                       "020100"
                       "010109"
                       "00"
                       "aabbcc",
                       &bytes);
    ck_assert(!binlog_read_payload(&event, &payload, NULL));
    buffer_deinit(&bytes);
}
END_TEST

START_TEST(test_heartbeat)
{
    BinlogFormat format;
    Buffer bytes = {0};
    BinlogRotate at;
    binlog_format_init(&format);
    BinlogEvent event = made_event(&format, EVENT_HEARTBEAT_V2,
                                   "0105"
                                   "622e303031"
                                   "0203"
                                   "fc0102"
                                   "00",
                                   &bytes);
    ck_assert(binlog_read_heartbeat(&event, &at));
    ck_assert_str_eq(at.file, "b.001");
    ck_assert_uint_eq(at.offset, 0x201);
    buffer_deinit(&bytes);
}
END_TEST

int main(void)
{
    TCase *events = tcase_create("events");
    tcase_add_test(events, test_format);
    tcase_add_test(events, test_rotate);
    tcase_add_test(events, test_checksum);
    tcase_add_test(events, test_gtids);
    tcase_add_test(events, test_tagged_gtid);
    tcase_add_test(events, test_rows);
    tcase_add_test(events, test_minimal_image);
    tcase_add_test(events, test_query);
    tcase_add_test(events, test_full_metadata);
    tcase_add_test(events, test_xid);
    tcase_add_test(events, test_payload);
    tcase_add_test(events, test_heartbeat);
    return test_run("binlog_events", events);
}
