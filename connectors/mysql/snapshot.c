/* The snapshot: what the tables hold, read as one consistent picture whose binlog position is
 * exact (snapshot_part.c).
 *
 * Rows stream out in the order of the key, and the last key given is kept, so a snapshot that is
 * interrupted goes on behind it in a new part with a position of its own. The server compares keys,
 * in its own collation. Where the last rows given are bounded by no key (a table without one, rows
 * that share a value of a column the user chose to go by) the source is not settled: no position is
 * taken and a lost connection starts over from the last. With a chunk size a part ends after so
 * many rows of a table, so the server keeps no old rows for long. Cost: one row at a time from the
 * socket into the batch; memory does not depend on the table. */
#include <errno.h>
#include <inttypes.h>
#include <mysqld_error.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/clock.h"
#include "core/str.h"

void mysql_snapshot_close(MysqlSource *source)
{
    SnapshotReader *reader = &source->snapshot;
    /* An unread result would be read to its end by mysql_free_result: close the connection first.
     */
    if (reader->mysql != NULL && (reader->result != NULL || reader->asked)) {
        mysql_connection_cut(reader->mysql);
    }
    if (reader->result != NULL)
        mysql_free_result(reader->result);
    mysql_connection_close(reader->mysql);
    memory_free(reader->columns);
    buffer_deinit(&reader->last_key);
    reader->mysql = NULL;
    reader->result = NULL;
    reader->asked = false;
    reader->table = NULL;
    reader->columns = NULL;
    reader->in_part = reader->carried = false;
}

/* --------------------------------------------------------------- one table */

static void append_key_expression(const MysqlColumn *column, Buffer *sql)
{
    bool by_number = column->class == CLASS_ENUM || column->class == CLASS_SET ||
                     column->class == CLASS_BIT || column->class == CLASS_FLOAT;
    mysql_append_quoted(sql, column->name);
    if (by_number)
        buffer_append_text(sql, column->class == CLASS_FLOAT ? "+0e0" : "+0");
}

/* Behind the last key: k1 >= a AND (k1 > a OR (k1 = a AND (k2 > b))). */
static void append_behind(const CapturedTable *table, const KeyBound *bound, Buffer *sql)
{
    const MysqlTable *schema = table->schema;
    buffer_append_text(sql, " WHERE ");
    if (schema->key_count > 1) {
        append_key_expression(&schema->columns[schema->key[0]], sql);
        buffer_printf(sql, ">=%s AND ", mysql_bound_literal(bound, 0));
    }
    for (uint32_t i = 0; i < schema->key_count; i++) {
        const MysqlColumn *column = &schema->columns[schema->key[i]];
        const char *literal = mysql_bound_literal(bound, i);
        buffer_append_char(sql, '(');
        append_key_expression(column, sql);
        buffer_printf(sql, ">%s", literal);
        if (i + 1 < schema->key_count) {
            buffer_append_text(sql, " OR (");
            append_key_expression(column, sql);
            buffer_printf(sql, "=%s AND ", literal);
        }
    }
    for (uint32_t i = 0; i < schema->key_count; i++)
        buffer_append_text(sql, i + 1 == schema->key_count ? ")" : "))");
}

/* Where key column `key` stands among the selected columns; their count when it does not, or is
 * selected in another form than it is compared in. */
static uint32_t selected_key(const SnapshotReader *reader, const MysqlTable *schema, uint32_t key)
{
    const MysqlColumn *column = &schema->columns[schema->key[key]];
    Buffer compared = {0}, selected = {0};
    append_key_expression(column, &compared);
    mysql_column_select(column, &selected);
    uint32_t at = reader->column_count;
    for (uint32_t i = 0; i < reader->column_count; i++)
        if (reader->columns[i] == schema->key[key])
            at = i;
    if (strcmp(buffer_text(&compared), buffer_text(&selected)) != 0)
        at = reader->column_count;
    buffer_deinit(&compared);
    buffer_deinit(&selected);
    return at;
}

