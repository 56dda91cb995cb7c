/* Files read in parts: whatever stands in a file, however its parts are cut, dealt, put off by a
 * checkpoint and dealt anew, the rows are those of one reader, each once. */
#include <sys/stat.h>
#include <unistd.h>

#include "connectors/filesystem/splits.h"
#include "core/hash.h"
#include "core/str.h"
#include "tests/connector_testing.h"
#include "tests/random_rows.h"
#include "tests/suite.h"

extern const Connector connector_filesystem;
extern const Format format_csv, format_json, format_raw, format_debezium_json;

#define INSTANCES_MAX 4

static char path[64];

static void make_path(void)
{
    snprintf(path, sizeof(path), "/tmp/weir-parts-XXXXXX");
    int file = mkstemp(path);
    ck_assert_int_ge(file, 0);
    close(file);
}

static void remove_path(void)
{
    unlink(path);
}

static void write_file(Str text)
{
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    ck_assert_uint_eq(fwrite(text.data, 1, text.length, file), text.length);
    fclose(file);
}

/* ----------------------------------------------------------------------- text */

typedef void (*WriteText)(Random *random, bool bad, Buffer *out);

static void add_letters(Random *random, Buffer *out)
{
    uint32_t count =
        random_below(random, 8) == 0 ? random_below(random, 90) : random_below(random, 9);
    for (; count > 0; count--)
        buffer_append_char(out, (char)('a' + random_below(random, 26)));
}

static void add_quoted(Random *random, Buffer *out)
{
    static const char *const inner[] = {"\"\"", "\n", ",", "\r\n", "x", "\"\"\"\"", "\n\n", ",\n"};
    buffer_append_char(out, '"');
    for (uint32_t i = random_below(random, 5); i > 0; i--) {
        add_letters(random, out);
        buffer_append_text(out, inner[random_below(random, array_count(inner))]);
    }
    buffer_append_char(out, '"');
}

static void add_csv(Random *random, bool bad, Buffer *out)
{
    static const char *const rubbish[] = {"\"a\"b,c",    "\"a\" ,\"\n", "x",         "a,b,c,d,e",
                                          "\"x\"\ry,\"", "\"\"\"a",     "a\"b\",\"", "\"a\"\r\r"};
    if (random_below(random, 20) == 0)
        buffer_append_text(out, "\n");
    if (bad && random_below(random, 10) == 0)
        buffer_append_text(out, rubbish[random_below(random, array_count(rubbish))]);
    for (uint32_t field = 0; field < 2; field++) {
        uint32_t form = random_below(random, 10);
        if (form < 3) {
            add_quoted(random, out);
        } else {
            add_letters(random, out);
            buffer_append_text(out, form == 3 ? "k\"" : form == 4 ? "k\"\"l" : "");
        }
        buffer_append_text(out, field == 0 ? "," : random_below(random, 3) == 0 ? "\r\n" : "\n");
    }
}

static void add_json(Random *random, bool bad, Buffer *out)
{
    static const char *const forms[] = {
        "{\"a\": \"%u\", \"b\": \"x\"}\n",
        "{\"a\": \"%u\", \"b\": \"}\\n{ \\\" \"} \r\n",
        "{\n \"a\": \"%u\",\n \"c\": [\n{\"d\": 1},\n{\"e\": 2}\n],\n \"b\": null\n}\n",
        "{\"a\": \"%u\"} {\"a\": \"1\"}\n",
        "\n\n{\"c\": {\n\"d\": 1}\n,\n\"a\": \"%u\"}\n \n",
        "null\n{\"b\": \"%u\"}\n",
        "{\"a\": \"%u\", \"b\": \"a longer text that lies beyond a view\"}{\"a\": \"2\"}",
    };
    static const char *const rubbish[] = {
        "{\"a\": {\n", "{\"a\": \"}\n", "}\n",           "what\n",    "{\"a\": [1}\n",
        "{\"a\":}\n",  "\"{\n",         "{\"a\": 1}}\n", "{}\\\n}\n", "{\"a\": \"x\\\n}\n"};
    if (bad && random_below(random, 10) == 0)
        buffer_append_text(out, rubbish[random_below(random, array_count(rubbish))]);
    if (random_below(random, 20) == 0) {
        for (uint32_t i = random_below(random, 200); i > 0; i--)
            buffer_append_char(out, random_below(random, 50) == 0 ? '\n' : ' ');
        buffer_append_text(out, "\n");
    }
    uint32_t form = random_below(random, 2) == 0 ? 0 : random_below(random, array_count(forms));
    const char *text = forms[form], *number = strstr(text, "%u");
    buffer_append(out, text, (size_t)(number - text));
    buffer_printf(out, "%u", (unsigned)random_next(random));
    buffer_append_text(out, number + 2);
}

