/* DISTINCT: which values each group has, and how often each came where they can go again.
 *
 * Calls with equal arguments share one set; each filter among them has a slot of its own in the
 * value's record. The aggregate then sees only the row that brings a value for the first time and
 * the one that takes it back for the last.
 *
 * Two shapes of state:
 *
 *     insert-only input   VALUE  (group's number, value) → a bit per slot:
 * aggregate/distinct_pages.c retracting input    MAP    group's key → value → a counter per slot: a
 * group that ends takes and windows                                      all its values with it
 *
 * Invariant: between batches every record has a bit or a counter above zero. Within a batch records
 * stay where they are and are removed at its end. Cost: a probe a row and set, however many calls
 * share it. */
#include "executor/aggregate/distinct.h"

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

/* Whether the filter has a slot, or there is room for one. */
static bool has_slot(const DistinctSet *set, int32_t filter)
{
    for (uint32_t s = 0; s < set->slot_count; s++)
        if (set->filters[s] == filter)
            return true;
    return set->slot_count < DISTINCT_SLOTS_MAX;
}

DistinctSet *distinct_set_for(Aggregate *aggregate, const PlanAggregateCall *call, uint32_t *slot)
{
    Arena *arena = aggregate->base.context->arena;
    DistinctSet *set = NULL;
    for (uint32_t s = 0; s < aggregate->distinct_count && set == NULL; s++)
        if (has_arguments(aggregate->distinct_sets[s], call))
            set = aggregate->distinct_sets[s];
    if (set == NULL || !has_slot(set, call->filter)) {
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
    const Type **types = arena_new_array(context->arena, const Type *, set->argument_count);
    Buffer text = {0};
    buffer_append_text(&text, set->by_group ? "" : "group");
    for (uint32_t c = 0; c < set->argument_count; c++) {
        const Column *column = &input->columns[set->arguments[c]];
        types[c] = column->type;
        buffer_printf(&text, "%s%s ", text.length == 0 ? "" : ", ", column->name);
        type_print(types[c], &text);
    }
    if (!set->by_group)
        distinct_pages_shape(aggregate, set);
    if (set->by_group)
        buffer_printf(&text, " -> %u counts", set->slot_count);
    else
        buffer_printf(&text, " / %u -> bits of %u", 1u << set->page_bits, set->slot_count);
    set->layout = row_layout_new(context->arena, types, set->argument_count);
    set->columns = arena_new_array(context->arena, const Vector *, set->argument_count);
    set->masks = arena_new_array(context->arena, uint8_t *, set->slot_count);
    uint32_t words = set->by_group ? set->slot_count : 1;
    StateSpec spec = {
        .name = arena_printf(context->arena, "distinct%u", number),
        .kind = set->by_group ? STATE_MAP : STATE_VALUE,
        .record_bytes = (uint32_t)sizeof(int64_t) * words,
        .description = arena_strdup(context->arena, buffer_text(&text)),
        .ttl_ms = plan->state_ttl_ms,
    };
    buffer_deinit(&text);
    set->table = state_table_declare(context->state, &spec);
}

/* ------------------------------------------------------------------- update */

/* Counts one row up or down in every slot that takes it, and says in the masks what that means. */
static void count_value(DistinctSet *set, int64_t *counters, uint32_t row, bool retraction)
{
    for (uint64_t left = set->passes[row]; left != 0; left &= left - 1) {
        uint32_t s = (uint32_t)__builtin_ctzll(left);
        uint8_t counts = 0;
        if (!retraction)
            counts = counters[s]++ == 0;
        else if (counters[s] > 0)
            counts = --counters[s] == 0;
        set->masks[s][row] = counts;
    }
}

/* For each row the slots that take it. */
static void find_passes(DistinctSet *set, AggregateBatch *work)
{
    set->passes = arena_zalloc(work->arena, sizeof(uint64_t) * work->count);
    for (uint32_t s = 0; s < set->slot_count; s++) {
        const uint8_t *active = aggregate_active_rows(work, set->filters[s]);
        for (uint32_t row = 0; row < work->count; row++)
            set->passes[row] |= (uint64_t)(active == NULL || active[row] != 0) << s;
        set->masks[s] = arena_zalloc(work->arena, work->count);
    }
}

/* Rows that at least one slot takes. */
static uint32_t *list_rows(const DistinctSet *set, const AggregateBatch *work, uint32_t *count)
{
    uint32_t *rows = arena_alloc(work->arena, sizeof(uint32_t) * (work->count + 1));
    *count = 0;
    for (uint32_t row = 0; row < work->count; row++) {
        rows[*count] = row;
        *count += set->passes[row] != 0;
    }
    return rows;
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
    StateEntry *entry = state_map_first(set->table, group);
    for (; entry != NULL; entry = state_map_next(set->table, entry)) {
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
                           uint32_t count)
{
    for (uint32_t c = 0; c < set->argument_count; c++)
        set->columns[c] = &work->in->columns[set->arguments[c]];
    Str *values = arena_alloc(work->arena, sizeof(Str) * (count + 1));
    row_encode(set->layout, set->columns, rows, count, work->arena, values);
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
    find_passes(set, work);
    uint32_t count;
    uint32_t *rows = list_rows(set, work, &count);
    if (set->by_group)
        update_changes(set, work, rows, count);
    else if (count != 0)
        distinct_pages_update(aggregate, set, work, rows, count);
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
        gone = state_map_remove(set->table, state_map_first(set->table, group));
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
            StateEntry *entry = state_map_first(set->table, group);
            for (; entry != NULL; entry = state_map_next(set->table, entry))
                if (((const int64_t *)state_entry_record(entry))[call->distinct_slot] > 0)
                    union_add(&all, state_entry_subkey(set->table, entry), p);
        }
    }
    for (uint32_t from = 0; from < all.count; from += BATCH_ROWS_MAX) {
        uint32_t count = all.count - from < BATCH_ROWS_MAX ? all.count - from : BATCH_ROWS_MAX;
        if (!update_union(set, &call->plan->call, &all, from, count, states, memory, error))
            return false;
    }
    return true;
}
