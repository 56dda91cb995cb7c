/* Jobs with checkpoints: killed, failing, restarted, stopped, at another parallelism. What a
 * transactional sink shows must be what an undisturbed run shows: nothing lost, nothing twice. */
#include "tests/job_fixture.h"
#include "tests/suite.h"

#include <sqlite3.h>
#include <stdatomic.h>

static Buffer notices;
static atomic_uint given_up; /* checkpoints, of the test */

static void notice(void *to, const char *text)
{
    pthread_mutex_lock(&world.lock);
    buffer_printf(&notices, "%s\n", text);
    if (strstr(text, "was given up") != NULL)
        given_up++;
    pthread_mutex_unlock(&world.lock);
}

static void reset(void)
{
    fixture_reset();
    buffer_deinit(&notices);
    given_up = 0;
}

static JobConfig job_config(const char *directory, uint32_t parallelism)
{
    return (JobConfig){
        .name = "test",
        .parallelism = parallelism,
        .batch_rows = BATCH_ROWS_MAX,
        .queue_bytes = 50000,
        .checkpoint_interval_ms = 5,
        .checkpoint_timeout_ms = 30000,
        .checkpoint_directory = directory,
        .checkpoints_retained = 1,
        .restart_attempts = -1,
        .notice = notice,
    };
}

static Job *start(Plan *plan, const JobConfig *config)
{
    Error error;
    error_clear(&error);
    Job *job = job_start(plan, config, &error);
    ck_assert_msg(job != NULL, "%s\n%s", error.message, error.detail);
    return job;
}

static JobState end_state(Job *job)
{
    ck_assert(job_wait(job, 30000));
    JobStatus status;
    job_status(job, &status);
    return status.state;
}

static void expect_state(Job *job, JobState state)
{
    JobState is = end_state(job);
    Error error;
    job_error(job, &error);
    ck_assert_msg(is == state, "the job ended as %d: %s", is, error.message);
}

/* numbers → last row per key → ledger */
static Plan *keyed_plan(void)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
    fixture_sink(plan, fixture_normalize(plan, scan), &ledger);
    return plan;
}

/* numbers → ledger, with a hand-over between threads */
static Plan *plain_plan(void)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
    PlanNode *pass = fixture_union(plan, scan, NULL);
    pass->inputs[0].distribution = DISTRIBUTE_HASH;
    fixture_sink(plan, pass, &ledger);
    return plan;
}

/* numbers → ledger on two ways that meet: each row comes twice */
static Plan *diamond_plan(const Connector *numbers)
{
    Plan *plan = fixture_plan(128);
    PlanNode *scan = fixture_scan(plan, "numbers", numbers, CHANGES_INSERT_ONLY);
    PlanNode *way = fixture_union(plan, scan, NULL);
    way->inputs[0].distribution = DISTRIBUTE_HASH;
    PlanNode *both = fixture_union(plan, scan, way);
    both->inputs[0].distribution = DISTRIBUTE_HASH;
    both->inputs[1].distribution = DISTRIBUTE_HASH;
    fixture_sink(plan, both, &ledger);
    return plan;
}

/* Every number once (or as often as it should be), whatever happened on the way. */
static void check_every_number(uint32_t times)
{
    Batch *batch = batch_new(&fixture_schema, (uint32_t)world.rows);
    for (int64_t v = 0; v < world.rows; v++)
        counter_add(batch, v);
    Buffer all = {0};
    for (uint32_t i = 0; i < times; i++)
        changelog_print(batch, NULL, &all);
    char *expected = sorted_lines(buffer_text(&all));
    char *got = sorted_lines(buffer_text(&world.visible));
    ck_assert_uint_eq(strlen(got), strlen(expected));
    ck_assert(strcmp(got, expected) == 0);
    memory_free(expected);
    memory_free(got);
    buffer_deinit(&all);
    batch_release(batch);
}

/* The changelog is whole: per key each change takes back the one before, and counts all numbers of
 * the key (each v of a key differs, so each makes one change). */
