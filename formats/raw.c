/* Raw: one column, each line of the file a value as it is.
 *
 * Without the option raw.line-delimiter a line may end in \n or \r\n; with it, in exactly that. A
 * NULL or a value that contains the delimiter cannot be written, since it would not read back. */
#include "core/str.h"
#include "formats/format.h"
#include "formats/format_text.h"

static const OptionSpec raw_options[] = {
    {.name = "raw.charset",
     .type = OPTION_ENUM,
     .values = "UTF-8",
     .fallback = "UTF-8",
     .doc = "Character set of a STRING column."},
    {.name = "raw.line-delimiter",
     .type = OPTION_TEXT,
     .doc = "Text between values; \\n, \\r, \\t and \\0 are understood. By default \\n or \\r\\n."},
    {0},
};

struct Decoder {
    const FormatContext *context;
    Str delimiter;
    bool any_line_end; /* \n with or without \r */
    Arena *arena;
};

struct Encoder {
    Str delimiter;
    bool any_line_end;
    Arena *arena;
};

/* The delimiter with its escapes resolved. */
static Str read_delimiter(const Options *options, Arena *arena)
{
    const char *text = option_text(options, raw_options, "raw.line-delimiter");
    if (text == NULL)
        return STR("\n");
    char *copy = arena_strdup(arena, text);
    size_t length = 0;
    for (; *text != '\0'; text++) {
        char c = *text;
        if (c == '\\' && text[1] != '\0' && strchr("nrt0\\", text[1]) != NULL) {
            c = *++text;
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? '\0' : c;
        }
        copy[length++] = c;
    }
    return (Str){copy, length};
}

static bool raw_check(const FormatContext *context, bool for_sink, Error *error)
{
    const Schema *schema = context->file_schema != NULL ? context->file_schema : context->schema;
    const char *given = option_text(context->options, raw_options, "raw.line-delimiter");
    if (given != NULL && *given == '\0') {
        error_set(error, ERROR_OPTION, "option \"raw.line-delimiter\" is empty");
        return option_error_at(options_find(context->options, "raw.line-delimiter"), error);
    }
    if (schema->column_count != 1) {
        error_set(error, ERROR_UNSUPPORTED,
                  "format \"raw\" takes a table of one column, but it has %u",
                  schema->column_count);
        return error_hint(error, "Use the format \"csv\" or \"json\" for more columns.");
    }
    const Type *type = schema->columns[0].type;
    if (type_is_string(type) || type_is_bytes(type))
        return true;
    error_set(error, ERROR_UNSUPPORTED, "format \"raw\" cannot hold column \"%s\"",
              schema->columns[0].name);
    return error_hint(error, "Declare it as STRING or BYTES, and CAST it in the query.");
}

static Decoder *raw_decoder_open(const FormatContext *context, Error *error)
{
    Arena *arena = arena_new(0);
    Decoder *decoder = arena_new_one(arena, Decoder);
    decoder->context = context;
    decoder->delimiter = read_delimiter(context->options, arena);
    decoder->any_line_end = options_find(context->options, "raw.line-delimiter") == NULL;
    decoder->arena = arena;
    return decoder;
}

static void raw_decoder_close(Decoder *decoder)
{
    if (decoder != NULL)
        arena_free(decoder->arena);
}

static bool raw_store(const Decoder *decoder, Batch *batch, Str value, uint64_t line, Error *error)
{
    if (batch->column_count != 0) { /* none is wanted by SELECT COUNT(*) */
        Vector *vector = &batch->columns[0];
        bool text = type_is_string(vector->type);
        if (text && str_utf8_valid_prefix(value) != value.length) {
            error_set(error, ERROR_DATA, "invalid UTF-8");
            error_hint(error, "Declare the column as BYTES to take any bytes.");
            return error_place(error, "%s:%llu", decoder->context->name, (unsigned long long)line);
        }
        vector_set_str(vector, batch->row_count, value, batch->arena);
    }
    if (batch->kinds != NULL)
        batch->kinds[batch->row_count] = CHANGE_INSERT;
    batch->row_count++;
    return true;
}

