/* What a stream of literal changes adds up to, and random numbers to make one from.
 *
 * A new seed each run, printed; WEIR_TEST_SEED repeats a run. */
#ifndef TESTS_CHANGE_FOLD_H
#define TESTS_CHANGE_FOLD_H

#include <check.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "core/base.h"

typedef struct TestRandom {
    uint64_t state;
} TestRandom;

static inline TestRandom test_random(const char *test)
{
    const char *given = getenv("WEIR_TEST_SEED");
    uint64_t seed = given != NULL ? strtoull(given, NULL, 10) : (uint64_t)time(NULL);
    printf("%s: WEIR_TEST_SEED=%llu\n", test, (unsigned long long)seed);
    fflush(stdout);
    return (TestRandom){seed};
}

static inline uint32_t test_below(TestRandom *random, uint32_t bound)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % bound);
}

/* A bag of rows as text: what a change stream adds up to. */
typedef struct Fold {
    char *rows[8192];
    uint32_t count;
} Fold;

static inline void fold_free(Fold *fold)
{
    for (uint32_t i = 0; i < fold->count; i++)
        free(fold->rows[i]);
    fold->count = 0;
}

static inline void fold_add(Fold *fold, const char *row, size_t length)
{
    ck_assert(fold->count < array_count(fold->rows));
    fold->rows[fold->count++] = strndup(row, length);
}

static inline void fold_remove(Fold *fold, const char *row, size_t length)
{
    for (uint32_t i = 0; i < fold->count; i++) {
        if (strlen(fold->rows[i]) != length || memcmp(fold->rows[i], row, length) != 0)
            continue;
        free(fold->rows[i]);
        fold->rows[i] = fold->rows[--fold->count];
        return;
    }
    ck_abort_msg("taken back but never given: %.*s", (int)length, row);
}

/* Applies changes; every retraction must find its row. */
static inline void fold_apply(Fold *fold, const char *lines)
{
    while (*lines != '\0') {
        size_t length = strcspn(lines, "\n");
        ck_assert(length > 2);
        if (lines[1] == 'U' ? lines[0] == '-' : lines[1] == 'D')
            fold_remove(fold, lines + 2, length - 2);
        else
            fold_add(fold, lines + 2, length - 2);
        lines += length + (lines[length] == '\n');
    }
}

static inline int fold_order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static inline void fold_compare(Fold *actual, Fold *expected)
{
    qsort(actual->rows, actual->count, sizeof(char *), fold_order);
    qsort(expected->rows, expected->count, sizeof(char *), fold_order);
    for (uint32_t i = 0; i < actual->count && i < expected->count; i++)
        ck_assert_str_eq(actual->rows[i], expected->rows[i]);
    ck_assert_uint_eq(actual->count, expected->count);
}

#endif
