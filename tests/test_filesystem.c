/* The filesystem connector: listing, positions at every record, metadata, exactly once over every
 * place where a crash can fall, and what it refuses. Uses a small format of its own: a line is a
 * value, "#…" at the head of a file a header. */
#include "tests/connector_testing.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/str.h"
#include "formats/format.h"
#include "tests/suite.h"

extern const Connector connector_filesystem;

/* ------------------------------------------------------------- a small format */

struct Decoder {
    const FormatContext *context;
    bool head_seen;
};

static Decoder *line_open(const FormatContext *context, Error *error)
{
    Decoder *decoder = memory_zalloc(sizeof(*decoder));
    decoder->context = context;
    return decoder;
}

static bool line_head(Decoder *decoder, Str input, bool at_end, bool *read, Error *error)
{
    decoder->head_seen = *read = at_end || memchr(input.data, '\n', input.length) != NULL;
    return true;
}

static bool line_decode(Decoder *decoder, Str input, bool at_end, uint64_t line, Batch *batch,
                        DecodeResult *result, Error *error)
{
    ck_assert_msg(decoder->head_seen || line == 1, "the head was not shown");
    decoder->head_seen = true;
    while (batch->row_count < BATCH_ROWS_MAX && result->consumed < input.length) {
        Str rest = {input.data + result->consumed, input.length - result->consumed};
        const char *end = memchr(rest.data, '\n', rest.length);
        if (end == NULL && !at_end)
            break;
        size_t length = end == NULL ? rest.length : (size_t)(end - rest.data);
        if (rest.data[0] == '!') {
            error_set(error, ERROR_DATA, "malformed");
            return error_place(error, "%s:%llu", decoder->context->name,
                               (unsigned long long)(line + result->lines));
        }
        if (rest.data[0] != '#') {
            StringView *to = (StringView *)batch->columns[0].data + batch->row_count++;
            *to = decoder->context->input_stays ? string_view_borrow(rest.data, length)
                                                : string_view_copy(batch->arena, rest.data, length);
        }
        result->consumed += length + (end != NULL);
        result->lines += end != NULL;
    }
    return true;
}

static void line_close(Decoder *decoder)
{
    memory_free(decoder);
}

struct Encoder {
    int unused;
};

static Encoder *line_encoder(const FormatContext *context, Error *error)
{
    return memory_zalloc(sizeof(Encoder));
}

static bool line_start(Encoder *encoder, Buffer *out, Error *error)
{
    buffer_append_text(out, "#head\n");
    return true;
}

static bool line_encode(Encoder *encoder, const Batch *batch, uint32_t from, uint32_t to,
                        Buffer *out, Error *error)
{
    for (; from < to; from++) {
        buffer_append_str(out, vector_str(&batch->columns[0], from));
        buffer_append_char(out, '\n');
    }
    return true;
}

static void encoder_close(Encoder *encoder)
{
    memory_free(encoder);
}

static const Format lines = {.name = "lines",
                             .source_kinds = CHANGES_INSERT_ONLY,
                             .sink_kinds = CHANGES_INSERT_ONLY,
                             .borrows = true,
                             .decoder_open = line_open,
                             .decode = line_decode,
                             .decode_head = line_head,
                             .decoder_close = line_close,
                             .encoder_open = line_encoder,
                             .encode_start = line_start,
                             .encode = line_encode,
                             .encoder_close = encoder_close};

/* -------------------------------------------------------------------- helpers */

static char directory[64];

