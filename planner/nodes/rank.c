/* rank: rows whose ROW_NUMBER, RANK or DENSE_RANK lies in a range; ORDER BY with LIMIT of a stream.
 *
 * The input decides how much is kept. Rows that only come, or only get better under a key that
 * holds the partition, never bring back what has fallen out of the range: only the range is kept.
 * Else a row that goes makes room for one that was behind, so all are. A range of one row over
 * such input is an operator of its own: one row per key (deduplicate).
 *
 * Keys: with ROW_NUMBER in the output partition and number, for numbers pass from row to row; a
 * range of one number makes the partition a key. Else the input's keys, if rows of one key meet in
 * one partition; but a range that begins behind the first row shifts row by row, and a row stands
 * at its new place before it leaves the old one, so there they are unique and give no order. */
#include <string.h>

#include "planner/nodes/lower.h"
#include "planner/rules/rewrite.h"

extern const NodeClass node_rank;

static bool rank_equal(const LogicalNode *a, const LogicalNode *b)
{
    const LogicalRank *x = &a->rank, *y = &b->rank;
    if (x->function != y->function || x->partition_count != y->partition_count ||
        x->order_count != y->order_count || x->first != y->first || x->last != y->last ||
        x->last_column != y->last_column || x->last_less != y->last_less ||
        x->with_number != y->with_number || x->by_arrival != y->by_arrival ||
        x->keeps_last != y->keeps_last ||
        memcmp(x->partition, y->partition, sizeof(*x->partition) * x->partition_count) != 0)
        return false;
    for (uint32_t i = 0; i < x->order_count; i++)
        if (x->order[i].column != y->order[i].column ||
            x->order[i].descending != y->order[i].descending ||
            x->order[i].nulls_last != y->order[i].nulls_last)
            return false;
    return true;
}

/* -------------------------------------------------------------------- strategy */

/* Which way updates of a row can move a column: 1 up, -1 down, 0 not known. */
static int direction_of(const LogicalNode *node, uint32_t column)
{
    while (logical_is(node, "calc") || logical_is(node, "drop_update_before")) {
        if (logical_is(node, "calc")) {
            if (node->calc.projections[column]->kind != EXPR_COLUMN)
                return 0;
            column = node->calc.projections[column]->column;
        }
        node = node->inputs[0];
    }
    if (!logical_is(node, "aggregate") || column < node->aggregate.key_count ||
        node->inputs[0]->changes != CHANGE_CLASS_INSERT)
        return 0;
    const char *name = node->aggregate.calls[column - node->aggregate.key_count].name;
    if (strcmp(name, "COUNT") == 0 || strcmp(name, "MAX") == 0)
        return 1;
    return strcmp(name, "MIN") == 0 ? -1 : 0;
}

/* Whether updates of rows with this key can only move them forward in the order. NULL, where an
 * aggregate may begin, has to be last for that. */
static bool only_improves(const LogicalNode *node, ColumnSet key)
{
    const LogicalNode *input = node->inputs[0];
    for (uint32_t i = 0; i < node->rank.order_count; i++) {
        const PlanSortKey *order = &node->rank.order[i];
        ColumnSet column = {1, &order->column};
        if (column_set_contains(key, column))
            continue;
        bool null_first =
            input->schema->columns[order->column].type->nullable && !order->nulls_last;
        if (null_first || direction_of(input, order->column) != (order->descending ? 1 : -1))
            return false;
    }
    return true;
}

