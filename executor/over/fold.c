/* Aggregates of frames, kept beside each row.
 *
 * A frame that starts with the partition has the fold of all rows up to its end: each row keeps the
 * fold of the rows up to itself. After a change they are made again from the changed row on until
 * one comes out as it was: from there on nothing differs, so the work is that of the rows that do
 * differ. Frames that end with the partition mirror that. Frames with two ends slide: a row's fold
 * is that of the row before, rows that left taken away and rows that came added; that is done only
 * where taking away is exact, and where the frame does not go back: a month on from 30 January, 3
 * o'clock, is later than from the 31st, 1 o'clock. MIN and MAX of longer frames
 * are those of one row (over/choice.c). What can do none of it folds each frame anew.
 *
 * Invariant: in a tree at rest the fold of every row is that of its rows. */
#include "executor/over/over.h"

/* -------------------------------------------------------------------- memory */

static void assign_in_state(AggregateMemory *memory, StringView *slot, Str value)
{
    OverMemory *own = (OverMemory *)memory;
    state_string_assign(own->rows, slot, value);
}

/* A slot of the scratch fold: by its place. */
static void assign_in_scratch(AggregateMemory *memory, StringView *slot, Str value)
{
    OverScratch *scratch = (OverScratch *)memory;
    const BoundAggregate *aggregate = &scratch->call->plan->aggregate;
    uint32_t k = 0;
    while ((uint8_t *)slot != scratch->bytes + aggregate->string_offsets[k])
        k++;
    Buffer *text = &scratch->texts[k];
    buffer_clear(text);
    buffer_append_str(text, value);
    *slot = string_view_borrow(text->data, text->length);
}

void over_scratch_open(Over *over)
{
    uint32_t bytes = 8, texts = 0;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const PlanOverCall *plan = over->calls[i].plan;
        if (plan->fold == PLAN_FOLD_NONE)
            continue;
        bytes = plan->aggregate.state_bytes > bytes ? plan->aggregate.state_bytes : bytes;
        texts = plan->aggregate.string_count > texts ? plan->aggregate.string_count : texts;
    }
    Arena *arena = over->base.context->arena;
    over->scratch_fold = (OverScratch){.memory.assign = assign_in_scratch,
                                       .bytes = arena_zalloc(arena, bytes + 16),
                                       .texts = arena_new_array(arena, Buffer, texts + 1)};
    over->memory = (OverMemory){.memory.assign = assign_in_state, .rows = over->rows};
}

void over_scratch_close(Over *over)
{
    uint32_t texts = 0;
    for (uint32_t i = 0; i < over->call_count; i++)
        if (over->calls[i].plan->fold != PLAN_FOLD_NONE &&
            over->calls[i].plan->aggregate.string_count > texts)
            texts = over->calls[i].plan->aggregate.string_count;
    for (uint32_t k = 0; k < texts; k++)
        buffer_deinit(&over->scratch_fold.texts[k]);
}

static uint8_t *scratch_start(Over *over, const OverCall *call)
{
    over->scratch_fold.call = call;
    memset(over->scratch_fold.bytes, 0, call->plan->aggregate.state_bytes);
    return over->scratch_fold.bytes;
}

static uint8_t *fold_of(const OverCall *call, void *record)
{
    return (uint8_t *)record + call->fold_offset;
}

/* to = from; the texts through the memory of `to`. */
void over_fold_copy(const OverCall *call, AggregateMemory *memory, uint8_t *to, const uint8_t *from)
{
    const BoundAggregate *aggregate = &call->plan->aggregate;
    if (aggregate->string_count == 0) {
        memcpy(to, from, aggregate->state_bytes);
        return;
    }
    uint32_t at = 0;
    for (uint32_t k = 0; k < aggregate->string_count; k++) {
        uint32_t offset = aggregate->string_offsets[k];
        memcpy(to + at, from + at, offset - at);
        memory->assign(memory, (StringView *)(void *)(to + offset),
                       string_view_str((const StringView *)(const void *)(from + offset)));
        at = offset + (uint32_t)sizeof(StringView);
    }
    memcpy(to + at, from + at, aggregate->state_bytes - at);
}

static bool folds_equal(const OverCall *call, const uint8_t *a, const uint8_t *b)
{
    const BoundAggregate *aggregate = &call->plan->aggregate;
    uint32_t at = 0;
    for (uint32_t k = 0; k < aggregate->string_count; k++) {
        uint32_t offset = aggregate->string_offsets[k];
        if (memcmp(a + at, b + at, offset - at) != 0 ||
            !string_view_equal((const StringView *)(const void *)(a + offset),
                               (const StringView *)(const void *)(b + offset)))
            return false;
        at = offset + (uint32_t)sizeof(StringView);
    }
    return memcmp(a + at, b + at, aggregate->state_bytes - at) == 0;
}

/* --------------------------------------------------------------------- steps */

