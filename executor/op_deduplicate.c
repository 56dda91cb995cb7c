/* Deduplicate: one row per key: the first, the last, or the best by an order.
 *
 * Contract: the first row of a key gives +I. A later one replaces it when it comes before it in the
 * order (or is equal there and the plan lets the later one win; or is a new version of the same
 * row): -U with the old row and +U with the new. Otherwise it is dropped.
 *
 * State: VALUE, key → the row and its sort key.
 *
 * Cost: one prefetched probe a row, and a comparison of bytes; where an order alone decides, only
 * the row that a batch leaves for a key is encoded. */
#include "core/sort_key.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

#define NO_ROW UINT32_MAX

typedef struct Deduplicate {
    Operator base;
    /* Fixed. */
    const PlanDeduplicate *plan;
    bool wants_before;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const Vector **vectors;
    RowSlotShape slot;
    uint32_t sort_offset; /* of the sort key in the record */
    StateTable *rows;
    /* Changing. */
    RowOutput output;
    Buffer sort_keys;
    Arena *scratch;
} Deduplicate;

typedef struct DeduplicateBatch {
    Batch *in;
    Str *keys;
    uint64_t *hashes;
    Str *sort_keys;
    Str *encoded;
    void **records;
} DeduplicateBatch;

static StringView *sort_key_of(const Deduplicate *deduplicate, void *record)
{
    return (StringView *)(void *)((char *)record + deduplicate->sort_offset);
}

/* --------------------------------------------------------------------- which row */

static int compare(Str a, Str b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common == 0 ? 0 : memcmp(a.data, b.data, common);
    return order != 0 ? order : (a.length > b.length) - (a.length < b.length);
}

/* Whether both are versions of one row. */
static bool is_same_row(Deduplicate *deduplicate, const DeduplicateBatch *work, uint32_t row,
                        Str kept)
{
    ColumnSet row_key = deduplicate->plan->row_key;
    const Schema *schema = deduplicate->base.context->node->schema;
    if (row_key.count == 0)
        return false;
    Vector *vector = arena_new_array(deduplicate->scratch, Vector, 1);
    Vector **wanted = arena_new_array(deduplicate->scratch, Vector *, schema->column_count);
    for (uint32_t k = 0; k < row_key.count; k++) {
        uint32_t column = row_key.columns[k];
        vector_init(vector, schema->columns[column].type, 1, deduplicate->scratch);
        wanted[column] = vector;
        row_decode(deduplicate->slot.layout, kept, wanted, 0, deduplicate->scratch, true);
        wanted[column] = NULL;
        if (!vector_values_equal(vector, 0, &work->in->columns[column], row))
            return false;
    }
    return true;
}

static bool replaces(Deduplicate *deduplicate, const DeduplicateBatch *work, uint32_t row, Str kept)
{
    int order = 0;
    if (deduplicate->plan->order_count != 0)
        order = compare(work->sort_keys[row],
                        string_view_str(sort_key_of(deduplicate, work->records[row])));
    if (order < 0 || (order == 0 && deduplicate->plan->later_wins))
        return true;
    return is_same_row(deduplicate, work, row, kept);
}

/* --------------------------------------------------------------------- one by one */

static void keep(Deduplicate *deduplicate, const DeduplicateBatch *work, uint32_t row)
{
    void *record = work->records[row];
    row_slot_set(&deduplicate->slot, deduplicate->rows, record, work->encoded[row]);
    if (deduplicate->plan->order_count != 0)
        state_string_assign(deduplicate->rows, sort_key_of(deduplicate, record),
                            work->sort_keys[row]);
    state_touch(deduplicate->rows, record);
}

static bool give_replaced(Deduplicate *deduplicate, uint32_t row, Str kept, Error *error)
{
    if (deduplicate->wants_before &&
        !row_output_encoded_row(&deduplicate->output, CHANGE_UPDATE_BEFORE,
                                deduplicate->slot.layout, kept, error))
        return false;
    return row_output_input_row(&deduplicate->output, CHANGE_UPDATE_AFTER, row, error);
}

static bool apply_row(Deduplicate *deduplicate, const DeduplicateBatch *work, uint32_t row,
                      Error *error)
{
    Str kept = row_slot_get(&deduplicate->slot, work->records[row]);
    if (kept.data != NULL && !replaces(deduplicate, work, row, kept))
        return true;
    if (kept.data == NULL) {
        if (!row_output_input_row(&deduplicate->output, CHANGE_INSERT, row, error))
            return false;
    } else {
        Str now = work->encoded[row];
        if (deduplicate->plan->drops_unchanged && now.length == kept.length &&
            memcmp(now.data, kept.data, now.length) == 0)
            return true;
        if (!give_replaced(deduplicate, row, kept, error))
            return false;
    }
    keep(deduplicate, work, row);
    return true;
}

