/* Rounds of random changes against a model: each round feeds the changes in `text`, the caller adds
 * to `expected` what the model says, and both must be the same rows; now and then the operator goes
 * on from its snapshot. */
#ifndef TESTS_ROUNDS_H
#define TESTS_ROUNDS_H

#include "tests/operator_bench.h"

typedef struct Rounds {
    Bench *bench;
    Buffer text;     /* changes of the round */
    Fold *actual;    /* what all rounds have given */
    Fold *expected;  /* what there must be after this one */
    uint32_t number; /* of rounds that are over */
    uint32_t restart_every;
} Rounds;

static inline Rounds rounds_open(Bench *bench, uint32_t restart_every)
{
    return (Rounds){.bench = bench,
                    .actual = memory_zalloc(sizeof(Fold)),
                    .expected = memory_zalloc(sizeof(Fold)),
                    .restart_every = restart_every};
}

static inline void rounds_feed(Rounds *rounds)
{
    bench_feed(rounds->bench, 0, buffer_text(&rounds->text));
    bench_fold(rounds->bench, rounds->actual);
    buffer_clear(&rounds->text);
}

static inline void rounds_compare(Rounds *rounds)
{
    fold_compare(rounds->actual, rounds->expected);
    fold_free(rounds->expected);
    if (++rounds->number % rounds->restart_every == 0)
        bench_restart(rounds->bench);
}

/* The bench too. */
static inline void rounds_close(Rounds *rounds)
{
    buffer_deinit(&rounds->text);
    fold_free(rounds->actual);
    memory_free(rounds->actual);
    memory_free(rounds->expected);
    bench_free(rounds->bench);
}

#endif
