/* The join: kinds and order of its changes for every pair of sides; random changes against a nested
 * loop. */
#include "tests/operator_bench.h"

extern const OperatorClass op_join;

typedef struct Joined {
    Bench *bench;
    PlanJoin plan;
} Joined;

/* left (k INT, a STRING) join right (k INT, b STRING) on k. */
static Joined join_new(int size_index, PlanJoinKind kind, PlanJoinSideState left,
                       PlanJoinSideState right)
{
    Joined joined = {.bench = bench_new(batch_sizes[size_index])};
    Arena *arena = joined.bench->arena;
    bench_input(joined.bench, test_schema(arena, "k INT, a STRING"), CHANGES_ALL);
    bench_input(joined.bench, test_schema(arena, "k INT, b STRING"), CHANGES_ALL);
    joined.plan.kind = kind;
    joined.plan.key_count = 1;
    PlanJoinSideState states[2] = {left, right};
    for (uint32_t i = 0; i < 2; i++)
        joined.plan.sides[i] = (PlanJoinSide){.keys = test_columns(arena, 1, 0),
                                              .state = states[i],
                                              .unique = {1, test_columns(arena, 1, 1)},
                                              .retracts = true};
    joined.plan.null_matches = arena_new_array(arena, bool, 1);
    return joined;
}

static void join_open(Joined *joined)
{
    bool is_half = joined->plan.kind == PLAN_JOIN_SEMI || joined->plan.kind == PLAN_JOIN_ANTI;
    const char *columns = is_half ? "k INT, a STRING"
                          : joined->plan.kind == PLAN_JOIN_MARK
                              ? "k INT, a STRING, m BOOLEAN"
                              : "k INT, a STRING, rk INT, b STRING";
    bench_open(joined->bench, &op_join, test_schema(joined->bench->arena, columns), &joined->plan);
}

START_TEST(inner_keeps_the_kind_of_the_arriving_row)
{
    static const PlanJoinSideState shapes[] = {PLAN_SIDE_KEY_UNIQUE, PLAN_SIDE_HAS_UNIQUE,
                                               PLAN_SIDE_NO_UNIQUE};
    for (size_t s = 0; s < array_count(shapes); s++) {
        Joined joined = join_new(_i, PLAN_JOIN_INNER, shapes[s], PLAN_SIDE_NO_UNIQUE);
        join_open(&joined);
        Bench *bench = joined.bench;
        bench_check(bench, 0, "+I[1, x]\n+I[2, y]\n+I[NULL, z]\n", "");
        bench_check(bench, 1, "+I[1, p]\n+I[NULL, p]\n+I[1, q]\n+I[3, r]\n",
                    "+I[1, x, 1, p]\n+I[1, x, 1, q]\n");
        bench_check(bench, 0, "-U[1, x]\n+U[1, xx]\n-U[2, y]\n+U[3, y]\n-D[NULL, z]\n",
                    "-U[1, x, 1, p]\n-U[1, x, 1, q]\n+U[1, xx, 1, p]\n+U[1, xx, 1, q]\n"
                    "+U[3, y, 3, r]\n");
        bench_restart(bench);
        bench_check(bench, 1, "-D[1, p]\n-U[3, r]\n+U[3, s]\n",
                    "-D[1, xx, 1, p]\n-U[3, y, 3, r]\n+U[3, y, 3, s]\n");
        bench_check(bench, 0, "-D[1, xx]\n-D[3, y]\n", "-D[1, xx, 1, q]\n-D[3, y, 3, s]\n");
        bench_check(bench, 1, "-D[1, q]\n-D[3, s]\n", "");
        ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
        bench_free(bench);
    }
}
END_TEST