/* ---------------------------------------------------------------- by an order alone
 *
 * A kept row only ever gives way to a better one, so a row that does not come before it when the
 * batch begins never does. Of the others the sort keys say which ones win, and what is kept is
 * written at the end: a row that won and lost in one batch is shown, but not kept. */

static bool by_order_alone(const PlanDeduplicate *plan)
{
    return plan->order_count != 0 && plan->row_key.count == 0 && !plan->drops_unchanged;
}

static bool wins(const Deduplicate *deduplicate, Str sort_key, Str kept)
{
    int order = compare(sort_key, kept);
    return order < 0 || (order == 0 && deduplicate->plan->later_wins);
}

/* The rows that come before what is kept of their key. */
static uint32_t choose_rows(const Deduplicate *deduplicate, const DeduplicateBatch *work,
                            uint32_t *rows)
{
    uint32_t count = 0;
    for (uint32_t row = 0; row < work->in->row_count; row++) {
        void *record = work->records[row];
        bool is_kept = row_slot_get(&deduplicate->slot, record).data != NULL;
        if (!is_kept || wins(deduplicate, work->sort_keys[row],
                             string_view_str(sort_key_of(deduplicate, record))))
            rows[count++] = row;
    }
    return count;
}

/* Shows that the row is the best one of its key now, instead of `before`, a row of the batch, or of
 * what is kept. */
static bool give_winner(Deduplicate *deduplicate, const DeduplicateBatch *work, uint32_t row,
                        uint32_t before, Error *error)
{
    RowOutput *output = &deduplicate->output;
    Str kept = row_slot_get(&deduplicate->slot, work->records[row]);
    if (before == NO_ROW && kept.data == NULL)
        return row_output_input_row(output, CHANGE_INSERT, row, error);
    if (before == NO_ROW)
        return give_replaced(deduplicate, row, kept, error);
    return (!deduplicate->wants_before ||
            row_output_input_row(output, CHANGE_UPDATE_BEFORE, before, error)) &&
           row_output_input_row(output, CHANGE_UPDATE_AFTER, row, error);
}

static void keep_winners(Deduplicate *deduplicate, DeduplicateBatch *work, const uint32_t *rows,
                         uint32_t count)
{
    Str *encoded = arena_alloc(deduplicate->scratch, sizeof(Str) * (count + 1));
    for (uint32_t c = 0; c < work->in->column_count; c++)
        deduplicate->vectors[c] = &work->in->columns[c];
    row_encode(deduplicate->slot.layout, deduplicate->vectors, rows, count, deduplicate->scratch,
               encoded);
    for (uint32_t i = 0; i < count; i++) {
        work->encoded[rows[i]] = encoded[i];
        keep(deduplicate, work, rows[i]);
    }
}

static bool apply_by_order(Deduplicate *deduplicate, DeduplicateBatch *work, Error *error)
{
    Arena *scratch = deduplicate->scratch;
    uint32_t n = work->in->row_count;
    uint32_t *rows = arena_alloc(scratch, sizeof(uint32_t) * n);
    uint32_t count = choose_rows(deduplicate, work, rows);
    uint32_t distinct;
    void **records = arena_alloc(scratch, sizeof(void *) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        records[i] = work->records[rows[i]];
    const uint32_t *numbers = row_slot_number(records, count, scratch, &distinct);
    uint32_t *winners = arena_alloc(scratch, sizeof(uint32_t) * (distinct + 1));
    memset(winners, 0xFF, sizeof(uint32_t) * distinct);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t *winner = &winners[numbers[i]];
        if (*winner != NO_ROW &&
            !wins(deduplicate, work->sort_keys[rows[i]], work->sort_keys[*winner]))
            continue;
        if (!give_winner(deduplicate, work, rows[i], *winner, error))
            return false;
        *winner = rows[i];
    }
    keep_winners(deduplicate, work, winners, distinct);
    return true;
}

/* ------------------------------------------------------------------------- a batch */

static bool apply_rows(Deduplicate *deduplicate, const DeduplicateBatch *work, Error *error)
{
    Arena *scratch = deduplicate->scratch;
    for (uint32_t c = 0; c < work->in->column_count; c++)
        deduplicate->vectors[c] = &work->in->columns[c];
    row_encode(deduplicate->slot.layout, deduplicate->vectors, NULL, work->in->row_count, scratch,
               work->encoded);
    for (uint32_t row = 0; row < work->in->row_count; row++)
        if (!apply_row(deduplicate, work, row, error))
            return false;
    return true;
}

