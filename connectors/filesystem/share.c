/* Files, their parts and their marks, shared by the instances of a source.
 *
 * A part is taken by clearing its bit: who cleared it has it.
 * A mark that another thread writes over at the same time may be either of the two: both are right,
 * and nothing else is read by it. Cost: a word and two bits per part of a file. */
#include "connectors/filesystem/share.h"

#include <string.h>

typedef struct FileMarks {
    char *path;
    Marks marks;
    struct FileMarks *next;
} FileMarks;

typedef struct FilePool {
    char *path;
    PartPool pool;
    struct FilePool *next;
} FilePool;

struct FileShare {
    FileList files;
    FilePool *first_pool;
    FilePool *last_pool; /* that was asked for, as below */
    FileMarks *first;
    FileMarks *last_asked; /* every instance asks for the same files in the same order */
    uint32_t joined;
};

FileShare *share_join(void **place)
{
    if (place == NULL)
        return NULL;
    if (*place == NULL)
        *place = memory_zalloc(sizeof(FileShare));
    FileShare *share = *place;
    share->joined++;
    return share;
}

static void free_pools(FileShare *share)
{
    for (FilePool *file = share->first_pool, *next; file != NULL; file = next) {
        next = file->next;
        memory_free(file->pool.dealt);
        memory_free(file->pool.left);
        memory_free(file->path);
        memory_free(file);
    }
}

void share_leave(FileShare *share, void **place)
{
    if (share == NULL || --share->joined != 0)
        return;
    free_pools(share);
    for (FileMarks *file = share->first, *next; file != NULL; file = next) {
        next = file->next;
        memory_free(file->marks.offsets);
        memory_free(file->path);
        memory_free(file);
    }
    file_list_deinit(&share->files);
    memory_free(share);
    *place = NULL;
}

FileList *share_files(FileShare *share)
{
    return &share->files;
}

static FileMarks *find_from(FileMarks *file, const FileMarks *end, const char *path)
{
    while (file != end && strcmp(file->path, path) != 0)
        file = file->next;
    return file == end ? NULL : file;
}

Marks *share_marks_of(FileShare *share, const char *path, uint64_t part_bytes, uint64_t part_count)
{
    if (share == NULL)
        return NULL;
    FileMarks *found = find_from(share->last_asked, NULL, path);
    if (found == NULL)
        found = find_from(share->first, share->last_asked, path);
    if (found == NULL) {
        found = memory_zalloc(sizeof(*found));
        *found = (FileMarks){
            .path = memory_strdup(path),
            .marks = {part_bytes, part_count, memory_zalloc(part_count * sizeof(uint64_t))},
            .next = share->first};
        share->first = found;
    }
    share->last_asked = found;
    /* Positions of two epochs' parts of one file may not be of one size. */
    return found->marks.part_bytes == part_bytes ? &found->marks : NULL;
}

/* -------------------------------------------------------------------- parts */

static uint64_t count_words(uint64_t part_count)
{
    return part_count / 64 + 1;
}

static void fill_pool(PartPool *pool, const uint64_t *parts)
{
    uint64_t words = count_words(pool->part_count);
    pool->dealt = memory_zalloc(words * sizeof(uint64_t));
    pool->left = memory_zalloc(words * sizeof(uint64_t));
    for (uint64_t part = 0; part < pool->part_count; part++)
        if (parts == NULL || (parts[part / 64] >> part % 64 & 1) != 0) {
            pool->dealt[part / 64] |= UINT64_C(1) << part % 64;
            pool->left_count++;
        }
    memcpy(pool->left, pool->dealt, words * sizeof(uint64_t));
}

static FilePool *find_pool(FilePool *file, const FilePool *end, const char *path)
{
    while (file != end && strcmp(file->path, path) != 0)
        file = file->next;
    return file == end ? NULL : file;
}

PartPool *share_pool_of(FileShare *share, const char *path, uint64_t part_bytes,
                        uint64_t part_count, const uint64_t *parts)
{
    FilePool *found = find_pool(share->last_pool, NULL, path);
    if (found == NULL)
        found = find_pool(share->first_pool, share->last_pool, path);
    if (found == NULL) {
        found = memory_zalloc(sizeof(*found));
        *found = (FilePool){.path = memory_strdup(path),
                            .pool = {.part_bytes = part_bytes, .part_count = part_count},
                            .next = share->first_pool};
        fill_pool(&found->pool, parts);
        share->first_pool = found;
    }
    share->last_pool = found;
    assert(found->pool.part_bytes == part_bytes && found->pool.part_count == part_count);
    return &found->pool;
}

bool pool_look(const PartPool *pool, uint64_t *part)
{
    for (uint64_t word = 0; word < count_words(pool->part_count); word++) {
        uint64_t left = __atomic_load_n(&pool->left[word], __ATOMIC_RELAXED);
        if (left == 0)
            continue;
        *part = word * 64 + (uint64_t)__builtin_ctzll(left);
        return true;
    }
    return false;
}

bool pool_take(PartPool *pool, uint64_t *part)
{
    while (pool_look(pool, part)) {
        uint64_t bit = UINT64_C(1) << *part % 64;
        uint64_t before = __atomic_fetch_and(&pool->left[*part / 64], ~bit, __ATOMIC_RELAXED);
        if ((before & bit) == 0)
            continue;
        __atomic_fetch_sub(&pool->left_count, 1, __ATOMIC_RELAXED);
        return true;
    }
    return false;
}

uint64_t marks_before(const Marks *marks, uint64_t from, uint64_t at)
{
    uint64_t first = at / marks->part_bytes, part = from / marks->part_bytes;
    part = part < marks->part_count ? part : marks->part_count;
    while (part-- > first) {
        uint64_t mark = __atomic_load_n(&marks->offsets[part], __ATOMIC_RELAXED);
        if (mark > at)
            return mark;
    }
    return at;
}
