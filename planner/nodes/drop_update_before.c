/* drop_update_before: takes -U out of a source's changes where no consumer needs them. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_drop_update_before;

static bool drop_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    lower_derive_from_input(context, node);
    return true;
}

static bool drop_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->plan->label = "DropUpdateBefore";
    return true;
}

static void drop_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    lower_identify_as_input(node);
}

static void drop_describe(const LogicalNode *node, Buffer *out)
{
    node->inputs[0]->class->describe(node->inputs[0], out);
}

const NodeClass node_drop_update_before = {
    .op = "drop_update_before",
    .equal = lower_equal_always,
    .derive = drop_derive,
    .needs_before = lower_needs_no_before,
    .lower = drop_lower,
    .identify = drop_identify,
    .describe = drop_describe,
    .column_of_input = lower_column_stays,
    .is_light = true,
};
