/* aggregate: GROUP BY and DISTINCT. The group keys are a unique key; with no keys there is one row.
 *
 * Over rows that are only inserted, groups appear and change but never go; without aggregates they
 * do not even change. In a bounded run each group is emitted once, at the end. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_aggregate;

bool lower_aggregate_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalAggregate *x = &a->aggregate, *y = &b->aggregate;
    if (x->key_count != y->key_count || x->call_count != y->call_count ||
        memcmp(x->keys, y->keys, sizeof(*x->keys) * x->key_count) != 0)
        return false;
    for (uint32_t i = 0; i < x->call_count; i++) {
        const LogicalAggregateCall *p = &x->calls[i], *q = &y->calls[i];
        if (strcmp(p->name, q->name) != 0 || p->argument_count != q->argument_count ||
            p->filter != q->filter || p->distinct != q->distinct ||
            memcmp(p->arguments, q->arguments, sizeof(*p->arguments) * p->argument_count) != 0)
            return false;
    }
    return true;
}

static bool aggregate_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    const LogicalNode *input = node->inputs[0];
    Arena *arena = context->arena;
    node->traits.bounded = input->traits.bounded;
    if (context->config->bounded_run)
        node->changes = CHANGE_CLASS_INSERT;
    else if (input->changes != CHANGE_CLASS_INSERT)
        node->changes = CHANGE_CLASS_ALL;
    else if (aggregate->call_count == 0)
        node->changes = CHANGE_CLASS_INSERT;
    else
        node->changes = CHANGE_CLASS_INSERT | CHANGE_CLASS_UPDATE;
    node->traits.folds = context->config->mini_batch || aggregate->unseen;

    uint32_t *map = arena_new_array(arena, uint32_t, input->schema->column_count + 1);
    uint32_t *all = arena_new_array(arena, uint32_t, aggregate->key_count + 1);
    for (uint32_t i = 0; i < input->schema->column_count; i++)
        map[i] = UINT32_MAX;
    for (uint32_t i = 0; i < aggregate->key_count; i++) {
        map[aggregate->keys[i]] = i;
        all[i] = i;
    }
    /* What was unique before and is grouped by is unique still, but not in order: a row whose group
     * changes leaves it on one worker and enters the new one on another. */
    traits_map_unique_keys(arena, &node->traits, &input->traits, map);
    traits_add_key(arena, &node->traits, column_set_new(arena, all, aggregate->key_count));
    return local_aggregate_insert(context, node, error);
}

const LogicalNode *lower_aggregate_rows(const LogicalNode *node)
{
    const LogicalNode *input = node->inputs[0];
    return logical_is(input, "local_aggregate") ? input->inputs[0] : input;
}

bool lower_aggregate_call(const PlannerContext *context, const LogicalNode *node, uint32_t number,
                          bool retracting, PlanAggregateCall *to, Error *error)
{
    const LogicalAggregateCall *from = &node->aggregate.calls[number];
    Arena *arena = context->arena;
    const Type **types = arena_new_array(arena, const Type *, from->argument_count + 1);
    const Vector **literals = arena_new_array(arena, const Vector *, from->argument_count + 1);
    for (uint32_t i = 0; i < from->argument_count; i++) {
        types[i] = from->argument_types[i];
        literals[i] = from->literals == NULL ? NULL : from->literals[i];
    }
    FunctionSite site = {types, literals, from->argument_count, context->site.zone, arena, NULL};
    bool over_windows =
        logical_is(node, "window_aggregate") || logical_is(node, "local_window_aggregate");
    bool bound = !over_windows
                     ? aggregate_bind_keeping(from->name, &site, retracting, &to->call, error)
                     : aggregate_bind_in_state(from->name, &site, retracting, &to->call, error);
    if (!bound)
        return error_at(error, from->place.offset, from->place.length);
    to->call.result = from->type;
    to->arguments = from->arguments;
    to->argument_count = from->argument_count;
    to->filter = from->filter;
    to->distinct = from->distinct;
    return true;
}

