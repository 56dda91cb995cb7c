/* print, blackhole and feed: what is printed, which changes are taken, what may be declared. */
#include "tests/connector_testing.h"
#include "tests/suite.h"

extern const Connector connector_print;
extern const Connector connector_blackhole;
extern const Connector connector_feed;

typedef struct Printed {
    Buffer text;
    bool standard_error;
} Printed;

static bool keep_text(void *to, Str text, bool standard_error)
{
    Printed *printed = to;
    buffer_append_str(&printed->text, text);
    printed->standard_error = standard_error;
    return true;
}

static void expect_print(TestTable *table, uint32_t subtask, uint32_t parallelism,
                         const char *expected, bool standard_error)
{
    Error error;
    Printed printed = {0};
    ck_assert_msg(table_check(table, &connector_print, &error), "%s", error.message);
    SinkContext context = sink_context(table);
    context.subtask = subtask;
    context.parallelism = parallelism;
    context.write_text = keep_text;
    context.write_to = &printed;
    Sink *sink = connector_print.sink->open(&context, &error);
    ck_assert_ptr_nonnull(sink);
    sink_write(connector_print.sink, sink, table,
               "+I[1, Ann]\n-U[1, Ann]\n+U[1, 'a, b']\n-D[1, NULL]\n");
    ck_assert(connector_print.sink->prepare(sink, 1, &printed.text, &error));
    ck_assert(connector_print.sink->commit(sink, 1, &error));
    ck_assert(connector_print.sink->finish(sink, &error));
    connector_print.sink->close(sink);
    ck_assert_str_eq(buffer_text(&printed.text), expected);
    ck_assert_int_eq(printed.standard_error, standard_error);
    buffer_deinit(&printed.text);
}

START_TEST(lines_are_as_in_flink)
{
    TestTable table;
    table_start(&table);
    table_column(&table, "id", &type_int);
    table_column(&table, "name", &type_string);
    ck_assert_int_eq(connector_print.sink_kinds(&table.info), CHANGES_ALL);
    expect_print(&table, 0, 1, "+I[1, Ann]\n-U[1, Ann]\n+U[1, 'a, b']\n-D[1, NULL]\n", false);
    expect_print(&table, 1, 2, "2> +I[1, Ann]\n2> -U[1, Ann]\n2> +U[1, 'a, b']\n2> -D[1, NULL]\n",
                 false);
    table_option(&table, "print-identifier", "out");
    table_option(&table, "standard-error", "true");
    expect_print(&table, 0, 1,
                 "out> +I[1, Ann]\nout> -U[1, Ann]\nout> +U[1, 'a, b']\nout> -D[1, NULL]\n", true);
    expect_print(&table, 0, 3,
                 "out:1> +I[1, Ann]\nout:1> -U[1, Ann]\nout:1> +U[1, 'a, b']\nout:1> -D[1, NULL]\n",
                 true);
    table_end(&table);
}
END_TEST

START_TEST(blackhole_takes_all_but_update_before)
{
    TestTable table;
    Error error;
    table_start(&table);
    table_column(&table, "id", &type_int);
    ck_assert_int_eq(connector_blackhole.sink_kinds(&table.info), CHANGES_UPSERT);
    SinkContext context = sink_context(&table);
    Sink *sink = connector_blackhole.sink->open(&context, &error);
    sink_write(connector_blackhole.sink, sink, &table, "+I[1]\n+U[1]\n-D[1]\n");
    ck_assert(connector_blackhole.sink->finish(sink, &error));
    connector_blackhole.sink->close(sink);
    table_option(&table, "path", "x");
    ck_assert(!table_check(&table, &connector_blackhole, &error));
    table_end(&table);
}
END_TEST

typedef struct FeedCase {
    const char *mode;
    bool keyed;
    ChangeKinds kinds;   /* 0: refused */
    const char *message; /* of the refusal */
} FeedCase;

static const FeedCase feed_cases[] = {
    {"I", false, CHANGES_INSERT_ONLY, NULL},
    {"I,UB,UA,D", false, CHANGES_ALL, NULL},
    {" i , ua , d ", true, CHANGES_UPSERT, NULL},
    {"I,UA,D", false, 0, "table \"t\" is fed updates without the old row and has no primary key"},
    {"I,UB", true, 0, "option \"changelog-mode\" has UB without UA"},
    {"I,X", true, 0, "\"X\" in option \"changelog-mode\" is no kind of change"},
    {"", true, 0, "\"\" in option \"changelog-mode\" is no kind of change"},
    {"I,", true, 0, "\"\" in option \"changelog-mode\" is no kind of change"},
};

START_TEST(feed_declares_its_changes)
{
    for (size_t i = 0; i < array_count(feed_cases); i++) {
        const FeedCase *want = &feed_cases[i];
        TestTable table;
        Error error;
        table_start(&table);
        table_column(&table, "id", &type_int);
        if (want->keyed)
            table_key(&table, 0);
        table_option(&table, "changelog-mode", want->mode);
        ck_assert_int_eq(table_check(&table, &connector_feed, &error), want->kinds != 0);
        if (want->kinds != 0)
            ck_assert_int_eq(connector_feed.source_kinds(&table.info), want->kinds);
        else
            ck_assert_str_eq(error.message, want->message);
        ck_assert(connector_feed.is_bounded(&table.info));
        table_option(&table, "bounded", "false");
        ck_assert(!connector_feed.is_bounded(&table.info));
        table_end(&table);
    }
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("print");
    tcase_add_test(cases, lines_are_as_in_flink);
    tcase_add_test(cases, blackhole_takes_all_but_update_before);
    tcase_add_test(cases, feed_declares_its_changes);
    return test_run("print", cases);
}
