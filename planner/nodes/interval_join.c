/* interval_join: a join bounded in time. Its rows are never taken back, pads included, so it needs
 * inputs that only insert; over others it becomes the regular join it was written as. */
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_interval_join;

static bool interval_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalInterval *x = a->join.interval, *y = b->join.interval;
    return x->times[0] == y->times[0] && x->times[1] == y->times[1] && x->lower_us == y->lower_us &&
           x->upper_us == y->upper_us && x->is_exact == y->is_exact &&
           node_find("join")->equal(a, b);
}

static TimeKind interval_time(const LogicalNode *node, uint32_t column)
{
    if (node->join.interval->is_exact)
        return TIME_NONE;
    uint32_t left = node->inputs[0]->schema->column_count;
    return column < left ? logical_time(node->inputs[0], column)
                         : logical_time(node->inputs[1], column - left);
}

static bool interval_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    if (node->inputs[0]->changes != CHANGE_CLASS_INSERT ||
        node->inputs[1]->changes != CHANGE_CLASS_INSERT) {
        node->class = node_find("join");
        node->join.condition = node->join.interval->whole;
        return node->class->derive(context, node, error);
    }
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = lower_inputs_bounded(node);
    node->traits.rowtime = logical_rowtime(node);
    return true;
}

static void print_label(const PlannerContext *context, const LogicalNode *node,
                        const PlanIntervalJoin *spec, Buffer *label)
{
    const Schema *left = node->inputs[0]->schema, *right = node->inputs[1]->schema;
    buffer_printf(label,
                  "IntervalJoin(joinType=[%s], windowBounds=[isRowTime=%s, leftLowerBound=%lld, "
                  "leftUpperBound=%lld, leftTime=%s, rightTime=%s], ",
                  lower_join_kind(spec->join.kind), spec->is_processing ? "false" : "true",
                  (long long)(spec->lower_us / 1000), (long long)(spec->upper_us / 1000),
                  left->columns[spec->times[0]].name, right->columns[spec->times[1]].name);
    lower_join_where(context, node, label);
    buffer_append_char(label, ')');
}

static const char *print_state(const PlannerContext *context, const LogicalNode *node,
                               const PlanIntervalJoin *spec)
{
    for (uint32_t s = 0; s < 2; s++)
        if (spec->keeps[s])
            return arena_printf(context->arena,
                                "every %s row, for ever; the %s rows that the watermark may still "
                                "match",
                                s == 0 ? "left" : "right", s == 0 ? "right" : "left");
    return arena_printf(context->arena,
                        "the rows of both sides that the %s may still match: %lld s of time",
                        spec->is_processing ? "clock" : "watermark",
                        (long long)((spec->upper_us - spec->lower_us) / 1000000));
}

static bool interval_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalInterval *interval = node->join.interval;
    PlanIntervalJoin *spec = arena_new_one(context->arena, PlanIntervalJoin);
    lower_join_spec(node, &spec->join);
    spec->is_processing = interval->time == TIME_PROCESSING;
    spec->lower_us = interval->lower_us;
    spec->upper_us = interval->upper_us;
    spec->min_cleanup_us = context->config->interval_cleanup_ms * 1000;
    for (uint32_t s = 0; s < 2; s++) {
        spec->times[s] = interval->times[s];
        spec->keeps[s] = interval->keeps[s];
    }
    node->plan->spec = spec;
    Buffer label = {0};
    print_label(context, node, spec, &label);
    node->plan->label = label_take(context->arena, &label);
    node->plan->state = print_state(context, node, spec);
    return true;
}

static void interval_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalInterval *interval = node->join.interval;
    buffer_printf(text, "|%d|%lld|%lld", (int)interval->time, (long long)interval->lower_us,
                  (long long)interval->upper_us);
    for (uint32_t s = 0; s < 2; s++)
        identity_append(text, node->inputs[s]->column_identities[interval->times[s]]);
    node_find("join")->identify(context, node, text);
}

const NodeClass node_interval_join = {
    .op = "interval_join",
    .equal = interval_equal,
    .derive = interval_derive,
    .time = interval_time,
    .needs_before = lower_needs_no_before,
    .lower = interval_lower,
    .identify = interval_identify,
    .describe = lower_join_describe,
    .column_of_input = lower_join_column_of_input,
    .prune = join_prune,
};
