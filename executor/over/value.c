/* The value of a call for a row, which rows' values a change can reach, and results in records.
 *
 * Ranks come from positions, or from the row before: rows are looked at in order, so that one has
 * its new rank already. LAG, LEAD and the picks decode the row they mean. Cost: a few searches a
 * row, with IGNORE NULLS one for each row that counts on the way; NTH_VALUE that passes over rows
 * looks at all of them. */
#include "executor/over/over.h"

/* ------------------------------------------------------------------- results */

static bool result_is_null(const OverCall *call, const void *record)
{
    return (*(const uint64_t *)record >> call->number & 1) != 0;
}

Str over_result_text(Over *over, const OverCall *call, const Vector *results, uint32_t row)
{
    if (call->nested == NULL)
        return vector_str(results, row);
    buffer_clear(&over->nested);
    row_encode_one(call->nested, &results, row, &over->nested);
    return (Str){over->nested.data, over->nested.length};
}

bool over_result_differs(Over *over, const OverCall *call, const void *record)
{
    bool is_null = vector_is_null(&call->value, 0);
    if (is_null != result_is_null(call, record))
        return true;
    if (is_null)
        return false;
    const uint8_t *stored = (const uint8_t *)record + call->result_offset;
    if (call->result_is_text)
        return !over_keys_equal(over_result_text(over, call, &call->value, 0),
                                string_view_str((const StringView *)(const void *)stored));
    return memcmp(call->value.data, stored, call->result_bytes) != 0;
}

void over_result_store(Over *over, const OverCall *call, void *record)
{
    uint64_t bit = UINT64_C(1) << call->number;
    uint64_t *nulls = record;
    bool is_null = vector_is_null(&call->value, 0);
    uint8_t *stored = (uint8_t *)record + call->result_offset;
    *nulls = is_null ? *nulls | bit : *nulls & ~bit;
    if (call->result_is_text)
        state_string_assign(over->rows, (StringView *)(void *)stored,
                            is_null ? (Str){"", 0} : over_result_text(over, call, &call->value, 0));
    else if (!is_null)
        memcpy(stored, call->value.data, call->result_bytes);
    state_touch(over->rows, record);
}

void over_result_read(const OverCall *call, const void *record, Vector *to, uint32_t row,
                      Arena *arena)
{
    const uint8_t *stored = (const uint8_t *)record + call->result_offset;
    if (result_is_null(call, record))
        vector_set_null(to, row, arena);
    else if (call->nested != NULL)
        row_decode(call->nested, string_view_str((const StringView *)(const void *)stored), &to,
                   row, arena, false);
    else if (call->result_is_text)
        vector_set_str(to, row, string_view_str((const StringView *)(const void *)stored), arena);
    else
        memcpy((uint8_t *)to->data + (size_t)row * call->result_bytes, stored, call->result_bytes);
}

static int64_t stored_number(const OverCall *call, const void *record)
{
    int64_t number;
    memcpy(&number, (const uint8_t *)record + call->result_offset, sizeof(number));
    return number;
}

/* -------------------------------------------------------------------- places */

static void set_number(OverCall *call, int64_t number)
{
    vector_set_valid(&call->value, 0);
    if (call->value.type->physical == PHYSICAL_I32)
        *(int32_t *)call->value.data = (int32_t)number;
    else
        *(int64_t *)call->value.data = number;
}

static void set_ratio(OverCall *call, double ratio)
{
    vector_set_valid(&call->value, 0);
    *(double *)call->value.data = ratio;
}

/* The first rows % groups groups have a row more. */
static int64_t tile_of(int64_t position, int64_t rows, int64_t groups)
{
    int64_t size = rows / groups;
    int64_t longer = rows % groups;
    int64_t in_longer = longer * (size + 1);
    if (position < in_longer)
        return position / (size + 1) + 1;
    return longer + (position - in_longer) / size + 1;
}

/* With a row more or less each group begins where it did, or one row further on or back, counted
 * among the rows that stay: so only the first row of a group or the last can change. */
uint32_t over_tile_edge(const OverSite *site, const OverCall *call, uint32_t position)
{
    int64_t groups = call->plan->number, size = site->rows / groups, longer = site->rows % groups;
    if (size == 0)
        return position;
    int64_t tile = tile_of(position, site->rows, groups) - 1;
    int64_t next = tile + 1, begins = tile * size + (tile < longer ? tile : longer);
    if (tile != 0 && position == begins)
        return position;
    return next == groups ? site->rows
                          : (uint32_t)(next * size + (next < longer ? next : longer)) - 1;
}

