/* The rows of one side of a join, in one of four shapes (join/internal.h).
 *
 * Invariant: a key-unique side's records stay through a batch, empty where their row has gone, and
 * are removed at its end; in the other shapes an entry goes at once, and with the last its group.
 * There, rows with the same key tell each other where their group is, from row to row.
 *
 * Cost: rows that only come are encoded where they stay. Else one prefetched probe a row for the
 * key, one more for the entry where there is one. */
#include "executor/join/internal.h"

#include "core/str.h"

/* Rows that are kept at once: what is written of them stays near until all columns are. */
#define KEPT_RUN 128

/* ---------------------------------------------------------------------- open */

static void declare_table(JoinSide *side, const OperatorContext *context, const Schema *schema,
                          const JoinSideSpec *of)
{
    bool stands_beside = of->other != NULL && side->shape != PLAN_SIDE_KEY_UNIQUE &&
                         of->other->shape != PLAN_SIDE_KEY_UNIQUE;
    static const char *const shapes[] = {"one row per key", "rows by unique key", "rows with count",
                                         "rows"};
    uint32_t counters = (side->counts ? 1u : 0u) + (side->shape == PLAN_SIDE_NO_UNIQUE ? 1u : 0u);
    side->slot_offset = counters * (uint32_t)sizeof(int64_t);
    StateSpec spec = {
        .name = of->name,
        .kind = side->shape == PLAN_SIDE_KEY_UNIQUE ? STATE_VALUE : STATE_MAP,
        .record_bytes = side->slot_offset,
        .description = arena_printf(context->arena, "%s%s: %s", shapes[side->shape],
                                    side->counts ? ", matches" : "",
                                    row_slot_describe(context->arena, schema)),
        .ttl_ms = of->plan->state_ttl_ms,
        .only_appends = side->keeps_batches,
        .beside = stands_beside ? of->other->table : NULL,
    };
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        spec.record_bytes += side->slot.slot_bytes;
        spec.string_offsets = &side->slot_offset;
        spec.string_count = side->slot.fixed_bytes == 0 ? 1 : 0;
    }
    side->table = state_table_declare(context->state, &spec);
    side->keeps_batches = side->keeps_batches && state_map_is_packed(side->table);
}

void join_side_open(JoinSide *side, const OperatorContext *context, const JoinSideSpec *spec)
{
    Arena *arena = context->arena;
    const PlanJoinSide *plan = spec->plan;
    const Schema *schema = context->node->inputs[spec->number].node->schema;
    uint32_t first_column = 0;
    for (uint32_t i = 0; i < spec->number; i++)
        first_column += context->node->inputs[i].node->schema->column_count;
    *side = (JoinSide){
        .shape = plan->state,
        .counts = spec->use == JOIN_SIDE_COUNTS,
        .keeps_batches = plan->state == PLAN_SIDE_APPENDS && spec->use == JOIN_SIDE_PLAIN,
        .first_column = first_column,
        .column_count = schema->column_count,
        .keys = plan->keys,
        .key_count = spec->key_count,
        .unique = plan->unique,
        .slot = row_slot_shape(row_layout_of_schema(arena, schema)),
    };
    side->key_layout = row_layout_of_columns(arena, schema, plan->keys, spec->key_count);
    side->key_hash =
        key_hash_new(arena, &context->node->inputs[spec->number], plan->keys, spec->key_count);
    if (side->shape == PLAN_SIDE_HAS_UNIQUE)
        side->unique_layout =
            row_layout_of_columns(arena, schema, plan->unique.columns, plan->unique.count);
    uint32_t most = schema->column_count;
    if (spec->key_count > most)
        most = spec->key_count;
    side->columns = arena_new_array(arena, const Vector *, most + 1);
    declare_table(side, context, schema, spec);
}

/* ---------------------------------------------------------------------- keys */

static const Str *encode(JoinSide *side, const RowLayout *layout, const Batch *batch,
                         const uint32_t *columns, uint32_t count, Arena *arena)
{
    Str *out = arena_alloc(arena, sizeof(Str) * (batch->row_count + 1));
    for (uint32_t c = 0; c < count; c++)
        side->columns[c] = &batch->columns[columns == NULL ? c : columns[c]];
    if (count != 0) {
        row_encode(layout, side->columns, NULL, batch->row_count, arena, out);
    } else {
        for (uint32_t row = 0; row < batch->row_count; row++)
            out[row] = (Str){"", 0};
    }
    return out;
}

