/* A running job: the plan's operators on worker threads, with checkpoints.
 *
 * This is the executor's public face; session/ is its only user.
 *
 * Threads: job_start makes the workers and one coordinator; the other calls may come from one
 * thread at a time, job_cancel from any thread or a signal handler's helper. */
#ifndef EXECUTOR_RUNTIME_JOB_H
#define EXECUTOR_RUNTIME_JOB_H

#include "planner/plan.h"
#include "state/checkpoint.h"

typedef struct Job Job;

typedef enum RestartStrategy {
    RESTART_NONE,
    RESTART_FIXED_DELAY,
    RESTART_EXPONENTIAL_DELAY
} RestartStrategy;

typedef struct JobConfig {
    const char *name; /* pipeline.name */
    uint32_t parallelism;
    uint32_t batch_rows;            /* rows a source puts in a batch at most; 1 in tests */
    uint64_t queue_bytes;           /* bound of one exchange channel */
    int64_t checkpoint_interval_ms; /* 0: none */
    int64_t checkpoint_min_pause_ms;
    int64_t checkpoint_timeout_ms;
    /* NULL: no durable checkpoints, and a failure ends the job. With a directory and no interval an
     * epoch is made when asked for: by job_settle, job_stop and at the end of the input. */
    const char *checkpoint_directory;
    uint32_t checkpoints_retained;
    /* Epochs in a row that may not become durable because somebody else holds the store or the disk
     * is full, before that is a failure. */
    uint32_t checkpoint_failures_tolerated;
    uint32_t checkpoint_wait_ms; /* for readers of the store; 0: a minute */
    bool fresh;                  /* do not restore, forget what is there */
    /* execution.state-recovery.path: where to start from as long as the job's own directory has no
     * epoch. NULL: nowhere else. */
    const char *recovery_path;
    /* execution.state-recovery.ignore-unclaimed-state: what the epoch has for INSERTs that the job
     * no longer has is dropped, and a changed INSERT begins anew, instead of refusing. */
    bool ignore_unclaimed;
    /* Plans the statement again with INSERTs that joined the job later, `since` per INSERT as in
     * PlannerConfig. NULL: a statement with another set of INSERTs is refused. */
    Plan *(*replan)(void *to, const uint64_t *since, uint32_t count, Error *error);
    /* Only for failures that doing the same again may cure (error_retryable, an epoch that took too
     * long), also when the job starts, and never with tables fed by hand, whose rows cannot be read
     * again. Without a checkpoint directory only until the job has begun: behind that there is
     * nothing to go back to that would neither lose nor repeat rows. */
    RestartStrategy restart;
    int64_t restart_attempts; /* negative: no bound */
    int64_t restart_delay_ms;
    int64_t restart_max_delay_ms;
    double restart_multiplier;
    double restart_jitter;
    int64_t restart_reset_ms;
    uint64_t state_memory_limit_bytes; /* 0: none */
    bool bounded_run;
    bool check_changes; /* row_check.h behind every operator */
    const Clock *clock;
    const TimeZone *zone;
    /* Rows of a sink without connector; called from a worker, one at a time. Borrows the batch. */
    bool (*on_rows)(void *to, const Batch *batch, Error *error);
    /* Text of print sinks; NULL: the process's streams. */
    bool (*write_text)(void *to, Str text, bool standard_error);
    /* Notices for people: restored from …, restarting because … */
    void (*notice)(void *to, const char *text);
    /* Whether job_start is to give up; asked from its thread while it waits. NULL: never. */
    bool (*interrupted)(void *to);
    void *to;
} JobConfig;

typedef enum JobState {
    JOB_RUNNING,
    JOB_RESTARTING,
    JOB_FINISHED, /* its bounded input ended */
    JOB_STOPPED,  /* asked to, after a last checkpoint */
    JOB_CANCELLED,
    JOB_FAILED
} JobState;

