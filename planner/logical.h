/* The logical tree: what the binder makes, the rules rewrite, the stream properties are found on
 * and the plan is lowered from.
 *
 * Up to plan_build it is a tree; plan_build makes equal subtrees one node, so from then on it is a
 * graph. A node's columns are numbered from 0; expressions of a node refer to the columns of its
 * input (of a join: left columns, then right columns).
 *
 * Each kind of node is one file nodes/<op>.c that exports one NodeClass and one line in
 * planner/meson.build; node_find knows it by name. All of it lies in the plan's arena. */
#ifndef PLANNER_LOGICAL_H
#define PLANNER_LOGICAL_H

#include "planner/logical_specs.h"

typedef struct NodeClass NodeClass;
/* rules/rewrite.h */
typedef struct Pruned Pruned;
typedef struct Pruning Pruning;
typedef struct Conjuncts Conjuncts;
typedef struct Pushing Pushing;

/* What kinds of change, -U and +U taken together: the kinds follow once it is known who needs -U.
 */
typedef uint8_t ChangeClass;
#define CHANGE_CLASS_INSERT ((ChangeClass)1)
#define CHANGE_CLASS_UPDATE ((ChangeClass)2)
#define CHANGE_CLASS_DELETE ((ChangeClass)4)
#define CHANGE_CLASS_ALL    ((ChangeClass)7)

#define STATE_TTL_NEVER INT64_MAX /* STATE_TTL of 0: state stays */

struct LogicalNode {
    const NodeClass *class;
    const Schema *schema;
    LogicalNode **inputs;
    uint32_t input_count;
    AstPlace place;
    /* STATE_TTL of what is kept of each input; 0: not given, table.exec.state.ttl counts. */
    int64_t hint_ttl_ms[2];
    /* LATE_ROWS: the table for what comes too late for it; NULL: table.exec.late-rows.table. */
    const char *late_table;
    /* Of what a query gives: columns that have the name of a later one; NULL: none. */
    const bool *repeated;
    union {
        LogicalScan scan;
        LogicalValues values;
        LogicalCalc calc;
        PlanWatermark watermark;
        LogicalWindowTvf window_tvf;
        LogicalAggregate aggregate;
        LogicalWindowAggregate window_aggregate;
        LogicalExpand expand;
        LogicalJoin join;
        LogicalMultiJoin multi_join;
        LogicalSetOperation set_operation;
        LogicalUnnest unnest;
        LogicalLimit limit;
        LogicalSort sort;
        LogicalOver over;
        LogicalRank rank;
        LogicalSink sink;
        LogicalKey key;
    };

    /* Filled by traits_derive. */
    ChangeClass changes;
    bool loose_pairs;   /* -U and +U of one update need not stand together */
    bool parts_updates; /* -U may come without its +U: the row is gone then */
    StreamTraits traits;
    /* Filled by plan_identity: what rows the node has, and what each column means. */
    uint64_t row_identity;
    const uint64_t *column_identities;
    PlanNode *plan;
    uint64_t since; /* epoch at which the INSERT it belongs to joined the job */
    uint32_t visit; /* mark of the walk that was here last */
    uint32_t share; /* mark of shares_find */
};

/* What planning one statement works with. */
typedef struct PlannerContext {
    Arena *arena; /* the plan's */
    const PlannerConfig *config;
    ExprSite site;
    uint32_t *visits; /* walks over the graph so far; each has a number of its own */
} PlannerContext;

