/* Rank: Top-N: the rows of each partition whose number lies in a range, kept up to date.
 *
 * Contract: what each change emits, and in which order, stands in rank/rows.c (ROW_NUMBER) and
 * rank/ties.c (RANK, DENSE_RANK). Rows with equal sort keys are numbered in order of arrival; an
 * update is a retraction and a new row. A retraction of a row that is not there is ignored.
 *
 * State: ORDERED, partition → sort key and arrival → row, so that the row at a place and the place
 * of a row are found in logarithmic time. Invariant: without retractions no row behind the range
 * is kept, and what is dropped could never come back.
 *
 * Cost: a retraction looks through some of the rows with its sort key (row_ties.h). A batch finds
 * its partitions in one call; a row that cannot get into a full range is one comparison of two
 * numbers in the batch's own memory. Any other is encoded where it stays, a run of rows at once,
 * before its place is known: one that comes to nothing after all is given back. Its place is a
 * search; one output row goes out for each number that passes to another row, and a row is decoded
 * for that once a batch at most. */
#include "core/sort_key.h"
#include "executor/rank/rank.h"
#include "executor/row_slot.h"

/* ---------------------------------------------------------------------- output */

static RankSeen *seen_of(const Rank *rank, const void *record)
{
    uint64_t hash = (uint64_t)(uintptr_t)record / 8 * UINT64_C(0x9E3779B97F4A7C15);
    return &rank->seen[hash >> 32 & (RANK_SEEN - 1)];
}

/* A row that is pushed down is given once for each place: it is decoded once a batch, or not at all
 * when it came with the input at hand. */
static void give_row(Rank *rank, RankRow *row, uint64_t number, uint32_t to)
{
    RowOutput *output = &rank->output;
    if (rank->plan->with_number)
        ((int64_t *)output->columns[rank->column_count]->data)[to] = (int64_t)number;
    if (row->input_row != UINT32_MAX) {
        row_output_copy(output, to, row->input_row);
        return;
    }
    RankSeen *seen = seen_of(rank, row->record);
    uint32_t of_output = rank_output_batch(output->batches);
    if (seen->record == row->record && seen->batch == rank->input) {
        row->input_row = seen->row;
        row_output_copy(output, to, seen->row);
    } else if (seen->record == row->record && seen->batch == of_output) {
        row_output_repeat(output, to, seen->row, 0, rank->column_count);
    } else {
        row_output_keep(output, to, rank->row_layout, state_tree_payload(rank->rows, row->record),
                        0);
        *seen = (RankSeen){row->record, of_output, to};
    }
}

bool rank_give(Rank *rank, uint8_t kind, RankRow *row, uint64_t number, Error *error)
{
    uint32_t to;
    if (rank->is_quiet)
        return true;
    if (!row_output_add(&rank->output, kind, &to, error))
        return false;
    give_row(rank, row, number, to);
    return true;
}

bool rank_give_pair(Rank *rank, RankRow *before, uint64_t before_number, RankRow *after,
                    uint64_t after_number, Error *error)
{
    return (!rank->wants_before ||
            rank_give(rank, CHANGE_UPDATE_BEFORE, before, before_number, error)) &&
           rank_give(rank, CHANGE_UPDATE_AFTER, after, after_number, error);
}

/* ------------------------------------------------------------------------ rows */

static void write_arrival(Str sort_key, uint64_t arrival)
{
    char *to = (char *)(uintptr_t)sort_key.data + sort_key.length - RANK_ARRIVAL_BYTES;
    uint64_t big_endian = __builtin_bswap64(arrival << 16);
    memcpy(to, &big_endian, RANK_ARRIVAL_BYTES);
}

static uint64_t read_arrival(Str sort_key)
{
    uint64_t big_endian = 0;
    memcpy(&big_endian, sort_key.data + sort_key.length - RANK_ARRIVAL_BYTES, RANK_ARRIVAL_BYTES);
    return __builtin_bswap64(big_endian) >> 16;
}

void rank_first_arrival(Str sort_key)
{
    write_arrival(sort_key, 0);
}

/* Of rows that go before those that are equal in the order; it falls from there. */
#define ARRIVAL_HIGH (UINT64_MAX >> 16)

