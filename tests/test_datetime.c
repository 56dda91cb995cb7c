/* Calendar and zones against libc: timegm, gmtime_r, strftime, localtime_r. */
#include <check.h>
#include <stdlib.h>
#include <time.h>

#include "core/datetime.h"
#include "core/str.h"
#include "tests/random_rows.h"

START_TEST(test_calendar)
{
    for (int32_t days = -719162; days <= 2932896; days += days % 3 == 0 ? 1 : 5) {
        time_t seconds = (time_t)days * 86400;
        struct tm tm;
        gmtime_r(&seconds, &tm);
        CivilDate civil = date_to_civil(days);
        if (civil.year != tm.tm_year + 1900 || civil.month != tm.tm_mon + 1 ||
            civil.day != tm.tm_mday || date_from_civil(civil) != days || !civil_is_valid(civil) ||
            date_day_of_week(days) != tm.tm_wday + 1 || date_day_of_year(days) != tm.tm_yday + 1)
            ck_abort_msg("day %d", days);
        if (days % 7 == 0) {
            char week[16];
            int32_t iso_year;
            strftime(week, sizeof(week), "%V", &tm);
            ck_assert_int_eq(date_iso_week(days, &iso_year), atoi(week));
            strftime(week, sizeof(week), "%G", &tm);
            ck_assert_int_eq(iso_year, atoi(week));
        }
    }
    ck_assert(!civil_is_valid((CivilDate){2023, 2, 29}));
    ck_assert(!civil_is_valid((CivilDate){2023, 13, 1}));
    ck_assert(!civil_is_valid((CivilDate){0, 1, 1}));
    int32_t january_31 = date_from_civil((CivilDate){2024, 1, 31});
    ck_assert_int_eq(date_add_months(january_31, 1), date_from_civil((CivilDate){2024, 2, 29}));
    ck_assert_int_eq(date_add_months(january_31, -2), date_from_civil((CivilDate){2023, 11, 30}));
    ck_assert_int_eq(date_add_months(january_31, 13), date_from_civil((CivilDate){2025, 2, 28}));
}
END_TEST

START_TEST(test_units)
{
    Random random = random_seed("units");
    for (int round = 0; round < 10000; round++) {
        int128_t nanos = random_nanos(&random, 9);
        DateTime datetime = datetime_from_nanos(nanos);
        ck_assert(datetime.nanos >= 0 && datetime.nanos < NANOS_PER_DAY);
        ck_assert(datetime_to_nanos(datetime) == nanos);
        int64_t micros = datetime_to_micros(datetime);
        ck_assert_int_eq(datetime_to_micros(datetime_from_micros(micros)), micros);
    }
    ck_assert_int_eq(datetime_from_micros(-1).days, -1);
    ck_assert_int_eq(datetime_from_micros(-1).nanos, NANOS_PER_DAY - 1000);
}
END_TEST

static void check_datetime(const char *text, uint32_t precision, const char *wanted)
{
    DateTime datetime;
    bool good = datetime_parse(str_of(text), &datetime);
    ck_assert_msg(good == (wanted != NULL), "%s", text);
    if (!good)
        return;
    Buffer out = {0};
    datetime_print(datetime, precision, &out);
    ck_assert_str_eq(buffer_text(&out), wanted);
    buffer_deinit(&out);
}

START_TEST(test_text)
{
    check_datetime("2024-02-29 23:59:59.123456789", 9, "2024-02-29 23:59:59.123456789");
    check_datetime("  2024-2-9T3:4:5.5 ", 3, "2024-02-09 03:04:05.500");
    check_datetime("2024-02-29", 0, "2024-02-29 00:00:00");
    check_datetime("0001-01-01 00:00:00", 6, "0001-01-01 00:00:00.000000");
    check_datetime("9999-12-31 23:59:59.999999999", 9, "9999-12-31 23:59:59.999999999");
    check_datetime("2024-02-29 10:20", 0, "2024-02-29 10:20:00");
    static const char *const bad[] = {"",
                                      "2024",
                                      "2024-02-30",
                                      "2023-02-29",
                                      "24-02-03",
                                      "0000-01-01",
                                      "10000-01-01",
                                      "2024-13-01",
                                      "2024-01-01 24:00:00",
                                      "2024-01-01 10:60:00",
                                      "2024-01-01  10:00:00",
                                      "2024-01-01 10:00:00.1234567890",
                                      "2024-01-01 10:00:00Z",
                                      "2024-01-01x"};
    for (size_t i = 0; i < array_count(bad); i++)
        check_datetime(bad[i], 0, NULL);
    int64_t nanos;
    int32_t days;
    ck_assert(time_parse(STR("1:2:3.004"), &nanos) && nanos == INT64_C(3723004000000));
    ck_assert(!time_parse(STR("1"), &nanos));
    ck_assert(date_parse(STR("1970-01-02"), &days) && days == 1);
    ck_assert(!date_parse(STR("1970-01-02 00:00:00"), &days));
}
END_TEST

