/* A job that was stopped goes on after its SQL was edited: what computes the same keeps its state,
 * wherever it stands; an INSERT that is new reads its tables for itself; what was changed or taken
 * away is refused until the user lets its state go. */
#include <check.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/buffer.h"
#include "session/weir.h"
#include "tests/suite.h"

static char directory[] = "/tmp/weir-edits-XXXXXX";
static WeirSession *session;

static WeirStatus execute(const char *sql, WeirResult **result)
{
    return weir_execute_text(session, sql, result);
}

static void run(const char *sql)
{
    WeirResult *result;
    ck_assert_msg(execute(sql, &result) == WEIR_OK, "%s\n%s", sql, weir_error_message(session));
    weir_result_free(result);
}

static void create_sink(const char *name, const char *columns)
{
    Buffer sql = {0};
    buffer_printf(&sql,
                  "CREATE TABLE %s (%s) WITH ('connector' = 'sqlite', 'path' = '%s/out.db', "
                  "'table-name' = '%s')",
                  name, columns, directory, name);
    run(buffer_text(&sql));
    buffer_deinit(&sql);
}

static void open_session(const char *workers)
{
    session = weir_open();
    weir_set(session, "execution.checkpointing.dir", directory);
    weir_set(session, "pipeline.name", "edited");
    weir_set(session, "parallelism.default", workers);
    run("CREATE TABLE t (k INT, v INT, w STRING) WITH ('connector' = 'feed', "
        "'changelog-mode' = 'I,UB,UA,D')");
    run("CREATE TABLE u (k INT, v INT, w STRING, PRIMARY KEY (k) NOT ENFORCED) WITH "
        "('connector' = 'feed', 'changelog-mode' = 'I,UA,D')");
    create_sink("a", "k INT, n BIGINT, PRIMARY KEY (k) NOT ENFORCED");
    create_sink("b", "w STRING, n BIGINT, PRIMARY KEY (w) NOT ENFORCED");
    create_sink("c", "v INT, n BIGINT, PRIMARY KEY (v) NOT ENFORCED");
}

static WeirResult *start(const char *inserts)
{
    Buffer sql = {0};
    WeirResult *result = NULL;
    buffer_printf(&sql, "EXECUTE STATEMENT SET BEGIN %s END", inserts);
    if (execute(buffer_text(&sql), &result) != WEIR_OK)
        result = NULL;
    buffer_deinit(&sql);
    return result;
}

static void feed(const char *table, const char *rows)
{
    ck_assert_msg(weir_feed(session, table, rows) == WEIR_OK, "%s", weir_error_message(session));
    ck_assert_msg(weir_settle(session) == WEIR_OK, "%s", weir_error_message(session));
}

static void stop(WeirResult *result)
{
    weir_interrupt(session, true);
    weir_next(result, -1);
    weir_result_free(result);
    weir_close(session);
}

/* Rows of a sink as "1:2 3:4", in order. */
static void expect(const char *table, const char *wanted)
{
    sqlite3 *database;
    sqlite3_stmt *query;
    Buffer text = {0};
    buffer_printf(&text, "%s/out.db", directory);
    ck_assert_int_eq(sqlite3_open(buffer_text(&text), &database), SQLITE_OK);
    buffer_clear(&text);
    buffer_printf(&text, "SELECT * FROM \"%s\" ORDER BY 1", table);
    ck_assert_int_eq(sqlite3_prepare_v2(database, buffer_text(&text), -1, &query, NULL), SQLITE_OK);
    buffer_clear(&text);
    while (sqlite3_step(query) == SQLITE_ROW)
        buffer_printf(&text, "%s%s:%s", text.length == 0 ? "" : " ",
                      (const char *)sqlite3_column_text(query, 0),
                      (const char *)sqlite3_column_text(query, 1));
    sqlite3_finalize(query);
    sqlite3_close(database);
    ck_assert_str_eq(buffer_text(&text), wanted);
    buffer_deinit(&text);
}

