/* MiniBatch: the changes of a bundle, at most one per key.
 *
 * Contract: nothing is passed on until the bundle ends. Then each key that changed is told once, in
 * the order in which the keys first changed: +I when it was not there before, -U (if wanted) and +U
 * when it was and is, -D when it has gone; nothing when it came and went, and nothing when it is
 * what it was (with a state TTL it is told all the same, to keep what follows alive). A bundle ends
 * when it holds `size` changes (but never between -U and +U where they stand apart), `latency_ms`
 * after its first one, at a watermark, at a barrier and at the end.
 *
 * State: none that outlives a barrier. Rows stay in the batches they came in; a bundle knows, per
 * key, where the row before it and the last one are. Cost: one prefetched probe a change, and a
 * copy of the columns of what is told; superseded rows take memory until they are four times as
 * many as the others. */
#include "core/row.h"
#include "executor/key_hash.h"
#include "executor/operator.h"
#include "executor/row_pages.h"

/* What a bundle knows of a key. */
typedef struct FoldedKey {
    uint64_t hash;
    Str name;
    RowPlace before, after; /* the rows before the bundle and now, where they are known */
    bool existed;           /* there was a row before the bundle */
} FoldedKey;

/* Rows on their way out. */
typedef struct FoldedOutput {
    uint32_t count;
    uint32_t limit; /* and one more: a +U that follows its -U */
    uint8_t *kinds;
    RowPlace *places;
    Emitter *emitter;
} FoldedOutput;

typedef struct MiniBatch {
    Operator base;
    /* Fixed. */
    const PlanMiniBatch *plan;
    const RowLayout *key_layout;
    const KeyHash *key_hash;
    const Vector **columns;
    /* Changing. */
    RowPages rows;
    FoldedKey *keys; /* of the bundle, by first change */
    uint32_t key_count;
    uint32_t key_capacity;
    uint32_t *slots; /* by hash: 1 + number of the key */
    uint32_t slot_mask;
    Arena *names;
    int64_t changes; /* in the bundle; a -U is part of its +U */
    int64_t open;    /* -U whose +U is still to come */
    FoldedOutput output;
    Arena *scratch;
} MiniBatch;

/* ------------------------------------------------------------------------ keys */

#define SLOTS_LEAST 4096

static void enter_slot(MiniBatch *mini, uint32_t key)
{
    uint32_t at = (uint32_t)mini->keys[key].hash & mini->slot_mask;
    while (mini->slots[at] != 0)
        at = (at + 1) & mini->slot_mask;
    mini->slots[at] = key + 1;
}

static void resize_slots(MiniBatch *mini, uint32_t count)
{
    memory_free(mini->slots);
    mini->slots = memory_zalloc(sizeof(uint32_t) * count);
    mini->slot_mask = count - 1;
    for (uint32_t k = 0; k < mini->key_count; k++)
        enter_slot(mini, k);
}

static FoldedKey *add_key(MiniBatch *mini, Str name, uint64_t hash)
{
    if (mini->key_count == mini->key_capacity) {
        mini->key_capacity = mini->key_capacity == 0 ? 1024 : mini->key_capacity * 2;
        mini->keys = memory_realloc(mini->keys, mini->key_capacity * sizeof(FoldedKey));
    }
    FoldedKey *key = &mini->keys[mini->key_count];
    *key = (FoldedKey){.hash = hash, .before = ROW_NOWHERE, .after = ROW_NOWHERE};
    key->name = (Str){arena_memdup(mini->names, name.data, name.length), name.length};
    if (mini->key_count * 2 > mini->slot_mask)
        resize_slots(mini, (mini->slot_mask + 1) * 2);
    enter_slot(mini, mini->key_count++);
    return key;
}

static FoldedKey *find_key(const MiniBatch *mini, Str name, uint64_t hash)
{
    uint32_t at = (uint32_t)hash & mini->slot_mask;
    for (; mini->slots[at] != 0; at = (at + 1) & mini->slot_mask) {
        FoldedKey *key = &mini->keys[mini->slots[at] - 1];
        if (key->hash == hash && key->name.length == name.length &&
            memcmp(key->name.data, name.data, name.length) == 0)
            return key;
    }
    return NULL;
}

/* ------------------------------------------------------------------- collecting */

