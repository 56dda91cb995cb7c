/* op "values": constant rows, once.
 *
 * The rows are read like a table's, by a source of their own, whose position is the number of
 * batches given: so a restored job does not give them twice. The operator itself passes on what it
 * reads. Batches are copied, since the plan's must not be counted by a worker. */
#include "executor/operator.h"
#include "executor/values_source.h"

typedef struct ValuesSource {
    const PlanValues *values;
    uint32_t next;
    uint64_t rows;
} ValuesSource;

Source *values_source_open(const PlanValues *values, const SourceContext *context, Error *error)
{
    uint32_t next = 0;
    if (context->restored_count > 0) {
        Reader reader = reader_of(context->restored[0].position);
        next = reader_u32(&reader);
        if (reader.failed || !reader_done(&reader) || next > values->batch_count) {
            error_set(error, ERROR_STATE, "the checkpoint has a bad position of VALUES");
            return NULL;
        }
    }
    ValuesSource *source = memory_zalloc(sizeof(*source));
    source->values = values;
    source->next = next;
    return (Source *)source;
}

static SourceState values_next(Source *opaque, int64_t timeout_ms, Batch **batch, uint32_t *scan,
                               Error *error)
{
    ValuesSource *source = (ValuesSource *)opaque;
    if (source->next == source->values->batch_count)
        return SOURCE_END;
    *batch = batch_copy(source->values->batches[source->next++]);
    *scan = 0;
    source->rows += (*batch)->row_count;
    return SOURCE_BATCH;
}

static bool values_position(Source *opaque, void (*add)(void *to, Str split, Str position),
                            void *to, Error *error)
{
    const ValuesSource *source = (const ValuesSource *)opaque;
    Buffer position = {0};
    buffer_append_u32(&position, source->next);
    add(to, STR("values"), (Str){position.data, position.length});
    buffer_deinit(&position);
    return true;
}

static void values_close(Source *source)
{
    memory_free(source);
}

static void values_progress(Source *opaque, SourceProgress *out)
{
    const ValuesSource *source = (const ValuesSource *)opaque;
    *out = (SourceProgress){.rows = source->rows, .seconds_behind = -1};
}

const SourceClass values_source = {
    .next = values_next,
    .position = values_position,
    .close = values_close,
    .progress = values_progress,
    .is_short = true, /* so that the first epoch, and what waits for it, sees them */
};

static Operator *op_values_open(const OperatorContext *context, Error *error)
{
    Operator *op = arena_new_one(context->arena, Operator);
    op->context = context;
    return op;
}

static bool op_values_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    return emit(emitter, batch, error);
}

extern const OperatorClass op_values;
const OperatorClass op_values = {
    .name = "values",
    .open = op_values_open,
    .batch = op_values_batch,
};
