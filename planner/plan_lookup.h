/* op "lookup_join": each left row with the rows that a table outside has for its key when the row
 * is looked at. Output: left columns, then the columns of `right`.
 *
 * Two ways lead to the rows: single keys are asked for at the connector (NONE, PARTIAL), or the
 * whole table is read and searched here (FULL). */
#ifndef PLANNER_PLAN_LOOKUP_H
#define PLANNER_PLAN_LOOKUP_H

#include "connectors/lookup.h"
#include "planner/plan.h"

typedef enum PlanLookupCache {
    PLAN_LOOKUP_NONE,
    PLAN_LOOKUP_PARTIAL,
    PLAN_LOOKUP_FULL
} PlanLookupCache;

/* When a FULL cache is read again; all 0: never. */
typedef struct PlanLookupReload {
    int64_t interval_ms;
    bool fixed_rate; /* the interval is from start to start */
    int64_t days;    /* by time of day: every so many days */
    int64_t time_of_day_us;
    const TimeZone *zone; /* of the time of day */
} PlanLookupReload;

typedef struct PlanLookupJoin {
    PlanJoinKind kind; /* INNER or LEFT */
    const Connector *connector;
    /* What is read. With FULL the keys are empty: they need not be columns of the table. */
    LookupInfo info;
    const Expr *filter;       /* over the columns read; NULL: all rows */
    const Expr **projections; /* over the columns read; NULL: they are the columns of `right` */
    const Schema *right;
    /* Equal in number and type on both sides; of info.keys, if any, the same in the same order. */
    const uint32_t *left_keys;  /* columns of the input */
    const uint32_t *right_keys; /* columns of `right` */
    const bool *null_matches;   /* IS NOT DISTINCT FROM */
    uint32_t key_count;
    const Expr *condition; /* over left and right columns; NULL: none */

    PlanLookupCache cache;
    int64_t max_rows;              /* PARTIAL: keys; 0: no bound */
    int64_t expire_after_write_ms; /* 0: never */
    int64_t expire_after_access_ms;
    bool caches_missing;
    PlanLookupReload reload; /* FULL */

    int64_t max_retries;   /* of what failed */
    bool waits;            /* not async: a batch is answered before the next one is looked at */
    bool unordered;        /* batches may pass each other */
    uint32_t capacity;     /* calls under way at most */
    int64_t timeout_ms;    /* from a row's arrival to its answer; 0: none */
    int64_t miss_attempts; /* a key without rows is asked for so often altogether; 0: once */
    int64_t miss_delay_ms;

    /* The answers for rows that are there are kept, so that a row is taken back with the answer it
     * was given with; rows are known by `row_key`, columns of the input. */
    bool keeps_answers;
    bool is_spread_by_row; /* rows are spread over the workers by row_key, not by the lookup keys */
    ColumnSet row_key;
    int64_t state_ttl_ms;
} PlanLookupJoin;

#endif
