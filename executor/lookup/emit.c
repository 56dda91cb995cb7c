/* What a lookup join emits for a batch whose answers are there.
 *
 * Matches for which the condition does not hold go; a left row without any is padded or dropped.
 * Where answers are kept, what was given for a row is put on top of what was given for equal rows
 * before, and a retraction takes the top off: so what is taken back is what was given.
 *
 *     answers: key, row → for each time it was given: rows, their number
 *
 * (row, key where rows are spread by their own key, so that their changes keep their order).
 *
 * Cost: a gather per column where the table is in memory, else a row_decode a row; kept answers
 * cost a probe and a copy a row. */
#include <string.h>

#include "core/hash.h"
#include "executor/lookup/join.h"
#include "executor/vector_rows.h"

static void matches_add(LookupMatches *matches, LookupMatch match)
{
    if (matches->count == matches->capacity) {
        matches->capacity = matches->capacity == 0 ? BATCH_ROWS_MAX : matches->capacity * 2;
        matches->items =
            memory_realloc(matches->items, matches->capacity * sizeof(*matches->items));
    }
    matches->items[matches->count++] = match;
}

void lookup_output_start(LookupOutput *output)
{
    output->from = 0;
    output->found.count = 0;
}

void lookup_output_add(LookupOutput *output, LookupMatch match)
{
    matches_add(&output->found, match);
}

/* ----------------------------------------------------------------------- pairs */

static void fill_left(const LookupOutput *output, Batch *out, Batch *batch,
                      const LookupMatch *matches, uint32_t count)
{
    bool as_it_is = count == batch->row_count;
    for (uint32_t i = 0; i < count && as_it_is; i++)
        as_it_is = matches[i].left == i;
    uint32_t *rows = arena_new_array(out->arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        rows[i] = matches[i].left;
    for (uint32_t c = 0; c < output->left_count; c++) {
        if (as_it_is)
            out->columns[c] = batch->columns[c];
        else
            vector_gather(&out->columns[c], &batch->columns[c], rows, count, out->arena);
    }
    if (batch->kinds != NULL) {
        out->kinds = arena_alloc(out->arena, count + 1);
        for (uint32_t i = 0; i < count; i++)
            out->kinds[i] = batch->kinds[matches[i].left];
    }
    batch_hold(out, batch_retain(batch));
}

static void fill_from_table(const LookupOutput *output, Batch *out, const LookupTable *table,
                            const LookupMatch *matches, uint32_t count)
{
    uint32_t *to = arena_new_array(out->arena, uint32_t, count + 1);
    uint32_t *from = arena_new_array(out->arena, uint32_t, count + 1);
    uint32_t filled = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (matches[i].place == LOOKUP_NONE)
            continue;
        to[filled] = i;
        from[filled++] = matches[i].place;
    }
    for (uint32_t c = 0; c < table->rows->column_count; c++) {
        Vector *target = &out->columns[output->left_count + c];
        const Vector *source = &table->rows->columns[c];
        if (filled == count && output->same_as_left[c] != LOOKUP_NONE) {
            /* Just gathered, and equal: the left side's is nearer. */
            *target = out->columns[output->same_as_left[c]];
            target->type = source->type;
            continue;
        }
        if (filled == count) {
            vector_gather(target, source, from, count, out->arena);
            continue;
        }
        vector_init(target, source->type, count, out->arena);
        for (uint32_t i = 0; i < count; i++)
            if (matches[i].place == LOOKUP_NONE)
                vector_set_null(target, i, out->arena);
        vector_copy_rows(target, to, source, from, filled, out->arena);
    }
    batch_hold(out, batch_retain(table->rows));
}

static void fill_from_rows(const LookupOutput *output, Batch *out, const LookupMatch *matches,
                           uint32_t count, bool borrow)
{
    uint32_t width = out->column_count - output->left_count;
    Vector **columns = arena_new_array(out->arena, Vector *, width + 1);
    for (uint32_t c = 0; c < width; c++) {
        columns[c] = &out->columns[output->left_count + c];
        vector_init(columns[c], out->schema->columns[output->left_count + c].type, count,
                    out->arena);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (matches[i].row.data != NULL)
            row_decode(output->shape.row_layout, matches[i].row, columns, i, out->arena, borrow);
        for (uint32_t c = 0; matches[i].row.data == NULL && c < width; c++)
            vector_set_null(columns[c], i, out->arena);
    }
}

