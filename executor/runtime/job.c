/* The public calls of a job: start, look, feed, stop, free. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "core/clock.h"
#include "core/str.h"
#include "executor/runtime/job_internal.h"

#define QUEUE_BYTES_DEFAULT (4u << 20)
/* A century: longer waits would overflow microseconds. */
#define WAIT_MAX_MS INT64_C(3155760000000)

/* -------------------------------------------------------------- callbacks */

void job_notice(void *opaque, const char *text)
{
    Job *job = opaque;
    if (job->config.notice == NULL)
        return;
    pthread_mutex_lock(&job->output_lock);
    job->config.notice(job->config.to, text);
    pthread_mutex_unlock(&job->output_lock);
}

bool job_write_text(void *opaque, Str text, bool standard_error)
{
    Job *job = opaque;
    pthread_mutex_lock(&job->output_lock);
    bool written = job->config.write_text(job->config.to, text, standard_error);
    pthread_mutex_unlock(&job->output_lock);
    return written;
}

bool job_on_rows(void *opaque, const Batch *batch, Error *error)
{
    Job *job = opaque;
    pthread_mutex_lock(&job->rows_lock);
    bool taken = job->config.on_rows(job->config.to, batch, error);
    pthread_mutex_unlock(&job->rows_lock);
    return taken;
}

uint64_t task_add_state_bytes(Task *task, int64_t change)
{
    int64_t before =
        atomic_fetch_add_explicit(&task->job->state_bytes, change, memory_order_relaxed);
    return (uint64_t)(before + change);
}

bool job_interrupted(void *opaque)
{
    Job *job = opaque;
    if (!job->coordinator_started)
        return job->config.interrupted != NULL && job->config.interrupted(job->config.to);
    pthread_mutex_lock(&job->lock);
    bool interrupted = job->cancel_wanted || job->stop_wanted;
    pthread_mutex_unlock(&job->lock);
    return interrupted;
}

bool job_has_ended(const Job *job)
{
    return job->state != JOB_RUNNING && job->state != JOB_RESTARTING;
}

/* ------------------------------------------------------------------- start */

static const char *copy_text(Arena *arena, const char *text)
{
    return text == NULL ? NULL : arena_strdup(arena, text);
}

static Job *new_job(Plan *plan, const JobConfig *config)
{
    Arena *arena = arena_new(16384);
    Job *job = arena_new_one(arena, Job);
    job->arena = arena;
    job->plan = plan;
    job->config = *config;
    job->config.name = config->name == NULL ? "job" : arena_strdup(arena, config->name);
    job->config.checkpoint_directory = copy_text(arena, config->checkpoint_directory);
    job->config.recovery_path = copy_text(arena, config->recovery_path);
    if (job->config.parallelism == 0)
        job->config.parallelism = 1;
    if (job->config.batch_rows == 0 || job->config.batch_rows > BATCH_ROWS_MAX)
        job->config.batch_rows = BATCH_ROWS_MAX;
    if (job->config.queue_bytes == 0)
        job->config.queue_bytes = QUEUE_BYTES_DEFAULT;
    if (job->config.clock == NULL)
        job->config.clock = &clock_system;
    if (job->config.zone == NULL)
        job->config.zone = time_zone_utc();
    pthread_mutex_init(&job->lock, NULL);
    pthread_mutex_init(&job->output_lock, NULL);
    pthread_mutex_init(&job->rows_lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&job->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    error_clear(&job->error);
    job->state = JOB_RUNNING;
    return job;
}

static void find_fed_tables(Job *job)
{
    job->fed = arena_new_array(job->arena, FedTable, job->plan->node_count);
    for (uint32_t i = 0; i < job->plan->node_count; i++)
        if (node_is_fed(job->plan->nodes[i]))
            job->fed[job->fed_count++].node = job->plan->nodes[i];
}

static bool open_store(Job *job, Error *error)
{
    const JobConfig *config = &job->config;
    if (config->checkpoint_directory == NULL) {
        if (config->checkpoint_interval_ms > 0)
            job_notice(job, "checkpoints are off: execution.checkpointing.interval is set, but "
                            "execution.checkpointing.dir is not");
        return true;
    }
    CheckpointConfig store = {
        .directory = config->checkpoint_directory,
        .job = config->name,
        .retained = config->checkpoints_retained == 0 ? 1 : config->checkpoints_retained,
        .wait_ms = config->checkpoint_wait_ms,
        .fresh = config->fresh,
    };
    job->store = checkpoint_open(&store, error);
    return job->store != NULL;
}

void job_say_restored(Job *job, const RestorePoint *from)
{
    Buffer text = {0};
    buffer_printf(&text, "job \"%s\" goes on from epoch %llu of ", job->config.name,
                  (unsigned long long)from->epoch);
    int64_t local = time_zone_to_local(job->config.zone, from->completed_at_us);
    datetime_print(datetime_from_micros(local), 0, &text);
    buffer_printf(&text, " (%s)", time_zone_name(job->config.zone));
    job_notice(job, buffer_text(&text));
    buffer_deinit(&text);
}

static bool start_coordinator(Job *job, Error *error)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    job->coordinator_started = true; /* it asks, see job_interrupted */
    int status = pthread_create(&job->coordinator, NULL, coordinator_main, job);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status != 0)
        job->coordinator_started = false;
    return status == 0 ||
           error_set(error, ERROR_LIMIT, "could not start a thread: %s", strerror(status));
}

