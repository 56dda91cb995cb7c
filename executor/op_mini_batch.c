/* MiniBatch: the changes of a bundle, at most one per key.
 *
 * Contract: nothing is passed on until the bundle ends. Then each key that changed is told once, in
 * the order in which the keys first changed: +I when it was not there before, -U (if wanted) and +U
 * when it was and is, -D when it has gone; nothing when it came and went, and nothing when it is
 * what it was (with a state TTL it is told all the same, to keep what follows alive). A bundle ends
 * when it holds `size` changes (but never between -U and +U where they stand apart), `latency_ms`
 * after its first one, at a watermark, at a barrier and at the end.
 *
 * State: none that outlives a barrier. A table of its own keeps, per key, the row before the bundle
 * and the last one. Cost: one prefetched probe a change; rows are encoded that a bundle begins or
 * goes on with, decoded when it ends. */
#include "core/hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

/* What a bundle knows of a key; the slots of two rows follow: before, after. */
typedef struct FoldedKey {
    uint32_t seen;
    uint32_t existed; /* there was a row before the bundle */
} FoldedKey;

typedef struct MiniBatch {
    Operator base;
    /* Fixed. */
    const PlanMiniBatch *plan;
    const RowLayout *key_layout;
    RowSlotShape shape;
    uint32_t slot_offsets[2];
    const Vector **columns;
    /* Changing. */
    StateStore *store;
    StateTable *keys;
    void **order; /* records of the bundle's keys, by first change */
    uint32_t order_count;
    uint32_t order_capacity;
    int64_t changes; /* in the bundle; a -U is part of its +U */
    int64_t open;    /* -U whose +U is still to come */
    RowOutput output;
    Arena *scratch;
} MiniBatch;

static void *slot_of(const MiniBatch *mini, void *record, bool after)
{
    return (char *)record + mini->slot_offsets[after];
}

/* ------------------------------------------------------------------- collecting */

static void note_key(MiniBatch *mini, void *record)
{
    if (mini->order_count == mini->order_capacity) {
        mini->order_capacity = mini->order_capacity == 0 ? 1024 : mini->order_capacity * 2;
        mini->order = memory_realloc(mini->order, mini->order_capacity * sizeof(void *));
    }
    mini->order[mini->order_count++] = record;
}

static void fold_row(MiniBatch *mini, void *record, uint8_t kind, Str row)
{
    FoldedKey *key = record;
    bool retraction = change_is_retraction(kind);
    if (key->seen == 0) {
        key->seen = 1;
        key->existed = mini->plan->halves ? retraction : kind != CHANGE_INSERT;
        note_key(mini, record);
    }
    /* Where no -U comes, the -D at the latest tells which row was there. */
    void *before = slot_of(mini, record, false);
    if (retraction && key->existed != 0 && row_slot_get(&mini->shape, before).data == NULL)
        row_slot_set(&mini->shape, mini->keys, before, row);
    if (retraction)
        row_slot_clear(&mini->shape, mini->keys, slot_of(mini, record, true));
    else
        row_slot_set(&mini->shape, mini->keys, slot_of(mini, record, true), row);
    mini->changes += kind != CHANGE_UPDATE_BEFORE;
    mini->open += kind == CHANGE_UPDATE_BEFORE ? 1 : kind == CHANGE_UPDATE_AFTER ? -1 : 0;
}

static void collect(MiniBatch *mini, const Batch *batch)
{
    uint32_t n = batch->row_count;
    Str *keys = arena_alloc(mini->scratch, sizeof(Str) * n);
    Str *rows = arena_alloc(mini->scratch, sizeof(Str) * n);
    uint64_t *hashes = arena_alloc(mini->scratch, sizeof(uint64_t) * n);
    void **records = arena_alloc(mini->scratch, sizeof(void *) * n);
    const ColumnSet *key = &mini->plan->key;
    for (uint32_t k = 0; k < key->count; k++)
        mini->columns[k] = &batch->columns[key->columns[k]];
    if (key->count != 0)
        row_encode(mini->key_layout, mini->columns, NULL, n, mini->scratch, keys);
    for (uint32_t i = 0; i < n && key->count == 0; i++)
        keys[i] = (Str){"", 0};
    for (uint32_t c = 0; c < batch->column_count; c++)
        mini->columns[c] = &batch->columns[c];
    row_encode(mini->shape.layout, mini->columns, NULL, n, mini->scratch, rows);
    hash_many(keys, n, hashes);
    state_value_get_or_create(mini->keys, keys, hashes, n, records, NULL);
    for (uint32_t row = 0; row < n; row++)
        fold_row(mini, records[row], batch_kind(batch, row), rows[row]);
}

/* ------------------------------------------------------------------ passing on */

static bool rows_equal(Str a, Str b)
{
    return a.length == b.length && a.length != 0 && memcmp(a.data, b.data, a.length) == 0;
}

