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
 * State: VALUE, sink key → list, entries one behind the other:
 *
 *     u32 bytes of upsert key | u32 bytes of row | upsert key (nothing: the row itself) | row
 *
 * Cost: one prefetched probe a row; over rows that may go then linear in the rows that share its
 * sink key, which are few unless the sink's key is badly chosen. */
#include "core/changelog_text.h"
#include "core/hash.h"
#include "executor/row_output.h"
#include "executor/row_slot.h"

/* DO ERROR: how long rows may meet on their way before that is a conflict, without epochs. */
#define LOOK_AFTER_US 1000000

typedef struct Materialize {
    Operator base;
    /* Fixed. */
    const PlanMaterialize *plan;
    const RowLayout *key_layout;
    const RowLayout *upsert_layout;
    const RowLayout *row_layout;
    const Vector **columns;
    StateTable *lists;
    bool only_comes; /* the input only inserts */
    /* Changing. */
    RowOutput output;
    Buffer list; /* being rebuilt */
    Buffer met;  /* DO ERROR: keys under which rows have met since the last look */
    Arena *scratch;
} Materialize;

typedef struct MaterializeBatch {
    Batch *in;
    const Str *upsert_keys; /* NULL: whole rows */
    const Str *rows;
    void **records;
} MaterializeBatch;

typedef struct ListItem {
    Str whole; /* header and all */
    Str upsert_key;
    Str row;
} ListItem;

static bool next_item(Reader *reader, ListItem *item)
{
    if (reader_done(reader))
        return false;
    const char *start = reader->next;
    uint32_t key_bytes = reader_u32(reader);
    uint32_t row_bytes = reader_u32(reader);
    assert((size_t)(reader->end - reader->next) >= (size_t)key_bytes + row_bytes);
    item->upsert_key = (Str){reader->next, key_bytes};
    item->row = (Str){reader->next + key_bytes, row_bytes};
    reader->next += (size_t)key_bytes + row_bytes;
    item->whole = (Str){start, (size_t)(reader->next - start)};
    return true;
}

static void append_item(Buffer *list, Str upsert_key, Str row)
{
    buffer_append_u32(list, (uint32_t)upsert_key.length);
    buffer_append_u32(list, (uint32_t)row.length);
    buffer_append_str(list, upsert_key);
    buffer_append_str(list, row);
}

static bool is_same(const MaterializeBatch *work, uint32_t row, const ListItem *item)
{
    Str wanted = work->upsert_keys != NULL ? work->upsert_keys[row] : work->rows[row];
    Str found = work->upsert_keys != NULL ? item->upsert_key : item->row;
    return wanted.length == found.length && memcmp(wanted.data, found.data, found.length) == 0;
}

static Str upsert_key_of(const MaterializeBatch *work, uint32_t row)
{
    return work->upsert_keys != NULL ? work->upsert_keys[row] : (Str){"", 0};
}

static void store(Materialize *materialize, void *record)
{
    state_string_assign(materialize->lists, record,
                        (Str){materialize->list.data, materialize->list.length});
    state_touch(materialize->lists, record);
}

/* DO ERROR: another row has come to the key. */
static void note_meeting(Materialize *materialize, const void *record)
{
    if (materialize->met.length == 0)
        operator_wake_at(materialize->base.context,
                         operator_now_us(materialize->base.context) + LOOK_AFTER_US);
    buffer_append_bytes(&materialize->met, state_value_key(materialize->lists, record));
}

/* A row that comes to others which will never go. */
static bool add_last_row(Materialize *materialize, const MaterializeBatch *work, uint32_t row,
                         Error *error)
{
    void *record = work->records[row];
    if (materialize->plan->conflict == PLAN_CONFLICT_NOTHING) {
        state_touch(materialize->lists, record);
        return true;
    }
    Buffer *list = &materialize->list;
    buffer_clear(list);
    if (materialize->plan->conflict == PLAN_CONFLICT_ERROR) {
        Reader reader = reader_of(string_view_str(record));
        ListItem first;
        next_item(&reader, &first);
        buffer_append_str(list, first.whole);
        note_meeting(materialize, record);
    }
    append_item(list, upsert_key_of(work, row), work->rows[row]);
    store(materialize, record);
    return row_output_input_row(&materialize->output, CHANGE_UPDATE_AFTER, row, error);
}

static bool add_row(Materialize *materialize, const MaterializeBatch *work, uint32_t row,
                    Error *error)
{
    Str stored = string_view_str(work->records[row]);
    Buffer *list = &materialize->list;
    bool replaced = false;
    if (materialize->only_comes && stored.length != 0)
        return add_last_row(materialize, work, row, error);
    uint32_t position = 0; /* of the row in the list */
    buffer_clear(list);
    Reader reader = reader_of(stored);
    ListItem item;
    while (next_item(&reader, &item)) {
        position += !replaced;
        if (!replaced && work->upsert_keys != NULL && is_same(work, row, &item)) {
            append_item(list, item.upsert_key, work->rows[row]);
            replaced = true;
            position--;
        } else {
            buffer_append_str(list, item.whole);
        }
    }
    if (!replaced)
        append_item(list, upsert_key_of(work, row), work->rows[row]);
    uint8_t kind = stored.length == 0 ? CHANGE_INSERT : CHANGE_UPDATE_AFTER;
    store(materialize, work->records[row]);
    if (materialize->plan->conflict == PLAN_CONFLICT_NOTHING && position != 0)
        return true;
    if (materialize->plan->conflict == PLAN_CONFLICT_ERROR && stored.length != 0 && !replaced)
        note_meeting(materialize, work->records[row]);
    return row_output_input_row(&materialize->output, kind, row, error);
}

