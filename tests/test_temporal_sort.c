/* Temporal sort: rows wait for the watermark and come out in order. */
#include "tests/operator_bench.h"

extern const OperatorClass op_temporal_sort;

START_TEST(rows_come_out_by_time_and_the_other_keys)
{
    static const PlanSortKey keys[] = {{.column = 1},
                                       {.column = 0, .descending = true, .nulls_last = true}};
    PlanSort plan = {.keys = keys, .key_count = 2, .limit = UINT64_MAX};
    Bench *bench = bench_new(batch_sizes[_i]);
    const Schema *schema = test_schema(bench->arena, "v INT, ts TIMESTAMP, id INT");
    bench_input(bench, schema, CHANGES_INSERT_ONLY);
    bench_open(bench, &op_temporal_sort, schema, &plan);
    bench_check(bench, 0,
                "+I[1, @03, 1]\n+I[NULL, @03, 2]\n+I[5, @01, 3]\n+I[1, @03, 4]\n"
                "+I[2, @03, 5]\n",
                "");
    bench_watermark(bench, 999);
    bench_expect(bench, "");
    bench_restart(bench);
    bench_watermark(bench, 1000);
    bench_expect(bench, "+I[5, @01.000, 3]\n");
    bench_check(bench, 0, "+I[9, @01, 6]\n+I[9, NULL, 7]\n+I[9, @01.001, 8]\n",
                "late +I[9, @01.000, 6]\nlate +I[9, NULL, 7]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[8, @01, 9]\n", "late +I[8, @01.000, 9]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[9, @01.001, 8]\n+I[2, @03.000, 5]\n+I[1, @03.000, 1]\n"
                        "+I[1, @03.000, 4]\n+I[NULL, @03.000, 2]\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("temporal_sort");
    tcase_add_loop_test(cases, rows_come_out_by_time_and_the_other_keys, 0,
                        (int)array_count(batch_sizes));
    return test_run("temporal_sort", cases);
}
