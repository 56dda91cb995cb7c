/* Building the tasks of one run of the plan, opening what they need and closing it again.
 *
 * Order of opening: operators (which declare their state and do no I/O), the check that the epoch
 * fits them, their state, sources, and sinks last. So a job that is refused, or whose source cannot
 * be reached, has touched nothing outside. */
#include <string.h>

#include "core/clock.h"
#include "core/plain_zeros.h"
#include "executor/runtime/job_internal.h"
#include "executor/values_source.h"

/* --------------------------------------------------------------- the dataflow */

static uint32_t stage_index(const Fragment *fragment, uint32_t node)
{
    for (uint32_t i = 0; i < fragment->node_count; i++)
        if (fragment->nodes[i] == node)
            return i;
    assert(0 && "the node is not in its fragment");
    return 0;
}

static Task *task_of(const Job *job, const Attempt *attempt, uint32_t node, uint32_t subtask)
{
    return attempt->tasks[attempt->first_task[job->graph->fragment_of[node]] + subtask];
}

Stage *attempt_stage(const Job *job, const Attempt *attempt, uint32_t node, uint32_t subtask)
{
    Task *task = task_of(job, attempt, node, subtask);
    return &task->stages[stage_index(task->fragment, node)];
}

static void init_stage(Task *task, Stage *stage, const PlanNode *node, const bool *pairs)
{
    const Job *job = task->job;
    uint32_t max = job->plan->max_parallelism;
    uint32_t copies = task->fragment->parallelism;
    stage->task = task;
    stage->node = node;
    stage->class = operator_find(node->op);
    stage->emitter.stage = stage;
    stage->input_count = node->input_count == 0 ? 1 : node->input_count;
    stage->inputs = arena_new_array(task->arena, StageInput, stage->input_count);
    for (uint32_t i = 0; i < stage->input_count; i++)
        stage->inputs[i].watermark_us = INT64_MIN;
    for (uint32_t i = 0; i < node->input_count; i++)
        stage->inputs[i].numbers = plain_zeros_columns(task->arena, node->inputs[i].node->schema,
                                                       &stage->inputs[i].number_count);
    operator_time_init(&stage->time);
    atomic_store(&stage->stats.moved_at_us, job->config.clock->now_us(job->config.clock));
    stage->sweep_us = INT64_MAX;
    atomic_store(&stage->stats.watermark_us, INT64_MIN);
    stage->state_limit_bytes = job->config.state_memory_limit_bytes;
    stream_check_init(&stage->check, node, pairs[node->id]);
    /* The key groups whose owner, by key_group_owner, is this subtask. */
    StateConfig state = {
        .owner = node->label == NULL ? node->op : node->label,
        .max_parallelism = max,
        .first_key_group = (task->subtask * max + copies - 1) / copies,
        .last_key_group = ((task->subtask + 1) * max + copies - 1) / copies - 1,
    };
    stage->context = (OperatorContext){
        .node = node,
        .subtask = task->subtask,
        .parallelism = copies,
        .state = state_store_new(&state),
        .time = &stage->time,
        .environment = &task->environment,
        .batch_rows = job->config.batch_rows,
        .arena = task->arena,
        .notify = task_notify,
        .notify_to = task,
        .interrupted = task_is_interrupted,
        .interrupted_to = task,
    };
    state_store_advance(stage->context.state, task->clock->now_us(task->clock) / 1000);
}

static Task *new_task(Job *job, Attempt *attempt, const Fragment *fragment, uint32_t subtask,
                      const bool *pairs)
{
    Task *task = arena_new_one(attempt->arena, Task);
    task->job = job;
    task->fragment = fragment;
    task->subtask = subtask;
    task->batch_rows = job->config.batch_rows;
    task->bounded_run = job->config.bounded_run;
    task->store = job->store;
    task->clock = job->config.clock;
    task->arena = arena_new(65536);
    task->environment = (FunctionEnvironment){
        .clock = job->config.clock, .zone = job->config.zone, .watermark_us = INT64_MIN};
    task->stage_count = fragment->node_count;
    task->stages = arena_new_array(task->arena, Stage, fragment->node_count);
    task->sinks = arena_new_array(task->arena, Stage *, fragment->node_count);
    for (uint32_t i = 0; i < fragment->node_count; i++) {
        const PlanNode *node = job->plan->nodes[fragment->nodes[i]];
        init_stage(task, &task->stages[i], node, pairs);
        if (node_is_source(node))
            task->stages[i].inputs[0].feeds = 1;
        if (strcmp(node->op, "sink") == 0)
            task->sinks[task->sink_count++] = &task->stages[i];
    }
    return task;
}

