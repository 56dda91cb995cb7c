/* Reading an SQLite table: rows in rowid order, a batch a query.
 *
 * Each batch is a query of its own, so that the file is locked only while it runs and a sink of the
 * same job may write to it; rows that change behind the position are not read again. The position
 * is the next rowid. A table without rowids (WITHOUT ROWID, a view) is read by one query, in the
 * order SQLite gives, and its position is the number of rows read. A value that does not fit is an
 * error that names file, table, row and column. */
#include <stdio.h>

#include "connectors/sqlite/internal.h"

#define SPLIT STR("table")

struct Source {
    const Schema *schema;
    const TimeZone *zone;
    SqliteTable table;
    sqlite3_stmt *select;
    bool has_rowid;
    int64_t position; /* the next rowid, or rows read */
    bool running;     /* without rowids: the query is under way */
    bool ended;
    uint64_t rows;
    uint64_t rows_expected;
};

/* --------------------------------------------------------------------- open */

static bool table_has_rowid(const Source *source)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT rowid FROM ");
    sqlite_append_name(&sql, source->table.name);
    sqlite3_stmt *statement = NULL;
    /* A view gives NULL for rowid where it has one at all. */
    bool has = sqlite3_prepare_v2(source->table.database, buffer_text(&sql), -1, &statement,
                                  NULL) == SQLITE_OK;
    if (has && sqlite3_step(statement) == SQLITE_ROW)
        has = sqlite3_column_type(statement, 0) == SQLITE_INTEGER;
    sqlite3_finalize(statement);
    buffer_deinit(&sql);
    return has;
}

static bool prepare_select(Source *source, const ScanInfo *scan, Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT ");
    for (uint32_t i = 0; i < scan->column_count; i++) {
        sqlite_append_name(&sql, scan->table->physical->columns[scan->columns[i]].name);
        buffer_append_text(&sql, ", ");
    }
    buffer_append_text(&sql, source->has_rowid ? "rowid FROM " : "NULL FROM ");
    sqlite_append_name(&sql, source->table.name);
    if (source->has_rowid)
        buffer_printf(&sql, " WHERE rowid >= ?1 ORDER BY rowid LIMIT %d", BATCH_ROWS_MAX);
    else
        buffer_append_text(&sql, " LIMIT -1 OFFSET ?1");
    bool prepared = sqlite_table_prepare(&source->table, buffer_text(&sql), "reading it",
                                         &source->select, error);
    buffer_deinit(&sql);
    return prepared;
}

static void count_rows(Source *source)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT count(*) FROM ");
    sqlite_append_name(&sql, source->table.name);
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(source->table.database, buffer_text(&sql), -1, &statement, NULL) ==
            SQLITE_OK &&
        sqlite3_step(statement) == SQLITE_ROW)
        source->rows_expected = (uint64_t)sqlite3_column_int64(statement, 0);
    sqlite3_finalize(statement);
    buffer_deinit(&sql);
}

static bool open_table(Source *source, const ScanInfo *scan, Error *error)
{
    if (!sqlite_table_open(&source->table, scan->table->options, false, error))
        return false;
    int exists = sqlite_table_exists(&source->table, error);
    if (exists == 0)
        return error_set(error, ERROR_NAME, "SQLite file \"%s\" has no table \"%s\"",
                         source->table.path, source->table.name);
    if (exists < 0)
        return false;
    for (uint32_t i = 0; i < scan->column_count; i++) {
        const Column *column = &scan->table->physical->columns[scan->columns[i]];
        if (!sqlite_table_check_column(&source->table, column->name, error))
            return false;
    }
    source->has_rowid = table_has_rowid(source);
    source->position = source->has_rowid ? INT64_MIN : 0;
    count_rows(source);
    return prepare_select(source, scan, error);
}

static void source_close(Source *source)
{
    sqlite3_finalize(source->select);
    sqlite_table_close(&source->table);
    memory_free(source);
}

