/* `weir test`: runs `.test` files, each several ways that must all give the same changelog.
 *
 *   plain      as it is
 *   batch1     one change per batch
 *   parallel2  two workers, and
 *   parallel4  four: changes of different keys may come in another order, so they compare sorted
 *   restore    after every feed the query is killed and started again from its checkpoint
 *   rescale    the same, with another parallelism each time
 *
 * How a file is written is told in docs/testing.md. */
#include "cli/cli.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/test_file.h"
#include "core/datetime.h"
#include "core/str.h"

#define QUERIES_MAX 16
#define WAIT_MS     30000
/* 2024-01-01 00:00:00, where the clock of every test stands at first. */
#define CLOCK_START_US INT64_C(1704067200000000)

typedef struct TestMode {
    const char *name;
    const char *batch_rows;
    const char *parallelism;
    bool restore;
    bool rescale;
} TestMode;

static const TestMode modes[] = {
    {"plain", "2048", "1", false, false},     {"batch1", "1", "1", false, false},
    {"parallel2", "2048", "2", false, false}, {"parallel4", "2048", "4", false, false},
    {"restore", "1", "1", true, false},       {"rescale", "2048", "2", true, true},
};

/* A query under observation. */
typedef struct TestQuery {
    Str name;
    Str sql;
    bool fold; /* in parallel only the table is compared, not the single changes */
    WeirResult *result;
    Buffer changes; /* literal lines since the last look */
    Buffer history; /* all of them */
} TestQuery;

typedef struct TestRun {
    TestFile *file;
    const TestMode *mode;
    bool update;
    WeirSession *session;
    char directory[64]; /* of the checkpoints and files of this run */
    TestQuery queries[QUERIES_MAX];
    uint32_t query_count;
    Buffer printed; /* text of print tables */
    Buffer output;  /* rows of the last listing */
    Buffer error;   /* message of the last block that failed and was not asked about yet */
    uint32_t error_line;
    uint32_t restarts;
    bool failed;
} TestRun;

static const char *const kinds[] = {"+I", "-U", "+U", "-D"};

static bool is_parallel(const TestRun *run)
{
    return run->mode->rescale || strcmp(run->mode->parallelism, "1") != 0;
}

/* ----------------------------------------------------------------- failing */

static void complain(TestRun *run, const TestBlock *block, const char *expected, const char *actual)
{
    fprintf(stderr, "%s:%u: failed (%s): %.*s\n--- expected\n%s--- actual\n%s---\n",
            run->file->path, block->line, run->mode->name, (int)block->word.length,
            block->word.data, expected, actual);
    run->failed = true;
}

static void check_text(TestRun *run, TestBlock *block, Buffer *actual, bool sorted)
{
    Buffer expected = {0}, got = {0};
    test_lines(block->body, sorted, &expected);
    test_lines((Str){buffer_text(actual), actual->length}, sorted, &got);
    if (strcmp(buffer_text(&expected), buffer_text(&got)) != 0) {
        if (run->update && strcmp(run->mode->name, "plain") == 0) {
            buffer_append_str(&block->actual, (Str){got.data, got.length});
            block->has_actual = true;
        } else {
            complain(run, block, buffer_text(&expected), buffer_text(&got));
        }
    }
    buffer_deinit(&expected);
    buffer_deinit(&got);
}

static void note_error(TestRun *run, const TestBlock *block)
{
    buffer_clear(&run->error);
    buffer_append_text(&run->error, weir_error_message(run->session));
    buffer_append_char(&run->error, '\n');
    run->error_line = block->line;
}

/* ----------------------------------------------------------------- queries */

static void append_row(const WeirResult *result, Buffer *out)
{
    buffer_append_char(out, '[');
    for (uint32_t i = 0; i < weir_column_count(result); i++) {
        size_t length;
        const char *text = weir_text(result, i, &length);
        buffer_append_text(out, i == 0 ? "" : ", ");
        buffer_append(out, text, length);
    }
    buffer_append_text(out, "]\n");
}

static void query_append_change(TestQuery *query)
{
    size_t from = query->changes.length;
    buffer_append_text(&query->changes, kinds[weir_row_change(query->result)]);
    append_row(query->result, &query->changes);
    buffer_append(&query->history, query->changes.data + from, query->changes.length - from);
}

