/* LocalAggregate: the rows of a batch as one row per group, for an aggregate on another worker.
 *
 * Contract: for each group of a batch, in the order of its first row, one +I: the keys, the states
 * of the calls over its rows as bytes (aggregate/merge.c), and, where the input retracts, how many
 * rows more than before there are. Rows that take others back are in the states as differences.
 *
 * Nothing is kept from batch to batch, so it delays nothing and has no state. Cost: one probe a row
 * into a table as large as the batch, a typed loop a call. */
#include "executor/aggregate/local.h"

typedef struct LocalAggregate {
    Operator base;
    /* Fixed. */
    const PlanAggregate *plan;
    const RowLayout *key_layout;
    const Vector **key_columns;
    /* Changing; reset by each batch. */
    AggregateMemory memory;
    Arena *scratch;
} LocalAggregate;

/* Texts of states live as long as the batch; an old one is not given back before. */
static void local_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    LocalAggregate *local =
        (LocalAggregate *)(void *)((char *)memory - offsetof(LocalAggregate, memory));
    *slot = string_view_copy(local->scratch, value.data, value.length);
}

/* --------------------------------------------------------------------- groups */

static void make_groups(LocalAggregate *local, const Batch *batch, LocalGroups *groups)
{
    for (uint32_t k = 0; k < local->plan->key_count; k++)
        local->key_columns[k] = &batch->columns[local->plan->keys[k]];
    LocalKeys keys = {local->key_layout, local->key_columns, local->plan->key_count, NULL};
    if (!local_groups_find(groups, &keys, batch->row_count, local->scratch))
        local_groups_each(groups, batch->row_count, local->scratch);
}

/* By group: how many rows more than before there are. */
static int64_t *count_rows(const LocalAggregate *local, const Batch *batch,
                           const LocalGroups *groups)
{
    int64_t *rows = arena_zalloc(local->scratch, sizeof(int64_t) * groups->count);
    for (uint32_t row = 0; row < batch->row_count; row++)
        rows[groups->groups[row]] += change_is_retraction(batch_kind(batch, row)) ? -1 : 1;
    return rows;
}

/* --------------------------------------------------------------------- output */

static Batch *build(LocalAggregate *local, Batch *in, const LocalGroups *groups,
                    const int64_t *rows, uint32_t from, uint32_t count)
{
    const PlanAggregate *plan = local->plan;
    const Schema *schema = local->base.context->node->schema;
    Batch *out = batch_new_bare(schema);
    out->row_count = count;
    for (uint32_t k = 0; k < plan->key_count; k++)
        vector_gather(&out->columns[k], &in->columns[plan->keys[k]], groups->first + from, count,
                      out->arena);
    local_groups_states(groups, plan, from, count, schema->columns[plan->key_count].type,
                        &out->columns[plan->key_count], out->arena);
    if (plan->input_retracts) {
        Vector *column = &out->columns[plan->key_count + 1];
        vector_init(column, schema->columns[plan->key_count + 1].type, count, out->arena);
        memcpy(column->data, rows + from, sizeof(int64_t) * count);
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
    int64_t *rows = local->plan->input_retracts ? count_rows(local, batch, &groups) : NULL;
    bool ok = local_groups_update(&groups, local->plan, &work, &local->memory, error);
    uint32_t limit = op->context->batch_rows == 0 ? 1 : op->context->batch_rows;
    for (uint32_t from = 0; ok && from < groups.count; from += limit) {
        uint32_t left = groups.count - from;
        Batch *out = build(local, batch, &groups, rows, from, left < limit ? left : limit);
        ok = emit(emitter, out, error);
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
