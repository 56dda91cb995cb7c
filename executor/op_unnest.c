/* Unnest: a row for every element of a list.
 *
 * Contract: row by row, for each element in order, a row of the input's kind: the columns passed
 * on, the element's (fields of a ROW, NULL when the ROW is; key and value of a MAP; else the
 * element), its number from 1. A list that is NULL or empty gives no row, with `outer` one whose
 * element is NULL; elements for which there is a condition that is not TRUE count as if they were
 * not there. No state.
 *
 * Cost: a gather per column; texts are borrowed from the input. With a condition each list has a
 * row without an element behind its last, the condition is asked of all others at once, and what is
 * left is gathered once more. */
#include "executor/expression/expression.h"
#include "executor/operator.h"
#include "executor/vector_rows.h"

typedef struct Unnest {
    Operator base;
    /* Fixed. */
    const PlanUnnest *plan;
    uint32_t limit;               /* rows of an output batch */
    ExpressionProgram *condition; /* NULL: every element counts */
    /* The batch being made. */
    uint32_t *rows;     /* of the input */
    uint32_t *elements; /* rows of the list's children */
    int32_t *numbers;
    uint32_t *filled; /* output rows that have an element */
    uint32_t count;
    uint32_t filled_count;
    /* With a condition. */
    uint32_t *chosen;
    uint32_t last_row; /* of the input that was looked at last, and whether an element counted */
    bool has_element;
} Unnest;

static void add_row(Unnest *unnest, uint32_t row)
{
    unnest->numbers[unnest->count] = 0;
    unnest->rows[unnest->count++] = row;
}

static void add_element(Unnest *unnest, uint32_t row, uint32_t element, uint32_t number)
{
    unnest->filled[unnest->filled_count] = unnest->count;
    unnest->elements[unnest->filled_count++] = element;
    unnest->numbers[unnest->count] = (int32_t)number + 1;
    unnest->rows[unnest->count++] = row;
}

/* Output rows without an element become NULL. */
static void pad(const Unnest *unnest, Vector *column, Arena *arena)
{
    if (unnest->filled_count == unnest->count)
        return;
    for (uint32_t i = 0; i < unnest->count; i++)
        if (unnest->numbers[i] == 0)
            vector_set_null(column, i, arena);
}

static void fill_element(const Unnest *unnest, const Vector *values, Vector *column,
                         const Type *type, Arena *arena)
{
    vector_init(column, type, unnest->count, arena);
    vector_copy_rows(column, unnest->filled, values, unnest->elements, unnest->filled_count, arena);
    pad(unnest, column, arena);
}

/* The fields of elements that are rows; a row that is NULL has none. */
static void fill_fields(const Unnest *unnest, const Vector *rows, Batch *out, uint32_t first)
{
    for (uint32_t f = 0; f < rows->type->field_count; f++) {
        Vector *column = &out->columns[first + f];
        fill_element(unnest, &rows->children[f], column, out->schema->columns[first + f].type,
                     out->arena);
        for (uint32_t i = 0; i < unnest->filled_count; i++)
            if (vector_is_null(rows, unnest->elements[i]))
                vector_set_null(column, unnest->filled[i], out->arena);
    }
}

static void fill_numbers(const Unnest *unnest, Vector *column, const Type *type, Arena *arena)
{
    vector_init(column, type, unnest->count, arena);
    memcpy(column->data, unnest->numbers, sizeof(*unnest->numbers) * unnest->count);
    pad(unnest, column, arena);
}

/* A row for each element noted, and for each list that is padded or may be. */
static Batch *make_rows(const Unnest *unnest, Batch *in)
{
    const PlanUnnest *plan = unnest->plan;
    const Vector *list = &in->columns[plan->list];
    Batch *out = batch_new_bare(unnest->base.context->node->schema);
    out->row_count = unnest->count;
    for (uint32_t c = 0; c < plan->passed_count; c++)
        vector_gather(&out->columns[c], &in->columns[plan->passed[c]], unnest->rows, unnest->count,
                      out->arena);
    uint32_t first = plan->passed_count;
    if (list->type->kind != TYPE_MAP && list->children[0].type->kind == TYPE_ROW)
        fill_fields(unnest, &list->children[0], out, first);
    else
        for (uint32_t i = 0; i < list->type->field_count; i++)
            fill_element(unnest, &list->children[i], &out->columns[first + i],
                         out->schema->columns[first + i].type, out->arena);
    uint32_t last = out->column_count - 1;
    if (plan->ordinality)
        fill_numbers(unnest, &out->columns[last], out->schema->columns[last].type, out->arena);
    if (in->kinds != NULL) {
        uint8_t *kinds = batch_kinds(out, unnest->count);
        for (uint32_t i = 0; i < unnest->count; i++)
            kinds[i] = in->kinds[unnest->rows[i]];
    }
    batch_hold(out, batch_retain(in));
    return out;
}

/* Puts the rows that stay behind those chosen for their elements: of each list the last, without an
 * element, stays where none was chosen. Returns how many. */
