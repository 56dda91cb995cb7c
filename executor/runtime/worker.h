/* Workers: threads, and the tasks each runs.
 *
 * With several workers, copy k of every fragment that has as many copies as the job has workers is
 * run by worker k: reading, splitting by key, and what is done behind that. So there are no more
 * busy threads than workers, rows that stay with their worker never wake another, and a worker
 * sleeps only when none of its tasks has anything to do. Other fragments (single ones, sources that
 * wait or whose copies have uneven shares) have a thread of their own, which the system balances.
 *
 * A worker runs the task furthest from the sources first, so that queues stay short and a worker
 * with more to do than others reads less; every so often those nearest to them get their turn all
 * the same. Tasks equally far take turns. A task that finds a channel full lets the tasks behind it
 * run meanwhile, inside its own call. Those lie strictly further from the sources, so calls nest no
 * deeper than fragments do, and the furthest task never waits for a worker: nobody waits in a
 * circle. */
#ifndef EXECUTOR_RUNTIME_WORKER_H
#define EXECUTOR_RUNTIME_WORKER_H

#include <pthread.h>

#include "core/error.h"
#include "executor/runtime/doorbell.h"

typedef struct Attempt Attempt;
typedef struct Job Job;
typedef struct Task Task;

typedef struct Worker {
    /* Fixed. */
    Doorbell bell; /* of all its tasks' inboxes, and for room in others' */
    Task **tasks;  /* the furthest from the sources first */
    uint32_t task_count;
    pthread_t thread;
    bool started;
    /* What changes. */
    int64_t nearest_us; /* when those nearest to the sources last had a turn */
} Worker;

/* Makes the attempt's workers, for tasks without inboxes. */
void workers_build(const Job *job, Attempt *attempt);

/* Starts all; on failure those that run are still to be interrupted and joined. */
bool workers_start(Attempt *attempt, Error *error) MUST_CHECK;
void workers_join(Attempt *attempt);
void workers_free(Attempt *attempt);

/* Calls do_share(to, i) for every i < shares (at most WORKER_SHARES_MAX), at the same time where
 * the system has threads for that; returns when all have returned. */
#define WORKER_SHARES_MAX 64
void workers_share(uint32_t shares, void (*do_share)(void *to, uint32_t share), void *to);

/* For a task of the worker that waits for room in another's inbox: runs what lies behind it, or
 * sleeps until the bell rings. False when the job is to end. */
bool worker_wait(void *task) MUST_CHECK;

#endif
