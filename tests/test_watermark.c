/* Watermark: rows as they come, and how far their time has come. */
#include "tests/operator_bench.h"

extern const OperatorClass op_watermark;

/* A table (id INT, ts TIMESTAMP(3), mark TIMESTAMP(3)) whose watermark is the column `mark`. */
static Bench *watermark_new(uint32_t batch_rows, PlanWatermark *plan, bool from_source)
{
    Bench *bench = bench_new(batch_rows);
    const Schema *schema = test_schema(bench->arena, "id INT, ts TIMESTAMP, mark TIMESTAMP");
    plan->rowtime = 1;
    plan->watermark = from_source ? NULL : test_column(bench->arena, schema, "mark");
    bench_input(bench, schema, CHANGES_ALL);
    bench_open(bench, &op_watermark, schema, plan);
    bench_clock(bench, 0);
    return bench;
}

START_TEST(each_row_that_raises_it_is_followed_by_it)
{
    PlanWatermark plan = {.interval_ms = 0, .max_ahead_ms = -1};
    Bench *bench = watermark_new(batch_sizes[_i], &plan, false);
    bench_check(bench, 0,
                "+I[1, @01, @01]\n+I[2, @02, NULL]\n+I[3, @03, @00.5]\n"
                "+I[4, @04, @02]\n-U[4, @04, @02]\n+U[4, @05, @03]\n",
                "+I[1, @01.000, @01.000]\nwatermark 1000\n"
                "+I[2, @02.000, NULL]\n+I[3, @03.000, @00.500]\n"
                "+I[4, @04.000, @02.000]\nwatermark 2000\n"
                "-U[4, @04.000, @02.000]\n+U[4, @05.000, @03.000]\nwatermark 3000\n");
    /* The inputs' own watermarks count for nothing. */
    bench_watermark(bench, 9000);
    bench_expect(bench, "");
    bench_free(bench);
}
END_TEST

START_TEST(it_moves_once_an_interval_and_near_barriers)
{
    PlanWatermark plan = {.interval_ms = 200, .max_ahead_ms = -1};
    Bench *bench = watermark_new(batch_sizes[_i], &plan, false);
    const char *rows = "+I[1, @01, @01]\n+I[2, @02, 1969-12-31 23:59:59]\n";
    const char *out = "+I[1, @01.000, @01.000]\n"
                      "+I[2, @02.000, 1969-12-31 23:59:59.000]\n";
    bench_check(bench, 0, rows, out);
    bench_clock(bench, 199);
    bench_expect(bench, "");
    bench_clock(bench, 200);
    bench_expect(bench, "watermark 1000\n");
    /* Nothing new, nothing said. */
    bench_check(bench, 0, rows, out);
    bench_clock(bench, 1000);
    bench_expect(bench, "");
    bench_check(bench, 0, "+I[3, @03, @03]\n", "+I[3, @03.000, @03.000]\nwatermark 3000\n");
    bench_check(bench, 0, "+I[4, @04, @04]\n", "+I[4, @04.000, @04.000]\n");
    bench_approach(bench);
    bench_expect(bench, "watermark 4000\n");
    bench_barrier(bench);
    bench_expect(bench, "");
    bench_check(bench, 0, "+I[5, @05, @05]\n", "+I[5, @05.000, @05.000]\n");
    bench_barrier(bench);
    bench_expect(bench, "watermark 5000\n");
    bench_free(bench);
}
END_TEST

/* Two splits: the slower one counts until it has ended. */
START_TEST(the_slowest_split_counts)
{
    PlanWatermark plan = {.interval_ms = 0, .max_ahead_ms = -1};
    Bench *bench = watermark_new(batch_sizes[_i], &plan, false);
    SplitTime splits[] = {{"a", INT64_MIN, false}, {"b", INT64_MIN, false}};
    SplitTimes times = {splits, 2, 0};
    bench->context.splits = &times;
    bench_check(bench, 0, "+I[1, @05, @05]\n", "+I[1, @05.000, @05.000]\n");
    times.current = 1;
    bench_check(bench, 0, "+I[2, @01, @01]\n+I[3, @07, @07]\n",
                "+I[2, @01.000, @01.000]\nwatermark 1000\n"
                "+I[3, @07.000, @07.000]\nwatermark 5000\n");
    times.current = 0;
    bench_check(bench, 0, "+I[4, @02, @02]\n+I[5, @06, @06]\n",
                "+I[4, @02.000, @02.000]\n"
                "+I[5, @06.000, @06.000]\nwatermark 6000\n");
    ck_assert_int_eq(splits[1].watermark_us, 7000000);
    splits[0].ended = true;
    bench_check(bench, 0, "+I[6, @06, @06]\n", "+I[6, @06.000, @06.000]\n");
    splits[1].ended = true;
    times.current = 1;
    bench_check(bench, 0, "+I[7, @07, NULL]\n+I[8, @09, @09]\n",
                "+I[7, @07.000, NULL]\n"
                "+I[8, @09.000, @09.000]\nwatermark 9000\n");
    bench_free(bench);
}
END_TEST

