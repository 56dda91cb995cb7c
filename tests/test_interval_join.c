/* Interval join: pairs within bounds, pads when nothing can match any more, memory given back. */
#include "tests/operator_bench.h"

extern const OperatorClass op_interval_join;

/* (k INT, ts TIMESTAMP) and (k INT, ts TIMESTAMP), joined on k. */
static Bench *interval_new(uint32_t batch_rows, PlanIntervalJoin *plan)
{
    Bench *bench = bench_new(batch_rows);
    for (uint32_t s = 0; s < 2; s++) {
        bench_input(bench, test_schema(bench->arena, "k INT, ts TIMESTAMP"), CHANGES_INSERT_ONLY);
        plan->join.sides[s].keys = test_columns(bench->arena, 1, 0);
        plan->times[s] = 1;
    }
    plan->join.key_count = 1;
    plan->join.null_matches = arena_new_one(bench->arena, bool);
    const Schema *out = test_schema(bench->arena, "k INT, ts TIMESTAMP, k2 INT, ts2 TIMESTAMP");
    bench_open(bench, &op_interval_join, out, plan);
    return bench;
}

START_TEST(bounds_are_inclusive_and_pads_come_when_nothing_can_match)
{
    PlanIntervalJoin plan = {
        .join.kind = PLAN_JOIN_FULL, .lower_us = -1000000, .upper_us = 2000000};
    Bench *bench = interval_new(batch_sizes[_i], &plan);
    bench_check(bench, 0, "+I[1, @03]\n+I[2, @03]\n+I[NULL, @03]\n", "");
    bench_check(bench, 1, "+I[1, @04]\n+I[1, @04.001]\n+I[1, @01]\n+I[1, @00.999]\n",
                "+I[1, @03.000, 1, @04.000]\n+I[1, @03.000, 1, @01.000]\n");
    bench_restart(bench);
    bench_watermark(bench, 4000);
    bench_expect(bench, "+I[NULL, NULL, 1, @00.999]\nwatermark 2000\n");
    bench_watermark(bench, 4001);
    bench_expect(bench, "+I[2, @03.000, NULL, NULL]\n+I[NULL, @03.000, NULL, NULL]\n"
                        "watermark 2001\n");
    /* What is kept still matches; what comes too late to be kept is padded at once. */
    bench_check(bench, 0, "+I[1, @03.001]\n+I[5, @03.001]\n+I[1, NULL]\n",
                "+I[1, @03.001, 1, @04.000]\n+I[1, @03.001, 1, @04.001]\n"
                "+I[5, @03.001, NULL, NULL]\n+I[1, NULL, NULL, NULL]\n");
    bench_watermark(bench, INT64_MAX);
    bench_expect(bench, "");
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    bench_free(bench);
}
END_TEST

START_TEST(rows_stay_for_the_cleanup_interval)
{
    PlanIntervalJoin plan = {.join.kind = PLAN_JOIN_LEFT, .min_cleanup_us = 500000};
    Bench *bench = interval_new(batch_sizes[_i], &plan);
    bench_check(bench, 0, "+I[1, @01]\n+I[2, @01]\n", "");
    bench_watermark(bench, 1500);
    bench_expect(bench, "watermark 1500\n");
    bench_check(bench, 1, "+I[1, @01]\n", "+I[1, @01.000, 1, @01.000]\n");
    bench_watermark(bench, 1501);
    bench_expect(bench, "+I[2, @01.000, NULL, NULL]\nwatermark 1501\n");
    bench_free(bench);
}
END_TEST

START_TEST(the_clock_lets_rows_of_processing_time_go)
{
    PlanIntervalJoin plan = {
        .join.kind = PLAN_JOIN_LEFT, .is_processing = true, .lower_us = -1000000, .upper_us = 0};
    Bench *bench = interval_new(batch_sizes[_i], &plan);
    bench_check(bench, 0, "+I[1, NULL]\n+I[2, NULL]\n", "");
    bench_clock(bench, 1000);
    bench_check(bench, 1, "+I[1, NULL]\n", "+I[1, NULL, 1, NULL]\n");
    bench_restart(bench);
    bench_clock(bench, 1001);
    bench_expect(bench, "+I[2, NULL, NULL, NULL]\n");
    bench_check(bench, 1, "+I[2, NULL]\n", "");
    bench_free(bench);
}
END_TEST

/* ------------------------------------------------- random rows, out of order */

#define RANDOM_ROWS 120

typedef struct RandomRow {
    int32_t key; /* -1: NULL */
    int64_t time_ms;
    bool matched;
} RandomRow;

static uint32_t next_random(uint32_t *state, uint32_t below)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % below;
}

