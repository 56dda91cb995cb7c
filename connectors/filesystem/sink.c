/* Writing files into a folder, exactly once with checkpoints.
 *
 * Rows go into a hidden file. At a barrier it is closed, made durable, and its name handed to the
 * checkpoint; commit gives it its visible name. So what is visible is whole epochs, and a reader
 * that passes over hidden files, as the source here does, never sees half a row.
 *
 *     .weir-<sink>-<subtask>-<process>-<run>-<n>     while written
 *     part-<run>-<subtask>-<n>                       visible
 *
 * With PARTITIONED BY each combination of values has a file of its own, and its visible name is in
 * the folder of these values, which is made when the first file comes to it.
 *
 * After a crash, names that were handed over are made visible; other hidden files of this sink
 * whose process is gone are removed. Without checkpoints a file becomes visible when it is full or
 * the input ends. */
#include "connectors/filesystem/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/clock.h"
#include "core/hash.h"
#include "core/str.h"

#define HIDDEN_PREFIX ".weir-"
#define WRITE_BYTES   ((size_t)256 << 10)
#define NAME_BYTES    160
#define PATH_BYTES    4096
/* Partitions written at one time; past it all files are finished and new ones begun. */
#define WRITERS_MAX 128

/* A file that is closed and has not got its visible name. */
typedef struct Finished {
    struct Finished *next;
    uint64_t epoch; /* 0: not prepared yet */
    char hidden[NAME_BYTES];
    char *visible; /* below the folder */
} Finished;

/* Where rows of one partition go; a table without has one writer. */
typedef struct Writer {
    char *partition; /* "dt=…/hm=…"; "": none */
    int descriptor;  /* of the file being written; -1: none */
    Finished *open;
    uint64_t open_bytes;
    Buffer text;
} Writer;

struct Sink {
    SinkContext context;
    FormatContext format_context;
    const Format *format;
    char *folder;
    uint64_t sink_hash; /* of job and sink: tells this sink's hidden files from others' */
    uint64_t run;       /* keeps names of different runs apart */
    uint64_t roll_bytes;
    Encoder *encoder;
    Arena *arena;
    const Schema *stored; /* the columns that lie in the files */
    Writer writers[WRITERS_MAX];
    uint32_t writer_count;
    Buffer folder_name; /* of the row being looked at */
    uint32_t number;
    Finished *finished; /* oldest first */
};

static char *join(const char *folder, const char *name)
{
    Buffer path = {0};
    buffer_printf(&path, "%s/%s", folder, name);
    char *copy = memory_strdup(buffer_text(&path));
    buffer_deinit(&path);
    return copy;
}

static bool cannot_write(const char *folder, const char *name, Error *error)
{
    error_set(error, ERROR_IO, "could not write \"%s/%s\": %s", folder, name, strerror(errno));
    if (errno == ENOSPC)
        error_hint(error, "Make room; nothing of the unfinished rows is visible.");
    return false;
}

/* ------------------------------------------------------------------- writing */

static bool open_file(Sink *sink, Writer *writer, Error *error)
{
    Finished *file = writer->open = memory_zalloc(sizeof(*writer->open));
    snprintf(file->hidden, NAME_BYTES, HIDDEN_PREFIX "%016llx-%u-%ld-%016llx-%u",
             (unsigned long long)sink->sink_hash, sink->context.subtask, (long)getpid(),
             (unsigned long long)sink->run, sink->number);
    Buffer visible = {0};
    buffer_printf(&visible, "%s%spart-%016llx-%u-%u", writer->partition,
                  writer->partition[0] == 0 ? "" : "/", (unsigned long long)sink->run,
                  sink->context.subtask, sink->number);
    file->visible = memory_strdup(buffer_text(&visible));
    buffer_deinit(&visible);
    sink->number++;
    writer->open_bytes = 0;
    if (strlen(file->visible) >= PATH_BYTES)
        return error_set(error, ERROR_LIMIT, "the folder of a partition has more than %d bytes",
                         PATH_BYTES);
    char *path = join(sink->folder, file->hidden);
    writer->descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    memory_free(path);
    if (writer->descriptor < 0)
        return cannot_write(sink->folder, file->hidden, error);
    return sink->format->encode_start == NULL ||
           sink->format->encode_start(sink->encoder, &writer->text, error);
}

/* The disk begins with what was just written: a barrier, which waits for it, finds little left. */
static void start_disk(const Writer *writer, size_t bytes)
{
#ifdef SYNC_FILE_RANGE_WRITE
    /* Only a hint: whether it could is seen when the file is made durable. */
    (void)sync_file_range(writer->descriptor, (off_t)writer->open_bytes, (off_t)bytes,
                          SYNC_FILE_RANGE_WRITE);
#endif
}

