/* Keyed state: what operators remember between batches.
 *
 * An operator instance has one StateStore and declares its tables when it opens. Keys are encoded
 * rows (core/row.h); hashes are hash_bytes of the key. A table is split by key group, the unit of
 * checkpoints and rescaling. The upper half of a hash chooses the key group: an owner that got its
 * rows by a part of the key only gives the upper half of that part's hash, always the same.
 *
 *   VALUE    key → record of fixed size, changed in place
 *   MAP      key → subkey → record of fixed size and payload bytes; subkeys in insertion order
 *   ORDERED  key → sort key → record of fixed size and payload bytes; sort keys in memcmp order
 *
 * Records may hold StringViews at declared offsets; their long text belongs to the table and is
 * replaced with state_string_assign.
 *
 * A table with a TTL forgets a record that was not written (made, touched, put) for that long: from
 * then on nobody finds it, and its memory goes back little by little. Entries of an ORDERED table
 * expire together, when none of their key was written. Time is what the owner last
 * told the store; it does not move during a batch, so what a batch has found stays.
 *
 * Invariant: a record does not move while it exists, is aligned to 8 and starts zeroed. Whoever
 * changes a record calls state_touch before the next barrier; creating and removing counts by
 * itself. Only a payload that changes its size may move its entry.
 * Cost: one probe a key, prefetched over the batch; a snapshot copies only what changed. */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include "core/buffer.h"
#include "core/error.h"
#include "core/vector.h"

typedef struct StateStore StateStore;
typedef struct StateTable StateTable;

typedef enum StateKind { STATE_VALUE, STATE_MAP, STATE_ORDERED } StateKind;

typedef struct StateSpec {
    const char *name; /* unique in the operator; part of the checkpoint */
    StateKind kind;
    uint32_t record_bytes; /* a multiple of 8; may be 0 for MAP and ORDERED */
    const uint32_t *string_offsets;
    uint32_t string_count;
    /* For people who open a checkpoint, and for the check that state still fits; the text is stored
     * with the table and compared on restore: "k BIGINT -> count BIGINT, sum DECIMAL(38, 2)". */
    const char *description;
    int64_t ttl_ms; /* 0: records stay until they are removed */
    /* MAP: entries come by state_map_append alone, stay and have no record. */
    bool only_appends;
    /* MAP: another one of the store, without keys yet, beside which this one stands, if neither has
     * a TTL (state_map_is_beside): keys are looked up in both at once. */
    StateTable *beside;
} StateSpec;

typedef struct StateConfig {
    const char *owner; /* the operator's identity, for errors */
    uint32_t max_parallelism;
    uint32_t first_key_group; /* the groups this instance owns: first..last inclusive */
    uint32_t last_key_group;
    uint64_t memory_limit_bytes; /* 0: none */
} StateConfig;

StateStore *state_store_new(const StateConfig *config);
void state_store_free(StateStore *store);
/* Declares a table; it lives as long as the store. */
StateTable *state_table_declare(StateStore *store, const StateSpec *spec);
/* First and last key group it owns. */
uint32_t state_store_key_groups(const StateStore *store, uint32_t *last);
uint64_t state_store_bytes(const StateStore *store);
/* What its records and indexes take from the system, free room included. */
uint64_t state_store_reserved_bytes(const StateStore *store);
/* Says what time it is, between two batches and before a restore, and gives back some of what has
 * expired; a step takes well under a millisecond. Returns when to come again though nothing comes
 * in, or INT64_MAX. */
int64_t state_store_advance(StateStore *store, int64_t now_ms);
void state_store_hold(StateStore *store, bool held); /* while held, nothing expires */
/* Keys of all its tables together. */
uint64_t state_store_keys(const StateStore *store);
uint64_t state_table_keys(const StateTable *table);
/* Whether keys of that hash belong to this instance. */
bool state_store_owns(const StateStore *store, uint64_t hash);
/* False with an error naming the operator once the store passed its memory limit; asked per batch.
 */
bool state_store_check(const StateStore *store, Error *error) MUST_CHECK;

void state_touch(StateTable *table, void *record);
void state_string_assign(StateTable *table, StringView *slot, Str value);

