/* The multi-way join: every combination once, in the order of the inputs; what is kept; NULL keys.
 */
#include "tests/operator_bench.h"

extern const OperatorClass op_multi_join;

/* a (k INT, x STRING), b (k INT, y STRING), c (k INT, z STRING) on k, each kept in its way. */
static Bench *multi_of(int size_index, PlanMultiJoin *plan, const PlanJoinSideState *states,
                       bool b_left, bool c_left)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    static const char *const schemas[] = {"k INT, x STRING", "k INT, y STRING", "k INT, z STRING"};
    PlanJoinSide *sides = arena_new_array(arena, PlanJoinSide, 3);
    bool *is_left = arena_new_array(arena, bool, 3);
    is_left[1] = b_left;
    is_left[2] = c_left;
    for (uint32_t i = 0; i < 3; i++) {
        bool appends = states[i] == PLAN_SIDE_APPENDS;
        bench_input(bench, test_schema(arena, schemas[i]),
                    appends ? CHANGES_INSERT_ONLY : CHANGES_ALL);
        sides[i] = (PlanJoinSide){.keys = test_columns(arena, 1, 0),
                                  .state = states[i],
                                  .unique = {1, test_columns(arena, 1, 1)},
                                  .retracts = !appends};
    }
    *plan = (PlanMultiJoin){.sides = sides, .is_left = is_left, .key_count = 1};
    bench_open(bench, &op_multi_join,
               test_schema(arena, "k INT, x STRING, bk INT, y STRING, ck INT, z STRING"), plan);
    return bench;
}

static Bench *multi_new(int size_index, PlanMultiJoin *plan, bool b_left, bool c_left)
{
    static const PlanJoinSideState states[] = {PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_NO_UNIQUE,
                                               PLAN_SIDE_KEY_UNIQUE};
    return multi_of(size_index, plan, states, b_left, c_left);
}

/* Rows that only come stay where they are: their text is lent to what is put out. */
static const PlanJoinSideState all_append[] = {PLAN_SIDE_APPENDS, PLAN_SIDE_APPENDS,
                                               PLAN_SIDE_APPENDS};
#define LONG_X "a text that is longer than a view of it"
#define LONG_Y "another one that is kept by its pointer"

START_TEST(rows_that_stay_are_lent)
{
    PlanMultiJoin plan;
    Bench *bench = multi_of(_i, &plan, all_append, false, false);
    bench_check(bench, 0, "+I[1, " LONG_X "]\n+I[1, NULL]\n", "");
    bench_check(bench, 2, "+I[1, z]\n", "");
    bench_check(bench, 1, "+I[1, " LONG_Y "]\n+I[2, y]\n",
                "+I[1, " LONG_X ", 1, " LONG_Y ", 1, z]\n+I[1, NULL, 1, " LONG_Y ", 1, z]\n");
    bench_restart(bench);
    bench_check(bench, 2, "+I[1, NULL]\n+I[1, " LONG_X "]\n",
                "+I[1, " LONG_X ", 1, " LONG_Y ", 1, NULL]\n"
                "+I[1, NULL, 1, " LONG_Y ", 1, NULL]\n"
                "+I[1, " LONG_X ", 1, " LONG_Y ", 1, " LONG_X "]\n"
                "+I[1, NULL, 1, " LONG_Y ", 1, " LONG_X "]\n");
    bench_check(bench, 0, "+I[1, xx]\n",
                "+I[1, xx, 1, " LONG_Y ", 1, z]\n+I[1, xx, 1, " LONG_Y ", 1, NULL]\n"
                "+I[1, xx, 1, " LONG_Y ", 1, " LONG_X "]\n");
    bench_free(bench);
}
END_TEST

START_TEST(rows_that_stay_are_lent_beside_padding)
{
    PlanMultiJoin plan;
    Bench *bench = multi_of(_i, &plan, all_append, true, true);
    bench_check(bench, 0, "+I[1, " LONG_X "]\n", "+I[1, " LONG_X ", NULL, NULL, NULL, NULL]\n");
    bench_check(bench, 2, "+I[1, z]\n+I[1, " LONG_Y "]\n",
                "-D[1, " LONG_X ", NULL, NULL, NULL, NULL]\n"
                "+I[1, " LONG_X ", NULL, NULL, 1, z]\n"
                "+I[1, " LONG_X ", NULL, NULL, 1, " LONG_Y "]\n");
    bench_check(bench, 1, "+I[1, NULL]\n",
                "-D[1, " LONG_X ", NULL, NULL, 1, z]\n+I[1, " LONG_X ", 1, NULL, 1, z]\n"
                "-D[1, " LONG_X ", NULL, NULL, 1, " LONG_Y "]\n"
                "+I[1, " LONG_X ", 1, NULL, 1, " LONG_Y "]\n");
    bench_free(bench);
}
END_TEST

