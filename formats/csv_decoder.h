/* What the files of the csv decoder share: records cut into fields, on their own or many as a grid,
 * and their values stored into a batch; records found without cutting them. */
#ifndef FORMATS_CSV_DECODER_H
#define FORMATS_CSV_DECODER_H

#include "formats/csv_grid.h"
#include "formats/csv_internal.h"
#include "formats/format_text.h"
#include "formats/text_fast.h"

static_assert(CSV_GRID_PADDING >= TEXT_FAST_PADDING, "every field of a grid can be read fast");

typedef struct CsvField {
    const char *data;
    size_t length;
    bool quoted;
    bool escaped; /* doubled quotes or escapes are still in it */
} CsvField;

struct Decoder {
    const FormatContext *context;
    CsvSettings settings;
    CsvScan scan;
    CsvMarks marks;
    uint32_t *positions;      /* of each wanted column among the fields */
    uint32_t expected_fields; /* by the table, or by the header once it was read */
    bool head_read;
    /* The record at hand. */
    uint32_t field_count;
    uint32_t field_capacity;
    CsvField *fields;
    Buffer unescaped;
    /* Many at once, where the settings allow. */
    bool grids;
    CsvGrid grid;
    uint32_t grid_wait; /* records to read on their own before the next grid is tried */
    uint32_t grid_pause;
};

/* A field's text without escapes; lives until the next call. */
Str csv_field_text(Decoder *decoder, const CsvField *field);

/* Appends the record at hand to the batch. */
bool csv_store_record(Decoder *decoder, Batch *batch, Error *error) MUST_CHECK;

/* See format.h. */
size_t csv_find_record(const Decoder *decoder, Str input, size_t from, RecordScan *scan);

/* Appends the grid's rows to the batch, up to one that is in error; how many those are. */
uint32_t csv_store_grid(Decoder *decoder, Batch *batch);

#endif
