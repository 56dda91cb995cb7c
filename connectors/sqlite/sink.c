/* Writing an SQLite table: append, or upsert by primary key; exactly once with checkpoints.
 *
 * The changes of an epoch are gathered in memory, with a key only the last of each. prepare hands
 * them to the checkpoint; commit applies them in one transaction that also writes (job, sink,
 * epoch) into the table weir_commits. After a crash the restored changes are applied if that record
 * is older than their epoch, else they are there already. So the file is locked only while an epoch
 * is applied, and always shows whole epochs. Without checkpoints every flush is such a transaction.
 *
 * Cost: memory for one epoch's changes; an upsert by prepared statement per changed key. */
#include <stdio.h>
#include <stdlib.h>

#include "connectors/sqlite/internal.h"
#include "core/decimal.h"
#include "core/str.h"
#include "core/value_text.h"

#define COMMITS_TABLE "weir_commits"
/* Without checkpoints: changes that are applied without waiting for a pause. */
#define FLUSH_BYTES ((size_t)8 << 20)
/* With checkpoints: what one epoch may hold in memory. */
#define EPOCH_BYTES_MAX ((size_t)2 << 30)
/* Rows decoded at a time. */
#define APPLY_ROWS 512

struct Sink {
    const TableInfo *info;
    const Schema *schema;
    const TimeZone *zone;
    const char *job;
    const char *sink_id;
    bool checkpointing;
    SqliteTable table;
    SqliteKeeper *keeper;
    Arena *arena;
    const RowLayout *row_layout;
    const RowLayout *key_layout;
    const Vector **key_columns;
    bool keyed;
    sqlite3_stmt *upsert;
    sqlite3_stmt *delete;
    sqlite3_stmt *record;
    SqliteChanges changes;   /* since the last prepare */
    SqliteChanges prepared;  /* before it, of the epoch that waits for its commit */
    uint64_t prepared_epoch; /* 0: none does */
    Buffer text;
    Arena *batch_arena;
};

/* ------------------------------------------------------------------ applying */

static int bind_decimal(Sink *sink, sqlite3_stmt *statement, int at, const Vector *vector,
                        uint32_t row)
{
    int128_t value = vector->type->physical == PHYSICAL_I64 ? ((int64_t *)vector->data)[row]
                                                            : ((int128_t *)vector->data)[row];
    buffer_clear(&sink->text);
    decimal_print(value, vector->type->scale, &sink->text);
    return sqlite3_bind_text(statement, at, sink->text.data, (int)sink->text.length,
                             SQLITE_TRANSIENT);
}

static int bind_printed(Sink *sink, sqlite3_stmt *statement, int at, const Vector *vector,
                        uint32_t row)
{
    buffer_clear(&sink->text);
    value_print(vector, row, sink->zone, &sink->text);
    return sqlite3_bind_text(statement, at, sink->text.data, (int)sink->text.length,
                             SQLITE_TRANSIENT);
}

static int bind_value(Sink *sink, sqlite3_stmt *statement, int at, const Vector *vector,
                      uint32_t row)
{
    if (vector_is_null(vector, row))
        return sqlite3_bind_null(statement, at);
    switch (vector->type->kind) {
    case TYPE_BOOLEAN:
        return sqlite3_bind_int(statement, at, ((uint8_t *)vector->data)[row]);
    case TYPE_TINYINT:
        return sqlite3_bind_int(statement, at, ((int8_t *)vector->data)[row]);
    case TYPE_SMALLINT:
        return sqlite3_bind_int(statement, at, ((int16_t *)vector->data)[row]);
    case TYPE_INT:
    case TYPE_INTERVAL_MONTH:
        return sqlite3_bind_int(statement, at, ((int32_t *)vector->data)[row]);
    case TYPE_BIGINT:
    case TYPE_INTERVAL_SECOND:
        return sqlite3_bind_int64(statement, at, ((int64_t *)vector->data)[row]);
    case TYPE_FLOAT:
        return sqlite3_bind_double(statement, at, (double)((float *)vector->data)[row]);
    case TYPE_DOUBLE:
        return sqlite3_bind_double(statement, at, ((double *)vector->data)[row]);
    case TYPE_DECIMAL:
        return bind_decimal(sink, statement, at, vector, row);
    case TYPE_CHAR:
    case TYPE_VARCHAR: {
        Str text = vector_str(vector, row);
        return sqlite3_bind_text64(statement, at, text.data, text.length, SQLITE_STATIC,
                                   SQLITE_UTF8);
    }
    case TYPE_BINARY:
    case TYPE_VARBINARY: {
        Str bytes = vector_str(vector, row);
        return sqlite3_bind_blob64(statement, at, bytes.length == 0 ? "" : bytes.data, bytes.length,
                                   SQLITE_STATIC);
    }
    default:
        return bind_printed(sink, statement, at, vector, row);
    }
}

