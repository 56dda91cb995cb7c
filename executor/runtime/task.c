/* The loop of a task: commands, messages, barriers. See runtime/task.h. */
#include "executor/runtime/task.h"

#include "executor/runtime/coordinator.h"

/* Without epochs a sink shows its rows as soon as nothing more waits, unless showing them would
 * take more than half of the time; and in any case this often, */
#define FLUSH_EVERY_US 4000
/* unless that takes more than a fifth of it, */
#define FLUSH_SHARE 4
/* or rows come in batches so large that they wait in a queue anyway. */
#define FLUSH_BULK_US   1000000
#define FLUSH_BULK_ROWS 1024
/* How long a read may block: bounds how late a barrier starts when a source has no wake, or when it
 * was woken just before it went to sleep. */
#define READ_BLOCKS_MS 10
/* When a source that had no rows is asked again by a worker with other tasks, which does not block
 * in it. */
#define READ_AGAIN_MS 1
/* A task looks at the clock this often while an alarm is set: system time may be changed. */
#define ALARM_WAIT_MAX_MS 10000

void task_command(Task *task, Command command)
{
    inbox_command(task->inbox, command);
    if (task->source != NULL && task->source->class->wake != NULL && task->source->source != NULL)
        task->source->class->wake(task->source->source);
}

void task_notify(void *task)
{
    /* The source is not woken: it may be closing. It looks up soon enough. */
    inbox_command(((Task *)task)->inbox, (Command){.kind = COMMAND_READY});
}

bool task_is_interrupted(void *task)
{
    return inbox_is_closed(((Task *)task)->inbox);
}

void task_interrupt(Task *task)
{
    inbox_close(task->inbox);
    if (task->source != NULL && task->source->class->wake != NULL && task->source->source != NULL)
        task->source->class->wake(task->source->source);
}

/* Rows from `from` on that make the next batch of at most `limit`; an update stays in one batch,
 * which therefore has two rows where the limit is one. */
static uint32_t count_slice(const Batch *batch, uint32_t from, uint32_t limit)
{
    uint32_t count = batch->row_count - from;
    if (count <= limit)
        return count;
    bool parts_update = batch_kind(batch, from + limit - 1) == CHANGE_UPDATE_BEFORE &&
                        batch_kind(batch, from + limit) == CHANGE_UPDATE_AFTER;
    if (!parts_update)
        return limit;
    return limit == 1 ? 2 : limit - 1;
}

static bool enter_slices(Task *task, Stage *stage, uint32_t input, Batch *batch, Error *error)
{
    uint32_t *rows = arena_new_array(batch->arena, uint32_t, (size_t)task->batch_rows + 1);
    for (uint32_t from = 0; from < batch->row_count;) {
        uint32_t count = count_slice(batch, from, task->batch_rows);
        for (uint32_t i = 0; i < count; i++)
            rows[i] = from + i;
        if (!stage_batch(stage, input, batch_gather(batch, rows, count), error)) {
            batch_release(batch);
            return false;
        }
        from += count;
    }
    batch_release(batch);
    return true;
}

bool task_enter_batch(Task *task, Stage *stage, uint32_t input, Batch *batch, Error *error)
{
    task->environment.batch_time_us = task->clock->now_us(task->clock);
    task->bulk = batch->row_count >= FLUSH_BULK_ROWS;
    if (batch->row_count <= task->batch_rows)
        return stage_batch(stage, input, batch, error);
    return enter_slices(task, stage, input, batch, error);
}

/* ----------------------------------------------------------------- barriers */

typedef struct ChunkTarget {
    CheckpointStore *store;
    const char *uid;
} ChunkTarget;

static void add_chunk(void *to, const StateChunk *chunk)
{
    const ChunkTarget *target = to;
    checkpoint_add_chunk(target->store, target->uid, chunk);
}

/* Watermarks belong to the rows before the barrier as state does. Behind them, which inputs have
 * ended: how far those are counts for nobody. */
static void save_time(const Task *task, const Stage *stage)
{
    Buffer bytes = {0};
    buffer_append(&bytes, &stage->time.emitted_us, sizeof(int64_t));
    for (uint32_t i = 0; i < stage->input_count; i++)
        buffer_append(&bytes, &stage->inputs[i].watermark_us, sizeof(int64_t));
    for (uint32_t i = 0; i < stage->input_count; i++)
        buffer_append_char(&bytes, stage->inputs[i].ended ? 1 : 0);
    checkpoint_add_blob(task->store, stage->node->uid, "time", task->subtask, STR(""),
                        (Str){bytes.data, bytes.length});
    buffer_deinit(&bytes);
}

