/* Positions in a partition: where equal rows lie, where frames begin and end, how far a change
 * reaches.
 *
 * A row i looks at the changed row p exactly when p lies in the mirrored frame seen the other way:
 * i - 2 PRECEDING reaches p when i lies within p + 2 FOLLOWING. Along dates with months and along
 * floating point that is not exact, so there the reach is a little longer; rows in it that did not
 * change are found out by their values.
 *
 * Cost: a search by position or key, logarithmic; none for a row whose neighbours differ from it.
 */
#include <math.h>

#include "core/datetime.h"
#include "executor/over/over.h"

/* A sort key behind all that start with the order key. */
static Str behind(Over *over, Str order_key)
{
    buffer_clear(&over->bound);
    buffer_append_str(&over->bound, order_key);
    memset(buffer_reserve(&over->bound, OVER_ARRIVAL_BYTES + 1), 0xFF, OVER_ARRIVAL_BYTES + 1);
    over->bound.length += OVER_ARRIVAL_BYTES + 1;
    return (Str){over->bound.data, over->bound.length};
}

uint32_t over_seek_first(const OverSite *site, Str order_key)
{
    return state_tree_position(site->over->rows, site->tree, order_key);
}

uint32_t over_seek_end(const OverSite *site, Str order_key)
{
    return state_tree_position(site->over->rows, site->tree, behind(site->over, order_key));
}

bool over_wants_peers(const PlanOverCall *plan)
{
    if (plan->kind <= WINDOW_NTILE)
        return plan->kind != WINDOW_ROW_NUMBER && plan->kind != WINDOW_NTILE;
    const PlanFrame *frame = &plan->frame;
    return plan->kind > WINDOW_LEAD && !frame->by_rows &&
           (frame->start.kind == PLAN_BOUND_CURRENT_ROW ||
            frame->end.kind == PLAN_BOUND_CURRENT_ROW);
}

void over_find_peers(const OverSite *site, OverRow *row, const OverRow *known,
                     const StateCursor *cursor)
{
    const Over *over = site->over;
    if (!over->wants_peers)
        return;
    if (known != NULL && known->position + 1 == row->position && row->position < known->peers_end) {
        row->peers_start = known->peers_start;
        row->peers_end = known->peers_end;
        return;
    }
    if (over->plan->order_count == 0) {
        row->peers_start = 0;
        row->peers_end = site->rows;
        return;
    }
    Str key = over_order_key(over, row->record);
    bool first = row->previous == NULL || !over_are_peers(over, row->previous, row->record);
    row->peers_start = first ? row->position : over_seek_first(site, key);
    const void *next =
        cursor == NULL ? state_tree_at(site->tree, row->position + 1) : state_cursor_peek(cursor);
    bool last = next == NULL || !over_are_peers(over, next, row->record);
    row->peers_end = last ? row->position + 1 : over_seek_end(site, key);
}

/* ---------------------------------------------------------- values at a distance */

typedef enum Moved { MOVED, MOVED_TOO_LOW, MOVED_TOO_HIGH } Moved;

static Moved move_within(int128_t value, int128_t by, int128_t least, int128_t most, int128_t *out)
{
    if (by > 0 && value > most - by)
        return MOVED_TOO_HIGH;
    if (by < 0 && value < least - by)
        return MOVED_TOO_LOW;
    *out = value + by;
    return MOVED;
}

static int32_t floor_days(int64_t time, int64_t day)
{
    int64_t days = time / day;
    return (int32_t)(time % day < 0 ? days - 1 : days);
}

static int64_t shift_months(int64_t time, int64_t day, int32_t months, int32_t slack)
{
    int32_t days = floor_days(time, day);
    int64_t rest = time - days * day;
    return ((int64_t)date_add_months(days, months) + slack) * day + rest;
}

/* Units of the ordered column in a millisecond, and in a day. */
static int64_t units_of_ms(const Type *type)
{
    if (!type_is_timestamp(type))
        return 1;
    return type->physical == PHYSICAL_I64 ? 1000 : 1000000;
}

static int128_t read_number(const Vector *vector)
{
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        return *(const int8_t *)vector->data;
    case PHYSICAL_I16:
        return *(const int16_t *)vector->data;
    case PHYSICAL_I32:
        return *(const int32_t *)vector->data;
    case PHYSICAL_I64:
        return *(const int64_t *)vector->data;
    default: {
        int128_t value;
        memcpy(&value, vector->data, sizeof(value));
        return value;
    }
    }
}

