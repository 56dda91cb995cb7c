/* Events as two servers wrote them, in hexadecimal: the same two statements on
 *     CREATE TABLE d.t(id INT UNSIGNED PRIMARY KEY, v VARCHAR(20), n DECIMAL(10,5), t DATETIME(3))
 * once on MariaDB 10.11 (rows events v1) and once on MySQL 5.6 (v2), with CRC32 checksums. */
#ifndef TESTS_BINLOG_BYTES_H
#define TESTS_BINLOG_BYTES_H

#include <string.h>

#include "connectors/mysql/binlog_rows.h"

#define BYTES_ROTATE                                                                               \
    "00000000040100000028000000000000002000040000000000000062696e6c6f672e303030303136"
#define BYTES_MARIADB_FORMAT                                                                       \
    "5f2c026b0f01000000fc000000000100000000040031302e31312e31392d4d6172696144422d302b64656231"     \
    "3275312d6c6f6700000000000000000000000000000000000000000000000013380d00080012000404040412"     \
    "0000e400041a08000000080808020000000a0a0a0000000000000a0a0a000000000000000000000000000000"     \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"     \
    "0000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"     \
    "00000000000000000000000000000000041304000d0808080a0a0a019f43c781"
#define BYTES_MYSQL_FORMAT                                                                         \
    "142a026b0f01000000740000007800000000000400352e362e32342d6c6f6700000000000000000000000000"     \
    "0000000000000000000000000000000000000000000000000000000000000013380d00080012000404040412"     \
    "00005c00041a08000000080808020000000a0a0a19190001861b3ea9"
#define BYTES_MARIADB_GTID_LIST                                                                    \
    "132a026ba3010000002b0000002b01000000000100000000000000010000001d00000000000000f63ab868"
#define BYTES_MARIADB_GTID                                                                         \
    "00f15365a2010000002a000000a501000008001e00000000000000000000000c000000000000779cf11b"
#define BYTES_MYSQL_PREVIOUS                                                                       \
    "142a026b230100000047000000bf0000000000010000000000000065efa632e5fa11f1a92b02fc000000010100"   \
    "00000000000001000000000000001000000000000000179860c4"
#define BYTES_MYSQL_GTID                                                                           \
    "00f15365210100000030000000ef00000000000165efa632e5fa11f1a92b02fc0000000110000000000000002e"   \
    "e1d562"
#define BYTES_MYSQL_BEGIN                                                                          \
    "00f15365020100000044000000330100000800040000001439ae050000001a0000000000000100000040000000"   \
    "000603737464042d002d002d0000424547494ec6f82b01"
#define BYTES_MARIADB_MAP                                                                          \
    "00f153651301000000310000004d0200000000160000000000010001640001740004030ff6120550000a05030e88" \
    "572fc8"
#define BYTES_MARIADB_WRITE                                                                        \
    "00f1536517010000003a0000008702000000001600000000000100040ff00100000001787fcfc6fef6cc99b2ba"   \
    "c7ad268efeffffffffd6833ef7"
#define BYTES_MARIADB_UPDATE                                                                       \
    "00f1536518010000004b0000008903000000001600000000000100040f0ff00100000001787fcfc6fef6cc99b2"   \
    "bac7ad268ef0020000000279797fcfc6fef6cc99b2bac7ad268e950e4528"
#define BYTES_MYSQL_MAP                                                                            \
    "00f15365130100000031000000640100000000470000000000010001640001740004030ff6120550000a05030e1b" \
    "18ee7a"
#define BYTES_MYSQL_WRITE                                                                          \
    "00f153651e010000003c000000a001000000004700000000000100020004fff00100000001787fcfc6fef6cc99"   \
    "b2bac7ad268efeffffffffd704974f"
#define BYTES_MYSQL_UPDATE                                                                         \
    "00f153651f010000004d000000b102000000004700000000000100020004fffff00100000001787fcfc6fef6cc"   \
    "99b2bac7ad268ef0020000000279797fcfc6fef6cc99b2bac7ad268e5f31d0dc"
#define BYTES_XID "00f1536510010000001f000000bf01000000000c000000000000002c8c8f92"

