/* Epochs, the end of the job, and restarts.
 *
 * An epoch, from here: begin it in the store, some time before it is due, and tell every task,
 * which may copy state from then on; when it is due, wait until little is left to copy; start the
 * barrier in every task; wait until each has done its part; make it durable; tell every task again,
 * so that sinks show it and sources let go; wait for that. At most one runs.
 *
 * An epoch that the store declines, because somebody else holds the file or the disk is full, is
 * passed over where that is tolerated: its state goes with the next one, and so do its rows in
 * sinks, which hand over at a barrier whatever has not been committed. Any other failure ends the
 * attempt.
 *
 * Restarts follow Flink's strategies, with two differences. An error that doing the same again
 * cannot cure (error_retryable) ends the job at once, because a job that reads the same rows again
 * would only fail again. And without a checkpoint store only a job that has not begun is tried
 * again: a running one has read and written rows that starting over would lose or repeat. Rows fed
 * by hand cannot be read again, so there any failure ends the job. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "executor/runtime/job_internal.h"

/* How soon an epoch that is due is thought of again when a source cannot take part in it now. */
#define UNSETTLED_LOOK_US 50000
/* An epoch begins this long before it is due: what is copied early needs the disk's time, not the
 * worker's. */
#define AHEAD_US 10000000
/* When an epoch that somebody waits for is tried again after it was declined. */
#define DECLINED_AGAIN_US 1000000

/* -------------------------------------------------------------- from tasks */