static void check_changes(void)
{
    int64_t *current = memory_alloc((size_t)world.keys * sizeof(*current));
    int64_t *taken = memory_zalloc((size_t)world.keys * sizeof(*taken));
    for (int64_t k = 0; k < world.keys; k++)
        current[k] = -1;
    for (const char *line = buffer_text(&world.visible); *line != '\0';) {
        char kind[3];
        long long k, v;
        ck_assert_int_eq(sscanf(line, "%2s[%lld, %lld", kind, &k, &v), 3);
        if (kind[1] == 'U' && kind[0] == '-') {
            ck_assert_int_eq(current[k], v);
            current[k] = -1;
        } else {
            ck_assert_int_eq(current[k], -1);
            current[k] = v;
            taken[k]++;
        }
        line += strcspn(line, "\n") + 1;
    }
    for (int64_t k = 0; k < world.keys; k++)
        ck_assert_int_eq(taken[k], (world.rows - k + world.keys - 1) / world.keys);
    memory_free(current);
    memory_free(taken);
}

static sqlite3 *open_reader(const char *directory)
{
    char path[128];
    sqlite3 *reader;
    snprintf(path, sizeof(path), "%s/test.weir-state", directory);
    ck_assert_int_eq(sqlite3_open_v2(path, &reader, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    return reader;
}

static int see_epochs(void *epochs, int columns, char **values, char **names)
{
    (void)columns, (void)names;
    *(long *)epochs = strtol(values[0], NULL, 10);
    return 0;
}

/* False: it could not, or there is no epoch yet. */
static bool begin_reading(sqlite3 *reader)
{
    long epochs = 0;
    if (sqlite3_exec(reader, "BEGIN; SELECT count(*) FROM epoch", see_epochs, &epochs, NULL) ==
            SQLITE_OK &&
        epochs > 0)
        return true;
    sqlite3_exec(reader, "ROLLBACK", NULL, NULL, NULL);
    return false;
}

/* Reads a store for some milliseconds, again and again; for longer as long as no epoch was
 * declined, but not so long that a job would not wait for it when it starts. */
typedef struct Disturber {
    const char *directory;
    pthread_t thread;
    atomic_bool ends;
} Disturber;

static void *disturb(void *argument)
{
    Disturber *disturber = argument;
    char path[128];
    snprintf(path, sizeof(path), "%s/test.weir-state", disturber->directory);
    while (access(path, F_OK) != 0)
        clock_sleep_us(100);
    sqlite3 *reader = open_reader(disturber->directory);
    uint32_t turn = 0;
    while (!disturber->ends) {
        if (begin_reading(reader)) {
            clock_sleep_us(1000 * (int64_t)(turn++ % 32));
            for (uint32_t i = 0; i < 200 && given_up == 0 && !disturber->ends; i++)
                clock_sleep_us(1000);
            sqlite3_exec(reader, "ROLLBACK", NULL, NULL, NULL);
        }
        clock_sleep_us(2000);
    }
    sqlite3_close(reader);
    return NULL;
}

static void disturber_start(Disturber *disturber)
{
    ck_assert_int_eq(pthread_create(&disturber->thread, NULL, disturb, disturber), 0);
}

static void disturber_end(Disturber *disturber)
{
    disturber->ends = true;
    pthread_join(disturber->thread, NULL);
}

/* `disturbed`: by a program that reads the store, so that epochs are declined. */
static void kill_again_and_again(uint32_t mode, bool disturbed)
{
    static const uint32_t widths[] = {1, 2, 4, 3};
    unsigned seed = (unsigned)clock_monotonic_us();
    srandom(seed);
    reset();
    world.rows = 4000;
    world.keys = 50;
    world.batch_rows = 16;
    world.delay_us = 300;
    const char *directory = fixture_directory();
    Disturber disturber = {.directory = directory};
    if (disturbed)
        disturber_start(&disturber);
    uint32_t kills = 0;
    for (bool done = false; !done;) {
        const Connector *numbers = kills % 2 == 0 ? &counter : &blocking_counter;
        Plan *plan = mode % 3 == 0   ? plain_plan()
                     : mode % 3 == 1 ? keyed_plan()
                                     : diamond_plan(numbers);
        JobConfig config = job_config(directory, widths[mode < 6 ? mode / 3 : kills % 4]);
        /* One row a batch: state is copied between any two. */
        if (kills % 2 == 0)
            config.batch_rows = 1;
        if (mode % 3 == 2)
            config.queue_bytes = 1; /* one batch at a time */
        if (disturbed) {
            config.checkpoint_failures_tolerated = 1000000;
            config.checkpoint_wait_ms = 3;
        }
        Job *job = start(plan, &config);
        done = job_wait(job, 5 + random() % (disturbed ? 300 : 60));
        if (!done) {
            job_cancel(job);
            done = end_state(job) == JOB_FINISHED;
            kills++;
        } else {
            expect_state(job, JOB_FINISHED);
        }
        job_free(job);
        ck_assert_uint_lt(kills, 2000);
    }
    if (mode % 3 == 1)
        check_changes();
    else
        check_every_number(mode % 3 == 2 ? 2 : 1);
    ck_assert_int_gt(world.acknowledged, 0);
    if (disturbed)
        disturber_end(&disturber);
    fixture_remove(directory);
}

START_TEST(test_killed_again_and_again)
{
    kill_again_and_again((uint32_t)_i, false);
}
END_TEST

START_TEST(test_declined_and_killed)
{
    kill_again_and_again((uint32_t)_i, true);
    ck_assert_ptr_nonnull(strstr(buffer_text(&notices), "was given up, and goes with the next"));
}
END_TEST

/* One more than is tolerated is a failure: the job restarts, where it may. */
START_TEST(test_declined_too_often)
{
    reset();
    world.rows = 10000;
    world.batch_rows = 16;
    world.delay_us = 300;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 2);
    config.restart = RESTART_NONE;
    config.checkpoint_failures_tolerated = 2;
    config.checkpoint_wait_ms = 1;
    Job *job = start(keyed_plan(), &config);
    JobStatus status = {0};
    while (status.checkpoint_epoch == 0)
        job_status(job, &status);
    sqlite3 *reader = open_reader(directory);
    while (!begin_reading(reader))
        clock_sleep_us(100);
    expect_state(job, JOB_FAILED);
    sqlite3_close(reader);
    Error error;
    job_error(job, &error);
    ck_assert_int_eq(error.code, ERROR_BUSY);
    ck_assert_ptr_nonnull(strstr(error.message, "is held by another program"));
    ck_assert_ptr_nonnull(strstr(buffer_text(&notices), "(1 in a row; 2 tolerated)"));
    ck_assert_ptr_nonnull(strstr(buffer_text(&notices), "(2 in a row; 2 tolerated)"));
    ck_assert_ptr_null(strstr(buffer_text(&notices), "(3 in a row"));
    job_free(job);
    config.restart = RESTART_FIXED_DELAY;
    job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_changes();
    fixture_remove(directory);
}
END_TEST

START_TEST(test_stop_and_go_on)
{
    reset();
    world.rows = 2000;
    world.endless = true;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 2);
    config.checkpoint_interval_ms = 0;
    Job *job = start(plain_plan(), &config);
    JobStatus status = {0};
    while (status.rows_in < 500)
        job_status(job, &status);
    job_stop(job, false);
    expect_state(job, JOB_STOPPED);
    job_status(job, &status);
    ck_assert_uint_eq(status.checkpoint_epoch, 1);
    job_free(job);
    world.endless = false;
    config.parallelism = 3;
    job = start(plain_plan(), &config);
    ck_assert_ptr_nonnull(strstr(buffer_text(&notices), "job \"test\" goes on from epoch 1 of 20"));
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_every_number(1);
    /* A finished job, started again, has nothing left to do. */
    job = start(plain_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_every_number(1);
    /* Unless it is told to start over. */
    config.fresh = true;
    world.rows = 3000;
    buffer_clear(&world.visible);
    world.committed_count = 0;
    job = start(plain_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_every_number(1);
    fixture_remove(directory);
}
END_TEST

START_TEST(test_restart_after_failures)
{
    reset();
    world.rows = 3000;
    world.batch_rows = 16;
    world.delay_us = 100;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 2);
    config.restart = _i % 2 == 0 ? RESTART_FIXED_DELAY : RESTART_EXPONENTIAL_DELAY;
    config.restart_delay_ms = 1;
    config.restart_max_delay_ms = 10;
    config.restart_multiplier = 1.5;
    config.restart_jitter = 0.1;
    if (_i < 2)
        world.fail_at_call = 60;
    else if (_i < 4)
        world.fail_at_write = 50;
    else
        world.fail_at_commit = 3;
    Job *job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    JobStatus status;
    job_status(job, &status);
    ck_assert_uint_eq(status.restarts, 1);
    ck_assert_ptr_nonnull(strstr(buffer_text(&notices), "restarts in"));
    job_free(job);
    check_changes();
    fixture_remove(directory);
}
END_TEST

/* A source that can only go on from some places: epochs wait for them, stopping does, too. */
START_TEST(test_unsettled_source)
{
    reset();
    world.rows = 3000;
    world.batch_rows = 16;
    world.delay_us = 2000;
    world.settle_every = 7;
    world.fail_at_call = 60;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 2);
    config.checkpoint_timeout_ms = 1;
    config.restart = RESTART_FIXED_DELAY;
    config.restart_delay_ms = 1;
    config.restart_attempts = 1000;
    Job *job = start(keyed_plan(), &config);
    clock_sleep_us(30000);
    job_stop(job, false);
    expect_state(job, JOB_STOPPED);
    job_free(job);
    config.checkpoint_timeout_ms = 600000;
    world.delay_us = 0;
    job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_changes();
    fixture_remove(directory);
}
END_TEST

