/* Reading files: the paths are found once, when a job starts fresh; each is a split, whose position
 * is where its next record begins and which parts are left.
 *
 * Instances share the files by a hash of their paths, and take parts of larger ones in turns. One
 * file is read after the other; but where rows have an event time, the file that is furthest behind
 * comes next, so that files which are in order give rows that are. The format takes whole records
 * from a window over the file, which grows when a record does not fit. A part ends where the next
 * one's first record begins: what the window holds of that is cut off.
 *
 * Windows lie in batches of no columns, which batches hold whose text points into them: text is not
 * copied on its way from the file into the first operator that keeps it.
 *
 * Cost: one read per window; what is left of it moves to its front, or to another window's while a
 * batch still holds the first. Files read beside each other stay open, up to a bound; the one
 * furthest ahead is closed for another and opened again later. */
#include "connectors/filesystem/records.h"
#include "connectors/filesystem/splits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/hash.h"

/* Of a window: small enough to stay in the cache between reading it and the rows' first operator.
 */
#define WINDOW_BYTES ((size_t)256 << 10)
/* Of files that are read beside many others. */
#define WINDOW_BYTES_SMALL ((size_t)1 << 16)
#define READERS_MAX        64
/* The largest record. */
#define WINDOW_BYTES_MAX ((size_t)256 << 20)
/* A batch with so many rows goes out when the window they lie in is done. */
#define ROWS_WORTH (BATCH_ROWS_MAX / 4)

/* So much is read behind a part, for its last record. */
#define TAIL_BYTES 4096
/* So many bytes before the next record tell whether a file is the one that was read. */
#define TRACE_BYTES 64
/* In place of a line that is not known; the first of a file is that of its head. */
#define LINE_UNKNOWN 2

/* An open file. */
typedef struct FileReader {
    int descriptor; /* -1: none */
    struct stat status;
    FormatContext format;
    Decoder *decoder;
    RecordFinder finder;
    bool head_seen;
    bool at_end;  /* the window ends where the file does */
    Batch *owner; /* in whose arena the window lies */
    bool lent;    /* the batch that is being filled holds it */
    char *window;
    size_t window_capacity;
    size_t window_start;
    size_t window_end;
} FileReader;

struct Source {
    SourceContext context;
    const ScanInfo *scan;
    const Format *format;
    Arena *arena;
    const Schema *stored;         /* all columns that lie in the files */
    const Schema *decoded;        /* those of the scan, one at least */
    const uint32_t *file_columns; /* and where they are among the stored */
    bool lends;                   /* rows may point into windows */
    const Schema *nothing;        /* of windows' owners */
    FileSplits splits;
    uint32_t files_left;
    uint32_t current; /* the file that rows came from last */
    uint32_t reader_count;
    SplitTimes *times; /* NULL: files are read one after the other */
    /* Statistics. */
    uint64_t rows;
    uint64_t skipped;
    uint64_t bytes;
};

/* --------------------------------------------------------------------- open */

/* What of the scan the files hold; a decoder needs a column to count rows by. */
static void choose_columns(Source *source)
{
    const ScanInfo *scan = source->scan;
    const TableInfo *table = scan->table;
    Column *columns = arena_new_array(source->arena, Column, scan->column_count + 1);
    uint32_t *file_columns = arena_new_array(source->arena, uint32_t, scan->column_count + 1);
    uint32_t count = 0;
    source->stored = partition_stored(table, source->arena);
    for (uint32_t i = 0; i < scan->column_count; i++) {
        if (partition_has(table, scan->columns[i]))
            continue;
        uint32_t at = scan->columns[i];
        for (uint32_t before = 0; before < scan->columns[i]; before++)
            at -= partition_has(table, before) ? 1 : 0;
        columns[count] = scan->schema->columns[i];
        file_columns[count++] = at;
    }
    if (count == 0)
        columns[count++] = source->stored->columns[0]; /* file_columns[0] is 0 */
    source->decoded = schema_new(source->arena, columns, count);
    source->nothing = schema_new(source->arena, NULL, 0);
    for (uint32_t i = 0; i < count && source->format->borrows; i++)
        source->lends = source->lends || columns[i].type->physical == PHYSICAL_STRING ||
                        type_is_nested(columns[i].type);
    source->file_columns = file_columns;
}

