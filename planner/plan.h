/* The plan: a read-only graph from scans to sinks, the contract between planner and executor.
 *
 * Nodes are in topological order, inputs before consumers; a node may have several consumers
 * (shared scans and sub-plans of a statement set). All of it lies in the plan's arena, which also
 * keeps what the plan borrows from the catalog, so a job outlives DROP TABLE.
 *
 * Each kind of node is described once: its spec below, a planner file that derives its properties
 * and an executor file that runs it. `op` names that executor file's operator. */
#ifndef PLANNER_PLAN_H
#define PLANNER_PLAN_H

#include "connectors/connector.h"
#include "core/datetime.h"
#include "formats/format.h"
#include "functions/aggregate.h"
#include "functions/window.h"
#include "planner/expr.h"

typedef struct PlanNode PlanNode;

/* A set of columns that is unique in the node's current rows. */
typedef struct ColumnSet {
    uint32_t count;
    const uint32_t *columns; /* ascending */
} ColumnSet;

/* What is known of a node's output stream. */
typedef struct StreamTraits {
    ChangeKinds kinds; /* what it emits, given what its consumers need */
    bool wants_before; /* a consumer needs -U */
    bool folds;        /* at most one change per key per batch (mini-batch, or provably unseen) */
    bool bounded;      /* ends by itself */
    ColumnSet *unique_keys;
    uint32_t unique_key_count;
    ColumnSet *upsert_keys; /* keys under which rows keep their order on the way here */
    uint32_t upsert_key_count;
    int32_t rowtime; /* first column that is an event-time attribute, or -1 */
} StreamTraits;

/* How a consumer wants its input spread over the workers. */
typedef enum Distribution {
    DISTRIBUTE_ANY,   /* stay where you are */
    DISTRIBUTE_HASH,  /* rows with equal keys to one worker */
    DISTRIBUTE_SINGLE /* everything to one worker */
} Distribution;

typedef struct PlanInput {
    PlanNode *node;
    Distribution distribution;
    ColumnSet keys; /* HASH: columns of node; order matters, not sorted */
    bool stays;     /* HASH: its rows lie so already where it has as many copies as the consumer */
    bool by_part;   /* HASH: the keys are a part of what the consumer keeps its state by */
    bool late;      /* not the node's rows but those that came too late for it */
} PlanInput;

struct PlanNode {
    uint32_t id;       /* position in plan->nodes, and the number EXPLAIN shows */
    const char *op;    /* "scan", "calc", "aggregate", …: the operator that runs it */
    const char *uid;   /* identity of its state: made from what it computes, stable across edits
                          elsewhere */
    const char *label; /* for people: "GroupAggregate(groupBy=[id], select=[…])" */
    const Schema *schema;
    PlanInput *inputs;
    uint32_t input_count;
    uint32_t parallelism; /* 1: must run single; 0: the job's */
    StreamTraits traits;
    const char *state;  /* what it keeps and how that grows, a sentence; NULL: nothing */
    const void *spec;   /* Plan… below, by op */
    int64_t sql_offset; /* where the user wrote it */
};

/* op "scan": reads a table. Computed columns and WATERMARK follow in a calc. */
typedef struct PlanScan {
    const Connector *connector;
    ScanInfo scan;
    const char *share_key;  /* scans with equal keys share one source; NULL: none */
    const char *server_key; /* the same whatever epoch the INSERT joined the job with */
    /* A test or an embedding program feeds this table by hand: rows come through job_feed. */
    bool is_fed;
} PlanScan;