/* What is away when the job starts is waited for, with a checkpoint store (even _i) and without. */
START_TEST(test_restart_at_start)
{
    reset();
    world.rows = 3000;
    world.fail_opens = 3;
    world.fail_with = _i < 2 ? ERROR_NETWORK : ERROR_BUSY;
    const char *directory = fixture_directory();
    JobConfig config = job_config(_i % 2 == 0 ? directory : NULL, 2);
    config.restart = RESTART_FIXED_DELAY;
    config.restart_attempts = 3;
    config.restart_delay_ms = 1;
    Job *job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    JobStatus status;
    job_status(job, &status);
    ck_assert_uint_eq(status.restarts, 3);
    ck_assert_ptr_nonnull(strstr(buffer_text(&notices), "tries to start again in 1 ms because of"));
    job_free(job);
    check_changes();
    fixture_remove(directory);
}
END_TEST

START_TEST(test_no_start)
{
    reset();
    world.rows = 10;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 1);
    Error error;
    /* No strategy, or an error that waiting does not cure: told at once. */
    world.fail_opens = 1;
    error_clear(&error);
    ck_assert_ptr_null(job_start(plain_plan(), &config, &error));
    ck_assert_int_eq(error.code, ERROR_NETWORK);
    config.restart = RESTART_FIXED_DELAY;
    config.restart_delay_ms = 1;
    config.restart_attempts = 2;
    world.fail_opens = 1;
    world.fail_with = ERROR_ACCESS;
    ck_assert_ptr_null(job_start(plain_plan(), &config, &error));
    ck_assert_int_eq(error.code, ERROR_ACCESS);
    /* Told after the last try. */
    world.fail_opens = 4;
    world.fail_with = ERROR_NETWORK;
    Job *job = start(plain_plan(), &config);
    expect_state(job, JOB_FAILED);
    job_error(job, &error);
    ck_assert_int_eq(error.code, ERROR_NETWORK);
    job_free(job);
    /* A job that waits can be stopped. */
    world.fail_opens = 1000;
    config.restart_attempts = -1;
    config.restart_delay_ms = 60000;
    job = start(plain_plan(), &config);
    JobStatus status;
    do {
        clock_sleep_us(1000);
        job_status(job, &status);
    } while (status.restart_seconds_left < 0);
    ck_assert_int_eq(status.state, JOB_RESTARTING);
    ck_assert(status.restart_seconds_left > 30 && status.restart_seconds_left <= 60);
    job_stop(job, false);
    expect_state(job, JOB_STOPPED);
    job_free(job);
    world.fail_opens = 0;
    fixture_remove(directory);
}
END_TEST