/* Places and rows would expire apart, so with a TTL updates are taken as any other changes. */
static PlanRankStrategy strategy_of(const PlannerContext *context, const LogicalNode *node,
                                    ColumnSet *row_key)
{
    const LogicalNode *input = node->inputs[0];
    ColumnSet partition = {node->rank.partition_count, node->rank.partition};
    *row_key = (ColumnSet){0, NULL};
    if (input->changes == CHANGE_CLASS_INSERT)
        return PLAN_RANK_APPEND;
    if ((input->changes & CHANGE_CLASS_DELETE) != 0 || input->parts_updates ||
        node->rank.function != PLAN_RANK_ROW_NUMBER || lower_state_ttl(context, node, 0) > 0)
        return PLAN_RANK_RETRACT;
    for (uint32_t i = 0; i < input->traits.upsert_key_count; i++) {
        ColumnSet key = input->traits.upsert_keys[i];
        if (!column_set_contains(key, partition) || !only_improves(node, key))
            continue;
        *row_key = key;
        return PLAN_RANK_UPDATE;
    }
    return PLAN_RANK_RETRACT;
}

/* By when rows came or happened, where of equal times the later arrival wins, in a bounded run too:
 * what it picks is final when the input ends. */
static bool is_by_time(const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    return rank->by_arrival ||
           (rank->order_count == 1 && node->inputs[0]->changes == CHANGE_CLASS_INSERT &&
            logical_time(node->inputs[0], rank->order[0].column) == TIME_EVENT);
}

/* One row per partition, and no number to show. */
static bool is_first_only(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    ColumnSet row_key;
    return rank->function == PLAN_RANK_ROW_NUMBER && rank->first == 1 && rank->last == 1 &&
           rank->last_column < 0 && !rank->with_number &&
           (!context->config->bounded_run || is_by_time(node)) &&
           strategy_of(context, node, &row_key) != PLAN_RANK_RETRACT;
}

/* How a range of one row picks it, when it is a time attribute that it is ordered by. */
typedef enum FirstBy {
    FIRST_BY_ORDER,
    FIRST_BY_ARRIVAL, /* the first to come, or the last */
    FIRST_BY_TIME     /* the smallest event time, or the largest */
} FirstBy;

static FirstBy first_by(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    if (rank->by_arrival)
        return FIRST_BY_ARRIVAL;
    return is_first_only(context, node) && is_by_time(node) ? FIRST_BY_TIME : FIRST_BY_ORDER;
}

/* A row that is given once and stays. */
static bool keeps_first(const PlannerContext *context, const LogicalNode *node)
{
    FirstBy by = first_by(context, node);
    return by == FIRST_BY_ARRIVAL ? !node->rank.keeps_last
                                  : by == FIRST_BY_TIME && !node->rank.order[0].descending;
}

bool lower_rank_keeps_last(const PlannerContext *context, const LogicalNode *node)
{
    return is_first_only(context, node) && first_by(context, node) != FIRST_BY_ORDER &&
           !keeps_first(context, node);
}

/* The first or last row by event time still has its time: a view of it is a versioned table. */
static TimeKind rank_time(const LogicalNode *node, uint32_t column)
{
    const LogicalRank *rank = &node->rank;
    bool one = rank->function == PLAN_RANK_ROW_NUMBER && rank->first == 1 && rank->last == 1 &&
               rank->last_column < 0 && rank->order_count == 1;
    bool is_input = column < node->inputs[0]->schema->column_count;
    if (rank->by_arrival)
        return logical_time(node->inputs[0], column);
    if (!one || !is_input || logical_time(node->inputs[0], rank->order[0].column) == TIME_NONE)
        return TIME_NONE;
    return logical_time(node->inputs[0], column);
}

/* ------------------------------------------------------------------ properties */

static bool is_one_number(const LogicalRank *rank)
{
    return rank->function == PLAN_RANK_ROW_NUMBER && rank->last_column < 0 &&
           rank->first >= rank->last;
}

