/* The text form of change streams: a printer and a reader of "+I[1, Ann, [a, b]]".
 *
 * Nested values have the brackets of value_print; inside of them text is also quoted for the
 * characters that close or separate there, so that they read back too. Bytes are x'0a'. */
#include "core/changelog_text.h"

#include "core/str.h"
#include "core/value_text.h"

/* Deeper values are refused, so that no line can exhaust the stack. */
#define NESTING_MAX 64

static bool text_needs_quotes(Str text, bool nested)
{
    if (text.length == 0 || str_trim(text).length != text.length ||
        str_equal_nocase(text, STR("NULL")))
        return true;
    for (size_t i = 0; i < text.length; i++) {
        char c = text.data[i];
        if (c == ',' || c == '[' || c == ']' || c == '\'' || c == '\n' || c == '\r')
            return true;
        if (nested && (c == '(' || c == ')' || c == '{' || c == '}' || c == '='))
            return true;
    }
    return false;
}

static void print_text(Str text, bool nested, Buffer *out)
{
    if (!text_needs_quotes(text, nested)) {
        buffer_append_str(out, text);
        return;
    }
    buffer_append_char(out, '\'');
    for (size_t i = 0; i < text.length; i++) {
        if (text.data[i] == '\'')
            buffer_append_char(out, '\'');
        buffer_append_char(out, text.data[i]);
    }
    buffer_append_char(out, '\'');
}

static void print_value(const Vector *vector, uint32_t row, const TimeZone *zone, bool nested,
                        Buffer *out);

static void print_list(const Vector *vector, ListEntry list, const TimeZone *zone, Buffer *out)
{
    bool is_map = vector->type->kind == TYPE_MAP;
    buffer_append_char(out, is_map ? '{' : '[');
    for (uint32_t i = 0; i < list.length; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        print_value(&vector->children[0], list.offset + i, zone, true, out);
        if (!is_map)
            continue;
        buffer_append_char(out, '=');
        print_value(&vector->children[1], list.offset + i, zone, true, out);
    }
    buffer_append_char(out, is_map ? '}' : ']');
}

static void print_fields(const Vector *vector, uint32_t index, const TimeZone *zone, Buffer *out)
{
    buffer_append_char(out, '(');
    for (uint32_t i = 0; i < vector->type->field_count; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        print_value(&vector->children[i], index, zone, true, out);
    }
    buffer_append_char(out, ')');
}

static void print_value(const Vector *vector, uint32_t row, const TimeZone *zone, bool nested,
                        Buffer *out)
{
    const Type *type = vector->type;
    uint32_t index = vector_index(vector, row);
    if (vector_is_null(vector, row))
        buffer_append_text(out, "NULL");
    else if (type_is_string(type))
        print_text(vector_str(vector, row), nested, out);
    else if (type->physical == PHYSICAL_LIST && type->kind != TYPE_MULTISET)
        print_list(vector, ((const ListEntry *)vector->data)[index], zone, out);
    else if (type->physical == PHYSICAL_ROW)
        print_fields(vector, index, zone, out);
    else
        value_print(vector, row, zone, out);
}

void changelog_print_row(const Batch *batch, uint32_t row, const TimeZone *zone, Buffer *out)
{
    buffer_append(out, change_kind_text(batch_kind(batch, row)), 2);
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < batch->column_count; i++) {
        if (i != 0)
            buffer_append_text(out, ", ");
        print_value(&batch->columns[i], row, zone, false, out);
    }
    buffer_append_char(out, ']');
}

void changelog_print(const Batch *batch, const TimeZone *zone, Buffer *out)
{
    for (uint32_t row = 0; row < batch->row_count; row++) {
        changelog_print_row(batch, row, zone, out);
        buffer_append_char(out, '\n');
    }
}

typedef struct LineReader {
    const char *next;
    const char *end;
    const TimeZone *zone;
    Arena *arena;
    Buffer scratch; /* quoted text without its quotes */
    uint32_t depth;
    Error *error;
} LineReader;

