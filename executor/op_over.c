/* Over: window functions over partitions that change.
 *
 * Contract: a row that comes is given with its results as +I, then, in the order of the partition,
 * every other row whose results changed as -U +U. A row that goes is given as -D with the results
 * it was shown with, then the others in the same way. Rows whose results stay give nothing. Of
 * equal rows (by ORDER BY) the one that came first stands first; of rows that are the same in all
 * columns the last goes. In a bounded run all rows come at the end, as +I, each partition in its
 * order.
 *
 * State: ORDERED, partition → order columns and arrival → results, folds and the row (over/over.h).
 * Cost: rows at the end of their partitions go many at once, without a search, where the calls only
 * look back (over/append.c); else a few searches a change, some of the rows that are equal to a row
 * that goes (row_ties.h), and the rows in reach of the change (over/value.c), which are those that
 * change but where a frame's values hide the change (MIN, MAX, FILTER), PERCENT_RANK and CUME_DIST,
 * which look at the whole partition, and NTILE, which looks at the rows where a group begins or
 * ends. Where all calls slide over rows, those in reach are done together (over/shift.c).
 */
#include "core/hash.h"
#include "executor/over/over.h"
#include "executor/row_slot.h"

/* -------------------------------------------------------------------- output */

static bool emit_record(Over *over, uint8_t kind, const void *record, Error *error)
{
    uint32_t row;
    if (!row_output_add(&over->output, kind, &row, error))
        return false;
    row_output_keep(&over->output, row, over->layout, state_tree_payload(over->rows, record), 0);
    for (uint32_t i = 0; i < over->call_count; i++)
        over_result_read(&over->calls[i], record, over->output.columns[over->own + i], row,
                         over->output.batch->arena);
    return true;
}

/* The new results of a row, if they differ from those it was shown with. */
static bool update_row(OverSite *site, const OverRow *row, const OverReach *reaches, Error *error)
{
    Over *over = site->over;
    uint64_t changed = 0;
    arena_reset(over->made);
    for (uint32_t i = 0; i < over->call_count; i++) {
        OverCall *call = &over->calls[i];
        if (row->position < reaches[i].first || row->position >= reaches[i].end)
            continue;
        bool is_behind = !site->is_there || row->position > site->position;
        if (call->plan->fold == PLAN_FOLD_SLIDE && is_behind &&
            !over_fold_slide(site, call, row, error))
            return false;
        if (!over_value(site, call, row, error))
            return false;
        if (over_result_differs(over, call, row->record))
            changed |= UINT64_C(1) << i;
    }
    if (changed == 0)
        return true;
    if (over->base.context->node->traits.wants_before &&
        !emit_record(over, CHANGE_UPDATE_BEFORE, row->record, error))
        return false;
    for (uint32_t i = 0; i < over->call_count; i++)
        if ((changed >> i & 1) != 0)
            over_result_store(over, &over->calls[i], row->record);
    return emit_record(over, CHANGE_UPDATE_AFTER, row->record, error);
}

/* Moves to the row behind; its neighbour is what was at hand. */
static void next_row(const OverSite *site, OverRow *row, StateCursor *cursor)
{
    OverRow known = *row;
    row->previous = row->record;
    row->position++;
    row->record = state_cursor_next(cursor);
    if (row->record != NULL)
        over_find_peers(site, row, &known, cursor);
}

static OverRow row_at(const OverSite *site, uint32_t position, StateCursor *cursor)
{
    OverRow row = {.position = position, .record = state_cursor_at(site->tree, position, cursor)};
    row.previous = position == 0 ? NULL : state_tree_at(site->tree, position - 1);
    if (row.record != NULL)
        over_find_peers(site, &row, NULL, cursor);
    return row;
}

