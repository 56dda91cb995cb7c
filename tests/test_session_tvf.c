/* SESSION in FROM: random rows out of order, some taken back, with restarts: every row that is left
 * must be given once, with the bounds of the session a plain computation finds for it. */
#include "core/datetime.h"
#include "tests/operator_bench.h"

extern const OperatorClass op_session_tvf;

/* (k INT, v INT, t TIMESTAMP) by k. */
static Bench *session_new(uint32_t batch_rows, PlanSessionTvf *plan, int64_t gap_ms, bool retracts)
{
    Bench *bench = bench_new(batch_rows);
    bench_input(bench, test_schema(bench->arena, "k INT, v INT, t TIMESTAMP"),
                retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    plan->window = (PlanWindow){
        .kind = PLAN_WINDOW_SESSION, .time_column = 2, .size_us = gap_ms * 1000, .tick_us = 1000};
    plan->partition = test_columns(bench->arena, 1, 0);
    plan->partition_count = 1;
    plan->retracts = retracts;
    bench_open(bench, &op_session_tvf,
               test_schema(bench->arena, "k INT, v INT, t TIMESTAMP, s TIMESTAMP, e TIMESTAMP, "
                                         "w TIMESTAMP"),
               plan);
    return bench;
}

START_TEST(sessions_are_given_when_they_are_over)
{
    PlanSessionTvf plan = {0};
    Bench *bench = session_new(batch_sizes[_i], &plan, 5000, false);
    bench_check(bench, 0, "+I[1, 1, @01]\n+I[1, 2, @06]\n+I[1, 3, NULL]\n",
                "late +I[1, 3, NULL]\n");
    bench_watermark(bench, 10998);
    bench_expect(bench, "");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 4, @11.001]\n+I[2, 5, @05.998]\n", "late +I[2, 5, @05.998]\n");
    bench_watermark(bench, 10999);
    bench_expect(bench, "+I[1, 1, @01.000, @01.000, @11.000, @10.999]\n"
                        "+I[1, 2, @06.000, @01.000, @11.000, @10.999]\n");
    bench_check(bench, 0, "+I[1, 6, @06]\n+I[1, 7, @06.001]\n", "late +I[1, 6, @06.000]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "+I[1, 7, @06.001, @06.001, @16.001, @16.000]\n"
                        "+I[1, 4, @11.001, @06.001, @16.001, @16.000]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

/* ---------------------------------------------------------------------------- oracle */

enum { ROWS_MAX = 300, KEYS = 4, DELAY = 9000 };

typedef struct Row {
    int key;
    int value;
    int64_t time_ms;
    bool gone;
} Row;

typedef struct Run {
    Bench *bench;
    PlanSessionTvf plan;
    Row rows[ROWS_MAX];
    int count;
    int64_t latest_ms;
    int64_t watermark_ms;
    Fold given;
    Fold wanted;
} Run;

static void print_time(int64_t time_ms, Buffer *out)
{
    buffer_append_text(out, ", ");
    datetime_print(datetime_from_micros(time_ms * 1000), 3, out);
}

static void feed(Run *run, const char *kind, const Row *row)
{
    Buffer line = {0};
    buffer_printf(&line, "%s[%d, %d", kind, row->key, row->value);
    print_time(row->time_ms, &line);
    buffer_append_text(&line, "]\n");
    bench_feed(run->bench, 0, buffer_text(&line));
    buffer_deinit(&line);
}

static int compare_rows(const void *a, const void *b)
{
    const Row *x = a, *y = b;
    if (x->key != y->key)
        return x->key - y->key;
    return (x->time_ms > y->time_ms) - (x->time_ms < y->time_ms);
}

static void want_session(Run *run, int from, int to, int64_t gap_ms)
{
    for (int i = from; i < to; i++) {
        Buffer line = {0};
        buffer_printf(&line, "+I[%d, %d", run->rows[i].key, run->rows[i].value);
        print_time(run->rows[i].time_ms, &line);
        print_time(run->rows[from].time_ms, &line);
        print_time(run->rows[to - 1].time_ms + gap_ms, &line);
        print_time(run->rows[to - 1].time_ms + gap_ms - 1, &line);
        buffer_append_text(&line, "]\n");
        fold_apply(&run->wanted, buffer_text(&line));
        buffer_deinit(&line);
    }
}

static void want_all(Run *run, int64_t gap_ms)
{
    int count = 0;
    for (int i = 0; i < run->count; i++)
        if (!run->rows[i].gone)
            run->rows[count++] = run->rows[i];
    qsort(run->rows, (size_t)count, sizeof(Row), compare_rows);
    for (int from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && run->rows[to].key == run->rows[from].key &&
                            run->rows[to].time_ms - run->rows[to - 1].time_ms <= gap_ms;
             to++)
            ;
        want_session(run, from, to, gap_ms);
    }
}

static void insert(Run *run, TestRandom *random)
{
    Row *row = &run->rows[run->count++];
    int64_t step = test_below(random, 12) == 0 ? 30000 : 1500;
    int64_t at = run->latest_ms + test_below(random, (uint32_t)step) - test_below(random, DELAY);
    if (test_below(random, 2) == 0)
        at -= at % 1000;
    /* A session that ends where the row is has been given: it cannot join that any more. */
    if (at <= run->watermark_ms + 1)
        at = run->watermark_ms + 2;
    run->latest_ms = at > run->latest_ms ? at : run->latest_ms;
    *row = (Row){(int)test_below(random, KEYS), (int)test_below(random, 2), at, false};
    feed(run, "+I", row);
}

static void step(Run *run, TestRandom *random)
{
    uint32_t what = test_below(random, 20);
    if (run->plan.retracts && what < 5 && run->count > 0) {
        Row *row = &run->rows[test_below(random, (uint32_t)run->count)];
        if (!row->gone && row->time_ms > run->watermark_ms) {
            row->gone = true;
            feed(run, "-D", row);
        }
    } else if (what == 19) {
        int64_t watermark = run->latest_ms - DELAY / 2;
        run->watermark_ms = watermark > run->watermark_ms ? watermark : run->watermark_ms;
        bench_watermark(run->bench, run->watermark_ms);
    } else if (what == 18 && test_below(random, 3) == 0) {
        bench_restart(run->bench);
    } else {
        insert(run, random);
    }
    bench_fold(run->bench, &run->given);
}

START_TEST(random_rows)
{
    static const int64_t gaps_ms[] = {800, 3000, 12000};
    TestRandom random = test_random("session_tvf");
    random.state += (uint64_t)_i << 32;
    for (int n = 0; n < 6; n++) {
        Run *run = memory_zalloc(sizeof(*run));
        int64_t gap_ms = gaps_ms[_i];
        run->watermark_ms = INT64_MIN;
        run->bench =
            session_new(batch_sizes[test_below(&random, 3)], &run->plan, gap_ms, n % 2 != 0);
        while (run->count < ROWS_MAX)
            step(run, &random);
        bench_watermark(run->bench, INT64_MAX);
        bench_fold(run->bench, &run->given);
        want_all(run, gap_ms);
        fold_compare(&run->given, &run->wanted);
        ck_assert_uint_eq(run->bench->emitter.late_rows, 0);
        ck_assert_uint_eq(state_store_keys(run->bench->context.state), 0);
        fold_free(&run->given);
        fold_free(&run->wanted);
        bench_free(run->bench);
        memory_free(run);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("session_tvf");
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, sessions_are_given_when_they_are_over, 0, array_count(batch_sizes));
    tcase_add_loop_test(cases, random_rows, 0, 3);
    return test_run("session_tvf", cases);
}
