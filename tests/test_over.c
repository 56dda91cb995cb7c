/* Over: every way a value is found, held against a list that is computed anew after each change;
 * exact order of what a change emits; state given back; restarts. */
#include "core/value_text.h"
#include "executor/over/over.h"
#include "tests/rounds.h"

extern const OperatorClass op_over;

#define CALLS          7
#define END_CALLS      8
#define WIDE_CALLS     3
#define DISTINCT_CALLS 4

static PlanFrame frame_of(bool by_rows, PlanBoundKind start, int64_t from, PlanBoundKind end,
                          int64_t to)
{
    return (PlanFrame){by_rows, {.kind = start, .rows = from}, {.kind = end, .rows = to}};
}

static const Vector *distance_of(Arena *arena, int64_t distance)
{
    Vector *vector = arena_new_one(arena, Vector);
    vector_init_constant(vector, &type_bigint, arena);
    vector_set_valid(vector, 0);
    *(int64_t *)vector->data = distance;
    return vector;
}

static PlanOverCall aggregate_call(Arena *arena, const Schema *schema, const char *name,
                                   PlanOverFold fold, PlanFrame frame)
{
    PlanAggregateCall bound = test_aggregate(arena, schema, name, "v", fold == PLAN_FOLD_SLIDE);
    return (PlanOverCall){.kind = WINDOW_AGGREGATE,
                          .fold = fold,
                          .aggregate = bound.call,
                          .arguments = bound.arguments,
                          .argument_count = 1,
                          .filter = -1,
                          .frame = frame,
                          .type = &type_int};
}

/* Rows of (k, ts, v), partitioned by k, ordered by ts. */
static Bench *over_new(int size_index)
{
    static const uint32_t partition[] = {0};
    static const PlanSortKey order[] = {{.column = 1}};
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, "k STRING, ts INT, v INT");
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, CALLS);
    calls[0] = (PlanOverCall){.kind = WINDOW_ROW_NUMBER, .filter = -1, .type = &type_bigint};
    calls[1] = (PlanOverCall){.kind = WINDOW_DENSE_RANK, .filter = -1, .type = &type_bigint};
    calls[2] = aggregate_call(
        arena, in, "SUM", PLAN_FOLD_FORWARD,
        frame_of(false, PLAN_BOUND_UNBOUNDED_PRECEDING, 0, PLAN_BOUND_CURRENT_ROW, 0));
    calls[3] =
        aggregate_call(arena, in, "SUM", PLAN_FOLD_BACKWARD,
                       frame_of(true, PLAN_BOUND_FOLLOWING, 1, PLAN_BOUND_UNBOUNDED_FOLLOWING, 0));
    calls[4] = aggregate_call(arena, in, "SUM", PLAN_FOLD_SLIDE,
                              frame_of(true, PLAN_BOUND_PRECEDING, 2, PLAN_BOUND_FOLLOWING, 1));
    calls[5] = aggregate_call(arena, in, "MIN", PLAN_FOLD_ANEW,
                              frame_of(true, PLAN_BOUND_PRECEDING, 3, PLAN_BOUND_PRECEDING, 1));
    calls[6] = aggregate_call(arena, in, "SUM", PLAN_FOLD_SLIDE,
                              frame_of(false, PLAN_BOUND_PRECEDING, 0, PLAN_BOUND_FOLLOWING, 0));
    calls[6].frame.start.distance = distance_of(arena, 2);
    calls[6].frame.end.distance = distance_of(arena, 1);
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){partition, 1, order, 1, calls, CALLS, 0, false};
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over,
               test_schema(arena, "k STRING, ts INT, v INT, n BIGINT, d BIGINT, f INT, b INT, "
                                  "s INT, m INT, r INT"),
               plan);
    return bench;
}

