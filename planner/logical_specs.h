/* What each kind of logical node says of itself: the counterparts of the plan's specs while names
 * are bound and rules rewrite.
 *
 * Columns are numbered as in the node's inputs. All of it lies in the plan's arena. */
#ifndef PLANNER_LOGICAL_SPECS_H
#define PLANNER_LOGICAL_SPECS_H

#include "planner/catalog/internal.h"
#include "planner/expr_build.h"
#include "planner/plan.h"

typedef struct LogicalNode LogicalNode;

/* A table as one statement reads or writes it: what the plan needs of it, copied. */
typedef struct PlanTable {
    const TableDef *def; /* the catalog's; valid while planning */
    const Connector *connector;
    TableInfo info;
    ChangeKinds source_kinds;
} PlanTable;

typedef struct LogicalScan {
    const PlanTable *table;
    uint32_t *columns; /* physical ones, ascending */
    uint32_t column_count;
    uint32_t *metadata; /* columns of the table's definition, ascending */
    uint32_t metadata_count;
    uint64_t *fields; /* once the plan is made: by column, the fields of a ROW anyone reads */
} LogicalScan;

typedef struct LogicalValues {
    const Expr ***rows; /* literals of the schema's types */
    uint32_t row_count;
} LogicalValues;

typedef struct LogicalCalc {
    const Expr *filter;       /* NULL: all rows */
    const Expr **projections; /* one per column */
    bool whole; /* what is below is read twice and stays one: nothing is pushed or pruned past it */
} LogicalCalc;

/* What a column is in time. An attribute is passed on by plain references to the column. */
typedef enum TimeKind {
    TIME_NONE,
    TIME_EVENT,     /* in step with the stream's watermark */
    TIME_PROCESSING /* the clock's time when the row is looked at */
} TimeKind;

/* Rows with their windows: TUMBLE(…) and the like in FROM. Its last three columns are window_start,
 * window_end and window_time, which is in time what the time column was. */
typedef struct LogicalWindowTvf {
    PlanWindow window;
    TimeKind time;       /* of the time column; NONE: a bounded run over any timestamp */
    uint32_t *partition; /* SESSION: rows with equal columns form sessions */
    uint32_t partition_count;
} LogicalWindowTvf;

typedef struct LogicalAggregateCall {
    const char *name;
    uint32_t *arguments;         /* input columns */
    const Type **argument_types; /* what the user's arguments were; the columns may be cast */
    const Vector **literals;     /* of those that are one; NULL: none are */
    uint32_t argument_count;
    int32_t filter;
    bool distinct;
    const Type *type;
    AstPlace place;
} LogicalAggregateCall;

/* What an aggregate with split DISTINCTs consists of (rules/split_distinct.c). */
typedef enum AggregatePart { AGGREGATE_WHOLE, AGGREGATE_PARTIAL, AGGREGATE_FINAL } AggregatePart;

typedef struct LogicalAggregate {
    AggregatePart part;
    bool bundles; /* nodes/mini_batch.c: each group is told once a bundle */
    bool unseen;  /* rules/fold_unseen.c: one change per key and batch is as good as each */
    uint32_t *keys;
    uint32_t key_count;
    LogicalAggregateCall *calls;
    uint32_t call_count;
    int64_t *empty_sets; /* as PlanAggregate's */
    uint32_t empty_set_count;
} LogicalAggregate;

/* Columns: those passed on, then the keys, then the id of the set. */
typedef struct LogicalExpand {
    uint32_t *passed; /* input columns, ascending */
    uint32_t passed_count;
    uint32_t *keys; /* input columns */
    uint32_t key_count;
    int64_t *ids;
    uint32_t set_count;
} LogicalExpand;

/* What a join over time knows of it. Of an interval join the bounds on the distance of the two
 * rows: lower <= left - right <= upper; of a temporal join the times only. */
typedef struct LogicalInterval {
    TimeKind time;
    uint32_t times[2];
    int64_t lower_us;
    int64_t upper_us;
    const Expr *whole; /* the condition with the bounds in it; NULL: they are in the keys */
    /* A time is the end of windows, which never come late: what the join gives is what the regular
     * join would, and it knows no time attributes either. */
    bool is_exact;
    bool keeps[2]; /* is_exact: rows of that side stay, since the other's may come late */
} LogicalInterval;

/* window_aggregate: an aggregate, and the windows its rows are grouped by besides the keys. The
 * columns: keys, calls, properties. */
