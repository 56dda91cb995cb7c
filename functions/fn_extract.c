/* EXTRACT and its short forms YEAR(x) … SECOND(x): one field of a point in time, as BIGINT; EXTRACT
 * also of an interval, whose fields have its sign.
 *
 * TIMESTAMP_LTZ is read on the clock of the session's zone. WEEK is the ISO week; DOW and DAYOFWEEK
 * count from 1 on Sunday. Cost: a call through a pointer per row, the calendar's divisions. */
#include "functions/temporal_internal.h"

typedef int64_t (*FieldReader)(DateTime point);

static int64_t field_year(DateTime point)
{
    return date_to_civil(point.days).year;
}

static int64_t field_month(DateTime point)
{
    return date_to_civil(point.days).month;
}

static int64_t field_day(DateTime point)
{
    return date_to_civil(point.days).day;
}

static int64_t field_quarter(DateTime point)
{
    return (date_to_civil(point.days).month + 2) / 3;
}

static int64_t field_decade(DateTime point)
{
    return date_to_civil(point.days).year / 10;
}

static int64_t field_century(DateTime point)
{
    return (date_to_civil(point.days).year + 99) / 100;
}

static int64_t field_millennium(DateTime point)
{
    return (date_to_civil(point.days).year + 999) / 1000;
}

static int64_t field_week(DateTime point)
{
    int32_t iso_year;
    return date_iso_week(point.days, &iso_year);
}

static int64_t field_iso_year(DateTime point)
{
    int32_t iso_year;
    date_iso_week(point.days, &iso_year);
    return iso_year;
}

static int64_t field_day_of_week(DateTime point)
{
    return date_day_of_week(point.days);
}

static int64_t field_iso_day_of_week(DateTime point)
{
    return (date_day_of_week(point.days) + 5) % 7 + 1;
}

static int64_t field_day_of_year(DateTime point)
{
    return date_day_of_year(point.days);
}

static int64_t field_hour(DateTime point)
{
    return point.nanos / (3600 * NANOS_PER_SECOND);
}

static int64_t field_minute(DateTime point)
{
    return point.nanos / (60 * NANOS_PER_SECOND) % 60;
}

static int64_t field_second(DateTime point)
{
    return point.nanos / NANOS_PER_SECOND % 60;
}

static int64_t field_millisecond(DateTime point)
{
    return point.nanos / 1000000 % 1000;
}

static int64_t field_microsecond(DateTime point)
{
    return point.nanos / 1000 % 1000000;
}

static int64_t field_nanosecond(DateTime point)
{
    return point.nanos % NANOS_PER_SECOND;
}

static int64_t field_epoch(DateTime point)
{
    return point.days * INT64_C(86400) + point.nanos / NANOS_PER_SECOND;
}

static const FieldReader readers[TIME_UNITS] = {
    [UNIT_MILLENNIUM] = field_millennium,
    [UNIT_CENTURY] = field_century,
    [UNIT_DECADE] = field_decade,
    [UNIT_YEAR] = field_year,
    [UNIT_QUARTER] = field_quarter,
    [UNIT_MONTH] = field_month,
    [UNIT_WEEK] = field_week,
    [UNIT_DAY] = field_day,
    [UNIT_HOUR] = field_hour,
    [UNIT_MINUTE] = field_minute,
    [UNIT_SECOND] = field_second,
    [UNIT_MILLISECOND] = field_millisecond,
    [UNIT_MICROSECOND] = field_microsecond,
    [UNIT_NANOSECOND] = field_nanosecond,
    [UNIT_DOW] = field_day_of_week,
    [UNIT_DOY] = field_day_of_year,
    [UNIT_ISODOW] = field_iso_day_of_week,
    [UNIT_ISOYEAR] = field_iso_year,
    [UNIT_EPOCH] = field_epoch,
};

/* data: the reader and which argument is the point. */
typedef struct ExtractPlan {
    FieldReader reader;
    uint32_t argument;
} ExtractPlan;

