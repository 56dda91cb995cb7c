/* Expand: every row once per grouping set, row by row, with the row's kind. */
#include "tests/operator_bench.h"

extern const OperatorClass op_expand;

static const uint32_t passed[] = {1};
static const uint32_t keys[] = {0, 1};
static const int64_t rollup[] = {0, 1, 3};

static Bench *expand_new(int size_index, const PlanExpand *plan, const char *output)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    bench->emitter.allows_halves = true;
    bench_input(bench, test_schema(bench->arena, "a INT,b STRING"), CHANGES_ALL);
    bench_open(bench, &op_expand, test_schema(bench->arena, output), plan);
    return bench;
}

START_TEST(sets_of_a_row_follow_each_other)
{
    PlanExpand plan = {passed, 1, keys, 2, rollup, 3};
    Bench *bench = expand_new(_i, &plan, "b0 STRING,a INT,b STRING,e BIGINT");
    bench_check(bench, 0, "+I[1, x]\n+I[NULL, NULL]\n",
                "+I[x, 1, x, 0]\n+I[x, 1, NULL, 1]\n+I[x, NULL, NULL, 3]\n"
                "+I[NULL, NULL, NULL, 0]\n+I[NULL, NULL, NULL, 1]\n+I[NULL, NULL, NULL, 3]\n");
    bench_free(bench);
}
END_TEST

START_TEST(kinds_and_long_texts_come_through)
{
    PlanExpand plan = {NULL, 0, keys, 2, rollup, 2};
    Bench *bench = expand_new(_i, &plan, "a INT,b STRING,e BIGINT");
    bench_check(bench, 0,
                "-U[1, a text that is long]\n+U[2, another text that is long]\n-D[3, z]\n",
                "-U[1, a text that is long, 0]\n-U[1, NULL, 1]\n"
                "+U[2, another text that is long, 0]\n+U[2, NULL, 1]\n"
                "-D[3, z, 0]\n-D[3, NULL, 1]\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("expand");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, sets_of_a_row_follow_each_other, 0, sizes);
    tcase_add_loop_test(cases, kinds_and_long_texts_come_through, 0, sizes);
    return test_run("expand", cases);
}