static void print_call(const LogicalAggregateCall *call, const Schema *input, Buffer *out)
{
    buffer_printf(out, "%s(%s", call->name, call->distinct ? "DISTINCT " : "");
    if (call->argument_count == 0)
        buffer_append_char(out, '*');
    label_columns(input, call->arguments, call->argument_count, out);
    buffer_append_char(out, ')');
    if (call->filter >= 0)
        buffer_printf(out, " FILTER %s", input->columns[call->filter].name);
}

void lower_aggregate_keys(const LogicalNode *node, Buffer *label)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    if (aggregate->key_count == 0)
        return;
    buffer_append_text(label, "groupBy=[");
    label_columns(node->inputs[0]->schema, aggregate->keys, aggregate->key_count, label);
    buffer_append_text(label, "], ");
}

void lower_aggregate_select(const LogicalNode *node, Buffer *label)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    const Schema *input = lower_aggregate_rows(node)->schema;
    buffer_append_text(label, "select=[");
    label_columns(node->inputs[0]->schema, aggregate->keys, aggregate->key_count, label);
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        buffer_append_text(label, aggregate->key_count + i == 0 ? "" : ", ");
        print_call(&aggregate->calls[i], input, label);
        buffer_printf(label, " AS %s", node->schema->columns[aggregate->key_count + i].name);
    }
}

void lower_aggregate_partials(const LogicalNode *node, Buffer *label)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    const Schema *input = node->inputs[0]->schema;
    buffer_append_text(label, "select=[");
    label_columns(input, aggregate->keys, aggregate->key_count, label);
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        buffer_append_text(label, aggregate->key_count + i == 0 ? "" : ", ");
        print_call(&aggregate->calls[i], input, label);
        buffer_append_text(label, " AS ");
        for (const char *c = aggregate->calls[i].name; *c != 0; c++)
            buffer_append_char(label, (char)(*c >= 'A' && *c <= 'Z' ? *c | 0x20 : *c));
        buffer_printf(label, "$%u", i);
    }
}

static const char *aggregate_label(const PlannerContext *context, const LogicalNode *node)
{
    Buffer label = {0};
    bool merges = logical_is(node->inputs[0], "local_aggregate");
    buffer_append_text(&label, merges ? "GlobalGroupAggregate(" : "GroupAggregate(");
    lower_aggregate_keys(node, &label);
    if (node->aggregate.part != AGGREGATE_WHOLE)
        buffer_printf(&label, "partialFinalType=[%s], ",
                      node->aggregate.part == AGGREGATE_FINAL ? "FINAL" : "PARTIAL");
    lower_aggregate_select(node, &label);
    buffer_append_char(&label, ']');
    if (node->aggregate.bundles)
        buffer_printf(&label, ", miniBatch=[size=%lld, latency=%lld ms]",
                      (long long)context->config->mini_batch_size,
                      (long long)context->config->mini_batch_latency_ms);
    buffer_append_char(&label, ')');
    return label_take(context->arena, &label);
}

static const char *aggregate_state(const PlannerContext *context, const LogicalNode *node,
                                   const PlanAggregate *spec)
{
    bool values = false, arrivals = false;
    for (uint32_t i = 0; i < spec->call_count; i++)
        arrivals = arrivals || spec->calls[i].call.keeps != AGGREGATE_KEEPS_NONE;
    for (uint32_t i = 0; i < spec->call_count; i++)
        values = values || spec->calls[i].distinct ||
                 (spec->input_retracts && spec->calls[i].call.ordered_when_retracting);
    Buffer text = {0};
    if (spec->key_count == 0)
        buffer_append_text(&text, "one row");
    else {
        buffer_append_text(&text, "one row per distinct (");
        label_columns(node->inputs[0]->schema, spec->keys, spec->key_count, &text);
        buffer_append_char(&text, ')');
    }
    if (values)
        buffer_append_text(&text, ", and each different value that DISTINCT, MIN or MAX has seen");
    if (arrivals)
        buffer_append_text(&text, ", and every value that came, in order");
    if (context->config->bounded_run)
        buffer_append_text(&text, ", until the input ends");
    else
        buffer_printf(&text, ", %s", lower_ttl_of(context, spec->state_ttl_ms));
    return label_take(context->arena, &text);
}

