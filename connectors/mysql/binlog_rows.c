/* Row images to batch columns.
 *
 * An image is a NULL bit per column and the values in order, each as long as its type says; so a
 * row is walked from left to right, decoding what a scan wants and passing over the rest. What the
 * types of a column's two sides decide is decided once per table (its shape). Cost: one switch per
 * value; nothing is allocated but the text longer than a view's inline part. */
#include "connectors/mysql/binlog_rows.h"

#include <string.h>

static bool has_all(const uint8_t *bits, uint32_t count)
{
    for (; count >= 8; count -= 8) {
        if (*bits++ != 0xFF)
            return false;
    }
    uint8_t last = (uint8_t)((1u << count) - 1);
    return count == 0 || (*bits & last) == last;
}

bool binlog_rows_are_full(const RowsEvent *rows)
{
    return has_all(rows->present, rows->column_count) &&
           (rows->present_after == rows->present ||
            has_all(rows->present_after, rows->column_count));
}

/* ------------------------------------------------------------------ shapes */

static void shape_integer(RowColumn *column, TypeKind kind)
{
    static const struct {
        uint8_t type;
        TypeKind kind;
        RowShape shape;
    } shapes[] = {{MYSQL_TINY, TYPE_TINYINT, SHAPE_I8},
                  {MYSQL_SHORT, TYPE_SMALLINT, SHAPE_I16},
                  {MYSQL_LONG, TYPE_INT, SHAPE_I32},
                  {MYSQL_LONGLONG, TYPE_BIGINT, SHAPE_I64}};
    for (size_t i = 0; i < array_count(shapes); i++) {
        if (shapes[i].type == column->map.type && shapes[i].kind == kind)
            column->shape = (uint8_t)shapes[i].shape;
    }
}

static void add_group(RowColumn *column, uint32_t digits)
{
    static const uint8_t bytes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    if (digits == 0)
        return;
    column->group_digits[column->group_count] = (uint8_t)digits;
    column->group_bytes[column->group_count++] = bytes[digits];
    column->width = (uint8_t)(column->width + bytes[digits]);
}

static void shape_decimal(RowColumn *column, const Type *type)
{
    uint32_t precision = column->map.metadata & 0xFF;
    uint32_t scale = column->map.metadata >> 8;
    uint32_t whole = precision - scale;
    if (precision == 0 || precision > 18 || scale > precision || type->physical != PHYSICAL_I64 ||
        (uint32_t)type->scale != scale || (uint32_t)type->precision < precision)
        return;
    add_group(column, whole % 9);
    for (uint32_t i = 0; i < whole / 9; i++)
        add_group(column, 9);
    for (uint32_t i = 0; i < scale / 9; i++)
        add_group(column, 9);
    add_group(column, scale % 9);
    column->shape = SHAPE_DECIMAL;
}

static void shape_column(RowColumn *column, const Type *type)
{
    const MysqlColumn *physical = column->column;
    switch (physical->class) {
    case CLASS_INTEGER:
        if (!physical->is_unsigned)
            shape_integer(column, type->kind);
        break;
    case CLASS_TEXT:
        if ((column->map.type == MYSQL_VARCHAR || column->map.type == MYSQL_VAR_STRING) &&
            type_is_string(type) && charset_is_utf8(physical->charset)) {
            column->width = column->map.metadata < 256 ? 1 : 2;
            column->shape = SHAPE_TEXT;
        }
        break;
    case CLASS_DECIMAL:
        if (column->map.type == MYSQL_NEWDECIMAL && type->kind == TYPE_DECIMAL)
            shape_decimal(column, type);
        break;
    case CLASS_DATETIME:
        if (column->map.type == MYSQL_DATETIME2 && type->kind == TYPE_TIMESTAMP &&
            type->physical == PHYSICAL_I64 && column->map.metadata <= type->precision) {
            column->width = (uint8_t)(5 + (column->map.metadata + 1) / 2);
            column->shape = SHAPE_DATETIME;
        }
        break;
    default:
        break;
    }
}