/* The same with calls that rows at the end can be appended for. */
static Bench *over_at_end_new(int size_index, int64_t ttl_ms)
{
    static const uint32_t partition[] = {0}, value[] = {2};
    static const PlanSortKey order[] = {{.column = 1}};
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, "k STRING, ts INT, v INT");
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, END_CALLS);
    static const WindowKind places[] = {WINDOW_ROW_NUMBER, WINDOW_RANK, WINDOW_DENSE_RANK};
    for (uint32_t i = 0; i < array_count(places); i++)
        calls[i] = (PlanOverCall){.kind = places[i], .filter = -1, .type = &type_bigint};
    calls[3] = aggregate_call(
        arena, in, "SUM", PLAN_FOLD_FORWARD,
        frame_of(true, PLAN_BOUND_UNBOUNDED_PRECEDING, 0, PLAN_BOUND_CURRENT_ROW, 0));
    calls[4] = aggregate_call(arena, in, "SUM", PLAN_FOLD_SLIDE,
                              frame_of(true, PLAN_BOUND_PRECEDING, 40, PLAN_BOUND_CURRENT_ROW, 0));
    calls[5] = aggregate_call(arena, in, "SUM", PLAN_FOLD_SLIDE,
                              frame_of(true, PLAN_BOUND_PRECEDING, 2, PLAN_BOUND_CURRENT_ROW, 0));
    calls[6] = (PlanOverCall){.kind = WINDOW_LAG,
                              .number = 2,
                              .filter = -1,
                              .arguments = value,
                              .argument_count = 1,
                              .type = &type_int};
    calls[7] = aggregate_call(arena, in, "MIN", PLAN_FOLD_ANEW,
                              frame_of(true, PLAN_BOUND_PRECEDING, 30, PLAN_BOUND_CURRENT_ROW, 0));
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){partition, 1, order, 1, calls, END_CALLS, ttl_ms, false};
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over,
               test_schema(arena, "k STRING, ts INT, v INT, n BIGINT, r BIGINT, d BIGINT, f INT, "
                                  "s INT, t INT, l INT, m INT"),
               plan);
    return bench;
}