void lower_rank_keys(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    const LogicalRank *rank = &node->rank;
    const StreamTraits *input = &node->inputs[0]->traits;
    ColumnSet partition = {rank->partition_count, rank->partition};
    bool one = is_one_number(rank);
    bool numbered = rank->function == PLAN_RANK_ROW_NUMBER && rank->with_number;
    bool shifts = rank->first > 1 && rank->last != UINT64_MAX;
    if (one) {
        traits_add_key(arena, &node->traits, partition);
    } else if (numbered) {
        uint32_t number = node->inputs[0]->schema->column_count;
        ColumnSet column = {1, &number};
        traits_add_key(arena, &node->traits, column_set_union(arena, partition, column, 0));
    }
    for (uint32_t i = 0; i < input->upsert_key_count && !one && !numbered && !shifts; i++)
        if (column_set_contains(input->upsert_keys[i], partition))
            traits_add_key(arena, &node->traits, input->upsert_keys[i]);
    for (uint32_t i = 0; i < input->unique_key_count; i++)
        traits_add_unique_key(arena, &node->traits, input->unique_keys[i]);
}

static ChangeClass changes_of(const PlannerContext *context, const LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    ColumnSet row_key;
    bool first_only = is_first_only(context, node);
    if ((context->config->bounded_run && !first_only) || keeps_first(context, node))
        return CHANGE_CLASS_INSERT;
    PlanRankStrategy strategy = strategy_of(context, node, &row_key);
    bool shifts = rank->with_number || rank->first > 1;
    if (strategy == PLAN_RANK_RETRACT)
        return shifts ? CHANGE_CLASS_ALL : CHANGE_CLASS_INSERT | CHANGE_CLASS_DELETE;
    if (first_only)
        return CHANGE_CLASS_INSERT | CHANGE_CLASS_UPDATE;
    if (rank->function == PLAN_RANK_ROW_NUMBER && rank->with_number)
        return CHANGE_CLASS_INSERT | CHANGE_CLASS_UPDATE;
    if (shifts || strategy == PLAN_RANK_UPDATE)
        return CHANGE_CLASS_ALL;
    return CHANGE_CLASS_INSERT | CHANGE_CLASS_DELETE;
}

/* The time at which a row goes is not the time at which it came. */
static bool orders_by_clock(const LogicalNode *node)
{
    bool by_clock = node->rank.by_arrival;
    for (uint32_t i = 0; i < node->rank.order_count; i++)
        by_clock = by_clock ||
                   logical_time(node->inputs[0], node->rank.order[i].column) == TIME_PROCESSING;
    return by_clock;
}

bool lower_rank_check(const LogicalNode *node, Error *error)
{
    if (node->inputs[0]->changes != CHANGE_CLASS_INSERT && orders_by_clock(node)) {
        error_set(error, ERROR_UNSUPPORTED,
                  "rows that change cannot be numbered by processing time");
        error_detail(error, "When a row goes, it is not known when it came.");
        error_hint(error, "Order by a column of the row.");
        return error_at(error, node->place.offset, node->place.length);
    }
    return true;
}

static bool rank_derive(const PlannerContext *context, LogicalNode *node, Error *error)
{
    if (!lower_rank_check(node, error))
        return false;
    node->traits.bounded = node->inputs[0]->traits.bounded;
    node->traits.rowtime = logical_rowtime(node);
    node->changes = changes_of(context, node);
    lower_rank_keys(context, node);
    return true;
}

static bool rank_needs_before(const PlannerContext *context, const LogicalNode *node,
                              uint32_t input)
{
    ColumnSet row_key;
    return strategy_of(context, node, &row_key) == PLAN_RANK_RETRACT;
}

/* ------------------------------------------------------------------------- plan */

static void print_order(const LogicalNode *node, Buffer *out)
{
    for (uint32_t i = 0; i < node->rank.order_count; i++) {
        const PlanSortKey *key = &node->rank.order[i];
        buffer_printf(out, "%s%s %s", i == 0 ? "" : ", ",
                      node->inputs[0]->schema->columns[key->column].name,
                      key->descending ? "DESC" : "ASC");
        if (key->nulls_last != key->descending)
            buffer_printf(out, " NULLS %s", key->nulls_last ? "LAST" : "FIRST");
    }
}