/* ------------------------------------------------------------------- VALUE */

/* For each key its record, made when missing; created[i] tells (may be NULL). Equal keys in one
 * call get the same record; `created` is set only for the first. */
void state_value_get_or_create(StateTable *table, const Str *keys, const uint64_t *hashes,
                               uint32_t count, void **records, uint8_t *created);
/* For each key its record or NULL. */
void state_value_get(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                     void **records);
void state_value_remove(StateTable *table, void *record);
Str state_value_key(const StateTable *table, const void *record);
/* A hash of its key that leads there: the key group's upper half may differ from what was given. */
uint64_t state_value_hash(const StateTable *table, const void *record);
/* Calls `each` with every record, in no particular order; the table must not change meanwhile. */
void state_value_each(StateTable *table, void (*each)(void *to, void *record), void *to);

/* --------------------------------------------------------------------- MAP */

typedef struct StateGroup StateGroup; /* all entries of one key */
typedef struct StateEntry StateEntry;

/* For each key its group, or NULL when it has no entry. A group goes when its last entry goes. */
void state_map_groups(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                      StateGroup **groups);
/* The groups of a table and of the one beside it. A key is made where makes[i] is not 0, and then
 * an entry of the table has to be put; until then, and while only the table beside has entries of a
 * key, its group is there without one. Groups of the table beside stay while that does not change.
 */
bool state_map_is_beside(const StateTable *table, const StateTable *other);
void state_map_groups_beside(StateTable *table, const Str *keys, const uint64_t *hashes,
                             const uint8_t *makes, uint32_t count, StateGroup **groups,
                             StateGroup **beside);
/* Calls `each` with every group, in no particular order; the table must not change meanwhile. */
void state_map_each(StateTable *table, void (*each)(void *to, StateGroup *group), void *to);
/* Those that have expired, but are not yet given back, are counted too. */
uint32_t state_map_size(const StateGroup *group);
StateEntry *state_map_first(const StateTable *table, const StateGroup *group);
StateEntry *state_map_last(const StateTable *table, const StateGroup *group);
StateEntry *state_map_next(const StateTable *table, const StateEntry *entry);
StateEntry *state_map_find(StateTable *table, StateGroup *group, Str subkey);
/* Entry of the subkey, made (behind the others, making the group too) when missing, with the given
 * payload; an existing entry keeps its place, and its payload is replaced. `*group` may be NULL on
 * entry and is set. */
StateEntry *state_map_put(StateTable *table, StateGroup **group, Str key, uint64_t hash, Str subkey,
                          Str payload, bool *created);
/* A new entry behind the others, for owners that never look for one: its subkey is its number in
 * the group, and the group keeps no index for it. A table has either such entries or those of put.
 */
StateEntry *state_map_append(StateTable *table, StateGroup **group, Str key, uint64_t hash,
                             Str payload);
/* The same of many at once, where entries are only appended and the table has no TTL
 * (state_map_is_packed): of each payload the length is given, and where to write it is returned.
 * That is done before the next call. `beside`, if not NULL, gets the groups of the table beside. */
bool state_map_is_packed(const StateTable *table);
void state_map_append_rows(StateTable *table, const Str *keys, const uint64_t *hashes,
                           uint32_t count, Str *payloads, StateGroup **beside);
/* Removes the entry; true when the group went with it. */
bool state_map_remove(StateTable *table, StateEntry *entry);
/* Changing the payload may move the entry: use what is returned. */
StateEntry *state_map_set_payload(StateTable *table, StateEntry *entry, Str payload);
Str state_entry_subkey(const StateTable *table, const StateEntry *entry);
Str state_entry_payload(const StateTable *table, const StateEntry *entry);
void *state_entry_record(const StateEntry *entry); /* state_touch takes this too */
StateGroup *state_entry_group(const StateTable *table, const StateEntry *entry);

/* ----------------------------------------------------------------- ORDERED */