START_TEST(a_change_comes_first_then_what_it_changed)
{
    Bench *bench = over_new(_i);
    bench_check(bench, 0, "+I[a, 10, 1]\n+I[b, 10, 5]\n",
                "+I[a, 10, 1, 1, 1, 1, NULL, 1, NULL, 1]\n"
                "+I[b, 10, 5, 1, 1, 5, NULL, 5, NULL, 5]\n");
    bench_check(bench, 0, "+I[a, 20, 2]\n",
                "+I[a, 20, 2, 2, 2, 3, NULL, 3, 1, 2]\n"
                "-U[a, 10, 1, 1, 1, 1, NULL, 1, NULL, 1]\n"
                "+U[a, 10, 1, 1, 1, 1, 2, 3, NULL, 1]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-U[a, 10, 1]\n+U[a, 20, 7]\n",
                "-D[a, 10, 1, 1, 1, 1, 2, 3, NULL, 1]\n"
                "-U[a, 20, 2, 2, 2, 3, NULL, 3, 1, 2]\n"
                "+U[a, 20, 2, 1, 1, 2, NULL, 2, NULL, 2]\n"
                "+I[a, 20, 7, 2, 1, 9, NULL, 9, 2, 9]\n"
                "-U[a, 20, 2, 1, 1, 2, NULL, 2, NULL, 2]\n"
                "+U[a, 20, 2, 1, 1, 9, 7, 9, NULL, 9]\n");
    /* Not known: nothing. */
    bench_check(bench, 0, "-D[a, 20, 3]\n-D[c, 1, 1]\n", "");
    bench_feed(bench, 0, "-D[a, 20, 7]\n-D[a, 20, 2]\n-D[b, 10, 5]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

typedef struct ListRow {
    int ts, v;
} ListRow;

typedef struct List {
    ListRow rows[512];
    int count;
} List;

static void list_insert(List *list, ListRow row)
{
    int at = list->count++;
    for (; at > 0 && list->rows[at - 1].ts > row.ts; at--)
        list->rows[at] = list->rows[at - 1];
    list->rows[at] = row;
}

static void list_remove(List *list, ListRow row)
{
    int at = list->count - 1;
    while (list->rows[at].ts != row.ts || list->rows[at].v != row.v)
        at--;
    list->count--;
    memmove(list->rows + at, list->rows + at + 1, sizeof(ListRow) * (size_t)(list->count - at));
}

static ListRow list_any(const List *list, TestRandom *random)
{
    return list->rows[test_below(random, (uint32_t)list->count)];
}

/* A row that comes, or one that goes: of a list that grows one in four, else three. */
static ListRow list_next(const List *list, TestRandom *random, uint32_t values, bool grows,
                         bool *goes)
{
    ListRow row = {(int)test_below(random, 300), (int)test_below(random, values)};
    *goes = list->count != 0 && (test_below(random, 4) == 0) == grows;
    return *goes ? list_any(list, random) : row;
}

static void list_change(List *list, ListRow row, bool goes)
{
    if (goes)
        list_remove(list, row);
    else
        list_insert(list, row);
}

/* Changes the list of the key, and says so. */
static void list_tell(List *list, char key, ListRow row, bool goes, Buffer *text)
{
    buffer_printf(text, "%s[%c, %d, %d]\n", goes ? "-D" : "+I", key, row.ts, row.v);
    list_change(list, row, goes);
}

/* Sum or least of the rows for which `inside` holds; NULL of none. */
static void print_frame(const List *list, int first, int last, bool least, Buffer *out)
{
    int value = 0;
    bool any = false;
    for (int i = first < 0 ? 0 : first; i <= last && i < list->count; i++) {
        int v = list->rows[i].v;
        value = !least ? value + v : !any || v < value ? v : value;
        any = true;
    }
    buffer_printf(out, any ? ", %d" : ", NULL", value);
}

static int first_within(const List *list, int ts)
{
    int at = 0;
    while (at < list->count && list->rows[at].ts < ts)
        at++;
    return at;
}

static void list_fold(const List *list, char key, Fold *fold)
{
    Buffer text = {0};
    int dense = 0;
    for (int i = 0; i < list->count; i++) {
        int ts = list->rows[i].ts;
        buffer_clear(&text);
        dense += i == 0 || list->rows[i - 1].ts != ts;
        buffer_printf(&text, "[%c, %d, %d, %d, %d", key, ts, list->rows[i].v, i + 1, dense);
        print_frame(list, 0, first_within(list, ts + 1) - 1, false, &text);
        print_frame(list, i + 1, list->count, false, &text);
        print_frame(list, i - 2, i + 1, false, &text);
        print_frame(list, i - 3, i - 1, true, &text);
        print_frame(list, first_within(list, ts - 2), first_within(list, ts + 2) - 1, false, &text);
        buffer_append_char(&text, ']');
        fold_add(fold, text.data, text.length);
    }
    buffer_deinit(&text);
}

/* Random changes of two partitions; the rows must be what `fold` makes of lists of them. */
static void check_random_changes(Bench *bench, TestRandom random,
                                 void (*fold)(const List *list, char key, Fold *fold))
{
    static List lists[2];
    lists[0].count = lists[1].count = 0;
    Rounds rounds = rounds_open(bench, 15);
    for (uint32_t round = 0; round < 120; round++) {
        for (uint32_t c = test_below(&random, 6) + 1; c > 0; c--) {
            uint32_t key = test_below(&random, 4) == 0;
            List *list = &lists[key];
            ListRow row = {(int)test_below(&random, 12), (int)test_below(&random, 4)};
            bool goes = list->count != 0 && test_below(&random, round < 80 ? 9 : 3) >= 2;
            goes = goes && list->count > (round < 80 ? 30 : 0);
            if (goes)
                row = list_any(list, &random);
            list_tell(list, "ab"[key], row, goes, &rounds.text);
        }
        rounds_feed(&rounds);
        fold(&lists[0], 'a', rounds.expected);
        fold(&lists[1], 'b', rounds.expected);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}

START_TEST(random_changes_equal_a_list)
{
    check_random_changes(over_new(_i), test_random("over"), list_fold);
}
END_TEST

/* ------------------------------------------------------------------- DISTINCT */

/* The different values of rows so far and of equal ones, their sum in the partition, those of four
 * rows. */
static Bench *over_distinct_new(int size_index)
{
    static const uint32_t partition[] = {0};
    static const PlanSortKey order[] = {{.column = 1}};
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, "k STRING, ts INT, v INT");
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, DISTINCT_CALLS);
    calls[0] = aggregate_call(
        arena, in, "SUM", PLAN_FOLD_FORWARD,
        frame_of(true, PLAN_BOUND_UNBOUNDED_PRECEDING, 0, PLAN_BOUND_CURRENT_ROW, 0));
    calls[1] = aggregate_call(
        arena, in, "SUM", PLAN_FOLD_FORWARD,
        frame_of(false, PLAN_BOUND_UNBOUNDED_PRECEDING, 0, PLAN_BOUND_CURRENT_ROW, 0));
    calls[2] = aggregate_call(
        arena, in, "SUM", PLAN_FOLD_FORWARD,
        frame_of(true, PLAN_BOUND_UNBOUNDED_PRECEDING, 0, PLAN_BOUND_UNBOUNDED_FOLLOWING, 0));
    calls[3] = aggregate_call(arena, in, "SUM", PLAN_FOLD_ANEW,
                              frame_of(true, PLAN_BOUND_PRECEDING, 2, PLAN_BOUND_FOLLOWING, 1));
    for (uint32_t i = 0; i < DISTINCT_CALLS; i++)
        calls[i].distinct = true;
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){partition, 1, order, 1, calls, DISTINCT_CALLS, 0, false};
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over,
               test_schema(arena, "k STRING, ts INT, v INT, r INT, p INT, w INT, b INT"), plan);
    return bench;
}

