/* Rows held back in the batches they came in (see row_pages.h). */
#include "executor/row_pages.h"

#include "executor/vector_rows.h"

/* A batch with fewer rows is copied: it takes more memory than they do. */
#define PAGE_ROWS_LEAST 256

void row_pages_init(RowPages *pages, const Schema *schema)
{
    *pages = (RowPages){.schema = schema};
}

static void release_pages(Batch **pages, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        batch_release(pages[i]);
}

void row_pages_clear(RowPages *pages)
{
    release_pages(pages->pages, pages->count);
    pages->count = 0;
    pages->rows = 0;
    pages->last_is_open = false;
}

void row_pages_deinit(RowPages *pages)
{
    row_pages_clear(pages);
    memory_free(pages->pages);
    pages->pages = NULL;
    pages->capacity = 0;
}

static void add_page(RowPages *pages, Batch *page, bool is_open)
{
    if (pages->count == pages->capacity) {
        pages->capacity = pages->capacity == 0 ? 16 : pages->capacity * 2;
        pages->pages = memory_realloc(pages->pages, pages->capacity * sizeof(Batch *));
    }
    pages->pages[pages->count++] = page;
    pages->last_is_open = is_open;
}

/* The page that copies go to, with room for `rows` more. */
static Batch *open_page(RowPages *pages, uint32_t rows)
{
    if (!pages->last_is_open || pages->pages[pages->count - 1]->row_count + rows > BATCH_ROWS_MAX)
        add_page(pages, batch_new(pages->schema, BATCH_ROWS_MAX), true);
    return pages->pages[pages->count - 1];
}

RowPlace row_pages_add(RowPages *pages, Batch *batch)
{
    pages->rows += batch->row_count;
    if (batch->row_count >= PAGE_ROWS_LEAST) {
        add_page(pages, batch_retain(batch), false);
        return (RowPlace){pages->count - 1, 0};
    }
    Batch *page = open_page(pages, batch->row_count);
    RowPlace first = {pages->count - 1, page->row_count};
    for (uint32_t row = 0; row < batch->row_count; row++)
        batch_append_row(page, batch, row);
    return first;
}

void row_pages_compact(RowPages *pages, RowPlace **places, uint32_t count)
{
    RowPages old = *pages;
    row_pages_init(pages, old.schema);
    for (uint32_t i = 0; i < count; i++) {
        Batch *page = open_page(pages, 1);
        RowPlace now = {pages->count - 1, page->row_count};
        batch_append_row(page, old.pages[places[i]->page], places[i]->row);
        *places[i] = now;
    }
    pages->rows = count;
    row_pages_deinit(&old);
}

bool row_pages_equal(const RowPages *pages, RowPlace a, RowPlace b)
{
    const Batch *left = pages->pages[a.page], *right = pages->pages[b.page];
    for (uint32_t c = 0; c < left->column_count; c++)
        if (!vector_values_equal(&left->columns[c], a.row, &right->columns[c], b.row))
            return false;
    return true;
}

/* A page that lends strings or nested values to a batch stays as long as that. */
static void hold_page(Batch *to, Batch *page)
{
    for (uint32_t c = 0; c < to->column_count; c++)
        if (to->columns[c].type->physical >= PHYSICAL_STRING) {
            batch_hold(to, batch_retain(page));
            return;
        }
}

void row_pages_copy(const RowPages *pages, const RowPlace *places, uint32_t count, Batch *to)
{
    /* Places sorted by page, which mostly they are: rows of a page go together. */
    uint32_t *starts = arena_zalloc(to->arena, sizeof(uint32_t) * (pages->count + 1));
    uint32_t *to_rows = arena_alloc(to->arena, sizeof(uint32_t) * (count + 1));
    uint32_t *from_rows = arena_alloc(to->arena, sizeof(uint32_t) * (count + 1));
    for (uint32_t i = 0; i < count; i++)
        starts[places[i].page + 1]++;
    for (uint32_t p = 0; p < pages->count; p++)
        starts[p + 1] += starts[p];
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = starts[places[i].page]++;
        to_rows[at] = i;
        from_rows[at] = places[i].row;
    }
    /* A page's start has become its end, which is the next one's start. */
    for (uint32_t p = 0; p < pages->count; p++) {
        uint32_t first = p == 0 ? 0 : starts[p - 1];
        if (starts[p] == first)
            continue;
        for (uint32_t c = 0; c < to->column_count; c++)
            vector_copy_rows(&to->columns[c], to_rows + first, &pages->pages[p]->columns[c],
                             from_rows + first, starts[p] - first, to->arena);
        hold_page(to, pages->pages[p]);
    }
}
