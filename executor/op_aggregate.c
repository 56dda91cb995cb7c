/* Aggregate: GROUP BY and DISTINCT over a stream of changes.
 *
 * Contract: the first row of a group gives +I, each further one -U with the values before and +U
 * with those after it, unless nothing changed (with a state TTL the pair is given even then, to
 * keep what follows alive); the retraction of a group's last row gives -D and forgets the group. A
 * retraction for a group that is not there is ignored. A global aggregate gives nothing until there
 * is a row. With traits.folds a key changes at most once a batch, with bundle_size once a bundle of
 * batches (aggregate/bundle.c). With final_only every group gives one +I at the end, and a global
 * aggregate does so even without input.
 *
 * Columnar: keys are encoded and hashed for the whole batch, the groups' records found in one call,
 * and every aggregate runs once over all rows. The hidden count of a group's rows goes first, so
 * that the aggregates know after which row a group is empty.
 *
 * Cost: one prefetched probe a row, a typed loop a column. */
#include "executor/aggregate/internal.h"

static const Schema no_columns = {0, NULL};

static void memory_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    state_string_assign(((GroupMemory *)memory)->table, slot, value);
}

/* ---------------------------------------------------------------- aggregates */

static bool update_call(Aggregate *aggregate, uint32_t number, AggregateBatch *work, Error *error)
{
    const AggregateCall *call = &aggregate->calls[number];
    const BoundAggregate *bound = &call->plan->call;
    const uint8_t *active = call->distinct != NULL
                                ? distinct_set_mask(call->distinct, call->distinct_slot)
                                : aggregate_active_rows(work, call->plan->filter);
    Vector *before = NULL;
    Vector *after = NULL;
    if (work->before != NULL) {
        before = &work->before[number];
        after = &work->after[number];
        vector_init(before, bound->result, work->count, work->arena);
        vector_init(after, bound->result, work->count, work->arena);
    }
    if (call->ordered != NULL) {
        ordered_values_update(call->ordered, work, active, before, after);
        return true;
    }
    if (call->collected != NULL)
        return collected_values_update(call->collected, work, active, before, after, error);
    uint8_t **states = arena_alloc(work->arena, sizeof(uint8_t *) * work->count);
    for (uint32_t i = 0; i < work->count; i++)
        states[i] = (uint8_t *)work->records[i] + call->offset;
    const Vector **args =
        arena_alloc(work->arena, sizeof(Vector *) * (call->plan->argument_count + 1));
    for (uint32_t a = 0; a < call->plan->argument_count; a++)
        args[a] = &work->in->columns[call->plan->arguments[a]];
    AggregateUpdate update = {
        .args = args,
        .row_count = work->count,
        .states = states,
        .kinds = work->in->kinds,
        .active = active,
        .group_rows = work->group_rows,
        .before = before,
        .after = after,
        .memory = &aggregate->memory.base,
        .arena = aggregate_value_arena(work),
        .data = bound->data,
    };
    return bound->update(&update, error);
}

bool aggregate_update(Aggregate *aggregate, AggregateBatch *work, Error *error)
{
    /* A local phase may have passed the rows on as they are. */
    if (aggregate->plan->merges &&
        !vector_is_null(&work->in->columns[aggregate->plan->key_count], 0))
        return aggregate_merge(aggregate, work, error);
    if (aggregate->has_ordered) {
        work->previous = arena_alloc(work->arena, sizeof(uint32_t) * work->count);
        aggregate_find_spans(work, work->previous);
    }
    for (uint32_t s = 0; s < aggregate->distinct_count; s++)
        distinct_set_update(aggregate, aggregate->distinct_sets[s], work);
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++)
        if (!update_call(aggregate, c, work, error))
            return false;
    return true;
}

static bool run_batch(Aggregate *aggregate, AggregateBatch *work, Emitter *emitter, Error *error)
{
    const PlanAggregate *plan = aggregate->plan;
    aggregate_find_groups(aggregate, work);
    aggregate_count_rows(aggregate, work);
    if (!plan->final_only) {
        work->before = arena_new_array(work->arena, Vector, plan->call_count + 1);
        work->after = arena_new_array(work->arena, Vector, plan->call_count + 1);
    }
    if (!aggregate_update(aggregate, work, error))
        return false;
    aggregate_remove_empty(aggregate, work);
    if (!state_store_check(aggregate->base.context->state, error))
        return false;
    return plan->final_only || aggregate_emit_changes(aggregate, work, emitter, error);
}