/* Left rows beside what they match; with `borrow` it must go before the matches do. */
static Batch *make_pairs(const LookupOutput *output, Batch *batch, const LookupTable *table,
                         const LookupMatch *matches, uint32_t count, bool borrow)
{
    Batch *out = batch_new_bare(output->context->node->schema);
    out->row_count = count;
    fill_left(output, out, batch, matches, count);
    if (table != NULL)
        fill_from_table(output, out, table, matches, count);
    else
        fill_from_rows(output, out, matches, count, borrow);
    return out;
}

/* ------------------------------------------------------------------- condition */

static bool check_condition(LookupOutput *output, Batch *batch, const LookupTable *table,
                            Error *error)
{
    const LookupMatches *found = &output->found;
    for (uint32_t from = 0; from < found->count; from += BATCH_ROWS_MAX) {
        uint32_t count =
            found->count - from < BATCH_ROWS_MAX ? found->count - from : BATCH_ROWS_MAX;
        Batch *pairs = make_pairs(output, batch, table, found->items + from, count, true);
        int64_t holds =
            expression_select(output->condition, pairs, NULL, count, output->selected, error);
        batch_release(pairs);
        if (holds < 0)
            return false;
        for (int64_t i = 0; i < holds; i++)
            matches_add(&output->passed, found->items[from + output->selected[i]]);
    }
    return true;
}

/* ---------------------------------------------------------------- answers kept */

/* Rows of the table as bytes that outlive it. */
static void encode_places(LookupOutput *output, const LookupTable *table)
{
    LookupMatches *passed = &output->passed;
    uint32_t *places = arena_new_array(output->scratch, uint32_t, passed->count + 1);
    Str *rows = arena_new_array(output->scratch, Str, passed->count + 1);
    const Vector **columns =
        arena_new_array(output->scratch, const Vector *, table->rows->column_count + 1);
    for (uint32_t c = 0; c < table->rows->column_count; c++)
        columns[c] = &table->rows->columns[c];
    for (uint32_t i = 0; i < passed->count; i++)
        places[i] = passed->items[i].place;
    row_encode(output->shape.row_layout, columns, places, passed->count, output->scratch, rows);
    for (uint32_t i = 0; i < passed->count; i++)
        passed->items[i] = (LookupMatch){passed->items[i].left, LOOKUP_NONE, rows[i]};
}

LookupKeys lookup_output_row_keys(LookupOutput *output, const Batch *batch)
{
    const ColumnSet *key = &output->shape.plan->row_key;
    uint32_t count = key->count != 0 ? key->count : batch->column_count;
    const Vector **columns = arena_new_array(output->scratch, const Vector *, count + 1);
    for (uint32_t c = 0; c < count; c++)
        columns[c] = &batch->columns[key->count != 0 ? key->columns[c] : c];
    LookupKeys keys = {arena_new_array(output->scratch, Str, batch->row_count + 1),
                       arena_new_array(output->scratch, uint64_t, batch->row_count + 1), NULL};
    row_encode(output->row_key_layout, columns, NULL, batch->row_count, output->scratch, keys.keys);
    hash_many(keys.keys, batch->row_count, keys.hashes);
    return keys;
}

/* Where what was given for a row is kept: by what rows are spread by, then by the rest. */
typedef struct AnswerPlace {
    Str key;
    uint64_t hash;
    Str subkey;
} AnswerPlace;

static AnswerPlace place_of(const LookupOutput *output, const LookupKeys *keys,
                            const LookupKeys *rows, uint32_t row)
{
    if (output->shape.plan->is_spread_by_row)
        return (AnswerPlace){rows->keys[row], rows->hashes[row], keys->keys[row]};
    return (AnswerPlace){keys->keys[row], keys->hashes[row], rows->keys[row]};
}

static void keep_answer(LookupOutput *output, const AnswerPlace *place, const LookupMatch *matches,
                        uint32_t count)
{
    StateGroup *group = NULL;
    state_map_groups(output->answers, &place->key, &place->hash, 1, &group);
    StateEntry *entry =
        group == NULL ? NULL : state_map_find(output->answers, group, place->subkey);
    Buffer *payload = &output->payload;
    buffer_clear(payload);
    if (entry != NULL)
        buffer_append_str(payload, state_entry_payload(output->answers, entry));
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_str(payload, matches[i].row);
        buffer_append_u32(payload, (uint32_t)matches[i].row.length);
    }
    buffer_append_u32(payload, count);
    bool created;
    state_map_put(output->answers, &group, place->key, place->hash, place->subkey,
                  (Str){payload->data, payload->length}, &created);
}

