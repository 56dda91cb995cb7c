/* MiniBatch: a bundle of changes told as one per key, and when a bundle ends. */
#include "tests/operator_bench.h"

extern const OperatorClass op_mini_batch;

static Bench *mini_new(int size_index, const char *columns, PlanMiniBatch *plan)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, columns);
    bench_input(bench, schema, CHANGES_ALL);
    plan->key = (ColumnSet){1, test_columns(bench->arena, 1, 0)};
    bench_open(bench, &op_mini_batch, schema, plan);
    return bench;
}

START_TEST(one_change_per_key)
{
    static const char *const shapes[] = {"id INT, v INT", "id INT, v STRING"};
    for (size_t s = 0; s < array_count(shapes); s++) {
        PlanMiniBatch plan = {.size = 1000, .latency_ms = 1000};
        Bench *bench = mini_new(_i, shapes[s], &plan);
        bench_check(bench, 0,
                    "+I[1, 10]\n+I[2, 20]\n-U[1, 10]\n+U[1, 11]\n+I[3, 30]\n-D[3, 30]\n"
                    "-U[1, 11]\n+U[1, NULL]\n-D[2, 20]\n+I[2, 21]\n",
                    "");
        bench_barrier(bench);
        bench_expect(bench, "+I[1, NULL]\n+I[2, 21]\n");
        bench_check(bench, 0,
                    "-U[2, 21]\n+U[2, 22]\n-U[1, NULL]\n+U[1, 12]\n-U[2, 22]\n+U[2, 21]\n"
                    "+I[NULL, 5]\n-D[NULL, 5]\n",
                    "");
        bench_barrier(bench);
        bench_expect(bench, "-U[1, NULL]\n+U[1, 12]\n");
        bench_check(bench, 0, "-U[1, 12]\n+U[1, 13]\n-D[1, 13]\n-D[2, 21]\n+I[2, 5]\n", "");
        bench_end(bench);
        bench_expect(bench, "-D[1, 12]\n-U[2, 21]\n+U[2, 5]\n");
        bench_free(bench);
    }
}
END_TEST

START_TEST(a_bundle_ends_by_size_time_and_watermark)
{
    PlanMiniBatch plan = {.size = 3, .latency_ms = 50};
    Bench *bench = mini_new(0, "id INT, v STRING", &plan);
    bench_check(bench, 0, "+I[1, a]\n+I[2, a]\n-U[1, a]\n", "");
    bench_check(bench, 0, "+U[1, b]\n+I[3, a]\n", "+I[1, b]\n+I[2, a]\n");
    bench_clock(bench, 49);
    bench_expect(bench, "");
    bench_clock(bench, 50);
    bench_expect(bench, "+I[3, a]\n");
    bench_check(bench, 0, "+I[4, a]\n", "");
    bench_clock(bench, 80);
    bench_check(bench, 0, "-U[4, a]\n+U[4, b]\n", "");
    bench_watermark(bench, 5);
    bench_expect(bench, "+I[4, b]\n");
    bench_clock(bench, 100);
    bench_expect(bench, "");
    bench_free(bench);
}
END_TEST

START_TEST(ttl_and_consumers_change_what_is_given)
{
    PlanMiniBatch plan = {.size = 1000, .latency_ms = 50, .keeps_alive = true};
    Bench *bench = mini_new(_i, "id INT, v STRING", &plan);
    bench->node.traits.wants_before = false;
    bench_check(bench, 0, "-U[1, a]\n+U[1, a]\n+U[2, x]\n-D[2, x]\n", "");
    bench_barrier(bench);
    bench_expect(bench, "+U[1, a]\n-D[2, x]\n");
    bench_free(bench);
}
END_TEST

/* Behind a join the halves of an update may go different ways. */
START_TEST(halves_are_rows_that_come_and_go)
{
    PlanMiniBatch plan = {.size = 1000, .latency_ms = 50, .halves = true};
    Bench *bench = mini_new(_i, "id INT, v STRING", &plan);
    bench->emitter.allows_halves = true;
    bench_check(bench, 0, "+U[1, a]\n-U[2, x]\n+U[3, c]\n-U[3, c]\n+I[4, d]\n", "");
    bench_barrier(bench);
    bench_expect(bench, "+I[1, a]\n-D[2, x]\n+I[4, d]\n");
    bench_check(bench, 0, "-D[1, a]\n+I[1, b]\n-U[4, d]\n+U[4, d]\n", "");
    bench_barrier(bench);
    bench_expect(bench, "-U[1, a]\n+U[1, b]\n");
    bench_free(bench);
}
END_TEST

/* More keys than a bundle keeps room for. */
START_TEST(large_bundles)
{
    enum { KEYS = 70000 };
    PlanMiniBatch plan = {.size = 10000000, .latency_ms = 50};
    Bench *bench = mini_new(2, "id INT, v STRING", &plan);
    Buffer text = {0};
    for (uint32_t round = 0; round < 2; round++) {
        for (uint32_t key = 0; key < KEYS; key += 2000) {
            buffer_clear(&text);
            for (uint32_t k = key; k < key + 2000; k++)
                buffer_printf(&text, "%s[%u, a text of more than twelve bytes %u]\n",
                              round == 0 ? "+I" : "-D", k, k);
            bench_feed(bench, 0, buffer_text(&text));
        }
        bench_expect(bench, "");
        bench_barrier(bench);
        uint32_t lines = 0;
        for (const char *c = buffer_text(&bench->emitter.text); *c != '\0'; c++)
            lines += *c == '\n';
        ck_assert_uint_eq(lines, KEYS);
        buffer_clear(&bench->emitter.text);
    }
    bench_check(bench, 0, "+I[1, a]\n", "");
    bench_barrier(bench);
    bench_expect(bench, "+I[1, a]\n");
    buffer_deinit(&text);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("mini_batch");
    tcase_add_loop_test(cases, one_change_per_key, 0, 3);
    tcase_add_test(cases, a_bundle_ends_by_size_time_and_watermark);
    tcase_add_loop_test(cases, ttl_and_consumers_change_what_is_given, 0, 3);
    tcase_add_loop_test(cases, halves_are_rows_that_come_and_go, 0, 3);
    tcase_add_test(cases, large_bundles);
    return test_run("mini_batch", cases);
}