static void fold_row(MiniBatch *mini, Str name, uint64_t hash, uint8_t kind, RowPlace place)
{
    FoldedKey *key = find_key(mini, name, hash);
    bool retraction = change_is_retraction(kind);
    if (key == NULL) {
        key = add_key(mini, name, hash);
        key->existed = mini->plan->halves ? retraction : kind != CHANGE_INSERT;
    }
    /* Where no -U comes, the -D at the latest tells which row was there. */
    if (retraction && key->existed && !row_place_is_somewhere(key->before))
        key->before = place;
    key->after = retraction ? ROW_NOWHERE : place;
    mini->changes += kind != CHANGE_UPDATE_BEFORE;
    mini->open += kind == CHANGE_UPDATE_BEFORE ? 1 : kind == CHANGE_UPDATE_AFTER ? -1 : 0;
}

/* Gives up rows that nobody will ask for. */
static void compact(MiniBatch *mini)
{
    RowPlace **places = arena_alloc(mini->scratch, sizeof(RowPlace *) * mini->key_count * 2);
    uint32_t count = 0;
    for (uint32_t k = 0; k < mini->key_count; k++) {
        FoldedKey *key = &mini->keys[k];
        if (row_place_is_somewhere(key->before))
            places[count++] = &key->before;
        if (row_place_is_somewhere(key->after))
            places[count++] = &key->after;
    }
    row_pages_compact(&mini->rows, places, count);
}

#define COMPACT_LEAST 65536
#define KEYS_AHEAD    8

static void collect(MiniBatch *mini, Batch *batch)
{
    uint32_t n = batch->row_count;
    Str *names = arena_alloc(mini->scratch, sizeof(Str) * n);
    uint64_t *hashes = arena_alloc(mini->scratch, sizeof(uint64_t) * n);
    const ColumnSet *key = &mini->plan->key;
    for (uint32_t k = 0; k < key->count; k++)
        mini->columns[k] = &batch->columns[key->columns[k]];
    if (key->count != 0)
        row_encode(mini->key_layout, mini->columns, NULL, n, mini->scratch, names);
    for (uint32_t i = 0; i < n && key->count == 0; i++)
        names[i] = (Str){"", 0};
    key_hash_many(mini->key_hash, batch, names, n, mini->scratch, hashes);
    RowPlace place = row_pages_add(&mini->rows, batch);
    for (uint32_t row = 0; row < n; row++, place.row++) {
        uint32_t ahead = row + KEYS_AHEAD < n ? row + KEYS_AHEAD : row;
        __builtin_prefetch(&mini->slots[(uint32_t)hashes[ahead] & mini->slot_mask]);
        fold_row(mini, names[row], hashes[row], batch_kind(batch, row), place);
    }
    if (mini->rows.rows > COMPACT_LEAST && mini->rows.rows / 8 > mini->key_count)
        compact(mini);
}

/* ------------------------------------------------------------------ passing on */

static bool flush(MiniBatch *mini, Error *error)
{
    FoldedOutput *output = &mini->output;
    if (output->count == 0)
        return true;
    Batch *batch = batch_new(mini->base.context->node->schema, output->count);
    batch->row_count = output->count;
    row_pages_copy(&mini->rows, output->places, output->count, batch);
    for (uint32_t i = 0; i < output->count; i++)
        if (output->kinds[i] != CHANGE_INSERT) {
            memcpy(batch_kinds(batch, output->count), output->kinds, output->count);
            break;
        }
    output->count = 0;
    return emit(output->emitter, batch, error);
}

/* A full batch waits for the +U that completes its last pair. */
static bool give(MiniBatch *mini, uint8_t kind, RowPlace place, Error *error)
{
    FoldedOutput *output = &mini->output;
    bool is_full = output->count >= output->limit;
    bool completes_pair = is_full && kind == CHANGE_UPDATE_AFTER &&
                          output->kinds[output->count - 1] == CHANGE_UPDATE_BEFORE;
    bool parts_pair =
        kind == CHANGE_UPDATE_BEFORE && output->count != 0 && output->count + 1 == output->limit;
    if (((is_full && !completes_pair) || parts_pair || output->count > output->limit) &&
        !flush(mini, error))
        return false;
    output->kinds[output->count] = kind;
    output->places[output->count++] = place;
    return true;
}

