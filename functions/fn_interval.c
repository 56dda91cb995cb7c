/* The operators + - * on points in time and intervals.
 *
 * DATE keeps whole days, TIME wraps at midnight, months are added on the calendar (the last day of
 * a shorter month stands for one it lacks). The difference of two points is no interval in Flink:
 * refused with TIMESTAMPDIFF as the way out. */
#include "functions/temporal_internal.h"

#define MILLIS_PER_DAY INT64_C(86400000)

/* Each form of point by months, and by milliseconds; false when it leaves the years there are. */
static bool shift_date_months(int32_t days, int128_t months, int32_t *out)
{
    return date_shift_months(days, (int64_t)months, out);
}

static bool shift_date_millis(int32_t days, int128_t millis, int32_t *out)
{
    const int128_t sum = days + millis / MILLIS_PER_DAY;
    *out = (int32_t)sum;
    return sum >= DAYS_MIN && sum <= DAYS_MAX;
}

static bool shift_time_millis(int32_t time, int128_t millis, int32_t *out)
{
    *out = (int32_t)i64_floor_mod(time + (int64_t)(millis % MILLIS_PER_DAY), MILLIS_PER_DAY);
    return true;
}

static bool shift_micros_months(int64_t micros, int128_t months, int64_t *out)
{
    DateTime point = point_read_micros(NULL, micros);
    const int64_t below = i64_floor_mod(micros, MICROS_PER_DAY);
    const bool done = date_shift_months(point.days, (int64_t)months, &point.days);
    *out = done ? point.days * MICROS_PER_DAY + below : 0;
    return done;
}

static bool shift_micros_millis(int64_t micros, int128_t millis, int64_t *out)
{
    const int128_t sum = micros + millis * 1000;
    *out = (int64_t)sum;
    return sum >= DAYS_MIN * MICROS_PER_DAY && sum < (DAYS_MAX + 1) * MICROS_PER_DAY;
}

static bool shift_nanos_months(int128_t nanos, int128_t months, int128_t *out)
{
    DateTime point = datetime_from_nanos(nanos);
    const bool done = date_shift_months(point.days, (int64_t)months, &point.days);
    *out = done ? datetime_to_nanos(point) : 0;
    return done;
}

static bool shift_nanos_millis(int128_t nanos, int128_t millis, int128_t *out)
{
    DateTime point = datetime_from_nanos(nanos);
    const bool done = point_shift_nanos(point, millis * NANOS_PER_MILLI, &point);
    *out = done ? datetime_to_nanos(point) : 0;
    return done;
}

#define SHIFT_KERNEL(name, T, Interval, shift, sign)                                               \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const T *const points = call->args[0]->data;                                               \
        const Interval *const intervals = call->args[1]->data;                                     \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const T point = points[vector_index(call->args[0], row)];                              \
            const int128_t interval = intervals[vector_index(call->args[1], row)];                 \
            if (!shift(point, sign interval, &out[row]))                                           \
                return point_fail(call, row, error);                                               \
        }                                                                                          \
        return true;                                                                               \
    }
