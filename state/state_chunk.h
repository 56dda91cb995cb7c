/* Chunks: the changes of one key group of one table as bytes, the unit of a checkpoint.
 *
 *     0   "WSTC"          8   XXH3 of everything from 16 on
 *     4   version 1
 *     16  kind u8, is_base u8 (2: the records have times), string count u16, key group u32, record
 * bytes u32, removed count u32, item count u32, name length u32, name removed:  identity … items:
 * identity, [sequence u64 (MAP)], value length, value …
 *
 * An identity is key length, subkey length, key, subkey; a value is the record (pointers of long
 * texts zeroed), its long texts in order, and for MAP and ORDERED the payload. Lengths are base-128
 * varints, so that equal identities are equal bytes. What a chunk removes goes before what it
 * brings.
 *
 * Invariant: bytes whose checksum holds were written by this code; whatever else is wrong with them
 * is still met with an error, never with a read past the end. */
#ifndef STATE_STATE_CHUNK_H
#define STATE_STATE_CHUNK_H

#include "core/buffer.h"
#include "state/state.h"

typedef struct StateChunkHead {
    StateKind kind;
    bool is_base;
    bool timed; /* records end with the time of their last write */
    uint32_t string_count;
    uint32_t key_group;
    uint32_t record_bytes;
    uint32_t removed_count;
    uint32_t item_count;
    Str table;
} StateChunkHead;

typedef struct StateChunkItem {
    Str identity; /* key length to the end of the subkey */
    Str key;
    Str subkey;
    uint64_t sequence;
    Str value;
    Str whole; /* the item as it stands in the chunk */
} StateChunkItem;

/* Writing: start, identities of removed records, items, finish (which fills in `head`'s counts). */
void state_chunk_start(Buffer *out, const StateChunkHead *head);
void state_chunk_finish(Buffer *out, const StateChunkHead *head);
void state_chunk_append_identity(Buffer *out, Str key, Str subkey);
void state_chunk_append_varint(Buffer *out, uint64_t value);

/* Reading: open checks checksum and head; then removed_count identities, then item_count items. */
typedef struct StateChunkReader {
    StateChunkHead head;
    Reader reader;
} StateChunkReader;

bool state_chunk_open(Str bytes, StateChunkReader *chunk, Error *error) MUST_CHECK;
/* False past the chunk's end: it is corrupt. */
bool state_chunk_next_removed(StateChunkReader *chunk, StateChunkItem *item) MUST_CHECK;
bool state_chunk_next_item(StateChunkReader *chunk, StateChunkItem *item) MUST_CHECK;
bool state_chunk_corrupt(const StateChunkHead *head, Error *error);

#endif
