/* Watermark: the rows of a table with an event time, and how far that time has come.
 *
 * Contract: rows as they come. The watermark is the greatest value of its expression so far, NULLs
 * ignored; it begins below every time, never goes back, and is passed on every `interval_ms` of
 * the job's clock, near each barrier and at it, or, with an interval of 0, right behind the row
 * that raised it. Of a source that reads several splits it is the least of theirs; a split that has
 * ended counts no more. Watermarks from above are ignored but for the last one. Without an
 * expression the source's own are passed on. A row without event time ends the job with an error,
 * or is a late row where `drops_bad` says so; so is one further ahead of the clock than
 * `max_ahead_ms`. Of an update of which one half is such a row the other half becomes +I or -D.
 * After `idle_ms` without a row the consumers are told not to wait for this source. Where rows are
 * to be normalized by key (`marks_only`) nothing is asked of them, and what they take back has been
 * seen before.
 *
 * Cost: one run of the expression a batch and a pass over its result; batches go on as they are. */
#include "core/changelog_text.h"
#include "executor/expression/expression.h"
#include "executor/operator.h"

typedef struct Watermark {
    Operator base;
    /* Fixed. */
    const PlanWatermark *plan;
    ExpressionProgram *program; /* NULL: the source gives watermarks */
    uint32_t *good, *bad;
    /* What changes. */
    int64_t most_us;
    int64_t others_us;     /* the least of the splits that the rows at hand are not of */
    int64_t emitted_at_us; /* by the job's clock */
    int64_t row_at_us;     /* when the last row came */
} Watermark;

static bool bad_time(const Watermark *watermark, const Batch *batch, uint32_t row, Error *error)
{
    const char *name = batch->schema->columns[watermark->plan->rowtime].name;
    Buffer text = {0};
    changelog_print_row(batch, row, watermark->base.context->environment->zone, &text);
    if (vector_is_null(&batch->columns[watermark->plan->rowtime], row))
        error_set(error, ERROR_DATA, "event time \"%s\" is NULL", name);
    else
        error_set(error, ERROR_DATA, "event time \"%s\" is too far ahead of the clock", name);
    error_detail(error, "In the row %.*s.", text.length > 300 ? 300 : (int)text.length,
                 buffer_text(&text));
    buffer_deinit(&text);
    return error_hint(error, "With the table option 'scan.watermark.bad-rowtime' = 'drop', or SET "
                             "'table.exec.source.bad-rowtime' = 'drop', such rows are left out and "
                             "counted as late.");
}

/* ----------------------------------------------------------- rows without time */

/* Splits the rows into good and bad ones; returns how many are bad. */
static uint32_t find_bad(const Watermark *watermark, const Batch *batch, uint32_t *good_count)
{
    const PlanWatermark *plan = watermark->plan;
    const Vector *time = &batch->columns[plan->rowtime];
    const FunctionEnvironment *environment = watermark->base.context->environment;
    int64_t now = environment->batch_time_us;
    if (time->type->kind == TYPE_TIMESTAMP)
        now = time_zone_to_local(environment->zone, now);
    int64_t limit = INT64_MAX;
    if (plan->max_ahead_ms >= 0 && __builtin_add_overflow(now, plan->max_ahead_ms * 1000, &limit))
        limit = INT64_MAX;
    uint32_t good = 0, bad = 0;
    const int64_t *values = time->data;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        bool is_bad = vector_is_null(time, i) || values[vector_index(time, i)] > limit;
        watermark->good[good] = i;
        watermark->bad[bad] = i;
        good += !is_bad;
        bad += is_bad;
    }
    *good_count = good;
    return bad;
}

/* The good rows; halves of updates stand for themselves. Takes the batch over. */
static Batch *keep_good(const Watermark *watermark, Batch *batch, uint32_t count)
{
    const uint32_t *rows = watermark->good;
    uint8_t *kinds = NULL;
    if (batch->kinds != NULL) {
        kinds = arena_alloc(batch->arena, count);
        for (uint32_t i = 0; i < count; i++) {
            uint8_t kind = batch->kinds[rows[i]];
            bool alone_after = kind == CHANGE_UPDATE_AFTER && rows[i] > 0 &&
                               batch->kinds[rows[i] - 1] == CHANGE_UPDATE_BEFORE &&
                               (i == 0 || rows[i - 1] != rows[i] - 1);
            bool alone_before = kind == CHANGE_UPDATE_BEFORE && rows[i] + 1 < batch->row_count &&
                                batch->kinds[rows[i] + 1] == CHANGE_UPDATE_AFTER &&
                                (i + 1 == count || rows[i + 1] != rows[i] + 1);
            kinds[i] = alone_after ? CHANGE_INSERT : alone_before ? CHANGE_DELETE : kind;
        }
    }
    Batch *out = batch_gather(batch, rows, count);
    if (kinds != NULL)
        memcpy(batch_kinds(out, count), kinds, count);
    batch_release(batch);
    return out;
}

