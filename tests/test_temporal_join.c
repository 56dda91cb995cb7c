/* Temporal join: each left row with the version that held at its time. */
#include "tests/operator_bench.h"

extern const OperatorClass op_temporal_join;

/* (id INT, k INT, ts TIMESTAMP) with versions (k INT, v INT, since TIMESTAMP). */
static Bench *temporal_new(uint32_t batch_rows, PlanTemporalJoin *plan)
{
    Bench *bench = bench_new(batch_rows);
    bench_input(bench, test_schema(bench->arena, "id INT, k INT, ts TIMESTAMP"), CHANGES_ALL);
    bench_input(bench, test_schema(bench->arena, "k INT, v INT, since TIMESTAMP"), CHANGES_ALL);
    plan->join.sides[0].keys = test_columns(bench->arena, 1, 1);
    plan->join.sides[1].keys = test_columns(bench->arena, 1, 0);
    plan->times[0] = plan->times[1] = 2;
    plan->join.key_count = 1;
    plan->join.null_matches = arena_new_one(bench->arena, bool);
    bench->emitter.allows_halves = true;
    bench_open(
        bench, &op_temporal_join,
        test_schema(bench->arena, "id INT, k INT, ts TIMESTAMP, k2 INT, v INT, since TIMESTAMP"),
        plan);
    return bench;
}

START_TEST(rows_come_out_with_their_version_in_the_order_they_came)
{
    PlanTemporalJoin plan = {.join.kind = PLAN_JOIN_LEFT};
    Bench *bench = temporal_new(batch_sizes[_i], &plan);
    bench_check(bench, 0,
                "+I[1, 1, @03]\n+I[2, 1, @02]\n-D[3, 1, @00.999]\n"
                "+U[4, NULL, @01]\n+I[5, 1, @05]\n",
                "");
    bench_check(bench, 1,
                "+I[1, 10, @01]\n-U[1, 10, @01]\n+U[1, 20, @03]\n"
                "+I[2, 5, @01]\n+I[NULL, 7, @01]\n",
                "");
    bench_restart(bench);
    bench_watermark(bench, 3000);
    bench_expect(bench, "+I[1, 1, @03.000, 1, 20, @03.000]\n"
                        "+I[2, 1, @02.000, 1, 10, @01.000]\n"
                        "-D[3, 1, @00.999, NULL, NULL, NULL]\n"
                        "+U[4, NULL, @01.000, NULL, NULL, NULL]\n");
    bench_check(bench, 0, "+I[6, 1, @03]\n+I[7, 1, NULL]\n",
                "late +I[6, 1, @03.000]\nlate +I[7, 1, NULL]\n");
    bench_check(bench, 1, "-D[1, 20, @04]\n", "");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[5, 1, @05.000, NULL, NULL, NULL]\n");
    /* One version of key 2 is left; key 1 is deleted. */
    ck_assert_uint_eq(state_store_keys(bench->context.state), 1);
    bench_free(bench);
}
END_TEST

START_TEST(one_version_that_the_watermark_has_reached_stays)
{
    PlanTemporalJoin plan = {.join.kind = PLAN_JOIN_INNER};
    Bench *bench = temporal_new(batch_sizes[_i], &plan);
    bench_check(bench, 1, "+I[1, 10, @01]\n+U[1, 20, @02]\n+U[1, 30, @03]\n", "");
    bench_watermark(bench, 2500);
    /* Late versions: one that is older than the last reached, one that takes its place. */
    bench_check(bench, 1, "+U[1, 11, @01.500]\n+U[1, 21, @02]\n", "");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 1, @02.600]\n+I[2, 1, @03]\n", "");
    bench_watermark(bench, 9000);
    bench_expect(bench, "+I[1, 1, @02.600, 1, 21, @02.000]\n"
                        "+I[2, 1, @03.000, 1, 30, @03.000]\n");
    /* A late delete of the last version, twice, and again. */
    bench_check(bench, 1, "-D[1, 30, @03]\n-D[1, 30, @03]\n-D[1, 30, @04]\n", "");
    bench_check(bench, 0, "+I[3, 1, @09.500]\n", "");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