static void make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/weir-edits-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    Buffer command = {0};
    buffer_printf(&command, "rm -rf %s", directory);
    ck_assert_int_eq(system(buffer_text(&command)), 0);
    buffer_deinit(&command);
}

#define COUNT_A "INSERT INTO a SELECT k, COUNT(*) FROM t WHERE k IS NOT NULL GROUP BY k;"
#define COUNT_B "INSERT INTO b SELECT w, COUNT(*) FROM t WHERE w IS NOT NULL GROUP BY w;"
#define COUNT_C "INSERT INTO c SELECT v, COUNT(*) FROM t WHERE v IS NOT NULL GROUP BY v;"

START_TEST(test_order_and_company)
{
    open_session("1");
    WeirResult *job = start(COUNT_A COUNT_B);
    ck_assert_ptr_nonnull(job);
    feed("t", "+I[1, 5, x]\n+I[1, 6, y]\n+I[2, 5, x]\n");
    stop(job);
    open_session("3");
    job = start(COUNT_B COUNT_A);
    ck_assert_msg(job != NULL, "%s", weir_error_message(session));
    feed("t", "+I[1, 5, x]\n-D[2, 5, x]\n");
    expect("a", "1:3");
    expect("b", "x:2 y:1");
    stop(job);
}
END_TEST

/* Rows 1 to `count` of a file that ends; a job over it can be stopped at its end. */
static void write_file(uint32_t from, uint32_t count)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/in/%u.csv", directory, from);
    FILE *file = fopen(buffer_text(&path), "w");
    ck_assert_ptr_nonnull(file);
    for (uint32_t i = from; i < from + count; i++)
        fprintf(file, "%u,%u,w%u\n", i % 3, i % 2, i % 2);
    ck_assert_int_eq(fclose(file), 0);
    buffer_deinit(&path);
}

static void create_file_table(void)
{
    Buffer sql = {0};
    buffer_printf(&sql,
                  "CREATE TABLE f (k INT, v INT, w STRING) WITH ('connector' = 'filesystem', "
                  "'path' = '%s/in', 'format' = 'csv')",
                  directory);
    run(buffer_text(&sql));
    buffer_deinit(&sql);
}

static void run_to_end(const char *inserts)
{
    open_session("2");
    create_file_table();
    WeirResult *job = start(inserts);
    ck_assert_msg(job != NULL, "%s", weir_error_message(session));
    ck_assert_int_eq(weir_wait(session, -1), WEIR_OK);
    weir_result_free(job);
    weir_close(session);
}

#define FILE_A "INSERT INTO a SELECT k, COUNT(*) FROM f GROUP BY k;"
#define FILE_B "INSERT INTO b SELECT w, COUNT(*) FROM f GROUP BY w;"

/* The added INSERT sees what the others have read already, at later starts too; the others do not
 * see it again. */
START_TEST(test_another_insert_reads_for_itself)
{
    Buffer folder = {0};
    buffer_printf(&folder, "mkdir %s/in", directory);
    ck_assert_int_eq(system(buffer_text(&folder)), 0);
    buffer_deinit(&folder);
    write_file(0, 6);
    run_to_end(FILE_A);
    expect("a", "0:2 1:2 2:2");
    run_to_end(FILE_B FILE_A);
    expect("a", "0:2 1:2 2:2");
    expect("b", "w0:3 w1:3");
    run_to_end(FILE_A FILE_B "INSERT INTO c SELECT v, COUNT(*) FROM f GROUP BY v;");
    expect("a", "0:2 1:2 2:2");
    expect("b", "w0:3 w1:3");
    expect("c", "0:3 1:3");
}
END_TEST

