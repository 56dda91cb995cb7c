/* Columns that nobody uses are not made: the scan reads only what some expression looks at.
 *
 * Each node is asked for some of its columns and answers with a node that has at least these, and a
 * map from old to new positions. Every node keeps one column or more, so that rows stay countable.
 */
#include "planner/logical.h"

#include <string.h>

#define GONE UINT32_MAX

typedef struct Pruned {
    LogicalNode *node;
    uint32_t *map; /* of the old columns; GONE */
} Pruned;

static Pruned prune(const PlannerContext *context, LogicalNode *node, const bool *needed);

static uint32_t *map_new(Arena *arena, uint32_t count, bool identity)
{
    uint32_t *map = arena_new_array(arena, uint32_t, count + 1);
    for (uint32_t i = 0; i < count; i++)
        map[i] = identity ? i : GONE;
    return map;
}

/* Gives `keep` one true entry at least, and the positions of those kept. */
static uint32_t *map_kept(Arena *arena, bool *keep, uint32_t count, uint32_t *kept)
{
    bool any = false;
    for (uint32_t i = 0; i < count; i++)
        any = any || keep[i];
    if (!any && count != 0)
        keep[0] = true;
    uint32_t *map = map_new(arena, count, false);
    *kept = 0;
    for (uint32_t i = 0; i < count; i++)
        if (keep[i])
            map[i] = (*kept)++;
    return map;
}

static const Schema *kept_schema(Arena *arena, const Schema *schema, const uint32_t *map,
                                 uint32_t kept)
{
    Column *columns = arena_new_array(arena, Column, kept + 1);
    for (uint32_t i = 0; i < schema->column_count; i++)
        if (map[i] != GONE)
            columns[map[i]] = schema->columns[i];
    return schema_new(arena, columns, kept);
}

static LogicalNode *with_input(Arena *arena, const LogicalNode *node, LogicalNode *input)
{
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 1);
    copy->inputs[0] = input;
    return copy;
}

/* The node with exactly the columns `keep` names, in their old order. */
static LogicalNode *exactly(const PlannerContext *context, Pruned pruned, const Schema *old,
                            const bool *keep)
{
    Arena *arena = context->arena;
    const Expr **projections = arena_new_array(arena, const Expr *, old->column_count + 1);
    const char **names = arena_new_array(arena, const char *, old->column_count + 1);
    uint32_t count = 0;
    bool same = true;
    for (uint32_t i = 0; i < old->column_count; i++) {
        if (!keep[i])
            continue;
        const Type *type = pruned.node->schema->columns[pruned.map[i]].type;
        same = same && pruned.map[i] == count;
        names[count] = old->columns[i].name;
        projections[count++] = expr_column(arena, pruned.map[i], type, (AstPlace){-1, 0});
    }
    if (same && count == pruned.node->schema->column_count)
        return pruned.node;
    return logical_calc(arena, pruned.node, NULL, projections,
                        logical_schema(arena, projections, names, count), pruned.node->place);
}

/* -------------------------------------------------------------------- kinds */

static Pruned prune_scan(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    const LogicalScan *scan = &node->scan;
    const PlanTable *table = scan->table;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    uint32_t kept = 0;
    uint32_t *map = map_kept(arena, keep, count, &kept);
    bool *physical = arena_new_array(arena, bool, table->info.physical->column_count + 1);
    bool *metadata = arena_new_array(arena, bool, table->def->column_count + 1);
    for (uint32_t i = 0; i < count; i++) {
        if (!keep[i])
            continue;
        if (i < scan->column_count)
            physical[scan->columns[i]] = true;
        else
            metadata[scan->metadata[i - scan->column_count]] = true;
    }
    return (Pruned){logical_scan(arena, table, physical, metadata, node->place), map};
}

