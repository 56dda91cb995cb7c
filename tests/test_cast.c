/* CAST and TRY_CAST between the types there are, and which casts are implicit. */
#include "tests/function_case.h"
#include "tests/suite.h"

static const FunctionCase numbers[] = {
    {"CAST TINYINT", "INT 300", "TINYINT 44"},
    {"CAST BIGINT", "INT -5", "BIGINT -5"},
    {"CAST INT", "BIGINT 4294967297", "INT 1"},
    {"CAST INT", "DOUBLE 1e20", "INT 2147483647"},
    {"CAST INT", "DOUBLE -1.9", "INT -1"},
    {"CAST BIGINT", "DOUBLE NaN", "BIGINT 0"},
    {"CAST TINYINT", "DOUBLE 300", "TINYINT 44"},
    {"CAST DOUBLE", "INT 3", "DOUBLE 3.0"},
    {"CAST FLOAT", "DOUBLE 0.1", "FLOAT 0.1"},
    {"CAST BOOLEAN", "INT 0", "BOOLEAN FALSE"},
    {"CAST BOOLEAN", "DECIMAL(3,1) 0.5", "BOOLEAN TRUE"},
    {"CAST INT", "BOOLEAN TRUE", "INT 1"},
    {"CAST DECIMAL(5,2)", "INT 12", "DECIMAL(5, 2) 12.00"},
    {"CAST DECIMAL(3,2)", "INT 12", "DECIMAL(3, 2) NULL"},
    {"CAST DECIMAL(12,2)", "INT -2147483648", "DECIMAL(12, 2) -2147483648.00"},
    {"CAST DECIMAL(38,10)", "BIGINT 9223372036854775807",
     "DECIMAL(38, 10) 9223372036854775807.0000000000"},
    {"CAST DECIMAL(4,1)", "DECIMAL(5,3) 12.345", "DECIMAL(4, 1) 12.3"},
    {"CAST DECIMAL(4,2)", "DECIMAL(5,3) 12.345", "DECIMAL(4, 2) 12.35"},
    {"CAST DECIMAL(20,3)", "DECIMAL(5,3) 12.345", "DECIMAL(20, 3) 12.345"},
    {"CAST DECIMAL(3,2)", "DECIMAL(5,3) 12.345", "DECIMAL(3, 2) NULL"},
    {"CAST DECIMAL(5,2)", "DOUBLE 1.005", "DECIMAL(5, 2) 1.01"},
    {"CAST DECIMAL(5,2)", "DOUBLE 1e9", "DECIMAL(5, 2) NULL"},
    {"CAST INT", "DECIMAL(5,3) -12.945", "INT -12"},
    {"CAST INT", "DECIMAL(20,0) 4294967297", "INT 1"},
    {"CAST DOUBLE", "DECIMAL(5,3) 12.345", "DOUBLE 12.345"},
    {"CAST INT", "INT NULL", "INT NULL"},
    {"CAST INT", "NULL NULL", "INT NULL"},
    {"CAST BIGINT", "MILLIS 5", "BIGINT 5"},
    {"CAST DATE", "INT 5", "error: cannot cast INT to DATE"},
    {"CAST TIMESTAMP(3)", "BIGINT 5", "error: cannot cast BIGINT to TIMESTAMP(3)"},
};