static bool is_first_of_peers(const OverRow *row)
{
    return row->position == row->peers_start;
}

static void place_value(const OverSite *site, OverCall *call, const OverRow *row)
{
    double others = (double)site->rows - 1;
    switch (call->plan->kind) {
    case WINDOW_ROW_NUMBER:
        set_number(call, (int64_t)row->position + 1);
        break;
    case WINDOW_RANK:
        set_number(call, (int64_t)row->peers_start + 1);
        break;
    case WINDOW_DENSE_RANK:
        set_number(call, row->previous == NULL
                             ? 1
                             : stored_number(call, row->previous) + is_first_of_peers(row));
        break;
    case WINDOW_PERCENT_RANK:
        set_ratio(call, others == 0 ? 0 : (double)row->peers_start / others);
        break;
    case WINDOW_CUME_DIST:
        set_ratio(call, (double)row->peers_end / (double)site->rows);
        break;
    default:
        set_number(call, tile_of(row->position, site->rows, call->plan->number));
    }
}

/* ---------------------------------------------------------------- other rows */

/* The argument of a row, to call->value. */
static void take_argument(const Over *over, OverCall *call, const void *record, uint32_t argument)
{
    over_decode(over, call, record);
    vector_set_valid(&call->value, 0);
    vector_copy_value(&call->value, 0, call->args[argument], 0, over->made, true);
}

/* Whether the row's value counts where NULLs are passed over. */
static bool counts(const Over *over, const OverCall *call, const void *record)
{
    return over_decode(over, call, record) &&
           !(call->plan->ignore_nulls && vector_is_null(call->args[0], 0));
}

/* Rows that are looked at one by one before the tree is asked where one counts. */
#define STEPS_MAX 16

/* The first row that counts from one end of some on; with `back` the last. */
static void *find_counting(const OverSite *site, const OverCall *call, OverReach rows, bool back,
                           uint32_t *position)
{
    if (rows.first >= rows.end)
        return NULL;
    StateCursor cursor;
    uint32_t at = back ? rows.end - 1 : rows.first;
    void *record = state_cursor_at(site->tree, at, &cursor);
    for (uint32_t step = 0; step < STEPS_MAX; step++) {
        *position = at;
        if (counts(site->over, call, record))
            return record;
        if (at == (back ? rows.first : rows.end - 1))
            return NULL;
        at = back ? at - 1 : at + 1;
        record = back ? state_cursor_previous(&cursor) : state_cursor_next(&cursor);
    }
    OverReach others = back ? (OverReach){rows.first, at + 1} : (OverReach){at, rows.end};
    record = over_choose_outer(site, call, others);
    if (record != NULL)
        *position = state_tree_position(site->over->rows, site->tree,
                                        state_tree_sort_key(site->over->rows, record));
    return record;
}

/* The row `number` rows away that counts, or NULL. */
static void *find_shifted(const OverSite *site, const OverCall *call, const OverRow *row)
{
    int64_t number = call->plan->number;
    bool back = call->plan->kind == WINDOW_LAG;
    if (!call->plan->ignore_nulls || number == 0) {
        int64_t position = (int64_t)row->position + (back ? -number : number);
        return position < 0 || position >= site->rows
                   ? NULL
                   : state_tree_at(site->tree, (uint32_t)position);
    }
    void *record = NULL;
    for (uint32_t at = row->position; number > 0; number--) {
        OverReach rows = back ? (OverReach){0, at} : (OverReach){at + 1, site->rows};
        record = find_counting(site, call, rows, back, &at);
        if (record == NULL)
            return NULL;
    }
    return record;
}

static void shifted_value(const OverSite *site, OverCall *call, const OverRow *row)
{
    void *record = find_shifted(site, call, row);
    if (record != NULL)
        take_argument(site->over, call, record, 0);
    else if (call->plan->argument_count > 1)
        take_argument(site->over, call, row->record, 1);
    else
        vector_set_null(&call->value, 0, site->over->made);
}

/* NTH_VALUE that passes over rows. */
static void *find_nth(const OverSite *site, const OverCall *call, OverReach frame)
{
    int64_t number = call->plan->number;
    StateCursor cursor;
    void *record = state_cursor_at(site->tree, frame.first, &cursor);
    for (uint32_t left = frame.end - frame.first; left > 0; left--) {
        number -= counts(site->over, call, record);
        if (number == 0)
            return record;
        record = state_cursor_next(&cursor);
    }
    return NULL;
}

