/* Jobs of a session: from plan and configuration to a running job, and what is known of it
 * afterwards. */
#include "session/session_internal.h"

#include <stdio.h>
#include <sys/random.h>

#include "core/str.h"

/* Bytes of result rows that may wait for the reader. */
#define RESULT_QUEUE_BYTES (8u << 20)

/* --------------------------------------------------------- configuring */

static RestartStrategy restart_strategy(const Config *config, bool durable)
{
    const char *type = config_get(config, "restart-strategy.type");
    if (type == NULL)
        return durable ? RESTART_EXPONENTIAL_DELAY : RESTART_NONE;
    if (text_equal_nocase(type, "fixed-delay") || text_equal_nocase(type, "fixeddelay"))
        return RESTART_FIXED_DELAY;
    if (text_equal_nocase(type, "exponential-delay") || text_equal_nocase(type, "exponentialdelay"))
        return RESTART_EXPONENTIAL_DELAY;
    return RESTART_NONE;
}

static void configure_restart(const Config *config, JobConfig *job)
{
    job->restart = restart_strategy(config, job->checkpoint_directory != NULL);
    if (job->restart != RESTART_NONE && job->checkpoint_directory == NULL)
        job->notice(job->to, "restart-strategy.type is set, but execution.checkpointing.dir is "
                             "not: the job is tried again only until it has begun");
    if (job->restart == RESTART_FIXED_DELAY) {
        job->restart_attempts = config_integer(config, "restart-strategy.fixed-delay.attempts");
        job->restart_delay_ms = config_duration_ms(config, "restart-strategy.fixed-delay.delay");
        return;
    }
    const char *attempts = "restart-strategy.exponential-delay.attempts-before-reset-backoff";
    job->restart_attempts =
        config_is_set(config, attempts) ? config_integer(config, attempts) : INT64_MAX;
    job->restart_delay_ms =
        config_duration_ms(config, "restart-strategy.exponential-delay.initial-backoff");
    job->restart_max_delay_ms =
        config_duration_ms(config, "restart-strategy.exponential-delay.max-backoff");
    job->restart_multiplier =
        config_double(config, "restart-strategy.exponential-delay.backoff-multiplier");
    job->restart_jitter = config_double(config, "restart-strategy.exponential-delay.jitter-factor");
    job->restart_reset_ms =
        config_duration_ms(config, "restart-strategy.exponential-delay.reset-backoff-threshold");
}

static bool job_on_rows(void *to, const Batch *batch, Error *error)
{
    SessionJob *job = to;
    return collector_push(job->collector, batch, error);
}

static bool job_write_text(void *to, Str text, bool standard_error)
{
    SessionJob *job = to;
    if (job->session->on_text != NULL) {
        job->session->on_text(job->session->text_user, text.data, text.length, standard_error);
        return true;
    }
    FILE *stream = standard_error ? stderr : stdout;
    return fwrite(text.data, 1, text.length, stream) == text.length && fflush(stream) == 0;
}

static void job_notice(void *to, const char *text)
{
    SessionJob *job = to;
    session_notice(job->session, text);
}

static bool job_interrupted(void *to)
{
    const SessionJob *job = to;
    return job->session->interrupt != 0;
}

/* The rows of a query go to a reader who has seen them: only a query that the user named keeps
 * checkpoints. */
static bool job_is_durable(const Config *config, bool is_query)
{
    return config_get(config, "execution.checkpointing.dir") != NULL &&
           (!is_query || config_is_set(config, "pipeline.name"));
}

/* The statement again, for a job that goes on with INSERTs that it did not have from its start. */
static Plan *job_replan(void *to, const uint64_t *since, uint32_t count, Error *error)
{
    const SessionJob *job = to;
    PlannerConfig config = session_planner_config(job->session, job->session->zone);
    config.since = since;
    config.since_count = count;
    return planner_plan(job->session->catalog, job->statement, job->statement_script, &config,
                        error);
}