/* Rows fed by hand cannot be read again: the new INSERT sees those that come. */
START_TEST(test_another_insert_over_fed_rows)
{
    open_session("2");
    WeirResult *job = start(COUNT_A);
    ck_assert_ptr_nonnull(job);
    feed("t", "+I[1, 5, x]\n+I[1, 6, y]\n");
    stop(job);
    for (uint32_t i = 0; i < 2; i++) {
        open_session("2");
        job = start(COUNT_C COUNT_A);
        ck_assert_msg(job != NULL, "%s", weir_error_message(session));
        feed("t", "+I[1, 5, x]\n");
        expect("a", i == 0 ? "1:3" : "1:4");
        expect("c", i == 0 ? "5:1" : "5:2");
        stop(job);
    }
}
END_TEST

START_TEST(test_insert_taken_away)
{
    open_session("2");
    WeirResult *job = start(COUNT_A COUNT_B);
    ck_assert_ptr_nonnull(job);
    feed("t", "+I[1, 5, x]\n+I[1, 6, y]\n");
    stop(job);
    open_session("1");
    ck_assert_ptr_null(start(COUNT_A));
    ck_assert_ptr_nonnull(strstr(weir_error_message(session), "the job no longer has the"));
    ck_assert_ptr_nonnull(strstr(weir_error_message(session), "ignore-unclaimed-state"));
    weir_set(session, "execution.state-recovery.ignore-unclaimed-state", "true");
    job = start(COUNT_A);
    ck_assert_msg(job != NULL, "%s", weir_error_message(session));
    feed("t", "+I[1, 5, x]\n");
    expect("a", "1:3");
    stop(job);
    /* It comes back: as new, without what it knew once. */
    open_session("1");
    job = start(COUNT_A COUNT_B);
    ck_assert_msg(job != NULL, "%s", weir_error_message(session));
    feed("t", "+I[1, 5, z]\n");
    expect("a", "1:4");
    expect("b", "x:1 y:1 z:1");
    stop(job);
}
END_TEST

START_TEST(test_changed_insert_begins_anew_when_allowed)
{
    open_session("2");
    WeirResult *job = start(COUNT_A COUNT_C);
    ck_assert_ptr_nonnull(job);
    feed("t", "+I[1, 5, x]\n+I[1, 6, y]\n");
    stop(job);
    static const char changed[] = "INSERT INTO a SELECT k, SUM(v) FROM t GROUP BY k;" COUNT_C;
    open_session("2");
    ck_assert_ptr_null(start(changed));
    weir_close(session);
    for (uint32_t i = 0; i < 2; i++) {
        open_session("2");
        weir_set(session, "execution.state-recovery.ignore-unclaimed-state",
                 i == 0 ? "true" : "false");
        job = start(changed);
        ck_assert_msg(job != NULL, "%s", weir_error_message(session));
        feed("t", "+I[1, 5, x]\n");
        expect("a", i == 0 ? "1:5" : "1:10");
        expect("c", i == 0 ? "5:2 6:1" : "5:3 6:1");
        stop(job);
    }
}
END_TEST

START_TEST(test_another_aggregate_is_refused)
{
    open_session("1");
    WeirResult *job = start(COUNT_A);
    ck_assert_ptr_nonnull(job);
    feed("t", "+I[1, 5, x]\n+I[1, 6, y]\n");
    stop(job);
    open_session("1");
    job = start("INSERT INTO a SELECT k, SUM(v) FROM t GROUP BY k;");
    ck_assert_ptr_null(job);
    ck_assert_str_ne(weir_error_message(session), "");
    weir_close(session);
}
END_TEST

/* The last rows by key, which are state, would have another column if the two shared them. */
START_TEST(test_more_columns_of_upserts)
{
    open_session("1");
    WeirResult *job = start("INSERT INTO a SELECT k, v FROM u;");
    ck_assert_ptr_nonnull(job);
    feed("u", "+I[1, 5, x]\n+I[2, 6, y]\n");
    stop(job);
    open_session("1");
    job = start(
        "INSERT INTO a SELECT k, v FROM u; INSERT INTO b SELECT w, COUNT(*) FROM u GROUP BY w;");
    ck_assert_msg(job != NULL, "%s", weir_error_message(session));
    feed("u", "+U[1, 7, z]\n+I[3, 8, z]\n");
    expect("a", "1:7 2:6 3:8");
    expect("b", "z:2");
    stop(job);
}
END_TEST

