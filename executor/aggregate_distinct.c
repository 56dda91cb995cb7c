/* DISTINCT: how often each value stands in each group.
 *
 * Calls with equal arguments share one set; each filter among them has a counter of its own in the
 * value's record. The aggregate then sees only the row that brings a value for the first time and
 * the one that takes it back for the last.
 *
 * Two shapes of state:
 *
 *     insert-only input   VALUE  (group's key, value) → counters   one batched probe a row
 *     retracting input    MAP    group's key → value → counters    a group that ends takes all its
 *     and windows                                                  values with it
 *
 * Invariant: between batches every record has a counter above zero. Within a batch records stay
 * where they are and are removed at its end. Cost: a probe a row and set, however many calls share
 * it. */
#include "executor/aggregate_internal.h"

struct DistinctSet {
    const uint32_t *arguments;
    uint32_t argument_count;
    int32_t *filters; /* by slot; -1: none */
    uint32_t slot_count;
    bool by_group;
    const RowLayout *layout; /* of a value; behind the keys for insert-only input */
    const Vector **columns;
    uint32_t column_count;
    StateTable *table;
    /* Of the batch at hand. */
    const uint8_t **passes; /* by slot: rows its filter lets through; NULL: all */
    uint8_t **masks;        /* by slot */
    StateEntry **emptied;   /* entries that may have no counter left */
    size_t emptied_count;
    size_t emptied_capacity;
};

const uint8_t *distinct_set_mask(const DistinctSet *set, uint32_t slot)
{
    return set->masks[slot];
}

/* --------------------------------------------------------------------- open */

static bool has_arguments(const DistinctSet *set, const PlanAggregateCall *call)
{
    return set->argument_count == call->argument_count &&
           memcmp(set->arguments, call->arguments, sizeof(uint32_t) * call->argument_count) == 0;
}

DistinctSet *distinct_set_for(Aggregate *aggregate, const PlanAggregateCall *call, uint32_t *slot)
{
    Arena *arena = aggregate->base.context->arena;
    DistinctSet *set = NULL;
    for (uint32_t s = 0; s < aggregate->distinct_count && set == NULL; s++)
        if (has_arguments(aggregate->distinct_sets[s], call))
            set = aggregate->distinct_sets[s];
    if (set == NULL) {
        set = arena_new_one(arena, DistinctSet);
        set->arguments = call->arguments;
        set->argument_count = call->argument_count;
        set->filters = arena_new_array(arena, int32_t, aggregate->plan->call_count);
        aggregate->distinct_sets[aggregate->distinct_count++] = set;
    }
    for (*slot = 0; *slot < set->slot_count; ++*slot)
        if (set->filters[*slot] == call->filter)
            return set;
    set->filters[set->slot_count++] = call->filter;
    return set;
}

void distinct_set_open(Aggregate *aggregate, DistinctSet *set, uint32_t number)
{
    const OperatorContext *context = aggregate->base.context;
    const PlanAggregate *plan = aggregate->plan;
    const Schema *input = context->node->inputs[0].node->schema;
    set->by_group = plan->input_retracts || aggregate->by_window;
    uint32_t key_count = set->by_group ? 0 : plan->key_count;
    set->column_count = key_count + set->argument_count;
    const Type **types = arena_new_array(context->arena, const Type *, set->column_count);
    Buffer text = {0};
    for (uint32_t c = 0; c < set->column_count; c++) {
        uint32_t column = c < key_count ? plan->keys[c] : set->arguments[c - key_count];
        types[c] = input->columns[column].type;
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", input->columns[column].name);
        type_print(types[c], &text);
    }
    buffer_printf(&text, " -> %u counts", set->slot_count);
    set->layout = row_layout_new(context->arena, types, set->column_count);
    set->columns = arena_new_array(context->arena, const Vector *, set->column_count);
    set->passes = arena_new_array(context->arena, const uint8_t *, set->slot_count);
    set->masks = arena_new_array(context->arena, uint8_t *, set->slot_count);
    StateSpec spec = {
        .name = arena_printf(context->arena, "distinct%u", number),
        .kind = set->by_group ? STATE_MAP : STATE_VALUE,
        .record_bytes = (uint32_t)sizeof(int64_t) * set->slot_count,
        .description = arena_strdup(context->arena, buffer_text(&text)),
        .ttl_ms = plan->state_ttl_ms,
    };
    buffer_deinit(&text);
    set->table = state_table_declare(context->state, &spec);
}

/* ------------------------------------------------------------------- update */

static bool slot_passes(const DistinctSet *set, uint32_t slot, uint32_t row)
{
    return set->passes[slot] == NULL || set->passes[slot][row] != 0;
}

/* Counts one row up or down in every slot that takes it, and says in the masks what that means. */
static void count_value(DistinctSet *set, int64_t *counters, uint32_t row, bool retraction)
{
    for (uint32_t s = 0; s < set->slot_count; s++) {
        uint8_t counts = 0;
        if (slot_passes(set, s, row)) {
            if (!retraction)
                counts = counters[s]++ == 0;
            else if (counters[s] > 0)
                counts = --counters[s] == 0;
        }
        set->masks[s][row] = counts;
    }
}

