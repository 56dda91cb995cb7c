/* Events of the binlog to transactions, rows events to change batches.
 *
 * Invariant: `tail` is a boundary between transactions; `since` of each scan counts what was
 * decoded behind the base. An XA transaction stays in the list of the prepared ones until its last
 * row was decoded.
 * Rows of a transaction are given as they come: the binlog has only what was committed. Memory
 * holds one event, whatever the transaction's size. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/source.h"
#include "core/str.h"

/* A batch is given early when its strings take this much. */
#define BUILDER_BYTES_MAX (8u << 20)
#define MAPS_MAX          4096

/* ------------------------------------------------------------------ places */

bool mysql_capture_place(const MysqlSource *source, Error *error)
{
    const BinlogReader *reader = &source->reader;
    return error_place(error, "binlog %s:%" PRIu64 "%s%s", reader->file, reader->event_offset,
                       reader->gtid_text[0] != '\0' ? ", transaction " : "", reader->gtid_text);
}

static MysqlPosition transaction_start(const BinlogReader *reader)
{
    MysqlPosition start = {.offset = reader->transaction_start};
    memcpy(start.file, reader->file, sizeof(start.file));
    return start;
}

/* ---------------------------------------------------------------- table maps */

static void map_free(MapEntry *entry)
{
    buffer_deinit(&entry->body);
    arena_free(entry->arena);
    memory_free(entry);
}

void mysql_capture_forget_maps(BinlogReader *reader)
{
    for (uint32_t i = 0; i < reader->map_count; i++)
        map_free(reader->maps[i]);
    reader->map_count = 0;
}

static MapEntry *map_find(const BinlogReader *reader, uint64_t id)
{
    /* The latest statement's tables are the likely ones. */
    for (uint32_t i = reader->map_count; i > 0; i--) {
        if (reader->maps[i - 1]->id == id)
            return reader->maps[i - 1];
    }
    return NULL;
}

static MapEntry *map_add(BinlogReader *reader, uint64_t id)
{
    if (reader->map_count == MAPS_MAX)
        mysql_capture_forget_maps(reader);
    if (reader->map_count == reader->map_capacity) {
        reader->map_capacity = reader->map_capacity == 0 ? 16 : reader->map_capacity * 2;
        reader->maps = memory_realloc(reader->maps, reader->map_capacity * sizeof(MapEntry *));
    }
    MapEntry *entry = memory_zalloc(sizeof(MapEntry));
    entry->id = id;
    reader->maps[reader->map_count++] = entry;
    return entry;
}

/* A statement that maps a child of a foreign key and has no rows of it changed the parent: the
 * server itself may have changed rows of the child, and logs none of that. Said once, with its
 * place. */
static void tell_cascades(MysqlSource *source)
{
    BinlogReader *reader = &source->reader;
    reader->awaits = false;
    for (uint32_t i = 0; i < reader->map_count; i++) {
        MapEntry *entry = reader->maps[i];
        bool awaited = entry->awaited;
        entry->awaited = false;
        for (uint32_t k = 0; awaited && k < entry->binding_count; k++) {
            CapturedTable *table = entry->bindings[k].table;
            if (table->cascades && !table->cascade_told)
                mysql_source_notice(source,
                                    "table \"%s.%s\": a change of its parent at %s:%" PRIu64
                                    " may have changed rows of it by foreign key, which the binlog "
                                    "does not say",
                                    table->database, table->name, reader->file,
                                    reader->transaction_start);
            table->cascade_told = true;
        }
    }
}

static void await_rows(MysqlSource *source, MapEntry *entry)
{
    bool cascades = false;
    for (uint32_t i = 0; i < entry->binding_count; i++)
        cascades = cascades || entry->bindings[i].table->cascades;
    if (!cascades)
        return;
    if (entry->awaited) /* of the statement before */
        tell_cascades(source);
    entry->awaited = true;
    source->reader.awaits = true;
}

