/* information_schema to columns, and table-name patterns.
 *
 * Invariant: `columns` is in the order of the table, generated and invisible ones included, as the
 * binlog has them; of a system-versioned table also the period's two, which the server does not
 * list when nobody declared them. */
#define PCRE2_CODE_UNIT_WIDTH 8

#include "connectors/mysql/schema.h"

#include <inttypes.h>
#include <pcre2.h>
#include <stdlib.h>
#include <string.h>

#include "core/str.h"

/* Fields of a column, in the order of the query. */
enum {
    FIELD_NAME,
    FIELD_DATA_TYPE,
    FIELD_COLUMN_TYPE,
    FIELD_NULLABLE,
    FIELD_CHARSET,
    FIELD_COLLATION,
    FIELD_PRECISION,
    FIELD_SCALE,
    FIELD_FRACTION,
    FIELD_OCTETS,
    FIELD_EXTRA,
    FIELD_COUNT
};

/* What EXTRA says of the columns of a system-versioned table's period. */
#define ROW_START "ROW START"
#define ROW_END   "ROW END"

void mysql_append_quoted(Buffer *sql, const char *name)
{
    buffer_append_char(sql, '`');
    for (; *name != '\0'; name++) {
        if (*name == '`')
            buffer_append_char(sql, '`');
        buffer_append_char(sql, *name);
    }
    buffer_append_char(sql, '`');
}

void mysql_append_string(Buffer *sql, const char *text)
{
    buffer_append_char(sql, '\'');
    for (; *text != '\0'; text++) {
        if (*text == '\'' || *text == '\\')
            buffer_append_char(sql, '\\');
        buffer_append_char(sql, *text);
    }
    buffer_append_char(sql, '\'');
}

static MysqlClass class_of(const char *data_type)
{
    static const struct {
        const char *name;
        MysqlClass class;
    } classes[] = {
        {"tinyint", CLASS_INTEGER},
        {"smallint", CLASS_INTEGER},
        {"mediumint", CLASS_INTEGER},
        {"int", CLASS_INTEGER},
        {"bigint", CLASS_INTEGER},
        {"year", CLASS_YEAR},
        {"bit", CLASS_BIT},
        {"decimal", CLASS_DECIMAL},
        {"float", CLASS_FLOAT},
        {"double", CLASS_DOUBLE},
        {"char", CLASS_TEXT},
        {"varchar", CLASS_TEXT},
        {"tinytext", CLASS_TEXT},
        {"text", CLASS_TEXT},
        {"mediumtext", CLASS_TEXT},
        {"longtext", CLASS_TEXT},
        {"binary", CLASS_BYTES},
        {"varbinary", CLASS_BYTES},
        {"tinyblob", CLASS_BYTES},
        {"blob", CLASS_BYTES},
        {"mediumblob", CLASS_BYTES},
        {"longblob", CLASS_BYTES},
        {"geometry", CLASS_GEOMETRY},
        {"point", CLASS_GEOMETRY},
        {"linestring", CLASS_GEOMETRY},
        {"polygon", CLASS_GEOMETRY},
        {"multipoint", CLASS_GEOMETRY},
        {"multilinestring", CLASS_GEOMETRY},
        {"multipolygon", CLASS_GEOMETRY},
        {"geometrycollection", CLASS_GEOMETRY},
        {"geomcollection", CLASS_GEOMETRY},
        {"vector", CLASS_BYTES},
        {"enum", CLASS_ENUM},
        {"set", CLASS_SET},
        {"json", CLASS_JSON},
        {"uuid", CLASS_UUID},
        {"inet4", CLASS_INET4},
        {"inet6", CLASS_INET6},
        {"date", CLASS_DATE},
        {"time", CLASS_TIME},
        {"datetime", CLASS_DATETIME},
        {"timestamp", CLASS_TIMESTAMP},
    };
    for (size_t i = 0; i < array_count(classes); i++) {
        if (text_equal_nocase(classes[i].name, data_type))
            return classes[i].class;
    }
    return CLASS_UNKNOWN;
}