static bool write_text(Sink *sink, Writer *writer, Error *error)
{
    size_t written = 0;
    while (written < writer->text.length) {
        ssize_t step =
            write(writer->descriptor, writer->text.data + written, writer->text.length - written);
        if (step < 0 && errno == EINTR)
            continue;
        if (step < 0)
            return cannot_write(sink->folder, writer->open->hidden, error);
        written += (size_t)step;
    }
    start_disk(writer, written);
    writer->open_bytes += written;
    buffer_clear(&writer->text);
    return true;
}

/* Closes the open file, durable under its hidden name. */
static bool close_file(Sink *sink, Writer *writer, Error *error)
{
    if (writer->open == NULL)
        return true;
    if (!write_text(sink, writer, error))
        return false;
    int descriptor = writer->descriptor;
    writer->descriptor = -1;
    bool synced = fsync(descriptor) == 0;
    if (close(descriptor) != 0 || !synced)
        return cannot_write(sink->folder, writer->open->hidden, error);
    Finished **end = &sink->finished;
    while (*end != NULL)
        end = &(*end)->next;
    *end = writer->open;
    writer->open = NULL;
    return true;
}

static bool close_files(Sink *sink, Error *error)
{
    for (uint32_t i = 0; i < sink->writer_count; i++)
        if (!close_file(sink, &sink->writers[i], error))
            return false;
    return true;
}

static void free_writers(Sink *sink)
{
    for (uint32_t i = 0; i < sink->writer_count; i++) {
        memory_free(sink->writers[i].partition);
        buffer_deinit(&sink->writers[i].text);
    }
    sink->writer_count = 0;
}

/* The writer of a partition; NULL with an error. */
static Writer *find_writer(Sink *sink, const char *partition, Error *error)
{
    for (uint32_t i = sink->writer_count; i-- > 0;)
        if (strcmp(sink->writers[i].partition, partition) == 0)
            return &sink->writers[i];
    if (sink->writer_count == WRITERS_MAX) {
        if (!close_files(sink, error))
            return NULL;
        free_writers(sink);
    }
    Writer *writer = &sink->writers[sink->writer_count++];
    *writer = (Writer){.partition = memory_strdup(partition), .descriptor = -1};
    return writer;
}

static bool sync_folder(const char *folder, Error *error)
{
    int descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool synced = descriptor >= 0 && fsync(descriptor) == 0;
    if (!synced)
        error_set(error, ERROR_IO, "could not write folder \"%s\": %s", folder, strerror(errno));
    if (descriptor >= 0)
        close(descriptor);
    return synced;
}

static bool make_folder(const char *folder, Error *error);

/* The folder that a visible name lies in, if it is not the table's. */
static char *partition_folder(const char *folder, const char *visible)
{
    const char *slash = strrchr(visible, '/');
    if (slash == NULL)
        return NULL;
    char *path = join(folder, visible);
    path[strlen(path) - strlen(slash)] = 0;
    return path;
}

/* Gives a file its visible name; one that has it already is done. */
static bool show_file(const char *folder, const char *hidden, const char *visible, Error *error)
{
    char *inner = partition_folder(folder, visible);
    if (inner != NULL && !make_folder(inner, error)) {
        memory_free(inner);
        return false;
    }
    char *from = join(folder, hidden);
    char *to = join(folder, visible);
    struct stat found;
    bool shown = rename(from, to) == 0;
    if (!shown && errno == ENOENT)
        shown = stat(to, &found) == 0;
    if (!shown && errno == ENOENT) {
        error_set(error, ERROR_STATE, "file \"%s\" with rows of a finished epoch is gone", from);
        error_hint(error, "Put it back, or start over with --fresh.");
    } else if (!shown) {
        cannot_write(folder, visible, error);
    }
    memory_free(from);
    memory_free(to);
    shown = shown && (inner == NULL || sync_folder(inner, error));
    memory_free(inner);
    return shown;
}

/* Makes finished files of epochs up to `epoch` visible. */
static bool show_finished(Sink *sink, uint64_t epoch, Error *error)
{
    bool any = false;
    while (sink->finished != NULL && sink->finished->epoch <= epoch) {
        Finished *file = sink->finished;
        if (!show_file(sink->folder, file->hidden, file->visible, error))
            return false;
        sink->finished = file->next;
        memory_free(file->visible);
        memory_free(file);
        any = true;
    }
    return !any || sync_folder(sink->folder, error);
}