/* op "watermark": the rows of a table with an event time, and watermarks made from them. */
typedef struct PlanWatermark {
    const char *table; /* whose time it is */
    /* What is between the two changes rows by their key: the watermark is made below it, by a node
     * that knows of no column that is the event time, and passed on above it. */
    bool marks_only, relays;
    uint32_t rowtime;      /* the event-time column: TIMESTAMP(p) or TIMESTAMP_LTZ(p), p <= 3 */
    const Expr *watermark; /* over the input, of rowtime's kind; NULL: those that come count */
    int64_t interval_ms;   /* between two watermarks; 0: right behind the row */
    int64_t idle_ms;       /* without a row for this long it is not waited for; 0: always */
    bool drops_bad;        /* rows without usable event time are late rows, not an error */
    int64_t max_ahead_ms;  /* further ahead of the clock is not usable; negative: any is */
    /* Tables of one group wait for each other: a source further ahead than this pauses, and looks
     * again so often. NULL: none. */
    const char *align_group;
    int64_t align_drift_ms;
    int64_t align_interval_ms;
} PlanWatermark;

/* op "values": constant rows, once. */
typedef struct PlanValues {
    const Batch *const *batches;
    uint32_t batch_count;
} PlanValues;

/* op "calc": filter, then projection. */
typedef struct PlanCalc {
    const Expr *filter;       /* NULL: all rows */
    const Expr **projections; /* one per output column */
    /* A -U/+U pair of which the filter keeps one half becomes -D or +I; false where the consumer
     * cannot tell. */
    bool split_updates;
} PlanCalc;

/* op "aggregate": GROUP BY, DISTINCT. Output: the keys, then the aggregates. */
typedef struct PlanAggregateCall {
    BoundAggregate call;
    const uint32_t *arguments; /* input columns */
    uint32_t argument_count;
    int32_t filter; /* BOOLEAN input column, or -1 */
    bool distinct;
} PlanAggregateCall;

typedef struct PlanAggregate {
    const uint32_t *keys; /* input columns; none: one global group */
    uint32_t key_count;
    PlanAggregateCall *calls;
    uint32_t call_count;
    bool input_retracts;
    /* The input are the rows of a local phase: keys, which come first, then what is merged. */
    bool merges;
    int64_t state_ttl_ms;
    /* Mini-batch: each group is told once a bundle. 0: what a batch changes is told at once. */
    int64_t bundle_size;       /* rows that end a bundle */
    int64_t bundle_latency_ms; /* the longest a row waits */
    /* Bounded run: results only at the end; a global aggregate then gives a row without input, and
     * so do grouping sets without keys: the last key is the set's id, the others are NULL. */
    bool final_only;
    const int64_t *empty_sets;
    uint32_t empty_set_count;
} PlanAggregate;

/* op "local_aggregate": the rows of a batch as one row per group: its keys, the states of all calls
 * in one BYTES, and, if the input retracts, by how many rows the group has grown. Spec: a
 * PlanAggregate. */

/* op "expand": every row once per grouping set. Output: the columns passed on, then the keys, NULL
 * where the set leaves them out, then the id of the set. */
typedef struct PlanExpand {
    const uint32_t *passed; /* input columns */
    uint32_t passed_count;
    const uint32_t *keys; /* input columns */
    uint32_t key_count;
    const int64_t *ids; /* bit key_count - 1 - k: the set leaves out key k */
    uint32_t set_count;
} PlanExpand;

/* Windows of time. Times are those of the clock that the windows lie on: TIMESTAMP_LTZ is seen on
 * `zone`'s. */
typedef enum PlanWindowKind {
    PLAN_WINDOW_TUMBLE,
    PLAN_WINDOW_HOP,
    PLAN_WINDOW_CUMULATE,
    PLAN_WINDOW_SESSION,
    PLAN_WINDOW_ATTACHED /* the rows carry start and end of their window */
} PlanWindowKind;

typedef struct PlanWindow {
    PlanWindowKind kind;
    bool on_clock;         /* processing time: a row's time is when it comes */
    uint32_t time_column;  /* ATTACHED: the window's end; up to 6 digits */
    uint32_t start_column; /* ATTACHED: the window's start */
    int64_t size_us;       /* SESSION: the gap */
    int64_t slide_us;      /* HOP: from window to window; CUMULATE: the step */
    int64_t offset_us;
    int64_t tick_us;      /* the least distance of two event times: 1,000 for up to 3 digits */
    const TimeZone *zone; /* of TIMESTAMP_LTZ; NULL: as is */
} PlanWindow;

