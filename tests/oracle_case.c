/* All that is random about a case comes from its choices; 0 is always the plainest. */
#include "tests/oracle_case.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/oracle_statement.h"

#define FEEDS   6
#define CHANGES 24

typedef struct Case {
    Random *random;
    OraclePlace place;
    Table tables[ORACLE_TABLES];
    OracleStatement statements[ORACLE_STATEMENTS];
    uint32_t statement_count;
    bool restore;       /* killed and restored after every feed */
    char directory[40]; /* "": none was needed */
    bool has_target;    /* SQLite has attached what the INSERTs write */
    Buffer script;      /* the case as a .test file */
} Case;

/* ---------------------------------------------------------------- a folder */

static const char *case_directory(Case *run)
{
    if (run->directory[0] != '\0')
        return run->directory;
    const char *parent = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
    snprintf(run->directory, sizeof(run->directory), "%s/weir-oracle-XXXXXX", parent);
    if (mkdtemp(run->directory) == NULL)
        oracle_stop("could not make a folder", run->directory);
    return run->directory;
}

static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *walk)
{
    (void)status;
    (void)kind;
    (void)walk;
    return remove(path);
}

/* ----------------------------------------------------------------- settings */

static void set(Case *run, const char *key, const char *value)
{
    if (weir_set(run->place.session, key, value) != WEIR_OK)
        oracle_stop(key, weir_error_message(run->place.session));
    buffer_printf(&run->script, "SET '%s' = '%s';\n", key, value);
}

static bool one_in(Case *run, uint32_t bound)
{
    return random_below(run->random, bound) == bound - 1;
}

static void set_mini_batch(Case *run)
{
    set(run, "table.exec.mini-batch.enabled", "true");
    set(run, "table.exec.mini-batch.allow-latency", "1 h");
    set(run, "table.exec.mini-batch.size", one_in(run, 2) ? "5" : "5000");
    if (one_in(run, 2))
        set(run, "table.optimizer.agg-phase-strategy", "TWO_PHASE");
    if (one_in(run, 3)) {
        set(run, "table.optimizer.distinct-agg.split.enabled", "true");
        set(run, "table.optimizer.distinct-agg.split.bucket-num", one_in(run, 2) ? "3" : "1024");
    }
}

/* None of these changes the answer. */
static void configure(Case *run)
{
    static const char *const workers[] = {"1", "1", "2", "3", "4"};
    run->place.batch = one_in(run, 8);
    run->restore = one_in(run, 3) && !run->place.batch;
    if (run->place.batch)
        set(run, "execution.runtime-mode", "BATCH");
    if (one_in(run, 2))
        set(run, "execution.batch-rows", "1");
    set(run, "parallelism.default", workers[random_below(run->random, 5)]);
    if (one_in(run, 6))
        set(run, "pipeline.max-parallelism", "7");
    if (one_in(run, 6))
        set(run, "execution.exchange-memory", "4 kb");
    if (one_in(run, 6))
        set(run, "table.exec.source.cdc-events-duplicate", "true");
    if (one_in(run, 2))
        set(run, "table.optimizer.multi-join.enabled", "true");
    if (one_in(run, 6))
        set(run, "table.exec.sink.upsert-materialize", "FORCE");
    if (one_in(run, 6))
        set(run, "table.exec.state.ttl", "30 d");
    if (one_in(run, 4))
        set_mini_batch(run);
    if (!one_in(run, 4))
        set(run, "execution.check-changes", "true");
    if (run->restore)
        weir_set(run->place.session, "execution.checkpointing.dir", case_directory(run));
    /* Not due before the case ends, but state is copied ahead from now on. */
    if (run->restore && !one_in(run, 3))
        set(run, "execution.checkpointing.interval", "10 s");
}

/* ------------------------------------------------------------------- tables */

static void create_table(Case *run, Buffer *sql)
{
    WeirResult *result;
    if (weir_execute_text(run->place.session, buffer_text(sql), &result) != WEIR_OK)
        oracle_stop(buffer_text(sql), weir_error_message(run->place.session));
    weir_result_free(result);
    buffer_printf(&run->script, "%s;\n", buffer_text(sql));
}

