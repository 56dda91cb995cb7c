/* The groups of a batch: found by their keys, counted, numbered, given back.
 *
 * Where DISTINCT needs them groups have numbers, from 1, that no other group of their key group has
 * or had: one count goes through all that an instance makes, and begins, after a restore, behind
 * the largest that was read. Cost: one prefetched probe a row; one a batch whose rows are of one
 * group. */
#include "executor/aggregate/internal.h"

static int64_t *arrival_of(const Aggregate *aggregate, void *record)
{
    size_t offset = aggregate->header_bytes - sizeof(int64_t);
    return (int64_t *)(void *)((char *)record + offset);
}

/* Only a group of input that does not retract has a number: it comes first. */
static void number_group(Aggregate *aggregate, void *record)
{
    if (aggregate->numbers_groups)
        *(uint64_t *)record = ++aggregate->last_number;
    if (aggregate->plan->final_only)
        *arrival_of(aggregate, record) = aggregate->next_arrival++;
}

/* Fills in the keys; returns how many need a look: one where all rows are of one group. */
static uint32_t make_keys(Aggregate *aggregate, AggregateBatch *work)
{
    uint32_t n = work->count;
    if (aggregate->plan->key_count == 0) {
        work->keys[0] = (Str){"", 0};
        return 1;
    }
    bool uniform = true;
    for (uint32_t k = 0; k < aggregate->plan->key_count; k++) {
        aggregate->key_columns[k] = &work->in->columns[aggregate->plan->keys[k]];
        uniform = uniform && vector_is_uniform(aggregate->key_columns[k], n);
    }
    uint32_t looks = uniform ? 1 : n;
    row_encode(aggregate->key_layout, aggregate->key_columns, NULL, looks, work->arena, work->keys);
    return looks;
}

void aggregate_find_groups(Aggregate *aggregate, AggregateBatch *work)
{
    uint32_t n = work->count;
    work->keys = arena_alloc(work->arena, sizeof(Str) * n);
    work->hashes = arena_alloc(work->arena, sizeof(uint64_t) * n);
    work->records = arena_alloc(work->arena, sizeof(void *) * n);
    work->created = arena_zalloc(work->arena, n);
    uint32_t looks = make_keys(aggregate, work);
    key_hash_many(aggregate->key_hash, work->in, work->keys, looks, work->arena, work->hashes);
    state_value_get_or_create(aggregate->groups, work->keys, work->hashes, looks, work->records,
                              work->created);
    for (uint32_t i = 0; i < looks; i++) {
        if (work->created[i])
            number_group(aggregate, work->records[i]);
        state_touch(aggregate->groups, work->records[i]);
    }
    for (uint32_t i = looks; i < n; i++) {
        work->keys[i] = work->keys[0];
        work->hashes[i] = work->hashes[0];
        work->records[i] = work->records[0];
    }
}

void aggregate_count_rows(const Aggregate *aggregate, AggregateBatch *work)
{
    if (!aggregate->plan->input_retracts)
        return;
    if (aggregate->plan->merges) {
        aggregate_count_merged(aggregate, work);
        return;
    }
    uint32_t n = work->count;
    work->group_rows = arena_alloc(work->arena, sizeof(int64_t) * n);
    work->counted = arena_alloc(work->arena, n);
    for (uint32_t i = 0; i < n; i++) {
        int64_t *rows = work->records[i];
        int64_t change = change_is_retraction(aggregate_kind(work, i)) ? -1 : 1;
        bool counted = *rows + change >= 0;
        *rows += counted ? change : 0;
        work->group_rows[i] = *rows;
        work->counted[i] = counted;
        work->any_ignored = work->any_ignored || !counted;
    }
}

/* Gives back the groups that have no row left. A group can stand at several rows: the first visit
 * marks it, so that it is removed once. */
void aggregate_remove_empty(Aggregate *aggregate, const AggregateBatch *work)
{
    enum { MARKED = -1 };
    if (work->group_rows == NULL)
        return;
    uint32_t *empty = arena_alloc(work->arena, sizeof(uint32_t) * work->count);
    uint32_t empty_count = 0;
    for (uint32_t i = 0; i < work->count; i++) {
        if (work->group_rows[i] != 0)
            continue;
        int64_t *rows = work->records[i];
        empty[empty_count] = i;
        empty_count += *rows == 0;
        *rows = *rows == 0 ? MARKED : *rows;
    }
    for (uint32_t i = 0; i < empty_count; i++)
        state_value_remove(aggregate->groups, work->records[empty[i]]);
}

void aggregate_make_group(Aggregate *aggregate, Str key)
{
    uint64_t hash = hash_bytes(key.data, key.length);
    if (!state_store_owns(aggregate->base.context->state, hash))
        return;
    void *record;
    uint8_t created;
    state_value_get_or_create(aggregate->groups, &key, &hash, 1, &record, &created);
    if (created)
        number_group(aggregate, record);
}

static void see_group(void *to, void *record)
{
    Aggregate *aggregate = to;
    if (aggregate->numbers_groups && *(const uint64_t *)record > aggregate->last_number)
        aggregate->last_number = *(const uint64_t *)record;
    if (aggregate->plan->final_only && *arrival_of(aggregate, record) >= aggregate->next_arrival)
        aggregate->next_arrival = *arrival_of(aggregate, record) + 1;
}

void aggregate_see_groups(Aggregate *aggregate)
{
    if (aggregate->numbers_groups || aggregate->plan->final_only)
        state_value_each(aggregate->groups, see_group, aggregate);
}
