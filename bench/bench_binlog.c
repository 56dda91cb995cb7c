/* Rows events out of memory into batches, with no server and no connection.
 *
 *     bench_binlog [events]
 *
 * Each event is one that MariaDB wrote (tests/binlog_bytes.h) with its two rows repeated
 * REPEATS times, as a statement that touches many rows writes it. Prints rows and CPU
 * seconds. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "connectors/mysql/source.h"
#include "tests/binlog_bytes.h"

enum { REPEATS = 100, ROWS_WRITTEN = 2 };

typedef struct Decoder {
    BinlogFormat format;
    Arena *arena;
    RowPlan plan;
    const Schema *schema;
    Buffer scratch, unpacked;
} Decoder;

static void fail(const char *what, const Error *error)
{
    fprintf(stderr, "%s: %s\n", what, error->message);
    exit(1);
}

/* The event at the start of the bytes, without its checksum. */
static BinlogEvent read_event(Decoder *decoder, Buffer *bytes)
{
    Error error = {0};
    BinlogEvent event;
    if (!binlog_event_read(&decoder->format, (uint8_t *)bytes->data, bytes->length, &event, &error))
        fail("event", &error);
    return event;
}

static void open_decoder(Decoder *decoder, Buffer *map_bytes)
{
    Error error = {0};
    decoder->arena = arena_new(1024);
    binlog_format_init(&decoder->format);
    decoder->format.checksum = false;
    bytes_append(map_bytes, BYTES_MARIADB_MAP);
    BinlogEvent event = read_event(decoder, map_bytes);
    event.end -= 4;
    const TableMap *map = binlog_read_table_map(&decoder->format, &event, decoder->arena, &error);
    if (map == NULL)
        fail("table map", &error);
    decoder->schema = bytes_plan(decoder->arena, map, &decoder->plan);
}

/* The event's bytes with its rows repeated. */
static void make_rows_event(Decoder *decoder, Buffer *out)
{
    Error error = {0};
    Buffer one = {0};
    RowsEvent rows;
    bytes_append(&one, BYTES_MARIADB_WRITE);
    BinlogEvent event = read_event(decoder, &one);
    event.end -= 4;
    if (!binlog_read_rows(&decoder->format, &event, &decoder->unpacked, &rows, &error))
        fail("rows event", &error);
    const char *image = (const char *)rows.rows;
    buffer_append(out, one.data, (size_t)(image - one.data));
    for (uint32_t i = 0; i < REPEATS; i++)
        buffer_append(out, image, (size_t)(rows.end - rows.rows));
    for (int i = 0; i < 4; i++)
        out->data[9 + i] = (char)(out->length >> (8 * i));
    buffer_deinit(&one);
}

static uint32_t decode(Decoder *decoder, Buffer *bytes)
{
    Error error = {0};
    RowsEvent rows;
    BinlogEvent event = read_event(decoder, bytes);
    if (!binlog_read_rows(&decoder->format, &event, &decoder->unpacked, &rows, &error) ||
        !binlog_rows_are_full(&rows))
        fail("rows event", &error);
    Batch *batch = batch_new(decoder->schema, REPEATS * ROWS_WRITTEN);
    for (const uint8_t *at = rows.rows; at < rows.end; batch->row_count++) {
        Str keys[1];
        if (!binlog_row_decode(&decoder->plan, &at, rows.end, batch, batch->row_count, keys,
                               &decoder->scratch, &error))
            fail("row", &error);
    }
    uint32_t count = batch->row_count;
    batch_release(batch);
    return count;
}

int main(int argc, char **argv)
{
    Decoder decoder = {0};
    Buffer map_bytes = {0}, bytes = {0};
    uint64_t events = argc > 1 ? strtoull(argv[1], NULL, 10) : 50000, rows = 0;
    open_decoder(&decoder, &map_bytes);
    make_rows_event(&decoder, &bytes);
    clock_t start = clock();
    for (uint64_t i = 0; i < events; i++)
        rows += decode(&decoder, &bytes);
    printf("%llu %.6f\n", (unsigned long long)rows, (double)(clock() - start) / CLOCKS_PER_SEC);
    buffer_deinit(&map_bytes);
    buffer_deinit(&bytes);
    buffer_deinit(&decoder.scratch);
    buffer_deinit(&decoder.unpacked);
    arena_free(decoder.arena);
    return 0;
}
