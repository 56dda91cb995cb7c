/* Window join: rows of both sides that lie in the same window and have equal keys.
 *
 * Contract: when the watermark reaches a window's last millisecond its rows are joined and given,
 * all as +I: windows in the order of their ends, keys in the order in which they first came; for
 * each left row its matches in the order of the right rows, or its pad; then the right rows that
 * matched nothing, padded. SEMI and ANTI give left rows. Rows taken back before that (-U, -D) are
 * not there; of equal rows that may be taken back those that stay stand together. A row whose
 * window is over, and one that has no window, is left out and counted as late. Nothing given is
 * ever taken back.
 *
 * Cost: a probe and an entry a row, no comparison before the window ends. State: every row until
 * its window is over. */
#include <stdlib.h>

#include "core/hash.h"
#include "executor/window/join.h"

enum { NUMBERED_BYTES = 1 + sizeof(uint64_t) }; /* the subkey of a row that only comes */

/* Rows of a batch that are kept, or taken back. */
typedef struct JoinRows {
    const Batch *in;
    uint32_t side;
    uint32_t count;
    uint32_t *rows; /* of the batch */
    int64_t *ends;  /* by position, as what follows */
    Str *keys;
    uint64_t *hashes;
    Str *encoded;
    StateGroup **groups; /* when the batch began */
} JoinRows;

/* ------------------------------------------------------------------------ admission */

/* Whether the row's key equals no other: NULL in a column that is compared with =. */
static bool is_lone(const WindowJoin *join, const JoinRows *rows, uint32_t row)
{
    const uint32_t *keys = join->sides[rows->side].keys;
    for (uint32_t k = 0; k < join->plan->join.key_count; k++)
        if (!join->plan->join.null_matches[k] && vector_is_null(&rows->in->columns[keys[k]], row))
            return true;
    return false;
}

/* Lists the rows that count; those that come too late go to `late`, whose number is returned. */
static uint32_t admit(const WindowJoin *join, JoinRows *rows, uint32_t *late)
{
    const WindowJoinSide *side = &join->sides[rows->side];
    const Vector *ends = &rows->in->columns[side->keys[join->plan->end_key]];
    uint32_t late_count = 0;
    for (uint32_t i = 0; i < rows->in->row_count; i++) {
        int64_t end = ((const int64_t *)ends->data)[vector_index(ends, i)];
        if (vector_is_null(ends, i) || window_join_is_closed(join, end)) {
            late[late_count++] = i;
            continue;
        }
        bool lone = is_lone(join, rows, i);
        rows->rows[rows->count] = i;
        rows->ends[rows->count] = end;
        rows->count += !lone || side->keeps_lone;
    }
    return late_count;
}

static void encode(const WindowJoin *join, JoinRows *rows)
{
    const WindowJoinSide *side = &join->sides[rows->side];
    Arena *arena = join->scratch;
    uint32_t key_count = join->plan->join.key_count, count = rows->count;
    uint32_t most = rows->in->column_count > key_count ? rows->in->column_count : key_count;
    const Vector **columns = arena_new_array(arena, const Vector *, most + 1);
    rows->keys = arena_alloc(arena, sizeof(Str) * (count + 1));
    rows->encoded = arena_alloc(arena, sizeof(Str) * (count + 1));
    rows->hashes = arena_alloc(arena, sizeof(uint64_t) * (count + 1));
    rows->groups = arena_alloc(arena, sizeof(StateGroup *) * (count + 1));
    for (uint32_t k = 0; k < key_count; k++)
        columns[k] = &rows->in->columns[side->keys[k]];
    row_encode(side->key_layout, columns, rows->rows, count, arena, rows->keys);
    for (uint32_t c = 0; c < rows->in->column_count; c++)
        columns[c] = &rows->in->columns[c];
    row_encode(side->row_layout, columns, rows->rows, count, arena, rows->encoded);
    if (count == rows->in->row_count)
        key_hash_many(side->key_hash, rows->in, rows->keys, count, arena, rows->hashes);
    else
        hash_many(rows->keys, count, rows->hashes);
    state_map_groups(join->table, rows->keys, rows->hashes, count, rows->groups);
}

