/* Windows that rows carry: which columns are start, end and time of which window, and the rewrites
 * that make nodes which forget a window when it is over. */
#ifndef PLANNER_WINDOWS_H
#define PLANNER_WINDOWS_H

#include "planner/logical.h"

#define WINDOW_NO_COLUMN (-1)

/* The start, end or time of a window, and the node that gave it. */
typedef struct WindowColumn {
    const LogicalNode *origin; /* NULL: the column is none */
    PlanWindowProperty property;
} WindowColumn;

/* window_columns.c */
WindowColumn window_column(const LogicalNode *node, uint32_t column);
/* The column of the node's one input that a column is, or WINDOW_NO_COLUMN. */
int64_t window_source_column(const LogicalNode *node, uint32_t column);
/* Whether the columns are the same bound of windows of one kind and size: by the event time of
 * window functions in FROM. `property` says which bound. */
bool window_columns_match(const LogicalNode *a, uint32_t a_column, const LogicalNode *b,
                          uint32_t b_column, PlanWindowProperty *property);
/* Whether the column is a bound of such a window; `zone` gets that of its clock. */
bool window_bound_of(const LogicalNode *node, uint32_t column, PlanWindowProperty *property,
                     const TimeZone **zone);

/* window_emit.c */
/* When a window of GROUP BY is given besides its end; NULL: only then. */
const PlanWindowEmit *window_emit_of(const PlannerContext *context, const PlanWindow *window);
/* Whether the options can be followed by this aggregate over windows. */
bool window_emit_check(const PlannerContext *context, const LogicalNode *node,
                       Error *error) MUST_CHECK;
void window_emit_print(const PlanWindowEmit *emit, Buffer *out);

/* rules/window_aggregate.c: the node for a plain aggregate whose inputs have been rewritten. */
LogicalNode *window_aggregate_of(const PlannerContext *context, LogicalNode *aggregate);

#endif