/* Keys, calls and how the input is spread. */
bool lower_aggregate_spec(const PlannerContext *context, LogicalNode *node, PlanAggregate *spec,
                          Error *error)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    spec->keys = aggregate->keys;
    spec->key_count = aggregate->key_count;
    spec->call_count = aggregate->call_count;
    spec->calls = arena_new_array(context->arena, PlanAggregateCall, aggregate->call_count + 1);
    spec->input_retracts = traits_retracts(lower_aggregate_rows(node));
    spec->merges = logical_is(node->inputs[0], "local_aggregate") ||
                   logical_is(node->inputs[0], "local_window_aggregate");
    spec->state_ttl_ms = lower_state_ttl(context, node, 0);
    spec->final_only = context->config->bounded_run;
    if (aggregate->bundles) {
        spec->bundle_size = context->config->mini_batch_size;
        spec->bundle_latency_ms = context->config->mini_batch_latency_ms;
    }
    spec->empty_sets = aggregate->empty_sets;
    spec->empty_set_count = aggregate->empty_set_count;
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        if (!lower_aggregate_call(context, node, i, spec->input_retracts, &spec->calls[i], error))
            return false;
    if (aggregate->key_count == 0)
        lower_single(node);
    else
        lower_hash(&node->plan->inputs[0], aggregate->keys, aggregate->key_count);
    return true;
}

static bool aggregate_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    PlanAggregate *spec = arena_new_one(context->arena, PlanAggregate);
    if (!lower_aggregate_spec(context, node, spec, error))
        return false;
    node->plan->spec = spec;
    node->plan->label = aggregate_label(context, node);
    node->plan->state = aggregate_state(context, node, spec);
    return true;
}
uint64_t *lower_aggregate_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    const uint64_t *keys = node->inputs[0]->column_identities;
    const uint64_t *input = lower_aggregate_rows(node)->column_identities;
    uint32_t count = node->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    for (uint32_t i = 0; i < aggregate->key_count; i++) {
        columns[i] = keys[aggregate->keys[i]];
        identity_append(text, columns[i]);
    }
    size_t keys_end = text->length;
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        const LogicalAggregateCall *call = &aggregate->calls[i];
        Buffer column = {0};
        /* A call means the same beside other calls: its column is known by keys and itself. */
        buffer_append(&column, text->data, keys_end);
        buffer_printf(&column, "|%s|%d|", call->name, call->distinct ? 1 : 0);
        type_print(call->type, &column);
        for (uint32_t a = 0; a < call->argument_count; a++)
            identity_append(&column, input[call->arguments[a]]);
        buffer_append_char(&column, '|');
        if (call->filter >= 0)
            identity_append(&column, input[call->filter]);
        columns[aggregate->key_count + i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    node->row_identity = hash_bytes(text->data, text->length);
    for (uint32_t i = 0; i < aggregate->call_count; i++)
        identity_append(text, columns[aggregate->key_count + i]);
    /* Groups that can shrink are counted, and keep more for MIN and MAX. */
    if (traits_retracts(lower_aggregate_rows(node)))
        buffer_append_text(text, "|retracts");
    node->column_identities = columns;
    return columns;
}

int64_t lower_aggregate_column_of_input(const LogicalNode *node, uint32_t input, uint32_t column)
{
    for (uint32_t i = 0; i < node->aggregate.key_count; i++)
        if (node->aggregate.keys[i] == column)
            return i;
    return -1;
}

/* Groups that are there without input lie by all of their keys. */
static bool aggregate_keeps_by_part(const LogicalNode *node)
{
    return node->aggregate.empty_set_count == 0;
}

static void aggregate_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    lower_aggregate_identify(context, node, text);
}