/* The labels of "enum('a','b''c')": quotes doubled, backslash escapes as in a string. */
static void read_labels(MysqlColumn *column, Arena *arena)
{
    const char *at = strchr(column->type_text, '(');
    uint32_t capacity = 1;
    for (const char *p = at; p != NULL && *p != '\0'; p++)
        capacity += *p == ',';
    Str *labels = arena_new_array(arena, Str, capacity);
    while (at != NULL && (at = strchr(at, '\'')) != NULL && column->label_count < capacity) {
        char *label = arena_alloc(arena, strlen(at) + 1);
        size_t length = 0;
        for (at++; *at != '\0'; at++) {
            if (*at == '\'' && at[1] != '\'')
                break;
            if (*at == '\'') {
                at++;
            } else if (*at == '\\' && at[1] != '\0') {
                at++;
                char escaped = *at == 'n' ? '\n' : *at == 'r' ? '\r' : *at == '0' ? '\0' : *at;
                label[length++] = escaped;
                continue;
            }
            label[length++] = *at;
        }
        labels[column->label_count++] = (Str){label, length};
        if (*at == '\'')
            at++;
    }
    column->labels = labels;
}

static void column_build(MysqlColumn *column, const char *const *fields, Arena *arena)
{
    column->name = fields[FIELD_NAME];
    column->type_text = fields[FIELD_COLUMN_TYPE];
    column->class = class_of(fields[FIELD_DATA_TYPE]);
    column->is_unsigned = strstr(column->type_text, "unsigned") != NULL ||
                          strstr(column->type_text, "zerofill") != NULL;
    column->nullable = strcmp(fields[FIELD_NULLABLE], "YES") == 0;
    column->charset_name = fields[FIELD_CHARSET][0] == '\0' ? NULL : fields[FIELD_CHARSET];
    column->collation = fields[FIELD_COLLATION][0] == '\0' ? NULL : fields[FIELD_COLLATION];
    column->charset = charset_find(column->charset_name);
    column->is_fixed_binary = strcmp(fields[FIELD_DATA_TYPE], "binary") == 0;
    column->is_generated = strstr(fields[FIELD_EXTRA], "GENERATED") != NULL &&
                           strstr(fields[FIELD_EXTRA], "DEFAULT_GENERATED") == NULL;
    column->precision = (uint8_t)strtoul(fields[FIELD_PRECISION], NULL, 10);
    column->scale = (uint8_t)strtoul(fields[FIELD_SCALE], NULL, 10);
    column->length = (uint32_t)strtoul(fields[FIELD_OCTETS], NULL, 10);
    if (column->class == CLASS_BIT)
        column->length = column->precision;
    if (column->class >= CLASS_DATE)
        column->precision = (uint8_t)strtoul(fields[FIELD_FRACTION], NULL, 10);
    if (column->class == CLASS_ENUM || column->class == CLASS_SET)
        read_labels(column, arena);
}

static void table_build(MysqlTable *table, Arena *arena)
{
    table->columns = arena_new_array(arena, MysqlColumn, table->column_count + 1);
    table->row_end = -1;
    for (uint32_t i = 0; i < table->column_count; i++) {
        const char *const *fields = table->fields + (size_t)i * FIELD_COUNT;
        column_build(&table->columns[i], fields, arena);
        if (strstr(fields[FIELD_EXTRA], ROW_END) != NULL)
            table->row_end = (int32_t)i;
    }
}

int32_t mysql_table_find(const MysqlTable *table, const char *name)
{
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (text_equal_nocase(table->columns[i].name, name))
            return (int32_t)i;
    }
    return -1;
}

static void append_where(Buffer *sql, const char *database, const char *name)
{
    buffer_append_text(sql, " WHERE TABLE_SCHEMA=");
    mysql_append_string(sql, database);
    buffer_append_text(sql, " AND TABLE_NAME=");
    mysql_append_string(sql, name);
}

