/* Rows held back in the batches they came in.
 *
 * A row is known by its place: page and row. A page is a batch that was kept as it is or, where
 * batches are small, one that their rows were copied to. Rows go out again column by column, their
 * strings borrowed from the pages.
 *
 * Cost: a reference a batch, a copy of a row of a small one; a typed loop per column and page on
 * the way out. Rows that are no longer wanted take memory until row_pages_compact. */
#ifndef EXECUTOR_ROW_PAGES_H
#define EXECUTOR_ROW_PAGES_H

#include "core/batch.h"

typedef struct RowPlace {
    uint32_t page;
    uint32_t row;
} RowPlace;

#define ROW_NOWHERE ((RowPlace){UINT32_MAX, 0})

static inline bool row_place_is_somewhere(RowPlace place)
{
    return place.page != UINT32_MAX;
}

typedef struct RowPages {
    const Schema *schema;
    Batch **pages;
    uint32_t count;
    uint32_t capacity;
    bool last_is_open; /* the last page takes copies */
    uint64_t rows;
} RowPages;

void row_pages_init(RowPages *pages, const Schema *schema);
/* Forgets all rows. */
void row_pages_clear(RowPages *pages);
void row_pages_deinit(RowPages *pages);
/* Keeps the rows of a batch; the place of its first, which the others follow. */
RowPlace row_pages_add(RowPages *pages, Batch *batch);
/* Keeps the rows at these places only, and says where they are then. */
void row_pages_compact(RowPages *pages, RowPlace **places, uint32_t count);
/* Whether both rows are equal, NULL to NULL. */
bool row_pages_equal(const RowPages *pages, RowPlace a, RowPlace b);
/* Row i of `to`, which has the room, becomes the row at places[i]; `to` holds what it borrows. */
void row_pages_copy(const RowPages *pages, const RowPlace *places, uint32_t count, Batch *to);

#endif
