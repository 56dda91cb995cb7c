/* window_rank: a Top-N whose partition holds start and end of a window, given when the window is
 * over: its rows are only inserted. A range of the first row, ordered by the rows' event time, is a
 * deduplication: of equal times the first row to come wins, or, descending, the last.
 *
 * Keys: those of any Top-N. A row of an input that updates may be given in one window and, moved to
 * a later one, again: there the window's end belongs to every key. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_window_rank;

static bool window_equal(const LogicalNode *a, const LogicalNode *b)
{
    return a->rank.window->end == b->rank.window->end &&
           a->rank.window->zone == b->rank.window->zone && node_find("rank")->equal(a, b);
}

static TimeKind window_time(const LogicalNode *node, uint32_t column)
{
    return column < node->inputs[0]->schema->column_count ? logical_time(node->inputs[0], column)
                                                          : TIME_NONE;
}

static bool is_first_only(const LogicalRank *rank)
{
    return rank->function == PLAN_RANK_ROW_NUMBER && rank->first == 1 && rank->last == 1 &&
           rank->last_column < 0 && !rank->with_number;
}

/* Whether the one row is picked by the time of the rows. */
static bool is_by_time(const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    return is_first_only(rank) &&
           (rank->by_arrival ||
            (rank->order_count == 1 &&
             logical_time(node->inputs[0], rank->order[0].column) == TIME_EVENT));
}

static bool keeps_last(const LogicalRank *rank)
{
    return rank->by_arrival ? rank->keeps_last : rank->order[0].descending;
}

static bool window_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    if (!lower_rank_check(node, error))
        return false;
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    lower_rank_keys(context, node);
    ColumnSet end = {1, &node->rank.partition[node->rank.window->end]};
    if (input->changes != CHANGE_CLASS_INSERT)
        traits_widen_keys(context->arena, &node->traits, end);
    return true;
}

static const char *window_label(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    const char *end = node->schema->columns[rank->partition[rank->window->end]].name;
    Buffer label = {0};
    if (is_by_time(node)) {
        buffer_printf(&label, "WindowDeduplicate(windowEnd=[%s], keep=[%sRow], key=[", end,
                      keeps_last(rank) ? "Last" : "First");
        label_columns(node->schema, rank->partition, rank->partition_count, &label);
        buffer_printf(&label, "], order=[%s])", rank->by_arrival ? "PROCTIME" : "ROWTIME");
    } else {
        buffer_printf(&label, "WindowRank(windowEnd=[%s], ", end);
        lower_rank_print(node, &label);
    }
    return label_take(context->arena, &label);
}

static const char *window_state(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    if (traits_retracts(node->inputs[0]))
        return "every row of the input, until its window is over";
    Buffer text = {0};
    if (rank->last_column >= 0)
        buffer_printf(&text, "the rows up to number %s",
                      node->schema->columns[rank->last_column].name);
    else
        buffer_printf(&text, "the rows up to number %llu", (unsigned long long)rank->last);
    buffer_append_text(&text, " per distinct (");
    label_columns(node->schema, rank->partition, rank->partition_count, &text);
    buffer_append_text(&text, "), until the window is over");
    return label_take(context->arena, &text);
}

static bool window_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalRank *rank = &node->rank;
    PlanWindowRank *spec = arena_new_one(context->arena, PlanWindowRank);
    spec->rank = (PlanRank){
        .function = rank->function,
        .strategy = traits_retracts(node->inputs[0]) ? PLAN_RANK_RETRACT : PLAN_RANK_APPEND,
        .partition = rank->partition,
        .partition_count = rank->partition_count,
        .order = rank->order,
        .order_count = rank->order_count,
        .first = rank->first,
        .last = rank->last,
        .last_column = rank->last_column,
        .last_less = rank->last_less,
        .with_number = rank->with_number,
    };
    spec->end_at = rank->window->end;
    spec->zone = rank->window->zone;
    spec->later_wins = is_by_time(node) && keeps_last(rank);
    lower_hash(&node->plan->inputs[0], rank->partition, rank->partition_count);
    node->plan->spec = spec;
    node->plan->label = window_label(context, node);
    node->plan->state = window_state(context, node);
    return true;
}

static void window_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const PlanWindowRank *spec = node->plan->spec;
    buffer_printf(text, "|window %u|%d|%s|%s", spec->end_at, (int)spec->rank.strategy,
                  spec->later_wins ? "last" : "first",
                  spec->zone == NULL ? "" : time_zone_name(spec->zone));
    node_find("rank")->identify(context, node, text);
}

const NodeClass node_window_rank = {
    .op = "window_rank",
    .equal = window_equal,
    .derive = window_derive,
    .time = window_time,
    .needs_before = lower_needs_before,
    .lower = window_lower,
    .identify = window_identify,
    .describe = lower_rank_describe,
    .column_of_input = lower_column_stays,
    .prune = lower_rank_prune,
};
