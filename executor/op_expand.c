/* Expand: every row once per grouping set, with the set's id.
 *
 * Contract: row by row, for each set in order, a row of the input's kind: the columns passed on,
 * the keys with NULL for those that the set leaves out, the id. No state.
 *
 * Cost: a gather per column; text is borrowed from the input, not copied. */
#include "executor/operator.h"
#include "executor/vector_rows.h"

typedef struct Expand {
    Operator base;
    /* Fixed. */
    const PlanExpand *plan;
    uint32_t limit; /* rows of an output batch */
    uint32_t *rows; /* of the input, for the batch being made */
    uint32_t *sets;
} Expand;

static void fill_key(const Expand *expand, uint32_t key, const Batch *in, Batch *out)
{
    const PlanExpand *plan = expand->plan;
    uint32_t bit = plan->key_count - 1 - key;
    Vector *column = &out->columns[plan->passed_count + key];
    vector_init(column, out->schema->columns[plan->passed_count + key].type, out->row_count,
                out->arena);
    vector_copy_rows(column, NULL, &in->columns[plan->keys[key]], expand->rows, out->row_count,
                     out->arena);
    for (uint32_t i = 0; i < out->row_count; i++)
        if ((plan->ids[expand->sets[i]] >> bit & 1) != 0)
            vector_set_null(column, i, out->arena);
}

static Batch *build(Expand *expand, Batch *in, uint32_t count)
{
    const PlanExpand *plan = expand->plan;
    Batch *out = batch_new_bare(expand->base.context->node->schema);
    out->row_count = count;
    for (uint32_t c = 0; c < plan->passed_count; c++)
        vector_gather(&out->columns[c], &in->columns[plan->passed[c]], expand->rows, count,
                      out->arena);
    for (uint32_t k = 0; k < plan->key_count; k++)
        fill_key(expand, k, in, out);
    uint32_t last = plan->passed_count + plan->key_count;
    vector_init(&out->columns[last], out->schema->columns[last].type, count, out->arena);
    int64_t *ids = out->columns[last].data;
    for (uint32_t i = 0; i < count; i++)
        ids[i] = plan->ids[expand->sets[i]];
    if (in->kinds != NULL) {
        uint8_t *kinds = batch_kinds(out, count);
        for (uint32_t i = 0; i < count; i++)
            kinds[i] = in->kinds[expand->rows[i]];
    }
    batch_hold(out, batch_retain(in));
    return out;
}

static bool expand_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Expand *expand = (Expand *)op;
    bool ok = true;
    uint32_t row = 0, set = 0;
    while (ok && row < batch->row_count) {
        uint32_t count = 0;
        while (count < expand->limit && row < batch->row_count) {
            expand->rows[count] = row;
            expand->sets[count++] = set;
            if (++set == expand->plan->set_count) {
                set = 0;
                row++;
            }
        }
        ok = emit(emitter, build(expand, batch, count), error);
    }
    batch_release(batch);
    return ok;
}

static Operator *expand_open(const OperatorContext *context, Error *error)
{
    Expand *expand = arena_new_one(context->arena, Expand);
    expand->base.context = context;
    expand->plan = context->node->spec;
    uint32_t limit = context->batch_rows;
    expand->limit = limit == 0 ? 1 : limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    expand->rows = arena_new_array(context->arena, uint32_t, expand->limit);
    expand->sets = arena_new_array(context->arena, uint32_t, expand->limit);
    return &expand->base;
}

const OperatorClass op_expand = {
    .name = "expand",
    .open = expand_open,
    .batch = expand_batch,
};
