/* The first of two phases over windows, and the second fed with what it gives: rows of a batch
 * become one per key and slice, and the windows given are those of the rows, row by row: late ones
 * are left out and counted alike. */
#include "tests/operator_bench.h"

extern const OperatorClass op_local_window_aggregate, op_window_aggregate;

#define SECOND INT64_C(1000000)

enum { CALLS = 4, KEYS = 5 };

typedef struct Phases {
    Bench *local;
    Bench *global;
    Bench *direct;
    PlanLocalWindow first;
    PlanWindowAggregate second;
    PlanWindowAggregate whole;
    PlanAggregateCall calls[2][CALLS]; /* before and behind the local phase */
} Phases;

static const PlanWindowProperty bounds[] = {PLAN_WINDOW_START, PLAN_WINDOW_END};

/* SELECT k, COUNT(*), SUM(v), MAX(s), COUNT(v) FILTER (f) over (k STRING, v BIGINT, t TIMESTAMP, s
 * STRING, f BOOLEAN, start TIMESTAMP). */
static void make_calls(Phases *phases, const Schema *input, const Schema *between)
{
    static const char *const names[CALLS] = {"COUNT", "SUM", "MAX", "COUNT"};
    static const char *const columns[CALLS] = {NULL, "v", "s", "v"};
    Arena *arena = phases->local->arena;
    for (int c = 0; c < CALLS; c++) {
        phases->calls[0][c] = test_aggregate(arena, input, names[c], columns[c], false);
        phases->calls[1][c] = test_aggregate(arena, between, names[c], columns[c], false);
    }
    phases->calls[0][3].filter = 4;
    phases->calls[1][3].filter = (int32_t)between->column_count - 1;
}

static void open_bench(Bench *bench, const OperatorClass *class, const Schema *input,
                       const Schema *output, const void *spec)
{
    bench_input(bench, input, CHANGES_INSERT_ONLY);
    bench_open(bench, class, output, spec);
}

static void phases_open(Phases *phases, PlanWindow window, uint32_t batch_rows)
{
    static const uint32_t passed[] = {1, 3, 4};
    *phases = (Phases){.local = bench_new(batch_rows),
                       .global = bench_new(batch_rows),
                       .direct = bench_new(batch_rows)};
    Arena *arena = phases->local->arena;
    bool attached = window.kind == PLAN_WINDOW_ATTACHED;
    const Schema *input =
        test_schema(arena, "k STRING,v BIGINT,t TIMESTAMP,s STRING,f BOOLEAN,start TIMESTAMP");
    const Schema *between = test_schema(
        arena, attached ? "k STRING,states BYTES,t TIMESTAMP,start TIMESTAMP,v BIGINT,s STRING,"
                          "f BOOLEAN"
               : window.kind == PLAN_WINDOW_SESSION
                   ? "k STRING,states BYTES,t TIMESTAMP,last TIMESTAMP,v BIGINT,s STRING,f BOOLEAN"
                   : "k STRING,states BYTES,t TIMESTAMP,v BIGINT,s STRING,f BOOLEAN");
    const Schema *output = test_schema(arena, "k STRING,n BIGINT,sum BIGINT,max STRING,few BIGINT,"
                                              "window_start TIMESTAMP,window_end TIMESTAMP");
    make_calls(phases, input, between);
    window.tick_us = 1000;
    window.time_column = 2;
    window.start_column = attached ? 5 : 0;
    PlanAggregate plan = {.keys = test_columns(arena, 1, 0),
                          .key_count = 1,
                          .calls = phases->calls[0],
                          .call_count = CALLS};
    phases->first = (PlanLocalWindow){plan, window, passed, 3};
    phases->whole = (PlanWindowAggregate){
        .aggregate = plan, .window = window, .properties = bounds, .property_count = 2};
    phases->second = phases->whole;
    phases->second.aggregate.calls = phases->calls[1];
    phases->second.aggregate.merges = true;
    phases->second.window.start_column = attached ? 3 : 0;
    open_bench(phases->local, &op_local_window_aggregate, input, between, &phases->first);
    open_bench(phases->global, &op_window_aggregate, between, output, &phases->second);
    open_bench(phases->direct, &op_window_aggregate, input, output, &phases->whole);
}

