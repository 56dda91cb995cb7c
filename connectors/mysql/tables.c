/* Captured tables: finding them, checking them against the declaration, mapping their rows, and
 * deciding which changes a snapshot already holds. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/str.h"

/* Keys compared by one question to the server. */
#define KEYS_PER_QUESTION 200

/* ------------------------------------------------------------- the tables */

CapturedTable *mysql_captured_find(MysqlSource *source, uint32_t scan, const char *database,
                                   const char *name)
{
    for (uint32_t i = 0; i < source->table_count; i++) {
        CapturedTable *table = source->tables[i];
        if (table->scan_index == scan && strcmp(table->database, database) == 0 &&
            strcmp(table->name, name) == 0)
            return table;
    }
    return NULL;
}

CapturedTable *mysql_captured_add(MysqlSource *source, uint32_t scan, const char *database,
                                  const char *name)
{
    CapturedTable *table = memory_zalloc(sizeof(CapturedTable));
    table->scan = &source->scans[scan];
    table->scan_index = scan;
    table->database = memory_strdup(database);
    table->name = memory_strdup(name);
    table->state = TABLE_READY;
    if (source->table_count == source->table_capacity) {
        source->table_capacity = source->table_capacity == 0 ? 8 : source->table_capacity * 2;
        source->tables =
            memory_realloc(source->tables, source->table_capacity * sizeof(CapturedTable *));
    }
    source->tables[source->table_count++] = table;
    return table;
}

void mysql_bound_free(KeyBound *bound)
{
    buffer_deinit(&bound->key);
}

void mysql_captured_free(CapturedTable *table)
{
    for (uint32_t i = 0; i < table->bound_count; i++)
        mysql_bound_free(&table->bounds[i]);
    memory_free(table->bounds);
    memory_free(table->database);
    memory_free(table->name);
    arena_free(table->arena);
    memory_free(table);
}

typedef struct Discovery {
    MysqlSource *source;
    uint32_t scan;
    uint32_t found;
} Discovery;

static void discover_one(void *to, const char *database, const char *name)
{
    Discovery *discovery = to;
    MysqlSource *source = discovery->source;
    const ScanState *scan = &source->scans[discovery->scan];
    if (!table_pattern_matches(scan->pattern, database, name))
        return;
    discovery->found++;
    if (mysql_captured_find(source, discovery->scan, database, name) == NULL)
        mysql_captured_add(source, discovery->scan, database, name);
}

/* The nearest name on the server, for a pattern that matches nothing. */
typedef struct NameList {
    char **names;
    size_t count;
    size_t capacity;
} NameList;

static void list_one(void *to, const char *database, const char *name)
{
    NameList *list = to;
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->names = memory_realloc(list->names, list->capacity * sizeof(char *));
    }
    size_t bytes = strlen(database) + strlen(name) + 2;
    char *full = memory_alloc(bytes);
    snprintf(full, bytes, "%s.%s", database, name);
    list->names[list->count++] = full;
}

static bool nothing_matches(MYSQL *mysql, const ScanState *scan, Error *error)
{
    const Option *database = options_find(scan->info->table->options, "database-name");
    const Option *table = options_find(scan->info->table->options, "table-name");
    char wanted[600];
    snprintf(wanted, sizeof(wanted), "%s.%s", database->value, table->value);
    error_set(error, ERROR_NAME, "no table of the server matches \"%s\"", wanted);
    option_error_at(table, error);
    NameList list = {0};
    if (mysql_tables_list(mysql, list_one, &list, NULL)) {
        const char *nearest = str_nearest(wanted, (const char *const *)list.names, list.count);
        if (nearest != NULL)
            error_hint(error, "Did you mean \"%s\"? The user must have the SELECT privilege on it.",
                       nearest);
        else
            error_hint(error, "Check \"database-name\" and \"table-name\", and that the user has "
                              "the SELECT privilege on the table.");
    }
    for (size_t i = 0; i < list.count; i++)
        memory_free(list.names[i]);
    memory_free(list.names);
    return false;
}

bool mysql_tables_discover(MysqlSource *source, Error *error)
{
    MYSQL *mysql = mysql_source_control(source, error);
    if (mysql == NULL)
        return false;
    for (uint32_t i = 0; i < source->scan_count; i++) {
        Discovery discovery = {source, i, 0};
        if (!mysql_tables_list(mysql, discover_one, &discovery, error))
            return false;
        if (discovery.found == 0)
            return nothing_matches(mysql, &source->scans[i], error);
    }
    return true;
}

