/* LocalWindowAggregate: the rows of a batch as one row per key and slice of time, for an aggregate
 * over windows on another worker.
 *
 * Contract: for each key and slice of a batch, in the order of its first row, one +I: the keys, the
 * states of the calls over its rows as bytes (aggregate/merge.c), the time of its first row or, of
 * a session's, of its earliest, then the latest; of windows that rows carry, end and start. Columns
 * that the calls read are NULL in it. Where a batch is better passed on, its rows come as they are,
 * with those columns, and their states are NULL: rows that lie too far apart to be added up, and
 * batches with a row that may be late, which has to be judged by itself.
 *
 * What windows are given, and when, does not change: all rows of a slice belong to the same
 * windows, and no window is given before the watermark that follows the batch. Nothing is kept from
 * batch to batch, so it delays nothing and has no state.
 *
 * Cost: a hash and a probe a row; where that saves too few rows, it is tried again ever more
 * seldom, and columns pass as they are. */
#include "executor/aggregate/local.h"
#include "executor/window/time.h"

typedef struct LocalWindow {
    Operator base;
    /* Fixed. */
    const PlanLocalWindow *plan;
    WindowShape shape;
    const RowLayout *layout; /* of what groups differ by, besides the slice */
    uint32_t *columns;       /* of the input: the keys, and end and start of windows they carry */
    uint32_t column_count;
    const Vector **vectors; /* those of the batch at hand */
    /* Changing. */
    AggregateMemory memory; /* reset by each batch, as is `scratch` */
    Arena *scratch;
    int64_t watermark_us; /* that `progress` was made of */
    int64_t progress;
    LocalTrial trial;
} LocalWindow;

/* A batch on its way through. */
typedef struct LocalBatch {
    Batch *in;
    uint32_t count;
    int64_t *times; /* on the windows' clock; of windows that rows carry: their ends */
    int64_t least;
    int64_t most;
    LocalGroups groups;
    uint32_t *latest; /* of a session's groups; `first` is the earliest then */
} LocalBatch;

static void local_assign(AggregateMemory *memory, StringView *slot, Str value)
{
    LocalWindow *local = (LocalWindow *)(void *)((char *)memory - offsetof(LocalWindow, memory));
    *slot = string_view_copy(local->scratch, value.data, value.length);
}

/* ------------------------------------------------------------ rows to be added up */

static void read_times(LocalWindow *local, LocalBatch *batch)
{
    const PlanWindow *window = &local->plan->window;
    batch->times = arena_alloc(local->scratch, sizeof(int64_t) * batch->count);
    window_read_clock(window, &batch->in->columns[window->time_column], batch->count, batch->times);
    int64_t least = batch->times[0], most = least;
    for (uint32_t i = 0; i < batch->count; i++) {
        least = batch->times[i] < least ? batch->times[i] : least;
        most = batch->times[i] > most ? batch->times[i] : most;
    }
    batch->least = least;
    batch->most = most;
}

/* Whether the earliest row may find its windows closed: where it goes the watermark is no further
 * than here, unless that is not known yet, in a job that goes on from where it had no local phase.
 */
static bool may_be_late(LocalWindow *local, const LocalBatch *batch)
{
    const PlanWindow *window = &local->plan->window;
    const WindowShape *shape = &local->shape;
    int64_t watermark = local->base.context->time->watermark_us;
    if (local->plan->aggregate.final_only)
        return false;
    if (watermark == INT64_MIN)
        return true;
    if (watermark != local->watermark_us) {
        local->watermark_us = watermark;
        local->progress = window_progress(window->zone, watermark);
    }
    int64_t first, end = batch->least;
    if (shape->kind == PLAN_WINDOW_SESSION)
        end += shape->size_us;
    else if (shape->kind != PLAN_WINDOW_ATTACHED &&
             !window_ends(shape, window_slice_end(shape, end), &first, &end))
        return true;
    return end - window->tick_us <= local->progress;
}

