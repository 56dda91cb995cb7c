/* Mini-batch: what a bundle of rows has made of the groups, told once a group.
 *
 * Contract: rows change the groups as they come; at the bundle's end each group that a row was for
 * is told once, in the order of the first rows: +I when it was not there before, -U (if wanted) and
 * +U when it was and is, -D when it has gone; nothing when it came and went, and nothing when its
 * values are what they were (but see gives_always in aggregate/emit.c). A bundle ends when it holds
 * `bundle_size` rows, `bundle_latency_ms` after its first one, at a watermark, at a barrier and at
 * the end.
 *
 * Invariant: a group stays where it is until the bundle ends: one without rows is removed then, and
 * nothing expires meanwhile (state_store_hold). So groups are told apart by their addresses.
 *
 * Cost: a prefetched probe a row into a table of the bundle's groups; per group one read of its
 * values, and one of those before where these are asked for. */
#include "executor/aggregate/internal.h"

#include "executor/row_pages.h"
#include "executor/vector_rows.h"

typedef struct BundleGroup {
    void *record;
    RowPlace before; /* its values before the bundle, where they are asked for */
    bool existed;
} BundleGroup;

struct AggregateBundle {
    const Schema *values; /* of the calls */
    RowPages before;
    BundleGroup *groups; /* by first row */
    uint32_t count;
    uint32_t capacity;
    uint32_t *slots; /* by address: 1 + number of the group */
    uint32_t mask;
    int64_t rows;
};

#define SLOTS_LEAST 4096
/* Room for as many groups stays for the next bundle. */
#define GROUPS_KEPT 65536
#define SLOTS_AHEAD 8

AggregateBundle *aggregate_bundle_open(const Aggregate *aggregate)
{
    const PlanAggregate *plan = aggregate->plan;
    const Schema *schema = aggregate->base.context->node->schema;
    Arena *arena = aggregate->base.context->arena;
    AggregateBundle *bundle = arena_new_one(arena, AggregateBundle);
    bundle->values = schema_new(arena, schema->columns + plan->key_count, plan->call_count);
    row_pages_init(&bundle->before, bundle->values);
    bundle->slots = memory_zalloc(sizeof(uint32_t) * SLOTS_LEAST);
    bundle->mask = SLOTS_LEAST - 1;
    return bundle;
}

void aggregate_bundle_close(AggregateBundle *bundle)
{
    row_pages_deinit(&bundle->before);
    memory_free(bundle->groups);
    memory_free(bundle->slots);
}

/* Whether what the calls gave before a bundle is told, or compared with what they give after it. */
static bool needs_before(const Aggregate *aggregate)
{
    const PlanAggregate *plan = aggregate->plan;
    return plan->call_count != 0 &&
           (plan->input_retracts || aggregate->base.context->node->traits.wants_before ||
            !aggregate_gives_always(aggregate));
}

static bool has_rows(const Aggregate *aggregate, const void *record)
{
    return !aggregate->plan->input_retracts || *(const int64_t *)record > 0;
}

/* ------------------------------------------------------------- groups of the bundle */

static uint32_t slot_of(const AggregateBundle *bundle, const void *record)
{
    uint64_t mixed = ((uint64_t)(uintptr_t)record >> 3) * UINT64_C(0x9E3779B97F4A7C15);
    return (uint32_t)(mixed >> 32) & bundle->mask;
}

static uint32_t *find_slot(const AggregateBundle *bundle, const void *record)
{
    uint32_t at = slot_of(bundle, record);
    while (bundle->slots[at] != 0 && bundle->groups[bundle->slots[at] - 1].record != record)
        at = (at + 1) & bundle->mask;
    return &bundle->slots[at];
}

static void resize_slots(AggregateBundle *bundle, uint32_t count)
{
    memory_free(bundle->slots);
    bundle->slots = memory_zalloc(sizeof(uint32_t) * count);
    bundle->mask = count - 1;
    for (uint32_t g = 0; g < bundle->count; g++)
        *find_slot(bundle, bundle->groups[g].record) = g + 1;
}

