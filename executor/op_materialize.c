/* Materialize (SinkUpsertMaterializer): the last row per sink key, from changes whose order per
 * sink key is not known.
 *
 * Contract: for each key of the sink a list of the rows that stand under it, in order of arrival. A
 * row that comes gives +I when it is the first, else +U; it replaces the row with the same upsert
 * key in its place, or goes to the end. A row that is taken back gives -D when it was the only one,
 * +U of the one before when it was the last, nothing when it stood before others or is not known.
 *
 * That is ON CONFLICT DO DEDUPLICATE, and what puts changes in order. With DO NOTHING it is the
 * first row of the list that is shown: further rows wait behind it, and the next comes with +U when
 * it goes. With DO ERROR the last is shown, and a key under which several rows stand when an epoch
 * ends, at a watermark, at the end or a second after they met ends the job: rows that only pass
 * each other on their way do no harm, and no epoch with a conflict is committed.
 *
 * Over rows that only come no row has to come back, so only those that the answer needs are in the
 * list: the one that is shown, and with DO ERROR the one it met.
 *
 * State: the rows of a sink key in order of arrival, each found by its upsert key or by all of it:
 * row_list.h.
 *
 * Cost: one prefetched probe a row; over rows that may go then a copy of the few that share its
 * sink key, and where they are many a number of steps that is logarithmic in them. */
#include "core/changelog_text.h"
#include "core/hash.h"
#include "executor/key_hash.h"
#include "executor/row_list.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

/* DO ERROR: how long rows may meet on their way before that is a conflict, without epochs. */
#define LOOK_AFTER_US 1000000

typedef struct Materialize {
    Operator base;
    /* Fixed. */
    const PlanMaterialize *plan;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const RowLayout *upsert_layout;
    const RowLayout *row_layout;
    const Vector **columns;
    bool only_comes; /* the input only inserts */
    /* Changing. */
    RowLists lists;
    RowOutput output;
    Buffer met; /* DO ERROR: keys under which rows have met since the last look */
    Arena *scratch;
} Materialize;

typedef struct MaterializeBatch {
    Batch *in;
    const Str *keys; /* of the sink */
    const uint64_t *hashes;
    const Str *upsert_keys; /* NULL: whole rows */
    const Str *rows;
    void **records;
} MaterializeBatch;

static RowList list_of(const MaterializeBatch *work, uint32_t row)
{
    return (RowList){work->records[row], work->keys[row], work->hashes[row]};
}

static RowListRow row_of(const MaterializeBatch *work, uint32_t row)
{
    Str upsert_key = work->upsert_keys != NULL ? work->upsert_keys[row] : (Str){"", 0};
    return (RowListRow){upsert_key, work->rows[row]};
}

/* DO ERROR: another row has come to the key. */
static void note_meeting(Materialize *materialize, const RowList *list)
{
    if (materialize->met.length == 0)
        operator_wake_at(materialize->base.context,
                         operator_now_us(materialize->base.context) + LOOK_AFTER_US);
    buffer_append_bytes(&materialize->met, list->key);
}

/* A row that comes to others which will never go. */
static bool add_last_row(Materialize *materialize, const MaterializeBatch *work, uint32_t row,
                         Error *error)
{
    PlanConflict conflict = materialize->plan->conflict;
    RowList list = list_of(work, row);
    RowListRow coming = row_of(work, row);
    if (conflict == PLAN_CONFLICT_NOTHING) {
        state_touch(materialize->lists.lists, list.record);
        return true;
    }
    row_list_keep(&materialize->lists, &list, &coming, conflict == PLAN_CONFLICT_ERROR);
    if (conflict == PLAN_CONFLICT_ERROR)
        note_meeting(materialize, &list);
    return row_output_input_row(&materialize->output, CHANGE_UPDATE_AFTER, row, error);
}

static bool add_row(Materialize *materialize, const MaterializeBatch *work, uint32_t row,
                    Error *error)
{
    PlanConflict conflict = materialize->plan->conflict;
    RowList list = list_of(work, row);
    RowListRow coming = row_of(work, row);
    bool was_empty = row_list_is_empty(list.record);
    if (materialize->only_comes && !was_empty)
        return add_last_row(materialize, work, row, error);
    RowListPlace place = row_list_put(&materialize->lists, &list, &coming);
    if (conflict == PLAN_CONFLICT_NOTHING && !place.is_first)
        return true;
    if (conflict == PLAN_CONFLICT_ERROR && !was_empty && !place.is_known)
        note_meeting(materialize, &list);
    uint8_t kind = was_empty ? CHANGE_INSERT : CHANGE_UPDATE_AFTER;
    return row_output_input_row(&materialize->output, kind, row, error);
}