static uint32_t last_u32(Str bytes)
{
    Reader reader = reader_of((Str){bytes.data + bytes.length - 4, 4});
    return reader_u32(&reader);
}

/* Takes the last answer off; what was given becomes matches of the left row. */
static void take_back(LookupOutput *output, uint32_t left, const AnswerPlace *place,
                      LookupMatches *to)
{
    StateGroup *group = NULL;
    state_map_groups(output->answers, &place->key, &place->hash, 1, &group);
    StateEntry *entry =
        group == NULL ? NULL : state_map_find(output->answers, group, place->subkey);
    if (entry == NULL)
        return;
    Str kept = state_entry_payload(output->answers, entry);
    Str bytes = {arena_memdup(output->scratch, kept.data, kept.length), kept.length};
    uint32_t count = last_u32(bytes);
    bytes.length -= 4;
    Str *rows = arena_new_array(output->scratch, Str, count + 1);
    for (uint32_t i = count; i-- > 0;) {
        uint32_t length = last_u32(bytes);
        bytes.length -= 4 + (size_t)length;
        rows[i] = (Str){bytes.data + bytes.length, length};
    }
    if (bytes.length == 0)
        state_map_remove(output->answers, entry);
    else
        state_map_set_payload(output->answers, entry, bytes);
    for (uint32_t i = 0; i < count; i++)
        matches_add(to, (LookupMatch){left, LOOKUP_NONE, rows[i]});
    if (count == 0)
        matches_add(to, (LookupMatch){left, LOOKUP_NONE, {NULL, 0}});
}

/* Row by row: what was looked up is kept, what is taken back comes from what was. */
static void keep_answers(LookupOutput *output, const Batch *batch, uint32_t to,
                         const LookupKeys *keys)
{
    bool pads = output->shape.plan->kind == PLAN_JOIN_LEFT;
    LookupMatches all = {0};
    const LookupMatches *passed = &output->passed;
    LookupKeys rows = lookup_output_row_keys(output, batch);
    uint32_t at = 0;
    for (uint32_t left = output->from; left < to; left++) {
        uint32_t end = at;
        while (end < passed->count && passed->items[end].left == left)
            end++;
        bool found = end != at || pads;
        AnswerPlace place = place_of(output, keys, &rows, left);
        if (!keys->joins[left]) {
            if (pads)
                matches_add(&all, (LookupMatch){left, LOOKUP_NONE, {NULL, 0}});
        } else if (change_is_retraction(batch_kind(batch, left))) {
            take_back(output, left, &place, &all);
        } else if (found) {
            keep_answer(output, &place, passed->items + at, end - at);
            for (uint32_t i = at; i < end; i++)
                matches_add(&all, passed->items[i]);
            if (end == at)
                matches_add(&all, (LookupMatch){left, LOOKUP_NONE, {NULL, 0}});
        }
        at = end;
    }
    memory_free(output->passed.items);
    output->passed = all;
}

/* ----------------------------------------------------------------------- output */

/* Puts rows of NULLs where a left row before `to` has no match. */
static void add_pads(LookupOutput *output, uint32_t to)
{
    LookupMatches *passed = &output->passed;
    uint32_t count = passed->count, missing = 0, at = 0;
    for (uint32_t left = output->from; left < to; left++) {
        missing += at == count || passed->items[at].left != left;
        while (at < count && passed->items[at].left == left)
            at++;
    }
    if (missing == 0)
        return;
    for (uint32_t i = 0; i < missing; i++)
        matches_add(passed, (LookupMatch){0, LOOKUP_NONE, {NULL, 0}});
    /* From the end, so that nothing is overwritten that is still to move. */
    uint32_t place = passed->count;
    for (uint32_t left = to; left-- > output->from;) {
        bool any = false;
        while (count > 0 && passed->items[count - 1].left == left) {
            passed->items[--place] = passed->items[--count];
            any = true;
        }
        if (!any)
            passed->items[--place] = (LookupMatch){left, LOOKUP_NONE, {NULL, 0}};
    }
}

