/* window_tvf: rows with the windows they lie in, and a time attribute that is the windows' end.
 *
 * With TUMBLE a row lies in one window: keys stay keys. With HOP and CUMULATE a row is there
 * several times, so the window's end is part of its keys; and an update that moves its time takes
 * it out of windows it was in, which is why -U must be known. SESSION gives its rows once, when it
 * is over. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_window_tvf;

static bool window_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalWindowTvf *x = &a->window_tvf, *y = &b->window_tvf;
    return x->window.kind == y->window.kind && x->window.time_column == y->window.time_column &&
           x->window.size_us == y->window.size_us && x->window.slide_us == y->window.slide_us &&
           x->window.offset_us == y->window.offset_us && x->window.zone == y->window.zone &&
           x->partition_count == y->partition_count &&
           (x->partition_count == 0 ||
            memcmp(x->partition, y->partition, sizeof(*x->partition) * x->partition_count) == 0);
}

static TimeKind window_time(const LogicalNode *node, uint32_t column)
{
    uint32_t own = node->inputs[0]->schema->column_count;
    if (column == own + 2)
        return node->window_tvf.time;
    if (column >= own || column == node->window_tvf.window.time_column)
        return TIME_NONE;
    return logical_time(node->inputs[0], column);
}

/* Whether a row and what it is updated to lie in the same windows or nobody need know. */
static bool stays_in_place(const LogicalNode *node)
{
    const PlanWindow *window = &node->window_tvf.window;
    return (node->inputs[0]->changes & CHANGE_CLASS_UPDATE) == 0 ||
           (window->kind == PLAN_WINDOW_TUMBLE &&
            !node->inputs[0]->schema->columns[window->time_column].type->nullable);
}

static void add_keys(const PlannerContext *context, LogicalNode *node)
{
    const StreamTraits *input = &node->inputs[0]->traits;
    if (node->window_tvf.window.kind == PLAN_WINDOW_TUMBLE) {
        traits_copy_keys(context->arena, &node->traits, input);
        return;
    }
    uint32_t end = node->inputs[0]->schema->column_count + 1;
    ColumnSet window = column_set_new(context->arena, &end, 1);
    for (uint32_t i = 0; i < input->unique_key_count; i++)
        traits_add_unique_key(context->arena, &node->traits,
                              column_set_union(context->arena, input->unique_keys[i], window, 0));
    for (uint32_t i = 0; i < input->upsert_key_count; i++)
        traits_add_key(context->arena, &node->traits,
                       column_set_union(context->arena, input->upsert_keys[i], window, 0));
}

/* The rows' own keys: each row is of one session. One of an input that updates may be given, and
 * come again with another time. */
static void add_session_keys(const PlannerContext *context, LogicalNode *node)
{
    uint32_t end = node->inputs[0]->schema->column_count + 1;
    traits_copy_keys(context->arena, &node->traits, &node->inputs[0]->traits);
    if (node->inputs[0]->changes != CHANGE_CLASS_INSERT)
        traits_widen_keys(context->arena, &node->traits, column_set_new(context->arena, &end, 1));
}

static bool refuse_clock(const LogicalNode *node, Error *error)
{
    error_set(error, ERROR_UNSUPPORTED,
              "SESSION over processing time is only supported under GROUP BY window_start, "
              "window_end");
    error_hint(error, "Group by window_start and window_end, and by exactly the columns of "
                      "PARTITION BY, or use an event time.");
    return error_at(error, node->place.offset, node->place.length);
}

static bool window_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    LogicalNode *input = node->inputs[0];
    LogicalWindowTvf *tvf = &node->window_tvf;
    TimeKind time = logical_time(input, tvf->window.time_column);
    if (time != tvf->time && !context->config->bounded_run)
        return lower_lost_time(node, 0, tvf->window.time_column, error);
    if (tvf->window.kind == PLAN_WINDOW_SESSION) {
        if (tvf->time == TIME_PROCESSING)
            return refuse_clock(node, error);
        node->changes = CHANGE_CLASS_INSERT;
        node->traits.bounded = input->traits.bounded;
        add_session_keys(context, node);
        node->traits.rowtime = logical_rowtime(node);
        return true;
    }
    node->changes = input->changes;
    node->loose_pairs = true;
    node->parts_updates = input->parts_updates || !stays_in_place(node);
    node->traits.bounded = input->traits.bounded;
    add_keys(context, node);
    node->traits.rowtime = logical_rowtime(node);
    return true;
}

static bool window_needs_before(const PlannerContext *context, const LogicalNode *node,
                                uint32_t input)
{
    return node->traits.wants_before || !stays_in_place(node) ||
           node->window_tvf.window.kind == PLAN_WINDOW_SESSION;
}

static void print_ms(const char *name, int64_t micros, Buffer *out)
{
    buffer_printf(out, "%s=[%lld ms]", name, (long long)(micros / 1000));
}

