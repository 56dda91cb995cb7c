/* Rank and deduplicate: the exact changelog of every rule, and random changes against a list. */
#include "tests/rounds.h"

extern const OperatorClass op_rank, op_deduplicate;

static const PlanSortKey by_value[] = {{1, false, false}};
static const uint32_t by_key[] = {0};

/* Rows of a key k, a value v and a name s. */
static Bench *rank_new(int size_index, const PlanRank *plan, ChangeKinds kinds)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    bench_input(bench, test_schema(bench->arena, "k INT, v INT, s STRING"), kinds);
    const Schema *output =
        test_schema(bench->arena, plan->with_number ? "k INT, v INT, s STRING, rn BIGINT"
                                                    : "k INT, v INT, s STRING");
    bench_open(bench, &op_rank, output, plan);
    return bench;
}

static PlanRank plan_of(PlanRankStrategy strategy, uint64_t first, uint64_t last, bool with_number)
{
    return (PlanRank){
        .strategy = strategy,
        .partition = by_key,
        .partition_count = 1,
        .order = by_value,
        .order_count = 1,
        .first = first,
        .last = last,
        .last_column = -1,
        .with_number = with_number,
    };
}

START_TEST(numbers_pass_on_over_inserts)
{
    PlanRank plan = plan_of(PLAN_RANK_APPEND, 1, 2, true);
    Bench *bench = rank_new(_i, &plan, CHANGES_INSERT_ONLY);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 5, b]\n+I[2, 9, z]\n",
                "+I[1, 5, a, 1]\n+I[1, 5, b, 2]\n+I[2, 9, z, 1]\n");
    bench_restart(bench);
    /* Equal to the last of a full range: behind it. */
    bench_check(bench, 0, "+I[1, 5, c]\n", "");
    bench_check(bench, 0, "+I[1, 4, d]\n",
                "-U[1, 5, a, 1]\n+U[1, 4, d, 1]\n-U[1, 5, b, 2]\n+U[1, 5, a, 2]\n");
    bench_check(bench, 0, "+I[1, 4, e]\n", "-U[1, 5, a, 2]\n+U[1, 4, e, 2]\n");
    bench_free(bench);
}
END_TEST

START_TEST(without_numbers_one_leaves_and_one_comes)
{
    PlanRank plan = plan_of(PLAN_RANK_APPEND, 1, 2, false);
    Bench *bench = rank_new(_i, &plan, CHANGES_INSERT_ONLY);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, NULL, b]\n+I[1, 6, c]\n",
                "+I[1, 5, a]\n+I[1, NULL, b]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 4, d]\n", "-D[1, 5, a]\n+I[1, 4, d]\n");
    bench_free(bench);
}
END_TEST

START_TEST(a_gone_row_draws_the_rest_up)
{
    PlanRank plan = plan_of(PLAN_RANK_RETRACT, 1, 2, true);
    Bench *bench = rank_new(_i, &plan, CHANGES_ALL);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+I[1, 7, c]\n+I[1, 7, d]\n",
                "+I[1, 5, a, 1]\n+I[1, 6, b, 2]\n");
    bench_restart(bench);
    bench_check(bench, 0, "-D[1, 5, a]\n",
                "-U[1, 5, a, 1]\n+U[1, 6, b, 1]\n-U[1, 6, b, 2]\n+U[1, 7, c, 2]\n");
    /* An update is a row that goes and one that comes, behind its equals. */
    bench_check(bench, 0, "-U[1, 7, c]\n+U[1, 7, cc]\n", "-U[1, 7, c, 2]\n+U[1, 7, d, 2]\n");
    bench_check(bench, 0, "-D[1, 6, x]\n-D[9, 6, b]\n", "");
    bench_check(bench, 0, "-D[1, 7, cc]\n-D[1, 7, d]\n-D[1, 6, b]\n",
                "-D[1, 7, d, 2]\n-D[1, 6, b, 1]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(without_numbers_a_row_moves_in)
{
    PlanRank plan = plan_of(PLAN_RANK_RETRACT, 1, 1, false);
    Bench *bench = rank_new(_i, &plan, CHANGES_ALL);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 4, b]\n", "+I[1, 5, a]\n-D[1, 5, a]\n+I[1, 4, b]\n");
    bench_check(bench, 0, "-D[1, 4, b]\n-D[1, 5, a]\n", "-D[1, 4, b]\n+I[1, 5, a]\n-D[1, 5, a]\n");
    bench_free(bench);
}
END_TEST

