/* TABLE_MAP and the frame of rows events: which table, which columns, where the rows begin.
 *
 * Invariant: every count in an event is checked against its bytes before it is believed.
 * Cost: a TABLE_MAP is read once per statement; the caller keeps it while its bytes stay the same.
 */
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/value.h"

/* More columns than any server allows in a table (4,096). */
#define COLUMNS_MAX 4096

static uint32_t table_id_bytes(const BinlogFormat *format, uint8_t type)
{
    return format->post_header[type] == 6 ? 4 : 6;
}

bool binlog_table_id(const BinlogFormat *format, const BinlogEvent *event, uint64_t *id,
                     Error *error)
{
    uint32_t bytes = table_id_bytes(format, event->type);
    if ((size_t)(event->end - event->body) < bytes + 2)
        return binlog_malformed(event->type, "too short", error);
    *id = binlog_u(event->body, bytes);
    return true;
}

static const char *read_name(const uint8_t **at, const uint8_t *end, Arena *arena)
{
    if (*at >= end)
        return NULL;
    size_t length = *(*at)++;
    if ((size_t)(end - *at) < length + 1)
        return NULL;
    const char *name = arena_str(arena, (Str){(const char *)*at, length});
    *at += length + 1;
    return name;
}

/* Bytes of metadata a column's type has in the event. */
static uint32_t metadata_bytes(uint8_t type)
{
    switch (type) {
    case MYSQL_FLOAT:
    case MYSQL_DOUBLE:
    case MYSQL_TINY_BLOB:
    case MYSQL_MEDIUM_BLOB:
    case MYSQL_LONG_BLOB:
    case MYSQL_BLOB:
    case MYSQL_GEOMETRY:
    case MYSQL_JSON:
    case MYSQL_VECTOR:
    case MYSQL_TIME2:
    case MYSQL_DATETIME2:
    case MYSQL_TIMESTAMP2:
    case MYSQL_BLOB_COMPRESSED:
        return 1;
    case MYSQL_VARCHAR:
    case MYSQL_VAR_STRING:
    case MYSQL_VARCHAR_COMPRESSED:
    case MYSQL_BIT:
    case MYSQL_NEWDECIMAL:
    case MYSQL_STRING:
    case MYSQL_ENUM:
    case MYSQL_SET:
        return 2;
    default:
        return 0;
    }
}

/* CHAR, ENUM and SET share a code; two bytes tell which it is and how long. */
static void resolve_string(TableMapColumn *column, uint8_t first, uint8_t second)
{
    if (first == MYSQL_ENUM || first == MYSQL_SET) {
        column->type = first;
        column->metadata = second;
        return;
    }
    /* Lengths of 256 and more keep their upper bits, inverted, in the type byte. */
    uint32_t upper = (uint32_t)((first & 0x30) ^ 0x30) << 4;
    column->type = MYSQL_STRING;
    column->metadata = (uint16_t)(upper | second);
}

static bool read_columns(TableMap *map, const uint8_t *types, const uint8_t *at, const uint8_t *end)
{
    for (uint32_t i = 0; i < map->column_count; i++) {
        TableMapColumn *column = &map->columns[i];
        column->type = types[i];
        if (column->type == MYSQL_TYPED_ARRAY) {
            /* A multi-valued index' own column: never in a row, but its metadata stands here. */
            if (at >= end)
                return false;
            uint32_t skip = 1 + metadata_bytes(*at);
            if ((size_t)(end - at) < skip)
                return false;
            at += skip;
            continue;
        }
        uint32_t bytes = metadata_bytes(column->type);
        if ((size_t)(end - at) < bytes)
            return false;
        if (column->type == MYSQL_STRING || column->type == MYSQL_ENUM || column->type == MYSQL_SET)
            resolve_string(column, at[0], at[1]);
        else if (bytes > 0)
            column->metadata = (uint16_t)binlog_u(at, bytes);
        at += bytes;
    }
    return true;
}