/* The first row from a position on that a call may have a new value for. */
static uint32_t next_reached(const OverSite *site, const OverReach *reaches, uint32_t position)
{
    uint32_t next = site->rows;
    for (uint32_t i = 0; i < site->over->call_count && next > position; i++) {
        uint32_t own = position > reaches[i].first ? position : reaches[i].first;
        if (own >= reaches[i].end)
            continue;
        if (site->over->calls[i].plan->kind == WINDOW_NTILE)
            own = over_tile_edge(site, &site->over->calls[i], own);
        next = own < next ? own : next;
    }
    return next;
}

static bool update_others(OverSite *site, const OverReach *reaches, Error *error)
{
    if (site->over->shifts)
        return over_shift_others(site, reaches, error);
    StateCursor cursor;
    uint32_t next = next_reached(site, reaches, 0);
    if (next == site->rows)
        return true;
    OverRow row = row_at(site, next, &cursor);
    while (true) {
        bool is_changed_row = site->is_there && row.position == site->position;
        if (!is_changed_row && !update_row(site, &row, reaches, error))
            return false;
        next = next_reached(site, reaches, row.position + 1);
        if (next == site->rows)
            return true;
        if (next == row.position + 1)
            next_row(site, &row, &cursor);
        else
            row = row_at(site, next, &cursor);
    }
}

/* Folds that go along the partition are brought up to date first: results are made from them. */
static bool find_reaches(OverSite *site, OverReach *reaches, Error *error)
{
    Over *over = site->over;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const OverCall *call = &over->calls[i];
        int64_t last = 0;
        bool along =
            call->plan->fold == PLAN_FOLD_FORWARD || call->plan->fold == PLAN_FOLD_BACKWARD;
        if (along && !over_fold_along(site, call, &last, error))
            return false;
        reaches[i] = site->rows == 0 ? (OverReach){0, 0} : over_reach(site, call, last);
    }
    return true;
}

/* --------------------------------------------------------------------- a row */

/* Sliding folds of the rows before the new one that look ahead, then its own. */
static bool slide_up_to(OverSite *site, const OverReach *reaches, const OverRow *row, Error *error)
{
    Over *over = site->over;
    if (over->shifts && !over_shift_before(site, reaches, error))
        return false;
    for (uint32_t i = 0; i < over->call_count; i++) {
        OverCall *call = &over->calls[i];
        if (call->plan->fold != PLAN_FOLD_SLIDE)
            continue;
        StateCursor cursor;
        uint32_t end = reaches[i].end < row->position ? reaches[i].end : row->position;
        end = over->shifts ? 0 : end;
        if (reaches[i].first < end) {
            OverRow ahead = row_at(site, reaches[i].first, &cursor);
            for (; ahead.position < end; next_row(site, &ahead, &cursor)) {
                arena_reset(over->made);
                if (!over_fold_slide(site, call, &ahead, error))
                    return false;
            }
        }
        if (!over_fold_slide(site, call, row, error))
            return false;
    }
    return true;
}

static bool give_results(OverSite *site, const OverRow *row, Error *error)
{
    Over *over = site->over;
    arena_reset(over->made);
    for (uint32_t i = 0; i < over->call_count; i++) {
        if (!over_value(site, &over->calls[i], row, error))
            return false;
        over_result_store(over, &over->calls[i], row->record);
    }
    return true;
}

static void come_to_ties(const OverSite *site, uint64_t arrival)
{
    RowTiesGroup group = {site->partition, site->order_key};
    row_ties_come(site->over->ties, &group, site->row, arrival, arrival == 0);
}