#define EXTRACT_KERNEL(form, T)                                                                    \
    static bool extract_##form(KernelCall *call, Error *error)                                     \
    {                                                                                              \
        const ExtractPlan *const plan = call->data;                                                \
        const FieldReader reader = plan->reader;                                                   \
        const Vector *const arg = call->args[plan->argument];                                      \
        const T *const in = arg->data;                                                             \
        int64_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            out[row] = reader(point_read_##form(call, in[vector_index(arg, row)]));                \
        }                                                                                          \
        return true;                                                                               \
    }
POINT_FORMS_LIST(EXTRACT_KERNEL)

/* The epoch of an instant does not depend on the zone. */
static bool extract_epoch_utc(KernelCall *call, Error *error)
{
    const ExtractPlan *const plan = call->data;
    int64_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        out[row] = i64_floor_div(kernel_i64(call, plan->argument, row), MICROS_PER_SECOND);
    }
    return true;
}

/* TIME has no calendar, DATE no clock. */
static bool unit_fits(TimeUnit unit, PointForm form)
{
    const bool of_clock = unit >= UNIT_HOUR && unit <= UNIT_NANOSECOND;
    return form == POINT_TIME ? of_clock : form != POINT_DATE || !of_clock;
}

static bool bind_field(const ScalarFunction *function, const FunctionSite *site, TimeUnit unit,
                       uint32_t argument, BoundFunction *out, Error *error)
{
    static const ScalarKernel kernels[] = POINT_TABLE(extract);
    const Type **types = bind_begin(site, function, &type_timestamp_6, out);
    const PointForm form = point_form_of(types[argument]);
    if (form == POINT_FORMS)
        return false;
    if (!unit_fits(unit, form)) {
        error_set(error, ERROR_TYPE, "%s has no such field",
                  type_text(site->arena, types[argument]));
        return error_hint(error, form == POINT_TIME
                                     ? "TIME has HOUR, MINUTE, SECOND and parts of it."
                                     : "Convert it with CAST(… AS TIMESTAMP).");
    }
    ExtractPlan *plan = arena_new_one(site->arena, ExtractPlan);
    *plan = (ExtractPlan){readers[unit], argument};
    out->data = plan;
    out->result = &type_bigint;
    out->kernel =
        unit == UNIT_EPOCH && form == POINT_UTC_MICROS ? extract_epoch_utc : kernels[form];
    return true;
}

static bool bind_extract(const ScalarFunction *function, const FunctionSite *site,
                         BoundFunction *out, Error *error)
{
    TimeUnit unit;
    if (site->argument_count != 2 || !time_unit_bind(site, 0, &unit, error))
        return false;
    return bind_field(function, site, unit, 1, out, error);
}

/* A field of an interval: value / divisor % modulus * factor + first; no modulus: 0. */
typedef struct IntervalField {
    int64_t divisor, modulus, factor, first;
} IntervalField;

#define DAY_MILLIS (24 * 3600 * 1000)
static const IntervalField month_fields[TIME_UNITS] = {
    [UNIT_MILLENNIUM] = {12000, 0, 1, 0}, [UNIT_CENTURY] = {1200, 0, 1, 0},
    [UNIT_DECADE] = {120, 0, 1, 0},       [UNIT_YEAR] = {12, 0, 1, 0},
    [UNIT_QUARTER] = {3, 4, 1, 1},        [UNIT_MONTH] = {1, 12, 1, 0},
};
static const IntervalField milli_fields[TIME_UNITS] = {
    [UNIT_DAY] = {DAY_MILLIS, 0, 1, 0},        [UNIT_HOUR] = {3600 * 1000, 24, 1, 0},
    [UNIT_MINUTE] = {60 * 1000, 60, 1, 0},     [UNIT_SECOND] = {1000, 60, 1, 0},
    [UNIT_MILLISECOND] = {1, 1000, 1, 0},      [UNIT_MICROSECOND] = {1, 1000, 1000, 0},
    [UNIT_NANOSECOND] = {1, 1000, 1000000, 0}, [UNIT_EPOCH] = {1000, 0, 1, 0},
};

static int64_t interval_field(const IntervalField *field, int64_t value)
{
    const int64_t units = value / field->divisor;
    return (field->modulus == 0 ? units : units % field->modulus) * field->factor + field->first;
}

