/* Jobs without checkpoints: rows from fed tables and sources through operators to whoever asked, in
 * one thread and several, and every way a job ends. */
#include "executor/runtime/worker.h"
#include "tests/job_fixture.h"
#include "tests/suite.h"

#include <stdatomic.h>

typedef struct Received {
    Buffer text;
    Buffer notices;
    uint32_t largest_batch;
    bool refuse;
} Received;

static bool receive(void *to, const Batch *batch, Error *error)
{
    Received *received = to;
    if (received->refuse)
        return error_set(error, ERROR_CANCELLED, "the reader has gone");
    if (batch->row_count > received->largest_batch)
        received->largest_batch = batch->row_count;
    changelog_print(batch, NULL, &received->text);
    return true;
}

static void notice(void *to, const char *text)
{
    Received *received = to;
    buffer_printf(&received->notices, "%s\n", text);
}

static JobConfig job_config(Received *received, uint32_t parallelism, uint32_t batch_rows)
{
    return (JobConfig){
        .name = "test",
        .parallelism = parallelism,
        .batch_rows = batch_rows,
        .queue_bytes = 100000,
        .clock = &clock_system,
        .restart_attempts = -1,
        .on_rows = receive,
        .notice = notice,
        .to = received,
    };
}

static Job *start(Plan *plan, const JobConfig *config)
{
    Error error;
    error_clear(&error);
    Job *job = job_start(plan, config, &error);
    ck_assert_msg(job != NULL, "%s", error.message);
    return job;
}

static void feed(Job *job, const char *table, const char *text)
{
    Error error;
    ck_assert_msg(job_feed(job, table, fixture_batch(text), &error), "%s", error.message);
}

static void settle(Job *job)
{
    Error error;
    ck_assert_msg(job_settle(job, &error), "%s", error.message);
}

static void drop(Received *received)
{
    buffer_deinit(&received->text);
    buffer_deinit(&received->notices);
}

START_TEST(test_fed_rows_arrive_in_order)
{
    fixture_reset();
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *a = fixture_scan(plan, "a", NULL, CHANGES_ALL);
    PlanNode *b = fixture_scan(plan, "b", NULL, CHANGES_ALL);
    fixture_sink(plan, fixture_union(plan, a, b), NULL);
    JobConfig config = job_config(&received, 1, _i == 0 ? BATCH_ROWS_MAX : 1);
    Job *job = start(plan, &config);
    feed(job, "a", "+I[1, 1, x]\n+I[2, 2, y]\n");
    feed(job, "b", "+I[3, 3, a text that is long enough]");
    feed(job, "a", "-U[1, 1, x]\n+U[1, 4, NULL]\n-D[2, 2, y]");
    settle(job);
    ck_assert_str_eq(buffer_text(&received.text), "+I[1, 1, x]\n+I[2, 2, y]\n"
                                                  "+I[3, 3, a text that is long enough]\n"
                                                  "-U[1, 1, x]\n+U[1, 4, NULL]\n-D[2, 2, y]\n");
    /* An update stays whole in a batch of one. */
    ck_assert_uint_eq(received.largest_batch, _i == 0 ? 3 : 2);
    Error error;
    ck_assert(job_feed_end(job, "a", &error));
    ck_assert(!job_feed(job, "a", fixture_batch("+I[1, 1, x]"), &error));
    ck_assert(!job_wait(job, 20));
    ck_assert(job_feed_end(job, "b", &error));
    ck_assert(job_wait(job, 5000));
    JobStatus status;
    job_status(job, &status);
    ck_assert_int_eq(status.state, JOB_FINISHED);
    ck_assert_uint_eq(status.rows_in, 6);
    ck_assert_uint_eq(status.rows_out, 6);
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_bad_feed_is_refused)
{
    fixture_reset();
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    fixture_sink(plan, fixture_scan(plan, "orders", NULL, CHANGES_INSERT_ONLY), NULL);
    JobConfig config = job_config(&received, 1, 100);
    Job *job = start(plan, &config);
    Error error;
    error_clear(&error);
    ck_assert(!job_feed(job, "order", fixture_batch("+I[1, 1, x]"), &error));
    ck_assert_int_eq(error.code, ERROR_NAME);
    ck_assert_ptr_nonnull(strstr(error.hint, "orders"));
    ck_assert(!job_feed(job, "orders", fixture_batch("-D[1, 1, x]"), &error));
    ck_assert_int_eq(error.code, ERROR_DATA);
    feed(job, "orders", "+I[1, 1, x]");
    settle(job);
    ck_assert_str_eq(buffer_text(&received.text), "+I[1, 1, x]\n");
    job_cancel(job);
    ck_assert(job_wait(job, 5000));
    ck_assert(!job_settle(job, &error));
    ck_assert(!job_feed(job, "orders", fixture_batch("+I[1, 1, x]"), &error));
    ck_assert_int_eq(error.code, ERROR_CANCELLED);
    job_free(job);
    drop(&received);
}
END_TEST

