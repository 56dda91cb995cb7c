/* Giving tasks to threads, and the loop of a thread. See runtime/worker.h.
 *
 * Cost: between two batches one look into the inbox of each task that lies further from the
 * sources. */
#include "executor/runtime/worker.h"

#include <signal.h>
#include <string.h>

#include "core/clock.h"
#include "executor/runtime/coordinator.h"
#include "executor/runtime/job_internal.h"

/* After so long without a turn the tasks nearest to the sources come first for once. Otherwise a
 * worker that many rows come to would not read, and everybody would wait for its watermark. Seldom:
 * what it does not read others do, where pieces are dealt to who asks (connectors/dealer.h). */
#define NEAREST_EVERY_US 2000

/* ----------------------------------------------------------------- building */

/* Fragments on the longest way from a source to each. */
static uint32_t *find_levels(const Job *job, Arena *arena)
{
    const FragmentGraph *graph = job->graph;
    uint32_t *levels = arena_new_array(arena, uint32_t, graph->fragment_count);
    for (uint32_t round = 0; round < graph->fragment_count; round++)
        for (uint32_t i = 0; i < graph->edge_count; i++) {
            const FragmentEdge *edge = &graph->edges[i];
            uint32_t from = graph->fragment_of[edge->from], to = graph->fragment_of[edge->to];
            if (edge->kind != EDGE_CHAIN && levels[to] <= levels[from])
                levels[to] = levels[from] + 1;
        }
    return levels;
}

/* Whether the copies of a fragment run beside other tasks: its sources never make a thread wait,
 * and all copies have about the same to do. */
static bool fragment_shares_threads(const Job *job, const Fragment *fragment)
{
    if (fragment->parallelism == 1 || fragment->parallelism != job->config.parallelism)
        return false;
    for (uint32_t i = 0; i < fragment->node_count; i++) {
        const PlanNode *node = job->plan->nodes[fragment->nodes[i]];
        if (!node_is_source(node))
            continue;
        const PlanScan *scan = strcmp(node->op, "scan") == 0 ? node->spec : NULL;
        if (scan == NULL || scan->connector->source_blocks ||
            scan->connector->source_is_even == NULL ||
            !scan->connector->is_bounded(scan->scan.table) ||
            !scan->connector->source_is_even(scan->scan.table, fragment->parallelism))
            return false;
    }
    return true;
}

static Worker *add_worker(Attempt *attempt)
{
    Worker *worker = arena_new_one(attempt->arena, Worker);
    doorbell_init(&worker->bell);
    worker->tasks = arena_new_array(attempt->arena, Task *, attempt->task_count);
    attempt->workers[attempt->worker_count++] = worker;
    return worker;
}

static void add_task(Worker *worker, Task *task)
{
    uint32_t at = worker->task_count++;
    for (; at > 0 && worker->tasks[at - 1]->level < task->level; at--)
        worker->tasks[at] = worker->tasks[at - 1];
    worker->tasks[at] = task;
    task->worker = worker;
}

void workers_build(const Job *job, Attempt *attempt)
{
    const uint32_t *levels = find_levels(job, attempt->arena);
    uint32_t shared = 0, copies = job->config.parallelism;
    attempt->workers = arena_new_array(attempt->arena, Worker *, attempt->task_count + copies);
    bool *shares = arena_new_array(attempt->arena, bool, job->graph->fragment_count);
    for (uint32_t f = 0; f < job->graph->fragment_count; f++) {
        shares[f] = fragment_shares_threads(job, &job->graph->fragments[f]);
        for (; shares[f] && shared < copies; shared++)
            (void)add_worker(attempt);
    }
    for (uint32_t t = 0; t < attempt->task_count; t++) {
        Task *task = attempt->tasks[t];
        size_t fragment = (size_t)(task->fragment - job->graph->fragments);
        task->level = levels[fragment];
        add_task(shares[fragment] ? attempt->workers[task->subtask] : add_worker(attempt), task);
    }
}

/* --------------------------------------------------------------------- loop */

static TaskStep step(Worker *worker, Task *task, int64_t *wait_ms, Error *error)
{
    return task->finished ? TASK_WAITS : task_step(task, worker->task_count == 1, wait_ms, error);
}

/* The end of the tasks of one level. */
static uint32_t level_end(const Worker *worker, uint32_t first)
{
    uint32_t end = first + 1;
    while (end < worker->task_count && worker->tasks[end]->level == worker->tasks[first]->level)
        end++;
    return end;
}

/* Gives the tasks first to end - 1, which are of one level, turns until one had something to do:
 * then the others of its level come before it. */
static TaskStep run_level(Worker *worker, uint32_t first, uint32_t end, int64_t *wait_ms,
                          Error *error)
{
    for (uint32_t i = first; i < end; i++) {
        Task *task = worker->tasks[i];
        TaskStep done = step(worker, task, wait_ms, error);
        if (done == TASK_WAITS)
            continue;
        memmove(worker->tasks + i, worker->tasks + i + 1, (end - i - 1) * sizeof(Task *));
        worker->tasks[end - 1] = task;
        return done;
    }
    return TASK_WAITS;
}

