/* Window table functions: every row once per window it lies in. */
#include "tests/operator_bench.h"

extern const OperatorClass op_window_tvf;

static Bench *tvf_new(int size_index, PlanWindow *plan)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    bench_input(bench, test_schema(bench->arena, "id INT, ts TIMESTAMP"), CHANGES_ALL);
    const Schema *out = test_schema(bench->arena, "id INT, ts TIMESTAMP, window_start TIMESTAMP, "
                                                  "window_end TIMESTAMP, window_time TIMESTAMP");
    plan->time_column = 1;
    plan->tick_us = 1000;
    bench->emitter.allows_halves = true;
    bench_open(bench, &op_window_tvf, out, plan);
    return bench;
}

#define T(seconds) "1970-01-01 00:00:0" seconds

START_TEST(a_tumbling_window_has_its_start_and_not_its_end)
{
    PlanWindow plan = {.kind = PLAN_WINDOW_TUMBLE, .size_us = 2000000, .offset_us = 1000000};
    Bench *bench = tvf_new(_i, &plan);
    bench_check(bench, 0,
                "+I[1, " T("1") "]\n+I[2, NULL]\n-U[3, " T("2.999") "]\n+U[3, " T("3") "]\n",
                _i == 2 ? "late +I[2, NULL]\n"
                          "+I[1, " T("1.000") ", " T("1.000") ", " T("3.000") ", " T(
                              "2.999") "]\n"
                                       "-U[3, " T("2.999") ", " T("1.000") ", " T("3.000") ", " T(
                                           "2.999") "]\n"
                                                    "+U[3, " T("3.000") ", " T("3.000") ", " T(
                                                        "5.000") ", " T("4.999") "]\n"
                : _i == 1 ? "late +I[2, NULL]\n"
                            "+I[1, " T("1.000") ", " T("1.000") ", " T("3.000") ", " T(
                                "2.999") "]\n"
                                         "-U[3, " T("2.999") ", " T("1.000") ", " T("3.000") ", " T(
                                             "2.999") "]\n"
                                                      "+U[3, " T("3.000") ", " T("3.000") ", " T(
                                                          "5.000") ", " T("4.999") "]\n"
                          : "+I[1, " T("1.000") ", " T("1.000") ", " T("3.000") ", " T(
                                "2.999") "]\n"
                                         "late +I[2, NULL]\n"
                                         "-U[3, " T("2.999") ", " T("1.000") ", " T("3.000") ", " T(
                                             "2.999") "]\n"
                                                      "+U[3, " T("3.000") ", " T("3.000") ", " T(
                                                          "5.000") ", " T("4.999") "]\n");
    bench_check(bench, 0, "+I[4, NULL]\n", "late +I[4, NULL]\n");
    bench_free(bench);
}
END_TEST

START_TEST(hops_come_latest_first)
{
    PlanWindow plan = {.kind = PLAN_WINDOW_HOP, .size_us = 3000000, .slide_us = 1000000};
    Bench *bench = tvf_new(_i, &plan);
    bench_check(
        bench, 0, "+I[1, " T("3") "]\n-D[2, " T("2.500") "]\n",
        "+I[1, " T("3.000") ", " T("3.000") ", " T("6.000") ", " T(
            "5.999") "]\n"
                     "+I[1, " T("3.000") ", " T("2.000") ", " T("5.000") ", " T(
                         "4.999") "]\n"
                                  "+I[1, " T("3.000") ", " T("1.000") ", " T("4.000") ", " T(
                                      "3.999") "]\n"
                                               "-D[2, " T("2.500") ", " T("2.000") ", " T("5.000") ", " T(
                                                   "4.999") "]\n"
                                                            "-D[2, " T("2.500") ", " T(
                                                                "1.000") ", " T("4.000") ", " T("3."
                                                                                                "99"
                                                                                                "9") "]\n"
                                                                                                     "-D[2, " T("2.500") ", " T("0.000") ", " T(
                                                                                                         "3.000") ", " T("2.999") "]\n");
    bench_free(bench);
}
END_TEST

START_TEST(windows_grow_by_the_step)
{
    PlanWindow plan = {.kind = PLAN_WINDOW_CUMULATE, .size_us = 3000000, .slide_us = 1000000};
    Bench *bench = tvf_new(_i, &plan);
    bench_check(bench, 0, "+I[1, " T("1") "]\n+I[2, " T("5.999") "]\n",
                "+I[1, " T("1.000") ", " T("0.000") ", " T("2.000") ", " T(
                    "1.999") "]\n"
                             "+I[1, " T("1.000") ", " T("0.000") ", " T("3.000") ", " T(
                                 "2.999") "]\n"
                                          "+I[2, " T("5.999") ", " T("3.000") ", " T(
                                              "6.000") ", " T("5.999") "]\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("window_tvf");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, a_tumbling_window_has_its_start_and_not_its_end, 0, sizes);
    tcase_add_loop_test(cases, hops_come_latest_first, 0, sizes);
    tcase_add_loop_test(cases, windows_grow_by_the_step, 0, sizes);
    return test_run("window_tvf", cases);
}
