/* The values of window functions for rows whose time has come.
 *
 * Every call goes over all rows of the work at once. A frame that starts with the partition has one
 * fold, kept with the partition, that rows are added to; the value of a row is what the fold is
 * behind the last of its equals. A frame that slides and whose aggregate can take away without loss
 * has one as well: rows that come and rows that go are written into one list of changes, in their
 * order, which the aggregate runs over. MIN and MAX slide by time_over_stack.c. Other frames are
 * folded anew from the history, whose rows are also what FIRST_VALUE and LAG and their like pick
 * from.
 *
 * Cost: a row is added once and taken away once; folding anew is a pass over the frame a row. */
#include "executor/over/time_over.h"

/* Changes in one run of a sliding aggregate; rows of a frame folded at once. */
#define RUN_ROWS 1024

/* -------------------------------------------------------------------- memory */

static void assign_in_state(AggregateMemory *memory, StringView *slot, Str value)
{
    state_string_assign(((TimeOverMemory *)memory)->table, slot, value);
}

static void assign_in_scratch(AggregateMemory *memory, StringView *slot, Str value)
{
    *slot = string_view_copy(((TimeOverMemory *)memory)->arena, value.data, value.length);
}

static uint8_t *fold_of(const TimeOverCall *call, TimeOverPartition *partition)
{
    return (uint8_t *)partition + call->fold_offset;
}

static uint64_t *from_of(const TimeOverCall *call, TimeOverPartition *partition)
{
    return time_over_number(partition, call->from_offset);
}

/* The last of the rows that are equal to row `row` of the work. */
uint32_t time_over_last_peer(const TimeOverWork *work, uint32_t row)
{
    uint32_t last = row;
    while (last + 1 < work->count && work->peers[last + 1] == work->peers[row])
        last++;
    return last;
}

/* ------------------------------------------------------------------- history */

typedef struct NumberKey {
    uint8_t bytes[8];
} NumberKey;

static Str number_key(uint64_t number, NumberKey *key)
{
    number = __builtin_bswap64(number);
    memcpy(key->bytes, &number, sizeof(number));
    return (Str){(const char *)key->bytes, sizeof(key->bytes)};
}

void *time_over_seek(const TimeOver *over, const StateTree *tree, uint64_t number,
                     StateCursor *cursor)
{
    NumberKey key;
    return state_cursor_seek(over->history, tree, number_key(number, &key), cursor);
}

static void keep_rows(TimeOver *over, TimeOverWork *work)
{
    const Vector **columns =
        arena_new_array(over->run, const Vector *, (size_t)over->kept_count + 1);
    for (uint32_t k = 0; k < over->kept_count; k++)
        columns[k] = &work->out->columns[over->kept[k]];
    Str *rows = arena_new_array(over->run, Str, work->count);
    if (over->kept_count != 0)
        row_encode(over->kept_layout, columns, NULL, work->count, over->run, rows);
    NumberKey key;
    for (uint32_t i = 0; i < work->count; i++) {
        StateTree *tree = NULL;
        int64_t *time = state_tree_put(over->history, &tree, work->keys[i], work->hashes[i],
                                       number_key(work->numbers[i], &key),
                                       over->kept_count == 0 ? (Str){"", 0} : rows[i], NULL);
        *time = work->times[i];
    }
    state_ordered_trees(over->history, work->keys, work->hashes, work->count, work->history);
}

/* Decodes what the call reads of a row of the history into row `to` of its columns. */
static void decode_kept(const TimeOver *over, const TimeOverCall *call, const void *record,
                        uint32_t to)
{
    for (uint32_t k = 0; to == 0 && k < over->kept_count; k++)
        if (call->decode[k] != NULL && call->decode[k]->children != NULL)
            vector_clear_lists(call->decode[k]);
    if (over->kept_count != 0)
        row_decode(over->kept_layout, state_tree_payload(over->history, record), call->decode, to,
                   over->run, true);
}

