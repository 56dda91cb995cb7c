/* Binary JSON made by hand, and the server's text for it. */
#include <check.h>
#include <stdlib.h>

#include "core/str.h"
#include "tests/binlog_bytes.h"
#include "tests/suite.h"

static void check_json(const char *hex, const char *wanted)
{
    Buffer bytes = {0}, out = {0};
    bytes_append(&bytes, hex);
    bool good = mysql_json_print((const uint8_t *)bytes.data, bytes.length, &out);
    ck_assert_str_eq(good ? buffer_text(&out) : "?", wanted);
    /* Cut anywhere it is an error or shorter, never a read past the end. */
    for (size_t length = 1; length < bytes.length; length++) {
        uint8_t *copy = malloc(length);
        memcpy(copy, bytes.data, length);
        Buffer ignored = {0};
        good = mysql_json_print(copy, length, &ignored);
        (void)good;
        buffer_deinit(&ignored);
        free(copy);
    }
    buffer_deinit(&bytes);
    buffer_deinit(&out);
}

/* {"a": 1, "b": [true, "x"]} */
#define DOCUMENT                                                                                   \
    "00"                                                                                           \
    "02002500"                                                                                     \
    "12000100"                                                                                     \
    "13000100"                                                                                     \
    "050100"                                                                                       \
    "021400"                                                                                       \
    "6162"                                                                                         \
    "02000c00"                                                                                     \
    "040100"                                                                                       \
    "0c0a00"                                                                                       \
    "0178"                                                                                         \
    "0000000000"

static void append_change(Buffer *out, uint8_t kind, const char *path, const char *value_hex)
{
    buffer_append_u8(out, kind);
    buffer_append_u8(out, (uint8_t)strlen(path));
    buffer_append_text(out, path);
    if (value_hex == NULL)
        return;
    buffer_append_u8(out, (uint8_t)(strlen(value_hex) / 2));
    bytes_append(out, value_hex);
}

static void check_changes(const char *before_hex, const Buffer *changes, const char *wanted)
{
    Buffer before = {0}, out = {0};
    bytes_append(&before, before_hex);
    Str old = {before.data, before.length};
    bool good = mysql_json_print_changed(old, (Str){changes->data, changes->length}, &out);
    ck_assert_str_eq(good ? buffer_text(&out) : "?", wanted);
    /* Cut anywhere: refused, or the changes that are whole. */
    for (size_t length = 0; length < changes->length; length++) {
        char *copy = malloc(length + 1);
        memcpy(copy, changes->data, length);
        buffer_clear(&out);
        good = mysql_json_print_changed(old, (Str){copy, length}, &out);
        (void)good;
        free(copy);
    }
    buffer_deinit(&before);
    buffer_deinit(&out);
}

static void check_change(const char *before_hex, uint8_t kind, const char *path, const char *value,
                         const char *wanted)
{
    Buffer changes = {0};
    append_change(&changes, kind, path, value);
    check_changes(before_hex, &changes, wanted);
    buffer_deinit(&changes);
}

enum { REPLACE, INSERT, REMOVE };

START_TEST(test_replaced)
{
    check_change(DOCUMENT, REPLACE, "$.a", "0c0179", "{\"a\": \"y\", \"b\": [true, \"x\"]}");
    check_change(DOCUMENT, REPLACE, "$.b[1]", "0400", "{\"a\": 1, \"b\": [true, null]}");
    check_change(DOCUMENT, REPLACE, "$.b[last]", "050700", "{\"a\": 1, \"b\": [true, 7]}");
    check_change(DOCUMENT, REPLACE, "$.b[last-1]", "050700", "{\"a\": 1, \"b\": [7, \"x\"]}");
    check_change(DOCUMENT, REPLACE, "$.b", DOCUMENT,
                 "{\"a\": 1, \"b\": {\"a\": 1, \"b\": [true, \"x\"]}}");
    check_change(DOCUMENT, REPLACE, "$", "050700", "7");
    /* A value that is no array is its own first element. */
    check_change(DOCUMENT, REPLACE, "$.a[0]", "050700", "{\"a\": 7, \"b\": [true, \"x\"]}");
    check_change(DOCUMENT, REPLACE, "$.a[last]", "050700", "{\"a\": 7, \"b\": [true, \"x\"]}");
    check_change(DOCUMENT, REPLACE, "$.a[1]", "050700", "?");
    check_change(DOCUMENT, REPLACE, "$.c", "050700", "?");
    check_change(DOCUMENT, REPLACE, "$.b[2]", "050700", "?");
    check_change(DOCUMENT, REPLACE, "$.b[last-2]", "050700", "?");
    check_change(DOCUMENT, REPLACE, "$.a.b", "050700", "?");
}
END_TEST

