/* Reading a source between two looks at the inbox. */
#include <string.h>

#include "executor/runtime/coordinator.h"

#define PROGRESS_EVERY_US 100000

/* The split that is furthest behind, where there are several. */
static void tell_slowest(const SplitTimes *times, SourceProgress *progress)
{
    const SplitTime *slowest = NULL;
    for (uint32_t i = 0; i < times->count; i++) {
        const SplitTime *split = &times->splits[i];
        if (!split->ended && (slowest == NULL || split->watermark_us < slowest->watermark_us))
            slowest = split;
    }
    if (slowest == NULL || times->count == 1)
        return;
    /* The end of a path tells more than its beginning. */
    size_t length = strlen(slowest->name), room = sizeof(progress->slowest) - 1;
    memcpy(progress->slowest, slowest->name + (length > room ? length - room : 0),
           length > room ? room : length);
}

static void publish_progress(Task *task, bool now)
{
    TaskSource *source = task->source;
    int64_t time_us = clock_monotonic_us();
    if (source->class->progress == NULL)
        return;
    if (!now && time_us - source->published_us < PROGRESS_EVERY_US)
        return;
    source->published_us = time_us;
    SourceProgress progress = {.seconds_behind = -1};
    source->class->progress(source->source, &progress);
    tell_slowest(&source->times, &progress);
    coordinator_progress(task->job, source, &progress);
}

/* By the watermarks that have been passed on. A member that waits for nobody, or has ended, holds
 * nobody up. */
static bool is_ahead(const TaskSource *source)
{
    int64_t drift_us = source->align->align_drift_ms * 1000, least_us = INT64_MAX;
    int64_t own_us =
        atomic_load_explicit(&source->align_own->stats.watermark_us, memory_order_relaxed);
    for (uint32_t i = 0; i < source->align_count; i++) {
        const StageStats *stats = &source->align_others[i]->stats;
        int64_t other_us = atomic_load_explicit(&stats->watermark_us, memory_order_relaxed);
        if (!atomic_load_explicit(&stats->idle, memory_order_relaxed) && other_us < least_us)
            least_us = other_us;
    }
    int64_t limit_us;
    if (own_us == INT64_MIN || __builtin_add_overflow(least_us, drift_us, &limit_us))
        return false;
    return least_us == INT64_MIN || own_us > limit_us;
}

bool task_source_is_ahead(Task *task, int64_t *wait_ms)
{
    TaskSource *source = task->source;
    if (source == NULL || source->align == NULL)
        return false;
    int64_t interval_us = source->align->align_interval_ms * 1000, now_us = clock_monotonic_us();
    if (now_us - source->aligned_at_us >= interval_us) {
        source->aligned_at_us = now_us;
        source->is_ahead = is_ahead(source);
    }
    int64_t until_ms = (source->aligned_at_us + interval_us - now_us) / 1000 + 1;
    if (source->is_ahead && (*wait_ms < 0 || until_ms < *wait_ms))
        *wait_ms = until_ms;
    return source->is_ahead;
}

bool task_source_settled(const Task *task)
{
    const TaskSource *source = task->source;
    if (source == NULL || !source->reading)
        return true;
    if (source->class->is_short)
        return false;
    return task->store == NULL || source->class->settled == NULL ||
           source->class->settled(source->source);
}

bool task_source_end(Task *task, Error *error)
{
    task->source->reading = false;
    for (uint32_t i = 0; i < task->source->scan_count; i++)
        if (!stage_end(task->source->scans[i], 0, error))
            return false;
    publish_progress(task, true);
    return true;
}

bool task_source_stop(Task *task, Error *error)
{
    TaskSource *source = task->source;
    if (!source->reading || !task_source_settled(task))
        return true;
    if (source->draining)
        return task_source_end(task, error);
    source->reading = !source->stopping;
    return true;
}

bool task_source_read(Task *task, int64_t wait_ms, bool *idle, Error *error)
{
    TaskSource *source = task->source;
    Batch *batch = NULL;
    uint32_t scan = 0;
    SourceState state = source->class->next(source->source, wait_ms, &batch, &scan, error);
    publish_progress(task, false);
    *idle = state == SOURCE_IDLE;
    switch (state) {
    case SOURCE_BATCH:
        assert(scan < source->scan_count);
        return task_enter_batch(task, source->scans[scan], 0, batch, error);
    case SOURCE_IDLE:
        return true;
    case SOURCE_END:
        return task_source_end(task, error);
    case SOURCE_FAILED:
        break;
    }
    const PlanNode *node = source->scans[0]->node;
    if (source->scan_count == 1 && strcmp(node->op, "scan") == 0) {
        const PlanScan *spec = node->spec;
        error_prefix(error, "table \"%s\": ", spec->scan.table->name);
    }
    task->blamed = source->scans[0];
    return false;
}

static void add_position(void *to, Str split, Str position)
{
    Task *task = to;
    checkpoint_add_blob(task->store, task->source->uid, "source", task->subtask, split, position);
}

bool task_source_save(Task *task, Error *error)
{
    return task->source->class->position(task->source->source, add_position, task, error);
}