static void add_line(Random *random, bool bad, Buffer *out)
{
    add_letters(random, out);
    buffer_append_text(out, random_below(random, 4) == 0 ? "\r\n" : "\n");
}

/* ---------------------------------------------------------------------- reading */

/* What was read: a sum over rows that no order changes. */
typedef struct Rows {
    uint64_t count;
    uint64_t sum;
    uint64_t skipped;
} Rows;

static void take(Rows *rows, Batch *batch)
{
    Buffer text = {0};
    for (uint32_t row = 0; row < batch->row_count; row++) {
        buffer_clear(&text);
        changelog_print_row(batch, row, time_zone_utc(), &text);
        rows->sum += hash_bytes(text.data, text.length);
        rows->count++;
    }
    buffer_deinit(&text);
    batch_release(batch);
}

typedef struct Readers {
    uint32_t count;
    Source *sources[INSTANCES_MAX];
    SplitTimes times[INSTANCES_MAX];
    bool ended[INSTANCES_MAX];
    void *shared;
} Readers;

static void open_reader(Readers *readers, TestTable *table, const TestPositions *from, bool timed,
                        uint32_t number)
{
    SourceContext context = source_context(table_scan(table));
    context.subtask = number;
    context.parallelism = readers->count;
    context.times = timed ? &readers->times[number] : NULL;
    context.shared = readers->count > 2 ? &readers->shared : NULL;
    context.is_restored = from != NULL;
    context.restored = from == NULL ? NULL : from->items;
    context.restored_count = from == NULL ? 0 : from->count;
    Error error;
    readers->sources[number] = connector_filesystem.source->open(&context, &error);
    ck_assert_msg(readers->sources[number] != NULL, "%s", error.message);
}

static void open_readers(Readers *readers, TestTable *table, const TestPositions *from,
                         uint32_t count, bool timed)
{
    *readers = (Readers){.count = count};
    for (uint32_t i = 0; i < count; i++)
        open_reader(readers, table, from, timed, i);
}

/* A checkpoint keeps an instance's positions by their names. */
static void expect_names(const TestPositions *positions, uint32_t from)
{
    for (uint32_t i = from; i < positions->count; i++)
        for (uint32_t k = from; k < i; k++)
            ck_assert(!str_equal(positions->items[i].split, positions->items[k].split));
}

/* One batch of a reader. */
static void step_one(Readers *readers, uint32_t at, Random *random, Rows *rows)
{
    Batch *batch;
    uint32_t scan;
    Error error;
    SplitTimes *times = &readers->times[at];
    SourceState state =
        connector_filesystem.source->next(readers->sources[at], 0, &batch, &scan, &error);
    ck_assert_msg(state != SOURCE_FAILED, "%s (%s)", error.message, error.place);
    readers->ended[at] = state == SOURCE_END;
    if (state == SOURCE_BATCH) {
        take(rows, batch);
        if (times->count != 0)
            times->splits[times->current].watermark_us = (int64_t)random_below(random, 1000);
    }
}

