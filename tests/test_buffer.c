/* Buffers, their fixed-width integers, and the reader that survives short input. */
#include <check.h>
#include <stdlib.h>

#include "core/buffer.h"

START_TEST(test_appends)
{
    Buffer buffer = {0};
    ck_assert_str_eq(buffer_text(&buffer), "");
    for (int i = 0; i < 1000; i++)
        buffer_printf(&buffer, "%d,", i);
    ck_assert_uint_eq(buffer.length, 10 * 2 + 90 * 3 + 900 * 4);
    ck_assert(strncmp(buffer_text(&buffer), "0,1,2,", 6) == 0);
    buffer_clear(&buffer);
    buffer_append_i64(&buffer, INT64_MIN);
    buffer_append_char(&buffer, ' ');
    buffer_append_i64(&buffer, 0);
    buffer_append_char(&buffer, ' ');
    buffer_append_padded(&buffer, 7, 3);
    buffer_append_str(&buffer, STR("!"));
    buffer_append_text(&buffer, "?");
    ck_assert_str_eq(buffer_text(&buffer), "-9223372036854775808 0 007!?");
    buffer_clear(&buffer);
    char large[5000];
    memset(large, 'x', sizeof(large) - 1);
    large[sizeof(large) - 1] = '\0';
    buffer_printf(&buffer, "%s", large);
    ck_assert_str_eq(buffer_text(&buffer), large);
    buffer_deinit(&buffer);
}
END_TEST

START_TEST(test_reader)
{
    Buffer buffer = {0};
    buffer_append_u8(&buffer, 200);
    buffer_append_u32(&buffer, 0x01020304);
    buffer_append_u64(&buffer, UINT64_MAX - 1);
    buffer_append_bytes(&buffer, STR("hello"));
    ck_assert_int_eq(buffer.data[1], 4); /* little-endian */
    Reader reader = reader_of((Str){buffer.data, buffer.length});
    ck_assert_uint_eq(reader_u8(&reader), 200);
    ck_assert_uint_eq(reader_u32(&reader), 0x01020304);
    ck_assert(!reader_done(&reader));
    ck_assert_uint_eq(reader_u64(&reader), UINT64_MAX - 1);
    Str text = reader_bytes(&reader);
    ck_assert_uint_eq(text.length, 5);
    ck_assert(reader_done(&reader) && !reader.failed);
    for (size_t length = 0; length < buffer.length; length++) {
        Reader cut = reader_of((Str){buffer.data, length});
        reader_u8(&cut);
        reader_u32(&cut);
        reader_u64(&cut);
        ck_assert_uint_eq(reader_bytes(&cut).length, 0);
        ck_assert(cut.failed);
        ck_assert_uint_eq(reader_u64(&cut), 0);
    }
    buffer_deinit(&buffer);
}
END_TEST

static void check_excerpt(Str text, size_t bytes, const char *expected)
{
    Buffer buffer = {0};
    buffer_append_excerpt(&buffer, text, bytes);
    ck_assert_str_eq(buffer_text(&buffer), expected);
    buffer_deinit(&buffer);
}

START_TEST(test_excerpt)
{
    check_excerpt((Str){NULL, 0}, 4, "");
    check_excerpt(STR("né 表"), 100, "né 表");
    check_excerpt(STR("abcdef"), 6, "abcdef");
    check_excerpt(STR("abcdefg"), 6, "abcdef...");
    check_excerpt(STR("abcdé"), 5, "abcd...");
    check_excerpt(STR("abc😀"), 6, "abc...");
    check_excerpt(STR("a\0\t\x7f b"), 9, "a\\x00\\x09\\x7f b");
    check_excerpt(STR("é\xff\xfe表\xc3"), 99, "é\\xff\\xfe表\\xc3");
    check_excerpt(STR("\x80\x80\x80\x80\x80\x80"), 4, "\\x80...");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("buffer");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_appends);
    tcase_add_test(tests, test_reader);
    tcase_add_test(tests, test_excerpt);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