static const char *const *period_column(const char *name, const char *extra, Arena *arena)
{
    const char **fields = arena_alloc(arena, sizeof(char *) * FIELD_COUNT);
    for (uint32_t k = 0; k < FIELD_COUNT; k++)
        fields[k] = "";
    fields[FIELD_NAME] = name;
    fields[FIELD_DATA_TYPE] = "timestamp";
    fields[FIELD_COLUMN_TYPE] = "timestamp(6)";
    fields[FIELD_NULLABLE] = "NO";
    fields[FIELD_FRACTION] = "6";
    fields[FIELD_EXTRA] = extra;
    return fields;
}

/* The period's columns where nobody declared them: rows of the binlog end with them. */
static void add_period(MysqlTable *table, const char **fields, Arena *arena)
{
    static const char *const names[2][2] = {{"row_start", ROW_START}, {"row_end", ROW_END}};
    for (uint32_t i = 0; i < table->column_count; i++) {
        if (strstr(fields[(size_t)i * FIELD_COUNT + FIELD_EXTRA], ROW_END) != NULL)
            return;
    }
    for (uint32_t i = 0; i < 2; i++)
        memcpy(fields + (size_t)table->column_count++ * FIELD_COUNT,
               period_column(names[i][0], names[i][1], arena), sizeof(char *) * FIELD_COUNT);
}

static bool load_columns(MYSQL *mysql, MysqlTable *table, bool versioned, Arena *arena,
                         Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT COLUMN_NAME, DATA_TYPE, COLUMN_TYPE, IS_NULLABLE, "
                             "CHARACTER_SET_NAME, COLLATION_NAME, NUMERIC_PRECISION, "
                             "NUMERIC_SCALE, DATETIME_PRECISION, CHARACTER_OCTET_LENGTH, ");
    buffer_append_text(&sql, versioned ? "CONCAT(EXTRA, ' ', IFNULL(GENERATION_EXPRESSION, ''))"
                                       : "EXTRA");
    buffer_append_text(&sql, " FROM information_schema.COLUMNS");
    append_where(&sql, table->database, table->name);
    buffer_append_text(&sql, " ORDER BY ORDINAL_POSITION");
    MYSQL_RES *result = mysql_connection_query(mysql, buffer_text(&sql), error);
    buffer_deinit(&sql);
    if (result == NULL)
        return false;
    table->column_count = (uint32_t)mysql_num_rows(result);
    const char **fields =
        arena_alloc(arena, sizeof(char *) * FIELD_COUNT * ((size_t)table->column_count + 3));
    MYSQL_ROW row = NULL;
    for (uint32_t i = 0; i < table->column_count && (row = mysql_fetch_row(result)) != NULL; i++) {
        for (uint32_t k = 0; k < FIELD_COUNT; k++)
            fields[(size_t)i * FIELD_COUNT + k] = row[k] == NULL ? "" : arena_strdup(arena, row[k]);
    }
    mysql_free_result(result);
    table->fields = fields;
    if (table->column_count == 0)
        return error_set(error, ERROR_SCHEMA, "table \"%s.%s\" does not exist on the server",
                         table->database, table->name);
    if (versioned)
        add_period(table, fields, arena);
    return true;
}