/* One batch of a reader chosen at random; false when all have ended. */
static bool step(Readers *readers, Random *random, Rows *rows)
{
    uint32_t at = random_below(random, readers->count);
    uint32_t tried = 0;
    for (; readers->ended[at] && tried < readers->count; tried++)
        at = (at + 1) % readers->count;
    if (readers->ended[at])
        return false;
    step_one(readers, at, random, rows);
    return true;
}

/* Each says its position, with `random` at a moment of its own: what it gives after that counts no
 * more. */
static void close_readers(Readers *readers, Random *random, Rows *rows, TestPositions *positions)
{
    const SourceClass *class = connector_filesystem.source;
    Rows ignored = {0};
    positions->count = 0;
    for (uint32_t i = 0; i < readers->count; i++) {
        for (uint32_t steps = random == NULL ? 0 : random_below(random, 6); steps > 0; steps--) {
            uint32_t at = random_below(random, readers->count);
            if (!readers->ended[at])
                step_one(readers, at, random, at < i ? &ignored : rows);
        }
        Error error;
        SourceProgress progress;
        class->progress(readers->sources[i], &progress);
        rows->skipped += progress.rows_skipped;
        uint32_t before = positions->count;
        ck_assert(class->position(readers->sources[i], add_position, positions, &error));
        expect_names(positions, before);
        ck_assert_uint_lt(positions->count, array_count(positions->items));
    }
    for (uint32_t i = 0; i < readers->count; i++)
        class->close(readers->sources[i]);
    ck_assert_ptr_null(readers->shared);
}

static Rows read_rows(TestTable *table, Random *random, bool alone)
{
    Rows rows = {0};
    Readers readers;
    TestPositions positions = {.arena = table->arena};
    uint32_t restarts = alone ? 0 : random_below(random, 5);
    bool timed = !alone && random_below(random, 2) == 0;
    for (uint32_t run = 0; run <= restarts; run++) {
        uint32_t count = alone ? 1 : 1 + random_below(random, INSTANCES_MAX);
        open_readers(&readers, table, run == 0 ? NULL : &positions, count, timed);
        uint32_t steps = run == restarts ? UINT32_MAX : random_below(random, 4);
        while (steps-- > 0 && step(&readers, random, &rows))
            ;
        close_readers(&readers, random, &rows, &positions);
    }
    return rows;
}

static void start_table(TestTable *table, const Format *format, uint32_t columns)
{
    table_start(table);
    table->info.format = format;
    table_column(table, "a", &type_string);
    if (columns == 2)
        table_column(table, "b", &type_string);
    table_option(table, "path", path);
}

static void expect_same(TestTable *table, Random *random, size_t length)
{
    char size[32];
    table_option(table, "source.split-size", "0");
    Rows wanted = read_rows(table, random, true);
    for (uint32_t round = 0; round < 6; round++) {
        uint32_t bound = random_below(random, 2) == 0 ? (uint32_t)length + 2 : 3000;
        snprintf(size, sizeof(size), "%u", 64 + random_below(random, bound));
        table_option(table, "source.split-size", size);
        Rows got = read_rows(table, random, false);
        ck_assert_msg(got.count == wanted.count && got.sum == wanted.sum &&
                          got.skipped == wanted.skipped,
                      "parts of %s bytes: %llu rows, %llu skipped instead of %llu, %llu", size,
                      (unsigned long long)got.count, (unsigned long long)got.skipped,
                      (unsigned long long)wanted.count, (unsigned long long)wanted.skipped);
    }
}

static void try_texts(const Format *format, WriteText write, uint32_t columns, bool bad,
                      const char *option, const char *head)
{
    Random random = random_seed(format->name);
    Buffer text = {0};
    for (uint32_t round = 0; round < 12; round++) {
        buffer_clear(&text);
        buffer_append_text(&text, head);
        uint32_t rows = round % 3 == 0 ? 6000 : random_below(&random, 300);
        for (uint32_t i = 0; i < rows; i++)
            write(&random, bad, &text);
        if (text.length != 0 && text.data[text.length - 1] == '\n' && random_below(&random, 2) == 0)
            text.length--;
        if (bad && random_below(&random, 3) == 0)
            buffer_append_text(&text,
                               format == &format_csv ? "\n\"open,\nx,y\nz,u\n" : "\n{\"a\": \n{");
        write_file((Str){text.data, text.length});
        TestTable table;
        start_table(&table, format, columns);
        if (option != NULL)
            table_option(&table, option, "true");
        expect_same(&table, &random, text.length);
        table_end(&table);
    }
    buffer_deinit(&text);
}

