/* LocalAggregate: the rows of a batch as one row per group, for an aggregate on another worker.
 *
 * Contract: for each group of a batch, in the order of its first row, one +I: the keys, the states
 * of the calls over its rows as bytes (aggregate/merge.c), and, where the input retracts, how many
 * rows more than before there are. Rows that take others back are in the states as differences.
 *
 * Nothing is kept from batch to batch, so it delays nothing and has no state. Cost: one probe a row
 * into a table as large as the batch, a typed loop a call. */
#include "executor/aggregate/internal.h"

typedef struct LocalAggregate {
    Operator base;
    /* Fixed. */
    const PlanAggregate *plan;
    const RowLayout *key_layout;
    const Vector **key_columns;
    uint32_t state_bytes;
    /* Changing; reset by each batch. */
    AggregateMemory memory;
    Arena *scratch;
} LocalAggregate;

/* The groups of a batch. */
typedef struct LocalGroups {
    uint32_t count;
    uint32_t *first;  /* by group: its first row */
    uint32_t *groups; /* by row */
    uint8_t *states;  /* by group */
    int64_t *rows;    /* by group */
} LocalGroups;

/* Texts of states live as long as the batch; an old one is not given back before. */
static void local_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    LocalAggregate *local =
        (LocalAggregate *)(void *)((char *)memory - offsetof(LocalAggregate, memory));
    *slot = string_view_copy(local->scratch, value.data, value.length);
}

/* --------------------------------------------------------------------- groups */

static uint32_t *find_slot(uint32_t *slots, uint32_t mask, const LocalGroups *groups,
                           const Str *keys, const uint64_t *hashes, uint32_t row)
{
    uint32_t at = (uint32_t)hashes[row] & mask;
    for (; slots[at] != 0; at = (at + 1) & mask) {
        uint32_t first = groups->first[slots[at] - 1];
        if (hashes[first] == hashes[row] && keys[first].length == keys[row].length &&
            memcmp(keys[first].data, keys[row].data, keys[row].length) == 0)
            break;
    }
    return &slots[at];
}

static void find_groups(LocalAggregate *local, const Batch *batch, LocalGroups *groups)
{
    Arena *arena = local->scratch;
    uint32_t n = batch->row_count;
    Str *keys = arena_alloc(arena, sizeof(Str) * n);
    uint64_t *hashes = arena_alloc(arena, sizeof(uint64_t) * n);
    uint32_t mask = 1;
    while (mask < n * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(arena, sizeof(uint32_t) * mask);
    for (uint32_t k = 0; k < local->plan->key_count; k++)
        local->key_columns[k] = &batch->columns[local->plan->keys[k]];
    row_encode(local->key_layout, local->key_columns, NULL, n, arena, keys);
    hash_many(keys, n, hashes);
    for (uint32_t row = 0; row < n; row++) {
        uint32_t *slot = find_slot(slots, mask - 1, groups, keys, hashes, row);
        if (*slot == 0) {
            groups->first[groups->count] = row;
            *slot = ++groups->count;
        }
        groups->groups[row] = *slot - 1;
    }
}

static void make_groups(LocalAggregate *local, const Batch *batch, LocalGroups *groups)
{
    Arena *arena = local->scratch;
    uint32_t n = batch->row_count;
    groups->first = arena_zalloc(arena, sizeof(uint32_t) * n);
    groups->groups = arena_zalloc(arena, sizeof(uint32_t) * n);
    groups->count = 0;
    if (local->plan->key_count == 0)
        groups->count = 1;
    else
        find_groups(local, batch, groups);
    groups->states = arena_zalloc(arena, (size_t)groups->count * local->state_bytes);
    groups->rows = arena_zalloc(arena, sizeof(int64_t) * groups->count);
    for (uint32_t row = 0; row < n; row++)
        groups->rows[groups->groups[row]] += change_is_retraction(batch_kind(batch, row)) ? -1 : 1;
}

/* -------------------------------------------------------------------- updates */

static bool update_calls(LocalAggregate *local, AggregateBatch *work, const LocalGroups *groups,
                         Error *error)
{
    uint32_t n = work->count, offset = 0;
    uint8_t **states = arena_alloc(work->arena, sizeof(uint8_t *) * n);
    for (uint32_t c = 0; c < local->plan->call_count; c++) {
        const PlanAggregateCall *call = &local->plan->calls[c];
        for (uint32_t i = 0; i < n; i++)
            states[i] = groups->states + (size_t)groups->groups[i] * local->state_bytes + offset;
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
            .memory = &local->memory,
            .arena = work->arena,
            .data = call->call.data,
        };
        if (!call->call.update(&update, error))
            return false;
        offset += call->call.state_bytes;
    }
    return true;
}