START_TEST(a_restored_one_says_again_what_it_said)
{
    PlanWatermark plan = {.interval_ms = 200, .max_ahead_ms = -1};
    Bench *bench = watermark_new(batch_sizes[_i], &plan, false);
    bench_check(bench, 0, "+I[1, @01, @01]\n", "+I[1, @01.000, @01.000]\n");
    bench_restart(bench);
    bench_expect(bench, "watermark 1000\n");
    bench_clock(bench, 1);
    bench_expect(bench, "watermark 1000\n");
    bench_check(bench, 0, "+I[2, @00, @00]\n", "+I[2, @00.000, @00.000]\n");
    bench_clock(bench, 1000);
    bench_expect(bench, "");
    bench_free(bench);
}
END_TEST

START_TEST(a_quiet_source_is_not_waited_for)
{
    PlanWatermark plan = {.interval_ms = 200, .idle_ms = 1000, .max_ahead_ms = -1};
    Bench *bench = watermark_new(batch_sizes[_i], &plan, false);
    bench_clock(bench, 500);
    bench_check(bench, 0, "+I[1, @01, @01]\n", "+I[1, @01.000, @01.000]\nwatermark 1000\n");
    bench_clock(bench, 1499);
    bench_expect(bench, "");
    bench_clock(bench, 1500);
    bench_expect(bench, "idle\n");
    bench_clock(bench, 9000);
    bench_expect(bench, "");
    bench_check(bench, 0, "+I[2, @02, @00]\n", "active\n+I[2, @02.000, @00.000]\n");
    bench_free(bench);
}
END_TEST

START_TEST(rows_without_usable_time_are_late)
{
    PlanWatermark plan = {.interval_ms = 200, .drops_bad = true, .max_ahead_ms = 1000};
    Bench *bench = watermark_new(2048, &plan, false);
    bench_check(bench, 0,
                "+I[1, NULL, @09]\n+I[2, @01, @01]\n+I[3, @01.001, @08]\n"
                "-U[2, @01, @01]\n+U[2, NULL, @07]\n"
                "-U[2, NULL, @07]\n+U[2, @00, @00]\n",
                "late +I[1, NULL, @09.000]\nlate +I[3, @01.001, @08.000]\n"
                "late +U[2, NULL, @07.000]\nlate -U[2, NULL, @07.000]\n"
                "+I[2, @01.000, @01.000]\n-D[2, @01.000, @01.000]\n"
                "+I[2, @00.000, @00.000]\n");
    bench_check(bench, 0, "+I[4, NULL, @09]\n", "late +I[4, NULL, @09.000]\n");
    ck_assert_uint_eq(bench->emitter.late_rows, 5);
    bench_barrier(bench);
    bench_expect(bench, "watermark 1000\n");
    bench_free(bench);
}
END_TEST

START_TEST(a_row_without_time_ends_the_job)
{
    PlanWatermark plan = {.interval_ms = 200, .max_ahead_ms = -1};
    Bench *bench = watermark_new(2048, &plan, false);
    Batch *batch = batch_new(bench->inputs[0].schema, 1);
    Error error = {0};
    ck_assert(changelog_read_row(batch, STR("+I[1, NULL, NULL]"), NULL, &error));
    ck_assert(!bench_try(bench, 0, batch, &error));
    ck_assert_str_eq(error.message, "event time \"ts\" is NULL");
    bench_free(bench);
}
END_TEST

START_TEST(watermarks_of_the_source_are_passed_on)
{
    PlanWatermark plan = {.interval_ms = 200, .max_ahead_ms = -1};
    Bench *bench = watermark_new(batch_sizes[_i], &plan, true);
    bench_check(bench, 0, "+I[1, @01, @01]\n", "+I[1, @01.000, @01.000]\n");
    bench_watermark(bench, 700);
    bench_expect(bench, "watermark 700\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("watermark");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, each_row_that_raises_it_is_followed_by_it, 0, sizes);
    tcase_add_loop_test(cases, it_moves_once_an_interval_and_near_barriers, 0, sizes);
    tcase_add_loop_test(cases, the_slowest_split_counts, 0, sizes);
    tcase_add_loop_test(cases, a_restored_one_says_again_what_it_said, 0, sizes);
    tcase_add_loop_test(cases, a_quiet_source_is_not_waited_for, 0, sizes);
    tcase_add_test(cases, rows_without_usable_time_are_late);
    tcase_add_test(cases, a_row_without_time_ends_the_job);
    tcase_add_loop_test(cases, watermarks_of_the_source_are_passed_on, 0, sizes);
    return test_run("watermark", cases);
}