/* Rows that at least one slot takes. */
static uint32_t *list_rows(DistinctSet *set, const AggregateBatch *work, uint32_t *count)
{
    uint32_t *rows = arena_alloc(work->arena, sizeof(uint32_t) * (work->count + 1));
    *count = 0;
    for (uint32_t row = 0; row < work->count; row++) {
        bool any = false;
        for (uint32_t s = 0; s < set->slot_count; s++)
            any = any || slot_passes(set, s, row);
        rows[*count] = row;
        *count += any;
    }
    return rows;
}

static void update_inserts(DistinctSet *set, AggregateBatch *work, const uint32_t *rows,
                           uint32_t count, const Str *values)
{
    uint64_t *hashes = arena_alloc(work->arena, sizeof(uint64_t) * count);
    void **records = arena_alloc(work->arena, sizeof(void *) * count);
    hash_many(values, count, hashes);
    /* A value is kept where its group is: the rows came here by the group's key. */
    for (uint32_t i = 0; i < count && set->column_count != set->argument_count; i++)
        hashes[i] = (work->hashes[rows[i]] >> 32 << 32) | (uint32_t)hashes[i];
    state_value_get_or_create(set->table, values, hashes, count, records, NULL);
    for (uint32_t i = 0; i < count; i++) {
        state_touch(set->table, records[i]);
        count_value(set, records[i], rows[i], false);
    }
}

static void note_emptied(DistinctSet *set, StateEntry *entry)
{
    if (set->emptied_count == set->emptied_capacity) {
        set->emptied_capacity = set->emptied_capacity == 0 ? 256 : set->emptied_capacity * 2;
        set->emptied = memory_realloc(set->emptied, sizeof(StateEntry *) * set->emptied_capacity);
    }
    set->emptied[set->emptied_count++] = entry;
}

static bool is_empty(const DistinctSet *set, const int64_t *counters)
{
    for (uint32_t s = 0; s < set->slot_count; s++)
        if (counters[s] != 0)
            return false;
    return true;
}

/* The group's last row has gone: what values are left were never taken back properly. */
static void end_group(DistinctSet *set, const StateGroup *group)
{
    for (StateEntry *entry = state_map_first(group); entry != NULL; entry = state_map_next(entry)) {
        int64_t *counters = state_entry_record(entry);
        if (is_empty(set, counters))
            continue;
        memset(counters, 0, sizeof(*counters) * set->slot_count);
        note_emptied(set, entry);
    }
}

/* An entry may have been noted twice, so the first visit marks it. */
static void remove_emptied(DistinctSet *set)
{
    enum { MARKED = -1 };
    size_t kept = 0;
    for (size_t i = 0; i < set->emptied_count; i++) {
        int64_t *counters = state_entry_record(set->emptied[i]);
        if (!is_empty(set, counters))
            continue;
        counters[0] = MARKED;
        set->emptied[kept++] = set->emptied[i];
    }
    for (size_t i = 0; i < kept; i++)
        state_map_remove(set->table, set->emptied[i]);
    set->emptied_count = 0;
}

static void update_changes(DistinctSet *set, AggregateBatch *work, const uint32_t *rows,
                           uint32_t count, const Str *values)
{
    StateGroup **groups = arena_alloc(work->arena, sizeof(StateGroup *) * work->count);
    state_map_groups(set->table, work->keys, work->hashes, work->count, groups);
    uint32_t next = 0;
    for (uint32_t row = 0; row < work->count; row++) {
        bool retraction = change_is_retraction(aggregate_kind(work, row));
        if (next < count && rows[next] == row) {
            Str value = values[next++];
            /* A group made by an earlier row of this batch is found by the put. */
            StateEntry *entry = state_map_put(set->table, &groups[row], work->keys[row],
                                              work->hashes[row], value, (Str){"", 0}, NULL);
            int64_t *counters = state_entry_record(entry);
            state_touch(set->table, counters);
            count_value(set, counters, row, retraction);
            if (is_empty(set, counters))
                note_emptied(set, entry);
        }
        if (retraction && work->group_rows[row] == 0 && aggregate_is_counted(work, row)) {
            if (groups[row] == NULL)
                state_map_groups(set->table, &work->keys[row], &work->hashes[row], 1, &groups[row]);
            if (groups[row] != NULL)
                end_group(set, groups[row]);
        }
    }
    remove_emptied(set);
}

void distinct_set_update(Aggregate *aggregate, DistinctSet *set, AggregateBatch *work)
{
    for (uint32_t s = 0; s < set->slot_count; s++) {
        set->passes[s] = aggregate_active_rows(work, set->filters[s]);
        set->masks[s] = arena_zalloc(work->arena, work->count);
    }
    uint32_t count;
    uint32_t *rows = list_rows(set, work, &count);
    uint32_t key_count = set->column_count - set->argument_count;
    for (uint32_t c = 0; c < key_count; c++)
        set->columns[c] = aggregate->key_columns[c];
    for (uint32_t c = 0; c < set->argument_count; c++)
        set->columns[key_count + c] = &work->in->columns[set->arguments[c]];
    Str *values = arena_alloc(work->arena, sizeof(Str) * (count + 1));
    row_encode(set->layout, set->columns, rows, count, work->arena, values);
    if (set->by_group)
        update_changes(set, work, rows, count, values);
    else if (count != 0)
        update_inserts(set, work, rows, count, values);
}

