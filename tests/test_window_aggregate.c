/* The aggregate over windows: what is given when, at every edge; what is late; what is let go;
 * random rows out of order against plain recomputation. */
#include "tests/operator_bench.h"

extern const OperatorClass op_window_aggregate;

#define SECOND INT64_C(1000000)
#define MILLI  INT64_C(1000)

typedef struct Windows {
    Bench *bench;
    const Schema *input;
    PlanWindowAggregate plan;
    PlanAggregateCall calls[8];
    Column columns[16];
} Windows;

static const PlanWindowProperty bounds[] = {PLAN_WINDOW_START, PLAN_WINDOW_END};

/* Aggregates by k over (k STRING, v BIGINT, t TIMESTAMP(3)); two properties: start and end. */
static Windows windows_new(int size_index, PlanWindowKind kind, bool retracts)
{
    Windows windows = {.bench = bench_new(batch_sizes[size_index])};
    Arena *arena = windows.bench->arena;
    windows.input = test_schema(arena, "k STRING, v BIGINT, t TIMESTAMP");
    bench_input(windows.bench, windows.input, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    windows.plan.aggregate.keys = test_columns(arena, 1, 0);
    windows.plan.aggregate.key_count = 1;
    windows.plan.aggregate.input_retracts = retracts;
    windows.plan.window =
        (PlanWindow){.kind = kind, .time_column = 2, .size_us = 10 * SECOND, .tick_us = MILLI};
    windows.columns[0] = (Column){"k", &type_string};
    return windows;
}

static PlanAggregateCall *windows_call(Windows *windows, const char *name, const char *column)
{
    PlanAggregate *plan = &windows->plan.aggregate;
    PlanAggregateCall *call = &windows->calls[plan->call_count++];
    *call =
        test_aggregate(windows->bench->arena, windows->input, name, column, plan->input_retracts);
    windows->columns[plan->key_count + plan->call_count - 1] = (Column){name, call->call.result};
    return call;
}

static void windows_open(Windows *windows)
{
    PlanAggregate *plan = &windows->plan.aggregate;
    plan->calls = windows->calls;
    uint32_t count = plan->key_count + plan->call_count;
    windows->columns[count++] = (Column){"window_start", &type_timestamp_3};
    windows->columns[count++] = (Column){"window_end", &type_timestamp_3};
    windows->plan.properties = bounds;
    windows->plan.property_count = 2;
    const Schema *output = schema_new(windows->bench->arena, windows->columns, count);
    bench_open(windows->bench, &op_window_aggregate, output, &windows->plan);
}

static uint64_t state_keys(const Windows *windows)
{
    return state_store_keys(windows->bench->context.state);
}

static uint64_t late_rows(const Windows *windows)
{
    return windows->bench->emitter.late_rows;
}

START_TEST(tumble_gives_each_window_once_at_its_end)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_TUMBLE, false);
    windows_call(&windows, "COUNT", NULL);
    windows_call(&windows, "SUM", "v");
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[b, 1, @01.000]\n+I[a, 2, @09.999]\n"
               "+I[b, 4, @00.000]\n+I[a, 8, @10.000]\n");
    bench_watermark(bench, (10 * SECOND - 2 * MILLI) / MILLI);
    bench_expect(bench, "");
    bench_watermark(bench, (10 * SECOND - MILLI) / MILLI);
    bench_expect(bench, "+I[b, 2, 5, @00.000, @10.000]\n"
                        "+I[a, 1, 2, @00.000, @10.000]\n");
    bench_watermark(bench, (10 * SECOND) / MILLI);
    bench_expect(bench, "");
    ck_assert_uint_eq(state_keys(&windows), 1);
    /* Empty windows are not given. */
    bench_watermark(bench, (100 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 1, 8, @10.000, @20.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    ck_assert_uint_eq(late_rows(&windows), 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_row_is_late_when_its_window_is_closed)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_TUMBLE, false);
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_watermark(bench, (10 * SECOND - 2 * MILLI) / MILLI);
    bench_feed(bench, 0, "+I[a, 1, @00.000]\n");
    bench_watermark(bench, (10 * SECOND - MILLI) / MILLI);
    bench_expect(bench, "+I[a, 1, @00.000, @10.000]\n");
    bench_feed(bench, 0,
               "+I[a, 1, @09.999]\n+I[a, 1, @10.000]\n"
               "+I[a, 1, NULL]\n");
    ck_assert_uint_eq(late_rows(&windows), 2);
    /* What was closed stays so over a restart. */
    bench_restart(bench);
    bench_feed(bench, 0, "+I[a, 1, @09.999]\n");
    ck_assert_uint_eq(late_rows(&windows), 3);
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "late +I[a, 1, @09.999]\nlate +I[a, 1, NULL]\nlate +I[a, 1, "
                        "@09.999]\n+I[a, 1, @10.000, @20.000]\n");
    bench_free(bench);
}
END_TEST