static void make_directory(void)
{
    snprintf(directory, sizeof(directory), "/tmp/weir-files-XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(directory));
}

static void remove_directory(void)
{
    char command[128];
    snprintf(command, sizeof(command), "rm -rf '%s'", directory);
    ck_assert_int_eq(system(command), 0);
}

static void write_file(const char *name, const char *text)
{
    char path[160];
    snprintf(path, sizeof(path), "%s/%s", directory, name);
    for (char *slash = path + strlen(directory) + 1; (slash = strchr(slash, '/')) != NULL;
         slash++) {
        *slash = 0;
        mkdir(path, 0777);
        *slash = '/';
    }
    FILE *file = fopen(path, "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static void start(TestTable *table)
{
    table_start(table);
    table->info.format = &lines;
    table_column(table, "line", &type_string);
    table_option(table, "path", directory);
}

/* The same with a second column whose values are folders. */
static void start_parted(TestTable *table)
{
    static const uint32_t partition[] = {1};
    start(table);
    table_column(table, "p=q", &type_string);
    table->info.partition = partition;
    table->info.partition_count = 1;
}

static Source *open_source(const SourceContext *context)
{
    Error error;
    Source *source = connector_filesystem.source->open(context, &error);
    ck_assert_msg(source != NULL, "%s", error.message);
    return source;
}

static void expect_read(const SourceContext *context, const char *expected)
{
    Error error;
    Buffer got = {0};
    Source *source = open_source(context);
    ck_assert_msg(source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error), "%s",
                  error.message);
    connector_filesystem.source->close(source);
    ck_assert_str_eq(buffer_text(&got), expected);
    buffer_deinit(&got);
}

START_TEST(a_folder_is_read_in_order_without_hidden_files)
{
    write_file("b.txt", "3\n4");
    write_file("a.txt", "#h\n1\n2\n");
    write_file("c/d/e.txt", "5\n");
    write_file("c/empty.txt", "");
    write_file(".hidden", "x\n");
    write_file("_done", "x\n");
    write_file(".git/f", "x\n");
    TestTable table;
    start(&table);
    SourceContext context = source_context(table_scan(&table));
    expect_read(&context, "+I[1]\n+I[2]\n+I[3]\n+I[4]\n+I[5]\n");
    table_option(&table, "source.path.regex-pattern", ".*/[ae]\\.txt");
    expect_read(&context, "+I[1]\n+I[2]\n+I[5]\n");
    char path[100];
    snprintf(path, sizeof(path), "file://%s/b.txt", directory);
    table_option(&table, "path", path);
    expect_read(&context, "+I[3]\n+I[4]\n");
    table_end(&table);
}
END_TEST

START_TEST(instances_share_the_files)
{
    Buffer all = {0};
    for (uint32_t i = 0; i < 40; i++) {
        char name[16], text[16];
        snprintf(name, sizeof(name), "%02u", i);
        snprintf(text, sizeof(text), "%u\n", i);
        write_file(name, text);
    }
    TestTable table;
    start(&table);
    uint64_t seen = 0;
    for (uint32_t i = 0; i < 3; i++) {
        SourceContext context = source_context(table_scan(&table));
        context.subtask = i;
        context.parallelism = 3;
        Source *source = open_source(&context);
        Error error;
        buffer_clear(&all);
        ck_assert(source_read(connector_filesystem.source, source, UINT32_MAX, &all, &error));
        uint32_t count = 0;
        for (const char *at = buffer_text(&all); *at != 0; at = strchr(at, '\n') + 1, count++)
            seen ^= UINT64_C(1) << strtoul(at + 3, NULL, 10);
        ck_assert_uint_gt(count, 3);
        connector_filesystem.source->close(source);
    }
    ck_assert(seen == (UINT64_C(1) << 40) - 1);
    buffer_deinit(&all);
    table_end(&table);
}
END_TEST

START_TEST(metadata_tells_the_file)
{
    write_file("sub/a.txt", "1\n2\n");
    TestTable table;
    start(&table);
    const uint32_t metadata[] = {1, 2, 0};
    Column columns[] = {{"line", &type_string},
                        {"name", connector_filesystem.metadata[1].type},
                        {"size", connector_filesystem.metadata[2].type},
                        {"path", connector_filesystem.metadata[0].type}};
    Schema schema = {4, columns};
    ScanInfo scan = *table_scan(&table);
    scan.metadata = metadata;
    scan.metadata_count = 3;
    scan.schema = &schema;
    SourceContext context = source_context(&scan);
    char expected[300];
    snprintf(expected, sizeof(expected),
             "+I[1, a.txt, 4, %s/sub/a.txt]\n+I[2, a.txt, 4, %s/sub/a.txt]\n", directory,
             directory);
    expect_read(&context, expected);
    table_end(&table);
}
END_TEST

START_TEST(reading_goes_on_from_every_batch)
{
    Buffer text = {0}, wanted = {0}, got = {0};
    for (uint32_t file = 0; file < 3; file++) {
        buffer_clear(&text);
        buffer_append_text(&text, "#head\n");
        for (uint32_t i = 0; i < 5000; i++) {
            buffer_printf(&text, "%u-%u\n", file, i);
            buffer_printf(&wanted, "+I[%u-%u]\n", file, i);
        }
        char name[8];
        snprintf(name, sizeof(name), "f%u", file);
        write_file(name, buffer_text(&text));
    }
    TestTable table;
    start(&table);
    TestPositions positions = {.arena = table.arena};
    SourceContext context = source_context(table_scan(&table));
    Error error;
    for (uint32_t i = 0; i < 12; i++) {
        context.restored = positions.items;
        context.restored_count = positions.count;
        context.is_restored = i != 0;
        Source *source = open_source(&context);
        ck_assert_msg(source_read(connector_filesystem.source, source, 1, &got, &error), "%s",
                      error.message);
        positions.count = 0;
        ck_assert(connector_filesystem.source->position(source, add_position, &positions, &error));
        connector_filesystem.source->close(source);
        /* A file that comes later does not belong to the epoch. */
        write_file("a-new-one", "no\n");
    }
    ck_assert_str_eq(buffer_text(&got), buffer_text(&wanted));
    write_file("f0", "#head\n");
    positions.count = 0;
    char path[100];
    snprintf(path, sizeof(path), "%s/f0", directory);
    buffer_clear(&text);
    buffer_append_u64(&text, 5000);
    buffer_append_u64(&text, 700);
    buffer_append_u8(&text, 0);
    add_position(&positions, str_of(path), (Str){text.data, text.length});
    context.restored_count = 1;
    Source *source = open_source(&context);
    ck_assert(!source_read(connector_filesystem.source, source, 1, &got, &error));
    ck_assert_int_eq(error.code, ERROR_POSITION);
    connector_filesystem.source->close(source);
    buffer_deinit(&text);
    buffer_deinit(&wanted);
    buffer_deinit(&got);
    table_end(&table);
}
END_TEST

static void write_lines(const char *format, uint32_t count)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < count; i++)
        buffer_printf(&text, format, i);
    write_file("lines", buffer_text(&text));
    buffer_deinit(&text);
}