static void print_distinct(const List *list, int first, int last, Buffer *out)
{
    int sum = 0;
    unsigned seen = 0;
    for (int i = first < 0 ? 0 : first; i <= last && i < list->count; i++) {
        int v = list->rows[i].v;
        sum += (seen >> v & 1) != 0 ? 0 : v;
        seen |= 1u << v;
    }
    buffer_printf(out, ", %d", sum);
}

static void list_fold_distinct(const List *list, char key, Fold *fold)
{
    Buffer text = {0};
    for (int i = 0; i < list->count; i++) {
        int ts = list->rows[i].ts;
        buffer_clear(&text);
        buffer_printf(&text, "[%c, %d, %d", key, ts, list->rows[i].v);
        print_distinct(list, 0, i, &text);
        print_distinct(list, 0, first_within(list, ts + 1) - 1, &text);
        print_distinct(list, 0, list->count, &text);
        print_distinct(list, i - 2, i + 1, &text);
        buffer_append_char(&text, ']');
        fold_add(fold, text.data, text.length);
    }
    buffer_deinit(&text);
}

START_TEST(distinct_values_equal_a_list)
{
    check_random_changes(over_distinct_new(_i), test_random("over distinct"), list_fold_distinct);
}
END_TEST

static void list_fold_at_end(const List *list, char key, Fold *fold)
{
    Buffer text = {0};
    int dense = 0;
    for (int i = 0; i < list->count; i++) {
        int ts = list->rows[i].ts;
        buffer_clear(&text);
        dense += i == 0 || list->rows[i - 1].ts != ts;
        buffer_printf(&text, "[%c, %d, %d, %d, %d, %d", key, ts, list->rows[i].v, i + 1,
                      first_within(list, ts) + 1, dense);
        print_frame(list, 0, i, false, &text);
        print_frame(list, i - 40, i, false, &text);
        print_frame(list, i - 2, i, false, &text);
        print_frame(list, i - 2, i < 2 ? -1 : i - 2, false, &text);
        print_frame(list, i - 30, i, true, &text);
        buffer_append_char(&text, ']');
        fold_add(fold, text.data, text.length);
    }
    buffer_deinit(&text);
}