START_TEST(times_before_1970_and_offsets)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_TUMBLE, false);
    windows.plan.window.offset_us = 3 * SECOND;
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    bench_feed(windows.bench, 0,
               "+I[a, 1, 1969-12-31 23:59:52.999]\n+I[a, 1, 1969-12-31 23:59:53.000]\n"
               "+I[a, 1, @02.999]\n+I[a, 1, @03.000]\n");
    bench_watermark(windows.bench, INT64_MAX);
    bench_expect(windows.bench, "+I[a, 1, 1969-12-31 23:59:43.000, 1969-12-31 23:59:53.000]\n"
                                "+I[a, 2, 1969-12-31 23:59:53.000, 1970-01-01 00:00:03.000]\n"
                                "+I[a, 1, 1970-01-01 00:00:03.000, 1970-01-01 00:00:13.000]\n");
    bench_free(windows.bench);
}
END_TEST

START_TEST(hop_counts_a_row_in_every_window_still_open)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_HOP, false);
    windows.plan.window.slide_us = 4 * SECOND;
    windows.plan.window.size_us = 8 * SECOND;
    windows_call(&windows, "COUNT", NULL);
    windows_call(&windows, "MAX", "v");
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, 1, @01.000]\n+I[b, 5, @05.000]\n"
               "+I[a, 3, @06.000]\n+I[c, 7, @01.000]\n");
    bench_watermark(bench, (4 * SECOND - MILLI) / MILLI);
    bench_expect(bench, "+I[a, 1, 1, 1969-12-31 23:59:56.000, @04.000]\n"
                        "+I[c, 1, 7, 1969-12-31 23:59:56.000, @04.000]\n");
    /* Late for the window that ended at 4, in time for the one that ends at 8. */
    bench_feed(bench, 0, "+I[a, 2, @00.500]\n");
    ck_assert_uint_eq(late_rows(&windows), 0);
    bench_restart(bench);
    bench_watermark(bench, (8 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 3, 3, @00.000, @08.000]\n"
                        "+I[c, 1, 7, @00.000, @08.000]\n"
                        "+I[b, 1, 5, @00.000, @08.000]\n");
    bench_feed(bench, 0, "+I[a, 2, @03.999]\n");
    ck_assert_uint_eq(late_rows(&windows), 1);
    bench_expect(bench, "late +I[a, 2, @03.999]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[b, 1, 5, @04.000, @12.000]\n"
                        "+I[a, 1, 3, @04.000, @12.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    bench_free(bench);
}
END_TEST

START_TEST(hop_need_not_divide_the_size)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_HOP, false);
    windows.plan.window.slide_us = 4 * SECOND;
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    bench_feed(windows.bench, 0, "+I[a, 1, @09.000]\n+I[a, 1, @13.000]\n");
    bench_watermark(windows.bench, INT64_MAX);
    bench_expect(windows.bench, "+I[a, 1, @00.000, @10.000]\n"
                                "+I[a, 2, @04.000, @14.000]\n"
                                "+I[a, 2, @08.000, @18.000]\n"
                                "+I[a, 1, @12.000, @22.000]\n");
    bench_free(windows.bench);

    /* Hops wider than the window leave rows out, which are not late. */
    windows = windows_new(_i, PLAN_WINDOW_HOP, false);
    windows.plan.window.slide_us = 15 * SECOND;
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    bench_feed(windows.bench, 0,
               "+I[a, 1, @09.999]\n+I[a, 1, @10.000]\n"
               "+I[a, 1, @15.000]\n");
    bench_watermark(windows.bench, INT64_MAX);
    bench_expect(windows.bench, "+I[a, 1, @00.000, @10.000]\n"
                                "+I[a, 1, @15.000, @25.000]\n");
    ck_assert_uint_eq(late_rows(&windows), 0);
    bench_free(windows.bench);
}
END_TEST

