/* over: window functions. Every row of the input, with columns more; what was unique stays so.
 *
 * A row that comes changes the values of others, unless all calls only look back along the order of
 * arrival. Rows of a partition are numbered differently, so partition and ROW_NUMBER are a key; not
 * one in order, for numbers move from row to row. */
#include <string.h>

#include "core/value_text.h"
#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_over;

static bool calls_equal(const LogicalOverCall *a, const LogicalOverCall *b)
{
    return strcmp(a->name, b->name) == 0 && a->argument_count == b->argument_count &&
           a->filter == b->filter && a->distinct == b->distinct &&
           a->ignore_nulls == b->ignore_nulls && a->number == b->number &&
           over_frames_equal(&a->frame, &b->frame) &&
           memcmp(a->arguments, b->arguments, sizeof(*a->arguments) * a->argument_count) == 0;
}

static bool over_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalOver *x = &a->over, *y = &b->over;
    if (x->partition_count != y->partition_count || x->order_count != y->order_count ||
        x->call_count != y->call_count ||
        memcmp(x->partition, y->partition, sizeof(*x->partition) * x->partition_count) != 0)
        return false;
    for (uint32_t i = 0; i < x->order_count; i++)
        if (x->order[i].column != y->order[i].column ||
            x->order[i].descending != y->order[i].descending ||
            x->order[i].nulls_last != y->order[i].nulls_last)
            return false;
    for (uint32_t i = 0; i < x->call_count; i++)
        if (!calls_equal(&x->calls[i], &y->calls[i]))
            return false;
    return true;
}

/* Whether rows that come later change nothing for those that are there. */
static bool looks_back(const LogicalOver *over)
{
    if (over->order_count != 0)
        return false;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const LogicalOverCall *call = &over->calls[i];
        WindowKind kind = call->window == NULL ? WINDOW_AGGREGATE : call->window->kind;
        bool by_frame = call->window == NULL || call->window->has_frame;
        bool back = by_frame ? call->frame.by_rows && call->frame.end.kind <= PLAN_BOUND_CURRENT_ROW
                             : kind == WINDOW_ROW_NUMBER || kind == WINDOW_RANK ||
                                   kind == WINDOW_DENSE_RANK || kind == WINDOW_LAG;
        if (!back)
            return false;
    }
    return true;
}

static void derive_keys(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalOver *over = &node->over;
    const StreamTraits *input = &node->inputs[0]->traits;
    uint32_t own = node->inputs[0]->schema->column_count;
    ColumnSet partition = {over->partition_count, over->partition};
    for (uint32_t i = 0; i < input->upsert_key_count; i++)
        if (column_set_contains(input->upsert_keys[i], partition))
            traits_add_key(arena, &node->traits, input->upsert_keys[i]);
    for (uint32_t i = 0; i < input->unique_key_count; i++)
        traits_add_unique_key(arena, &node->traits, input->unique_keys[i]);
    for (uint32_t i = 0; i < over->call_count; i++) {
        const WindowFunction *window = over->calls[i].window;
        if (window == NULL || window->kind != WINDOW_ROW_NUMBER)
            continue;
        uint32_t *columns = arena_new_array(arena, uint32_t, over->partition_count + 1);
        if (over->partition_count != 0)
            memcpy(columns, over->partition, sizeof(*columns) * over->partition_count);
        columns[over->partition_count] = own + i;
        traits_add_unique_key(arena, &node->traits,
                              column_set_new(arena, columns, over->partition_count + 1));
    }
}

/* Rows keep their columns, and with them their time. */
static TimeKind over_time(const LogicalNode *node, uint32_t column)
{
    return column < node->inputs[0]->schema->column_count ? logical_time(node->inputs[0], column)
                                                          : TIME_NONE;
}

static bool over_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalNode *input = node->inputs[0];
    node->traits.bounded = input->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    node->over.along = lower_over_along(context, node);
    if (context->config->bounded_run || node->over.along != TIME_NONE)
        node->changes = CHANGE_CLASS_INSERT;
    else if (input->changes != CHANGE_CLASS_INSERT)
        node->changes = CHANGE_CLASS_ALL;
    else if (looks_back(&node->over))
        node->changes = CHANGE_CLASS_INSERT;
    else
        node->changes = CHANGE_CLASS_INSERT | CHANGE_CLASS_UPDATE;
    derive_keys(context, node);
    return true;
}

