/* Values as text: known forms, and random values that come back. */
#include <check.h>
#include <stdlib.h>

#include "core/str.h"
#include "core/value_text.h"
#include "tests/random_rows.h"

/* NULL for `wanted`: must be refused. */
static void check_value(const Type *type, const char *text, const char *wanted)
{
    Arena *arena = arena_new(0);
    Vector vector;
    vector_init(&vector, type, 1, arena);
    Error error = {0};
    bool good = value_parse(&vector, 0, str_of(text), NULL, arena, &error);
    ck_assert_msg(good == (wanted != NULL), "\"%s\": %s", text, error.message);
    if (good) {
        Buffer out = {0};
        value_print(&vector, 0, NULL, &out);
        ck_assert_str_eq(buffer_text(&out), wanted);
        buffer_deinit(&out);
    } else {
        ck_assert_int_eq(error.code, ERROR_DATA);
    }
    arena_free(arena);
}

START_TEST(test_scalars)
{
    Arena *arena = arena_new(0);
    static const char *const yes[] = {"true", "T", "Yes", "y", "1"};
    static const char *const no[] = {"FALSE", "f", "no", "N", "0"};
    for (size_t i = 0; i < array_count(yes); i++) {
        check_value(&type_boolean, yes[i], "TRUE");
        check_value(&type_boolean, no[i], "FALSE");
    }
    check_value(&type_boolean, "2", NULL);
    check_value(&type_tinyint, "1.234", "1");
    check_value(&type_tinyint, " -128 ", "-128");
    check_value(&type_tinyint, "-130", NULL);
    check_value(&type_smallint, "32768", NULL);
    check_value(&type_int, "+5", "5");
    check_value(&type_int, "", NULL);
    check_value(&type_int, "12x", NULL);
    check_value(&type_int, "1e3", NULL);
    check_value(&type_bigint, "-9223372036854775808", "-9223372036854775808");
    check_value(&type_bigint, "9223372036854775808", NULL);
    check_value(&type_bigint, "99999999999999999999999", NULL);
    check_value(type_new(arena, TYPE_DECIMAL, true, 5, 2), "123.455", "123.46");
    check_value(type_new(arena, TYPE_DECIMAL, true, 5, 2), "1234", NULL);
    check_value(&type_date, "2024-2-3", "2024-02-03");
    check_value(&type_date, "2024-02-30", NULL);
    check_value(type_new(arena, TYPE_TIME, true, 3, 0), "1:02:03.4567", "01:02:03.456");
    check_value(&type_time, "1:02:03.9", "01:02:03");
    check_value(&type_timestamp_3, "2024-02-03 04:05:06.7899", "2024-02-03 04:05:06.789");
    check_value(type_new(arena, TYPE_TIMESTAMP, true, 9, 0), "2024-02-03 04:05:06.123456789",
                "2024-02-03 04:05:06.123456789");
    check_value(&type_interval_month, "-1-02", "-1-02");
    check_value(&type_interval_second, "+3 01:02:03.004", "+3 01:02:03.004");
    check_value(&type_interval_second, "3", NULL);
    check_value(type_new(arena, TYPE_VARCHAR, true, 2, 0), "\xC3\xA9\xC3\xA9\xC3\xA9",
                "\xC3\xA9\xC3\xA9");
    check_value(type_new(arena, TYPE_BINARY, true, 3, 0), "a", "x'610000'");
    check_value(type_new(arena, TYPE_VARBINARY, true, 1, 0), "ab", "x'61'");
    arena_free(arena);
}
END_TEST

START_TEST(test_floats)
{
    static const char *const same[] = {
        "0.0",      "-0.0",       "1.0",      "0.001",    "9999999.0", "1.0E7",
        "1.0E-4",   "123456.789", "NaN",      "Infinity", "-Infinity", "4.9E-324",
        "9.9E-324", "1.5E-323",   "2.0E-323", "2.0E-300", "5.0E-320",  "1.7976931348623157E308",
        "0.1"};
    for (size_t i = 0; i < array_count(same); i++)
        check_value(&type_double, same[i], same[i]);
    check_value(&type_double, "1e400", "Infinity");
    check_value(&type_double, "-1e400", "-Infinity");
    check_value(&type_double, "1e-400", "0.0");
    check_value(&type_double, "  12 ", "12.0");
    check_value(&type_double, "1.5.2", NULL);
    check_value(&type_double, "+-1", NULL);
    check_value(&type_double, "", NULL);
    check_value(&type_double, "0x10", NULL);
    check_value(&type_float, "3.4028235E38", "3.4028235E38");
    check_value(&type_float, "0.1", "0.1");
    check_value(&type_float, "1e-45", "1.4E-45");
    check_value(&type_float, "3e-45", "2.8E-45");
    check_value(&type_float, "1.0E-40", "1.0E-40");
    check_value(&type_float, "5e-324", "0.0");
    check_value(&type_double, "5e-324", "4.9E-324");
    check_value(&type_float, "1e39", "Infinity");
}
END_TEST

