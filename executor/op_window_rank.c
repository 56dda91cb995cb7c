/* Top-N per window: rows of each partition and window whose number lies in a range.
 *
 * Contract: when the watermark reaches a window's last millisecond its rows in range are given, all
 * as +I: windows in the order of their ends, partitions in the order of their columns, rows in the
 * order of their numbers. Of rows that are equal in the order the first to come is first, or,
 * where the last one is wanted, the last. Rows taken back before that are not there. A row whose
 * window is over, and one that has no window, is left out and counted as late.
 *
 * The rows are those of Top-N (op_rank.c), which gives nothing by itself here. Beside them is, by
 * window, which partitions have begun: derived, made again after a restore.
 *
 * Cost: as Top-N without its output; a sort of the partitions of a window that ends. State: the
 * rows in range (of rows that may be taken back: all) until their window is over. */
#include "core/hash.h"
#include "executor/rank/rank.h"
#include "executor/window/slices.h"
#include "executor/window/time.h"

enum { TICK_US = 1000 };

/* A partition of a window: the key of its rows. */
typedef struct WindowPartition {
    uint64_t hash;
    uint32_t length;
    char key[];
} WindowPartition;

typedef struct WindowRank {
    Rank rank;
    /* Fixed. */
    const PlanWindowRank *plan;
    uint32_t end_column;
    /* Changing. */
    WindowSlices slices; /* of WindowPartition, which they own */
    int64_t progress;    /* window_progress of the watermark */
} WindowRank;

static bool is_closed(const WindowRank *window, int64_t end)
{
    return end - TICK_US <= window->progress;
}

/* ----------------------------------------------------------------------- partitions */

static void note_partition(WindowRank *window, Str key, uint64_t hash, int64_t end)
{
    WindowPartition *partition = memory_alloc(sizeof(*partition) + key.length);
    partition->hash = hash;
    partition->length = (uint32_t)key.length;
    memcpy(partition->key, key.data, key.length);
    WindowSlice *slice = window_slices_get(&window->slices, end);
    window_slice_add(slice, partition);
    if (slice->waits_at == WINDOW_SLICE_IDLE)
        window_slices_wait(&window->slices, slice, end);
}

static void partition_begins(Rank *rank, const Batch *in, const RankPartition *partition)
{
    WindowRank *window = (WindowRank *)rank;
    const Vector *ends = &in->columns[window->end_column];
    note_partition(window, partition->key, partition->hash,
                   ((const int64_t *)ends->data)[vector_index(ends, partition->row)]);
}

static void free_slice(WindowRank *window, WindowSlice *slice)
{
    for (uint32_t i = 0; i < slice->count; i++)
        memory_free(slice->records[i]);
    window_slices_free(&window->slices, slice);
}

/* ------------------------------------------------------------------------ windows end */

static void forget(WindowRank *window, const WindowPartition *partition, StateTree *tree)
{
    Rank *rank = &window->rank;
    bool gone = false;
    while (!gone)
        gone = state_tree_remove(rank->rows, state_tree_last(tree));
    if (rank->distinct == NULL)
        return;
    Str key = {partition->key, partition->length};
    state_ordered_trees(rank->distinct, &key, &partition->hash, 1, &tree);
    for (gone = tree == NULL; !gone;)
        gone = state_tree_remove(rank->distinct, state_tree_last(tree));
}

/* The partition's rows; NULL: it has none any more. */
static StateTree *find_rows(const WindowRank *window, const WindowPartition *partition)
{
    Str key = {partition->key, partition->length};
    StateTree *tree = NULL;
    state_ordered_trees(window->rank.rows, &key, &partition->hash, 1, &tree);
    return tree;
}

static bool fire_slice(WindowRank *window, WindowSlice *slice, Emitter *emitter, Error *error)
{
    RankFinal *final = rank_final_new(&window->rank);
    /* One that went and came back is listed twice. */
    for (uint32_t i = 0; i < slice->count; i++) {
        const WindowPartition *partition = slice->records[i];
        StateTree *tree = find_rows(window, partition);
        if (tree != NULL)
            rank_final_add(final, tree);
    }
    bool ok = rank_final_give(final, emitter, error);
    rank_final_free(final);
    for (uint32_t i = 0; i < slice->count; i++) {
        const WindowPartition *partition = slice->records[i];
        StateTree *tree = find_rows(window, partition);
        if (tree != NULL)
            forget(window, partition, tree);
    }
    free_slice(window, slice);
    return ok;
}