/* The first run of the plan; on failure nothing is open. */
static bool begin(Job *job, const RestorePoint *from, Error *error)
{
    if (!attempt_open(job, job->attempt, from, error))
        return false;
    job->went_on = from->store != NULL;
    if (job->went_on)
        job_say_restored(job, from);
    if (attempt_start(job->attempt, error))
        return true;
    attempt_close(job->attempt);
    return false;
}

static bool open_job(Job *job, Error *error)
{
    if (job->config.parallelism > job->plan->max_parallelism) {
        error_set(error, ERROR_OPTION, "parallelism.default is %u, more than the maximum of %u",
                  job->config.parallelism, job->plan->max_parallelism);
        return error_hint(error, "Raise pipeline.max-parallelism or lower parallelism.default.");
    }
    RestorePoint from = {0};
    if (!open_store(job, error) || !restore_choose(job, job->arena, &from, error))
        return false;
    if (!branches_settle(job, &from, error)) {
        restore_close(job, &from);
        return false;
    }
    find_fed_tables(job);
    job->graph = fragments_build(job->arena, job->plan, job->config.parallelism);
    job->epoch = job->checkpoint_epoch = from.epoch;
    job->checkpoint_at_us = from.completed_at_us;
    job->attempt = attempt_new(job);
    error_clear(&job->start_error);
    job->begun = begin(job, &from, &job->start_error);
    restore_close(job, &from);
    if (!job->begun && !coordinator_may_restart(job, &job->start_error)) {
        if (error != NULL)
            *error = job->start_error;
        return false;
    }
    if (!job->begun)
        job->state = JOB_RESTARTING;
    if (start_coordinator(job, error))
        return true;
    attempt_interrupt(job->attempt);
    attempt_join(job->attempt);
    attempt_close(job->attempt);
    return false;
}

Job *job_start(Plan *plan, const JobConfig *config, Error *error)
{
    Job *job = new_job(plan, config);
    if (open_job(job, error))
        return job;
    job_free(job);
    return NULL;
}

/* ------------------------------------------------------------------- looking */

bool job_wait(Job *job, int64_t timeout_ms)
{
    int64_t wait_ms = timeout_ms > WAIT_MAX_MS ? WAIT_MAX_MS : timeout_ms;
    int64_t until = clock_monotonic_us() + wait_ms * 1000;
    struct timespec at = {(time_t)(until / MICROS_PER_SECOND),
                          (long)(until % MICROS_PER_SECOND) * 1000};
    pthread_mutex_lock(&job->lock);
    int status = 0;
    /* A mere look does not wait: readers take one for every batch. */
    while (timeout_ms != 0 && !job_has_ended(job) && status != ETIMEDOUT)
        status = timeout_ms < 0 ? pthread_cond_wait(&job->changed, &job->lock)
                                : pthread_cond_timedwait(&job->changed, &job->lock, &at);
    bool ended = job_has_ended(job);
    pthread_mutex_unlock(&job->lock);
    return ended;
}

