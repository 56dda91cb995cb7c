/* Casts between nested types: each child vector is cast by itself, over the elements that the rows
 * at hand hold and that are not NULL. Fields of a ROW meet by position.
 *
 * Cost: the children's casts, and two copies of the elements. */
#include "functions/cast_internal.h"

/* Elements of one child: where they come from and where their casts go. */
typedef struct CastRows {
    uint32_t *from;
    uint32_t *to;
    uint32_t *parent; /* the row each is of, for errors */
    uint32_t count;
} CastRows;

static CastRows rows_room(KernelCall *call, size_t count)
{
    return (CastRows){arena_alloc(call->arena, sizeof(uint32_t) * (count + 1)),
                      arena_alloc(call->arena, sizeof(uint32_t) * (count + 1)),
                      arena_alloc(call->arena, sizeof(uint32_t) * (count + 1)), 0};
}

/* The rows' lists, laid one behind the other in the result. */
static CastRows list_rows(KernelCall *call)
{
    const Vector *list = call->args[0];
    size_t total = 0;
    for (uint32_t i = 0; i < call->row_count; i++)
        total += ((const ListEntry *)list->data)[vector_index(list, kernel_row(call, i))].length;
    CastRows rows = rows_room(call, total);
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        const ListEntry entry = ((const ListEntry *)list->data)[vector_index(list, row)];
        const uint32_t offset = vector_list_append(call->out, row, entry.length, call->arena);
        for (uint32_t e = 0; e < entry.length; e++, rows.count++) {
            rows.from[rows.count] = entry.offset + e;
            rows.to[rows.count] = offset + e;
            rows.parent[rows.count] = row;
        }
    }
    return rows;
}

static CastRows field_rows(KernelCall *call)
{
    CastRows rows = rows_room(call, call->row_count);
    for (; rows.count < call->row_count; rows.count++) {
        const uint32_t row = kernel_row(call, rows.count);
        rows.from[rows.count] = vector_index(call->args[0], row);
        rows.to[rows.count] = rows.parent[rows.count] = row;
        vector_set_valid(call->out, row);
    }
    return rows;
}

static bool cast_child(KernelCall *call, uint32_t child, const CastRows *rows, Error *error)
{
    const CastPlan *plan = call->data;
    const BoundFunction *part = &plan->parts[child];
    Vector *out = &call->out->children[child];
    Vector values, result;
    vector_gather(&values, &call->args[0]->children[child], rows->from, rows->count, call->arena);
    vector_init(&result, out->type, rows->count, call->arena);
    uint32_t *present = arena_alloc(call->arena, sizeof(uint32_t) * ((size_t)rows->count + 1));
    uint32_t count = 0;
    for (uint32_t i = 0; i < rows->count; i++) {
        present[count] = i;
        count += !vector_is_null(&values, i);
    }
    const Vector *args[] = {&values};
    KernelCall inner = *call;
    inner.args = args;
    inner.rows = present;
    inner.row_count = count;
    inner.out = &result;
    inner.data = part->data;
    if (!part->kernel(&inner, error)) {
        call->error_row = rows->parent[inner.error_row];
        return false;
    }
    for (uint32_t i = 0; i < rows->count; i++) {
        if (vector_is_null(&values, i))
            vector_set_null(out, rows->to[i], call->arena);
        else
            vector_copy_value(out, rows->to[i], &result, i, call->arena, true);
    }
    return true;
}

static bool cast_all(KernelCall *call, Error *error)
{
    const Type *type = call->out->type;
    const CastRows rows = type->kind == TYPE_ROW ? field_rows(call) : list_rows(call);
    for (uint32_t c = 0; c < type->field_count; c++)
        if (!cast_child(call, c, &rows, error))
            return false;
    return true;
}

/* Row by row, so that only the rows that fail become NULL. */
static bool cast_each(KernelCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        const uint32_t row = kernel_row(call, i);
        KernelCall one = *call;
        one.rows = &row;
        one.row_count = 1;
        Error ignored;
        error_clear(&ignored);
        if (!cast_all(&one, &ignored))
            kernel_put_null(call, row);
    }
    return true;
}

bool cast_nested_kernel(KernelCall *call, Error *error)
{
    return ((const CastPlan *)call->data)->try_cast ? cast_each(call) : cast_all(call, error);
}
