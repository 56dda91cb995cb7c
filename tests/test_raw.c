/* The raw format: lines as they are, other delimiters, what it refuses. */
#include "tests/format_testing.h"

static Arena *arena;
static const Schema *text;

static void set_up(void)
{
    arena = arena_new(0);
    text = schema_new(arena, &(Column){"line", &type_string}, 1);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(test_lines)
{
    FormatTest test = format_test(&format_raw, text);
    format_check(&test, "a,b\n\n c\r\nlast", "+I['a,b']\n+I['']\n+I[' c']\n+I[last]\n");
    format_check(&test, "", "");
    format_check(&test, "ok\n\xC3\n", "ERROR: invalid UTF-8\nPLACE: file:2");
    FormatTest other = format_test(&format_raw, text);
    format_option(&other, "raw.line-delimiter", "--");
    format_check(&other, "a-b--c\r\n--", "+I[a-b]\n+I['c\r\n']\n");
    FormatTest exact = format_test(&format_raw, text);
    format_option(&exact, "raw.line-delimiter", "\\n");
    format_check(&exact, "a\r\nb\n", "+I['a\r']\n+I[b]\n");
    FormatTest bytes = format_test(&format_raw, schema_new(arena, &(Column){"b", &type_bytes}, 1));
    format_check(&bytes, "\xFF\n", "+I[x'ff']\n");
}
END_TEST

START_TEST(test_refusals)
{
    const Column columns[] = {{"a", &type_string}, {"b", &type_string}};
    FormatTest two = format_test(&format_raw, schema_new(arena, columns, 2));
    format_check(&two, "", "ERROR: format \"raw\" takes a table of one column, but it has 2");
    FormatTest number = format_test(&format_raw, schema_new(arena, &(Column){"n", &type_int}, 1));
    format_check(&number, "", "ERROR: format \"raw\" cannot hold column \"n\"");
    FormatTest empty = format_test(&format_raw, text);
    format_option(&empty, "raw.line-delimiter", "");
    format_check(&empty, "", "ERROR: option \"raw.line-delimiter\" is empty");
    static const char *const refused[] = {"[NULL]", "['a\nb']", "['a\r']"};
    for (size_t i = 0; i < array_count(refused); i++) {
        FormatTest test = format_test(&format_raw, text);
        Batch *batch = batch_new(text, 1);
        Error error = {0};
        Buffer out = {0};
        ck_assert(changelog_read_row(batch, str_of(refused[i]), NULL, &error));
        ck_assert(!format_encode(&test, batch, &out, &error));
        ck_assert_int_eq(error.code, ERROR_DATA);
        buffer_deinit(&out);
        batch_release(batch);
    }
}
END_TEST

START_TEST(test_round_trip)
{
    Random random = random_seed("raw");
    const Column column = {"line", type_new(arena, TYPE_VARCHAR, false, 1000, 0)};
    FormatTest test = format_test(&format_raw, schema_new(arena, &column, 1));
    format_option(&test, "raw.line-delimiter", "|\\n");
    Batch *batch = random_batch(&random, test.schema, 1000);
    format_round_trip(&test, batch, &random);
    batch_release(batch);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("raw");
    TCase *tests = tcase_create("all");
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_lines);
    tcase_add_test(tests, test_refusals);
    tcase_add_test(tests, test_round_trip);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