static void write_number(Vector *vector, int128_t value)
{
    switch (vector->type->physical) {
    case PHYSICAL_I8:
        *(int8_t *)vector->data = (int8_t)value;
        break;
    case PHYSICAL_I16:
        *(int16_t *)vector->data = (int16_t)value;
        break;
    case PHYSICAL_I32:
        *(int32_t *)vector->data = (int32_t)value;
        break;
    case PHYSICAL_I64:
        *(int64_t *)vector->data = (int64_t)value;
        break;
    default:
        memcpy(vector->data, &value, sizeof(value));
    }
}

/* Years far beyond 0001 to 9999. */
#define MONTHS_FAR 200000

/* Which way a bound is moved and rounded. */
typedef struct Direction {
    bool upwards;  /* along the values */
    bool round_up; /* what cannot be said exactly */
    int slack;     /* -1, 1: where going back is not exact, further down, up; 0: exactly */
} Direction;

static Moved move_months(Vector *value, int64_t months, int32_t slack)
{
    const Type *type = value->type;
    if (months > MONTHS_FAR)
        return MOVED_TOO_HIGH;
    if (months < -MONTHS_FAR)
        return MOVED_TOO_LOW;
    int128_t time = read_number(value);
    if (type->kind == TYPE_DATE) {
        write_number(value, date_add_months((int32_t)time, (int32_t)months) + slack);
        return MOVED;
    }
    int64_t day = 86400000 * units_of_ms(type);
    if (type->physical == PHYSICAL_I64) {
        write_number(value, shift_months((int64_t)time, day, (int32_t)months, slack));
        return MOVED;
    }
    int128_t days = time / day - (time % day < 0);
    int128_t rest = time - days * day;
    write_number(value,
                 ((int128_t)date_add_months((int32_t)days, (int32_t)months) + slack) * day + rest);
    return MOVED;
}

static void write_float(Vector *value, double to, bool round_up)
{
    if (value->type->physical == PHYSICAL_F64) {
        *(double *)value->data = to;
        return;
    }
    float rounded = (float)to;
    if (round_up && (double)rounded < to)
        rounded = nextafterf(rounded, INFINITY);
    if (!round_up && (double)rounded > to)
        rounded = nextafterf(rounded, -INFINITY);
    *(float *)value->data = rounded;
}

static void move_float(Vector *value, double by, const Direction *direction)
{
    bool is_single = value->type->physical == PHYSICAL_F32;
    double from = is_single ? (double)*(const float *)value->data : *(const double *)value->data;
    double to = direction->upwards ? from + by : from - by;
    double wider = (fabs(from) + fabs(by)) * 1e-6 * direction->slack;
    write_float(value, isfinite(wider) ? to + wider : to, direction->round_up);
}

static int128_t number_limit(const Type *type, bool most)
{
    int128_t one = 1;
    uint32_t bits = 8 * (uint32_t)physical_size(type->physical);
    int128_t high = bits == 128 ? (int128_t)(~(uint128_t)0 >> 1) : (one << (bits - 1)) - 1;
    return most ? high : -high - 1;
}

/* Days a date may be away from where it was after months forth and back. */
#define MONTHS_SLACK 4

static Moved move_value(Vector *value, const Vector *distance, const Direction *direction)
{
    const Type *type = value->type;
    if (type->kind == TYPE_FLOAT || type->kind == TYPE_DOUBLE) {
        move_float(value, *(const double *)distance->data, direction);
        return MOVED;
    }
    if (distance->type->kind == TYPE_INTERVAL_MONTH) {
        int64_t months = *(const int32_t *)distance->data;
        return move_months(value, direction->upwards ? months : -months,
                           direction->slack * MONTHS_SLACK);
    }
    int128_t by = read_number(distance);
    if (distance->type->kind == TYPE_INTERVAL_SECOND)
        by = type->kind == TYPE_DATE ? by / 86400000 : by * units_of_ms(type);
    int128_t to;
    Moved moved = move_within(read_number(value), direction->upwards ? by : -by,
                              number_limit(type, false), number_limit(type, true), &to);
    if (moved == MOVED)
        write_number(value, to);
    return moved;
}

/* --------------------------------------------------------------------- RANGE */

/* Positions of the rows whose ordered column has a value: NULLs lie before or behind them. */
static uint32_t values_first(const OverSite *site)
{
    return over_seek_first(site, STR("\x01"));
}

static uint32_t values_end(const OverSite *site)
{
    return over_seek_first(site, STR("\x02"));
}

static bool is_nan(const Vector *value)
{
    if (value->type->physical == PHYSICAL_F32)
        return isnan(*(const float *)value->data);
    return value->type->physical == PHYSICAL_F64 && isnan(*(const double *)value->data);
}

