/* Reading a server's table once: pages of rows in the order of its key, all of one moment.
 *
 * The position is the last key that was given; a restart goes on behind it, in a later picture of
 * the table. A table without a key that can be compared here is read by one question, and has no
 * position before its end: an epoch waits for that. Cost: one round trip a page. */
#include <stdio.h>
#include <string.h>

#include "connectors/mysql/plain.h"

#define PAGE_ROWS 16384
#define SPLIT     STR("table")

struct Source {
    MysqlPlain plain;
    bool has_key;
    MYSQL_RES *result; /* the page being read; NULL: none */
    uint64_t page_rows;
    Buffer last_key; /* a literal per key column, each ended by a zero byte; empty: at the start */
    bool started;
    bool ended;
    uint64_t rows;
};

/* ------------------------------------------------------------------------- key */

/* Whether the key's values can be written as literals that sort as the column does. */
static bool key_compares(const MysqlTable *schema)
{
    for (uint32_t i = 0; i < schema->key_count; i++) {
        MysqlClass class = schema->columns[schema->key[i]].class;
        bool good = class == CLASS_INTEGER || class == CLASS_YEAR || class == CLASS_DECIMAL ||
                    class == CLASS_TEXT || class == CLASS_BYTES ||
                    (class >= CLASS_DATE && class <= CLASS_TIMESTAMP);
        if (!good)
            return false;
    }
    return schema->key_count != 0;
}

static void append_key(const MysqlTable *schema, Buffer *sql)
{
    for (uint32_t i = 0; i < schema->key_count; i++) {
        buffer_append_text(sql, i == 0 ? "" : ", ");
        mysql_append_quoted(sql, schema->columns[schema->key[i]].name);
    }
}

/* a > x OR (a = x AND (b > y OR …)) */
static void append_behind(const Source *source, Buffer *sql)
{
    const MysqlTable *schema = source->plain.schema;
    const char *literal = source->last_key.data;
    buffer_append_text(sql, " WHERE ");
    for (uint32_t i = 0; i < schema->key_count; i++) {
        const char *name = schema->columns[schema->key[i]].name;
        bool is_last = i + 1 == schema->key_count;
        mysql_append_quoted(sql, name);
        buffer_printf(sql, ">%s", literal);
        if (!is_last) {
            buffer_append_text(sql, " OR (");
            mysql_append_quoted(sql, name);
            buffer_printf(sql, "=%s AND (", literal);
        }
        literal += strlen(literal) + 1;
    }
    for (uint32_t i = 1; i < schema->key_count; i++)
        buffer_append_text(sql, "))");
}

static bool note_key(Source *source, MYSQL_ROW row, const unsigned long *lengths, Error *error)
{
    const MysqlTable *schema = source->plain.schema;
    buffer_clear(&source->last_key);
    for (uint32_t i = 0; i < schema->key_count; i++) {
        const MysqlColumn *column = &schema->columns[schema->key[i]];
        uint32_t at = source->plain.scan->column_count + i;
        MysqlValue value = {0};
        if (row[at] == NULL ||
            !mysql_value_parse(column, (Str){row[at], lengths[at]}, &value, error) ||
            !mysql_value_literal(column, &value, &source->last_key))
            return error_set(error, ERROR_UNSUPPORTED,
                             "key column \"%s\" has a value that cannot be compared", column->name);
        buffer_append_char(&source->last_key, '\0');
    }
    return true;
}

/* --------------------------------------------------------------------- reading */

static bool ask_page(Source *source, Error *error)
{
    MysqlPlain *plain = &source->plain;
    Buffer more = {0}, sql = {0};
    if (source->has_key)
        append_key(plain->schema, &more);
    mysql_plain_select(plain, buffer_text(&more), &sql);
    if (source->has_key) {
        if (source->last_key.length != 0)
            append_behind(source, &sql);
        buffer_append_text(&sql, " ORDER BY ");
        append_key(plain->schema, &sql);
        buffer_printf(&sql, " LIMIT %d", PAGE_ROWS);
    }
    bool good = mysql_plain_ask(plain, &sql, error);
    buffer_deinit(&more);
    buffer_deinit(&sql);
    if (!good)
        return false;
    source->page_rows = 0;
    source->started = true;
    source->result = mysql_use_result(plain->mysql);
    return source->result != NULL || mysql_plain_error(plain, "read a table", error);
}

static void end_page(Source *source)
{
    mysql_free_result(source->result);
    source->result = NULL;
    source->ended = !source->has_key || source->page_rows < PAGE_ROWS;
}

