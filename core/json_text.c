/* Writing JSON text (json_text.h). Runs without anything to escape are copied whole. */
#include "core/json_text.h"

void json_print_string(Str text, Buffer *out)
{
    buffer_append_char(out, '"');
    size_t plain = 0;
    for (size_t i = 0; i < text.length; i++) {
        uint8_t c = (uint8_t)text.data[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buffer_append(out, text.data + plain, i - plain);
        plain = i + 1;
        static const char short_forms[] = "btn?fr"; /* from 0x08 on; 0x0B has none */
        if (c == '"' || c == '\\')
            buffer_printf(out, "\\%c", c);
        else if (c >= 0x08 && c <= 0x0D && c != 0x0B)
            buffer_printf(out, "\\%c", short_forms[c - 0x08]);
        else
            buffer_printf(out, "\\u%04x", c);
    }
    if (text.length != plain)
        buffer_append(out, text.data + plain, text.length - plain);
    buffer_append_char(out, '"');
}