static void prepare_decode(TimeOver *over, const TimeOverCall *call)
{
    const Schema *input = over->base.context->node->inputs[0].node->schema;
    for (uint32_t k = 0; k < over->kept_count; k++)
        if (call->decode[k] != NULL)
            vector_init(call->decode[k], input->columns[over->kept[k]].type, RUN_ROWS, over->run);
}

static bool filter_passes(const Vector *filter, uint32_t row)
{
    return filter == NULL || (!vector_is_null(filter, row) &&
                              ((const uint8_t *)filter->data)[vector_index(filter, row)] != 0);
}

/* ------------------------------------------------------------- where frames begin */

/* The number of the first row of the frame of row `row`. */
uint64_t time_over_frame_start(const TimeOver *over, const TimeOverCall *call,
                               const TimeOverWork *work, uint32_t row)
{
    const PlanFrameBound *start = &call->plan->frame.start;
    uint64_t number = work->numbers[row];
    if (call->plan->kind == WINDOW_LAG) {
        uint64_t back = (uint64_t)call->plan->number;
        return call->plan->ignore_nulls || back > number ? 0 : number - back;
    }
    switch (start->kind) {
    case PLAN_BOUND_PRECEDING:
        if (call->plan->frame.by_rows)
            return (uint64_t)start->rows > number ? 0 : number - (uint64_t)start->rows;
        break;
    case PLAN_BOUND_CURRENT_ROW:
        return call->by_rows ? number : work->numbers[work->peers[row]];
    default:
        return 0;
    }
    StateCursor cursor;
    uint64_t from = *from_of(call, work->partitions[row]);
    int64_t least;
    if (__builtin_sub_overflow(work->times[row], call->distance_us, &least))
        return from;
    const int64_t *time = time_over_seek(over, work->history[row], from, &cursor);
    for (; time != NULL && *time < least; from++)
        time = state_cursor_next(&cursor);
    return from;
}

/* --------------------------------------------------- frames from the first row on */

static const uint8_t *active_rows(const TimeOver *over, const TimeOverCall *call,
                                  const Vector *const *args, const TimeOverWork *work)
{
    const PlanOverCall *plan = call->plan;
    if (plan->filter < 0 && !plan->distinct)
        return NULL;
    const Vector *filter = plan->filter < 0 ? NULL : &work->out->columns[plan->filter];
    uint8_t *active = arena_alloc(over->run, work->count);
    for (uint32_t i = 0; i < work->count; i++) {
        active[i] = filter_passes(filter, i);
        if (!plan->distinct)
            continue;
        over_values_partition(over->values, work->keys[i], work->hashes[i]);
        active[i] = over_values_meet(over->values, (uint32_t)(call - over->calls),
                                     active[i] != 0 ? args : NULL, i);
    }
    return active;
}

static bool run_forward(TimeOver *over, const TimeOverCall *call, TimeOverWork *work, Vector *out,
                        Error *error)
{
    const PlanOverCall *plan = call->plan;
    uint8_t **states = arena_new_array(over->run, uint8_t *, work->count);
    const Vector **args =
        arena_new_array(over->run, const Vector *, (size_t)plan->argument_count + 1);
    for (uint32_t a = 0; a < plan->argument_count; a++)
        args[a] = &work->out->columns[plan->arguments[a]];
    for (uint32_t i = 0; i < work->count; i++)
        states[i] = fold_of(call, work->partitions[i]);
    AggregateUpdate update = {.args = args,
                              .row_count = work->count,
                              .states = states,
                              .active = active_rows(over, call, args, work),
                              .after = out,
                              .memory = &over->memory.base,
                              .arena = work->out->arena,
                              .data = plan->aggregate.data};
    if (!plan->aggregate.update(&update, error))
        return false;
    for (uint32_t i = 0; i < work->count && !call->by_rows; i++) {
        uint32_t last = time_over_last_peer(work, i);
        for (; i < last; i++)
            vector_copy_value(out, i, out, last, work->out->arena, true);
    }
    return true;
}

/* ------------------------------------------------------------- frames that slide */