/* Before all rows that are equal in the order. */
static uint32_t take_first_place(const Rank *rank, const StateTree *tree, Str sort_key,
                                 StateCursor *place)
{
    uint64_t arrival = ARRIVAL_HIGH;
    write_arrival(sort_key, 0);
    if (state_tree_size(tree) == 0) {
        write_arrival(sort_key, arrival);
        return 0;
    }
    void *record = state_cursor_seek(rank->rows, tree, sort_key, place);
    Str other = record == NULL ? (Str){NULL, 0} : state_tree_sort_key(rank->rows, record);
    if (record != NULL && rank_str_equal(rank_prefix(other), rank_prefix(sort_key)))
        arrival = read_arrival(other) - 1;
    write_arrival(sort_key, arrival);
    return state_cursor_position(place);
}

/* Whether the entry is equal in the order; its head mostly tells. */
static bool is_tie(const Rank *rank, const void *record, uint64_t head, Str sort_key)
{
    if (sort_key.length >= STATE_HEAD_BYTES + RANK_ARRIVAL_BYTES &&
        state_sort_head(sort_key) != head)
        return false;
    Str other = state_tree_sort_key(rank->rows, record);
    return rank_str_equal(rank_prefix(other), rank_prefix(sort_key));
}

uint32_t rank_take_place(const Rank *rank, const RankPartition *partition, Str sort_key,
                         StateCursor *place)
{
    if (rank->later_wins)
        return take_first_place(rank, partition->rows, sort_key, place);
    write_arrival(sort_key, ARRIVAL_HIGH);
    uint64_t arrival = 0, head = 0;
    const void *record = state_cursor_place(rank->rows, partition->rows, sort_key, place, &head);
    if (record != NULL && is_tie(rank, record, head, sort_key))
        arrival = read_arrival(state_tree_sort_key(rank->rows, record)) + 1;
    write_arrival(sort_key, arrival);
    return state_tree_size(partition->rows) == 0 ? 0 : state_cursor_position(place);
}

void rank_keep(Rank *rank, RankBatch *work, RankPartition *partition, uint32_t row,
               StateCursor *place)
{
    void *record = work->made[row - work->first];
    work->made[row - work->first] = NULL;
    if (record != NULL)
        state_cursor_enter(rank->rows, &partition->rows, partition->key, partition->hash, place,
                           work->sort_keys[row], record);
    else
        record = state_cursor_put(rank->rows, &partition->rows, partition->key, partition->hash,
                                  place, work->sort_keys[row], work->encoded[row]);
    if (rank->ties != NULL) {
        RowTiesGroup group = {partition->key, rank_prefix(work->sort_keys[row])};
        uint64_t arrival = read_arrival(work->sort_keys[row]);
        row_ties_come(rank->ties, &group, work->encoded[row], arrival,
                      arrival == 0 || arrival == ARRIVAL_HIGH);
    }
    *seen_of(rank, record) = (RankSeen){record, rank->input, row};
}

void rank_forget(Rank *rank, RankPartition *partition, StateCursor *place)
{
    const void *record = state_cursor_record(place);
    RankSeen *seen = seen_of(rank, record);
    if (seen->record == record)
        *seen = (RankSeen){0};
    if (rank->ties != NULL) {
        Str sort_key = state_tree_sort_key(rank->rows, record);
        RowTiesGroup group = {partition->key, rank_prefix(sort_key)};
        row_ties_go(rank->ties, &group, state_tree_payload(rank->rows, record),
                    read_arrival(sort_key));
    }
    if (state_cursor_remove(rank->rows, place))
        partition->rows = NULL;
}

/* The same among many with the row's sort key; `place` is at the first of them. */
static void *find_tie(const Rank *rank, const RankPartition *partition, Str sort_key, Str row,
                      StateCursor *place)
{
    RowTiesGroup group = {partition->key, rank_prefix(sort_key)};
    uint64_t arrival;
    if (!row_ties_has(rank->ties, &group)) {
        const void *record = state_cursor_seek(rank->rows, partition->rows, sort_key, place);
        for (; record != NULL; record = state_cursor_next(place)) {
            Str other = state_tree_sort_key(rank->rows, record);
            if (!rank_str_equal(rank_prefix(other), group.sort_key))
                break;
            row_ties_add(rank->ties, &group, state_tree_payload(rank->rows, record),
                         read_arrival(other));
        }
    }
    if (!row_ties_find(rank->ties, &group, row, false, &arrival))
        return NULL;
    write_arrival(sort_key, arrival);
    return state_cursor_seek(rank->rows, partition->rows, sort_key, place);
}

