/* The end of a bounded run, or of a window: every row whose number lies in the range, as +I.
 *
 * Partitions come in the order of their columns, rows in the order of their numbers, so that the
 * result is the same whatever way the rows came. Cost: a sort of the partitions, a walk. */
#include <stdlib.h>

#include "core/sort_key.h"
#include "executor/rank/rank.h"

/* NULL and negative values let no row in. */
uint64_t rank_read_last(const Rank *rank, const Vector *column, uint32_t row)
{
    if (vector_is_null(column, row))
        return 0;
    uint32_t at = vector_index(column, row);
    int64_t value;
    switch (column->type->physical) {
    case PHYSICAL_I8:
        value = ((const int8_t *)column->data)[at];
        break;
    case PHYSICAL_I16:
        value = ((const int16_t *)column->data)[at];
        break;
    case PHYSICAL_I32:
        value = ((const int32_t *)column->data)[at];
        break;
    default:
        value = ((const int64_t *)column->data)[at];
        break;
    }
    value -= value > 0 ? (int64_t)rank->plan->last_less : 0;
    return value < 0 ? 0 : (uint64_t)value;
}

typedef struct FinalPartition {
    StateTree *rows;
    uint64_t last;
    size_t key_start; /* in the buffer of keys; the key itself once that no longer grows */
    Str key;
} FinalPartition;

struct RankFinal {
    Rank *rank;
    Buffer partitions; /* FinalPartition */
    Buffer keys;
    Arena *arena;    /* of one row */
    Vector *vectors; /* one row: the partition's columns */
    Vector **wanted;
};

RankFinal *rank_final_new(Rank *rank)
{
    RankFinal *final = memory_zalloc(sizeof(*final));
    final->rank = rank;
    final->vectors = memory_zalloc(sizeof(Vector) * (rank->column_count + 1));
    final->wanted = memory_zalloc(sizeof(Vector *) * (rank->column_count + 1));
    final->arena = arena_new(1024);
    return final;
}

void rank_final_free(RankFinal *final)
{
    buffer_deinit(&final->partitions);
    buffer_deinit(&final->keys);
    arena_free(final->arena);
    memory_free(final->vectors);
    memory_free(final->wanted);
    memory_free(final);
}

/* Reads the partition's columns from its first row. */
void rank_final_add(RankFinal *final, StateTree *tree)
{
    static const SortOrder ascending = {false, false};
    const Rank *rank = final->rank;
    const PlanRank *plan = rank->plan;
    const Schema *schema = rank->base.context->node->inputs[0].node->schema;
    FinalPartition partition = {tree, plan->last, final->keys.length, {NULL, 0}};
    arena_reset(final->arena);
    for (uint32_t k = 0; k < plan->partition_count; k++) {
        uint32_t column = plan->partition[k];
        vector_init(&final->vectors[column], schema->columns[column].type, 1, final->arena);
        final->wanted[column] = &final->vectors[column];
    }
    row_decode(rank->row_layout, state_tree_payload(rank->rows, state_tree_first(tree)),
               final->wanted, 0, final->arena, true);
    for (uint32_t k = 0; k < plan->partition_count; k++)
        sort_key_append(&final->keys, final->wanted[plan->partition[k]], 0, ascending);
    partition.key.length = final->keys.length - partition.key_start;
    if (plan->last_column >= 0)
        partition.last = rank_read_last(rank, final->wanted[plan->last_column], 0);
    buffer_append(&final->partitions, &partition, sizeof(partition));
}

static int compare_partitions(const void *a, const void *b)
{
    Str x = ((const FinalPartition *)a)->key, y = ((const FinalPartition *)b)->key;
    size_t common = x.length < y.length ? x.length : y.length;
    int order = common == 0 ? 0 : memcmp(x.data, y.data, common);
    return order != 0 ? order : (x.length > y.length) - (x.length < y.length);
}

static bool give_partition(Rank *rank, const FinalPartition *partition, Error *error)
{
    StateCursor cursor;
    const void *record = state_cursor_at(partition->rows, 0, &cursor);
    uint64_t number = 0, passed = 0;
    Str group = {NULL, 0};
    for (; record != NULL; record = state_cursor_next(&cursor)) {
        Str key = rank_prefix(state_tree_sort_key(rank->rows, record));
        passed++;
        if (passed == 1 || rank->plan->function == PLAN_RANK_ROW_NUMBER ||
            !rank_str_equal(key, group))
            number = rank->plan->function == PLAN_RANK_DENSE_RANK ? number + 1 : passed;
        group = key;
        if (number > partition->last)
            return true;
        RankRow row = rank_kept_row(record);
        if (number >= rank->plan->first && !rank_give(rank, CHANGE_INSERT, &row, number, error))
            return false;
    }
    return true;
}

bool rank_final_give(RankFinal *final, Emitter *emitter, Error *error)
{
    Rank *rank = final->rank;
    FinalPartition *partitions = (FinalPartition *)(void *) final->partitions.data;
    size_t count = final->partitions.length / sizeof(FinalPartition);
    for (size_t i = 0; i < count; i++)
        partitions[i].key.data = final->keys.data + partitions[i].key_start;
    if (count != 0)
        qsort(partitions, count, sizeof(FinalPartition), compare_partitions);
    bool was_quiet = rank->is_quiet;
    row_output_start(&rank->output, NULL, 0, 0, emitter);
    rank->is_quiet = false;
    bool ok = true;
    for (size_t i = 0; ok && i < count; i++)
        if (i == 0 || partitions[i].rows != partitions[i - 1].rows)
            ok = give_partition(rank, &partitions[i], error);
    ok = ok && row_output_finish(&rank->output, error);
    row_output_discard(&rank->output);
    rank->is_quiet = was_quiet;
    return ok;
}

static void add_tree(void *to, StateTree *tree)
{
    rank_final_add(to, tree);
}

bool rank_end(Operator *op, Emitter *emitter, Error *error)
{
    Rank *rank = (Rank *)op;
    if (!rank->plan->final_only)
        return true;
    RankFinal *final = rank_final_new(rank);
    state_trees_each(rank->rows, add_tree, final);
    bool ok = rank_final_give(final, emitter, error);
    rank_final_free(final);
    return ok;
}
