/* Copying chosen rows between vectors: how arms of CASE meet and output batches are filled. */
#ifndef EXECUTOR_VECTOR_ROWS_H
#define EXECUTOR_VECTOR_ROWS_H

#include "core/vector.h"

/* to[to_rows[i]] = from[from_rows[i]] for i < count; a NULL list means i itself. Rows written must
 * be valid in `to` before. Strings stay borrowed from what `from` borrows from. */
void vector_copy_rows(Vector *to, const uint32_t *to_rows, const Vector *from,
                      const uint32_t *from_rows, uint32_t count, Arena *arena);

#endif
