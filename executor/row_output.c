/* Filling output batches from rows of the input and rows kept in state (see row_output.h). */
#include "executor/row_output.h"

#include "executor/vector_rows.h"

/* A row that is lent was found a moment ago, so its beginning is near. What lies behind that, where
 * texts begin, is asked for until the rows are decoded; a long row's end is not worth it. */
#define NEAR_BYTES  112
#define AHEAD_BYTES 192

void row_output_init(RowOutput *output, const OperatorContext *context)
{
    uint32_t limit = context->batch_rows;
    if (limit > BATCH_ROWS_MAX)
        limit = BATCH_ROWS_MAX;
    if (limit == 0)
        limit = 1;
    *output = (RowOutput){.schema = context->node->schema, .limit = limit};
    /* One more than the limit: a +U that follows its -U into a batch of one row. */
    output->copy_to = arena_new_array(context->arena, uint32_t, limit + 1);
    output->copy_from = arena_new_array(context->arena, uint32_t, limit + 1);
    output->repeat_to = arena_new_array(context->arena, uint32_t, limit + 1);
    output->repeat_from = arena_new_array(context->arena, uint32_t, limit + 1);
    output->lent_count = context->node->input_count > 1 ? context->node->input_count : 1;
    output->lent = arena_new_array(context->arena, RowLent, output->lent_count);
    for (uint32_t i = 0; i < output->lent_count; i++) {
        output->lent[i].to = arena_new_array(context->arena, uint32_t, limit + 1);
        output->lent[i].rows = arena_new_array(context->arena, Str, limit + 1);
    }
    output->columns = arena_new_array(context->arena, Vector *, output->schema->column_count + 1);
}

void row_output_start(RowOutput *output, Batch *input, uint32_t input_column,
                      uint32_t input_columns, Emitter *emitter)
{
    assert(output->batch == NULL && output->copy_count == 0);
    output->input = input;
    output->input_column = input_column;
    output->input_columns = input_columns;
    output->emitter = emitter;
}

static void decode_lent(RowOutput *output, RowLent *lent)
{
    if (lent->count != 0)
        row_decode_rows(lent->layout, lent->rows, lent->count, output->columns + lent->column,
                        lent->to, output->batch->arena);
    lent->count = 0;
}

static bool flush(RowOutput *output, Error *error)
{
    Batch *batch = output->batch;
    if (batch == NULL)
        return true;
    bool lends = false;
    for (uint32_t c = 0; c < output->input_columns && output->copy_count != 0; c++) {
        const Vector *from = &output->input->columns[c];
        vector_copy_rows(output->columns[output->input_column + c], output->copy_to, from,
                         output->copy_from, output->copy_count, batch->arena);
        lends = lends || from->type->physical >= PHYSICAL_STRING;
    }
    if (lends)
        batch_hold(batch, batch_retain(output->input));
    for (uint32_t i = 0; i < output->lent_count; i++)
        decode_lent(output, &output->lent[i]);
    for (uint32_t c = 0; c < output->repeat_columns && output->repeat_count != 0; c++) {
        Vector *column = output->columns[output->repeat_column + c];
        vector_copy_rows(column, output->repeat_to, column, output->repeat_from,
                         output->repeat_count, batch->arena);
    }
    output->copy_count = 0;
    output->repeat_count = 0;
    output->batch = NULL;
    return emit(output->emitter, batch, error);
}

static void open_batch(RowOutput *output)
{
    output->batch = batch_new(output->schema, output->limit + 1);
    output->batches++;
    for (uint32_t c = 0; c < output->schema->column_count; c++)
        output->columns[c] = &output->batch->columns[c];
}

bool row_output_add(RowOutput *output, uint8_t kind, uint32_t *row, Error *error)
{
    if (output->batch != NULL) {
        uint32_t count = output->batch->row_count;
        bool completes_pair =
            kind == CHANGE_UPDATE_AFTER && output->last_kind == CHANGE_UPDATE_BEFORE;
        bool parts_pair = kind == CHANGE_UPDATE_BEFORE && count + 1 == output->limit;
        if (((count >= output->limit && !completes_pair) || parts_pair) && !flush(output, error))
            return false;
    }
    if (output->batch == NULL)
        open_batch(output);
    Batch *batch = output->batch;
    *row = batch->row_count++;
    if (kind != CHANGE_INSERT || batch->kinds != NULL)
        batch_kinds(batch, output->limit + 1)[*row] = kind;
    output->last_kind = kind;
    return true;
}

void row_output_copy(RowOutput *output, uint32_t row, uint32_t input_row)
{
    output->copy_to[output->copy_count] = row;
    output->copy_from[output->copy_count++] = input_row;
}

void row_output_decode(RowOutput *output, uint32_t row, const RowLayout *layout, Str encoded,
                       uint32_t first_column)
{
    row_decode(layout, encoded, output->columns + first_column, row, output->batch->arena, false);
}

void row_output_lend(RowOutput *output, uint32_t row, uint32_t input, const RowLayout *layout,
                     Str encoded, uint32_t first_column)
{
    RowLent *lent = &output->lent[input];
    lent->layout = layout;
    lent->column = first_column;
    for (size_t at = NEAR_BYTES; at < encoded.length && at < NEAR_BYTES + AHEAD_BYTES; at += 64)
        __builtin_prefetch(encoded.data + at);
    lent->to[lent->count] = row;
    lent->rows[lent->count++] = encoded;
}

void row_output_settle(RowOutput *output)
{
    decode_lent(output, &output->lent[0]);
}

void row_output_keep(RowOutput *output, uint32_t row, const RowLayout *layout, Str encoded,
                     uint32_t first_column)
{
    const char *copy = arena_memdup(output->batch->arena, encoded.data, encoded.length);
    row_output_lend(output, row, 0, layout, (Str){copy, encoded.length}, first_column);
}

void row_output_repeat(RowOutput *output, uint32_t row, uint32_t earlier, uint32_t first_column,
                       uint32_t count)
{
    output->repeat_column = first_column;
    output->repeat_columns = count;
    output->repeat_to[output->repeat_count] = row;
    output->repeat_from[output->repeat_count++] = earlier;
}

void row_output_pad(RowOutput *output, uint32_t row, uint32_t first_column, uint32_t count)
{
    for (uint32_t c = 0; c < count; c++)
        vector_set_null(output->columns[first_column + c], row, output->batch->arena);
}

bool row_output_finish(RowOutput *output, Error *error)
{
    bool ok = flush(output, error);
    output->input = NULL;
    return ok;
}

void row_output_discard(RowOutput *output)
{
    batch_release(output->batch);
    output->batch = NULL;
    output->copy_count = 0;
    output->repeat_count = 0;
    for (uint32_t i = 0; i < output->lent_count; i++)
        output->lent[i].count = 0;
    output->input = NULL;
}

bool row_output_input_row(RowOutput *output, uint8_t kind, uint32_t input_row, Error *error)
{
    uint32_t row;
    if (!row_output_add(output, kind, &row, error))
        return false;
    row_output_copy(output, row, input_row);
    return true;
}

bool row_output_encoded_row(RowOutput *output, uint8_t kind, const RowLayout *layout, Str encoded,
                            Error *error)
{
    uint32_t row;
    if (!row_output_add(output, kind, &row, error))
        return false;
    row_output_keep(output, row, layout, encoded, 0);
    return true;
}
