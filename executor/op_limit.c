/* Limit: LIMIT and OFFSET without an order: rows in order of arrival.
 *
 * Contract: over insert-only input the first rows are passed on and the rest is dropped. Over
 * changes the rows that stand at positions offset..offset+limit are the result: a row that comes
 * into it gives +I, one that leaves it -D; when a row goes, the next in order of arrival comes in
 * behind. Of equal rows the one that came first goes first.
 *
 *     rows by arrival    . . . . [ first ......... last ] . . . . .
 *                        offset    the result             waiting
 *
 * State: for insert-only input the number of rows seen. For changes ORDERED arrival → row, MAP row
 * → arrivals, and the counters. Invariant: `first` and `last` are the arrivals at the ends of the
 * result while it is not empty; they follow from the tables and are found again after a restore.
 * With a state TTL all of it is forgotten when no change came for so long: positions cannot do with
 * some rows gone.
 * Cost: a batch a call for insert-only input; a few searches a row for changes. */
#include "core/hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

#define ARRIVAL_BYTES 8

typedef struct LimitCounters {
    uint64_t seen; /* rows that came: the next arrival */
    uint64_t rows; /* rows that stand; changes only */
} LimitCounters;

typedef struct Limit {
    Operator base;
    /* Fixed. */
    const PlanLimit *plan;
    bool retracts;
    Str key; /* of everything that stands once */
    uint64_t hash;
    StateTable *counters;
    StateTable *arrivals; /* changes only: arrival → row */
    StateTable *index;    /* changes only: row → arrivals */
    RowSlotShape slot;
    const Vector **columns;
    /* Changing. */
    bool has_result; /* the result has rows, from `first` to `last` */
    char first[ARRIVAL_BYTES];
    char last[ARRIVAL_BYTES];
    RowOutput output;
    Arena *scratch;
} Limit;

/* Forgets the rows one by one, each with its arrivals. */
static void forget_rows(Limit *limit)
{
    Str arrival;
    void *slot;
    while ((slot = state_ordered_first(limit->arrivals, limit->key, limit->hash, &arrival)) !=
           NULL) {
        Str row = row_slot_get(&limit->slot, slot);
        uint64_t hash = hash_bytes(row.data, row.length);
        StateGroup *group;
        state_map_groups(limit->index, &row, &hash, 1, &group);
        if (group != NULL)
            state_map_remove(limit->index, state_map_first(limit->index, group));
        char at[ARRIVAL_BYTES];
        memcpy(at, arrival.data, ARRIVAL_BYTES);
        state_ordered_remove(limit->arrivals, limit->key, limit->hash, (Str){at, ARRIVAL_BYTES});
    }
    limit->has_result = false;
}

static LimitCounters *counters_of(Limit *limit)
{
    void *record;
    uint8_t created;
    state_value_get_or_create(limit->counters, &limit->key, &limit->hash, 1, &record, &created);
    state_touch(limit->counters, record);
    if (created && limit->retracts)
        forget_rows(limit);
    return record;
}

/* ---------------------------------------------------------------- insert-only */

static bool pass_first(Limit *limit, Batch *batch, Emitter *emitter, Error *error)
{
    const PlanLimit *plan = limit->plan;
    LimitCounters *counters = counters_of(limit);
    uint32_t *rows = arena_alloc(limit->scratch, sizeof(uint32_t) * (batch->row_count + 1));
    uint32_t count = 0;
    for (uint32_t row = 0; row < batch->row_count; row++) {
        uint64_t position = counters->seen + row;
        rows[count] = row;
        count += position >= plan->offset && position - plan->offset < plan->limit;
    }
    counters->seen += batch->row_count;
    if (count == batch->row_count)
        return emit(emitter, batch, error);
    Batch *out = count == 0 ? NULL : batch_gather(batch, rows, count);
    batch_release(batch);
    return out == NULL || emit(emitter, out, error);
}

/* -------------------------------------------------------------------- changes */

/* Arrivals as bytes that sort as the numbers do. */
static void write_arrival(uint64_t arrival, char *to)
{
    uint64_t big_endian = __builtin_bswap64(arrival);
    memcpy(to, &big_endian, sizeof(big_endian));
}

