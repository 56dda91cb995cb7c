/* Filling output batches from rows of the input and rows kept in state.
 *
 * The columns of an output row come in parts: a part is copied from a row of the input batch,
 * decoded from an encoded row, or padded with NULL. Input rows are noted down and copied column by
 * column when the batch is passed on; encoded rows are decoded at once, since state may change
 * before that, unless they are lent or kept.
 *
 * Invariant: a batch passed on has at most `batch_rows` rows, but for a -U that would be parted
 * from the +U behind it: with room for one row the two go together.
 * Cost: a typed loop per column for input rows, a row_decode a row for the others. */
#ifndef EXECUTOR_ROW_OUTPUT_H
#define EXECUTOR_ROW_OUTPUT_H

#include "core/row.h"
#include "executor/operator.h"

/* Parts of rows whose bytes stay, decoded together: each column set once for a batch. */
typedef struct RowLent {
    const RowLayout *layout;
    uint32_t column;
    uint32_t count;
    uint32_t *to;
    Str *rows;
} RowLent;

typedef struct RowOutput {
    /* Fixed. */
    const Schema *schema;
    uint32_t limit;
    /* During one call of the operator. */
    Batch *input;           /* what input rows are taken from; NULL: none */
    uint32_t input_column;  /* the output column its first column goes to */
    uint32_t input_columns; /* how many of its columns are taken, from the first on */
    Emitter *emitter;
    /* The batch being filled; NULL: none yet. */
    Batch *batch;
    uint64_t batches; /* begun so far: tells rows of this one from those of others */
    Vector **columns;
    uint8_t last_kind;
    uint32_t copy_count;
    uint32_t *copy_to;
    uint32_t *copy_from;
    RowLent *lent; /* by input of the operator */
    uint32_t lent_count;
    uint32_t repeat_column; /* the columns that repeated rows have in common with earlier ones */
    uint32_t repeat_columns;
    uint32_t repeat_count;
    uint32_t *repeat_to;
    uint32_t *repeat_from;
} RowOutput;

void row_output_init(RowOutput *output, const OperatorContext *context);
/* Starts taking rows of `input` (borrowed until row_output_finish). */
void row_output_start(RowOutput *output, Batch *input, uint32_t input_column,
                      uint32_t input_columns, Emitter *emitter);
/* A new row of the kind; every column must then be set by the calls below. */
bool row_output_add(RowOutput *output, uint8_t kind, uint32_t *row, Error *error) MUST_CHECK;
/* Takes the input part of output row `row` from a row of the input. */
void row_output_copy(RowOutput *output, uint32_t row, uint32_t input_row);
/* Decodes into the columns from `first_column` on. */
void row_output_decode(RowOutput *output, uint32_t row, const RowLayout *layout, Str encoded,
                       uint32_t first_column);
/* The same of a row whose bytes stay where they are for as long as the operators work: they are
 * decoded, and lent to the batch, when it is passed on. `input` is one of the operator's, or 0: all
 * rows of a batch that name it name the same columns. */
void row_output_lend(RowOutput *output, uint32_t row, uint32_t input, const RowLayout *layout,
                     Str encoded, uint32_t first_column);
/* Decodes now what was lent as of input 0: the bytes may go, unless there are texts in them. */
void row_output_settle(RowOutput *output);
/* The same of a row whose bytes may go, as of input 0: they are copied, all at once. */
void row_output_keep(RowOutput *output, uint32_t row, const RowLayout *layout, Str encoded,
                     uint32_t first_column);
/* Takes those columns from an earlier row of this batch, which was decoded; text is not copied
 * again. All rows of a batch name the same columns. */
void row_output_repeat(RowOutput *output, uint32_t row, uint32_t earlier, uint32_t first_column,
                       uint32_t count);
void row_output_pad(RowOutput *output, uint32_t row, uint32_t first_column, uint32_t count);
/* Passes on what is left and forgets the input. */
bool row_output_finish(RowOutput *output, Error *error) MUST_CHECK;
/* After an error: drops what was not passed on. Harmless otherwise. */
void row_output_discard(RowOutput *output);

/* A whole row at once; encoded ones of a batch have one layout. */
bool row_output_input_row(RowOutput *output, uint8_t kind, uint32_t input_row,
                          Error *error) MUST_CHECK;
bool row_output_encoded_row(RowOutput *output, uint8_t kind, const RowLayout *layout, Str encoded,
                            Error *error) MUST_CHECK;

#endif