/* Copies what changed in the operators' state into the checkpoint. */
static void save_state(Task *task)
{
    for (uint32_t i = 0; i < task->stage_count; i++) {
        Stage *stage = &task->stages[i];
        ChunkTarget target = {task->store, stage->node->uid};
        if (stage->keeps_state)
            state_snapshot(stage->context.state, add_chunk, &target);
        if (stage_keeps_time(stage))
            save_time(task, stage);
        /* Also when the restored end has not been reached again yet. */
        if ((stage->ended || stage->end_restored) && stage->class->end != NULL)
            checkpoint_add_blob(task->store, stage->node->uid, "ended", task->subtask, STR(""),
                                STR(""));
    }
}

static bool run_barrier(Task *task, uint64_t epoch, Error *error)
{
    int64_t began = clock_monotonic_us();
    task->environment.batch_time_us = task->clock->now_us(task->clock);
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (!stage_barrier(&task->stages[i], epoch, error))
            return false;
    if (task->source != NULL && task->store != NULL && !task_source_save(task, error))
        return false;
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (!stage_forward_barrier(&task->stages[i], epoch, error))
            return false;
    task_ahead_end(task);
    if (task->store != NULL)
        save_state(task);
    task->epoch_done = epoch;
    inbox_release_held(task->inbox);
    coordinator_acknowledge(task->job, epoch, clock_monotonic_us() - began);
    return true;
}

/* Runs the barrier of the epoch it knows of if every channel has delivered it or ended. */
static bool try_barrier(Task *task, Error *error)
{
    if (task->epoch_wanted <= task->epoch_done)
        return true;
    for (uint32_t i = 0; i < task->channel_count; i++) {
        const TaskChannel *channel = &task->channels[i];
        if (!channel->ended && channel->barrier < task->epoch_wanted)
            return true;
    }
    if (!task_source_settled(task))
        return true;
    return run_barrier(task, task->epoch_wanted, error);
}

/* ----------------------------------------------------------------- messages */

static bool same_input(const TaskChannel *a, const TaskChannel *b)
{
    return a->stage == b->stage && a->input == b->input;
}

/* The watermark of an input is the minimum over its channels that are waited for. When none is, it
 * is the furthest of all: nobody is left who could send what the others wait for. */
static bool enter_watermark(Task *task, const TaskChannel *of, Error *error)
{
    int64_t least = INT64_MAX, most = INT64_MIN;
    bool any = false;
    for (uint32_t i = 0; i < task->channel_count; i++) {
        TaskChannel *channel = &task->channels[i];
        if (!same_input(channel, of) || channel->ended)
            continue;
        if (channel->watermark_us > most)
            most = channel->watermark_us;
        if (channel->behind && channel->watermark_us >= of->stage->inputs[of->input].watermark_us)
            channel->behind = false;
        if (channel->idle || channel->behind)
            continue;
        any = true;
        if (channel->watermark_us < least)
            least = channel->watermark_us;
    }
    return stage_watermark(of->stage, of->input, any ? least : most, error);
}

static bool enter_idle(Task *task, TaskChannel *channel, bool idle, Error *error)
{
    StageInput *input = &channel->stage->inputs[channel->input];
    channel->idle = idle;
    channel->behind = !idle && channel->watermark_us < input->watermark_us;
    bool all = true;
    for (uint32_t i = 0; i < task->channel_count; i++)
        if (same_input(&task->channels[i], channel) && !task->channels[i].ended)
            all = all && task->channels[i].idle;
    return enter_watermark(task, channel, error) &&
           (input->idle == all || stage_idle(channel->stage, channel->input, all, error));
}

static void note_end(Task *task)
{
    if (task->ended)
        return;
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (!task->stages[i].ended)
            return;
    task->ended = true;
    coordinator_task_ended(task->job);
}

static bool enter_end(Task *task, TaskChannel *channel, Error *error)
{
    channel->ended = true;
    StageInput *input = &channel->stage->inputs[channel->input];
    assert(input->feeds > 0);
    bool done = --input->feeds == 0 ? stage_end(channel->stage, channel->input, error)
                                    : enter_watermark(task, channel, error);
    if (!done)
        return false;
    note_end(task);
    return try_barrier(task, error);
}

static bool handle_message(Task *task, const Message *message, Error *error)
{
    TaskChannel *channel = &task->channels[message->channel];
    if (channel->ended) {
        /* Rows fed while the job is being drained. */
        batch_release(message->batch);
        return true;
    }
    switch (message->kind) {
    case MESSAGE_BATCH:
        return task_enter_batch(task, channel->stage, channel->input, message->batch, error);
    case MESSAGE_WATERMARK:
        if (message->watermark_us <= channel->watermark_us)
            return true;
        channel->watermark_us = message->watermark_us;
        task->environment.batch_time_us = task->clock->now_us(task->clock);
        return enter_watermark(task, channel, error);
    case MESSAGE_IDLE:
        return enter_idle(task, channel, message->idle, error);
    case MESSAGE_BARRIER:
        channel->barrier = message->epoch;
        if (message->epoch > task->epoch_wanted)
            task->epoch_wanted = message->epoch;
        inbox_hold(task->inbox, message->channel);
        return try_barrier(task, error);
    case MESSAGE_END:
        return enter_end(task, channel, error);
    }
    return true;
}

