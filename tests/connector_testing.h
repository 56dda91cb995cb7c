/* What the tests of connectors share: tables with options, and driving sources and sinks directly.
 */
#ifndef TESTS_CONNECTOR_TESTING_H
#define TESTS_CONNECTOR_TESTING_H

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/connector.h"
#include "core/changelog_text.h"

#define TEST_COLUMNS_MAX 32

/* A table that the test owns; zero-initialise by table_start. */
typedef struct TestTable {
    Arena *arena;
    TableInfo info;
    Schema schema;
    Column columns[TEST_COLUMNS_MAX];
    uint32_t keys[4];
    Options options;
    Option items[32];
    ScanInfo scan;
    uint32_t scan_columns[TEST_COLUMNS_MAX];
} TestTable;

static inline void table_start(TestTable *table)
{
    memset(table, 0, sizeof(*table));
    table->arena = arena_new(4096);
    table->schema.columns = table->columns;
    table->options.items = table->items;
    table->info = (TableInfo){.name = "t",
                              .physical = &table->schema,
                              .primary_key = table->keys,
                              .options = &table->options};
}

static inline void table_end(TestTable *table)
{
    arena_free(table->arena);
}

static inline void table_column(TestTable *table, const char *name, const Type *type)
{
    table->columns[table->schema.column_count++] = (Column){name, type};
}

static inline void table_option(TestTable *table, const char *key, const char *value)
{
    for (uint32_t i = 0; i < table->options.count; i++) {
        if (strcmp(table->items[i].key, key) != 0)
            continue;
        table->items[i].value = value;
        return;
    }
    table->items[table->options.count++] = (Option){key, value, -1, -1, -1, 0};
}

static inline void table_key(TestTable *table, uint32_t column)
{
    table->keys[table->info.primary_key_count++] = column;
}

/* A scan of all physical columns; call after the columns are there. */
static inline const ScanInfo *table_scan(TestTable *table)
{
    for (uint32_t i = 0; i < table->schema.column_count; i++)
        table->scan_columns[i] = i;
    table->scan = (ScanInfo){.table = &table->info,
                             .columns = table->scan_columns,
                             .column_count = table->schema.column_count,
                             .schema = &table->schema};
    return &table->scan;
}

/* The options as the planner checks them, then the connector's own check. */
static inline bool table_check(TestTable *table, const Connector *connector, Error *error)
{
    char owner[64];
    snprintf(owner, sizeof(owner), "connector \"%s\"", connector->name);
    return options_check(&table->options, owner, connector->options, NULL, error) &&
           (connector->check == NULL || connector->check(&table->info, error));
}

static inline SourceContext source_context(const ScanInfo *scan)
{
    return (SourceContext){.scans = scan,
                           .scan_count = 1,
                           .job = "test",
                           .parallelism = 1,
                           .clock = &clock_system,
                           .zone = time_zone_utc()};
}

/* Reads until the end (or `batches` of them), as text. */
static inline bool source_read(const SourceClass *class, Source *source, uint32_t batches,
                               Buffer *out, Error *error)
{
    for (uint32_t i = 0; i < batches;) {
        Batch *batch;
        uint32_t scan;
        SourceState state = class->next(source, 100, &batch, &scan, error);
        if (state == SOURCE_FAILED)
            return false;
        if (state == SOURCE_END)
            return true;
        if (state == SOURCE_IDLE)
            continue;
        changelog_print(batch, time_zone_utc(), out);
        batch_release(batch);
        i++;
    }
    return true;
}

typedef struct TestPositions {
    Arena *arena;
    SplitPosition items[64];
    uint32_t count;
} TestPositions;

static inline void add_position(void *to, Str split, Str position)
{
    TestPositions *positions = to;
    SplitPosition *item = &positions->items[positions->count++];
    item->split = (Str){arena_memdup(positions->arena, split.data, split.length), split.length};
    item->position =
        (Str){arena_memdup(positions->arena, position.data, position.length), position.length};
}

static inline SinkContext sink_context(const TestTable *table)
{
    return (SinkContext){.table = &table->info,
                         .schema = &table->schema,
                         .job = "test",
                         .sink_id = "sink-1",
                         .parallelism = 1,
                         .zone = time_zone_utc()};
}

/* A batch from lines of change text. */
static inline Batch *batch_of(const TestTable *table, const char *lines)
{
    Batch *batch = batch_new(&table->schema, BATCH_ROWS_MAX);
    Error error;
    while (*lines != 0) {
        const char *end = strchr(lines, '\n');
        size_t length = end == NULL ? strlen(lines) : (size_t)(end - lines);
        ck_assert_msg(changelog_read_row(batch, (Str){lines, length}, time_zone_utc(), &error),
                      "%s", error.message);
        lines += length + (end != NULL);
    }
    return batch;
}

static inline void sink_write(const SinkClass *class, Sink *sink, const TestTable *table,
                              const char *lines)
{
    Error error;
    Batch *batch = batch_of(table, lines);
    ck_assert_msg(class->write(sink, batch, &error), "%s", error.message);
    batch_release(batch);
}

#endif