static inline int bytes_digit(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* Appends the bytes that the hexadecimal text stands for. */
static inline void bytes_append(Buffer *out, const char *hex)
{
    for (; hex[0] != '\0' && hex[1] != '\0'; hex += 2)
        buffer_append_u8(out, (uint8_t)(bytes_digit(hex[0]) << 4 | bytes_digit(hex[1])));
}

/* A column description that fits any mapped column, as a schema would give it. */
static inline MysqlColumn bytes_column(const TableMapColumn *map)
{
    MysqlColumn column = {.name = "c", .type_text = "as mapped", .nullable = true};
    column.charset_name = "utf8mb4";
    column.charset = charset_find("utf8mb4");
    column.precision = (uint8_t)map->metadata;
    switch (map->type) {
    case MYSQL_YEAR:
        column.class = CLASS_YEAR;
        break;
    case MYSQL_BIT:
        column.class = CLASS_BIT;
        column.length = (map->metadata & 0xFF) + 8u * (map->metadata >> 8);
        break;
    case MYSQL_NEWDECIMAL:
        column.class = CLASS_DECIMAL;
        column.scale = (uint8_t)(map->metadata >> 8);
        break;
    case MYSQL_FLOAT:
        column.class = CLASS_FLOAT;
        break;
    case MYSQL_DOUBLE:
        column.class = CLASS_DOUBLE;
        break;
    case MYSQL_DATE:
        column.class = CLASS_DATE;
        break;
    case MYSQL_TIME2:
    case MYSQL_TIME_OLD:
        column.class = CLASS_TIME;
        break;
    case MYSQL_DATETIME2:
    case MYSQL_DATETIME_OLD:
        column.class = CLASS_DATETIME;
        break;
    case MYSQL_TIMESTAMP2:
    case MYSQL_TIMESTAMP_OLD:
        column.class = CLASS_TIMESTAMP;
        break;
    case MYSQL_ENUM:
        column.class = CLASS_ENUM;
        break;
    case MYSQL_SET:
        column.class = CLASS_SET;
        break;
    case MYSQL_JSON:
        column.class = CLASS_JSON;
        break;
    case MYSQL_GEOMETRY:
    case MYSQL_VECTOR:
        column.class = CLASS_BYTES;
        break;
    case MYSQL_TINY:
    case MYSQL_SHORT:
    case MYSQL_INT24:
    case MYSQL_LONG:
    case MYSQL_LONGLONG:
        column.class = CLASS_INTEGER;
        column.is_unsigned = map->is_unsigned;
        break;
    default:
        column.class = CLASS_TEXT;
        break;
    }
    return column;
}

/* A type that can hold the class's values, so that every stored form is reached. */
/* As narrow as the column, so that values go their shortest way; see RowShape. */
static inline const Type *bytes_type(Arena *arena, const TableMapColumn *map,
                                     const MysqlColumn *column)
{
    MysqlClass class = column->class;
    uint32_t precision = map->metadata & 0xFF, scale = map->metadata >> 8;
    if (class == CLASS_INTEGER && !column->is_unsigned && map->type == MYSQL_TINY)
        return type_new(arena, TYPE_TINYINT, true, 0, 0);
    if (class == CLASS_INTEGER && !column->is_unsigned && map->type == MYSQL_SHORT)
        return type_new(arena, TYPE_SMALLINT, true, 0, 0);
    if (class == CLASS_INTEGER && !column->is_unsigned && map->type == MYSQL_LONG)
        return type_new(arena, TYPE_INT, true, 0, 0);
    if (class == CLASS_DECIMAL && precision > 0 && precision <= 18 && scale <= precision)
        return type_new(arena, TYPE_DECIMAL, true, (int32_t)precision, (int32_t)scale);
    switch (class) {
    case CLASS_INTEGER:
    case CLASS_YEAR:
        return &type_bigint;
    case CLASS_BIT:
    case CLASS_BYTES:
        return &type_bytes;
    case CLASS_FLOAT:
        return &type_float;
    case CLASS_DOUBLE:
        return &type_double;
    case CLASS_DATE:
        return &type_date;
    case CLASS_DATETIME:
        return &type_timestamp_6;
    case CLASS_TIMESTAMP:
        return &type_timestamp_ltz_6;
    default:
        return &type_string;
    }
}

/* Schema and plan for all columns of a map, in the arena. */
static inline const Schema *bytes_plan(Arena *arena, const TableMap *map, RowPlan *plan)
{
    Column *columns = arena_new_array(arena, Column, map->column_count + 1);
    memset(plan, 0, sizeof(*plan));
    plan->column_count = map->column_count;
    plan->columns = arena_new_array(arena, RowColumn, map->column_count + 1);
    for (uint32_t i = 0; i < map->column_count; i++) {
        MysqlColumn *column = arena_new_one(arena, MysqlColumn);
        *column = bytes_column(&map->columns[i]);
        column->labels = map->columns[i].labels;
        column->label_count = map->columns[i].label_count;
        plan->columns[i] = (RowColumn){
            .map = map->columns[i], .column = column, .target = (int32_t)i, .key = i == 0 ? 0 : -1};
        columns[i] = (Column){"c", bytes_type(arena, &map->columns[i], column)};
    }
    plan->key_count = map->column_count > 0;
    const Schema *schema = schema_new(arena, columns, map->column_count);
    binlog_row_plan_shapes(plan, schema);
    return schema;
}

/* The same plan without short ways. */
static inline RowPlan bytes_general_plan(Arena *arena, const RowPlan *plan)
{
    RowPlan general = *plan;
    general.columns = arena_new_array(arena, RowColumn, plan->column_count + 1);
    for (uint32_t i = 0; i < plan->column_count; i++) {
        general.columns[i] = plan->columns[i];
        general.columns[i].shape = SHAPE_GENERAL;
    }
    return general;
}

#endif
