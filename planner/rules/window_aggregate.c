/* GROUP BY window_start, window_end becomes an aggregate over windows, whose groups are given once
 * and then forgotten, where the plain one would keep and update them for ever.
 *
 * Straight above a window table function, the windows are made by the aggregate itself: the
 * function goes, its input's rows come once instead of once per window, and overlapping windows
 * share what they have in common. Where the rows' windows must be seen on the way (a filter on
 * window_start, an aggregate over windows below), the aggregate takes the windows that the rows
 * carry.
 *
 * Sessions are found per PARTITION BY key, so they can be made by the aggregate only when it groups
 * by exactly these keys and nothing is filtered in between; else it takes those of the rows. */
#include <string.h>

#include "planner/windows.h"

enum { NO_COLUMN = WINDOW_NO_COLUMN, CHAIN_MAX = 16 };

/* What the keys of an aggregate are. */
typedef struct Keys {
    const LogicalNode *origin;
    int64_t bounds[3]; /* by property: column of the input, or NO_COLUMN */
    bool *is_window;   /* by key */
    uint32_t others;   /* keys that are no window's */
} Keys;

static bool find_keys(Arena *arena, const LogicalNode *node, Keys *keys)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    *keys = (Keys){NULL,
                   {NO_COLUMN, NO_COLUMN, NO_COLUMN},
                   arena_new_array(arena, bool, aggregate->key_count + 1),
                   0};
    for (uint32_t i = 0; i < aggregate->key_count; i++) {
        WindowColumn found = window_column(node->inputs[0], aggregate->keys[i]);
        bool fits = found.origin != NULL && found.property <= PLAN_WINDOW_TIME &&
                    (keys->origin == NULL || keys->origin == found.origin);
        keys->is_window[i] = fits;
        keys->others += fits ? 0 : 1;
        if (!fits)
            continue;
        keys->origin = found.origin;
        keys->bounds[found.property] = aggregate->keys[i];
    }
    return keys->bounds[PLAN_WINDOW_START] != NO_COLUMN &&
           keys->bounds[PLAN_WINDOW_END] != NO_COLUMN && aggregate->empty_set_count == 0;
}

TimeKind window_key_time(const LogicalNode *node, uint32_t column)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    if (column >= aggregate->key_count)
        return TIME_NONE;
    WindowColumn time = window_column(node->inputs[0], aggregate->keys[column]);
    if (time.origin == NULL || time.property != PLAN_WINDOW_TIME)
        return TIME_NONE;
    bool has[PLAN_WINDOW_CLOCK + 1] = {false};
    for (uint32_t i = 0; i < aggregate->key_count; i++) {
        WindowColumn key = window_column(node->inputs[0], aggregate->keys[i]);
        if (key.origin == time.origin)
            has[key.property] = true;
    }
    if (!has[PLAN_WINDOW_START] || !has[PLAN_WINDOW_END])
        return TIME_NONE;
    return logical_is(time.origin, "window_tvf") ? time.origin->window_tvf.time : TIME_EVENT;
}

/* --------------------------------------------------------------- the new aggregate */

