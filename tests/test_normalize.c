/* Normalize and drop_update_before: upserts and duplicates become a proper changelog. */
#include "tests/rounds.h"

extern const OperatorClass op_normalize, op_drop_update_before, op_union;

static Bench *normalize_new(int size_index, const char *columns, PlanNormalize *plan)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, columns);
    bench_input(bench, schema, CHANGES_ALL);
    plan->key = (ColumnSet){1, test_columns(bench->arena, 1, 0)};
    bench_open(bench, &op_normalize, schema, plan);
    return bench;
}

START_TEST(the_last_row_per_key_counts)
{
    static const char *const shapes[] = {"id INT, v INT", "id INT, v STRING"};
    for (size_t s = 0; s < array_count(shapes); s++) {
        PlanNormalize plan = {0};
        Bench *bench = normalize_new(_i, shapes[s], &plan);
        bench_check(bench, 0, "+U[1, 10]\n+I[2, 20]\n+U[1, 10]\n+I[1, 11]\n+U[2, NULL]\n",
                    "+I[1, 10]\n+I[2, 20]\n-U[1, 10]\n+U[1, 11]\n-U[2, 20]\n+U[2, NULL]\n");
        bench_restart(bench);
        /* A delete may lack columns: what is taken back is the stored row. */
        bench_check(bench, 0,
                    "-D[1, NULL]\n-D[1, NULL]\n+U[1, 12]\n-U[1, 99]\n+U[1, 13]\n-D[7, 1]\n",
                    "-D[1, 11]\n+I[1, 12]\n-D[1, 12]\n+I[1, 13]\n");
        bench_check(bench, 0, "-D[1, 13]\n-D[2, NULL]\n+I[NULL, 5]\n-D[NULL, 6]\n",
                    "-D[1, 13]\n-D[2, NULL]\n+I[NULL, 5]\n-D[NULL, 5]\n");
        ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
        bench_free(bench);
    }
}
END_TEST

START_TEST(ttl_and_consumers_change_what_is_given)
{
    PlanNormalize plan = {.state_ttl_ms = 1};
    Bench *bench = normalize_new(_i, "id INT, v STRING", &plan);
    bench->node.traits.wants_before = false;
    bench_check(bench, 0, "+U[1, a]\n+U[1, a]\n+U[1, b]\n-D[1, b]\n",
                "+I[1, a]\n+U[1, a]\n+U[1, b]\n-D[1, b]\n");
    bench_free(bench);
}
END_TEST

START_TEST(folding_gives_one_change_per_key_and_batch)
{
    PlanNormalize plan = {0};
    Bench *bench = normalize_new(2, "id INT, v STRING", &plan);
    bench->node.traits.folds = true;
    bench_check(bench, 0, "+U[1, a]\n+U[2, x]\n+U[1, b]\n-D[2, x]\n+I[3, c]\n",
                "+I[1, b]\n+I[3, c]\n");
    bench_check(bench, 0, "-D[1, b]\n+I[3, d]\n+I[1, c]\n-D[3, d]\n",
                "-U[1, b]\n+U[1, c]\n-D[3, c]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 1);
    bench_free(bench);
}
END_TEST

START_TEST(random_upserts_equal_a_map)
{
    enum { KEYS = 12 };
    TestRandom random = test_random("normalize");
    PlanNormalize plan = {0};
    Bench *bench = normalize_new(_i % 3, "id INT, v STRING", &plan);
    bench->node.traits.folds = _i >= 3;
    uint32_t map[KEYS] = {0}; /* 0: not there */
    Rounds rounds = rounds_open(bench, 20);
    for (uint32_t round = 0; round < 80; round++) {
        for (uint32_t c = test_below(&random, 30) + 1; c > 0; c--) {
            static const char *const kinds[] = {"+I", "+U", "+U", "-D", "-U"};
            uint32_t kind = test_below(&random, 5), key = test_below(&random, KEYS);
            map[key] = 1 + test_below(&random, 4);
            buffer_printf(&rounds.text, "%s[%u, a value with number %u]\n", kinds[kind], key,
                          map[key]);
            if (kind >= 3)
                map[key] = 0;
        }
        /* A -U from outside need not have a +U behind it. */
        bench->emitter.allows_halves = true;
        rounds_feed(&rounds);
        for (uint32_t key = 0; key < KEYS; key++) {
            char row[64];
            int length = snprintf(row, sizeof(row), "[%u, a value with number %u]", key, map[key]);
            if (map[key] != 0)
                fold_add(rounds.expected, row, (size_t)length);
        }
        ck_assert_uint_eq(state_store_keys(bench->context.state), rounds.expected->count);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}
END_TEST

START_TEST(update_before_is_dropped)
{
    Bench *bench = bench_new(batch_sizes[_i]);
    const Schema *schema = test_schema(bench->arena, "id INT");
    bench_input(bench, schema, CHANGES_ALL);
    bench_open(bench, &op_drop_update_before, schema, NULL);
    bench_check(bench, 0, "+I[1]\n-U[1]\n+U[2]\n-D[2]\n-U[3]\n", "+I[1]\n+U[2]\n-D[2]\n");
    bench_check(bench, 0, "+I[1]\n", "+I[1]\n");
    bench_free(bench);
}
END_TEST

START_TEST(union_passes_everything_on)
{
    Bench *bench = bench_new(batch_sizes[_i]);
    bench_input(bench, test_schema(bench->arena, "id INT, a STRING"), CHANGES_ALL);
    bench_input(bench, test_schema(bench->arena, "other INT, b STRING"), CHANGES_ALL);
    bench_open(bench, &op_union, test_schema(bench->arena, "x INT, y STRING"), NULL);
    bench_check(bench, 0, "+I[1, p]\n-U[1, p]\n+U[2, q]\n", "+I[1, p]\n-U[1, p]\n+U[2, q]\n");
    bench_check(bench, 1, "-D[1, NULL]\n", "-D[1, NULL]\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("normalize");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, the_last_row_per_key_counts, 0, sizes);
    tcase_add_loop_test(cases, ttl_and_consumers_change_what_is_given, 0, sizes);
    tcase_add_test(cases, folding_gives_one_change_per_key_and_batch);
    tcase_add_loop_test(cases, random_upserts_equal_a_map, 0, 2 * sizes);
    tcase_add_loop_test(cases, update_before_is_dropped, 0, sizes);
    tcase_add_loop_test(cases, union_passes_everything_on, 0, sizes);
    return test_run("normalize", cases);
}