static bool run(Sink *sink, sqlite3_stmt *statement, Error *error)
{
    bool done = sqlite3_step(statement) == SQLITE_DONE;
    if (!done)
        sqlite_table_error(&sink->table, "writing to it", error);
    sqlite3_reset(statement);
    return done;
}

static bool apply_row(Sink *sink, const Batch *batch, uint32_t row, bool is_delete, Error *error)
{
    sqlite3_stmt *statement = is_delete ? sink->delete : sink->upsert;
    uint32_t count = is_delete ? sink->info->primary_key_count : batch->column_count;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t column = is_delete ? sink->info->primary_key[i] : i;
        if (bind_value(sink, statement, (int)i + 1, &batch->columns[column], row) != SQLITE_OK)
            return sqlite_table_error(&sink->table, "writing to it", error);
    }
    return run(sink, statement, error);
}

/* Applies the deletes or the rest, a few hundred decoded rows at a time. */
static bool apply_some(Sink *sink, const SqliteChanges *changes, bool deletes, Error *error)
{
    bool good = true;
    for (uint32_t from = 0; from < changes->count && good;) {
        Batch *batch = batch_new(sink->schema, APPLY_ROWS);
        Vector **columns = arena_new_array(batch->arena, Vector *, batch->column_count);
        for (uint32_t i = 0; i < batch->column_count; i++)
            columns[i] = &batch->columns[i];
        for (; from < changes->count && batch->row_count < APPLY_ROWS; from++) {
            const SqliteChange *item = &changes->items[from];
            if (item->is_delete == deletes)
                row_decode(sink->row_layout, (Str){changes->rows.data + item->offset, item->length},
                           columns, batch->row_count++, batch->arena, true);
        }
        for (uint32_t row = 0; row < batch->row_count && good; row++)
            good = apply_row(sink, batch, row, deletes, error);
        batch_release(batch);
    }
    return good;
}

static bool record_epoch(Sink *sink, uint64_t epoch, Error *error)
{
    sqlite3_bind_text(sink->record, 1, sink->job, -1, SQLITE_STATIC);
    sqlite3_bind_text(sink->record, 2, sink->sink_id, -1, SQLITE_STATIC);
    sqlite3_bind_int64(sink->record, 3, (int64_t)epoch);
    return run(sink, sink->record, error);
}

/* One transaction: the changes, and with an epoch its record. Deletes go first, so that a value
 * that moves from one key to another passes the table's other unique columns. */
static bool apply(Sink *sink, const SqliteChanges *changes, uint64_t epoch, Error *error)
{
    if (!sqlite_table_exec(&sink->table, "BEGIN IMMEDIATE", "writing to it", error))
        return false;
    bool good = apply_some(sink, changes, true, error) && apply_some(sink, changes, false, error) &&
                (epoch == 0 || record_epoch(sink, epoch, error)) &&
                sqlite_table_exec(&sink->table, "COMMIT", "committing to it", error);
    if (!good)
        sqlite3_exec(sink->table.database, "ROLLBACK", NULL, NULL, NULL);
    return good;
}

static bool apply_now(Sink *sink, Error *error)
{
    if (sink->changes.count == 0)
        return true;
    if (!apply(sink, &sink->changes, 0, error))
        return false;
    sqlite_changes_clear(&sink->changes);
    return true;
}

/* ----------------------------------------------------------------- the table */

