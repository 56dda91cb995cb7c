/* Formats: bytes to change batches and back. Any connector that carries bytes takes any format.
 *
 * A format is one file that exports one Format and one line in formats/meson.build.
 *
 * Decoding is a stream: the connector hands over what it has read, the format takes whole records
 * and says how many bytes that was. So a connector's position is always at a record boundary. */
#ifndef FORMATS_FORMAT_H
#define FORMATS_FORMAT_H

#include "core/batch.h"
#include "core/datetime.h"
#include "core/error.h"
#include "core/option.h"

/* What a decoder or encoder is opened for. Everything outlives it. */
typedef struct FormatContext {
    const Schema *schema; /* the columns wanted, in this order: the table's physical ones, pruned */
    const Options *options; /* all options of the table, keys with the format's prefix ("csv.…") */
    const TimeZone *zone;
    const char *name; /* for errors: the file or topic */
    /* All physical columns as they lie in the bytes, and for each wanted column its position among
     * them: what formats that go by position need. NULL: the wanted columns are all there are. */
    const Schema *file_schema;
    const uint32_t *file_columns;
    /* Input given to decode stays where it is for as long as the batch that it went into: text in
     * the batch may point into it. Otherwise it is copied. */
    bool input_stays;
} FormatContext;

/* Rows that must be free in a batch handed to decode: the most one record gives (an update is -U
 * and +U, which stay together). */
#define FORMAT_ROWS_FREE 2

typedef struct Decoder Decoder;
typedef struct Encoder Encoder;

/* What one call of decode did. */
typedef struct DecodeResult {
    size_t consumed;  /* bytes of the input that are done with */
    uint64_t lines;   /* line breaks among them, so that the connector can say where it is */
    uint64_t skipped; /* records left out by ignore-parse-errors */
} DecodeResult;

typedef struct Format {
    const char *name;
    const char *doc;
    const OptionSpec *options; /* keys with prefix: "csv.field-delimiter"; ends with NULL */
    ChangeKinds source_kinds;  /* kinds decoding can yield */
    ChangeKinds sink_kinds;    /* kinds encoding can take */
    bool borrows;              /* decode makes use of input that stays */

    /* Refuses what the format cannot do with this schema; at planning. May be NULL. */
    bool (*check)(const FormatContext *context, bool for_sink, Error *error);

    Decoder *(*decoder_open)(const FormatContext *context, Error *error);
    /* Appends records to `batch` (made with batch_new for the context's schema) until the batch has
     * no room for another record or no whole record is left; a batch that comes with fewer than
     * FORMAT_ROWS_FREE rows free may come back as it was. `at_end`: nothing follows, so a last
     * record without a line break is whole. Text in the batch is copied: the input may go away,
     * unless the context says that it stays.
     * `line` is the number of the input's first line, for errors, whose place is "name:line". */
    bool (*decode)(Decoder *decoder, Str input, bool at_end, uint64_t line, Batch *batch,
                   DecodeResult *result, Error *error);
    /* Reads what stands at the head of a file (a csv header) and yields no rows: for a decoder that
     * goes on in the middle of one. `input` is the file from its first byte; `result` says how much
     * the head takes, 0 when the input is too short and not `at_end`. NULL: files have no head. A
     * decoder that is given a file from the start (`line` 1) reads the head itself. */
    bool (*decode_head)(Decoder *decoder, Str input, bool at_end, DecodeResult *result,
                        Error *error);
    void (*decoder_close)(Decoder *decoder);

    /* NULL: the format cannot write. */
    Encoder *(*encoder_open)(const FormatContext *context, Error *error);
    /* What stands before the first record of a file (a csv header); may be NULL. */
    bool (*encode_start)(Encoder *encoder, Buffer *out, Error *error);
    bool (*encode)(Encoder *encoder, const Batch *batch, uint32_t from_row, uint32_t to_row,
                   Buffer *out, Error *error);
    void (*encoder_close)(Encoder *encoder);
} Format;

/* The format by name, or NULL with an error that names the nearest. */
const Format *format_find(const char *name, Error *error);
const Format *format_at(uint32_t index); /* NULL past the last */

#endif