/* Enters the row behind its equals; most come behind all others. */
static void *enter_row(OverSite *site, const OverBatch *work, uint32_t row)
{
    Over *over = site->over;
    Str own_key = work->sort_keys[row];
    const void *last = state_tree_last(site->tree);
    Str last_key = last == NULL ? (Str){NULL, 0} : state_tree_sort_key(over->rows, last);
    int order = last == NULL ? 1 : over_keys_compare(site->order_key, over_order_part(last_key));
    site->position = site->rows;
    if (order >= 0) {
        uint64_t next = order == 0 ? over_read_arrival(last_key) + 1 : 0;
        over_write_arrival(own_key, next);
        come_to_ties(site, next);
        return state_tree_append(over->rows, &site->tree, work->keys[row], work->hashes[row],
                                 own_key, site->row);
    }
    StateCursor place, before;
    over_write_arrival(own_key, UINT64_MAX);
    state_cursor_seek(over->rows, site->tree, own_key, &place);
    site->position = state_cursor_position(&place);
    before = place;
    last = state_cursor_previous(&before);
    uint64_t arrival = 0;
    if (last != NULL) {
        last_key = state_tree_sort_key(over->rows, last);
        if (over_keys_equal(over_order_part(last_key), site->order_key))
            arrival = over_read_arrival(last_key) + 1;
    }
    over_write_arrival(own_key, arrival);
    come_to_ties(site, arrival);
    return state_cursor_put(over->rows, &site->tree, work->keys[row], work->hashes[row], &place,
                            own_key, site->row);
}

static bool insert_row(OverSite *site, const OverBatch *work, uint32_t in_row, Error *error)
{
    Over *over = site->over;
    OverReach reaches[PLAN_OVER_CALLS_MAX];
    void *record = enter_row(site, work, in_row);
    over_enter_values(over, record);
    if (over->plan->final_only)
        return true;
    site->rows = state_tree_size(site->tree);
    site->is_there = true;
    over_choices_start(over);
    if (!find_reaches(site, reaches, error))
        return false;
    OverRow row = {.position = site->position, .record = record};
    row.previous = row.position == 0 ? NULL : state_tree_at(site->tree, row.position - 1);
    over_find_peers(site, &row, NULL, NULL);
    if (!slide_up_to(site, reaches, &row, error) || !give_results(site, &row, error))
        return false;
    uint32_t out;
    if (!row_output_add(&over->output, CHANGE_INSERT, &out, error))
        return false;
    row_output_copy(&over->output, out, in_row);
    for (uint32_t i = 0; i < over->call_count; i++)
        over_result_read(&over->calls[i], record, over->output.columns[over->own + i], out,
                         over->output.batch->arena);
    return update_others(site, reaches, error);
}

/* The same for many rows equal in the order. */
static void *find_tie(OverSite *site, StateCursor *cursor)
{
    Over *over = site->over;
    RowTiesGroup group = {site->partition, site->order_key};
    uint64_t arrival;
    if (!row_ties_has(over->ties, &group)) {
        void *record = state_cursor_seek(over->rows, site->tree, site->order_key, cursor);
        while (record != NULL && over_keys_equal(over_order_key(over, record), site->order_key)) {
            row_ties_add(over->ties, &group, state_tree_payload(over->rows, record),
                         over_read_arrival(state_tree_sort_key(over->rows, record)));
            record = state_cursor_next(cursor);
        }
    }
    if (!row_ties_find(over->ties, &group, site->row, true, &arrival))
        return NULL;
    Str key = {site->order_key.data, site->order_key.length + OVER_ARRIVAL_BYTES};
    over_write_arrival(key, arrival);
    return state_cursor_seek(over->rows, site->tree, key, cursor);
}

/* The last row that is the same in all columns, and its place; NULL when it is not known. */
static void *find_row(OverSite *site, StateCursor *cursor)
{
    Over *over = site->over;
    if (site->tree == NULL)
        return NULL;
    Str behind = {site->order_key.data, site->order_key.length + OVER_ARRIVAL_BYTES};
    over_write_arrival(behind, UINT64_MAX);
    state_cursor_seek(over->rows, site->tree, behind, cursor);
    void *record = state_cursor_previous(cursor);
    for (uint32_t steps = 0; record != NULL; record = state_cursor_previous(cursor)) {
        if (!over_keys_equal(over_order_key(over, record), site->order_key))
            return NULL;
        if (steps++ == ROW_TIES_STEPS) {
            StateCursor place;
            void *tie = find_tie(site, &place);
            if (tie == NULL)
                return NULL;
            if (over_keys_equal(state_tree_payload(over->rows, tie), site->row)) {
                *cursor = place;
                return tie;
            }
        }
        if (over_keys_equal(state_tree_payload(over->rows, record), site->row))
            return record;
    }
    return NULL;
}

