/* What the files of the filesystem connector share. */
#ifndef CONNECTORS_FILESYSTEM_INTERNAL_H
#define CONNECTORS_FILESYSTEM_INTERNAL_H

#include "connectors/connector.h"
#include "formats/format.h"

extern const OptionSpec filesystem_options[];
extern const SourceClass filesystem_source_class;
extern const SinkClass filesystem_sink_class;

enum { FILESYSTEM_FILE_PATH, FILESYSTEM_FILE_NAME, FILESYSTEM_FILE_SIZE, FILESYSTEM_FILE_MODIFIED };

/* The option "path" without "file://". */
const char *filesystem_path(const Options *options);

/* A file as it was when it was looked for. */
typedef struct FoundFile {
    char *path;
    uint64_t size; /* 0 of what has none, such as a pipe */
} FoundFile;

/* Files, sorted by the bytes of their paths. */
typedef struct FileList {
    FoundFile *files;
    bool complete; /* file_list_find has ended well */
    uint32_t count;
    uint32_t capacity;
} FileList;

void file_list_add(FileList *list, const char *path, uint64_t size);
void file_list_deinit(FileList *list);
/* The file itself, or every file below the folder, hidden ones (. and _ first) left out. `pattern`:
 * a regular expression that the absolute path must match as a whole; NULL: all. */
bool file_list_find(FileList *list, const char *path, const char *pattern, Error *error) MUST_CHECK;
/* Whether the pattern can be understood. */
bool file_pattern_check(const char *pattern, Error *error) MUST_CHECK;

/* filesystem/partition.c: tables PARTITIONED BY columns. */
bool partition_has(const TableInfo *table, uint32_t column);
/* The columns that lie in the files. */
const Schema *partition_stored(const TableInfo *table, Arena *arena);
/* The folder of a row, below the table's: "dt=2024-05-01/hm=10-30". */
void partition_print(const TableInfo *table, const Batch *batch, uint32_t row, Buffer *out);
/* The value that the path of a file gives a column, into row 0. */
bool partition_read(const TableInfo *table, const char *path, uint32_t column, Vector *vector,
                    Arena *arena, Error *error) MUST_CHECK;

#endif