#define SHIFT_KERNELS(of, T, unit, Interval)                                                       \
    SHIFT_KERNEL(of##_plus_##unit, T, Interval, shift_##of##_##unit, +)                            \
    SHIFT_KERNEL(of##_minus_##unit, T, Interval, shift_##of##_##unit, -)

/* Points of all rows by one interval: in one loop that the compiler turns into vector instructions.
 * False where the general one has to look: a point would leave the years there are. */
static bool shift_all_micros(KernelCall *call, int sign)
{
    const int64_t least = DAYS_MIN * MICROS_PER_DAY, most = (DAYS_MAX + 1) * MICROS_PER_DAY - 1;
    const int64_t longest = (most - least) / 1000;
    if (call->rows != NULL || call->args[0]->constant || !call->args[1]->constant)
        return false;
    const int64_t interval = *(const int64_t *)call->args[1]->data;
    if (interval < -longest || interval > longest)
        return false;
    const int64_t *const points = call->args[0]->data;
    int64_t *const out = call->out->data;
    const uint64_t shift = (uint64_t)(sign * interval * 1000);
    bool leaves = false;
    for (uint32_t i = 0; i < call->row_count; i++) {
        out[i] = (int64_t)((uint64_t)points[i] + shift);
        leaves |= out[i] < least || out[i] > most;
    }
    return !leaves;
}

#define SHIFT_MICROS_KERNEL(name, general, sign)                                                   \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        return shift_all_micros(call, sign) || general(call, error);                               \
    }

SHIFT_KERNELS(date, int32_t, months, int32_t)
SHIFT_KERNELS(date, int32_t, millis, int64_t)
SHIFT_KERNELS(time, int32_t, millis, int64_t)
SHIFT_KERNELS(micros, int64_t, months, int32_t)
SHIFT_KERNELS(micros, int64_t, millis, int64_t)
SHIFT_MICROS_KERNEL(micros_later, micros_plus_millis, 1)
SHIFT_MICROS_KERNEL(micros_earlier, micros_minus_millis, -1)
SHIFT_KERNELS(nanos, int128_t, months, int32_t)
SHIFT_KERNELS(nanos, int128_t, millis, int64_t)

KERNEL_BINARY(months_plus, int32_t, int32_t, int32_t, (uint32_t)a + (uint32_t)b)
KERNEL_BINARY(months_minus, int32_t, int32_t, int32_t, (uint32_t)a - (uint32_t)b)
KERNEL_BINARY(millis_plus, int64_t, int64_t, int64_t, (uint64_t)a + (uint64_t)b)
KERNEL_BINARY(millis_minus, int64_t, int64_t, int64_t, (uint64_t)a - (uint64_t)b)
KERNEL_BINARY(months_times, int32_t, int64_t, int32_t, (uint64_t)a *(uint64_t)b)
KERNEL_BINARY(millis_times, int64_t, int64_t, int64_t, (uint64_t)a *(uint64_t)b)
KERNEL_UNARY(months_negate, int32_t, int32_t, 0u - (uint32_t)a)
KERNEL_UNARY(millis_negate, int64_t, int64_t, UINT64_C(0) - (uint64_t)a)

static bool is_interval(const Type *type)
{
    return type->kind == TYPE_INTERVAL_MONTH || type->kind == TYPE_INTERVAL_SECOND;
}

static bool is_point(const Type *type)
{
    return type->kind >= TYPE_DATE && type->kind <= TYPE_TIMESTAMP_LTZ;
}

/* The kernel for point ± interval, or NULL (TIME has no months). */
static ScalarKernel shift_kernel(const Type *point, const Type *interval, bool minus)
{
    const bool months = interval->kind == TYPE_INTERVAL_MONTH;
    if (point->kind == TYPE_DATE && months)
        return minus ? date_minus_months : date_plus_months;
    if (point->kind == TYPE_DATE)
        return minus ? date_minus_millis : date_plus_millis;
    if (point->kind == TYPE_TIME)
        return months ? NULL : minus ? time_minus_millis : time_plus_millis;
    if (point->physical == PHYSICAL_I64 && months)
        return minus ? micros_minus_months : micros_plus_months;
    if (point->physical == PHYSICAL_I64)
        return minus ? micros_earlier : micros_later;
    if (months)
        return minus ? nanos_minus_months : nanos_plus_months;
    return minus ? nanos_minus_millis : nanos_plus_millis;
}

/* Binds with the arguments in the other order: the kernel wants the point or interval first. */
static bool swapped(KernelCall *call, Error *error)
{
    const ScalarKernel *kernel = call->data;
    const Vector *args[2] = {call->args[1], call->args[0]};
    KernelCall turned = *call;
    turned.args = args;
    const bool done = (*kernel)(&turned, error);
    call->error_row = turned.error_row;
    return done;
}

static bool bind_kernel(const FunctionSite *site, ScalarKernel kernel, const Type *result,
                        bool swap, BoundFunction *out)
{
    if (kernel == NULL)
        return false;
    out->result = result;
    out->kernel = kernel;
    if (swap) {
        ScalarKernel *kept = arena_new_one(site->arena, ScalarKernel);
        *kept = kernel;
        out->data = kept;
        out->kernel = swapped;
    }
    return true;
}

static bool bind_add(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                     Error *error)
{
    if (site->argument_count != 2)
        return false;
    const Type **types = bind_begin(site, function, &type_interval_second, out);
    if (is_interval(types[0]) && types[0]->kind == types[1]->kind)
        return bind_kernel(site, types[0]->kind == TYPE_INTERVAL_MONTH ? months_plus : millis_plus,
                           types[0], false, out);
    if (is_point(types[0]) && is_interval(types[1]))
        return bind_kernel(site, shift_kernel(types[0], types[1], false), types[0], false, out);
    if (is_interval(types[0]) && is_point(types[1]))
        return bind_kernel(site, shift_kernel(types[1], types[0], false), types[1], true, out);
    return false;
}

static bool bind_subtract(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    if (site->argument_count != 2)
        return false;
    const Type **types = bind_begin(site, function, &type_interval_second, out);
    if (is_interval(types[0]) && types[0]->kind == types[1]->kind)
        return bind_kernel(site,
                           types[0]->kind == TYPE_INTERVAL_MONTH ? months_minus : millis_minus,
                           types[0], false, out);
    if (is_point(types[0]) && is_interval(types[1]))
        return bind_kernel(site, shift_kernel(types[0], types[1], true), types[0], false, out);
    if (is_point(types[0]) && is_point(types[1])) {
        error_set(error, ERROR_TYPE, "cannot subtract two points in time (%s)",
                  bind_arguments_text(site));
        return error_hint(error, "Use TIMESTAMPDIFF(SECOND, earlier, later), or another unit.");
    }
    return false;
}

static bool bind_multiply(const ScalarFunction *function, const FunctionSite *site,
                          BoundFunction *out, Error *error)
{
    if (site->argument_count != 2)
        return false;
    const Type **types = bind_begin(site, function, &type_bigint, out);
    const uint32_t at = is_interval(types[0]) ? 0 : 1;
    if (!is_interval(types[at]) || !type_is_integer(types[1 - at]))
        return false;
    types[1 - at] = &type_bigint;
    return bind_kernel(site, types[at]->kind == TYPE_INTERVAL_MONTH ? months_times : millis_times,
                       types[at], at == 1, out);
}

static bool bind_negate(const ScalarFunction *function, const FunctionSite *site,
                        BoundFunction *out, Error *error)
{
    if (site->argument_count != 1 || !is_interval(site->argument_types[0]))
        return false;
    const Type **types = bind_begin(site, function, &type_null, out);
    return bind_kernel(site, types[0]->kind == TYPE_INTERVAL_MONTH ? months_negate : millis_negate,
                       types[0], false, out);
}

/* A result beyond the year 9999 is an error. */
#define SHIFTS (FUNCTION_HIDDEN | FUNCTION_CAN_FAIL)
static const ScalarFunction functions[] = {
    {"+", "TIMEPOINT + INTERVAL", NULL, bind_add, SHIFTS, "temporal",
     "The point in time that is the interval later."},
    {"-", "TIMEPOINT - INTERVAL", NULL, bind_subtract, SHIFTS, "temporal",
     "The point in time that is the interval earlier."},
    {"*", "INTERVAL * INTEGER", NULL, bind_multiply, FUNCTION_HIDDEN, "temporal",
     "The interval, so many times."},
    {"NEGATE", "- INTERVAL", NULL, bind_negate, FUNCTION_HIDDEN, "temporal",
     "The interval in the other direction."},
    {0},
};

extern const FunctionFamily fn_interval;
const FunctionFamily fn_interval = {functions};