/* The selected columns, then those key columns that are not among them. */
static void append_columns(SnapshotReader *reader, const CapturedTable *table, Buffer *sql)
{
    const ScanInfo *info = table->scan->info;
    const MysqlTable *schema = table->schema;
    uint32_t count = info->column_count;
    reader->column_count = count;
    reader->columns = memory_alloc(sizeof(uint32_t) * (count + schema->key_count + 1));
    reader->keys = reader->columns + count;
    for (uint32_t i = 0; i < count; i++) {
        reader->columns[i] = (uint32_t)mysql_table_find(
            schema, info->table->physical->columns[info->columns[i]].name);
        buffer_append_text(sql, i == 0 ? "" : ", ");
        mysql_column_select(&schema->columns[reader->columns[i]], sql);
    }
    uint32_t next = count;
    for (uint32_t i = 0; i < schema->key_count; i++) {
        reader->keys[i] = selected_key(reader, schema, i);
        if (reader->keys[i] != count)
            continue;
        buffer_append_text(sql, next == 0 ? "" : ", ");
        append_key_expression(&schema->columns[schema->key[i]], sql);
        reader->keys[i] = next++;
    }
    if (next == 0)
        buffer_append_text(sql, "1");
}

static bool table_ask(MysqlSource *source, CapturedTable *table, Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    const MysqlTable *schema = table->schema;
    Buffer sql = {0};
    buffer_append_text(&sql, "SELECT ");
    append_columns(reader, table, &sql);
    buffer_append_text(&sql, " FROM ");
    mysql_append_quoted(&sql, table->database);
    buffer_append_char(&sql, '.');
    mysql_append_quoted(&sql, table->name);
    if (table->state == TABLE_READING)
        append_behind(table, &table->bounds[table->bound_count - 1], &sql);
    for (uint32_t i = 0; i < schema->key_count; i++) {
        buffer_append_text(&sql, i == 0 ? " ORDER BY " : ", ");
        append_key_expression(&schema->columns[schema->key[i]], &sql);
    }
    /* A part of bounded length: the server needs not keep old versions of rows for long. Where keys
     * repeat it ends at the next other key, so the server cannot count. */
    reader->table_rows = 0;
    reader->carried = false;
    buffer_clear(&reader->last_key);
    reader->table_limit = schema->key_count == 0 ? 0 : source->chunk_rows;
    if (reader->table_limit != 0 && !table->key_repeats)
        buffer_printf(&sql, " LIMIT %" PRIu64, reader->table_limit);
    bool good = mysql_send_query(reader->mysql, buffer_text(&sql), (unsigned long)sql.length) == 0;
    buffer_deinit(&sql);
    if (!good)
        return mysql_connection_error(reader->mysql, "read a table", error);
    reader->asked = true;
    reader->table = table;
    return true;
}

/* Met by whoever takes a position where source.settled said that there is none. */
static bool cannot_resume(const CapturedTable *table, Error *error)
{
    error_set(error, ERROR_STATE,
              "the snapshot of table \"%s.%s\" was interrupted and cannot go "
              "on: the table has no primary or unique key",
              table->database, table->name);
    return error_hint(error, "Start the job afresh, give the table a primary key, or name a column "
                             "to go by in \"scan.incremental.snapshot.chunk.key-column\".");
}

static bool table_begin(MysqlSource *source, CapturedTable *table, Error *error)
{
    if (table->schema == NULL && !mysql_captured_refresh(source, table, error))
        return false;
    if (table->state == TABLE_READING && table->schema->key_count == 0)
        return cannot_resume(table, error);
    return table_ask(source, table, error);
}

/* The bound of this part: made with the first rows given. */
static KeyBound *table_bound(const SnapshotReader *reader)
{
    CapturedTable *table = reader->table;
    if (table->bound_count > 0 && table->bounds[table->bound_count - 1].part == reader->part)
        return &table->bounds[table->bound_count - 1];
    table->bounds = memory_realloc(table->bounds, (table->bound_count + 1) * sizeof(KeyBound));
    KeyBound *bound = &table->bounds[table->bound_count++];
    *bound = (KeyBound){.part = reader->part};
    return bound;
}