void distinct_set_close(DistinctSet *set)
{
    memory_free(set->emptied);
}

void distinct_set_forget(DistinctSet *set, Str key, uint64_t hash)
{
    StateGroup *group;
    state_map_groups(set->table, &key, &hash, 1, &group);
    bool gone = group == NULL;
    while (!gone)
        gone = state_map_remove(set->table, state_map_first(group));
}

/* -------------------------------------------------------------------- merge */

/* Values of several groups, each once a part. */
typedef struct DistinctUnion {
    uint32_t *slots; /* open addressing; number of a value + 1 */
    uint32_t mask;
    Str *values;
    uint32_t *parts;
    uint32_t count;
    uint32_t capacity;
    Arena *arena;
} DistinctUnion;

static uint32_t *union_slot(const DistinctUnion *all, Str value, uint32_t part)
{
    uint64_t hash = hash_bytes(value.data, value.length) + part * UINT64_C(0x9E3779B97F4A7C15);
    uint32_t at = (uint32_t)(hash ^ hash >> 32) & all->mask;
    while (all->slots[at] != 0) {
        uint32_t i = all->slots[at] - 1;
        if (all->parts[i] == part && all->values[i].length == value.length &&
            memcmp(all->values[i].data, value.data, value.length) == 0)
            break;
        at = (at + 1) & all->mask;
    }
    return &all->slots[at];
}

static void union_grow(DistinctUnion *all)
{
    uint32_t capacity = all->capacity == 0 ? 512 : all->capacity * 2;
    Str *values = arena_alloc(all->arena, sizeof(Str) * capacity);
    uint32_t *parts = arena_alloc(all->arena, sizeof(uint32_t) * capacity);
    if (all->count != 0) {
        memcpy(values, all->values, sizeof(Str) * all->count);
        memcpy(parts, all->parts, sizeof(uint32_t) * all->count);
    }
    all->values = values;
    all->parts = parts;
    all->capacity = capacity;
    all->mask = capacity * 2 - 1;
    all->slots = arena_zalloc(all->arena, sizeof(uint32_t) * capacity * 2);
    for (uint32_t i = 0; i < all->count; i++)
        *union_slot(all, values[i], parts[i]) = i + 1;
}

static void union_add(DistinctUnion *all, Str value, uint32_t part)
{
    if (all->count == all->capacity)
        union_grow(all);
    uint32_t *slot = union_slot(all, value, part);
    if (*slot != 0)
        return;
    all->values[all->count] = value;
    all->parts[all->count++] = part;
    *slot = all->count;
}

/* Runs the call over `count` values of the union from `from` on. */
static bool update_union(const DistinctSet *set, const BoundAggregate *bound,
                         const DistinctUnion *all, uint32_t from, uint32_t count,
                         uint8_t *const *states, AggregateMemory *memory, Error *error)
{
    Vector *columns = arena_new_array(all->arena, Vector, set->argument_count);
    Vector **args = arena_new_array(all->arena, Vector *, set->argument_count);
    uint8_t **targets = arena_alloc(all->arena, sizeof(uint8_t *) * count);
    for (uint32_t a = 0; a < set->argument_count; a++) {
        vector_init(&columns[a], bound->argument_types[a], count, all->arena);
        args[a] = &columns[a];
    }
    for (uint32_t i = 0; i < count; i++) {
        row_decode(set->layout, all->values[from + i], args, i, all->arena, true);
        targets[i] = states[all->parts[from + i]];
    }
    AggregateUpdate update = {
        .args = (const Vector *const *)args,
        .row_count = count,
        .states = targets,
        .memory = memory,
        .arena = all->arena,
        .data = bound->data,
    };
    return bound->update(&update, error);
}

bool distinct_set_merge(DistinctSet *set, const AggregateCall *call, const AggregateParts *parts,
                        uint8_t *const *states, AggregateMemory *memory, Arena *arena, Error *error)
{
    DistinctUnion all = {.arena = arena};
    for (uint32_t p = 0; p < parts->count; p++) {
        for (uint32_t i = parts->starts[p]; i < parts->starts[p + 1]; i++) {
            StateGroup *group;
            state_map_groups(set->table, &parts->keys[i], &parts->hashes[i], 1, &group);
            StateEntry *entry = group == NULL ? NULL : state_map_first(group);
            for (; entry != NULL; entry = state_map_next(entry))
                if (((const int64_t *)state_entry_record(entry))[call->distinct_slot] > 0)
                    union_add(&all, state_entry_subkey(entry), p);
        }
    }
    for (uint32_t from = 0; from < all.count; from += BATCH_ROWS_MAX) {
        uint32_t count = all.count - from < BATCH_ROWS_MAX ? all.count - from : BATCH_ROWS_MAX;
        if (!update_union(set, &call->plan->call, &all, from, count, states, memory, error))
            return false;
    }
    return true;
}
