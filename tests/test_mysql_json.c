/* Binary JSON made by hand, and the server's text for it. */
#include <check.h>
#include <stdlib.h>

#include "core/str.h"
#include "tests/binlog_bytes.h"

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
    Suite *suite = suite_create("mysql_json");
    TCase *json = tcase_create("json");
    tcase_add_test(json, test_squeeze);
    tcase_add_test(json, test_damaged_geometry);
    tcase_add_test(json, test_scalars);
    tcase_add_test(json, test_doubles);
    tcase_add_test(json, test_containers);
    tcase_add_test(json, test_nesting);
    tcase_add_test(json, test_opaque);
    suite_add_tcase(suite, json);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
