/* What the files of rank share: see op_rank.c. */
#ifndef EXECUTOR_RANK_RANK_H
#define EXECUTOR_RANK_RANK_H

#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/row_ties.h"
#include "state/state_entries.h"

/* Behind the sort key stands when the row came among those with an equal one, big-endian. */
#define RANK_ARRIVAL_BYTES 6

/* A partition that a batch has rows of. */
typedef struct RankPartition {
    Str key;
    uint64_t hash;
    StateTree *rows;
    StateTree *distinct;
    uint64_t last;  /* the range's end */
    uint64_t bound; /* rows with a larger head are behind a full range: none is, if it is not */
    uint32_t row;   /* the first it has in the batch */
} RankPartition;

/* Where a kept row can be copied from instead of being decoded: the row of the input batch that it
 * came with, or a row of the output batch at hand. */
typedef struct RankSeen {
    const void *record;
    uint32_t batch; /* which one: rank_input_batch, rank_output_batch */
    uint32_t row;
} RankSeen;

/* By address of the record; a power of two. */
#define RANK_SEEN 1024

/* Batches are numbered by 31 bits; before these come round, what was seen is forgotten. */
#define RANK_NO_BATCH 0u
static inline uint32_t rank_input_batch(uint64_t number)
{
    return (uint32_t)number << 1 | 1;
}

static inline uint32_t rank_output_batch(uint64_t number)
{
    return (uint32_t)number << 1;
}

typedef struct Rank {
    Operator base;
    /* Fixed. */
    const PlanRank *plan;
    uint32_t column_count; /* of the input */
    bool shifts;           /* a row that moves all behind it gives a pair for each number */
    bool wants_before;
    bool keeps_all;
    bool always_keeps; /* a partition's first row, whatever it is */
    bool later_wins;   /* of rows equal in the order, one of which is wanted */
    bool is_quiet;     /* nothing is given before the end: of a bounded run, of a window */
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const RowLayout *row_layout;
    const RowLayout *row_key_layout; /* UPDATE */
    const Vector **vectors;
    StateTable *rows;     /* partition → sort key, arrival → row */
    StateTable *distinct; /* DENSE_RANK: partition → sort key → count of rows */
    StateTable *places;   /* UPDATE: row key → its key in `rows` */
    /* Told of each partition before its first row is kept; NULL: nobody asks. */
    void (*begins)(struct Rank *rank, const Batch *in, const RankPartition *partition);
    /* Changing. */
    RankSeen *seen;
    RowTies *ties;       /* NULL: rows only come */
    uint32_t input;      /* the input batch at hand; RANK_NO_BATCH: none */
    uint64_t inputs;     /* how many there were */
    uint64_t seen_until; /* batches, of input and output, after which `seen` is cleared */
    RowOutput output;
    Buffer sort_keys;
    Arena *scratch;
} Rank;

typedef struct RankBatch {
    Batch *in;
    Str *sort_keys;  /* with room for the arrival, which counts in the length */
    uint64_t *heads; /* of the sort keys, with an arrival that decides ties with the last row */
    Str *encoded;    /* the rows; set for those that are looked at */
    /* For the rows at hand, from `first` on: entries written for them, in no tree yet, or NULL. */
    void **made;
    uint32_t first;
    Str *row_keys; /* UPDATE */
    uint32_t *partition_of;
    RankPartition *partitions;
    uint32_t partition_count;
} RankBatch;

/* A row on its way out: of the input, or kept. */
typedef struct RankRow {
    uint32_t input_row; /* UINT32_MAX: it is kept, and not known to have come with the input */
    const void *record;
} RankRow;

static inline RankRow rank_input_row(uint32_t row)
{
    return (RankRow){row, NULL};
}

static inline RankRow rank_kept_row(const void *record)
{
    return (RankRow){UINT32_MAX, record};
}

static inline Str rank_prefix(Str sort_key)
{
    return (Str){sort_key.data, sort_key.length - RANK_ARRIVAL_BYTES};
}

static inline bool rank_str_equal(Str a, Str b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.data, b.data, a.length) == 0);
}

static inline bool rank_in_range(const Rank *rank, const RankPartition *partition, uint64_t number)
{
    return number >= rank->plan->first && number <= partition->last;
}

/* op_rank.c: giving rows. A pair says that the number passed from one row to another. */
bool rank_give(Rank *rank, uint8_t kind, RankRow *row, uint64_t number, Error *error);
bool rank_give_pair(Rank *rank, RankRow *before, uint64_t before_number, RankRow *after,
                    uint64_t after_number, Error *error);
/* Writes the row's arrival behind its sort key; says how many rows are before it, and where it will
 * stand. */
uint32_t rank_take_place(const Rank *rank, const RankPartition *partition, Str sort_key,
                         StateCursor *place);
/* Where the sort key's rows begin: its arrival becomes the first. */
void rank_first_arrival(Str sort_key);
/* Keeps the row under its sort key and arrival, at the place it has taken. */
void rank_keep(Rank *rank, RankBatch *work, RankPartition *partition, uint32_t row,
               StateCursor *place);
void rank_forget(Rank *rank, RankPartition *partition, StateCursor *place);
/* The first kept row that equals this one, and where it is; NULL: not known. */
void *rank_find(const Rank *rank, const RankBatch *work, const RankPartition *partition,
                uint32_t row, StateCursor *place);

/* op_rank.c: its parts, for Top-N per window. */
void rank_setup(Rank *rank, const OperatorContext *context, const PlanRank *plan);
void rank_teardown(Rank *rank);
/* Takes the rows of a batch, which stays the caller's. */
bool rank_take(Rank *rank, Batch *batch, Emitter *emitter, Error *error) MUST_CHECK;

/* rank/final.c: all rows in range, at the end of a bounded run. */
uint64_t rank_read_last(const Rank *rank, const Vector *column, uint32_t row);
bool rank_end(Operator *op, Emitter *emitter, Error *error);

/* The same of some partitions; one that is added twice counts once. */
typedef struct RankFinal RankFinal;
RankFinal *rank_final_new(Rank *rank);
void rank_final_add(RankFinal *final, StateTree *tree);
bool rank_final_give(RankFinal *final, Emitter *emitter, Error *error) MUST_CHECK;
void rank_final_free(RankFinal *final);

/* rank/rows.c: ROW_NUMBER. */
bool rank_rows_insert(Rank *rank, RankBatch *work, uint32_t row, Error *error);
bool rank_rows_retract(Rank *rank, RankBatch *work, uint32_t row, Error *error);
bool rank_rows_update(Rank *rank, RankBatch *work, uint32_t row, Error *error);

/* rank/ties.c: RANK and DENSE_RANK. */
bool rank_ties_insert(Rank *rank, RankBatch *work, uint32_t row, Error *error);
bool rank_ties_retract(Rank *rank, RankBatch *work, uint32_t row, Error *error);

#endif