/* Column type of a table that the sink makes: exact where SQLite's numbers would not be. */
static const char *column_type(const Type *type)
{
    switch (type->kind) {
    case TYPE_BOOLEAN:
        return "BOOLEAN";
    case TYPE_TINYINT:
    case TYPE_SMALLINT:
    case TYPE_INT:
    case TYPE_BIGINT:
    case TYPE_INTERVAL_MONTH:
    case TYPE_INTERVAL_SECOND:
        return "INTEGER";
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return "REAL";
    case TYPE_BINARY:
    case TYPE_VARBINARY:
        return "BLOB";
    default:
        return "TEXT";
    }
}

static void append_key(const TableInfo *info, Buffer *sql)
{
    for (uint32_t i = 0; i < info->primary_key_count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        sqlite_append_name(sql, info->physical->columns[info->primary_key[i]].name);
    }
}

static bool create_table(Sink *sink, Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "CREATE TABLE ");
    sqlite_append_name(&sql, sink->table.name);
    for (uint32_t i = 0; i < sink->schema->column_count; i++) {
        const Column *column = &sink->schema->columns[i];
        buffer_append_text(&sql, i == 0 ? "(" : ", ");
        sqlite_append_name(&sql, column->name);
        buffer_printf(&sql, " %s%s", column_type(column->type),
                      column->type->nullable ? "" : " NOT NULL");
    }
    if (sink->keyed) {
        buffer_append_text(&sql, ", PRIMARY KEY(");
        append_key(sink->info, &sql);
        buffer_append_text(&sql, ")");
    }
    buffer_append_text(&sql, ")");
    /* A key that is not SQLite's rowid would else be kept twice. */
    bool is_rowid =
        sink->info->primary_key_count == 1 &&
        strcmp(column_type(sink->schema->columns[sink->info->primary_key[0]].type), "INTEGER") == 0;
    if (sink->keyed && !is_rowid)
        buffer_append_text(&sql, " WITHOUT ROWID");
    bool created = sqlite_table_exec(&sink->table, buffer_text(&sql), "creating the table", error);
    buffer_deinit(&sql);
    return created;
}

/* A column the table demands and the sink does not give. */
static bool check_demands(Sink *sink, Error *error)
{
    sqlite3_stmt *statement;
    if (!sqlite_table_prepare(&sink->table,
                              "SELECT name FROM pragma_table_info(?)"
                              " WHERE \"notnull\" AND dflt_value IS NULL AND pk = 0",
                              "reading its columns", &statement, error))
        return false;
    sqlite3_bind_text(statement, 1, sink->table.name, -1, SQLITE_STATIC);
    bool good = true;
    while (good && sqlite3_step(statement) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(statement, 0);
        good = false;
        for (uint32_t i = 0; i < sink->schema->column_count && !good; i++)
            good = text_equal_nocase(sink->schema->columns[i].name, name);
        if (good)
            continue;
        error_set(
            error, ERROR_SCHEMA,
            "column \"%s\" of SQLite table \"%s\" is NOT NULL without a default, and the sink "
            "has no such column",
            name, sink->table.name);
        error_hint(error, "Declare the column in the sink, or give it a DEFAULT in SQLite.");
    }
    sqlite3_finalize(statement);
    return good;
}

static bool check_table(Sink *sink, Error *error)
{
    for (uint32_t i = 0; i < sink->schema->column_count; i++)
        if (!sqlite_table_check_column(&sink->table, sink->schema->columns[i].name, error))
            return false;
    return check_demands(sink, error);
}

static void append_columns(const Schema *schema, Buffer *sql)
{
    for (uint32_t i = 0; i < schema->column_count; i++) {
        buffer_append_text(sql, i == 0 ? "(" : ", ");
        sqlite_append_name(sql, schema->columns[i].name);
    }
    buffer_append_text(sql, ") VALUES(");
    for (uint32_t i = 0; i < schema->column_count; i++)
        buffer_append_text(sql, i == 0 ? "?" : ", ?");
    buffer_append_text(sql, ")");
}

static bool is_key_column(const TableInfo *info, uint32_t column)
{
    for (uint32_t i = 0; i < info->primary_key_count; i++)
        if (info->primary_key[i] == column)
            return true;
    return false;
}

