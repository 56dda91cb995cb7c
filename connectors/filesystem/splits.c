/* Dealing files and parts to instances, and positions. */
#include "connectors/filesystem/splits.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/hash.h"

/* A larger file has larger parts: a position has a bit for each. */
#define PARTS_MAX (UINT64_C(1) << 20)
/* Of 100 bytes, so many at least lie in files that are read in parts: then instances that share
 * them have about the same to read. */
#define EVEN_PERCENT 80

/* What a position is of. */
typedef enum PositionForm {
    POSITION_LEFT, /* a file or what is left of its parts */
    POSITION_DONE,
    POSITION_POOL /* parts that were not taken */
} PositionForm;
/* In place of a number among those of one path. */
#define POOL_NUMBER UINT32_MAX

/* Who reads a part that comes from no pool; a file that is read as a whole is one. */
static bool is_mine(const SourceContext *context, const char *path, uint64_t part)
{
    return (hash_bytes(path, strlen(path)) + part) % context->parallelism == context->subtask;
}

static uint64_t *new_bits(Arena *arena, uint64_t count)
{
    return arena_new_array(arena, uint64_t, count / 64 + 1);
}

static void want(FileSplit *file, uint64_t part)
{
    file->wanted[part / 64] |= UINT64_C(1) << part % 64;
}

/* The first part wanted at `part` or behind it, or part_count. */
static uint64_t next_wanted(const FileSplit *file, uint64_t part)
{
    while (part < file->part_count) {
        uint64_t left = file->wanted[part / 64] >> part % 64;
        if (left != 0)
            return part + (uint64_t)__builtin_ctzll(left);
        part = (part / 64 + 1) * 64;
    }
    return file->part_count;
}

uint64_t split_run_limit(FileSplit *file)
{
    if (file->part_bytes == 0)
        return UINT64_MAX;
    if (file->run <= file->part)
        for (file->run = file->part + 1; split_wants(file, file->run);)
            file->run++;
    return file->run == file->part_count ? UINT64_MAX : file->run * file->part_bytes;
}

/* Takes the next part of the pool, whose number it gives; part_count: there is none. */
static uint64_t take_part(FileSplit *file)
{
    uint64_t part;
    if (!pool_take(file->pool, &part))
        return file->part_count;
    file->untaken[part / 64] &= ~(UINT64_C(1) << part % 64);
    file->taken++;
    want(file, part);
    return part;
}

/* Parts come from the pool, which the first who asks makes of `parts`, NULL: all. */
static void use_pool(FileSplits *splits, const char *path, FileSplit *file, const uint64_t *parts)
{
    file->pool = share_pool_of(splits->share, path, file->part_bytes, file->part_count, parts);
    file->wanted = new_bits(splits->arena, file->part_count);
    file->untaken = new_bits(splits->arena, file->part_count);
    memcpy(file->untaken, file->pool->dealt, (file->part_count / 64 + 1) * sizeof(uint64_t));
}

static bool uses_pools(const FileSplits *splits, const SourceContext *context)
{
    return splits->share != NULL && context->parallelism > 1;
}

void split_end_part(FileSplit *file)
{
    file->wanted[file->part / 64] &= ~(UINT64_C(1) << file->part % 64);
    uint64_t next = file->pool != NULL ? take_part(file) : next_wanted(file, file->part);
    file->begun = file->begun && next == file->part + 1;
    file->part = next;
    file->stops = false;
    file->done = next >= file->part_count;
}

/* -------------------------------------------------------------- fresh starts */

static bool can_part(const TableInfo *table)
{
    const Format *format = table->format;
    const FormatContext context = {.schema = table->physical, .options = table->options};
    return format->record_search != NULL && format->record_search(&context) != RECORDS_UNKNOWN;
}

/* How many bytes a part of a file has; 0: it is read as a whole. */
static uint64_t choose_part_bytes(const TableInfo *table, uint64_t size)
{
    uint64_t bytes =
        (uint64_t)option_integer(table->options, filesystem_options, "source.split-size");
    if (bytes == 0 || size <= bytes || !can_part(table))
        return 0;
    while (size / bytes >= PARTS_MAX)
        bytes *= 2;
    return bytes;
}

static void add(FileSplits *splits, const FileSplit *file)
{
    splits->files[splits->count++] = *file;
}

