/* Writing csv: a field is quoted only where it would not read back otherwise.
 *
 * NULL is the null literal, or nothing at all; an empty string is a pair of quotes. */
#include "formats/csv_internal.h"

#include "core/str.h"
#include "formats/csv_scan.h"
#include "formats/format_text.h"

struct Encoder {
    const FormatContext *context;
    CsvSettings settings;
    CsvSpecials specials;
    bool plain_numbers; /* numbers and times never need quotes */
    Buffer field;
};

Encoder *csv_encoder_open(const FormatContext *context, const CsvSettings *settings)
{
    Encoder *encoder = memory_zalloc(sizeof(*encoder));
    encoder->context = context;
    encoder->settings = *settings;
    encoder->specials = (CsvSpecials){{settings->delimiter, settings->quote, '\n', '\r',
                                       settings->escape == '\0' ? '\n' : settings->escape}};
    encoder->plain_numbers =
        !settings->has_null_literal && !csv_scan_has(STR("0123456789-+:. EZ"), &encoder->specials);
    return encoder;
}

void csv_encoder_close(Encoder *encoder)
{
    if (encoder == NULL)
        return;
    buffer_deinit(&encoder->field);
    memory_free(encoder);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

static bool needs_quotes(const Encoder *encoder, Str text, bool first)
{
    const CsvSettings *settings = &encoder->settings;
    if (text.length == 0)
        return true;
    if (settings->has_null_literal && str_equal(text, settings->null_literal))
        return true;
    if (is_space(text.data[0]) || is_space(text.data[text.length - 1]))
        return true;
    if (first && (text.data[0] == '#' || str_starts_with(text, STR("\xEF\xBB\xBF"))))
        return true;
    return csv_scan_has(text, &encoder->specials);
}

static bool write_text(Encoder *encoder, Str text, bool first, Buffer *out, Error *error)
{
    const CsvSettings *settings = &encoder->settings;
    if (!needs_quotes(encoder, text, first)) {
        buffer_append_str(out, text);
        return true;
    }
    if (settings->quote == '\0') {
        if (text.length == 0)
            return true;
        error_set(error, ERROR_DATA,
                  "cannot write a value without quotes: it has a delimiter, a "
                  "line break or space around it");
        return error_hint(error, "Set the option csv.disable-quote-character to 'false'.");
    }
    buffer_append_char(out, settings->quote);
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == settings->quote || (c == settings->escape && c != '\0'))
            buffer_append_char(out, c);
        buffer_append_char(out, c);
    }
    buffer_append_char(out, settings->quote);
    return true;
}

static void print_scalar(const Encoder *encoder, const Vector *vector, uint32_t row, Buffer *out)
{
    if (type_is_string(vector->type))
        buffer_append_str(out, vector_str(vector, row));
    else
        format_text_print(vector, row, TIMESTAMP_FORM_SQL, encoder->settings.decimal_scientific,
                          out);
}

/* An element of an ARRAY or a field of a ROW, in encoder->field. */
static bool print_element(Encoder *encoder, const Vector *vector, uint32_t row, bool first,
                          Error *error)
{
    Buffer *field = &encoder->field;
    if (!first)
        buffer_append_char(field, encoder->settings.element_delimiter);
    size_t start = field->length;
    if (!vector_is_null(vector, row))
        print_scalar(encoder, vector, row, field);
    else if (encoder->settings.has_null_literal)
        buffer_append_str(field, encoder->settings.null_literal);
    size_t length = field->length - start;
    if (length == 0 ||
        memchr(field->data + start, encoder->settings.element_delimiter, length) == NULL)
        return true;
    error_set(error, ERROR_DATA, "cannot write an element that contains the element delimiter");
    return error_hint(error, "Set the option csv.array-element-delimiter to a character that does "
                             "not occur.");
}

static bool print_elements(Encoder *encoder, const Vector *vector, uint32_t row, Error *error)
{
    const Type *type = vector->type;
    uint32_t index = vector_index(vector, row);
    if (type->physical == PHYSICAL_LIST) {
        ListEntry list = ((const ListEntry *)vector->data)[index];
        for (uint32_t i = 0; i < list.length; i++)
            if (!print_element(encoder, &vector->children[0], list.offset + i, i == 0, error))
                return false;
        return true;
    }
    for (uint32_t i = 0; i < type->field_count; i++)
        if (!print_element(encoder, &vector->children[i], index, i == 0, error))
            return false;
    return true;
}

/* Whose text is made of the bytes that plain_numbers says are not special. */
static bool is_number_or_time(const Type *type)
{
    return type_is_integer(type) || type->kind == TYPE_DECIMAL || type->kind == TYPE_DATE ||
           type->kind == TYPE_TIME || type_is_timestamp(type);
}

static bool write_value(Encoder *encoder, const Vector *vector, uint32_t row, bool first,
                        Buffer *out, Error *error)
{
    if (vector_is_null(vector, row)) {
        if (encoder->settings.has_null_literal)
            buffer_append_str(out, encoder->settings.null_literal);
        return true;
    }
    if (type_is_string(vector->type))
        return write_text(encoder, vector_str(vector, row), first, out, error);
    if (encoder->plain_numbers && is_number_or_time(vector->type)) {
        print_scalar(encoder, vector, row, out);
        return true;
    }
    buffer_clear(&encoder->field);
    if (!type_is_nested(vector->type))
        print_scalar(encoder, vector, row, &encoder->field);
    else if (!print_elements(encoder, vector, row, error))
        return false;
    Str text = {encoder->field.data, encoder->field.length};
    return write_text(encoder, text, first, out, error);
}

bool csv_encode_start(Encoder *encoder, Buffer *out, Error *error)
{
    if (!encoder->settings.header)
        return true;
    const Schema *schema = encoder->context->schema;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (c != 0)
            buffer_append_char(out, encoder->settings.delimiter);
        if (!write_text(encoder, str_of(schema->columns[c].name), c == 0, out, error))
            return false;
    }
    buffer_append_char(out, '\n');
    return true;
}

bool csv_encode(Encoder *encoder, const Batch *batch, uint32_t from_row, uint32_t to_row,
                Buffer *out, Error *error)
{
    for (uint32_t row = from_row; row < to_row; row++) {
        for (uint32_t c = 0; c < batch->column_count; c++) {
            if (c != 0)
                buffer_append_char(out, encoder->settings.delimiter);
            if (!write_value(encoder, &batch->columns[c], row, c == 0, out, error))
                return error_prefix(error, "column \"%s\": ", batch->schema->columns[c].name);
        }
        buffer_append_char(out, '\n');
    }
    return true;
}