/* ----------------------------------------------------------------------------- rows */

static void wait_for_end(WindowJoin *join, StateEntry *anchor, int64_t end)
{
    WindowSlice *slice = window_slices_get(&join->slices, end);
    uint32_t place = window_slice_add(slice, anchor);
    if (join->counts)
        window_join_record(anchor)->count = place;
    if (slice->waits_at == WINDOW_SLICE_IDLE)
        window_slices_wait(&join->slices, slice, end);
}

/* The group of rows that may be taken back, made when it is missing. */
static StateGroup *open_group(WindowJoin *join, const JoinRows *rows, uint32_t i)
{
    StateGroup *group = NULL;
    bool created;
    StateEntry *anchor = state_map_put(join->table, &group, rows->keys[i], rows->hashes[i],
                                       (Str){"", 0}, (Str){"", 0}, &created);
    if (!created)
        return group;
    window_join_record(anchor)->arrival = join->next_arrival++;
    wait_for_end(join, anchor, rows->ends[i]);
    return group;
}

/* Subkey of a row that may be taken back. */
static Str counted_subkey(const WindowJoin *join, const JoinRows *rows, uint32_t i)
{
    Str row = rows->encoded[i];
    char *bytes = arena_alloc(join->scratch, row.length + 1);
    bytes[0] = (char)rows->side;
    memcpy(bytes + 1, row.data, row.length);
    return (Str){bytes, row.length + 1};
}

static void add_counted(WindowJoin *join, const JoinRows *rows, uint32_t i, StateGroup *group)
{
    StateEntry *entry = state_map_put(join->table, &group, rows->keys[i], rows->hashes[i],
                                      counted_subkey(join, rows, i), (Str){"", 0}, NULL);
    window_join_record(entry)->count++;
    state_touch(join->table, window_join_record(entry));
}

static void add_numbered(WindowJoin *join, const JoinRows *rows, uint32_t i, StateGroup *group)
{
    char subkey[NUMBERED_BYTES] = {(char)rows->side};
    uint64_t number = join->next_arrival++;
    memcpy(subkey + 1, &number, sizeof(number));
    StateEntry *entry = state_map_put(join->table, &group, rows->keys[i], rows->hashes[i],
                                      (Str){subkey, sizeof(subkey)}, rows->encoded[i], NULL);
    if (state_map_size(group) == 1)
        wait_for_end(join, entry, rows->ends[i]);
}

/* True when the group has gone. */
static bool take_row(WindowJoin *join, const JoinRows *rows, uint32_t i, StateGroup *group)
{
    enum { ANCHOR_ONLY = 1 };
    StateEntry *entry = state_map_find(join->table, group, counted_subkey(join, rows, i));
    if (entry == NULL)
        return false;
    if (--window_join_record(entry)->count != 0) {
        state_touch(join->table, window_join_record(entry));
        return false;
    }
    state_map_remove(join->table, entry);
    if (state_map_size(group) != ANCHOR_ONLY)
        return false;
    StateEntry *anchor = state_map_first(join->table, group);
    WindowSlice *slice = window_slices_find(&join->slices, rows->ends[i]);
    if (window_slice_drop(slice, (uint32_t)window_join_record(anchor)->count))
        window_slices_free(&join->slices, slice);
    return state_map_remove(join->table, anchor);
}

/* Asks for the memory of rows to come: their groups, then what stands last in these. */
static void warm(const WindowJoin *join, const JoinRows *rows, uint32_t at)
{
    enum { FAR = 16, NEAR = 8, LINE = 64 };
    if (at + FAR < rows->count)
        __builtin_prefetch(rows->groups[at + FAR]);
    if (at + NEAR < rows->count && rows->groups[at + NEAR] != NULL)
        __builtin_prefetch((const char *)state_map_last(join->table, rows->groups[at + NEAR]) +
                           LINE / 2);
}