START_TEST(inner_keeps_the_kind_of_the_arriving_row)
{
    PlanMultiJoin plan;
    Bench *bench = multi_new(_i, &plan, false, false);
    bench_check(bench, 0, "+I[1, x]\n+I[1, xx]\n+I[NULL, n]\n", "");
    bench_check(bench, 2, "+I[1, z]\n+I[2, z2]\n", "");
    bench_check(bench, 1, "+I[1, y]\n+I[1, y]\n+I[NULL, n]\n",
                "+I[1, x, 1, y, 1, z]\n+I[1, xx, 1, y, 1, z]\n+I[1, x, 1, y, 1, z]\n"
                "+I[1, xx, 1, y, 1, z]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-U[1, xx]\n+U[2, xx]\n-D[NULL, n]\n",
                "-U[1, xx, 1, y, 1, z]\n-U[1, xx, 1, y, 1, z]\n");
    bench_check(bench, 2, "-U[1, z]\n+U[1, zz]\n",
                "-U[1, x, 1, y, 1, z]\n-U[1, x, 1, y, 1, z]\n+U[1, x, 1, y, 1, zz]\n"
                "+U[1, x, 1, y, 1, zz]\n");
    bench_check(bench, 1, "-D[1, y]\n-D[1, y]\n", "-D[1, x, 1, y, 1, zz]\n-D[1, x, 1, y, 1, zz]\n");
    bench_check(bench, 0, "-D[1, x]\n-D[2, xx]\n", "");
    bench_check(bench, 2, "-D[1, zz]\n-D[2, z2]\n", "");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(left_inputs_are_padded)
{
    PlanMultiJoin plan;
    Bench *bench = multi_new(_i, &plan, true, true);
    bench_check(bench, 0, "+I[1, x]\n+U[NULL, n]\n",
                "+I[1, x, NULL, NULL, NULL, NULL]\n+I[NULL, n, NULL, NULL, NULL, NULL]\n");
    bench_check(bench, 2, "+I[1, z]\n+I[NULL, z]\n",
                "-D[1, x, NULL, NULL, NULL, NULL]\n+I[1, x, NULL, NULL, 1, z]\n");
    bench_check(bench, 1, "+I[1, y]\n+I[1, y2]\n",
                "-D[1, x, NULL, NULL, 1, z]\n+I[1, x, 1, y, 1, z]\n+I[1, x, 1, y2, 1, z]\n");
    bench_restart(bench);
    bench_check(bench, 2, "-U[1, z]\n+U[1, w]\n",
                "-D[1, x, 1, y, 1, z]\n+I[1, x, 1, y, NULL, NULL]\n"
                "-D[1, x, 1, y2, 1, z]\n+I[1, x, 1, y2, NULL, NULL]\n"
                "-D[1, x, 1, y, NULL, NULL]\n+I[1, x, 1, y, 1, w]\n"
                "-D[1, x, 1, y2, NULL, NULL]\n+I[1, x, 1, y2, 1, w]\n");
    bench_check(bench, 1, "-D[1, y]\n-D[1, y2]\n+I[1, y]\n-D[1, y]\n",
                "-D[1, x, 1, y, 1, w]\n-D[1, x, 1, y2, 1, w]\n+I[1, x, NULL, NULL, 1, w]\n"
                "-D[1, x, NULL, NULL, 1, w]\n+I[1, x, 1, y, 1, w]\n"
                "-D[1, x, 1, y, 1, w]\n+I[1, x, NULL, NULL, 1, w]\n");
    bench_check(bench, 0, "-D[1, x]\n-D[NULL, n]\n",
                "-D[1, x, NULL, NULL, 1, w]\n-D[NULL, n, NULL, NULL, NULL, NULL]\n");
    bench_check(bench, 2, "-D[1, w]\n", "");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("multi_join");
    int sizes = (int)array_count(batch_sizes);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, inner_keeps_the_kind_of_the_arriving_row, 0, sizes);
    tcase_add_loop_test(cases, left_inputs_are_padded, 0, sizes);
    tcase_add_loop_test(cases, rows_that_stay_are_lent, 0, sizes);
    tcase_add_loop_test(cases, rows_that_stay_are_lent_beside_padding, 0, sizes);
    return test_run("multi_join", cases);
}