static void create_tables(Case *run)
{
    for (uint32_t i = 0; i < ORACLE_TABLES; i++) {
        Buffer sql = {0};
        table_open(&run->tables[i], i, run->random);
        if (run->tables[i].mode == TABLE_INSERTS)
            run->random->growing |= 1u << i;
        table_declare_oracle(&run->tables[i], run->place.oracle);
        table_declare(&run->tables[i], &sql);
        create_table(run, &sql);
        buffer_deinit(&sql);
    }
}

/* A table outside with rows that stay: both sides read one file. */
static void create_side(Case *run)
{
    static const char *const caches[] = {
        "", ", 'lookup.cache' = 'FULL'",
        ", 'lookup.cache' = 'PARTIAL', 'lookup.partial-cache.max-rows' = '3'"};
    static const char *const texts[] = {"NULL", "'a'", "'b'", "'a text that is long'"};
    bool has_key = one_in(run, 2);
    Buffer sql = {0};
    buffer_printf(&sql, "ATTACH '%s/side.db' AS side", case_directory(run));
    oracle_sql(run->place.oracle, buffer_text(&sql));
    oracle_sql(run->place.oracle, "CREATE TABLE side.side (k INTEGER, n INTEGER, s TEXT)");
    for (uint32_t i = 0; i < 8; i++) {
        buffer_clear(&sql);
        buffer_printf(&sql, "INSERT INTO side VALUES (%u, %u, %s)",
                      has_key ? i : random_below(run->random, 6), random_below(run->random, 8),
                      texts[random_below(run->random, 4)]);
        oracle_sql(run->place.oracle, buffer_text(&sql));
        buffer_printf(&run->script, "-- %s\n", buffer_text(&sql));
    }
    buffer_clear(&sql);
    buffer_printf(
        &sql,
        "CREATE TABLE side (k BIGINT, n BIGINT, s STRING%s) WITH ('connector' = 'sqlite', "
        "'path' = '%s/side.db', 'table-name' = 'side'%s)",
        has_key ? ", PRIMARY KEY (k) NOT ENFORCED" : "", run->directory,
        caches[random_below(run->random, 3)]);
    create_table(run, &sql);
    buffer_deinit(&sql);
}

/* The table that a query goes to: its columns, its key. */
static void create_target(Case *run, const OracleQuery *query, const KeyedShape *keyed)
{
    Buffer sql = {0};
    buffer_printf(&sql, "CREATE TABLE %s (", query->target);
    for (uint32_t i = 0; i < keyed->shape.column_count; i++)
        buffer_printf(&sql, "c%u %s, ", i, keyed->shape.is_text[i] ? "STRING" : "BIGINT");
    buffer_append_text(&sql, "PRIMARY KEY (");
    for (uint32_t i = 0; i < keyed->key_count; i++)
        buffer_printf(&sql, "%sc%u", i == 0 ? "" : ", ", keyed->keys[i]);
    buffer_printf(&sql,
                  ") NOT ENFORCED) WITH ('connector' = 'sqlite', 'path' = '%s/target.db', "
                  "'table-name' = '%s')",
                  case_directory(run), query->target);
    create_table(run, &sql);
    if (!run->has_target) {
        buffer_clear(&sql);
        buffer_printf(&sql, "ATTACH '%s/target.db' AS target", run->directory);
        oracle_sql(run->place.oracle, buffer_text(&sql));
        run->has_target = true;
    }
    buffer_deinit(&sql);
}

/* --------------------------------------------------------------- statements */

static void make_keyed(Case *run, Buffer *sql, KeyedShape *keyed)
{
    Random *random = run->random;
    RandomMark mark = random_mark(random);
    uint32_t key_counts[ORACLE_TABLES];
    for (uint32_t i = 0; i < ORACLE_TABLES; i++)
        key_counts[i] = run->tables[i].key_count;
    do { /* SQLite cannot flatten some nested outer joins that are right */
        random_forget(random, mark);
        buffer_clear(sql);
        random_keyed_query(random, 1 + random_below(random, 4), key_counts, sql, keyed);
    } while (!oracle_understands(run->place.oracle, sql));
}