/* So many more groups find room. */
static void reserve(AggregateBundle *bundle, uint32_t more)
{
    uint32_t needed = bundle->count + more;
    if (needed > bundle->capacity) {
        bundle->capacity = needed > bundle->capacity * 2 ? needed : bundle->capacity * 2;
        bundle->groups = memory_realloc(bundle->groups, sizeof(BundleGroup) * bundle->capacity);
    }
    uint32_t slots = bundle->mask + 1;
    while (slots < needed * 2)
        slots *= 2;
    if (slots != bundle->mask + 1)
        resize_slots(bundle, slots);
}

/* The values, before the batch changes them, of the groups from `first` on that were there. */
static bool keep_before(Aggregate *aggregate, AggregateBatch *work, uint32_t first, Error *error)
{
    AggregateBundle *bundle = aggregate->bundle;
    void **records = arena_alloc(work->arena, sizeof(void *) * (bundle->count - first + 1));
    uint32_t count = 0;
    for (uint32_t g = first; g < bundle->count; g++)
        if (bundle->groups[g].existed)
            records[count++] = bundle->groups[g].record;
    if (count == 0)
        return true;
    Batch *values = batch_new(bundle->values, count);
    values->row_count = count;
    bool ok =
        aggregate_read_values(aggregate, records, count, values->columns, values->arena, error);
    RowPlace place = row_pages_add(&bundle->before, values);
    batch_release(values);
    for (uint32_t g = first; g < bundle->count; g++)
        if (bundle->groups[g].existed) {
            bundle->groups[g].before = place;
            place.row++;
        }
    return ok;
}

/* Before the batch changes anything: which groups the bundle did not know. */
static bool note_groups(Aggregate *aggregate, AggregateBatch *work, Error *error)
{
    AggregateBundle *bundle = aggregate->bundle;
    uint32_t first = bundle->count;
    reserve(bundle, work->count);
    for (uint32_t row = 0; row < work->count; row++) {
        if (row + SLOTS_AHEAD < work->count)
            __builtin_prefetch(&bundle->slots[slot_of(bundle, work->records[row + SLOTS_AHEAD])]);
        void *record = work->records[row];
        if (row > 0 && record == work->records[row - 1])
            continue;
        uint32_t *slot = find_slot(bundle, record);
        if (*slot != 0)
            continue;
        bundle->groups[bundle->count] =
            (BundleGroup){record, ROW_NOWHERE, !work->created[row] && has_rows(aggregate, record)};
        *slot = ++bundle->count;
    }
    return !needs_before(aggregate) || keep_before(aggregate, work, first, error);
}

/* ------------------------------------------------------------------- telling */

/* Some groups on their way out: their values before and after in the order of the groups, and the
 * rows that are told of them. */
typedef struct BundleOutput {
    const BundleGroup *groups;
    uint32_t group_count;
    bool has_before;
    Batch *before;                      /* of the groups that were there */
    Batch *after;                       /* of those that are */
    uint32_t *before_rows, *after_rows; /* by group: its row there */
    uint32_t count;                     /* of rows that are told */
    uint32_t *tellers;                  /* by such a row: the group */
    uint8_t *kinds;
} BundleOutput;

static bool read_after(Aggregate *aggregate, BundleOutput *output, Error *error)
{
    Arena *arena = aggregate->scratch;
    void **records = arena_alloc(arena, sizeof(void *) * output->group_count);
    uint32_t count = 0;
    for (uint32_t g = 0; g < output->group_count; g++) {
        output->after_rows[g] = count;
        records[count] = output->groups[g].record;
        count += has_rows(aggregate, records[count]);
    }
    output->after = batch_new(aggregate->bundle->values, count);
    output->after->row_count = count;
    return count == 0 || aggregate_read_values(aggregate, records, count, output->after->columns,
                                               output->after->arena, error);
}

static void read_before(const Aggregate *aggregate, BundleOutput *output)
{
    RowPlace *places = arena_alloc(aggregate->scratch, sizeof(RowPlace) * output->group_count);
    uint32_t count = 0;
    for (uint32_t g = 0; g < output->group_count; g++) {
        output->before_rows[g] = count;
        places[count] = output->groups[g].before;
        count += output->has_before && output->groups[g].existed;
    }
    output->before = batch_new(aggregate->bundle->values, count);
    output->before->row_count = count;
    row_pages_copy(&aggregate->bundle->before, places, count, output->before);
}