static void go_from_ties(const OverSite *site, const void *record)
{
    RowTiesGroup group = {site->partition, site->order_key};
    row_ties_go(site->over->ties, &group, site->row,
                over_read_arrival(state_tree_sort_key(site->over->rows, record)));
}

/* The partition has lost its last row. */
static void forget_tree(const OverBatch *work, const StateTree *tree)
{
    for (uint32_t i = work->first; i < work->end; i++)
        work->trees[i] = work->trees[i] == tree ? NULL : work->trees[i];
}

static bool remove_row(OverSite *site, OverBatch *work, Error *error)
{
    Over *over = site->over;
    OverReach reaches[PLAN_OVER_CALLS_MAX];
    StateCursor place;
    void *record = find_row(site, &place);
    if (record == NULL)
        return true;
    site->position = state_cursor_position(&place);
    if (!over->plan->final_only && !emit_record(over, CHANGE_DELETE, record, error))
        return false;
    over_leave_values(over, record);
    go_from_ties(site, record);
    if (state_cursor_remove(over->rows, &place)) {
        forget_tree(work, site->tree);
        return true;
    }
    if (over->plan->final_only)
        return true;
    site->rows = state_tree_size(site->tree);
    over_choices_start(over);
    return find_reaches(site, reaches, error) && update_others(site, reaches, error);
}

/* -------------------------------------------------------------------- a batch */

static void encode_sort_keys(Over *over, OverBatch *work)
{
    const PlanOver *plan = over->plan;
    uint32_t count = work->in->row_count;
    SortKeyColumn *columns = arena_new_array(over->scratch, SortKeyColumn, plan->order_count + 1);
    for (uint32_t k = 0; k < plan->order_count; k++)
        columns[k] = (SortKeyColumn){&work->in->columns[plan->order[k].column],
                                     {plan->order[k].descending, plan->order[k].nulls_last}};
    work->sort_keys = arena_alloc(over->scratch, sizeof(Str) * (count + 1));
    sort_key_encode(columns, plan->order_count, count, OVER_ARRIVAL_BYTES, &over->sort_keys,
                    work->sort_keys);
}

static void prepare(Over *over, OverBatch *work)
{
    Batch *in = work->in;
    uint32_t count = in->row_count;
    work->rows = arena_alloc(over->scratch, sizeof(Str) * (count + 1));
    work->keys = arena_alloc(over->scratch, sizeof(Str) * (count + 1));
    work->hashes = arena_alloc(over->scratch, sizeof(uint64_t) * (count + 1));
    for (uint32_t c = 0; c < over->own; c++)
        over->columns[c] = &in->columns[c];
    row_encode(over->layout, over->columns, NULL, count, over->scratch, work->rows);
    if (over->plan->partition_count != 0) {
        for (uint32_t k = 0; k < over->plan->partition_count; k++)
            over->partition_columns[k] = &in->columns[over->plan->partition[k]];
        row_encode(over->partition_layout, over->partition_columns, NULL, count, over->scratch,
                   work->keys);
    } else {
        for (uint32_t i = 0; i < count; i++)
            work->keys[i] = (Str){"", 0};
    }
    key_hash_many(over->key_hash, in, work->keys, count, over->scratch, work->hashes);
    work->trees = arena_alloc(over->scratch, sizeof(StateTree *) * (count + 1));
    encode_sort_keys(over, work);
}

/* Finds the partitions of some rows and reads their ends, where most rows go, into the cache. Rows
 * of one partition depend on each other, those of different ones wait for memory together. */