/* The row's key as literals, each ended by a zero byte. */
static bool print_key(const SnapshotReader *reader, MYSQL_ROW row, const unsigned long *lengths,
                      Buffer *out, Error *error)
{
    const MysqlTable *schema = reader->table->schema;
    buffer_clear(out);
    for (uint32_t i = 0; i < schema->key_count; i++) {
        const MysqlColumn *column = &schema->columns[schema->key[i]];
        uint32_t at = reader->keys[i];
        MysqlColumn number = {
            .name = column->name, .type_text = column->type_text, .class = CLASS_INTEGER};
        bool by_number =
            column->class == CLASS_ENUM || column->class == CLASS_SET || column->class == CLASS_BIT;
        MysqlValue value = {0};
        if (row[at] == NULL ||
            !mysql_value_parse(by_number ? &number : column, (Str){row[at], lengths[at]}, &value,
                               error) ||
            !mysql_value_literal(column, &value, out))
            return error_set(error, ERROR_UNSUPPORTED,
                             "key column \"%s\" has a value that cannot "
                             "be compared",
                             column->name);
        buffer_append_char(out, '\0');
    }
    return true;
}

/* Everything up to this row was given, or will be with the batch being built. */
static bool remember_key(const SnapshotReader *reader, MYSQL_ROW row, const unsigned long *lengths,
                         Error *error)
{
    reader->table->state = TABLE_READING;
    return print_key(reader, row, lengths, &table_bound(reader)->key, error);
}

/* ------------------------------------------------------------------- reading */

static bool store_row(const MysqlSource *source, Batch *batch, MYSQL_ROW row,
                      const unsigned long *lengths, Error *error)
{
    const SnapshotReader *reader = &source->snapshot;
    const MysqlTable *schema = reader->table->schema;
    MysqlValue value;
    for (uint32_t i = 0; i < reader->column_count; i++) {
        const MysqlColumn *column = &schema->columns[reader->columns[i]];
        value.kind = VALUE_NULL;
        if ((row[i] != NULL &&
             !mysql_value_parse(column, (Str){row[i], lengths[i]}, &value, error)) ||
            !mysql_value_store(column, &value, reader->table->scan->zone, &batch->columns[i],
                               batch->row_count, batch->arena, error))
            return error_prefix(error, "table \"%s.%s\": ", schema->database, schema->name);
    }
    batch->row_count++;
    return true;
}

/* The answer is read: the table is, or as much of it as this part takes. */
static void answer_finish(MysqlSource *source)
{
    SnapshotReader *reader = &source->snapshot;
    /* Where keys repeat, parts end before a row; when there is none the table is over. */
    bool part_is_full = !reader->table->key_repeats && reader->table_limit != 0 &&
                        reader->table_rows >= reader->table_limit;
    if (!part_is_full) {
        table_bound(reader)->all = true;
        reader->table->state = TABLE_READY;
    } else {
        reader->in_part = false;
    }
    reader->unsettled = false;
    mysql_free_result(reader->result);
    memory_free(reader->columns);
    reader->result = NULL;
    reader->columns = NULL;
    reader->table = NULL;
}

/* Stops an answer in the middle: the server sends the rest of it until the connection closes. */
static void answer_cut(MysqlSource *source)
{
    SnapshotReader *reader = &source->snapshot;
    reader->in_part = reader->unsettled = false;
    mysql_snapshot_close(source);
}

typedef enum RowEnd { ROW_GOES_ON, ROW_ENDS_BATCH, ROW_ENDS_PART, ROW_FAILED } RowEnd;

/* Whether a row begins a batch or part of its own: where keys repeat, batches and parts end between
 * two keys, so that going on behind the last one loses none. A batch that is full before that is
 * given, and no position taken until the key changes. */
static RowEnd judge_row(MysqlSource *source, const Batch *batch, const unsigned long *lengths,
                        Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    Buffer key = {0};
    if (!print_key(reader, reader->row, lengths, &key, error)) {
        buffer_deinit(&key);
        return ROW_FAILED;
    }
    bool changed = reader->last_key.length != 0 &&
                   !str_equal((Str){key.data, key.length},
                              (Str){reader->last_key.data, reader->last_key.length});
    bool due = batch->row_count >= BATCH_ROWS_MAX / 2 || reader->unsettled;
    bool part = reader->table_limit != 0 && reader->table_rows >= reader->table_limit;
    RowEnd end = !changed ? ROW_GOES_ON : part ? ROW_ENDS_PART : due ? ROW_ENDS_BATCH : ROW_GOES_ON;
    if (end == ROW_ENDS_BATCH || end == ROW_ENDS_PART) {
        KeyBound *bound = table_bound(reader);
        buffer_clear(&bound->key);
        buffer_append(&bound->key, reader->last_key.data, reader->last_key.length);
        reader->table->state = TABLE_READING;
        reader->unsettled = false;
    }
    buffer_clear(&reader->last_key);
    buffer_append(&reader->last_key, key.data, key.length);
    buffer_deinit(&key);
    return end;
}

