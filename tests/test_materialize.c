/* The sink's upsert materializer: the last row per sink key, whatever the order of changes. */
#include "tests/operator_bench.h"

extern const OperatorClass op_materialize;

/* (pk INT, id INT, v STRING), sink key pk, upsert key id or none. */
static Bench *materialize_over(int size_index, PlanMaterialize *plan, bool has_upsert_key,
                               ChangeKinds kinds)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, "pk INT, id INT, v STRING");
    bench_input(bench, schema, kinds);
    bench->emitter.allows_halves = true;
    plan->key = (ColumnSet){1, test_columns(bench->arena, 1, 0)};
    plan->upsert_key = (ColumnSet){has_upsert_key ? 1 : 0, test_columns(bench->arena, 1, 1)};
    bench_open(bench, &op_materialize, schema, plan);
    return bench;
}

static Bench *materialize_new(int size_index, PlanMaterialize *plan, bool has_upsert_key)
{
    return materialize_over(size_index, plan, has_upsert_key, CHANGES_ALL);
}

START_TEST(rows_stand_in_a_list_per_key)
{
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, true);
    bench_check(bench, 0, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 3, c]\n+I[2, 9, z]\n",
                "+I[1, 1, a]\n+U[1, 2, b]\n+U[1, 3, c]\n+I[2, 9, z]\n");
    bench_restart(bench);
    /* From the middle: nothing. The last: the one before. Unknown: nothing. */
    bench_check(bench, 0, "-D[1, 2, b]\n-U[1, 3, c]\n-D[1, 5, x]\n-D[3, 1, x]\n", "+U[1, 1, a]\n");
    /* The same upsert key replaces in place; the only row gone is a delete. */
    bench_check(bench, 0, "+U[1, 1, aa]\n-D[1, 1, anything]\n+I[1, 4, d]\n",
                "+U[1, 1, aa]\n-D[1, 1, anything]\n+I[1, 4, d]\n");
    bench_check(bench, 0, "-D[1, 4, d]\n-D[2, 9, z]\n", "-D[1, 4, d]\n-D[2, 9, z]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(an_update_out_of_order_ends_right)
{
    /* The -U of another worker comes after the +U it made room for. */
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, true);
    bench_check(bench, 0, "+I[1, 1, a]\n+U[1, 2, b]\n-U[1, 1, a]\n", "+I[1, 1, a]\n+U[1, 2, b]\n");
    bench_free(bench);
}
END_TEST

START_TEST(without_upsert_key_equal_rows_go_oldest_first)
{
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, false);
    bench_check(bench, 0, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 1, a]\n",
                "+I[1, 1, a]\n+U[1, 2, b]\n+U[1, 1, a]\n");
    bench_check(bench, 0, "-D[1, 1, a]\n-D[1, 1, a]\n-D[1, 1, a]\n-D[1, 2, b]\n",
                "+U[1, 2, b]\n-D[1, 2, b]\n");
    bench_free(bench);
}
END_TEST

START_TEST(of_rows_that_only_come_one_is_kept)
{
    static const PlanConflict conflicts[] = {PLAN_CONFLICT_LAST, PLAN_CONFLICT_NOTHING};
    static const char *const given[] = {"+I[1, 1, a]\n+I[2, 9, z]\n+U[1, 2, b]\n+U[1, 1, a]\n",
                                        "+I[1, 1, a]\n+I[2, 9, z]\n"};
    static const char *const later[] = {"+U[1, 7, g]\n", ""};
    for (uint32_t i = 0; i < array_count(conflicts); i++) {
        PlanMaterialize plan = {.conflict = conflicts[i]};
        Bench *bench = materialize_over(_i, &plan, false, CHANGES_INSERT_ONLY);
        bench_check(bench, 0, "+I[1, 1, a]\n+I[2, 9, z]\n+I[1, 2, b]\n+I[1, 1, a]\n", given[i]);
        uint64_t bytes = state_store_bytes(bench->context.state);
        bench_restart(bench);
        for (uint32_t round = 0; round < 50; round++)
            bench_check(bench, 0, "+I[1, 7, g]\n", later[i]);
        ck_assert_uint_eq(state_store_bytes(bench->context.state), bytes);
        bench_free(bench);
    }
}
END_TEST

/* What the contract says, one list per key. */
typedef struct Model {
    uint32_t ids[4][64];
    uint32_t values[4][64];
    uint32_t counts[4];
} Model;

static void model_add(Model *model, uint32_t key, uint32_t id, uint32_t value, Buffer *out)
{
    uint32_t count = model->counts[key], at = 0;
    while (at < count && model->ids[key][at] != id)
        at++;
    model->ids[key][at] = id;
    model->values[key][at] = value;
    model->counts[key] += at == count;
    buffer_printf(out, "%s[%u, %u, v%u]\n", count == 0 ? "+I" : "+U", key, id, value);
}

static void model_retract(Model *model, uint32_t key, uint32_t id, uint32_t value, Buffer *out)
{
    uint32_t count = model->counts[key], at = 0;
    while (at < count && model->ids[key][at] != id)
        at++;
    if (at == count)
        return;
    for (uint32_t i = at; i + 1 < count; i++) {
        model->ids[key][i] = model->ids[key][i + 1];
        model->values[key][i] = model->values[key][i + 1];
    }
    model->counts[key] = --count;
    if (count == 0)
        buffer_printf(out, "-D[%u, %u, v%u]\n", key, id, value);
    else if (at == count)
        buffer_printf(out, "+U[%u, %u, v%u]\n", key, model->ids[key][count - 1],
                      model->values[key][count - 1]);
}

START_TEST(random_changes_follow_the_lists)
{
    TestRandom random = test_random("materialize");
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, true);
    Model model = {0};
    Buffer in = {0}, out = {0};
    for (uint32_t round = 0; round < 60; round++) {
        buffer_clear(&in);
        buffer_clear(&out);
        for (uint32_t c = test_below(&random, 30) + 1; c > 0; c--) {
            uint32_t key = test_below(&random, 4), id = test_below(&random, 6),
                     value = test_below(&random, 1000);
            bool adds = test_below(&random, 2);
            buffer_printf(&in, "%s[%u, %u, v%u]\n", adds ? "+U" : "-U", key, id, value);
            if (adds)
                model_add(&model, key, id, value, &out);
            else
                model_retract(&model, key, id, value, &out);
        }
        bench_check(bench, 0, buffer_text(&in), buffer_text(&out));
        if (round % 20 == 19)
            bench_restart(bench);
    }
    buffer_deinit(&in);
    buffer_deinit(&out);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("materialize");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, rows_stand_in_a_list_per_key, 0, sizes);
    tcase_add_loop_test(cases, an_update_out_of_order_ends_right, 0, sizes);
    tcase_add_loop_test(cases, of_rows_that_only_come_one_is_kept, 0, sizes);
    tcase_add_loop_test(cases, without_upsert_key_equal_rows_go_oldest_first, 0, sizes);
    tcase_add_loop_test(cases, random_changes_follow_the_lists, 0, sizes);
    return test_run("materialize", cases);
}
