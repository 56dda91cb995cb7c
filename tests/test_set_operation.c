/* INTERSECT and EXCEPT: each change of a count, what it gives, and random changes against a plain
 * recomputation. */
#include "tests/operator_bench.h"

extern const OperatorClass op_set_operation;

static Bench *set_new(int size_index, const PlanSetOperation *plan)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    bench->node.traits.kinds = CHANGES_OF(CHANGE_INSERT) | CHANGES_OF(CHANGE_DELETE);
    const Schema *schema = test_schema(bench->arena, "k INT,s STRING");
    bench_input(bench, schema, CHANGES_ALL);
    bench_input(bench, schema, CHANGES_ALL);
    bench_open(bench, &op_set_operation, schema, plan);
    return bench;
}

static void check_empty(Bench *bench)
{
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}

START_TEST(intersect_shows_what_both_have)
{
    PlanSetOperation plan = {.except = false};
    Bench *bench = set_new(_i, &plan);
    bench_check(bench, 0, "+I[1, a]\n+I[1, a]\n+I[2, NULL]\n", "");
    bench_check(bench, 1, "+I[3, c]\n+I[1, a]\n+I[2, NULL]\n+I[1, a]\n", "+I[1, a]\n+I[2, NULL]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-D[1, a]\n-U[2, NULL]\n+U[3, c]\n", "-D[2, NULL]\n+I[3, c]\n");
    bench_check(bench, 1, "-D[1, a]\n-D[1, a]\n+I[1, a]\n", "-D[1, a]\n+I[1, a]\n");
    bench_check(bench, 0, "-D[1, a]\n-D[3, c]\n-D[9, x]\n", "-D[1, a]\n-D[3, c]\n");
    bench_check(bench, 1, "-D[3, c]\n-D[2, NULL]\n-D[1, a]\n-D[1, a]\n", "");
    check_empty(bench);
}
END_TEST

START_TEST(intersect_all_counts)
{
    PlanSetOperation plan = {.all = true};
    Bench *bench = set_new(_i, &plan);
    bench_check(bench, 0, "+I[1, a]\n+I[1, a]\n+I[1, a]\n", "");
    bench_check(bench, 1, "+I[1, a]\n+I[1, a]\n", "+I[1, a]\n+I[1, a]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-D[1, a]\n-D[1, a]\n", "-D[1, a]\n");
    bench_check(bench, 1, "+I[1, a]\n-D[1, a]\n-D[1, a]\n-D[1, a]\n", "-D[1, a]\n");
    bench_check(bench, 0, "-D[1, a]\n-D[1, a]\n", "");
    check_empty(bench);
}
END_TEST

START_TEST(except_takes_back_what_the_right_brings)
{
    PlanSetOperation plan = {.except = true};
    Bench *bench = set_new(_i, &plan);
    bench_check(bench, 1, "+I[2, b]\n", "");
    bench_check(bench, 0, "+I[1, a]\n+I[2, b]\n+I[1, a]\n+I[NULL, NULL]\n",
                "+I[1, a]\n+I[NULL, NULL]\n");
    bench_restart(bench);
    bench_check(bench, 1, "+I[NULL, NULL]\n+I[1, a]\n+I[1, a]\n", "-D[NULL, NULL]\n-D[1, a]\n");
    bench_check(bench, 1, "-D[1, a]\n-D[1, a]\n-U[2, b]\n+U[NULL, NULL]\n", "+I[1, a]\n+I[2, b]\n");
    bench_check(bench, 0, "-D[1, a]\n-D[2, b]\n-D[1, a]\n-D[NULL, NULL]\n", "-D[2, b]\n-D[1, a]\n");
    bench_check(bench, 1, "-D[NULL, NULL]\n-D[NULL, NULL]\n", "");
    check_empty(bench);
}
END_TEST

START_TEST(except_all_counts)
{
    PlanSetOperation plan = {.except = true, .all = true};
    Bench *bench = set_new(_i, &plan);
    bench_check(bench, 0, "+I[1, a]\n+I[1, a]\n", "+I[1, a]\n+I[1, a]\n");
    bench_check(bench, 1, "+I[1, a]\n+I[1, a]\n+I[1, a]\n", "-D[1, a]\n-D[1, a]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, a]\n+I[1, a]\n", "+I[1, a]\n");
    bench_check(bench, 1, "-D[1, a]\n", "+I[1, a]\n");
    bench_check(bench, 0, "-D[1, a]\n-D[1, a]\n-D[1, a]\n-D[1, a]\n", "-D[1, a]\n-D[1, a]\n");
    bench_check(bench, 1, "-D[1, a]\n-D[1, a]\n", "");
    check_empty(bench);
}
END_TEST

/* -------------------------------------------------------------- random changes */

#define KEYS 6

static int result_times(const PlanSetOperation *plan, const int *counts)
{
    if (!plan->all)
        return counts[0] > 0 && (counts[1] > 0) != plan->except;
    if (plan->except)
        return counts[0] > counts[1] ? counts[0] - counts[1] : 0;
    return counts[0] < counts[1] ? counts[0] : counts[1];
}

static void check_fold(Bench *bench, const PlanSetOperation *plan, int counts[KEYS][2], Fold *fold,
                       Fold *expected)
{
    fold_free(expected);
    for (int k = 0; k < KEYS; k++) {
        char row[32];
        int length = snprintf(row, sizeof(row), "[%d, text of a row %d]", k, k);
        for (int i = 0; i < result_times(plan, counts[k]); i++)
            fold_add(expected, row, (size_t)length);
    }
    bench_fold(bench, fold);
    fold_compare(fold, expected);
}

static void random_round(Bench *bench, TestRandom *random, int counts[KEYS][2])
{
    Buffer lines = {0};
    uint32_t side = test_below(random, 2);
    uint32_t changes = 1 + test_below(random, 12);
    for (uint32_t i = 0; i < changes; i++) {
        uint32_t key = test_below(random, KEYS);
        bool removes = counts[key][side] > 0 && test_below(random, 2) == 0;
        counts[key][side] += removes ? -1 : 1;
        buffer_printf(&lines, "%s[%u, text of a row %u]\n", removes ? "-D" : "+I", key, key);
    }
    bench_feed(bench, side, buffer_text(&lines));
    buffer_deinit(&lines);
}

START_TEST(random_changes_equal_a_recomputation)
{
    TestRandom random = test_random("set_operation");
    Fold *fold = memory_zalloc(sizeof(*fold)), *expected = memory_zalloc(sizeof(*expected));
    for (int kind = 0; kind < 4; kind++) {
        PlanSetOperation plan = {.except = (kind & 1) != 0, .all = (kind & 2) != 0};
        Bench *bench = set_new(_i, &plan);
        int counts[KEYS][2] = {{0, 0}};
        for (int round = 0; round < 200; round++) {
            random_round(bench, &random, counts);
            check_fold(bench, &plan, counts, fold, expected);
            if (round % 50 == 49)
                bench_restart(bench);
        }
        fold_free(fold);
        bench_free(bench);
    }
    fold_free(expected);
    free(fold);
    free(expected);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("set_operation");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, intersect_shows_what_both_have, 0, sizes);
    tcase_add_loop_test(cases, intersect_all_counts, 0, sizes);
    tcase_add_loop_test(cases, except_takes_back_what_the_right_brings, 0, sizes);
    tcase_add_loop_test(cases, except_all_counts, 0, sizes);
    tcase_add_loop_test(cases, random_changes_equal_a_recomputation, 0, sizes);
    return test_run("set_operation", cases);
}
