/* Marks of files, shared by the instances of a source.
 *
 * A mark that another thread writes over at the same time may be either of the two: both are right,
 * and nothing else is read by it. Cost: a word per part of a file. */
#include "connectors/filesystem/marks.h"

#include <string.h>

typedef struct FileMarks {
    char *path;
    Marks marks;
    struct FileMarks *next;
} FileMarks;

struct MarkList {
    FileMarks *first;
    FileMarks *last_asked; /* every instance asks for the same files in the same order */
    uint32_t joined;
};

MarkList *marks_join(void **place)
{
    if (place == NULL)
        return NULL;
    if (*place == NULL)
        *place = memory_zalloc(sizeof(MarkList));
    MarkList *list = *place;
    list->joined++;
    return list;
}

void marks_leave(MarkList *list, void **place)
{
    if (list == NULL || --list->joined != 0)
        return;
    for (FileMarks *file = list->first, *next; file != NULL; file = next) {
        next = file->next;
        memory_free(file->marks.offsets);
        memory_free(file->path);
        memory_free(file);
    }
    memory_free(list);
    *place = NULL;
}

static FileMarks *find_from(FileMarks *file, const FileMarks *end, const char *path)
{
    while (file != end && strcmp(file->path, path) != 0)
        file = file->next;
    return file == end ? NULL : file;
}

Marks *marks_of(MarkList *list, const char *path, uint64_t part_bytes, uint64_t part_count)
{
    if (list == NULL)
        return NULL;
    FileMarks *found = find_from(list->last_asked, NULL, path);
    if (found == NULL)
        found = find_from(list->first, list->last_asked, path);
    if (found == NULL) {
        found = memory_zalloc(sizeof(*found));
        *found = (FileMarks){
            .path = memory_strdup(path),
            .marks = {part_bytes, part_count, memory_zalloc(part_count * sizeof(uint64_t))},
            .next = list->first};
        list->first = found;
    }
    list->last_asked = found;
    /* A file that grows meanwhile may have more parts for those who came later. */
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