static void apply(WindowJoin *join, JoinRows *rows)
{
    bool is_stale = false; /* a group that was found has gone */
    for (uint32_t i = 0; i < rows->count; i++) {
        if (!is_stale)
            warm(join, rows, i);
        bool retracts = change_is_retraction(batch_kind(rows->in, rows->rows[i]));
        StateGroup *group = is_stale ? NULL : rows->groups[i];
        if (retracts) {
            state_map_groups(join->table, &rows->keys[i], &rows->hashes[i], 1, &group);
            is_stale = (group != NULL && take_row(join, rows, i, group)) || is_stale;
            continue;
        }
        if (!join->counts)
            add_numbered(join, rows, i, group);
        else
            add_counted(join, rows, i, group != NULL ? group : open_group(join, rows, i));
    }
}

static bool window_join_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                              Error *error)
{
    WindowJoin *join = (WindowJoin *)op;
    Arena *arena = join->scratch;
    arena_reset(arena);
    uint32_t room = batch->row_count + 1;
    JoinRows rows = {.in = batch,
                     .side = input,
                     .rows = arena_alloc(arena, sizeof(uint32_t) * room),
                     .ends = arena_alloc(arena, sizeof(int64_t) * room)};
    uint32_t *late = arena_alloc(arena, sizeof(uint32_t) * room);
    uint32_t late_count = admit(join, &rows, late);
    bool ok = late_count == 0 || emit_late(emitter, batch, late, late_count, error);
    if (ok && rows.count != 0) {
        encode(join, &rows);
        apply(join, &rows);
        ok = state_store_check(op->context->state, error);
    }
    batch_release(batch);
    return ok;
}

static bool window_join_watermark(Operator *op, int64_t watermark_us, Emitter *emitter,
                                  Error *error)
{
    WindowJoin *join = (WindowJoin *)op;
    join->progress = window_progress(join->plan->zone, watermark_us);
    return window_join_fire(join, emitter, error);
}

/* ------------------------------------------------------------------------- lifetime */

typedef struct Anchors {
    const StateTable *table;
    StateEntry **list;
    size_t count;
} Anchors;

static void collect(void *to, StateGroup *group)
{
    Anchors *anchors = to;
    anchors->list[anchors->count++] = state_map_first(anchors->table, group);
}

/* When the group, or the row of that entry, came. */
static uint64_t arrival_of(const WindowJoin *join, const StateEntry *entry)
{
    if (join->counts)
        return window_join_record(entry)->arrival;
    uint64_t number;
    memcpy(&number, state_entry_subkey(join->table, entry).data + 1, sizeof(number));
    return number;
}

static int compare_arrival(const void *a, const void *b, void *join)
{
    uint64_t left = arrival_of(join, *(StateEntry *const *)a);
    uint64_t right = arrival_of(join, *(StateEntry *const *)b);
    return (left > right) - (left < right);
}

/* The end of the window that a row is of. */
static int64_t read_end(const WindowJoin *join, const StateEntry *entry)
{
    const WindowJoinSide *side = &join->sides[window_join_side(join, entry)];
    uint32_t column = side->keys[join->plan->end_key];
    Vector **wanted = arena_new_array(join->scratch, Vector *, side->schema->column_count + 1);
    Vector end;
    vector_init(&end, side->schema->columns[column].type, 1, join->scratch);
    wanted[column] = &end;
    row_decode(side->row_layout, window_join_row(join, entry), wanted, 0, join->scratch, true);
    int64_t value = *(const int64_t *)end.data;
    arena_reset(join->scratch);
    return value;
}

static bool window_join_restored(Operator *op, Error *error)
{
    WindowJoin *join = (WindowJoin *)op;
    join->progress = window_progress(join->plan->zone, op->context->time->watermark_us);
    uint64_t groups = state_table_keys(join->table);
    Anchors anchors = {join->table, memory_alloc(sizeof(StateEntry *) * (groups + 1)), 0};
    state_map_each(join->table, collect, &anchors);
    if (anchors.count != 0)
        qsort_r(anchors.list, anchors.count, sizeof(StateEntry *), compare_arrival, join);
    for (size_t i = 0; i < anchors.count; i++) {
        StateEntry *anchor = anchors.list[i];
        const StateGroup *group = state_entry_group(join->table, anchor);
        uint64_t last =
            arrival_of(join, join->counts ? anchor : state_map_last(join->table, group));
        wait_for_end(join, anchor, read_end(join, window_join_first(join, anchor)));
        join->next_arrival = last >= join->next_arrival ? last + 1 : join->next_arrival;
    }
    memory_free(anchors.list);
    return true;
}

