/* The DISTINCT aggregates of a hot group are spread over the workers
 * (table.optimizer.distinct-agg.split.enabled).
 *
 *     GROUP BY k: COUNT(DISTINCT a), SUM(b)
 *     → FINAL    GROUP BY k: $SUM0(count), SUM(sum)
 *       PARTIAL  GROUP BY k, bucket: COUNT(DISTINCT a) AS count, SUM(b) AS sum
 *       calc     bucket: MOD(HASH_CODE(a), bucket-num)
 *
 * A value lies in one bucket, so the buckets' counts add up. With several different DISTINCTs a row
 * goes once into the buckets of each (an expand below the calc), and every call counts the rows of
 * its own set only; calls without DISTINCT those of the first.
 *
 * Only COUNT, MIN, MAX and SUM of exact numbers can be put together from parts without loss: a
 * query with other calls stays whole. Cost: one walk. */
#include "planner/logical.h"

#include <string.h>

#define NO_SET UINT32_MAX

typedef struct Split {
    const PlannerContext *context;
    Arena *arena;
    LogicalNode *node; /* the aggregate */
    /* Calls that keep values of the same columns. */
    const LogicalAggregateCall **sets;
    uint32_t set_count;
    uint32_t *set_of; /* by call; NO_SET: counts every row */
    Error error;      /* what binding says; it cannot fail */
} Split;

/* ---------------------------------------------------------------- which calls */

static bool is_called(const LogicalAggregateCall *call, const char *name)
{
    return strcmp(call->name, name) == 0;
}

static bool keeps_values(const LogicalAggregateCall *call)
{
    return call->distinct && !is_called(call, "MIN") && !is_called(call, "MAX");
}

static bool adds_up(const LogicalAggregateCall *call)
{
    if (!is_called(call, "SUM"))
        return is_called(call, "COUNT") || is_called(call, "MIN") || is_called(call, "MAX");
    const Type *type = call->argument_types[0];
    /* Up to 18 digits no part overflows 38. */
    return type->physical == PHYSICAL_I8 || type->physical == PHYSICAL_I16 ||
           type->physical == PHYSICAL_I32 || type->physical == PHYSICAL_I64;
}

static bool applies(const LogicalNode *node)
{
    const LogicalAggregate *aggregate = &node->aggregate;
    bool any = false;
    if (!logical_is(node, "aggregate") || aggregate->part != AGGREGATE_WHOLE)
        return false;
    for (uint32_t c = 0; c < aggregate->call_count; c++) {
        if (!adds_up(&aggregate->calls[c]))
            return false;
        any = any || keeps_values(&aggregate->calls[c]);
    }
    return any;
}

static void find_sets(Split *split)
{
    const LogicalAggregate *aggregate = &split->node->aggregate;
    split->sets =
        arena_new_array(split->arena, const LogicalAggregateCall *, aggregate->call_count + 1);
    split->set_of = arena_new_array(split->arena, uint32_t, aggregate->call_count + 1);
    for (uint32_t c = 0; c < aggregate->call_count; c++) {
        const LogicalAggregateCall *call = &aggregate->calls[c];
        uint32_t s = 0;
        split->set_of[c] = NO_SET;
        if (!keeps_values(call))
            continue;
        for (; s < split->set_count; s++)
            if (split->sets[s]->argument_count == call->argument_count &&
                memcmp(split->sets[s]->arguments, call->arguments,
                       sizeof(*call->arguments) * call->argument_count) == 0)
                break;
        if (s == split->set_count)
            split->sets[split->set_count++] = call;
        split->set_of[c] = s;
    }
}

/* ------------------------------------------------------------ what comes below */

static const Expr *integer(Split *split, const Type *type, int64_t value)
{
    Vector *vector = arena_new_one(split->arena, Vector);
    vector_init_constant(vector, type_with_nullable(split->arena, type, false), split->arena);
    vector_set_valid(vector, 0);
    if (type->physical == PHYSICAL_I32)
        ((int32_t *)vector->data)[0] = (int32_t)value;
    else
        ((int64_t *)vector->data)[0] = value;
    return expr_literal(split->arena, vector, split->node->place);
}

static const Expr *call_of(Split *split, const char *name, const Expr *first, const Expr *second)
{
    const Expr **args = arena_new_array(split->arena, const Expr *, 2);
    args[0] = first;
    args[1] = second;
    return expr_call(&split->context->site, name, args, 2, split->node->place, &split->error);
}

