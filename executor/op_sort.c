/* Sort: ORDER BY of a bounded run, with LIMIT a Top-N.
 *
 * Contract: nothing is given until the input ends; then its rows, all +I, in order, from `offset`
 * on and at most `limit` of them. Rows with equal sort keys come in the order of their other
 * columns, so that the result is the same whatever way the rows came.
 *
 * State: ORDERED, under the one key "": sort columns, then the other columns, each in a form whose
 * byte order is the order asked for and that reads back → copies. So a row is its sort key, and
 * nothing else is stored.
 *
 * Cost: a search in the ordered table a row. A Top-N of rows that are never taken back keeps only
 * those that can still be asked for. */
#include "core/hash.h"
#include "core/sort_key.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

typedef struct SortColumn {
    uint32_t column;
    SortOrder order;
} SortColumn;

typedef struct Sort {
    Operator base;
    /* Fixed. */
    const PlanSort *plan;
    SortColumn *columns; /* the plan's, then the others */
    uint32_t column_count;
    StateTable *rows;
    Str key;
    uint64_t hash;
    bool keeps_top; /* rows behind offset + limit can be forgotten */
    /* Changing. */
    uint64_t row_count; /* copies in the table */
    Buffer encoded;
} Sort;

static uint64_t rows_wanted(const PlanSort *plan)
{
    return plan->limit > UINT64_MAX - plan->offset ? UINT64_MAX : plan->offset + plan->limit;
}

static void encode_row(Sort *sort, const Batch *batch, uint32_t row)
{
    buffer_clear(&sort->encoded);
    for (uint32_t c = 0; c < sort->column_count; c++)
        sort_key_append(&sort->encoded, &batch->columns[sort->columns[c].column], row,
                        sort->columns[c].order);
}

static void remove_copy(Sort *sort, Str sort_key, int64_t *copies)
{
    sort->row_count--;
    if (--*copies != 0)
        state_touch(sort->rows, copies);
    else
        state_ordered_remove(sort->rows, sort->key, sort->hash, sort_key);
}

static void insert_row(Sort *sort)
{
    Str sort_key = {sort->encoded.data, sort->encoded.length};
    int64_t *copies = state_ordered_put(sort->rows, sort->key, sort->hash, sort_key, NULL);
    ++*copies;
    state_touch(sort->rows, copies);
    sort->row_count++;
    if (!sort->keeps_top || sort->row_count <= rows_wanted(sort->plan))
        return;
    Str last;
    copies = state_ordered_last(sort->rows, sort->key, sort->hash, &last);
    buffer_clear(&sort->encoded);
    buffer_append_str(&sort->encoded, last);
    remove_copy(sort, (Str){sort->encoded.data, sort->encoded.length}, copies);
}

static bool sort_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Sort *sort = (Sort *)op;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        encode_row(sort, batch, row);
        if (!change_is_retraction(batch_kind(batch, row))) {
            insert_row(sort);
            continue;
        }
        Str sort_key = {sort->encoded.data, sort->encoded.length};
        int64_t *copies = state_ordered_find(sort->rows, sort->key, sort->hash, sort_key);
        if (copies != NULL)
            remove_copy(sort, sort_key, copies);
    }
    batch_release(batch);
    return state_store_check(op->context->state, error);
}

static void decode_row(const Sort *sort, Str sort_key, Batch *out)
{
    for (uint32_t c = 0; c < sort->column_count; c++)
        sort_key_read(&sort_key, sort->columns[c].order, &out->columns[sort->columns[c].column],
                      out->row_count, out->arena);
    out->row_count++;
}

static bool sort_end(Operator *op, Emitter *emitter, Error *error)
{
    Sort *sort = (Sort *)op;
    uint32_t limit =
        op->context->batch_rows < BATCH_ROWS_MAX ? op->context->batch_rows : BATCH_ROWS_MAX;
    uint64_t position = 0;
    uint64_t wanted = rows_wanted(sort->plan);
    Batch *out = NULL;
    Str sort_key;
    int64_t *copies = state_ordered_first(sort->rows, sort->key, sort->hash, &sort_key);
    while (copies != NULL && position < wanted) {
        for (int64_t i = 0; i < *copies && position < wanted; i++, position++) {
            if (position < sort->plan->offset)
                continue;
            if (out == NULL)
                out = batch_new(op->context->node->schema, limit == 0 ? 1 : limit);
            decode_row(sort, sort_key, out);
            if (out->row_count < limit)
                continue;
            Batch *full = out;
            out = NULL;
            if (!emit(emitter, full, error))
                return false;
        }
        copies = state_ordered_after(sort->rows, sort->key, sort->hash, sort_key, &sort_key);
    }
    return out == NULL || emit(emitter, out, error);
}

/* Counts the copies again. */
static bool sort_restored(Operator *op, Error *error)
{
    Sort *sort = (Sort *)op;
    Str sort_key;
    int64_t *copies = state_ordered_first(sort->rows, sort->key, sort->hash, &sort_key);
    for (; copies != NULL;
         copies = state_ordered_after(sort->rows, sort->key, sort->hash, sort_key, &sort_key))
        sort->row_count += (uint64_t)*copies;
    return true;
}

static Operator *sort_open(const OperatorContext *context, Error *error)
{
    const PlanSort *plan = context->node->spec;
    const Schema *schema = context->node->schema;
    assert(context->parallelism == 1);
    Sort *sort = arena_new_one(context->arena, Sort);
    sort->base.context = context;
    sort->plan = plan;
    sort->key = (Str){"", 0};
    sort->hash = hash_bytes("", 0);
    sort->keeps_top = context->node->inputs[0].node->traits.kinds == CHANGES_INSERT_ONLY;
    sort->columns =
        arena_new_array(context->arena, SortColumn, plan->key_count + schema->column_count);
    bool *is_key = arena_new_array(context->arena, bool, schema->column_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const PlanSortKey *key = &plan->keys[k];
        is_key[key->column] = true;
        sort->columns[sort->column_count++] =
            (SortColumn){key->column, {key->descending, key->nulls_last}};
    }
    for (uint32_t c = 0; c < schema->column_count; c++)
        if (!is_key[c])
            sort->columns[sort->column_count++] = (SortColumn){c, {false, false}};
    StateSpec spec = {
        .name = "rows",
        .kind = STATE_ORDERED,
        .record_bytes = sizeof(int64_t),
        .description = row_slot_describe(context->arena, schema),
    };
    sort->rows = state_table_declare(context->state, &spec);
    return &sort->base;
}

static void sort_close(Operator *op)
{
    buffer_deinit(&((Sort *)op)->encoded);
}

const OperatorClass op_sort = {
    .name = "sort",
    .open = sort_open,
    .batch = sort_batch,
    .restored = sort_restored,
    .end = sort_end,
    .close = sort_close,
};
