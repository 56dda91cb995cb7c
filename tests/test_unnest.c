/* Unnest: rows of elements, in order, with their kinds and numbers. */
#include "tests/operator_bench.h"

extern const OperatorClass op_unnest;

static const uint32_t passed[] = {0};

/* `later`: only elements count whose number is above the row's id. */
static Bench *unnest_new(int size_index, PlanUnnest *plan, const char *output, bool later)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    bench->emitter.allows_halves = true;
    const TypeField element = {NULL, &type_string};
    Column *columns = arena_new_array(bench->arena, Column, 2);
    columns[0] = (Column){"id", &type_int};
    columns[1] = (Column){"xs", type_new_nested(bench->arena, TYPE_ARRAY, true, &element, 1)};
    bench_input(bench, schema_new(bench->arena, columns, 2), CHANGES_ALL);
    const Schema *rows = test_schema(bench->arena, output);
    if (later)
        plan->condition = test_call(bench->arena, "<", 2, test_column(bench->arena, rows, "id"),
                                    test_column(bench->arena, rows, "n"));
    bench_open(bench, &op_unnest, rows, plan);
    return bench;
}

START_TEST(elements_come_in_order)
{
    PlanUnnest plan = {passed, 1, 1, true, false, NULL};
    Bench *bench = unnest_new(_i, &plan, "id INT,x STRING,n INT", false);
    bench_check(bench, 0, "+I[1, [a, NULL, c]]\n+I[2, []]\n+I[3, NULL]\n+I[4, [d]]\n",
                "+I[1, a, 1]\n+I[1, NULL, 2]\n+I[1, c, 3]\n+I[4, d, 1]\n");
    bench_check(bench, 0, "-U[1, [a, b]]\n+U[1, [a]]\n-D[4, [d]]\n",
                "-U[1, a, 1]\n-U[1, b, 2]\n+U[1, a, 1]\n-D[4, d, 1]\n");
    bench_free(bench);
}
END_TEST

START_TEST(empty_lists_are_padded)
{
    PlanUnnest plan = {passed, 1, 1, true, true, NULL};
    Bench *bench = unnest_new(_i, &plan, "id INT,x STRING,n INT", false);
    bench_check(bench, 0, "+I[1, [a text that is long]]\n+I[2, []]\n-U[3, NULL]\n+U[3, [c]]\n",
                "+I[1, a text that is long, 1]\n+I[2, NULL, NULL]\n-U[3, NULL, NULL]\n"
                "+U[3, c, 1]\n");
    bench_free(bench);
}
END_TEST

START_TEST(elements_that_do_not_count_are_not_there)
{
    PlanUnnest plan = {passed, 1, 1, true, true, NULL};
    Bench *bench = unnest_new(_i, &plan, "id INT,x STRING,n INT", true);
    bench_check(bench, 0, "+I[1, [a, NULL, c, d]]\n+I[2, []]\n+I[3, [e, f]]\n+I[NULL, [g]]\n",
                "+I[1, NULL, 2]\n+I[1, c, 3]\n+I[1, d, 4]\n+I[2, NULL, NULL]\n"
                "+I[3, NULL, NULL]\n+I[NULL, NULL, NULL]\n");
    bench_check(bench, 0, "-U[1, [a, b]]\n+U[0, [a, b]]\n-U[7, [a]]\n+U[7, NULL]\n-D[0, [a, b]]\n",
                "-U[1, b, 2]\n+U[0, a, 1]\n+U[0, b, 2]\n-U[7, NULL, NULL]\n+U[7, NULL, NULL]\n"
                "-D[0, a, 1]\n-D[0, b, 2]\n");
    bench_check(bench, 0, "+I[0, [a]]\n+I[-1, [b]]\n", "+I[0, a, 1]\n+I[-1, b, 1]\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("unnest");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, elements_come_in_order, 0, sizes);
    tcase_add_loop_test(cases, empty_lists_are_padded, 0, sizes);
    tcase_add_loop_test(cases, elements_that_do_not_count_are_not_there, 0, sizes);
    return test_run("unnest", cases);
}
