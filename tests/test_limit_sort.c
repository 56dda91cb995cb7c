/* Limit and sort: rows by arrival, with refills; rows by order at the end. */
#include "tests/rounds.h"

extern const OperatorClass op_limit, op_sort;

static Bench *limit_new(int size_index, const PlanLimit *plan, bool retracts)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, "v STRING");
    bench_input(bench, schema, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    bench_open(bench, &op_limit, schema, plan);
    return bench;
}

START_TEST(the_first_rows_of_inserts_pass)
{
    PlanLimit plan = {.offset = 1, .limit = 3};
    Bench *bench = limit_new(_i, &plan, false);
    bench_check(bench, 0, "+I[a]\n+I[b]\n", "+I[b]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[c]\n+I[d]\n+I[e]\n", "+I[c]\n+I[d]\n");
    bench_check(bench, 0, "+I[f]\n", "");
    bench_free(bench);

    PlanLimit only_offset = {.offset = 2, .limit = UINT64_MAX};
    bench = limit_new(_i, &only_offset, false);
    bench_check(bench, 0, "+I[a]\n+I[b]\n+I[c]\n", "+I[c]\n");
    bench_check(bench, 0, "+I[d]\n", "+I[d]\n");
    bench_free(bench);
}
END_TEST

START_TEST(changes_refill_the_result)
{
    PlanLimit plan = {.offset = 1, .limit = 2};
    Bench *bench = limit_new(_i, &plan, true);
    bench_check(bench, 0, "+I[a]\n+I[b]\n+I[c]\n+I[d]\n+I[e]\n", "+I[b]\n+I[c]\n");
    bench_restart(bench);
    /* Inside: the next comes in. */
    bench_check(bench, 0, "-D[b]\n", "-D[b]\n+I[d]\n");
    /* In the offset: the result's first row moves there. */
    bench_check(bench, 0, "-D[a]\n", "-D[c]\n+I[e]\n");
    /* An update goes to the end of the line. */
    bench_check(bench, 0, "-U[d]\n+U[dd]\n", "-D[d]\n+I[dd]\n");
    bench_check(bench, 0, "-D[x]\n-D[dd]\n-D[e]\n-D[c]\n", "-D[dd]\n-D[e]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 1);
    bench_free(bench);
}
END_TEST

static void append_window(Fold *out, char rows[][8], uint32_t count, const PlanLimit *plan)
{
    for (uint32_t i = 0; i < count; i++)
        if (i >= plan->offset && i - plan->offset < plan->limit)
            fold_add(out, rows[i], strlen(rows[i]));
}

START_TEST(random_changes_equal_a_list)
{
    TestRandom random = test_random("limit");
    static const PlanLimit plans[] = {{0, 1, 0}, {0, 3, 0},          {2, 3, 0},
                                      {3, 1, 0}, {1, UINT64_MAX, 0}, {0, 0, 0}};
    for (size_t p = 0; p < array_count(plans); p++) {
        Bench *bench = limit_new(_i, &plans[p], true);
        static char rows[512][8];
        uint32_t count = 0;
        Rounds rounds = rounds_open(bench, 15);
        for (uint32_t round = 0; round < 60; round++) {
            for (uint32_t c = test_below(&random, 8) + 1; c > 0; c--) {
                if (count == 0 || test_below(&random, 9) < 5) {
                    snprintf(rows[count], sizeof(rows[0]), "[%u]", test_below(&random, 9));
                    buffer_printf(&rounds.text, "+I%s\n", rows[count++]);
                    continue;
                }
                uint32_t at = test_below(&random, count);
                buffer_printf(&rounds.text, "-D%s\n", rows[at]);
                /* Of equal rows the first goes. */
                uint32_t first = 0;
                while (strcmp(rows[first], rows[at]) != 0)
                    first++;
                memmove(rows[first], rows[first + 1], sizeof(rows[0]) * (--count - first));
            }
            rounds_feed(&rounds);
            append_window(rounds.expected, rows, count, &plans[p]);
            rounds_compare(&rounds);
        }
        rounds_close(&rounds);
    }
}
END_TEST

static Bench *sort_new(int size_index, const PlanSort *plan, ChangeKinds kinds)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, "a INT, b STRING, c DECIMAL");
    bench_input(bench, schema, kinds);
    bench_open(bench, &op_sort, schema, plan);
    return bench;
}