/* FIRST_VALUE, LAST_VALUE, NTH_VALUE: the row of the frame that counts. */
static void picked_value(const OverSite *site, OverCall *call, const OverRow *row)
{
    Over *over = site->over;
    OverReach frame = over_frame(site, &call->plan->frame, row);
    bool back = call->plan->kind == WINDOW_LAST_VALUE;
    bool is_nth = call->plan->kind == WINDOW_NTH_VALUE;
    int64_t number = is_nth ? call->plan->number : 1;
    bool skips = call->plan->ignore_nulls || call->filter != NULL;
    void *found = NULL;
    uint32_t position;
    if (!skips && number <= frame.end - frame.first)
        found =
            state_tree_at(site->tree, back ? frame.end - 1 : frame.first + (uint32_t)(number - 1));
    else if (skips && is_nth)
        found = find_nth(site, call, frame);
    else if (skips)
        found = find_counting(site, call, frame, back, &position);
    if (found != NULL)
        take_argument(over, call, found, 0);
    else
        vector_set_null(&call->value, 0, over->made);
}

bool over_value(OverSite *site, OverCall *call, const OverRow *row, Error *error)
{
    if (call->nested != NULL)
        vector_init(&call->value, call->plan->type, 1, site->over->made);
    if (call->plan->fold != PLAN_FOLD_NONE)
        return over_fold_value(site, call, row, error);
    if (call->plan->kind <= WINDOW_NTILE)
        place_value(site, call, row);
    else if (call->plan->kind <= WINDOW_LEAD)
        shifted_value(site, call, row);
    else
        picked_value(site, call, row);
    return true;
}

/* --------------------------------------------------------------------- reach */

static bool has_peers(const OverSite *site)
{
    uint32_t equal = over_seek_end(site, site->order_key) - over_seek_first(site, site->order_key);
    return equal > (site->is_there ? 1 : 0);
}

static OverReach place_reach(const OverSite *site, const OverCall *call)
{
    OverReach behind = {site->position + (site->is_there ? 1 : 0), site->rows};
    switch (call->plan->kind) {
    case WINDOW_ROW_NUMBER:
        return behind;
    case WINDOW_RANK:
        return (OverReach){over_seek_end(site, site->order_key), site->rows};
    case WINDOW_DENSE_RANK:
        return has_peers(site) ? (OverReach){0, 0} : behind;
    default:
        return (OverReach){0, site->rows};
    }
}

/* Decodes the arguments of the changed row, wherever it is. */
static bool changed_counts(const OverSite *site, const OverCall *call)
{
    over_decode_row(site->over, call, site->row);
    return !vector_is_null(call->args[0], 0);
}

/* LAG and LEAD that pass over NULLs look past the changed row until enough others count. */
static OverReach skipping_reach(const OverSite *site, const OverCall *call)
{
    uint32_t position = site->position;
    if (!changed_counts(site, call) || call->plan->number == 0)
        return (OverReach){0, 0};
    bool back = call->plan->kind == WINDOW_LAG;
    uint32_t behind = position + (site->is_there ? 1 : 0);
    int64_t number = call->plan->number;
    StateCursor cursor;
    uint32_t reached = back ? behind : position;
    void *record = NULL;
    if (back ? reached < site->rows : reached > 0)
        record = state_cursor_at(site->tree, back ? reached : reached - 1, &cursor);
    while (record != NULL && number > 0) {
        number -= counts(site->over, call, record);
        reached = back ? reached + 1 : reached - 1;
        record = back ? state_cursor_next(&cursor) : state_cursor_previous(&cursor);
    }
    return back ? (OverReach){behind, reached} : (OverReach){reached, position};
}

static OverReach shift_reach(const OverSite *site, const OverCall *call)
{
    if (call->plan->ignore_nulls)
        return skipping_reach(site, call);
    int64_t number = call->plan->number < OVER_FAR ? call->plan->number : OVER_FAR;
    int64_t position = site->position;
    int64_t behind = position + (site->is_there ? 1 : 0);
    if (call->plan->kind == WINDOW_LAG)
        return (OverReach){(uint32_t)behind, over_clip(behind + number, site->rows)};
    return (OverReach){over_clip(position - number, site->rows), (uint32_t)position};
}

static Str key_at(const OverSite *site, int64_t position)
{
    return over_order_key(site->over, state_tree_at(site->tree, (uint32_t)position));
}

/* Months and floating point: the way back is found with slack, which here goes the other way. */
static bool is_inexact(const PlanFrameBound *bound)
{
    return bound->distance != NULL && (bound->distance->type->kind == TYPE_INTERVAL_MONTH ||
                                       bound->distance->type->kind == TYPE_DOUBLE);
}