/* Whether producer copy `from` of an edge writes to consumer copy `to`. */
static bool edge_connects(const FragmentEdge *edge, uint32_t from, uint32_t to, uint32_t to_copies)
{
    return edge->kind == EDGE_HASH || from % to_copies == to;
}

static const Fragment *fragment_of(const Job *job, uint32_t node)
{
    return &job->graph->fragments[job->graph->fragment_of[node]];
}

static void make_inboxes(Job *job, Attempt *attempt)
{
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        Task *task = attempt->tasks[t];
        uint32_t count = 0;
        for (uint32_t e = 0; e < job->graph->edge_count; e++) {
            const FragmentEdge *edge = &job->graph->edges[e];
            if (edge->kind == EDGE_CHAIN || fragment_of(job, edge->to) != task->fragment)
                continue;
            uint32_t producers = fragment_of(job, edge->from)->parallelism;
            for (uint32_t i = 0; i < producers; i++)
                count += edge_connects(edge, i, task->subtask, task->fragment->parallelism);
        }
        for (uint32_t i = 0; i < task->stage_count; i++)
            count += node_is_fed(task->stages[i].node);
        task->channels = arena_new_array(task->arena, TaskChannel, count);
        task->inbox = inbox_new(count, job->config.queue_bytes, &task->worker->bell);
    }
}

static uint32_t add_channel(Stage *stage, uint32_t input, bool is_fed)
{
    Task *task = stage->task;
    task->channels[task->channel_count] =
        (TaskChannel){.stage = stage, .input = input, .watermark_us = INT64_MIN, .is_fed = is_fed};
    stage->inputs[input].feeds++;
    return task->channel_count++;
}

/* The sending side of an edge for one producer copy. */
static Exchange *make_exchange(Job *job, Attempt *attempt, const FragmentEdge *edge, Stage *from)
{
    uint32_t copies = fragment_of(job, edge->to)->parallelism;
    ExchangeTarget *targets = arena_new_array(from->task->arena, ExchangeTarget, copies);
    uint32_t count = 0;
    for (uint32_t i = 0; i < copies; i++) {
        if (!edge_connects(edge, from->task->subtask, i, copies))
            continue;
        Stage *to = attempt_stage(job, attempt, edge->to, i);
        uint32_t channel = add_channel(to, edge->input, false);
        targets[count++] = (ExchangeTarget){to->task->inbox, channel};
    }
    bool by_key = edge->kind == EDGE_HASH;
    return exchange_new(from->task->arena, from->node->schema, by_key ? edge->keys->columns : NULL,
                        by_key ? edge->keys->count : 0, job->plan->max_parallelism, targets, count,
                        &(ExchangeSender){&from->task->worker->bell, worker_wait, from->task});
}

static void connect_stage(Job *job, Attempt *attempt, Stage *stage)
{
    const FragmentGraph *graph = job->graph;
    Task *task = stage->task;
    stage->emitter.outputs = arena_new_array(task->arena, Output, graph->edge_count);
    /* Outputs for late rows stand behind the others. */
    for (uint32_t i = 0; i < graph->edge_count * 2; i++) {
        const FragmentEdge *edge = &graph->edges[i % graph->edge_count];
        if (edge->from != stage->node->id || edge->late != (i >= graph->edge_count))
            continue;
        Output *output = &stage->emitter.outputs[stage->emitter.output_count++];
        stage->emitter.row_output_count += !edge->late;
        output->late = edge->late;
        output->input = edge->input;
        if (edge->kind == EDGE_CHAIN) {
            output->stage = attempt_stage(job, attempt, edge->to, task->subtask);
            output->stage->inputs[edge->input].feeds++;
        } else {
            output->exchange = make_exchange(job, attempt, edge, stage);
        }
    }
    if (node_is_fed(stage->node)) {
        uint32_t channel = add_channel(stage, 0, true);
        for (uint32_t i = 0; i < job->fed_count; i++)
            if (job->fed[i].node == stage->node) {
                job->fed[i].inbox = task->inbox;
                job->fed[i].channel = channel;
            }
    }
}

