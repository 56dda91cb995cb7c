/* Points in time as text and back: DATE_FORMAT, TO_TIMESTAMP, TO_DATE, UNIX_TIMESTAMP, CONVERT_TZ.
 *
 * Patterns are java.time's (core/datetime.h). A literal pattern or zone is prepared when the call
 * is bound; another is compiled when it differs from the row before. Text that does not fit its
 * pattern gives NULL, as in Flink. */
#include "core/str.h"
#include "functions/temporal_internal.h"

/* The prepared second argument, NULL when it is not a literal. */
typedef struct FormatPlan {
    const DatePattern *pattern;
    const TimeZone *from;
    const TimeZone *to;
} FormatPlan;

static const DatePattern *default_pattern(Arena *arena)
{
    return date_pattern_compile(arena, STR("yyyy-MM-dd HH:mm:ss"), NULL);
}

/* The pattern in use during one run of a kernel. */
typedef struct PatternSlot {
    const DatePattern *pattern;
    Str text;
} PatternSlot;

static PatternSlot pattern_slot(const KernelCall *call)
{
    return (PatternSlot){((const FormatPlan *)call->data)->pattern, {NULL, 0}};
}

/* The row's pattern, argument `argument`; NULL with an error when it is none. */
static const DatePattern *pattern_at(PatternSlot *slot, KernelCall *call, uint32_t argument,
                                     uint32_t row, Error *error)
{
    if (((const FormatPlan *)call->data)->pattern != NULL)
        return slot->pattern;
    const Str text = kernel_str(call, argument, row);
    if (slot->pattern == NULL || !str_equal(text, slot->text)) {
        slot->pattern = date_pattern_compile(call->arena, text, error);
        slot->text = text;
        if (slot->pattern == NULL)
            call->error_row = row;
    }
    return slot->pattern;
}

/* Text made in a buffer, one per run. */
static void put_buffer(KernelCall *call, uint32_t row, TextWriter *writer, const Buffer *buffer)
{
    char *to = text_writer_reserve(writer, buffer->length);
    if (buffer->length > 0)
        memcpy(to, buffer->data, buffer->length);
    kernel_put_view(call, row, text_writer_take(writer, buffer->length));
}

/* Rows of a stream are mostly near in time, so one often prints as the one before: its text is
 * shared. */
typedef struct LastPrint {
    const DatePattern *pattern; /* NULL: none yet */
    DateTime from;              /* the first point that prints so */
    int64_t step;
    StringView text;
} LastPrint;

static void print_point(KernelCall *call, uint32_t row, const DatePattern *pattern, DateTime point,
                        LastPrint *last, TextWriter *writer, Buffer *buffer)
{
    if (pattern == last->pattern && point.days == last->from.days &&
        point.nanos >= last->from.nanos && point.nanos - last->from.nanos < last->step) {
        kernel_put_view(call, row, last->text);
        return;
    }
    buffer_clear(buffer);
    date_pattern_print(pattern, point, buffer);
    put_buffer(call, row, writer, buffer);
    int64_t step = date_pattern_step(pattern);
    *last = (LastPrint){pattern,
                        {point.days, point.nanos - point.nanos % step},
                        step,
                        ((const StringView *)call->out->data)[row]};
}

#define FORMAT_KERNEL(form, T)                                                                     \
    static bool format_##form(KernelCall *call, Error *error)                                      \
    {                                                                                              \
        PatternSlot slot = pattern_slot(call);                                                     \
        TextWriter writer = text_writer_of(call);                                                  \
        Buffer buffer = {0};                                                                       \
        LastPrint last = {.pattern = NULL};                                                        \
        bool done = true;                                                                          \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const T a = ((const T *)call->args[0]->data)[vector_index(call->args[0], row)];        \
            const DatePattern *pattern = pattern_at(&slot, call, 1, row, error);                   \
            done = pattern != NULL;                                                                \
            if (!done)                                                                             \
                break;                                                                             \
            print_point(call, row, pattern, point_read_##form(call, a), &last, &writer, &buffer);  \
        }                                                                                          \
        buffer_deinit(&buffer);                                                                    \
        return done;                                                                               \
    }