/* Takes rows without a usable time out of *batch. */
static bool check_times(Watermark *watermark, Batch **batch, Emitter *emitter, Error *error)
{
    const PlanWatermark *plan = watermark->plan;
    if (plan->marks_only)
        return true;
    if (plan->max_ahead_ms < 0 && (*batch)->columns[plan->rowtime].validity == NULL)
        return true;
    uint32_t good = 0;
    uint32_t bad = find_bad(watermark, *batch, &good);
    if (bad == 0)
        return true;
    if (!plan->drops_bad)
        return bad_time(watermark, *batch, watermark->bad[0], error);
    if (!emit_late(emitter, *batch, watermark->bad, bad, error))
        return false;
    *batch = keep_good(watermark, *batch, good);
    return true;
}

/* ------------------------------------------------------------------ watermarks */

static bool send(Watermark *watermark, int64_t now_us, Emitter *emitter, Error *error)
{
    watermark->emitted_at_us = now_us;
    return emit_watermark(emitter, watermark->most_us, error);
}

static bool has_news(const Watermark *watermark)
{
    return watermark->most_us > watermark->base.context->time->emitted_us;
}

/* Before rows of a batch: the splits that they are not of. */
static void look_at_splits(Watermark *watermark)
{
    const SplitTimes *times = watermark->base.context->splits;
    watermark->others_us = INT64_MAX;
    for (uint32_t i = 0; times != NULL && i < times->count; i++) {
        const SplitTime *split = &times->splits[i];
        if (i != times->current && !split->ended && split->watermark_us < watermark->others_us)
            watermark->others_us = split->watermark_us;
    }
}

/* Rows at hand have reached `mark_us`. They may be the last of a split that has ended. */
static void raise_to(Watermark *watermark, int64_t mark_us)
{
    SplitTimes *times = watermark->base.context->splits;
    if (times != NULL && times->count != 0) {
        SplitTime *split = &times->splits[times->current];
        if (mark_us > split->watermark_us)
            split->watermark_us = mark_us;
        mark_us =
            split->watermark_us < watermark->others_us ? split->watermark_us : watermark->others_us;
    }
    if (mark_us > watermark->most_us)
        watermark->most_us = mark_us;
}

/* Passes the rows on one by one where a watermark belongs between them. */
static bool emit_each(Watermark *watermark, Batch *batch, const Vector *marks, Emitter *emitter,
                      Error *error)
{
    const int64_t *values = marks->data;
    uint32_t from = 0;
    bool done = true;
    for (uint32_t i = 0; i < batch->row_count && done; i++) {
        bool last = i + 1 == batch->row_count;
        bool goes = watermark->plan->marks_only && change_is_retraction(batch_kind(batch, i));
        if (!goes && !vector_is_null(marks, i))
            raise_to(watermark, values[vector_index(marks, i)]);
        bool in_pair = !last && batch_kind(batch, i) == CHANGE_UPDATE_BEFORE &&
                       batch_kind(batch, i + 1) == CHANGE_UPDATE_AFTER;
        if (!last && (!has_news(watermark) || in_pair))
            continue;
        for (uint32_t r = from; r <= i; r++)
            watermark->good[r - from] = r;
        done = emit(emitter, batch_gather(batch, watermark->good, i + 1 - from), error) &&
               (!has_news(watermark) || emit_watermark(emitter, watermark->most_us, error));
        from = i + 1;
    }
    batch_release(batch);
    return done;
}

/* Of the rows that come, among others that go and may have no more than a key. */
static void take_most_of_new(Watermark *watermark, const Vector *marks, const Batch *batch)
{
    const int64_t *values = marks->data;
    int64_t most = INT64_MIN;
    for (uint32_t i = 0; i < batch->row_count; i++)
        if (!change_is_retraction(batch_kind(batch, i)) && !vector_is_null(marks, i) &&
            values[vector_index(marks, i)] > most)
            most = values[vector_index(marks, i)];
    raise_to(watermark, most);
}

static void take_most(Watermark *watermark, const Vector *marks, uint32_t count)
{
    const int64_t *values = marks->data;
    int64_t most = INT64_MIN;
    if (marks->constant)
        count = count > 0 ? 1 : 0;
    if (marks->validity != NULL) {
        for (uint32_t i = 0; i < count; i++)
            if (!vector_is_null(marks, i) && values[i] > most)
                most = values[i];
    } else {
        for (uint32_t i = 0; i < count; i++)
            most = values[i] > most ? values[i] : most;
    }
    raise_to(watermark, most);
}

