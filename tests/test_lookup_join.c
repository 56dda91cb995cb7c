/* Lookup join: rows with what a made-up table says, which may hold its answers back, fail, and
 * change between two rows. */
#include <stdatomic.h>

#include "executor/lookup/join.h"
#include "tests/operator_bench.h"

extern const OperatorClass op_lookup_join;

/* ------------------------------------------------------------------- the table */

/* (k INT, v STRING). Rows change only while nothing is under way. */
static struct {
    int32_t keys[64];
    const char *values[64];
    uint32_t count;
    _Atomic int32_t held;     /* a question with this key waits; -1: none */
    _Atomic int32_t failures; /* so many questions fail */
    _Atomic uint32_t asked;   /* keys */
} table;

static void table_set(uint32_t count, const int32_t *keys, const char *const *values)
{
    table.count = count;
    for (uint32_t i = 0; i < count; i++) {
        table.keys[i] = keys[i];
        table.values[i] = values[i];
    }
    atomic_store(&table.held, -1);
    atomic_store(&table.failures, 0);
    atomic_store(&table.asked, 0);
}

#define TABLE(...)                                                                                 \
    table_set(array_count(((int32_t[]){__VA_ARGS__})), (int32_t[]){__VA_ARGS__},                   \
              (const char *[]){"a", "b", "c", "d", "e"})

struct Lookup {
    LookupContext context;
};

static bool fake_compares(const Type *type, bool ordered)
{
    return true;
}

static Lookup *fake_open(const LookupContext *context, Error *error)
{
    Lookup *lookup = memory_zalloc(sizeof(*lookup));
    lookup->context = *context;
    return lookup;
}

static Batch *table_rows(const Schema *schema)
{
    Batch *batch = batch_new(schema, 64);
    for (uint32_t i = 0; i < table.count; i++) {
        ((int32_t *)batch->columns[0].data)[i] = table.keys[i];
        vector_set_str(&batch->columns[1], i, str_of(table.values[i]), batch->arena);
    }
    batch->row_count = table.count;
    return batch;
}

/* Gives all rows, whatever was asked for: who asks must choose. */
static bool fake_find(Lookup *lookup, const Batch *keys, LookupGive give, void *to, Error *error)
{
    if (keys == NULL)
        return true;
    for (uint32_t i = 0; i < keys->row_count; i++)
        while (((const int32_t *)keys->columns[0].data)[i] == atomic_load(&table.held))
            if (lookup->context.stopped(lookup->context.stopped_to))
                return error_set(error, ERROR_CANCELLED, "stopped");
    if (atomic_fetch_sub(&table.failures, 1) > 0)
        return error_set(error, ERROR_NETWORK, "could not reach the table");
    atomic_fetch_add(&table.asked, keys->row_count);
    give(to, table_rows(lookup->context.info->scan.schema), NULL);
    return true;
}

static void fake_close(Lookup *lookup)
{
    memory_free(lookup);
}

static const struct LookupClass fake_lookup = {fake_compares, fake_open, fake_find, fake_close};

struct Source {
    const Schema *schema;
    bool given;
};

static Source *fake_source_open(const SourceContext *context, Error *error)
{
    Source *source = memory_zalloc(sizeof(*source));
    source->schema = context->scans[0].schema;
    return source;
}

static SourceState fake_source_next(Source *source, int64_t timeout_ms, Batch **batch,
                                    uint32_t *scan, Error *error)
{
    if (source->given)
        return SOURCE_END;
    source->given = true;
    *scan = 0;
    *batch = table_rows(source->schema);
    return SOURCE_BATCH;
}

static void fake_source_close(Source *source)
{
    memory_free(source);
}

static const SourceClass fake_source = {
    .open = fake_source_open, .next = fake_source_next, .close = fake_source_close};
static const Connector fake_connector = {
    .name = "fake", .source = &fake_source, .lookup = &fake_lookup, .lookup_by_scan = true};

/* ------------------------------------------------------------------ the operator */

static PlanLookupJoin plan_of(PlanJoinKind kind, PlanLookupCache cache)
{
    static const bool never[] = {false};
    return (PlanLookupJoin){.kind = kind,
                            .connector = &fake_connector,
                            .null_matches = never,
                            .key_count = 1,
                            .cache = cache,
                            .caches_missing = true,
                            .max_rows = 2,
                            .capacity = 100,
                            .timeout_ms = 30000,
                            .max_retries = 3};
}

