/* A stream of bytes cut into JSON objects.
 *
 * A record is usually a line, and then nothing is looked at twice. Where a line is not one object
 * (several on a line, one over several lines), the object's end is found by its brackets first. */
#include "formats/json_internal.h"

#include "core/str.h"
#include "formats/json_shape.h"

/* So much input is looked at first: a batch rarely takes more, and it is copied to have room behind
 * it. */
#define WINDOW_BYTES ((size_t)256 << 10)
/* So many short runs show that records do not look alike: a window goes by before the next try. */
#define RUN_WORTH    8
#define MISSES_MAX   16
#define MISSES_AGAIN 4

void json_stream_init(JsonStream *stream, const FormatContext *context, bool ignore_parse_errors)
{
    *stream = (JsonStream){.reader = json_reader_new(),
                           .context = context,
                           .ignore_parse_errors = ignore_parse_errors};
    if (stream->reader == NULL)
        memory_exhausted(sizeof(*stream));
}

void json_stream_deinit(JsonStream *stream)
{
    json_shape_free(stream->shape);
    json_reader_free(stream->reader);
    buffer_deinit(&stream->window);
}

typedef enum Extent { EXTENT_FOUND, EXTENT_OPEN, EXTENT_BROKEN } Extent;

/* Where a string that starts at `at` ends; a line break inside of one is malformed. */
static Extent string_end(Str text, size_t *at)
{
    for (++*at; *at < text.length; ++*at) {
        char c = text.data[*at];
        if (c == '\\')
            ++*at;
        else if (c == '"')
            return EXTENT_FOUND;
        else if (c == '\n')
            return EXTENT_BROKEN;
    }
    return EXTENT_OPEN;
}

/* Where the object that starts at `start` ends, by brackets and quotes alone. An opening bracket
 * that follows a finished value directly cannot be right: there the record before it was cut short.
 */
static Extent object_end(Str text, size_t start, size_t *end)
{
    size_t depth = 0;
    char before = ',';
    for (size_t at = start; at < text.length; at++) {
        char c = text.data[at];
        if (json_is_space(c))
            continue;
        if (c == '"') {
            Extent extent = string_end(text, &at);
            if (extent != EXTENT_FOUND)
                return extent;
        } else if (c == '{' || c == '[') {
            if (strchr(":,[{", before) == NULL)
                return EXTENT_BROKEN;
            depth++;
        } else if ((c == '}' || c == ']') && --depth == 0) {
            *end = at + 1;
            return EXTENT_FOUND;
        }
        before = c;
    }
    return EXTENT_OPEN;
}

/* The part of one call's input that lies in the window. */
typedef struct Chunk {
    Str text;
    bool at_end; /* nothing follows it */
    bool by_brackets;
    size_t at;
} Chunk;

typedef struct StreamCall {
    JsonStream *stream;
    Decoder *decoder;
    JsonRecordFunction record;
    uint64_t line; /* of the input's first */
    Batch *batch;
    DecodeResult *result;
    Error *error;
} StreamCall;

static void pass_to(StreamCall *call, Chunk *chunk, size_t to)
{
    call->result->lines +=
        format_text_count_lines((Str){chunk->text.data + chunk->at, to - chunk->at});
    chunk->at = to;
}

static size_t line_end(const Chunk *chunk)
{
    const char *start = chunk->text.data + chunk->at;
    const char *found = memchr(start, '\n', chunk->text.length - chunk->at);
    return found == NULL ? chunk->text.length : (size_t)(found - chunk->text.data);
}

/* A record that is not good, whose text ends at `end`: the error with its place, or skipped. */
static bool refuse(StreamCall *call, Chunk *chunk, size_t end, Error *problem)
{
    if (!call->stream->ignore_parse_errors) {
        if (call->error != NULL)
            *call->error = *problem;
        return error_place(call->error, "%s:%llu", call->stream->context->name,
                           (unsigned long long)(call->line + call->result->lines));
    }
    call->result->skipped++;
    pass_to(call, chunk, end);
    return true;
}

/* Hands [chunk->at, end) to the format. JSON_DONE has passed over what it used. */
static JsonStatus try_record(StreamCall *call, Chunk *chunk, size_t end, Error *problem)
{
    Str text = {chunk->text.data + chunk->at, end - chunk->at};
    size_t used = 0;
    uint32_t rows = call->batch->row_count;
    error_clear(problem);
    JsonStatus status = call->record(call->decoder, text, call->batch, &used, problem);
    if (status != JSON_DONE)
        call->batch->row_count = rows;
    if (status == JSON_MALFORMED)
        error_set(problem, ERROR_DATA, "malformed JSON: %s",
                  json_reader_problem(call->stream->reader));
    if (status == JSON_DONE)
        pass_to(call, chunk, chunk->at + used);
    return status;
}

/* A record that is not the whole line. */
static bool decode_by_brackets(StreamCall *call, Chunk *chunk, bool *done)
{
    Error problem;
    size_t end = 0;
    size_t line = line_end(chunk);
    switch (object_end(chunk->text, chunk->at, &end)) {
    case EXTENT_FOUND:
        if (try_record(call, chunk, end, &problem) == JSON_DONE)
            return true;
        return refuse(call, chunk, end, &problem);
    case EXTENT_OPEN:
        if (!chunk->at_end) {
            *done = true;
            return true;
        }
        error_set(&problem, ERROR_DATA, "malformed JSON: the object is not closed");
        return refuse(call, chunk, line, &problem);
    default:
        if (line == chunk->text.length && !chunk->at_end) {
            *done = true;
            return true;
        }
        error_set(&problem, ERROR_DATA, "malformed JSON: brackets or quotes do not match");
        return refuse(call, chunk, line, &problem);
    }
}