/* MariaDB logs changes of tables that are versioned by transaction as statements, always. */
static bool versions_are_readable(const MysqlTable *schema, Error *error)
{
    if (schema->row_end < 0 || schema->columns[schema->row_end].class == CLASS_TIMESTAMP)
        return true;
    error_set(error, ERROR_UNSUPPORTED,
              "table \"%s.%s\" is versioned by transaction (column \"%s\" is %s): the server logs "
              "its changes as statements",
              schema->database, schema->name, schema->columns[schema->row_end].name,
              schema->columns[schema->row_end].type_text);
    return error_hint(error, "Version it by time: both columns of its period TIMESTAMP(6).");
}

bool mysql_captured_check(const CapturedTable *table, Error *error)
{
    const ScanInfo *info = table->scan->info;
    if (!versions_are_readable(table->schema, error))
        return false;
    for (uint32_t i = 0; i < info->column_count; i++) {
        const Column *column = &info->table->physical->columns[info->columns[i]];
        int32_t found = mysql_table_find(table->schema, column->name);
        if (found < 0) {
            const char *names[1024];
            size_t count = 0;
            for (uint32_t k = 0; k < table->schema->column_count && count < array_count(names); k++)
                names[count++] = table->schema->columns[k].name;
            const char *nearest = str_nearest(column->name, names, count);
            error_set(error, ERROR_SCHEMA, "table \"%s.%s\" has no column \"%s\"", table->database,
                      table->name, column->name);
            if (nearest != NULL)
                error_hint(error, "Did you mean \"%s\"?", nearest);
            return false;
        }
        if (!mysql_type_check(&table->schema->columns[found], column->type, error))
            return error_prefix(error, "table \"%s.%s\": ", table->database, table->name);
    }
    return true;
}

/* The column to go by that the user chose, in place of the table's own key. One that the key begins
 * with changes nothing. */
static bool choose_key(CapturedTable *table, Error *error)
{
    MysqlTable *schema = table->schema;
    const char *wanted = table->scan->key_column;
    if (wanted == NULL)
        return true;
    int32_t found = mysql_table_find(schema, wanted);
    if (found < 0) {
        error_set(error, ERROR_OPTION, "table \"%s.%s\" has no column \"%s\" to go by",
                  table->database, table->name, wanted);
        return error_hint(error, "See \"scan.incremental.snapshot.chunk.key-column\".");
    }
    if (schema->key_count > 0 && schema->key[0] == (uint32_t)found)
        return true;
    const MysqlColumn *column = &schema->columns[found];
    bool comparable = column->class == CLASS_INTEGER || column->class == CLASS_YEAR ||
                      column->class == CLASS_DECIMAL || column->class == CLASS_BYTES ||
                      (column->class >= CLASS_DATE && column->class <= CLASS_TIMESTAMP);
    if (column->nullable || !comparable) {
        error_set(error, ERROR_UNSUPPORTED,
                  "table \"%s.%s\" cannot be read by column \"%s\" (%s%s)", table->database,
                  table->name, column->name, column->type_text,
                  column->nullable ? ", may be NULL" : "");
        return error_hint(error, "A column to go by is NOT NULL and a number, a date or time, or "
                                 "binary; the key's first column always does.");
    }
    schema->key[0] = (uint32_t)found;
    schema->key_count = 1;
    table->key_repeats = true;
    return true;
}

bool mysql_captured_prepare(CapturedTable *table, Error *error)
{
    bool has_bounds = table->bound_count > 0; /* made by the key that the schema has */
    for (uint32_t i = 0; i < table->schema->column_count; i++)
        table->schema->columns[i].is_compact = table->scan->compact_json;
    return (has_bounds || choose_key(table, error)) && mysql_captured_check(table, error);
}

bool mysql_captured_refresh(MysqlSource *source, CapturedTable *table, Error *error)
{
    MYSQL *mysql = mysql_source_control(source, error);
    if (mysql == NULL)
        return false;
    Arena *arena = arena_new(4096);
    MysqlTable *schema = mysql_table_load(mysql, table->database, table->name, arena, error);
    if (schema == NULL) {
        arena_free(arena);
        return false;
    }
    arena_free(table->arena);
    table->arena = arena;
    table->schema = schema;
    table->stale = false;
    table->key_repeats = false;
    return choose_key(table, error) && mysql_captured_prepare(table, error);
}

/* ---------------------------------------------------------------- mapping */