static Source *source_open(const SourceContext *context, Error *error)
{
    Source *source = memory_zalloc(sizeof(*source));
    source->schema = context->scans[0].schema;
    source->zone = context->zone;
    bool opened = open_table(source, &context->scans[0], error);
    for (uint32_t i = 0; i < context->restored_count && opened; i++) {
        Reader position = reader_of(context->restored[i].position);
        source->position = (int64_t)reader_u64(&position);
        source->ended = reader_u8(&position) != 0;
        if (position.failed)
            opened = error_set(error, ERROR_STATE,
                               "the position of an sqlite source cannot be "
                               "read");
    }
    if (opened)
        return source;
    source_close(source);
    return NULL;
}

/* ------------------------------------------------------------------ reading */

static bool read_row(Source *source, Batch *batch, Error *error)
{
    uint32_t row = batch->row_count;
    int column = 0;
    for (; column < (int)batch->column_count; column++) {
        if (sqlite_value_store(source->select, column, source->zone, &batch->columns[column], row,
                               batch->arena, error))
            continue;
        error_prefix(error, "column \"%s\": ", source->schema->columns[column].name);
        if (source->has_rowid)
            return error_place(
                error, "%s, table \"%s\", rowid %lld", source->table.path, source->table.name,
                (long long)sqlite3_column_int64(source->select, (int)batch->column_count));
        return error_place(error, "%s, table \"%s\", row %lld", source->table.path,
                           source->table.name, (long long)source->position + 1);
    }
    if (!source->has_rowid) {
        source->position++;
    } else {
        int64_t rowid = sqlite3_column_int64(source->select, column);
        source->ended = rowid == INT64_MAX;
        source->position = source->ended ? rowid : rowid + 1;
    }
    batch->row_count++;
    return true;
}

static SourceState source_next(Source *source, int64_t timeout_ms, Batch **out, uint32_t *scan,
                               Error *error)
{
    if (source->ended)
        return SOURCE_END;
    Batch *batch = batch_new(source->schema, BATCH_ROWS_MAX);
    if (source->has_rowid || !source->running) {
        sqlite3_reset(source->select);
        sqlite3_bind_int64(source->select, 1, source->position);
        source->running = true;
    }
    bool good = true;
    int result = SQLITE_ROW;
    while (good && batch->row_count < BATCH_ROWS_MAX &&
           (result = sqlite3_step(source->select)) == SQLITE_ROW)
        good = read_row(source, batch, error);
    if (good && result != SQLITE_ROW && result != SQLITE_DONE)
        good = sqlite_table_error(&source->table, "reading it", error);
    if (!good || source->has_rowid || result == SQLITE_DONE)
        sqlite3_reset(source->select);
    if (!good) {
        batch_release(batch);
        return SOURCE_FAILED;
    }
    source->ended |= result == SQLITE_DONE;
    source->rows += batch->row_count;
    if (batch->row_count == 0) {
        batch_release(batch);
        return SOURCE_END;
    }
    *out = batch;
    *scan = 0;
    return SOURCE_BATCH;
}

static bool source_position(Source *source, void (*add)(void *to, Str split, Str position),
                            void *to, Error *error)
{
    Buffer position = {0};
    buffer_append_u64(&position, (uint64_t)source->position);
    buffer_append_u8(&position, source->ended);
    add(to, SPLIT, (Str){position.data, position.length});
    buffer_deinit(&position);
    return true;
}

static void source_progress(Source *source, SourceProgress *out)
{
    *out = (SourceProgress){.rows = source->rows,
                            .rows_expected = source->rows_expected,
                            .snapshot = !source->ended,
                            .seconds_behind = -1};
    snprintf(out->position, sizeof(out->position), "%s, %s %lld", source->table.path,
             source->has_rowid ? "rowid" : "row", (long long)source->position);
}

const SourceClass sqlite_source_class = {.open = source_open,
                                         .next = source_next,
                                         .position = source_position,
                                         .close = source_close,
                                         .progress = source_progress};
