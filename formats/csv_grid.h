/* Many csv records at once: whole records with the same number of fields form a grid, in which the
 * end of a field is found by its place, without a look at each separator.
 *
 * Quotes may stand around a field and be doubled within; what else they may do in a record, blank
 * lines, escapes and records with another number of fields end the grid: such a record is cut on
 * its own.
 *
 * Cost: a few instructions for 64 bytes, and one store for a field. */
#ifndef FORMATS_CSV_GRID_H
#define FORMATS_CSV_GRID_H

#include "formats/csv_scan.h"

/* Readable bytes that must stand behind a grid's: fields are loaded as words. */
#define CSV_GRID_PADDING 32

typedef struct CsvGrid {
    const char *data;
    uint32_t fields; /* in a row */
    uint32_t rows;
    /* Field f of row r ends before ends[r * fields + f], the place of a separator. What stands
     * before the first, -1, makes it begin at 0. */
    uint32_t *ends;
    size_t length;  /* bytes of the rows */
    bool ascii;     /* no byte that was looked at is beyond ASCII */
    bool irregular; /* the record behind the rows is none for a grid */
    CsvBlock *blocks;
    size_t bytes; /* how many are looked at together */
} CsvGrid;

void csv_grid_init(CsvGrid *grid);
void csv_grid_deinit(CsvGrid *grid);

/* Finds up to `max_rows` records of `fields` fields from the start of `data` on, where a record
 * begins. None when there are too few bytes. */
void csv_grid_find(CsvGrid *grid, Str data, uint32_t fields, uint32_t max_rows, CsvScan scan,
                   const CsvMarks *marks);

/* A field with the quotes around it; a carriage return before the line feed is none of it. */
static inline Str csv_grid_field(const CsvGrid *grid, uint32_t row, uint32_t field)
{
    size_t at = (size_t)row * grid->fields + field;
    uint32_t end = grid->ends[at];
    uint32_t start = (grid->ends - 1)[at] + 1;
    if (field + 1 == grid->fields && end > start && grid->data[end - 1] == '\r')
        end--;
    return (Str){grid->data + start, end - start};
}

#endif