/* Adds what the sources say of themselves: the snapshot's progress over all of them, the position
 * and lag of the one that is furthest behind. */
static void add_sources(const Attempt *attempt, JobStatus *out)
{
    uint64_t rows = 0, expected = 0;
    bool known = true;
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        const TaskSource *source = attempt->tasks[t]->source;
        if (source == NULL)
            continue;
        const SourceProgress *progress = &source->progress;
        out->rows_skipped += progress->rows_skipped;
        if (progress->snapshot) {
            out->snapshot = true;
            rows += progress->rows;
            expected += progress->rows_expected;
            known = known && progress->rows_expected > 0;
        }
        bool further = progress->seconds_behind > out->seconds_behind;
        if (further)
            out->seconds_behind = progress->seconds_behind;
        if (progress->position[0] != '\0' && (further || out->position[0] == '\0'))
            memcpy(out->position, progress->position, sizeof(out->position));
    }
    if (!out->snapshot || !known || expected == 0)
        return;
    double share = rows < expected ? (double)rows / (double)expected : 1.0;
    out->snapshot_percent = share * 100;
    double elapsed = (double)(clock_monotonic_us() - attempt->started_us) / 1e6;
    if (share > 0)
        out->snapshot_seconds_left = elapsed * (1 - share) / share;
}

static double stands_seconds(const Job *job, const Stage *stage)
{
    int64_t moved_us = atomic_load_explicit(&stage->stats.moved_at_us, memory_order_relaxed);
    return (double)(job->config.clock->now_us(job->config.clock) - moved_us) / 1e6;
}

/* The split of its source that a watermark waits for; under the job's lock. */
static void copy_split(const Stage *stage, char split[128])
{
    split[0] = '\0';
    if (stage->context.splits != NULL)
        memcpy(split, stage->task->source->progress.slowest, 128);
}

/* Notes the watermark of a source if it is the one that the others wait for. */
static void add_watermark(const Job *job, const Stage *stage, JobStatus *out)
{
    const PlanNode *node = stage->node;
    const PlanWatermark *spec = node->spec;
    int64_t watermark = atomic_load_explicit(&stage->stats.watermark_us, memory_order_relaxed);
    if (atomic_load_explicit(&stage->stats.idle, memory_order_relaxed) || watermark == INT64_MAX ||
        (out->has_event_time && watermark >= out->watermark_us))
        return;
    out->has_event_time = true;
    const Type *type =
        spec->watermark != NULL ? spec->watermark->type : node->schema->columns[spec->rowtime].type;
    out->waits_local = type->kind == TYPE_TIMESTAMP;
    out->watermark_us = watermark;
    out->watermark_stands_seconds = stands_seconds(job, stage);
    snprintf(out->watermark_table, sizeof(out->watermark_table), "%s", spec->table);
    copy_split(stage, out->watermark_split);
}

static void add_event_time(const Job *job, JobStatus *out)
{
    for (uint32_t i = 0; i < job->plan->node_count; i++) {
        const PlanNode *node = job->plan->nodes[i];
        uint32_t copies = job->graph->fragments[job->graph->fragment_of[i]].parallelism;
        for (uint32_t k = 0; k < copies; k++) {
            const Stage *stage = attempt_stage(job, job->attempt, i, k);
            out->late_rows += atomic_load_explicit(&stage->stats.late_rows, memory_order_relaxed);
            if (strcmp(node->op, "watermark") == 0 && !((const PlanWatermark *)node->spec)->relays)
                add_watermark(job, stage, out);
        }
    }
}