static Pruned prune_calc(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    if (node->calc.whole)
        memset(keep, true, count);
    uint32_t kept = 0;
    uint32_t *map = map_kept(arena, keep, count, &kept);
    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    if (node->calc.filter != NULL)
        expr_mark_columns(node->calc.filter, used);
    for (uint32_t i = 0; i < count; i++)
        if (keep[i])
            expr_mark_columns(node->calc.projections[i], used);
    Pruned input = prune(context, node->inputs[0], used);
    const Expr **projections = arena_new_array(arena, const Expr *, kept + 1);
    for (uint32_t i = 0; i < count; i++)
        if (keep[i])
            projections[map[i]] =
                expr_map_columns(&context->site, node->calc.projections[i], input.map);
    const Expr *filter = node->calc.filter == NULL
                             ? NULL
                             : expr_map_columns(&context->site, node->calc.filter, input.map);
    LogicalNode *copy = logical_calc(arena, input.node, filter, projections,
                                     kept_schema(arena, node->schema, map, kept), node->place);
    return (Pruned){copy, map};
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

static Pruned prune_aggregate(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    const LogicalAggregate *aggregate = &node->aggregate;
    uint32_t keys = aggregate->key_count;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    memset(keep, true, keys);
    uint32_t kept = 0;
    uint32_t *map = map_kept(arena, keep, count, &kept);

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
    Pruned input = prune(context, node->inputs[0], used);
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->schema = kept_schema(arena, node->schema, map, kept);
    copy->aggregate.keys = arena_new_array(arena, uint32_t, keys + 1);
    for (uint32_t i = 0; i < keys; i++)
        copy->aggregate.keys[i] = input.map[aggregate->keys[i]];
    copy->aggregate.call_count = 0;
    copy->aggregate.calls = arena_new_array(arena, LogicalAggregateCall, aggregate->call_count + 1);
    for (uint32_t i = 0; i < aggregate->call_count; i++) {
        if (!keep[keys + i])
            continue;
        LogicalAggregateCall *call = &copy->aggregate.calls[copy->aggregate.call_count++];
        *call = aggregate->calls[i];
        call->arguments = arena_new_array(arena, uint32_t, call->argument_count + 1);
        for (uint32_t a = 0; a < call->argument_count; a++)
            call->arguments[a] = input.map[aggregate->calls[i].arguments[a]];
        if (call->filter >= 0)
            call->filter = (int32_t)input.map[call->filter];
    }
    if (logical_is(node, "window_aggregate"))
        keep_properties(arena, node, copy, keep, input.map);
    return (Pruned){copy, map};
}

static Pruned prune_expand(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    const LogicalExpand *expand = &node->expand;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    memset(keep + expand->passed_count, true, count - expand->passed_count);
    uint32_t kept = 0;
    uint32_t *map = map_kept(arena, keep, count, &kept);
    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    for (uint32_t i = 0; i < expand->passed_count; i++)
        used[expand->passed[i]] = used[expand->passed[i]] || keep[i];
    for (uint32_t k = 0; k < expand->key_count; k++)
        used[expand->keys[k]] = true;
    Pruned input = prune(context, node->inputs[0], used);
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->schema = kept_schema(arena, node->schema, map, kept);
    copy->expand.passed_count = 0;
    copy->expand.passed = arena_new_array(arena, uint32_t, expand->passed_count + 1);
    for (uint32_t i = 0; i < expand->passed_count; i++)
        if (keep[i])
            copy->expand.passed[copy->expand.passed_count++] = input.map[expand->passed[i]];
    copy->expand.keys = arena_new_array(arena, uint32_t, expand->key_count + 1);
    for (uint32_t k = 0; k < expand->key_count; k++)
        copy->expand.keys[k] = input.map[expand->keys[k]];
    return (Pruned){copy, map};
}

static Pruned prune_unnest(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    const LogicalUnnest *unnest = &node->unnest;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    memset(keep + unnest->passed_count, true, count - unnest->passed_count);
    uint32_t kept = 0;
    uint32_t *map = map_kept(arena, keep, count, &kept);
    bool *used = arena_new_array(arena, bool, node->inputs[0]->schema->column_count + 1);
    used[unnest->list] = true;
    for (uint32_t i = 0; i < unnest->passed_count; i++)
        used[unnest->passed[i]] = used[unnest->passed[i]] || keep[i];
    Pruned input = prune(context, node->inputs[0], used);
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->schema = kept_schema(arena, node->schema, map, kept);
    copy->unnest.list = input.map[unnest->list];
    copy->unnest.passed_count = 0;
    copy->unnest.passed = arena_new_array(arena, uint32_t, unnest->passed_count + 1);
    for (uint32_t i = 0; i < unnest->passed_count; i++)
        if (keep[i])
            copy->unnest.passed[copy->unnest.passed_count++] = input.map[unnest->passed[i]];
    return (Pruned){copy, map};
}

/* What is needed of both sides for the columns that are shown, the condition and the keys. */
static bool *join_used(Arena *arena, const LogicalNode *node, const bool *needed)
{
    uint32_t left = node->inputs[0]->schema->column_count;
    uint32_t count = left + node->inputs[1]->schema->column_count;
    uint32_t shown = logical_is_half_join(node->join.kind) ? left : count;
    bool *used = arena_new_array(arena, bool, count + 1);
    memcpy(used, needed, shown);
    if (node->join.condition != NULL)
        expr_mark_columns(node->join.condition, used);
    for (uint32_t k = 0; k < node->join.key_count; k++) {
        used[node->join.keys[0][k]] = true;
        used[left + node->join.keys[1][k]] = true;
    }
    const LogicalInterval *interval = node->join.interval;
    if (interval != NULL) {
        used[interval->times[0]] = used[left + interval->times[1]] = true;
        if (interval->whole != NULL)
            expr_mark_columns(interval->whole, used);
    }
    return used;
}

static Pruned prune_join(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    uint32_t left = node->inputs[0]->schema->column_count;
    uint32_t count = left + node->inputs[1]->schema->column_count;
    bool *used = join_used(arena, node, needed);
    const LogicalInterval *interval = node->join.interval;
    Pruned sides[2] = {prune(context, node->inputs[0], used),
                       prune(context, node->inputs[1], used + left)};
    uint32_t new_left = sides[0].node->schema->column_count;
    uint32_t *map = map_new(arena, count + 1, false);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t to = i < left ? sides[0].map[i] : sides[1].map[i - left];
        map[i] = to == GONE || i < left ? to : to + new_left;
    }
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, 2);
    for (uint32_t s = 0; s < 2; s++) {
        copy->inputs[s] = sides[s].node;
        copy->join.keys[s] = arena_new_array(arena, uint32_t, node->join.key_count + 1);
        for (uint32_t k = 0; k < node->join.key_count; k++)
            copy->join.keys[s][k] = sides[s].map[node->join.keys[s][k]];
    }
    if (node->join.condition != NULL)
        copy->join.condition = expr_map_columns(&context->site, node->join.condition, map);
    if (interval != NULL) {
        LogicalInterval *mapped = arena_memdup(arena, interval, sizeof(*interval));
        for (uint32_t s = 0; s < 2; s++)
            mapped->times[s] = sides[s].map[interval->times[s]];
        if (interval->whole != NULL)
            mapped->whole = expr_map_columns(&context->site, interval->whole, map);
        copy->join.interval = mapped;
    }
    copy->schema =
        logical_join_schema(arena, node->join.kind, sides[0].node->schema, sides[1].node->schema);
    /* Behind the left columns of a half join stands at most its mark, not the right side's. */
    if (logical_is_half_join(node->join.kind))
        map[left] = new_left;
    return (Pruned){copy, map};
}