START_TEST(csv_is_read_the_same)
{
    try_texts(&format_csv, add_csv, 2, false, NULL, "");
    try_texts(&format_csv, add_csv, 2, false, NULL, "\xEF\xBB\xBF\"q\nq\",\"\"\n");
}
END_TEST

START_TEST(csv_with_rubbish_is_read_the_same)
{
    try_texts(&format_csv, add_csv, 2, true, "csv.ignore-parse-errors", "");
}
END_TEST

START_TEST(csv_without_quotes_is_read_the_same)
{
    try_texts(&format_csv, add_line, 1, false, "csv.disable-quote-character", "");
}
END_TEST

START_TEST(csv_with_header_is_read_the_same)
{
    try_texts(&format_csv, add_csv, 2, false, "csv.header", "\xEF\xBB\xBF\"b\",a\n");
    try_texts(&format_csv, add_csv, 2, false, "csv.header",
              "b,a,\"a name that takes more than a part, over\nseveral lines,\n and, with "
              "\"\"quotes\"\", "
              "to the end of the second part, or so\"\n");
}
END_TEST

START_TEST(json_is_read_the_same)
{
    try_texts(&format_json, add_json, 2, false, NULL, "");
    try_texts(&format_json, add_json, 2, false, NULL, "\xEF\xBB\xBF");
}
END_TEST

START_TEST(json_with_rubbish_is_read_the_same)
{
    try_texts(&format_json, add_json, 2, true, "json.ignore-parse-errors", "");
}
END_TEST

START_TEST(lines_are_read_the_same)
{
    try_texts(&format_raw, add_line, 1, false, NULL, "");
}
END_TEST

/* ----------------------------------------------------------------------- cases */

/* The part of each instance of two, a line a row. */
static void expect_parts(TestTable *table, const char *first, const char *second)
{
    const char *wanted[] = {first, second};
    bool found[2] = {false, false};
    for (uint32_t i = 0; i < 2; i++) {
        SourceContext context = source_context(table_scan(table));
        context.subtask = i;
        context.parallelism = 2;
        Error error;
        Buffer got = {0};
        Source *source = connector_filesystem.source->open(&context, &error);
        ck_assert(source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error));
        connector_filesystem.source->close(source);
        /* Which instance begins depends on the path. */
        for (uint32_t k = 0; k < 2; k++)
            found[k] = found[k] || strcmp(buffer_text(&got), wanted[k]) == 0;
        buffer_deinit(&got);
    }
    ck_assert(found[0] && found[1]);
}

START_TEST(a_record_belongs_where_it_begins)
{
    TestTable table;
    start_table(&table, &format_raw, 1);
    table_option(&table, "source.split-size", "4");
    write_file(STR("aaa\nbbb\nccc\nddd\n"));
    expect_parts(&table, "+I[aaa]\n+I[ccc]\n", "+I[bbb]\n+I[ddd]\n");
    /* Over a part and more. */
    write_file(STR("a\nb234567890\nc\nd"));
    expect_parts(&table, "+I[a]\n+I[b234567890]\n", "+I[c]\n+I[d]\n");
    /* A part ends between CR and LF. */
    write_file(STR("aaa\r\nb\r\ncc\r\n"));
    expect_parts(&table, "+I[aaa]\n+I[cc]\n", "+I[b]\n");
    table_end(&table);
    start_table(&table, &format_csv, 1);
    table_option(&table, "source.split-size", "4");
    write_file(STR("\"a\n\nb\"\nc\nd\n"));
    expect_parts(&table, "+I['a\n\nb']\n+I[d]\n", "+I[c]\n");
    table_end(&table);
}
END_TEST