static JobConfig job_configure(const WeirSession *session, SessionJob *job, bool is_query)
{
    const Config *config = session->config;
    bool durable = job_is_durable(config, is_query);
    JobConfig out = {
        .name = job->name,
        .parallelism = (uint32_t)config_integer(config, "parallelism.default"),
        .batch_rows = (uint32_t)config_integer(config, "execution.batch-rows"),
        .queue_bytes = (uint64_t)config_bytes(config, "execution.exchange-memory"),
        .checkpoint_interval_ms = config_duration_ms(config, "execution.checkpointing.interval"),
        .checkpoint_min_pause_ms = config_duration_ms(config, "execution.checkpointing.min-pause"),
        .checkpoint_timeout_ms = config_duration_ms(config, "execution.checkpointing.timeout"),
        .checkpoint_directory = durable ? config_get(config, "execution.checkpointing.dir") : NULL,
        .checkpoints_retained =
            (uint32_t)config_integer(config, "execution.checkpointing.num-retained"),
        .checkpoint_failures_tolerated = (uint32_t)config_integer(
            config, "execution.checkpointing.tolerable-failed-checkpoints"),
        .fresh = session->fresh,
        .recovery_path = config_get(config, "execution.state-recovery.path"),
        .ignore_unclaimed =
            config_boolean(config, "execution.state-recovery.ignore-unclaimed-state"),
        .replan = job_replan,
        .state_memory_limit_bytes = (uint64_t)config_bytes(config, "execution.state-memory-limit"),
        .bounded_run = text_equal_nocase(config_get(config, "execution.runtime-mode"), "BATCH"),
        .check_changes = config_boolean(config, "execution.check-changes"),
        .clock = session_clock(session),
        .zone = session->zone,
        .on_rows = is_query ? job_on_rows : NULL,
        .write_text = job_write_text,
        .notice = job_notice,
        .interrupted = job_interrupted,
        .to = job,
    };
    configure_restart(config, &out);
    return out;
}

/* ------------------------------------------------------------ starting */

static void job_make_id(char id[40])
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof(bytes), 0) != (ssize_t)sizeof(bytes))
        memset(bytes, 0, sizeof(bytes));
    for (size_t i = 0; i < sizeof(bytes); i++)
        snprintf(id + 2 * i, 3, "%02x", bytes[i]);
}

/* Ended jobs that SHOW JOBS tells of. */
#define JOBS_ENDED_MAX 100

/* `name`, or `name-2`, … when another job of the session has it: two jobs must not share a
 * checkpoint database. */
static char *job_make_name(const WeirSession *session, const char *name)
{
    for (uint32_t number = 1;; number++) {
        Buffer text = {0};
        buffer_append_text(&text, name);
        if (number > 1)
            buffer_printf(&text, "-%u", number);
        bool taken = false;
        for (uint32_t i = 0; i < session->job_count && !taken; i++)
            taken = strcmp(session->jobs[i]->name, buffer_text(&text)) == 0 &&
                    session->jobs[i]->job != NULL;
        char *result = memory_strdup(buffer_text(&text));
        buffer_deinit(&text);
        if (!taken)
            return result;
        memory_free(result);
    }
}

static void job_note_fed_tables(SessionJob *job, const Plan *plan)
{
    job->fed = memory_zalloc(sizeof(*job->fed) * (plan->node_count + 1));
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        if (strcmp(node->op, "scan") != 0 || !((const PlanScan *)node->spec)->is_fed)
            continue;
        job->fed[job->fed_count++] =
            memory_strdup(((const PlanScan *)node->spec)->scan.table->name);
    }
}

static void session_keep_job(WeirSession *session, SessionJob *job)
{
    if (session->job_count == session->job_capacity) {
        session->job_capacity = session->job_capacity == 0 ? 8 : session->job_capacity * 2;
        session->jobs =
            memory_realloc(session->jobs, session->job_capacity * sizeof(*session->jobs));
    }
    session->jobs[session->job_count++] = job;
}

/* Whether nobody will ask for more of the job than SHOW JOBS tells. */
static bool job_is_over(const WeirSession *session, const SessionJob *job)
{
    bool untold = job->collector == NULL && job->error.code != ERROR_NONE && !job->reported;
    if (job->job != NULL || untold)
        return false;
    for (const WeirResult *result = session->results; result != NULL; result = result->next)
        if (result->job == job)
            return false;
    return true;
}

