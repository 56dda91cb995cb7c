/* The first of two phases, and the second fed with what it gives: rows of a batch become one per
 * group, and what the aggregate makes of them is what it would make of the rows, folded. */
#include "tests/operator_bench.h"

extern const OperatorClass op_local_aggregate;
extern const OperatorClass op_aggregate;

typedef struct Phases {
    Bench *local;
    Bench *global;
    PlanAggregate plans[2];
    PlanAggregateCall calls[4];
} Phases;

/* SELECT k, COUNT(*), SUM(v) [, MAX(s), APPROX_COUNT_DISTINCT(v)] over (v BIGINT, k STRING, s
 * STRING). */
static void phases_open(Phases *phases, int size_index, bool retracts)
{
    static const uint32_t input_key[] = {1}, merged_key[] = {0};
    *phases = (Phases){bench_new(batch_sizes[size_index]), bench_new(batch_sizes[size_index]),
                       .plans = {{0}}};
    Arena *arena = phases->local->arena;
    const Schema *input = test_schema(arena, "v BIGINT,k STRING,s STRING");
    const Schema *between = test_schema(arena, retracts ? "k STRING,states BYTES,rows BIGINT"
                                                        : "k STRING,states BYTES");
    uint32_t calls = retracts ? 2 : 4;
    phases->calls[0] = test_aggregate(arena, input, "COUNT", NULL, retracts);
    phases->calls[1] = test_aggregate(arena, input, "SUM", "v", retracts);
    if (!retracts) {
        phases->calls[2] = test_aggregate(arena, input, "MAX", "s", false);
        phases->calls[3] = test_aggregate(arena, input, "APPROX_COUNT_DISTINCT", "v", false);
    }
    PlanAggregate plan = {.keys = input_key,
                          .key_count = 1,
                          .calls = phases->calls,
                          .call_count = calls,
                          .input_retracts = retracts};
    phases->plans[0] = phases->plans[1] = plan;
    phases->plans[1].keys = merged_key;
    phases->plans[1].merges = true;
    bench_input(phases->local, input, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    bench_open(phases->local, &op_local_aggregate, between, &phases->plans[0]);
    bench_input(phases->global, between, CHANGES_INSERT_ONLY);
    phases->global->node.traits.folds = true;
    bench_open(phases->global, &op_aggregate,
               test_schema(arena, retracts ? "k STRING,n BIGINT,sum BIGINT"
                                           : "k STRING,n BIGINT,sum BIGINT,max STRING,d BIGINT"),
               &phases->plans[1]);
}

static void phases_check(Phases *phases, const char *in, const char *out)
{
    bench_feed(phases->local, 0, in);
    char *between = arena_strdup(phases->local->arena, buffer_text(&phases->local->emitter.text));
    buffer_clear(&phases->local->emitter.text);
    bench_check(phases->global, 0, between, out);
}

static void phases_close(Phases *phases)
{
    bench_free(phases->local);
    bench_free(phases->global);
}

START_TEST(rows_of_a_batch_become_one_per_group)
{
    Phases phases;
    phases_open(&phases, 2, true);
    bench_check(phases.local, 0, "+I[5, a, x]\n-D[1, b, x]\n-U[5, a, x]\n+U[NULL, a, x]\n",
                "+I[a, x'010000000000000000000000000000000000000000000000', 1]\n"
                "+I[b, x'ffffffffffffffffffffffffffffffffffffffffffffffff', -1]\n");
    phases_close(&phases);
}
END_TEST

START_TEST(merged_they_are_what_the_rows_are)
{
    Phases phases;
    phases_open(&phases, 2, false);
    phases_check(&phases,
                 "+I[5, a, 'a text longer than twelve']\n+I[7, b, short]\n"
                 "+I[6, a, 'another text longer than that']\n+I[NULL, NULL, NULL]\n",
                 "+I[a, 2, 11, another text longer than that, 2]\n+I[b, 1, 7, short, 1]\n"
                 "+I[NULL, 1, NULL, NULL, 0]\n");
    phases_check(&phases, "+I[0, b, 'a text longer than twelve']\n+I[1, a, aa]\n+I[1, a, b]\n",
                 "-U[b, 1, 7, short, 1]\n+U[b, 2, 7, short, 2]\n"
                 "-U[a, 2, 11, another text longer than that, 2]\n+U[a, 4, 13, b, 3]\n");
    phases_close(&phases);
}
END_TEST

START_TEST(groups_come_and_go_by_the_rows_they_gain)
{
    Phases phases;
    phases_open(&phases, _i, true);
    phases_check(&phases, "+I[5, a, x]\n", "+I[a, 1, 5]\n");
    phases_check(&phases, "+I[5, b, x]\n", "+I[b, 1, 5]\n");
    phases_check(&phases, "-D[1, c, x]\n", "");
    phases_check(&phases, "-D[5, a, x]\n", "-D[a, 1, 5]\n");
    phases_check(&phases, "-D[5, a, x]\n", "");
    phases_check(&phases, "+I[2, a, x]\n", "+I[a, 1, 2]\n");
    bench_restart(phases.global);
    phases_check(&phases, "+I[3, a, x]\n", "-U[a, 1, 2]\n+U[a, 2, 5]\n");
    phases_close(&phases);
}
END_TEST

/* The last number of the last row. */
static double last_number(Bench *bench)
{
    return atof(strrchr(buffer_text(&bench->emitter.text), ',') + 1);
}

/* From keeping hashes to keeping registers, merged or not, through a restore: within 5 %, which is
 * three standard errors. */
START_TEST(different_values_are_estimated)
{
    enum { VALUES = 40000, STEP = 500 };
    Phases phases;
    phases_open(&phases, 2, false);
    Bench *direct = bench_new(2048);
    PlanAggregate plan = phases.plans[0];
    bench_input(direct, test_schema(direct->arena, "v BIGINT,k STRING,s STRING"),
                CHANGES_INSERT_ONLY);
    bench_open(direct, &op_aggregate,
               test_schema(direct->arena, "k STRING,n BIGINT,sum BIGINT,max STRING,d BIGINT"),
               &plan);
    Buffer rows = {0};
    for (uint32_t from = 0; from < VALUES; from += STEP) {
        buffer_clear(&rows);
        for (uint32_t v = from; v < from + STEP; v++)
            buffer_printf(&rows, "+I[%u, a, x]\n", v * 7 % VALUES);
        bench_feed(phases.local, 0, buffer_text(&rows));
        bench_feed(phases.global, 0, buffer_text(&phases.local->emitter.text));
        buffer_clear(&phases.local->emitter.text);
        bench_feed(direct, 0, buffer_text(&rows));
        double expected = from + STEP;
        ck_assert_double_eq_tol(last_number(direct), expected, expected * 0.05);
        ck_assert_double_eq(last_number(phases.global), last_number(direct));
        if (from == VALUES / 2)
            bench_restart(phases.global);
    }
    buffer_clear(&phases.global->emitter.text);
    buffer_clear(&direct->emitter.text);
    buffer_deinit(&rows);
    bench_free(direct);
    phases_close(&phases);
}
END_TEST

START_TEST(two_batches_of_a_group_in_one_are_one_change)
{
    Phases phases;
    phases_open(&phases, 2, true);
    bench_check(phases.global, 0,
                "+I[a, x'010000000000000001000000000000000500000000000000', 1]\n"
                "+I[a, x'010000000000000001000000000000000700000000000000', 1]\n"
                "+I[b, x'010000000000000001000000000000000700000000000000', 1]\n"
                "+I[b, x'fffffffffffffffffffffffffffffffff9ffffffffffffff', -1]\n",
                "+I[a, 2, 12]\n");
    phases_close(&phases);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("local_aggregate");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_test(cases, rows_of_a_batch_become_one_per_group);
    tcase_add_test(cases, merged_they_are_what_the_rows_are);
    tcase_add_loop_test(cases, groups_come_and_go_by_the_rows_they_gain, 0, sizes);
    tcase_add_test(cases, different_values_are_estimated);
    tcase_add_test(cases, two_batches_of_a_group_in_one_are_one_change);
    return test_run("local_aggregate", cases);
}
