/* The sqlite connector: values of every type both ways, upsert against a plain model, exactly once
 * over every place where a crash can fall, and what it refuses. */
#include "tests/connector_testing.h"
#include "tests/suite.h"

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

extern const Connector connector_sqlite;

static char directory[64];
static char path[96];

static void make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/weir-sqlite-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/shop.db", directory);
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static void run_sql(const char *sql)
{
    sqlite3 *database;
    char *message = NULL;
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_exec(database, sql, NULL, NULL, &message) == SQLITE_OK, "%s", message);
    sqlite3_close(database);
}

/* Every row of the answer, columns joined by '|'. */
static const char *ask(Buffer *out, const char *sql)
{
    sqlite3 *database;
    sqlite3_stmt *statement;
    buffer_clear(out);
    ck_assert_int_eq(sqlite3_open(path, &database), SQLITE_OK);
    ck_assert_msg(sqlite3_prepare_v2(database, sql, -1, &statement, NULL) == SQLITE_OK, "%s",
                  sqlite3_errmsg(database));
    while (sqlite3_step(statement) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(statement); i++) {
            const char *text = (const char *)sqlite3_column_text(statement, i);
            buffer_printf(out, "%s%s", i == 0 ? "" : "|", text == NULL ? "NULL" : text);
        }
        buffer_append_char(out, '\n');
    }
    sqlite3_finalize(statement);
    sqlite3_close(database);
    return buffer_text(out);
}

static void start(TestTable *table, const char *name)
{
    table_start(table);
    table_option(table, "path", path);
    table_option(table, "table-name", name);
}

static Sink *open_sink(const SinkContext *context)
{
    Error error;
    Sink *sink = connector_sqlite.sink->open(context, &error);
    ck_assert_msg(sink != NULL, "%s %s", error.message, error.detail);
    return sink;
}

static const Type *not_null(TestTable *table, const Type *type)
{
    return type_with_nullable(table->arena, type, false);
}

static void all_types(TestTable *table)
{
    table_column(table, "b", &type_boolean);
    table_column(table, "ti", &type_tinyint);
    table_column(table, "si", &type_smallint);
    table_column(table, "i", &type_int);
    table_column(table, "bi", &type_bigint);
    table_column(table, "f", &type_float);
    table_column(table, "d", &type_double);
    table_column(table, "n", type_new(table->arena, TYPE_DECIMAL, true, 10, 2));
    table_column(table, "m", type_new(table->arena, TYPE_DECIMAL, true, 38, 10));
    table_column(table, "c", type_new(table->arena, TYPE_VARCHAR, true, 20, 0));
    table_column(table, "s", &type_string);
    table_column(table, "y", &type_bytes);
    table_column(table, "dt", &type_date);
    table_column(table, "t", &type_time);
    table_column(table, "ts", &type_timestamp_3);
    table_column(table, "tn", type_new(table->arena, TYPE_TIMESTAMP, true, 9, 0));
    table_column(table, "tl", &type_timestamp_ltz_6);
}