void coordinator_ready(Job *job, uint64_t epoch)
{
    pthread_mutex_lock(&job->lock);
    if (epoch == job->epoch) {
        job->attempt->ready++;
        pthread_cond_broadcast(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
}

void coordinator_acknowledge(Job *job, uint64_t epoch, int64_t pause_us)
{
    pthread_mutex_lock(&job->lock);
    Attempt *attempt = job->attempt;
    if (epoch == job->epoch) {
        attempt->acknowledged++;
        if (pause_us > attempt->pause_us)
            attempt->pause_us = pause_us;
        pthread_cond_broadcast(&job->changed);
    }
    pthread_mutex_unlock(&job->lock);
}

/* Counts one more task in a counter of the attempt. */
static void count_task(Job *job, uint32_t *counter)
{
    pthread_mutex_lock(&job->lock);
    (*counter)++;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

void coordinator_committed(Job *job, uint64_t epoch)
{
    count_task(job, &job->attempt->committed);
}

void coordinator_task_ended(Job *job)
{
    count_task(job, &job->attempt->ended);
}

void coordinator_task_finished(Job *job)
{
    count_task(job, &job->attempt->finished);
}

void coordinator_task_failed(Job *job, const Error *error)
{
    pthread_mutex_lock(&job->lock);
    Attempt *attempt = job->attempt;
    /* The first one counts: the others fail because of it. */
    if (!attempt->failed) {
        attempt->failed = true;
        attempt->error = *error;
    }
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

void coordinator_progress(Job *job, TaskSource *source, const SourceProgress *progress)
{
    pthread_mutex_lock(&job->lock);
    source->progress = *progress;
    pthread_mutex_unlock(&job->lock);
}

/* ------------------------------------------------------------------ waiting */

/* Waits for a change until `deadline_us` (monotonic; negative: for ever). Under the lock. */
static void wait_for_change(Job *job, int64_t deadline_us)
{
    if (deadline_us < 0) {
        pthread_cond_wait(&job->changed, &job->lock);
        return;
    }
    struct timespec at = {(time_t)(deadline_us / MICROS_PER_SECOND),
                          (long)(deadline_us % MICROS_PER_SECOND) * 1000};
    pthread_cond_timedwait(&job->changed, &job->lock, &at);
}

static bool is_interrupted(const Job *job)
{
    return job->attempt->failed || job->cancel_wanted;
}

/* Waits until the counter reaches all tasks; false when that will not be. Under the lock. */
static bool wait_for_tasks(Job *job, const uint32_t *counter, int64_t deadline_us)
{
    while (*counter < job->attempt->task_count && !is_interrupted(job)) {
        if (deadline_us >= 0 && clock_monotonic_us() >= deadline_us)
            return false;
        wait_for_change(job, deadline_us);
    }
    return !is_interrupted(job);
}

/* Whether a source reads what it cannot go on in the middle of: then an epoch would have to wait
 * for it, with everything that waits for the epoch. Under the lock. */
static bool is_unsettled(const Job *job)
{
    for (uint32_t i = 0; i < job->attempt->task_count; i++) {
        const TaskSource *source = job->attempt->tasks[i]->source;
        if (source != NULL && source->progress.unsettled)
            return true;
    }
    return false;
}

static void command_all(const Job *job, CommandKind kind, uint64_t epoch)
{
    for (uint32_t i = 0; i < job->attempt->task_count; i++)
        task_command(job->attempt->tasks[i], (Command){kind, epoch});
}

static void push_fed(Job *job, MessageKind kind, uint64_t epoch)
{
    for (uint32_t i = 0; i < job->fed_count; i++) {
        FedTable *fed = &job->fed[i];
        if (fed->ended)
            continue;
        fed->ended = kind == MESSAGE_END;
        Message message = {.kind = kind, .channel = fed->channel, .epoch = epoch};
        /* A closed inbox means that the attempt has failed, which is seen elsewhere. */
        (void)!inbox_push(fed->inbox, message, NULL);
    }
}

/* ------------------------------------------------------------------- epochs */

/* `info` says what was made durable. */
static bool commit_store(Job *job, uint64_t epoch, CheckpointInfo *info, Error *error)
{
    Buffer manifest = {0};
    manifest_print(&job->attempt->manifest, job->plan, &manifest);
    *info = (CheckpointInfo){
        .epoch = epoch,
        .completed_at_us = job->config.clock->now_us(job->config.clock),
        .parallelism = job->config.parallelism,
        .max_parallelism = job->plan->max_parallelism,
        .manifest = buffer_text(&manifest),
    };
    snprintf(info->job, sizeof(info->job), "%s", job->config.name);
    bool committed = checkpoint_commit(job->store, info, error);
    info->manifest = NULL;
    buffer_deinit(&manifest);
    return committed;
}

/* Notes an epoch that is durable. Under the lock. */
static void note_epoch(Job *job, const CheckpointInfo *info, int64_t began_us)
{
    job->checkpoint_epoch = info->epoch;
    job->checkpoint_duration_us = clock_monotonic_us() - began_us;
    job->checkpoint_pause_us = job->attempt->pause_us;
    job->checkpoint_at_us = info->completed_at_us;
    job->checkpoint_bytes = info->bytes;
}

/* Makes the attempt fail from the coordinator's side. Under the lock. */
static void fail_attempt(Job *job, const Error *error)
{
    if (job->attempt->failed)
        return;
    job->attempt->failed = true;
    job->attempt->error = *error;
}

/* Why the tasks did not all answer. Under the lock. */
static void fail_epoch(Job *job, uint64_t epoch)
{
    if (is_interrupted(job))
        return;
    Error error;
    job->attempt->timed_out = true;
    error_set(&error, ERROR_LIMIT, "epoch %llu was not complete within %lld ms",
              (unsigned long long)epoch, (long long)job->config.checkpoint_timeout_ms);
    error_hint(&error, "A worker or a sink is stuck or too slow; execution.checkpointing.timeout "
                       "says how long to wait.");
    fail_attempt(job, &error);
}

/* Begins an epoch; its barriers come with run_epoch. Under the lock. */
static bool begin_epoch(Job *job)
{
    Error error;
    Attempt *attempt = job->attempt;
    uint64_t epoch = ++job->epoch;
    attempt->ready = attempt->acknowledged = attempt->committed = 0;
    attempt->pause_us = 0;
    job->epoch_open = true;
    if (job->store == NULL)
        return true;
    if (!checkpoint_begin(job->store, epoch, &error)) {
        fail_attempt(job, &error);
        return false;
    }
    command_all(job, COMMAND_AHEAD, epoch);
    return true;
}

/* Waits until each task has copied so much of its state that the rest is a short barrier; half of
 * the epoch's time is left for that. False when the attempt is interrupted. Under the lock. */
static bool approach(Job *job, int64_t began_us, int64_t timeout_us)
{
    command_all(job, COMMAND_APPROACH, job->epoch);
    int64_t deadline = timeout_us > 0 ? began_us + timeout_us / 2 : -1;
    return wait_for_tasks(job, &job->attempt->ready, deadline) || !is_interrupted(job);
}

/* Without the lock. */
static void say_declined(Job *job, uint64_t epoch, uint32_t declined, const Error *error)
{
    char text[1400];
    snprintf(text, sizeof(text),
             "checkpoint %llu of job \"%s\" was given up, and goes with the next, because of: %s "
             "(%u in a row; %u tolerated)",
             (unsigned long long)epoch, job->config.name, error->message, declined,
             job->config.checkpoint_failures_tolerated);
    job_notice(job, text);
}

/* Makes the epoch durable that all tasks have added to, and notes it; false when that fails and is
 * not tolerated. Under the lock, which it gives up meanwhile. */
static bool end_epoch(Job *job, uint64_t epoch, int64_t began_us, bool *durable)
{
    Error error;
    Attempt *attempt = job->attempt;
    pthread_mutex_unlock(&job->lock);
    CheckpointInfo info;
    *durable = commit_store(job, epoch, &info, &error);
    attempt->declined = *durable ? 0 : attempt->declined + 1;
    bool tolerated =
        info.declined && attempt->declined <= job->config.checkpoint_failures_tolerated;
    if (!*durable && tolerated)
        say_declined(job, epoch, attempt->declined, &error);
    pthread_mutex_lock(&job->lock);
    if (*durable)
        note_epoch(job, &info, began_us);
    else if (!tolerated)
        fail_attempt(job, &error);
    return *durable || tolerated;
}

/* Waits for what each task answers to a command of the epoch, so long as an epoch may take, not
 * counting the time that a source cannot stop in. Under the lock. */
static bool wait_for_answers(Job *job, const uint32_t *counter, int64_t began_us,
                             int64_t timeout_us)
{
    int64_t deadline = timeout_us > 0 ? began_us + timeout_us : -1;
    while (!wait_for_tasks(job, counter, deadline)) {
        if (is_interrupted(job) || !is_unsettled(job)) {
            fail_epoch(job, job->epoch);
            return false;
        }
        deadline = clock_monotonic_us() + timeout_us;
    }
    return true;
}

/* Runs one epoch through the job, which may be declined at its end (`durable`); on failure the
 * attempt has failed or is being cancelled. Under the lock, which it gives up while it waits or
 * writes. */
static bool run_epoch(Job *job, bool *durable)
{
    Attempt *attempt = job->attempt;
    if (!job->epoch_open && !begin_epoch(job))
        return false;
    uint64_t epoch = job->epoch;
    int64_t began = clock_monotonic_us();
    int64_t timeout_us = job->store == NULL ? 0 : job->config.checkpoint_timeout_ms * 1000;
    if (job->store != NULL && !approach(job, began, timeout_us))
        return false;
    command_all(job, COMMAND_TRIGGER, epoch);
    push_fed(job, MESSAGE_BARRIER, epoch);
    if (!wait_for_answers(job, &attempt->acknowledged, began, timeout_us))
        return false;
    job->epoch_open = false;
    *durable = job->store == NULL;
    if (*durable)
        return true;
    if (!end_epoch(job, epoch, began, durable))
        return false;
    if (!*durable)
        return true;
    command_all(job, COMMAND_COMMIT, epoch);
    return wait_for_answers(job, &attempt->committed, clock_monotonic_us(), timeout_us);
}

/* Runs an epoch until one is durable. Under the lock. */
static bool run_last_epoch(Job *job)
{
    for (bool durable = false; !durable;) {
        if (!run_epoch(job, &durable))
            return false;
        int64_t again_us = clock_monotonic_us() + DECLINED_AGAIN_US;
        while (!durable && !is_interrupted(job) && clock_monotonic_us() < again_us)
            wait_for_change(job, again_us);
    }
    return true;
}

/* ------------------------------------------------------------------ one run */

/* The last epoch and the finishing of the sinks. Under the lock. */
static bool finish_attempt(Job *job, bool needs_barrier)
{
    uint64_t settled = job->settle_wanted;
    if ((needs_barrier || job->store != NULL) && !run_last_epoch(job))
        return false;
    command_all(job, COMMAND_FINISH, 0);
    if (!wait_for_tasks(job, &job->attempt->finished, -1))
        return false;
    job->settle_done = settled;
    return true;
}

static JobState interrupted_state(const Job *job)
{
    if (job->cancel_wanted)
        return JOB_CANCELLED;
    return job->attempt->error.code == ERROR_CANCELLED ? JOB_CANCELLED : JOB_FAILED;
}

/* When the next epoch is due by the clock; negative: never. */
static int64_t next_epoch_us(const Job *job, int64_t began_us, int64_t ended_us)
{
    if (job->store == NULL || job->config.checkpoint_interval_ms <= 0)
        return -1;
    int64_t by_interval = began_us + job->config.checkpoint_interval_ms * 1000;
    int64_t by_pause = ended_us + job->config.checkpoint_min_pause_ms * 1000;
    return by_interval > by_pause ? by_interval : by_pause;
}

/* Runs the started attempt to its end. Under the lock. */
static JobState run_attempt(Job *job)
{
    bool stopping = false;
    int64_t due = next_epoch_us(job, clock_monotonic_us(), 0);
    int64_t settle_us = 0; /* not before this */
    for (;;) {
        if (is_interrupted(job))
            return interrupted_state(job);
        if (job->stop_wanted && !stopping) {
            stopping = true;
            command_all(job, job->drain_wanted ? COMMAND_DRAIN : COMMAND_STOP, 0);
            if (job->drain_wanted)
                push_fed(job, MESSAGE_END, 0);
        }
        bool all_ended = job->attempt->ended == job->attempt->task_count;
        if (all_ended || (stopping && !job->drain_wanted)) {
            if (!finish_attempt(job, !all_ended))
                return interrupted_state(job);
            return stopping ? JOB_STOPPED : JOB_FINISHED;
        }
        int64_t now = clock_monotonic_us();
        bool settle = job->settle_wanted > job->settle_done;
        bool settle_now = settle && now >= settle_us;
        if (due >= 0 && now >= due && is_unsettled(job))
            due = now + UNSETTLED_LOOK_US;
        if (due >= 0 && !job->epoch_open && now >= due - AHEAD_US && !begin_epoch(job))
            return interrupted_state(job);
        if (settle_now || (due >= 0 && now >= due)) {
            uint64_t settled = job->settle_wanted;
            bool durable;
            if (!run_epoch(job, &durable))
                return interrupted_state(job);
            if (durable)
                job->settle_done = settled;
            pthread_cond_broadcast(&job->changed);
            due = next_epoch_us(job, now, clock_monotonic_us());
            settle_us = clock_monotonic_us() + (durable ? 0 : DECLINED_AGAIN_US);
            continue;
        }
        int64_t until = due < 0 || job->epoch_open ? due : due - AHEAD_US;
        wait_for_change(job, settle && (until < 0 || settle_us < until) ? settle_us : until);
    }
}

/* ----------------------------------------------------------------- restarts */

typedef struct Backoff {
    int64_t attempts;
    double delay_ms;
    uint64_t random;
} Backoff;

/* A number in [0, 1): xorshift is random enough to spread restarts. */
static double next_random(Backoff *backoff)
{
    backoff->random ^= backoff->random << 13;
    backoff->random ^= backoff->random >> 7;
    backoff->random ^= backoff->random << 17;
    return (double)(backoff->random >> 11) / 9007199254740992.0;
}

/* Milliseconds until the next attempt; negative: there is none. */
static int64_t next_delay_ms(const JobConfig *config, Backoff *backoff, int64_t ran_us)
{
    if (config->restart == RESTART_NONE)
        return -1;
    bool exponential = config->restart == RESTART_EXPONENTIAL_DELAY;
    if (exponential && config->restart_reset_ms > 0 && ran_us >= config->restart_reset_ms * 1000)
        backoff->attempts = 0;
    if (config->restart_attempts >= 0 && backoff->attempts >= config->restart_attempts)
        return -1;
    backoff->attempts++;
    if (!exponential)
        return config->restart_delay_ms;
    if (backoff->attempts == 1)
        backoff->delay_ms = (double)config->restart_delay_ms;
    else
        backoff->delay_ms *= config->restart_multiplier;
    if (backoff->delay_ms > (double)config->restart_max_delay_ms)
        backoff->delay_ms = (double)config->restart_max_delay_ms;
    double jitter = (2 * next_random(backoff) - 1) * config->restart_jitter;
    return (int64_t)(backoff->delay_ms * (1 + jitter));
}

static bool can_restart(const Job *job, const Error *error)
{
    return (job->store != NULL || !job->begun) && job->fed_count == 0 &&
           (error_retryable(error) || job->attempt->timed_out);
}

bool coordinator_may_restart(const Job *job, const Error *error)
{
    bool any = job->config.restart != RESTART_NONE && job->config.restart_attempts != 0;
    return any && can_restart(job, error);
}

static void say_restart(Job *job, const Error *error, int64_t delay_ms)
{
    char text[1400];
    snprintf(text, sizeof(text), "job \"%s\" %s in %lld ms because of: %s", job->config.name,
             job->begun ? "restarts" : "tries to start again", (long long)delay_ms, error->message);
    job_notice(job, text);
}

/* Waits before a restart; false when the job is to end meanwhile. Under the lock. */
static bool wait_before_restart(Job *job, int64_t delay_ms)
{
    int64_t until = clock_monotonic_us() + delay_ms * 1000;
    job->restart_at_us = until;
    while (!job->cancel_wanted && !job->stop_wanted && clock_monotonic_us() < until)
        wait_for_change(job, until);
    job->restart_at_us = 0;
    return !job->cancel_wanted && !job->stop_wanted;
}

/* Opens and starts the plan again from the newest epoch, in place of the old attempt. */
static bool open_again(Job *job, Error *error)
{
    Arena *arena = arena_new(4096);
    RestorePoint from = {0};
    Attempt *next = attempt_new(job);
    bool opened = restore_choose(job, arena, &from, error) && attempt_open(job, next, &from, error);
    if (opened && !job->begun && from.store != NULL)
        job_say_restored(job, &from);
    restore_close(job, &from);
    arena_free(arena);
    if (!opened) {
        attempt_free(next);
        return false;
    }
    pthread_mutex_lock(&job->lock);
    Attempt *old = job->attempt;
    job->rows_in_before += attempt_rows_in(old);
    job->attempt = next;
    pthread_mutex_unlock(&job->lock);
    attempt_free(old);
    bool started = attempt_start(next, error);
    if (!started)
        attempt_close(next);
    job->begun = job->begun || started;
    return started;
}

/* How a job ends that was told to while it did not run. */
static JobState end_wanted(Job *job)
{
    pthread_mutex_lock(&job->lock);
    JobState end = job->cancel_wanted ? JOB_CANCELLED : JOB_STOPPED;
    pthread_mutex_unlock(&job->lock);
    return end;
}

/* After a failure: gets the job running again, or says how it ended. */
static JobState restart(Job *job, Backoff *backoff, Error *error)
{
    int64_t ran_us = clock_monotonic_us() - job->attempt->started_us;
    for (;;) {
        if (!can_restart(job, error))
            return JOB_FAILED;
        int64_t delay_ms = next_delay_ms(&job->config, backoff, ran_us);
        if (delay_ms < 0)
            return JOB_FAILED;
        say_restart(job, error, delay_ms);
        pthread_mutex_lock(&job->lock);
        job->state = JOB_RESTARTING;
        job->restarts++;
        bool go_on = wait_before_restart(job, delay_ms);
        pthread_mutex_unlock(&job->lock);
        if (!go_on)
            return end_wanted(job);
        error_clear(error);
        if (open_again(job, error))
            return JOB_RUNNING;
        if (job_interrupted(job))
            return end_wanted(job);
        ran_us = 0;
    }
}

/* A job that had finished reads nothing of what has come into its tables since. */
static void say_finished_before(Job *job)
{
    if (!job->went_on || job->rows_in_before + attempt_rows_in(job->attempt) != 0)
        return;
    char text[400];
    snprintf(
        text, sizeof(text),
        "job \"%s\" had read its tables to the end before, so nothing was read now; --fresh begins "
        "anew, with what has come into them since",
        job->config.name);
    job_notice(job, text);
}

void *coordinator_main(void *argument)
{
    Job *job = argument;
    Backoff backoff = {.random = (uint64_t)clock_monotonic_us() | 1};
    Error error = job->start_error;
    JobState state = job->begun ? JOB_RUNNING : restart(job, &backoff, &error);
    while (state == JOB_RUNNING) {
        pthread_mutex_lock(&job->lock);
        job->state = JOB_RUNNING;
        state = run_attempt(job);
        error = job->attempt->error;
        Attempt *attempt = job->attempt;
        pthread_mutex_unlock(&job->lock);
        attempt_interrupt(attempt);
        attempt_join(attempt);
        attempt_close(attempt);
        if (job->store != NULL && (job->epoch_open || attempt->declined != 0))
            checkpoint_abort(job->store); /* now that no task adds to it */
        job->epoch_open = false;
        if (state == JOB_FAILED)
            state = restart(job, &backoff, &error);
    }
    if (state == JOB_FINISHED)
        say_finished_before(job);
    checkpoint_close(job->store);
    pthread_mutex_lock(&job->lock);
    job->store = NULL;
    if (state == JOB_FAILED)
        job->error = error;
    job->state = state;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
    return NULL;
}