static const FunctionCase texts[] = {
    {"CAST INT", "STRING 42", "INT 42"},
    {"CAST INT", "STRING  -42 ", "INT -42"},
    {"CAST TINYINT", "STRING 1.234", "TINYINT 1"},
    {"CAST TINYINT", "STRING -130", "error: cannot cast \"-130\" to TINYINT"},
    {"CAST BIGINT", "STRING -9223372036854775808", "BIGINT -9223372036854775808"},
    {"CAST BIGINT", "STRING 9223372036854775808", "error: cannot cast \"9223372036854775808\""},
    {"CAST INT", "STRING x1", "error: cannot cast \"x1\" to INT"},
    {"CAST INT", "STRING ", "error: cannot cast \"\" to INT"},
    {"CAST INT", "STRING -", "error: cannot cast \"-\" to INT"},
    {"CAST INT", "STRING .", "error: cannot cast \".\" to INT"},
    {"TRY_CAST INT", "STRING x1", "INT NULL"},
    {"TRY_CAST INT", "STRING 7", "INT 7"},
    {"TRY_CAST INT", "BIGINT 4294967297", "INT 1"},
    {"CAST DOUBLE", "STRING 1.5e3", "DOUBLE 1500.0"},
    {"CAST DECIMAL(5,2)", "STRING 1.005", "DECIMAL(5, 2) 1.01"},
    {"CAST BOOLEAN", "STRING true", "BOOLEAN TRUE"},
    {"CAST BOOLEAN", "STRING maybe", "error: cannot cast \"maybe\" to BOOLEAN"},
    {"CAST DATE", "STRING 2024-02-29", "DATE 2024-02-29"},
    {"CAST DATE", "STRING 2023-02-29", "error: cannot cast \"2023-02-29\" to DATE"},
    {"TRY_CAST DATE", "STRING 2023-02-29", "DATE NULL"},
    {"CAST TIMESTAMP(3)", "STRING 2024-02-29 1:2:3.123456", "TIMESTAMP(3) 2024-02-29 01:02:03.123"},
    {"CAST TIMESTAMP(9)", "STRING 2024-02-29 01:02:03.123456789",
     "TIMESTAMP(9) 2024-02-29 01:02:03.123456789"},
    {"CAST STRING", "INT -42", "STRING -42"},
    {"CAST STRING", "BIGINT -9223372036854775808", "STRING -9223372036854775808"},
    {"CAST STRING", "TINYINT 0", "STRING 0"},
    {"CAST VARCHAR(2)", "INT 123", "VARCHAR(2) 12"},
    {"CAST CHAR(5)", "INT 12", "CHAR(5) 12   "},
    {"CAST STRING", "DOUBLE 1.5", "STRING 1.5"},
    {"CAST STRING", "DECIMAL(5,2) 1.5", "STRING 1.50"},
    {"CAST STRING", "BOOLEAN TRUE", "STRING TRUE"},
    {"CAST STRING", "DATE 2024-02-29", "STRING 2024-02-29"},
    {"CAST STRING", "TIMESTAMP(3) 2024-02-29 01:02:03", "STRING 2024-02-29 01:02:03.000"},
    {"CAST VARCHAR(3)", "STRING grüße", "VARCHAR(3) grü"},
    {"CAST VARCHAR(9)", "STRING grüße", "VARCHAR(9) grüße"},
    {"CAST CHAR(7)", "STRING grüße", "CHAR(7) grüße  "},
    {"CAST STRING", "CHAR(3) abc", "STRING abc"},
    {"CAST BYTES", "STRING abc", "BYTES x'616263'"},
    {"CAST BINARY(4)", "STRING ab", "BINARY(4) x'61620000'"},
    {"CAST STRING", "STRING NULL", "STRING NULL"},
};

/* In New York, UTC-5 in winter. */
static const FunctionCase times[] = {
    {"CAST DATE", "TIMESTAMP(3) 2024-01-31 23:59:59.999", "DATE 2024-01-31"},
    {"CAST TIME", "TIMESTAMP(3) 2024-01-31 23:59:59.999", "TIME(0) 23:59:59"},
    {"CAST TIMESTAMP(3)", "DATE 2024-01-31", "TIMESTAMP(3) 2024-01-31 00:00:00.000"},
    {"CAST TIMESTAMP(9)", "DATE 1969-12-31", "TIMESTAMP(9) 1969-12-31 00:00:00.000000000"},
    {"CAST TIMESTAMP(3)", "TIME 10:00:00", "TIMESTAMP(3) 1970-01-01 10:00:00.000"},
    {"CAST TIMESTAMP(0)", "TIMESTAMP(3) 1969-12-31 23:59:59.999",
     "TIMESTAMP(0) 1969-12-31 23:59:59"},
    {"CAST TIMESTAMP(9)", "TIMESTAMP(6) 2024-01-31 00:00:00.123456",
     "TIMESTAMP(9) 2024-01-31 00:00:00.123456000"},
    {"CAST TIMESTAMP(6)", "TIMESTAMP(9) 2024-01-31 00:00:00.123456789",
     "TIMESTAMP(6) 2024-01-31 00:00:00.123456"},
    {"CAST TIMESTAMP_LTZ(3)", "TIMESTAMP(3) 2024-01-31 10:00:00",
     "TIMESTAMP_LTZ(3) 2024-01-31 10:00:00.000"},
    {"CAST TIMESTAMP(3)", "TIMESTAMP_LTZ(3) 2024-01-31 10:00:00",
     "TIMESTAMP(3) 2024-01-31 10:00:00.000"},
    {"CAST TIMESTAMP(9)", "TIMESTAMP_LTZ(9) 2024-07-31 10:00:00.000000001",
     "TIMESTAMP(9) 2024-07-31 10:00:00.000000001"},
    {"CAST DATE", "TIMESTAMP_LTZ(3) 2024-01-31 23:00:00", "DATE 2024-01-31"},
    {"CAST TIMESTAMP_LTZ(0)", "TIMESTAMP_LTZ(9) 2024-01-31 23:00:00.999999999",
     "TIMESTAMP_LTZ(0) 2024-01-31 23:00:00"},
    {"CAST TIME", "DATE 2024-01-31", "error: cannot cast DATE to TIME(0)"},
};

CHECK_CASES(numbers, "UTC")
CHECK_CASES(texts, "UTC")
CHECK_CASES(times, "America/New_York")