static uint8_t *find_matchable(const JoinSide *side, const bool *null_matches, const Batch *batch,
                               Arena *arena)
{
    uint8_t *matches = arena_alloc(arena, batch->row_count);
    memset(matches, 1, batch->row_count);
    for (uint32_t k = 0; k < side->key_count; k++) {
        const Vector *key = &batch->columns[side->keys[k]];
        if (key->validity == NULL || (null_matches != NULL && null_matches[k]))
            continue;
        for (uint32_t row = 0; row < batch->row_count; row++)
            if (vector_is_null(key, row))
                matches[row] = 0;
    }
    return matches;
}

JoinKeys join_side_keys(JoinSide *side, const bool *null_matches, Batch *batch, Arena *arena)
{
    uint64_t *hashes = arena_alloc(arena, sizeof(uint64_t) * batch->row_count);
    JoinKeys keys = {
        .in = batch,
        .keys = encode(side, side->key_layout, batch, side->keys, side->key_count, arena),
        .hashes = hashes,
        .matches = find_matchable(side, null_matches, batch, arena),
        .arena = arena,
    };
    key_hash_many(side->key_hash, batch, keys.keys, batch->row_count, arena, hashes);
    return keys;
}

/* The group of the row's key as it is now: what the row before with this key left of it. */
static StateGroup **current_group(JoinSide *side, uint32_t row)
{
    if (side->previous[row] != JOIN_NO_ROW)
        side->groups[row] = side->groups[side->previous[row]];
    return &side->groups[row];
}

/* ------------------------------------------------------------------- warming */

/* An entry begins with its links; what it holds may lie in the next cache line. */
static void warm_entry(const StateEntry *entry)
{
    __builtin_prefetch(entry);
    __builtin_prefetch((const char *)(uintptr_t)entry + 64);
}

/* Walks the first entries of the rows' groups, one level of all rows at a time, so that the memory
 * reads overlap; what is walked later is then near. Long groups are left to their index. */
static void warm_groups(const StateTable *table, StateGroup *const *groups, uint32_t count)
{
    enum { LEVELS = 16 };
    StateEntry *at[JOIN_WARM_ROWS];
    uint32_t live = 0;
    assert(count <= JOIN_WARM_ROWS);
    for (uint32_t row = 0; row < count; row++) {
        at[live] = state_map_first(table, groups[row]);
        warm_entry(at[live]);
        live += at[live] != NULL;
    }
    for (uint32_t level = 0; level < LEVELS && live != 0; level++) {
        uint32_t next_live = 0;
        for (uint32_t i = 0; i < live; i++) {
            StateEntry *next = state_map_next(table, at[i]);
            warm_entry(next);
            at[next_live] = next;
            next_live += next != NULL;
        }
        live = next_live;
    }
}

static void warm_records(void *const *records, uint32_t count)
{
    for (uint32_t row = 0; row < count; row++)
        __builtin_prefetch(records[row]);
}

/* A new entry goes behind the last one. */
static void warm_ends(const StateTable *table, StateGroup *const *groups, uint32_t count)
{
    for (uint32_t row = 0; row < count; row++)
        __builtin_prefetch(state_map_last(table, groups[row]), 1);
}

void join_side_warm(JoinSide *side, const Batch *in, uint32_t row, uint32_t count)
{
    if (side->keeps_batches)
        return;
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        warm_records(side->records + row, count);
        return;
    }
    /* A row before may have taken the last entry of a group, and the group with it. */
    for (uint32_t i = row; i < row + count; i++)
        current_group(side, i);
    warm_ends(side->table, side->groups + row, count);
    /* Rows that come or go where one with the same unique columns may be. */
    if (in->kinds != NULL)
        warm_groups(side->table, side->groups + row, count);
}

void join_probe_warm(const JoinProbe *probe, uint32_t row, uint32_t count)
{
    if (probe->side->shape == PLAN_SIDE_KEY_UNIQUE)
        warm_records(probe->records + row, count);
    else
        warm_groups(probe->side->table, probe->groups + row, count);
}

/* -------------------------------------------------------------- as the input */

/* For each row the row before with the same key. */
static uint32_t *find_previous(const JoinKeys *keys)
{
    uint32_t n = keys->in->row_count;
    uint32_t *previous = arena_alloc(keys->arena, sizeof(uint32_t) * n);
    uint32_t mask = 1;
    while (mask < n * 2)
        mask *= 2;
    uint32_t *slots = arena_zalloc(keys->arena, sizeof(uint32_t) * mask); /* last row + 1 */
    mask--;
    for (uint32_t row = 0; row < n; row++) {
        uint32_t at = (uint32_t)keys->hashes[row] & mask;
        while (slots[at] != 0 && (keys->hashes[slots[at] - 1] != keys->hashes[row] ||
                                  !str_equal(keys->keys[slots[at] - 1], keys->keys[row])))
            at = (at + 1) & mask;
        previous[row] = slots[at] == 0 ? JOIN_NO_ROW : slots[at] - 1;
        slots[at] = row + 1;
    }
    return previous;
}