START_TEST(values_come_back_as_they_went)
{
    TestTable table;
    start(&table, "all types");
    all_types(&table);
    const char *rows =
        "+I[TRUE, -128, -32768, -2147483648, -9223372036854775808, 1.5, -2.25, -99999999.99, "
        "-1234567890123456789012345678.0123456789, 'a ''b''', 'grüße', x'00ff', 0001-01-01, "
        "23:59:59, 9999-12-31 23:59:59.999, 2020-02-29 00:00:00.123456789, "
        "1970-01-01 00:00:00.000001]\n"
        "+I[NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, "
        "NULL, NULL, NULL]\n"
        "+I[FALSE, 127, 32767, 2147483647, 9223372036854775807, 0.1, 1e300, 0.01, "
        "0.0000000001, '', a-text-longer-than-twelve, x'', 2024-12-31, 00:00:00, "
        "2024-12-31 12:00:00.000, 1969-12-31 23:59:59.999999999, 2024-12-31 12:00:00.000000]\n";
    Batch *expected = batch_of(&table, rows);
    Buffer wanted = {0}, got = {0};
    changelog_print(expected, time_zone_utc(), &wanted);
    batch_release(expected);
    Error error;
    ck_assert(table_check(&table, &connector_sqlite, &error));
    SinkContext context = sink_context(&table);
    Sink *sink = open_sink(&context);
    sink_write(connector_sqlite.sink, sink, &table, rows);
    ck_assert(connector_sqlite.sink->finish(sink, &error));
    connector_sqlite.sink->close(sink);
    Buffer out = {0};
    ck_assert_str_eq(
        ask(&out, "SELECT typeof(b), typeof(bi), typeof(f), typeof(n), typeof(s), typeof(y),"
                  " typeof(ts), n, ts FROM \"all types\" LIMIT 1"),
        "integer|integer|real|text|text|blob|text|-99999999.99|9999-12-31 23:59:59.999\n");
    SourceContext from = source_context(table_scan(&table));
    Source *source = connector_sqlite.source->open(&from, &error);
    ck_assert_msg(source != NULL, "%s", error.message);
    ck_assert_msg(source_read(connector_sqlite.source, source, UINT32_MAX, &got, &error), "%s",
                  error.message);
    ck_assert_str_eq(buffer_text(&got), buffer_text(&wanted));
    connector_sqlite.source->close(source);
    buffer_deinit(&wanted);
    buffer_deinit(&got);
    buffer_deinit(&out);
    table_end(&table);
}
END_TEST

START_TEST(foreign_values_are_taken_when_they_fit)
{
    run_sql("CREATE TABLE t(d, n, s, ts, b); INSERT INTO t VALUES"
            "(7, 12, 5, '2020-01-02', 1), (2.5, 1.25, 2.5, '2020-01-02T03:04:05', 0),"
            "(NULL, ' 3.1 ', 'x', NULL, 'true')");
    TestTable table;
    start(&table, "T");
    table_column(&table, "d", &type_double);
    table_column(&table, "n", type_new(table.arena, TYPE_DECIMAL, true, 5, 2));
    table_column(&table, "s", &type_string);
    table_column(&table, "ts", &type_timestamp_3);
    table_column(&table, "b", &type_boolean);
    SourceContext context = source_context(table_scan(&table));
    Error error;
    Source *source = connector_sqlite.source->open(&context, &error);
    ck_assert_msg(source != NULL, "%s", error.message);
    Buffer got = {0};
    bool read = source_read(connector_sqlite.source, source, UINT32_MAX, &got, &error);
    ck_assert_msg(read, "%s", error.message);
    ck_assert_str_eq(buffer_text(&got), "+I[7.0, 12.00, 5, 2020-01-02 00:00:00.000, TRUE]\n"
                                        "+I[2.5, 1.25, 2.5, 2020-01-02 03:04:05.000, FALSE]\n"
                                        "+I[NULL, 3.10, x, NULL, TRUE]\n");
    connector_sqlite.source->close(source);
    buffer_deinit(&got);
    table_end(&table);
}
END_TEST

typedef struct BadValue {
    const Type *type;
    const char *value;
    const char *message;
} BadValue;