void binlog_row_plan_shapes(RowPlan *plan, const Schema *schema)
{
    for (uint32_t i = 0; i < plan->column_count; i++) {
        RowColumn *column = &plan->columns[i];
        column->shape = SHAPE_GENERAL;
        column->width = column->group_count = 0;
        int64_t fixed = mysql_value_fixed_bytes(&column->map);
        if (column->target >= 0) {
            shape_column(column, schema->columns[column->target].type);
        } else if (fixed >= 0 && fixed <= UINT8_MAX) {
            column->width = (uint8_t)fixed;
            column->shape = SHAPE_SKIPPED;
        }
    }
}

/* The number of a DECIMAL's bytes: groups of digits, high ones first; the sign is the inverted top
 * bit, and a negative number has all its bits inverted. False when a group has too many digits. */
static inline bool read_decimal(const RowColumn *column, const uint8_t *at, int64_t *out)
{
    static const uint32_t powers[] = {1,      10,      100,      1000,      10000,
                                      100000, 1000000, 10000000, 100000000, 1000000000};
    uint32_t flip = (at[0] & 0x80) != 0 ? 0 : 0xFF;
    uint32_t sign = 0x80; /* only in the first byte */
    int64_t number = 0;
    bool good = true;
    for (uint32_t i = 0; i < column->group_count; i++) {
        uint32_t group = 0;
        uint32_t power = powers[column->group_digits[i]];
        for (uint32_t k = 0; k < column->group_bytes[i]; k++) {
            group = group << 8 | (*at++ ^ sign ^ flip);
            sign = 0;
        }
        good = good && group < power;
        number = number * power + group;
    }
    *out = flip != 0 ? -number : number;
    return good;
}

/* A DATETIME that is a time on a day there is; others have rules of their own. */
static inline bool read_datetime(const RowColumn *column, const uint8_t *at, int64_t *micros)
{
    uint64_t packed = (uint64_t)at[0] << 32 | (uint64_t)at[1] << 24 | (uint64_t)at[2] << 16 |
                      (uint64_t)at[3] << 8 | at[4];
    if ((packed & UINT64_C(0x8000000000)) == 0)
        return false;
    uint32_t months = (uint32_t)(packed >> 22 & 0x1FFFF);
    uint32_t year = months / 13, month = months % 13;
    uint32_t day = packed >> 17 & 31, hour = packed >> 12 & 31;
    uint32_t minute = packed >> 6 & 63, second = packed & 63;
    if (year == 0 || year > 9999 || month == 0 || day == 0 || day > 28 || hour > 23 ||
        minute > 59 || second > 59)
        return false;
    int64_t fraction = 0;
    for (uint32_t i = 5; i < column->width; i++)
        fraction = fraction << 8 | at[i];
    if (column->width > 5 && column->width < 8)
        fraction *= column->width == 6 ? 10000 : 100;
    CivilDate civil = {(int32_t)year, (int32_t)month, (int32_t)day};
    int64_t seconds =
        (int64_t)date_from_civil(civil) * 86400 + (int64_t)((hour * 60 + minute) * 60 + second);
    *micros = seconds * MICROS_PER_SECOND + fraction;
    return fraction < MICROS_PER_SECOND;
}

/* Bytes of the value at `at` by its shape, which is not GENERAL; -1: they pass the end. */
static inline int64_t shape_bytes(const RowColumn *column, const uint8_t *at, const uint8_t *end)
{
    int64_t bytes = 0;
    switch ((RowShape)column->shape) {
    case SHAPE_I8:
        bytes = 1;
        break;
    case SHAPE_I16:
        bytes = 2;
        break;
    case SHAPE_I32:
        bytes = 4;
        break;
    case SHAPE_I64:
        bytes = 8;
        break;
    case SHAPE_TEXT:
        if (end - at < column->width)
            return -1;
        bytes = column->width + (column->width == 1 ? at[0] : (int64_t)(at[0] | at[1] << 8));
        break;
    default:
        bytes = column->width;
        break;
    }
    return bytes <= end - at ? bytes : -1;
}