/* A kind of node: everything that depends on it, in the order planning asks. */
struct NodeClass {
    const char *op; /* PlanNode.op */
    /* Whether two nodes of this kind with equal inputs and schemas do the same. */
    bool (*equal)(const LogicalNode *a, const LogicalNode *b);
    /* Fills changes, keys, bounded and rowtime from the inputs', which are filled. */
    bool (*derive)(const PlannerContext *context, LogicalNode *node, Error *error);
    /* What its column is in time; NULL: none of them is an attribute. */
    TimeKind (*time)(const LogicalNode *node, uint32_t column);
    /* -U of an input comes out as -U; else the node makes its own, if wanted. */
    bool passes_before;
    /* With passes_before, whether that of an input goes on; NULL: of each. */
    bool (*passes_before_of)(const LogicalNode *node, uint32_t input);
    /* Whether the input must give -U for its updates; the node's own wants_before is known. */
    bool (*needs_before)(const PlannerContext *context, const LogicalNode *node, uint32_t input);
    /* Fills spec, label, state, distribution of inputs and parallelism of node->plan. */
    bool (*lower)(const PlannerContext *context, LogicalNode *node, Error *error);
    /* Appends what the node computes to the text its identity is the hash of, and fills
     * column_identities and row_identity where they are not the input's. */
    void (*identify)(const PlannerContext *context, LogicalNode *node, Buffer *text);
    /* What to call the node in an error: "GROUP BY", "table \"orders\"". */
    void (*describe)(const LogicalNode *node, Buffer *out);

    /* Optional, for placement.c. */

    /* Where the rows the node makes of those of an input have its column unchanged; -1: nowhere, or
     * not all of them have. NULL: it says nothing of its rows. */
    int64_t (*column_of_input)(const LogicalNode *node, uint32_t input, uint32_t column);
    /* Whether its operator looks at PlanInput.by_part; NULL: no. It is lowered. */
    bool (*keeps_by_part)(const LogicalNode *node);

    /* Optional, for rules (rules/rewrite.h). */

    /* The node with at least the columns needed; NULL: it uses all columns of its inputs. */
    Pruned (*prune)(const Pruning *pruning, LogicalNode *node, const bool *needed);
    /* The rows of the node that meet the conditions, with those moved below that may. */
    LogicalNode *(*push)(const Pushing *pushing, LogicalNode *node, const Conjuncts *list);
    /* Instead of it: where, in every input, a condition that may neither fail nor change its mind
     * finds this column; -1: one that looks at it stays above. */
    int64_t (*filter_column)(const LogicalNode *node, uint32_t column);
    /* Whether with this condition on its rows, which looks at the columns `used`, it becomes
     * another and better one, even if others share what it is without. NULL: none does that. */
    bool (*reshaped_by)(const LogicalNode *node, const Expr *expr, const bool *used);
    /* It keeps no state: doing it twice costs little. */
    bool is_light;
};

/* The kind by name; asserts that it exists. */
const NodeClass *node_find(const char *op);

LogicalNode *logical_new(Arena *arena, const char *op, const Schema *schema, AstPlace place);
LogicalNode *logical_new_unary(Arena *arena, const char *op, const Schema *schema,
                               LogicalNode *input, AstPlace place);
bool logical_is(const LogicalNode *node, const char *op);
/* What a column of the node is in time. Until a join has become a regular one (or one over time)
 * its columns count as what they are in its inputs. */
TimeKind logical_time(const LogicalNode *node, uint32_t column);
/* The first event-time column, or -1. */
int32_t logical_rowtime(const LogicalNode *node);
/* Projections that pass every column of a schema through. */
const Expr **logical_identity(Arena *arena, const Schema *schema);
/* Schema with the names given (a column count of them) and the types of the expressions. */
const Schema *logical_schema(Arena *arena, const Expr *const *projections, const char *const *names,
                             uint32_t count);
LogicalNode *logical_calc(Arena *arena, LogicalNode *input, const Expr *filter,
                          const Expr **projections, const Schema *schema, AstPlace place);
/* The input's rows for which the filter holds. */
LogicalNode *logical_filter(Arena *arena, LogicalNode *input, const Expr *filter);
/* What a join of this kind shows: left columns, then right columns, with the nullability the kind
 * asks for; of a half join left columns and, of MARK, one more. */