/* Reads what is there; a bounded query without fed tables to its end. */
static void query_read(TestRun *run, TestQuery *query, bool to_end, const TestBlock *block)
{
    if (query->result == NULL)
        return;
    for (;;) {
        WeirStep step = weir_next(query->result, to_end ? WAIT_MS : 0);
        if (step == WEIR_STEP_ROW) {
            query_append_change(query);
            continue;
        }
        if (step == WEIR_STEP_ERROR)
            note_error(run, block);
        if (step == WEIR_STEP_IDLE && to_end) {
            fprintf(stderr,
                    "%s:%u: failed (%s): nothing came for %d s, and the query had not ended\n",
                    run->file->path, block->line, run->mode->name, WAIT_MS / 1000);
            run->failed = true;
        }
        if (step == WEIR_STEP_ERROR || step == WEIR_STEP_END) {
            weir_result_free(query->result);
            query->result = NULL;
        }
        return;
    }
}

static bool query_start(TestRun *run, TestQuery *query, const TestBlock *block)
{
    char *name = memory_zalloc(query->name.length + 1);
    memcpy(name, query->name.data, query->name.length);
    if (run->mode->restore)
        weir_set(run->session, "pipeline.name", name);
    memory_free(name);
    size_t offset = 0, start = 0, end = 0;
    int found = weir_next_statement(query->sql.data, query->sql.length, &offset, &start, &end);
    if (found < 0)
        end = query->sql.length;
    if (weir_execute(run->session, query->sql.data, query->sql.length, start, end, NULL,
                     &query->result) == WEIR_OK)
        return true;
    note_error(run, block);
    return false;
}

static TestQuery *find_query(TestRun *run, const TestBlock *block)
{
    Str rest = block->rest, name;
    if (!test_next_word(&rest, &name))
        name = STR("q");
    for (uint32_t i = 0; i < run->query_count; i++) {
        if (str_equal(run->queries[i].name, name))
            return &run->queries[i];
    }
    fprintf(stderr, "%s:%u: error: query \"%.*s\" does not exist\n", run->file->path, block->line,
            (int)name.length, name.data);
    run->failed = true;
    return NULL;
}

static void do_query(TestRun *run, const TestBlock *block)
{
    if (run->query_count == QUERIES_MAX) {
        fprintf(stderr, "%s:%u: error: more than %d queries\n", run->file->path, block->line,
                QUERIES_MAX);
        run->failed = true;
        return;
    }
    TestQuery *query = &run->queries[run->query_count++];
    memset(query, 0, sizeof(*query));
    query->name = STR("q");
    query->sql = block->body;
    Str rest = block->rest, word;
    while (test_next_word(&rest, &word)) {
        if (str_equal(word, STR("fold")))
            query->fold = true;
        else
            query->name = word;
    }
    query_start(run, query, block);
}

/* Kills every query that follows fed tables and starts it again from its newest checkpoint. */
static void restart_queries(TestRun *run, const TestBlock *block)
{
    run->restarts++;
    if (run->mode->rescale) {
        static const char *const steps[] = {"2", "3", "1", "4"};
        weir_set(run->session, "parallelism.default", steps[run->restarts % array_count(steps)]);
    }
    for (uint32_t i = 0; i < run->query_count; i++) {
        TestQuery *query = &run->queries[i];
        if (query->result == NULL)
            continue;
        weir_result_free(query->result);
        query->result = NULL;
        query_start(run, query, block);
    }
}

/* ------------------------------------------------------------------ feeding */

/* After something was given: waits until it has arrived, and reads what it made. */
static void settle(TestRun *run, const TestBlock *block, bool given)
{
    bool ok = given && weir_settle(run->session) == WEIR_OK;
    if (!ok)
        note_error(run, block);
    for (uint32_t i = 0; i < run->query_count; i++)
        query_read(run, &run->queries[i], false, block);
    if (ok && run->mode->restore)
        restart_queries(run, block);
}

static void do_feed(TestRun *run, const TestBlock *block)
{
    Str rest = block->rest, word;
    test_next_word(&rest, &word);
    char *table = memory_zalloc(word.length + 1);
    memcpy(table, word.data, word.length);
    Buffer rows = {0};
    test_lines(block->body, false, &rows);
    bool given = weir_feed(run->session, table, buffer_text(&rows)) == WEIR_OK;
    buffer_deinit(&rows);
    memory_free(table);
    settle(run, block, given);
}