/* Rows into the batch until it is full, the answer's end (`reader->row` is NULL) or the part's. */
static RowEnd fill_batch(MysqlSource *source, Batch *batch, Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    const CapturedTable *table = reader->table;
    while (batch->row_count < BATCH_ROWS_MAX) {
        bool carried = reader->carried;
        reader->carried = false;
        if (!carried)
            reader->row = mysql_fetch_row(reader->result);
        if (reader->row == NULL)
            return ROW_ENDS_BATCH;
        const unsigned long *lengths = mysql_fetch_lengths(reader->result);
        RowEnd end =
            table->key_repeats && !carried ? judge_row(source, batch, lengths, error) : ROW_GOES_ON;
        if (end != ROW_GOES_ON) {
            reader->carried = end == ROW_ENDS_BATCH;
            return end;
        }
        if (!store_row(source, batch, reader->row, lengths, error))
            return ROW_FAILED;
        reader->table_rows++;
        bool full = batch->row_count == BATCH_ROWS_MAX || arena_bytes(batch->arena) > (16u << 20);
        bool last = reader->table_rows == reader->table_limit;
        bool bounds = table->schema->key_count > 0 && !table->key_repeats;
        if ((full || last) && bounds && !remember_key(reader, reader->row, lengths, error))
            return ROW_FAILED;
        if (full) {
            reader->unsettled = !bounds;
            if (table->schema->key_count == 0)
                reader->table->state = TABLE_READING;
            return ROW_ENDS_BATCH;
        }
    }
    return ROW_ENDS_BATCH;
}

/* Up to a batch of rows; NULL where there are no more. */
static bool read_rows(MysqlSource *source, Batch **out, Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    CapturedTable *table = reader->table;
    Batch *batch = batch_new(table->scan->info->schema, BATCH_ROWS_MAX);
    *out = NULL;
    RowEnd end = fill_batch(source, batch, error);
    if (end != ROW_FAILED && reader->row == NULL && mysql_errno(reader->mysql) != 0) {
        mysql_connection_error(reader->mysql, "read a table", error);
        end = ROW_FAILED;
    }
    if (end == ROW_FAILED || batch->row_count == 0) {
        batch_release(batch);
        batch = NULL;
    }
    if (end == ROW_FAILED)
        return false;
    if (batch != NULL) {
        const MysqlPosition *at = &source->parts[reader->part];
        mysql_scan_metadata(table->scan, batch, 0, batch->row_count,
                            &(RowOrigin){.database = table->database,
                                         .table = table->name,
                                         .file = at->file,
                                         .offset = at->offset});
        table->touched = true;
        reader->rows += batch->row_count;
        *out = batch;
    }
    if (end == ROW_ENDS_PART)
        answer_cut(source);
    else if (reader->row == NULL)
        answer_finish(source);
    return true;
}

typedef enum AnswerState { ANSWER_READY, ANSWER_LATE, ANSWER_FAILED } AnswerState;

/* The answer's first packet, without blocking past the timeout. */
static AnswerState wait_answer(MysqlSource *source, int64_t timeout_ms, Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    struct pollfd wait[2] = {{(int)mysql_get_socket(reader->mysql), POLLIN, 0},
                             {source->wake_fd, POLLIN, 0}};
    int ready = poll(wait, 2, timeout_ms > 3600000 ? 3600000 : (int)timeout_ms);
    if (ready < 0 && errno != EINTR) {
        error_set(error, ERROR_NETWORK, "could not wait for the server: %s", strerror(errno));
        return ANSWER_FAILED;
    }
    if (ready <= 0 || wait[0].revents == 0)
        return ANSWER_LATE;
    if (mysql_read_query_result(reader->mysql) == 0) {
        reader->asked = false;
        reader->result = mysql_use_result(reader->mysql);
    }
    if (reader->result != NULL)
        return ANSWER_READY;
    mysql_connection_error(reader->mysql, "read a table", error);
    return ANSWER_FAILED;
}