#define INTERVAL_KERNEL(name, T)                                                                   \
    static bool extract_##name(KernelCall *call, Error *error)                                     \
    {                                                                                              \
        const IntervalField *const field = call->data;                                             \
        const Vector *const arg = call->args[1];                                                   \
        const T *const in = arg->data;                                                             \
        int64_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            out[row] = interval_field(field, in[vector_index(arg, row)]);                          \
        }                                                                                          \
        return true;                                                                               \
    }
INTERVAL_KERNEL(months, int32_t)
INTERVAL_KERNEL(millis, int64_t)

static bool bind_extract_interval(const ScalarFunction *function, const FunctionSite *site,
                                  BoundFunction *out, Error *error)
{
    TimeUnit unit;
    if (site->argument_count != 2)
        return false;
    const TypeKind kind = site->argument_types[1]->kind;
    const bool is_months = kind == TYPE_INTERVAL_MONTH;
    if ((!is_months && kind != TYPE_INTERVAL_SECOND) || !time_unit_bind(site, 0, &unit, error))
        return false;
    const IntervalField *field = is_months ? &month_fields[unit] : &milli_fields[unit];
    bind_begin(site, function, site->argument_types[1], out);
    if (field->divisor == 0) {
        error_set(error, ERROR_TYPE, "%s has no such field",
                  type_text(site->arena, site->argument_types[1]));
        return error_hint(error, is_months
                                     ? "It has YEAR and MONTH, and QUARTER, DECADE, CENTURY, "
                                       "MILLENNIUM."
                                     : "It has DAY, HOUR, MINUTE, SECOND and parts of it, and "
                                       "EPOCH, all its seconds.");
    }
    out->data = field;
    out->result = &type_bigint;
    out->kernel = is_months ? extract_months : extract_millis;
    return true;
}

#define SHORT_FORM(name, unit)                                                                     \
    static bool bind_##name(const ScalarFunction *function, const FunctionSite *site,              \
                            BoundFunction *out, Error *error)                                      \
    {                                                                                              \
        return site->argument_count == 1 && bind_field(function, site, unit, 0, out, error);       \
    }
SHORT_FORM(year, UNIT_YEAR)
SHORT_FORM(quarter, UNIT_QUARTER)
SHORT_FORM(month, UNIT_MONTH)
SHORT_FORM(week, UNIT_WEEK)
SHORT_FORM(day_of_year, UNIT_DOY)
SHORT_FORM(day_of_month, UNIT_DAY)
SHORT_FORM(day_of_week, UNIT_DOW)
SHORT_FORM(hour, UNIT_HOUR)
SHORT_FORM(minute, UNIT_MINUTE)
SHORT_FORM(second, UNIT_SECOND)

#define OF_POINT(name, bind, doc)                                                                  \
    {                                                                                              \
        name, "(TIMEPOINT) -> BIGINT", NULL, bind, 0, "temporal", doc                              \
    }
static const ScalarFunction functions[] = {
    {"EXTRACT", "(UNIT, TIMEPOINT) -> BIGINT", NULL, bind_extract, 0, "temporal",
     "One field of a point in time. Written EXTRACT(unit FROM x)."},
    {"EXTRACT", "(UNIT, INTERVAL) -> BIGINT", NULL, bind_extract_interval, 0, "temporal",
     "One field of an interval, with its sign: of '1-2' YEAR TO MONTH the MONTH is 2."},
    OF_POINT("YEAR", bind_year, "The year."),
    OF_POINT("QUARTER", bind_quarter, "The quarter, 1 to 4."),
    OF_POINT("MONTH", bind_month, "The month, 1 to 12."),
    OF_POINT("WEEK", bind_week, "The ISO week, 1 to 53."),
    OF_POINT("DAYOFYEAR", bind_day_of_year, "The day of the year, 1 to 366."),
    OF_POINT("DAYOFMONTH", bind_day_of_month, "The day of the month, 1 to 31."),
    OF_POINT("DAYOFWEEK", bind_day_of_week, "The day of the week, 1 (Sunday) to 7."),
    OF_POINT("HOUR", bind_hour, "The hour, 0 to 23."),
    OF_POINT("MINUTE", bind_minute, "The minute, 0 to 59."),
    OF_POINT("SECOND", bind_second, "The second, 0 to 59."),
    {0},
};

extern const FunctionFamily fn_extract;
const FunctionFamily fn_extract = {functions};
