/* Fields of csv records to values in a batch: record by record, or a grid column by column.
 *
 * Column by column, a field costs a step of a loop that does nothing else; what is not as usual
 * (quotes, NULL, other types) is read one by one. A row in error ends what is taken of a grid: cut
 * on its own it tells what is wrong. */
#include "formats/csv_decoder.h"

#include "core/str.h"

static Str unescape(Decoder *decoder, const CsvField *field)
{
    const CsvSettings *settings = &decoder->settings;
    if (!field->escaped)
        return (Str){field->data, field->length};
    buffer_clear(&decoder->unescaped);
    char *start = buffer_reserve(&decoder->unescaped, field->length);
    char *to = start;
    for (size_t i = 0; i < field->length; i++) {
        char c = field->data[i];
        bool more = i + 1 < field->length;
        if (c == settings->escape && c != '\0' && more) {
            c = field->data[++i];
            c = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c == '0' ? '\0' : c;
        } else if (field->quoted && c == settings->quote && more) {
            c = field->data[++i];
        }
        *to++ = c;
    }
    return (Str){start, (size_t)(to - start)};
}

Str csv_field_text(Decoder *decoder, const CsvField *field)
{
    Str text = unescape(decoder, field);
    return decoder->settings.trim_spaces && !field->quoted ? str_trim(text) : text;
}

static bool store_null(const Decoder *decoder, Batch *batch, uint32_t row, uint32_t column,
                       const char *why, Error *error)
{
    Vector *vector = &batch->columns[column];
    if (vector->type->nullable) {
        vector_set_null(vector, row, batch->arena);
        return true;
    }
    error_set(error, ERROR_DATA, "column \"%s\" is NOT NULL, but the field is %s",
              decoder->context->schema->columns[column].name, why);
    return error_hint(error, "Declare the column without NOT NULL, or set the option "
                             "csv.ignore-parse-errors to 'true' to skip such rows.");
}

static bool store_element(const Decoder *decoder, Vector *vector, uint32_t row, Str text,
                          Arena *arena, Error *error)
{
    const CsvSettings *settings = &decoder->settings;
    bool null = settings->has_null_literal ? str_equal(text, settings->null_literal)
                                           : text.length == 0 && !type_is_string(vector->type);
    if (null && vector->type->nullable) {
        vector_set_null(vector, row, arena);
        return true;
    }
    return format_text_read(vector, row, text, TIMESTAMP_FORM_ANY, decoder->context->zone, arena,
                            error);
}

static bool next_element(Str *rest, char delimiter, Str *element)
{
    if (rest->data == NULL)
        return false;
    const char *found = rest->length == 0 ? NULL : memchr(rest->data, delimiter, rest->length);
    size_t length = found == NULL ? rest->length : (size_t)(found - rest->data);
    *element = (Str){rest->data, length};
    *rest = found == NULL ? (Str){NULL, 0} : (Str){found + 1, rest->length - length - 1};
    return true;
}

static bool store_array(const Decoder *decoder, Vector *vector, uint32_t row, Str text,
                        Arena *arena, Error *error)
{
    char delimiter = decoder->settings.element_delimiter;
    uint32_t count = text.length != 0;
    for (size_t i = 0; i < text.length; i++)
        count += text.data[i] == delimiter;
    uint32_t at = vector_list_append(vector, row, count, arena);
    Str element;
    for (uint32_t i = 0; i < count && next_element(&text, delimiter, &element); i++)
        if (!store_element(decoder, &vector->children[0], at + i, element, arena, error))
            return false;
    return true;
}

static bool store_row(const Decoder *decoder, Vector *vector, uint32_t row, Str text, Arena *arena,
                      Error *error)
{
    const Type *type = vector->type;
    Str element;
    vector_set_valid(vector, row);
    for (uint32_t i = 0; i < type->field_count; i++) {
        if (!next_element(&text, decoder->settings.element_delimiter, &element))
            return error_set(error, ERROR_DATA, "ROW value has %u fields instead of %u", i,
                             type->field_count);
        if (!store_element(decoder, &vector->children[i], row, element, arena, error))
            return false;
    }
    return text.data == NULL ||
           error_set(error, ERROR_DATA, "ROW value has more than %u fields", type->field_count);
}