START_TEST(left_pads_and_never_updates)
{
    Joined joined = join_new(_i, PLAN_JOIN_LEFT, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 0, "+I[1, x]\n+I[1, x]\n+I[1, y]\n+I[NULL, z]\n",
                "+I[1, x, NULL, NULL]\n+I[1, x, NULL, NULL]\n+I[1, y, NULL, NULL]\n"
                "+I[NULL, z, NULL, NULL]\n");
    /* The first match: the padded row goes before the pair comes, match by match. */
    bench_check(bench, 1, "+U[1, p]\n+I[NULL, p]\n+I[1, q]\n",
                "-D[1, x, NULL, NULL]\n+I[1, x, 1, p]\n-D[1, x, NULL, NULL]\n+I[1, x, 1, p]\n"
                "-D[1, y, NULL, NULL]\n+I[1, y, 1, p]\n"
                "+I[1, x, 1, q]\n+I[1, x, 1, q]\n+I[1, y, 1, q]\n");
    bench_restart(bench);
    /* The outer side retracts with -D, whatever its own kind. */
    bench_check(bench, 0, "-U[1, y]\n+U[2, y]\n-D[1, x]\n-D[NULL, z]\n",
                "-D[1, y, 1, p]\n-D[1, y, 1, q]\n+I[2, y, NULL, NULL]\n"
                "-D[1, x, 1, p]\n-D[1, x, 1, q]\n-D[NULL, z, NULL, NULL]\n");
    /* The other side keeps its kind; after its last match the row is padded again. */
    bench_check(bench, 1, "-U[1, p]\n+U[2, p]\n-U[1, q]\n+U[1, r]\n-D[1, r]\n",
                "-U[1, x, 1, p]\n-D[2, y, NULL, NULL]\n+I[2, y, 2, p]\n"
                "-U[1, x, 1, q]\n+I[1, x, NULL, NULL]\n-D[1, x, NULL, NULL]\n+I[1, x, 1, r]\n"
                "-D[1, x, 1, r]\n+I[1, x, NULL, NULL]\n");
    bench_free(bench);
}
END_TEST

/* Without a key all rows are under one: each meets every row of the other side, in their order. */
START_TEST(theta_compares_with_every_row)
{
    Joined joined = join_new(_i, PLAN_JOIN_FULL, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_HAS_UNIQUE);
    Arena *arena = joined.bench->arena;
    joined.plan.key_count = 0;
    const Schema *pair = test_schema(arena, "k INT, a STRING, rk INT, b STRING");
    joined.plan.condition =
        test_call(arena, "<", 2, test_column(arena, pair, "k"), test_column(arena, pair, "rk"));
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 0, "+I[1, x]\n+I[5, y]\n+I[NULL, z]\n",
                "+I[1, x, NULL, NULL]\n+I[5, y, NULL, NULL]\n+I[NULL, z, NULL, NULL]\n");
    bench_check(bench, 1, "+I[9, p]\n+I[3, q]\n+I[1, r]\n",
                "-D[1, x, NULL, NULL]\n+I[1, x, 9, p]\n-D[5, y, NULL, NULL]\n+I[5, y, 9, p]\n"
                "+I[1, x, 3, q]\n+I[NULL, NULL, 1, r]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-D[5, y]\n-U[1, x]\n+U[4, x]\n",
                "-D[5, y, 9, p]\n-D[1, x, 9, p]\n+I[NULL, NULL, 9, p]\n-D[1, x, 3, q]\n"
                "+I[NULL, NULL, 3, q]\n-D[NULL, NULL, 9, p]\n+I[4, x, 9, p]\n");
    bench_check(bench, 1, "-D[9, p]\n", "-D[4, x, 9, p]\n+I[4, x, NULL, NULL]\n");
    bench_free(bench);
}
END_TEST

START_TEST(right_mirrors_left)
{
    Joined joined = join_new(_i, PLAN_JOIN_RIGHT, PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_KEY_UNIQUE);
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 1, "+I[1, p]\n+I[2, q]\n", "+I[NULL, NULL, 1, p]\n+I[NULL, NULL, 2, q]\n");
    bench_check(bench, 0, "+I[1, x]\n+I[1, y]\n",
                "-D[NULL, NULL, 1, p]\n+I[1, x, 1, p]\n+I[1, y, 1, p]\n");
    bench_check(bench, 1, "-U[1, p]\n+U[1, pp]\n",
                "-D[1, x, 1, p]\n-D[1, y, 1, p]\n+I[1, x, 1, pp]\n+I[1, y, 1, pp]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-D[1, x]\n-U[1, y]\n+U[2, y]\n",
                "-D[1, x, 1, pp]\n-U[1, y, 1, pp]\n+I[NULL, NULL, 1, pp]\n"
                "-D[NULL, NULL, 2, q]\n+I[2, y, 2, q]\n");
    bench_check(bench, 1, "-D[1, pp]\n-D[2, q]\n", "-D[NULL, NULL, 1, pp]\n-D[2, y, 2, q]\n");
    bench_free(bench);
}
END_TEST

