/* One statement in, one effect out. The public API's verbs on a session; what a statement of each
 * kind does. */
#include "session/session_internal.h"

#include <stdio.h>

#include "core/changelog_text.h"
#include "core/str.h"
#include "functions/user.h"

const char *weir_version(void)
{
    return WEIR_VERSION;
}

/* ------------------------------------------------------------ configuration */

/* The zone is opened again only when its name changed: results borrow it. */
bool session_zone(WeirSession *session, const TimeZone **zone, Error *error)
{
    const char *name = config_get(session->config, "table.local-time-zone");
    if (session->zone_name != NULL && strcmp(session->zone_name, name) == 0) {
        *zone = session->zone;
        return true;
    }
    const TimeZone *opened = strcmp(name, "default") == 0
                                 ? time_zone_local(session->zone_arena)
                                 : time_zone_open(session->zone_arena, name, error);
    if (opened == NULL)
        return false;
    session->zone = opened;
    memory_free(session->zone_name);
    session->zone_name = memory_strdup(name);
    *zone = opened;
    return true;
}

void session_notice(void *to, const char *text)
{
    WeirSession *session = to;
    if (session->on_notice != NULL)
        session->on_notice(session->notice_user, text);
    else
        fprintf(stderr, "weir: %s\n", text);
}

/* -1: not set. */
static int64_t duration_or_unset(const Config *config, const char *key)
{
    return config_get(config, key) == NULL ? -1 : config_duration_ms(config, key);
}

PlannerConfig session_planner_config(WeirSession *session, const TimeZone *zone)
{
    const Config *config = session->config;
    return (PlannerConfig){
        .zone = zone,
        .bounded_run = text_equal_nocase(config_get(config, "execution.runtime-mode"), "BATCH"),
        .state_ttl_ms = config_duration_ms(config, "table.exec.state.ttl"),
        .mini_batch = config_boolean(config, "table.exec.mini-batch.enabled"),
        .mini_batch_latency_ms = config_duration_ms(config, "table.exec.mini-batch.allow-latency"),
        .mini_batch_size = config_integer(config, "table.exec.mini-batch.size"),
        .split_distinct = config_boolean(config, "table.optimizer.distinct-agg.split.enabled"),
        .split_buckets = config_integer(config, "table.optimizer.distinct-agg.split.bucket-num"),
        .agg_phase = config_get(config, "table.optimizer.agg-phase-strategy"),
        .parallelism = (uint32_t)config_integer(config, "parallelism.default"),
        .not_null_drop =
            text_equal_nocase(config_get(config, "table.exec.sink.not-null-enforcer"), "DROP"),
        .length_enforcer = config_get(config, "table.exec.sink.type-length-enforcer"),
        .require_on_conflict = config_boolean(config, "table.exec.sink.require-on-conflict"),
        .upsert_materialize = config_get(config, "table.exec.sink.upsert-materialize"),
        .multi_join = config_get(config, "table.optimizer.multi-join.enabled"),
        .cdc_events_duplicate = config_boolean(config, "table.exec.source.cdc-events-duplicate"),
        .watermark_interval_ms = config_duration_ms(config, "pipeline.auto-watermark-interval"),
        .interval_cleanup_ms =
            config_duration_ms(config, "table.exec.interval-join.min-cleanup-interval"),
        .early_fire = config_boolean(config, "table.exec.emit.early-fire.enabled"),
        .late_fire = config_boolean(config, "table.exec.emit.late-fire.enabled"),
        .early_fire_ms = duration_or_unset(config, "table.exec.emit.early-fire.delay"),
        .late_fire_ms = duration_or_unset(config, "table.exec.emit.late-fire.delay"),
        .allow_lateness_ms = duration_or_unset(config, "table.exec.emit.allow-lateness"),
        .late_rows_table = config_get(config, "table.exec.late-rows.table"),
        .source_idle_ms = config_duration_ms(config, "table.exec.source.idle-timeout"),
        .drops_bad_rowtime =
            text_equal_nocase(config_get(config, "table.exec.source.bad-rowtime"), "DROP"),
        .ignores_updates = text_equal_nocase(
            config_get(config, "table.optimizer.non-deterministic-update.strategy"), "IGNORE"),
        .lookup_capacity =
            (uint32_t)config_integer(config, "table.exec.async-lookup.buffer-capacity"),
        .lookup_unordered = text_equal_nocase(
            config_get(config, "table.exec.async-lookup.output-mode"), "ALLOW_UNORDERED"),
        .lookup_timeout_ms = config_duration_ms(config, "table.exec.async-lookup.timeout"),
        .max_parallelism = (uint32_t)config_integer(config, "pipeline.max-parallelism"),
        .functions = session->functions,
        .clock = session_clock(session),
    };
}