static void append_conflict(const Sink *sink, Buffer *sql)
{
    buffer_append_text(sql, " ON CONFLICT(");
    append_key(sink->info, sql);
    buffer_append_text(sql, ") DO ");
    const char *before = "UPDATE SET ";
    for (uint32_t i = 0; i < sink->schema->column_count; i++) {
        if (is_key_column(sink->info, i))
            continue;
        buffer_append_text(sql, before);
        sqlite_append_name(sql, sink->schema->columns[i].name);
        buffer_append_text(sql, " = excluded.");
        sqlite_append_name(sql, sink->schema->columns[i].name);
        before = ", ";
    }
    if (before[0] == 'U')
        buffer_append_text(sql, "NOTHING");
}

static bool prepare_upsert(Sink *sink, Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "INSERT INTO ");
    sqlite_append_name(&sql, sink->table.name);
    append_columns(sink->schema, &sql);
    if (sink->keyed)
        append_conflict(sink, &sql);
    bool prepared = sqlite_table_prepare(&sink->table, buffer_text(&sql), "preparing to write",
                                         &sink->upsert, error);
    const char *text = sqlite3_errmsg(sink->table.database);
    if (!prepared && strstr(text, "ON CONFLICT clause does not match") != NULL) {
        Buffer key = {0};
        append_key(sink->info, &key);
        error_set(error, ERROR_SCHEMA,
                  "SQLite table \"%s\" in \"%s\" has no unique key on the primary key of the sink",
                  sink->table.name, sink->table.path);
        error_hint(error,
                   "Run: CREATE UNIQUE INDEX ... ON \"%s\"(%s), or let the sink make the "
                   "table.",
                   sink->table.name, buffer_text(&key));
        buffer_deinit(&key);
    }
    buffer_deinit(&sql);
    return prepared;
}

static bool prepare_delete(Sink *sink, Error *error)
{
    Buffer sql = {0};
    buffer_append_text(&sql, "DELETE FROM ");
    sqlite_append_name(&sql, sink->table.name);
    for (uint32_t i = 0; i < sink->info->primary_key_count; i++) {
        buffer_append_text(&sql, i == 0 ? " WHERE " : " AND ");
        sqlite_append_name(&sql, sink->schema->columns[sink->info->primary_key[i]].name);
        buffer_append_text(&sql, " = ?");
    }
    bool prepared = sqlite_table_prepare(&sink->table, buffer_text(&sql), "preparing to write",
                                         &sink->delete, error);
    buffer_deinit(&sql);
    return prepared;
}

/* --------------------------------------------------------------- transactions */

/* The record of finished epochs; a fresh start forgets this sink's. */
static bool open_record(Sink *sink, bool fresh, Error *error)
{
    if (!sqlite_table_exec(&sink->table,
                           "CREATE TABLE IF NOT EXISTS " COMMITS_TABLE
                           "(job TEXT, sink TEXT, epoch INTEGER NOT NULL, PRIMARY KEY(job, sink))",
                           "creating the table of commits", error) ||
        !sqlite_table_prepare(&sink->table,
                              "INSERT INTO " COMMITS_TABLE "(job, sink, epoch) VALUES(?, ?, ?)"
                              " ON CONFLICT(job, sink) DO UPDATE SET epoch = excluded.epoch",
                              "preparing to write", &sink->record, error))
        return false;
    return !fresh || record_epoch(sink, 0, error);
}

static bool recorded_epoch(Sink *sink, uint64_t *epoch, Error *error)
{
    sqlite3_stmt *statement;
    if (!sqlite_table_prepare(&sink->table,
                              "SELECT epoch FROM " COMMITS_TABLE " WHERE job = ? AND sink = ?",
                              "reading the table of commits", &statement, error))
        return false;
    sqlite3_bind_text(statement, 1, sink->job, -1, SQLITE_STATIC);
    sqlite3_bind_text(statement, 2, sink->sink_id, -1, SQLITE_STATIC);
    int result = sqlite3_step(statement);
    *epoch = result == SQLITE_ROW ? (uint64_t)sqlite3_column_int64(statement, 0) : 0;
    bool good = result == SQLITE_ROW || result == SQLITE_DONE;
    if (!good)
        sqlite_table_error(&sink->table, "reading the table of commits", error);
    sqlite3_finalize(statement);
    return good;
}

