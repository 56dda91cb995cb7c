/* Times in changes that are written out in tests. */
#ifndef TESTS_CHANGE_TIMES_H
#define TESTS_CHANGE_TIMES_H

#include "core/buffer.h"

/* The text with its times written out; the caller's. */
static inline Buffer bench_times(const char *text)
{
    Buffer out = {0};
    buffer_append_text(&out, "");
    for (; *text != '\0'; text++) {
        if (*text == '@')
            buffer_append_text(&out, "1970-01-01 00:00:");
        else
            buffer_append_char(&out, *text);
    }
    return out;
}

#endif