const Schema *logical_join_schema(Arena *arena, PlanJoinKind kind, const Schema *left,
                                  const Schema *right);
/* What the condition of a join looks at: left columns, then right columns. */
const Schema *logical_pair_schema(Arena *arena, const LogicalNode *join);
/* Shows no right columns. */
static inline bool logical_is_half_join(PlanJoinKind kind)
{
    return kind == PLAN_JOIN_SEMI || kind == PLAN_JOIN_ANTI || kind == PLAN_JOIN_MARK;
}
LogicalNode *logical_join(Arena *arena, PlanJoinKind kind, LogicalNode *left, LogicalNode *right,
                          const Expr *condition, AstPlace place);
/* What comes too late for the statement's nodes: operator, watermark, row. Its inputs are found by
 * logical_find_late, after the rewrites. */
LogicalNode *logical_late_rows(Arena *arena, const char *table, AstPlace place);
/* Gives the nodes of a SELECT that may leave rows out for that the table of its hint; those that
 * have one keep it. */
void logical_mark_late(LogicalNode *node, const char *table);
/* The tables of such hints, each once; returns how many. */
uint32_t logical_late_tables(const PlannerContext *context, LogicalNode *const *roots,
                             uint32_t count, const char ***tables);
void logical_find_late(const PlannerContext *context, LogicalNode *const *roots, uint32_t count);
/* Scan of a table with these columns. */
LogicalNode *logical_scan(Arena *arena, const PlanTable *table, const bool *physical,
                          const bool *metadata, AstPlace place);

/* ------------------------------------------------------------------- rewrites
 *
 * One rule a file: each takes a tree and gives one that has the same rows. Three take all trees of
 * a statement, as a graph that shares what is equal (shares.h), and keep it shared. */
void rule_push_filters(const PlannerContext *context, LogicalNode **roots, uint32_t count);
void rule_prune_columns(const PlannerContext *context, LogicalNode **roots, uint32_t count);
void rule_push_fields(const PlannerContext *context, LogicalNode *const *roots, uint32_t count);
LogicalNode *rule_rank(const PlannerContext *context, LogicalNode *node);
/* Aggregates, joins and Top-N by windows, once joins have keys. */
LogicalNode *rule_windows(const PlannerContext *context, LogicalNode *node);
/* What a key of a plain aggregate will be in time, once the rule has seen it. */
TimeKind window_key_time(const LogicalNode *node, uint32_t column);
LogicalNode *rule_extract_join_keys(const PlannerContext *context, LogicalNode *node);
/* Joins bounded by time become interval joins; which inputs only insert shows later. */
LogicalNode *rule_interval_join(const PlannerContext *context, LogicalNode *node);
/* A lookup join takes the table it looks at into itself. */
LogicalNode *rule_lookup_join(const PlannerContext *context, LogicalNode *node);
/* After the columns have been pruned: the inputs stay as they are. */
LogicalNode *rule_multi_join(const PlannerContext *context, LogicalNode *node);
LogicalNode *rule_merge_calcs(const PlannerContext *context, LogicalNode *node);
/* Aggregates whose DISTINCTs are spread; what they need is checked by mini_batches_begin. */
LogicalNode *rule_split_distinct(const PlannerContext *context, LogicalNode *node);
/* Over all trees of a statement: one scan per table, with the columns anyone needs. */
void rule_share_scans(const PlannerContext *context, LogicalNode **roots, uint32_t count);

/* --------------------------------------------------------- stream properties */

/* Nodes of a graph in topological order. */
typedef struct LogicalOrder {
    LogicalNode **nodes;
    uint32_t count;
    uint32_t capacity;
} LogicalOrder;
LogicalOrder logical_order(const PlannerContext *context, LogicalNode *const *roots,
                           uint32_t count);

/* Notes at each scan which fields of its ROW columns anyone reads. */
void rule_read_fields(const PlannerContext *context, const LogicalOrder *order);

