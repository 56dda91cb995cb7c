/* The source's position as bytes for a checkpoint, and back.
 *
 *     version, base with its skips, start timestamp, rows given behind the base per scan,
 *     snapshot parts, captured tables (state, schema, bounds), XA transactions that were prepared
 *
 * Scans are known by the identity of their table, physical tables by their name, so an edited job
 * finds what is left of its tables. */
#include <inttypes.h>
#include <string.h>

#include "connectors/mysql/source.h"
#include "core/str.h"

/* 1 had no skips and no keys that repeat, 2 no prepared transactions: the base stayed before them.
 */
#define STATE_VERSION 3

static void write_table(const CapturedTable *table, Buffer *out)
{
    buffer_append_bytes(out, str_of(table->scan->identity));
    buffer_append_bytes(out, str_of(table->database));
    buffer_append_bytes(out, str_of(table->name));
    buffer_append_u8(out, (uint8_t)table->state);
    buffer_append_u8(out, table->touched);
    buffer_append_u8(out, table->stale);
    buffer_append_u8(out, table->key_repeats);
    buffer_append_u8(out, table->schema != NULL);
    if (table->schema != NULL)
        mysql_table_write(table->schema, out);
    buffer_append_u32(out, table->bound_count);
    for (uint32_t i = 0; i < table->bound_count; i++) {
        const KeyBound *bound = &table->bounds[i];
        buffer_append_u32(out, bound->part);
        buffer_append_u8(out, bound->all);
        buffer_append_bytes(out, (Str){bound->key.data, bound->key.length});
    }
}

void mysql_state_write(const MysqlSource *source, Buffer *out)
{
    buffer_append_u8(out, STATE_VERSION);
    buffer_append_u8(out, source->base_known);
    mysql_position_write(&source->base, out);
    buffer_append_u64(out, source->base.skip_events);
    buffer_append_u64(out, source->base.skip_rows);
    buffer_append_u32(out, source->start_timestamp);
    buffer_append_u32(out, source->scan_count);
    for (uint32_t i = 0; i < source->scan_count; i++) {
        buffer_append_bytes(out, str_of(source->scans[i].identity));
        buffer_append_u64(out, source->base_since[i]);
    }
    buffer_append_u32(out, source->part_count);
    for (uint32_t i = 0; i < source->part_count; i++)
        mysql_position_write(&source->parts[i], out);
    buffer_append_u32(out, source->table_count);
    for (uint32_t i = 0; i < source->table_count; i++)
        write_table(source->tables[i], out);
    mysql_xa_list_write(&source->base_prepared, out);
}

static int32_t find_scan(const MysqlSource *source, Str identity)
{
    for (uint32_t i = 0; i < source->scan_count; i++) {
        if (str_equal(str_of(source->scans[i].identity), identity))
            return (int32_t)i;
    }
    return -1;
}

/* The number of literals, each ended by a zero byte, must be that of the key. */
static bool key_is_whole(const CapturedTable *table, const KeyBound *bound)
{
    uint32_t literals = 0;
    for (size_t i = 0; i < bound->key.length; i++)
        literals += bound->key.data[i] == '\0';
    if (bound->key.length > 0 && bound->key.data[bound->key.length - 1] != '\0')
        return false;
    return bound->all || (table->schema != NULL && literals == table->schema->key_count);
}

