/* Finding operators by name, and the direct calls between stages.
 *
 * Cost of passing a batch on: one indirect call, a few counters and two readings of the clock;
 * never anything per row (the debug check apart). */
#include "executor/operator.h"

#include <string.h>

#include "core/clock.h"
#include "executor/task.h"

extern const OperatorClass *const operator_table[];

const OperatorClass *operator_find(const char *name)
{
    for (uint32_t i = 0; operator_table[i] != NULL; i++)
        if (strcmp(operator_table[i]->name, name) == 0)
            return operator_table[i];
    assert(0 && "the planner names an operator that is not registered");
    return NULL;
}

static void stat_add(_Atomic uint64_t *stat, uint64_t more)
{
    /* One writer: a plain add, made visible to readers. */
    uint64_t value = atomic_load_explicit(stat, memory_order_relaxed);
    atomic_store_explicit(stat, value + more, memory_order_relaxed);
}

/* Makes `stage` the one that time is counted for; returns the one before. */
static Stage *timer_switch(StageTimer *timer, Stage *stage)
{
    Stage *before = timer->current;
    int64_t now = clock_monotonic_us();
    if (before != NULL)
        stat_add(&before->stats.busy_us, (uint64_t)(now - timer->since_us));
    timer->current = stage;
    timer->since_us = now;
    return before;
}

/* Says where a run-time error came from, once, at the stage nearest to it. */
static bool stage_blame(Stage *stage, Error *error)
{
    if (stage->task->blamed == NULL) {
        stage->task->blamed = stage;
        if (stage->node->sql_offset >= 0)
            error_at(error, stage->node->sql_offset, 0);
        if (error->detail[0] == '\0' && stage->node->label != NULL &&
            error->code != ERROR_CANCELLED)
            error_detail(error, "While running %s.", stage->node->label);
    }
    return false;
}

static bool output_batch(Emitter *emitter, Output *output, Batch *batch, Error *error)
{
    if (output->exchange == NULL)
        return stage_batch(output->stage, output->input, batch, error);
    bool sent = exchange_batch(output->exchange, batch, error);
    /* Time spent waiting for a slower task is nobody's work. */
    emitter->stage->task->timer.since_us += exchange_take_waited_us(output->exchange);
    return sent;
}

bool emit(Emitter *emitter, Batch *batch, Error *error)
{
    if (batch->row_count == 0) {
        batch_release(batch);
        return true;
    }
    Stage *stage = emitter->stage;
    if (stream_check_on && !stream_check_batch(&stage->check, batch, error)) {
        batch_release(batch);
        return false;
    }
    stat_add(&stage->stats.rows_out, batch->row_count);
    if (emitter->output_count == 0) {
        batch_release(batch);
        return true;
    }
    uint32_t last = emitter->output_count - 1;
    for (uint32_t i = 0; i < last; i++) {
        if (!output_batch(emitter, &emitter->outputs[i], batch_retain(batch), error)) {
            batch_release(batch);
            return false;
        }
    }
    return output_batch(emitter, &emitter->outputs[last], batch, error);
}

/* Publishes the size of the stage's state and checks the limits: its own and the job's. */
static bool check_state(Stage *stage, Error *error)
{
    uint64_t bytes = state_store_bytes(stage->context.state);
    uint64_t before = atomic_load_explicit(&stage->stats.state_bytes, memory_order_relaxed);
    atomic_store_explicit(&stage->stats.state_bytes, bytes, memory_order_relaxed);
    atomic_store_explicit(&stage->stats.state_keys, state_store_keys(stage->context.state),
                          memory_order_relaxed);
    if (!state_store_check(stage->context.state, error))
        return false;
    if (bytes == before)
        return true;
    uint64_t total = task_add_state_bytes(stage->task, (int64_t)(bytes - before));
    if (stage->state_limit_bytes == 0 || total <= stage->state_limit_bytes)
        return true;
    error_set(error, ERROR_LIMIT, "the job's state has grown past its limit of %llu bytes",
              (unsigned long long)stage->state_limit_bytes);
    return error_hint(error, "Raise the limit, or bound what the query keeps (see EXPLAIN "
                             "CHANGELOG_MODE).");
}

bool stage_batch(Stage *stage, uint32_t input, Batch *batch, Error *error)
{
    assert(!stage->ended);
    stat_add(&stage->stats.rows_in, batch->row_count);
    StageTimer *timer = &stage->task->timer;
    Stage *before = timer_switch(timer, stage);
    bool done = stage->class->batch(stage->operator_, input, batch, &stage->emitter, error) &&
                (!stage->keeps_state || check_state(stage, error));
    timer_switch(timer, before);
    return done || stage_blame(stage, error);
}

