/* DropUpdateBefore: removes -U, for consumers that only want the row as it is now.
 *
 * Cost: a batch without -U is passed on untouched; else one gather. */
#include "executor/operator.h"

typedef struct DropUpdateBefore {
    Operator base;
    uint32_t *rows; /* kept */
} DropUpdateBefore;

static bool drop_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    DropUpdateBefore *drop = (DropUpdateBefore *)op;
    uint32_t count = 0;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        drop->rows[count] = row;
        count += batch_kind(batch, row) != CHANGE_UPDATE_BEFORE;
    }
    if (count == batch->row_count)
        return emit(emitter, batch, error);
    Batch *out = count == 0 ? NULL : batch_gather(batch, drop->rows, count);
    batch_release(batch);
    return out == NULL || emit(emitter, out, error);
}

static Operator *drop_open(const OperatorContext *context, Error *error)
{
    DropUpdateBefore *drop = arena_new_one(context->arena, DropUpdateBefore);
    drop->base.context = context;
    drop->rows = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    return &drop->base;
}

const OperatorClass op_drop_update_before = {
    .name = "drop_update_before",
    .open = drop_open,
    .batch = drop_batch,
};