/* Record of (key, sort key), made when missing. */
void *state_ordered_put(StateTable *table, Str key, uint64_t hash, Str sort_key, bool *created);
void *state_ordered_find(StateTable *table, Str key, uint64_t hash, Str sort_key);
void state_ordered_remove(StateTable *table, Str key, uint64_t hash, Str sort_key);
/* First and last sort key of a key; NULL when it has none. The sort key is valid until the next
 * change of the table. */
void *state_ordered_first(StateTable *table, Str key, uint64_t hash, Str *sort_key);
void *state_ordered_last(StateTable *table, Str key, uint64_t hash, Str *sort_key);
/* The neighbour strictly after or before `sort_key`, whether that is there or not. */
void *state_ordered_after(StateTable *table, Str key, uint64_t hash, Str sort_key, Str *found);
void *state_ordered_before(StateTable *table, Str key, uint64_t hash, Str sort_key, Str *found);

/* All entries of one key of an ORDERED table, for owners that look at many of them: found once for
 * a batch, then searched, walked and counted. An entry is known by its record; a tree goes when its
 * last entry goes. NULL stands for a tree without entries wherever one is read. */
typedef struct StateTree StateTree;

/* For each key its tree, or NULL when it has no entry. */
void state_ordered_trees(StateTable *table, const Str *keys, const uint64_t *hashes, uint32_t count,
                         StateTree **trees);
uint32_t state_tree_size(const StateTree *tree);
/* Starts the memory reads of what follows: the last entry of each tree, and of a search in it while
 * it is small. */
void state_trees_prefetch_last(StateTree *const *trees, uint32_t count);
/* The same of the last entry, of an append, and of the entry so far from the end (0: of none); for
 * so few trees that what is read stays in the cache. */
void state_trees_prefetch_ends(StateTree *const *trees, uint32_t count, uint32_t distance);
/* The same of a search for the sort key, where it is not behind all others, and of so many entries
 * before its place, so many from there on; for few trees. */
void state_trees_prefetch_around(StateTree *const *trees, const Str *sort_keys, uint32_t count,
                                 uint32_t before, uint32_t behind);
/* Record of the sort key, made when missing (making the tree too) with the given payload; an
 * existing entry gets that payload, which may move it. `*tree` may be NULL on entry and is set. */
void *state_tree_put(StateTable *table, StateTree **tree, Str key, uint64_t hash, Str sort_key,
                     Str payload, bool *created);
/* The same of a sort key that is behind all others: constant time but for every 32nd. */
void *state_tree_append(StateTable *table, StateTree **tree, Str key, uint64_t hash, Str sort_key,
                        Str payload);
/* Calls `each` with every tree, in no particular order; the table must not change meanwhile. */
void state_trees_each(StateTable *table, void (*each)(void *to, StateTree *tree), void *to);
/* Removes the entry; true when the tree went with it. */
bool state_tree_remove(StateTable *table, void *record);
void *state_tree_find(const StateTable *table, const StateTree *tree, Str sort_key);
void *state_tree_first(const StateTree *tree);
void *state_tree_last(const StateTree *tree);
/* The entry with `distance` others behind it, or NULL; near the end in constant time. */
void *state_tree_from_end(const StateTree *tree, uint32_t distance);
/* The entry with `position` others before it, or NULL; logarithmic. */
void *state_tree_at(const StateTree *tree, uint32_t position);
/* How many entries are before the sort key, whether that is there or not; logarithmic. */
uint32_t state_tree_position(const StateTable *table, const StateTree *tree, Str sort_key);
/* Both are valid until the entry or its payload changes. */
Str state_tree_sort_key(const StateTable *table, const void *record);
Str state_tree_payload(const StateTable *table, const void *record);
StateTree *state_tree_of(const StateTable *table, const void *record);

/* Choices among entries: the nodes of the trees remember what is chosen of all that is below them,
 * so that the choice of any range takes a logarithmic number of comparisons. What is chosen must
 * depend on nothing that changes while an entry exists. */
typedef struct StateChoices {
    uint32_t count;
    /* Whether the entry may be chosen at all; whether it is chosen before the other. */
    bool (*counts)(void *to, uint32_t choice, const void *record);
    bool (*wins)(void *to, uint32_t choice, const void *record, const void *other);
    void *to;
} StateChoices;

