/* Time as the engine sees it: a clock that a test can drive by hand. */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include "core/base.h"

typedef struct Clock {
    /* Microseconds since 1970-01-01 00:00:00 UTC. */
    int64_t (*now_us)(const struct Clock *clock);
} Clock;

/* The system's clock. */
extern const Clock clock_system;

/* A clock that stands still until it is set: time in tests. It never goes back. */
typedef struct HandClock {
    Clock base;
    int64_t now_us; /* read and written by clock_hand_ functions only */
} HandClock;

void clock_hand_init(HandClock *clock, int64_t now_us);
/* From any thread, while others read it. */
void clock_hand_set(HandClock *clock, int64_t now_us);

/* Microseconds that never go back, for measuring and timeouts. */
int64_t clock_monotonic_us(void);
/* What the calling thread has computed so far: without what others did meanwhile. */
int64_t clock_thread_us(void);
void clock_sleep_us(int64_t duration_us);

#endif
