/* The checksum of binlog events, against zlib's. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

#include "connectors/mysql/crc.h"
#include "tests/suite.h"

START_TEST(equals_zlib_at_every_length_and_offset)
{
    uint8_t bytes[700];
    srand(20261121);
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (uint8_t)rand();
    for (size_t length = 0; length <= 600; length++) {
        size_t offset = length % 61;
        uint32_t expected = (uint32_t)crc32_z(0, bytes + offset, length);
        ck_assert_msg(mysql_crc32(bytes + offset, length) == expected, "%zu bytes from %zu", length,
                      offset);
    }
}
END_TEST

START_TEST(every_bit_counts)
{
    uint8_t bytes[160] = {0};
    uint32_t whole = mysql_crc32(bytes, sizeof(bytes));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] = (uint8_t)(1u << (bit % 8));
        ck_assert_uint_ne(mysql_crc32(bytes, sizeof(bytes)), whole);
        bytes[bit / 8] = 0;
    }
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("crc");
    tcase_add_test(tests, equals_zlib_at_every_length_and_offset);
    tcase_add_test(tests, every_bit_counts);
    return test_run("mysql_crc", tests);
}