static const Expr *bucket_of(Split *split, const LogicalAggregateCall *call, const Schema *schema)
{
    const ExprSite *site = &split->context->site;
    AstPlace place = split->node->place;
    const Expr **args = arena_new_array(split->arena, const Expr *, call->argument_count + 1);
    for (uint32_t i = 0; i < call->argument_count; i++)
        args[i] = expr_column(split->arena, call->arguments[i],
                              schema->columns[call->arguments[i]].type, place);
    const Expr *code =
        expr_call(site, "HASH_CODE", args, call->argument_count, place, &split->error);
    return call_of(split, "MOD", code,
                   integer(split, &type_int, split->context->config->split_buckets));
}

/* A calc that passes all columns on and adds some. */
typedef struct Added {
    const Expr **exprs;
    const char **names;
    uint32_t count;
} Added;

static Added added_begin(Arena *arena, const LogicalNode *input, uint32_t room)
{
    uint32_t count = input->schema->column_count;
    Added added = {logical_identity(arena, input->schema), NULL, count};
    const Expr **exprs = arena_new_array(arena, const Expr *, count + room);
    memcpy(exprs, added.exprs, sizeof(*exprs) * count);
    added.exprs = exprs;
    added.names = arena_new_array(arena, const char *, count + room);
    for (uint32_t i = 0; i < count; i++)
        added.names[i] = input->schema->columns[i].name;
    return added;
}

static uint32_t added_put(Added *added, const Expr *expr, const char *name)
{
    added->exprs[added->count] = expr;
    added->names[added->count] = name;
    return added->count++;
}

static LogicalNode *added_end(Split *split, LogicalNode *input, const Added *added)
{
    const Schema *schema = logical_schema(split->arena, added->exprs, added->names, added->count);
    return logical_calc(split->arena, input, NULL, added->exprs, schema, split->node->place);
}

/* The input with a column for the bucket of each set. */
static LogicalNode *add_buckets(Split *split, LogicalNode *input)
{
    Added added = added_begin(split->arena, input, split->set_count);
    for (uint32_t s = 0; s < split->set_count; s++)
        added_put(&added, bucket_of(split, split->sets[s], input->schema),
                  arena_printf(split->arena, "$b%u", s));
    return added_end(split, input, &added);
}

/* Every row once per set: its bucket there, NULL for the others', and which set it is. */
static LogicalNode *expand(Split *split, LogicalNode *input)
{
    Arena *arena = split->arena;
    uint32_t sets = split->set_count;
    uint32_t passed = input->schema->column_count - sets;
    LogicalExpand spec = {
        .passed = arena_new_array(arena, uint32_t, passed + 1),
        .passed_count = passed,
        .keys = arena_new_array(arena, uint32_t, sets),
        .key_count = sets,
        .ids = arena_new_array(arena, int64_t, sets),
        .set_count = sets,
    };
    Column *columns = arena_new_array(arena, Column, passed + sets + 1);
    for (uint32_t i = 0; i < passed; i++) {
        spec.passed[i] = i;
        columns[i] = input->schema->columns[i];
    }
    for (uint32_t s = 0; s < sets; s++) {
        spec.keys[s] = passed + s;
        spec.ids[s] = (((int64_t)1 << sets) - 1) ^ ((int64_t)1 << (sets - 1 - s));
        columns[passed + s] = input->schema->columns[passed + s];
        columns[passed + s].type = type_with_nullable(arena, columns[passed + s].type, true);
    }
    columns[passed + sets] = (Column){"$set", type_with_nullable(arena, &type_bigint, false)};
    const Schema *schema = schema_new(arena, columns, passed + sets + 1);
    LogicalNode *node = logical_new_unary(arena, "expand", schema, input, split->node->place);
    node->expand = spec;
    return node;
}

/* The filter of a call: its own, and that the row is of its set. */
static const Expr *filter_of(Split *split, uint32_t call, const LogicalNode *input)
{
    Arena *arena = split->arena;
    const Schema *schema = input->schema;
    AstPlace place = split->node->place;
    uint32_t last = schema->column_count - 1;
    uint32_t set = split->set_of[call] == NO_SET ? 0 : split->set_of[call];
    const Expr *parts[2];
    parts[0] = call_of(split, "=", expr_column(arena, last, schema->columns[last].type, place),
                       integer(split, &type_bigint, input->expand.ids[set]));
    int32_t own = split->node->aggregate.calls[call].filter;
    if (own < 0)
        return parts[0];
    parts[1] = expr_column(arena, (uint32_t)own, schema->columns[own].type, place);
    return expr_and(&split->context->site, parts, 2);
}

