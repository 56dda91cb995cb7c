/* Calc: filter, then projection.
 *
 * Contract: keeps rows for which the filter is TRUE, in order, with their kinds; each output column
 * is one expression over them. Where `split_updates` is set, a -U whose +U the filter drops becomes
 * -D, and a +U whose -U it drops becomes +I.
 *
 * Cost: columns that are passed on as they are are borrowed, not copied, when no row is dropped.
 * Otherwise the columns the projections read are gathered once, so that everything behind the
 * filter runs over dense rows. */
#include "executor/expression/expression.h"
#include "executor/operator.h"

typedef struct Calc {
    Operator base;
    /* Fixed. */
    const PlanCalc *plan;
    ExpressionProgram *filter; /* NULL: every row */
    ExpressionProgram *projections;
    bool *is_read; /* by input column: whether a projection reads it */
    const Vector **results;
    uint32_t *selected;
} Calc;

/* Whether input row `row` is the +U of a pair whose -U stands before it. */
static bool completes_pair(const Batch *batch, uint32_t row)
{
    return row > 0 && batch->kinds[row] == CHANGE_UPDATE_AFTER &&
           batch->kinds[row - 1] == CHANGE_UPDATE_BEFORE;
}

/* Kinds of the selected rows, with halves of updates turned into inserts and deletes. */
static void set_kinds(const Calc *calc, const Batch *in, uint32_t count, Batch *out)
{
    const uint32_t *rows = calc->selected;
    uint8_t *kinds = batch_kinds(out, count);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        uint8_t kind = in->kinds[row];
        if (calc->plan->split_updates) {
            bool has_before = i > 0 && rows[i - 1] + 1 == row;
            bool has_after = i + 1 < count && rows[i + 1] == row + 1;
            if (completes_pair(in, row) && !has_before)
                kind = CHANGE_INSERT;
            else if (row + 1 < in->row_count && completes_pair(in, row + 1) && !has_after)
                kind = CHANGE_DELETE;
        }
        kinds[i] = kind;
    }
}

/* The selected rows of the columns the projections read; the others are left out. */
static Batch *narrow(const Calc *calc, Batch *in, uint32_t count)
{
    Batch *out = batch_new_bare(in->schema);
    out->row_count = count;
    for (uint32_t c = 0; c < in->column_count; c++)
        if (calc->is_read[c])
            vector_gather(&out->columns[c], &in->columns[c], calc->selected, count, out->arena);
    if (in->kinds != NULL)
        set_kinds(calc, in, count, out);
    batch_hold(out, in);
    return out;
}

static bool project(Calc *calc, Batch *in, Emitter *emitter, Error *error)
{
    Batch *out = batch_new_bare(calc->base.context->node->schema);
    out->row_count = in->row_count;
    if (!expression_run(calc->projections, in, NULL, in->row_count, out->arena, calc->results,
                        error)) {
        batch_release(out);
        batch_release(in);
        return false;
    }
    for (uint32_t c = 0; c < out->column_count; c++)
        out->columns[c] = *calc->results[c];
    if (in->kinds != NULL)
        memcpy(batch_kinds(out, in->row_count), in->kinds, in->row_count);
    batch_hold(out, in);
    return emit(emitter, out, error);
}

static bool calc_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Calc *calc = (Calc *)op;
    if (calc->filter == NULL)
        return project(calc, batch, emitter, error);
    int64_t count =
        expression_select(calc->filter, batch, NULL, batch->row_count, calc->selected, error);
    if (count <= 0) {
        batch_release(batch);
        return count == 0;
    }
    if (count == batch->row_count)
        return project(calc, batch, emitter, error);
    return project(calc, narrow(calc, batch, (uint32_t)count), emitter, error);
}

static Operator *calc_open(const OperatorContext *context, Error *error)
{
    const PlanCalc *plan = context->node->spec;
    const Schema *input = context->node->inputs[0].node->schema;
    uint32_t column_count = context->node->schema->column_count;
    Calc *calc = arena_new_one(context->arena, Calc);
    calc->base.context = context;
    calc->plan = plan;
    if (plan->filter != NULL)
        calc->filter =
            expression_compile(context->arena, &plan->filter, 1, input, context->environment);
    calc->projections = expression_compile(context->arena, (const Expr *const *)plan->projections,
                                           column_count, input, context->environment);
    calc->is_read = arena_new_array(context->arena, bool, input->column_count + 1);
    for (uint32_t c = 0; c < column_count; c++)
        expression_mark_columns(plan->projections[c], calc->is_read);
    calc->results = arena_new_array(context->arena, const Vector *, column_count + 1);
    calc->selected = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    return &calc->base;
}

/* A filter may keep one half of an update, for a consumer that cannot tell. */
static bool calc_has_pairs(const PlanNode *node, bool inputs)
{
    const PlanCalc *calc = node->spec;
    return inputs && (calc->filter == NULL || calc->split_updates);
}

const OperatorClass op_calc = {
    .name = "calc",
    .open = calc_open,
    .batch = calc_batch,
    .has_pairs = calc_has_pairs,
};