/* ------------------------------------------------------------------- lowering */

/* Whether values can be taken away again and leave exactly what was there before. */
static bool retracts_exactly(const char *name, const Type *const *types)
{
    static const char *const of_integers[] = {"VAR_POP",    "VAR_SAMP",    "VARIANCE",
                                              "STDDEV_POP", "STDDEV_SAMP", "STDDEV"};
    if (strcmp(name, "COUNT") == 0 || strcmp(name, "SUM") == 0 || strcmp(name, "AVG") == 0)
        return true;
    for (size_t i = 0; i < array_count(of_integers); i++)
        if (strcmp(name, of_integers[i]) == 0)
            return type_is_integer(types[0]);
    return false;
}

/* Whether the order of the values does not matter, but for rounding. */
static bool commutes(const char *name)
{
    static const char *const names[] = {"COUNT",      "SUM",         "AVG",      "MIN",
                                        "MAX",        "VAR_POP",     "VAR_SAMP", "VARIANCE",
                                        "STDDEV_POP", "STDDEV_SAMP", "STDDEV"};
    for (size_t i = 0; i < array_count(names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

static FunctionSite call_site(const PlannerContext *context, const LogicalOverCall *call)
{
    const Type *const *types = (const Type *const *)call->argument_types;
    return (FunctionSite){
        types, call->literals, call->argument_count, context->site.zone, context->arena, NULL};
}

/* First and last values of frames with an open end are kept as the aggregates of that name keep
 * them; seen from the partition's end, first and last change places. */
static void bind_pick(const LogicalOverCall *from, const FunctionSite *site, PlanOverCall *to)
{
    if (to->kind != WINDOW_FIRST_VALUE && to->kind != WINDOW_LAST_VALUE)
        return;
    bool open_start = from->frame.start.kind == PLAN_BOUND_UNBOUNDED_PRECEDING;
    bool open_end = from->frame.end.kind == PLAN_BOUND_UNBOUNDED_FOLLOWING;
    if (!open_start && !open_end)
        return;
    bool keeps_first = (to->kind == WINDOW_FIRST_VALUE) == open_start;
    Error none;
    error_clear(&none);
    if (aggregate_bind(keeps_first ? "FIRST_VALUE" : "LAST_VALUE", site, false, &to->aggregate,
                       &none))
        to->fold = open_start ? PLAN_FOLD_FORWARD : PLAN_FOLD_BACKWARD;
}

/* What is made of all values keeps a copy of them: one a partition is enough where rows leave once,
 * one a row would be too many. */
static bool keeps_values(const LogicalOverCall *from, const FunctionSite *site)
{
    BoundAggregate bound;
    memset(&bound, 0, sizeof(bound));
    Error none;
    error_clear(&none);
    return aggregate_bind_keeping(from->name, site, false, &bound, &none) &&
           bound.keeps != AGGREGATE_KEEPS_NONE;
}

/* ROWS frames of fewer rows are added up each time where sliding would keep a long state. */
#define SHORT_FRAME 8

static bool is_short(const PlanFrame *frame)
{
    int64_t back = frame->start.kind == PLAN_BOUND_PRECEDING ? frame->start.rows : 0;
    int64_t ahead = frame->end.kind == PLAN_BOUND_FOLLOWING ? frame->end.rows : 0;
    return frame->by_rows && back < SHORT_FRAME && ahead < SHORT_FRAME - back;
}

static PlanOverFold choose_fold(const LogicalNode *node, const LogicalOverCall *from,
                                const FunctionSite *site)
{
    if (node->over.along == TIME_NONE && keeps_values(from, site))
        return PLAN_FOLD_ANEW;
    if (from->frame.start.kind == PLAN_BOUND_UNBOUNDED_PRECEDING)
        return PLAN_FOLD_FORWARD;
    if (from->frame.end.kind == PLAN_BOUND_UNBOUNDED_FOLLOWING && commutes(from->name) &&
        !from->distinct)
        return PLAN_FOLD_BACKWARD;
    return !from->distinct && retracts_exactly(from->name, site->argument_types) ? PLAN_FOLD_SLIDE
                                                                                 : PLAN_FOLD_ANEW;
}

static bool bind_aggregate(const LogicalNode *node, const LogicalOverCall *from,
                           const FunctionSite *site, PlanOverCall *to, Error *error)
{
    to->fold = choose_fold(node, from, site);
    bool slides = to->fold == PLAN_FOLD_SLIDE;
    if (!aggregate_bind_in_state(from->name, site, slides, &to->aggregate, error))
        return error_at(error, from->place.offset, from->place.length);
    /* Of floating point the same sum whatever way a frame came about. */
    if ((slides || to->fold == PLAN_FOLD_ANEW) && aggregate_make_exact(&to->aggregate) &&
        is_short(&from->frame))
        to->fold = PLAN_FOLD_ANEW;
    return true;
}

static bool bind_call(const PlannerContext *context, const LogicalNode *node,
                      const LogicalOverCall *from, PlanOverCall *to, Error *error)
{
    *to = (PlanOverCall){.kind = from->window == NULL ? WINDOW_AGGREGATE : from->window->kind,
                         .arguments = from->arguments,
                         .argument_count = from->argument_count,
                         .filter = from->filter,
                         .distinct = from->distinct,
                         .ignore_nulls = from->ignore_nulls,
                         .number = from->number,
                         .frame = from->frame,
                         .type = from->type};
    FunctionSite site = call_site(context, from);
    if (to->kind == WINDOW_AGGREGATE)
        return bind_aggregate(node, from, &site, to, error);
    bind_pick(from, &site, to);
    return true;
}

static void print_bound(const PlanFrameBound *bound, Buffer *out)
{
    static const char *const names[] = {"UNBOUNDED PRECEDING", "PRECEDING", "CURRENT ROW",
                                        "FOLLOWING", "UNBOUNDED FOLLOWING"};
    if (bound->distance != NULL)
        value_print(bound->distance, 0, NULL, out);
    else if (bound->kind == PLAN_BOUND_PRECEDING || bound->kind == PLAN_BOUND_FOLLOWING)
        buffer_printf(out, "%lld", (long long)bound->rows);
    if (bound->kind == PLAN_BOUND_PRECEDING || bound->kind == PLAN_BOUND_FOLLOWING)
        buffer_append_char(out, ' ');
    buffer_append_text(out, names[bound->kind]);
}

static void print_call(const LogicalOverCall *call, const Schema *input, Buffer *out)
{
    bool by_frame = call->window == NULL || call->window->has_frame;
    buffer_printf(out, "%s(%s", call->name, call->distinct ? "DISTINCT " : "");
    if (call->window == NULL && call->argument_count == 0)
        buffer_append_char(out, '*');
    if (call->window != NULL && call->window->kind == WINDOW_NTILE)
        buffer_printf(out, "%lld", (long long)call->number);
    for (uint32_t i = 0; i < call->argument_count; i++) {
        buffer_printf(out, "%s%s", i == 0 ? "" : ", ", input->columns[call->arguments[i]].name);
        if (i == 0 && call->window != NULL && call->number != 0)
            buffer_printf(out, ", %lld", (long long)call->number);
    }
    buffer_append_char(out, ')');
    if (call->ignore_nulls)
        buffer_append_text(out, " IGNORE NULLS");
    if (call->filter >= 0)
        buffer_printf(out, " FILTER %s", input->columns[call->filter].name);
    if (!by_frame)
        return;
    buffer_append_text(out, call->frame.by_rows ? " ROWS " : " RANGE ");
    print_bound(&call->frame.start, out);
    buffer_append_text(out, " TO ");
    print_bound(&call->frame.end, out);
}

static const char *over_label(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalOver *over = &node->over;
    const Schema *input = node->inputs[0]->schema;
    Buffer label = {0};
    buffer_append_text(&label, "Over(");
    if (over->partition_count != 0) {
        buffer_append_text(&label, "partitionBy=[");
        label_columns(input, over->partition, over->partition_count, &label);
        buffer_append_text(&label, "], ");
    }
    if (over->order_count != 0)
        buffer_append_text(&label, "orderBy=[");
    for (uint32_t k = 0; k < over->order_count; k++)
        buffer_printf(&label, "%s%s %s NULLS %s", k == 0 ? "" : ", ",
                      input->columns[over->order[k].column].name,
                      over->order[k].descending ? "DESC" : "ASC",
                      over->order[k].nulls_last ? "LAST" : "FIRST");
    buffer_append_text(&label, over->order_count != 0 ? "], select=[" : "select=[");
    for (uint32_t i = 0; i < over->call_count; i++) {
        buffer_append_text(&label, i == 0 ? "" : ", ");
        print_call(&over->calls[i], input, &label);
        buffer_printf(&label, " AS %s", node->schema->columns[input->column_count + i].name);
    }
    buffer_append_text(&label, "])");
    return label_take(context->arena, &label);
}

/* The rows of a partition are forgotten together, when none of them was touched. */
static const char *over_state(const PlannerContext *context, const LogicalNode *node,
                              const PlanOver *spec)
{
    if (spec->final_only)
        return "every row of the input, until it ends";
    const char *also = "";
    for (uint32_t i = 0; i < spec->call_count; i++)
        if (spec->calls[i].distinct && spec->calls[i].fold == PLAN_FOLD_FORWARD)
            also = " and the places of its values";
    if (spec->state_ttl_ms == 0)
        return arena_printf(context->arena,
                            "every row of the input with its results%s, for as long as it stands",
                            also);
    Buffer text = {0};
    buffer_printf(&text, "every row of the input with its results%s, a partition", also);
    if (spec->partition_count != 0) {
        buffer_append_text(&text, " (");
        label_columns(node->inputs[0]->schema, spec->partition, spec->partition_count, &text);
        buffer_append_char(&text, ')');
    }
    buffer_printf(&text, " %s", lower_ttl_of(context, spec->state_ttl_ms));
    return label_take(context->arena, &text);
}

static bool over_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalOver *over = &node->over;
    PlanOver *spec = arena_new_one(context->arena, PlanOver);
    *spec = (PlanOver){.partition = over->partition,
                       .partition_count = over->partition_count,
                       .order = over->order,
                       .order_count = over->order_count,
                       .call_count = over->call_count,
                       .state_ttl_ms = lower_state_ttl(context, node, 0),
                       .final_only = context->config->bounded_run};
    spec->calls = arena_new_array(context->arena, PlanOverCall, over->call_count + 1);
    for (uint32_t i = 0; i < over->call_count; i++)
        if (!bind_call(context, node, &over->calls[i], &spec->calls[i], error))
            return false;
    node->plan->spec = spec;
    node->plan->label = over_label(context, node);
    node->plan->state = over_state(context, node, spec);
    if (over->partition_count == 0)
        lower_single(node);
    else
        lower_hash(&node->plan->inputs[0], over->partition, over->partition_count);
    if (over->along != TIME_NONE)
        lower_over_in_time(context, node);
    return true;
}

static void identify_bound(const PlanFrameBound *bound, Buffer *text)
{
    buffer_printf(text, "|%d %lld ", (int)bound->kind, (long long)bound->rows);
    if (bound->distance == NULL)
        return;
    type_print(bound->distance->type, text);
    uint64_t value =
        hash_bytes(bound->distance->data, physical_size(bound->distance->type->physical));
    identity_append(text, value);
}

static void over_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalOver *over = &node->over;
    const uint64_t *input = node->inputs[0]->column_identities;
    uint32_t own = node->inputs[0]->schema->column_count;
    uint64_t *columns = arena_new_array(context->arena, uint64_t, own + over->call_count + 1);
    memcpy(columns, input, sizeof(*columns) * own);
    for (uint32_t i = 0; i < over->partition_count; i++)
        identity_append(text, input[over->partition[i]]);
    buffer_append_text(text, "|order");
    for (uint32_t i = 0; i < over->order_count; i++) {
        identity_append(text, input[over->order[i].column]);
        buffer_printf(text, "|%d%d", over->order[i].descending, over->order[i].nulls_last);
    }
    size_t window_end = text->length;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const LogicalOverCall *call = &over->calls[i];
        Buffer column = {0};
        buffer_append(&column, text->data, window_end);
        buffer_printf(&column, "|%s|%d%d|%lld", call->name, call->ignore_nulls ? 1 : 0,
                      call->frame.by_rows ? 1 : 0, (long long)call->number);
        identify_bound(&call->frame.start, &column);
        identify_bound(&call->frame.end, &column);
        type_print(call->type, &column);
        for (uint32_t a = 0; a < call->argument_count; a++)
            identity_append(&column, input[call->arguments[a]]);
        buffer_append_text(&column, call->distinct ? "|distinct|" : "|");
        if (call->filter >= 0)
            identity_append(&column, input[call->filter]);
        columns[own + i] = hash_bytes(column.data, column.length);
        buffer_deinit(&column);
    }
    for (uint32_t i = 0; i < over->call_count; i++)
        identity_append(text, columns[own + i]);
    if (over->along != TIME_NONE)
        buffer_append_text(text, "|in time");
    lower_identify_rows(node, text);
    node->row_identity = node->inputs[0]->row_identity;
    node->column_identities = columns;
}

