/* First row: the row of each key whose event time is the smallest, once that is certain.
 *
 * Contract: a key's row is held until the watermark has reached its time, then given as +I, and
 * never changes. A row with a smaller time replaces the one that waits; rows of a key that was
 * given are dropped. A row before the watermark came too late and is counted as that. Rows
 * come in order of time, those of one time in order of arrival.
 *
 * State: VALUE "waiting", key → the row, its time and when its key came; VALUE "given", key → a
 * flag. A heap of the waiting records by time is made again after a restore. Invariant: a waiting
 * record goes when the last of its heap entries does, of which it has one per time it waited for.
 *
 * Cost: two prefetched probes a row, a push per row that waits. */
#include "core/hash.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"
#include "executor/time_heap.h"

/* Behind the row in the record. */
typedef struct Waiting {
    int64_t time_us;
    uint64_t order;
    uint32_t entries; /* in the heap */
    uint32_t given;
} Waiting;

typedef struct FirstRow {
    Operator base;
    /* Fixed. */
    const PlanFirstRow *plan;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const Vector **vectors;
    RowSlotShape slot;
    StateTable *waiting;
    StateTable *given;
    /* Changing. */
    TimeHeap heap;
    uint64_t next_order;
    RowOutput output;
    Arena *scratch;
} FirstRow;

static Waiting *waiting_of(const FirstRow *first, void *record)
{
    return (Waiting *)(void *)((char *)record + first->slot.slot_bytes);
}

/* --------------------------------------------------------------------- rows come */

static void wait_for(FirstRow *first, void *record, Str row, int64_t time_us)
{
    Waiting *waiting = waiting_of(first, record);
    if (waiting->entries == 0)
        waiting->order = first->next_order++;
    row_slot_set(&first->slot, first->waiting, record, row);
    waiting->time_us = time_us;
    waiting->entries++;
    state_touch(first->waiting, record);
    time_heap_push(&first->heap, (TimeHeapEntry){time_us, waiting->order, record});
}

/* The rows that are neither late nor of a key that was given. */
static uint32_t choose_rows(FirstRow *first, const Batch *batch, void *const *given, uint32_t *rows,
                            uint32_t *late, uint32_t *late_count)
{
    const Vector *time = &batch->columns[first->plan->time];
    int64_t watermark = first->base.context->time->watermark_us;
    uint32_t count = 0;
    *late_count = 0;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        bool is_late = ((const int64_t *)time->data)[vector_index(time, row)] < watermark;
        rows[count] = late[*late_count] = row;
        *late_count += given[row] == NULL && is_late;
        count += given[row] == NULL && !is_late;
    }
    return count;
}

static bool apply_rows(FirstRow *first, const Batch *batch, Emitter *emitter, Error *error)
{
    Arena *scratch = first->scratch;
    uint32_t n = batch->row_count;
    const PlanFirstRow *plan = first->plan;
    Str *keys = arena_new_array(scratch, Str, n);
    uint64_t *hashes = arena_alloc(scratch, sizeof(uint64_t) * n);
    void **records = arena_alloc(scratch, sizeof(void *) * n);
    for (uint32_t k = 0; k < plan->key_count; k++)
        first->vectors[k] = &batch->columns[plan->key[k]];
    if (plan->key_count != 0)
        row_encode(first->key_layout, first->vectors, NULL, n, scratch, keys);
    else
        for (uint32_t row = 0; row < n; row++)
            keys[row] = (Str){"", 0};
    key_hash_many(first->key_hash, batch, keys, n, scratch, hashes);
    state_value_get(first->given, keys, hashes, n, records);
    uint32_t *rows = arena_alloc(scratch, sizeof(uint32_t) * n);
    uint32_t *late = arena_alloc(scratch, sizeof(uint32_t) * n);
    uint32_t late_count;
    uint32_t count = choose_rows(first, batch, records, rows, late, &late_count);
    if (late_count != 0 && !emit_late(emitter, batch, late, late_count, error))
        return false;
    Str *encoded = arena_alloc(scratch, sizeof(Str) * (count + 1));
    for (uint32_t c = 0; c < batch->column_count; c++)
        first->vectors[c] = &batch->columns[c];
    row_encode(first->slot.layout, first->vectors, rows, count, scratch, encoded);
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = keys[rows[i]];
        hashes[i] = hashes[rows[i]];
    }
    state_value_get_or_create(first->waiting, keys, hashes, count, records, NULL);
    const Vector *time = &batch->columns[plan->time];
    for (uint32_t i = 0; i < count; i++) {
        int64_t time_us = ((const int64_t *)time->data)[vector_index(time, rows[i])];
        const Waiting *waiting = waiting_of(first, records[i]);
        if (waiting->entries == 0 || time_us < waiting->time_us)
            wait_for(first, records[i], encoded[i], time_us);
    }
    return true;
}

