/* A flag that says "rung", and a condition for who sleeps.
 *
 * Invariant: the flag is set before the lock is taken to signal, and a sleeper looks at the flag
 * under the lock, so a ring is either seen by it or signalled to it. The exchanges order what was
 * put there before a ring against the look after the wait that took it, also when the ring found
 * the flag set already. */
#include "executor/runtime/doorbell.h"

#include <errno.h>
#include <time.h>

#include "core/clock.h"

void doorbell_init(Doorbell *bell)
{
    atomic_init(&bell->rung, false);
    pthread_mutex_init(&bell->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&bell->heard, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

void doorbell_deinit(Doorbell *bell)
{
    pthread_cond_destroy(&bell->heard);
    pthread_mutex_destroy(&bell->lock);
}

void doorbell_ring(Doorbell *bell)
{
    if (atomic_exchange(&bell->rung, true))
        return;
    pthread_mutex_lock(&bell->lock);
    pthread_cond_signal(&bell->heard);
    pthread_mutex_unlock(&bell->lock);
}

static struct timespec deadline_after(int64_t timeout_ms)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(timeout_ms / 1000);
    at.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

bool doorbell_wait(Doorbell *bell, int64_t timeout_ms)
{
    if (atomic_exchange(&bell->rung, false))
        return true;
    if (timeout_ms == 0)
        return false;
    struct timespec deadline = {0};
    if (timeout_ms > 0)
        deadline = deadline_after(timeout_ms);
    pthread_mutex_lock(&bell->lock);
    bool rung = atomic_exchange(&bell->rung, false);
    int status = 0;
    while (!rung && status != ETIMEDOUT) {
        status = timeout_ms < 0 ? pthread_cond_wait(&bell->heard, &bell->lock)
                                : pthread_cond_timedwait(&bell->heard, &bell->lock, &deadline);
        rung = atomic_exchange(&bell->rung, false);
    }
    pthread_mutex_unlock(&bell->lock);
    return rung;
}
