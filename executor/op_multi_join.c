/* Multi-way join: several inputs joined on one key, INNER or LEFT, by one operator. It keeps the
 * rows of its inputs and nothing in between, so its state does not multiply.
 *
 * Contract, for each row in order: one change per combination of rows that the other inputs have
 * under its key, in the order of the inputs and, in each, of arrival; a LEFT input without rows
 * stands as NULLs. With INNER inputs only a change has the kind of the row. Else it is +I or -D,
 * and for each combination
 *
 *     the first row of a LEFT input    -D with NULLs in its place, then +I
 *     the last one has gone            -D, then +I with NULLs in its place
 *
 * A row whose key has a NULL matches nothing: it is not kept, and shown only if it is the first
 * input's and all others are LEFT.
 *
 * Cost: two prefetched probes a row and input, a row_decode per row of a combination; rows that
 * stay for good are decoded together, and their text is not copied. */
#include "executor/join/internal.h"

typedef struct MultiJoin {
    Operator base;
    /* Fixed. */
    const PlanMultiJoin *plan;
    uint32_t input_count;
    bool all_inner;
    bool all_outer; /* but the first */
    JoinSide *sides;
    /* Changing. */
    RowOutput output;
    JoinProbe *probes; /* of the batch at hand, by input */
    Str *tuple;        /* rows of the combination at hand; without data: NULLs */
    Arena *scratch;    /* reset by each batch */
} MultiJoin;

/* One batch on its way through. */
typedef struct MultiRun {
    MultiJoin *join;
    JoinSide *own;
    uint32_t input;
    Batch *in;
    JoinKeys keys;
    /* The row at hand. */
    uint32_t row;
    uint8_t kind; /* of its changes */
    bool retraction;
    bool turns; /* its input's first row under the key came, or the last went */
} MultiRun;

/* -------------------------------------------------------------------- output */

static bool emit_combination(const MultiRun *run, uint8_t kind, bool with_own, Error *error)
{
    MultiJoin *join = run->join;
    RowOutput *output = &join->output;
    uint32_t at;
    if (!row_output_add(output, kind, &at, error))
        return false;
    for (uint32_t i = 0; i < join->input_count; i++) {
        const JoinSide *side = &join->sides[i];
        if (i == run->input && with_own)
            row_output_copy(output, at, run->row);
        else if (i == run->input || join->tuple[i].data == NULL)
            row_output_pad(output, at, side->first_column, side->column_count);
        else if (side->keeps_batches)
            row_output_lend(output, at, i, side->slot.layout, join->tuple[i], side->first_column);
        else
            row_output_decode(output, at, side->slot.layout, join->tuple[i], side->first_column);
    }
    return true;
}

static bool emit_changes(const MultiRun *run, int64_t copies, Error *error)
{
    for (int64_t copy = 0; copy < copies; copy++) {
        if (run->turns && !run->retraction && !emit_combination(run, CHANGE_DELETE, false, error))
            return false;
        if (!emit_combination(run, run->kind, true, error))
            return false;
        if (run->turns && run->retraction && !emit_combination(run, CHANGE_INSERT, false, error))
            return false;
    }
    return true;
}

/* Every combination of rows of the inputs from `input` on. */
static bool combine(const MultiRun *run, uint32_t input, int64_t copies, Error *error)
{
    MultiJoin *join = run->join;
    if (input == join->input_count)
        return emit_changes(run, copies, error);
    if (input == run->input)
        return combine(run, input + 1, copies, error);
    JoinCandidate candidate;
    bool restart = true;
    while (run->keys.matches[run->row] &&
           join_probe_next(&join->probes[input], run->row, restart, &candidate)) {
        restart = false;
        join->tuple[input] = candidate.row;
        if (!combine(run, input + 1, copies * candidate.copies, error))
            return false;
    }
    if (!restart || !join->plan->is_left[input])
        return true;
    join->tuple[input] = (Str){NULL, 0};
    return combine(run, input + 1, copies, error);
}

/* Whether every input that must have a row under the key has one: else there is nothing to combine,
 * however many rows the others have. */