START_TEST(cumulate_grows_step_by_step)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_CUMULATE, false);
    windows.plan.window.slide_us = 5 * SECOND;
    windows.plan.window.size_us = 15 * SECOND;
    windows_call(&windows, "COUNT", NULL);
    windows_call(&windows, "LISTAGG", "k");
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, 1, @01.000]\n+I[a, 1, @14.000]\n"
               "+I[b, 1, @07.000]\n");
    bench_watermark(bench, (5 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 1, a, @00.000, @05.000]\n");
    bench_restart(bench);
    bench_watermark(bench, (10 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 1, a, @00.000, @10.000]\n"
                        "+I[b, 1, b, @00.000, @10.000]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[a, 2, 'a,a', @00.000, @15.000]\n"
                        "+I[b, 1, b, @00.000, @15.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    bench_free(bench);
}
END_TEST

START_TEST(distinct_and_retracting_extremes_are_merged)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_HOP, true);
    windows.plan.window.slide_us = 5 * SECOND;
    windows_call(&windows, "COUNT", "v")->distinct = true;
    windows_call(&windows, "SUM", "v")->distinct = true;
    windows_call(&windows, "MIN", "v");
    windows_call(&windows, "MAX", "v");
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, 7, @01.000]\n+I[a, 7, @06.000]\n"
               "+I[a, 2, @07.000]\n+I[a, 9, @02.000]\n"
               "+I[a, NULL, @03.000]\n");
    bench_restart(bench);
    bench_watermark(bench, (5 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 2, 16, 7, 9, 1969-12-31 23:59:55.000, @05.000]\n");
    bench_feed(bench, 0,
               "-D[a, 9, @02.000]\n-U[a, 2, @07.000]\n"
               "+U[a, 3, @08.000]\n-D[a, 1, @22.000]\n");
    bench_watermark(bench, (10 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 2, 10, 3, 7, @00.000, @10.000]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[a, 2, 10, 3, 7, @05.000, @15.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    ck_assert_uint_eq(late_rows(&windows), 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_window_whose_rows_all_went_is_not_given)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_TUMBLE, true);
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, 1, @01.000]\n+I[b, 1, @01.000]\n"
               "-D[a, 1, @01.000]\n-D[c, 1, @01.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 1);
    bench_feed(bench, 0, "-D[b, 1, @01.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "");
    bench_free(bench);
}
END_TEST

START_TEST(sessions_join_up_to_the_gap)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_SESSION, false);
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, 1, @01.000]\n+I[a, 1, @11.000]\n"
               "+I[b, 1, @01.000]\n+I[b, 1, @11.001]\n");
    bench_watermark(bench, (11 * SECOND - MILLI) / MILLI);
    bench_expect(bench, "+I[b, 1, @01.000, @11.000]\n");
    /* Its own window is closed, but it is within the gap of a session that is not. */
    bench_feed(bench, 0, "+I[a, 1, @00.500]\n+I[b, 1, @00.500]\n");
    ck_assert_uint_eq(late_rows(&windows), 1);
    bench_expect(bench, "late +I[b, 1, @00.500]\n");
    bench_restart(bench);
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[a, 3, @00.500, @21.000]\n"
                        "+I[b, 1, @11.001, @21.001]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    bench_free(bench);
}
END_TEST

START_TEST(a_row_bridges_two_sessions_and_parts_them_when_it_goes)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_SESSION, true);
    windows_call(&windows, "COUNT", NULL);
    windows_call(&windows, "MIN", "v");
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, 1, @01.000]\n+I[a, 2, @17.000]\n"
               "+I[a, 3, @09.000]\n");
    bench_watermark(bench, (12 * SECOND) / MILLI);
    bench_expect(bench, "");
    bench_restart(bench);
    /* The first session has been over since 11. */
    bench_feed(bench, 0, "-D[a, 3, @09.000]\n");
    bench_expect(bench, "");
    bench_watermark(bench, (13 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 1, 1, @01.000, @11.000]\n");
    bench_feed(bench, 0, "+I[a, 3, @09.000]\n-D[a, 1, @01.000]\n");
    ck_assert_uint_eq(late_rows(&windows), 1);
    bench_expect(bench, "late -D[a, 1, @01.000]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[a, 2, 2, @09.000, @27.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    bench_free(bench);
}
END_TEST

START_TEST(attached_windows_are_those_the_rows_carry)
{
    Windows windows = windows_new(_i, PLAN_WINDOW_ATTACHED, false);
    Arena *arena = windows.bench->arena;
    windows.input = test_schema(arena, "k STRING, t TIMESTAMP, e TIMESTAMP");
    windows.bench->inputs[0].schema = windows.input;
    windows.plan.window.start_column = 1;
    windows_call(&windows, "COUNT", NULL);
    windows_open(&windows);
    Bench *bench = windows.bench;
    bench_feed(bench, 0,
               "+I[a, @00.000, @10.000]\n+I[a, @05.000, @10.000]\n"
               "+I[a, @00.000, @10.000]\n");
    bench_watermark(bench, (10 * SECOND) / MILLI);
    bench_expect(bench, "+I[a, 2, @00.000, @10.000]\n"
                        "+I[a, 1, @05.000, @10.000]\n");
    ck_assert_uint_eq(state_keys(&windows), 0);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("window_aggregate");
    int sizes = (int)array_count(batch_sizes);
    tcase_set_timeout(tests, 60);
    tcase_add_loop_test(tests, tumble_gives_each_window_once_at_its_end, 0, sizes);
    tcase_add_loop_test(tests, a_row_is_late_when_its_window_is_closed, 0, sizes);
    tcase_add_loop_test(tests, times_before_1970_and_offsets, 0, sizes);
    tcase_add_loop_test(tests, hop_counts_a_row_in_every_window_still_open, 0, sizes);
    tcase_add_loop_test(tests, hop_need_not_divide_the_size, 0, sizes);
    tcase_add_loop_test(tests, cumulate_grows_step_by_step, 0, sizes);
    tcase_add_loop_test(tests, distinct_and_retracting_extremes_are_merged, 0, sizes);
    tcase_add_loop_test(tests, a_window_whose_rows_all_went_is_not_given, 0, sizes);
    tcase_add_loop_test(tests, sessions_join_up_to_the_gap, 0, sizes);
    tcase_add_loop_test(tests, a_row_bridges_two_sessions_and_parts_them_when_it_goes, 0, sizes);
    tcase_add_loop_test(tests, attached_windows_are_those_the_rows_carry, 0, sizes);
    return test_run("window_aggregate", tests);
}
