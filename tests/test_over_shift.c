/* Over where all calls slide over rows to both sides (over/shift.c): many rows at once give what
 * they give one by one.
 *
 * An operator with the same calls and NTILE(1), which is 1 for ever, goes row by row. What both
 * give is the same, row for row, but for that column. */
#include "tests/operator_bench.h"

extern const OperatorClass op_over;

#define CALLS 4
#define IN    "k STRING, ts INT, v INT, x DOUBLE, f BOOLEAN"

/* From rows before the current one to rows behind it. */
typedef struct Span {
    int64_t back, ahead;
} Span;

static const Span spans[][CALLS] = {
    {{10, 0}, {10, 0}, {10, 0}, {10, 0}},   /* rows at the end are taken together */
    {{2, 1}, {0, 3}, {5, 0}, {4, 4}},       /* rows before the changed one too */
    {{200, 0}, {0, 0}, {0, 170}, {140, 9}}, /* more than are looked at together */
};

static PlanFrame frame_of(Span span)
{
    PlanFrame frame = {.by_rows = true};
    frame.start.kind = span.back == 0 ? PLAN_BOUND_CURRENT_ROW : PLAN_BOUND_PRECEDING;
    frame.start.rows = span.back;
    frame.end.kind = span.ahead == 0 ? PLAN_BOUND_CURRENT_ROW : PLAN_BOUND_FOLLOWING;
    frame.end.rows = span.ahead;
    return frame;
}

static PlanOverCall slide(Arena *arena, const Schema *in, const char *name, const char *column,
                          Span span)
{
    PlanAggregateCall bound = test_aggregate(arena, in, name, column, true);
    return (PlanOverCall){.kind = WINDOW_AGGREGATE,
                          .fold = PLAN_FOLD_SLIDE,
                          .aggregate = bound.call,
                          .arguments = bound.arguments,
                          .argument_count = bound.argument_count,
                          .filter = -1,
                          .frame = frame_of(span),
                          .type = bound.call.result};
}

static Bench *shift_new(uint32_t batch_rows, const Span *span, bool wants_before, bool one_by_one)
{
    static const uint32_t partition[] = {0};
    static const PlanSortKey order[] = {{.column = 1}};
    Bench *bench = bench_new(batch_rows);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, IN);
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, CALLS + 1);
    calls[0] = slide(arena, in, "AVG", "v", span[0]);
    calls[1] = slide(arena, in, "COUNT", NULL, span[1]);
    calls[2] = slide(arena, in, "SUM", "v", span[2]);
    calls[2].filter = 4;
    calls[3] = slide(arena, in, "SUM", "x", span[3]);
    ck_assert(aggregate_make_exact(&calls[3].aggregate));
    calls[4] =
        (PlanOverCall){.kind = WINDOW_NTILE, .number = 1, .filter = -1, .type = &type_bigint};
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){partition, 1, order, 1, calls, CALLS + one_by_one, 0, false};
    bench->node.traits.wants_before = wants_before;
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over,
               test_schema(arena, one_by_one ? IN ", a INT, c BIGINT, s INT, y DOUBLE, n BIGINT"
                                             : IN ", a INT, c BIGINT, s INT, y DOUBLE"),
               plan);
    return bench;
}

/* -------------------------------------------------------------- random changes */

typedef struct Kept {
    char *rows[600];
    uint32_t count;
} Kept;

/* Sums of these need more than three words now and then. */
static const char *const doubles[] = {"NULL", "1.5", "-0.25", "1.0E300", "-1.0E300", "1.0E-300"};

static void tell_new(Kept *kept, TestRandom *random, Buffer *text)
{
    static const char *const keys[] = {"a", "'a partition with a longer name'"};
    Buffer row = {0};
    buffer_printf(&row, "[%s, %u, ", keys[test_below(random, 4) == 0], test_below(random, 60));
    if (test_below(random, 5) == 0)
        buffer_append_text(&row, "NULL");
    else
        buffer_printf(&row, "%d", (int)test_below(random, 9) - 4);
    buffer_printf(&row, ", %s, %s]", doubles[test_below(random, array_count(doubles))],
                  test_below(random, 3) == 0   ? "NULL"
                  : test_below(random, 2) == 0 ? "true"
                                               : "false");
    buffer_printf(text, "+I%s\n", buffer_text(&row));
    kept->rows[kept->count++] = row.data;
}

static void tell_gone(Kept *kept, TestRandom *random, Buffer *text)
{
    uint32_t at = test_below(random, kept->count);
    buffer_printf(text, "-D%s\n", kept->rows[at]);
    memory_free(kept->rows[at]);
    kept->rows[at] = kept->rows[--kept->count];
}