/* Without a store a job that has begun is not started over: its rows would come twice. */
START_TEST(test_begun_without_store)
{
    reset();
    world.rows = 300000;
    world.endless = true;
    world.fail_at_call = 20;
    JobConfig config = job_config(NULL, 1);
    config.restart = RESTART_FIXED_DELAY;
    config.restart_attempts = 5;
    Job *job = start(plain_plan(), &config);
    expect_state(job, JOB_FAILED);
    JobStatus status;
    job_status(job, &status);
    ck_assert_uint_eq(status.restarts, 0);
    job_free(job);
}
END_TEST

START_TEST(test_attempts_run_out)
{
    reset();
    world.rows = 300000;
    world.endless = true;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 1);
    config.restart = RESTART_FIXED_DELAY;
    config.restart_attempts = 0;
    world.fail_at_call = 20;
    Job *job = start(plain_plan(), &config);
    expect_state(job, JOB_FAILED);
    Error error;
    job_error(job, &error);
    ck_assert_int_eq(error.code, ERROR_NETWORK);
    job_free(job);
    fixture_remove(directory);
}
END_TEST

START_TEST(test_data_error_is_not_retried)
{
    reset();
    world.rows = 300000;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 1);
    config.restart = RESTART_FIXED_DELAY;
    world.fail_at_call = 20;
    world.fail_with = ERROR_DATA;
    Job *job = start(plain_plan(), &config);
    expect_state(job, JOB_FAILED);
    JobStatus status;
    job_status(job, &status);
    ck_assert_uint_eq(status.restarts, 0);
    job_free(job);
    fixture_remove(directory);
}
END_TEST