/* The primary key, or the first unique index whose columns cannot be NULL. */
static bool load_key(MYSQL *mysql, MysqlTable *table, Arena *arena, Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT INDEX_NAME, COLUMN_NAME, NULLABLE, SUB_PART FROM "
                             "information_schema.STATISTICS");
    append_where(&sql, table->database, table->name);
    buffer_append_text(&sql, " AND NON_UNIQUE=0 ORDER BY INDEX_NAME<>'PRIMARY', INDEX_NAME, "
                             "SEQ_IN_INDEX");
    MYSQL_RES *result = mysql_connection_query(mysql, buffer_text(&sql), error);
    buffer_deinit(&sql);
    if (result == NULL)
        return false;
    table->key = arena_new_array(arena, uint32_t, table->column_count + 1);
    char index[256] = "";
    bool usable = false;
    MYSQL_ROW row = NULL;
    while ((row = mysql_fetch_row(result)) != NULL) {
        if (strcmp(index, row[0]) != 0) {
            if (usable && table->key_count > 0)
                break;
            snprintf(index, sizeof(index), "%s", row[0]);
            table->key_count = 0;
            usable = true;
        }
        int32_t column = row[1] == NULL ? -1 : mysql_table_find(table, row[1]);
        /* Keys of a system-versioned table end with it; among current rows it says nothing. */
        if (column >= 0 && column == table->row_end)
            continue;
        if (column < 0 || (row[2] != NULL && strcmp(row[2], "YES") == 0))
            usable = false;
        else if (table->key_count < table->column_count)
            table->key[table->key_count++] = (uint32_t)column;
    }
    if (!usable)
        table->key_count = 0;
    mysql_free_result(result);
    return true;
}

/* What kind of table it is, and about how many rows it has. */
static bool load_kind(MYSQL *mysql, MysqlTable *table, bool *versioned, Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT TABLE_ROWS, TABLE_TYPE FROM information_schema.TABLES");
    append_where(&sql, table->database, table->name);
    MYSQL_RES *result = mysql_connection_query(mysql, buffer_text(&sql), error);
    buffer_deinit(&sql);
    if (result == NULL)
        return false;
    MYSQL_ROW row = mysql_fetch_row(result);
    if (row != NULL && row[0] != NULL)
        table->rows_estimate = strtoull(row[0], NULL, 10);
    *versioned = row != NULL && row[1] != NULL && strcmp(row[1], "SYSTEM VERSIONED") == 0;
    mysql_free_result(result);
    return true;
}

MysqlTable *mysql_table_load(MYSQL *mysql, const char *database, const char *name, Arena *arena,
                             Error *error)
{
    MysqlTable *table = arena_new_one(arena, MysqlTable);
    bool versioned = false;
    table->database = arena_strdup(arena, database);
    table->name = arena_strdup(arena, name);
    if (!load_kind(mysql, table, &versioned, error) ||
        !load_columns(mysql, table, versioned, arena, error))
        return NULL;
    table_build(table, arena);
    return load_key(mysql, table, arena, error) ? table : NULL;
}

bool mysql_table_partitions_history(MYSQL *mysql, const MysqlTable *table)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT 1 FROM information_schema.PARTITIONS");
    append_where(&sql, table->database, table->name);
    buffer_append_text(&sql, " AND PARTITION_METHOD='SYSTEM_TIME' LIMIT 1");
    MYSQL_RES *result = mysql_connection_query(mysql, buffer_text(&sql), NULL);
    buffer_deinit(&sql);
    bool found = result != NULL && mysql_num_rows(result) > 0;
    mysql_free_result(result);
    return found;
}

void mysql_table_write(const MysqlTable *table, Buffer *out)
{
    buffer_append_bytes(out, str_of(table->database));
    buffer_append_bytes(out, str_of(table->name));
    buffer_append_u32(out, table->column_count);
    for (size_t i = 0; i < (size_t)table->column_count * FIELD_COUNT; i++)
        buffer_append_bytes(out, str_of(table->fields[i]));
    buffer_append_u32(out, table->key_count);
    for (uint32_t i = 0; i < table->key_count; i++)
        buffer_append_u32(out, table->key[i]);
}