/* Batch by batch: what the local phase makes of one is one. */
static void phases_feed(Phases *phases, const char *rows)
{
    Buffer batch = {0};
    while (*rows != 0) {
        buffer_clear(&batch);
        for (uint32_t i = 0; i < phases->local->emitter.batch_rows && *rows != 0; i++) {
            const char *end = strchr(rows, '\n') + 1;
            buffer_append(&batch, rows, (size_t)(end - rows));
            rows = end;
        }
        bench_feed(phases->direct, 0, buffer_text(&batch));
        bench_feed(phases->local, 0, buffer_text(&batch));
        bench_feed(phases->global, 0, buffer_text(&phases->local->emitter.text));
        buffer_clear(&phases->local->emitter.text);
    }
    buffer_deinit(&batch);
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The windows a bench has given since the last call: its text without what was late, in order:
 * which of the keys whose sessions end at one time comes first depends on the order of rows. */
static char *take_windows(Bench *bench)
{
    uint32_t count = 0, most = 0;
    Buffer windows = {0};
    const char *next = buffer_text(&bench->emitter.text);
    for (const char *at = next; *at != 0; at++)
        most += *at == '\n';
    char **lines = arena_new_array(bench->arena, char *, most + 1);
    while (*next != 0) {
        const char *end = strchr(next, '\n') + 1;
        if (strncmp(next, "late", 4) != 0)
            lines[count++] = arena_str(bench->arena, (Str){next, (size_t)(end - next)});
        next = end;
    }
    qsort(lines, count, sizeof(*lines), compare_lines);
    for (uint32_t i = 0; i < count; i++)
        buffer_append_text(&windows, lines[i]);
    char *text = arena_strdup(bench->arena, buffer_text(&windows));
    buffer_deinit(&windows);
    buffer_clear(&bench->emitter.text);
    return text;
}

/* Both have given the same, and left out as many rows; where one stands for several as a whole, so
 * long as watermarks come as they did in front of it. */
static void phases_compare(Phases *phases)
{
    ck_assert_str_eq(take_windows(phases->global), take_windows(phases->direct));
    ck_assert_uint_eq(phases->global->emitter.late_rows, phases->direct->emitter.late_rows);
}

static void phases_watermark(Phases *phases, int64_t local_ms, int64_t global_ms)
{
    bench_watermark(phases->local, local_ms);
    bench_watermark(phases->global, global_ms);
    bench_watermark(phases->direct, global_ms);
    phases_compare(phases);
}

static void phases_close(Phases *phases)
{
    ck_assert_uint_eq(state_store_keys(phases->global->context.state), 0);
    bench_free(phases->local);
    bench_free(phases->global);
    bench_free(phases->direct);
}

START_TEST(rows_become_one_per_key_and_slice)
{
    Phases phases;
    phases_open(&phases, (PlanWindow){.kind = PLAN_WINDOW_TUMBLE, .size_us = 10 * SECOND}, 2048);
    bench_watermark(phases.local, 0);
    bench_check(phases.local, 0,
                "+I[a, 1, @01.000, x, TRUE, NULL]\n+I[b, 1, @02.000, x, TRUE, NULL]\n"
                "+I[a, 1, @12.000, x, TRUE, NULL]\n+I[a, 2, @09.000, y, FALSE, NULL]\n",
                "+I[a, x'0200000000000000020000000000000003000000000000000100000000000000"
                "010000007900000000000000000000000100000000000000', @01.000, NULL, NULL, NULL]\n"
                "+I[b, x'0100000000000000010000000000000001000000000000000100000000000000"
                "010000007800000000000000000000000100000000000000', @02.000, NULL, NULL, NULL]\n"
                "+I[a, x'0100000000000000010000000000000001000000000000000100000000000000"
                "010000007800000000000000000000000100000000000000', @12.000, NULL, NULL, NULL]\n");
    buffer_clear(&phases.local->emitter.text);
    phases_close(&phases);
}
END_TEST

START_TEST(rows_that_may_be_late_pass_as_they_are)
{
    Phases phases;
    phases_open(&phases, (PlanWindow){.kind = PLAN_WINDOW_TUMBLE, .size_us = 10 * SECOND}, 2048);
    bench_check(phases.local, 0,
                "+I[a, 1, @12.000, x, TRUE, NULL]\n+I[a, 2, @19.000, y, FALSE, NULL]\n",
                "+I[a, NULL, @12.000, 1, x, TRUE]\n+I[a, NULL, @19.000, 2, y, FALSE]\n");
    bench_watermark(phases.local, 9999);
    bench_check(phases.local, 0,
                "+I[a, 1, @12.000, x, TRUE, NULL]\n+I[a, 2, @09.000, y, FALSE, NULL]\n",
                "+I[a, NULL, @12.000, 1, x, TRUE]\n+I[a, NULL, @09.000, 2, y, FALSE]\n");
    bench_check(phases.local, 0,
                "+I[a, 1, @12.000, x, TRUE, NULL]\n+I[a, 2, NULL, y, FALSE, NULL]\n",
                "+I[a, NULL, @12.000, 1, x, TRUE]\n+I[a, NULL, NULL, 2, y, FALSE]\n");
    phases_close(&phases);
}
END_TEST

/* A row in a hundred has no time, one in twenty comes long after its window. */
static void append_row(TestRandom *random, int64_t now_ms, bool attached, Buffer *out)
{
    int64_t back = test_below(random, 20) == 0 ? 60000 : 6000;
    int64_t time = now_ms - (int64_t)test_below(random, (uint32_t)back);
    time = time < 0 ? 0 : time;
    if (attached)
        time -= time % 5000;
    const char *texts[] = {"x", "a text longer than twelve", "another of more than that"};
    buffer_printf(out, "+I[%c, %u, ", 'a' + (char)test_below(random, KEYS),
                  test_below(random, 100));
    if (test_below(random, 100) == 0 && !attached)
        buffer_append_text(out, "NULL");
    else
        buffer_printf(out, "1970-01-01 00:%02d:%02d.%03d", (int)(time / 60000),
                      (int)(time / 1000 % 60), (int)(time % 1000));
    buffer_printf(out, ", %s, %s, ", texts[test_below(random, 3)],
                  test_below(random, 2) == 0 ? "TRUE" : "NULL");
    int64_t start = time < 10000 ? 0 : time - 10000;
    buffer_printf(out, "1970-01-01 00:%02d:%02d]\n", (int)(start / 60000),
                  (int)(start / 1000 % 60));
}

static void run_random(PlanWindow window, uint32_t batch_rows, TestRandom *random)
{
    enum { FEEDS = 60, STEP_MS = 4000 };
    Phases phases;
    phases_open(&phases, window, batch_rows);
    int64_t now = 20000;
    for (int feed = 0; feed < FEEDS; feed++) {
        Buffer rows = {0};
        uint32_t count = 1 + test_below(random, 40);
        for (uint32_t i = 0; i < count; i++)
            append_row(random, now, window.kind == PLAN_WINDOW_ATTACHED, &rows);
        phases_feed(&phases, buffer_text(&rows));
        buffer_deinit(&rows);
        int64_t behind = now - 3000 - (int64_t)test_below(random, 3000);
        phases_watermark(&phases, now - 3000, behind);
        now += test_below(random, STEP_MS);
        if (test_below(random, 10) == 0)
            bench_restart(phases.global);
    }
    phases_watermark(&phases, INT64_MAX, INT64_MAX);
    phases_close(&phases);
}

START_TEST(windows_are_those_of_the_rows)
{
    static const PlanWindow windows[] = {
        {.kind = PLAN_WINDOW_TUMBLE, .size_us = 7 * SECOND},
        {.kind = PLAN_WINDOW_HOP, .size_us = 10 * SECOND, .slide_us = 4 * SECOND},
        {.kind = PLAN_WINDOW_HOP, .size_us = 2 * SECOND, .slide_us = 5 * SECOND},
        {.kind = PLAN_WINDOW_CUMULATE, .size_us = 12 * SECOND, .slide_us = 3 * SECOND},
        {.kind = PLAN_WINDOW_SESSION, .size_us = SECOND},
        {.kind = PLAN_WINDOW_SESSION, .size_us = 5 * SECOND},
        {.kind = PLAN_WINDOW_ATTACHED},
    };
    TestRandom random = test_random("local windows");
    for (uint32_t w = 0; w < array_count(windows); w++)
        for (int round = 0; round < 4; round++)
            run_random(windows[w], batch_sizes[_i], &random);
}
END_TEST

/* Keys that never come twice are not looked for any more, and the windows are the same. */
START_TEST(adding_up_pauses_where_it_saves_nothing)
{
    enum { ROWS = 2048, FEEDS = 12 };
    Phases phases;
    phases_open(&phases, (PlanWindow){.kind = PLAN_WINDOW_TUMBLE, .size_us = 60 * SECOND}, 2048);
    bench_watermark(phases.local, 0);
    bool passed = false;
    for (int feed = 0; feed < FEEDS; feed++) {
        Buffer rows = {0};
        for (int i = 0; i < ROWS; i++)
            buffer_printf(&rows, "+I[key%d, 1, @05.000, x, TRUE, NULL]\n", feed * ROWS + i);
        bench_feed(phases.local, 0, buffer_text(&rows));
        passed = passed || strstr(buffer_text(&phases.local->emitter.text), ", NULL, 1970") != NULL;
        buffer_clear(&phases.local->emitter.text);
        phases_feed(&phases, buffer_text(&rows));
        buffer_deinit(&rows);
    }
    ck_assert(passed);
    phases_watermark(&phases, INT64_MAX, INT64_MAX);
    phases_close(&phases);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("local_window_aggregate");
    tcase_add_test(cases, rows_become_one_per_key_and_slice);
    tcase_add_test(cases, rows_that_may_be_late_pass_as_they_are);
    tcase_add_loop_test(cases, windows_are_those_of_the_rows, 0, 3);
    tcase_add_test(cases, adding_up_pauses_where_it_saves_nothing);
    return test_run("local_window_aggregate", cases);
}