/* Leaves out the last column, which is 1. */
static void leave_out_last(Buffer *text)
{
    size_t to = 0;
    for (size_t at = 0; at < text->length; at++) {
        if (strncmp(text->data + at, ", 1]\n", 5) == 0)
            at += 3;
        text->data[to++] = text->data[at];
    }
    text->length = to;
}

static void compare(Bench *many, Bench *one, const char *lines)
{
    bench_feed(many, 0, lines);
    bench_feed(one, 0, lines);
    leave_out_last(&one->emitter.text);
    ck_assert_str_eq(buffer_text(&many->emitter.text), buffer_text(&one->emitter.text));
    buffer_clear(&many->emitter.text);
    buffer_clear(&one->emitter.text);
}

static void compare_random(const Span *span, uint32_t batch_rows, bool wants_before)
{
    TestRandom random = test_random("over shift");
    Bench *many = shift_new(batch_rows, span, wants_before, false);
    Bench *one = shift_new(batch_rows, span, wants_before, true);
    static Kept kept;
    kept.count = 0;
    Buffer text = {0};
    for (uint32_t round = 0; round < 90; round++) {
        for (uint32_t c = test_below(&random, 20) + 1; c > 0; c--) {
            bool goes = kept.count != 0 && test_below(&random, 4) < (round < 60 ? 1 : 3);
            if (goes)
                tell_gone(&kept, &random, &text);
            else
                tell_new(&kept, &random, &text);
        }
        compare(many, one, buffer_text(&text));
        buffer_clear(&text);
        if (round % 20 == 19) {
            bench_restart(many);
            bench_restart(one);
        }
    }
    while (kept.count != 0)
        tell_gone(&kept, &random, &text);
    compare(many, one, buffer_text(&text));
    ck_assert_uint_eq(state_store_keys(many->context.state), 0);
    buffer_deinit(&text);
    bench_free(many);
    bench_free(one);
}

START_TEST(many_rows_at_once_give_what_they_give_one_by_one)
{
    compare_random(spans[_i / 4], _i % 4 < 2 ? 1 : 2048, _i % 2 == 0);
}
END_TEST

/* ------------------------------------------------------------------- the order */

START_TEST(the_changed_row_comes_first_then_the_others_in_order)
{
    static const Span three[CALLS] = {{1, 0}, {1, 1}, {0, 0}, {0, 1}};
    Bench *bench = shift_new(batch_sizes[_i], three, true, false);
    bench_feed(bench, 0, "+I[a, 10, 1, 1.0, TRUE]\n+I[a, 30, 3, NULL, TRUE]\n");
    buffer_clear(&bench->emitter.text);
    bench_check(bench, 0, "+I[a, 20, 7, 2.0, FALSE]\n",
                "+I[a, 20, 7, 2.0, FALSE, 4, 3, NULL, 2.0]\n"
                "-U[a, 10, 1, 1.0, TRUE, 1, 2, 1, 1.0]\n"
                "+U[a, 10, 1, 1.0, TRUE, 1, 2, 1, 3.0]\n"
                "-U[a, 30, 3, NULL, TRUE, 2, 2, 3, NULL]\n"
                "+U[a, 30, 3, NULL, TRUE, 5, 2, 3, NULL]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-U[a, 20, 7, 2.0, FALSE]\n+U[a, 20, 3, 2.0, FALSE]\n",
                "-D[a, 20, 7, 2.0, FALSE, 4, 3, NULL, 2.0]\n"
                "-U[a, 10, 1, 1.0, TRUE, 1, 2, 1, 3.0]\n"
                "+U[a, 10, 1, 1.0, TRUE, 1, 2, 1, 1.0]\n"
                "-U[a, 30, 3, NULL, TRUE, 5, 2, 3, NULL]\n"
                "+U[a, 30, 3, NULL, TRUE, 2, 2, 3, NULL]\n"
                "+I[a, 20, 3, 2.0, FALSE, 2, 3, NULL, 2.0]\n"
                "-U[a, 10, 1, 1.0, TRUE, 1, 2, 1, 1.0]\n"
                "+U[a, 10, 1, 1.0, TRUE, 1, 2, 1, 3.0]\n"
                "-U[a, 30, 3, NULL, TRUE, 2, 2, 3, NULL]\n"
                "+U[a, 30, 3, NULL, TRUE, 3, 2, 3, NULL]\n");
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("over shift");
    tcase_add_loop_test(cases, many_rows_at_once_give_what_they_give_one_by_one, 0,
                        4 * (int)array_count(spans));
    tcase_add_loop_test(cases, the_changed_row_comes_first_then_the_others_in_order, 0,
                        (int)array_count(batch_sizes));
    return test_run("over shift", cases);
}