START_TEST(an_offset_hands_on_numbers_that_are_not_shown)
{
    PlanRank plan = plan_of(PLAN_RANK_APPEND, 2, 3, false);
    Bench *bench = rank_new(_i, &plan, CHANGES_INSERT_ONLY);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+I[1, 7, c]\n", "+I[1, 6, b]\n+I[1, 7, c]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 1, d]\n", "-U[1, 6, b]\n+U[1, 5, a]\n-U[1, 7, c]\n+U[1, 6, b]\n");
    bench_free(bench);
}
END_TEST

/* Where nobody takes -U, pairs of different rows would leave the old ones behind. */
START_TEST(an_offset_without_before_swaps)
{
    PlanRank plan = plan_of(PLAN_RANK_RETRACT, 2, 3, false);
    Bench *bench = bench_new(batch_sizes[_i]);
    bench->node.traits.wants_before = false;
    const Schema *schema = test_schema(bench->arena, "k INT, v INT, s STRING");
    bench_input(bench, schema, CHANGES_ALL);
    bench_open(bench, &op_rank, schema, &plan);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+I[1, 7, c]\n+I[1, 1, d]\n",
                "+I[1, 6, b]\n+I[1, 7, c]\n-D[1, 7, c]\n+I[1, 5, a]\n");
    bench_check(bench, 0, "-D[1, 1, d]\n-D[1, 6, b]\n", "-D[1, 5, a]\n+I[1, 7, c]\n-D[1, 6, b]\n");
    bench_free(bench);
}
END_TEST

START_TEST(a_better_row_moves_forward)
{
    PlanRank plan = plan_of(PLAN_RANK_UPDATE, 1, 2, true);
    static const uint32_t row_key[] = {0, 2};
    plan.row_key = (ColumnSet){2, row_key};
    Bench *bench = rank_new(_i, &plan, CHANGES_UPSERT);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+I[1, 7, c]\n",
                "+I[1, 5, a, 1]\n+I[1, 6, b, 2]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+U[1, 4, b]\n",
                "-U[1, 5, a, 1]\n+U[1, 4, b, 1]\n-U[1, 6, b, 2]\n+U[1, 5, a, 2]\n");
    bench_check(bench, 0, "+U[1, 4, b]\n", "-U[1, 4, b, 1]\n+U[1, 4, b, 1]\n");
    bench_check(bench, 0, "+U[1, 3, c]\n",
                "-U[1, 4, b, 1]\n+U[1, 3, c, 1]\n-U[1, 5, a, 2]\n+U[1, 4, b, 2]\n");
    /* It fell out, and comes back as a new row. */
    bench_check(bench, 0, "+U[1, 1, a]\n",
                "-U[1, 3, c, 1]\n+U[1, 1, a, 1]\n-U[1, 4, b, 2]\n+U[1, 3, c, 2]\n");
    bench_free(bench);

    plan.with_number = false;
    bench = rank_new(_i, &plan, CHANGES_UPSERT);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+U[1, 4, b]\n+I[1, 4, c]\n",
                "+I[1, 5, a]\n+I[1, 6, b]\n-U[1, 6, b]\n+U[1, 4, b]\n-D[1, 5, a]\n+I[1, 4, c]\n");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 3);
    bench_free(bench);
}
END_TEST

