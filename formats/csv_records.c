/* Where records of a csv file begin, found without cutting them into fields.
 *
 * Whether a line break ends a record depends on every quote before it. So the search passes over
 * all bytes from a record's beginning on, and knows of each what csv.c would take it for: quotes
 * around a field, doubled ones, those that stand within a field for themselves, the rest of a line
 * behind a closing quote that nothing may follow.
 *
 * Cost: a look for quotes where there are none; a scan of 64 bytes and some 30 instructions where
 * they stand around fields; byte by byte where they do anything else. */
#include "formats/csv_decoder.h"

#include "core/str.h"

#define BLOCKS_AT_ONCE 64

/* What the bytes up to here were. */
typedef enum RecordState {
    AT_FIELD, /* a separator, or nothing */
    IN_PLAIN,
    IN_QUOTES,
    BEHIND_QUOTE,  /* one that closes, unless another follows */
    BEHIND_RETURN, /* a carriage return behind that */
    IN_RUBBISH     /* what is left out up to the end of the line */
} RecordState;

static bool ends_field(const CsvSettings *settings, char c)
{
    return c == settings->delimiter || c == '\n';
}

static RecordState pass_byte(const CsvSettings *settings, RecordState state, char c)
{
    bool ends = ends_field(settings, c);
    switch (state) {
    case AT_FIELD:
        return c == settings->quote ? IN_QUOTES : ends ? AT_FIELD : IN_PLAIN;
    case IN_PLAIN:
        return ends ? AT_FIELD : IN_PLAIN;
    case IN_QUOTES:
        return c == settings->quote ? BEHIND_QUOTE : IN_QUOTES;
    case BEHIND_QUOTE:
        if (c == settings->quote)
            return IN_QUOTES;
        return ends ? AT_FIELD : c == '\r' ? BEHIND_RETURN : IN_RUBBISH;
    default:
        return c == '\n' ? AT_FIELD : IN_RUBBISH;
    }
}

/* Byte by byte: the first place that is at `from` or behind it. */
static size_t pass_bytes(const CsvSettings *settings, Str input, size_t at, size_t end, size_t from,
                         RecordState *state)
{
    for (; at < end; at++) {
        *state = pass_byte(settings, *state, input.data[at]);
        if (*state == AT_FIELD && input.data[at] == '\n' && at + 1 >= from)
            return at + 1;
    }
    return RECORD_NOT_FOUND;
}

/* Closing quotes at the end of lines with a carriage return, the block's last bytes not among them.
 */
static bool are_line_ends(const char *block, uint64_t behind)
{
    for (; behind != 0; behind &= behind - 1) {
        unsigned at = (unsigned)__builtin_ctzll(behind);
        if (at + 1 == CSV_BLOCK_BYTES || block[at] != '\r' || block[at + 1] != '\n')
            return false;
    }
    return true;
}

/* Passes over a block whose quotes stand around fields, or has none; false when they do not. Leaves
 * the line breaks that end records. */
static bool pass_block(const char *data, const CsvBlock *block, RecordState *state,
                       uint64_t *newlines)
{
    if (*state > BEHIND_QUOTE)
        return false;
    if (block->quotes == 0 && *state == IN_QUOTES) {
        *newlines = 0;
        return true;
    }
    *newlines = block->newlines;
    if (block->quotes == 0 && *state != BEHIND_QUOTE) {
        *state = block->separators >> 63 != 0 ? AT_FIELD : IN_PLAIN;
        return true;
    }
    uint64_t before = *state == IN_QUOTES ? ~UINT64_C(0) : 0;
    uint64_t inside = csv_prefix_parity(block->quotes) ^ before; /* with the opening quote */
    uint64_t opens = block->quotes & inside, closes = block->quotes & ~inside;
    uint64_t separators = block->separators & ~inside;
    uint64_t behind_separator = separators << 1 | (*state == AT_FIELD);
    uint64_t behind_close = closes << 1 | (*state == BEHIND_QUOTE);
    if ((opens & ~(behind_separator | behind_close)) != 0 ||
        !are_line_ends(data, behind_close & ~(separators | opens)))
        return false;
    *newlines &= ~inside;
    *state = inside >> 63 != 0       ? IN_QUOTES
             : separators >> 63 != 0 ? AT_FIELD
             : closes >> 63 != 0     ? BEHIND_QUOTE
                                     : IN_PLAIN;
    return true;
}

/* Whole blocks from `at` on. */
static size_t pass_blocks(const Decoder *decoder, Str input, size_t at, size_t count, size_t from,
                          RecordState *state)
{
    CsvBlock blocks[BLOCKS_AT_ONCE];
    decoder->scan(input.data + at, count, &decoder->marks, blocks);
    for (size_t b = 0; b < count; b++, at += CSV_BLOCK_BYTES) {
        RecordState before = *state;
        uint64_t newlines;
        if (!pass_block(input.data + at, &blocks[b], state, &newlines)) {
            *state = before;
            size_t found =
                pass_bytes(&decoder->settings, input, at, at + CSV_BLOCK_BYTES, from, state);
            if (found != RECORD_NOT_FOUND)
                return found;
            continue;
        }
        if (newlines == 0 || at + CSV_BLOCK_BYTES < from)
            continue;
        if (from > at + 1)
            newlines &= ~UINT64_C(0) << (from - at - 1);
        if (newlines != 0)
            return at + (size_t)__builtin_ctzll(newlines) + 1;
    }
    return RECORD_NOT_FOUND;
}

/* How many bytes lie before `to`, have no quotes, and need not be looked at for anything else. */
static size_t plain_length(const CsvSettings *settings, Str input, size_t at, size_t to,
                           RecordState state)
{
    to = to < input.length ? to : input.length;
    if (to <= at || (state != AT_FIELD && state != IN_PLAIN))
        return 0;
    const char *quote = memchr(input.data + at, settings->quote, to - at);
    return quote == NULL ? to - at : (size_t)(quote - input.data) - at;
}

size_t csv_find_record(const Decoder *decoder, Str input, size_t from, RecordScan *scan)
{
    const CsvSettings *settings = &decoder->settings;
    if (settings->quote == '\0')
        return format_text_behind(input, from, '\n');
    size_t at = !scan->begun && str_starts_with(input, STR("\xEF\xBB\xBF")) ? 3 : 0;
    RecordState state = (RecordState)scan->state;
    size_t found = RECORD_NOT_FOUND;
    while (at < input.length && found == RECORD_NOT_FOUND) {
        size_t plain = from == 0 ? 0 : plain_length(settings, input, at, from - 1, state);
        at += plain;
        if (plain != 0)
            state = ends_field(settings, input.data[at - 1]) ? AT_FIELD : IN_PLAIN;
        size_t count = (input.length - at) / CSV_BLOCK_BYTES;
        count = count < BLOCKS_AT_ONCE ? count : BLOCKS_AT_ONCE;
        size_t length = count == 0 ? input.length - at : count * CSV_BLOCK_BYTES;
        found = count == 0 ? pass_bytes(settings, input, at, input.length, from, &state)
                           : pass_blocks(decoder, input, at, count, from, &state);
        at += length;
    }
    scan->begun = true;
    scan->state = (uint8_t)state;
    return found;
}