/* Fills the filters of the calls; equal ones are one column. */
static LogicalNode *add_filters(Split *split, LogicalNode *input, int32_t *filters)
{
    uint32_t calls = split->node->aggregate.call_count;
    uint32_t from = input->schema->column_count;
    Added added = added_begin(split->arena, input, calls);
    for (uint32_t c = 0; c < calls; c++) {
        const Expr *filter = filter_of(split, c, input);
        uint32_t at = from;
        while (at < added.count && !expr_equal(added.exprs[at], filter))
            at++;
        if (at == added.count)
            added_put(&added, filter, arena_printf(split->arena, "$f%u", at));
        filters[c] = (int32_t)at;
    }
    return added_end(split, input, &added);
}

/* --------------------------------------------------------------- the two halves */

static LogicalNode *partial_of(Split *split, LogicalNode *input, uint32_t first_bucket,
                               uint32_t buckets, const int32_t *filters)
{
    Arena *arena = split->arena;
    const LogicalAggregate *whole = &split->node->aggregate;
    LogicalAggregate partial = {.part = AGGREGATE_PARTIAL,
                                .key_count = whole->key_count + buckets,
                                .call_count = whole->call_count};
    uint32_t count = partial.key_count + partial.call_count;
    Column *columns = arena_new_array(arena, Column, count);
    partial.keys = arena_new_array(arena, uint32_t, partial.key_count);
    for (uint32_t k = 0; k < partial.key_count; k++) {
        partial.keys[k] =
            k < whole->key_count ? whole->keys[k] : first_bucket + k - whole->key_count;
        columns[k] = input->schema->columns[partial.keys[k]];
    }
    partial.calls = arena_memdup(arena, whole->calls, sizeof(*whole->calls) * whole->call_count);
    for (uint32_t c = 0; c < partial.call_count; c++) {
        LogicalAggregateCall *call = &partial.calls[c];
        if (filters != NULL)
            call->filter = filters[c];
        call->distinct = keeps_values(call);
        if (!is_called(call, "COUNT"))
            call->type = type_with_nullable(arena, call->type, true);
        columns[partial.key_count + c] = (Column){arena_printf(arena, "$p%u", c), call->type};
    }
    LogicalNode *node = logical_new_unary(arena, "aggregate", schema_new(arena, columns, count),
                                          input, split->node->place);
    node->aggregate = partial;
    memcpy(node->hint_ttl_ms, split->node->hint_ttl_ms, sizeof(node->hint_ttl_ms));
    return node;
}

static LogicalNode *final_of(Split *split, LogicalNode *partial)
{
    Arena *arena = split->arena;
    LogicalNode *node = split->node;
    LogicalAggregate *final = &node->aggregate;
    node->inputs[0] = partial;
    final->part = AGGREGATE_FINAL;
    final->keys = arena_new_array(arena, uint32_t, final->key_count + 1);
    for (uint32_t k = 0; k < final->key_count; k++)
        final->keys[k] = k;
    final->calls = arena_memdup(arena, final->calls, sizeof(*final->calls) * final->call_count);
    for (uint32_t c = 0; c < final->call_count; c++) {
        LogicalAggregateCall *call = &final->calls[c];
        uint32_t column = partial->aggregate.key_count + c;
        call->name = is_called(call, "COUNT") ? "$SUM0" : call->name;
        call->arguments = arena_memdup(arena, &column, sizeof(column));
        call->argument_types =
            arena_memdup(arena, &partial->schema->columns[column].type, sizeof(const Type *));
        call->literals = NULL;
        call->argument_count = 1;
        call->filter = -1;
        call->distinct = false;
    }
    return node;
}

LogicalNode *rule_split_distinct(const PlannerContext *context, LogicalNode *node)
{
    Arena *arena = context->arena;
    if (!context->config->split_distinct)
        return node;
    LogicalNode *copy = arena_memdup(arena, node, sizeof(*node));
    copy->inputs = arena_new_array(arena, LogicalNode *, node->input_count + 1);
    for (uint32_t i = 0; i < node->input_count; i++)
        copy->inputs[i] = rule_split_distinct(context, node->inputs[i]);
    if (!applies(copy))
        return copy;
    Split split = {.context = context, .arena = arena, .node = copy};
    find_sets(&split);
    /* Past the bits of a set's id the values stay where they are. */
    if (split.set_count > 60)
        return copy;
    LogicalNode *input = add_buckets(&split, copy->inputs[0]);
    uint32_t first_bucket = copy->inputs[0]->schema->column_count;
    if (split.set_count == 1)
        return final_of(&split, partial_of(&split, input, first_bucket, 1, NULL));
    int32_t *filters = arena_new_array(arena, int32_t, copy->aggregate.call_count);
    input = add_filters(&split, expand(&split, input), filters);
    return final_of(&split, partial_of(&split, input, first_bucket, split.set_count, filters));
}
