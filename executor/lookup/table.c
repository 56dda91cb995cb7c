/* FULL: all rows of a table in columns, found by key through a table of slots.
 *
 * Built and filled on a helper thread, then handed over as a whole; it does not change. Rows of one
 * key are a chain in the order they were read. Cost: a prefetched probe a key, a gather per column
 * for what comes out. */
#include <string.h>

#include "core/hash.h"
#include "executor/lookup/join.h"
#include "executor/vector_rows.h"

/* How long one read of a source may block before the end of the job is looked for. */
#define READ_BLOCKS_MS 100

/* A key of up to 12 bytes, such as a BIGINT, lies in its slot: half a cache line. */
typedef struct LookupSlot {
    uint64_t hash;
    StringView key;
    uint32_t first; /* row + 1; 0: free */
    uint32_t last;  /* row */
} LookupSlot;

/* ----------------------------------------------------------------------- index */

static LookupSlot *find_slot(const LookupTable *table, const StringView *key, uint64_t hash)
{
    for (uint64_t at = hash & table->mask;; at = (at + 1) & table->mask) {
        LookupSlot *slot = &table->slots[at];
        if (slot->first == 0 || (slot->hash == hash && string_view_equal(&slot->key, key)))
            return slot;
    }
}

static void add_row(LookupTable *table, uint32_t row, Str bytes, uint64_t hash)
{
    StringView key = string_view_borrow(bytes.data, bytes.length);
    LookupSlot *slot = find_slot(table, &key, hash);
    if (slot->first == 0)
        *slot = (LookupSlot){hash, string_view_copy(table->arena, bytes.data, bytes.length),
                             row + 1, row};
    else
        table->next[slot->last] = row;
    slot->last = row;
}