START_TEST(full_pads_both_sides)
{
    Joined joined = join_new(_i, PLAN_JOIN_FULL, PLAN_SIDE_KEY_UNIQUE, PLAN_SIDE_KEY_UNIQUE);
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 0, "+I[1, x]\n", "+I[1, x, NULL, NULL]\n");
    bench_check(bench, 1, "+I[1, p]\n+I[2, q]\n+I[NULL, n]\n",
                "-D[1, x, NULL, NULL]\n+I[1, x, 1, p]\n+I[NULL, NULL, 2, q]\n"
                "+I[NULL, NULL, NULL, n]\n");
    bench_check(bench, 0, "-U[1, x]\n+U[2, x]\n",
                "-D[1, x, 1, p]\n+I[NULL, NULL, 1, p]\n"
                "-D[NULL, NULL, 2, q]\n+I[2, x, 2, q]\n");
    bench_restart(bench);
    bench_check(bench, 1, "-D[2, q]\n-D[1, p]\n-D[NULL, n]\n",
                "-D[2, x, 2, q]\n+I[2, x, NULL, NULL]\n-D[NULL, NULL, 1, p]\n"
                "-D[NULL, NULL, NULL, n]\n");
    bench_check(bench, 0, "-D[2, x]\n", "-D[2, x, NULL, NULL]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

/* More rows than are tested together, on both sides; every pair comes once and in order. */
START_TEST(theta_crosses_the_bounds_of_block_and_chunk)
{
    Joined joined = join_new(_i, PLAN_JOIN_INNER, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    Arena *arena = joined.bench->arena;
    joined.plan.key_count = 0;
    const Schema *pair = test_schema(arena, "k INT, a STRING, rk INT, b STRING");
    joined.plan.condition =
        test_call(arena, "<", 2, test_column(arena, pair, "rk"), test_column(arena, pair, "k"));
    join_open(&joined);
    enum { LEFT = 2500, RIGHT = 150 };
    Buffer text = {0}, expected = {0};
    for (int l = 0; l < LEFT; l++)
        buffer_printf(&text, "+I[%d, l]\n", l);
    bench_check(joined.bench, 0, buffer_text(&text), "");
    buffer_clear(&text);
    for (int r = 0; r < RIGHT; r++) {
        int key = LEFT - r % 7;
        buffer_printf(&text, "+I[%d, r]\n", key - 3);
        for (int l = key - 2; l < LEFT; l++)
            buffer_printf(&expected, "+I[%d, l, %d, r]\n", l, key - 3);
    }
    bench_check(joined.bench, 1, buffer_text(&text), buffer_text(&expected));
    buffer_deinit(&text);
    buffer_deinit(&expected);
    bench_free(joined.bench);
}
END_TEST

START_TEST(mark_says_whether_a_row_has_a_match)
{
    Joined joined = join_new(_i, PLAN_JOIN_MARK, PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 0, "+I[1, x]\n+I[1, y]\n+I[NULL, z]\n",
                "+I[1, x, FALSE]\n+I[1, y, FALSE]\n+I[NULL, z, FALSE]\n");
    bench_check(bench, 1, "+U[1, p]\n+I[1, p]\n+I[NULL, p]\n",
                "-D[1, x, FALSE]\n+I[1, x, TRUE]\n-D[1, y, FALSE]\n+I[1, y, TRUE]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-U[1, y]\n+U[2, y]\n-D[NULL, z]\n+I[1, w]\n",
                "-D[1, y, TRUE]\n+I[2, y, FALSE]\n-D[NULL, z, FALSE]\n+I[1, w, TRUE]\n");
    bench_check(bench, 1, "-D[1, p]\n-U[1, p]\n+U[2, p]\n",
                "-D[1, x, TRUE]\n+I[1, x, FALSE]\n-D[1, w, TRUE]\n+I[1, w, FALSE]\n"
                "-D[2, y, FALSE]\n+I[2, y, TRUE]\n");
    bench_free(bench);
}
END_TEST

static bool barrier_passes(Joined *joined)
{
    Error error;
    error_clear(&error);
    return op_join.barrier(joined->bench->op, 1, &joined->bench->emitter, &error);
}

/* Two matches may stand side by side for a while, but not while an epoch ends. */
START_TEST(single_rows_are_asked_for_at_an_epoch)
{
    Joined joined = join_new(_i, PLAN_JOIN_LEFT, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    joined.plan.single = true;
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_feed(bench, 0, "+I[1, x]\n+I[1, x]\n+I[2, y]\n");
    bench_feed(bench, 1, "+I[1, p]\n+I[3, p]\n+I[3, q]\n");
    ck_assert(barrier_passes(&joined));
    bench_feed(bench, 1, "+I[1, q]\n-D[1, p]\n");
    ck_assert(barrier_passes(&joined));
    bench_feed(bench, 1, "+I[1, r]\n");
    ck_assert(!barrier_passes(&joined));
    bench_feed(bench, 0, "-D[1, x]\n");
    ck_assert(!barrier_passes(&joined));
    bench_feed(bench, 0, "-D[1, x]\n-D[3, w]\n");
    ck_assert(barrier_passes(&joined));
    bench_feed(bench, 0, "+I[3, z]\n");
    ck_assert(!barrier_passes(&joined));
    bench_feed(bench, 1, "-D[3, p]\n");
    ck_assert(barrier_passes(&joined));
    bench_free(bench);
}
END_TEST

START_TEST(semi_and_anti_show_left_rows)
{
    Joined joined = join_new(_i, PLAN_JOIN_SEMI, PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 0, "+I[1, x]\n+I[NULL, z]\n", "");
    bench_check(bench, 1, "+U[1, p]\n+I[1, p]\n", "+U[1, x]\n");
    bench_check(bench, 0, "+I[1, y]\n-U[1, y]\n+U[2, y]\n", "+I[1, y]\n-U[1, y]\n");
    bench_restart(bench);
    bench_check(bench, 1, "-D[1, p]\n-U[1, p]\n+U[2, p]\n", "-U[1, x]\n+U[2, y]\n");
    bench_free(bench);

    joined = join_new(_i, PLAN_JOIN_ANTI, PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    join_open(&joined);
    bench = joined.bench;
    bench_check(bench, 0, "+I[1, x]\n+I[NULL, z]\n", "+I[1, x]\n+I[NULL, z]\n");
    bench_check(bench, 1, "+I[1, p]\n+I[1, p]\n", "-D[1, x]\n");
    bench_check(bench, 0, "+I[1, y]\n-U[1, y]\n+U[2, y]\n", "+U[2, y]\n");
    bench_check(bench, 1, "-D[1, p]\n-D[1, p]\n", "+I[1, x]\n");
    bench_free(bench);
}
END_TEST

START_TEST(null_keys_match_where_they_may)
{
    Joined joined = join_new(_i, PLAN_JOIN_INNER, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_NO_UNIQUE);
    ((bool *)(uintptr_t)joined.plan.null_matches)[0] = true;
    join_open(&joined);
    bench_check(joined.bench, 0, "+I[NULL, x]\n", "");
    bench_check(joined.bench, 1, "+I[NULL, p]\n+I[0, p]\n", "+I[NULL, x, NULL, p]\n");
    bench_free(joined.bench);
}
END_TEST

START_TEST(an_extra_condition_decides_pairs)
{
    Joined joined = join_new(_i, PLAN_JOIN_LEFT, PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_HAS_UNIQUE);
    Arena *arena = joined.bench->arena;
    const Schema *pair = test_schema(arena, "k INT, a STRING, rk INT, b STRING");
    joined.plan.condition =
        test_call(arena, "<", 2, test_column(arena, pair, "a"), test_column(arena, pair, "b"));
    join_open(&joined);
    Bench *bench = joined.bench;
    bench_check(bench, 0, "+I[1, c]\n+I[1, a]\n", "+I[1, c, NULL, NULL]\n+I[1, a, NULL, NULL]\n");
    bench_check(bench, 1, "+I[1, b]\n+I[1, NULL]\n+I[1, d]\n",
                "-D[1, a, NULL, NULL]\n+I[1, a, 1, b]\n"
                "-D[1, c, NULL, NULL]\n+I[1, c, 1, d]\n+I[1, a, 1, d]\n");
    bench_check(bench, 1, "-D[1, d]\n", "-D[1, c, 1, d]\n+I[1, c, NULL, NULL]\n-D[1, a, 1, d]\n");
    bench_free(bench);
}
END_TEST

/* An upsert without -U replaces its row: the match it had is not counted twice. */
START_TEST(a_replaced_row_is_one_match)
{
    Joined joined = join_new(_i, PLAN_JOIN_LEFT, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_HAS_UNIQUE);
    join_open(&joined);
    bench_check(joined.bench, 0, "+I[1, x]\n", "+I[1, x, NULL, NULL]\n");
    bench_check(joined.bench, 1, "+I[1, p]\n+U[1, p]\n",
                "-D[1, x, NULL, NULL]\n+I[1, x, 1, p]\n+I[1, x, 1, p]\n");
    bench_check(joined.bench, 1, "-D[1, p]\n", "-D[1, x, 1, p]\n+I[1, x, NULL, NULL]\n");
    bench_free(joined.bench);
}
END_TEST

/* A batch takes the last row of a key, goes on for longer than rows are looked ahead, and has the
 * key again. */
START_TEST(a_key_comes_again_after_its_last_row_went)
{
    static const PlanJoinSideState shapes[] = {PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_NO_UNIQUE};
    enum { BETWEEN = 600 };
    for (size_t s = 0; s < array_count(shapes); s++) {
        Joined joined = join_new(_i, PLAN_JOIN_INNER, shapes[s], PLAN_SIDE_NO_UNIQUE);
        join_open(&joined);
        bench_check(joined.bench, 0, "+I[1, x]\n", "");
        Buffer changes = {0};
        buffer_append_text(&changes, "-D[1, x]\n");
        for (int i = 0; i < BETWEEN; i++)
            buffer_printf(&changes, "-D[%d, z]\n", 2 + i);
        buffer_append_text(&changes, "+I[1, y]\n");
        bench_check(joined.bench, 0, buffer_text(&changes), "");
        bench_check(joined.bench, 1, "+I[1, p]\n", "+I[1, y, 1, p]\n");
        buffer_deinit(&changes);
        bench_free(joined.bench);
    }
}
END_TEST

/* A row whose matches are more than are tested together is begun before it is ended; the rows
 * behind it have the same key. */
START_TEST(a_row_that_goes_on_is_begun_once)
{
    static const PlanJoinSideState shapes[] = {PLAN_SIDE_HAS_UNIQUE, PLAN_SIDE_NO_UNIQUE};
    static const char *const changes[] = {"-D[1, a", "+I[1, b", "-D[1, b", "+I[1, c"};
    enum { MATCHES = 400 };
    for (size_t s = 0; s < array_count(shapes); s++) {
        Joined joined = join_new(_i, PLAN_JOIN_INNER, shapes[s], PLAN_SIDE_NO_UNIQUE);
        join_open(&joined);
        bench_check(joined.bench, 0, "+I[1, a]\n", "");
        Buffer text = {0}, expected = {0};
        for (uint32_t i = 0; i < MATCHES; i++) {
            buffer_printf(&text, "+I[1, r%u]\n", i);
            buffer_printf(&expected, "+I[1, a, 1, r%u]\n", i);
        }
        bench_check(joined.bench, 1, buffer_text(&text), buffer_text(&expected));
        buffer_clear(&text);
        buffer_clear(&expected);
        for (size_t c = 0; c < array_count(changes); c++) {
            buffer_printf(&text, "%s]\n", changes[c]);
            for (uint32_t i = 0; i < MATCHES; i++)
                buffer_printf(&expected, "%s, 1, r%u]\n", changes[c], i);
        }
        bench_check(joined.bench, 0, buffer_text(&text), buffer_text(&expected));
        bench_check(joined.bench, 1, "+I[1, p]\n", "+I[1, c, 1, p]\n");
        buffer_deinit(&text);
        buffer_deinit(&expected);
        bench_free(joined.bench);
    }
}
END_TEST

START_TEST(many_matches_cross_the_bound_of_a_run)
{
    Joined joined = join_new(_i, PLAN_JOIN_LEFT, PLAN_SIDE_NO_UNIQUE, PLAN_SIDE_HAS_UNIQUE);
    Arena *arena = joined.bench->arena;
    const Schema *pair = test_schema(arena, "k INT, a STRING, rk INT, b STRING");
    joined.plan.condition =
        test_call(arena, "<>", 2, test_column(arena, pair, "a"), test_column(arena, pair, "b"));
    join_open(&joined);
    enum { MATCHES = 5000 };
    Buffer text = {0};
    for (uint32_t i = 0; i < MATCHES; i++)
        buffer_printf(&text, "+I[1, r%u]\n", i);
    bench_check(joined.bench, 1, buffer_text(&text), "");
    buffer_clear(&text);
    for (uint32_t row = 0; row < 2; row++)
        for (uint32_t i = 0; i < MATCHES; i++)
            if (row == 0 || i != 7)
                buffer_printf(&text, "+I[1, %s, 1, r%u]\n", row == 0 ? "x" : "r7", i);
    buffer_append_text(&text, "+I[2, z, NULL, NULL]\n");
    bench_check(joined.bench, 0, "+I[1, x]\n+I[1, r7]\n+I[2, z]\n", buffer_text(&text));
    buffer_deinit(&text);
    bench_free(joined.bench);
}
END_TEST

/* ------------------------------------------------------------------- random */

typedef struct Row {
    uint32_t key; /* 0: NULL */
    uint32_t value;
} Row;

typedef struct Side {
    Row rows[512];
    uint32_t count;
    PlanJoinSideState state;
} Side;

static void print_row(Buffer *out, const char *kind, Row row)
{
    if (row.key == 0)
        buffer_printf(out, "%s[NULL, value %u of this side]\n", kind, row.value);
    else
        buffer_printf(out, "%s[%u, value %u of this side]\n", kind, row.key, row.value);
}

/* Whether the side's unique key admits the row beside the others. */
static bool admits(const Side *side, Row row, uint32_t except)
{
    for (uint32_t i = 0; i < side->count; i++) {
        if (i == except)
            continue;
        if (side->state == PLAN_SIDE_KEY_UNIQUE && row.key != 0 && side->rows[i].key == row.key)
            return false;
        if (side->state == PLAN_SIDE_HAS_UNIQUE && side->rows[i].value == row.value)
            return false;
    }
    return true;
}

static void change_side(Side *side, TestRandom *random, Buffer *out)
{
    uint32_t range = side->state >= PLAN_SIDE_NO_UNIQUE ? 5 : 40;
    Row row = {test_below(random, 9), test_below(random, range)};
    uint32_t at = side->count == 0 ? 0 : test_below(random, side->count);
    uint32_t choice = test_below(random, 10);
    if (side->count == 0 || choice < 4 || side->state == PLAN_SIDE_APPENDS) {
        if (!admits(side, row, UINT32_MAX))
            return;
        print_row(out, "+I", row);
        side->rows[side->count++] = row;
    } else if (choice < 7) {
        if (!admits(side, row, at))
            return;
        print_row(out, "-U", side->rows[at]);
        print_row(out, "+U", row);
        side->rows[at] = row;
    } else {
        print_row(out, "-D", side->rows[at]);
        side->rows[at] = side->rows[--side->count];
    }
}

static void print_half(Buffer *out, const Row *row)
{
    if (row == NULL)
        buffer_append_text(out, "NULL, NULL");
    else if (row->key == 0)
        buffer_printf(out, "NULL, value %u of this side", row->value);
    else
        buffer_printf(out, "%u, value %u of this side", row->key, row->value);
}

static void expect_pair(Fold *out, const Row *left, const Row *right, bool is_half)
{
    Buffer text = {0};
    buffer_append_text(&text, "[");
    print_half(&text, left);
    if (!is_half) {
        buffer_append_text(&text, ", ");
        print_half(&text, right);
    }
    buffer_append_text(&text, "]");
    fold_add(out, text.data, text.length);
    buffer_deinit(&text);
}

/* ON l.k = r.k AND l.a <> r.b, by nested loops. */
static void recompute(PlanJoinKind kind, const Side *left, const Side *right, Fold *out)
{
    bool is_half = kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI;
    static bool right_matched[512];
    memset(right_matched, 0, sizeof(right_matched));
    for (uint32_t l = 0; l < left->count; l++) {
        uint32_t matches = 0;
        for (uint32_t r = 0; r < right->count; r++) {
            const Row *a = &left->rows[l], *b = &right->rows[r];
            if (a->key == 0 || a->key != b->key || a->value == b->value)
                continue;
            matches++;
            right_matched[r] = true;
            if (!is_half)
                expect_pair(out, a, b, false);
        }
        bool pads = kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL;
        if (is_half ? (matches != 0) == (kind == PLAN_JOIN_SEMI) : pads && matches == 0)
            expect_pair(out, &left->rows[l], NULL, is_half);
    }
    if (kind != PLAN_JOIN_RIGHT && kind != PLAN_JOIN_FULL)
        return;
    for (uint32_t r = 0; r < right->count; r++)
        if (!right_matched[r])
            expect_pair(out, NULL, &right->rows[r], false);
}

static void run_random(TestRandom *random, int size_index, PlanJoinKind kind,
                       PlanJoinSideState left, PlanJoinSideState right)
{
    Joined joined = join_new(size_index, kind, left, right);
    Arena *arena = joined.bench->arena;
    const Schema *pair = test_schema(arena, "k INT, a STRING, rk INT, b STRING");
    joined.plan.condition =
        test_call(arena, "<>", 2, test_column(arena, pair, "a"), test_column(arena, pair, "b"));
    joined.bench->emitter.allows_halves = true; /* a -U may match where its +U does not */
    join_open(&joined);
    static Side sides[2];
    sides[0] = (Side){.state = left};
    sides[1] = (Side){.state = right};
    Fold *actual = memory_zalloc(sizeof(*actual)), *expected = memory_zalloc(sizeof(*expected));
    Buffer text = {0};
    for (uint32_t round = 0; round < 24; round++) {
        uint32_t side = test_below(random, 2);
        buffer_clear(&text);
        for (uint32_t c = test_below(random, 20) + 1; c > 0; c--)
            change_side(&sides[side], random, &text);
        bench_feed(joined.bench, side, buffer_text(&text));
        bench_fold(joined.bench, actual);
        recompute(kind, &sides[0], &sides[1], expected);
        fold_compare(actual, expected);
        fold_free(expected);
        if (round % 9 == 8)
            bench_restart(joined.bench);
    }
    bool empties = left != PLAN_SIDE_APPENDS && right != PLAN_SIDE_APPENDS;
    for (uint32_t side = 0; side < 2 && empties; side++) {
        buffer_clear(&text);
        while (sides[side].count != 0)
            print_row(&text, "-D", sides[side].rows[--sides[side].count]);
        bench_feed(joined.bench, side, buffer_text(&text));
    }
    bench_fold(joined.bench, actual);
    if (empties) {
        ck_assert_uint_eq(actual->count, 0);
        ck_assert_uint_eq(state_store_keys(joined.bench->context.state), 0);
    }
    buffer_deinit(&text);
    fold_free(actual);
    free(actual);
    free(expected);
    bench_free(joined.bench);
}

START_TEST(random_changes_equal_a_nested_loop)
{
    TestRandom random = test_random("join");
    for (PlanJoinKind kind = PLAN_JOIN_INNER; kind <= PLAN_JOIN_ANTI; kind++)
        for (PlanJoinSideState left = PLAN_SIDE_KEY_UNIQUE; left <= PLAN_SIDE_APPENDS; left++)
            for (PlanJoinSideState right = PLAN_SIDE_KEY_UNIQUE; right <= PLAN_SIDE_APPENDS;
                 right++)
                run_random(&random, _i, kind, left, right);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("join");
    int sizes = (int)array_count(batch_sizes);
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, inner_keeps_the_kind_of_the_arriving_row, 0, sizes);
    tcase_add_loop_test(cases, left_pads_and_never_updates, 0, sizes);
    tcase_add_loop_test(cases, right_mirrors_left, 0, sizes);
    tcase_add_loop_test(cases, full_pads_both_sides, 0, sizes);
    tcase_add_loop_test(cases, theta_compares_with_every_row, 0, sizes);
    tcase_add_loop_test(cases, theta_crosses_the_bounds_of_block_and_chunk, 0, sizes);
    tcase_add_loop_test(cases, mark_says_whether_a_row_has_a_match, 0, sizes);
    tcase_add_loop_test(cases, single_rows_are_asked_for_at_an_epoch, 0, sizes);
    tcase_add_loop_test(cases, semi_and_anti_show_left_rows, 0, sizes);
    tcase_add_loop_test(cases, null_keys_match_where_they_may, 0, sizes);
    tcase_add_loop_test(cases, an_extra_condition_decides_pairs, 0, sizes);
    tcase_add_loop_test(cases, a_replaced_row_is_one_match, 0, sizes);
    tcase_add_loop_test(cases, a_key_comes_again_after_its_last_row_went, 0, sizes);
    tcase_add_loop_test(cases, a_row_that_goes_on_is_begun_once, 0, sizes);
    tcase_add_loop_test(cases, many_matches_cross_the_bound_of_a_run, 0, sizes);
    tcase_add_loop_test(cases, random_changes_equal_a_nested_loop, 0, sizes);
    return test_run("join", cases);
}