static bool aggregate_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    Aggregate *aggregate = (Aggregate *)op;
    arena_reset(aggregate->scratch);
    AggregateBatch work = {.in = batch, .count = batch->row_count, .arena = aggregate->scratch};
    if (aggregate->gives_strings && aggregate->bundle == NULL)
        work.holder = batch_new_bare(&no_columns);
    bool ok = aggregate->bundle != NULL ? aggregate_bundle_batch(aggregate, &work, emitter, error)
                                        : run_batch(aggregate, &work, emitter, error);
    batch_release(work.holder);
    batch_release(batch);
    return ok;
}

static bool aggregate_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    return aggregate_bundle_end((Aggregate *)op, emitter, error);
}

static bool aggregate_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    return aggregate_bundle_end((Aggregate *)op, emitter, error);
}

static bool aggregate_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    return aggregate_bundle_end((Aggregate *)op, emitter, error);
}

/* ------------------------------------------------------------------ lifetime */

static bool aggregate_restored(Operator *op, Error *error)
{
    aggregate_see_groups((Aggregate *)op);
    return true;
}

/* The groups of grouping sets without keys: all NULL, then the set's id. */
static void make_empty_sets(Aggregate *aggregate)
{
    const PlanAggregate *plan = aggregate->plan;
    const Schema *schema = aggregate->base.context->node->schema;
    Arena *arena = aggregate->scratch;
    uint32_t count = plan->empty_set_count;
    if (count == 0)
        return;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        Vector *column = arena_new_one(arena, Vector);
        vector_init(column, schema->columns[k].type, count, arena);
        for (uint32_t i = 0; i < count; i++) {
            if (k + 1 == plan->key_count)
                ((int64_t *)column->data)[i] = plan->empty_sets[i];
            else
                vector_set_null(column, i, arena);
        }
        aggregate->key_columns[k] = column;
    }
    Str *keys = arena_alloc(arena, sizeof(Str) * count);
    row_encode(aggregate->key_layout, aggregate->key_columns, NULL, count, arena, keys);
    for (uint32_t i = 0; i < count; i++)
        aggregate_make_group(aggregate, keys[i]);
}

static bool aggregate_end(Operator *op, Emitter *emitter, Error *error)
{
    Aggregate *aggregate = (Aggregate *)op;
    if (!aggregate->plan->final_only)
        return aggregate_bundle_end(aggregate, emitter, error);
    arena_reset(aggregate->scratch);
    if (aggregate->plan->key_count == 0)
        aggregate_make_group(aggregate, (Str){"", 0});
    make_empty_sets(aggregate);
    return aggregate_emit_groups(aggregate, emitter, error);
}

/* Whether it is COUNT(*) over rows that only come. */
static bool counts_rows(const PlanAggregate *plan, const PlanAggregateCall *call)
{
    return !plan->input_retracts && !plan->merges && !call->distinct && call->filter < 0 &&
           call->argument_count == 0 && strcmp(call->call.function->name, "COUNT") == 0;
}

/* Lays out the record and opens what calls need besides it. */
static void open_calls(Aggregate *aggregate, StateSpec *spec)
{
    const PlanAggregate *plan = aggregate->plan;
    Arena *arena = aggregate->base.context->arena;
    uint32_t strings_max = 0;
    for (uint32_t c = 0; c < plan->call_count; c++)
        strings_max += plan->calls[c].call.string_count;
    uint32_t *strings = arena_new_array(arena, uint32_t, strings_max + 1);
    uint32_t offset = aggregate->header_bytes;
    for (uint32_t c = 0; c < plan->call_count; c++) {
        AggregateCall *call = &aggregate->calls[c];
        const BoundAggregate *bound = &plan->calls[c].call;
        call->plan = &plan->calls[c];
        call->offset = offset;
        aggregate->counts_rows = aggregate->counts_rows || counts_rows(plan, call->plan);
        aggregate->gives_strings =
            aggregate->gives_strings || bound->result->physical >= PHYSICAL_STRING;
        if (bound->ordered_when_retracting && plan->input_retracts) {
            aggregate->has_ordered = true;
            call->ordered = ordered_values_open(aggregate, call->plan, c);
            continue;
        }
        if (call->plan->distinct)
            call->distinct = distinct_set_for(aggregate, call->plan, &call->distinct_slot);
        if (bound->keeps != AGGREGATE_KEEPS_NONE) {
            aggregate->has_ordered = true;
            call->collected = collected_values_open(aggregate, call->plan, c);
            continue;
        }
        for (uint32_t s = 0; s < bound->string_count; s++)
            strings[spec->string_count++] = offset + bound->string_offsets[s];
        offset += bound->state_bytes;
    }
    spec->string_offsets = strings;
    spec->record_bytes = offset != 0 ? offset : (uint32_t)sizeof(int64_t);
    for (uint32_t s = 0; s < aggregate->distinct_count; s++)
        distinct_set_open(aggregate, aggregate->distinct_sets[s], s);
}