START_TEST(test_inserted)
{
    /* Keys stand in the order of their length, then of their bytes. */
    check_change(DOCUMENT, INSERT, "$.aa", "050700", "{\"a\": 1, \"b\": [true, \"x\"], \"aa\": 7}");
    check_change(DOCUMENT, INSERT, "$.B", "050700", "{\"B\": 7, \"a\": 1, \"b\": [true, \"x\"]}");
    check_change(DOCUMENT, INSERT, "$.\"\\u00e9 \\\"q\\\"\"", "050700",
                 "{\"a\": 1, \"b\": [true, \"x\"], \"\xc3\xa9 \\\"q\\\"\": 7}");
    check_change(DOCUMENT, INSERT, "$.b[0]", "050700", "{\"a\": 1, \"b\": [7, true, \"x\"]}");
    check_change(DOCUMENT, INSERT, "$.b[1]", "050700", "{\"a\": 1, \"b\": [true, 7, \"x\"]}");
    check_change(DOCUMENT, INSERT, "$.b[9]", "050700", "{\"a\": 1, \"b\": [true, \"x\", 7]}");
    check_change(DOCUMENT, INSERT, "$.b[last]", "050700", "{\"a\": 1, \"b\": [true, 7, \"x\"]}");
    check_change("0000000400", INSERT, "$.k", "0401", "{\"k\": true}");
    check_change("0200000400", INSERT, "$[0]", "0401", "[true]");
    check_change(DOCUMENT, INSERT, "$.a", "050700", "?");
    check_change(DOCUMENT, INSERT, "$.a[0]", "050700", "?");
    check_change(DOCUMENT, INSERT, "$.b.k", "050700", "?");
    check_change(DOCUMENT, INSERT, "$[0]", "050700", "?");
    check_change(DOCUMENT, INSERT, "$", "050700", "?");
}
END_TEST

START_TEST(test_removed)
{
    check_change(DOCUMENT, REMOVE, "$.a", NULL, "{\"b\": [true, \"x\"]}");
    check_change(DOCUMENT, REMOVE, "$.b[0]", NULL, "{\"a\": 1, \"b\": [\"x\"]}");
    check_change(DOCUMENT, REMOVE, "$.b[last]", NULL, "{\"a\": 1, \"b\": [true]}");
    check_change(DOCUMENT, REMOVE, "$.b[2]", NULL, "?");
    check_change(DOCUMENT, REMOVE, "$.c", NULL, "?");
    check_change(DOCUMENT, REMOVE, "$", NULL, "?");
}
END_TEST

START_TEST(test_several_changes)
{
    Buffer changes = {0};
    check_changes(DOCUMENT, &changes, "{\"a\": 1, \"b\": [true, \"x\"]}");
    append_change(&changes, REPLACE, "$.b[0]", "0200000400");
    append_change(&changes, INSERT, "$.b[0][0]", "050300");
    append_change(&changes, REMOVE, "$.a", NULL);
    append_change(&changes, INSERT, "$.a", "0c0179");
    check_changes(DOCUMENT, &changes, "{\"a\": \"y\", \"b\": [[3], \"x\"]}");
    append_change(&changes, 3, "$.a", NULL);
    check_changes(DOCUMENT, &changes, "?");
    buffer_deinit(&changes);
}
END_TEST

START_TEST(test_paths_that_are_none)
{
    static const char *const paths[] = {
        "",         "a",         "$a",           "$.",  "$[",   "$[]",   "$[x]",           "$[1",
        "$[last-]", "$[last+1]", "$.\"a",        "$.*", "$[*]", "$**.a", "$[99999999999]", "$.\"\\",
        "$. a",     "$.\"\\x\"", "$.\"\\ud800\""};
    for (size_t i = 0; i < array_count(paths); i++)
        check_change(DOCUMENT, REPLACE, paths[i], "050700", "?");
}
END_TEST

START_TEST(test_squeeze)
{
    static const char *const cases[][2] = {
        {"{\"a\": 1, \"b\": [true, null]}", "{\"a\":1,\"b\":[true,null]}"},
        {"\"a, b: \\\" c, d\"", "\"a, b: \\\" c, d\""},
        {"{\"x\\\\\": \" , \"}", "{\"x\\\\\":\" , \"}"},
        {"", ""},
    };
    for (size_t i = 0; i < array_count(cases); i++) {
        Buffer out = {0};
        mysql_json_squeeze(str_of(cases[i][0]), &out);
        ck_assert_str_eq(buffer_text(&out), cases[i][1]);
        buffer_deinit(&out);
    }
}
END_TEST

/* Every cut of a geometry, and every damaged byte, is refused or read; none is read past its end.
 */
