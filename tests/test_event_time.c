/* What a job tells of event time: late rows, how far it has come, and whom it waits for. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "session/weir.h"

#define START_US INT64_C(1704067200000000) /* 2024-01-01 00:00:00 */

static void run(WeirSession *session, const char *sql)
{
    WeirResult *result = NULL;
    ck_assert_msg(weir_execute_text(session, sql, &result) == WEIR_OK, "%s",
                  weir_error_message(session));
    weir_result_free(result);
}

static void feed(WeirSession *session, const char *table, const char *rows)
{
    ck_assert_int_eq(weir_feed(session, table, rows), WEIR_OK);
    ck_assert_msg(weir_settle(session) == WEIR_OK, "%s", weir_error_message(session));
}

START_TEST(the_slowest_table_and_late_rows_are_told)
{
    WeirSession *session = weir_open();
    weir_set_clock(session, START_US);
    run(session, "CREATE TABLE l (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH "
                 "('connector' = 'feed', 'scan.watermark.bad-rowtime' = 'drop')");
    run(session, "CREATE TABLE r (id INT PRIMARY KEY NOT ENFORCED, ts TIMESTAMP(3), WATERMARK FOR "
                 "ts AS ts) WITH ('connector' = 'feed')");
    WeirResult *result = NULL;
    ck_assert_msg(weir_execute_text(session,
                                    "SELECT l.id FROM l JOIN r FOR SYSTEM_TIME AS OF l.ts ON "
                                    "l.id = r.id",
                                    &result) == WEIR_OK,
                  "%s", weir_error_message(session));
    WeirJobStatus status;
    ck_assert_int_eq(weir_result_status(result, &status), WEIR_OK);
    ck_assert_str_eq(status.watermark, "none yet");
    feed(session, "l", "+I[1, '2024-01-01 00:00:10']\n+I[2, NULL]\n");
    weir_set_clock(session, START_US + 7000000);
    ck_assert_int_eq(weir_result_status(result, &status), WEIR_OK);
    ck_assert_str_eq(status.watermark, "none yet");
    ck_assert_str_eq(status.watermark_table, "r");
    ck_assert(status.watermark_stands_seconds == 7);
    ck_assert_uint_eq(status.late_rows, 1);
    feed(session, "r", "+I[1, '2024-01-01 00:00:05']\n");
    weir_set_clock(session, START_US + 10000000);
    ck_assert_int_eq(weir_result_status(result, &status), WEIR_OK);
    ck_assert_str_eq(status.watermark, "2024-01-01 00:00:05.000");
    ck_assert_str_eq(status.watermark_table, "r");
    ck_assert(status.watermark_stands_seconds == 3);
    feed(session, "l", "+I[1, '2024-01-01 00:00:05']\n");
    ck_assert_int_eq(weir_result_status(result, &status), WEIR_OK);
    ck_assert_uint_eq(status.late_rows, 2);
    WeirResult *jobs = NULL;
    ck_assert_int_eq(weir_execute_text(session, "SHOW JOBS", &jobs), WEIR_OK);
    ck_assert_int_eq(weir_next(jobs, 0), WEIR_STEP_ROW);
    ck_assert_str_eq(weir_text(jobs, 6, NULL), "2");
    ck_assert_str_eq(weir_text(jobs, 7, NULL), "2024-01-01 00:00:05.000 (table \"r\", for 3.0 s)");
    weir_result_free(jobs);
    /* A table that has ended is not waited for. */
    ck_assert_int_eq(weir_feed_end(session, "r"), WEIR_OK);
    ck_assert_int_eq(weir_settle(session), WEIR_OK);
    ck_assert_int_eq(weir_result_status(result, &status), WEIR_OK);
    ck_assert_str_eq(status.watermark_table, "l");
    ck_assert_str_eq(status.watermark, "2024-01-01 00:00:10.000");
    weir_result_free(result);
    weir_close(session);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("event_time");
    TCase *cases = tcase_create("event_time");
    tcase_add_test(cases, the_slowest_table_and_late_rows_are_told);
    suite_add_tcase(suite, cases);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
