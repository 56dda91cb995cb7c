/* Temporal join: each left row with the version that the right row of its key had at its time.
 *
 * Contract: a left row waits until the watermark reaches its time, then comes out with its own kind
 * and the latest version of its key whose time is not after its own, if the condition holds for
 * that; a version that is a delete is none. A left join pads rows without one. Rows that come out
 * together do so in the order in which they came in. A left row that is not after the watermark
 * when it comes is late. Of two versions of one time the later one counts; the old row of an update
 * says nothing.
 *
 * State: the left rows that wait, by key in the order they came; by key the right versions by time,
 * of those that the watermark has reached only the last, and not that if it is a delete.
 *
 * Cost: a tree step a row on both sides; keys of waiting rows are encoded again when they leave. */
#include <stdlib.h>

#include "executor/join/pairs.h"
#include "executor/key_hash.h"
#include "executor/row_output.h"
#include "executor/time_heap.h"

typedef struct TemporalSide {
    uint32_t column_count;
    uint32_t time_column;
    const uint32_t *keys;
    const Schema *schema;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const RowLayout *row_layout;
    StateTable *table;
    TimeHeap heap; /* left: rows that wait; right: trees with a version of that time */
} TemporalSide;

typedef struct TemporalJoin {
    Operator base;
    /* Fixed. */
    const PlanTemporalJoin *plan;
    TemporalSide left, right;
    /* Changing. */
    uint64_t order; /* of the next left row */
    RowOutput output;
    JoinPairs pairs; /* of the rows that leave */
    Arena *scratch;
} TemporalJoin;

/* A record of the left table. The right table's is a uint64_t that tells a delete. */
typedef struct LeftRecord {
    int64_t time_us;
    uint64_t kind;
} LeftRecord;

/* ---------------------------------------------------------------------- keys */

/* Keys of a batch, or of rows that leave. */
typedef struct TemporalKeys {
    const Str *keys;
    const uint64_t *hashes;
    const uint8_t *joins; /* no NULL keeps it from matching */
} TemporalKeys;

static TemporalKeys encode_keys(const TemporalJoin *join, const TemporalSide *side,
                                const Batch *batch)
{
    const PlanJoin *plan = &join->plan->join;
    uint32_t count = batch->row_count;
    const Vector **columns = arena_new_array(join->scratch, const Vector *, plan->key_count + 1);
    Str *keys = arena_new_array(join->scratch, Str, count + 1);
    uint64_t *hashes = arena_new_array(join->scratch, uint64_t, count + 1);
    uint8_t *joins = arena_alloc(join->scratch, count + 1);
    memset(joins, 1, count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++) {
        columns[k] = &batch->columns[side->keys[k]];
        for (uint32_t i = 0; i < count && !plan->null_matches[k]; i++)
            joins[i] = joins[i] && !vector_is_null(columns[k], i);
    }
    row_encode(side->key_layout, columns, NULL, count, join->scratch, keys);
    key_hash_many(side->key_hash, batch, keys, count, join->scratch, hashes);
    return (TemporalKeys){keys, hashes, joins};
}

static Str *encode_rows(const TemporalJoin *join, const TemporalSide *side, const Batch *batch)
{
    const Vector **columns = arena_new_array(join->scratch, const Vector *, side->column_count + 1);
    for (uint32_t c = 0; c < side->column_count; c++)
        columns[c] = &batch->columns[c];
    Str *rows = arena_new_array(join->scratch, Str, batch->row_count + 1);
    row_encode(side->row_layout, columns, NULL, batch->row_count, join->scratch, rows);
    return rows;
}

/* Big-endian, so that bytes compare as numbers. */
static Str sort_key_of(uint64_t number, char bytes[8])
{
    number = __builtin_bswap64(number);
    memcpy(bytes, &number, 8);
    return (Str){bytes, 8};
}

static uint64_t number_of(Str sort_key)
{
    uint64_t number;
    memcpy(&number, sort_key.data, 8);
    return __builtin_bswap64(number);
}

static uint64_t time_number(int64_t time_us)
{
    return (uint64_t)time_us ^ (UINT64_C(1) << 63);
}

static int64_t time_at(const Batch *batch, const TemporalSide *side, uint32_t row)
{
    const Vector *time = &batch->columns[side->time_column];
    return ((const int64_t *)time->data)[vector_index(time, row)];
}

/* ---------------------------------------------------------------------- left */

