/* local_window_aggregate: the first of two phases of an aggregate over windows, in front of the
 * exchange.
 *
 * A window is given once, at its end, so nobody sees whether its rows came one by one: the rows of
 * a batch are added up by key and slice where they are, without waiting for more, and need no
 * mini-batch for that. Windows that are given before their end, tables for late rows (who wants
 * them as they came), rows that are taken back, and calls whose states cannot be merged to the very
 * same result have no such phase.
 *
 * The state of the aggregate is the same with and without this node, and so is its identity: a job
 * may get a local phase or lose it. */
#include "planner/nodes/lower.h"

extern const NodeClass node_local_window_aggregate;

enum { NOWHERE = UINT32_MAX };

/* The columns of the local phase, and where those of its input went. */
typedef struct Partial {
    Arena *arena;
    const Schema *input;
    Column *columns;
    uint32_t count;
    uint32_t *map; /* by input column; NOWHERE */
    uint32_t *passed;
    uint32_t passed_count;
} Partial;

static void add_column(Partial *partial, uint32_t from)
{
    if (partial->map[from] == NOWHERE)
        partial->map[from] = partial->count;
    partial->columns[partial->count++] = partial->input->columns[from];
}

/* What a call reads: NULL in rows that stand for several. */
static void pass_column(Partial *partial, uint32_t from)
{
    if (partial->map[from] != NOWHERE)
        return;
    add_column(partial, from);
    Column *column = &partial->columns[partial->count - 1];
    column->type = type_with_nullable(partial->arena, column->type, true);
    partial->passed[partial->passed_count++] = from;
}

static Partial make_partial(const PlannerContext *context, const LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalWindowAggregate *window = &node->window_aggregate;
    const LogicalAggregate *aggregate = &window->aggregate;
    const Schema *input = node->inputs[0]->schema;
    enum { BESIDES = 3 };
    uint32_t most = aggregate->key_count + input->column_count + BESIDES;
    Partial partial = {.arena = arena,
                       .input = input,
                       .columns = arena_new_array(arena, Column, most),
                       .map = arena_new_array(arena, uint32_t, input->column_count + 1),
                       .passed = arena_new_array(arena, uint32_t, input->column_count + 1)};
    for (uint32_t c = 0; c < input->column_count; c++)
        partial.map[c] = NOWHERE;
    for (uint32_t k = 0; k < aggregate->key_count; k++)
        add_column(&partial, aggregate->keys[k]);
    partial.columns[partial.count++] = (Column){"states", &type_bytes};
    /* The windows' own columns stand behind the states, even where one is a key as well. */
    uint32_t time = window->window.time_column;
    partial.map[time] = NOWHERE;
    add_column(&partial, time);
    if (window->window.kind == PLAN_WINDOW_SESSION)
        partial.columns[partial.count++] = (Column){"last$time", input->columns[time].type};
    if (window->window.kind == PLAN_WINDOW_ATTACHED)
        add_column(&partial, window->window.start_column);
    for (uint32_t c = 0; c < aggregate->call_count; c++) {
        const LogicalAggregateCall *call = &aggregate->calls[c];
        for (uint32_t a = 0; a < call->argument_count; a++)
            pass_column(&partial, call->arguments[a]);
        if (call->filter >= 0)
            pass_column(&partial, (uint32_t)call->filter);
    }
    return partial;
}

/* Has the aggregate read the local phase's columns. */
static void move_aggregate(const Partial *partial, LogicalNode *node)
{
    Arena *arena = partial->arena;
    LogicalWindowAggregate *window = &node->window_aggregate;
    LogicalAggregate *aggregate = &window->aggregate;
    aggregate->keys = arena_new_array(arena, uint32_t, aggregate->key_count + 1);
    for (uint32_t k = 0; k < aggregate->key_count; k++)
        aggregate->keys[k] = k;
    window->window.time_column = partial->map[window->window.time_column];
    if (window->window.kind == PLAN_WINDOW_ATTACHED)
        window->window.start_column = window->window.time_column + 1;
    aggregate->calls = arena_memdup(arena, aggregate->calls,
                                    sizeof(*aggregate->calls) * (aggregate->call_count + 1));
    for (uint32_t c = 0; c < aggregate->call_count; c++) {
        LogicalAggregateCall *call = &aggregate->calls[c];
        uint32_t *arguments = arena_new_array(arena, uint32_t, call->argument_count + 1);
        for (uint32_t a = 0; a < call->argument_count; a++)
            arguments[a] = partial->map[call->arguments[a]];
        call->arguments = arguments;
        if (call->filter >= 0)
            call->filter = (int32_t)partial->map[call->filter];
    }
}