/* Keeps the rows first <= row < first + count that may match; all writing is into new memory. */
static void keep_run(JoinSide *side, const JoinKeys *keys, uint32_t first, uint32_t count,
                     StateGroup **others)
{
    StateGroup *beside[KEPT_RUN];
    uint32_t rows[KEPT_RUN], n = 0;
    Str found[KEPT_RUN], payloads[KEPT_RUN];
    uint64_t hashes[KEPT_RUN];
    for (uint32_t row = first; row < first + count; row++) {
        rows[n] = row;
        found[n] = keys->keys[row];
        hashes[n] = keys->hashes[row];
        n += keys->matches[row];
    }
    if (n == 0)
        return;
    RowNested nested =
        row_measure(side->slot.layout, side->columns, rows, n, keys->arena, payloads);
    state_map_append_rows(side->table, found, hashes, n, payloads, others == NULL ? NULL : beside);
    for (uint32_t i = 0; i < n && others != NULL; i++)
        others[rows[i]] = beside[i];
    row_write(side->slot.layout, side->columns, rows, n, nested, payloads);
}

static void keep_batch(JoinSide *side, const JoinKeys *keys, StateGroup **others)
{
    uint32_t n = keys->in->row_count;
    for (uint32_t c = 0; c < side->column_count; c++)
        side->columns[c] = &keys->in->columns[c];
    for (uint32_t first = 0; first < n; first += KEPT_RUN)
        keep_run(side, keys, first, n - first < KEPT_RUN ? n - first : KEPT_RUN, others);
}

/* The groups of the batch's rows, and those beside them. */
static void find_groups(JoinSide *side, const JoinKeys *keys, StateGroup **others)
{
    uint32_t n = keys->in->row_count;
    side->groups = arena_alloc(keys->arena, sizeof(StateGroup *) * n);
    if (others == NULL) {
        state_map_groups(side->table, keys->keys, keys->hashes, n, side->groups);
        return;
    }
    const uint8_t *makes = keys->matches;
    if (keys->in->kinds != NULL) {
        uint8_t *comes = arena_alloc(keys->arena, n);
        for (uint32_t row = 0; row < n; row++)
            comes[row] = keys->matches[row] && !change_is_retraction(keys->in->kinds[row]);
        makes = comes;
    }
    state_map_groups_beside(side->table, keys->keys, keys->hashes, makes, n, side->groups, others);
}

/* `others` gets the groups of the table beside, if there is one; else NULL. */
static void prepare(JoinSide *side, const JoinKeys *keys, StateGroup **others)
{
    const Batch *batch = keys->in;
    uint32_t n = batch->row_count;
    if (side->keeps_batches) {
        keep_batch(side, keys, others);
        return;
    }
    side->encoded = encode(side, side->slot.layout, batch, NULL, side->column_count, keys->arena);
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        side->records = arena_alloc(keys->arena, sizeof(void *) * n);
        state_value_get_or_create(side->table, keys->keys, keys->hashes, n, side->records, NULL);
        return;
    }
    if (side->shape == PLAN_SIDE_HAS_UNIQUE)
        side->unique_keys = encode(side, side->unique_layout, batch, side->unique.columns,
                                   side->unique.count, keys->arena);
    find_groups(side, keys, others);
    side->previous = find_previous(keys);
}

void join_side_prepare(JoinSide *side, const JoinKeys *keys)
{
    prepare(side, keys, NULL);
}

void join_side_finish(JoinSide *side, const JoinKeys *keys)
{
    if (side->shape != PLAN_SIDE_KEY_UNIQUE)
        return;
    bool all_inserts =
        keys->in->kinds == NULL && memchr(keys->matches, 0, keys->in->row_count) == NULL;
    if (all_inserts)
        return;
    uint32_t count;
    const uint32_t *last =
        row_slot_last_rows(side->records, keys->in->row_count, keys->arena, &count);
    for (uint32_t i = 0; i < count; i++) {
        void *record = side->records[last[i]];
        if (row_slot_get(&side->slot, (char *)record + side->slot_offset).data == NULL)
            state_value_remove(side->table, record);
    }
}

static int64_t *put(JoinSide *side, const JoinKeys *keys, uint32_t row, Str subkey, Str payload,
                    bool *created)
{
    return state_entry_record(state_map_put(side->table, current_group(side, row), keys->keys[row],
                                            keys->hashes[row], subkey, payload, created));
}