/* Rows [from, to) of one partition. */
static bool write_rows(Sink *sink, Writer *writer, const Batch *batch, uint32_t from, uint32_t to,
                       Error *error)
{
    if (writer->open == NULL && !open_file(sink, writer, error))
        return false;
    if (!sink->format->encode(sink->encoder, batch, from, to, &writer->text, error))
        return false;
    if (writer->text.length >= WRITE_BYTES && !write_text(sink, writer, error))
        return false;
    if (writer->open_bytes + writer->text.length < sink->roll_bytes)
        return true;
    return close_file(sink, writer, error) &&
           (sink->context.checkpointing || show_finished(sink, 0, error));
}

/* The end of the rows with the values of row `from` in the columns that make the folder. */
static uint32_t same_partition(const Sink *sink, const Batch *batch, uint32_t from, uint32_t to)
{
    const TableInfo *table = sink->context.table;
    for (uint32_t i = 0; i < table->partition_count; i++) {
        const Vector *vector = &batch->columns[table->partition[i]];
        uint32_t end = from + 1;
        while (end < to && vector_values_equal(vector, from, vector, end))
            end++;
        to = end;
    }
    return to;
}

/* The batch without the columns that folders stand for; borrows from it. */
static Batch *stored_columns(const Sink *sink, const Batch *batch)
{
    Batch *stored = batch_new_bare(sink->stored);
    uint32_t count = 0;
    stored->row_count = batch->row_count;
    stored->kinds = batch->kinds;
    for (uint32_t i = 0; i < batch->column_count; i++)
        if (!partition_has(sink->context.table, i))
            stored->columns[count++] = batch->columns[i];
    return stored;
}

static bool sink_write(Sink *sink, const Batch *batch, Error *error)
{
    /* Rows a step: so that a file ends near its size and the text stays small. */
    const uint32_t step = 256;
    bool parted = sink->context.table->partition_count != 0;
    Batch *stored = parted ? stored_columns(sink, batch) : NULL;
    bool good = true;
    for (uint32_t from = 0, to; from < batch->row_count && good; from = to) {
        to = batch->row_count - from < step ? batch->row_count : from + step;
        buffer_clear(&sink->folder_name);
        if (parted) {
            partition_print(sink->context.table, batch, from, &sink->folder_name);
            to = same_partition(sink, batch, from, to);
        }
        Writer *writer = find_writer(sink, buffer_text(&sink->folder_name), error);
        good = writer != NULL && write_rows(sink, writer, parted ? stored : batch, from, to, error);
    }
    batch_release(stored);
    return good;
}

static bool sink_prepare(Sink *sink, uint64_t epoch, Buffer *pending, Error *error)
{
    if (!close_files(sink, error) || (sink->finished != NULL && !sync_folder(sink->folder, error)))
        return false;
    free_writers(sink);
    /* Those of an epoch that was declined are still there: they belong to this one too. */
    for (Finished *file = sink->finished; file != NULL; file = file->next) {
        file->epoch = epoch;
        buffer_append_bytes(pending, str_of(file->hidden));
        buffer_append_bytes(pending, str_of(file->visible));
    }
    return true;
}

static bool sink_commit(Sink *sink, uint64_t epoch, Error *error)
{
    return show_finished(sink, epoch, error);
}

static bool sink_finish(Sink *sink, Error *error)
{
    return sink->context.checkpointing ||
           (close_files(sink, error) && show_finished(sink, 0, error));
}

/* --------------------------------------------------------------------- open */

static bool make_folder(const char *folder, Error *error)
{
    char *path = memory_strdup(folder);
    for (char *at = path + 1; *at != 0; at++) {
        if (*at != '/')
            continue;
        *at = 0;
        mkdir(path, 0777);
        *at = '/';
    }
    memory_free(path);
    struct stat found;
    if (mkdir(folder, 0777) == 0 || errno == EEXIST) {
        if (stat(folder, &found) == 0 && S_ISDIR(found.st_mode))
            return true;
        error_set(error, ERROR_IO, "\"%s\" is a file; a sink writes files into a folder", folder);
        return error_hint(error, "Give the path of a folder.");
    }
    return error_set(error, ERROR_IO, "could not create folder \"%s\": %s", folder,
                     strerror(errno));
}

/* Names of the restored epoch, hidden then visible, of every instance there was. */
static bool finish_restored(Sink *sink, FileList *handed_over, Error *error)
{
    for (uint32_t i = 0; i < sink->context.restored_count; i++) {
        Reader reader = reader_of(sink->context.restored[i]);
        while (!reader_done(&reader)) {
            Str hidden = reader_bytes(&reader);
            Str visible = reader_bytes(&reader);
            if (reader.failed || hidden.length >= NAME_BYTES || visible.length >= PATH_BYTES)
                return error_set(error, ERROR_STATE,
                                 "the unfinished files of sink table \"%s\" cannot be read",
                                 sink->context.table->name);
            char from[NAME_BYTES], to[PATH_BYTES];
            snprintf(from, sizeof(from), "%.*s", (int)hidden.length, hidden.data);
            snprintf(to, sizeof(to), "%.*s", (int)visible.length, visible.data);
            file_list_add(handed_over, from, 0);
            if (sink->context.subtask == 0 && !show_file(sink->folder, from, to, error))
                return false;
        }
    }
    return sink->context.restored_count == 0 || sync_folder(sink->folder, error);
}

