/* over along a time attribute: the rows of an input that only inserts leave once, in order of time,
 * because what comes later stands behind them. It is the node "over" with another operator.
 *
 * That is so while the first order key is the attribute, ascending, and no call looks ahead of the
 * current row or needs the size of the partition. */
#include <string.h>

#include "planner/nodes/lower.h"

/* Whether all a call reads has come when the row's time has. */
static bool call_looks_back(const LogicalOverCall *call)
{
    WindowKind kind = call->window == NULL ? WINDOW_AGGREGATE : call->window->kind;
    const PlanFrameBound *start = &call->frame.start;
    if (kind <= WINDOW_DENSE_RANK || kind == WINDOW_LAG)
        return true;
    if (kind < WINDOW_FIRST_VALUE || call->frame.end.kind != PLAN_BOUND_CURRENT_ROW)
        return false;
    return start->distance == NULL || start->distance->type->kind == TYPE_INTERVAL_SECOND;
}

TimeKind lower_over_along(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalOver *over = &node->over;
    const LogicalNode *input = node->inputs[0];
    if (context->config->bounded_run || over->order_count == 0 || over->order[0].descending ||
        input->changes != CHANGE_CLASS_INSERT)
        return TIME_NONE;
    TimeKind time = logical_time(input, over->order[0].column);
    if (time == TIME_PROCESSING && over->order_count > 1)
        return TIME_NONE;
    for (uint32_t i = 0; i < over->call_count; i++)
        if (!call_looks_back(&over->calls[i]))
            return TIME_NONE;
    return time;
}

/* ------------------------------------------------------------------ what it keeps */

typedef struct OverKeeps {
    bool folds;    /* an aggregate of all rows, or their number */
    bool rows;     /* so many of the last rows */
    bool interval; /* rows up to an age */
    bool all;
    bool values; /* that DISTINCT has met */
} OverKeeps;

static OverKeeps keeps_of(const LogicalOver *over)
{
    OverKeeps keeps = {0};
    for (uint32_t i = 0; i < over->call_count; i++) {
        const LogicalOverCall *call = &over->calls[i];
        WindowKind kind = call->window == NULL ? WINDOW_AGGREGATE : call->window->kind;
        bool unbounded = call->frame.start.kind == PLAN_BOUND_UNBOUNDED_PRECEDING;
        keeps.values = keeps.values || (call->distinct && unbounded);
        if (kind == WINDOW_LAG)
            *(call->ignore_nulls ? &keeps.all : &keeps.rows) = true;
        else if (kind == WINDOW_NTH_VALUE && unbounded)
            keeps.all = true;
        else if (kind <= WINDOW_DENSE_RANK || unbounded)
            keeps.folds = true;
        else if (call->frame.by_rows)
            keeps.rows = true;
        else
            keeps.interval = true;
    }
    return keeps;
}

static const char *state_text(const PlannerContext *context, const LogicalNode *node,
                              const PlanTimeOver *spec)
{
    const LogicalOver *over = &node->over;
    OverKeeps keeps = keeps_of(over);
    Buffer text = {0};
    if (!spec->on_clock)
        buffer_append_text(&text, "every row until the watermark reaches its time; ");
    if (keeps.all)
        buffer_append_text(&text, "what calls read of all rows");
    else if (keeps.rows)
        buffer_append_text(&text, "the last rows of a frame");
    else if (keeps.interval)
        buffer_append_text(&text, "the rows of RANGE, for one and a half times as long");
    else
        buffer_append_text(&text, "an aggregate");
    if (keeps.values)
        buffer_append_text(&text, " and the values of DISTINCT");
    if (over->partition_count != 0) {
        buffer_append_text(&text, " per (");
        label_columns(node->inputs[0]->schema, over->partition, over->partition_count, &text);
        buffer_append_char(&text, ')');
    }
    if (keeps.all || keeps.rows || keeps.folds)
        buffer_printf(&text, ", %s", lower_ttl_of(context, spec->over.state_ttl_ms));
    return label_take(context->arena, &text);
}

void lower_over_in_time(const PlannerContext *context, LogicalNode *node)
{
    PlanTimeOver *spec = arena_new_one(context->arena, PlanTimeOver);
    spec->over = *(const PlanOver *)node->plan->spec;
    spec->on_clock = node->over.along == TIME_PROCESSING;
    node->plan->op = "time_over";
    node->plan->spec = spec;
    node->plan->state = state_text(context, node, spec);
    node->plan->label = arena_printf(context->arena, "Time%s", node->plan->label);
}
