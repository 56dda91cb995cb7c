/* Running a format over text: whole, and cut at random places, which must give the same. */
#ifndef TESTS_FORMAT_TESTING_H
#define TESTS_FORMAT_TESTING_H

#include <check.h>
#include <stdlib.h>

#include "core/changelog_text.h"
#include "core/str.h"
#include "formats/format.h"
#include "tests/random_rows.h"

extern const Format format_csv, format_json, format_debezium_json, format_raw;

typedef struct FormatTest {
    const Format *format;
    const Schema *schema;
    Option options[16];
    uint32_t option_count;
    const Schema *file_schema;
    const uint32_t *file_columns;
    bool input_stays;
} FormatTest;

/* Everything one run yields; text ends up in `out`: the changelog, or the error's lines. */
typedef struct FormatRun {
    Buffer out;
    uint64_t skipped;
    uint64_t lines;
    bool good;
} FormatRun;

static inline FormatTest format_test(const Format *format, const Schema *schema)
{
    return (FormatTest){.format = format, .schema = schema};
}

static inline void format_option(FormatTest *test, const char *key, const char *value)
{
    test->options[test->option_count++] = (Option){key, value, -1, -1, -1, 0};
}

/* Decodes `input` as a file that arrives `step` bytes at a time (0: random steps). */
static inline FormatRun format_decode(const FormatTest *test, Str input, size_t step,
                                      Random *random)
{
    const Options options = {test->option_count, test->options};
    const FormatContext context = {.schema = test->schema,
                                   .options = &options,
                                   .name = "file",
                                   .file_schema = test->file_schema,
                                   .file_columns = test->file_columns,
                                   .input_stays = test->input_stays};
    FormatRun run = {.good = true};
    Error error = {0};
    run.good = options_check(&options, "format", test->format->options, NULL, &error) &&
               (test->format->check == NULL || test->format->check(&context, false, &error));
    Decoder *decoder = run.good ? test->format->decoder_open(&context, &error) : NULL;
    run.good = decoder != NULL;
    Batch *batch = batch_new(test->schema, BATCH_ROWS_MAX);
    size_t start = 0, end = 0;
    uint64_t line = 1;
    while (run.good) {
        bool at_end = end == input.length;
        /* An exact copy, so that reading past it is seen by the sanitizer. */
        char *copy = memory_alloc(end - start);
        if (end != start)
            memcpy(copy, input.data + start, end - start);
        DecodeResult result;
        run.good = test->format->decode(decoder, (Str){copy, end - start}, at_end, line, batch,
                                        &result, &error);
        if (!run.good || !test->input_stays) {
            memory_free(copy);
            copy = NULL;
        }
        if (!run.good)
            break;
        ck_assert_uint_le(result.consumed, end - start);
        start += result.consumed;
        line += result.lines;
        run.lines += result.lines;
        run.skipped += result.skipped;
        bool full = batch->row_count + 2 > BATCH_ROWS_MAX;
        changelog_print(batch, NULL, &run.out);
        batch_release(batch);
        memory_free(copy);
        batch = batch_new(test->schema, BATCH_ROWS_MAX);
        if (at_end && (start == input.length || (!full && result.consumed == 0)))
            break;
        if (!full) {
            size_t more = step != 0 ? step : 1 + random_below(random, 40);
            end = input.length - end < more ? input.length : end + more;
        }
    }
    if (run.good)
        ck_assert_uint_eq(start, input.length);
    if (!run.good) { /* how many rows came before it depends on the steps */
        buffer_clear(&run.out);
        error_print(&error, &run.out);
    }
    batch_release(batch);
    if (decoder != NULL)
        test->format->decoder_close(decoder);
    return run;
}

/* The text must decode to `wanted` (or fail with it), however it is cut. */
static inline void format_check(const FormatTest *test, const char *input, const char *wanted)
{
    Random random = {1};
    size_t steps[] = {SIZE_MAX, 1, 0, 0};
    for (size_t i = 0; i < array_count(steps); i++) {
        FormatTest lent = *test;
        lent.input_stays = i % 2 == 1;
        FormatRun run = format_decode(&lent, str_of(input), steps[i], &random);
        const char *got = buffer_text(&run.out);
        /* Of an error only the beginning is compared: hints may follow. */
        size_t length = run.good ? strlen(got) : strlen(wanted);
        if (strlen(got) < strlen(wanted) || strncmp(got, wanted, length) != 0 ||
            (run.good && strlen(wanted) != length))
            ck_abort_msg("step %zu of \"%s\"\ngot:    %s\nwanted: %s", steps[i], input, got,
                         wanted);
        buffer_deinit(&run.out);
    }
}

static inline bool format_encode(const FormatTest *test, const Batch *batch, Buffer *out,
                                 Error *error)
{
    const Options options = {test->option_count, test->options};
    const FormatContext context = {.schema = test->schema, .options = &options, .name = "file"};
    if (!options_check(&options, "format", test->format->options, NULL, error) ||
        (test->format->check != NULL && !test->format->check(&context, true, error)))
        return false;
    Encoder *encoder = test->format->encoder_open(&context, error);
    ck_assert_ptr_nonnull(encoder);
    bool good =
        (test->format->encode_start == NULL || test->format->encode_start(encoder, out, error)) &&
        test->format->encode(encoder, batch, 0, batch->row_count, out, error);
    test->format->encoder_close(encoder);
    return good;
}

/* What the encoder writes of a batch, the decoder reads as the same rows. */
static inline void format_round_trip(const FormatTest *test, const Batch *batch, Random *random)
{
    Buffer text = {0}, wanted = {0};
    Error error = {0};
    bool good = format_encode(test, batch, &text, &error);
    ck_assert_msg(good, "%s", error.message);
    changelog_print(batch, NULL, &wanted);
    for (int i = 0; i < 2; i++) {
        FormatTest lent = *test;
        lent.input_stays = i == 0;
        FormatRun run =
            format_decode(&lent, (Str){text.data, text.length}, i == 0 ? SIZE_MAX : 0, random);
        const char *got = buffer_text(&run.out);
        if (strcmp(got, buffer_text(&wanted)) != 0) {
            size_t at = 0;
            while (got[at] == wanted.data[at])
                at++;
            size_t from = at < 200 ? 0 : at - 200;
            ck_abort_msg("differs at %zu:\ngot:    %.400s\nwanted: %.400s", at, got + from,
                         wanted.data + from);
        }
        buffer_deinit(&run.out);
    }
    buffer_deinit(&text);
    buffer_deinit(&wanted);
}

/* Whole, in pieces and whole again, from input that stays and that does not, the same comes out as
 * from `slow`. */
static inline void format_check_ways(FormatTest *test, Str input, FormatRun *slow, Random *random)
{
    for (int way = 0; way < 3; way++) {
        test->input_stays = way != 0;
        FormatRun fast = format_decode(test, input, way == 1 ? 1000 : SIZE_MAX, random);
        ck_assert_str_eq(buffer_text(&fast.out), buffer_text(&slow->out));
        if (slow->good) {
            ck_assert_uint_eq(fast.lines, slow->lines);
            ck_assert_uint_eq(fast.skipped, slow->skipped);
        }
        buffer_deinit(&fast.out);
    }
}

#endif
