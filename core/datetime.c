/* The calendar, and Flink's fixed forms of dates and times.
 *
 * Days are counted in 400-year cycles of years that start on March 1, so that the leap day is a
 * year's last. */
#include "core/datetime.h"

#include "core/str.h"

#define DAYS_PER_CYCLE 146097 /* 400 years */
/* From 0000-03-01 to 1970-01-01. */
#define EPOCH_FROM_CYCLE 719468
#define NANOS_PER_SECOND INT64_C(1000000000)

int32_t date_from_civil(CivilDate civil)
{
    int32_t year = civil.month <= 2 ? civil.year - 1 : civil.year;
    int32_t month = civil.month <= 2 ? civil.month + 9 : civil.month - 3; /* March is 0 */
    int32_t cycle = (year >= 0 ? year : year - 399) / 400;
    int32_t year_of_cycle = year - cycle * 400;
    int32_t day_of_year = (153 * month + 2) / 5 + civil.day - 1;
    int32_t day_of_cycle =
        year_of_cycle * 365 + year_of_cycle / 4 - year_of_cycle / 100 + day_of_year;
    return cycle * DAYS_PER_CYCLE + day_of_cycle - EPOCH_FROM_CYCLE;
}

CivilDate date_to_civil(int32_t days)
{
    int64_t shifted = (int64_t)days + EPOCH_FROM_CYCLE;
    int64_t cycle = (shifted >= 0 ? shifted : shifted - (DAYS_PER_CYCLE - 1)) / DAYS_PER_CYCLE;
    int32_t day_of_cycle = (int32_t)(shifted - cycle * DAYS_PER_CYCLE);
    /* Leap days passed: one in 1,461 days, not in 36,525, but in 146,097. */
    int32_t year_of_cycle = (day_of_cycle - day_of_cycle / 1460 + day_of_cycle / 36524 -
                             day_of_cycle / (DAYS_PER_CYCLE - 1)) /
                            365;
    int32_t day_of_year =
        day_of_cycle - (365 * year_of_cycle + year_of_cycle / 4 - year_of_cycle / 100);
    int32_t month = (5 * day_of_year + 2) / 153;
    CivilDate civil = {.day = day_of_year - (153 * month + 2) / 5 + 1,
                       .month = month < 10 ? month + 3 : month - 9};
    civil.year = (int32_t)(cycle * 400) + year_of_cycle + (civil.month <= 2 ? 1 : 0);
    return civil;
}