static bool session_set_value(WeirSession *session, const char *key, const char *value,
                              Error *error)
{
    /* A zone that does not exist is refused where it is set, not where it is first used. */
    if (strcmp(key, "table.local-time-zone") == 0 && strcmp(value, "default") != 0 &&
        time_zone_open(session->zone_arena, value, error) == NULL)
        return false;
    return config_set(session->config, key, value, error);
}

WeirStatus weir_set(WeirSession *session, const char *key, const char *value)
{
    Error error = {0};
    if (key == NULL || value == NULL) {
        error_set(&error, ERROR_OPTION, "an option has a key and a value: neither may be NULL");
        return session_fail(session, &error, NULL);
    }
    if (!session_set_value(session, key, value, &error))
        return session_fail(session, &error, NULL);
    return WEIR_OK;
}

const char *weir_get(WeirSession *session, const char *key)
{
    return key == NULL ? NULL : config_get(session->config, key);
}

void weir_default_name(WeirSession *session, const char *name)
{
    config_set_default(session->config, "pipeline.name", name);
}

void weir_start_fresh(WeirSession *session, bool fresh)
{
    session->fresh = fresh;
}

void weir_on_text(WeirSession *session, WeirTextCallback callback, void *user)
{
    session->on_text = callback;
    session->text_user = user;
}

void weir_on_notice(WeirSession *session, WeirNoticeCallback callback, void *user)
{
    session->on_notice = callback;
    session->notice_user = user;
}

/* ------------------------------------------------------------------- errors */

WeirStatus session_fail(WeirSession *session, const Error *error, const StatementText *text)
{
    session->error = *error;
    buffer_clear(&session->error_text);
    error_text_print(error, text, &session->error_text);
    return WEIR_ERROR;
}

const char *weir_error_message(WeirSession *session)
{
    return buffer_text(&session->error_text);
}

const char *weir_error_code(WeirSession *session)
{
    return error_code_name(session->error.code);
}

void weir_interrupt(WeirSession *session, bool cancel)
{
    session->interrupt = cancel ? 2 : 1;
}

/* --------------------------------------------------------------- statements */

int weir_next_statement(const char *script, size_t length, size_t *offset, size_t *start,
                        size_t *end)
{
    bool incomplete = false;
    if (parser_next_statement((Str){script, length}, offset, start, end, &incomplete))
        return 1;
    return incomplete ? -1 : 0;
}

/* Name of a job without pipeline.name: what Flink would call it, without the catalog. */
static const char *job_default_name(const WeirSession *session, const AstStatement *statement,
                                    Arena *arena)
{
    const char *name = config_get(session->config, "pipeline.name");
    if (name != NULL)
        return name;
    if (statement->kind == AST_STATEMENT_QUERY)
        return "collect";
    Buffer text = {0};
    buffer_append_text(&text, "insert-into");
    for (uint32_t i = 0; i < statement->insert_count; i++) {
        const AstName *table = &statement->inserts[i].table;
        buffer_printf(&text, "_%s", table->parts[table->part_count - 1]);
    }
    name = arena_strdup(arena, buffer_text(&text));
    buffer_deinit(&text);
    return name;
}

static const Schema *plan_result_schema(const Plan *plan)
{
    for (uint32_t i = 0; i < plan->node_count; i++) {
        const PlanNode *node = plan->nodes[i];
        if (strcmp(node->op, "sink") == 0 && ((const PlanSink *)node->spec)->connector == NULL)
            return node->inputs[0].node->schema;
    }
    return NULL;
}

static bool plan_is_bounded(const Plan *plan)
{
    for (uint32_t i = 0; i < plan->node_count; i++) {
        if (!plan->nodes[i]->traits.bounded)
            return false;
    }
    return true;
}