START_TEST(test_bytes_to_text)
{
    Arena *arena = arena_new(1024);
    const FunctionSite site = {NULL, NULL, 0, time_zone_utc(), arena, NULL};
    const FunctionEnvironment environment = {&clock_system, time_zone_utc(), 0, INT64_MIN};
    BoundFunction cast;
    ck_assert(cast_bind(&type_bytes, &type_string, CAST_EXPLICIT, &site, &cast, NULL));
    Vector in;
    Vector out;
    vector_init(&in, &type_bytes, 2, arena);
    vector_init(&out, &type_string, 2, arena);
    vector_set_str(&in, 0, STR("fine"), arena);
    vector_set_str(&in, 1, STR("a\xff"), arena);
    const Vector *const args[] = {&in};
    KernelCall call = {args, 1, NULL, 2, &out, arena, cast.data, &environment, 0};
    Error error = {0};
    ck_assert(!cast.kernel(&call, &error));
    ck_assert_uint_eq(call.error_row, 1);
    ck_assert_str_eq(error.message, "cannot cast bytes to STRING: not UTF-8 at byte 2");
    ck_assert(cast_bind(&type_bytes, &type_string, CAST_TRY, &site, &cast, NULL));
    call.data = cast.data;
    ck_assert(cast.kernel(&call, &error));
    ck_assert(!vector_is_null(&out, 0));
    ck_assert(vector_is_null(&out, 1));
    arena_free(arena);
}
END_TEST

START_TEST(test_implicit)
{
    const Type decimal = type_make(TYPE_DECIMAL, true, 10, 2);
    ck_assert(cast_is_implicit(&type_int, &type_bigint));
    ck_assert(!cast_is_implicit(&type_bigint, &type_int));
    ck_assert(cast_is_implicit(&type_double, &decimal));
    ck_assert(cast_is_implicit(&decimal, &type_float));
    ck_assert(!cast_is_implicit(&type_double, &type_float));
    ck_assert(!cast_is_implicit(&type_int, &type_string));
    ck_assert(!cast_is_implicit(&type_string, &type_int));
    ck_assert(cast_is_implicit(&type_timestamp_3, &type_timestamp_ltz_3));
    ck_assert(cast_is_implicit(&type_timestamp_3, &type_date));
    ck_assert(!cast_is_implicit(&type_date, &type_timestamp_3));
    Arena *arena = arena_new(1024);
    const FunctionSite site = {NULL, NULL, 0, time_zone_utc(), arena, NULL};
    BoundFunction cast;
    Error error = {0};
    ck_assert(!cast_bind(&type_int, &type_string, CAST_IMPLICIT, &site, &cast, &error));
    ck_assert_int_eq(error.code, ERROR_TYPE);
    ck_assert_str_eq(error.hint, "Write CAST(… AS STRING).");
    arena_free(arena);
}
END_TEST

START_TEST(test_common)
{
    static const struct {
        const char *a;
        const char *b;
        const char *common;
    } cases[] = {
        {"INT", "BIGINT", "BIGINT"},
        {"INT", "FLOAT", "FLOAT"},
        {"DECIMAL(5,2)", "FLOAT", "DOUBLE"},
        {"DECIMAL(5,2)", "INT", "DECIMAL(12, 2)"},
        {"DECIMAL(5,2)", "DECIMAL(4,3)", "DECIMAL(6, 3)"},
        {"CHAR(3)", "CHAR(3)", "CHAR(3)"},
        {"CHAR(3)", "CHAR(5)", "VARCHAR(5)"},
        {"VARCHAR(3)", "STRING", "STRING"},
        {"DATE", "TIMESTAMP(3)", "TIMESTAMP(3)"},
        {"TIMESTAMP(3)", "TIMESTAMP_LTZ(6)", "TIMESTAMP_LTZ(6)"},
        {"NULL", "INT", "INT"},
        {"INT", "STRING", NULL},
        {"TIME", "DATE", NULL},
        {"BOOLEAN", "INT", NULL},
    };
    Arena *arena = arena_new(1024);
    for (size_t i = 0; i < array_count(cases); i++) {
        const Type a = case_type(str_of(cases[i].a));
        const Type b = case_type(str_of(cases[i].b));
        const Type *common = type_common(arena, &a, &b);
        const Type *turned = type_common(arena, &b, &a);
        if (cases[i].common == NULL) {
            ck_assert_ptr_null(common);
            ck_assert_ptr_null(turned);
            continue;
        }
        ck_assert_str_eq(type_text(arena, common), cases[i].common);
        ck_assert_str_eq(type_text(arena, turned), cases[i].common);
    }
    arena_free(arena);
}
END_TEST

int main(void)
{
    TCase *tests = tcase_create("cast");
    tcase_add_test(tests, test_numbers);
    tcase_add_test(tests, test_texts);
    tcase_add_test(tests, test_times);
    tcase_add_test(tests, test_bytes_to_text);
    tcase_add_test(tests, test_implicit);
    tcase_add_test(tests, test_common);
    return test_run("cast", tests);
}