static bool has_combinations(const MultiRun *run)
{
    MultiJoin *join = run->join;
    JoinCandidate candidate;
    for (uint32_t i = 0; i < join->input_count; i++) {
        if (i == run->input || join->plan->is_left[i])
            continue;
        if (!join_probe_next(&join->probes[i], run->row, true, &candidate))
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------------- rows */

static bool run_row(MultiRun *run, uint32_t row, Error *error)
{
    const MultiJoin *join = run->join;
    uint8_t kind = batch_kind(run->in, row);
    run->row = row;
    run->retraction = change_is_retraction(kind);
    run->kind = join->all_inner ? kind : run->retraction ? CHANGE_DELETE : CHANGE_INSERT;
    run->turns = false;
    if (!run->keys.matches[row])
        return run->input != 0 || !join->all_outer || combine(run, 0, 1, error);
    bool is_left = join->plan->is_left[run->input];
    if (run->retraction) {
        bool was_kept = join_side_retract(run->own, &run->keys, row);
        run->turns = is_left && was_kept && !join_side_has_rows(run->own, row, true);
    } else {
        run->turns = is_left && !join_side_has_rows(run->own, row, false);
        int64_t *associations;
        bool is_additional;
        join_side_add(run->own, &run->keys, row, &associations, &is_additional);
    }
    return !has_combinations(run) || combine(run, 0, 1, error);
}

static bool run_rows(MultiRun *run, Error *error)
{
    const MultiJoin *join = run->join;
    uint32_t count = run->in->row_count;
    for (uint32_t row = 0; row < count; row++) {
        if (row % JOIN_WARM_ROWS == 0) {
            uint32_t warm = count - row < JOIN_WARM_ROWS ? count - row : JOIN_WARM_ROWS;
            join_side_warm(run->own, run->in, row, warm);
            for (uint32_t i = 0; i < join->input_count; i++)
                if (i != run->input)
                    join_probe_warm(&join->probes[i], row, warm);
        }
        if (!run_row(run, row, error))
            return false;
    }
    return true;
}

static bool multi_join_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                             Error *error)
{
    MultiJoin *join = (MultiJoin *)op;
    if (batch->row_count == 0) {
        batch_release(batch);
        return true;
    }
    arena_reset(join->scratch);
    MultiRun run = {.join = join, .own = &join->sides[input], .input = input, .in = batch};
    run.keys = join_side_keys(run.own, NULL, batch, join->scratch);
    for (uint32_t i = 0; i < join->input_count; i++)
        if (i != input)
            join->probes[i] = join_side_probe(&join->sides[i], &run.keys);
    join_side_prepare(run.own, &run.keys);
    row_output_start(&join->output, batch, run.own->first_column, run.own->column_count, emitter);
    bool ok = run_rows(&run, error);
    if (ok) {
        join_side_finish(run.own, &run.keys);
        ok =
            state_store_check(op->context->state, error) && row_output_finish(&join->output, error);
    }
    row_output_discard(&join->output);
    batch_release(batch);
    return ok;
}

/* ------------------------------------------------------------------ lifetime */

static Operator *multi_join_open(const OperatorContext *context, Error *error)
{
    const PlanMultiJoin *plan = context->node->spec;
    MultiJoin *join = arena_new_one(context->arena, MultiJoin);
    uint32_t count = context->node->input_count;
    join->base.context = context;
    join->plan = plan;
    join->input_count = count;
    join->all_inner = join->all_outer = true;
    join->sides = arena_new_array(context->arena, JoinSide, count);
    for (uint32_t i = 0; i < count; i++) {
        if (i != 0) {
            join->all_inner = join->all_inner && !plan->is_left[i];
            join->all_outer = join->all_outer && plan->is_left[i];
        }
        JoinSideSpec spec = {.plan = &plan->sides[i],
                             .key_count = plan->key_count,
                             .number = i,
                             .name = arena_printf(context->arena, "input%u", i),
                             .use = plan->is_left[i] ? JOIN_SIDE_HAS_ROWS : JOIN_SIDE_PLAIN};
        join_side_open(&join->sides[i], context, &spec);
    }
    join->probes = arena_new_array(context->arena, JoinProbe, count);
    join->tuple = arena_new_array(context->arena, Str, count);
    row_output_init(&join->output, context);
    join->scratch = arena_new((size_t)1 << 20);
    return &join->base;
}

static void multi_join_close(Operator *op)
{
    arena_free(((MultiJoin *)op)->scratch);
}

const OperatorClass op_multi_join = {
    .name = "multi_join",
    .open = multi_join_open,
    .batch = multi_join_batch,
    .close = multi_join_close,
};