/* 0: nothing is before it, or it cannot be read again. */
static uint64_t find_trace(const FileSplit *file)
{
    char bytes[TRACE_BYTES];
    size_t size = (size_t)u64_min(file->offset, TRACE_BYTES);
    if (file->done || !file->begun || size == 0 || !S_ISREG(file->reader->status.st_mode))
        return 0;
    ssize_t got = pread(file->reader->descriptor, bytes, size, (off_t)(file->offset - size));
    return got == (ssize_t)size ? hash_bytes(bytes, size) : 0;
}

static void close_file(Source *source, FileSplit *file)
{
    FileReader *reader = file->reader;
    if (reader == NULL)
        return;
    file->trace = find_trace(file);
    if (reader->decoder != NULL)
        source->format->decoder_close(reader->decoder);
    record_finder_deinit(&reader->finder);
    if (reader->descriptor >= 0)
        close(reader->descriptor);
    batch_release(reader->owner);
    memory_free(reader);
    file->reader = NULL;
    source->reader_count--;
}

static void source_close(Source *source)
{
    for (uint32_t i = 0; i < source->splits.count; i++)
        close_file(source, &source->splits.files[i]);
    share_leave(source->splits.share, source->context.shared);
    arena_free(source->arena);
    memory_free(source);
}

/* Files whose event time is looked at. */
static void tell_splits(Source *source)
{
    SplitTimes *times = source->context.times;
    if (times == NULL)
        return;
    times->splits = arena_new_array(source->arena, SplitTime, (size_t)source->splits.count + 1);
    times->count = source->splits.count;
    for (uint32_t i = 0; i < source->splits.count; i++)
        times->splits[i] =
            (SplitTime){source->splits.files[i].path, INT64_MIN, source->splits.files[i].done};
    source->times = times;
}

static Source *source_open(const SourceContext *context, Error *error)
{
    Source *source = memory_zalloc(sizeof(*source));
    source->context = *context;
    source->scan = &context->scans[0];
    source->format = source->scan->table->format;
    source->arena = arena_new(4096);
    choose_columns(source);
    source->splits.arena = source->arena;
    source->splits.share = share_join(context->shared);
    bool opened = context->is_restored ? splits_restore(&source->splits, context, error)
                                       : splits_find(&source->splits, context, error);
    if (!opened) {
        source_close(source);
        return NULL;
    }
    for (uint32_t i = 0; i < source->splits.count; i++)
        source->files_left += !source->splits.files[i].done;
    tell_splits(source);
    return source;
}

/* ------------------------------------------------------------------- window */

static bool cannot_read(const FileSplit *file, Error *error)
{
    return error_set(error, ERROR_IO, "could not read \"%s\": %s", file->path, strerror(errno));
}

/* Another window, which begins with what is left of the last. */
static void change_window(const Source *source, FileReader *reader, size_t capacity)
{
    size_t left = reader->window_end - reader->window_start;
    Batch *owner = batch_new_bare(source->nothing);
    char *window = arena_alloc(owner->arena, capacity);
    if (left != 0)
        memcpy(window, reader->window + reader->window_start, left);
    batch_release(reader->owner);
    reader->owner = owner;
    reader->lent = false;
    reader->window = window;
    reader->window_capacity = capacity;
    reader->window_start = 0;
    reader->window_end = left;
}

/* The line of the next record. */
static bool find_line(FileSplit *file, Error *error)
{
    uint64_t before;
    if (file->line != 0)
        return true;
    if (!record_finder_count_lines(&file->reader->finder, file->offset, &before, error))
        return false;
    file->line = before + 1;
    return true;
}

static bool fail_at_record(FileSplit *file, Error *error)
{
    Error ignored;
    return find_line(file, &ignored)
               ? error_place(error, "%s:%llu", file->path, (unsigned long long)file->line)
               : error_place(error, "%s", file->path);
}

