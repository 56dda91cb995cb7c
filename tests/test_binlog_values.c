/* Values of row images against SELECT's text: both ways into one column must print the same, and
 * random decimals, times and dates against their plain definition. */
#include <check.h>
#include <stdlib.h>

#include "core/value_text.h"
#include "tests/binlog_bytes.h"
#include "tests/suite.h"

/* The value as the declared type prints it; "?" when it cannot be read or stored. */
static const char *printed(const MysqlColumn *column, const TableMapColumn *map, const char *hex,
                           const char *select, const Type *type, Buffer *out)
{
    Arena *arena = arena_new(512);
    Buffer bytes = {0}, scratch = {0};
    MysqlValue value = {0};
    Vector vector;
    bool good = false;
    vector_init(&vector, type, 1, arena);
    if (hex != NULL) {
        bytes_append(&bytes, hex);
        const uint8_t *at = (const uint8_t *)bytes.data;
        const uint8_t *end = at + bytes.length;
        good = mysql_value_decode(map, column, &at, end, &scratch, &value, NULL) && at == end;
    } else {
        good = mysql_value_parse(column, (Str){select, strlen(select)}, &value, NULL);
    }
    buffer_clear(out);
    if (good && mysql_value_store(column, &value, NULL, &vector, 0, arena, NULL))
        value_print(&vector, 0, NULL, out);
    else
        buffer_append_char(out, '?');
    buffer_deinit(&bytes);
    buffer_deinit(&scratch);
    arena_free(arena);
    return buffer_text(out);
}

static void check_both(TableMapColumn map, MysqlColumn column, const Type *type, const char *hex,
                       const char *select, const char *wanted)
{
    Buffer out = {0};
    ck_assert_str_eq(printed(&column, &map, hex, NULL, type, &out), wanted);
    ck_assert_str_eq(printed(&column, &map, NULL, select, type, &out), wanted);
    buffer_deinit(&out);
}

static void check_mapped(uint8_t type, uint16_t metadata, bool is_unsigned, const Type *declared,
                         const char *hex, const char *select, const char *wanted)
{
    TableMapColumn map = {.type = type, .metadata = metadata, .is_unsigned = is_unsigned};
    check_both(map, bytes_column(&map), declared, hex, select, wanted);
}

START_TEST(test_integers)
{
    check_mapped(MYSQL_TINY, 0, false, &type_tinyint, "ff", "-1", "-1");
    check_mapped(MYSQL_TINY, 0, true, &type_smallint, "ff", "255", "255");
    check_mapped(MYSQL_TINY, 0, false, &type_boolean, "02", "2", "TRUE");
    check_mapped(MYSQL_SHORT, 0, false, &type_smallint, "0080", "-32768", "-32768");
    check_mapped(MYSQL_INT24, 0, false, &type_int, "000080", "-8388608", "-8388608");
    check_mapped(MYSQL_INT24, 0, true, &type_int, "ffffff", "16777215", "16777215");
    check_mapped(MYSQL_LONG, 0, false, &type_int, "fcffffff", "-4", "-4");
    check_mapped(MYSQL_LONGLONG, 0, false, &type_bigint, "0000000000000080", "-9223372036854775808",
                 "-9223372036854775808");
    Type wide = type_make(TYPE_DECIMAL, true, 20, 0);
    check_mapped(MYSQL_LONGLONG, 0, true, &wide, "ffffffffffffffff", "18446744073709551615",
                 "18446744073709551615");
    /* Does not fit: refused, not cut. */
    check_mapped(MYSQL_LONGLONG, 0, true, &type_bigint, "ffffffffffffffff", "18446744073709551615",
                 "?");
    check_mapped(MYSQL_SHORT, 0, false, &type_tinyint, "8000", "128", "?");
    check_mapped(MYSQL_YEAR, 0, false, &type_int, "00", "0000", "0");
    check_mapped(MYSQL_YEAR, 0, false, &type_int, "7c", "2024", "2024");
}
END_TEST