void job_status(Job *job, JobStatus *out)
{
    memset(out, 0, sizeof(*out));
    out->snapshot_percent = out->snapshot_seconds_left = out->seconds_behind = -1;
    pthread_mutex_lock(&job->lock);
    out->state = job->state;
    out->rows_in = job->rows_in_before + attempt_rows_in(job->attempt);
    out->rows_out = atomic_load_explicit(&job->rows_written, memory_order_relaxed);
    int64_t bytes = atomic_load_explicit(&job->state_bytes, memory_order_relaxed);
    out->state_bytes = bytes < 0 ? 0 : (uint64_t)bytes;
    out->checkpoint_epoch = job->checkpoint_epoch;
    out->checkpoint_at_us = job->checkpoint_at_us;
    out->checkpoint_duration_us = job->checkpoint_duration_us;
    out->checkpoint_pause_us = job->checkpoint_pause_us;
    out->checkpoint_bytes = job->checkpoint_bytes;
    out->restarts = job->restarts;
    out->restart_seconds_left = -1;
    if (job->state == JOB_RESTARTING && job->restart_at_us > 0)
        out->restart_seconds_left = (double)(job->restart_at_us - clock_monotonic_us()) / 1e6;
    add_sources(job->attempt, out);
    add_event_time(job, out);
    pthread_mutex_unlock(&job->lock);
}

static void operator_status(const Job *job, const PlanNode *node, OperatorStatus *out)
{
    uint32_t copies = job->graph->fragments[job->graph->fragment_of[node->id]].parallelism;
    *out = (OperatorStatus){.node = node, .watermark_us = INT64_MAX};
    for (uint32_t i = 0; i < copies; i++) {
        const Stage *stage = attempt_stage(job, job->attempt, node->id, i);
        const StageStats *stats = &stage->stats;
        out->rows_in += atomic_load_explicit(&stats->rows_in, memory_order_relaxed);
        out->rows_out += atomic_load_explicit(&stats->rows_out, memory_order_relaxed);
        out->busy_us += atomic_load_explicit(&stats->busy_us, memory_order_relaxed);
        out->state_bytes += atomic_load_explicit(&stats->state_bytes, memory_order_relaxed);
        out->state_keys += atomic_load_explicit(&stats->state_keys, memory_order_relaxed);
        out->late_rows += atomic_load_explicit(&stats->late_rows, memory_order_relaxed);
        int64_t watermark = atomic_load_explicit(&stats->watermark_us, memory_order_relaxed);
        if (watermark >= out->watermark_us)
            continue;
        out->watermark_us = watermark;
        out->watermark_stands_seconds = stands_seconds(job, stage);
        copy_split(stage, out->watermark_split);
    }
}

bool task_refuse_state(Task *task, uint64_t bytes, Error *error)
{
    Job *job = task->job;
    OperatorStatus most = {0};
    pthread_mutex_lock(&job->lock);
    for (uint32_t i = 0; i < job->plan->node_count; i++) {
        OperatorStatus status;
        operator_status(job, job->plan->nodes[i], &status);
        if (most.node == NULL || status.state_bytes > most.state_bytes)
            most = status;
    }
    pthread_mutex_unlock(&job->lock);
    error_set(error, ERROR_LIMIT,
              "the job keeps %.1f MiB of state and may keep %.1f MiB "
              "(execution.state-memory-limit)",
              (double)bytes / 1048576, (double)job->config.state_memory_limit_bytes / 1048576);
    error_detail(error, "Most of it, %.1f MiB for %llu keys, is kept by %s: %s.",
                 (double)most.state_bytes / 1048576, (unsigned long long)most.state_keys,
                 most.node->label == NULL ? most.node->op : most.node->label,
                 most.node->state == NULL ? "its rows" : most.node->state);
    return error_hint(error, "Raise the limit, or bound what is kept with 'table.exec.state.ttl', "
                             "the hint STATE_TTL or a window.");
}

uint32_t job_operators(Job *job, OperatorStatus *out, uint32_t capacity)
{
    uint32_t count = job->plan->node_count;
    pthread_mutex_lock(&job->lock);
    for (uint32_t i = 0; i < count && i < capacity; i++)
        operator_status(job, job->plan->nodes[i], &out[i]);
    pthread_mutex_unlock(&job->lock);
    return count;
}

void job_error(Job *job, Error *out)
{
    pthread_mutex_lock(&job->lock);
    *out = job->error;
    pthread_mutex_unlock(&job->lock);
}

/* -------------------------------------------------------------------- ending */

