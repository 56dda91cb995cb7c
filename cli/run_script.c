/* Scripts: statement after statement, the first failure ends it. */
#include "cli/cli.h"

#include <errno.h>
#include <stdio.h>

#include "core/str.h"

bool read_file(const char *path, Buffer *out)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "error: could not open file \"%s\": %s\n", path, strerror(errno));
        return false;
    }
    size_t got;
    do {
        got = fread(buffer_reserve(out, 64 << 10), 1, 64 << 10, file);
        out->length += got;
    } while (got > 0);
    bool ok = ferror(file) == 0;
    if (!ok)
        fprintf(stderr, "error: could not read file \"%s\": %s\n", path, strerror(errno));
    if (file != stdin)
        fclose(file);
    return ok;
}

/* Reports what a statement that returns at once did, prints what has rows. */
static bool follow(WeirSession *session, WeirResult *result)
{
    switch (weir_result_kind(result)) {
    case WEIR_RESULT_HELP:
        print_shell_help();
        return true;
    case WEIR_RESULT_ROWS:
    case WEIR_RESULT_QUERY:
        return print_result(session, result);
    default:
        return true;
    }
}

/* An init file prepares a session; work belongs into -f and -e. */
static bool refuse_work(const char *file)
{
    fprintf(stderr,
            "error: init file \"%s\" starts a job\nhint: Keep only CREATE, DROP, USE, SET "
            "and RESET in it; pass queries with -f.\n",
            file);
    return false;
}

static bool run_statements(WeirSession *session, const char *script, size_t length,
                           const char *file, bool init_only)
{
    size_t offset = 0, start = 0, end = 0;
    for (;;) {
        int found = weir_next_statement(script, length, &offset, &start, &end);
        if (found == 0)
            return true;
        if (found < 0)
            end = length; /* a last statement may do without its semicolon */
        if (init_only && weir_starts_job(script, length, start, end))
            return refuse_work(file);
        WeirResult *result;
        if (weir_execute(session, script, length, start, end, file, &result) != WEIR_OK) {
            print_error(session);
            return false;
        }
        bool quit = weir_result_kind(result) == WEIR_RESULT_QUIT;
        bool ok = follow(session, result);
        weir_result_free(result);
        /* Ctrl-C ends a query and with it what was to follow. */
        if (!ok || quit || found < 0 || interrupt_pending())
            return ok;
    }
}

bool run_script(WeirSession *session, const char *script, size_t length, const char *file)
{
    return run_statements(session, script, length, file, false);
}

bool run_file(WeirSession *session, const char *path, bool init_only)
{
    Buffer text = {0};
    bool ok = read_file(path, &text);
    if (ok) /* standard input has no name to tell */
        ok = run_statements(session, buffer_text(&text), text.length,
                            strcmp(path, "-") == 0 ? NULL : path, init_only);
    buffer_deinit(&text);
    return ok;
}

bool wait_for_jobs(WeirSession *session, bool quiet)
{
    bool draw = !quiet && status_line_wanted();
    if (interrupt_pending()) /* it reached one statement; what runs beside it is meant as well */
        weir_interrupt(session, false);
    for (;;) {
        WeirStatus status = weir_wait(session, 200);
        if (status == WEIR_OK || status == WEIR_ERROR) {
            status_line_clear();
            if (status == WEIR_ERROR)
                print_error(session);
            return status == WEIR_OK;
        }
        if (draw)
            status_line_draw(session);
    }
}
