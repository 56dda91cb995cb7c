/* window_aggregate: an aggregate over windows of time. Each window of a key is given once, when it
 * is over, so rows are only inserted, and keys with start or end of the window are unique. With
 * early or late fire it is given before that and again afterwards: then rows are updated. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"
#include "planner/windows.h"

extern const NodeClass node_window_aggregate;

static bool window_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalWindowAggregate *x = &a->window_aggregate, *y = &b->window_aggregate;
    return lower_aggregate_equal(a, b) && x->window.kind == y->window.kind &&
           x->window.time_column == y->window.time_column &&
           x->window.start_column == y->window.start_column &&
           x->window.size_us == y->window.size_us && x->window.slide_us == y->window.slide_us &&
           x->window.offset_us == y->window.offset_us && x->property_count == y->property_count &&
           (x->emit == NULL) == (y->emit == NULL) &&
           memcmp(x->properties, y->properties, sizeof(*x->properties) * x->property_count) == 0;
}

static uint32_t first_property(const LogicalNode *node)
{
    return node->aggregate.key_count + node->aggregate.call_count;
}

static TimeKind window_time(const LogicalNode *node, uint32_t column)
{
    if (column < first_property(node))
        return TIME_NONE;
    PlanWindowProperty property = node->window_aggregate.properties[column - first_property(node)];
    return property == PLAN_WINDOW_TIME    ? TIME_EVENT
           : property == PLAN_WINDOW_CLOCK ? TIME_PROCESSING
                                           : TIME_NONE;
}

static bool window_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    uint32_t keys = node->aggregate.key_count;
    if (window->window.kind != PLAN_WINDOW_ATTACHED && !context->config->bounded_run) {
        TimeKind time = logical_time(node->inputs[0], window->window.time_column);
        if (time != (window->window.on_clock ? TIME_PROCESSING : TIME_EVENT))
            return lower_lost_time(node, 0, window->window.time_column, error);
    }
    if (!window_emit_check(context, node, error))
        return false;
    node->changes = CHANGE_CLASS_INSERT;
    if (window->emit != NULL)
        node->changes |=
            CHANGE_CLASS_UPDATE | (node->inputs[0]->changes & CHANGE_CLASS_DELETE) |
            ((node->inputs[0]->changes & CHANGE_CLASS_UPDATE) != 0 ? CHANGE_CLASS_DELETE : 0);
    node->traits.bounded = node->inputs[0]->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    uint32_t *columns = arena_new_array(context->arena, uint32_t, keys + 2);
    for (uint32_t i = 0; i < keys; i++)
        columns[i] = i;
    /* Windows that rows carry may end together and start apart. */
    bool attached = window->window.kind == PLAN_WINDOW_ATTACHED;
    /* Windows that grow share their start; so may a session that was given and one that a late row
     * made longer. */
    bool shares_start =
        window->window.kind == PLAN_WINDOW_CUMULATE || window->window.kind == PLAN_WINDOW_SESSION;
    for (uint32_t p = 0; p < window->property_count && !attached; p++) {
        PlanWindowProperty property = window->properties[p];
        if (property == PLAN_WINDOW_CLOCK || (property == PLAN_WINDOW_START && shares_start))
            continue;
        columns[keys] = first_property(node) + p;
        traits_add_key(context->arena, &node->traits,
                       column_set_new(context->arena, columns, keys + 1));
    }
    return local_window_insert(context, node, error);
}

void lower_window_print(const PlanWindow *window, const Schema *input, Buffer *out)
{
    static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION", "WINDOW"};
    buffer_printf(out, "%s(%s", names[window->kind], input->columns[window->time_column].name);
    if (window->slide_us != 0)
        buffer_printf(out, ", %s=%lld ms", window->kind == PLAN_WINDOW_HOP ? "slide" : "step",
                      (long long)(window->slide_us / 1000));
    if (window->size_us != 0)
        buffer_printf(out, ", %s=%lld ms", window->kind == PLAN_WINDOW_SESSION ? "gap" : "size",
                      (long long)(window->size_us / 1000));
    if (window->offset_us != 0)
        buffer_printf(out, ", offset=%lld ms", (long long)(window->offset_us / 1000));
    buffer_append_char(out, ')');
}

