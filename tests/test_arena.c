/* Arenas: alignment, growth, reset, callbacks in reverse order. */
#include <check.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/arena.h"

START_TEST(test_blocks_are_aligned_and_apart)
{
    Arena *arena = arena_new(64);
    unsigned char *blocks[500];
    size_t sizes[500];
    for (size_t i = 0; i < array_count(blocks); i++) {
        sizes[i] = i % 7 == 0 ? i * 400 : i % 50;
        blocks[i] = arena_alloc(arena, sizes[i]);
        ck_assert_uint_eq((uintptr_t)blocks[i] % 16, 0);
        memset(blocks[i], (int)(i & 0xFF), sizes[i]);
    }
    size_t wrong = 0;
    for (size_t i = 0; i < array_count(blocks); i++)
        for (size_t j = 0; j < sizes[i]; j++)
            wrong += blocks[i][j] != (i & 0xFF);
    ck_assert_uint_eq(wrong, 0);
    arena_free(arena);
}
END_TEST

START_TEST(test_reset_reuses)
{
    Arena *arena = arena_new(1024);
    for (int round = 0; round < 10; round++) {
        for (int i = 0; i < 1000; i++)
            memset(arena_alloc(arena, 100), 1, 100);
        ck_assert_uint_lt(arena_bytes(arena), 1 << 20);
        arena_reset(arena);
    }
    size_t kept = arena_bytes(arena);
    arena_reset(arena);
    ck_assert_uint_eq(arena_bytes(arena), kept);
    ck_assert_uint_gt(kept, 1024);
    arena_free(arena);
    arena_free(NULL);
}
END_TEST

static int closed[3];
static int closed_count;

static void remember(void *handle)
{
    closed[closed_count++] = *(int *)handle;
}

START_TEST(test_closes_last_first)
{
    static int handles[] = {1, 2, 3};
    closed_count = 0;
    Arena *arena = arena_new(0);
    for (size_t i = 0; i < array_count(handles); i++)
        arena_on_close(arena, remember, &handles[i]);
    arena_reset(arena);
    ck_assert_int_eq(closed_count, 3);
    ck_assert_int_eq(closed[0], 3);
    ck_assert_int_eq(closed[2], 1);
    arena_free(arena);
    ck_assert_int_eq(closed_count, 3);
}
END_TEST

START_TEST(test_text)
{
    Arena *arena = arena_new(0);
    ck_assert_str_eq(arena_strdup(arena, "abc"), "abc");
    ck_assert_str_eq(arena_str(arena, (Str){"abcdef", 2}), "ab");
    ck_assert_str_eq(arena_printf(arena, "%d-%s", 42, "x"), "42-x");
    int *numbers = arena_new_array(arena, int, 100);
    for (int i = 0; i < 100; i++)
        ck_assert_int_eq(numbers[i], 0);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("arena");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_blocks_are_aligned_and_apart);
    tcase_add_test(tests, test_reset_reuses);
    tcase_add_test(tests, test_closes_last_first);
    tcase_add_test(tests, test_text);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
