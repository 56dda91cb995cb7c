/* The aggregate with mini-batch: what is told of a bundle, and when one ends. */
#include "tests/group_bench.h"

#define LONG_TEXT "a text of more than twelve bytes"

static Group bundle_new(int size_index, bool retracts, bool keyed)
{
    Group group = group_new(size_index, retracts, keyed);
    group.bench->node.traits.folds = true;
    group.plan.bundle_size = 1000;
    group.plan.bundle_latency_ms = 50;
    return group;
}

START_TEST(a_group_is_told_once_in_the_order_of_first_rows)
{
    Group group = bundle_new(_i, true, true);
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[b, 1, NULL]\n+I[a, 2, NULL]\n-U[b, 1, NULL]\n+U[b, 3, NULL]\n"
                "+I[" LONG_TEXT ", 4, NULL]\n+I[NULL, 7, NULL]\n-D[NULL, 7, NULL]\n",
                "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+I[b, 1, 3]\n+I[a, 1, 2]\n+I[" LONG_TEXT ", 1, 4]\n");
    bench_check(group.bench, 0,
                "-U[a, 2, NULL]\n+U[a, 2, NULL]\n+I[" LONG_TEXT ", 1, NULL]\n-D[b, 3, NULL]\n"
                "+I[c, NULL, NULL]\n-D[x, 1, NULL]\n",
                "");
    bench_restart(group.bench);
    bench_expect(group.bench, "-U[" LONG_TEXT ", 1, 4]\n+U[" LONG_TEXT ", 2, 5]\n"
                              "-D[b, 1, 3]\n+I[c, 1, NULL]\n");
    bench_check(group.bench, 0, "-D[a, 2, NULL]\n+I[a, 9, NULL]\n-D[c, NULL, NULL]\n", "");
    bench_end(group.bench);
    bench_expect(group.bench, "-U[a, 1, 2]\n+U[a, 1, 9]\n-D[c, 1, NULL]\n");
    bench_free(group.bench);
}
END_TEST