/* For each node whether its updates come as adjacent pairs (runtime/stream_check.h). */
static const bool *find_pairs(const Job *job, Arena *arena)
{
    const Plan *plan = job->plan;
    bool *pairs = arena_new_array(arena, bool, plan->node_count);
    for (uint32_t i = 0; i < plan->node_count; i++) {
        bool *split = arena_new_array(arena, bool, plan->nodes[i]->input_count + 1);
        for (uint32_t e = 0; e < job->graph->edge_count; e++)
            if (job->graph->edges[e].to == i)
                split[job->graph->edges[e].input] = job->graph->edges[e].kind == EDGE_HASH;
        pairs[i] = stream_has_pairs(plan->nodes[i], pairs, split);
    }
    return pairs;
}

static void build_tasks(Job *job, Attempt *attempt)
{
    const FragmentGraph *graph = job->graph;
    const bool *pairs = find_pairs(job, attempt->arena);
    uint32_t count = 0;
    attempt->first_task = arena_new_array(attempt->arena, uint32_t, graph->fragment_count);
    for (uint32_t i = 0; i < graph->fragment_count; i++) {
        attempt->first_task[i] = count;
        count += graph->fragments[i].parallelism;
    }
    attempt->tasks = arena_new_array(attempt->arena, Task *, count);
    for (uint32_t i = 0; i < graph->fragment_count; i++)
        for (uint32_t k = 0; k < graph->fragments[i].parallelism; k++)
            attempt->tasks[attempt->task_count++] =
                new_task(job, attempt, &graph->fragments[i], k, pairs);
    workers_build(job, attempt);
    make_inboxes(job, attempt);
    for (uint32_t t = 0; t < count; t++)
        for (uint32_t i = 0; i < attempt->tasks[t]->stage_count; i++)
            connect_stage(job, attempt, &attempt->tasks[t]->stages[i]);
}

/* -------------------------------------------------------------------- opening */

static bool make_sink_runtime(const Job *job, Stage *stage, const RestorePoint *from, Error *error)
{
    Task *task = stage->task;
    SinkRuntime *runtime = arena_new_one(task->arena, SinkRuntime);
    runtime->job = job->config.name;
    runtime->zone = job->config.zone;
    runtime->store = job->store;
    runtime->write_text = job->config.write_text == NULL ? NULL : job_write_text;
    runtime->on_rows = job->config.on_rows == NULL ? NULL : job_on_rows;
    runtime->to = task->job;
    runtime->rows_written = &task->job->rows_written;
    stage->context.runtime = runtime;
    if (from->store == NULL || manifest_find(&from->manifest, "sink", stage->node->uid) == NULL)
        return true;
    runtime->restored_epoch = from->epoch;
    return restore_pending(task->arena, from, stage->node->uid, &runtime->restored,
                           &runtime->restored_count, error);
}

/* Gives each stage a check of its rows, where they follow the rules. */
static void open_row_checks(const Job *job, Attempt *attempt)
{
    const Plan *plan = job->plan;
    bool *follows = arena_new_array(attempt->arena, bool, plan->node_count + 1);
    for (uint32_t i = 0; i < plan->node_count; i++)
        follows[i] = row_check_applies(plan->nodes[i], follows);
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        const Task *task = attempt->tasks[t];
        for (uint32_t i = 0; i < task->stage_count; i++) {
            Stage *stage = &task->stages[i];
            if (follows[stage->node->id] && strcmp(stage->node->op, "sink") != 0)
                stage->row_check = row_check_new(stage->node);
        }
    }
}

