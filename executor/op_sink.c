/* op "sink": hands rows to a connector, or to whoever runs the query.
 *
 * Leaves out the kinds the sink does not take (PlanSink.takes) and enforces NOT NULL: an error that
 * names table and column, or the row is dropped. Where lengths are checked, a value of another one
 * is such an error too. A barrier asks the connector what finishing the
 * epoch needs and keeps that in the checkpoint; the runtime calls sink_commit when it is durable.
 * Cost: a batch that needs no filtering is passed on as it is. */
#include "executor/sink.h"

#include <string.h>

#include "core/str.h"

typedef struct SinkOperator {
    Operator base;
    /* Fixed after open. */
    const PlanSink *spec;
    const SinkRuntime *runtime;
    const SinkClass *class; /* NULL: no connector */
    Sink *sink;             /* NULL until connected */
    uint32_t *rows;         /* scratch: rows that pass */
    /* What changes. */
    Buffer pending;
    bool dirty; /* rows were written since the last flush */
} SinkOperator;

/* Adds the table to an error of the connector. */
static bool sink_error(const SinkOperator *sink, Error *error)
{
    if (sink->spec->table.name != NULL)
        error_prefix(error, "table \"%s\": ", sink->spec->table.name);
    return false;
}

static bool null_error(const SinkOperator *sink, uint32_t column, Error *error)
{
    const char *name = sink->base.context->node->schema->columns[column].name;
    error_set(error, ERROR_DATA, "column \"%s\" is NOT NULL, but a NULL was to be written to it",
              name);
    error_hint(error, "Give the column a value in the query (COALESCE), or set "
                      "table.exec.sink.not-null-enforcer to DROP to leave such rows out.");
    return sink_error(sink, error);
}

/* Removes rows[] entries with a NULL where none may be; false on error. */
static bool enforce_not_null(SinkOperator *sink, const Batch *batch, uint32_t *count, Error *error)
{
    const PlanSink *spec = sink->spec;
    for (uint32_t c = 0; c < spec->not_null_count; c++) {
        uint32_t column = spec->not_null[c];
        const Vector *vector = &batch->columns[column];
        if (vector->validity == NULL)
            continue;
        uint32_t kept = 0;
        for (uint32_t i = 0; i < *count; i++) {
            uint32_t row = sink->rows[i];
            if (!vector_is_null(vector, row))
                sink->rows[kept++] = row;
            else if (!spec->drop_null_rows)
                return null_error(sink, column, error);
        }
        *count = kept;
    }
    return true;
}

static bool length_error(const SinkOperator *sink, uint32_t column, size_t length, Error *error)
{
    const Column *to = &sink->spec->table.physical->columns[column];
    Buffer type = {0};
    type_print(to->type, &type);
    error_set(error, ERROR_DATA, "column \"%s\" is %s, but a value of length %zu was to be written",
              to->name, buffer_text(&type), length);
    error_hint(error, "Cast it in the query, or set table.exec.sink.type-length-enforcer to "
                      "TRIM_PAD to cut it off or fill it up.");
    buffer_deinit(&type);
    return sink_error(sink, error);
}

/* Whether the values of the chosen rows are as long as the table says: CHAR and BINARY exactly, the
 * others at most. */
static bool check_lengths(const SinkOperator *sink, const Batch *batch, Error *error)
{
    const PlanSink *spec = sink->spec;
    for (uint32_t c = 0; c < spec->length_count; c++) {
        uint32_t column = spec->lengths[c];
        const Vector *vector = &batch->columns[column];
        const Type *type = spec->table.physical->columns[column].type;
        bool exact = type->kind == TYPE_CHAR || type->kind == TYPE_BINARY;
        for (uint32_t row = 0; row < batch->row_count; row++) {
            if (vector_is_null(vector, row))
                continue;
            Str value = vector_str(vector, row);
            size_t length = type_is_string(type) ? str_utf8_length(value) : value.length;
            if (length > (size_t)type->length || (exact && length != (size_t)type->length))
                return length_error(sink, column, length, error);
        }
    }
    return true;
}

static bool needs_filter(const SinkOperator *sink, const Batch *batch)
{
    const PlanSink *spec = sink->spec;
    if (batch->kinds != NULL && spec->takes != CHANGES_ALL)
        return true;
    for (uint32_t c = 0; c < spec->not_null_count; c++)
        if (batch->columns[spec->not_null[c]].validity != NULL)
            return true;
    return false;
}