START_TEST(what_does_not_fit_is_named_with_its_place)
{
    static const BadValue bad[] = {
        {&type_int, "3000000000", "column \"v\": 3000000000 does not fit type INT"},
        {&type_boolean, "2", "column \"v\": 2 does not fit type BOOLEAN"},
        {&type_int, "1.5", "column \"v\": a value stored as REAL does not fit type INT"},
        {&type_string, "x'00ff'", "column \"v\": a value stored as BLOB does not fit type STRING"},
        {&type_string, "CAST(x'ff' AS TEXT)",
         "column \"v\": text that is not UTF-8 does not fit type STRING"},
        {&type_timestamp_3, "17",
         "column \"v\": a value stored as INTEGER does not fit type TIMESTAMP(3)"},
    };
    for (size_t i = 0; i < array_count(bad); i++) {
        char sql[256];
        snprintf(sql, sizeof(sql),
                 "DROP TABLE IF EXISTS t; CREATE TABLE t(v);"
                 "INSERT INTO t(rowid, v) VALUES(40, NULL), (41, %s)",
                 bad[i].value);
        run_sql(sql);
        TestTable table;
        start(&table, "t");
        table_column(&table, "v", bad[i].type);
        SourceContext context = source_context(table_scan(&table));
        Error error;
        Source *source = connector_sqlite.source->open(&context, &error);
        ck_assert_ptr_nonnull(source);
        Buffer got = {0};
        ck_assert(!source_read(connector_sqlite.source, source, UINT32_MAX, &got, &error));
        ck_assert_str_eq(error.message, bad[i].message);
        ck_assert_int_eq(error.code, ERROR_DATA);
        ck_assert_ptr_nonnull(strstr(error.place, "shop.db, table \"t\", rowid 41"));
        buffer_deinit(&got);
        connector_sqlite.source->close(source);
        table_end(&table);
    }
}
END_TEST

static void read_with_restarts(const char *name, uint32_t rows)
{
    TestTable table;
    start(&table, name);
    table_column(&table, "k", &type_bigint);
    Buffer got = {0};
    TestPositions positions = {.arena = table.arena};
    SourceContext context = source_context(table_scan(&table));
    Error error;
    for (uint32_t i = 0; i < 8; i++) {
        context.restored = positions.items;
        context.restored_count = positions.count;
        context.is_restored = i != 0;
        Source *source = connector_sqlite.source->open(&context, &error);
        ck_assert_ptr_nonnull(source);
        ck_assert(source_read(connector_sqlite.source, source, 1, &got, &error));
        positions.count = 0;
        ck_assert(connector_sqlite.source->position(source, add_position, &positions, &error));
        connector_sqlite.source->close(source);
    }
    Buffer wanted = {0};
    for (uint32_t i = 0; i < rows; i++)
        buffer_printf(&wanted, "+I[%d]\n", (int)i - 100);
    ck_assert_str_eq(buffer_text(&got), buffer_text(&wanted));
    buffer_deinit(&got);
    buffer_deinit(&wanted);
    table_end(&table);
}

START_TEST(reading_goes_on_from_a_position)
{
    run_sql("CREATE TABLE a(k INTEGER PRIMARY KEY);"
            "CREATE TABLE b(k INTEGER PRIMARY KEY, x) WITHOUT ROWID;"
            "WITH RECURSIVE n(i) AS (SELECT -100 UNION ALL SELECT i + 1 FROM n WHERE i < 9899)"
            " INSERT INTO a SELECT i FROM n; INSERT INTO b SELECT k, 0 FROM a;"
            "CREATE VIEW v AS SELECT k FROM a");
    read_with_restarts("a", 10000);
    read_with_restarts("b", 10000);
    read_with_restarts("v", 10000);
}
END_TEST

/* A plain model of the table: value per key, or none. */
#define KEYS 60

typedef struct Model {
    int32_t values[KEYS];
} Model;

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
    random_state = random_state * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (uint32_t)(random_state >> 33) % bound;
}

static void random_changes(Sink *sink, const TestTable *table, Model *model)
{
    Buffer lines = {0};
    uint32_t count = 1 + random_below(200);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t key = random_below(KEYS);
        if (model->values[key] == 0) {
            model->values[key] = (int32_t)random_below(1000) + 1;
            buffer_printf(&lines, "+I[k%u, %d]\n", key, model->values[key]);
        } else if (random_below(3) == 0) {
            buffer_printf(&lines, "-D[k%u, %d]\n", key, model->values[key]);
            model->values[key] = 0;
        } else {
            model->values[key] = (int32_t)random_below(1000) + 1;
            buffer_printf(&lines, "+U[k%u, %d]\n", key, model->values[key]);
        }
    }
    sink_write(connector_sqlite.sink, sink, table, buffer_text(&lines));
    buffer_deinit(&lines);
}