static void find_partitions(Over *over, OverBatch *work, uint32_t first, uint32_t count)
{
    work->first = first;
    work->end = first + count;
    state_ordered_trees(over->rows, work->keys + first, work->hashes + first, count,
                        work->trees + first);
    /* The row a way before the new one is one nearer to the end while that is not there. */
    uint32_t distance = over->append_distance == 0 ? 0 : over->append_distance - 1;
    state_trees_prefetch_ends(work->trees + first, count, distance);
}

StateTree *over_tree_of(Over *over, const OverBatch *work, uint32_t row)
{
    StateTree *tree = work->trees[row];
    if (tree == NULL)
        state_ordered_trees(over->rows, &work->keys[row], &work->hashes[row], 1, &tree);
    return tree;
}

static bool apply_row(Over *over, OverBatch *work, uint32_t row, Error *error)
{
    OverSite site = {.over = over, .row = work->rows[row]};
    site.order_key = over_order_part(work->sort_keys[row]);
    site.partition = work->keys[row];
    site.tree = over_tree_of(over, work, row);
    site.rows = state_tree_size(site.tree);
    over_values_partition(over->values, work->keys[row], work->hashes[row]);
    if (change_is_retraction(batch_kind(work->in, row)))
        return remove_row(&site, work, error);
    if (over->plan->final_only) {
        void *record;
        state_value_get_or_create(over->partitions, &work->keys[row], &work->hashes[row], 1,
                                  &record, NULL);
    }
    return insert_row(&site, work, row, error);
}

static bool apply_rows(Over *over, OverBatch *work, uint32_t first, uint32_t count, Error *error)
{
    find_partitions(over, work, first, count);
    for (uint32_t row = first; row < first + count;) {
        uint32_t taken = 0;
        if (over->appends && !over_append_rows(over, work, row, first + count, &taken, error))
            return false;
        row += taken;
        if (row == first + count)
            break;
        over_look_ahead(over, work, row, first + count);
        if (!apply_row(over, work, row++, error))
            return false;
    }
    return true;
}

/* One row of each column the calls read, to decode into. */
static void prepare_calls(Over *over)
{
    const Schema *input = over->base.context->node->inputs[0].node->schema;
    for (uint32_t i = 0; i < over->call_count; i++) {
        OverCall *call = &over->calls[i];
        for (uint32_t c = 0; c < over->own; c++)
            if (call->decode[c] != NULL)
                vector_init(call->decode[c], input->columns[c].type, 1, over->scratch);
        if (call->nested != NULL)
            continue; /* made with each value */
        vector_init(&call->value, call->plan->type, 1, over->scratch);
        vector_set_null(&call->value, 0, over->scratch); /* the bitmap outlives the value */
        vector_set_valid(&call->value, 0);
    }
    if (over->plan->order_count != 0)
        vector_init(&over->order_value, input->columns[over->plan->order[0].column].type, 1,
                    over->scratch);
}

static bool over_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Over *over = (Over *)op;
    arena_reset(over->scratch);
    row_ties_advance(over->ties, op->context->environment->batch_time_us);
    prepare_calls(over);
    OverBatch work = {.in = batch};
    prepare(over, &work);
    row_output_start(&over->output, batch, 0, over->own, emitter);
    bool ok = true;
    for (uint32_t first = 0; ok && first < batch->row_count; first += OVER_RUN) {
        uint32_t count = batch->row_count - first;
        ok = apply_rows(over, &work, first, count < OVER_RUN ? count : OVER_RUN, error);
    }
    ok = ok && state_store_check(op->context->state, error) &&
         row_output_finish(&over->output, error);
    row_output_discard(&over->output);
    batch_release(batch);
    return ok;
}

/* ------------------------------------------------------------------- the end */

typedef struct OverEnd {
    Over *over;
    Error *error;
    bool ok;
} OverEnd;

