/* Functions of the program around the session: every type, NULL, overloads, what they may give and
 * what is refused, and libraries that do not fit. */
#include <check.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "core/buffer.h"
#include "functions/weir_function.h"
#include "session/weir.h"
#include "tests/suite.h"

static WeirSession *session;

static void open_session(void)
{
    session = weir_open();
}

static void close_session(void)
{
    weir_close(session);
}

static void add(const char *name, const char *signature, bool (*compute)(WeirCall *call),
                unsigned flags)
{
    WeirFunction function = {name, signature, compute, flags, NULL, NULL};
    ck_assert_msg(weir_add_function(session, &function, NULL) == WEIR_OK, "%s",
                  weir_error_message(session));
}

/* Rows of a bounded query as "a, b; c, d", or the error message. */
static const char *answer(const char *sql)
{
    static char text[4096];
    WeirResult *result = NULL;
    size_t used = 0;
    text[0] = '\0';
    WeirStep step = WEIR_STEP_ERROR;
    if (weir_execute_text(session, sql, &result) == WEIR_OK) {
        while ((step = weir_next(result, -1)) == WEIR_STEP_ROW) {
            for (uint32_t i = 0; i < weir_column_count(result); i++)
                used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s",
                                         i > 0      ? ", "
                                         : used > 0 ? "; "
                                                    : "",
                                         weir_text(result, i, NULL));
        }
    }
    weir_result_free(result);
    if (step == WEIR_STEP_ERROR)
        snprintf(text, sizeof(text), "%s", weir_error_message(session));
    return text;
}

static void expect(const char *sql, const char *wanted)
{
    ck_assert_str_eq(answer(sql), wanted);
}

static void expect_error(const char *sql, const char *wanted)
{
    const char *got = answer(sql);
    ck_assert_msg(strstr(got, wanted) != NULL, "%s gave: %s", sql, got);
}

/* ---------------------------------------------------------------- the functions */

/* Adds its second argument, or 1. */
static bool plus(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        int64_t by = call->argument_count > 1 ? weir_argument_bigint(call, 1, row) : 1;
        weir_return_bigint(call, row, weir_argument_bigint(call, 0, row) + by);
    }
    return true;
}

/* Its arguments with a dash between them; a question mark for NULL. */
static bool glue(WeirCall *call)
{
    char text[256];
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        size_t length = 0;
        for (uint32_t a = 0; a < call->argument_count; a++) {
            WeirText part = {"?", 1};
            if (!weir_argument_is_null(call, a, row))
                part = weir_argument_text(call, a, row);
            length += (size_t)snprintf(text + length, sizeof(text) - length, "%s%.*s",
                                       a > 0 ? "-" : "", (int)part.length, part.data);
        }
        weir_return_text(call, row, text, length);
    }
    return true;
}

static bool twice_int(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        weir_return_int(call, row, 2 * weir_argument_int(call, 0, row));
    }
    return true;
}

static bool twice_double(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        weir_return_double(call, row, 2 * weir_argument_double(call, 0, row));
    }
    return true;
}

/* The argument itself, whatever its type: as many bytes a value as `user` says. */
static bool same(WeirCall *call)
{
    size_t bytes = *(const size_t *)call->user;
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        memcpy((char *)call->results + bytes * row, weir_argument(call, 0, row, bytes), bytes);
    }
    return true;
}

/* NULL for even numbers. */
static bool odd(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        int32_t value = weir_argument_int(call, 0, row);
        if (value % 2 == 0)
            weir_return_null(call, row);
        else
            weir_return_int(call, row, value);
    }
    return true;
}

static bool tail(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        WeirText text = weir_argument_text(call, 0, row);
        size_t skipped = text.length < 3 ? text.length : 3;
        weir_return_borrowed(call, row, text.data + skipped, text.length - skipped);
    }
    return true;
}

static bool count_calls(WeirCall *call)
{
    atomic_long *calls = call->user;
    for (uint32_t i = 0; i < call->row_count; i++)
        weir_return_bigint(call, weir_call_row(call, i), atomic_fetch_add(calls, 1) + 1);
    return true;
}