/* Writes the value into the batch; false when it is none of the plain ones. */
static inline bool shape_store(const RowColumn *column, const uint8_t *at, int64_t bytes,
                               Batch *batch, uint32_t row)
{
    if (column->shape == SHAPE_SKIPPED)
        return true;
    Vector *vector = &batch->columns[column->target];
    if (vector->validity != NULL)
        vector_set_valid(vector, row);
    switch ((RowShape)column->shape) {
    case SHAPE_I8:
        ((int8_t *)vector->data)[row] = (int8_t)at[0];
        break;
    case SHAPE_I16:
        ((int16_t *)vector->data)[row] = (int16_t)binlog_u(at, 2);
        break;
    case SHAPE_I32:
        ((int32_t *)vector->data)[row] = (int32_t)binlog_u(at, 4);
        break;
    case SHAPE_I64:
        ((int64_t *)vector->data)[row] = (int64_t)binlog_u(at, 8);
        break;
    case SHAPE_DECIMAL:
        return read_decimal(column, at, (int64_t *)vector->data + row);
    case SHAPE_DATETIME:
        return read_datetime(column, at, (int64_t *)vector->data + row);
    default:
        vector_set_str(vector, row,
                       (Str){(const char *)at + column->width, (size_t)bytes - column->width},
                       batch->arena);
        break;
    }
    return true;
}

/* ------------------------------------------------------------------ images */

static bool row_cut(Error *error)
{
    return error_set(error, ERROR_DATA, "malformed row image: it is cut");
}

static bool is_null(const uint8_t *nulls, uint32_t column)
{
    return (nulls[column / 8] >> (column % 8) & 1) != 0;
}

/* What heads an after image that may have JSON in part. */
typedef struct PartialHead {
    const uint8_t *before; /* the image before, whole */
    const uint8_t *before_end;
    const uint8_t *bits; /* one per JSON column of the table: logged in part; NULL: none is */
    uint32_t json_seen;  /* JSON columns passed */
} PartialHead;

#define PARTIAL_JSON_UPDATES 1

/* Options as a packed number; with the one for JSON, a bit per JSON column. */
static bool read_partial_head(const RowPlan *plan, const uint8_t **at, const uint8_t *end,
                              PartialHead *head, Error *error)
{
    uint64_t options = 0;
    head->bits = NULL;
    if (!binlog_read_packed(at, end, &options))
        return row_cut(error);
    if ((options & ~(uint64_t)PARTIAL_JSON_UPDATES) != 0)
        return error_set(error, ERROR_DATA, "malformed row image: unknown value options");
    if (options == 0)
        return true;
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->column_count; i++)
        count += plan->columns[i].map.type == MYSQL_JSON;
    uint32_t bytes = (count + 7) / 8;
    if ((size_t)(end - *at) < bytes)
        return row_cut(error);
    head->bits = *at;
    *at += bytes;
    return true;
}

bool binlog_row_skip_partial_head(const RowPlan *plan, const uint8_t **at, const uint8_t *end,
                                  Error *error)
{
    PartialHead head;
    return read_partial_head(plan, at, end, &head, error);
}

/* The bytes of a JSON value behind its length. */
static bool json_bytes(const TableMapColumn *map, const uint8_t *at, const uint8_t *end, Str *out)
{
    int64_t bytes = mysql_value_bytes(map, at, end);
    if (bytes < map->metadata)
        return false;
    *out = (Str){(const char *)at + map->metadata, (size_t)bytes - map->metadata};
    return true;
}