/* (id INT, k INT) with (k INT, v STRING). */
static Bench *lookup_new(uint32_t batch_rows, PlanLookupJoin *plan)
{
    static const TableInfo info = {.name = "fake"};
    Bench *bench = bench_new(batch_rows);
    Arena *arena = bench->arena;
    bench_input(bench, test_schema(arena, "id INT, k INT"), CHANGES_ALL);
    plan->right = test_schema(arena, "k INT, v STRING");
    plan->info.scan = (ScanInfo){.table = &info,
                                 .columns = test_columns(arena, 2, 0, 1),
                                 .column_count = 2,
                                 .schema = plan->right};
    plan->info.keys = test_columns(arena, 1, 0);
    plan->info.key_count = 1;
    plan->left_keys = test_columns(arena, 1, 1);
    plan->right_keys = test_columns(arena, 1, 0);
    bench->emitter.allows_halves = true;
    bench_open(bench, &op_lookup_join, test_schema(arena, "id INT, k INT, k2 INT, v STRING"), plan);
    bench_clock(bench, 0);
    return bench;
}

static void settle(Bench *bench, const char *lines)
{
    bench_barrier(bench);
    bench_expect(bench, lines);
}

/* Lets the operator take answers until it has emitted so many bytes. */
static void wait_for_output(Bench *bench, size_t length)
{
    Error error = {0};
    for (int tries = 0; bench->emitter.text.length < length && tries < 20000; tries++) {
        ck_assert_msg(op_lookup_join.ready(bench->op, &bench->emitter, &error), "%s",
                      error.message);
        clock_sleep_us(1000);
    }
}

START_TEST(rows_come_out_in_order_with_all_their_matches)
{
    TABLE(2, 1, 2, 4);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_LEFT, _i / 3 == 0   ? PLAN_LOOKUP_NONE
                                                  : _i / 3 == 1 ? PLAN_LOOKUP_PARTIAL
                                                                : PLAN_LOOKUP_FULL);
    Bench *bench = lookup_new(batch_sizes[_i % 3], &plan);
    for (int round = 0; round < 3; round++) {
        bench_feed(bench, 0, "+I[1, 1]\n+I[2, 2]\n-D[3, 3]\n-U[4, NULL]\n+U[5, 1]\n");
        settle(bench, "+I[1, 1, 1, b]\n+I[2, 2, 2, a]\n+I[2, 2, 2, c]\n-D[3, 3, NULL, NULL]\n"
                      "-U[4, NULL, NULL, NULL]\n+U[5, 1, 1, b]\n");
        bench_restart(bench);
    }
    bench_feed(bench, 0, "+I[6, 4]\n");
    bench_end(bench);
    bench_expect(bench, "+I[6, 4, 4, d]\n");
    bench_free(bench);
}
END_TEST

START_TEST(conditions_filters_and_projections_choose_matches)
{
    TABLE(2, 1, 2, 4);
    PlanLookupJoin plan = plan_of(_i / 6 == 0 ? PLAN_JOIN_INNER : PLAN_JOIN_LEFT,
                                  _i / 3 % 2 == 0 ? PLAN_LOOKUP_NONE : PLAN_LOOKUP_FULL);
    Arena *arena = arena_new(4096);
    const Schema *right = test_schema(arena, "k INT, v STRING");
    const Schema *both = test_schema(arena, "id INT, k INT, k2 INT, v STRING");
    plan.filter = test_call(arena, "<>", 2, test_column(arena, right, "v"), test_text(arena, "a"));
    const Expr *projections[] = {test_column(arena, right, "k"),
                                 test_call(arena, "UPPER", 1, test_column(arena, right, "v"))};
    plan.projections = projections;
    plan.condition =
        test_call(arena, "<=", 2, test_column(arena, both, "k2"), test_column(arena, both, "id"));
    Bench *bench = lookup_new(batch_sizes[_i % 3], &plan);
    bench_feed(bench, 0, "+I[1, 1]\n+I[1, 2]\n+I[2, 2]\n+I[3, 4]\n+I[4, 4]\n");
    settle(bench, plan.kind == PLAN_JOIN_INNER
                      ? "+I[1, 1, 1, B]\n+I[2, 2, 2, C]\n+I[4, 4, 4, D]\n"
                      : "+I[1, 1, 1, B]\n+I[1, 2, NULL, NULL]\n+I[2, 2, 2, C]\n"
                        "+I[3, 4, NULL, NULL]\n+I[4, 4, 4, D]\n");
    bench_free(bench);
    arena_free(arena);
}
END_TEST

