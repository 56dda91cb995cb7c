/* Window table function: every row once per window it lies in.
 *
 * Contract: row by row, for each window a row of the same kind: the row's columns, the window's
 * start and end on its clock, and its last millisecond as the time column has it. Windows of HOP
 * come latest first, those of CUMULATE shortest first. A row without a time is left out and counted
 * as late. No state.
 *
 * Cost: a division a row; TUMBLE borrows the row's columns, the others gather them. */
#include "executor/operator.h"

typedef struct WindowTvf {
    Operator base;
    /* Fixed. */
    const PlanWindow *plan;
    uint32_t limit; /* rows of an output batch */
    /* Scratch of one batch. */
    uint32_t *rows;  /* with a time; then those of the output batch being made */
    uint32_t *late;  /* without */
    int64_t *starts; /* of the output's windows */
    int64_t *ends;
} WindowTvf;

/* The greatest point offset + n * step that is not after `time`. */
static int64_t floor_to(int64_t time, int64_t offset, int64_t step)
{
    int64_t past = (time - offset) % step;
    return time - (past < 0 ? past + step : past);
}

static int64_t local_time(const WindowTvf *tvf, int64_t time_us)
{
    return tvf->plan->zone == NULL ? time_us : time_zone_to_local(tvf->plan->zone, time_us);
}

static void add_bounds(const WindowTvf *tvf, Batch *out, uint32_t own)
{
    const PlanWindow *plan = tvf->plan;
    for (uint32_t k = 0; k < 3; k++)
        vector_init(&out->columns[own + k], out->schema->columns[own + k].type, out->row_count,
                    out->arena);
    size_t bytes = sizeof(int64_t) * out->row_count;
    memcpy(out->columns[own].data, tvf->starts, bytes);
    memcpy(out->columns[own + 1].data, tvf->ends, bytes);
    int64_t *times = out->columns[own + 2].data;
    for (uint32_t i = 0; i < out->row_count; i++) {
        int64_t last = tvf->ends[i] - 1000;
        times[i] = plan->zone == NULL ? last : time_zone_to_utc(plan->zone, last);
    }
}

/* The chosen rows of `in` (all of them in order when `rows` is NULL) with their windows. */
static Batch *build(const WindowTvf *tvf, Batch *in, const uint32_t *rows, uint32_t count)
{
    Batch *out = batch_new_bare(tvf->base.context->node->schema);
    out->row_count = count;
    for (uint32_t c = 0; c < in->column_count; c++) {
        if (rows == NULL)
            out->columns[c] = in->columns[c];
        else
            vector_gather(&out->columns[c], &in->columns[c], rows, count, out->arena);
    }
    if (in->kinds != NULL) {
        uint8_t *kinds = batch_kinds(out, count);
        for (uint32_t i = 0; i < count; i++)
            kinds[i] = in->kinds[rows == NULL ? i : rows[i]];
    }
    add_bounds(tvf, out, in->column_count);
    batch_hold(out, batch_retain(in));
    return out;
}

static bool emit_tumbles(WindowTvf *tvf, Batch *batch, uint32_t count, Emitter *emitter,
                         Error *error)
{
    const PlanWindow *plan = tvf->plan;
    const Vector *time = &batch->columns[plan->time_column];
    const int64_t *values = time->data;
    for (uint32_t i = 0; i < count; i++) {
        int64_t at = local_time(tvf, values[vector_index(time, tvf->rows[i])]);
        tvf->starts[i] = floor_to(at, plan->offset_us, plan->size_us);
        tvf->ends[i] = tvf->starts[i] + plan->size_us;
    }
    bool all = count == batch->row_count;
    return emit(emitter, build(tvf, batch, all ? NULL : tvf->rows, count), error);
}

/* Where the windows of a time are, from the first to the last that is given. */
typedef struct Windows {
    int64_t start, end;
    int64_t start_step, end_step;
    uint32_t count;
} Windows;

static Windows windows_of(const WindowTvf *tvf, int64_t time)
{
    const PlanWindow *plan = tvf->plan;
    int64_t latest = floor_to(time, plan->offset_us, plan->slide_us);
    if (plan->kind == PLAN_WINDOW_HOP)
        return (Windows){latest, latest + plan->size_us, -plan->slide_us, -plan->slide_us,
                         (uint32_t)(plan->size_us / plan->slide_us)};
    int64_t start = floor_to(time, plan->offset_us, plan->size_us);
    int64_t end = latest + plan->slide_us;
    return (Windows){start, end, 0, plan->slide_us,
                     (uint32_t)((start + plan->size_us - end) / plan->slide_us) + 1};
}

static bool emit_several(WindowTvf *tvf, Batch *batch, const uint32_t *timed, uint32_t timed_count,
                         Emitter *emitter, Error *error)
{
    const Vector *time = &batch->columns[tvf->plan->time_column];
    const int64_t *values = time->data;
    uint32_t *rows = tvf->rows;
    uint32_t count = 0;
    bool ok = true;
    for (uint32_t i = 0; i < timed_count && ok; i++) {
        uint32_t row = timed[i];
        Windows windows = windows_of(tvf, local_time(tvf, values[vector_index(time, row)]));
        for (uint32_t k = 0; k < windows.count && ok; k++) {
            rows[count] = row;
            tvf->starts[count] = windows.start + k * windows.start_step;
            tvf->ends[count++] = windows.end + k * windows.end_step;
            if (count < tvf->limit)
                continue;
            ok = emit(emitter, build(tvf, batch, rows, count), error);
            count = 0;
        }
    }
    return ok && (count == 0 || emit(emitter, build(tvf, batch, rows, count), error));
}

/* Fills `rows` with the rows that have a time, `late` with the others; returns how many have. */
static uint32_t find_timed(const WindowTvf *tvf, const Batch *batch, uint32_t *late)
{
    const Vector *time = &batch->columns[tvf->plan->time_column];
    uint32_t timed = 0;
    *late = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (vector_is_null(time, i))
            tvf->late[(*late)++] = i;
        else
            tvf->rows[timed++] = i;
    }
    return timed;
}

static bool window_tvf_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                             Error *error)
{
    WindowTvf *tvf = (WindowTvf *)op;
    uint32_t late = 0;
    uint32_t count = find_timed(tvf, batch, &late);
    bool ok = late == 0 || emit_late(emitter, batch, tvf->late, late, error);
    if (ok && tvf->plan->kind == PLAN_WINDOW_TUMBLE) {
        ok = emit_tumbles(tvf, batch, count, emitter, error);
    } else if (ok) {
        uint32_t *timed = arena_memdup(batch->arena, tvf->rows, sizeof(*timed) * (count + 1));
        ok = emit_several(tvf, batch, timed, count, emitter, error);
    }
    batch_release(batch);
    return ok;
}

static Operator *window_tvf_open(const OperatorContext *context, Error *error)
{
    WindowTvf *tvf = arena_new_one(context->arena, WindowTvf);
    tvf->base.context = context;
    tvf->plan = context->node->spec;
    tvf->limit = context->batch_rows;
    tvf->rows = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    tvf->late = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    tvf->starts = arena_new_array(context->arena, int64_t, BATCH_ROWS_MAX + 1);
    tvf->ends = arena_new_array(context->arena, int64_t, BATCH_ROWS_MAX + 1);
    return &tvf->base;
}

extern const OperatorClass op_window_tvf;
const OperatorClass op_window_tvf = {
    .name = "window_tvf",
    .open = window_tvf_open,
    .batch = window_tvf_batch,
};
