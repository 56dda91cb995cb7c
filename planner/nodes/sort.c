/* sort: ORDER BY of a bounded run, with LIMIT a Top-N: everything comes out at the end. One worker.
 */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_sort;

static bool sort_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalSort *x = &a->sort, *y = &b->sort;
    if (x->key_count != y->key_count || x->offset != y->offset || x->limit != y->limit)
        return false;
    for (uint32_t k = 0; k < x->key_count; k++)
        if (x->keys[k].column != y->keys[k].column ||
            x->keys[k].descending != y->keys[k].descending ||
            x->keys[k].nulls_last != y->keys[k].nulls_last)
            return false;
    return true;
}

static bool sort_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    node->loose_pairs = node->parts_updates = false;
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.rowtime = -1;
    return true;
}

static void print_keys(const LogicalNode *node, Buffer *label)
{
    const LogicalSort *sort = &node->sort;
    for (uint32_t k = 0; k < sort->key_count; k++)
        buffer_printf(label, "%s%s %s NULLS %s", k == 0 ? "" : ", ",
                      node->schema->columns[sort->keys[k].column].name,
                      sort->keys[k].descending ? "DESC" : "ASC",
                      sort->keys[k].nulls_last ? "LAST" : "FIRST");
}

static bool sort_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanSort *spec = arena_new_one(context->arena, PlanSort);
    *spec = (PlanSort){node->sort.keys, node->sort.key_count, node->sort.offset, node->sort.limit};
    node->plan->spec = spec;
    lower_single(node);
    Buffer label = {0};
    /* Without an order it only waits for the end. */
    if (spec->key_count == 0) {
        buffer_append_text(&label, "FinalRows(select=[");
        label_columns(node->schema, NULL, node->schema->column_count, &label);
    } else {
        buffer_append_text(&label, "Sort(orderBy=[");
        print_keys(node, &label);
    }
    buffer_append_char(&label, ']');
    if (spec->offset != 0)
        buffer_printf(&label, ", offset=[%llu]", (unsigned long long)spec->offset);
    if (spec->limit != UINT64_MAX)
        buffer_printf(&label, ", fetch=[%llu]", (unsigned long long)spec->limit);
    buffer_append_char(&label, ')');
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = "every row of the input, until it ends";
    return true;
}

static void sort_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const uint64_t *columns = node->inputs[0]->column_identities;
    for (uint32_t k = 0; k < node->sort.key_count; k++) {
        identity_append(text, columns[node->sort.keys[k].column]);
        buffer_printf(text, "|%d%d", node->sort.keys[k].descending, node->sort.keys[k].nulls_last);
    }
    buffer_printf(text, "|%llu|%llu", (unsigned long long)node->sort.offset,
                  (unsigned long long)node->sort.limit);
    lower_identify_rows(node, text);
    lower_identify_as_input(node);
    node->row_identity = hash_bytes(text->data, text->length);
}

static void sort_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "ORDER BY");
}

/* The order is looked at, too. */
static Pruned prune_sort(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    bool *used = arena_memdup(arena, needed, node->schema->column_count + 1);
    for (uint32_t k = 0; k < node->sort.key_count; k++)
        used[node->sort.keys[k].column] = true;
    Pruned pruned = prune_through(pruning, node, used);
    pruned.node->sort.keys = prune_order(arena, node->sort.keys, node->sort.key_count, pruned.map);
    return pruned;
}

static int64_t sort_filter_column(const LogicalNode *node, uint32_t column)
{
    bool all = node->sort.offset == 0 && node->sort.limit == UINT64_MAX;
    return all ? (int64_t)column : -1;
}

const NodeClass node_sort = {
    .op = "sort",
    .equal = sort_equal,
    .derive = sort_derive,
    .needs_before = lower_needs_before,
    .lower = sort_lower,
    .identify = sort_identify,
    .describe = sort_describe,
    .prune = prune_sort,
    .filter_column = sort_filter_column,
};
