/* Weir inside a program: a continuous query over rows the program feeds, its changes by callback.
 *
 *     cc embed.c -lweir && ./a.out
 */
#include <stdio.h>

#include "session/weir.h"

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
        run(session, "CREATE TABLE visits (page STRING) WITH ('connector' = 'feed')", &result);
    weir_result_free(result);
    ok = ok && run(session, "SELECT page, COUNT(*) AS visits FROM visits GROUP BY page", &result);
    unsigned count = 0;
    if (ok) {
        weir_feed(session, "visits", "+I[home]\n+I[prices]\n+I[home]");
        weir_feed_end(session, "visits");
        ok = weir_each(result, on_row, &count) == WEIR_OK;
        weir_result_free(result);
    }
    weir_close(session);
    printf("%u changes\n", count);
    return ok && count == 4 ? 0 : 1;
}
