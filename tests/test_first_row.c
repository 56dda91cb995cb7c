/* First row: held until the watermark has reached it, then given for good. */
#include "tests/operator_bench.h"

extern const OperatorClass op_first_row;

static const uint32_t by_key[] = {0};

static Bench *first_row_new(int size_index, const PlanFirstRow *plan)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, "k STRING, s STRING, at TIMESTAMP");
    bench_input(bench, schema, CHANGES_INSERT_ONLY);
    bench_open(bench, &op_first_row, schema, plan);
    return bench;
}

#define AT(second)    "'1970-01-01 00:00:0" #second "']\n"
#define GIVEN(second) "1970-01-01 00:00:0" #second ".000]\n"

START_TEST(the_smallest_time_is_given_when_it_is_certain)
{
    PlanFirstRow plan = {.key = by_key, .key_count = 1, .time = 2};
    Bench *bench = first_row_new(_i, &plan);
    bench_check(bench, 0,
                "+I[a, one, " AT(5) "+I[a, two, " AT(3) "+I[a, three, " AT(3) "+I[b, four, " AT(
                    4) "+I[c, five, " AT(3),
                "");
    bench_watermark(bench, 2000);
    bench_expect(bench, "");
    bench_restart(bench);
    /* Of one time in order of arrival: a came before c. */
    bench_watermark(bench, 3000);
    bench_expect(bench, "+I[a, two, " GIVEN(3) "+I[c, five, " GIVEN(3));
    /* Given for good, too late, or replaced while it waits. */
    bench_check(
        bench, 0,
        "+I[a, six, " AT(4) "+I[d, seven, " AT(2) "+I[b, eight, " AT(4) "+I[e, nine, " AT(3),
        "late +I[d, seven, " GIVEN(2));
    bench_restart(bench);
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[e, nine, " GIVEN(3) "+I[b, four, " GIVEN(4));
    bench_free(bench);
}
END_TEST

START_TEST(what_waited_for_two_times_is_given_once)
{
    PlanFirstRow plan = {.key = by_key, .key_count = 1, .time = 2};
    Bench *bench = first_row_new(_i, &plan);
    bench_check(bench, 0, "+I[a, one, " AT(7) "+I[a, two, " AT(5) "+I[a, three, " AT(2), "");
    bench_watermark(bench, 4000);
    bench_expect(bench, "+I[a, three, " GIVEN(2));
    bench_restart(bench);
    bench_watermark(bench, 9000);
    bench_expect(bench, "");
    /* Only that it was given is kept. */
    ck_assert_uint_eq(state_store_keys(bench->context.state), 1);
    bench_free(bench);
}
END_TEST

START_TEST(without_a_key_there_is_one_row)
{
    PlanFirstRow plan = {.time = 2};
    Bench *bench = first_row_new(_i, &plan);
    bench_check(bench, 0, "+I[a, one, " AT(5) "+I[b, two, " AT(4), "");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[b, two, " GIVEN(4));
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("first_row");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, the_smallest_time_is_given_when_it_is_certain, 0, sizes);
    tcase_add_loop_test(cases, what_waited_for_two_times_is_given_once, 0, sizes);
    tcase_add_loop_test(cases, without_a_key_there_is_one_row, 0, sizes);
    return test_run("first_row", cases);
}