static void encode_sort_keys(Deduplicate *deduplicate, DeduplicateBatch *work)
{
    const PlanDeduplicate *plan = deduplicate->plan;
    uint32_t n = work->in->row_count;
    if (plan->order_count == 0)
        return;
    SortKeyColumn *columns =
        arena_new_array(deduplicate->scratch, SortKeyColumn, plan->order_count);
    for (uint32_t k = 0; k < plan->order_count; k++)
        columns[k] = (SortKeyColumn){&work->in->columns[plan->order[k].column],
                                     {plan->order[k].descending, plan->order[k].nulls_last}};
    work->sort_keys = arena_alloc(deduplicate->scratch, sizeof(Str) * n);
    sort_key_encode(columns, plan->order_count, n, 0, &deduplicate->sort_keys, work->sort_keys);
}

static void prepare(Deduplicate *deduplicate, DeduplicateBatch *work)
{
    const PlanDeduplicate *plan = deduplicate->plan;
    Arena *scratch = deduplicate->scratch;
    uint32_t n = work->in->row_count;
    work->keys = arena_alloc(scratch, sizeof(Str) * n);
    work->hashes = arena_alloc(scratch, sizeof(uint64_t) * n);
    work->encoded = arena_alloc(scratch, sizeof(Str) * n);
    work->records = arena_alloc(scratch, sizeof(void *) * n);
    for (uint32_t k = 0; k < plan->key_count; k++)
        deduplicate->vectors[k] = &work->in->columns[plan->key[k]];
    if (plan->key_count != 0)
        row_encode(deduplicate->key_layout, deduplicate->vectors, NULL, n, scratch, work->keys);
    else
        for (uint32_t row = 0; row < n; row++)
            work->keys[row] = (Str){"", 0};
    encode_sort_keys(deduplicate, work);
    key_hash_many(deduplicate->key_hash, work->in, work->keys, n, scratch, work->hashes);
    state_value_get_or_create(deduplicate->rows, work->keys, work->hashes, n, work->records, NULL);
}

static bool deduplicate_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                              Error *error)
{
    Deduplicate *deduplicate = (Deduplicate *)op;
    arena_reset(deduplicate->scratch);
    DeduplicateBatch work = {.in = batch};
    prepare(deduplicate, &work);
    row_output_start(&deduplicate->output, batch, 0, batch->column_count, emitter);
    bool ok = by_order_alone(deduplicate->plan) ? apply_by_order(deduplicate, &work, error)
                                                : apply_rows(deduplicate, &work, error);
    ok = ok && state_store_check(op->context->state, error) &&
         row_output_finish(&deduplicate->output, error);
    row_output_discard(&deduplicate->output);
    batch_release(batch);
    return ok;
}

/* -------------------------------------------------------------------- lifetime */

/* The record: the row, then its sort key. */
static void declare_rows(Deduplicate *deduplicate, const Schema *schema)
{
    const OperatorContext *context = deduplicate->base.context;
    uint32_t *strings = arena_new_array(context->arena, uint32_t, 2);
    uint32_t string_count = deduplicate->slot.fixed_bytes == 0 ? 1 : 0;
    uint32_t bytes = deduplicate->slot.slot_bytes;
    if (deduplicate->plan->order_count != 0) {
        deduplicate->sort_offset = bytes;
        strings[string_count++] = bytes;
        bytes += (uint32_t)sizeof(StringView);
    }
    StateSpec spec = {
        .name = "rows",
        .kind = STATE_VALUE,
        .record_bytes = bytes,
        .string_offsets = strings,
        .string_count = string_count,
        .description = row_slot_describe(context->arena, schema),
        .ttl_ms = deduplicate->plan->state_ttl_ms,
    };
    deduplicate->rows = state_table_declare(context->state, &spec);
}

static Operator *deduplicate_open(const OperatorContext *context, Error *error)
{
    const PlanDeduplicate *plan = context->node->spec;
    const Schema *schema = context->node->schema;
    Arena *arena = context->arena;
    Deduplicate *deduplicate = arena_new_one(arena, Deduplicate);
    deduplicate->base.context = context;
    deduplicate->plan = plan;
    deduplicate->wants_before = context->node->traits.wants_before;
    deduplicate->key_layout = row_layout_of_columns(arena, schema, plan->key, plan->key_count);
    deduplicate->key_hash =
        key_hash_new(arena, &context->node->inputs[0], plan->key, plan->key_count);
    deduplicate->slot = row_slot_shape(row_layout_of_schema(arena, schema));
    deduplicate->vectors = arena_new_array(arena, const Vector *, schema->column_count + 1);
    declare_rows(deduplicate, schema);
    row_output_init(&deduplicate->output, context);
    deduplicate->scratch = arena_new((size_t)1 << 20);
    return &deduplicate->base;
}

static void deduplicate_close(Operator *op)
{
    Deduplicate *deduplicate = (Deduplicate *)op;
    buffer_deinit(&deduplicate->sort_keys);
    arena_free(deduplicate->scratch);
}

const OperatorClass op_deduplicate = {
    .name = "deduplicate",
    .open = deduplicate_open,
    .batch = deduplicate_batch,
    .close = deduplicate_close,
    .has_pairs = operator_makes_pairs,
};