static bool emit_key(MiniBatch *mini, void *record, Error *error)
{
    const FoldedKey *key = record;
    RowOutput *output = &mini->output;
    const RowLayout *layout = mini->shape.layout;
    Str before = row_slot_get(&mini->shape, slot_of(mini, record, false));
    Str after = row_slot_get(&mini->shape, slot_of(mini, record, true));
    if (key->existed == 0)
        return after.data == NULL ||
               row_output_encoded_row(output, CHANGE_INSERT, layout, after, error);
    if (after.data == NULL)
        return row_output_encoded_row(output, CHANGE_DELETE, layout, before, error);
    if (rows_equal(before, after) && !mini->plan->keeps_alive)
        return true;
    if (mini->base.context->node->traits.wants_before && before.data != NULL &&
        !row_output_encoded_row(output, CHANGE_UPDATE_BEFORE, layout, before, error))
        return false;
    return row_output_encoded_row(output, CHANGE_UPDATE_AFTER, layout, after, error);
}

static void declare_keys(MiniBatch *mini)
{
    StateConfig config = {.owner = "MiniBatch", .max_parallelism = 1};
    mini->store = state_store_new(&config);
    uint32_t strings = mini->shape.fixed_bytes == 0 ? 2 : 0;
    StateSpec spec = {
        .name = "keys",
        .kind = STATE_VALUE,
        .record_bytes = mini->slot_offsets[1] + mini->shape.slot_bytes,
        .string_offsets = mini->slot_offsets,
        .string_count = strings,
    };
    mini->keys = state_table_declare(mini->store, &spec);
}

/* The next bundle has keys of its own: a large one gives its memory back. */
#define KEYS_KEPT 65536

static void forget(MiniBatch *mini)
{
    if (mini->order_count > KEYS_KEPT) {
        state_store_free(mini->store);
        declare_keys(mini);
    } else {
        for (uint32_t i = 0; i < mini->order_count; i++)
            state_value_remove(mini->keys, mini->order[i]);
    }
    mini->order_count = 0;
    mini->changes = mini->open = 0;
}

static bool end_bundle(MiniBatch *mini, Emitter *emitter, Error *error)
{
    if (mini->order_count == 0)
        return true;
    row_output_start(&mini->output, NULL, 0, 0, emitter);
    bool ok = true;
    for (uint32_t i = 0; i < mini->order_count && ok; i++)
        ok = emit_key(mini, mini->order[i], error);
    ok = ok && row_output_finish(&mini->output, error);
    row_output_discard(&mini->output);
    forget(mini);
    return ok;
}

static bool mini_batch_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                             Error *error)
{
    MiniBatch *mini = (MiniBatch *)op;
    arena_reset(mini->scratch);
    if (mini->order_count == 0)
        operator_wake_at(op->context, operator_now_us(op->context) + mini->plan->latency_ms * 1000);
    collect(mini, batch);
    batch_release(batch);
    const bool whole = !mini->plan->waits || mini->open == 0;
    return mini->changes < mini->plan->size || !whole || end_bundle(mini, emitter, error);
}

static bool mini_batch_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

static bool mini_batch_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

static bool mini_batch_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

static bool mini_batch_end(Operator *op, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

/* ------------------------------------------------------------------- lifetime */

static Operator *mini_batch_open(const OperatorContext *context, Error *error)
{
    const Schema *schema = context->node->schema;
    Arena *arena = context->arena;
    MiniBatch *mini = arena_new_one(arena, MiniBatch);
    mini->base.context = context;
    mini->plan = context->node->spec;
    const ColumnSet *key = &mini->plan->key;
    const Type **types = arena_new_array(arena, const Type *, key->count + 1);
    for (uint32_t k = 0; k < key->count; k++)
        types[k] = schema->columns[key->columns[k]].type;
    mini->key_layout = row_layout_new(arena, types, key->count);
    mini->columns = arena_new_array(arena, const Vector *, schema->column_count + 1);
    mini->shape = row_slot_shape(row_layout_of_schema(arena, schema));
    mini->slot_offsets[0] = (uint32_t)sizeof(FoldedKey);
    mini->slot_offsets[1] = mini->slot_offsets[0] + mini->shape.slot_bytes;
    declare_keys(mini);
    row_output_init(&mini->output, context);
    mini->scratch = arena_new((size_t)1 << 18);
    return &mini->base;
}

static void mini_batch_close(Operator *op)
{
    MiniBatch *mini = (MiniBatch *)op;
    state_store_free(mini->store);
    memory_free(mini->order);
    arena_free(mini->scratch);
}

const OperatorClass op_mini_batch = {
    .name = "mini_batch",
    .open = mini_batch_open,
    .batch = mini_batch_batch,
    .watermark = mini_batch_watermark,
    .alarm = mini_batch_alarm,
    .barrier = mini_batch_barrier,
    .end = mini_batch_end,
    .close = mini_batch_close,
    .has_pairs = operator_makes_pairs,
};