/* A file that was read in part may become longer; another one in its place is refused. */
static void read_after_change(const char *split_size)
{
    TestTable table;
    start(&table);
    table_option(&table, "source.split-size", split_size);
    write_lines("line %06u\n", 20000);
    SourceContext context = source_context(table_scan(&table));
    TestPositions positions = {.arena = table.arena};
    Error error;
    Buffer got = {0};
    Source *source = open_source(&context);
    ck_assert(source_read(connector_filesystem.source, source, 1, &got, &error));
    ck_assert(connector_filesystem.source->position(source, add_position, &positions, &error));
    connector_filesystem.source->close(source);
    context.restored = positions.items;
    context.restored_count = positions.count;
    context.is_restored = true;
    write_lines("line %06u\n", 20010);
    source = open_source(&context);
    ck_assert(source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error));
    connector_filesystem.source->close(source);
    ck_assert_ptr_nonnull(strstr(buffer_text(&got), "020009]\n"));
    write_lines("other line %06u\n", 20000);
    source = open_source(&context);
    ck_assert(!source_read(connector_filesystem.source, source, 1, &got, &error));
    ck_assert_int_eq(error.code, ERROR_POSITION);
    connector_filesystem.source->close(source);
    buffer_deinit(&got);
    table_end(&table);
}