static bool on_table_map(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    uint64_t id = 0;
    if (!binlog_table_id(&reader->format, event, &id, error))
        return false;
    Str body = {(const char *)event->body, (size_t)(event->end - event->body)};
    MapEntry *entry = map_find(reader, id);
    if (entry != NULL && str_equal(body, (Str){entry->body.data, entry->body.length})) {
        bool stale = false;
        for (uint32_t i = 0; i < entry->binding_count; i++)
            stale = stale || entry->bindings[i].table->stale;
        if (!stale) {
            await_rows(source, entry);
            return true;
        }
    }
    if (entry == NULL)
        entry = map_add(reader, id);
    buffer_clear(&entry->body);
    buffer_append_str(&entry->body, body);
    arena_free(entry->arena);
    entry->arena = arena_new(2048);
    entry->binding_count = 0;
    entry->map = binlog_read_table_map(&reader->format, event, entry->arena, error);
    if (entry->map == NULL || !mysql_map_bind(source, entry, error)) {
        /* Never taken for a table that nobody wants. */
        buffer_clear(&entry->body);
        return false;
    }
    await_rows(source, entry);
    return true;
}

/* -------------------------------------------------------------------- rows */

static bool not_full(const TableMap *map, Error *error)
{
    error_set(error, ERROR_UNSUPPORTED, "table \"%s.%s\": a row in the binlog lacks columns",
              map->database, map->table);
    return error_hint(error,
                      "Set binlog_row_image=FULL, also in sessions that changed it, and start "
                      "again from a snapshot.");
}

static bool on_rows(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    uint64_t id = 0;
    if (!binlog_table_id(&reader->format, event, &id, error))
        return false;
    MapEntry *entry = map_find(reader, id);
    if (entry == NULL && id == TABLE_ID_DUMMY)
        return true;
    if (entry == NULL)
        return binlog_malformed(event->type, "no TABLE_MAP came before it", error);
    entry->awaited = false;
    /* Rows of an XA transaction are of the time it was committed. */
    uint32_t timestamp = reader->replaying != NULL ? reader->decided_at : event->timestamp;
    bool before_start = source->start_timestamp != 0 && timestamp < source->start_timestamp;
    uint64_t skip = reader->skip_events == 0 ? reader->skip_rows : 0;
    reader->skip_rows -= skip;
    if (entry->binding_count == 0 || before_start)
        return true;
    RowsCursor *cursor = &reader->cursor;
    cursor->skip = skip > UINT32_MAX ? UINT32_MAX : (uint32_t)skip;
    if (!binlog_read_rows(&reader->format, event, &reader->scratch, &cursor->rows, error))
        return false;
    if (cursor->rows.column_count != entry->map->column_count)
        return binlog_malformed(event->type, "its columns are not its table's", error);
    if (!binlog_rows_are_full(&cursor->rows))
        return not_full(entry->map, error);
    cursor->active = true;
    cursor->entry = entry;
    cursor->binding = 0;
    cursor->binding_ready = false;
    cursor->op_ts_us = (int64_t)timestamp * MICROS_PER_SECOND;
    reader->last_event_us = cursor->op_ts_us;
    return true;
}

/* Asks which keys of the event a snapshot had read; one byte per change. */
static bool judge_changes(MysqlSource *source, const MapBinding *binding, const KeyBound *bound,
                          Error *error)
{
    RowsCursor *cursor = &source->reader.cursor;
    bool update = cursor->rows.kind == ROWS_UPDATE;
    Buffer keys = {0};
    uint32_t count = 0;
    const uint8_t *at = cursor->rows.rows;
    bool good = true;
    while (good && at < cursor->rows.end) {
        Buffer literals = {0};
        uint32_t ends[KEY_COLUMNS_MAX];
        if (cursor->rows.partial_json && count % 2 == 1)
            good = binlog_row_skip_partial_head(&binding->key_plan, &at, cursor->rows.end, error);
        good = good && binlog_row_key_literals(&binding->key_plan, &at, cursor->rows.end, &literals,
                                               ends, &source->reader.text_scratch, error);
        uint32_t start = 0;
        for (uint32_t k = 0; good && k < binding->key_plan.key_count; k++) {
            buffer_append(&keys, literals.data + start, ends[k] - start);
            buffer_append_char(&keys, '\0');
            start = ends[k];
        }
        buffer_deinit(&literals);
        count++;
    }
    uint8_t *within = memory_zalloc(count + 1);
    if (good && count > 0)
        good = mysql_keys_compare(source, binding->table, bound, &keys, count, within, error);
    memory_free(cursor->verdicts);
    cursor->verdicts = memory_zalloc(count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!update)
            cursor->verdicts[i] = within[i] != 0 ? 3 : 0;
        else if (within[i] != 0)
            cursor->verdicts[i / 2] = (uint8_t)(cursor->verdicts[i / 2] | (1u << (i % 2)));
    }
    memory_free(within);
    buffer_deinit(&keys);
    return good;
}

