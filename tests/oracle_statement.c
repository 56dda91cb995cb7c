/* Rows are compared as text with '|' between the values. */
#include "tests/oracle_case.h"
#include "tests/oracle_statement.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Noreturn void oracle_stop(const char *what, const char *detail)
{
    fprintf(stderr, "test_oracle: %s: %s\n", what, detail);
    exit(2);
}

/* Rows of a table at most, more or less; steps of SQLite's machine for a query over them, and rows
 * of its answer. */
#define SAMPLE_ROWS  24
#define SAMPLE_STEPS 300000
#define ANSWER_ROWS  250
/* OVERs of a query at most: each may tell all of its rows anew for each change that comes to it, so
 * that one above the other they multiply. */
#define OVERS 4

void oracle_sql(sqlite3 *oracle, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(oracle, sql, NULL, NULL, &message) != SQLITE_OK)
        oracle_stop(sql, message);
}

static sqlite3_stmt *try_prepare(sqlite3 *oracle, const char *sql)
{
    sqlite3_stmt *statement = NULL;
    Buffer text = {0};
    random_dialect(sql, true, &text);
    sqlite3_prepare_v2(oracle, buffer_text(&text), -1, &statement, NULL);
    buffer_deinit(&text);
    return statement;
}

static sqlite3_stmt *prepare(sqlite3 *oracle, const char *sql)
{
    sqlite3_stmt *statement = try_prepare(oracle, sql);
    if (statement == NULL)
        oracle_stop(sql, sqlite3_errmsg(oracle));
    return statement;
}

static int give_up(void *unused)
{
    (void)unused;
    return 1;
}

static bool has_few_overs(const char *sql)
{
    uint32_t overs = 0;
    for (const char *at = sql; (at = strstr(at, " OVER (")) != NULL; at++)
        overs++;
    return overs <= OVERS;
}

/* Joins of joins without a key may have millions of rows on the way, and window functions over many
 * rows tell all of them anew with each change: SQLite tries it over tables as full as they may
 * become. */
static bool is_small(sqlite3 *oracle, sqlite3_stmt *statement)
{
    for (uint32_t i = 0; i < ORACLE_TABLES; i++) {
        char fill[256];
        snprintf(fill, sizeof(fill),
                 "WITH n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
                 "INSERT INTO t%u (id, k, v, s) SELECT i %% 12, i %% 5, i %% 9, NULL FROM n",
                 SAMPLE_ROWS, i);
        oracle_sql(oracle, fill);
    }
    sqlite3_progress_handler(oracle, SAMPLE_STEPS, give_up, NULL);
    uint32_t rows = 0;
    int outcome;
    while ((outcome = sqlite3_step(statement)) == SQLITE_ROW && rows <= ANSWER_ROWS)
        rows++;
    sqlite3_progress_handler(oracle, 0, NULL, NULL);
    sqlite3_reset(statement);
    oracle_sql(oracle, "DELETE FROM t0; DELETE FROM t1; DELETE FROM t2");
    return outcome == SQLITE_DONE;
}

bool oracle_understands(sqlite3 *oracle, Buffer *sql)
{
    sqlite3_stmt *statement = try_prepare(oracle, buffer_text(sql));
    bool good = statement != NULL && has_few_overs(buffer_text(sql)) && is_small(oracle, statement);
    sqlite3_finalize(statement);
    return good;
}

static bool execute(OraclePlace *place, OracleStatement *statement)
{
    char name[24];
    snprintf(name, sizeof(name), "oracle%u", statement->number);
    weir_set(place->session, "pipeline.name", name);
    return weir_execute_text(place->session, buffer_text(&statement->text), &statement->result) ==
           WEIR_OK;
}

bool statement_start(OraclePlace *place, OracleStatement *statement)
{
    statement->result = NULL;
    if (execute(place, statement))
        return true;
    const char *message = weir_error_message(place->session);
    if (statement->query_count == 1 && statement->inserts && !statement->conflicts &&
        strstr(message, "ON CONFLICT") != NULL) {
        statement->conflicts = true;
        buffer_append_text(&statement->text, " ON CONFLICT DO DEDUPLICATE");
        if (execute(place, statement))
            return true;
        message = weir_error_message(place->session);
    }
    /* Rows by processing time, seen by a query inside that has to see them twice. */
    statement->refused = strstr(message, "rows that a function like RAND makes") != NULL;
    if (!statement->refused)
        buffer_printf(&place->problem, "  %s\n", message);
    return statement->refused;
}

void statement_stop(OraclePlace *place, OracleStatement *statement)
{
    if (statement->inserts && statement->result != NULL) {
        weir_interrupt(place->session, true);
        weir_next(statement->result, -1);
    }
    weir_result_free(statement->result);
    statement->result = NULL;
}

