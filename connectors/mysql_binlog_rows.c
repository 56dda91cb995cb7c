/* Row images to batch columns.
 *
 * An image is a NULL bit per column and the values in order, each as long as its type says; so a
 * row is walked from left to right, decoding what a scan wants and passing over the rest. Cost: one
 * switch per value; nothing is allocated but the text longer than a view's inline part. */
#include "connectors/mysql_binlog_rows.h"

#include <string.h>

bool binlog_rows_are_full(const RowsEvent *rows)
{
    for (uint32_t i = 0; i < rows->column_count; i++) {
        uint8_t bit = (uint8_t)(1u << (i % 8));
        if ((rows->present[i / 8] & bit) == 0 || (rows->present_after[i / 8] & bit) == 0)
            return false;
    }
    return true;
}

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