START_TEST(test_decimals)
{
    Type ten = type_make(TYPE_DECIMAL, true, 10, 5);
    check_mapped(MYSQL_NEWDECIMAL, 10 | 5 << 8, false, &ten, "7fcfc6fef6cc", "-12345.67891",
                 "-12345.67891");
    check_mapped(MYSQL_NEWDECIMAL, 2 | 1 << 8, false, &type_string, "8101", "1.1", "1.1");
    check_mapped(MYSQL_NEWDECIMAL, 2 | 1 << 8, false, &type_string, "7efe", "-1.1", "-1.1");
    check_mapped(MYSQL_NEWDECIMAL, 2 | 1 << 8, false, &type_double, "7efe", "-1.1", "-1.1");
}
END_TEST

START_TEST(test_temporal)
{
    check_mapped(MYSQL_DATE, 0, false, &type_date, "5dd00f", "2024-02-29", "2024-02-29");
    check_mapped(MYSQL_DATE, 0, false, &type_date, "000000", "0000-00-00", "NULL");
    check_mapped(MYSQL_DATE, 0, false, &type_date, "0ad00f", "2024-00-10", "NULL");
    check_mapped(MYSQL_TIME2, 0, false, &type_string, "b46efb", "838:59:59", "838:59:59");
    check_mapped(MYSQL_TIME2, 0, false, &type_string, "4b9105", "-838:59:59", "-838:59:59");
    check_mapped(MYSQL_TIME2, 2, false, &type_string, "7fffffff", "-00:00:00.01", "-00:00:00.01");
    check_mapped(MYSQL_TIMESTAMP2, 0, false, &type_timestamp_ltz_6, "00000000",
                 "0000-00-00 00:00:00", "NULL");
    check_mapped(MYSQL_TIMESTAMP2, 3, false, &type_timestamp_ltz_6, "0000000104ce",
                 "1970-01-01 00:00:01.123", "1970-01-01 00:00:01.123000");
    check_mapped(MYSQL_DATETIME_OLD, 0, false, &type_timestamp_6, "e5c3aa8b68120000",
                 "2024-02-29 12:30:45", "2024-02-29 12:30:45.000000");
    check_mapped(MYSQL_TIME_OLD, 0, false, &type_string, "e9fdff", "-00:05:35", "-00:05:35");
}
END_TEST

START_TEST(test_text)
{
    TableMapColumn map = {.type = MYSQL_VARCHAR, .metadata = 20};
    MysqlColumn column = bytes_column(&map);
    column.charset_name = "latin1";
    column.charset = charset_find("latin1");
    check_both(map, column, &type_string, "0380e4ff", "€äÿ", "€äÿ");
    column.charset = charset_find("utf16");
    check_both(map, column, &type_string, "0800e4d83dde000061", "ä😀a", "ä😀a");
    column.charset = charset_find("cp1251");
    check_both(map, column, &type_string, "03cff0e8", "При", "При");
    ck_assert(charset_find("nonsense") == NULL);
    /* Half a character. */
    Buffer out = {0};
    column.charset = charset_find("utf16");
    ck_assert_str_eq(printed(&column, &map, "0100", NULL, &type_string, &out), "?");
    buffer_deinit(&out);
}
END_TEST

START_TEST(test_bytes)
{
    TableMapColumn map = {.type = MYSQL_STRING, .metadata = 4};
    MysqlColumn column = bytes_column(&map);
    column.class = CLASS_BYTES;
    column.is_fixed_binary = true;
    column.length = 4;
    Buffer out = {0};
    ck_assert_str_eq(printed(&column, &map, "02000a", NULL, &type_bytes, &out), "x'000a0000'");
    buffer_deinit(&out);
    TableMapColumn bits = {.type = MYSQL_BIT, .metadata = 1 | 1 << 8};
    check_both(bits, bytes_column(&bits), &type_bytes, "0102", "\x01\x02", "x'0201'");
}
END_TEST

START_TEST(test_enum_and_set)
{
    static const Str labels[] = {{"a", 1}, {"b c", 3}, {"", 0}};
    TableMapColumn map = {.type = MYSQL_ENUM, .metadata = 1};
    MysqlColumn column = bytes_column(&map);
    column.labels = labels;
    column.label_count = 3;
    check_both(map, column, &type_string, "02", "b c", "b c");
    check_both(map, column, &type_string, "00", "", "");
    Buffer out = {0};
    ck_assert_str_eq(printed(&column, &map, "04", NULL, &type_string, &out), "?");
    map = (TableMapColumn){.type = MYSQL_SET, .metadata = 1};
    column = bytes_column(&map);
    column.labels = labels;
    column.label_count = 2;
    check_both(map, column, &type_string, "03", "a,b c", "a,b c");
    ck_assert_str_eq(printed(&column, &map, "04", NULL, &type_string, &out), "?");
    TypeField field = {NULL, &type_string};
    Arena *arena = arena_new(256);
    const Type *array = type_new_nested(arena, TYPE_ARRAY, true, &field, 1);
    check_both(map, column, array, "03", "a,b c", "[a, b c]");
    check_both(map, column, array, "00", "", "[]");
    buffer_deinit(&out);
    arena_free(arena);
}
END_TEST