/* Where records are found from those before them. */
static void share_marks(FileSplits *splits, const SourceContext *context)
{
    const TableInfo *table = context->scans[0].table;
    const FormatContext format = {.schema = table->physical, .options = table->options};
    if (context->parallelism == 1 || table->format->record_search == NULL ||
        table->format->record_search(&format) != RECORDS_FROM_RECORD)
        return;
    for (uint32_t i = 0; i < splits->count; i++) {
        FileSplit *file = &splits->files[i];
        if (file->part_bytes != 0)
            file->marks =
                share_marks_of(splits->share, file->path, file->part_bytes, file->part_count);
    }
}

/* An instance on its own. */
static void want_mine(FileSplits *splits, const SourceContext *context, const FoundFile *found,
                      FileSplit *file)
{
    file->wanted = new_bits(splits->arena, file->part_count);
    for (uint64_t part = 0; part < file->part_count; part++) {
        if (!is_mine(context, found->path, part))
            continue;
        want(file, part);
        splits->bytes += u64_min(found->size - part * file->part_bytes, file->part_bytes);
    }
    file->part = next_wanted(file, 0);
}

static void add_found(FileSplits *splits, const SourceContext *context, const FoundFile *found)
{
    const char *path = found->path;
    uint64_t size = found->size;
    FileSplit file = {.line = 1};
    file.part_bytes = choose_part_bytes(context->scans[0].table, size);
    if (file.part_bytes == 0) {
        if (!is_mine(context, path, 0))
            return;
        file.begun = true;
        splits->bytes += size;
    } else {
        file.part_count = (size - 1) / file.part_bytes + 1;
        if (uses_pools(splits, context)) {
            use_pool(splits, path, &file, NULL);
            file.part = take_part(&file);
        } else {
            want_mine(splits, context, found, &file);
        }
        if (file.part == file.part_count)
            return;
    }
    file.path = arena_strdup(splits->arena, path);
    add(splits, &file);
}

static bool list_files(const TableInfo *table, FileList *list, Error *error)
{
    const Options *options = table->options;
    return file_list_find(list, filesystem_path(options),
                          option_text(options, filesystem_options, "source.path.regex-pattern"),
                          error);
}

bool splits_find(FileSplits *splits, const SourceContext *context, Error *error)
{
    FileList own = {0};
    FileList *list = splits->share == NULL ? &own : share_files(splits->share);
    bool found = list->complete || list_files(context->scans[0].table, list, error);
    splits->files = arena_new_array(splits->arena, FileSplit, list->count + 1);
    for (uint32_t i = 0; i < list->count; i++)
        add_found(splits, context, &list->files[i]);
    file_list_deinit(&own);
    share_marks(splits, context);
    return found;
}

bool splits_are_even(const TableInfo *table, uint32_t parallelism)
{
    FileList list = {0};
    Error ignored;
    uint64_t bytes = 0, shared = 0;
    bool found = list_files(table, &list, &ignored);
    for (uint32_t i = 0; i < list.count && found; i++) {
        uint64_t size = list.files[i].size, part = choose_part_bytes(table, size);
        bytes += size;
        shared += part != 0 && size / part >= parallelism ? size : 0;
    }
    file_list_deinit(&list);
    return shared != 0 && shared / 100 * 100 >= bytes / 100 * EVEN_PERCENT;
}

/* ----------------------------------------------------------------- positions */

void split_print(const FileSplit *file, Buffer *position)
{
    buffer_append_u64(position, file->begun ? file->offset : 0);
    buffer_append_u64(position, file->line);
    buffer_append_u8(position, file->done ? POSITION_DONE : POSITION_LEFT);
    if (file->done)
        return;
    buffer_append_u64(position, file->begun ? file->trace : 0);
    if (file->part_bytes == 0)
        return;
    buffer_append_u64(position, file->part_bytes);
    buffer_append_u64(position, file->part_count);
    buffer_append_u64(position, file->part);
    buffer_append_u8(position, file->begun);
    for (uint64_t word = file->part / 64; word <= file->part_count / 64; word++)
        buffer_append_u64(position, file->wanted[word]);
}

