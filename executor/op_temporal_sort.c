/* Temporal sort: ORDER BY an event time over a stream that only inserts.
 *
 * Contract: a row waits until the watermark reaches its time; then rows come out by time and by the
 * other keys, equal ones in the order in which they came. A row that is not after the last time
 * that has come out is late, for its place has gone by. One worker.
 *
 * State: the rows that wait, in order. Cost: a tree step a row; rows are decoded when they leave.
 */
#include "core/hash.h"
#include "core/sort_key.h"
#include "executor/operator.h"
#include "executor/row_output.h"

typedef struct TemporalSort {
    Operator base;
    /* Fixed. */
    const PlanSort *plan;
    const RowLayout *layout;
    StateTable *table; /* one key → sort keys, order → time, row */
    StateTable *last;  /* the same key → whether a row has come out, the time of the last */
    uint64_t hash;
    /* Changing. */
    StateTree *tree; /* NULL: nothing waits */
    uint64_t order;
    RowOutput output;
    Arena *scratch;
} TemporalSort;

/* How far the order has come. */
typedef struct SortMark {
    int64_t has_begun;
    int64_t last_us;
} SortMark;

/* All rows are under one key: the order is of them all. */
static const Str rows_key = {"rows", 4};

static SortMark *find_mark(const TemporalSort *sort)
{
    void *mark;
    state_value_get_or_create(sort->last, &rows_key, &sort->hash, 1, &mark, NULL);
    return mark;
}

/* ---------------------------------------------------------------------- rows in */

static void write_key(const TemporalSort *sort, const Batch *batch, uint32_t row, uint64_t order,
                      Buffer *out)
{
    buffer_clear(out);
    for (uint32_t k = 0; k < sort->plan->key_count; k++) {
        const PlanSortKey *key = &sort->plan->keys[k];
        sort_key_append(out, &batch->columns[key->column], row,
                        (SortOrder){key->descending, key->nulls_last});
    }
    order = __builtin_bswap64(order);
    buffer_append(out, &order, sizeof(order));
}

static void keep(TemporalSort *sort, const Batch *batch, uint32_t row, Str encoded, Buffer *key)
{
    write_key(sort, batch, row, sort->order++, key);
    int64_t *time = state_tree_put(sort->table, &sort->tree, rows_key, sort->hash,
                                   (Str){key->data, key->length}, encoded, NULL);
    const Vector *column = &batch->columns[sort->plan->keys[0].column];
    *time = ((const int64_t *)column->data)[vector_index(column, row)];
}

static bool temporal_sort_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                                Error *error)
{
    TemporalSort *sort = (TemporalSort *)op;
    arena_reset(sort->scratch);
    const SortMark *mark = find_mark(sort);
    uint32_t count = batch->row_count;
    const Vector **columns =
        arena_new_array(sort->scratch, const Vector *, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = &batch->columns[c];
    Str *rows = arena_new_array(sort->scratch, Str, count + 1);
    row_encode(sort->layout, columns, NULL, count, sort->scratch, rows);
    uint32_t *late = arena_new_array(sort->scratch, uint32_t, count + 1);
    uint32_t late_count = 0;
    const Vector *time = &batch->columns[sort->plan->keys[0].column];
    Buffer key = {0};
    for (uint32_t i = 0; i < count; i++) {
        bool is_late = vector_is_null(time, i) ||
                       (mark->has_begun != 0 &&
                        ((const int64_t *)time->data)[vector_index(time, i)] <= mark->last_us);
        if (is_late)
            late[late_count++] = i;
        else
            keep(sort, batch, i, rows[i], &key);
    }
    buffer_deinit(&key);
    bool ok = late_count == 0 || emit_late(emitter, batch, late, late_count, error);
    batch_release(batch);
    return ok;
}

/* --------------------------------------------------------------------- rows out */

static bool temporal_sort_watermark(Operator *op, int64_t watermark_us, Emitter *emitter,
                                    Error *error)
{
    TemporalSort *sort = (TemporalSort *)op;
    SortMark *mark = find_mark(sort);
    bool ok = true;
    row_output_start(&sort->output, NULL, 0, 0, emitter);
    while (sort->tree != NULL && ok) {
        int64_t *time = state_tree_first(sort->tree);
        if (*time > watermark_us)
            break;
        mark->has_begun = 1;
        mark->last_us = *time;
        ok = row_output_encoded_row(&sort->output, CHANGE_INSERT, sort->layout,
                                    state_tree_payload(sort->table, time), error);
        if (state_tree_remove(sort->table, time))
            sort->tree = NULL;
    }
    state_touch(sort->last, mark);
    ok = ok && row_output_finish(&sort->output, error);
    row_output_discard(&sort->output);
    return ok;
}

/* --------------------------------------------------------------------- lifetime */

static bool temporal_sort_restored(Operator *op, Error *error)
{
    TemporalSort *sort = (TemporalSort *)op;
    state_ordered_trees(sort->table, &rows_key, &sort->hash, 1, &sort->tree);
    if (sort->tree == NULL)
        return true;
    StateCursor cursor;
    for (void *record = state_cursor_at(sort->tree, 0, &cursor); record != NULL;
         record = state_cursor_next(&cursor)) {
        Str key = state_tree_sort_key(sort->table, record);
        uint64_t order;
        memcpy(&order, key.data + key.length - sizeof(order), sizeof(order));
        order = __builtin_bswap64(order);
        if (order >= sort->order)
            sort->order = order + 1;
    }
    return true;
}

static Operator *temporal_sort_open(const OperatorContext *context, Error *error)
{
    TemporalSort *sort = arena_new_one(context->arena, TemporalSort);
    sort->base.context = context;
    sort->plan = context->node->spec;
    sort->layout = row_layout_of_schema(context->arena, context->node->schema);
    sort->hash = hash_bytes(rows_key.data, rows_key.length);
    Buffer description = {0};
    buffer_append_text(&description, "sort key -> time");
    for (uint32_t c = 0; c < context->node->schema->column_count; c++) {
        buffer_printf(&description, ", %s ", context->node->schema->columns[c].name);
        type_print(context->node->schema->columns[c].type, &description);
    }
    StateSpec rows = {.name = "rows",
                      .kind = STATE_ORDERED,
                      .record_bytes = sizeof(int64_t),
                      .description = arena_strdup(context->arena, buffer_text(&description))};
    buffer_deinit(&description);
    StateSpec last = {.name = "last",
                      .kind = STATE_VALUE,
                      .record_bytes = sizeof(SortMark),
                      .description = "-> time of the last row given"};
    sort->table = state_table_declare(context->state, &rows);
    sort->last = state_table_declare(context->state, &last);
    row_output_init(&sort->output, context);
    sort->scratch = arena_new((size_t)1 << 18);
    return &sort->base;
}

static void temporal_sort_close(Operator *op)
{
    arena_free(((TemporalSort *)op)->scratch);
}

extern const OperatorClass op_temporal_sort;
const OperatorClass op_temporal_sort = {
    .name = "temporal_sort",
    .open = temporal_sort_open,
    .batch = temporal_sort_batch,
    .watermark = temporal_sort_watermark,
    .restored = temporal_sort_restored,
    .close = temporal_sort_close,
};