/* The list of changes that a sliding aggregate runs over. */
typedef struct Slide {
    TimeOver *over;
    const TimeOverCall *call;
    TimeOverWork *work;
    Vector *out;
    uint32_t count;
    uint8_t *states[RUN_ROWS];
    uint8_t kinds[RUN_ROWS];
    uint8_t active[RUN_ROWS];
    int64_t rows[RUN_ROWS];   /* of the frame, behind the change */
    uint32_t gives[RUN_ROWS]; /* rows of the work whose value it is then: from this one on … */
    uint32_t given[RUN_ROWS]; /* … so many */
} Slide;

static bool slide_flush(Slide *slide, Error *error)
{
    const PlanOverCall *plan = slide->call->plan;
    Arena *arena = slide->work->out->arena;
    Vector after;
    vector_init(&after, plan->type, RUN_ROWS, slide->over->run);
    AggregateUpdate update = {.args = slide->call->args,
                              .row_count = slide->count,
                              .states = slide->states,
                              .kinds = slide->kinds,
                              .active = slide->call->filter == NULL ? NULL : slide->active,
                              .group_rows = slide->rows,
                              .after = &after,
                              .memory = &slide->over->memory.base,
                              .arena = arena,
                              .data = plan->aggregate.data};
    if (slide->count != 0 && !plan->aggregate.update(&update, error))
        return false;
    for (uint32_t i = 0; i < slide->count; i++)
        for (uint32_t k = 0; k < slide->given[i]; k++)
            vector_copy_value(slide->out, slide->gives[i] + k, &after, i, arena, true);
    slide->count = 0;
    return true;
}

static bool slide_add(Slide *slide, TimeOverPartition *partition, const void *record, bool goes,
                      int64_t rows, Error *error)
{
    if (slide->count == RUN_ROWS && !slide_flush(slide, error))
        return false;
    uint32_t at = slide->count++;
    slide->states[at] = fold_of(slide->call, partition);
    slide->kinds[at] = goes ? CHANGE_DELETE : CHANGE_INSERT;
    decode_kept(slide->over, slide->call, record, at);
    slide->active[at] = filter_passes(slide->call->filter, at);
    slide->rows[at] = rows;
    slide->given[at] = 0;
    return true;
}

/* Moves the frame on to the rows first..last of the work, which are all of its newest. */
static bool slide_to(Slide *slide, uint32_t first, uint32_t last, Error *error)
{
    TimeOverWork *work = slide->work;
    TimeOverPartition *partition = work->partitions[first];
    uint64_t *from = from_of(slide->call, partition);
    uint64_t start = time_over_frame_start(slide->over, slide->call, work, first);
    StateCursor cursor;
    const void *record =
        time_over_seek(slide->over, work->history[first], work->numbers[first], &cursor);
    for (uint32_t i = first; i <= last; i++) {
        if (!slide_add(slide, partition, record, false, (int64_t)(work->numbers[i] - *from + 1),
                       error))
            return false;
        record = state_cursor_next(&cursor);
    }
    if (*from < start)
        record = time_over_seek(slide->over, work->history[first], *from, &cursor);
    for (; *from < start; (*from)++) {
        if (!slide_add(slide, partition, record, true, (int64_t)(work->numbers[last] - *from),
                       error))
            return false;
        record = state_cursor_next(&cursor);
    }
    slide->gives[slide->count - 1] = first;
    slide->given[slide->count - 1] = last - first + 1;
    return true;
}

static bool run_slide(TimeOver *over, const TimeOverCall *call, TimeOverWork *work, Vector *out,
                      Error *error)
{
    Slide *slide = arena_new_one(over->run, Slide);
    slide->over = over;
    slide->call = call;
    slide->work = work;
    slide->out = out;
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t last = call->by_rows ? i : time_over_last_peer(work, i);
        if (!slide_to(slide, i, last, error))
            return false;
        i = last;
    }
    return slide_flush(slide, error);
}

/* ------------------------------------------------------------ frames folded anew */