/* Prepares the next binding of the event; skips those that want none of its rows. */
static bool cursor_next_binding(MysqlSource *source, Error *error)
{
    BinlogReader *reader = &source->reader;
    RowsCursor *cursor = &reader->cursor;
    for (; cursor->binding < cursor->entry->binding_count; cursor->binding++) {
        MapBinding *binding = &cursor->entry->bindings[cursor->binding];
        const KeyBound *bound = NULL;
        Visibility visibility = ROWS_COUNT;
        if (binding->table->bound_count != 0) {
            MysqlPosition start = transaction_start(reader);
            visibility = mysql_captured_visibility(source, binding->table, &start,
                                                   reader->has_gtid ? &reader->gtid : NULL, &bound);
        }
        if (visibility == ROWS_DROPPED)
            continue;
        memory_free(cursor->verdicts);
        cursor->verdicts = NULL;
        if (visibility == ROWS_BY_KEY && !judge_changes(source, binding, bound, error))
            return false;
        cursor->at = cursor->rows.rows;
        cursor->change = 0;
        cursor->binding_ready = true;
        binding->table->touched = true;
        return true;
    }
    cursor->active = false;
    return true;
}

static bool keys_differ(const RowPlan *plan, const Str *before, const Str *after)
{
    for (uint32_t i = 0; i < plan->key_count; i++) {
        if (!str_equal(before[i], after[i]))
            return true;
    }
    return false;
}

/* Of a system-versioned table only current rows count: they end in the last second there is, at
 * 999999 microseconds (of 32 bits, since MariaDB 11.5 unsigned). */
static bool is_current(Str row_end)
{
    static const uint8_t last_micros[3] = {0x0F, 0x42, 0x3F};
    static const uint8_t last_seconds[2][4] = {{0x7F, 0xFF, 0xFF, 0xFF}, {0xFF, 0xFF, 0xFF, 0xFF}};
    return row_end.length == 7 && memcmp(row_end.data + 4, last_micros, 3) == 0 &&
           (memcmp(row_end.data, last_seconds[0], 4) == 0 ||
            memcmp(row_end.data, last_seconds[1], 4) == 0);
}

/* Which images of the change at hand are of current rows: a row that goes into history is an update
 * of its end, and an update also inserts the old row as history. */
static bool judge_versions(const RowsCursor *cursor, const MapBinding *binding, uint8_t *verdict,
                           Error *error)
{
    const uint8_t *at = cursor->at;
    uint32_t column = (uint32_t)binding->table->schema->row_end;
    Str before, after;
    if (!binlog_row_column(&binding->plan, &at, cursor->rows.end, column, &before, error))
        return false;
    if (cursor->rows.kind != ROWS_UPDATE)
        after = before;
    else if (!binlog_row_column(&binding->plan, &at, cursor->rows.end, column, &after, error))
        return false;
    uint8_t current = (uint8_t)((is_current(before) ? 1 : 0) | (is_current(after) ? 2 : 0));
    *verdict &= current;
    return true;
}

/* Rows that are decoded count, unless they were given before the restart. */
static void keep_rows(ScanState *scan, Batch *batch, uint32_t count)
{
    scan->since += count;
    if (scan->skip > 0) {
        scan->skip -= count < scan->skip ? count : scan->skip;
        return;
    }
    batch->row_count += count;
}

static bool decode_single(MysqlSource *source, const MapBinding *binding, Batch *batch, bool counts,
                          Error *error)
{
    RowsCursor *cursor = &source->reader.cursor;
    uint32_t row = batch->row_count;
    if (!binlog_row_decode(&binding->plan, &cursor->at, cursor->rows.end, batch, row, NULL,
                           &source->reader.text_scratch, error))
        return false;
    batch->kinds[row] = cursor->rows.kind == ROWS_DELETE ? CHANGE_DELETE : CHANGE_INSERT;
    if (counts)
        keep_rows(binding->table->scan, batch, 1);
    return true;
}

/* Both images; a changed primary key is a deletion and an insertion, so that whoever keeps the
 * latest row by key drops the old one. */