static Pruned prune_union(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    uint32_t count = node->schema->column_count;
    bool *keep = arena_memdup(arena, needed, count + 1);
    uint32_t kept = 0;
    uint32_t *map = map_kept(arena, keep, count, &kept);
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] =
            exactly(context, prune(context, node->inputs[i], keep), node->inputs[i]->schema, keep);
    copy->schema = kept_schema(arena, node->schema, map, kept);
    return (Pruned){copy, map};
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
    over->partition =
        arena_memdup(arena, over->partition, sizeof(uint32_t) * (over->partition_count + 1));
    over->order = arena_memdup(arena, over->order, sizeof(PlanSortKey) * (over->order_count + 1));
    for (uint32_t i = 0; i < over->partition_count; i++)
        over->partition[i] = map[over->partition[i]];
    for (uint32_t i = 0; i < over->order_count; i++)
        over->order[i].column = map[over->order[i].column];
    for (uint32_t i = 0; i < over->call_count; i++) {
        LogicalOverCall *call = &over->calls[i];
        call->arguments =
            arena_memdup(arena, call->arguments, sizeof(uint32_t) * (call->argument_count + 1));
        for (uint32_t a = 0; a < call->argument_count; a++)
            call->arguments[a] = map[call->arguments[a]];
        if (call->filter >= 0)
            call->filter = (int32_t)map[call->filter];
    }
}