static bool year_is_leap(int32_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

int32_t civil_days_in_month(int32_t year, int32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    assert(month >= 1 && month <= 12);
    return month == 2 && year_is_leap(year) ? 29 : days[month - 1];
}

bool civil_is_valid(CivilDate civil)
{
    return civil.year >= 1 && civil.year <= 9999 && civil.month >= 1 && civil.month <= 12 &&
           civil.day >= 1 && civil.day <= civil_days_in_month(civil.year, civil.month);
}

int32_t date_day_of_week(int32_t days)
{
    int64_t since_sunday = ((int64_t)days + 4) % 7; /* 1970-01-01 was a Thursday */
    return (int32_t)(since_sunday < 0 ? since_sunday + 7 : since_sunday) + 1;
}

int32_t date_day_of_year(int32_t days)
{
    CivilDate first = {date_to_civil(days).year, 1, 1};
    return days - date_from_civil(first) + 1;
}

int32_t date_iso_week(int32_t days, int32_t *iso_year)
{
    /* A week belongs to the year of its Thursday. */
    int32_t since_monday = (date_day_of_week(days) + 5) % 7;
    int32_t thursday = days - since_monday + 3;
    if (iso_year != NULL)
        *iso_year = date_to_civil(thursday).year;
    return (date_day_of_year(thursday) - 1) / 7 + 1;
}

int32_t date_add_months(int32_t days, int32_t months)
{
    CivilDate civil = date_to_civil(days);
    int64_t month = (int64_t)civil.year * 12 + civil.month - 1 + months;
    int64_t year = (month >= 0 ? month : month - 11) / 12;
    CivilDate moved = {(int32_t)year, (int32_t)(month - year * 12) + 1, civil.day};
    int32_t last = civil_days_in_month(moved.year, moved.month);
    if (moved.day > last)
        moved.day = last;
    return date_from_civil(moved);
}

DateTime datetime_from_micros(int64_t micros)
{
    int64_t days = micros / MICROS_PER_DAY;
    int64_t rest = micros % MICROS_PER_DAY;
    if (rest < 0) {
        rest += MICROS_PER_DAY;
        days--;
    }
    return (DateTime){(int32_t)days, rest * 1000};
}

int64_t datetime_to_micros(DateTime datetime)
{
    return datetime.days * MICROS_PER_DAY + datetime.nanos / 1000;
}

DateTime datetime_from_nanos(int128_t nanos)
{
    int128_t days = nanos / NANOS_PER_DAY;
    int64_t rest = (int64_t)(nanos % NANOS_PER_DAY);
    if (rest < 0) {
        rest += NANOS_PER_DAY;
        days--;
    }
    return (DateTime){(int32_t)days, rest};
}

int128_t datetime_to_nanos(DateTime datetime)
{
    return (int128_t)datetime.days * NANOS_PER_DAY + datetime.nanos;
}

/* What is left to read; every read that fails leaves `failed` set. */
typedef struct Scanner {
    const char *next;
    const char *end;
    bool failed;
} Scanner;

static bool scan_char(Scanner *scanner, char c)
{
    if (scanner->next == scanner->end || *scanner->next != c)
        return false;
    scanner->next++;
    return true;
}

static int32_t scan_digits(Scanner *scanner, int least, int most)
{
    int32_t value = 0;
    int count = 0;
    while (count < most && scanner->next != scanner->end && *scanner->next >= '0' &&
           *scanner->next <= '9') {
        value = value * 10 + (*scanner->next++ - '0');
        count++;
    }
    if (count < least)
        scanner->failed = true;
    return value;
}

static int32_t scan_date(Scanner *scanner)
{
    CivilDate civil;
    civil.year = scan_digits(scanner, 4, 4);
    scanner->failed |= !scan_char(scanner, '-');
    civil.month = scan_digits(scanner, 1, 2);
    scanner->failed |= !scan_char(scanner, '-');
    civil.day = scan_digits(scanner, 1, 2);
    if (scanner->failed || !civil_is_valid(civil)) {
        scanner->failed = true;
        return 0;
    }
    return date_from_civil(civil);
}

/* Up to nine digits, as nanoseconds. */
static int64_t scan_fraction(Scanner *scanner)
{
    const char *start = scanner->next;
    int64_t nanos = scan_digits(scanner, 0, 9);
    for (ptrdiff_t count = scanner->next - start; count < 9; count++)
        nanos *= 10;
    return nanos;
}

static int64_t scan_time(Scanner *scanner)
{
    int64_t hour = scan_digits(scanner, 1, 2);
    scanner->failed |= !scan_char(scanner, ':');
    int64_t minute = scan_digits(scanner, 1, 2);
    int64_t second = 0, nanos = 0;
    if (scan_char(scanner, ':')) {
        second = scan_digits(scanner, 1, 2);
        if (scan_char(scanner, '.'))
            nanos = scan_fraction(scanner);
    }
    if (hour > 23 || minute > 59 || second > 59)
        scanner->failed = true;
    return ((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND + nanos;
}

static Scanner scanner_of(Str text)
{
    text = str_trim(text);
    return (Scanner){text.data, text.data + text.length, false};
}

static bool scanner_finish(const Scanner *scanner)
{
    return !scanner->failed && scanner->next == scanner->end;
}

bool date_parse(Str text, int32_t *days)
{
    Scanner scanner = scanner_of(text);
    *days = scan_date(&scanner);
    return scanner_finish(&scanner);
}

bool time_parse(Str text, int64_t *nanos_of_day)
{
    Scanner scanner = scanner_of(text);
    *nanos_of_day = scan_time(&scanner);
    return scanner_finish(&scanner);
}

/* Two digits, or more than 99 where they are none. */
static inline uint32_t two_digits(const char *text)
{
    uint32_t tens = (uint32_t)(uint8_t)text[0] - '0';
    uint32_t ones = (uint32_t)(uint8_t)text[1] - '0';
    return tens > 9 || ones > 9 ? UINT32_MAX : tens * 10 + ones;
}

/* "2026-01-31 12:34:56", the form nearly every timestamp has. False says nothing. */
static bool parse_usual_form(Str text, DateTime *out)
{
    const char *at = text.data;
    if (text.length != 19 || at[4] != '-' || at[7] != '-' || (at[10] != ' ' && at[10] != 'T') ||
        at[13] != ':' || at[16] != ':')
        return false;
    uint32_t century = two_digits(at), year = two_digits(at + 2);
    uint32_t month = two_digits(at + 5), day = two_digits(at + 8);
    uint32_t hour = two_digits(at + 11), minute = two_digits(at + 14), second = two_digits(at + 17);
    if (century > 99 || year > 99 || month > 12 || day > 31 || hour > 23 || minute > 59 ||
        second > 59)
        return false;
    CivilDate civil = {(int32_t)(century * 100 + year), (int32_t)month, (int32_t)day};
    if (!civil_is_valid(civil))
        return false;
    out->days = date_from_civil(civil);
    out->nanos = (int64_t)((hour * 60 + minute) * 60 + second) * NANOS_PER_SECOND;
    return true;
}

bool datetime_parse(Str text, DateTime *out)
{
    if (parse_usual_form(text, out))
        return true;
    Scanner scanner = scanner_of(text);
    out->days = scan_date(&scanner);
    out->nanos = 0;
    if (scan_char(&scanner, ' ') || scan_char(&scanner, 'T'))
        out->nanos = scan_time(&scanner);
    return scanner_finish(&scanner);
}

static char *put_digits(char *to, uint32_t value, uint32_t count)
{
    for (uint32_t i = count; i > 0; i--) {
        to[i - 1] = (char)('0' + value % 10);
        value /= 10;
    }
    return to + count;
}

static char *put_date(char *to, int32_t days)
{
    CivilDate civil = date_to_civil(days);
    if (civil.year < 0)
        *to++ = '-';
    uint32_t year = (uint32_t)(civil.year < 0 ? -civil.year : civil.year);
    to = put_digits(to, year, year > 9999 ? 7 : 4);
    *to++ = '-';
    to = put_digits(to, (uint32_t)civil.month, 2);
    *to++ = '-';
    return put_digits(to, (uint32_t)civil.day, 2);
}

static char *put_time(char *to, int64_t nanos_of_day, uint32_t precision)
{
    uint32_t second = (uint32_t)(nanos_of_day / NANOS_PER_SECOND);
    uint32_t nanos = (uint32_t)(nanos_of_day % NANOS_PER_SECOND);
    to = put_digits(to, second / 3600, 2);
    *to++ = ':';
    to = put_digits(to, second / 60 % 60, 2);
    *to++ = ':';
    to = put_digits(to, second % 60, 2);
    if (precision == 0)
        return to;
    assert(precision <= 9);
    *to++ = '.';
    put_digits(to, nanos, 9);
    return to + precision;
}

/* Longest text of the printers here, with digits to spare. */
#define DATETIME_TEXT_MAX 48

void date_print(int32_t days, Buffer *out)
{
    char *start = buffer_reserve(out, DATETIME_TEXT_MAX);
    out->length += (size_t)(put_date(start, days) - start);
}

void time_print(int64_t nanos_of_day, uint32_t precision, Buffer *out)
{
    char *start = buffer_reserve(out, DATETIME_TEXT_MAX);
    out->length += (size_t)(put_time(start, nanos_of_day, precision) - start);
}

void datetime_print(DateTime datetime, uint32_t precision, Buffer *out)
{
    char *start = buffer_reserve(out, DATETIME_TEXT_MAX);
    char *to = put_date(start, datetime.days);
    *to++ = ' ';
    to = put_time(to, datetime.nanos, precision);
    out->length += (size_t)(to - start);
}