static WeirResult *execute_job(WeirSession *session, const AstStatement *statement, Str script,
                               Arena *arena, Error *error)
{
    const TimeZone *zone;
    if (!session_zone(session, &zone, error))
        return NULL;
    PlannerConfig config = session_planner_config(session, zone);
    Plan *plan = planner_plan(session->catalog, statement, script, &config, error);
    if (plan == NULL)
        return NULL;
    bool is_query = statement->kind == AST_STATEMENT_QUERY;
    WeirResult *result = result_new(session, is_query ? WEIR_RESULT_QUERY : WEIR_RESULT_JOB);
    if (is_query)
        result->schema = schema_copy(result->arena, plan_result_schema(plan));
    bool bounded = plan_is_bounded(plan);
    const char *name = job_default_name(session, statement, arena);
    result->job = session_start_job(session, plan, statement, script, name, error);
    if (result->job == NULL) {
        result->kind = WEIR_RESULT_DONE;
        weir_result_free(result);
        return NULL;
    }
    /* What is fed by hand ends when the feeder says so. */
    result->bounded = bounded && result->job->fed_count == 0;
    return result;
}

/* CREATE TABLE … AS SELECT: the table stays only if the job starts. */
static WeirResult *execute_create_as(WeirSession *session, const AstStatement *statement,
                                     Str script, Arena *arena, Error *error)
{
    const TimeZone *zone;
    if (!session_zone(session, &zone, error))
        return NULL;
    PlannerConfig config = session_planner_config(session, zone);
    const AstStatement *insert;
    if (!catalog_create_as(session->catalog, statement, script, &config, arena, &insert, error))
        return NULL;
    if (insert == NULL)
        return result_new(session, WEIR_RESULT_DONE);
    WeirResult *result = execute_job(session, insert, script, arena, error);
    if (result == NULL)
        catalog_undo_create(session->catalog, statement);
    return result;
}

/* Whether the statement fills the table that it makes. */
static bool is_create_as(const AstStatement *statement)
{
    return statement->kind == AST_STATEMENT_CREATE_TABLE &&
           statement->create_table->as_query != NULL;
}

/* The plan of what the statement would run. */
static Plan *explained_plan(WeirSession *session, const AstStatement *explained, Str script,
                            const PlannerConfig *config, Arena *arena, Error *error)
{
    if (!is_create_as(explained))
        return planner_plan(session->catalog, explained, script, config, error);
    const AstStatement *insert;
    if (!catalog_create_as(session->catalog, explained, script, config, arena, &insert, error))
        return NULL;
    if (insert == NULL) {
        error_set(error, ERROR_NAME, "the table exists already, so nothing would run");
        return NULL;
    }
    Plan *plan = planner_plan(session->catalog, insert, script, config, error);
    catalog_undo_create(session->catalog, explained);
    return plan;
}

typedef struct Advice {
    Buffer *text;
    uint32_t count;
} Advice;

static void add_advice(void *to, const char *text)
{
    Advice *advice = to;
    buffer_printf(advice->text, "%sadvice[%u]: %s\n", advice->count == 0 ? "\n" : "",
                  advice->count + 1, text);
    advice->count++;
}

static WeirResult *execute_explain(WeirSession *session, const AstStatement *statement, Str script,
                                   Arena *arena, Error *error)
{
    const TimeZone *zone;
    if (!session_zone(session, &zone, error))
        return NULL;
    PlannerConfig config = session_planner_config(session, zone);
    Plan *plan = explained_plan(session, statement->explained, script, &config, arena, error);
    if (plan == NULL)
        return NULL;
    Buffer text = {0};
    if (statement->explain_json)
        plan_print_json(plan, &text);
    else
        plan_explain(plan, statement->explain_changelog_mode, &text);
    if (statement->explain_advice && !statement->explain_json) {
        Advice advice = {&text, 0};
        plan_say_growth(plan, add_advice, &advice);
        if (advice.count == 0)
            buffer_append_text(&text, "\nno advice: nothing grows with the length of the input\n");
    }
    plan_free(plan);
    WeirResult *result = result_new(session, WEIR_RESULT_ROWS);
    result_set_columns(result, &(const char *){"result"}, 1);
    result_add_row(result, &(const char *){buffer_text(&text)});
    buffer_deinit(&text);
    return result;
}