static void make_select(Case *run, OracleStatement *statement)
{
    QueryShape shape;
    OracleQuery *query = &statement->queries[0];
    RandomMark mark = random_mark(run->random);
    statement->query_count = 1;
    do {
        random_forget(run->random, mark);
        buffer_clear(&query->sql);
        random_query(run->random, 1 + random_below(run->random, 4), &query->sql, &shape);
    } while (!oracle_understands(run->place.oracle, &query->sql));
    random_dialect(buffer_text(&query->sql), false, &statement->text);
    buffer_printf(&run->script, "\n== query q%u fold\n%s;\n", statement->number,
                  buffer_text(&statement->text));
}

/* One INSERT, or two that read the same tables. */
static void make_insert(Case *run, OracleStatement *statement)
{
    Buffer both = {0};
    bool set_of_two = one_in(run, 3);
    statement->inserts = true;
    statement->query_count = set_of_two ? 2 : 1;
    buffer_append_text(&run->script, "\n== sql\n");
    for (uint32_t i = 0; i < statement->query_count; i++) {
        OracleQuery *query = &statement->queries[i];
        KeyedShape keyed;
        snprintf(query->target, sizeof(query->target), "target%u%u", statement->number, i);
        make_keyed(run, &query->sql, &keyed);
        create_target(run, query, &keyed);
        buffer_printf(&both, "INSERT INTO %s %s%s", query->target, buffer_text(&query->sql),
                      set_of_two ? "; " : "");
    }
    if (set_of_two) {
        set(run, "table.exec.sink.require-on-conflict", "false");
        buffer_append_text(&statement->text, "EXECUTE STATEMENT SET BEGIN ");
    }
    random_dialect(buffer_text(&both), false, &statement->text);
    if (set_of_two)
        buffer_append_text(&statement->text, "END");
    buffer_printf(&run->script, "%s;\n", buffer_text(&statement->text));
    buffer_deinit(&both);
}

/* At least one; further ones read the same tables. */
static void make_statements(Case *run)
{
    for (uint32_t i = 0; i < ORACLE_STATEMENTS; i++) {
        uint32_t span = random_enter(run->random, SPAN_ITEM);
        if (i == 0 || random_below(run->random, 3) != 0) {
            OracleStatement *statement = &run->statements[run->statement_count];
            statement->number = run->statement_count++;
            if (one_in(run, 3))
                make_insert(run, statement);
            else
                make_select(run, statement);
        }
        random_leave(run->random, span);
    }
}

/* --------------------------------------------------------------- the course */

static bool for_each_statement(Case *run, bool (*each)(OraclePlace *, OracleStatement *))
{
    bool good = true;
    for (uint32_t i = 0; i < run->statement_count && good; i++) {
        if (run->statements[i].refused)
            continue;
        good = each(&run->place, &run->statements[i]);
        if (!good)
            buffer_printf(&run->place.problem, "  (statement %u)\n", i);
    }
    return good;
}

/* Kills every query after a feed and lets it go on from its checkpoint, with other workers. */
static bool restart(Case *run)
{
    static const char *const workers[] = {"1", "2", "3", "4"};
    for (uint32_t i = 0; i < run->statement_count; i++)
        statement_stop(&run->place, &run->statements[i]);
    weir_set(run->place.session, "parallelism.default", workers[random_below(run->random, 4)]);
    return for_each_statement(run, statement_start);
}

static bool session_good(Case *run, WeirStatus status)
{
    if (status != WEIR_OK)
        buffer_printf(&run->place.problem, "  %s\n", weir_error_message(run->place.session));
    return status == WEIR_OK;
}

static bool feed(Case *run, Table *table, Buffer *rows)
{
    char name[8];
    snprintf(name, sizeof(name), "t%u", table->number);
    buffer_printf(&run->script, "\n== feed %s\n%s", name, buffer_text(rows));
    table_fill_oracle(table);
    WeirSession *session = run->place.session;
    if (!session_good(run, weir_feed(session, name, buffer_text(rows))) ||
        !session_good(run, weir_settle(session)) || !for_each_statement(run, statement_read))
        return false;
    return run->place.batch || for_each_statement(run, statement_compare);
}