static void check_pattern(const char *pattern, const char *text, const char *wanted)
{
    Arena *arena = arena_new(0);
    Error error;
    const DatePattern *compiled = date_pattern_compile(arena, str_of(pattern), &error);
    ck_assert_ptr_nonnull(compiled);
    DateTime datetime;
    bool good = date_pattern_parse(compiled, str_of(text), &datetime);
    ck_assert_msg(good == (wanted != NULL), "%s of %s", text, pattern);
    if (good) {
        Buffer out = {0};
        datetime_print(datetime, 9, &out);
        ck_assert_str_eq(buffer_text(&out), wanted);
        buffer_clear(&out);
        date_pattern_print(compiled, datetime, &out);
        ck_assert_str_eq(buffer_text(&out), text);
        buffer_deinit(&out);
    }
    arena_free(arena);
}

START_TEST(test_patterns)
{
    check_pattern("yyyy-MM-dd HH:mm:ss", "2024-02-29 23:59:58", "2024-02-29 23:59:58.000000000");
    check_pattern("yyyyMMddHHmmssSSS", "20240229235958123", "2024-02-29 23:59:58.123000000");
    check_pattern("d/M/yy", "9/2/24", "2024-02-09 00:00:00.000000000");
    check_pattern("EEEE, d MMMM yyyy 'at' h:mm a", "Thursday, 29 February 2024 at 12:05 AM",
                  "2024-02-29 00:05:00.000000000");
    check_pattern("EEE dd MMM yyyy hh:mm a", "Thu 29 Feb 2024 11:05 PM",
                  "2024-02-29 23:05:00.000000000");
    check_pattern("yyyy-DDD", "2024-060", "2024-02-29 00:00:00.000000000");
    check_pattern("HH 'o''clock'", "07 o'clock", "1970-01-01 07:00:00.000000000");
    check_pattern("H''mm", "7'30", "1970-01-01 07:30:00.000000000");
    check_pattern("yyyy-MM-dd", "2024-2-09", NULL);
    check_pattern("yyyy-MM-dd", "2024-02-09x", NULL);
    check_pattern("yyyy-MM-dd", "2024-13-09", NULL);
    check_pattern("HH:mm", "24:00", NULL);
    check_pattern("EEE yyyy-MM-dd", "Fri 2024-02-29", NULL);
    Arena *arena = arena_new(0);
    Error error;
    static const char *const bad[] = {"yyyy-QQ", "'open", "[yyyy]", "ddd", "yyyyy", "x", "aa"};
    for (size_t i = 0; i < array_count(bad); i++) {
        ck_assert_ptr_null(date_pattern_compile(arena, str_of(bad[i]), &error));
        ck_assert_int_eq(error.code, ERROR_DATA);
    }
    const DatePattern *smart = date_pattern_compile(arena, STR("yyyy-MM-dd"), &error);
    DateTime datetime;
    ck_assert(date_pattern_parse(smart, STR("2023-02-31"), &datetime));
    ck_assert_int_eq(datetime.days, date_from_civil((CivilDate){2023, 2, 28}));
    arena_free(arena);
}
END_TEST

static const char *const zones[] = {"Europe/Berlin",
                                    "America/New_York",
                                    "Asia/Shanghai",
                                    "Australia/Lord_Howe",
                                    "Europe/Dublin",
                                    "America/Sao_Paulo",
                                    "Asia/Kolkata",
                                    "Pacific/Apia",
                                    "Africa/Casablanca",
                                    "America/Nuuk",
                                    "UTC"};

