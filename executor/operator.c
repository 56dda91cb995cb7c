/* Finding operators by name, and the direct calls between stages.
 *
 * Cost of passing a batch on: one indirect call, a few counters and two readings of the clock;
 * never anything per row (the debug check apart). */
#include "executor/operator.h"

#include <string.h>

#include "core/changelog_text.h"
#include "core/clock.h"
#include "core/plain_zeros.h"
#include "executor/runtime/task.h"

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
    if (stage->row_check != NULL && !row_check_batch(stage->row_check, batch, error)) {
        batch_release(batch);
        return false;
    }
    /* Those of the columns that brought the rows here, which are not the output's. */
    if (!batch_is_shared(batch))
        batch->hashed = NULL;
    stat_add(&stage->stats.rows_out, batch->row_count);
    if (emitter->row_output_count == 0) {
        batch_release(batch);
        return true;
    }
    if (emitter->row_output_count == 1)
        return output_batch(emitter, &emitter->outputs[0], batch, error);
    bool passed = true;
    for (uint32_t i = 0; i < emitter->row_output_count && passed; i++)
        passed = output_batch(emitter, &emitter->outputs[i], batch_view(batch), error);
    batch_release(batch);
    return passed;
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
    return task_refuse_state(stage->task, total, error);
}

/* Before and after a call of the operator: whose time it is, and what CURRENT_WATERMARK says. */
typedef struct StageCall {
    Stage *before;
    int64_t watermark_before_us;
} StageCall;

/* Tells the stage's state what time it is; what is found there now stays for the call. */
static void advance_state(Stage *stage)
{
    const Clock *clock = stage->task->clock;
    int64_t next_ms = state_store_advance(stage->context.state, clock->now_us(clock) / 1000);
    stage->sweep_us = next_ms == INT64_MAX ? INT64_MAX : next_ms * 1000;
}

static StageCall call_begin(Stage *stage)
{
    Task *task = stage->task;
    if (stage->keeps_state)
        advance_state(stage);
    StageCall call = {timer_switch(&task->timer, stage), task->environment.watermark_us};
    task->environment.watermark_us = stage->time.watermark_us;
    return call;
}

static bool call_end(Stage *stage, StageCall call, bool done, Error *error)
{
    stage->task->environment.watermark_us = call.watermark_before_us;
    timer_switch(&stage->task->timer, call.before);
    return done || stage_blame(stage, error);
}

bool stage_batch(Stage *stage, uint32_t input, Batch *batch, Error *error)
{
    assert(!stage->ended);
    stat_add(&stage->stats.rows_in, batch->row_count);
    StageCall call = call_begin(stage);
    if (stage->keeps_state && stage->inputs[input].number_count != 0)
        batch = plain_zeros(batch, stage->inputs[input].numbers, stage->inputs[input].number_count);
    bool done = stage->class->batch(stage->operator_, input, batch, &stage->emitter, error) &&
                (!stage->keeps_state || check_state(stage, error));
    return call_end(stage, call, done, error);
}

/* Passes a message that is no batch on to every consumer. */
static bool forward(Stage *stage, const Message *message, Error *error)
{
    Emitter *emitter = &stage->emitter;
    for (uint32_t i = 0; i < emitter->output_count; i++) {
        Output *output = &emitter->outputs[i];
        bool sent = true;
        if (output->exchange != NULL)
            sent = exchange_send(output->exchange, *message, error);
        else if (message->kind == MESSAGE_WATERMARK)
            sent = stage_watermark(output->stage, output->input, message->watermark_us, error);
        else
            sent = stage_idle(output->stage, output->input, message->idle, error);
        if (!sent)
            return false;
    }
    return true;
}

static void publish_watermark(Stage *stage, int64_t watermark_us)
{
    atomic_store_explicit(&stage->stats.watermark_us, watermark_us, memory_order_relaxed);
    atomic_store_explicit(&stage->stats.moved_at_us, stage->task->environment.batch_time_us,
                          memory_order_relaxed);
}

static bool forward_watermark(Stage *stage, int64_t watermark_us, Error *error)
{
    if (stream_check_on && !stream_check_watermark(&stage->check, watermark_us, error))
        return false;
    stage->time.emitted_us = watermark_us;
    if (stage->class->own_watermarks)
        publish_watermark(stage, watermark_us);
    Message message = {.kind = MESSAGE_WATERMARK, .watermark_us = watermark_us};
    return forward(stage, &message, error);
}

bool emit_watermark(Emitter *emitter, int64_t watermark_us, Error *error)
{
    Stage *stage = emitter->stage;
    /* A bounded run has all rows before any time is over: none comes too late. */
    bool early = watermark_us != INT64_MAX && stage->task->bounded_run;
    if (early || watermark_us < stage->time.emitted_us)
        return true;
    return forward_watermark(stage, watermark_us, error);
}

bool emit_idle(Emitter *emitter, bool idle, Error *error)
{
    Stage *stage = emitter->stage;
    if (stage->time.is_idle == idle)
        return true;
    stage->time.is_idle = idle;
    atomic_store_explicit(&stage->stats.idle, idle, memory_order_relaxed);
    Message message = {.kind = MESSAGE_IDLE, .idle = idle};
    return forward(stage, &message, error);
}