void *rank_find(const Rank *rank, const RankBatch *work, const RankPartition *partition,
                uint32_t row, StateCursor *place)
{
    Str sort_key = work->sort_keys[row];
    rank_first_arrival(sort_key);
    void *record = state_cursor_seek(rank->rows, partition->rows, sort_key, place);
    for (uint32_t steps = 0; record != NULL; record = state_cursor_next(place)) {
        Str other = state_tree_sort_key(rank->rows, record);
        if (!rank_str_equal(rank_prefix(other), rank_prefix(sort_key)))
            return NULL;
        if (steps++ == ROW_TIES_STEPS && rank->ties != NULL) {
            StateCursor tie_place;
            void *tie = find_tie(rank, partition, sort_key, work->encoded[row], &tie_place);
            if (tie == NULL)
                return NULL;
            if (rank_str_equal(state_tree_payload(rank->rows, tie), work->encoded[row])) {
                *place = tie_place;
                return tie;
            }
        }
        if (rank_str_equal(state_tree_payload(rank->rows, record), work->encoded[row]))
            return record;
    }
    return NULL;
}

/* --------------------------------------------------------------------- a batch */

static void encode_keys(Rank *rank, const Batch *in, const RowLayout *layout,
                        const uint32_t *columns, uint32_t count, Str *keys)
{
    for (uint32_t k = 0; k < count; k++)
        rank->vectors[k] = &in->columns[columns[k]];
    row_encode(layout, rank->vectors, NULL, in->row_count, rank->scratch, keys);
}

/* Whether a row that is equal to the last of a full range in the order is behind it. */
static bool ties_fall(const Rank *rank)
{
    return rank->plan->function == PLAN_RANK_ROW_NUMBER && !rank->later_wins;
}

static void encode_sort_keys(Rank *rank, RankBatch *work)
{
    const PlanRank *plan = rank->plan;
    uint32_t n = work->in->row_count;
    SortKeyColumn *columns = arena_new_array(rank->scratch, SortKeyColumn, plan->order_count + 1);
    for (uint32_t k = 0; k < plan->order_count; k++)
        columns[k] = (SortKeyColumn){&work->in->columns[plan->order[k].column],
                                     {plan->order[k].descending, plan->order[k].nulls_last}};
    work->sort_keys = arena_alloc(rank->scratch, sizeof(Str) * n);
    sort_key_encode(columns, plan->order_count, n, RANK_ARRIVAL_BYTES, &rank->sort_keys,
                    work->sort_keys);
    work->heads = arena_alloc(rank->scratch, sizeof(uint64_t) * n);
    uint64_t arrival = ties_fall(rank) ? ARRIVAL_HIGH : 0;
    for (uint32_t row = 0; row < n; row++) {
        write_arrival(work->sort_keys[row], arrival);
        work->heads[row] = state_sort_head(work->sort_keys[row]);
    }
}

/* What ends the range of the row's partition. */
static uint64_t read_last(const Rank *rank, const Batch *in, uint32_t row)
{
    if (rank->plan->last_column < 0)
        return rank->plan->last;
    return rank_read_last(rank, &in->columns[rank->plan->last_column], row);
}

/* Numbers the partitions of the batch, so that each is looked up once and a tree that comes or goes
 * is known to all of its rows. */