START_TEST(test_damaged_geometry)
{
    /* A collection of a point and a polygon of one ring, in both byte orders. */
    static const uint8_t whole[] = {0, 0,    0, 0, 1, 7, 0, 0,    0,    2,    0, 0, 0, 1, 1, 0,
                                    0, 0,    0, 0, 0, 0, 0, 0,    0xF0, 0x3F, 0, 0, 0, 0, 0, 0,
                                    0, 0x40, 0, 0, 0, 0, 3, 0,    0,    0,    1, 0, 0, 0, 1, 0x40,
                                    0, 0,    0, 0, 0, 0, 0, 0x3F, 0xF0, 0,    0, 0, 0, 0, 0};
    Buffer out = {0};
    ck_assert(mysql_geometry_print((Str){(const char *)whole, sizeof(whole)}, &out));
    ck_assert_str_eq(
        buffer_text(&out),
        "{\"srid\":0,\"type\":\"GeometryCollection\",\"geometries\":[{\"type\":\"Point\","
        "\"coordinates\":[1,2]},{\"type\":\"Polygon\",\"coordinates\":[[[2,1]]]}]}");
    for (size_t length = 0; length < sizeof(whole); length++) {
        uint8_t *copy = memory_alloc(length + 1);
        memcpy(copy, whole, length);
        buffer_clear(&out);
        ck_assert(!mysql_geometry_print((Str){(const char *)copy, length}, &out));
        memory_free(copy);
    }
    for (size_t at = 0; at < sizeof(whole); at++) {
        uint8_t *copy = memory_alloc(sizeof(whole));
        memcpy(copy, whole, sizeof(whole));
        copy[at] = (uint8_t)~copy[at];
        buffer_clear(&out);
        (void)!mysql_geometry_print((Str){(const char *)copy, sizeof(whole)}, &out);
        memory_free(copy);
    }
    buffer_deinit(&out);
}
END_TEST

START_TEST(test_scalars)
{
    check_json("", "null");
    check_json("0400", "null");
    check_json("0401", "true");
    check_json("0402", "false");
    check_json("0403", "?");
    check_json("05ffff", "-1");
    check_json("06ffff", "65535");
    check_json("0700000080", "-2147483648");
    check_json("08ffffffff", "4294967295");
    check_json("090000000000000080", "-9223372036854775808");
    check_json("0affffffffffffffff", "18446744073709551615");
    check_json("0c0568656c6c6f", "\"hello\"");
    check_json("0c08225c0a090d080c01", "\"\\\"\\\\\\n\\t\\r\\b\\f\\u0001\"");
    check_json("0c", "?");
    check_json("20", "?");
}
END_TEST

START_TEST(test_doubles)
{
    check_json("0b000000000000f03f", "1.0");
    check_json("0b9a9999999999b93f", "0.1");
    check_json("0b00000000000000c0", "-2.0");
    check_json("0b59f3f8c21f6ea501", "1e-300");
    check_json("0bea8ca039593e2946", "1e30");
    check_json("0b0000000000000080", "-0.0");
}
END_TEST

START_TEST(test_containers)
{
    check_json("0000000400", "{}");
    check_json("0200000400", "[]");
    /* {"a": 1, "b": [true, "x"]} */
    check_json("00"
               "0200"
               "2500"
               "1200"
               "0100"
               "1300"
               "0100"
               "05"
               "0100"
               "02"
               "1400"
               "61"
               "62"
               "0200"
               "0c00"
               "04"
               "0100"
               "0c"
               "0a00"
               "0178"
               "0000000000",
               "{\"a\": 1, \"b\": [true, \"x\"]}");
    /* The large form: [-1] with the number in its entry. */
    check_json("03"
               "01000000"
               "0d000000"
               "07"
               "ffffffff",
               "[-1]");
    /* More entries than there is room for. */
    check_json("02ffff0400", "?");
    /* An offset behind the end. */
    check_json("0201000700"
               "0cffff",
               "?");
}
END_TEST

START_TEST(test_nesting)
{
    /* An array whose element is itself would never end. */
    check_json("0201000700"
               "020000",
               "?");
}
END_TEST

START_TEST(test_opaque)
{
    check_json("0ff604020181"
               "01",
               "1.1");
    check_json("0f0a080000000000bab219", "\"2024-02-29\"");
    check_json("0fff03010203", "\"base64:type255:AQID\"");
    check_json("0ffe020102", "\"base64:type254:AQI=\"");
    check_json("0ff6", "?");
}
END_TEST

int main(void)
{
    TCase *json = tcase_create("json");
    tcase_add_test(json, test_squeeze);
    tcase_add_test(json, test_damaged_geometry);
    tcase_add_test(json, test_scalars);
    tcase_add_test(json, test_doubles);
    tcase_add_test(json, test_containers);
    tcase_add_test(json, test_nesting);
    tcase_add_test(json, test_opaque);
    tcase_add_test(json, test_replaced);
    tcase_add_test(json, test_inserted);
    tcase_add_test(json, test_removed);
    tcase_add_test(json, test_several_changes);
    tcase_add_test(json, test_paths_that_are_none);
    return test_run("mysql_json", json);
}
