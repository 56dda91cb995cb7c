/* Doorbells: where a thread sleeps until somebody has something for it.
 *
 * A thread that looks at several places has one bell for all of them: it looks, finds nothing,
 * waits at the bell, and looks again. Whoever puts something there rings afterwards; a ring between
 * the look and the wait is not lost, it makes the wait return at once. Several rings count as one.
 *
 * Threads: ring from any, wait from one. Who rings must see to it that the bell is still there.
 * Cost: a ring that follows another unheard one is an atomic exchange; a wait that finds a ring
 * likewise. Only a sleeper costs a system call. */
#ifndef EXECUTOR_RUNTIME_DOORBELL_H
#define EXECUTOR_RUNTIME_DOORBELL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct Doorbell {
    atomic_bool rung;
    pthread_mutex_t lock;
    pthread_cond_t heard;
} Doorbell;

void doorbell_init(Doorbell *bell);
void doorbell_deinit(Doorbell *bell);

void doorbell_ring(Doorbell *bell);
/* Waits for a ring up to timeout_ms (negative: for ever, 0: not at all) and takes it; false when
 * there was none. */
bool doorbell_wait(Doorbell *bell, int64_t timeout_ms);

#endif
