/* Errors for people: where in the statement, that line with a caret under it, and what to do.
 *
 *     job.sql:3:8: error: column "nme" does not exist
 *        3 | SELECT nme FROM customers
 *          |        ^~~
 *     hint: Did you mean "name"?
 */
#include "session/session_internal.h"

#include <ctype.h>

#include "core/option.h"
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

/* ----------------------------------------------------------------- secrets */

/* Where the quoted text or the word, the comment or the sign at `at` ends. */
static size_t piece_end(Str text, size_t at, size_t end)
{
    const char *data = text.data;
    char first = data[at++];
    if (first == '\'' || first == '`' || first == '"') {
        while (at < end && data[at] != first)
            at++;
        return at < end ? at + 1 : end;
    }
    if (first == '-' && at < end && data[at] == '-') {
        while (at < end && data[at] != '\n')
            at++;
    } else if (first == '/' && at < end && data[at] == '*') {
        for (at++; at + 1 < end && (data[at] != '*' || data[at + 1] != '/'); at++)
            ;
        at = at + 2 < end ? at + 2 : end;
    } else if (first == '_' || isalnum((unsigned char)first)) {
        while (at < end && (data[at] == '_' || data[at] == '.' || data[at] == '-' ||
                            isalnum((unsigned char)data[at])))
            at++;
    }
    return at;
}

static bool is_secret_key(const char *data, size_t length)
{
    char key[128];
    if (length >= sizeof(key))
        return true;
    memcpy(key, data, length);
    key[length] = '\0';
    return option_is_secret(NULL, key);
}

/* The line at `line_start` of the script, with stars in place of what stands behind 'password' =
 * and its like. Quoted texts and comments are followed from the script's start on. An
 * option that is refused may be a misspelt password. */
static Str mask_secrets(Str script, const Error *error, size_t line_start, Str line, Buffer *out)
{
    size_t end = line_start + line.length;
    buffer_append_str(out, line);
    bool is_key = false, is_value = false; /* of the piece before this one, of what follows */
    for (size_t at = 0, next; at < end; at = next) {
        char first = script.data[at];
        next = piece_end(script, at, end);
        if (isspace((unsigned char)first) || (next > at + 1 && (first == '-' || first == '/')))
            continue;
        is_value = is_value && first == '\'';
        for (size_t i = at; is_value && i < next; i++)
            if (i >= line_start && script.data[i] != '\'')
                out->data[i - line_start] = '*';
        /* A doubled quote goes on with the same text. */
        bool goes_on = is_value && next < end && script.data[next] == '\'';
        is_value = goes_on || (is_key && first == '=');
        is_key = is_secret_key(script.data + at, next - at) ||
                 (error->code == ERROR_OPTION && (int64_t)at == error->sql_offset);
    }
    return (Str){out->data, out->length};
}

static void error_text_line(const Error *error, const StatementText *text, const ParserLine *line,
                            Buffer *out)
{
    Buffer masked = {0};
    Excerpt excerpt = error_text_excerpt(line);
    excerpt.line = mask_secrets(text->script, error, (size_t)(line->text.data - text->script.data),
                                line->text, &masked);
    buffer_printf(out, "\n%4u | ", line->line);
    if (excerpt.from > 0)
        buffer_append_text(out, "...");
    buffer_append(out, excerpt.line.data + excerpt.from, excerpt.to - excerpt.from);
    if (excerpt.to < line->text.length)
        buffer_append_text(out, "...");
    error_text_caret(&excerpt, error->sql_length, out);
    buffer_deinit(&masked);
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
        error_text_line(error, text, &line, out);
    if (error->place[0] != '\0')
        buffer_printf(out, "\nat: %s", error->place);
    if (error->detail[0] != '\0')
        buffer_printf(out, "\ndetail: %s", error->detail);
    if (error->hint[0] != '\0')
        buffer_printf(out, "\nhint: %s", error->hint);
}
