/* Tasks: one copy of a fragment, run by one worker's thread (runtime/worker.h), step by step.
 *
 * A task without a source lives on its inbox; one with a source reads it, and looks into the inbox
 * between two reads.
 *
 * Barriers: a task has an epoch's barrier when every channel has delivered it or ended; it knows of
 * the epoch from the first barrier or from the coordinator's trigger, so that tasks whose inputs
 * have all ended take part too. Then every operator's `barrier` runs in order, the barrier goes on
 * into the channels, and what changed in the state is copied into the checkpoint.
 *
 * Threads: opened and closed by the thread that runs no task; everything else by the task's own. */
#ifndef EXECUTOR_RUNTIME_TASK_H
#define EXECUTOR_RUNTIME_TASK_H

#include "executor/runtime/fragments.h"
#include "executor/sink.h"
#include "executor/runtime/stage.h"
#include "executor/runtime/worker.h"

typedef struct Job Job;

typedef struct TaskChannel {
    Stage *stage;
    uint32_t input;
    int64_t watermark_us;
    uint64_t barrier; /* newest epoch it delivered */
    bool idle;        /* its watermark is not waited for */
    bool behind;      /* was idle and has not caught up with the others: not waited for either */
    bool ended;
    bool is_fed; /* written by job_feed */
} TaskChannel;

/* A source and the stages its scans feed. */
typedef struct TaskSource {
    const SourceClass *class;
    Source *source;
    void *shared;    /* by all copies' sources; the first copy's is the place */
    const char *uid; /* of its positions in a checkpoint */
    Stage **scans;
    uint32_t scan_count;
    bool reading;
    bool stopping; /* reads no more once it is settled */
    bool draining; /* and acts as if its input had ended */
    int64_t published_us;
    SourceProgress progress; /* under the job's lock */
    SplitTimes times;        /* of its splits, if the source tells them */
    /* Alignment: this source's watermark must not be too far ahead of the others of its group. */
    const PlanWatermark *align; /* NULL: it does not wait */
    const Stage *align_own;
    const Stage **align_others;
    uint32_t align_count;
    int64_t aligned_at_us; /* when it looked last */
    bool is_ahead;
} TaskSource;

typedef enum AheadPhase {
    AHEAD_NONE,     /* no epoch is under way that could take it */
    AHEAD_STEADY,   /* what is copied once and for all */
    AHEAD_APPROACH, /* the epoch is due: everything */
    AHEAD_READY     /* little is left; the barrier comes */
} AheadPhase;

/* Copying state before the barrier (runtime/task_ahead.c). */
typedef struct TaskAhead {
    AheadPhase phase;
    bool more;      /* there is something to copy now */
    bool emits;     /* the operators are to emit what the barrier would make them */
    bool idle;      /* nothing came in since the last slice: the next need not wait */
    uint32_t stage; /* whose turn it is */
    uint64_t epoch;
    uint64_t left;     /* records that the approach may still copy */
    int64_t next_us;   /* of the next slice, or look */
    int64_t behind_us; /* until then the disk is left alone */
    double record_us;
} TaskAhead;

struct Task {
    /* Fixed once open. */
    Job *job;
    const Fragment *fragment;
    uint32_t subtask;
    uint32_t batch_rows;
    bool bounded_run;       /* only the final result is wanted */
    CheckpointStore *store; /* NULL: epochs are not durable */
    const Clock *clock;
    Arena *arena;
    FunctionEnvironment environment;
    Inbox *inbox;
    Stage *stages; /* in topological order */
    uint32_t stage_count;
    Stage **sinks;
    uint32_t sink_count;
    TaskChannel *channels;
    uint32_t channel_count;
    TaskSource *source; /* NULL: lives on its channels */
    Worker *worker;
    uint32_t level; /* fragments on the longest way from a source */
    /* What changes. */
    bool begun;
    StageTimer timer;
    Stage *blamed; /* the stage that an error came from */
    uint64_t epoch_wanted;
    uint64_t epoch_done;
    TaskAhead ahead;
    int64_t flushed_us;    /* when sinks last showed their rows */
    int64_t flush_cost_us; /* how long that took */
    bool bulk;             /* the last batch was a large one */
    bool ended;            /* all stages have */
    bool finished;
};

typedef enum TaskStep { TASK_WAITS, TASK_WORKED, TASK_FAILED } TaskStep;

/* One message, command or read, if there is any: WORKED. Otherwise shortens *wait_ms (negative: no
 * bound) to the time after which the task wants to be asked again. `alone`: its source may block
 * the thread for some ms. FAILED also when the inbox is closed. */
TaskStep task_step(Task *task, bool alone, int64_t *wait_ms, Error *error) MUST_CHECK;
/* The thread has nothing else to do: shows what the sinks hold back, if that is due. */
bool task_rest(Task *task, Error *error) MUST_CHECK;

/* Sends a command and wakes the task's source. */
void task_command(Task *task, Command command);
/* OperatorContext.notify and .interrupted of a task's operators; from any thread. */
void task_notify(void *task);
bool task_is_interrupted(void *task);
/* Makes the task leave soon. */
void task_interrupt(Task *task);

/* ---------------------------------------------------------------------- runtime/task_ahead.c */

/* An epoch has begun; it is due, and operators have emitted what its barrier would make them; that
 * again, since `emits` asked for it; its barrier is here. */
void task_ahead_begin(Task *task, uint64_t epoch);
void task_ahead_approach(Task *task);
void task_ahead_emitted(Task *task);
void task_ahead_end(Task *task);
/* Between two batches: copies a slice if it is time; *wait_ms is shortened to the time until the
 * next one. */
void task_ahead(Task *task, int64_t *wait_ms);

/* Counts a change of the size of the job's state; returns the new total. */
uint64_t task_add_state_bytes(Task *task, int64_t change);

/* The job's state is past its limit: an error that names the operator that keeps most. False. */
bool task_refuse_state(Task *task, uint64_t bytes, Error *error);

/* ------------------------------------------------- between runtime/task.c and
 * runtime/task_source.c */

/* Hands rows that have entered the task to a stage, in batches of batch_rows at most. */
bool task_enter_batch(Task *task, Stage *stage, uint32_t input, Batch *batch,
                      Error *error) MUST_CHECK;
/* Reads once from the source; *idle tells that nothing came. */
bool task_source_read(Task *task, int64_t wait_ms, bool *idle, Error *error) MUST_CHECK;
bool task_source_end(Task *task, Error *error) MUST_CHECK;
/* Writes the source's positions into the checkpoint. */
bool task_source_save(Task *task, Error *error) MUST_CHECK;
/* Whether the source must wait for others of its group; *wait_ms is shortened to the time until it
 * looks again. */
bool task_source_is_ahead(Task *task, int64_t *wait_ms);
/* Whether the source's position may be saved now. */
bool task_source_settled(const Task *task);
/* Ends reading if that was asked for and may be now. */
bool task_source_stop(Task *task, Error *error) MUST_CHECK;

#endif