/* op "window_tvf": every row once per window it lies in. Output: the input's columns, then start
 * and end of the window as TIMESTAMP(3) on its clock, then its last millisecond as the time column
 * has it. Never SESSION or ATTACHED. Spec: a PlanWindow. */

/* op "session_tvf": the same of SESSION: rows are given when their session is over. */
typedef struct PlanSessionTvf {
    PlanWindow window;
    const uint32_t *partition; /* input columns; none: all rows are of one key */
    uint32_t partition_count;
    bool retracts;
    bool final_only; /* bounded run: no row is late, results only at the end */
} PlanSessionTvf;

/* op "window_aggregate": an aggregate per key and window, given once when the watermark passes the
 * window's end. Output: the keys, the aggregates, then the properties. */
typedef enum PlanWindowProperty {
    PLAN_WINDOW_START, /* TIMESTAMP(3) of the windows' clock */
    PLAN_WINDOW_END,
    PLAN_WINDOW_TIME, /* end - 1 ms as the time column has it: an event time again */
    PLAN_WINDOW_CLOCK /* the processing time at which the window was given */
} PlanWindowProperty;

/* op "local_window_aggregate": the rows of a batch as one row per group and slice of its windows.
 * Output: the keys, the states of all calls in one BYTES, the time column, of sessions the time of
 * their latest row, of ATTACHED the start column, then the columns that calls read. Where the
 * states are NULL it is a row as it came; else what calls read is NULL. */
typedef struct PlanLocalWindow {
    PlanAggregate aggregate;
    PlanWindow window;
    const uint32_t *passed; /* input columns that calls read, and that are not in the output yet */
    uint32_t passed_count;
} PlanLocalWindow;

/* op "window_live": the same, but windows are given before they end and again afterwards. */
typedef struct PlanWindowEmit {
    int64_t early_us;    /* before the end; 0: with every row; negative: not at all */
    int64_t late_us;     /* after it; 0 or negative: with every row */
    int64_t lateness_us; /* how long after its end a window takes rows */
} PlanWindowEmit;

typedef struct PlanWindowAggregate {
    PlanAggregate aggregate;
    PlanWindow window;
    const PlanWindowProperty *properties;
    uint32_t property_count;
    const PlanWindowEmit *emit; /* NULL: once, when it ends */
} PlanWindowAggregate;

/* op "unnest": a row for each element of a list. Output: the columns passed on, then the element's:
 * the fields of a ROW, key and value of a MAP's entry, or itself; then its number, from 1. */
typedef struct PlanUnnest {
    const uint32_t *passed; /* input columns */
    uint32_t passed_count;
    uint32_t list; /* input column: ARRAY, MAP or MULTISET */
    bool ordinality;
    bool outer; /* a row with NULLs for a list without elements */
    /* With `outer`: over the output; elements for which it is not TRUE do not count. NULL: all do.
     */
    const Expr *condition;
} PlanUnnest;

/* op "join": regular join; output: left columns, then right columns; of SEMI and ANTI left columns
 * only; of MARK left columns and a BOOLEAN that says whether the row has a match. */
typedef enum PlanJoinKind {
    PLAN_JOIN_INNER,
    PLAN_JOIN_LEFT,
    PLAN_JOIN_RIGHT,
    PLAN_JOIN_FULL,
    PLAN_JOIN_SEMI,
    PLAN_JOIN_ANTI,
    PLAN_JOIN_MARK
} PlanJoinKind;

/* How one side's rows are kept; chosen from its unique keys. */
typedef enum PlanJoinSideState {
    PLAN_SIDE_KEY_UNIQUE, /* the join key is unique: one row per key */
    PLAN_SIDE_HAS_UNIQUE, /* `unique` is: rows by it */
    PLAN_SIDE_NO_UNIQUE,  /* rows with a count */
    PLAN_SIDE_APPENDS     /* rows, each by itself: none is ever taken back */
} PlanJoinSideState;

