/* Work off a task's thread: calls that may block, such as questions to a server.
 *
 * An operator submits jobs and goes on; helper threads run them, as many as there is work for and
 * at most as many as were asked for. What is done is taken back by the operator's thread: when it
 * wants, or when the runtime calls the operator's `ready`.
 *
 * A job belongs to the operator, but for the time between submit and take. A helper has a number,
 * so that what is not for two threads (a connection) can be had per helper.
 *
 * Threads: `run` and offload_is_stopped, offload_pause on the helpers; all else on the operator's.
 */
#ifndef EXECUTOR_RUNTIME_OFFLOAD_H
#define EXECUTOR_RUNTIME_OFFLOAD_H

#include "core/error.h"
#include "executor/operator.h"

typedef struct Offload Offload;
typedef struct OffloadJob OffloadJob;

struct OffloadJob {
    /* Does the work; false with the error fails the job. */
    bool (*run)(OffloadJob *job, uint32_t helper, Error *error);
    bool failed;
    Error error;
    OffloadJob *next;
};

#define OFFLOAD_HELPERS_MAX 16

Offload *offload_new(const OperatorContext *context, uint32_t helpers);
/* Stops the helpers, waiting for jobs that run; jobs not taken are given to `drop`. NULL is
 * allowed.
 */
void offload_free(Offload *offload, void (*drop)(void *to, OffloadJob *job), void *to);

/* False with the error when no thread can be had. */
bool offload_submit(Offload *offload, OffloadJob *job, Error *error) MUST_CHECK;
/* The next job that is done, by when it was; NULL: none is. */
OffloadJob *offload_take(Offload *offload);
/* The same, waiting for one; NULL with the error when the task is to end, or after timeout_ms (0:
 * for ever). There must be a job. */
OffloadJob *offload_wait(Offload *offload, int64_t timeout_ms, Error *error) MUST_CHECK;

/* Whether the job is to give up. */
bool offload_is_stopped(void *offload);
/* Sleeps; false: it is to give up. */
bool offload_pause(Offload *offload, int64_t duration_ms);

#endif