/* The first of the tasks nearest to the sources. */
static uint32_t nearest_first(const Worker *worker)
{
    uint32_t first = worker->task_count - 1;
    while (first > 0 && worker->tasks[first - 1]->level == worker->tasks[first]->level)
        first--;
    return first;
}

/* Gives tasks of at least that level a turn, the furthest from the sources first, until one of them
 * had something to do. */
static TaskStep run_from(Worker *worker, uint32_t level, int64_t *wait_ms, Error *error)
{
    TaskStep done = TASK_WAITS;
    for (uint32_t first = 0, end; done == TASK_WAITS && first < worker->task_count; first = end) {
        if (worker->tasks[first]->level < level)
            break;
        end = level_end(worker, first);
        done = run_level(worker, first, end, wait_ms, error);
    }
    return done;
}

/* Gives any task a turn. */
static TaskStep run_one(Worker *worker, int64_t *wait_ms, Error *error)
{
    uint32_t nearest = nearest_first(worker);
    if (nearest == 0)
        return run_from(worker, 0, wait_ms, error);
    int64_t now_us = clock_monotonic_us();
    TaskStep done = TASK_WAITS;
    if (now_us - worker->nearest_us < NEAREST_EVERY_US)
        done = run_from(worker, worker->tasks[nearest - 1]->level, wait_ms, error);
    if (done != TASK_WAITS)
        return done;
    worker->nearest_us = now_us;
    done = run_level(worker, nearest, worker->task_count, wait_ms, error);
    return done == TASK_WAITS ? run_from(worker, 0, wait_ms, error) : done;
}

bool worker_wait(void *opaque)
{
    Task *task = opaque;
    Worker *worker = task->worker;
    Error error;
    error_clear(&error);
    int64_t wait_ms = -1;
    switch (run_from(worker, task->level + 1, &wait_ms, &error)) {
    case TASK_WORKED:
        return true;
    case TASK_WAITS:
        (void)doorbell_wait(&worker->bell, wait_ms);
        return true;
    case TASK_FAILED:
        break;
    }
    coordinator_task_failed(task->job, &error);
    return false;
}

static bool has_finished(const Worker *worker)
{
    for (uint32_t i = 0; i < worker->task_count; i++)
        if (!worker->tasks[i]->finished)
            return false;
    return true;
}

/* Nothing to do: sinks show what they have; then the thread sleeps. */
static bool rest(Worker *worker, int64_t wait_ms, Error *error)
{
    for (uint32_t i = 0; i < worker->task_count; i++)
        if (!task_rest(worker->tasks[i], error))
            return false;
    (void)doorbell_wait(&worker->bell, wait_ms);
    return true;
}

static void *worker_main(void *argument)
{
    Worker *worker = argument;
    Error error;
    error_clear(&error);
    bool running = true;
    while (running && !has_finished(worker)) {
        int64_t wait_ms = -1;
        TaskStep done = run_one(worker, &wait_ms, &error);
        running = done == TASK_WORKED || (done == TASK_WAITS && rest(worker, wait_ms, &error));
    }
    if (!running)
        coordinator_task_failed(worker->tasks[0]->job, &error);
    return NULL;
}

/* Signals are for the program's own thread. */
static int start_thread(pthread_t *thread, void *(*run)(void *), void *to)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(thread, NULL, run, to);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

bool workers_start(Attempt *attempt, Error *error)
{
    for (uint32_t i = 0; i < attempt->worker_count; i++) {
        Worker *worker = attempt->workers[i];
        int status = start_thread(&worker->thread, worker_main, worker);
        worker->started = status == 0;
        if (!worker->started)
            return error_set(error, ERROR_LIMIT, "could not start a worker thread: %s",
                             strerror(status));
    }
    return true;
}

void workers_join(Attempt *attempt)
{
    for (uint32_t i = 0; i < attempt->worker_count; i++) {
        if (attempt->workers[i]->started)
            pthread_join(attempt->workers[i]->thread, NULL);
        attempt->workers[i]->started = false;
    }
}

void workers_free(Attempt *attempt)
{
    for (uint32_t i = 0; i < attempt->worker_count; i++)
        doorbell_deinit(&attempt->workers[i]->bell);
}

/* -------------------------------------------------------------------- shares */

typedef struct Share {
    void (*run)(void *to, uint32_t share);
    void *to;
    uint32_t number;
    pthread_t thread;
    bool started;
} Share;

static void *share_main(void *argument)
{
    const Share *share = argument;
    share->run(share->to, share->number);
    return NULL;
}

void workers_share(uint32_t shares, void (*do_share)(void *to, uint32_t share), void *to)
{
    Share all[WORKER_SHARES_MAX];
    assert(shares <= WORKER_SHARES_MAX);
    for (uint32_t i = 1; i < shares; i++) {
        all[i] = (Share){.run = do_share, .to = to, .number = i};
        all[i].started = start_thread(&all[i].thread, share_main, &all[i]) == 0;
    }
    do_share(to, 0);
    for (uint32_t i = 1; i < shares; i++) {
        if (all[i].started)
            pthread_join(all[i].thread, NULL);
        else
            do_share(to, i);
    }
}