/* The point in time that the rest of a heading is. */
static bool parse_time(TestRun *run, const TestBlock *block, Str text, int64_t *micros)
{
    DateTime time;
    if (datetime_parse(text, &time)) {
        *micros = datetime_to_micros(time);
        return true;
    }
    fprintf(stderr, "%s:%u: error: \"%.*s\" is no time\nhint: Write it as 2024-01-01 00:00:05.\n",
            run->file->path, block->line, (int)text.length, text.data);
    run->failed = true;
    return false;
}

static void do_watermark(TestRun *run, const TestBlock *block)
{
    Str rest = block->rest, word;
    int64_t watermark_us = 0;
    test_next_word(&rest, &word);
    if (!parse_time(run, block, str_trim(rest), &watermark_us))
        return;
    char *table = memory_zalloc(word.length + 1);
    memcpy(table, word.data, word.length);
    bool given = weir_feed_watermark(run->session, table, watermark_us) == WEIR_OK;
    memory_free(table);
    settle(run, block, given);
}

static void do_clock(TestRun *run, const TestBlock *block)
{
    int64_t now_us = 0;
    if (!parse_time(run, block, str_trim(block->rest), &now_us))
        return;
    weir_set_clock(run->session, now_us);
    settle(run, block, true);
}

static void do_end(TestRun *run, const TestBlock *block)
{
    Str rest = block->rest, word;
    while (test_next_word(&rest, &word)) {
        char *table = memory_zalloc(word.length + 1);
        memcpy(table, word.data, word.length);
        if (weir_feed_end(run->session, table) != WEIR_OK)
            note_error(run, block);
        memory_free(table);
    }
    if (weir_settle(run->session) != WEIR_OK)
        note_error(run, block);
    for (uint32_t i = 0; i < run->query_count; i++)
        query_read(run, &run->queries[i], false, block);
}

/* --------------------------------------------------------------- statements */

/* The folder of this build's example libraries, beside the program's. */
static void print_library_folder(Buffer *out)
{
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
    path[length < 0 ? 0 : length] = '\0';
    char *slash = strrchr(path, '/');
    if (slash != NULL)
        *slash = '\0';
    buffer_printf(out, "%s/../examples/functions", slash == NULL ? "." : path);
}

/* The block's text, with the folder of this run where it says {folder}, and that of the libraries
 * that the examples are built into where it says {libraries}. */
static void expand_folders(const TestRun *run, const TestBlock *block, Buffer *out)
{
    static const Str folder = {"{folder}", 8}, libraries = {"{libraries}", 11};
    Str rest = block->body;
    while (rest.length > 0) {
        if (str_starts_with(rest, folder)) {
            buffer_append_text(out, run->directory);
            rest = (Str){rest.data + folder.length, rest.length - folder.length};
        } else if (str_starts_with(rest, libraries)) {
            print_library_folder(out);
            rest = (Str){rest.data + libraries.length, rest.length - libraries.length};
        } else {
            buffer_append_char(out, *rest.data);
            rest = (Str){rest.data + 1, rest.length - 1};
        }
    }
}

static bool run_statement(TestRun *run, const TestBlock *block, Str text, size_t start, size_t end,
                          bool listing)
{
    WeirResult *result;
    if (weir_execute(run->session, text.data, text.length, start, end, NULL, &result) != WEIR_OK) {
        note_error(run, block);
        return false;
    }
    bool is_text = listing && weir_column_count(result) == 1 &&
                   strcmp(weir_column_name(result, 0), "result") == 0;
    while (listing && weir_next(result, WAIT_MS) == WEIR_STEP_ROW) {
        if (is_text)
            buffer_printf(&run->output, "%s\n", weir_text(result, 0, NULL));
        else
            append_row(result, &run->output);
    }
    weir_result_free(result);
    return true;
}

static void run_statements(TestRun *run, const TestBlock *block, bool listing)
{
    Buffer expanded = {0};
    expand_folders(run, block, &expanded);
    Str text = {buffer_text(&expanded), expanded.length};
    size_t offset = 0, start = 0, end = 0;
    int found;
    while ((found = weir_next_statement(text.data, text.length, &offset, &start, &end)) != 0) {
        if (found < 0)
            end = text.length;
        if (!run_statement(run, block, text, start, end, listing) || found < 0)
            break;
    }
    buffer_deinit(&expanded);
}