typedef struct PlanJoinSide {
    const uint32_t *keys; /* equal in number and type on both sides */
    PlanJoinSideState state;
    ColumnSet unique;
    bool retracts;
    int64_t state_ttl_ms; /* 0: none */
} PlanJoinSide;

typedef struct PlanJoin {
    PlanJoinKind kind;
    PlanJoinSide sides[2];
    uint32_t key_count;
    const bool *null_matches; /* per key: IS NOT DISTINCT FROM */
    const Expr *condition;    /* over left and right columns; NULL: none */
    /* LEFT: more than one match for a row, while an epoch or the input ends, is an error. */
    bool single;
    int64_t sql_offset, sql_length; /* of what may give one row only */
} PlanJoin;

/* op "multi_join": several inputs joined on one key; output: their columns, input by input. */
typedef struct PlanMultiJoin {
    const PlanJoinSide *sides; /* by input */
    const bool *is_left;       /* by input: joined by LEFT, not INNER; never the first */
    uint32_t key_count;
} PlanMultiJoin;

/* op "set_operation": INTERSECT and EXCEPT; both inputs have the output's physical types. */
typedef struct PlanSetOperation {
    bool except; /* else INTERSECT */
    bool all;    /* a row counts as often as it occurs */
    int64_t state_ttl_ms;
} PlanSetOperation;

/* op "interval_join": a join whose condition also bounds the distance in time of the two rows, both
 * of inputs that only insert: lower_us <= left time - right time <= upper_us. */
typedef struct PlanIntervalJoin {
    PlanJoin join; /* INNER, LEFT, RIGHT or FULL; how sides keep rows is not used */
    uint32_t times[2];
    bool is_processing; /* rows are of the time they come, the bounds hold on the clock */
    int64_t lower_us;
    int64_t upper_us;
    int64_t min_cleanup_us; /* rows stay this much longer */
    bool keeps[2];          /* INNER: rows of that side stay for ever */
} PlanIntervalJoin;

/* op "temporal_join": each left row with the version that the right side's row of its key had at
 * the left row's time. The keys hold a unique key of the right side. */
typedef struct PlanTemporalJoin {
    PlanJoin join; /* INNER or LEFT; how sides keep rows is not used */
    uint32_t times[2];
} PlanTemporalJoin;

/* op "window_join": joins the rows of one window when it ends; no side's row is ever taken back. */
typedef struct PlanWindowJoin {
    PlanJoin join;        /* any kind but MARK; how sides keep rows is not used */
    uint32_t end_key;     /* which key is the window's end */
    const TimeZone *zone; /* of its clock, as PlanWindow's */
} PlanWindowJoin;

/* op "late_rows": what came too late for its inputs: operator, watermark, row as text. No spec. */

/* op "union": UNION ALL; inputs have the output's physical types. No spec. */

/* op "normalize": ChangelogNormalize: upserts or duplicates by key to a proper changelog. */
typedef struct PlanNormalize {
    ColumnSet key;
    int64_t state_ttl_ms;
} PlanNormalize;

/* op "mini_batch": one change per key and bundle. */
typedef struct PlanMiniBatch {
    ColumnSet key;
    int64_t size;       /* changes that end a bundle */
    int64_t latency_ms; /* the longest a change waits */
    bool halves;        /* a +U may come without its -U: the row is new then */
    bool waits;         /* a -U and its +U may stand apart: no bundle ends between them */
    bool keeps_alive;   /* the rows below have a TTL: a row that is what it was is told, too */
} PlanMiniBatch;

/* op "drop_update_before": removes -U. No spec. */

/* op "materialize": the sink's upsert materializer: last row per sink key from unordered changes.
 */
typedef enum PlanConflict {
    PLAN_CONFLICT_LAST,    /* DO DEDUPLICATE */
    PLAN_CONFLICT_NOTHING, /* the first stays */
    PLAN_CONFLICT_ERROR
} PlanConflict;