static CapturedTable *next_table(MysqlSource *source)
{
    /* Tables without a key first: only they cannot be gone on with. */
    CapturedTable *found = NULL;
    for (uint32_t i = 0; i < source->table_count; i++) {
        CapturedTable *table = source->tables[i];
        if (table->state == TABLE_READY)
            continue;
        if (table->schema != NULL && table->schema->key_count == 0)
            return table;
        if (found == NULL)
            found = table;
    }
    return found;
}

static void measure(MysqlSource *source)
{
    SnapshotReader *reader = &source->snapshot;
    reader->measured = true;
    for (uint32_t i = 0; i < source->table_count; i++) {
        const CapturedTable *table = source->tables[i];
        if (table->state != TABLE_READY && table->schema != NULL)
            reader->rows_expected += table->schema->rows_estimate;
    }
}

/* Whether the snapshot can go on in a new part after this error. */
static bool may_go_on(MysqlSource *source, const Error *error)
{
    return error_retryable(error) && !source->snapshot.unsettled &&
           source->snapshot_retries < source->max_retries;
}

static SourceState step(MysqlSource *source, int64_t timeout_ms, Batch **batch, uint32_t *scan,
                        Error *error)
{
    SnapshotReader *reader = &source->snapshot;
    for (;;) {
        if (reader->result != NULL) {
            CapturedTable *table = reader->table;
            if (!read_rows(source, batch, error))
                return SOURCE_FAILED;
            *scan = table->scan_index;
            if (*batch != NULL) {
                source->snapshot_retries = 0;
                return SOURCE_BATCH;
            }
            continue;
        }
        if (reader->asked) {
            AnswerState answer = wait_answer(source, timeout_ms, error);
            if (answer == ANSWER_FAILED)
                return SOURCE_FAILED;
            if (answer == ANSWER_LATE)
                return SOURCE_IDLE;
            continue;
        }
        CapturedTable *table = next_table(source);
        if (table == NULL) {
            mysql_snapshot_close(source);
            source->snapshot_done = true;
            return SOURCE_END;
        }
        if (!reader->measured)
            measure(source);
        SnapshotPart part =
            reader->in_part ? SNAPSHOT_PART_BEGUN : mysql_snapshot_part(source, error);
        if (part != SNAPSHOT_PART_BEGUN)
            return part == SNAPSHOT_PART_LATER ? SOURCE_IDLE : SOURCE_FAILED;
        if (!table_begin(source, table, error))
            return SOURCE_FAILED;
    }
}

SourceState mysql_snapshot_next(MysqlSource *source, int64_t timeout_ms, Batch **batch,
                                uint32_t *scan, Error *error)
{
    Error first = {0};
    int64_t now_us = clock_monotonic_us();
    if (now_us < source->snapshot_retry_at_us) {
        int64_t wait_us = source->snapshot_retry_at_us - now_us;
        clock_sleep_us(wait_us < timeout_ms * 1000 ? wait_us : timeout_ms * 1000);
        return SOURCE_IDLE;
    }
    SourceState state = step(source, timeout_ms, batch, scan, &first);
    if (state != SOURCE_FAILED)
        return state;
    if (may_go_on(source, &first)) {
        mysql_snapshot_close(source);
        int64_t delay_ms = mysql_retry_delay_ms(source->snapshot_retries++);
        source->snapshot_retry_at_us = now_us + delay_ms * 1000;
        mysql_source_notice(source, "snapshot interrupted (%s), going on in %" PRId64 " ms",
                            first.message, delay_ms);
        return SOURCE_IDLE;
    }
    if (error != NULL)
        *error = first;
    return SOURCE_FAILED;
}

bool mysql_snapshot_settled(const MysqlSource *source)
{
    return !source->snapshot.unsettled;
}

void mysql_snapshot_progress(MysqlSource *source, SourceProgress *out)
{
    out->snapshot = !source->snapshot_done;
    out->unsettled = source->snapshot.unsettled;
    out->rows_expected = source->snapshot.rows_expected;
}