static bool decode_update(MysqlSource *source, const MapBinding *binding, Batch *batch,
                          uint8_t verdict, Error *error)
{
    RowsCursor *cursor = &source->reader.cursor;
    Buffer *scratch = &source->reader.text_scratch;
    const RowPlan *plan = &binding->plan;
    Str before[KEY_COLUMNS_MAX], after[KEY_COLUMNS_MAX];
    for (uint32_t i = 0; i < plan->key_count; i++)
        before[i] = after[i] = (Str){0};
    uint32_t row = batch->row_count;
    const uint8_t *first = cursor->at;
    const uint8_t *end = cursor->rows.end;
    if (!binlog_row_decode(plan, &cursor->at, end, batch, row, before, scratch, error))
        return false;
    uint32_t after_row = verdict == 2 ? row : row + 1;
    bool good =
        cursor->rows.partial_json
            ? binlog_row_decode_partial(plan, first, &cursor->at, end, batch, after_row, after,
                                        scratch, error)
            : binlog_row_decode(plan, &cursor->at, end, batch, after_row, after, scratch, error);
    if (!good)
        return false;
    if (verdict == 3) {
        bool moved = keys_differ(plan, before, after);
        batch->kinds[row] = moved ? CHANGE_DELETE : CHANGE_UPDATE_BEFORE;
        batch->kinds[row + 1] = moved ? CHANGE_INSERT : CHANGE_UPDATE_AFTER;
        keep_rows(binding->table->scan, batch, 2);
    } else if (verdict != 0) {
        batch->kinds[row] = verdict == 1 ? CHANGE_DELETE : CHANGE_INSERT;
        keep_rows(binding->table->scan, batch, 1);
    }
    return true;
}

/* Decodes rows of the event until a batch is full (`*full`) or the event is done. */
bool mysql_capture_rows(MysqlSource *source, bool *full, Error *error)
{
    BinlogReader *reader = &source->reader;
    RowsCursor *cursor = &reader->cursor;
    while (cursor->active) {
        if (!cursor->binding_ready) {
            if (!cursor_next_binding(source, error))
                return false;
            continue;
        }
        const MapBinding *binding = &cursor->entry->bindings[cursor->binding];
        Batch *batch = mysql_scan_builder(binding->table->scan);
        uint32_t first = batch->row_count;
        bool update = cursor->rows.kind == ROWS_UPDATE;
        bool good = true;
        while (good && cursor->at < cursor->rows.end) {
            *full = batch->row_count + 2 > BATCH_ROWS_MAX ||
                    (batch->row_count > 0 && arena_bytes(batch->arena) > BUILDER_BYTES_MAX);
            if (*full)
                break;
            const uint8_t *before = cursor->at;
            uint8_t verdict = cursor->change < cursor->skip ? 0
                              : cursor->verdicts == NULL    ? 3
                                                            : cursor->verdicts[cursor->change];
            if (binding->table->schema->row_end >= 0)
                good = judge_versions(cursor, binding, &verdict, error);
            good = !good    ? false
                   : update ? decode_update(source, binding, batch, verdict, error)
                            : decode_single(source, binding, batch, verdict != 0, error);
            cursor->change++;
            if (good && cursor->at == before) /* a table without columns cannot be */
                good = error_set(error, ERROR_DATA, "malformed row image: it is empty");
        }
        if (!good)
            return error_prefix(error, "table \"%s.%s\": ", binding->table->database,
                                binding->table->name);
        mysql_scan_metadata(binding->table->scan, batch, first, batch->row_count,
                            &(RowOrigin){.database = binding->table->database,
                                         .table = binding->table->name,
                                         .op_ts_us = cursor->op_ts_us,
                                         .gtid = reader->has_gtid ? reader->gtid_text : NULL,
                                         .file = reader->file,
                                         .offset = reader->transaction_start});
        if (*full)
            return true;
        cursor->binding++;
        cursor->binding_ready = false;
    }
    return true;
}

/* ------------------------------------------------------------- transactions */

static void transaction_begin(BinlogReader *reader, const BinlogEvent *event)
{
    if (reader->in_transaction)
        return;
    reader->in_transaction = true;
    reader->transaction_start =
        reader->event_offset >= event->length ? reader->event_offset - event->length : 0;
}

/* The tail moves behind the transaction. */
void mysql_capture_end(MysqlSource *source)
{
    BinlogReader *reader = &source->reader;
    if (reader->awaits)
        tell_cascades(source);
    memcpy(reader->tail.file, reader->file, sizeof(reader->tail.file));
    reader->tail.offset = reader->event_offset;
    if (reader->has_gtid)
        gtid_set_add(&reader->tail.gtids, &reader->gtid);
    reader->tail.skip_events = reader->tail.skip_rows = 0;
    reader->skip_events = reader->skip_rows = 0;
    reader->skipping = false;
    reader->in_transaction = false;
    reader->has_gtid = false;
    reader->standalone = false;
    reader->gtid_is_xa = false;
    reader->gtid_text[0] = '\0';
    for (uint32_t i = 0; i < source->scan_count; i++)
        source->scans[i].since = 0;
}