START_TEST(test_zone)
{
    Arena *arena = arena_new(0);
    Error error;
    const TimeZone *zone = time_zone_open(arena, "Europe/Berlin", &error);
    ck_assert_ptr_nonnull(zone);
    Vector vector;
    vector_init(&vector, &type_timestamp_ltz_3, 1, arena);
    ck_assert(value_parse(&vector, 0, STR("2024-07-01 12:00:00.5"), zone, arena, &error));
    Buffer out = {0};
    value_print(&vector, 0, NULL, &out);
    buffer_append_char(&out, '|');
    value_print(&vector, 0, zone, &out);
    ck_assert_str_eq(buffer_text(&out), "2024-07-01 10:00:00.500|2024-07-01 12:00:00.500");
    buffer_deinit(&out);
    arena_free(arena);
}
END_TEST

/* Flat types only; bytes are printed as hexadecimal and so do not come back. */
START_TEST(test_round_trip)
{
    Random random = random_seed("value text");
    Arena *arena = arena_new(0);
    const Schema *schema = random_schema(arena, false);
    Batch *batch = random_batch(&random, schema, 500);
    Buffer text = {0};
    Error error;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        const Vector *source = &batch->columns[c];
        if (type_is_bytes(source->type))
            continue;
        Vector back;
        vector_init(&back, source->type, 1, arena);
        for (uint32_t row = 0; row < 500; row++) {
            if (vector_is_null(source, row))
                continue;
            buffer_clear(&text);
            value_print(source, row, NULL, &text);
            ck_assert_msg(value_parse(&back, 0, (Str){text.data, text.length}, NULL, arena, &error),
                          "%s", buffer_text(&text));
            ck_assert_msg(vector_values_equal(&back, 0, source, row), "%s", buffer_text(&text));
        }
    }
    buffer_deinit(&text);
    batch_release(batch);
    arena_free(arena);
}
END_TEST

START_TEST(test_nested)
{
    Arena *arena = arena_new(0);
    const Type *multiset =
        type_new_nested(arena, TYPE_MULTISET, true, &(TypeField){NULL, &type_int}, 1);
    const Type *map = type_new_nested(arena, TYPE_MAP, true,
                                      (TypeField[]){{NULL, &type_string}, {NULL, &type_int}}, 2);
    const Type *row =
        type_new_nested(arena, TYPE_ROW, true, (TypeField[]){{"m", map}, {"s", multiset}}, 2);
    Vector vector;
    vector_init(&vector, row, 1, arena);
    uint32_t at = vector_list_append(&vector.children[0], 0, 2, arena);
    vector_set_str(&vector.children[0].children[0], at, STR("a"), arena);
    vector_set_str(&vector.children[0].children[0], at + 1, STR("b"), arena);
    ((int32_t *)vector.children[0].children[1].data)[at] = 1;
    vector_set_null(&vector.children[0].children[1], at + 1, arena);
    at = vector_list_append(&vector.children[1], 0, 3, arena);
    for (int32_t i = 0; i < 3; i++)
        ((int32_t *)vector.children[1].children[0].data)[at + (uint32_t)i] = i == 1 ? 5 : 7;
    Buffer out = {0};
    value_print(&vector, 0, NULL, &out);
    ck_assert_str_eq(buffer_text(&out), "({a=1, b=NULL}, {5=1, 7=2})");
    buffer_deinit(&out);
    Error error;
    ck_assert(!value_parse(&vector, 0, STR("(1)"), NULL, arena, &error));
    ck_assert_int_eq(error.code, ERROR_UNSUPPORTED);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("value_text");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_scalars);
    tcase_add_test(tests, test_floats);
    tcase_add_test(tests, test_zone);
    tcase_add_test(tests, test_round_trip);
    tcase_add_test(tests, test_nested);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
