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

/* How the beginning of a record is found without decoding those before it. */
typedef enum RecordSearch {
    RECORDS_UNKNOWN,    /* it is not: a file is read from its beginning */
    RECORDS_ANYWHERE,   /* from any place, RECORD_SEARCH_BYTES on both sides of it at hand */
    RECORDS_FROM_RECORD /* by passing over all bytes since one that is known */
} RecordSearch;

#define RECORD_SEARCH_BYTES 64
#define RECORD_NOT_FOUND    SIZE_MAX

/* What RECORDS_FROM_RECORD keeps from one piece of input to the next; the format's own, but for
 * `begun`. Zeros before the first byte of a file. */
typedef struct RecordScan {
    bool begun; /* set, with `state` 0: a record begins here */
    uint8_t state;
} RecordScan;

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
     * goes on in the middle of one. `input` is the file from its first byte; `*read` stays false
     * while it is too short and not `at_end`. NULL: files have no head. A decoder that is given a
     * file from the start (`line` 1) reads the head itself. */
    bool (*decode_head)(Decoder *decoder, Str input, bool at_end, bool *read, Error *error);
    void (*decoder_close)(Decoder *decoder);

    /* Both NULL: files cannot be read in parts. Otherwise records must not depend on those before
     * them, and what may be a record's beginning must be told by the bytes alone: every reader
     * finds the same places. */
    RecordSearch (*record_search)(const FormatContext *context);
    /* The first place at `from` or behind it where a record surely begins, or RECORD_NOT_FOUND:
     * then RECORDS_FROM_RECORD goes on with the next piece of input, the others with one that
     * overlaps. */
    size_t (*find_record)(const Decoder *decoder, Str input, size_t from, RecordScan *scan);

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
