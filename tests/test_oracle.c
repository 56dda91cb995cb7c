/* Random continuous queries over random changes, held against SQLite after every step.
 *
 *   test_oracle [--cases=N] [--seed=S] [--verbose]
 *
 * A case is a query, a way to run it (batch size, workers, kill and restore) and some feeds of
 * random changes: tables with and without primary keys, updates with and without the old row, NULL
 * and changed keys, duplicates. After each feed the changes so far must add up to exactly what
 * SQLite answers over the final tables. Half of the queries have a key and are inserted into a
 * table with that primary key; then its rows must be SQLite's. A failing case shrinks: it is run
 * again with fewer changes a feed and without feeds, for as long as it still fails; what is left is
 * printed as a `.test` file, with the rows that SQLite expects. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "core/arena.h"
#include "session/weir.h"
#include "tests/oracle_table.h"

#define TABLES  3
#define FEEDS   6
#define CHANGES 24

/* How much of a case is run. */
typedef struct Extent {
    uint32_t changes; /* of a feed at most */
    uint32_t feeds;   /* a bit for each that is run */
} Extent;

static const Extent whole = {CHANGES, (1u << FEEDS) - 1};

typedef struct Case {
    uint64_t seed;
    Extent extent;
    bool quiet; /* while shrinking */
    Random random;
    Buffer sql;
    Buffer insert;  /* INSERT of that query; empty: it is a SELECT */
    Buffer second;  /* the query of another INSERT in the same statement set; empty: none */
    bool conflicts; /* the planner wanted ON CONFLICT */
    Table tables[TABLES];
    sqlite3 *oracle;
    WeirSession *session;
    WeirResult *result;
    bool restore;
    char directory[32];
    Buffer script; /* the case as a .test file, for a failure */
} Case;

static void fail_hard(const char *what, const char *detail)
{
    fprintf(stderr, "test_oracle: %s: %s\n", what, detail);
    exit(2);
}