static void print_side(const RandomRow *row, Buffer *out)
{
    if (row == NULL) {
        buffer_append_text(out, "NULL, NULL");
        return;
    }
    if (row->key < 0)
        buffer_append_text(out, "NULL, ");
    else
        buffer_printf(out, "%d, ", row->key);
    datetime_print(datetime_from_micros(row->time_ms * 1000), 3, out);
}

static void print_pair(const RandomRow *left, const RandomRow *right, Buffer *out)
{
    buffer_append_text(out, "+I[");
    print_side(left, out);
    buffer_append_text(out, ", ");
    print_side(right, out);
    buffer_append_text(out, "]\n");
}

/* All pairs and pads, found by looking at every pair. */
static void join_plainly(RandomRow *left, RandomRow *right, const PlanIntervalJoin *plan,
                         Buffer *out)
{
    for (uint32_t l = 0; l < RANDOM_ROWS; l++)
        for (uint32_t r = 0; r < RANDOM_ROWS; r++) {
            int64_t distance_us = (left[l].time_ms - right[r].time_ms) * 1000;
            if (left[l].key < 0 || left[l].key != right[r].key || distance_us < plan->lower_us ||
                distance_us > plan->upper_us)
                continue;
            left[l].matched = right[r].matched = true;
            print_pair(&left[l], &right[r], out);
        }
    for (uint32_t i = 0; i < RANDOM_ROWS; i++) {
        if (!left[i].matched)
            print_pair(&left[i], NULL, out);
        if (!right[i].matched)
            print_pair(NULL, &right[i], out);
    }
}

static int compare_lines(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The lines but for watermarks, sorted, joined again. */
static char *sorted_lines(Arena *arena, const char *text)
{
    char *copy = arena_strdup(arena, text), *rest = NULL;
    char **lines = arena_new_array(arena, char *, strlen(text) + 1);
    size_t count = 0;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
        if (strncmp(line, "watermark", 9) != 0)
            lines[count++] = line;
    if (count > 0)
        qsort(lines, count, sizeof(*lines), compare_lines);
    Buffer out = {0};
    for (size_t i = 0; i < count; i++)
        buffer_printf(&out, "%s\n", lines[i]);
    char *sorted = arena_strdup(arena, buffer_text(&out));
    buffer_deinit(&out);
    return sorted;
}

START_TEST(rows_out_of_order_give_what_looking_at_every_pair_gives)
{
    uint32_t random = (uint32_t)_i * 7919u + 17u;
    PlanIntervalJoin plan = {.join.kind = PLAN_JOIN_FULL};
    plan.lower_us = ((int64_t)next_random(&random, 4000) - 2000) * 1000;
    plan.upper_us = plan.lower_us + (int64_t)next_random(&random, 3000) * 1000;
    Bench *bench = interval_new(batch_sizes[_i % 3], &plan);
    RandomRow rows[2][RANDOM_ROWS];
    int64_t least_ms = 0;
    for (uint32_t i = 0; i < RANDOM_ROWS; i++) {
        for (uint32_t s = 0; s < 2; s++) {
            Buffer line = {0};
            rows[s][i] = (RandomRow){.key = (int32_t)next_random(&random, 5) - 1,
                                     .time_ms = least_ms + next_random(&random, 4000)};
            buffer_append_text(&line, "+I[");
            print_side(&rows[s][i], &line);
            buffer_append_text(&line, "]\n");
            bench_feed(bench, s, buffer_text(&line));
            buffer_deinit(&line);
        }
        least_ms += next_random(&random, 300);
        if (next_random(&random, 3) == 0)
            bench_watermark(bench, least_ms - 1);
        if (next_random(&random, 20) == 0)
            bench_restart(bench);
    }
    bench_watermark(bench, INT64_MAX);
    Buffer expected = {0};
    join_plainly(rows[0], rows[1], &plan, &expected);
    ck_assert_str_eq(sorted_lines(bench->arena, buffer_text(&bench->emitter.text)),
                     sorted_lines(bench->arena, buffer_text(&expected)));
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    buffer_deinit(&expected);
    bench_free(bench);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("interval_join");
    int sizes = (int)array_count(batch_sizes);
    tcase_add_loop_test(cases, bounds_are_inclusive_and_pads_come_when_nothing_can_match, 0, sizes);
    tcase_add_loop_test(cases, rows_stay_for_the_cleanup_interval, 0, sizes);
    tcase_add_loop_test(cases, the_clock_lets_rows_of_processing_time_go, 0, sizes);
    tcase_add_loop_test(cases, rows_out_of_order_give_what_looking_at_every_pair_gives, 0, 60);
    return test_run("interval_join", cases);
}
