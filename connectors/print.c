/* print: every change as a line of text, "+I[1, Ann]".
 *
 * Flink's line: "identifier:task> +I[…]", the task (counted from 1) only when there are several.
 * Rows show at once, also with checkpoints: after a crash those of the unfinished epoch show again.
 *
 * Cost: a batch is one write. */
#include "connectors/connector.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/changelog_text.h"

static const OptionSpec options[] = {
    {.name = "print-identifier", .type = OPTION_TEXT, .doc = "Word put before every line."},
    {.name = "standard-error",
     .type = OPTION_BOOLEAN,
     .fallback = "false",
     .doc = "Print to standard error instead of standard output."},
    {.name = NULL}};

struct Sink {
    SinkContext context;
    bool standard_error;
    Buffer prefix;
    Buffer text;
};

static Sink *print_open(const SinkContext *context, Error *error)
{
    Sink *sink = memory_zalloc(sizeof(*sink));
    sink->context = *context;
    const Options *given = context->table->options;
    sink->standard_error = option_boolean(given, options, "standard-error");
    const char *identifier = option_text(given, options, "print-identifier");
    if (identifier != NULL)
        buffer_append_text(&sink->prefix, identifier);
    if (context->parallelism > 1)
        buffer_printf(&sink->prefix, "%s%u", sink->prefix.length == 0 ? "" : ":",
                      context->subtask + 1);
    if (sink->prefix.length != 0)
        buffer_append_text(&sink->prefix, "> ");
    return sink;
}

static bool write_out(Sink *sink, Error *error)
{
    Str text = {sink->text.data, sink->text.length};
    if (text.length == 0)
        return true;
    bool written;
    if (sink->context.write_text != NULL) {
        written = sink->context.write_text(sink->context.write_to, text, sink->standard_error);
    } else {
        FILE *stream = sink->standard_error ? stderr : stdout;
        written = fwrite(text.data, 1, text.length, stream) == text.length && fflush(stream) == 0;
    }
    if (written)
        return true;
    return error_set(error, ERROR_IO, "could not print to standard %s: %s",
                     sink->standard_error ? "error" : "output", strerror(errno));
}

static bool print_write(Sink *sink, const Batch *batch, Error *error)
{
    buffer_clear(&sink->text);
    for (uint32_t row = 0; row < batch->row_count; row++) {
        buffer_append(&sink->text, sink->prefix.data, sink->prefix.length);
        changelog_print_row(batch, row, sink->context.zone, &sink->text);
        buffer_append_char(&sink->text, '\n');
    }
    return write_out(sink, error);
}

static bool print_prepare(Sink *sink, uint64_t epoch, Buffer *pending, Error *error)
{
    return true;
}

static bool print_commit(Sink *sink, uint64_t epoch, Error *error)
{
    return true;
}

static bool print_finish(Sink *sink, Error *error)
{
    return true;
}

static void print_close(Sink *sink)
{
    buffer_deinit(&sink->prefix);
    buffer_deinit(&sink->text);
    memory_free(sink);
}

static const SinkClass sink_class = {.open = print_open,
                                     .write = print_write,
                                     .prepare = print_prepare,
                                     .commit = print_commit,
                                     .finish = print_finish,
                                     .close = print_close};

static ChangeKinds print_kinds(const TableInfo *table)
{
    return CHANGES_ALL;
}

extern const Connector connector_print;
const Connector connector_print = {.name = "print",
                                   .doc = "Prints every change as a line of text.",
                                   .options = options,
                                   .sink = &sink_class,
                                   .sink_kinds = print_kinds};
