/* Weir inside a program: a continuous query over rows the program feeds, with a function of the
 * program's own, its changes by callback.
 *
 *     ./dev build
 *     cc -I. -o embed examples/embed.c -Lbuild/session -lweir -Wl,-rpath,build/session
 *     ./embed
 */
#include <stdio.h>

#include "functions/weir_function.h"
#include "session/weir.h"

/* The part of a path before its first slash: a piece of the argument, which is not copied. */
static bool section_of(WeirCall *call)
{
    for (uint32_t i = 0; i < call->row_count; i++) {
        uint32_t row = weir_call_row(call, i);
        WeirText path = weir_argument_text(call, 0, row);
        const char *slash = memchr(path.data, '/', path.length);
        weir_return_borrowed(call, row, path.data,
                             slash == NULL ? path.length : (size_t)(slash - path.data));
    }
    return true;
}

static const WeirFunction section = {"section",
                                     "(STRING) -> STRING NOT NULL",
                                     section_of,
                                     0,
                                     "The part of a path before its first slash.",
                                     NULL};

static bool on_row(void *user, const WeirResult *row)
{
    static const char *const kinds[] = {"+I", "-U", "+U", "-D"};
    unsigned *count = user;
    printf("%s %s has %lld visits\n", kinds[weir_row_change(row)], weir_text(row, 0, NULL),
           (long long)weir_int64(row, 1));
    (*count)++;
    return true;
}

static bool run(WeirSession *session, const char *sql, WeirResult **result)
{
    if (weir_execute_text(session, sql, result) == WEIR_OK)
        return true;
    fprintf(stderr, "%s\n", weir_error_message(session));
    return false;
}

int main(void)
{
    WeirSession *session = weir_open();
    WeirResult *result = NULL;
    bool ok =
        weir_add_function(session, &section, NULL) == WEIR_OK &&
        run(session, "CREATE TABLE visits (page STRING) WITH ('connector' = 'feed')", &result);
    weir_result_free(result);
    ok = ok && run(session,
                   "SELECT section(page) AS part, COUNT(*) AS visits FROM visits "
                   "GROUP BY section(page)",
                   &result);
    unsigned count = 0;
    if (ok) {
        weir_feed(session, "visits", "+I[docs/start]\n+I[prices]\n+I[docs/joins]");
        weir_feed_end(session, "visits");
        ok = weir_each(result, on_row, &count) == WEIR_OK;
        weir_result_free(result);
    }
    weir_close(session);
    printf("%u changes\n", count);
    return ok && count == 4 ? 0 : 1;
}