START_TEST(answers_wait_for_those_before_them)
{
    TABLE(1, 2, 3);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_INNER, PLAN_LOOKUP_NONE);
    Bench *bench = lookup_new(2048, &plan);
    atomic_store(&table.held, 1);
    bench_feed(bench, 0, "+I[1, 1]\n");
    bench_watermark(bench, 5);
    bench_feed(bench, 0, "+I[2, 2]\n");
    bench_watermark(bench, 7);
    for (int tries = 0; atomic_load(&table.asked) == 0 && tries < 20000; tries++)
        clock_sleep_us(1000);
    wait_for_output(bench, 0);
    bench_expect(bench, "");
    atomic_store(&table.held, -1);
    settle(bench, "+I[1, 1, 1, a]\nwatermark 5\n+I[2, 2, 2, b]\nwatermark 7\n");
    bench_watermark(bench, 9);
    bench_expect(bench, "watermark 9\n");
    bench_free(bench);
}
END_TEST

START_TEST(rows_may_pass_others_but_not_a_watermark)
{
    TABLE(1, 2, 3);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_INNER, PLAN_LOOKUP_NONE);
    plan.unordered = true;
    Bench *bench = lookup_new(2048, &plan);
    atomic_store(&table.held, 1);
    bench_feed(bench, 0, "+I[1, 1]\n");
    bench_feed(bench, 0, "+I[2, 2]\n");
    bench_watermark(bench, 5);
    bench_feed(bench, 0, "+I[3, 3]\n");
    wait_for_output(bench, 15);
    bench_expect(bench, "+I[2, 2, 2, b]\n");
    atomic_store(&table.held, -1);
    settle(bench, "+I[1, 1, 1, a]\nwatermark 5\n+I[3, 3, 3, c]\n");
    bench_free(bench);
}
END_TEST

START_TEST(a_key_is_asked_for_once_a_batch_and_remembered)
{
    TABLE(1, 2, 3);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_LEFT, PLAN_LOOKUP_PARTIAL);
    plan.expire_after_write_ms = 1000;
    Bench *bench = lookup_new(2048, &plan);
    bench_feed(bench, 0, "+I[1, 1]\n+I[2, 1]\n+I[3, 9]\n+I[4, 9]\n");
    bench_barrier(bench);
    ck_assert_uint_eq(atomic_load(&table.asked), 2);
    bench_feed(bench, 0, "+I[5, 1]\n+I[6, 9]\n");
    bench_barrier(bench);
    ck_assert_uint_eq(atomic_load(&table.asked), 2);
    /* A third key drives the one out that was not used longest: 1. */
    bench_feed(bench, 0, "+I[7, 2]\n");
    bench_barrier(bench);
    bench_feed(bench, 0, "+I[8, 9]\n");
    bench_barrier(bench);
    ck_assert_uint_eq(atomic_load(&table.asked), 3);
    bench_feed(bench, 0, "+I[9, 1]\n");
    bench_barrier(bench);
    ck_assert_uint_eq(atomic_load(&table.asked), 4);
    bench_clock(bench, 1000);
    bench_feed(bench, 0, "+I[10, 9]\n");
    bench_barrier(bench);
    ck_assert_uint_eq(atomic_load(&table.asked), 5);
    bench_free(bench);
}
END_TEST

