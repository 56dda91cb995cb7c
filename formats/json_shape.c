/* Matching records against the last one's shape. */
#include "formats/json_shape.h"

#include "core/str.h"
#include "formats/json_scan.h"
#include "formats/text_fast.h"

#define FIELDS_MAX 512
#define NO_COLUMN  UINT32_MAX
/* Looked at together: masks and text stay in the nearest cache. */
#define CHUNK_BYTES_MIN ((size_t)2 << 10)
#define CHUNK_BYTES_MAX ((size_t)16 << 10)
/* Readable bytes behind a chunk: text is loaded as words. */
#define CHUNK_PADDING 64

static_assert(CHUNK_PADDING >= TEXT_FAST_PADDING, "every value of a chunk can be read fast");

/* A value and the text before it. */
typedef struct ShapeField {
    const char *literal; /* whole words can be read */
    uint32_t length;
    uint32_t column; /* NO_COLUMN: nobody wants it */
    TextKind kind;
} ShapeField;

struct JsonShape {
    const JsonRows *rows;
    JsonScan scan;
    ShapeField *fields;
    uint32_t field_count; /* 0: no shape */
    uint32_t field_capacity;
    const char *tail; /* behind the last value */
    uint32_t tail_length;
    uint32_t breaks;   /* line breaks between its values */
    uint32_t *missing; /* columns that no field is for */
    uint32_t missing_count;
    Buffer literals;
    Buffer unescaped;
    TextDate date;
    char separator; /* between date and time */
    /* The chunk at hand. */
    size_t chunk_bytes;
    const char *chunk;
    const char *end; /* of what the masks are of */
    uint64_t masks[CHUNK_BYTES_MAX / JSON_BLOCK_BYTES];
    Batch *batch;
    uint32_t row;
};

JsonShape *json_shape_new(const JsonRows *rows)
{
    JsonShape *shape = memory_zalloc(sizeof(*shape));
    shape->rows = rows;
    shape->scan = json_scan_choose();
    shape->missing = memory_alloc(sizeof(*shape->missing) * rows->context->schema->column_count);
    shape->separator = rows->settings->timestamp_form == TIMESTAMP_FORM_ISO ? 'T' : ' ';
    shape->chunk_bytes = CHUNK_BYTES_MIN;
    return shape;
}

void json_shape_free(JsonShape *shape)
{
    if (shape == NULL)
        return;
    buffer_deinit(&shape->literals);
    buffer_deinit(&shape->unescaped);
    memory_free(shape->missing);
    memory_free(shape->fields);
    memory_free(shape);
}

/* ------------------------------------------------------------------ learning */

static size_t skip_spaces(Str text, size_t at)
{
    while (at < text.length && json_is_space(text.data[at]))
        at++;
    return at;
}

/* Behind the string that starts at `at`; the text is good JSON. */
static size_t skip_string(Str text, size_t at)
{
    for (at++; at < text.length && text.data[at] != '"'; at++)
        at += text.data[at] == '\\';
    return at + 1;
}

/* Behind the value at `at`, which is neither object nor array. */
static size_t skip_scalar(Str text, size_t at)
{
    if (text.data[at] == '"')
        return skip_string(text, at);
    while (at < text.length && text.data[at] != ',' && text.data[at] != '}' &&
           !json_is_space(text.data[at]))
        at++;
    return at;
}

static bool is_used(const JsonShape *shape, uint32_t column)
{
    for (uint32_t i = 0; i < shape->field_count; i++)
        if (shape->fields[i].column == column)
            return true;
    return false;
}

/* The column of that name, which has no other field yet and takes plain values. */
static bool choose_column(const JsonShape *shape, Str key, ShapeField *field)
{
    const Schema *schema = shape->rows->context->schema;
    field->column = NO_COLUMN;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (!str_equal(shape->rows->names[c], key))
            continue;
        field->column = c;
        field->kind = text_kind_of(schema->columns[c].type);
        return !is_used(shape, c) && !type_is_nested(schema->columns[c].type);
    }
    return true;
}

/* Appends the field whose name starts at `*at`, with the text from `*done` on before its value;
 * leaves both behind the value. Literals are offsets until all of them are there. */
