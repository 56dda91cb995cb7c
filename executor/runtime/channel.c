/* The inbox: a ring of messages, a ring of commands, a lock and two conditions.
 *
 * Invariant: queued[c] is the sum of bytes of channel c's batches in `messages` and `held`.
 * Messages of held channels wait in `held`, in order of arrival, and go back to the front when
 * released, so no message overtakes another of its channel. */
#include "executor/runtime/channel.h"

#include <errno.h>
#include <pthread.h>
#include <time.h>

#include "core/clock.h"

typedef struct MessageRing {
    Message *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t first;
    size_t count;
} MessageRing;

struct Inbox {
    /* Fixed. */
    uint32_t channel_count;
    size_t bytes_per_channel;
    pthread_mutex_t lock;
    pthread_cond_t arrived; /* for the consumer */
    pthread_cond_t space;   /* for producers */
    /* Under the lock. */
    MessageRing messages;
    MessageRing held;
    size_t *queued;
    bool *holds;
    Command *commands;
    size_t command_count;
    size_t command_capacity;
    bool consumer_sleeps;
    uint32_t producers_asleep;
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

Inbox *inbox_new(uint32_t channels, size_t bytes_per_channel)
{
    Inbox *inbox = memory_zalloc(sizeof(*inbox));
    inbox->channel_count = channels;
    inbox->bytes_per_channel = bytes_per_channel;
    inbox->queued = memory_zalloc((channels + 1) * sizeof(*inbox->queued));
    inbox->holds = memory_zalloc((channels + 1) * sizeof(*inbox->holds));
    pthread_mutex_init(&inbox->lock, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&inbox->arrived, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_cond_init(&inbox->space, NULL);
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
    pthread_cond_destroy(&inbox->space);
    pthread_cond_destroy(&inbox->arrived);
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

bool inbox_push(Inbox *inbox, Message message, int64_t *waited_us)
{
    assert(message.channel < inbox->channel_count);
    message.bytes = message.kind == MESSAGE_BATCH ? batch_bytes(message.batch) : 0;
    pthread_mutex_lock(&inbox->lock);
    if (channel_is_full(inbox, &message) && !inbox->closed) {
        int64_t since = clock_monotonic_us();
        inbox->producers_asleep++;
        while (channel_is_full(inbox, &message) && !inbox->closed)
            pthread_cond_wait(&inbox->space, &inbox->lock);
        inbox->producers_asleep--;
        if (waited_us != NULL)
            *waited_us += clock_monotonic_us() - since;
    }
    bool open = !inbox->closed;
    bool wake = false;
    if (open) {
        inbox->queued[message.channel] += message.bytes;
        ring_append(&inbox->messages, &message);
        wake = inbox->consumer_sleeps;
    }
    pthread_mutex_unlock(&inbox->lock);
    if (wake)
        pthread_cond_signal(&inbox->arrived);
    if (!open)
        batch_release(message.batch);
    return open;
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
    pthread_cond_signal(&inbox->arrived);
    pthread_mutex_unlock(&inbox->lock);
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

/* Sleeps until something arrives; false at the deadline. */
static bool wait_for_arrival(Inbox *inbox, int64_t timeout_ms, const struct timespec *deadline)
{
    if (timeout_ms == 0)
        return false;
    inbox->consumer_sleeps = true;
    int status = timeout_ms < 0 ? pthread_cond_wait(&inbox->arrived, &inbox->lock)
                                : pthread_cond_timedwait(&inbox->arrived, &inbox->lock, deadline);
    inbox->consumer_sleeps = false;
    return status != ETIMEDOUT;
}

InboxEvent inbox_take(Inbox *inbox, int64_t timeout_ms, Message *message, Command *command)
{
    struct timespec deadline = {0};
    if (timeout_ms > 0)
        deadline = deadline_after(timeout_ms);
    InboxEvent event = INBOX_TIMEOUT;
    bool wake = false;
    pthread_mutex_lock(&inbox->lock);
    bool more = true;
    while (more && event == INBOX_TIMEOUT) {
        if (inbox->closed) {
            event = INBOX_CLOSED;
        } else if (inbox->command_count > 0) {
            *command = inbox->commands[0];
            inbox->command_count--;
            memmove(inbox->commands, inbox->commands + 1, inbox->command_count * sizeof(Command));
            event = INBOX_COMMAND;
        } else if (next_is_ready(inbox)) {
            *message = ring_take_first(&inbox->messages);
            inbox->queued[message->channel] -= message->bytes;
            wake = message->bytes > 0 && inbox->producers_asleep > 0;
            event = INBOX_MESSAGE;
        } else {
            more = wait_for_arrival(inbox, timeout_ms, &deadline);
        }
    }
    pthread_mutex_unlock(&inbox->lock);
    if (wake)
        pthread_cond_broadcast(&inbox->space);
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
    pthread_cond_broadcast(&inbox->arrived);
    pthread_cond_broadcast(&inbox->space);
    pthread_mutex_unlock(&inbox->lock);
}
