/* Invariant: `bytes` is the sum of batch_bytes over the queued batches; the queue holds more than
 * bytes_max only while unbounded or by its one last batch.
 * Cost: a lock and a copy per batch; the copy is what lets the worker keep its batch. */
#include "executor/runtime/collector.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

struct Collector {
    size_t bytes_max;

    pthread_mutex_t lock;
    pthread_cond_t changed;
    Batch **items; /* a ring of `capacity`, `count` of them from `first` on */
    uint32_t first, count, capacity;
    size_t bytes;
    bool closed;
    bool unbounded;
};

static void collector_grow(Collector *collector)
{
    uint32_t capacity = collector->capacity == 0 ? 16 : collector->capacity * 2;
    Batch **items = memory_alloc(capacity * sizeof(*items));
    for (uint32_t i = 0; i < collector->count; i++)
        items[i] = collector->items[(collector->first + i) % collector->capacity];
    memory_free(collector->items);
    collector->items = items;
    collector->first = 0;
    collector->capacity = capacity;
}

bool collector_push(Collector *collector, const Batch *batch, Error *error)
{
    Batch *copy = batch_copy(batch);
    pthread_mutex_lock(&collector->lock);
    while (!collector->closed && !collector->unbounded && collector->count > 0 &&
           collector->bytes >= collector->bytes_max)
        pthread_cond_wait(&collector->changed, &collector->lock);
    bool open = !collector->closed;
    if (open) {
        if (collector->count == collector->capacity)
            collector_grow(collector);
        collector->items[(collector->first + collector->count) % collector->capacity] = copy;
        collector->count++;
        collector->bytes += batch_bytes(copy);
        pthread_cond_broadcast(&collector->changed);
    }
    pthread_mutex_unlock(&collector->lock);
    if (open)
        return true;
    batch_release(copy);
    return error_set(error, ERROR_CANCELLED, "the result is not read any more");
}

/* Waits for a first batch until the deadline; the lock is held. */
static void collector_await(Collector *collector, int64_t timeout_ms)
{
    struct timespec deadline;
    clock_gettime(CLOCK_MONOTONIC, &deadline);
    deadline.tv_sec += timeout_ms / 1000;
    deadline.tv_nsec += timeout_ms % 1000 * 1000000;
    if (deadline.tv_nsec >= 1000000000) {
        deadline.tv_sec++;
        deadline.tv_nsec -= 1000000000;
    }
    while (collector->count == 0 && !collector->closed) {
        if (pthread_cond_timedwait(&collector->changed, &collector->lock, &deadline) == ETIMEDOUT)
            break;
    }
}

Batch *collector_pop(Collector *collector, int64_t timeout_ms)
{
    pthread_mutex_lock(&collector->lock);
    if (timeout_ms > 0)
        collector_await(collector, timeout_ms);
    Batch *batch = NULL;
    if (collector->count > 0) {
        batch = collector->items[collector->first];
        collector->first = (collector->first + 1) % collector->capacity;
        collector->count--;
        collector->bytes -= batch_bytes(batch);
        pthread_cond_broadcast(&collector->changed);
    }
    pthread_mutex_unlock(&collector->lock);
    return batch;
}

void collector_close(Collector *collector)
{
    pthread_mutex_lock(&collector->lock);
    collector->closed = true;
    pthread_cond_broadcast(&collector->changed);
    pthread_mutex_unlock(&collector->lock);
}

void collector_set_unbounded(Collector *collector, bool unbounded)
{
    pthread_mutex_lock(&collector->lock);
    collector->unbounded = unbounded;
    pthread_cond_broadcast(&collector->changed);
    pthread_mutex_unlock(&collector->lock);
}

Collector *collector_new(size_t bytes_max)
{
    Collector *collector = memory_zalloc(sizeof(*collector));
    collector->bytes_max = bytes_max;
    pthread_mutex_init(&collector->lock, NULL);
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&collector->changed, &attributes);
    pthread_condattr_destroy(&attributes);
    return collector;
}

void collector_free(Collector *collector)
{
    if (collector == NULL)
        return;
    for (uint32_t i = 0; i < collector->count; i++)
        batch_release(collector->items[(collector->first + i) % collector->capacity]);
    memory_free(collector->items);
    pthread_cond_destroy(&collector->changed);
    pthread_mutex_destroy(&collector->lock);
    memory_free(collector);
}
