/* Reading a source between two looks at the inbox. */
#include <string.h>

#include "executor/coordinator.h"

/* How long a read may block: bounds how late a barrier starts when a source has no wake, or when it
 * was woken just before it went to sleep. */
#define READ_BLOCKS_MS    10
#define PROGRESS_EVERY_US 100000

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
    coordinator_progress(task->job, source, &progress);
}

bool task_source_settled(const Task *task)
{
    const TaskSource *source = task->source;
    return source == NULL || !source->reading || task->store == NULL ||
           source->class->settled == NULL || source->class->settled(source->source);
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

bool task_source_read(Task *task, bool *idle, Error *error)
{
    TaskSource *source = task->source;
    Batch *batch = NULL;
    uint32_t scan = 0;
    SourceState state = source->class->next(source->source, READ_BLOCKS_MS, &batch, &scan, error);
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