static void number_partitions(Rank *rank, RankBatch *work, const Str *keys, const uint64_t *hashes)
{
    uint32_t n = work->in->row_count;
    uint32_t mask = 1;
    while (mask < n * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(rank->scratch, sizeof(uint32_t) * mask);
    mask--;
    work->partition_of = arena_alloc(rank->scratch, sizeof(uint32_t) * n);
    work->partitions = arena_alloc(rank->scratch, sizeof(RankPartition) * n);
    for (uint32_t row = 0; row < n; row++) {
        uint32_t at = (uint32_t)hashes[row] & mask;
        while (slots[at] != 0 && (work->partitions[slots[at] - 1].hash != hashes[row] ||
                                  !rank_str_equal(work->partitions[slots[at] - 1].key, keys[row])))
            at = (at + 1) & mask;
        if (slots[at] == 0) {
            work->partitions[work->partition_count] =
                (RankPartition){.key = keys[row],
                                .hash = hashes[row],
                                .last = read_last(rank, work->in, row),
                                .row = row};
            slots[at] = ++work->partition_count;
        }
        work->partition_of[row] = slots[at] - 1;
    }
}

static void find_partitions(Rank *rank, RankBatch *work)
{
    Arena *scratch = rank->scratch;
    uint32_t n = work->in->row_count;
    Str *keys = arena_alloc(scratch, sizeof(Str) * n);
    uint64_t *hashes = arena_alloc(scratch, sizeof(uint64_t) * n);
    if (rank->plan->partition_count == 0)
        for (uint32_t row = 0; row < n; row++)
            keys[row] = (Str){"", 0};
    else
        encode_keys(rank, work->in, rank->key_layout, rank->plan->partition,
                    rank->plan->partition_count, keys);
    key_hash_many(rank->key_hash, work->in, keys, n, scratch, hashes);
    number_partitions(rank, work, keys, hashes);
    uint32_t count = work->partition_count;
    StateTree **trees = arena_alloc(scratch, sizeof(StateTree *) * count);
    for (uint32_t p = 0; p < count; p++) {
        keys[p] = work->partitions[p].key;
        hashes[p] = work->partitions[p].hash;
    }
    if (rank->always_keeps && rank->begins == NULL)
        state_ordered_make_trees(rank->rows, keys, hashes, count, trees);
    else
        state_ordered_trees(rank->rows, keys, hashes, count, trees);
    for (uint32_t p = 0; p < count; p++) {
        work->partitions[p].rows = trees[p];
        if (rank->begins != NULL && trees[p] == NULL)
            rank->begins(rank, work->in, &work->partitions[p]);
    }
    if (rank->distinct == NULL)
        return;
    state_ordered_trees(rank->distinct, keys, hashes, count, trees);
    for (uint32_t p = 0; p < count; p++)
        work->partitions[p].distinct = trees[p];
}

static uint64_t read_bound(const Rank *rank, const RankPartition *partition)
{
    if (partition->last == 0)
        return 0;
    const StateTree *counted = rank->distinct != NULL ? partition->distinct : partition->rows;
    if (rank->keeps_all || state_tree_size(counted) < partition->last)
        return UINT64_MAX;
    return state_tree_last_head(partition->rows);
}

/* The same of a row whose head is the bound. */
static bool is_behind_last(const Rank *rank, const RankPartition *partition, Str sort_key)
{
    if (partition->last == 0)
        return true;
    const StateTree *counted = rank->distinct != NULL ? partition->distinct : partition->rows;
    if (rank->keeps_all || state_tree_size(counted) < partition->last)
        return false;
    Str last = rank_prefix(state_tree_sort_key(rank->rows, state_tree_last(partition->rows)));
    Str prefix = rank_prefix(sort_key);
    size_t common = prefix.length < last.length ? prefix.length : last.length;
    int order = common == 0 ? 0 : memcmp(prefix.data, last.data, common);
    return order > 0 || (order == 0 && ties_fall(rank));
}

/* Whether the range is full and the row is not before its last one: nothing will come of it. */
static inline bool is_behind(const Rank *rank, const RankBatch *work, uint32_t row)
{
    const RankPartition *partition = &work->partitions[work->partition_of[row]];
    if (work->heads[row] != partition->bound)
        return work->heads[row] > partition->bound;
    return is_behind_last(rank, partition, work->sort_keys[row]);
}

/* Of some rows those that may do something: a full range only gets harder to get into. */
static uint32_t choose_rows(const Rank *rank, const RankBatch *work, uint32_t end, uint32_t *rows)
{
    uint32_t count = 0;
    bool updates = rank->plan->strategy == PLAN_RANK_UPDATE;
    for (uint32_t row = work->first; row < end; row++) {
        rows[count] = row;
        count += updates || !is_behind(rank, work, row);
    }
    return count;
}

static bool change_row(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    bool by_row = rank->plan->function == PLAN_RANK_ROW_NUMBER;
    if (change_is_retraction(batch_kind(work->in, row)))
        return by_row ? rank_rows_retract(rank, work, row, error)
                      : rank_ties_retract(rank, work, row, error);
    if (rank->plan->strategy == PLAN_RANK_UPDATE)
        return rank_rows_update(rank, work, row, error);
    return by_row ? rank_rows_insert(rank, work, row, error)
                  : rank_ties_insert(rank, work, row, error);
}

static bool apply_row(Rank *rank, RankBatch *work, uint32_t row, Error *error)
{
    RankPartition *partition = &work->partitions[work->partition_of[row]];
    if (rank->plan->strategy != PLAN_RANK_UPDATE && is_behind(rank, work, row))
        return true;
    bool ok = change_row(rank, work, row, error);
    partition->bound = read_bound(rank, partition);
    return ok;
}

/* So many rows that what is read ahead of their partitions stays in the cache. */
#define RANK_RUN 128

/* Reads the bounds of the partitions that come up first from `first` on. */
static void read_bounds(const Rank *rank, RankBatch *work, uint32_t end)
{
    StateTree *trees[RANK_RUN] = {NULL};
    RankPartition *partitions[RANK_RUN];
    uint32_t count = 0;
    for (uint32_t row = work->first; row < end; row++) {
        RankPartition *partition = &work->partitions[work->partition_of[row]];
        if (partition->row != row)
            continue;
        partitions[count] = partition;
        trees[count++] = state_tree_size(partition->rows) == 0 ? NULL : partition->rows;
    }
    state_trees_prefetch_last(trees, count);
    for (uint32_t i = 0; i < count; i++)
        partitions[i]->bound = read_bound(rank, partitions[i]);
}

/* Encodes the rows: those that are to be kept where they will stay. */
static void encode_rows(Rank *rank, RankBatch *work, const uint32_t *rows, uint32_t count)
{
    Str encoded[RANK_RUN];
    for (uint32_t c = 0; c < rank->column_count; c++)
        rank->vectors[c] = &work->in->columns[c];
    RowNested nested =
        row_measure(rank->row_layout, rank->vectors, rows, count, rank->scratch, encoded);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t row = rows[i];
        char *place;
        if (rank->plan->strategy != PLAN_RANK_UPDATE &&
            !change_is_retraction(batch_kind(work->in, row)))
            work->made[row - work->first] =
                state_entry_new(rank->rows, work->partitions[work->partition_of[row]].hash,
                                work->sort_keys[row].length, encoded[i].length, &place);
        else
            place = arena_alloc(rank->scratch, encoded[i].length);
        encoded[i].data = place;
        work->encoded[row] = encoded[i];
    }
    row_write(rank->row_layout, rank->vectors, rows, count, nested, encoded);
}

