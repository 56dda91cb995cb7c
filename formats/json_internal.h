/* What json and debezium-json share: settings, rows from JSON objects and back, cutting a stream of
 * objects into records. */
#ifndef FORMATS_JSON_INTERNAL_H
#define FORMATS_JSON_INTERNAL_H

#include "core/json_reader.h"
#include "core/json_text.h"
#include "formats/format.h"
#include "formats/format_text.h"

typedef enum MapNullKey { MAP_NULL_KEY_FAIL, MAP_NULL_KEY_DROP, MAP_NULL_KEY_LITERAL } MapNullKey;

typedef struct JsonSettings {
    bool fail_on_missing_field;
    bool ignore_parse_errors;
    TimestampForm timestamp_form;
    MapNullKey map_null_key;
    Str map_null_literal;
    bool decimal_plain;
    bool ignore_null_fields;
} JsonSettings;

static inline bool json_is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Reads the options that both formats have; `prefix` is "json" or "debezium-json". */
void json_settings_read(const Options *options, const OptionSpec *specs, const char *prefix,
                        JsonSettings *settings);
/* Refuses columns that JSON cannot hold. */
bool json_check_schema(const FormatContext *context, const char *format, Error *error) MUST_CHECK;

/* ------------------------------------------------------------------ reading */

/* Rows of a schema from JSON objects. */
typedef struct JsonRows {
    const FormatContext *context;
    const JsonSettings *settings;
    Str *names;     /* of the columns */
    uint64_t *seen; /* a bit per column, of the row at hand */
    Batch *batch;   /* where rows go */
    uint32_t row;   /* which of its rows is being filled */
    uint32_t next;  /* the column whose field is expected next */
    Error *error;
} JsonRows;

void json_rows_init(JsonRows *rows, const FormatContext *context, const JsonSettings *settings);
void json_rows_deinit(JsonRows *rows);

/* Between start and finish json_rows_field takes the fields of one object. */
void json_rows_start(JsonRows *rows, Batch *batch, uint32_t row, Error *error);
bool json_rows_field(void *rows, Str key, JsonValue *value);
bool json_rows_finish(JsonRows *rows) MUST_CHECK;
/* All of it for a value that is an object. */
JsonStatus json_rows_value(JsonRows *rows, JsonValue *value, Batch *batch, uint32_t row,
                           Error *error);

/* A stream of objects, one a line or however white space divides them. */
typedef struct JsonStream {
    JsonReader *reader;
    Buffer window; /* input with room behind it */
    const FormatContext *context;
    bool ignore_parse_errors;
    bool started; /* behind a byte order mark */
    /* Records that look like those before; NULL: each is read on its own. */
    struct JsonShape *shape;
    bool learns;     /* the shape is to be that of the next record read on its own */
    uint32_t misses; /* short runs of records with the shape, one after the other */
} JsonStream;

/* Appends the rows of the object that starts the text; `*used` is how much of it that took. On
 * JSON_STOPPED the error is filled. Rows that were appended before it failed are taken back. */
typedef JsonStatus (*JsonRecordFunction)(Decoder *decoder, Str text, Batch *batch, size_t *used,
                                         Error *error);

void json_stream_init(JsonStream *stream, const FormatContext *context, bool ignore_parse_errors);
void json_stream_deinit(JsonStream *stream);
/* Like Format.decode; a record may append up to `reserve` rows. */
bool json_stream_decode(JsonStream *stream, Decoder *decoder, JsonRecordFunction record,
                        uint32_t reserve, Str input, bool at_end, uint64_t line, Batch *batch,
                        DecodeResult *result, Error *error) MUST_CHECK;

/* ------------------------------------------------------------------ writing */

/* Appends the columns of a row as an object. */
bool json_print_row(const Batch *batch, uint32_t row, const JsonSettings *settings, Buffer *out,
                    Error *error) MUST_CHECK;

#endif