START_TEST(test_zones)
{
    const char *name = zones[_i];
    Random random = random_seed(name);
    Arena *arena = arena_new(0);
    Error error;
    const TimeZone *zone = time_zone_open(arena, name, &error);
    ck_assert_msg(zone != NULL, "%s", error.message);
    setenv("TZ", name, 1);
    tzset();
    for (int round = 0; round < 20000; round++) {
        /* Years 1900 to 2500; libc reads the same files. */
        time_t second = (time_t)(random_next(&random) % 18934560000) - 2208988800;
        struct tm tm;
        localtime_r(&second, &tm);
        int64_t micros = (int64_t)second * 1000000 + random_below(&random, 1000000);
        int64_t local = time_zone_to_local(zone, micros);
        if ((local - micros) / 1000000 != tm.tm_gmtoff)
            ck_abort_msg("%s at %lld: %lld, libc %ld", name, (long long)second,
                         (long long)(local - micros) / 1000000, tm.tm_gmtoff);
        /* Back: the same instant, or in an overlap an earlier one with the same clock. */
        int64_t back = time_zone_to_utc(zone, local);
        if (back > micros || time_zone_to_local(zone, back) != local)
            ck_abort_msg("%s back at %lld", name, (long long)second);
    }
    arena_free(arena);
}
END_TEST

static void check_local(const char *name, const char *local, const char *utc)
{
    Arena *arena = arena_new(0);
    Error error;
    const TimeZone *zone = time_zone_open(arena, name, &error);
    ck_assert_ptr_nonnull(zone);
    DateTime from, to;
    ck_assert(datetime_parse(str_of(local), &from) && datetime_parse(str_of(utc), &to));
    ck_assert_int_eq(time_zone_to_utc(zone, datetime_to_micros(from)), datetime_to_micros(to));
    arena_free(arena);
}

START_TEST(test_gaps_and_overlaps)
{
    check_local("Europe/Berlin", "2024-03-31 02:30:00", "2024-03-31 01:30:00"); /* gap */
    check_local("Europe/Berlin", "2024-03-31 03:00:00", "2024-03-31 01:00:00");
    check_local("Europe/Berlin", "2024-10-27 02:30:00", "2024-10-27 00:30:00"); /* overlap */
    check_local("Europe/Berlin", "2024-10-27 03:00:00", "2024-10-27 02:00:00");
    check_local("Europe/Berlin", "2124-07-01 12:00:00", "2124-07-01 10:00:00"); /* by the rule */
    check_local("+05:30", "2024-01-01 05:30:00", "2024-01-01 00:00:00");
    check_local("GMT-3", "2024-01-01 00:00:00", "2024-01-01 03:00:00");
    check_local("UTC+1", "2024-01-01 01:00:00", "2024-01-01 00:00:00");
    check_local("+0130", "2024-01-01 01:30:00", "2024-01-01 00:00:00");
    Arena *arena = arena_new(0);
    Error error;
    static const char *const bad[] = {"Europe/Atlantis", "../../etc/passwd", "", "+25:00", "+1:5",
                                      "Europe",          "/etc/localtime"};
    for (size_t i = 0; i < array_count(bad); i++) {
        ck_assert_ptr_null(time_zone_open(arena, bad[i], &error));
        ck_assert_int_eq(error.code, ERROR_NAME);
        ck_assert_uint_gt(strlen(error.hint), 0);
    }
    setenv("TZ", "Asia/Tokyo", 1);
    ck_assert_str_eq(time_zone_name(time_zone_local(arena)), "Asia/Tokyo");
    ck_assert_int_eq(time_zone_to_local(time_zone_local(arena), 0), INT64_C(9) * 3600 * 1000000);
    ck_assert_int_eq(time_zone_to_local(time_zone_utc(), 5), 5);
    arena_free(arena);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("datetime");
    TCase *tests = tcase_create("all");
    tcase_set_timeout(tests, 60);
    suite_add_tcase(suite, tests);
    tcase_add_test(tests, test_calendar);
    tcase_add_test(tests, test_units);
    tcase_add_test(tests, test_text);
    tcase_add_test(tests, test_patterns);
    tcase_add_loop_test(tests, test_zones, 0, (int)array_count(zones));
    tcase_add_test(tests, test_gaps_and_overlaps);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_NORMAL);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
