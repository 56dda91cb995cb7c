/* Errors for people: where in the statement, that line with a caret under it, and what to do.
 *
 *     job.sql:3:8: error: column "nme" does not exist
 *        3 | SELECT nme FROM customers
 *          |        ^~~
 *     hint: Did you mean "name"?
 */
#include "session/session_internal.h"

#include "core/str.h"

/* Bytes of a line that are shown; of a longer one the part around the caret, with dots where it is
 * cut. */
#define LINE_SHOWN_MAX 160
/* What of a longer line stands before the caret. */
#define LINE_BEFORE_MAX 60

/* A part of a line: [from, to) of its bytes. */
typedef struct Excerpt {
    Str line;
    size_t from, to;
    size_t caret;
} Excerpt;

static bool is_inside_code_point(Str line, size_t at)
{
    return at < line.length && ((unsigned char)line.data[at] & 0xC0) == 0x80;
}

/* The byte at which a column, counted in code points from 1, begins. */
static size_t column_start(Str line, uint32_t column)
{
    size_t at = 0;
    for (uint32_t i = 1; i < column && at < line.length; i++) {
        at++;
        while (is_inside_code_point(line, at))
            at++;
    }
    return at;
}

static Excerpt error_text_excerpt(const ParserLine *line)
{
    Excerpt excerpt = {line->text, 0, line->text.length, column_start(line->text, line->column)};
    if (line->text.length <= LINE_SHOWN_MAX)
        return excerpt;
    if (excerpt.caret > LINE_BEFORE_MAX)
        excerpt.from = excerpt.caret - LINE_BEFORE_MAX;
    if (excerpt.from + LINE_SHOWN_MAX < excerpt.to)
        excerpt.to = excerpt.from + LINE_SHOWN_MAX;
    else
        excerpt.from = excerpt.to - LINE_SHOWN_MAX;
    while (is_inside_code_point(line->text, excerpt.from))
        excerpt.from++;
    while (is_inside_code_point(line->text, excerpt.to))
        excerpt.to--;
    return excerpt;
}

/* "^~~" under the excerpt; a code point takes one column, a tab what it takes above. */
static void error_text_caret(const Excerpt *excerpt, int64_t length, Buffer *out)
{
    buffer_append_text(out, "\n     | ");
    if (excerpt->from > 0)
        buffer_append_text(out, "   ");
    for (size_t at = excerpt->from; at < excerpt->caret; at++)
        if (!is_inside_code_point(excerpt->line, at))
            buffer_append_char(out, excerpt->line.data[at] == '\t' ? '\t' : ' ');
    buffer_append_char(out, '^');
    for (int64_t i = 1; i < length && excerpt->caret + (size_t)i < excerpt->to; i++)
        buffer_append_char(out, '~');
}

static void error_text_line(const Error *error, const ParserLine *line, Buffer *out)
{
    Excerpt excerpt = error_text_excerpt(line);
    buffer_printf(out, "\n%4u | ", line->line);
    if (excerpt.from > 0)
        buffer_append_text(out, "...");
    buffer_append(out, line->text.data + excerpt.from, excerpt.to - excerpt.from);
    if (excerpt.to < line->text.length)
        buffer_append_text(out, "...");
    error_text_caret(&excerpt, error->sql_length, out);
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