START_TEST(another_file_is_not_gone_on_with)
{
    read_after_change("0");
    read_after_change("3kb");
}
END_TEST

START_TEST(long_records_are_read_whole)
{
    Buffer text = {0};
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t n = 0; n < 900000 * i; n++)
            buffer_append_char(&text, (char)('a' + i));
        buffer_append_char(&text, '\n');
    }
    write_file("long", buffer_text(&text));
    TestTable table;
    start(&table);
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&context);
    Error error;
    Batch *batch;
    uint32_t scan;
    ck_assert_int_eq(connector_filesystem.source->next(source, 0, &batch, &scan, &error),
                     SOURCE_BATCH);
    ck_assert_uint_eq(batch->row_count, 4);
    for (uint32_t i = 0; i < 4; i++)
        ck_assert_uint_eq(vector_str(&batch->columns[0], i).length, 900000 * i);
    batch_release(batch);
    connector_filesystem.source->close(source);
    buffer_deinit(&text);
    table_end(&table);
}
END_TEST

/* Batches that are kept point into windows that are not read over, whoever goes first. */
START_TEST(rows_that_are_kept_stay)
{
    Buffer text = {0};
    const uint32_t rows = 40000;
    for (uint32_t i = 0; i < rows; i++)
        buffer_printf(&text, "%u-a line that is longer than a view\n", i);
    write_file("f", buffer_text(&text));
    TestTable table;
    start(&table);
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&context);
    Error error;
    Batch *batch, *kept[64];
    uint32_t firsts[64], count = 0, first = 0, scan;
    while (connector_filesystem.source->next(source, 0, &batch, &scan, &error) == SOURCE_BATCH) {
        ck_assert_uint_lt(count, array_count(kept));
        kept[count] = batch;
        firsts[count++] = first;
        first += batch->row_count;
        if (count % 3 == 1)
            batch_release(kept[--count]);
    }
    ck_assert_uint_eq(first, rows);
    connector_filesystem.source->close(source);
    while (count-- != 0) {
        for (uint32_t row = 0; row < kept[count]->row_count; row++) {
            Str line = vector_str(&kept[count]->columns[0], row);
            buffer_clear(&text);
            buffer_printf(&text, "%u-a line that is longer than a view", firsts[count] + row);
            ck_assert(str_equal(line, (Str){text.data, text.length}));
        }
        batch_release(kept[count]);
    }
    buffer_deinit(&text);
    table_end(&table);
}
END_TEST

START_TEST(bad_files_are_named)
{
    write_file("f", "1\n2\n!\n");
    TestTable table;
    Error error;
    start(&table);
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&context);
    Buffer got = {0};
    ck_assert(!source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error));
    char place[100];
    snprintf(place, sizeof(place), "%s/f:3", directory);
    ck_assert_str_eq(error.place, place);
    connector_filesystem.source->close(source);
    table_option(&table, "path", "no/such/file.csv");
    ck_assert_ptr_null(connector_filesystem.source->open(&context, &error));
    ck_assert_str_eq(error.message,
                     "could not read \"no/such/file.csv\": No such file or directory");
    ck_assert_ptr_nonnull(strstr(error.hint, "A relative path starts at \"/"));
    table_option(&table, "source.path.regex-pattern", "a(");
    ck_assert(!table_check(&table, &connector_filesystem, &error));
    ck_assert_int_eq(error.code, ERROR_OPTION);
    table_option(&table, "source.monitor-interval", "1 s");
    ck_assert(!table_check(&table, &connector_filesystem, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "unknown option \"source.monitor-interval\""));
    char path[100];
    snprintf(path, sizeof(path), "%s/f", directory);
    table_option(&table, "path", path);
    SinkContext sink = sink_context(&table);
    ck_assert_ptr_null(connector_filesystem.sink->open(&sink, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "is a file; a sink writes files into a folder"));
    buffer_deinit(&got);
    table_end(&table);
}
END_TEST