/* A decimal encoded the way the server documents it, from its digits. */
static void encode_decimal(const char *digits, uint32_t precision, uint32_t scale, bool negative,
                           Buffer *out)
{
    static const uint8_t sizes[] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
    uint32_t whole = precision - scale;
    uint32_t at = 0;
    size_t start = out->length;
    while (at < precision) {
        uint32_t left = at < whole ? whole - at : precision - at;
        uint32_t count = at < whole ? (left % 9 == 0 ? 9 : left % 9) : (left < 9 ? left : 9);
        uint32_t group = 0;
        for (uint32_t i = 0; i < count; i++)
            group = group * 10 + (uint32_t)(digits[at + i] - '0');
        for (uint32_t i = 0; i < sizes[count]; i++)
            buffer_append_u8(out, (uint8_t)(group >> (8 * (sizes[count] - 1 - i))));
        at += count;
    }
    out->data[start] = (char)(out->data[start] ^ 0x80);
    for (size_t i = start; negative && i < out->length; i++)
        out->data[i] = (char)~out->data[i];
}

START_TEST(test_random_decimals)
{
    srand(11);
    for (int round = 0; round < 3000; round++) {
        uint32_t precision = 1 + (uint32_t)rand() % 65;
        uint32_t scale = (uint32_t)rand() % ((precision < 30 ? precision : 30) + 1);
        bool negative = rand() % 2 == 0;
        char digits[66] = "";
        bool zero = true;
        for (uint32_t i = 0; i < precision; i++) {
            digits[i] = (char)('0' + (rand() % 3 == 0 ? 0 : rand() % 10));
            zero = zero && digits[i] == '0';
        }
        Buffer bytes = {0}, wanted = {0}, scratch = {0};
        negative = negative && !zero;
        encode_decimal(digits, precision, scale, negative, &bytes);
        uint32_t first = 0, whole = precision - scale;
        while (first + 1 < whole && digits[first] == '0')
            first++;
        buffer_printf(&wanted, "%s%.*s", negative ? "-" : "", (int)(whole - first), digits + first);
        if (whole == 0)
            buffer_append_char(&wanted, '0');
        if (scale > 0)
            buffer_printf(&wanted, ".%.*s", (int)scale, digits + whole);
        TableMapColumn map = {.type = MYSQL_NEWDECIMAL,
                              .metadata = (uint16_t)(precision | scale << 8)};
        MysqlColumn column = bytes_column(&map);
        Arena *arena = arena_new(256);
        Vector vector;
        MysqlValue value;
        const uint8_t *at = (const uint8_t *)bytes.data;
        vector_init(&vector, &type_string, 1, arena);
        ck_assert(
            mysql_value_decode(&map, &column, &at, at + bytes.length, &scratch, &value, NULL));
        ck_assert(mysql_value_store(&column, &value, NULL, &vector, 0, arena, NULL));
        Str found = vector_str(&vector, 0);
        ck_assert_msg(found.length == wanted.length &&
                          memcmp(found.data, wanted.data, found.length) == 0,
                      "DECIMAL(%u,%u): %.*s, wanted %s", precision, scale, (int)found.length,
                      found.data, buffer_text(&wanted));
        arena_free(arena);
        buffer_deinit(&bytes);
        buffer_deinit(&wanted);
        buffer_deinit(&scratch);
    }
}
END_TEST

int main(void)
{
    TCase *values = tcase_create("values");
    tcase_add_test(values, test_integers);
    tcase_add_test(values, test_decimals);
    tcase_add_test(values, test_temporal);
    tcase_add_test(values, test_text);
    tcase_add_test(values, test_bytes);
    tcase_add_test(values, test_enum_and_set);
    tcase_add_test(values, test_random_decimals);
    return test_run("binlog_values", values);
}