/* The aggregate with windows in place of their keys; its input's columns moved by `map`. */
static LogicalNode *make_aggregate(const PlannerContext *context, const LogicalNode *node,
                                   const Keys *keys, LogicalNode *input, const uint32_t *map,
                                   const PlanWindow *window)
{
    Arena *arena = context->arena;
    const LogicalAggregate *old = &node->aggregate;
    uint32_t count = old->key_count + old->call_count;
    Column *columns = arena_new_array(arena, Column, count + 3);
    LogicalNode *copy =
        logical_new_unary(arena, "window_aggregate", node->schema, input, node->place);
    LogicalWindowAggregate *out = &copy->window_aggregate;
    copy->late_table = node->late_table;
    out->window = *window;
    out->properties = arena_new_array(arena, PlanWindowProperty, 3);
    out->aggregate.keys = arena_new_array(arena, uint32_t, old->key_count + 1);
    out->aggregate.calls =
        arena_memdup(arena, old->calls, sizeof(*old->calls) * (old->call_count + 1));
    out->aggregate.call_count = old->call_count;
    uint32_t at = 0;
    for (uint32_t i = 0; i < old->key_count; i++) {
        if (keys->is_window[i])
            continue;
        columns[at++] = node->schema->columns[i];
        out->aggregate.keys[out->aggregate.key_count++] = map[old->keys[i]];
    }
    for (uint32_t i = 0; i < old->call_count; i++) {
        LogicalAggregateCall *call = &out->aggregate.calls[i];
        call->arguments = arena_new_array(arena, uint32_t, call->argument_count + 1);
        for (uint32_t a = 0; a < call->argument_count; a++)
            call->arguments[a] = map[old->calls[i].arguments[a]];
        call->filter = call->filter < 0 ? -1 : (int32_t)map[call->filter];
        columns[at++] = node->schema->columns[old->key_count + i];
    }
    for (uint32_t i = 0; i < old->key_count; i++) {
        if (!keys->is_window[i])
            continue;
        columns[at++] = node->schema->columns[i];
        out->properties[out->property_count++] =
            window_column(node->inputs[0], old->keys[i]).property;
    }
    copy->schema = schema_new(arena, columns, at);
    return copy;
}

/* Columns in the order the plain aggregate had. */
static LogicalNode *restore_order(const PlannerContext *context, const LogicalNode *node,
                                  const Keys *keys, LogicalNode *made)
{
    Arena *arena = context->arena;
    const LogicalAggregate *old = &node->aggregate;
    uint32_t count = node->schema->column_count;
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    uint32_t plain = 0, bound = keys->others + old->call_count;
    for (uint32_t i = 0; i < count; i++) {
        bool is_bound = i < old->key_count && keys->is_window[i];
        uint32_t from = is_bound ? bound++ : plain++;
        projections[i] = expr_column(arena, from, node->schema->columns[i].type, node->place);
    }
    return logical_calc(arena, made, NULL, projections, node->schema, node->place);
}

/* ------------------------------------------------- windows that the aggregate makes itself */

/* The nodes between the aggregate and the window table function, uppermost first. */
typedef struct Chain {
    LogicalNode *nodes[CHAIN_MAX];
    uint32_t count;
} Chain;

static bool find_chain(LogicalNode *node, Chain *chain)
{
    chain->count = 0;
    while (logical_is(node, "calc") || logical_is(node, "expand")) {
        if (chain->count == CHAIN_MAX)
            return false;
        chain->nodes[chain->count++] = node;
        node = node->inputs[0];
    }
    return logical_is(node, "window_tvf") && chain->count != 0 &&
           logical_is(chain->nodes[chain->count - 1], "calc");
}

static bool uses_window(const LogicalNode *input, const Expr *expr, bool plain_allowed)
{
    if (expr == NULL)
        return false;
    if (expr->kind == EXPR_COLUMN && plain_allowed)
        return false;
    bool *used = memory_zalloc(input->schema->column_count + 1);
    expr_mark_columns(expr, used);
    bool uses = false;
    for (uint32_t c = 0; c < input->schema->column_count; c++)
        uses = uses || (used[c] && window_column(input, c).origin != NULL);
    memory_free(used);
    return uses;
}

/* Whether the windows' columns are only handed on, and no session is cut by a filter. */
static bool chain_is_plain(const Chain *chain, bool is_session)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        const LogicalNode *node = chain->nodes[i];
        if (logical_is(node, "expand"))
            continue;
        if (uses_window(node->inputs[0], node->calc.filter, false) ||
            (is_session && node->calc.filter != NULL))
            return false;
        for (uint32_t c = 0; c < node->schema->column_count; c++)
            if (uses_window(node->inputs[0], node->calc.projections[c], true))
                return false;
    }
    return true;
}

static bool calls_use_window(const LogicalNode *node)
{
    for (uint32_t i = 0; i < node->aggregate.call_count; i++) {
        const LogicalAggregateCall *call = &node->aggregate.calls[i];
        for (uint32_t a = 0; a < call->argument_count; a++)
            if (window_column(node->inputs[0], call->arguments[a]).origin != NULL)
                return true;
    }
    return false;
}

