/* Which rows of a batch a call of an aggregate counts: found once per filter and batch. */
#include "executor/aggregate/internal.h"

const uint8_t *aggregate_active_rows(AggregateBatch *work, int32_t filter)
{
    const uint8_t *counted = work->any_ignored ? work->counted : NULL;
    if (filter < 0)
        return counted;
    const Vector *condition = &work->in->columns[filter];
    const uint8_t *values = condition->data;
    if (counted == NULL && condition->validity == NULL && !condition->constant)
        return values;
    if (work->active == NULL)
        work->active = arena_new_array(work->arena, const uint8_t *, work->in->column_count);
    if (work->active[filter] != NULL)
        return work->active[filter];
    uint8_t *active = arena_alloc(work->arena, work->count);
    for (uint32_t i = 0; i < work->count; i++) {
        bool holds = values[vector_index(condition, i)] != 0 && !vector_is_null(condition, i);
        active[i] = holds && (counted == NULL || counted[i] != 0);
    }
    work->active[filter] = active;
    return active;
}