bool time_over_fold(TimeOver *over, const TimeOverCall *call, const StateTree *tree, uint64_t first,
                    uint64_t end, uint8_t *fold, AggregateMemory *memory, Error *error)
{
    uint8_t *states[RUN_ROWS], active[RUN_ROWS];
    StateCursor cursor;
    const void *record = time_over_seek(over, tree, first, &cursor);
    if (call->seen != NULL)
        over_distinct_start(call->seen);
    while (first < end) {
        uint32_t count = 0;
        for (; first < end && count < RUN_ROWS; first++, count++) {
            decode_kept(over, call, record, count);
            states[count] = fold;
            active[count] =
                filter_passes(call->filter, count) &&
                (call->seen == NULL || over_distinct_add(call->seen, call->args, count));
            record = state_cursor_next(&cursor);
        }
        AggregateUpdate update = {.args = call->args,
                                  .row_count = count,
                                  .states = states,
                                  .active =
                                      call->filter == NULL && call->seen == NULL ? NULL : active,
                                  .memory = memory,
                                  .arena = over->run,
                                  .data = call->plan->aggregate.data};
        if (!call->plan->aggregate.update(&update, error))
            return false;
    }
    return true;
}

static bool run_anew(TimeOver *over, const TimeOverCall *call, TimeOverWork *work, Vector *out,
                     Error *error)
{
    const BoundAggregate *aggregate = &call->plan->aggregate;
    uint8_t *fold = arena_alloc(over->run, (size_t)aggregate->state_bytes + 8);
    Vector value;
    for (uint32_t i = 0; i < work->count; i++) {
        uint32_t last = call->by_rows ? i : time_over_last_peer(work, i);
        *from_of(call, work->partitions[i]) = time_over_frame_start(over, call, work, i);
        memset(fold, 0, aggregate->state_bytes);
        if (!time_over_fold(over, call, work->history[i], *from_of(call, work->partitions[i]),
                            work->numbers[last] + 1, fold, &over->scratch_memory.base, error))
            return false;
        vector_init(&value, call->plan->type, 1, over->run);
        if (!aggregate->result_of(aggregate->data, &fold, 1, &value, work->out->arena, error))
            return false;
        for (; i <= last; i++)
            vector_copy_value(out, i, &value, 0, work->out->arena, true);
        i = last;
    }
    return true;
}

/* ------------------------------------------------------------------ single rows */

static void put_number(Vector *out, uint32_t row, uint64_t number)
{
    if (out->type->physical == PHYSICAL_I32)
        ((int32_t *)out->data)[row] = (int32_t)number;
    else
        ((int64_t *)out->data)[row] = (int64_t)number;
}

/* Numbers by row and by equal rows; `groups` counted up as the rows were numbered. */
static void run_place(const TimeOverCall *call, const TimeOverWork *work, const uint64_t *groups,
                      Vector *out)
{
    for (uint32_t i = 0; i < work->count; i++) {
        uint64_t number = call->plan->kind == WINDOW_ROW_NUMBER ? work->numbers[i] + 1
                          : call->plan->kind == WINDOW_RANK     ? work->numbers[work->peers[i]] + 1
                                                                : groups[i];
        put_number(out, i, number);
    }
}

/* Whether a row of the history, decoded, counts where NULLs are passed over. */
static bool counts(const TimeOver *over, const TimeOverCall *call, const void *record)
{
    decode_kept(over, call, record, 0);
    return filter_passes(call->filter, 0) &&
           !(call->plan->ignore_nulls && vector_is_null(call->args[0], 0));
}

/* The row `number` rows before that counts; it is decoded. */
static const void *find_lag(const TimeOver *over, const TimeOverCall *call,
                            const TimeOverWork *work, uint32_t row)
{
    uint64_t back = (uint64_t)call->plan->number, number = work->numbers[row];
    StateCursor cursor;
    if (!call->plan->ignore_nulls || back == 0) {
        const void *record =
            back > number ? NULL : time_over_seek(over, work->history[row], number - back, &cursor);
        if (record != NULL)
            decode_kept(over, call, record, 0);
        return record;
    }
    const void *record = time_over_seek(over, work->history[row], number, &cursor);
    while ((record = state_cursor_previous(&cursor)) != NULL)
        if (counts(over, call, record) && --back == 0)
            return record;
    return NULL;
}