START_TEST(rows_at_the_end_equal_a_list)
{
    enum { KEYS = 9 };
    TestRandom random = test_random("over at the end");
    Bench *bench = over_at_end_new(_i, 0);
    static List lists[KEYS];
    Rounds rounds = rounds_open(bench, 15);
    int time = 0;
    for (uint32_t key = 0; key < KEYS; key++)
        lists[key].count = 0;
    for (uint32_t round = 0; round < 60; round++) {
        for (uint32_t c = test_below(&random, 30) + 1; c > 0; c--) {
            uint32_t key = test_below(&random, KEYS);
            List *list = &lists[key];
            time += (int)test_below(&random, 2);
            ListRow row = {time, (int)test_below(&random, 4)};
            if (test_below(&random, 12) == 0)
                row.ts -= (int)test_below(&random, 20);
            bool goes = list->count != 0 &&
                        (round < 40 ? test_below(&random, 12) == 0 : test_below(&random, 3) != 0);
            if (goes)
                row = list->rows[list->count - 1 - (int)test_below(&random, 4) % list->count];
            list_tell(list, (char)('a' + (int)key), row, goes, &rounds.text);
        }
        rounds_feed(&rounds);
        for (uint32_t key = 0; key < KEYS; key++)
            list_fold_at_end(&lists[key], (char)('a' + key), rounds.expected);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}
END_TEST

/* MIN over frames of many rows, by rows and by values. */
static Bench *over_wide_new(int size_index)
{
    static const PlanSortKey order[] = {{.column = 1}};
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, "k STRING, ts INT, v INT");
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, WIDE_CALLS);
    calls[0] = aggregate_call(arena, in, "MIN", PLAN_FOLD_ANEW,
                              frame_of(true, PLAN_BOUND_PRECEDING, 90, PLAN_BOUND_FOLLOWING, 40));
    calls[1] = aggregate_call(arena, in, "MIN", PLAN_FOLD_ANEW,
                              frame_of(true, PLAN_BOUND_FOLLOWING, 3, PLAN_BOUND_FOLLOWING, 150));
    calls[2] = aggregate_call(arena, in, "MIN", PLAN_FOLD_ANEW,
                              frame_of(false, PLAN_BOUND_PRECEDING, 0, PLAN_BOUND_FOLLOWING, 0));
    calls[2].frame.start.distance = distance_of(arena, 60);
    calls[2].frame.end.distance = distance_of(arena, 20);
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){NULL, 0, order, 1, calls, WIDE_CALLS, 0, false};
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over, test_schema(arena, "k STRING, ts INT, v INT, a INT, b INT, c INT"),
               plan);
    return bench;
}

static void list_fold_wide(const List *list, Fold *fold)
{
    Buffer text = {0};
    for (int i = 0; i < list->count; i++) {
        int ts = list->rows[i].ts;
        buffer_clear(&text);
        buffer_printf(&text, "[a, %d, %d", ts, list->rows[i].v);
        print_frame(list, i - 90, i + 40, true, &text);
        print_frame(list, i + 3, i + 150, true, &text);
        print_frame(list, first_within(list, ts - 60), first_within(list, ts + 21) - 1, true,
                    &text);
        buffer_append_char(&text, ']');
        fold_add(fold, text.data, text.length);
    }
    buffer_deinit(&text);
}

START_TEST(least_of_wide_frames_equals_a_list)
{
    TestRandom random = test_random("over wide frames");
    Bench *bench = over_wide_new(_i);
    static List list;
    list.count = 0;
    Rounds rounds = rounds_open(bench, 15);
    for (uint32_t round = 0; round < 60; round++) {
        for (uint32_t c = test_below(&random, 30) + 1; c > 0; c--) {
            bool goes;
            ListRow row = list_next(&list, &random, 1000, round < 35, &goes);
            list_tell(&list, 'a', row, goes, &rounds.text);
        }
        rounds_feed(&rounds);
        list_fold_wide(&list, rounds.expected);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}
END_TEST

/* Values of which many are NULL, groups, and sums of floating point. */
static Bench *over_sparse_new(int size_index)
{
    enum { SPARSE_CALLS = 8 };
    static const PlanSortKey order[] = {{.column = 1}};
    static const uint32_t value[] = {2}, number[] = {3};
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, "k STRING, ts INT, v INT, x DOUBLE");
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, SPARSE_CALLS);
    static const WindowKind kinds[] = {WINDOW_NTILE,      WINDOW_NTILE, WINDOW_FIRST_VALUE,
                                       WINDOW_LAST_VALUE, WINDOW_LAG,   WINDOW_LEAD};
    static const int64_t numbers[] = {3, 50, 1, 1, 1, 3};
    for (uint32_t i = 0; i < array_count(kinds); i++)
        calls[i] = (PlanOverCall){.kind = kinds[i],
                                  .number = numbers[i],
                                  .filter = -1,
                                  .ignore_nulls = i >= 2,
                                  .arguments = value,
                                  .argument_count = i >= 2,
                                  .type = i >= 2 ? &type_int : &type_bigint};
    calls[2].frame = frame_of(true, PLAN_BOUND_PRECEDING, 60, PLAN_BOUND_FOLLOWING, 2);
    calls[3].frame = frame_of(true, PLAN_BOUND_PRECEDING, 2, PLAN_BOUND_FOLLOWING, 70);
    for (uint32_t i = 6; i < SPARSE_CALLS; i++) {
        calls[i] = aggregate_call(arena, in, "SUM", PLAN_FOLD_SLIDE,
                                  frame_of(true, PLAN_BOUND_PRECEDING, i == 6 ? 30 : 3,
                                           PLAN_BOUND_FOLLOWING, i == 6 ? 20 : 0));
        const Type *types[] = {&type_double};
        const Vector *literals[] = {NULL};
        FunctionSite site = {types, literals, 1, NULL, arena, NULL};
        Error error = {0};
        ck_assert(aggregate_bind("SUM", &site, true, &calls[i].aggregate, &error));
        ck_assert(aggregate_make_exact(&calls[i].aggregate));
        calls[i].arguments = number;
        calls[i].type = &type_double;
    }
    calls[7].fold = PLAN_FOLD_ANEW;
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){NULL, 0, order, 1, calls, SPARSE_CALLS, 0, false};
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over,
               test_schema(arena, "k STRING, ts INT, v INT, x DOUBLE, n BIGINT, m BIGINT, f INT, "
                                  "l INT, p INT, q INT, s DOUBLE, t DOUBLE"),
               plan);
    return bench;
}

