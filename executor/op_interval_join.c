/* Interval join: pairs of rows with equal keys whose times are no further apart than the bounds
 * say.
 *
 * Contract, for each row in order: a +I for every kept row of the other side whose time is within
 * the bounds and for which the condition holds, in the order of their times, equal ones as they
 * came. A row is kept while rows that match it may still come: until the watermark (the clock) has
 * passed its time by the bound. Then, where its side is padded and nothing matched, it is shown
 * with NULLs; at once if it comes too late to be kept. Rows that come late still match what is
 * kept. The watermark is passed on later by the wider bound, for pads come that late. Nothing is
 * ever taken back.
 *
 * Where the plan says so the rows of a side stay: the other side's may come at any time, and are to
 * match them then.
 *
 * State: by key the rows of each side as they came; which row goes next is in a heap beside it.
 * Rows that are kept are about as many as the bounds let match, so a key's are looked at one by
 * one.
 *
 * Cost: two prefetched probes and an entry a row, a decode a pair; the condition runs over many
 * pairs at once, and rows go a chunk at a time. */
#include <stdlib.h>

#include "executor/join/pairs.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/time_heap.h"

#define PAIRS_MAX  512
#define CHUNK_ROWS 64
#define TICK_US    1000

/* The record of a kept row. */
typedef struct KeptRow {
    uint64_t matched; /* of a side that is padded: it has been shown */
    int64_t time_us;
    uint64_t order; /* in which the side's rows came */
} KeptRow;

typedef struct IntervalSide {
    /* Fixed. */
    uint32_t first_column; /* in the output and in pairs */
    uint32_t column_count;
    uint32_t time_column;
    int64_t reach_us; /* rows of the other side match up to this much later */
    bool pads;
    bool keeps; /* its rows stay */
    const uint32_t *keys;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const RowLayout *row_layout;
    StateTable *table; /* MAP: key → rows */
    /* Changing. */
    TimeHeap heap; /* by when a row goes */
    uint64_t order;
} IntervalSide;

typedef struct IntervalJoin {
    Operator base;
    /* Fixed. */
    const PlanIntervalJoin *plan;
    IntervalSide sides[2];
    /* Changing. */
    RowOutput output;
    JoinPairs pairs;
    KeptRow **matched;  /* by pair: of the kept row, its record */
    StateEntry **found; /* rows within the bounds of the row at hand */
    uint32_t found_capacity;
    Arena *scratch;
} IntervalJoin;

/* One batch on its way through. */
typedef struct IntervalRun {
    IntervalJoin *join;
    IntervalSide *own, *other;
    Batch *in;
    const int64_t *times; /* by row */
    const uint8_t *timed; /* by row: it has a time */
    const uint8_t *joins; /* by row: and a key that can match */
    const Str *keys;
    const uint64_t *hashes;
    const Str *rows;
    StateGroup **groups; /* by row: own rows of its key, when the batch began */
    uint8_t *matched;    /* by row */
    int64_t now_us;      /* watermark or clock */
    uint32_t next_row;   /* the first that has not been kept or padded yet */
} IntervalRun;

/* ------------------------------------------------------------------- time */