static bool apply_run(Rank *rank, RankBatch *work, uint32_t end, Error *error)
{
    void *made[RANK_RUN] = {NULL};
    uint32_t rows[RANK_RUN];
    work->made = made;
    read_bounds(rank, work, end);
    uint32_t count = choose_rows(rank, work, end, rows);
    encode_rows(rank, work, rows, count);
    bool ok = true;
    for (uint32_t i = 0; ok && i < count; i++)
        ok = apply_row(rank, work, rows[i], error);
    for (uint32_t i = 0; i < count; i++)
        if (made[rows[i] - work->first] != NULL)
            state_entry_discard(rank->rows, made[rows[i] - work->first]);
    return ok;
}

static bool apply_rows(Rank *rank, RankBatch *work, Error *error)
{
    uint32_t n = work->in->row_count;
    encode_sort_keys(rank, work);
    find_partitions(rank, work);
    work->encoded = arena_alloc(rank->scratch, sizeof(Str) * n);
    if (rank->plan->strategy == PLAN_RANK_UPDATE) {
        work->row_keys = arena_alloc(rank->scratch, sizeof(Str) * n);
        encode_keys(rank, work->in, rank->row_key_layout, rank->plan->row_key.columns,
                    rank->plan->row_key.count, work->row_keys);
    }
    for (; work->first < n; work->first += RANK_RUN)
        if (!apply_run(rank, work, n - work->first < RANK_RUN ? n : work->first + RANK_RUN, error))
            return false;
    return true;
}

/* Numbers of batches that come round must not be taken for those of older ones. */
static void number_input(Rank *rank)
{
    uint64_t batches = rank->inputs + rank->output.batches;
    if (batches >= rank->seen_until) {
        memset(rank->seen, 0, sizeof(RankSeen) * RANK_SEEN);
        rank->seen_until = batches + (UINT64_C(1) << 30);
    }
    rank->input = rank_input_batch(++rank->inputs);
}

bool rank_take(Rank *rank, Batch *batch, Emitter *emitter, Error *error)
{
    arena_reset(rank->scratch);
    RankBatch work = {.in = batch};
    number_input(rank);
    row_output_start(&rank->output, batch, 0, rank->column_count, emitter);
    bool ok = apply_rows(rank, &work, error) &&
              state_store_check(rank->base.context->state, error) &&
              row_output_finish(&rank->output, error);
    row_output_discard(&rank->output);
    rank->input = RANK_NO_BATCH;
    return ok;
}

static bool rank_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    row_ties_advance(((Rank *)op)->ties, op->context->environment->batch_time_us);
    bool ok = rank_take((Rank *)op, batch, emitter, error);
    batch_release(batch);
    return ok;
}

/* -------------------------------------------------------------------- lifetime */

