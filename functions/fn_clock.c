/* The time now, in its various dresses.
 *
 * CURRENT_TIMESTAMP and its relatives give the time of the batch being evaluated; the answers of
 * one batch are equal. They are not folded, and the planner does not share them between statements.
 */
#include "functions/temporal_internal.h"

#define NOW (call->environment->batch_time_us)

/* Milliseconds are what TIMESTAMP(3) shows. */
static int64_t to_millis(int64_t micros)
{
    return micros - i64_floor_mod(micros, 1000);
}

static int64_t local_now(const KernelCall *call)
{
    return time_zone_to_local(call->environment->zone, NOW);
}

#define CLOCK_KERNEL(name, T, expression)                                                          \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        T *const out = call->out->data;                                                            \
        const T now = (T)(expression);                                                             \
        for (uint32_t i = 0; i < call->row_count; i++)                                             \
            out[kernel_row(call, i)] = now;                                                        \
        return true;                                                                               \
    }
CLOCK_KERNEL(current_timestamp, int64_t, to_millis(NOW))
CLOCK_KERNEL(local_timestamp, int64_t, to_millis(local_now(call)))
CLOCK_KERNEL(current_date, int32_t, i64_floor_div(local_now(call), MICROS_PER_DAY))
CLOCK_KERNEL(current_time, int32_t,
             i64_floor_mod(local_now(call), MICROS_PER_DAY) / MICROS_PER_SECOND * 1000)
CLOCK_KERNEL(unix_now, int64_t, i64_floor_div(NOW, MICROS_PER_SECOND))

static bool current_watermark(KernelCall *call, Error *error)
{
    const int64_t watermark = call->environment->watermark_us;
    int64_t *const out = call->out->data;
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        out[row] = watermark;
        if (watermark == INT64_MIN || watermark == INT64_MAX)
            kernel_put_null(call, row);
    }
    return true;
}

/* Of the type of the event time. */
static bool bind_current_watermark(const ScalarFunction *function, const FunctionSite *site,
                                   BoundFunction *out, Error *error)
{
    if (site->argument_count != 1)
        return false;
    const Type *type = site->argument_types[0];
    if (!type_is_timestamp(type) || type->precision > 3)
        return false;
    out->result = type_new(site->arena, type->kind, true, type->precision, 0);
    out->argument_types = arena_new_array(site->arena, const Type *, 1);
    out->argument_types[0] = type;
    out->argument_count = 1;
    out->kernel = current_watermark;
    return true;
}

#define FLAGS FUNCTION_NOT_DETERMINISTIC
static const ScalarFunction functions[] = {
    {"CURRENT_TIMESTAMP", "() -> TIMESTAMP_LTZ(3)", current_timestamp, NULL, FLAGS, "temporal",
     "The time now."},
    {"NOW", "() -> TIMESTAMP_LTZ(3)", current_timestamp, NULL, FLAGS, "temporal", "The time now."},
    {"CURRENT_ROW_TIMESTAMP", "() -> TIMESTAMP_LTZ(3)", current_timestamp, NULL, FLAGS, "temporal",
     "The time when the row is processed."},
    {"PROCTIME", "() -> TIMESTAMP_LTZ(3)", current_timestamp, NULL, FLAGS, "temporal",
     "The time when the row is processed."},
    {"CURRENT_WATERMARK", "(TIMESTAMP) -> TIMESTAMP", NULL, bind_current_watermark,
     FLAGS | FUNCTION_NULL_AWARE | FUNCTION_NULLABLE_RESULT, "temporal",
     "How far the event time of the argument, a time attribute, has come; NULL before it has."},
    {"LOCALTIMESTAMP", "() -> TIMESTAMP(3)", local_timestamp, NULL, FLAGS, "temporal",
     "The date and time now in the session's zone."},
    {"CURRENT_DATE", "() -> DATE", current_date, NULL, FLAGS, "temporal",
     "The date now in the session's zone."},
    {"CURRENT_TIME", "() -> TIME", current_time, NULL, FLAGS, "temporal",
     "The time of day now in the session's zone."},
    {"LOCALTIME", "() -> TIME", current_time, NULL, FLAGS, "temporal",
     "The time of day now in the session's zone."},
    {"UNIX_TIMESTAMP", "() -> BIGINT", unix_now, NULL, FLAGS, "temporal",
     "Seconds since 1970-01-01 00:00:00 UTC, now."},
    {0},
};

extern const FunctionFamily fn_clock;
const FunctionFamily fn_clock = {functions};