/* Whether the rows can be added up without losing who comes too late. */
static bool can_group(LocalWindow *local, LocalBatch *batch)
{
    const PlanWindow *window = &local->plan->window;
    if (local_trial_pauses(&local->trial) || batch->count == 1)
        return false;
    if (window->on_clock)
        return true;
    const Vector *time = &batch->in->columns[window->time_column];
    if (time->validity != NULL && vector_count_nulls(time, batch->count) != 0)
        return false;
    read_times(local, batch);
    return !may_be_late(local, batch);
}

/* The ends of the rows' slices; NULL where the rest of what groups differ by says all. */
static const int64_t *find_slices(const LocalWindow *local, const LocalBatch *batch)
{
    const WindowShape *shape = &local->shape;
    if (local->plan->window.on_clock || shape->kind == PLAN_WINDOW_ATTACHED ||
        batch->most < window_slice_end(shape, batch->least))
        return NULL;
    int64_t *ends = arena_alloc(local->scratch, sizeof(int64_t) * batch->count);
    window_slice_ends(shape, batch->times, batch->count, ends);
    return ends;
}

/* Makes each group's first row its earliest, and finds its latest. */
static void find_stretches(LocalWindow *local, LocalBatch *batch)
{
    LocalGroups *groups = &batch->groups;
    const int64_t *times = batch->times;
    uint32_t *first = groups->first;
    uint32_t *last = batch->latest =
        arena_memdup(local->scratch, first, sizeof(uint32_t) * groups->count);
    for (uint32_t i = 0; i < batch->count; i++) {
        uint32_t group = groups->groups[i];
        first[group] = times[i] < times[first[group]] ? i : first[group];
        last[group] = times[i] > times[last[group]] ? i : last[group];
    }
}

static bool find_groups(LocalWindow *local, LocalBatch *batch)
{
    if (!can_group(local, batch))
        return false;
    for (uint32_t c = 0; c < local->column_count; c++)
        local->vectors[c] = &batch->in->columns[local->columns[c]];
    LocalKeys keys = {local->layout, local->vectors, local->column_count,
                      find_slices(local, batch)};
    return local_groups_find(&batch->groups, &keys, batch->count, local->scratch);
}

/* --------------------------------------------------------------------- output */

/* The columns behind the states, of some groups or, `rows` NULL, of all rows as they are. */
static void put_times(const LocalWindow *local, const LocalBatch *batch, const uint32_t *rows,
                      uint32_t from, uint32_t count, Batch *out)
{
    const PlanWindow *window = &local->plan->window;
    const Vector *time = &batch->in->columns[window->time_column];
    const Vector *start = &batch->in->columns[window->start_column];
    Vector *to = &out->columns[local->plan->aggregate.key_count + 1];
    bool session = window->kind == PLAN_WINDOW_SESSION;
    bool attached = window->kind == PLAN_WINDOW_ATTACHED;
    if (rows == NULL) {
        to[0] = *time;
        if (session || attached)
            to[1] = session ? *time : *start;
        return;
    }
    vector_gather(&to[0], time, rows, count, out->arena);
    if (session)
        vector_gather(&to[1], time, batch->latest + from, count, out->arena);
    else if (attached)
        vector_gather(&to[1], start, rows, count, out->arena);
}

/* Where the columns that the calls read begin. */
static uint32_t first_passed(const LocalWindow *local)
{
    return local->base.context->node->schema->column_count - local->plan->passed_count;
}

static Batch *build(const LocalWindow *local, const LocalBatch *batch, uint32_t from,
                    uint32_t count)
{
    const PlanLocalWindow *plan = local->plan;
    const Schema *schema = local->base.context->node->schema;
    Batch *out = batch_new_bare(schema);
    const uint32_t *rows = batch->groups.first + from;
    uint32_t keys = plan->aggregate.key_count, passed = first_passed(local);
    out->row_count = count;
    for (uint32_t k = 0; k < keys; k++)
        vector_gather(&out->columns[k], &batch->in->columns[plan->aggregate.keys[k]], rows, count,
                      out->arena);
    local_groups_states(&batch->groups, &plan->aggregate, from, count, schema->columns[keys].type,
                        &out->columns[keys], out->arena);
    put_times(local, batch, rows, from, count, out);
    for (uint32_t c = passed; c < schema->column_count; c++)
        vector_init_constant(&out->columns[c], schema->columns[c].type, out->arena);
    batch_hold(out, batch_retain(batch->in));
    return out;
}