static Str arrival_str(const char *arrival)
{
    return (Str){arrival, ARRIVAL_BYTES};
}

static bool emit_arrival(Limit *limit, uint8_t kind, void *slot, Error *error)
{
    return row_output_encoded_row(&limit->output, kind, limit->slot.layout,
                                  row_slot_get(&limit->slot, slot), error);
}

static bool add_row(Limit *limit, LimitCounters *counters, uint32_t row, Str encoded, Error *error)
{
    char arrival[ARRIVAL_BYTES];
    uint64_t position = counters->rows++;
    write_arrival(counters->seen++, arrival);
    void *slot =
        state_ordered_put(limit->arrivals, limit->key, limit->hash, arrival_str(arrival), NULL);
    row_slot_set(&limit->slot, limit->arrivals, slot, encoded);
    state_touch(limit->arrivals, slot);
    StateGroup *group = NULL;
    state_map_put(limit->index, &group, encoded, hash_bytes(encoded.data, encoded.length),
                  arrival_str(arrival), (Str){"", 0}, NULL);
    if (position < limit->plan->offset || position - limit->plan->offset >= limit->plan->limit)
        return true;
    if (!limit->has_result)
        memcpy(limit->first, arrival, ARRIVAL_BYTES);
    memcpy(limit->last, arrival, ARRIVAL_BYTES);
    limit->has_result = true;
    return row_output_input_row(&limit->output, CHANGE_INSERT, row, error);
}

/* Takes `leaving` out of the result and lets the next row in behind. */
static bool shift_result(Limit *limit, const char *leaving, Error *error)
{
    Str found;
    void *slot = state_ordered_find(limit->arrivals, limit->key, limit->hash, arrival_str(leaving));
    if (!emit_arrival(limit, CHANGE_DELETE, slot, error))
        return false;
    bool was_first = memcmp(leaving, limit->first, ARRIVAL_BYTES) == 0;
    bool was_last = memcmp(leaving, limit->last, ARRIVAL_BYTES) == 0;
    void *next = state_ordered_after(limit->arrivals, limit->key, limit->hash,
                                     arrival_str(limit->last), &found);
    if (next != NULL) {
        memcpy(limit->last, found.data, ARRIVAL_BYTES);
        if (!emit_arrival(limit, CHANGE_INSERT, next, error))
            return false;
    } else if (was_first && was_last) {
        limit->has_result = false;
    } else if (was_last) {
        state_ordered_before(limit->arrivals, limit->key, limit->hash, arrival_str(leaving),
                             &found);
        memcpy(limit->last, found.data, ARRIVAL_BYTES);
    }
    if (was_first && limit->has_result) {
        state_ordered_after(limit->arrivals, limit->key, limit->hash, arrival_str(leaving), &found);
        memcpy(limit->first, found.data, ARRIVAL_BYTES);
    }
    return true;
}

static bool retract_row(Limit *limit, LimitCounters *counters, Str encoded, Error *error)
{
    uint64_t hash = hash_bytes(encoded.data, encoded.length);
    StateGroup *group;
    state_map_groups(limit->index, &encoded, &hash, 1, &group);
    if (group == NULL)
        return true;
    StateEntry *entry = state_map_first(limit->index, group);
    char arrival[ARRIVAL_BYTES];
    memcpy(arrival, state_entry_subkey(limit->index, entry).data, ARRIVAL_BYTES);
    state_map_remove(limit->index, entry);
    counters->rows--;
    if (limit->has_result && memcmp(arrival, limit->last, ARRIVAL_BYTES) <= 0) {
        /* A row of the offset that goes draws the result's first row into the offset. */
        bool is_before = memcmp(arrival, limit->first, ARRIVAL_BYTES) < 0;
        char leaving[ARRIVAL_BYTES];
        memcpy(leaving, is_before ? limit->first : arrival, ARRIVAL_BYTES);
        if (!shift_result(limit, leaving, error))
            return false;
    }
    state_ordered_remove(limit->arrivals, limit->key, limit->hash, arrival_str(arrival));
    return true;
}

