/* Types: physical forms, printing, equality, copies that outlive their source. */
#include <check.h>
#include <stdlib.h>

#include "core/type.h"
#include "tests/random_rows.h"

static void check_text(const Type *type, const char *expected)
{
    Arena *arena = arena_new(0);
    ck_assert_str_eq(type_text(arena, type), expected);
    arena_free(arena);
}

START_TEST(test_print)
{
    Arena *arena = arena_new(0);
    check_text(type_new(arena, TYPE_DECIMAL, false, 10, 2), "DECIMAL(10, 2) NOT NULL");
    check_text(&type_string, "STRING");
    check_text(&type_bytes, "BYTES");
    check_text(type_new(arena, TYPE_VARCHAR, true, 7, 0), "VARCHAR(7)");
    check_text(type_new(arena, TYPE_CHAR, true, 1, 0), "CHAR(1)");
    check_text(&type_timestamp_ltz_3, "TIMESTAMP_LTZ(3)");
    check_text(type_new(arena, TYPE_TIMESTAMP, false, 9, 0), "TIMESTAMP(9) NOT NULL");
    const Type *row = type_new_nested(arena, TYPE_ROW, true,
                                      (TypeField[]){{"a", &type_int}, {"b`c", &type_string}}, 2);
    check_text(row, "ROW<`a` INT, `b``c` STRING>");
    check_text(type_new_nested(arena, TYPE_ARRAY, true, &(TypeField){NULL, row}, 1),
               "ARRAY<ROW<`a` INT, `b``c` STRING>>");
    check_text(type_new_nested(arena, TYPE_MAP, false,
                               (TypeField[]){{NULL, &type_int}, {NULL, &type_double}}, 2),
               "MAP<INT, DOUBLE> NOT NULL");
    arena_free(arena);
}
END_TEST

START_TEST(test_physical)
{
    ck_assert_int_eq(type_make(TYPE_DECIMAL, true, 18, 0).physical, PHYSICAL_I64);
    ck_assert_int_eq(type_make(TYPE_DECIMAL, true, 19, 0).physical, PHYSICAL_I128);
    ck_assert_int_eq(type_make(TYPE_TIMESTAMP, true, 6, 0).physical, PHYSICAL_I64);
    ck_assert_int_eq(type_make(TYPE_TIMESTAMP_LTZ, true, 7, 0).physical, PHYSICAL_I128);
    const Type *common[] = {&type_null,
                            &type_boolean,
                            &type_tinyint,
                            &type_smallint,
                            &type_int,
                            &type_bigint,
                            &type_float,
                            &type_double,
                            &type_string,
                            &type_bytes,
                            &type_date,
                            &type_time,
                            &type_timestamp_3,
                            &type_timestamp_6,
                            &type_timestamp_ltz_3,
                            &type_timestamp_ltz_6,
                            &type_interval_month,
                            &type_interval_second};
    for (size_t i = 0; i < array_count(common); i++) {
        const Type *type = common[i];
        int32_t size = type_is_string(type) || type_is_bytes(type) ? type->length : type->precision;
        Type made = type_make(type->kind, true, size, type->scale);
        ck_assert(type_equal(type, &made));
        ck_assert_int_eq(type->physical, made.physical);
    }
}
END_TEST

START_TEST(test_copy)
{
    Arena *first = arena_new(0);
    Arena *second = arena_new(0);
    const Schema *schema = random_schema(first, true);
    const Schema *copy = schema_copy(second, schema);
    ck_assert(schema_equal(schema, copy));
    const Type *other = type_with_nullable(first, schema->columns[0].type, false);
    ck_assert(!type_equal(other, schema->columns[0].type));
    ck_assert(type_equal_ignoring_null(other, schema->columns[0].type));
    arena_free(first);
    ck_assert_int_eq(schema_find(copy, "c3"), 3);
    ck_assert_int_eq(schema_find(copy, "C3"), -1);
    Buffer text = {0};
    for (uint32_t i = 0; i < copy->column_count; i++)
        type_print(copy->columns[i].type, &text);
    ck_assert_uint_gt(text.length, 100);
    buffer_deinit(&text);
    arena_free(second);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("type");
    TCase *tests = tcase_create("all");
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_print);
    tcase_add_test(tests, test_physical);
    tcase_add_test(tests, test_copy);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
