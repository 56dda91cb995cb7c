/* The debezium-json format: the kinds each event gives, in any order of its fields, and errors. */
#include "tests/format_testing.h"

static Arena *arena;
static const Schema *schema; /* id INT, name STRING */

static void set_up(void)
{
    arena = arena_new(0);
    const Column columns[] = {{"id", &type_int}, {"name", &type_string}};
    schema = schema_new(arena, columns, 2);
}

static void tear_down(void)
{
    arena_free(arena);
}

START_TEST(test_events)
{
    FormatTest test = format_test(&format_debezium_json, schema);
    format_check(
        &test,
        "{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"source\":{\"ts\":1},\"op\":\"c\"}\n"
        "{\"before\":null,\"after\":{\"id\":2,\"name\":null},\"op\":\"r\"}\n"
        "{\"before\":{\"id\":1,\"name\":\"a\"},\"after\":{\"id\":1,\"name\":\"a rather long "
        "name\"},\"op\":\"u\"}\n"
        "null\n"
        "{\"op\":\"u\",\"after\":{\"id\":1,\"name\":\"new\"},\"before\":{\"name\":\"a rather long "
        "name\",\"id\":1}}\n"
        "{\"before\":{\"id\":2,\"name\":null},\"after\":null,\"op\":\"d\"}\n"
        "{\"before\":{\"id\":9,\"name\":\"x\"},\"after\":{\"id\":3,\"name\":\"c\"},\"op\":\"c\"}\n",
        "+I[1, a]\n+I[2, NULL]\n-U[1, a]\n+U[1, a rather long name]\n"
        "-U[1, a rather long name]\n+U[1, new]\n-D[2, NULL]\n+I[3, c]\n");
    format_option(&test, "debezium-json.schema-include", "true");
    format_check(&test,
                 "{\"schema\":{\"type\":\"struct\"},\"payload\":{\"before\":null,\"after\":{\"id\":"
                 "1,\"name\":\"a\"},\"op\":\"c\"}}\n"
                 "{\"schema\":null,\"payload\":null}\n",
                 "+I[1, a]\n");
}
END_TEST

START_TEST(test_errors)
{
    FormatTest test = format_test(&format_debezium_json, schema);
    format_check(&test, "{\"before\":null,\"after\":{\"id\":1},\"op\":\"u\"}",
                 "ERROR: \"before\" of an event with op \"u\" is null\nPLACE: file:1\nHINT: The "
                 "database must log whole rows");
    format_check(&test, "\n{\"before\":null,\"after\":null,\"op\":\"d\"}",
                 "ERROR: \"before\" of an event with op \"d\" is null\nPLACE: file:2");
    format_check(&test, "{\"op\":\"c\"}", "ERROR: \"after\" of an event with op \"c\" is null");
    format_check(&test, "{\"after\":{\"id\":1}}", "ERROR: event has no \"op\"");
    format_check(&test, "{\"op\":\"t\"}", "ERROR: \"op\" of the event is not known: \"t\"");
    format_check(&test, "{\"op\":1}", "ERROR: \"op\" of the event is no string");
    format_check(&test, "{\"after\":5,\"op\":\"c\"}", "ERROR: \"after\" of the event is no object");
    format_check(&test, "{\"after\":{\"id\":\"x\"},\"op\":\"c\"}",
                 "ERROR: after: column \"id\": cannot read \"x\" as INT\nPLACE: file:1");
    format_option(&test, "debezium-json.ignore-parse-errors", "true");
    format_check(&test,
                 "{\"op\":\"c\"}\n{\"before\":{\"id\":1},\"after\":{\"id\":\"x\"},\"op\":\"u\"}\n"
                 "{\"after\":{\"id\":1},\"op\":\"c\"}\n",
                 "+I[1, NULL]\n");
}
END_TEST

/* What is written is an insert or a delete; read back, its rows are the ones written. */
START_TEST(test_encode)
{
    FormatTest test = format_test(&format_debezium_json, schema);
    Batch *batch = batch_new(schema, 8);
    Error error = {0};
    static const char *const lines[] = {"+I[1, a]", "-U[1, a]", "+U[1, NULL]", "-D[1, NULL]"};
    for (size_t i = 0; i < array_count(lines); i++)
        ck_assert(changelog_read_row(batch, str_of(lines[i]), NULL, &error));
    Buffer out = {0};
    ck_assert(format_encode(&test, batch, &out, &error));
    ck_assert_str_eq(buffer_text(&out),
                     "{\"before\":null,\"after\":{\"id\":1,\"name\":\"a\"},\"op\":\"c\"}\n"
                     "{\"before\":{\"id\":1,\"name\":\"a\"},\"after\":null,\"op\":\"d\"}\n"
                     "{\"before\":null,\"after\":{\"id\":1,\"name\":null},\"op\":\"c\"}\n"
                     "{\"before\":{\"id\":1,\"name\":null},\"after\":null,\"op\":\"d\"}\n");
    format_check(&test, buffer_text(&out), "+I[1, a]\n-D[1, a]\n+I[1, NULL]\n-D[1, NULL]\n");
    buffer_deinit(&out);
    format_option(&test, "debezium-json.schema-include", "true");
    ck_assert(!format_encode(&test, batch, &out, &error));
    ck_assert_int_eq(error.code, ERROR_UNSUPPORTED);
    batch_release(batch);
}
END_TEST

/* Two rows an event: a batch never runs over. */
START_TEST(test_many)
{
    FormatTest test = format_test(&format_debezium_json, schema);
    Buffer input = {0}, wanted = {0};
    for (int i = 0; i < 5000; i++) {
        buffer_printf(&input, "{\"before\":{\"id\":%d},\"after\":{\"id\":%d},\"op\":\"%s\"}\n", i,
                      i + 1, i % 3 == 0 ? "c" : "u");
        if (i % 3 != 0)
            buffer_printf(&wanted, "-U[%d, NULL]\n+U[%d, NULL]\n", i, i + 1);
        else
            buffer_printf(&wanted, "+I[%d, NULL]\n", i + 1);
    }
    Random random = {1};
    FormatRun run = format_decode(&test, (Str){input.data, input.length}, SIZE_MAX, &random);
    ck_assert_str_eq(buffer_text(&run.out), buffer_text(&wanted));
    buffer_deinit(&run.out);
    buffer_deinit(&wanted);
    buffer_deinit(&input);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("debezium_json");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_events);
    tcase_add_test(tests, test_errors);
    tcase_add_test(tests, test_encode);
    tcase_add_test(tests, test_many);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
