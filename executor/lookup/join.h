/* What the parts of the lookup join share; operator.h puts them together.
 *
 *     lookup/emit.c      what comes out for a batch with its answers, and what is kept of them
 *     lookup/ask.c       questions to the table, off the thread, and their answers by key
 *     lookup/table.c     FULL: the whole table in memory, found by key
 *     lookup/cache.c     PARTIAL: keys that were asked for */
#ifndef EXECUTOR_LOOKUP_JOIN_H
#define EXECUTOR_LOOKUP_JOIN_H

#include "core/row.h"
#include "executor/expression/expression.h"
#include "executor/runtime/offload.h"
#include "planner/plan_lookup.h"

#define LOOKUP_NONE UINT32_MAX

/* Rows of one key, encoded as the right side's rows are. Counted references, for one thread. */
typedef struct LookupRows {
    uint32_t references;
    uint32_t count;
    Str rows[]; /* their bytes follow */
} LookupRows;

LookupRows *lookup_rows_new(const Str *rows, uint32_t count);
void lookup_rows_release(LookupRows *rows); /* NULL is allowed */

/* What rows of the table look like to the join. */
typedef struct LookupShape {
    const PlanLookupJoin *plan;
    const RowLayout *key_layout;
    const RowLayout *row_layout;
} LookupShape;

/* The keys of rows as bytes; none for rows that no equality can hold for. */
typedef struct LookupKeys {
    Str *keys;
    uint64_t *hashes;
    uint8_t *joins;
} LookupKeys;
LookupKeys lookup_encode_keys(const LookupShape *shape, const Vector *const *columns,
                              uint32_t count, Arena *arena);

/* -------------------------------------------------------------- lookup/table.c */

typedef struct LookupTable {
    Batch *rows;    /* of the right side's schema */
    uint32_t *next; /* by row: the next one with its key, or LOOKUP_NONE */
    struct LookupSlot *slots;
    uint64_t mask;
    Arena *arena; /* of long keys */
} LookupTable;

/* Takes the batches over. */
LookupTable *lookup_table_new(const LookupShape *shape, Batch **batches, uint32_t count);
void lookup_table_free(LookupTable *table); /* NULL is allowed */
/* The first and the last row of a key; LOOKUP_NONE: there is none. */
typedef struct LookupFound {
    uint32_t first, last;
} LookupFound;
void lookup_table_find(const LookupTable *table, const LookupKeys *keys, uint32_t count,
                       LookupFound *found);

/* Reads the whole table; a job for an offload. */
typedef struct LookupLoad {
    OffloadJob job;
    LookupShape shape;
    FunctionEnvironment environment;
    Offload *offload;
    LookupTable *table; /* once it is done */
} LookupLoad;
LookupLoad *lookup_load_new(const LookupShape *shape, const OperatorContext *context,
                            Offload *offload);
void lookup_load_free(LookupLoad *load);

/* -------------------------------------------------------------- lookup/cache.c */

typedef struct LookupCache LookupCache;
LookupCache *lookup_cache_new(const PlanLookupJoin *plan);
void lookup_cache_free(LookupCache *cache); /* NULL is allowed */
/* Starts the memory reads of a find. */
void lookup_cache_prefetch(const LookupCache *cache, uint64_t hash);
void lookup_cache_prefetch_entry(const LookupCache *cache, uint64_t hash);
/* Borrowed; NULL: the key is not there, or no longer. */
LookupRows *lookup_cache_get(LookupCache *cache, Str key, uint64_t hash, int64_t now_ms);
void lookup_cache_put(LookupCache *cache, Str key, uint64_t hash, LookupRows *rows, int64_t now_ms);
uint32_t lookup_cache_size(const LookupCache *cache);

/* ---------------------------------------------------------------- lookup/ask.c */

/* A key that rows of a batch wait for. */
typedef struct LookupNeed {
    Str key;
    uint64_t hash;
    uint32_t row;     /* a row of the batch that has it */
    LookupRows *rows; /* NULL: not answered yet */
    bool was_asked;   /* the rows are the table's, not the cache's */
} LookupNeed;