static bool learn_field(JsonShape *shape, Str text, size_t *at, size_t *done)
{
    size_t start = *at;
    if (start >= text.length || text.data[start] != '"' || shape->field_count == FIELDS_MAX)
        return false;
    size_t end = skip_string(text, start);
    if (end > text.length)
        return false;
    Str key = {text.data + start + 1, end - start - 2};
    size_t value = skip_spaces(text, end);
    if (value >= text.length || text.data[value] != ':')
        return false;
    value = skip_spaces(text, value + 1);
    ShapeField field = {.length = (uint32_t)(value - *done)};
    if (memchr(key.data, '\\', key.length) != NULL || value >= text.length ||
        text.data[value] == '{' || text.data[value] == '[' || !choose_column(shape, key, &field))
        return false;
    buffer_append(&shape->literals, text.data + *done, field.length);
    if (shape->field_count == shape->field_capacity) {
        shape->field_capacity = shape->field_capacity == 0 ? 16 : shape->field_capacity * 2;
        shape->fields = memory_realloc(shape->fields, sizeof(ShapeField) * shape->field_capacity);
    }
    shape->fields[shape->field_count++] = field;
    *done = *at = skip_scalar(text, value);
    return true;
}

static bool learn_fields(JsonShape *shape, Str text)
{
    size_t at = 0, done = 0;
    char sign = '{';
    do {
        at = skip_spaces(text, at + 1);
        if (!learn_field(shape, text, &at, &done))
            return false;
        at = skip_spaces(text, at);
        sign = at < text.length ? text.data[at] : '\0';
    } while (sign == ',');
    if (sign != '}')
        return false;
    shape->tail_length = (uint32_t)(at + 1 - done);
    buffer_append(&shape->literals, text.data + done, shape->tail_length);
    return true;
}

/* Columns that get NULL in every record of the shape. */
static bool learn_missing(JsonShape *shape)
{
    const Schema *schema = shape->rows->context->schema;
    shape->missing_count = 0;
    for (uint32_t c = 0; c < schema->column_count; c++) {
        if (is_used(shape, c))
            continue;
        if (shape->rows->settings->fail_on_missing_field || !schema->columns[c].type->nullable)
            return false;
        shape->missing[shape->missing_count++] = c;
    }
    return true;
}

void json_shape_learn(JsonShape *shape, Str record)
{
    buffer_clear(&shape->literals);
    shape->field_count = 0;
    if (record.length > CHUNK_BYTES_MAX || record.data[0] != '{' || !learn_fields(shape, record) ||
        !learn_missing(shape)) {
        shape->field_count = 0;
        return;
    }
    shape->breaks =
        (uint32_t)format_text_count_lines((Str){shape->literals.data, shape->literals.length});
    memset(buffer_reserve(&shape->literals, sizeof(uint64_t)), 0, sizeof(uint64_t));
    const char *literal = shape->literals.data;
    for (uint32_t i = 0; i < shape->field_count; i++) {
        shape->fields[i].literal = literal;
        literal += shape->fields[i].length;
    }
    shape->tail = literal;
}

/* ------------------------------------------------------------------ matching
 *
 * The functions below return where they came to, NULL where the record differs. */

static inline const char *match_literal(const JsonShape *shape, const char *at, const char *literal,
                                        uint32_t length)
{
    if (shape->end - at < (ptrdiff_t)length)
        return NULL;
    const char *behind = at + length;
    for (; length >= 8; length -= 8, at += 8, literal += 8)
        if (text_fast_word(at) != text_fast_word(literal))
            return NULL;
    uint64_t ones = (UINT64_C(1) << (8 * length)) - 1;
    return ((text_fast_word(at) ^ text_fast_word(literal)) & ones) == 0 ? behind : NULL;
}

/* The next quote, backslash or control character. */
static inline const char *next_mark(const JsonShape *shape, const char *at)
{
    if (at >= shape->end)
        return NULL;
    size_t offset = (size_t)(at - shape->chunk);
    size_t block = offset / JSON_BLOCK_BYTES;
    uint64_t mask = shape->masks[block] >> (offset % JSON_BLOCK_BYTES);
    if (mask != 0)
        return at + __builtin_ctzll(mask);
    size_t count = (size_t)(shape->end - shape->chunk) / JSON_BLOCK_BYTES;
    while (++block < count)
        if (shape->masks[block] != 0)
            return shape->chunk + block * JSON_BLOCK_BYTES + __builtin_ctzll(shape->masks[block]);
    return NULL;
}

/* Passes a string nobody wants. */
static const char *pass_string(const JsonShape *shape, const char *at)
{
    for (at = next_mark(shape, at + 1); at != NULL; at = next_mark(shape, at + 2)) {
        if (*at == '"')
            return at + 1;
        if (*at != '\\' || at + 1 >= shape->end || (uint8_t)at[1] < ' ')
            return NULL;
    }
    return NULL;
}

