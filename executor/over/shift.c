/* A row that comes in between others, or goes, where all calls slide over a few rows to each side.
 *
 * Every frame of ROWS that has the changed row in it is moved by one row by it: the changed row
 * comes and the one at the frame's far end leaves, or the other way. What rows are added and taken
 * away does not depend on the folds around, so many rows are done at once, column by column, in
 * place: the changed row added to all their folds, the rows that leave them decoded together and
 * taken away, the results read into a vector and compared with those that were shown.
 *
 * Invariant: what is left behind, records and changelog, is what update_row would leave, row by
 * row (op_over.c).
 * Cost: two walks along the rows; no call of a function is for one row alone but giving it. */
#include "executor/over/over.h"
#include "executor/vector_rows.h"

/* Rows side by side that have the changed one in a frame, all before it or all behind it. */
typedef struct Rows {
    uint32_t first, count;
    void *records[OVER_RUN];
    uint64_t changed[OVER_RUN]; /* bit c: result c */
} Rows;

/* ----------------------------------------------------------------- which calls */

static bool can_shift(const PlanOverCall *plan)
{
    return plan->fold == PLAN_FOLD_SLIDE && plan->frame.by_rows &&
           plan->frame.start.kind <= PLAN_BOUND_CURRENT_ROW &&
           plan->frame.end.kind >= PLAN_BOUND_CURRENT_ROW && plan->type->physical < PHYSICAL_STRING;
}

void over_shift_open(Over *over)
{
    over->shifts = !over->plan->final_only;
    for (uint32_t i = 0; i < over->call_count; i++)
        over->shifts = over->shifts && can_shift(over->calls[i].plan);
}

/* ----------------------------------------------------------------------- folds */

static bool update_folds(Over *over, const OverCall *call, AggregateUpdate *update, bool retracts,
                         Error *error)
{
    uint8_t kinds[OVER_RUN];
    memset(kinds, CHANGE_DELETE, update->row_count);
    update->kinds = retracts ? kinds : NULL;
    update->memory = &over->memory.memory;
    update->arena = over->made;
    update->data = call->plan->aggregate.data;
    return call->plan->aggregate.update(update, error);
}

/* The changed row comes into all of the folds, or leaves them. */
static bool apply_changed(const OverSite *site, const OverCall *call, uint8_t *const *folds,
                          uint32_t count, Error *error)
{
    Over *over = site->over;
    if (!over_decode_row(over, call, site->row))
        return true;
    uint32_t arguments = call->plan->argument_count;
    const Vector **args = arena_new_array(over->made, const Vector *, arguments + 1);
    for (uint32_t a = 0; a < arguments; a++) {
        Vector *same = arena_new_one(over->made, Vector);
        *same = *call->args[a];
        same->constant = true;
        args[a] = same;
    }
    AggregateUpdate update = {.args = args, .row_count = count, .states = folds};
    return update_folds(over, call, &update, !site->is_there, error);
}

/* Rows from a position on leave one fold each, or come into it. */
static bool apply_others(const OverSite *site, const OverCall *call, uint32_t position,
                         uint8_t *const *folds, uint32_t count, Error *error)
{
    Over *over = site->over;
    Str rows[OVER_RUN];
    uint8_t active[OVER_RUN];
    StateCursor cursor;
    const void *record = state_cursor_at(site->tree, position, &cursor);
    for (uint32_t i = 0; i < count; i++) {
        rows[i] = state_tree_payload(over->rows, record);
        record = state_cursor_next(&cursor);
    }
    const Vector **args = over_decode_many(over, call, rows, count, over->made, active);
    AggregateUpdate update = {.args = args,
                              .row_count = count,
                              .states = folds,
                              .active = call->plan->filter < 0 ? NULL : active};
    return update_folds(over, call, &update, site->is_there, error);
}