POINT_FORMS_LIST(FORMAT_KERNEL)

/* DATE_FORMAT of text: read as a timestamp first. */
static bool format_text(KernelCall *call, Error *error)
{
    PatternSlot slot = pattern_slot(call);
    TextWriter writer = text_writer_of(call);
    Buffer buffer = {0};
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        const DatePattern *pattern = pattern_at(&slot, call, 1, row, error);
        DateTime point;
        done = pattern != NULL;
        if (done && datetime_parse(kernel_str(call, 0, row), &point)) {
            buffer_clear(&buffer);
            date_pattern_print(pattern, point, &buffer);
            put_buffer(call, row, &writer, &buffer);
        } else if (done) {
            kernel_put_null(call, row);
        }
    }
    buffer_deinit(&buffer);
    return done;
}

/* FROM_UNIXTIME: seconds since 1970 on the session's clock. Beyond the years a date can have: NULL.
 */
#define SECONDS_MAX INT64_C(253402300799)
#define SECONDS_MIN INT64_C(-62135596800)

static bool from_unixtime(KernelCall *call, Error *error)
{
    PatternSlot slot = pattern_slot(call);
    TextWriter writer = text_writer_of(call);
    Buffer buffer = {0};
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        const DatePattern *pattern = pattern_at(&slot, call, 1, row, error);
        const int64_t seconds = kernel_i64(call, 0, row);
        done = pattern != NULL;
        if (done && seconds >= SECONDS_MIN && seconds <= SECONDS_MAX) {
            buffer_clear(&buffer);
            date_pattern_print(pattern, point_read_utc_micros(call, seconds * MICROS_PER_SECOND),
                               &buffer);
            put_buffer(call, row, &writer, &buffer);
        } else if (done) {
            kernel_put_null(call, row);
        }
    }
    buffer_deinit(&buffer);
    return done;
}

/* The text of argument 0 as a point, by the pattern of argument 1 or Flink's forms without one.
 * 1, 0 when it does not fit, -1 with an error. */
static int point_of_text(PatternSlot *slot, KernelCall *call, uint32_t row, DateTime *point,
                         Error *error)
{
    const Str text = kernel_str(call, 0, row);
    if (call->arg_count < 2)
        return datetime_parse(text, point);
    const DatePattern *pattern = pattern_at(slot, call, 1, row, error);
    if (pattern == NULL)
        return -1;
    return date_pattern_parse(pattern, text, point);
}

static DateTime cut_to_millis(DateTime point)
{
    point.nanos -= point.nanos % NANOS_PER_MILLI;
    return point;
}

/* out: how a row's point is stored; on_failure: what stands for text that does not fit. */
#define PARSE_KERNEL(name, T, out_expression, on_failure)                                          \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        PatternSlot slot = pattern_slot(call);                                                     \
        T *const out = call->out->data;                                                            \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            DateTime point;                                                                        \
            const int found = point_of_text(&slot, call, row, &point, error);                      \
            if (found < 0)                                                                         \
                return false;                                                                      \
            if (found > 0)                                                                         \
                out[row] = (out_expression);                                                       \
            else                                                                                   \
                on_failure;                                                                        \
        }                                                                                          \
        return true;                                                                               \
    }
PARSE_KERNEL(to_timestamp, int64_t, point_write_micros(call, cut_to_millis(point)),
             kernel_put_null(call, row))
PARSE_KERNEL(to_date, int32_t, point.days, kernel_put_null(call, row))
PARSE_KERNEL(to_timestamp_ltz, int64_t, point_write_utc_micros(call, cut_to_millis(point)),
             kernel_put_null(call, row))
PARSE_KERNEL(unix_timestamp, int64_t,
             i64_floor_div(point_write_utc_micros(call, point), MICROS_PER_SECOND),
             out[row] = INT64_MIN)

/* TO_TIMESTAMP_LTZ(number, precision): 0 for seconds, 3 for milliseconds. */
static int64_t ltz_unit(const KernelCall *call, uint32_t row)
{
    const int32_t precision = call->arg_count > 1 ? kernel_i32(call, 1, row) : 3;
    return precision == 3 ? 1000 : precision == 0 ? MICROS_PER_SECOND : 0;
}

