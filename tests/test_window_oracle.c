/* Windows over random rows out of order, some taken back, with restarts: what is given by the end
 * must equal what a plain computation over the rows that are left gives. Windows that are given
 * early and for late rows must add up to the same. */
#include "core/datetime.h"
#include "tests/operator_bench.h"

extern const OperatorClass op_window_aggregate, op_window_live;

#define SECOND INT64_C(1000)
enum { ROWS_MAX = 400, KEYS = 4, DELAY = 15000 };

typedef struct Row {
    int key;
    int64_t value;
    int64_t time_ms;
    bool gone;
} Row;

typedef struct Run {
    Bench *bench;
    PlanWindowAggregate plan;
    PlanAggregateCall calls[4]; /* the last one DISTINCT, where it is asked for */
    Row rows[ROWS_MAX];
    int row_count;
    int64_t latest_ms;
    int64_t watermark_ms;
    int64_t clock_ms;
    Fold given;
    Fold wanted;
} Run;

static const PlanWindowProperty bounds[] = {PLAN_WINDOW_START, PLAN_WINDOW_END};

static void run_open(Run *run, PlanWindow window, const PlanWindowEmit *emit, bool retracts,
                     bool distinct, uint32_t batch_rows)
{
    static const char *const names[] = {"COUNT", "SUM", "MIN", "COUNT"};
    *run = (Run){.bench = bench_new(batch_rows), .watermark_ms = INT64_MIN};
    Arena *arena = run->bench->arena;
    const Schema *input = test_schema(arena, "k BIGINT, v BIGINT, t TIMESTAMP");
    bench_input(run->bench, input, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    Column *columns = arena_new_array(arena, Column, 7);
    columns[0] = (Column){"k", &type_bigint};
    int call_count = distinct ? 4 : 3;
    for (int c = 0; c < call_count; c++) {
        run->calls[c] = test_aggregate(arena, input, names[c], c == 0 ? NULL : "v", retracts);
        run->calls[c].distinct = c == 3;
        columns[1 + c] = (Column){names[c], run->calls[c].call.result};
    }
    columns[1 + call_count] = (Column){"s", &type_timestamp_3};
    columns[2 + call_count] = (Column){"e", &type_timestamp_3};
    run->plan.aggregate = (PlanAggregate){.keys = test_columns(arena, 1, 0),
                                          .key_count = 1,
                                          .calls = run->calls,
                                          .call_count = (uint32_t)call_count,
                                          .input_retracts = retracts};
    window.time_column = 2;
    window.tick_us = 1000;
    run->plan.window = window;
    run->plan.properties = bounds;
    run->plan.property_count = 2;
    run->plan.emit = emit;
    bench_open(run->bench, emit == NULL ? &op_window_aggregate : &op_window_live,
               schema_new(arena, columns, (uint32_t)call_count + 3), &run->plan);
}

static void run_close(Run *run)
{
    bench_free(run->bench);
    fold_free(&run->given);
    fold_free(&run->wanted);
}

/* -------------------------------------------------------------------- rows */

static void feed(Run *run, const char *kind, const Row *row)
{
    Buffer line = {0};
    buffer_printf(&line, "%s[%d, %lld, ", kind, row->key, (long long)row->value);
    datetime_print(datetime_from_micros(row->time_ms * 1000), 3, &line);
    buffer_append_text(&line, "]\n");
    bench_feed(run->bench, 0, buffer_text(&line));
    buffer_deinit(&line);
}

/* The latest time of which no row may come any more. */
static int64_t last_late(const Run *run)
{
    int64_t lateness = run->plan.emit == NULL ? 0 : run->plan.emit->lateness_us / 1000;
    return run->watermark_ms == INT64_MIN ? INT64_MIN : run->watermark_ms - lateness;
}

static void insert(Run *run, TestRandom *random)
{
    Row *row = &run->rows[run->row_count++];
    int64_t step = test_below(random, 12) == 0 ? 40 * SECOND : 2 * SECOND;
    int64_t at = run->latest_ms + test_below(random, (uint32_t)step) - test_below(random, DELAY);
    /* Many rows at whole seconds, so that boundaries and gaps are met exactly. */
    if (test_below(random, 2) == 0)
        at -= at % SECOND;
    /* A session that ends where the row is has been given: it cannot join that any more. */
    if (at <= last_late(run) + 1)
        at = last_late(run) + 2;
    if (at > run->latest_ms)
        run->latest_ms = at;
    *row = (Row){(int)test_below(random, KEYS), test_below(random, 6), at, false};
    feed(run, "+I", row);
}

/* Takes back a row that no closed window has. */
static void retract(Run *run, TestRandom *random)
{
    Row *row = &run->rows[test_below(random, (uint32_t)run->row_count)];
    if (row->gone || row->time_ms <= last_late(run))
        return;
    row->gone = true;
    feed(run, "-D", row);
}

/* ------------------------------------------------------------------ computing */

static void want(Run *run, int key, int64_t start_ms, int64_t end_ms)
{
    int64_t count = 0, sum = 0, least = INT64_MAX, distinct = 0;
    bool seen[8] = {false};
    for (int i = 0; i < run->row_count; i++) {
        const Row *row = &run->rows[i];
        if (row->gone || row->key != key || row->time_ms < start_ms || row->time_ms >= end_ms)
            continue;
        count++;
        sum += row->value;
        least = row->value < least ? row->value : least;
        distinct += !seen[row->value];
        seen[row->value] = true;
    }
    if (count == 0)
        return;
    Buffer line = {0};
    buffer_printf(&line, "+I[%d, %lld, %lld, %lld, ", key, (long long)count, (long long)sum,
                  (long long)least);
    if (run->plan.aggregate.call_count == 4)
        buffer_printf(&line, "%lld, ", (long long)distinct);
    datetime_print(datetime_from_micros(start_ms * 1000), 3, &line);
    buffer_append_text(&line, ", ");
    datetime_print(datetime_from_micros(end_ms * 1000), 3, &line);
    buffer_append_text(&line, "]\n");
    fold_apply(&run->wanted, buffer_text(&line));
    buffer_deinit(&line);
}

static int compare_times(const void *a, const void *b)
{
    int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;
    return (left > right) - (left < right);
}

static void want_sessions(Run *run, int key, int64_t gap_ms)
{
    int64_t times[ROWS_MAX];
    size_t count = 0;
    for (int i = 0; i < run->row_count; i++)
        if (!run->rows[i].gone && run->rows[i].key == key)
            times[count++] = run->rows[i].time_ms;
    qsort(times, count, sizeof(*times), compare_times);
    for (size_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && times[to] - times[to - 1] <= gap_ms; to++)
            ;
        /* The next row may stand between the last one and the session's end only if it is in it. */
        want(run, key, times[from], times[to - 1] + gap_ms);
    }
}