static bool forward_watermark(Stage *stage, int64_t watermark_us, Error *error)
{
    if (stream_check_on && !stream_check_watermark(&stage->check, watermark_us, error))
        return false;
    Emitter *emitter = &stage->emitter;
    for (uint32_t i = 0; i < emitter->output_count; i++) {
        Output *output = &emitter->outputs[i];
        Message message = {.kind = MESSAGE_WATERMARK, .watermark_us = watermark_us};
        bool sent = output->exchange != NULL
                        ? exchange_send(output->exchange, message, error)
                        : stage_watermark(output->stage, output->input, watermark_us, error);
        if (!sent)
            return false;
    }
    return true;
}

/* The combined watermark: the minimum over inputs that have not ended. */
static int64_t combined_watermark(const Stage *stage)
{
    int64_t least = INT64_MAX;
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (!stage->inputs[i].ended && stage->inputs[i].watermark_us < least)
            least = stage->inputs[i].watermark_us;
    return least;
}

static bool advance_watermark(Stage *stage, Error *error)
{
    int64_t watermark = combined_watermark(stage);
    if (watermark <= stage->watermark_us)
        return true;
    stage->watermark_us = watermark;
    atomic_store_explicit(&stage->stats.watermark_us, watermark, memory_order_relaxed);
    if (stage->class->watermark != NULL) {
        Stage *before = timer_switch(&stage->task->timer, stage);
        bool done = stage->class->watermark(stage->operator_, watermark, &stage->emitter, error);
        timer_switch(&stage->task->timer, before);
        if (!done)
            return stage_blame(stage, error);
    }
    return forward_watermark(stage, watermark, error);
}

bool stage_watermark(Stage *stage, uint32_t input, int64_t watermark_us, Error *error)
{
    StageInput *of = &stage->inputs[input];
    if (watermark_us <= of->watermark_us)
        return true;
    of->watermark_us = watermark_us;
    return advance_watermark(stage, error);
}

static bool all_ended(const Stage *stage)
{
    for (uint32_t i = 0; i < stage->input_count; i++)
        if (!stage->inputs[i].ended)
            return false;
    return true;
}

bool stage_end(Stage *stage, uint32_t input, Error *error)
{
    if (stage->inputs[input].ended)
        return true;
    stage->inputs[input].ended = true;
    if (!advance_watermark(stage, error))
        return false;
    if (!all_ended(stage))
        return true;
    if (stage->class->end != NULL && !stage->end_restored) {
        Stage *before = timer_switch(&stage->task->timer, stage);
        bool done = stage->class->end(stage->operator_, &stage->emitter, error);
        timer_switch(&stage->task->timer, before);
        if (!done)
            return stage_blame(stage, error);
    }
    stage->ended = true;
    if (stream_check_on && !stream_check_end(&stage->check, error))
        return false;
    for (uint32_t i = 0; i < stage->emitter.output_count; i++) {
        Output *output = &stage->emitter.outputs[i];
        Message message = {.kind = MESSAGE_END};
        if (!(output->exchange != NULL ? exchange_send(output->exchange, message, error)
                                       : stage_end(output->stage, output->input, error)))
            return false;
    }
    return true;
}

bool stage_barrier(Stage *stage, uint64_t epoch, Error *error)
{
    /* After its end an operator has nothing left to hold back; a sink still finishes epochs. */
    bool is_sink = stage->emitter.output_count == 0;
    if (stage->class->barrier == NULL || (stage->ended && !is_sink))
        return true;
    Stage *before = timer_switch(&stage->task->timer, stage);
    bool done = stage->class->barrier(stage->operator_, epoch, &stage->emitter, error);
    timer_switch(&stage->task->timer, before);
    return done || stage_blame(stage, error);
}

bool stage_forward_barrier(Stage *stage, uint64_t epoch, Error *error)
{
    if (stage->ended)
        return true;
    if (stream_check_on && !stream_check_barrier(&stage->check, epoch, error))
        return false;
    Message message = {.kind = MESSAGE_BARRIER, .epoch = epoch};
    for (uint32_t i = 0; i < stage->emitter.output_count; i++) {
        Exchange *exchange = stage->emitter.outputs[i].exchange;
        if (exchange != NULL && !exchange_send(exchange, message, error))
            return false;
    }
    return true;
}