/* "id BIGINT -> COUNT BIGINT, SUM DECIMAL(38, 2)". */
static const char *describe(const Aggregate *aggregate)
{
    const PlanNode *node = aggregate->base.context->node;
    const PlanAggregate *plan = aggregate->plan;
    Buffer text = {0};
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const Column *column = &node->inputs[0].node->schema->columns[plan->keys[k]];
        buffer_printf(&text, "%s%s ", k == 0 ? "" : ", ", column->name);
        type_print(column->type, &text);
    }
    buffer_append_text(&text, plan->input_retracts ? " -> rows" : " ->");
    for (uint32_t c = 0; c < plan->call_count; c++) {
        const BoundAggregate *bound = &plan->calls[c].call;
        buffer_printf(&text, "%s %s%s[%u] ", c == 0 && !plan->input_retracts ? "" : ",",
                      bound->function->name, plan->calls[c].distinct ? " DISTINCT" : "",
                      bound->state_bytes);
        type_print(bound->result, &text);
    }
    char *copy = arena_strdup(aggregate->base.context->arena, buffer_text(&text));
    buffer_deinit(&text);
    return copy;
}

void aggregate_setup(Aggregate *aggregate, const OperatorContext *context,
                     const PlanAggregate *plan, uint32_t header_bytes, bool by_window)
{
    const Schema *input = context->node->inputs[0].node->schema;
    aggregate->base.context = context;
    aggregate->plan = plan;
    aggregate->by_window = by_window;
    aggregate->key_layout =
        row_layout_of_columns(context->arena, input, plan->keys, plan->key_count);
    aggregate->key_hash =
        key_hash_new(context->arena, &context->node->inputs[0], plan->keys, plan->key_count);
    aggregate->key_columns = arena_new_array(context->arena, const Vector *, plan->key_count + 1);
    aggregate->calls = arena_new_array(context->arena, AggregateCall, plan->call_count + 1);
    aggregate->distinct_sets = arena_new_array(context->arena, DistinctSet *, plan->call_count + 1);
    for (uint32_t c = 0; c < plan->call_count; c++)
        aggregate->numbers_groups = aggregate->numbers_groups || plan->calls[c].distinct;
    aggregate->numbers_groups = aggregate->numbers_groups && !plan->input_retracts && !by_window;
    aggregate->header_bytes = header_bytes + (aggregate->numbers_groups ? 8u : 0u);
    StateSpec spec = {.name = "groups", .kind = STATE_VALUE, .ttl_ms = plan->state_ttl_ms};
    open_calls(aggregate, &spec);
    aggregate->record_bytes = spec.record_bytes;
    spec.description = describe(aggregate);
    aggregate->groups = state_table_declare(context->state, &spec);
    aggregate->memory = (GroupMemory){{memory_assign}, aggregate->groups};
    /* One block that holds the arrays of a full batch, so that a reset gives nothing back. */
    aggregate->scratch = arena_new((size_t)1 << 20);
}

void aggregate_teardown(Aggregate *aggregate)
{
    for (uint32_t s = 0; s < aggregate->distinct_count; s++)
        distinct_set_close(aggregate->distinct_sets[s]);
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++) {
        if (aggregate->calls[c].ordered != NULL)
            ordered_values_close(aggregate->calls[c].ordered);
        if (aggregate->calls[c].collected != NULL)
            collected_values_close(aggregate->calls[c].collected);
    }
    arena_free(aggregate->scratch);
}

static Operator *aggregate_open(const OperatorContext *context, Error *error)
{
    const PlanAggregate *plan = context->node->spec;
    Aggregate *aggregate = arena_new_one(context->arena, Aggregate);
    uint32_t words = (plan->input_retracts ? 1u : 0u) + (plan->final_only ? 1u : 0u);
    aggregate_setup(aggregate, context, plan, (uint32_t)sizeof(int64_t) * words, false);
    if (plan->bundle_size != 0)
        aggregate->bundle = aggregate_bundle_open(aggregate);
    return &aggregate->base;
}

static void aggregate_close(Operator *op)
{
    Aggregate *aggregate = (Aggregate *)op;
    if (aggregate->bundle != NULL)
        aggregate_bundle_close(aggregate->bundle);
    aggregate_teardown(aggregate);
}

const OperatorClass op_aggregate = {
    .name = "aggregate",
    .open = aggregate_open,
    .batch = aggregate_batch,
    .watermark = aggregate_watermark,
    .alarm = aggregate_alarm,
    .barrier = aggregate_barrier,
    .restored = aggregate_restored,
    .end = aggregate_end,
    .close = aggregate_close,
    .has_pairs = operator_makes_pairs,
};