/* The row of the frame that FIRST_VALUE, LAST_VALUE or NTH_VALUE means; it is decoded. */
static const void *find_picked(const TimeOver *over, const TimeOverCall *call,
                               const TimeOverWork *work, uint32_t row)
{
    uint64_t first = *from_of(call, work->partitions[row]);
    uint64_t last = work->numbers[call->by_rows ? row : time_over_last_peer(work, row)];
    bool back = call->plan->kind == WINDOW_LAST_VALUE;
    uint64_t left = call->plan->kind == WINDOW_NTH_VALUE ? (uint64_t)call->plan->number : 1;
    StateCursor cursor;
    if (!call->plan->ignore_nulls && call->filter == NULL && !back) {
        if (left - 1 > last - first)
            return NULL;
        first += left - 1;
        left = 1;
    }
    const void *record = time_over_seek(over, work->history[row], back ? last : first, &cursor);
    for (uint64_t seen = first; seen <= last; seen++) {
        if (counts(over, call, record) && --left == 0)
            return record;
        record = back ? state_cursor_previous(&cursor) : state_cursor_next(&cursor);
    }
    return NULL;
}

static void run_picks(TimeOver *over, const TimeOverCall *call, TimeOverWork *work, Vector *out)
{
    bool is_lag = call->plan->kind == WINDOW_LAG;
    Arena *arena = work->out->arena;
    for (uint32_t i = 0; i < work->count; i++) {
        *from_of(call, work->partitions[i]) = time_over_frame_start(over, call, work, i);
        const void *record =
            is_lag ? find_lag(over, call, work, i) : find_picked(over, call, work, i);
        if (record != NULL)
            vector_copy_value(out, i, call->args[0], 0, arena, false);
        else if (is_lag && call->plan->argument_count > 1)
            vector_copy_value(out, i, &work->out->columns[call->plan->arguments[1]], i, arena,
                              true);
        else
            vector_set_null(out, i, arena);
    }
}

/* --------------------------------------------------------------------- the work */

static uint64_t *number_rows(TimeOver *over, TimeOverWork *work)
{
    uint64_t *groups = arena_new_array(over->run, uint64_t, work->count);
    void **records = arena_new_array(over->run, void *, work->count);
    state_value_get_or_create(over->partitions, work->keys, work->hashes, work->count, records,
                              NULL);
    for (uint32_t i = 0; i < work->count; i++) {
        TimeOverPartition *partition = records[i];
        work->partitions[i] = partition;
        work->numbers[i] = partition->rows++;
        partition->groups += work->peers[i] == i;
        groups[i] = partition->groups;
        partition->last_us = work->times[i];
        state_touch(over->partitions, partition);
    }
    return groups;
}

/* Rows before all frames go. Rows that come have frames that start no earlier. */
static void trim(TimeOver *over, TimeOverWork *work)
{
    for (uint32_t i = 0; i < work->count; i++) {
        TimeOverPartition *partition = work->partitions[i];
        if (work->numbers[i] + 1 != partition->rows)
            continue; /* another of its rows comes behind */
        uint64_t keep = UINT64_MAX;
        for (uint32_t c = 0; c < over->call_count; c++) {
            const TimeOverCall *call = &over->calls[c];
            if (call->looks_back && *from_of(call, partition) < keep)
                keep = *from_of(call, partition);
        }
        for (;;) {
            void *first = state_tree_first(work->history[i]);
            uint64_t number;
            memcpy(&number, state_tree_sort_key(over->history, first).data, sizeof(number));
            if (__builtin_bswap64(number) >= keep || state_tree_remove(over->history, first))
                break;
        }
    }
}