static bool differs(const Aggregate *aggregate, const BundleOutput *output, uint32_t group)
{
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++)
        if (!vector_values_equal(&output->before->columns[c], output->before_rows[group],
                                 &output->after->columns[c], output->after_rows[group]))
            return true;
    return false;
}

static void tell(BundleOutput *output, uint32_t group, uint8_t kind)
{
    output->tellers[output->count] = group;
    output->kinds[output->count++] = kind;
}

static void choose_rows(const Aggregate *aggregate, BundleOutput *output)
{
    bool always = aggregate_gives_always(aggregate);
    bool wants_before = aggregate->base.context->node->traits.wants_before;
    for (uint32_t g = 0; g < output->group_count; g++) {
        bool existed = output->groups[g].existed;
        bool exists = has_rows(aggregate, output->groups[g].record);
        if (existed && exists && (always || differs(aggregate, output, g))) {
            if (wants_before)
                tell(output, g, CHANGE_UPDATE_BEFORE);
            tell(output, g, CHANGE_UPDATE_AFTER);
        } else if (existed != exists) {
            tell(output, g, exists ? CHANGE_INSERT : CHANGE_DELETE);
        }
    }
}

/* The columns of the calls; each row is one of `before` or one of `after`. */
static void copy_values(const Aggregate *aggregate, const BundleOutput *output, Batch *out)
{
    Arena *arena = aggregate->scratch;
    uint32_t *from[2], *to[2], count[2] = {0, 0};
    for (uint32_t s = 0; s < 2; s++) {
        from[s] = arena_alloc(arena, sizeof(uint32_t) * output->count);
        to[s] = arena_alloc(arena, sizeof(uint32_t) * output->count);
    }
    for (uint32_t i = 0; i < output->count; i++) {
        uint32_t s = change_is_retraction(output->kinds[i]) ? 0 : 1;
        uint32_t group = output->tellers[i];
        from[s][count[s]] = s == 0 ? output->before_rows[group] : output->after_rows[group];
        to[s][count[s]++] = i;
    }
    for (uint32_t c = 0; c < aggregate->plan->call_count; c++) {
        Vector *column = &out->columns[aggregate->plan->key_count + c];
        vector_copy_rows(column, to[0], &output->before->columns[c], from[0], count[0], out->arena);
        vector_copy_rows(column, to[1], &output->after->columns[c], from[1], count[1], out->arena);
    }
    if (!aggregate->gives_strings)
        return;
    batch_hold(out, batch_retain(output->before));
    batch_hold(out, batch_retain(output->after));
}

/* A batch with its kinds and keys. */
static Batch *build_keys(const Aggregate *aggregate, const BundleOutput *output)
{
    const PlanAggregate *plan = aggregate->plan;
    Arena *arena = aggregate->scratch;
    Batch *out = batch_new(aggregate->base.context->node->schema, output->count);
    out->row_count = output->count;
    memcpy(batch_kinds(out, output->count), output->kinds, output->count);
    Vector **keys = arena_new_array(arena, Vector *, plan->key_count + 1);
    for (uint32_t k = 0; k < plan->key_count; k++)
        keys[k] = &out->columns[k];
    for (uint32_t i = 0; i < output->count && plan->key_count != 0; i++) {
        const void *record = output->groups[output->tellers[i]].record;
        row_decode(aggregate->key_layout, state_value_key(aggregate->groups, record), keys, i,
                   out->arena, false);
    }
    return out;
}

/* Values before the bundle are told or compared: not every group is told. */
static bool tell_changes(Aggregate *aggregate, BundleOutput *output, Emitter *emitter, Error *error)
{
    bool ok = read_after(aggregate, output, error);
    read_before(aggregate, output);
    Batch *out = NULL;
    if (ok) {
        choose_rows(aggregate, output);
        if (output->count != 0) {
            out = build_keys(aggregate, output);
            copy_values(aggregate, output, out);
        }
    }
    batch_release(output->before);
    batch_release(output->after);
    return ok && (out == NULL || emit(emitter, out, error));
}