void join_side_add(JoinSide *side, const JoinKeys *keys, uint32_t row, int64_t **associations,
                   bool *is_additional)
{
    int64_t *record;
    if (side->keeps_batches) {
        *associations = NULL;
        *is_additional = true;
        return;
    }
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        record = side->records[row];
        row_slot_set(&side->slot, side->table, (char *)record + side->slot_offset,
                     side->encoded[row]);
        *associations = side->counts ? record : NULL;
        *is_additional = false;
    } else if (side->shape == PLAN_SIDE_HAS_UNIQUE) {
        record = put(side, keys, row, side->unique_keys[row], side->encoded[row], is_additional);
        *associations = side->counts ? record : NULL;
    } else if (side->shape == PLAN_SIDE_APPENDS) {
        record = state_entry_record(state_map_append(side->table, current_group(side, row),
                                                     keys->keys[row], keys->hashes[row],
                                                     side->encoded[row]));
        *associations = side->counts ? record : NULL;
        *is_additional = true;
    } else {
        record = put(side, keys, row, side->encoded[row], (Str){"", 0}, NULL);
        ++record[0];
        *associations = side->counts ? record + 1 : NULL;
        *is_additional = true;
    }
    state_touch(side->table, record);
}

bool join_side_retract(JoinSide *side, const JoinKeys *keys, uint32_t row)
{
    assert(side->shape != PLAN_SIDE_APPENDS);
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        bool was_kept =
            row_slot_get(&side->slot, (char *)side->records[row] + side->slot_offset).data != NULL;
        row_slot_clear(&side->slot, side->table, (char *)side->records[row] + side->slot_offset);
        state_touch(side->table, side->records[row]);
        return was_kept;
    }
    StateGroup **group = current_group(side, row);
    Str subkey = side->shape == PLAN_SIDE_HAS_UNIQUE ? side->unique_keys[row] : side->encoded[row];
    StateEntry *entry = state_map_find(side->table, *group, subkey);
    if (entry == NULL)
        return false;
    int64_t *copies = state_entry_record(entry);
    if (side->shape == PLAN_SIDE_NO_UNIQUE && *copies > 1) {
        --*copies;
        state_touch(side->table, copies);
        return true;
    }
    if (state_map_remove(side->table, entry))
        *group = NULL;
    return true;
}

bool join_side_has_rows(JoinSide *side, uint32_t row, bool is_applied)
{
    if (side->shape != PLAN_SIDE_KEY_UNIQUE)
        return (is_applied ? side->groups[row] : *current_group(side, row)) != NULL;
    return row_slot_get(&side->slot, (char *)side->records[row] + side->slot_offset).data != NULL;
}

/* --------------------------------------------------------- as the other side */

JoinProbe join_side_probe(const JoinSide *side, const JoinKeys *keys)
{
    uint32_t n = keys->in->row_count;
    JoinProbe probe = {.side = side};
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        probe.records = arena_alloc(keys->arena, sizeof(void *) * n);
        state_value_get(side->table, keys->keys, keys->hashes, n, probe.records);
    } else {
        probe.groups = arena_alloc(keys->arena, sizeof(StateGroup *) * n);
        state_map_groups(side->table, keys->keys, keys->hashes, n, probe.groups);
    }
    return probe;
}

JoinProbe join_sides_meet(JoinSide *own, const JoinSide *other, const JoinKeys *keys)
{
    if (!state_map_is_beside(own->table, other->table)) {
        JoinProbe probe = join_side_probe(other, keys);
        prepare(own, keys, NULL);
        return probe;
    }
    JoinProbe probe = {.side = other};
    probe.groups = arena_zalloc(keys->arena, sizeof(StateGroup *) * keys->in->row_count);
    prepare(own, keys, probe.groups);
    return probe;
}

bool join_probe_next(JoinProbe *probe, uint32_t row, bool restart, JoinCandidate *out)
{
    const JoinSide *side = probe->side;
    if (side->shape == PLAN_SIDE_KEY_UNIQUE) {
        int64_t *record = probe->records[row];
        if (!restart || record == NULL)
            return false;
        Str stored = row_slot_get(&side->slot, (char *)record + side->slot_offset);
        *out = (JoinCandidate){stored, 1, side->counts ? record : NULL, record};
        return stored.data != NULL;
    }
    StateEntry *entry =
        restart ? state_map_first(side->table, probe->groups[row]) : probe->next_entry;
    if (entry == NULL)
        return false;
    probe->next_entry = state_map_next(side->table, entry);
    int64_t *record = state_entry_record(entry);
    if (side->shape == PLAN_SIDE_NO_UNIQUE)
        *out = (JoinCandidate){state_entry_subkey(side->table, entry), record[0],
                               side->counts ? record + 1 : NULL, record};
    else
        *out = (JoinCandidate){state_entry_payload(side->table, entry), 1,
                               side->counts ? record : NULL, record};
    return true;
}