static void keep_left(TemporalJoin *join, Batch *batch, uint32_t row, const TemporalKeys *keys,
                      Str encoded)
{
    char bytes[8];
    uint64_t order = join->order++;
    StateTree *tree = NULL;
    state_ordered_trees(join->left.table, &keys->keys[row], &keys->hashes[row], 1, &tree);
    LeftRecord *record = state_tree_put(join->left.table, &tree, keys->keys[row], keys->hashes[row],
                                        sort_key_of(order, bytes), encoded, NULL);
    record->time_us = time_at(batch, &join->left, row);
    record->kind = batch_kind(batch, row);
    time_heap_push(&join->left.heap, (TimeHeapEntry){record->time_us, order, record});
}

static bool take_left(TemporalJoin *join, Batch *batch, Emitter *emitter, Error *error)
{
    int64_t watermark = join->base.context->time->watermark_us;
    TemporalKeys keys = encode_keys(join, &join->left, batch);
    const Str *rows = encode_rows(join, &join->left, batch);
    const Vector *time = &batch->columns[join->left.time_column];
    uint32_t *late = arena_new_array(join->scratch, uint32_t, batch->row_count + 1);
    uint32_t late_count = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        if (vector_is_null(time, i) || time_at(batch, &join->left, i) <= watermark)
            late[late_count++] = i;
        else
            keep_left(join, batch, i, &keys, rows[i]);
    }
    return late_count == 0 || emit_late(emitter, batch, late, late_count, error);
}

/* --------------------------------------------------------------------- right */

/* Of the versions that the watermark has reached leaves the last; none if that is a delete and
 * nothing follows. */
static void prune_tree(TemporalSide *side, StateTree *tree, int64_t watermark_us)
{
    char bytes[8];
    StateCursor cursor;
    while (state_tree_size(tree) > 1) {
        void *first = state_cursor_at(tree, 0, &cursor);
        void *second = state_cursor_next(&cursor);
        uint64_t next = number_of(state_tree_sort_key(side->table, second));
        if (next > time_number(watermark_us))
            break;
        state_tree_remove(side->table, first);
    }
    void *first = state_tree_first(tree);
    bool is_reached = memcmp(state_tree_sort_key(side->table, first).data,
                             sort_key_of(time_number(watermark_us), bytes).data, 8) <= 0;
    if (state_tree_size(tree) == 1 && is_reached && *(const uint64_t *)first != 0)
        state_tree_remove(side->table, first);
}

/* The heap has an entry for each version that the watermark has not reached, and no other: a tree
 * that goes has none left. */
static void prune(TemporalSide *side, int64_t watermark_us)
{
    while (side->heap.count > 0 && time_heap_next(&side->heap) <= watermark_us) {
        TimeHeapEntry entry = time_heap_pop(&side->heap);
        prune_tree(side, entry.record, entry.time_us);
    }
}

static bool take_right(TemporalJoin *join, Batch *batch, Emitter *emitter, Error *error)
{
    TemporalSide *side = &join->right;
    int64_t watermark = join->base.context->time->watermark_us;
    TemporalKeys keys = encode_keys(join, side, batch);
    const Str *rows = encode_rows(join, side, batch);
    const Vector *time = &batch->columns[side->time_column];
    uint32_t *late = arena_new_array(join->scratch, uint32_t, batch->row_count + 1);
    uint32_t late_count = 0;
    for (uint32_t i = 0; i < batch->row_count; i++) {
        uint8_t kind = batch_kind(batch, i);
        if (vector_is_null(time, i))
            late[late_count++] = i;
        if (vector_is_null(time, i) || kind == CHANGE_UPDATE_BEFORE || !keys.joins[i])
            continue;
        char bytes[8];
        int64_t at = time_at(batch, side, i);
        bool created = false;
        StateTree *tree = NULL;
        state_ordered_trees(side->table, &keys.keys[i], &keys.hashes[i], 1, &tree);
        uint64_t *gone = state_tree_put(side->table, &tree, keys.keys[i], keys.hashes[i],
                                        sort_key_of(time_number(at), bytes), rows[i], &created);
        *gone = kind == CHANGE_DELETE;
        if (at <= watermark)
            prune_tree(side, tree, watermark);
        else if (created)
            time_heap_push(&side->heap, (TimeHeapEntry){at, 0, tree});
    }
    return late_count == 0 || emit_late(emitter, batch, late, late_count, error);
}