/* Whether the mapped columns are those of the schema, by name where the map has names. */
static bool schema_fits(const MysqlTable *schema, const TableMap *map)
{
    if (schema->column_count != map->column_count)
        return false;
    for (uint32_t i = 0; i < map->column_count; i++) {
        const TableMapColumn *mapped = &map->columns[i];
        if (mapped->type == MYSQL_TYPED_ARRAY)
            continue;
        if (map->has_names && !text_equal_nocase(mapped->name, schema->columns[i].name))
            return false;
        if (!mysql_column_matches(&schema->columns[i], mapped))
            return false;
    }
    return true;
}

static int32_t target_of(const ScanInfo *info, const char *name)
{
    for (uint32_t i = 0; i < info->column_count; i++) {
        if (text_equal_nocase(info->table->physical->columns[info->columns[i]].name, name))
            return (int32_t)i;
    }
    return -1;
}

static int32_t declared_key_of(const TableInfo *table, const char *name)
{
    for (uint32_t i = 0; i < table->primary_key_count; i++) {
        if (text_equal_nocase(table->physical->columns[table->primary_key[i]].name, name))
            return (int32_t)i;
    }
    return -1;
}

static void plan_build(const CapturedTable *table, const TableMap *map, Arena *arena, bool for_keys,
                       RowPlan *plan)
{
    const MysqlTable *schema = table->schema;
    plan->column_count = map->column_count;
    plan->columns = arena_new_array(arena, RowColumn, map->column_count + 1);
    plan->zone = table->scan->zone;
    plan->key_count = for_keys ? schema->key_count : table->scan->info->table->primary_key_count;
    for (uint32_t i = 0; i < map->column_count; i++) {
        RowColumn *column = &plan->columns[i];
        column->map = map->columns[i];
        column->column = &schema->columns[i];
        column->target = for_keys ? -1 : target_of(table->scan->info, column->column->name);
        column->key =
            for_keys ? -1 : declared_key_of(table->scan->info->table, column->column->name);
        for (uint32_t k = 0; for_keys && k < schema->key_count; k++) {
            if (schema->key[k] == i)
                column->key = (int32_t)k;
        }
    }
    if (!for_keys)
        binlog_row_plan_shapes(plan, table->scan->info->schema);
}

static bool schema_lost(const CapturedTable *table, Error *error)
{
    error_set(error, ERROR_SCHEMA,
              "the definition of table \"%s.%s\" at this place of the binlog "
              "is not known",
              table->database, table->name);
    error_detail(error, "The table was altered after the change was written, and the binlog does "
                        "not name its columns.");
    return error_hint(error, "Set binlog_row_metadata=FULL on the server, or start again from a "
                             "snapshot.");
}

static bool bind_one(MysqlSource *source, CapturedTable *table, MapEntry *entry, Error *error)
{
    bool looked = false;
    if (table->schema == NULL || table->stale) {
        if (!mysql_captured_refresh(source, table, error))
            return false;
        looked = true;
    }
    if (!schema_fits(table->schema, entry->map)) {
        if (!looked && !mysql_captured_refresh(source, table, error))
            return false;
        if (!schema_fits(table->schema, entry->map))
            return schema_lost(table, error);
    }
    MapBinding *binding = &entry->bindings[entry->binding_count++];
    binding->table = table;
    plan_build(table, entry->map, entry->arena, false, &binding->plan);
    plan_build(table, entry->map, entry->arena, true, &binding->key_plan);
    return true;
}

bool mysql_map_bind(MysqlSource *source, MapEntry *entry, Error *error)
{
    entry->binding_count = 0;
    entry->bindings = arena_new_array(entry->arena, MapBinding, source->scan_count);
    for (uint32_t i = 0; i < source->scan_count; i++) {
        if (!table_pattern_matches(source->scans[i].pattern, entry->map->database,
                                   entry->map->table))
            continue;
        CapturedTable *table =
            mysql_captured_find(source, i, entry->map->database, entry->map->table);
        if (table == NULL) /* made after the start: all its rows are in the binlog */
            table = mysql_captured_add(source, i, entry->map->database, entry->map->table);
        if (!bind_one(source, table, entry, error))
            return false;
    }
    return true;
}

/* --------------------------------------------------- what the snapshot holds */

const char *mysql_bound_literal(const KeyBound *bound, uint32_t column)
{
    const char *at = bound->key.data;
    for (uint32_t i = 0; i < column; i++)
        at += strlen(at) + 1;
    return at;
}