typedef struct PlanMaterialize {
    ColumnSet key;        /* the sink's primary key */
    ColumnSet upsert_key; /* of the input; count 0: whole row */
    PlanConflict conflict;
    int64_t state_ttl_ms;
} PlanMaterialize;

/* op "limit": LIMIT and OFFSET over any changelog, in order of arrival. */
typedef struct PlanLimit {
    uint64_t offset;
    uint64_t limit; /* UINT64_MAX: none */
    int64_t state_ttl_ms;
} PlanLimit;

/* op "sort": ORDER BY of a bounded run; with limit a Top-N. */
typedef struct PlanSortKey {
    uint32_t column;
    bool descending;
    bool nulls_last;
} PlanSortKey;

typedef struct PlanSort {
    const PlanSortKey *keys;
    uint32_t key_count;
    uint64_t offset;
    uint64_t limit;
} PlanSort;

/* op "over": window functions. Output: the input's columns, then the calls. */
typedef enum PlanBoundKind {
    PLAN_BOUND_UNBOUNDED_PRECEDING,
    PLAN_BOUND_PRECEDING,
    PLAN_BOUND_CURRENT_ROW, /* RANGE: with all rows equal to it */
    PLAN_BOUND_FOLLOWING,
    PLAN_BOUND_UNBOUNDED_FOLLOWING
} PlanBoundKind;

typedef struct PlanFrameBound {
    PlanBoundKind kind;
    int64_t rows; /* ROWS: the distance */
    /* RANGE: the distance, not negative; one value: BIGINT over integers, DECIMAL of the scale of
     * the ordered column, DOUBLE, or an INTERVAL over dates and times. */
    const Vector *distance;
} PlanFrameBound;

typedef struct PlanFrame {
    bool by_rows; /* ROWS, else RANGE */
    PlanFrameBound start;
    PlanFrameBound end;
} PlanFrame;

/* How the values of a frame become one. */
typedef enum PlanOverFold {
    PLAN_FOLD_NONE,     /* no aggregate: a place in the partition, or the value of a row */
    PLAN_FOLD_FORWARD,  /* from the partition's first row on: frames that start there */
    PLAN_FOLD_BACKWARD, /* from its last row back: frames that end there */
    PLAN_FOLD_SLIDE,    /* rows are added and taken away as the frame moves on */
    PLAN_FOLD_ANEW      /* every frame by itself: what cannot take away without loss */
} PlanOverFold;

typedef struct PlanOverCall {
    WindowKind kind;
    PlanOverFold fold;
    BoundAggregate aggregate;  /* fold is not NONE */
    const uint32_t *arguments; /* input columns */
    uint32_t argument_count;
    int32_t filter; /* BOOLEAN input column, or -1 */
    /* Of the rows of a frame with equal arguments the first counts; fold is FORWARD or ANEW. */
    bool distinct;
    bool ignore_nulls;
    int64_t number; /* NTILE: groups; LAG, LEAD: rows away; NTH_VALUE: which row */
    PlanFrame frame;
    const Type *type;
} PlanOverCall;

typedef struct PlanOver {
    const uint32_t *partition; /* input columns; none: all rows are one partition */
    uint32_t partition_count;
    const PlanSortKey *order; /* none: order of arrival, all rows equal */
    uint32_t order_count;
    PlanOverCall *calls;
    uint32_t call_count;
    int64_t state_ttl_ms;
    /* Bounded run: results only at the end. */
    bool final_only;
} PlanOver;

/* op "time_over": the same along a time attribute, over rows that only come: a row leaves once,
 * when nothing can come before it any more. The first order column is the attribute, ascending;
 * frames end with the current row. RANGE with a distance has an interval of days to seconds. */
typedef struct PlanTimeOver {
    PlanOver over;
    bool on_clock; /* processing time: a row's time is when it comes */
} PlanTimeOver;

/* Calls a node has at most. */
#define PLAN_OVER_CALLS_MAX 64