static void xa_begin(BinlogReader *reader, const BinlogXid *xid)
{
    mysql_xa_release(reader->filling);
    reader->filling = mysql_xa_new(xid);
}

static bool on_gtid(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    uint8_t flags = 0;
    if (!binlog_read_gtid(event, &reader->gtid, &flags, error))
        return false;
    reader->in_transaction = false;
    transaction_begin(reader, event);
    reader->has_gtid = true;
    bool mariadb = event->type == EVENT_MARIADB_GTID;
    /* On MySQL a statement outside BEGIN ends its transaction; on MariaDB a flag tells. */
    reader->standalone = mariadb ? (flags & MARIADB_GTID_STANDALONE) != 0 : true;
    /* There it takes the place of BEGIN, too. */
    reader->skipping = mariadb && !reader->standalone && reader->skip_events > 0;
    Buffer text = {0};
    gtid_print(&reader->gtid, &text);
    snprintf(reader->gtid_text, sizeof(reader->gtid_text), "%s", buffer_text(&text));
    buffer_deinit(&text);
    if (mariadb && (flags & MARIADB_GTID_PREPARED_XA) != 0) {
        /* Its identity comes with its end. */
        BinlogXid none = {.length = 0};
        xa_begin(reader, &none);
    }
    return true;
}

static void xa_prepared(MysqlSource *source, const BinlogXid *xid)
{
    BinlogReader *reader = &source->reader;
    if (reader->filling == NULL)
        xa_begin(reader, xid);
    XaTransaction *transaction = reader->filling;
    reader->filling = NULL;
    transaction->xid = *xid;
    mysql_position_copy(&transaction->start, &reader->tail);
    mysql_xa_list_add(&reader->prepared, transaction);
    mysql_xa_release(transaction);
    mysql_capture_end(source);
}

/* It was prepared before reading began: where the binlog has it, it is known from now on, also
 * when the connection is lost meanwhile. */
static XaTransaction *xa_from_log(MysqlSource *source, const BinlogXid *xid, Error *error)
{
    Error cause = {0};
    XaTransaction *transaction = mysql_xa_search(source, xid, &cause);
    if (transaction == NULL && cause.code == ERROR_NONE) {
        error_set(error, ERROR_POSITION,
                  "an XA transaction is committed that was prepared before the position this job "
                  "started from, and the server's binlog no longer has its rows");
        error_hint(error, "Start again from a snapshot while no XA transaction is prepared "
                          "(XA RECOVER lists them).");
        return NULL;
    }
    if (transaction == NULL) {
        if (error != NULL)
            *error = cause;
        return NULL;
    }
    mysql_xa_list_add(&source->reader.prepared, transaction);
    mysql_xa_list_add(&source->base_prepared, transaction);
    mysql_xa_list_add(&source->mark_prepared, transaction);
    mysql_xa_release(transaction);
    return transaction;
}

static bool xa_decided(MysqlSource *source, const BinlogXid *xid, bool commit, Error *error)
{
    BinlogReader *reader = &source->reader;
    /* Of a time that the user does not ask for. */
    bool before_start = source->start_timestamp != 0 && reader->timestamp < source->start_timestamp;
    if (!commit || before_start) {
        mysql_xa_list_remove(&reader->prepared, xid);
        mysql_capture_end(source);
        return true;
    }
    XaTransaction *transaction = mysql_xa_list_find(&reader->prepared, xid);
    if (transaction == NULL)
        transaction = xa_from_log(source, xid, error);
    if (transaction == NULL || (!transaction->loaded && !mysql_xa_load(source, transaction, error)))
        return false;
    reader->decided_at = reader->timestamp;
    transaction->references++;
    mysql_xa_replay(reader, transaction);
    return true;
}

/* --------------------------------------------------------------- statements */

static bool statement_stops(const CapturedTable *table, Str sql, const char *why, Error *error)
{
    error_set(error, ERROR_SCHEMA, "table \"%s.%s\" %s", table->database, table->name, why);
    error_detail(error, "The statement is: %.*s", (int)(sql.length > 400 ? 400 : sql.length),
                 sql.data);
    return false;
}

