/* The C API in the hands of a program that makes mistakes: it is told, never brought down. What an
 * error looks like when the line is long. */
#include <check.h>
#include <stdio.h>

#include "session/weir.h"
#include "tests/suite.h"

static WeirResult *run(WeirSession *session, const char *sql)
{
    WeirResult *result = NULL;
    ck_assert_msg(weir_execute_text(session, sql, &result) == WEIR_OK, "%s\n%s", sql,
                  weir_error_message(session));
    return result;
}

static void check_nothing_there(const WeirResult *result, uint32_t column)
{
    size_t length = 99;
    ck_assert(weir_is_null(result, column));
    ck_assert_str_eq(weir_text(result, column, &length), "NULL");
    ck_assert_uint_eq(length, 4);
    ck_assert_int_eq(weir_int64(result, column), 0);
    ck_assert(weir_double(result, column) == 0);
    ck_assert_int_eq(weir_row_change(result), WEIR_INSERT);
}

START_TEST(values_are_asked_for_only_where_a_row_is)
{
    static const char *const statements[] = {"SELECT 7 AS a", "SHOW FUNCTIONS LIKE 'upper'"};
    WeirSession *session = weir_open();
    WeirResult *result = run(session, statements[_i]);
    check_nothing_there(result, 0);
    ck_assert_int_eq(weir_next(result, -1), WEIR_STEP_ROW);
    ck_assert(!weir_is_null(result, 0));
    check_nothing_there(result, 1);
    ck_assert_ptr_null(weir_column_name(result, 1));
    ck_assert_ptr_null(weir_column_type(result, 1));
    ck_assert_uint_eq(weir_column_width(result, 1), 0);
    ck_assert_int_eq(weir_next(result, -1), WEIR_STEP_END);
    ck_assert_int_eq(weir_next(result, -1), WEIR_STEP_END);
    if (weir_result_kind(result) == WEIR_RESULT_QUERY)
        check_nothing_there(result, 0);
    weir_result_free(result);
    result = run(session, "CREATE TABLE t (a INT) WITH ('connector' = 'datagen')");
    check_nothing_there(result, 0);
    weir_result_free(result);
    weir_close(session);
}
END_TEST

START_TEST(results_may_outlive_their_session)
{
    WeirSession *session = weir_open();
    weir_result_free(run(session, "CREATE TABLE t (a INT) WITH ('connector' = 'datagen')"));
    weir_result_free(run(session, "CREATE TABLE o (a INT) WITH ('connector' = 'blackhole')"));
    WeirResult *query = run(session, "SELECT * FROM t");
    WeirResult *freed = run(session, "SELECT * FROM t");
    WeirResult *job = run(session, "INSERT INTO o SELECT * FROM t");
    WeirResult *rows = run(session, "SHOW TABLES");
    ck_assert_int_eq(weir_next(query, -1), WEIR_STEP_ROW);
    ck_assert_int_eq(weir_next(rows, -1), WEIR_STEP_ROW);
    weir_result_free(freed);
    weir_close(session);
    check_nothing_there(query, 0);
    ck_assert_int_eq(weir_next(query, -1), WEIR_STEP_END);
    ck_assert_int_eq(weir_next(job, -1), WEIR_STEP_END);
    ck_assert_str_eq(weir_column_name(query, 0), "a");
    ck_assert_str_eq(weir_text(rows, 0, NULL), "o");
    WeirJobStatus status;
    ck_assert_int_eq(weir_result_status(job, &status), WEIR_ERROR);
    weir_result_free(job);
    weir_result_free(query);
    weir_result_free(rows);
    weir_result_free(NULL);
    weir_close(NULL);
}
END_TEST

static void check_refused(WeirSession *session, WeirStatus status, const char *message)
{
    ck_assert_int_eq(status, WEIR_ERROR);
    ck_assert_str_eq(weir_error_message(session), message);
}

/* A session that lasts: of jobs that have ended the last are told of, and those that somebody still
 * looks at or has not been told the failure of. */
START_TEST(ended_jobs_are_forgotten)
{
    WeirSession *session = weir_open();
    weir_result_free(run(session, "CREATE TABLE o (a INT) WITH ('connector' = 'blackhole')"));
    WeirResult *held = run(session, "SELECT 1 AS held");
    ck_assert_int_eq(weir_next(held, -1), WEIR_STEP_ROW);
    ck_assert_int_eq(weir_next(held, -1), WEIR_STEP_END);
    weir_result_free(run(session, "INSERT INTO o SELECT 1 / (a - 1) FROM (VALUES (1)) AS t(a)"));
    for (int i = 0; i < 120; i++) {
        WeirResult *result = run(session, "SELECT 1 AS a");
        ck_assert_int_eq(weir_next(result, -1), WEIR_STEP_ROW);
        ck_assert_int_eq(weir_next(result, -1), WEIR_STEP_END);
        weir_result_free(result);
    }
    static WeirJobStatus jobs[300];
    uint32_t count = weir_jobs(session, jobs, 300);
    ck_assert_uint_ge(count, 100);
    ck_assert_uint_le(count, 103);
    WeirJobStatus status;
    ck_assert_int_eq(weir_result_status(held, &status), WEIR_OK);
    ck_assert_str_eq(status.id, jobs[0].id);
    ck_assert_int_eq(weir_wait(session, -1), WEIR_ERROR);
    ck_assert_int_eq(weir_wait(session, -1), WEIR_OK);
    weir_result_free(held);
    weir_result_free(run(session, "SELECT 1 AS a"));
    uint32_t fewer = weir_jobs(session, jobs, 300);
    ck_assert_uint_le(fewer, 101);
    weir_close(session);
}
END_TEST