/* Every group is told by the row that it is now, which is read to where it goes. */
static bool tell_rows(Aggregate *aggregate, BundleOutput *output, Emitter *emitter, Error *error)
{
    void **records = arena_alloc(aggregate->scratch, sizeof(void *) * output->group_count);
    for (uint32_t g = 0; g < output->group_count; g++) {
        records[g] = output->groups[g].record;
        tell(output, g, output->groups[g].existed ? CHANGE_UPDATE_AFTER : CHANGE_INSERT);
    }
    Batch *out = build_keys(aggregate, output);
    if (aggregate_read_values(aggregate, records, output->count,
                              out->columns + aggregate->plan->key_count, out->arena, error))
        return emit(emitter, out, error);
    batch_release(out);
    return false;
}

static bool tell_groups(Aggregate *aggregate, uint32_t first, uint32_t count, Emitter *emitter,
                        Error *error)
{
    arena_reset(aggregate->scratch);
    Arena *arena = aggregate->scratch;
    BundleOutput output = {
        .groups = aggregate->bundle->groups + first,
        .group_count = count,
        .has_before = needs_before(aggregate),
        .before_rows = arena_alloc(arena, sizeof(uint32_t) * count),
        .after_rows = arena_alloc(arena, sizeof(uint32_t) * count),
        .tellers = arena_alloc(arena, sizeof(uint32_t) * count * 2),
        .kinds = arena_alloc(arena, (size_t)count * 2),
    };
    bool tells_each = !output.has_before && aggregate->plan->call_count != 0;
    return tells_each ? tell_rows(aggregate, &output, emitter, error)
                      : tell_changes(aggregate, &output, emitter, error);
}

/* -------------------------------------------------------------------- a bundle */

static void forget_groups(Aggregate *aggregate)
{
    AggregateBundle *bundle = aggregate->bundle;
    for (uint32_t g = 0; g < bundle->count; g++)
        if (!has_rows(aggregate, bundle->groups[g].record))
            state_value_remove(aggregate->groups, bundle->groups[g].record);
    row_pages_clear(&bundle->before);
    bundle->count = 0;
    bundle->rows = 0;
    state_store_hold(aggregate->base.context->state, false);
    if (bundle->capacity <= GROUPS_KEPT) {
        memset(bundle->slots, 0, sizeof(uint32_t) * (bundle->mask + 1));
        return;
    }
    memory_free(bundle->groups);
    bundle->groups = NULL;
    bundle->capacity = 0;
    resize_slots(bundle, SLOTS_LEAST);
}

bool aggregate_bundle_end(Aggregate *aggregate, Emitter *emitter, Error *error)
{
    AggregateBundle *bundle = aggregate->bundle;
    if (bundle == NULL || bundle->count == 0)
        return true;
    uint32_t limit = aggregate->base.context->batch_rows;
    limit = limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    if (aggregate->base.context->node->traits.wants_before)
        limit /= 2; /* a pair each */
    limit = limit == 0 ? 1 : limit;
    bool ok = true;
    for (uint32_t from = 0; from < bundle->count && ok; from += limit) {
        uint32_t left = bundle->count - from;
        ok = tell_groups(aggregate, from, left < limit ? left : limit, emitter, error);
    }
    forget_groups(aggregate);
    return ok;
}

bool aggregate_bundle_batch(Aggregate *aggregate, AggregateBatch *work, Emitter *emitter,
                            Error *error)
{
    const OperatorContext *context = aggregate->base.context;
    const PlanAggregate *plan = aggregate->plan;
    AggregateBundle *bundle = aggregate->bundle;
    if (bundle->count == 0) {
        operator_wake_at(context, operator_now_us(context) + plan->bundle_latency_ms * 1000);
        state_store_hold(context->state, true);
    }
    aggregate_find_groups(aggregate, work);
    if (!note_groups(aggregate, work, error))
        return false;
    aggregate_count_rows(aggregate, work);
    if (!aggregate_update(aggregate, work, error) || !state_store_check(context->state, error))
        return false;
    bundle->rows += work->count;
    return bundle->rows < plan->bundle_size || aggregate_bundle_end(aggregate, emitter, error);
}
