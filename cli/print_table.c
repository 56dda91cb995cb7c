/* Grids of text, right-aligned as Flink's tableau, measured in terminal columns. */
#include "cli/cli.h"

#include <utf8proc.h>

/* Decodes one code point and its width; returns its bytes (1 for a broken byte). */
static size_t next_width(const char *text, size_t length, uint32_t *width)
{
    utf8proc_int32_t code;
    utf8proc_ssize_t bytes =
        utf8proc_iterate((const utf8proc_uint8_t *)text, (utf8proc_ssize_t)length, &code);
    if (bytes <= 0) {
        *width = 1;
        return 1;
    }
    int columns = utf8proc_charwidth(code);
    *width = columns < 0 ? 0 : (uint32_t)columns;
    return (size_t)bytes;
}

uint32_t text_width(const char *text, size_t length)
{
    uint32_t total = 0;
    for (size_t at = 0; at < length;) {
        uint32_t width;
        at += next_width(text + at, length - at, &width);
        total += width;
    }
    return total;
}

/* Bytes of the longest prefix that fits `columns`. */
static size_t prefix_fitting(const char *text, size_t length, uint32_t columns, uint32_t *used)
{
    size_t at = 0;
    *used = 0;
    while (at < length) {
        uint32_t width;
        size_t bytes = next_width(text + at, length - at, &width);
        if (*used + width > columns)
            break;
        *used += width;
        at += bytes;
    }
    return at;
}

static void append_repeated(Buffer *out, char c, uint32_t count)
{
    memset(buffer_reserve(out, count), c, count);
    out->length += count;
}

void table_print_rule(const TableColumn *columns, uint32_t count, Buffer *out)
{
    for (uint32_t i = 0; i < count; i++) {
        buffer_append_char(out, '+');
        append_repeated(out, '-', columns[i].width + 2);
    }
    buffer_append_text(out, "+\n");
}

void table_print_cell(const char *text, size_t length, uint32_t width, Buffer *out)
{
    uint32_t needed = text_width(text, length);
    buffer_append_text(out, "| ");
    if (needed <= width) {
        append_repeated(out, ' ', width - needed);
        for (size_t i = 0; i < length; i++) /* a line break would tear the grid */
            buffer_append_char(out, text[i] == '\n' || text[i] == '\r' ? ' ' : text[i]);
    } else {
        uint32_t used;
        size_t bytes = prefix_fitting(text, length, width > 3 ? width - 3 : 0, &used);
        append_repeated(out, ' ', width > 3 ? width - 3 - used : 0);
        buffer_append(out, text, bytes);
        buffer_append_text(out, "...");
    }
    buffer_append_char(out, ' ');
}

void table_print_header(const TableColumn *columns, uint32_t count, Buffer *out)
{
    table_print_rule(columns, count, out);
    for (uint32_t i = 0; i < count; i++)
        table_print_cell(columns[i].name, strlen(columns[i].name), columns[i].width, out);
    buffer_append_text(out, "|\n");
    table_print_rule(columns, count, out);
}
