/* Join: the regular equi-join of two change streams, both kept in state.
 *
 * Contract, for each row in order and each match of it, in the order the matches came:
 *
 *     side it comes in on    other side     +I, +U gives                     -U, -D gives
 *     inner                  inner          its own kind [row, match]        its own kind [row,
 * match] inner                  outer          -D[pad, match] if first match,   its own kind [row,
 * match], +I[row, match]                   +I[pad, match] if last match outer inner +I[row, match]
 * -D[row, match] outer                  outer          -D[pad, match] if first match,   -D[row,
 * match], +I[row, match]                   +I[pad, match] if last match outer, without match
 * +I[row, pad]                     -D[row, pad]
 *
 * A semi join shows a left row with its own kind, or with the kind of the right row that made its
 * first or last match; an anti join shows a left row without a match, -D at its first, +I when the
 * last has gone; a mark join shows every left row, -D and then +I when its mark turns. A join with
 * single rows is a LEFT join that ends the job when an epoch or the input ends while a left row has
 * two matches: on the way there two may stand side by side, since the old one may go last. Keys
 * with NULL match only where null_matches says so; such rows are not kept.
 *
 * Candidates of many rows are collected, the condition runs over all of them at once, and then the
 * rows are applied one by one; they do not see each other, since one batch is one side.
 *
 * Cost: two prefetched probes a row, a row_decode a match; without a key see join/scan.c. */
#include "executor/join/internal.h"

/* Pairs collected before the condition runs: enough to run it columnwise, few enough that what the
 * rows touch stays near. */
#define PAIRS_MAX 512

/* Where a row of the other side was last put out. */
typedef struct JoinShown {
    const char *row;
    uint64_t batch; /* RowOutput.batches */
    uint32_t at;
} JoinShown;

/* A power of two: few rows have most of the matches. */
#define SHOWN_ROWS 64

typedef struct Join {
    Operator base;
    /* Fixed. */
    const PlanJoin *plan;
    bool is_half; /* SEMI, ANTI, MARK: the output has no right columns */
    JoinSide sides[2];
    /* Changing. */
    RowOutput output;
    JoinPairs pairs;
    JoinCandidate *candidates; /* by pair */
    JoinScan *scan;            /* instead of pairs, where there is no key; else NULL */
    JoinShown shown[SHOWN_ROWS];
    int64_t surplus; /* single: left rows with more than one match */
    Arena *scratch;  /* reset by each batch */
} Join;

/* One batch on its way through. */
typedef struct JoinRun {
    Join *join;
    JoinSide *own;
    JoinSide *other;
    uint32_t input;
    bool pads_own; /* rows of the input are shown without a match */
    bool pads_other;
    Batch *in;
    JoinKeys keys;
    JoinProbe probe;
    /* The row at hand. */
    uint8_t kind;
    bool retraction;
    bool is_additional;
    bool was_kept;
    int64_t *associations;
    int64_t match_count;
} JoinRun;

/* -------------------------------------------------------------------- output */

/* A row that matches many of the input's rows is decoded once for each batch put out: the other
 * side does not change meanwhile, so its address stands for it. */
static void decode_match(JoinRun *run, uint32_t at, Str match)
{
    RowOutput *output = &run->join->output;
    const JoinSide *other = run->other;
    if (other->keeps_batches) {
        row_output_lend(output, at, 0, other->slot.layout, match, other->first_column);
        return;
    }
    uint64_t spread = (uint64_t)(uintptr_t)match.data * UINT64_C(0x9E3779B97F4A7C15);
    JoinShown *shown = &run->join->shown[(spread >> 32) & (SHOWN_ROWS - 1)];
    if (shown->row == match.data && shown->batch == output->batches) {
        row_output_repeat(output, at, shown->at, other->first_column, other->column_count);
        return;
    }
    row_output_decode(output, at, other->slot.layout, match, other->first_column);
    *shown = (JoinShown){match.data, output->batches, at};
}

static bool emit_pair(JoinRun *run, uint8_t kind, uint32_t row, Str match, Error *error)
{
    RowOutput *output = &run->join->output;
    uint32_t at;
    if (!row_output_add(output, kind, &at, error))
        return false;
    row_output_copy(output, at, row);
    decode_match(run, at, match);
    return true;
}

static void set_mark(const JoinRun *run, uint32_t at, bool matches)
{
    if (run->join->plan->kind != PLAN_JOIN_MARK)
        return;
    Vector *mark = run->join->output.columns[run->join->sides[0].column_count];
    ((uint8_t *)mark->data)[at] = matches ? 1 : 0;
}