/* The version of the key at that time; data NULL: none. */
static Str version_at(const TemporalJoin *join, Str key, uint64_t hash, int64_t time_us)
{
    char bytes[8];
    Str found;
    const TemporalSide *side = &join->right;
    void *record = state_ordered_before(side->table, key, hash,
                                        sort_key_of(time_number(time_us) + 1, bytes), &found);
    if (record == NULL || *(const uint64_t *)record != 0)
        return (Str){NULL, 0};
    return state_tree_payload(side->table, record);
}

/* ------------------------------------------------------------- rows that leave */

static int by_order(const void *a, const void *b)
{
    const TimeHeapEntry *x = a, *y = b;
    return (x->order > y->order) - (x->order < y->order);
}

/* The left rows of the entries as a batch. */
static Batch *decode_left(const TemporalJoin *join, const TimeHeapEntry *entries, uint32_t count)
{
    const TemporalSide *side = &join->left;
    Batch *batch = batch_new(side->schema, count);
    Vector **columns = arena_new_array(batch->arena, Vector *, side->column_count + 1);
    for (uint32_t c = 0; c < side->column_count; c++)
        columns[c] = &batch->columns[c];
    uint8_t *kinds = batch_kinds(batch, count);
    for (uint32_t i = 0; i < count; i++) {
        const LeftRecord *record = entries[i].record;
        row_decode(side->row_layout, state_tree_payload(side->table, record), columns, i,
                   batch->arena, false);
        kinds[i] = (uint8_t)record->kind;
    }
    batch->row_count = count;
    return batch;
}

/* Takes away the versions for which the condition does not hold. */
static bool check_versions(TemporalJoin *join, const Batch *left, Str *versions, Error *error)
{
    JoinPairs *pairs = &join->pairs;
    pairs->count = 0;
    for (uint32_t i = 0; i < left->row_count; i++) {
        if (versions[i].data == NULL)
            continue;
        pairs->kept[pairs->count] = versions[i];
        pairs->rows[pairs->count++] = i;
    }
    if (!join_pairs_check(pairs, left, true, join->right.row_layout, error))
        return false;
    for (uint32_t i = 0; i < pairs->count; i++)
        if (!pairs->holds[i])
            versions[pairs->rows[i]] = (Str){NULL, 0};
    return true;
}

static bool emit_joined(TemporalJoin *join, Batch *left, const Str *versions, Emitter *emitter,
                        Error *error)
{
    bool pads = join->plan->join.kind == PLAN_JOIN_LEFT;
    RowOutput *output = &join->output;
    bool ok = true;
    row_output_start(output, left, 0, join->left.column_count, emitter);
    for (uint32_t i = 0; i < left->row_count && ok; i++) {
        uint32_t at;
        if (versions[i].data == NULL && !pads)
            continue;
        ok = row_output_add(output, left->kinds[i], &at, error);
        if (!ok)
            break;
        row_output_copy(output, at, i);
        if (versions[i].data != NULL)
            row_output_decode(output, at, join->right.row_layout, versions[i],
                              join->left.column_count);
        else
            row_output_pad(output, at, join->left.column_count, join->right.column_count);
    }
    ok = ok && row_output_finish(output, error);
    row_output_discard(output);
    return ok;
}

static bool let_go(TemporalJoin *join, TimeHeapEntry *entries, uint32_t count, Emitter *emitter,
                   Error *error)
{
    Batch *left = decode_left(join, entries, count);
    TemporalKeys keys = encode_keys(join, &join->left, left);
    Str *versions = arena_new_array(join->scratch, Str, count + 1);
    for (uint32_t i = 0; i < count; i++)
        versions[i] = keys.joins[i] ? version_at(join, keys.keys[i], keys.hashes[i],
                                                 time_at(left, &join->left, i))
                                    : (Str){NULL, 0};
    bool ok = check_versions(join, left, versions, error) &&
              emit_joined(join, left, versions, emitter, error);
    for (uint32_t i = 0; i < count; i++)
        state_tree_remove(join->left.table, entries[i].record);
    batch_release(left);
    return ok;
}

static bool temporal_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    TemporalJoin *join = (TemporalJoin *)op;
    TimeHeap *heap = &join->left.heap;
    uint32_t count = 0, capacity = 0;
    TimeHeapEntry *due = NULL;
    while (heap->count > 0 && time_heap_next(heap) <= watermark_us) {
        if (count == capacity) {
            capacity = capacity == 0 ? 256 : capacity * 2;
            due = memory_realloc(due, sizeof(*due) * capacity);
        }
        due[count++] = time_heap_pop(heap);
    }
    if (count > 1)
        qsort(due, count, sizeof(*due), by_order);
    bool ok = true;
    for (uint32_t from = 0; from < count && ok; from += BATCH_ROWS_MAX) {
        arena_reset(join->scratch);
        uint32_t rows = count - from < BATCH_ROWS_MAX ? count - from : BATCH_ROWS_MAX;
        ok = let_go(join, due + from, rows, emitter, error);
    }
    memory_free(due);
    prune(&join->right, watermark_us);
    return ok;
}