#define LTZ_KERNEL(name, T, micros_expression)                                                     \
    static bool name(KernelCall *call, Error *error)                                               \
    {                                                                                              \
        const T *const in = call->args[0]->data;                                                   \
        int64_t *const out = call->out->data;                                                      \
        for (uint32_t i = 0; i < call->row_count; i++) {                                           \
            const uint32_t row = kernel_row(call, i);                                              \
            const int64_t unit = ltz_unit(call, row);                                              \
            const T a = in[vector_index(call->args[0], row)];                                      \
            const int64_t limit = unit == 0 ? 0 : MICROS_PER_SECOND / unit;                        \
            if (unit == 0) {                                                                       \
                kernel_fail(call, row, error, ERROR_DATA,                                          \
                            "the precision of TO_TIMESTAMP_LTZ must be 0 or 3");                   \
                return error_hint(error, "0 means seconds, 3 milliseconds since 1970.");           \
            }                                                                                      \
            if (a >= (T)(SECONDS_MIN * limit) && a <= (T)(SECONDS_MAX * limit))                    \
                out[row] = (micros_expression);                                                    \
            else                                                                                   \
                kernel_put_null(call, row);                                                        \
        }                                                                                          \
        return true;                                                                               \
    }
LTZ_KERNEL(ltz_of_integer, int64_t, a *unit)
LTZ_KERNEL(ltz_of_double, double, (int64_t)(a *(double)unit / 1000.0) * 1000)

/* CONVERT_TZ: what the clock of one zone shows when another's shows the text. */
static bool zone_at(const TimeZone **zone, Str *last, KernelCall *call, uint32_t argument,
                    uint32_t row, Error *error)
{
    const Str name = kernel_str(call, argument, row);
    if (*zone != NULL && str_equal(name, *last))
        return true;
    *zone = time_zone_open(call->arena, arena_str(call->arena, name), error);
    *last = name;
    if (*zone == NULL)
        call->error_row = row;
    return *zone != NULL;
}

static bool convert_tz(KernelCall *call, Error *error)
{
    const FormatPlan *const plan = call->data;
    const TimeZone *zones[2] = {plan->from, plan->to};
    Str names[2] = {{NULL, 0}, {NULL, 0}};
    TextWriter writer = text_writer_of(call);
    Buffer buffer = {0};
    bool done = true;
    for (uint32_t i = 0; i < call->row_count && done; i++) {
        const uint32_t row = kernel_row(call, i);
        done = (plan->from != NULL || zone_at(&zones[0], &names[0], call, 1, row, error)) &&
               (plan->to != NULL || zone_at(&zones[1], &names[1], call, 2, row, error));
        if (!done)
            break;
        DateTime point;
        if (!datetime_parse(kernel_str(call, 0, row), &point)) {
            kernel_put_null(call, row);
            continue;
        }
        const int64_t utc = time_zone_to_utc(zones[0], datetime_to_micros(point));
        buffer_clear(&buffer);
        date_pattern_print(plan->pattern, datetime_from_micros(time_zone_to_local(zones[1], utc)),
                           &buffer);
        put_buffer(call, row, &writer, &buffer);
    }
    buffer_deinit(&buffer);
    return done;
}

/* Prepares a literal pattern that argument 1 may be. */
static bool bind_pattern(const FunctionSite *site, BoundFunction *out, Error *error)
{
    FormatPlan *plan = arena_new_one(site->arena, FormatPlan);
    out->data = plan;
    Str text;
    if (site->argument_count < 2 || !bind_literal_text(site, 1, &text))
        return true;
    plan->pattern = date_pattern_compile(site->arena, text, error);
    return plan->pattern != NULL;
}

/* By the signature, with a pattern. */
static bool bind_parse(const ScalarFunction *function, const FunctionSite *site, BoundFunction *out,
                       Error *error)
{
    out->kernel = function->kernel;
    return signature_bind(function->signature, site, function, out) &&
           bind_pattern(site, out, error);
}