static void oracle_run(sqlite3 *oracle, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(oracle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_hard(sql, message);
}

static void oracle_fill(Case *run, const Table *table)
{
    Buffer sql = {0};
    table_fill_oracle(table, &sql);
    oracle_run(run->oracle, buffer_text(&sql));
    buffer_deinit(&sql);
}

/* ---------------------------------------------------------------- comparing */

/* Adds a row's text with a count to the table `counted`. */
static void count_row(sqlite3_stmt *insert, const char *text, size_t length, int count)
{
    sqlite3_bind_text(insert, 1, text, (int)length, SQLITE_TRANSIENT);
    sqlite3_bind_int(insert, 2, count);
    if (sqlite3_step(insert) != SQLITE_DONE)
        fail_hard("counting", "insert failed");
    sqlite3_reset(insert);
}

static sqlite3_stmt *prepare(Case *run, const char *sql)
{
    sqlite3_stmt *statement;
    Buffer text = {0};
    random_dialect(sql, true, &text);
    if (sqlite3_prepare_v2(run->oracle, buffer_text(&text), -1, &statement, NULL) != SQLITE_OK)
        fail_hard(buffer_text(&text), sqlite3_errmsg(run->oracle));
    buffer_deinit(&text);
    return statement;
}

/* Counts what Weir has emitted since the last look; false when the query failed. */
static bool count_changes(Case *run)
{
    sqlite3_stmt *insert = prepare(run, "INSERT INTO emitted VALUES (?, ?)");
    Buffer row = {0};
    WeirStep step;
    while ((step = weir_next(run->result, 0)) == WEIR_STEP_ROW) {
        buffer_clear(&row);
        for (uint32_t i = 0; i < weir_column_count(run->result); i++)
            buffer_printf(&row, "%s%s", i == 0 ? "" : "|", weir_text(run->result, i, NULL));
        count_row(insert, row.data, row.length, (weir_row_change(run->result) & 1) != 0 ? -1 : 1);
    }
    sqlite3_finalize(insert);
    buffer_deinit(&row);
    return step == WEIR_STEP_IDLE;
}

/* Counts the rows of one of SQLite's queries in place of those counted before. */
static void count_rows(Case *run, const char *counted, const char *sql)
{
    char clear[64], add[64];
    snprintf(clear, sizeof(clear), "DELETE FROM %s", counted);
    snprintf(add, sizeof(add), "INSERT INTO %s VALUES (?, ?)", counted);
    oracle_run(run->oracle, clear);
    sqlite3_stmt *insert = prepare(run, add);
    sqlite3_stmt *query = prepare(run, sql);
    Buffer row = {0};
    while (sqlite3_step(query) == SQLITE_ROW) {
        buffer_clear(&row);
        for (int i = 0; i < sqlite3_column_count(query); i++) {
            const unsigned char *text = sqlite3_column_text(query, i);
            buffer_printf(&row, "%s%s", i == 0 ? "" : "|",
                          text == NULL ? "NULL" : (const char *)text);
        }
        count_row(insert, row.data, row.length, 1);
    }
    sqlite3_finalize(query);
    sqlite3_finalize(insert);
    buffer_deinit(&row);
}

/* Prints rows whose counts differ; true when none does. */
static bool compare_counts(Case *run)
{
    sqlite3_stmt *query = prepare(
        run, "SELECT row, SUM(e), SUM(w) FROM (SELECT row, n AS e, 0 AS w FROM expected "
             "UNION ALL SELECT row, 0, n FROM emitted) GROUP BY row HAVING SUM(e) <> SUM(w)");
    bool equal = true;
    while (sqlite3_step(query) == SQLITE_ROW) {
        equal = false;
        if (run->quiet)
            continue;
        fprintf(stderr, "  %s: SQLite %d times, Weir %d times\n",
                (const char *)sqlite3_column_text(query, 0), sqlite3_column_int(query, 1),
                sqlite3_column_int(query, 2));
    }
    sqlite3_finalize(query);
    return equal;
}

static bool compare(Case *run)
{
    count_rows(run, "expected", buffer_text(&run->sql));
    if (run->insert.length != 0)
        count_rows(run, "emitted", "SELECT * FROM target.target");
    bool equal = compare_counts(run);
    if (!equal || run->second.length == 0)
        return equal;
    count_rows(run, "expected", buffer_text(&run->second));
    count_rows(run, "emitted", "SELECT * FROM target.second");
    return compare_counts(run);
}

/* ------------------------------------------------------------------- a case */

static bool execute(Case *run, Buffer *sql)
{
    Buffer text = {0};
    random_dialect(buffer_text(sql), false, &text);
    bool ok = weir_execute_text(run->session, buffer_text(&text), &run->result) == WEIR_OK;
    buffer_deinit(&text);
    return ok;
}

static bool start_query(Case *run)
{
    run->result = NULL;
    if (run->insert.length == 0)
        return execute(run, &run->sql);
    if (execute(run, &run->insert))
        return true;
    if (run->conflicts || strstr(weir_error_message(run->session), "ON CONFLICT") == NULL)
        return false;
    run->conflicts = true;
    buffer_append_text(&run->insert, " ON CONFLICT DO DEDUPLICATE");
    return start_query(run);
}

/* Kills the query after a feed and lets it go on from its checkpoint, with other workers. */
static bool restart_query(Case *run)
{
    static const char *const workers[] = {"1", "2", "3"};
    if (run->insert.length != 0) {
        weir_interrupt(run->session, true);
        weir_next(run->result, -1);
    }
    weir_result_free(run->result);
    weir_set(run->session, "parallelism.default", workers[random_below(&run->random, 3)]);
    return start_query(run);
}

static void on_notice(void *user, const char *text)
{
    (void)user;
    (void)text;
}

static void create_table(Case *run, Buffer *sql)
{
    WeirResult *result;
    if (weir_execute_text(run->session, buffer_text(sql), &result) != WEIR_OK)
        fail_hard(buffer_text(sql), weir_error_message(run->session));
    weir_result_free(result);
    buffer_printf(&run->script, "%s;\n", buffer_text(sql));
}

static void create_tables(Case *run)
{
    for (uint32_t i = 0; i < TABLES; i++) {
        Buffer sql = {0};
        table_open(&run->tables[i], i, &run->random);
        table_declare_oracle(&run->tables[i], &sql);
        oracle_run(run->oracle, buffer_text(&sql));
        buffer_clear(&sql);
        table_declare(&run->tables[i], &sql);
        create_table(run, &sql);
        buffer_deinit(&sql);
    }
    oracle_run(run->oracle, "CREATE TABLE expected (row TEXT, n INTEGER);"
                            "CREATE TABLE emitted (row TEXT, n INTEGER)");
}

static bool oracle_understands(Case *run, Buffer *sql)
{
    sqlite3_stmt *statement = NULL;
    Buffer text = {0};
    random_dialect(buffer_text(sql), true, &text);
    int status = sqlite3_prepare_v2(run->oracle, buffer_text(&text), -1, &statement, NULL);
    sqlite3_finalize(statement);
    buffer_deinit(&text);
    return status == SQLITE_OK;
}

/* The table that the query goes to: its columns, its key. */
static void create_target(Case *run, const char *name, const KeyedShape *keyed)
{
    Buffer sql = {0};
    buffer_printf(&sql, "CREATE TABLE %s (", name);
    for (uint32_t i = 0; i < keyed->shape.column_count; i++)
        buffer_printf(&sql, "c%u %s, ", i, keyed->shape.is_text[i] ? "STRING" : "BIGINT");
    buffer_append_text(&sql, "PRIMARY KEY (");
    for (uint32_t i = 0; i < keyed->key_count; i++)
        buffer_printf(&sql, "%sc%u", i == 0 ? "" : ", ", keyed->keys[i]);
    buffer_printf(&sql,
                  ") NOT ENFORCED) WITH ('connector' = 'sqlite', 'path' = '%s/target.db', "
                  "'table-name' = '%s')",
                  run->directory, name);
    create_table(run, &sql);
    buffer_deinit(&sql);
}

static void make_keyed(Case *run, Buffer *sql, KeyedShape *keyed)
{
    uint32_t key_counts[TABLES];
    for (uint32_t i = 0; i < TABLES; i++)
        key_counts[i] = run->tables[i].key_count;
    do { /* SQLite cannot flatten some nested outer joins that are right */
        buffer_clear(sql);
        random_keyed_query(&run->random, 1 + random_below(&run->random, 4), key_counts, sql, keyed);
    } while (!oracle_understands(run, sql));
}

/* One INSERT, or two that read the same tables. */
static void make_insert(Case *run)
{
    KeyedShape keyed;
    Buffer attach = {0};
    make_keyed(run, &run->sql, &keyed);
    create_target(run, "target", &keyed);
    buffer_printf(&attach, "ATTACH '%s/target.db' AS target", run->directory);
    oracle_run(run->oracle, buffer_text(&attach));
    buffer_deinit(&attach);
    if (random_below(&run->random, 3) != 0) {
        buffer_printf(&run->insert, "INSERT INTO target %s", buffer_text(&run->sql));
        return;
    }
    make_keyed(run, &run->second, &keyed);
    create_target(run, "second", &keyed);
    weir_set(run->session, "table.exec.sink.require-on-conflict", "false");
    buffer_printf(&run->insert,
                  "EXECUTE STATEMENT SET BEGIN INSERT INTO target %s; INSERT INTO second %s; END",
                  buffer_text(&run->sql), buffer_text(&run->second));
}

static void make_query(Case *run)
{
    QueryShape shape;
    if (random_below(&run->random, 2) == 0) {
        make_insert(run);
        return;
    }
    do {
        buffer_clear(&run->sql);
        random_query(&run->random, 1 + random_below(&run->random, 4), &run->sql, &shape);
    } while (!oracle_understands(run, &run->sql));
}

static void maybe_set(Case *run, const char *key, const char *value)
{
    if (random_below(&run->random, 6) == 0)
        weir_set(run->session, key, value);
}

/* None of these changes the answer. */
static void configure(Case *run)
{
    static const char *const workers[] = {"1", "1", "2", "3"};
    weir_set(run->session, "execution.batch-rows",
             random_below(&run->random, 2) == 0 ? "1" : "2048");
    weir_set(run->session, "parallelism.default", workers[random_below(&run->random, 4)]);
    maybe_set(run, "pipeline.max-parallelism", "7");
    maybe_set(run, "execution.exchange-memory", "4 kb");
    maybe_set(run, "table.exec.source.cdc-events-duplicate", "true");
    if (random_below(&run->random, 2) == 0)
        weir_set(run->session, "table.optimizer.multi-join.enabled", "true");
    maybe_set(run, "table.exec.sink.upsert-materialize", "FORCE");
    maybe_set(run, "table.exec.state.ttl", "30 d");
    if (random_below(&run->random, 4) == 0) {
        weir_set(run->session, "table.exec.mini-batch.enabled", "true");
        weir_set(run->session, "table.exec.mini-batch.allow-latency", "1 h");
        weir_set(run->session, "table.exec.mini-batch.size",
                 random_below(&run->random, 2) == 0 ? "5" : "5000");
    }
}

/* What configure has set, as statements. */
static void script_settings(Case *run)
{
    static const char *const keys[] = {
        "pipeline.max-parallelism",           "table.exec.source.cdc-events-duplicate",
        "table.exec.sink.upsert-materialize", "table.exec.state.ttl",
        "table.exec.mini-batch.enabled",      "table.exec.mini-batch.allow-latency",
        "table.exec.mini-batch.size"};
    for (size_t i = 0; i < array_count(keys); i++)
        buffer_printf(&run->script, "SET '%s' = '%s';\n", keys[i], weir_get(run->session, keys[i]));
}

static void case_open(Case *run, uint64_t seed, Extent extent, bool quiet)
{
    memset(run, 0, sizeof(*run));
    run->extent = extent;
    run->quiet = quiet;
    run->seed = run->random.state = seed;
    run->restore = random_below(&run->random, 3) == 0;
    if (sqlite3_open(":memory:", &run->oracle) != SQLITE_OK)
        fail_hard("SQLite", "could not open");
    run->session = weir_open();
    weir_on_notice(run->session, on_notice, NULL);
    configure(run);
    snprintf(run->directory, sizeof(run->directory), "/tmp/weir-oracle-XXXXXX");
    if (mkdtemp(run->directory) == NULL)
        fail_hard("folder", "could not make one in /tmp");
    if (run->restore) {
        weir_set(run->session, "execution.checkpointing.dir", run->directory);
        weir_set(run->session, "pipeline.name", "oracle");
    }
    buffer_append_text(&run->script, "== sql\n");
    script_settings(run);
    create_tables(run);
    make_query(run);
    bool inserts = run->insert.length != 0;
    buffer_append_text(&run->script, inserts ? "\n== sql\n" : "\n== query fold\n");
    random_dialect(buffer_text(inserts ? &run->insert : &run->sql), false, &run->script);
    buffer_append_text(&run->script, ";\n");
}

static void case_close(Case *run)
{
    weir_result_free(run->result);
    weir_close(run->session);
    sqlite3_close(run->oracle);
    Buffer command = {0};
    buffer_printf(&command, "rm -rf %s", run->directory);
    if (system(buffer_text(&command)) != 0)
        fail_hard("folder", "could not remove it");
    buffer_deinit(&command);
    buffer_deinit(&run->sql);
    buffer_deinit(&run->insert);
    buffer_deinit(&run->second);
    buffer_deinit(&run->script);
}

static bool case_feed(Case *run)
{
    uint32_t number = random_below(&run->random, TABLES);
    char name[8];
    snprintf(name, sizeof(name), "t%u", number);
    Buffer rows = {0};
    uint32_t changes = 1 + random_below(&run->random, CHANGES);
    changes = changes < run->extent.changes ? changes : run->extent.changes;
    for (uint32_t i = 0; i < changes; i++)
        table_change(&run->tables[number], &run->random, &rows);
    buffer_printf(&run->script, "\n== feed %s\n%s", name, buffer_text(&rows));
    bool ok = weir_feed(run->session, name, buffer_text(&rows)) == WEIR_OK &&
              weir_settle(run->session) == WEIR_OK &&
              (run->insert.length != 0 || count_changes(run));
    buffer_deinit(&rows);
    if (!ok) {
        if (!run->quiet)
            fprintf(stderr, "  %s\n", weir_error_message(run->session));
        return false;
    }
    oracle_fill(run, &run->tables[number]);
    return compare(run) && (!run->restore || restart_query(run));
}

/* "1|a" as [1, a]. */
static void script_row(Case *run, const char *row)
{
    buffer_append_char(&run->script, '[');
    for (; *row != '\0'; row++)
        if (*row == '|')
            buffer_append_text(&run->script, ", ");
        else
            buffer_append_char(&run->script, *row);
    buffer_append_text(&run->script, "]\n");
}

/* The rows SQLite answers now, as a block of the script. */
static void script_expected(Case *run)
{
    if (run->insert.length != 0)
        return;
    buffer_append_text(&run->script, "\n== table\n");
    count_rows(run, "expected", buffer_text(&run->sql));
    sqlite3_stmt *query = prepare(run, "SELECT row, n FROM expected ORDER BY row");
    while (sqlite3_step(query) == SQLITE_ROW)
        for (int i = 0; i < sqlite3_column_int(query, 1); i++)
            script_row(run, (const char *)sqlite3_column_text(query, 0));
    sqlite3_finalize(query);
}

static bool case_try(uint64_t seed, Extent extent, bool quiet, bool verbose)
{
    Case *run = memory_alloc(sizeof(*run));
    case_open(run, seed, extent, quiet);
    if (verbose)
        fprintf(stderr, "seed %llu: %s\n", (unsigned long long)seed, buffer_text(&run->sql));
    bool ok = start_query(run);
    if (!ok && !quiet)
        fprintf(stderr, "  %s\n", weir_error_message(run->session));
    for (uint32_t i = 0; ok && i < FEEDS; i++)
        if ((extent.feeds >> i & 1) != 0)
            ok = case_feed(run);
    if (!ok && !quiet) {
        script_expected(run);
        fprintf(stderr, "FAILED: test_oracle --cases=1 --seed=%llu (batch %s, workers %s%s)\n%s\n",
                (unsigned long long)seed, weir_get(run->session, "execution.batch-rows"),
                weir_get(run->session, "parallelism.default"), run->restore ? ", restored" : "",
                buffer_text(&run->script));
    }
    case_close(run);
    memory_free(run);
    return ok;
}

static bool case_fails(uint64_t seed, Extent extent)
{
    return !case_try(seed, extent, true, false);
}

/* The least of the case that still fails: changes a feed first, then whole feeds. */
static Extent shrink(uint64_t seed)
{
    Extent least = whole;
    for (uint32_t changes = 1; changes < CHANGES && least.changes == CHANGES; changes++)
        if (case_fails(seed, (Extent){changes, whole.feeds}))
            least.changes = changes;
    for (uint32_t i = 0; i < FEEDS; i++) {
        Extent without = {least.changes, least.feeds & ~(1u << i)};
        if (without.feeds != 0 && case_fails(seed, without))
            least = without;
    }
    return least;
}

static bool case_run(uint64_t seed, bool verbose)
{
    if (case_try(seed, whole, true, verbose))
        return true;
    /* What fails by chance of threads may not fail again: then the whole is told. */
    Extent least = shrink(seed);
    if (case_try(seed, least, false, false) && case_try(seed, whole, false, false))
        fprintf(stderr, "FAILED once and not again: test_oracle --cases=1 --seed=%llu\n",
                (unsigned long long)seed);
    return false;
}

int main(int argc, char **argv)
{
    uint64_t cases = 300, seed = 1;
    bool verbose = false;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--cases=", 8) == 0)
            cases = strtoull(argv[i] + 8, NULL, 10);
        else if (strncmp(argv[i], "--seed=", 7) == 0)
            seed = strtoull(argv[i] + 7, NULL, 10);
        else if (strcmp(argv[i], "--verbose") == 0)
            verbose = true;
        else
            fail_hard("unexpected argument", argv[i]);
    }
    uint64_t failed = 0;
    for (uint64_t i = 0; i < cases && failed < 5; i++)
        failed += case_run(seed + i, verbose) ? 0 : 1;
    printf("%llu passed, %llu failed\n", (unsigned long long)(cases - failed),
           (unsigned long long)failed);
    return failed == 0 ? 0 : 1;
}
