/* Decimals against long arithmetic done digit by digit, as on paper. */
#include <check.h>
#include <stdlib.h>

#include "core/decimal.h"
#include "core/str.h"
#include "tests/random_rows.h"

#define DIGITS 200

/* A natural number, one decimal digit a byte, lowest first. */
typedef struct Long {
    unsigned char digits[DIGITS];
} Long;

static Long long_of(int128_t value)
{
    Long result = {{0}};
    uint128_t rest = value < 0 ? 0 - (uint128_t)value : (uint128_t)value;
    for (int i = 0; rest != 0; i++) {
        result.digits[i] = (unsigned char)(rest % 10);
        rest /= 10;
    }
    return result;
}

static Long long_multiply(const Long *a, const Long *b)
{
    Long result = {{0}};
    for (int i = 0; i < DIGITS / 2; i++) {
        int carry = 0;
        for (int j = 0; j < DIGITS / 2; j++) {
            int sum = result.digits[i + j] + a->digits[i] * b->digits[j] + carry;
            result.digits[i + j] = (unsigned char)(sum % 10);
            carry = sum / 10;
        }
    }
    return result;
}

/* By 10^places: up for positive, down (rounded half up) for negative ones. */
static Long long_shift(const Long *a, int places)
{
    Long result = {{0}};
    for (int i = 0; i < DIGITS; i++)
        if (i - places >= 0 && i - places < DIGITS)
            result.digits[i] = a->digits[i - places];
    int carry = places < 0 && -places <= DIGITS && a->digits[-places - 1] >= 5;
    for (int i = 0; carry != 0 && i < DIGITS; i++) {
        int sum = result.digits[i] + carry;
        result.digits[i] = (unsigned char)(sum % 10);
        carry = sum / 10;
    }
    return result;
}

static int long_compare(const Long *a, const Long *b)
{
    for (int i = DIGITS - 1; i >= 0; i--)
        if (a->digits[i] != b->digits[i])
            return a->digits[i] < b->digits[i] ? -1 : 1;
    return 0;
}

static void long_subtract(Long *a, const Long *b)
{
    int borrow = 0;
    for (int i = 0; i < DIGITS; i++) {
        int difference = a->digits[i] - b->digits[i] - borrow;
        borrow = difference < 0;
        a->digits[i] = (unsigned char)(difference + 10 * borrow);
    }
}

/* Digit by digit, with one more digit to round by. */
static Long long_divide(const Long *a, const Long *b)
{
    Long rest = {{0}}, quotient = {{0}};
    for (int i = DIGITS - 1; i >= -1; i--) {
        rest = long_shift(&rest, 1);
        rest.digits[0] = i < 0 ? 0 : a->digits[i];
        int digit = 0;
        for (; long_compare(&rest, b) >= 0; digit++)
            long_subtract(&rest, b);
        quotient = long_shift(&quotient, 1);
        quotient.digits[0] = (unsigned char)digit;
    }
    return long_shift(&quotient, -1);
}

static bool long_fits(const Long *value)
{
    for (int i = 38; i < DIGITS; i++)
        if (value->digits[i] != 0)
            return false;
    return true;
}

static void check_result(bool good, int128_t result, const Long *wanted, bool negative)
{
    ck_assert_int_eq(good, long_fits(wanted));
    if (!good)
        return;
    Long got = long_of(result);
    ck_assert_int_eq(long_compare(&got, wanted), 0);
    ck_assert(result == 0 || (result < 0) == negative);
}