void job_stop(Job *job, bool drain)
{
    pthread_mutex_lock(&job->lock);
    if (!job->stop_wanted)
        job->drain_wanted = drain;
    job->stop_wanted = true;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

bool job_can_save(const Job *job, const char *directory, Error *error)
{
    if (job->config.checkpoint_directory == NULL) {
        error_set(error, ERROR_OPTION, "job \"%s\" keeps no checkpoints", job->config.name);
        return error_hint(error,
                          "SET 'execution.checkpointing.dir' = 'a folder' before it starts.");
    }
    return checkpoint_make_directories(directory, error);
}

bool job_save(Job *job, const char *directory, Arena *arena, const char **path, Error *error)
{
    CheckpointConfig config = {.directory = job->config.checkpoint_directory,
                               .job = job->config.name,
                               .read_only = true,
                               .retained = 1};
    CheckpointStore *store = checkpoint_open(&config, error);
    bool saved = store != NULL && checkpoint_copy(store, directory, arena, path, error);
    checkpoint_close(store);
    return saved;
}

void job_cancel(Job *job)
{
    pthread_mutex_lock(&job->lock);
    job->cancel_wanted = true;
    pthread_cond_broadcast(&job->changed);
    pthread_mutex_unlock(&job->lock);
}

void job_free(Job *job)
{
    if (job == NULL)
        return;
    if (job->coordinator_started) {
        job_cancel(job);
        pthread_join(job->coordinator, NULL);
    }
    attempt_free(job->attempt);
    if (job->store != NULL)
        checkpoint_close(job->store);
    pthread_cond_destroy(&job->changed);
    pthread_mutex_destroy(&job->rows_lock);
    pthread_mutex_destroy(&job->output_lock);
    pthread_mutex_destroy(&job->lock);
    plan_free(job->plan);
    arena_free(job->arena);
}

/* ------------------------------------------------------------------- feeding */

/* Why the job takes no more rows; false always. Under the lock. */
static bool not_running(const Job *job, Error *error)
{
    if (job->state == JOB_FAILED) {
        *error = job->error;
        return false;
    }
    return error_set(error, ERROR_CANCELLED, "job \"%s\" has ended or is stopping",
                     job->config.name);
}

static bool feeds_table(const FedTable *fed, const char *table)
{
    return strcmp(((const PlanScan *)fed->node->spec)->scan.table->name, table) == 0;
}

static bool unknown_table(const Job *job, const char *table, Error *error)
{
    error_set(error, ERROR_NAME, "job \"%s\" reads no fed table \"%s\"", job->config.name, table);
    const char **names = memory_zalloc((job->fed_count + 1) * sizeof(*names));
    for (uint32_t i = 0; i < job->fed_count; i++)
        names[i] = ((const PlanScan *)job->fed[i].node->spec)->scan.table->name;
    const char *nearest = str_nearest(table, names, job->fed_count);
    if (nearest != NULL)
        error_hint(error, "Did you mean \"%s\"?", nearest);
    memory_free(names);
    return false;
}

/* Checks that the table is fed, open, and the job runs. Under the lock. */
static bool check_feed(const Job *job, const char *table, Error *error)
{
    if (job_has_ended(job) || job->stop_wanted || job->cancel_wanted || job->attempt->failed)
        return not_running(job, error);
    for (uint32_t i = 0; i < job->fed_count; i++)
        if (feeds_table(&job->fed[i], table))
            return !job->fed[i].ended ||
                   error_set(error, ERROR_CANCELLED, "the input of table \"%s\" has ended", table);
    return unknown_table(job, table, error);
}

/* The feeder's types may go before the batch does. */
static void take_type(Vector *vector, const Type *type, Arena *arena)
{
    vector->type = type;
    if (!type_is_nested(type))
        return;
    vector->children =
        arena_memdup(arena, vector->children, sizeof(*vector->children) * type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++)
        take_type(&vector->children[i], type->fields[i].type, arena);
}

/* The columns a scan reads of rows of the whole table; takes over one ownership of `rows`. */
static Batch *project_feed(const ScanInfo *scan, Batch *rows)
{
    Batch *batch = batch_new_bare(scan->schema);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        batch->columns[i] = rows->columns[scan->columns[i]];
        take_type(&batch->columns[i], scan->schema->columns[i].type, batch->arena);
    }
    for (uint32_t i = scan->column_count; i < scan->schema->column_count; i++)
        vector_init_constant(&batch->columns[i], scan->schema->columns[i].type, batch->arena);
    batch->kinds = rows->kinds;
    batch->row_count = rows->row_count;
    batch_hold(batch, rows);
    return batch;
}

