/* What the runtime and op_sink know of each other: epochs reach a sink outside of the stream. */
#ifndef EXECUTOR_SINK_H
#define EXECUTOR_SINK_H

#include <stdatomic.h>

#include "executor/operator.h"
#include "state/checkpoint.h"

/* Given to op_sink as OperatorContext.runtime. */
typedef struct SinkRuntime {
    const char *job;
    const TimeZone *zone;
    CheckpointStore *store; /* NULL: no epoch will be durable */
    const Str *restored;    /* pending bytes of the restored epoch, by subtask */
    uint32_t restored_count;
    uint64_t restored_epoch; /* 0: fresh start */
    bool (*write_text)(void *to, Str text, bool standard_error);
    /* Rows of a sink without connector; may be NULL: nobody wants them. */
    bool (*on_rows)(void *to, const Batch *batch, Error *error);
    void *to;
    _Atomic uint64_t *rows_written;
} SinkRuntime;

/* Opens the connector's sink and finishes the restored epoch; after every check of the restore, so
 * that a refused job touches nothing outside. */
bool sink_connect(Operator *op, Error *error) MUST_CHECK;
/* The epoch is durable. */
bool sink_commit(Operator *op, uint64_t epoch, Error *error) MUST_CHECK;
/* Nothing more comes. */
bool sink_finish(Operator *op, Error *error) MUST_CHECK;
/* Nothing came for a while: makes rows visible when there are no epochs to wait for. */
bool sink_flush(Operator *op, Error *error) MUST_CHECK;
/* Whether sink_flush has something to do. */
bool sink_is_dirty(const Operator *op);

#endif