/* Writes the block's lines as a file of the run's folder. */
static void do_file(TestRun *run, const TestBlock *block)
{
    Str rest = block->rest, name;
    if (!test_next_word(&rest, &name) || memchr(name.data, '/', name.length) != NULL) {
        fprintf(stderr, "%s:%u: error: a file needs a name without folders\n", run->file->path,
                block->line);
        run->failed = true;
        return;
    }
    Buffer path = {0}, lines = {0};
    buffer_printf(&path, "%s/%.*s", run->directory, (int)name.length, name.data);
    test_lines(block->body, false, &lines);
    FILE *file = fopen(buffer_text(&path), "w");
    bool written = file != NULL && fwrite(lines.data, 1, lines.length, file) == lines.length;
    if (file != NULL && fclose(file) != 0)
        written = false;
    if (!written) {
        fprintf(stderr, "%s:%u: error: could not write \"%s\"\n", run->file->path, block->line,
                buffer_text(&path));
        run->failed = true;
    }
    buffer_deinit(&path);
    buffer_deinit(&lines);
}

/* -------------------------------------------------------------- expectations */

/* The rows that the changes add up to, sorted, each as often as it is there. */
static void fold_changes(const Buffer *changes, Buffer *out)
{
    Buffer sorted = {0};
    Buffer marked = {0};
    const char *at = changes->data;
    const char *end = at + changes->length;
    while (at < end) { /* "[row]" + kind, so that sorting brings a row's changes together */
        const char *next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
        buffer_append(&marked, at + 2, (size_t)(next - at) - 3);
        buffer_append_char(&marked, at[0]);
        buffer_append_char(&marked, '\n');
        at = next;
    }
    test_lines((Str){marked.data, marked.length}, true, &sorted);
    at = sorted.data;
    end = at + sorted.length;
    while (at < end) {
        const char *next = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
        size_t length = (size_t)(next - at) - 2;
        int64_t count = 0;
        const char *row = at;
        while (at < end && strncmp(at, row, length) == 0 && at[length + 1] == '\n') {
            count += at[length] == '+' ? 1 : -1;
            at += length + 2;
        }
        for (int64_t i = 0; i < (count < 0 ? -count : count); i++)
            buffer_printf(out, "%s%.*s\n", count < 0 ? "(missing) " : "", (int)length, row);
    }
    buffer_deinit(&sorted);
    buffer_deinit(&marked);
}

static void do_expect(TestRun *run, TestBlock *block)
{
    TestQuery *query = find_query(run, block);
    if (query == NULL)
        return;
    bool to_end = query->result != NULL && weir_result_is_bounded(query->result);
    query_read(run, query, to_end, block);
    if (query->fold && is_parallel(run)) {
        Buffer expected = {0}, lines = {0}, actual = {0};
        test_lines(block->body, false, &lines);
        fold_changes(&lines, &expected);
        fold_changes(&query->changes, &actual);
        if (strcmp(buffer_text(&expected), buffer_text(&actual)) != 0)
            complain(run, block, buffer_text(&expected), buffer_text(&actual));
        buffer_deinit(&expected);
        buffer_deinit(&lines);
        buffer_deinit(&actual);
    } else {
        check_text(run, block, &query->changes, is_parallel(run));
    }
    buffer_clear(&query->changes);
}

static void do_table(TestRun *run, TestBlock *block)
{
    TestQuery *query = find_query(run, block);
    if (query == NULL)
        return;
    bool to_end = query->result != NULL && weir_result_is_bounded(query->result);
    query_read(run, query, to_end, block);
    Buffer table = {0};
    fold_changes(&query->history, &table);
    check_text(run, block, &table, true);
    buffer_deinit(&table);
    buffer_clear(&query->changes);
}

/* Every line expected must stand in the message. */
static void do_error(TestRun *run, TestBlock *block)
{
    Buffer lines = {0};
    test_lines(block->body, false, &lines);
    bool matches = run->error.length > 0 && lines.length > 0;
    const char *at = buffer_text(&lines);
    while (matches && *at != '\0') {
        const char *newline = strchr(at, '\n');
        size_t length = (size_t)(newline - at);
        matches = memmem(run->error.data, run->error.length, at, length) != NULL;
        at = newline + 1;
    }
    if (!matches && run->update && strcmp(run->mode->name, "plain") == 0) {
        test_lines((Str){buffer_text(&run->error), run->error.length}, false, &block->actual);
        block->has_actual = true;
    } else if (!matches) {
        complain(run, block, buffer_text(&lines), buffer_text(&run->error));
    }
    buffer_deinit(&lines);
    buffer_clear(&run->error);
}