static void print_range(const LogicalNode *node, Buffer *out)
{
    const LogicalRank *rank = &node->rank;
    buffer_printf(out, "rankStart=%llu, rankEnd=", (unsigned long long)rank->first);
    if (rank->last_column >= 0)
        buffer_printf(out, "%s%s", node->schema->columns[rank->last_column].name,
                      rank->last_less != 0 ? " - 1" : "");
    else
        buffer_printf(out, "%llu", (unsigned long long)rank->last);
}

static const char *strategy_text(PlanRankStrategy strategy)
{
    static const char *const names[] = {"AppendFastStrategy", "UpdateFastStrategy",
                                        "RetractStrategy"};
    return names[strategy];
}

void lower_rank_print(const LogicalNode *node, Buffer *label)
{
    static const char *const functions[] = {"ROW_NUMBER", "RANK", "DENSE_RANK"};
    const LogicalRank *rank = &node->rank;
    buffer_printf(label, "rankType=[%s], rankRange=[", functions[rank->function]);
    print_range(node, label);
    buffer_append_text(label, "], partitionBy=[");
    label_columns(node->schema, rank->partition, rank->partition_count, label);
    buffer_append_text(label, "], orderBy=[");
    print_order(node, label);
    buffer_append_text(label, "], select=[");
    label_columns(node->schema, NULL, node->schema->column_count, label);
    buffer_append_text(label, "])");
}

static const char *rank_label(const PlannerContext *context, const LogicalNode *node,
                              PlanRankStrategy strategy)
{
    const LogicalRank *rank = &node->rank;
    FirstBy by = first_by(context, node);
    Buffer label = {0};
    if (by != FIRST_BY_ORDER) {
        buffer_printf(&label, "Deduplicate(keep=[%sRow], key=[",
                      keeps_first(context, node) ? "First" : "Last");
        label_columns(node->schema, rank->partition, rank->partition_count, &label);
        buffer_printf(&label, "], order=[%s])", by == FIRST_BY_TIME ? "ROWTIME" : "PROCTIME");
        return label_take(context->arena, &label);
    }
    if (rank->is_sort) {
        buffer_append_text(&label, "SortLimit(orderBy=[");
        print_order(node, &label);
        buffer_printf(&label, "], offset=[%llu]", (unsigned long long)rank->first - 1);
        if (rank->last != UINT64_MAX)
            buffer_printf(&label, ", fetch=[%llu]",
                          (unsigned long long)(rank->last + 1 - rank->first));
        buffer_printf(&label, ", strategy=[%s])", strategy_text(strategy));
        return label_take(context->arena, &label);
    }
    buffer_printf(&label, "Rank(strategy=[%s], ", strategy_text(strategy));
    lower_rank_print(node, &label);
    return label_take(context->arena, &label);
}

static const char *rank_state(const PlannerContext *context, const LogicalNode *node,
                              PlanRankStrategy strategy)
{
    const LogicalRank *rank = &node->rank;
    Buffer text = {0};
    if (strategy == PLAN_RANK_RETRACT)
        buffer_append_text(&text, "every row of the input");
    else if (is_one_number(rank) && rank->last == 1)
        buffer_append_text(&text, "one row");
    else {
        buffer_append_text(&text, "the rows up to number ");
        if (rank->last_column >= 0)
            buffer_append_text(&text, node->schema->columns[rank->last_column].name);
        else
            buffer_printf(&text, "%llu", (unsigned long long)rank->last);
    }
    if (rank->partition_count != 0 && strategy != PLAN_RANK_RETRACT) {
        buffer_append_text(&text, " per distinct (");
        label_columns(node->schema, rank->partition, rank->partition_count, &text);
        buffer_append_char(&text, ')');
    }
    if (context->config->bounded_run)
        buffer_append_text(&text, ", until the input ends");
    else
        buffer_printf(&text, ", %s", lower_ttl_of(context, lower_state_ttl(context, node, 0)));
    return label_take(context->arena, &text);
}

