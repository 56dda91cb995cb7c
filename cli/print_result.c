/* Results on standard output: listings and bounded runs in a grid as wide as their content, queries
 * as Flink's tableau (fixed widths, so that rows appear as they come) or as literal changes. */
#include "cli/cli.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <strings.h>
#include <unistd.h>

#include "core/arena.h"

/* How often a printer that waits for rows looks after the status line. */
#define IDLE_MS 20

static const char *const kind_texts[] = {"+I", "-U", "+U", "-D"};

/* A reader that went away has seen enough. */
static bool reader_is_gone(void)
{
    struct pollfd output = {.fd = STDOUT_FILENO};
    return poll(&output, 1, 0) == 1 && (output.revents & POLLERR) != 0;
}

/* What is lost is told once: nothing of it stays to be tried again. */
static bool output_failed(int reason)
{
    if (!reader_is_gone())
        fprintf(stderr, "error: could not write to standard output%s%s\n", reason == 0 ? "" : ": ",
                reason == 0 ? "" : strerror(reason));
    __fpurge(stdout);
    clearerr(stdout);
    return false;
}

bool flush_output(void)
{
    bool failed_before = ferror(stdout) != 0; /* for a reason that nobody kept */
    if (fflush(stdout) != 0)
        return output_failed(errno);
    return !failed_before || output_failed(0);
}

void print_error(WeirSession *session)
{
    status_line_clear();
    fprintf(stderr, "%s\n", weir_error_message(session));
}

static bool write_out(Buffer *out)
{
    if (out->length == 0)
        return true;
    status_line_clear();
    bool written = fwrite(out->data, 1, out->length, stdout) == out->length;
    int reason = errno;
    buffer_clear(out);
    return written ? flush_output() : output_failed(reason);
}

/* ------------------------------------------------------------------ listings */

/* EXPLAIN and SHOW CREATE: one cell that is a text of its own. */
static bool is_text(const WeirResult *result)
{
    return weir_column_count(result) == 1 && strcmp(weir_column_name(result, 0), "result") == 0;
}

typedef struct Listing {
    TableColumn *columns;
    uint32_t column_count;
    uint32_t widest; /* of a column */
    char **cells;
    size_t rows, capacity; /* in rows */
    bool *retracts;        /* by row */
    bool any_retracts;
} Listing;

static void listing_open(Listing *listing, const WeirResult *result, uint32_t widest)
{
    *listing = (Listing){.column_count = weir_column_count(result), .widest = widest};
    listing->columns = memory_zalloc(sizeof(TableColumn) * listing->column_count);
    for (uint32_t i = 0; i < listing->column_count; i++) {
        const char *name = weir_column_name(result, i);
        listing->columns[i] = (TableColumn){name, text_width(name, strlen(name))};
    }
}

static void listing_add_row(Listing *listing, const WeirResult *result)
{
    if (listing->rows == listing->capacity) {
        listing->capacity = listing->capacity == 0 ? 64 : listing->capacity * 2;
        listing->cells = memory_realloc(listing->cells,
                                        sizeof(char *) * listing->capacity * listing->column_count);
        listing->retracts = memory_realloc(listing->retracts, listing->capacity);
    }
    WeirChange change = weir_row_change(result);
    listing->retracts[listing->rows] = change == WEIR_UPDATE_BEFORE || change == WEIR_DELETE;
    listing->any_retracts = listing->any_retracts || listing->retracts[listing->rows];
    for (uint32_t i = 0; i < listing->column_count; i++) {
        const char *text = weir_is_null(result, i) ? "<NULL>" : weir_text(result, i, NULL);
        uint32_t width = text_width(text, strlen(text));
        if (width > listing->widest)
            width = listing->widest;
        if (width > listing->columns[i].width)
            listing->columns[i].width = width;
        listing->cells[listing->rows * listing->column_count + i] = memory_strdup(text);
    }
    listing->rows++;
}

/* By content, then in order of arrival. */
static int compare_rows(const void *a, const void *b, void *of)
{
    const Listing *listing = of;
    size_t left = *(const size_t *)a, right = *(const size_t *)b;
    for (uint32_t i = 0; i < listing->column_count; i++) {
        int order = strcmp(listing->cells[left * listing->column_count + i],
                           listing->cells[right * listing->column_count + i]);
        if (order != 0)
            return order;
    }
    return left < right ? -1 : left > right;
}

static bool same_row(const Listing *listing, size_t a, size_t b)
{
    for (uint32_t i = 0; i < listing->column_count; i++) {
        if (strcmp(listing->cells[a * listing->column_count + i],
                   listing->cells[b * listing->column_count + i]) != 0)
            return false;
    }
    return true;
}