static bool after_rows(Watermark *watermark, Emitter *emitter, Error *error)
{
    const OperatorContext *context = watermark->base.context;
    const PlanWatermark *plan = watermark->plan;
    int64_t interval_us = plan->interval_ms * 1000;
    if (plan->idle_ms > 0) {
        watermark->row_at_us = operator_now_us(context);
        operator_wake_at(context, watermark->row_at_us + plan->idle_ms * 1000);
    }
    if (!has_news(watermark))
        return true;
    int64_t now = context->environment->batch_time_us;
    if (now - watermark->emitted_at_us >= interval_us)
        return send(watermark, now, emitter, error);
    operator_wake_at(context, watermark->emitted_at_us + interval_us);
    return true;
}

static bool watermark_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                            Error *error)
{
    Watermark *watermark = (Watermark *)op;
    if (!emit_idle(emitter, false, error) || !check_times(watermark, &batch, emitter, error)) {
        batch_release(batch);
        return false;
    }
    if (watermark->program == NULL || batch->row_count == 0)
        return emit(emitter, batch, error) &&
               (watermark->plan->idle_ms <= 0 || after_rows(watermark, emitter, error));
    const Vector *marks = NULL;
    if (!expression_run(watermark->program, batch, NULL, batch->row_count, batch->arena, &marks,
                        error)) {
        batch_release(batch);
        return false;
    }
    look_at_splits(watermark);
    if (watermark->plan->interval_ms == 0)
        return emit_each(watermark, batch, marks, emitter, error) &&
               after_rows(watermark, emitter, error);
    if (watermark->plan->marks_only && batch->kinds != NULL)
        take_most_of_new(watermark, marks, batch);
    else
        take_most(watermark, marks, batch->row_count);
    return emit(emitter, batch, error) && after_rows(watermark, emitter, error);
}

/* The first alarm repeats what a restored operator has said: consumers may be new. */
static bool watermark_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    Watermark *watermark = (Watermark *)op;
    const OperatorContext *context = op->context;
    const PlanWatermark *plan = watermark->plan;
    if (watermark->most_us == INT64_MIN && context->time->emitted_us != INT64_MIN) {
        watermark->most_us = context->time->emitted_us;
        if (!send(watermark, now_us, emitter, error))
            return false;
    }
    int64_t send_at = watermark->emitted_at_us + plan->interval_ms * 1000;
    if (has_news(watermark) && now_us >= send_at && !send(watermark, now_us, emitter, error))
        return false;
    if (has_news(watermark))
        operator_wake_at(context, send_at);
    if (plan->idle_ms <= 0 || context->time->is_idle)
        return true;
    int64_t idle_at = watermark->row_at_us + plan->idle_ms * 1000;
    if (now_us < idle_at) {
        operator_wake_at(context, idle_at);
        return true;
    }
    return emit_idle(emitter, true, error);
}

/* Windows that fire and rows that go take time, in which a barrier would keep everybody waiting. */
static bool watermark_approach(Operator *op, Emitter *emitter, Error *error)
{
    Watermark *watermark = (Watermark *)op;
    return !has_news(watermark) ||
           send(watermark, op->context->environment->batch_time_us, emitter, error);
}

/* What an epoch restores is what had been said. */
static bool watermark_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    return watermark_approach(op, emitter, error);
}

/* Of a source that gives watermarks: passes them on. */
static bool watermark_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    Watermark *watermark = (Watermark *)op;
    if (watermark->program != NULL || watermark_us == INT64_MAX)
        return true;
    return emit_watermark(emitter, watermark_us, error);
}

static Operator *watermark_open(const OperatorContext *context, Error *error)
{
    Watermark *watermark = arena_new_one(context->arena, Watermark);
    watermark->base.context = context;
    watermark->plan = context->node->spec;
    watermark->most_us = INT64_MIN;
    int64_t now = operator_now_us(context);
    watermark->emitted_at_us = watermark->row_at_us = now;
    if (watermark->plan->watermark != NULL)
        watermark->program =
            expression_compile(context->arena, &watermark->plan->watermark, 1,
                               context->node->inputs[0].node->schema, context->environment);
    watermark->good = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    watermark->bad = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    operator_wake_at(context, now);
    return &watermark->base;
}

extern const OperatorClass op_watermark;
const OperatorClass op_watermark = {
    .name = "watermark",
    .own_watermarks = true,
    .passes_idle = true, /* of one below that makes them */
    .open = watermark_open,
    .batch = watermark_batch,
    .watermark = watermark_watermark,
    .alarm = watermark_alarm,
    .approach = watermark_approach,
    .barrier = watermark_barrier,
    .has_pairs = operator_passes_pairs,
};
