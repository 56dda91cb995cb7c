/* Lookup join: which keys of a batch are asked for, by whom, and what becomes of the answers.
 *
 * Invariant: at most `capacity` questions are under way; a key without rows is asked for again as
 * often as the plan says. Cost: questions carry some hundred keys each. */
#include "executor/lookup/operator.h"

static void use_cache(const LookupJoin *join, LookupPending *pending)
{
    if (join->cache == NULL)
        return;
    int64_t now_ms = lookup_now_us(join) / 1000;
    for (uint32_t i = 0; i < pending->need_count; i++)
        lookup_cache_prefetch(join->cache, pending->needs[i].hash);
    for (uint32_t i = 0; i < pending->need_count; i++)
        lookup_cache_prefetch_entry(join->cache, pending->needs[i].hash);
    for (uint32_t i = 0; i < pending->need_count; i++) {
        LookupNeed *need = &pending->needs[i];
        LookupRows *rows = lookup_cache_get(join->cache, need->key, need->hash, now_ms);
        if (rows == NULL)
            continue;
        rows->references++;
        need->rows = rows;
    }
}

static void fill_cache(const LookupJoin *join, const LookupPending *pending)
{
    int64_t now_ms = lookup_now_us(join) / 1000;
    for (uint32_t i = 0; i < pending->need_count && join->cache != NULL; i++) {
        const LookupNeed *need = &pending->needs[i];
        if (need->was_asked && (need->rows->count != 0 || join->plan->caches_missing))
            lookup_cache_put(join->cache, need->key, need->hash, need->rows, now_ms);
    }
}

/* All questions of the batch have been answered: what has no rows may be asked for again. */
static void end_questions(LookupJoin *join, LookupPending *pending)
{
    bool missing = false;
    for (uint32_t i = 0; i < pending->need_count; i++)
        missing = missing || pending->needs[i].rows->count == 0;
    if (!missing || pending->attempts >= join->plan->miss_attempts) {
        fill_cache(join, pending);
        return;
    }
    pending->attempts++;
    pending->retry_at_us = lookup_now_us(join) + join->plan->miss_delay_ms * 1000;
    operator_wake_at(join->base.context, pending->retry_at_us);
}

bool lookup_take_answer(LookupJoin *join, OffloadJob *job, Error *error)
{
    LookupPending *pending;
    join->under_way--;
    if (!lookup_answer(join->asker, job, &pending, error))
        return lookup_blame(join, error);
    if (pending != NULL && pending->questions == 0)
        end_questions(join, pending);
    return true;
}

static bool wait_for_answer(LookupJoin *join, Error *error)
{
    OffloadJob *job = offload_wait(join->offload, join->plan->timeout_ms, error);
    return job == NULL ? lookup_blame(join, error) : lookup_take_answer(join, job, error);
}

static bool ask(LookupJoin *join, LookupPending *pending, Error *error)
{
    pending->retry_at_us = INT64_MAX;
    uint32_t from = 0;
    /* Not answered before all is asked. */
    pending->questions++;
    bool good = true;
    while (good && from < pending->need_count) {
        OffloadJob *job = lookup_ask(join->asker, pending, from, &from);
        if (job == NULL)
            continue;
        while (good && join->under_way >= join->plan->capacity)
            good = wait_for_answer(join, error);
        if (!good) {
            lookup_drop_question(join->asker, job);
            break;
        }
        join->under_way++;
        good = offload_submit(join->offload, job, error);
    }
    pending->questions--;
    if (good && pending->questions == 0)
        end_questions(join, pending);
    return good;
}

/* Asks again for what had no rows. */
static bool retry(LookupJoin *join, LookupPending *pending, Error *error)
{
    for (uint32_t i = 0; i < pending->need_count; i++) {
        LookupNeed *need = &pending->needs[i];
        if (need->rows == NULL || need->rows->count != 0)
            continue;
        lookup_rows_release(need->rows);
        need->rows = NULL;
    }
    return ask(join, pending, error);
}

bool lookup_retry_due(LookupJoin *join, int64_t until_us, Error *error)
{
    for (LookupPending *at = join->head; at != NULL; at = at->next) {
        if (at->retry_at_us <= until_us && at->retry_at_us != INT64_MAX && !retry(join, at, error))
            return false;
        if (at->retry_at_us != INT64_MAX)
            operator_wake_at(join->base.context, at->retry_at_us);
    }
    return true;
}

bool lookup_wait_for_all(LookupJoin *join, Error *error)
{
    while (join->under_way > 0)
        if (!wait_for_answer(join, error))
            return false;
    return true;
}

/* Past so many batches that wait for another try no more come in. */
static bool wait_for_room(LookupJoin *join, Emitter *emitter, Error *error)
{
    const OperatorContext *context = join->base.context;
    while (join->pending_count >= join->plan->capacity) {
        if (join->under_way > 0) {
            if (!wait_for_answer(join, error))
                return false;
        } else {
            if (context->interrupted != NULL && context->interrupted(context->interrupted_to))
                return error_set(error, ERROR_CANCELLED, "the job is being cancelled");
            clock_sleep_us(1000);
            if (!lookup_retry_due(join, lookup_now_us(join), error))
                return false;
        }
        if (!lookup_flush(join, emitter, error))
            return false;
    }
    return true;
}

bool lookup_asked_batch(LookupJoin *join, Batch *batch, Emitter *emitter, Error *error)
{
    if (!wait_for_room(join, emitter, error)) {
        batch_release(batch);
        return false;
    }
    LookupPending *pending = lookup_pending_new(join, batch);
    use_cache(join, pending);
    if (!ask(join, pending, error) || (join->plan->waits && !lookup_wait_for_all(join, error)))
        return false;
    if (!lookup_is_answered(pending) && join->plan->timeout_ms != 0)
        operator_wake_at(join->base.context, pending->arrived_us + join->plan->timeout_ms * 1000);
    return lookup_flush(join, emitter, error);
}