/* op "rank": rows whose ROW_NUMBER, RANK or DENSE_RANK in their partition lies in a range; output:
 * the input's columns, then the number (BIGINT) when it is wanted. Also ORDER BY with LIMIT over a
 * stream. */
typedef enum PlanRankFunction {
    PLAN_RANK_ROW_NUMBER,
    PLAN_RANK_RANK,
    PLAN_RANK_DENSE_RANK
} PlanRankFunction;

typedef enum PlanRankStrategy {
    PLAN_RANK_APPEND, /* rows only come: what falls behind the range is forgotten */
    PLAN_RANK_UPDATE, /* rows come and get better by `row_key`: the same */
    PLAN_RANK_RETRACT /* all rows are kept */
} PlanRankStrategy;

typedef struct PlanRank {
    PlanRankFunction function;
    PlanRankStrategy strategy;
    const uint32_t *partition;
    uint32_t partition_count;
    const PlanSortKey *order;
    uint32_t order_count;
    uint64_t first;      /* numbers count from 1 */
    uint64_t last;       /* UINT64_MAX: none */
    int32_t last_column; /* column of the partition whose value ends the range; -1: `last` does */
    uint64_t last_less;  /* what is taken off that value: 1 for `<` */
    bool with_number;
    ColumnSet row_key; /* UPDATE */
    int64_t state_ttl_ms;
    bool final_only; /* bounded run: results only at the end */
} PlanRank;

/* op "window_rank": Top-N per window, given when the window ends. */
typedef struct PlanWindowRank {
    PlanRank rank;        /* APPEND or RETRACT */
    uint32_t end_at;      /* which column of the partition is the window's end */
    const TimeZone *zone; /* of its clock, as PlanWindow's */
    bool later_wins;      /* of rows that are equal in the order */
} PlanWindowRank;

/* op "deduplicate": one row per key, replaced by one that comes before it in the order. */
typedef struct PlanDeduplicate {
    const uint32_t *key;
    uint32_t key_count;
    const PlanSortKey *order; /* none: by arrival */
    uint32_t order_count;
    bool later_wins;      /* of rows that are equal in the order */
    bool drops_unchanged; /* a row that equals the one before is no change */
    ColumnSet row_key;    /* a row with the same values here is a new version; count 0: none */
    int64_t state_ttl_ms;
} PlanDeduplicate;

/* op "first_row": the row of each key with the smallest event time, when the watermark reaches it.
 */
typedef struct PlanFirstRow {
    const uint32_t *key;
    uint32_t key_count;
    uint32_t time; /* the event-time column */
    int64_t state_ttl_ms;
} PlanFirstRow;

/* op "sink": hands rows to a connector, or, with connector NULL, to whoever runs the query. */
typedef struct PlanSink {
    const Connector *connector;
    TableInfo table;
    const char *sink_id;
    ChangeKinds takes;        /* -U is dropped when not in it */
    const uint32_t *not_null; /* columns whose NULL is an error (or drops the row) */
    uint32_t not_null_count;
    bool drop_null_rows;     /* table.exec.sink.not-null-enforcer = DROP */
    const uint32_t *lengths; /* columns whose length is checked, as the table has it */
    uint32_t length_count;
    uint32_t number; /* of the INSERT in the statement, from 0 */
    uint64_t since;  /* epoch with which the INSERT joined the job; 0: its beginning */
} PlanSink;

typedef struct Plan {
    Arena *arena;
    PlanNode **nodes; /* topological */
    uint32_t node_count;
    uint32_t max_parallelism;
    Str sql;           /* the statement, for run-time errors */
    int64_t sql_start; /* where it began in its script: what sql_offset of nodes and expressions
                          counts from is the script's beginning */
} Plan;

void plan_free(Plan *plan);

/* EXPLAIN: the tree as text; with `changelog_mode` each node's kinds, keys, state. */
void plan_explain(const Plan *plan, bool changelog_mode, Buffer *out);
/* The plan as JSON: what a checkpoint keeps and what is compared on restore. */
void plan_print_json(const Plan *plan, Buffer *out);

#endif
