/* Text helpers, UTF-8 checking against a plain decoder, nearest names, and the error record. */
#include <check.h>
#include <stdlib.h>

#include "core/buffer.h"
#include "core/error.h"
#include "core/str.h"
#include "tests/random_rows.h"

START_TEST(test_compare)
{
    ck_assert(str_equal(STR("ab"), STR("ab")));
    ck_assert(!str_equal(STR("ab"), STR("aB")));
    ck_assert(str_equal_nocase(STR("Ab_1"), STR("aB_1")));
    ck_assert(!str_equal_nocase(STR("a"), STR("ab")));
    ck_assert(!str_equal_nocase(STR("@"), STR("`")));
    ck_assert(str_starts_with(STR("abc"), STR("ab")));
    ck_assert(!str_starts_with(STR("a"), STR("ab")));
    Str trimmed = str_trim(STR(" \t\r\n a b \v\f"));
    ck_assert(str_equal(trimmed, STR("a b")));
    ck_assert_uint_eq(str_trim(STR("   ")).length, 0);
}
END_TEST

/* The definition, by code point: what a strict decoder that was written another way accepts. */
static size_t valid_prefix_slowly(const unsigned char *text, size_t length)
{
    size_t at = 0;
    while (at < length) {
        unsigned char lead = text[at];
        size_t size = lead < 0x80       ? 1
                      : lead >> 5 == 6  ? 2
                      : lead >> 4 == 14 ? 3
                      : lead >> 3 == 30 ? 4
                                        : 0;
        if (size == 0 || at + size > length)
            return at;
        uint32_t point = size == 1 ? lead : lead & (0x7Fu >> size);
        for (size_t i = 1; i < size; i++) {
            if (text[at + i] >> 6 != 2)
                return at;
            point = point << 6 | (text[at + i] & 0x3F);
        }
        static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
        if (point < least[size] || point > 0x10FFFF || (point >= 0xD800 && point < 0xE000))
            return at;
        at += size;
    }
    return at;
}

START_TEST(test_utf8)
{
    Random random = random_seed("utf8");
    for (int round = 0; round < 20000; round++) {
        unsigned char text[40];
        size_t length = random_text(&random, (char *)text, random_below(&random, 9));
        for (uint32_t flips = random_below(&random, 3); flips > 0 && length > 0; flips--)
            text[random_below(&random, (uint32_t)length)] = (unsigned char)random_next(&random);
        Str str = {(const char *)text, length};
        ck_assert_uint_eq(str_utf8_valid_prefix(str), valid_prefix_slowly(text, length));
    }
    ck_assert_uint_eq(str_utf8_length(STR("a\xC3\xA9\xF0\x9F\x98\x80z")), 4);
    ck_assert_uint_eq(str_utf8_valid_prefix(STR("ab\xED\xA0\x80")), 2);
}
END_TEST

START_TEST(test_nearest)
{
    static const char *const names[] = {"connector", "format", "path", "scan.startup.mode", "id"};
    size_t count = array_count(names);
    ck_assert_str_eq(str_nearest("conector", names, count), "connector");
    ck_assert_str_eq(str_nearest("CONNECTOR", names, count), "connector");
    ck_assert_str_eq(str_nearest("fromat", names, count), "format");
    ck_assert_str_eq(str_nearest("pth", names, count), "path");
    ck_assert_str_eq(str_nearest("ID", names, count), "id");
    ck_assert_str_eq(str_nearest("scan.startup.mod", names, count), "scan.startup.mode");
    ck_assert_str_eq(str_nearest("Conn", names, count), "connector");
    ck_assert_str_eq(str_nearest("pathh", names, count), "path");
    static const char *const lengths[] = {"port", "hostname"}, *const two[] = {"filesystem",
                                                                               "fileset"};
    ck_assert_str_eq(str_nearest("host", lengths, 2), "hostname");
    ck_assert_ptr_null(str_nearest("file", two, 2));
    ck_assert_ptr_null(str_nearest("warehouse", names, count));
    ck_assert_ptr_null(str_nearest("x", names, count));
    ck_assert_ptr_null(str_nearest("", names, count));
}
END_TEST

START_TEST(test_error)
{
    Error error;
    error_set(&error, ERROR_NAME, "table \"%s\" does not exist", "t");
    error_hint(&error, "Did you mean \"%s\"?", "u");
    error_place(&error, "orders.csv:%d", 17);
    error_prefix(&error, "query: ");
    error_at(&error, 5, 1);
    error_at(&error, 9, 9);
    ck_assert_int_eq(error.sql_offset, 5);
    Buffer text = {0};
    error_print(&error, &text);
    ck_assert_str_eq(buffer_text(&text), "ERROR: query: table \"t\" does not exist\n"
                                         "PLACE: orders.csv:17\nHINT: Did you mean \"u\"?");
    buffer_deinit(&text);
    char large[4000];
    memset(large, 0, sizeof(large));
    for (size_t i = 0; i + 2 < sizeof(large); i += 2)
        memcpy(large + i, "\xC3\xA9", 2);
    error_set(&error, ERROR_DATA, "%s", large);
    Str cut = str_of(error.message);
    ck_assert_uint_eq(str_utf8_valid_prefix(cut), cut.length);
    error_prefix(&error, "x");
    cut = str_of(error.message);
    ck_assert_uint_eq(str_utf8_valid_prefix(cut), cut.length);
    ck_assert(!error_set(NULL, ERROR_DATA, "ignored"));
    ck_assert_str_eq(error_code_name(ERROR_CANCELLED), "cancelled");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("str");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_compare);
    tcase_add_test(tests, test_utf8);
    tcase_add_test(tests, test_nearest);
    tcase_add_test(tests, test_error);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
