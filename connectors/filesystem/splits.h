/* Which files, and which parts of larger ones, an instance reads, and how far it is.
 *
 * A part is a number of bytes; a record belongs to the part that it begins in. Instances take a
 * file's next part when they are done with one, so that one which has less else to do reads more;
 * they go through a file side by side, which keeps their event times together.
 *
 * Positions: an epoch cuts every instance at a moment of its own, so each says which parts it had
 * not taken by then. Left over are those that nobody had, and the rests of what was begun. */
#ifndef CONNECTORS_FILESYSTEM_SPLITS_H
#define CONNECTORS_FILESYSTEM_SPLITS_H

#include "connectors/filesystem/share.h"

/* A file, or what an instance reads of it. */
typedef struct FileSplit {
    const char *path;
    uint64_t offset; /* where the next record begins, while `begun` */
    uint64_t line;   /* its line, from 1; 0: not known */
    uint64_t trace;  /* a hash of what stood before `offset` when it was kept; 0: not known */
    bool done;
    bool begun;
    /* Of a file that is read in parts. */
    uint64_t part_bytes; /* 0: it is read as a whole */
    uint64_t part_count;
    PartPool *pool;     /* where the parts behind the one at hand come from; NULL: from `wanted` */
    uint64_t *untaken;  /* bit i: part i was in the pool, and this instance did not take it */
    uint64_t taken;     /* how many it did */
    bool is_pool;       /* of a position only: what `untaken` was */
    uint64_t *wanted;   /* bit i: part i is still to be read */
    uint64_t part;      /* the one at hand while `begun`, else none before it is wanted */
    uint64_t run;       /* the parts before it are wanted, from the one at hand on */
    bool stops;         /* `stop` is known: where the first record behind the part begins, … */
    uint64_t stop;      /* … RECORD_NOWHERE: none does for sure */
    const Marks *marks; /* shared with other instances; NULL: they need none */
    struct FileReader *reader; /* NULL: not open */
} FileSplit;

typedef struct FileSplits {
    Arena *arena;
    FileShare *share; /* NULL: there are no other instances */
    FileSplit *files;
    uint32_t count;
    uint64_t bytes; /* to be read, but for what comes from pools */
} FileSplits;

/* The files of a fresh start. */
bool splits_find(FileSplits *splits, const SourceContext *context, Error *error) MUST_CHECK;
/* What is left of those of an epoch. */
bool splits_restore(FileSplits *splits, const SourceContext *context, Error *error) MUST_CHECK;
/* The position of one, and its name: its path, and what tells it from others of that path. */
void split_print(const FileSplit *file, Buffer *position);
void split_print_name(const FileSplits *splits, uint32_t number, Buffer *name);
/* The same of the parts that were not taken; false: it has no pool. */
bool split_print_pool(const FileSplit *file, Buffer *name, Buffer *position);
/* All that was and is to be read, about. */
uint64_t splits_bytes(const FileSplits *splits, uint32_t parallelism);
/* Whether instances have about the same to read. */
bool splits_are_even(const TableInfo *table, uint32_t parallelism);

static inline bool split_wants(const FileSplit *file, uint64_t part)
{
    return part < file->part_count && (file->wanted[part / 64] >> part % 64 & 1) != 0;
}

/* Records that begin before it are of the part at hand; the last part has no end: what a file grows
 * by while it is read belongs to it. */
static inline uint64_t split_limit(const FileSplit *file)
{
    bool open = file->part_bytes == 0 || file->part + 1 == file->part_count;
    return open ? UINT64_MAX : (file->part + 1) * file->part_bytes;
}

/* The same of the part at hand and those behind it that are read as well, up to one that is not. */
uint64_t split_run_limit(FileSplit *file);

/* The part at hand has been read, or has no records; `part` goes to the next, which is begun if it
 * follows one that was. Takes it. */
void split_end_part(FileSplit *file);

#endif
