/* Finding where records of a file begin, apart from reading them. */
#ifndef CONNECTORS_FILESYSTEM_RECORDS_H
#define CONNECTORS_FILESYSTEM_RECORDS_H

#include "connectors/filesystem/share.h"

#define RECORD_NOWHERE UINT64_MAX

/* An open file to search in; zeros and the fields of the first group to begin with. */
typedef struct RecordFinder {
    const Format *format;
    const Decoder *decoder;
    RecordSearch search;
    int descriptor;
    const char *path;
    const Marks *marks; /* what others know; NULL: nothing */
    /* What is known: the bytes before `at` have been passed over, and, where `has`, the first
     * record at `sought` or behind it begins at `found`. */
    RecordScan scan;
    uint64_t at;
    bool has;
    uint64_t sought;
    uint64_t found;
    char *buffer;
} RecordFinder;

void record_finder_deinit(RecordFinder *finder);
/* The first record at `from` or behind it begins at `offset`. */
void record_finder_know(RecordFinder *finder, uint64_t from, uint64_t offset);
/* Where the first record at `from` or behind it begins that can be told from others; the same for
 * every reader of the file. RECORD_NOWHERE: there is none. */
bool record_finder_find(RecordFinder *finder, uint64_t from, uint64_t *found,
                        Error *error) MUST_CHECK;
/* Line breaks before a place. */
bool record_finder_count_lines(RecordFinder *finder, uint64_t to, uint64_t *lines,
                               Error *error) MUST_CHECK;

#endif