/* Decodes the record at chunk->at; `*done` when there is no whole one. */
static bool decode_record(StreamCall *call, Chunk *chunk, bool *done)
{
    size_t end = line_end(chunk);
    bool whole_line = end < chunk->text.length || chunk->at_end;
    const char *start = chunk->text.data + chunk->at;
    Str line = str_trim((Str){start, end - chunk->at});
    Error problem;
    if (*start != '{') {
        *done = !whole_line;
        if (*done)
            return true;
        if (str_equal(line, STR("null"))) { /* a tombstone */
            pass_to(call, chunk, end);
            return true;
        }
        error_set(&problem, ERROR_DATA, "malformed JSON: record does not start with \"{\"");
        return refuse(call, chunk, end, &problem);
    }
    bool likely = whole_line && !chunk->by_brackets && line.data[line.length - 1] == '}';
    if (!likely)
        return decode_by_brackets(call, chunk, done);
    size_t record_end = chunk->at + line.length;
    JsonStatus status = try_record(call, chunk, record_end, &problem);
    if (status == JSON_DONE) {
        /* More objects on this line: do not read its rest again for each of them. */
        chunk->by_brackets = chunk->at < record_end;
        return true;
    }
    size_t object = 0;
    if (object_end(chunk->text, chunk->at, &object) == EXTENT_FOUND && object == record_end)
        return refuse(call, chunk, record_end, &problem);
    return decode_by_brackets(call, chunk, done);
}

static bool decode_chunk(StreamCall *call, Chunk *chunk, uint32_t reserve)
{
    bool done = false;
    while (!done && call->batch->row_count + reserve <= BATCH_ROWS_MAX) {
        size_t at = chunk->at;
        while (at < chunk->text.length && json_is_space(chunk->text.data[at]))
            at++;
        pass_to(call, chunk, at);
        if (at == chunk->text.length)
            return true;
        if (!decode_record(call, chunk, &done))
            return false;
    }
    return true;
}

static Str fill_window(JsonStream *stream, Str text)
{
    buffer_clear(&stream->window);
    char *data = buffer_reserve(&stream->window, text.length + JSON_PADDING);
    memcpy(data, text.data, text.length);
    memset(data + text.length, 0, JSON_PADDING);
    return (Str){data, text.length};
}

/* Takes the records that look like the last one; true when there were any. Leaves in `*size` how
 * much to read on its own next: the record that differs, or all where few are alike. */
static bool decode_alike(JsonStream *stream, Str rest, Batch *batch, DecodeResult *result,
                         size_t *size)
{
    *size = WINDOW_BYTES;
    if (stream->shape == NULL)
        return false;
    if (stream->misses >= MISSES_MAX) {
        stream->misses -= MISSES_AGAIN;
        return false;
    }
    uint64_t lines;
    uint32_t before = batch->row_count;
    size_t consumed = result->consumed;
    size_t used = json_shape_decode(stream->shape, rest, batch, &lines);
    result->consumed += used;
    result->lines += lines;
    bool worth = batch->row_count - before >= RUN_WORTH;
    stream->misses = worth ? 0 : stream->misses + 1;
    stream->learns = !worth;
    while (used < rest.length && json_is_space(rest.data[used]))
        used++;
    const char *line = memchr(rest.data + used, '\n', rest.length - used);
    if (line != NULL)
        *size = (size_t)(line + 1 - rest.data) - (result->consumed - consumed);
    return batch->row_count != before;
}

bool json_stream_decode(JsonStream *stream, Decoder *decoder, JsonRecordFunction record,
                        uint32_t reserve, Str input, bool at_end, uint64_t line, Batch *batch,
                        DecodeResult *result, Error *error)
{
    *result = (DecodeResult){0};
    StreamCall call = {stream, decoder, record, line, batch, result, error};
    if (!stream->started && line == 1 && str_starts_with(input, STR("\xEF\xBB\xBF")))
        result->consumed = 3;
    /* Fewer bytes may be the beginning of the mark; no record is as short. */
    stream->started = stream->started || input.length >= 3;
    size_t size = 0;
    while (result->consumed < input.length && batch->row_count + reserve <= BATCH_ROWS_MAX) {
        Str left = {input.data + result->consumed, input.length - result->consumed};
        if (size == 0 && decode_alike(stream, left, batch, result, &size))
            continue;
        bool rest = left.length <= size;
        Str text = fill_window(stream, (Str){left.data, rest ? left.length : size});
        Chunk chunk = {.text = text, .at_end = rest && at_end};
        if (!decode_chunk(&call, &chunk, reserve))
            return false;
        result->consumed += chunk.at;
        if (chunk.at != 0) {
            size = 0;
            continue;
        }
        if (text.length > FORMAT_RECORD_BYTES_MAX) {
            error_set(error, ERROR_LIMIT, "JSON record is longer than %zu bytes",
                      FORMAT_RECORD_BYTES_MAX);
            error_hint(error, "Look for a brace or quote that is not closed.");
            return error_place(error, "%s:%llu", stream->context->name,
                               (unsigned long long)(line + result->lines));
        }
        if (rest)
            return true;
        size *= 2;
    }
    return true;
}
