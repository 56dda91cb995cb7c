/* From syntax tree to plan: the catalog of one session, and the planner over it.
 *
 * A Catalog holds tables and views of one session, immutable definitions in arenas of their own: a
 * plan keeps copies, so dropping a table does not disturb a running job. */
#ifndef PLANNER_PLANNER_H
#define PLANNER_PLANNER_H

#include "parser/ast.h"
#include "planner/plan.h"

typedef struct Catalog Catalog;

Catalog *catalog_new(void);
void catalog_free(Catalog *catalog);

/* What configuration means to planning; the session fills it from SET. */
typedef struct PlannerConfig {
    const TimeZone *zone;           /* table.local-time-zone */
    int64_t state_ttl_ms;           /* table.exec.state.ttl */
    const char *multi_join;         /* table.optimizer.multi-join.enabled; NULL: FALSE */
    bool mini_batch;                /* table.exec.mini-batch.enabled */
    int64_t mini_batch_latency_ms;  /* table.exec.mini-batch.allow-latency */
    int64_t mini_batch_size;        /* table.exec.mini-batch.size */
    const char *agg_phase;          /* table.optimizer.agg-phase-strategy */
    uint32_t parallelism;           /* parallelism.default */
    bool split_distinct;            /* table.optimizer.distinct-agg.split.enabled */
    int64_t split_buckets;          /* table.optimizer.distinct-agg.split.bucket-num */
    bool bounded_run;               /* execution.runtime-mode = batch */
    bool not_null_drop;             /* table.exec.sink.not-null-enforcer */
    const char *length_enforcer;    /* table.exec.sink.type-length-enforcer; NULL: IGNORE */
    bool require_on_conflict;       /* table.exec.sink.require-on-conflict */
    const char *upsert_materialize; /* AUTO, NONE, FORCE */
    bool cdc_events_duplicate;      /* table.exec.source.cdc-events-duplicate */
    int64_t watermark_interval_ms;  /* pipeline.auto-watermark-interval; 0: with each row */
    int64_t interval_cleanup_ms;    /* table.exec.interval-join.min-cleanup-interval */
    bool early_fire, late_fire;     /* table.exec.emit.early-fire.enabled, late-fire.enabled */
    int64_t early_fire_ms;          /* table.exec.emit.early-fire.delay; negative: not set */
    int64_t late_fire_ms;           /* table.exec.emit.late-fire.delay; negative: not set */
    int64_t allow_lateness_ms;      /* table.exec.emit.allow-lateness; negative: not set */
    const char *late_rows_table;    /* table.exec.late-rows.table; NULL: they are counted only */
    int64_t source_idle_ms;         /* table.exec.source.idle-timeout; 0: none */
    bool drops_bad_rowtime;         /* table.exec.source.bad-rowtime */
    bool ignores_updates;           /* table.optimizer.non-deterministic-update.strategy: IGNORE */
    uint32_t lookup_capacity;       /* table.exec.async-lookup.buffer-capacity */
    bool lookup_unordered;          /* table.exec.async-lookup.output-mode: ALLOW_UNORDERED */
    int64_t lookup_timeout_ms;      /* table.exec.async-lookup.timeout */
    uint32_t max_parallelism;
    const struct UserFunctions *functions; /* of the session's own; NULL: none */
    const Clock *clock;
    /* Per INSERT of the statement: the epoch with which it joined the job; 0: from the job's
     * beginning. INSERTs that joined at different epochs share nothing, so that each reads its
     * tables from where it began. NULL: all 0. */
    const uint64_t *since;
    uint32_t since_count;
} PlannerConfig;

/* CREATE TABLE, CREATE VIEW, ALTER, DROP, USE. `script` is the text the tree's offsets point into.
 */
bool catalog_apply(Catalog *catalog, const AstStatement *statement, Str script,
                   const PlannerConfig *config, Error *error) MUST_CHECK;

/* CREATE TABLE … AS SELECT: makes the table, and the INSERT that fills it, in the arena; NULL: the
 * table was there, and IF NOT EXISTS allows that. The second takes the table away again, for an
 * INSERT that cannot be planned. */
bool catalog_create_as(Catalog *catalog, const AstStatement *statement, Str script,
                       const PlannerConfig *config, Arena *arena, const AstStatement **insert,
                       Error *error) MUST_CHECK;
void catalog_undo_create(Catalog *catalog, const AstStatement *statement);

/* Plans a query (its rows go to whoever runs the job), an INSERT or a statement set. */
Plan *planner_plan(Catalog *catalog, const AstStatement *statement, Str script,
                   const PlannerConfig *config, Error *error) MUST_CHECK;

/* The last part of the name, after checking catalog and database before it. NULL with an error. */
const char *catalog_object_name(const AstName *name, Error *error);
/* Whether it is the name of the one catalog, or of the one database there is. */
bool catalog_check_owner(const AstName *name, bool is_catalog, Error *error) MUST_CHECK;
/* Whether queries give the name a meaning of their own: a function that is built in, or a form such
 * as COALESCE or TUMBLE. */
bool planner_has_function(const char *name);

/* Tells, a sentence each, what of the plan's state grows with the length of its input, and what
 * would bound it. */
void plan_say_growth(const Plan *plan, void (*say)(void *to, const char *text), void *to);

/* Names for SHOW, sorted; in the arena. `kind`: "TABLES" (views too), "VIEWS". */
uint32_t catalog_names(const Catalog *catalog, const char *kind, Arena *arena,
                       const char *const **names);

/* DESCRIBE: one row per column. */
typedef struct ColumnInfo {
    const char *name;
    const char *type;
    bool nullable;
    const char *key;       /* "PRI(a, b)" or NULL */
    const char *extras;    /* "AS `a` + 1", "METADATA FROM 'x' VIRTUAL" or NULL */
    const char *watermark; /* "`ts` - INTERVAL '5' SECOND" or NULL */
    const char *comment;
} ColumnInfo;
bool catalog_describe(Catalog *catalog, const AstName *name, const PlannerConfig *config,
                      Arena *arena, const ColumnInfo **columns, uint32_t *count,
                      Error *error) MUST_CHECK;
/* SHOW CREATE TABLE / VIEW: runs as it is printed; secrets are ******. */
bool catalog_show_create(Catalog *catalog, const AstName *name, bool view, Buffer *out,
                         Error *error) MUST_CHECK;

/* Schema of a declared table's physical columns, for feeding it by hand. NULL with an error. */
const Schema *catalog_table_schema(Catalog *catalog, const char *name, Arena *arena,
                                   Error *error) MUST_CHECK;

#endif