static void want_all(Run *run)
{
    const PlanWindow *window = &run->plan.window;
    int64_t size = window->size_us / 1000, slide = window->slide_us / 1000;
    int64_t offset = window->offset_us / 1000;
    for (int key = 0; key < KEYS; key++) {
        if (window->kind == PLAN_WINDOW_SESSION) {
            want_sessions(run, key, size);
            continue;
        }
        int64_t step = window->kind == PLAN_WINDOW_HOP ? slide : size;
        int64_t first = -100 * step + offset;
        for (int64_t start = first; start <= run->latest_ms; start += step)
            for (int64_t end = window->kind == PLAN_WINDOW_CUMULATE ? start + slide : start + size;
                 end <= start + size; end += window->kind == PLAN_WINDOW_CUMULATE ? slide : size)
                want(run, key, start, end);
    }
}

static void step(Run *run, TestRandom *random, bool retracts)
{
    uint32_t what = test_below(random, 20);
    if (retracts && what < 5 && run->row_count > 0) {
        retract(run, random);
    } else if (what == 19) {
        int64_t watermark = run->latest_ms - DELAY / 2;
        run->watermark_ms = watermark > run->watermark_ms ? watermark : run->watermark_ms;
        bench_watermark(run->bench, run->watermark_ms);
    } else if (what == 18 && test_below(random, 3) == 0) {
        bench_restart(run->bench);
    } else if (what == 17 && run->plan.emit != NULL) {
        run->clock_ms += test_below(random, 3000);
        bench_clock(run->bench, run->clock_ms);
    } else {
        insert(run, random);
    }
    bench_fold(run->bench, &run->given);
}

static void run_random(TestRandom *random, PlanWindow window, const PlanWindowEmit *emit,
                       bool retracts, bool distinct)
{
    Run *run = memory_zalloc(sizeof(*run));
    run_open(run, window, emit, retracts, distinct, batch_sizes[test_below(random, 3)]);
    while (run->row_count < ROWS_MAX)
        step(run, random, retracts);
    bench_watermark(run->bench, INT64_MAX);
    bench_fold(run->bench, &run->given);
    want_all(run);
    fold_compare(&run->given, &run->wanted);
    ck_assert_uint_eq(run->bench->emitter.late_rows, 0);
    ck_assert_uint_eq(state_store_keys(run->bench->context.state), 0);
    run_close(run);
    memory_free(run);
}

static const PlanWindow windows[] = {
    {.kind = PLAN_WINDOW_TUMBLE, .size_us = 7000000, .offset_us = 2000000},
    {.kind = PLAN_WINDOW_HOP, .size_us = 12000000, .slide_us = 3000000},
    {.kind = PLAN_WINDOW_HOP, .size_us = 10000000, .slide_us = 4000000, .offset_us = 1000000},
    {.kind = PLAN_WINDOW_HOP, .size_us = 4000000, .slide_us = 10000000},
    {.kind = PLAN_WINDOW_CUMULATE, .size_us = 12000000, .slide_us = 3000000, .offset_us = 1000000},
    {.kind = PLAN_WINDOW_SESSION, .size_us = 3000000},
    {.kind = PLAN_WINDOW_SESSION, .size_us = 15000000},
};

START_TEST(random_rows)
{
    TestRandom random = test_random("window_oracle");
    random.state += (uint64_t)_i << 32;
    for (int n = 0; n < 6; n++)
        run_random(&random, windows[_i], NULL, n % 2 != 0, n < 2);
}
END_TEST

static const PlanWindowEmit emits[] = {
    {.early_us = 0, .late_us = -1},
    {.early_us = 2000000, .late_us = -1},
    {.early_us = -1, .late_us = -1, .lateness_us = 20000000},
    {.early_us = 0, .late_us = 0, .lateness_us = 5000000},
    {.early_us = 1000000, .late_us = 2000000, .lateness_us = 9000000},
};

START_TEST(random_rows_early_and_late)
{
    TestRandom random = test_random("window_oracle early and late");
    random.state += (uint64_t)_i << 32;
    for (int n = 0; n < 8; n++)
        run_random(&random, windows[n / 2], &emits[_i], n % 2 != 0, n < 6);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("window_oracle");
    tcase_set_timeout(tests, 120);
    tcase_add_loop_test(tests, random_rows, 0, (int)array_count(windows));
    tcase_add_loop_test(tests, random_rows_early_and_late, 0, (int)array_count(emits));
    return test_run("window_oracle", tests);
}
