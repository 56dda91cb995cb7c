/* Which columns are bounds of windows: followed down to the node that gave the window.
 *
 * A column is followed through what passes rows on as they come. Behind that node a window is over
 * when the watermark reaches its last millisecond, so no row of it comes any more: nodes that
 * work by windows rely on it. Where rows may be padded, the bounds of the padded side are none. */
#include "planner/windows.h"

/* An expand's column as one of its input; WINDOW_NO_COLUMN where a grouping set makes it NULL. */
static int64_t expand_source(const LogicalExpand *expand, uint32_t column)
{
    if (column < expand->passed_count)
        return expand->passed[column];
    uint32_t key = column - expand->passed_count;
    if (key >= expand->key_count)
        return WINDOW_NO_COLUMN;
    for (uint32_t s = 0; s < expand->set_count; s++)
        if ((expand->ids[s] >> (expand->key_count - 1 - key) & 1) != 0)
            return WINDOW_NO_COLUMN;
    return expand->keys[key];
}

/* A column of a local phase as one of its input. */
static int64_t local_source(const LogicalWindowAggregate *local, uint32_t column)
{
    uint32_t keys = local->aggregate.key_count;
    if (column < keys)
        return local->aggregate.keys[column];
    if (column == keys + 1)
        return local->window.time_column;
    return column == keys + 2 && local->window.kind == PLAN_WINDOW_ATTACHED
               ? (int64_t)local->window.start_column
               : WINDOW_NO_COLUMN;
}

int64_t window_source_column(const LogicalNode *node, uint32_t column)
{
    if (logical_is(node, "aggregate") || logical_is(node, "local_aggregate"))
        return column < node->aggregate.key_count ? (int64_t)node->aggregate.keys[column]
                                                  : WINDOW_NO_COLUMN;
    if (logical_is(node, "local_window_aggregate"))
        return local_source(&node->window_aggregate, column);
    if (logical_is(node, "expand"))
        return expand_source(&node->expand, column);
    if (logical_is(node, "unnest"))
        return column < node->unnest.passed_count ? (int64_t)node->unnest.passed[column]
                                                  : WINDOW_NO_COLUMN;
    if (logical_is(node, "window_rank"))
        return column < node->inputs[0]->schema->column_count ? (int64_t)column : WINDOW_NO_COLUMN;
    if (!logical_is(node, "calc") || node->calc.projections[column]->kind != EXPR_COLUMN)
        return WINDOW_NO_COLUMN;
    return node->calc.projections[column]->column;
}

/* The input of a window join that a column comes from and is never padded; NULL: none. */
static const LogicalNode *join_source(const LogicalNode *join, uint32_t *column)
{
    PlanJoinKind kind = join->join.kind;
    uint32_t left = join->inputs[0]->schema->column_count;
    if (logical_is_half_join(kind) && *column >= left)
        return NULL;
    if (*column < left)
        return kind == PLAN_JOIN_RIGHT || kind == PLAN_JOIN_FULL ? NULL : join->inputs[0];
    *column -= left;
    return kind == PLAN_JOIN_LEFT || kind == PLAN_JOIN_FULL ? NULL : join->inputs[1];
}

/* The node below that a column is of, and which it is there; NULL: none. */
static const LogicalNode *step_down(const LogicalNode *node, uint32_t *column)
{
    /* While names are bound it is not known yet what a join will be: what relies on it asks again
     * when the plan is made. */
    bool is_open = logical_is(node, "join") && !node->join.is_settled;
    if (logical_is(node, "window_join") || is_open)
        return join_source(node, column);
    int64_t from = window_source_column(node, *column);
    if (from == WINDOW_NO_COLUMN)
        return NULL;
    *column = (uint32_t)from;
    return node->inputs[0];
}

WindowColumn window_column(const LogicalNode *node, uint32_t column)
{
    static const PlanWindowProperty given[] = {PLAN_WINDOW_START, PLAN_WINDOW_END,
                                               PLAN_WINDOW_TIME};
    WindowColumn none = {NULL, PLAN_WINDOW_START};
    while (node != NULL && !logical_is(node, "window_tvf") && !logical_is(node, "window_aggregate"))
        node = step_down(node, &column);
    if (node == NULL)
        return none;
    if (logical_is(node, "window_tvf")) {
        uint32_t own = node->inputs[0]->schema->column_count;
        return column < own ? none : (WindowColumn){node, given[column - own]};
    }
    uint32_t own = node->aggregate.key_count + node->aggregate.call_count;
    /* Windows that are given again for late rows are never over. */
    return column < own || node->window_aggregate.emit != NULL
               ? none
               : (WindowColumn){node, node->window_aggregate.properties[column - own]};
}

/* The window function that made the windows an origin hands on, as its rows' windows are; NULL: it
 * was none, or on the clock. */
static const PlanWindow *function_of(const LogicalNode *origin)
{
    while (logical_is(origin, "window_aggregate") &&
           origin->window_aggregate.window.kind == PLAN_WINDOW_ATTACHED) {
        WindowColumn below =
            window_column(origin->inputs[0], origin->window_aggregate.window.time_column);
        if (below.origin == NULL)
            return NULL;
        origin = below.origin;
    }
    if (logical_is(origin, "window_tvf"))
        return origin->window_tvf.time == TIME_EVENT ? &origin->window_tvf.window : NULL;
    const LogicalWindowAggregate *window = &origin->window_aggregate;
    return window->in_group_by || window->window.on_clock ? NULL : &window->window;
}

bool window_bound_of(const LogicalNode *node, uint32_t column, PlanWindowProperty *property,
                     const TimeZone **zone)
{
    WindowColumn found = window_column(node, column);
    const PlanWindow *window = found.origin == NULL ? NULL : function_of(found.origin);
    if (window == NULL || found.property > PLAN_WINDOW_END)
        return false;
    *property = found.property;
    *zone = window->zone;
    return true;
}

bool window_columns_match(const LogicalNode *a, uint32_t a_column, const LogicalNode *b,
                          uint32_t b_column, PlanWindowProperty *property)
{
    WindowColumn left = window_column(a, a_column), right = window_column(b, b_column);
    if (left.origin == NULL || right.origin == NULL || left.property != right.property ||
        left.property > PLAN_WINDOW_END)
        return false;
    const PlanWindow *x = function_of(left.origin), *y = function_of(right.origin);
    *property = left.property;
    return x != NULL && y != NULL && x->kind == y->kind && x->size_us == y->size_us &&
           x->slide_us == y->slide_us && x->offset_us == y->offset_us && x->zone == y->zone;
}