/* Makes room behind what is left in the window. */
static bool make_room(const Source *source, FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    size_t left = reader->window_end - reader->window_start;
    if (left == reader->window_capacity) {
        if (left >= WINDOW_BYTES_MAX) {
            error_set(error, ERROR_LIMIT, "a record is larger than %zu MiB",
                      WINDOW_BYTES_MAX >> 20);
            return fail_at_record(file, error);
        }
        bool beside = source->times != NULL && source->splits.count > 8;
        change_window(source, reader,
                      left != 0 ? left * 2
                      : beside  ? WINDOW_BYTES_SMALL
                                : WINDOW_BYTES);
        return true;
    }
    if (batch_is_shared(reader->owner)) {
        change_window(source, reader, reader->window_capacity);
        return true;
    }
    if (reader->window_start != 0 && left != 0)
        memmove(reader->window, reader->window + reader->window_start, left);
    reader->window_start = 0;
    reader->window_end = left;
    return true;
}

/* Reads more behind what is left in the window. */
static bool fill_window(const Source *source, FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    if (!make_room(source, file, error))
        return false;
    size_t left = reader->window_end, room = reader->window_capacity - left;
    uint64_t limit = file->begun ? split_run_limit(file) : UINT64_MAX, at = file->offset + left;
    if (limit != UINT64_MAX && at < limit + TAIL_BYTES && limit + TAIL_BYTES - at < room)
        room = (size_t)(limit + TAIL_BYTES - at);
    ssize_t got;
    do
        got = read(reader->descriptor, reader->window + left, room);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cannot_read(file, error);
    reader->window_end += (size_t)got;
    reader->at_end = got == 0;
    return true;
}

/* Lets the decoder see the head of a file that it goes on in the middle of. */
static bool read_head(const Source *source, FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    bool seen = reader->head_seen || source->format->decode_head == NULL;
    reader->head_seen = true;
    if (seen)
        return true;
    for (;;) {
        if (!fill_window(source, file, error))
            return false;
        bool whole = false;
        Str input = {reader->window, reader->window_end};
        if (!source->format->decode_head(reader->decoder, input, reader->at_end, &whole, error))
            return false;
        if (whole || reader->at_end)
            return true;
    }
}

/* The window is empty then. */
static bool seek(const FileSplit *file, uint64_t offset, Error *error)
{
    FileReader *reader = file->reader;
    reader->window_start = reader->window_end = 0;
    reader->at_end = false;
    if (!S_ISREG(reader->status.st_mode) && offset == 0)
        return true;
    return lseek(reader->descriptor, (off_t)offset, SEEK_SET) >= 0 || cannot_read(file, error);
}

/* -------------------------------------------------------------------- parts */

/* Goes to the first record of the next part that has one; `done` when none has. */
static bool begin_part(const Source *source, FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    while (file->part != 0 && !file->done) {
        uint64_t found;
        if (!record_finder_find(&reader->finder, file->part * file->part_bytes, &found, error))
            return false;
        file->offset = found;
        if (found < split_limit(file))
            break;
        split_end_part(file);
    }
    if (file->done)
        return true;
    file->begun = true;
    file->offset = file->part == 0 ? 0 : file->offset;
    file->line = file->part == 0 ? 1 : 0;
    if (file->part == 0)
        reader->head_seen = true; /* by decoding it */
    else if (!reader->head_seen && (!seek(file, 0, error) || !read_head(source, file, error)))
        return false;
    return seek(file, file->offset, error);
}

/* Where the part at hand stops; needs a search around its limit. */
static bool find_stop(FileSplit *file, Error *error)
{
    RecordFinder *finder = &file->reader->finder;
    uint64_t limit = split_limit(file);
    record_finder_know(finder, file->offset < limit ? file->offset : limit, file->offset);
    file->stops = true;
    return record_finder_find(finder, limit, &file->stop, error);
}

/* The next record may be of a later part. */
static bool pass_parts(FileSplit *file, Error *error)
{
    while (file->begun && file->offset >= split_limit(file)) {
        if (!file->stops && !find_stop(file, error))
            return false;
        if (file->stop > file->offset)
            return true;
        split_end_part(file);
    }
    return true;
}