/* Takes the row out of the list; what is shown then changes if it was the last, or the first. */
static bool retract_row(Materialize *materialize, const MaterializeBatch *work, uint32_t row,
                        Error *error)
{
    Buffer *list = &materialize->list;
    bool found = false, was_last = false, was_first = false;
    Str last = {NULL, 0};
    buffer_clear(list);
    Reader reader = reader_of(string_view_str(work->records[row]));
    ListItem item;
    while (next_item(&reader, &item)) {
        if (!found && is_same(work, row, &item)) {
            found = was_last = true;
            was_first = list->length == 0;
            continue;
        }
        buffer_append_str(list, item.whole);
        last = item.row;
        was_last = false;
    }
    if (!found)
        return true;
    Str next = last;
    bool was_shown = was_last;
    if (materialize->plan->conflict == PLAN_CONFLICT_NOTHING) {
        Reader rest = reader_of((Str){list->data, list->length});
        was_shown = was_first;
        next = next_item(&rest, &item) ? item.row : next;
    }
    bool ok = true;
    if (list->length == 0)
        ok = row_output_input_row(&materialize->output, CHANGE_DELETE, row, error);
    else if (was_shown)
        ok = row_output_encoded_row(&materialize->output, CHANGE_UPDATE_AFTER,
                                    materialize->row_layout, next, error);
    store(materialize, work->records[row]);
    return ok;
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

static bool refuse_conflict(const Materialize *materialize, Str list, Error *error)
{
    Reader reader = reader_of(list);
    ListItem first, second;
    Buffer text = {0};
    if (!next_item(&reader, &first) || !next_item(&reader, &second))
        return true;
    print_row(materialize, first.row, &text);
    buffer_append_text(&text, " and ");
    print_row(materialize, second.row, &text);
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
        uint64_t hash = hash_bytes(key.data, key.length);
        void *record;
        state_value_get(materialize->lists, &key, &hash, 1, &record);
        ok = record == NULL || refuse_conflict(materialize, string_view_str(record), error);
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
        if (((const StringView *)work->records[last[i]])->length == 0)
            state_value_remove(materialize->lists, work->records[last[i]]);
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
        .rows = encode(materialize, materialize->row_layout, batch, NULL),
        .records = arena_alloc(materialize->scratch, sizeof(void *) * n),
    };
    if (plan->upsert_key.count != 0)
        work.upsert_keys =
            encode(materialize, materialize->upsert_layout, batch, &plan->upsert_key);
    hash_many(keys, n, hashes);
    state_value_get_or_create(materialize->lists, keys, hashes, n, work.records, NULL);
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

static const RowLayout *layout_of(Arena *arena, const Schema *schema, const ColumnSet *columns)
{
    const Type **types = arena_new_array(arena, const Type *, columns->count + 1);
    for (uint32_t c = 0; c < columns->count; c++)
        types[c] = schema->columns[columns->columns[c]].type;
    return row_layout_new(arena, types, columns->count);
}

static Operator *materialize_open(const OperatorContext *context, Error *error)
{
    const PlanMaterialize *plan = context->node->spec;
    const Schema *schema = context->node->schema;
    Materialize *materialize = arena_new_one(context->arena, Materialize);
    materialize->base.context = context;
    materialize->plan = plan;
    materialize->key_layout = layout_of(context->arena, schema, &plan->key);
    materialize->upsert_layout = layout_of(context->arena, schema, &plan->upsert_key);
    materialize->row_layout = row_layout_of_schema(context->arena, schema);
    materialize->columns =
        arena_new_array(context->arena, const Vector *, schema->column_count + 1);
    materialize->only_comes = context->node->inputs[0].node->traits.kinds == CHANGES_INSERT_ONLY;
    static const uint32_t list_offset = 0;
    StateSpec spec = {
        .name = "lists",
        .kind = STATE_VALUE,
        .record_bytes = sizeof(StringView),
        .string_offsets = &list_offset,
        .string_count = 1,
        .description = row_slot_describe(context->arena, schema),
        .ttl_ms = plan->state_ttl_ms,
    };
    materialize->lists = state_table_declare(context->state, &spec);
    row_output_init(&materialize->output, context);
    materialize->scratch = arena_new((size_t)1 << 18);
    return &materialize->base;
}

static void materialize_close(Operator *op)
{
    Materialize *materialize = (Materialize *)op;
    buffer_deinit(&materialize->list);
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