/* A batch whose answers are not all there, or that stands behind such a one. */
typedef struct LookupPending LookupPending;
struct LookupPending {
    Batch *batch;
    Arena *arena;
    LookupKeys keys;
    uint32_t *need_of_row; /* LOOKUP_NONE: nothing is looked up for it */
    LookupNeed *needs;
    uint32_t need_count;
    uint32_t questions;  /* under way */
    int64_t attempts;    /* to find what was missing */
    int64_t retry_at_us; /* of the next one; INT64_MAX: none is wanted */
    int64_t arrived_us;
    int64_t watermark_us; /* goes behind it; INT64_MIN: none */
    bool emitted;
    LookupPending *next;
};

typedef struct LookupAsker LookupAsker;
LookupAsker *lookup_asker_new(const LookupShape *shape, const OperatorContext *context,
                              Offload *offload);
void lookup_asker_free(LookupAsker *asker); /* after its offload; NULL is allowed */
/* A question that only checks whether the table is there. */
OffloadJob *lookup_ask_check(LookupAsker *asker);
/* Those of needs[from..] that have no rows, some hundred at most; *to is where the next question
 * begins. NULL: there are none. */
OffloadJob *lookup_ask(LookupAsker *asker, LookupPending *pending, uint32_t from, uint32_t *to);
/* Gives the needs their rows; the pending, or NULL for a check. Frees the question. */
bool lookup_answer(LookupAsker *asker, OffloadJob *job, LookupPending **pending,
                   Error *error) MUST_CHECK;
void lookup_drop_question(void *asker, OffloadJob *job);

/* Whether a failure is worth another try after a pause, which is made; tries counts them. */
bool lookup_try_again(const PlanLookupJoin *plan, Offload *offload, int64_t *tries, Error *error);

/* --------------------------------------------------------------- lookup/emit.c */

/* A left row with a row of the table: by place in a LookupTable, or as it is encoded (data NULL:
 * none). */
typedef struct LookupMatch {
    uint32_t left;
    uint32_t place; /* LOOKUP_NONE: none */
    Str row;
} LookupMatch;

typedef struct LookupMatches {
    LookupMatch *items;
    uint32_t count;
    uint32_t capacity;
} LookupMatches;

typedef struct LookupOutput {
    /* Fixed. */
    const OperatorContext *context;
    LookupShape shape;
    uint32_t left_count; /* columns */
    /* By column of the right side: the left column that is equal to it in every match, or
     * LOOKUP_NONE. */
    uint32_t *same_as_left;
    ExpressionProgram *condition;
    StateTable *answers; /* NULL: none are kept */
    const RowLayout *row_key_layout;
    /* For some rows of one batch. */
    uint32_t from;        /* the first of them */
    LookupMatches found;  /* what was looked up */
    LookupMatches passed; /* and the condition holds for; with rows that have none */
    uint32_t *selected;
    Buffer payload;
    Arena *scratch;
} LookupOutput;

void lookup_output_init(LookupOutput *output, const OperatorContext *context,
                        const LookupShape *shape);
void lookup_output_deinit(LookupOutput *output);
/* Starts a batch; then the matches of its rows are added, row by row. */
void lookup_output_start(LookupOutput *output);
void lookup_output_add(LookupOutput *output, LookupMatch match);
/* Whether what was added should be passed on before further rows are looked at. */
static inline bool lookup_output_is_full(const LookupOutput *output)
{
    return output->found.count >= 32 * BATCH_ROWS_MAX;
}
/* Passes on what comes out for the rows before `to` that has not been. `table`: what places mean;
 * NULL: matches are encoded. */
bool lookup_output_emit(LookupOutput *output, Batch *batch, uint32_t to, const LookupKeys *keys,
                        const LookupTable *table, Emitter *emitter, Error *error) MUST_CHECK;
/* The rows' own keys, as state knows them; in the output's memory, until the next batch. */
LookupKeys lookup_output_row_keys(LookupOutput *output, const Batch *batch);
/* Whether the answer for such a row is taken from what was kept. */
static inline bool lookup_takes_back(const PlanLookupJoin *plan, uint8_t kind)
{
    return plan->keeps_answers && change_is_retraction(kind);
}

#endif