/* Column of the window table function's input that a column of the chain's top is. */
static int64_t column_below(const Chain *chain, uint32_t column)
{
    int64_t at = column;
    for (uint32_t i = 0; i < chain->count && at != NO_COLUMN; i++)
        at = window_source_column(chain->nodes[i], (uint32_t)at);
    return at;
}

/* Whether the keys are the columns of PARTITION BY, each at least once. */
static bool groups_sessions(const LogicalNode *node, const Keys *keys, const Chain *chain,
                            const LogicalWindowTvf *tvf)
{
    uint64_t seen = 0;
    if (tvf->partition_count > 63)
        return false;
    for (uint32_t i = 0; i < node->aggregate.key_count; i++) {
        if (keys->is_window[i])
            continue;
        int64_t below = column_below(chain, node->aggregate.keys[i]);
        uint32_t p = 0;
        while (p < tvf->partition_count && (int64_t)tvf->partition[p] != below)
            p++;
        if (p == tvf->partition_count)
            return false;
        seen |= UINT64_C(1) << p;
    }
    return seen == (UINT64_C(1) << tvf->partition_count) - 1;
}

/* A value for a column that nobody looks at any more. */
static const Expr *placeholder(const PlannerContext *context, const Type *type, AstPlace place)
{
    Vector *value = arena_new_one(context->arena, Vector);
    vector_init_constant(value, type, context->arena);
    vector_set_valid(value, 0);
    return expr_literal(context->arena, value, place);
}

/* A calc over `input` that hands on column `time` of it behind its own. */
static LogicalNode *calc_with_time(const PlannerContext *context, const LogicalNode *calc,
                                   LogicalNode *input, const uint32_t *map, uint32_t time)
{
    Arena *arena = context->arena;
    const LogicalNode *below = calc->inputs[0];
    uint32_t old_count = below->schema->column_count, count = calc->schema->column_count;
    const Expr **values = arena_new_array(arena, const Expr *, old_count + 1);
    for (uint32_t c = 0; c < old_count; c++) {
        const Type *type = below->schema->columns[c].type;
        values[c] = map[c] == UINT32_MAX
                        ? placeholder(context, type_with_nullable(arena, type, false), calc->place)
                        : expr_column(arena, map[c], type, calc->place);
    }
    const Expr **projections = arena_new_array(arena, const Expr *, count + 1);
    Column *columns = arena_new_array(arena, Column, count + 1);
    for (uint32_t c = 0; c < count; c++) {
        projections[c] = expr_replace_columns(&context->site, calc->calc.projections[c], values);
        columns[c] = calc->schema->columns[c];
    }
    projections[count] = expr_column(arena, time, input->schema->columns[time].type, calc->place);
    columns[count] = (Column){"$time", input->schema->columns[time].type};
    const Expr *filter = calc->calc.filter;
    if (filter != NULL)
        filter = expr_replace_columns(&context->site, filter, values);
    return logical_calc(arena, input, filter, projections, schema_new(arena, columns, count + 1),
                        calc->place);
}

/* The same of an expand, whose passed columns come first. */
static LogicalNode *expand_with_time(const PlannerContext *context, const LogicalNode *expand,
                                     LogicalNode *input, const uint32_t *map, uint32_t time)
{
    Arena *arena = context->arena;
    const LogicalExpand *old = &expand->expand;
    uint32_t count = expand->schema->column_count;
    Column *columns = arena_new_array(arena, Column, count + 1);
    LogicalExpand made = *old;
    made.passed = arena_new_array(arena, uint32_t, old->passed_count + 1);
    made.keys = arena_new_array(arena, uint32_t, old->key_count + 1);
    for (uint32_t i = 0; i < old->passed_count; i++)
        made.passed[i] = map[old->passed[i]];
    made.passed[made.passed_count++] = time;
    for (uint32_t i = 0; i < old->key_count; i++)
        made.keys[i] = map[old->keys[i]];
    for (uint32_t c = 0; c < count; c++)
        columns[c < old->passed_count ? c : c + 1] = expand->schema->columns[c];
    columns[old->passed_count] = (Column){"$time", input->schema->columns[time].type};
    LogicalNode *node = logical_new_unary(arena, "expand", schema_new(arena, columns, count + 1),
                                          input, expand->place);
    node->expand = made;
    return node;
}