static bool step(Case *run)
{
    Table *table = &run->tables[random_below(run->random, ORACLE_TABLES)];
    Buffer rows = {0};
    uint32_t changes = 1 + random_below(run->random, CHANGES);
    for (uint32_t i = 0; i < changes; i++) {
        uint32_t span = random_enter(run->random, SPAN_ITEM);
        table_change(table, run->random, &rows);
        random_leave(run->random, span);
    }
    bool good = feed(run, table, &rows);
    buffer_deinit(&rows);
    return good && (!run->restore || restart(run));
}

/* The inputs of a bounded run end, and only then it answers. */
static bool finish(Case *run)
{
    static const char *const names[ORACLE_TABLES] = {"t0", "t1", "t2"};
    buffer_append_text(&run->script, "\n== end t0 t1 t2\n");
    for (uint32_t i = 0; i < ORACLE_TABLES; i++)
        if (!session_good(run, weir_feed_end(run->place.session, names[i])))
            return false;
    return for_each_statement(run, statement_finish) && for_each_statement(run, statement_compare);
}

/* --------------------------------------------------------------------- cases */

static void on_notice(void *user, const char *text)
{
    (void)user;
    (void)text;
}

/* In SQLite 3.40 a scalar subquery that is computed once becomes NULL for good when the side of an
 * outer join that it was merged into has no row. The first bit keeps subqueries apart. */
#define NO_QUERY_FLATTENER 1

static void case_open(Case *run, Random *random)
{
    *run = (Case){.random = random};
    if (sqlite3_open(":memory:", &run->place.oracle) != SQLITE_OK ||
        sqlite3_test_control(SQLITE_TESTCTRL_OPTIMIZATIONS, run->place.oracle,
                             NO_QUERY_FLATTENER) != SQLITE_OK)
        oracle_stop("SQLite", "could not open");
    run->place.session = weir_open();
    weir_on_notice(run->place.session, on_notice, NULL);
    buffer_append_text(&run->script, "== sql\n");
    configure(run);
    create_tables(run);
    create_side(run);
    make_statements(run);
}

static void case_close(Case *run)
{
    for (uint32_t i = 0; i < run->statement_count; i++)
        statement_close(&run->statements[i]);
    weir_close(run->place.session);
    for (uint32_t i = 0; i < ORACLE_TABLES; i++)
        table_close(&run->tables[i]);
    sqlite3_close(run->place.oracle);
    if (run->directory[0] != '\0')
        nftw(run->directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    buffer_deinit(&run->place.problem);
    buffer_deinit(&run->script);
}

static void case_tell(Case *run, Buffer *out)
{
    for (uint32_t i = 0; i < run->statement_count; i++) {
        if (run->statements[i].inserts)
            continue;
        buffer_printf(&run->script, "\n== table q%u\n", i);
        statement_expected(&run->place, &run->statements[i], &run->script);
    }
    buffer_printf(out, "%s(batches of %s, workers %s%s)\n\n%s\n", buffer_text(&run->place.problem),
                  weir_get(run->place.session, "execution.batch-rows"),
                  weir_get(run->place.session, "parallelism.default"),
                  run->restore ? ", restored" : "", buffer_text(&run->script));
}

bool oracle_case_run(Random *random, Buffer *out)
{
    Case run;
    case_open(&run, random);
    bool good = for_each_statement(&run, statement_start);
    for (uint32_t i = 0; i < FEEDS; i++) {
        uint32_t span = random_enter(random, SPAN_ITEM);
        if (random_below(random, 8) != 0) /* a feed left out is one that is not */
            good = good && step(&run);
        random_leave(random, span);
    }
    good = good && (!run.place.batch || finish(&run));
    if (!good && out != NULL)
        case_tell(&run, out);
    case_close(&run);
    return good;
}