/* Finds the properties of every node and puts ChangelogNormalize, DropUpdateBefore and the sink's
 * materializer where they belong; refuses what a sink cannot take. */
bool traits_derive(const PlannerContext *context, LogicalNode **roots, uint32_t count,
                   Error *error) MUST_CHECK;

/* nodes/mini_batch.c: MiniBatch above the nodes whose changes the configuration wants in bundles.
 * Node by node of an order: its inputs are connected before it is derived, what stands above it is
 * put there afterwards. */
typedef struct MiniBatches MiniBatches;
bool mini_batches_begin(const PlannerContext *context, const LogicalOrder *order, MiniBatches **out,
                        Error *error) MUST_CHECK;
void mini_batches_connect(const PlannerContext *context, const MiniBatches *bundles, uint32_t n);
bool mini_batches_put(const PlannerContext *context, MiniBatches *bundles, uint32_t n,
                      Error *error) MUST_CHECK;

/* Before the properties are found: which aggregates may fold. */
void rule_fold_unseen(const PlannerContext *context, const LogicalOrder *order);

/* Kinds a set of change classes stands for. */
ChangeKinds traits_kinds(ChangeClass changes, bool with_before);
ChangeClass traits_class(ChangeKinds kinds);
/* Any -U or -D. */
static inline bool traits_retracts(const LogicalNode *node)
{
    return (node->traits.kinds & (CHANGES_OF(CHANGE_UPDATE_BEFORE) | CHANGES_OF(CHANGE_DELETE))) !=
           0;
}

/* Column sets; small and ascending. */
ColumnSet column_set_new(Arena *arena, const uint32_t *columns, uint32_t count);
bool column_set_contains(ColumnSet set, ColumnSet part);
bool column_set_equal(ColumnSet a, ColumnSet b);
ColumnSet column_set_union(Arena *arena, ColumnSet a, ColumnSet b, uint32_t shift_b);

/* Adds a key unless one that it contains is known; keeps a handful. */
void traits_add_key(Arena *arena, StreamTraits *traits, ColumnSet key); /* unique and upsert */
void traits_add_unique_key(Arena *arena, StreamTraits *traits, ColumnSet key);
void traits_copy_keys(Arena *arena, StreamTraits *to, const StreamTraits *from);
/* Adds the columns to every key. */
void traits_widen_keys(Arena *arena, StreamTraits *traits, ColumnSet columns);
/* The input's keys through a projection: map[i] is where input column i went, or UINT32_MAX. */
void traits_map_keys(Arena *arena, StreamTraits *to, const StreamTraits *from, const uint32_t *map);
void traits_map_unique_keys(Arena *arena, StreamTraits *to, const StreamTraits *from,
                            const uint32_t *map);

/* placement.c: inputs whose rows stay where they are. Of lowered nodes. */
void plan_place(const PlannerContext *context, const LogicalOrder *order);

/* plan_identity.c: identity of every node, inputs before consumers. */
void plan_identify(const PlannerContext *context, const LogicalOrder *order);
void identity_append(Buffer *text, uint64_t identity);
/* An expression by what its columns mean, not where they stand. */
void identity_append_expr(Buffer *text, const Expr *expr, const uint64_t *columns);
uint64_t identity_of_expr(const Expr *expr, const uint64_t *columns);

/* plan_build.c: from trees to the plan. */
Plan *plan_build(const PlannerContext *context, LogicalNode **roots, uint32_t count, Str sql,
                 int64_t sql_start, Error *error) MUST_CHECK;

/* bind/over.c */
bool over_frames_equal(const PlanFrame *a, const PlanFrame *b);

/* Text for labels: "a, b + 1 AS c". */
void label_columns(const Schema *schema, const uint32_t *columns, uint32_t count, Buffer *out);
/* The buffer's text in the arena; gives the buffer's memory back. */
const char *label_take(Arena *arena, Buffer *buffer);

#endif