/* Before the first entry. */
void state_table_choose(StateTable *table, const StateChoices *choices);
/* What is chosen of the entries first <= position < end; NULL: none. */
void *state_tree_choose(const StateTable *table, const StateTree *tree, uint32_t choice,
                        uint32_t first, uint32_t end);

/* A place in a tree, valid until the tree changes. Each call gives the record there, or NULL past
 * the end, where the cursor is of no more use. */
#define STATE_TREE_HEIGHT_MAX 16
typedef struct StateNode StateNode;
typedef struct StateCursor {
    StateNode *nodes[STATE_TREE_HEIGHT_MAX];
    uint16_t slots[STATE_TREE_HEIGHT_MAX];
    uint32_t depth;
} StateCursor;

/* The first entry whose sort key is not before this one. */
void *state_cursor_seek(const StateTable *table, const StateTree *tree, Str sort_key,
                        StateCursor *cursor);
void *state_cursor_at(const StateTree *tree, uint32_t position, StateCursor *cursor);
/* Changes at a place that is known: as state_tree_put of a sort key that is not there yet, where a
 * search for it (or for one that would stand next to it) ended, past the end included; as
 * state_tree_remove of the entry there. The cursor is of no more use. */
void *state_cursor_put(StateTable *table, StateTree **tree, Str key, uint64_t hash,
                       StateCursor *cursor, Str sort_key, Str payload);
bool state_cursor_remove(StateTable *table, StateCursor *cursor);
/* The entry it stands at. */
void *state_cursor_record(const StateCursor *cursor);
/* How many entries are before the one it stands at. */
uint32_t state_cursor_position(const StateCursor *cursor);
/* What follows, which it does not go to. */
void *state_cursor_peek(const StateCursor *cursor);
/* One on, or back; the entries behind that are read ahead. */
void *state_cursor_next(StateCursor *cursor);
void *state_cursor_previous(StateCursor *cursor);

/* ------------------------------------------------------- snapshot, restore */

/* One piece of a checkpoint: changes of one key group of one table, or a whole base of it. */
typedef struct StateChunk {
    const char *table;
    uint32_t key_group;
    bool is_base; /* the first of all there is; else what changed since the chunk before */
    Str bytes;    /* the table's own encoding; only state_ functions read it */
    /* Where the bytes are, if who gets the chunk may take them over, leaving it empty; else NULL:
     * they are valid during the call. */
    Buffer *buffer;
    uint64_t replaced_bytes; /* of older chunks, that this one makes useless; about */
} StateChunk;

typedef void StateChunkAdd(void *to, const StateChunk *chunk);

/* Hands over what changed since the last snapshot (everything the first time or after a restore is
 * not needed again) and forgets it: calls `add` per chunk, which is complete but for its checksum:
 * state_chunk_seal (state_chunk.h). Nothing is written to disk here. */
void state_snapshot(StateStore *store, StateChunkAdd *add, void *to);

/* A part of the next snapshot, ahead of it and between two batches, so that less is left for it: at
 * most so many changed records. What changes after that is handed over again, and a restore that
 * has all chunks, in order, has the state at the snapshot. Unless `all`, tables are passed over
 * whose records mostly change again or go before the snapshot. Returns how many were copied; 0:
 * there is nothing to copy. */
uint32_t state_snapshot_ahead(StateStore *store, uint32_t max_records, bool all, StateChunkAdd *add,
                              void *to);
/* Records that have changed and are not copied, or went then and have left their place free; unless
 * `all`, of the tables whose copying pays. */
uint64_t state_store_changed(const StateStore *store, bool all);

/* The next snapshot is made of bases: the store that held them is not the one it goes to (a restore
 * from another path, a commit that failed). */
void state_snapshot_restart(StateStore *store);

/* Applies a chunk in order, base first; chunks of key groups the store does not own are passed
 * over. After the last one call state_restore_end. */
bool state_restore(StateStore *store, const StateChunk *chunk, Error *error) MUST_CHECK;
bool state_restore_end(StateStore *store, Error *error) MUST_CHECK;
/* "table\tdescription" of each declared table, a line each: compared before a restore. */
void state_describe(const StateStore *store, Buffer *out);

#endif
