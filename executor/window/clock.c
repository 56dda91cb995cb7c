/* Windows over processing time: a row's time is the clock's when it comes, and a window is over
 * when the clock reaches its end.
 *
 * How far the clock had come is kept in state, in each key group so that any split of the groups
 * finds it: windows given before a restore are not given again, those that ended meanwhile are.
 * Invariant: the clock does not go back; where the system's does, the time stands until it has
 * caught up. Cost: a reading of the clock a batch, an alarm a window. */
#include "executor/window/internal.h"

void window_clock_open(WindowAggregate *window)
{
    StateSpec spec = {.name = "clock",
                      .kind = STATE_VALUE,
                      .record_bytes = sizeof(int64_t),
                      .description = "key group -> processing time in microseconds"};
    window->clock = state_table_declare(window->aggregate.base.context->state, &spec);
    window->now_us = INT64_MIN;
}

void window_clock_wake(WindowAggregate *window)
{
    const OperatorContext *context = window->aggregate.base.context;
    const WindowSlice *first = window_slices_first(&window->slices);
    if (first == NULL || window->plan->aggregate.final_only)
        return;
    const TimeZone *zone = window->plan->window.zone;
    int64_t at = zone == NULL ? first->next : time_zone_to_utc(zone, first->next);
    /* A local time that comes twice is meant the second time. */
    operator_wake_at(context, at > window->now_us ? at : window->now_us + MICROS_PER_SECOND);
}

bool window_clock_advance(WindowAggregate *window, int64_t now_us, Emitter *emitter, Error *error)
{
    if (now_us > window->now_us)
        window->now_us = now_us;
    if (!window->plan->aggregate.final_only) {
        /* A row may still come in this very tick. */
        int64_t past = window->now_us - window->plan->window.tick_us;
        window->progress = window_progress(window->plan->window.zone, past);
        if (!window->fire(window, emitter, error))
            return false;
    }
    window_clock_wake(window);
    return true;
}

void window_clock_save(WindowAggregate *window)
{
    const OperatorContext *context = window->aggregate.base.context;
    if (window->now_us == INT64_MIN)
        return;
    uint32_t last;
    for (uint32_t group = state_store_key_groups(context->state, &last); group <= last; group++) {
        Str key = {(const char *)&group, sizeof(group)};
        uint64_t hash = (uint64_t)group << 32 | (uint32_t)hash_bytes(key.data, key.length);
        void *record;
        state_value_get_or_create(window->clock, &key, &hash, 1, &record, NULL);
        if (*(int64_t *)record == window->now_us)
            continue;
        *(int64_t *)record = window->now_us;
        state_touch(window->clock, record);
    }
}

static void see_record(void *to, void *record)
{
    int64_t *least = to;
    if (*(const int64_t *)record < *least)
        *least = *(const int64_t *)record;
}

void window_clock_restore(WindowAggregate *window)
{
    int64_t least = INT64_MAX;
    state_value_each(window->clock, see_record, &least);
    if (least == INT64_MAX)
        return;
    window->now_us = least;
    if (!window->plan->aggregate.final_only)
        window->progress =
            window_progress(window->plan->window.zone, least - window->plan->window.tick_us);
}