static bool column_has_sign(uint8_t type)
{
    switch (type) {
    case MYSQL_TINY:
    case MYSQL_SHORT:
    case MYSQL_INT24:
    case MYSQL_LONG:
    case MYSQL_LONGLONG:
    case MYSQL_DECIMAL:
    case MYSQL_NEWDECIMAL:
    case MYSQL_FLOAT:
    case MYSQL_DOUBLE:
    case MYSQL_YEAR:
        return true;
    default:
        return false;
    }
}

static bool read_signs(TableMap *map, const uint8_t *bits, size_t bytes)
{
    size_t bit = 0;
    for (uint32_t i = 0; i < map->column_count; i++) {
        TableMapColumn *column = &map->columns[i];
        if (!column_has_sign(column->type))
            continue;
        if (bit / 8 >= bytes)
            return false;
        column->has_sign = true;
        column->is_unsigned = (bits[bit / 8] >> (7 - bit % 8) & 1) != 0;
        bit++;
    }
    return true;
}

static bool read_column_names(TableMap *map, const uint8_t *at, const uint8_t *end, Arena *arena)
{
    for (uint32_t i = 0; i < map->column_count; i++) {
        uint64_t length = 0;
        if (!binlog_read_packed(&at, end, &length) || (uint64_t)(end - at) < length)
            return false;
        map->columns[i].name = arena_str(arena, (Str){(const char *)at, length});
        at += length;
    }
    map->has_names = true;
    return true;
}

static bool read_labels(TableMap *map, uint8_t type, const uint8_t *at, const uint8_t *end,
                        Arena *arena)
{
    for (uint32_t i = 0; i < map->column_count && at < end; i++) {
        TableMapColumn *column = &map->columns[i];
        uint64_t count = 0;
        if (column->type != type)
            continue;
        if (!binlog_read_packed(&at, end, &count) || count > (uint64_t)(end - at))
            return false;
        Str *labels = arena_new_array(arena, Str, count + 1);
        for (uint64_t k = 0; k < count; k++) {
            uint64_t length = 0;
            if (!binlog_read_packed(&at, end, &length) || (uint64_t)(end - at) < length)
                return false;
            labels[k] = (Str){arena_memdup(arena, at, length), length};
            at += length;
        }
        column->labels = labels;
        column->label_count = (uint32_t)count;
    }
    return true;
}

/* Optional metadata: (type, length, value) until the end. Types not needed here are passed over. */
static bool read_optional(TableMap *map, const uint8_t *at, const uint8_t *end, Arena *arena)
{
    enum { SIGNS = 1, COLUMN_NAMES = 4, SET_LABELS = 5, ENUM_LABELS = 6 };
    while (at < end) {
        uint8_t field = *at++;
        uint64_t length = 0;
        if (!binlog_read_packed(&at, end, &length) || (uint64_t)(end - at) < length)
            return false;
        const uint8_t *stop = at + length;
        bool good = true;
        if (field == SIGNS)
            good = read_signs(map, at, length);
        else if (field == COLUMN_NAMES)
            good = read_column_names(map, at, stop, arena);
        else if (field == SET_LABELS)
            good = read_labels(map, MYSQL_SET, at, stop, arena);
        else if (field == ENUM_LABELS)
            good = read_labels(map, MYSQL_ENUM, at, stop, arena);
        if (!good)
            return false;
        at = stop;
    }
    return true;
}