static void verify(const Model *model)
{
    Buffer out = {0}, wanted = {0};
    for (uint32_t key = 0; key < KEYS; key++)
        if (model->values[key] != 0)
            buffer_printf(&wanted, "k%u|%d\n", key, model->values[key]);
    ck_assert_str_eq(ask(&out, "SELECT k, v FROM up ORDER BY CAST(substr(k, 2) AS INTEGER)"),
                     buffer_text(&wanted));
    buffer_deinit(&out);
    buffer_deinit(&wanted);
}

static void upsert_table(TestTable *table, const char *name)
{
    start(table, name);
    table_column(table, "k", not_null(table, &type_string));
    table_column(table, "v", &type_int);
    table_key(table, 0);
}

START_TEST(every_crash_leaves_each_epoch_once)
{
    random_state = (uint64_t)getpid();
    printf("sqlite: seed %llu\n", (unsigned long long)random_state);
    TestTable table;
    upsert_table(&table, "up");
    ck_assert_int_eq(connector_sqlite.sink_kinds(&table.info), CHANGES_UPSERT);
    SinkContext context = sink_context(&table);
    context.checkpointing = true;
    Sink *sink = open_sink(&context);
    Model durable = {0};
    Buffer pending = {0};
    Error error;
    uint64_t durable_epoch = 0;
    for (uint64_t epoch = 1; epoch <= 60; epoch++) {
        Model model = durable;
        random_changes(sink, &table, &model);
        Buffer next = {0};
        if (random_below(3) == 0) {
            /* Declined: its rows go with the next. */
            ck_assert(connector_sqlite.sink->prepare(sink, epoch++, &next, &error));
            buffer_clear(&next);
            verify(&durable);
            random_changes(sink, &table, &model);
        }
        /* 0: before prepare; 1: prepared, epoch not durable; 2: durable, not committed; 3:
         * committed 4: no crash; 5: the next epoch's rows are on their way when the commit comes.
         */
        uint32_t crash = random_below(6);
        if (crash > 0)
            ck_assert(connector_sqlite.sink->prepare(sink, epoch, &next, &error));
        if (crash > 1) {
            durable = model;
            durable_epoch = epoch;
            buffer_deinit(&pending);
            pending = next;
        } else {
            buffer_deinit(&next);
        }
        Model after = model;
        if (crash == 5)
            random_changes(sink, &table, &after);
        if (crash > 2) {
            ck_assert_msg(connector_sqlite.sink->commit(sink, epoch, &error), "%s", error.message);
            verify(&durable);
        }
        if (crash == 4)
            continue;
        connector_sqlite.sink->close(sink);
        epoch = durable_epoch;
        Str restored = {pending.data, pending.length};
        context.restored = &restored;
        context.restored_count = pending.data == NULL ? 0 : 1;
        context.restored_epoch = epoch;
        sink = open_sink(&context);
        ck_assert(connector_sqlite.sink->commit(sink, epoch, &error));
        verify(&durable);
    }
    connector_sqlite.sink->close(sink);
    buffer_deinit(&pending);
    table_end(&table);
}
END_TEST

