/* Chunks: the changes of one key group of one table as bytes, the unit of a checkpoint.
 *
 *     0   "WSTC"          8   XXH3 of everything from 16 on
 *     4   version 2
 *     16  kind u8, is_base u8 (2: the records have times), string count u16, key group u32,
 *         record bytes u32, removed count u32, item count u32, name length u32, name
 *     then entries in the order in which they happened, each an identity and
 *         0                                                  the record went
 *         value length + 1, [sequence u64 (MAP)], value      it came or changed
 *
 * An identity is key length, subkey length, key, subkey; a value is the record (pointers of long
 * texts zeroed), its long texts in order, and for MAP and ORDERED the payload. Lengths are base-128
 * varints, so that equal identities are equal bytes. One identity may stand in a chunk several
 * times: the last entry holds.
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
    bool removed;
    uint64_t sequence;
    Str value;
    Str whole; /* the item as it stands in the chunk */
} StateChunkItem;

/* Writing: start, entries, the counts, state_chunk_seal. */
void state_chunk_start(Buffer *out, const StateChunkHead *head);
void state_chunk_set_counts(Buffer *out, uint32_t removed_count, uint32_t item_count);
void state_chunk_append_removed(Buffer *out, Str key, Str subkey);
/* Writes all of an entry but its value; returns where that goes, `value_bytes` long. */
char *state_chunk_append_item(Buffer *out, Str key, Str subkey, const uint64_t *sequence,
                              size_t value_bytes);

/* Reading: open checks checksum and head; then as many entries as both counts say. */
typedef struct StateChunkReader {
    StateChunkHead head;
    Reader reader;
} StateChunkReader;

bool state_chunk_open(Str bytes, StateChunkReader *chunk, Error *error) MUST_CHECK;
/* False past the chunk's end: it is corrupt. */
bool state_chunk_next(StateChunkReader *chunk, StateChunkItem *item) MUST_CHECK;
bool state_chunk_corrupt(const StateChunkHead *head, Error *error);

/* Enters the checksum of a chunk; from any thread. */
void state_chunk_seal(char *bytes, size_t length);

/* Folds a base (or nothing) and its deltas, oldest first, into one base: newest record wins. Runs
 * on the checkpoint writer; needs no store. */
bool state_fold_chunks(const Str *chunks, uint32_t count, Buffer *base, Error *error) MUST_CHECK;

#endif