/* The value of a JSON column in the image before. */
static bool json_before(const RowPlan *plan, const PartialHead *head, uint32_t column, Str *out)
{
    const uint8_t *nulls = head->before;
    const uint8_t *at = nulls + (plan->column_count + 7) / 8;
    for (uint32_t i = 0; i < column; i++) {
        const TableMapColumn *map = &plan->columns[i].map;
        if (map->type == MYSQL_TYPED_ARRAY || is_null(nulls, i))
            continue;
        int64_t bytes = mysql_value_bytes(map, at, head->before_end);
        if (bytes < 0)
            return false;
        at += bytes;
    }
    return !is_null(nulls, column) &&
           json_bytes(&plan->columns[column].map, at, head->before_end, out);
}

static bool decode_part(const RowPlan *plan, const PartialHead *head, uint32_t column,
                        const uint8_t **at, const uint8_t *end, Buffer *scratch, MysqlValue *value,
                        Error *error)
{
    Str before, changes;
    if (!json_bytes(&plan->columns[column].map, *at, end, &changes) ||
        !json_before(plan, head, column, &before))
        return error_set(error, ERROR_DATA,
                         "malformed row image: JSON in part has no value before it");
    *at = (const uint8_t *)changes.data + changes.length;
    return mysql_value_change_json(plan->columns[column].column, before, changes, scratch, value,
                                   error);
}

/* Whether the column, met in order, is logged in part. */
static bool is_part(PartialHead *head, const RowColumn *column)
{
    if (column->map.type != MYSQL_JSON)
        return false;
    uint32_t json = head->json_seen++;
    return is_null(head->bits, json);
}

/* Compiled twice: nearly no image has parts. */
static inline __attribute__((always_inline)) bool
decode_image(const RowPlan *plan, PartialHead *head, const uint8_t **from, const uint8_t *end,
             Batch *batch, uint32_t row, Str *keys, Buffer *scratch, Error *error)
{
    const uint8_t *nulls = *from;
    uint32_t null_bytes = (plan->column_count + 7) / 8;
    if ((size_t)(end - nulls) < null_bytes)
        return row_cut(error);
    const uint8_t *at = nulls + null_bytes;
    MysqlValue value;
    for (uint32_t i = 0; i < plan->column_count; i++) {
        const RowColumn *column = &plan->columns[i];
        const uint8_t *start = at;
        if (column->map.type == MYSQL_TYPED_ARRAY)
            continue;
        bool null = is_null(nulls, i);
        if (column->shape != SHAPE_GENERAL && !null) {
            int64_t bytes = shape_bytes(column, at, end);
            if (bytes < 0)
                return row_cut(error);
            if (shape_store(column, at, bytes, batch, row)) {
                at += bytes;
                if (column->key >= 0 && keys != NULL)
                    keys[column->key] = (Str){(const char *)start, (size_t)bytes};
                continue;
            }
        }
        bool part = head != NULL && is_part(head, column) && !null;
        if (column->target >= 0) {
            Vector *vector = &batch->columns[column->target];
            value.kind = VALUE_NULL;
            if (part && !decode_part(plan, head, i, &at, end, scratch, &value, error))
                return false;
            if ((!null && !part &&
                 !mysql_value_decode(&column->map, column->column, &at, end, scratch, &value,
                                     error)) ||
                !mysql_value_store(column->column, &value, plan->zone, vector, row, batch->arena,
                                   error))
                return false;
        } else if (!null) {
            int64_t bytes = mysql_value_bytes(&column->map, at, end);
            if (bytes < 0)
                return row_cut(error);
            at += bytes;
        }
        if (column->key >= 0 && keys != NULL)
            keys[column->key] = (Str){(const char *)start, (size_t)(at - start)};
    }
    *from = at;
    return true;
}

bool binlog_row_decode(const RowPlan *plan, const uint8_t **from, const uint8_t *end, Batch *batch,
                       uint32_t row, Str *keys, Buffer *scratch, Error *error)
{
    return decode_image(plan, NULL, from, end, batch, row, keys, scratch, error);
}