/* Whether it may be the file whose beginning was read. */
static bool check_file(const FileSplit *file, Error *error)
{
    const struct stat *status = &file->reader->status;
    bool is_short = S_ISREG(status->st_mode) && (uint64_t)status->st_size < file->offset;
    if (!is_short && (file->trace == 0 || find_trace(file) == file->trace))
        return true;
    error_set(error, ERROR_POSITION,
              is_short ? "file \"%s\" is shorter than what was read of it"
                       : "file \"%s\" is not the one that was read in part",
              file->path);
    return error_hint(error, "Put the file back as it was, or start over with --fresh.");
}

static bool go_to_position(const Source *source, FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    if (file->offset == 0 || !file->begun)
        return true;
    if (!check_file(file, error))
        return false;
    record_finder_know(&reader->finder, file->offset, file->offset);
    return read_head(source, file, error) && pass_parts(file, error) &&
           seek(file, file->offset, error);
}

static bool open_file(Source *source, FileSplit *file, Error *error)
{
    FileReader *reader = file->reader = memory_zalloc(sizeof(*reader));
    source->reader_count++;
    reader->descriptor = open(file->path, O_RDONLY | O_CLOEXEC);
    if (reader->descriptor < 0 || fstat(reader->descriptor, &reader->status) != 0)
        return cannot_read(file, error);
    reader->format = (FormatContext){.schema = source->decoded,
                                     .options = source->scan->table->options,
                                     .zone = source->context.zone,
                                     .name = file->path,
                                     .file_schema = source->stored,
                                     .file_columns = source->file_columns,
                                     .input_stays = source->lends};
    reader->decoder = source->format->decoder_open(&reader->format, error);
    if (reader->decoder == NULL)
        return false;
    reader->finder = (RecordFinder){.format = source->format,
                                    .decoder = reader->decoder,
                                    .descriptor = reader->descriptor,
                                    .path = file->path,
                                    .marks = file->marks};
    if (file->part_bytes != 0)
        reader->finder.search = source->format->record_search(&reader->format);
    return go_to_position(source, file, error);
}

/* Where the window is cut off: where the parts at hand stop, or as far as is known to be theirs. */
static uint64_t find_bound(FileSplit *file, bool *stops)
{
    uint64_t limit = split_run_limit(file);
    *stops = file->stops && file->stop >= limit;
    return *stops ? file->stop : limit;
}

/* ------------------------------------------------------------------ batches */

/* Keeps the window for as long as the batch. */
static void lend_window(const Source *source, FileReader *reader, Batch *batch)
{
    if (!source->lends || reader->lent)
        return;
    batch_hold(batch, batch_retain(reader->owner));
    reader->lent = true;
}

/* One call of the decoder, and where an error is. */
static bool decode_window(const Source *source, FileSplit *file, Str input, bool at_end,
                          Batch *batch, DecodeResult *result, Error *error)
{
    const Format *format = source->format;
    Decoder *decoder = file->reader->decoder;
    uint64_t line = file->line == 0 ? LINE_UNKNOWN : file->line;
    if (format->decode(decoder, input, at_end, line, batch, result, error))
        return true;
    if (file->line != 0 || !find_line(file, error))
        return false;
    /* Once more, since the format alone knows how far into its input it came. */
    Batch *again = batch_new(source->decoded, BATCH_ROWS_MAX);
    Error placed;
    if (!format->decode(decoder, input, at_end, file->line, again, result, &placed))
        *error = placed;
    batch_release(again);
    return false;
}

/* Nothing was found to decode up to the bound, or the end of the window: `*enough` when the batch
 * had better go out first, so that its window is free again. */
static bool read_on(Source *source, FileSplit *file, bool is_cut, const Batch *batch, bool *enough,
                    Error *error)
{
    FileReader *reader = file->reader;
    if (is_cut && !file->stops)
        return find_stop(file, error);
    *enough = source->lends && batch->row_count >= ROWS_WORTH;
    if (!reader->at_end && !is_cut)
        return *enough || fill_window(source, file, error);
    if (reader->window_start == reader->window_end) {
        file->done = true;
        return true;
    }
    error_set(error, ERROR_DATA, "the file ends within a record");
    return fail_at_record(file, error);
}

