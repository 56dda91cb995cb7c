/* Lookup join: rows that wait for another try, in state.
 *
 * Invariant: the table is written anew at each barrier; restored, its rows wait in the order in
 * which they waited, as batches of those that wait for the same moment. */
#include "executor/lookup/operator.h"

#include <stdlib.h>
#include <string.h>

/* A row of the table `waiting`. */
typedef struct WaitingRow {
    uint64_t kind;
    int64_t attempts;
    int64_t retry_at_us;
} WaitingRow;

static Str order_key(uint64_t order, char bytes[8])
{
    order = __builtin_bswap64(order);
    memcpy(bytes, &order, 8);
    return (Str){bytes, 8};
}

typedef struct TreeList {
    StateTree **trees;
    uint32_t count;
    uint32_t capacity;
} TreeList;

static void list_tree(void *to, StateTree *tree)
{
    TreeList *list = to;
    if (list->count == list->capacity) {
        list->capacity = list->capacity == 0 ? 64 : list->capacity * 2;
        list->trees = memory_realloc(list->trees, list->capacity * sizeof(*list->trees));
    }
    list->trees[list->count++] = tree;
}

static void forget_waiting(LookupJoin *join)
{
    TreeList list = {0};
    state_trees_each(join->waiting, list_tree, &list);
    for (uint32_t i = 0; i < list.count; i++)
        while (!state_tree_remove(join->waiting, state_tree_first(list.trees[i])))
            continue;
    memory_free(list.trees);
    join->order = 0;
}

static void save_pending(LookupJoin *join, const LookupPending *pending)
{
    const Batch *batch = pending->batch;
    const Vector **columns =
        arena_new_array(join->scratch, const Vector *, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = &batch->columns[c];
    Str *rows = arena_new_array(join->scratch, Str, batch->row_count + 1);
    row_encode(join->left_layout, columns, NULL, batch->row_count, join->scratch, rows);
    LookupKeys keys =
        join->plan->is_spread_by_row ? lookup_output_row_keys(&join->output, batch) : pending->keys;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        char bytes[8];
        StateTree *tree = NULL;
        state_ordered_trees(join->waiting, &keys.keys[i], &keys.hashes[i], 1, &tree);
        WaitingRow *row = state_tree_put(join->waiting, &tree, keys.keys[i], keys.hashes[i],
                                         order_key(join->order++, bytes), rows[i], NULL);
        *row = (WaitingRow){batch_kind(batch, i), pending->attempts, pending->retry_at_us};
    }
}

typedef struct RestoredRow {
    uint64_t order;
    const WaitingRow *row;
} RestoredRow;

typedef struct RestoredRows {
    RestoredRow *items;
    uint32_t count;
    uint32_t capacity;
    LookupJoin *join;
} RestoredRows;

static void collect_tree(void *to, StateTree *tree)
{
    RestoredRows *rows = to;
    StateCursor cursor;
    for (const WaitingRow *row = state_cursor_at(tree, 0, &cursor); row != NULL;
         row = state_cursor_next(&cursor)) {
        if (rows->count == rows->capacity) {
            rows->capacity = rows->capacity == 0 ? 256 : rows->capacity * 2;
            rows->items = memory_realloc(rows->items, rows->capacity * sizeof(*rows->items));
        }
        uint64_t order;
        memcpy(&order, state_tree_sort_key(rows->join->waiting, row).data, 8);
        rows->items[rows->count++] = (RestoredRow){__builtin_bswap64(order), row};
    }
}

static int by_order(const void *a, const void *b)
{
    const RestoredRow *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The rows from `from` on that wait for the same moment, as a batch. */
static uint32_t restore_pending(LookupJoin *join, const RestoredRow *rows, uint32_t count)
{
    Batch *batch = batch_new(join->left, BATCH_ROWS_MAX);
    Vector **columns = arena_new_array(batch->arena, Vector *, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = &batch->columns[c];
    uint8_t *kinds = batch_kinds(batch, BATCH_ROWS_MAX);
    const WaitingRow *first = rows[0].row;
    uint32_t taken = 0;
    for (; taken < count && taken < BATCH_ROWS_MAX; taken++) {
        const WaitingRow *row = rows[taken].row;
        if (row->attempts != first->attempts || row->retry_at_us != first->retry_at_us)
            break;
        kinds[taken] = (uint8_t)row->kind;
        row_decode(join->left_layout, state_tree_payload(join->waiting, row), columns, taken,
                   batch->arena, false);
    }
    batch->row_count = taken;
    LookupPending *pending = lookup_pending_new(join, batch);
    pending->attempts = first->attempts;
    pending->retry_at_us =
        first->retry_at_us == INT64_MAX ? lookup_now_us(join) : first->retry_at_us;
    operator_wake_at(join->base.context, pending->retry_at_us);
    return taken;
}

void lookup_save_waiting(LookupJoin *join)
{
    arena_reset(join->scratch);
    arena_reset(join->output.scratch);
    forget_waiting(join);
    for (const LookupPending *at = join->head; at != NULL; at = at->next)
        if (!at->emitted)
            save_pending(join, at);
}

void lookup_restore_waiting(LookupJoin *join)
{
    RestoredRows rows = {.join = join};
    state_trees_each(join->waiting, collect_tree, &rows);
    if (rows.count > 1)
        qsort(rows.items, rows.count, sizeof(*rows.items), by_order);
    for (uint32_t at = 0; at < rows.count;)
        at += restore_pending(join, rows.items + at, rows.count - at);
    memory_free(rows.items);
}

void lookup_declare_waiting(LookupJoin *join)
{
    const OperatorContext *context = join->base.context;
    Buffer text = {0};
    buffer_append_text(&text, "key, order -> kind, attempts, time, ");
    for (uint32_t c = 0; c < join->left->column_count; c++) {
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", join->left->columns[c].name);
        type_print(join->left->columns[c].type, &text);
    }
    StateSpec spec = {.name = "waiting",
                      .kind = STATE_ORDERED,
                      .record_bytes = sizeof(WaitingRow),
                      .description = arena_strdup(context->arena, buffer_text(&text))};
    buffer_deinit(&text);
    join->left_layout = row_layout_of_schema(context->arena, join->left);
    join->waiting = state_table_declare(context->state, &spec);
}