/* What the last row per key is, kept one row at a time. */
static char *expected_last(int64_t rows, int64_t keys)
{
    Buffer out = {0};
    Batch *batch = batch_new(&fixture_schema, (uint32_t)rows);
    for (int64_t v = 0; v < rows; v++)
        counter_add(batch, v);
    for (int64_t k = 0; k < keys && k < rows; k++) {
        int64_t last = k + (rows - 1 - k) / keys * keys;
        changelog_print_row(batch, (uint32_t)last, NULL, &out);
        buffer_append_char(&out, '\n');
    }
    batch_release(batch);
    char *sorted = sorted_lines(buffer_text(&out));
    buffer_deinit(&out);
    return sorted;
}

/* The rows that a changelog leaves: each retraction removes one equal row. */
static char *fold(const char *changelog)
{
    Buffer out = {0};
    char *copy = memory_strdup(changelog);
    char **lines = memory_zalloc((strlen(copy) + 1) * sizeof(*lines));
    size_t count = 0;
    char *rest = NULL;
    for (char *line = strtok_r(copy, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest)) {
        bool retracts = strncmp(line, "-U", 2) == 0 || strncmp(line, "-D", 2) == 0;
        if (!retracts) {
            lines[count++] = line;
            continue;
        }
        size_t i = count;
        while (i > 0 && strcmp(lines[i - 1] + 2, line + 2) != 0)
            i--;
        ck_assert_msg(i > 0, "%s retracts what is not there", line);
        lines[i - 1] = lines[--count];
    }
    for (size_t i = 0; i < count; i++)
        buffer_printf(&out, "+I%s\n", lines[i] + 2);
    char *sorted = sorted_lines(buffer_text(&out));
    buffer_deinit(&out);
    memory_free(lines);
    memory_free(copy);
    return sorted;
}

START_TEST(test_source_through_keyed_state)
{
    static const uint32_t widths[] = {1, 2, 4};
    fixture_reset();
    world.rows = 3000;
    world.keys = 97;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    const Connector *from = _i % 2 == 0 ? &blocking_counter : &counter;
    PlanNode *scan = fixture_scan(plan, "numbers", from, CHANGES_INSERT_ONLY);
    PlanNode *pass = fixture_union(plan, scan, NULL);
    fixture_sink(plan, fixture_normalize(plan, pass), NULL);
    JobConfig config = job_config(&received, widths[_i / 2], _i % 2 == 0 ? 1 : BATCH_ROWS_MAX);
    Job *job = start(plan, &config);
    ck_assert(job_wait(job, 20000));
    Error error;
    job_error(job, &error);
    ck_assert_msg(error.code == ERROR_NONE, "%s", error.message);
    char *got = fold(buffer_text(&received.text));
    /* One source in order: the last row per key is known; several race for it. */
    if (from == &blocking_counter && widths[_i / 2] == 1) {
        size_t keys = 0;
        for (const char *c = got; *c != '\0'; c++)
            keys += *c == '\n';
        ck_assert_uint_eq(keys, 97);
    }
    OperatorStatus figures[8];
    ck_assert_uint_eq(job_operators(job, figures, 8), 4);
    ck_assert_uint_eq(figures[0].rows_out, 3000);
    ck_assert_uint_eq(figures[1].rows_in, 3000);
    ck_assert_uint_eq(figures[2].rows_in, 3000);
    ck_assert_uint_eq(figures[2].state_keys, 97);
    ck_assert_uint_gt(figures[2].state_bytes, 0);
    ck_assert_int_eq(figures[3].watermark_us, INT64_MAX);
    memory_free(got);
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_fed_keyed_state_equals_oracle)
{
    static const uint32_t widths[] = {1, 2, 4};
    fixture_reset();
    world.keys = 13;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", NULL, CHANGES_ALL);
    fixture_sink(plan, fixture_normalize(plan, scan), NULL);
    JobConfig config = job_config(&received, widths[_i % 3], _i < 3 ? 1 : 50);
    Job *job = start(plan, &config);
    for (int64_t v = 0; v < 1000;) {
        Batch *batch = batch_new(&fixture_schema, 200);
        for (uint32_t i = 0; i < 200; i++)
            counter_add(batch, v++);
        Error error;
        ck_assert(job_feed(job, "numbers", batch, &error));
        settle(job);
        char *got = fold(buffer_text(&received.text));
        char *expected = expected_last(v, 13);
        ck_assert_str_eq(got, expected);
        memory_free(got);
        memory_free(expected);
    }
    job_stop(job, true);
    ck_assert(job_wait(job, 5000));
    JobStatus status;
    job_status(job, &status);
    ck_assert_int_eq(status.state, JOB_STOPPED);
    job_free(job);
    drop(&received);
}
END_TEST