/* One call of the decoder; reads more when it found nothing to do. */
static bool decode_some(Source *source, FileSplit *file, Batch *batch, bool *enough, Error *error)
{
    FileReader *reader = file->reader;
    *enough = false;
    if (!file->begun)
        return begin_part(source, file, error);
    Str input = {reader->window + reader->window_start, reader->window_end - reader->window_start};
    if (input.data == NULL || (input.length == 0 && !reader->at_end))
        return fill_window(source, file, error);
    bool stops, at_end = reader->at_end;
    uint64_t bound = find_bound(file, &stops);
    bool is_cut = input.length >= bound - file->offset;
    if (is_cut) {
        input.length = (size_t)(bound - file->offset);
        at_end = stops;
    }
    DecodeResult result = {0};
    uint32_t before = batch->row_count;
    if (!decode_window(source, file, input, at_end, batch, &result, error))
        return false;
    reader->window_start += result.consumed;
    source->bytes += result.consumed;
    source->skipped += result.skipped;
    file->offset += result.consumed;
    file->line += file->line == 0 ? 0 : result.lines;
    if (file->marks != NULL)
        marks_set(file->marks, file->offset);
    if (batch->row_count != before)
        lend_window(source, reader, batch);
    if (result.consumed == 0 && batch->row_count == before)
        return read_on(source, file, is_cut, batch, enough, error);
    return pass_parts(file, error);
}

static void set_metadata(const Source *source, const FileSplit *file, uint32_t key, Vector *vector,
                         Arena *arena)
{
    vector_set_valid(vector, 0);
    const char *slash = strrchr(file->path, '/');
    const char *name = slash == NULL ? file->path : slash + 1;
    switch (key) {
    case FILESYSTEM_FILE_PATH:
        vector_set_str(vector, 0, (Str){file->path, strlen(file->path)}, arena);
        break;
    case FILESYSTEM_FILE_NAME:
        vector_set_str(vector, 0, (Str){name, strlen(name)}, arena);
        break;
    case FILESYSTEM_FILE_SIZE:
        *(int64_t *)vector->data = (int64_t)file->reader->status.st_size;
        break;
    default:
        *(int64_t *)vector->data = file->reader->status.st_mtim.tv_sec * MICROS_PER_SECOND +
                                   file->reader->status.st_mtim.tv_nsec / 1000000 * 1000;
        break;
    }
}

/* The decoded rows with what the folders say, and the file's columns behind theirs; takes the rows
 * over, also on failure. */
static Batch *with_constants(const Source *source, const FileSplit *file, Batch *decoded,
                             Error *error)
{
    const ScanInfo *scan = source->scan;
    if (scan->metadata_count == 0 && scan->table->partition_count == 0)
        return decoded;
    Batch *batch = batch_new_bare(scan->schema);
    batch->row_count = decoded->row_count;
    batch->kinds = decoded->kinds;
    uint32_t taken = 0;
    bool good = true;
    for (uint32_t i = 0; i < scan->schema->column_count && good; i++) {
        Vector *vector = &batch->columns[i];
        bool is_column = i < scan->column_count;
        if (is_column && !partition_has(scan->table, scan->columns[i])) {
            *vector = decoded->columns[taken++];
            continue;
        }
        vector_init_constant(vector, scan->schema->columns[i].type, batch->arena);
        if (is_column)
            good = partition_read(scan->table, file->path, scan->columns[i], vector, batch->arena,
                                  error);
        else
            set_metadata(source, file, scan->metadata[i - scan->column_count], vector,
                         batch->arena);
    }
    batch_hold(batch, decoded);
    if (good)
        return batch;
    batch_release(batch);
    return NULL;
}

/* The file to go on with; there is one. */
static uint32_t choose_file(const Source *source)
{
    uint32_t chosen = source->splits.count;
    for (uint32_t i = 0; i < source->splits.count; i++) {
        if (source->splits.files[i].done)
            continue;
        if (source->times == NULL)
            return i;
        const SplitTime *splits = source->times->splits;
        if (chosen == source->splits.count || splits[i].watermark_us < splits[chosen].watermark_us)
            chosen = i;
    }
    return chosen;
}

