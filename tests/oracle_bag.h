/* A bag of rows as text, by count; counts may go below zero. */
#ifndef TESTS_ORACLE_BAG_H
#define TESTS_ORACLE_BAG_H

#include "core/buffer.h"

typedef struct BagRow {
    uint64_t hash;
    char *text; /* NULL: a free slot */
    uint32_t length;
    int count;
} BagRow;

typedef struct Bag {
    BagRow *slots;
    uint32_t capacity; /* a power of two */
    uint32_t used;
} Bag;

void bag_clear(Bag *bag);
void bag_deinit(Bag *bag);
/* Returns how many there are now. */
int bag_add(Bag *bag, Str row, int count);
/* What one bag has more of than the other, a line each, appended to `out`; true when nothing. */
bool bag_compare(const Bag *expected, const Bag *actual, Buffer *out);

#endif