static bool bind_from_unixtime(const ScalarFunction *function, const FunctionSite *site,
                               BoundFunction *out, Error *error)
{
    if (!bind_parse(function, site, out, error))
        return false;
    if (site->argument_count < 2) {
        FormatPlan *plan = arena_new_one(site->arena, FormatPlan);
        plan->pattern = default_pattern(site->arena);
        out->data = plan;
    }
    return true;
}

static bool bind_date_format(const ScalarFunction *function, const FunctionSite *site,
                             BoundFunction *out, Error *error)
{
    static const ScalarKernel kernels[] = POINT_TABLE(format);
    if (site->argument_count != 2)
        return false;
    const Type **types = bind_begin(site, function, &type_string, out);
    const PointForm form = point_form_of(types[0]);
    const bool text = type_is_string(types[0]);
    if (!type_is_string(types[1]) || (!text && form == POINT_FORMS))
        return false;
    out->result = &type_string;
    out->kernel = text ? format_text : kernels[form];
    return bind_pattern(site, out, error);
}

static bool bind_convert_tz(const ScalarFunction *function, const FunctionSite *site,
                            BoundFunction *out, Error *error)
{
    if (!signature_bind(function->signature, site, function, out))
        return false;
    FormatPlan *plan = arena_new_one(site->arena, FormatPlan);
    plan->pattern = default_pattern(site->arena);
    const TimeZone **zones[2] = {&plan->from, &plan->to};
    for (uint32_t i = 0; i < 2; i++) {
        Str name;
        if (!bind_literal_text(site, i + 1, &name))
            continue;
        *zones[i] = time_zone_open(site->arena, arena_str(site->arena, name), error);
        if (*zones[i] == NULL)
            return false;
    }
    out->data = plan;
    out->kernel = convert_tz;
    return true;
}

/* A pattern that is computed may be wrong. */
#define PARSES (FUNCTION_NULLABLE_RESULT | FUNCTION_CAN_FAIL)
static const ScalarFunction functions[] = {
    {"DATE_FORMAT", "(TIMEPOINT|STRING, STRING) -> STRING", NULL, bind_date_format, PARSES,
     "temporal", "The point in time as text by a pattern such as 'yyyy-MM-dd HH:mm'."},
    {"TO_TIMESTAMP", "(STRING, STRING?) -> TIMESTAMP(3)", to_timestamp, bind_parse, PARSES,
     "temporal", "Text read as a timestamp, by a pattern if given; NULL if it does not fit."},
    {"TO_DATE", "(STRING, STRING?) -> DATE", to_date, bind_parse, PARSES, "temporal",
     "Text read as a date, by a pattern if given; NULL if it does not fit."},
    {"TO_TIMESTAMP_LTZ", "(BIGINT, INT?) -> TIMESTAMP_LTZ(3)", ltz_of_integer, NULL, PARSES,
     "temporal", "The instant so many seconds (precision 0) or milliseconds (3) after 1970."},
    {"TO_TIMESTAMP_LTZ", "(DOUBLE, INT?) -> TIMESTAMP_LTZ(3)", ltz_of_double, NULL, PARSES,
     "temporal", "The same of a number with a fraction."},
    {"TO_TIMESTAMP_LTZ", "(STRING, STRING?) -> TIMESTAMP_LTZ(3)", to_timestamp_ltz, bind_parse,
     PARSES, "temporal",
     "Text read as a time on the session's clock, by a pattern if given; NULL if it does not "
     "fit."},
    {"FROM_UNIXTIME", "(BIGINT, STRING?) -> STRING", from_unixtime, bind_from_unixtime, PARSES,
     "temporal", "Seconds since 1970 as text on the session's clock, by a pattern if given."},
    {"UNIX_TIMESTAMP", "(STRING, STRING?) -> BIGINT", unix_timestamp, bind_parse, FUNCTION_CAN_FAIL,
     "temporal",
     "Seconds since 1970 of a text on the session's clock; the least BIGINT if it does not fit."},
    {"CONVERT_TZ", "(STRING, STRING, STRING) -> STRING", NULL, bind_convert_tz, PARSES, "temporal",
     "A time of one zone as text of another."},
    {0},
};

extern const FunctionFamily fn_temporal_format;
const FunctionFamily fn_temporal_format = {functions};
