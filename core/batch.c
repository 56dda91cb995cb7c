/* Change batches: making, sharing, picking rows.
 *
 * The Batch struct lies in its own arena, so making one with room for its rows is one allocation.
 */
#include "core/batch.h"

/* For the batch, its vectors, and the first strings. */
#define BATCH_HEAD_BYTES 1024

const char *change_kind_text(uint8_t kind)
{
    static const char *const texts[] = {"+I", "-U", "+U", "-D"};
    assert(kind < array_count(texts));
    return texts[kind];
}

static Batch *batch_in_arena(const Schema *schema, size_t bytes)
{
    bytes += sizeof(Batch) + schema->column_count * sizeof(Vector) + BATCH_HEAD_BYTES;
    Arena *arena = arena_new(bytes);
    Batch *batch = arena_new_one(arena, Batch);
    batch->schema = schema;
    batch->column_count = schema->column_count;
    batch->columns = arena_new_array(arena, Vector, schema->column_count);
    batch->arena = arena;
    batch->references = 1;
    return batch;
}

Batch *batch_new(const Schema *schema, uint32_t capacity)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < schema->column_count; i++)
        bytes += physical_size(schema->columns[i].type->physical) * capacity + 16;
    Batch *batch = batch_in_arena(schema, bytes);
    for (uint32_t i = 0; i < schema->column_count; i++)
        vector_init(&batch->columns[i], schema->columns[i].type, capacity, batch->arena);
    return batch;
}

Batch *batch_new_bare(const Schema *schema)
{
    return batch_in_arena(schema, 0);
}

Batch *batch_retain(Batch *batch)
{
    uint32_t before = __atomic_fetch_add(&batch->references, 1, __ATOMIC_RELAXED);
    assert(before > 0);
    (void)before;
    return batch;
}

void batch_release(Batch *batch)
{
    if (batch == NULL)
        return;
    /* What the other owners read of the batch comes before its memory goes. */
    uint32_t left = __atomic_sub_fetch(&batch->references, 1, __ATOMIC_ACQ_REL);
    assert(left != UINT32_MAX);
    if (left != 0)
        return;
    for (uint32_t i = 0; i < batch->held_count; i++)
        batch_release(batch->held[i]);
    arena_free(batch->arena);
}

bool batch_is_shared(const Batch *batch)
{
    /* What they read comes before what its last owner writes. */
    return __atomic_load_n(&batch->references, __ATOMIC_ACQUIRE) != 1;
}

void batch_hold(Batch *batch, Batch *source)
{
    assert(batch != source);
    if (batch->held_count == batch->held_capacity) {
        uint32_t capacity = batch->held_capacity == 0 ? 4 : batch->held_capacity * 2;
        Batch **held = arena_new_array(batch->arena, Batch *, capacity);
        if (batch->held_count != 0)
            memcpy(held, batch->held, sizeof(*held) * batch->held_count);
        batch->held = held;
        batch->held_capacity = capacity;
    }
    batch->held[batch->held_count++] = source;
}

Batch *batch_view(Batch *batch)
{
    Batch *view = batch_in_arena(batch->schema, 0);
    memcpy(view->columns, batch->columns, sizeof(*batch->columns) * batch->column_count);
    view->kinds = batch->kinds;
    view->row_count = batch->row_count;
    batch_hold(view, batch_retain(batch));
    return view;
}

Batch *batch_copy(const Batch *batch)
{
    size_t bytes = 0;
    for (uint32_t i = 0; i < batch->column_count; i++)
        bytes += physical_size(batch->columns[i].type->physical) * batch->row_count + 16;
    Batch *copy = batch_in_arena(batch->schema, bytes);
    for (uint32_t i = 0; i < batch->column_count; i++)
        vector_copy(&copy->columns[i], &batch->columns[i], batch->row_count, copy->arena);
    copy->row_count = batch->row_count;
    if (batch->kinds != NULL)
        copy->kinds = arena_memdup(copy->arena, batch->kinds, batch->row_count);
    return copy;
}

