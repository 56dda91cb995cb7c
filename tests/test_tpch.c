/* Queries as users write them, over changing tables, held against SQLite after every step.
 *
 *   test_tpch FILE... [--seed=S] [--runs=N] [--only=NAME]
 *
 * A file holds queries, each under a line "-- name". Where the dialects differ a query says
 * {what Flink writes|what SQLite does}. Each query runs N times over random changes of the tables
 * in tests/tpch/tables.h: rows come, change and go, with values missing. The folded changelog must
 * be SQLite's answer over the rows there are, numbers compared to three digits. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "session/weir.h"
#include "tests/tpch/tables.h"

#define ROWS_MAX 64
#define FEEDS    10

/* A generator that can be replayed: splitmix64. */
typedef struct Random {
    uint64_t state;
} Random;

static uint32_t random_below(Random *random, uint32_t bound)
{
    uint64_t z = random->state += UINT64_C(0x9E3779B97F4A7C15);
    z = (z ^ z >> 30) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ z >> 27) * UINT64_C(0x94D049BB133111EB);
    return (uint32_t)((z ^ z >> 31) % bound);
}

typedef struct Row {
    char values[TPCH_COLUMNS_MAX][40]; /* "NULL": missing */
} Row;

typedef struct Stored {
    Row rows[ROWS_MAX];
    uint32_t count;
} Stored;

typedef struct Run {
    Random random;
    Stored stored[array_count(tpch_tables)];
    sqlite3 *oracle;
    WeirSession *session;
    WeirResult *result;
    bool upserts; /* updates only tell the new row */
} Run;

static void fail_hard(const char *what, const char *detail)
{
    fprintf(stderr, "test_tpch: %s: %s\n", what, detail);
    exit(2);
}

static void oracle_run(sqlite3 *oracle, const char *sql)
{
    char *message = NULL;
    if (sqlite3_exec(oracle, sql, NULL, NULL, &message) != SQLITE_OK)
        fail_hard(sql, message);
}

static uint32_t columns_of(const TpchTable *table)
{
    uint32_t count = 0;
    while (count < TPCH_COLUMNS_MAX && table->columns[count].name != NULL)
        count++;
    return count;
}

static bool is_number(const TpchColumn *column)
{
    return strcmp(column->type, "STRING") != 0 && strcmp(column->type, "DATE") != 0;
}

/* ------------------------------------------------------------------------ rows */

static void random_value(Random *random, const char *values, char *out, size_t size)
{
    int from, to;
    if (sscanf(values, "%d..%d", &from, &to) == 2) {
        snprintf(out, size, "%d", from + (int)random_below(random, (uint32_t)(to - from + 1)));
        return;
    }
    uint32_t count = 1;
    for (const char *c = values; *c != '\0'; c++)
        count += *c == '|';
    for (uint32_t skip = random_below(random, count); skip > 0; skip--)
        values = strchr(values, '|') + 1;
    snprintf(out, size, "%.*s", (int)strcspn(values, "|"), values);
}

static Row random_row(Random *random, const TpchTable *table)
{
    Row row;
    for (uint32_t c = 0; c < columns_of(table); c++) {
        random_value(random, table->columns[c].values, row.values[c], sizeof(row.values[c]));
        if (c >= table->key_count && random_below(random, 20) == 0)
            memcpy(row.values[c], "NULL", 5);
    }
    return row;
}

/* Where the row with this key is; the count: nowhere. */
static uint32_t find_row(const TpchTable *table, const Stored *stored, const Row *row)
{
    for (uint32_t r = 0; r < stored->count; r++) {
        uint32_t k = 0;
        while (k < table->key_count && strcmp(stored->rows[r].values[k], row->values[k]) == 0)
            k++;
        if (k == table->key_count)
            return r;
    }
    return stored->count;
}

static void print_line(const TpchTable *table, const char *kind, const Row *row, Buffer *out)
{
    buffer_printf(out, "%s[", kind);
    for (uint32_t c = 0; c < columns_of(table); c++)
        buffer_printf(out, "%s%s", c == 0 ? "" : ", ", row->values[c]);
    buffer_append_text(out, "]\n");
}