/* Two sources in the same threads are read about equally fast. */
START_TEST(test_sources_take_turns)
{
    fixture_reset();
    world.rows = 40000;
    world.keys = 7;
    world.batch_rows = 10;
    world.delay_us = 20;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *a = fixture_scan(plan, "a", &counter, CHANGES_INSERT_ONLY);
    PlanNode *b = fixture_scan(plan, "b", &counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_union(plan, a, b), NULL);
    JobConfig config = job_config(&received, 2, 100);
    Job *job = start(plan, &config);
    OperatorStatus figures[8];
    do {
        clock_sleep_us(1000);
        ck_assert_uint_eq(job_operators(job, figures, 8), 4);
    } while (figures[0].rows_out + figures[1].rows_out < 20000);
    ck_assert_uint_lt(figures[0].rows_out, figures[1].rows_out * 2);
    ck_assert_uint_lt(figures[1].rows_out, figures[0].rows_out * 2);
    ck_assert(job_wait(job, 20000));
    job_operators(job, figures, 8);
    ck_assert_uint_eq(figures[2].rows_in, 80000);
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_values_end_by_themselves)
{
    fixture_reset();
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanValues values = {0};
    Batch *rows = fixture_batch("+I[1, 1, x]\n+I[2, 2, NULL]");
    const Batch *batches[] = {rows, rows};
    values.batches = batches;
    values.batch_count = 2;
    fixture_sink(plan, fixture_node(plan, "values", &values, CHANGES_INSERT_ONLY), NULL);
    JobConfig config = job_config(&received, 2, 100);
    Job *job = start(plan, &config);
    ck_assert(job_wait(job, 5000));
    ck_assert_str_eq(buffer_text(&received.text), "+I[1, 1, x]\n+I[2, 2, NULL]\n"
                                                  "+I[1, 1, x]\n+I[2, 2, NULL]\n");
    job_free(job);
    batch_release(rows);
    drop(&received);
}
END_TEST

START_TEST(test_one_scan_feeds_two_sinks)
{
    fixture_reset();
    world.rows = 500;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_normalize(plan, scan), &ledger);
    fixture_sink(plan, scan, NULL);
    JobConfig config = job_config(&received, (uint32_t)_i + 1, 100);
    Job *job = start(plan, &config);
    ck_assert(job_wait(job, 5000));
    JobStatus status;
    job_status(job, &status);
    ck_assert_int_eq(status.state, JOB_FINISHED);
    size_t lines = 0;
    for (const char *c = buffer_text(&received.text); *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 500);
    ck_assert_ptr_nonnull(strstr(buffer_text(&world.visible), "+I["));
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_stop_shows_what_was_read)
{
    fixture_reset();
    world.rows = 100;
    world.endless = true;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", &blocking_counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, scan, NULL);
    JobConfig config = job_config(&received, 2, 100);
    Job *job = start(plan, &config);
    JobStatus status = {0};
    while (status.rows_in < 100)
        job_status(job, &status);
    job_stop(job, _i == 1);
    ck_assert(job_wait(job, 5000));
    job_status(job, &status);
    ck_assert_int_eq(status.state, JOB_STOPPED);
    ck_assert_uint_eq(status.rows_out, 100);
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_failure_names_the_table)
{
    fixture_reset();
    world.rows = 1000;
    world.fail_at_call = 3;
    world.fail_with = ERROR_DATA;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_normalize(plan, scan), NULL);
    JobConfig config = job_config(&received, 2, 100);
    Job *job = start(plan, &config);
    ck_assert(job_wait(job, 5000));
    JobStatus status;
    job_status(job, &status);
    ck_assert_int_eq(status.state, JOB_FAILED);
    Error error;
    job_error(job, &error);
    ck_assert_str_eq(error.message, "table \"numbers\": the counter broke");
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_reader_that_goes_cancels)
{
    fixture_reset();
    world.rows = 1000;
    Received received = {.refuse = true};
    Plan *plan = fixture_plan(128);
    fixture_sink(plan, fixture_scan(plan, "numbers", &blocking_counter, CHANGES_INSERT_ONLY), NULL);
    JobConfig config = job_config(&received, 1, 100);
    Job *job = start(plan, &config);
    ck_assert(job_wait(job, 5000));
    JobStatus status;
    job_status(job, &status);
    ck_assert_int_eq(status.state, JOB_CANCELLED);
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_not_null_is_enforced)
{
    static const uint32_t third[] = {2};
    fixture_reset();
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "a", NULL, CHANGES_ALL);
    PlanSink *sink = fixture_sink(plan, scan, NULL);
    sink->not_null = third;
    sink->not_null_count = 1;
    sink->drop_null_rows = _i == 1;
    sink->takes = CHANGES_UPSERT;
    JobConfig config = job_config(&received, 1, 100);
    Job *job = start(plan, &config);
    feed(job, "a", "+I[1, 1, x]\n-U[1, 1, x]\n+U[1, 2, y]");
    settle(job);
    feed(job, "a", "+I[2, 1, NULL]\n+I[3, 1, z]");
    if (_i == 1) {
        settle(job);
        ck_assert_str_eq(buffer_text(&received.text), "+I[1, 1, x]\n+U[1, 2, y]\n+I[3, 1, z]\n");
    } else {
        ck_assert(job_wait(job, 5000));
        Error error;
        ck_assert(!job_settle(job, &error));
        ck_assert_int_eq(error.code, ERROR_DATA);
        ck_assert_ptr_nonnull(strstr(error.message, "table \"out\": column \"s\""));
        ck_assert_str_eq(buffer_text(&received.text), "+I[1, 1, x]\n+U[1, 2, y]\n");
    }
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_watermark_is_the_minimum)
{
    fixture_reset();
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *a = fixture_scan(plan, "a", NULL, CHANGES_INSERT_ONLY);
    PlanNode *b = fixture_scan(plan, "b", NULL, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_union(plan, a, b), NULL);
    JobConfig config = job_config(&received, 1, 100);
    Job *job = start(plan, &config);
    OperatorStatus figures[4];
    Error error;
    ck_assert(job_feed_watermark(job, "a", 10, &error));
    settle(job);
    job_operators(job, figures, 4);
    ck_assert_int_eq(figures[0].watermark_us, 10);
    ck_assert_int_eq(figures[2].watermark_us, INT64_MIN);
    ck_assert(job_feed_watermark(job, "b", 7, &error));
    ck_assert(job_feed_watermark(job, "b", 5, &error));
    settle(job);
    job_operators(job, figures, 4);
    ck_assert_int_eq(figures[3].watermark_us, 7);
    ck_assert(job_feed_end(job, "b", &error));
    settle(job);
    job_operators(job, figures, 4);
    ck_assert_int_eq(figures[3].watermark_us, 10);
    job_free(job);
    drop(&received);
}
END_TEST