/* Starts the plan on an epoch that another one made; the error it must be refused with. */
static void expect_refusal(const char *directory, Plan *plan, const char *words)
{
    JobConfig config = job_config(directory, 1);
    Error error;
    error_clear(&error);
    int64_t opened = world.opened;
    ck_assert_ptr_null(job_start(plan, &config, &error));
    ck_assert_int_eq(error.code, ERROR_STATE);
    ck_assert_msg(strstr(error.message, words) != NULL, "%s", error.message);
    /* Nothing outside was touched. */
    ck_assert_int_eq(world.opened, opened);
}

START_TEST(test_changed_plan_is_refused)
{
    reset();
    world.rows = 100;
    const char *directory = fixture_directory();
    JobConfig config = job_config(directory, 1);
    Job *job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    expect_refusal(directory, plain_plan(), "no longer has the operator \"normalize(1)\"");
    Plan *plan = keyed_plan();
    plan->nodes[1]->uid = "normalize-other";
    expect_refusal(directory, plan, "it has nothing for the new operator \"normalize(1)\"");
    plan = keyed_plan();
    plan->nodes[0]->uid = "scan-other";
    expect_refusal(directory, plan, "source \"scan(0)\"");
    plan = keyed_plan();
    plan->max_parallelism = 64;
    expect_refusal(directory, plan, "maximum parallelism of 128, not 64");
    static const uint32_t other_key[] = {1};
    plan = keyed_plan();
    static const Column other_columns[] = {
        {"k", &type_bigint}, {"v", &type_bigint}, {"t", &type_string}};
    static const Schema other_schema = {3, other_columns};
    PlanNormalize spec = {.key = {1, other_key}};
    plan->nodes[1]->spec = &spec;
    plan->nodes[1]->schema = &other_schema;
    expect_refusal(directory, plan, "its state has another form for the operator \"normalize(1)\"");
    job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    fixture_remove(directory);
}
END_TEST

START_TEST(test_recovery_path)
{
    reset();
    world.rows = 1000;
    world.endless = true;
    const char *directory = fixture_directory();
    char first[80], second[80];
    snprintf(first, sizeof(first), "%s/first", directory);
    snprintf(second, sizeof(second), "%s/second", directory);
    JobConfig config = job_config(first, 2);
    Job *job = start(keyed_plan(), &config);
    JobStatus status = {0};
    while (status.rows_in < 300)
        job_status(job, &status);
    job_stop(job, false);
    expect_state(job, JOB_STOPPED);
    job_free(job);
    world.endless = false;
    config.checkpoint_directory = second;
    config.recovery_path = first;
    config.parallelism = 3;
    job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_changes();
    /* The second folder stands alone from here on. */
    fixture_remove(first);
    job = start(keyed_plan(), &config);
    expect_state(job, JOB_FINISHED);
    job_free(job);
    check_changes();
    fixture_remove(directory);
}
END_TEST

static bool receive(void *to, const Batch *batch, Error *error)
{
    changelog_print(batch, NULL, to);
    return true;
}

static void feed(Job *job, const char *text)
{
    Error error;
    ck_assert_msg(job_feed(job, "numbers", fixture_batch(text), &error), "%s", error.message);
    ck_assert_msg(job_settle(job, &error), "%s", error.message);
}

START_TEST(test_fed_table_settles_durably)
{
    static const char *const texts[] = {"+I[1, 1, a]\n+I[2, 1, b]", "+I[1, 2, c]", "-D[2, 1, b]",
                                        "+I[2, 3, d]\n+I[1, 2, c]"};
    reset();
    const char *directory = fixture_directory();
    Buffer out = {0};
    for (uint32_t i = 0; i < array_count(texts); i++) {
        Plan *plan = fixture_plan(128);
        PlanNode *scan = fixture_scan(plan, "numbers", NULL, CHANGES_ALL);
        fixture_sink(plan, fixture_normalize(plan, scan), NULL);
        JobConfig config = job_config(directory, _i == 0 ? 1 : 1 + i);
        config.checkpoint_interval_ms = 0;
        config.batch_rows = _i == 0 ? 100 : 1;
        config.on_rows = receive;
        config.to = &out;
        Job *job = start(plan, &config);
        feed(job, texts[i]);
        job_cancel(job);
        expect_state(job, JOB_CANCELLED);
        job_free(job);
    }
    char *got = sorted_lines(buffer_text(&out));
    ck_assert_str_eq(got, "+I[1, 1, a]\n+I[2, 1, b]\n+I[2, 3, d]\n+U[1, 2, c]\n-D[2, 1, b]\n"
                          "-U[1, 1, a]\n");
    memory_free(got);
    buffer_deinit(&out);
    fixture_remove(directory);
}
END_TEST

