/* Late rows: what came too late for the operators it reads from, on its way to the table for it.
 *
 * Contract: rows as they come. They are made where they were late (emit_late). */
#include "executor/operator.h"

static bool late_rows_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    return emit(emitter, batch, error);
}

static Operator *late_rows_open(const OperatorContext *context, Error *error)
{
    Operator *op = arena_new_one(context->arena, Operator);
    op->context = context;
    return op;
}

extern const OperatorClass op_late_rows;
const OperatorClass op_late_rows = {
    .name = "late_rows",
    .open = late_rows_open,
    .batch = late_rows_batch,
};