/* What a table for late rows is told of each: operator, watermark, row. */
static Batch *describe_late(const Stage *stage, const Batch *batch, const uint32_t *rows,
                            uint32_t count)
{
    static const Column columns[] = {
        {"operator", &type_string}, {"watermark", &type_timestamp_3}, {"row", &type_string}};
    static const Schema schema = {array_count(columns), columns};
    const char *label = stage->node->label == NULL ? stage->node->op : stage->node->label;
    int64_t watermark =
        stage->class->own_watermarks ? stage->time.emitted_us : stage->time.watermark_us;
    Batch *late = batch_new(&schema, count);
    late->row_count = count;
    StringView name = string_view_copy(late->arena, label, (uint32_t)strlen(label));
    Buffer text = {0};
    for (uint32_t i = 0; i < count; i++) {
        buffer_clear(&text);
        changelog_print_row(batch, rows == NULL ? i : rows[i], stage->task->environment.zone,
                            &text);
        ((StringView *)late->columns[0].data)[i] = name;
        ((int64_t *)late->columns[1].data)[i] = watermark;
        ((StringView *)late->columns[2].data)[i] =
            string_view_copy(late->arena, text.data, (uint32_t)text.length);
        if (watermark == INT64_MIN || watermark == INT64_MAX)
            vector_set_null(&late->columns[1], i, late->arena);
    }
    buffer_deinit(&text);
    return late;
}

bool emit_late(Emitter *emitter, const Batch *batch, const uint32_t *rows, uint32_t count,
               Error *error)
{
    stat_add(&emitter->stage->stats.late_rows, count);
    bool sent = true;
    for (uint32_t i = emitter->row_output_count; i < emitter->output_count && sent; i++)
        sent = output_batch(emitter, &emitter->outputs[i],
                            describe_late(emitter->stage, batch, rows, count), error);
    return sent;
}

/* The combined watermark: the minimum over inputs that are waited for; what it was when there is
 * none. */
static int64_t combined_watermark(const Stage *stage)
{
    int64_t least = INT64_MAX;
    bool all_ended = true, any = false;
    for (uint32_t i = 0; i < stage->input_count; i++) {
        const StageInput *input = &stage->inputs[i];
        all_ended = all_ended && input->ended;
        if (input->ended || input->idle)
            continue;
        any = true;
        if (input->watermark_us < least)
            least = input->watermark_us;
    }
    return any || all_ended ? least : stage->time.watermark_us;
}

static bool advance_watermark(Stage *stage, Error *error)
{
    int64_t watermark = combined_watermark(stage);
    if (watermark <= stage->time.watermark_us)
        return true;
    stage->time.watermark_us = watermark;
    publish_watermark(stage, watermark);
    if (stage->class->watermark != NULL) {
        StageCall call = call_begin(stage);
        bool done = stage->class->watermark(stage->operator_, watermark, &stage->emitter, error);
        if (!call_end(stage, call, done, error))
            return false;
    }
    if (stage->class->own_watermarks && watermark != INT64_MAX)
        return true;
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

bool stage_idle(Stage *stage, uint32_t input, bool idle, Error *error)
{
    stage->inputs[input].idle = idle;
    if (!advance_watermark(stage, error))
        return false;
    bool all = true;
    for (uint32_t i = 0; i < stage->input_count; i++)
        all = all && (stage->inputs[i].idle || stage->inputs[i].ended);
    bool makes_idle = stage->class->own_watermarks && !stage->class->passes_idle;
    return makes_idle || stage->ended || emit_idle(&stage->emitter, all, error);
}

bool stage_sweep(Stage *stage, int64_t now_us, Error *error)
{
    if (stage->sweep_us > now_us)
        return true;
    StageCall call = call_begin(stage);
    return call_end(stage, call, check_state(stage, error), error);
}

bool stage_alarm(Stage *stage, int64_t now_us, Error *error)
{
    if (stage->time.alarm_us > now_us || stage->ended)
        return true;
    stage->time.alarm_us = INT64_MAX;
    StageCall call = call_begin(stage);
    bool done = stage->class->alarm(stage->operator_, now_us, &stage->emitter, error) &&
                (!stage->keeps_state || check_state(stage, error));
    return call_end(stage, call, done, error);
}

bool stage_ready(Stage *stage, Error *error)
{
    if (stage->ended)
        return true;
    StageCall call = call_begin(stage);
    bool done = stage->class->ready(stage->operator_, &stage->emitter, error) &&
                (!stage->keeps_state || check_state(stage, error));
    return call_end(stage, call, done, error);
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
        StageCall call = call_begin(stage);
        bool done = stage->class->end(stage->operator_, &stage->emitter, error);
        if (!call_end(stage, call, done, error))
            return false;
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

bool stage_approach(Stage *stage, Error *error)
{
    if (stage->class->approach == NULL || stage->ended)
        return true;
    StageCall call = call_begin(stage);
    bool done = stage->class->approach(stage->operator_, &stage->emitter, error);
    return call_end(stage, call, done, error);
}

bool stage_barrier(Stage *stage, uint64_t epoch, Error *error)
{
    /* After its end an operator has nothing left to hold back; a sink still finishes epochs. */
    bool is_sink = stage->emitter.output_count == 0;
    if (stage->class->barrier == NULL || (stage->ended && !is_sink))
        return true;
    StageCall call = call_begin(stage);
    bool done = stage->class->barrier(stage->operator_, epoch, &stage->emitter, error);
    return call_end(stage, call, done, error);
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