static bool broken_text(WeirCall *call)
{
    weir_return_text(call, weir_call_row(call, 0), "\xc3(", 2);
    return true;
}

static bool too_large(WeirCall *call)
{
    ((int64_t *)call->results)[weir_call_row(call, 0)] = INT64_C(9000000000000000000);
    return true;
}

static bool too_late(WeirCall *call)
{
    weir_return_int(call, weir_call_row(call, 0), INT32_MAX);
    return true;
}

static bool two(WeirCall *call)
{
    ((uint8_t *)call->results)[weir_call_row(call, 0)] = 2;
    return true;
}

static bool silent(WeirCall *call)
{
    return call->row_count == 0;
}

static bool refuses(WeirCall *call)
{
    uint32_t row = weir_call_row(call, 0);
    call->host->fail_row(call, row, "%d is too much", 7);
    return call->host->fail_row(call, row, "not said");
}

/* ------------------------------------------------------------------- the tests */

START_TEST(arguments_and_overloads)
{
    open_session();
    add("plus", "(BIGINT, BIGINT?) -> BIGINT", plus, 0);
    add("glue", "(STRING...) -> STRING NOT NULL", glue, WEIR_TAKES_NULL);
    add("twice", "(INT) -> INT NOT NULL", twice_int, 0);
    add("twice", "(DOUBLE) -> DOUBLE NOT NULL", twice_double, 0);
    add("odd", "( INT )->INT", odd, 0);
    add("tail", "(STRING) -> STRING", tail, 0);
    expect("SELECT plus(a), PLUS(a, b), plus(CAST(b AS INT)) FROM (VALUES (1, 10), (2, CAST(NULL "
           "AS INT))) AS t (a, b)",
           "2, 11, 11; 3, NULL, NULL");
    expect("SELECT glue(a), glue(a, 'long enough to be pointed to', b), glue('x', b) FROM (VALUES "
           "('a', 'b'), ('c', CAST(NULL AS STRING))) AS t (a, b)",
           "a, a-long enough to be pointed to-b, x-b; c, c-long enough to be pointed to-?, x-?");
    expect("SELECT twice(3), twice(1.5e0), twice(CAST(1.5 AS DECIMAL(3, 1))), TYPEOF(twice(3))",
           "6, 3.0, 3.0, INT NOT NULL");
    expect("SELECT odd(a), odd(a) IS NULL, TYPEOF(odd(a)) FROM (VALUES (1), (2)) AS t (a)",
           "1, FALSE, INT; NULL, TRUE, INT");
    expect("SELECT tail(a), tail('a long text that is shared') FROM (VALUES ('ab'), ('a longer "
           "text that is shared')) AS t (a)",
           ", ong text that is shared; onger text that is shared, ong text that is shared");
    expect("SELECT SUM(plus(a, 1)) FROM (VALUES (1), (2)) AS t (a) WHERE twice(a) > 2", "3");
    expect("SELECT CASE WHEN a > 1 THEN twice(a) ELSE plus(a) END FROM (VALUES (1), (5)) AS t (a)",
           "2; 10");
    close_session();
}