static bool temporal_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                           Error *error)
{
    TemporalJoin *join = (TemporalJoin *)op;
    arena_reset(join->scratch);
    bool ok = input == 0 ? take_left(join, batch, emitter, error)
                         : take_right(join, batch, emitter, error);
    batch_release(batch);
    return ok;
}

/* ------------------------------------------------------------------ lifetime */

static void refill_left(void *to, StateTree *tree)
{
    TemporalJoin *join = to;
    StateCursor cursor;
    for (LeftRecord *record = state_cursor_at(tree, 0, &cursor); record != NULL;
         record = state_cursor_next(&cursor)) {
        uint64_t order = number_of(state_tree_sort_key(join->left.table, record));
        time_heap_push(&join->left.heap, (TimeHeapEntry){record->time_us, order, record});
        if (order >= join->order)
            join->order = order + 1;
    }
}

static void refill_right(void *to, StateTree *tree)
{
    TemporalJoin *join = to;
    StateCursor cursor;
    for (void *record = state_cursor_at(tree, 0, &cursor); record != NULL;
         record = state_cursor_next(&cursor)) {
        uint64_t number = number_of(state_tree_sort_key(join->right.table, record));
        int64_t at = (int64_t)(number ^ (UINT64_C(1) << 63));
        time_heap_push(&join->right.heap, (TimeHeapEntry){at, 0, tree});
    }
}

static bool temporal_restored(Operator *op, Error *error)
{
    TemporalJoin *join = (TemporalJoin *)op;
    state_trees_each(join->left.table, refill_left, join);
    state_trees_each(join->right.table, refill_right, join);
    prune(&join->right, op->context->time->watermark_us);
    return true;
}

static void open_side(TemporalJoin *join, uint32_t number)
{
    const OperatorContext *context = join->base.context;
    TemporalSide *side = number == 0 ? &join->left : &join->right;
    const PlanJoin *plan = &join->plan->join;
    side->schema = context->node->inputs[number].node->schema;
    side->column_count = side->schema->column_count;
    side->time_column = join->plan->times[number];
    side->keys = plan->sides[number].keys;
    side->key_layout =
        row_layout_of_columns(context->arena, side->schema, side->keys, plan->key_count);
    side->key_hash =
        key_hash_new(context->arena, &context->node->inputs[number], side->keys, plan->key_count);
    side->row_layout = row_layout_of_schema(context->arena, side->schema);
    Buffer description = {0};
    buffer_append_text(&description,
                       number == 0 ? "key, order -> time, kind, " : "key, time -> deleted, ");
    for (uint32_t c = 0; c < side->column_count; c++) {
        buffer_printf(&description, "%s%s ", c == 0 ? "" : ", ", side->schema->columns[c].name);
        type_print(side->schema->columns[c].type, &description);
    }
    StateSpec spec = {.name = number == 0 ? "left" : "versions",
                      .kind = STATE_ORDERED,
                      .record_bytes = number == 0 ? sizeof(LeftRecord) : sizeof(uint64_t),
                      .description = arena_strdup(context->arena, buffer_text(&description))};
    buffer_deinit(&description);
    side->table = state_table_declare(context->state, &spec);
}

static Operator *temporal_open(const OperatorContext *context, Error *error)
{
    TemporalJoin *join = arena_new_one(context->arena, TemporalJoin);
    join->base.context = context;
    join->plan = context->node->spec;
    open_side(join, 0);
    open_side(join, 1);
    join_pairs_open(&join->pairs, context, join->plan->join.condition, BATCH_ROWS_MAX);
    row_output_init(&join->output, context);
    join->scratch = arena_new((size_t)1 << 18);
    return &join->base;
}

static void temporal_close(Operator *op)
{
    TemporalJoin *join = (TemporalJoin *)op;
    time_heap_deinit(&join->left.heap);
    time_heap_deinit(&join->right.heap);
    arena_free(join->scratch);
}

extern const OperatorClass op_temporal_join;
const OperatorClass op_temporal_join = {
    .name = "temporal_join",
    .open = temporal_open,
    .batch = temporal_batch,
    .watermark = temporal_watermark,
    .restored = temporal_restored,
    .close = temporal_close,
};
