/* Groups inside one batch: see the header.
 *
 * Keys are hashed where they lie, without being encoded; a table as large as the batch finds the
 * group by its hash alone. Then every column is compared in one loop, each row with the first of
 * its group: only where two keys share a hash of 64 bits is one of them in the wrong group, and
 * then the batch is not grouped so.
 *
 * Cost: a hash, a probe of a table that fits the cache, and a comparison a column a row. */
#include "executor/aggregate/local.h"

/* --------------------------------------------------------------------- groups */

/* Numbers make different keys of equal columns; an odd factor loses none of their bits. */
static void mix_numbers(uint64_t *hashes, const int64_t *numbers, uint32_t rows)
{
    const uint64_t factor = UINT64_C(0x9E3779B97F4A7C15);
    for (uint32_t i = 0; i < rows; i++) {
        uint64_t mixed = (hashes[i] ^ (uint64_t)numbers[i]) * factor;
        hashes[i] = mixed ^ mixed >> 32;
    }
}

static void group_by_hash(LocalGroups *groups, const uint64_t *hashes, uint32_t rows, Arena *arena)
{
    uint32_t mask = 1;
    while (mask < rows * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(arena, sizeof(uint32_t) * mask);
    uint64_t *known = arena_alloc(arena, sizeof(uint64_t) * (rows + 1)); /* by group, from 1 */
    mask--;
    uint32_t count = 0;
    for (uint32_t row = 0; row < rows; row++) {
        uint64_t hash = hashes[row];
        uint32_t at = (uint32_t)hash & mask;
        while (slots[at] != 0 && known[slots[at]] != hash)
            at = (at + 1) & mask;
        if (slots[at] == 0) {
            groups->first[count] = row;
            slots[at] = ++count;
            known[count] = hash;
        }
        groups->groups[row] = slots[at] - 1;
    }
    groups->count = count;
}

#define DIFFERS(name, type)                                                                        \
    static bool differs_##name(const LocalGroups *groups, const type *values, uint32_t rows)       \
    {                                                                                              \
        type difference = 0;                                                                       \
        for (uint32_t i = 0; i < rows; i++)                                                        \
            difference |= (type)(values[i] ^ values[groups->first[groups->groups[i]]]);            \
        return difference != 0;                                                                    \
    }
DIFFERS(i32, int32_t)
DIFFERS(i64, int64_t)

/* Whether a row's value is not that of its group's first row. */
static bool column_differs(const LocalGroups *groups, const Vector *column, uint32_t rows)
{
    if (column->constant)
        return false;
    if (column->validity == NULL && column->type->physical == PHYSICAL_I64)
        return differs_i64(groups, column->data, rows);
    if (column->validity == NULL && column->type->physical == PHYSICAL_I32)
        return differs_i32(groups, column->data, rows);
    for (uint32_t i = 0; i < rows; i++) {
        uint32_t first = groups->first[groups->groups[i]];
        if (first != i && !vector_values_equal(column, i, column, first))
            return true;
    }
    return false;
}

bool local_groups_find(LocalGroups *groups, const LocalKeys *keys, uint32_t rows, Arena *arena)
{
    bool uniform = keys->numbers == NULL;
    for (uint32_t c = 0; c < keys->column_count && uniform; c++)
        uniform = vector_is_uniform(keys->columns[c], rows);
    groups->first = arena_alloc(arena, sizeof(uint32_t) * rows);
    if (uniform) {
        groups->groups = arena_zalloc(arena, sizeof(uint32_t) * rows);
        groups->first[0] = 0;
        groups->count = 1;
        return true;
    }
    groups->groups = arena_alloc(arena, sizeof(uint32_t) * rows);
    uint64_t *hashes = arena_zalloc(arena, sizeof(uint64_t) * rows);
    if (keys->column_count != 0)
        row_hash(keys->layout, keys->columns, rows, arena, hashes);
    if (keys->numbers != NULL)
        mix_numbers(hashes, keys->numbers, rows);
    group_by_hash(groups, hashes, rows, arena);
    bool differs = keys->numbers != NULL && differs_i64(groups, keys->numbers, rows);
    for (uint32_t c = 0; c < keys->column_count && !differs; c++)
        differs = column_differs(groups, keys->columns[c], rows);
    return !differs;
}

void local_groups_each(LocalGroups *groups, uint32_t rows, Arena *arena)
{
    groups->count = rows;
    groups->first = groups->groups = arena_alloc(arena, sizeof(uint32_t) * rows);
    for (uint32_t i = 0; i < rows; i++)
        groups->groups[i] = i;
}

/* ---------------------------------------------------------------------- trial */

bool local_trial_pauses(LocalTrial *trial)
{
    if (trial->pause == 0)
        return false;
    trial->pause--;
    return true;
}

void local_trial_judge(LocalTrial *trial, uint32_t rows, uint32_t groups)
{
    enum { TRIAL_ROWS = 8192, PAUSE_LEAST = 16, PAUSE_MOST = 1024 };
    trial->rows += rows;
    trial->groups += groups;
    if (trial->rows < TRIAL_ROWS)
        return;
    bool pays = trial->groups < trial->rows / 4 * 3;
    if (pays)
        trial->paused = 0;
    else if (trial->paused < PAUSE_MOST)
        trial->paused = trial->paused == 0 ? PAUSE_LEAST : trial->paused * 2;
    trial->pause = trial->paused;
    trial->rows = trial->groups = 0;
}

/* -------------------------------------------------------------------- updates */

bool local_groups_update(LocalGroups *groups, const PlanAggregate *plan, AggregateBatch *work,
                         AggregateMemory *memory, Error *error)
{
    uint32_t n = work->count, offset = 0;
    groups->state_bytes = aggregate_states_bytes(plan);
    groups->states = arena_zalloc(work->arena, (size_t)groups->count * groups->state_bytes);
    uint8_t **states = arena_alloc(work->arena, sizeof(uint8_t *) * n);
    for (uint32_t i = 0; i < n; i++)
        states[i] = groups->states + (size_t)groups->groups[i] * groups->state_bytes;
    for (uint32_t c = 0; c < plan->call_count; c++) {
        const PlanAggregateCall *call = &plan->calls[c];
        for (uint32_t i = 0; i < n && offset != 0; i++)
            states[i] += offset;
        const Vector **args =
            arena_alloc(work->arena, sizeof(Vector *) * (call->argument_count + 1));
        for (uint32_t a = 0; a < call->argument_count; a++)
            args[a] = &work->in->columns[call->arguments[a]];
        AggregateUpdate update = {
            .args = args,
            .row_count = n,
            .states = states,
            .kinds = work->in->kinds,
            .active = aggregate_active_rows(work, call->filter),
            .memory = memory,
            .arena = work->arena,
            .data = call->call.data,
        };
        if (!call->call.update(&update, error))
            return false;
        offset = call->call.state_bytes;
    }
    return true;
}

/* --------------------------------------------------------------------- output */

static bool has_texts(const PlanAggregate *plan)
{
    for (uint32_t c = 0; c < plan->call_count; c++)
        if (plan->calls[c].call.string_count != 0)
            return true;
    return false;
}

void local_groups_states(const LocalGroups *groups, const PlanAggregate *plan, uint32_t from,
                         uint32_t count, const Type *type, Vector *out, Arena *arena)
{
    uint32_t size = groups->state_bytes;
    const uint8_t *states = groups->states + (size_t)from * size;
    vector_init(out, type, count, arena);
    if (!has_texts(plan)) {
        StringView *views = out->data;
        if (size > STRING_INLINE_MAX)
            states = arena_memdup(arena, states, (size_t)size * count);
        for (uint32_t i = 0; i < count; i++)
            views[i] = string_view_borrow((const char *)states + (size_t)i * size, size);
        return;
    }
    Buffer bytes = {0};
    for (uint32_t i = 0; i < count; i++) {
        buffer_clear(&bytes);
        aggregate_states_encode(plan, states + (size_t)i * size, &bytes);
        vector_set_str(out, i, (Str){bytes.data, bytes.length}, arena);
    }
    buffer_deinit(&bytes);
}