/* Folds changed up to row `last`: rows whose frame ends behind it have the value they had. Frames
 * that would end behind the partition end with its last row, so all of them have the fold of that
 * row, however far they look. */
static OverReach forward_reach(const OverSite *site, const PlanFrame *frame, int64_t last)
{
    int64_t position = site->position, rows = site->rows;
    if (frame->end.kind == PLAN_BOUND_UNBOUNDED_FOLLOWING)
        return (OverReach){0, last + 1 >= rows ? site->rows : 0};
    if (frame->by_rows) {
        int64_t end = over_row_offset(&frame->end);
        int64_t moved = position + (end < 0 ? -end : 0) + 1;
        int64_t changed = last + 1 >= rows ? rows : last + 1 - end;
        return (OverReach){over_clip(position - (end > 0 ? end : 0), site->rows),
                           over_clip(moved > changed ? moved : changed, site->rows)};
    }
    OverReach reach = {over_range_first(site, &frame->end, site->order_key), site->rows};
    if (last + 1 < rows) {
        Str key = key_at(site, last + 1);
        reach.end = is_inexact(&frame->end) ? over_range_end(site, &frame->end, key)
                                            : over_range_first(site, &frame->end, key);
    }
    return reach;
}

/* The same from the other end: frames that would start before the partition start with its first
 * row. */
static OverReach backward_reach(const OverSite *site, const PlanFrame *frame, int64_t last)
{
    int64_t position = site->position;
    int64_t behind = position + (site->is_there ? 1 : 0);
    if (frame->by_rows) {
        int64_t start = over_row_offset(&frame->start);
        int64_t moved = position - (start > 0 ? start : 0);
        int64_t changed = last <= 0 ? 0 : last - start;
        return (OverReach){over_clip(moved < changed ? moved : changed, site->rows),
                           over_clip(behind + (start < 0 ? -start : 0), site->rows)};
    }
    OverReach reach = {0, over_range_end(site, &frame->start, site->order_key)};
    if (last > 0) {
        Str key = key_at(site, last - 1);
        reach.first = is_inexact(&frame->start) ? over_range_first(site, &frame->start, key)
                                                : over_range_end(site, &frame->start, key);
    }
    return reach;
}

/* Whether NTH_VALUE has its row before the changed one in every frame that has the changed row, or
 * gets or loses one by it. */
static bool is_found_before(const OverSite *site, const OverCall *call)
{
    const PlanFrame *frame = &call->plan->frame;
    if (frame->start.kind != PLAN_BOUND_UNBOUNDED_PRECEDING || call->plan->ignore_nulls ||
        call->filter != NULL)
        return false;
    int64_t end = frame->by_rows ? over_row_offset(&frame->end) : 0;
    return site->position + (end < 0 ? end : 0) >= call->plan->number;
}

/* RANGE frames are the same rows whatever comes or goes, and an aggregate that slides, MIN and MAX
 * see nothing of a row that their filter keeps out or whose value is NULL. */
static bool is_unseen(const OverSite *site, const OverCall *call)
{
    const PlanOverCall *plan = call->plan;
    bool chooses =
        call->choice.kind == OVER_CHOICE_LEAST || call->choice.kind == OVER_CHOICE_GREATEST;
    if (plan->frame.by_rows || (plan->fold != PLAN_FOLD_SLIDE && !chooses) ||
        (plan->filter < 0 && plan->argument_count == 0))
        return false;
    bool passes = over_decode_row(site->over, call, site->row);
    return !passes || (plan->argument_count == 1 && vector_is_null(call->args[0], 0));
}

OverReach over_reach(const OverSite *site, const OverCall *call, int64_t last)
{
    const PlanOverCall *plan = call->plan;
    if (plan->kind == WINDOW_AGGREGATE && is_unseen(site, call))
        return (OverReach){0, 0};
    if (plan->fold == PLAN_FOLD_FORWARD)
        return forward_reach(site, &plan->frame, last);
    if (plan->fold == PLAN_FOLD_BACKWARD)
        return backward_reach(site, &plan->frame, last);
    if (plan->kind <= WINDOW_NTILE)
        return place_reach(site, call);
    if (plan->kind <= WINDOW_LEAD)
        return shift_reach(site, call);
    if (plan->kind == WINDOW_NTH_VALUE && is_found_before(site, call))
        return (OverReach){0, 0};
    return over_frame_reach(site, &plan->frame);
}
