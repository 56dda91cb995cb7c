/* What a batch's rows change in the result, and the output batches that say so.
 *
 * A change is a pick: an input row, which gives the keys, and whether the values before or after
 * that row are meant. Picks are listed first, then each column of an output batch is one gather
 * from the input or two from the vectors before and after.
 *
 * Invariant: the picks of a -U and its +U are neighbours and go into one batch. */
#include "executor/aggregate/internal.h"
#include "executor/vector_rows.h"

#include <stdlib.h>

typedef struct Picks {
    uint32_t count;
    uint32_t *rows;
    uint8_t *is_after;
    uint8_t *kinds;
} Picks;

static void pick(Picks *picks, uint32_t row, bool is_after, uint8_t kind)
{
    picks->rows[picks->count] = row;
    picks->is_after[picks->count] = is_after;
    picks->kinds[picks->count++] = kind;
}

/* --------------------------------------------------------- what has changed */

#define DEFINE_COMPARE(name, type)                                                                 \
    static void compare_##name(const void *before, const void *after, uint32_t count,              \
                               uint8_t *differs)                                                   \
    {                                                                                              \
        const type *a = before;                                                                    \
        const type *b = after;                                                                     \
        for (uint32_t i = 0; i < count; i++)                                                       \
            differs[i] |= a[i] != b[i];                                                            \
    }
DEFINE_COMPARE(i32, int32_t)
DEFINE_COMPARE(i64, int64_t)
DEFINE_COMPARE(i128, int128_t)

/* Sets differs[i] where the two vectors' rows i do. */
static void mark_differences(const Vector *before, const Vector *after, uint32_t count,
                             uint8_t *differs)
{
    bool plain = before->validity == NULL && after->validity == NULL && !before->constant &&
                 !after->constant;
    PhysicalType physical = before->type->physical;
    if (plain && physical == PHYSICAL_I64) {
        compare_i64(before->data, after->data, count, differs);
    } else if (plain && physical == PHYSICAL_I32) {
        compare_i32(before->data, after->data, count, differs);
    } else if (plain && physical == PHYSICAL_I128) {
        compare_i128(before->data, after->data, count, differs);
    } else {
        for (uint32_t i = 0; i < count; i++)
            if (!differs[i])
                differs[i] = !vector_values_equal(before, i, after, i);
    }
}

static uint8_t *find_differences(const Aggregate *aggregate, const AggregateBatch *work)
{
    uint8_t *differs = arena_zalloc(work->arena, work->count);
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++)
        mark_differences(&work->before[c], &work->after[c], work->count, differs);
    return differs;
}

/* Whether the group of row `row` was there before the row. */
static bool lives_before(const AggregateBatch *work, uint32_t row)
{
    if (work->group_rows == NULL)
        return !work->created[row];
    if (work->lived != NULL)
        return work->lived[row] != 0;
    return change_is_retraction(aggregate_kind(work, row)) || work->group_rows[row] > 1;
}

static bool lives_after(const AggregateBatch *work, uint32_t row)
{
    return work->group_rows == NULL || work->group_rows[row] > 0;
}

/* Whether a group that was there and still is need not be compared with itself before.
 * With a state TTL an update is given even where nothing changed, to keep what follows alive; not
 * by a DISTINCT over inserts, whose result only grows. */
bool aggregate_gives_always(const Aggregate *aggregate)
{
    if (aggregate->counts_rows)
        return true;
    return aggregate->plan->state_ttl_ms > 0 &&
           (aggregate->plan->call_count != 0 || aggregate->plan->input_retracts);
}

/* ------------------------------------------------------- exact, row by row */

static void pick_each(const Aggregate *aggregate, const AggregateBatch *work, Picks *picks)
{
    bool always = aggregate_gives_always(aggregate);
    bool wants_before = aggregate->base.context->node->traits.wants_before;
    const uint8_t *differs = always ? NULL : find_differences(aggregate, work);
    for (uint32_t row = 0; row < work->count; row++) {
        if (!aggregate_is_counted(work, row))
            continue;
        if (!lives_before(work, row)) {
            pick(picks, row, true, CHANGE_INSERT);
        } else if (!lives_after(work, row)) {
            pick(picks, row, false, CHANGE_DELETE);
        } else if (always || differs[row]) {
            if (wants_before)
                pick(picks, row, false, CHANGE_UPDATE_BEFORE);
            pick(picks, row, true, CHANGE_UPDATE_AFTER);
        }
    }
}

/* ------------------------------------------- folded, once a key and batch */