/* Takes the row out of the list; what is shown then changes if it was the last, or the first. */
static bool retract_row(Materialize *materialize, const MaterializeBatch *work, uint32_t row,
                        Error *error)
{
    bool shows_first = materialize->plan->conflict == PLAN_CONFLICT_NOTHING;
    RowList list = list_of(work, row);
    RowListRow going = row_of(work, row);
    RowListPlace place = row_list_remove(&materialize->lists, &list, &going);
    if (!place.is_known || !(shows_first ? place.is_first : place.is_last))
        return true;
    Str next;
    bool is_left = shows_first ? row_list_first(&materialize->lists, &list, &next)
                               : row_list_last(&materialize->lists, &list, &next);
    if (!is_left)
        return row_output_input_row(&materialize->output, CHANGE_DELETE, row, error);
    return row_output_encoded_row(&materialize->output, CHANGE_UPDATE_AFTER,
                                  materialize->row_layout, next, error);
}

/* ------------------------------------------------------------------ DO ERROR */

static void print_row(const Materialize *materialize, Str row, Buffer *out)
{
    const OperatorContext *context = materialize->base.context;
    Batch *batch = batch_new(context->node->schema, 1);
    Vector **columns = arena_new_array(materialize->scratch, Vector *, batch->column_count + 1);
    for (uint32_t c = 0; c < batch->column_count; c++)
        columns[c] = &batch->columns[c];
    row_decode(materialize->row_layout, row, columns, 0, batch->arena, false);
    batch->row_count = 1;
    changelog_print_row(batch, 0, context->environment->zone, out);
    batch_release(batch);
}

static bool refuse_conflict(const Materialize *materialize, const RowList *list, Error *error)
{
    Str first, second;
    Buffer text = {0};
    if (!row_list_first(&materialize->lists, list, &first) ||
        !row_list_second(&materialize->lists, list, &second))
        return true;
    print_row(materialize, first, &text);
    buffer_append_text(&text, " and ");
    print_row(materialize, second, &text);
    error_set(error, ERROR_DATA, "two rows have one primary key of the sink");
    error_detail(error, "They are %.*s.", text.length > 600 ? 600 : (int)text.length,
                 buffer_text(&text));
    buffer_deinit(&text);
    return error_hint(error, "ON CONFLICT DO NOTHING keeps the first of them, DO DEDUPLICATE the "
                             "last.");
}

/* Whether one of the keys where rows have met still has several. */
static bool look_for_conflicts(Materialize *materialize, Error *error)
{
    bool ok = true;
    arena_reset(materialize->scratch);
    Reader reader = reader_of((Str){materialize->met.data, materialize->met.length});
    while (ok && !reader_done(&reader)) {
        Str key = reader_bytes(&reader);
        RowList list = {NULL, key, hash_bytes(key.data, key.length)};
        state_value_get(materialize->lists.lists, &key, &list.hash, 1, &list.record);
        ok = list.record == NULL || refuse_conflict(materialize, &list, error);
    }
    buffer_clear(&materialize->met);
    return ok;
}

static bool materialize_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    return look_for_conflicts((Materialize *)op, error);
}

static bool materialize_watermark(Operator *op, int64_t watermark_us, Emitter *emitter,
                                  Error *error)
{
    return look_for_conflicts((Materialize *)op, error);
}

static bool materialize_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    return look_for_conflicts((Materialize *)op, error);
}

static bool materialize_end(Operator *op, Emitter *emitter, Error *error)
{
    return look_for_conflicts((Materialize *)op, error);
}

/* ------------------------------------------------------------------- batches */

static void remove_empty(Materialize *materialize, const MaterializeBatch *work)
{
    if (work->in->kinds == NULL)
        return;
    uint32_t count;
    const uint32_t *last =
        row_slot_last_rows(work->records, work->in->row_count, materialize->scratch, &count);
    for (uint32_t i = 0; i < count; i++)
        if (row_list_is_empty(work->records[last[i]]))
            state_value_remove(materialize->lists.lists, work->records[last[i]]);
}