/* The row of the input with NULLs for the other side. */
static bool emit_padded(JoinRun *run, uint8_t kind, uint32_t row, Error *error)
{
    RowOutput *output = &run->join->output;
    uint32_t at;
    if (!row_output_add(output, kind, &at, error))
        return false;
    row_output_copy(output, at, row);
    if (!run->join->is_half)
        row_output_pad(output, at, run->other->first_column, run->other->column_count);
    set_mark(run, at, run->match_count != 0);
    return true;
}

/* A row of the other side with NULLs for the input's. */
static bool emit_other(JoinRun *run, uint8_t kind, Str match, bool mark, Error *error)
{
    RowOutput *output = &run->join->output;
    uint32_t at;
    if (!row_output_add(output, kind, &at, error))
        return false;
    if (!run->join->is_half)
        row_output_pad(output, at, run->own->first_column, run->own->column_count);
    row_output_decode(output, at, run->other->slot.layout, match, run->other->first_column);
    set_mark(run, at, mark);
    return true;
}

/* ------------------------------------------------- applying rows and matches */

/* Kind of the match's row when it loses (insert) or gets back (retraction) its place alone. */
static uint8_t lone_kind(const JoinRun *run)
{
    if (run->join->plan->kind == PLAN_JOIN_SEMI)
        return run->kind;
    return run->retraction ? CHANGE_INSERT : CHANGE_DELETE;
}

/* The match's row gets or loses the place it has without a match. */
static bool emit_turn(JoinRun *run, Str match, Error *error)
{
    if (run->join->plan->kind != PLAN_JOIN_MARK)
        return emit_other(run, lone_kind(run), match, false, error);
    return emit_other(run, CHANGE_DELETE, match, run->retraction, error) &&
           emit_other(run, CHANGE_INSERT, match, !run->retraction, error);
}

static void count_association(JoinRun *run, const JoinCandidate *match)
{
    if (run->retraction && *match->associations > 0) {
        if (--*match->associations == 1)
            run->join->surplus -= match->copies;
    } else if (run->retraction) {
        return; /* a row nobody announced is taken back */
    } else if (*match->associations == 0 || run->is_additional) {
        if (++*match->associations == 2)
            run->join->surplus += match->copies;
    } else {
        return;
    }
    state_touch(run->other->table, match->record);
}

static bool apply_match(JoinRun *run, uint32_t row, const JoinCandidate *match, Error *error)
{
    bool shows_pairs = !run->join->is_half;
    int64_t turning_point = run->retraction ? 1 : 0;
    bool turns = match->associations != NULL && *match->associations == turning_point;
    uint8_t kind = run->kind;
    if (run->retraction && run->pads_own)
        kind = CHANGE_DELETE;
    else if (!run->retraction && (run->pads_own || run->pads_other))
        kind = CHANGE_INSERT;
    for (int64_t copy = 0; copy < match->copies; copy++) {
        if (turns && !run->retraction && !emit_turn(run, match->row, error))
            return false;
        if (shows_pairs && !emit_pair(run, kind, row, match->row, error))
            return false;
        if (turns && run->retraction && !emit_turn(run, match->row, error))
            return false;
    }
    if (match->associations != NULL)
        count_association(run, match);
    run->match_count += match->copies;
    return true;
}

static void begin_row(JoinRun *run, uint32_t row)
{
    run->kind = batch_kind(run->in, row);
    run->retraction = change_is_retraction(run->kind);
    run->match_count = 0;
    run->associations = NULL;
    run->is_additional = true;
    if (!run->keys.matches[row])
        return;
    if (run->retraction)
        run->was_kept = join_side_retract(run->own, &run->keys, row);
    else
        join_side_add(run->own, &run->keys, row, &run->associations, &run->is_additional);
}

/* A left row that came or went with more matches than a single join allows. */
static void count_surplus(const JoinRun *run)
{
    if (run->input != 0 || run->match_count < 2)
        return;
    if (!run->retraction)
        run->join->surplus++;
    else if (run->was_kept)
        run->join->surplus--;
}

