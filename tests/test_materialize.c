/* The sink's upsert materializer: the last row per sink key, whatever the order of changes. */
#include "executor/row_list.h"
#include "tests/operator_bench.h"

extern const OperatorClass op_materialize;

/* What the values of a test are made longer by: of short rows many stand in one list, of the
 * longest two are enough to stand in the tables. The loop index of a test is one of these and a
 * batch size.
 */
static const uint32_t paddings[] = {0, 150, ROW_LIST_BYTES / 2};
#define WAYS (int)(array_count(paddings) * array_count(batch_sizes))

/* (pk INT, id INT, v STRING), sink key pk, upsert key id or none. */
static Bench *materialize_over(int way, PlanMaterialize *plan, bool has_upsert_key,
                               ChangeKinds kinds)
{
    Bench *bench = bench_new(batch_sizes[(uint32_t)way / array_count(paddings)]);
    const Schema *schema = test_schema(bench->arena, "pk INT, id INT, v STRING");
    bench_input(bench, schema, kinds);
    bench->emitter.allows_halves = true;
    plan->key = (ColumnSet){1, test_columns(bench->arena, 1, 0)};
    plan->upsert_key = (ColumnSet){has_upsert_key ? 1 : 0, test_columns(bench->arena, 1, 1)};
    bench_open(bench, &op_materialize, schema, plan);
    return bench;
}

static Bench *materialize_new(int way, PlanMaterialize *plan, bool has_upsert_key)
{
    return materialize_over(way, plan, has_upsert_key, CHANGES_ALL);
}

/* Lines of changes, each value as much longer as the way says. */
static Buffer padded(int way, const char *lines)
{
    Buffer out = {0};
    for (; *lines != '\0'; lines++) {
        for (uint32_t i = 0; *lines == ']' && i < paddings[(uint32_t)way % array_count(paddings)];
             i++)
            buffer_append_char(&out, '.');
        buffer_append_char(&out, *lines);
    }
    return out;
}

static void check_changes(Bench *bench, int way, const char *in, const char *out)
{
    Buffer wide_in = padded(way, in), wide_out = padded(way, out);
    bench_check(bench, 0, buffer_text(&wide_in), buffer_text(&wide_out));
    buffer_deinit(&wide_in);
    buffer_deinit(&wide_out);
}

START_TEST(rows_stand_in_a_list_per_key)
{
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, true);
    check_changes(bench, _i, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 3, c]\n+I[2, 9, z]\n",
                  "+I[1, 1, a]\n+U[1, 2, b]\n+U[1, 3, c]\n+I[2, 9, z]\n");
    bench_restart(bench);
    /* From the middle: nothing. The last: the one before. Unknown: nothing. */
    check_changes(bench, _i, "-D[1, 2, b]\n-U[1, 3, c]\n-D[1, 5, x]\n-D[3, 1, x]\n",
                  "+U[1, 1, a]\n");
    /* The same upsert key replaces in place; the only row gone is a delete. */
    check_changes(bench, _i, "+U[1, 1, aa]\n-D[1, 1, anything]\n+I[1, 4, d]\n",
                  "+U[1, 1, aa]\n-D[1, 1, anything]\n+I[1, 4, d]\n");
    check_changes(bench, _i, "-D[1, 4, d]\n-D[2, 9, z]\n", "-D[1, 4, d]\n-D[2, 9, z]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(an_update_out_of_order_ends_right)
{
    /* The -U of another worker comes after the +U it made room for. */
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, true);
    check_changes(bench, _i, "+I[1, 1, a]\n+U[1, 2, b]\n-U[1, 1, a]\n",
                  "+I[1, 1, a]\n+U[1, 2, b]\n");
    bench_free(bench);
}
END_TEST

START_TEST(without_upsert_key_equal_rows_go_oldest_first)
{
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(_i, &plan, false);
    check_changes(bench, _i, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 1, a]\n",
                  "+I[1, 1, a]\n+U[1, 2, b]\n+U[1, 1, a]\n");
    check_changes(bench, _i, "-D[1, 1, a]\n-D[1, 1, a]\n-D[1, 1, a]\n-D[1, 2, b]\n",
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
        check_changes(bench, _i, "+I[1, 1, a]\n+I[2, 9, z]\n+I[1, 2, b]\n+I[1, 1, a]\n", given[i]);
        uint64_t bytes = state_store_bytes(bench->context.state);
        bench_restart(bench);
        for (uint32_t round = 0; round < 50; round++)
            check_changes(bench, _i, "+I[1, 7, g]\n", later[i]);
        ck_assert_uint_eq(state_store_bytes(bench->context.state), bytes);
        bench_free(bench);
    }
}
END_TEST