static Str *encode(Materialize *materialize, const RowLayout *layout, const Batch *batch,
                   const ColumnSet *columns)
{
    Str *out = arena_alloc(materialize->scratch, sizeof(Str) * batch->row_count);
    uint32_t count = columns == NULL ? batch->column_count : columns->count;
    for (uint32_t c = 0; c < count; c++)
        materialize->columns[c] = &batch->columns[columns == NULL ? c : columns->columns[c]];
    row_encode(layout, materialize->columns, NULL, batch->row_count, materialize->scratch, out);
    return out;
}

static MaterializeBatch prepare(Materialize *materialize, Batch *batch)
{
    const PlanMaterialize *plan = materialize->plan;
    uint32_t n = batch->row_count;
    Str *keys = encode(materialize, materialize->key_layout, batch, &plan->key);
    uint64_t *hashes = arena_alloc(materialize->scratch, sizeof(uint64_t) * n);
    MaterializeBatch work = {
        .in = batch,
        .keys = keys,
        .hashes = hashes,
        .rows = encode(materialize, materialize->row_layout, batch, NULL),
        .records = arena_alloc(materialize->scratch, sizeof(void *) * n),
    };
    if (plan->upsert_key.count != 0)
        work.upsert_keys =
            encode(materialize, materialize->upsert_layout, batch, &plan->upsert_key);
    key_hash_many(materialize->key_hash, batch, keys, n, materialize->scratch, hashes);
    state_value_get_or_create(materialize->lists.lists, keys, hashes, n, work.records, NULL);
    return work;
}

static bool materialize_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                              Error *error)
{
    Materialize *materialize = (Materialize *)op;
    arena_reset(materialize->scratch);
    MaterializeBatch work = prepare(materialize, batch);
    row_output_start(&materialize->output, batch, 0, batch->column_count, emitter);
    bool ok = true;
    for (uint32_t row = 0; ok && row < batch->row_count; row++)
        ok = change_is_retraction(batch_kind(batch, row))
                 ? retract_row(materialize, &work, row, error)
                 : add_row(materialize, &work, row, error);
    if (ok) {
        remove_empty(materialize, &work);
        ok = state_store_check(op->context->state, error) &&
             row_output_finish(&materialize->output, error);
    }
    row_output_discard(&materialize->output);
    batch_release(batch);
    return ok;
}

static Operator *materialize_open(const OperatorContext *context, Error *error)
{
    const PlanMaterialize *plan = context->node->spec;
    const Schema *schema = context->node->schema;
    Materialize *materialize = arena_new_one(context->arena, Materialize);
    materialize->base.context = context;
    materialize->plan = plan;
    materialize->key_layout =
        row_layout_of_columns(context->arena, schema, plan->key.columns, plan->key.count);
    materialize->key_hash =
        key_hash_new(context->arena, &context->node->inputs[0], plan->key.columns, plan->key.count);
    materialize->upsert_layout = row_layout_of_columns(
        context->arena, schema, plan->upsert_key.columns, plan->upsert_key.count);
    materialize->row_layout = row_layout_of_schema(context->arena, schema);
    materialize->columns =
        arena_new_array(context->arena, const Vector *, schema->column_count + 1);
    materialize->only_comes = context->node->inputs[0].node->traits.kinds == CHANGES_INSERT_ONLY;
    row_lists_open(&materialize->lists, context, row_slot_describe(context->arena, schema),
                   plan->state_ttl_ms);
    row_output_init(&materialize->output, context);
    materialize->scratch = arena_new((size_t)1 << 18);
    return &materialize->base;
}

static void materialize_close(Operator *op)
{
    Materialize *materialize = (Materialize *)op;
    row_lists_close(&materialize->lists);
    buffer_deinit(&materialize->met);
    arena_free(materialize->scratch);
}

const OperatorClass op_materialize = {
    .name = "materialize",
    .open = materialize_open,
    .batch = materialize_batch,
    .watermark = materialize_watermark,
    .alarm = materialize_alarm,
    .barrier = materialize_barrier,
    .end = materialize_end,
    .close = materialize_close,
};
