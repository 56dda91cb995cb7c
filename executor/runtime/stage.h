/* Stages: an operator instance in its task, and the calls that carry a stream from one to the next.
 *
 * A stage knows where its output goes: by a direct call into stages of the same task, or into an
 * exchange. It combines the watermarks and ends of its inputs, counts rows and time, and checks the
 * stream (runtime/stream_check.h).
 *
 * Threads: a stage belongs to its task's thread; only `stats` is read by others. */
#ifndef EXECUTOR_RUNTIME_STAGE_H
#define EXECUTOR_RUNTIME_STAGE_H

#include <stdatomic.h>

#include "executor/runtime/exchange.h"
#include "executor/operator.h"
#include "executor/row_check.h"
#include "executor/runtime/stream_check.h"

typedef struct Stage Stage;
typedef struct Task Task;

typedef struct Output {
    Exchange *exchange; /* NULL: a direct call */
    Stage *stage;
    uint32_t input;
    bool late; /* takes late rows only */
} Output;

struct Emitter {
    Stage *stage;
    Output *outputs;
    uint32_t output_count;
    uint32_t row_output_count; /* the first ones, which take the operator's rows */
};

typedef struct StageInput {
    uint32_t feeds; /* channels that have not ended; 1 for a direct call or a source */
    int64_t watermark_us;
    bool idle; /* not waited for */
    bool ended;
    const uint32_t *numbers; /* columns whose -0.0 becomes 0.0 where rows are kept */
    uint32_t number_count;
} StageInput;

/* Written by one thread, read by any; none orders anything. */
typedef struct StageStats {
    _Atomic uint64_t rows_in;
    _Atomic uint64_t rows_out;
    _Atomic uint64_t busy_us;
    _Atomic uint64_t state_bytes;
    _Atomic uint64_t state_keys;
    _Atomic uint64_t late_rows;
    _Atomic int64_t watermark_us;
    _Atomic int64_t moved_at_us; /* by the job's clock, when the watermark last moved */
    _Atomic bool idle;           /* its watermark is not waited for */
} StageStats;

struct Stage {
    /* Fixed once the task is open. */
    Task *task;
    const PlanNode *node;
    const OperatorClass *class;
    OperatorContext context;
    Operator *operator_; /* NULL before open and after close */
    Emitter emitter;
    uint32_t input_count; /* a source has one: what it reads */
    bool keeps_state;
    uint64_t state_limit_bytes; /* of the whole job; 0: none */
    /* What changes. */
    StageInput *inputs;
    OperatorTime time;
    int64_t sweep_us;  /* when to give back expired state though nothing comes; INT64_MAX: never */
    bool ended;        /* all inputs have ended and `end` was called */
    bool end_restored; /* `end` was called before the restored epoch; its rows have gone out */
    StreamCheck check;
    RowCheck *row_check; /* with execution.check-changes; NULL: none */
    StageStats stats;
};

/* Whether a checkpoint has the stage's watermarks. */
static inline bool stage_keeps_time(const Stage *stage)
{
    bool sees_time = stage->class->watermark != NULL || stage->class->own_watermarks;
    for (uint32_t i = 0; i < stage->node->input_count && !sees_time; i++)
        sees_time = stage->node->inputs[i].node->traits.rowtime >= 0;
    return sees_time;
}

/* Rows, a watermark or the end of input `input`. stage_batch takes the batch over. */
bool stage_batch(Stage *stage, uint32_t input, Batch *batch, Error *error) MUST_CHECK;
bool stage_watermark(Stage *stage, uint32_t input, int64_t watermark_us, Error *error) MUST_CHECK;
bool stage_idle(Stage *stage, uint32_t input, bool idle, Error *error) MUST_CHECK;
bool stage_end(Stage *stage, uint32_t input, Error *error) MUST_CHECK;
/* Gives back some of the state that has expired, when that is due. */
bool stage_sweep(Stage *stage, int64_t now_us, Error *error) MUST_CHECK;
/* Calls the operator's alarm if it is due. */
bool stage_alarm(Stage *stage, int64_t now_us, Error *error) MUST_CHECK;

/* Tells the operator that work off the thread has ended. */
bool stage_ready(Stage *stage, Error *error) MUST_CHECK;

/* A barrier is near. */
bool stage_approach(Stage *stage, Error *error) MUST_CHECK;
/* The operator's own part of a barrier, and the passing on of it to other tasks. */
bool stage_barrier(Stage *stage, uint64_t epoch, Error *error) MUST_CHECK;
bool stage_forward_barrier(Stage *stage, uint64_t epoch, Error *error) MUST_CHECK;

/* Measures: time since the last switch belongs to the stage that was current. */
typedef struct StageTimer {
    Stage *current;
    int64_t since_us;
} StageTimer;

#endif