/* As if all rows had come at once. */
static bool finish_partition(OverSite *site, Error *error)
{
    Over *over = site->over;
    over_choices_start(over);
    for (uint32_t i = 0; i < over->call_count; i++) {
        const OverCall *call = &over->calls[i];
        int64_t last;
        OverSite end = *site;
        end.is_end = true;
        end.position = call->plan->fold == PLAN_FOLD_BACKWARD ? site->rows : 0;
        if ((call->plan->fold == PLAN_FOLD_FORWARD || call->plan->fold == PLAN_FOLD_BACKWARD) &&
            !over_fold_along(&end, call, &last, error))
            return false;
    }
    StateCursor cursor;
    OverRow row = row_at(site, 0, &cursor);
    for (; row.record != NULL; next_row(site, &row, &cursor)) {
        for (uint32_t i = 0; i < over->call_count; i++)
            if (over->calls[i].plan->fold == PLAN_FOLD_SLIDE &&
                !over_fold_slide(site, &over->calls[i], &row, error))
                return false;
        if (!give_results(site, &row, error) ||
            !emit_record(over, CHANGE_INSERT, row.record, error))
            return false;
    }
    return true;
}

static void finish_one(void *to, void *record)
{
    OverEnd *end = to;
    if (!end->ok)
        return;
    Over *over = end->over;
    Str key = state_value_key(over->partitions, record);
    uint64_t hash = hash_bytes(key.data, key.length);
    OverSite site = {.over = over};
    over_values_partition(over->values, key, hash);
    state_ordered_trees(over->rows, &key, &hash, 1, &site.tree);
    site.rows = state_tree_size(site.tree);
    end->ok = site.rows == 0 || finish_partition(&site, end->error);
}

static bool over_end(Operator *op, Emitter *emitter, Error *error)
{
    Over *over = (Over *)op;
    if (!over->plan->final_only)
        return true;
    arena_reset(over->scratch);
    prepare_calls(over);
    row_output_start(&over->output, NULL, 0, 0, emitter);
    OverEnd end = {over, error, true};
    state_value_each(over->partitions, finish_one, &end);
    end.ok = end.ok && row_output_finish(&over->output, error);
    row_output_discard(&over->output);
    return end.ok;
}

/* ------------------------------------------------------------------ lifetime */

static Vector *decoded(Over *over, OverCall *call, uint32_t column)
{
    if (call->decode[column] == NULL)
        call->decode[column] = arena_new_one(over->base.context->arena, Vector);
    return call->decode[column];
}

static void open_call(Over *over, uint32_t number, uint32_t *record_bytes, uint32_t *strings,
                      uint32_t *string_count)
{
    Arena *arena = over->base.context->arena;
    OverCall *call = &over->calls[number];
    const PlanOverCall *plan = &over->plan->calls[number];
    call->plan = plan;
    over->wants_peers |= over_wants_peers(plan);
    call->number = number;
    call->decode = arena_new_array(arena, Vector *, over->own + 1);
    call->args = arena_new_array(arena, const Vector *, plan->argument_count + 1);
    for (uint32_t a = 0; a < plan->argument_count; a++)
        call->args[a] = decoded(over, call, plan->arguments[a]);
    if (plan->filter >= 0)
        call->filter = decoded(over, call, (uint32_t)plan->filter);
    call->by_values = plan->distinct && plan->fold == PLAN_FOLD_FORWARD;
    if (plan->distinct && !call->by_values)
        call->seen = over_distinct_open(arena, over->base.context->node->inputs[0].node->schema,
                                        plan->arguments, plan->argument_count);
    bool is_nested = type_is_nested(plan->type);
    call->nested = is_nested ? row_layout_new(arena, &call->plan->type, 1) : NULL;
    call->result_is_text = is_nested || plan->type->physical == PHYSICAL_STRING;
    call->result_bytes =
        call->result_is_text ? sizeof(StringView) : (uint32_t)physical_size(plan->type->physical);
    call->result_offset = *record_bytes;
    if (call->result_is_text)
        strings[(*string_count)++] = call->result_offset;
    *record_bytes += (uint32_t)size_round_up(call->result_bytes, 8);
    call->fold_offset = *record_bytes;
    if (plan->fold == PLAN_FOLD_NONE || plan->fold == PLAN_FOLD_ANEW)
        return;
    for (uint32_t k = 0; k < plan->aggregate.string_count; k++)
        strings[(*string_count)++] = call->fold_offset + plan->aggregate.string_offsets[k];
    *record_bytes += plan->aggregate.state_bytes;
}

