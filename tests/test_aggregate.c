/* The aggregate: kinds and order of its changes, record by record; random changes against plain
 * recomputation. */
#include "tests/group_bench.h"

START_TEST(first_row_inserts_later_rows_update)
{
    Group group = group_new(_i, true, true);
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n+I[b, 5, NULL]\n+I[a, 2, NULL]\n",
                "+I[a, 1, 1]\n+I[b, 1, 5]\n-U[a, 1, 1]\n+U[a, 2, 3]\n");
    bench_check(group.bench, 0, "-U[a, 2, NULL]\n+U[a, 7, NULL]\n",
                "-U[a, 2, 3]\n+U[a, 1, 1]\n-U[a, 1, 1]\n+U[a, 2, 8]\n");
    bench_check(group.bench, 0, "+I[NULL, 1, NULL]\n+I[NULL, NULL, NULL]\n-D[NULL, 1, NULL]\n",
                "+I[NULL, 1, 1]\n-U[NULL, 1, 1]\n+U[NULL, 2, 1]\n"
                "-U[NULL, 2, 1]\n+U[NULL, 1, NULL]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(a_group_can_go_and_come_back_within_a_batch)
{
    Group group = group_new(_i, true, true);
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[a, 1, NULL]\n-D[a, 1, NULL]\n+I[a, 3, NULL]\n+I[a, 4, NULL]\n"
                "-D[a, 3, NULL]\n-D[a, 4, NULL]\n",
                "+I[a, 1, 1]\n-D[a, 1, 1]\n+I[a, 1, 3]\n-U[a, 1, 3]\n+U[a, 2, 7]\n"
                "-U[a, 2, 7]\n+U[a, 1, 4]\n-D[a, 1, 4]\n");
    ck_assert_uint_eq(state_store_keys(group.bench->context.state), 0);
    bench_check(group.bench, 0, "+I[a, 9, NULL]\n", "+I[a, 1, 9]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(retraction_of_an_unknown_key_is_ignored)
{
    Group group = group_new(_i, true, true);
    group_call(&group, "COUNT", NULL);
    group_open(&group);
    bench_check(group.bench, 0, "-D[x, 1, NULL]\n-U[y, 1, NULL]\n+U[y, 2, NULL]\n-D[x, 1, NULL]\n",
                "+I[y, 1]\n");
    bench_check(group.bench, 0, "-D[y, 2, NULL]\n-D[y, 2, NULL]\n+I[y, 2, NULL]\n",
                "-D[y, 1]\n+I[y, 1]\n");
    ck_assert_uint_eq(state_store_keys(group.bench->context.state), 1);
    bench_free(group.bench);
}
END_TEST

START_TEST(an_unchanged_value_is_suppressed)
{
    Group group = group_new(_i, true, true);
    group_call(&group, "MAX", "v");
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[a, 5, NULL]\n+I[a, 3, NULL]\n+I[a, NULL, NULL]\n+I[a, 6, NULL]\n",
                "+I[a, 5]\n-U[a, 5]\n+U[a, 6]\n");
    bench_check(group.bench, 0, "-D[a, 3, NULL]\n-D[a, 6, NULL]\n-D[a, 5, NULL]\n",
                "-U[a, 6]\n+U[a, 5]\n-U[a, 5]\n+U[a, NULL]\n");
    bench_check(group.bench, 0, "-D[a, NULL, NULL]\n", "-D[a, NULL]\n");
    ck_assert_uint_eq(state_store_keys(group.bench->context.state), 0);
    bench_free(group.bench);
}
END_TEST

START_TEST(with_ttl_an_unchanged_value_is_given_again)
{
    Group group = group_new(_i, true, true);
    group.plan.state_ttl_ms = 1000;
    group_call(&group, "MAX", "v");
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 5, NULL]\n+I[a, 3, NULL]\n",
                "+I[a, 5]\n-U[a, 5]\n+U[a, 5]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(update_before_is_left_out_when_nobody_wants_it)
{
    Group group = group_new(_i, true, true);
    group.bench->node.traits.wants_before = false;
    group_call(&group, "COUNT", NULL);
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 5, NULL]\n+I[a, 3, NULL]\n-D[a, 5, NULL]\n-D[a, 3, NULL]\n",
                "+I[a, 1]\n+U[a, 2]\n+U[a, 1]\n-D[a, 1]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(distinct_rows_need_no_aggregate)
{
    Group group = group_new(_i, true, true);
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[a, 1, NULL]\n+I[a, 2, NULL]\n-D[a, 1, NULL]\n-D[a, 2, NULL]\n+I[b, 1, NULL]\n",
                "+I[a]\n-D[a]\n+I[b]\n");
    bench_free(group.bench);

    group = group_new(_i, false, true);
    group.plan.state_ttl_ms = 1000;
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n+I[a, 2, NULL]\n+I[b, 1, NULL]\n",
                "+I[a]\n+I[b]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(insert_only_input_needs_no_row_count)
{
    Group group = group_new(_i, false, true);
    group_call(&group, "COUNT", NULL);
    group_call(&group, "MIN", "v");
    group_open(&group);
    bench_check(group.bench, 0, "+I[a, 5, NULL]\n+I[b, 1, NULL]\n+I[a, 3, NULL]\n+I[a, 4, NULL]\n",
                "+I[a, 1, 5]\n+I[b, 1, 1]\n-U[a, 1, 5]\n+U[a, 2, 3]\n-U[a, 2, 3]\n+U[a, 3, 3]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(a_global_aggregate_waits_for_a_row)
{
    Group group = group_new(_i, true, false);
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_end(group.bench);
    bench_expect(group.bench, "");
    bench_check(group.bench, 0, "-D[a, 1, NULL]\n+I[a, 1, NULL]\n+I[b, 2, NULL]\n-D[a, 1, NULL]\n",
                "+I[1, 1]\n-U[1, 1]\n+U[2, 3]\n-U[2, 3]\n+U[1, 2]\n");
    bench_check(group.bench, 0, "-D[b, 2, NULL]\n+I[c, 4, NULL]\n", "-D[1, 2]\n+I[1, 4]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(final_results_come_at_the_end_in_order_of_arrival)
{
    Group group = group_new(_i, true, true);
    group.plan.final_only = true;
    group_call(&group, "COUNT", NULL);
    group_call(&group, "MIN", "v");
    group_open(&group);
    bench_check(group.bench, 0, "+I[z, 5, NULL]\n+I[c, 1, NULL]\n+I[a, 2, NULL]\n", "");
    bench_restart(group.bench);
    bench_check(group.bench, 0, "-D[c, 1, NULL]\n+I[z, 4, NULL]\n+I[m, 7, NULL]\n+I[c, 3, NULL]\n",
                "");
    bench_end(group.bench);
    /* c went and came back: within a batch it keeps its place. */
    const char *kept = "+I[z, 2, 4]\n+I[c, 1, 3]\n+I[a, 1, 2]\n+I[m, 1, 7]\n";
    const char *moved = "+I[z, 2, 4]\n+I[a, 1, 2]\n+I[m, 1, 7]\n+I[c, 1, 3]\n";
    bench_expect(group.bench, batch_sizes[_i] > 3 ? kept : moved);
    bench_free(group.bench);

    group = group_new(_i, false, false);
    group.plan.final_only = true;
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_end(group.bench);
    bench_expect(group.bench, "+I[0, NULL]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(folding_gives_one_change_per_key_and_batch)
{
    Group group = group_new(2, true, true);
    group.bench->node.traits.folds = true;
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[a, 1, NULL]\n+I[b, 1, NULL]\n+I[a, 2, NULL]\n-D[b, 1, NULL]\n-D[x, 1, NULL]\n",
                "+I[a, 2, 3]\n");
    bench_check(group.bench, 0, "-D[a, 1, NULL]\n+I[a, 1, NULL]\n+I[b, 7, NULL]\n",
                "+I[b, 1, 7]\n");
    bench_check(group.bench, 0, "-D[a, 1, NULL]\n-D[a, 2, NULL]\n+I[a, 8, NULL]\n+I[b, 1, NULL]\n",
                "-U[a, 2, 3]\n+U[a, 1, 8]\n-U[b, 1, 7]\n+U[b, 2, 8]\n");
    bench_check(group.bench, 0, "-D[a, 8, NULL]\n", "-D[a, 1, 8]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(filters_choose_rows)
{
    Group group = group_new(_i, true, true);
    group_call(&group, "COUNT", NULL)->filter = 2;
    group_call(&group, "SUM", "v");
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[a, 1, TRUE]\n+I[a, 2, FALSE]\n+I[a, 3, NULL]\n-D[a, 2, FALSE]\n-D[a, 1, TRUE]\n"
                "-D[a, 3, NULL]\n",
                "+I[a, 1, 1]\n-U[a, 1, 1]\n+U[a, 1, 3]\n-U[a, 1, 3]\n+U[a, 1, 6]\n"
                "-U[a, 1, 6]\n+U[a, 1, 4]\n-U[a, 1, 4]\n+U[a, 0, 3]\n-D[a, 0, 3]\n");
    bench_free(group.bench);
}
END_TEST

START_TEST(distinct_counts_values_once)
{
    for (int retracts = 0; retracts < 2; retracts++) {
        Group group = group_new(_i, retracts, true);
        group_call(&group, "COUNT", "v")->distinct = true;
        PlanAggregateCall *filtered = group_call(&group, "SUM", "v");
        filtered->distinct = true;
        filtered->filter = 2;
        group_open(&group);
        bench_check(group.bench, 0,
                    "+I[a, 5, FALSE]\n+I[a, 5, TRUE]\n+I[a, 5, TRUE]\n+I[b, 5, TRUE]\n"
                    "+I[a, NULL, TRUE]\n+I[a, 6, TRUE]\n",
                    "+I[a, 1, NULL]\n-U[a, 1, NULL]\n+U[a, 1, 5]\n+I[b, 1, 5]\n-U[a, 1, 5]\n"
                    "+U[a, 2, 11]\n");
        bench_restart(group.bench);
        if (retracts)
            bench_check(group.bench, 0,
                        "-D[a, 5, TRUE]\n-D[a, 5, TRUE]\n-D[a, 5, FALSE]\n-D[a, 6, TRUE]\n"
                        "-D[a, NULL, TRUE]\n-D[b, 5, TRUE]\n",
                        "-U[a, 2, 11]\n+U[a, 2, 6]\n-U[a, 2, 6]\n+U[a, 1, 6]\n"
                        "-U[a, 1, 6]\n+U[a, 0, NULL]\n-D[a, 0, NULL]\n-D[b, 1, 5]\n");
        if (retracts)
            ck_assert_uint_eq(state_store_keys(group.bench->context.state), 0);
        bench_free(group.bench);
    }
}
END_TEST

START_TEST(a_group_that_ends_forgets_its_values)
{
    Group group = group_new(_i, true, true);
    group_call(&group, "COUNT", "v")->distinct = true;
    group_call(&group, "MIN", "v");
    group_open(&group);
    /* The retraction names a value that was never there, as a binlog read from the middle does. */
    bench_check(group.bench, 0, "+I[a, 1, NULL]\n-D[a, 2, NULL]\n+I[a, 1, NULL]\n",
                "+I[a, 1, 1]\n-D[a, 1, 1]\n+I[a, 1, 1]\n");
    bench_check(group.bench, 0, "-D[a, 1, NULL]\n", "-D[a, 1, 1]\n");
    ck_assert_uint_eq(state_store_keys(group.bench->context.state), 0);
    bench_free(group.bench);
}
END_TEST

START_TEST(text_extremes_survive_their_batch)
{
    Group group = group_new(_i, true, false);
    group_call(&group, "MIN", "k");
    group_call(&group, "MAX", "k");
    group_open(&group);
    bench_check(group.bench, 0,
                "+I[a word that is long enough to lie elsewhere, 1, NULL]\n"
                "+I[b another long word that lies elsewhere, 1, NULL]\n",
                "+I[a word that is long enough to lie elsewhere, a word that is long enough to lie "
                "elsewhere]\n"
                "-U[a word that is long enough to lie elsewhere, a word that is long enough to lie "
                "elsewhere]\n"
                "+U[a word that is long enough to lie elsewhere, b another long word that lies "
                "elsewhere]\n");
    bench_restart(group.bench);
    bench_check(group.bench, 0, "-D[a word that is long enough to lie elsewhere, 1, NULL]\n",
                "-U[a word that is long enough to lie elsewhere, b another long word that lies "
                "elsewhere]\n"
                "+U[b another long word that lies elsewhere, b another long word that lies "
                "elsewhere]\n");
    bench_free(group.bench);
}
END_TEST

/* ------------------------------------------------------------------- random */

typedef struct Row {
    uint32_t key;   /* 0: NULL */
    uint32_t value; /* 0: NULL */
    bool flag;
} Row;

static void print_row(Buffer *out, const char *kind, Row row)
{
    buffer_printf(out, "%s[", kind);
    if (row.key == 0)
        buffer_append_text(out, "NULL");
    else
        buffer_printf(out, "key number %u of those", row.key);
    if (row.value == 0)
        buffer_append_text(out, ", NULL");
    else
        buffer_printf(out, ", %u", row.value);
    buffer_printf(out, ", %s]\n", row.flag ? "TRUE" : "FALSE");
}

/* COUNT(*), SUM(v), MIN(v), MAX(v), COUNT(DISTINCT v) FILTER (WHERE f) of every key. */
static void recompute(const Row *rows, uint32_t count, Fold *out)
{
    for (uint32_t key = 0; key < 8; key++) {
        uint32_t all = 0, sum = 0, least = 0, most = 0, seen = 0;
        for (uint32_t i = 0; i < count; i++) {
            if (rows[i].key != key)
                continue;
            uint32_t value = rows[i].value;
            all++;
            sum += value;
            least = value != 0 && (least == 0 || value < least) ? value : least;
            most = value > most ? value : most;
            seen |= value != 0 && rows[i].flag ? 1u << value : 0;
        }
        if (all == 0)
            continue;
        Buffer text = {0};
        buffer_append_text(&text, key == 0 ? "[NULL" : "");
        if (key != 0)
            buffer_printf(&text, "[key number %u of those", key);
        if (most == 0)
            buffer_printf(&text, ", %u, NULL, NULL, NULL, 0]", all);
        else
            buffer_printf(&text, ", %u, %u, %u, %u, %d]", all, sum, least, most,
                          __builtin_popcount(seen));
        fold_add(out, text.data, text.length);
        buffer_deinit(&text);
    }
}

START_TEST(random_changes_equal_plain_recomputation)
{
    TestRandom random = test_random("aggregate");
    Group group = group_new(_i % 3, true, true);
    group.bench->node.traits.folds = _i >= 3;
    group.plan.bundle_size = _i >= 6 ? 50 : 0;
    group_call(&group, "COUNT", NULL);
    group_call(&group, "SUM", "v");
    group_call(&group, "MIN", "v");
    group_call(&group, "MAX", "v");
    PlanAggregateCall *distinct = group_call(&group, "COUNT", "v");
    distinct->distinct = true;
    distinct->filter = 2;
    group_open(&group);
    static Row rows[4096];
    uint32_t count = 0;
    Fold *actual = memory_zalloc(sizeof(*actual)), *expected = memory_zalloc(sizeof(*expected));
    Buffer text = {0};
    for (uint32_t round = 0; round < 60; round++) {
        buffer_clear(&text);
        uint32_t changes = 1 + test_below(&random, 40);
        for (uint32_t c = 0; c < changes; c++) {
            Row row = {test_below(&random, 8), test_below(&random, 6), test_below(&random, 2)};
            uint32_t at = count == 0 ? 0 : test_below(&random, count);
            uint32_t choice = test_below(&random, 10);
            if (count == 0 || choice < 4) {
                print_row(&text, "+I", row);
                rows[count++] = row;
            } else if (choice < 7) {
                print_row(&text, "-U", rows[at]);
                print_row(&text, "+U", row);
                rows[at] = row;
            } else {
                print_row(&text, "-D", rows[at]);
                rows[at] = rows[--count];
            }
        }
        bench_feed(group.bench, 0, buffer_text(&text));
        bench_barrier(group.bench);
        bench_fold(group.bench, actual);
        recompute(rows, count, expected);
        fold_compare(actual, expected);
        fold_free(expected);
        if (round % 16 == 15)
            bench_restart(group.bench);
    }
    buffer_clear(&text);
    while (count != 0)
        print_row(&text, "-D", rows[--count]);
    bench_feed(group.bench, 0, buffer_text(&text));
    bench_barrier(group.bench);
    bench_fold(group.bench, actual);
    ck_assert_uint_eq(actual->count, 0);
    ck_assert_uint_eq(state_store_keys(group.bench->context.state), 0);
    buffer_deinit(&text);
    fold_free(actual);
    free(actual);
    free(expected);
    bench_free(group.bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("aggregate");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, first_row_inserts_later_rows_update, 0, sizes);
    tcase_add_loop_test(cases, a_group_can_go_and_come_back_within_a_batch, 0, sizes);
    tcase_add_loop_test(cases, retraction_of_an_unknown_key_is_ignored, 0, sizes);
    tcase_add_loop_test(cases, an_unchanged_value_is_suppressed, 0, sizes);
    tcase_add_loop_test(cases, with_ttl_an_unchanged_value_is_given_again, 0, sizes);
    tcase_add_loop_test(cases, update_before_is_left_out_when_nobody_wants_it, 0, sizes);
    tcase_add_loop_test(cases, distinct_rows_need_no_aggregate, 0, sizes);
    tcase_add_loop_test(cases, insert_only_input_needs_no_row_count, 0, sizes);
    tcase_add_loop_test(cases, a_global_aggregate_waits_for_a_row, 0, sizes);
    tcase_add_loop_test(cases, final_results_come_at_the_end_in_order_of_arrival, 0, sizes);
    tcase_add_test(cases, folding_gives_one_change_per_key_and_batch);
    tcase_add_loop_test(cases, filters_choose_rows, 0, sizes);
    tcase_add_loop_test(cases, distinct_counts_values_once, 0, sizes);
    tcase_add_loop_test(cases, a_group_that_ends_forgets_its_values, 0, sizes);
    tcase_add_loop_test(cases, text_extremes_survive_their_batch, 0, sizes);
    tcase_add_loop_test(cases, random_changes_equal_plain_recomputation, 0, 3 * sizes);
    return test_run("aggregate", cases);
}