/* Five of six are NULL. */
static bool is_value(const List *list, int at)
{
    return at >= 0 && at < list->count && list->rows[at].v % 6 == 0;
}

static void print_value(const List *list, int at, Buffer *out)
{
    buffer_printf(out, is_value(list, at) ? ", %d" : ", NULL",
                  is_value(list, at) ? list->rows[at].v : 0);
}

/* The n-th value from a row on, within the frame. */
static int find_value(const List *list, int from, int step, int n, int first, int last)
{
    for (; from >= first && from <= last && from >= 0 && from < list->count; from += step)
        if (is_value(list, from) && --n == 0)
            return from;
    return -1;
}

/* m * 2^e, another for every v below 100: sums of them fit into 128 bits. */
static int128_t whole_of(ListRow row)
{
    static const int odd[] = {3, -5, 7, -1};
    return odd[row.v % 4] * ((int128_t)1 << (row.ts * 7 + row.v) % 100);
}

static void print_double(double value, Buffer *out)
{
    Vector vector = {.type = &type_double, .data = &value, .capacity = 1};
    buffer_append_text(out, ", ");
    value_print(&vector, 0, NULL, out);
}

static void print_exact_sum(const List *list, int first, int last, Buffer *out)
{
    int128_t sum = 0;
    for (int i = first < 0 ? 0 : first; i <= last && i < list->count; i++)
        sum += whole_of(list->rows[i]);
    print_double((double)sum, out);
}

static int tile_number(int at, int rows, int groups)
{
    int before = 0;
    for (int tile = 1;; tile++) {
        before += rows / groups + (tile <= rows % groups);
        if (at < before)
            return tile;
    }
}

static void print_sparse_row(ListRow row, Buffer *out)
{
    buffer_printf(out, row.v % 6 == 0 ? "[a, %d, %d" : "[a, %d, NULL", row.ts, row.v);
    print_double((double)whole_of(row), out);
}

static void list_fold_sparse(const List *list, Fold *fold)
{
    Buffer text = {0};
    for (int i = 0; i < list->count; i++) {
        buffer_clear(&text);
        print_sparse_row(list->rows[i], &text);
        buffer_printf(&text, ", %d, %d", tile_number(i, list->count, 3),
                      tile_number(i, list->count, 50));
        print_value(list, find_value(list, i < 60 ? 0 : i - 60, 1, 1, i - 60, i + 2), &text);
        int last = i + 70 < list->count ? i + 70 : list->count - 1;
        print_value(list, find_value(list, last, -1, 1, i - 2, last), &text);
        print_value(list, find_value(list, i - 1, -1, 1, 0, i), &text);
        print_value(list, find_value(list, i + 1, 1, 3, i, list->count), &text);
        print_exact_sum(list, i - 30, i + 20, &text);
        print_exact_sum(list, i - 3, i, &text);
        buffer_append_char(&text, ']');
        fold_add(fold, text.data, text.length);
    }
    buffer_deinit(&text);
}