/* Forgets the oldest of those that have ended, but for the last JOBS_ENDED_MAX. */
static void session_drop_ended(WeirSession *session)
{
    uint32_t over = 0, kept = 0;
    for (uint32_t i = 0; i < session->job_count; i++)
        over += job_is_over(session, session->jobs[i]) ? 1 : 0;
    for (uint32_t i = 0; i < session->job_count; i++) {
        SessionJob *job = session->jobs[i];
        if (over > JOBS_ENDED_MAX && job_is_over(session, job)) {
            session_job_free(job);
            over--;
        } else {
            session->jobs[kept++] = job;
        }
    }
    session->job_count = kept;
}

SessionJob *session_start_job(WeirSession *session, Plan *plan, const AstStatement *statement,
                              Str script, const char *name, Error *error)
{
    bool is_query = statement->kind == AST_STATEMENT_QUERY;
    /* A query's rows borrow types from its plan: its own result gives it back. */
    for (uint32_t i = 0; i < session->job_count; i++) {
        if (session->jobs[i]->collector == NULL && session_job_ended(session->jobs[i]))
            session_job_reap(session->jobs[i]);
    }
    session_drop_ended(session);
    SessionJob *job = memory_zalloc(sizeof(*job));
    job->session = session;
    job_make_id(job->id);
    job->name = job_make_name(session, name);
    job_note_fed_tables(job, plan);
    if (is_query)
        job->collector = collector_new(RESULT_QUEUE_BYTES);
    session->interrupt = 0;
    JobConfig config = job_configure(session, job, is_query);
    if (!is_query)
        plan_say_growth(plan, session_notice, session);
    job->statement = statement;
    job->statement_script = script;
    job->job = job_start(plan, &config, error);
    job->statement = NULL;
    if (job->job == NULL) {
        session_job_free(job);
        return NULL;
    }
    session_keep_job(session, job);
    return job;
}

/* -------------------------------------------------------------- ending */

bool session_job_ended(const SessionJob *job)
{
    return job->job == NULL || job_wait(job->job, 0);
}

/* Rows that were left out must not go unseen where there is no status line. */
static void say_skipped(const SessionJob *job)
{
    uint64_t skipped = job->last.rows_skipped;
    if (skipped == 0)
        return;
    Buffer text = {0};
    buffer_printf(&text, "job \"%s\" has left out %llu malformed row%s", job->name,
                  (unsigned long long)skipped, skipped == 1 ? "" : "s");
    session_notice(job->session, buffer_text(&text));
    buffer_deinit(&text);
}

void session_job_reap(SessionJob *job)
{
    if (job->job == NULL)
        return;
    job_status(job->job, &job->last);
    job_error(job->job, &job->error);
    session_job_note_operators(job);
    say_skipped(job);
    job_free(job->job);
    job->job = NULL;
}

void session_job_free(SessionJob *job)
{
    if (job->collector != NULL)
        collector_close(job->collector);
    job_free(job->job);
    collector_free(job->collector);
    session_job_forget_operators(job);
    for (uint32_t i = 0; i < job->fed_count; i++)
        memory_free((void *)(uintptr_t)job->fed[i]);
    memory_free(job->fed);
    memory_free((void *)(uintptr_t)job->script.data);
    memory_free(job->file);
    memory_free(job->name);
    memory_free(job);
}

void session_job_place(SessionJob *job, const StatementText *text)
{
    char *copy = memory_zalloc(text->script.length + 1);
    memcpy(copy, text->script.data, text->script.length);
    job->script = (Str){copy, text->script.length};
    job->statement_start = text->start;
    job->file = text->file == NULL ? NULL : memory_strdup(text->file);
}

WeirStatus session_job_fail(const SessionJob *job)
{
    StatementText text = {job->script, job->statement_start, job->script.length, job->file};
    return session_fail(job->session, &job->error, job->script.data == NULL ? NULL : &text);
}

