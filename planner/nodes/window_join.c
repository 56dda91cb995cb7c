/* window_join: a join of rows of the same window, given when the window is over. Its rows are never
 * taken back, pads included, whatever the inputs do before that.
 *
 * Keys: those of a regular join. A row of an input that updates may be given in one window and,
 * moved to a later one, again: there the windows' ends belong to every key. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_window_join;

static bool window_equal(const LogicalNode *a, const LogicalNode *b)
{
    return a->join.window->end == b->join.window->end &&
           a->join.window->zone == b->join.window->zone && node_find("join")->equal(a, b);
}

static TimeKind window_time(const LogicalNode *node, uint32_t column)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    return column < left ? logical_time(node->inputs[0], column)
                         : logical_time(node->inputs[1], column - left);
}

/* The ends of the windows among the columns that are shown. */
static ColumnSet shown_ends(const PlannerContext *context, const LogicalNode *node)
{
    uint32_t end = node->join.window->end;
    uint32_t left = node->inputs[0]->schema->column_count;
    uint32_t columns[2] = {node->join.keys[0][end], left + node->join.keys[1][end]};
    return column_set_new(context->arena, columns, logical_is_half_join(node->join.kind) ? 1 : 2);
}

static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    lower_join_keys(context, node);
    if (node->inputs[0]->changes == CHANGE_CLASS_INSERT &&
        node->inputs[1]->changes == CHANGE_CLASS_INSERT)
        return;
    traits_widen_keys(context->arena, &node->traits, shown_ends(context, node));
}

static bool window_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = lower_inputs_bounded(node);
    node->traits.rowtime = logical_rowtime(node);
    derive_keys(context, node);
    return true;
}

static void print_label(const PlannerContext *context, const LogicalNode *node,
                        const PlanWindowJoin *spec, Buffer *label)
{
    const Schema *left = node->inputs[0]->schema, *right = node->inputs[1]->schema;
    buffer_printf(label, "WindowJoin(joinType=[%s], windowEnd=[%s = %s], ",
                  lower_join_kind(spec->join.kind),
                  left->columns[node->join.keys[0][spec->end_key]].name,
                  right->columns[node->join.keys[1][spec->end_key]].name);
    lower_join_where(context, node, label);
    buffer_append_char(label, ')');
}

static bool window_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanWindowJoin *spec = arena_new_one(context->arena, PlanWindowJoin);
    lower_join_spec(node, &spec->join);
    spec->end_key = node->join.window->end;
    spec->zone = node->join.window->zone;
    for (uint32_t s = 0; s < 2; s++) {
        spec->join.sides[s].retracts = traits_retracts(node->inputs[s]);
    }
    node->plan->spec = spec;
    Buffer label = {0};
    print_label(context, node, spec, &label);
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = "every row of both sides, until its window is over";
    return true;
}

static void window_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const PlanWindowJoin *spec = node->plan->spec;
    bool retracts = spec->join.sides[0].retracts || spec->join.sides[1].retracts;
    buffer_printf(text, "|window %u|%s|%s", spec->end_key, retracts ? "copies" : "rows",
                  spec->zone == NULL ? "" : time_zone_name(spec->zone));
    node_find("join")->identify(context, node, text);
}

const NodeClass node_window_join = {
    .op = "window_join",
    .equal = window_equal,
    .derive = window_derive,
    .time = window_time,
    .needs_before = lower_needs_before,
    .lower = window_lower,
    .identify = window_identify,
    .describe = lower_join_describe,
    .column_of_input = lower_join_column_of_input,
    .prune = join_prune,
};