START_TEST(groups_and_sparse_values_equal_a_list)
{
    TestRandom random = test_random("over sparse values");
    Bench *bench = over_sparse_new(_i);
    static List list;
    list.count = 0;
    Rounds rounds = rounds_open(bench, 15);
    for (uint32_t round = 0; round < 44; round++) {
        for (uint32_t c = test_below(&random, 16) + 1; c > 0; c--) {
            bool goes;
            ListRow row = list_next(&list, &random, 100, round < 28, &goes);
            buffer_append_text(&rounds.text, goes ? "-D" : "+I");
            print_sparse_row(row, &rounds.text);
            buffer_append_text(&rounds.text, "]\n");
            list_change(&list, row, goes);
        }
        rounds_feed(&rounds);
        list_fold_sparse(&list, rounds.expected);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}
END_TEST

static void move_clock(Bench *bench, int64_t *now_ms, int64_t by_ms)
{
    *now_ms += by_ms;
    bench->environment.batch_time_us = *now_ms * 1000;
    state_store_advance(bench->context.state, *now_ms);
}

/* All rows expire, and nothing says so; half-way somebody has looked for rows that were not there,
 * which writes nothing. */
static void expire_all(Rounds *rounds, int64_t *now_ms, int64_t ttl_ms, List *lists)
{
    move_clock(rounds->bench, now_ms, ttl_ms / 2);
    bench_check(rounds->bench, 0, "-D[a, 0, -1]\n-D[a, 1, -1]\n-D[b, 0, -1]\n-D[b, 1, -1]\n", "");
    move_clock(rounds->bench, now_ms, ttl_ms / 2 + 1);
    fold_free(rounds->actual);
    lists[0].count = lists[1].count = 0;
}

/* Hundreds of rows with one place in the order, some the same: of those the last goes. */
static void check_many_ties(Bench *bench, int64_t ttl_ms)
{
    enum { KEYS = 2 };
    TestRandom random = test_random("over among ties");
    static List lists[KEYS];
    lists[0].count = lists[1].count = 0;
    Rounds rounds = rounds_open(bench, ttl_ms == 0 ? 7 : UINT32_MAX);
    int64_t now_ms = 0;
    for (uint32_t round = 0; round < 24; round++) {
        bool begins = round % (ttl_ms == 0 ? 24 : 3) == 0;
        if (begins && ttl_ms != 0)
            expire_all(&rounds, &now_ms, ttl_ms, lists);
        for (uint32_t c = !begins ? 10 : round % 2 == 0 ? 400 : 260; c > 0; c--) {
            uint32_t key = test_below(&random, KEYS);
            List *list = &lists[key];
            ListRow row = {(int)test_below(&random, 2), (int)test_below(&random, 100)};
            bool goes =
                !begins && list->count != 0 && test_below(&random, 8) < (round < 16 ? 4 : 7);
            if (goes)
                row = list_any(list, &random);
            list_tell(list, (char)('a' + (int)key), row, goes, &rounds.text);
        }
        rounds_feed(&rounds);
        for (uint32_t key = 0; key < KEYS; key++)
            list_fold_at_end(&lists[key], (char)('a' + key), rounds.expected);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}

START_TEST(many_ties_equal_a_list)
{
    check_many_ties(over_at_end_new(_i, 0), 0);
}
END_TEST

START_TEST(many_ties_that_expire_equal_a_list)
{
    check_many_ties(over_at_end_new(_i, 1000), 1000);
}
END_TEST

/* Rows that frames with nested results look back and ahead. */
#define NESTED_FAR 40

/* Frames gathered into arrays, and lists of other rows. */
static Bench *over_nested_new(int size_index)
{
    enum { NESTED_CALLS = 4 };
    static const PlanSortKey order[] = {{.column = 0}};
    static const uint32_t columns[] = {0, 1};
    static const Vector *literal;
    Bench *bench = bench_new(batch_sizes[size_index]);
    Arena *arena = bench->arena;
    const Schema *in = test_schema(arena, "ts INT, l ARRAY<INT>");
    const Schema *out =
        test_schema(arena, "ts INT, l ARRAY<INT>, a ARRAY<INT>, n BIGINT, p ARRAY<INT>, "
                           "f ARRAY<INT>");
    PlanFrame around =
        frame_of(true, PLAN_BOUND_PRECEDING, NESTED_FAR, PLAN_BOUND_FOLLOWING, NESTED_FAR);
    PlanOverCall *calls = arena_new_array(arena, PlanOverCall, NESTED_CALLS);
    static const char *const names[] = {"ARRAY_AGG", "APPROX_COUNT_DISTINCT"};
    static const WindowKind kinds[] = {WINDOW_AGGREGATE, WINDOW_AGGREGATE, WINDOW_LAG,
                                       WINDOW_FIRST_VALUE};
    for (uint32_t i = 0; i < NESTED_CALLS; i++) {
        calls[i] = (PlanOverCall){.kind = kinds[i],
                                  .number = 1,
                                  .ignore_nulls = i >= 2,
                                  .arguments = &columns[i / 2],
                                  .argument_count = 1,
                                  .filter = -1,
                                  .frame = around,
                                  .type = out->columns[2 + i].type};
        FunctionSite site = {&in->columns[0].type, &literal, 1, NULL, arena, NULL};
        Error error = {0};
        calls[i].fold = i < 2 ? PLAN_FOLD_ANEW : PLAN_FOLD_NONE;
        ck_assert(i >= 2 ||
                  aggregate_bind_in_state(names[i], &site, false, &calls[i].aggregate, &error));
    }
    PlanOver *plan = arena_new_one(arena, PlanOver);
    *plan = (PlanOver){NULL, 0, order, 1, calls, NESTED_CALLS, 0, false};
    bench_input(bench, in, CHANGES_ALL);
    bench_open(bench, &op_over, out, plan);
    return bench;
}

static void print_list(int ts, Buffer *out)
{
    if (ts >= 0 && ts % 3 == 0)
        buffer_printf(out, ", [%d, NULL, %d]", ts, ts + 1);
    else
        buffer_append_text(out, ", NULL");
}

/* What is known of the row `ts` of `count`. */
static void print_nested(int ts, int count, Buffer *out)
{
    int first = ts < NESTED_FAR ? 0 : ts - NESTED_FAR;
    int last = ts + NESTED_FAR < count ? ts + NESTED_FAR : count - 1;
    buffer_printf(out, "[%d", ts);
    print_list(ts, out);
    for (int i = first; i <= last; i++)
        buffer_printf(out, i == first ? ", [%d" : ", %d", i);
    buffer_printf(out, "], %d", last - first + 1);
    print_list(ts % 3 == 0 ? ts - 3 : ts - ts % 3, out);
    print_list((first + 2) / 3 * 3, out);
    buffer_append_char(out, ']');
}

/* Each row makes the results of those around it anew: none of them stays longer than it is needed.
 */
START_TEST(nested_values_equal_a_list_and_go)
{
    enum { ROWS = 150 };
    Bench *bench = over_nested_new(_i);
    Rounds rounds = rounds_open(bench, 1);
    for (int i = 0; i < ROWS; i++) {
        int ts = i * 7 % ROWS;
        buffer_printf(&rounds.text, "+I[%d", ts);
        print_list(ts, &rounds.text);
        buffer_append_text(&rounds.text, "]\n");
    }
    rounds_feed(&rounds);
    const Over *over = (const Over *)bench->op;
    ck_assert_uint_lt(arena_bytes(over->scratch) + arena_bytes(over->made), 1 << 18);
    Buffer row = {0};
    for (int i = 0; i < ROWS; i++) {
        buffer_clear(&row);
        print_nested(i, ROWS, &row);
        fold_add(rounds.expected, row.data, row.length);
    }
    buffer_deinit(&row);
    rounds_compare(&rounds);
    rounds_close(&rounds);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("over");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, a_change_comes_first_then_what_it_changed, 0, sizes);
    tcase_add_loop_test(cases, random_changes_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, distinct_values_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, rows_at_the_end_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, least_of_wide_frames_equals_a_list, 0, sizes);
    tcase_add_loop_test(cases, groups_and_sparse_values_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, many_ties_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, many_ties_that_expire_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, nested_values_equal_a_list_and_go, 0, sizes);
    return test_run("over", cases);
}
