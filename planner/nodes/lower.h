/* What the files nodes/<op>.c share. */
#ifndef PLANNER_NODES_LOWER_H
#define PLANNER_NODES_LOWER_H

#include "core/hash.h"
#include "planner/traits.h"

/* Answers for NodeClass slots that many kinds have in common. */
bool lower_equal_always(const LogicalNode *a, const LogicalNode *b);
bool lower_equal_never(const LogicalNode *a, const LogicalNode *b);
bool lower_needs_before(const PlannerContext *context, const LogicalNode *node, uint32_t input);
bool lower_needs_no_before(const PlannerContext *context, const LogicalNode *node, uint32_t input);
bool lower_passes_need(const PlannerContext *context, const LogicalNode *node, uint32_t input);

/* Changes, keys, bounded and rowtime as the one input has them. */
void lower_derive_from_input(const PlannerContext *context, LogicalNode *node);
/* Columns are in time what the one input's are. */
TimeKind lower_time_of_input(const LogicalNode *node, uint32_t column);
/* False with an error: the input's column was a time attribute when names were bound, and is none
 * now that its join has become a regular one. */
bool lower_lost_time(const LogicalNode *node, uint32_t input, uint32_t column, Error *error);
/* Whether all inputs end. */
bool lower_inputs_bounded(const LogicalNode *node);

/* column_of_input: the input's columns come first and are what they were; those of both sides of a
 * join, unless NULL stands for them; keys. */
int64_t lower_column_stays(const LogicalNode *node, uint32_t input, uint32_t column);
int64_t lower_join_column_of_input(const LogicalNode *node, uint32_t input, uint32_t column);
int64_t lower_aggregate_column_of_input(const LogicalNode *node, uint32_t input, uint32_t column);

/* Identity: every column of the input in order, for nodes that keep whole rows. */
void lower_identify_rows(const LogicalNode *node, Buffer *text);
/* Columns and rows mean what the input's mean. */
void lower_identify_as_input(LogicalNode *node);

/* nodes/aggregate.c: what aggregates over groups and over windows have in common. */
bool lower_aggregate_equal(const LogicalNode *a, const LogicalNode *b);
bool lower_aggregate_spec(const PlannerContext *context, LogicalNode *node, PlanAggregate *spec,
                          Error *error) MUST_CHECK;
void lower_aggregate_keys(const LogicalNode *node, Buffer *label);
void lower_aggregate_select(const LogicalNode *node, Buffer *label);
/* The same of a local phase: each call as "count$0". */
void lower_aggregate_partials(const LogicalNode *node, Buffer *label);
/* The node whose columns the arguments of the calls are: the input, or what a local phase reads. */
const LogicalNode *lower_aggregate_rows(const LogicalNode *node);
bool lower_aggregate_call(const PlannerContext *context, const LogicalNode *node, uint32_t number,
                          bool retracting, PlanAggregateCall *to, Error *error) MUST_CHECK;
/* nodes/rank.c: one row per partition, the last by a time attribute. */
bool lower_rank_keeps_last(const PlannerContext *context, const LogicalNode *node);
/* nodes/local_aggregate.c: puts a local phase below the aggregate where there is to be one. The
 * node's own properties and its input's are known. */
bool local_aggregate_insert(const PlannerContext *context, LogicalNode *node,
                            Error *error) MUST_CHECK;
/* Whether the options ask for local phases, where nobody sees them; whether states of a call can be
 * merged. */
bool local_aggregate_is_asked(const PlannerConfig *config);
bool local_aggregate_merges(const PlanAggregateCall *call, bool retracts);
/* nodes/local_window_aggregate.c: the same as local_aggregate_insert over windows. */
bool local_window_insert(const PlannerContext *context, LogicalNode *node, Error *error) MUST_CHECK;
/* nodes/window_aggregate.c: "TUMBLE(t, size=1000 ms)". */
void lower_window_print(const PlanWindow *window, const Schema *input, Buffer *out);
/* The identities of keys and calls; those of further columns are left to be filled. */
uint64_t *lower_aggregate_identify(const PlannerContext *context, LogicalNode *node, Buffer *text);

/* nodes/time_over.c: whether the rows of an over node can leave in order of a time attribute, each
 * once; else TIME_NONE. The input's changes are known. */
TimeKind lower_over_along(const PlannerContext *context, const LogicalNode *node);
/* Makes the plan's node, which has a PlanOver, one along that time. */
void lower_over_in_time(const PlannerContext *context, LogicalNode *node);

void lower_hash(PlanInput *input, const uint32_t *columns, uint32_t count);
void lower_single(LogicalNode *node);

/* The keys of a join's rows, from those of its inputs, and what its kind is called. */
void lower_join_keys(const PlannerContext *context, LogicalNode *node);
const char *lower_join_kind(PlanJoinKind kind);
/* nodes/join.c: what the plan of every join of two inputs has, its sides' own ways of keeping rows
 * left out; and both inputs by their keys. */
void lower_join_spec(LogicalNode *node, PlanJoin *spec);
/* "where=[a = b AND …], select=[…]" of its label. */
void lower_join_where(const PlannerContext *context, const LogicalNode *node, Buffer *label);
void lower_join_describe(const LogicalNode *node, Buffer *out);
/* nodes/rank.c: the same of a Top-N's rows, what it cannot number, and what its label says. */
void lower_rank_keys(const PlannerContext *context, LogicalNode *node);
bool lower_rank_check(const LogicalNode *node, Error *error) MUST_CHECK;
void lower_rank_describe(const LogicalNode *node, Buffer *out);
void lower_rank_print(const LogicalNode *node, Buffer *label);
/* How a join keeps the rows of a side, by its upsert keys; all but the time they are kept. */
void lower_join_side(const LogicalNode *from, const uint32_t *keys, ColumnSet key,
                     PlanJoinSide *out);
/* How long state of an input lives: by its STATE_TTL, else by table.exec.state.ttl; 0: for ever. */
int64_t lower_ttl_of_hint(const PlannerContext *context, int64_t hint_ms);
int64_t lower_state_ttl(const PlannerContext *context, const LogicalNode *node, uint32_t input);
const char *lower_ttl_of(const PlannerContext *context, int64_t ttl_ms);
/* " and not touched for 1 h"-like end of a state sentence, or nothing. */
const char *lower_ttl_text(const PlannerContext *context);

#endif
