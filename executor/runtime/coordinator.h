/* The coordinator: the thread that triggers epochs, makes them durable and ends or restarts the
 * job; and what tasks tell it. */
#ifndef EXECUTOR_RUNTIME_COORDINATOR_H
#define EXECUTOR_RUNTIME_COORDINATOR_H

#include "executor/runtime/task.h"

/* Runs the job to its end; for pthread_create. */
void *coordinator_main(void *argument);
/* Whether a job that could not begin because of the error is to be tried again. */
bool coordinator_may_restart(const Job *job, const Error *error);

/* From tasks. */

/* Little of the state is left that the task has not copied for the epoch. */
void coordinator_ready(Job *job, uint64_t epoch);
/* The task has done its part of the epoch; its thread stood still for pause_us. */
void coordinator_acknowledge(Job *job, uint64_t epoch, int64_t pause_us);
/* Its sinks have made the epoch visible. */
void coordinator_committed(Job *job, uint64_t epoch);
/* All inputs of the task have ended. */
void coordinator_task_ended(Job *job);
/* Its sinks are finished; the thread leaves. */
void coordinator_task_finished(Job *job);
void coordinator_task_failed(Job *job, const Error *error);
void coordinator_progress(Job *job, TaskSource *source, const SourceProgress *progress);

#endif
