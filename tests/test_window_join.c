/* Window join: literal cases, and all kinds over random rows, some taken back, with restarts:
 * what is given by the end must equal what a plain computation gives over the rows that are left.
 */
#include "tests/window_bench.h"

extern const OperatorClass op_window_join;

/* (k INT, v INT, s TIMESTAMP, e TIMESTAMP) on both sides, joined on k and the window. */
static Bench *join_new(uint32_t batch_rows, PlanWindowJoin *plan, bool retracts, bool compares)
{
    Bench *bench = bench_new(batch_rows);
    Arena *arena = bench->arena;
    bool half = plan->join.kind == PLAN_JOIN_SEMI || plan->join.kind == PLAN_JOIN_ANTI;
    const Schema *side = test_schema(arena, "k INT, v INT, s TIMESTAMP, e TIMESTAMP");
    const Schema *both = test_schema(arena, "k INT, v INT, s TIMESTAMP, e TIMESTAMP, "
                                            "k2 INT, v2 INT, s2 TIMESTAMP, e2 TIMESTAMP");
    for (uint32_t s = 0; s < 2; s++) {
        bench_input(bench, side, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
        plan->join.sides[s].keys = test_columns(arena, 3, 2, 3, 0);
        plan->join.sides[s].retracts = retracts;
    }
    plan->join.key_count = 3;
    plan->join.null_matches = arena_new_array(arena, bool, 3);
    plan->end_key = 1;
    if (compares)
        plan->join.condition =
            test_call(arena, "<", 2, test_column(arena, both, "v"), test_column(arena, both, "v2"));
    bench_open(bench, &op_window_join, half ? side : both, plan);
    return bench;
}

START_TEST(rows_meet_when_their_window_ends)
{
    PlanWindowJoin plan = {.join.kind = PLAN_JOIN_FULL};
    Bench *bench = join_new(batch_sizes[_i], &plan, false, false);
    bench_check(bench, 0,
                "+I[1, 1, @00, @10]\n+I[1, 2, @10, @20]\n"
                "+I[NULL, 3, @00, @10]\n+I[1, 4, NULL, NULL]\n",
                "late +I[1, 4, NULL, NULL]\n");
    bench_check(bench, 1, "+I[NULL, 5, @00, @10]\n+I[1, 6, @00, @10]\n", "");
    bench_watermark(bench, 9998);
    bench_expect(bench, "");
    bench_restart(bench);
    bench_check(bench, 1, "+I[1, 7, @00, @10]\n", "");
    bench_watermark(bench, 9999);
    bench_expect(bench, "+I[1, 1, @00.000, @10.000, 1, 6, @00.000, @10.000]\n"
                        "+I[1, 1, @00.000, @10.000, 1, 7, @00.000, @10.000]\n"
                        "+I[NULL, 3, @00.000, @10.000, NULL, NULL, NULL, NULL]\n"
                        "+I[NULL, NULL, NULL, NULL, NULL, 5, @00.000, @10.000]\n");
    bench_check(bench, 1, "+I[1, 8, @00, @10]\n", "late +I[1, 8, @00.000, @10.000]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 1);
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[1, 2, @10.000, @20.000, NULL, NULL, NULL, NULL]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(rows_taken_back_are_not_there)
{
    PlanWindowJoin plan = {.join.kind = PLAN_JOIN_LEFT};
    Bench *bench = join_new(batch_sizes[_i], &plan, true, false);
    bench_check(bench, 0,
                "+I[1, 1, @00, @10]\n-D[1, 1, @00, @10]\n"
                "+I[1, 2, @00, @10]\n+I[1, 2, @00, @10]\n"
                "-D[1, 9, @00, @10]\n-D[7, 9, @00, @10]\n",
                "");
    bench_check(bench, 1,
                "+I[2, 3, @00, @10]\n-U[2, 3, @00, @10]\n"
                "+U[1, 3, @00, @10]\n+I[1, 3, @00, @10]\n"
                "-D[1, 3, @00, @10]\n",
                "");
    bench_restart(bench);
    ck_assert_uint_eq(state_store_keys(bench->context.state), 1);
    bench_watermark(bench, 9999);
    bench_expect(bench, "+I[1, 2, @00.000, @10.000, 1, 3, @00.000, @10.000]\n"
                        "+I[1, 2, @00.000, @10.000, 1, 3, @00.000, @10.000]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

/* Many windows come and go: memory goes back to where it was. */
START_TEST(memory_comes_back)
{
    PlanWindowJoin plan = {.join.kind = PLAN_JOIN_INNER};
    Bench *bench = join_new(2048, &plan, false, false);
    bench_check_memory_comes_back(bench, 2000, 1);
}
END_TEST

/* --------------------------------------------------------------------------- oracle */

enum { ROWS_MAX = 300, KEYS = 3, VALUES = 4, WINDOWS = 12 };

typedef struct Row {
    int key; /* KEYS: NULL */
    int value;
    int window;
    bool gone;
} Row;

typedef struct Run {
    Bench *bench;
    PlanWindowJoin plan;
    bool compares;
    Row rows[2][ROWS_MAX];
    int counts[2];
    int closed; /* windows before this one */
    Fold given;
    Fold wanted;
} Run;

static void print_row(const Row *row, Buffer *out)
{
    if (row == NULL) {
        buffer_append_text(out, "NULL, NULL, NULL, NULL");
        return;
    }
    if (row->key == KEYS)
        buffer_append_text(out, "NULL");
    else
        buffer_printf(out, "%d", row->key);
    buffer_printf(out, ", %d, 1970-01-01 00:00:%02d.000, 1970-01-01 00:00:%02d.000", row->value,
                  row->window * 4, row->window * 4 + 4);
}

static void want(Run *run, const Row *left, const Row *right, bool half)
{
    Buffer line = {0};
    buffer_append_text(&line, "+I[");
    print_row(left, &line);
    if (!half) {
        buffer_append_text(&line, ", ");
        print_row(right, &line);
    }
    buffer_append_text(&line, "]\n");
    fold_apply(&run->wanted, buffer_text(&line));
    buffer_deinit(&line);
}

static bool matches(const Run *run, const Row *left, const Row *right)
{
    return !left->gone && !right->gone && left->window == right->window &&
           left->key == right->key && left->key != KEYS &&
           (!run->compares || left->value < right->value);
}

static void want_all(Run *run)
{
    PlanJoinKind kind = run->plan.join.kind;
    bool half = kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI;
    bool found[ROWS_MAX] = {false};
    for (int l = 0; l < run->counts[0]; l++) {
        const Row *left = &run->rows[0][l];
        bool any = false;
        for (int r = 0; r < run->counts[1]; r++) {
            if (!matches(run, left, &run->rows[1][r]))
                continue;
            any = found[r] = true;
            if (!half)
                want(run, left, &run->rows[1][r], false);
        }
        bool pads = kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL || kind == PLAN_JOIN_ANTI;
        if (!left->gone && (any ? kind == PLAN_JOIN_SEMI : pads))
            want(run, left, NULL, half);
    }
    for (int r = 0; r < run->counts[1]; r++)
        if (!run->rows[1][r].gone && !found[r] &&
            (kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL))
            want(run, NULL, &run->rows[1][r], false);
}

static void feed(Run *run, uint32_t side, const char *kind, const Row *row)
{
    Buffer line = {0};
    buffer_append_text(&line, kind);
    buffer_append_char(&line, '[');
    print_row(row, &line);
    buffer_append_text(&line, "]\n");
    bench_feed(run->bench, side, buffer_text(&line));
    buffer_deinit(&line);
}

static void step(Run *run, TestRandom *random, bool retracts)
{
    uint32_t what = test_below(random, 40), side = test_below(random, 2);
    Row *row = &run->rows[side][run->counts[side]];
    if (retracts && what < 8 && run->counts[side] != 0) {
        row = &run->rows[side][test_below(random, (uint32_t)run->counts[side])];
        if (row->gone || row->window < run->closed)
            return;
        row->gone = true;
        feed(run, side, "-D", row);
    } else if (what == 39 && run->closed < WINDOWS - 1) {
        run->closed++;
        bench_watermark(run->bench, run->closed * 4000 - 1);
    } else if (what == 38) {
        bench_restart(run->bench);
    } else if (run->counts[side] < ROWS_MAX) {
        int ahead = WINDOWS - run->closed < 3 ? WINDOWS - run->closed : 3;
        *row = (Row){(int)test_below(random, KEYS + 1), (int)test_below(random, VALUES),
                     run->closed + (int)test_below(random, (uint32_t)ahead), false};
        run->counts[side]++;
        feed(run, side, "+I", row);
    }
    bench_fold(run->bench, &run->given);
}

static void run_random(TestRandom *random, PlanJoinKind kind, bool retracts, bool compares)
{
    Run *run = memory_zalloc(sizeof(*run));
    run->plan.join.kind = kind;
    run->compares = compares;
    run->bench = join_new(batch_sizes[test_below(random, 3)], &run->plan, retracts, compares);
    for (int n = 0; n < 500; n++)
        step(run, random, retracts);
    bench_watermark(run->bench, INT64_MAX);
    bench_fold(run->bench, &run->given);
    want_all(run);
    bench_end_compared(run->bench, &run->given, &run->wanted);
    memory_free(run);
}

START_TEST(random_rows)
{
    TestRandom random = test_random("window_join");
    random.state += (uint64_t)_i << 32;
    for (int n = 0; n < 4; n++)
        run_random(&random, (PlanJoinKind)_i, n % 2 != 0, n / 2 != 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("window_join");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, rows_meet_when_their_window_ends, 0, array_count(batch_sizes));
    tcase_add_loop_test(cases, rows_taken_back_are_not_there, 0, array_count(batch_sizes));
    tcase_add_test(cases, memory_comes_back);
    tcase_add_loop_test(cases, random_rows, PLAN_JOIN_INNER, PLAN_JOIN_ANTI + 1);
    return test_run("window_join", cases);
}
