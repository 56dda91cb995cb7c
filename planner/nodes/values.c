/* values: constant rows, once; as batches made at planning. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_values;

static bool values_equal(const LogicalNode *a, const LogicalNode *b)
{
    if (a->values.row_count != b->values.row_count)
        return false;
    for (uint32_t r = 0; r < a->values.row_count; r++)
        for (uint32_t c = 0; c < a->schema->column_count; c++)
            if (!expr_equal(a->values.rows[r][c], b->values.rows[r][c]))
                return false;
    return true;
}

static bool values_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = true;
    if (node->values.row_count <= 1)
        traits_add_key(context->arena, &node->traits, (ColumnSet){0, NULL});
    return true;
}

static void release(void *batch)
{
    batch_release(batch);
}

static Batch *values_batch(const PlannerContext *context, const LogicalNode *node, uint32_t from,
                           uint32_t count)
{
    Batch *batch = batch_new(node->schema, count);
    arena_on_close(context->arena, release, batch);
    for (uint32_t r = 0; r < count; r++) {
        for (uint32_t c = 0; c < node->schema->column_count; c++) {
            const Vector *value = node->values.rows[from + r][c]->literal;
            if (vector_is_null(value, 0))
                vector_set_null(&batch->columns[c], r, batch->arena);
            else
                vector_copy_value(&batch->columns[c], r, value, 0, batch->arena, false);
        }
    }
    batch->row_count = count;
    return batch;
}

static bool values_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    Arena *arena = context->arena;
    uint32_t rows = node->values.row_count;
    PlanValues *spec = arena_new_one(arena, PlanValues);
    spec->batch_count = (rows + BATCH_ROWS_MAX - 1) / BATCH_ROWS_MAX;
    Batch **batches = arena_new_array(arena, Batch *, spec->batch_count + 1);
    for (uint32_t b = 0; b < spec->batch_count; b++) {
        uint32_t from = b * BATCH_ROWS_MAX;
        uint32_t count = rows - from < BATCH_ROWS_MAX ? rows - from : BATCH_ROWS_MAX;
        batches[b] = values_batch(context, node, from, count);
    }
    spec->batches = (const Batch *const *)batches;
    node->plan->spec = spec;
    node->plan->parallelism = 1;

    Buffer label = {0};
    buffer_append_text(&label, "Values(tuples=[[");
    for (uint32_t r = 0; r < rows && r < 3; r++) {
        buffer_append_text(&label, r == 0 ? "{ " : ", { ");
        for (uint32_t c = 0; c < node->schema->column_count; c++) {
            if (c != 0)
                buffer_append_text(&label, ", ");
            expr_print(node->values.rows[r][c], NULL, &label);
        }
        buffer_append_text(&label, " }");
    }
    if (rows > 3)
        buffer_printf(&label, ", … %u rows", rows);
    buffer_append_text(&label, "]])");
    node->plan->label = label_take(arena, &label);
    return true;
}

static void values_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    for (uint32_t r = 0; r < node->values.row_count; r++)
        for (uint32_t c = 0; c < node->schema->column_count; c++)
            identity_append_expr(text, node->values.rows[r][c], NULL);
}

static void values_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "VALUES");
}

const NodeClass node_values = {
    .op = "values",
    .equal = values_equal,
    .derive = values_derive,
    .needs_before = lower_needs_no_before,
    .lower = values_lower,
    .identify = values_identify,
    .describe = values_describe,
    .is_light = true,
};