/* ------------------------------------------------------------ random versions */

typedef struct RandomVersion {
    int32_t key, value;
    int64_t since_ms;
    bool deleted;
} RandomVersion;

#define VERSIONS 80
#define ROWS     200

static const RandomVersion *version_of(const RandomVersion *versions, uint32_t count, int32_t key,
                                       int64_t time_ms)
{
    const RandomVersion *best = NULL;
    for (uint32_t i = 0; i < count; i++)
        if (versions[i].key == key && versions[i].since_ms <= time_ms &&
            (best == NULL || versions[i].since_ms >= best->since_ms))
            best = &versions[i];
    return best != NULL && best->deleted ? NULL : best;
}

static void print_time(Buffer *out, int64_t time_ms)
{
    datetime_print(datetime_from_micros(time_ms * 1000), 3, out);
}

START_TEST(rows_out_of_order_give_what_looking_at_all_versions_gives)
{
    TestRandom random = {(uint64_t)_i * 77 + 5};
    PlanTemporalJoin plan = {.join.kind = PLAN_JOIN_LEFT};
    Bench *bench = temporal_new(batch_sizes[_i % 3], &plan);
    RandomVersion versions[VERSIONS];
    struct {
        int32_t id, key;
        int64_t time_ms;
    } rows[ROWS];
    uint32_t version_count = 0, row_count = 0;
    int64_t least_ms = 0;
    while (row_count < ROWS) {
        Buffer line = {0};
        if (version_count < VERSIONS && test_below(&random, 3) == 0) {
            RandomVersion *version = &versions[version_count++];
            *version =
                (RandomVersion){(int32_t)test_below(&random, 3), (int32_t)version_count,
                                least_ms + test_below(&random, 50), test_below(&random, 4) == 0};
            buffer_printf(&line, "%s[%d, %d, ", version->deleted ? "-D" : "+U", version->key,
                          version->value);
            print_time(&line, version->since_ms);
        } else {
            rows[row_count].id = (int32_t)row_count;
            rows[row_count].key = (int32_t)test_below(&random, 4);
            rows[row_count].time_ms = least_ms + test_below(&random, 50);
            buffer_printf(&line, "+I[%d, %d, ", rows[row_count].id, rows[row_count].key);
            print_time(&line, rows[row_count++].time_ms);
        }
        buffer_append_text(&line, "]\n");
        bench_feed(bench, line.data[0] == '+' && line.data[1] == 'I' ? 0 : 1, buffer_text(&line));
        buffer_deinit(&line);
        least_ms += test_below(&random, 4);
        if (test_below(&random, 5) == 0)
            bench_watermark(bench, least_ms - 1);
        if (test_below(&random, 25) == 0)
            bench_restart(bench);
    }
    bench_watermark(bench, INT64_MAX);
    Fold actual = {.count = 0}, expected = {.count = 0};
    fold_apply(&actual, buffer_text(&bench->emitter.text));
    for (uint32_t i = 0; i < ROWS; i++) {
        const RandomVersion *version =
            version_of(versions, version_count, rows[i].key, rows[i].time_ms);
        Buffer line = {0};
        buffer_printf(&line, "[%d, %d, ", rows[i].id, rows[i].key);
        print_time(&line, rows[i].time_ms);
        if (version == NULL) {
            buffer_append_text(&line, ", NULL, NULL, NULL]");
        } else {
            buffer_printf(&line, ", %d, %d, ", version->key, version->value);
            print_time(&line, version->since_ms);
            buffer_append_char(&line, ']');
        }
        fold_add(&expected, line.data, line.length);
        buffer_deinit(&line);
    }
    fold_compare(&actual, &expected);
    fold_free(&actual);
    fold_free(&expected);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("temporal_join");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, rows_come_out_with_their_version_in_the_order_they_came, 0, sizes);
    tcase_add_loop_test(cases, one_version_that_the_watermark_has_reached_stays, 0, sizes);
    tcase_add_loop_test(cases, rows_out_of_order_give_what_looking_at_all_versions_gives, 0, 60);
    return test_run("temporal_join", cases);
}
