/* Casts among DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ, and between intervals of one kind.
 *
 * Every point in time is taken apart into days and nanoseconds of the day on the local clock and
 * put together again at the target's precision, which cuts digits off and never rounds. Cost: some
 * divisions per row, and a look-up in the zone for TIMESTAMP_LTZ. */
#include "functions/cast_internal.h"
#include "functions/temporal_internal.h"

/* Cut to the target's precision. */
static DateTime cut(const KernelCall *call, DateTime point)
{
    const int64_t unit = (int64_t)((const CastPlan *)call->data)->factor;
    point.nanos -= point.nanos % unit;
    return point;
}

#define READ(from)      point_read_##from(call, a)
#define WRITE(to, from) point_write_##to(call, cut(call, READ(from)))
#define TO_LOCAL(from, From)                                                                       \
    KERNEL_UNARY(from##_to_date, From, int32_t, point_write_date(call, READ(from)))                \
    KERNEL_UNARY(from##_to_time, From, int32_t, point_write_time(call, READ(from)))                \
    KERNEL_UNARY(from##_to_micros, From, int64_t, WRITE(micros, from))                             \
    KERNEL_UNARY(from##_to_nanos, From, int128_t, WRITE(nanos, from))
#define TO_UTC(from, From)                                                                         \
    KERNEL_UNARY(from##_to_utc_micros, From, int64_t, WRITE(utc_micros, from))                     \
    KERNEL_UNARY(from##_to_utc_nanos, From, int128_t, WRITE(utc_nanos, from))
TO_LOCAL(date, int32_t)
TO_LOCAL(time, int32_t)
TO_LOCAL(micros, int64_t)
TO_LOCAL(nanos, int128_t)
TO_LOCAL(utc_micros, int64_t)
TO_LOCAL(utc_nanos, int128_t)
TO_UTC(date, int32_t)
TO_UTC(time, int32_t)
TO_UTC(micros, int64_t)
TO_UTC(nanos, int128_t)

/* Between precisions of TIMESTAMP_LTZ the zone does not matter, and an hour that the clock shows
 * twice must not be mixed up: nothing passes through the local clock. */
KERNEL_UNARY(ltz_micros_to_micros, int64_t, int64_t,
             datetime_to_micros(cut(call, datetime_from_micros(a))))
KERNEL_UNARY(ltz_micros_to_nanos, int64_t, int128_t,
             datetime_to_nanos(cut(call, datetime_from_micros(a))))
KERNEL_UNARY(ltz_nanos_to_micros, int128_t, int64_t,
             datetime_to_micros(cut(call, datetime_from_nanos(a))))
KERNEL_UNARY(ltz_nanos_to_nanos, int128_t, int128_t,
             datetime_to_nanos(cut(call, datetime_from_nanos(a))))

#define ROW_OF(from)                                                                               \
    {                                                                                              \
        from##_to_date, from##_to_time, from##_to_micros, from##_to_nanos, from##_to_utc_micros,   \
            from##_to_utc_nanos                                                                    \
    }
static const ScalarKernel kernels[POINT_FORMS][POINT_FORMS] = {
    [POINT_DATE] = ROW_OF(date),
    [POINT_TIME] = ROW_OF(time),
    [POINT_MICROS] = ROW_OF(micros),
    [POINT_NANOS] = ROW_OF(nanos),
    [POINT_UTC_MICROS] = {utc_micros_to_date, utc_micros_to_time, utc_micros_to_micros,
                          utc_micros_to_nanos, ltz_micros_to_micros, ltz_micros_to_nanos},
    [POINT_UTC_NANOS] = {utc_nanos_to_date, utc_nanos_to_time, utc_nanos_to_micros,
                         utc_nanos_to_nanos, ltz_nanos_to_micros, ltz_nanos_to_nanos},
};

Cast cast_temporal_find(const Type *from, const Type *to)
{
    const PointForm source = point_form_of(from);
    const PointForm target = point_form_of(to);
    const bool dates_and_times = (source == POINT_DATE && target == POINT_TIME) ||
                                 (source == POINT_TIME && target == POINT_DATE);
    if (source == POINT_FORMS || target == POINT_FORMS || dates_and_times)
        return (Cast){0};
    return (Cast){kernels[source][target], false, false};
}
