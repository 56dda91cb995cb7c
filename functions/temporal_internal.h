/* Reading and writing points in time, whatever form they have in memory, and units of time.
 *
 * A point is taken apart as a DateTime of the local clock: TIMESTAMP_LTZ through the session's
 * zone, the others as they are. */
#ifndef FUNCTIONS_TEMPORAL_INTERNAL_H
#define FUNCTIONS_TEMPORAL_INTERNAL_H

#include "functions/kernel_internal.h"

#define NANOS_PER_MILLI  INT64_C(1000000)
#define NANOS_PER_SECOND INT64_C(1000000000)

/* The days that a date can have: 0001-01-01 to 9999-12-31. */
#define DAYS_MIN (-719162)
#define DAYS_MAX 2932896

/* Shifts by months or by any other time; false when the result leaves the years 0001 to 9999. */
bool date_shift_months(int32_t days, int64_t months, int32_t *out) MUST_CHECK;
bool point_shift_nanos(DateTime point, int128_t nanos, DateTime *out) MUST_CHECK;
/* Fails a kernel because of it. Returns false. */
bool point_fail(KernelCall *call, uint32_t row, Error *error);

/* How points in time lie in memory. */
typedef enum PointForm {
    POINT_DATE,
    POINT_TIME,
    POINT_MICROS,
    POINT_NANOS,
    POINT_UTC_MICROS,
    POINT_UTC_NANOS,
    POINT_FORMS
} PointForm;

/* POINT_FORMS when the type is no point in time. */
PointForm point_form_of(const Type *type);

static inline DateTime point_read_date(const KernelCall *call, int32_t value)
{
    return (DateTime){value, 0};
}

static inline DateTime point_read_time(const KernelCall *call, int32_t value)
{
    return (DateTime){0, value * NANOS_PER_MILLI};
}

static inline DateTime point_read_micros(const KernelCall *call, int64_t value)
{
    const int64_t days = i64_floor_div(value, MICROS_PER_DAY);
    return (DateTime){(int32_t)days, (value - days * MICROS_PER_DAY) * 1000};
}

static inline DateTime point_read_nanos(const KernelCall *call, int128_t value)
{
    return datetime_from_nanos(value);
}

static inline DateTime point_read_utc_micros(const KernelCall *call, int64_t value)
{
    return point_read_micros(call, time_zone_to_local(call->environment->zone, value));
}

static inline DateTime point_read_utc_nanos(const KernelCall *call, int128_t value)
{
    const DateTime utc = datetime_from_nanos(value);
    DateTime local = point_read_utc_micros(call, datetime_to_micros(utc));
    local.nanos += utc.nanos % 1000;
    return local;
}

static inline int32_t point_write_date(const KernelCall *call, DateTime point)
{
    return point.days;
}

static inline int32_t point_write_time(const KernelCall *call, DateTime point)
{
    return (int32_t)(point.nanos / NANOS_PER_MILLI);
}

static inline int64_t point_write_micros(const KernelCall *call, DateTime point)
{
    return point.days * MICROS_PER_DAY + point.nanos / 1000;
}

static inline int128_t point_write_nanos(const KernelCall *call, DateTime point)
{
    return datetime_to_nanos(point);
}

static inline int64_t point_write_utc_micros(const KernelCall *call, DateTime point)
{
    return time_zone_to_utc(call->environment->zone, point_write_micros(call, point));
}

static inline int128_t point_write_utc_nanos(const KernelCall *call, DateTime point)
{
    return (int128_t)point_write_utc_micros(call, point) * 1000 + point.nanos % 1000;
}

/* X(form, type): every form with the C type of its values. */
#define POINT_FORMS_LIST(X)                                                                        \
    X(date, int32_t)                                                                               \
    X(time, int32_t)                                                                               \
    X(micros, int64_t)                                                                             \
    X(nanos, int128_t)                                                                             \
    X(utc_micros, int64_t)                                                                         \
    X(utc_nanos, int128_t)
#define POINT_TABLE(prefix)                                                                        \
    {                                                                                              \
        [POINT_DATE] = prefix##_date, [POINT_TIME] = prefix##_time,                                \
        [POINT_MICROS] = prefix##_micros, [POINT_NANOS] = prefix##_nanos,                          \
        [POINT_UTC_MICROS] = prefix##_utc_micros, [POINT_UTC_NANOS] = prefix##_utc_nanos           \
    }

typedef enum TimeUnit {
    UNIT_MILLENNIUM,
    UNIT_CENTURY,
    UNIT_DECADE,
    UNIT_YEAR,
    UNIT_QUARTER,
    UNIT_MONTH,
    UNIT_WEEK,
    UNIT_DAY,
    UNIT_HOUR,
    UNIT_MINUTE,
    UNIT_SECOND,
    UNIT_MILLISECOND,
    UNIT_MICROSECOND,
    UNIT_NANOSECOND,
    UNIT_DOW,
    UNIT_DOY,
    UNIT_ISODOW,
    UNIT_ISOYEAR,
    UNIT_EPOCH,
    TIME_UNITS
} TimeUnit;

/* Reads the unit that argument `argument` must be, as a literal: its name, also in the plural or as
 * SQL_TSI_…. False with an error that lists the units. */
bool time_unit_bind(const FunctionSite *site, uint32_t argument, TimeUnit *out,
                    Error *error) MUST_CHECK;

#endif