static int64_t plus(int64_t a, int64_t b)
{
    int64_t sum;
    if (__builtin_add_overflow(a, b, &sum))
        return a < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

static int64_t current_time(const IntervalJoin *join)
{
    const OperatorContext *context = join->base.context;
    if (!join->plan->is_processing || context->time->watermark_us == INT64_MAX)
        return context->time->watermark_us;
    int64_t now = context->environment->batch_time_us;
    return now - (now % TICK_US + TICK_US) % TICK_US;
}

/* When a row of that time goes. */
static int64_t goes_at(const IntervalJoin *join, const IntervalSide *side, int64_t time_us)
{
    return plus(plus(time_us, side->reach_us), join->plan->min_cleanup_us + TICK_US);
}

/* ------------------------------------------------------------------ output */

static bool emit_pair(IntervalRun *run, uint32_t row, Str kept, Error *error)
{
    RowOutput *output = &run->join->output;
    uint32_t at;
    if (!row_output_add(output, CHANGE_INSERT, &at, error))
        return false;
    row_output_copy(output, at, row);
    row_output_decode(output, at, run->other->row_layout, kept, run->other->first_column);
    return true;
}

static bool emit_pad(IntervalJoin *join, const IntervalSide *side, Str row, Error *error)
{
    const IntervalSide *other = side == &join->sides[0] ? &join->sides[1] : &join->sides[0];
    uint32_t at;
    if (!row_output_add(&join->output, CHANGE_INSERT, &at, error))
        return false;
    row_output_decode(&join->output, at, side->row_layout, row, side->first_column);
    row_output_pad(&join->output, at, other->first_column, other->column_count);
    return true;
}

/* ------------------------------------------------------------- keeping rows */

static void keep(IntervalRun *run, uint32_t row)
{
    IntervalSide *side = run->own;
    KeptRow kept = {run->matched[row], run->times[row], side->order++};
    StateGroup *group = run->groups[row];
    StateEntry *entry =
        state_map_append(side->table, &group, run->keys[row], run->hashes[row], run->rows[row]);
    *(KeptRow *)state_entry_record(entry) = kept;
    if (side->keeps)
        return;
    time_heap_push(&side->heap,
                   (TimeHeapEntry){goes_at(run->join, side, kept.time_us), kept.order, entry});
}

/* What becomes of a row after it has met what is kept. */
static bool end_row(IntervalRun *run, uint32_t row, Error *error)
{
    const PlanIntervalJoin *plan = run->join->plan;
    bool is_possible = plan->lower_us <= plan->upper_us;
    /* A row whose key matches nothing waits for its pad like any other. */
    bool is_wanted = run->joins[row] || (run->timed[row] && run->own->pads);
    bool in_time = run->own->keeps || run->now_us < plus(run->times[row], run->own->reach_us);
    if (is_possible && is_wanted && in_time)
        keep(run, row);
    else if (run->own->pads && !run->matched[row])
        return emit_pad(run->join, run->own, run->rows[row], error);
    return true;
}

static bool end_rows_before(IntervalRun *run, uint32_t row, Error *error)
{
    for (; run->next_row < row; run->next_row++)
        if (!end_row(run, run->next_row, error))
            return false;
    return true;
}

/* -------------------------------------------------------------------- pairs */

static bool apply_pairs(IntervalRun *run, Error *error)
{
    IntervalJoin *join = run->join;
    JoinPairs *pairs = &join->pairs;
    bool is_left = run->own == &join->sides[0];
    if (!join_pairs_check(pairs, run->in, is_left, run->other->row_layout, error))
        return false;
    for (uint32_t i = 0; i < pairs->count; i++) {
        uint32_t row = pairs->rows[i];
        if (!pairs->holds[i])
            continue;
        if (!end_rows_before(run, row, error) || !emit_pair(run, row, pairs->kept[i], error))
            return false;
        run->matched[row] = 1;
        if (run->other->pads && join->matched[i]->matched == 0) {
            join->matched[i]->matched = 1;
            state_touch(run->other->table, join->matched[i]);
        }
    }
    pairs->count = 0;
    return true;
}

/* The distances a kept row's time may have from the time of a row of this side. */
static void time_window(const IntervalRun *run, int64_t time_us, int64_t *from, int64_t *to)
{
    *from = plus(time_us, -run->other->reach_us);
    *to = plus(time_us, run->own->reach_us);
}

static int compare_kept(const void *a, const void *b)
{
    const KeptRow *left = state_entry_record(*(StateEntry *const *)a);
    const KeptRow *right = state_entry_record(*(StateEntry *const *)b);
    if (left->time_us != right->time_us)
        return left->time_us < right->time_us ? -1 : 1;
    return (left->order > right->order) - (left->order < right->order);
}

/* Lists the key's rows within the bounds in the order of their times. */
static uint32_t find_rows(IntervalRun *run, uint32_t row, const StateGroup *group)
{
    IntervalJoin *join = run->join;
    const StateTable *table = run->other->table;
    int64_t from, to, last = INT64_MIN;
    uint32_t count = 0;
    bool sorted = true;
    time_window(run, run->times[row], &from, &to);
    for (StateEntry *entry = state_map_first(table, group); entry != NULL;
         entry = state_map_next(table, entry)) {
        int64_t time = ((const KeptRow *)state_entry_record(entry))->time_us;
        if (time < from || time > to)
            continue;
        if (count == join->found_capacity) {
            join->found_capacity = count == 0 ? PAIRS_MAX : count * 2;
            join->found = memory_realloc(join->found, sizeof(*join->found) * join->found_capacity);
        }
        join->found[count++] = entry;
        sorted = sorted && time >= last;
        last = time;
    }
    if (!sorted)
        qsort(join->found, count, sizeof(*join->found), compare_kept);
    return count;
}

static bool find_pairs(IntervalRun *run, uint32_t row, const StateGroup *group, Error *error)
{
    IntervalJoin *join = run->join;
    JoinPairs *pairs = &join->pairs;
    uint32_t count = group == NULL ? 0 : find_rows(run, row, group);
    for (uint32_t i = 0; i < count; i++) {
        if (pairs->count == pairs->capacity && !apply_pairs(run, error))
            return false;
        join->matched[pairs->count] = state_entry_record(join->found[i]);
        pairs->kept[pairs->count] = state_entry_payload(run->other->table, join->found[i]);
        pairs->rows[pairs->count++] = row;
    }
    return true;
}

static bool run_rows(IntervalRun *run, Error *error)
{
    uint32_t count = run->in->row_count;
    Arena *scratch = run->join->scratch;
    StateGroup **groups = arena_new_array(scratch, StateGroup *, count + 1);
    run->groups = arena_new_array(scratch, StateGroup *, count + 1);
    state_map_groups(run->other->table, run->keys, run->hashes, count, groups);
    state_map_groups(run->own->table, run->keys, run->hashes, count, run->groups);
    for (uint32_t row = 0; row < count; row++) {
        if (groups[row] != NULL)
            __builtin_prefetch(state_map_first(run->other->table, groups[row]));
        if (run->groups[row] != NULL)
            __builtin_prefetch(state_map_last(run->own->table, run->groups[row]), 1);
    }
    for (uint32_t row = 0; row < count; row++)
        if (run->joins[row] && !find_pairs(run, row, groups[row], error))
            return false;
    return apply_pairs(run, error) && end_rows_before(run, count, error);
}

/* ------------------------------------------------------------------ batches */

static void encode(IntervalRun *run)
{
    const PlanIntervalJoin *plan = run->join->plan;
    const IntervalSide *side = run->own;
    Arena *arena = run->join->scratch;
    uint32_t count = run->in->row_count;
    const Vector **columns =
        arena_new_array(arena, const Vector *, side->column_count + plan->join.key_count + 1);
    for (uint32_t c = 0; c < side->column_count; c++)
        columns[c] = &run->in->columns[c];
    Str *rows = arena_new_array(arena, Str, count + 1);
    row_encode(side->row_layout, columns, NULL, count, arena, rows);
    run->rows = rows;
    for (uint32_t k = 0; k < plan->join.key_count; k++)
        columns[k] = &run->in->columns[side->keys[k]];
    Str *keys = arena_new_array(arena, Str, count + 1);
    row_encode(side->key_layout, columns, NULL, count, arena, keys);
    uint64_t *hashes = arena_new_array(arena, uint64_t, count + 1);
    key_hash_many(side->key_hash, run->in, keys, count, arena, hashes);
    uint8_t *joins = arena_alloc(arena, count + 1), *timed = arena_alloc(arena, count + 1);
    const Vector *time = &run->in->columns[side->time_column];
    int64_t *times = arena_new_array(arena, int64_t, count + 1);
    for (uint32_t i = 0; i < count; i++) {
        timed[i] = plan->is_processing || !vector_is_null(time, i);
        joins[i] = timed[i];
        times[i] = plan->is_processing ? run->now_us
                                       : ((const int64_t *)time->data)[vector_index(time, i)];
        for (uint32_t k = 0; k < plan->join.key_count; k++)
            joins[i] = joins[i] && (plan->join.null_matches[k] || !vector_is_null(columns[k], i));
    }
    run->keys = keys;
    run->hashes = hashes;
    run->timed = timed;
    run->joins = joins;
    run->times = times;
}

static bool expire(IntervalJoin *join, int64_t now_us, Error *error);

static bool interval_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                           Error *error)
{
    IntervalJoin *join = (IntervalJoin *)op;
    arena_reset(join->scratch);
    IntervalRun run = {.join = join,
                       .own = &join->sides[input],
                       .other = &join->sides[1 - input],
                       .in = batch,
                       .now_us = current_time(join)};
    encode(&run);
    run.matched = arena_alloc(join->scratch, batch->row_count + 1);
    memset(run.matched, 0, batch->row_count + 1);
    bool ok = true;
    if (join->plan->is_processing) {
        row_output_start(&join->output, NULL, 0, 0, emitter);
        ok = expire(join, run.now_us, error) && row_output_finish(&join->output, error);
    }
    if (ok) {
        row_output_start(&join->output, batch, run.own->first_column, run.own->column_count,
                         emitter);
        ok = run_rows(&run, error) && row_output_finish(&join->output, error);
    }
    row_output_discard(&join->output);
    batch_release(batch);
    if (join->plan->is_processing)
        for (uint32_t s = 0; s < 2; s++)
            operator_wake_at(op->context, time_heap_next(&join->sides[s].heap));
    return ok;
}