static bool keeps_lone(PlanJoinKind kind, uint32_t side)
{
    if (side == 0)
        return kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL || kind == PLAN_JOIN_ANTI;
    return kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL;
}

static void open_side(WindowJoin *join, uint32_t number)
{
    const OperatorContext *context = join->base.context;
    const PlanJoin *plan = &join->plan->join;
    WindowJoinSide *side = &join->sides[number];
    side->schema = context->node->inputs[number].node->schema;
    side->keys = plan->sides[number].keys;
    side->keeps_lone = keeps_lone(plan->kind, number);
    side->key_layout =
        row_layout_of_columns(context->arena, side->schema, side->keys, plan->key_count);
    side->key_hash =
        key_hash_new(context->arena, &context->node->inputs[number], side->keys, plan->key_count);
    side->row_layout = row_layout_of_schema(context->arena, side->schema);
}

static void declare_table(WindowJoin *join)
{
    const OperatorContext *context = join->base.context;
    Buffer text = {0};
    buffer_printf(&text, "keys -> %s:", join->counts ? "row, copies" : "number, row");
    for (uint32_t s = 0; s < 2; s++) {
        const Schema *schema = join->sides[s].schema;
        for (uint32_t c = 0; c < schema->column_count; c++) {
            buffer_printf(&text, "%s %s ", c == 0 ? (s == 0 ? " left" : " right") : ",",
                          schema->columns[c].name);
            type_print(schema->columns[c].type, &text);
        }
    }
    StateSpec spec = {.name = "rows",
                      .kind = STATE_MAP,
                      .record_bytes = join->counts ? sizeof(WindowJoinRecord) : 0,
                      .description = arena_strdup(context->arena, buffer_text(&text))};
    buffer_deinit(&text);
    join->table = state_table_declare(context->state, &spec);
}

static void open_condition(WindowJoin *join)
{
    const OperatorContext *context = join->base.context;
    const Schema *left = join->sides[0].schema, *right = join->sides[1].schema;
    uint32_t count = left->column_count + right->column_count;
    Column *columns = arena_new_array(context->arena, Column, count + 1);
    memcpy(columns, left->columns, sizeof(Column) * left->column_count);
    memcpy(columns + left->column_count, right->columns, sizeof(Column) * right->column_count);
    join->pair_schema = schema_new(context->arena, columns, count);
    if (join->plan->join.condition == NULL)
        return;
    join->condition = expression_compile(context->arena, &join->plan->join.condition, 1,
                                         join->pair_schema, context->environment);
    join->is_read = arena_new_array(context->arena, bool, count + 1);
    expression_mark_columns(join->plan->join.condition, join->is_read);
}

static Operator *window_join_open(const OperatorContext *context, Error *error)
{
    WindowJoin *join = arena_new_one(context->arena, WindowJoin);
    join->base.context = context;
    join->plan = context->node->spec;
    open_side(join, 0);
    open_side(join, 1);
    join->counts = join->plan->join.sides[0].retracts || join->plan->join.sides[1].retracts;
    declare_table(join);
    open_condition(join);
    join->progress = INT64_MIN;
    join->scratch = arena_new((size_t)1 << 18);
    join->firing = arena_new((size_t)1 << 18);
    return &join->base;
}

static void window_join_close(Operator *op)
{
    WindowJoin *join = (WindowJoin *)op;
    window_slices_deinit(&join->slices);
    arena_free(join->scratch);
    arena_free(join->firing);
}

extern const OperatorClass op_window_join;
const OperatorClass op_window_join = {
    .name = "window_join",
    .open = window_join_open,
    .batch = window_join_batch,
    .watermark = window_join_watermark,
    .restored = window_join_restored,
    .close = window_join_close,
};
