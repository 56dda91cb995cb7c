/* Files and their marks, shared by the instances of a source.
 *
 * A mark that another thread writes over at the same time may be either of the two: both are right,
 * and nothing else is read by it. Cost: a word per part of a file. */
#include "connectors/filesystem/share.h"

#include <string.h>

typedef struct FileMarks {
    char *path;
    Marks marks;
    struct FileMarks *next;
} FileMarks;

struct FileShare {
    FileList files;
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

void share_leave(FileShare *share, void **place)
{
    if (share == NULL || --share->joined != 0)
        return;
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
