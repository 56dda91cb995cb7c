/* The system's clocks. */
#include "core/clock.h"

#include <errno.h>
#include <time.h>

static int64_t clock_read_us(clockid_t id)
{
    struct timespec now;
    clock_gettime(id, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static int64_t clock_system_now_us(const struct Clock *clock)
{
    return clock_read_us(CLOCK_REALTIME);
}

const Clock clock_system = {.now_us = clock_system_now_us};

static int64_t clock_hand_now_us(const struct Clock *clock)
{
    const HandClock *hand = (const HandClock *)clock;
    return __atomic_load_n(&hand->now_us, __ATOMIC_ACQUIRE);
}

void clock_hand_init(HandClock *clock, int64_t now_us)
{
    *clock = (HandClock){.base = {.now_us = clock_hand_now_us}, .now_us = now_us};
}

void clock_hand_set(HandClock *clock, int64_t now_us)
{
    if (now_us > __atomic_load_n(&clock->now_us, __ATOMIC_ACQUIRE))
        __atomic_store_n(&clock->now_us, now_us, __ATOMIC_RELEASE);
}

int64_t clock_monotonic_us(void)
{
    return clock_read_us(CLOCK_MONOTONIC);
}

int64_t clock_thread_us(void)
{
    return clock_read_us(CLOCK_THREAD_CPUTIME_ID);
}

void clock_sleep_us(int64_t duration_us)
{
    if (duration_us <= 0)
        return;
    struct timespec left = {.tv_sec = (time_t)(duration_us / 1000000),
                            .tv_nsec = (long)(duration_us % 1000000) * 1000};
    while (clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR)
        continue;
}