START_TEST(appending_is_exactly_once_too)
{
    TestTable table;
    start(&table, "log");
    table_column(&table, "v", &type_int);
    ck_assert_int_eq(connector_sqlite.sink_kinds(&table.info), CHANGES_INSERT_ONLY);
    SinkContext context = sink_context(&table);
    context.checkpointing = true;
    Sink *sink = open_sink(&context);
    Error error;
    Buffer pending = {0}, out = {0};
    sink_write(connector_sqlite.sink, sink, &table, "+I[1]\n+I[1]\n+I[2]\n");
    ck_assert(connector_sqlite.sink->prepare(sink, 1, &pending, &error));
    ck_assert_str_eq(ask(&out, "SELECT v FROM log"), "");
    for (uint32_t i = 0; i < 3; i++) {
        connector_sqlite.sink->close(sink);
        Str restored = {pending.data, pending.length};
        context.restored = &restored;
        context.restored_count = 1;
        context.restored_epoch = 1;
        sink = open_sink(&context);
        ck_assert_str_eq(ask(&out, "SELECT v FROM log"), "1\n1\n2\n");
    }
    connector_sqlite.sink->close(sink);
    ck_assert_str_eq(ask(&out, "SELECT job, sink, epoch FROM weir_commits"), "test|sink-1|1\n");
    /* A fresh start counts from the beginning again. */
    context.restored_epoch = 0;
    context.restored_count = 0;
    sink = open_sink(&context);
    sink_write(connector_sqlite.sink, sink, &table, "+I[3]\n");
    buffer_clear(&pending);
    ck_assert(connector_sqlite.sink->prepare(sink, 1, &pending, &error));
    ck_assert(connector_sqlite.sink->commit(sink, 1, &error));
    ck_assert_str_eq(ask(&out, "SELECT v FROM log"), "1\n1\n2\n3\n");
    /* What was prepared for an epoch that was declined goes with the next. */
    sink_write(connector_sqlite.sink, sink, &table, "+I[4]\n");
    buffer_clear(&pending);
    ck_assert(connector_sqlite.sink->prepare(sink, 2, &pending, &error));
    sink_write(connector_sqlite.sink, sink, &table, "+I[4]\n+I[5]\n");
    buffer_clear(&pending);
    ck_assert(connector_sqlite.sink->prepare(sink, 3, &pending, &error));
    ck_assert_str_eq(ask(&out, "SELECT v FROM log"), "1\n1\n2\n3\n");
    ck_assert(connector_sqlite.sink->commit(sink, 3, &error));
    ck_assert_str_eq(ask(&out, "SELECT v FROM log"), "1\n1\n2\n3\n4\n4\n5\n");
    connector_sqlite.sink->close(sink);
    buffer_deinit(&pending);
    buffer_deinit(&out);
    table_end(&table);
}
END_TEST

static long long file_bytes(const char *suffix)
{
    char name[128];
    struct stat found;
    snprintf(name, sizeof(name), "%s%s", path, suffix);
    return stat(name, &found) == 0 ? (long long)found.st_size : 0;
}

/* Without checkpoints every flush is a commit: its pages get into the file beside the writer, and
 * the log stays bounded however long nobody pauses. */
START_TEST(many_commits_do_not_pile_up)
{
    enum { COMMITS = 9000 };
    TestTable table;
    upsert_table(&table, "many");
    SinkContext context = sink_context(&table);
    Sink *sink = open_sink(&context);
    Error error;
    long long log_most = 0;
    char row[64];
    for (int i = 0; i < COMMITS; i++) {
        snprintf(row, sizeof(row), "+I[%016x, %d]\n", (unsigned int)i * 2654435761u, i);
        sink_write(connector_sqlite.sink, sink, &table, row);
        ck_assert(connector_sqlite.sink->flush(sink, &error));
        long long log = file_bytes("-wal");
        log_most = log > log_most ? log : log_most;
    }
    ck_assert_int_gt(log_most, (long long)1000 * 4096);
    ck_assert_int_lt(log_most, (long long)17000 * 4200);
    Buffer out = {0};
    ck_assert_str_eq(ask(&out, "SELECT count(*), sum(v) FROM many"), "9000|40495500\n");
    ck_assert_str_eq(ask(&out, "PRAGMA integrity_check"), "ok\n");
    connector_sqlite.sink->close(sink);
    ck_assert_int_eq(file_bytes("-wal"), 0);
    buffer_deinit(&out);
    table_end(&table);
}
END_TEST