/* "a, b -> c DESC -> the row": changes of any of it make the state another. */
static const char *describe(const Rank *rank, const Schema *schema)
{
    const PlanRank *plan = rank->plan;
    Buffer text = {0};
    for (uint32_t k = 0; k < plan->partition_count; k++)
        buffer_printf(&text, "%s%s", k == 0 ? "" : ", ", schema->columns[plan->partition[k]].name);
    buffer_append_text(&text, " -> ");
    for (uint32_t k = 0; k < plan->order_count; k++)
        buffer_printf(&text, "%s%s %s NULLS %s", k == 0 ? "" : ", ",
                      schema->columns[plan->order[k].column].name,
                      plan->order[k].descending ? "DESC" : "ASC",
                      plan->order[k].nulls_last ? "LAST" : "FIRST");
    buffer_printf(&text, " -> %s", row_slot_describe(rank->base.context->arena, schema));
    char *copy = arena_strdup(rank->base.context->arena, buffer_text(&text));
    buffer_deinit(&text);
    return copy;
}

static void declare_tables(Rank *rank, const Schema *schema)
{
    StateStore *store = rank->base.context->state;
    StateSpec rows = {.name = "rows",
                      .kind = STATE_ORDERED,
                      .description = describe(rank, schema),
                      .ttl_ms = rank->plan->state_ttl_ms};
    rank->rows = state_table_declare(store, &rows);
    if (rank->plan->function == PLAN_RANK_DENSE_RANK) {
        StateSpec distinct = {.name = "distinct",
                              .kind = STATE_ORDERED,
                              .record_bytes = sizeof(int64_t),
                              .description = "sort key -> rows",
                              .ttl_ms = rank->plan->state_ttl_ms};
        rank->distinct = state_table_declare(store, &distinct);
    }
    if (rank->plan->strategy == PLAN_RANK_UPDATE) {
        static const uint32_t key_offset = 0;
        StateSpec places = {.name = "places",
                            .kind = STATE_VALUE,
                            .record_bytes = sizeof(StringView),
                            .string_offsets = &key_offset,
                            .string_count = 1,
                            .description = "row key -> sort key"};
        rank->places = state_table_declare(store, &places);
    }
}

void rank_setup(Rank *rank, const OperatorContext *context, const PlanRank *plan)
{
    const Schema *schema = context->node->inputs[0].node->schema;
    Arena *arena = context->arena;
    rank->base.context = context;
    rank->plan = plan;
    rank->column_count = schema->column_count;
    rank->wants_before = context->node->traits.wants_before;
    rank->shifts =
        plan->with_number || (plan->first > 1 && rank->wants_before && plan->last != UINT64_MAX);
    rank->is_quiet = plan->final_only;
    rank->keeps_all = plan->strategy == PLAN_RANK_RETRACT;
    rank->always_keeps = plan->strategy == PLAN_RANK_APPEND &&
                         plan->function == PLAN_RANK_ROW_NUMBER && plan->last_column < 0 &&
                         plan->last != 0 && plan->state_ttl_ms == 0;
    rank->key_layout = row_layout_of_columns(arena, schema, plan->partition, plan->partition_count);
    rank->key_hash =
        key_hash_new(arena, &context->node->inputs[0], plan->partition, plan->partition_count);
    rank->row_layout = row_layout_of_schema(arena, schema);
    rank->row_key_layout =
        row_layout_of_columns(arena, schema, plan->row_key.columns, plan->row_key.count);
    rank->vectors = arena_new_array(arena, const Vector *, schema->column_count + 1);
    declare_tables(rank, schema);
    row_output_init(&rank->output, context);
    rank->seen = arena_new_array(arena, RankSeen, RANK_SEEN);
    rank->scratch = arena_new((size_t)1 << 20);
}

static Operator *rank_open(const OperatorContext *context, Error *error)
{
    Rank *rank = arena_new_one(context->arena, Rank);
    rank_setup(rank, context, context->node->spec);
    if (rank->keeps_all)
        rank->ties = row_ties_new(context->arena, rank->plan->state_ttl_ms);
    return &rank->base;
}

void rank_teardown(Rank *rank)
{
    buffer_deinit(&rank->sort_keys);
    arena_free(rank->scratch);
}

static void rank_close(Operator *op)
{
    row_ties_free(((Rank *)op)->ties);
    rank_teardown((Rank *)op);
}

const OperatorClass op_rank = {
    .name = "rank",
    .open = rank_open,
    .batch = rank_batch,
    .end = rank_end,
    .close = rank_close,
    .has_pairs = operator_makes_pairs,
};
