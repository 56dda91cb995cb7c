/* SQL values as JSON, the way JSON_ARRAYAGG and its like write them. */
#ifndef FUNCTIONS_JSON_VALUE_H
#define FUNCTIONS_JSON_VALUE_H

#include "core/buffer.h"
#include "core/datetime.h"
#include "core/vector.h"

/* Appends the value of a row: numbers and BOOLEAN as such, NULL as null, ARRAY and MULTISET as an
 * array, MAP and ROW as an object, BINARY in base 64, everything else as the text CAST gives. */
void json_print_value(const Vector *vector, uint32_t row, const TimeZone *zone, Buffer *out);

#endif