/* One change of a SELECT. */
static bool count_change(OraclePlace *place, OracleStatement *statement, Buffer *row)
{
    WeirChange change = weir_row_change(statement->result);
    bool gone = change == WEIR_UPDATE_BEFORE || change == WEIR_DELETE;
    buffer_clear(row);
    for (uint32_t i = 0; i < weir_column_count(statement->result); i++)
        buffer_printf(row, "%s%s", i == 0 ? "" : "|", weir_text(statement->result, i, NULL));
    int count = bag_add(&statement->emitted, (Str){row->data, row->length}, gone ? -1 : 1);
    if (count >= 0 && (!place->batch || change == WEIR_INSERT))
        return true;
    buffer_printf(&place->problem,
                  count < 0 ? "  takes back a row it never gave: %s\n"
                            : "  a bounded run shows a row that is not final: %s\n",
                  buffer_text(row));
    return false;
}

static bool read_until(OraclePlace *place, OracleStatement *statement, WeirStep last)
{
    Buffer row = {0};
    WeirStep step;
    bool good = true;
    int64_t timeout_ms = last == WEIR_STEP_END ? -1 : 0;
    while ((step = weir_next(statement->result, timeout_ms)) == WEIR_STEP_ROW)
        good = good && count_change(place, statement, &row);
    buffer_deinit(&row);
    if (step != last)
        buffer_printf(&place->problem, "  %s\n", weir_error_message(place->session));
    return step == last && good;
}

bool statement_read(OraclePlace *place, OracleStatement *statement)
{
    return statement->inserts || read_until(place, statement, WEIR_STEP_IDLE);
}

bool statement_finish(OraclePlace *place, OracleStatement *statement)
{
    return read_until(place, statement, WEIR_STEP_END);
}

/* ---------------------------------------------------------------- comparing */

static void count_rows(sqlite3_stmt *query, Bag *bag)
{
    Buffer row = {0};
    while (sqlite3_step(query) == SQLITE_ROW) {
        buffer_clear(&row);
        for (int i = 0; i < sqlite3_column_count(query); i++) {
            const unsigned char *text = sqlite3_column_text(query, i);
            if (i != 0)
                buffer_append_char(&row, '|');
            buffer_append_text(&row, text == NULL ? "NULL" : (const char *)text);
        }
        bag_add(bag, (Str){row.data, row.length}, 1);
    }
    sqlite3_reset(query);
    buffer_deinit(&row);
}

static void count_answer(OraclePlace *place, OracleQuery *query, Bag *bag)
{
    if (query->answer == NULL)
        query->answer = prepare(place->oracle, buffer_text(&query->sql));
    count_rows(query->answer, bag);
}

static void count_written(OraclePlace *place, OracleQuery *query, Bag *bag)
{
    if (query->written == NULL) {
        Buffer sql = {0};
        buffer_printf(&sql, "SELECT * FROM target.%s", query->target);
        query->written = prepare(place->oracle, buffer_text(&sql));
        buffer_deinit(&sql);
    }
    count_rows(query->written, bag);
}

bool statement_compare(OraclePlace *place, OracleStatement *statement)
{
    bool equal = true;
    for (uint32_t i = 0; i < statement->query_count && equal; i++) {
        Bag expected = {0}, written = {0};
        count_answer(place, &statement->queries[i], &expected);
        if (statement->inserts)
            count_written(place, &statement->queries[i], &written);
        equal = bag_compare(&expected, statement->inserts ? &written : &statement->emitted,
                            &place->problem);
        bag_deinit(&expected);
        bag_deinit(&written);
    }
    return equal;
}

/* "1|a" as [1, a]. */
static void append_row(const char *row, Buffer *out)
{
    buffer_append_char(out, '[');
    for (; *row != '\0'; row++)
        if (*row == '|')
            buffer_append_text(out, ", ");
        else
            buffer_append_char(out, *row);
    buffer_append_text(out, "]\n");
}

void statement_expected(OraclePlace *place, OracleStatement *statement, Buffer *out)
{
    Bag expected = {0};
    count_answer(place, &statement->queries[0], &expected);
    for (uint32_t i = 0; i < expected.capacity; i++)
        for (int n = 0; n < expected.slots[i].count; n++)
            append_row(expected.slots[i].text, out);
    bag_deinit(&expected);
}

void statement_close(OracleStatement *statement)
{
    weir_result_free(statement->result);
    for (uint32_t i = 0; i < statement->query_count; i++) {
        sqlite3_finalize(statement->queries[i].answer);
        sqlite3_finalize(statement->queries[i].written);
        buffer_deinit(&statement->queries[i].sql);
    }
    buffer_deinit(&statement->text);
    bag_deinit(&statement->emitted);
}