START_TEST(the_first_row_is_shown_where_nothing_is_done)
{
    PlanMaterialize plan = {.conflict = PLAN_CONFLICT_NOTHING};
    Bench *bench = materialize_new(_i, &plan, true);
    check_changes(bench, _i, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 3, c]\n", "+I[1, 1, a]\n");
    /* One that waits is changed, and shown as it is then. */
    check_changes(bench, _i, "+U[1, 2, bb]\n+U[1, 1, aa]\n-D[1, 3, c]\n", "+U[1, 1, aa]\n");
    bench_restart(bench);
    check_changes(bench, _i, "-D[1, 1, aa]\n+I[1, 4, d]\n-D[1, 2, bb]\n",
                  "+U[1, 2, bb]\n+U[1, 4, d]\n");
    check_changes(bench, _i, "-D[1, 4, d]\n", "-D[1, 4, d]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

static void expect_conflict(Bench *bench, const char *first, const char *second)
{
    Error error = {0};
    ck_assert(!bench->class->barrier(bench->op, 1, &bench->emitter, &error));
    ck_assert_str_eq(error.message, "two rows have one primary key of the sink");
    const char *detail = error.detail;
    ck_assert_msg(strncmp(detail, first, strlen(first)) == 0, "%s", detail);
    ck_assert_msg(strlen(detail) > 500 || strstr(detail, second) != NULL, "%s", detail);
}

START_TEST(rows_that_stay_side_by_side_are_an_error)
{
    PlanMaterialize plan = {.conflict = PLAN_CONFLICT_ERROR};
    Bench *bench = materialize_new(_i, &plan, true);
    /* They only pass each other, or one changes. */
    check_changes(bench, _i, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 3, c]\n-D[1, 2, b]\n-D[1, 1, a]\n",
                  "+I[1, 1, a]\n+U[1, 2, b]\n+U[1, 3, c]\n");
    check_changes(bench, _i, "+U[1, 3, cc]\n", "+U[1, 3, cc]\n");
    bench_restart(bench);
    check_changes(bench, _i, "+I[1, 4, d]\n+I[1, 5, e]\n-D[1, 3, cc]\n",
                  "+U[1, 4, d]\n+U[1, 5, e]\n");
    expect_conflict(bench, "They are +I[1, 4, d", " and +I[1, 5, e");
    bench_free(bench);
}
END_TEST

static void pass_time(Bench *bench, int64_t now_ms)
{
    clock_hand_set(&bench->clock, now_ms * 1000);
    state_store_advance(bench->context.state, now_ms);
}

START_TEST(rows_of_a_key_expire_together)
{
    PlanMaterialize plan = {.state_ttl_ms = 100};
    Bench *bench = materialize_new(_i, &plan, true);
    pass_time(bench, 1000);
    uint64_t bytes = state_store_bytes(bench->context.state);
    check_changes(bench, _i, "+I[1, 1, a]\n+I[1, 2, b]\n+I[1, 3, c]\n+I[1, 4, d]\n",
                  "+I[1, 1, a]\n+U[1, 2, b]\n+U[1, 3, c]\n+U[1, 4, d]\n");
    /* Each change keeps all of them: one that goes unseen, one in its place, one that goes. */
    pass_time(bench, 1080);
    check_changes(bench, _i, "-D[1, 2, b]\n", "");
    pass_time(bench, 1160);
    check_changes(bench, _i, "+U[1, 1, aa]\n", "+U[1, 1, aa]\n");
    pass_time(bench, 1240);
    check_changes(bench, _i, "-D[1, 4, d]\n", "+U[1, 3, c]\n");
    /* One that is not known does not. */
    pass_time(bench, 1320);
    check_changes(bench, _i, "-D[1, 9, x]\n", "");
    pass_time(bench, 1341);
    check_changes(bench, _i, "-D[1, 3, c]\n+I[1, 5, e]\n+U[1, 1, a]\n-D[1, 1, a]\n",
                  "+I[1, 5, e]\n+U[1, 1, a]\n+U[1, 5, e]\n");
    for (int64_t now_ms = 1442; now_ms < 9000; now_ms += 10)
        pass_time(bench, now_ms);
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    ck_assert_uint_le(state_store_bytes(bench->context.state), bytes);
    bench_free(bench);
}
END_TEST

/* What the contract says, one list per key. */
enum { MODEL_KEYS = 3, MODEL_ROWS = 512 };
typedef struct Model {
    bool has_upsert_key;
    bool shows_first;
    uint32_t ids[MODEL_KEYS][MODEL_ROWS];
    uint32_t values[MODEL_KEYS][MODEL_ROWS];
    uint32_t counts[MODEL_KEYS];
} Model;

static void print_change(Buffer *out, const char *kind, uint32_t key, uint32_t id, uint32_t value)
{
    buffer_printf(out, "%s[%u, %u, v%u]\n", kind, key, id, value);
}

static uint32_t model_find(const Model *model, uint32_t key, uint32_t id, uint32_t value)
{
    uint32_t at = 0;
    while (at < model->counts[key] && (model->ids[key][at] != id ||
                                       (!model->has_upsert_key && model->values[key][at] != value)))
        at++;
    return at;
}

static void model_add(Model *model, uint32_t key, uint32_t id, uint32_t value, Buffer *out)
{
    uint32_t count = model->counts[key];
    uint32_t at = model->has_upsert_key ? model_find(model, key, id, value) : count;
    ck_assert_uint_lt(at, MODEL_ROWS);
    model->ids[key][at] = id;
    model->values[key][at] = value;
    model->counts[key] += at == count;
    if (!model->shows_first || at == 0)
        print_change(out, count == 0 ? "+I" : "+U", key, id, value);
}

static void model_retract(Model *model, uint32_t key, uint32_t id, uint32_t value, Buffer *out)
{
    uint32_t count = model->counts[key], at = model_find(model, key, id, value);
    if (at == count)
        return;
    for (uint32_t i = at; i + 1 < count; i++) {
        model->ids[key][i] = model->ids[key][i + 1];
        model->values[key][i] = model->values[key][i + 1];
    }
    model->counts[key] = --count;
    uint32_t shown = model->shows_first ? 0 : count - 1;
    if (count == 0)
        print_change(out, "-D", key, id, value);
    else if (at == (model->shows_first ? 0 : count))
        print_change(out, "+U", key, model->ids[key][shown], model->values[key][shown]);
}

/* A change; most retractions are of rows that are there. */
static void change(TestRandom *random, Model *model, bool grows, Buffer *in, Buffer *out)
{
    uint32_t key = test_below(random, MODEL_KEYS), id = test_below(random, 50),
             value = test_below(random, 3);
    if (test_below(random, 10) < (grows ? 8u : 2u)) {
        print_change(in, "+U", key, id, value);
        model_add(model, key, id, value, out);
        return;
    }
    if (model->counts[key] != 0 && test_below(random, 8) != 0) {
        uint32_t at = test_below(random, model->counts[key]);
        id = model->ids[key][at];
        value = model->values[key][at];
    }
    print_change(in, "-U", key, id, value);
    model_retract(model, key, id, value, out);
}

/* Lists grow past what is copied and shrink to nothing, again and again. */
static void follow_lists(int way, bool has_upsert_key, PlanConflict conflict)
{
    TestRandom random = test_random("materialize");
    PlanMaterialize plan = {.conflict = conflict};
    Bench *bench = materialize_new(way, &plan, has_upsert_key);
    Model model = {.has_upsert_key = has_upsert_key,
                   .shows_first = conflict == PLAN_CONFLICT_NOTHING};
    Buffer in = {0}, out = {0};
    for (uint32_t round = 0; round < 60; round++) {
        buffer_clear(&in);
        buffer_clear(&out);
        for (uint32_t c = test_below(&random, 60) + 1; c > 0; c--)
            change(&random, &model, round / 10 % 2 == 0, &in, &out);
        check_changes(bench, way, buffer_text(&in), buffer_text(&out));
        if (round % 7 == 6)
            bench_restart(bench);
    }
    buffer_deinit(&in);
    buffer_deinit(&out);
    bench_free(bench);
}

START_TEST(random_changes_follow_the_lists)
{
    for (uint32_t keyed = 0; keyed < 2; keyed++) {
        follow_lists(_i, keyed, PLAN_CONFLICT_LAST);
        follow_lists(_i, keyed, PLAN_CONFLICT_NOTHING);
    }
}
END_TEST

/* Would take very long if they were looked through one by one. */
START_TEST(a_row_among_many_is_found_at_once)
{
    enum { ROWS = 40000, STEP = 12347 };
    PlanMaterialize plan = {0};
    Bench *bench = materialize_new(WAYS - 1 - _i, &plan, _i);
    Buffer in = {0}, out = {0};
    for (uint32_t i = 0; i < ROWS; i++) {
        print_change(&in, "+I", 1, i, 0);
        print_change(&out, i == 0 ? "+I" : "+U", 1, i, 0);
    }
    bench_check(bench, 0, buffer_text(&in), buffer_text(&out));
    buffer_clear(&in);
    for (uint32_t i = 1; i < ROWS; i++)
        print_change(&in, "-D", 1, (uint32_t)((uint64_t)i * STEP % ROWS), 0);
    bench_feed(bench, 0, buffer_text(&in));
    buffer_clear(&bench->emitter.text);
    bench_check(bench, 0, "-D[1, 0, v0]\n", "-D[1, 0, v0]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    buffer_deinit(&in);
    buffer_deinit(&out);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("materialize");
    tcase_add_loop_test(cases, rows_stand_in_a_list_per_key, 0, WAYS);
    tcase_add_loop_test(cases, an_update_out_of_order_ends_right, 0, WAYS);
    tcase_add_loop_test(cases, of_rows_that_only_come_one_is_kept, 0, WAYS);
    tcase_add_loop_test(cases, without_upsert_key_equal_rows_go_oldest_first, 0, WAYS);
    tcase_add_loop_test(cases, the_first_row_is_shown_where_nothing_is_done, 0, WAYS);
    tcase_add_loop_test(cases, rows_that_stay_side_by_side_are_an_error, 0, WAYS);
    tcase_add_loop_test(cases, rows_of_a_key_expire_together, 0, WAYS);
    tcase_add_loop_test(cases, random_changes_follow_the_lists, 0, WAYS);
    tcase_add_loop_test(cases, a_row_among_many_is_found_at_once, 0, 2);
    return test_run("materialize", cases);
}
