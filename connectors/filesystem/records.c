/* Searching a file piece by piece, beside its reader: what pread gives moves no position. */
#include "connectors/filesystem/records.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* Where a record's beginning can be told from the bytes around it, it is near. */
#define PIECE_BYTES_SMALL ((size_t)4 << 10)
#define PIECE_BYTES       ((size_t)64 << 10)

void record_finder_deinit(RecordFinder *finder)
{
    memory_free(finder->buffer);
}

static void set_known(RecordFinder *finder, uint64_t from, uint64_t offset)
{
    finder->at = offset;
    finder->scan = (RecordScan){.begun = offset != 0};
    finder->has = true;
    finder->sought = from;
    finder->found = offset;
}

/* The others do not take every record's beginning for one. */
void record_finder_know(RecordFinder *finder, uint64_t from, uint64_t offset)
{
    if (finder->search == RECORDS_FROM_RECORD)
        set_known(finder, from, offset);
}

/* Reads as much as there is, up to `size`. */
static bool read_piece(RecordFinder *finder, uint64_t at, size_t size, Str *piece, Error *error)
{
    if (finder->buffer == NULL)
        finder->buffer = memory_alloc(PIECE_BYTES);
    *piece = (Str){finder->buffer, 0};
    while (piece->length < size) {
        ssize_t got = pread(finder->descriptor, finder->buffer + piece->length,
                            size - piece->length, (off_t)(at + piece->length));
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return error_set(error, ERROR_IO, "could not read \"%s\": %s", finder->path,
                             strerror(errno));
        if (got == 0)
            return true;
        piece->length += (size_t)got;
    }
    return true;
}

/* Pieces overlap, so that what surrounds a place is in one of them. */
static bool find_anywhere(RecordFinder *finder, uint64_t from, Error *error)
{
    uint64_t at = from < RECORD_SEARCH_BYTES ? 0 : from - RECORD_SEARCH_BYTES;
    for (size_t size = PIECE_BYTES_SMALL;; size = PIECE_BYTES) {
        Str piece;
        if (!read_piece(finder, at, size, &piece, error))
            return false;
        if (at + piece.length <= from && piece.length < size)
            return true;
        size_t place =
            finder->format->find_record(finder->decoder, piece, (size_t)(from - at), &finder->scan);
        if (place != RECORD_NOT_FOUND) {
            finder->found = at + place;
            return true;
        }
        if (piece.length < size)
            return true;
        at += size - 2 * RECORD_SEARCH_BYTES;
        from = at + RECORD_SEARCH_BYTES;
    }
}

/* Passes over bytes up to the first record at `from` or behind it. */
static bool pass_to(RecordFinder *finder, uint64_t from, Error *error)
{
    finder->found = RECORD_NOWHERE;
    for (;;) {
        Str piece;
        if (!read_piece(finder, finder->at, PIECE_BYTES, &piece, error))
            return false;
        if (piece.length == 0)
            return true;
        uint64_t at = finder->at;
        size_t place = finder->format->find_record(
            finder->decoder, piece, from < at ? 0 : (size_t)(from - at), &finder->scan);
        if (place != RECORD_NOT_FOUND) {
            set_known(finder, from, at + place);
            if (finder->marks != NULL)
                marks_set(finder->marks, at + place);
            return true;
        }
        finder->at += piece.length;
    }
}

static bool find_from_record(RecordFinder *finder, uint64_t from, Error *error)
{
    const Marks *marks = finder->marks;
    if (from < finder->at) { /* only after a restore, once for a part that was put off */
        finder->at = 0;
        finder->scan = (RecordScan){0};
    }
    if (marks == NULL)
        return pass_to(finder, from, error);
    uint64_t mark = marks_before(marks, from, finder->at);
    if (mark != finder->at)
        set_known(finder, mark, mark);
    /* A stop in every part tells the others of it. */
    for (;;) {
        uint64_t part = (finder->at / marks->part_bytes + 1) * marks->part_bytes;
        if (part >= from)
            return pass_to(finder, from, error);
        if (!pass_to(finder, part, error))
            return false;
        if (finder->found >= from)
            return true;
    }
}

bool record_finder_find(RecordFinder *finder, uint64_t from, uint64_t *found, Error *error)
{
    if (!finder->has || from < finder->sought || from > finder->found) {
        finder->has = false;
        finder->found = RECORD_NOWHERE;
        bool good = finder->search == RECORDS_ANYWHERE ? find_anywhere(finder, from, error)
                                                       : find_from_record(finder, from, error);
        if (!good)
            return false;
        finder->has = true;
        finder->sought = from;
    }
    *found = finder->found;
    return true;
}

bool record_finder_count_lines(RecordFinder *finder, uint64_t to, uint64_t *lines, Error *error)
{
    *lines = 0;
    for (uint64_t at = 0; at < to;) {
        uint64_t left = to - at;
        Str piece;
        if (!read_piece(finder, at, left < PIECE_BYTES ? (size_t)left : PIECE_BYTES, &piece, error))
            return false;
        if (piece.length == 0)
            break;
        for (size_t i = 0; i < piece.length; i++)
            *lines += piece.data[i] == '\n';
        at += piece.length;
    }
    return true;
}
