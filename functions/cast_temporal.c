/* Casts among DATE, TIME, TIMESTAMP and TIMESTAMP_LTZ, and between intervals of one kind.
 *
 * Every point in time is taken apart into days and nanoseconds of the day on the local clock and
 * put together again at the target's precision, which cuts digits off and never rounds. Cost: some
 * divisions per row, and a look-up in the zone for TIMESTAMP_LTZ. */
#include "functions/cast_internal.h"

#define NANOS_PER_MILLI INT64_C(1000000)

static int64_t utc_to_local(const KernelCall *call, int64_t micros)
{
    return time_zone_to_local(call->environment->zone, micros);
}

static int64_t local_to_utc(const KernelCall *call, int64_t micros)
{
    return time_zone_to_utc(call->environment->zone, micros);
}

/* Readers: the value as a DateTime of the local clock. Writers: back, cut to precision. */
typedef int128_t wide;

static DateTime read_date(const KernelCall *call, int32_t value)
{
    return (DateTime){value, 0};
}

static DateTime read_time(const KernelCall *call, int32_t value)
{
    return (DateTime){0, value * NANOS_PER_MILLI};
}

static DateTime read_micros(const KernelCall *call, int64_t value)
{
    return datetime_from_micros(value);
}

static DateTime read_nanos(const KernelCall *call, wide value)
{
    return datetime_from_nanos(value);
}

static DateTime read_utc_micros(const KernelCall *call, int64_t value)
{
    return datetime_from_micros(utc_to_local(call, value));
}

static DateTime read_utc_nanos(const KernelCall *call, wide value)
{
    DateTime point = datetime_from_nanos(value);
    const int64_t below = point.nanos % 1000;
    point = datetime_from_micros(utc_to_local(call, datetime_to_micros(point)));
    point.nanos += below;
    return point;
}

static int32_t write_date(const KernelCall *call, DateTime point)
{
    return point.days;
}

static int32_t write_time(const KernelCall *call, DateTime point)
{
    return (int32_t)(point.nanos / NANOS_PER_MILLI);
}

static DateTime cut(const KernelCall *call, DateTime point)
{
    const int64_t unit = (int64_t)((const CastPlan *)call->data)->factor;
    point.nanos -= point.nanos % unit;
    return point;
}

static int64_t write_micros(const KernelCall *call, DateTime point)
{
    return datetime_to_micros(cut(call, point));
}

static wide write_nanos(const KernelCall *call, DateTime point)
{
    return datetime_to_nanos(cut(call, point));
}

static int64_t write_utc_micros(const KernelCall *call, DateTime point)
{
    return local_to_utc(call, datetime_to_micros(cut(call, point)));
}

static wide write_utc_nanos(const KernelCall *call, DateTime point)
{
    point = cut(call, point);
    const int64_t below = point.nanos % 1000;
    return (wide)local_to_utc(call, datetime_to_micros(point)) * 1000 + below;
}

#define TO_LOCAL(from, From)                                                                       \
    KERNEL_UNARY(from##_to_date, From, int32_t, write_date(call, read_##from(call, a)))            \
    KERNEL_UNARY(from##_to_time, From, int32_t, write_time(call, read_##from(call, a)))            \
    KERNEL_UNARY(from##_to_micros, From, int64_t, write_micros(call, read_##from(call, a)))        \
    KERNEL_UNARY(from##_to_nanos, From, wide, write_nanos(call, read_##from(call, a)))

#define TO_UTC(from, From)                                                                         \
    KERNEL_UNARY(from##_to_utc_micros, From, int64_t,                                              \
                 write_utc_micros(call, read_##from(call, a)))                                     \
    KERNEL_UNARY(from##_to_utc_nanos, From, wide, write_utc_nanos(call, read_##from(call, a)))
TO_LOCAL(date, int32_t)
TO_LOCAL(time, int32_t)
TO_LOCAL(micros, int64_t)
TO_LOCAL(nanos, wide)
TO_LOCAL(utc_micros, int64_t)
TO_LOCAL(utc_nanos, wide)
TO_UTC(date, int32_t)
TO_UTC(time, int32_t)
TO_UTC(micros, int64_t)
TO_UTC(nanos, wide)

/* Between precisions of TIMESTAMP_LTZ the zone does not matter, and an hour that the clock shows
 * twice must not be mixed up: nothing passes through the local clock. */
KERNEL_UNARY(ltz_micros_to_micros, int64_t, int64_t,
             datetime_to_micros(cut(call, datetime_from_micros(a))))
KERNEL_UNARY(ltz_micros_to_nanos, int64_t, wide,
             datetime_to_nanos(cut(call, datetime_from_micros(a))))
KERNEL_UNARY(ltz_nanos_to_micros, wide, int64_t,
             datetime_to_micros(cut(call, datetime_from_nanos(a))))
KERNEL_UNARY(ltz_nanos_to_nanos, wide, wide, datetime_to_nanos(cut(call, datetime_from_nanos(a))))

typedef enum PointForm {
    FORM_DATE,
    FORM_TIME,
    FORM_MICROS,
    FORM_NANOS,
    FORM_UTC_MICROS,
    FORM_UTC_NANOS,
    FORM_NONE
} PointForm;

#define ROW_OF(from)                                                                               \
    {                                                                                              \
        from##_to_date, from##_to_time, from##_to_micros, from##_to_nanos, from##_to_utc_micros,   \
            from##_to_utc_nanos                                                                    \
    }
static const ScalarKernel kernels[FORM_NONE][FORM_NONE] = {
    [FORM_DATE] = ROW_OF(date),
    [FORM_TIME] = ROW_OF(time),
    [FORM_MICROS] = ROW_OF(micros),
    [FORM_NANOS] = ROW_OF(nanos),
    [FORM_UTC_MICROS] = {utc_micros_to_date, utc_micros_to_time, utc_micros_to_micros,
                         utc_micros_to_nanos, ltz_micros_to_micros, ltz_micros_to_nanos},
    [FORM_UTC_NANOS] = {utc_nanos_to_date, utc_nanos_to_time, utc_nanos_to_micros,
                        utc_nanos_to_nanos, ltz_nanos_to_micros, ltz_nanos_to_nanos},
};

static PointForm form_of(const Type *type)
{
    const bool narrow = type->physical == PHYSICAL_I64;
    switch (type->kind) {
    case TYPE_DATE:
        return FORM_DATE;
    case TYPE_TIME:
        return FORM_TIME;
    case TYPE_TIMESTAMP:
        return narrow ? FORM_MICROS : FORM_NANOS;
    case TYPE_TIMESTAMP_LTZ:
        return narrow ? FORM_UTC_MICROS : FORM_UTC_NANOS;
    default:
        return FORM_NONE;
    }
}

Cast cast_temporal_find(const Type *from, const Type *to)
{
    const PointForm source = form_of(from);
    const PointForm target = form_of(to);
    const bool dates_and_times = (source == FORM_DATE && target == FORM_TIME) ||
                                 (source == FORM_TIME && target == FORM_DATE);
    if (source == FORM_NONE || target == FORM_NONE || dates_and_times)
        return (Cast){0};
    return (Cast){kernels[source][target], false, false};
}
