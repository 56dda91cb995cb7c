/* Set operation: INTERSECT and EXCEPT, distinct or with ALL.
 *
 * Contract: a row is in the result as often as its counts on the two sides say:
 *
 *                  distinct                  ALL
 *     INTERSECT    1 if on both sides        the lesser count
 *     EXCEPT       1 if only on the left     left count less right count, if that is positive
 *
 * Each change moves one count by one and the result by one at most: it gives +I or -D of the row,
 * or nothing. NULL equals NULL. A retraction of a row that is not there is ignored.
 *
 * State: VALUE, row → left count, right count; a row that both sides have lost is forgotten.
 * Cost: one prefetched probe a row, whole rows compared as bytes; emitted rows are gathered, their
 * text borrowed. */
#include "core/row.h"
#include "executor/key_hash.h"
#include "executor/operator.h"
#include "executor/row_slot.h"

/* Rows whose counts stay in the first-level cache. */
#define FOUND_RUN 256

typedef struct SetOperation {
    Operator base;
    /* Fixed. */
    const PlanSetOperation *plan;
    const RowLayout *layout;
    const KeyHash *key_hashes[2]; /* of each side; all columns */
    const Vector **columns;
    StateTable *rows;
    uint32_t limit; /* rows of an output batch */
    /* Changing. */
    Arena *scratch; /* reset by each batch */
} SetOperation;

typedef struct RowCounts {
    int64_t sides[2];
} RowCounts;

/* What changed in the result: rows of the input, with their kinds. */
typedef struct SetChanges {
    uint32_t count;
    uint32_t *rows;
    uint8_t *kinds;
} SetChanges;

/* The encoded rows, by which they are found. */
static const Str *encode_rows(SetOperation *set, const Batch *in)
{
    Str *keys = arena_alloc(set->scratch, sizeof(Str) * in->row_count);
    for (uint32_t c = 0; c < in->column_count; c++)
        set->columns[c] = &in->columns[c];
    row_encode(set->layout, set->columns, NULL, in->row_count, set->scratch, keys);
    return keys;
}

/* How often the row is in the result. */
static int64_t times(const PlanSetOperation *plan, const RowCounts *counts)
{
    int64_t left = counts->sides[0], right = counts->sides[1];
    if (!plan->all)
        return left > 0 && (right > 0) != plan->except;
    if (plan->except)
        return left > right ? left - right : 0;
    return left < right ? left : right;
}

static void count_rows(SetOperation *set, const Batch *in, uint32_t side, uint32_t from,
                       uint32_t end, void *const *records, SetChanges *changes)
{
    for (uint32_t i = from; i < end; i++) {
        RowCounts *counts = records[i];
        int64_t change = change_is_retraction(batch_kind(in, i)) ? -1 : 1;
        if (counts->sides[side] + change < 0)
            continue;
        int64_t before = times(set->plan, counts);
        counts->sides[side] += change;
        int64_t after = times(set->plan, counts);
        state_touch(set->rows, counts);
        changes->rows[changes->count] = i;
        changes->kinds[changes->count] = after > before ? CHANGE_INSERT : CHANGE_DELETE;
        changes->count += after != before;
    }
}

/* What is found is counted while it is near. */
static void **find_and_count(SetOperation *set, const Batch *in, uint32_t side, SetChanges *changes)
{
    uint32_t n = in->row_count;
    const Str *keys = encode_rows(set, in);
    uint64_t *hashes = arena_alloc(set->scratch, sizeof(uint64_t) * n);
    void **records = arena_alloc(set->scratch, sizeof(void *) * n);
    key_hash_many(set->key_hashes[side], in, keys, n, set->scratch, hashes);
    for (uint32_t from = 0, end; from < n; from = end) {
        end = n - from < FOUND_RUN ? n : from + FOUND_RUN;
        state_value_get_or_create(set->rows, keys + from, hashes + from, end - from, records + from,
                                  NULL);
        count_rows(set, in, side, from, end, records, changes);
    }
    return records;
}

/* Gives back the rows that no side has. A record can stand at several rows: the first visit marks
 * it, so that it is removed once. */
static void remove_gone(SetOperation *set, const Batch *in, void **records)
{
    enum { MARKED = -1 };
    if (in->kinds == NULL)
        return;
    uint32_t gone = 0;
    for (uint32_t i = 0; i < in->row_count; i++) {
        RowCounts *counts = records[i];
        if (counts->sides[0] != 0 || counts->sides[1] != 0)
            continue;
        counts->sides[0] = MARKED;
        records[gone++] = counts;
    }
    for (uint32_t i = 0; i < gone; i++)
        state_value_remove(set->rows, records[i]);
}

static bool emit_changes(SetOperation *set, Batch *in, const SetChanges *changes, Emitter *emitter,
                         Error *error)
{
    for (uint32_t from = 0; from < changes->count;) {
        uint32_t left = changes->count - from;
        uint32_t count = left < set->limit ? left : set->limit;
        Batch *out = batch_new_bare(set->base.context->node->schema);
        out->row_count = count;
        for (uint32_t c = 0; c < in->column_count; c++)
            vector_gather(&out->columns[c], &in->columns[c], changes->rows + from, count,
                          out->arena);
        memcpy(batch_kinds(out, count), changes->kinds + from, count);
        batch_hold(out, batch_retain(in));
        if (!emit(emitter, out, error))
            return false;
        from += count;
    }
    return true;
}

static bool set_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    SetOperation *set = (SetOperation *)op;
    arena_reset(set->scratch);
    SetChanges changes = {0, arena_alloc(set->scratch, sizeof(uint32_t) * batch->row_count),
                          arena_alloc(set->scratch, batch->row_count)};
    void **records = find_and_count(set, batch, input, &changes);
    remove_gone(set, batch, records);
    bool ok = state_store_check(op->context->state, error) &&
              emit_changes(set, batch, &changes, emitter, error);
    batch_release(batch);
    return ok;
}

static Operator *set_open(const OperatorContext *context, Error *error)
{
    const Schema *schema = context->node->schema;
    SetOperation *set = arena_new_one(context->arena, SetOperation);
    set->base.context = context;
    set->plan = context->node->spec;
    set->layout = row_layout_of_schema(context->arena, schema);
    set->columns = arena_new_array(context->arena, const Vector *, schema->column_count + 1);
    uint32_t *all = arena_new_array(context->arena, uint32_t, schema->column_count + 1);
    for (uint32_t c = 0; c < schema->column_count; c++)
        all[c] = c;
    for (uint32_t i = 0; i < 2; i++)
        set->key_hashes[i] =
            key_hash_new(context->arena, &context->node->inputs[i], all, schema->column_count);
    StateSpec spec = {
        .name = "rows",
        .kind = STATE_VALUE,
        .record_bytes = sizeof(RowCounts),
        .description = arena_printf(context->arena, "%s -> left BIGINT, right BIGINT",
                                    row_slot_describe(context->arena, schema)),
        .ttl_ms = set->plan->state_ttl_ms,
    };
    set->rows = state_table_declare(context->state, &spec);
    uint32_t limit = context->batch_rows;
    set->limit = limit == 0 ? 1 : limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    set->scratch = arena_new((size_t)1 << 18);
    return &set->base;
}

static void set_close(Operator *op)
{
    arena_free(((SetOperation *)op)->scratch);
}

const OperatorClass op_set_operation = {
    .name = "set_operation",
    .open = set_open,
    .batch = set_batch,
    .close = set_close,
};
