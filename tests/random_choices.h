/* Random choices that are remembered, so that a case made from them can be made again, and made
 * smaller without knowing what it is: by leaving choices out and lowering them.
 *
 * Invariant: each choice is taken modulo its bound, and 0 when none is left, so every sequence of
 * numbers makes a case. Whoever makes one has the plainest under 0. */
#ifndef TESTS_RANDOM_CHOICES_H
#define TESTS_RANDOM_CHOICES_H

#include <stdbool.h>
#include <stdint.h>

/* What a run of choices makes. */
typedef enum SpanKind {
    SPAN_QUERY, /* may stand for any other one around or inside it */
    SPAN_ITEM   /* one of several of its kind; may be left out */
} SpanKind;

typedef struct Span {
    SpanKind kind;
    uint32_t start, end; /* choices [start, end) */
} Span;

typedef struct Random {
    uint32_t growing; /* for whoever makes queries: a bit for each table that only grows */
    uint64_t state;   /* where new choices come from: splitmix64 */
    const uint32_t *replayed;
    uint32_t replayed_count; /* with `replays`: all that are left are 0 */
    uint32_t at;
    bool replays;
    uint32_t *taken; /* all choices made, reduced to their bounds */
    uint32_t taken_count, taken_capacity;
    Span *spans; /* in the order of their starts */
    uint32_t span_count, span_capacity;
} Random;

void random_open(Random *random, uint64_t seed);
/* Makes these choices; they must outlive it. */
void random_replay(Random *random, const uint32_t *choices, uint32_t count);
void random_close(Random *random);

/* 0 <= result < bound. */
uint32_t random_below(Random *random, uint32_t bound);

/* A span begins and ends; spans nest. */
uint32_t random_enter(Random *random, SpanKind kind);
void random_leave(Random *random, uint32_t span);

/* What was chosen since a mark is forgotten, as if it had never been tried. */
typedef struct RandomMark {
    uint32_t taken, spans;
} RandomMark;
RandomMark random_mark(const Random *random);
void random_forget(Random *random, RandomMark mark);

/* Makes `random`, whose case fails, into one with fewer and lower choices that still fails.
 * `fails` runs a case; at most `tries` times. */
void random_shrink(Random *random, bool (*fails)(Random *candidate), uint32_t tries);

#endif