bool over_decode_row(const Over *over, const OverCall *call, Str row)
{
    for (uint32_t a = 0; a < call->plan->argument_count; a++)
        if (call->args[a]->children != NULL)
            vector_clear_lists(call->decode[call->plan->arguments[a]]);
    row_decode(over->layout, row, call->decode, 0, over->scratch, true);
    return call->filter == NULL ||
           (!vector_is_null(call->filter, 0) && *(const uint8_t *)call->filter->data != 0);
}

bool over_decode(const Over *over, const OverCall *call, const void *record)
{
    return over_decode_row(over, call, state_tree_payload(over->rows, record));
}

const Vector **over_decode_many(const Over *over, const OverCall *call, const Str *rows,
                                uint32_t count, Arena *arena, uint8_t *active)
{
    const Schema *input = over->base.context->node->inputs[0].node->schema;
    const PlanOverCall *plan = call->plan;
    Vector **columns = arena_new_array(arena, Vector *, over->own + 1);
    Vector *vectors = arena_new_array(arena, Vector, plan->argument_count + 1);
    const Vector **args = arena_new_array(arena, const Vector *, plan->argument_count + 1);
    for (uint32_t a = 0; a <= plan->argument_count; a++) {
        uint32_t column = a < plan->argument_count ? plan->arguments[a] : (uint32_t)plan->filter;
        if (a == plan->argument_count && plan->filter < 0)
            break;
        if (columns[column] == NULL) {
            columns[column] = &vectors[a];
            vector_init(columns[column], input->columns[column].type, count, arena);
        }
        args[a] = columns[column];
    }
    row_decode_rows(over->layout, rows, count, columns, NULL, arena);
    const Vector *filter = args[plan->argument_count];
    for (uint32_t i = 0; filter != NULL && i < count; i++)
        active[i] = !vector_is_null(filter, i) && ((const uint8_t *)filter->data)[i] != 0;
    return args;
}

static const Vector *const *values_of(const Over *over, const OverCall *call, const void *record)
{
    return over_decode(over, call, record) ? call->args : NULL;
}

void over_enter_values(Over *over, const void *record)
{
    for (uint32_t i = 0; over->values != NULL && i < over->call_count; i++)
        if (over->calls[i].by_values)
            over_values_put(over->values, i, values_of(over, &over->calls[i], record),
                            state_tree_sort_key(over->rows, record));
}

void over_leave_values(Over *over, const void *record)
{
    for (uint32_t i = 0; over->values != NULL && i < over->call_count; i++)
        if (over->calls[i].by_values)
            over_values_remove(over->values, i, values_of(over, &over->calls[i], record),
                               state_tree_sort_key(over->rows, record));
}

/* Adds a row to a fold, or takes it away. */
static bool fold_row(Over *over, const OverCall *call, uint8_t *fold, const void *record,
                     bool retracts, Error *error)
{
    if (!over_decode(over, call, record))
        return true;
    if (call->seen != NULL && !over_distinct_add(call->seen, call->args, 0))
        return true;
    if (call->by_values && !over_values_is_first(over->values, call->number, call->args,
                                                 state_tree_sort_key(over->rows, record)))
        return true;
    uint8_t kind = retracts ? CHANGE_DELETE : CHANGE_INSERT;
    bool in_state = fold != over->scratch_fold.bytes;
    AggregateUpdate update = {
        .args = call->args,
        .row_count = 1,
        .states = &fold,
        .kinds = retracts ? &kind : NULL,
        .memory = in_state ? &over->memory.memory : &over->scratch_fold.memory,
        .arena = over->made,
        .data = call->plan->aggregate.data,
    };
    return call->plan->aggregate.update(&update, error);
}

static bool fold_rows(OverSite *site, const OverCall *call, uint8_t *fold, uint32_t first,
                      uint32_t end, bool retracts, Error *error)
{
    StateCursor cursor;
    void *record = first < end ? state_cursor_at(site->tree, first, &cursor) : NULL;
    for (uint32_t i = first; i < end; i++) {
        if (!fold_row(site->over, call, fold, record, retracts, error))
            return false;
        record = state_cursor_next(&cursor);
    }
    return true;
}

bool over_fold_along(OverSite *site, const OverCall *call, int64_t *last, Error *error)
{
    Over *over = site->over;
    bool forward = call->plan->fold == PLAN_FOLD_FORWARD;
    int64_t step = forward ? 1 : -1;
    int64_t at = forward || site->is_there ? site->position : (int64_t)site->position - 1;
    *last = at - step;
    if (at < 0 || at >= site->rows)
        return true;
    StateCursor cursor;
    void *record = state_cursor_at(site->tree, (uint32_t)at, &cursor);
    void *before = NULL;
    if (at - step >= 0 && at - step < site->rows)
        before = state_tree_at(site->tree, (uint32_t)(at - step));
    for (; record != NULL; at += step) {
        uint8_t *fold = scratch_start(over, call);
        arena_reset(over->made);
        if (before != NULL)
            over_fold_copy(call, &over->scratch_fold.memory, fold, fold_of(call, before));
        if (!fold_row(over, call, fold, record, false, error))
            return false;
        bool is_new = site->is_end || (site->is_there && at == site->position);
        if (!is_new && folds_equal(call, fold, fold_of(call, record)))
            return true;
        over_fold_copy(call, &over->memory.memory, fold_of(call, record), fold);
        state_touch(over->rows, record);
        *last = at;
        before = record;
        record = forward ? state_cursor_next(&cursor) : state_cursor_previous(&cursor);
    }
    return true;
}

