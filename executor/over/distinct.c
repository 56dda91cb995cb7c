/* Which values of DISTINCT calls were there before.
 *
 * In a frame that is folded anew: a set of the values met, encoded one behind the other. A slot
 * counts while it is of the frame at hand, so emptying the set costs nothing. Cost: an encoding and
 * a probe a row.
 *
 * In frames that start with the partition a row counts where it is the first with its value in the
 * whole partition. A tree per partition says so, of entries
 *
 *     call | length of the value | value | place of the row
 *
 * so that rows with one value stand together, in their order. What a filter keeps out stands there
 * too, under a number of its own: the tree is then written whenever the partition is, and lives as
 * long with a TTL. Cost: a search a row that is folded, a step into and out of a tree a row. */
#include "executor/over/distinct.h"

#include "core/hash.h"

/* ------------------------------------------------- frames that are folded anew */

#define FIRST_SLOTS 64

typedef struct DistinctSlot {
    uint64_t frame; /* it was filled in */
    uint64_t hash;
    size_t at; /* in the values */
    size_t length;
} DistinctSlot;

struct OverDistinct {
    const RowLayout *layout;
    Buffer values;
    DistinctSlot *slots;
    uint32_t capacity; /* a power of two */
    uint32_t count;
    uint64_t frame;
};

OverDistinct *over_distinct_open(Arena *arena, const Schema *input, const uint32_t *arguments,
                                 uint32_t count)
{
    OverDistinct *seen = arena_new_one(arena, OverDistinct);
    seen->layout = row_layout_of_columns(arena, input, arguments, count);
    return seen;
}

void over_distinct_close(OverDistinct *seen)
{
    buffer_deinit(&seen->values);
    memory_free(seen->slots);
}

void over_distinct_start(OverDistinct *seen)
{
    buffer_clear(&seen->values);
    seen->count = 0;
    seen->frame++;
}

/* The slot with these values, or the free one where they belong. */
static DistinctSlot *find_slot(const OverDistinct *seen, uint64_t hash, Str value)
{
    uint32_t i = (uint32_t)hash & (seen->capacity - 1);
    for (;; i = (i + 1) & (seen->capacity - 1)) {
        DistinctSlot *slot = &seen->slots[i];
        if (slot->frame != seen->frame)
            return slot;
        if (slot->hash == hash && slot->length == value.length &&
            memcmp(seen->values.data + slot->at, value.data, value.length) == 0)
            return slot;
    }
}

static void grow(OverDistinct *seen)
{
    uint32_t old = seen->capacity;
    DistinctSlot *slots = seen->slots;
    seen->capacity = old == 0 ? FIRST_SLOTS : old * 2;
    seen->slots = memory_realloc(NULL, sizeof(*slots) * seen->capacity);
    memset(seen->slots, 0, sizeof(*slots) * seen->capacity);
    for (uint32_t i = 0; i < old; i++)
        if (slots[i].frame == seen->frame)
            *find_slot(seen, slots[i].hash,
                       (Str){seen->values.data + slots[i].at, slots[i].length}) = slots[i];
    memory_free(slots);
}

bool over_distinct_add(OverDistinct *seen, const Vector *const *args, uint32_t row)
{
    if (seen->count >= seen->capacity / 2)
        grow(seen);
    size_t at = seen->values.length;
    row_encode_one(seen->layout, args, row, &seen->values);
    Str value = {seen->values.data + at, seen->values.length - at};
    uint64_t hash = hash_bytes(value.data, value.length);
    DistinctSlot *slot = find_slot(seen, hash, value);
    if (slot->frame == seen->frame) {
        seen->values.length = at;
        return false;
    }
    *slot = (DistinctSlot){seen->frame, hash, at, value.length};
    seen->count++;
    return true;
}

/* ------------------------------------------ frames that start with the partition */

/* Behind the numbers of calls: rows that their filters keep out. */
#define KEPT_OUT 0x80

struct OverValues {
    StateTable *table;
    const RowLayout **layouts; /* of the arguments of each call that needs it */
    StateTree *tree;           /* of the partition at hand */
    Str key;
    uint64_t hash;
    Buffer entry;
};

static bool call_needs_values(const PlanOverCall *call)
{
    return call->distinct && call->fold == PLAN_FOLD_FORWARD;
}