/* ----------------------------------------------------------------------- sink */

static Sink *open_sink(const SinkContext *context)
{
    Error error;
    Sink *sink = connector_filesystem.sink->open(context, &error);
    ck_assert_msg(sink != NULL, "%s", error.message);
    return sink;
}

static uint32_t count_files(bool hidden)
{
    uint32_t count = 0;
    DIR *folder = opendir(directory);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;)
        count += strncmp(entry->d_name, hidden ? ".weir-" : "part-", 5) == 0;
    closedir(folder);
    return count;
}

/* Numbers below `bound` must be visible once each, and nothing else. */
static void expect_numbers(uint32_t bound, bool parted)
{
    TestTable table;
    (parted ? start_parted : start)(&table);
    SourceContext context = source_context(table_scan(&table));
    Source *source = open_source(&context);
    Error error;
    Buffer got = {0};
    ck_assert(source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error));
    connector_filesystem.source->close(source);
    bool *seen = memory_zalloc(bound + 1);
    uint32_t count = 0;
    for (const char *at = buffer_text(&got); *at != 0; at = strchr(at, '\n') + 1) {
        unsigned long number = strtoul(at + 3, NULL, 10);
        ck_assert_msg(number < bound && !seen[number], "%lu of %u", number, bound);
        seen[number] = true;
        count++;
    }
    ck_assert_uint_eq(count, bound);
    memory_free(seen);
    buffer_deinit(&got);
    table_end(&table);
}

static uint32_t write_numbers(Sink *sink, const TestTable *table, uint32_t from, uint32_t count)
{
    Buffer text = {0};
    static const char *const folders[] = {"a", "NULL", "x/y", "%41"};
    for (uint32_t i = 0; i < count; i++)
        if (table->info.partition_count == 0)
            buffer_printf(&text, "+I[%u]\n", from + i);
        else
            buffer_printf(&text, "+I[%u, %s]\n", from + i, folders[(from + i) / 3 % 4]);
    sink_write(connector_filesystem.sink, sink, table, buffer_text(&text));
    buffer_deinit(&text);
    return from + count;
}

START_TEST(without_checkpoints_files_show_at_the_end)
{
    TestTable table;
    Error error;
    start(&table);
    table_option(&table, "sink.rolling-policy.file-size", "1kb");
    SinkContext context = sink_context(&table);
    Sink *sink = open_sink(&context);
    uint32_t next = 0;
    for (uint32_t i = 0; i < 5; i++)
        next = write_numbers(sink, &table, next, 1000);
    ck_assert_uint_ge(count_files(false), 10);
    ck_assert(connector_filesystem.sink->finish(sink, &error));
    connector_filesystem.sink->close(sink);
    expect_numbers(next, false);
    /* Closed without finishing, nothing of it is left. */
    sink = open_sink(&context);
    write_numbers(sink, &table, next, 3);
    connector_filesystem.sink->close(sink);
    ck_assert_uint_eq(count_files(true), 0);
    expect_numbers(next, false);
    table_end(&table);
}
END_TEST