static bool raw_decode(Decoder *decoder, Str input, bool at_end, uint64_t line, Batch *batch,
                       DecodeResult *result, Error *error)
{
    *result = (DecodeResult){0};
    while (result->consumed < input.length && batch->row_count < BATCH_ROWS_MAX) {
        Str rest = {input.data + result->consumed, input.length - result->consumed};
        const char *found =
            memmem(rest.data, rest.length, decoder->delimiter.data, decoder->delimiter.length);
        if (found == NULL && !at_end) {
            if (rest.length <= FORMAT_RECORD_BYTES_MAX)
                return true;
            error_set(error, ERROR_LIMIT, "line is longer than %zu bytes", FORMAT_RECORD_BYTES_MAX);
            return error_place(error, "%s:%llu", decoder->context->name,
                               (unsigned long long)(line + result->lines));
        }
        Str value = {rest.data, found == NULL ? rest.length : (size_t)(found - rest.data)};
        size_t whole = value.length + (found == NULL ? 0 : decoder->delimiter.length);
        if (decoder->any_line_end && value.length != 0 && value.data[value.length - 1] == '\r')
            value.length--;
        if (!raw_store(decoder, batch, value, line + result->lines, error))
            return false;
        result->consumed += whole;
        result->lines += format_text_count_lines((Str){rest.data, whole});
    }
    return true;
}

/* A delimiter of several bytes may begin within another. */
static RecordSearch raw_record_search(const FormatContext *context)
{
    Arena *arena = arena_new(0);
    size_t length = read_delimiter(context->options, arena).length;
    arena_free(arena);
    return length == 1 ? RECORDS_ANYWHERE : RECORDS_UNKNOWN;
}

static size_t raw_find_record(const Decoder *decoder, Str input, size_t from, RecordScan *scan)
{
    return format_text_behind(input, from, *decoder->delimiter.data);
}

static Encoder *raw_encoder_open(const FormatContext *context, Error *error)
{
    Arena *arena = arena_new(0);
    Encoder *encoder = arena_new_one(arena, Encoder);
    encoder->delimiter = read_delimiter(context->options, arena);
    encoder->any_line_end = options_find(context->options, "raw.line-delimiter") == NULL;
    encoder->arena = arena;
    return encoder;
}

static void raw_encoder_close(Encoder *encoder)
{
    if (encoder != NULL)
        arena_free(encoder->arena);
}

static bool raw_encode(Encoder *encoder, const Batch *batch, uint32_t from_row, uint32_t to_row,
                       Buffer *out, Error *error)
{
    const Vector *vector = &batch->columns[0];
    for (uint32_t row = from_row; row < to_row; row++) {
        const char *name = batch->schema->columns[0].name;
        if (vector_is_null(vector, row)) {
            error_set(error, ERROR_DATA, "format \"raw\" cannot write NULL in column \"%s\"", name);
            return error_hint(error, "Use COALESCE or a WHERE clause in the query.");
        }
        Str value = vector_str(vector, row);
        bool lost_return =
            encoder->any_line_end && value.length != 0 && value.data[value.length - 1] == '\r';
        if (lost_return || memmem(value.data, value.length, encoder->delimiter.data,
                                  encoder->delimiter.length) != NULL) {
            error_set(error, ERROR_DATA, "value of column \"%s\" contains the line delimiter",
                      name);
            return error_hint(error, "Set the option raw.line-delimiter to text that does not "
                                     "occur, or use another format.");
        }
        buffer_append_str(out, value);
        buffer_append_str(out, encoder->delimiter);
    }
    return true;
}

extern const Format format_raw;
const Format format_raw = {
    .name = "raw",
    .doc = "One column of type STRING or BYTES: each line a value as it is.",
    .options = raw_options,
    .source_kinds = CHANGES_INSERT_ONLY,
    .sink_kinds = CHANGES_INSERT_ONLY,
    .check = raw_check,
    .decoder_open = raw_decoder_open,
    .decode = raw_decode,
    .decoder_close = raw_decoder_close,
    .record_search = raw_record_search,
    .find_record = raw_find_record,
    .encoder_open = raw_encoder_open,
    .encode = raw_encode,
    .encoder_close = raw_encoder_close,
};
