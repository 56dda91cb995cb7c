/* over: window functions. Every row of the input, with columns more; what was unique stays so.
 *
 * A row that comes changes the values of others, unless all calls only look back along the order of
 * arrival. Rows of a partition are numbered differently, so partition and ROW_NUMBER are a key; not
 * one in order, for numbers move from row to row. */
#include <string.h>

#include "planner/lower.h"

extern const NodeClass node_over;

static bool calls_equal(const LogicalOverCall *a, const LogicalOverCall *b)
{
    return strcmp(a->name, b->name) == 0 && a->argument_count == b->argument_count &&
           a->filter == b->filter && a->ignore_nulls == b->ignore_nulls && a->number == b->number &&
           over_frames_equal(&a->frame, &b->frame) &&
           memcmp(a->arguments, b->arguments, sizeof(*a->arguments) * a->argument_count) == 0;
}

static bool over_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalOver *x = &a->over, *y = &b->over;
    if (x->partition_count != y->partition_count || x->order_count != y->order_count ||
        x->call_count != y->call_count ||
        memcmp(x->partition, y->partition, sizeof(*x->partition) * x->partition_count) != 0)
        return false;
    for (uint32_t i = 0; i < x->order_count; i++)
        if (x->order[i].column != y->order[i].column ||
            x->order[i].descending != y->order[i].descending ||
            x->order[i].nulls_last != y->order[i].nulls_last)
            return false;
    for (uint32_t i = 0; i < x->call_count; i++)
        if (!calls_equal(&x->calls[i], &y->calls[i]))
            return false;
    return true;
}

/* Whether rows that come later change nothing for those that are there. */
static bool looks_back(const LogicalOver *over)
{
    if (over->order_count != 0)
        return false;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const LogicalOverCall *call = &over->calls[i];
        WindowKind kind = call->window == NULL ? WINDOW_AGGREGATE : call->window->kind;
        bool by_frame = call->window == NULL || call->window->has_frame;
        bool back = by_frame ? call->frame.by_rows && call->frame.end.kind <= PLAN_BOUND_CURRENT_ROW
                             : kind == WINDOW_ROW_NUMBER || kind == WINDOW_RANK ||
                                   kind == WINDOW_DENSE_RANK || kind == WINDOW_LAG;
        if (!back)
            return false;
    }
    return true;
}

static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalOver *over = &node->over;
    const StreamTraits *input = &node->inputs[0]->traits;
    uint32_t own = node->inputs[0]->schema->column_count;
    ColumnSet partition = {over->partition_count, over->partition};
    for (uint32_t i = 0; i < input->upsert_key_count; i++)
        if (column_set_contains(input->upsert_keys[i], partition))
            traits_add_key(arena, &node->traits, input->upsert_keys[i]);
    for (uint32_t i = 0; i < input->unique_key_count; i++)
        traits_add_unique_key(arena, &node->traits, input->unique_keys[i]);
    for (uint32_t i = 0; i < over->call_count; i++) {
        const WindowFunction *window = over->calls[i].window;
        if (window == NULL || window->kind != WINDOW_ROW_NUMBER)
            continue;
        uint32_t *columns = arena_new_array(arena, uint32_t, over->partition_count + 1);
        if (over->partition_count != 0)
            memcpy(columns, over->partition, sizeof(*columns) * over->partition_count);
        columns[over->partition_count] = own + i;
        traits_add_unique_key(arena, &node->traits,
                              column_set_new(arena, columns, over->partition_count + 1));
    }
}

static bool over_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = -1;
    if (context->config->bounded_run)
        node->changes = CHANGE_CLASS_INSERT;
    else if (input->changes != CHANGE_CLASS_INSERT)
        node->changes = CHANGE_CLASS_ALL;
    else if (looks_back(&node->over))
        node->changes = CHANGE_CLASS_INSERT;
    else
        node->changes = CHANGE_CLASS_INSERT | CHANGE_CLASS_UPDATE;
    derive_keys(context, node);
    return true;
}

static bool over_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    error_set(error, ERROR_UNSUPPORTED, "OVER is not supported yet");
    error_hint(error, "Use GROUP BY in a subquery and join with it.");
    return error_at(error, node->place.offset, node->place.length);
}

static void identify_bound(const PlanFrameBound *bound, Buffer *text)
{
    buffer_printf(text, "|%d %lld ", (int)bound->kind, (long long)bound->rows);
    if (bound->distance == NULL)
        return;
    type_print(bound->distance->type, text);
    uint64_t value =
        hash_bytes(bound->distance->data, physical_size(bound->distance->type->physical));
    identity_append(text, value);
}

static void over_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalOver *over = &node->over;
    const uint64_t *input = node->inputs[0]->column_identities;
    uint32_t own = node->inputs[0]->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, own + over->call_count + 1);
    memcpy(columns, input, sizeof(*columns) * own);
    for (uint32_t i = 0; i < over->partition_count; i++)
        identity_append(text, input[over->partition[i]]);
    buffer_append_text(text, "|order");
    for (uint32_t i = 0; i < over->order_count; i++) {
        identity_append(text, input[over->order[i].column]);
        buffer_printf(text, "|%d%d", over->order[i].descending, over->order[i].nulls_last);
    }
    size_t window_end = text->length;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const LogicalOverCall *call = &over->calls[i];
        Buffer column = {0};
        buffer_append(&column, text->data, window_end);
        buffer_printf(&column, "|%s|%d%d|%lld", call->name, call->ignore_nulls ? 1 : 0,
                      call->frame.by_rows ? 1 : 0, (long long)call->number);
        identify_bound(&call->frame.start, &column);
        identify_bound(&call->frame.end, &column);
        type_print(call->type, &column);
        for (uint32_t a = 0; a < call->argument_count; a++)
            identity_append(&column, input[call->arguments[a]]);
        buffer_append_char(&column, '|');
        if (call->filter >= 0)
            identity_append(&column, input[call->filter]);
        columns[own + i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    for (uint32_t i = 0; i < over->call_count; i++)
        identity_append(text, columns[own + i]);
    lower_identify_rows(node, text);
    node->row_identity = node->inputs[0]->row_identity;
    node->column_identities = columns;
}

static void over_describe(const LogicalNode *node, Buffer *out)
{
    buffer_printf(out, "%s OVER", node->over.calls[0].name);
}

const NodeClass node_over = {
    .op = "over",
    .equal = over_equal,
    .derive = over_derive,
    .needs_before = lower_needs_before,
    .lower = over_lower,
    .identify = over_identify,
    .describe = over_describe,
};