static void lower_to_first_row(const PlannerContext *context, LogicalNode *node)
{
    const LogicalRank *rank = &node->rank;
    PlanFirstRow *spec = arena_new_one(context->arena, PlanFirstRow);
    *spec = (PlanFirstRow){.key = rank->partition,
                           .key_count = rank->partition_count,
                           .time = rank->order[0].column,
                           .state_ttl_ms = lower_state_ttl(context, node, 0)};
    node->plan->op = "first_row";
    node->plan->spec = spec;
}

static void lower_to_deduplicate(const PlannerContext *context, LogicalNode *node,
                                 ColumnSet row_key)
{
    const LogicalRank *rank = &node->rank;
    FirstBy by = first_by(context, node);
    int64_t ttl_ms = lower_state_ttl(context, node, 0);
    bool last = by != FIRST_BY_ORDER && !keeps_first(context, node);
    if (by == FIRST_BY_TIME && !last) {
        lower_to_first_row(context, node);
        return;
    }
    PlanDeduplicate *spec = arena_new_one(context->arena, PlanDeduplicate);
    *spec = (PlanDeduplicate){
        .key = rank->partition,
        .key_count = rank->partition_count,
        .order = rank->order,
        .order_count = rank->order_count,
        .later_wins = last,
        .drops_unchanged = last && by == FIRST_BY_ARRIVAL && ttl_ms == 0,
        .row_key = row_key,
        .state_ttl_ms = ttl_ms,
    };
    node->plan->op = "deduplicate";
    node->plan->spec = spec;
}

static bool rank_lower(const PlannerContext *context, LogicalNode *node, Error *error)
{
    const LogicalRank *rank = &node->rank;
    ColumnSet row_key;
    PlanRankStrategy strategy = strategy_of(context, node, &row_key);
    PlanRank *spec = arena_new_one(context->arena, PlanRank);
    *spec = (PlanRank){
        .function = rank->function,
        .strategy = strategy,
        .partition = rank->partition,
        .partition_count = rank->partition_count,
        .order = rank->order,
        .order_count = rank->order_count,
        .first = rank->first,
        .last = rank->last,
        .last_column = rank->last_column,
        .last_less = rank->last_less,
        .with_number = rank->with_number,
        .row_key = row_key,
        .state_ttl_ms = lower_state_ttl(context, node, 0),
        .final_only = context->config->bounded_run,
    };
    node->plan->spec = spec;
    if (is_first_only(context, node))
        lower_to_deduplicate(context, node, row_key);
    if (rank->partition_count == 0)
        lower_single(node);
    else
        lower_hash(&node->plan->inputs[0], rank->partition, rank->partition_count);
    node->plan->label = rank_label(context, node, strategy);
    node->plan->state = rank_state(context, node, strategy);
    return true;
}

static void rank_identify(const PlannerContext *context, LogicalNode *node, Buffer *text)
{
    const LogicalRank *rank = &node->rank;
    const uint64_t *input = node->inputs[0]->column_identities;
    uint32_t count = node->inputs[0]->schema->column_count;
    ColumnSet row_key;
    buffer_printf(text, "|%d|%d|%llu|%llu|%llu", (int)rank->function,
                  (int)strategy_of(context, node, &row_key), (unsigned long long)rank->first,
                  (unsigned long long)rank->last, (unsigned long long)rank->last_less);
    if (rank->last_column >= 0)
        identity_append(text, input[rank->last_column]);
    for (uint32_t i = 0; i < rank->partition_count; i++)
        identity_append(text, input[rank->partition[i]]);
    buffer_append_text(text, is_first_only(context, node) ? "|first" : "|order");
    buffer_printf(text, "%d", (int)first_by(context, node));
    for (uint32_t i = 0; i < rank->order_count; i++) {
        identity_append(text, input[rank->order[i].column]);
        buffer_printf(text, "|%d%d", rank->order[i].descending, rank->order[i].nulls_last);
    }
    for (uint32_t i = 0; i < row_key.count; i++)
        identity_append(text, input[row_key.columns[i]]);
    lower_identify_rows(node, text);
    node->row_identity = hash_bytes(text->data, text->length);
    uint64_t *columns = arena_new_array(context->arena, uint64_t, count + 1);
    memcpy(columns, input, sizeof(*columns) * count);
    columns[count] = node->row_identity;
    node->column_identities = columns;
}