static void change_table(Run *run, const TpchTable *table, Stored *stored, Buffer *lines)
{
    Row row = random_row(&run->random, table);
    uint32_t at = find_row(table, stored, &row);
    if (at == stored->count) {
        if (stored->count == ROWS_MAX)
            return;
        stored->rows[stored->count++] = row;
        print_line(table, "+I", &row, lines);
        return;
    }
    if (random_below(&run->random, 3) == 0) {
        print_line(table, "-D", &stored->rows[at], lines);
        stored->rows[at] = stored->rows[--stored->count];
        return;
    }
    if (!run->upserts)
        print_line(table, "-U", &stored->rows[at], lines);
    stored->rows[at] = row;
    print_line(table, "+U", &row, lines);
}

/* ---------------------------------------------------------------------- tables */

static void declare(Run *run, const TpchTable *table)
{
    Buffer weir = {0}, sqlite = {0};
    buffer_printf(&weir, "CREATE TABLE %s (", table->name);
    buffer_printf(&sqlite, "CREATE TABLE %s (", table->name);
    for (uint32_t c = 0; c < columns_of(table); c++) {
        const TpchColumn *column = &table->columns[c];
        bool is_integer = strcmp(column->type, "INT") == 0;
        buffer_printf(&weir, "%s %s, ", column->name, column->type);
        buffer_printf(&sqlite, "%s%s %s", c == 0 ? "" : ", ", column->name,
                      is_integer          ? "INTEGER"
                      : is_number(column) ? "REAL"
                                          : "TEXT");
    }
    buffer_append_text(&weir, "PRIMARY KEY (");
    for (uint32_t k = 0; k < table->key_count; k++)
        buffer_printf(&weir, "%s%s", k == 0 ? "" : ", ", table->columns[k].name);
    buffer_append_text(&weir, ") NOT ENFORCED) WITH ('connector' = 'feed', 'changelog-mode' = '");
    buffer_append_text(&weir, run->upserts ? "I,UA,D')" : "I,UB,UA,D')");
    buffer_append_text(&sqlite, ")");
    WeirResult *result;
    if (weir_execute_text(run->session, buffer_text(&weir), &result) != WEIR_OK)
        fail_hard(buffer_text(&weir), weir_error_message(run->session));
    weir_result_free(result);
    oracle_run(run->oracle, buffer_text(&sqlite));
    buffer_deinit(&weir);
    buffer_deinit(&sqlite);
}

static void fill_oracle(Run *run, const TpchTable *table, const Stored *stored)
{
    Buffer sql = {0};
    buffer_printf(&sql, "DELETE FROM %s;", table->name);
    for (uint32_t r = 0; r < stored->count; r++) {
        buffer_printf(&sql, "INSERT INTO %s VALUES (", table->name);
        for (uint32_t c = 0; c < columns_of(table); c++) {
            const char *value = stored->rows[r].values[c];
            bool bare = is_number(&table->columns[c]) || strcmp(value, "NULL") == 0;
            buffer_printf(&sql, "%s%s%s%s", c == 0 ? "" : ", ", bare ? "" : "'", value,
                          bare ? "" : "'");
        }
        buffer_append_text(&sql, ");");
    }
    oracle_run(run->oracle, buffer_text(&sql));
    buffer_deinit(&sql);
}

/* -------------------------------------------------------------------- dialects */

/* The query as one of the two reads it; to be freed. */
static char *dialect(const char *text, bool sqlite)
{
    Buffer out = {0};
    uint32_t part = 0; /* 0: outside of braces, 1: Flink's, 2: SQLite's */
    for (; *text != '\0'; text++) {
        if (*text == '{')
            part = 1;
        else if (*text == '}')
            part = 0;
        else if (*text == '|' && part == 1 && text[1] != '|' && text[-1] != '|')
            part = 2;
        else if (part == 0 || (part == 2) == sqlite)
            buffer_append_char(&out, *text);
    }
    char *copy = strdup(buffer_text(&out));
    buffer_deinit(&out);
    return copy;
}

/* ------------------------------------------------------------------- comparing */

/* Numbers may have other digits behind the point in one of the two, and be a little off; shifted,
 * so that what is exact does not lie where digits are cut. */