/* Where the row stands that leaves the first row's frame for the changed one, or comes for it. */
static int64_t other_of(const OverSite *site, const OverCall *call, uint32_t first)
{
    int64_t there = site->is_there ? 1 : 0;
    return first < site->position ? first + over_row_offset(&call->plan->frame.end) + there
                                  : first + over_row_offset(&call->plan->frame.start) - there;
}

static bool shift_folds(const OverSite *site, const OverCall *call, uint32_t first,
                        uint8_t *const *folds, uint32_t count, Error *error)
{
    if (!apply_changed(site, call, folds, count, error))
        return false;
    int64_t other = other_of(site, call, first), end = other + count;
    int64_t from = other < 0 ? 0 : other;
    end = end < site->rows ? end : site->rows;
    if (from >= end)
        return true;
    return apply_others(site, call, (uint32_t)from, folds + (from - other), (uint32_t)(end - from),
                        error);
}

/* ------------------------------------------------------------------------ rows */

static void find_rows(const OverSite *site, Rows *rows, uint32_t first, uint32_t end)
{
    StateCursor cursor;
    rows->first = first;
    rows->count = end - first < OVER_RUN ? end - first : OVER_RUN;
    void *record = state_cursor_at(site->tree, first, &cursor);
    for (uint32_t i = 0; i < rows->count; i++) {
        rows->records[i] = record;
        record = i + 1 == rows->count ? NULL : state_cursor_next(&cursor);
    }
}

/* The folds of the rows that the call reaches; how many, and the first of them. */
static uint32_t reached_folds(const OverCall *call, const OverReach *reach, const Rows *rows,
                              uint32_t *skip, uint8_t **folds)
{
    uint32_t first = reach->first > rows->first ? reach->first : rows->first;
    uint32_t end = rows->first + rows->count;
    end = reach->end < end ? reach->end : end;
    *skip = first - rows->first;
    for (uint32_t i = first; i < end; i++)
        folds[i - first] = (uint8_t *)rows->records[i - rows->first] + call->fold_offset;
    return first < end ? end - first : 0;
}

bool over_shift_before(OverSite *site, const OverReach *reaches, Error *error)
{
    Over *over = site->over;
    for (uint32_t c = 0; c < over->call_count; c++) {
        Rows rows;
        for (uint32_t at = reaches[c].first; at < site->position; at += rows.count) {
            uint8_t *folds[OVER_RUN];
            uint32_t skip;
            find_rows(site, &rows, at, site->position);
            arena_reset(over->made);
            uint32_t count = reached_folds(&over->calls[c], &reaches[c], &rows, &skip, folds);
            if (!shift_folds(site, &over->calls[c], at, folds, count, error))
                return false;
            for (uint32_t i = 0; i < count; i++)
                state_touch(over->rows, rows.records[i]);
        }
    }
    return true;
}

/* --------------------------------------------------------------------- results */

static bool differs(const OverCall *call, const void *record, uint32_t row)
{
    bool was_null = (*(const uint64_t *)record >> call->number & 1) != 0;
    bool is_null = vector_is_null(&call->results, row);
    if (was_null || is_null)
        return was_null != is_null;
    const uint8_t *stored = (const uint8_t *)record + call->result_offset;
    const uint8_t *value = (const uint8_t *)call->results.data + (size_t)row * call->result_bytes;
    if (call->result_bytes == sizeof(uint64_t))
        return memcmp(stored, value, sizeof(uint64_t)) != 0;
    return memcmp(stored, value, call->result_bytes) != 0;
}

static void store(const OverCall *call, void *record, uint32_t row)
{
    uint64_t bit = UINT64_C(1) << call->number;
    uint64_t *nulls = record;
    bool is_null = vector_is_null(&call->results, row);
    *nulls = is_null ? *nulls | bit : *nulls & ~bit;
    if (!is_null)
        memcpy((uint8_t *)record + call->result_offset,
               (const uint8_t *)call->results.data + (size_t)row * call->result_bytes,
               call->result_bytes);
}