/* ----------------------------------------------------------------- commands */

static bool commit_epoch(Task *task, uint64_t epoch, Error *error)
{
    for (uint32_t i = 0; i < task->sink_count; i++)
        if (!sink_commit(task->sinks[i]->operator_, epoch, error))
            return false;
    TaskSource *source = task->source;
    if (source != NULL && task->store != NULL && source->class->acknowledge != NULL)
        source->class->acknowledge(source->source, epoch);
    coordinator_committed(task->job, epoch);
    return true;
}

static bool flush_sinks(Task *task, Error *error)
{
    int64_t began_us = clock_monotonic_us();
    bool dirty = false;
    for (uint32_t i = 0; i < task->sink_count; i++) {
        dirty = dirty || sink_is_dirty(task->sinks[i]->operator_);
        if (!sink_flush(task->sinks[i]->operator_, error))
            return false;
    }
    task->flushed_us = clock_monotonic_us();
    if (dirty)
        task->flush_cost_us = task->flushed_us - began_us;
    return true;
}

static bool finish(Task *task, Error *error)
{
    for (uint32_t i = 0; i < task->sink_count; i++)
        if (!sink_finish(task->sinks[i]->operator_, error))
            return false;
    task->finished = true;
    coordinator_task_finished(task->job);
    return true;
}

static bool run_ready(Task *task, Error *error)
{
    task->environment.batch_time_us = task->clock->now_us(task->clock);
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (task->stages[i].class->ready != NULL && !stage_ready(&task->stages[i], error))
            return false;
    return true;
}

static bool approach_stages(Task *task, Error *error)
{
    task->environment.batch_time_us = task->clock->now_us(task->clock);
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (!stage_approach(&task->stages[i], error))
            return false;
    return true;
}

static bool approach(Task *task, Error *error)
{
    if (!approach_stages(task, error))
        return false;
    task_ahead_approach(task);
    return true;
}

/* A slice of what is copied before the barrier. */
static bool copy_ahead(Task *task, int64_t *wait_ms, Error *error)
{
    task_ahead(task, wait_ms);
    if (!task->ahead.emits)
        return true;
    *wait_ms = 0;
    if (!approach_stages(task, error))
        return false;
    task_ahead_emitted(task);
    return true;
}

static bool handle_command(Task *task, const Command *command, Error *error)
{
    switch (command->kind) {
    case COMMAND_AHEAD:
        task_ahead_begin(task, command->epoch);
        return true;
    case COMMAND_APPROACH:
        return approach(task, error);
    case COMMAND_TRIGGER:
        if (command->epoch > task->epoch_wanted)
            task->epoch_wanted = command->epoch;
        return try_barrier(task, error);
    case COMMAND_COMMIT:
        return commit_epoch(task, command->epoch, error);
    case COMMAND_CLOCK:
        return true; /* the next step looks for alarms */
    case COMMAND_READY:
        return run_ready(task, error);
    case COMMAND_STOP:
        if (task->source != NULL) {
            task->source->stopping = true;
            return task_source_stop(task, error);
        }
        return true;
    case COMMAND_DRAIN:
        if (task->source == NULL || !task->source->reading)
            return true;
        task->source->draining = true;
        if (!task_source_stop(task, error))
            return false;
        note_end(task);
        return true;
    case COMMAND_FINISH:
        return finish(task, error);
    }
    return true;
}

/* --------------------------------------------------------------------- loop */

static bool has_dirty_sink(const Task *task)
{
    for (uint32_t i = 0; i < task->sink_count; i++)
        if (sink_is_dirty(task->sinks[i]->operator_))
            return true;
    return false;
}

/* How long rows that were written wait for more before they are shown. */
static int64_t flush_wait_ms(const Task *task)
{
    int64_t wait_us = task->flushed_us + task->flush_cost_us - clock_monotonic_us();
    return wait_us > 0 ? wait_us / 1000 : 0;
}

/* Reads once, when something else of the task is due after due_ms (negative: nothing is); *wait_ms
 * is set to how long a source without rows is left alone. */
static TaskStep read_source(Task *task, bool alone, int64_t due_ms, int64_t *wait_ms, Error *error)
{
    bool idle = false;
    int64_t block_ms = due_ms >= 0 && due_ms < READ_BLOCKS_MS ? due_ms : READ_BLOCKS_MS;
    if (!task_source_read(task, alone ? block_ms : 0, &idle, error) ||
        !task_source_stop(task, error))
        return TASK_FAILED;
    note_end(task);
    if (!try_barrier(task, error))
        return TASK_FAILED;
    *wait_ms = alone ? 0 : READ_AGAIN_MS;
    return idle ? TASK_WAITS : TASK_WORKED;
}

