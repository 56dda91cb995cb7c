/* What a fuzzer offers and the driver takes: one entry with libFuzzer's name and signature, and
 * seeds to mutate. */
#ifndef TESTS_FUZZ_MAIN_H
#define TESTS_FUZZ_MAIN_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends with NULL. */
extern const char *const fuzz_seeds[];

#endif