static uint32_t add_pads(Unnest *unnest, uint32_t chosen_count)
{
    uint32_t *chosen = unnest->chosen, kept = 0, next = 0;
    uint32_t *rows = chosen + chosen_count;
    for (uint32_t i = 0; i < unnest->count; i++) {
        if (unnest->rows[i] != unnest->last_row) {
            unnest->last_row = unnest->rows[i];
            unnest->has_element = false;
        }
        bool is_pad = unnest->numbers[i] == 0;
        bool is_chosen = next < chosen_count && chosen[next] == i;
        next += is_chosen ? 1 : 0;
        unnest->has_element = unnest->has_element || is_chosen;
        if (is_pad ? !unnest->has_element : is_chosen)
            rows[kept++] = i;
    }
    return kept;
}

/* The rows that the condition leaves; NULL with `*ok` where there are none. */
static Batch *leave(Unnest *unnest, Batch *all, bool *ok, Error *error)
{
    int64_t chosen = expression_select(unnest->condition, all, unnest->filled, unnest->filled_count,
                                       unnest->chosen, error);
    *ok = chosen >= 0;
    uint32_t kept = *ok ? add_pads(unnest, (uint32_t)chosen) : 0;
    if (kept == all->row_count)
        return all;
    Batch *out = NULL;
    if (kept != 0) {
        const uint32_t *rows = unnest->chosen + chosen;
        out = batch_new_bare(all->schema);
        out->row_count = kept;
        for (uint32_t c = 0; c < all->column_count; c++)
            vector_gather(&out->columns[c], &all->columns[c], rows, kept, out->arena);
        uint8_t *kinds = all->kinds == NULL ? NULL : batch_kinds(out, kept);
        for (uint32_t i = 0; kinds != NULL && i < kept; i++)
            kinds[i] = all->kinds[rows[i]];
        batch_hold(out, batch_retain(all));
    }
    batch_release(all);
    return out;
}

static bool flush(Unnest *unnest, Batch *in, Emitter *emitter, Error *error)
{
    if (unnest->count == 0)
        return true;
    bool ok = true;
    Batch *out = make_rows(unnest, in);
    if (unnest->condition != NULL)
        out = leave(unnest, out, &ok, error);
    unnest->count = unnest->filled_count = 0;
    return out == NULL ? ok : emit(emitter, out, error);
}

/* Makes room for a row of that kind. A -U and a +U behind it go together, as what follows takes
 * them for one update. */
static bool make_room(Unnest *unnest, Batch *in, uint32_t row, Emitter *emitter, Error *error)
{
    uint32_t full = unnest->limit > 1 ? unnest->limit - 1 : 1;
    if (unnest->count < full)
        return true;
    bool joins = batch_kind(in, unnest->rows[unnest->count - 1]) == CHANGE_UPDATE_BEFORE &&
                 batch_kind(in, row) == CHANGE_UPDATE_AFTER;
    return joins || flush(unnest, in, emitter, error);
}

static bool add_list(Unnest *unnest, Batch *in, uint32_t row, Emitter *emitter, Error *error)
{
    const Vector *list = &in->columns[unnest->plan->list];
    ListEntry entry = {0, 0};
    if (!vector_is_null(list, row))
        entry = ((const ListEntry *)list->data)[vector_index(list, row)];
    for (uint32_t e = 0; e < entry.length; e++) {
        if (!make_room(unnest, in, row, emitter, error))
            return false;
        add_element(unnest, row, entry.offset + e, e);
    }
    if (unnest->plan->outer && (entry.length == 0 || unnest->condition != NULL)) {
        if (!make_room(unnest, in, row, emitter, error))
            return false;
        add_row(unnest, row);
    }
    return true;
}

static bool unnest_batch(Operator *op, uint32_t input, Batch *batch, Emitter *emitter, Error *error)
{
    Unnest *unnest = (Unnest *)op;
    unnest->count = unnest->filled_count = 0;
    unnest->last_row = UINT32_MAX;
    bool ok = true;
    for (uint32_t row = 0; ok && row < batch->row_count; row++)
        ok = add_list(unnest, batch, row, emitter, error);
    ok = ok && flush(unnest, batch, emitter, error);
    batch_release(batch);
    return ok;
}

static Operator *unnest_open(const OperatorContext *context, Error *error)
{
    Arena *arena = context->arena;
    Unnest *unnest = arena_new_one(arena, Unnest);
    unnest->base.context = context;
    unnest->plan = context->node->spec;
    uint32_t limit = context->batch_rows;
    unnest->limit = limit == 0 ? 1 : limit > BATCH_ROWS_MAX ? BATCH_ROWS_MAX : limit;
    uint32_t room = unnest->limit + 1;
    unnest->rows = arena_new_array(arena, uint32_t, room);
    unnest->elements = arena_new_array(arena, uint32_t, room);
    unnest->numbers = arena_new_array(arena, int32_t, room);
    unnest->filled = arena_new_array(arena, uint32_t, room);
    if (unnest->plan->condition == NULL)
        return &unnest->base;
    unnest->condition = expression_compile(arena, &unnest->plan->condition, 1,
                                           context->node->schema, context->environment);
    unnest->chosen = arena_new_array(arena, uint32_t, (size_t)room * 2);
    return &unnest->base;
}

const OperatorClass op_unnest = {
    .name = "unnest",
    .open = unnest_open,
    .batch = unnest_batch,
};