START_TEST(every_type)
{
    static const struct {
        const char *type, *value, *printed;
        size_t bytes;
    } types[] = {
        {"BOOLEAN", "TRUE", "TRUE", 1},
        {"TINYINT", "7", "7", 1},
        {"SMALLINT", "7", "7", 2},
        {"INT", "7", "7", 4},
        {"BIGINT", "7", "7", 8},
        {"FLOAT", "1.5", "1.5", 4},
        {"DOUBLE", "1.5", "1.5", 8},
        {"DECIMAL(10, 2)", "1.25", "1.25", 8},
        {"DECIMAL(30, 2)", "1.25", "1.25", 16},
        {"STRING", "'a text of some length'", "a text of some length", 16},
        {"BYTES", "x'0aff'", "x'0aff'", 16},
        {"DATE", "DATE '2024-02-29'", "2024-02-29", 4},
        {"TIME", "TIME '12:34:56'", "12:34:56", 4},
        {"TIMESTAMP(3)", "TIMESTAMP '2024-02-29 01:02:03.456'", "2024-02-29 01:02:03.456", 8},
        {"TIMESTAMP(9)", "TIMESTAMP '2024-02-29 01:02:03.456789012'",
         "2024-02-29 01:02:03.456789012", 16},
        {"TIMESTAMP_LTZ(3)", "TIMESTAMP '2024-02-29 01:02:03.456'", "2024-02-29 01:02:03.456", 8},
    };
    for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
        char signature[128], sql[512], wanted[128];
        size_t bytes = types[i].bytes;
        open_session();
        snprintf(signature, sizeof(signature), "(%s) -> %s", types[i].type, types[i].type);
        WeirFunction function = {"same", signature, same, 0, NULL, &bytes};
        ck_assert_msg(weir_add_function(session, &function, NULL) == WEIR_OK, "%s",
                      weir_error_message(session));
        snprintf(sql, sizeof(sql),
                 "SELECT same(a), same(CAST(%s AS %s)) FROM (VALUES CAST(%s AS %s), CAST(NULL AS "
                 "%s)) AS t (a)",
                 types[i].value, types[i].type, types[i].value, types[i].type, types[i].type);
        snprintf(wanted, sizeof(wanted), "%s, %s; NULL, %s", types[i].printed, types[i].printed,
                 types[i].printed);
        expect(sql, wanted);
        close_session();
    }
}

static void count_destroyed(void *user)
{
    ++*(int *)user;
}

START_TEST(folding_and_the_end)
{
    int destroyed = 0;
    atomic_long calls = 0, folded = 0;
    open_session();
    WeirFunction each = {
        "each", "(INT) -> BIGINT NOT NULL", count_calls, WEIR_NOT_DETERMINISTIC, NULL, &calls};
    WeirFunction once = {"once", "(INT) -> BIGINT NOT NULL", count_calls, 0, NULL, &folded};
    ck_assert_int_eq(weir_add_function(session, &each, NULL), WEIR_OK);
    ck_assert_int_eq(weir_add_function(session, &once, NULL), WEIR_OK);
    WeirFunction kept = {"kept", "() -> BIGINT", count_calls, 0, NULL, &destroyed};
    ck_assert_int_eq(weir_add_function(session, &kept, count_destroyed), WEIR_OK);
    expect("SELECT each(1), each(1) FROM (VALUES (1), (2)) AS t (a)", "1, 3; 2, 4");
    expect("SELECT once(1) FROM (VALUES (1), (2)) AS t (a)", "1; 1");
    ck_assert_int_eq(atomic_load(&folded), 1);
    expect("EXPLAIN SELECT once(1) FROM (VALUES (1), (2)) AS t (a)",
           "== Optimized Execution Plan ==\n[1] Sink(table=[*collect*], fields=[EXPR$0])\n+- "
           "Exchange(distribution=[single])\n   +- [0] Values(tuples=[[{ 2 }, { 2 }]])\n");
    expect("DROP FUNCTION kept", "");
    ck_assert_int_eq(destroyed, 0);
    close_session();
    ck_assert_int_eq(destroyed, 1);
}