/* Partitions by system time: the one that can be dropped has no current row. */
static bool takes_only_history(MysqlSource *source, const CapturedTable *table)
{
    if (table->schema == NULL || table->schema->row_end < 0)
        return false;
    MYSQL *mysql = mysql_source_control(source, NULL);
    return mysql != NULL && mysql_table_partitions_history(mysql, table->schema);
}

static bool on_definition(MysqlSource *source, StatementKind kind, const BinlogQuery *query,
                          CapturedTable *table, Error *error)
{
    bool takes_rows =
        kind == STATEMENT_TRUNCATE || kind == STATEMENT_DROP_TABLE || kind == STATEMENT_DROP_ROWS;
    if (kind == STATEMENT_DROP_ROWS && takes_only_history(source, table))
        takes_rows = false;
    if (takes_rows && table->touched) {
        statement_stops(table, query->sql,
                        kind == STATEMENT_DROP_TABLE ? "was dropped on the server"
                                                     : "lost rows that the binlog does not name",
                        error);
        return error_hint(error, "Start the job afresh, from a new snapshot.");
    }
    if (takes_rows || !table->touched) {
        table->stale = true;
        return true;
    }
    Error inner = {0};
    if (mysql_captured_refresh(source, table, &inner)) {
        /* Plans point into the schema that was replaced. */
        table->stale = true;
        return true;
    }
    if (inner.code != ERROR_SCHEMA && inner.code != ERROR_TYPE) {
        if (error != NULL)
            *error = inner;
        return false;
    }
    statement_stops(table, query->sql, "no longer fits its declaration", error);
    error_prefix(error, "%s: ", inner.message);
    return error_hint(error, "Change the declaration to fit and start the job afresh.");
}

static bool on_other_statement(MysqlSource *source, StatementKind kind, const BinlogQuery *query,
                               Error *error)
{
    for (uint32_t i = 0; i < source->table_count; i++) {
        CapturedTable *table = source->tables[i];
        if (!mysql_statement_names(query->sql, query->database, table->database, table->name))
            continue;
        if (kind == STATEMENT_ROWS) {
            if (source->start_timestamp != 0 && source->reader.timestamp < source->start_timestamp)
                continue;
            statement_stops(table, query->sql,
                            "was changed by a statement that was not logged row "
                            "by row",
                            error);
            return error_hint(error, "Set binlog_format=ROW, also in sessions that changed it, and "
                                     "start again from a snapshot.");
        }
        MysqlPosition start = transaction_start(&source->reader);
        const KeyBound *bound = NULL;
        /* What the snapshot was taken after is in it. */
        if (mysql_captured_visibility(source, table, &start,
                                      source->reader.has_gtid ? &source->reader.gtid : NULL,
                                      &bound) == ROWS_DROPPED)
            continue;
        if (!on_definition(source, kind, query, table, error))
            return false;
    }
    return true;
}

static bool on_query(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogQuery query;
    if (!binlog_read_query(event, &query, &reader->scratch, error))
        return false;
    StatementKind kind = mysql_statement_kind(query.sql);
    BinlogXid xid = {.length = 0};
    if (kind >= STATEMENT_XA_START && kind <= STATEMENT_XA_ROLLBACK &&
        !binlog_xid_parse(query.sql, &xid))
        return binlog_malformed(event->type, "its XA identifier cannot be read", error);
    switch (kind) {
    case STATEMENT_BEGIN:
        transaction_begin(reader, event);
        reader->skipping = reader->skip_events > 0;
        reader->standalone = false;
        return true;
    case STATEMENT_COMMIT:
    case STATEMENT_ROLLBACK: /* what the binlog has before a ROLLBACK could not be rolled back */
        mysql_capture_end(source);
        return true;
    case STATEMENT_XA_START:
        transaction_begin(reader, event);
        reader->standalone = false;
        xa_begin(reader, &xid);
        return true;
    case STATEMENT_XA_END:
        return true;
    case STATEMENT_XA_PREPARE:
        xa_prepared(source, &xid);
        return true;
    case STATEMENT_XA_COMMIT:
    case STATEMENT_XA_ROLLBACK:
        transaction_begin(reader, event);
        return xa_decided(source, &xid, kind == STATEMENT_XA_COMMIT, error);
    case STATEMENT_IGNORED:
        break;
    default: {
        bool alone = !reader->in_transaction || reader->standalone;
        transaction_begin(reader, event);
        if (!on_other_statement(source, kind, &query, error))
            return false;
        /* CREATE TABLE … SELECT of MySQL 8 opens the transaction of its rows. */
        Str tail = str_trim(query.sql);
        Str opens = STR("START TRANSACTION");
        if (tail.length > opens.length &&
            str_equal_nocase((Str){tail.data + tail.length - opens.length, opens.length}, opens)) {
            reader->standalone = false;
            return true;
        }
        if (alone)
            mysql_capture_end(source);
        return true;
    }
    }
    if (reader->standalone)
        mysql_capture_end(source);
    return true;
}

