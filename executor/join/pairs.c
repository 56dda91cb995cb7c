/* The pairs of a join and their condition (join/pairs.h).
 *
 * Cost: a gather per read column of the batch, a row_decode a pair, one pass of the condition. */
#include "executor/join/pairs.h"

#include <string.h>

static const Schema *pair_schema(const OperatorContext *context)
{
    const Schema *left = context->node->inputs[0].node->schema;
    const Schema *right = context->node->inputs[1].node->schema;
    uint32_t count = left->column_count + right->column_count;
    Column *columns = arena_new_array(context->arena, Column, count + 1);
    memcpy(columns, left->columns, sizeof(Column) * left->column_count);
    memcpy(columns + left->column_count, right->columns, sizeof(Column) * right->column_count);
    return schema_new(context->arena, columns, count);
}

void join_pairs_open(JoinPairs *pairs, const OperatorContext *context, const Expr *condition,
                     uint32_t capacity)
{
    Arena *arena = context->arena;
    *pairs = (JoinPairs){.schema = pair_schema(context),
                         .left_count = context->node->inputs[0].node->schema->column_count,
                         .capacity = capacity};
    pairs->is_read = arena_new_array(arena, bool, pairs->schema->column_count + 1);
    if (condition != NULL) {
        pairs->condition =
            expression_compile(arena, &condition, 1, pairs->schema, context->environment);
        expression_mark_columns(condition, pairs->is_read);
    }
    pairs->rows = arena_new_array(arena, uint32_t, capacity);
    pairs->kept = arena_new_array(arena, Str, capacity);
    pairs->holds = arena_new_array(arena, uint8_t, capacity);
    pairs->selected = arena_new_array(arena, uint32_t, capacity + 1);
}

Batch *join_pairs_batch(const JoinPairs *pairs, uint32_t count)
{
    Batch *batch = batch_new_bare(pairs->schema);
    batch->row_count = count;
    return batch;
}

/* By column of the side: its vector in the batch, with room for the rows; NULL: not read. */
Vector **join_pairs_side(const JoinPairs *pairs, Batch *batch, bool left)
{
    uint32_t first = left ? 0 : pairs->left_count;
    uint32_t count = left ? pairs->left_count : pairs->schema->column_count - pairs->left_count;
    Vector **columns = arena_new_array(batch->arena, Vector *, count + 1);
    for (uint32_t c = 0; c < count; c++) {
        if (!pairs->is_read[first + c])
            continue;
        columns[c] = &batch->columns[first + c];
        vector_init(columns[c], pairs->schema->columns[first + c].type, batch->row_count,
                    batch->arena);
    }
    return columns;
}

static Batch *build_pairs(const JoinPairs *pairs, const Batch *in, bool in_is_left,
                          const RowLayout *layout)
{
    Batch *batch = join_pairs_batch(pairs, pairs->count);
    uint32_t first = in_is_left ? 0 : pairs->left_count;
    uint32_t end = in_is_left ? pairs->left_count : pairs->schema->column_count;
    for (uint32_t c = first; c < end; c++)
        if (pairs->is_read[c])
            vector_gather(&batch->columns[c], &in->columns[c - first], pairs->rows, pairs->count,
                          batch->arena);
    Vector **others = join_pairs_side(pairs, batch, !in_is_left);
    row_decode_rows(layout, pairs->kept, pairs->count, others, NULL, batch->arena);
    return batch;
}

bool join_pairs_check(JoinPairs *pairs, const Batch *in, bool in_is_left, const RowLayout *layout,
                      Error *error)
{
    if (pairs->condition == NULL || pairs->count == 0) {
        memset(pairs->holds, 1, pairs->count);
        return true;
    }
    Batch *batch = build_pairs(pairs, in, in_is_left, layout);
    int64_t count =
        expression_select(pairs->condition, batch, NULL, pairs->count, pairs->selected, error);
    batch_release(batch);
    memset(pairs->holds, 0, pairs->count);
    for (int64_t i = 0; i < count; i++)
        pairs->holds[pairs->selected[i]] = 1;
    return count >= 0;
}
