/* op "scan": the place where a table's rows enter the dataflow.
 *
 * Reading is the task's (task_source.c), since one source may serve several scans and a fed table
 * has none; this operator passes rows on, so that a scan is counted and checked like any other. */
#include "executor/operator.h"

static Operator *op_scan_open(const OperatorContext *context, Error *error)
{
    Operator *op = arena_new_one(context->arena, Operator);
    op->context = context;
    return op;
}

static bool op_scan_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                          Error *error)
{
    return emit(emitter, batch, error);
}

extern const OperatorClass op_scan;
const OperatorClass op_scan = {
    .name = "scan",
    .open = op_scan_open,
    .batch = op_scan_batch,
};