static bool on_xa_prepare(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogXid xid;
    if (!binlog_read_xa_prepare(event, &xid, error))
        return false;
    if (!xid.one_phase) {
        xa_prepared(source, &xid);
        return true;
    }
    /* Committed in one step: what was kept is given now. */
    BinlogReader *reader = &source->reader;
    if (reader->filling == NULL) {
        mysql_capture_end(source);
        return true;
    }
    reader->decided_at = reader->timestamp;
    mysql_xa_replay(reader, reader->filling);
    reader->filling = NULL;
    return true;
}

/* ------------------------------------------------------------------- events */

static bool on_rotate(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogRotate rotate;
    if (!binlog_read_rotate(event, &rotate, error))
        return false;
    memcpy(reader->file, rotate.file, sizeof(reader->file));
    reader->event_offset = rotate.offset;
    if (!reader->in_transaction) {
        memcpy(reader->tail.file, rotate.file, sizeof(reader->tail.file));
        reader->tail.offset = rotate.offset;
    }
    return true;
}

static bool on_heartbeat(MysqlSource *source, const BinlogEvent *event)
{
    BinlogReader *reader = &source->reader;
    BinlogRotate at;
    reader->caught_up = true;
    if (reader->in_transaction || !binlog_read_heartbeat(event, &at) ||
        strcmp(at.file, reader->file) != 0 || at.offset < reader->tail.offset)
        return true;
    reader->tail.offset = at.offset;
    reader->event_offset = at.offset;
    return true;
}

/* The GTIDs before a file, at its beginning: learned once, if the start did not know them. */
static bool on_gtid_list(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    if (reader->tail.gtids.flavour != GTID_NONE || reader->in_transaction)
        return true;
    GtidSet set = {0};
    bool good = event->type == EVENT_PREVIOUS_GTIDS ? binlog_read_previous_gtids(event, &set, error)
                                                    : binlog_read_gtid_list(event, &set, error);
    /* A MySQL server without GTIDs writes an empty list, which says nothing. */
    if (good && source->server.gtids)
        gtid_set_copy(&reader->tail.gtids, &set);
    gtid_set_deinit(&set);
    return good;
}

static bool unknown_event(const BinlogEvent *event, Error *error)
{
    if ((event->flags & EVENT_FLAG_IGNORABLE) != 0)
        return true;
    error_set(error, ERROR_UNSUPPORTED, "the binlog has an event of unknown type %u", event->type);
    return error_hint(error, "The server is newer than this program knows; nothing is skipped "
                             "silently.");
}

static bool act_on(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    switch (event->type) {
    case EVENT_FORMAT_DESCRIPTION:
        mysql_capture_forget_maps(reader);
        return binlog_read_format(&reader->format, event, error);
    case EVENT_ROTATE:
        return on_rotate(source, event, error);
    case EVENT_HEARTBEAT:
    case EVENT_HEARTBEAT_V2:
        return on_heartbeat(source, event);
    case EVENT_GTID:
    case EVENT_GTID_TAGGED:
    case EVENT_MARIADB_GTID:
        return on_gtid(source, event, error);
    case EVENT_ANONYMOUS_GTID:
        reader->in_transaction = false;
        transaction_begin(reader, event);
        reader->standalone = true;
        return true;
    case EVENT_PREVIOUS_GTIDS:
    case EVENT_MARIADB_GTID_LIST:
        return on_gtid_list(source, event, error);
    case EVENT_QUERY:
    case EVENT_MARIADB_QUERY_COMPRESSED:
        return on_query(source, event, error);
    case EVENT_XID:
        mysql_capture_end(source);
        return true;
    case EVENT_TABLE_MAP:
        return on_table_map(source, event, error);
    case EVENT_XA_PREPARE:
        return on_xa_prepare(source, event, error);
    case EVENT_TRANSACTION_PAYLOAD:
        return mysql_payload_begin(&source->reader, event, error);
    case EVENT_INCIDENT:
        error_set(error, ERROR_POSITION,
                  "the server says that changes are missing from its binlog");
        return error_hint(error, "Start the job afresh, from a new snapshot.");
    case EVENT_EXECUTE_LOAD_QUERY:
        error_set(error, ERROR_UNSUPPORTED, "LOAD DATA was logged as a statement");
        return error_hint(error, "Set binlog_format=ROW, also in sessions that changed it.");
    case EVENT_START_V3:
    case EVENT_STOP:
    case EVENT_INTVAR:
    case EVENT_RAND:
    case EVENT_USER_VAR:
    case EVENT_BEGIN_LOAD_QUERY:
    case EVENT_IGNORABLE:
    case EVENT_ROWS_QUERY:
    case EVENT_TRANSACTION_CONTEXT:
    case EVENT_VIEW_CHANGE:
    case EVENT_MARIADB_ANNOTATE_ROWS:
    case EVENT_MARIADB_CHECKPOINT:
    case EVENT_MARIADB_START_ENCRYPTION:
        return true;
    default:
        return binlog_is_rows(event->type) ? on_rows(source, event, error)
                                           : unknown_event(event, error);
    }
}