bool split_print_pool(const FileSplit *file, Buffer *name, Buffer *position)
{
    if (file->pool == NULL)
        return false;
    buffer_append_text(name, file->path);
    buffer_append_u8(name, 0);
    buffer_append_u32(name, POOL_NUMBER);
    buffer_append_u64(position, 0);
    buffer_append_u64(position, 0);
    buffer_append_u8(position, POSITION_POOL);
    buffer_append_u64(position, 0);
    buffer_append_u64(position, file->part_bytes);
    buffer_append_u64(position, file->part_count);
    buffer_append_u64(position, 0);
    buffer_append_u8(position, 0);
    for (uint64_t word = 0; word <= file->part_count / 64; word++)
        buffer_append_u64(position, file->untaken[word]);
    return true;
}

/* Those of one path stand side by side. Behind the zero that ends a path is how many come before.
 */
void split_print_name(const FileSplits *splits, uint32_t number, Buffer *name)
{
    const char *path = splits->files[number].path;
    uint32_t before = 0;
    while (before < number && strcmp(splits->files[number - before - 1].path, path) == 0)
        before++;
    buffer_append_text(name, path);
    if (before == 0)
        return;
    buffer_append_u8(name, 0);
    buffer_append_u32(name, before);
}

static bool read_position(FileSplits *splits, const SplitPosition *from, FileSplit *file,
                          Error *error)
{
    Reader position = reader_of(from->position);
    size_t length = strnlen(from->split.data, from->split.length);
    *file = (FileSplit){.path = arena_str(splits->arena, (Str){from->split.data, length}),
                        .begun = true};
    file->offset = reader_u64(&position);
    file->line = reader_u64(&position);
    uint8_t form = reader_u8(&position);
    file->done = form == POSITION_DONE;
    file->is_pool = form == POSITION_POOL;
    position.failed = position.failed || form > POSITION_POOL;
    if (!file->done && !reader_done(&position))
        file->trace = reader_u64(&position);
    if (!position.failed && !reader_done(&position)) {
        file->part_bytes = reader_u64(&position);
        file->part_count = reader_u64(&position);
        file->part = reader_u64(&position);
        file->begun = reader_u8(&position) != 0;
        position.failed = position.failed || file->part_bytes == 0 ||
                          file->part >= file->part_count || file->part_count > PARTS_MAX;
        uint64_t words = position.failed ? 0 : file->part_count / 64 + 1;
        file->wanted = new_bits(splits->arena, words * 64);
        for (uint64_t word = file->part / 64; word < words; word++)
            file->wanted[word] = reader_u64(&position);
    }
    position.failed = position.failed || (file->is_pool && file->part_count == 0);
    return !position.failed ||
           error_set(error, ERROR_STATE, "the position of file \"%s\" cannot be read", file->path);
}

static int compare_files(const void *a, const void *b)
{
    const FileSplit *x = a, *y = b;
    int by_path = strcmp(x->path, y->path);
    return by_path != 0 ? by_path : (x->part > y->part) - (x->part < y->part);
}

/* A begun part on its own. */
static FileSplit alone(FileSplits *splits, const FileSplit *from)
{
    FileSplit file = *from;
    file.wanted = new_bits(splits->arena, file.part_count);
    want(&file, file.part);
    return file;
}

/* What is left of a file whose positions come by part, but for what was begun: all of it, or what
 * is this instance's. */
static FileSplit find_rest(FileSplits *splits, const SourceContext *context, const FileSplit *files,
                           uint32_t count, bool all)
{
    FileSplit rest = {.path = files[0].path};
    for (uint32_t i = 0; i < count; i++) {
        rest.part_bytes = files[i].part_bytes;
        if (files[i].part_count > rest.part_count)
            rest.part_count = files[i].part_count;
    }
    rest.wanted = new_bits(splits->arena, rest.part_count);
    for (uint32_t i = 0; i < count; i++)
        for (uint64_t part = files[i].part; part < files[i].part_count; part++)
            if (split_wants(&files[i], part) && !(files[i].begun && part == files[i].part) &&
                (all || is_mine(context, rest.path, part)))
                want(&rest, part);
    rest.part = next_wanted(&rest, 0);
    return rest;
}

/* What this instance reads of such a file. Of those begun the first goes on with what is left, if
 * that lies behind it: a file's parts are read in order. */
