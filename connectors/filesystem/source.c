/* Reading files: the paths are found once, when a job starts fresh; each is a split, whose position
 * is where its next record begins.
 *
 * Instances share the files by a hash of their paths. One file is read after the other; but where
 * rows have an event time, the file that is furthest behind comes next, so that files which are in
 * order give rows that are. The format takes whole records from a window over the file, which grows
 * when a record does not fit.
 *
 * Windows lie in batches of no columns, which batches hold whose text points into them: text is not
 * copied on its way from the file into the first operator that keeps it.
 *
 * Cost: one read per window; what is left of it moves to its front, or to another window's while a
 * batch still holds the first. Files read beside each other stay open, up to a bound; the one
 * furthest ahead is closed for another and opened again later. */
#include "connectors/filesystem/internal.h"

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

/* A file and how far it is. */
typedef struct FileSplit {
    const char *path;
    uint64_t offset; /* where the next record begins */
    uint64_t line;   /* its line, from 1 */
    bool done;
    struct FileReader *reader; /* NULL: not open */
} FileSplit;

/* An open file. */
typedef struct FileReader {
    int descriptor; /* -1: none */
    struct stat status;
    FormatContext format;
    Decoder *decoder;
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
    FileSplit *files;
    uint32_t file_count;
    uint32_t files_left;
    uint32_t current; /* the file that rows came from last */
    uint32_t reader_count;
    SplitTimes *times; /* NULL: files are read one after the other */
    /* Statistics. */
    uint64_t rows;
    uint64_t skipped;
    uint64_t bytes;
    uint64_t bytes_expected;
};

/* --------------------------------------------------------------------- open */

static bool is_mine(const SourceContext *context, const char *path)
{
    return hash_bytes(path, strlen(path)) % context->parallelism == context->subtask;
}

static void add_file(Source *source, const FileSplit *file)
{
    struct stat found;
    source->files[source->file_count++] = *file;
    if (!file->done && stat(file->path, &found) == 0 && S_ISREG(found.st_mode))
        source->bytes_expected += (uint64_t)found.st_size - file->offset;
}

static bool find_files(Source *source, Error *error)
{
    FileList list = {0};
    const Options *options = source->scan->table->options;
    bool found = file_list_find(
        &list, filesystem_path(options),
        option_text(options, filesystem_options, "source.path.regex-pattern"), error);
    source->files = arena_new_array(source->arena, FileSplit, list.count + 1);
    for (uint32_t i = 0; i < list.count; i++)
        if (is_mine(&source->context, list.paths[i]))
            add_file(source,
                     &(FileSplit){.path = arena_strdup(source->arena, list.paths[i]), .line = 1});
    file_list_deinit(&list);
    return found;
}

static bool restore_files(Source *source, Error *error)
{
    const SourceContext *context = &source->context;
    source->files = arena_new_array(source->arena, FileSplit, context->restored_count + 1);
    for (uint32_t i = 0; i < context->restored_count; i++) {
        Reader position = reader_of(context->restored[i].position);
        FileSplit file = {.path = arena_str(source->arena, context->restored[i].split)};
        file.offset = reader_u64(&position);
        file.line = reader_u64(&position);
        file.done = reader_u8(&position) != 0;
        if (position.failed)
            return error_set(error, ERROR_STATE, "the position of file \"%s\" cannot be read",
                             file.path);
        if (is_mine(context, file.path))
            add_file(source, &file);
    }
    return true;
}

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

static void close_file(Source *source, FileSplit *file)
{
    FileReader *reader = file->reader;
    if (reader == NULL)
        return;
    if (reader->decoder != NULL)
        source->format->decoder_close(reader->decoder);
    if (reader->descriptor >= 0)
        close(reader->descriptor);
    batch_release(reader->owner);
    memory_free(reader);
    file->reader = NULL;
    source->reader_count--;
}

static void source_close(Source *source)
{
    for (uint32_t i = 0; i < source->file_count; i++)
        close_file(source, &source->files[i]);
    arena_free(source->arena);
    memory_free(source);
}