/* Marks what stays of the rows [from, to) of `order`, which are the same: the last ones, as many as
 * there are more inserts than retractions. */
static void listing_net(const Listing *listing, const size_t *order, size_t from, size_t to,
                        bool *stays)
{
    size_t retractions = 0;
    for (size_t i = from; i < to; i++)
        retractions += listing->retracts[order[i]];
    for (size_t i = from; i < to; i++) {
        if (listing->retracts[order[i]])
            continue;
        stays[order[i]] = retractions == 0;
        retractions -= retractions > 0;
    }
}

static void listing_keep(Listing *listing, const bool *stays)
{
    size_t kept = 0, width = listing->column_count;
    for (size_t row = 0; row < listing->rows; row++) {
        for (size_t i = 0; i < width; i++) {
            char *cell = listing->cells[row * width + i];
            if (stays[row])
                listing->cells[kept * width + i] = cell;
            else
                memory_free(cell);
        }
        kept += stays[row];
    }
    listing->rows = kept;
}

/* Leaves the rows that all changes add up to. */
static void listing_fold(Listing *listing)
{
    if (!listing->any_retracts)
        return;
    size_t *order = memory_zalloc(sizeof(*order) * listing->rows);
    bool *stays = memory_zalloc(listing->rows);
    for (size_t i = 0; i < listing->rows; i++)
        order[i] = i;
    qsort_r(order, listing->rows, sizeof(*order), compare_rows, listing);
    for (size_t from = 0, to; from < listing->rows; from = to) {
        to = from + 1;
        while (to < listing->rows && same_row(listing, order[from], order[to]))
            to++;
        listing_net(listing, order, from, to, stays);
    }
    listing_keep(listing, stays);
    memory_free(order);
    memory_free(stays);
}

static void listing_print(const Listing *listing, Buffer *out)
{
    if (listing->rows == 0) {
        buffer_append_text(out, "Empty set\n");
        return;
    }
    table_print_header(listing->columns, listing->column_count, out);
    for (size_t row = 0; row < listing->rows; row++) {
        for (uint32_t i = 0; i < listing->column_count; i++) {
            const char *text = listing->cells[row * listing->column_count + i];
            table_print_cell(text, strlen(text), listing->columns[i].width, out);
        }
        buffer_append_text(out, "|\n");
    }
    table_print_rule(listing->columns, listing->column_count, out);
    buffer_printf(out, "%zu row%s in set\n", listing->rows, listing->rows == 1 ? "" : "s");
}

static void listing_close(Listing *listing)
{
    for (size_t i = 0; i < listing->rows * listing->column_count; i++)
        memory_free(listing->cells[i]);
    memory_free(listing->cells);
    memory_free(listing->retracts);
    memory_free(listing->columns);
}

static bool print_listing(WeirResult *result)
{
    Buffer out = {0};
    if (is_text(result)) {
        while (weir_next(result, -1) == WEIR_STEP_ROW)
            buffer_printf(&out, "%s\n", weir_text(result, 0, NULL));
    } else {
        Listing listing;
        listing_open(&listing, result, UINT32_MAX);
        while (weir_next(result, -1) == WEIR_STEP_ROW)
            listing_add_row(&listing, result);
        listing_print(&listing, &out);
        listing_close(&listing);
    }
    bool ok = write_out(&out);
    buffer_deinit(&out);
    return ok;
}

/* ------------------------------------------------------------------- queries */

typedef struct QueryPrinter {
    WeirResult *result;
    bool changelog;
    TableColumn *columns; /* the first is op */
    uint32_t count;
    uint64_t rows;
    Buffer out;
} QueryPrinter;

static void query_print_change(QueryPrinter *printer)
{
    buffer_printf(&printer->out, "%s[", kind_texts[weir_row_change(printer->result)]);
    for (uint32_t i = 0; i + 1 < printer->count; i++) {
        size_t length;
        const char *text = weir_text(printer->result, i, &length);
        buffer_append_text(&printer->out, i == 0 ? "" : ", ");
        buffer_append(&printer->out, text, length);
    }
    buffer_append_text(&printer->out, "]\n");
}

static void query_print_row(QueryPrinter *printer)
{
    const char *kind = kind_texts[weir_row_change(printer->result)];
    table_print_cell(kind, 2, printer->columns[0].width, &printer->out);
    for (uint32_t i = 0; i + 1 < printer->count; i++) {
        size_t length = 6;
        const char *text =
            weir_is_null(printer->result, i) ? "<NULL>" : weir_text(printer->result, i, &length);
        table_print_cell(text, length, printer->columns[i + 1].width, &printer->out);
    }
    buffer_append_text(&printer->out, "|\n");
}

