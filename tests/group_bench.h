/* An aggregate on the bench: SELECT k, calls FROM (k STRING, v BIGINT, f BOOLEAN) GROUP BY k. */
#ifndef TESTS_GROUP_BENCH_H
#define TESTS_GROUP_BENCH_H

#include "tests/operator_bench.h"

extern const OperatorClass op_aggregate;

typedef struct Group {
    Bench *bench;
    const Schema *input;
    PlanAggregate plan;
    PlanAggregateCall calls[8];
    Column columns[10];
} Group;

static inline Group group_new(int size_index, bool retracts, bool keyed)
{
    Group group = {.bench = bench_new(batch_sizes[size_index])};
    Arena *arena = group.bench->arena;
    group.input = test_schema(arena, "k STRING, v BIGINT, f BOOLEAN");
    bench_input(group.bench, group.input, retracts ? CHANGES_ALL : CHANGES_INSERT_ONLY);
    group.plan.keys = test_columns(arena, 1, 0);
    group.plan.key_count = keyed ? 1 : 0;
    group.plan.input_retracts = retracts;
    group.columns[0] = (Column){"k", &type_string};
    return group;
}

static inline PlanAggregateCall *group_call(Group *group, const char *name, const char *column)
{
    PlanAggregateCall *call = &group->calls[group->plan.call_count++];
    *call =
        test_aggregate(group->bench->arena, group->input, name, column, group->plan.input_retracts);
    group->columns[group->plan.key_count + group->plan.call_count - 1] =
        (Column){name, call->call.result};
    return call;
}

static inline void group_open(Group *group)
{
    group->plan.calls = group->calls;
    const Schema *output = schema_new(group->bench->arena, group->columns,
                                      group->plan.key_count + group->plan.call_count);
    bench_open(group->bench, &op_aggregate, output, &group->plan);
}

#endif