/* Events that the user asked to pass over at the start are counted from BEGIN on, which is the
 * first; their rows are dropped. */
static bool dispatch(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    bool drop = reader->skipping && binlog_is_rows(event->type);
    if (!drop && !act_on(source, event, error))
        return false;
    if (reader->skipping && (event->flags & EVENT_FLAG_ARTIFICIAL) == 0 &&
        event->type != EVENT_HEARTBEAT && event->type != EVENT_HEARTBEAT_V2)
        reader->skipping = --reader->skip_events > 0;
    return true;
}

/* Offsets in events have 32 bits, files can be larger: the next one is never before the last. */
static uint64_t widen_offset(uint64_t before, uint32_t end_offset)
{
    uint64_t offset = (before & ~UINT64_C(0xFFFFFFFF)) | end_offset;
    return offset < before && before > UINT32_MAX / 2 ? offset + (UINT64_C(1) << 32) : offset;
}

bool mysql_capture_advance(BinlogReader *reader, const BinlogEvent *event)
{
    bool moves = (event->flags & EVENT_FLAG_ARTIFICIAL) == 0 && event->type != EVENT_HEARTBEAT &&
                 event->type != EVENT_HEARTBEAT_V2 && event->type != EVENT_ROTATE;
    if (moves && event->end_offset != 0)
        reader->event_offset = widen_offset(reader->event_offset, event->end_offset);
    else if (moves && event->type != EVENT_FORMAT_DESCRIPTION)
        reader->event_offset += event->length;
    return moves;
}

/* One event of the stream itself: keeps the place, then acts on it. */
bool mysql_capture_event(MysqlSource *source, const uint8_t *bytes, size_t length, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogEvent event;
    if (!binlog_event_read(&reader->format, bytes, length, &event, error))
        return false;
    reader->timestamp = event.timestamp;
    bool moves = mysql_capture_advance(reader, &event);
    if (reader->filling != NULL && (event.type == EVENT_TABLE_MAP || binlog_is_rows(event.type))) {
        /* Its checksum was verified: stored without, for the replay reads none. */
        mysql_xa_store(reader->filling, bytes, (size_t)(event.end - bytes));
        return true;
    }
    if (!dispatch(source, &event, error))
        return false;
    if (moves && !reader->in_transaction && reader->event_offset > reader->tail.offset &&
        strcmp(reader->tail.file, reader->file) == 0)
        reader->tail.offset = reader->event_offset;
    return true;
}

/* An event inside a payload or of a replayed XA transaction: no checksum, no place of its own. */
bool mysql_capture_inner(MysqlSource *source, const uint8_t *bytes, size_t length, Error *error)
{
    BinlogReader *reader = &source->reader;
    BinlogEvent event;
    if (length < EVENT_HEADER_BYTES)
        return binlog_malformed(0, "no whole header", error);
    binlog_event_inner(bytes, length, &event);
    reader->timestamp = event.timestamp;
    if (reader->filling != NULL && (event.type == EVENT_TABLE_MAP || binlog_is_rows(event.type))) {
        mysql_xa_store(reader->filling, bytes, length);
        return true;
    }
    return dispatch(source, &event, error);
}