/* Where the bound at a distance lies. NULL and NaN are at no distance from anything: their frame
 * ends with their equals. */
static uint32_t range_bound(const OverSite *site, const PlanFrameBound *bound, Str order_key,
                            bool is_end, bool slack)
{
    Over *over = site->over;
    const PlanSortKey *key = &over->plan->order[0];
    SortOrder order = {key->descending, key->nulls_last};
    Str bytes = order_key;
    sort_key_read(&bytes, order, &over->order_value, 0, over->scratch);
    if (vector_is_null(&over->order_value, 0) || is_nan(&over->order_value))
        return is_end ? over_seek_end(site, order_key) : over_seek_first(site, order_key);
    Direction direction = {.upwards = (bound->kind == PLAN_BOUND_FOLLOWING) != key->descending,
                           .round_up = is_end == key->descending,
                           .slack = !slack                      ? 0
                                    : is_end != key->descending ? 1
                                                                : -1};
    if (move_value(&over->order_value, bound->distance, &direction) != MOVED)
        return bound->kind == PLAN_BOUND_FOLLOWING ? values_end(site) : values_first(site);
    buffer_clear(&over->key);
    sort_key_append(&over->key, &over->order_value, 0, order);
    Str moved_key = {over->key.data, over->key.length};
    return is_end ? over_seek_end(site, moved_key) : over_seek_first(site, moved_key);
}

static uint32_t range_first(const OverSite *site, const PlanFrameBound *bound, Str order_key,
                            bool slack)
{
    switch (bound->kind) {
    case PLAN_BOUND_UNBOUNDED_PRECEDING:
        return 0;
    case PLAN_BOUND_CURRENT_ROW:
        return over_seek_first(site, order_key);
    case PLAN_BOUND_UNBOUNDED_FOLLOWING:
        return site->rows;
    default:
        return range_bound(site, bound, order_key, false, slack);
    }
}

static uint32_t range_end(const OverSite *site, const PlanFrameBound *bound, Str order_key,
                          bool slack)
{
    switch (bound->kind) {
    case PLAN_BOUND_UNBOUNDED_PRECEDING:
        return 0;
    case PLAN_BOUND_CURRENT_ROW:
        return over_seek_end(site, order_key);
    case PLAN_BOUND_UNBOUNDED_FOLLOWING:
        return site->rows;
    default:
        return range_bound(site, bound, order_key, true, slack);
    }
}

OverReach over_frame(const OverSite *site, const PlanFrame *frame, const OverRow *row)
{
    OverReach reach;
    if (frame->by_rows) {
        int64_t position = row->position;
        reach.first = over_clip(position + over_row_offset(&frame->start), site->rows);
        reach.end = over_clip(position + over_row_offset(&frame->end) + 1, site->rows);
    } else {
        Str key = over_order_key(site->over, row->record);
        reach.first = frame->start.kind == PLAN_BOUND_CURRENT_ROW
                          ? row->peers_start
                          : range_first(site, &frame->start, key, false);
        reach.end = frame->end.kind == PLAN_BOUND_CURRENT_ROW
                        ? row->peers_end
                        : range_end(site, &frame->end, key, false);
    }
    if (reach.end < reach.first)
        reach.end = reach.first;
    return reach;
}

static PlanFrameBound mirrored(const PlanFrameBound *bound)
{
    PlanFrameBound mirror = *bound;
    mirror.kind = (PlanBoundKind)(PLAN_BOUND_UNBOUNDED_FOLLOWING - bound->kind);
    return mirror;
}

uint32_t over_range_first(const OverSite *site, const PlanFrameBound *bound, Str order_key)
{
    PlanFrameBound mirror = mirrored(bound);
    return range_first(site, &mirror, order_key, true);
}

uint32_t over_range_end(const OverSite *site, const PlanFrameBound *bound, Str order_key)
{
    PlanFrameBound mirror = mirrored(bound);
    return range_end(site, &mirror, order_key, true);
}

OverReach over_frame_reach(const OverSite *site, const PlanFrame *frame)
{
    OverReach reach;
    if (!frame->by_rows) {
        reach.first = over_range_first(site, &frame->end, site->order_key);
        reach.end = over_range_end(site, &frame->start, site->order_key);
        return reach;
    }
    int64_t start = over_row_offset(&frame->start);
    int64_t end = over_row_offset(&frame->end);
    int64_t position = site->position;
    reach.first = over_clip(position - (end > 0 ? end : 0), site->rows);
    reach.end =
        over_clip(position + (start < 0 ? -start : 0) + (site->is_there ? 1 : 0), site->rows);
    return reach;
}