OverValues *over_values_open(const OperatorContext *context, const PlanOver *plan)
{
    Arena *arena = context->arena;
    const Schema *input = context->node->inputs[0].node->schema;
    OverValues *values = arena_new_one(arena, OverValues);
    values->layouts = arena_new_array(arena, const RowLayout *, plan->call_count + 1);
    Buffer text = {0};
    for (uint32_t i = 0; i < plan->call_count; i++) {
        const PlanOverCall *call = &plan->calls[i];
        if (!call_needs_values(call))
            continue;
        values->layouts[i] =
            row_layout_of_columns(arena, input, call->arguments, call->argument_count);
        buffer_append_text(&text, text.length == 0 ? "partition, values of DISTINCT" : ",");
        for (uint32_t a = 0; a < call->argument_count; a++) {
            buffer_append_char(&text, ' ');
            type_print(input->columns[call->arguments[a]].type, &text);
        }
    }
    bool needed = text.length != 0;
    StateSpec spec = {.name = "values",
                      .kind = STATE_ORDERED,
                      .record_bytes = sizeof(uint64_t),
                      .ttl_ms = plan->state_ttl_ms,
                      .description = arena_strdup(arena, buffer_text(&text))};
    buffer_deinit(&text);
    if (!needed)
        return NULL;
    values->table = state_table_declare(context->state, &spec);
    return values;
}

void over_values_close(OverValues *values)
{
    if (values != NULL)
        buffer_deinit(&values->entry);
}

void over_values_partition(OverValues *values, Str key, uint64_t hash)
{
    if (values == NULL)
        return;
    values->key = key;
    values->hash = hash;
    state_ordered_trees(values->table, &key, &hash, 1, &values->tree);
}

/* The entry of a value, without a place. */
static Str value_entry(OverValues *values, uint32_t call, const Vector *const *args, uint32_t row)
{
    Buffer *entry = &values->entry;
    buffer_clear(entry);
    buffer_append_char(entry, (char)(args == NULL ? call | KEPT_OUT : call));
    if (args != NULL) {
        uint32_t zero = 0;
        size_t at = entry->length;
        buffer_append(entry, &zero, sizeof(zero));
        row_encode_one(values->layouts[call], args, row, entry);
        uint32_t length = (uint32_t)(entry->length - at - sizeof(zero));
        memcpy(entry->data + at, &length, sizeof(length));
    }
    return (Str){entry->data, entry->length};
}

static Str place_entry(OverValues *values, uint32_t call, const Vector *const *args, Str place)
{
    value_entry(values, call, args, 0);
    buffer_append_str(&values->entry, place);
    return (Str){values->entry.data, values->entry.length};
}

static void put(OverValues *values, Str entry)
{
    state_tree_put(values->table, &values->tree, values->key, values->hash, entry, (Str){"", 0},
                   NULL);
}

void over_values_put(OverValues *values, uint32_t call, const Vector *const *args, Str place)
{
    put(values, place_entry(values, call, args, place));
}

void over_values_remove(OverValues *values, uint32_t call, const Vector *const *args, Str place)
{
    Str entry = place_entry(values, call, args, place);
    void *record = state_tree_find(values->table, values->tree, entry);
    if (record != NULL && state_tree_remove(values->table, record))
        values->tree = NULL;
}

bool over_values_is_first(OverValues *values, uint32_t call, const Vector *const *args, Str place)
{
    Str value = value_entry(values, call, args, 0);
    StateCursor cursor;
    const void *record = state_cursor_seek(values->table, values->tree, value, &cursor);
    if (record == NULL)
        return false;
    Str entry = state_tree_sort_key(values->table, record);
    return entry.length == value.length + place.length &&
           memcmp(entry.data, value.data, value.length) == 0 &&
           memcmp(entry.data + value.length, place.data, place.length) == 0;
}

bool over_values_meet(OverValues *values, uint32_t call, const Vector *const *args, uint32_t row)
{
    void *record = args == NULL ? state_tree_first(values->tree)
                                : state_tree_find(values->table, values->tree,
                                                  value_entry(values, call, args, row));
    if (record == NULL && args != NULL) {
        put(values, (Str){values->entry.data, values->entry.length});
        return true;
    }
    if (record != NULL)
        state_touch(values->table, record);
    return false;
}