GroupSpans aggregate_find_spans(const AggregateBatch *work, uint32_t *previous)
{
    GroupSpans spans = {0, arena_alloc(work->arena, sizeof(uint32_t) * work->count),
                        arena_alloc(work->arena, sizeof(uint32_t) * work->count)};
    uint32_t mask = 1;
    while (mask < work->count * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(work->arena, sizeof(uint32_t) * mask);
    mask--;
    for (uint32_t row = 0; row < work->count; row++) {
        if (previous != NULL)
            previous[row] = AGGREGATE_NO_ROW;
        if (!aggregate_is_counted(work, row))
            continue;
        uint32_t at = (uint32_t)work->hashes[row] & mask;
        while (slots[at] != 0 && work->records[spans.first[slots[at] - 1]] != work->records[row])
            at = (at + 1) & mask;
        if (slots[at] == 0) {
            spans.first[spans.count] = row;
            slots[at] = ++spans.count;
        } else if (previous != NULL) {
            previous[row] = spans.last[slots[at] - 1];
        }
        spans.last[slots[at] - 1] = row;
    }
    return spans;
}

static bool span_differs(const Aggregate *aggregate, const AggregateBatch *work, uint32_t first,
                         uint32_t last)
{
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++)
        if (!vector_values_equal(&work->before[c], first, &work->after[c], last))
            return true;
    return false;
}

static void pick_folded(const Aggregate *aggregate, const AggregateBatch *work, Picks *picks)
{
    bool always = aggregate_gives_always(aggregate);
    bool wants_before = aggregate->base.context->node->traits.wants_before;
    GroupSpans spans = aggregate_find_spans(work, NULL);
    for (uint32_t i = 0; i < spans.count; i++) {
        uint32_t first = spans.first[i], last = spans.last[i];
        bool lived = lives_before(work, first);
        bool lives = lives_after(work, last);
        if (!lived && lives) {
            pick(picks, last, true, CHANGE_INSERT);
        } else if (lived && !lives) {
            pick(picks, first, false, CHANGE_DELETE);
        } else if (lived && (always || span_differs(aggregate, work, first, last))) {
            if (wants_before)
                pick(picks, first, false, CHANGE_UPDATE_BEFORE);
            pick(picks, last, true, CHANGE_UPDATE_AFTER);
        }
    }
}

/* ------------------------------------------------------------ output batches */

/* Where the values of picks from..from+count come from, apart for before and after. */
typedef struct Sources {
    uint32_t count[2];
    uint32_t *rows[2];
    uint32_t *positions[2];
} Sources;

static Sources split_sources(const Picks *picks, uint32_t from, uint32_t count, Arena *arena)
{
    Sources sources = {{0, 0}, {NULL, NULL}, {NULL, NULL}};
    for (uint32_t s = 0; s < 2; s++) {
        sources.rows[s] = arena_alloc(arena, sizeof(uint32_t) * count);
        sources.positions[s] = arena_alloc(arena, sizeof(uint32_t) * count);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t s = picks->is_after[from + i];
        sources.rows[s][sources.count[s]] = picks->rows[from + i];
        sources.positions[s][sources.count[s]++] = i;
    }
    return sources;
}

static Batch *build(const Aggregate *aggregate, const AggregateBatch *work, const Picks *picks,
                    uint32_t from, uint32_t count)
{
    const PlanAggregate *plan = aggregate->plan;
    const Schema *schema = aggregate->base.context->node->schema;
    Batch *out = batch_new_bare(schema);
    out->row_count = count;
    memcpy(batch_kinds(out, count), picks->kinds + from, count);
    bool lends_keys = false;
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const Vector *key = aggregate->key_columns[k];
        vector_gather(&out->columns[k], key, picks->rows + from, count, out->arena);
        lends_keys = lends_keys || key->type->physical >= PHYSICAL_STRING;
    }
    Sources sources = split_sources(picks, from, count, work->arena);
    for (uint32_t c = 0; c < plan->call_count; c++) {
        Vector *column = &out->columns[plan->key_count + c];
        vector_init(column, schema->columns[plan->key_count + c].type, count, out->arena);
        vector_copy_rows(column, sources.positions[0], &work->before[c], sources.rows[0],
                         sources.count[0], out->arena);
        vector_copy_rows(column, sources.positions[1], &work->after[c], sources.rows[1],
                         sources.count[1], out->arena);
    }
    if (lends_keys)
        batch_hold(out, batch_retain(work->in));
    if (work->holder != NULL)
        batch_hold(out, batch_retain(work->holder));
    return out;
}

/* How many picks from `from` on go into one batch: at most `limit`, but a pair stays whole. */
static uint32_t chunk_size(const Picks *picks, uint32_t from, uint32_t limit)
{
    uint32_t left = picks->count - from;
    if (left <= limit)
        return left;
    bool parts = picks->kinds[from + limit - 1] == CHANGE_UPDATE_BEFORE;
    return !parts ? limit : limit == 1 ? 2 : limit - 1;
}