static void aggregate_describe(const LogicalNode *node, Buffer *out)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    if (aggregate->call_count == 0)
        buffer_append_text(out, "SELECT DISTINCT");
    else if (aggregate->key_count == 0)
        buffer_append_text(out, "an aggregate without GROUP BY");
    else {
        buffer_append_text(out, "GROUP BY ");
        label_columns(node->inputs[0]->schema, aggregate->keys, aggregate->key_count, out);
    }
}

static void mark_window(const PlanWindow *window, bool *used)
{
    used[window->time_column] = true;
    if (window->kind == PLAN_WINDOW_ATTACHED)
        used[window->start_column] = true;
}

/* Of an aggregate over windows: the columns its windows are made of, and what is shown of them. */
static void keep_properties(Arena *arena, const LogicalNode *node, LogicalNode *copy,
                            const bool *keep, const uint32_t *map)
{
    const LogicalWindowAggregate *old = &node->window_aggregate;
    LogicalWindowAggregate *made = &copy->window_aggregate;
    uint32_t first = old->aggregate.key_count + old->aggregate.call_count;
    made->window.time_column = map[old->window.time_column];
    if (old->window.kind == PLAN_WINDOW_ATTACHED)
        made->window.start_column = map[old->window.start_column];
    made->properties = arena_new_array(arena, PlanWindowProperty, old->property_count + 1);
    made->property_count = 0;
    for (uint32_t p = 0; p < old->property_count; p++)
        if (keep[first + p])
            made->properties[made->property_count++] = old->properties[p];
}

Pruned lower_aggregate_prune(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    const LogicalAggregate *aggregate = &node->aggregate;
    uint32_t keys = aggregate->key_count;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    memset(keep, true, keys);
    uint32_t kept = 0;
    uint32_t *map = prune_kept(arena, keep, count, &kept);

    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    for (uint32_t i = 0; i < keys; i++)
        used[aggregate->keys[i]] = true;
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        const LogicalAggregateCall *call = &aggregate->calls[i];
        if (!keep[keys + i])
            continue;
        for (uint32_t a = 0; a < call->argument_count; a++)
            used[call->arguments[a]] = true;
        if (call->filter >= 0)
            used[call->filter] = true;
    }
    if (logical_is(node, "window_aggregate"))
        mark_window(&node->window_aggregate.window, used);
    Pruned input = prune_input(pruning, node->inputs[0], used);
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->schema = prune_schema(arena, node->schema, map, kept);
    copy->aggregate.keys = prune_columns(arena, aggregate->keys, keys, input.map);
    copy->aggregate.call_count = 0;
    copy->aggregate.calls = arena_new_array(arena, LogicalAggregateCall, aggregate->call_count + 1);
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        if (!keep[keys + i])
            continue;
        LogicalAggregateCall *call = &copy->aggregate.calls[copy->aggregate.call_count++];
        *call = aggregate->calls[i];
        call->arguments = prune_columns(arena, call->arguments, call->argument_count, input.map);
        if (call->filter >= 0)
            call->filter = (int32_t)input.map[call->filter];
    }
    if (logical_is(node, "window_aggregate"))
        keep_properties(arena, node, copy, keep, input.map);
    return (Pruned){copy, map};
}

/* No filter goes below a set that has a row without input. */
static int64_t aggregate_filter_column(const LogicalNode *node, uint32_t column)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    bool is_key = column < aggregate->key_count && aggregate->empty_set_count == 0;
    return is_key ? (int64_t)aggregate->keys[column] : -1;
}

const NodeClass node_aggregate = {
    .op = "aggregate",
    .equal = lower_aggregate_equal,
    .derive = aggregate_derive,
    .time = window_key_time,
    .needs_before = lower_needs_before,
    .lower = aggregate_lower,
    .identify = aggregate_identify,
    .describe = aggregate_describe,
    .column_of_input = lower_aggregate_column_of_input,
    .keeps_by_part = aggregate_keeps_by_part,
    .prune = lower_aggregate_prune,
    .filter_column = aggregate_filter_column,
};