START_TEST(what_fails_is_tried_again_so_often)
{
    TABLE(1, 2);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_INNER, PLAN_LOOKUP_NONE);
    plan.max_retries = 2;
    Bench *bench = lookup_new(2048, &plan);
    atomic_store(&table.failures, 2);
    bench_feed(bench, 0, "+I[1, 1]\n");
    settle(bench, "+I[1, 1, 1, a]\n");
    atomic_store(&table.failures, 3);
    Error error = {0};
    bench_feed(bench, 0, "+I[1, 1]\n");
    ck_assert(!op_lookup_join.barrier(bench->op, 1, &bench->emitter, &error));
    ck_assert_str_eq(error.message, "lookup of table \"fake\": could not reach the table");
    ck_assert_str_eq(error.detail, "It was tried 3 times (\"lookup.max-retries\").");
    ck_assert(error_retryable(&error));
    bench_free(bench);
}
END_TEST

START_TEST(an_answer_that_does_not_come_ends_the_job)
{
    TABLE(1);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_INNER, PLAN_LOOKUP_NONE);
    plan.timeout_ms = 5000;
    Bench *bench = lookup_new(2048, &plan);
    atomic_store(&table.held, 1);
    bench_feed(bench, 0, "+I[1, 1]\n");
    bench_clock(bench, 4999);
    Error error = {0};
    clock_hand_set(&bench->clock, 5000000);
    ck_assert(!op_lookup_join.alarm(bench->op, 5000000, &bench->emitter, &error));
    ck_assert_str_eq(error.message, "lookup of table \"fake\": no answer came in 5000 ms");
    bench_free(bench);
}
END_TEST

START_TEST(missing_keys_are_asked_for_again)
{
    TABLE(1);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_LEFT, PLAN_LOOKUP_NONE);
    plan.miss_attempts = 2;
    plan.miss_delay_ms = 10;
    Bench *bench = lookup_new(batch_sizes[_i], &plan);
    bench_feed(bench, 0, "+I[1, 2]\n+I[2, 1]\n+I[3, 3]\n");
    settle(bench, "");
    bench_restart(bench);
    bench_clock(bench, 9);
    settle(bench, "");
    TABLE(1, 2);
    bench_clock(bench, 10);
    if (_i != 0)
        settle(bench, "");
    bench_restart(bench);
    bench_clock(bench, 20);
    settle(bench, "+I[1, 2, 2, b]\n+I[2, 1, 1, a]\n+I[3, 3, NULL, NULL]\n");
    /* Without anything that waits nothing stays in the state. */
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_feed(bench, 0, "+I[4, 7]\n");
    bench_end(bench);
    bench_expect(bench, "+I[4, 7, NULL, NULL]\n");
    bench_free(bench);
}
END_TEST