uint8_t *batch_kinds(Batch *batch, uint32_t capacity)
{
    if (batch->kinds == NULL)
        batch->kinds = arena_zalloc(batch->arena, capacity);
    static_assert(CHANGE_INSERT == 0, "zeroed kinds are +I");
    return batch->kinds;
}

/* Whether values of a vector that was gathered point into the memory of the batch they are from:
 * texts that are longer than a view. */
static bool vector_borrows(const Vector *vector, uint32_t rows)
{
    if (vector->type->physical != PHYSICAL_STRING)
        return type_is_nested(vector->type);
    enum { RUN = 64 };
    const StringView *views = vector->data;
    uint32_t count = vector->constant ? 1 : rows;
    bool longer = false;
    for (uint32_t from = 0; from < count && !longer; from += RUN) {
        uint32_t end = count - from < RUN ? count : from + RUN;
        for (uint32_t i = from; i < end; i++)
            longer |= views[i].length > STRING_INLINE_MAX;
    }
    return longer;
}

/* With room for `more` bytes besides. */
static Batch *gather(Batch *batch, const uint32_t *rows, uint32_t count, size_t more)
{
    size_t bytes = count + more;
    for (uint32_t i = 0; i < batch->column_count; i++)
        bytes += physical_size(batch->columns[i].type->physical) * count + 16;
    Batch *gathered = batch_in_arena(batch->schema, bytes);
    gathered->row_count = count;
    bool borrows = false;
    for (uint32_t i = 0; i < batch->column_count; i++) {
        vector_gather(&gathered->columns[i], &batch->columns[i], rows, count, gathered->arena);
        borrows = borrows || vector_borrows(&gathered->columns[i], count);
    }
    if (batch->kinds != NULL) {
        uint8_t *kinds = batch_kinds(gathered, count);
        for (uint32_t i = 0; i < count; i++)
            kinds[i] = batch->kinds[rows[i]];
    }
    if (borrows)
        batch_hold(gathered, batch_retain(batch));
    return gathered;
}

Batch *batch_gather(Batch *batch, const uint32_t *rows, uint32_t count)
{
    return gather(batch, rows, count, 0);
}

Batch *batch_gather_hashed(Batch *batch, const uint32_t *rows, uint32_t count,
                           const uint64_t *hashes, const uint32_t *hashed)
{
    Batch *gathered = gather(batch, rows, count, sizeof(uint64_t) * count);
    uint64_t *own = arena_alloc(gathered->arena, sizeof(uint64_t) * count);
    for (uint32_t i = 0; i < count; i++)
        own[i] = hashes[rows[i]];
    gathered->hashes = own;
    gathered->hashed = hashed;
    return gathered;
}

void batch_append_row(Batch *to, const Batch *from, uint32_t from_row)
{
    assert(to->column_count == from->column_count);
    uint32_t row = to->row_count;
    uint8_t kind = batch_kind(from, from_row);
    if (kind != CHANGE_INSERT || to->kinds != NULL) {
        uint32_t capacity = to->column_count == 0 ? 0 : to->columns[0].capacity;
        if (capacity < BATCH_ROWS_MAX)
            capacity = BATCH_ROWS_MAX;
        batch_kinds(to, capacity)[row] = kind;
    }
    for (uint32_t i = 0; i < to->column_count; i++)
        vector_copy_value(&to->columns[i], row, &from->columns[i], from_row, to->arena, false);
    to->row_count = row + 1;
}

size_t batch_bytes(const Batch *batch)
{
    size_t bytes = arena_bytes(batch->arena);
    for (uint32_t i = 0; i < batch->held_count; i++)
        bytes += batch_bytes(batch->held[i]) /
                 __atomic_load_n(&batch->held[i]->references, __ATOMIC_RELAXED);
    return bytes;
}