/* SESSION keeps its rows until it is known which belong together. */
static void lower_session(const PlannerContext *context, LogicalNode *node)
{
    const LogicalWindowTvf *tvf = &node->window_tvf;
    PlanSessionTvf *spec = arena_new_one(context->arena, PlanSessionTvf);
    *spec = (PlanSessionTvf){.window = tvf->window,
                             .partition = tvf->partition,
                             .partition_count = tvf->partition_count,
                             .retracts = traits_retracts(node->inputs[0]),
                             .final_only = context->config->bounded_run};
    if (tvf->partition_count == 0)
        lower_single(node);
    else
        lower_hash(&node->plan->inputs[0], tvf->partition, tvf->partition_count);
    node->plan->op = "session_tvf";
    node->plan->spec = spec;
    node->plan->state = "every row, until its session is over";
}

static bool window_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    static const char *const names[] = {"TUMBLE", "HOP", "CUMULATE", "SESSION"};
    PlanWindow *spec = arena_new_one(context->arena, PlanWindow);
    bool is_session = node->window_tvf.window.kind == PLAN_WINDOW_SESSION;
    *spec = node->window_tvf.window;
    node->plan->spec = spec;
    if (is_session)
        lower_session(context, node);
    Buffer label = {0};
    buffer_printf(&label, "WindowTableFunction(window=[%s(time_col=[%s], ", names[spec->kind],
                  node->schema->columns[spec->time_column].name);
    print_ms(is_session ? "gap" : "size", spec->size_us, &label);
    if (spec->slide_us != 0) {
        buffer_append_text(&label, ", ");
        print_ms(spec->kind == PLAN_WINDOW_HOP ? "slide" : "step", spec->slide_us, &label);
    }
    if (spec->offset_us != 0) {
        buffer_append_text(&label, ", ");
        print_ms("offset", spec->offset_us, &label);
    }
    if (node->window_tvf.partition_count != 0) {
        buffer_append_text(&label, ", partition keys=[");
        label_columns(node->schema, node->window_tvf.partition, node->window_tvf.partition_count,
                      &label);
        buffer_append_char(&label, ']');
    }
    buffer_append_text(&label, ")])");
    node->plan->label = label_take(context->arena, &label);
    return true;
}

static void window_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalNode *input = node->inputs[0];
    const PlanWindow *window = &node->window_tvf.window;
    uint32_t own = input->schema->column_count;
    buffer_printf(text, "|%d|%lld|%lld|%lld|%s", (int)window->kind, (long long)window->size_us,
                  (long long)window->slide_us, (long long)window->offset_us,
                  window->zone == NULL ? "" : time_zone_name(window->zone));
    identity_append(text, input->column_identities[window->time_column]);
    for (uint32_t i = 0; i < node->window_tvf.partition_count; i++)
        identity_append(text, input->column_identities[node->window_tvf.partition[i]]);
    if (window->kind == PLAN_WINDOW_SESSION) {
        buffer_append_text(text, traits_retracts(input) ? "|copies" : "|rows");
        lower_identify_rows(node, text);
    }
    node->row_identity = hash_bytes(text->data, text->length);
    uint64_t *columns = arena_new_array(context->arena, uint64_t, own + 3);
    memcpy(columns, input->column_identities, sizeof(*columns) * own);
    for (uint32_t i = 0; i < 3; i++)
        columns[own + i] = node->row_identity + 1 + i;
    node->column_identities = columns;
}

static void window_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, "a window table function");
}

/* The window's three columns stay; of the input its time. */
static Pruned prune_window_tvf(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    LogicalWindowTvf *tvf = &node->window_tvf;
    uint32_t own = node->inputs[0]->schema->column_count;
    bool *used = arena_memdup(arena, needed, own + 1);
    used[tvf->window.time_column] = true;
    for (uint32_t i = 0; i < tvf->partition_count; i++)
        used[tvf->partition[i]] = true;
    Pruned input = prune_input(pruning, node->inputs[0], used);
    uint32_t kept = input.node->schema->column_count;
    uint32_t *map = prune_map(arena, own + 3, false);
    Column *columns = arena_new_array(arena, Column, kept + 3);
    for (uint32_t i = 0; i < own + 3; i++)
        map[i] = i < own ? input.map[i] : kept + i - own;
    for (uint32_t i = 0; i < kept + 3; i++)
        columns[i] =
            i < kept ? input.node->schema->columns[i] : node->schema->columns[own + i - kept];
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->schema = schema_new(arena, columns, kept + 3);
    copy->window_tvf.window.time_column = input.map[tvf->window.time_column];
    copy->window_tvf.partition =
        prune_columns(arena, tvf->partition, tvf->partition_count, input.map);
    return (Pruned){copy, map};
}

/* What only looks at the rows themselves goes below their windows; of a session only what looks at
 * its keys, for the others decide which rows are one session. */
static int64_t tvf_filter_column(const LogicalNode *node, uint32_t column)
{
    const LogicalWindowTvf *tvf = &node->window_tvf;
    if (tvf->window.kind != PLAN_WINDOW_SESSION)
        return column < node->inputs[0]->schema->column_count ? (int64_t)column : -1;
    for (uint32_t i = 0; i < tvf->partition_count; i++)
        if (tvf->partition[i] == column)
            return column;
    return -1;
}

const NodeClass node_window_tvf = {
    .op = "window_tvf",
    .equal = window_equal,
    .derive = window_derive,
    .time = window_time,
    .passes_before = true,
    .needs_before = window_needs_before,
    .lower = window_lower,
    .identify = window_identify,
    .describe = window_describe,
    .prune = prune_window_tvf,
    .filter_column = tvf_filter_column,
    .is_light = true,
};
