/* Values as text, the way Flink's CAST to and from STRING writes and reads them. Formats, the
 * shell, the print connector, `.test` files and the CAST function all use this one pair. */
#ifndef CORE_VALUE_TEXT_H
#define CORE_VALUE_TEXT_H

#include "core/batch.h"
#include "core/datetime.h"

/* Appends the value of a row; NULL is written as "NULL". TIMESTAMP_LTZ is shown in `zone` (NULL:
 * UTC). BOOLEAN TRUE/FALSE, BINARY as x'0a', ARRAY [a, b], MAP {k=v}, ROW (a, b). */
void value_print(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out);

/* Reads text as the vector's type into a row. Leading and trailing white space is allowed for
 * everything but strings. False, with a message that quotes the text, when it does not fit. CHAR(n)
 * and VARCHAR(n) are cut to n characters, BINARY padded, as CAST does. Nested types are not read.
 */
bool value_parse(Vector *vector, uint32_t row, Str text, const TimeZone *zone, Arena *arena,
                 Error *error) MUST_CHECK;

#endif