START_TEST(test_state_limit)
{
    fixture_reset();
    world.rows = 100000;
    world.keys = 100000;
    Received received = {.largest_batch = 0};
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_normalize(plan, scan), NULL);
    JobConfig config = job_config(&received, (uint32_t)_i + 1, 2000);
    config.state_memory_limit_bytes = 1000000;
    Job *job = start(plan, &config);
    ck_assert(job_wait(job, 20000));
    Error error;
    job_error(job, &error);
    ck_assert_int_eq(error.code, ERROR_LIMIT);
    ck_assert_ptr_nonnull(strstr(error.message, "may keep 1.0 MiB"));
    ck_assert_ptr_nonnull(strstr(error.detail, "normalize"));
    job_free(job);
    drop(&received);
}
END_TEST

static void count_share(void *to, uint32_t share)
{
    atomic_uint *counts = to;
    atomic_fetch_add(&counts[share], 1);
}

START_TEST(test_every_share_is_done_once)
{
    static const uint32_t shares[] = {1, 2, 7, WORKER_SHARES_MAX};
    atomic_uint counts[WORKER_SHARES_MAX];
    for (uint32_t i = 0; i < WORKER_SHARES_MAX; i++)
        atomic_init(&counts[i], 0);
    workers_share(shares[_i], count_share, counts);
    for (uint32_t i = 0; i < WORKER_SHARES_MAX; i++)
        ck_assert_uint_eq(atomic_load(&counts[i]), i < shares[_i] ? 1 : 0);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("job");
    tcase_set_timeout(cases, 60);
    tcase_add_loop_test(cases, test_fed_rows_arrive_in_order, 0, 2);
    tcase_add_test(cases, test_bad_feed_is_refused);
    tcase_add_loop_test(cases, test_source_through_keyed_state, 0, 6);
    tcase_add_loop_test(cases, test_fed_keyed_state_equals_oracle, 0, 6);
    tcase_add_test(cases, test_sources_take_turns);
    tcase_add_test(cases, test_values_end_by_themselves);
    tcase_add_loop_test(cases, test_one_scan_feeds_two_sinks, 0, 3);
    tcase_add_loop_test(cases, test_stop_shows_what_was_read, 0, 2);
    tcase_add_test(cases, test_failure_names_the_table);
    tcase_add_test(cases, test_reader_that_goes_cancels);
    tcase_add_loop_test(cases, test_not_null_is_enforced, 0, 2);
    tcase_add_test(cases, test_watermark_is_the_minimum);
    tcase_add_loop_test(cases, test_state_limit, 0, 2);
    tcase_add_loop_test(cases, test_every_share_is_done_once, 0, 4);
    return test_run("job", cases);
}
