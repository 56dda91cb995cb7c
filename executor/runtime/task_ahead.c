/* Copying state ahead of a barrier, so that the worker stands still only for what is left.
 *
 * Between two batches a task copies changed records into the checkpoint, for about SLICE_US at a
 * time and never more than half of its time, while there is anything else to do. From when an epoch
 * begins it does so for the tables where that is no work done twice (state_snapshot_ahead); once
 * the epoch is due (COMMAND_APPROACH) for all of them, until what has changed is so little that the
 * barrier takes no time to speak of. Records that go on changing are copied again; since a row
 * takes longer to work than its records to copy, each round leaves a fraction of the one before.
 * Then the coordinator is told, and the barrier comes when every task is ready. Before that, and
 * when the epoch is due, operators emit what the barrier would make them (`approach`): a watermark
 * lets windows fire and rows go, which takes longer than copying.
 *
 * Invariant: chunks go into the epoch whose number the coordinator gave, which it does only when
 * the one before is durable: what is copied belongs behind that one's barrier. Cost: a look at the
 * clock per batch while an epoch is under way. */
#include "core/clock.h"
#include "executor/runtime/coordinator.h"

/* A slice: how long a batch may have to wait for it. */
#define SLICE_US 800
/* Records between two looks at the clock, at most. */
#define STEP_RECORDS 1024
/* What a barrier may take for copying; less than that is not worth another round. */
#define NEAR_US 1500
/* A slice is tried again after this when the disk does not keep up, */
#define BEHIND_US 2000
/* and looked for after this when there was too little to copy. */
#define LOOK_US 500
/* Before it is measured. */
#define RECORD_US 0.1
/* An approach gives up when it has copied so many times what there was in the beginning: the state
 * changes faster than it is copied. */
#define APPROACH_ROUNDS  4
#define APPROACH_RECORDS 65536

typedef struct AheadTarget {
    CheckpointStore *store;
    const char *uid;
} AheadTarget;

static void add_chunk(void *to, const StateChunk *chunk)
{
    const AheadTarget *target = to;
    checkpoint_add_chunk(target->store, target->uid, chunk);
}

static uint64_t count_changed(const Task *task, bool all)
{
    uint64_t changed = 0;
    for (uint32_t i = 0; i < task->stage_count; i++)
        if (task->stages[i].keeps_state)
            changed += state_store_changed(task->stages[i].context.state, all);
    return changed;
}

/* Copies from one operator after the other; the next call goes on with the one it ended with. */
static uint32_t copy_some(Task *task, uint32_t most, bool all)
{
    uint32_t copied = 0;
    for (uint32_t tried = 0; tried < task->stage_count && copied < most; tried++) {
        const Stage *stage = &task->stages[task->ahead.stage % task->stage_count];
        AheadTarget target = {task->store, stage->node->uid};
        if (stage->keeps_state)
            copied +=
                state_snapshot_ahead(stage->context.state, most - copied, all, add_chunk, &target);
        if (copied < most)
            task->ahead.stage++;
    }
    return copied;
}

/* Copies for the time of a slice; notes what a record takes. Returns when it ended. */
static int64_t copy_slice(Task *task, int64_t now_us, bool all)
{
    uint32_t step = task->batch_rows < STEP_RECORDS ? task->batch_rows : STEP_RECORDS;
    uint64_t copied = 0;
    int64_t end_us = now_us;
    for (uint32_t more = step; more == step && end_us - now_us < SLICE_US;
         end_us = clock_monotonic_us()) {
        more = copy_some(task, step, all);
        copied += more;
    }
    TaskAhead *ahead = &task->ahead;
    if (copied >= STEP_RECORDS)
        ahead->record_us += ((double)(end_us - now_us) / (double)copied - ahead->record_us) / 4;
    ahead->left -= copied < ahead->left ? copied : ahead->left;
    return end_us;
}

/* Tells the coordinator once what is left is little, or will not become less; but first operators
 * emit what has come up meanwhile, unless they just did: a watermark that goes with the barrier
 * makes rows go there. */
static void look_if_near(Task *task, uint64_t changed, bool emitted)
{
    TaskAhead *ahead = &task->ahead;
    bool near = (double)changed * ahead->record_us <= NEAR_US;
    if (ahead->phase != AHEAD_APPROACH || (!near && ahead->left != 0))
        return;
    ahead->emits = !emitted;
    if (ahead->emits)
        return;
    ahead->phase = AHEAD_READY;
    coordinator_ready(task->job, ahead->epoch);
}

static void shorten(int64_t *wait_ms, int64_t wait_us)
{
    int64_t until_ms = wait_us <= 0 ? 0 : wait_us / 1000 + 1;
    if (*wait_ms < 0 || until_ms < *wait_ms)
        *wait_ms = until_ms;
}

void task_ahead_begin(Task *task, uint64_t epoch)
{
    double record_us = task->ahead.record_us == 0 ? RECORD_US : task->ahead.record_us;
    task->ahead = (TaskAhead){.phase = AHEAD_STEADY, .epoch = epoch, .record_us = record_us};
}

void task_ahead_emitted(Task *task)
{
    TaskAhead *ahead = &task->ahead;
    ahead->emits = false;
    ahead->more = true;
    ahead->next_us = 0;
    look_if_near(task, count_changed(task, true), true);
}

void task_ahead_approach(Task *task)
{
    TaskAhead *ahead = &task->ahead;
    uint64_t changed = count_changed(task, true);
    ahead->phase = AHEAD_APPROACH;
    ahead->left = changed * APPROACH_ROUNDS + APPROACH_RECORDS;
    /* There may be more to copy than a look at the steady tables said a moment ago; a task without
     * input would not look again by itself. */
    task_ahead_emitted(task);
}

void task_ahead_end(Task *task)
{
    task->ahead.phase = AHEAD_NONE;
}

void task_ahead(Task *task, int64_t *wait_ms)
{
    TaskAhead *ahead = &task->ahead;
    if (ahead->phase == AHEAD_NONE)
        return;
    bool all = ahead->phase != AHEAD_STEADY;
    int64_t now_us = clock_monotonic_us();
    bool idle = ahead->idle && ahead->more;
    ahead->idle = false;
    if (now_us < ahead->behind_us || (now_us < ahead->next_us && !idle)) {
        if (ahead->more)
            shorten(wait_ms, now_us < ahead->behind_us ? ahead->behind_us - now_us : 0);
        return;
    }
    uint64_t changed = count_changed(task, all);
    /* While the barrier is waited for, only as much as keeps it short. */
    bool worth = ahead->phase == AHEAD_READY ? (double)changed * ahead->record_us > NEAR_US
                                             : changed >= (all ? 1 : task->batch_rows);
    ahead->more = worth;
    if (!worth) {
        ahead->next_us = now_us + LOOK_US;
        look_if_near(task, changed, false);
        return;
    }
    if (checkpoint_is_behind(task->store)) {
        ahead->behind_us = now_us + BEHIND_US;
        shorten(wait_ms, BEHIND_US);
        return;
    }
    int64_t end_us = copy_slice(task, now_us, all);
    ahead->next_us = end_us + (end_us - now_us);
    shorten(wait_ms, 0);
    if (all)
        look_if_near(task, count_changed(task, true), false);
}