static bool line_error(LineReader *reader, const char *what)
{
    error_set(reader->error, ERROR_DATA, "%s", what);
    return error_hint(reader->error, "A row looks like +I[1, Ann, NULL]; put text that has commas, "
                                     "brackets or quotes in single quotes.");
}

static void skip_spaces(LineReader *reader)
{
    while (reader->next != reader->end && (*reader->next == ' ' || *reader->next == '\t'))
        reader->next++;
}

static bool take_char(LineReader *reader, char c)
{
    skip_spaces(reader);
    if (reader->next == reader->end || *reader->next != c)
        return false;
    reader->next++;
    return true;
}

/* After the opening quote; the text lies in the scratch buffer. */
static bool read_quoted(LineReader *reader, Str *text)
{
    buffer_clear(&reader->scratch);
    while (reader->next != reader->end) {
        char c = *reader->next++;
        if (c == '\'') {
            if (reader->next == reader->end || *reader->next != '\'') {
                *text = (Str){buffer_text(&reader->scratch), reader->scratch.length};
                return true;
            }
            reader->next++;
        }
        buffer_append_char(&reader->scratch, c);
    }
    return line_error(reader, "quote is not closed");
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The text of x'…' with the quotes, as bytes in the scratch buffer. */
static bool read_hex(LineReader *reader, Str *bytes)
{
    reader->next++; /* the x */
    Str digits;
    reader->next++; /* the quote */
    if (!read_quoted(reader, &digits))
        return false;
    if (digits.length % 2 != 0)
        return line_error(reader, "bytes have an odd number of hexadecimal digits");
    char *to = reader->scratch.data;
    for (size_t i = 0; i < digits.length; i += 2) {
        int high = hex_digit(digits.data[i]);
        int low = hex_digit(digits.data[i + 1]);
        if (high < 0 || low < 0)
            return line_error(reader, "bytes have a character that is no hexadecimal digit");
        *to++ = (char)(high << 4 | low);
    }
    *bytes = (Str){reader->scratch.data, digits.length / 2};
    return true;
}

static Str read_bare(LineReader *reader)
{
    const char *stops = reader->depth == 0 ? ",]" : ",])}=";
    const char *start = reader->next;
    while (reader->next != reader->end && strchr(stops, *reader->next) == NULL)
        reader->next++;
    return str_trim((Str){start, (size_t)(reader->next - start)});
}

static bool read_value(LineReader *reader, Vector *to, uint32_t row);

static bool read_entry(LineReader *reader, Vector *to, uint32_t row)
{
    uint32_t at = vector_list_append(to, row, 1, reader->arena);
    for (uint32_t c = 0; c < to->type->field_count; c++) {
        if (c != 0 && !take_char(reader, '='))
            return line_error(reader, "map entry has no \"=\"");
        if (!read_value(reader, &to->children[c], at))
            return false;
    }
    return true;
}

static bool read_list(LineReader *reader, Vector *to, uint32_t row)
{
    bool is_map = to->type->kind == TYPE_MAP;
    char close = is_map ? '}' : ']';
    if (!take_char(reader, is_map ? '{' : '['))
        return line_error(reader, is_map ? "map does not start with \"{\""
                                         : "array does not start with \"[\"");
    ListEntry list = {vector_list_append(to, row, 0, reader->arena), 0};
    while (!take_char(reader, close)) {
        if (list.length != 0 && !take_char(reader, ','))
            return line_error(reader, "value is not closed");
        if (!read_entry(reader, to, row))
            return false;
        list.length++;
    }
    ((ListEntry *)to->data)[row] = list;
    return true;
}

static bool read_fields(LineReader *reader, Vector *to, uint32_t row)
{
    if (!take_char(reader, '('))
        return line_error(reader, "row value does not start with \"(\"");
    vector_set_valid(to, row);
    for (uint32_t i = 0; i < to->type->field_count; i++) {
        if (i != 0 && !take_char(reader, ','))
            return line_error(reader, "row value has too few fields");
        if (!read_value(reader, &to->children[i], row))
            return false;
    }
    return take_char(reader, ')') || line_error(reader, "row value has too many fields");
}

static bool read_nested(LineReader *reader, Vector *to, uint32_t row)
{
    if (reader->depth == NESTING_MAX)
        return line_error(reader, "value is nested too deep");
    if (to->type->kind == TYPE_MULTISET)
        return line_error(reader, "a multiset cannot be read");
    const char *start = reader->next;
    reader->depth++;
    bool null = str_equal_nocase(read_bare(reader), STR("NULL"));
    bool good = true;
    if (null) {
        vector_set_null(to, row, reader->arena);
    } else {
        reader->next = start;
        good = to->type->physical == PHYSICAL_ROW ? read_fields(reader, to, row)
                                                  : read_list(reader, to, row);
    }
    reader->depth--;
    return good;
}

static bool read_value(LineReader *reader, Vector *to, uint32_t row)
{
    skip_spaces(reader);
    const Type *type = to->type;
    if (type_is_nested(type))
        return read_nested(reader, to, row);
    Str text;
    bool bytes = type_is_bytes(type) && reader->end - reader->next >= 2 && reader->next[0] == 'x' &&
                 reader->next[1] == '\'';
    if (bytes) {
        if (!read_hex(reader, &text))
            return false;
    } else if (take_char(reader, '\'')) {
        if (!read_quoted(reader, &text))
            return false;
    } else {
        text = read_bare(reader);
        if (str_equal_nocase(text, STR("NULL"))) {
            vector_set_null(to, row, reader->arena);
            return true;
        }
    }
    return value_parse(to, row, text, reader->zone, reader->arena, reader->error);
}

static bool read_kind(LineReader *reader, uint8_t *kind)
{
    skip_spaces(reader);
    *kind = CHANGE_INSERT;
    if (reader->next != reader->end && *reader->next == '[')
        return true;
    for (unsigned i = CHANGE_INSERT; i <= CHANGE_DELETE; i++) {
        Str rest = {reader->next, (size_t)(reader->end - reader->next)};
        if (!str_starts_with(rest, str_of(change_kind_text((uint8_t)i))))
            continue;
        *kind = (uint8_t)i;
        reader->next += 2;
        return true;
    }
    return line_error(reader, "row does not start with +I, -U, +U, -D or \"[\"");
}

static bool read_columns(LineReader *reader, Batch *batch)
{
    if (!take_char(reader, '['))
        return line_error(reader, "row does not start with \"[\"");
    for (uint32_t i = 0; i < batch->column_count; i++) {
        if (i != 0 && !take_char(reader, ','))
            return line_error(reader, "row has too few columns");
        if (!read_value(reader, &batch->columns[i], batch->row_count))
            return error_prefix(reader->error, "column \"%s\": ", batch->schema->columns[i].name);
    }
    if (!take_char(reader, ']'))
        return line_error(reader, "row has too many columns");
    skip_spaces(reader);
    return reader->next == reader->end || line_error(reader, "text follows the row");
}

bool changelog_read_row(Batch *batch, Str line, const TimeZone *zone, Error *error)
{
    line = str_trim(line);
    LineReader reader = {.next = line.data,
                         .end = line.data + line.length,
                         .zone = zone,
                         .arena = batch->arena,
                         .error = error};
    uint8_t kind;
    bool good = read_kind(&reader, &kind) && read_columns(&reader, batch);
    buffer_deinit(&reader.scratch);
    if (!good)
        return false;
    if (kind != CHANGE_INSERT || batch->kinds != NULL)
        batch_kinds(batch, BATCH_ROWS_MAX)[batch->row_count] = kind;
    batch->row_count++;
    return true;
}