/* Closes the file that is furthest ahead, if one may be opened again. */
static void close_another(Source *source)
{
    FileSplit *chosen = NULL;
    int64_t most_us = INT64_MIN;
    for (uint32_t i = 0; i < source->splits.count; i++) {
        FileSplit *file = &source->splits.files[i];
        if (file->reader == NULL || !S_ISREG(file->reader->status.st_mode) ||
            source->times->splits[i].watermark_us < most_us)
            continue;
        chosen = file;
        most_us = source->times->splits[i].watermark_us;
    }
    if (chosen != NULL)
        close_file(source, chosen);
}

/* The file that is read next, opened; NULL with *end when there is none. */
static FileSplit *open_next(Source *source, bool *end, Error *error)
{
    *end = source->files_left == 0;
    if (*end)
        return NULL;
    source->current = choose_file(source);
    FileSplit *file = &source->splits.files[source->current];
    if (source->times != NULL)
        source->times->current = source->current;
    if (file->reader != NULL)
        return file;
    if (source->reader_count >= READERS_MAX && source->times != NULL)
        close_another(source);
    return open_file(source, file, error) ? file : NULL;
}

static void end_file(Source *source, FileSplit *file)
{
    close_file(source, file);
    source->files_left--;
    if (source->times != NULL)
        source->times->splits[file - source->splits.files].ended = true;
}

static SourceState source_next(Source *source, int64_t timeout_ms, Batch **out, uint32_t *scan,
                               Error *error)
{
    bool end;
    FileSplit *file;
    while ((file = open_next(source, &end, error)) != NULL) {
        Batch *batch = batch_new(source->decoded, BATCH_ROWS_MAX);
        bool good = true, enough = false;
        file->reader->lent = false;
        while (good && !enough && !file->done &&
               batch->row_count + FORMAT_ROWS_FREE <= BATCH_ROWS_MAX)
            good = decode_some(source, file, batch, &enough, error);
        if (!good) {
            batch_release(batch);
            return SOURCE_FAILED;
        }
        if (batch->row_count == 0) {
            batch_release(batch);
            end_file(source, file);
            continue;
        }
        source->rows += batch->row_count;
        *out = with_constants(source, file, batch, error);
        if (*out == NULL)
            return SOURCE_FAILED;
        *scan = 0;
        if (file->done)
            end_file(source, file);
        return SOURCE_BATCH;
    }
    return end ? SOURCE_END : SOURCE_FAILED;
}

static bool source_position(Source *source, void (*add)(void *to, Str split, Str position),
                            void *to, Error *error)
{
    Buffer name = {0}, position = {0};
    for (uint32_t i = 0; i < source->splits.count; i++) {
        FileSplit *file = &source->splits.files[i];
        buffer_clear(&name);
        buffer_clear(&position);
        split_print_name(&source->splits, i, &name);
        if (file->reader != NULL)
            file->trace = find_trace(file);
        split_print(file, &position);
        add(to, (Str){name.data, name.length}, (Str){position.data, position.length});
        buffer_clear(&name);
        buffer_clear(&position);
        if (split_print_pool(file, &name, &position))
            add(to, (Str){name.data, name.length}, (Str){position.data, position.length});
    }
    buffer_deinit(&name);
    buffer_deinit(&position);
    return true;
}

static void source_progress(Source *source, SourceProgress *out)
{
    *out = (SourceProgress){.rows = source->rows,
                            .rows_skipped = source->skipped,
                            .snapshot = source->files_left != 0,
                            .seconds_behind = -1};
    uint64_t bytes = splits_bytes(&source->splits, source->context.parallelism);
    if (source->bytes != 0 && bytes >= source->bytes)
        out->rows_expected =
            (uint64_t)((double)source->rows * (double)bytes / (double)source->bytes);
    if (source->files_left == 0)
        return;
    const FileSplit *file = &source->splits.files[source->current];
    bool by_line = file->line != 0;
    snprintf(out->position, sizeof(out->position), by_line ? "%s:%llu" : "%s at byte %llu",
             file->path, (unsigned long long)(by_line ? file->line : file->offset));
}

const SourceClass filesystem_source_class = {.open = source_open,
                                             .next = source_next,
                                             .position = source_position,
                                             .close = source_close,
                                             .progress = source_progress};