/* What the encoded rows look like; changes of a sink whose columns changed do not fit. */
static void append_shape(const Schema *schema, Buffer *out)
{
    Buffer shape = {0};
    for (uint32_t i = 0; i < schema->column_count; i++) {
        type_print(schema->columns[i].type, &shape);
        buffer_append_char(&shape, ';');
    }
    buffer_append_bytes(out, (Str){shape.data, shape.length});
    buffer_deinit(&shape);
}

static bool finish_restored(Sink *sink, Str pending, uint64_t restored_epoch, Error *error)
{
    Reader reader = reader_of(pending);
    Buffer shape = {0};
    append_shape(sink->schema, &shape);
    Reader own = reader_of((Str){shape.data, shape.length});
    bool fits = str_equal(reader_bytes(&reader), reader_bytes(&own));
    buffer_deinit(&shape);
    if (!fits && !reader.failed) {
        error_set(error, ERROR_STATE, "the columns of sink table \"%s\" have changed",
                  sink->info->name);
        return error_hint(error, "Start over with --fresh, or undo the change.");
    }
    SqliteChanges changes = {0};
    uint64_t done;
    bool good = sqlite_changes_decode(&changes, &reader);
    if (!good)
        error_set(error, ERROR_STATE, "the unfinished changes of sink table \"%s\" cannot be read",
                  sink->info->name);
    good = good && recorded_epoch(sink, &done, error) &&
           (done >= restored_epoch || apply(sink, &changes, restored_epoch, error));
    sqlite_changes_deinit(&changes);
    return good;
}

static bool is_in_wal(Sink *sink, bool *in_wal, Error *error)
{
    sqlite3_stmt *statement;
    if (!sqlite_table_prepare(&sink->table, "PRAGMA journal_mode", "opening it", &statement, error))
        return false;
    *in_wal = sqlite3_step(statement) == SQLITE_ROW &&
              strcmp((const char *)sqlite3_column_text(statement, 0), "wal") == 0;
    sqlite3_finalize(statement);
    return true;
}

/* How commits reach the disk. Without checkpoints nothing goes on from what was written, so a loss
 * of power may cost the last rows: a file in WAL mode stays whole all the same, and no commit waits
 * for the disk. */
static bool tune(Sink *sink, bool checkpointing, Error *error)
{
    bool in_wal;
    if (!is_in_wal(sink, &in_wal, error))
        return false;
    if (!in_wal)
        return true;
    sink->keeper = sqlite_keeper_new(&sink->table);
    return checkpointing ||
           sqlite_table_exec(&sink->table, "PRAGMA synchronous = NORMAL", "opening it", error);
}

static bool open_table(Sink *sink, const SinkContext *context, Error *error)
{
    if (!sqlite_table_open(&sink->table, context->table->options, true, error))
        return false;
    int exists = sqlite_table_exists(&sink->table, error);
    if (exists < 0 || (exists == 0 && !create_table(sink, error)) ||
        (exists == 1 && !check_table(sink, error)))
        return false;
    if (!prepare_upsert(sink, error) || (sink->keyed && !prepare_delete(sink, error)))
        return false;
    bool durable = context->checkpointing || context->restored_epoch != 0;
    if (!tune(sink, durable, error))
        return false;
    if (!durable)
        return true;
    if (!open_record(sink, context->restored_epoch == 0, error))
        return false;
    for (uint32_t i = 0; i < context->restored_count; i++)
        if (!finish_restored(sink, context->restored[i], context->restored_epoch, error))
            return false;
    return true;
}

static void sink_close(Sink *sink)
{
    sqlite_changes_deinit(&sink->prepared);
    sqlite_changes_deinit(&sink->changes);
    sqlite3_finalize(sink->upsert);
    sqlite3_finalize(sink->delete);
    sqlite3_finalize(sink->record);
    sqlite_keeper_free(sink->keeper, &sink->table);
    sqlite_table_close(&sink->table);
    buffer_deinit(&sink->text);
    arena_free(sink->batch_arena);
    arena_free(sink->arena);
    memory_free(sink);
}

