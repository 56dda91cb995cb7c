/* Values as bytes whose memcmp order is the order SQL asks for.
 *
 * A value is a presence byte (0x00 NULL first, 0x01 value, 0xFF NULL last), then: integers, dates
 * and decimals big-endian with the sign bit flipped; floats with the IEEE trick (NaN last); strings
 * with 0x00 written as 0x00 0xFF and closed by 0x00 0x00. Descending columns are inverted byte by
 * byte. Equal values have equal bytes, and every value can be read back. */
#ifndef CORE_SORT_KEY_H
#define CORE_SORT_KEY_H

#include "core/vector.h"

typedef struct SortOrder {
    bool descending;
    bool nulls_last;
} SortOrder;

void sort_key_append(Buffer *out, const Vector *vector, uint32_t row, SortOrder order);

/* A column of a sort key. */
typedef struct SortKeyColumn {
    const Vector *vector;
    SortOrder order;
} SortKeyColumn;

/* The sort keys of the first `rows` rows, with `room` zeros behind each, which count in its length;
 * they lie in `out` until that is changed. Integers without NULLs go column by column. */
void sort_key_encode(const SortKeyColumn *columns, uint32_t count, uint32_t rows, uint32_t room,
                     Buffer *out, Str *keys);
/* Reads one value at `*bytes` and moves past it; strings are copied into the arena. */
void sort_key_read(Str *bytes, SortOrder order, Vector *to, uint32_t row, Arena *arena);

#endif
