/* Rows events to change batches.
 *
 * Invariant: `since` of each scan counts what was decoded behind the base. Rows of a transaction
 * are given as they come: the binlog has only what was committed. Memory holds one event, whatever
 * the transaction's size. */
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/capture.h"
#include "connectors/mysql/source.h"
#include "core/str.h"

/* A batch is given early when its strings take this much. */
#define BUILDER_BYTES_MAX (8u << 20)

static bool not_full(const TableMap *map, Error *error)
{
    error_set(error, ERROR_UNSUPPORTED, "table \"%s.%s\": a row in the binlog lacks columns",
              map->database, map->table);
    return error_hint(error,
                      "Set binlog_row_image=FULL, also in sessions that changed it, and start "
                      "again from a snapshot.");
}

bool mysql_capture_rows_event(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    uint64_t id = 0;
    if (!binlog_table_id(&reader->format, event, &id, error))
        return false;
    MapEntry *entry = mysql_capture_find_map(reader, id);
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
            MysqlPosition start = mysql_capture_start(reader);
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