static bool check_fed_rows(const PlanNode *node, const char *table, const Batch *batch,
                           Error *error)
{
    const Schema *physical = ((const PlanScan *)node->spec)->scan.table->physical;
    if (batch->column_count != physical->column_count)
        return error_set(error, ERROR_TYPE, "table \"%s\" has %u physical columns, not %u", table,
                         physical->column_count, batch->column_count);
    for (uint32_t i = 0; i < batch->row_count; i++) {
        uint8_t kind = batch_kind(batch, i);
        if ((node->traits.kinds & CHANGES_OF(kind)) == 0) {
            error_set(error, ERROR_DATA, "table \"%s\" does not take %s rows", table,
                      change_kind_text(kind));
            return error_hint(error, "Its option \"changelog-mode\" says which kinds it has.");
        }
    }
    return true;
}

/* Hands one scan its columns of the rows. */
static bool feed_scan(Job *job, const FedTable *to, Batch *rows, Error *error)
{
    const ScanInfo *scan = &((const PlanScan *)to->node->spec)->scan;
    Batch *projected = project_feed(scan, batch_retain(rows));
    Message message = {.kind = MESSAGE_BATCH, .channel = to->channel, .batch = projected};
    if (inbox_push(to->inbox, message, NULL))
        return true;
    job_wait(job, -1);
    pthread_mutex_lock(&job->lock);
    not_running(job, error);
    pthread_mutex_unlock(&job->lock);
    return false;
}

bool job_feed(Job *job, const char *table, Batch *batch, Error *error)
{
    pthread_mutex_lock(&job->lock);
    bool fed = check_feed(job, table, error);
    for (uint32_t i = 0; i < job->fed_count && fed; i++)
        if (feeds_table(&job->fed[i], table))
            fed = check_fed_rows(job->fed[i].node, table, batch, error);
    pthread_mutex_unlock(&job->lock);
    /* The list itself is fixed, and a push may block: outside of the lock. */
    for (uint32_t i = 0; i < job->fed_count && fed && batch->row_count > 0; i++)
        if (feeds_table(&job->fed[i], table))
            fed = feed_scan(job, &job->fed[i], batch, error);
    batch_release(batch);
    return fed;
}

static bool feed_control(Job *job, const char *table, Message message, Error *error)
{
    pthread_mutex_lock(&job->lock);
    bool fed = check_feed(job, table, error);
    for (uint32_t i = 0; i < job->fed_count && fed; i++) {
        FedTable *to = &job->fed[i];
        if (!feeds_table(to, table))
            continue;
        to->ended = message.kind == MESSAGE_END;
        message.channel = to->channel;
        fed = inbox_push(to->inbox, message, NULL) || not_running(job, error);
    }
    pthread_mutex_unlock(&job->lock);
    return fed;
}

bool job_feed_watermark(Job *job, const char *table, int64_t watermark_us, Error *error)
{
    Message message = {.kind = MESSAGE_WATERMARK, .watermark_us = watermark_us};
    return feed_control(job, table, message, error);
}

bool job_feed_end(Job *job, const char *table, Error *error)
{
    return feed_control(job, table, (Message){.kind = MESSAGE_END}, error);
}

void job_clock_set(Job *job)
{
    pthread_mutex_lock(&job->lock);
    for (uint32_t i = 0; i < job->attempt->task_count && !job_has_ended(job); i++)
        task_command(job->attempt->tasks[i], (Command){.kind = COMMAND_CLOCK});
    pthread_mutex_unlock(&job->lock);
}

bool job_settle(Job *job, Error *error)
{
    pthread_mutex_lock(&job->lock);
    uint64_t ticket = ++job->settle_wanted;
    pthread_cond_broadcast(&job->changed);
    while (job->settle_done < ticket && !job_has_ended(job))
        pthread_cond_wait(&job->changed, &job->lock);
    bool settled = job->settle_done >= ticket || job->state == JOB_FINISHED;
    if (!settled)
        not_running(job, error);
    pthread_mutex_unlock(&job->lock);
    return settled;
}