static const char unsorted[] = "+I[2, x, 1.50]\n+I[NULL, y, -2.25]\n+I[1, b, NULL]\n"
                               "+I[2, NULL, 3.00]\n+I[1, a, 0.00]\n+I[1, a, 0.00]\n";

START_TEST(rows_come_sorted_at_the_end)
{
    static const PlanSortKey keys[] = {{0, true, true}, {1, false, true}};
    PlanSort plan = {.keys = keys, .key_count = 2, .limit = UINT64_MAX};
    Bench *bench = sort_new(_i, &plan, CHANGES_ALL);
    bench_check(bench, 0, unsorted, "");
    bench_restart(bench);
    bench_check(bench, 0, "-D[1, b, NULL]\n+I[0, b, 7.00]\n-D[9, z, 0.00]\n", "");
    bench_end(bench);
    bench_expect(bench, "+I[2, x, 1.50]\n+I[2, NULL, 3.00]\n+I[1, a, 0.00]\n+I[1, a, 0.00]\n"
                        "+I[0, b, 7.00]\n+I[NULL, y, -2.25]\n");
    bench_free(bench);
}
END_TEST

START_TEST(a_top_n_forgets_the_rest)
{
    static const PlanSortKey keys[] = {{0, false, false}};
    PlanSort plan = {.keys = keys, .key_count = 1, .offset = 1, .limit = 3};
    Bench *bench = sort_new(_i, &plan, CHANGES_INSERT_ONLY);
    bench_check(bench, 0, unsorted, "");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 0, 0.00]\n+I[5, 0, 0.00]\n", "");
    bench_end(bench);
    /* Equal sort keys come in the order of the other columns. */
    bench_expect(bench, "+I[1, 0, 0.00]\n+I[1, a, 0.00]\n+I[1, a, 0.00]\n");
    bench_free(bench);
}
END_TEST

START_TEST(random_rows_come_sorted)
{
    TestRandom random = test_random("sort");
    static const PlanSortKey keys[] = {{0, false, false}};
    PlanSort plan = {.keys = keys, .key_count = 1, .offset = 10, .limit = 300};
    Bench *bench = sort_new(_i, &plan, _i == 0 ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    enum { ROWS = 1000 };
    static int32_t values[ROWS];
    Buffer text = {0};
    for (uint32_t i = 0; i < ROWS; i++) {
        values[i] = (int32_t)test_below(&random, 500) - 250;
        buffer_printf(&text, "+I[%d, t, 1.00]\n", values[i]);
    }
    bench_check(bench, 0, buffer_text(&text), "");
    bench_end(bench);
    for (uint32_t i = 0; i < ROWS; i++)
        for (uint32_t k = i + 1; k < ROWS; k++)
            if (values[k] < values[i]) {
                int32_t swap = values[i];
                values[i] = values[k];
                values[k] = swap;
            }
    buffer_clear(&text);
    for (uint32_t i = 10; i < 310; i++)
        buffer_printf(&text, "+I[%d, t, 1.00]\n", values[i]);
    bench_expect(bench, buffer_text(&text));
    buffer_deinit(&text);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("limit_sort");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, the_first_rows_of_inserts_pass, 0, sizes);
    tcase_add_loop_test(cases, changes_refill_the_result, 0, sizes);
    tcase_add_loop_test(cases, random_changes_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, rows_come_sorted_at_the_end, 0, sizes);
    tcase_add_loop_test(cases, a_top_n_forgets_the_rest, 0, sizes);
    tcase_add_loop_test(cases, random_rows_come_sorted, 0, sizes);
    return test_run("limit_sort", cases);
}