/* Whether the transaction is part of the snapshot. */
static bool part_holds(const MysqlPosition *part, const MysqlPosition *start, const Gtid *gtid)
{
    if (part->gtids.flavour == GTID_MYSQL && gtid != NULL && gtid->flavour == GTID_MYSQL)
        return gtid_set_contains(&part->gtids, gtid);
    return mysql_position_compare(start, part) < 0;
}

Visibility mysql_captured_visibility(MysqlSource *source, CapturedTable *table,
                                     const MysqlPosition *start, const Gtid *gtid,
                                     const KeyBound **bound)
{
    if (table->bound_count == 0)
        return ROWS_COUNT;
    *bound = NULL;
    /* Parts follow each other in the binlog: the first that holds the transaction. */
    uint32_t low = 0;
    for (uint32_t high = table->bound_count; low < high;) {
        uint32_t middle = low + (high - low) / 2;
        if (part_holds(&source->parts[table->bounds[middle].part], start, gtid))
            high = middle;
        else
            low = middle + 1;
    }
    if (low == 0)
        return ROWS_DROPPED;
    if (low < table->bound_count) {
        *bound = &table->bounds[low - 1];
        return ROWS_BY_KEY;
    }
    /* All parts lie before this transaction, and so before all later ones. */
    for (uint32_t i = 0; i < table->bound_count; i++)
        mysql_bound_free(&table->bounds[i]);
    table->bound_count = 0;
    return ROWS_COUNT;
}

/* (k1 < b1 OR (k1 = b1 AND (k2 < b2 OR (k2 = b2)))) */
static void append_within(Buffer *sql, const char **key, const KeyBound *bound, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const char *limit = mysql_bound_literal(bound, i);
        bool last = i + 1 == count;
        buffer_printf(sql, "(%s%s%s", key[i], last ? "<=" : "<", limit);
        if (!last)
            buffer_printf(sql, " OR (%s=%s AND ", key[i], limit);
    }
    for (uint32_t i = 0; i < count; i++)
        buffer_append_text(sql, i + 1 == count ? ")" : "))");
}

static bool ask(MYSQL *mysql, const char *sql, uint32_t count, uint8_t *within, Error *error)
{
    MYSQL_RES *result = mysql_connection_query(mysql, sql, error);
    if (result == NULL)
        return false;
    MYSQL_ROW row = mysql_fetch_row(result);
    bool good = row != NULL && mysql_num_fields(result) == count;
    for (uint32_t i = 0; good && i < count; i++)
        within[i] = row[i] != NULL && row[i][0] == '1';
    mysql_free_result(result);
    return good || error_set(error, ERROR_INTERNAL, "the server did not compare the keys");
}

/* Whole numbers compare here; everything else as the server's collations say, so by the server. */
static bool is_plain_number(const char *literal)
{
    const char *at = *literal == '-' ? literal + 1 : literal;
    size_t digits = strspn(at, "0123456789");
    return digits > 0 && digits <= 18 && at[digits] == '\0';
}

bool mysql_keys_compare(MysqlSource *source, const CapturedTable *table, const KeyBound *bound,
                        const Buffer *keys, uint32_t count, uint8_t *within, Error *error)
{
    uint32_t width = table->schema->key_count;
    const char *at = keys->data;
    const char *key[KEY_COLUMNS_MAX];
    Buffer sql = {0};
    uint32_t asked = 0;
    bool good = true;
    uint32_t *pending = memory_alloc(sizeof(uint32_t) * KEYS_PER_QUESTION);
    uint8_t answers[KEYS_PER_QUESTION];
    for (uint32_t i = 0; good && i <= count; i++) {
        if (asked == KEYS_PER_QUESTION || (i == count && asked > 0)) {
            MYSQL *mysql = mysql_source_control(source, error);
            good = mysql != NULL && ask(mysql, buffer_text(&sql), asked, answers, error);
            for (uint32_t k = 0; good && k < asked; k++)
                within[pending[k]] = answers[k];
            asked = 0;
            buffer_clear(&sql);
        }
        if (i == count || !good)
            break;
        for (uint32_t k = 0; k < width; k++) {
            key[k] = at;
            at += strlen(at) + 1;
        }
        if (width == 1 && is_plain_number(key[0]) &&
            is_plain_number(mysql_bound_literal(bound, 0))) {
            within[i] =
                strtoll(key[0], NULL, 10) <= strtoll(mysql_bound_literal(bound, 0), NULL, 10);
            continue;
        }
        buffer_append_text(&sql, asked == 0 ? "SELECT " : ", ");
        append_within(&sql, key, bound, width);
        pending[asked++] = i;
    }
    memory_free(pending);
    buffer_deinit(&sql);
    return good;
}