START_TEST(rows_are_taken_back_as_they_were_given)
{
    PlanLookupJoin plan = plan_of(_i < 6 ? PLAN_JOIN_LEFT : PLAN_JOIN_INNER,
                                  _i / 3 % 2 == 0 ? PLAN_LOOKUP_NONE : PLAN_LOOKUP_FULL);
    bool left = plan.kind == PLAN_JOIN_LEFT;
    plan.keeps_answers = true;
    TABLE(1, 1);
    Bench *bench = lookup_new(batch_sizes[_i % 3], &plan);
    bench_feed(bench, 0, "+I[1, 1]\n+I[2, 2]\n+I[3, NULL]\n");
    settle(bench, left ? "+I[1, 1, 1, a]\n+I[1, 1, 1, b]\n+I[2, 2, NULL, NULL]\n"
                         "+I[3, NULL, NULL, NULL]\n"
                       : "+I[1, 1, 1, a]\n+I[1, 1, 1, b]\n");
    TABLE(2);
    bench_restart(bench); /* FULL reads the table anew */
    /* The same row again, which finds other rows; then both are taken back, the newer first. */
    bench_feed(bench, 0, "+I[1, 1]\n+I[2, 2]\n");
    settle(bench, left ? "+I[1, 1, NULL, NULL]\n+I[2, 2, 2, a]\n" : "+I[2, 2, 2, a]\n");
    bench_feed(bench, 0, "-D[2, 2]\n-U[2, 2]\n+U[4, 2]\n-D[3, NULL]\n-D[9, 1]\n");
    settle(bench, left ? "-D[2, 2, 2, a]\n-U[2, 2, NULL, NULL]\n+U[4, 2, 2, a]\n"
                         "-D[3, NULL, NULL, NULL]\n"
                       : "-D[2, 2, 2, a]\n+U[4, 2, 2, a]\n");
    bench_restart(bench);
    bench_feed(bench, 0, "-D[4, 2]\n-D[1, 1]\n-D[1, 1]\n");
    settle(bench, left ? "-D[4, 2, 2, a]\n-D[1, 1, NULL, NULL]\n-D[1, 1, 1, a]\n-D[1, 1, 1, b]\n"
                       : "-D[4, 2, 2, a]\n-D[1, 1, 1, a]\n-D[1, 1, 1, b]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(many_keys_take_several_questions)
{
    TABLE(1, 2, 3, 4, 1999);
    PlanLookupJoin plan = plan_of(PLAN_JOIN_INNER, PLAN_LOOKUP_NONE);
    plan.capacity = 1 + (uint32_t)_i * 3;
    Bench *bench = lookup_new(2048, &plan);
    Buffer rows = {0};
    for (int i = 0; i < 2000; i++)
        buffer_printf(&rows, "+I[%d, %d]\n", i, i);
    for (int round = 0; round < 5; round++)
        bench_feed(bench, 0, buffer_text(&rows));
    bench_barrier(bench);
    ck_assert_uint_eq(atomic_load(&table.asked), 10000);
    const char *once = "+I[1, 1, 1, a]\n+I[2, 2, 2, b]\n+I[3, 3, 3, c]\n+I[4, 4, 4, d]\n"
                       "+I[1999, 1999, 1999, e]\n";
    Buffer expected = {0};
    for (int round = 0; round < 5; round++)
        buffer_append_text(&expected, once);
    bench_expect(bench, buffer_text(&expected));
    buffer_deinit(&expected);
    buffer_deinit(&rows);
    bench_free(bench);
}
END_TEST

/* More matches in a batch than are held at once. */
START_TEST(many_matches_come_out_bit_by_bit)
{
    TABLE(1);
    table.count = 40;
    for (int k = 0; k < 40; k++) {
        table.keys[k] = 1;
        table.values[k] = k % 2 == 0 ? "even" : "odd";
    }
    PlanLookupJoin plan =
        plan_of(PLAN_JOIN_LEFT, _i % 2 == 0 ? PLAN_LOOKUP_FULL : PLAN_LOOKUP_NONE);
    plan.keeps_answers = _i / 2 != 0;
    Bench *bench = lookup_new(2048, &plan);
    Buffer rows = {0}, expected = {0};
    for (int i = 0; i < 2000; i++) {
        buffer_printf(&rows, "+I[%d, %d]\n", i, i % 100 == 7 ? 2 : 1);
        for (int k = 0; k < 40 && i % 100 != 7; k++)
            buffer_printf(&expected, "+I[%d, 1, 1, %s]\n", i, k % 2 == 0 ? "even" : "odd");
        if (i % 100 == 7)
            buffer_printf(&expected, "+I[%d, 2, NULL, NULL]\n", i);
    }
    bench_feed(bench, 0, buffer_text(&rows));
    bench_barrier(bench);
    ck_assert(strcmp(buffer_text(&bench->emitter.text), buffer_text(&expected)) == 0);
    buffer_deinit(&rows);
    buffer_deinit(&expected);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("lookup_join");
    tcase_set_timeout(cases, 60);
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, rows_come_out_in_order_with_all_their_matches, 0, 3 * sizes);
    tcase_add_loop_test(cases, conditions_filters_and_projections_choose_matches, 0, 4 * sizes);
    tcase_add_test(cases, answers_wait_for_those_before_them);
    tcase_add_test(cases, rows_may_pass_others_but_not_a_watermark);
    tcase_add_test(cases, a_key_is_asked_for_once_a_batch_and_remembered);
    tcase_add_test(cases, what_fails_is_tried_again_so_often);
    tcase_add_test(cases, an_answer_that_does_not_come_ends_the_job);
    tcase_add_loop_test(cases, missing_keys_are_asked_for_again, 0, sizes);
    tcase_add_loop_test(cases, rows_are_taken_back_as_they_were_given, 0, 4 * sizes);
    tcase_add_loop_test(cases, many_keys_take_several_questions, 0, 3);
    tcase_add_loop_test(cases, many_matches_come_out_bit_by_bit, 0, 4);
    return test_run("lookup_join", cases);
}
