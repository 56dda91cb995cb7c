/* Normalize (ChangelogNormalize): makes a proper changelog of upserts, deletes that may lack
 * columns, and duplicates, by keeping the last row per key.
 *
 * Contract, per row: a new key gives +I; a row that differs gives -U (if wanted) and +U, an equal
 * one nothing (with a state TTL it counts as different, to keep what follows alive); any -U or -D
 * gives -D of the whole stored row and forgets it, or nothing for a key that is not known. With
 * traits.folds a key changes at most once a batch.
 *
 * State: VALUE, key → row. Within a batch a key may go and come back: its record stays, empty,
 * until the batch is done. Cost: one prefetched probe a row; rows are compared as bytes. */
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

typedef struct Normalize {
    Operator base;
    /* Fixed. */
    const PlanNormalize *plan;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const Vector **key_columns;
    RowSlotShape shape;
    const Vector **columns;
    StateTable *rows;
    /* Changing. */
    RowOutput output;
    Arena *scratch; /* reset by each batch */
} Normalize;

typedef struct NormalizeBatch {
    Batch *in;
    Str *encoded;
    void **records;
} NormalizeBatch;

/* What one row makes of its key's stored row. */
static bool apply_row(Normalize *normalize, const NormalizeBatch *work, uint32_t row, Error *error)
{
    void *slot = work->records[row];
    Str stored = row_slot_get(&normalize->shape, slot);
    Str encoded = work->encoded[row];
    const RowLayout *layout = normalize->shape.layout;
    RowOutput *output = &normalize->output;
    state_touch(normalize->rows, slot);
    if (change_is_retraction(batch_kind(work->in, row))) {
        if (stored.data == NULL)
            return true;
        if (!row_output_encoded_row(output, CHANGE_DELETE, layout, stored, error))
            return false;
        row_slot_clear(&normalize->shape, normalize->rows, slot);
        return true;
    }
    bool differs =
        stored.length != encoded.length || memcmp(stored.data, encoded.data, encoded.length) != 0;
    if (stored.data == NULL) {
        if (!row_output_input_row(output, CHANGE_INSERT, row, error))
            return false;
    } else if (differs || normalize->plan->state_ttl_ms > 0) {
        if (normalize->base.context->node->traits.wants_before &&
            !row_output_encoded_row(output, CHANGE_UPDATE_BEFORE, layout, stored, error))
            return false;
        if (!row_output_input_row(output, CHANGE_UPDATE_AFTER, row, error))
            return false;
    }
    if (differs)
        row_slot_set(&normalize->shape, normalize->rows, slot, encoded);
    return true;
}

static bool apply_rows(Normalize *normalize, const NormalizeBatch *work, Error *error)
{
    if (!normalize->base.context->node->traits.folds) {
        for (uint32_t row = 0; row < work->in->row_count; row++)
            if (!apply_row(normalize, work, row, error))
                return false;
        return true;
    }
    /* Only the last row of a key counts: it covers a retraction before it in the batch too. */
    uint32_t count;
    const uint32_t *last =
        row_slot_last_rows(work->records, work->in->row_count, normalize->scratch, &count);
    for (uint32_t i = 0; i < count; i++)
        if (!apply_row(normalize, work, last[i], error))
            return false;
    return true;
}

static void remove_empty(Normalize *normalize, const NormalizeBatch *work)
{
    if (work->in->kinds == NULL)
        return;
    uint32_t count;
    const uint32_t *last =
        row_slot_last_rows(work->records, work->in->row_count, normalize->scratch, &count);
    for (uint32_t i = 0; i < count; i++)
        if (row_slot_get(&normalize->shape, work->records[last[i]]).data == NULL)
            state_value_remove(normalize->rows, work->records[last[i]]);
}

static void prepare(Normalize *normalize, NormalizeBatch *work)
{
    Arena *scratch = normalize->scratch;
    uint32_t n = work->in->row_count;
    Str *keys = arena_alloc(scratch, sizeof(Str) * n);
    uint64_t *hashes = arena_alloc(scratch, sizeof(uint64_t) * n);
    work->encoded = arena_alloc(scratch, sizeof(Str) * n);
    work->records = arena_alloc(scratch, sizeof(void *) * n);
    for (uint32_t k = 0; k < normalize->plan->key.count; k++)
        normalize->key_columns[k] = &work->in->columns[normalize->plan->key.columns[k]];
    for (uint32_t c = 0; c < work->in->column_count; c++)
        normalize->columns[c] = &work->in->columns[c];
    row_encode(normalize->key_layout, normalize->key_columns, NULL, n, scratch, keys);
    row_encode(normalize->shape.layout, normalize->columns, NULL, n, scratch, work->encoded);
    key_hash_many(normalize->key_hash, work->in, keys, n, scratch, hashes);
    state_value_get_or_create(normalize->rows, keys, hashes, n, work->records, NULL);
}

static bool normalize_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    Normalize *normalize = (Normalize *)op;
    arena_reset(normalize->scratch);
    NormalizeBatch work = {.in = batch};
    prepare(normalize, &work);
    row_output_start(&normalize->output, batch, 0, batch->column_count, emitter);
    bool ok = apply_rows(normalize, &work, error);
    if (ok) {
        remove_empty(normalize, &work);
        ok = state_store_check(op->context->state, error) &&
             row_output_finish(&normalize->output, error);
    }
    row_output_discard(&normalize->output);
    batch_release(batch);
    return ok;
}

static Operator *normalize_open(const OperatorContext *context, Error *error)
{
    const PlanNormalize *plan = context->node->spec;
    const Schema *schema = context->node->schema;
    Arena *arena = context->arena;
    Normalize *normalize = arena_new_one(arena, Normalize);
    normalize->base.context = context;
    normalize->plan = plan;
    normalize->key_layout =
        row_layout_of_columns(arena, schema, plan->key.columns, plan->key.count);
    normalize->key_hash =
        key_hash_new(arena, &context->node->inputs[0], plan->key.columns, plan->key.count);
    normalize->key_columns = arena_new_array(arena, const Vector *, plan->key.count + 1);
    normalize->columns = arena_new_array(arena, const Vector *, schema->column_count + 1);
    normalize->shape = row_slot_shape(row_layout_of_schema(arena, schema));
    static const uint32_t row_offset = 0;
    StateSpec spec = {
        .name = "rows",
        .kind = STATE_VALUE,
        .record_bytes = normalize->shape.slot_bytes,
        .string_offsets = &row_offset,
        .string_count = normalize->shape.fixed_bytes == 0 ? 1 : 0,
        .description = row_slot_describe(arena, schema),
        .ttl_ms = plan->state_ttl_ms,
    };
    normalize->rows = state_table_declare(context->state, &spec);
    row_output_init(&normalize->output, context);
    normalize->scratch = arena_new((size_t)1 << 19);
    return &normalize->base;
}

static void normalize_close(Operator *op)
{
    arena_free(((Normalize *)op)->scratch);
}

const OperatorClass op_normalize = {
    .name = "normalize",
    .open = normalize_open,
    .batch = normalize_batch,
    .close = normalize_close,
    .has_pairs = operator_makes_pairs,
};
