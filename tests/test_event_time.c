/* What a job tells of event time: late rows, how far it has come, and whom it waits for. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "session/weir.h"
#include "tests/suite.h"

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
    char statement[128];
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
    WeirResult *operators = NULL;
    snprintf(statement, sizeof(statement), "DESCRIBE JOB '%s'", status.id);
    ck_assert_int_eq(weir_execute_text(session, statement, &operators), WEIR_OK);
    bool told = false;
    while (weir_next(operators, 0) == WEIR_STEP_ROW)
        if (strncmp(weir_text(operators, 0, NULL), "TemporalJoin", 12) == 0) {
            ck_assert_str_eq(weir_text(operators, 6, NULL), "1");
            ck_assert_str_eq(weir_text(operators, 7, NULL), "2024-01-01 00:00:05.000 (for 3.0 s)");
            told = true;
        }
    ck_assert(told);
    weir_result_free(operators);
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

/* A file of rows (number, seconds since the start), a second apart. */
static void write_file(const char *path, int from_s, int rows)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    for (int i = from_s; i < from_s + rows; i++)
        fprintf(file, "%d,2024-01-01 %02d:%02d:%02d\n", i, i / 3600, i / 60 % 60, i % 60);
    ck_assert_int_eq(fclose(file), 0);
}

static WeirResult *start(WeirSession *session, const char *sql)
{
    WeirResult *result = NULL;
    ck_assert_msg(weir_execute_text(session, sql, &result) == WEIR_OK, "%s",
                  weir_error_message(session));
    return result;
}

/* Reads a folder of files that begin 1,000 seconds after each other, in order of time; every row
 * must come. */
static void read_folder(int files, int file_rows, int parallelism)
{
    char folder[] = "/tmp/weir-event-time-XXXXXX", path[64], sql[512];
    ck_assert_ptr_nonnull(mkdtemp(folder));
    for (int i = 0; i < files; i++) {
        snprintf(path, sizeof(path), "%s/%d.csv", folder, i);
        write_file(path, i * 1000, file_rows);
    }
    WeirSession *session = weir_open();
    run(session, "SET 'pipeline.auto-watermark-interval' = '1 ms'");
    snprintf(sql, sizeof(sql), "SET 'parallelism.default' = '%d'", parallelism);
    run(session, sql);
    snprintf(sql, sizeof(sql),
             "CREATE TABLE t (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts - INTERVAL '1' "
             "SECOND) WITH ('connector' = 'filesystem', 'path' = '%s', 'format' = 'csv')",
             folder);
    run(session, sql);
    WeirResult *result = start(session, "SELECT id FROM t ORDER BY ts");
    int last = 0, rows = 0;
    while (weir_next(result, -1) == WEIR_STEP_ROW) {
        int id = atoi(weir_text(result, 0, NULL));
        ck_assert_int_ge(id, last);
        last = id;
        rows++;
    }
    ck_assert_int_eq(rows, files * file_rows);
    weir_result_free(result);
    weir_close(session);
    for (int i = 0; i < files; i++) {
        snprintf(path, sizeof(path), "%s/%d.csv", folder, i);
        unlink(path);
    }
    rmdir(folder);
}

START_TEST(files_are_read_beside_each_other)
{
    read_folder(3, 5000, _i);
}
END_TEST

/* More files than are kept open: they are closed and opened again where they were. */
START_TEST(many_files_are_read_beside_each_other)
{
    read_folder(70, 5000, 1);
}
END_TEST

#define AHEAD_ROWS 80000

/* A table that is far ahead of another of its group waits until that one has ended. */
START_TEST(a_table_far_ahead_waits)
{
    char path[] = "/tmp/weir-event-time-XXXXXX", sql[512];
    int made = mkstemp(path);
    ck_assert_int_ge(made, 0);
    close(made);
    write_file(path, 0, AHEAD_ROWS);
    WeirSession *session = weir_open();
    run(session, "SET 'pipeline.auto-watermark-interval' = '1 ms'");
    snprintf(sql, sizeof(sql),
             "CREATE TABLE a (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ('connector' = "
             "'filesystem', 'path' = '%s', 'format' = 'csv', "
             "'scan.watermark.alignment.group' = 'g', "
             "'scan.watermark.alignment.max-drift' = '1 min', "
             "'scan.watermark.alignment.update-interval' = '1 ms')",
             path);
    run(session, sql);
    run(session, "CREATE TABLE b (id INT, ts TIMESTAMP(3), WATERMARK FOR ts AS ts) WITH ("
                 "'connector' = 'feed', 'scan.watermark.alignment.group' = 'g', "
                 "'scan.watermark.alignment.max-drift' = '1 min')");
    WeirResult *result = start(session, "SELECT id FROM a UNION ALL SELECT id FROM b");
    ck_assert_int_eq(weir_next(result, -1), WEIR_STEP_ROW);
    ck_assert_int_eq(weir_feed(session, "b", "+I[-1, '2024-01-01 00:00:00']\n"), WEIR_OK);
    int before = 1, rows = 1;
    for (; weir_next(result, -1) == WEIR_STEP_ROW; rows++) {
        if (atoi(weir_text(result, 0, NULL)) != -1)
            continue;
        before = rows;
        ck_assert_int_eq(weir_feed_end(session, "b"), WEIR_OK);
    }
    ck_assert_int_lt(before, AHEAD_ROWS / 2);
    ck_assert_int_eq(rows, AHEAD_ROWS + 1);
    weir_result_free(result);
    weir_close(session);
    unlink(path);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("event_time");
    tcase_add_test(cases, the_slowest_table_and_late_rows_are_told);
    tcase_add_loop_test(cases, files_are_read_beside_each_other, 1, 3);
    tcase_add_test(cases, many_files_are_read_beside_each_other);
    tcase_add_test(cases, a_table_far_ahead_waits);
    tcase_set_timeout(cases, 60);
    return test_run("event_time", cases);
}