static WeirResult *execute_ddl(WeirSession *session, const AstStatement *statement, Str script,
                               Error *error)
{
    const TimeZone *zone;
    if (!session_zone(session, &zone, error))
        return NULL;
    PlannerConfig config = session_planner_config(session, zone);
    if (!catalog_apply(session->catalog, statement, script, &config, error))
        return NULL;
    return result_new(session, WEIR_RESULT_DONE);
}

static WeirResult *execute_set(WeirSession *session, const AstStatement *statement, Error *error)
{
    if (statement->key == NULL)
        return session_list_config(session);
    if (statement->value == NULL ||
        !session_set_value(session, statement->key, statement->value, error)) {
        if (statement->value != NULL)
            error_at(error, statement->place.offset, statement->place.length);
        return NULL;
    }
    return result_new(session, WEIR_RESULT_DONE);
}

static WeirResult *execute_reset(WeirSession *session, const AstStatement *statement, Error *error)
{
    if (!config_reset(session->config, statement->key, error)) {
        error_at(error, statement->place.offset, statement->place.length);
        return NULL;
    }
    return result_new(session, WEIR_RESULT_DONE);
}

static WeirResult *execute_stop_job(WeirSession *session, const AstStatement *statement,
                                    Error *error)
{
    SessionJob *job = session_find_job(session, statement, error);
    if (job == NULL)
        return NULL;
    if (statement->with_savepoint)
        return session_save_job(session, job, statement, error);
    if (job->job != NULL) {
        job_stop(job->job, statement->with_drain);
        job_wait(job->job, -1);
        session_job_reap(job);
    }
    return result_new(session, WEIR_RESULT_DONE);
}

static WeirResult *execute_statement(WeirSession *session, const AstStatement *statement,
                                     Str script, Arena *arena, Error *error)
{
    switch (statement->kind) {
    case AST_STATEMENT_QUERY:
    case AST_STATEMENT_INSERT:
    case AST_STATEMENT_SET:
        return execute_job(session, statement, script, arena, error);
    case AST_STATEMENT_CREATE_TABLE:
        if (is_create_as(statement))
            return execute_create_as(session, statement, script, arena, error);
        return execute_ddl(session, statement, script, error);
    case AST_STATEMENT_CREATE_VIEW:
    case AST_STATEMENT_ALTER:
    case AST_STATEMENT_DROP:
    case AST_STATEMENT_USE:
        return execute_ddl(session, statement, script, error);
    case AST_STATEMENT_FUNCTION:
        return session_apply_function(session, statement->function, error);
    case AST_STATEMENT_SET_OPTION:
        return execute_set(session, statement, error);
    case AST_STATEMENT_RESET:
        return execute_reset(session, statement, error);
    case AST_STATEMENT_SHOW:
        return session_show(session, statement, error);
    case AST_STATEMENT_DESCRIBE:
        return session_describe(session, statement, error);
    case AST_STATEMENT_EXPLAIN:
        return execute_explain(session, statement, script, arena, error);
    case AST_STATEMENT_STOP_JOB:
        return execute_stop_job(session, statement, error);
    case AST_STATEMENT_HELP:
        return result_new(session, WEIR_RESULT_HELP);
    case AST_STATEMENT_QUIT:
        return result_new(session, WEIR_RESULT_QUIT);
    case AST_STATEMENT_CLEAR:
        return result_new(session, WEIR_RESULT_CLEAR);
    }
    error_set(error, ERROR_INTERNAL, "statement kind %d has no execution", (int)statement->kind);
    return NULL;
}

/* INSERT waits for its job when table.dml-sync says so. */
static WeirStatus finish_synchronously(WeirSession *session, WeirResult *result)
{
    if (result->kind != WEIR_RESULT_JOB || !config_boolean(session->config, "table.dml-sync"))
        return WEIR_OK;
    return weir_next(result, -1) == WEIR_STEP_ERROR ? WEIR_ERROR : WEIR_OK;
}