static bool apply_changes(Limit *limit, Batch *batch, Emitter *emitter, Error *error)
{
    LimitCounters *counters = counters_of(limit);
    Str *encoded = arena_alloc(limit->scratch, sizeof(Str) * (batch->row_count + 1));
    for (uint32_t c = 0; c < batch->column_count; c++)
        limit->columns[c] = &batch->columns[c];
    row_encode(limit->slot.layout, limit->columns, NULL, batch->row_count, limit->scratch, encoded);
    row_output_start(&limit->output, batch, 0, batch->column_count, emitter);
    bool ok = true;
    for (uint32_t row = 0; ok && row < batch->row_count; row++)
        ok = change_is_retraction(batch_kind(batch, row))
                 ? retract_row(limit, counters, encoded[row], error)
                 : add_row(limit, counters, row, encoded[row], error);
    ok = ok && row_output_finish(&limit->output, error);
    row_output_discard(&limit->output);
    batch_release(batch);
    return ok && state_store_check(limit->base.context->state, error);
}

/* ------------------------------------------------------------------ lifetime */

static bool limit_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Limit *limit = (Limit *)op;
    arena_reset(limit->scratch);
    return limit->retracts ? apply_changes(limit, batch, emitter, error)
                           : pass_first(limit, batch, emitter, error);
}

/* Finds the ends of the result again. */
static bool limit_restored(Operator *op, Error *error)
{
    Limit *limit = (Limit *)op;
    if (!limit->retracts || limit->plan->limit == 0)
        return true;
    Str found;
    void *slot = state_ordered_first(limit->arrivals, limit->key, limit->hash, &found);
    for (uint64_t i = 0; i < limit->plan->offset && slot != NULL; i++)
        slot = state_ordered_after(limit->arrivals, limit->key, limit->hash, found, &found);
    limit->has_result = slot != NULL;
    if (slot == NULL)
        return true;
    memcpy(limit->first, found.data, ARRIVAL_BYTES);
    for (uint64_t i = 0; i < limit->plan->limit && slot != NULL; i++) {
        memcpy(limit->last, found.data, ARRIVAL_BYTES);
        slot = state_ordered_after(limit->arrivals, limit->key, limit->hash, found, &found);
    }
    return true;
}

static void declare_tables(Limit *limit, const OperatorContext *context)
{
    StateSpec counters = {.name = "counters",
                          .kind = STATE_VALUE,
                          .record_bytes = sizeof(LimitCounters),
                          .description = "rows seen, rows",
                          .ttl_ms = limit->plan->state_ttl_ms};
    limit->counters = state_table_declare(context->state, &counters);
    if (!limit->retracts)
        return;
    static const uint32_t row_offset = 0;
    StateSpec arrivals = {.name = "arrivals",
                          .kind = STATE_ORDERED,
                          .record_bytes = limit->slot.slot_bytes,
                          .string_offsets = &row_offset,
                          .string_count = limit->slot.fixed_bytes == 0 ? 1 : 0,
                          .description = row_slot_describe(context->arena, context->node->schema)};
    limit->arrivals = state_table_declare(context->state, &arrivals);
    StateSpec index = {.name = "index",
                       .kind = STATE_MAP,
                       .description = row_slot_describe(context->arena, context->node->schema)};
    limit->index = state_table_declare(context->state, &index);
}

static Operator *limit_open(const OperatorContext *context, Error *error)
{
    const Schema *schema = context->node->schema;
    assert(context->parallelism == 1);
    Limit *limit = arena_new_one(context->arena, Limit);
    limit->base.context = context;
    limit->plan = context->node->spec;
    limit->retracts = context->node->inputs[0].node->traits.kinds != CHANGES_INSERT_ONLY;
    limit->key = (Str){"", 0};
    limit->hash = hash_bytes("", 0);
    limit->slot = row_slot_shape(row_layout_of_schema(context->arena, schema));
    limit->columns = arena_new_array(context->arena, const Vector *, schema->column_count + 1);
    declare_tables(limit, context);
    row_output_init(&limit->output, context);
    limit->scratch = arena_new((size_t)1 << 16);
    return &limit->base;
}

static void limit_close(Operator *op)
{
    arena_free(((Limit *)op)->scratch);
}

const OperatorClass op_limit = {
    .name = "limit",
    .open = limit_open,
    .batch = limit_batch,
    .restored = limit_restored,
    .close = limit_close,
};
