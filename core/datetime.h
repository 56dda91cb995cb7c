/* The proleptic Gregorian calendar, clock times and time zones.
 *
 * Years 0001 to 9999. Zones come from the system's tz database (IANA names), plus "UTC" and fixed
 * offsets such as "+02:00", "GMT-3". A local time in a gap is moved forward by the gap, one in an
 * overlap means the earlier instant: java.time's rules, which Flink follows. */
#ifndef CORE_DATETIME_H
#define CORE_DATETIME_H

#include "core/arena.h"
#include "core/buffer.h"
#include "core/error.h"

#define MICROS_PER_SECOND INT64_C(1000000)
#define MICROS_PER_DAY    (INT64_C(86400) * MICROS_PER_SECOND)
#define NANOS_PER_DAY     (INT64_C(86400) * 1000000000)

typedef struct CivilDate {
    int32_t year;
    int32_t month; /* 1..12 */
    int32_t day;   /* 1..31 */
} CivilDate;

int32_t date_from_civil(CivilDate civil); /* days since 1970-01-01 */
CivilDate date_to_civil(int32_t days);
bool civil_is_valid(CivilDate civil); /* year 1..9999, day exists */
int32_t civil_days_in_month(int32_t year, int32_t month);
int32_t date_day_of_week(int32_t days); /* 1 Sunday .. 7 Saturday */
int32_t date_day_of_year(int32_t days); /* 1.. */
int32_t date_iso_week(int32_t days, int32_t *iso_year);
/* The last day of a shorter month stands for a day it lacks: Jan 31 + 1 month = Feb 28/29. */
int32_t date_add_months(int32_t days, int32_t months);

/* A point in time, whatever its precision: days since 1970-01-01 and nanoseconds of the day. */
typedef struct DateTime {
    int32_t days;
    int64_t nanos;
} DateTime;

DateTime datetime_from_micros(int64_t micros);
int64_t datetime_to_micros(DateTime datetime);
DateTime datetime_from_nanos(int128_t nanos);
int128_t datetime_to_nanos(DateTime datetime);

/* Reading Flink's forms: yyyy-[M]M-[d]d, [H]H:[m]m:[ss][.f…], and both with one space or 'T'
 * between. Surrounding white space is allowed, anything else behind makes it false. */
bool date_parse(Str text, int32_t *days) MUST_CHECK;
bool time_parse(Str text, int64_t *nanos_of_day) MUST_CHECK;
bool datetime_parse(Str text, DateTime *out) MUST_CHECK;

void date_print(int32_t days, Buffer *out);
/* HH:MM:SS and, when precision > 0, a point and exactly that many digits. */
void time_print(int64_t nanos_of_day, uint32_t precision, Buffer *out);
void datetime_print(DateTime datetime, uint32_t precision, Buffer *out);

/* Java's DateTimeFormatter patterns, the letters in daily use: y M d H h m s S a E D and quoted
 * text. Compile once, use for many; a letter it does not know is an error. */
typedef struct DatePattern DatePattern;
const DatePattern *date_pattern_compile(Arena *arena, Str pattern, Error *error) MUST_CHECK;
void date_pattern_print(const DatePattern *pattern, DateTime datetime, Buffer *out);
/* Nanoseconds of a day in which all points print the same, counted from the day's start. */
int64_t date_pattern_step(const DatePattern *pattern);
bool date_pattern_parse(const DatePattern *pattern, Str text, DateTime *out) MUST_CHECK;

typedef struct TimeZone TimeZone;
/* The zone by name, in the arena; an unknown name is an error with a hint. */
const TimeZone *time_zone_open(Arena *arena, const char *name, Error *error) MUST_CHECK;
const TimeZone *time_zone_utc(void);
/* The system's zone (TZ, /etc/localtime), UTC when it cannot be told. */
const TimeZone *time_zone_local(Arena *arena);
const char *time_zone_name(const TimeZone *zone);
/* Microseconds of UTC to microseconds of the zone's clock, and back. */
int64_t time_zone_to_local(const TimeZone *zone, int64_t utc_micros);
int64_t time_zone_to_utc(const TimeZone *zone, int64_t local_micros);

#endif