static bool end_row(JoinRun *run, uint32_t row, Error *error)
{
    if (run->associations != NULL)
        *run->associations = run->match_count;
    if (run->join->plan->single)
        count_surplus(run);
    if (run->join->is_half && run->join->plan->kind != PLAN_JOIN_MARK) {
        bool wants_match = run->join->plan->kind == PLAN_JOIN_SEMI;
        bool shows = run->input == 0 && (run->match_count != 0) == wants_match;
        return !shows || emit_padded(run, run->kind, row, error);
    }
    bool shows_mark = run->join->is_half && run->input == 0;
    if (!shows_mark && (!run->pads_own || run->match_count != 0))
        return true;
    return emit_padded(run, run->retraction ? CHANGE_DELETE : CHANGE_INSERT, row, error);
}

/* How many rows from `row` on are warmed together. */
static uint32_t rows_from(uint32_t row, uint32_t end)
{
    return end - row < JOIN_WARM_ROWS ? end - row : JOIN_WARM_ROWS;
}

/* Where a row only ever shows its pairs: they alone are gone through. */
static bool shows_pairs_only(const JoinRun *run)
{
    return run->own->keeps_batches && run->other->keeps_batches && !run->join->is_half &&
           !run->join->plan->single && !run->pads_own && !run->pads_other;
}

static bool give_pairs(JoinRun *run, Error *error)
{
    const Join *join = run->join;
    RowOutput *output = &run->join->output;
    const JoinSide *other = run->other;
    for (uint32_t i = 0; i < join->pairs.count; i++) {
        uint32_t at, row = join->pairs.rows[i];
        if (!join->pairs.holds[i])
            continue;
        if (!row_output_add(output, batch_kind(run->in, row), &at, error))
            return false;
        row_output_copy(output, at, row);
        row_output_lend(output, at, 0, other->slot.layout, join->pairs.kept[i],
                        other->first_column);
    }
    return true;
}

/* Applies rows first..last with their pairs. The first has begun before when `resumes`; the last is
 * not ended when it has more pairs to come. */
static bool apply_pairs(JoinRun *run, uint32_t first, uint32_t last, bool resumes, bool continues,
                        Error *error)
{
    const Join *join = run->join;
    JoinPairs *pairs = &run->join->pairs;
    if (!join_pairs_check(pairs, run->in, run->input == 0, run->other->slot.layout, error))
        return false;
    if (shows_pairs_only(run)) {
        bool given = give_pairs(run, error);
        pairs->count = 0;
        return given;
    }
    uint32_t next = 0;
    uint32_t fresh = first + resumes; /* the first row that is still to begin */
    for (uint32_t row = first; row <= last; row++) {
        if (row >= fresh && (row - fresh) % JOIN_WARM_ROWS == 0)
            join_side_warm(run->own, run->in, row, rows_from(row, last + 1));
        if (row >= fresh)
            begin_row(run, row);
        for (; next < pairs->count && pairs->rows[next] == row; next++)
            if (pairs->holds[next] && !apply_match(run, row, &join->candidates[next], error))
                return false;
        if ((row != last || !continues) && !end_row(run, row, error))
            return false;
    }
    pairs->count = 0;
    return true;
}

static bool run_rows(JoinRun *run, Error *error)
{
    Join *join = run->join;
    JoinPairs *pairs = &join->pairs;
    uint32_t first = 0;
    bool resumes = false;
    for (uint32_t row = 0; row < run->in->row_count; row++) {
        if (row % JOIN_WARM_ROWS == 0)
            join_probe_warm(&run->probe, row, rows_from(row, run->in->row_count));
        JoinCandidate candidate;
        bool restart = true;
        while (run->keys.matches[row] && join_probe_next(&run->probe, row, restart, &candidate)) {
            restart = false;
            if (pairs->count == pairs->capacity) {
                /* What the row at hand has so far goes along; it then goes on. */
                bool has_begun = pairs->rows[pairs->count - 1] == row;
                uint32_t last = has_begun ? row : row - 1;
                if (!apply_pairs(run, first, last, resumes, has_begun, error))
                    return false;
                first = row;
                resumes = has_begun;
            }
            join->candidates[pairs->count] = candidate;
            pairs->kept[pairs->count] = candidate.row;
            pairs->rows[pairs->count++] = row;
        }
    }
    return apply_pairs(run, first, run->in->row_count - 1, resumes, false, error);
}

