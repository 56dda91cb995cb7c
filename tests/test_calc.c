/* Calc: filter and projection, split updates, borrowed columns. */
#include "executor/expression/expression.h"
#include "tests/operator_bench.h"

extern const OperatorClass op_calc;

typedef struct Calculated {
    Bench *bench;
    const Schema *input;
    PlanCalc plan;
    const Expr *projections[4];
} Calculated;

static Calculated calc_new(int size_index)
{
    Calculated calc = {.bench = bench_new(batch_sizes[size_index])};
    calc.input = test_schema(calc.bench->arena, "a INT, b INT, s STRING");
    bench_input(calc.bench, calc.input, CHANGES_ALL);
    return calc;
}

static const Expr *column(Calculated *calc, const char *name)
{
    return test_column(calc->bench->arena, calc->input, name);
}

static void calc_open(Calculated *calc, const char *output)
{
    calc->plan.projections = calc->projections;
    bench_open(calc->bench, &op_calc, test_schema(calc->bench->arena, output), &calc->plan);
}

START_TEST(rows_are_filtered_and_projected)
{
    Calculated calc = calc_new(_i);
    Arena *arena = calc.bench->arena;
    calc.plan.filter = test_call(arena, ">", 2, column(&calc, "a"), test_int(arena, 1));
    calc.projections[0] = column(&calc, "s");
    calc.projections[1] = test_call(arena, "+", 2, column(&calc, "a"), column(&calc, "b"));
    calc.projections[2] = test_text(arena, "a constant that is long enough");
    calc_open(&calc, "s STRING, sum INT, c STRING");
    bench_check(calc.bench, 0,
                "+I[1, 1, x]\n+I[2, NULL, y]\n+I[NULL, 1, z]\n-D[3, 4, another long text]\n",
                "+I[y, NULL, a constant that is long enough]\n"
                "-D[another long text, 7, a constant that is long enough]\n");
    bench_check(calc.bench, 0, "+I[0, 0, x]\n", "");
    bench_check(calc.bench, 0, "+I[9, 1, x]\n", "+I[x, 10, a constant that is long enough]\n");
    bench_free(calc.bench);
}
END_TEST

START_TEST(halves_of_updates_become_inserts_and_deletes)
{
    for (int split = 0; split < 2; split++) {
        Calculated calc = calc_new(_i);
        Arena *arena = calc.bench->arena;
        calc.bench->emitter.allows_halves = true;
        calc.plan.filter = test_call(arena, ">", 2, column(&calc, "a"), test_int(arena, 1));
        calc.plan.split_updates = split;
        calc.projections[0] = column(&calc, "a");
        calc_open(&calc, "a INT");
        bench_check(calc.bench, 0,
                    "-U[5, 0, x]\n+U[1, 0, x]\n-U[1, 0, x]\n+U[6, 0, x]\n-U[6, 0, x]\n+U[7, 0, x]\n"
                    "-U[1, 0, x]\n+U[0, 0, x]\n+U[8, 0, x]\n-D[9, 0, x]\n",
                    split ? "-D[5]\n+I[6]\n-U[6]\n+U[7]\n+U[8]\n-D[9]\n"
                          : "-U[5]\n+U[6]\n-U[6]\n+U[7]\n+U[8]\n-D[9]\n");
        bench_free(calc.bench);
    }
}
END_TEST

START_TEST(an_error_names_expression_and_values)
{
    Calculated calc = calc_new(2);
    Arena *arena = calc.bench->arena;
    calc.projections[0] = test_call(arena, "/", 2, column(&calc, "a"), column(&calc, "b"));
    calc_open(&calc, "q INT");
    Error error = {0};
    Batch *batch = batch_new(calc.input, 3);
    static const char *const lines[] = {"+I[4, 2, x]", "+I[5, 0, y]", "+I[NULL, 0, y]"};
    for (size_t i = 0; i < array_count(lines); i++)
        ck_assert(changelog_read_row(batch, str_of(lines[i]), NULL, &error));
    ck_assert(!bench_try(calc.bench, 0, batch, &error));
    ck_assert_int_eq(error.code, ERROR_DATA);
    ck_assert_int_eq(error.sql_offset, 7);
    ck_assert_msg(strstr(error.detail, "a / b") != NULL, "%s", error.detail);
    ck_assert_msg(strstr(error.detail, "a = 5, b = 0") != NULL, "%s", error.detail);
    bench_free(calc.bench);
}
END_TEST

/* Keeps the batch it is given, to look at it. */
START_TEST(columns_passed_on_are_borrowed)
{
    Calculated calc = calc_new(2);
    calc.projections[0] = column(&calc, "b");
    calc_open(&calc, "b INT");
    Error error = {0};
    Batch *batch = batch_new(calc.input, 1);
    ck_assert(changelog_read_row(batch, STR("+I[1, 2, x]"), NULL, &error));
    batch_retain(batch);
    const Vector *results[1];
    ExpressionProgram *program =
        expression_compile(calc.bench->arena, (const Expr *const *)calc.projections, 1, calc.input,
                           &calc.bench->environment);
    ck_assert(expression_run(program, batch, NULL, 1, calc.bench->arena, results, &error));
    ck_assert_ptr_eq(results[0], &batch->columns[1]);
    ck_assert(bench_try(calc.bench, 0, batch, &error));
    bench_expect(calc.bench, "+I[2]\n");
    ck_assert_uint_eq(batch->references, 1);
    batch_release(batch);
    bench_free(calc.bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("calc");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, rows_are_filtered_and_projected, 0, sizes);
    tcase_add_loop_test(cases, halves_of_updates_become_inserts_and_deletes, 0, sizes);
    tcase_add_test(cases, an_error_names_expression_and_values);
    tcase_add_test(cases, columns_passed_on_are_borrowed);
    return test_run("calc", cases);
}
