/* FLOOR and CEIL to a unit, TIMESTAMPADD, TIMESTAMPDIFF.
 *
 * TIMESTAMP_LTZ is rounded on the clock of the session's zone. A week starts on Sunday, as Flink's
 * FLOOR has it. Differences count whole units, cut towards zero. */
#include "functions/temporal_internal.h"

typedef DateTime (*PointRounder)(DateTime point);

static DateTime start_of_years(DateTime point, int32_t years, int32_t first)
{
    const int32_t year = date_to_civil(point.days).year;
    const int32_t start = (year - first) / years * years + first;
    return (DateTime){date_from_civil((CivilDate){start < 1 ? 1 : start, 1, 1}), 0};
}

static DateTime start_of_months(DateTime point, int32_t months)
{
    CivilDate civil = date_to_civil(point.days);
    civil.month = (civil.month - 1) / months * months + 1;
    civil.day = 1;
    return (DateTime){date_from_civil(civil), 0};
}

static DateTime start_of_nanos(DateTime point, int64_t unit)
{
    point.nanos -= point.nanos % unit;
    return point;
}

#define FLOOR_UNITS(X)                                                                             \
    X(millennium, start_of_years(point, 1000, 1))                                                  \
    X(century, start_of_years(point, 100, 1))                                                      \
    X(decade, start_of_years(point, 10, 0))                                                        \
    X(year, start_of_years(point, 1, 0))                                                           \
    X(quarter, start_of_months(point, 3))                                                          \
    X(month, start_of_months(point, 1))                                                            \
    X(week, ((DateTime){point.days - date_day_of_week(point.days) + 1, 0}))                        \
    X(day, ((DateTime){point.days, 0}))                                                            \
    X(hour, start_of_nanos(point, 3600 * NANOS_PER_SECOND))                                        \
    X(minute, start_of_nanos(point, 60 * NANOS_PER_SECOND))                                        \
    X(second, start_of_nanos(point, NANOS_PER_SECOND))                                             \
    X(millisecond, start_of_nanos(point, NANOS_PER_MILLI))                                         \
    X(microsecond, start_of_nanos(point, 1000))

#define FLOOR_UNIT(unit, expression)                                                               \
    static DateTime floor_##unit(DateTime point)                                                   \
    {                                                                                              \
        return expression;                                                                         \
    }
FLOOR_UNITS(FLOOR_UNIT)

static const PointRounder floors[TIME_UNITS] = {
    [UNIT_MILLENNIUM] = floor_millennium,
    [UNIT_CENTURY] = floor_century,
    [UNIT_DECADE] = floor_decade,
    [UNIT_YEAR] = floor_year,
    [UNIT_QUARTER] = floor_quarter,
    [UNIT_MONTH] = floor_month,
    [UNIT_WEEK] = floor_week,
    [UNIT_DAY] = floor_day,
    [UNIT_HOUR] = floor_hour,
    [UNIT_MINUTE] = floor_minute,
    [UNIT_SECOND] = floor_second,
    [UNIT_MILLISECOND] = floor_millisecond,
    [UNIT_MICROSECOND] = floor_microsecond,
};

/* Units as months or as nanoseconds; the other is 0. */
typedef struct UnitLength {
    int32_t months;
    int64_t nanos;
} UnitLength;

static const UnitLength lengths[TIME_UNITS] = {
    [UNIT_MILLENNIUM] = {12000, 0},
    [UNIT_CENTURY] = {1200, 0},
    [UNIT_DECADE] = {120, 0},
    [UNIT_YEAR] = {12, 0},
    [UNIT_QUARTER] = {3, 0},
    [UNIT_MONTH] = {1, 0},
    [UNIT_WEEK] = {0, 7 * NANOS_PER_DAY},
    [UNIT_DAY] = {0, NANOS_PER_DAY},
    [UNIT_HOUR] = {0, 3600 * NANOS_PER_SECOND},
    [UNIT_MINUTE] = {0, 60 * NANOS_PER_SECOND},
    [UNIT_SECOND] = {0, NANOS_PER_SECOND},
    [UNIT_MILLISECOND] = {0, NANOS_PER_MILLI},
    [UNIT_MICROSECOND] = {0, 1000},
};

static bool point_add(DateTime point, UnitLength length, int64_t count, DateTime *out)
{
    if (length.months == 0)
        return point_shift_nanos(point, (int128_t)length.nanos * count, out);
    int64_t months;
    *out = point;
    return !__builtin_mul_overflow((int64_t)length.months, count, &months) &&
           date_shift_months(point.days, months, &out->days);
}