/* The text of a string with a backslash at `mark`. */
static const char *read_escaped(JsonShape *shape, const char *start, const char *mark, Str *text)
{
    Buffer *to = &shape->unescaped;
    buffer_clear(to);
    while (mark != NULL && *mark == '\\' && mark + 1 < shape->end) {
        static const char names[] = "\"\\/bfnrt";
        static const char values[] = "\"\\/\b\f\n\r\t";
        const char *name = memchr(names, mark[1], sizeof(names) - 1);
        if (name == NULL)
            return NULL;
        buffer_append(to, start, (size_t)(mark - start));
        buffer_append_char(to, values[name - names]);
        start = mark + 2;
        mark = next_mark(shape, start);
    }
    if (mark == NULL || *mark != '"')
        return NULL;
    buffer_append(to, start, (size_t)(mark - start));
    *text = (Str){to->data, to->length};
    return mark + 1;
}

/* Any text into any flat column. */
static bool store_text(JsonShape *shape, Vector *vector, Str text)
{
    Error ignored;
    const JsonRows *rows = shape->rows;
    return format_text_read(vector, shape->row, text, rows->settings->timestamp_form,
                            rows->context->zone, shape->batch->arena, &ignored);
}

static inline void set_valid(Vector *vector, uint32_t row)
{
    if (vector->validity != NULL)
        vector_set_valid(vector, row);
}

static const char *read_string(JsonShape *shape, const ShapeField *field, Vector *vector,
                               const char *at)
{
    const char *mark = next_mark(shape, at + 1);
    if (mark == NULL)
        return NULL;
    Str text = {at + 1, (size_t)(mark - at - 1)};
    const char *behind = mark + 1;
    bool copied = *mark != '"';
    if (copied) {
        behind = read_escaped(shape, at + 1, mark, &text);
        if (behind == NULL)
            return NULL;
    }
    if (field->kind == TEXT_STRING && text.length <= (size_t)vector->type->length) {
        if (text.length > STRING_INLINE_MAX && (copied || !shape->rows->context->input_stays))
            text.data = arena_memdup(shape->batch->arena, text.data, text.length);
        ((StringView *)vector->data)[shape->row] = string_view_borrow(text.data, text.length);
        set_valid(vector, shape->row);
        return behind;
    }
    if (field->kind == TEXT_TIMESTAMP && !copied &&
        text_fast_timestamp(text.data, text.length, shape->separator, vector->type->precision,
                            &shape->date, (int64_t *)vector->data + shape->row)) {
        set_valid(vector, shape->row);
        return behind;
    }
    return store_text(shape, vector, text) ? behind : NULL;
}

/* What may be a number. */
static Str number_at(const JsonShape *shape, const char *at)
{
    const char *end = at;
    while (end < shape->end && ((*end >= '0' && *end <= '9') || *end == '.' || *end == '-' ||
                                *end == '+' || *end == 'e' || *end == 'E'))
        end++;
    return (Str){at, (size_t)(end - at)};
}

/* A whole number of up to 16 digits into a column of them. */
static inline const char *read_integer(const JsonShape *shape, const ShapeField *field,
                                       Vector *vector, const char *at)
{
    const char *first = at + (*at == '-');
    size_t digits = text_fast_leading_digits(first);
    int64_t value;
    if ((*first == '0' && digits > 1) ||
        !text_fast_integer(at, digits + (size_t)(first - at), &value))
        return NULL;
    if (field->kind == TEXT_I64)
        ((int64_t *)vector->data)[shape->row] = value;
    else if (value == (int32_t)value)
        ((int32_t *)vector->data)[shape->row] = (int32_t)value;
    else
        return NULL;
    set_valid(vector, shape->row);
    return first + digits;
}

static const char *read_number(JsonShape *shape, const ShapeField *field, Vector *vector,
                               const char *at)
{
    const Type *type = vector->type;
    const char *behind = NULL;
    if (field->kind == TEXT_I64 || field->kind == TEXT_I32)
        behind = read_integer(shape, field, vector, at);
    if (behind != NULL)
        return behind;
    Str text = number_at(shape, at);
    bool exponent =
        memchr(text.data, 'e', text.length) != NULL || memchr(text.data, 'E', text.length) != NULL;
    if (!json_number_is_valid(text) || (type_is_integer(type) && exponent) ||
        (!type_is_numeric(type) && !type_is_string(type)) || !store_text(shape, vector, text))
        return NULL;
    return at + text.length;
}

static inline const char *match_word(const char *at, const char *word, size_t length)
{
    return memcmp(at, word, length) == 0 ? at + length : NULL;
}

static const char *read_word(JsonShape *shape, Vector *vector, const char *at)
{
    const char *behind = NULL;
    if (*at == 'n') {
        if (!vector->type->nullable || (behind = match_word(at, "null", 4)) == NULL)
            return NULL;
        vector_set_null(vector, shape->row, shape->batch->arena);
        return behind;
    }
    bool value = *at == 't';
    behind = value ? match_word(at, "true", 4) : match_word(at, "false", 5);
    if (behind == NULL || vector->type->kind != TYPE_BOOLEAN)
        return NULL;
    ((uint8_t *)vector->data)[shape->row] = value;
    set_valid(vector, shape->row);
    return behind;
}