TableMap *binlog_read_table_map(const BinlogFormat *format, const BinlogEvent *event, Arena *arena,
                                Error *error)
{
    TableMap *map = arena_new_one(arena, TableMap);
    if (!binlog_table_id(format, event, &map->id, error))
        return NULL;
    const uint8_t *at = event->body + table_id_bytes(format, event->type) + 2;
    const uint8_t *end = event->end;
    map->database = read_name(&at, end, arena);
    map->table = map->database == NULL ? NULL : read_name(&at, end, arena);
    uint64_t count = 0;
    if (map->table == NULL || !binlog_read_packed(&at, end, &count) || count > COLUMNS_MAX ||
        (uint64_t)(end - at) < count) {
        binlog_malformed(event->type, "too short", error);
        return NULL;
    }
    map->column_count = (uint32_t)count;
    map->columns = arena_new_array(arena, TableMapColumn, count + 1);
    const uint8_t *types = at;
    at += count;
    uint64_t metadata = 0;
    size_t null_bytes = (size_t)(count + 7) / 8;
    if (!binlog_read_packed(&at, end, &metadata) || (uint64_t)(end - at) < metadata ||
        (uint64_t)(end - at) - metadata < null_bytes ||
        !read_columns(map, types, at, at + metadata)) {
        binlog_malformed(event->type, "its columns are cut", error);
        return NULL;
    }
    at += metadata;
    for (uint32_t i = 0; i < map->column_count; i++)
        map->columns[i].nullable = (at[i / 8] >> (i % 8) & 1) != 0;
    if (!read_optional(map, at + null_bytes, end, arena)) {
        binlog_malformed(event->type, "its optional metadata is cut", error);
        return NULL;
    }
    return map;
}

static RowsKind rows_kind(uint8_t type)
{
    switch (type) {
    case EVENT_WRITE_ROWS_V1:
    case EVENT_WRITE_ROWS_V2:
    case EVENT_MARIADB_WRITE_ROWS_COMPRESSED:
    case EVENT_MARIADB_WRITE_ROWS_COMPRESSED_V1:
        return ROWS_WRITE;
    case EVENT_DELETE_ROWS_V1:
    case EVENT_DELETE_ROWS_V2:
    case EVENT_MARIADB_DELETE_ROWS_COMPRESSED:
    case EVENT_MARIADB_DELETE_ROWS_COMPRESSED_V1:
        return ROWS_DELETE;
    default:
        return ROWS_UPDATE;
    }
}

static bool rows_have_extra(uint8_t type)
{
    return (type >= EVENT_WRITE_ROWS_V2 && type <= EVENT_DELETE_ROWS_V2) ||
           type == EVENT_PARTIAL_UPDATE_ROWS || type >= EVENT_MARIADB_WRITE_ROWS_COMPRESSED;
}

bool binlog_read_rows(const BinlogFormat *format, const BinlogEvent *event, Buffer *scratch,
                      RowsEvent *rows, Error *error)
{
    memset(rows, 0, sizeof(*rows));
    if (!binlog_table_id(format, event, &rows->table_id, error))
        return false;
    const uint8_t *at = event->body + table_id_bytes(format, event->type);
    const uint8_t *end = event->end;
    rows->kind = rows_kind(event->type);
    rows->partial_json = event->type == EVENT_PARTIAL_UPDATE_ROWS;
    rows->statement_end = (binlog_u(at, 2) & 1) != 0;
    at += 2;
    if (rows_have_extra(event->type)) {
        /* Its length counts itself. */
        size_t extra = end - at < 2 ? 0 : (size_t)binlog_u(at, 2);
        if (extra < 2 || (size_t)(end - at) < extra)
            return binlog_malformed(event->type, "its extra data is cut", error);
        at += extra;
    }
    uint64_t count = 0;
    if (!binlog_read_packed(&at, end, &count) || count > COLUMNS_MAX)
        return binlog_malformed(event->type, "no number of columns", error);
    size_t bytes = (size_t)(count + 7) / 8;
    size_t bitmaps = rows->kind == ROWS_UPDATE ? 2 : 1;
    if ((size_t)(end - at) < bytes * bitmaps)
        return binlog_malformed(event->type, "its bitmaps are cut", error);
    rows->column_count = (uint32_t)count;
    rows->present = at;
    rows->present_after = at + (bitmaps - 1) * bytes;
    at += bytes * bitmaps;
    rows->rows = at;
    rows->end = end;
    if (event->type < EVENT_MARIADB_WRITE_ROWS_COMPRESSED_V1)
        return true;
    if (!binlog_unpack_mariadb(at, (size_t)(end - at), scratch))
        return binlog_malformed(event->type, "it cannot be unpacked", error);
    rows->rows = (const uint8_t *)scratch->data;
    rows->end = rows->rows + scratch->length;
    return true;
}
