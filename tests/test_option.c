/* Option tables: what they accept, what they refuse and how they say it. */
#include <check.h>
#include <stdlib.h>

#include "core/option.h"

static const OptionSpec specs[] = {
    {.name = "path", .type = OPTION_TEXT, .required = true, .doc = "Where."},
    {.name = "password", .type = OPTION_SECRET, .doc = "Secret."},
    {.name = "header", .type = OPTION_BOOLEAN, .fallback = "false", .doc = "Header."},
    {.name = "rows",
     .type = OPTION_INTEGER,
     .fallback = "10",
     .minimum = 1,
     .maximum = 100,
     .doc = "Rows."},
    {.name = "rate", .type = OPTION_DOUBLE, .fallback = "0.5", .doc = "Rate."},
    {.name = "delay", .type = OPTION_DURATION, .fallback = "1 min", .doc = "Delay."},
    {.name = "size", .type = OPTION_BYTES, .fallback = "64 mb", .doc = "Size."},
    {.name = "mode",
     .type = OPTION_ENUM,
     .values = "fast|slow",
     .fallback = "fast",
     .doc = "Mode."},
    {.name = "fields.#.min", .type = OPTION_INTEGER, .doc = "Least."},
    {.name = "properties.*", .type = OPTION_TEXT, .doc = "Passed on."},
    {0},
};

static const OptionSpec more[] = {
    {.name = "csv.field-delimiter", .type = OPTION_TEXT, .fallback = ",", .doc = "Delimiter."},
    {0},
};

static void check_given(const char *key, const char *value, const char *message, const char *hint)
{
    const Option items[] = {{"path", "x", -1, -1, -1, 0}, {key, value, 7, 3, 2, 4}};
    const Options options = {2, items};
    Error error = {0};
    bool good = options_check(&options, "connector \"test\"", specs, more, &error);
    ck_assert_msg(good == (message == NULL), "%s", error.message);
    if (good)
        return;
    ck_assert_str_eq(error.message, message);
    ck_assert_str_eq(error.hint, hint);
    ck_assert_int_eq(error.code, ERROR_OPTION);
    /* What is not known is pointed at by its key. */
    bool is_unknown = strncmp(error.message, "unknown", 7) == 0;
    ck_assert_int_eq(error.sql_offset, is_unknown ? 2 : 7);
    ck_assert_int_eq(error.sql_length, is_unknown ? 4 : 3);
}

START_TEST(test_check)
{
    check_given("header", "TRUE", NULL, NULL);
    check_given("rows", "100", NULL, NULL);
    check_given("mode", "Slow", NULL, NULL);
    check_given("fields.a.min", "-3", NULL, NULL);
    check_given("properties.a.b", "x", NULL, NULL);
    check_given("csv.field-delimiter", ";", NULL, NULL);
    check_given("header", "maybe", "option \"header\" has a bad value: \"maybe\"",
                "Use true or false.");
    check_given("rows", "1.5", "option \"rows\" has a bad value: \"1.5\"", "Use a whole number.");
    check_given("rows", "101", "option \"rows\" is out of range: \"101\"",
                "Use a value from 1 to 100.");
    check_given("rate", "fast", "option \"rate\" has a bad value: \"fast\"", "Use a number.");
    check_given("delay", "10 weeks", "option \"delay\" has a bad value: \"10 weeks\"",
                "Use a duration such as '10 s'.");
    check_given("size", "-1", "option \"size\" has a bad value: \"-1\"",
                "Use a size such as '64 mb'.");
    check_given("mode", "medium", "option \"mode\" has a bad value: \"medium\"",
                "Use one of: fast|slow.");
    check_given("fields..min", "1", "unknown option \"fields..min\" for connector \"test\"",
                "Did you mean \"fields.#.min\"?");
    check_given("heder", "true", "unknown option \"heder\" for connector \"test\"",
                "Did you mean \"header\"?");
    check_given("warp-drive", "x", "unknown option \"warp-drive\" for connector \"test\"", "");
    const Options none = {0, NULL};
    Error error = {0};
    ck_assert(!options_check(&none, "connector \"test\"", specs, NULL, &error));
    ck_assert_str_eq(error.message, "option \"path\" is missing for connector \"test\"");
}
END_TEST

START_TEST(test_values)
{
    const Option items[] = {{"path", "p", -1, -1, -1, 0},
                            {"delay", "3s", -1, -1, -1, 0},
                            {"fields.x.min", "4", -1, -1, -1, 0}};
    const Options options = {3, items};
    ck_assert_str_eq(option_text(&options, specs, "path"), "p");
    ck_assert_ptr_null(option_text(&options, specs, "password"));
    ck_assert_str_eq(option_text(&options, specs, "mode"), "fast");
    ck_assert(!option_boolean(&options, specs, "header"));
    ck_assert_int_eq(option_integer(&options, specs, "rows"), 10);
    ck_assert_int_eq(option_integer(&options, specs, "size"), 64 << 20);
    ck_assert_int_eq(option_integer(&options, specs, "fields.x.min"), 4);
    ck_assert(option_double(&options, specs, "rate") == 0.5);
    ck_assert_int_eq(option_duration_ms(&options, specs, "delay"), 3000);
    ck_assert(option_is_secret(specs, "password"));
    ck_assert(option_is_secret(specs, "some.Secret.key"));
    ck_assert(!option_is_secret(specs, "path"));
}
END_TEST

START_TEST(test_units)
{
    static const struct {
        const char *text;
        int64_t millis; /* -1: refused */
    } durations[] = {{"10", 10},
                     {"10 s", 10000},
                     {"1min", 60000},
                     {" 2 h ", 7200000},
                     {"1 d", 86400000},
                     {"2 days", 172800000},
                     {"5 MS", 5},
                     {"1500 us", 1},
                     {"-1 s", -1},
                     {"s", -1},
                     {"1 x", -1},
                     {"", -1},
                     {"99999999999999999999 s", -1},
                     {"9223372036854775807 d", -1}};
    for (size_t i = 0; i < array_count(durations); i++) {
        int64_t value = -1;
        bool good = option_parse_duration_ms(durations[i].text, &value);
        ck_assert_msg(good == (durations[i].millis >= 0), "%s", durations[i].text);
        ck_assert_int_eq(value, durations[i].millis);
    }
    int64_t bytes;
    ck_assert(option_parse_bytes("64 mb", &bytes) && bytes == 64 << 20);
    ck_assert(option_parse_bytes("5", &bytes) && bytes == 5);
    ck_assert(option_parse_bytes("1kb", &bytes) && bytes == 1024);
    ck_assert(!option_parse_bytes("1 qb", &bytes));
    ck_assert(option_parse_integer("-7", &bytes) && bytes == -7);
    ck_assert(!option_parse_integer(" 7", &bytes));
    ck_assert(!option_parse_integer("9223372036854775808", &bytes));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("option");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_check);
    tcase_add_test(tests, test_values);
    tcase_add_test(tests, test_units);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
