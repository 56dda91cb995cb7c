/* Chunks as bytes: the layout is told in state_chunk.h. */
#include "state/state_chunk.h"

#include "core/hash.h"

#define CHUNK_MAGIC   0x43545357u /* "WSTC" */
#define CHUNK_VERSION 2
#define CHECKED_FROM  16 /* the checksum is over what follows it */
#define COUNTS_AT     28
#define VARINT_BYTES  10

static char *put_varint(char *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (char)(value | 0x80);
        value >>= 7;
    }
    *at++ = (char)value;
    return at;
}

static char *put_identity(char *at, Str key, Str subkey)
{
    at = put_varint(at, key.length);
    at = put_varint(at, subkey.length);
    if (key.length != 0)
        memcpy(at, key.data, key.length);
    if (subkey.length != 0)
        memcpy(at + key.length, subkey.data, subkey.length);
    return at + key.length + subkey.length;
}

void state_chunk_append_removed(Buffer *out, Str key, Str subkey)
{
    char *at = buffer_reserve(out, 2 * VARINT_BYTES + key.length + subkey.length + 1);
    at = put_identity(at, key, subkey);
    *at++ = 0;
    out->length = (size_t)(at - out->data);
}

char *state_chunk_append_item(Buffer *out, Str key, Str subkey, const uint64_t *sequence,
                              size_t value_bytes)
{
    char *at = buffer_reserve(out, 3 * VARINT_BYTES + key.length + subkey.length +
                                       sizeof(*sequence) + value_bytes);
    at = put_identity(at, key, subkey);
    at = put_varint(at, (uint64_t)value_bytes + 1);
    if (sequence != NULL)
        for (uint32_t i = 0; i < 64; i += 8)
            *at++ = (char)(*sequence >> i);
    out->length = (size_t)(at - out->data) + value_bytes;
    return at;
}

static void put_u32(char *bytes, size_t at, uint32_t value)
{
    for (uint32_t i = 0; i < 4; i++)
        bytes[at + i] = (char)(value >> 8 * i);
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

void state_chunk_set_counts(Buffer *out, uint32_t removed_count, uint32_t item_count)
{
    put_u32(out->data, COUNTS_AT, removed_count);
    put_u32(out->data, COUNTS_AT + 4, item_count);
}

void state_chunk_seal(char *bytes, size_t length)
{
    uint64_t sum = hash_bytes(bytes + CHECKED_FROM, length - CHECKED_FROM);
    put_u32(bytes, 8, (uint32_t)sum);
    put_u32(bytes, 12, (uint32_t)(sum >> 32));
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

bool state_chunk_next(StateChunkReader *chunk, StateChunkItem *item)
{
    Reader *reader = &chunk->reader;
    const char *start = reader->next;
    read_identity(reader, item);
    uint64_t length = read_varint(reader);
    item->removed = length == 0;
    item->sequence = chunk->head.kind == STATE_MAP && !item->removed ? reader_u64(reader) : 0;
    item->value = read_run(reader, item->removed ? 0 : length - 1);
    item->whole = (Str){start, (size_t)(reader->next - start)};
    return !reader->failed;
}