static void append_value(Buffer *row, const char *value)
{
    char *end;
    double number = strtod(value, &end);
    if (*value != '\0' && *end == '\0' && strchr("-0123456789", *value) != NULL)
        buffer_printf(row, "%.3f|", number + 0.0000137);
    else
        buffer_printf(row, "%s|",
                      strcmp(value, "TRUE") == 0    ? "1.000"
                      : strcmp(value, "FALSE") == 0 ? "0.000"
                                                    : value);
}

static void count_row(Run *run, const char *counted, Buffer *row, int count)
{
    char sql[64];
    sqlite3_stmt *insert;
    snprintf(sql, sizeof(sql), "INSERT INTO %s VALUES (?, ?)", counted);
    if (sqlite3_prepare_v2(run->oracle, sql, -1, &insert, NULL) != SQLITE_OK)
        fail_hard(sql, sqlite3_errmsg(run->oracle));
    sqlite3_bind_text(insert, 1, buffer_text(row), -1, SQLITE_TRANSIENT);
    sqlite3_bind_int(insert, 2, count);
    sqlite3_step(insert);
    sqlite3_finalize(insert);
    buffer_clear(row);
}

static bool count_emitted(Run *run)
{
    Buffer row = {0};
    WeirStep step;
    while ((step = weir_next(run->result, 0)) == WEIR_STEP_ROW) {
        for (uint32_t i = 0; i < weir_column_count(run->result); i++) {
            const char *text = weir_text(run->result, i, NULL);
            append_value(&row, text);
        }
        count_row(run, "emitted", &row, (weir_row_change(run->result) & 1) != 0 ? -1 : 1);
    }
    buffer_deinit(&row);
    return step == WEIR_STEP_IDLE;
}

static void count_expected(Run *run, const char *sql)
{
    sqlite3_stmt *query;
    oracle_run(run->oracle, "DELETE FROM expected");
    if (sqlite3_prepare_v2(run->oracle, sql, -1, &query, NULL) != SQLITE_OK)
        fail_hard(sql, sqlite3_errmsg(run->oracle));
    Buffer row = {0};
    while (sqlite3_step(query) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(query); i++) {
            const char *text = (const char *)sqlite3_column_text(query, i);
            append_value(&row, text == NULL ? "NULL" : text);
        }
        count_row(run, "expected", &row, 1);
    }
    buffer_deinit(&row);
    sqlite3_finalize(query);
}

/* The number of rows, or -1 after telling what differs. */
static int compare(Run *run, const char *sql)
{
    count_expected(run, sql);
    sqlite3_stmt *query;
    const char *differences =
        "SELECT row, SUM(e), SUM(w) FROM (SELECT row, n AS e, 0 AS w FROM expected "
        "UNION ALL SELECT row, 0, n FROM emitted) GROUP BY row";
    if (sqlite3_prepare_v2(run->oracle, differences, -1, &query, NULL) != SQLITE_OK)
        fail_hard(differences, sqlite3_errmsg(run->oracle));
    int rows = 0;
    while (sqlite3_step(query) == SQLITE_ROW) {
        int expected = sqlite3_column_int(query, 1), emitted = sqlite3_column_int(query, 2);
        if (expected != emitted)
            fprintf(stderr, "  %s SQLite %d times, Weir %d times\n",
                    (const char *)sqlite3_column_text(query, 0), expected, emitted);
        rows = expected != emitted || rows < 0 ? -1 : rows + expected;
    }
    sqlite3_finalize(query);
    return rows;
}

/* ------------------------------------------------------------------------- runs */

static void on_notice(void *user, const char *text)
{
    (void)user;
    (void)text;
}

static void run_open(Run *run, uint64_t seed)
{
    memset(run, 0, sizeof(*run));
    run->random.state = seed;
    run->upserts = seed % 3 == 1;
    if (sqlite3_open(":memory:", &run->oracle) != SQLITE_OK)
        fail_hard("SQLite", "could not open");
    run->session = weir_open();
    weir_on_notice(run->session, on_notice, NULL);
    weir_set(run->session, "execution.batch-rows", seed % 2 == 0 ? "1" : "2048");
    weir_set(run->session, "parallelism.default", seed % 3 == 0 ? "2" : "1");
    weir_set(run->session, "table.optimizer.multi-join.enabled", seed % 4 < 2 ? "false" : "true");
    for (size_t t = 0; t < array_count(tpch_tables); t++)
        declare(run, &tpch_tables[t]);
    oracle_run(run->oracle, "CREATE TABLE expected (row TEXT, n INTEGER);"
                            "CREATE TABLE emitted (row TEXT, n INTEGER)");
}