START_TEST(existing_tables_are_checked)
{
    run_sql("CREATE TABLE t(k TEXT, value INT); CREATE TABLE u(k TEXT PRIMARY KEY, v, w NOT NULL);"
            "CREATE TABLE ok(w DEFAULT 7 NOT NULL, V INT, k TEXT UNIQUE)");
    TestTable table;
    Error error;
    upsert_table(&table, "t");
    SinkContext context = sink_context(&table);
    ck_assert_ptr_null(connector_sqlite.sink->open(&context, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "has no column \"v\""));
    ck_assert_int_eq(error.code, ERROR_SCHEMA);
    table_end(&table);
    run_sql("ALTER TABLE t RENAME COLUMN value TO v");
    upsert_table(&table, "t");
    context = sink_context(&table);
    ck_assert_ptr_null(connector_sqlite.sink->open(&context, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "has no unique key on the primary key"));
    ck_assert_ptr_nonnull(strstr(error.hint, "ON \"t\"(\"k\")"));
    table_end(&table);
    upsert_table(&table, "u");
    context = sink_context(&table);
    ck_assert_ptr_null(connector_sqlite.sink->open(&context, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "column \"w\" of SQLite table \"u\" is NOT NULL"));
    table_end(&table);
    upsert_table(&table, "ok");
    context = sink_context(&table);
    Sink *sink = open_sink(&context);
    sink_write(connector_sqlite.sink, sink, &table, "+I[a, 1]\n+I[b, 2]\n-D[a, 1]\n+U[b, 3]\n");
    ck_assert(connector_sqlite.sink->flush(sink, &error));
    Buffer out = {0};
    ck_assert_str_eq(ask(&out, "SELECT * FROM ok"), "7|3|b\n");
    connector_sqlite.sink->close(sink);
    buffer_deinit(&out);
    table_end(&table);
}
END_TEST

START_TEST(missing_things_are_named)
{
    TestTable table;
    Error error;
    start(&table, "t");
    table_column(&table, "k", &type_string);
    SourceContext context = source_context(table_scan(&table));
    ck_assert_ptr_null(connector_sqlite.source->open(&context, &error));
    ck_assert_int_eq(error.code, ERROR_IO);
    ck_assert_ptr_nonnull(strstr(error.message, "shop.db\": No such file"));
    run_sql("CREATE TABLE other(k)");
    ck_assert_ptr_null(connector_sqlite.source->open(&context, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "has no table \"t\""));
    table_option(&table, "path", "/no/such/directory/file.db");
    SinkContext sink = sink_context(&table);
    ck_assert_ptr_null(connector_sqlite.sink->open(&sink, &error));
    ck_assert_int_eq(error.code, ERROR_IO);
    FILE *file = fopen(path, "w");
    fputs("this is no database, it is a text that somebody wrote; long enough to be a page", file);
    fclose(file);
    table_option(&table, "path", path);
    ck_assert_ptr_null(connector_sqlite.source->open(&context, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "is no SQLite file"));
    table_end(&table);
    table_start(&table);
    table_option(&table, "path", path);
    table_option(&table, "tablename", "t");
    ck_assert(!table_check(&table, &connector_sqlite, &error));
    ck_assert_str_eq(error.message, "unknown option \"tablename\" for connector \"sqlite\"");
    ck_assert_str_eq(error.hint, "Did you mean \"table-name\"?");
    table_end(&table);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("sqlite");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_directory, remove_directory);
    tcase_add_test(cases, values_come_back_as_they_went);
    tcase_add_test(cases, foreign_values_are_taken_when_they_fit);
    tcase_add_test(cases, what_does_not_fit_is_named_with_its_place);
    tcase_add_test(cases, reading_goes_on_from_a_position);
    tcase_add_test(cases, every_crash_leaves_each_epoch_once);
    tcase_add_test(cases, appending_is_exactly_once_too);
    tcase_add_test(cases, many_commits_do_not_pile_up);
    tcase_add_test(cases, existing_tables_are_checked);
    tcase_add_test(cases, missing_things_are_named);
    return test_run("sqlite connector", cases);
}