/* One input ends long before the other: later epochs still know where it ended. */
START_TEST(test_ended_source_is_remembered)
{
    reset();
    world.rows = 40;
    world.batch_rows = 8;
    const char *directory = fixture_directory();
    for (uint32_t round = 0; round < 3; round++) {
        Plan *plan = fixture_plan(128);
        PlanNode *numbers = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
        PlanNode *fed = fixture_scan(plan, "numbers", NULL, CHANGES_INSERT_ONLY);
        fixture_sink(plan, fixture_union(plan, numbers, fed), &ledger);
        JobConfig config = job_config(directory, 2);
        Job *job = start(plan, &config);
        if (round == 0) {
            JobStatus status = {0};
            while (status.rows_in < 40)
                job_status(job, &status);
        }
        feed(job, "+I[7, 1000000, fed]");
        job_cancel(job);
        expect_state(job, JOB_CANCELLED);
        job_free(job);
    }
    size_t lines = 0;
    for (const char *c = buffer_text(&world.visible); *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 43);
    fixture_remove(directory);
}
END_TEST

/* What an operator emits at the end of its input does not come again after a restore. */
START_TEST(test_end_is_not_repeated)
{
    static const PlanSortKey key = {.column = 1, .descending = true};
    static const PlanSort spec = {.keys = &key, .key_count = 1, .limit = UINT64_MAX};
    reset();
    world.rows = 40;
    const char *directory = fixture_directory();
    for (uint32_t round = 0; round < 3; round++) {
        Plan *plan = fixture_plan(128);
        PlanNode *numbers = fixture_scan(plan, "numbers", &counter, CHANGES_INSERT_ONLY);
        PlanNode *sort = fixture_node(plan, "sort", &spec, CHANGES_INSERT_ONLY);
        fixture_input(sort, numbers, DISTRIBUTE_SINGLE);
        sort->parallelism = 1;
        PlanNode *fed = fixture_scan(plan, "numbers", NULL, CHANGES_INSERT_ONLY);
        fixture_sink(plan, fixture_union(plan, sort, fed), &ledger);
        JobConfig config = job_config(directory, 1 + round);
        Job *job = start(plan, &config);
        OperatorStatus figures[8];
        memset(figures, 0, sizeof(figures));
        while (round == 0 && figures[1].rows_out < 40)
            job_operators(job, figures, 8);
        feed(job, "+I[7, 1000000, fed]");
        job_cancel(job);
        expect_state(job, JOB_CANCELLED);
        job_free(job);
    }
    size_t lines = 0;
    for (const char *c = buffer_text(&world.visible); *c != '\0'; c++)
        lines += *c == '\n';
    ck_assert_uint_eq(lines, 43);
    ck_assert_ptr_nonnull(strstr(buffer_text(&world.visible), "+I[9, 39,"));
    fixture_remove(directory);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("job_restore");
    tcase_set_timeout(cases, 100);
    tcase_add_loop_test(cases, test_killed_again_and_again, 0, 9);
    tcase_add_loop_test(cases, test_declined_and_killed, 0, 6);
    tcase_add_test(cases, test_declined_too_often);
    tcase_add_test(cases, test_stop_and_go_on);
    tcase_add_loop_test(cases, test_restart_after_failures, 0, 6);
    tcase_add_loop_test(cases, test_restart_at_start, 0, 4);
    tcase_add_test(cases, test_unsettled_source);
    tcase_add_test(cases, test_no_start);
    tcase_add_test(cases, test_begun_without_store);
    tcase_add_test(cases, test_attempts_run_out);
    tcase_add_test(cases, test_data_error_is_not_retried);
    tcase_add_test(cases, test_changed_plan_is_refused);
    tcase_add_test(cases, test_recovery_path);
    tcase_add_loop_test(cases, test_fed_table_settles_durably, 0, 2);
    tcase_add_test(cases, test_ended_source_is_remembered);
    tcase_add_test(cases, test_end_is_not_repeated);
    return test_run("job_restore", cases);
}