/* Lays the chain over the window table function's input; `map` and `time` are those of its top. */
static LogicalNode *rebuild_chain(const PlannerContext *context, const Chain *chain, uint32_t **map,
                                  uint32_t *time)
{
    Arena *arena = context->arena;
    const LogicalNode *tvf = chain->nodes[chain->count - 1]->inputs[0];
    LogicalNode *input = tvf->inputs[0];
    uint32_t own = input->schema->column_count;
    *time = tvf->window_tvf.window.time_column;
    *map = arena_new_array(arena, uint32_t, own + 3);
    for (uint32_t c = 0; c < own + 3; c++)
        (*map)[c] = c < own ? c : UINT32_MAX;
    for (uint32_t i = chain->count; i-- > 0;) {
        const LogicalNode *old = chain->nodes[i];
        bool expands = logical_is(old, "expand");
        uint32_t count = old->schema->column_count;
        uint32_t moved = expands ? old->expand.passed_count : count;
        input = expands ? expand_with_time(context, old, input, *map, *time)
                        : calc_with_time(context, old, input, *map, *time);
        *map = arena_new_array(arena, uint32_t, count + 1);
        for (uint32_t c = 0; c < count; c++)
            (*map)[c] = c < moved ? c : c + 1;
        *time = moved;
    }
    return input;
}

static LogicalNode *make_windows(const PlannerContext *context, LogicalNode *node, const Keys *keys)
{
    Chain chain;
    if (!find_chain(node->inputs[0], &chain))
        return NULL;
    const LogicalNode *tvf = chain.nodes[chain.count - 1]->inputs[0];
    bool is_session = tvf->window_tvf.window.kind == PLAN_WINDOW_SESSION;
    if (!chain_is_plain(&chain, is_session) || calls_use_window(node) ||
        (is_session && !groups_sessions(node, keys, &chain, &tvf->window_tvf)))
        return NULL;
    uint32_t *map, time;
    LogicalNode *input = rebuild_chain(context, &chain, &map, &time);
    PlanWindow window = tvf->window_tvf.window;
    window.time_column = time;
    window.tick_us = 1000;
    window.on_clock = tvf->window_tvf.time == TIME_PROCESSING;
    LogicalNode *made = make_aggregate(context, node, keys, input, map, &window);
    return restore_order(context, node, keys, made);
}

/* ------------------------------------------------------ windows that the rows carry */

static LogicalNode *take_windows(const PlannerContext *context, LogicalNode *node, const Keys *keys)
{
    const LogicalNode *origin = keys->origin;
    const PlanWindow *from = logical_is(origin, "window_tvf") ? &origin->window_tvf.window
                                                              : &origin->window_aggregate.window;
    bool on_clock = logical_is(origin, "window_tvf") ? origin->window_tvf.time == TIME_PROCESSING
                                                     : from->on_clock;
    if (on_clock)
        return node;
    Arena *arena = context->arena;
    uint32_t count = node->inputs[0]->schema->column_count;
    uint32_t *map = arena_new_array(arena, uint32_t, count + 1);
    for (uint32_t c = 0; c < count; c++)
        map[c] = c;
    PlanWindow window = {
        .kind = PLAN_WINDOW_ATTACHED,
        .time_column = (uint32_t)keys->bounds[PLAN_WINDOW_END],
        .start_column = (uint32_t)keys->bounds[PLAN_WINDOW_START],
        .tick_us = 1000,
        .zone = from->zone,
    };
    LogicalNode *made = make_aggregate(context, node, keys, node->inputs[0], map, &window);
    return restore_order(context, node, keys, made);
}

LogicalNode *window_aggregate_of(const PlannerContext *context, LogicalNode *aggregate)
{
    Keys keys;
    if (!find_keys(context->arena, aggregate, &keys))
        return aggregate;
    LogicalNode *made = make_windows(context, aggregate, &keys);
    return made != NULL ? made : take_windows(context, aggregate, &keys);
}