static void restore_parts(FileSplits *splits, const SourceContext *context, const FileSplit *files,
                          uint32_t count)
{
    bool pools = uses_pools(splits, context);
    FileSplit rest = find_rest(splits, context, files, count, pools);
    if (pools) {
        use_pool(splits, rest.path, &rest, rest.wanted);
        if (!pool_look(rest.pool, &rest.part))
            rest.part = rest.part_count;
    }
    bool has_begun = false;
    for (uint32_t i = 0; i < count; i++) {
        if (!files[i].begun || !is_mine(context, rest.path, files[i].part))
            continue;
        if (has_begun || files[i].part > rest.part) {
            FileSplit file = alone(splits, &files[i]);
            add(splits, &file);
        } else {
            has_begun = rest.begun = true;
            rest.part = files[i].part;
            rest.offset = files[i].offset;
            rest.line = files[i].line;
            rest.trace = files[i].trace;
            want(&rest, rest.part);
        }
    }
    if (pools && !has_begun)
        rest.part = take_part(&rest);
    if (rest.part < rest.part_count)
        add(splits, &rest);
}

/* Of positions of one path, those of parts that were not taken become one, of those that nobody
 * took; it stands behind the others. Returns how many there are then. */
static uint32_t merge_pools(FileSplit *files, uint32_t count)
{
    FileSplit pool = {0};
    uint32_t others = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (!files[i].is_pool) {
            files[others++] = files[i];
            continue;
        }
        if (!pool.is_pool)
            pool = files[i];
        for (uint64_t part = 0; part < pool.part_count; part++)
            if (!split_wants(&files[i], part))
                pool.wanted[part / 64] &= ~(UINT64_C(1) << part % 64);
    }
    if (!pool.is_pool)
        return count;
    pool.part = next_wanted(&pool, 0);
    if (pool.part < pool.part_count)
        files[others++] = pool;
    return others;
}

/* Positions of one path. */
static void restore_path(FileSplits *splits, const SourceContext *context, FileSplit *files,
                         uint32_t count)
{
    uint32_t parted = 0;
    count = merge_pools(files, count);
    for (uint32_t i = 0; i < count; i++)
        if (files[i].part_bytes != 0)
            files[parted++] = files[i];
    if (parted != 0)
        restore_parts(splits, context, files, parted);
    else if (count != 0 && is_mine(context, files[0].path, 0))
        add(splits, &files[0]);
}

uint64_t splits_bytes(const FileSplits *splits, uint32_t parallelism)
{
    uint64_t bytes = splits->bytes;
    for (uint32_t i = 0; i < splits->count; i++) {
        const FileSplit *file = &splits->files[i];
        if (file->pool == NULL)
            continue;
        uint64_t left = __atomic_load_n(&file->pool->left_count, __ATOMIC_RELAXED);
        bytes += file->taken * file->part_bytes + left * file->part_bytes / parallelism;
    }
    return bytes;
}

static void count_bytes(FileSplits *splits)
{
    for (uint32_t i = 0; i < splits->count; i++) {
        const FileSplit *file = &splits->files[i];
        struct stat found;
        bool is_new = file->pool != NULL && !file->begun;
        if (file->done || is_new || stat(file->path, &found) != 0 || !S_ISREG(found.st_mode))
            continue;
        uint64_t size = (uint64_t)found.st_size;
        if (file->part_bytes == 0 && size > file->offset)
            splits->bytes += size - file->offset;
        for (uint64_t part = file->part; part < file->part_count; part++) {
            uint64_t from =
                file->begun && part == file->part ? file->offset : part * file->part_bytes;
            uint64_t to = (part + 1) * file->part_bytes;
            to = to < size ? to : size;
            if (split_wants(file, part) && from < to)
                splits->bytes += to - from;
        }
    }
}

bool splits_restore(FileSplits *splits, const SourceContext *context, Error *error)
{
    uint32_t count = context->restored_count;
    FileSplit *files = arena_new_array(splits->arena, FileSplit, count + 1);
    for (uint32_t i = 0; i < count; i++)
        if (!read_position(splits, &context->restored[i], &files[i], error))
            return false;
    if (count != 0)
        qsort(files, count, sizeof(*files), compare_files);
    splits->files = arena_new_array(splits->arena, FileSplit, 2 * (size_t)count + 1);
    for (uint32_t from = 0, to; from < count; from = to) {
        for (to = from + 1; to < count && strcmp(files[from].path, files[to].path) == 0;)
            to++;
        restore_path(splits, context, files + from, to - from);
    }
    share_marks(splits, context);
    count_bytes(splits);
    return true;
}
