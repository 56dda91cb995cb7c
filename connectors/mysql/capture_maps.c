/* TABLE_MAP events: which table the rows of a number are of, and for whom.
 *
 * Invariant: an entry's bindings are those of its body, or its body is empty. A map that comes
 * again as it was costs a comparison of its bytes. */
#include <inttypes.h>
#include <string.h>

#include "connectors/mysql/binlog_internal.h"
#include "connectors/mysql/capture.h"
#include "connectors/mysql/source.h"
#include "core/str.h"

#define MAPS_MAX 4096

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

MapEntry *mysql_capture_find_map(const BinlogReader *reader, uint64_t id)
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

void mysql_capture_tell_cascades(MysqlSource *source)
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
        mysql_capture_tell_cascades(source);
    entry->awaited = true;
    source->reader.awaits = true;
}

bool mysql_capture_table_map(MysqlSource *source, const BinlogEvent *event, Error *error)
{
    BinlogReader *reader = &source->reader;
    uint64_t id = 0;
    if (!binlog_table_id(&reader->format, event, &id, error))
        return false;
    Str body = {(const char *)event->body, (size_t)(event->end - event->body)};
    MapEntry *entry = mysql_capture_find_map(reader, id);
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