/* ------------------------------------------------------------------- sliding */

/* Record of the row at a position, when it is the row at hand or another. */
static void *record_at(const OverSite *site, const OverRow *row, uint32_t position)
{
    return position == row->position ? row->record : state_tree_at(site->tree, position);
}

/* Rows that come into a row's frame or leave it: most often one, which may be the row at hand. */
static bool fold_moved(OverSite *site, const OverCall *call, uint8_t *fold, const OverRow *row,
                       OverReach rows, bool retracts, Error *error)
{
    if (rows.end - rows.first == 1)
        return fold_row(site->over, call, fold, record_at(site, row, rows.first), retracts, error);
    return fold_rows(site, call, fold, rows.first, rows.end, retracts, error);
}

bool over_fold_slide(OverSite *site, const OverCall *call, const OverRow *row, Error *error)
{
    Over *over = site->over;
    OverReach frame = over_frame(site, &call->plan->frame, row);
    OverReach old = {0, 0};
    if (row->previous != NULL && call->plan->frame.by_rows) {
        OverRow before = {.position = row->position - 1};
        old = over_frame(site, &call->plan->frame, &before);
    } else if (row->previous != NULL) {
        OverRow before = {.position = row->position - 1, .record = row->previous};
        before.previous =
            before.position == 0 ? NULL : state_tree_at(site->tree, before.position - 1);
        over_find_peers(site, &before, NULL, NULL);
        old = over_frame(site, &call->plan->frame, &before);
    }
    uint8_t *fold = scratch_start(over, call);
    uint32_t leave = frame.first - old.first, come = frame.end - old.end;
    bool goes_back = frame.first < old.first || frame.end < old.end;
    bool anew = row->previous == NULL || goes_back || frame.first >= old.end ||
                leave + come > frame.end - frame.first;
    if (anew) {
        if (!fold_rows(site, call, fold, frame.first, frame.end, false, error))
            return false;
    } else {
        over_fold_copy(call, &over->scratch_fold.memory, fold, fold_of(call, row->previous));
        OverReach came = {old.end, frame.end}, left = {old.first, frame.first};
        if (!fold_moved(site, call, fold, row, came, false, error) ||
            !fold_moved(site, call, fold, row, left, true, error))
            return false;
    }
    over_fold_copy(call, &over->memory.memory, fold_of(call, row->record), fold);
    state_touch(over->rows, row->record);
    return true;
}

/* ------------------------------------------------------------------- results */

static bool read_result(Over *over, OverCall *call, uint8_t *fold, Error *error)
{
    vector_set_valid(&call->value, 0);
    return call->plan->aggregate.result_of(call->plan->aggregate.data, &fold, 1, &call->value,
                                           over->made, error);
}

/* Frames so short are folded row by row. */
#define SHORT_FRAME 16

static bool fold_anew(OverSite *site, OverCall *call, uint8_t *fold, OverReach frame, Error *error)
{
    if (call->seen != NULL)
        over_distinct_start(call->seen);
    if (call->choice.kind == OVER_CHOICE_NONE || frame.end - frame.first <= SHORT_FRAME)
        return fold_rows(site, call, fold, frame.first, frame.end, false, error);
    const void *record = over_choose(site, call, frame);
    return record == NULL || fold_row(site->over, call, fold, record, false, error);
}

bool over_fold_value(OverSite *site, OverCall *call, const OverRow *row, Error *error)
{
    Over *over = site->over;
    if (call->plan->fold == PLAN_FOLD_SLIDE)
        return read_result(over, call, fold_of(call, row->record), error);
    OverReach frame = over_frame(site, &call->plan->frame, row);
    uint8_t *fold = NULL;
    if (frame.first < frame.end && call->plan->fold == PLAN_FOLD_FORWARD)
        fold = fold_of(call, record_at(site, row, frame.end - 1));
    else if (frame.first < frame.end && call->plan->fold == PLAN_FOLD_BACKWARD)
        fold = fold_of(call, record_at(site, row, frame.first));
    if (fold == NULL) {
        fold = scratch_start(over, call);
        if (call->plan->fold == PLAN_FOLD_ANEW && !fold_anew(site, call, fold, frame, error))
            return false;
    }
    return read_result(over, call, fold, error);
}
