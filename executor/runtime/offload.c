/* Helpers: a queue of jobs, a queue of what is done, a lock and two conditions.
 *
 * Invariant: a job is in `waiting`, with a helper, or in `done`. The runtime is told when `done`
 * stops being empty, once for all that follows until it is taken. Cost: two uncontended locks a
 * job. */
#include "executor/runtime/offload.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>

/* How often a waiting operator looks whether the task is to end. */
#define LOOK_EVERY_MS 20

typedef struct JobQueue {
    OffloadJob *first;
    OffloadJob *last;
} JobQueue;

typedef struct Helper {
    Offload *offload;
    uint32_t number;
    pthread_t thread;
} Helper;

struct Offload {
    /* Fixed. */
    const OperatorContext *context;
    uint32_t helper_limit;
    pthread_mutex_t lock;
    pthread_cond_t arrived; /* for helpers */
    pthread_cond_t ended;   /* for the operator */
    /* The operator's. */
    Helper helpers[OFFLOAD_HELPERS_MAX];
    uint32_t helper_count;
    /* Under the lock. */
    JobQueue waiting;
    JobQueue done;
    uint32_t idle;
    bool stopped;
};

static void queue_add(JobQueue *queue, OffloadJob *job)
{
    job->next = NULL;
    if (queue->first == NULL)
        queue->first = job;
    else
        queue->last->next = job;
    queue->last = job;
}

static OffloadJob *queue_take(JobQueue *queue)
{
    OffloadJob *job = queue->first;
    if (job != NULL)
        queue->first = job->next;
    return job;
}

static void wait_ms(pthread_cond_t *condition, pthread_mutex_t *lock, int64_t duration_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(duration_ms / 1000);
    at.tv_nsec += (long)(duration_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    pthread_cond_timedwait(condition, lock, &at);
}

/* -------------------------------------------------------------------- helpers */

/* Runs one job without the lock. */
static void run_job(Offload *offload, OffloadJob *job, uint32_t helper)
{
    pthread_mutex_unlock(&offload->lock);
    error_clear(&job->error);
    job->failed = !job->run(job, helper, &job->error);
    pthread_mutex_lock(&offload->lock);
    bool tell = offload->done.first == NULL && !offload->stopped;
    queue_add(&offload->done, job);
    pthread_cond_signal(&offload->ended);
    if (!tell || offload->context->notify == NULL)
        return;
    pthread_mutex_unlock(&offload->lock);
    offload->context->notify(offload->context->notify_to);
    pthread_mutex_lock(&offload->lock);
}

static void *helper_main(void *argument)
{
    Helper *helper = argument;
    Offload *offload = helper->offload;
    pthread_mutex_lock(&offload->lock);
    while (!offload->stopped) {
        OffloadJob *job = queue_take(&offload->waiting);
        if (job != NULL) {
            run_job(offload, job, helper->number);
            continue;
        }
        offload->idle++;
        pthread_cond_wait(&offload->arrived, &offload->lock);
        offload->idle--;
    }
    pthread_mutex_unlock(&offload->lock);
    return NULL;
}

bool offload_is_stopped(void *opaque)
{
    Offload *offload = opaque;
    pthread_mutex_lock(&offload->lock);
    bool stopped = offload->stopped;
    pthread_mutex_unlock(&offload->lock);
    return stopped;
}

bool offload_pause(Offload *offload, int64_t duration_ms)
{
    pthread_mutex_lock(&offload->lock);
    for (int64_t left = duration_ms; left > 0 && !offload->stopped; left -= LOOK_EVERY_MS) {
        pthread_mutex_unlock(&offload->lock);
        struct timespec some = {0, LOOK_EVERY_MS * 1000000L};
        nanosleep(&some, NULL);
        pthread_mutex_lock(&offload->lock);
    }
    bool goes_on = !offload->stopped;
    pthread_mutex_unlock(&offload->lock);
    return goes_on;
}

/* ------------------------------------------------------------------- operator */

static bool start_helper(Offload *offload, Error *error)
{
    Helper *helper = &offload->helpers[offload->helper_count];
    *helper = (Helper){.offload = offload, .number = offload->helper_count};
    /* Signals are for the program's own thread. */
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&helper->thread, NULL, helper_main, helper);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (status == 0)
        offload->helper_count++;
    else if (offload->helper_count == 0)
        return error_set(error, ERROR_LIMIT, "could not start a thread: %s", strerror(status));
    return true;
}

bool offload_submit(Offload *offload, OffloadJob *job, Error *error)
{
    pthread_mutex_lock(&offload->lock);
    bool start = offload->waiting.first != NULL || offload->idle == 0;
    pthread_mutex_unlock(&offload->lock);
    if (start && offload->helper_count < offload->helper_limit && !start_helper(offload, error))
        return false;
    pthread_mutex_lock(&offload->lock);
    queue_add(&offload->waiting, job);
    pthread_cond_signal(&offload->arrived);
    pthread_mutex_unlock(&offload->lock);
    return true;
}

OffloadJob *offload_take(Offload *offload)
{
    pthread_mutex_lock(&offload->lock);
    OffloadJob *job = queue_take(&offload->done);
    pthread_mutex_unlock(&offload->lock);
    return job;
}

static bool is_interrupted(const OperatorContext *context)
{
    return context->interrupted != NULL && context->interrupted(context->interrupted_to);
}

OffloadJob *offload_wait(Offload *offload, int64_t timeout_ms, Error *error)
{
    OffloadJob *job = NULL;
    int64_t until_us = clock_monotonic_us() + timeout_ms * 1000;
    pthread_mutex_lock(&offload->lock);
    while ((job = queue_take(&offload->done)) == NULL) {
        wait_ms(&offload->ended, &offload->lock, LOOK_EVERY_MS);
        if (offload->done.first != NULL)
            continue;
        pthread_mutex_unlock(&offload->lock);
        if (is_interrupted(offload->context)) {
            error_set(error, ERROR_CANCELLED, "the job is being cancelled");
            return NULL;
        }
        if (timeout_ms != 0 && clock_monotonic_us() > until_us) {
            error_set(error, ERROR_NETWORK, "no answer came in %lld ms", (long long)timeout_ms);
            return NULL;
        }
        pthread_mutex_lock(&offload->lock);
    }
    pthread_mutex_unlock(&offload->lock);
    return job;
}

Offload *offload_new(const OperatorContext *context, uint32_t helpers)
{
    Offload *offload = memory_zalloc(sizeof(*offload));
    offload->context = context;
    offload->helper_limit = helpers < OFFLOAD_HELPERS_MAX ? helpers : OFFLOAD_HELPERS_MAX;
    pthread_mutex_init(&offload->lock, NULL);
    pthread_cond_init(&offload->arrived, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&offload->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return offload;
}

void offload_free(Offload *offload, void (*drop)(void *to, OffloadJob *job), void *to)
{
    if (offload == NULL)
        return;
    pthread_mutex_lock(&offload->lock);
    offload->stopped = true;
    pthread_cond_broadcast(&offload->arrived);
    pthread_mutex_unlock(&offload->lock);
    for (uint32_t i = 0; i < offload->helper_count; i++)
        pthread_join(offload->helpers[i].thread, NULL);
    OffloadJob *job;
    while ((job = queue_take(&offload->waiting)) != NULL)
        drop(to, job);
    while ((job = queue_take(&offload->done)) != NULL)
        drop(to, job);
    pthread_cond_destroy(&offload->ended);
    pthread_cond_destroy(&offload->arrived);
    pthread_mutex_destroy(&offload->lock);
    memory_free(offload);
}