static void over_describe(const LogicalNode *node, Buffer *out)
{
    buffer_printf(out, "%s OVER", node->over.calls[0].name);
}

/* What the calls that stay read, besides what is needed of the input. */
static void over_mark(const LogicalOver *over, const bool *needed, uint32_t own, bool *used)
{
    for (uint32_t i = 0; i < over->partition_count; i++)
        used[over->partition[i]] = true;
    for (uint32_t i = 0; i < over->order_count; i++)
        used[over->order[i].column] = true;
    for (uint32_t i = 0; i < over->call_count; i++) {
        const LogicalOverCall *call = &over->calls[i];
        for (uint32_t a = 0; needed[own + i] && a < call->argument_count; a++)
            used[call->arguments[a]] = true;
        if (needed[own + i] && call->filter >= 0)
            used[call->filter] = true;
    }
}

static void over_map(Arena *arena, LogicalOver *over, const uint32_t *map)
{
    over->partition = prune_columns(arena, over->partition, over->partition_count, map);
    over->order = prune_order(arena, over->order, over->order_count, map);
    for (uint32_t i = 0; i < over->call_count; i++) {
        LogicalOverCall *call = &over->calls[i];
        call->arguments = prune_columns(arena, call->arguments, call->argument_count, map);
        if (call->filter >= 0)
            call->filter = (int32_t)map[call->filter];
    }
}

