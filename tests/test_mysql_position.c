/* GTID sets against a plain bitmap, positions as text and bytes. */
#include <check.h>
#include <stdlib.h>

#include "connectors/mysql/position.h"
#include "core/str.h"
#include "tests/suite.h"

#define UUID_A "3e11fa47-71ca-11e1-9e33-c80aa9429562"
#define UUID_B "00000000-0000-0000-0000-000000000001"

static void check_round(GtidFlavour flavour, const char *text, const char *wanted)
{
    GtidSet set = {0};
    Buffer out = {0};
    if (!gtid_set_parse(&set, flavour, str_of(text), NULL))
        buffer_append_char(&out, '?');
    else
        gtid_set_print(&set, &out);
    ck_assert_str_eq(buffer_text(&out), wanted);
    gtid_set_deinit(&set);
    buffer_deinit(&out);
}

START_TEST(test_text)
{
    check_round(GTID_MYSQL, UUID_A ":1-5:7", UUID_A ":1-5:7");
    check_round(GTID_MYSQL, " " UUID_A ":7:1-5 ,\n" UUID_B ":3", UUID_A ":1-5:7," UUID_B ":3");
    check_round(GTID_MYSQL, UUID_A ":1-5:6-9:2", UUID_A ":1-9");
    check_round(GTID_MYSQL, UUID_A ":TAG:1-5:other:2", UUID_A ":tag:1-5," UUID_A ":other:2");
    check_round(GTID_MYSQL, "", "");
    check_round(GTID_MYSQL, UUID_A, "?");
    check_round(GTID_MYSQL, UUID_A ":0", "?");
    check_round(GTID_MYSQL, UUID_A ":5-4", "?");
    check_round(GTID_MYSQL, UUID_A ":1,,", "?");
    check_round(GTID_MYSQL, "0-1-2", "?");
    check_round(GTID_MARIADB, "0-1-100,1-1-7", "0-1-100,1-1-7");
    check_round(GTID_MARIADB, "0-1-100,0-2-120", "0-2-120");
    check_round(GTID_MARIADB, "0-1", "?");
    check_round(GTID_MARIADB, "4294967296-1-1", "?");
    ck_assert_int_eq(gtid_text_flavour(STR(UUID_A ":1")), GTID_MYSQL);
    ck_assert_int_eq(gtid_text_flavour(STR("0-1-2")), GTID_MARIADB);
    ck_assert_int_eq(gtid_text_flavour(STR("mysql-bin.1")), GTID_NONE);
}
END_TEST

START_TEST(test_sets)
{
    enum { NUMBERS = 60 };
    srand(5);
    for (int round = 0; round < 500; round++) {
        bool present[NUMBERS + 1] = {false};
        GtidSet set = {0};
        Gtid gtid = {.flavour = GTID_MYSQL, .uuid = {1}};
        set.flavour = GTID_MYSQL;
        for (int i = 0; i < rand() % 80; i++) {
            gtid.sequence = 1 + (uint64_t)(rand() % NUMBERS);
            present[gtid.sequence] = true;
            gtid_set_add(&set, &gtid);
        }
        for (uint64_t n = 1; n <= NUMBERS; n++) {
            gtid.sequence = n;
            ck_assert_int_eq(gtid_set_contains(&set, &gtid), present[n]);
        }
        /* Intervals that touch are one: printed, read and printed again it stays. */
        Buffer first = {0}, second = {0};
        GtidSet copy = {0}, read = {0};
        gtid_set_print(&set, &first);
        ck_assert(gtid_set_parse(&read, GTID_MYSQL, (Str){first.data, first.length}, NULL));
        gtid_set_print(&read, &second);
        ck_assert_str_eq(buffer_text(&first), buffer_text(&second));
        gtid_set_copy(&copy, &set);
        ck_assert(gtid_set_includes(&copy, &set) && gtid_set_includes(&set, &copy));
        gtid.sequence = NUMBERS + 5;
        gtid_set_add(&copy, &gtid);
        ck_assert(gtid_set_includes(&copy, &set) && !gtid_set_includes(&set, &copy));
        buffer_deinit(&first);
        buffer_deinit(&second);
        gtid_set_deinit(&set);
        gtid_set_deinit(&copy);
        gtid_set_deinit(&read);
    }
}
END_TEST

START_TEST(test_mariadb_ignores_server)
{
    GtidSet set = {0};
    ck_assert(gtid_set_parse(&set, GTID_MARIADB, STR("0-1-100,5-1-3"), NULL));
    Gtid other = {.flavour = GTID_MARIADB, .domain = 0, .server = 9, .sequence = 100};
    ck_assert(gtid_set_contains(&set, &other));
    other.sequence = 101;
    ck_assert(!gtid_set_contains(&set, &other));
    gtid_set_add(&set, &other);
    ck_assert(gtid_set_contains(&set, &other));
    other.flavour = GTID_MYSQL;
    ck_assert(!gtid_set_contains(&set, &other));
    gtid_set_deinit(&set);
}
END_TEST

START_TEST(test_unknown_stays_unknown)
{
    GtidSet set = {0};
    Gtid gtid = {.flavour = GTID_MARIADB, .sequence = 5};
    gtid_set_add(&set, &gtid);
    ck_assert_int_eq(set.flavour, GTID_NONE);
    ck_assert_uint_eq(set.count, 0);
}
END_TEST

START_TEST(test_files)
{
    ck_assert_int_lt(mysql_file_compare("bin.999999", "bin.1000000"), 0);
    ck_assert_int_gt(mysql_file_compare("bin.000010", "bin.000009"), 0);
    ck_assert_int_eq(mysql_file_compare("bin.000010", "bin.000010"), 0);
}
END_TEST

START_TEST(test_bytes)
{
    MysqlPosition position = {.offset = 4711};
    MysqlPosition read = {0};
    Buffer bytes = {0};
    memcpy(position.file, "mysql-bin.000003", 17);
    ck_assert(gtid_set_parse(&position.gtids, GTID_MYSQL, STR(UUID_A ":1-5:7"), NULL));
    mysql_position_write(&position, &bytes);
    Reader reader = reader_of((Str){bytes.data, bytes.length});
    ck_assert(mysql_position_read(&read, &reader, NULL));
    Buffer text = {0};
    mysql_position_print(&read, &text);
    ck_assert_str_eq(buffer_text(&text), "mysql-bin.000003:4711 (" UUID_A ":1-5:7)");
    for (size_t length = 0; length < bytes.length; length++) {
        Reader cut = reader_of((Str){bytes.data, length});
        ck_assert(!mysql_position_read(&read, &cut, NULL));
    }
    mysql_position_deinit(&position);
    mysql_position_deinit(&read);
    buffer_deinit(&bytes);
    buffer_deinit(&text);
}
END_TEST

int main(void)
{
    TCase *positions = tcase_create("positions");
    tcase_add_test(positions, test_text);
    tcase_add_test(positions, test_sets);
    tcase_add_test(positions, test_mariadb_ignores_server);
    tcase_add_test(positions, test_unknown_stays_unknown);
    tcase_add_test(positions, test_files);
    tcase_add_test(positions, test_bytes);
    return test_run("mysql_position", positions);
}