static Sink *sink_open(const SinkContext *context, Error *error)
{
    Sink *sink = memory_zalloc(sizeof(*sink));
    const TableInfo *info = context->table;
    sink->info = info;
    sink->schema = info->physical;
    sink->zone = context->zone;
    sink->job = context->job;
    sink->sink_id = context->sink_id;
    sink->checkpointing = context->checkpointing;
    sink->keyed = info->primary_key_count != 0;
    sink->arena = arena_new(4096);
    sink->batch_arena = arena_new(65536);
    sink->row_layout = row_layout_of_schema(sink->arena, sink->schema);
    const Type **types = arena_new_array(sink->arena, const Type *, info->primary_key_count + 1);
    for (uint32_t i = 0; i < info->primary_key_count; i++)
        types[i] = sink->schema->columns[info->primary_key[i]].type;
    sink->key_layout = row_layout_new(sink->arena, types, info->primary_key_count);
    sink->key_columns = arena_new_array(sink->arena, const Vector *, info->primary_key_count + 1);
    if (open_table(sink, context, error))
        return sink;
    sink_close(sink);
    return NULL;
}

/* Whether what one epoch may hold is not passed. */
static bool check_room(const Sink *sink, Error *error)
{
    size_t bytes = sqlite_changes_bytes(&sink->prepared) + sqlite_changes_bytes(&sink->changes);
    if (bytes < EPOCH_BYTES_MAX)
        return true;
    error_set(error, ERROR_LIMIT, "the changes of one epoch for sink table \"%s\" take over 2 GiB",
              sink->info->name);
    return error_hint(error, "Shorten \"execution.checkpointing.interval\".");
}

static bool sink_write(Sink *sink, const Batch *batch, Error *error)
{
    Arena *arena = sink->batch_arena;
    arena_reset(arena);
    const Vector **columns = arena_new_array(arena, const Vector *, batch->column_count + 1);
    Str *rows = arena_new_array(arena, Str, batch->row_count + 1);
    Str *keys = arena_new_array(arena, Str, batch->row_count + 1);
    for (uint32_t i = 0; i < batch->column_count; i++)
        columns[i] = &batch->columns[i];
    row_encode(sink->row_layout, columns, NULL, batch->row_count, arena, rows);
    if (sink->keyed) {
        for (uint32_t i = 0; i < sink->info->primary_key_count; i++)
            sink->key_columns[i] = &batch->columns[sink->info->primary_key[i]];
        row_encode(sink->key_layout, sink->key_columns, NULL, batch->row_count, arena, keys);
    }
    for (uint32_t row = 0; row < batch->row_count; row++) {
        uint8_t kind = batch_kind(batch, row);
        if (kind != CHANGE_UPDATE_BEFORE)
            sqlite_changes_add(&sink->changes, sink->keyed, keys[row], rows[row],
                               kind == CHANGE_DELETE);
    }
    if (sink->checkpointing)
        return check_room(sink, error);
    return sqlite_changes_bytes(&sink->changes) < FLUSH_BYTES || apply_now(sink, error);
}

static bool sink_prepare(Sink *sink, uint64_t epoch, Buffer *pending, Error *error)
{
    if (sink->prepared_epoch == 0) {
        sink->prepared = sink->changes;
        sink->changes = (SqliteChanges){0};
    } else {
        /* The epoch before was declined. */
        if (!check_room(sink, error))
            return false;
        sqlite_changes_append(&sink->prepared, sink->keyed, &sink->changes);
        sqlite_changes_deinit(&sink->changes);
    }
    sink->prepared_epoch = epoch;
    append_shape(sink->schema, pending);
    sqlite_changes_encode(&sink->prepared, pending);
    return true;
}

static bool sink_commit(Sink *sink, uint64_t epoch, Error *error)
{
    if (sink->prepared_epoch == 0 || sink->prepared_epoch > epoch)
        return true;
    if (!apply(sink, &sink->prepared, sink->prepared_epoch, error))
        return false;
    sqlite_changes_deinit(&sink->prepared);
    sink->prepared_epoch = 0;
    return true;
}

static bool sink_finish(Sink *sink, Error *error)
{
    return sink->checkpointing || apply_now(sink, error);
}

static bool sink_flush(Sink *sink, Error *error)
{
    return sink->checkpointing || apply_now(sink, error);
}

const SinkClass sqlite_sink_class = {.open = sink_open,
                                     .write = sink_write,
                                     .prepare = sink_prepare,
                                     .commit = sink_commit,
                                     .finish = sink_finish,
                                     .close = sink_close,
                                     .flush = sink_flush};