WeirStatus weir_execute(WeirSession *session, const char *script, size_t length, size_t start,
                        size_t end, const char *file, WeirResult **out)
{
    Error error = {0};
    Str text = {script, length};
    WeirResult *ignored = NULL;
    if (out == NULL)
        out = &ignored;
    *out = NULL;
    if (start > end || end > length) {
        error_set(&error, ERROR_SYNTAX, "the statement's place lies outside the script");
        return session_fail(session, &error, NULL);
    }
    session->error.code = ERROR_NONE;
    buffer_clear(&session->error_text);
    Arena *arena = arena_new(16 << 10);
    const AstStatement *statement = parser_parse(text, start, end, arena, &error);
    WeirResult *result = NULL;
    if (statement != NULL)
        result = execute_statement(session, statement, text, arena, &error);
    arena_free(arena);
    StatementText place = {text, start, end, file};
    if (result == NULL)
        return session_fail(session, &error, &place);
    if (result->job != NULL)
        session_job_place(result->job, &place);
    if (finish_synchronously(session, result) != WEIR_OK) {
        weir_result_free(result);
        return WEIR_ERROR;
    }
    *out = result;
    weir_result_free(ignored);
    return WEIR_OK;
}

WeirStatus weir_execute_text(WeirSession *session, const char *sql, WeirResult **result)
{
    size_t length = sql == NULL ? 0 : strlen(sql), offset = 0, start = 0, end = 0;
    if (result != NULL)
        *result = NULL;
    if (weir_next_statement(sql, length, &offset, &start, &end) == 0) {
        Error error = {0};
        error_set(&error, ERROR_SYNTAX, "the text holds no statement");
        return session_fail(session, &error, NULL);
    }
    size_t next = offset, more_start, more_end;
    if (offset > 0 && weir_next_statement(sql, length, &next, &more_start, &more_end) != 0) {
        Error error = {0};
        error_set(&error, ERROR_SYNTAX, "the text holds more than one statement");
        error_hint(&error, "Split it with weir_next_statement.");
        return session_fail(session, &error, NULL);
    }
    return weir_execute(session, sql, length, start, end == 0 ? length : end, NULL, result);
}

bool weir_starts_job(const char *script, size_t length, size_t start, size_t end)
{
    Error error = {0};
    Arena *arena = arena_new(16 << 10);
    const AstStatement *statement = parser_parse((Str){script, length}, start, end, arena, &error);
    bool starts =
        statement != NULL &&
        (statement->kind == AST_STATEMENT_QUERY || statement->kind == AST_STATEMENT_INSERT ||
         statement->kind == AST_STATEMENT_SET || is_create_as(statement));
    arena_free(arena);
    return starts;
}

/* --------------------------------------------------------------------- jobs */

uint32_t weir_jobs(WeirSession *session, WeirJobStatus *out, uint32_t capacity)
{
    for (uint32_t i = 0; i < session->job_count && i < capacity; i++)
        session_job_describe(session->jobs[i], &out[i]);
    return session->job_count;
}

/* Looks at every job once: counts those that run, reports one that has failed. */
static WeirStatus session_look_at_jobs(WeirSession *session, uint32_t *running)
{
    *running = 0;
    for (uint32_t i = 0; i < session->job_count; i++) {
        SessionJob *job = session->jobs[i];
        if (!session_job_ended(job)) {
            (*running)++;
            continue;
        }
        if (job->collector != NULL)
            continue; /* its own result tells how it ended */
        session_job_reap(job);
        if (job->error.code == ERROR_NONE || job->reported)
            continue;
        job->reported = true;
        return session_job_fail(job);
    }
    return WEIR_OK;
}

WeirStatus weir_wait(WeirSession *session, int64_t timeout_ms)
{
    int64_t deadline = clock_monotonic_us() + timeout_ms * 1000;
    for (;;) {
        session_apply_interrupt(session, NULL);
        uint32_t running;
        if (session_look_at_jobs(session, &running) != WEIR_OK)
            return WEIR_ERROR;
        if (running == 0)
            return WEIR_OK;
        if (timeout_ms >= 0 && clock_monotonic_us() >= deadline)
            return WEIR_INTERRUPTED;
        for (uint32_t i = 0; i < session->job_count; i++) {
            if (session->jobs[i]->job != NULL) {
                job_wait(session->jobs[i]->job, 10);
                break;
            }
        }
    }
}

/* ------------------------------------------------------------------ feeding */