START_TEST(results_that_cannot_be)
{
    open_session();
    add("broken", "(INT) -> STRING", broken_text, 0);
    add("large", "(INT) -> DECIMAL(18, 2)", too_large, 0);
    add("late", "(INT) -> DATE", too_late, 0);
    add("never", "(INT) -> TIME", too_late, 0);
    add("ages", "(INT) -> TIMESTAMP(3)", too_large, 0);
    add("two", "(INT) -> BOOLEAN", two, 0);
    add("none", "(INT) -> INT NOT NULL", odd, 0);
    add("silent", "(INT) -> INT", silent, 0);
    add("refuses", "(INT) -> INT", refuses, 0);
    expect_error("SELECT broken(1)", "function \"broken\": the result is text that is not UTF-8");
    expect_error("SELECT large(a) FROM (VALUES (1)) AS t (a)",
                 "function \"large\": the result is more digits than its type has");
    expect_error("SELECT late(1)", "the result is a date outside of 0001 to 9999");
    expect_error("SELECT never(1)", "the result is a time outside of the day");
    expect_error("SELECT ages(1)", "the result is a time outside of the years 0001 to 9999");
    expect_error("SELECT two(1)", "the result is a BOOLEAN that is neither 0 nor 1");
    expect_error("SELECT none(2)", "the result is NULL, though its signature says NOT NULL");
    expect_error("SELECT silent(1)", "function \"silent\": it failed without saying why");
    expect_error("SELECT refuses(a) FROM (VALUES (5)) AS t (a)",
                 "line 1, column 8: error: function \"refuses\": 7 is too much\n   1 | SELECT "
                 "refuses(a) FROM (VALUES (5)) AS t (a)\n     |        ^~~~~~~~~~\ndetail: It "
                 "happened in refuses(a), where a = 5.");
    expect("SELECT TRY_CAST('x' AS INT), CASE WHEN FALSE THEN refuses(1) ELSE 2 END", "NULL, 2");
    close_session();
}

START_TEST(signatures_that_cannot_be)
{
    static const struct {
        const char *name, *signature, *error;
    } bad[] = {
        {"f", "STRING", "It does not begin with a parenthesis."},
        {"f", "(STRING", "Its parenthesis is not closed."},
        {"f", "(STRING) BIGINT", "It does not name a result behind \"->\"."},
        {"f", "(STRING, ) -> BIGINT", "has no type \"\""},
        {"f", "(STRIN) -> BIGINT", "has no type \"STRIN\""},
        {"f", "(INT) -> ", "has no type \"\""},
        {"f", "(INT) -> ARRAY<INT>", "cannot have ARRAY<INT> in its signature"},
        {"f", "(ROW<a INT, b INT>) -> INT", "cannot have ROW<`a` INT, `b` INT> in its signature"},
        {"f", "(VARCHAR(10)) -> INT", "Write STRING or BYTES, which take every length."},
        {"f", "(INT?, INT) -> INT", "come only such"},
        {"f", "(INT..., INT) -> INT", "the last"},
        {"f", "(INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT,INT) -> INT",
         "more than 16 parameters"},
        {"f", NULL, "lacks a signature or compute"},
        {"", "(INT) -> INT", "1 to 128 bytes"},
        {NULL, "(INT) -> INT", "1 to 128 bytes"},
        {"count", "(INT) -> INT", "function \"count\" is built in"},
        {"Tumble_Start", "(INT) -> INT", "is built in"},
        {"row_number", "(INT) -> INT", "is built in"},

    };
    open_session();
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        WeirFunction function = {bad[i].name, bad[i].signature, odd, 0, NULL, NULL};
        ck_assert_int_eq(weir_add_function(session, &function, NULL), WEIR_ERROR);
        ck_assert_msg(strstr(weir_error_message(session), bad[i].error) != NULL, "%s: %s",
                      bad[i].signature, weir_error_message(session));
    }
    WeirFunction flags = {"f", "(INT) -> INT", odd, 8, NULL, NULL};
    ck_assert_int_eq(weir_add_function(session, &flags, NULL), WEIR_ERROR);
    add("f", "(STRING NOT NULL, DECIMAL(10, 2)...) -> INT", odd, 0);
    expect_error("SELECT f(CAST(NULL AS STRING), 1)", "function \"f\" does not take (STRING, INT");
    expect_error("SELECT f('a')", "function \"f\" does not take (CHAR(1) NOT NULL)");
    expect_error("SELECT g('a')", "function \"G\" does not exist");
    close_session();
}