static const char *window_label(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    static const char *const names[] = {"start", "end", "rowtime", "proctime"};
    Buffer label = {0};
    bool merges = logical_is(node->inputs[0], "local_window_aggregate");
    buffer_append_text(&label, merges ? "GlobalWindowAggregate(" : "WindowAggregate(");
    lower_aggregate_keys(node, &label);
    buffer_append_text(&label, "window=[");
    lower_window_print(&window->window, node->inputs[0]->schema, &label);
    buffer_append_text(&label, "], ");
    lower_aggregate_select(node, &label);
    bool first = first_property(node) == 0;
    for (uint32_t p = 0; p < window->property_count; p++)
        buffer_printf(&label, "%s%s AS %s", first && p == 0 ? "" : ", ",
                      names[window->properties[p]],
                      node->schema->columns[first_property(node) + p].name);
    buffer_append_char(&label, ']');
    if (window->emit != NULL)
        window_emit_print(window->emit, &label);
    buffer_append_char(&label, ')');
    return label_take(context->arena, &label);
}

static const char *window_state(const PlannerContext *context, const LogicalNode *node,
                                const PlanAggregate *spec)
{
    const PlanWindow *window = &node->window_aggregate.window;
    bool values = false;
    for (uint32_t i = 0; i < spec->call_count; i++)
        values = values || spec->calls[i].distinct ||
                 (spec->input_retracts && spec->calls[i].call.ordered_when_retracting);
    Buffer text = {0};
    buffer_append_text(&text, "one row per ");
    if (spec->key_count != 0) {
        buffer_append_char(&text, '(');
        label_columns(node->inputs[0]->schema, spec->keys, spec->key_count, &text);
        buffer_append_text(&text, ") and ");
    }
    if (window->kind == PLAN_WINDOW_SESSION)
        buffer_append_text(&text, spec->input_retracts ? "different time"
                                                       : "stretch of time as long as the gap");
    else if (node->window_aggregate.emit != NULL)
        buffer_append_text(&text, "window, and what was given of it");
    else if (window->kind == PLAN_WINDOW_HOP || window->kind == PLAN_WINDOW_CUMULATE)
        buffer_append_text(&text, "slice of the windows");
    else
        buffer_append_text(&text, "window");
    if (values)
        buffer_append_text(&text, ", and each different value that DISTINCT, MIN or MAX has seen");
    buffer_append_text(&text, ", until the window is over");
    const PlanWindowEmit *emit = node->window_aggregate.emit;
    if (emit != NULL && emit->lateness_us > 0)
        buffer_printf(&text, " and %lld ms more", (long long)(emit->lateness_us / 1000));
    return label_take(context->arena, &text);
}

static bool window_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    PlanWindowAggregate *spec = arena_new_one(context->arena, PlanWindowAggregate);
    if (!lower_aggregate_spec(context, node, &spec->aggregate, error))
        return false;
    spec->aggregate.state_ttl_ms = 0; /* the window's end is what ends the state */
    spec->window = window->window;
    spec->properties = window->properties;
    spec->property_count = window->property_count;
    spec->emit = window->emit;
    if (window->emit != NULL)
        node->plan->op = "window_live";
    node->plan->spec = spec;
    node->plan->label = window_label(context, node);
    node->plan->state = window_state(context, node, &spec->aggregate);
    return true;
}

static void window_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalWindowAggregate *window = &node->window_aggregate;
    const PlanWindow *of = &window->window;
    const uint64_t *input = node->inputs[0]->column_identities;
    buffer_printf(text, "|window %d %lld %lld %lld %d|", (int)of->kind, (long long)of->size_us,
                  (long long)of->slide_us, (long long)of->offset_us, of->on_clock ? 1 : 0);
    identity_append(text, input[of->time_column]);
    if (window->emit != NULL)
        window_emit_print(window->emit, text);
    if (of->kind == PLAN_WINDOW_ATTACHED)
        identity_append(text, input[of->start_column]);
    uint64_t *columns = lower_aggregate_identify(context, node, text);
    for (uint32_t p = 0; p < window->property_count; p++) {
        Buffer property = {0};
        identity_append(&property, node->row_identity);
        buffer_printf(&property, "|property %d", (int)window->properties[p]);
        columns[first_property(node) + p] = hash_bytes(property.data, property.length);
        buffer_deinit(&property);
    }
}

static void window_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "GROUP BY ");
    lower_window_print(&node->window_aggregate.window, node->inputs[0]->schema, out);
}

const NodeClass node_window_aggregate = {
    .op = "window_aggregate",
    .equal = window_equal,
    .derive = window_derive,
    .time = window_time,
    .needs_before = lower_needs_before,
    .lower = window_lower,
    .identify = window_identify,
    .describe = window_describe,
    .column_of_input = lower_aggregate_column_of_input,
    .prune = lower_aggregate_prune,
};