static Batch *feed_parse(WeirSession *session, const Schema *schema, const char *rows, Error *error)
{
    Batch *batch = batch_new(schema, BATCH_ROWS_MAX);
    Str rest = str_of(rows);
    while (rest.length > 0) {
        const char *newline = memchr(rest.data, '\n', rest.length);
        size_t length = newline == NULL ? rest.length : (size_t)(newline - rest.data);
        Str line = str_trim((Str){rest.data, length});
        rest.data += length + (newline != NULL);
        rest.length -= length + (newline != NULL);
        if (line.length == 0)
            continue;
        if (batch->row_count == BATCH_ROWS_MAX) {
            error_set(error, ERROR_LIMIT, "more than %d rows in one call", BATCH_ROWS_MAX);
            error_hint(error, "Feed them in several calls.");
            batch_release(batch);
            return NULL;
        }
        if (!changelog_read_row(batch, line, session->zone, error)) {
            error_detail(error, "In the row \"%.*s\".", (int)line.length, line.data);
            batch_release(batch);
            return NULL;
        }
    }
    return batch;
}

static bool job_reads(const SessionJob *job, const char *table)
{
    for (uint32_t i = 0; i < job->fed_count; i++) {
        if (strcmp(job->fed[i], table) == 0)
            return job->job != NULL;
    }
    return false;
}

WeirStatus weir_feed(WeirSession *session, const char *table, const char *rows)
{
    Error error = {0};
    Arena *arena = arena_new(4096);
    const TimeZone *zone;
    const Schema *schema = NULL;
    if (session_zone(session, &zone, &error))
        schema = catalog_table_schema(session->catalog, table, arena, &error);
    Batch *batch = schema == NULL ? NULL : feed_parse(session, schema, rows, &error);
    bool ok = batch != NULL;
    for (uint32_t i = 0; ok && i < session->job_count; i++) {
        if (job_reads(session->jobs[i], table))
            ok = job_feed(session->jobs[i]->job, table, batch_copy(batch), &error);
    }
    batch_release(batch);
    arena_free(arena);
    return ok ? WEIR_OK : session_fail(session, &error, NULL);
}

WeirStatus weir_feed_end(WeirSession *session, const char *table)
{
    Error error = {0};
    for (uint32_t i = 0; i < session->job_count; i++) {
        if (job_reads(session->jobs[i], table) &&
            !job_feed_end(session->jobs[i]->job, table, &error))
            return session_fail(session, &error, NULL);
    }
    return WEIR_OK;
}

WeirStatus weir_feed_watermark(WeirSession *session, const char *table, int64_t watermark_us)
{
    Error error = {0};
    for (uint32_t i = 0; i < session->job_count; i++) {
        if (job_reads(session->jobs[i], table) &&
            !job_feed_watermark(session->jobs[i]->job, table, watermark_us, &error))
            return session_fail(session, &error, NULL);
    }
    return WEIR_OK;
}

void weir_set_clock(WeirSession *session, int64_t now_us)
{
    if (!session->is_hand_clocked)
        clock_hand_init(&session->hand_clock, now_us);
    session->is_hand_clocked = true;
    clock_hand_set(&session->hand_clock, now_us);
    for (uint32_t i = 0; i < session->job_count; i++)
        if (session->jobs[i]->job != NULL)
            job_clock_set(session->jobs[i]->job);
}

WeirStatus weir_settle(WeirSession *session)
{
    Error error = {0};
    for (uint32_t i = 0; i < session->job_count; i++) {
        SessionJob *job = session->jobs[i];
        if (job->job == NULL || job->fed_count == 0)
            continue;
        if (job->collector != NULL)
            collector_set_unbounded(job->collector, true);
        bool settled = job_settle(job->job, &error);
        if (job->collector != NULL)
            collector_set_unbounded(job->collector, false);
        if (!settled)
            return session_fail(session, &error, NULL);
    }
    return WEIR_OK;
}

/* -------------------------------------------------------------- open, close */

WeirSession *weir_open(void)
{
    WeirSession *session = memory_zalloc(sizeof(*session));
    session->config = config_new();
    session->catalog = catalog_new();
    session->functions = user_functions_new();
    session->zone_arena = arena_new(4096);
    return session;
}

void weir_close(WeirSession *session)
{
    if (session == NULL)
        return;
    results_detach(session);
    for (uint32_t i = 0; i < session->job_count; i++)
        session_job_free(session->jobs[i]);
    memory_free(session->jobs);
    catalog_free(session->catalog);
    session_functions_free(session);
    config_free(session->config);
    arena_free(session->zone_arena);
    memory_free(session->zone_name);
    buffer_deinit(&session->error_text);
    memory_free(session);
}
