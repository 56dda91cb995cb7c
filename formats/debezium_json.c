/* Debezium's change events as JSON: {"before": row, "after": row, "op": "u"}, bare or, with
 * schema-include, inside of {"schema": …, "payload": event}.
 *
 * c and r are +I of `after`; u is -U of `before` and +U of `after`; d is -D of `before`. Rows are
 * read where they will stand in the batch, in the usual order of the fields; another order is put
 * right by moving them. Writing makes c of +I and +U, d of -U and -D. */
#include "core/str.h"
#include "formats/json_internal.h"

static const OptionSpec debezium_options[] = {
    {.name = "debezium-json.schema-include",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Events lie in the field payload beside their schema, as Kafka Connect writes them."},
    {.name = "debezium-json.ignore-parse-errors",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Malformed events are skipped and counted instead of stopping the job."},
    {.name = "debezium-json.timestamp-format.standard",
     .type = OPTION_ENUM,
     .values = "SQL|ISO-8601",
     .fallback = "SQL",
     .doc = "Whether a space or a T stands between date and time."},
    {.name = "debezium-json.map-null-key.mode",
     .type = OPTION_ENUM,
     .values = "FAIL|DROP|LITERAL",
     .fallback = "FAIL",
     .doc = "What to do with a NULL key when writing a MAP."},
    {.name = "debezium-json.map-null-key.literal",
     .type = OPTION_TEXT,
     .fallback = "null",
     .doc = "The key written for NULL when the mode is LITERAL."},
    {.name = "debezium-json.encode.decimal-as-plain-number",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Very small DECIMAL values are written without an exponent."},
    {.name = "debezium-json.encode.ignore-null-fields",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Columns that are NULL are left out of the row."},
    {0},
};

#define ROWS_PER_EVENT 2
#define NO_ROW         UINT32_MAX

/* What was found in the event at hand. */
typedef struct DebeziumEvent {
    Batch *batch;
    Error *error;
    uint32_t free_row; /* the next row of the batch to read into */
    uint32_t before, after;
    char op;    /* 0: none yet */
    bool found; /* a payload that is not null */
} DebeziumEvent;

struct Decoder {
    JsonSettings settings;
    bool schema_include;
    JsonStream stream;
    JsonRows rows;
    DebeziumEvent event;
    Batch *swap; /* a row on its way */
};

struct Encoder {
    JsonSettings settings;
};

static bool debezium_check(const FormatContext *context, bool for_sink, Error *error)
{
    if (for_sink &&
        option_boolean(context->options, debezium_options, "debezium-json.schema-include")) {
        error_set(error, ERROR_UNSUPPORTED,
                  "format \"debezium-json\" cannot write events with a schema");
        return error_hint(error, "Remove the option debezium-json.schema-include from the sink.");
    }
    return json_check_schema(context, "debezium-json", error);
}

static Decoder *debezium_decoder_open(const FormatContext *context, Error *error)
{
    Decoder *decoder = memory_zalloc(sizeof(*decoder));
    json_settings_read(context->options, debezium_options, "debezium-json", &decoder->settings);
    decoder->schema_include =
        option_boolean(context->options, debezium_options, "debezium-json.schema-include");
    json_stream_init(&decoder->stream, context, decoder->settings.ignore_parse_errors);
    json_rows_init(&decoder->rows, context, &decoder->settings);
    return decoder;
}

static void debezium_decoder_close(Decoder *decoder)
{
    if (decoder == NULL)
        return;
    json_stream_deinit(&decoder->stream);
    json_rows_deinit(&decoder->rows);
    batch_release(decoder->swap);
    memory_free(decoder);
}

static bool read_image(Decoder *decoder, JsonValue *value, const char *name, uint32_t *row)
{
    DebeziumEvent *event = &decoder->event;
    JsonKind kind = json_value_kind(value);
    if (kind == JSON_NULL)
        return true;
    if (kind != JSON_OBJECT)
        return error_set(event->error, ERROR_DATA, "\"%s\" of the event is no object", name);
    /* A field that comes again replaces the first. */
    uint32_t target = *row != NO_ROW ? *row : event->free_row++;
    *row = target;
    JsonStatus status = json_rows_value(&decoder->rows, value, event->batch, target, event->error);
    if (status == JSON_STOPPED)
        error_prefix(event->error, "%s: ", name);
    return status == JSON_DONE;
}

static bool event_field(void *context, Str key, JsonValue *value)
{
    Decoder *decoder = context;
    DebeziumEvent *event = &decoder->event;
    event->found = true;
    if (str_equal(key, STR("before")))
        return read_image(decoder, value, "before", &event->before);
    if (str_equal(key, STR("after")))
        return read_image(decoder, value, "after", &event->after);
    if (!str_equal(key, STR("op")))
        return true;
    Str op;
    if (json_value_kind(value) != JSON_STRING)
        return error_set(event->error, ERROR_DATA, "\"op\" of the event is no string");
    if (!json_value_string(value, &op))
        return false;
    if (op.length != 1 || strchr("crud", op.data[0]) == NULL) {
        error_set(event->error, ERROR_DATA, "\"op\" of the event is not known: \"%.*s\"",
                  (int)(op.length > 20 ? 20 : op.length), op.data);
        return error_hint(event->error, "It must be c, r, u or d.");
    }
    event->op = op.data[0];
    return true;
}

static bool envelope_field(void *context, Str key, JsonValue *value)
{
    Decoder *decoder = context;
    if (!str_equal(key, STR("payload")) || json_value_kind(value) == JSON_NULL)
        return true;
    if (json_value_kind(value) != JSON_OBJECT)
        return error_set(decoder->event.error, ERROR_DATA, "\"payload\" of the event is no object");
    return json_value_object(value, event_field, decoder) == JSON_DONE;
}

static void move_row(Batch *to, uint32_t to_row, const Batch *from, uint32_t from_row)
{
    for (uint32_t c = 0; c < to->column_count; c++)
        vector_copy_value(&to->columns[c], to_row, &from->columns[c], from_row, to->arena, false);
}

static bool lacks_image(const DebeziumEvent *event, const char *image)
{
    error_set(event->error, ERROR_DATA, "\"%s\" of an event with op \"%c\" is null", image,
              event->op);
    return error_hint(event->error,
                      "The database must log whole rows: binlog_row_image = FULL in MySQL and "
                      "MariaDB, REPLICA IDENTITY FULL in PostgreSQL.");
}

/* Both images were read, `after` first: they change places. */
static void swap_images(Decoder *decoder, Batch *batch, uint32_t first)
{
    if (decoder->swap == NULL)
        decoder->swap = batch_new(batch->schema, 1);
    move_row(decoder->swap, 0, batch, first);
    move_row(batch, first, batch, first + 1);
    move_row(batch, first + 1, decoder->swap, 0);
    batch_release(decoder->swap); /* with the strings of the row */
    decoder->swap = NULL;
}

static bool place_rows(Decoder *decoder)
{
    const DebeziumEvent *event = &decoder->event;
    Batch *batch = event->batch;
    uint32_t row = batch->row_count;
    bool wants_before = event->op == 'u' || event->op == 'd';
    bool wants_after = event->op != 'd';
    if (event->op == 0)
        return error_set(event->error, ERROR_DATA, "event has no \"op\"") ||
               error_hint(event->error, "If events lie in a field \"payload\", set the option "
                                        "debezium-json.schema-include to 'true'.");
    if (wants_before && event->before == NO_ROW)
        return lacks_image(event, "before");
    if (wants_after && event->after == NO_ROW)
        return lacks_image(event, "after");
    uint8_t *kinds = batch_kinds(batch, BATCH_ROWS_MAX);
    if (wants_before && wants_after) {
        if (event->after < event->before)
            swap_images(decoder, batch, row);
        kinds[row] = CHANGE_UPDATE_BEFORE;
        kinds[row + 1] = CHANGE_UPDATE_AFTER;
        batch->row_count += 2;
        return true;
    }
    uint32_t image = wants_before ? event->before : event->after;
    if (image != row)
        move_row(batch, row, batch, image);
    kinds[row] = wants_before ? CHANGE_DELETE : CHANGE_INSERT;
    batch->row_count++;
    return true;
}

static JsonStatus debezium_record(Decoder *decoder, Str text, Batch *batch, size_t *used,
                                  Error *error)
{
    decoder->event = (DebeziumEvent){.batch = batch,
                                     .error = error,
                                     .free_row = batch->row_count,
                                     .before = NO_ROW,
                                     .after = NO_ROW};
    JsonStatus status =
        json_reader_object(decoder->stream.reader, text,
                           decoder->schema_include ? envelope_field : event_field, decoder, used);
    if (status != JSON_DONE)
        return status;
    if (decoder->schema_include && !decoder->event.found)
        return JSON_DONE; /* a tombstone */
    return place_rows(decoder) ? JSON_DONE : JSON_STOPPED;
}

static bool debezium_decode(Decoder *decoder, Str input, bool at_end, uint64_t line, Batch *batch,
                            DecodeResult *result, Error *error)
{
    return json_stream_decode(&decoder->stream, decoder, debezium_record, ROWS_PER_EVENT, input,
                              at_end, line, batch, result, error);
}

static Encoder *debezium_encoder_open(const FormatContext *context, Error *error)
{
    Encoder *encoder = memory_zalloc(sizeof(*encoder));
    json_settings_read(context->options, debezium_options, "debezium-json", &encoder->settings);
    return encoder;
}

static void debezium_encoder_close(Encoder *encoder)
{
    memory_free(encoder);
}

static bool debezium_encode(Encoder *encoder, const Batch *batch, uint32_t from_row,
                            uint32_t to_row, Buffer *out, Error *error)
{
    for (uint32_t row = from_row; row < to_row; row++) {
        bool gone = change_is_retraction(batch_kind(batch, row));
        buffer_append_text(out, gone ? "{\"before\":" : "{\"before\":null,\"after\":");
        if (!json_print_row(batch, row, &encoder->settings, out, error))
            return false;
        buffer_append_text(out, gone ? ",\"after\":null,\"op\":\"d\"}\n" : ",\"op\":\"c\"}\n");
    }
    return true;
}

extern const Format format_debezium_json;
const Format format_debezium_json = {
    .name = "debezium-json",
    .doc = "Debezium's change events as JSON objects, one a line.",
    .options = debezium_options,
    .source_kinds = CHANGES_ALL,
    .sink_kinds = CHANGES_ALL,
    .check = debezium_check,
    .decoder_open = debezium_decoder_open,
    .decode = debezium_decode,
    .decoder_close = debezium_decoder_close,
    .encoder_open = debezium_encoder_open,
    .encode = debezium_encode,
    .encoder_close = debezium_encoder_close,
};
