/* The inbox: a ring of messages, a ring of commands, a lock, and bells.
 *
 * Invariant: queued[c] is the sum of bytes of channel c's batches in `messages` and `held`.
 * Messages of held channels wait in `held`, in order of arrival, and go back to the front when
 * released, so no message overtakes another of its channel. A producer that found a channel full is
 * woken when half of it is free: else both threads would sleep and wake for every batch. */
#include "executor/runtime/channel.h"

#include "core/clock.h"

typedef struct MessageRing {
    Message *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t first;
    size_t count;
} MessageRing;

/* A producer that found no room. */
typedef struct Waiting {
    Doorbell *bell;
    uint32_t channel;
} Waiting;

struct Inbox {
    /* Fixed. */
    uint32_t channel_count;
    size_t bytes_per_channel;
    pthread_mutex_t lock;
    Doorbell *bell; /* of the consumer */
    Doorbell own_bell;
    /* Under the lock. */
    MessageRing messages;
    MessageRing held;
    size_t *queued;
    bool *holds;
    Command *commands;
    size_t command_count;
    size_t command_capacity;
    Waiting *waiting;
    uint32_t waiting_count;
    uint32_t waiting_capacity;
    bool closed;
};

static void ring_grow(MessageRing *ring)
{
    size_t capacity = ring->capacity == 0 ? 16 : ring->capacity * 2;
    Message *slots = memory_alloc(capacity * sizeof(Message));
    for (size_t i = 0; i < ring->count; i++)
        slots[i] = ring->slots[(ring->first + i) & (ring->capacity - 1)];
    memory_free(ring->slots);
    ring->slots = slots;
    ring->capacity = capacity;
    ring->first = 0;
}

static void ring_append(MessageRing *ring, const Message *message)
{
    if (ring->count == ring->capacity)
        ring_grow(ring);
    ring->slots[(ring->first + ring->count) & (ring->capacity - 1)] = *message;
    ring->count++;
}

static void ring_prepend(MessageRing *ring, const Message *message)
{
    if (ring->count == ring->capacity)
        ring_grow(ring);
    ring->first = (ring->first + ring->capacity - 1) & (ring->capacity - 1);
    ring->slots[ring->first] = *message;
    ring->count++;
}

static Message ring_take_first(MessageRing *ring)
{
    assert(ring->count > 0);
    Message message = ring->slots[ring->first];
    ring->first = (ring->first + 1) & (ring->capacity - 1);
    ring->count--;
    return message;
}

static Message ring_take_last(MessageRing *ring)
{
    assert(ring->count > 0);
    ring->count--;
    return ring->slots[(ring->first + ring->count) & (ring->capacity - 1)];
}

static void ring_clear(MessageRing *ring)
{
    while (ring->count > 0) {
        Message message = ring_take_first(ring);
        batch_release(message.batch);
    }
    memory_free(ring->slots);
    *ring = (MessageRing){0};
}

Inbox *inbox_new(uint32_t channels, size_t bytes_per_channel, Doorbell *bell)
{
    Inbox *inbox = memory_zalloc(sizeof(*inbox));
    inbox->channel_count = channels;
    inbox->bytes_per_channel = bytes_per_channel;
    inbox->queued = memory_zalloc((channels + 1) * sizeof(*inbox->queued));
    inbox->holds = memory_zalloc((channels + 1) * sizeof(*inbox->holds));
    pthread_mutex_init(&inbox->lock, NULL);
    doorbell_init(&inbox->own_bell);
    inbox->bell = bell == NULL ? &inbox->own_bell : bell;
    return inbox;
}

void inbox_free(Inbox *inbox)
{
    if (inbox == NULL)
        return;
    ring_clear(&inbox->messages);
    ring_clear(&inbox->held);
    memory_free(inbox->queued);
    memory_free(inbox->holds);
    memory_free(inbox->commands);
    memory_free(inbox->waiting);
    doorbell_deinit(&inbox->own_bell);
    pthread_mutex_destroy(&inbox->lock);
    memory_free(inbox);
}

static bool channel_is_full(const Inbox *inbox, const Message *message)
{
    /* A batch larger than the bound passes when the channel is empty. */
    size_t queued = inbox->queued[message->channel];
    return message->kind == MESSAGE_BATCH && queued != 0 &&
           queued + message->bytes > inbox->bytes_per_channel;
}

/* Has the bell rung when there is room in the channel. A thread that asks again waits once. */
static void await_room(Inbox *inbox, uint32_t channel, Doorbell *bell)
{
    for (uint32_t i = 0; i < inbox->waiting_count; i++)
        if (inbox->waiting[i].bell == bell && inbox->waiting[i].channel == channel)
            return;
    if (inbox->waiting_count == inbox->waiting_capacity) {
        inbox->waiting_capacity = inbox->waiting_capacity * 2 + 2;
        inbox->waiting =
            memory_realloc(inbox->waiting, inbox->waiting_capacity * sizeof(*inbox->waiting));
    }
    inbox->waiting[inbox->waiting_count++] = (Waiting){bell, channel};
}

