/* Time over: rows out of order, held against the same window functions over all rows at the end;
 * what is late; state given back; restarts at any point. */
#include "tests/operator_bench.h"

extern const OperatorClass op_over;
extern const OperatorClass op_time_over;

#define CALLS 17

static const Vector *seconds(Arena *arena, int64_t count)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, &type_interval_second, arena);
    vector_set_valid(vector, 0);
    *(int64_t *)vector->data = count * 1000;
    return vector;
}

static PlanFrame frame(bool by_rows, PlanBoundKind start, int64_t rows)
{
    return (PlanFrame){by_rows, {.kind = start, .rows = rows}, {.kind = PLAN_BOUND_CURRENT_ROW}};
}

static PlanFrame range(Arena *arena, int64_t length)
{
    PlanFrame made = frame(false, PLAN_BOUND_PRECEDING, 0);
    made.start.distance = seconds(arena, length);
    return made;
}

static PlanOverCall fold(Arena *arena, const Schema *schema, const char *name, const char *column,
                         PlanOverFold how, PlanFrame over)
{
    PlanAggregateCall bound = test_aggregate(arena, schema, name, column, how == PLAN_FOLD_SLIDE);
    return (PlanOverCall){.kind = WINDOW_AGGREGATE,
                          .fold = how,
                          .aggregate = bound.call,
                          .arguments = bound.arguments,
                          .argument_count = bound.argument_count,
                          .filter = -1,
                          .frame = over,
                          .type = bound.call.result};
}

static PlanOverCall pick(Arena *arena, WindowKind kind, int64_t number, bool ignore_nulls,
                         PlanFrame over)
{
    return (PlanOverCall){.kind = kind,
                          .arguments = test_columns(arena, 1, 2),
                          .argument_count = 1,
                          .filter = -1,
                          .ignore_nulls = ignore_nulls,
                          .number = number,
                          .frame = over,
                          .type = &type_int};
}

static PlanOverCall place(WindowKind kind)
{
    return (PlanOverCall){.kind = kind, .filter = -1, .type = &type_bigint};
}

#define IN "k STRING, ts TIMESTAMP, v INT, s STRING, b BOOLEAN"
#define OUT                                                                                        \
    IN ", n BIGINT, r BIGINT, d BIGINT, a INT, c INT, e INT, f INT, g INT, h INT, "                \
       "i INT, j INT, l INT, m INT, o STRING, p BIGINT, q INT, t STRING"

static void fill_calls(Arena *arena, const Schema *in, PlanOverCall *calls)
{
    PlanFrame grows = frame(false, PLAN_BOUND_UNBOUNDED_PRECEDING, 0);
    PlanFrame grows_by_row = frame(true, PLAN_BOUND_UNBOUNDED_PRECEDING, 0);
    PlanFrame three = frame(true, PLAN_BOUND_PRECEDING, 2);
    uint32_t c = 0;
    calls[c++] = place(WINDOW_ROW_NUMBER);
    calls[c++] = place(WINDOW_RANK);
    calls[c++] = place(WINDOW_DENSE_RANK);
    calls[c++] = fold(arena, in, "SUM", "v", PLAN_FOLD_FORWARD, grows);
    calls[c++] = fold(arena, in, "SUM", "v", PLAN_FOLD_FORWARD, grows_by_row);
    calls[c] = fold(arena, in, "SUM", "v", PLAN_FOLD_SLIDE, three);
    calls[c++].filter = 4;
    calls[c++] = fold(arena, in, "SUM", "v", PLAN_FOLD_SLIDE, range(arena, 2));
    calls[c++] = fold(arena, in, "MIN", "v", PLAN_FOLD_ANEW, range(arena, 3));
    calls[c++] = pick(arena, WINDOW_FIRST_VALUE, 0, false, three);
    calls[c++] = pick(arena, WINDOW_LAST_VALUE, 0, true, range(arena, 2));
    calls[c++] = pick(arena, WINDOW_LAG, 1, false, grows);
    calls[c++] = pick(arena, WINDOW_LAG, 2, true, grows);
    calls[c++] = pick(arena, WINDOW_NTH_VALUE, 2, false, grows);
    calls[c++] = fold(arena, in, "MAX", "s", PLAN_FOLD_FORWARD, grows);
    calls[c++] = fold(arena, in, "COUNT", NULL, PLAN_FOLD_SLIDE, range(arena, 1));
    calls[c] = fold(arena, in, "MIN", "v", PLAN_FOLD_ANEW, three);
    calls[c++].filter = 4;
    calls[c++] = fold(arena, in, "MAX", "s", PLAN_FOLD_ANEW, range(arena, 2));
    ck_assert_uint_eq(c, CALLS);
}