bool aggregate_emit_changes(Aggregate *aggregate, AggregateBatch *work, Emitter *emitter,
                            Error *error)
{
    const OperatorContext *context = aggregate->base.context;
    size_t room = (size_t)work->count * 2;
    Picks picks = {0, arena_alloc(work->arena, sizeof(uint32_t) * room),
                   arena_alloc(work->arena, room), arena_alloc(work->arena, room)};
    if (context->node->traits.folds)
        pick_folded(aggregate, work, &picks);
    else
        pick_each(aggregate, work, &picks);
    uint32_t limit = context->batch_rows < BATCH_ROWS_MAX ? context->batch_rows : BATCH_ROWS_MAX;
    for (uint32_t from = 0; from < picks.count;) {
        uint32_t count = chunk_size(&picks, from, limit == 0 ? 1 : limit);
        if (!emit(emitter, build(aggregate, work, &picks, from, count), error))
            return false;
        from += count;
    }
    return true;
}

/* ------------------------------------------------------- results at the end */

typedef struct Groups {
    const Aggregate *aggregate;
    void **records;
    size_t count;
} Groups;

static void collect_group(void *to, void *record)
{
    Groups *groups = to;
    groups->records[groups->count++] = record;
}

static int compare_arrival(const void *a, const void *b, void *offset)
{
    int64_t left = *(const int64_t *)(const void *)(*(const char *const *)a + *(size_t *)offset);
    int64_t right = *(const int64_t *)(const void *)(*(const char *const *)b + *(size_t *)offset);
    return (left > right) - (left < right);
}

static bool read_call(const Aggregate *aggregate, const AggregateCall *call, void **records,
                      uint32_t count, Vector *out, Arena *arena, Error *error)
{
    for (uint32_t i = 0; call->collected != NULL && i < count; i++) {
        Str key = state_value_key(aggregate->groups, records[i]);
        if (!collected_values_read(call->collected, key,
                                   state_value_hash(aggregate->groups, records[i]), out, i, arena,
                                   error))
            return false;
    }
    if (call->collected != NULL)
        return true;
    if (call->ordered != NULL) {
        for (uint32_t i = 0; i < count; i++) {
            Str key = state_value_key(aggregate->groups, records[i]);
            ordered_values_read(call->ordered, key, state_value_hash(aggregate->groups, records[i]),
                                out, i, arena);
        }
        return true;
    }
    uint8_t **states = arena_alloc(aggregate->scratch, sizeof(uint8_t *) * count);
    for (uint32_t i = 0; i < count; i++)
        states[i] = (uint8_t *)records[i] + call->offset;
    return call->plan->call.result_of(call->plan->call.data, states, count, out, arena, error);
}

bool aggregate_read_values(const Aggregate *aggregate, void **records, uint32_t count,
                           Vector *columns, Arena *arena, Error *error)
{
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++)
        if (!read_call(aggregate, &aggregate->calls[c], records, count, &columns[c], arena, error))
            return false;
    return true;
}

static Batch *build_groups(const Aggregate *aggregate, void **records, uint32_t count, Error *error)
{
    const PlanAggregate *plan = aggregate->plan;
    Batch *out = batch_new(aggregate->base.context->node->schema, count);
    Vector **keys = arena_new_array(aggregate->scratch, Vector *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        keys[k] = &out->columns[k];
    for (uint32_t i = 0; i < count; i++)
        row_decode(aggregate->key_layout, state_value_key(aggregate->groups, records[i]), keys, i,
                   out->arena, false);
    if (!aggregate_read_values(aggregate, records, count, out->columns + plan->key_count,
                               out->arena, error)) {
        batch_release(out);
        return NULL;
    }
    out->row_count = count;
    return out;
}

bool aggregate_emit_groups(Aggregate *aggregate, Emitter *emitter, Error *error)
{
    size_t total = state_table_keys(aggregate->groups);
    Groups groups = {aggregate, memory_alloc(sizeof(void *) * (total + 1)), 0};
    state_value_each(aggregate->groups, collect_group, &groups);
    assert(groups.count == total);
    size_t offset = aggregate->header_bytes - sizeof(int64_t);
    qsort_r(groups.records, total, sizeof(void *), compare_arrival, &offset);
    uint32_t limit = aggregate->base.context->batch_rows;
    limit = limit == 0 ? 1 : limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    bool ok = true;
    for (size_t from = 0; ok && from < total; from += limit) {
        uint32_t count = total - from < limit ? (uint32_t)(total - from) : limit;
        arena_reset(aggregate->scratch);
        Batch *batch = build_groups(aggregate, groups.records + from, count, error);
        ok = batch != NULL && emit(emitter, batch, error);
    }
    memory_free(groups.records);
    return ok;
}