typedef struct UnitPlan {
    PointRounder floor;
    UnitLength length;
    bool up; /* CEIL */
} UnitPlan;

static bool point_round(DateTime point, const UnitPlan *plan, DateTime *out)
{
    *out = plan->floor(point);
    if (!plan->up || (out->days == point.days && out->nanos == point.nanos))
        return true;
    return point_add(*out, plan->length, 1, out);
}

/* TIME past its last unit starts over at midnight: only its clock is written. */
#define ROUND_KERNEL(form, T)                                                                      \
    static bool round_##form(KernelCall *call, Error *error)                                       \
    {                                                                                              \
        const T *const in = call->args[0]->data;                                                   \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            DateTime point = point_read_##form(call, in[vector_index(call->args[0], row)]);        \
            if (!point_round(point, call->data, &point))                                           \
                return point_fail(call, row, error);                                               \
            out[row] = point_write_##form(call, point);                                            \
        }                                                                                          \
        return true;                                                                               \
    }
POINT_FORMS_LIST(ROUND_KERNEL)

static bool unit_refused(const FunctionSite *site, const Type *type, Error *error)
{
    error_set(error, ERROR_TYPE, "this unit of time does not fit %s", type_text(site->arena, type));
    return error_hint(error, "The units are YEAR, QUARTER, MONTH, WEEK, DAY, HOUR, MINUTE, SECOND "
                             "and MILLISECOND; DATE has none below DAY, TIME none above HOUR.");
}

static bool bind_round(const ScalarFunction *function, const FunctionSite *site, bool up,
                       BoundFunction *out, Error *error)
{
    static const ScalarKernel kernels[] = POINT_TABLE(round);
    if (site->argument_count != 2)
        return false;
    const Type **types = bind_begin(site, function, &type_timestamp_3, out);
    const PointForm form = point_form_of(types[0]);
    TimeUnit unit;
    if (form == POINT_FORMS || !time_unit_bind(site, 1, &unit, error))
        return false;
    if (floors[unit] == NULL || (form == POINT_TIME && unit < UNIT_HOUR))
        return unit_refused(site, types[0], error);
    UnitPlan *plan = arena_new_one(site->arena, UnitPlan);
    *plan = (UnitPlan){floors[unit], lengths[unit], up};
    out->data = plan;
    out->result = types[0];
    out->kernel = kernels[form];
    return true;
}

static bool bind_floor(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    return bind_round(function, site, false, out, error);
}

static bool bind_ceil(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                      Error *error)
{
    return bind_round(function, site, true, out, error);
}

/* TIMESTAMPADD(unit, count, point). The zone plays no part: an hour is an hour, and months are
 * added to the instant's UTC date, as Flink does. */
#define ADD_KERNEL(name, form, T)                                                                  \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const UnitLength length = ((const UnitPlan *)call->data)->length;                          \
        const Vector *const arg = call->args[2];                                                   \
        const T *const in = arg->data;                                                             \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            DateTime point = point_read_##form(call, in[vector_index(arg, row)]);                  \
            if (!point_add(point, length, kernel_i64(call, 1, row), &point))                       \
                return point_fail(call, row, error);                                               \
            out[row] = point_write_##form(call, point);                                            \
        }                                                                                          \
        return true;                                                                               \
    }
ADD_KERNEL(add_date, date, int32_t)
ADD_KERNEL(add_time, time, int32_t)
ADD_KERNEL(add_micros, micros, int64_t)
ADD_KERNEL(add_nanos, nanos, int128_t)

/* DATE with a unit of the clock becomes TIMESTAMP; fractions of a second need digits for them. */
static const Type *add_result(const FunctionSite *site, const Type *point, TimeUnit unit)
{
    const int32_t digits = unit == UNIT_MILLISECOND ? 3 : unit == UNIT_MICROSECOND ? 6 : 0;
    if (point->kind == TYPE_DATE)
        return unit <= UNIT_DAY ? point : type_new(site->arena, TYPE_TIMESTAMP, true, digits, 0);
    if (point->kind == TYPE_TIME || point->precision >= digits)
        return point;
    return type_new(site->arena, point->kind, true, digits, 0);
}