static Bench *over_open(uint32_t batch_rows, bool in_time, bool on_clock, PlanOverCall *calls,
                        uint32_t count, const char *output)
{
    static const uint32_t partition[] = {0};
    static const PlanSortKey order[] = {{.column = 1}};
    Bench *bench = bench_new(batch_rows);
    const Schema *in = test_schema(bench->arena, IN);
    PlanTimeOver *plan = arena_new_one(bench->arena, PlanTimeOver);
    plan->over = (PlanOver){partition, 1, order, 1, calls, count, 0, !in_time};
    plan->on_clock = on_clock;
    bench_input(bench, in, CHANGES_INSERT_ONLY);
    bench_open(bench, in_time ? &op_time_over : &op_over, test_schema(bench->arena, output),
               in_time ? (const void *)plan : &plan->over);
    return bench;
}

static void print_row(TestRandom *random, int64_t from_ms, Buffer *out)
{
    static const char *const texts[] = {"NULL", "'one'", "'a text longer than its place'",
                                        "'another text, and long as well'"};
    int64_t ms = from_ms + test_below(random, 12) * 500;
    buffer_printf(out, "+I[%c, @%02d.%03d, ", "ab"[test_below(random, 2)], (int)(ms / 1000),
                  (int)(ms % 1000));
    if (test_below(random, 5) == 0)
        buffer_append_text(out, "NULL");
    else
        buffer_printf(out, "%u", test_below(random, 9));
    buffer_printf(out, ", %s, %s]\n", texts[test_below(random, 4)],
                  test_below(random, 3) == 0 ? "FALSE" : "TRUE");
}

START_TEST(rows_out_of_order_equal_all_rows_at_the_end)
{
    TestRandom random = test_random("time_over");
    Arena *arena = arena_new(1 << 12);
    PlanOverCall calls[CALLS];
    fill_calls(arena, test_schema(arena, IN), calls);
    Bench *bench = over_open(batch_sizes[_i], true, false, calls, CALLS, OUT);
    Bench *all = over_open(2048, false, false, calls, CALLS, OUT);
    Fold *actual = memory_zalloc(sizeof(*actual)), *expected = memory_zalloc(sizeof(*expected));
    Buffer text = {0};
    for (int64_t round = 0; round < 45; round++) {
        buffer_clear(&text);
        for (uint32_t row = test_below(&random, 8); row > 0; row--)
            print_row(&random, round * 1000 + 1, &text);
        bench_feed(bench, 0, buffer_text(&text));
        bench_feed(all, 0, buffer_text(&text));
        if (round % 4 == 3)
            bench_restart(bench);
        bench_watermark(bench, round * 1000);
        bench_fold(bench, actual);
    }
    ck_assert_uint_eq(bench->emitter.late_rows, 0);
    bench_watermark(bench, INT64_MAX);
    bench_fold(bench, actual);
    bench_end(all);
    bench_fold(all, expected);
    fold_compare(actual, expected);
    buffer_deinit(&text);
    fold_free(actual);
    fold_free(expected);
    free(actual);
    free(expected);
    bench_free(bench);
    bench_free(all);
    arena_free(arena);
}
END_TEST

/* An unbounded frame cannot take a row that its watermark has passed. */
START_TEST(late_is_at_or_before_the_watermark)
{
    Arena *arena = arena_new(1 << 12);
    PlanOverCall call = fold(arena, test_schema(arena, IN), "SUM", "v", PLAN_FOLD_FORWARD,
                             frame(false, PLAN_BOUND_UNBOUNDED_PRECEDING, 0));
    Bench *bench = over_open(batch_sizes[_i], true, false, &call, 1, IN ", x INT");
    bench_watermark(bench, 5000);
    bench_check(bench, 0,
                "+I[a, @05, 1, NULL, TRUE]\n+I[a, @05.001, 2, NULL, TRUE]\n"
                "+I[a, NULL, 4, NULL, TRUE]\n",
                "late +I[a, @05.000, 1, NULL, TRUE]\nlate +I[a, NULL, 4, NULL, TRUE]\n");
    bench_restart(bench);
    bench_watermark(bench, 5001);
    bench_expect(bench, "+I[a, @05.001, 2, NULL, TRUE, 2]\n");
    bench_free(bench);
    arena_free(arena);
}
END_TEST