/* A process that dies where the test says: its files stay as they are. */
static void crash_everywhere(bool parted)
{
    TestTable table;
    (parted ? start_parted : start)(&table);
    SinkContext context = sink_context(&table);
    context.checkpointing = true;
    Buffer pending = {0};
    uint32_t durable = 0;
    for (uint64_t epoch = 1; epoch <= 40; epoch++) {
        uint32_t crash = (uint32_t)(epoch * 7) % 5;
        int ends[2];
        ck_assert_int_eq(pipe(ends), 0);
        Str restored = {pending.data, pending.length};
        context.restored = &restored;
        context.restored_count = epoch == 1 ? 0 : 1;
        context.restored_epoch = epoch - 1;
        pid_t process = fork();
        if (process == 0) {
            Error error;
            Buffer next = {0};
            Sink *sink = open_sink(&context);
            bool good = connector_filesystem.sink->commit(sink, epoch - 1, &error);
            uint32_t number = write_numbers(sink, &table, durable, 250);
            if (epoch % 3 == 0) {
                /* Declined: these rows go with the next epoch. */
                good = good && connector_filesystem.sink->prepare(sink, epoch, &next, &error);
                buffer_clear(&next);
            }
            number = write_numbers(sink, &table, number, 250);
            if (crash > 0)
                good = good && connector_filesystem.sink->prepare(sink, epoch + 1, &next, &error);
            if (crash > 1)
                good = good && write(ends[1], next.data, next.length) == (ssize_t)next.length;
            if (crash > 2)
                write_numbers(sink, &table, number, 100);
            if (crash > 3)
                good = good && connector_filesystem.sink->commit(sink, epoch + 1, &error);
            _exit(good ? 9 : 1);
        }
        close(ends[1]);
        int status;
        waitpid(process, &status, 0);
        ck_assert_int_eq(WEXITSTATUS(status), 9);
        if (crash > 1) {
            buffer_clear(&pending);
            ssize_t got = read(ends[0], buffer_reserve(&pending, 4096), 4096);
            ck_assert_int_gt((int)got, 0);
            pending.length = (size_t)got;
            durable += 500;
        }
        close(ends[0]);
    }
    Str restored = {pending.data, pending.length};
    context.restored = &restored;
    context.parallelism = 2;
    for (uint32_t i = 0; i < 2; i++) {
        context.subtask = i;
        connector_filesystem.sink->close(open_sink(&context));
    }
    ck_assert_uint_eq(count_files(true), 0);
    expect_numbers(durable, parted);
    buffer_deinit(&pending);
    table_end(&table);
}

START_TEST(every_crash_leaves_each_epoch_once)
{
    crash_everywhere(false);
}
END_TEST

START_TEST(every_crash_leaves_folders_whole)
{
    crash_everywhere(true);
}
END_TEST

START_TEST(folders_are_columns)
{
    TestTable table;
    start_parted(&table);
    write_file("p%3Dq=b/one", "1\n");
    write_file("p%3Dq=x%2Fy/two", "2\n");
    write_file("p%3Dq=__DEFAULT_PARTITION__/none", "3\n");
    SourceContext context = source_context(table_scan(&table));
    expect_read(&context, "+I[3, NULL]\n+I[1, b]\n+I[2, x/y]\n");
    write_file("lost", "4\n");
    Error error;
    Buffer got = {0};
    Source *source = open_source(&context);
    ck_assert(!source_read(connector_filesystem.source, source, UINT32_MAX, &got, &error));
    ck_assert_ptr_nonnull(strstr(error.message, "lies in no folder \"p=q=…\""));
    connector_filesystem.source->close(source);
    buffer_deinit(&got);
    table_end(&table);
}
END_TEST

int main(void)
{
    TCase *cases = tcase_create("filesystem");
    tcase_set_timeout(cases, 60);
    tcase_add_checked_fixture(cases, make_directory, remove_directory);
    tcase_add_test(cases, a_folder_is_read_in_order_without_hidden_files);
    tcase_add_test(cases, instances_share_the_files);
    tcase_add_test(cases, metadata_tells_the_file);
    tcase_add_test(cases, reading_goes_on_from_every_batch);
    tcase_add_test(cases, another_file_is_not_gone_on_with);
    tcase_add_test(cases, long_records_are_read_whole);
    tcase_add_test(cases, rows_that_are_kept_stay);
    tcase_add_test(cases, bad_files_are_named);
    tcase_add_test(cases, without_checkpoints_files_show_at_the_end);
    tcase_add_test(cases, every_crash_leaves_each_epoch_once);
    tcase_add_test(cases, every_crash_leaves_folders_whole);
    tcase_add_test(cases, folders_are_columns);
    return test_run("filesystem", cases);
}