/* When the next alarm or sweep of a stage is due by the job's clock; INT64_MAX: none is set. */
static int64_t next_alarm(const Task *task)
{
    int64_t next = INT64_MAX;
    for (uint32_t i = 0; i < task->stage_count; i++) {
        const Stage *stage = &task->stages[i];
        if (stage->time.alarm_us < next && !stage->ended)
            next = stage->time.alarm_us;
        if (stage->sweep_us < next)
            next = stage->sweep_us;
    }
    return next;
}

/* Runs the alarms that are due; *wait_ms is shortened to the time until the next one. */
static bool run_alarms(Task *task, int64_t *wait_ms, Error *error)
{
    int64_t next = next_alarm(task);
    if (next == INT64_MAX)
        return true;
    int64_t now = task->clock->now_us(task->clock);
    if (next <= now) {
        task->environment.batch_time_us = now;
        for (uint32_t i = 0; i < task->stage_count; i++)
            if (!stage_alarm(&task->stages[i], now, error) ||
                !stage_sweep(&task->stages[i], now, error))
                return false;
        next = next_alarm(task);
    }
    int64_t until_ms = next <= now ? 0 : (next - now) / 1000 + 1;
    if (next != INT64_MAX && (*wait_ms < 0 || until_ms < *wait_ms))
        *wait_ms = until_ms < ALARM_WAIT_MAX_MS ? until_ms : ALARM_WAIT_MAX_MS;
    return true;
}

static int64_t flush_interval_us(const Task *task)
{
    int64_t by_cost = task->flush_cost_us * FLUSH_SHARE;
    if (task->bulk)
        return FLUSH_BULK_US;
    return by_cost > FLUSH_EVERY_US ? by_cost : FLUSH_EVERY_US;
}

/* Inputs that nothing feeds in this copy of the fragment have ended before they began. */
static bool end_unfed_inputs(Task *task, Error *error)
{
    for (uint32_t i = 0; i < task->stage_count; i++)
        for (uint32_t k = 0; k < task->stages[i].input_count; k++)
            if (task->stages[i].inputs[k].feeds == 0 && !stage_end(&task->stages[i], k, error))
                return false;
    note_end(task);
    return true;
}

static bool handle_event(Task *task, InboxEvent event, const Message *message,
                         const Command *command, Error *error)
{
    switch (event) {
    case INBOX_MESSAGE:
        return handle_message(task, message, error);
    case INBOX_COMMAND:
        return handle_command(task, command, error);
    case INBOX_CLOSED:
        return error_set(error, ERROR_CANCELLED, "the job is being cancelled");
    case INBOX_TIMEOUT:
        break;
    }
    return true;
}

static void shorten(int64_t *wait_ms, int64_t to_ms)
{
    if (to_ms >= 0 && (*wait_ms < 0 || to_ms < *wait_ms))
        *wait_ms = to_ms;
}

static bool begin(Task *task, Error *error)
{
    if (task->begun)
        return true;
    task->begun = true;
    return end_unfed_inputs(task, error);
}

TaskStep task_step(Task *task, bool alone, int64_t *wait_ms, Error *error)
{
    if (!begin(task, error))
        return TASK_FAILED;
    bool dirty = has_dirty_sink(task);
    if (dirty && clock_monotonic_us() - task->flushed_us > flush_interval_us(task)) {
        if (!flush_sinks(task, error))
            return TASK_FAILED;
        dirty = false;
    }
    int64_t due_ms = dirty ? flush_wait_ms(task) : -1;
    if (!copy_ahead(task, &due_ms, error))
        return TASK_FAILED;
    bool reading = task->source != NULL && task->source->reading;
    reading = reading && !task_source_is_ahead(task, &due_ms);
    if (!run_alarms(task, &due_ms, error))
        return TASK_FAILED;
    Message message = {0};
    Command command = {0};
    InboxEvent event = inbox_take(task->inbox, 0, &message, &command);
    if (event != INBOX_TIMEOUT)
        return handle_event(task, event, &message, &command, error) ? TASK_WORKED : TASK_FAILED;
    TaskStep done = TASK_WAITS;
    int64_t again_ms = -1;
    if (reading)
        done = read_source(task, alone, due_ms, &again_ms, error);
    shorten(wait_ms, due_ms);
    shorten(wait_ms, again_ms);
    return done;
}

bool task_rest(Task *task, Error *error)
{
    task->ahead.idle = true;
    return !has_dirty_sink(task) || flush_wait_ms(task) > 0 || flush_sinks(task, error);
}