typedef struct LogicalWindowAggregate {
    LogicalAggregate aggregate; /* first: the same field as of a plain one */
    PlanWindow window;
    PlanWindowProperty *properties;
    uint32_t property_count;
    bool in_group_by;           /* the window stands in GROUP BY, not in FROM */
    const PlanWindowEmit *emit; /* as PlanWindowAggregate's */
    uint32_t *passed;           /* of a local phase: as PlanLocalWindow's */
    uint32_t passed_count;
} LogicalWindowAggregate;

/* Windows that a join's rows or a Top-N's carry. */
typedef struct LogicalWindowBounds {
    uint32_t end; /* which key of the join, which column of the partition is the window's end */
    const TimeZone *zone; /* of the windows' clock, as PlanWindow's */
} LogicalWindowBounds;

typedef struct LogicalJoin {
    PlanJoinKind kind;
    const Expr *condition; /* until keys are extracted: all of ON; NULL: TRUE */
    uint32_t *keys[2];     /* columns of the left, of the right input */
    bool *null_matches;
    uint32_t key_count;
    const struct LogicalInterval *interval; /* NULL: none is known */
    const LogicalWindowBounds *window;      /* of a window_join */
    const struct LogicalLookup *lookup;     /* of a lookup join: planner/lookup.h */
    bool is_settled; /* it is a regular join, which knows no time attributes */
    bool single;     /* a query as a value: a left row with two matches is an error */
    bool is_multi;   /* a hint asks for one multi-way join with the joins below */
} LogicalJoin;

typedef struct LogicalMultiJoin {
    uint32_t **keys; /* by input: its columns */
    bool *is_left;   /* by input: joined by LEFT, not INNER; never the first */
    uint32_t key_count;
    int64_t *hint_ttl_ms; /* by input, as LogicalNode's */
} LogicalMultiJoin;

/* Columns: those passed on, then the element's, then its number. */
typedef struct LogicalUnnest {
    uint32_t *passed; /* input columns */
    uint32_t passed_count;
    uint32_t list; /* input column */
    bool ordinality;
    bool outer;
    const Expr *condition; /* as PlanUnnest's */
} LogicalUnnest;

typedef struct LogicalSetOperation {
    bool except; /* else INTERSECT */
    bool all;
} LogicalSetOperation;

typedef struct LogicalLimit {
    uint64_t offset;
    uint64_t limit;
} LogicalLimit;

typedef struct LogicalSort {
    PlanSortKey *keys;
    uint32_t key_count;
    uint64_t offset;
    uint64_t limit;
} LogicalSort;

typedef struct LogicalOverCall {
    const char *name;
    const WindowFunction *window; /* NULL: an aggregate */
    uint32_t *arguments;          /* input columns */
    const Type **argument_types;  /* what the user's arguments were; the columns may be cast */
    const Vector **literals;      /* of those that are one */
    uint32_t argument_count;
    int32_t filter;
    bool distinct;
    bool ignore_nulls;
    int64_t number;
    PlanFrame frame;
    const Type *type;
    AstPlace place;
} LogicalOverCall;

/* The input's columns, then the calls; all calls have one partition and one order. */
typedef struct LogicalOver {
    uint32_t *partition;
    uint32_t partition_count;
    PlanSortKey *order;
    uint32_t order_count;
    LogicalOverCall *calls;
    uint32_t call_count;
    TimeKind along; /* once derived: rows leave in order of that time, once */
} LogicalOver;

/* The input's columns, then the number when it is wanted. */
typedef struct LogicalRank {
    PlanRankFunction function;
    uint32_t *partition;
    uint32_t partition_count;
    PlanSortKey *order;
    uint32_t order_count;
    uint64_t first; /* as PlanRank's */
    uint64_t last;
    int32_t last_column;
    uint64_t last_less;
    bool with_number;
    bool is_sort; /* ORDER BY with LIMIT */
    /* The one row there is, by processing time: the first to come, or the last. No order then. */
    bool by_arrival;
    bool keeps_last;
    const LogicalWindowBounds *window; /* of a window_rank */
} LogicalRank;

typedef struct LogicalSink {
    const PlanTable *table;  /* NULL: rows go to whoever runs the query */
    const char *on_conflict; /* as in the statement; NULL: not given */
    uint32_t ordinal;        /* of the sinks into this table in the statement */
    uint32_t number;         /* of the INSERT in the statement */
} LogicalSink;

/* normalize, materialize, mini_batch. */
typedef struct LogicalKey {
    ColumnSet key;
    ColumnSet upsert_key;
    PlanConflict conflict; /* of a materializer */
    const char *why;       /* it is there */
} LogicalKey;

#endif