static bool bind_add(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    static const ScalarKernel kernels[POINT_FORMS] = {add_date,  add_time,   add_micros,
                                                      add_nanos, add_micros, add_nanos};
    TimeUnit unit;
    if (site->argument_count != 3)
        return false;
    const Type **types = bind_begin(site, function, &type_bigint, out);
    if (site->argument_types[2]->kind == TYPE_NULL)
        types[2] = &type_timestamp_3;
    if (!type_is_integer(types[1]) || point_form_of(types[2]) == POINT_FORMS ||
        !time_unit_bind(site, 0, &unit, error))
        return false;
    const UnitLength length = lengths[unit];
    if ((length.months == 0 && length.nanos == 0) ||
        (types[2]->kind == TYPE_TIME && unit < UNIT_HOUR))
        return unit_refused(site, types[2], error);
    UnitPlan *plan = arena_new_one(site->arena, UnitPlan);
    plan->length = length;
    out->data = plan;
    out->result = types[2] = add_result(site, types[2], unit);
    types[1] = &type_bigint;
    out->kernel = kernels[point_form_of(types[2])];
    return true;
}

/* Whole months from a to b, b not earlier. */
static int64_t months_between(DateTime a, DateTime b)
{
    const CivilDate from = date_to_civil(a.days);
    const CivilDate to = date_to_civil(b.days);
    int32_t months = (to.year - from.year) * 12 + to.month - from.month;
    const int32_t reached = date_add_months(a.days, months);
    if (reached > b.days || (reached == b.days && a.nanos > b.nanos))
        months--;
    return months;
}

static int32_t point_difference(DateTime a, DateTime b, const UnitPlan *plan)
{
    if (plan->length.months == 0) {
        const int128_t nanos = (int128_t)(b.days - a.days) * NANOS_PER_DAY + (b.nanos - a.nanos);
        return (int32_t)(nanos / plan->length.nanos);
    }
    const bool backwards = b.days < a.days || (b.days == a.days && b.nanos < a.nanos);
    const int64_t months = backwards ? -months_between(b, a) : months_between(a, b);
    return (int32_t)(months / plan->length.months);
}

#define DIFFERENCE_KERNEL(name, form, T)                                                           \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        int32_t *const out = call->out->data;                                                      \
        const Vector *const from = call->args[1];                                                  \
        const Vector *const to = call->args[2];                                                    \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const T a = ((const T *)from->data)[vector_index(from, row)];                          \
            const T b = ((const T *)to->data)[vector_index(to, row)];                              \
            out[row] = point_difference(point_read_##form(call, a), point_read_##form(call, b),    \
                                        call->data);                                               \
        }                                                                                          \
        return true;                                                                               \
    }
DIFFERENCE_KERNEL(difference_date, date, int32_t)
DIFFERENCE_KERNEL(difference_time, time, int32_t)
DIFFERENCE_KERNEL(difference_micros, micros, int64_t)
DIFFERENCE_KERNEL(difference_nanos, nanos, int128_t)

static bool bind_difference(const ScalarFunction *function, const FunctionSite *site,
                            BoundFunction *out, Error *error)
{
    static const ScalarKernel kernels[POINT_FORMS] = {difference_date,   difference_time,
                                                      difference_micros, difference_nanos,
                                                      difference_micros, difference_nanos};
    TimeUnit unit;
    if (site->argument_count != 3)
        return false;
    const Type **types = bind_begin(site, function, &type_timestamp_3, out);
    const Type *common = type_common(site->arena, types[1], types[2]);
    if (common == NULL || point_form_of(common) == POINT_FORMS ||
        !time_unit_bind(site, 0, &unit, error))
        return false;
    if (lengths[unit].months == 0 && lengths[unit].nanos == 0)
        return unit_refused(site, common, error);
    UnitPlan *plan = arena_new_one(site->arena, UnitPlan);
    plan->length = lengths[unit];
    types[1] = types[2] = common;
    out->data = plan;
    out->result = &type_int;
    out->kernel = kernels[point_form_of(common)];
    return true;
}

static const ScalarFunction functions[] = {
    {"FLOOR", "(TIMEPOINT, UNIT) -> same", NULL, bind_floor, 0, "temporal",
     "The start of the unit that the point in time lies in. Written FLOOR(x TO unit)."},
    {"CEIL", "(TIMEPOINT, UNIT) -> same", NULL, bind_ceil, FUNCTION_CAN_FAIL, "temporal",
     "The start of the next unit, or the point itself where one starts. Written CEIL(x TO unit)."},
    {"TIMESTAMPADD", "(UNIT, INTEGER, TIMEPOINT) -> TIMEPOINT", NULL, bind_add, FUNCTION_CAN_FAIL,
     "temporal", "The point in time so many units later."},
    {"TIMESTAMPDIFF", "(UNIT, TIMEPOINT, TIMEPOINT) -> INT", NULL, bind_difference, 0, "temporal",
     "The whole units from the first point in time to the second."},
    {0},
};

extern const FunctionFamily fn_temporal;
const FunctionFamily fn_temporal = {functions};
