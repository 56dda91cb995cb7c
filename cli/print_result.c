/* Results on standard output: listings in a grid as wide as their content, queries as Flink's
 * tableau (fixed widths, so that rows appear as they come) or as literal changes. */
#include "cli/cli.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "core/arena.h"

/* Rows are written through at latest when none came for this long. */
#define FLUSH_AFTER_MS 20

static const char *const kind_texts[] = {"+I", "-U", "+U", "-D"};

static void write_out(Buffer *out)
{
    if (out->length == 0)
        return;
    status_line_clear();
    fwrite(out->data, 1, out->length, stdout);
    fflush(stdout);
    buffer_clear(out);
}

/* ------------------------------------------------------------------ listings */

/* EXPLAIN and SHOW CREATE: one cell that is a text of its own. */
static bool is_text(const WeirResult *result)
{
    return weir_column_count(result) == 1 && strcmp(weir_column_name(result, 0), "result") == 0;
}

typedef struct Listing {
    char **cells;
    uint32_t columns;
    uint32_t rows;
} Listing;

static void listing_read(WeirResult *result, Listing *listing, TableColumn *columns)
{
    while (weir_next(result, -1) == WEIR_STEP_ROW) {
        listing->cells =
            memory_realloc(listing->cells, sizeof(char *) * (listing->rows + 1) * listing->columns);
        for (uint32_t i = 0; i < listing->columns; i++) {
            size_t length;
            const char *text = weir_is_null(result, i) ? "<NULL>" : weir_text(result, i, &length);
            uint32_t width = text_width(text, strlen(text));
            if (width > columns[i].width)
                columns[i].width = width;
            listing->cells[(size_t)listing->rows * listing->columns + i] = memory_strdup(text);
        }
        listing->rows++;
    }
}

static void listing_print(const Listing *listing, const TableColumn *columns, Buffer *out)
{
    if (listing->rows == 0) {
        buffer_append_text(out, "Empty set\n");
        return;
    }
    table_print_header(columns, listing->columns, out);
    for (uint32_t row = 0; row < listing->rows; row++) {
        for (uint32_t i = 0; i < listing->columns; i++) {
            const char *text = listing->cells[(size_t)row * listing->columns + i];
            table_print_cell(text, strlen(text), columns[i].width, out);
        }
        buffer_append_text(out, "|\n");
    }
    table_print_rule(columns, listing->columns, out);
    buffer_printf(out, "%u row%s in set\n", listing->rows, listing->rows == 1 ? "" : "s");
}

static void print_listing(WeirResult *result)
{
    Buffer out = {0};
    if (is_text(result)) {
        while (weir_next(result, -1) == WEIR_STEP_ROW)
            buffer_printf(&out, "%s\n", weir_text(result, 0, NULL));
        write_out(&out);
        buffer_deinit(&out);
        return;
    }
    Listing listing = {.columns = weir_column_count(result)};
    TableColumn *columns = memory_zalloc(sizeof(*columns) * listing.columns);
    for (uint32_t i = 0; i < listing.columns; i++) {
        const char *name = weir_column_name(result, i);
        columns[i] = (TableColumn){name, text_width(name, strlen(name))};
    }
    listing_read(result, &listing, columns);
    listing_print(&listing, columns, &out);
    write_out(&out);
    for (size_t i = 0; i < (size_t)listing.rows * listing.columns; i++)
        memory_free(listing.cells[i]);
    memory_free(listing.cells);
    memory_free(columns);
    buffer_deinit(&out);
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

static void query_close(QueryPrinter *printer, bool finished)
{
    if (!printer->changelog) {
        table_print_rule(printer->columns, printer->count, &printer->out);
        buffer_printf(&printer->out, "%s %llu row%s\n",
                      finished ? "Received a total of" : "Query terminated, received a total of",
                      (unsigned long long)printer->rows, printer->rows == 1 ? "" : "s");
    }
    write_out(&printer->out);
    buffer_deinit(&printer->out);
    memory_free(printer->columns);
}

static bool print_query(WeirSession *session, WeirResult *result)
{
    QueryPrinter printer = {0};
    query_open(&printer, session, result);
    write_out(&printer.out);
    for (;;) {
        WeirStep step = weir_next(result, FLUSH_AFTER_MS);
        if (step == WEIR_STEP_ROW) {
            printer.rows++;
            if (printer.changelog)
                query_print_change(&printer);
            else
                query_print_row(&printer);
            if (printer.out.length > (64u << 10))
                write_out(&printer.out);
            continue;
        }
        write_out(&printer.out);
        if (step == WEIR_STEP_IDLE) {
            if (status_line_wanted())
                status_line_draw(session);
            continue;
        }
        status_line_clear();
        WeirJobStatus status;
        weir_result_status(result, &status);
        query_close(&printer, strcmp(status.state, "FINISHED") == 0);
        if (step == WEIR_STEP_ERROR)
            print_error(session);
        return step != WEIR_STEP_ERROR;
    }
}

bool print_result(WeirSession *session, WeirResult *result)
{
    if (weir_result_kind(result) == WEIR_RESULT_QUERY)
        return print_query(session, result);
    if (weir_result_kind(result) == WEIR_RESULT_ROWS)
        print_listing(result);
    return true;
}