static void run_close(Run *run)
{
    weir_result_free(run->result);
    weir_close(run->session);
    sqlite3_close(run->oracle);
}

/* Some changes to each table that the query reads. */
static bool feed(Run *run, const char *query, uint32_t changes)
{
    for (size_t t = 0; t < array_count(tpch_tables); t++) {
        const TpchTable *table = &tpch_tables[t];
        Buffer lines = {0};
        for (uint32_t i = 0; i < changes; i++)
            change_table(run, table, &run->stored[t], &lines);
        bool reads = strstr(query, table->name) != NULL;
        bool ok = !reads || weir_feed(run->session, table->name, buffer_text(&lines)) == WEIR_OK;
        buffer_deinit(&lines);
        if (!ok)
            return false;
        fill_oracle(run, table, &run->stored[t]);
    }
    return weir_settle(run->session) == WEIR_OK && count_emitted(run);
}

/* The rows that were compared; negative: it failed. */
static int run_query(const char *text, uint64_t seed)
{
    Run *run = memory_alloc(sizeof(*run));
    run_open(run, seed);
    char *weir = dialect(text, false), *sqlite = dialect(text, true);
    int rows = 0;
    bool ok = weir_execute_text(run->session, weir, &run->result) == WEIR_OK;
    for (uint32_t i = 0; i < FEEDS && ok && rows >= 0; i++) {
        ok = feed(run, weir, i < 3 ? 12 : 2);
        int more = ok ? compare(run, sqlite) : -1;
        rows = more < 0 ? -1 : rows + more;
    }
    if (!ok)
        fprintf(stderr, "  %s\n", weir_error_message(run->session));
    run_close(run);
    free(weir);
    free(sqlite);
    memory_free(run);
    return ok ? rows : -1;
}

static bool try_query(const char *name, const char *text, uint64_t seed, uint64_t runs)
{
    int rows = 0;
    for (uint64_t i = 0; i < runs; i++) {
        int more = run_query(text, seed + i);
        if (more < 0) {
            fprintf(stderr, "FAILED: %s, --only=%s --seed=%llu --runs=1\n", name, name,
                    (unsigned long long)(seed + i));
            return false;
        }
        rows += more;
    }
    if (rows == 0)
        fprintf(stderr, "FAILED: %s never had a row to compare\n", name);
    return rows != 0;
}

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    if (file == NULL)
        fail_hard(path, "could not open");
    Buffer text = {0};
    int c;
    while ((c = fgetc(file)) != EOF)
        buffer_append_char(&text, (char)c);
    fclose(file);
    char *copy = strdup(buffer_text(&text));
    buffer_deinit(&text);
    return copy;
}

typedef struct Arguments {
    uint64_t seed;
    uint64_t runs;
    const char *only; /* NULL: all */
} Arguments;

static uint32_t try_file(const char *path, const Arguments *arguments, uint32_t *failed)
{
    char *text = read_file(path), *next = text;
    uint32_t count = 0;
    while (next != NULL && strncmp(next, "-- ", 3) == 0) {
        char *name = next + 3;
        char *query = strchr(name, '\n');
        if (query == NULL)
            break;
        *query++ = '\0';
        next = strstr(query, "\n-- ");
        if (next != NULL)
            *next++ = '\0';
        if (arguments->only != NULL && strcmp(arguments->only, name) != 0)
            continue;
        count++;
        *failed += try_query(name, query, arguments->seed, arguments->runs) ? 0 : 1;
    }
    free(text);
    return count;
}

int main(int argc, char **argv)
{
    Arguments arguments = {.seed = 1, .runs = 3};
    uint32_t count = 0, failed = 0;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "--seed=", 7) == 0)
            arguments.seed = strtoull(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "--runs=", 7) == 0)
            arguments.runs = strtoull(argv[i] + 7, NULL, 10);
        else if (strncmp(argv[i], "--only=", 7) == 0)
            arguments.only = argv[i] + 7;
    }
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) != 0)
            count += try_file(argv[i], &arguments, &failed);
    printf("%u passed, %u failed\n", count - failed, failed);
    return count == 0 || failed != 0;
}
