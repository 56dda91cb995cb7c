/* What the runtime's files share of a job: the job itself, its attempts, and where one restores
 * from.
 *
 *     runtime/job.c          the public calls
 *     runtime/attempt.c      builds, opens and closes the tasks of one run of the plan
 *     runtime/manifest.c     what an epoch says about the operators that made it, and the check of
 * it runtime/branches.c     INSERTs that were added, changed or taken away since the epoch
 *     runtime/restore.c      fills an attempt from an epoch
 *     runtime/coordinator.c  epochs, ends, restarts
 *
 * Invariant: `lock` guards everything below the line; no task holds it while it works. Lock order:
 * job before inbox. */
#ifndef EXECUTOR_RUNTIME_JOB_INTERNAL_H
#define EXECUTOR_RUNTIME_JOB_INTERNAL_H

#include "executor/runtime/coordinator.h"
#include "executor/runtime/job.h"

typedef struct FedTable {
    const PlanNode *node;
    Inbox *inbox;
    uint32_t channel;
    bool ended;
} FedTable;

/* What an epoch keeps for one operator, source or sink, as its manifest says. */
typedef struct ManifestEntry {
    const char *kind; /* "operator", "source", "sink" */
    const char *uid;
    uint32_t parallelism;
    const char *label;
    const char *tables; /* "name\tdescription\n" each; "" when it keeps no state */
    uint64_t since;     /* of a sink: epoch with which its INSERT joined the job; 0: beginning */
    bool is_new;        /* belongs to an INSERT that joins with this start */
} ManifestEntry;

typedef struct Manifest {
    ManifestEntry *entries;
    uint32_t count;
    const char *plan; /* the plan as JSON */
} Manifest;

/* The epoch an attempt starts from. */
typedef struct RestorePoint {
    CheckpointStore *store; /* NULL: a fresh start */
    uint64_t epoch;
    int64_t completed_at_us;
    uint32_t max_parallelism;
    Manifest manifest;
} RestorePoint;

/* One run of the plan, from a start or restart to its end. */
typedef struct Attempt {
    Arena *arena;
    Task **tasks; /* by fragment, then subtask */
    uint32_t task_count;
    uint32_t *first_task; /* of each fragment */
    Worker **workers;
    uint32_t worker_count;
    Manifest manifest;
    int64_t started_us; /* monotonic */
    /* Under the job's lock. */
    uint32_t ready;
    uint32_t acknowledged;
    uint32_t committed;
    uint32_t ended;
    uint32_t finished;
    int64_t pause_us;
    bool failed;
    bool timed_out;    /* because an epoch took too long */
    uint32_t declined; /* epochs in a row; the coordinator's own */
    Error error;
} Attempt;

struct Job {
    /* Fixed. */
    Arena *arena;
    Plan *plan;
    JobConfig config; /* its texts in the arena */
    const FragmentGraph *graph;
    bool *is_new; /* per node: belongs to an INSERT that joins with this start; NULL: none does */
    CheckpointStore *store; /* the coordinator's, once it runs */
    FedTable *fed;
    uint32_t fed_count;
    pthread_t coordinator;
    bool coordinator_started;
    pthread_mutex_t output_lock; /* write_text and notice: one at a time */
    pthread_mutex_t rows_lock;   /* on_rows: one at a time; it may block for long */
    _Atomic int64_t state_bytes;
    _Atomic uint64_t rows_written;
    bool epoch_open;   /* one has begun, in the store too; the coordinator's own */
    bool begun;        /* an attempt has run; the coordinator's own, once it runs */
    Error start_error; /* why it has not begun */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* anything below */
    /* ---- under the lock ---- */
    JobState state;
    Error error;
    Attempt *attempt;
    bool cancel_wanted;
    bool stop_wanted;
    bool drain_wanted;
    uint64_t settle_wanted;
    uint64_t settle_done;
    uint64_t epoch;          /* running or last */
    uint64_t rows_in_before; /* of attempts before this one */
    bool went_on;            /* from an epoch of another process */
    uint32_t restarts;
    int64_t restart_at_us; /* of the next try, monotonic; 0: not waiting */
    uint64_t checkpoint_epoch;
    int64_t checkpoint_at_us;
    int64_t checkpoint_duration_us;
    int64_t checkpoint_pause_us;
    uint64_t checkpoint_bytes;
};

/* runtime/job.c */
void job_notice(void *opaque, const char *text);
bool job_write_text(void *job, Str text, bool standard_error);
bool job_on_rows(void *job, const Batch *batch, Error *error);
bool job_has_ended(const Job *job); /* under the lock */
bool job_interrupted(void *job);
void job_say_restored(Job *job, const RestorePoint *from);

/* runtime/attempt.c: the tasks, built and not yet open. */
Attempt *attempt_new(Job *job);
/* Opens everything; on failure nothing is left open. */
bool attempt_open(Job *job, Attempt *attempt, const RestorePoint *from, Error *error) MUST_CHECK;
bool attempt_start(Attempt *attempt, Error *error) MUST_CHECK;
/* Makes every task leave soon. */
void attempt_interrupt(Attempt *attempt);
void attempt_join(Attempt *attempt);
/* Closes operators, sources and sinks; figures stay readable. */
void attempt_close(Attempt *attempt);
void attempt_free(Attempt *attempt);
/* What the positions of a source are known by in a checkpoint. */
const char *scan_source_uid(Arena *arena, const PlanNode *node);
Stage *attempt_stage(const Job *job, const Attempt *attempt, uint32_t node, uint32_t subtask);
uint64_t attempt_rows_in(const Attempt *attempt);

/* runtime/manifest.c */
/* Fills attempt->manifest; fails if two parts have one identity, whose state would mix. */
bool manifest_of_attempt(const Job *job, Attempt *attempt, Error *error) MUST_CHECK;
void manifest_print(const Manifest *manifest, const Plan *plan, Buffer *out);
bool manifest_parse(Arena *arena, const char *text, Manifest *out, Error *error) MUST_CHECK;
/* Refuses to go on from an epoch whose state does not fit, saying what changed. */
bool manifest_check(Job *job, const RestorePoint *from, const Manifest *now,
                    Error *error) MUST_CHECK;
const ManifestEntry *manifest_find(const Manifest *manifest, const char *kind, const char *uid);

/* runtime/branches.c: compares the INSERTs of the plan with those of the epoch; plans again when
 * some joined later than the job began, and marks what is new. */
bool branches_settle(Job *job, const RestorePoint *from, Error *error) MUST_CHECK;

/* runtime/restore.c */
/* Where an attempt starts: the newest epoch of its own store, else of recovery_path
 * (which is copied into the own store first). */
bool restore_choose(Job *job, Arena *arena, RestorePoint *out, Error *error) MUST_CHECK;
void restore_close(const Job *job, RestorePoint *from);
bool restore_state(const Job *job, Attempt *attempt, const RestorePoint *from,
                   Error *error) MUST_CHECK;
bool restore_splits(Arena *arena, const RestorePoint *from, const char *uid,
                    const SplitPosition **splits, uint32_t *count, Error *error) MUST_CHECK;
bool restore_pending(Arena *arena, const RestorePoint *from, const char *uid, const Str **pending,
                     uint32_t *count, Error *error) MUST_CHECK;

#endif