static void do_wait(TestRun *run, const TestBlock *block)
{
    WeirStatus status = weir_wait(run->session, WAIT_MS);
    if (status == WEIR_ERROR)
        note_error(run, block);
    if (status == WEIR_INTERRUPTED) {
        fprintf(stderr, "%s:%u: failed (%s): the jobs did not end within %d s\n", run->file->path,
                block->line, run->mode->name, WAIT_MS / 1000);
        run->failed = true;
    }
}

/* ------------------------------------------------------------------- a run */

/* An error nobody asked about fails the test where it happened. */
static void check_no_error(TestRun *run)
{
    if (run->error.length == 0)
        return;
    fprintf(stderr, "%s:%u: failed (%s): %s", run->file->path, run->error_line, run->mode->name,
            buffer_text(&run->error));
    buffer_clear(&run->error);
    run->failed = true;
}

static void run_block(TestRun *run, TestBlock *block)
{
    if (!str_equal(block->word, STR("error")))
        check_no_error(run);
    if (str_equal(block->word, STR("sql")))
        run_statements(run, block, false);
    else if (str_equal(block->word, STR("listing")))
        run_statements(run, block, true);
    else if (str_equal(block->word, STR("query")))
        do_query(run, block);
    else if (str_equal(block->word, STR("feed")))
        do_feed(run, block);
    else if (str_equal(block->word, STR("watermark")))
        do_watermark(run, block);
    else if (str_equal(block->word, STR("clock")))
        do_clock(run, block);
    else if (str_equal(block->word, STR("end")))
        do_end(run, block);
    else if (str_equal(block->word, STR("wait")))
        do_wait(run, block);
    else if (str_equal(block->word, STR("file")))
        do_file(run, block);
    else if (str_equal(block->word, STR("expect")))
        do_expect(run, block);
    else if (str_equal(block->word, STR("table")))
        do_table(run, block);
    else if (str_equal(block->word, STR("error")))
        do_error(run, block);
    else if (str_equal(block->word, STR("output"))) {
        check_text(run, block, &run->output, false);
        buffer_clear(&run->output);
    } else if (str_equal(block->word, STR("text"))) {
        check_text(run, block, &run->printed, is_parallel(run));
        buffer_clear(&run->printed);
    }
}

static void on_text(void *user, const char *text, size_t length, bool standard_error)
{
    (void)standard_error;
    TestRun *run = user;
    buffer_append(&run->printed, text, length);
}

static void on_notice(void *user, const char *text)
{
    (void)user;
    (void)text;
}

static void remove_directory(const char *path)
{
    DIR *folder = opendir(path);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue;
        Buffer name = {0};
        buffer_printf(&name, "%s/%s", path, entry->d_name);
        if (unlink(buffer_text(&name)) != 0)
            remove_directory(buffer_text(&name));
        buffer_deinit(&name);
    }
    closedir(folder);
    rmdir(path);
}

static bool run_open(TestRun *run)
{
    snprintf(run->directory, sizeof(run->directory), "/tmp/weir-test-XXXXXX");
    if (mkdtemp(run->directory) == NULL) {
        fputs("error: could not make a folder in /tmp\n", stderr);
        return false;
    }
    run->session = weir_open();
    weir_on_text(run->session, on_text, run);
    weir_on_notice(run->session, on_notice, run);
    weir_set_clock(run->session, CLOCK_START_US);
    weir_set(run->session, "table.local-time-zone", "UTC");
    weir_set(run->session, "execution.batch-rows", run->mode->batch_rows);
    weir_set(run->session, "parallelism.default", run->mode->parallelism);
    if (run->mode->restore)
        weir_set(run->session, "execution.checkpointing.dir", run->directory);
    /* Never due, but from now on state is copied between two rows. */
    if (run->mode->restore)
        weir_set(run->session, "execution.checkpointing.interval", "10 s");
    return true;
}

