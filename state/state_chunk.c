/* Chunks as bytes: the layout is told in state_chunk.h. */
#include "state/state_chunk.h"

#include "core/hash.h"

#define CHUNK_MAGIC   0x43545357u /* "WSTC" */
#define CHUNK_VERSION 1
#define CHECKED_FROM  16 /* the checksum is over what follows it */
#define COUNTS_AT     28
#define VARINT_BYTES  10

void state_chunk_append_varint(Buffer *out, uint64_t value)
{
    char *at = buffer_reserve(out, VARINT_BYTES);
    size_t length = 0;
    while (value >= 0x80) {
        at[length++] = (char)(value | 0x80);
        value >>= 7;
    }
    at[length++] = (char)value;
    out->length += length;
}

void state_chunk_append_identity(Buffer *out, Str key, Str subkey)
{
    state_chunk_append_varint(out, key.length);
    state_chunk_append_varint(out, subkey.length);
    buffer_append_str(out, key);
    buffer_append_str(out, subkey);
}

static void put_u32(Buffer *out, size_t at, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        out->data[at + i] = (char)(value >> 8 * i);
}

void state_chunk_start(Buffer *out, const StateChunkHead *head)
{
    buffer_clear(out);
    buffer_append_u32(out, CHUNK_MAGIC);
    buffer_append_u32(out, CHUNK_VERSION);
    buffer_append_u64(out, 0);
    buffer_append_u8(out, (uint8_t)head->kind);
    buffer_append_u8(out, (uint8_t)((head->is_base ? 1 : 0) | (head->timed ? 2 : 0)));
    buffer_append_u8(out, (uint8_t)head->string_count);
    buffer_append_u8(out, (uint8_t)(head->string_count >> 8));
    buffer_append_u32(out, head->key_group);
    buffer_append_u32(out, head->record_bytes);
    buffer_append_u32(out, 0);
    buffer_append_u32(out, 0);
    buffer_append_bytes(out, head->table);
}

void state_chunk_finish(Buffer *out, const StateChunkHead *head)
{
    put_u32(out, COUNTS_AT, head->removed_count);
    put_u32(out, COUNTS_AT + 4, head->item_count);
    uint64_t sum = hash_bytes(out->data + CHECKED_FROM, out->length - CHECKED_FROM);
    put_u32(out, 8, (uint32_t)sum);
    put_u32(out, 12, (uint32_t)(sum >> 32));
}

static bool corrupt(Error *error, const char *why)
{
    error_set(error, ERROR_STATE, "a chunk of the checkpoint is corrupt: %s", why);
    return error_hint(error, "Start from an older epoch, or start over with --fresh.");
}

bool state_chunk_corrupt(const StateChunkHead *head, Error *error)
{
    error_set(error, ERROR_STATE,
              "the checkpoint is corrupt: state \"%.*s\", key group %u, cannot be read",
              (int)head->table.length, head->table.data, head->key_group);
    return error_hint(error, "Start from an older epoch, or start over with --fresh.");
}

bool state_chunk_open(Str bytes, StateChunkReader *chunk, Error *error)
{
    Reader *reader = &chunk->reader;
    StateChunkHead *head = &chunk->head;
    *reader = reader_of(bytes);
    if (reader_u32(reader) != CHUNK_MAGIC)
        return corrupt(error, "it does not begin as one");
    uint32_t version = reader_u32(reader);
    if (!reader->failed && version != CHUNK_VERSION) {
        error_set(error, ERROR_STATE, "a chunk of the checkpoint has version %u", version);
        return error_hint(error, "This program reads version %d.", CHUNK_VERSION);
    }
    uint64_t sum = reader_u64(reader);
    bool sum_holds = !reader->failed &&
                     sum == hash_bytes(bytes.data + CHECKED_FROM, bytes.length - CHECKED_FROM);
    head->kind = (StateKind)reader_u8(reader);
    uint8_t flags = reader_u8(reader);
    head->is_base = (flags & 1) != 0;
    head->timed = (flags & 2) != 0;
    head->string_count = reader_u8(reader);
    head->string_count |= (uint32_t)reader_u8(reader) << 8;
    head->key_group = reader_u32(reader);
    head->record_bytes = reader_u32(reader);
    head->removed_count = reader_u32(reader);
    head->item_count = reader_u32(reader);
    head->table = reader_bytes(reader);
    if (reader->failed)
        return corrupt(error, "it ends too early");
    /* An identity takes at least two bytes, so a reader may trust the counts for its memory. */
    if ((uint64_t)head->removed_count + head->item_count > bytes.length / 2)
        return state_chunk_corrupt(head, error);
    return sum_holds || state_chunk_corrupt(head, error);
}

static uint64_t read_varint(Reader *reader)
{
    uint64_t value = 0;
    for (uint32_t shift = 0; shift < 64; shift += 7) {
        uint8_t byte = reader_u8(reader);
        value |= (uint64_t)(byte & 0x7F) << shift;
        if (byte < 0x80)
            return value;
    }
    reader->failed = true;
    return 0;
}

static Str read_run(Reader *reader, uint64_t length)
{
    if (reader->failed || length > (uint64_t)(reader->end - reader->next)) {
        reader->failed = true;
        return (Str){"", 0};
    }
    Str run = {reader->next, (size_t)length};
    reader->next += length;
    return run;
}

static void read_identity(Reader *reader, StateChunkItem *item)
{
    const char *start = reader->next;
    uint64_t key_length = read_varint(reader);
    uint64_t subkey_length = read_varint(reader);
    item->key = read_run(reader, key_length);
    item->subkey = read_run(reader, subkey_length);
    item->identity = (Str){start, (size_t)(reader->next - start)};
}

bool state_chunk_next_removed(StateChunkReader *chunk, StateChunkItem *item)
{
    read_identity(&chunk->reader, item);
    return !chunk->reader.failed;
}

bool state_chunk_next_item(StateChunkReader *chunk, StateChunkItem *item)
{
    Reader *reader = &chunk->reader;
    const char *start = reader->next;
    read_identity(reader, item);
    item->sequence = chunk->head.kind == STATE_MAP ? reader_u64(reader) : 0;
    item->value = read_run(reader, read_varint(reader));
    item->whole = (Str){start, (size_t)(reader->next - start)};
    return !reader->failed;
}