/* Takes the rows over. */
static Batch *pass(const LocalWindow *local, const LocalBatch *batch)
{
    const PlanLocalWindow *plan = local->plan;
    const Schema *schema = local->base.context->node->schema;
    Batch *out = batch_new_bare(schema);
    uint32_t keys = plan->aggregate.key_count, passed = first_passed(local);
    out->row_count = batch->count;
    for (uint32_t k = 0; k < keys; k++)
        out->columns[k] = batch->in->columns[plan->aggregate.keys[k]];
    vector_init_constant(&out->columns[keys], schema->columns[keys].type, out->arena);
    put_times(local, batch, NULL, 0, batch->count, out);
    for (uint32_t c = 0; c < plan->passed_count; c++)
        out->columns[passed + c] = batch->in->columns[plan->passed[c]];
    batch_hold(out, batch->in);
    return out;
}

static bool add_up(LocalWindow *local, LocalBatch *batch, Emitter *emitter, Error *error)
{
    AggregateBatch work = {.in = batch->in, .count = batch->count, .arena = local->scratch};
    local_trial_judge(&local->trial, batch->count, batch->groups.count);
    bool ok =
        local_groups_update(&batch->groups, &local->plan->aggregate, &work, &local->memory, error);
    if (local->shape.kind == PLAN_WINDOW_SESSION && !local->plan->window.on_clock)
        find_stretches(local, batch);
    else
        batch->latest = batch->groups.first;
    uint32_t limit = local->base.context->batch_rows == 0 ? 1 : local->base.context->batch_rows;
    for (uint32_t from = 0; ok && from < batch->groups.count; from += limit) {
        uint32_t left = batch->groups.count - from;
        ok = emit(emitter, build(local, batch, from, left < limit ? left : limit), error);
    }
    batch_release(batch->in);
    return ok;
}

static bool local_window_batch(Operator *op, uint32_t input, Batch *in, Emitter *emitter,
                               Error *error)
{
    LocalWindow *local = (LocalWindow *)op;
    arena_reset(local->scratch);
    LocalBatch batch = {.in = in, .count = in->row_count};
    if (!find_groups(local, &batch))
        return emit(emitter, pass(local, &batch), error);
    return add_up(local, &batch, emitter, error);
}

/* ------------------------------------------------------------------- lifetime */

static Operator *local_window_open(const OperatorContext *context, Error *error)
{
    const PlanLocalWindow *plan = context->node->spec;
    const PlanAggregate *aggregate = &plan->aggregate;
    Arena *arena = context->arena;
    LocalWindow *local = arena_new_one(arena, LocalWindow);
    local->base.context = context;
    local->plan = plan;
    local->shape = window_shape(&plan->window);
    if (plan->window.kind == PLAN_WINDOW_SESSION)
        local->shape.slice_us = plan->window.size_us;
    local->columns = arena_new_array(arena, uint32_t, aggregate->key_count + 2);
    for (uint32_t k = 0; k < aggregate->key_count; k++)
        local->columns[local->column_count++] = aggregate->keys[k];
    if (plan->window.kind == PLAN_WINDOW_ATTACHED) {
        local->columns[local->column_count++] = plan->window.time_column;
        local->columns[local->column_count++] = plan->window.start_column;
    }
    local->vectors = arena_new_array(arena, const Vector *, local->column_count + 1);
    local->layout = row_layout_of_columns(arena, context->node->inputs[0].node->schema,
                                          local->columns, local->column_count);
    local->memory = (AggregateMemory){local_assign};
    local->scratch = arena_new((size_t)1 << 18);
    local->watermark_us = local->progress = INT64_MIN;
    return &local->base;
}

static void local_window_close(Operator *op)
{
    arena_free(((LocalWindow *)op)->scratch);
}

const OperatorClass op_local_window_aggregate = {
    .name = "local_window_aggregate",
    .open = local_window_open,
    .batch = local_window_batch,
    .close = local_window_close,
};