/* The second group must not be taken for the first, whose record has gone. */
START_TEST(a_group_that_went_keeps_its_place_until_the_bundle_ends)
{
    Group group = bundle_new(_i, true, true);
    group_call(&group, "MAX", "v");
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+I[a, 1]\n");
    bench_check(group.bench, 0, "-D[a, 1, NULL]\n", "");
    bench_check(group.bench, 0, "+I[b, 2, NULL]\n-D[b, 2, NULL]\n", "");
    bench_check(group.bench, 0, "-D[a, 1, NULL]\n+I[a, 3, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "-U[a, 1]\n+U[a, 3]\n");
    bench_check(group.bench, 0, "-D[a, 3, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "-D[a, 3]\n");
    ck_assert_uint_eq(state_store_keys(group.bench->context.state), 0);
    bench_free(group.bench);
}
END_TEST

START_TEST(a_bundle_ends_by_size_time_and_watermark)
{
    Group group = bundle_new(0, false, false);
    group.plan.bundle_size = 3;
    group_call(&group, "COUNT", NULL);
    group_call(&group, "COUNT", "v")->distinct = true;
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n+I[a, 1, NULL]\n", "");
    bench_check(group.bench, 0, "+I[a, 2, NULL]\n+I[a, 3, NULL]\n", "+I[3, 2]\n");
    bench_clock(group.bench, 49);
    bench_expect(group.bench, "");
    bench_clock(group.bench, 50);
    bench_expect(group.bench, "-U[3, 2]\n+U[4, 3]\n");
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n", "");
    bench_watermark(group.bench, 5);
    bench_expect(group.bench, "-U[4, 3]\n+U[5, 3]\n");
    bench_clock(group.bench, 100);
    bench_expect(group.bench, "");
    bench_free(group.bench);
}
END_TEST

START_TEST(consumers_and_calls_decide_what_is_compared)
{
    Group group = bundle_new(_i, false, true);
    group.bench->node.traits.wants_before = false;
    group_call(&group, "MIN", "v");
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 5, NULL]\n+I[b, 5, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+I[a, 5]\n+I[b, 5]\n");
    bench_check(group.bench, 0, "+I[a, 6, NULL]\n+I[b, 3, NULL]\n+I[b, 4, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+U[b, 3]\n");
    bench_free(group.bench);

    group = bundle_new(_i, false, true);
    group.bench->node.traits.wants_before = false;
    group_call(&group, "MAX", "k");
    group_call(&group, "COUNT", NULL);
    group_open(&group);
    bench_check(group.bench, 0, "+I[" LONG_TEXT ", 5, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+I[" LONG_TEXT ", " LONG_TEXT ", 1]\n");
    bench_check(group.bench, 0, "+I[" LONG_TEXT ", 5, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+U[" LONG_TEXT ", " LONG_TEXT ", 2]\n");
    bench_free(group.bench);
}
END_TEST

/* The text before a bundle is told after its group has another one. */
START_TEST(texts_from_before_a_bundle_last)
{
    for (int retracts = 0; retracts < 2; retracts++) {
        Group group = bundle_new(_i, retracts, false);
        group_call(&group, "MAX", "k");
        group_open(&group);
        bench_check(group.bench, 0, "+I[" LONG_TEXT " 1, 1, NULL]\n", "");
        bench_barrier(group.bench);
        bench_expect(group.bench, "+I[" LONG_TEXT " 1]\n");
        bench_check(group.bench, 0, "+I[" LONG_TEXT " 2, 2, NULL]\n", "");
        bench_check(group.bench, 0, "+I[" LONG_TEXT " 3, 2, NULL]\n", "");
        bench_barrier(group.bench);
        bench_expect(group.bench, "-U[" LONG_TEXT " 1]\n+U[" LONG_TEXT " 3]\n");
        if (retracts)
            bench_check(group.bench, 0,
                        "-D[" LONG_TEXT " 3, 2, NULL]\n-D[" LONG_TEXT " 2, 2, NULL]\n"
                        "-D[" LONG_TEXT " 1, 1, NULL]\n",
                        "");
        bench_barrier(group.bench);
        bench_expect(group.bench, retracts ? "-D[" LONG_TEXT " 3]\n" : "");
        bench_free(group.bench);
    }
}
END_TEST

/* What the bundle knows of a group must not expire under it. */
START_TEST(nothing_expires_within_a_bundle)
{
    Group group = bundle_new(_i, false, true);
    group.plan.state_ttl_ms = 10;
    group_call(&group, "COUNT", NULL);
    group_open(&group);
    StateStore *state = group.bench->context.state;
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n", "");
    for (int64_t now = 1; now < 40; now++)
        ck_assert_int_lt(state_store_advance(state, now), INT64_MAX);
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+I[a, 2]\n");
    for (int64_t now = 40; now < 1000; now++)
        state_store_advance(state, now);
    ck_assert_uint_eq(state_store_keys(state), 0);
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n", "");
    bench_barrier(group.bench);
    bench_expect(group.bench, "+I[a, 1]\n");
    bench_free(group.bench);
}
END_TEST

/* More groups than a bundle keeps room for. */
START_TEST(large_bundles)
{
    enum { KEYS = 70000 };
    Group group = bundle_new(2, true, true);
    group.plan.bundle_size = 10000000;
    group_call(&group, "COUNT", NULL);
    group_open(&group);
    Buffer text = {0};
    for (uint32_t round = 0; round < 3; round++) {
        for (uint32_t key = 0; key < KEYS; key += 2000) {
            buffer_clear(&text);
            for (uint32_t k = key; k < key + 2000; k++)
                buffer_printf(&text, "%s[" LONG_TEXT " %u, NULL, NULL]\n", round == 2 ? "-D" : "+I",
                              k);
            bench_feed(group.bench, 0, buffer_text(&text));
        }
        bench_expect(group.bench, "");
        bench_barrier(group.bench);
        uint32_t lines = 0;
        for (const char *c = buffer_text(&group.bench->emitter.text); *c != '\0'; c++)
            lines += *c == '\n';
        ck_assert_uint_eq(lines, round == 0 ? KEYS : 2 * KEYS);
        buffer_clear(&group.bench->emitter.text);
    }
    buffer_deinit(&text);
    bench_free(group.bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("aggregate_bundle");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, a_group_is_told_once_in_the_order_of_first_rows, 0, sizes);
    tcase_add_loop_test(cases, a_group_that_went_keeps_its_place_until_the_bundle_ends, 0, sizes);
    tcase_add_test(cases, a_bundle_ends_by_size_time_and_watermark);
    tcase_add_loop_test(cases, consumers_and_calls_decide_what_is_compared, 0, sizes);
    tcase_add_loop_test(cases, texts_from_before_a_bundle_last, 0, sizes);
    tcase_add_loop_test(cases, nothing_expires_within_a_bundle, 0, sizes);
    tcase_add_test(cases, large_bundles);
    return test_run("aggregate_bundle", cases);
}
