/* Window functions: what only means something with OVER.
 *
 * A row's value comes from where the row stands in its partition (ROW_NUMBER, RANK, NTILE), from
 * another row (LAG, LEAD) or from a row of its frame (FIRST_VALUE, NTH_VALUE). How they are
 * computed is the executor's matter; here is how they are called. Aggregates can be used with OVER
 * as well: see aggregate.h. */
#ifndef FUNCTIONS_WINDOW_H
#define FUNCTIONS_WINDOW_H

#include "functions/function.h"

typedef enum WindowKind {
    WINDOW_ROW_NUMBER,
    WINDOW_RANK,
    WINDOW_DENSE_RANK,
    WINDOW_PERCENT_RANK,
    WINDOW_CUME_DIST,
    WINDOW_NTILE,
    WINDOW_LAG,
    WINDOW_LEAD,
    WINDOW_FIRST_VALUE,
    WINDOW_LAST_VALUE,
    WINDOW_NTH_VALUE,
    WINDOW_AGGREGATE /* none of these: an aggregate */
} WindowKind;

typedef struct WindowFunction {
    const char *name;
    const char *signature;
    WindowKind kind;
    bool has_frame;    /* looks at the rows of a frame; the others take no ROWS or RANGE */
    bool can_skip;     /* takes IGNORE NULLS */
    bool is_aggregate; /* listed with the aggregates */
    const char *doc;
} WindowFunction;

/* A call that is ready: the arguments that are columns, and the number among them. */
typedef struct BoundWindow {
    const WindowFunction *function;
    const Type *result;          /* NULL comes to it where there is no row: see nullable below */
    const Type **argument_types; /* of the arguments that stay, in order */
    const uint32_t *arguments;   /* which of the site's they are */
    uint32_t argument_count;
    int64_t number; /* NTILE: groups; LAG, LEAD: rows away; NTH_VALUE: which row */
} BoundWindow;

/* NULL when there is none of that name. */
const WindowFunction *window_function_find(const char *name);
/* What is spelt much like it; NULL: none. */
const char *window_function_nearest(const char *name);
const WindowFunction *window_function_at(uint32_t index);
/* Chooses types and takes the number, which must be a constant. */
bool window_bind(const WindowFunction *function, const FunctionSite *site, BoundWindow *out,
                 Error *error) MUST_CHECK;

#endif
