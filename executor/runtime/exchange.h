/* Exchanges: the sending side of a channel edge, one per producer task and edge.
 *
 * By key, one pass splits a batch: hashes of the key columns, key group, owner; then rows are
 * gathered column by column into one batch per target and sent at once, so that latency does not
 * wait for batches to fill. The hashes go along (core/batch.h), by the array `keys`. Text is not
 * copied: parts with texts longer than a view hold the batch they were cut from, unless they are so
 * few rows of it that a copy costs less than keeping it from being used again. A batch whose rows
 * all have one owner moves as it is. Order is kept per target, and so per key. The halves of an
 * update whose key changed part: each goes to its owner.
 *
 * Cost: per row a hash and one copy of each value, 16 bytes of a text; no allocation
 * per row. */
#ifndef EXECUTOR_RUNTIME_EXCHANGE_H
#define EXECUTOR_RUNTIME_EXCHANGE_H

#include "core/error.h"
#include "executor/runtime/channel.h"

typedef struct ExchangeTarget {
    Inbox *inbox;
    uint32_t channel;
} ExchangeTarget;

/* Who sends, and what it does while a target's channel is full. */
typedef struct ExchangeSender {
    Doorbell *bell; /* rung when there may be room */
    /* Returns when it was rung, or sooner; false: the job is to end. */
    bool (*wait)(void *to);
    void *to;
} ExchangeSender;

typedef struct Exchange Exchange;

/* keys NULL: every batch goes to the one target. Lives in the arena; `schema`, `keys` and `targets`
 * outlive it. `sender` NULL: the thread sleeps while a channel is full. */
Exchange *exchange_new(Arena *arena, const Schema *schema, const uint32_t *keys, uint32_t key_count,
                       uint32_t max_parallelism, const ExchangeTarget *targets,
                       uint32_t target_count, const ExchangeSender *sender);

/* Splits and sends; takes the batch over. False (cancelled) when a target is closed. */
bool exchange_batch(Exchange *exchange, Batch *batch, Error *error) MUST_CHECK;
/* Sends a watermark, barrier or end to every target. */
bool exchange_send(Exchange *exchange, Message message, Error *error) MUST_CHECK;

/* Microseconds it was blocked since the last call. */
int64_t exchange_take_waited_us(Exchange *exchange);

#endif