static void read_results(const Over *over, const void *record, uint32_t row)
{
    for (uint32_t c = 0; c < over->call_count; c++)
        over_result_read(&over->calls[c], record, over->output.columns[over->own + c], row,
                         over->output.batch->arena);
}

/* What is encoded of a row goes to an output row: without texts once all rows are there, at once.
 */
static void give_encoded(Over *over, uint32_t row, Str encoded)
{
    if (row_layout_fixed_bytes(over->layout) != 0)
        row_output_lend(&over->output, row, 0, over->layout, encoded, 0);
    else
        row_output_keep(&over->output, row, over->layout, encoded, 0);
}

/* The row as it was, where that is wanted, and as it is; what did not change is decoded once. */
static bool give_row(Over *over, const Rows *rows, uint32_t row, const uint32_t *skips,
                     Error *error)
{
    RowOutput *output = &over->output;
    void *record = rows->records[row];
    Str encoded = state_tree_payload(over->rows, record);
    bool wants_before = over->base.context->node->traits.wants_before;
    uint32_t before = 0, after;
    if (wants_before) {
        if (!row_output_add(output, CHANGE_UPDATE_BEFORE, &before, error))
            return false;
        give_encoded(over, before, encoded);
        read_results(over, record, before);
    }
    for (uint32_t c = 0; c < over->call_count; c++)
        if ((rows->changed[row] >> c & 1) != 0)
            store(&over->calls[c], record, row - skips[c]);
    if (!row_output_add(output, CHANGE_UPDATE_AFTER, &after, error))
        return false;
    if (wants_before)
        row_output_repeat(output, after, before, 0, over->own);
    else
        give_encoded(over, after, encoded);
    read_results(over, record, after);
    return true;
}

static bool update_rows(OverSite *site, const OverReach *reaches, Rows *rows, Error *error)
{
    Over *over = site->over;
    uint8_t *folds[OVER_RUN];
    uint32_t skips[PLAN_OVER_CALLS_MAX];
    /* Those before a new row were needed for its own results. */
    bool are_shifted = site->is_there && rows->first < site->position;
    arena_reset(over->made);
    memset(rows->changed, 0, sizeof(*rows->changed) * rows->count);
    for (uint32_t c = 0; c < over->call_count; c++) {
        OverCall *call = &over->calls[c];
        uint32_t count = reached_folds(call, &reaches[c], rows, &skips[c], folds);
        if (count == 0)
            continue;
        if (!are_shifted && !shift_folds(site, call, rows->first + skips[c], folds, count, error))
            return false;
        vector_init(&call->results, call->plan->type, count, over->made);
        if (!call->plan->aggregate.result_of(call->plan->aggregate.data, folds, count,
                                             &call->results, over->made, error))
            return false;
        for (uint32_t i = 0; i < count; i++)
            rows->changed[skips[c] + i] |= (uint64_t)differs(call, rows->records[skips[c] + i], i)
                                           << c;
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        state_touch(over->rows, rows->records[i]);
        if (rows->changed[i] != 0 && !give_row(over, rows, i, skips, error))
            return false;
    }
    if (row_layout_fixed_bytes(over->layout) != 0)
        row_output_settle(&over->output);
    return true;
}

bool over_shift_others(OverSite *site, const OverReach *reaches, Error *error)
{
    uint32_t first = site->rows, end = 0;
    for (uint32_t c = 0; c < site->over->call_count; c++) {
        first = reaches[c].first < first ? reaches[c].first : first;
        end = reaches[c].end > end ? reaches[c].end : end;
    }
    Rows rows;
    for (uint32_t at = first; at < end; at += rows.count) {
        if (at == site->position && site->is_there && ++at == end)
            break;
        find_rows(site, &rows, at, at < site->position ? site->position : end);
        if (!update_rows(site, reaches, &rows, error))
            return false;
    }
    return true;
}