static bool open_operators(const Job *job, Attempt *attempt, const RestorePoint *from, Error *error)
{
    Buffer description = {0};
    bool opened = true;
    if (job->config.check_changes && from->store == NULL)
        open_row_checks(job, attempt);
    for (uint32_t t = 0; t < attempt->task_count && opened; t++) {
        Task *task = attempt->tasks[t];
        task->epoch_done = task->epoch_wanted = from->epoch;
        for (uint32_t i = 0; i < task->stage_count && opened; i++) {
            Stage *stage = &task->stages[i];
            if (strcmp(stage->node->op, "sink") == 0)
                opened = make_sink_runtime(job, stage, from, error);
            if (opened)
                stage->operator_ = stage->class->open(&stage->context, error);
            opened = opened && stage->operator_ != NULL;
            buffer_clear(&description);
            state_describe(stage->context.state, &description);
            stage->keeps_state = description.length > 0;
        }
    }
    buffer_deinit(&description);
    return opened;
}

const char *scan_source_uid(Arena *arena, const PlanNode *node)
{
    if (strcmp(node->op, "scan") != 0)
        return node->uid;
    const PlanScan *scan = node->spec;
    return scan->share_key == NULL ? node->uid : arena_printf(arena, "source %s", scan->share_key);
}

/* How many sources of this server the job has before this one. */
static uint32_t readers_before(const Job *job, const PlanNode *node)
{
    if (strcmp(node->op, "scan") != 0 || ((const PlanScan *)node->spec)->share_key == NULL)
        return 0;
    const PlanScan *own = node->spec;
    const char *last = own->share_key;
    uint32_t readers = 0;
    for (uint32_t i = node->id; i-- > 0;) {
        const PlanScan *other = job->plan->nodes[i]->spec;
        if (strcmp(job->plan->nodes[i]->op, "scan") != 0 || other->share_key == NULL ||
            strcmp(other->server_key, own->server_key) != 0)
            continue;
        if (strcmp(other->share_key, own->share_key) != 0 && strcmp(other->share_key, last) != 0)
            readers++;
        last = other->share_key;
    }
    return readers;
}

static bool looks_at_splits(const Task *task)
{
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (task->stages[i].context.splits != NULL)
            return true;
    return false;
}

static bool open_source(Job *job, const Attempt *attempt, Task *task, const RestorePoint *from,
                        Error *error)
{
    TaskSource *source = task->source;
    const PlanNode *first = source->scans[0]->node;
    bool restored =
        from->store != NULL && manifest_find(&from->manifest, "source", source->uid) != NULL;
    SourceContext context = {
        .job = job->config.name,
        .subtask = task->subtask,
        .parallelism = task->fragment->parallelism,
        .is_restored = restored,
        .readers_before = readers_before(job, first),
        .shared = &task_of(job, attempt, first->id, 0)->source->shared,
        .times = looks_at_splits(task) ? &source->times : NULL,
        .clock = job->config.clock,
        .zone = job->config.zone,
        .bounded_run = job->config.bounded_run,
        .notice = job->config.notice == NULL ? NULL : job_notice,
        .notice_to = job,
        .interrupted = job_interrupted,
        .interrupted_to = job,
    };
    if (restored && !restore_splits(task->arena, from, source->uid, &context.restored,
                                    &context.restored_count, error))
        return false;
    source->reading = true;
    if (strcmp(first->op, "values") == 0) {
        source->source = values_source_open(first->spec, &context, error);
        return source->source != NULL;
    }
    ScanInfo *scans = arena_new_array(task->arena, ScanInfo, source->scan_count);
    for (uint32_t i = 0; i < source->scan_count; i++)
        scans[i] = ((const PlanScan *)source->scans[i]->node->spec)->scan;
    context.scans = scans;
    context.scan_count = source->scan_count;
    source->source = source->class->open(&context, error);
    if (source->source == NULL && source->scan_count == 1)
        error_prefix(error, "table \"%s\": ", scans[0].table->name);
    return source->source != NULL;
}

/* Makes the task's source, if it has one, without opening it. */
static void make_source(Task *task)
{
    if (!task->fragment->has_source)
        return;
    TaskSource *source = arena_new_one(task->arena, TaskSource);
    source->scans = arena_new_array(task->arena, Stage *, task->stage_count);
    source->progress.seconds_behind = -1;
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (node_is_source(task->stages[i].node))
            source->scans[source->scan_count++] = &task->stages[i];
    const PlanNode *first = source->scans[0]->node;
    source->uid = scan_source_uid(task->arena, first);
    source->class = strcmp(first->op, "values") == 0
                        ? &values_source
                        : ((const PlanScan *)first->spec)->connector->source;
    task->source = source;
}