bool binlog_row_decode_partial(const RowPlan *plan, const uint8_t *before, const uint8_t **from,
                               const uint8_t *end, Batch *batch, uint32_t row, Str *keys,
                               Buffer *scratch, Error *error)
{
    PartialHead head = {.before = before, .before_end = *from};
    if (!read_partial_head(plan, from, end, &head, error))
        return false;
    return decode_image(plan, head.bits == NULL ? NULL : &head, from, end, batch, row, keys,
                        scratch, error);
}

bool binlog_row_column(const RowPlan *plan, const uint8_t **from, const uint8_t *end,
                       uint32_t column, Str *found, Error *error)
{
    const uint8_t *nulls = *from;
    uint32_t null_bytes = (plan->column_count + 7) / 8;
    if ((size_t)(end - nulls) < null_bytes)
        return row_cut(error);
    const uint8_t *at = nulls + null_bytes;
    *found = (Str){0};
    for (uint32_t i = 0; i < plan->column_count; i++) {
        if (plan->columns[i].map.type == MYSQL_TYPED_ARRAY || is_null(nulls, i))
            continue;
        int64_t bytes = mysql_value_bytes(&plan->columns[i].map, at, end);
        if (bytes < 0)
            return row_cut(error);
        if (i == column)
            *found = (Str){(const char *)at, (size_t)bytes};
        at += bytes;
    }
    *from = at;
    return true;
}

bool binlog_row_key_literals(const RowPlan *plan, const uint8_t **from, const uint8_t *end,
                             Buffer *literals, uint32_t *literal_ends, Buffer *scratch,
                             Error *error)
{
    const uint8_t *nulls = *from;
    uint32_t null_bytes = (plan->column_count + 7) / 8;
    if ((size_t)(end - nulls) < null_bytes)
        return row_cut(error);
    const uint8_t *at = nulls + null_bytes;
    Buffer texts = {0};
    size_t ends[KEY_COLUMNS_MAX] = {0};
    size_t starts[KEY_COLUMNS_MAX] = {0};
    bool good = plan->key_count <= KEY_COLUMNS_MAX;
    for (uint32_t i = 0; good && i < plan->column_count; i++) {
        const RowColumn *column = &plan->columns[i];
        if (is_null(nulls, i) || column->map.type == MYSQL_TYPED_ARRAY)
            continue;
        if (column->key < 0) {
            int64_t bytes = mysql_value_bytes(&column->map, at, end);
            good = bytes >= 0 || row_cut(error);
            at += bytes < 0 ? 0 : bytes;
            continue;
        }
        MysqlValue value = {0};
        /* ENUM and SET order by their number. */
        bool by_number = column->map.type == MYSQL_ENUM || column->map.type == MYSQL_SET;
        if (by_number) {
            int64_t bytes = mysql_value_bytes(&column->map, at, end);
            good = bytes >= 0 || row_cut(error);
            value.kind = VALUE_UINT;
            value.u = good ? binlog_u(at, (uint32_t)bytes) : 0;
            at += bytes < 0 ? 0 : bytes;
        } else {
            good =
                mysql_value_decode(&column->map, column->column, &at, end, scratch, &value, error);
        }
        starts[column->key] = texts.length;
        if (good && !mysql_value_literal(column->column, &value, &texts))
            good = error_set(error, ERROR_UNSUPPORTED,
                             "key column \"%s\" has a value that cannot "
                             "be compared",
                             column->column->name);
        ends[column->key] = texts.length;
    }
    for (uint32_t k = 0; good && k < plan->key_count; k++) {
        buffer_append(literals, texts.data + starts[k], ends[k] - starts[k]);
        literal_ends[k] = (uint32_t)literals->length;
    }
    buffer_deinit(&texts);
    *from = at;
    return good;
}