/* --------------------------------------------------------------- rows that go */

/* A row that goes. */
typedef struct Leaving {
    IntervalSide *side;
    StateEntry *entry;
} Leaving;

/* Takes the rows whose time has come off the heaps, in the order of their times, a chunk at most.
 */
static uint32_t list_leaving(IntervalJoin *join, int64_t now_us, Leaving *leaving)
{
    IntervalSide *left = &join->sides[0], *right = &join->sides[1];
    uint32_t count = 0;
    while (count < CHUNK_ROWS) {
        bool is_left = time_heap_next(&left->heap) <= time_heap_next(&right->heap);
        IntervalSide *side = is_left ? left : right;
        if (side->heap.count == 0 || (time_heap_next(&side->heap) > now_us && now_us != INT64_MAX))
            side = is_left ? right : left;
        if (side->heap.count == 0 || (time_heap_next(&side->heap) > now_us && now_us != INT64_MAX))
            break;
        leaving[count] = (Leaving){side, time_heap_pop(&side->heap).record};
        __builtin_prefetch(leaving[count++].entry);
    }
    return count;
}

/* Lets go, in the order of their times, the rows whose time has come. */
static bool expire(IntervalJoin *join, int64_t now_us, Error *error)
{
    Leaving leaving[CHUNK_ROWS];
    uint32_t count;
    while ((count = list_leaving(join, now_us, leaving)) != 0) {
        for (uint32_t i = 0; i < count; i++)
            __builtin_prefetch(state_entry_group(leaving[i].side->table, leaving[i].entry), 1);
        for (uint32_t i = 0; i < count; i++) {
            IntervalSide *side = leaving[i].side;
            StateEntry *entry = leaving[i].entry;
            bool is_lone = side->pads && ((KeptRow *)state_entry_record(entry))->matched == 0;
            if (is_lone && !emit_pad(join, side, state_entry_payload(side->table, entry), error))
                return false;
            state_map_remove(side->table, entry);
        }
    }
    return true;
}