static bool is_parted(const Format *format, const char *option, const char *value)
{
    TestTable table;
    start_table(&table, format, 1);
    table_option(&table, "source.split-size", "100");
    if (option != NULL)
        table_option(&table, option, value);
    bool even = splits_are_even(&table.info, 2);
    table_end(&table);
    return even;
}

START_TEST(what_cannot_be_parted_is_not)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < 100; i++)
        buffer_append_text(&text, "some lines\n");
    write_file((Str){text.data, text.length});
    ck_assert(is_parted(&format_csv, NULL, NULL));
    ck_assert(is_parted(&format_json, NULL, NULL));
    ck_assert(is_parted(&format_raw, NULL, NULL));
    ck_assert(is_parted(&format_raw, "raw.line-delimiter", ";"));
    ck_assert(!is_parted(&format_raw, "raw.line-delimiter", ";;"));
    ck_assert(!is_parted(&format_csv, "csv.escape-character", "\\"));
    ck_assert(!is_parted(&format_csv, "csv.trim-spaces", "true"));
    ck_assert(!is_parted(&format_csv, "csv.allow-comments", "true"));
    ck_assert(!is_parted(&format_csv, "source.split-size", "0"));
    ck_assert(!is_parted(&format_csv, "source.split-size", "1mb"));
    /* Changes of one key must keep their order. */
    ck_assert(!is_parted(&format_debezium_json, NULL, NULL));
    buffer_deinit(&text);
}
END_TEST

static void expect_place(TestTable *table, const char *place)
{
    uint32_t failed = 0;
    for (uint32_t i = 0; i < 3; i++) {
        SourceContext context = source_context(table_scan(table));
        context.subtask = i;
        context.parallelism = 3;
        Error error;
        Buffer got = {0};
        Source *source = connector_filesystem.source->open(&context, &error);
        ck_assert_ptr_nonnull(source);
        if (!source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error)) {
            ck_assert_str_eq(error.place, place);
            failed++;
        }
        connector_filesystem.source->close(source);
        buffer_deinit(&got);
    }
    ck_assert_uint_eq(failed, 1);
}

START_TEST(errors_say_the_line)
{
    static const struct {
        const Format *format;
        const char *good, *bad;
    } cases[] = {{&format_csv, "a,b\n", "a,b,c,d\n"},
                 {&format_csv, "\"a\",b\n", "\"a\"x,b\n"},
                 {&format_json, "{\"a\": \"1\"}\n", "{\"a\": }\n"}};
    Buffer text = {0};
    char place[100];
    for (uint32_t i = 0; i < array_count(cases); i++)
        for (uint32_t line = 1; line <= 5000; line = line * 3 + 1) {
            buffer_clear(&text);
            for (uint32_t l = 1; l <= 5000; l++)
                buffer_append_text(&text, l == line ? cases[i].bad : cases[i].good);
            write_file((Str){text.data, text.length});
            TestTable table;
            start_table(&table, cases[i].format, 2);
            table_option(&table, "source.split-size", "777");
            snprintf(place, sizeof(place), "%s:%u", path, line);
            expect_place(&table, place);
            table_end(&table);
        }
    buffer_deinit(&text);
}
END_TEST

/* A position that was written before files were read in parts. */
START_TEST(whole_files_stay_whole)
{
    write_file(STR("aaa\nbbb\nccc\nddd\n"));
    TestTable table;
    start_table(&table, &format_raw, 1);
    table_option(&table, "source.split-size", "4");
    Buffer position = {0};
    buffer_append_u64(&position, 4);
    buffer_append_u64(&position, 2);
    buffer_append_u8(&position, 0);
    TestPositions positions = {.arena = table.arena};
    add_position(&positions, str_of(path), (Str){position.data, position.length});
    Rows rows = {0};
    Readers readers;
    Random random = {7};
    open_readers(&readers, &table, &positions, 3, false);
    while (step(&readers, &random, &rows))
        ;
    close_readers(&readers, NULL, &rows, &positions);
    ck_assert_uint_eq(rows.count, 3);
    ck_assert_uint_eq(positions.count, 1);
    buffer_deinit(&position);
    table_end(&table);
}
END_TEST

