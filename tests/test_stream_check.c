/* The debug check between operators: each rule, broken once. */
#include "tests/job_fixture.h"

#include "executor/runtime/stream_check.h"
#include "tests/suite.h"

typedef struct Checked {
    Plan *plan;
    StreamCheck check;
} Checked;

static Checked checked(ChangeKinds kinds, bool pairs)
{
    fixture_reset();
    Checked made = {.plan = fixture_plan(128)};
    PlanNode *node = fixture_scan(made.plan, "a", &counter, kinds);
    stream_check_init(&made.check, node, pairs);
    return made;
}

/* Whether the check lets the rows pass. */
static bool passes(ChangeKinds kinds, bool pairs, const char *rows)
{
    Checked made = checked(kinds, pairs);
    Batch *batch = fixture_batch(rows);
    Error error;
    error_clear(&error);
    bool passed = stream_check_batch(&made.check, batch, &error);
    ck_assert_int_eq(error.code, passed ? ERROR_NONE : ERROR_INTERNAL);
    batch_release(batch);
    arena_free(made.plan->arena);
    return passed;
}

START_TEST(test_kinds)
{
    ck_assert(passes(CHANGES_INSERT_ONLY, true, "+I[1, 1, x]"));
    ck_assert(!passes(CHANGES_INSERT_ONLY, true, "+I[1, 1, x]\n-D[1, 1, x]"));
    ck_assert(!passes(CHANGES_UPSERT, true, "-U[1, 1, x]\n+U[1, 1, x]"));
    ck_assert(passes(CHANGES_UPSERT, true, "+U[1, 1, x]\n+U[1, 1, x]"));
}
END_TEST

START_TEST(test_pairs)
{
    ck_assert(passes(CHANGES_ALL, true, "+I[1, 1, x]\n-U[1, 1, x]\n+U[1, 2, x]\n-D[1, 2, x]"));
    ck_assert(!passes(CHANGES_ALL, true, "-U[1, 1, x]\n+I[2, 1, x]\n+U[1, 2, x]"));
    ck_assert(!passes(CHANGES_ALL, true, "+U[1, 1, x]"));
    ck_assert(!passes(CHANGES_ALL, true, "+I[1, 1, x]\n-U[1, 1, x]"));
    ck_assert(passes(CHANGES_ALL, false, "-U[1, 1, x]\n-U[2, 1, x]\n+U[1, 2, x]\n+U[2, 2, x]"));
}
END_TEST

START_TEST(test_columns)
{
    static const Column columns[] = {{"k", &type_bigint}, {"v", &type_int}, {"s", &type_string}};
    static const Schema other = {3, columns};
    static const Schema fewer = {2, fixture_columns};
    Checked made = checked(CHANGES_ALL, false);
    Error error;
    const Schema *const wrong[] = {&other, &fewer};
    for (size_t i = 0; i < array_count(wrong); i++) {
        Batch *batch = batch_new(wrong[i], 1);
        batch->row_count = 1;
        ck_assert(!stream_check_batch(&made.check, batch, &error));
        batch_release(batch);
    }
    arena_free(made.plan->arena);
}
END_TEST

START_TEST(test_order_of_the_rest)
{
    Checked made = checked(CHANGES_ALL, false);
    Error error;
    ck_assert(stream_check_watermark(&made.check, 5, &error));
    ck_assert(stream_check_watermark(&made.check, 5, &error));
    ck_assert(!stream_check_watermark(&made.check, 4, &error));
    ck_assert(stream_check_barrier(&made.check, 1, &error));
    ck_assert(stream_check_barrier(&made.check, 3, &error));
    ck_assert(!stream_check_barrier(&made.check, 3, &error));
    ck_assert(stream_check_end(&made.check, &error));
    ck_assert(!stream_check_end(&made.check, &error));
    ck_assert(!stream_check_watermark(&made.check, 6, &error));
    ck_assert(!stream_check_barrier(&made.check, 4, &error));
    Batch *batch = fixture_batch("+I[1, 1, x]");
    ck_assert(!stream_check_batch(&made.check, batch, &error));
    batch_release(batch);
    arena_free(made.plan->arena);
}
END_TEST

START_TEST(test_where_pairs_are_expected)
{
    Checked made = checked(CHANGES_ALL, true);
    Plan *plan = made.plan;
    PlanNode *scan = plan->nodes[0];
    PlanNode *pass = fixture_union(plan, scan, NULL);
    PlanNode *normalize = fixture_normalize(plan, pass);
    PlanNode *fed = fixture_scan(plan, "b", NULL, CHANGES_ALL);
    static const bool whole[] = {false, false};
    static const bool split[] = {true, false};
    static const bool pairs[] = {true, true, true, false};
    ck_assert(stream_has_pairs(scan, pairs, whole));
    ck_assert(stream_has_pairs(pass, pairs, whole));
    ck_assert(!stream_has_pairs(pass, pairs, split));
    ck_assert(stream_has_pairs(normalize, pairs, split));
    ck_assert(!stream_has_pairs(fed, pairs, whole));
    ck_assert(!stream_has_pairs(fixture_union(plan, scan, fed), pairs, whole));
    arena_free(plan->arena);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("stream_check");
    tcase_add_test(cases, test_kinds);
    tcase_add_test(cases, test_pairs);
    tcase_add_test(cases, test_columns);
    tcase_add_test(cases, test_order_of_the_rest);
    tcase_add_test(cases, test_where_pairs_are_expected);
    return test_run("stream_check", cases);
}