/* Files whose event time is looked at. */
static void tell_splits(Source *source)
{
    SplitTimes *times = source->context.times;
    if (times == NULL)
        return;
    times->splits = arena_new_array(source->arena, SplitTime, (size_t)source->file_count + 1);
    times->count = source->file_count;
    for (uint32_t i = 0; i < source->file_count; i++)
        times->splits[i] = (SplitTime){source->files[i].path, INT64_MIN, source->files[i].done};
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
    bool opened = context->is_restored ? restore_files(source, error) : find_files(source, error);
    if (!opened) {
        source_close(source);
        return NULL;
    }
    for (uint32_t i = 0; i < source->file_count; i++)
        source->files_left += !source->files[i].done;
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

/* Makes room behind what is left in the window. */
static bool make_room(const Source *source, const FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    size_t left = reader->window_end - reader->window_start;
    if (left == reader->window_capacity) {
        if (left >= WINDOW_BYTES_MAX) {
            error_set(error, ERROR_LIMIT, "a record is larger than %zu MiB",
                      WINDOW_BYTES_MAX >> 20);
            return error_place(error, "%s:%llu", file->path, (unsigned long long)file->line);
        }
        bool beside = source->times != NULL && source->file_count > 8;
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
static bool fill_window(const Source *source, const FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    if (!make_room(source, file, error))
        return false;
    size_t left = reader->window_end;
    ssize_t got;
    do
        got = read(reader->descriptor, reader->window + left, reader->window_capacity - left);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return cannot_read(file, error);
    reader->window_end += (size_t)got;
    reader->at_end = got == 0;
    return true;
}

/* Lets the decoder see the head of a file that it goes on in the middle of. */
static bool read_head(const Source *source, const FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    if (source->format->decode_head == NULL)
        return true;
    for (;;) {
        if (!fill_window(source, file, error))
            return false;
        DecodeResult result = {0};
        Str input = {reader->window, reader->window_end};
        if (!source->format->decode_head(reader->decoder, input, reader->at_end, &result, error))
            return false;
        if (result.consumed != 0 || reader->at_end)
            return true;
    }
}

static bool go_to_position(const Source *source, const FileSplit *file, Error *error)
{
    FileReader *reader = file->reader;
    if (file->offset == 0)
        return true;
    if (S_ISREG(reader->status.st_mode) && (uint64_t)reader->status.st_size < file->offset) {
        error_set(error, ERROR_POSITION, "file \"%s\" is shorter than what was read of it",
                  file->path);
        return error_hint(error, "Put the file back as it was, or start over with --fresh.");
    }
    if (!read_head(source, file, error))
        return false;
    reader->window_start = reader->window_end = 0;
    reader->at_end = false;
    return lseek(reader->descriptor, (off_t)file->offset, SEEK_SET) >= 0 ||
           cannot_read(file, error);
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
    return reader->decoder != NULL && go_to_position(source, file, error);
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

/* One call of the decoder; reads more when it found nothing to do. `*enough` when the batch had
 * better go out first, so that its window is free again. */
static bool decode_some(Source *source, FileSplit *file, Batch *batch, bool *enough, Error *error)
{
    FileReader *reader = file->reader;
    Str input = {reader->window + reader->window_start, reader->window_end - reader->window_start};
    *enough = false;
    if (input.data == NULL || (input.length == 0 && !reader->at_end))
        return fill_window(source, file, error);
    DecodeResult result = {0};
    uint32_t before = batch->row_count;
    if (!source->format->decode(reader->decoder, input, reader->at_end, file->line, batch, &result,
                                error))
        return false;
    reader->window_start += result.consumed;
    source->bytes += result.consumed;
    source->skipped += result.skipped;
    file->offset += result.consumed;
    file->line += result.lines;
    if (batch->row_count != before)
        lend_window(source, reader, batch);
    if (result.consumed != 0 || batch->row_count != before)
        return true;
    *enough = source->lends && batch->row_count >= ROWS_WORTH;
    if (!reader->at_end)
        return *enough || fill_window(source, file, error);
    if (reader->window_start == reader->window_end) {
        file->done = true;
        return true;
    }
    error_set(error, ERROR_DATA, "the file ends within a record");
    return error_place(error, "%s:%llu", file->path, (unsigned long long)file->line);
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
    uint32_t chosen = source->file_count;
    for (uint32_t i = 0; i < source->file_count; i++) {
        if (source->files[i].done)
            continue;
        if (source->times == NULL)
            return i;
        const SplitTime *splits = source->times->splits;
        if (chosen == source->file_count || splits[i].watermark_us < splits[chosen].watermark_us)
            chosen = i;
    }
    return chosen;
}

/* Closes the file that is furthest ahead, if one may be opened again. */
static void close_another(Source *source)
{
    FileSplit *chosen = NULL;
    int64_t most_us = INT64_MIN;
    for (uint32_t i = 0; i < source->file_count; i++) {
        FileSplit *file = &source->files[i];
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
    FileSplit *file = &source->files[source->current];
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
        source->times->splits[file - source->files].ended = true;
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
    Buffer position = {0};
    for (uint32_t i = 0; i < source->file_count; i++) {
        const FileSplit *file = &source->files[i];
        buffer_clear(&position);
        buffer_append_u64(&position, file->offset);
        buffer_append_u64(&position, file->line);
        buffer_append_u8(&position, file->done);
        add(to, (Str){file->path, strlen(file->path)}, (Str){position.data, position.length});
    }
    buffer_deinit(&position);
    return true;
}

static void source_progress(Source *source, SourceProgress *out)
{
    *out = (SourceProgress){.rows = source->rows,
                            .rows_skipped = source->skipped,
                            .snapshot = source->files_left != 0,
                            .seconds_behind = -1};
    if (source->bytes != 0 && source->bytes_expected >= source->bytes)
        out->rows_expected = (uint64_t)((double)source->rows * (double)source->bytes_expected /
                                        (double)source->bytes);
    if (source->files_left != 0)
        snprintf(out->position, sizeof(out->position), "%s:%llu",
                 source->files[source->current].path,
                 (unsigned long long)source->files[source->current].line);
}

const SourceClass filesystem_source_class = {.open = source_open,
                                             .next = source_next,
                                             .position = source_position,
                                             .close = source_close,
                                             .progress = source_progress};
