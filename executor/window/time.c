/* Windows on the clock. */
#include "executor/window/time.h"

/* No two changes of a zone's clock come closer than this. */
#define CLOCK_CHANGE_US MICROS_PER_DAY
/* Beyond these the calendar ends, and with it the zone's rules. */
#define TIME_LEAST_US (-INT64_C(62135596800) * MICROS_PER_SECOND + MICROS_PER_DAY)
#define TIME_MOST_US  (INT64_C(253402300799) * MICROS_PER_SECOND - 2 * MICROS_PER_DAY)

/* The first instant in (from, to] whose offset is that of `to`. */
static int64_t find_change(const TimeZone *zone, int64_t from, int64_t to)
{
    int64_t offset = time_zone_to_local(zone, to) - to;
    while (to - from > 1) {
        int64_t middle = from + (to - from) / 2;
        if (time_zone_to_local(zone, middle) - middle == offset)
            to = middle;
        else
            from = middle;
    }
    return to;
}

int64_t window_progress(const TimeZone *zone, int64_t watermark_us)
{
    if (zone == NULL || watermark_us < TIME_LEAST_US || watermark_us > TIME_MOST_US)
        return watermark_us;
    int64_t local = time_zone_to_local(zone, watermark_us);
    int64_t offset = local - watermark_us;
    int64_t later = watermark_us + CLOCK_CHANGE_US;
    int64_t later_offset = time_zone_to_local(zone, later) - later;
    int64_t again = local - later_offset;
    if (later_offset >= offset || time_zone_to_local(zone, again) != local)
        return local;
    /* The local time comes once more: nothing from where the clock will go back to is over. */
    return find_change(zone, watermark_us, again) + later_offset - 1;
}

static int64_t greatest_divisor(int64_t a, int64_t b)
{
    while (b != 0) {
        int64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

WindowShape window_shape(const PlanWindow *window)
{
    WindowShape shape = {.kind = window->kind,
                         .size_us = window->size_us,
                         .slide_us = window->slide_us,
                         .offset_us = window->offset_us};
    if (window->kind == PLAN_WINDOW_TUMBLE)
        shape.slide_us = shape.slice_us = window->size_us;
    else if (window->kind == PLAN_WINDOW_HOP)
        shape.slice_us = greatest_divisor(window->size_us, window->slide_us);
    else if (window->kind == PLAN_WINDOW_CUMULATE)
        shape.slice_us = window->slide_us;
    return shape;
}

/* time - result is a multiple of step from `offset` on; 0 <= result < step. */
static int64_t past_multiple(int64_t time, int64_t offset, int64_t step)
{
    int64_t past = (time - offset) % step;
    return past < 0 ? past + step : past;
}

bool window_ends(const WindowShape *shape, int64_t end, int64_t *first, int64_t *last)
{
    *first = *last = end;
    if (shape->kind == PLAN_WINDOW_HOP) {
        int64_t past = past_multiple(end, shape->offset_us + shape->size_us, shape->slide_us);
        *first += past == 0 ? 0 : shape->slide_us - past;
        int64_t limit = end - shape->slice_us + shape->size_us;
        *last = limit - past_multiple(limit, shape->offset_us + shape->size_us, shape->slide_us);
    } else if (shape->kind == PLAN_WINDOW_CUMULATE) {
        *last = end - shape->slice_us + shape->size_us -
                past_multiple(end - shape->slice_us, shape->offset_us, shape->size_us);
    }
    return *first <= *last;
}

int64_t window_next(const WindowShape *shape, int64_t end)
{
    return end + shape->slide_us;
}

int64_t window_start(const WindowShape *shape, int64_t end)
{
    if (shape->kind != PLAN_WINDOW_CUMULATE)
        return end - shape->size_us;
    int64_t slice = end - shape->slice_us;
    return slice - past_multiple(slice, shape->offset_us, shape->size_us);
}

void window_slice_ends(const WindowShape *shape, const int64_t *times, uint32_t count,
                       int64_t *ends)
{
    int64_t end = INT64_MIN, start = INT64_MAX;
    for (uint32_t i = 0; i < count; i++) {
        if (times[i] < start || times[i] >= end) {
            end = window_slice_end(shape, times[i]);
            start = end - shape->slice_us;
        }
        ends[i] = end;
    }
}

void window_read_clock(const PlanWindow *window, const Vector *column, uint32_t count, int64_t *out)
{
    const int64_t *values = column->data;
    if (!column->constant)
        memcpy(out, values, sizeof(int64_t) * count);
    for (uint32_t i = 0; column->constant && i < count; i++)
        out[i] = values[0];
    bool is_local = window->kind == PLAN_WINDOW_ATTACHED || window->zone == NULL;
    for (uint32_t i = 0; !is_local && i < count; i++)
        if (!vector_is_null(column, i))
            out[i] = time_zone_to_local(window->zone, out[i]);
}
