/* Reading an SQLite table: rows in rowid order, a batch a query.
 *
 * Each batch is a query of its own, so that the file is locked only while it runs and a sink of the
 * same job may write to it; rows that change behind the position are not read again. The position
 * is the next rowid. A table without rowids (WITHOUT ROWID, a view) is read by one query, in the
 * order SQLite gives, and its position is the number of rows read.
 *
 * A value is taken when it fits the declared type without loss; all else is an error that names
 * file, table, row and column. */
#include <math.h>
#include <stdio.h>

#include "connectors/sqlite_internal.h"
#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"

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

/* ------------------------------------------------------------------- values */

static const char *storage_name(int storage)
{
    static const char *const names[] = {"", "INTEGER", "REAL", "TEXT", "BLOB", "NULL"};
    return names[storage];
}

static bool bad_value(const Vector *vector, const char *what, Error *error)
{
    Buffer type = {0};
    type_print(vector->type, &type);
    error_set(error, ERROR_DATA, "%s does not fit type %s", what, buffer_text(&type));
    buffer_deinit(&type);
    return false;
}

static Str column_run(sqlite3_stmt *statement, int column)
{
    const void *data = sqlite3_column_blob(statement, column);
    return (Str){data == NULL ? "" : data, (size_t)sqlite3_column_bytes(statement, column)};
}

static bool store_integer(Vector *vector, uint32_t row, int64_t value, Error *error)
{
    const Type *type = vector->type;
    char text[64];
    snprintf(text, sizeof(text), "%lld", (long long)value);
    int64_t bound = type->kind == TYPE_TINYINT                                        ? INT8_MAX
                    : type->kind == TYPE_SMALLINT                                     ? INT16_MAX
                    : type->kind == TYPE_BIGINT || type->kind == TYPE_INTERVAL_SECOND ? INT64_MAX
                                                                                      : INT32_MAX;
    if (type->kind == TYPE_BOOLEAN) {
        if (value != 0 && value != 1)
            return bad_value(vector, text, error);
        ((uint8_t *)vector->data)[row] = (uint8_t)value;
        return true;
    }
    if (value > bound || value < -bound - 1)
        return bad_value(vector, text, error);
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        ((int8_t *)vector->data)[row] = (int8_t)value;
        break;
    case PHYSICAL_I16:
        ((int16_t *)vector->data)[row] = (int16_t)value;
        break;
    case PHYSICAL_I32:
        ((int32_t *)vector->data)[row] = (int32_t)value;
        break;
    default:
        ((int64_t *)vector->data)[row] = value;
        break;
    }
    return true;
}

static bool store_real(Vector *vector, uint32_t row, double value)
{
    if (vector->type->kind == TYPE_FLOAT)
        ((float *)vector->data)[row] = (float)value;
    else
        ((double *)vector->data)[row] = value;
    return true;
}

static bool store_text(const Source *source, Vector *vector, uint32_t row, Str text, Arena *arena,
                       Error *error)
{
    if (str_utf8_valid_prefix(text) != text.length)
        return bad_value(vector, "text that is not UTF-8", error);
    if (type_is_bytes(vector->type)) {
        vector_set_str(vector, row, text, arena);
        return true;
    }
    return value_parse(vector, row, text, source->zone, arena, error);
}

/* DECIMAL from whatever SQLite keeps: its text is exact for integers, and the shortest that reads
 * back for reals. */
static bool store_decimal(Vector *vector, uint32_t row, Str text, Error *error)
{
    int128_t value;
    text = str_trim(text);
    if (!decimal_parse(text, vector->type->precision, vector->type->scale, &value)) {
        char shown[80];
        snprintf(shown, sizeof(shown), "\"%.*s\"", (int)(text.length > 60 ? 60 : text.length),
                 text.data);
        return bad_value(vector, shown, error);
    }
    if (vector->type->physical == PHYSICAL_I64)
        ((int64_t *)vector->data)[row] = (int64_t)value;
    else
        ((int128_t *)vector->data)[row] = value;
    return true;
}

static bool store_value(const Source *source, int column, Vector *vector, uint32_t row,
                        Arena *arena, Error *error)
{
    const Type *type = vector->type;
    int storage = sqlite3_column_type(source->select, column);
    if (storage == SQLITE_NULL) {
        if (!type->nullable)
            return bad_value(vector, "NULL", error);
        vector_set_null(vector, row, arena);
        return true;
    }
    bool is_integer = type_is_integer(type) || type->kind == TYPE_BOOLEAN ||
                      type->kind == TYPE_INTERVAL_MONTH || type->kind == TYPE_INTERVAL_SECOND;
    bool is_real = type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE;
    if (is_integer && storage == SQLITE_INTEGER)
        return store_integer(vector, row, sqlite3_column_int64(source->select, column), error);
    if (is_real && (storage == SQLITE_INTEGER || storage == SQLITE_FLOAT))
        return store_real(vector, row, sqlite3_column_double(source->select, column));
    if (storage == SQLITE_BLOB && type_is_bytes(type)) {
        vector_set_str(vector, row, column_run(source->select, column), arena);
        return true;
    }
    if (storage == SQLITE_BLOB)
        return bad_value(vector, "a value stored as BLOB", error);
    if (storage == SQLITE_TEXT)
        return type->kind == TYPE_DECIMAL
                   ? store_decimal(vector, row, column_run(source->select, column), error)
                   : store_text(source, vector, row, column_run(source->select, column), arena,
                                error);
    /* A number where text or a decimal is wanted: its text. */
    Str text = {(const char *)sqlite3_column_text(source->select, column), 0};
    text.length = (size_t)sqlite3_column_bytes(source->select, column);
    if (type->kind == TYPE_DECIMAL)
        return store_decimal(vector, row, text, error);
    if (type_is_string(type))
        return store_text(source, vector, row, text, arena, error);
    char what[64];
    snprintf(what, sizeof(what), "a value stored as %s", storage_name(storage));
    return bad_value(vector, what, error);
}

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
        if (store_value(source, column, &batch->columns[column], row, batch->arena, error))
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