START_TEST(ties_share_a_number)
{
    PlanRank plan = plan_of(PLAN_RANK_RETRACT, 1, 2, true);
    plan.function = PLAN_RANK_RANK;
    Bench *bench = rank_new(_i, &plan, CHANGES_ALL);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+I[1, 6, c]\n+I[1, 7, d]\n",
                "+I[1, 5, a, 1]\n+I[1, 6, b, 2]\n+I[1, 6, c, 2]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 5, e]\n", "-D[1, 6, b, 2]\n-D[1, 6, c, 2]\n+I[1, 5, e, 1]\n");
    bench_check(bench, 0, "-D[1, 5, a]\n-D[1, 5, e]\n",
                "-D[1, 5, a, 1]\n+I[1, 6, b, 2]\n+I[1, 6, c, 2]\n"
                "-D[1, 5, e, 1]\n-U[1, 6, b, 2]\n+U[1, 6, b, 1]\n-U[1, 6, c, 2]\n+U[1, 6, c, 1]\n");
    bench_free(bench);

    plan.function = PLAN_RANK_DENSE_RANK;
    plan.strategy = PLAN_RANK_APPEND;
    bench = rank_new(_i, &plan, CHANGES_INSERT_ONLY);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 6, b]\n+I[1, 6, c]\n+I[1, 7, d]\n",
                "+I[1, 5, a, 1]\n+I[1, 6, b, 2]\n+I[1, 6, c, 2]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 5, e]\n+I[1, 4, f]\n",
                "+I[1, 5, e, 1]\n-U[1, 5, a, 1]\n+U[1, 5, a, 2]\n-U[1, 5, e, 1]\n+U[1, 5, e, 2]\n"
                "-D[1, 6, b, 2]\n-D[1, 6, c, 2]\n+I[1, 4, f, 1]\n");
    bench_free(bench);
}
END_TEST

/* ---------------------------------------------------------------------- deduplicate */

static Bench *deduplicate_new(int size_index, const PlanDeduplicate *plan)
{
    Bench *bench = bench_new(batch_sizes[size_index]);
    const Schema *schema = test_schema(bench->arena, "k INT, v INT, s STRING");
    bench_input(bench, schema, CHANGES_INSERT_ONLY);
    bench_open(bench, &op_deduplicate, schema, plan);
    return bench;
}

START_TEST(the_best_row_stays)
{
    PlanDeduplicate plan = {.key = by_key, .key_count = 1, .order = by_value, .order_count = 1};
    Bench *bench = deduplicate_new(_i, &plan);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 5, b]\n+I[2, 5, c]\n", "+I[1, 5, a]\n+I[2, 5, c]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 6, d]\n+I[1, 4, e]\n+I[1, NULL, f]\n",
                "-U[1, 5, a]\n+U[1, 4, e]\n-U[1, 4, e]\n+U[1, NULL, f]\n");
    bench_free(bench);

    plan.later_wins = true;
    bench = deduplicate_new(_i, &plan);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 5, b]\n+I[1, 6, c]\n",
                "+I[1, 5, a]\n-U[1, 5, a]\n+U[1, 5, b]\n");
    bench_free(bench);
}
END_TEST

START_TEST(the_first_or_the_last_by_arrival)
{
    PlanDeduplicate plan = {.key = by_key, .key_count = 1};
    Bench *bench = deduplicate_new(_i, &plan);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 4, b]\n", "+I[1, 5, a]\n");
    bench_restart(bench);
    bench_check(bench, 0, "+I[1, 3, c]\n", "");
    bench_free(bench);

    plan.later_wins = plan.drops_unchanged = true;
    bench = deduplicate_new(_i, &plan);
    bench_check(bench, 0, "+I[1, 5, a]\n+I[1, 5, a]\n+I[1, 6, b]\n",
                "+I[1, 5, a]\n-U[1, 5, a]\n+U[1, 6, b]\n");
    bench_free(bench);
}
END_TEST

/* --------------------------------------------------------------------------- random */