/* Calls that nobody looks at go; without calls the node goes. */
static Pruned prune_over(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    uint32_t own = node->inputs[0]->schema->column_count;
    bool any = false;
    for (uint32_t i = 0; i < node->over.call_count; i++)
        any = any || needed[own + i];
    bool *used = arena_memdup(arena, needed, own + 1);
    if (any)
        over_mark(&node->over, needed, own, used);
    Pruned input = prune(context, node->inputs[0], used);
    uint32_t *map = map_new(arena, node->schema->column_count, false);
    memcpy(map, input.map, sizeof(*map) * own);
    if (!any)
        return (Pruned){input.node, map};
    uint32_t kept = input.node->schema->column_count;
    Column *columns = arena_new_array(arena, Column, kept + node->over.call_count + 1);
    memcpy(columns, input.node->schema->columns, sizeof(*columns) * kept);
    LogicalNode *copy = with_input(arena, node, input.node);
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

/* Nodes that pass rows on: they need what is needed of them, a sort also its keys. */
static Pruned prune_through(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    bool *used = arena_memdup(arena, needed, node->schema->column_count + 1);
    bool is_sort = logical_is(node, "sort") || logical_is(node, "temporal_sort");
    for (uint32_t k = 0; is_sort && k < node->sort.key_count; k++)
        used[node->sort.keys[k].column] = true;
    Pruned input = prune(context, node->inputs[0], used);
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->schema = input.node->schema;
    if (is_sort) {
        copy->sort.keys =
            arena_memdup(arena, node->sort.keys, sizeof(PlanSortKey) * (node->sort.key_count + 1));
        for (uint32_t k = 0; k < node->sort.key_count; k++)
            copy->sort.keys[k].column = input.map[node->sort.keys[k].column];
    }
    return (Pruned){copy, input.map};
}

/* The event time and what the watermark is made of are always read. */
static Pruned prune_watermark(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    bool *used = arena_memdup(arena, needed, node->schema->column_count + 1);
    used[node->watermark.rowtime] = true;
    if (node->watermark.watermark != NULL)
        expr_mark_columns(node->watermark.watermark, used);
    Pruned input = prune(context, node->inputs[0], used);
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->schema = input.node->schema;
    copy->watermark.rowtime = input.map[node->watermark.rowtime];
    if (node->watermark.watermark != NULL)
        copy->watermark.watermark =
            expr_map_columns(&context->site, node->watermark.watermark, input.map);
    return (Pruned){copy, input.map};
}

/* What is ordered by processing time for its first row alone needs no column for it. */
static LogicalRank rank_by_arrival(const PlannerContext *context, const LogicalNode *node,
                                   bool with_number)
{
    LogicalRank rank = node->rank;
    rank.with_number = with_number;
    if (with_number || rank.function != PLAN_RANK_ROW_NUMBER || rank.first != 1 || rank.last != 1 ||
        rank.last_column >= 0 || rank.order_count != 1 || context->config->bounded_run ||
        logical_time(node->inputs[0], rank.order[0].column) != TIME_PROCESSING)
        return rank;
    rank.by_arrival = true;
    rank.keeps_last = rank.order[0].descending;
    rank.order_count = 0;
    return rank;
}

/* A rank needs what it partitions and orders by; the number is made only for who looks at it. */
static Pruned prune_rank(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    uint32_t count = node->inputs[0]->schema->column_count;
    LogicalRank changed = rank_by_arrival(context, node, node->rank.with_number && needed[count]);
    const LogicalRank *rank = &changed;
    bool *used = arena_memdup(arena, needed, count + 1);
    for (uint32_t i = 0; i < rank->partition_count; i++)
        used[rank->partition[i]] = true;
    for (uint32_t i = 0; i < rank->order_count; i++)
        used[rank->order[i].column] = true;
    Pruned input = prune(context, node->inputs[0], used);
    uint32_t kept = input.node->schema->column_count;
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->rank = changed;
    copy->rank.partition = arena_new_array(arena, uint32_t, rank->partition_count + 1);
    for (uint32_t i = 0; i < rank->partition_count; i++)
        copy->rank.partition[i] = input.map[rank->partition[i]];
    copy->rank.order = arena_new_array(arena, PlanSortKey, rank->order_count + 1);
    for (uint32_t i = 0; i < rank->order_count; i++) {
        copy->rank.order[i] = rank->order[i];
        copy->rank.order[i].column = input.map[rank->order[i].column];
    }
    if (rank->last_column >= 0)
        copy->rank.last_column = (int32_t)input.map[rank->last_column];
    Column *columns = arena_new_array(arena, Column, kept + 1);
    memcpy(columns, input.node->schema->columns, sizeof(*columns) * kept);
    if (copy->rank.with_number)
        columns[kept] = node->schema->columns[count];
    copy->schema = schema_new(arena, columns, kept + (copy->rank.with_number ? 1 : 0));
    uint32_t *map = map_new(arena, count + 1, false);
    memcpy(map, input.map, sizeof(*map) * count);
    map[count] = copy->rank.with_number ? kept : GONE;
    return (Pruned){copy, map};
}

/* The window's three columns stay; of the input its time. */
static Pruned prune_window_tvf(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    Arena *arena = context->arena;
    LogicalWindowTvf *tvf = &node->window_tvf;
    uint32_t own = node->inputs[0]->schema->column_count;
    bool *used = arena_memdup(arena, needed, own + 1);
    used[tvf->window.time_column] = true;
    for (uint32_t i = 0; i < tvf->partition_count; i++)
        used[tvf->partition[i]] = true;
    Pruned input = prune(context, node->inputs[0], used);
    uint32_t kept = input.node->schema->column_count;
    uint32_t *map = map_new(arena, own + 3, false);
    Column *columns = arena_new_array(arena, Column, kept + 3);
    for (uint32_t i = 0; i < own + 3; i++)
        map[i] = i < own ? input.map[i] : kept + i - own;
    for (uint32_t i = 0; i < kept + 3; i++)
        columns[i] =
            i < kept ? input.node->schema->columns[i] : node->schema->columns[own + i - kept];
    LogicalNode *copy = with_input(arena, node, input.node);
    copy->schema = schema_new(arena, columns, kept + 3);
    copy->window_tvf.window.time_column = input.map[tvf->window.time_column];
    copy->window_tvf.partition = arena_new_array(arena, uint32_t, tvf->partition_count + 1);
    for (uint32_t i = 0; i < tvf->partition_count; i++)
        copy->window_tvf.partition[i] = input.map[tvf->partition[i]];
    return (Pruned){copy, map};
}

/* Any other kind of node uses all columns of its inputs. */
static Pruned prune_nothing(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++) {
        uint32_t count = node->inputs[i]->schema->column_count;
        bool *all = arena_alloc(arena, count + 1);
        memset(all, true, count + 1);
        copy->inputs[i] =
            exactly(context, prune(context, node->inputs[i], all), node->inputs[i]->schema, all);
    }
    return (Pruned){copy, map_new(arena, node->schema->column_count, true)};
}

static Pruned prune(const PlannerContext *context, LogicalNode *node, const bool *needed)
{
    static const struct {
        const char *op;
        Pruned (*prune)(const PlannerContext *context, LogicalNode *node, const bool *needed);
    } kinds[] = {
        {"scan", prune_scan},
        {"calc", prune_calc},
        {"aggregate", prune_aggregate},
        {"join", prune_join},
        {"union", prune_union},
        {"limit", prune_through},
        {"sort", prune_through},
        {"expand", prune_expand},
        {"over", prune_over},
        {"window_aggregate", prune_aggregate},
        {"watermark", prune_watermark},
        {"rank", prune_rank},
        {"window_tvf", prune_window_tvf},
        {"interval_join", prune_join},
        {"temporal_join", prune_join},
        {"temporal_sort", prune_through},
        {"unnest", prune_unnest},
    };
    for (size_t i = 0; i < array_count(kinds); i++)
        if (logical_is(node, kinds[i].op))
            return kinds[i].prune(context, node, needed);
    return prune_nothing(context, node);
}

LogicalNode *rule_prune_columns(const PlannerContext *context, LogicalNode *node)
{
    return prune_nothing(context, node).node;
}