/* Whether rows can be added up beforehand without anyone seeing it. */
static bool can_insert(const PlannerContext *context, const LogicalNode *node, bool *can,
                       Error *error)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    *can = local_aggregate_is_asked(context->config) && window->emit == NULL &&
           node->late_table == NULL && node->inputs[0]->changes == CHANGE_CLASS_INSERT;
    for (uint32_t c = 0; c < window->aggregate.call_count && *can; c++) {
        PlanAggregateCall call;
        if (!lower_aggregate_call(context, node, c, false, &call, error))
            return false;
        *can = local_aggregate_merges(&call, false) && !call.call.merge_rounds;
    }
    return true;
}

bool local_window_insert(const PlannerContext *context, LogicalNode *node, Error *error)
{
    bool can;
    if (!can_insert(context, node, &can, error))
        return false;
    if (!can)
        return true;
    Arena *arena = context->arena;
    Partial partial = make_partial(context, node);
    LogicalNode *local = logical_new_unary(arena, "local_window_aggregate",
                                           schema_new(arena, partial.columns, partial.count),
                                           node->inputs[0], node->place);
    local->since = node->since;
    local->window_aggregate = node->window_aggregate;
    local->window_aggregate.passed = partial.passed;
    local->window_aggregate.passed_count = partial.passed_count;
    move_aggregate(&partial, node);
    node->inputs[0] = local;
    return local->class->derive(context, local, error);
}

static bool local_window_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    node->changes = CHANGE_CLASS_INSERT;
    node->traits.bounded = node->inputs[0]->traits.bounded;
    node->traits.rowtime = -1;
    return true;
}

static bool local_window_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    const LogicalAggregate *aggregate = &window->aggregate;
    PlanLocalWindow *spec = arena_new_one(context->arena, PlanLocalWindow);
    PlanAggregate *calls = &spec->aggregate;
    calls->keys = aggregate->keys;
    calls->key_count = aggregate->key_count;
    calls->call_count = aggregate->call_count;
    calls->calls = arena_new_array(context->arena, PlanAggregateCall, aggregate->call_count + 1);
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        if (!lower_aggregate_call(context, node, i, false, &calls->calls[i], error))
            return false;
    calls->final_only = context->config->bounded_run;
    spec->window = window->window;
    spec->passed = window->passed;
    spec->passed_count = window->passed_count;
    node->plan->spec = spec;
    Buffer label = {0};
    buffer_append_text(&label, "LocalWindowAggregate(");
    lower_aggregate_keys(node, &label);
    buffer_append_text(&label, "window=[");
    lower_window_print(&window->window, node->inputs[0]->schema, &label);
    buffer_append_text(&label, "], ");
    lower_aggregate_partials(node, &label);
    buffer_append_text(&label, "])");
    node->plan->label = label_take(context->arena, &label);
    return true;
}

/* Columns that are the input's mean what they mean there, and the rows are the input's to whoever
 * asks. */
static void local_window_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    const LogicalNode *input = node->inputs[0];
    const uint64_t *from = input->column_identities;
    uint32_t count = node->schema->column_count, keys = node->aggregate.key_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t c = 0; c < count; c++)
        columns[c] = input->row_identity + c;
    for (uint32_t k = 0; k < keys; k++)
        columns[k] = from[node->aggregate.keys[k]];
    columns[keys + 1] = from[window->window.time_column];
    if (window->window.kind == PLAN_WINDOW_ATTACHED)
        columns[keys + 2] = from[window->window.start_column];
    for (uint32_t c = 0; c < window->passed_count; c++)
        columns[count - window->passed_count + c] = from[window->passed[c]];
    node->column_identities = columns;
    node->row_identity = input->row_identity;
}

static void local_window_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "GROUP BY");
}

const NodeClass node_local_window_aggregate = {
    .op = "local_window_aggregate",
    .equal = lower_equal_never,
    .derive = local_window_derive,
    .needs_before = lower_needs_before,
    .lower = local_window_lower,
    .identify = local_window_identify,
    .describe = local_window_describe,
    .column_of_input = lower_aggregate_column_of_input,
};