static bool window_rank_watermark(Operator *op, int64_t watermark_us, Emitter *emitter,
                                  Error *error)
{
    WindowRank *window = (WindowRank *)op;
    window->progress = window_progress(window->plan->zone, watermark_us);
    WindowSlice *first;
    while ((first = window_slices_first(&window->slices)) != NULL && is_closed(window, first->next))
        if (!fire_slice(window, window_slices_pop(&window->slices), emitter, error))
            return false;
    return true;
}

/* --------------------------------------------------------------------------- rows in */

/* Splits the batch's rows; returns how many are late. */
static uint32_t find_late(const WindowRank *window, const Batch *batch, uint32_t *late,
                          uint32_t *rows)
{
    const Vector *ends = &batch->columns[window->end_column];
    uint32_t late_count = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        int64_t end = ((const int64_t *)ends->data)[vector_index(ends, i)];
        if (vector_is_null(ends, i) || is_closed(window, end))
            late[late_count++] = i;
        else
            rows[i - late_count] = i;
    }
    return late_count;
}

static bool window_rank_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                              Error *error)
{
    WindowRank *window = (WindowRank *)op;
    uint32_t *late = arena_alloc(batch->arena, sizeof(uint32_t) * (batch->row_count + 1));
    uint32_t *rows = arena_alloc(batch->arena, sizeof(uint32_t) * (batch->row_count + 1));
    uint32_t late_count = find_late(window, batch, late, rows);
    bool ok = true;
    if (late_count != 0) {
        ok = emit_late(emitter, batch, late, late_count, error);
        Batch *kept = batch_gather(batch, rows, batch->row_count - late_count);
        batch_release(batch);
        batch = kept;
    }
    ok = ok && (batch->row_count == 0 || rank_take(&window->rank, batch, emitter, error));
    batch_release(batch);
    return ok;
}

/* ------------------------------------------------------------------------- lifetime */

/* Notes a partition by what its first row says: its key is encoded from that. */
static void note_tree(void *to, StateTree *tree)
{
    WindowRank *window = to;
    Rank *rank = &window->rank;
    const PlanRank *plan = rank->plan;
    const Schema *schema = rank->base.context->node->inputs[0].node->schema;
    Arena *arena = rank->scratch;
    arena_reset(arena);
    Vector *vectors = arena_new_array(arena, Vector, schema->column_count + 1);
    Vector **wanted = arena_new_array(arena, Vector *, schema->column_count + 1);
    for (uint32_t k = 0; k < plan->partition_count; k++) {
        uint32_t column = plan->partition[k];
        vector_init(&vectors[column], schema->columns[column].type, 1, arena);
        wanted[column] = &vectors[column];
        rank->vectors[k] = &vectors[column];
    }
    row_decode(rank->row_layout, state_tree_payload(rank->rows, state_tree_first(tree)), wanted, 0,
               arena, true);
    Str key;
    row_encode(rank->key_layout, rank->vectors, NULL, 1, arena, &key);
    note_partition(window, key, hash_bytes(key.data, key.length),
                   *(const int64_t *)vectors[window->end_column].data);
}

static bool window_rank_restored(Operator *op, Error *error)
{
    WindowRank *window = (WindowRank *)op;
    window->progress = window_progress(window->plan->zone, op->context->time->watermark_us);
    state_trees_each(window->rank.rows, note_tree, window);
    return true;
}

static Operator *window_rank_open(const OperatorContext *context, Error *error)
{
    const PlanWindowRank *plan = context->node->spec;
    WindowRank *window = arena_new_one(context->arena, WindowRank);
    rank_setup(&window->rank, context, &plan->rank);
    window->rank.is_quiet = true;
    window->rank.later_wins = plan->later_wins;
    window->rank.begins = partition_begins;
    window->plan = plan;
    window->end_column = plan->rank.partition[plan->end_at];
    window->progress = INT64_MIN;
    return &window->rank.base;
}

static void window_rank_close(Operator *op)
{
    WindowRank *window = (WindowRank *)op;
    while (window_slices_first(&window->slices) != NULL)
        free_slice(window, window_slices_pop(&window->slices));
    window_slices_deinit(&window->slices);
    rank_teardown(&window->rank);
}

extern const OperatorClass op_window_rank;
const OperatorClass op_window_rank = {
    .name = "window_rank",
    .open = window_rank_open,
    .batch = window_rank_batch,
    .watermark = window_rank_watermark,
    .restored = window_rank_restored,
    .close = window_rank_close,
};