static void index_rows(LookupTable *table, const LookupShape *shape, const Batch *batch,
                       uint32_t first, Arena *scratch)
{
    const PlanLookupJoin *plan = shape->plan;
    const Vector **columns = arena_new_array(scratch, const Vector *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        columns[k] = &batch->columns[plan->right_keys[k]];
    LookupKeys keys = lookup_encode_keys(shape, columns, batch->row_count, scratch);
    for (uint32_t i = 0; i < batch->row_count; i++)
        __builtin_prefetch(&table->slots[keys.hashes[i] & table->mask], 1);
    for (uint32_t i = 0; i < batch->row_count; i++)
        if (keys.joins[i])
            add_row(table, first + i, keys.keys[i], keys.hashes[i]);
}

LookupTable *lookup_table_new(const LookupShape *shape, Batch **batches, uint32_t count)
{
    LookupTable *table = memory_zalloc(sizeof(*table));
    table->arena = arena_new((size_t)1 << 16);
    uint64_t total = 0;
    for (uint32_t b = 0; b < count; b++)
        total += batches[b]->row_count;
    uint64_t slots = 16;
    while (slots < total * 2)
        slots *= 2;
    table->mask = slots - 1;
    table->slots = memory_zalloc(slots * sizeof(*table->slots));
    table->next = memory_alloc((total + 1) * sizeof(*table->next));
    memset(table->next, 0xFF, (total + 1) * sizeof(*table->next));
    table->rows = batch_new(shape->plan->right, (uint32_t)total);
    Arena *scratch = arena_new((size_t)1 << 16);
    uint32_t *to = arena_new_array(table->arena, uint32_t, BATCH_ROWS_MAX);
    for (uint32_t b = 0; b < count; b++) {
        Batch *batch = batches[b];
        arena_reset(scratch);
        for (uint32_t i = 0; i < batch->row_count; i++)
            to[i] = table->rows->row_count + i;
        for (uint32_t c = 0; c < batch->column_count; c++)
            vector_copy_rows(&table->rows->columns[c], to, &batch->columns[c], NULL,
                             batch->row_count, table->rows->arena);
        index_rows(table, shape, batch, table->rows->row_count, scratch);
        table->rows->row_count += batch->row_count;
        batch_hold(table->rows, batch);
    }
    arena_free(scratch);
    return table;
}

void lookup_table_free(LookupTable *table)
{
    if (table == NULL)
        return;
    batch_release(table->rows);
    memory_free(table->slots);
    memory_free(table->next);
    arena_free(table->arena);
    memory_free(table);
}

void lookup_table_find(const LookupTable *table, const LookupKeys *keys, uint32_t count,
                       LookupFound *found)
{
    for (uint32_t i = 0; i < count; i++)
        __builtin_prefetch(&table->slots[keys->hashes[i] & table->mask]);
    for (uint32_t i = 0; i < count; i++) {
        found[i] = (LookupFound){LOOKUP_NONE, LOOKUP_NONE};
        if (!keys->joins[i])
            continue;
        StringView key = string_view_borrow(keys->keys[i].data, keys->keys[i].length);
        const LookupSlot *slot = find_slot(table, &key, keys->hashes[i]);
        if (slot->first != 0)
            found[i] = (LookupFound){slot->first - 1, slot->last};
    }
}

/* --------------------------------------------------------------------- loading */

typedef struct Loading {
    LookupLoad *load;
    Arena *arena;
    ExpressionProgram *filter;
    ExpressionProgram *projections;
    uint32_t selected[BATCH_ROWS_MAX];
    Batch **batches;
    uint32_t count;
    uint32_t capacity;
} Loading;

static void keep_batch(Loading *loading, Batch *batch)
{
    if (loading->count == loading->capacity) {
        loading->capacity = loading->capacity == 0 ? 64 : loading->capacity * 2;
        loading->batches =
            memory_realloc(loading->batches, loading->capacity * sizeof(*loading->batches));
    }
    loading->batches[loading->count++] = batch;
}

/* The batch with the columns of the right side, and of its rows those that pass the filter. */
static bool take_batch(Loading *loading, Batch *batch, Error *error)
{
    const PlanLookupJoin *plan = loading->load->shape.plan;
    if (loading->filter != NULL) {
        int64_t count = expression_select(loading->filter, batch, NULL, batch->row_count,
                                          loading->selected, error);
        if (count < 0) {
            batch_release(batch);
            return false;
        }
        Batch *chosen = batch_gather(batch, loading->selected, (uint32_t)count);
        batch_release(batch);
        batch = chosen;
    }
    if (loading->projections != NULL && batch->row_count != 0) {
        Batch *made = batch_new_bare(plan->right);
        const Vector **results =
            arena_new_array(made->arena, const Vector *, plan->right->column_count + 1);
        bool good = expression_run(loading->projections, batch, NULL, batch->row_count, made->arena,
                                   results, error);
        made->row_count = batch->row_count;
        for (uint32_t c = 0; c < plan->right->column_count && good; c++)
            made->columns[c] = *results[c];
        batch_hold(made, batch);
        batch = made;
        if (!good) {
            batch_release(batch);
            return false;
        }
    }
    if (batch->row_count == 0)
        batch_release(batch);
    else
        keep_batch(loading, batch);
    return true;
}

static bool read_source(Loading *loading, Source *source, const SourceClass *class, Error *error)
{
    for (;;) {
        Batch *batch = NULL;
        uint32_t scan;
        switch (class->next(source, READ_BLOCKS_MS, &batch, &scan, error)) {
        case SOURCE_BATCH:
            if (!take_batch(loading, batch, error))
                return false;
            break;
        case SOURCE_IDLE:
            break;
        case SOURCE_END:
            return true;
        case SOURCE_FAILED:
            return false;
        }
        if (offload_is_stopped(loading->load->offload))
            return error_set(error, ERROR_CANCELLED, "the job is being cancelled");
    }
}

static bool read_table(Loading *loading, Error *error)
{
    LookupLoad *load = loading->load;
    const PlanLookupJoin *plan = load->shape.plan;
    const SourceClass *class = plan->connector->source;
    SourceContext context = {
        .scans = &plan->info.scan,
        .scan_count = 1,
        .job = "lookup",
        .parallelism = 1,
        .clock = load->environment.clock,
        .zone = load->environment.zone,
        .bounded_run = true,
        .interrupted = offload_is_stopped,
        .interrupted_to = load->offload,
    };
    Source *source = class->open(&context, error);
    if (source == NULL)
        return false;
    bool good = read_source(loading, source, class, error);
    class->close(source);
    return good;
}

static void forget_batches(Loading *loading)
{
    for (uint32_t i = 0; i < loading->count; i++)
        batch_release(loading->batches[i]);
    loading->count = 0;
}

static bool run_load(OffloadJob *job, uint32_t helper, Error *error)
{
    LookupLoad *load = (LookupLoad *)job;
    const PlanLookupJoin *plan = load->shape.plan;
    Arena *arena = arena_new((size_t)1 << 14);
    Loading *loading = arena_new_one(arena, Loading);
    loading->load = load;
    loading->arena = arena;
    const Schema *read = plan->info.scan.schema;
    if (plan->filter != NULL)
        loading->filter = expression_compile(arena, &plan->filter, 1, read, &load->environment);
    if (plan->projections != NULL)
        loading->projections = expression_compile(
            arena, plan->projections, plan->right->column_count, read, &load->environment);
    int64_t tries = 0;
    bool good;
    while (!(good = read_table(loading, error)) &&
           lookup_try_again(plan, load->offload, &tries, error))
        forget_batches(loading);
    if (good)
        load->table = lookup_table_new(&load->shape, loading->batches, loading->count);
    else
        forget_batches(loading);
    memory_free(loading->batches);
    arena_free(arena);
    return good;
}

LookupLoad *lookup_load_new(const LookupShape *shape, const OperatorContext *context,
                            Offload *offload)
{
    LookupLoad *load = memory_zalloc(sizeof(*load));
    load->job.run = run_load;
    load->shape = *shape;
    load->environment = *context->environment;
    load->environment.batch_time_us = operator_now_us(context);
    load->offload = offload;
    return load;
}

void lookup_load_free(LookupLoad *load)
{
    if (load == NULL)
        return;
    lookup_table_free(load->table);
    memory_free(load);
}
