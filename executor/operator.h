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

/* What an operator instance is given; outlives it. */
typedef struct OperatorContext {
    const PlanNode *node;
    uint32_t subtask; /* this instance, and how many there are */
    uint32_t parallelism;
    StateStore *state; /* for its tables */
    FunctionEnvironment *environment;
    uint32_t batch_rows; /* rows an output batch has at most */
    Arena *arena;        /* lives as long as the instance */
    void *runtime;       /* private to the runtime (op_scan, op_sink) */
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

    /* The combined watermark moved; the runtime passes it on afterwards. */
    bool (*watermark)(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error);
    /* All barriers of the epoch have arrived; emit what was held back. State is snapshot after. */
    bool (*barrier)(Operator *op, uint64_t epoch, Emitter *emitter, Error *error);
    /* After a restore, once the tables are filled and before the first batch. */
    bool (*restored)(Operator *op, Error *error);
    /* All inputs have ended; the last chance to emit. */
    bool (*end)(Operator *op, Emitter *emitter, Error *error);
    void (*close)(Operator *op);
} OperatorClass;

/* The operator by PlanNode.op; asserts that it exists (the planner names only what there is). */
const OperatorClass *operator_find(const char *name);

#endif
