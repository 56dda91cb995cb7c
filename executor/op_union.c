/* Union: UNION ALL. Rows of every input are passed on as they come.
 *
 * Invariant: the inputs have the output's physical types; only names and nullability may differ, so
 * the columns are borrowed under the output's schema. */
#include "executor/operator.h"

static bool union_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    const Schema *schema = op->context->node->schema;
    assert(batch->column_count == schema->column_count);
    Batch *out = batch_new_bare(schema);
    out->row_count = batch->row_count;
    memcpy(out->columns, batch->columns, sizeof(*out->columns) * batch->column_count);
    if (batch->kinds != NULL)
        memcpy(batch_kinds(out, batch->row_count), batch->kinds, batch->row_count);
    batch_hold(out, batch);
    return emit(emitter, out, error);
}

static Operator *union_open(const OperatorContext *context, Error *error)
{
    Operator *op = arena_new_one(context->arena, Operator);
    op->context = context;
    return op;
}

const OperatorClass op_union = {
    .name = "union",
    .open = union_open,
    .batch = union_batch,
    .has_pairs = operator_passes_pairs,
};