static bool is_listed(const FileList *list, const char *name)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (strcmp(list->files[i].path, name) == 0)
            return true;
    return false;
}

/* Whether a hidden file is left over from a dead run of this sink: of this instance, or of one that
 * is no more. */
static bool is_stray(const Sink *sink, const char *name)
{
    unsigned long long sink_hash;
    unsigned subtask;
    long process;
    if (sscanf(name, HIDDEN_PREFIX "%16llx-%u-%ld-", &sink_hash, &subtask, &process) != 3)
        return false;
    bool mine = subtask == sink->context.subtask ||
                (sink->context.subtask == 0 && subtask >= sink->context.parallelism);
    bool dead = process == (long)getpid() || (kill((pid_t)process, 0) != 0 && errno == ESRCH);
    return sink_hash == sink->sink_hash && mine && dead;
}

static void remove_strays(const Sink *sink, const FileList *handed_over)
{
    DIR *folder = opendir(sink->folder);
    if (folder == NULL)
        return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (!is_stray(sink, entry->d_name) || is_listed(handed_over, entry->d_name))
            continue;
        unlinkat(dirfd(folder), entry->d_name, 0);
    }
    closedir(folder);
}

static void free_files(Sink *sink, Finished *file)
{
    while (file != NULL) {
        Finished *next = file->next;
        /* What was prepared may be asked for after a restore. */
        if (file->epoch == 0) {
            char *path = join(sink->folder, file->hidden);
            unlink(path);
            memory_free(path);
        }
        memory_free(file->visible);
        memory_free(file);
        file = next;
    }
}

static void sink_close(Sink *sink)
{
    for (uint32_t i = 0; i < sink->writer_count; i++) {
        if (sink->writers[i].descriptor >= 0)
            close(sink->writers[i].descriptor);
        free_files(sink, sink->writers[i].open);
    }
    free_writers(sink);
    free_files(sink, sink->finished);
    if (sink->encoder != NULL)
        sink->format->encoder_close(sink->encoder);
    buffer_deinit(&sink->folder_name);
    arena_free(sink->arena);
    memory_free(sink->folder);
    memory_free(sink);
}

static bool open_folder(Sink *sink, Error *error)
{
    if (sink->format->encoder_open == NULL) {
        error_set(error, ERROR_UNSUPPORTED, "format \"%s\" cannot be written", sink->format->name);
        return error_hint(error, "Use a format that can, such as csv or json.");
    }
    sink->encoder = sink->format->encoder_open(&sink->format_context, error);
    if (sink->encoder == NULL || !make_folder(sink->folder, error))
        return false;
    FileList handed_over = {0};
    bool good = finish_restored(sink, &handed_over, error);
    if (good)
        remove_strays(sink, &handed_over);
    file_list_deinit(&handed_over);
    return good;
}

static Sink *sink_open(const SinkContext *context, Error *error)
{
    Sink *sink = memory_zalloc(sizeof(*sink));
    const Options *options = context->table->options;
    sink->context = *context;
    sink->arena = arena_new(1024);
    sink->stored = partition_stored(context->table, sink->arena);
    sink->format = context->table->format;
    sink->folder = memory_strdup(filesystem_path(options));
    for (size_t end = strlen(sink->folder); end > 1 && sink->folder[end - 1] == '/';)
        sink->folder[--end] = 0;
    sink->format_context = (FormatContext){
        .schema = sink->stored, .options = options, .zone = context->zone, .name = sink->folder};
    sink->roll_bytes =
        (uint64_t)option_integer(options, filesystem_options, "sink.rolling-policy.file-size");
    sink->sink_hash = hash_bytes(context->job, strlen(context->job)) * 31 +
                      hash_bytes(context->sink_id, strlen(context->sink_id));
    if (getrandom(&sink->run, sizeof(sink->run), 0) != sizeof(sink->run))
        sink->run = (uint64_t)clock_monotonic_us() << 20 ^ (uint64_t)getpid();
    if (open_folder(sink, error))
        return sink;
    sink_close(sink);
    return NULL;
}

const SinkClass filesystem_sink_class = {.open = sink_open,
                                         .write = sink_write,
                                         .prepare = sink_prepare,
                                         .commit = sink_commit,
                                         .finish = sink_finish,
                                         .close = sink_close};
