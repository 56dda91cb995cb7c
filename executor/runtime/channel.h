/* Channels: what one worker thread hands to another, in order and bounded by bytes.
 *
 * A task has one inbox; every producer that writes to the task has a channel of it. Messages keep
 * the order in which they arrived, over all channels; a channel whose queued batches reached the
 * bound blocks its producer until half of it is free, which is all the back-pressure there is.
 * Watermarks, barriers and ends never block. Commands of the coordinator overtake messages.
 *
 * While a barrier is being aligned the task holds the channels that have delivered it: their
 * messages stay in the queue, and still count against the bound.
 *
 * Ownership: a pushed batch belongs to the inbox, a taken one to the taker.
 * Threads: push and command from any thread, the rest from the task's own, free when both are gone.
 * Cost: one uncontended lock per message; a consumer is woken only when it sleeps. Several inboxes
 * of one thread share a bell. */
#ifndef EXECUTOR_RUNTIME_CHANNEL_H
#define EXECUTOR_RUNTIME_CHANNEL_H

#include "core/batch.h"
#include "executor/runtime/doorbell.h"

typedef enum MessageKind {
    MESSAGE_BATCH,
    MESSAGE_WATERMARK,
    MESSAGE_IDLE, /* whether to wait for the channel's watermark */
    MESSAGE_BARRIER,
    MESSAGE_END
} MessageKind;

typedef struct Message {
    MessageKind kind;
    uint32_t channel;
    Batch *batch; /* BATCH */
    size_t bytes; /* filled by inbox_push */
    int64_t watermark_us;
    uint64_t epoch; /* BARRIER */
    bool idle;      /* IDLE */
} Message;

typedef enum CommandKind {
    COMMAND_AHEAD,    /* an epoch has begun: its state may be copied ahead */
    COMMAND_APPROACH, /* it is due: so that little is left */
    COMMAND_TRIGGER,  /* its barriers start */
    COMMAND_COMMIT,   /* it is durable (or, without a store, complete) */
    COMMAND_CLOCK,    /* the clock was set by hand */
    COMMAND_READY,    /* work off the task's thread has ended */
    COMMAND_STOP,     /* sources stop reading */
    COMMAND_DRAIN,    /* sources end as if there were no more */
    COMMAND_FINISH    /* nothing more comes: finish the sinks and leave */
} CommandKind;

typedef struct Command {
    CommandKind kind;
    uint64_t epoch;
} Command;

typedef enum InboxEvent { INBOX_MESSAGE, INBOX_COMMAND, INBOX_TIMEOUT, INBOX_CLOSED } InboxEvent;

typedef enum InboxOffer {
    INBOX_SENT,
    INBOX_FULL,
    INBOX_REFUSED /* it is closed; the batch is released */
} InboxOffer;

typedef struct Inbox Inbox;

/* `bell` is rung when something has come, and outlives the inbox; NULL: it has one of its own. */
Inbox *inbox_new(uint32_t channels, size_t bytes_per_channel, Doorbell *bell);
void inbox_free(Inbox *inbox);

/* Takes the message over; false when the inbox is closed (the batch is released then). Adds to
 * *waited_us (may be NULL) the time the producer was blocked. */
bool inbox_push(Inbox *inbox, Message message, int64_t *waited_us) MUST_CHECK;
/* The same for who has other things to do meanwhile: FULL leaves the message with the caller and
 * rings `bell`, which outlives the inbox, once half of the channel is free. */
InboxOffer inbox_offer(Inbox *inbox, Message *message, Doorbell *bell) MUST_CHECK;
void inbox_command(Inbox *inbox, Command command);
/* The next command or message; waits up to timeout_ms (negative: for ever, 0: not at all). */
InboxEvent inbox_take(Inbox *inbox, int64_t timeout_ms, Message *message, Command *command);

/* Keeps messages of the channel back until inbox_release_held. */
void inbox_hold(Inbox *inbox, uint32_t channel);
void inbox_release_held(Inbox *inbox);

bool inbox_is_closed(Inbox *inbox);
/* Wakes everybody up; pushes fail and takes say CLOSED from now on. */
void inbox_close(Inbox *inbox);

#endif