/* --------------------------------------------------------------------- output */

static Batch *build(LocalAggregate *local, Batch *in, const LocalGroups *groups, uint32_t from,
                    uint32_t count)
{
    const PlanAggregate *plan = local->plan;
    const Schema *schema = local->base.context->node->schema;
    Batch *out = batch_new_bare(schema);
    out->row_count = count;
    for (uint32_t k = 0; k < plan->key_count; k++)
        vector_gather(&out->columns[k], &in->columns[plan->keys[k]], groups->first + from, count,
                      out->arena);
    Vector *partials = &out->columns[plan->key_count];
    vector_init(partials, schema->columns[plan->key_count].type, count, out->arena);
    Buffer bytes = {0};
    for (uint32_t i = 0; i < count; i++) {
        buffer_clear(&bytes);
        aggregate_states_encode(plan, groups->states + (size_t)(from + i) * local->state_bytes,
                                &bytes);
        vector_set_str(partials, i, (Str){bytes.data, bytes.length}, out->arena);
    }
    buffer_deinit(&bytes);
    if (plan->input_retracts) {
        Vector *rows = &out->columns[plan->key_count + 1];
        vector_init(rows, schema->columns[plan->key_count + 1].type, count, out->arena);
        memcpy(rows->data, groups->rows + from, sizeof(int64_t) * count);
    }
    batch_hold(out, batch_retain(in));
    return out;
}

static bool local_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    LocalAggregate *local = (LocalAggregate *)op;
    arena_reset(local->scratch);
    AggregateBatch work = {.in = batch, .count = batch->row_count, .arena = local->scratch};
    LocalGroups groups;
    make_groups(local, batch, &groups);
    bool ok = update_calls(local, &work, &groups, error);
    uint32_t limit = op->context->batch_rows == 0 ? 1 : op->context->batch_rows;
    for (uint32_t from = 0; ok && from < groups.count; from += limit) {
        uint32_t left = groups.count - from;
        ok = emit(emitter, build(local, batch, &groups, from, left < limit ? left : limit), error);
    }
    batch_release(batch);
    return ok;
}

/* ------------------------------------------------------------------- lifetime */

static Operator *local_open(const OperatorContext *context, Error *error)
{
    const Schema *input = context->node->inputs[0].node->schema;
    LocalAggregate *local = arena_new_one(context->arena, LocalAggregate);
    const PlanAggregate *plan = context->node->spec;
    local->base.context = context;
    local->plan = plan;
    local->key_layout = row_layout_of_columns(context->arena, input, plan->keys, plan->key_count);
    local->key_columns = arena_new_array(context->arena, const Vector *, plan->key_count + 1);
    local->state_bytes = aggregate_states_bytes(plan);
    local->memory = (AggregateMemory){local_assign};
    local->scratch = arena_new((size_t)1 << 18);
    return &local->base;
}

static void local_close(Operator *op)
{
    arena_free(((LocalAggregate *)op)->scratch);
}

const OperatorClass op_local_aggregate = {
    .name = "local_aggregate",
    .open = local_open,
    .batch = local_batch,
    .close = local_close,
};