typedef struct JobStatus {
    JobState state;
    uint64_t rows_in;  /* from sources */
    uint64_t rows_out; /* into sinks */
    bool snapshot;
    double snapshot_percent;      /* negative: not known */
    double snapshot_seconds_left; /* negative: not known */
    double seconds_behind;        /* negative: not known */
    uint64_t rows_skipped;        /* malformed and ignored */
    uint64_t state_bytes;
    uint64_t checkpoint_epoch; /* newest durable, 0: none */
    int64_t checkpoint_at_us;
    int64_t checkpoint_duration_us;
    int64_t checkpoint_pause_us; /* longest stop of a worker in it */
    uint64_t checkpoint_bytes;
    uint32_t restarts;
    double restart_seconds_left; /* while RESTARTING, until the next try; negative: not waiting */
    char position[256];
    uint64_t late_rows;
    /* Event time: the table whose watermark the others wait for, where it stands and since when, by
     * the job's clock. */
    bool has_event_time;
    bool waits_local; /* the watermark is a local time, not UTC */
    int64_t watermark_us;
    double watermark_stands_seconds;
    char watermark_table[128];
    char watermark_split[128]; /* of the table; "": it has none, or one */
} JobStatus;

/* One operator's figures, for EXPLAIN after a run, SHOW JOBS and tests. */
typedef struct OperatorStatus {
    const PlanNode *node;
    uint64_t rows_in, rows_out;
    uint64_t busy_us;
    uint64_t state_bytes, state_keys;
    uint64_t late_rows;
    int64_t watermark_us; /* INT64_MIN: none yet; INT64_MAX: its inputs have ended */
    double watermark_stands_seconds;
    char watermark_split[128]; /* as JobStatus's */
} OperatorStatus;

/* Opens everything (so that a missing table or a bad file fails here), restores when there is an
 * epoch, and starts. Where something cannot be opened now that may be later, and the restart
 * strategy allows it, the job comes back as RESTARTING and goes on trying. The job owns the plan
 * from here on, also on failure. */
Job *job_start(Plan *plan, const JobConfig *config, Error *error) MUST_CHECK;

/* Waits until the job has ended or the timeout passed (negative: for ever); true when it ended. */
bool job_wait(Job *job, int64_t timeout_ms);
void job_status(Job *job, JobStatus *out);
uint32_t job_operators(Job *job, OperatorStatus *out, uint32_t capacity);
/* Why it failed; code ERROR_NONE when it did not. */
void job_error(Job *job, Error *out);

/* Stops after a last checkpoint (when they are on); drain first ends the input as if it were done.
 */
void job_stop(Job *job, bool drain);
/* Whether job_save may work once it has ended: it keeps checkpoints, and the directory is there or
 * could be made. */
bool job_can_save(const Job *job, const char *directory, Error *error) MUST_CHECK;
/* The newest epoch of a job that has ended, as a savepoint in the directory; its path
 * in the arena.
 */
bool job_save(Job *job, const char *directory, Arena *arena, const char **path,
              Error *error) MUST_CHECK;
void job_cancel(Job *job);
/* Waits for the threads and gives everything back. A running job is cancelled. */
void job_free(Job *job);

/* For tests and embedding programs: rows of a table that is fed (PlanScan.is_fed), by name; takes
 * the batch over, which has the table's physical columns. Blocks while the queue is full. Rows
 * arrive in the order fed, over all tables, in every worker that reads them. Rows fed after the
 * last settled epoch are lost when the job is killed; feed them again. */
bool job_feed(Job *job, const char *table, Batch *batch, Error *error) MUST_CHECK;
bool job_feed_watermark(Job *job, const char *table, int64_t watermark_us, Error *error) MUST_CHECK;
bool job_feed_end(Job *job, const char *table, Error *error) MUST_CHECK;
/* The clock of the configuration was set by hand: alarms that are due now run. */
void job_clock_set(Job *job);
/* Returns when everything fed so far has reached the sinks; with a checkpoint directory this makes
 * a durable epoch. */
bool job_settle(Job *job, Error *error) MUST_CHECK;

#endif