/* All instances deal a file out as the first of them found it. */
START_TEST(a_file_may_grow_while_instances_open)
{
    TestTable table;
    start_table(&table, &format_raw, 1);
    table_option(&table, "source.split-size", "12");
    TestPositions positions = {.arena = table.arena};
    Rows rows = {0};
    Random random = {7};
    Readers readers = {.count = 3};
    write_file(STR("aaa\nbbb\nccc\n"));
    open_reader(&readers, &table, NULL, false, 0);
    write_file(STR("aaa\nbbb\nccc\nddd\neee\nfff\nggg\nhhh\niii\njjj\nkkk\nlll\n"));
    open_reader(&readers, &table, NULL, false, 1);
    open_reader(&readers, &table, NULL, false, 2);
    while (step(&readers, &random, &rows))
        ;
    close_readers(&readers, NULL, &rows, &positions);
    ck_assert_uint_eq(rows.count, 12);
    ck_assert_uint_eq(positions.count, 1);
    table_end(&table);
}
END_TEST

/* What comes behind the parts as they were dealt is the last part's, however many read the file,
 * and also when others go on with it. */
START_TEST(a_file_in_parts_may_grow)
{
    Random random = {11 + (uint64_t)_i};
    TestTable table;
    start_table(&table, &format_raw, 1);
    table_option(&table, "source.split-size", "1kb");
    Buffer text = {0};
    for (uint32_t i = 0; i < 1000; i++)
        buffer_printf(&text, "row %u\n", i);
    write_file((Str){text.data, text.length});
    TestPositions positions = {.arena = table.arena};
    Rows rows = {0};
    Readers readers;
    open_readers(&readers, &table, NULL, 1 + (uint32_t)_i % INSTANCES_MAX, false);
    for (uint32_t i = 1000; i < 5000; i++)
        buffer_printf(&text, "row %u\n", i);
    write_file((Str){text.data, text.length});
    for (uint32_t steps = random_below(&random, 3); steps > 0; steps--)
        step(&readers, &random, &rows);
    close_readers(&readers, NULL, &rows, &positions);
    if (positions.count != 0) {
        open_readers(&readers, &table, &positions, 1 + random_below(&random, INSTANCES_MAX), false);
        while (step(&readers, &random, &rows))
            ;
        close_readers(&readers, NULL, &rows, &positions);
    }
    ck_assert_uint_eq(rows.count, 5000);
    buffer_deinit(&text);
    table_end(&table);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("file parts");
    tcase_set_timeout(cases, 120);
    tcase_add_checked_fixture(cases, make_path, remove_path);
    tcase_add_test(cases, csv_is_read_the_same);
    tcase_add_test(cases, csv_with_rubbish_is_read_the_same);
    tcase_add_test(cases, csv_without_quotes_is_read_the_same);
    tcase_add_test(cases, csv_with_header_is_read_the_same);
    tcase_add_test(cases, json_is_read_the_same);
    tcase_add_test(cases, json_with_rubbish_is_read_the_same);
    tcase_add_test(cases, lines_are_read_the_same);
    tcase_add_test(cases, a_record_belongs_where_it_begins);
    tcase_add_test(cases, what_cannot_be_parted_is_not);
    tcase_add_test(cases, errors_say_the_line);
    tcase_add_test(cases, whole_files_stay_whole);
    tcase_add_test(cases, a_file_may_grow_while_instances_open);
    tcase_add_loop_test(cases, a_file_in_parts_may_grow, 0, 24);
    return test_run("file_parts", cases);
}
