/* Lookup join: each left row with the rows that a table outside has for its key when it is looked
 * at.
 *
 * Contract: for a left row come out, with its kind, the rows of the table whose key equals its own
 * and for which the condition holds, in the table's order; a left join pads rows without one. Rows
 * come out in the order in which they came in, unless rows that are only inserted may pass others.
 * With FULL the table is read before the first row and searched here; later readings take its place
 * as a whole when they are there. Else keys are asked for, each distinct one of a batch once and
 * some hundred at a time, on helper threads; batches wait in a queue for their answers while others
 * come in, and a watermark waits behind the rows before it. A key without rows may be asked for
 * again after a delay.
 *
 * State: what was given for each row, where rows may be taken back (lookup/emit.c); rows that wait
 * for another try, written at each barrier. Answers under way are waited for there, and asked for
 * anew after a restore.
 *
 * Cost: see lookup/table.c and lookup/ask.c; a row itself is encoded only where it is kept. */
#include "executor/lookup/operator.h"

/* Connections at most; a server answers more questions beside each other, but not much faster. */
#define HELPERS_MAX 4

static bool lookup_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->plan->cache != PLAN_LOOKUP_FULL)
        return lookup_asked_batch(join, batch, emitter, error);
    bool good = lookup_full_batch(join, batch, emitter, error);
    batch_release(batch);
    return good;
}

/* ------------------------------------------------------------ the rest of a stream */

static bool lookup_ready(Operator *op, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    OffloadJob *job;
    while ((job = offload_take(join->offload)) != NULL) {
        bool is_load = join->load != NULL && job == &join->load->job;
        if (!(is_load ? lookup_end_load(join, error) : lookup_take_answer(join, job, error)))
            return false;
    }
    return lookup_flush(join, emitter, error);
}

static bool lookup_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->tail != NULL && watermark_us != INT64_MAX) {
        join->tail->watermark_us = watermark_us;
        return true;
    }
    /* The end: what waits for another try has it now. */
    while (join->head != NULL)
        if (!lookup_retry_due(join, INT64_MAX - 1, error) || !lookup_wait_for_all(join, error) ||
            !lookup_flush(join, emitter, error))
            return false;
    return watermark_us == INT64_MAX || emit_watermark(emitter, watermark_us, error);
}

static bool lookup_end(Operator *op, Emitter *emitter, Error *error)
{
    return lookup_watermark(op, INT64_MAX, emitter, error);
}

static bool check_timeout(LookupJoin *join, int64_t now, Error *error)
{
    const LookupPending *head = join->head;
    if (head == NULL || join->plan->timeout_ms == 0)
        return true;
    int64_t until = head->arrived_us + join->plan->timeout_ms * 1000;
    if (now < until) {
        operator_wake_at(join->base.context, until);
        return true;
    }
    error_set(error, ERROR_NETWORK, "no answer came in %lld ms", (long long)join->plan->timeout_ms);
    error_hint(error, "\"timeout\" of the hint LOOKUP, or table.exec.async-lookup.timeout, allows "
                      "more.");
    return lookup_blame(join, error);
}

/* Begins with a look at the table, so that one that is not there is known before the first row. */
static bool begin(LookupJoin *join, int64_t now, Error *error)
{
    if (join->plan->cache == PLAN_LOOKUP_FULL) {
        join->reload_at_us = now;
        return join->table != NULL || lookup_start_load(join, error);
    }
    join->under_way++;
    return offload_submit(join->offload, lookup_ask_check(join->asker), error);
}

static bool lookup_alarm(Operator *op, int64_t now, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->reload_at_us == INT64_MIN) {
        join->reload_at_us = INT64_MAX;
        if (!begin(join, now, error))
            return false;
    }
    if (join->plan->cache == PLAN_LOOKUP_FULL)
        return lookup_reload(join, now, error);
    return lookup_retry_due(join, now, error) && check_timeout(join, now, error) &&
           lookup_flush(join, emitter, error);
}

/* ---------------------------------------------------------------------- barriers */

static bool lookup_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->plan->cache == PLAN_LOOKUP_FULL)
        return true;
    if (!lookup_wait_for_all(join, error) || !lookup_flush(join, emitter, error))
        return false;
    if (join->waiting == NULL)
        return true;
    lookup_save_waiting(join);
    return true;
}

static bool lookup_restored(Operator *op, Error *error)
{
    LookupJoin *join = (LookupJoin *)op;
    if (join->waiting == NULL)
        return true;
    lookup_restore_waiting(join);
    return true;
}

/* --------------------------------------------------------------------- lifetime */

static Operator *lookup_open(const OperatorContext *context, Error *error)
{
    LookupJoin *join = arena_new_one(context->arena, LookupJoin);
    join->base.context = context;
    join->plan = context->node->spec;
    join->left = context->node->inputs[0].node->schema;
    join->shape = (LookupShape){join->plan,
                                row_layout_of_columns(context->arena, join->left,
                                                      join->plan->left_keys, join->plan->key_count),
                                row_layout_of_schema(context->arena, join->plan->right)};
    bool full = join->plan->cache == PLAN_LOOKUP_FULL;
    uint32_t helpers = full                                 ? 1
                       : join->plan->capacity < HELPERS_MAX ? join->plan->capacity
                                                            : HELPERS_MAX;
    join->offload = offload_new(context, helpers);
    lookup_output_init(&join->output, context, &join->shape);
    if (!full)
        join->asker = lookup_asker_new(&join->shape, context, join->offload);
    if (join->plan->cache == PLAN_LOOKUP_PARTIAL)
        join->cache = lookup_cache_new(join->plan);
    if (join->plan->miss_attempts != 0)
        lookup_declare_waiting(join);
    join->scratch = arena_new((size_t)1 << 16);
    join->reload_at_us = INT64_MIN;
    operator_wake_at(context, INT64_MIN);
    return &join->base;
}

static void drop_job(void *to, OffloadJob *job)
{
    LookupJoin *join = to;
    if (join->asker != NULL)
        lookup_drop_question(join->asker, job);
}

static void lookup_close(Operator *op)
{
    LookupJoin *join = (LookupJoin *)op;
    offload_free(join->offload, drop_job, join);
    lookup_load_free(join->load);
    lookup_asker_free(join->asker);
    while (join->head != NULL) {
        LookupPending *head = join->head;
        join->head = head->next;
        lookup_pending_free(head);
    }
    lookup_cache_free(join->cache);
    lookup_table_free(join->table);
    lookup_output_deinit(&join->output);
    arena_free(join->scratch);
}

extern const OperatorClass op_lookup_join;
const OperatorClass op_lookup_join = {
    .name = "lookup_join",
    .open = lookup_open,
    .batch = lookup_batch,
    .own_watermarks = true,
    .passes_idle = true,
    .watermark = lookup_watermark,
    .alarm = lookup_alarm,
    .ready = lookup_ready,
    .barrier = lookup_barrier,
    .restored = lookup_restored,
    .end = lookup_end,
    .close = lookup_close,
};