static bool emit_expired(IntervalJoin *join, int64_t now_us, Emitter *emitter, Error *error)
{
    row_output_start(&join->output, NULL, 0, 0, emitter);
    bool ok = expire(join, now_us, error) && row_output_finish(&join->output, error);
    row_output_discard(&join->output);
    return ok;
}

static bool interval_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    IntervalJoin *join = (IntervalJoin *)op;
    bool at_end = watermark_us == INT64_MAX;
    if (join->plan->is_processing)
        return at_end ? emit_expired(join, watermark_us, emitter, error)
                      : emit_watermark(emitter, watermark_us, error);
    if (!emit_expired(join, watermark_us, emitter, error))
        return false;
    int64_t delay = join->sides[0].reach_us > join->sides[1].reach_us ? join->sides[0].reach_us
                                                                      : join->sides[1].reach_us;
    delay = delay < 0 ? 0 : delay;
    return at_end || emit_watermark(emitter, plus(watermark_us, -delay), error);
}

static bool interval_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    IntervalJoin *join = (IntervalJoin *)op;
    if (!emit_expired(join, now_us, emitter, error))
        return false;
    for (uint32_t s = 0; s < 2; s++)
        operator_wake_at(op->context, time_heap_next(&join->sides[s].heap));
    return true;
}