START_TEST(arguments_that_are_not_there_are_refused)
{
    WeirSession *session = weir_open();
    WeirResult *result = NULL;
    check_refused(session, weir_execute_text(session, NULL, &result),
                  "error: the text holds no statement");
    check_refused(session, weir_execute_text(session, " ; ", NULL),
                  "error: the text holds no statement");
    check_refused(session, weir_execute(session, "SELECT 1", 8, 5, 2, NULL, &result),
                  "error: the statement's place lies outside the script");
    check_refused(session, weir_execute(session, "SELECT 1", 8, 0, 9, NULL, &result),
                  "error: the statement's place lies outside the script");
    check_refused(session, weir_set(session, NULL, "x"),
                  "error: an option has a key and a value: neither may be NULL");
    check_refused(session, weir_set(session, "parallelism.default", NULL),
                  "error: an option has a key and a value: neither may be NULL");
    ck_assert_ptr_null(weir_get(session, NULL));
    ck_assert_ptr_null(result);
    ck_assert_int_eq(weir_execute_text(session, "CREATE VIEW v AS SELECT 1", NULL), WEIR_OK);
    ck_assert_int_eq(weir_execute_text(session, "SELECT * FROM v", NULL), WEIR_OK);
    weir_close(session);
}
END_TEST

START_TEST(of_a_long_line_the_part_around_the_error_is_shown)
{
    static const char columns[] = "'0123456789', '0123456789', '0123456789', '0123456789', ";
    char sql[700];
    int length = snprintf(sql, sizeof(sql), "SELECT %s%s'é', nme, %s%s%s", columns, columns,
                          columns, columns, "1 FROM (VALUES (1)) AS t(name)");
    ck_assert_int_lt(length, (int)sizeof(sql));
    WeirSession *session = weir_open();
    WeirResult *result = NULL;
    check_refused(
        session, weir_execute_text(session, sql, &result),
        "line 1, column 125: error: column \"nme\" does not exist\n"
        "   1 | ...123456789', '0123456789', '0123456789', '0123456789', 'é', nme, '0123456789', "
        "'0123456789', '0123456789', '0123456789', '0123456789', '0123456789', '0123456789...\n"
        "     |                                                               ^~~\n"
        "hint: Did you mean \"name\"?");
    weir_close(session);
}
END_TEST

/* What a line of the message shows behind "   1 | ". */
static void check_line(WeirSession *session, const char *sql, const char *line)
{
    WeirResult *result = NULL;
    ck_assert_int_eq(weir_execute_text(session, sql, &result), WEIR_ERROR);
    ck_assert_msg(strstr(weir_error_message(session), line) != NULL, "%s",
                  weir_error_message(session));
}

START_TEST(no_error_shows_a_password)
{
    WeirSession *session = weir_open();
    check_line(session, "CREATE TABLE t (a INT) WITH ('Db.Password' = 'hun''té', 'x' = 'y')",
               "\n   1 | CREATE TABLE t (a INT) WITH ('Db.Password' = '***''***', 'x' = 'y')\n");
    check_line(session,
               "CREATE TABLE t (a INT) WITH ('x' = 'y', token -- isn't it\n = 'a -- b', 1)",
               "\n   2 |  = '******', 1)\n");
    check_line(session, "CREATE TABLE t (a INT) WITH ('password' = 'abc",
               "\n   1 | CREATE TABLE t (a INT) WITH ('password' = '***\n");
    check_line(session, "SELECT * FROM (VALUES ('a')) AS t(password) WHERE password = nme",
               "WHERE password = nme\n");
    /* The statement before stands on the same line. */
    const char *script = "SET 'my.secret' = 'abc'; SELECT nme";
    ck_assert_int_eq(weir_execute(session, script, strlen(script), 25, 35, NULL, NULL), WEIR_ERROR);
    ck_assert_ptr_nonnull(strstr(weir_error_message(session), "'my.secret' = '***'; SELECT nme\n"));
    weir_close(session);
}
END_TEST

int main(void)
{
    TCase *api = tcase_create("c_api");
    tcase_add_loop_test(api, values_are_asked_for_only_where_a_row_is, 0, 2);
    tcase_add_test(api, results_may_outlive_their_session);
    tcase_add_test(api, arguments_that_are_not_there_are_refused);
    tcase_add_test(api, of_a_long_line_the_part_around_the_error_is_shown);
    tcase_add_test(api, no_error_shows_a_password);
    tcase_add_test(api, ended_jobs_are_forgotten);
    tcase_set_timeout(api, 60);
    return test_run("c_api", api);
}