/* Keeps only the rows that the sink takes; takes the batch over, NULL on error. */
static Batch *filter_rows(SinkOperator *sink, Batch *batch, Error *error)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < batch->row_count; i++)
        if ((sink->spec->takes & CHANGES_OF(batch_kind(batch, i))) != 0)
            sink->rows[count++] = i;
    if (!enforce_not_null(sink, batch, &count, error)) {
        batch_release(batch);
        return NULL;
    }
    if (count == batch->row_count)
        return batch;
    Batch *kept = batch_gather(batch, sink->rows, count);
    batch_release(batch);
    return kept;
}

static bool op_sink_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                          Error *error)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (needs_filter(sink, batch)) {
        batch = filter_rows(sink, batch, error);
        if (batch == NULL)
            return false;
    }
    bool written = sink->spec->length_count == 0 || check_lengths(sink, batch, error);
    if (batch->row_count > 0 && written) {
        if (sink->class != NULL)
            written = sink->class->write(sink->sink, batch, error) || sink_error(sink, error);
        else if (sink->runtime->on_rows != NULL)
            written = sink->runtime->on_rows(sink->runtime->to, batch, error);
        sink->dirty = true;
        atomic_fetch_add_explicit(sink->runtime->rows_written, batch->row_count,
                                  memory_order_relaxed);
    }
    batch_release(batch);
    return written;
}

static bool op_sink_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (sink->class == NULL)
        return true;
    if (sink->runtime->store == NULL)
        return sink_flush(op, error);
    buffer_clear(&sink->pending);
    if (!sink->class->prepare(sink->sink, epoch, &sink->pending, error))
        return sink_error(sink, error);
    checkpoint_add_blob(sink->runtime->store, op->context->node->uid, "sink", op->context->subtask,
                        STR(""), (Str){sink->pending.data, sink->pending.length});
    return true;
}

bool sink_commit(Operator *op, uint64_t epoch, Error *error)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (sink->class == NULL || sink->runtime->store == NULL)
        return true;
    return sink->class->commit(sink->sink, epoch, error) || sink_error(sink, error);
}

bool sink_finish(Operator *op, Error *error)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (sink->class == NULL)
        return true;
    return sink->class->finish(sink->sink, error) || sink_error(sink, error);
}

bool sink_is_dirty(const Operator *op)
{
    const SinkOperator *sink = (const SinkOperator *)op;
    return sink->dirty && sink->class != NULL && sink->class->flush != NULL &&
           sink->runtime->store == NULL;
}

bool sink_flush(Operator *op, Error *error)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (!sink_is_dirty(op))
        return true;
    sink->dirty = false;
    return sink->class->flush(sink->sink, error) || sink_error(sink, error);
}

bool sink_connect(Operator *op, Error *error)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (sink->class == NULL)
        return true;
    const SinkRuntime *runtime = sink->runtime;
    SinkContext context = {
        .table = &sink->spec->table,
        .schema = op->context->node->schema,
        .job = runtime->job,
        .sink_id = sink->spec->sink_id,
        .subtask = op->context->subtask,
        .parallelism = op->context->parallelism,
        .restored = runtime->restored,
        .restored_count = runtime->restored_count,
        .restored_epoch = runtime->restored_epoch,
        .checkpointing = runtime->store != NULL,
        .zone = runtime->zone,
        .write_text = runtime->write_text,
        .write_to = runtime->to,
    };
    sink->sink = sink->class->open(&context, error);
    if (sink->sink == NULL)
        return sink_error(sink, error);
    if (runtime->restored_epoch == 0)
        return true;
    return sink->class->commit(sink->sink, runtime->restored_epoch, error) ||
           sink_error(sink, error);
}

static Operator *op_sink_open(const OperatorContext *context, Error *error)
{
    SinkOperator *sink = arena_new_one(context->arena, SinkOperator);
    sink->base.context = context;
    sink->spec = context->node->spec;
    sink->runtime = context->runtime;
    sink->class = sink->spec->connector == NULL ? NULL : sink->spec->connector->sink;
    sink->rows = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX);
    return &sink->base;
}

static void op_sink_close(Operator *op)
{
    SinkOperator *sink = (SinkOperator *)op;
    if (sink->sink != NULL)
        sink->class->close(sink->sink);
    sink->sink = NULL;
    buffer_deinit(&sink->pending);
}

extern const OperatorClass op_sink;
const OperatorClass op_sink = {
    .name = "sink",
    .open = op_sink_open,
    .batch = op_sink_batch,
    .barrier = op_sink_barrier,
    .close = op_sink_close,
};