/* ------------------------------------------------------------------ lifetime */

typedef struct Refill {
    const IntervalJoin *join;
    IntervalSide *side;
} Refill;

static void refill_group(void *to, StateGroup *group)
{
    const Refill *refill = to;
    IntervalSide *side = refill->side;
    for (StateEntry *entry = state_map_first(side->table, group); entry != NULL;
         entry = state_map_next(side->table, entry)) {
        const KeptRow *kept = state_entry_record(entry);
        if (!side->keeps)
            time_heap_push(&side->heap, (TimeHeapEntry){goes_at(refill->join, side, kept->time_us),
                                                        kept->order, entry});
        if (kept->order >= side->order)
            side->order = kept->order + 1;
    }
}

static bool interval_restored(Operator *op, Error *error)
{
    IntervalJoin *join = (IntervalJoin *)op;
    for (uint32_t s = 0; s < 2; s++) {
        Refill refill = {join, &join->sides[s]};
        state_map_each(join->sides[s].table, refill_group, &refill);
        if (join->plan->is_processing)
            operator_wake_at(op->context, time_heap_next(&join->sides[s].heap));
    }
    return true;
}

static void open_side(IntervalJoin *join, uint32_t number)
{
    const OperatorContext *context = join->base.context;
    const PlanIntervalJoin *plan = join->plan;
    IntervalSide *side = &join->sides[number];
    const Schema *schema = context->node->inputs[number].node->schema;
    PlanJoinKind kind = plan->join.kind;
    side->first_column = number == 0 ? 0 : context->node->inputs[0].node->schema->column_count;
    side->column_count = schema->column_count;
    side->time_column = plan->times[number];
    side->reach_us = number == 0 ? -plan->lower_us : plan->upper_us;
    side->pads = kind == PLAN_JOIN_FULL || kind == (number == 0 ? PLAN_JOIN_LEFT : PLAN_JOIN_RIGHT);
    side->keeps = plan->keeps[number];
    side->keys = plan->join.sides[number].keys;
    side->key_layout =
        row_layout_of_columns(context->arena, schema, side->keys, plan->join.key_count);
    side->key_hash = key_hash_new(context->arena, &context->node->inputs[number], side->keys,
                                  plan->join.key_count);
    side->row_layout = row_layout_of_schema(context->arena, schema);
    Buffer description = {0};
    buffer_append_text(&description, "key -> matched, time, order, ");
    for (uint32_t c = 0; c < schema->column_count; c++) {
        buffer_printf(&description, "%s%s ", c == 0 ? "" : ", ", schema->columns[c].name);
        type_print(schema->columns[c].type, &description);
    }
    StateSpec spec = {.name = number == 0 ? "left" : "right",
                      .kind = STATE_MAP,
                      .record_bytes = sizeof(KeptRow),
                      .description = arena_strdup(context->arena, buffer_text(&description))};
    buffer_deinit(&description);
    side->table = state_table_declare(context->state, &spec);
}

static Operator *interval_open(const OperatorContext *context, Error *error)
{
    IntervalJoin *join = arena_new_one(context->arena, IntervalJoin);
    join->base.context = context;
    join->plan = context->node->spec;
    open_side(join, 0);
    open_side(join, 1);
    join_pairs_open(&join->pairs, context, join->plan->join.condition, PAIRS_MAX);
    join->matched = arena_new_array(context->arena, KeptRow *, PAIRS_MAX);
    row_output_init(&join->output, context);
    join->scratch = arena_new((size_t)1 << 18);
    return &join->base;
}

static void interval_close(Operator *op)
{
    IntervalJoin *join = (IntervalJoin *)op;
    for (uint32_t s = 0; s < 2; s++)
        time_heap_deinit(&join->sides[s].heap);
    memory_free(join->found);
    arena_free(join->scratch);
}

extern const OperatorClass op_interval_join;
const OperatorClass op_interval_join = {
    .name = "interval_join",
    .own_watermarks = true,
    .open = interval_open,
    .batch = interval_batch,
    .watermark = interval_watermark,
    .alarm = interval_alarm,
    .restored = interval_restored,
    .close = interval_close,
};