/* Every worker calls the function at once, and one that is dropped meanwhile stays callable. */
START_TEST(workers_and_dropping)
{
    open_session();
    weir_set(session, "parallelism.default", "4");
    add("plus", "(BIGINT, BIGINT?) -> BIGINT", plus, 0);
    WeirResult *result = NULL;
    weir_execute_text(session, "CREATE TABLE t (k INT, v BIGINT) WITH ('connector' = 'feed')",
                      &result);
    weir_result_free(result);
    ck_assert_int_eq(
        weir_execute_text(session, "SELECT k, SUM(plus(v)) FROM t GROUP BY k", &result), WEIR_OK);
    WeirResult *dropped = NULL;
    ck_assert_int_eq(weir_execute_text(session, "DROP FUNCTION plus", &dropped), WEIR_OK);
    weir_result_free(dropped);
    expect_error("SELECT plus(1)", "function \"PLUS\" does not exist");
    int64_t total = 0;
    for (int i = 0; i < 50; i++) {
        char rows[2048];
        size_t length = 0;
        for (int k = 0; k < 40; k++)
            length += (size_t)snprintf(rows + length, sizeof(rows) - length, "+I[%d, %d]\n", k, i);
        ck_assert_int_eq(weir_feed(session, "t", rows), WEIR_OK);
    }
    ck_assert_int_eq(weir_feed_end(session, "t"), WEIR_OK);
    while (weir_next(result, -1) == WEIR_STEP_ROW) {
        WeirChange change = weir_row_change(result);
        bool added = change == WEIR_INSERT || change == WEIR_UPDATE_AFTER;
        total += added ? weir_int64(result, 1) : -weir_int64(result, 1);
    }
    weir_result_free(result);
    ck_assert_int_eq(total, 40 * (50 * 51 / 2));
    close_session();
}

/* Libraries that tests/meson.build makes, beside this program. */
static void library_path(const char *name, char *out, size_t size)
{
    char program[2048];
    ssize_t length = readlink("/proc/self/exe", program, sizeof(program) - 1);
    ck_assert_int_gt(length, 0);
    program[length] = '\0';
    *strrchr(program, '/') = '\0';
    snprintf(out, size, "%s/%s.so", program, name);
}

START_TEST(libraries)
{
    static const struct {
        const char *library, *symbol, *error;
    } cases[] = {
        {"library_old", "f", "was made for version 99 of weir_function.h, this is version 1"},
        {"library_mixed", "g", "has no function \"g\"\n"},
        {"library_mixed", "nested", "cannot have ARRAY<INT> in its signature"},
        {"library_mixed", "incomplete", "lacks a signature or compute"},
        {"library_mixed", "size", NULL},
    };
    char path[2304], sql[4096];
    open_session();
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        library_path(cases[i].library, path, sizeof(path));
        snprintf(sql, sizeof(sql), "CREATE FUNCTION f AS '%s' USING LIBRARY '%s'", cases[i].symbol,
                 path);
        if (cases[i].error != NULL)
            expect_error(sql, cases[i].error);
        else
            expect(sql, "");
    }
    /* Both of its signatures are there. */
    expect("SELECT f('abc'), f(x'00ff'), TYPEOF(f('abc')), TYPEOF(f(x'00ff'))",
           "3, 2, INT NOT NULL, BIGINT NOT NULL");
    WeirFunction again = {"f", "(INT) -> INT", odd, 0, NULL, NULL};
    ck_assert_int_eq(weir_add_function(session, &again, NULL), WEIR_ERROR);
    close_session();
}

int main(void)
{
    TCase *test_case = tcase_create("own functions");
    tcase_set_timeout(test_case, 60);
    tcase_add_test(test_case, arguments_and_overloads);
    tcase_add_test(test_case, every_type);
    tcase_add_test(test_case, folding_and_the_end);
    tcase_add_test(test_case, results_that_cannot_be);
    tcase_add_test(test_case, signatures_that_cannot_be);
    tcase_add_test(test_case, workers_and_dropping);
    tcase_add_test(test_case, libraries);
    return test_run("own_functions", test_case);
}