static bool emit_key(MiniBatch *mini, const FoldedKey *key, Error *error)
{
    bool has_before = row_place_is_somewhere(key->before);
    bool is_there = row_place_is_somewhere(key->after);
    if (!key->existed)
        return !is_there || give(mini, CHANGE_INSERT, key->after, error);
    if (!is_there)
        return give(mini, CHANGE_DELETE, key->before, error);
    if (has_before && !mini->plan->keeps_alive &&
        row_pages_equal(&mini->rows, key->before, key->after))
        return true;
    if (mini->base.context->node->traits.wants_before && has_before &&
        !give(mini, CHANGE_UPDATE_BEFORE, key->before, error))
        return false;
    return give(mini, CHANGE_UPDATE_AFTER, key->after, error);
}

/* Room for as many keys stays for the next bundle. */
#define KEYS_KEPT 65536

static void forget(MiniBatch *mini)
{
    mini->key_count = 0;
    mini->changes = mini->open = 0;
    row_pages_clear(&mini->rows);
    arena_reset(mini->names);
    if (mini->key_capacity <= KEYS_KEPT) {
        memset(mini->slots, 0, sizeof(uint32_t) * (mini->slot_mask + 1));
        return;
    }
    memory_free(mini->keys);
    mini->keys = NULL;
    mini->key_capacity = 0;
    resize_slots(mini, SLOTS_LEAST);
}

static bool end_bundle(MiniBatch *mini, Emitter *emitter, Error *error)
{
    if (mini->key_count == 0)
        return true;
    mini->output.emitter = emitter;
    mini->output.count = 0;
    bool ok = true;
    for (uint32_t k = 0; k < mini->key_count && ok; k++)
        ok = emit_key(mini, &mini->keys[k], error);
    ok = ok && flush(mini, error);
    forget(mini);
    return ok;
}

static bool mini_batch_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter,
                             Error *error)
{
    MiniBatch *mini = (MiniBatch *)op;
    arena_reset(mini->scratch);
    if (mini->key_count == 0)
        operator_wake_at(op->context, operator_now_us(op->context) + mini->plan->latency_ms * 1000);
    collect(mini, batch);
    batch_release(batch);
    const bool whole = !mini->plan->waits || mini->open == 0;
    return mini->changes < mini->plan->size || !whole || end_bundle(mini, emitter, error);
}

static bool mini_batch_alarm(Operator *op, int64_t now_us, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

static bool mini_batch_watermark(Operator *op, int64_t watermark_us, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

static bool mini_batch_barrier(Operator *op, uint64_t epoch, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

static bool mini_batch_end(Operator *op, Emitter *emitter, Error *error)
{
    return end_bundle((MiniBatch *)op, emitter, error);
}

/* ------------------------------------------------------------------- lifetime */

static Operator *mini_batch_open(const OperatorContext *context, Error *error)
{
    const Schema *schema = context->node->schema;
    Arena *arena = context->arena;
    MiniBatch *mini = arena_new_one(arena, MiniBatch);
    mini->base.context = context;
    mini->plan = context->node->spec;
    const ColumnSet *key = &mini->plan->key;
    mini->key_layout = row_layout_of_columns(arena, schema, key->columns, key->count);
    mini->key_hash = key_hash_new(arena, &context->node->inputs[0], key->columns, key->count);
    mini->columns = arena_new_array(arena, const Vector *, schema->column_count + 1);
    row_pages_init(&mini->rows, schema);
    resize_slots(mini, SLOTS_LEAST);
    mini->names = arena_new((size_t)1 << 14);
    uint32_t limit = context->batch_rows;
    limit = limit == 0 ? 1 : limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    mini->output.limit = limit;
    mini->output.kinds = arena_new_array(arena, uint8_t, limit + 1);
    mini->output.places = arena_new_array(arena, RowPlace, limit + 1);
    mini->scratch = arena_new((size_t)1 << 18);
    return &mini->base;
}

static void mini_batch_close(Operator *op)
{
    MiniBatch *mini = (MiniBatch *)op;
    row_pages_deinit(&mini->rows);
    memory_free(mini->keys);
    memory_free(mini->slots);
    arena_free(mini->names);
    arena_free(mini->scratch);
}

const OperatorClass op_mini_batch = {
    .name = "mini_batch",
    .open = mini_batch_open,
    .batch = mini_batch_batch,
    .watermark = mini_batch_watermark,
    .alarm = mini_batch_alarm,
    .barrier = mini_batch_barrier,
    .end = mini_batch_end,
    .close = mini_batch_close,
    .has_pairs = operator_makes_pairs,
};