/* Calls that nobody looks at go; without calls the node goes. */
static Pruned prune_calls(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    uint32_t own = node->inputs[0]->schema->column_count;
    bool any = false;
    for (uint32_t i = 0; i < node->over.call_count; i++)
        any = any || needed[own + i];
    bool *used = arena_memdup(arena, needed, own + 1);
    if (any)
        over_mark(&node->over, needed, own, used);
    Pruned input = prune_input(pruning, node->inputs[0], used);
    uint32_t *map = prune_map(arena, node->schema->column_count, false);
    memcpy(map, input.map, sizeof(*map) * own);
    if (!any)
        return (Pruned){input.node, map};
    uint32_t kept = input.node->schema->column_count;
    Column *columns = arena_new_array(arena, Column, kept + node->over.call_count + 1);
    memcpy(columns, input.node->schema->columns, sizeof(*columns) * kept);
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->over.call_count = 0;
    copy->over.calls = arena_new_array(arena, LogicalOverCall, node->over.call_count + 1);
    for (uint32_t i = 0; i < node->over.call_count; i++) {
        if (!needed[own + i])
            continue;
        map[own + i] = kept;
        columns[kept++] = node->schema->columns[own + i];
        copy->over.calls[copy->over.call_count++] = node->over.calls[i];
    }
    over_map(arena, &copy->over, input.map);
    copy->schema = schema_new(arena, columns, kept);
    return (Pruned){copy, map};
}

/* A window function sees its whole partition: only what chooses partitions may go before it. */
static int64_t over_filter_column(const LogicalNode *node, uint32_t column)
{
    for (uint32_t i = 0; i < node->over.partition_count; i++)
        if (node->over.partition[i] == column)
            return column;
    return -1;
}

/* A filter on what is computed may make a Top-N of it. */
static bool over_reshaped_by(const LogicalNode *node, const Expr *expr, const bool *used)
{
    bool any = false;
    for (uint32_t c = node->inputs[0]->schema->column_count; c < node->schema->column_count; c++)
        any = any || used[c];
    return any;
}

const NodeClass node_over = {
    .op = "over",
    .equal = over_equal,
    .derive = over_derive,
    .time = over_time,
    .needs_before = lower_needs_before,
    .lower = over_lower,
    .identify = over_identify,
    .describe = over_describe,
    .column_of_input = lower_column_stays,
    .prune = prune_calls,
    .filter_column = over_filter_column,
    .reshaped_by = over_reshaped_by,
};