InboxOffer inbox_offer(Inbox *inbox, Message *message, Doorbell *bell)
{
    assert(message->channel < inbox->channel_count);
    message->bytes = message->kind == MESSAGE_BATCH ? batch_bytes(message->batch) : 0;
    InboxOffer result = INBOX_SENT;
    pthread_mutex_lock(&inbox->lock);
    if (inbox->closed) {
        result = INBOX_REFUSED;
    } else if (channel_is_full(inbox, message)) {
        await_room(inbox, message->channel, bell);
        result = INBOX_FULL;
    } else {
        inbox->queued[message->channel] += message->bytes;
        ring_append(&inbox->messages, message);
    }
    pthread_mutex_unlock(&inbox->lock);
    if (result == INBOX_SENT)
        doorbell_ring(inbox->bell);
    if (result == INBOX_REFUSED)
        batch_release(message->batch);
    return result;
}

bool inbox_push(Inbox *inbox, Message message, int64_t *waited_us)
{
    Doorbell bell;
    doorbell_init(&bell);
    InboxOffer offer;
    while ((offer = inbox_offer(inbox, &message, &bell)) == INBOX_FULL) {
        int64_t since_us = clock_monotonic_us();
        (void)doorbell_wait(&bell, -1);
        if (waited_us != NULL)
            *waited_us += clock_monotonic_us() - since_us;
    }
    doorbell_deinit(&bell);
    return offer == INBOX_SENT;
}

void inbox_command(Inbox *inbox, Command command)
{
    pthread_mutex_lock(&inbox->lock);
    if (inbox->command_count == inbox->command_capacity) {
        inbox->command_capacity = inbox->command_capacity == 0 ? 8 : inbox->command_capacity * 2;
        inbox->commands =
            memory_realloc(inbox->commands, inbox->command_capacity * sizeof(Command));
    }
    inbox->commands[inbox->command_count++] = command;
    pthread_mutex_unlock(&inbox->lock);
    doorbell_ring(inbox->bell);
}

/* Moves messages of held channels aside; true when another one is first. */
static bool next_is_ready(Inbox *inbox)
{
    while (inbox->messages.count > 0) {
        const Message *first = &inbox->messages.slots[inbox->messages.first];
        if (!inbox->holds[first->channel])
            return true;
        Message message = ring_take_first(&inbox->messages);
        ring_append(&inbox->held, &message);
    }
    return false;
}

/* Wakes who waits for a channel with no more than so many bytes left in it; the lock is held, so
 * that a bell rung here is still there. */
static void ring_waiting(Inbox *inbox, size_t bytes)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < inbox->waiting_count; i++) {
        Waiting waiting = inbox->waiting[i];
        if (inbox->queued[waiting.channel] <= bytes)
            doorbell_ring(waiting.bell);
        else
            inbox->waiting[kept++] = waiting;
    }
    inbox->waiting_count = kept;
}

static void take_command(Inbox *inbox, Command *command)
{
    *command = inbox->commands[0];
    inbox->command_count--;
    memmove(inbox->commands, inbox->commands + 1, inbox->command_count * sizeof(Command));
}

/* What there is now. */
static InboxEvent take_ready(Inbox *inbox, Message *message, Command *command)
{
    InboxEvent event = INBOX_TIMEOUT;
    pthread_mutex_lock(&inbox->lock);
    if (inbox->closed) {
        event = INBOX_CLOSED;
    } else if (inbox->command_count > 0) {
        take_command(inbox, command);
        event = INBOX_COMMAND;
    } else if (next_is_ready(inbox)) {
        *message = ring_take_first(&inbox->messages);
        inbox->queued[message->channel] -= message->bytes;
        if (message->bytes > 0)
            ring_waiting(inbox, inbox->bytes_per_channel / 2);
        event = INBOX_MESSAGE;
    }
    pthread_mutex_unlock(&inbox->lock);
    return event;
}

InboxEvent inbox_take(Inbox *inbox, int64_t timeout_ms, Message *message, Command *command)
{
    InboxEvent event = take_ready(inbox, message, command);
    int64_t until_us = timeout_ms > 0 ? clock_monotonic_us() + timeout_ms * 1000 : 0;
    /* A ring may be for what another inbox of the thread got. */
    while (event == INBOX_TIMEOUT && timeout_ms != 0) {
        bool rung = doorbell_wait(inbox->bell, timeout_ms);
        event = take_ready(inbox, message, command);
        if (timeout_ms < 0)
            continue;
        int64_t left_us = until_us - clock_monotonic_us();
        timeout_ms = !rung || left_us <= 0 ? 0 : left_us / 1000 + 1;
    }
    return event;
}

void inbox_hold(Inbox *inbox, uint32_t channel)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->holds[channel] = true;
    pthread_mutex_unlock(&inbox->lock);
}

void inbox_release_held(Inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    memset(inbox->holds, 0, inbox->channel_count * sizeof(*inbox->holds));
    while (inbox->held.count > 0) {
        Message message = ring_take_last(&inbox->held);
        ring_prepend(&inbox->messages, &message);
    }
    pthread_mutex_unlock(&inbox->lock);
}

bool inbox_is_closed(Inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    bool closed = inbox->closed;
    pthread_mutex_unlock(&inbox->lock);
    return closed;
}

void inbox_close(Inbox *inbox)
{
    pthread_mutex_lock(&inbox->lock);
    inbox->closed = true;
    ring_waiting(inbox, SIZE_MAX);
    pthread_mutex_unlock(&inbox->lock);
    doorbell_ring(inbox->bell);
}