MysqlTable *mysql_table_read(Reader *reader, Arena *arena, Error *error)
{
    MysqlTable *table = arena_new_one(arena, MysqlTable);
    table->database = arena_str(arena, reader_bytes(reader));
    table->name = arena_str(arena, reader_bytes(reader));
    table->column_count = reader_u32(reader);
    if (reader->failed || table->column_count > 4096)
        goto damaged;
    size_t count = (size_t)table->column_count * FIELD_COUNT;
    const char **fields = arena_alloc(arena, sizeof(char *) * (count + 1));
    for (size_t i = 0; i < count; i++)
        fields[i] = arena_str(arena, reader_bytes(reader));
    table->fields = fields;
    table->key_count = reader_u32(reader);
    if (reader->failed || table->key_count > table->column_count)
        goto damaged;
    table->key = arena_new_array(arena, uint32_t, table->column_count + 1);
    for (uint32_t i = 0; i < table->key_count; i++) {
        table->key[i] = reader_u32(reader);
        if (table->key[i] >= table->column_count)
            goto damaged;
    }
    table_build(table, arena);
    return table;
damaged:
    error_set(error, ERROR_STATE, "the checkpoint's description of a captured table is damaged");
    return NULL;
}

/* ---------------------------------------------------------------- patterns */

struct TablePattern {
    pcre2_code *code;
    pcre2_match_data *match;
};

static void pattern_close(void *handle)
{
    TablePattern *pattern = handle;
    pcre2_match_data_free(pattern->match);
    pcre2_code_free(pattern->code);
}

TablePattern *table_pattern_new(Arena *arena, const char *database, const char *table, Error *error)
{
    const char *names[] = {database, table};
    const char *options[] = {"database-name", "table-name"};
    int number = 0;
    PCRE2_SIZE offset = 0;
    /* Each alone first, so that the error says which one is wrong. */
    for (int i = 0; i < 2; i++) {
        pcre2_code *code = pcre2_compile((PCRE2_SPTR)names[i], PCRE2_ZERO_TERMINATED, PCRE2_UTF,
                                         &number, &offset, NULL);
        if (code == NULL) {
            PCRE2_UCHAR message[256];
            pcre2_get_error_message(number, message, sizeof(message));
            error_set(error, ERROR_OPTION, "option \"%s\" is no regular expression: %s", options[i],
                      (const char *)message);
            return NULL;
        }
        pcre2_code_free(code);
    }
    const char *text = arena_printf(arena, "^(?:%s)\\.(?:%s)$", database, table);
    TablePattern *pattern = arena_new_one(arena, TablePattern);
    pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED,
                                  PCRE2_UTF | PCRE2_DOLLAR_ENDONLY, &number, &offset, NULL);
    if (pattern->code == NULL) {
        error_set(error, ERROR_OPTION,
                  "options \"database-name\" and \"table-name\" make no regular expression");
        return NULL;
    }
    pattern->match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    arena_on_close(arena, pattern_close, pattern);
    return pattern;
}

bool table_pattern_matches(const TablePattern *pattern, const char *database, const char *table)
{
    char name[600];
    int length = snprintf(name, sizeof(name), "%s.%s", database, table);
    if (length < 0 || (size_t)length >= sizeof(name))
        return false;
    return pcre2_match(pattern->code, (PCRE2_SPTR)name, (PCRE2_SIZE)length, 0, 0, pattern->match,
                       NULL) >= 0;
}

bool mysql_tables_list(MYSQL *mysql, void (*add)(void *to, const char *database, const char *table),
                       void *to, Error *error)
{
    MYSQL_RES *result = mysql_connection_query(
        mysql,
        "SELECT TABLE_SCHEMA, TABLE_NAME FROM information_schema.TABLES WHERE TABLE_TYPE IN "
        "('BASE TABLE', 'SYSTEM VERSIONED') AND TABLE_SCHEMA NOT IN ('mysql', "
        "'information_schema', 'performance_schema', 'sys') ORDER BY 1, 2",
        error);
    if (result == NULL)
        return false;
    MYSQL_ROW row = NULL;
    while ((row = mysql_fetch_row(result)) != NULL) {
        if (row[0] != NULL && row[1] != NULL)
            add(to, row[0], row[1]);
    }
    mysql_free_result(result);
    return true;
}