static bool run_call(TimeOver *over, const TimeOverCall *call, TimeOverWork *work,
                     const uint64_t *groups, Vector *out, Error *error)
{
    if (call->looks_back)
        prepare_decode(over, call);
    switch (call->plan->fold) {
    case PLAN_FOLD_FORWARD:
        return run_forward(over, call, work, out, error);
    case PLAN_FOLD_SLIDE:
        return run_slide(over, call, work, out, error);
    case PLAN_FOLD_ANEW:
        return call->is_stack ? time_over_run_stack(over, call, work, out, error)
                              : run_anew(over, call, work, out, error);
    default:
        break;
    }
    if (call->plan->kind <= WINDOW_DENSE_RANK)
        run_place(call, work, groups, out);
    else
        run_picks(over, call, work, out);
    return true;
}

bool time_over_run(TimeOver *over, TimeOverWork *work, Error *error)
{
    if (work->count == 0)
        return true;
    arena_reset(over->run);
    over->scratch_memory.arena = over->run;
    const uint64_t *groups = number_rows(over, work);
    if (over->history != NULL)
        keep_rows(over, work);
    for (uint32_t c = 0; c < over->call_count; c++)
        if (!run_call(over, &over->calls[c], work, groups, &work->out->columns[over->own + c],
                      error))
            return false;
    if (over->history != NULL)
        trim(over, work);
    return true;
}

void time_over_forget(TimeOver *over, Str key, uint64_t hash)
{
    void *partition;
    state_value_get(over->partitions, &key, &hash, 1, &partition);
    if (partition != NULL)
        state_value_remove(over->partitions, partition);
    StateTree *tree = NULL;
    if (over->history != NULL)
        state_ordered_trees(over->history, &key, &hash, 1, &tree);
    while (tree != NULL)
        if (state_tree_remove(over->history, state_tree_first(tree)))
            tree = NULL;
}

/* --------------------------------------------------------------------- opening */

static uint32_t keep_column(TimeOver *over, uint32_t column)
{
    uint32_t at = 0;
    while (at < over->kept_count && over->kept[at] != column)
        at++;
    if (at == over->kept_count)
        over->kept[over->kept_count++] = column;
    return at;
}

static Vector *decoded(TimeOver *over, TimeOverCall *call, uint32_t column)
{
    uint32_t at = keep_column(over, column);
    if (call->decode[at] == NULL)
        call->decode[at] = arena_new_one(over->base.context->arena, Vector);
    return call->decode[at];
}

/* A record that tables are declared with: its size, and where texts lie in it. */
typedef struct RecordShape {
    uint32_t bytes;
    uint32_t *strings;
    uint32_t string_count;
} RecordShape;

static uint32_t add_fold(RecordShape *shape, const BoundAggregate *aggregate)
{
    uint32_t offset = shape->bytes;
    for (uint32_t k = 0; k < aggregate->string_count; k++)
        shape->strings[shape->string_count++] = offset + aggregate->string_offsets[k];
    shape->bytes += aggregate->state_bytes;
    return offset;
}

static bool is_extreme(const PlanOverCall *plan)
{
    if (plan->fold != PLAN_FOLD_ANEW)
        return false;
    const char *name = plan->aggregate.function->name;
    return strcmp(name, "MIN") == 0 || strcmp(name, "MAX") == 0;
}

