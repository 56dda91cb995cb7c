/* A change batch: up to 2,048 rows of one schema, column by column, each with its change kind.
 *
 * Invariant: every column has `row_count` rows; `kinds` is NULL when all rows are +I; a -U is
 * followed directly by its +U in the same batch (a lone +U is legal where the plan says that -U is
 * not produced).
 *
 * Ownership: a batch owns its arena and, through batch_hold, batches whose memory its columns
 * borrow from. Passing a batch to an emitter, a channel or a sink passes ownership, and who gets a
 * batch may use its arena: several consumers, on whatever threads, get a view each. Owners are
 * counted atomically; nobody changes a batch that others hold. */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "core/vector.h"

#define BATCH_ROWS_MAX 2048

/* The numbers are Flink's RowKind; odd kinds take a row back. */
typedef enum ChangeKind {
    CHANGE_INSERT = 0,
    CHANGE_UPDATE_BEFORE = 1,
    CHANGE_UPDATE_AFTER = 2,
    CHANGE_DELETE = 3
} ChangeKind;

static inline bool change_is_retraction(uint8_t kind)
{
    return (kind & 1) != 0;
}

/* "+I", "-U", "+U", "-D". */
const char *change_kind_text(uint8_t kind);

/* Sets of kinds, as the planner derives them. */
typedef uint8_t ChangeKinds;
#define CHANGES_OF(kind)      ((ChangeKinds)(1u << (kind)))
#define CHANGES_INSERT_ONLY   ((ChangeKinds)0x1) /* +I */
#define CHANGES_UPSERT        ((ChangeKinds)0xD) /* +I +U -D */
#define CHANGES_INSERT_UPDATE ((ChangeKinds)0x7) /* +I -U +U */
#define CHANGES_ALL           ((ChangeKinds)0xF)

typedef struct Batch Batch;

struct Batch {
    const Schema *schema;
    uint32_t row_count;
    uint32_t column_count;
    Vector *columns;
    uint8_t *kinds;
    /* Hashes of the rows as rows of some columns only (core/row.h), which an exchange made on the
     * way here, and which columns: the plan's own array. NULL: none. Nothing passes them on. */
    const uint64_t *hashes;
    const uint32_t *hashed;
    Arena *arena;
    /* Private to batch.c. */
    uint32_t references;
    uint32_t held_count;
    uint32_t held_capacity;
    Batch **held;
};

/* An empty batch with room for `capacity` rows in every column; no kinds. The schema must outlive
 * the batch. */
Batch *batch_new(const Schema *schema, uint32_t capacity);
/* The same without storage for the columns: the caller sets each Vector. */
Batch *batch_new_bare(const Schema *schema);

/* One more owner; one owner less, and at none the memory goes back. NULL is allowed. */
Batch *batch_retain(Batch *batch);
void batch_release(Batch *batch);

/* Whether it has other owners; nobody else can make it shared who does not own it. */
bool batch_is_shared(const Batch *batch);

/* `batch` borrows from `source`: keeps it until `batch` goes. Takes over one ownership of `source`.
 */
void batch_hold(Batch *batch, Batch *source);

/* The same rows as a batch of its own, which borrows from `batch` and holds it. */
Batch *batch_view(Batch *batch);

/* A copy that borrows from nothing. */
Batch *batch_copy(const Batch *batch);

/* The array of kinds, made (all +I) on first use with room for `capacity` rows. */
uint8_t *batch_kinds(Batch *batch, uint32_t capacity);

static inline uint8_t batch_kind(const Batch *batch, uint32_t row)
{
    return batch->kinds == NULL ? (uint8_t)CHANGE_INSERT : batch->kinds[row];
}

/* New batch of the chosen rows, in that order; long strings borrow from `batch` and hold it. */
Batch *batch_gather(Batch *batch, const uint32_t *rows, uint32_t count);

/* The same with hashes: hashes[i] is that of row i of `batch` by the columns `hashed`. */
Batch *batch_gather_hashed(Batch *batch, const uint32_t *rows, uint32_t count,
                           const uint64_t *hashes, const uint32_t *hashed);

/* Copies one row, kind and long strings included, to the end of a batch made with batch_new. */
void batch_append_row(Batch *to, const Batch *from, uint32_t from_row);

/* Bytes of memory it keeps alive, those of a held batch divided among its owners: what queues
 * bound. */
size_t batch_bytes(const Batch *batch);

#endif