/* As it stands there: "\N" is one even where the backslash escapes. */
static bool is_null_literal(const CsvSettings *settings, const CsvField *field)
{
    if (!settings->has_null_literal || field->quoted)
        return false;
    Str text = {field->data, field->length};
    return str_equal(settings->trim_spaces ? str_trim(text) : text, settings->null_literal);
}

static bool store_field(Decoder *decoder, Batch *batch, uint32_t row, uint32_t column,
                        const CsvField *field, Error *error)
{
    const CsvSettings *settings = &decoder->settings;
    Vector *vector = &batch->columns[column];
    if (is_null_literal(settings, field))
        return store_null(decoder, batch, row, column, "the null literal", error);
    Str text = csv_field_text(decoder, field);
    if (text.length == 0 &&
        (settings->empty_is_null || (!field->quoted && !type_is_string(vector->type))))
        return store_null(decoder, batch, row, column, "empty", error);
    bool good;
    if (vector->type->kind == TYPE_ARRAY)
        good = store_array(decoder, vector, row, text, batch->arena, error);
    else if (vector->type->kind == TYPE_ROW)
        good = store_row(decoder, vector, row, text, batch->arena, error);
    else
        good = format_text_read(vector, row, text, TIMESTAMP_FORM_ANY, decoder->context->zone,
                                batch->arena, error);
    return good ||
           error_prefix(error, "column \"%s\": ", decoder->context->schema->columns[column].name);
}

static bool check_field_count(Decoder *decoder, Error *error)
{
    const CsvSettings *settings = &decoder->settings;
    uint32_t count = decoder->field_count, expected = decoder->expected_fields;
    if (count > expected) {
        const CsvField *last = &decoder->fields[count - 1];
        bool trailing = count == expected + 1 && last->length == 0 && !last->quoted;
        if (settings->ignore_trailing || (trailing && settings->allow_trailing_delimiter))
            return true;
        error_set(error, ERROR_DATA, "row has %u fields instead of %u", count, expected);
        return error_hint(error, "Set the option csv.ignore-trailing-unmappable to 'true' to leave "
                                 "them out, or csv.ignore-parse-errors to skip such rows.");
    }
    if (count == expected || !settings->fail_on_missing_columns)
        return true;
    error_set(error, ERROR_DATA, "row has %u fields instead of %u", count, expected);
    return error_hint(error, "Set the option csv.fail-on-missing-columns to 'false' to have NULLs "
                             "for them, or csv.ignore-parse-errors to skip such rows.");
}

bool csv_store_record(Decoder *decoder, Batch *batch, Error *error)
{
    if (decoder->field_count != decoder->expected_fields && !check_field_count(decoder, error))
        return false;
    uint32_t row = batch->row_count;
    for (uint32_t c = 0; c < batch->column_count; c++) {
        uint32_t position = decoder->positions[c];
        bool good = position < decoder->field_count
                        ? store_field(decoder, batch, row, c, &decoder->fields[position], error)
                        : store_null(decoder, batch, row, c, "missing", error);
        if (!good)
            return false;
    }
    if (batch->kinds != NULL)
        batch->kinds[batch->row_count] = CHANGE_INSERT;
    batch->row_count++;
    return true;
}

/* ------------------------------------------------------------------- grids */

/* One column of a grid on its way into a batch. */
typedef struct GridColumn {
    Decoder *decoder;
    Batch *batch;
    uint32_t column;
    uint32_t field; /* its place in the row */
    uint32_t first; /* where in the batch the grid's rows begin */
    uint32_t rows;
} GridColumn;

/* Like any field, also in quotes; an error is left to the record on its own. */
static bool store_any(const GridColumn *at, uint32_t row, Str text)
{
    const CsvSettings *settings = &at->decoder->settings;
    CsvField field = {.data = text.data, .length = text.length};
    if (text.length >= 2 && settings->quote != '\0' && text.data[0] == settings->quote) {
        field.data++;
        field.length -= 2;
        field.quoted = true;
        field.escaped =
            field.length != 0 && memchr(field.data, settings->quote, field.length) != NULL;
    }
    Error ignored;
    return store_field(at->decoder, at->batch, at->first + row, at->column, &field, &ignored);
}

