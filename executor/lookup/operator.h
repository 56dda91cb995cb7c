/* The lookup join as an operator: what its files share of it.
 *
 *     op_lookup_join.c    batches, watermarks, the clock, barriers
 *     lookup/reload.c     FULL: readings of the table, and batches over it
 *     lookup/answer.c     else: what is asked for a batch, again and again, and the answers
 *     lookup/pending.c    the queue of batches whose answers are not all there
 *     lookup/waiting.c    those of them that a checkpoint keeps */
#ifndef EXECUTOR_LOOKUP_OPERATOR_H
#define EXECUTOR_LOOKUP_OPERATOR_H

#include "executor/lookup/join.h"

typedef struct LookupJoin {
    Operator base;
    /* Fixed. */
    const PlanLookupJoin *plan;
    LookupShape shape;
    const Schema *left;
    LookupAsker *asker; /* NULL with FULL */
    LookupCache *cache; /* PARTIAL */
    StateTable *waiting;
    const RowLayout *left_layout;
    /* Changing. */
    Offload *offload;
    LookupOutput output;
    LookupTable *table;
    LookupLoad *load; /* under way */
    int64_t reload_at_us;
    LookupPending *head, *tail;
    uint32_t pending_count;
    uint32_t under_way; /* questions */
    uint64_t order;     /* of the next row that waits in state */
    Arena *scratch;
} LookupJoin;

static inline int64_t lookup_now_us(const LookupJoin *join)
{
    return operator_now_us(join->base.context);
}

/* Names the table in an error. Returns false. */
static inline bool lookup_blame(const LookupJoin *join, Error *error)
{
    if (error->code != ERROR_CANCELLED)
        error_prefix(error, "lookup of table \"%s\": ", join->plan->info.scan.table->name);
    return false;
}

/* The keys of a batch of the left side. */
static inline LookupKeys lookup_encode_left(const LookupJoin *join, const Batch *batch,
                                            Arena *arena)
{
    const Vector **columns = arena_new_array(arena, const Vector *, join->plan->key_count + 1);
    for (uint32_t k = 0; k < join->plan->key_count; k++)
        columns[k] = &batch->columns[join->plan->left_keys[k]];
    return lookup_encode_keys(&join->shape, columns, batch->row_count, arena);
}

/* ------------------------------------------------------------- lookup/reload.c */

/* Begins to read the table, unless that is under way; what is to be done when it ended. */
bool lookup_start_load(LookupJoin *join, Error *error) MUST_CHECK;
bool lookup_end_load(LookupJoin *join, Error *error) MUST_CHECK;
/* At an alarm: reads again when that is due. */
bool lookup_reload(LookupJoin *join, int64_t now, Error *error) MUST_CHECK;
bool lookup_full_batch(LookupJoin *join, Batch *batch, Emitter *emitter, Error *error) MUST_CHECK;

/* ------------------------------------------------------------ lookup/pending.c */

/* At the queue's end; takes the batch over. */
LookupPending *lookup_pending_new(LookupJoin *join, Batch *batch);
void lookup_pending_free(LookupPending *pending);
bool lookup_is_answered(const LookupPending *pending);
/* Emits what may go: answered batches from the head on, or, where order does not matter, all that
 * stand before the first watermark that has to wait. */
bool lookup_flush(LookupJoin *join, Emitter *emitter, Error *error) MUST_CHECK;

/* ------------------------------------------------------------- lookup/answer.c */

/* Takes the batch over, asks for its keys, and emits what may go. */
bool lookup_asked_batch(LookupJoin *join, Batch *batch, Emitter *emitter, Error *error) MUST_CHECK;
bool lookup_take_answer(LookupJoin *join, OffloadJob *job, Error *error) MUST_CHECK;
bool lookup_wait_for_all(LookupJoin *join, Error *error) MUST_CHECK;
/* Asks again where that is due by then. */
bool lookup_retry_due(LookupJoin *join, int64_t until_us, Error *error) MUST_CHECK;

/* ------------------------------------------------------------ lookup/waiting.c */

void lookup_declare_waiting(LookupJoin *join);
/* Writes the queue's rows in place of those written before; makes the queue from them. */
void lookup_save_waiting(LookupJoin *join);
void lookup_restore_waiting(LookupJoin *join);

#endif
