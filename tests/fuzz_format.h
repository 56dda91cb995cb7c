/* Feeds a format arbitrary bytes, whole and in two pieces: both must give the same rows, and
 * nothing may be consumed that was not there. */
#ifndef TESTS_FUZZ_FORMAT_H
#define TESTS_FUZZ_FORMAT_H

#include <stdlib.h>
#include <string.h>

#include "core/changelog_text.h"
#include "formats/format.h"
#include "tests/fuzz_main.h"

/* Rows as text, or the error's message. */
static inline void fuzz_decode(const Format *format, const FormatContext *context, Str input,
                               size_t cut, Buffer *out)
{
    Error error = {0};
    Decoder *decoder = format->decoder_open(context, &error);
    if (decoder == NULL)
        abort();
    Batch *batch = batch_new(context->schema, BATCH_ROWS_MAX);
    size_t start = 0, end = cut;
    uint64_t line = 1;
    for (;;) {
        DecodeResult result;
        bool at_end = end == input.length;
        if (!format->decode(decoder, (Str){input.data + start, end - start}, at_end, line, batch,
                            &result, &error)) {
            buffer_clear(out);
            error_print(&error, out);
            break;
        }
        if (result.consumed > end - start)
            abort();
        bool full = batch->row_count + 2 > BATCH_ROWS_MAX;
        changelog_print(batch, NULL, out);
        batch_release(batch);
        batch = batch_new(context->schema, BATCH_ROWS_MAX);
        start += result.consumed;
        line += result.lines;
        if (full)
            continue;
        if (at_end) {
            if (start != input.length)
                abort();
            break;
        }
        end = input.length;
    }
    batch_release(batch);
    format->decoder_close(decoder);
}

static inline void fuzz_format(const Format *format, const FormatContext *context, Str input)
{
    Buffer whole = {0}, pieces = {0};
    fuzz_decode(format, context, input, input.length, &whole);
    fuzz_decode(format, context, input, input.length / 2, &pieces);
    if (whole.length != pieces.length ||
        (whole.length != 0 && memcmp(whole.data, pieces.data, whole.length) != 0))
        abort();
    buffer_deinit(&whole);
    buffer_deinit(&pieces);
}

#endif