/* The loops below return how many rows went well. */
static uint32_t store_others(const GridColumn *at)
{
    const CsvGrid *grid = &at->decoder->grid;
    for (uint32_t row = 0; row < at->rows; row++)
        if (!store_any(at, row, csv_grid_field(grid, row, at->field)))
            return row;
    return at->rows;
}

static uint32_t store_bigints(const GridColumn *at)
{
    const CsvGrid *grid = &at->decoder->grid;
    int64_t *to = (int64_t *)at->batch->columns[at->column].data + at->first;
    for (uint32_t row = 0; row < at->rows; row++) {
        Str text = csv_grid_field(grid, row, at->field);
        if (!text_fast_integer(text.data, text.length, &to[row]) && !store_any(at, row, text))
            return row;
    }
    return at->rows;
}

static uint32_t store_ints(const GridColumn *at)
{
    const CsvGrid *grid = &at->decoder->grid;
    int32_t *to = (int32_t *)at->batch->columns[at->column].data + at->first;
    for (uint32_t row = 0; row < at->rows; row++) {
        Str text = csv_grid_field(grid, row, at->field);
        int64_t value = 0;
        bool fast = text_fast_integer(text.data, text.length, &value) && value == (int32_t)value;
        to[row] = (int32_t)value;
        if (!fast && !store_any(at, row, text))
            return row;
    }
    return at->rows;
}

static uint32_t store_timestamps(const GridColumn *at)
{
    const CsvGrid *grid = &at->decoder->grid;
    const Vector *vector = &at->batch->columns[at->column];
    int64_t *to = (int64_t *)vector->data + at->first;
    uint32_t precision = vector->type->precision;
    TextDate last = {0};
    for (uint32_t row = 0; row < at->rows; row++) {
        Str text = csv_grid_field(grid, row, at->field);
        if (!text_fast_timestamp(text.data, text.length, ' ', precision, &last, &to[row]) &&
            !store_any(at, row, text))
            return row;
    }
    return at->rows;
}

static uint32_t store_strings(const GridColumn *at)
{
    const CsvGrid *grid = &at->decoder->grid;
    const CsvSettings *settings = &at->decoder->settings;
    const Vector *vector = &at->batch->columns[at->column];
    StringView *to = (StringView *)vector->data + at->first;
    size_t longest = (size_t)vector->type->length;
    bool lends = at->decoder->context->input_stays;
    for (uint32_t row = 0; row < at->rows; row++) {
        Str text = csv_grid_field(grid, row, at->field);
        bool plain = text.length == 0 ? !settings->empty_is_null
                                      : text.data[0] != settings->quote && text.length <= longest;
        if (!plain || (!grid->ascii && str_utf8_valid_prefix(text) != text.length)) {
            if (!store_any(at, row, text))
                return row;
            continue;
        }
        if (!lends && text.length > STRING_INLINE_MAX)
            text.data = arena_memdup(at->batch->arena, text.data, text.length);
        to[row] = text_fast_view(text.data, text.length);
    }
    return at->rows;
}

static uint32_t store_column(const GridColumn *at)
{
    Vector *vector = &at->batch->columns[at->column];
    if (vector->validity != NULL)
        for (uint32_t row = 0; row < at->rows; row++)
            vector_set_valid(vector, at->first + row);
    if (at->decoder->settings.has_null_literal)
        return store_others(at);
    switch (text_kind_of(vector->type)) {
    case TEXT_I32:
        return store_ints(at);
    case TEXT_I64:
        return store_bigints(at);
    case TEXT_TIMESTAMP:
        return store_timestamps(at);
    case TEXT_STRING:
        return store_strings(at);
    default:
        return store_others(at);
    }
}

uint32_t csv_store_grid(Decoder *decoder, Batch *batch)
{
    uint32_t rows = decoder->grid.rows;
    for (uint32_t c = 0; c < batch->column_count && rows != 0; c++)
        rows = store_column(&(GridColumn){.decoder = decoder,
                                          .batch = batch,
                                          .column = c,
                                          .field = decoder->positions[c],
                                          .first = batch->row_count,
                                          .rows = rows});
    if (batch->kinds != NULL)
        memset(batch->kinds + batch->row_count, CHANGE_INSERT, rows);
    batch->row_count += rows;
    return rows;
}
