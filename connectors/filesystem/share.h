/* What the instances of a source know together: the files, as the first of them found them, which
 * parts of them nobody has taken yet, and places in files where records begin.
 *
 * Files appear and grow while instances open: only by one list do all deal the same parts. Where a
 * beginning can only be found from another one, who looks for it starts at the last that anybody
 * knows, so that all together pass over a file about once. Instances join and leave one after the
 * other; between that they take parts, and write and read marks, from threads of their own. A mark
 * is the offset of a beginning within a part, the furthest that is known there; 0: none is. */
#ifndef CONNECTORS_FILESYSTEM_SHARE_H
#define CONNECTORS_FILESYSTEM_SHARE_H

#include "connectors/filesystem/internal.h"

typedef struct FileShare FileShare;

/* Of one file, by part. */
typedef struct Marks {
    uint64_t part_bytes;
    uint64_t part_count;
    uint64_t *offsets;
} Marks;

/* Parts of a file, taken in ascending order by whoever has time: an instance's are in order, too.
 */
typedef struct PartPool {
    uint64_t part_bytes;
    uint64_t part_count;
    uint64_t *dealt; /* bit i: part i was there at first */
    uint64_t *left;  /* and nobody has taken it */
    uint64_t left_count;
} PartPool;

/* The instance's hold on what is shared; NULL when there are no others. */
FileShare *share_join(void **place);
void share_leave(FileShare *share, void **place);
/* The files, which the first instance looks for; while instances join. */
FileList *share_files(FileShare *share);
/* The marks of a file, which belong to the share; while instances join. */
Marks *share_marks_of(FileShare *share, const char *path, uint64_t part_bytes, uint64_t part_count);

/* The pool of a file, which belongs to the share; while instances join. The first who asks puts the
 * parts in: the bits of `parts`, NULL: all. */
PartPool *share_pool_of(FileShare *share, const char *path, uint64_t part_bytes,
                        uint64_t part_count, const uint64_t *parts);
/* The first part left; false: none is. */
bool pool_look(const PartPool *pool, uint64_t *part);
/* The same, for nobody else. */
bool pool_take(PartPool *pool, uint64_t *part);

/* A record begins there. */
static inline void marks_set(const Marks *marks, uint64_t offset)
{
    uint64_t part = offset / marks->part_bytes;
    if (part >= marks->part_count)
        return;
    uint64_t *mark = &marks->offsets[part];
    if (__atomic_load_n(mark, __ATOMIC_RELAXED) < offset)
        __atomic_store_n(mark, offset, __ATOMIC_RELAXED);
}

/* The last beginning known before the part that begins at `from`, if it lies behind `at`; else
 * `at`. */
uint64_t marks_before(const Marks *marks, uint64_t from, uint64_t at);

#endif