typedef struct ListRow {
    uint32_t value;
    char text[24];
} ListRow;

/* The number of a row among those of its key, which stand in order. */
static uint64_t number_in(const ListRow *rows, uint32_t at, PlanRankFunction function)
{
    uint64_t dense = 1, ranked = 1;
    for (uint32_t i = 1; i <= at; i++)
        if (rows[i].value != rows[i - 1].value) {
            dense++;
            ranked = i + 1;
        }
    if (function == PLAN_RANK_ROW_NUMBER)
        return at + 1;
    return function == PLAN_RANK_RANK ? ranked : dense;
}

static void expect_range(Fold *fold, const ListRow *rows, uint32_t count, const PlanRank *plan)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t number = number_in(rows, i, plan->function);
        char text[64];
        if (number < plan->first || number > plan->last)
            continue;
        int length = plan->with_number ? snprintf(text, sizeof(text), "[%s, %llu]", rows[i].text,
                                                  (unsigned long long)number)
                                       : snprintf(text, sizeof(text), "[%s]", rows[i].text);
        fold_add(fold, text, (size_t)length);
    }
}

static void random_case(TestRandom *random, int size_index, const PlanRank *plan, bool retracts)
{
    Bench *bench = rank_new(size_index, plan, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    static ListRow rows[3][1024];
    uint32_t counts[3] = {0};
    Rounds rounds = rounds_open(bench, 10);
    for (uint32_t round = 0; round < 40; round++) {
        for (uint32_t c = test_below(random, 9) + 1; c > 0; c--) {
            uint32_t k = test_below(random, 3);
            ListRow *list = rows[k];
            if (counts[k] != 0 && retracts && test_below(random, 9) < 4) {
                uint32_t at = test_below(random, counts[k]);
                while (at > 0 && strcmp(list[at - 1].text, list[at].text) == 0)
                    at--; /* of equal rows the first goes */
                buffer_printf(&rounds.text, "-D[%s]\n", list[at].text);
                memmove(list + at, list + at + 1, sizeof(*list) * (--counts[k] - at));
                continue;
            }
            uint32_t value = test_below(random, 6), at = counts[k]++;
            for (; at > 0 && list[at - 1].value > value; at--)
                list[at] = list[at - 1];
            list[at].value = value;
            snprintf(list[at].text, sizeof(list[at].text), "%u, %u, n%u", k, value, round * 16 + c);
            buffer_printf(&rounds.text, "+I[%s]\n", list[at].text);
        }
        rounds_feed(&rounds);
        for (uint32_t k = 0; k < 3; k++)
            expect_range(rounds.expected, rows[k], counts[k], plan);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}

START_TEST(random_changes_equal_a_list)
{
    TestRandom random = test_random("rank");
    static const uint64_t ranges[][2] = {{1, 1}, {1, 3}, {2, 4}, {3, 3}, {2, UINT64_MAX}, {1, 200}};
    for (size_t r = 0; r < array_count(ranges); r++)
        for (uint32_t kind = 0; kind < 12; kind++) {
            PlanRank plan = plan_of(kind % 2 == 0 ? PLAN_RANK_RETRACT : PLAN_RANK_APPEND,
                                    ranges[r][0], ranges[r][1], kind / 2 % 2 == 0);
            plan.function = (PlanRankFunction)(kind / 4);
            random_case(&random, _i, &plan, kind % 2 == 0);
        }
}
END_TEST

/* All rows expire, and nothing says so; half-way somebody has looked for one that was not there. */
static void expire_all(Rounds *rounds, int64_t ttl_ms)
{
    Bench *bench = rounds->bench;
    for (uint32_t half = 0; half < 2; half++) {
        int64_t now_ms = bench->environment.batch_time_us / 1000 + ttl_ms / 2 + half;
        bench->environment.batch_time_us = now_ms * 1000;
        state_store_advance(bench->context.state, now_ms);
        if (half == 0)
            bench_check(bench, 0, "-D[1, 0, none]\n-D[1, 1, none]\n", "");
    }
    fold_free(rounds->actual);
}

/* Hundreds of rows with one sort key, some the same: of those the first goes. */
static void many_ties_case(TestRandom *random, int size_index, const PlanRank *plan)
{
    Bench *bench = rank_new(size_index, plan, CHANGES_ALL);
    static ListRow rows[1024];
    uint32_t count = 0;
    int64_t ttl_ms = plan->state_ttl_ms;
    Rounds rounds = rounds_open(bench, ttl_ms == 0 ? 7 : UINT32_MAX);
    for (uint32_t round = 0; round < 24; round++) {
        bool begins = round % (ttl_ms == 0 ? 24 : 3) == 0;
        if (begins && ttl_ms != 0) {
            expire_all(&rounds, ttl_ms);
            count = 0;
        }
        for (uint32_t c = !begins ? 12 : round % 2 == 0 ? 300 : 130; c > 0; c--) {
            bool goes = !begins && test_below(random, 8) < (round < 16 ? 4 : 7);
            if (goes && count != 0) {
                uint32_t at = test_below(random, count);
                for (uint32_t i = at; i > 0; i--)
                    at = strcmp(rows[i - 1].text, rows[at].text) == 0 ? i - 1 : at;
                buffer_printf(&rounds.text, "-D[%s]\n", rows[at].text);
                memmove(rows + at, rows + at + 1, sizeof(*rows) * (--count - at));
                continue;
            }
            uint32_t value = test_below(random, 2), at = count++;
            for (; at > 0 && rows[at - 1].value > value; at--)
                rows[at] = rows[at - 1];
            rows[at].value = value;
            snprintf(rows[at].text, sizeof(rows[at].text), "1, %u, n%u", value,
                     test_below(random, 150));
            buffer_printf(&rounds.text, "+I[%s]\n", rows[at].text);
        }
        rounds_feed(&rounds);
        expect_range(rounds.expected, rows, count, plan);
        rounds_compare(&rounds);
    }
    rounds_close(&rounds);
}

START_TEST(many_ties_equal_a_list)
{
    TestRandom random = test_random("rank among ties");
    for (uint32_t kind = 0; kind < 6; kind++) {
        PlanRank plan = plan_of(PLAN_RANK_RETRACT, 2, kind % 3 == 0 ? 90 : 5, kind % 3 == 1);
        plan.function = kind % 3 == 2 ? PLAN_RANK_RANK : PLAN_RANK_ROW_NUMBER;
        plan.state_ttl_ms = kind < 3 ? 0 : 1000;
        many_ties_case(&random, _i, &plan);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("rank");
    int sizes = (int)array_count(batch_sizes);
    tcase_set_timeout(cases, 120);
    tcase_add_loop_test(cases, numbers_pass_on_over_inserts, 0, sizes);
    tcase_add_loop_test(cases, without_numbers_one_leaves_and_one_comes, 0, sizes);
    tcase_add_loop_test(cases, a_gone_row_draws_the_rest_up, 0, sizes);
    tcase_add_loop_test(cases, without_numbers_a_row_moves_in, 0, sizes);
    tcase_add_loop_test(cases, an_offset_hands_on_numbers_that_are_not_shown, 0, sizes);
    tcase_add_loop_test(cases, an_offset_without_before_swaps, 0, sizes);
    tcase_add_loop_test(cases, a_better_row_moves_forward, 0, sizes);
    tcase_add_loop_test(cases, ties_share_a_number, 0, sizes);
    tcase_add_loop_test(cases, the_best_row_stays, 0, sizes);
    tcase_add_loop_test(cases, the_first_or_the_last_by_arrival, 0, sizes);
    tcase_add_loop_test(cases, random_changes_equal_a_list, 0, sizes);
    tcase_add_loop_test(cases, many_ties_equal_a_list, 0, sizes);
    return test_run("rank", cases);
}
