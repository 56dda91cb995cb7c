/* The hand-over between a job's workers and the thread that reads a query's result: a queue of
 * batches bounded by bytes. A full queue stops the job, which is the back-pressure of an
 * interactive query.
 *
 * Threads: collector_push from the job's workers (one at a time), everything else from the reader.
 */
#ifndef EXECUTOR_RUNTIME_COLLECTOR_H
#define EXECUTOR_RUNTIME_COLLECTOR_H

#include "core/batch.h"
#include "core/error.h"

typedef struct Collector Collector;

Collector *collector_new(size_t bytes_max);
/* Releases what is queued; no push may be under way or follow. */
void collector_free(Collector *collector);

/* Queues a copy of the batch; waits while the queue is full. False once it was closed. */
bool collector_push(Collector *collector, const Batch *batch, Error *error) MUST_CHECK;
/* The oldest batch, the caller's from now on; waits up to timeout_ms (0: not at all), then NULL. */
Batch *collector_pop(Collector *collector, int64_t timeout_ms);
/* Lets every waiting and further push fail: the reader has gone. */
void collector_close(Collector *collector);
/* While true the bound is off: the reader waits for the job and cannot read meanwhile. */
void collector_set_unbounded(Collector *collector, bool unbounded);

#endif