void session_apply_interrupt(WeirSession *session, SessionJob *only)
{
    if (session->interrupt == 0)
        return;
    bool cancel = session->interrupt == 2;
    session->interrupt = 0;
    for (uint32_t i = 0; i < session->job_count; i++) {
        SessionJob *job = session->jobs[i];
        if (job->job == NULL || (only != NULL && job != only))
            continue;
        if (cancel)
            job_cancel(job->job);
        else
            job_stop(job->job, false);
    }
}

SessionJob *session_find_job(WeirSession *session, const AstStatement *statement, Error *error)
{
    for (uint32_t i = 0; i < session->job_count; i++) {
        SessionJob *job = session->jobs[i];
        if (strcmp(job->id, statement->value) == 0 || strcmp(job->name, statement->value) == 0)
            return job;
    }
    error_set(error, ERROR_NAME, "job \"%s\" does not exist", statement->value);
    error_at(error, statement->place.offset, statement->place.length);
    error_hint(error, "SHOW JOBS lists the jobs of this session.");
    return NULL;
}

/* ------------------------------------------------------------ describing */

static const char *job_state_text(JobState state)
{
    switch (state) {
    case JOB_RUNNING:
        return "RUNNING";
    case JOB_RESTARTING:
        return "RESTARTING";
    case JOB_FINISHED:
        return "FINISHED";
    case JOB_STOPPED:
        return "STOPPED";
    case JOB_CANCELLED:
        return "CANCELLED";
    case JOB_FAILED:
        return "FAILED";
    }
    return "UNKNOWN";
}

const char *session_job_state(const SessionJob *job)
{
    JobStatus status = job->last;
    if (job->job != NULL)
        job_status(job->job, &status);
    return job_state_text(status.state);
}

static void describe_event_time(const WeirSession *session, const JobStatus *status,
                                WeirJobStatus *out)
{
    out->late_rows = status->late_rows;
    if (!status->has_event_time)
        return;
    snprintf(out->watermark_table, sizeof(out->watermark_table), "%s", status->watermark_table);
    snprintf(out->watermark_split, sizeof(out->watermark_split), "%s", status->watermark_split);
    out->watermark_stands_seconds = status->watermark_stands_seconds;
    if (status->watermark_us == INT64_MIN) {
        snprintf(out->watermark, sizeof(out->watermark), "none yet");
        return;
    }
    Buffer text = {0};
    int64_t shown = status->waits_local ? status->watermark_us
                                        : time_zone_to_local(session->zone, status->watermark_us);
    datetime_print(datetime_from_micros(shown), 3, &text);
    snprintf(out->watermark, sizeof(out->watermark), "%s", buffer_text(&text));
    buffer_deinit(&text);
}

void session_job_describe(SessionJob *job, WeirJobStatus *out)
{
    JobStatus status = job->last;
    if (job->job != NULL)
        job_status(job->job, &status);
    memset(out, 0, sizeof(*out));
    snprintf(out->id, sizeof(out->id), "%s", job->id);
    snprintf(out->name, sizeof(out->name), "%s", job->name);
    snprintf(out->state, sizeof(out->state), "%s", job_state_text(status.state));
    snprintf(out->position, sizeof(out->position), "%s", status.position);
    out->rows_in = status.rows_in;
    out->rows_out = status.rows_out;
    out->snapshot = status.snapshot;
    out->snapshot_percent = status.snapshot_percent;
    out->snapshot_seconds_left = status.snapshot_seconds_left;
    out->seconds_behind = status.seconds_behind;
    out->rows_skipped = status.rows_skipped;
    out->state_bytes = status.state_bytes;
    out->checkpoint_epoch = status.checkpoint_epoch;
    out->checkpoint_seconds_ago =
        status.checkpoint_epoch == 0
            ? -1
            : (double)(clock_system.now_us(&clock_system) - status.checkpoint_at_us) / 1e6;
    out->checkpoint_pause_ms = (double)status.checkpoint_pause_us / 1e3;
    out->checkpoint_bytes = status.checkpoint_bytes;
    out->restarts = status.restarts;
    out->restart_seconds_left = status.restart_seconds_left;
    describe_event_time(job->session, &status, out);
}