static void query_open(QueryPrinter *printer, WeirSession *session, WeirResult *result)
{
    printer->result = result;
    printer->changelog =
        strcasecmp(weir_get(session, "sql-client.execution.result-mode"), "CHANGELOG") == 0;
    printer->count = weir_column_count(result) + 1;
    printer->columns = memory_zalloc(sizeof(TableColumn) * printer->count);
    printer->columns[0] = (TableColumn){"op", 2};
    uint32_t widest = (uint32_t)atoi(weir_get(session, "table.display.max-column-width"));
    for (uint32_t i = 1; i < printer->count; i++) {
        const char *name = weir_column_name(result, i - 1);
        uint32_t width = weir_column_width(result, i - 1);
        if (width == 30)
            width = widest;
        uint32_t name_width = text_width(name, strlen(name));
        printer->columns[i] = (TableColumn){name, name_width > width ? name_width : width};
    }
    if (!printer->changelog)
        table_print_header(printer->columns, printer->count, &printer->out);
}

static bool query_close(QueryPrinter *printer, bool finished, bool written)
{
    if (!printer->changelog) {
        table_print_rule(printer->columns, printer->count, &printer->out);
        buffer_printf(&printer->out, "%s %llu row%s\n",
                      finished ? "Received a total of" : "Query terminated, received a total of",
                      (unsigned long long)printer->rows, printer->rows == 1 ? "" : "s");
    }
    bool ok = written && write_out(&printer->out);
    buffer_deinit(&printer->out);
    memory_free(printer->columns);
    return ok;
}

/* What every printer does between rows. */
static void query_idle(WeirSession *session)
{
    if (status_line_wanted())
        status_line_draw(session);
}

static bool query_finished(WeirResult *result)
{
    WeirJobStatus status;
    weir_result_status(result, &status);
    return strcmp(status.state, "FINISHED") == 0;
}

static bool print_query(WeirSession *session, WeirResult *result)
{
    QueryPrinter printer = {0};
    query_open(&printer, session, result);
    bool written = write_out(&printer.out);
    WeirStep step;
    do {
        /* What is printed is written out before a wait for more. */
        step = weir_next(result, printer.out.length == 0 ? IDLE_MS : 0);
        if (step == WEIR_STEP_ROW) {
            printer.rows++;
            if (printer.changelog)
                query_print_change(&printer);
            else
                query_print_row(&printer);
        }
        if (step != WEIR_STEP_ROW || printer.out.length > (64u << 10))
            written = written && write_out(&printer.out);
        if (step == WEIR_STEP_IDLE)
            query_idle(session);
    } while (written && (step == WEIR_STEP_ROW || step == WEIR_STEP_IDLE));
    status_line_clear();
    written = query_close(&printer, query_finished(result), written);
    if (step == WEIR_STEP_ERROR)
        print_error(session);
    return written && step != WEIR_STEP_ERROR;
}

/* A bounded run shows its end: what a changing input took back meanwhile is left out. */
static bool print_bounded(WeirSession *session, WeirResult *result)
{
    Listing listing;
    listing_open(&listing, result,
                 (uint32_t)atoi(weir_get(session, "table.display.max-column-width")));
    WeirStep step;
    while ((step = weir_next(result, IDLE_MS)) == WEIR_STEP_ROW || step == WEIR_STEP_IDLE) {
        if (step == WEIR_STEP_ROW)
            listing_add_row(&listing, result);
        else
            query_idle(session);
    }
    status_line_clear();
    bool ok = step != WEIR_STEP_ERROR;
    Buffer out = {0};
    if (!ok)
        print_error(session);
    else if (query_finished(result)) {
        listing_fold(&listing);
        listing_print(&listing, &out);
    } else
        buffer_append_text(&out, "Query terminated\n");
    listing_close(&listing);
    ok = write_out(&out) && ok;
    buffer_deinit(&out);
    return ok;
}

static bool is_set_to(WeirSession *session, const char *key, const char *value)
{
    return strcasecmp(weir_get(session, key), value) == 0;
}

bool print_result(WeirSession *session, WeirResult *result)
{
    if (weir_result_kind(result) == WEIR_RESULT_ROWS)
        return print_listing(result);
    if (weir_result_kind(result) != WEIR_RESULT_QUERY)
        return true;
    if (is_set_to(session, "execution.runtime-mode", "BATCH") &&
        is_set_to(session, "sql-client.execution.result-mode", "TABLEAU"))
        return print_bounded(session, result);
    return print_query(session, result);
}