static bool first_row_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    FirstRow *first = (FirstRow *)op;
    arena_reset(first->scratch);
    bool ok = batch->row_count == 0 || apply_rows(first, batch, emitter, error);
    batch_release(batch);
    return ok && state_store_check(op->context->state, error);
}

/* ---------------------------------------------------------------- their time comes */

static bool give(FirstRow *first, void *record, Error *error)
{
    Str key = state_value_key(first->waiting, record);
    uint64_t hash = hash_bytes(key.data, key.length);
    void *given;
    state_value_get_or_create(first->given, &key, &hash, 1, &given, NULL);
    *(uint64_t *)given = 1;
    state_touch(first->given, given);
    waiting_of(first, record)->given = 1;
    return row_output_encoded_row(&first->output, CHANGE_INSERT, first->slot.layout,
                                  row_slot_get(&first->slot, record), error);
}

static bool first_row_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    FirstRow *first = (FirstRow *)op;
    row_output_start(&first->output, NULL, 0, 0, emitter);
    bool ok = true;
    while (ok && first->heap.count != 0 && time_heap_next(&first->heap) <= watermark_us) {
        TimeHeapEntry entry = time_heap_pop(&first->heap);
        Waiting *waiting = waiting_of(first, entry.record);
        if (!waiting->given && waiting->time_us == entry.time_us)
            ok = give(first, entry.record, error);
        if (--waiting->entries == 0)
            state_value_remove(first->waiting, entry.record);
        else
            state_touch(first->waiting, entry.record);
    }
    ok = ok && row_output_finish(&first->output, error);
    row_output_discard(&first->output);
    return ok;
}

/* -------------------------------------------------------------------- lifetime */

static void wait_again(void *to, void *record)
{
    FirstRow *first = to;
    Waiting *waiting = waiting_of(first, record);
    waiting->entries = 1;
    if (waiting->order >= first->next_order)
        first->next_order = waiting->order + 1;
    time_heap_push(&first->heap, (TimeHeapEntry){waiting->time_us, waiting->order, record});
}

static bool first_row_restored(Operator *op, Error *error)
{
    FirstRow *first = (FirstRow *)op;
    state_value_each(first->waiting, wait_again, first);
    return true;
}

static Operator *first_row_open(const OperatorContext *context, Error *error)
{
    const PlanFirstRow *plan = context->node->spec;
    const Schema *schema = context->node->schema;
    Arena *arena = context->arena;
    FirstRow *first = arena_new_one(arena, FirstRow);
    first->base.context = context;
    first->plan = plan;
    first->key_layout = row_layout_of_columns(arena, schema, plan->key, plan->key_count);
    first->key_hash = key_hash_new(arena, &context->node->inputs[0], plan->key, plan->key_count);
    first->slot = row_slot_shape(row_layout_of_schema(arena, schema));
    first->vectors = arena_new_array(arena, const Vector *, schema->column_count + 1);
    static const uint32_t row_offset = 0;
    StateSpec waiting = {.name = "waiting",
                         .kind = STATE_VALUE,
                         .record_bytes = first->slot.slot_bytes + (uint32_t)sizeof(Waiting),
                         .string_offsets = &row_offset,
                         .string_count = first->slot.fixed_bytes == 0 ? 1 : 0,
                         .description = row_slot_describe(arena, schema)};
    StateSpec given = {.name = "given",
                       .kind = STATE_VALUE,
                       .record_bytes = sizeof(uint64_t),
                       .description = "key -> given",
                       .ttl_ms = plan->state_ttl_ms};
    first->waiting = state_table_declare(context->state, &waiting);
    first->given = state_table_declare(context->state, &given);
    row_output_init(&first->output, context);
    first->scratch = arena_new((size_t)1 << 19);
    return &first->base;
}

static void first_row_close(Operator *op)
{
    FirstRow *first = (FirstRow *)op;
    time_heap_deinit(&first->heap);
    arena_free(first->scratch);
}

const OperatorClass op_first_row = {
    .name = "first_row",
    .open = first_row_open,
    .batch = first_row_batch,
    .watermark = first_row_watermark,
    .restored = first_row_restored,
    .close = first_row_close,
};