static bool rank_keeps_by_part(const LogicalNode *node)
{
    return strcmp(node->plan->op, "deduplicate") == 0;
}

void lower_rank_describe(const LogicalNode *node, Buffer *out)
{
    buffer_append_text(out, node->rank.is_sort ? "ORDER BY with LIMIT" : "Top-N");
}

/* What is ordered by processing time for its first row alone needs no column for it. */
static LogicalRank rank_by_arrival(const PlannerContext *context, const LogicalNode *node,
                                   bool with_number)
{
    LogicalRank rank = node->rank;
    rank.with_number = with_number;
    if (with_number || rank.function != PLAN_RANK_ROW_NUMBER || rank.first != 1 || rank.last != 1 ||
        rank.last_column >= 0 || rank.order_count != 1 ||
        logical_time(node->inputs[0], rank.order[0].column) != TIME_PROCESSING)
        return rank;
    rank.by_arrival = true;
    rank.keeps_last = rank.order[0].descending;
    rank.order_count = 0;
    return rank;
}

/* A rank needs what it partitions and orders by; the number is made only for who looks at it. */
Pruned lower_rank_prune(const Pruning *pruning, LogicalNode *node, const bool *needed)
{
    Arena *arena = pruning->context->arena;
    uint32_t count = node->inputs[0]->schema->column_count;
    LogicalRank changed =
        rank_by_arrival(pruning->context, node, node->rank.with_number && needed[count]);
    const LogicalRank *rank = &changed;
    bool *used = arena_memdup(arena, needed, count + 1);
    for (uint32_t i = 0; i < rank->partition_count; i++)
        used[rank->partition[i]] = true;
    for (uint32_t i = 0; i < rank->order_count; i++)
        used[rank->order[i].column] = true;
    Pruned input = prune_input(pruning, node->inputs[0], used);
    uint32_t kept = input.node->schema->column_count;
    LogicalNode *copy = prune_over(arena, node, input.node);
    copy->rank = changed;
    copy->rank.partition = prune_columns(arena, rank->partition, rank->partition_count, input.map);
    copy->rank.order = prune_order(arena, rank->order, rank->order_count, input.map);
    if (rank->last_column >= 0)
        copy->rank.last_column = (int32_t)input.map[rank->last_column];
    Column *columns = arena_new_array(arena, Column, kept + 1);
    memcpy(columns, input.node->schema->columns, sizeof(*columns) * kept);
    if (copy->rank.with_number)
        columns[kept] = node->schema->columns[count];
    copy->schema = schema_new(arena, columns, kept + (copy->rank.with_number ? 1 : 0));
    uint32_t *map = prune_map(arena, count + 1, false);
    memcpy(map, input.map, sizeof(*map) * count);
    map[count] = copy->rank.with_number ? kept : COLUMN_GONE;
    return (Pruned){copy, map};
}

/* Whole partitions come and go without a difference to the others. */
static int64_t rank_filter_column(const LogicalNode *node, uint32_t column)
{
    for (uint32_t i = 0; i < node->rank.partition_count; i++)
        if (node->rank.partition[i] == column)
            return column;
    return -1;
}

const NodeClass node_rank = {
    .op = "rank",
    .equal = rank_equal,
    .derive = rank_derive,
    .time = rank_time,
    .needs_before = rank_needs_before,
    .lower = rank_lower,
    .identify = rank_identify,
    .describe = lower_rank_describe,
    .column_of_input = lower_column_stays,
    .keeps_by_part = rank_keeps_by_part,
    .prune = lower_rank_prune,
    .filter_column = rank_filter_column,
};