/* A job that has come to the limit of its state goes on from its last epoch once that is raised. */
START_TEST(test_state_limit)
{
    open_session("2");
    weir_set(session, "execution.state-memory-limit", "64 kb");
    WeirResult *job = start(COUNT_A);
    ck_assert_ptr_nonnull(job);
    feed("t", "+I[1, 5, x]\n+I[1, 6, y]\n");
    Buffer rows = {0};
    for (uint32_t i = 0; i < 2000; i++)
        buffer_printf(&rows, "+I[%u, 1, x]\n", i + 10);
    WeirStatus status = weir_feed(session, "t", buffer_text(&rows));
    if (status == WEIR_OK)
        status = weir_settle(session);
    ck_assert_int_ne(status, WEIR_OK);
    ck_assert_ptr_nonnull(strstr(weir_error_message(session), "execution.state-memory-limit"));
    ck_assert_ptr_nonnull(
        strstr(weir_error_message(session), "is kept by GlobalGroupAggregate(groupBy=[k]"));
    weir_result_free(job);
    weir_close(session);
    open_session("2");
    job = start(COUNT_A);
    ck_assert_msg(job != NULL, "%s", weir_error_message(session));
    feed("t", "+I[1, 5, x]\n");
    expect("a", "1:3");
    stop(job);
    buffer_deinit(&rows);
}
END_TEST

START_TEST(test_join_at_other_parallelisms)
{
    static const char *const workers[] = {"1", "3", "2", "4", "1"};
    static const char sql[] = "INSERT INTO a SELECT u.k, COUNT(*) FROM u JOIN t ON t.k = u.k "
                              "GROUP BY u.k; INSERT INTO c SELECT u.k, t.v FROM u LEFT JOIN t ON "
                              "u.v = t.v ON CONFLICT DO DEDUPLICATE;";
    for (uint32_t i = 0; i < 5; i++) {
        open_session(workers[i]);
        WeirResult *job = start(sql);
        ck_assert_msg(job != NULL, "%s", weir_error_message(session));
        Buffer rows = {0};
        for (uint32_t k = 0; k < 20; k++)
            buffer_printf(&rows, "+I[%u, %u, x]\n", k, k + i);
        feed("t", buffer_text(&rows));
        buffer_clear(&rows);
        for (uint32_t k = i * 2; k < i * 2 + 4; k++)
            buffer_printf(&rows, "+U[%u, %u, x]\n", k, i);
        feed("u", buffer_text(&rows));
        buffer_deinit(&rows);
        stop(job);
    }
    expect("a", "0:5 1:5 2:5 3:5 4:5 5:5 6:5 7:5 8:5 9:5 10:5 11:5");
    expect("c", "0:0 1:0 2:1 3:1 4:2 5:2 6:3 7:3 8:4 9:4 10:4 11:4");
}
END_TEST

int main(void)
{
    TCase *edits = tcase_create("edits");
    tcase_add_checked_fixture(edits, make_directory, remove_directory);
    tcase_set_timeout(edits, 60);
    tcase_add_test(edits, test_order_and_company);
    tcase_add_test(edits, test_another_insert_reads_for_itself);
    tcase_add_test(edits, test_another_insert_over_fed_rows);
    tcase_add_test(edits, test_insert_taken_away);
    tcase_add_test(edits, test_changed_insert_begins_anew_when_allowed);
    tcase_add_test(edits, test_another_aggregate_is_refused);
    tcase_add_test(edits, test_more_columns_of_upserts);
    tcase_add_test(edits, test_state_limit);
    tcase_add_test(edits, test_join_at_other_parallelisms);
    return test_run("restore_edits", edits);
}