/* A bounded one takes it as long as no later row of its partition has left; RANGE forgets a
 * partition one and a half times its length behind the last row. */
START_TEST(bounded_frames_go_by_the_last_row_and_are_forgotten)
{
    Arena *arena = arena_new(1 << 12);
    PlanOverCall call =
        fold(arena, test_schema(arena, IN), "SUM", "v", PLAN_FOLD_SLIDE, range(arena, 10));
    Bench *bench = over_open(batch_sizes[_i], true, false, &call, 1, IN ", x INT");
    bench_feed(bench, 0, "+I[a, @05, 1, NULL, TRUE]\n+I[b, @08, 2, NULL, TRUE]\n");
    bench_watermark(bench, 9000);
    bench_expect(bench, "+I[a, @05.000, 1, NULL, TRUE, 1]\n+I[b, @08.000, 2, NULL, TRUE, 2]\n");
    bench_check(bench, 0,
                "+I[a, @05, 4, NULL, TRUE]\n+I[a, @06, 8, NULL, TRUE]\n"
                "+I[c, @01, 16, NULL, TRUE]\n",
                "late +I[a, @05.000, 4, NULL, TRUE]\n");
    bench_restart(bench);
    bench_watermark(bench, 9001);
    bench_expect(bench, "+I[c, @01.000, 16, NULL, TRUE, 16]\n+I[a, @06.000, 8, NULL, TRUE, 9]\n");
    bench_watermark(bench, 20000);
    ck_assert_uint_eq(state_store_keys(bench->context.state), 6);
    bench_restart(bench);
    bench_watermark(bench, 20001); /* the last of a, when it was said: 05, and 15 */
    bench_watermark(bench, 23001);
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_expect(bench, "");
    bench_check(bench, 0, "+I[a, @02, 1, NULL, TRUE]\n", "");
    bench_watermark(bench, 23002);
    bench_expect(bench, "+I[a, @02.000, 1, NULL, TRUE, 1]\n");
    bench_free(bench);
    arena_free(arena);
}
END_TEST

START_TEST(on_the_clock_a_range_waits_for_its_millisecond)
{
    Arena *arena = arena_new(1 << 12);
    PlanOverCall call =
        fold(arena, test_schema(arena, IN), "SUM", "v", PLAN_FOLD_SLIDE, range(arena, 1));
    Bench *bench = over_open(batch_sizes[_i], true, true, &call, 1, IN ", x INT");
    bench_clock(bench, 100);
    bench_check(bench, 0, "+I[a, NULL, 1, NULL, TRUE]\n+I[a, NULL, 2, NULL, TRUE]\n", "");
    bench_restart(bench);
    bench_clock(bench, 101);
    bench_expect(bench, "+I[a, NULL, 1, NULL, TRUE, 3]\n+I[a, NULL, 2, NULL, TRUE, 3]\n");
    bench_clock(bench, 1100);
    bench_feed(bench, 0, "+I[a, NULL, 4, NULL, TRUE]\n");
    bench_clock(bench, 1101);
    bench_expect(bench, "+I[a, NULL, 4, NULL, TRUE, 7]\n");
    bench_feed(bench, 0, "+I[a, NULL, 8, NULL, TRUE]\n");
    bench_end(bench);
    bench_expect(bench, "+I[a, NULL, 8, NULL, TRUE, 12]\n");
    bench_free(bench);
    arena_free(arena);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("time_over");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, rows_out_of_order_equal_all_rows_at_the_end, 0, sizes);
    tcase_add_loop_test(cases, late_is_at_or_before_the_watermark, 0, sizes);
    tcase_add_loop_test(cases, bounded_frames_go_by_the_last_row_and_are_forgotten, 0, sizes);
    tcase_add_loop_test(cases, on_the_clock_a_range_waits_for_its_millisecond, 0, sizes);
    return test_run("time_over", cases);
}