static void run_close(TestRun *run)
{
    for (uint32_t i = 0; i < run->query_count; i++) {
        weir_result_free(run->queries[i].result);
        buffer_deinit(&run->queries[i].changes);
        buffer_deinit(&run->queries[i].history);
    }
    weir_close(run->session);
    remove_directory(run->directory);
    buffer_deinit(&run->printed);
    buffer_deinit(&run->output);
    buffer_deinit(&run->error);
}

/* "== only plain batch1": the modes a file is about. */
static bool mode_wanted(const TestFile *file, const TestMode *mode)
{
    for (uint32_t i = 0; i < file->block_count; i++) {
        if (!str_equal(file->blocks[i].word, STR("only")))
            continue;
        Str rest = file->blocks[i].rest, word;
        bool listed = false;
        while (test_next_word(&rest, &word))
            listed = listed || str_equal(word, str_of(mode->name));
        return listed;
    }
    return true;
}

static bool run_mode(TestFile *file, const TestMode *mode, bool update)
{
    TestRun *run = memory_zalloc(sizeof(*run));
    run->file = file;
    run->mode = mode;
    run->update = update;
    bool ok = run_open(run);
    for (uint32_t i = 0; ok && i < file->block_count && !run->failed; i++)
        run_block(run, &file->blocks[i]);
    if (ok) {
        check_no_error(run);
        run_close(run);
    }
    ok = ok && !run->failed;
    memory_free(run);
    return ok;
}

/* -------------------------------------------------------------- files, folders */

typedef struct TestTotals {
    const char *only_mode; /* --mode; NULL: all */
    bool update;
    uint32_t passed, failed;
} TestTotals;

static void test_one_file(const char *path, TestTotals *totals)
{
    TestFile file;
    bool ok = test_file_open(&file, path);
    for (size_t i = 0; ok && i < array_count(modes); i++) {
        if (totals->only_mode != NULL && strcmp(totals->only_mode, modes[i].name) != 0)
            continue;
        if (mode_wanted(&file, &modes[i]) && (!totals->update || i == 0))
            ok = run_mode(&file, &modes[i], totals->update) && ok;
    }
    if (ok && totals->update)
        ok = test_file_update(&file);
    test_file_close(&file);
    if (ok)
        totals->passed++;
    else
        totals->failed++;
}

static int compare_paths(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void test_path(const char *path, TestTotals *totals, bool named);

static void test_folder(const char *path, TestTotals *totals)
{
    DIR *folder = opendir(path);
    char **names = NULL;
    size_t count = 0;
    for (struct dirent *entry; folder != NULL && (entry = readdir(folder)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        Buffer name = {0};
        buffer_printf(&name, "%s/%s", path, entry->d_name);
        names = memory_realloc(names, sizeof(*names) * (count + 1));
        names[count++] = memory_strdup(buffer_text(&name));
        buffer_deinit(&name);
    }
    if (folder != NULL)
        closedir(folder);
    if (count > 0)
        qsort(names, count, sizeof(*names), compare_paths);
    for (size_t i = 0; i < count; i++) {
        test_path(names[i], totals, false);
        memory_free(names[i]);
    }
    memory_free(names);
}

static void test_path(const char *path, TestTotals *totals, bool named)
{
    struct stat status;
    if (stat(path, &status) != 0) {
        fprintf(stderr, "error: file \"%s\" does not exist\n", path);
        totals->failed++;
        return;
    }
    size_t length = strlen(path);
    if (S_ISDIR(status.st_mode))
        test_folder(path, totals);
    else if (named || (length > 5 && strcmp(path + length - 5, ".test") == 0))
        test_one_file(path, totals);
}

int test_run(int count, char **paths)
{
    TestTotals totals = {0};
    int used = 0;
    for (int i = 0; i < count; i++) {
        if (strcmp(paths[i], "--update") == 0)
            totals.update = true;
        else if (strncmp(paths[i], "--mode=", 7) == 0)
            totals.only_mode = paths[i] + 7;
        else {
            test_path(paths[i], &totals, true);
            used++;
        }
    }
    if (used == 0) {
        fputs("usage: weir test [--mode=plain|batch1|parallel2|parallel4|restore|rescale] "
              "[--update] PATH...\n",
              stderr);
        return 2;
    }
    printf("%u passed, %u failed\n", totals.passed, totals.failed);
    return totals.failed == 0 ? 0 : 1;
}
