/* late_rows: what came too late for the nodes of the statement that leave rows out for it. They are
 * its inputs, found when all other nodes are there: those whose LATE_ROWS hint names its table, or,
 * where it is the session's table, those without a hint. */
#include <string.h>

#include "planner/nodes/lower.h"

extern const NodeClass node_late_rows;

LogicalNode *logical_late_rows(Arena *arena, const char *table, AstPlace place)
{
    static const Column columns[] = {
        {"operator", &type_string}, {"watermark", &type_timestamp_3}, {"row", &type_string}};
    static const Schema schema = {array_count(columns), columns};
    LogicalNode *node = logical_new(arena, "late_rows", schema_copy(arena, &schema), place);
    node->late_table = table;
    return node;
}

/* Kinds that leave rows out, or that a rule may make one of them. */
void logical_mark_late(LogicalNode *node, const char *table)
{
    static const char *const ops[] = {"aggregate",     "join",          "over",      "rank",
                                      "temporal_join", "temporal_sort", "window_tvf"};
    for (size_t i = 0; i < array_count(ops); i++)
        if (logical_is(node, ops[i]) && node->late_table == NULL)
            node->late_table = table;
    for (uint32_t i = 0; i < node->input_count; i++)
        logical_mark_late(node->inputs[i], table);
}

static bool tables_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

uint32_t logical_late_tables(const PlannerContext *context, LogicalNode *const *roots,
                             uint32_t count, const char ***tables)
{
    LogicalOrder order = logical_order(context, roots, count);
    uint32_t found = 0;
    *tables = arena_new_array(context->arena, const char *, (size_t)order.count + 1);
    for (uint32_t n = 0; n < order.count; n++) {
        const char *table = order.nodes[n]->late_table;
        uint32_t known = 0;
        while (table != NULL && known < found && strcmp((*tables)[known], table) != 0)
            known++;
        if (table != NULL && known == found)
            (*tables)[found++] = table;
    }
    return found;
}

static bool leaves_out(const LogicalNode *node)
{
    static const char *const ops[] = {
        "temporal_join", "temporal_sort", "window_tvf", "window_aggregate",
        "window_join",   "window_rank",   "rank"};
    for (size_t i = 0; i < array_count(ops); i++)
        if (logical_is(node, ops[i]))
            return true;
    if (logical_is(node, "over"))
        return node->over.order_count != 0 &&
               logical_time(node->inputs[0], node->over.order[0].column) == TIME_EVENT;
    return logical_is(node, "watermark") && node->watermark.drops_bad;
}

void logical_find_late(const PlannerContext *context, LogicalNode *const *roots, uint32_t count)
{
    LogicalOrder order = logical_order(context, roots, count);
    for (uint32_t l = 0; l < order.count; l++) {
        LogicalNode *late = order.nodes[l];
        if (!logical_is(late, "late_rows"))
            continue;
        late->inputs = arena_new_array(context->arena, LogicalNode *, order.count + 1);
        late->input_count = 0;
        for (uint32_t n = 0; n < order.count; n++)
            if (leaves_out(order.nodes[n]) &&
                tables_equal(order.nodes[n]->late_table, late->late_table))
                late->inputs[late->input_count++] = order.nodes[n];
    }
}

/* Which OVER goes along a time shows once it is known how its input changes. */
static void drop_inputs_without_late(LogicalNode *node)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < node->input_count; i++) {
        LogicalNode *input = node->inputs[i];
        if (!logical_is(input, "over") || input->over.along == TIME_EVENT)
            node->inputs[count++] = input;
    }
    node->input_count = count;
}

static bool late_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    drop_inputs_without_late(node);
    if (node->input_count == 0) {
        if (node->late_table != NULL) {
            error_set(error, ERROR_OPTION, "no row can be late for LATE_ROWS");
            error_hint(error, "Put it behind the SELECT that groups by windows, joins over time "
                              "or orders by it.");
        } else {
            error_set(error, ERROR_OPTION, "no row can be late in this statement");
            error_hint(error, "RESET 'table.exec.late-rows.table'.");
        }
        return error_at(error, node->place.offset, node->place.length);
    }
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = lower_inputs_bounded(node);
    return true;
}

static bool late_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_single(node);
    for (uint32_t i = 0; i < node->input_count; i++)
        node->plan->inputs[i].late = true;
    node->plan->label = "LateRows";
    return true;
}

static void late_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    if (node->late_table != NULL)
        buffer_append_text(text, node->late_table);
    node->row_identity = hash_bytes(text->data, text->length);
    uint64_t *columns = arena_new_array(context->arena, uint64_t, node->schema->column_count + 1);
    for (uint32_t c = 0; c < node->schema->column_count; c++)
        columns[c] = node->row_identity + 1 + c;
    node->column_identities = columns;
}

static void late_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "late rows");
}

const NodeClass node_late_rows = {
    .op = "late_rows",
    .equal = lower_equal_never,
    .derive = late_derive,
    .needs_before = lower_needs_no_before,
    .lower = late_lower,
    .identify = late_identify,
    .describe = late_describe,
};
