/* Operators: the contract between one file op_<name>.c and the runtime that drives it.
 *
 * An operator is one file that exports one `const OperatorClass op_<name>` and one line in
 * executor/meson.build. The file keeps one order: contract, structs (fixed after open, changing,
 * statistics), behaviour, open, close, explain.
 *
 * Threads: one instance belongs to one worker thread for its whole life; nothing here locks.
 *
 * The runtime aligns barriers, takes the minimum of watermarks over inputs that are not idle,
 * counts rows, measures time and, in debug builds, checks the stream between every two operators.
 * It calls snapshot for an operator's state tables by itself: `barrier` is only for operators that
 * hold back rows or talk to the outside. */
#ifndef EXECUTOR_OPERATOR_H
#define EXECUTOR_OPERATOR_H

#include "planner/plan.h"
#include "state/state.h"

typedef struct Emitter Emitter;

/* Passes a batch on; takes it over, also on failure. Empty batches are dropped. */
bool emit(Emitter *emitter, Batch *batch, Error *error) MUST_CHECK;

/* Tells the consumers that no row at or before `watermark_us` will come; for classes that make
 * watermarks of their own. One that is lower than the last is dropped. */
bool emit_watermark(Emitter *emitter, int64_t watermark_us, Error *error) MUST_CHECK;
/* Tells the consumers not to wait for this operator's watermark, or to wait for it again. */
bool emit_idle(Emitter *emitter, bool idle, Error *error) MUST_CHECK;
/* Rows that came too late for what the operator does: counts them, and sends them to the table for
 * late rows if there is one. Borrows the batch; `rows` NULL: all of it. */
bool emit_late(Emitter *emitter, const Batch *batch, const uint32_t *rows, uint32_t count,
               Error *error) MUST_CHECK;

/* What an instance and the runtime tell each other about time. Watermarks are microseconds: of the
 * local clock where the time attribute is TIMESTAMP, of UTC where it is TIMESTAMP_LTZ. Both go on
 * from where they were after a restore. */
typedef struct OperatorTime {
    int64_t watermark_us; /* the inputs' combined one; INT64_MIN: none yet, INT64_MAX: all ended */
    int64_t emitted_us;   /* the last that was passed on */
    int64_t alarm_us;     /* when `alarm` is wanted, by the job's clock; INT64_MAX: not at all */
    bool is_idle;         /* as told with emit_idle */
} OperatorTime;

static inline void operator_time_init(OperatorTime *time)
{
    *time = (OperatorTime){INT64_MIN, INT64_MIN, INT64_MAX, false};
}

/* What an operator instance is given; outlives it. */
typedef struct OperatorContext {
    const PlanNode *node;
    uint32_t subtask; /* this instance, and how many there are */
    uint32_t parallelism;
    StateStore *state; /* for its tables */
    OperatorTime *time;
    FunctionEnvironment *environment;
    uint32_t batch_rows; /* rows an output batch has at most */
    SplitTimes *splits;  /* of the source that gives the rows; NULL: not known */
    Arena *arena;        /* lives as long as the instance */
    void *runtime;       /* private to the runtime (op_scan, op_sink) */
    /* Has the operator's `ready` called soon; from any thread. NULL: nobody would. */
    void (*notify)(void *to);
    void *notify_to;
    /* Whether the task is to end: who waits in a call asks now and then. NULL: never. */
    bool (*interrupted)(void *to);
    void *interrupted_to;
} OperatorContext;

/* An instance: each operator's own struct begins with one. */
typedef struct Operator {
    const OperatorContext *context;
} Operator;

typedef struct OperatorClass {
    const char *name; /* PlanNode.op */

    /* Makes an instance and declares its state tables. */
    Operator *(*open)(const OperatorContext *context, Error *error);
    /* Rows on input `input`; owns the batch. */
    bool (*batch)(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error);

    /* Optional; NULL means: nothing to do. */

    /* The operator passes watermarks on itself, with emit_watermark; only the last one, INT64_MAX,
     * the runtime still passes on, after `watermark`. */
    bool own_watermarks;
    /* With own_watermarks: whether the inputs are idle is passed on all the same. */
    bool passes_idle;
    /* The combined watermark moved; the runtime passes it on afterwards. */
    bool (*watermark)(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error);
    /* The job's clock has reached time->alarm_us, which is unset before the call. May come early:
     * then ask again. */
    bool (*alarm)(Operator *op, int64_t now_us, Emitter *emitter, Error *error);
    /* `notify` was called: work that went on outside the thread (executor/runtime/offload.h) has
     * ended. */
    bool (*ready)(Operator *op, Emitter *emitter, Error *error);
    /* A barrier is near: emit what it would have to, if that means work for others. */
    bool (*approach)(Operator *op, Emitter *emitter, Error *error);
    /* All barriers of the epoch have arrived; emit what was held back. State is snapshot after. */
    bool (*barrier)(Operator *op, uint64_t epoch, Emitter *emitter, Error *error);
    /* After a restore, once the tables are filled and before the first batch. */
    bool (*restored)(Operator *op, Error *error);
    /* All inputs have ended; the last chance to emit. */
    bool (*end)(Operator *op, Emitter *emitter, Error *error);
    void (*close)(Operator *op);
    /* Whether the -U and +U of an update stand together in what it emits; `inputs` says whether
     * they do in all that comes in. NULL: they need not. */
    bool (*has_pairs)(const PlanNode *node, bool inputs);
} OperatorClass;

/* Asks for a call of `alarm` when the clock reaches at_us, or earlier if that was asked for. */
static inline void operator_wake_at(const OperatorContext *context, int64_t at_us)
{
    if (at_us < context->time->alarm_us)
        context->time->alarm_us = at_us;
}
/* The job's clock: processing time. */
static inline int64_t operator_now_us(const OperatorContext *context)
{
    return context->environment->clock->now_us(context->environment->clock);
}

/* Slots `has_pairs`: of what makes its updates itself, and of what passes them on as they are. */
static inline bool operator_makes_pairs(const PlanNode *node, bool inputs)
{
    return true;
}
static inline bool operator_passes_pairs(const PlanNode *node, bool inputs)
{
    return inputs;
}

/* The operator by PlanNode.op; asserts that it exists (the planner names only what there is). */
const OperatorClass *operator_find(const char *name);

#endif