static bool read_table(MysqlSource *source, uint8_t version, Reader *reader, Error *error)
{
    int32_t scan = find_scan(source, reader_bytes(reader));
    Arena *names = arena_new(512);
    const char *database = arena_str(names, reader_bytes(reader));
    const char *name = arena_str(names, reader_bytes(reader));
    /* A scan that the edited job no longer has is read and forgotten. */
    CapturedTable forgotten = {0};
    CapturedTable *table = &forgotten;
    if (scan >= 0 && !reader->failed) {
        table = mysql_captured_find(source, (uint32_t)scan, database, name);
        if (table == NULL)
            table = mysql_captured_add(source, (uint32_t)scan, database, name);
    }
    arena_free(names);
    uint8_t state = reader_u8(reader);
    table->state = state <= TABLE_READY ? (TableState)state : TABLE_READY;
    table->touched = reader_u8(reader) != 0;
    table->stale = reader_u8(reader) != 0;
    table->key_repeats = version > 1 && reader_u8(reader) != 0;
    bool good = !reader->failed && state <= TABLE_READY;
    if (good && reader_u8(reader) != 0) {
        table->arena = arena_new(4096);
        table->schema = mysql_table_read(reader, table->arena, error);
        if (table->schema == NULL) {
            arena_free(table->arena);
            table->arena = NULL;
            return false;
        }
    }
    uint32_t bounds = reader_u32(reader);
    good = good && bounds <= source->part_count;
    if (good && bounds > 0)
        table->bounds = memory_zalloc(bounds * sizeof(KeyBound));
    for (uint32_t i = 0; good && i < bounds; i++) {
        KeyBound *bound = &table->bounds[table->bound_count++];
        bound->part = reader_u32(reader);
        bound->all = reader_u8(reader) != 0;
        Str key = reader_bytes(reader);
        if (key.length > 0)
            buffer_append_str(&bound->key, key);
        good = !reader->failed && bound->part < source->part_count && key_is_whole(table, bound);
    }
    if (table == &forgotten) {
        for (uint32_t i = 0; i < table->bound_count; i++)
            mysql_bound_free(&table->bounds[i]);
        memory_free(table->bounds);
        arena_free(table->arena);
    }
    return good || error_set(error, ERROR_STATE,
                             "the checkpoint's state of a captured table is "
                             "damaged");
}

static bool read_base(uint8_t version, MysqlPosition *base, Reader *reader, Error *error)
{
    if (!mysql_position_read(base, reader, error))
        return false;
    base->skip_events = version == 1 ? 0 : reader_u64(reader);
    base->skip_rows = version == 1 ? 0 : reader_u64(reader);
    return true;
}

bool mysql_state_mentions(const MysqlSource *source, Str bytes)
{
    Reader reader = reader_of(bytes);
    MysqlPosition base = {0};
    bool found = false;
    uint8_t version = reader_u8(&reader);
    reader_u8(&reader);
    bool good = read_base(version, &base, &reader, NULL);
    mysql_position_deinit(&base);
    reader_u32(&reader);
    uint32_t scans = reader_u32(&reader);
    for (uint32_t i = 0; good && i < scans && !reader.failed; i++) {
        found = find_scan(source, reader_bytes(&reader)) >= 0 || found;
        reader_u64(&reader);
    }
    /* What cannot be read is read again, for its error. */
    return found || !good || reader.failed;
}

bool mysql_state_read(MysqlSource *source, Str bytes, Error *error)
{
    Reader reader = reader_of(bytes);
    uint8_t version = reader_u8(&reader);
    if (version == 0 || version > STATE_VERSION)
        return error_set(error, ERROR_STATE,
                         "the checkpoint's change capture state has version %u, "
                         "this program reads version %u",
                         version, STATE_VERSION);
    source->base_known = reader_u8(&reader) != 0;
    if (!read_base(version, &source->base, &reader, error))
        return false;
    source->start_timestamp = reader_u32(&reader);
    uint32_t scans = reader_u32(&reader);
    for (uint32_t i = 0; i < scans && !reader.failed; i++) {
        int32_t scan = find_scan(source, reader_bytes(&reader));
        uint64_t since = reader_u64(&reader);
        if (scan >= 0)
            source->base_since[scan] = since;
    }
    uint32_t parts = reader_u32(&reader);
    for (uint32_t i = 0; i < parts && !reader.failed; i++) {
        source->parts =
            memory_realloc(source->parts, (source->part_count + 1) * sizeof(MysqlPosition));
        source->parts[source->part_count] = (MysqlPosition){0};
        if (!mysql_position_read(&source->parts[source->part_count++], &reader, error))
            return false;
    }
    uint32_t tables = reader_u32(&reader);
    for (uint32_t i = 0; i < tables && !reader.failed; i++) {
        if (!read_table(source, version, &reader, error))
            return false;
    }
    if (version > 2 && !mysql_xa_list_read(&source->base_prepared, &reader, error))
        return false;
    if (reader.failed || reader.next != reader.end)
        return error_set(error, ERROR_STATE, "the checkpoint's change capture state is damaged");
    return true;
}