/* Whether the rows of the scan come to the node one by one, in their order. */
static bool comes_from(const PlanNode *node, const PlanNode *scan)
{
    while (node != scan && node->input_count == 1 &&
           (strcmp(node->op, "watermark") == 0 || strcmp(node->op, "calc") == 0 ||
            strcmp(node->op, "drop_update_before") == 0))
        node = node->inputs[0].node;
    return node == scan;
}

/* Watermarks see which split of the source a row is of, where they run in its task. */
static void connect_splits(Task *task)
{
    TaskSource *source = task->source;
    if (source == NULL || source->scan_count != 1)
        return;
    for (uint32_t i = 0; i < task->stage_count; i++) {
        Stage *stage = &task->stages[i];
        const PlanWatermark *spec = stage->node->spec;
        if (strcmp(stage->node->op, "watermark") == 0 && spec->watermark != NULL &&
            comes_from(stage->node, source->scans[0]->node))
            stage->context.splits = &source->times;
    }
}

/* Whether the scan's rows, and no others, are behind what the node sees. */
static bool is_above(const PlanNode *node, const PlanNode *scan)
{
    while (node != scan && node->input_count == 1)
        node = node->inputs[0].node;
    return node == scan;
}

/* The table's watermark that is aligned with others; NULL: none. */
static const PlanNode *find_aligned(const Job *job, const TaskSource *source)
{
    for (uint32_t n = 0; n < job->plan->node_count; n++) {
        const PlanNode *node = job->plan->nodes[n];
        const PlanWatermark *spec = node->spec;
        for (uint32_t i = 0; i < source->scan_count; i++)
            if (strcmp(node->op, "watermark") == 0 && spec->align_group != NULL &&
                is_above(node, source->scans[i]->node))
                return node;
    }
    return NULL;
}

static void connect_alignment(const Job *job, const Attempt *attempt, Task *task)
{
    TaskSource *source = task->source;
    const PlanNode *own = source == NULL ? NULL : find_aligned(job, source);
    if (own == NULL)
        return;
    uint32_t copies = fragment_of(job, own->id)->parallelism;
    source->align = own->spec;
    source->align_own = attempt_stage(job, attempt, own->id, task->subtask % copies);
    uint32_t room = 1;
    for (uint32_t t = 0; t < attempt->task_count; t++)
        room += attempt->tasks[t]->stage_count;
    source->align_others = arena_new_array(task->arena, const Stage *, room);
    for (uint32_t t = 0; t < attempt->task_count; t++)
        for (uint32_t i = 0; i < attempt->tasks[t]->stage_count; i++) {
            const Stage *stage = &attempt->tasks[t]->stages[i];
            const PlanWatermark *spec = stage->node->spec;
            if (strcmp(stage->node->op, "watermark") == 0 && stage != source->align_own &&
                spec->align_group != NULL &&
                strcmp(spec->align_group, source->align->align_group) == 0)
                source->align_others[source->align_count++] = stage;
        }
}

static bool open_outside(Job *job, Attempt *attempt, const RestorePoint *from, Error *error)
{
    for (uint32_t t = 0; t < attempt->task_count; t++)
        if (attempt->tasks[t]->source != NULL &&
            !open_source(job, attempt, attempt->tasks[t], from, error))
            return false;
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        Task *task = attempt->tasks[t];
        for (uint32_t i = 0; i < task->sink_count; i++)
            if (!sink_connect(task->sinks[i]->operator_, error))
                return false;
    }
    return true;
}

Attempt *attempt_new(Job *job)
{
    Arena *arena = arena_new(16384);
    Attempt *attempt = arena_new_one(arena, Attempt);
    attempt->arena = arena;
    attempt->started_us = clock_monotonic_us();
    error_clear(&attempt->error);
    build_tasks(job, attempt);
    for (uint32_t t = 0; t < attempt->task_count; t++)
        make_source(attempt->tasks[t]);
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        connect_splits(attempt->tasks[t]);
        connect_alignment(job, attempt, attempt->tasks[t]);
    }
    return attempt;
}

