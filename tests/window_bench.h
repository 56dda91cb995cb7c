/* What tests of operators over windows share. */
#ifndef TESTS_WINDOW_BENCH_H
#define TESTS_WINDOW_BENCH_H

#include "tests/operator_bench.h"

/* Forty windows of a minute come and go, each with `rows` rows on every input, `per_key` of them
 * with one key, as (key, value, start, end): memory goes back to where it was after the first. */
static inline void bench_check_memory_comes_back(Bench *bench, int rows, int per_key)
{
    uint64_t after_first = 0;
    for (int round = 0; round < 40; round++) {
        Buffer text = {0};
        for (int i = 0; i < rows; i++)
            buffer_printf(&text, "+I[%d, %d, 1970-01-01 00:%02d:00, 1970-01-01 00:%02d:00]\n",
                          i / per_key, i, round, round + 1);
        for (uint32_t input = 0; input < bench->node.input_count; input++)
            bench_feed(bench, input, buffer_text(&text));
        buffer_deinit(&text);
        bench_watermark(bench, (round + 1) * 60000 - 1);
        buffer_clear(&bench->emitter.text);
        ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
        if (round == 0)
            after_first = state_store_reserved_bytes(bench->context.state);
    }
    ck_assert_uint_le(state_store_reserved_bytes(bench->context.state),
                      after_first + after_first / 10);
    bench_free(bench);
}

/* The end of a random run: what was given is what was wanted, nothing was late, nothing is kept. */
static inline void bench_end_compared(Bench *bench, Fold *given, Fold *wanted)
{
    fold_compare(given, wanted);
    ck_assert_uint_eq(bench->emitter.late_rows, 0);
    ck_assert_uint_eq(state_store_keys(bench->context.state), 0);
    fold_free(given);
    fold_free(wanted);
    bench_free(bench);
}

#endif
