/* A set of the values that DISTINCT aggregates over the same arguments have seen, with their
 * filters as slots. Shared by
 *
 *     aggregate/distinct.c        open, masks, merge; values counted by group
 *     aggregate/distinct_pages.c  values that only come, as bits in pages */
#ifndef EXECUTOR_AGGREGATE_DISTINCT_H
#define EXECUTOR_AGGREGATE_DISTINCT_H

#include "executor/aggregate/internal.h"

/* Filters that one set tells apart: the bits of a word. */
#define DISTINCT_SLOTS_MAX 64

struct DistinctSet {
    const uint32_t *arguments;
    uint32_t argument_count;
    int32_t *filters; /* by slot; -1: none */
    uint32_t slot_count;
    bool by_group;
    bool in_pages;           /* neighbours share a page: one integer argument, and no TTL */
    uint32_t page_bits;      /* a page has 1 << page_bits values */
    const RowLayout *layout; /* of a value */
    const Vector **columns;
    StateTable *table;
    /* Of the batch at hand. */
    uint64_t *passes;     /* by row: slots whose filter lets it through */
    uint8_t **masks;      /* by slot */
    StateEntry **emptied; /* entries that may have no counter left */
    size_t emptied_count;
    size_t emptied_capacity;
};

/* Chooses the shape of the pages; before the table is declared. */
void distinct_pages_shape(const Aggregate *aggregate, DistinctSet *set);
/* Counts a batch's values: rows[0 .. count), of which at least one slot takes each. */
void distinct_pages_update(const Aggregate *aggregate, DistinctSet *set, AggregateBatch *work,
                           const uint32_t *rows, uint32_t count);

#endif