/* Without a key: a block of rows is tested against all of the other side at once. */
static bool scan_rows(JoinRun *run, Error *error)
{
    JoinScan *scan = run->join->scan;
    JoinScanBlock block = {.in = run->in, .own = run->own, .other = run->other};
    for (; block.row < run->in->row_count; block.row += block.count) {
        uint32_t left = run->in->row_count - block.row;
        block.count = left < JOIN_SCAN_ROWS ? left : JOIN_SCAN_ROWS;
        join_side_warm(run->own, run->in, block.row, block.count);
        if (!join_scan_block(scan, &block, &run->probe, error))
            return false;
        for (uint32_t i = 0; i < block.count; i++) {
            size_t at = 0;
            const JoinCandidate *match;
            begin_row(run, block.row + i);
            while ((match = join_scan_next(scan, i, &at)) != NULL)
                if (!apply_match(run, block.row + i, match, error))
                    return false;
            if (!end_row(run, block.row + i, error))
                return false;
        }
    }
    join_scan_trim(scan);
    return true;
}

static bool join_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Join *join = (Join *)op;
    PlanJoinKind kind = join->plan->kind;
    if (batch->row_count == 0) {
        batch_release(batch);
        return true;
    }
    bool pads[2] = {kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL,
                    kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL};
    arena_reset(join->scratch);
    JoinRun run = {.join = join,
                   .own = &join->sides[input],
                   .other = &join->sides[1 - input],
                   .input = input,
                   .pads_own = pads[input],
                   .pads_other = pads[1 - input],
                   .in = batch};
    run.keys = join_side_keys(run.own, join->plan->null_matches, batch, join->scratch);
    run.probe = join_sides_meet(run.own, run.other, &run.keys);
    bool shows_input = !join->is_half || input == 0;
    row_output_start(&join->output, batch, run.own->first_column,
                     shows_input ? run.own->column_count : 0, emitter);
    bool scans = join->scan != NULL && run.other->shape != PLAN_SIDE_KEY_UNIQUE;
    bool ok = scans ? scan_rows(&run, error) : run_rows(&run, error);
    if (ok) {
        join_side_finish(run.own, &run.keys);
        ok =
            state_store_check(op->context->state, error) && row_output_finish(&join->output, error);
    }
    row_output_discard(&join->output);
    batch_release(batch);
    return ok;
}

/* Single rows are asked for where the input is whole: at an epoch and at the end. */
static bool check_single(const Join *join, Error *error)
{
    if (!join->plan->single || join->surplus <= 0)
        return true;
    error_set(error, ERROR_DATA, "a query used as a value gives more than one row");
    error_hint(error, "Let it give one row at most: aggregate with MIN or MAX, or compare more "
                      "columns with the row outside.");
    return error_at(error, join->plan->sql_offset, join->plan->sql_length);
}

static bool join_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    return check_single((Join *)op, error);
}

static bool join_end(Operator *op, Emitter *emitter, Error *error)
{
    return check_single((Join *)op, error);
}

/* ------------------------------------------------------------------ lifetime */

static Operator *join_open(const OperatorContext *context, Error *error)
{
    const PlanJoin *plan = context->node->spec;
    Join *join = arena_new_one(context->arena, Join);
    join->base.context = context;
    join->plan = plan;
    join->is_half = plan->kind == PLAN_JOIN_SEMI || plan->kind == PLAN_JOIN_ANTI ||
                    plan->kind == PLAN_JOIN_MARK;
    bool left = plan->kind == PLAN_JOIN_LEFT || plan->kind == PLAN_JOIN_FULL || join->is_half;
    bool right = plan->kind == PLAN_JOIN_RIGHT || plan->kind == PLAN_JOIN_FULL;
    for (uint32_t s = 0; s < 2; s++) {
        JoinSideSpec spec = {.plan = &plan->sides[s],
                             .key_count = plan->key_count,
                             .number = s,
                             .name = s == 0 ? "left" : "right",
                             .use = (s == 0 ? left : right) ? JOIN_SIDE_COUNTS : JOIN_SIDE_PLAIN,
                             .other = s == 0 ? NULL : &join->sides[0]};
        join_side_open(&join->sides[s], context, &spec);
    }
    join_pairs_open(&join->pairs, context, plan->condition, PAIRS_MAX);
    join->candidates = arena_new_array(context->arena, JoinCandidate, PAIRS_MAX);
    if (plan->condition != NULL && plan->key_count == 0)
        join->scan = join_scan_new(context->arena, &join->pairs);
    row_output_init(&join->output, context);
    join->scratch = arena_new((size_t)1 << 20);
    return &join->base;
}

static void join_close(Operator *op)
{
    join_scan_free(((Join *)op)->scan);
    arena_free(((Join *)op)->scratch);
}

const OperatorClass op_join = {
    .name = "join",
    .open = join_open,
    .batch = join_batch,
    .barrier = join_barrier,
    .end = join_end,
    .close = join_close,
};
