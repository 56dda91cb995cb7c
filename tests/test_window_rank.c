/* Top-N per window: literal cases, and random rows, some taken back, with restarts: what is given
 * by the end must equal what a plain computation gives over the rows that are left. */
#include "tests/window_bench.h"

extern const OperatorClass op_window_rank;

/* (k INT, v INT, s TIMESTAMP, e TIMESTAMP), per k and window by v. */
static Bench *rank_new(uint32_t batch_rows, PlanWindowRank *plan, bool retracts)
{
    static const PlanSortKey by_v = {.column = 1};
    Bench *bench = bench_new(batch_rows);
    Arena *arena = bench->arena;
    bench_input(bench, test_schema(arena, "k INT, v INT, s TIMESTAMP, e TIMESTAMP"),
                retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    PlanRank *rank = &plan->rank;
    rank->strategy = retracts ? PLAN_RANK_RETRACT : PLAN_RANK_APPEND;
    rank->partition = test_columns(arena, 3, 0, 2, 3);
    rank->partition_count = 3;
    rank->order = &by_v;
    rank->order_count = 1;
    rank->last_column = -1;
    rank->with_number = true;
    plan->end_at = 2;
    bench_open(bench, &op_window_rank,
               test_schema(arena, "k INT, v INT, s TIMESTAMP, e TIMESTAMP, rn BIGINT"), plan);
    return bench;
}

START_TEST(rows_are_given_when_their_window_ends)
{
    PlanWindowRank plan = {.rank = {.first = 1, .last = 2}};
    Bench *bench = rank_new(batch_sizes[_i], &plan, false);
    bench_check(bench, 0,
                "+I[2, 5, @00, @10]\n+I[1, 3, @00, @10]\n"
                "+I[1, 1, @00, @10]\n+I[1, 2, @00, @10]\n"
                "+I[1, 0, @10, @20]\n+I[1, 7, NULL, NULL]\n",
                "late +I[1, 7, NULL, NULL]\n");
    bench_watermark(bench, 9998);
    bench_expect(bench, "");
    bench_restart(bench);
    bench_watermark(bench, 9999);
    bench_expect(bench, "+I[1, 1, @00.000, @10.000, 1]\n"
                        "+I[1, 2, @00.000, @10.000, 2]\n"
                        "+I[2, 5, @00.000, @10.000, 1]\n");
    bench_check(bench, 0, "+I[1, 8, @00, @10]\n", "late +I[1, 8, @00.000, @10.000]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[1, 0, @10.000, @20.000, 1]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(the_last_of_equal_rows_wins_where_it_is_wanted)
{
    PlanWindowRank plan = {.rank = {.first = 1, .last = 1}, .later_wins = true};
    Bench *bench = rank_new(batch_sizes[_i], &plan, _i == 0);
    bench->emitter.allows_halves = true;
    bench_check(bench, 0,
                "+I[1, 3, @00, @10]\n+I[1, 3, @00, @12]\n"
                "+I[1, 4, @00, @10]\n+I[1, 3, @00, @10]\n",
                "");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 3, @00, @10]\n", "");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[1, 3, @00.000, @10.000, 1]\n"
                        "+I[1, 3, @00.000, @12.000, 1]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(memory_comes_back)
{
    PlanWindowRank plan = {.rank = {.first = 1, .last = 3}};
    Bench *bench = rank_new(2048, &plan, false);
    bench_check_memory_comes_back(bench, 4000, 4);
}
END_TEST

/* --------------------------------------------------------------------------- oracle */

enum { ROWS_MAX = 300, KEYS = 3, VALUES = 12, WINDOWS = 12 };

typedef struct Row {
    int key; /* KEYS: NULL */
    int value;
    int window;
    bool gone;
} Row;

typedef struct Run {
    Bench *bench;
    PlanWindowRank plan;
    Row rows[ROWS_MAX];
    int count;
    int closed; /* windows before this one */
    Fold given;
    Fold wanted;
} Run;

static void print_row(const Row *row, Buffer *out)
{
    if (row->key == KEYS)
        buffer_append_text(out, "[NULL");
    else
        buffer_printf(out, "[%d", row->key);
    buffer_printf(out, ", %d, 1970-01-01 00:00:%02d.000, 1970-01-01 00:00:%02d.000", row->value,
                  row->window * 4, row->window * 4 + 4);
}

/* How many rows of its partition are before it: smaller ones, or different smaller values, and, by
 * number, equal ones that came earlier. */
static uint64_t number_of(const Run *run, int which)
{
    const Row *row = &run->rows[which];
    PlanRankFunction function = run->plan.rank.function;
    bool seen[VALUES] = {false};
    uint64_t number = 1;
    for (int i = 0; i < run->count; i++) {
        const Row *other = &run->rows[i];
        if (other->gone || other->key != row->key || other->window != row->window)
            continue;
        if (function == PLAN_RANK_ROW_NUMBER)
            number += other->value < row->value || (other->value == row->value && i < which);
        else if (function == PLAN_RANK_RANK)
            number += other->value < row->value;
        else
            number += other->value < row->value && !seen[other->value];
        seen[other->value] = true;
    }
    return number;
}

static void want_all(Run *run)
{
    for (int i = 0; i < run->count; i++) {
        uint64_t number = number_of(run, i);
        if (run->rows[i].gone || number < run->plan.rank.first || number > run->plan.rank.last)
            continue;
        Buffer line = {0};
        buffer_append_text(&line, "+I");
        print_row(&run->rows[i], &line);
        buffer_printf(&line, ", %d]\n", (int)number);
        fold_apply(&run->wanted, buffer_text(&line));
        buffer_deinit(&line);
    }
}

static void feed(Run *run, const char *kind, const Row *row)
{
    Buffer line = {0};
    buffer_append_text(&line, kind);
    print_row(row, &line);
    buffer_append_text(&line, "]\n");
    bench_feed(run->bench, 0, buffer_text(&line));
    buffer_deinit(&line);
}

static void step(Run *run, TestRandom *random, bool retracts)
{
    uint32_t what = test_below(random, 40);
    Row *row = &run->rows[run->count];
    if (retracts && what < 8 && run->count != 0) {
        row = &run->rows[test_below(random, (uint32_t)run->count)];
        if (row->gone || row->window < run->closed)
            return;
        row->gone = true;
        feed(run, "-D", row);
    } else if (what == 39 && run->closed < WINDOWS - 1) {
        run->closed++;
        bench_watermark(run->bench, run->closed * 4000 - 1);
    } else if (what == 38) {
        bench_restart(run->bench);
    } else if (run->count < ROWS_MAX) {
        int ahead = WINDOWS - run->closed < 3 ? WINDOWS - run->closed : 3;
        *row = (Row){(int)test_below(random, KEYS + 1), (int)test_below(random, VALUES),
                     run->closed + (int)test_below(random, (uint32_t)ahead), false};
        run->count++;
        feed(run, "+I", row);
    }
    bench_fold(run->bench, &run->given);
}

static void run_random(TestRandom *random, PlanRankFunction function, bool retracts)
{
    Run *run = memory_zalloc(sizeof(*run));
    run->plan.rank = (PlanRank){.function = function,
                                .first = 1 + test_below(random, 2),
                                .last = 2 + test_below(random, 3)};
    run->bench = rank_new(batch_sizes[test_below(random, 3)], &run->plan, retracts);
    for (int n = 0; n < 350; n++)
        step(run, random, retracts);
    bench_watermark(run->bench, INT64_MAX);
    bench_fold(run->bench, &run->given);
    want_all(run);
    bench_end_compared(run->bench, &run->given, &run->wanted);
    memory_free(run);
}

START_TEST(random_rows)
{
    TestRandom random = test_random("window_rank");
    random.state += (uint64_t)_i << 32;
    for (int n = 0; n < 6; n++)
        run_random(&random, (PlanRankFunction)_i, n % 2 != 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("window_rank");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, rows_are_given_when_their_window_ends, 0, array_count(batch_sizes));
    tcase_add_loop_test(cases, the_last_of_equal_rows_wins_where_it_is_wanted, 0,
                        array_count(batch_sizes));
    tcase_add_test(cases, memory_comes_back);
    tcase_add_loop_test(cases, random_rows, PLAN_RANK_ROW_NUMBER, PLAN_RANK_DENSE_RANK + 1);
    return test_run("window_rank", cases);
}
