/* Lookup join with FULL: when the table is read, and a batch over what was read.
 *
 * Invariant: a table is searched until a later reading of it is whole.
 * Cost: the reading is another thread's; a batch is one search by key. */
#include "executor/lookup/operator.h"

/* A reading that ends this soon after it became due takes effect before the next row. */
#define RELOAD_WAIT_MS 100

/* When the table is read next, after a reading that was due at `due_us` has ended. */
static int64_t next_reload(const LookupJoin *join, int64_t due_us)
{
    const PlanLookupReload *reload = &join->plan->reload;
    int64_t now = lookup_now_us(join);
    if (reload->interval_ms != 0) {
        int64_t next = (reload->fixed_rate ? due_us : now) + reload->interval_ms * 1000;
        return next > now ? next : now;
    }
    if (reload->days == 0)
        return INT64_MAX;
    int64_t local = time_zone_to_local(reload->zone, now);
    int64_t day = local / MICROS_PER_DAY - (local % MICROS_PER_DAY < 0);
    int64_t next = day * MICROS_PER_DAY + reload->time_of_day_us;
    while (next <= local)
        next += reload->days * MICROS_PER_DAY;
    return time_zone_to_utc(reload->zone, next);
}

bool lookup_start_load(LookupJoin *join, Error *error)
{
    if (join->load != NULL)
        return true;
    join->load = lookup_load_new(&join->shape, join->base.context, join->offload);
    return offload_submit(join->offload, &join->load->job, error);
}

bool lookup_end_load(LookupJoin *join, Error *error)
{
    LookupLoad *load = join->load;
    bool good = !load->job.failed;
    join->load = NULL;
    if (good) {
        lookup_table_free(join->table);
        join->table = load->table;
        load->table = NULL;
        join->reload_at_us = next_reload(join, join->reload_at_us);
        if (join->reload_at_us != INT64_MAX)
            operator_wake_at(join->base.context, join->reload_at_us);
    } else {
        *error = load->job.error;
    }
    lookup_load_free(load);
    return good || lookup_blame(join, error);
}

static bool need_table(LookupJoin *join, Error *error)
{
    if (join->table != NULL)
        return true;
    join->reload_at_us = lookup_now_us(join);
    if (!lookup_start_load(join, error))
        return false;
    return offload_wait(join->offload, 0, error) != NULL && lookup_end_load(join, error);
}

bool lookup_full_batch(LookupJoin *join, Batch *batch, Emitter *emitter, Error *error)
{
    if (!need_table(join, error))
        return false;
    arena_reset(join->scratch);
    LookupKeys keys = lookup_encode_left(join, batch, join->scratch);
    LookupFound *found = arena_new_array(join->scratch, LookupFound, batch->row_count + 1);
    lookup_table_find(join->table, &keys, batch->row_count, found);
    lookup_output_start(&join->output);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (found[i].first == LOOKUP_NONE || lookup_takes_back(join->plan, batch_kind(batch, i)))
            continue;
        for (uint32_t row = found[i].first; row != found[i].last; row = join->table->next[row])
            lookup_output_add(&join->output, (LookupMatch){i, row, {NULL, 0}});
        lookup_output_add(&join->output, (LookupMatch){i, found[i].last, {NULL, 0}});
        if (lookup_output_is_full(&join->output) &&
            !lookup_output_emit(&join->output, batch, i + 1, &keys, join->table, emitter, error))
            return false;
    }
    return lookup_output_emit(&join->output, batch, batch->row_count, &keys, join->table, emitter,
                              error);
}

bool lookup_reload(LookupJoin *join, int64_t now, Error *error)
{
    if (now < join->reload_at_us) {
        if (join->reload_at_us != INT64_MAX)
            operator_wake_at(join->base.context, join->reload_at_us);
        return true;
    }
    if (join->table == NULL || !lookup_start_load(join, error))
        return join->table == NULL;
    Error late;
    error_clear(&late);
    if (offload_wait(join->offload, RELOAD_WAIT_MS, &late) != NULL)
        return lookup_end_load(join, error);
    if (late.code != ERROR_CANCELLED)
        return true; /* `ready` will tell */
    *error = late;
    return false;
}