bool attempt_open(Job *job, Attempt *attempt, const RestorePoint *from, Error *error)
{
    atomic_store(&job->state_bytes, 0);
    bool opened =
        open_operators(job, attempt, from, error) && manifest_of_attempt(job, attempt, error);
    if (opened && from->store != NULL)
        opened = manifest_check(job, from, &attempt->manifest, error) &&
                 restore_state(job, attempt, from, error);
    if (opened && open_outside(job, attempt, from, error))
        return true;
    attempt_close(attempt);
    return false;
}

/* -------------------------------------------------------------------- running */

bool attempt_start(Attempt *attempt, Error *error)
{
    attempt->started_us = clock_monotonic_us();
    bool started = workers_start(attempt, error);
    if (!started) {
        attempt_interrupt(attempt);
        attempt_join(attempt);
    }
    return started;
}

void attempt_interrupt(Attempt *attempt)
{
    for (uint32_t t = 0; t < attempt->task_count; t++)
        task_interrupt(attempt->tasks[t]);
}

void attempt_join(Attempt *attempt)
{
    workers_join(attempt);
}

/* Less is given back sooner than threads are made for it. */
#define SHARED_STATE_BYTES ((uint64_t)32 << 20)

/* State of the copies with that number, and of those that follow it a round behind. */
typedef struct ClosedStates {
    const Attempt *attempt;
    uint32_t shares;
} ClosedStates;

static void close_states(void *to, uint32_t share)
{
    const ClosedStates *closed = to;
    for (uint32_t t = 0; t < closed->attempt->task_count; t++) {
        Task *task = closed->attempt->tasks[t];
        for (uint32_t i = 0; i < task->stage_count && task->subtask % closed->shares == share;
             i++) {
            Stage *stage = &task->stages[i];
            state_store_free(stage->context.state);
            row_check_free(stage->row_check);
            stage->row_check = NULL;
            stage->context.state = NULL;
        }
    }
}

/* Gives back what the operators kept; as many threads do so as filled it. */
static void close_all_states(const Attempt *attempt)
{
    ClosedStates closed = {.attempt = attempt, .shares = 1};
    uint64_t bytes = 0;
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        const Task *task = attempt->tasks[t];
        for (uint32_t i = 0; i < task->stage_count; i++)
            bytes += atomic_load_explicit(&task->stages[i].stats.state_bytes, memory_order_relaxed);
        if (task->subtask >= closed.shares)
            closed.shares = task->subtask + 1;
    }
    if (bytes < SHARED_STATE_BYTES)
        closed.shares = 1;
    if (closed.shares > WORKER_SHARES_MAX)
        closed.shares = WORKER_SHARES_MAX;
    workers_share(closed.shares, close_states, &closed);
}

void attempt_close(Attempt *attempt)
{
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        Task *task = attempt->tasks[t];
        if (task->source != NULL && task->source->source != NULL) {
            task->source->class->close(task->source->source);
            task->source->source = NULL;
        }
        for (uint32_t i = 0; i < task->stage_count; i++) {
            Stage *stage = &task->stages[i];
            if (stage->operator_ != NULL && stage->class->close != NULL)
                stage->class->close(stage->operator_);
            stage->operator_ = NULL;
        }
    }
    /* Batches that other tasks hold may borrow from a store. */
    close_all_states(attempt);
}

void attempt_free(Attempt *attempt)
{
    if (attempt == NULL)
        return;
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        for (uint32_t i = 0; i < attempt->tasks[t]->stage_count; i++)
            state_store_free(attempt->tasks[t]->stages[i].context.state); /* of one never opened */
        inbox_free(attempt->tasks[t]->inbox);
        arena_free(attempt->tasks[t]->arena);
    }
    workers_free(attempt);
    arena_free(attempt->arena);
}

uint64_t attempt_rows_in(const Attempt *attempt)
{
    uint64_t rows = 0;
    for (uint32_t t = 0; t < attempt->task_count; t++)
        for (uint32_t i = 0; i < attempt->tasks[t]->stage_count; i++) {
            const Stage *stage = &attempt->tasks[t]->stages[i];
            if (stage->node->input_count == 0)
                rows += atomic_load_explicit(&stage->stats.rows_in, memory_order_relaxed);
        }
    return rows;
}
