/* Rows without -0.0: what goes into state comes out of it as 0.0, because equal values are equal
 * bytes there (core/row.h). Who keeps rows makes the zeros of what comes in plain, so that what it
 * tells of a row is the same before the row was kept and after.
 *
 * Cost: a pass over the values of FLOAT and DOUBLE columns; a copy of one that has a -0.0. */
#ifndef CORE_PLAIN_ZEROS_H
#define CORE_PLAIN_ZEROS_H

#include "core/batch.h"

/* Those columns that may hold a -0.0, nested ones included; in the arena, the schema's. */
const uint32_t *plain_zeros_columns(Arena *arena, const Schema *schema, uint32_t *count);

/* The batch with 0.0 for each -0.0 of these columns. Takes the batch over and gives it back, or
 * another one that holds it. */
Batch *plain_zeros(Batch *batch, const uint32_t *columns, uint32_t count);

#endif