static void open_call(TimeOver *over, uint32_t number, RecordShape *record, RecordShape *history)
{
    Arena *arena = over->base.context->arena;
    const PlanOverCall *plan = &over->plan->over.calls[number];
    TimeOverCall *call = &over->calls[number];
    const Vector *distance = plan->frame.start.distance;
    call->plan = plan;
    call->by_rows = plan->frame.by_rows || (over->plan->on_clock && distance == NULL);
    call->looks_back = plan->fold == PLAN_FOLD_SLIDE || plan->fold == PLAN_FOLD_ANEW ||
                       (plan->fold == PLAN_FOLD_NONE && plan->kind > WINDOW_DENSE_RANK);
    if (distance != NULL &&
        __builtin_mul_overflow(*(const int64_t *)distance->data, 1000, &call->distance_us))
        call->distance_us = INT64_MAX;
    call->from_offset = record->bytes;
    if (call->looks_back) {
        record->bytes += (uint32_t)sizeof(uint64_t);
        call->decode = arena_new_array(arena, Vector *, (size_t)over->own + 1);
        call->args = arena_new_array(arena, const Vector *, (size_t)plan->argument_count + 1);
        for (uint32_t a = 0; a < plan->argument_count; a++)
            call->args[a] = decoded(over, call, plan->arguments[a]);
        if (plan->filter >= 0)
            call->filter = decoded(over, call, (uint32_t)plan->filter);
    }
    call->is_stack = is_extreme(plan);
    if (plan->distinct && plan->fold == PLAN_FOLD_ANEW)
        call->seen = over_distinct_open(arena, over->base.context->node->inputs[0].node->schema,
                                        plan->arguments, plan->argument_count);
    if (call->is_stack) {
        call->middle_offset = record->bytes;
        record->bytes += (uint32_t)sizeof(uint64_t);
        call->suffix_offset = add_fold(history, &plan->aggregate);
    }
    if (call->is_stack || plan->fold == PLAN_FOLD_FORWARD || plan->fold == PLAN_FOLD_SLIDE)
        call->fold_offset = add_fold(record, &plan->aggregate);
}

static void declare_history(TimeOver *over, const RecordShape *shape)
{
    const OperatorContext *context = over->base.context;
    const Schema *input = context->node->inputs[0].node->schema;
    const Type **types = arena_new_array(context->arena, const Type *, (size_t)over->own + 1);
    Buffer text = {0};
    buffer_append_text(&text, "partition, number -> time");
    for (uint32_t k = 0; k < over->kept_count; k++) {
        types[k] = input->columns[over->kept[k]].type;
        buffer_printf(&text, ", %s ", input->columns[over->kept[k]].name);
        type_print(types[k], &text);
    }
    over->kept_layout = row_layout_new(context->arena, types, over->kept_count);
    StateSpec history = {.name = "history",
                         .kind = STATE_ORDERED,
                         .record_bytes = shape->bytes,
                         .string_offsets = shape->strings,
                         .string_count = shape->string_count,
                         .ttl_ms = over->plan->over.state_ttl_ms,
                         .description = arena_strdup(context->arena, buffer_text(&text))};
    over->history = state_table_declare(context->state, &history);
    buffer_deinit(&text);
}

void time_over_open_calls(TimeOver *over)
{
    const OperatorContext *context = over->base.context;
    Arena *arena = context->arena;
    const PlanOver *plan = &over->plan->over;
    uint32_t room = 1;
    bool looks_back = false;
    over->call_count = plan->call_count;
    over->calls = arena_new_array(arena, TimeOverCall, (size_t)plan->call_count + 1);
    over->kept = arena_new_array(arena, uint32_t, (size_t)over->own + 1);
    for (uint32_t c = 0; c < plan->call_count; c++)
        room += plan->calls[c].aggregate.string_count;
    RecordShape record = {sizeof(TimeOverPartition), arena_new_array(arena, uint32_t, room), 0};
    RecordShape history = {sizeof(int64_t), arena_new_array(arena, uint32_t, room), 0};
    for (uint32_t c = 0; c < plan->call_count; c++) {
        open_call(over, c, &record, &history);
        looks_back = looks_back || over->calls[c].looks_back;
    }
    StateSpec partitions = {.name = "partitions",
                            .kind = STATE_VALUE,
                            .record_bytes = record.bytes,
                            .string_offsets = record.strings,
                            .string_count = record.string_count,
                            .ttl_ms = plan->state_ttl_ms,
                            .description = "partition -> rows, time of the last, aggregates"};
    over->partitions = state_table_declare(context->state, &partitions);
    over->values = over_values_open(context, plan);
    if (looks_back)
        declare_history(over, &history);
    over->memory = (TimeOverMemory){{assign_in_state}, over->partitions, NULL};
    over->history_memory = (TimeOverMemory){{assign_in_state}, over->history, NULL};
    over->scratch_memory = (TimeOverMemory){{assign_in_scratch}, NULL, NULL};
}