static bool fill_batch(Source *source, Batch *batch, Error *error)
{
    MysqlPlain *plain = &source->plain;
    while (batch->row_count < BATCH_ROWS_MAX) {
        MYSQL_ROW row = mysql_fetch_row(source->result);
        if (row == NULL && mysql_errno(plain->mysql) != 0)
            return mysql_plain_error(plain, "read a table", error);
        if (row == NULL) {
            end_page(source);
            return true;
        }
        const unsigned long *lengths = mysql_fetch_lengths(source->result);
        if (!mysql_plain_store(plain, row, lengths, batch, error) ||
            (source->has_key && !note_key(source, row, lengths, error)))
            return false;
        source->page_rows++;
    }
    return true;
}

static SourceState source_next(Source *source, int64_t timeout_ms, Batch **out, uint32_t *scan,
                               Error *error)
{
    while (!source->ended) {
        if (source->result == NULL && !ask_page(source, error))
            return SOURCE_FAILED;
        Batch *batch = batch_new(source->plain.scan->schema, BATCH_ROWS_MAX);
        bool good = fill_batch(source, batch, error);
        if (good && batch->row_count != 0) {
            source->rows += batch->row_count;
            *out = batch;
            *scan = 0;
            return SOURCE_BATCH;
        }
        batch_release(batch);
        if (!good)
            return SOURCE_FAILED;
    }
    return SOURCE_END;
}

/* -------------------------------------------------------------------- position */

static bool source_settled(Source *source)
{
    return source->has_key || source->ended || !source->started;
}

static bool source_position(Source *source, void (*add)(void *to, Str split, Str position),
                            void *to, Error *error)
{
    Buffer position = {0};
    buffer_append_u8(&position, source->ended);
    buffer_append_bytes(&position, (Str){source->last_key.data, source->last_key.length});
    add(to, SPLIT, (Str){position.data, position.length});
    buffer_deinit(&position);
    return true;
}

static bool restore(Source *source, const SourceContext *context, Error *error)
{
    for (uint32_t i = 0; i < context->restored_count; i++) {
        Reader position = reader_of(context->restored[i].position);
        source->ended = reader_u8(&position) != 0;
        Str key = reader_bytes(&position);
        if (position.failed)
            return error_set(error, ERROR_STATE, "the position of a mysql source cannot be read");
        buffer_append_str(&source->last_key, key);
    }
    return true;
}

static bool is_whole_key(const Source *source)
{
    uint32_t literals = 0;
    for (size_t i = 0; i < source->last_key.length; i++)
        literals += source->last_key.data[i] == '\0';
    return literals == 0 || literals == source->plain.schema->key_count;
}

/* -------------------------------------------------------------------- lifetime */

static void source_close(Source *source)
{
    /* An unread answer would be read to its end: it goes with the connection. */
    if (source->result != NULL && source->plain.mysql != NULL)
        mysql_connection_cut(source->plain.mysql);
    if (source->result != NULL)
        mysql_free_result(source->result);
    mysql_plain_deinit(&source->plain);
    buffer_deinit(&source->last_key);
    memory_free(source);
}

static bool open_table(Source *source, const SourceContext *context, Error *error)
{
    if (!restore(source, context, error) || !mysql_plain_connect(&source->plain, error))
        return false;
    source->has_key = key_compares(source->plain.schema);
    if (!is_whole_key(source) || (source->last_key.length != 0 && !source->has_key))
        return error_set(error, ERROR_SCHEMA, "the key of table \"%s.%s\" has changed since",
                         source->plain.place.database, source->plain.place.table);
    return mysql_connection_run(source->plain.mysql,
                                "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ", error) &&
           mysql_connection_run(source->plain.mysql, "START TRANSACTION WITH CONSISTENT SNAPSHOT",
                                error);
}

static Source *source_open(const SourceContext *context, Error *error)
{
    Source *source = memory_zalloc(sizeof(*source));
    if (!mysql_plain_init(&source->plain, &context->scans[0], context->zone, error)) {
        memory_free(source);
        return NULL;
    }
    source->plain.stopped = context->interrupted;
    source->plain.stopped_to = context->interrupted_to;
    if (open_table(source, context, error))
        return source;
    source_close(source);
    return NULL;
}

static void source_progress(Source *source, SourceProgress *out)
{
    *out = (SourceProgress){
        .rows = source->rows,
        .rows_expected = source->plain.schema == NULL ? 0 : source->plain.schema->rows_estimate,
        .snapshot = !source->ended,
        .unsettled = !source_settled(source),
        .seconds_behind = -1};
    snprintf(out->position, sizeof(out->position), "%s.%s, row %llu", source->plain.place.database,
             source->plain.place.table, (unsigned long long)source->rows);
}

const SourceClass mysql_source_class = {
    .open = source_open,
    .next = source_next,
    .position = source_position,
    .close = source_close,
    .settled = source_settled,
    .progress = source_progress,
};
