/* What the csv format's files share: its options, read once, and the encoder. */
#ifndef FORMATS_CSV_INTERNAL_H
#define FORMATS_CSV_INTERNAL_H

#include "formats/format.h"

typedef struct CsvSettings {
    char delimiter;
    char element_delimiter; /* of ARRAY and ROW values */
    char quote;             /* '\0': none */
    char escape;            /* '\0': none */
    bool header;
    bool allow_comments;
    bool ignore_parse_errors;
    bool trim_spaces;
    bool ignore_trailing;
    bool allow_trailing_delimiter;
    bool fail_on_missing_columns;
    bool empty_is_null;
    bool decimal_scientific;
    bool has_null_literal;
    Str null_literal;
} CsvSettings;

Encoder *csv_encoder_open(const FormatContext *context, const CsvSettings *settings);
bool csv_encode_start(Encoder *encoder, Buffer *out, Error *error) MUST_CHECK;
bool csv_encode(Encoder *encoder, const Batch *batch, uint32_t from_row, uint32_t to_row,
                Buffer *out, Error *error) MUST_CHECK;
void csv_encoder_close(Encoder *encoder);

#endif
