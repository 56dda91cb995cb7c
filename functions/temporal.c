/* Forms of points in time and names of units, shared by the temporal functions and CAST. */
#include "functions/temporal_internal.h"

#include "core/str.h"

PointForm point_form_of(const Type *type)
{
    const bool narrow = type->physical == PHYSICAL_I64;
    switch (type->kind) {
    case TYPE_DATE:
        return POINT_DATE;
    case TYPE_TIME:
        return POINT_TIME;
    case TYPE_TIMESTAMP:
        return narrow ? POINT_MICROS : POINT_NANOS;
    case TYPE_TIMESTAMP_LTZ:
        return narrow ? POINT_UTC_MICROS : POINT_UTC_NANOS;
    default:
        return POINT_FORMS;
    }
}

/* More months than lie between the first year and the last. */
#define MONTHS_MAX (12 * 10000)

bool date_shift_months(int32_t days, int64_t months, int32_t *out)
{
    if (months < -MONTHS_MAX || months > MONTHS_MAX)
        return false;
    *out = date_add_months(days, (int32_t)months);
    return *out >= DAYS_MIN && *out <= DAYS_MAX;
}

bool point_shift_nanos(DateTime point, int128_t nanos, DateTime *out)
{
    const int128_t sum = (int128_t)point.days * NANOS_PER_DAY + point.nanos + nanos;
    if (sum < (int128_t)DAYS_MIN * NANOS_PER_DAY || sum >= (int128_t)(DAYS_MAX + 1) * NANOS_PER_DAY)
        return false;
    *out = datetime_from_nanos(sum);
    return true;
}

bool point_fail(KernelCall *call, uint32_t row, Error *error)
{
    kernel_fail(call, row, error, ERROR_DATA, "date out of range");
    return error_hint(error, "Dates lie in the years 0001 to 9999.");
}

static const char *const unit_names[TIME_UNITS] = {
    [UNIT_MILLENNIUM] = "MILLENNIUM",
    [UNIT_CENTURY] = "CENTURY",
    [UNIT_DECADE] = "DECADE",
    [UNIT_YEAR] = "YEAR",
    [UNIT_QUARTER] = "QUARTER",
    [UNIT_MONTH] = "MONTH",
    [UNIT_WEEK] = "WEEK",
    [UNIT_DAY] = "DAY",
    [UNIT_HOUR] = "HOUR",
    [UNIT_MINUTE] = "MINUTE",
    [UNIT_SECOND] = "SECOND",
    [UNIT_MILLISECOND] = "MILLISECOND",
    [UNIT_MICROSECOND] = "MICROSECOND",
    [UNIT_NANOSECOND] = "NANOSECOND",
    [UNIT_DOW] = "DOW",
    [UNIT_DOY] = "DOY",
    [UNIT_ISODOW] = "ISODOW",
    [UNIT_ISOYEAR] = "ISOYEAR",
    [UNIT_EPOCH] = "EPOCH",
};

static bool unit_named(Str text, TimeUnit *out)
{
    if (text.length > 8 && str_equal_nocase((Str){text.data, 8}, STR("SQL_TSI_")))
        text = (Str){text.data + 8, text.length - 8};
    const bool plural =
        text.length > 1 && (text.data[text.length - 1] == 'S' || text.data[text.length - 1] == 's');
    for (uint32_t unit = 0; unit < TIME_UNITS; unit++) {
        const Str name = str_of(unit_names[unit]);
        if (str_equal_nocase(text, name) ||
            (plural && str_equal_nocase((Str){text.data, text.length - 1}, name))) {
            *out = (TimeUnit)unit;
            return true;
        }
    }
    return false;
}

bool time_unit_bind(const FunctionSite *site, uint32_t argument, TimeUnit *out, Error *error)
{
    Str text;
    if (!bind_literal_text(site, argument, &text)) {
        error_set(error, ERROR_TYPE, "a unit of time must be a word");
        return error_hint(error, "Write for example EXTRACT(YEAR FROM x).");
    }
    if (unit_named(str_trim(text), out))
        return true;
    const char *name = arena_str(site->arena, text);
    error_set(error, ERROR_NAME, "\"%s\" is not a unit of time", name);
    const char *nearest = str_nearest(name, unit_names, TIME_UNITS);
    if (nearest != NULL)
        return error_hint(error, "Did you mean %s?", nearest);
    return error_hint(error, "The units are MILLENNIUM, CENTURY, DECADE, YEAR, QUARTER, MONTH, "
                             "WEEK, DAY, HOUR, MINUTE, SECOND, MILLISECOND, MICROSECOND and "
                             "NANOSECOND.");
}