static void declare_tables(Over *over, const OperatorContext *context)
{
    Arena *arena = context->arena;
    uint32_t room = 1;
    for (uint32_t i = 0; i < over->call_count; i++)
        room += 1 + over->plan->calls[i].aggregate.string_count;
    uint32_t *strings = arena_new_array(arena, uint32_t, room);
    uint32_t record_bytes = sizeof(uint64_t), string_count = 0;
    for (uint32_t i = 0; i < over->call_count; i++)
        open_call(over, i, &record_bytes, strings, &string_count);
    StateSpec rows = {
        .name = "rows",
        .kind = STATE_ORDERED,
        .record_bytes = record_bytes,
        .string_offsets = strings,
        .string_count = string_count,
        .ttl_ms = over->plan->state_ttl_ms,
        .description = row_slot_describe(arena, context->node->schema),
    };
    over->rows = state_table_declare(context->state, &rows);
    over->values = over_values_open(context, over->plan);
    if (!over->plan->final_only)
        return;
    StateSpec partitions = {.name = "partitions",
                            .kind = STATE_VALUE,
                            .record_bytes = sizeof(uint64_t),
                            .description = "partitions seen"};
    over->partitions = state_table_declare(context->state, &partitions);
}

static Operator *over_open(const OperatorContext *context, Error *error)
{
    Arena *arena = context->arena;
    const Schema *input = context->node->inputs[0].node->schema;
    Over *over = arena_new_one(arena, Over);
    over->base.context = context;
    over->plan = context->node->spec;
    over->own = input->column_count;
    over->layout = row_layout_of_schema(arena, input);
    over->columns = arena_new_array(arena, const Vector *, over->own + 1);
    uint32_t parts = over->plan->partition_count;
    over->partition_layout = row_layout_of_columns(arena, input, over->plan->partition, parts);
    over->key_hash = key_hash_new(arena, &context->node->inputs[0], over->plan->partition, parts);
    over->partition_columns = arena_new_array(arena, const Vector *, parts + 1);
    over->call_count = over->plan->call_count;
    over->calls = arena_new_array(arena, OverCall, over->call_count + 1);
    declare_tables(over, context);
    over_scratch_open(over);
    over_choices_open(over);
    over_append_open(over);
    over_shift_open(over);
    over_ahead_open(over);
    over->ties = row_ties_new(arena, over->plan->state_ttl_ms);
    row_output_init(&over->output, context);
    over->scratch = arena_new((size_t)1 << 16);
    over->made = arena_new((size_t)1 << 12);
    return &over->base;
}

static void over_close(Operator *op)
{
    Over *over = (Over *)op;
    over_scratch_close(over);
    row_ties_free(over->ties);
    over_values_close(over->values);
    for (uint32_t i = 0; i < over->call_count; i++)
        if (over->calls[i].seen != NULL)
            over_distinct_close(over->calls[i].seen);
    buffer_deinit(&over->key);
    buffer_deinit(&over->sort_keys);
    buffer_deinit(&over->bound);
    buffer_deinit(&over->nested);
    arena_free(over->scratch);
    arena_free(over->made);
}

const OperatorClass op_over = {
    .name = "over",
    .open = over_open,
    .batch = over_batch,
    .end = over_end,
    .close = over_close,
    .has_pairs = operator_makes_pairs,
};
