/* JSON objects, one a line or divided by any white space; a row each. */
#include "core/str.h"
#include "formats/json_shape.h"

static const OptionSpec json_options[] = {
    {.name = "json.fail-on-missing-field",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "A missing field is an error instead of NULL."},
    {.name = "json.ignore-parse-errors",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Malformed objects are skipped and counted instead of stopping the job."},
    {.name = "json.timestamp-format.standard",
     .type = OPTION_ENUM,
     .values = "SQL|ISO-8601",
     .fallback = "SQL",
     .doc = "Whether a space or a T stands between date and time."},
    {.name = "json.map-null-key.mode",
     .type = OPTION_ENUM,
     .values = "FAIL|DROP|LITERAL",
     .fallback = "FAIL",
     .doc = "What to do with a NULL key when writing a MAP."},
    {.name = "json.map-null-key.literal",
     .type = OPTION_TEXT,
     .fallback = "null",
     .doc = "The key written for NULL when the mode is LITERAL."},
    {.name = "json.encode.decimal-as-plain-number",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Very small DECIMAL values are written without an exponent."},
    {.name = "json.encode.ignore-null-fields",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Columns that are NULL are left out of the object."},
    {0},
};

struct Decoder {
    JsonSettings settings;
    JsonStream stream;
    JsonRows rows;
};

struct Encoder {
    JsonSettings settings;
};

static void read_settings(const Options *options, JsonSettings *settings)
{
    json_settings_read(options, json_options, "json", settings);
    settings->fail_on_missing_field =
        option_boolean(options, json_options, "json.fail-on-missing-field");
}

static bool json_check(const FormatContext *context, bool for_sink, Error *error)
{
    JsonSettings settings;
    read_settings(context->options, &settings);
    if (settings.fail_on_missing_field && settings.ignore_parse_errors)
        return error_set(error, ERROR_OPTION,
                         "options \"json.fail-on-missing-field\" and "
                         "\"json.ignore-parse-errors\" exclude each other");
    return json_check_schema(context, "json", error);
}

static Decoder *json_decoder_open(const FormatContext *context, Error *error)
{
    Decoder *decoder = memory_zalloc(sizeof(*decoder));
    read_settings(context->options, &decoder->settings);
    json_stream_init(&decoder->stream, context, decoder->settings.ignore_parse_errors);
    json_rows_init(&decoder->rows, context, &decoder->settings);
    decoder->stream.shape = json_shape_new(&decoder->rows);
    return decoder;
}

static void json_decoder_close(Decoder *decoder)
{
    if (decoder == NULL)
        return;
    json_stream_deinit(&decoder->stream);
    json_rows_deinit(&decoder->rows);
    memory_free(decoder);
}

static JsonStatus json_record(Decoder *decoder, Str text, Batch *batch, size_t *used, Error *error)
{
    json_rows_start(&decoder->rows, batch, batch->row_count, error);
    JsonStatus status =
        json_reader_object(decoder->stream.reader, text, json_rows_field, &decoder->rows, used);
    if (status != JSON_DONE)
        return status;
    if (!json_rows_finish(&decoder->rows))
        return JSON_STOPPED;
    if (batch->kinds != NULL)
        batch->kinds[batch->row_count] = CHANGE_INSERT;
    batch->row_count++;
    if (decoder->stream.learns)
        json_shape_learn(decoder->stream.shape, (Str){text.data, *used});
    decoder->stream.learns = false;
    return JSON_DONE;
}

static bool json_decode(Decoder *decoder, Str input, bool at_end, uint64_t line, Batch *batch,
                        DecodeResult *result, Error *error)
{
    return json_stream_decode(&decoder->stream, decoder, json_record, 1, input, at_end, line, batch,
                              result, error);
}

static RecordSearch json_record_search(const FormatContext *context)
{
    return RECORDS_ANYWHERE;
}

/* Behind a line break that stands between } and {, with nothing but white space: these two never
 * follow each other within an object, and no line break lies in a string. White space that reaches
 * further than every reader sees to both sides hides them from all. */
static size_t json_find_record(const Decoder *decoder, Str input, size_t from, RecordScan *scan)
{
    size_t at = from;
    while ((at = format_text_behind(input, at, '\n')) != RECORD_NOT_FOUND) {
        size_t first = at < RECORD_SEARCH_BYTES ? 0 : at - RECORD_SEARCH_BYTES, before = at;
        size_t end = (size_t)u64_min(at + RECORD_SEARCH_BYTES, input.length), behind = at;
        while (before > first && json_is_space(input.data[before - 1]))
            before--;
        while (behind < end && json_is_space(input.data[behind]))
            behind++;
        if (before > first && input.data[before - 1] == '}' && behind < end &&
            input.data[behind] == '{')
            return at;
        at++;
    }
    return RECORD_NOT_FOUND;
}

static Encoder *json_encoder_open(const FormatContext *context, Error *error)
{
    Encoder *encoder = memory_zalloc(sizeof(*encoder));
    read_settings(context->options, &encoder->settings);
    return encoder;
}

static void json_encoder_close(Encoder *encoder)
{
    memory_free(encoder);
}

static bool json_encode(Encoder *encoder, const Batch *batch, uint32_t from_row, uint32_t to_row,
                        Buffer *out, Error *error)
{
    for (uint32_t row = from_row; row < to_row; row++) {
        if (!json_print_row(batch, row, &encoder->settings, out, error))
            return false;
        buffer_append_char(out, '\n');
    }
    return true;
}

extern const Format format_json;
const Format format_json = {
    .name = "json",
    .doc = "JSON objects, one a line, with a field per column.",
    .options = json_options,
    .source_kinds = CHANGES_INSERT_ONLY,
    .sink_kinds = CHANGES_INSERT_ONLY,
    .borrows = true,
    .check = json_check,
    .decoder_open = json_decoder_open,
    .decode = json_decode,
    .decoder_close = json_decoder_close,
    .record_search = json_record_search,
    .find_record = json_find_record,
    .encoder_open = json_encoder_open,
    .encode = json_encode,
    .encoder_close = json_encoder_close,
};