START_TEST(test_arithmetic)
{
    Random random = random_seed("decimal");
    for (int round = 0; round < 3000; round++) {
        int128_t a = random_decimal(&random, 38), b = random_decimal(&random, 38), result = 0;
        uint32_t a_scale = random_below(&random, 39), b_scale = random_below(&random, 39);
        uint32_t scale = random_below(&random, 39);
        Long a_long = long_of(a), b_long = long_of(b);
        bool negative = (a < 0) != (b < 0);

        bool good = decimal_multiply(a, a_scale, b, b_scale, scale, &result);
        Long wanted = long_multiply(&a_long, &b_long);
        wanted = long_shift(&wanted, (int)scale - (int)a_scale - (int)b_scale);
        check_result(good, result, &wanted, negative);

        good = decimal_rescale(a, a_scale, scale, &result);
        wanted = long_shift(&a_long, (int)scale - (int)a_scale);
        check_result(good, result, &wanted, a < 0);

        if (b == 0)
            continue;
        good = decimal_divide(a, a_scale, b, b_scale, scale, &result);
        int places = (int)scale + (int)b_scale - (int)a_scale;
        Long numerator = long_shift(&a_long, places > 0 ? places : 0);
        Long denominator = long_shift(&b_long, places < 0 ? -places : 0);
        wanted = long_divide(&numerator, &denominator);
        check_result(good, result, &wanted, negative);
    }
}
END_TEST

static void check_parse(const char *text, uint32_t precision, uint32_t scale, const char *wanted)
{
    int128_t value = 0;
    bool good = decimal_parse(str_of(text), precision, scale, &value);
    ck_assert_msg(good == (wanted != NULL), "%s", text);
    if (!good)
        return;
    Buffer out = {0};
    decimal_print(value, scale, &out);
    ck_assert_str_eq(buffer_text(&out), wanted);
    buffer_deinit(&out);
}

START_TEST(test_text)
{
    check_parse("12.345", 10, 2, "12.35");
    check_parse("-12.345", 10, 2, "-12.35");
    check_parse("-0.004", 10, 2, "0.00");
    check_parse(".5", 10, 1, "0.5");
    check_parse("5.", 10, 1, "5.0");
    check_parse("1e3", 10, 2, "1000.00");
    check_parse("1.5E-2", 10, 2, "0.02");
    check_parse("+7", 3, 0, "7");
    check_parse("999.995", 5, 2, NULL);
    check_parse("99999999999999999999999999999999999999", 38, 0,
                "99999999999999999999999999999999999999");
    check_parse("100000000000000000000000000000000000000", 38, 0, NULL);
    check_parse("0.00000000000000000000000000000000000001", 38, 38,
                "0.00000000000000000000000000000000000001");
    check_parse("000000000000000000000000000000000000000000000000001.5", 3, 1, "1.5");
    check_parse("1e-999999999999", 10, 2, "0.00");
    check_parse("1e999999999999", 10, 2, NULL);
    check_parse("0e999999999999", 10, 2, "0.00");
    static const char *const bad[] = {"",      "-",   ".",   "1e",  "1e+", "abc",
                                      "1.2.3", "1 2", "--1", "0x1", "1e5x"};
    for (size_t i = 0; i < array_count(bad); i++)
        check_parse(bad[i], 38, 2, NULL);
}
END_TEST

START_TEST(test_round_trips)
{
    Random random = random_seed("decimal text");
    for (int round = 0; round < 20000; round++) {
        int128_t value = random_decimal(&random, 38), back = 0;
        uint32_t scale = random_below(&random, 39);
        Buffer text = {0};
        decimal_print(value, scale, &text);
        ck_assert(decimal_parse((Str){text.data, text.length}, 38, scale, &back));
        ck_assert(back == value);
        double number = decimal_to_double(value, scale);
        ck_assert(number == strtod(buffer_text(&text), NULL));
        buffer_deinit(&text);
    }
    int128_t value;
    ck_assert(decimal_from_double(0.1, 10, 5, &value) && value == 10000);
    ck_assert(decimal_from_double(2.675, 10, 2, &value) && value == 268);
    ck_assert(decimal_from_double(-1e10, 20, 0, &value) && value == -(int128_t)10000000000);
    ck_assert(!decimal_from_double(1e10, 5, 0, &value));
    ck_assert(!decimal_from_double(NAN, 5, 0, &value));
    ck_assert(!decimal_from_double(INFINITY, 5, 0, &value));
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("decimal");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_arithmetic);
    tcase_add_test(tests, test_text);
    tcase_add_test(tests, test_round_trips);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