/* From what was found to what comes out: the condition, rows without a match, answers kept. */
static bool choose_matches(LookupOutput *output, Batch *batch, uint32_t to, const LookupKeys *keys,
                           const LookupTable *table, Error *error)
{
    const PlanLookupJoin *plan = output->shape.plan;
    output->passed.count = 0;
    if (output->condition != NULL) {
        if (!check_condition(output, batch, table, error))
            return false;
    } else {
        LookupMatches swapped = output->passed;
        output->passed = output->found;
        output->found = swapped;
    }
    if (plan->keeps_answers) {
        if (table != NULL)
            encode_places(output, table);
        keep_answers(output, batch, to, keys);
    } else if (plan->kind == PLAN_JOIN_LEFT) {
        add_pads(output, to);
    }
    return true;
}

bool lookup_output_emit(LookupOutput *output, Batch *batch, uint32_t to, const LookupKeys *keys,
                        const LookupTable *table, Emitter *emitter, Error *error)
{
    const LookupMatches *passed = &output->passed;
    arena_reset(output->scratch);
    if (!choose_matches(output, batch, to, keys, table, error))
        return false;
    if (output->shape.plan->keeps_answers)
        table = NULL; /* they are encoded now */
    uint32_t limit = output->context->batch_rows;
    for (uint32_t from = 0; from < passed->count; from += limit) {
        uint32_t count = passed->count - from < limit ? passed->count - from : limit;
        Batch *out = make_pairs(output, batch, table, passed->items + from, count, false);
        if (!emit(emitter, out, error))
            return false;
    }
    output->from = to;
    output->found.count = 0;
    return true;
}

/* --------------------------------------------------------------------- lifetime */

static void declare_answers(LookupOutput *output)
{
    const PlanLookupJoin *plan = output->shape.plan;
    const Schema *left = output->context->node->inputs[0].node->schema;
    Arena *arena = output->context->arena;
    const ColumnSet *key = &plan->row_key;
    uint32_t count = key->count != 0 ? key->count : left->column_count;
    const Type **types = arena_new_array(arena, const Type *, count + 1);
    Buffer text = {0};
    buffer_append_text(&text, plan->is_spread_by_row ? "row, key; row: " : "key, row; row: ");
    for (uint32_t c = 0; c < count; c++) {
        const Column *column = &left->columns[key->count != 0 ? key->columns[c] : c];
        types[c] = column->type;
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", column->name);
        type_print(column->type, &text);
    }
    buffer_append_text(&text, " -> answers: ");
    for (uint32_t c = 0; c < plan->right->column_count; c++) {
        buffer_printf(&text, "%s%s ", c == 0 ? "" : ", ", plan->right->columns[c].name);
        type_print(plan->right->columns[c].type, &text);
    }
    output->row_key_layout = row_layout_new(arena, types, count);
    StateSpec spec = {.name = "answers",
                      .kind = STATE_MAP,
                      .description = arena_strdup(arena, buffer_text(&text)),
                      .ttl_ms = plan->state_ttl_ms};
    output->answers = state_table_declare(output->context->state, &spec);
    buffer_deinit(&text);
}

/* Keys of types in which equal values are the same. */
static void find_same_columns(LookupOutput *output)
{
    const PlanLookupJoin *plan = output->shape.plan;
    uint32_t count = plan->right->column_count;
    output->same_as_left = arena_new_array(output->context->arena, uint32_t, count + 1);
    memset(output->same_as_left, 0xFF, sizeof(uint32_t) * (count + 1));
    for (uint32_t k = 0; k < plan->key_count; k++) {
        const Type *type = plan->right->columns[plan->right_keys[k]].type;
        if (type->physical != PHYSICAL_F32 && type->physical != PHYSICAL_F64 &&
            !type_is_nested(type))
            output->same_as_left[plan->right_keys[k]] = plan->left_keys[k];
    }
}

void lookup_output_init(LookupOutput *output, const OperatorContext *context,
                        const LookupShape *shape)
{
    const PlanLookupJoin *plan = shape->plan;
    output->context = context;
    output->shape = *shape;
    output->left_count = context->node->inputs[0].node->schema->column_count;
    if (plan->condition != NULL)
        output->condition = expression_compile(context->arena, &plan->condition, 1,
                                               context->node->schema, context->environment);
    find_same_columns(output);
    if (plan->keeps_answers)
        declare_answers(output);
    output->selected = arena_new_array(context->arena, uint32_t, BATCH_ROWS_MAX + 1);
    output->scratch = arena_new((size_t)1 << 16);
}

void lookup_output_deinit(LookupOutput *output)
{
    memory_free(output->found.items);
    memory_free(output->passed.items);
    buffer_deinit(&output->payload);
    arena_free(output->scratch);
}
