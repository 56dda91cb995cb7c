/* Errors for people: where in the statement, that line with a caret under it, and what to do.
 *
 *     job.sql:3:8: error: column "nme" does not exist
 *        3 | SELECT nme FROM customers
 *          |        ^~~
 *     hint: Did you mean "name"?
 */
#include "session/session_internal.h"

#include "core/str.h"

/* Longest line shown whole; of a longer one the part around the caret. */
#define LINE_SHOWN_MAX 160

static void error_text_caret(const ParserLine *line, int64_t length, Buffer *out)
{
    buffer_append_text(out, "\n     | ");
    uint32_t column = 1;
    const char *at = line->text.data;
    const char *end = at + line->text.length;
    for (; column < line->column && at < end; at++) {
        if (((unsigned char)*at & 0xC0) == 0x80)
            continue; /* the rest of a code point takes no column of its own */
        buffer_append_char(out, *at == '\t' ? '\t' : ' ');
        column++;
    }
    buffer_append_char(out, '^');
    for (int64_t i = 1; i < length && at + i < end; i++)
        buffer_append_char(out, '~');
}

static void error_text_line(const Error *error, const ParserLine *line, Buffer *out)
{
    if (line->text.length > LINE_SHOWN_MAX)
        return;
    buffer_printf(out, "\n%4u | ", line->line);
    buffer_append_str(out, line->text);
    error_text_caret(line, error->sql_length, out);
}

void error_text_print(const Error *error, const StatementText *text, Buffer *out)
{
    bool placed =
        text != NULL && error->sql_offset >= 0 && (size_t)error->sql_offset <= text->script.length;
    size_t offset = placed ? (size_t)error->sql_offset : 0;
    if (!placed && text != NULL)
        offset = text->start;
    ParserLine line = {0};
    if (text != NULL)
        line = parser_locate(text->script, offset);
    if (text != NULL && text->file != NULL)
        buffer_printf(out, "%s:%u:%u: ", text->file, line.line, line.column);
    else if (placed)
        buffer_printf(out, "line %u, column %u: ", line.line, line.column);
    buffer_printf(out, "error: %s", error->message);
    if (placed)
        error_text_line(error, &line, out);
    if (error->place[0] != '\0')
        buffer_printf(out, "\nat: %s", error->place);
    if (error->detail[0] != '\0')
        buffer_printf(out, "\ndetail: %s", error->detail);
    if (error->hint[0] != '\0')
        buffer_printf(out, "\nhint: %s", error->hint);
}
