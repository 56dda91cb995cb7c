/* Comma-separated values: RFC 4180 with the options of Flink's csv format, and a header line.
 *
 * A record is first cut into fields, then the wanted ones are converted, so that a record that is
 * not complete yet or is skipped leaves nothing behind. The scanner hands out the bytes that can
 * end a field, 64 at a time; a field costs a step or two whatever its length.
 *
 * Read as well: a byte order mark, CRLF, a last line without a line break, blank lines (skipped
 * unless the table has one column only). An empty field without quotes is NULL for every type but
 * strings. */
#include "formats/csv_decoder.h"

#include "core/str.h"

#define CSV_FIELDS_MAX 65536
#define NO_POSITION    UINT32_MAX
/* Where few records in a row are as usual, grids are left for a while, the longer the more often.
 */
#define GRID_ROWS_WORTH 8
#define GRID_PAUSE_MAX  63

static const OptionSpec csv_options[] = {
    {.name = "csv.header",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "The first line names the columns; they are matched by name, in any order."},
    {.name = "csv.field-delimiter",
     .type = OPTION_TEXT,
     .fallback = ",",
     .doc = "Character between fields; \\t is a tab."},
    {.name = "csv.disable-quote-character",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Quotes have no meaning."},
    {.name = "csv.quote-character",
     .type = OPTION_TEXT,
     .fallback = "\"",
     .doc = "Character around fields that contain delimiters or line breaks."},
    {.name = "csv.escape-character",
     .type = OPTION_TEXT,
     .doc = "Character that takes the meaning from the one behind it; none by default."},
    {.name = "csv.allow-comments",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Lines that start with # are left out."},
    {.name = "csv.ignore-parse-errors",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Malformed rows are skipped and counted instead of stopping the job."},
    {.name = "csv.array-element-delimiter",
     .type = OPTION_TEXT,
     .fallback = ";",
     .doc = "Character between the elements of an ARRAY or the fields of a ROW."},
    {.name = "csv.null-literal",
     .type = OPTION_TEXT,
     .doc = "Text without quotes that stands for NULL."},
    {.name = "csv.write-bigdecimal-in-scientific-notation",
     .type = OPTION_BOOLEAN,
     .fallback = "true",
     .doc = "Very small DECIMAL values are written with an exponent."},
    {.name = "csv.trim-spaces",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Spaces around fields are dropped."},
    {.name = "csv.ignore-trailing-unmappable",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Fields beyond the last column are left out instead of being an error."},
    {.name = "csv.allow-trailing-comma",
     .type = OPTION_BOOLEAN,
     .fallback = "true",
     .doc = "A delimiter behind the last field is allowed."},
    {.name = "csv.fail-on-missing-columns",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "A row with too few fields is an error instead of having NULLs."},
    {.name = "csv.empty-string-as-null",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Empty strings are NULL."},
    {0},
};

/* Where the marks are in one call's input. */
typedef struct CsvCursor {
    const char *data;
    size_t length;
    size_t block; /* start of the block that `mask` is of */
    uint64_t mask;
} CsvCursor;

typedef enum CsvOutcome { CSV_RECORD, CSV_INCOMPLETE, CSV_MALFORMED } CsvOutcome;

/* A record as it was cut: where it ends, the line breaks in it, and what is wrong with it. */
typedef struct CsvRecord {
    size_t end;
    uint64_t lines;
    const char *problem;
} CsvRecord;

/* One ASCII character, or the name of one. */
static bool read_character(const Options *options, const char *key, char *out, Error *error)
{
    static const struct {
        const char *text;
        char character;
    } names[] = {{"\\t", '\t'}, {"\\\\", '\\'}, {"\\b", '\b'}, {"\\f", '\f'}, {"\\u0001", 1}};
    const char *text = option_text(options, csv_options, key);
    *out = '\0';
    if (text == NULL)
        return true;
    *out = *text;
    bool good = *text != '\0' && text[1] == '\0' && (uint8_t)*text < 0x80;
    for (size_t i = 0; !good && i < array_count(names); i++) {
        good = strcmp(text, names[i].text) == 0;
        *out = names[i].character;
    }
    if (good && *out != '\n' && *out != '\r')
        return true;
    error_set(error, ERROR_OPTION, "option \"%s\" must be one ASCII character: \"%s\"", key, text);
    error_hint(error, "Use for example ',', ';', '|' or '\\t'.");
    return option_error_at(options_find(options, key), error);
}

static bool read_settings(const Options *options, CsvSettings *settings, Error *error)
{
    const char *literal = option_text(options, csv_options, "csv.null-literal");
    *settings = (CsvSettings){
        .header = option_boolean(options, csv_options, "csv.header"),
        .allow_comments = option_boolean(options, csv_options, "csv.allow-comments"),
        .ignore_parse_errors = option_boolean(options, csv_options, "csv.ignore-parse-errors"),
        .trim_spaces = option_boolean(options, csv_options, "csv.trim-spaces"),
        .ignore_trailing = option_boolean(options, csv_options, "csv.ignore-trailing-unmappable"),
        .allow_trailing_delimiter =
            option_boolean(options, csv_options, "csv.allow-trailing-comma"),
        .fail_on_missing_columns =
            option_boolean(options, csv_options, "csv.fail-on-missing-columns"),
        .empty_is_null = option_boolean(options, csv_options, "csv.empty-string-as-null"),
        .decimal_scientific =
            option_boolean(options, csv_options, "csv.write-bigdecimal-in-scientific-notation"),
        .has_null_literal = literal != NULL,
        .null_literal = literal == NULL ? (Str){"", 0} : str_of(literal),
    };
    if (!read_character(options, "csv.field-delimiter", &settings->delimiter, error) ||
        !read_character(options, "csv.array-element-delimiter", &settings->element_delimiter,
                        error) ||
        !read_character(options, "csv.quote-character", &settings->quote, error) ||
        !read_character(options, "csv.escape-character", &settings->escape, error))
        return false;
    if (option_boolean(options, csv_options, "csv.disable-quote-character")) {
        if (options_find(options, "csv.quote-character") != NULL)
            return error_set(error, ERROR_OPTION,
                             "options \"csv.quote-character\" and "
                             "\"csv.disable-quote-character\" exclude each other");
        settings->quote = '\0';
    }
    if (settings->delimiter == settings->quote || settings->delimiter == settings->escape ||
        (settings->quote == settings->escape && settings->quote != '\0')) {
        error_set(error, ERROR_OPTION,
                  "csv delimiter, quote and escape character must differ from each other");
        return error_hint(error, "A quote inside of quotes needs no escape: it is doubled.");
    }
    return true;
}

static bool csv_check(const FormatContext *context, bool for_sink, Error *error)
{
    CsvSettings settings;
    if (!read_settings(context->options, &settings, error))
        return false;
    for (uint32_t c = 0; c < context->schema->column_count; c++) {
        const Column *column = &context->schema->columns[c];
        const Type *type = column->type;
        bool flat = !type_is_nested(type);
        if (type->kind == TYPE_ARRAY || type->kind == TYPE_ROW) {
            flat = true;
            for (uint32_t i = 0; i < type->field_count; i++)
                flat = flat && !type_is_nested(type->fields[i].type);
        }
        if (flat && type->kind != TYPE_NULL)
            continue;
        Buffer text = {0};
        type_print(type, &text);
        error_set(error, ERROR_UNSUPPORTED, "format \"csv\" cannot hold column \"%s\" of type %s",
                  column->name, buffer_text(&text));
        buffer_deinit(&text);
        return error_hint(error, "Use the format \"json\", or an ARRAY or ROW of flat types.");
    }
    return true;
}

static void csv_decoder_close(Decoder *decoder)
{
    if (decoder == NULL)
        return;
    csv_grid_deinit(&decoder->grid);
    buffer_deinit(&decoder->unescaped);
    memory_free(decoder->fields);
    memory_free(decoder->positions);
    memory_free(decoder);
}

static Decoder *csv_decoder_open(const FormatContext *context, Error *error)
{
    CsvSettings settings;
    if (!read_settings(context->options, &settings, error))
        return NULL;
    Decoder *decoder = memory_zalloc(sizeof(*decoder));
    decoder->context = context;
    decoder->settings = settings;
    decoder->scan = csv_scan_choose();
    decoder->marks = (CsvMarks){.delimiter = settings.delimiter,
                                .quote = settings.quote == '\0' ? '\n' : settings.quote,
                                .escape = settings.escape == '\0' ? '\n' : settings.escape};
    decoder->grids = settings.escape == '\0' && !settings.trim_spaces && !settings.allow_comments;
    csv_grid_init(&decoder->grid);
    uint32_t count = context->schema->column_count;
    decoder->positions = memory_alloc(sizeof(*decoder->positions) * count);
    for (uint32_t i = 0; i < count; i++)
        decoder->positions[i] = context->file_columns == NULL ? i : context->file_columns[i];
    decoder->expected_fields =
        context->file_schema == NULL ? count : context->file_schema->column_count;
    return decoder;
}

static void load_block(const Decoder *decoder, CsvCursor *cursor, size_t at)
{
    CsvBlock block;
    char tail[CSV_BLOCK_BYTES] = {0};
    const char *data = cursor->data + at;
    size_t length = cursor->length - at;
    bool whole = length >= CSV_BLOCK_BYTES;
    if (!whole)
        data = memcpy(tail, data, length);
    decoder->scan(data, 1, &decoder->marks, &block);
    cursor->block = at;
    cursor->mask = block.separators | block.quotes;
    if (!whole)
        cursor->mask &= (UINT64_C(1) << length) - 1;
}

/* Position of the first mark at or behind `from`, or the input's length. */
static size_t next_mark(const Decoder *decoder, CsvCursor *cursor, size_t from)
{
    if (from >= cursor->length)
        return cursor->length;
    size_t block = from / CSV_BLOCK_BYTES * CSV_BLOCK_BYTES;
    if (block != cursor->block)
        load_block(decoder, cursor, block);
    uint64_t mask = cursor->mask & ~UINT64_C(0) << (from - block);
    while (mask == 0) {
        block += CSV_BLOCK_BYTES;
        if (block >= cursor->length)
            return cursor->length;
        load_block(decoder, cursor, block);
        mask = cursor->mask;
    }
    return block + (size_t)__builtin_ctzll(mask);
}

static bool push_field(Decoder *decoder, CsvField field)
{
    if (decoder->field_count == decoder->field_capacity) {
        if (decoder->field_count == CSV_FIELDS_MAX)
            return false;
        uint32_t capacity = decoder->field_capacity == 0 ? 32 : decoder->field_capacity * 2;
        decoder->fields = memory_realloc(decoder->fields, sizeof(CsvField) * capacity);
        decoder->field_capacity = capacity;
    }
    decoder->fields[decoder->field_count++] = field;
    return true;
}

static size_t skip_spaces(const CsvCursor *cursor, size_t at)
{
    while (at < cursor->length && (cursor->data[at] == ' ' || cursor->data[at] == '\t'))
        at++;
    return at;
}

static CsvOutcome malformed(CsvRecord *record, size_t at, const char *problem)
{
    record->end = at;
    record->problem = problem;
    return CSV_MALFORMED;
}

/* Cuts a field that starts with a quote at `at`; `*end` is left on what follows it. */
static CsvOutcome cut_quoted(Decoder *decoder, CsvCursor *cursor, size_t at, bool at_end,
                             CsvRecord *record, size_t *end)
{
    const CsvSettings *settings = &decoder->settings;
    CsvField field = {.data = cursor->data + at + 1, .quoted = true};
    size_t mark = at + 1;
    for (;; mark++) {
        mark = next_mark(decoder, cursor, mark);
        if (mark >= cursor->length)
            return at_end ? malformed(record, cursor->length, "quote is not closed")
                          : CSV_INCOMPLETE;
        char c = cursor->data[mark];
        record->lines += c == '\n';
        if (c == settings->escape && c != '\0') {
            field.escaped = true;
            mark++;
            record->lines += mark < cursor->length && cursor->data[mark] == '\n';
        } else if (c == settings->quote) {
            if (mark + 1 == cursor->length && !at_end)
                return CSV_INCOMPLETE;
            if (mark + 1 == cursor->length || cursor->data[mark + 1] != settings->quote)
                break;
            field.escaped = true;
            mark++;
        }
    }
    field.length = (size_t)(cursor->data + mark - field.data);
    if (!push_field(decoder, field))
        return malformed(record, mark, "row has too many fields");
    *end = settings->trim_spaces ? skip_spaces(cursor, mark + 1) : mark + 1;
    if (*end == cursor->length)
        return at_end ? CSV_RECORD : CSV_INCOMPLETE;
    if (cursor->data[*end] == '\r') {
        if (*end + 1 == cursor->length && !at_end)
            return CSV_INCOMPLETE;
        if (*end + 1 == cursor->length || cursor->data[*end + 1] == '\n')
            ++*end;
    }
    if (*end == cursor->length || cursor->data[*end] == '\n' ||
        cursor->data[*end] == settings->delimiter)
        return CSV_RECORD;
    return malformed(record, *end, "text follows a closing quote");
}

static CsvOutcome cut_plain(Decoder *decoder, CsvCursor *cursor, size_t at, bool at_end,
                            CsvRecord *record, size_t *end)
{
    const CsvSettings *settings = &decoder->settings;
    CsvField field = {.data = cursor->data + at};
    size_t mark = at;
    for (;; mark++) {
        mark = next_mark(decoder, cursor, mark);
        if (mark >= cursor->length) {
            if (!at_end)
                return CSV_INCOMPLETE;
            mark = cursor->length;
            break;
        }
        char c = cursor->data[mark];
        if (c == settings->delimiter || c == '\n')
            break;
        if (c == settings->escape) { /* a quote in the middle of a field is itself */
            field.escaped = true;
            mark++;
            record->lines += mark < cursor->length && cursor->data[mark] == '\n';
        }
    }
    *end = mark;
    field.length = mark - at;
    bool line_end = mark == cursor->length || cursor->data[mark] == '\n';
    if (line_end && field.length != 0 && field.data[field.length - 1] == '\r')
        field.length--;
    return push_field(decoder, field) ? CSV_RECORD
                                      : malformed(record, mark, "row has too many fields");
}

/* Cuts the record at `start` into decoder->fields. */
static CsvOutcome cut_record(Decoder *decoder, CsvCursor *cursor, size_t start, bool at_end,
                             CsvRecord *record)
{
    const CsvSettings *settings = &decoder->settings;
    decoder->field_count = 0;
    *record = (CsvRecord){0};
    for (size_t at = start;; at++) {
        size_t end = at;
        size_t lead = settings->trim_spaces ? skip_spaces(cursor, at) : at;
        bool quoted = settings->quote != '\0' && lead < cursor->length &&
                      cursor->data[lead] == settings->quote;
        CsvOutcome outcome = quoted ? cut_quoted(decoder, cursor, lead, at_end, record, &end)
                                    : cut_plain(decoder, cursor, at, at_end, record, &end);
        if (outcome != CSV_RECORD)
            return outcome;
        record->end = end;
        if (end == cursor->length)
            return CSV_RECORD;
        if (cursor->data[end] == '\n') {
            record->end++;
            record->lines++;
            return CSV_RECORD;
        }
        at = end;
    }
}

/* Finds the wanted columns among the header's names, which lie in decoder->fields. */
static bool match_header(Decoder *decoder, Error *error)
{
    const Schema *schema = decoder->context->schema;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        Str name = str_of(schema->columns[c].name);
        decoder->positions[c] = NO_POSITION;
        for (uint32_t i = 0; i < decoder->field_count; i++)
            if (str_equal(str_trim(csv_field_text(decoder, &decoder->fields[i])), name)) {
                decoder->positions[c] = i;
                break;
            }
        if (decoder->positions[c] != NO_POSITION)
            continue;
        error_set(error, ERROR_DATA, "csv header has no column \"%s\"", schema->columns[c].name);
        Buffer list = {0};
        for (uint32_t i = 0; i < decoder->field_count; i++) {
            buffer_append_text(&list, i == 0 ? "" : ", ");
            buffer_append_str(&list, csv_field_text(decoder, &decoder->fields[i]));
        }
        error_detail(error, "The header names: %s.", buffer_text(&list));
        buffer_deinit(&list);
        return error_hint(error, "Column names are compared with case. If the file has no header, "
                                 "set the option csv.header to 'false'.");
    }
    decoder->expected_fields = decoder->field_count;
    return true;
}

static bool is_comment(const Decoder *decoder, const CsvCursor *cursor, size_t at)
{
    return decoder->settings.allow_comments && at < cursor->length && cursor->data[at] == '#';
}

/* Passes over a line without looking into it; false when it is not all there. */
static bool skip_line(const CsvCursor *cursor, size_t *at, bool at_end, DecodeResult *result)
{
    const char *found =
        *at == cursor->length ? NULL : memchr(cursor->data + *at, '\n', cursor->length - *at);
    if (found == NULL && !at_end)
        return false;
    *at = found == NULL ? cursor->length : (size_t)(found - cursor->data) + 1;
    result->lines += found != NULL;
    return true;
}

static bool fail_at(const Decoder *decoder, uint64_t line, Error *error)
{
    return error_place(error, "%s:%llu", decoder->context->name, (unsigned long long)line);
}

/* A byte order mark, comments, and the header. Sets result->consumed when all of it was there. */
static bool read_head(Decoder *decoder, CsvCursor *cursor, bool at_end, uint64_t line,
                      DecodeResult *result, Error *error)
{
    size_t at = 0;
    if (str_starts_with((Str){cursor->data, cursor->length}, STR("\xEF\xBB\xBF")))
        at = 3;
    else if (cursor->length < 3 && !at_end)
        return true;
    DecodeResult head = {0};
    if (decoder->settings.header) {
        while (is_comment(decoder, cursor, at))
            if (!skip_line(cursor, &at, at_end, &head))
                return true;
        CsvRecord record;
        CsvOutcome outcome = cut_record(decoder, cursor, at, at_end, &record);
        if (outcome == CSV_INCOMPLETE)
            return true;
        if (outcome == CSV_MALFORMED) {
            error_set(error, ERROR_DATA, "malformed csv header: %s", record.problem);
            return fail_at(decoder, line + head.lines, error);
        }
        bool empty = at == cursor->length; /* an empty file has neither header nor rows */
        if (!empty && !match_header(decoder, error))
            return fail_at(decoder, line + head.lines, error);
        at = record.end;
        head.lines += record.lines;
    }
    decoder->head_read = true;
    result->consumed = at;
    result->lines += head.lines;
    return true;
}

static bool csv_decode_head(Decoder *decoder, Str input, bool at_end, bool *read, Error *error)
{
    DecodeResult result = {0};
    CsvCursor cursor = {input.data, input.length, SIZE_MAX, 0};
    bool good = read_head(decoder, &cursor, at_end, 1, &result, error);
    *read = decoder->head_read;
    return good;
}

static bool is_blank(const Decoder *decoder)
{
    return decoder->field_count == 1 && decoder->fields[0].length == 0 &&
           !decoder->fields[0].quoted && decoder->expected_fields > 1;
}

/* Decodes the record at result->consumed; `*done` when there is no whole one. */
static bool decode_record(Decoder *decoder, CsvCursor *cursor, bool at_end, uint64_t line,
                          Batch *batch, DecodeResult *result, bool *done, Error *error)
{
    size_t start = result->consumed;
    if (is_comment(decoder, cursor, start)) {
        *done = !skip_line(cursor, &result->consumed, at_end, result);
        return true;
    }
    CsvRecord record;
    CsvOutcome outcome = cut_record(decoder, cursor, start, at_end, &record);
    uint64_t record_line = line + result->lines;
    if (outcome == CSV_INCOMPLETE) {
        *done = true;
        if (cursor->length - start <= FORMAT_RECORD_BYTES_MAX)
            return true;
        error_set(error, ERROR_LIMIT, "csv record is longer than %zu bytes",
                  FORMAT_RECORD_BYTES_MAX);
        error_hint(error, "Look for a quote that is not closed.");
        return fail_at(decoder, record_line, error);
    }
    bool good = true;
    if (outcome == CSV_MALFORMED) {
        good = error_set(error, ERROR_DATA, "malformed csv row: %s", record.problem);
        if (!skip_line(cursor, &record.end, at_end, result)) {
            *done = true;
            return true;
        }
    } else if (!is_blank(decoder)) {
        good = csv_store_record(decoder, batch, error);
    }
    if (!good && !decoder->settings.ignore_parse_errors)
        return fail_at(decoder, record_line, error);
    result->skipped += good ? 0 : 1;
    result->consumed = record.end;
    result->lines += record.lines;
    return true;
}

/* Decodes records at result->consumed that are as usual, many at once; false when there are none.
 */
static bool decode_grid(Decoder *decoder, Str input, Batch *batch, DecodeResult *result)
{
    if (!decoder->grids)
        return false;
    if (decoder->grid_wait != 0) {
        decoder->grid_wait--;
        return false;
    }
    CsvGrid *grid = &decoder->grid;
    Str rest = {input.data + result->consumed, input.length - result->consumed};
    csv_grid_find(grid, rest, decoder->expected_fields, BATCH_ROWS_MAX - batch->row_count,
                  decoder->scan, &decoder->marks);
    uint32_t rows = grid->rows;
    size_t length = grid->length;
    if (rows != 0) {
        rows = csv_store_grid(decoder, batch);
        if (rows != grid->rows)
            length = rows == 0 ? 0 : grid->ends[(size_t)rows * grid->fields - 1] + 1;
        result->consumed += length;
        result->lines += rows;
    }
    bool trouble = grid->irregular || rows != grid->rows;
    if (rows >= GRID_ROWS_WORTH || !trouble)
        decoder->grid_pause = 0;
    else if (decoder->grid_pause < GRID_PAUSE_MAX)
        decoder->grid_pause = decoder->grid_pause * 2 + 1;
    decoder->grid_wait = trouble ? decoder->grid_pause : 0;
    return rows != 0;
}

static bool csv_decode(Decoder *decoder, Str input, bool at_end, uint64_t line, Batch *batch,
                       DecodeResult *result, Error *error)
{
    *result = (DecodeResult){0};
    CsvCursor cursor = {input.data, input.length, SIZE_MAX, 0};
    if (!decoder->head_read && line == 1) {
        if (!read_head(decoder, &cursor, at_end, line, result, error))
            return false;
        if (!decoder->head_read)
            return true;
    } else if (!decoder->head_read && decoder->settings.header) {
        return error_set(error, ERROR_INTERNAL, "csv header of \"%s\" was not read",
                         decoder->context->name);
    }
    Error local; /* an error that is skipped must not be left in the caller's */
    bool done = false;
    while (!done && result->consumed < input.length && batch->row_count < BATCH_ROWS_MAX) {
        if (decode_grid(decoder, input, batch, result) ||
            decode_record(decoder, &cursor, at_end, line, batch, result, &done, &local))
            continue;
        if (error != NULL)
            *error = local;
        return false;
    }
    return true;
}

/* With escapes, spaces or comments around them, quotes mean other things than the search knows. */
static RecordSearch csv_record_search(const FormatContext *context)
{
    CsvSettings settings;
    Error ignored;
    if (!read_settings(context->options, &settings, &ignored) || settings.escape != '\0')
        return RECORDS_UNKNOWN;
    if (settings.quote == '\0')
        return RECORDS_ANYWHERE;
    return settings.trim_spaces || settings.allow_comments ? RECORDS_UNKNOWN : RECORDS_FROM_RECORD;
}

static Encoder *csv_open_encoder(const FormatContext *context, Error *error)
{
    CsvSettings settings;
    return read_settings(context->options, &settings, error) ? csv_encoder_open(context, &settings)
                                                             : NULL;
}

extern const Format format_csv;
const Format format_csv = {
    .name = "csv",
    .doc = "Comma-separated values, one row a record, with quotes as in RFC 4180.",
    .options = csv_options,
    .source_kinds = CHANGES_INSERT_ONLY,
    .sink_kinds = CHANGES_INSERT_ONLY,
    .borrows = true,
    .check = csv_check,
    .decoder_open = csv_decoder_open,
    .decode = csv_decode,
    .decode_head = csv_decode_head,
    .decoder_close = csv_decoder_close,
    .record_search = csv_record_search,
    .find_record = csv_find_record,
    .encoder_open = csv_open_encoder,
    .encode_start = csv_encode_start,
    .encode = csv_encode,
    .encoder_close = csv_encoder_close,
};