static const char *pass_value(const JsonShape *shape, const char *at)
{
    if (*at == '"')
        return pass_string(shape, at);
    if (*at == 'n')
        return match_word(at, "null", 4);
    if (*at == 't')
        return match_word(at, "true", 4);
    if (*at == 'f')
        return match_word(at, "false", 5);
    Str text = number_at(shape, at);
    return json_number_is_valid(text) ? at + text.length : NULL;
}

static const char *read_value(JsonShape *shape, const ShapeField *field, const char *at)
{
    if (field->column == NO_COLUMN)
        return pass_value(shape, at);
    Vector *vector = &shape->batch->columns[field->column];
    if (*at == '"')
        return read_string(shape, field, vector, at);
    if (*at == '-' || (*at >= '0' && *at <= '9'))
        return read_number(shape, field, vector, at);
    return read_word(shape, vector, at);
}

/* The record at `at`, up to its closing bracket, into the batch's next row. */
static const char *match_record(JsonShape *shape, const char *at)
{
    const ShapeField *end = shape->fields + shape->field_count;
    for (const ShapeField *field = shape->fields; field != end; field++) {
        at = match_literal(shape, at, field->literal, field->length);
        if (at == NULL || at >= shape->end || (at = read_value(shape, field, at)) == NULL)
            return NULL;
    }
    at = match_literal(shape, at, shape->tail, shape->tail_length);
    if (at == NULL || at >= shape->end || (*at != '\n' && (*at != '\r' || at[1] != '\n')))
        return NULL;
    for (uint32_t i = 0; i < shape->missing_count; i++)
        vector_set_null(&shape->batch->columns[shape->missing[i]], shape->row, shape->batch->arena);
    return at;
}

/* Records of one chunk; returns where it came to. */
static const char *match_chunk(JsonShape *shape, bool ascii, uint64_t *lines)
{
    const char *done = shape->chunk;
    Batch *batch = shape->batch;
    while (batch->row_count < BATCH_ROWS_MAX) {
        const char *at = done;
        uint64_t breaks = shape->breaks;
        for (; at < shape->end && json_is_space(*at); at++)
            breaks += *at == '\n';
        shape->row = batch->row_count;
        const char *end = match_record(shape, at);
        if (end == NULL)
            break;
        size_t length = (size_t)(end - at);
        if (!ascii && str_utf8_valid_prefix((Str){at, length}) != length)
            break;
        if (batch->kinds != NULL)
            batch->kinds[batch->row_count] = CHANGE_INSERT;
        batch->row_count++;
        *lines += breaks;
        done = end;
    }
    return done;
}

/* Whether the first record of the chunk is longer than it. */
static bool is_cut(const JsonShape *shape)
{
    const char *at = shape->chunk;
    while (at < shape->end && json_is_space(*at))
        at++;
    return memchr(at, '\n', (size_t)(shape->end - at)) == NULL;
}

/* How much to look at next: where records differ, little in vain. */
static void adapt(JsonShape *shape, size_t taken)
{
    if (taken < shape->chunk_bytes / 4 && !(taken == 0 && is_cut(shape)))
        shape->chunk_bytes = CHUNK_BYTES_MIN;
    else if (shape->chunk_bytes < CHUNK_BYTES_MAX)
        shape->chunk_bytes *= 2;
}

size_t json_shape_decode(JsonShape *shape, Str input, Batch *batch, uint64_t *lines)
{
    size_t used = 0;
    *lines = 0;
    shape->batch = batch;
    while (shape->field_count != 0 && batch->row_count < BATCH_ROWS_MAX &&
           input.length - used >= JSON_BLOCK_BYTES + CHUNK_PADDING) {
        size_t left = input.length - used - CHUNK_PADDING;
        size_t blocks = (left < shape->chunk_bytes ? left : shape->chunk_bytes) / JSON_BLOCK_BYTES;
        shape->chunk = input.data + used;
        shape->end = shape->chunk + blocks * JSON_BLOCK_BYTES;
        bool ascii = shape->scan(shape->chunk, blocks, shape->masks);
        const char *done = match_chunk(shape, ascii, lines);
        size_t taken = (size_t)(done - shape->chunk);
        used += taken;
        size_t bytes = shape->chunk_bytes;
        adapt(shape, taken);
        if (taken == 0 && (shape->chunk_bytes <= bytes || left < bytes))
            break;
    }
    return used;
}
